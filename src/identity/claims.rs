//! What an issuer says of a subject, and whether it says it to us and now.

use super::token::TokenError;
use crate::time::Time;
use crate::{json, policy};
use serde_json::{Map, Number, Value};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What a verified credential says of its subject.
#[derive(Clone)]
pub enum Claims {
    /// The payload of a token, shared by all requests that bring it.
    Token(Arc<Map<String, Value>>),
    /// The value of a trusted header. It has one thing to say, so it answers whichever claim the bundle declares for
    /// the issuer, and no yes-or-no question.
    Header(String),
}

impl policy::Claims for Claims {
    fn text(&self, name: &str) -> Option<&str> {
        match self {
            Claims::Token(payload) => payload.get(name).and_then(Value::as_str),
            Claims::Header(value) => Some(value),
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self {
            // JSON's own `true` only: some issuers write "true", and some write "false" beside it.
            Claims::Token(payload) => payload.get(name).and_then(Value::as_bool),
            Claims::Header(_) => None,
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Claims::Token(payload) => payload.contains_key(name),
            Claims::Header(_) => false,
        }
    }

    fn is_words(&self, name: &str) -> bool {
        match self {
            Claims::Token(payload) => payload.get(name).is_some_and(json::is_words),
            Claims::Header(_) => false,
        }
    }

    fn holds(&self, name: &str, word: &str) -> bool {
        match self {
            Claims::Token(payload) => match payload.get(name) {
                Some(Value::String(text)) => text == word,
                Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(word)),
                _ => false,
            },
            // A header names somebody; it says nothing of how they logged in.
            Claims::Header(_) => false,
        }
    }
}

impl fmt::Debug for Claims {
    /// Without the values: they are about children, and what is debugged ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Claims::Token(_) => "Claims::Token(..)",
            Claims::Header(_) => "Claims::Header(..)",
        })
    }
}

/// Judges the registered claims of a token (RFC 7519 section 4.1) whose signature was verified, and gives the first
/// instant at which it holds and the first at which it does not hold any more.
///
/// It holds while `nbf - leeway <= now < exp + leeway` and `iat - leeway <= now`.
pub(super) fn judge(
    payload: &Map<String, Value>,
    issuer: &str,
    audience: &str,
    leeway: Duration,
    now: Time,
) -> Result<(Time, Time), TokenError> {
    if payload.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err(refused("`iss` is not the issuer that the token was verified for"));
    }
    judge_audience(payload.get("aud"), audience)?;
    // What is finer than a microsecond is cut off so that the token holds for less.
    let Some(expires) = instant(payload, "exp", f64::floor)? else {
        return Err(refused("the token has no `exp`"));
    };
    let expires = expires.plus(leeway);
    if now >= expires {
        return Err(refused("the token has expired"));
    }
    let mut begins = Time::MIN;
    for (name, wrong) in
        [("nbf", "the token is not valid yet"), ("iat", "the token was issued in the future")]
    {
        let Some(from) = instant(payload, name, f64::ceil)? else { continue };
        let from = from.minus(leeway);
        if now < from {
            return Err(refused(wrong));
        }
        begins = begins.max(from);
    }
    Ok((begins, expires))
}

/// RFC 7519 4.1.3. An empty list is not "for everybody" (CVE-2020-26160).
fn judge_audience(claim: Option<&Value>, audience: &str) -> Result<(), TokenError> {
    let ours = match claim {
        None => return Err(refused("the token has no `aud`")),
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(list)) if !list.iter().all(Value::is_string) => {
            return Err(refused("`aud` is a list with something else than strings in it"));
        }
        Some(Value::Array(list)) => list.iter().any(|one| one == audience),
        Some(_) => return Err(refused("`aud` is neither a string nor a list of strings")),
    };
    if ours { Ok(()) } else { Err(refused("the token is for another audience")) }
}

/// A NumericDate (RFC 7519 section 2). One that is there and cannot be judged refuses the token; it is never treated
/// as if it were not there (CVE-2026-25537) nor moved to the nearest instant that can be counted.
fn instant(
    payload: &Map<String, Value>,
    name: &str,
    round: fn(f64) -> f64,
) -> Result<Option<Time>, TokenError> {
    let number = match payload.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(refused(format!("`{name}` is not a number"))),
    };
    match micros(number, round) {
        Some(micros) => Ok(Some(Time::from_unix_micros(micros))),
        None => Err(refused(format!("`{name}` is beyond all counting"))),
    }
}

fn micros(seconds: &Number, round: fn(f64) -> f64) -> Option<i64> {
    if let Some(whole) = seconds.as_i64() {
        return whole.checked_mul(1_000_000);
    }
    if seconds.is_u64() {
        return None;
    }
    let micros = round(seconds.as_f64()? * 1e6);
    // The powers of two are exact; `i64::MAX` as a float is one beyond what fits.
    let fits = micros.is_finite() && micros >= -(2_f64.powi(63)) && micros < 2_f64.powi(63);
    fits.then_some(micros as i64)
}

fn refused(text: impl Into<String>) -> TokenError {
    TokenError::Claims(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Claims as _;
    use serde_json::json;

    const NOW: i64 = 1_790_000_000;

    fn judged(change: Value, leeway: u64, now: Time) -> Result<Time, TokenError> {
        let mut payload = json!({"iss": "https://login.example", "aud": "hallpass", "exp": NOW + 60});
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::String(absent) if absent == "absent" => payload.as_object_mut().unwrap().remove(name),
                value => payload.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        // Through text, as a token comes.
        let Value::Object(payload) = crate::json::parse(payload.to_string().as_bytes()).unwrap() else {
            panic!()
        };
        let judged = judge(&payload, "https://login.example", "hallpass", Duration::from_secs(leeway), now);
        judged.map(|(begins, expires)| {
            assert!(begins <= now && now < expires);
            expires
        })
    }

    fn at(micros: i64) -> Time {
        Time::from_unix_micros(NOW * 1_000_000 + micros)
    }

    #[track_caller]
    fn refuses(change: Value) {
        assert!(matches!(judged(change.clone(), 0, at(0)), Err(TokenError::Claims(_))), "{change}");
    }

    #[track_caller]
    fn takes(change: Value) {
        assert!(judged(change.clone(), 0, at(0)).is_ok(), "{change}");
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        takes(json!({}));
        for iss in
            [json!("absent"), json!("https://login.example/"), json!("HTTPS://login.example"), json!(null)]
        {
            refuses(json!({ "iss": iss }));
        }
        refuses(json!({"iss": ["https://login.example"]}));
    }

    #[test]
    fn the_audience_must_be_ours_by_name() {
        takes(json!({"aud": ["other", "hallpass"]}));
        for aud in [
            json!("absent"),
            json!([]),
            json!(""),
            json!([""]),
            json!(null),
            json!(true),
            json!({}),
            json!({"hallpass": true}),
            json!("Hallpass"),
            json!("hallpass2"),
            json!("hallpass other"),
            json!(["other"]),
            json!(["hallpass", 1]),
            json!(["hallpass", null]),
            json!([["hallpass"]]),
        ] {
            refuses(json!({ "aud": aud }));
        }
    }

    #[test]
    fn a_token_holds_until_the_microsecond_before_it_expires() {
        let expires = at(60_000_000);
        assert_eq!(judged(json!({}), 0, at(59_999_999)), Ok(expires));
        assert!(judged(json!({}), 0, expires).is_err());
        assert_eq!(judged(json!({}), 5, at(64_999_999)), Ok(at(65_000_000)));
        assert!(judged(json!({}), 5, at(65_000_000)).is_err());
    }

    #[test]
    fn a_token_holds_from_the_microsecond_that_it_names() {
        for name in ["nbf", "iat"] {
            let begins = json!({ name: NOW });
            assert!(judged(begins.clone(), 0, at(-1)).is_err(), "{name}");
            assert!(judged(begins.clone(), 0, at(0)).is_ok(), "{name}");
            assert!(judged(begins.clone(), 2, at(-2_000_000)).is_ok(), "{name}");
            assert!(judged(begins, 2, at(-2_000_001)).is_err(), "{name}");
        }
    }

    #[test]
    fn fractions_of_a_second_are_judged_and_never_lengthen_a_token() {
        let expires = json!({"exp": NOW as f64 + 0.5});
        assert_eq!(judged(expires.clone(), 0, at(499_999)), Ok(at(500_000)));
        assert!(judged(expires, 0, at(500_000)).is_err());
        assert!(judged(json!({"nbf": NOW as f64 + 0.25}), 0, at(249_999)).is_err());
        assert!(judged(json!({"nbf": NOW as f64 + 0.25}), 0, at(250_000)).is_ok());
        assert_eq!(micros(&Number::from_f64(0.000_000_9).unwrap(), f64::floor), Some(0));
        assert_eq!(micros(&Number::from_f64(0.000_000_1).unwrap(), f64::ceil), Some(1));
        assert_eq!(micros(&Number::from_f64(-0.000_000_1).unwrap(), f64::floor), Some(-1));
    }

    #[test]
    fn a_time_that_is_not_a_number_refuses_the_token() {
        for name in ["exp", "nbf", "iat"] {
            for value in [
                json!("9999"),
                json!((NOW + 60).to_string()),
                json!(""),
                json!(null),
                json!(true),
                json!([NOW]),
                json!({}),
            ] {
                refuses(json!({ name: value }));
            }
        }
        refuses(json!({"exp": "absent"}));
    }

    #[test]
    fn a_time_that_cannot_be_counted_refuses_the_token_and_is_not_moved() {
        for name in ["exp", "nbf", "iat"] {
            for value in [
                json!(i64::MAX),
                json!(i64::MIN),
                json!(u64::MAX),
                json!(9_300_000_000_000_i64),
                json!(9.3e12),
                json!(1e20),
                json!(-1e20),
                json!(1e300),
                json!(-1e300),
            ] {
                refuses(json!({ name: value }));
            }
        }
        takes(json!({"exp": 9_000_000_000_000_i64, "nbf": -9_000_000_000_000_i64, "iat": -0.0}));
        refuses(json!({"exp": 0}));
        refuses(json!({"exp": -1}));
        assert!(crate::json::parse(br#"{"exp":1e999}"#).is_err());
    }

    #[test]
    fn the_end_of_time_is_not_passed_by_leeway() {
        let end = i64::MAX / 1_000_000;
        assert_eq!(judged(json!({"exp": end}), 300, at(0)), Ok(Time::MAX));
        assert!(judged(json!({"exp": end, "nbf": -end}), 300, Time::MIN).is_ok());
    }

    #[test]
    fn text_gives_strings_and_flag_gives_booleans() {
        let Value::Object(map) =
            json!({"sub": "ari", "n": 1, "yes": true, "no": false, "s": "true", "l": ["ari"]})
        else {
            panic!()
        };
        let claims = Claims::Token(Arc::new(map));
        assert_eq!(claims.text("sub"), Some("ari"));
        assert_eq!((claims.flag("yes"), claims.flag("no")), (Some(true), Some(false)));
        for name in ["n", "yes", "l", "absent"] {
            assert_eq!(claims.text(name), None, "{name}");
        }
        for name in ["s", "n", "sub", "absent"] {
            assert_eq!(claims.flag(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_debugged_does_not_tell_the_values() {
        assert!(!format!("{:?}", Claims::Header("ari".into())).contains("ari"));
        assert!(
            !format!("{:?}", Claims::Token(Arc::new(json!({"sub": "ari"}).as_object().unwrap().clone())))
                .contains("ari")
        );
    }
}
