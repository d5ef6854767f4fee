//! A decision allocates nothing. Alone in its binary: the counting allocator is the whole process's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub)]

#[path = "oracle/mod.rs"]
mod oracle;

use hallpass::decision::authzen::Request;
use hallpass::decision::{Ask, Decision, Reason, decide, decide_route, judge};
use hallpass::policy::records::Shown;
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Principal, Source, compile};
use hallpass::time::Time;
use oracle::random::Random;
use oracle::{ask, engine, generate};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const BUNDLE: &str = r#"
bundle: {name: still, time_zone: Europe/Berlin}
domains:
  d:
    precedence: most_specific
    levels: [account, school, class]
    mandatory: {level: account, kinds: [staff]}
    default_role: basic
    scopes: {account/a: {school/x: {class/1: ~}, school/y: ~}}
    modules:
      portal: {level: account, permissions: {enter: {}}}
      marks: {level: class, gate_at: account, permissions: {view: {requires: [portal.enter]}, set: {requires: [marks.view]}}}
      documents: {level: school, permissions: {administer: {power: true}}}
    roles:
      basic: {level: account, grants: {portal: all, marks: []}}
      teacher: {level: class, grants: {marks: all}, forms: {iep: {default: edit, max: owner}}}
      secretary: {level: school, includes: [teacher], grants: {documents: all_and_power}}
    forms: {iep: {groups: [special]}}
    buildings: school
    when_unassigned: {default: none, max: owner}
    when_no_buildings: {default: none, max: owner}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
    expects: {people: 3, assignments: 3, unassigned: 1, without_buildings: 0}
people:
  ari: {kinds: [staff]}
  ben: {kinds: [staff]}
  cleo: {kinds: [staff]}
  sam: {kinds: [student], buildings: [school/x, school/y]}
assignments:
  - {subject: ari, role: teacher, scope: class/1, buildings: [school/x], from: 2026-01-01, until: 2026-12-31}
  - {subject: ben, role: secretary, scope: school/x, buildings: [school/x]}
  - {subject: ben, role: secretary, scope: school/y, buildings: [school/y]}
documents:
  d-1: {form: iep, student: sam, created_by: ari}
routes:
  GET /healthz: public
  PUT /classes/{class}/marks: {permission: marks.set, on: "class/{class}"}
  GET /documents/{doc}: {access: view, document: "{doc}"}
"#;

fn bundle() -> Bundle {
    let sources = [Source { name: "bundle.yaml".to_owned(), bytes: BUNDLE.into() }];
    let compiled = compile(&sources);
    compiled.bundle.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics))
}

fn now() -> Time {
    Time::parse_rfc3339("2026-06-01T10:00:00Z").unwrap()
}

/// Runs what decides and tells how often it allocated.
fn counted(decides: impl FnOnce() -> Decision) -> (Reason, u64) {
    let mut reason = Reason::Internal;
    let counts = allocation_counter::measure(|| reason = decides().reason);
    (reason, counts.count_total)
}

fn asked(subject: &str, action: Value, resource: Value) -> Request {
    let request =
        json!({"subject": {"type": "staff", "id": subject}, "action": action, "resource": resource});
    Request::read(&request).unwrap()
}

#[test]
fn the_counter_counts() {
    let counts = allocation_counter::measure(|| drop(std::hint::black_box(vec![1_u8])));
    assert_eq!(counts.count_total, 1);
}

#[test]
fn a_permission_is_decided_without_allocating() {
    let bundle = bundle();
    for (subject, action, (level, id), reason) in [
        ("ari", "marks.set", ("class", "1"), Reason::Granted),
        ("ari", "portal.enter", ("class", "1"), Reason::Granted),
        ("ben", "marks.view", ("class", "1"), Reason::Granted),
        ("ben", "documents.administer", ("school", "y"), Reason::Granted),
        ("cleo", "marks.view", ("class", "1"), Reason::PermissionNotGranted),
        ("ari", "documents.administer", ("account", "a"), Reason::WrongLevel),
        ("cleo", "documents.administer", ("school", "y"), Reason::PermissionNotGranted),
    ] {
        let request = asked(subject, json!({"name": action}), json!({"type": level, "id": id}));
        let resolved = request.resolve(&bundle, now()).unwrap();
        let request = resolved.request();
        assert_eq!(counted(|| decide(&bundle, &request)), (reason, 0), "{subject} {action} {level}/{id}");
    }
}

#[test]
fn a_document_is_decided_without_allocating() {
    let bundle = bundle();
    for (subject, action, student, explicit, reason) in [
        ("ari", "edit", Some("sam"), "none", Reason::Granted),
        ("ari", "delete", Some("sam"), "owner", Reason::Granted),
        ("ari", "create", Some("sam"), "none", Reason::Granted),
        ("cleo", "view", None, "view", Reason::AttributeMissing),
        ("cleo", "view", Some("sam"), "none", Reason::LevelBelowRequired),
        ("cleo", "view", Some("sam"), "view", Reason::Granted),
        ("ben", "share", Some("sam"), "none", Reason::Granted),
        ("ari", "view", None, "owner", Reason::AttributeMissing),
    ] {
        let action = json!({"name": action, "properties": {"target": "cleo", "access": "edit"}});
        let mut properties = json!({"form": "iep", "explicit": explicit});
        if let Some(student) = student {
            properties["student"] = student.into();
        }
        let resource = json!({"type": "document", "id": "another", "properties": properties});
        let request = asked(subject, action.clone(), resource);
        let resolved = request.resolve(&bundle, now()).unwrap();
        let request = resolved.request();
        assert_eq!(counted(|| decide(&bundle, &request)), (reason, 0), "{subject} {action}");
    }
}

#[test]
fn a_route_is_matched_and_decided_without_allocating() {
    let bundle = bundle();
    for (method, path, subject, reason) in [
        ("GET", "/healthz", "cleo", Reason::Public),
        ("PUT", "/classes/1/marks", "ari", Reason::Granted),
        ("PUT", "/classes/nowhere/marks", "ari", Reason::ScopeUnknown),
        ("GET", "/documents/d-1", "ari", Reason::Granted),
        ("GET", "/documents/d-1", "cleo", Reason::LevelBelowRequired),
        ("GET", "/documents/nothing", "ari", Reason::AttributeMissing),
    ] {
        let subject = bundle.people().find(subject).unwrap();
        let decides = || {
            let Lookup::Found(leaf) = bundle.routes().find(method, path) else { panic!("no route {path}") };
            decide_route(&bundle, &leaf.select(Vec::new()).unwrap(), subject, None, now())
        };
        assert_eq!(counted(decides), (reason, 0), "{method} {path}");
    }
}

/// Whatever a bundle can say: relations, options, plans, blocks, documents, conditions, lists, alternatives.
#[test]
fn random_requests_to_random_bundles_are_decided_without_allocating() {
    let mut reasons: BTreeSet<&str> = BTreeSet::new();
    for seed in 0..150 {
        let mut random = Random::new((13 << 32) + seed);
        let plain = generate::bundle(&mut random);
        let bundle = engine::load(&plain.to_yaml()).unwrap();
        for _ in 0..20 {
            let question = ask::question(&mut random, &plain);
            let Ok(resolved) = engine::resolve(&bundle, &question) else { continue };
            let request = resolved.request();
            let (reason, allocations) = counted(|| decide(&bundle, &request));
            assert_eq!(allocations, 0, "{reason:?}\n{}\n{question:?}", plain.to_yaml());
            reasons.insert(reason.as_str());
        }
        for _ in 0..if plain.routes.is_empty() { 0 } else { 20 } {
            let visit = ask::visit(&mut random, &plain);
            let route = &plain.routes[visit.route];
            let (reason, allocations) =
                engine::on_route(&bundle, route, &visit, |matched, subject, claims, now| {
                    counted(|| decide_route(&bundle, matched, subject, Some(claims), now))
                });
            assert_eq!(allocations, 0, "{reason:?}\n{}\n{visit:?}", plain.to_yaml());
            reasons.insert(reason.as_str());
        }
    }
    for reached in ["granted", "blocked", "relation_unmet", "condition_failed", "grantee_max", "public"] {
        assert!(reasons.contains(reached), "no request ended with {reached}");
    }
}

const CATALOGUE: &str = r#"
people: {vendor: {kinds: [application]}}
blocks: [{subject: ben, student: sam, reason: custody}]
records:
  schools: {scope: {level: school, from: id}, fields: {id: ~}}
  classes: {scope: class, view: marks.view, fields: {id: ~, teachers: ~}}
  pupils:
    scope: class
    student: id
    parents: [classes]
    view: marks.view
    extensions: ext
    fields: {id: ~, name: ~, iep: {sensitive: true, needs: marks.set}, ext.bus: ~}
sharing:
  vendor:
    classes: {only: {id: ['1']}, fields: all, implies: [pupils]}
    pupils: {only: implied, fields: [id, iep]}
    extension_fields: {fields: all}
routes:
  "GET /pupils": {records: {type: pupils}, any: [{permission: marks.view, on: class/1}, {sharing: pupils}]}
  "GET /schools": {records: {type: schools}, any: [{permission: marks.view, on: class/1}, {sharing: schools}]}
"#;

#[test]
fn a_record_and_its_fields_are_judged_without_allocating() {
    let sources = [("a.yaml", BUNDLE), ("b.yaml", CATALOGUE)]
        .map(|(name, text)| Source { name: name.to_owned(), bytes: text.into() });
    let compiled = compile(&sources);
    let bundle = compiled.bundle.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    let class = json!({"record": "classes", "id": "1", "attributes": {"class": "1"}});
    for (kind, subject, through, reason, iep) in [
        ("staff", "ari", None, Reason::Granted, Shown::Whole),
        ("staff", "ari", Some("vendor"), Reason::Granted, Shown::Whole),
        ("application", "vendor", None, Reason::Granted, Shown::Whole),
        ("staff", "ben", None, Reason::Blocked, Shown::No),
        ("staff", "cleo", None, Reason::PermissionNotGranted, Shown::No),
    ] {
        let mut request = json!({
            "subject": {"type": kind, "id": subject},
            "action": {"name": "view"},
            "resource": {"type": "record", "id": "sam", "properties": {
                "record": "pupils", "attributes": {"class": ["1"]}, "related": [class],
            }},
            "context": {"time": "2026-06-01T10:00:00Z"},
        });
        if let Some(application) = through {
            request["context"]["application"] = application.into();
        }
        let resolved = Request::read(&request).unwrap().resolve(&bundle, now()).unwrap();
        let asked = resolved.request();
        assert_eq!(counted(|| decide(&bundle, &asked)), (reason, 0), "{subject} {through:?}");
        let Ask::Record(record) = asked.ask else { panic!("not a record") };
        let mut shown = None;
        let counts = allocation_counter::measure(|| {
            let judged = judge(&bundle, asked.viewer(), record, asked.now);
            shown = Some((
                judged.shows("iep.status"),
                judged.shows("ext"),
                judged.shows("name.iep"),
                judged.keeps(0),
            ));
        });
        assert_eq!(counts.count_total, 0, "{subject} {through:?}");
        let is_there = reason == Reason::Granted;
        let parts = if is_there { Shown::Parts } else { Shown::No };
        assert_eq!(shown, Some((iep, parts, Shown::No, is_there)), "{subject} {through:?}");
        let find = |id: &str| bundle.people().find(id).unwrap();
        let principal =
            Principal { subject: find(subject), through: through.map(find), credential: Some("x") };
        for path in ["/pupils", "/schools"] {
            let decides = || {
                let Lookup::Found(leaf) = bundle.routes().find("GET", path) else {
                    panic!("no route {path}")
                };
                decide_route(&bundle, &leaf.select(Vec::new()).unwrap(), principal, None, now())
            };
            assert_eq!(counted(decides).1, 0, "{path} {subject} {through:?}");
        }
    }
}
