//! Tokens as the log-in service of the measured school signs them (RFC 7515, ES256).

use crate::Error;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use std::time::{SystemTime, UNIX_EPOCH};

/// Who the tokens are for.
pub(crate) const AUDIENCE: &str = "hallpass";

/// A key that lives as long as the measurement.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Result<Signer, Error> {
        Ok(Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?))
    }

    /// The public half, as a key set.
    pub(crate) fn key_set(&self) -> String {
        // An uncompressed point: 4, then the two coordinates.
        let point = self.0.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
        let key = json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "measured", "x": x, "y": y});
        json!({ "keys": [key] }).to_string()
    }

    /// A token that holds for two hours.
    pub(crate) fn sign(&self, issuer: &str, subject: &str) -> Result<String, Error> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let head = json!({"alg": "ES256", "kid": "measured", "typ": "JWT"}).to_string();
        let claims = json!({
            "iss": issuer, "aud": AUDIENCE, "sub": subject, "iat": now, "nbf": now, "exp": now + 7_200,
        });
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref())))
    }
}
