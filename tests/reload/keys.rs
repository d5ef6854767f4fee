//! Keys made at run time, and tokens signed with them.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::identity::{Algorithm, Authenticator, JwtIssuer, JwtSettings, KeySet};
use hallpass::time::Time;
use serde_json::{Value, json};
use std::time::Duration;

pub const ISSUER: &str = "https://login.school.example";

pub struct Signer {
    kid: &'static str,
    pair: EcdsaKeyPair,
}

impl Signer {
    pub fn new(kid: &'static str) -> Signer {
        Signer { kid, pair: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn public(&self) -> Value {
        // The uncompressed point: 4, then x and y.
        let point = self.pair.public_key().as_ref();
        let part = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
               "x": part(&point[1..33]), "y": part(&point[33..65])})
    }

    /// A token for ari.
    pub fn token(&self, now: Time) -> String {
        self.token_with(now, json!({"sub": "ari"}))
    }

    /// A token with these claims.
    pub fn token_with(&self, now: Time, claims: Value) -> String {
        let seconds = now.unix_micros() / 1_000_000;
        let header = json!({"alg": "ES256", "kid": self.kid}).to_string();
        let mut body = json!({"iss": ISSUER, "aud": "hallpass", "iat": seconds, "exp": seconds + 60});
        body.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

pub fn set(signers: &[&Signer]) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.public()).collect();
    json!({ "keys": keys }).to_string()
}

pub fn authenticator(keys: &[u8]) -> Authenticator {
    let settings = JwtSettings {
        issuer: ISSUER.into(),
        audience: "hallpass".into(),
        algorithms: vec![Algorithm::Es256],
        leeway: Duration::ZERO,
    };
    let issuer = JwtIssuer::new(settings, KeySet::parse(keys).unwrap()).unwrap();
    Authenticator::new(vec![issuer], None).unwrap()
}
