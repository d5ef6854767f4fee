//! Archived scopes (`CL-16`): roles that are held there are held and grant nothing; broader roles go on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/policy.rs"]
mod policy;

use hallpass::policy::Source;
use policy::{can, document, load, one_file, request, told};

fn school(precedence: &str, archived: &str) -> String {
    format!(
        r#"
bundle: {{name: archived, time_zone: UTC}}
domains:
  d:
    precedence: {precedence}
    levels: [school, year, class]
    {archived}
    scopes: {{school/n: {{year/1: {{class/1A: ~, class/1B: ~}}, class/x: ~}}}}
    modules: {{work: {{level: class, permissions: {{view: ~, grade: ~}}}}}}
    mandatory: {{level: school, kinds: [service]}}
    default_role: robot
    roles:
      head: {{level: school, grants: {{work: all}}}}
      boss: {{level: school, never_overridden: true, grants: {{work: all}}}}
      tutor: {{level: school, grants: {{work: [{{view: own_classes}}]}}}}
      robot: {{level: school, grants: {{work: [view]}}}}
      teacher: {{level: class, grants: {{work: all}}, forms: {{"*": {{default: edit, max: owner}}}}}}
    buildings: school
    forms: {{note: ~}}
    when_unassigned: {{default: none, max: none}}
    when_no_buildings: {{default: none, max: none}}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
people:
  hana: {{kinds: [staff]}}
  bea: {{kinds: [staff]}}
  tess: {{kinds: [staff]}}
  tom: {{kinds: [staff]}}
  bot: {{kinds: [service]}}
  sam: {{kinds: [student], buildings: [school/n]}}
enrolments:
  - {{person: tom, scope: class/1A, part: teacher}}
  - {{person: tom, scope: class/x, part: teacher}}
assignments:
  - {{subject: hana, role: head, scope: school/n}}
  - {{subject: bea, role: boss, scope: school/n}}
  - {{subject: bea, role: teacher, scope: class/1A, buildings: [school/n]}}
  - {{subject: tess, role: teacher, scope: class/1A, buildings: [school/n]}}
  - {{subject: tess, role: head, scope: school/n}}
  - {{subject: tom, role: tutor, scope: school/n}}
documents:
  note-sam: {{form: note, student: sam, created_by: tess}}
routes:
  "GET /classes/{{c}}": {{permission: work.view, on: "class/{{c}}"}}
"#
    )
}

#[test]
fn cl_16_a_role_in_an_archived_class_is_held_and_grants_nothing() {
    let open = load(&one_file(&school("most_specific", "")));
    let shut = load(&one_file(&school("most_specific", "archived: [class/1A]")));
    assert_eq!(can(&open, "tess", "work.grade", "class/1A"), "granted teacher class/1A");
    // It is held, so the broader role that it replaces does not come back.
    assert_eq!(can(&shut, "tess", "work.grade", "class/1A"), "permission_not_granted teacher class/1A");
    assert_eq!(can(&shut, "tess", "work.grade", "class/1B"), "granted head school/n");
    assert_eq!(request(&shut, "tess", "GET /classes/1A"), "permission_not_granted teacher class/1A");
}

#[test]
fn cl_16_broader_roles_go_on_in_an_archived_class() {
    let shut = load(&one_file(&school("most_specific", "archived: [class/1A]")));
    assert_eq!(can(&shut, "hana", "work.grade", "class/1A"), "granted head school/n");
    assert_eq!(can(&shut, "bea", "work.grade", "class/1A"), "granted boss school/n");
    let shut = load(&one_file(&school("union", "archived: [class/1A]")));
    assert_eq!(can(&shut, "tess", "work.grade", "class/1A"), "granted head school/n");
}

#[test]
fn what_stands_below_an_archived_scope_is_archived_and_what_stands_beside_it_is_not() {
    let shut = load(&one_file(&school("most_specific", "archived: [year/1]")));
    assert_eq!(can(&shut, "tess", "work.grade", "class/1A"), "permission_not_granted teacher class/1A");
    let shut = load(&one_file(&school("most_specific", "archived: [class/1B, class/x]")));
    assert_eq!(can(&shut, "tess", "work.grade", "class/1A"), "granted teacher class/1A");
}

#[test]
fn whoever_taught_an_archived_class_has_it_as_an_own_class_no_more() {
    let open = load(&one_file(&school("most_specific", "")));
    let shut = load(&one_file(&school("most_specific", "archived: [class/1A]")));
    assert_eq!(can(&open, "tom", "work.view", "class/1A"), "granted tutor school/n");
    assert_eq!(can(&shut, "tom", "work.view", "class/1A"), "relation_unmet tutor school/n");
    assert_eq!(can(&shut, "tom", "work.view", "class/x"), "granted tutor school/n");
}

#[test]
fn a_role_that_is_held_by_default_grants_nothing_at_an_archived_scope() {
    let open = load(&one_file(&school("most_specific", "")));
    let shut = load(&one_file(&school("most_specific", "archived: [school/n]")));
    let ask = |bundle| {
        let request = serde_json::json!({
            "subject": {"type": "service", "id": "bot"}, "action": {"name": "work.view"},
            "resource": {"type": "class", "id": "1B"},
        });
        policy::shown(bundle, &policy::ask(bundle, &request))
    };
    assert_eq!(ask(&open), "granted robot school/n");
    assert_eq!(ask(&shut), "permission_not_granted robot school/n");
}

#[test]
fn a_role_in_an_archived_class_counts_for_documents_with_none_and_none() {
    let open = load(&one_file(&school("most_specific", "")));
    let shut = load(&one_file(&school("most_specific", "archived: [class/1A]")));
    assert_eq!(document(&open, "tess", "edit", "note-sam"), "granted teacher school/n form_default");
    assert_eq!(document(&shut, "tess", "edit", "note-sam"), "level_below_required teacher school/n form_max");
}

#[test]
fn a_row_of_a_table_of_scopes_says_that_it_is_archived() {
    let table = |rows: &str| {
        let text = school("most_specific", "").replace("class/1A: ~, class/1B: ~", "class/1B: ~");
        let mut sources = one_file(&text);
        sources.push(Source { name: "scopes.csv".into(), bytes: rows.into() });
        sources
    };
    let open = load(&table("scope,parent,archived\nclass/1A,year/1,\n"));
    let shut = load(&table("scope,parent,archived\nclass/1A,year/1,true\n"));
    assert_eq!(can(&open, "tess", "work.grade", "class/1A"), "granted teacher class/1A");
    assert_eq!(can(&shut, "tess", "work.grade", "class/1A"), "permission_not_granted teacher class/1A");
    let broken = told(&table("scope,parent,archived\nclass/1A,year/1,yes\n"));
    assert_eq!(broken, ["wrong_type scopes.csv:2 yes"]);
}

#[test]
fn an_archived_scope_that_is_not_in_the_tree_does_not_load() {
    let text = school("most_specific", "archived: [class/9Z]");
    assert_eq!(told(&one_file(&text)), ["unknown_name policy.yaml:7 class/9Z"]);
}
