//! A compact JWS (RFC 7515) taken apart, every part in the one spelling it has. Nothing here is verified yet.

use super::shown;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use std::fmt;

/// The longest token that is read, in bytes.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// The longest `kid`, in bytes.
pub const KID_BYTES_MAX: usize = 256;

/// The signature algorithms that exist here. All are asymmetric: no key that verifies can sign, so `none` and the
/// confusion of a public key with an HMAC secret have no way to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

    /// The name of RFC 7518 section 3.1 and RFC 8037 section 3.1.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this name; names are case-sensitive.
    pub fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a token does not hold. The text is for logs (see [`super::Rejected::detail`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// It is not a token that can be read in one way only.
    Form(String),
    /// Its algorithm is none of ours, or none of the issuer's.
    Algorithm(String),
    /// There is no issuer, or no key of the issuer, to verify it with.
    Key(String),
    /// The signature is not one of that key over these bytes.
    Signature,
    /// It is signed, and does not hold for this audience at this time.
    Claims(String),
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenError::Form(text)
            | TokenError::Algorithm(text)
            | TokenError::Key(text)
            | TokenError::Claims(text) => f.write_str(text),
            TokenError::Signature => f.write_str("the signature does not verify"),
        }
    }
}

impl std::error::Error for TokenError {}

/// A signed token, taken apart and not verified.
pub struct Jws<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    /// What was signed: the first two parts as they were sent, with the dot between them (RFC 7515 5.2).
    pub(super) signed: &'t str,
    /// May be empty: what must be in it is not a matter of the signature.
    pub(super) payload: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`TokenError::Form`] for more than [`TOKEN_BYTES_MAX`], anything but three parts of unpadded canonical
    /// base64url, and a header that is not a strict JSON object, is not ours to understand (`crit`, `b64`) or has a
    /// member of the wrong type; [`TokenError::Algorithm`] for an `alg` that is none of [`Algorithm`].
    pub fn parse(token: &'t str) -> Result<Jws<'t>, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(form(format!("the token is longer than {TOKEN_BYTES_MAX} bytes")));
        }
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            Some((signed, header, payload, signature))
        });
        // A dot too many is left in the payload, where it is no base64url.
        let Some((signed, header, payload, signature)) = parts else {
            return Err(form("the token does not have three parts"));
        };
        if header.is_empty() || signature.is_empty() {
            return Err(form("a part of the token is empty"));
        }
        let header = object("header", &decode("header", header)?)?;
        // RFC 7515 4.1.11: a critical extension that is not understood refuses the token, and we understand none.
        // RFC 7797: `b64` changes what was signed; it must come with `crit`, and one without is a trap.
        for name in ["crit", "b64"] {
            if header.contains_key(name) {
                return Err(form(format!("the header has `{name}`, which is not supported")));
            }
        }
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => Algorithm::named(name).ok_or_else(|| {
                TokenError::Algorithm(format!("the algorithm {} is not allowed", shown(name)))
            })?,
            Some(_) => return Err(form("`alg` of the header is not a string")),
            None => return Err(form("the header has no `alg`")),
        };
        let kid = text(&header, "kid")?;
        if kid.as_ref().is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(form(format!("`kid` of the header is longer than {KID_BYTES_MAX} bytes")));
        }
        let typ = text(&header, "typ")?;
        Ok(Jws {
            algorithm,
            kid,
            typ,
            signed,
            payload: decode("payload", payload)?,
            signature: decode("signature", signature)?,
        })
    }

    /// The algorithm that the header names.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Reads the bytes of a part as a strict JSON object.
pub(super) fn object(part: &str, bytes: &[u8]) -> Result<Map<String, Value>, TokenError> {
    match crate::json::parse(bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(form(format!("the {part} is not a JSON object"))),
        // The text may name a member, and with that repeats what a stranger wrote.
        Err(error) => Err(form(format!("the {part} is not strict JSON: {}", shown(&error.message)))),
    }
}

pub(super) fn form(text: impl Into<String>) -> TokenError {
    TokenError::Form(text.into())
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, TokenError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(form(format!("`{name}` of the header is not a string"))),
    }
}

/// Base64url as RFC 7515 section 2 has it: no padding, no white space, and no bits set beyond the last byte, so that
/// one run of bytes has one spelling.
fn decode(part: &str, text: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| form(format!("the {part} is not unpadded canonical base64url")))
}

#[cfg(test)]
mod tests {
    use super::super::testing::encode;
    use super::*;

    fn refusal(token: &str) -> TokenError {
        Jws::parse(token).err().unwrap()
    }

    fn with_header(header: &str) -> String {
        format!("{}.{}.{}", encode(header), encode("{}"), encode("signature"))
    }

    #[test]
    fn takes_a_token_apart() {
        let token = with_header(r#"{"alg":"ES256","kid":"a","typ":"JWT"}"#);
        let jws = Jws::parse(&token).unwrap();
        assert_eq!((jws.algorithm, jws.kid.as_deref()), (Algorithm::Es256, Some("a")));
        assert_eq!(jws.payload, b"{}");
        assert_eq!(jws.signature, b"signature");
        assert_eq!(format!("{}.{}", jws.signed, encode("signature")), token);
    }

    #[test]
    fn refuses_anything_but_three_parts() {
        let (h, p, s) = (encode(r#"{"alg":"ES256"}"#), encode("{}"), encode("s"));
        for token in [
            String::new(),
            h.clone(),
            ".".into(),
            "..".into(),
            format!("{h}.{p}"),
            format!("{h}.{p}."),
            format!(".{p}.{s}"),
            format!("{h}.{p}.{s}."),
            format!("{h}.{p}.{s}.{s}"),
            format!("{h}..{p}.{s}"),
            format!(".{h}.{p}.{s}"),
        ] {
            assert!(matches!(refusal(&token), TokenError::Form(_)), "{token}");
        }
    }

    #[test]
    fn refuses_every_second_spelling_of_a_part() {
        let h = encode(r#"{"alg":"ES256"}"#);
        // `e30` is `{}`; `e31` has bits set after its last byte; `e30=` is padded; the others hold foreign bytes.
        assert!(Jws::parse(&format!("{h}.e30.e30")).is_ok());
        for part in ["e31", "e30=", "e30 ", " e30", "e3\t0", "e30\n", "e3+0", "e3/0", "e", "e30%3D", "é30"] {
            for token in [format!("{h}.{part}.e30"), format!("{h}.e30.{part}"), format!("{part}.e30.e30")] {
                assert!(matches!(refusal(&token), TokenError::Form(_)), "{token}");
            }
        }
    }

    #[test]
    fn refuses_a_token_beyond_the_limit_and_reads_one_at_it() {
        let start = format!("{}.", encode(r#"{"alg":"ES256"}"#));
        for (extra, fits) in [(0, true), (1, false), (1024, false)] {
            let rest = TOKEN_BYTES_MAX - start.len() - ".e30".len() + extra;
            // A run of `A` of length 1 modulo 4 is no base64url; the payload gives way to the signature then.
            let token = match rest % 4 {
                1 => format!("{start}{}.e30A", "A".repeat(rest - 1)),
                _ => format!("{start}{}.e30", "A".repeat(rest)),
            };
            assert_eq!(token.len(), TOKEN_BYTES_MAX + extra);
            assert_eq!(Jws::parse(&token).is_ok(), fits, "{extra}");
        }
    }

    #[test]
    fn refuses_a_header_that_can_be_read_in_two_ways_or_not_at_all() {
        for header in [
            r#"{"alg":"ES256","alg":"RS256"}"#,
            r#"{"alg":"ES256","\u0061lg":"none"}"#,
            r#"{"alg":"ES256","kid":"a","kid":"b"}"#,
            r#"{"alg":"ES256"} {}"#,
            r#"["ES256"]"#,
            r#""ES256""#,
            "null",
            "",
            "{}",
            r#"{"alg":null}"#,
            r#"{"alg":["ES256"]}"#,
            r#"{"alg":"ES256","kid":1}"#,
            r#"{"alg":"ES256","kid":null}"#,
            r#"{"alg":"ES256","typ":["JWT"]}"#,
            "\u{feff}{\"alg\":\"ES256\"}",
        ] {
            assert!(matches!(refusal(&with_header(header)), TokenError::Form(_)), "{header}");
        }
    }

    #[test]
    fn refuses_critical_extensions_and_unencoded_payloads() {
        for header in [
            r#"{"alg":"ES256","crit":["exp"],"exp":9}"#,
            r#"{"alg":"ES256","crit":[]}"#,
            r#"{"alg":"ES256","crit":["b64"],"b64":false}"#,
            r#"{"alg":"ES256","b64":true}"#,
        ] {
            assert!(matches!(refusal(&with_header(header)), TokenError::Form(_)), "{header}");
        }
    }

    #[test]
    fn refuses_every_algorithm_but_ours_in_any_spelling() {
        for name in [
            "none",
            "None",
            "NONE",
            "nOnE",
            "",
            "HS256",
            "HS384",
            "HS512",
            "RS384",
            "RS512",
            "PS256",
            "ES384",
            "ES512",
            "ES256K",
            "es256",
            "rs256",
            "EDDSA",
            "Ed25519",
            " ES256",
            "ES256\u{0}",
        ] {
            let header = serde_json::json!({ "alg": name }).to_string();
            assert!(matches!(refusal(&with_header(&header)), TokenError::Algorithm(_)), "{name}");
        }
    }

    #[test]
    fn refuses_a_kid_of_eight_kibibytes_without_repeating_it() {
        let header = format!(r#"{{"alg":"ES256","kid":"{}"}}"#, "k".repeat(8192));
        let error = refusal(&with_header(&header));
        assert!(matches!(error, TokenError::Form(_)));
        assert!(error.to_string().len() < 100, "{error}");
    }

    #[test]
    fn a_refusal_repeats_foreign_names_only_escaped_and_cut() {
        let name = format!("x\\n\\u001b[31m{}", "y".repeat(4000));
        let text = refusal(&with_header(&format!(r#"{{"{name}":1,"{name}":2}}"#))).to_string();
        assert!(text.len() < 250 && !text.contains(['\n', '\u{1b}']), "{text}");
        let text = refusal(&with_header(r#"{"alg":"a\nb"}"#)).to_string();
        assert_eq!(text, "the algorithm `a\\nb` is not allowed");
    }
}
