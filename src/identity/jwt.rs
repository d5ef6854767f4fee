//! An issuer of tokens: how it is configured, its keys, and the judgement of one token of its.

use super::claims::{self, Claims};
use super::token::{self, Algorithm, Jws, TokenError};
use super::{ConfigError, KeySet, KeySource, Keys, Remote, Verified, shown};
use crate::time::Time;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// The most that clocks may be said to differ.
pub const LEEWAY_MAX: Duration = Duration::from_secs(5 * 60);

/// What is configured of an issuer.
#[derive(Debug, Clone)]
pub struct JwtSettings {
    /// The `iss` of its tokens, byte for byte.
    pub issuer: String,
    /// What `aud` must name: we ourselves.
    pub audience: String,
    /// The algorithms that it signs with.
    pub algorithms: Vec<Algorithm>,
    /// How far its clock may differ from ours; at most [`LEEWAY_MAX`].
    pub leeway: Duration,
}

/// An issuer whose tokens are believed, as far as its keys verify them.
#[derive(Debug)]
pub struct JwtIssuer {
    issuer: Arc<str>,
    audience: String,
    algorithms: Vec<Algorithm>,
    leeway: Duration,
    keys: Arc<Keys>,
    remote: Option<Arc<Remote>>,
}

impl JwtIssuer {
    /// An issuer with its keys.
    ///
    /// # Errors
    /// An empty issuer, audience or list of algorithms, a leeway beyond [`LEEWAY_MAX`], and keys none
    /// of which is for any of the algorithms.
    pub fn new(settings: JwtSettings, keys: KeySet) -> Result<JwtIssuer, ConfigError> {
        let issuer = JwtIssuer::without_keys(settings)?;
        match issuer.keys.replace(keys) {
            Ok(()) => Ok(issuer),
            Err(_) => Err(ConfigError::new(format!(
                "issuer {} has no key for its algorithms",
                shown(&issuer.issuer)
            ))),
        }
    }

    /// An issuer whose keys somebody is going to load. Until then its tokens do not hold.
    ///
    /// # Errors
    /// As for [`new`](JwtIssuer::new), but for the keys.
    pub fn without_keys(settings: JwtSettings) -> Result<JwtIssuer, ConfigError> {
        let JwtSettings { issuer, audience, algorithms, leeway } = settings;
        if issuer.is_empty() {
            return Err(ConfigError::new("the issuer is empty"));
        }
        if audience.is_empty() {
            return Err(ConfigError::new(format!("the audience of issuer {} is empty", shown(&issuer))));
        }
        if leeway > LEEWAY_MAX {
            return Err(ConfigError::new(format!("the leeway of issuer {} is too long", shown(&issuer)))
                .help(format!("at most {} seconds", LEEWAY_MAX.as_secs())));
        }
        if algorithms.is_empty() {
            return Err(ConfigError::new(format!("issuer {} has no algorithms", shown(&issuer))).help(
                format!("name those it signs with: {}", Algorithm::ALL.map(Algorithm::as_str).join(", ")),
            ));
        }
        let keys = Arc::new(Keys::none(&algorithms));
        Ok(JwtIssuer { issuer: issuer.into(), audience, algorithms, leeway, keys, remote: None })
    }

    /// An issuer whose keys are fetched from a URL, by a [`Fetcher`](super::Fetcher) that is started on its
    /// [`source`](JwtIssuer::source).
    ///
    /// # Errors
    /// As for [`without_keys`](JwtIssuer::without_keys).
    pub fn fetched(settings: JwtSettings, remote: Remote) -> Result<JwtIssuer, ConfigError> {
        let issuer = JwtIssuer::without_keys(settings)?;
        Ok(JwtIssuer { remote: Some(Arc::new(remote)), ..issuer })
    }

    /// Where its keys come from, and whether they are there.
    pub fn source(&self) -> KeySource {
        KeySource { issuer: self.issuer.clone(), keys: self.keys.clone(), remote: self.remote.clone() }
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// How much longer its tokens hold than they say.
    pub fn leeway(&self) -> Duration {
        self.leeway
    }

    /// Its keys, which may be exchanged at any time.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// Judges a token of this issuer: its header, then the signature, then the claims.
    ///
    /// # Errors
    /// Whatever of these does not hold.
    pub fn verify(&self, token: Unverified<'_>, now: Time) -> Result<Verified, TokenError> {
        let Unverified { jws, payload } = token;
        if !self.algorithms.contains(&jws.algorithm) {
            let text = format!("the algorithm `{}` is not allowed for the issuer", jws.algorithm);
            return Err(TokenError::Algorithm(text));
        }
        judge_type(jws.typ.as_deref())?;
        self.keys.verify(&jws)?;
        let (begins, expires) = claims::judge(&payload, &self.issuer, &self.audience, self.leeway, now)?;
        Ok(Verified {
            issuer: Arc::clone(&self.issuer),
            claims: Claims::Token(Arc::new(payload)),
            begins,
            expires: Some(expires),
        })
    }
}

/// A token that was read and not verified: it may be asked for one thing, who is to verify it.
pub struct Unverified<'t> {
    jws: Jws<'t>,
    payload: Map<String, Value>,
}

impl<'t> Unverified<'t> {
    /// Reads a token and its payload.
    ///
    /// # Errors
    /// As [`Jws::parse`], and a payload that is not a strict JSON object.
    pub fn read(text: &'t str) -> Result<Unverified<'t>, TokenError> {
        let jws = Jws::parse(text)?;
        let payload = token::object("payload", &jws.payload)?;
        Ok(Unverified { jws, payload })
    }

    /// Who is said to have issued it.
    ///
    /// # Errors
    /// [`TokenError::Claims`] without an `iss`, or one that is not a string.
    pub fn issuer(&self) -> Result<&str, TokenError> {
        match self.payload.get("iss") {
            Some(Value::String(issuer)) => Ok(issuer),
            Some(_) => Err(TokenError::Claims("`iss` is not a string".into())),
            None => Err(TokenError::Claims("the token has no `iss`".into())),
        }
    }
}

/// RFC 7519 5.1 and RFC 9068 2.1: what says of itself that it is something else (a log-out notice, a proof of
/// possession) is not a token of ours, though the same key signed it. RFC 7515 4.1.9: `application/` may be left out.
fn judge_type(typ: Option<&str>) -> Result<(), TokenError> {
    let Some(typ) = typ else { return Ok(()) };
    let known = ["JWT", "at+jwt", "application/jwt", "application/at+jwt"];
    match known.iter().any(|known| known.eq_ignore_ascii_case(typ)) {
        true => Ok(()),
        false => Err(token::form(format!("the token is of type {}", shown(typ)))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AUDIENCE, ISSUER, Signer, now, payload};
    use super::*;
    use crate::policy::Claims as _;
    use serde_json::json;

    fn settings() -> JwtSettings {
        JwtSettings {
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            algorithms: Algorithm::ALL.to_vec(),
            leeway: Duration::ZERO,
        }
    }

    fn issuer(algorithms: &[Algorithm], signers: &[&Signer]) -> JwtIssuer {
        JwtIssuer::new(JwtSettings { algorithms: algorithms.to_vec(), ..settings() }, Signer::set(signers))
            .unwrap()
    }

    fn verify(header: Value, payload: &str, signer: &Signer) -> Result<Verified, TokenError> {
        let token = signer.token_with(&header.to_string(), payload);
        issuer(&Algorithm::ALL, &[signer]).verify(Unverified::read(&token)?, now())
    }

    #[test]
    fn verifies_a_token_of_each_algorithm() {
        for signer in Signer::all() {
            let verified = verify(json!({"alg": signer.alg}), &payload(json!({})), signer).unwrap();
            assert_eq!(&*verified.issuer, ISSUER);
            assert_eq!(verified.claims.text("sub"), Some("ari"));
            assert_eq!(verified.expires, Some(now().plus(Duration::from_secs(60))));
        }
    }

    #[test]
    fn refuses_an_algorithm_that_the_issuer_does_not_use() {
        let signer = Signer::eddsa();
        let token = signer.token_with(r#"{"alg":"EdDSA"}"#, &payload(json!({})));
        let issuer = issuer(&[Algorithm::Es256, Algorithm::Rs256], &[signer, Signer::es256()]);
        let refused = issuer.verify(Unverified::read(&token).unwrap(), now());
        assert!(matches!(refused, Err(TokenError::Algorithm(_))));
    }

    #[test]
    fn refuses_what_says_that_it_is_no_access_or_identity_token() {
        let signer = Signer::es256();
        for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
            assert!(
                verify(json!({"alg": "ES256", "typ": typ}), &payload(json!({})), signer).is_ok(),
                "{typ}"
            );
        }
        for typ in ["", "JWS", "JOSE", "logout+jwt", "dpop+jwt", "secevent+jwt", "JWT ", "text/jwt"] {
            let refused = verify(json!({"alg": "ES256", "typ": typ}), &payload(json!({})), signer);
            assert!(matches!(refused, Err(TokenError::Form(_))), "{typ}");
        }
    }

    #[test]
    fn refuses_a_signed_payload_that_can_be_read_in_two_ways_or_not_at_all() {
        let signer = Signer::es256();
        let good = payload(json!({}));
        let inside = good.trim_end_matches('}');
        for text in [
            String::new(),
            "null".into(),
            "[]".into(),
            "\"ari\"".into(),
            inside.into(),
            format!("{good}{good}"),
            format!("{inside},\"sub\":\"zoe\"}}"),
            format!("{inside},\"\\u0073ub\":\"zoe\"}}"),
            format!("{inside},\"x\":{{\"a\":1,\"a\":1}}}}"),
            format!("{inside},\"exp\":9999999999}}"),
            format!("{inside},\"x\":\"\\ud800\"}}"),
        ] {
            let refused = verify(json!({"alg": "ES256"}), &text, signer);
            assert!(matches!(refused, Err(TokenError::Form(_))), "{text}");
        }
    }

    #[test]
    fn refuses_a_token_of_another_issuer_that_the_same_key_signed() {
        let refused = verify(
            json!({"alg": "ES256"}),
            &payload(json!({"iss": "https://other.example"})),
            Signer::es256(),
        );
        assert!(matches!(refused, Err(TokenError::Claims(_))));
    }

    #[test]
    fn an_issuer_that_is_configured_loosely_is_refused() {
        let refusal = |settings: JwtSettings| {
            JwtIssuer::new(settings, Signer::set(&[Signer::es256()])).unwrap_err().to_string()
        };
        assert!(refusal(JwtSettings { issuer: String::new(), ..settings() }).contains("issuer is empty"));
        assert!(
            refusal(JwtSettings { audience: String::new(), ..settings() }).contains("audience of issuer")
        );
        assert!(refusal(JwtSettings { algorithms: Vec::new(), ..settings() }).contains("has no algorithms"));
        assert!(
            refusal(JwtSettings { algorithms: vec![Algorithm::Rs256], ..settings() }).contains("no key for")
        );
        let leeway = LEEWAY_MAX + Duration::from_micros(1);
        assert!(refusal(JwtSettings { leeway, ..settings() }).contains("at most 300 seconds"));
        let keys = Signer::set(&[Signer::es256()]);
        assert!(JwtIssuer::new(JwtSettings { leeway: LEEWAY_MAX, ..settings() }, keys).is_ok());
    }
}
