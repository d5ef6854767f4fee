//! What a decision says besides yes or no: the rule behind it, the role and its scope, the power mark; and what an
//! explanation says of the roles that did not decide. Logs, `explain` and `eval` show these.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/policy.rs"]
mod policy_support;

use hallpass::decision::{
    AccessRequest, Ask, Considered, Decision, Edges, Question, Standing, authzen, decide_requirements,
    decide_route, explain, questions,
};
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Claims};
use hallpass::time::Time;
use policy_support::{NOW, ask, decision, load, one_file, shown};
use serde_json::{Value, json};

fn now() -> Time {
    Time::parse_rfc3339(NOW).unwrap()
}

/// Reason, role, scope and rule.
fn whole(bundle: &Bundle, decision: &Decision) -> String {
    format!("{} {}", shown(bundle, decision), decision.rule.as_str())
}

/// The answer to a permission: `granted teacher class/1 most_specific`.
fn told(bundle: &Bundle, person: &str, permission: &str, scope: &str) -> String {
    whole(bundle, &decision(bundle, person, permission, scope))
}

const SCHOOL: &str = r#"bundle: {name: told, time_zone: UTC}
domains:
  d:
    precedence: most_specific
    levels: [account, school, class]
    scopes: {account/a: {school/s: {class/1: ~, class/2: ~}, school/t: ~}}
    mandatory: {level: account, kinds: [student]}
    default_role: basic
    modules:
      work: {level: class, permissions: {view: ~, edit: {requires: [work.view]}, grade: ~, seal: {power: true}, file: {only_at: account}}}
      news: {level: school, gate_at: account, permissions: {read: ~}}
      keys: {level: account, permissions: {turn: {power: true, power_requires: {claim: amr, has: mfa}}}}
    roles:
      basic: {level: account, grants: {work: [grade]}}
      head: {level: account, never_overridden: true, grants: {work: [view, {grade: self}], keys: all_and_power}}
      clerk: {level: account, grants: {work: [view, file]}}
      dean: {level: school, grants: {work: [view, edit, seal], news: all}}
      teacher: {level: class, grants: {work: [edit, {grade: own_classes}]}}
      aide: {level: class, grants: {work: [view]}}
people:
  ann: {kinds: [staff]}
  bob: {kinds: [staff]}
  cy: {kinds: [staff]}
  dee: {kinds: [staff]}
  kid: {kinds: [student]}
routes: {}
"#;

/// The school with assignments, each `subject role scope`, and further words.
fn school(assignments: &[&str]) -> Bundle {
    let rows = assignments.iter().map(|row| {
        let [subject, role, scope, more @ ..] = &row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let more: String = more.iter().map(|pair| format!(", {}", pair.replace('=', ": "))).collect();
        format!("  - {{subject: {subject}, role: {role}, scope: {scope}{more}}}\n")
    });
    let text = format!("{SCHOOL}assignments:\n{}", rows.collect::<String>());
    load(&one_file(&text))
}

// ---- decisions -----------------------------------------------------------------------------------------------------

#[test]
fn a_permission_says_which_role_decided_where_and_by_which_rule() {
    let bundle =
        school(&["ann aide class/1", "ann dean school/s", "bob dean school/s", "cy teacher class/1"]);
    assert_eq!(told(&bundle, "ann", "work.view", "class/1"), "granted aide class/1 most_specific");
    assert_eq!(
        told(&bundle, "ann", "work.edit", "class/1"),
        "permission_not_granted aide class/1 most_specific"
    );
    assert_eq!(told(&bundle, "ann", "work.edit", "class/2"), "granted dean school/s most_specific");
    assert_eq!(told(&bundle, "bob", "news.read", "school/s"), "module_gated dean school/s gate_at");
    assert_eq!(told(&bundle, "cy", "work.edit", "class/1"), "requires_missing teacher class/1 requires");
    assert_eq!(told(&bundle, "cy", "work.grade", "class/1"), "relation_unmet teacher class/1 most_specific");
    assert_eq!(told(&bundle, "dee", "work.view", "class/1"), "no_role_in_context - - most_specific");
    assert_eq!(told(&bundle, "kid", "work.grade", "class/1"), "granted basic account/a default_role");
    assert_eq!(
        told(&bundle, "kid", "work.view", "class/1"),
        "permission_not_granted basic account/a default_role"
    );
}

#[test]
fn step_up_says_so_and_keeps_the_role() {
    let bundle = school(&["ann head account/a"]);
    assert_eq!(
        told(&bundle, "ann", "keys.turn", "account/a"),
        "step_up_required head account/a power_requires"
    );
}

#[test]
fn a_power_permission_is_marked_in_denials_too_that_no_role_decided() {
    let bundle = school(&["ann dean school/s"]);
    let broad = decision(&bundle, "ann", "work.seal", "school/s");
    assert_eq!((broad.reason.as_str(), broad.power), ("wrong_level", true));
    assert!(!decision(&bundle, "ann", "work.edit", "school/s").power);
    assert!(decision(&bundle, "ann", "work.seal", "class/1").power);
}

#[test]
fn suspensions_and_blocks_say_so() {
    let text = format!(
        "{SCHOOL}assignments: [{{subject: ann, role: dean, scope: school/s}}, {{subject: bob, role: dean, scope: school/s}}]\n\
         suspended: {{subjects: [ann]}}\nblocks: [{{subject: bob, scope: class/1, reason: a conflict}}]\n"
    );
    let bundle = load(&one_file(&text));
    assert_eq!(told(&bundle, "ann", "work.view", "class/1"), "suspended - - none");
    assert_eq!(told(&bundle, "bob", "work.view", "class/1"), "blocked - - blocks");
    assert_eq!(told(&bundle, "bob", "work.view", "class/2"), "granted dean school/s most_specific");
}

#[test]
fn a_role_that_is_never_overridden_is_named_where_it_says_more_than_the_one_that_replaces_it() {
    let bundle = school(&[
        "ann teacher class/1",
        "ann head account/a",
        "bob aide class/1",
        "bob head account/a",
        "cy aide class/1",
        "cy clerk account/a",
    ]);
    let by_head = "head account/a never_overridden";
    assert_eq!(told(&bundle, "ann", "work.view", "class/1"), format!("granted {by_head}"));
    // Nothing of the aide, something of the head that is not known: the head is told.
    assert_eq!(told(&bundle, "bob", "work.grade", "class/1"), format!("attribute_missing {by_head}"));
    // Neither grants: the narrower one is told, and an ordinary role is never asked.
    assert_eq!(
        told(&bundle, "bob", "work.edit", "class/1"),
        "permission_not_granted aide class/1 most_specific"
    );
    assert_eq!(
        told(&bundle, "cy", "work.grade", "class/1"),
        "permission_not_granted aide class/1 most_specific"
    );
    // The narrower one is not met and the broader one grants nothing of it: the narrower one is told.
    let text = SCHOOL.replace("{grade: self}", "seal");
    let rows = "assignments: [{subject: ann, role: teacher, scope: class/1}, {subject: ann, role: head, scope: account/a}]\n";
    let bundle = load(&one_file(&format!("{text}{rows}")));
    assert_eq!(told(&bundle, "ann", "work.grade", "class/1"), "relation_unmet teacher class/1 most_specific");
}

#[test]
fn of_roles_that_unite_the_narrowest_that_grants_is_named_and_none_for_a_denial() {
    let text = SCHOOL.replace("most_specific", "union");
    let rows = "assignments: [{subject: ann, role: aide, scope: class/1}, {subject: ann, role: dean, scope: school/s}, \
                {subject: ann, role: head, scope: account/a}]\n";
    let bundle = load(&one_file(&format!("{text}{rows}")));
    assert_eq!(told(&bundle, "ann", "work.view", "class/1"), "granted aide class/1 union");
    assert_eq!(told(&bundle, "ann", "work.edit", "class/1"), "granted dean school/s union");
    assert_eq!(told(&bundle, "ann", "work.file", "class/1"), "permission_not_granted - - union");
    assert_eq!(told(&bundle, "ann", "work.grade", "class/1"), "attribute_missing - - union");
}

#[test]
fn every_exact_plan_of_a_chain_must_have_a_permission() {
    let text = SCHOOL.replace(
        "    modules:\n",
        "    plans: {narrow: {exactly: [work.view, work.grade]}, wide: {exactly: [work.view]}}\n    \
         plan_of: {school/s: narrow, account/a: wide}\n    modules:\n",
    );
    let rows = "assignments: [{subject: ann, role: dean, scope: school/s}, {subject: ann, role: head, scope: account/a}]\n";
    let bundle = load(&one_file(&format!("{text}{rows}")));
    assert_eq!(told(&bundle, "ann", "work.view", "class/1"), "granted dean school/s plan");
    assert_eq!(told(&bundle, "ann", "work.grade", "class/1"), "permission_not_granted head account/a plan");
}

// ---- conditions ----------------------------------------------------------------------------------------------------

/// The reason of a route with a condition that asks about `bob` as the target, on class 1.
fn condition(text: &str, condition: &str, path: &str) -> &'static str {
    let more = match path.split('/').nth(1) {
        Some("list") => "{words}\": {lists: [words], ",
        Some("for") => "{kid}\": {student: \"{kid}\", ",
        _ => "{word}\": {",
    };
    let start = &path[..path[1..].find('/').unwrap() + 2];
    let route = format!("routes:\n  \"GET {start}{more}condition: {condition}, target: bob, on: class/1}}\n");
    let bundle = load(&one_file(&text.replace("routes: {}\n", &route)));
    let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("{path}") };
    let matched = leaf.select(Vec::new()).unwrap();
    let ann = bundle.people().find("ann").unwrap();
    decide_route(&bundle, &matched, ann, None, now()).reason.as_str()
}

#[test]
fn a_condition_on_a_list_is_asked_of_each_of_its_items() {
    let red = "{request.words: {is: red}}";
    assert_eq!(condition(SCHOOL, red, "/list/red,red"), "granted");
    assert_eq!(condition(SCHOOL, red, "/list/red,blue"), "condition_failed");
}

#[test]
fn a_condition_compares_an_attribute_with_another_one_of_its_type() {
    let rows = "assignments: [{subject: bob, role: aide, scope: class/1}]\n";
    let text = format!("{SCHOOL}{rows}").replace(
        "    modules:\n",
        "    buildings: school\n    forms: {plan: ~, note: ~, memo: ~}\n    \
         when_unassigned: {default: none, max: none}\n    when_no_buildings: {default: none, max: none}\n    \
         explicit_grants_outside_buildings: allow\n    create_outside_buildings: deny\n    modules:\n",
    );
    let text = text
        .replace("    roles:\n", "    roles:\n      desk: {level: account, forms: {plan: {default: view, max: edit}, note: {default: none, max: edit}, memo: {default: none, max: owner}}}\n")
        .replace("kid: {kinds: [student]}", "kid: {kinds: [student], buildings: [school/s]}")
        .replace("assignments: [", "assignments: [{subject: bob, role: desk, scope: account/a, buildings: [school/s]}, ");
    for (asked, expected) in [
        ("{request.kid: {in: [kid]}}", "granted"),
        ("{request.kid: {not_in: [sib]}}", "granted"),
        ("{request.kid: {not_in: [kid]}}", "condition_failed"),
        ("{target.max(plan): {is: edit}}", "granted"),
        ("{target.max(plan): {is: {attribute: target.max(note)}}}", "granted"),
        ("{target.max(plan): {is: {attribute: target.max(memo)}}}", "condition_failed"),
        ("{target.max(plan): {is_not: {attribute: target.max(memo)}}}", "granted"),
        ("{target.max(memo): {at_least: {attribute: target.max(plan)}}}", "granted"),
        ("{target.max(plan): {at_least: {attribute: target.max(note)}}}", "granted"),
        ("{target.max(plan): {at_least: {attribute: target.max(memo)}}}", "condition_failed"),
        ("{target.holds(work.view): {is: {attribute: target.tied_to(class/1)}}}", "granted"),
        ("{target.holds(work.view): {is: {attribute: target.tied_to(class/2)}}}", "condition_failed"),
        ("{request.time: {before: {attribute: request.time}}}", "condition_failed"),
        ("{not: {request.time: {after: {attribute: request.time}}}}", "granted"),
        // The very instant is neither before nor after itself.
        ("{request.time: {after: '2026-09-09T10:00:00Z'}}", "condition_failed"),
        ("{request.time: {before: '2026-09-09T10:00:00Z'}}", "condition_failed"),
        ("{request.time: {after: '2026-09-09T09:59:59Z'}}", "granted"),
    ] {
        assert_eq!(condition(&text, asked, "/for/kid"), expected, "{asked}");
    }
}

#[test]
fn a_target_is_tied_to_what_lies_above_today_and_to_nothing_else() {
    let rows = "assignments: [{subject: bob, role: teacher, scope: class/1}]\n\
                enrolments: [{person: bob, scope: class/2, part: teacher, until: 2026-09-01}, \
                {person: bob, scope: school/t, part: student}]\n";
    let text = format!("{SCHOOL}{rows}");
    for (scope, tied) in
        [("class/1", true), ("school/s", true), ("account/a", true), ("school/t", true), ("class/2", false)]
    {
        let asked = format!("{{target.tied_to({scope}): {{is: {tied}}}}}");
        assert_eq!(condition(&text, &asked, "/on/x"), "granted", "{scope}");
    }
}

#[test]
fn whether_a_target_holds_a_permission_is_a_no_only_where_that_is_certain() {
    let text = SCHOOL
        .replace("    modules:\n", "    modules:\n      care: {level: class, permissions: {see: ~, act: {requires: [care.see]}}}\n")
        .replace("    roles:\n", "    roles:\n      parent: {level: account, grants: {care: [{see: own_children}, act], keys: all_and_power}}\n      stray: {level: class, grants: {care: [act]}}\n")
        .replace("routes: {}", "guardians: [{guardian: bob, student: kid}]\nroutes: {}");
    let with = |role: &str| {
        let scope = if role == "stray" { "class/1" } else { "account/a" };
        format!("{text}assignments: [{{subject: bob, role: {role}, scope: {scope}}}]\n")
    };
    let holds = |text: &str, permission: &str, held: bool, path: &str| {
        condition(text, &format!("{{target.holds({permission}): {{is: {held}}}}}"), path)
    };
    let parent = with("parent");
    // The student of the request says whose child it is.
    assert_eq!(holds(&parent, "care.see", true, "/for/kid"), "granted");
    // Without one it cannot be told, for what is asked and for what that requires.
    for permission in ["care.see", "care.act"] {
        assert_eq!(holds(&parent, permission, false, "/on/x"), "condition_error", "{permission}");
        assert_eq!(holds(&parent, permission, true, "/on/x"), "condition_error", "{permission}");
    }
    assert_eq!(holds(&parent, "care.act", true, "/for/kid"), "granted");
    // What is required and missing for certain settles it.
    assert_eq!(holds(&with("stray"), "care.act", false, "/on/x"), "granted");
    assert_eq!(holds(&with("stray"), "care.act", true, "/on/x"), "condition_failed");
}

#[test]
fn claims_of_a_request_by_name_are_text_or_flags_or_there_at_all() {
    let request = json!({
        "subject": {"type": "staff", "id": "ann", "properties": {"amr": ["pwd", "mfa"], "sub": "a-1", "fresh": true}},
        "action": {"name": "work.view"},
        "resource": {"type": "class", "id": "1"},
    });
    let claims = authzen::Request::read(&request).unwrap().subject_properties;
    assert_eq!((claims.text("sub"), claims.text("amr"), claims.text("none")), (Some("a-1"), None, None));
    assert_eq!((claims.flag("fresh"), claims.flag("sub"), claims.flag("none")), (Some(true), None, None));
    assert!(claims.has("amr") && claims.has("fresh") && !claims.has("none"));
    assert!(claims.holds("amr", "mfa") && !claims.holds("amr", "otp"));
}

// ---- routes --------------------------------------------------------------------------------------------------------

/// The answer to `GET path`: reason, rule, the power mark, and which requirement it is about.
fn by_route(bundle: &Bundle, person: &str, path: &str) -> (String, bool, Considered) {
    let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("{path}") };
    let matched = leaf.select(Vec::new()).unwrap();
    let person = bundle.people().find(person).unwrap();
    let (decision, considered) = decide_requirements(bundle, &matched, person, None, now());
    (format!("{} {}", decision.reason, decision.rule.as_str()), decision.power, considered)
}

#[test]
fn of_several_requirements_items_and_alternatives_the_one_is_told_that_the_answer_is_about() {
    let routes = r#"routes:
  "GET /x/{classes}/{other}":
    lists: [classes]
    require:
      - {permission: work.view, on: class/1}
      - {permission: work.seal, on: "class/{classes}"}
      - any: [{permission: work.file, on: class/1}, {permission: work.edit, on: "class/{other}"}]
  "GET /y": {any: [{permission: work.file, on: class/1}, {permission: work.edit, on: class/1}]}
  "GET /z": {any: [{condition: {request.method: {is: POST}}}, {permission: work.file, on: class/1}]}
"#;
    let rows = "assignments: [{subject: ann, role: dean, scope: school/s}, {subject: bob, role: dean, scope: school/s}]\n\
                suspended: {subjects: [bob]}\n";
    let bundle = load(&one_file(&format!("{}{rows}", SCHOOL.replace("routes: {}\n", routes))));
    let about = |count, decisive, item, alternative| Considered { count, decisive, item, alternative };
    let told = |person: &str, path: &str| by_route(&bundle, person, path);
    // Granted: the first is told, and the mark of a power permission among them.
    let granted = "granted most_specific".to_owned();
    assert_eq!(told("ann", "/x/1,2/2"), (granted.clone(), true, about(3, 0, 0, 0)));
    assert_eq!(told("ann", "/y"), (granted, false, about(1, 0, 0, 1)));
    // Denied: the first that does not hold; of alternatives the first.
    assert_eq!(told("ann", "/x/1,9/2"), ("scope_unknown none".to_owned(), false, about(2, 1, 1, 0)));
    let none = "no_role_in_context most_specific".to_owned();
    assert_eq!(told("ann", "/x/1,2/9"), (none, false, about(3, 2, 0, 0)));
    assert_eq!(told("ann", "/z").0, "condition_failed condition");
    assert_eq!(told("bob", "/y"), ("suspended suspended".to_owned(), false, about(0, 0, 0, 0)));
    // The questions behind it: one for each item, and the alternatives together.
    let ann = bundle.people().find("ann").unwrap();
    let Lookup::Found(leaf) = bundle.routes().find("GET", "/x/1,2/2") else { panic!() };
    let matched = leaf.select(Vec::new()).unwrap();
    let asked = questions(&bundle, &matched, ann, None, now());
    assert_eq!(asked.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1, 2]);
    let on = asked.iter().flatten().map(|question| match question {
        Question::Asked(Ask::Permission { scope, .. }, _) => bundle.scopes().name(*scope),
        other => panic!("{other:?}"),
    });
    assert_eq!(on.collect::<Vec<_>>(), ["class/1", "class/1", "class/2", "class/1", "class/2"]);
}

#[test]
fn of_an_any_with_a_block_on_one_alternative_nothing_else_is_asked() {
    let text = SCHOOL.replace(
        "routes: {}\n",
        "routes: {'GET /{c}': {any: [{permission: work.view, on: class/1}, {permission: work.view, on: 'class/{c}'}]}}\n",
    );
    let rows = "assignments: [{subject: ann, role: dean, scope: school/s}, {subject: bob, role: dean, scope: school/s}]\n\
                blocks: [{subject: ann, scope: class/2, reason: x}]\nsuspended: {subjects: [bob]}\n";
    let bundle = load(&one_file(&format!("{text}{rows}")));
    let asked = |person: &str, path: &str| {
        let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("{path}") };
        let matched = leaf.select(Vec::new()).unwrap();
        let person = bundle.people().find(person).unwrap();
        let asked = questions(&bundle, &matched, person, None, now());
        let decided = |question: &Question<'_>| match question {
            Question::Asked(..) => "asked".to_owned(),
            Question::Decided(decision) => format!("{} {}", decision.reason, decision.rule.as_str()),
        };
        asked[0].iter().map(decided).collect::<Vec<_>>()
    };
    assert_eq!(asked("ann", "/1"), ["asked", "asked"]);
    assert_eq!(asked("ann", "/2"), ["blocked blocks"]);
    // Who is suspended is told so first.
    assert_eq!(by_route(&bundle, "bob", "/2").0, "suspended suspended");
    assert_eq!(asked("bob", "/2"), ["asked", "asked"]);
}

// ---- documents -----------------------------------------------------------------------------------------------------

const FORMS: &str = r#"bundle: {name: told, time_zone: UTC}
domains:
  f:
    precedence: union
    levels: [district, school]
    scopes: {district/d: {school/n: ~, school/s: ~}}
    buildings: school
    forms: {plan: ~}
    when_unassigned: {default: view, max: edit}
    when_no_buildings: {default: none, max: owner}
    role_without_buildings: baseline
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
    expects: {people: 4, assignments: 5, unassigned: 1, without_buildings: 0}
    modules: {m: {level: district, permissions: {x: ~}}}
    roles:
      first: {level: district, forms: {plan: {default: view, max: edit}}}
      second: {level: district, forms: {plan: {default: view, max: edit}}}
      bare: {level: district, forms: {}}
people:
  ann: {kinds: [staff]}
  bob: {kinds: [staff]}
  cy: {kinds: [staff]}
  dee: {kinds: [staff]}
  kid: {kinds: [student], buildings: [school/n]}
assignments:
  - {subject: bob, role: second, scope: district/d, buildings: [school/n]}
  - {subject: bob, role: first, scope: district/d, buildings: [school/n]}
  - {subject: cy, role: first, scope: district/d, buildings: [school/s]}
  - {subject: cy, role: bare, scope: district/d}
  - {subject: dee, role: first, scope: district/d, buildings: [school/n]}
documents:
  plan-kid: {form: plan, student: kid, owners: [ann]}
routes: {}
"#;

fn of_document(bundle: &Bundle, person: &str, action: Value, resource: Value) -> String {
    let request = json!({
        "subject": {"type": "staff", "id": person},
        "action": action,
        "resource": resource,
        "context": {"time": NOW},
    });
    whole(bundle, &ask(bundle, &request))
}

#[test]
fn a_document_says_which_part_of_the_formula_decided() {
    let bundle = load(&one_file(FORMS));
    let plan = || json!({"type": "document", "id": "plan-kid"});
    let may = |person: &str, action: &str| of_document(&bundle, person, json!({"name": action}), plan());
    // The fallback speaks for whoever has no role, whether it grants or not.
    assert_eq!(may("ann", "view"), "granted - - when_unassigned");
    assert_eq!(may("ann", "edit"), "granted - - explicit_grant");
    assert_eq!(may("ann", "delete"), "level_below_required - - when_unassigned");
    // Two roles give the same: the first in the order of names is told.
    assert_eq!(may("bob", "view"), "granted first school/n form_default");
    assert_eq!(may("bob", "edit"), "level_below_required first school/n form_default");
    assert_eq!(may("bob", "delete"), "level_below_required first school/n form_max");
}

#[test]
fn a_target_whose_max_is_owner_wherever_the_student_is_can_be_given_anything() {
    let bundle = load(&one_file(FORMS));
    let unknown =
        || json!({"type": "document", "id": "new", "properties": {"form": "plan", "explicit": "owner"}});
    let share = |target: &str| {
        let action = json!({"name": "share", "properties": {"target": target, "access": "view"}});
        let told = of_document(&bundle, "cy", action, unknown());
        told.split(' ').next().unwrap().to_owned()
    };
    // An assignment without a building covers every document, so the buildings of the student need not be known.
    assert_eq!(share("cy"), "granted");
    assert_eq!(share("dee"), "attribute_missing");
}

// ---- explanations --------------------------------------------------------------------------------------------------

/// What became of each role of a person, as `role scope: standing`.
fn standings(bundle: &Bundle, person: &str, permission: &str, scope: &str) -> Vec<String> {
    let (level, id) = scope.split_once('/').unwrap();
    let request = json!({
        "subject": {"type": "staff", "id": person},
        "action": {"name": permission},
        "resource": {"type": level, "id": id},
    });
    let resolved = authzen::Request::read(&request).unwrap().resolve(bundle, now()).unwrap();
    let request: AccessRequest<'_> = resolved.request();
    let explanation = explain(bundle, &request);
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let standing = |standing: Standing| match standing {
        Standing::ReplacedAt(scope) => format!("replaced at {}", bundle.scopes().name(scope)),
        Standing::OnlyAt(level) => format!("only at {}", domain.level_name(level)),
        other => format!("{other:?}"),
    };
    let rows = explanation.candidates.iter().map(|row| {
        let (role, scope) = (&domain.roles()[row.role].name, bundle.scopes().name(row.scope));
        format!("{role} {scope}: {}", standing(row.standing))
    });
    rows.collect()
}

#[test]
fn an_explanation_says_what_became_of_every_role() {
    let bundle = school(&[
        "ann aide class/1",
        "ann teacher class/1",
        "ann teacher class/2",
        "ann dean school/s",
        "ann dean school/t",
        "ann clerk account/a until=2026-09-01",
        "ann head account/a",
    ]);
    assert_eq!(
        standings(&bundle, "ann", "work.view", "class/1"),
        [
            "clerk account/a: NotCurrent",
            "head account/a: replaced at class/1",
            "dean school/s: replaced at class/1",
            "aide class/1: Decided",
            "teacher class/1: DoesNotGrant",
            "teacher class/2: Elsewhere",
            "dean school/t: Elsewhere",
        ]
    );
    assert_eq!(
        standings(&bundle, "ann", "work.grade", "class/1"),
        [
            "clerk account/a: NotCurrent",
            "head account/a: Decided",
            "dean school/s: DoesNotGrant",
            "aide class/1: DoesNotGrant",
            "teacher class/1: GrantsWithin",
            "teacher class/2: Elsewhere",
            "dean school/t: Elsewhere",
        ]
    );
    let only = standings(&bundle, "ann", "work.file", "class/1");
    assert_eq!(
        only[1..4],
        ["head account/a: Decided", "dean school/s: only at account", "aide class/1: only at account"]
    );
    let narrow = standings(&bundle, "ann", "news.read", "school/s");
    assert_eq!(narrow[2], "dean school/s: Decided");
    // The school is asked, so the classes are not on its way.
    assert_eq!(narrow[3], "aide class/1: Elsewhere");
    let deep = standings(&bundle, "ann", "news.read", "class/1");
    assert_eq!(deep[3], "aide class/1: LevelTooNarrow");
}

#[test]
fn an_explanation_tells_suspended_and_archived_roles_from_those_that_do_not_grant() {
    let text = SCHOOL.replace("precedence: most_specific", "precedence: union\n    archived: [class/2]");
    let rows = "assignments:\n  - {subject: ann, role: aide, scope: class/2}\n  - {subject: ann, role: dean, scope: school/s, suspended: true}\n  \
                - {subject: ann, role: clerk, scope: account/a}\n  - {subject: ann, role: head, scope: account/a}\n";
    let bundle = load(&one_file(&format!("{text}{rows}")));
    assert_eq!(
        standings(&bundle, "ann", "work.view", "class/2"),
        [
            "clerk account/a: Decided",
            "head account/a: AlsoGrants",
            "dean school/s: Suspended",
            "aide class/2: Archived",
        ]
    );
    let denied = standings(&bundle, "ann", "work.edit", "class/2");
    assert_eq!(denied[..2], ["clerk account/a: DoesNotGrant", "head account/a: DoesNotGrant"]);
}

#[test]
fn an_explanation_of_a_change_says_which_role_gives_and_what_became_of_the_others() {
    let text = SCHOOL
        .replace("precedence: most_specific", "precedence: most_specific\n    archived: [class/2]")
        .replace("aide: {level: class,", "aide: {level: class, assignable_by: [head, dean, teacher],");
    let rows = [
        "teacher, scope: class/1, until: 2026-01-01",
        "teacher, scope: class/2",
        "teacher, scope: class/1, suspended: true",
        "dean, scope: school/t",
        "dean, scope: school/s",
        "head, scope: account/a",
        "clerk, scope: account/a",
    ];
    let rows: String = rows.iter().map(|row| format!("  - {{subject: ann, role: {row}}}\n")).collect();
    let bundle = load(&one_file(&format!("{text}assignments:\n{rows}")));
    let request = json!({
        "subject": {"type": "staff", "id": "ann"},
        "action": {"name": "change:give", "properties": {"target": "bob", "role": "aide"}},
        "resource": {"type": "class", "id": "1"},
    });
    let resolved = authzen::Request::read(&request).unwrap().resolve(&bundle, now()).unwrap();
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let told = explain(&bundle, &resolved.request()).candidates;
    let row = |scope, role: &str, standing| format!("{role} {}: {standing:?}", bundle.scopes().name(scope));
    let mut told: Vec<String> =
        told.iter().map(|told| row(told.scope, &domain.roles()[told.role].name, told.standing)).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "clerk account/a: MayNotGive",
            "dean school/s: Decided",
            "dean school/t: Elsewhere",
            "head account/a: MayGive",
            "teacher class/1: NotCurrent",
            "teacher class/1: Suspended",
            "teacher class/2: Archived",
        ]
    );
}

#[test]
fn an_explanation_of_a_document_says_what_became_of_every_role() {
    let text = FORMS
        .replace("    buildings: school\n", "    buildings: school\n    archived: [school/s]\n")
        .replace("role_without_buildings: baseline", "role_without_buildings: inactive")
        .replace("    roles:\n", "    roles:\n      local: {level: school, forms: {plan: {default: view, max: view}}}\n      plain: {level: district, grants: {m: all}}\n")
        .replace("assignments: 5,", "assignments: 9,")
        .replace(
            "documents:\n",
            "  - {subject: bob, role: first, scope: district/d, buildings: [school/s]}\n  \
             - {subject: bob, role: bare, scope: district/d}\n  \
             - {subject: bob, role: plain, scope: district/d}\n  \
             - {subject: bob, role: local, scope: school/n, buildings: [school/n], suspended: true}\n  \
             - {subject: bob, role: local, scope: school/s, buildings: [school/n]}\n  \
             - {subject: dee, role: plain, scope: district/d, until: 2026-01-01}\ndocuments:\n",
        )
        .replace(
            "  - {subject: bob, role: second, scope: district/d, buildings: [school/n]}\n",
            "  - {subject: bob, role: second, scope: district/d, buildings: [school/n], until: 2026-01-01}\n",
        );
    let bundle = load(&one_file(&text));
    let request = json!({
        "subject": {"type": "staff", "id": "bob"},
        "action": {"name": "view"},
        "resource": {"type": "document", "id": "plan-kid"},
    });
    let resolved = authzen::Request::read(&request).unwrap().resolve(&bundle, now()).unwrap();
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let rows = explain(&bundle, &resolved.request()).candidates;
    let rows: Vec<String> =
        rows.iter().map(|row| format!("{} {:?}", domain.roles()[row.role].name, row.standing)).collect();
    let mut rows: Vec<&str> = rows.iter().map(|row| &row[..]).collect();
    rows.sort_unstable();
    assert_eq!(
        rows,
        [
            "bare NamesNoBuilding",
            "first Covers",
            "first CoversElsewhere",
            "local Archived",
            "local Suspended",
            "plain BearsNoForms",
            "second NotCurrent",
        ]
    );
}

// ---- edges ---------------------------------------------------------------------------------------------------------

#[test]
fn an_instant_that_a_condition_compares_with_is_an_edge_wherever_it_stands() {
    let route = |condition: &str| format!("routes:\n  \"GET /x\": {condition}\n");
    let at = "2026-09-09T12:00:00Z";
    let compared = format!("{{not: {{all: [{{request.time: {{before: '{at}'}}}}]}}}}");
    for text in [
        route(&format!("{{condition: {compared}}}")),
        route(&format!("{{any: [{{condition: {compared}}}, {{permission: work.view, on: class/1}}]}}")),
    ] {
        let bundle = load(&one_file(&SCHOOL.replace("routes: {}\n", &text)));
        let (_, until) = Edges::of(&bundle).around(now());
        assert_eq!(until, Time::parse_rfc3339(at).unwrap());
    }
    let none = load(&one_file(SCHOOL));
    assert_eq!(Edges::of(&none).around(now()), (Time::MIN, Time::MAX));
}
