//! The free plan, Connect, and with what somebody starts (CT-18 to CT-24).

use super::{SIX, check, classtag, has, reason};
use crate::policy_support::{can, changed, line_of, load, request, told};

/// Each of the 64 sets, as a column of assignments.csv and as names.
fn sets() -> impl Iterator<Item = (String, Vec<&'static str>)> {
    (0_u8..64).map(|bits| {
        let names: Vec<&str> =
            SIX.into_iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, name)| name).collect();
        let listed: Vec<String> = names.iter().map(|name| format!("custom.{name}")).collect();
        (if names.is_empty() { "none".to_owned() } else { listed.join(";") }, names)
    })
}

// CT-18
#[test]
fn ct_18_on_the_free_plan_everybody_has_the_same_three_whatever_is_stored() {
    let three = ["schoolwide_communications", "rostering_administrator", "family_access"];
    let bundle = classtag();
    assert_eq!(has(&bundle, "fred", "school/birch"), three);
    for (stored, _) in sets() {
        let bundle = load(&changed(
            "classtag",
            &[(
                "assignments.csv",
                "flora,staff/staff,school/birch,,none,",
                &format!("flora,staff/staff,school/birch,,{stored},"),
            )],
        ));
        assert_eq!(has(&bundle, "flora", "school/birch"), three, "{stored}");
        assert_eq!(has(&bundle, "flora", "class/B1"), three, "{stored}");
    }
    // And what is announced, like everybody; not so those who are not on the staff of this school.
    assert_eq!(
        can(&bundle, "flora", "staff/announcements.read", "school/birch"),
        "granted staff school/birch"
    );
    assert_eq!(has(&bundle, "dana", "school/birch"), [] as [&str; 0]);
    assert_eq!(has(&bundle, "leo", "school/birch"), [] as [&str; 0]);
    // Whoever works elsewhere and is a mother here is not on the staff here.
    assert_eq!(has(&bundle, "tara", "school/birch"), [] as [&str; 0]);
    assert_eq!(reason(&bundle, "tara", "GET /api/schools/birch/announcements"), "granted");
    // With Connect, what is stored counts.
    let connect =
        load(&changed("classtag", &[("domain.yaml", "school/birch: free", "school/birch: connect")]));
    assert_eq!(has(&connect, "fred", "school/birch"), SIX);
    assert_eq!(has(&connect, "flora", "school/birch"), [] as [&str; 0]);
}

// CT-19
#[test]
fn ct_19_nobody_changes_permissions_on_the_free_plan() {
    let bundle = classtag();
    for person in ["fred", "flora", "dana", "leo"] {
        for line in [
            "PUT /api/schools/birch/staff/flora/permissions?set=custom.family_access",
            "PUT /api/schools/birch/staff/fred/permissions?set=custom.permissions_admin",
            "DELETE /api/schools/birch/staff/flora/permissions",
            "PUT /api/schools/birch/permissions?staff=flora&set=custom.family_access",
        ] {
            let found = reason(&bundle, person, line);
            assert!(
                ["permission_not_granted", "no_role_in_context", "plan_fixed"].contains(&&found[..]),
                "{person} {line}: {found}"
            );
        }
    }
    // Also if somebody had the right: the plan fixes the set, whoever asks.
    let asked = load(&changed(
        "classtag",
        &[(
            "routes.yaml",
            "      - {permission: staff/custom.permissions_admin, on: \"school/{school}\", target: \"{who}\"}\n      - {change: \
             permissions, domain: staff, target: \"{who}\", on: \"school/{school}\", permissions: \"{set}\"}\n  \"PUT \
             /api/schools/{school}/staff/{who}/permissions/as-teacher\":",
            "      - {permission: staff/custom.family_access, on: \"school/{school}\", target: \"{who}\"}\n      - {change: \
             permissions, domain: staff, target: \"{who}\", on: \"school/{school}\", permissions: \"{set}\"}\n  \"PUT \
             /api/schools/{school}/staff/{who}/permissions/as-teacher\":",
        )],
    ));
    for who in ["flora", "fred"] {
        let line = format!("PUT /api/schools/birch/staff/{who}/permissions?set=custom.family_access");
        assert_eq!(reason(&asked, "fred", &line), "plan_fixed", "{who}");
    }
}

// CT-20
#[test]
fn ct_20_with_connect_each_of_64_sets_is_had_as_it_is_stored() {
    let bundle = classtag();
    for (stored, names) in sets() {
        let after = load(&changed(
            "classtag",
            &[(
                "assignments.csv",
                "tara,staff/teacher,school/maple,Instructional Support/Instructional Coach,none,",
                &format!(
                    "tara,staff/teacher,school/maple,Instructional Support/Instructional Coach,{stored},"
                ),
            )],
        ));
        assert_eq!(has(&after, "tara", "school/maple"), names);
        // At the other school nothing changed.
        assert_eq!(has(&after, "tara", "school/oakwood"), ["family_access"]);
        // And each may be given to somebody.
        let set = if names.is_empty() { String::new() } else { stored.replace(';', ",") };
        let line = format!("PUT /api/schools/oakwood/staff/tara/permissions?set={set}");
        assert_eq!(reason(&bundle, "pat", &line), "granted", "{stored}");
    }
    // What the plan does not list cannot be stored.
    let sources = changed("classtag", &[("domain.yaml", "          - custom.content_moderator\n", "")]);
    let found = told(&sources);
    let line = line_of(&sources, "assignments.csv", "cam,staff");
    let starts = format!("outside_plan assignments.csv:{line} ");
    assert!(found.iter().any(|told| told.starts_with(&starts)), "{found:?}");
}

// CT-21
#[test]
fn ct_21_staff_without_a_permission_read_what_is_announced_and_nothing_about_students() {
    let bundle = classtag();
    assert_eq!(
        request(&bundle, "bea", "GET /api/schools/oakwood/announcements"),
        "granted staff school/oakwood"
    );
    check(
        &bundle,
        &[
            ("bea", "GET /api/schools/oakwood/directory", "permission_not_granted"),
            ("bea", "GET /api/schools/oakwood/students", "permission_not_granted"),
            ("bea", "GET /api/schools/oakwood/students/sam", "permission_not_granted"),
            ("bea", "GET /api/schools/oakwood/families/gail", "permission_not_granted"),
            ("bea", "GET /api/classes/O1/students", "permission_not_granted"),
            ("bea", "POST /api/schools/oakwood/announcements", "permission_not_granted"),
            ("bea", "GET /api/schools/maple/announcements", "no_role_in_context"),
            ("olga", "GET /api/schools/oakwood/announcements", "no_role_in_context"),
            ("sven", "GET /api/schools/oakwood/announcements", "permission_not_granted"),
        ],
    );
    let without = load(&changed(
        "classtag",
        &[("domain.yaml", "base: [announcements.read, account.in_use]", "base: [account.in_use]")],
    ));
    assert_eq!(reason(&without, "bea", "GET /api/schools/oakwood/announcements"), "permission_not_granted");
}

// CT-22
#[test]
fn ct_22_a_school_leader_starts_with_four() {
    let bundle = classtag();
    let four = ["permissions_admin", "schoolwide_communications", "rostering_administrator", "family_access"];
    assert_eq!(has(&bundle, "leo", "school/oakwood"), four);
    assert_eq!(has(&bundle, "cleo", "school/cedar"), four);
    // Until there is a set of their own.
    assert_eq!(has(&bundle, "lia", "school/oakwood"), SIX);
}

// CT-23
#[test]
fn ct_23_a_school_teacher_starts_with_family_access() {
    let bundle = classtag();
    assert_eq!(has(&bundle, "tara", "school/oakwood"), ["family_access"]);
    assert_eq!(has(&bundle, "tara", "school/maple"), [] as [&str; 0]);
}

// CT-24
#[test]
fn ct_24_everybody_else_starts_with_nothing() {
    assert_eq!(has(&classtag(), "bea", "school/oakwood"), [] as [&str; 0]);
    // There is no start without a word for it: a place is a role, and a role that there is not does not load.
    let sources = changed("classtag", &[("assignments.csv", "bea,staff/staff,", "bea,staff/custodian,")]);
    let line = line_of(&sources, "assignments.csv", "bea,staff/custodian");
    assert_eq!(told(&sources), [format!("unknown_name assignments.csv:{line} staff/custodian")]);
}
