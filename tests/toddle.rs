//! `policies/toddle`: the worked example of the article, and its rules one by one.
//!
//! An answer reads `granted class_teacher class/1A`: reason, deciding role, where it is held.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "toddle/permissions.rs"]
mod permissions;
#[path = "support/policy.rs"]
mod policy_support;
#[path = "toddle/templates.rs"]
mod templates;

use hallpass::decision::explain;
use hallpass::policy::{Bundle, Source};
use policy_support::{
    bundle, can, can_at, changed, check, files, idle, line_of, load, one_file, request, told,
};

fn toddle() -> Bundle {
    bundle("toddle")
}

// ---- the worked example --------------------------------------------------------------------------------------------

#[test]
fn ari_nolan_has_in_every_place_what_the_narrowest_of_her_four_roles_grants() {
    check(
        &toddle(),
        "ari",
        &[
            // 1A: class teacher, full edit.
            ("classes.view", "class/1A", "granted class_teacher class/1A"),
            ("classes.edit", "class/1A", "granted class_teacher class/1A"),
            ("unit_plans.edit", "class/1A", "granted class_teacher class/1A"),
            ("weekly_planners.edit", "class/1A", "granted class_teacher class/1A"),
            ("class_assignments.edit", "class/1A", "granted class_teacher class/1A"),
            ("class_assignments.grade", "class/1A", "granted class_teacher class/1A"),
            ("portfolios.edit", "class/1A", "granted class_teacher class/1A"),
            ("progress_reports.edit", "class/1A", "granted class_teacher class/1A"),
            ("attendance.mark", "class/1A", "granted class_teacher class/1A"),
            ("class_announcements.publish", "class/1A", "granted class_teacher class/1A"),
            ("classes.archive", "class/1A", "permission_not_granted class_teacher class/1A"),
            // 1B: substitute teacher, whatever the programme role says.
            ("classes.view", "class/1B", "granted substitute_teacher class/1B"),
            ("attendance.mark", "class/1B", "granted substitute_teacher class/1B"),
            ("unit_plans.view", "class/1B", "granted substitute_teacher class/1B"),
            ("unit_plans.edit", "class/1B", "permission_not_granted substitute_teacher class/1B"),
            ("class_assignments.grade", "class/1B", "permission_not_granted substitute_teacher class/1B"),
            ("progress_reports.edit", "class/1B", "permission_not_granted substitute_teacher class/1B"),
            ("class_announcements.publish", "class/1B", "permission_not_granted substitute_teacher class/1B"),
            // 2A: no class role, so programme admin: she looks and does not touch.
            ("classes.view", "class/2A", "granted programme_admin programme/PYP"),
            ("unit_plans.view", "class/2A", "granted programme_admin programme/PYP"),
            ("unit_plans.edit", "class/2A", "permission_not_granted programme_admin programme/PYP"),
            ("attendance.mark", "class/2A", "permission_not_granted programme_admin programme/PYP"),
            // The programme itself: programme admin manages.
            ("evaluations.manage", "programme/PYP", "granted programme_admin programme/PYP"),
            ("calendar.manage", "programme/PYP", "granted programme_admin programme/PYP"),
            ("reporting.manage", "programme/PYP", "granted programme_admin programme/PYP"),
            ("academic_setup.manage", "programme/PYP", "granted programme_admin programme/PYP"),
            ("announcements.publish", "programme/PYP", "granted programme_admin programme/PYP"),
            // Outside PYP: account supervisor, who sees.
            ("classes.view", "class/7A", "granted account_supervisor account/greenfield"),
            ("attendance.view", "class/7A", "granted account_supervisor account/greenfield"),
            ("attendance.mark", "class/7A", "permission_not_granted account_supervisor account/greenfield"),
            ("classes.view", "class/11A", "granted account_supervisor account/greenfield"),
            ("unit_plans.edit", "class/11A", "permission_not_granted account_supervisor account/greenfield"),
            ("insights.view", "programme/MYP", "granted account_supervisor account/greenfield"),
            ("planning.view", "programme/DP", "granted account_supervisor account/greenfield"),
            ("calendar.view", "programme/MYP", "granted account_supervisor account/greenfield"),
            (
                "calendar.manage",
                "programme/MYP",
                "permission_not_granted account_supervisor account/greenfield",
            ),
            (
                "calendar.manage",
                "programme/DP",
                "permission_not_granted account_supervisor account/greenfield",
            ),
            // The account.
            ("school_attendance.view", "account/greenfield", "granted account_supervisor account/greenfield"),
            ("school_planning.view", "account/greenfield", "granted account_supervisor account/greenfield"),
            ("school_insights.view", "account/greenfield", "granted account_supervisor account/greenfield"),
            (
                "admin_portal.access",
                "account/greenfield",
                "permission_not_granted account_supervisor account/greenfield",
            ),
            (
                "school_roster.manage",
                "account/greenfield",
                "permission_not_granted account_supervisor account/greenfield",
            ),
        ],
    );
}

#[test]
fn the_routes_ask_what_the_roles_decide() {
    let bundle = toddle();
    for (person, line, wanted) in [
        ("ari", "POST /api/classes/1A/attendance", "granted class_teacher class/1A"),
        ("ari", "PUT /api/classes/1B/unit-plans/7", "permission_not_granted substitute_teacher class/1B"),
        ("ari", "GET /api/classes/2A/unit-plans", "granted programme_admin programme/PYP"),
        ("ari", "HEAD /api/classes/7A", "granted account_supervisor account/greenfield"),
        ("ari", "POST /api/programmes/PYP/calendar", "granted programme_admin programme/PYP"),
        ("ari", "GET /api/insights", "granted account_supervisor account/greenfield"),
        ("ari", "GET /api/classes/9Z", "scope_unknown - -"),
        ("ari", "GET /api/classes/1A/secrets", "no_route"),
        ("ari", "DELETE /api/classes/1A/attendance", "no_method GET, HEAD, POST"),
        // Both classes must allow a move: she may in the one and not in the other.
        (
            "ari",
            "POST /api/classes/1A/students/lena/move-to/1B",
            "permission_not_granted substitute_teacher class/1B",
        ),
        ("ari", "POST /api/classes/1A/students/lena/move-to/1A", "granted class_teacher class/1A"),
        // The query picks the route; another value, or none, is no route.
        ("ari", "GET /api/programmes/PYP/reports?format=summary", "granted programme_admin programme/PYP"),
        (
            "ari",
            "GET /api/programmes/PYP/reports?format=csv",
            "permission_not_granted account_supervisor account/greenfield",
        ),
        ("ari", "GET /api/programmes/PYP/reports", "no_route"),
        ("ari", "GET /api/programmes/PYP/reports?format=CSV", "no_route"),
        ("ivan", "POST /api/integrations/sis/sync", "granted it_admin account/greenfield"),
        ("lena", "GET /api/classes/1A", "no_role_in_context - -"),
        ("nobody", "GET /healthz", "public"),
        ("nobody", "GET /api/classes/1A", "unauthenticated"),
    ] {
        assert_eq!(request(&bundle, person, line), wanted, "{person} {line}");
    }
}

#[test]
fn every_permission_is_asked_for_by_a_route_and_every_role_is_held_by_somebody() {
    assert_eq!(idle(&toddle()), [] as [&str; 0]);
}

#[test]
fn the_roles_have_the_titles_of_the_article() {
    let bundle = toddle();
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let roles: Vec<&str> = domain.roles().iter().map(|(_, role)| role.title.as_deref().unwrap()).collect();
    assert_eq!(
        roles,
        [
            "Account supervisor",
            "Attendance manager",
            "Basic account user",
            "Class teacher",
            "Communications manager",
            "IT admin",
            "Observer",
            "Programme admin",
            "Programme principal",
            "Substitute teacher",
            "Super admin",
            "Teacher",
            "Teaching assistant",
        ]
    );
}

// ---- the rules -----------------------------------------------------------------------------------------------------

// TD-01
#[test]
fn td_01_a_permission_is_one_action_and_a_role_a_bundle_of_them() {
    let bundle = toddle();
    check(
        &bundle,
        "tariq",
        &[
            ("class_assignments.grade", "class/1A", "granted teaching_assistant class/1A"),
            ("class_assignments.edit", "class/1A", "permission_not_granted teaching_assistant class/1A"),
            ("class_assignments.archive", "class/1A", "unknown_name - -"),
        ],
    );
    let sources = changed(
        "toddle",
        &[("roles.yaml", "class_assignments: [view, grade]", "class_assignments: [view, garde]")],
    );
    let line = line_of(&sources, "roles.yaml", "garde");
    assert_eq!(told(&sources), [format!("unknown_name roles.yaml:{line} garde")]);
}

// TD-02
#[test]
fn td_02_a_change_of_a_role_is_a_change_for_all_who_hold_it() {
    let before = toddle();
    let after = load(&changed(
        "toddle",
        &[(
            "roles.yaml",
            "        title: Class teacher\n        grants:\n          classes: all\n          unit_plans: all",
            "        title: Class teacher\n        grants:\n          classes: all\n          unit_plans: [view]",
        )],
    ));
    assert_ne!(before.revision(), after.revision());
    for (person, class) in [("ari", "class/1A"), ("tess", "class/1B"), ("paula", "class/7A")] {
        let granted = format!("granted class_teacher {class}");
        let refused = format!("permission_not_granted class_teacher {class}");
        assert_eq!(can(&before, person, "unit_plans.edit", class), granted);
        assert_eq!(can(&after, person, "unit_plans.edit", class), refused);
        assert_eq!(can(&after, person, "portfolios.edit", class), granted);
    }
}

// TD-03
#[test]
fn td_03_one_person_has_another_role_at_each_of_three_levels() {
    let bundle = toddle();
    assert_eq!(bundle.domains().iter().next().unwrap().1.levels(), ["account", "programme", "class"]);
    check(
        &bundle,
        "paula",
        &[
            (
                "school_setup.view",
                "account/greenfield",
                "permission_not_granted basic_account_user account/greenfield",
            ),
            ("insights.view", "programme/MYP", "granted programme_principal programme/MYP"),
            ("unit_plans.edit", "class/7A", "granted class_teacher class/7A"),
        ],
    );
}

// TD-03
#[test]
fn td_03_the_levels_are_data() {
    let text = "bundle: {name: t, time_zone: UTC}\n\
        domains: {d: {precedence: most_specific, levels: [account, school, course, class], \
        scopes: {account/a: {school/s: {course/c: {class/x: ~}}}}, \
        modules: {m: {level: class, permissions: {do: {}}}}, \
        roles: {wide: {level: school}, narrow: {level: course, grants: {m: all}}}}}\n\
        people: {ari: {kinds: [staff]}}\n\
        assignments: [{subject: ari, role: wide, scope: school/s}, {subject: ari, role: narrow, scope: course/c}]\n\
        routes: {}\n";
    assert_eq!(can(&load(&one_file(text)), "ari", "m.do", "class/x"), "granted narrow course/c");
}

// TD-04
#[test]
fn td_04_staff_without_an_account_role_are_warned_of_and_denied_everything() {
    let sources =
        changed("toddle", &[("assignments.csv", "tess,basic_account_user,account/greenfield,,,\n", "")]);
    let line = line_of(&sources, "domain.yaml", "mandatory:");
    assert_eq!(told(&sources), [format!("no_mandatory_role domain.yaml:{line} mandatory")]);
    let bundle = hallpass::policy::compile(&sources).bundle.unwrap();
    check(
        &bundle,
        "tess",
        &[
            ("unit_plans.edit", "class/1B", "no_account_role - -"),
            ("calendar.view", "programme/PYP", "no_account_role - -"),
            ("admin_portal.access", "account/greenfield", "no_account_role - -"),
        ],
    );
    // A role that has ended is none; one that is suspended is still held, and opens no gate.
    let row = "tess,basic_account_user,account/greenfield,,,\n";
    let header =
        ("assignments.csv", "subject,role,scope,from,until,note", "subject,role,scope,from,until,suspended");
    let dated = ("assignments.csv", "2026-09-18,while the class teacher is away", "2026-09-18,");
    let ended = "tess,basic_account_user,account/greenfield,,2026-09-08,\n";
    let ended = load(&changed("toddle", &[("assignments.csv", row, ended)]));
    assert_eq!(can(&ended, "tess", "unit_plans.edit", "class/1B"), "no_account_role - -");
    let held = "tess,basic_account_user,account/greenfield,,,true\n";
    let held = load(&changed("toddle", &[header, dated, ("assignments.csv", row, held)]));
    assert_eq!(can(&held, "tess", "unit_plans.edit", "class/1B"), "granted class_teacher class/1B");
    let gated = "module_gated class_teacher class/1B";
    assert_eq!(can(&held, "tess", "class_announcements.publish", "class/1B"), gated);
    // With the account role back, the class role decides; students need none.
    assert_eq!(can(&toddle(), "tess", "unit_plans.edit", "class/1B"), "granted class_teacher class/1B");
    assert_eq!(can(&bundle, "lena", "unit_plans.view", "class/1B"), "no_role_in_context - -");
}

// TD-05
#[test]
fn td_05_the_next_broader_role_decides_where_none_is_held() {
    let bundle = toddle();
    assert_eq!(can(&bundle, "ari", "attendance.view", "class/1B"), "granted substitute_teacher class/1B");
    assert_eq!(can(&bundle, "ari", "attendance.view", "class/2A"), "granted programme_admin programme/PYP");
    assert_eq!(
        can(&bundle, "ari", "attendance.view", "class/7B"),
        "granted account_supervisor account/greenfield"
    );
    assert_eq!(
        can(&bundle, "bela", "attendance.view", "class/7B"),
        "permission_not_granted basic_account_user account/greenfield"
    );
}

// TD-06
#[test]
fn td_06_the_class_role_replaces_the_programme_role_for_better_and_for_worse() {
    let bundle = toddle();
    // Observer in 1A and programme admin: in 1A an observer, even where the programme role grants more.
    let generous = load(&changed(
        "toddle",
        &[(
            "roles.yaml",
            "          insights: all\n          classes: [view]\n",
            "          insights: all\n          classes: all\n",
        )],
    ));
    assert_eq!(can(&generous, "oscar", "classes.edit", "class/2A"), "granted programme_admin programme/PYP");
    assert_eq!(
        can(&generous, "oscar", "classes.edit", "class/1A"),
        "permission_not_granted observer class/1A"
    );
    // And for better: what the programme role lacks, the class role grants.
    assert_eq!(can(&bundle, "ari", "unit_plans.edit", "class/1A"), "granted class_teacher class/1A");
    assert_eq!(
        can(&bundle, "ari", "unit_plans.edit", "class/2A"),
        "permission_not_granted programme_admin programme/PYP"
    );
}

// TD-06
#[test]
fn td_06_even_a_super_admin_is_replaced_by_a_narrower_role() {
    // The choice that the articles leave open: the literal reading, until a role can be marked.
    check(
        &toddle(),
        "sid",
        &[
            ("unit_plans.edit", "class/1A", "granted super_admin account/greenfield"),
            ("unit_plans.edit", "class/11A", "permission_not_granted observer class/11A"),
            ("calendar.manage", "programme/DP", "permission_not_granted programme_principal programme/DP"),
            ("calendar.manage", "programme/MYP", "granted super_admin account/greenfield"),
            ("school_roster.manage", "account/greenfield", "granted super_admin account/greenfield"),
        ],
    );
}

// TD-07
#[test]
fn td_07_a_role_in_one_class_is_nothing_in_another() {
    let bundle = toddle();
    assert_eq!(can(&bundle, "tess", "attendance.mark", "class/1B"), "granted class_teacher class/1B");
    assert_eq!(can(&bundle, "tess", "attendance.mark", "class/1A"), "relation_unmet teacher programme/PYP");
    assert_eq!(can(&bundle, "tariq", "attendance.mark", "class/1A"), "granted teaching_assistant class/1A");
    assert_eq!(
        can(&bundle, "tariq", "attendance.mark", "class/1B"),
        "permission_not_granted basic_account_user account/greenfield"
    );
}

// TD-08
#[test]
fn td_08_a_programme_role_holds_in_every_class_of_the_programme_without_a_class_role() {
    let bundle = toddle();
    for class in ["class/1A", "class/1B", "class/2A"] {
        assert_eq!(
            can(&bundle, "petra", "portfolios.view", class),
            "granted programme_principal programme/PYP"
        );
    }
    assert_eq!(can(&bundle, "oscar", "portfolios.view", "class/1B"), "granted programme_admin programme/PYP");
    assert_eq!(can(&bundle, "oscar", "portfolios.view", "class/1A"), "granted observer class/1A");
}

// TD-09
#[test]
fn td_09_a_programme_role_is_nothing_outside_its_programme() {
    let bundle = toddle();
    for scope in ["programme/MYP", "programme/DP"] {
        assert_eq!(
            can(&bundle, "ari", "calendar.manage", scope),
            "permission_not_granted account_supervisor account/greenfield"
        );
    }
    for class in ["class/7A", "class/7B", "class/11A", "class/homework-club"] {
        assert_eq!(
            can(&bundle, "ari", "insights.view", class),
            "granted account_supervisor account/greenfield"
        );
        assert_eq!(
            can(&bundle, "petra", "classes.view", class),
            "permission_not_granted basic_account_user account/greenfield"
        );
    }
}

// TD-21
#[test]
fn td_21_no_route_edits_the_super_admin_role() {
    let bundle = toddle();
    for person in ["sara", "sid", "ivan", "ari"] {
        assert_eq!(request(&bundle, person, "PATCH /api/roles/super_admin"), "no_method GET, HEAD");
    }
    assert_eq!(
        request(&bundle, "sara", "GET /api/roles/super_admin"),
        "granted super_admin account/greenfield"
    );
    assert_eq!(
        request(&bundle, "sara", "PATCH /api/roles/observer"),
        "granted super_admin account/greenfield"
    );
    assert_eq!(
        request(&bundle, "ivan", "PATCH /api/roles/observer"),
        "permission_not_granted it_admin account/greenfield"
    );
    // Nor any other role that is locked, whoever asks.
    let lock = ("roles.yaml", "        title: Observer\n", "        title: Observer\n        locked: true\n");
    let locked = load(&changed("toddle", &[lock]));
    assert_eq!(request(&locked, "sara", "PATCH /api/roles/observer").split(' ').next(), Some("role_locked"));
    assert!(request(&locked, "sara", "PATCH /api/roles/class_teacher").starts_with("granted "));
}

// TD-22
#[test]
fn td_22_no_route_deletes_a_role() {
    let bundle = toddle();
    assert_eq!(request(&bundle, "sara", "DELETE /api/roles/observer"), "no_method GET, HEAD, PATCH");
    assert_eq!(request(&bundle, "sara", "DELETE /api/roles/super_admin"), "no_method GET, HEAD");
}

// TD-23
#[test]
fn td_23_only_super_admins_make_super_admins() {
    let line = "PUT /api/roles/super_admin/members/bela";
    let bundle = toddle();
    assert_eq!(request(&bundle, "sara", line), "granted super_admin account/greenfield");
    // Somebody who may give every other role still may not give this one.
    let generous = load(&changed(
        "toddle",
        &[(
            "roles.yaml",
            "        title: IT admin\n        grants:\n",
            "        title: IT admin\n        grants:\n          role_setup: [all, edit, assign]\n",
        )],
    ));
    assert_eq!(
        request(&generous, "ivan", "PUT /api/roles/observer/members/bela"),
        "granted it_admin account/greenfield"
    );
    assert_eq!(request(&generous, "ivan", line), "permission_not_granted it_admin account/greenfield");
    // The permission alone is not enough either: the role says who may give it.
    let more = "        title: IT admin\n        grants:\n          role_setup: all_and_power\n";
    let most =
        load(&changed("toddle", &[("roles.yaml", "        title: IT admin\n        grants:\n", more)]));
    assert_eq!(request(&most, "ivan", line).split(' ').next(), Some("not_assignable"));
}

// TD-23
#[test]
fn td_23_super_admins_can_do_everything_where_they_hold_no_narrower_role() {
    let bundle = toddle();
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let scopes = ["account/greenfield", "programme/PYP", "class/2A", "class/homework-club"];
    let mut asked = 0;
    for (_, permission) in domain.permissions().iter() {
        let level = domain.level_name(permission.level);
        for scope in scopes.iter().filter(|scope| scope.starts_with(level)) {
            assert_eq!(
                can(&bundle, "sara", &permission.name, scope),
                "granted super_admin account/greenfield"
            );
            asked += 1;
        }
    }
    assert!(asked > domain.permissions().len());
}

// TD-36
#[test]
fn td_36_a_substitute_has_the_class_from_the_first_day_to_the_end_of_the_last() {
    let bundle = toddle();
    let inside = "granted substitute_teacher class/2A";
    let outside = "permission_not_granted basic_account_user account/greenfield";
    // The days are those of Berlin, two hours ahead of UTC in September.
    for (at, wanted) in [
        ("2026-09-06T21:59:59.999999Z", outside),
        ("2026-09-06T22:00:00Z", inside),
        ("2026-09-09T10:00:00Z", inside),
        ("2026-09-18T21:59:59.999999Z", inside),
        ("2026-09-18T22:00:00Z", outside),
    ] {
        assert_eq!(can_at(&bundle, "subira", "attendance.mark", "class/2A", at), wanted, "{at}");
    }
    // While it is suspended the role is still held, and grants nothing.
    let suspended = load(&changed(
        "toddle",
        &[
            (
                "assignments.csv",
                "subject,role,scope,from,until,note",
                "subject,role,scope,from,until,suspended",
            ),
            ("assignments.csv", "2026-09-18,while the class teacher is away", "2026-09-18,true"),
        ],
    ));
    assert_eq!(
        can(&suspended, "subira", "attendance.mark", "class/2A"),
        "permission_not_granted substitute_teacher class/2A"
    );
}

// TD-37
#[test]
fn td_37_a_change_takes_effect_whole_or_not_at_all() {
    // One good change and two mistakes in other files: nothing loads, and both mistakes are told.
    let sources = changed(
        "toddle",
        &[
            ("roles.yaml", "          integrations: all\n", "          integrations: [view]\n"),
            ("scopes.yaml", "class/7B", "clas/7B"),
            ("assignments.csv", "alma,attendance_manager", "alma,attendance_manger"),
        ],
    );
    let at = line_of(&sources, "assignments.csv", "manger");
    let scope = line_of(&sources, "scopes.yaml", "clas/7B");
    assert_eq!(
        told(&sources),
        [
            format!("unknown_name assignments.csv:{at} attendance_manger"),
            format!("unknown_name scopes.yaml:{scope} clas/7B"),
        ]
    );
}

// TD-38
#[test]
fn td_38_gate_link_and_power_are_shown_where_a_decision_is_explained() {
    use hallpass::decision::{AccessRequest, Ask, Facts};
    let bundle = toddle();
    let (id, domain) = bundle.domains().iter().next().unwrap();
    let told = |person: &str, permission: &str, scope: &str| {
        let ask = Ask::Permission {
            domain: id,
            permission: domain.permission(permission).unwrap(),
            scope: bundle.scopes().find(scope).unwrap(),
        };
        let now = hallpass::time::Time::parse_rfc3339(policy_support::NOW).unwrap();
        explain(
            &bundle,
            &AccessRequest {
                subject: bundle.people().find(person).unwrap(),
                ask,
                facts: Facts::default(),
                now,
            },
        )
    };
    let gated = told("cole", "announcements.publish", "programme/MYP");
    let gate = gated.gate.unwrap();
    assert_eq!((domain.level_name(gate.level), gate.opened_by), ("account", None));
    let linked = told("ari", "academic_setup.import", "programme/PYP");
    let required: Vec<String> = linked
        .requires
        .iter()
        .map(|(permission, decision)| {
            format!("{} {}", domain.permissions()[*permission].name, decision.reason)
        })
        .collect();
    assert_eq!(
        required,
        [
            "admin_portal.access permission_not_granted",
            "integrations.view permission_not_granted",
            "academic_setup.view granted",
            "academic_setup.manage granted",
        ]
    );
    assert!(told("ivan", "school_roster.manage", "account/greenfield").decision.power);
}

// TD-40
#[test]
fn td_40_two_roles_of_one_person_at_one_place_do_not_load() {
    let sources = changed(
        "toddle",
        &[(
            "assignments.csv",
            "tariq,teaching_assistant,class/1A,,,\n",
            "tariq,teaching_assistant,class/1A,,,\ntariq,observer,class/1A,,,\n",
        )],
    );
    // Told at the later of the two by the name of the role.
    let line = line_of(&sources, "assignments.csv", "tariq,teaching_assistant");
    assert_eq!(
        told(&sources),
        [format!("same_scope assignments.csv:{line} tariq,teaching_assistant,class/1A,,,")]
    );
    // One after the other is fine, and so is a role that was deleted.
    let after = load(&changed(
        "toddle",
        &[(
            "assignments.csv",
            "tariq,teaching_assistant,class/1A,,,\n",
            "tariq,teaching_assistant,class/1A,,2026-09-08,\ntariq,observer,class/1A,2026-09-09,,\n",
        )],
    ));
    assert_eq!(
        can(&after, "tariq", "attendance.mark", "class/1A"),
        "permission_not_granted observer class/1A"
    );
    let overlap = changed(
        "toddle",
        &[(
            "assignments.csv",
            "tariq,teaching_assistant,class/1A,,,\n",
            "tariq,teaching_assistant,class/1A,,2026-09-09,\ntariq,observer,class/1A,2026-09-09,,\n",
        )],
    );
    assert_eq!(told(&overlap).len(), 1);
    // Where a domain allows it, either may grant.
    let any = changed(
        "toddle",
        &[
            ("domain.yaml", "same_scope: error", "same_scope: any"),
            (
                "assignments.csv",
                "tariq,teaching_assistant,class/1A,,,\n",
                "tariq,teaching_assistant,class/1A,,,\ntariq,observer,class/1A,,,\n",
            ),
        ],
    );
    assert_eq!(
        can(&load(&any), "tariq", "attendance.mark", "class/1A"),
        "granted teaching_assistant class/1A"
    );
}

// TD-41
#[test]
fn td_41_a_class_in_two_programmes_does_not_load() {
    let sources = changed("toddle", &[("scopes.yaml", "class/7B:", "class/7B:\n          class/2A:")]);
    let lines: Vec<usize> = (1..)
        .zip(
            std::str::from_utf8(&sources.iter().find(|s| s.name == "scopes.yaml").unwrap().bytes)
                .unwrap()
                .lines(),
        )
        .filter(|(_, line)| line.contains("class/2A"))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(told(&sources), [format!("duplicate_name scopes.yaml:{} class/2A", lines[1])]);
}

// TD-41
#[test]
fn td_41_in_a_class_without_a_programme_the_account_role_is_next() {
    let bundle = toddle();
    assert_eq!(
        can(&bundle, "ari", "classes.view", "class/homework-club"),
        "granted account_supervisor account/greenfield"
    );
    assert_eq!(
        can(&bundle, "petra", "classes.view", "class/homework-club"),
        "permission_not_granted basic_account_user account/greenfield"
    );
}

// TD-42
#[test]
fn td_42_a_module_that_is_off_for_the_school_is_off_whatever_a_role_says() {
    let level = (
        "domain.yaml",
        "    precedence:",
        "    modules_off: {account/greenfield: [calendar]}\n    precedence:",
    );
    let bundle = load(&changed("toddle", &[level]));
    for (person, by) in [
        ("sara", "super_admin account/greenfield"),
        ("oscar", "programme_admin programme/PYP"),
        ("tess", "teacher programme/PYP"),
    ] {
        assert_eq!(can(&toddle(), person, "calendar.manage", "programme/PYP"), format!("granted {by}"));
        let off = can(&bundle, person, "calendar.manage", "programme/PYP");
        assert_eq!(off.split(' ').next(), Some("module_gated"), "{person}");
        assert_eq!(can(&bundle, person, "policies.view", "programme/PYP"), format!("granted {by}"));
    }
}

#[test]
fn whoever_is_suspended_or_unknown_has_nothing() {
    let bundle = load(&changed("toddle", &[("suspended.yaml", "subjects: []", "subjects: [sara]")]));
    assert_eq!(can(&bundle, "sara", "classes.view", "class/1A"), "suspended - -");
    assert_eq!(request(&bundle, "sara", "GET /api/admin"), "suspended - -");
    assert_eq!(can(&bundle, "nobody", "classes.view", "class/1A"), "unknown_subject - -");
    assert_eq!(can(&bundle, "gina", "classes.view", "class/1A"), "no_role_in_context - -");
}

#[test]
fn the_bundle_is_as_the_files_say() {
    // A file that is lost, or read twice, would show here.
    let names: Vec<String> = files("toddle").into_iter().map(|source| source.name).collect();
    assert_eq!(
        names,
        [
            "README.md",
            "assignments.csv",
            "bundle.yaml",
            "domain.yaml",
            "enrolments.csv",
            "modules.yaml",
            "people.csv",
            "roles.yaml",
            "routes.yaml",
            "scopes.yaml",
            "suspended.yaml",
        ]
    );
    assert_eq!(told(&files("toddle")), [] as [&str; 0]);
    let bundle = toddle();
    assert_eq!(
        (bundle.people().len(), bundle.all_assignments().count(), bundle.routes().len()),
        (17, 33, 73)
    );
}

#[test]
fn whoever_is_kept_away_from_a_student_is_refused_wherever_a_path_names_the_student() {
    let mut with_order = files("toddle");
    let order = "blocks: [{subject: sara, student: lena, reason: a conflict}]\n";
    with_order.push(Source { name: "orders.yaml".to_owned(), bytes: order.as_bytes().to_vec() });
    let (free, kept_away) = (toddle(), load(&with_order));
    for line in [
        "PATCH /api/roster/students/lena",
        "POST /api/classes/1B/students/lena/move-to/1A",
        "PUT /api/classes/1B/assignments/4/grades/lena",
        "PUT /api/classes/1B/portfolios/lena",
        "GET /api/classes/1B/progress-reports/lena",
        "PUT /api/classes/1B/progress-reports/lena",
    ] {
        assert!(request(&free, "sara", line).starts_with("granted"), "{line}");
        assert_eq!(request(&kept_away, "sara", line), "blocked - -", "{line}");
    }
}
