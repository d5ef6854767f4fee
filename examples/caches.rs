//! What a look-up costs against the work that it saves: `cargo run --release --example caches`. The figures of one run
//! are in `docs/caches.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::decision::decide_route;
use hallpass::identity::{
    Algorithm, Authenticator, Claims, JwtIssuer, JwtSettings, KeySet, Presented, TokenCache, TokenSecret,
};
use hallpass::message::Credentials;
use hallpass::pdp::{Remember, Snapshot};
use hallpass::policy::route::{Lookup, Match};
use hallpass::policy::{Bundle, Source, compile};
use hallpass::time::Time;
use serde_json::json;
use sha2::Digest as _;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

const PEOPLE: usize = 10_000;
const CLASSES: usize = 500;

fn now() -> Time {
    Time::from_unix_seconds(1_790_000_000)
}

/// The best of some rounds, in nanoseconds for one: what disturbs only ever adds.
fn nanos(each: usize, mut run: impl FnMut(usize)) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..7 {
        let began = Instant::now();
        (0..each).for_each(&mut run);
        best = best.min(began.elapsed().as_nanos() as f64 / each as f64);
    }
    best
}

fn say(what: &str, nanos: f64) {
    println!("{what:<64} {nanos:>9.0} ns");
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn token(alg: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let header = json!({"alg": alg, "kid": alg, "typ": "JWT"}).to_string();
    let payload = json!({"iss": "https://login.school.example", "aud": "hallpass", "sub": "p7", "exp": 1_790_003_600, "nbf": 1_789_999_999, "amr": ["pwd", "mfa"]});
    let signed = format!("{}.{}", base64(header.as_bytes()), base64(payload.to_string().as_bytes()));
    format!("{signed}.{}", base64(&sign(signed.as_bytes())))
}

fn tokens() -> Claims {
    let random = SystemRandom::new();
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let ed = Ed25519KeyPair::generate().unwrap();
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(rsa.public_key());
    let (x, y) = ec.public_key().as_ref()[1..].split_at(32);
    let keys = json!({"keys": [
        {"kty": "RSA", "kid": "RS256", "n": base64(&public.n), "e": base64(&public.e)},
        {"kty": "EC", "crv": "P-256", "kid": "ES256", "x": base64(x), "y": base64(y)},
        {"kty": "OKP", "crv": "Ed25519", "kid": "EdDSA", "x": base64(ed.public_key().as_ref())},
    ]});
    let settings = JwtSettings {
        issuer: "https://login.school.example".into(),
        audience: "hallpass".into(),
        algorithms: Algorithm::ALL.to_vec(),
        leeway: Duration::ZERO,
    };
    let issuer = JwtIssuer::new(settings, KeySet::parse(keys.to_string().as_bytes()).unwrap()).unwrap();
    let authenticator = Authenticator::new(vec![issuer], None).unwrap();
    let all = [
        token("RS256", |text| {
            let mut signature = vec![0; rsa.public_modulus_len()];
            rsa.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature).unwrap();
            signature
        }),
        token("EdDSA", |text| ed.sign(text).as_ref().to_vec()),
        token("ES256", |text| ec.sign(&random, text).unwrap().as_ref().to_vec()),
    ];
    let text = &all[2];
    println!("a token of {} bytes", text.len());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
    let mut out = [0; 32];
    say(
        "key it: BLAKE3, keyed",
        nanos(100_000, |_| {
            black_box(blake3::keyed_hash(&[7; 32], black_box(text).as_bytes()));
        }),
    );
    say(
        "key it: HMAC-SHA256 (aws-lc)",
        nanos(100_000, |_| {
            black_box(hmac::sign_to_buffer(&key, black_box(text).as_bytes(), &mut out).unwrap());
        }),
    );
    say(
        "key it: SHA-256 of secret and token (aws-lc)",
        nanos(100_000, |_| {
            let mut hash = digest::Context::new(&digest::SHA256);
            hash.update(&[7; 32]);
            hash.update(black_box(text).as_bytes());
            black_box(hash.finish());
        }),
    );
    say(
        "key it: SHA-256 of secret and token (sha2)",
        nanos(100_000, |_| {
            black_box(sha2::Sha256::new_with_prefix([7; 32]).chain_update(black_box(text)).finalize());
        }),
    );
    let mut claims = None;
    for (name, text) in ["RS256", "EdDSA", "ES256"].into_iter().zip(&all) {
        let authorization = Some(format!("Bearer {text}").parse().unwrap());
        let credentials = Credentials { authorization, named: Vec::new() };
        let peer = [127, 0, 0, 1].into();
        say(
            &format!("{name}: verify"),
            nanos(2_000, |_| {
                black_box(authenticator.identify(&credentials, peer, now()).unwrap());
            }),
        );
        let mut cache = TokenCache::new(10_000, TokenSecret::random().unwrap(), None);
        say(
            &format!("{name}: know it from before"),
            nanos(100_000, |_| {
                black_box(authenticator.identify_with(&credentials, peer, now(), &mut cache).unwrap());
            }),
        );
        let Presented::Verified(verified) = authenticator.identify(&credentials, peer, now()).unwrap() else {
            panic!()
        };
        claims = Some(verified.claims);
    }
    claims.unwrap()
}

fn school() -> Bundle {
    let text = String::from(
        r#"
bundle: {name: bench, time_zone: UTC}
issuers: {"https://login.school.example": {claim: sub, matches: id}}
domains:
  d:
    precedence: most_specific
    levels: [account, programme, class]
    modules:
      portal: {level: class, permissions: {enter: ~}}
      marks: {level: class, gate_at: account, permissions: {view: {requires: [portal.enter]}, set: {power: true, power_requires: {claim: amr, has: mfa}, requires: [marks.view]}}}
      documents: {level: programme, permissions: {administer: {power: true}}}
    roles:
      base: {level: account, grants: {portal: all, marks: []}}
      teacher: {level: class, grants: {portal: all, marks: all_and_power}}
      aide: {level: programme, grants: {portal: all, marks: all}, forms: {iep: {default: edit, max: owner}}}
    forms: {iep: {}}
    buildings: programme
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
routes:
  "GET /classes/{class}/marks": {permission: marks.view, on: "class/{class}"}
  "PUT /classes/{class}/marks": {permission: marks.set, on: "class/{class}"}
  "GET /marks/{classes}": {lists: [classes], permission: marks.view, on: "class/{classes}"}
  "GET /documents/{doc}": {access: view, document: "{doc}"}
  "POST /documents/{doc}/{target}": {access: share, document: "{doc}", target: "{target}", giving: edit}
"#,
    );
    // Staff and student with neighbouring numbers are in one building.
    let of = |person: usize| format!("programme/{}", person / 2 % 10);
    let mut scopes = String::from("    scopes:\n      account/s:\n");
    for programme in 0..10 {
        writeln!(scopes, "        programme/{programme}:").unwrap();
        for class in (0..CLASSES).filter(|class| class % 10 == programme) {
            writeln!(scopes, "          class/{class}:").unwrap();
        }
    }
    let mut text = text.replace("    modules:\n", &format!("{scopes}    modules:\n"));
    text += "people:\n";
    for person in 0..PEOPLE {
        writeln!(
            text,
            "  p{person}: {{kinds: [{}], buildings: [{}]}}",
            if person % 2 == 0 { "student" } else { "staff" },
            of(person)
        )
        .unwrap();
    }
    text += "documents:\n";
    for document in 0..PEOPLE / 2 {
        writeln!(
            text,
            "  d{document}: {{form: iep, student: p{}, created_by: p{}}}",
            2 * document,
            2 * document + 1
        )
        .unwrap();
    }
    text += "assignments:\n";
    for person in (1..PEOPLE).step_by(2) {
        writeln!(text, "  - {{subject: p{person}, role: base, scope: account/s}}").unwrap();
        writeln!(text, "  - {{subject: p{person}, role: aide, scope: {0}, buildings: [{0}]}}", of(person))
            .unwrap();
        for class in [person % CLASSES, (person * 7 + 3) % CLASSES] {
            writeln!(
                text,
                "  - {{subject: p{person}, role: teacher, scope: class/{class}, until: 2027-07-31}}"
            )
            .unwrap();
        }
    }
    let compilation = compile(&[Source { name: "bundle.yaml".into(), bytes: text.into_bytes() }]);
    compilation.bundle.unwrap_or_else(|| {
        let first = compilation.diagnostics.first().map(|told| (told.code, &told.message, told.place.line));
        panic!("{first:?}")
    })
}

fn matched<'b, 'p>(bundle: &'b Bundle, method: &str, path: &'p str) -> Match<'b, 'p> {
    let Lookup::Found(leaf) = bundle.routes().find(method, path) else { panic!("no route for {path}") };
    leaf.select(Vec::new()).unwrap()
}

/// The path of request number so-and-so.
type Path = Box<dyn Fn(usize) -> String>;

fn decisions(claims: &Claims) {
    let plain = Snapshot::new(school(), Remember::Off);
    let cached = Snapshot::new(school(), Remember::All);
    // The person of number `n` is an aide in programme `n`, and may.
    let class = |n: usize, k: usize| (n % 10 + 10 * ((n + k) % (CLASSES / 10))).to_string();
    let list = move |n: usize, of: usize| (0..of).map(|k| class(n, k)).collect::<Vec<_>>().join(",");
    let marks = move |n: usize| format!("/classes/{}/marks", class(n, 0));
    let paths: [(&str, &str, Path); 7] = [
        ("a permission", "GET", Box::new(marks)),
        ("a power permission with step-up, denied", "PUT", Box::new(marks)),
        ("a document", "GET", Box::new(|n| format!("/documents/d{}", n % (PEOPLE / 2)))),
        (
            "sharing a document",
            "POST",
            Box::new(|n| format!("/documents/d{}/p{}", n % (PEOPLE / 2), (2 * n + 21) % PEOPLE)),
        ),
        ("a list of 5", "GET", Box::new(move |n| format!("/marks/{}", list(n, 5)))),
        ("a list of 10", "GET", Box::new(move |n| format!("/marks/{}", list(n, 10)))),
        ("a list of 40", "GET", Box::new(move |n| format!("/marks/{}", list(n, 40)))),
    ];
    for (hot, keys) in [("64 hot", 64), ("10,000 different", 10_000)] {
        println!("{hot} requests");
        for (what, method, path) in &paths {
            let asked: Vec<(String, String)> = (0..keys)
                .map(|n| n * 7919 + 1)
                .map(|n| (path(n), format!("p{}", (2 * n + 1) % PEOPLE)))
                .collect();
            let run = |snapshot: &Snapshot| {
                let bundle = snapshot.bundle();
                let asked: Vec<_> = asked
                    .iter()
                    .map(|(path, who)| (matched(bundle, method, path), bundle.people().find(who).unwrap()))
                    .collect();
                let each = 60_000_usize.next_multiple_of(keys);
                nanos(each, |n| {
                    let (matched, who) = &asked[n % keys];
                    black_box(snapshot.decide(matched, *who, claims, None, now()));
                })
            };
            let (deciding, hit) = (run(&plain), run(&cached));
            println!(
                "{what:<40} decide {deciding:>7.0} ns   remembered {hit:>7.0} ns   {:>5.2}",
                hit / deciding
            );
        }
    }
}

/// From a known token, method and target to the answer: either all of it, or one look-up for all of it.
fn whole_way(claims: &Claims) {
    let bundle = school();
    let asked: Vec<(String, [u8; 32])> =
        (0..64).map(|n| (format!("/classes/{}/marks", n * 7 % CLASSES), [n as u8; 32])).collect();
    let issuer = "https://login.school.example";
    say(
        "whole way: route, person, decision",
        nanos(100_000, |n| {
            let (path, _) = &asked[n % 64];
            let matched = matched(&bundle, "GET", path);
            let person = bundle.join(issuer, claims).unwrap();
            black_box(decide_route(&bundle, &matched, person, Some(claims), now()));
        }),
    );
    let kept: moka::sync::Cache<Vec<u8>, bool> = moka::sync::Cache::new(10_000);
    let key = |into: &mut Vec<u8>, path: &str, token: &[u8; 32]| {
        into.clear();
        into.extend_from_slice(token);
        into.extend_from_slice(b"GET ");
        into.extend_from_slice(path.as_bytes());
    };
    let mut bytes = Vec::new();
    for (path, token) in &asked {
        key(&mut bytes, path, token);
        kept.insert(bytes.clone(), true);
    }
    say(
        "whole way: one look-up by token, method and target (moka)",
        nanos(100_000, |n| {
            let (path, token) = &asked[n % 64];
            key(&mut bytes, path, token);
            black_box(kept.get(bytes.as_slice()));
        }),
    );
}

fn main() {
    let claims = tokens();
    decisions(&claims);
    whole_way(&claims);
}
