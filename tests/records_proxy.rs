//! What the proxy does with whoever's answers would have to be cut: nothing of theirs reaches the app.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]
#![cfg(feature = "serve")]

#[path = "reload/keys.rs"]
mod keys;
mod support;

use hallpass::decision::{Obligations, Reason};
use hallpass::pdp::{Remember, Snapshot};
use hallpass::policy::route::Lookup;
use hallpass::policy::{Claims, Principal, Source, compile};
use hallpass::proxy::Config;
use hallpass::telemetry::LogSettings;
use serde_json::{Value, json};
use std::path::PathBuf;
use support::{OK, Proxy, Tap, Upstream, clock, config, only_ours};

const BUNDLE: &str = r#"
bundle: {name: cut, time_zone: UTC}
issuers:
  https://login.school.example: {matches: id, application: {claim: azp, matches: id, optional: true}}
domains:
  d:
    precedence: union
    levels: [school]
    scopes: {school/north: ~}
    modules: {students: {level: school, permissions: {view: ~}}}
    roles: {reader: {level: school, grants: {students: all}}}
people:
  ari: {kinds: [staff]}
  zoe: {kinds: [staff]}
  vendor: {kinds: [application]}
assignments:
  - {subject: ari, role: reader, scope: school/north}
"#;

const RECORDS: &str = r#"
records:
  students: {scope: school, view: students.view, fields: {id: ~, iep: {sensitive: true}}}
  contacts: {scope: school, view: students.view, fields: {id: ~}}
sharing: {vendor: {students: {fields: all}}}
routes:
  GET /open: public
  "GET /ping": {records: none, any: [{permission: students.view, on: school/north}, {sharing: students}]}
  "GET /old": {any: [{permission: students.view, on: school/north}, {sharing: students}]}
  "GET /students": {records: {type: students, at: /data}, query: [page, limit], any: [{permission: students.view, on: school/north}, {sharing: students}]}
  "GET /students/search?grade={grade}": {records: {type: students}, query: [page], permission: students.view, on: school/north}
  "GET /contacts": {records: {type: contacts}, any: [{permission: students.view, on: school/north}, {sharing: contacts}]}
  "GET /contacts/{id}": {records: {type: contacts, one: "{id}"}, any: [{permission: students.view, on: school/north}, {sharing: contacts}]}
"#;

const WITHOUT: &str = r#"
routes:
  "GET /old": {permission: students.view, on: school/north}
"#;

fn place(name: &str, more: &str) -> PathBuf {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("bundle.yaml"), format!("{BUNDLE}{more}")).unwrap();
    only_ours(&place, 0o755);
    only_ours(&place.join("bundle.yaml"), 0o644);
    place
}

struct Scene {
    upstream: Upstream,
    proxy: Proxy,
    signer: keys::Signer,
}

impl Scene {
    fn new(name: &str, more: &str, change: impl FnOnce(&mut Config)) -> Scene {
        let upstream = Upstream::replying(OK);
        let signer = keys::Signer::new("one");
        let mut config = config(upstream.address);
        config.bundle = place(name, more);
        config.authenticator = keys::authenticator(keys::set(&[&signer]).as_bytes());
        config.show_reason = true;
        change(&mut config);
        Scene { upstream, proxy: Proxy::with(config), signer }
    }

    /// Status and reason of the answer to a request of `who`, who comes through an application or not.
    fn ask(&self, target: &str, who: &str, through: Option<&str>) -> (u16, String) {
        let mut claims = json!({ "sub": who });
        if let Some(application) = through {
            claims["azp"] = application.into();
        }
        let credential = match who {
            "" => String::new(),
            _ => format!("Authorization: Bearer {}\r\n", self.signer.token_with(clock().now(), claims)),
        };
        let answer = self.proxy.ask(&format!("GET {target} HTTP/1.1\r\nHost: app\r\n{credential}\r\n"));
        let reason = match answer.status {
            200 => "ok".to_owned(),
            _ => answer.json()["reason"].as_str().unwrap().to_owned(),
        };
        (answer.status, reason)
    }

    #[track_caller]
    fn answers(&self, target: &str, who: &str, through: Option<&str>, expected: (u16, &str)) {
        let (status, reason) = self.ask(target, who, through);
        assert_eq!((status, reason.as_str()), expected, "{target} {who} {through:?}");
    }
}

#[test]
fn whoever_has_an_obligation_is_refused_and_the_app_sees_nothing() {
    let scene = Scene::new("cut", RECORDS, |_| {});
    let unfilterable = (502, "unfilterable");
    for target in ["/students", "/students?page=2&limit=10", "/old", "/students/search?grade=3&page=1"] {
        scene.answers(target, "ari", None, unfilterable);
        scene.answers(target, "ari", Some("vendor"), unfilterable);
    }
    scene.answers("/students", "vendor", None, unfilterable);
    scene.answers("/old", "vendor", None, unfilterable);
    scene.answers("/contacts/c-1", "ari", None, unfilterable);
    // Whoever may not ask at all is told as before.
    scene.answers("/students", "zoe", None, (403, "no_role_in_context"));
    scene.answers("/students", "", None, (401, "unauthenticated"));
    assert_eq!(scene.upstream.connections(), 0);
    assert_eq!(scene.proxy.counters.refused(Reason::Unfilterable), 11);
    // What carries none goes on.
    scene.answers("/ping", "ari", None, (200, "ok"));
    scene.answers("/ping", "vendor", None, (200, "ok"));
    scene.answers("/ping", "ari", Some("vendor"), (200, "ok"));
    scene.answers("/open", "", None, (200, "ok"));
}

#[test]
fn a_filtered_route_takes_only_the_parameters_that_it_lists() {
    // CL-19
    let scene = Scene::new("parameters", RECORDS, |_| {});
    for query in [
        "filter=iep",
        "sort=iep",
        "fields=iep",
        "where=%7B%22iep%22%3Atrue%7D",
        "page=1&sort=name",
        "Page=1",
        "page%5B%5D=1",
        "grade=3",
    ] {
        for (who, through) in [("ari", None), ("vendor", None), ("ari", Some("vendor"))] {
            scene.answers(&format!("/students?{query}"), who, through, (400, "parameter_not_declared"));
        }
    }
    scene.answers("/students?page=1&page=2", "ari", None, (400, "ambiguous_request"));
    scene.answers("/students?page=1;sort=iep", "ari", None, (400, "ambiguous_request"));
    scene.answers("/students/search?grade=3&sort=iep", "ari", None, (400, "parameter_not_declared"));
    // Who may not ask at all learns nothing of parameters.
    scene.answers("/students?sort=iep", "zoe", None, (403, "no_role_in_context"));
    assert_eq!(scene.upstream.connections(), 0);
}

#[test]
fn a_type_that_is_not_shared_is_403_and_one_record_of_it_does_not_exist() {
    // CL-02
    let scene = Scene::new("unshared", RECORDS, |_| {});
    scene.answers("/contacts", "vendor", None, (403, "record_type_not_shared"));
    scene.answers("/contacts", "ari", Some("vendor"), (403, "record_type_not_shared"));
    scene.answers("/contacts/c-1", "vendor", None, (404, "no_route"));
    scene.answers("/contacts/c-1", "ari", Some("vendor"), (404, "no_route"));
    scene.answers("/no/such/thing", "vendor", None, (404, "no_route"));
    assert_eq!(scene.upstream.connections(), 0);
}

#[test]
fn without_a_catalogue_answers_go_to_whoever_may_ask() {
    let scene = Scene::new("without", WITHOUT, |_| {});
    scene.answers("/old?sort=iep", "ari", None, (200, "ok"));
    scene.answers("/old", "ari", Some("vendor"), (200, "ok"));
}

#[test]
fn the_log_names_the_obligations() {
    let tap = Tap::default();
    let output = tap.output();
    let scene = Scene::new("logged", RECORDS, move |config| {
        config.log = LogSettings { to: output, ..LogSettings::default() };
    });
    for (target, who, through) in [
        ("/students", "ari", None),
        ("/students", "ari", Some("vendor")),
        ("/students", "vendor", None),
        ("/ping", "ari", Some("vendor")),
        ("/contacts", "vendor", None),
    ] {
        scene.ask(target, who, through);
    }
    let lines = tap.until_lines(5);
    let said: Vec<[&Value; 3]> =
        lines.iter().map(|line| [&line["obligations"], &line["decision"], &line["reason"]]).collect();
    let expected = [
        [json!(["catalogue"]), json!("deny"), json!("unfilterable")],
        [json!(["catalogue", "sharing/vendor"]), json!("deny"), json!("unfilterable")],
        [json!(["sharing/vendor"]), json!("deny"), json!("unfilterable")],
        [Value::Null, json!("allow"), json!("granted")],
        [Value::Null, json!("deny"), json!("record_type_not_shared")],
    ];
    assert_eq!(said, expected.iter().map(|row| [&row[0], &row[1], &row[2]]).collect::<Vec<_>>());
}

/// A token that says nothing besides who somebody is.
struct Silent;

impl Claims for Silent {
    fn text(&self, _name: &str) -> Option<&str> {
        None
    }

    fn flag(&self, _name: &str) -> Option<bool> {
        None
    }
}

#[test]
fn a_remembered_decision_has_the_obligations_of_whoever_asks() {
    let sources = [Source { name: "bundle.yaml".into(), bytes: format!("{BUNDLE}{RECORDS}").into_bytes() }];
    let snapshot = Snapshot::new(compile(&sources).bundle.unwrap(), Remember::All);
    let bundle = snapshot.bundle();
    let Lookup::Found(leaf) = bundle.routes().find("GET", "/students") else { panic!("no route") };
    let matched = leaf.select(Vec::new()).unwrap();
    let find = |id: &str| bundle.people().find(id).unwrap();
    let ask = |who: &str, through: Option<&str>| {
        let principal = Principal { subject: find(who), through: through.map(find), credential: None };
        let decided = snapshot.decide(&matched, principal, &Silent, None, clock().now());
        (decided.decision.obligations, decided.cached)
    };
    let vendor = bundle.people().find("vendor");
    let catalogue = Obligations { catalogue: true, ..Obligations::NONE };
    for (who, through, obligations) in [
        ("ari", None, catalogue),
        ("ari", Some("vendor"), Obligations { through: vendor, ..catalogue }),
        ("vendor", None, Obligations { own: vendor, ..Obligations::NONE }),
    ] {
        assert_eq!(ask(who, through), (obligations, Some(false)), "{who} {through:?}");
        assert_eq!(ask(who, through), (obligations, Some(true)), "{who} {through:?}");
    }
}
