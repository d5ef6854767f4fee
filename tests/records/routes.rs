//! What a route says of its answers, and what follows from it for whoever asks.

use super::DISTRICT;
use crate::policy_support::{NOW, load, one_file, told};
use hallpass::decision::{Decision, Obligations, decide_requirements};
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Principal};
use hallpass::time::Time;

/// Routes over the district: what they carry, and who is let in.
const ROUTES: &str = r#"
sharing:
  vendor: {schools: {fields: all}, students: {fields: [id, name]}}
routes:
  GET /open: public
  GET /ping: {records: none, condition: {request.method: {is: GET}}}
  GET /old: {condition: {request.method: {is: GET}}}
  "GET /students":
    records: {type: students, at: /data}
    query: [page, limit]
    any: [{permission: students.view, on: school/north}, {sharing: students}]
  "GET /students/{id}":
    records: {type: students, one: "{id}"}
    any: [{permission: students.view, on: school/north}, {sharing: students}]
  "GET /contacts":
    records: [{type: contacts, at: /contacts}]
    any: [{permission: students.contacts, on: school/north}, {sharing: contacts}]
  "GET /contacts/{id}":
    records: {type: contacts, one: "{id}"}
    any: [{permission: students.contacts, on: school/north}, {sharing: contacts}]
  "GET /all":
    records: [{type: contacts, at: /contacts}, {type: students, at: /students}]
    condition: {request.method: {is: GET}}
  "GET /shared": {records: none, sharing: students}
"#;

fn routed(bundle: &Bundle, path: &str, who: &str, through: Option<&str>) -> Decision {
    let find = |id: &str| bundle.people().find(id).unwrap();
    let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("no route {path}") };
    let matched = leaf.select(Vec::new()).unwrap();
    let principal = Principal { subject: find(who), through: through.map(find), credential: None };
    decide_requirements(bundle, &matched, principal, None, Time::parse_rfc3339(NOW).unwrap()).0
}

#[test]
fn a_decision_carries_the_obligations_of_whoever_asks() {
    let bundle = load(&one_file(&format!("{DISTRICT}{ROUTES}")));
    let vendor = bundle.people().find("vendor");
    let told = |path, who, through| {
        let decision = routed(&bundle, path, who, through);
        (decision.reason.as_str(), decision.obligations)
    };
    let catalogue = Obligations { catalogue: true, ..Obligations::NONE };
    let shared = Obligations { own: vendor, ..Obligations::NONE };
    assert_eq!(told("/open", "sec", None), ("public", Obligations::NONE));
    assert_eq!(told("/ping", "sec", None), ("granted", Obligations::NONE));
    assert_eq!(told("/ping", "vendor", None), ("granted", Obligations::NONE));
    for path in ["/students", "/students/kim"] {
        assert_eq!(told(path, "sec", None), ("granted", catalogue));
        assert_eq!(told(path, "vendor", None), ("granted", shared));
        assert_eq!(
            told(path, "sec", Some("vendor")),
            ("granted", Obligations { through: vendor, ..catalogue })
        );
        assert_eq!(told(path, "pat", None), ("attribute_missing", Obligations::NONE));
    }
    // A route that says neither may carry anything.
    assert_eq!(told("/old", "sec", None), ("granted", catalogue));
    assert_eq!(told("/old", "vendor", None), ("granted", shared));
}

#[test]
fn a_type_that_is_not_shared_is_refused_to_applications() {
    // CL-02
    let bundle = load(&one_file(&format!("{DISTRICT}{ROUTES}")));
    let told = |path, who, through| routed(&bundle, path, who, through).reason.as_str();
    for path in ["/contacts", "/contacts/c"] {
        assert_eq!(told(path, "sec", None), "granted");
        assert_eq!(told(path, "vendor", None), "record_type_not_shared");
        // The person may, the application may not.
        assert_eq!(told(path, "sec", Some("vendor")), "record_type_not_shared");
    }
    // Inside other answers it is removed instead.
    assert_eq!(told("/all", "vendor", None), "granted");
    assert_eq!(told("/all", "quiet", None), "record_type_not_shared");
    assert_eq!(told("/all", "sec", Some("quiet")), "record_type_not_shared");
    // The requirement is met by applications alone, and by each that is there.
    assert_eq!(told("/shared", "vendor", None), "granted");
    assert_eq!(told("/shared", "sec", Some("vendor")), "granted");
    assert_eq!(told("/shared", "quiet", None), "record_type_not_shared");
    assert_eq!(told("/shared", "vendor", Some("quiet")), "record_type_not_shared");
    assert_eq!(told("/shared", "sec", None), "record_type_not_shared");
}

#[test]
fn without_a_catalogue_nobody_has_an_obligation() {
    let text = "bundle: {name: none, time_zone: UTC}\ndomains: {d: {precedence: union, levels: [school]}}\n\
                people: {sec: {kinds: [staff]}, app: {kinds: [application]}}\n\
                routes: {GET /old: {condition: {request.method: {is: GET}}}}\n";
    let bundle = load(&one_file(text));
    for (who, through) in [("sec", None), ("app", None), ("sec", Some("app"))] {
        assert_eq!(routed(&bundle, "/old", who, through).obligations, Obligations::NONE);
    }
    assert!(told(&one_file(text)).is_empty());
}

#[test]
fn routes_that_do_not_say_what_they_carry_are_listed() {
    let told = told(&one_file(&format!("{DISTRICT}{ROUTES}")));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("records_unsaid ") && told[0].ends_with(" GET /old"), "{told:?}");
}

#[test]
fn mistakes_in_what_a_route_carries_are_told() {
    let permission = "permission: students.view, on: school/north";
    for (route, expected) in [
        ("GET /x: {public: true, records: {type: students}}", "public_records records"),
        ("GET /x: {records: some, PERMISSION}", "wrong_type some"),
        ("GET /x: {records: [], PERMISSION}", "empty_list []"),
        ("GET /x: {records: {at: /data}, PERMISSION}", "missing_key records"),
        ("GET /x: {records: {type: pupils}, PERMISSION}", "unknown_name pupils"),
        ("GET /x: {records: {type: students, at: data}, PERMISSION}", "bad_pointer data"),
        ("GET /x: {records: {type: students, at: /a~2}, PERMISSION}", "bad_pointer /a~2"),
        ("GET /x: {records: {type: students, one: \"{id}\"}, PERMISSION}", "unknown_name \"{id}\""),
        ("GET /x: {records: none, query: [page], PERMISSION}", "unknown_key query"),
        ("GET /x: {records: none, sharing: pupils}", "unknown_name pupils"),
        ("GET /x: {records: none, sharing: students, on: school/north}", "unknown_key on"),
    ] {
        let route = route.replace("PERMISSION", permission);
        let told: Vec<String> = told(&one_file(&format!("{DISTRICT}routes:\n  {route}\n")))
            .into_iter()
            .map(|told| {
                let mut parts = told.splitn(3, ' ');
                let code = parts.next().unwrap().to_owned();
                format!("{code} {}", parts.nth(1).unwrap_or_default())
            })
            .collect();
        assert_eq!(told, [expected], "{route}");
    }
}
