//! `hallpass check` by the front door: what it lists, and what it refuses against another revision.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/check.rs"]
mod support;

use std::fs;
use support::{check, directory, said};

/// A bundle with a locked role, which has something by way of another.
const LOCKED: &str = r#"
bundle: {name: locked, time_zone: UTC}
domains:
  d:
    precedence: most_specific
    levels: [account, class]
    scopes: {account/a: {class/1: ~}}
    modules: {work: {level: class, permissions: {view: ~, grade: ~}}, admin: {level: account, permissions: {open: ~}}}
    roles:
      teacher: {level: class, grants: {work: [view]}}
      boss: {level: account, locked: true, title: Boss, description: All of it, grants: {admin: all}, includes: [teacher]}
people: {ari: {kinds: [staff]}}
assignments: [{subject: ari, role: boss, scope: account/a}]
routes: {GET /x: public}
"#;

/// Compares a changed bundle with the one above.
fn against(name: &str, text: &str) -> (Option<i32>, String) {
    let (old, new) = (directory(&format!("{name}-old")), directory(&format!("{name}-new")));
    fs::write(old.join("bundle.yaml"), LOCKED).unwrap();
    fs::write(new.join("bundle.yaml"), text).unwrap();
    let output = check(&new, &["--against", old.to_str().unwrap()]);
    (output.status.code(), said(&output))
}

#[test]
fn td_21_and_td_22_a_locked_role_is_as_the_other_revision_has_it() {
    assert_eq!(against("same", LOCKED), (Some(0), String::new()));
    let line = LOCKED.lines().position(|line| line.contains("boss: {")).unwrap() + 1;
    for (at, (from, to, what)) in [
        ("grants: {admin: all}", "grants: {admin: [open]}", "what it says"),
        ("title: Boss", "title: Chief", "what it says"),
        ("description: All of it", "description: Much of it", "what it says"),
        ("locked: true, ", "", "what it says"),
        ("locked: true", "locked: true, deleted: true", "what it says"),
        ("locked: true", "locked: true, never_overridden: true", "what it says"),
        ("locked: true", "locked: true, assignable_by: [teacher]", "what it says"),
        (", includes: [teacher]", "", "what it says"),
        ("{work: [view]}", "{work: [view, grade]}", "what it has by way of others"),
        ("{work: [view]}", "{work: [{view: self}]}", "what it has by way of others"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(LOCKED.matches(from).count(), 1, "{from}");
        let (code, said) = against(&format!("changed-{at}"), &LOCKED.replace(from, to));
        assert_eq!(code, Some(1), "{to}: {said}");
        assert!(said.contains("error[locked_role]") && said.contains(what), "{to}: {said}");
        assert!(said.contains(&format!("bundle.yaml:{line}:")), "{to}: {said}");
    }
}

#[test]
fn a_locked_role_that_is_gone_is_told_where_it_stood() {
    let gone = LOCKED.lines().filter(|line| !line.contains("boss")).collect::<Vec<_>>().join("\n");
    let (code, said) = against("gone", &format!("{gone}\n"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the locked role `boss` is gone") && said.contains("bundle.yaml:9:"), "{said}");
    let (code, said) = against("renamed", &LOCKED.replace("  d:\n", "  e:\n"));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the domain `d` with the locked role `boss` is gone"), "{said}");
}

#[test]
fn what_does_not_touch_a_locked_role_is_not_refused() {
    // Keys in another order, other roles, and a permission that is new to both.
    for (at, (from, to)) in [
        ("level: account, locked: true", "locked: true, level: account"),
        ("    roles:\n", "    roles:\n      aide: {level: class}\n"),
        ("permissions: {open: ~}", "permissions: {open: ~, shut: ~}"),
        ("people: {ari", "people: {bo: {kinds: [staff]}, ari"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(LOCKED.matches(from).count(), 1, "{from}");
        let (code, said) = against(&format!("untouched-{at}"), &LOCKED.replace(from, to));
        assert_eq!((code, said.as_str()), (Some(0), ""), "{to}");
    }
}

#[test]
fn a_revision_that_does_not_load_is_compared_with_nothing() {
    let (old, new) = (directory("unloadable-old"), directory("unloadable-new"));
    fs::write(old.join("bundle.yaml"), "domains: {}\n").unwrap();
    fs::write(new.join("bundle.yaml"), LOCKED).unwrap();
    let output = check(&new, &["--against", old.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("does not load, so nothing is compared"), "{}", said(&output));
}

#[test]
fn check_lists_who_holds_a_power_permission_and_where_people_add_to_their_own_rights() {
    let path = directory("holders");
    let text = r#"
bundle: {name: holders, time_zone: UTC}
domains:
  d:
    precedence: most_specific
    levels: [account, class]
    scopes: {account/a: {class/1: ~, class/2: ~}}
    modules: {admin: {level: account, permissions: {open: ~, shut: {power: true}, sell: {power: true}}}}
    roles:
      boss: {level: account, grants: {admin: [open, shut]}, optional: {admin: [sell]}, assignable_by: [boss]}
      aide: {level: class}
people: {ari: {kinds: [staff]}, bo: {kinds: [staff]}, cy: {kinds: [staff]}}
assignments:
  - {subject: ari, role: boss, scope: account/a}
  - {subject: ari, role: aide, scope: class/1}
  - {subject: bo, role: boss, scope: account/a, options: [admin.sell]}
  - {subject: cy, role: boss, scope: account/a, suspended: true}
routes:
  "PUT /{who}": {change: give, role: boss, target: "{who}", on: account/a}
"#;
    fs::write(path.join("bundle.yaml"), text).unwrap();
    let told = |text: &str| {
        fs::write(path.join("bundle.yaml"), text).unwrap();
        let output = check(&path, &[]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let open = told(text);
    let line = "power permission admin.shut: ari (boss at account/a), bo (boss at account/a), \
                cy (boss at account/a, at rest)\n";
    assert!(open.contains(line), "{open}");
    assert!(open.contains("power permission admin.sell: bo (boss at account/a)\n"), "{open}");
    assert!(open.contains("ari is aide at class/1, and there is replaced as boss at account/a\n"), "{open}");
    assert!(open.contains("by 1 route people may add to their own rights"), "{open}");
    let shut = told(&text.replace("    roles:\n", "    self_update: {add: deny}\n    roles:\n"));
    assert!(!shut.contains("own rights"), "{shut}");
}

#[test]
fn check_tells_of_merged_roles_that_are_still_assigned_and_of_custom_sets_without_the_relation() {
    let path = directory("warnings");
    let text = r#"
bundle: {name: warnings, time_zone: UTC}
domains:
  d:
    precedence: union
    levels: [class]
    scopes: {class/1: ~}
    modules: {work: {level: class, permissions: {view: ~, grade: ~}}}
    roles:
      own: {level: class, grants: {work: [{view: own_classes}]}}
      all: {level: class, grants: {work: all}}
      was: {level: class, deleted: true, merged_into: all, grants: {work: all}}
people: {ari: {kinds: [staff]}, bo: {kinds: [staff]}, cy: {kinds: [staff]}}
assignments:
  - {subject: ari, role: own, scope: class/1, permissions: ["work.view:own_classes", work.grade]}
  - {subject: bo, role: all, scope: class/1, permissions: [work.view]}
  - {subject: cy, role: was, scope: class/1}
routes: {GET /x: public}
"#;
    fs::write(path.join("bundle.yaml"), text).unwrap();
    let output = check(&path, &[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("warning[").count(), 2, "{said}");
    assert!(said.contains("warning[bare_permission]") && said.contains("bundle.yaml:15:"), "{said}");
    assert!(said.contains("warning[merged_role]") && said.contains("bundle.yaml:17:"), "{said}");
    assert!(said.contains("assign `all` instead"), "{said}");
    // What is merged in a ring, into nothing, or into a role of another level does not load.
    for (to, code) in [("was", "cycle"), ("al", "unknown_name")] {
        fs::write(path.join("bundle.yaml"), text.replace("merged_into: all", &format!("merged_into: {to}")))
            .unwrap();
        let output = check(&path, &[]);
        let said = self::said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("error[{code}]")) && said.contains("bundle.yaml:12:"), "{said}");
    }
    let other = text
        .replace("levels: [class]", "levels: [school, class]")
        .replace("all: {level: class", "all: {level: school");
    fs::write(path.join("bundle.yaml"), other.replace("role: all, scope", "role: own, scope")).unwrap();
    let output = check(&path, &[]);
    let said = self::said(&output);
    assert!(said.contains("error[level_violation]") && said.contains("bundle.yaml:12:"), "{said}");
}
