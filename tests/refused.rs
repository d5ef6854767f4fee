//! Bundles that do not load, at the edge of what does: each limit from both sides, and each operator of a condition
//! with what it cannot be compared with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/policy.rs"]
mod policy_support;

use hallpass::policy::compile;
use policy_support::{one_file, told};

const SCHOOL: &str = r#"bundle: {name: refused, time_zone: UTC}
issuers: {https://login.example: {claim: sub, matches: badge}}
domains:
  d:
    precedence: union
    levels: [account, school, class]
    scopes: {account/a: {school/s: {class/1: ~}}}
    modules: {work: {level: class, permissions: {view: ~, edit: ~}}}
    roles: {dean: {level: school, grants: {work: all}}, aide: {level: class, grants: {work: [view]}}}
    buildings: school
    forms: {plan: ~}
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
people:
  ann: {kinds: [staff], badge: b-1}
  kid: {kinds: [student], buildings: [school/s]}
assignments: [{subject: ann, role: dean, scope: school/s}]
guardians: [{guardian: ann, student: kid}]
routes:
  "GET /x/{word}": {permission: work.view, on: class/1}
"#;

/// What is said of the bundle with one text in the place of another, as `code underlined`.
fn with(from: &str, to: &str) -> Vec<String> {
    assert_eq!(SCHOOL.matches(from).count(), 1, "`{from}`");
    told(&one_file(&SCHOOL.replace(from, to)))
        .into_iter()
        .map(|told| {
            let (code, rest) = told.split_once(' ').unwrap();
            format!("{code} {}", rest.split_once(' ').map_or("", |(_, underlined)| underlined))
        })
        .collect()
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_operator_that_could_never_be_judged_does_not_load() {
    let load = |condition: &str| {
        let route = format!("{{condition: {condition}, target: ann, student: kid, on: class/1}}");
        with("{permission: work.view, on: class/1}", &route)
    };
    for (attribute, fits, not) in [
        (
            "request.word",
            &[
                "is: red",
                "is_not: red",
                "in: [red]",
                "not_in: [red]",
                "at_least: '3'",
                "is: {attribute: subject.id}",
            ][..],
            &[
                "includes: red",
                "covers: [red]",
                "before: '2026-01-01T00:00:00Z'",
                "at_least: many",
                "in: red",
                "is: {attribute: subject.kinds}",
                "is: {attribute: target.max(plan)}",
                "present: red",
            ][..],
        ),
        (
            "subject.kinds",
            &["includes: staff", "covers: [staff]", "includes: {attribute: request.word}"],
            &[
                "is: staff",
                "in: [staff]",
                "covers: staff",
                "at_least: '1'",
                "includes: {attribute: request.time}",
            ],
        ),
        (
            "subject.claims.amr",
            &["includes: mfa", "covers: [mfa]", "present: true"],
            &["is: mfa", "in: [mfa]"],
        ),
        (
            "target.holds(work.view)",
            &["is: true", "is_not: false"],
            &["is: yes", "includes: red", "at_least: true", "at_least: {attribute: target.tied_to(class/1)}"],
        ),
        (
            "target.max(plan)",
            &["is: edit", "at_least: view", "at_least: {attribute: target.max(plan)}"],
            &["is: wide", "at_least: wide", "in: [edit]", "at_least: '3'", "includes: edit"],
        ),
        (
            "request.time",
            &["before: '2026-01-01T00:00:00Z'", "after: '2026-01-01T00:00:00Z'"],
            &[
                "is: '2026-01-01T00:00:00Z'",
                "at_least: '2026-01-01T00:00:00Z'",
                "before: {attribute: request.word}",
                "includes: red",
            ],
        ),
    ] {
        for rest in fits {
            let said = load(&format!("{{{attribute}: {{{rest}}}}}"));
            assert_eq!(said, NOTHING, "{attribute} {rest}");
        }
        for rest in not {
            let said = load(&format!("{{{attribute}: {{{rest}}}}}"));
            assert_eq!(said.len(), 1, "{attribute} {rest}: {said:?}");
            assert!(
                said[0].starts_with("bad_condition ") || said[0].starts_with("wrong_type "),
                "{rest}: {said:?}"
            );
        }
    }
}

#[test]
fn names_and_ids_have_a_length_and_letters() {
    let role = |name: &str| with("aide:", &format!("\"{name}\":"));
    assert_eq!(role(&"a".repeat(128)), NOTHING);
    for name in [&"a".repeat(129)[..], "a b", "a.b", "\u{e4}", "a/b"] {
        assert_eq!(role(name), [format!("bad_name \"{name}\"")], "{name}");
    }
    let person =
        |id: &str| with("  kid: {kinds", &format!("  \"{id}\": {{kinds: [student]}}\n  kid: {{kinds"));
    assert_eq!(person(&"k".repeat(256)), NOTHING);
    assert_eq!(person("m\u{fc}ller k."), NOTHING);
    for id in [&"k".repeat(257)[..], " k", "k ", "a/b", "a;b"] {
        assert_eq!(person(id), [format!("bad_name \"{id}\"")], "{id}");
    }
}

#[test]
fn a_domain_has_one_to_sixteen_levels() {
    let levels = |count: usize| {
        let more: String = (0..count - 3).map(|at| format!(", l{at}")).collect();
        with("[account, school, class]", &format!("[account, school, class{more}]"))
    };
    assert_eq!(levels(16), NOTHING);
    assert_eq!(levels(17).len(), 1);
    assert!(levels(17)[0].starts_with("wrong_type "));
}

#[test]
fn no_two_people_have_one_key_and_a_row_of_a_list_is_whole() {
    let said = with("  kid: {kinds: [student],", "  kid: {kinds: [student], badge: b-1,");
    assert_eq!(said, ["duplicate_name b-1"]);
    assert_eq!(with("[{guardian: ann, student: kid}]", "[{student: kid}]").len(), 1);
    assert_eq!(with("[{guardian: ann, student: kid}]", "[{guardian: ann}]").len(), 1);
    // A building is a scope of the level of buildings, and one that there is.
    for not in ["class/1", "school/t", "account/a"] {
        assert_eq!(
            with("buildings: [school/s]", &format!("buildings: [{not}]")),
            [format!("unknown_name {not}")]
        );
    }
}

#[test]
fn a_role_includes_no_broader_one_and_not_itself() {
    let includes =
        |what: &str| with("aide: {level: class,", &format!("aide: {{level: class, includes: [{what}],"));
    assert_eq!(includes("dean"), ["level_violation dean"]);
    assert_eq!(includes("aide"), ["cycle aide"]);
    assert_eq!(with("dean: {level: school,", "dean: {level: school, includes: [aide],"), NOTHING);
}

#[test]
fn a_requirement_has_the_keys_of_its_kind_and_no_others() {
    let require = |text: &str| with("{permission: work.view, on: class/1}", text);
    assert_eq!(require("{access: view, form: plan, student: kid}"), NOTHING);
    assert_eq!(require("{access: view, form: plan, student: kid, target: ann}"), ["unknown_key target"]);
    assert_eq!(require("{access: view, form: plan, student: kid, giving: view}"), ["unknown_key giving"]);
    assert_eq!(require("{access: share, form: plan, student: kid, target: ann, giving: view}"), NOTHING);
    assert_eq!(require("{access: transfer, form: plan, student: kid, target: ann}"), NOTHING);
    for (text, missing) in [
        ("{access: share, form: plan, student: kid, giving: view}", "target"),
        ("{access: share, form: plan, student: kid, target: ann}", "giving"),
        ("{access: transfer, form: plan, student: kid}", "target"),
    ] {
        let compilation = compile(&one_file(&SCHOOL.replace("{permission: work.view, on: class/1}", text)));
        let [told] = &compilation.diagnostics[..] else { panic!("{text}: {:?}", compilation.diagnostics) };
        assert_eq!(told.code, "missing_key");
        assert!(told.message.contains(&format!("`{missing}`")), "{}", told.message);
    }
}

#[test]
fn what_is_not_known_is_answered_with_what_is() {
    let help = |to: &str| {
        let text = SCHOOL.replace("role: dean", &format!("role: {to}"));
        compile(&one_file(&text)).diagnostics[0].help.clone().unwrap()
    };
    assert_eq!(help("deam"), "did you mean `dean`?");
    assert_eq!(help("zzzzzzzz"), "known: aide, dean");
    let many: String = (0..11).map(|at| format!(" r{at}: {{level: class}},")).collect();
    let text =
        SCHOOL.replace("roles: {", &format!("roles: {{{many} ")).replace("role: dean", "role: zzzzzzzz");
    assert_eq!(compile(&one_file(&text)).diagnostics[0].help.as_deref(), Some("13 are known, none is near"));
}

#[test]
fn a_parameter_of_a_template_has_letters_digits_and_underscores() {
    let template = |name: &str| with("/x/{word}", &format!("/x/{{{name}}}"));
    assert_eq!(template("word_2"), NOTHING);
    for name in ["wo-rd", "wo rd", "w\u{f6}rd"] {
        let said = template(name);
        assert!(said.len() == 1 && said[0].starts_with("bad_template "), "{name}: {said:?}");
    }
}

#[test]
fn a_date_is_ten_letters_in_the_order_of_the_calendar() {
    let from = |date: &str| with("scope: school/s}", &format!("scope: school/s, from: '{date}'}}"));
    assert_eq!(from("2026-08-31"), NOTHING);
    for date in ["2026-8-31", "2026-08-32", "20260831", "2026/08/31", "-026-08-31", "2026-08-31 "] {
        assert!(from(date)[0].starts_with("bad_date "), "{date}");
    }
}
