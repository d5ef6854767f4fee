//! What nobody does to themselves, and what adds to one's own rights.

use super::{BUNDLE, bundle, decision, with};
use crate::policy::{load, one_file, request};
use hallpass::policy::Bundle;

#[test]
fn ct_15_and_ct_16_nobody_takes_a_permission_from_themselves() {
    let bundle = bundle();
    let set = |who: &str, of: &str, set: &str| {
        request(&bundle, who, &format!("PUT /schools/s1/staff/{of}/permissions{set}"))
    };
    // By a set that leaves one out, that is empty, that is missing, or that cannot be read.
    for left_out in
        ["?set=permissions.set,roster.manage", "?set=", "?set=none", "", "?set=permissions.set,nonsense"]
    {
        assert_eq!(set("lea", "lea", left_out), "self_removal - -", "{left_out}");
    }
    let whole = "?set=talk.send,permissions.set,roster.manage";
    assert_eq!(set("lea", "lea", whole), "granted leader school/s1");
    // What every assignment carries cannot be left out.
    assert_eq!(
        set("lea", "lea", "?set=talk.send,permissions.set,roster.manage,talk.see"),
        "granted leader school/s1"
    );
    // By taking a role.
    let take = |role: &str| request(&bundle, "lea", &format!("DELETE /schools/s1/staff/lea/roles/{role}"));
    assert_eq!(take("aide"), "self_removal - -");
    // A role that carries `base` carries something.
    assert_eq!(take("nothing"), "self_removal - -");
    let bare = with("    base: [talk.see]\n", "");
    // So does one at a school whose plan gives a set to whoever has a role there.
    assert_eq!(request(&bare, "fred", "DELETE /schools/free/staff/fred/roles/nothing"), "self_removal - -");
    let take = |role: &str| request(&bare, "lea", &format!("DELETE /schools/s1/staff/lea/roles/{role}"));
    assert_eq!(
        (take("aide"), take("nothing")),
        ("self_removal - -".into(), "granted leader school/s1".into())
    );
}

#[test]
fn adding_to_oneself_is_allowed_and_marked_unless_the_domain_denies_it() {
    let text = "PUT /schools/s1/staff/lea/permissions?set=talk.send,permissions.set,roster.manage";
    let open = bundle();
    let marked = |line: &str| {
        let decision = decision(&open, "lea", line);
        (decision.is_allow(), decision.self_update)
    };
    assert_eq!(marked(text), (true, false));
    assert_eq!(marked(&format!("{text},talk.users")), (true, true));
    assert_eq!(marked("PUT /schools/s1/staff/lea/roles/aide"), (true, true));
    assert_eq!(marked("PUT /schools/s1/staff/ali/roles/aide"), (true, false));
    let shut = with("    base: [talk.see]\n", "    base: [talk.see]\n    self_update: {add: deny}\n");
    let ask = |line: &str| request(&shut, "lea", line);
    assert_eq!(ask(text), "granted leader school/s1");
    assert_eq!(ask(&format!("{text},talk.users")), "not_assignable - -");
    assert_eq!(ask("PUT /schools/s1/staff/lea/roles/aide"), "not_assignable - -");
    assert_eq!(ask("PUT /schools/s1/staff/ali/roles/aide"), "granted leader school/s1");
    // What is had within a relation and is to be had outright is more.
    let within = with(
        "talk: [send]}, assignable_by: [district_admin",
        "talk: [{send: self}]}, assignable_by: [district_admin",
    );
    let decided = decision(&within, "lea", text);
    assert_eq!((decided.reason.as_str(), decided.self_update), ("granted", true));
}

#[test]
fn whoever_opens_a_gate_for_themselves_adds_to_their_own_rights() {
    // What every assignment carries opens no gate; a set that lists it does, and what was gated is had.
    let gated = |more: &str| {
        let gate =
            ("talk: {level: school, permissions", "talk: {level: school, gate_at: school, permissions");
        let off = (", talk: [send]}, assignable_by: [district_admin", "}, assignable_by: [district_admin");
        let base = ("    base: [talk.see]\n", &*format!("    base: [talk.see]\n{more}"));
        let text = [gate, off, base].iter().fold(BUNDLE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        load(&one_file(&text))
    };
    let line = "PUT /schools/s1/staff/lea/permissions?set=permissions.set,roster.manage";
    let open = gated("");
    let marked = |line: &str| {
        let decision = decision(&open, "lea", line);
        (decision.reason.as_str(), decision.self_update)
    };
    assert_eq!(marked(line), ("granted", false));
    assert_eq!(marked(&format!("{line},talk.see")), ("granted", true));
    let shut = gated("    self_update: {add: deny}\n");
    assert_eq!(request(&shut, "lea", line), "granted leader school/s1");
    assert_eq!(request(&shut, "lea", &format!("{line},talk.see")), "not_assignable - -");
    // Where no module is gated, it is listed and changes nothing.
    let plain = with("    base: [talk.see]\n", "    base: [talk.see]\n    self_update: {add: deny}\n");
    let all = "PUT /schools/s1/staff/lea/permissions?set=permissions.set,roster.manage,talk.send,talk.see";
    assert_eq!(request(&plain, "lea", all), "granted leader school/s1");
}

#[test]
fn whoever_gives_themselves_a_narrower_role_may_not_lose_a_permission_by_it() {
    let bundle = bundle();
    let give =
        |who: &str, role: &str| request(&bundle, who, &format!("PUT /classes/2/people/{who}/roles/{role}"));
    // In a class the substitute's role would take the place of the admin's.
    assert_eq!(give("ada", "substitute"), "self_removal - -");
    assert_eq!(give("ada", "own"), "self_removal - -");
    assert_eq!(give("ada", "teacher"), "granted admin account/a");
    assert_eq!(give("fay", "substitute"), "granted firm account/a");
    // Another role at the same scope takes the place of none.
    assert_eq!(
        request(&bundle, "tess", "PUT /classes/1/people/tess/roles/substitute"),
        "granted teacher class/1"
    );
    // The role that is held by default goes when another one comes.
    let text = "assignable_by: [super_admin]}\n      firm";
    let own = with(text, "assignable_by: [super_admin, teacher]}\n      firm");
    assert_eq!(request(&own, "tess", "PUT /accounts/a/people/tess/roles/super_admin"), "not_assignable - -");
}

#[test]
fn a_role_that_is_never_overridden_keeps_only_what_it_grants_today_and_as_far() {
    let fay = "  - {subject: fay, role: toddle/firm, scope: account/a}\n";
    let admin_and =
        |firm: &str| format!("  - {{subject: fay, role: toddle/admin, scope: account/a}}\n{firm}");
    let give = |bundle: &Bundle| request(bundle, "fay", "PUT /classes/2/people/fay/roles/substitute");
    // CT-15: the admin's role gives way in the class, and the firm one goes on.
    let both = with(fay, &admin_and(fay));
    assert_eq!(give(&both), "granted admin account/a");
    let suspended = fay.replace("a}\n", "a, suspended: true}\n");
    assert_eq!(give(&with(fay, &admin_and(&suspended))), "self_removal - -");
    // What it grants within a relation does not stand for what was had outright.
    let grants = "never_overridden: true, grants: {work: all}";
    let narrowed = BUNDLE.replace(fay, &admin_and(fay));
    let narrowed =
        narrowed.replace(grants, "never_overridden: true, grants: {work: [view, {grade: own_classes}]}");
    assert_eq!(give(&load(&one_file(&narrowed))), "self_removal - -");
}

#[test]
fn whoever_gives_themselves_a_role_may_not_lose_what_they_hold_by_default() {
    let bundle = load(&one_file(
        r#"
bundle: {name: default, time_zone: UTC}
domains:
  d:
    precedence: union
    levels: [district, account]
    mandatory: {level: account, kinds: [staff]}
    default_role: basic
    scopes: {district/d: {account/a: ~, account/b: ~}}
    modules: {news: {level: account, permissions: {view: ~, post: ~}}, wiki: {level: account, gate_at: account, permissions: {view: ~}}}
    roles:
      basic: {level: account, grants: {news: [view, {post: self}], wiki: []}}
      boss: {level: district, grants: {wiki: all}}
      half: {level: account, grants: {news: [{post: self}], wiki: []}, assignable_by: [boss]}
      other: {level: account, grants: {news: [view, {post: own_classes}], wiki: []}, assignable_by: [boss]}
      same: {level: account, grants: {news: [view, {post: self}], wiki: []}, assignable_by: [boss]}
      plain: {level: account, grants: {wiki: []}, assignable_by: [boss]}
      shut: {level: account, grants: {news: all}, assignable_by: [boss]}
      more: {level: account, grants: {news: all, wiki: all}, assignable_by: [boss]}
people: {cy: {kinds: [staff]}}
assignments:
  - {subject: cy, role: boss, scope: district/d}
  - {subject: cy, role: plain, scope: account/b}
routes:
  "PUT /{a}/{who}/{role}": {change: give, role: "{role}", target: "{who}", on: "account/{a}"}
"#,
    ));
    let give = |at: &str, role: &str| request(&bundle, "cy", &format!("PUT /{at}/cy/{role}"));
    assert_eq!(give("a", "plain"), "self_removal - -");
    // A module that is on no more closes its gate.
    assert_eq!(give("a", "shut"), "self_removal - -");
    // Roles unite, but a role that is assigned unites with none that was held by default: one permission less is less,
    // and so is one that is granted within another relation.
    assert_eq!(give("a", "half"), "self_removal - -");
    assert_eq!(give("a", "other"), "self_removal - -");
    assert_eq!(give("a", "same"), "granted boss district/d");
    assert_eq!(give("a", "more"), "granted boss district/d");
    // Where a role is held by an assignment, none is held by default.
    assert_eq!(give("b", "shut"), "granted boss district/d");
}

const CARRIED: &str = r#"
bundle: {name: carried, time_zone: UTC}
domains:
  d:
    precedence: union
    levels: [district, school]
    mandatory: {level: school, kinds: [service]}
    scopes: {district/d: {school/n: ~, school/m: ~}}
    modules:
      a: {level: school, permissions: {x: ~, w: ~, far: {only_at: district}}}
      b: {level: school, permissions: {y: ~}}
      top: {level: district, permissions: {z: ~}}
    buildings: school
    forms: {note: ~}
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
    roles:
      boss: {level: school, grants: {a: [x], b: []}, optional: {a: [w]}, assignable_by: [boss]}
      quiet: {level: school, assignable_by: [boss]}
      still: {level: school, assignable_by: [boss]}
      on: {level: school, grants: {b: []}, assignable_by: [boss]}
      paper: {level: school, forms: {}, assignable_by: [boss]}
      narrow: {level: school, grants: {a: [{x: self}]}, assignable_by: [boss]}
      choice: {level: school, optional: {a: [w]}, assignable_by: [boss]}
people: {lea: {kinds: [staff]}, ali: {kinds: [staff]}, ria: {kinds: [staff]}}
assignments:
  - {subject: lea, role: boss, scope: school/n, options: [a.w]}
  - {subject: lea, role: still, scope: school/n, permissions: [b.y]}
  - {subject: lea, role: boss, scope: school/m}
  - {subject: ali, role: boss, scope: school/n}
  - {subject: ria, role: boss, scope: school/n, permissions: ["a.x:self"]}
routes:
  "DELETE /{s}/{role}": {change: take, role: "{role}", target: lea, on: "school/{s}"}
  "PUT /{s}/{who}?set={set}":
    require:
      - {condition: {subject.kinds: {includes: staff}}}
      - {change: permissions, target: "{who}", on: "school/{s}", permissions: "{set}"}
"#;

#[test]
fn ct_16_whatever_a_role_carries_is_not_taken_from_oneself() {
    let bundle = load(&one_file(CARRIED));
    let take = |at: &str, role: &str| request(&bundle, "lea", &format!("DELETE /{at}/{role}"));
    assert_eq!(take("n", "quiet"), "granted boss school/n");
    // A module that is on and opens a gate, a cap on documents, and a set of this assignment alone.
    assert_eq!(take("n", "on"), "self_removal - -");
    assert_eq!(take("n", "paper"), "self_removal - -");
    assert_eq!(take("n", "still"), "self_removal - -");
    // What is granted within a relation, and what may be switched on.
    assert_eq!(take("n", "narrow"), "self_removal - -");
    assert_eq!(take("n", "choice"), "self_removal - -");
    assert_eq!(take("m", "still"), "granted boss school/m");
    // And a role without which one is denied everything.
    let staff = load(&one_file(&CARRIED.replace("kinds: [service]}", "kinds: [staff]}")));
    assert_eq!(request(&staff, "lea", "DELETE /n/quiet"), "self_removal - -");
}

#[test]
fn ct_15_a_set_leaves_out_neither_an_option_nor_a_set_beside_it_nor_a_module_that_is_on() {
    let bundle = load(&one_file(CARRIED));
    let set = |at: &str, set: &str| request(&bundle, "lea", &format!("PUT /{at}/lea?set={set}"));
    assert!(set("n", "a.x,a.w,b.y").starts_with("granted"));
    for left_out in ["a.x,b.y", "a.w,b.y", "a.x,a.w"] {
        assert_eq!(set("n", left_out), "self_removal - -", "{left_out}");
    }
    // An option that is not switched on is not had, and a module that is on must be named.
    assert!(set("m", "a.x,b.y").starts_with("granted"));
    assert_eq!(set("m", "a.x"), "self_removal - -");
    let ali = decision(&bundle, "ali", "PUT /n/ali?set=a.x,b.y");
    assert_eq!((ali.reason.as_str(), ali.self_update), ("granted", true));
    // What is had within a relation is left out by another relation, and not by none.
    let set = |set: &str| {
        let decision = decision(&bundle, "ria", &format!("PUT /n/ria?set={set}"));
        (decision.reason.as_str(), decision.self_update)
    };
    assert_eq!(set("a.x:self"), ("granted", false));
    assert_eq!(set("a.x"), ("granted", true));
    assert_eq!(set("a.x:own_classes"), ("self_removal", false));
}

#[test]
fn a_set_holds_only_what_roles_of_its_level_decide() {
    let bundle = load(&one_file(CARRIED));
    let set = |set: &str| request(&bundle, "lea", &format!("PUT /n/ali?set={set}"));
    assert!(set("a.x,b.y").starts_with("granted"));
    assert_eq!(set("a.x,top.z"), "wrong_level - -");
    assert_eq!(set("a.far"), "wrong_level - -");
}
