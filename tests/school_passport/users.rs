//! Those who use it: teachers, school admins, students and parents (SP-10 to SP-18).

use super::{ask, has, passport};
use crate::policy_support::{can, can_at, changed, check, line_of, load, request, told};
use hallpass::policy::route::Lookup;
use std::collections::BTreeSet;

// SP-10
#[test]
fn sp_10_there_are_four_roles_for_those_who_use_it() {
    let bundle = passport();
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let roles: BTreeSet<(&str, &str)> = domain
        .roles()
        .iter()
        .map(|(_, role)| (domain.level_name(role.level), role.title.as_deref().unwrap()))
        .filter(|(level, _)| !["district", "product"].contains(level))
        .collect();
    let four = [
        ("class", "Contact (Parent/Guardian)"),
        ("class", "Student"),
        ("school", "School Admin"),
        ("school", "Teacher"),
    ];
    assert_eq!(roles, BTreeSet::from(four));
    assert_eq!(domain.roles().len(), 7);
}

// SP-11
#[test]
fn sp_11_those_who_use_it_manage_apps_in_their_class_or_school_and_nowhere_else() {
    check(
        &passport(),
        "tess",
        &[
            ("sso_apps.access", "tile/1A-mapmaker", "granted teacher school/north"),
            ("sso_apps.manage", "class/1A", "granted teacher school/north"),
            ("sso_apps.manage", "class/1B", "relation_unmet - -"),
            ("sso_apps.manage", "class/2A", "no_role_in_context - -"),
            ("app_settings.delivery", "district/lakeside", "no_role_in_context - -"),
        ],
    );
    check(
        &passport(),
        "lena",
        &[
            ("sso_apps.access", "tile/1A-mapmaker", "granted student class/1A"),
            ("sso_apps.manage", "class/1A", "permission_not_granted - -"),
        ],
    );
}

// SP-12
#[test]
fn sp_12_a_teacher_has_apps_codes_and_bookmarks_in_the_classes_that_they_teach() {
    let bundle = passport();
    let all = ["sso_apps.access", "sso_apps.manage", "qr_codes.manage", "bookmarks.create"];
    assert_eq!(has(&bundle, "tess", "class", "class/1A"), all);
    assert_eq!(has(&bundle, "tess", "class", "class/1B"), [] as [&str; 0]);
    for permission in all {
        assert_eq!(can(&bundle, "tess", permission, "class/1B"), "relation_unmet - -");
    }
    assert_eq!(has(&bundle, "tess", "school", "school/north"), [] as [&str; 0]);
    // Until the enrolment ends: its `endDate` is the first day without.
    let ended = load(&changed(
        "school-passport",
        &[("sis/enrollments.csv", "1A,north,tess,teacher,true,,", "1A,north,tess,teacher,true,,2026-09-09")],
    ));
    let at = |day: &str| can_at(&ended, "tess", "sso_apps.access", "tile/1A-readwell", day);
    assert_eq!(at("2026-09-08T12:00:00Z"), "granted teacher school/north");
    assert_eq!(at("2026-09-09T12:00:00Z"), "no_role_in_context - -");
}

// SP-12
#[test]
fn sp_12_a_code_is_made_for_a_student_of_that_very_class() {
    ask(
        &passport(),
        &[
            ("tess", "POST /api/classes/1A/qr-codes/lena", "granted teacher school/north"),
            ("tess", "POST /api/classes/1A/qr-codes/ben", "condition_failed - -"),
            ("tess", "POST /api/classes/1A/qr-codes/gina", "condition_failed - -"),
            ("tess", "POST /api/classes/1B/qr-codes/ben", "relation_unmet - -"),
            ("lena", "POST /api/classes/1A/qr-codes/lena", "permission_not_granted - -"),
        ],
    );
}

// SP-13
#[test]
fn sp_13_the_appstore_is_an_option_of_a_teacher() {
    let bundle = passport();
    assert_eq!(request(&bundle, "tess", "GET /api/schools/north/appstore"), "permission_not_granted - -");
    assert_eq!(request(&bundle, "theo", "GET /api/schools/north/appstore"), "granted teacher school/north");
    // It is had where it was switched on, and only what is offered can be.
    assert_eq!(can(&bundle, "theo", "appstore.access", "school/south"), "no_role_in_context - -");
    let sources = changed(
        "school-passport",
        &[(
            "assignments.csv",
            "theo,teacher,school/north,appstore.access",
            "theo,teacher,school/north,users.manage",
        )],
    );
    let line = line_of(&sources, "assignments.csv", "users.manage");
    assert_eq!(told(&sources), [format!("not_optional assignments.csv:{line} users.manage")]);
}

// SP-14
#[test]
fn sp_14_a_school_admin_has_what_a_teacher_has_and_the_school() {
    let bundle = passport();
    let school = ["users.manage", "reports.access", "analytics.access"];
    assert_eq!(has(&bundle, "sadie", "school", "school/north"), school);
    // The option is an option still: switched on for Sol.
    let with_option: Vec<&str> = std::iter::once("appstore.access").chain(school).collect();
    assert_eq!(has(&bundle, "sol", "school", "school/south"), with_option);
    let all = ["sso_apps.access", "sso_apps.manage", "qr_codes.manage", "bookmarks.create"];
    assert_eq!(has(&bundle, "sadie", "class", "class/1A"), all);
    assert_eq!(has(&bundle, "sadie", "class", "class/1B"), ["sso_apps.access", "sso_apps.manage"]);
    assert_eq!(
        can(&bundle, "sadie", "sso_apps.access", "tile/north-gradebook"),
        "granted school_admin school/north"
    );
    assert_eq!(can(&bundle, "sadie", "users.manage", "school/south"), "no_role_in_context - -");
    // By the roster she is a teacher as well; without the inclusion that is all she is in 1A.
    assert_eq!(can(&bundle, "sadie", "qr_codes.manage", "class/1A"), "granted school_admin school/north");
    let alone = load(&changed(
        "school-passport",
        &[
            ("roles.yaml", "        includes: [teacher]\n", ""),
            (
                "assignments.csv",
                "sol,school_admin,school/south,appstore.access",
                "sol,school_admin,school/south,",
            ),
        ],
    ));
    assert_eq!(can(&alone, "sadie", "qr_codes.manage", "class/1A"), "granted teacher school/north");
}

// SP-15
#[test]
fn sp_15_an_included_grant_keeps_its_relation_and_its_option_and_not_its_scope() {
    let bundle = passport();
    check(
        &bundle,
        "sadie",
        &[
            ("qr_codes.manage", "class/1A", "granted school_admin school/north"),
            ("qr_codes.manage", "class/1B", "relation_unmet - -"),
            ("appstore.access", "school/north", "permission_not_granted - -"),
            // What the role itself grants has no relation.
            ("sso_apps.manage", "class/1B", "granted school_admin school/north"),
        ],
    );
    // A parent has a student's apps where the parent's role is held: a role of a class included at a wider one is had in
    // all classes below.
    let wider = load(&changed(
        "school-passport",
        &[
            ("roles.yaml", "        includes: [student]\n", ""),
            ("roles.yaml", "includes: [teacher]", "includes: [teacher, student]"),
        ],
    ));
    assert_eq!(can(&wider, "sadie", "bookmarks.create", "class/1B"), "granted school_admin school/north");
}

// SP-16
#[test]
fn sp_16_a_student_opens_the_apps_of_the_class_and_makes_bookmarks() {
    let bundle = passport();
    assert_eq!(has(&bundle, "lena", "class", "class/1A"), ["sso_apps.access", "bookmarks.create"]);
    ask(
        &bundle,
        &[
            ("lena", "GET /launch/1A-mapmaker", "granted student class/1A"),
            ("lena", "POST /api/classes/1A/bookmarks", "granted student class/1A"),
            ("lena", "GET /launch/1B-readwell", "no_role_in_context - -"),
            ("lena", "POST /api/classes/1B/bookmarks", "no_role_in_context - -"),
            ("lena", "PUT /api/classes/1A/apps/mapmaker", "permission_not_granted - -"),
            ("lena", "GET /launch/north-gradebook", "no_role_in_context - -"),
        ],
    );
}

// SP-17
#[test]
fn sp_17_a_parent_has_what_a_student_has_and_the_portal() {
    let bundle = passport();
    ask(
        &bundle,
        &[
            ("gina", "GET /launch/1A-mapmaker", "granted parent class/1A"),
            ("gina", "POST /api/classes/1A/bookmarks", "granted parent class/1A"),
            ("gina", "GET /api/classes/1A/portal/lena", "granted parent class/1A"),
            ("lena", "GET /api/classes/1A/portal/lena", "permission_not_granted - -"),
        ],
    );
    let alone = load(&changed("school-passport", &[("roles.yaml", "        includes: [student]\n", "")]));
    assert_eq!(request(&alone, "gina", "GET /launch/1A-mapmaker"), "permission_not_granted - -");
}

// SP-18
#[test]
fn sp_18_the_portal_is_about_ones_own_children() {
    let bundle = passport();
    ask(
        &bundle,
        &[
            ("gina", "GET /api/classes/1A/portal/ben", "relation_unmet - -"),
            ("otto", "GET /api/classes/1B/portal/ben", "granted parent class/1B"),
            ("otto", "GET /api/classes/2A/portal/cleo", "granted parent class/2A"),
            ("otto", "GET /api/classes/1A/portal/lena", "no_role_in_context - -"),
            // The roster knows him as a parent and says of no child that it is his.
            ("paul", "GET /api/classes/1A/portal/lena", "no_role_in_context - -"),
            // A child that nobody knows is nobody's.
            ("gina", "GET /api/classes/1A/portal/nobody", "attribute_missing - -"),
        ],
    );
    // Whether there is such a child is nobody's business.
    let Lookup::Found(leaf) = bundle.routes().find("GET", "/api/classes/1A/portal/ben") else { panic!() };
    assert!(leaf.select(Vec::new()).unwrap().route().conceals());
    let text = "blocks: [{subject: gina, student: lena, reason: court order of 2026-09-01}]";
    let blocked = load(&changed("school-passport", &[("blocks.yaml", "blocks: []", text)]));
    assert_eq!(request(&blocked, "gina", "GET /api/classes/1A/portal/lena"), "blocked - -");
}
