//! What a permission is: its level, its module, its links to others, the mark of power, and gates (TD-10 to TD-20).

use super::toddle;
use crate::policy_support::{can, changed, check, decision, line_of, load, one_file, told};

// TD-10
#[test]
fn td_10_a_permission_looks_at_roles_of_its_own_level_and_broader() {
    let bundle = toddle();
    check(
        &bundle,
        "ari",
        &[
            // Asked about a class where she is a substitute: it is the programme role that counts for the programme.
            ("calendar.manage", "class/1B", "granted programme_admin programme/PYP"),
            ("reporting.manage", "class/1A", "granted programme_admin programme/PYP"),
            (
                "evaluations.manage",
                "class/7A",
                "permission_not_granted account_supervisor account/greenfield",
            ),
            ("school_insights.view", "class/1A", "granted account_supervisor account/greenfield"),
            // A class permission is not asked of a programme, nor a programme's of the account.
            ("attendance.view", "programme/PYP", "wrong_level - -"),
            ("calendar.view", "account/greenfield", "wrong_level - -"),
        ],
    );
    // A class role and no programme role: the account role decides what belongs to the programme.
    assert_eq!(
        can(&bundle, "tariq", "calendar.view", "class/1A"),
        "permission_not_granted basic_account_user account/greenfield"
    );
}

/// A domain of three levels with one module each and the given roles.
fn small(roles: &str) -> String {
    format!(
        "bundle: {{name: t, time_zone: UTC}}\n\
         domains:\n  d:\n    precedence: most_specific\n    same_scope: error\n    levels: [account, programme, class]\n    \
         scopes: {{account/a: {{programme/p: {{class/c: ~}}}}}}\n    \
         modules:\n      top: {{level: account, permissions: {{do: {{}}}}}}\n      \
         mid: {{level: programme, permissions: {{do: {{}}, hold: {{only_at: account}}}}}}\n      \
         low: {{level: class, permissions: {{do: {{}}}}}}\n    roles:\n{roles}\
         people: {{ari: {{kinds: [staff]}}}}\nroutes: {{}}\n"
    )
}

// TD-11
#[test]
fn td_11_a_role_carries_permissions_of_its_own_level_and_narrower_ones() {
    let sources = one_file(&small(
        "      a: {level: account, grants: {top: all, mid: all, low: all}}\n      \
         p: {level: programme, grants: {top: all, mid: [do], low: all}}\n      \
         c: {level: class, grants: {mid: all, low: all, top: []}}\n      \
         off: {level: class, grants: {top: off, mid: off}}\n",
    ));
    assert_eq!(
        told(&sources),
        [
            "level_violation policy.yaml:14 top",
            "level_violation policy.yaml:15 mid",
            "level_violation policy.yaml:15 top",
        ]
    );
}

// TD-11
#[test]
fn td_11_a_role_is_assigned_at_its_own_level_only() {
    let sources = changed(
        "toddle",
        &[
            (
                "assignments.csv",
                "tariq,teaching_assistant,class/1A",
                "tariq,teaching_assistant,programme/PYP",
            ),
            (
                "assignments.csv",
                "cora,communications_manager,programme/PYP",
                "cora,communications_manager,class/1A",
            ),
        ],
    );
    let at = |text| line_of(&sources, "assignments.csv", text);
    assert_eq!(
        told(&sources),
        [
            format!("level_violation assignments.csv:{} class/1A", at("cora,comm")),
            format!("level_violation assignments.csv:{} programme/PYP", at("tariq,teaching")),
        ]
    );
}

// TD-12
#[test]
fn td_12_a_module_that_is_off_takes_all_its_permissions_with_it() {
    let bundle = toddle();
    let off = load(&changed(
        "toddle",
        &[(
            "roles.yaml",
            "        title: IT admin\n        grants:\n          admin_portal: all\n          school_roster: [all, manage]",
            "        title: IT admin\n        grants:\n          admin_portal: all\n          school_roster: off",
        )],
    ));
    for permission in ["view", "manage", "staff", "students", "families", "classes", "subjects"] {
        let permission = format!("school_roster.{permission}");
        let scope = "account/greenfield";
        assert_eq!(can(&bundle, "ivan", &permission, scope), "granted it_admin account/greenfield");
        assert_eq!(
            can(&off, "ivan", &permission, scope),
            "permission_not_granted it_admin account/greenfield"
        );
        // Off for one role is not off for another.
        assert_eq!(can(&off, "sara", &permission, scope), "granted super_admin account/greenfield");
    }
    assert_eq!(
        can(&off, "ivan", "integrations.sync", "account/greenfield"),
        "granted it_admin account/greenfield"
    );
}

// TD-13
#[test]
fn td_13_a_module_cannot_be_off_and_keep_its_ticks() {
    // Switched off and ticked at once does not load, in any of the ways to write it.
    for (grants, wanted) in [
        ("{low: [off, do]}", "unknown_name policy.yaml:13 off"),
        ("{low: off, low: [do]}", "duplicate_key policy.yaml:13 low"),
        ("{low: {off: [do]}}", "wrong_type policy.yaml:13 [do]"),
        ("{low: {enabled: off, permissions: [do]}}", "unknown_word policy.yaml:13 off"),
    ] {
        let sources = one_file(&small(&format!("      c: {{level: class, grants: {grants}}}\n")));
        assert_eq!(told(&sources)[0], wanted, "{grants}");
    }
    // On again without ticks grants nothing: there is nothing that it could come back from.
    let again = load(&changed(
        "toddle",
        &[(
            "roles.yaml",
            "        title: Attendance manager\n        grants:\n          attendance_setup: all",
            "        title: Attendance manager\n        grants:\n          attendance_setup: []",
        )],
    ));
    for permission in ["view", "insights", "configure"] {
        assert_eq!(
            can(&again, "alma", &format!("attendance_setup.{permission}"), "programme/PYP"),
            "permission_not_granted attendance_manager programme/PYP"
        );
    }
}

// TD-14
#[test]
fn td_14_naming_a_permission_is_what_switches_its_module_on() {
    let sources = changed(
        "toddle",
        &[(
            "roles.yaml",
            "          announcements: []\n          class_announcements: []",
            "          class_announcements: []",
        )],
    );
    let without = load(&sources);
    let refused = "module_gated communications_manager programme/PYP";
    assert_eq!(can(&without, "cora", "announcements.publish", "programme/PYP"), refused);
    // A tick beside a switch that is off does not load (TD-13); a tick alone means that the module is on.
    let ticked = load(&changed(
        "toddle",
        &[("roles.yaml", "          announcements: []\n", "          announcements: [view]\n")],
    ));
    let granted = "granted communications_manager programme/PYP";
    assert_eq!(can(&ticked, "cora", "announcements.publish", "programme/PYP"), granted);
}

// TD-15
#[test]
fn td_15_a_power_permission_is_marked_and_answered_like_any_other() {
    let bundle = toddle();
    let granted = decision(&bundle, "ivan", "school_roster.manage", "account/greenfield");
    assert!(granted.is_allow() && granted.power);
    let refused = decision(&bundle, "ari", "school_roster.manage", "account/greenfield");
    assert!(!refused.is_allow() && refused.power);
    assert!(!decision(&bundle, "ivan", "school_roster.view", "account/greenfield").power);
    let plain = load(&changed(
        "toddle",
        &[("modules.yaml", "title: Manage school roster, power: true", "title: Manage school roster")],
    ));
    for person in ["ivan", "ari", "sara", "bela", "lena", "cole"] {
        let asked = |bundle| can(bundle, person, "school_roster.manage", "account/greenfield");
        assert_eq!(asked(&bundle), asked(&plain), "{person}");
    }
    // `all` never brings it along; it is named.
    let unnamed =
        load(&changed("toddle", &[("roles.yaml", "school_roster: [all, manage]", "school_roster: all")]));
    assert_eq!(
        can(&unnamed, "ivan", "school_roster.manage", "account/greenfield"),
        "permission_not_granted it_admin account/greenfield"
    );
}

// TD-16
#[test]
fn td_16_a_linked_permission_works_only_with_the_other() {
    let closed = load(&changed(
        "toddle",
        &[(
            "roles.yaml",
            "        title: IT admin\n        grants:\n          admin_portal: all\n",
            "        title: IT admin\n        grants:\n          admin_portal: []\n",
        )],
    ));
    let scope = "account/greenfield";
    for (permission, wanted) in [
        // The link itself, and what is linked to something linked: it goes on and on.
        ("integrations.sync", "requires_missing it_admin account/greenfield"),
        ("integrations.view", "requires_missing it_admin account/greenfield"),
        ("school_roster.manage", "requires_missing it_admin account/greenfield"),
        ("school_roster.staff", "requires_missing it_admin account/greenfield"),
        // Having the one does not bring the other along.
        ("admin_portal.access", "permission_not_granted it_admin account/greenfield"),
        ("school_roster.view", "granted it_admin account/greenfield"),
    ] {
        assert_eq!(can(&closed, "ivan", permission, scope), wanted, "{permission}");
    }
    assert_eq!(can(&toddle(), "ivan", "integrations.sync", scope), "granted it_admin account/greenfield");
    assert_eq!(can(&toddle(), "ivan", "school_roster.staff", scope), "granted it_admin account/greenfield");
    // Every link counts, not the first alone; and a link of a link.
    let partly = load(&changed(
        "toddle",
        &[
            ("roles.yaml", "          integrations: all\n", "          integrations: [sync]\n"),
            ("roles.yaml", "          school_roster: [all, manage]\n", "          school_roster: all\n"),
            (
                "modules.yaml",
                "          students: {requires: [school_roster.manage]}",
                "          students: {requires: [school_roster.staff]}",
            ),
        ],
    ));
    for permission in ["integrations.sync", "school_roster.staff", "school_roster.students"] {
        let wanted = "requires_missing it_admin account/greenfield";
        assert_eq!(can(&partly, "ivan", permission, scope), wanted, "{permission}");
    }
    // Not being granted comes before what would be required.
    assert_eq!(
        can(&closed, "bela", "integrations.sync", scope),
        "permission_not_granted basic_account_user account/greenfield"
    );
}

// TD-16
#[test]
fn td_16_a_circle_of_links_does_not_load() {
    let sources = changed(
        "toddle",
        &[(
            "modules.yaml",
            "          access: {}\n",
            "          access: {requires: [school_roster.staff]}\n",
        )],
    );
    let line = line_of(&sources, "modules.yaml", "manage: {title: Manage school roster");
    assert_eq!(told(&sources), [format!("cycle modules.yaml:{line} admin_portal.access")]);
    let own = one_file(
        "bundle: {name: t, time_zone: UTC}\ndomains: {d: {precedence: union, levels: [a], \
         modules: {m: {level: a, permissions: {do: {requires: [m.do]}}}}}}\nroutes: {}\n",
    );
    assert_eq!(told(&own), ["cycle policy.yaml:2 m.do"]);
}

// TD-17
#[test]
fn td_17_a_link_across_levels_is_judged_at_the_level_of_the_other() {
    let bundle = toddle();
    // Both are programme admins. Only the account role can open the integrations.
    assert_eq!(
        can(&bundle, "pia", "academic_setup.import", "programme/MYP"),
        "granted programme_admin programme/MYP"
    );
    assert_eq!(
        can(&bundle, "ari", "academic_setup.import", "programme/PYP"),
        "requires_missing programme_admin programme/PYP"
    );
    // It does not help where the programme role is not held.
    assert_eq!(
        can(&bundle, "pia", "academic_setup.import", "programme/PYP"),
        "permission_not_granted it_admin account/greenfield"
    );
    // A permission cannot be linked to one of a narrower level: there would be no one place to judge it.
    let sources = changed(
        "toddle",
        &[("modules.yaml", "          access: {}\n", "          access: {requires: [attendance.view]}\n")],
    );
    let line = line_of(&sources, "modules.yaml", "access: {requires");
    assert_eq!(told(&sources), [format!("level_violation modules.yaml:{line} attendance.view")]);
}

// TD-18
#[test]
fn td_18_marks_and_links_belong_to_the_permission_and_never_to_a_role() {
    for (role, wanted) in [
        ("{level: class, power: true}", "unknown_key policy.yaml:13 power"),
        ("{level: class, requires: [top.do]}", "unknown_key policy.yaml:13 requires"),
        ("{level: class, gate_at: account}", "unknown_key policy.yaml:13 gate_at"),
        ("{level: class, grants: {low: [{do: {power: true}}]}}", "wrong_type policy.yaml:13 do"),
    ] {
        assert_eq!(told(&one_file(&small(&format!("      c: {role}\n")))), [wanted], "{role}");
    }
    // The same mark whoever asks, with whichever role.
    let bundle = toddle();
    for (person, scope) in
        [("sara", "class/2A"), ("ari", "class/1A"), ("ari", "class/2A"), ("tariq", "class/1A")]
    {
        assert!(decision(&bundle, person, "classes.archive", scope).power);
        assert!(!decision(&bundle, person, "classes.edit", scope).power);
    }
}

// TD-19
#[test]
fn td_19_the_account_role_must_have_announcements_on_too() {
    let bundle = toddle();
    assert_eq!(
        can(&bundle, "cora", "announcements.publish", "programme/PYP"),
        "granted communications_manager programme/PYP"
    );
    // Cole holds the same programme role, and an account role that has the module off.
    assert_eq!(
        can(&bundle, "cole", "announcements.publish", "programme/MYP"),
        "module_gated communications_manager programme/MYP"
    );
    assert_eq!(
        can(&bundle, "cole", "messaging.send", "programme/MYP"),
        "granted communications_manager programme/MYP"
    );
    // In a class as well.
    assert_eq!(
        can(&bundle, "tess", "class_announcements.publish", "class/1B"),
        "granted class_teacher class/1B"
    );
    let off = load(&changed("toddle", &[("roles.yaml", "          class_announcements: []\n", "")]));
    assert_eq!(
        can(&off, "tess", "class_announcements.publish", "class/1B"),
        "module_gated class_teacher class/1B"
    );
    assert_eq!(can(&off, "tess", "unit_plans.edit", "class/1B"), "granted class_teacher class/1B");
}

// TD-20
#[test]
fn td_20_the_gate_and_the_tick_are_both_needed() {
    let with = |account: &str, programme: &str| {
        let roles = [
            ("          announcements: []\n".to_owned(), format!("          announcements: {account}\n")),
            (
                "        title: Communications manager\n        grants:\n          announcements: all\n"
                    .to_owned(),
                format!(
                    "        title: Communications manager\n        grants:\n          announcements: {programme}\n"
                ),
            ),
        ];
        let changes: Vec<_> =
            roles.iter().map(|(from, to)| ("roles.yaml", from.as_str(), to.as_str())).collect();
        can(&load(&changed("toddle", &changes)), "cora", "announcements.publish", "programme/PYP")
    };
    assert_eq!(with("[]", "all"), "granted communications_manager programme/PYP");
    assert_eq!(with("[]", "off"), "permission_not_granted communications_manager programme/PYP");
    assert_eq!(with("off", "all"), "module_gated communications_manager programme/PYP");
    assert_eq!(with("off", "off"), "permission_not_granted communications_manager programme/PYP");
    // The account role's own tick is not the programme role's: the narrower one still decides.
    assert_eq!(with("all", "off"), "permission_not_granted communications_manager programme/PYP");
}

// TD-20
#[test]
fn td_20_a_permission_of_account_roles_alone_is_decided_by_their_tick() {
    let bundle = toddle();
    // Sid's programme role replaces everything else in DP, and not this.
    assert_eq!(
        can(&bundle, "sid", "reporting.export", "programme/DP"),
        "granted super_admin account/greenfield"
    );
    assert_eq!(
        can(&bundle, "sid", "reporting.manage", "programme/DP"),
        "permission_not_granted programme_principal programme/DP"
    );
    assert_eq!(
        can(&bundle, "ari", "reporting.export", "programme/PYP"),
        "permission_not_granted account_supervisor account/greenfield"
    );
    // `all` of a programme role does not mean it, and naming it there does not load.
    let sources = one_file(&small(
        "      a: {level: account, grants: {mid: [hold]}}\n      p: {level: programme, grants: {mid: [do, hold]}}\n",
    ));
    assert_eq!(told(&sources), ["level_violation policy.yaml:14 hold"]);
}
