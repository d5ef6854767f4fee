//! Permissions beyond plain roles: relations, options, custom sets, plans, switches, step-up and blocks
//! (`policy-model.md` sections 3 and 4). Each test names the sentence that it holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hallpass::decision::{Decision, authzen, decide, decide_route};
use hallpass::json;
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Severity, Source, compile};
use hallpass::time::Time;

const NOW: &str = "2026-10-01T08:00:00Z";

fn load(text: &str) -> Bundle {
    let compilation = try_load(text);
    assert!(compilation.bundle.is_some(), "{:#?}", compilation.diagnostics);
    compilation.bundle.unwrap()
}

fn try_load(text: &str) -> hallpass::policy::Compilation {
    let text = format!("bundle: {{name: model, time_zone: UTC}}\n{text}");
    compile(&[Source { name: "bundle.yaml".into(), bytes: text.into_bytes() }])
}

/// The codes of the errors of a bundle that must not load.
fn errors(text: &str) -> Vec<&'static str> {
    let compilation = try_load(text);
    assert!(compilation.bundle.is_none());
    let errors = compilation.diagnostics.into_iter().filter(|told| told.severity == Severity::Error);
    errors.map(|told| told.code).collect()
}

fn decision(bundle: &Bundle, who: &str, what: &str, on: &str, more: &str) -> Decision {
    let (kind, id) = on.split_once('/').unwrap();
    let text = format!(
        r#"{{"subject": {{"type": "staff", "id": "{who}" {}}}, "action": {{"name": "{what}" {}}},
            "resource": {{"type": "{kind}", "id": "{id}" {}}}}}"#,
        part(more, "claims:"),
        part(more, "action:"),
        part(more, "resource:"),
    );
    let request = authzen::Request::read(&json::parse(text.as_bytes()).unwrap()).unwrap();
    match request.resolve(bundle, Time::parse_rfc3339(NOW).unwrap()) {
        Ok(resolved) => decide(bundle, &resolved.request()),
        Err(reason) => Decision::before_any_rule(reason),
    }
}

/// The JSON members after a tag in `more`, up to the end of the line.
fn part(more: &str, tag: &str) -> String {
    let line = more.lines().find_map(|line| line.trim().strip_prefix(tag));
    line.map(|members| format!(r#", "properties": {{{members}}}"#)).unwrap_or_default()
}

fn reason(bundle: &Bundle, who: &str, what: &str, on: &str, more: &str) -> &'static str {
    decision(bundle, who, what, on, more).reason.as_str()
}

const SCHOOL: &str = r#"
domains:
  d:
    precedence: most_specific
    levels: [account, programme, class]
    scopes: {account/s: {programme/p: {class/1: ~, class/2: ~}}}
    modules:
      work: {level: class, permissions: {view: ~, edit: ~, grade: ~, extra: ~}}
      news: {level: programme, gate_at: account, permissions: {view: ~}}
      power: {level: account, permissions: {rule: {power: true, power_requires: {claim: amr, has: mfa}}, use: {requires: [power.rule]}}}
    roles:
      teacher: {level: programme, grants: {work: [{view: own_classes}, {grade: assigned}]}}
      parent: {level: account, grants: {work: [{view: own_children}]}}
      self_editor: {level: account, grants: {work: [{edit: self}]}}
      aide: {level: class, grants: {work: [view]}}
      optional_aide: {level: class, grants: {work: [{view: own_classes}]}, optional: {work: [extra, view]}}
      including: {level: class, includes: [optional_aide]}
      outright: {level: class, grants: {work: [extra]}, includes: [optional_aide]}
      boss: {level: account, never_overridden: true, grants: {work: all, news: all, power: all_and_power}}
      includes_boss: {level: account, includes: [boss]}
people:
  ann: {kinds: [staff]}
  bob: {kinds: [staff]}
  kid: {kinds: [student]}
  sib: {kinds: [student]}
enrolments:
  - {person: ann, scope: class/1, part: teacher}
  - {person: ann, scope: class/2, part: teacher, until: 2026-09-01}
  - {person: kid, scope: class/1, part: student}
guardians:
  - {guardian: ann, student: kid}
"#;

fn school(assignments: &str) -> Bundle {
    load(&format!("{SCHOOL}assignments:\n{assignments}"))
}

#[test]
fn own_classes_are_those_that_the_subject_teaches_today() {
    let bundle = school("  - {subject: ann, role: teacher, scope: programme/p}\n");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", ""), "granted");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/2", ""), "relation_unmet");
}

#[test]
fn a_role_whose_relation_is_not_met_still_replaces_broader_ones() {
    let bundle = school(
        "  - {subject: ann, role: teacher, scope: programme/p}\n  - {subject: ann, role: self_editor, scope: account/s}\n",
    );
    assert_eq!(
        reason(&bundle, "ann", "work.edit", "class/2", r#"action: "target": "ann""#),
        "permission_not_granted"
    );
    assert_eq!(reason(&bundle, "ann", "work.view", "class/2", ""), "relation_unmet");
}

#[test]
fn own_children_read_the_student_and_without_one_the_attribute_is_missing() {
    let bundle = school("  - {subject: ann, role: parent, scope: account/s}\n");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", r#"resource: "student": "kid""#), "granted");
    assert_eq!(
        reason(&bundle, "ann", "work.view", "class/1", r#"resource: "student": "sib""#),
        "relation_unmet"
    );
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", ""), "attribute_missing");
}

#[test]
fn self_means_that_whoever_is_named_is_the_subject() {
    let bundle = school("  - {subject: ann, role: self_editor, scope: account/s}\n");
    let ask = |more| reason(&bundle, "ann", "work.edit", "class/1", more);
    assert_eq!(ask(r#"action: "target": "ann""#), "granted");
    assert_eq!(ask(r#"action: "target": "bob""#), "relation_unmet");
    assert_eq!(ask("action: \"target\": \"ann\"\nresource: \"student\": \"kid\""), "relation_unmet");
    assert_eq!(ask(""), "attribute_missing");
    assert_eq!(ask(r#"action: "target": "nobody""#), "attribute_missing");
}

#[test]
fn assigned_reads_to_whom_the_resource_is_assigned() {
    let bundle = school("  - {subject: ann, role: teacher, scope: programme/p}\n");
    let ask = |more| reason(&bundle, "ann", "work.grade", "class/1", more);
    assert_eq!(ask(r#"resource: "assigned": ["bob", "ann"]"#), "granted");
    assert_eq!(ask(r#"resource: "assigned": []"#), "relation_unmet");
    assert_eq!(ask(""), "attribute_missing");
}

#[test]
fn an_attribute_is_needed_only_if_no_grant_does_without_it() {
    let text = SCHOOL.replace("precedence: most_specific", "precedence: union");
    let assignments = "assignments:\n  - {subject: ann, role: parent, scope: account/s}\n  - {subject: ann, role: aide, scope: class/1}\n";
    let bundle = load(&format!("{text}{assignments}"));
    assert_eq!(reason(&bundle, "ann", "work.view", "class/1", ""), "granted");
    assert_eq!(reason(&bundle, "ann", "work.view", "class/2", ""), "attribute_missing");
}

#[test]
fn an_option_is_had_only_when_the_assignment_switches_it_on_also_through_includes() {
    for role in ["optional_aide", "including"] {
        let off = school(&format!("  - {{subject: bob, role: {role}, scope: class/1}}\n"));
        assert_eq!(reason(&off, "bob", "work.extra", "class/1", ""), "permission_not_granted", "{role}");
        let on =
            school(&format!("  - {{subject: bob, role: {role}, scope: class/1, options: [work.extra]}}\n"));
        assert_eq!(reason(&on, "bob", "work.extra", "class/1", ""), "granted", "{role}");
    }
}

#[test]
fn what_a_role_grants_outright_is_not_made_optional_by_an_include() {
    let bundle = school("  - {subject: bob, role: outright, scope: class/1}\n");
    assert_eq!(reason(&bundle, "bob", "work.extra", "class/1", ""), "granted");
}

#[test]
fn an_option_adds_nothing_to_a_grant_that_is_there_and_keeps_its_relation() {
    let text = "  - {subject: bob, role: optional_aide, scope: class/1, options: [work.view]}\n";
    assert_eq!(errors(&format!("{SCHOOL}assignments:\n{text}")), ["not_optional"]);
}

#[test]
fn a_role_that_is_never_overridden_grants_where_a_narrower_role_is_held() {
    let bundle = school(
        "  - {subject: bob, role: boss, scope: account/s}\n  - {subject: bob, role: aide, scope: class/1}\n",
    );
    let decided = decision(&bundle, "bob", "work.edit", "class/1", "");
    assert_eq!((decided.reason.as_str(), decided.rule.as_str()), ("granted", "never_overridden"));
    assert_eq!(bundle.scopes().name(decided.scope.unwrap()), "account/s");
    let narrow = decision(&bundle, "bob", "work.view", "class/1", "");
    assert_eq!(bundle.scopes().name(narrow.scope.unwrap()), "class/1");
}

#[test]
fn never_overridden_does_not_pass_through_includes() {
    let bundle = school(
        "  - {subject: bob, role: includes_boss, scope: account/s}\n  - {subject: bob, role: aide, scope: class/1}\n",
    );
    assert_eq!(reason(&bundle, "bob", "work.edit", "class/1", ""), "permission_not_granted");
    assert_eq!(reason(&bundle, "bob", "work.edit", "class/2", ""), "granted");
}

#[test]
fn a_custom_set_replaces_the_permissions_of_that_assignment_alone() {
    let bundle = school(
        "  - {subject: bob, role: aide, scope: class/1, permissions: [work.edit, 'work.grade:assigned']}\n  - {subject: bob, role: aide, scope: class/2}\n",
    );
    assert_eq!(reason(&bundle, "bob", "work.edit", "class/1", ""), "granted");
    assert_eq!(reason(&bundle, "bob", "work.view", "class/1", ""), "permission_not_granted");
    assert_eq!(
        reason(&bundle, "bob", "work.grade", "class/1", r#"resource: "assigned": ["bob"]"#),
        "granted"
    );
    assert_eq!(reason(&bundle, "bob", "work.view", "class/2", ""), "granted");
    let nothing = school("  - {subject: bob, role: aide, scope: class/1, permissions: []}\n");
    assert_eq!(reason(&nothing, "bob", "work.view", "class/1", ""), "permission_not_granted");
}

#[test]
fn a_custom_set_opens_the_gates_of_the_modules_that_it_names_and_base_opens_none() {
    let with = "  - {subject: bob, role: parent, scope: account/s, permissions: [news.view]}\n";
    assert_eq!(reason(&school(with), "bob", "news.view", "programme/p", ""), "granted");
    let text =
        SCHOOL.replace("precedence: most_specific", "precedence: most_specific\n    base: [news.view]");
    let bundle = load(&format!("{text}assignments:\n  - {{subject: bob, role: parent, scope: account/s}}\n"));
    assert_eq!(reason(&bundle, "bob", "news.view", "programme/p", ""), "module_gated");
}

#[test]
fn every_assignment_carries_base_under_custom_sets_too_and_a_suspended_one_does_not() {
    let text =
        SCHOOL.replace("precedence: most_specific", "precedence: most_specific\n    base: [work.view]");
    let with = |rest: &str| {
        load(&format!(
            "{text}assignments:\n  - {{subject: bob, role: self_editor, scope: account/s{rest}}}\n"
        ))
    };
    assert_eq!(reason(&with(""), "bob", "work.view", "class/1", ""), "granted");
    assert_eq!(reason(&with(", permissions: []"), "bob", "work.view", "class/1", ""), "granted");
    assert_eq!(
        reason(&with(", suspended: true"), "bob", "work.view", "class/1", ""),
        "permission_not_granted"
    );
}

// TD-42
#[test]
fn a_module_that_is_off_at_a_root_is_off_for_everyone_and_beats_base() {
    let text = SCHOOL.replace(
        "precedence: most_specific",
        "precedence: most_specific\n    base: [work.view]\n    modules_off: {account/s: [work]}",
    );
    let bundle = load(&format!("{text}assignments:\n  - {{subject: bob, role: boss, scope: account/s}}\n"));
    for permission in ["work.view", "work.edit"] {
        let decided = decision(&bundle, "bob", permission, "class/1", "");
        assert_eq!((decided.reason.as_str(), decided.rule.as_str()), ("module_gated", "modules_off"));
    }
    let below = text.replace("modules_off: {account/s:", "modules_off: {class/1:");
    assert_eq!(errors(&below), ["not_a_root"]);
}

// TD-15
#[test]
fn a_power_permission_may_ask_for_step_up_also_where_it_is_only_required() {
    let bundle = school("  - {subject: bob, role: boss, scope: account/s}\n");
    for permission in ["power.rule", "power.use"] {
        let ask = |more| reason(&bundle, "bob", permission, "account/s", more);
        assert_eq!(ask(""), "step_up_required");
        assert_eq!(ask(r#"claims: "amr": ["pwd"]"#), "step_up_required");
        assert_eq!(ask(r#"claims: "amr": ["pwd", "mfa"]"#), "granted");
        assert_eq!(ask(r#"claims: "amr": "mfa""#), "granted");
    }
}

const PLANS: &str = r#"
domains:
  d:
    precedence: union
    levels: [district, school, class]
    scopes: {district/d: {school/free: {class/f: ~}, school/paid: {class/p: ~}}}
    modules: {m: {level: school, permissions: {a: ~, b: ~, c: ~}}}
    roles:
      leader: {level: school, grants: {m: [a, c]}}
      chief: {level: district, grants: {m: all}}
    plans: {free: {exactly: [m.b]}, connect: {any_of: [m.a, m.b]}}
    plan_of: {school/free: free, school/paid: connect}
people: {ann: {kinds: [staff]}, bob: {kinds: [staff]}, eve: {kinds: [guardian, staff]}}
assignments:
  - {subject: ann, role: leader, scope: school/free, permissions: [m.c]}
  - {subject: ann, role: leader, scope: school/paid}
  - {subject: bob, role: chief, scope: district/d}
  - {subject: eve, role: leader, scope: school/free, suspended: true}
"#;

#[test]
fn an_exact_plan_is_the_set_whatever_is_stored_there_or_held_above() {
    let bundle = load(PLANS);
    for (who, permission, expected) in [
        ("ann", "m.b", "granted"),
        ("ann", "m.a", "permission_not_granted"),
        ("ann", "m.c", "permission_not_granted"),
        ("bob", "m.b", "permission_not_granted"),
        ("eve", "m.b", "permission_not_granted"),
    ] {
        assert_eq!(reason(&bundle, who, permission, "school/free", ""), expected, "{who} {permission}");
        assert_eq!(reason(&bundle, who, permission, "class/f", ""), expected, "{who} {permission} below");
    }
}

#[test]
fn outside_a_plan_of_choice_nothing_is_effective_or_may_be_listed() {
    let bundle = load(PLANS);
    assert_eq!(reason(&bundle, "ann", "m.a", "school/paid", ""), "granted");
    let decided = decision(&bundle, "ann", "m.c", "school/paid", "");
    assert_eq!((decided.reason.as_str(), decided.rule.as_str()), ("permission_not_granted", "plan"));
    assert_eq!(reason(&bundle, "bob", "m.c", "school/paid", ""), "permission_not_granted");
    let listed = PLANS.replace("scope: school/paid}", "scope: school/paid, permissions: [m.a, m.c]}");
    assert_eq!(errors(&listed), ["outside_plan"]);
}

#[test]
fn a_plan_lets_no_role_decide_what_roles_of_its_level_never_decide() {
    let text = PLANS
        .replace("plan_of: {school/free: free,", "plan_of: {class/f: free,")
        .replace("    plans:", "      aide: {level: class}\n    plans:");
    let bundle = load(&format!("{text}  - {{subject: bob, role: aide, scope: class/f}}\n"));
    assert_eq!(reason(&bundle, "bob", "m.b", "class/f", ""), "permission_not_granted");
    assert_eq!(reason(&bundle, "eve", "m.b", "class/p", ""), "no_role_in_context");
}

#[test]
fn every_plan_of_a_chain_bounds_what_holds_there() {
    let text = PLANS.replace("plan_of: {", "plan_of: {class/f: connect, district/d: connect, ");
    let text = text.replace("any_of: [m.a, m.b]", "any_of: [m.a]").replace(", permissions: [m.c]", "");
    let bundle = load(&text);
    // The exact plan of the school has m.b alone, the plans around it m.a alone.
    for permission in ["m.a", "m.b"] {
        assert_eq!(reason(&bundle, "ann", permission, "class/f", ""), "permission_not_granted");
    }
    assert_eq!(reason(&bundle, "ann", "m.a", "school/paid", ""), "granted");
}

#[test]
fn outside_a_plan_no_relation_is_asked_for() {
    let text = PLANS.replace(
        "leader: {level: school, grants: {m: [a, c]}}",
        "leader: {level: school, grants: {m: [{c: assigned}]}}",
    );
    assert_eq!(reason(&load(&text), "ann", "m.c", "school/paid", ""), "permission_not_granted");
}

#[test]
fn a_role_held_by_default_is_overridden_and_base_is_not_carried_by_it_outside_a_plan() {
    let text = r#"
domains:
  d:
    precedence: most_specific
    levels: [account, class]
    mandatory: {level: account, kinds: [staff]}
    default_role: basic
    scopes: {account/s: {class/1: ~}}
    modules: {m: {level: class, permissions: {a: ~, b: ~}}}
    base: [m.b]
    plans: {little: {any_of: [m.a]}}
    plan_of: {account/s: little}
    roles:
      basic: {level: account, never_overridden: true, grants: {m: all}}
      none: {level: class}
people: {ann: {kinds: [staff]}, bob: {kinds: [staff]}}
assignments: [{subject: ann, role: none, scope: class/1}]
"#;
    let bundle = load(text);
    assert_eq!(reason(&bundle, "bob", "m.a", "class/1", ""), "granted");
    assert_eq!(reason(&bundle, "bob", "m.b", "class/1", ""), "permission_not_granted");
    assert_eq!(reason(&bundle, "ann", "m.a", "class/1", ""), "permission_not_granted");
    assert_eq!(reason(&bundle, "ann", "m.b", "class/1", ""), "granted");
}

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

const FORMS: &str = r#"
domains:
  f:
    precedence: union
    levels: [district, school]
    buildings: school
    scopes: {district/d: {school/n: ~, school/s: ~}}
    forms: {iep: ~}
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
    roles: {all: {level: district, forms: {iep: {default: owner, max: owner}}}}
people:
  ann: {kinds: [staff]}
  bob: {kinds: [staff]}
  kid: {kinds: [student], buildings: [school/n]}
assignments:
  - {subject: ann, role: all, scope: district/d, buildings: [school/n, school/s]}
  - {subject: bob, role: all, scope: district/d, buildings: [school/n, school/s]}
"#;

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

#[test]
fn a_permission_to_administer_within_a_relation_reads_whom_the_document_is_about_and_who_is_given_it() {
    let text = FORMS
        .replace(
            "forms: {iep: ~}",
            "forms: {iep: ~}\n    modules: {documents: {level: school, permissions: {administer: ~}}}",
        )
        .replace(
            "roles: {all",
            "roles: {parent: {level: district, grants: {documents: [{administer: own_children}]}}, \
             pupil: {level: district, grants: {documents: [{administer: self}]}}, all",
        )
        .replace(
            "  kid: {",
            "  pat: {kinds: [guardian]}\n  sib: {kinds: [student], buildings: [school/n]}\n  kid: {",
        )
        .replace(
            "assignments:\n",
            "assignments:\n  - {subject: pat, role: parent, scope: district/d}\n  \
             - {subject: kid, role: pupil, scope: district/d}\n",
        );
    let more = r#"
guardians: [{guardian: pat, student: kid}]
documents: {plan: {form: iep, student: kid}, other: {form: iep, student: sib}}
routes: {"PUT /{doc}/{who}": {access: share, document: "{doc}", target: "{who}", giving: view}}
"#;
    let bundle = load(&format!("{text}{more}"));
    for (who, path, expected) in [
        ("pat", "/plan/bob", "granted"),
        ("pat", "/other/bob", "level_below_required"),
        // `self` is nobody who is named besides.
        ("kid", "/plan/bob", "level_below_required"),
        ("kid", "/plan/kid", "grantee_max"),
    ] {
        assert_eq!(by_route(&bundle, who, "PUT", path), expected, "{who} {path}");
    }
}

fn by_route(bundle: &Bundle, who: &str, method: &str, path: &str) -> &'static str {
    let Lookup::Found(leaf) = bundle.routes().find(method, path) else { return "no_route" };
    let matched = leaf.select(Vec::new()).unwrap();
    let subject = bundle.people().find(who).unwrap();
    decide_route(bundle, &matched, subject, None, Time::parse_rfc3339(NOW).unwrap()).reason.as_str()
}

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

#[test]
fn titles_label_an_assignment_and_a_pair_outside_the_catalogue_does_not_load() {
    let text = SCHOOL.replace(
        "precedence: most_specific",
        "precedence: most_specific\n    titles: {Support: [Clinic, IT]}",
    );
    let with = |title: &str| {
        format!("{text}assignments:\n  - {{subject: bob, role: aide, scope: class/1, title: {title}}}\n")
    };
    assert!(try_load(&with("Support/IT")).bundle.is_some());
    assert_eq!(errors(&with("Teaching/IT")), ["unknown_title"]);
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

#[test]
fn self_is_not_met_where_a_student_is_named_who_is_not_in_the_bundle() {
    let routes = r#"routes: {"GET /{c}/{student}": {permission: work.edit, on: "class/{c}", student: "{student}", target: ann}}"#;
    let bundle = load(&format!(
        "{SCHOOL}{routes}\nassignments:\n  - {{subject: ann, role: self_editor, scope: account/s}}\n"
    ));
    let stranger = "action: \"target\": \"ann\"\nresource: \"student\": \"nobody\"";
    assert_eq!(reason(&bundle, "ann", "work.edit", "class/1", stranger), "attribute_missing");
    assert_eq!(by_route(&bundle, "ann", "GET", "/1/nobody"), "attribute_missing");
    assert_eq!(by_route(&bundle, "ann", "GET", "/1/kid"), "relation_unmet");
    assert_eq!(by_route(&bundle, "ann", "GET", "/1/ann"), "granted");
}

#[test]
fn what_a_target_could_be_given_counts_the_mandatory_role_and_a_suspended_assignment_ties() {
    let bundle = load(
        r#"
domains:
  d:
    precedence: union
    levels: [account, school]
    mandatory: {level: account, kinds: [staff]}
    scopes: {account/s: {school/n: ~}}
    roles: {boss: {level: account}}
    forms: {iep: {}}
    buildings: school
    when_unassigned: {default: none, max: owner}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: deny
    create_outside_buildings: deny
    expects: {people: 3, assignments: 0, unassigned: 3, without_buildings: 0}
people:
  ann: {kinds: [staff]}
  bob: {kinds: [staff]}
  cat: {kinds: [staff]}
  kid: {kinds: [student], buildings: [school/n]}
assignments:
  - {subject: ann, role: boss, scope: account/s}
  - {subject: bob, role: boss, scope: account/s, suspended: true}
routes:
  "GET /max/{who}": {condition: {target.max(iep): {is: owner}}, target: "{who}", student: kid}
  "GET /tied/{who}": {condition: {target.tied_to(account/s): {is: true}}, target: "{who}"}
"#,
    );
    for (path, expected) in [
        ("/max/ann", "granted"),
        ("/max/bob", "granted"),
        ("/max/cat", "condition_failed"),
        ("/tied/ann", "granted"),
        ("/tied/bob", "granted"),
        ("/tied/cat", "condition_failed"),
    ] {
        assert_eq!(by_route(&bundle, "ann", "GET", path), expected, "{path}");
    }
}
