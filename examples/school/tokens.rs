//! The school's log-in service, as far as this example needs one: a key pair, its public half as a JWKS, and tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ISSUER: &str = "https://login.school.example";
const AUDIENCE: &str = "hallpass";
const KEY_ID: &str = "school-1";
const VALID_FOR: Duration = Duration::from_secs(12 * 60 * 60);
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The log-in service. Its keys are new on every start.
pub(crate) struct LogIn {
    key: KeyPair,
    /// The key of somebody who would like to be the log-in service.
    forger: KeyPair,
}

impl LogIn {
    /// Makes the keys.
    pub(crate) fn new() -> Result<LogIn, rcgen::Error> {
        // rcgen makes P-256 keys by default, which is what ES256 signs with.
        Ok(LogIn { key: KeyPair::generate()?, forger: KeyPair::generate()? })
    }

    /// The key set that hallpass is given: the public key, and nothing of the forger's.
    pub(crate) fn jwks(&self) -> String {
        // An uncompressed point (SEC 1, 2.3.3): the byte 4, then 32 bytes of x and 32 bytes of y.
        let (x, y) = self.key.der_bytes()[1..].split_at(32);
        let key = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        json!({"keys": [key]}).to_string()
    }

    /// The token of somebody in the table. Three of its names are for tokens of Ari's that must not be believed.
    pub(crate) fn token(&self, who: &str) -> Result<String, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
        match who {
            "expired" => sign(&claims("ari", now.saturating_sub(A_DAY)), &self.key),
            "forged" => sign(&claims("ari", now), &self.forger),
            "unsigned" => Ok(unsigned(&claims("ari", now))),
            who => sign(&claims(who, now), &self.key),
        }
    }
}

fn claims(subject: &str, issued: Duration) -> serde_json::Value {
    let (issued, expires) = (issued.as_secs(), (issued + VALID_FOR).as_secs());
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": issued, "exp": expires})
}

fn sign(claims: &serde_json::Value, key: &KeyPair) -> Result<String, String> {
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
    let key = EncodingKey::from_ec_der(key.serialized_der());
    jsonwebtoken::encode(&header, claims, &key).map_err(|error| format!("cannot sign a token: {error}"))
}

fn unsigned(claims: &serde_json::Value) -> String {
    let header = json!({"alg": "none", "typ": "JWT"});
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&header), part(claims))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation};

    fn verifies(log_in: &LogIn, who: &str) -> bool {
        let keys: JwkSet = serde_json::from_str(&log_in.jwks()).unwrap();
        let key = DecodingKey::from_jwk(keys.find(KEY_ID).unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        jsonwebtoken::decode::<serde_json::Value>(log_in.token(who).unwrap(), &key, &validation).is_ok()
    }

    #[test]
    fn only_tokens_of_people_verify() {
        let log_in = LogIn::new().unwrap();
        assert!(verifies(&log_in, "ari"));
        for who in ["expired", "forged", "unsigned"] {
            assert!(!verifies(&log_in, who), "{who}");
        }
    }
}
