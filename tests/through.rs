//! Who comes through which application, with which credential, and what is suspended of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]
#![cfg(feature = "serve")]

#[path = "reload/keys.rs"]
mod keys;
mod support;

use hallpass::decision::authzen::Request;
use hallpass::decision::{Decision, decide, decide_route};
use hallpass::pdp::{Remember, Snapshot};
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Claims, Principal, Source, compile, held_off};
use hallpass::telemetry::LogSettings;
use hallpass::time::Time;
use serde_json::{Value, json};
use support::{NEVER, OK, Proxy, Tap, Upstream, clock, config, only_ours};

const BUNDLE: &str = r#"
bundle: {name: through, time_zone: UTC}
issuers:
  https://login.school.example: {application: {claim: azp, matches: id}, matches: id, credential: jti}
  often: {matches: id, application: {claim: azp, matches: client, optional: true}}
  plain: {matches: id}
domains:
  d:
    precedence: union
    levels: [school]
    scopes: {school/north: ~}
    modules: {grades: {level: school, permissions: {see: ~}}}
    roles: {reader: {level: school, grants: {grades: all}, assignable_by: [reader]}}
people:
  ari: {kinds: [staff]}
  kim: {kinds: [student]}
  reports: {kinds: [application], client: client-7}
  sync: {kinds: [application]}
assignments:
  - {subject: ari, role: reader, scope: school/north}
  - {subject: sync, role: reader, scope: school/north}
blocks:
  - {subject: sync, student: kim, reason: not theirs}
suspended: {credentials: [lost]}
routes:
  "GET /grades": {permission: grades.see, on: school/north}
  "GET /grades/{student}": {permission: grades.see, on: school/north, student: "{student}"}
  "GET /grades/of?target={student}": {permission: grades.see, on: school/north, target: "{student}"}
  "GET /readers/{student}": {change: give, role: reader, target: "{student}", on: school/north}
  "GET /on-a-condition": {condition: {subject.id: {is: ari}}}
"#;

const LOGIN: &str = keys::ISSUER;

fn source(name: &str, text: &str) -> Source {
    Source { name: name.into(), bytes: text.into() }
}

fn bundle() -> Bundle {
    let compilation = compile(&[source("bundle.yaml", BUNDLE)]);
    // Nothing is shared here: what comes through an application is told apart by blocks and suspensions.
    let told: Vec<_> = compilation.diagnostics.iter().map(|told| (told.code, told.place.line)).collect();
    assert_eq!(told, [("sharing_not_asked", 4), ("sharing_not_asked", 5)]);
    compilation.bundle.unwrap()
}

fn now() -> Time {
    clock().now()
}

struct Token(Value);

impl Claims for Token {
    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }
}

/// Who a token is: subject, application, credential.
fn joined(issuer: &str, claims: Value) -> Option<String> {
    let (bundle, token) = (bundle(), Token(claims));
    let Principal { subject, through, credential } = bundle.join(issuer, &token)?;
    let name = |person| bundle.people().row(person).id.as_str();
    Some(format!("{} {} {}", name(subject), through.map_or("-", name), credential.unwrap_or("-")))
}

#[test]
fn a_token_names_a_person_the_application_and_the_credential() {
    let is = |issuer, claims, expected: &str| assert_eq!(joined(issuer, claims).as_deref(), Some(expected));
    is(LOGIN, json!({"sub": "ari", "azp": "reports", "jti": "1"}), "ari reports 1");
    // An application that is the subject itself comes by itself.
    is(LOGIN, json!({"sub": "sync", "azp": "sync", "jti": "2"}), "sync - 2");
    is(LOGIN, json!({"sub": "sync", "azp": "reports", "jti": "2"}), "sync reports 2");
    is("often", json!({"sub": "ari", "azp": "client-7"}), "ari reports -");
    is("often", json!({"sub": "ari"}), "ari - -");
    // What the bundle does not ask for is not read.
    is("plain", json!({"sub": "ari", "azp": "reports", "jti": "1"}), "ari - -");
}

#[test]
fn a_token_that_leaves_open_what_the_bundle_asks_for_names_nobody() {
    for (issuer, claims) in [
        (LOGIN, json!({"sub": "ari", "jti": "1"})),
        (LOGIN, json!({"sub": "ari", "azp": "reports"})),
        (LOGIN, json!({"sub": "ari", "azp": "unheard of", "jti": "1"})),
        (LOGIN, json!({"sub": "ari", "azp": "kim", "jti": "1"})),
        // A person does not come by themselves by being named as an application.
        (LOGIN, json!({"sub": "ari", "azp": "ari", "jti": "1"})),
        (LOGIN, json!({"sub": "ari", "azp": ["reports"], "jti": "1"})),
        (LOGIN, json!({"sub": "ari", "azp": "reports", "jti": 1})),
        ("often", json!({"sub": "ari", "azp": "reports"})),
        ("often", json!({"sub": "ari", "azp": null})),
        ("often", json!({"sub": "ari", "azp": ""})),
    ] {
        assert_eq!(joined(issuer, claims.clone()), None, "{issuer} {claims}");
    }
}

#[test]
fn issuers_share_a_column_of_a_table_and_ask_no_other() {
    let issuers = "bundle: {name: issuers, time_zone: UTC}
issuers:
  staff: {matches: sso}
  parents: {claim: login, matches: sso}
  mail: {claim: email, matches: email, email: authoritative}
  moodle: {matches: moodle}
domains:
  d: {precedence: union, levels: [school], scopes: {school/north: ~}, modules: {m: {level: school, permissions: {see: ~}}}, roles: {}}
routes: {GET /: public}
";
    let people = "id,kinds,email,sso,moodle\nari,staff,Ari@school.example,77,88\nkim,student,,88,77\n";
    let compilation = compile(&[source("bundle.yaml", issuers), source("people.csv", people)]);
    let told: Vec<_> = compilation.diagnostics.iter().map(|told| told.message.as_str()).collect();
    assert_eq!(told, [] as [&str; 0]);
    let bundle = compilation.bundle.unwrap();
    let who = |issuer, claims: Value| {
        let token = Token(claims);
        let joined = bundle.join(issuer, &token)?;
        Some(bundle.people().row(joined.subject).id.clone())
    };
    assert_eq!(who("staff", json!({"sub": "77"})).as_deref(), Some("ari"));
    assert_eq!(who("parents", json!({"login": "88"})).as_deref(), Some("kim"));
    assert_eq!(who("moodle", json!({"sub": "77"})).as_deref(), Some("kim"));
    assert_eq!(who("mail", json!({"email": "aRI@school.example"})).as_deref(), Some("ari"));
    for (issuer, sub) in [("staff", "ari"), ("mail", "77"), ("moodle", "ari@school.example"), ("Staff", "77")]
    {
        assert_eq!(who(issuer, json!({"sub": sub, "email": sub})), None, "{issuer} {sub}");
    }
}

/// The answer to a request with these ids.
fn route(
    bundle: &Bundle,
    path: &str,
    subject: &str,
    through: Option<&str>,
    credential: Option<&str>,
) -> String {
    let find = |id: &str| bundle.people().find(id).unwrap();
    let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("no route {path}") };
    let query = leaf.query_names().iter().map(|_| Some("kim".to_owned())).collect();
    let principal = Principal { subject: find(subject), through: through.map(find), credential };
    decide_route(bundle, &leaf.select(query).unwrap(), principal, None, now()).reason.to_string()
}

fn beside(bundle: &Bundle, text: &str) -> Bundle {
    let (held_off, told) = held_off(&source("suspended.yaml", text), bundle);
    assert!(told.is_empty(), "{told:?}");
    bundle.with(&held_off)
}

#[test]
fn what_somebody_comes_with_is_suspended_before_any_grant() {
    let bundle = bundle();
    for path in ["/grades", "/on-a-condition"] {
        assert_eq!(route(&bundle, path, "ari", Some("reports"), Some("good")), "granted");
        assert_eq!(route(&bundle, path, "ari", None, Some("lost")), "suspended");
        for text in [
            "suspended: {subjects: [], applications: [reports]}",
            "suspended: {subjects: [reports]}",
            "suspended: {subjects: [], credentials: [stolen, good]}",
        ] {
            let bundle = beside(&bundle, text);
            assert_eq!(route(&bundle, path, "ari", Some("reports"), Some("good")), "suspended", "{text}");
            // What the bundle says goes on to hold.
            assert_eq!(route(&bundle, path, "ari", None, Some("lost")), "suspended");
            assert_eq!(route(&bundle, path, "ari", None, None), "granted");
        }
    }
    let without = beside(&bundle, "suspended: {subjects: [], applications: [sync]}");
    assert_eq!(route(&without, "/grades", "sync", None, None), "suspended");
}

#[test]
fn a_file_of_suspensions_names_applications_that_are_applications() {
    let bundle = bundle();
    for (text, code) in [
        ("suspended: {subjects: [], applications: [ari]}", "unknown_name"),
        ("suspended: {subjects: [], applications: [nobody]}", "unknown_name"),
        ("suspended: {applications: [sync]}", "missing_key"),
        ("suspended: {subjects: [], credentials: lost}", "wrong_type"),
    ] {
        let (_, told) = held_off(&source("suspended.yaml", text), &bundle);
        assert_eq!(told.iter().map(|told| told.code).collect::<Vec<_>>(), [code], "{text}");
    }
}

#[test]
fn blocks_of_the_application_hold_for_whoever_comes_through_it() {
    let bundle = bundle();
    for path in ["/grades/kim", "/grades/of", "/readers/kim"] {
        assert_eq!(route(&bundle, path, "ari", Some("reports"), None), "granted", "{path}");
        assert_eq!(route(&bundle, path, "ari", Some("sync"), None), "blocked", "{path}");
        assert_eq!(route(&bundle, path, "sync", None, None), "blocked", "{path}");
    }
    assert_eq!(route(&bundle, "/grades", "ari", Some("sync"), None), "granted");
}

fn eval(bundle: &Bundle, context: Value) -> String {
    let request = json!({
        "subject": {"type": "staff", "id": "ari"}, "action": {"name": "grades.see"},
        "resource": {"type": "school", "id": "north", "properties": {"student": "kim"}}, "context": context,
    });
    let answer = |request: &Request| match request.resolve(bundle, now()) {
        Ok(resolved) => decide(bundle, &resolved.request()),
        Err(reason) => Decision::before_any_rule(reason),
    };
    answer(&Request::read(&request).unwrap()).reason.to_string()
}

#[test]
fn eval_takes_the_application_and_the_credential() {
    let bundle = bundle();
    assert_eq!(eval(&bundle, json!({})), "granted");
    assert_eq!(eval(&bundle, json!({"application": "reports"})), "granted");
    assert_eq!(eval(&bundle, json!({"application": "sync"})), "blocked");
    assert_eq!(eval(&bundle, json!({"application": "kim"})), "unknown_subject");
    assert_eq!(eval(&bundle, json!({"application": "nobody"})), "unknown_subject");
    assert_eq!(eval(&bundle, json!({"application": "reports", "credential": "lost"})), "suspended");
    let without = beside(&bundle, "suspended: {subjects: [], applications: [reports]}");
    assert_eq!(eval(&without, json!({"application": "reports"})), "suspended");
}

#[test]
fn a_remembered_decision_is_that_of_the_application() {
    let snapshot = Snapshot::new(bundle(), Remember::All);
    let bundle = snapshot.bundle();
    let Lookup::Found(leaf) = bundle.routes().find("GET", "/grades/kim") else { panic!() };
    let matched = leaf.select(Vec::new()).unwrap();
    let find = |id: &str| bundle.people().find(id).unwrap();
    let ask = |through: Option<&str>, credential| {
        let principal = Principal { subject: find("ari"), through: through.map(find), credential };
        let decided = snapshot.decide(&matched, principal, &Token(json!({})), None, now());
        (decided.decision.reason.as_str(), decided.cached)
    };
    for (through, reason) in [(None, "granted"), (Some("sync"), "blocked"), (Some("reports"), "granted")] {
        assert_eq!(ask(through, None), (reason, Some(false)), "{through:?}");
        assert_eq!(ask(through, Some("another")), (reason, Some(true)), "{through:?}");
        // Whatever is remembered of the person: what is suspended is refused, and not remembered.
        assert_eq!(ask(through, Some("lost")), ("suspended", None), "{through:?}");
        assert_eq!(ask(through, Some("another")), (reason, Some(true)), "{through:?}");
    }
}

#[test]
fn the_log_names_the_application_and_never_the_credential() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let place =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("through-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("bundle.yaml"), BUNDLE).unwrap();
    only_ours(&place, 0o755);
    only_ours(&place.join("bundle.yaml"), 0o644);
    let signer = keys::Signer::new("one");
    let mut config = config(upstream.address);
    config.bundle = place;
    config.authenticator = keys::authenticator(keys::set(&[&signer]).as_bytes());
    config.log = LogSettings { to: tap.output(), ..LogSettings::default() };
    config.timeouts.head = NEVER;
    let proxy = Proxy::with(config);
    let mut statuses = Vec::new();
    for (path, claims) in [
        ("/grades", json!({"sub": "ari", "azp": "reports", "jti": "secret-1"})),
        // The same token again: it is known, and means the same.
        ("/grades", json!({"sub": "ari", "azp": "reports", "jti": "secret-1"})),
        ("/grades/kim", json!({"sub": "ari", "azp": "sync", "jti": "secret-2"})),
        ("/grades", json!({"sub": "ari", "azp": "reports", "jti": "lost"})),
        ("/grades", json!({"sub": "sync", "azp": "sync", "jti": "secret-3"})),
        ("/grades", json!({"sub": "ari", "jti": "secret-4"})),
    ] {
        let token = signer.token_with(now(), claims);
        let line = format!("GET {path} HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer {token}\r\n\r\n");
        statuses.push(proxy.ask(&line).status);
    }
    assert_eq!(statuses, [200, 200, 403, 403, 200, 403]);
    let lines = tap.until_lines(6);
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            format!("{} {} {}", line["subject"], line["application"], line["reason"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        said,
        [
            "ari reports granted",
            "ari reports granted",
            "ari sync blocked",
            "ari reports suspended",
            "sync null granted",
            "null null unknown_subject",
        ]
    );
    assert!(!tap.text().contains("secret") && !tap.text().contains("lost"));
    // Three of them were let through, on whichever connections.
    proxy.until("the answers are counted", |counters| counters.requests.get() == 6);
    proxy.shutdown();
}
