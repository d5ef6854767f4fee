//! Permissions beyond plain roles: relations, options, custom sets, plans, switches, step-up and blocks
//! (`policy-model.md` sections 3 and 4). Each test names the sentence that it holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "model/blocks.rs"]
mod blocks;
#[path = "model/routes.rs"]
mod routes;

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
