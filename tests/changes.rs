//! Changes to assignments and roles, as requirements of a route and by name (`policy-model.md` section 4). Each test names
//! the rule or the sentence that it holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "changes/oneself.rs"]
mod oneself;
#[path = "support/policy.rs"]
mod policy;

use hallpass::decision::{Decision, decide_requirements, decide_route};
use hallpass::pdp::{Remember, Snapshot};
use hallpass::policy::Bundle;
use hallpass::policy::route::{Lookup, Match};
use hallpass::story;
use hallpass::time::Time;
use policy::{NOW, ask, load, one_file, request, shown, told};
use serde_json::{Value, json};

/// Staff of schools with six permissions and titles, and roles of an account in which the narrowest decides.
const BUNDLE: &str = r#"
bundle: {name: changes, time_zone: UTC}
domains:
  staff:
    precedence: union
    levels: [district, school]
    scopes: {district/d: {school/s1: ~, school/s2: ~, school/free: ~, school/new: ~}}
    modules:
      permissions: {level: school, permissions: {set: {power: true}}}
      roster: {level: school, permissions: {manage: ~}}
      talk: {level: school, permissions: {send: ~, see: ~, users: ~, flagged: ~}}
    base: [talk.see]
    plans: {free: {exactly: [talk.send, roster.manage]}, connect: {any_of: [permissions.set, roster.manage, talk.send]}}
    plan_of: {school/free: free, school/new: connect}
    titles: {Teachers: [Teacher, Paraprofessional], Support Staff: [Secretary, IT]}
    roles:
      leader: {level: school, grants: {permissions: [set], roster: all, talk: [send]}, assignable_by: [district_admin, leader]}
      aide: {level: school, grants: {talk: [users]}, assignable_by: [leader]}
      nothing: {level: school, assignable_by: [leader]}
      gone: {level: school, deleted: true, assignable_by: [leader]}
      member: {level: school, grants: {talk: [send]}, locked: true}
      district_admin: {level: district, grants: {permissions: [set], roster: all}, assignable_by: [district_admin]}
  toddle:
    precedence: most_specific
    levels: [account, class]
    self_update: {add: allow}
    mandatory: {level: account, kinds: [staff]}
    default_role: basic
    scopes: {account/a: {class/1: ~, class/2: ~, class/old: ~}}
    archived: [class/old]
    modules: {work: {level: class, permissions: {view: ~, grade: ~}}, admin: {level: account, permissions: {open: ~}}}
    roles:
      basic: {level: account, grants: {admin: []}}
      admin: {level: account, grants: {work: all, admin: all}, assignable_by: [super_admin]}
      super_admin: {level: account, locked: true, grants: {work: all, admin: all}, assignable_by: [super_admin]}
      firm: {level: account, never_overridden: true, grants: {work: all}, assignable_by: [super_admin]}
      teacher: {level: class, grants: {work: all}, assignable_by: [admin, firm, teacher, basic]}
      substitute: {level: class, grants: {work: [view]}, assignable_by: [admin, firm, teacher, substitute]}
      own: {level: class, grants: {work: [{view: own_classes}]}, assignable_by: [admin]}
people:
  dora: {kinds: [staff]}
  lea: {kinds: [staff]}
  ali: {kinds: [staff]}
  mia: {kinds: [staff]}
  fred: {kinds: [staff]}
  nina: {kinds: [staff]}
  ada: {kinds: [staff]}
  sue: {kinds: [staff]}
  fay: {kinds: [staff]}
  tess: {kinds: [staff]}
  bo: {kinds: [staff]}
  odd: {kinds: [staff]}
assignments:
  - {subject: dora, role: staff/district_admin, scope: district/d}
  - {subject: lea, role: staff/leader, scope: school/s1}
  - {subject: ali, role: staff/aide, scope: school/s1, permissions: [talk.send, talk.flagged]}
  - {subject: mia, role: staff/member, scope: school/s1}
  - {subject: fred, role: staff/leader, scope: school/free}
  - {subject: nina, role: staff/leader, scope: school/new}
  - {subject: ada, role: toddle/admin, scope: account/a}
  - {subject: sue, role: toddle/super_admin, scope: account/a}
  - {subject: fay, role: toddle/firm, scope: account/a}
  - {subject: tess, role: toddle/teacher, scope: class/1}
  - {subject: tess, role: toddle/teacher, scope: class/old}
  - {subject: bo, role: toddle/teacher, scope: class/2, until: 2026-01-01}
  - {subject: odd, role: staff/leader, scope: school/s1, suspended: true}
blocks:
  - {subject: mia, scope: school/s2, reason: conflict}
suspended: {subjects: [odd]}
routes:
  "PUT /schools/{s}/staff/{who}/roles/{role}": {change: give, domain: staff, role: "{role}", target: "{who}", on: "school/{s}"}
  "DELETE /schools/{s}/staff/{who}/roles/{role}": {change: take, domain: staff, role: "{role}", target: "{who}", on: "school/{s}"}
  "PUT /schools/{s}/staff/{who}/permissions?set={set}":
    require:
      - {permission: staff/permissions.set, on: "school/{s}", target: "{who}"}
      - {change: permissions, domain: staff, target: "{who}", on: "school/{s}", permissions: "{set}"}
  "PUT /schools/{s}/staff/{who}/title?category={c}&title={t}":
    require:
      - any:
          - {permission: staff/roster.manage, on: "school/{s}", target: "{who}"}
          - {condition: {all: [{target.id: {is: {attribute: subject.id}}}]}, target: "{who}", on: "school/{s}"}
      - {change: title, domain: staff, target: "{who}", on: "school/{s}", category: "{c}", title: "{t}"}
  "DELETE /roles/{role}":
    require: [{permission: toddle/admin.open, on: account/a}, {change: role, domain: toddle, role: "{role}"}]
  "PUT /accounts/{a}/people/{who}/roles/{role}": {change: give, domain: toddle, role: "{role}", target: "{who}", on: "account/{a}"}
  "PUT /classes/{c}/people/{who}/roles/{role}": {change: give, domain: toddle, role: "{role}", target: "{who}", on: "class/{c}"}
  "DELETE /classes/{c}/people/{who}/roles/{role}": {change: take, domain: toddle, role: "{role}", target: "{who}", on: "class/{c}"}
  "PUT /classes/{c}/teachers?ids={ids}": {lists: [ids], change: give, role: toddle/teacher, target: "{ids}", on: "class/{c}"}
  "PUT /schools/{s}/staff/{who}/family":
    require:
      - {permission: staff/permissions.set, on: "school/{s}"}
      - {change: permissions, domain: staff, target: "{who}", on: "school/{s}", permissions: [talk.send, talk.users]}
"#;

fn bundle() -> Bundle {
    load(&one_file(BUNDLE))
}

fn with(from: &str, to: &str) -> Bundle {
    assert_eq!(BUNDLE.matches(from).count(), 1, "{from}");
    load(&one_file(&BUNDLE.replace(from, to)))
}

/// The route that a request matches; its line is `METHOD /path?name=value&...`.
fn matched<'b, 'p>(bundle: &'b Bundle, line: &'p str) -> Match<'b, 'p> {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Lookup::Found(leaf) = bundle.routes().find(method, path) else { panic!("no route for {line}") };
    let value = |name: &String| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.to_owned())
    };
    let values = leaf.query_names().iter().map(value).collect();
    leaf.select(values).unwrap()
}

fn decision(bundle: &Bundle, person: &str, line: &str) -> Decision {
    let subject = bundle.people().find(person).unwrap();
    let now = Time::parse_rfc3339(NOW).unwrap();
    decide_route(bundle, &matched(bundle, line), subject, None, now)
}

fn named(person: &str, action: &str, about: Value, kind: &str, id: &str) -> Value {
    json!({
        "subject": {"type": "staff", "id": person},
        "action": {"name": action, "properties": about},
        "resource": {"type": kind, "id": id},
        "context": {"time": NOW},
    })
}

#[test]
fn td_23_and_sp_22_a_role_is_given_by_holders_of_the_roles_that_it_names_alone() {
    let bundle = bundle();
    let give =
        |who: &str, role: &str| request(&bundle, who, &format!("PUT /accounts/a/people/bo/roles/{role}"));
    assert_eq!(give("sue", "super_admin"), "granted toddle/super_admin account/a".replace("toddle/", ""));
    assert_eq!(give("ada", "super_admin"), "not_assignable - -");
    assert_eq!(give("ada", "admin"), "not_assignable - -");
    assert_eq!(give("tess", "admin"), "not_assignable - -");
    // A role that says nothing is given by nobody.
    assert_eq!(give("sue", "basic"), "not_assignable - -");
    // Nobody gives by a role that is held by default.
    assert_eq!(request(&bundle, "dora", "PUT /classes/1/people/bo/roles/teacher"), "not_assignable - -");
}

#[test]
fn ct_08_a_role_is_given_where_the_giver_holds_theirs_and_below() {
    let bundle = bundle();
    let give = |who: &str, school: &str| {
        request(&bundle, who, &format!("PUT /schools/{school}/staff/ali/roles/leader"))
    };
    assert_eq!(give("lea", "s1"), "granted leader school/s1");
    assert_eq!(give("lea", "s2"), "not_assignable - -");
    assert_eq!(give("dora", "s2"), "granted district_admin district/d");
    assert_eq!(give("dora", "nowhere"), "scope_unknown - -");
    // Taking is bounded as giving is.
    let take = |who: &str, school: &str| {
        request(&bundle, who, &format!("DELETE /schools/{school}/staff/ali/roles/aide"))
    };
    assert_eq!(take("lea", "s1"), "granted leader school/s1");
    assert_eq!(take("lea", "s2"), "not_assignable - -");
    assert_eq!(take("ali", "s1"), "not_assignable - -");
}

#[test]
fn a_role_is_given_by_what_is_active_today_and_not_in_an_archived_scope() {
    let bundle = bundle();
    let give = |who: &str, class: &str| {
        request(&bundle, who, &format!("PUT /classes/{class}/people/bo/roles/teacher"))
    };
    assert_eq!(give("tess", "1"), "granted teacher class/1");
    assert_eq!(give("tess", "2"), "not_assignable - -");
    assert_eq!(give("bo", "2"), "not_assignable - -");
    assert_eq!(give("tess", "old"), "not_assignable - -");
    assert_eq!(give("ada", "old"), "granted admin account/a");
    let held =
        with("scope: school/s1}\n  - {subject: ali", "scope: school/s1, suspended: true}\n  - {subject: ali");
    assert_eq!(request(&held, "lea", "PUT /schools/s1/staff/ali/roles/aide"), "not_assignable - -");
}

#[test]
fn what_a_change_names_and_the_bundle_does_not_have_is_missing() {
    let bundle = bundle();
    let lea = |line: &str| request(&bundle, "lea", line);
    assert_eq!(lea("PUT /schools/s1/staff/nobody/roles/aide"), "attribute_missing - -");
    assert_eq!(lea("PUT /schools/s1/staff/ali/roles/nothing_like_it"), "attribute_missing - -");
    // A deleted role is nowhere.
    assert_eq!(lea("PUT /schools/s1/staff/ali/roles/gone"), "attribute_missing - -");
    assert_eq!(lea("DELETE /schools/s1/staff/ali/roles/gone"), "attribute_missing - -");
    assert_eq!(lea("PUT /schools/s1/staff/ali/roles/district_admin"), "wrong_level - -");
    assert_eq!(request(&bundle, "ada", "PUT /accounts/a/people/bo/roles/teacher"), "wrong_level - -");
}

#[test]
fn suspensions_and_blocks_come_first_those_of_the_target_too() {
    let bundle = bundle();
    assert_eq!(request(&bundle, "odd", "PUT /schools/s1/staff/ali/roles/aide"), "suspended - -");
    assert_eq!(request(&bundle, "dora", "PUT /schools/s2/staff/mia/roles/leader"), "blocked - -");
    assert_eq!(
        request(&bundle, "dora", "PUT /schools/s1/staff/mia/roles/leader"),
        "granted district_admin district/d"
    );
    assert_eq!(request(&bundle, "mia", "PUT /schools/s2/staff/ali/roles/aide"), "blocked - -");
}

#[test]
fn ct_17_a_permission_is_taken_from_somebody_else() {
    let bundle = bundle();
    assert_eq!(
        request(&bundle, "dora", "PUT /schools/s1/staff/lea/permissions?set="),
        "granted district_admin district/d"
    );
    assert_eq!(
        request(&bundle, "dora", "DELETE /schools/s1/staff/lea/roles/leader"),
        "granted district_admin district/d"
    );
}

#[test]
fn ct_06_and_ct_08_permissions_are_set_by_who_may_set_them_where_the_other_is_staff() {
    let bundle = bundle();
    let set = |who: &str, school: &str, of: &str, set: &str| {
        request(&bundle, who, &format!("PUT /schools/{school}/staff/{of}/permissions?set={set}"))
    };
    assert_eq!(set("lea", "s1", "ali", "talk.users"), "granted leader school/s1");
    assert_eq!(set("ali", "s1", "lea", "talk.users"), "permission_not_granted - -");
    assert_eq!(set("lea", "s2", "ali", "talk.users"), "no_role_in_context - -");
    // Who is not staff of the school has no set there.
    assert_eq!(set("lea", "s1", "fred", "talk.users"), "attribute_missing - -");
    assert_eq!(set("lea", "s1", "ali", "talk.nonsense"), "attribute_missing - -");
    assert_eq!(set("lea", "s1", "ali", "talk.users:own_classes"), "granted leader school/s1");
    assert_eq!(set("lea", "s1", "ali", "talk.users:friends"), "attribute_missing - -");
    // What a locked role grants is not edited for anybody (TD-21).
    assert_eq!(set("lea", "s1", "mia", "talk.send"), "role_locked member school/s1");
    // A set that a route writes out.
    assert_eq!(request(&bundle, "lea", "PUT /schools/s1/staff/ali/family"), "granted leader school/s1");
    assert_eq!(request(&bundle, "lea", "PUT /schools/s1/staff/lea/family"), "self_removal - -");
}

#[test]
fn a_set_of_more_items_than_any_form_has_is_not_read() {
    let bundle = bundle();
    let set = |count: usize| {
        let items = vec!["talk.users"; count].join(",");
        request(&bundle, "lea", &format!("PUT /schools/s1/staff/ali/permissions?set={items}"))
    };
    assert_eq!((set(256), set(257)), ("granted leader school/s1".into(), "attribute_missing - -".into()));
}

#[test]
fn ct_19_and_ct_20_a_plan_fixes_or_bounds_the_set_whoever_asks() {
    let bundle = bundle();
    for who in ["fred", "dora"] {
        // The school's own plan decides first who may set permissions there; the district asks by the change alone.
        let line = "PUT /schools/free/staff/fred/permissions?set=talk.send,roster.manage";
        assert!(!request(&bundle, who, line).starts_with("granted"), "{who}");
        let asked = named(
            who,
            "staff/change:permissions",
            json!({"target": "fred", "permissions": ["talk.send", "roster.manage"]}),
            "school",
            "free",
        );
        assert_eq!(shown(&bundle, &ask(&bundle, &asked)), "plan_fixed - school/free");
    }
    let set =
        |set: &str| request(&bundle, "dora", &format!("PUT /schools/new/staff/nina/permissions?set={set}"));
    assert_eq!(set("permissions.set,talk.send"), "granted district_admin district/d");
    assert_eq!(set(""), "granted district_admin district/d");
    assert_eq!(set("talk.users"), "plan_fixed - school/new");
    assert_eq!(set("talk.see"), "granted district_admin district/d");
}

#[test]
fn ct_01_to_ct_05_a_title_is_set_by_oneself_or_by_who_may_and_only_one_of_the_catalogue() {
    let bundle = bundle();
    let title = |who: &str, of: &str, pair: &str| {
        let (category, title) = pair.split_once('/').unwrap();
        request(&bundle, who, &format!("PUT /schools/s1/staff/{of}/title?category={category}&title={title}"))
    };
    assert_eq!(title("ali", "ali", "Teachers/Teacher"), "granted - -");
    assert_eq!(title("ali", "ali", "Teachers/IT"), "unknown_title - -");
    assert_eq!(title("ali", "ali", "Teachers/Boss"), "unknown_title - -");
    assert!(title("ali", "lea", "Teachers/Teacher").starts_with("permission_not_granted"));
    assert_eq!(title("lea", "ali", "Support Staff/IT"), "granted leader school/s1");
    assert_eq!(title("lea", "fred", "Support Staff/IT"), "attribute_missing - -");
    assert_eq!(
        request(&bundle, "ali", "PUT /schools/s1/staff/ali/title?category=Teachers"),
        "attribute_missing - -"
    );
}

#[test]
fn td_21_and_td_22_a_locked_role_is_changed_by_nobody() {
    let bundle = bundle();
    assert_eq!(request(&bundle, "sue", "DELETE /roles/super_admin"), "role_locked super_admin -");
    assert_eq!(request(&bundle, "sue", "DELETE /roles/teacher"), "granted super_admin account/a");
    assert_eq!(request(&bundle, "sue", "DELETE /roles/toddle_only"), "attribute_missing - -");
    assert_eq!(request(&bundle, "tess", "DELETE /roles/teacher"), "permission_not_granted basic account/a");
}

#[test]
fn each_person_of_a_list_must_be_one_who_may_get_the_role() {
    let bundle = bundle();
    let give = |ids: &str| request(&bundle, "tess", &format!("PUT /classes/1/teachers?ids={ids}"));
    assert_eq!(give("bo,ada"), "granted teacher class/1");
    assert_eq!(give("bo,nobody"), "attribute_missing - -");
    assert_eq!(give(""), "attribute_missing - -");
}

#[test]
fn eval_and_a_route_give_one_answer() {
    let bundle = bundle();
    for (who, line, action, about, kind, id) in [
        (
            "lea",
            "PUT /schools/s1/staff/ali/roles/leader",
            "staff/change:give",
            json!({"target": "ali", "role": "leader"}),
            "school",
            "s1",
        ),
        (
            "lea",
            "PUT /schools/s2/staff/ali/roles/leader",
            "change:give",
            json!({"target": "ali", "role": "staff/leader"}),
            "school",
            "s2",
        ),
        (
            "lea",
            "DELETE /schools/s1/staff/lea/roles/leader",
            "change:take",
            json!({"target": "lea", "role": "staff/leader"}),
            "school",
            "s1",
        ),
        ("sue", "DELETE /roles/super_admin", "toddle/change:role", json!({}), "role", "super_admin"),
        (
            "lea",
            "PUT /schools/s1/staff/ali/title?category=Teachers&title=IT",
            "staff/change:title",
            json!({"target": "ali", "category": "Teachers", "title": "IT"}),
            "school",
            "s1",
        ),
        (
            "lea",
            "PUT /schools/s1/staff/lea/permissions?set=talk.send",
            "staff/change:permissions",
            json!({"target": "lea", "permissions": ["talk.send"]}),
            "school",
            "s1",
        ),
        (
            "lea",
            "PUT /schools/s1/staff/lea/permissions",
            "staff/change:permissions",
            json!({"target": "lea"}),
            "school",
            "s1",
        ),
    ] {
        let by_name = ask(&bundle, &named(who, action, about, kind, id));
        assert_eq!(decision(&bundle, who, line), by_name, "{line}");
    }
    let reason = |action: &str, about: Value, kind: &str, id: &str| {
        ask(&bundle, &named("lea", action, about, kind, id)).reason.as_str()
    };
    assert_eq!(
        reason("change:give", json!({"target": "ali", "role": "leader"}), "school", "s1"),
        "unknown_name"
    );
    assert_eq!(
        reason("staff/change:give", json!({"target": "ali", "role": "gone"}), "school", "s1"),
        "unknown_name"
    );
    assert_eq!(reason("staff/change:give", json!({"target": "ali"}), "school", "s1"), "attribute_missing");
    assert_eq!(reason("staff/change:give", json!({"role": "aide"}), "school", "s1"), "attribute_missing");
    assert_eq!(
        reason("staff/change:give", json!({"target": "x", "role": "aide"}), "school", "s1"),
        "attribute_missing"
    );
    assert_eq!(
        reason("staff/change:give", json!({"target": "ali", "role": "aide"}), "school", "x"),
        "scope_unknown"
    );
    assert_eq!(reason("staff/change:title", json!({"target": "ali"}), "school", "s1"), "attribute_missing");
    assert_eq!(reason("staff/change:role", json!({}), "school", "leader"), "unknown_name");
    // A set and a title that may be given are read by name, too.
    let teacher = json!({"target": "ali", "category": "Teachers", "title": "Teacher"});
    assert_eq!(reason("staff/change:title", teacher, "school", "s1"), "granted");
    let set = json!({"target": "ali", "permissions": ["talk.send"]});
    assert_eq!(reason("staff/change:permissions", set, "school", "s1"), "granted");
    // A role of another domain is not the one of the same name here.
    assert_eq!(reason("toddle/change:role", json!({}), "role", "staff/teacher"), "unknown_name");
    let set = json!({"target": "ali", "permissions": ["talk.nonsense"]});
    assert_eq!(reason("staff/change:permissions", set, "school", "s1"), "unknown_name");
}

#[test]
fn explain_tells_who_may_give_a_role_and_why_a_change_is_refused() {
    let bundle = bundle();
    let tell = |request: &Value| {
        let mut out = Vec::new();
        let request = hallpass::decision::authzen::Request::read(request).unwrap();
        let decision = story::answer(&bundle, &request, Time::parse_rfc3339(NOW).unwrap(), &mut out).unwrap();
        (decision.reason.as_str(), String::from_utf8(out).unwrap())
    };
    let about = json!({"target": "ali", "role": "leader"});
    let (_, text) = tell(&named("lea", "staff/change:give", about, "school", "s1"));
    assert!(text.contains("Yes: leader at school/s1 may give and take it. [granted]"), "{text}");
    assert!(text.contains("leader is given and taken by: district_admin, leader."), "{text}");
    assert!(text.contains("leader at school/s1  decided: may give it"), "{text}");
    let about = json!({"target": "lea", "permissions": []});
    let (reason, text) = tell(&named("lea", "staff/change:permissions", about, "school", "s1"));
    assert_eq!(reason, "self_removal");
    assert!(text.contains("No: nobody takes a permission from themselves. [self_removal]"), "{text}");
    assert!(text.contains("They would change what is their own."), "{text}");
    let (_, text) = tell(&named("sue", "toddle/change:role", json!({}), "role", "super_admin"));
    assert!(text.contains("super_admin is locked."), "{text}");
    let about = json!({"target": "bo", "role": "teacher"});
    let (_, text) = tell(&named("dora", "toddle/change:give", about, "class", "1"));
    assert!(text.contains("No: no role that is held here may give and take that role."), "{text}");
    let shut = with("    base: [talk.see]\n", "    base: [talk.see]\n    self_update: {add: deny}\n");
    let about = json!({"target": "lea", "role": "aide"});
    let request =
        hallpass::decision::authzen::Request::read(&named("lea", "staff/change:give", about, "school", "s1"));
    let mut out = Vec::new();
    story::answer(&shut, &request.unwrap(), Time::parse_rfc3339(NOW).unwrap(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("No: nobody adds to their own rights here. [not_assignable]"), "{text}");
    let about = json!({"target": "fred", "permissions": []});
    let (_, text) = tell(&named("dora", "staff/change:permissions", about, "school", "free"));
    assert!(text.contains("the plan of school/free fixes what can be had there"), "{text}");
}

#[test]
fn explain_names_the_plan_that_takes_a_permission_away() {
    let tell = |bundle: &Bundle, who: &str, permission: &str, school: &str| {
        let asked = named(who, &format!("staff/{permission}"), json!({}), "school", school);
        let asked = hallpass::decision::authzen::Request::read(&asked).unwrap();
        let mut out = Vec::new();
        story::answer(bundle, &asked, Time::parse_rfc3339(NOW).unwrap(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let any_of = with("any_of: [permissions.set, roster.manage, talk.send]", "any_of: [talk.send]");
    let left_out = |school| {
        format!("No: the plan of school/{school} leaves it out, whatever is held. [permission_not_granted]")
    };
    for (who, school) in [("fred", "free"), ("nina", "new"), ("dora", "new")] {
        let text = tell(&any_of, who, "permissions.set", school);
        assert!(text.contains(&left_out(school)), "{text}");
        assert!(text.contains("decided: held, but bounded by the plan"), "{text}");
    }
    // What the plan has, or no plan bounds, is told as before.
    assert!(tell(&any_of, "fred", "talk.send", "free").contains("Yes: "));
    let text = tell(&any_of, "lea", "talk.users", "s1");
    assert!(text.contains("permission_not_granted") && !text.contains("the plan of"), "{text}");
}

#[test]
fn a_change_is_decided_without_allocating() {
    let bundle = bundle();
    let now = Time::parse_rfc3339(NOW).unwrap();
    for (who, line) in [
        ("lea", "PUT /schools/s1/staff/ali/roles/leader"),
        ("ada", "PUT /classes/2/people/ada/roles/substitute"),
        ("lea", "DELETE /schools/s1/staff/lea/roles/aide"),
        (
            "lea",
            "PUT /schools/s1/staff/lea/permissions?set=talk.send,permissions.set,roster.manage,talk.users",
        ),
        ("lea", "PUT /schools/s1/staff/ali/title?category=Teachers&title=Teacher"),
        ("sue", "DELETE /roles/super_admin"),
    ] {
        let subject = bundle.people().find(who).unwrap();
        let matched = matched(&bundle, line);
        let counts = allocation_counter::measure(|| {
            std::hint::black_box(decide_requirements(&bundle, &matched, subject, None, now));
        });
        assert_eq!(counts.count_total, 0, "{line}");
    }
}

#[test]
fn a_remembered_change_is_that_of_its_own_role_target_and_set() {
    let bundle = bundle();
    let now = Time::parse_rfc3339(NOW).unwrap();
    let snapshot = Snapshot::new(bundle.clone(), Remember::All);
    let lines = [
        "PUT /schools/s1/staff/ali/roles/aide",
        "PUT /schools/s1/staff/ali/roles/gone",
        "PUT /schools/s1/staff/lea/roles/aide",
        "PUT /schools/s2/staff/ali/roles/aide",
        "PUT /schools/s1/staff/lea/permissions?set=talk.send",
        "PUT /schools/s1/staff/lea/permissions?set=",
        "PUT /schools/s1/staff/lea/permissions",
        "PUT /schools/s1/staff/lea/permissions?set=talk.send,permissions.set,roster.manage",
        "PUT /schools/s1/staff/ali/title?category=Teachers&title=IT",
        "PUT /schools/s1/staff/ali/title?category=Teachers&title=Teacher",
    ];
    let subject = bundle.people().find("lea").unwrap();
    for cached in [false, true] {
        for line in lines {
            let matched = matched(&bundle, line);
            let decided = snapshot.decide(&matched, subject, &NoClaims, None, now);
            assert_eq!(decided.cached, Some(cached), "{line}");
            assert_eq!(decided.decision, decision(&bundle, "lea", line), "{line}");
        }
    }
}

struct NoClaims;

impl hallpass::policy::Claims for NoClaims {
    fn text(&self, _: &str) -> Option<&str> {
        None
    }

    fn flag(&self, _: &str) -> Option<bool> {
        None
    }
}

/// What is said of a route that is added.
fn of_route(route: &str) -> Vec<String> {
    let text = format!("{BUNDLE}  {route}\n");
    let told = told(&one_file(&text));
    told.iter().map(|line| line.split_once(' ').map_or("", |(code, _)| code).to_owned()).collect()
}

#[test]
fn a_change_that_could_not_be_judged_does_not_load() {
    assert_eq!(of_route(r#""GET /x": {change: gives, domain: staff}"#), ["unknown_word"]);
    assert_eq!(
        of_route(r#""GET /x/{r}/{w}": {change: give, role: "{r}", target: "{w}", on: school/s1}"#),
        ["missing_key"]
    );
    assert_eq!(
        of_route(r#""GET /x/{w}": {change: give, role: staff/leader, on: school/s1}"#),
        ["missing_key"]
    );
    assert_eq!(
        of_route(r#""GET /x/{w}": {change: give, role: staff/leader, target: "{w}"}"#),
        ["missing_key"]
    );
    assert_eq!(
        of_route(r#""GET /x/{w}": {change: give, role: staff/boss, target: "{w}", on: school/s1}"#),
        ["unknown_name"]
    );
    assert_eq!(
        of_route(r#""GET /x/{w}": {change: give, role: staff/gone, target: "{w}", on: school/s1}"#),
        ["deleted_role"]
    );
    assert_eq!(
        of_route(r#""GET /x/{w}": {change: give, role: staff/leader, target: "{w}", on: district/d}"#),
        ["wrong_level"]
    );
    assert_eq!(
        of_route(
            r#""GET /x/{w}": {change: give, domain: stuff, role: leader, target: "{w}", on: school/s1}"#
        ),
        ["unknown_name"]
    );
    assert_eq!(
        of_route(
            r#""GET /x/{w}": {change: give, role: staff/leader, target: "{w}", on: school/s1, permissions: []}"#
        ),
        ["unknown_key"]
    );
    assert_eq!(
        of_route(r#""GET /x/{w}": {permission: staff/talk.see, on: school/s1, role: leader}"#),
        ["unknown_key"]
    );
    let beside = "{permission: staff/permissions.set, on: school/s1}";
    assert_eq!(
        of_route(&format!(
            r#""GET /x/{{w}}": {{require: [{beside}, {{change: permissions, domain: staff, target: "{{w}}", on: school/s1, permissions: [talk.x]}}]}}"#
        )),
        ["unknown_name"]
    );
    assert_eq!(
        of_route(&format!(
            r#""GET /x/{{w}}": {{require: [{beside}, {{change: title, domain: staff, target: "{{w}}", on: school/s1, category: Teachers, title: Boss}}]}}"#
        )),
        ["unknown_title"]
    );
    assert_eq!(
        of_route(&format!(
            r#""GET /x/{{w}}/{{s}}": {{lists: [s], require: [{beside}, {{change: permissions, domain: staff, target: "{{w}}", on: school/s1, permissions: "{{s}}"}}]}}"#
        )),
        ["list_not_read"]
    );
    assert_eq!(
        of_route(&format!(
            r#""GET /x": {{require: [{beside}, {{permission: staff/talk.see, on: school/s1, title: x}}]}}"#
        )),
        ["unknown_key"]
    );
}

#[test]
fn a_change_that_says_not_who_may_does_not_stand_alone() {
    let alone = ["change_alone"];
    assert_eq!(of_route(r#""GET /x/{r}": {change: role, domain: toddle, role: "{r}"}"#), alone);
    assert_eq!(
        of_route(
            r#""GET /x/{r}": {any: [{permission: toddle/work.view, on: class/1}, {change: role, domain: toddle, role: "{r}"}]}"#
        ),
        alone
    );
    assert_eq!(
        of_route(
            r#""GET /x/{w}": {change: permissions, domain: staff, target: "{w}", on: school/s1, permissions: []}"#
        ),
        alone
    );
    assert_eq!(
        of_route(
            r#""GET /x/{w}": {change: title, domain: staff, target: "{w}", on: school/s1, category: Teachers, title: Teacher}"#
        ),
        alone
    );
    assert!(
        of_route(r#""GET /x/{w}": {change: give, role: staff/leader, target: "{w}", on: school/s1}"#)
            .is_empty()
    );
}

#[test]
fn a_domain_says_plainly_whether_people_add_to_their_own_rights() {
    let text = BUNDLE.replace("self_update: {add: allow}", "self_update: {add: never}");
    assert_eq!(told(&one_file(&text)), ["unknown_word policy.yaml:26 never"]);
    let text = BUNDLE.replace("self_update: {add: allow}", "self_update: {remove: deny}");
    assert_eq!(told(&one_file(&text)).len(), 2);
}
