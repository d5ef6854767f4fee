//! The keys of an issuer (a JWK Set, RFC 7517 section 5): loaded whole or not at all, and the only source of keys.

use super::jwk::{self, Key, Read};
use super::shown;
use super::token::{Algorithm, Jws, TokenError};
use serde_json::Value;
use std::fmt;

/// The keys that an issuer's tokens are verified with. At least one; no two with one `kid`; none of them secret.
#[derive(Debug)]
pub struct KeySet {
    keys: Vec<Key>,
    ignored: Vec<IgnoredKey>,
}

/// A key of the set that is not for us, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredKey {
    /// Its index in `keys`, from 0.
    pub index: usize,
    /// Its `kid`, as it was written.
    pub kid: Option<String>,
    /// Why it is left out.
    pub why: String,
}

impl fmt::Display for IgnoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is left out: {}", place(self.index, self.kid.as_deref()), self.why)
    }
}

/// Why a key set does not load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetError {
    /// What is wrong, with the key that it is wrong with.
    pub message: String,
    /// What would be right, if there is more to say.
    pub help: Option<String>,
    /// Line and column (in bytes), from 1, where the text is not strict JSON.
    pub at: Option<(usize, usize)>,
}

impl KeySetError {
    fn new(message: impl Into<String>) -> KeySetError {
        KeySetError { message: message.into(), help: None, at: None }
    }
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.at {
            write!(f, "line {line} column {column}: ")?;
        }
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " (help: {help})"))
    }
}

impl std::error::Error for KeySetError {}

impl KeySet {
    /// Reads a JWK Set.
    ///
    /// Keys of other types, curves, algorithms and purposes are left out and listed by [`KeySet::ignored`].
    ///
    /// # Errors
    /// What is not a strict JSON object with a list of objects as `keys`; a key that is secret; a key for our use that
    /// is malformed or too weak; two usable keys with one `kid`; no usable key.
    pub fn parse(bytes: &[u8]) -> Result<KeySet, KeySetError> {
        let set = crate::json::parse(bytes).map_err(|error| KeySetError {
            message: error.message,
            help: None,
            at: Some((error.line, error.column)),
        })?;
        let Value::Object(set) = set else { return Err(KeySetError::new("the key set is not an object")) };
        let list = match set.get("keys") {
            Some(Value::Array(list)) => list,
            Some(_) => return Err(KeySetError::new("`keys` is not a list")),
            None => {
                let mut error = KeySetError::new("the key set has no `keys`");
                if set.contains_key("kty") {
                    error.help = Some("this is a single key: write `{\"keys\": [...]}` around it".into());
                }
                return Err(error);
            }
        };
        let (mut keys, mut ignored): (Vec<Key>, Vec<IgnoredKey>) = (Vec::new(), Vec::new());
        for (index, key) in list.iter().enumerate() {
            let Value::Object(members) = key else {
                return Err(KeySetError::new(format!("`keys[{index}]` is not an object")));
            };
            let kid = jwk::kid(members);
            let read = jwk::read(members).map_err(|fault| KeySetError {
                message: format!("{} {}", place(index, kid.as_deref()), fault.message),
                help: fault.help.map(str::to_owned),
                at: None,
            })?;
            match read {
                Read::LeftOut(why) => ignored.push(IgnoredKey { index, kid, why }),
                Read::Usable(key) if kid.is_some() && keys.iter().any(|other| other.kid == key.kid) => {
                    let place = place(index, kid.as_deref());
                    return Err(KeySetError::new(format!("{place} has the `kid` of a key before it")));
                }
                Read::Usable(key) => keys.push(key),
            }
        }
        if keys.is_empty() {
            let reasons: Vec<String> = ignored.iter().map(ToString::to_string).collect();
            let mut error = KeySetError::new("the key set has no key that can verify a token");
            error.help = (!reasons.is_empty()).then(|| reasons.join("; "));
            return Err(error);
        }
        Ok(KeySet { keys, ignored })
    }

    /// How many keys can verify a token.
    #[allow(clippy::len_without_is_empty, reason = "an empty set does not load")]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys that were left out, for the line at start-up that says so.
    pub fn ignored(&self) -> &[IgnoredKey] {
        &self.ignored
    }

    /// Whether a key of the set verifies this algorithm.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.algorithm == algorithm)
    }

    /// Verifies the signature of a token: with the key that its `kid` names, or, where it names none, with the only
    /// key for its algorithm.
    ///
    /// # Errors
    /// [`TokenError::Key`] where there is not exactly one such key, [`TokenError::Algorithm`] where the key is for
    /// another algorithm, [`TokenError::Signature`] where the signature is not one of the key.
    pub fn verify(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        let key = match jws.kid.as_deref() {
            Some(kid) => self
                .keys
                .iter()
                .find(|key| key.kid.as_deref() == Some(kid))
                .ok_or_else(|| TokenError::Key(format!("the issuer has no key {}", shown(kid))))?,
            None => self.only(jws.algorithm)?,
        };
        if key.algorithm != jws.algorithm {
            return Err(TokenError::Algorithm(format!(
                "the key is not for the algorithm `{}`",
                jws.algorithm
            )));
        }
        match key.verifies(jws) {
            true => Ok(()),
            false => Err(TokenError::Signature),
        }
    }

    fn only(&self, algorithm: Algorithm) -> Result<&Key, TokenError> {
        let mut fitting = self.keys.iter().filter(|key| key.algorithm == algorithm);
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(TokenError::Key(format!("the issuer has no key for `{algorithm}`"))),
            (Some(_), Some(_)) => Err(TokenError::Key(format!(
                "the token names no `kid`, and the issuer has several `{algorithm}` keys"
            ))),
        }
    }
}

fn place(index: usize, kid: Option<&str>) -> String {
    match kid {
        Some(kid) => format!("`keys[{index}]` (kid {})", shown(kid)),
        None => format!("`keys[{index}]`"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Signer, encode_bytes};
    use super::*;
    use serde_json::json;

    fn set(keys: &[Value]) -> Result<KeySet, KeySetError> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn with(mut jwk: Value, members: Value) -> Value {
        jwk.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        jwk
    }

    fn without(mut jwk: Value, name: &str) -> Value {
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    }

    fn refusal(keys: &[Value]) -> String {
        set(keys).unwrap_err().to_string()
    }

    /// Verifies a token that `signer` made with this header against a set.
    fn verify(keys: &[Value], signer: &Signer, header: Value) -> Result<(), TokenError> {
        let token = signer.token_with(&header.to_string(), "{}");
        set(keys).unwrap().verify(&Jws::parse(&token)?)
    }

    #[test]
    fn verifies_with_each_of_the_three_algorithms() {
        let signers = [Signer::es256(), Signer::rs256(), Signer::eddsa()];
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        for signer in signers {
            assert_eq!(verify(&keys, signer, json!({"alg": signer.alg, "kid": signer.kid})), Ok(()));
            assert_eq!(verify(&keys, signer, json!({"alg": signer.alg})), Ok(()));
        }
    }

    #[test]
    fn refuses_a_signature_that_was_changed_anywhere() {
        for signer in Signer::all() {
            let keys = set(&[signer.jwk()]).unwrap();
            let token = signer.token_with(&json!({"alg": signer.alg}).to_string(), "{}");
            let mut jws = Jws::parse(&token).unwrap();
            assert_eq!(keys.verify(&jws), Ok(()));
            for at in [0, jws.signature.len() / 2, jws.signature.len() - 1] {
                jws.signature[at] ^= 1;
                assert_eq!(keys.verify(&jws), Err(TokenError::Signature));
                jws.signature[at] ^= 1;
            }
            jws.signature.push(0);
            assert_eq!(keys.verify(&jws), Err(TokenError::Signature));
            jws.signature.truncate(1);
            assert_eq!(keys.verify(&jws), Err(TokenError::Signature));
        }
    }

    #[test]
    fn refuses_a_signature_of_a_key_that_the_token_brings_along() {
        let (ours, theirs) = (Signer::es256(), Signer::other_es256());
        for name in ["jwk", "x5c", "jku", "x5u"] {
            let mut header = json!({"alg": "ES256", "kid": ours.kid});
            header[name] = match name {
                "jwk" => with(theirs.jwk(), json!({"kid": ours.kid})),
                "x5c" => json!(["MIIB"]),
                _ => json!("https://attacker.example/jwks.json"),
            };
            assert_eq!(verify(&[ours.jwk()], theirs, header.clone()), Err(TokenError::Signature), "{name}");
            assert_eq!(verify(&[ours.jwk()], ours, header), Ok(()), "{name} is not looked at");
        }
    }

    #[test]
    fn a_token_with_a_kid_is_verified_with_that_key_and_no_other() {
        let (one, other) = (Signer::es256(), Signer::other_es256());
        let keys = [one.jwk(), other.jwk()];
        assert_eq!(verify(&keys, one, json!({"alg": "ES256", "kid": one.kid})), Ok(()));
        assert_eq!(verify(&keys, one, json!({"alg": "ES256", "kid": other.kid})), Err(TokenError::Signature));
        for kid in ["", "unknown", "../../../../dev/null", "/etc/passwd", "' OR 1=1 --", "ES256-KEY"] {
            let header = json!({"alg": "ES256", "kid": kid});
            assert!(matches!(verify(&keys, one, header.clone()), Err(TokenError::Key(_))), "{kid}");
            // Not even where there is only one key, and that one without a name.
            let nameless = [without(one.jwk(), "kid")];
            assert!(matches!(verify(&nameless, one, header), Err(TokenError::Key(_))), "{kid}");
        }
    }

    #[test]
    fn a_token_without_a_kid_is_verified_only_where_one_key_fits() {
        let (one, other, rsa) = (Signer::es256(), Signer::other_es256(), Signer::rs256());
        let header = json!({"alg": "ES256"});
        assert_eq!(verify(&[one.jwk(), rsa.jwk()], one, header.clone()), Ok(()));
        assert!(matches!(verify(&[one.jwk(), other.jwk()], one, header.clone()), Err(TokenError::Key(_))));
        assert!(matches!(verify(&[rsa.jwk()], one, header), Err(TokenError::Key(_))));
    }

    #[test]
    fn a_point_that_is_not_on_the_curve_verifies_nothing() {
        let signer = Signer::es256();
        let header = json!({"alg": "ES256", "kid": signer.kid});
        for change in [
            json!({"y": Signer::other_es256().jwk()["y"]}),
            json!({"x": encode_bytes(&[0; 32]), "y": encode_bytes(&[0; 32])}),
            json!({"x": encode_bytes(&[0xff; 32])}),
        ] {
            let refused = verify(&[with(signer.jwk(), change)], signer, header.clone());
            assert_eq!(refused, Err(TokenError::Signature));
        }
    }

    #[test]
    fn refuses_an_algorithm_that_is_not_the_keys() {
        let (ec, rsa) = (Signer::es256(), Signer::rs256());
        let keys = [ec.jwk(), rsa.jwk()];
        let header = json!({"alg": "RS256", "kid": ec.kid});
        assert!(matches!(verify(&keys, rsa, header), Err(TokenError::Algorithm(_))));
        let header = json!({"alg": "EdDSA", "kid": ec.kid});
        assert!(matches!(verify(&keys, Signer::eddsa(), header), Err(TokenError::Algorithm(_))));
    }

    #[test]
    fn a_set_with_a_secret_in_it_does_not_load() {
        for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            let text = refusal(&[Signer::eddsa().jwk(), with(Signer::es256().jwk(), json!({name: "AQAB"}))]);
            assert!(
                text.contains(&format!("`keys[1]` (kid `es256-key`) has the secret member `{name}`")),
                "{text}"
            );
        }
        let symmetric = json!({"kty": "oct", "alg": "HS256", "use": "sig", "k": "AAAA", "kid": "hs"});
        assert!(
            refusal(&[Signer::es256().jwk(), symmetric])
                .contains("`keys[1]` (kid `hs`) has the secret member `k`")
        );
    }

    #[test]
    fn keys_for_something_else_are_left_out_and_told() {
        let (ec, rsa) = (Signer::es256(), Signer::rs256());
        for (key, why) in [
            (with(ec.jwk(), json!({"use": "enc"})), "its `use` is `enc`"),
            (with(ec.jwk(), json!({"key_ops": ["encrypt"]})), "its `key_ops` are without `verify`"),
            (with(ec.jwk(), json!({"key_ops": []})), "its `key_ops` are without `verify`"),
            (with(ec.jwk(), json!({"use": "sig", "key_ops": ["verify", "wrapKey"]})), "`wrapKey` beside"),
            (with(ec.jwk(), json!({"alg": "ES512"})), "it is for the algorithm `ES512`"),
            (with(ec.jwk(), json!({"crv": "P-384"})), "its type is `EC` and its curve `P-384`"),
            (with(ec.jwk(), json!({"crv": "secp256k1"})), "secp256k1"),
            (with(ec.jwk(), json!({"kty": "RSA"})), "its type is `RSA` and its curve `P-256`"),
            (with(rsa.jwk(), json!({"alg": "PS256"})), "it is for the algorithm `PS256`"),
            (with(rsa.jwk(), json!({"alg": "ES256"})), "it is for the algorithm `ES256`"),
            (with(rsa.jwk(), json!({"alg": "HS256"})), "it is for the algorithm `HS256`"),
            (json!({"kty": "OKP", "crv": "X25519", "x": "AAAA"}), "X25519"),
            (json!({"kty": "rsa", "n": "AQAB", "e": "AQAB"}), "its type is `rsa`"),
            (json!({"kty": "oct"}), "its type is `oct`"),
        ] {
            let keys = set(&[Signer::eddsa().jwk(), key.clone()]).unwrap();
            assert_eq!((keys.len(), keys.ignored().len()), (1, 1), "{key}");
            assert!(keys.ignored()[0].to_string().starts_with("`keys[1]`"), "{}", keys.ignored()[0]);
            assert!(keys.ignored()[0].why.contains(why), "{}", keys.ignored()[0]);
            // Alone it makes no set, and the reason is told.
            let text = refusal(&[key]);
            assert!(text.contains("no key that can verify a token") && text.contains(why), "{text}");
        }
    }

    #[test]
    fn keys_that_say_what_they_are_for_are_used() {
        for members in [
            json!({"use": "sig"}),
            json!({"alg": "ES256"}),
            json!({"key_ops": ["verify"]}),
            json!({"key_ops": ["sign", "verify"], "use": "sig"}),
            json!({"x5t": "AAAA", "x5c": ["MIIB"], "x5u": "https://login.example/", "unheard_of": [1]}),
        ] {
            let signer = Signer::es256();
            let header = json!({"alg": "ES256", "kid": signer.kid});
            assert_eq!(verify(&[with(signer.jwk(), members.clone())], signer, header), Ok(()), "{members}");
        }
    }

    #[test]
    fn a_malformed_key_for_our_use_does_not_load() {
        let (ec, rsa, ed) = (Signer::es256(), Signer::rs256(), Signer::eddsa());
        for (key, says) in [
            (with(ec.jwk(), json!({"kid": 1})), "`kid` that is not a string"),
            (with(ec.jwk(), json!({"kid": "k".repeat(257)})), "`kid` of more than 256 bytes"),
            (with(ec.jwk(), json!({"kty": 1})), "`kty` that is not a string"),
            (without(ec.jwk(), "kty"), "no `kty`"),
            (with(ec.jwk(), json!({"use": null})), "`use` that is not a string"),
            (with(ec.jwk(), json!({"alg": ["ES256"]})), "`alg` that is not a string"),
            (with(ec.jwk(), json!({"key_ops": "verify"})), "`key_ops` that is not a list"),
            (with(ec.jwk(), json!({"key_ops": ["verify", 1]})), "`key_ops` that is not a list"),
            (with(ec.jwk(), json!({"key_ops": ["verify", "verify"]})), "`verify` twice"),
            (without(ec.jwk(), "crv"), "no `crv`"),
            (without(ec.jwk(), "y"), "no `y`"),
            (with(ec.jwk(), json!({"x": encode_bytes(&[7; 31])})), "`x` of 31 bytes"),
            (with(ec.jwk(), json!({"y": encode_bytes(&[7; 33])})), "`y` of 33 bytes"),
            (with(ec.jwk(), json!({"x": "A+/="})), "base64url"),
            (with(ed.jwk(), json!({"x": encode_bytes(&[7; 33])})), "`x` of 33 bytes"),
            (with(ed.jwk(), json!({"x": encode_bytes(&[0; 32])})), "small order"),
            (without(rsa.jwk(), "n"), "no `n`"),
            (with(rsa.jwk(), json!({"n": 65537})), "`n` that is not a string"),
            (with(rsa.jwk(), json!({"n": encode_bytes(&[0xff; 128])})), "1024 bits"),
            (with(rsa.jwk(), json!({"n": encode_bytes(&[&[0x7f][..], &[0xff; 255]].concat())})), "2047 bits"),
            (
                with(rsa.jwk(), json!({"n": encode_bytes(&[&[0; 128][..], &[0xff; 128]].concat())})),
                "1024 bits",
            ),
            (with(rsa.jwk(), json!({"n": encode_bytes(&[0xff; 1025])})), "more than 8192"),
            (with(rsa.jwk(), json!({"n": encode_bytes(&[0xfe; 256])})), "even RSA modulus"),
            (with(rsa.jwk(), json!({"n": ""})), "0 bits"),
            (with(rsa.jwk(), json!({"e": ""})), "odd number above 1"),
            (with(rsa.jwk(), json!({"e": encode_bytes(&[1])})), "odd number above 1"),
            (with(rsa.jwk(), json!({"e": encode_bytes(&[0, 1])})), "odd number above 1"),
            (with(rsa.jwk(), json!({"e": encode_bytes(&[1, 0, 0])})), "odd number above 1"),
            (with(rsa.jwk(), json!({"e": encode_bytes(&[1, 0, 0, 0, 1])})), "more than 4 bytes"),
        ] {
            let text = refusal(&[Signer::other_es256().jwk(), key]);
            assert!(text.contains("`keys[1]`") && text.contains(says), "{says}: {text}");
        }
    }

    #[test]
    fn two_usable_keys_with_one_kid_do_not_load() {
        let (ec, ed) = (Signer::es256(), Signer::eddsa());
        let twin = with(ed.jwk(), json!({"kid": ec.kid}));
        assert!(
            refusal(&[ec.jwk(), twin.clone()])
                .contains("`keys[1]` (kid `es256-key`) has the `kid` of a key before")
        );
        // One of them is for something else: the other is still the only one of that name.
        assert_eq!(set(&[with(ec.jwk(), json!({"use": "enc"})), twin]).unwrap().len(), 1);
        // Without a name there is nothing to confuse.
        assert_eq!(set(&[without(ec.jwk(), "kid"), without(ed.jwk(), "kid")]).unwrap().len(), 2);
    }

    #[test]
    fn what_is_not_a_key_set_does_not_load_and_says_where() {
        let error = KeySet::parse(b"{\n \"keys\": [],\n \"keys\": []}").unwrap_err();
        assert_eq!(error.at.unwrap().0, 3);
        assert!(error.to_string().contains("duplicate member `keys`"), "{error}");
        for (text, says) in [
            ("", "line 1"),
            ("[]", "not an object"),
            ("{}", "no `keys`"),
            (r#"{"kty":"EC"}"#, "a single key"),
            (r#"{"keys":{}}"#, "not a list"),
            (r#"{"keys":null}"#, "not a list"),
            (r#"{"keys":[]}"#, "no key that can verify"),
            (r#"{"keys":[null]}"#, "`keys[0]` is not an object"),
            (r#"{"keys":[{"kty":"EC","kty":"RSA"}]}"#, "duplicate member `kty`"),
        ] {
            let error = KeySet::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
