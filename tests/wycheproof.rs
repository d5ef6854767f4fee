//! The JSON Web Signature and JSON Web Key vectors of Wycheproof, read from the folder that `HALLPASS_CORPORA` names.
//!
//! They are judged one level below an issuer: key set, form of the token and signature. Payloads are arbitrary bytes
//! there, some of them none, so the claims are not judged.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hallpass::identity::{Jws, KeySet, TokenError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What became of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Verified,
    /// The keys of its group do not load.
    NoKeys,
    Form,
    Algorithm,
    Key,
    Signature,
}

fn outcome(keys: Option<&KeySet>, token: &str) -> Outcome {
    // The form is judged first, so that the keys of a group do not hide what a token of it does.
    let judged = Jws::parse(token).map(|jws| keys.map(|keys| keys.verify(&jws)));
    match judged {
        Ok(None) => Outcome::NoKeys,
        Ok(Some(Ok(()))) => Outcome::Verified,
        Ok(Some(Err(error))) | Err(error) => match error {
            TokenError::Form(_) => Outcome::Form,
            TokenError::Algorithm(_) => Outcome::Algorithm,
            TokenError::Key(_) => Outcome::Key,
            TokenError::Signature => Outcome::Signature,
            TokenError::Claims(_) => panic!("claims are not judged here"),
        },
    }
}

/// The groups of a file, or `None` where the corpora are not there.
fn groups(file: &str) -> Option<Vec<Value>> {
    let Some(folder) = std::env::var_os("HALLPASS_CORPORA") else {
        println!("skipped: HALLPASS_CORPORA is unset, so there is no wycheproof/{file}");
        return None;
    };
    let path = PathBuf::from(folder).join("wycheproof").join(file);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    Some(file["testGroups"].as_array().unwrap().clone())
}

/// The vectors of a group: number, token, and whether it is valid.
fn vectors(group: &Value) -> Vec<(u64, &str, bool)> {
    let tests = group["tests"].as_array().unwrap().iter();
    tests
        .map(|test| {
            let valid = match test["result"].as_str().unwrap() {
                "valid" => true,
                "invalid" => false,
                other => panic!("{other}"),
            };
            (test["tcId"].as_u64().unwrap(), test["jws"].as_str().unwrap(), valid)
        })
        .collect()
}

/// The public keys of a group; where it has only secret ones (those of HMAC), these, as somebody might install them.
fn published(group: &Value) -> &Value {
    group.get("public").unwrap_or(&group["private"])
}

#[test]
fn signatures_are_judged_as_wycheproof_judges_them() {
    let Some(groups) = groups("json_web_signature_test.json") else { return };
    let mut ours = Vec::new();
    let mut of_valid: BTreeMap<Outcome, Vec<u64>> = BTreeMap::new();
    let mut of_invalid: BTreeMap<Outcome, usize> = BTreeMap::new();
    for group in &groups {
        let set = json!({ "keys": [published(group)] });
        let keys = KeySet::parse(set.to_string().as_bytes()).ok();
        for (id, token, valid) in vectors(group) {
            let outcome = outcome(keys.as_ref(), token);
            match (valid, outcome) {
                (true, Outcome::Verified) => ours.push(id),
                (true, _) => of_valid.entry(outcome).or_default().push(id),
                (false, Outcome::Verified) => panic!("vector {id} is invalid and was accepted"),
                (false, _) => *of_invalid.entry(outcome).or_default() += 1,
            }
        }
    }
    println!("verified {ours:?}; valid and refused {of_valid:?}; invalid and refused {of_invalid:?}");
    // RS256 and ES256 (the file has no EdDSA): all that are valid verify.
    assert_eq!(ours, [18, 33, 259, 260, 261, 262, 263, 345, 349, 378]);
    // The other 36 valid ones are of algorithms that do not exist here. One of them, which the file counts as valid
    // though a `?` stands in the base64url of its header, does not even come as far as its algorithm.
    assert_eq!(of_valid.keys().copied().collect::<Vec<_>>(), [Outcome::Form, Outcome::Algorithm]);
    assert_eq!(of_valid[&Outcome::Form], [372]);
    assert_eq!(of_valid[&Outcome::Algorithm].len(), 35);
    // All 355 invalid ones are refused. Where they are is told as well, so that none is by accident: most reach the
    // signature, and the five without keys have one for encryption (4) or for PS512 while they say RS256.
    let stages = [
        (Outcome::NoKeys, 5),
        (Outcome::Form, 33),
        (Outcome::Algorithm, 72),
        (Outcome::Key, 2),
        (Outcome::Signature, 243),
    ];
    assert_eq!(of_invalid, BTreeMap::from(stages));
    assert_eq!(of_invalid.values().sum::<usize>(), 355);
}

#[test]
fn key_sets_are_judged_as_wycheproof_judges_them() {
    let Some(groups) = groups("json_web_key_test.json") else { return };
    let (mut verified, mut refused, mut foreign) = (Vec::new(), 0, Vec::new());
    for group in &groups {
        let keys = KeySet::parse(published(group).to_string().as_bytes());
        for (id, token, valid) in vectors(group) {
            let outcome = outcome(keys.as_ref().ok(), token);
            match (valid, outcome) {
                (true, Outcome::Verified) => verified.push(id),
                (true, Outcome::Algorithm) => foreign.push(id),
                (true, other) => panic!("vector {id} is valid: {other:?}"),
                (false, Outcome::Verified) => panic!("vector {id} is invalid and was accepted"),
                (false, _) => refused += 1,
            }
            // What makes these sets unusable is found when they are loaded, before there is a token.
            let says = match id {
                1..=4 | 10..=18 | 25 | 26 => "secret member `k`",
                6 | 21 => "its `use` is `enc`",
                7 => "CVE-2017-15361",
                8 => "1024 bits",
                9 => "odd number above 1",
                19 | 20 => "for the algorithm",
                23 => "its curve `P-384`",
                24 => "its type is `RSA`",
                // A sound set, and one whose point is not on the curve, which no signature verifies under.
                5 | 22 => continue,
                other => panic!("vector {other} is not known"),
            };
            let error = keys.as_ref().unwrap_err().to_string();
            assert!(error.contains(says), "vector {id}: {error}");
        }
    }
    println!("verified {verified:?}; refused {refused}; of other algorithms {foreign:?}");
    assert_eq!(verified, [5]);
    assert_eq!(foreign, [2, 13, 14, 15]);
    assert_eq!(refused, 21);
}
