//! Blocks come before any grant, for a target and for documents too.

use super::{FORMS, SCHOOL, load, reason};
use hallpass::policy::Bundle;

fn blocked(block: &str) -> Bundle {
    let text = SCHOOL.replace("precedence: most_specific", "precedence: union");
    load(&format!(
        "{text}blocks:\n  - {{subject: ann, {block}, reason: an order of the court}}\nassignments:\n  - {{subject: ann, role: boss, scope: account/s}}\n  - {{subject: bob, role: boss, scope: account/s}}\n"
    ))
}

#[test]
fn a_block_comes_before_any_grant() {
    let student = r#"resource: "student": "kid""#;
    let bundle = blocked("student: kid");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", student), "blocked");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", ""), "granted");
    assert_eq!(reason(&bundle, "bob", "work.view", "class/1", student), "granted");
    let bundle = blocked("scope: class/1");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", ""), "blocked");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/2", ""), "granted");
    // The students of the scope as well, wherever they are asked about.
    assert_eq!(reason(&bundle, "ann", "work.view", "class/2", student), "blocked");
    let bundle = blocked("scope: programme/p");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/2", ""), "blocked");
}

#[test]
fn a_block_holds_within_its_dates() {
    let bundle = blocked("scope: class/1, until: 2026-09-30");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", ""), "granted");
    let bundle = blocked("scope: class/1, until: 2026-10-01");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", ""), "blocked");
}

#[test]
fn a_block_bounds_a_target_as_well() {
    let bundle = blocked("scope: class/1");
    assert_eq!(reason(&bundle, "bob", "work.view", "class/1", r#"action: "target": "ann""#), "blocked");
}

#[test]
fn a_block_holds_where_its_student_is_the_target_or_the_student_is_not_known() {
    for block in ["student: kid", "scope: class/1"] {
        let bundle = blocked(block);
        let ask = |who, more| reason(&bundle, who, "work.view", "class/2", more);
        assert_eq!(ask("ann", r#"action: "target": "kid""#), "blocked", "{block}");
        assert_eq!(ask("ann", r#"action: "target": "sib""#), "granted", "{block}");
        assert_eq!(ask("bob", r#"action: "target": "kid""#), "granted", "{block}");
        assert_eq!(ask("ann", r#"resource: "student": "nobody""#), "blocked", "{block}");
        assert_eq!(ask("bob", r#"resource: "student": "nobody""#), "granted", "{block}");
    }
}

#[test]
fn a_document_whose_student_is_not_known_is_refused_to_a_person_who_has_any_block() {
    let bundle = load(&format!("{FORMS}blocks: [{{subject: ann, scope: school/s, reason: x}}]\n"));
    let known = r#"resource: "form": "iep", "student": "kid""#;
    let unknown = r#"resource: "form": "iep", "buildings": ["n"]"#;
    assert_eq!(reason(&bundle, "ann", "view", "document/x", known), "granted");
    assert_eq!(reason(&bundle, "ann", "view", "document/x", unknown), "blocked");
    assert_eq!(reason(&bundle, "bob", "view", "document/x", unknown), "granted");
    let bundle = load(&format!("{FORMS}blocks: [{{subject: ann, scope: school/n, reason: x}}]\n"));
    assert_eq!(reason(&bundle, "ann", "view", "document/x", known), "blocked");
}

#[test]
fn of_two_answers_to_whom_a_document_is_about_neither_is_taken() {
    let listed =
        FORMS.replace("  kid: {kinds", "  sib: {kinds: [student], buildings: [school/n]}\n  kid: {kinds");
    let bundle = load(&format!("{listed}documents: {{plan: {{form: iep, student: kid}}}}\n"));
    let view = |student: &str| reason(&bundle, "ann", "view", "document/plan", student);
    assert_eq!(view(""), "granted");
    assert_eq!(view(r#"resource: "student": "kid""#), "granted");
    assert_eq!(view(r#"resource: "student": "sib""#), "attribute_missing");
    assert_eq!(view(r#"resource: "student": "nobody""#), "attribute_missing");
    // A request that names a form describes another document.
    assert_eq!(view(r#"resource: "form": "iep", "student": "sib""#), "granted");
}

#[test]
fn a_blocked_target_bounds_every_request_about_a_document_that_names_one() {
    let bundle = load(&format!("{FORMS}blocks: [{{subject: ann, student: kid, reason: x}}]\n"));
    let view = "action: \"target\": \"ann\"\nresource: \"form\": \"iep\", \"student\": \"kid\"";
    assert_eq!(reason(&bundle, "bob", "view", "document/x", view), "blocked");
    assert_eq!(reason(&load(FORMS), "bob", "view", "document/x", view), "granted");
}

#[test]
fn the_max_of_a_blocked_target_is_none() {
    let bundle = load(&format!("{FORMS}blocks: [{{subject: ann, student: kid, reason: x}}]\n"));
    let share = "action: \"target\": \"ann\", \"access\": \"view\"\nresource: \"form\": \"iep\", \"student\": \"kid\"";
    assert_eq!(reason(&bundle, "bob", "share", "document/x", share), "grantee_max");
    assert_eq!(reason(&load(FORMS), "bob", "share", "document/x", share), "granted");
}
