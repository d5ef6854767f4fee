//! `policies/school-passport`: seven roles that unite, and the rules one by one.
//!
//! An answer reads `granted teacher school/north`: reason, deciding role, where it is held.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/policy.rs"]
mod policy_support;
#[path = "school_passport/users.rs"]
mod users;

use hallpass::policy::Bundle;
use policy_support::{
    all_right, bundle, can, can_at, changed, check, decision, files, idle, line_of, load, request, told,
};

fn passport() -> Bundle {
    bundle("school-passport")
}

fn ask(bundle: &Bundle, rows: &[(&str, &str, &str)]) {
    all_right(
        rows.iter().map(|(person, line, wanted)| {
            (format!("{person} {line}"), request(bundle, person, line), *wanted)
        }),
    );
}

/// The permissions of a level, in the order of the file.
fn permissions(bundle: &Bundle, level: &str) -> Vec<String> {
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let all = domain.permissions().iter().map(|(_, permission)| permission);
    all.filter(|permission| domain.level_name(permission.level) == level)
        .map(|permission| permission.name.clone())
        .collect()
}

/// What somebody has of the permissions of a level on a scope.
fn has(bundle: &Bundle, person: &str, level: &str, scope: &str) -> Vec<String> {
    let granted = |permission: &String| can(bundle, person, permission, scope).starts_with("granted ");
    permissions(bundle, level).into_iter().filter(granted).collect()
}

const NINE: [&str; 14] = [
    "sync.run",
    "sync.schedules",
    "data_issues.duplicates",
    "data_issues.quality",
    "data_issues.sync",
    "app_settings.delivery",
    "app_settings.mappings",
    "app_settings.filters",
    "setup.export_import",
    "setup.admins",
    "setup.datasets",
    "data.browse",
    "data.records",
    "sso_setup.sso",
];

#[test]
fn the_routes_ask_what_the_roles_decide() {
    let bundle = passport();
    ask(
        &bundle,
        &[
            ("dora", "POST /api/districts/lakeside/sync", "granted district_admin district/lakeside"),
            ("dora", "POST /api/districts/hillside/sync", "no_role_in_context - -"),
            ("dora", "POST /api/districts/nowhere/sync", "scope_unknown - -"),
            (
                "pia",
                "POST /api/districts/lakeside/terms/2026/accept",
                "granted primary_district_admin district/lakeside",
            ),
            ("sadie", "GET /api/schools/north/reports", "granted school_admin school/north"),
            ("tess", "HEAD /api/classes/1A/apps", "granted teacher school/north"),
            ("lena", "GET /launch/1A-mapmaker", "granted student class/1A"),
            ("gina", "GET /api/classes/1A/portal/lena", "granted parent class/1A"),
            ("vito", "PUT /api/products/mapmaker/rostering", "granted vendor_admin product/mapmaker"),
            ("lena", "GET /api/secrets", "no_route"),
            ("dora", "PATCH /api/districts/lakeside/sync", "no_method POST"),
            ("nobody", "GET /healthz", "public"),
            ("nobody", "GET /launch/1A-mapmaker", "unauthenticated"),
        ],
    );
}

#[test]
fn every_permission_is_asked_for_by_a_route_and_every_role_is_held() {
    let bundle = passport();
    assert_eq!(idle(&bundle), [] as [&str; 0]);
}

// ---- the rules -----------------------------------------------------------------------------------------------------

// SP-01
#[test]
fn sp_01_administrative_roles_manage_and_the_others_cannot() {
    let bundle = passport();
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let administrative: Vec<&str> = domain
        .roles()
        .iter()
        .filter(|(_, role)| ["district", "product"].contains(&domain.level_name(role.level)))
        .map(|(_, role)| role.name.as_str())
        .collect();
    assert_eq!(administrative, ["district_admin", "primary_district_admin", "vendor_admin"]);
    // What belongs to a district cannot be written into a role of a school or class.
    for (role, line) in [("teacher", "bookmarks: [{create: own_classes}]"), ("school_admin", "users: all")] {
        let sources = changed(
            "school-passport",
            &[("roles.yaml", line, &format!("{line}\n          app_settings: [delivery]"))],
        );
        let at = sources.iter().find(|source| source.name == "roles.yaml").unwrap();
        let text = std::str::from_utf8(&at.bytes).unwrap();
        let place = text.lines().position(|line| line.contains("app_settings: [delivery]")).unwrap() + 1;
        let found = told(&sources);
        assert_eq!(found, [format!("level_violation roles.yaml:{place} app_settings")], "{role}");
    }
}

// SP-02
#[test]
fn sp_02_several_roles_unite() {
    let bundle = passport();
    let rows = [
        ("qr_codes.manage", "class/1B", "granted teacher school/north"),
        ("data.browse", "district/lakeside", "granted district_admin district/lakeside"),
        // Wider and narrower role at one place: the wider one grants, too.
        ("appstore.access", "school/north", "granted district_admin district/lakeside"),
    ];
    check(&bundle, "tina", &rows);
    // Where the narrowest role replaces the others, she could not.
    let replaced = load(&changed(
        "school-passport",
        &[("domain.yaml", "precedence: union", "precedence: most_specific")],
    ));
    assert_eq!(
        can(&replaced, "tina", "appstore.access", "school/north"),
        "permission_not_granted teacher school/north"
    );
}

// SP-03
#[test]
fn sp_03_a_district_admin_has_nine_groups_of_permissions_in_the_district() {
    let bundle = passport();
    let wanted: Vec<&str> = NINE.into_iter().chain(["sso_setup.idp", "access.grant"]).collect();
    assert_eq!(has(&bundle, "dora", "district", "district/lakeside"), wanted);
    // The ninth: the AppStore, at each school of the district. And opening apps.
    for school in ["school/north", "school/south"] {
        assert_eq!(has(&bundle, "dora", "school", school), ["appstore.access"]);
    }
    assert_eq!(has(&bundle, "dora", "class", "tile/2A-mapmaker"), ["sso_apps.access"]);
}

// SP-04
#[test]
fn sp_04_nothing_in_another_district() {
    let bundle = passport();
    for (person, elsewhere) in
        [("dora", "district/hillside"), ("dora", "district/riverside"), ("hank", "district/lakeside")]
    {
        for permission in permissions(&bundle, "district") {
            let found = can(&bundle, person, &permission, elsewhere);
            assert_eq!(found, "no_role_in_context - -", "{person} {permission} {elsewhere}");
        }
    }
    assert_eq!(can(&bundle, "dora", "appstore.access", "school/east"), "no_role_in_context - -");
    assert_eq!(can(&bundle, "dora", "sso_apps.access", "tile/5E-readwell"), "no_role_in_context - -");
}

// SP-05
#[test]
fn sp_05_a_primary_district_admin_has_all_that_a_district_admin_has_and_binds_the_district() {
    let bundle = passport();
    let ordinary = has(&bundle, "dora", "district", "district/lakeside");
    let primary = has(&bundle, "pia", "district", "district/lakeside");
    let more: Vec<&str> =
        primary.iter().filter(|name| !ordinary.contains(name)).map(String::as_str).collect();
    assert!(ordinary.iter().all(|name| primary.contains(name)));
    assert_eq!(
        more,
        [
            "agreements.accept_sharing",
            "agreements.accept_terms",
            "agreements.accept_privacy",
            "primary_admins.appoint"
        ]
    );
    assert_eq!(
        can(&bundle, "pia", "sync.run", "district/lakeside"),
        "granted primary_district_admin district/lakeside"
    );
    // What is added to the one role is had by the other.
    let added = load(&changed("school-passport", &[("roles.yaml", "access: all_and_power", "access: off")]));
    assert_eq!(can(&added, "pia", "access.grant", "district/lakeside"), "permission_not_granted - -");
}

// SP-06
#[test]
fn sp_06_an_ordinary_district_admin_accepts_nothing_and_mends_what_is_wrong_with_the_data() {
    let no = "permission_not_granted - -";
    ask(
        &passport(),
        &[
            ("dora", "GET /api/districts/lakeside/sharing-requests", no),
            ("dora", "POST /api/districts/lakeside/sharing-requests/7/accept", no),
            ("dora", "POST /api/districts/lakeside/terms/2026/accept", no),
            ("dora", "POST /api/districts/lakeside/privacy-policies/mapmaker/accept", no),
            (
                "dora",
                "POST /api/districts/lakeside/issues/duplicates/7/merge",
                "granted district_admin district/lakeside",
            ),
            (
                "dora",
                "PATCH /api/districts/lakeside/issues/quality/7",
                "granted district_admin district/lakeside",
            ),
            ("dora", "GET /api/districts/lakeside/issues/sync", "granted district_admin district/lakeside"),
            (
                "pia",
                "POST /api/districts/lakeside/sharing-requests/7/accept",
                "granted primary_district_admin district/lakeside",
            ),
        ],
    );
}

// SP-07
#[test]
fn sp_07_each_district_has_its_own_assignment_and_none_is_meant_by_all() {
    let bundle = passport();
    let accept = "agreements.accept_sharing";
    check(
        &bundle,
        "pia",
        &[
            (accept, "district/lakeside", "granted primary_district_admin district/lakeside"),
            (accept, "district/hillside", "permission_not_granted - -"),
            (accept, "district/riverside", "no_role_in_context - -"),
            ("data.browse", "district/hillside", "granted district_admin district/hillside"),
            ("data.browse", "district/riverside", "no_role_in_context - -"),
        ],
    );
    // A star is no scope.
    let sources = changed(
        "school-passport",
        &[(
            "assignments.csv",
            "pia,primary_district_admin,district/lakeside",
            "pia,primary_district_admin,district/*",
        )],
    );
    let line = line_of(&sources, "assignments.csv", "district/*");
    assert_eq!(told(&sources), [format!("unknown_name assignments.csv:{line} district/*")]);
}

// SP-08
#[test]
fn sp_08_a_vendor_admin_has_control_over_their_own_product() {
    let bundle = passport();
    let all = permissions(&bundle, "product");
    assert_eq!(
        all,
        ["integration.view", "integration.rostering", "integration.access_controls", "integration.configure"]
    );
    assert_eq!(has(&bundle, "vito", "product", "product/mapmaker"), all);
    for permission in &all {
        assert_eq!(can(&bundle, "vito", permission, "product/readwell"), "no_role_in_context - -");
        assert_eq!(can(&bundle, "pia", permission, "product/mapmaker"), "no_role_in_context - -");
    }
    // A product is in no district: nothing of one can be written into the role.
    let sources = changed(
        "school-passport",
        &[(
            "roles.yaml",
            "          integration: all",
            "          integration: all\n          data: [browse]",
        )],
    );
    assert_eq!(told(&sources).len(), 1);
    assert!(told(&sources)[0].starts_with("level_violation roles.yaml:"));
    assert_eq!(can(&bundle, "vito", "sso_apps.access", "tile/1A-mapmaker"), "no_role_in_context - -");
}

// SP-09
#[test]
fn sp_09_the_four_roles_come_from_the_roster_and_go_with_it() {
    // Nobody gives them, and no line of the bundle does; the two that are there switch on an option.
    let files = files("school-passport");
    let assignments = files.iter().find(|source| source.name == "assignments.csv").unwrap();
    let by_hand = std::str::from_utf8(&assignments.bytes).unwrap().lines();
    let four = ["teacher", "school_admin", "student", "parent"];
    let by_hand = by_hand.filter(|line| line.split(',').nth(1).is_some_and(|role| four.contains(&role)));
    assert!(by_hand.clone().all(|line| line.contains("appstore.access")));
    assert_eq!(by_hand.count(), 2);
    let bundle = passport();
    let launch = "GET /launch/1B-readwell";
    assert_eq!(request(&bundle, "lena", launch), "no_role_in_context - -");
    assert_eq!(request(&bundle, "gina", launch), "no_role_in_context - -");
    // A row more, and the student has the role, and so has her mother.
    let moved = load(&changed(
        "school-passport",
        &[("sis/enrollments.csv", "1A,north,lena,student", "1B,north,lena,student")],
    ));
    assert_eq!(request(&moved, "lena", launch), "granted student class/1B");
    assert_eq!(request(&moved, "gina", launch), "granted parent class/1B");
    assert_eq!(request(&moved, "lena", "GET /launch/1A-mapmaker"), "no_role_in_context - -");
    // A row that is to be deleted, an account that is not enabled.
    let gone = load(&changed("school-passport", &[("sis/enrollments.csv", "e06,active", "e06,tobedeleted")]));
    assert_eq!(request(&gone, "lena", "GET /launch/1A-mapmaker"), "no_role_in_context - -");
    let off = load(&changed(
        "school-passport",
        &[(
            "sis/users.csv",
            "lena,active,2026-08-20T06:00:00Z,true",
            "lena,active,2026-08-20T06:00:00Z,false",
        )],
    ));
    assert_eq!(request(&off, "lena", "GET /launch/1A-mapmaker"), "suspended - -");
    // Without the line that derives them nobody has one.
    let none = load(&changed(
        "school-passport",
        &[("domain.yaml", "student: student, guardian: parent", "guardian: parent")],
    ));
    assert_eq!(request(&none, "lena", "GET /launch/1A-mapmaker"), "no_role_in_context - -");
    // Whoever taught last year has the role no more.
    assert_eq!(can(&bundle, "tom", "sso_apps.access", "tile/2A-mapmaker"), "no_role_in_context - -");
    let last_year = can_at(&bundle, "tom", "sso_apps.access", "tile/2A-mapmaker", "2026-05-04T09:00:00Z");
    assert_eq!(last_year, "granted teacher school/south");
}

// SP-19
#[test]
fn sp_19_a_teacher_who_is_a_district_admin_has_both() {
    let bundle = passport();
    check(
        &bundle,
        "tina",
        &[
            // As a teacher, in the class that she teaches and in no other.
            ("sso_apps.manage", "class/1B", "granted teacher school/north"),
            ("qr_codes.manage", "class/1A", "relation_unmet - -"),
            // As an admin, in the district.
            ("sync.run", "district/lakeside", "granted district_admin district/lakeside"),
            ("appstore.access", "school/south", "granted district_admin district/lakeside"),
            ("sso_apps.access", "tile/1A-mapmaker", "granted district_admin district/lakeside"),
        ],
    );
    // Neither of the roles alone is enough.
    assert_eq!(can(&bundle, "dora", "sso_apps.manage", "class/1B"), "permission_not_granted - -");
    assert_eq!(can(&bundle, "theo", "sync.run", "district/lakeside"), "no_role_in_context - -");
}

// SP-20
#[test]
fn sp_20_inclusion_goes_on_and_never_in_a_circle() {
    // Three deep: a primary admin has what a school admin and a teacher have.
    let deep = load(&changed(
        "school-passport",
        &[("roles.yaml", "includes: [district_admin]", "includes: [district_admin, school_admin]")],
    ));
    assert_eq!(
        can(&deep, "pia", "sso_apps.manage", "class/1B"),
        "granted primary_district_admin district/lakeside"
    );
    assert_eq!(can(&deep, "pia", "qr_codes.manage", "class/1B"), "relation_unmet - -");
    // Circles of one and of two, and a role that there is not.
    for (from, to, code, word) in [
        ("includes: [teacher]", "includes: [school_admin]", "cycle", "school_admin"),
        ("includes: [teacher]", "includes: [techer]", "unknown_name", "techer"),
    ] {
        let sources = changed("school-passport", &[("roles.yaml", from, to)]);
        let line = line_of(&sources, "roles.yaml", to);
        let found: Vec<String> =
            told(&sources).into_iter().filter(|told| told.contains("roles.yaml")).collect();
        assert_eq!(found, [format!("{code} roles.yaml:{line} {word}")]);
    }
    let two = changed(
        "school-passport",
        &[("roles.yaml", "title: Student\n", "title: Student\n        includes: [parent]\n")],
    );
    let found = told(&two);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|told| told.starts_with("cycle roles.yaml:")), "{found:?}");
}

// SP-21
#[test]
fn sp_21_an_app_that_is_assigned_to_nobody_is_opened_by_nobody() {
    let bundle = passport();
    for person in ["lena", "tess", "sadie", "dora", "pia"] {
        assert_eq!(request(&bundle, person, "GET /launch/1A-newapp"), "scope_unknown - -", "{person}");
    }
    let assigned = load(&changed(
        "school-passport",
        &[(
            "scopes.yaml",
            "            tile/1A-mapmaker:\n",
            "            tile/1A-mapmaker:\n            tile/1A-newapp:\n",
        )],
    ));
    assert_eq!(request(&assigned, "lena", "GET /launch/1A-newapp"), "granted student class/1A");
    assert_eq!(request(&assigned, "ben", "GET /launch/1A-newapp"), "no_role_in_context - -");
    let taken = load(&changed("school-passport", &[("scopes.yaml", "            tile/1A-mapmaker:\n", "")]));
    assert_eq!(request(&taken, "lena", "GET /launch/1A-mapmaker"), "scope_unknown - -");
}

// SP-22
#[test]
fn sp_22_nobody_appoints_above_themselves() {
    ask(
        &passport(),
        &[
            ("dora", "PUT /api/districts/lakeside/primary-admins/tina", "permission_not_granted - -"),
            (
                "pia",
                "PUT /api/districts/lakeside/primary-admins/tina",
                "granted primary_district_admin district/lakeside",
            ),
            ("dora", "PUT /api/districts/lakeside/admins/tess", "granted district_admin district/lakeside"),
            ("sadie", "PUT /api/districts/lakeside/admins/tess", "no_role_in_context - -"),
            // Primary at one district is not at another.
            ("pia", "PUT /api/districts/hillside/primary-admins/tina", "permission_not_granted - -"),
        ],
    );
}

// SP-22
#[test]
fn sp_22_a_role_says_who_may_give_it_and_nobody_takes_their_own() {
    // A district admin to whom somebody gave the permission to appoint primary ones appoints none.
    let bundle = load(&changed(
        "school-passport",
        &[(
            "roles.yaml",
            "          sso_setup: all_and_power\n",
            "          sso_setup: all_and_power\n          primary_admins: all_and_power\n",
        )],
    ));
    ask(
        &bundle,
        &[
            ("dora", "PUT /api/districts/lakeside/primary-admins/tina", "not_assignable - -"),
            ("dora", "PUT /api/districts/lakeside/primary-admins/dora", "not_assignable - -"),
            ("dora", "DELETE /api/districts/lakeside/primary-admins/pia", "not_assignable - -"),
            (
                "pia",
                "PUT /api/districts/lakeside/primary-admins/tina",
                "granted primary_district_admin district/lakeside",
            ),
        ],
    );
    let bundle = passport();
    ask(
        &bundle,
        &[
            (
                "dora",
                "DELETE /api/districts/lakeside/admins/tina",
                "granted district_admin district/lakeside",
            ),
            ("dora", "DELETE /api/districts/lakeside/admins/dora", "self_removal - -"),
            ("pia", "DELETE /api/districts/lakeside/primary-admins/pia", "self_removal - -"),
            ("vito", "PUT /api/products/mapmaker/admins/vera", "granted vendor_admin product/mapmaker"),
            ("vito", "PUT /api/products/readwell/admins/vito", "no_role_in_context - -"),
            ("pia", "PUT /api/products/mapmaker/admins/pia", "no_role_in_context - -"),
        ],
    );
    // The permission to appoint and the right to give are both asked for, in every such request.
    let cannot_give = load(&changed(
        "school-passport",
        &[
            ("roles.yaml", "assignable_by: [district_admin, primary_district_admin]", "assignable_by: []"),
            ("roles.yaml", "assignable_by: [vendor_admin]", "assignable_by: []"),
        ],
    ));
    let cannot_appoint = load(&changed(
        "school-passport",
        &[
            ("roles.yaml", "          setup: all_and_power", "          setup: all"),
            ("roles.yaml", "primary_admins: all_and_power", "primary_admins: all"),
            ("roles.yaml", "integration: all", "integration: [view]"),
        ],
    ));
    for (person, line) in [
        ("dora", "PUT /api/districts/lakeside/admins/tess"),
        ("dora", "DELETE /api/districts/lakeside/admins/tina"),
        ("vito", "PUT /api/products/mapmaker/admins/vera"),
    ] {
        assert_eq!(request(&cannot_give, person, line), "not_assignable - -", "{line}");
        assert_eq!(request(&cannot_appoint, person, line), "permission_not_granted - -", "{line}");
    }
    for line in [
        "PUT /api/districts/lakeside/primary-admins/tina",
        "DELETE /api/districts/lakeside/primary-admins/tina",
    ] {
        assert_eq!(request(&cannot_appoint, "pia", line), "permission_not_granted - -", "{line}");
    }
    // What comes from the roster is given by nobody.
    let (_, domain) = bundle.domains().iter().next().unwrap();
    for role in ["teacher", "school_admin", "student", "parent"] {
        assert_eq!(domain.roles()[domain.role(role).unwrap()].assignable_by, None, "{role}");
    }
}

// SP-23
#[test]
fn sp_23_a_description_grants_nothing() {
    let sources = changed(
        "school-passport",
        &[(
            "roles.yaml",
            "description: Enrolled in educational programs, attending classes, and accessing EdTech apps.",
            "description: Has control over accepting the data sharing requests and may manage everything.",
        )],
    );
    let (before, after) = (passport(), load(&sources));
    assert_ne!(before.revision(), after.revision());
    let (_, domain) = before.domains().iter().next().unwrap();
    for (_, permission) in domain.permissions().iter() {
        for scope in ["district/lakeside", "school/north", "class/1A", "product/mapmaker"] {
            let answer = |bundle: &Bundle| can(bundle, "lena", &permission.name, scope);
            assert_eq!(answer(&before), answer(&after), "{} {scope}", permission.name);
        }
    }
}

#[test]
fn what_binds_the_district_is_marked_as_power() {
    let bundle = passport();
    for permission in ["agreements.accept_terms", "setup.admins", "access.grant", "sso_setup.idp"] {
        assert!(decision(&bundle, "pia", permission, "district/lakeside").power, "{permission}");
    }
    assert!(!decision(&bundle, "pia", "sync.run", "district/lakeside").power);
}

#[test]
fn whoever_is_suspended_unknown_or_without_a_role_has_nothing() {
    let bundle = load(&changed("school-passport", &[("suspended.yaml", "subjects: []", "subjects: [dora]")]));
    assert_eq!(can(&bundle, "dora", "sync.run", "district/lakeside"), "suspended - -");
    assert_eq!(can(&bundle, "nobody", "sync.run", "district/lakeside"), "unknown_subject - -");
    assert_eq!(can(&bundle, "nina", "sso_apps.access", "tile/1A-mapmaker"), "no_role_in_context - -");
    assert_eq!(can(&bundle, "tom", "sso_apps.access", "tile/2A-mapmaker"), "no_role_in_context - -");
}

#[test]
fn the_bundle_is_as_the_files_say() {
    assert_eq!(told(&files("school-passport")), [] as [&str; 0]);
    let bundle = passport();
    assert_eq!(
        (bundle.people().len(), bundle.all_assignments().count(), bundle.routes().len()),
        (19, 23, 54)
    );
}
