//! Keys made at run time, and tokens signed with them.

use super::KeySet;
use crate::time::Time;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::OnceLock;

pub(super) const ISSUER: &str = "https://login.school.example";
pub(super) const AUDIENCE: &str = "hallpass";

pub(super) fn now() -> Time {
    Time::from_unix_seconds(1_790_000_000)
}

pub(super) fn encode(text: &str) -> String {
    encode_bytes(text.as_bytes())
}

pub(super) fn encode_bytes(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A payload that holds at [`now`] for a minute, with some members changed.
pub(super) fn payload(change: Value) -> String {
    let seconds = now().unix_micros() / 1_000_000;
    let mut payload = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "ari", "iat": seconds - 5, "nbf": seconds - 5, "exp": seconds + 60});
    payload.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    payload.to_string()
}

enum Secret {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// A key pair.
pub(super) struct Signer {
    pub(super) alg: &'static str,
    pub(super) kid: &'static str,
    secret: Secret,
}

impl Signer {
    pub(super) fn all() -> &'static [Signer; 4] {
        static KEYS: OnceLock<[Signer; 4]> = OnceLock::new();
        KEYS.get_or_init(|| {
            let ec = || Secret::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());
            let rsa = Secret::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
            let ed = Secret::Ed(Ed25519KeyPair::generate().unwrap());
            [
                Signer { alg: "ES256", kid: "es256-key", secret: ec() },
                Signer { alg: "RS256", kid: "rs256-key", secret: rsa },
                Signer { alg: "EdDSA", kid: "eddsa-key", secret: ed },
                Signer { alg: "ES256", kid: "other-es256-key", secret: ec() },
            ]
        })
    }

    pub(super) fn es256() -> &'static Signer {
        &Signer::all()[0]
    }

    pub(super) fn rs256() -> &'static Signer {
        &Signer::all()[1]
    }

    pub(super) fn eddsa() -> &'static Signer {
        &Signer::all()[2]
    }

    pub(super) fn other_es256() -> &'static Signer {
        &Signer::all()[3]
    }

    pub(super) fn set(signers: &[&Signer]) -> KeySet {
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    /// The public half.
    pub(super) fn jwk(&self) -> Value {
        match &self.secret {
            Secret::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "kid": self.kid, "n": encode_bytes(&public.n), "e": encode_bytes(&public.e)})
            }
            Secret::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "kid": self.kid, "x": encode_bytes(x), "y": encode_bytes(y)})
            }
            Secret::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": encode_bytes(pair.public_key().as_ref())})
            }
        }
    }

    /// The bytes that a careless server could take for a secret: the public key as DER, PEM, number and JWK.
    pub(super) fn public_spellings(&self) -> Vec<Vec<u8>> {
        let Secret::Rsa(pair) = &self.secret else { panic!("an RSA key") };
        let der = pair.public_key().as_ref().to_vec();
        let body = base64::engine::general_purpose::STANDARD.encode(&der);
        let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{body}\n-----END RSA PUBLIC KEY-----\n");
        let jwk = self.jwk();
        let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
        vec![der, pem.into_bytes(), modulus, jwk["n"].as_str().unwrap().into(), jwk.to_string().into_bytes()]
    }

    /// A token with the usual header.
    pub(super) fn token(&self, payload: &str) -> String {
        self.token_with(&json!({"alg": self.alg, "kid": self.kid, "typ": "JWT"}).to_string(), payload)
    }

    /// A token with this header, signed with this key whatever the header says.
    pub(super) fn token_with(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", encode(header), encode(payload));
        let random = SystemRandom::new();
        let signature = match &self.secret {
            Secret::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
                signature
            }
            Secret::Ec(pair) => pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec(),
            Secret::Ed(pair) => pair.sign(signed.as_bytes()).as_ref().to_vec(),
        };
        format!("{signed}.{}", encode_bytes(&signature))
    }
}
