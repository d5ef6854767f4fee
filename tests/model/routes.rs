//! Routes with several requirements, alternatives, lists and conditions.

use super::{NOW, SCHOOL, by_route, errors, load, try_load};
use hallpass::decision::decide_route;
use hallpass::policy::route::Lookup;
use hallpass::time::Time;

#[test]
fn one_of_any_is_enough_and_all_of_require_are_needed() {
    let routes = r#"
routes:
  "GET /{c}/any": {any: [{permission: work.edit, on: "class/{c}"}, {permission: work.view, on: "class/{c}"}]}
  "GET /{c}/all": {require: [{permission: work.view, on: "class/{c}"}, {permission: work.edit, on: "class/{c}"}]}
  "GET /{c}/mixed": {require: [{permission: work.view, on: "class/{c}"}, {any: [{permission: work.edit, on: "class/{c}"}]}]}
"#;
    let bundle =
        load(&format!("{SCHOOL}{routes}assignments:\n  - {{subject: bob, role: aide, scope: class/1}}\n"));
    assert_eq!(by_route(&bundle, "bob", "GET", "/1/any"), "granted");
    assert_eq!(by_route(&bundle, "bob", "GET", "/2/any"), "no_role_in_context");
    assert_eq!(by_route(&bundle, "bob", "GET", "/1/all"), "permission_not_granted");
    assert_eq!(by_route(&bundle, "bob", "GET", "/1/mixed"), "permission_not_granted");
    let nested = r#"routes: {"GET /{c}": {any: [{any: [{permission: work.edit, on: "class/{c}"}]}]}}"#;
    assert_eq!(errors(&format!("{SCHOOL}{nested}\n")), ["nested_any"]);
}

#[test]
fn whoever_is_kept_away_from_what_one_alternative_names_is_not_let_past_it_by_another() {
    let routes = r#"
routes:
  "GET /{c}/{who}/student": {any: [{permission: work.edit, on: "class/{c}", student: "{who}"}, {permission: news.view, on: programme/p}]}
  "GET /{c}/{who}/target": {any: [{permission: news.view, on: programme/p}, {permission: work.edit, on: "class/{c}", target: "{who}"}]}
  "GET /{c}/{who}/condition": {any: [{condition: {request.who: {is: none}}, student: "{who}"}, {permission: news.view, on: programme/p}]}
  "GET /{c}/{who}/scope": {any: [{permission: work.edit, on: "class/{c}"}, {permission: news.view, on: programme/p}]}
  "GET /{c}/{who}/neither": {permission: news.view, on: programme/p}
"#;
    let with = |block: &str| {
        let blocks = format!("blocks: [{{subject: ann, {block}, reason: x}}]\n");
        let assignments = "assignments:\n  - {subject: ann, role: boss, scope: account/s}\n  - {subject: bob, role: boss, scope: account/s}\n";
        load(&format!("{SCHOOL}{routes}{assignments}{blocks}"))
    };
    let bundle = with("student: kid");
    for route in ["student", "target", "condition"] {
        // A class that is not there does not hide the student.
        for class in ["1", "none"] {
            let path = |who: &str| format!("/{class}/{who}/{route}");
            assert_eq!(by_route(&bundle, "ann", "GET", &path("kid")), "blocked", "{route} {class}");
            assert_eq!(by_route(&bundle, "bob", "GET", &path("kid")), "granted", "{route} {class}");
        }
    }
    assert_eq!(by_route(&bundle, "ann", "GET", "/1/kid/neither"), "granted");
    // Nobody that is known may be anybody.
    assert_eq!(by_route(&bundle, "ann", "GET", "/1/stranger/student"), "blocked");
    assert_eq!(by_route(&bundle, "bob", "GET", "/1/stranger/student"), "granted");
    let bundle = with("scope: class/1");
    assert_eq!(by_route(&bundle, "ann", "GET", "/1/kid/scope"), "blocked");
    assert_eq!(by_route(&bundle, "ann", "GET", "/2/kid/scope"), "granted");
}

#[test]
fn every_resource_of_a_list_must_be_allowed_and_an_empty_list_is_denied() {
    let routes = r#"routes: {"GET /many/{c...}": {lists: [c], permission: work.view, on: "class/{c}"}}"#;
    let bundle =
        load(&format!("{SCHOOL}{routes}\nassignments:\n  - {{subject: bob, role: aide, scope: class/1}}\n"));
    assert_eq!(by_route(&bundle, "bob", "GET", "/many/1"), "granted");
    assert_eq!(by_route(&bundle, "bob", "GET", "/many/1,1"), "granted");
    assert_eq!(by_route(&bundle, "bob", "GET", "/many/1,2"), "no_role_in_context");
    assert_eq!(by_route(&bundle, "bob", "GET", "/many/1,"), "scope_unknown");
    assert_eq!(by_route(&bundle, "bob", "GET", "/many/,"), "scope_unknown");
}

#[test]
fn a_list_that_no_requirement_reads_and_two_lists_in_one_do_not_load() {
    let with = |lists: &str| {
        format!(
            "{SCHOOL}routes: {{\"GET /{{c}}/{{s}}\": {{lists: [{lists}], permission: work.view, on: \"class/{{c}}\", student: \"{{s}}\"}}}}\n"
        )
    };
    assert!(try_load(&with("c, c")).bundle.is_some());
    assert_eq!(errors(&with("c, s")), ["two_lists"]);
    assert_eq!(errors(&with("s").replace(", student: \"{s}\"", "")), ["list_not_read"]);
}

#[test]
fn a_suspended_subject_is_told_so_before_a_list_is_read() {
    let routes = r#"routes: {"GET /many?c={c}": {lists: [c], permission: work.view, on: "class/{c}"}}"#;
    let bundle = load(&format!("{SCHOOL}{routes}\nsuspended: {{subjects: [bob]}}\n"));
    let Lookup::Found(leaf) = bundle.routes().find("GET", "/many") else { panic!("no route") };
    let matched = leaf.select(vec![Some(String::new())]).unwrap();
    let ask = |who: &str| {
        let subject = bundle.people().find(who).unwrap();
        decide_route(&bundle, &matched, subject, None, Time::parse_rfc3339(NOW).unwrap()).reason.as_str()
    };
    assert_eq!(ask("bob"), "suspended");
    assert_eq!(ask("ann"), "attribute_missing");
}

fn conditional(condition: &str, method: &str, path: &str, who: &str) -> &'static str {
    let text = SCHOOL.replace("precedence: most_specific", "precedence: union");
    let routes = format!(
        "routes:\n  \"{method} /people/{{person}}/{{word}}\": {{condition: {condition}, target: \"{{person}}\", student: \"{{person}}\", on: class/1}}\n"
    );
    let assignments = "assignments:\n  - {subject: bob, role: boss, scope: account/s}\n";
    by_route(&load(&format!("{text}{routes}{assignments}")), who, method, path)
}

#[test]
fn a_condition_compares_declared_attributes() {
    for (condition, expected) in [
        ("{target.id: {is: {attribute: subject.id}}}", "condition_failed"),
        ("{target.id: {is_not: {attribute: subject.id}}}", "granted"),
        ("{request.word: {in: [red, blue]}}", "granted"),
        ("{request.word: {not_in: [red, blue]}}", "condition_failed"),
        ("{subject.kinds: {includes: staff}}", "granted"),
        ("{subject.kinds: {covers: [staff, student]}}", "condition_failed"),
        ("{request.method: {is: PUT}}", "granted"),
        ("{request.time: {after: '2026-01-01T00:00:00Z'}}", "granted"),
        ("{request.time: {before: '2026-01-01T00:00:00Z'}}", "condition_failed"),
        ("{target.holds(work.edit): {is: true}}", "granted"),
        ("{target.holds(work.edit): {is: false}}", "condition_failed"),
        ("{target.tied_to(account/s): {is: true}}", "granted"),
        ("{target.tied_to(class/2): {is: true}}", "condition_failed"),
        ("{all: [{request.word: {is: red}}, {target.kinds: {includes: staff}}]}", "granted"),
        ("{any: [{request.word: {is: blue}}, {target.kinds: {includes: student}}]}", "condition_failed"),
        ("{not: {request.word: {is: blue}}}", "granted"),
        ("{subject.claims.amr: {present: false}}", "granted"),
    ] {
        assert_eq!(conditional(condition, "PUT", "/people/bob/red", "ann"), expected, "{condition}");
    }
}

#[test]
fn an_error_anywhere_makes_the_whole_condition_false_under_not_and_any_too() {
    for condition in [
        "{subject.claims.amr: {includes: mfa}}",
        "{not: {subject.claims.amr: {includes: mfa}}}",
        "{any: [{request.word: {is: red}}, {subject.claims.amr: {includes: mfa}}]}",
        "{any: [{subject.claims.amr: {includes: mfa}}, {request.word: {is: red}}]}",
        "{request.word: {at_least: '3'}}",
    ] {
        assert_eq!(conditional(condition, "PUT", "/people/bob/red", "ann"), "condition_error", "{condition}");
    }
    // A number where a number is wanted is one.
    assert_eq!(conditional("{request.word: {at_least: '3'}}", "PUT", "/people/bob/30", "ann"), "granted");
    // Somebody who is named and not known is not nobody.
    assert_eq!(
        conditional("{request.word: {is: red}}", "PUT", "/people/nobody/red", "ann"),
        "attribute_missing"
    );
}

#[test]
fn a_claim_that_is_no_text_and_no_list_of_text_is_an_error_and_not_a_no() {
    let routes = r#"routes:
  "GET /not": {condition: {not: {subject.claims.acr: {includes: locked}}}}
  "GET /all": {condition: {subject.claims.acr: {covers: []}}}
  "GET /there": {condition: {subject.claims.acr: {present: false}}}
"#;
    let bundle = load(&format!("{SCHOOL}{routes}"));
    let asked = |path: &str, acr: serde_json::Value| {
        let request = serde_json::json!({
            "subject": {"type": "staff", "id": "ann", "properties": {"acr": acr}},
            "action": {"name": "-"},
            "resource": {"type": "-", "id": "-"},
        });
        let request = hallpass::decision::authzen::Request::read(&request).unwrap();
        let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("no route {path}") };
        let matched = leaf.select(Vec::new()).unwrap();
        let ann = bundle.people().find("ann").unwrap();
        let now = Time::parse_rfc3339("2026-06-01T10:00:00Z").unwrap();
        decide_route(&bundle, &matched, ann, Some(&request.subject_properties), now).reason.as_str()
    };
    for other in [serde_json::json!(1), serde_json::json!(true), serde_json::json!(["open", 1])] {
        assert_eq!(asked("/not", other.clone()), "condition_error", "{other}");
        assert_eq!(asked("/all", other.clone()), "condition_error", "{other}");
        // It is there, whatever it is.
        assert_eq!(asked("/there", other), "condition_failed");
    }
    assert_eq!(asked("/not", serde_json::json!(["open"])), "granted");
    assert_eq!(asked("/not", serde_json::json!("locked")), "condition_failed");
}

#[test]
fn a_condition_that_could_never_be_judged_does_not_load() {
    let route = |condition: &str| format!("{SCHOOL}routes: {{\"GET /{{a}}\": {{condition: {condition}}}}}\n");
    for (condition, code) in [
        ("{subject.kinds: {is: staff}}", "bad_condition"),
        ("{request.time: {at_least: '3'}}", "bad_condition"),
        ("{subject.shoe: {is: x}}", "unknown_name"),
        ("{request.b: {is: x}}", "unknown_name"),
        ("{subject.id: {equals: x}}", "unknown_name"),
        ("{all: []}", "empty_list"),
        ("{subject.id: {is: x}, subject.kinds: {includes: staff}}", "bad_condition"),
        ("{request.time: {before: tomorrow}}", "bad_date"),
        ("{request.a: {at_least: many}}", "bad_condition"),
        ("{request.a: {present: {attribute: subject.id}}}", "bad_condition"),
        ("{target.id: {is: ann}}", "bad_condition"),
        ("{not: {subject.id: {is: {attribute: resource.student}}}}", "bad_condition"),
    ] {
        assert_eq!(errors(&route(condition)), [code], "{condition}");
    }
}
