//! `policies/classtag`: titles, six permissions, two plans, and the rules one by one.
//!
//! An answer reads `granted teacher school/oakwood`: reason, deciding role, where it is held.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "classtag/plans.rs"]
mod plans;
#[path = "support/policy.rs"]
mod policy_support;
#[path = "classtag/titles.rs"]
mod titles;

use hallpass::decision::{Decision, decide_route};
use hallpass::policy::Bundle;
use hallpass::policy::route::Lookup;
use hallpass::time::Time;
use policy_support::{all_right, bundle, can, changed, decision, files, idle, load, request, told};

fn classtag() -> Bundle {
    bundle("classtag")
}

const SIX: [&str; 6] = [
    "permissions_admin",
    "schoolwide_communications",
    "rostering_administrator",
    "content_moderator",
    "users_manager",
    "family_access",
];

/// What somebody has of the six at a school.
fn has(bundle: &Bundle, person: &str, school: &str) -> Vec<&'static str> {
    let granted =
        |name: &&str| can(bundle, person, &format!("staff/custom.{name}"), school).starts_with("granted ");
    SIX.into_iter().filter(granted).collect()
}

/// The whole answer to a request.
fn answer(bundle: &Bundle, person: &str, line: &str) -> Decision {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap();
    let Lookup::Found(leaf) = bundle.routes().find(method, path) else { panic!("no route for {line}") };
    let pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let value =
        |name: &String| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| (*value).to_owned());
    let values = leaf.query_names().iter().map(value).collect();
    let matched = leaf.select(values).unwrap();
    let now = Time::parse_rfc3339(policy_support::NOW).unwrap();
    decide_route(bundle, &matched, bundle.people().find(person).unwrap(), None, now)
}

/// The reason of the answer to a request.
fn reason(bundle: &Bundle, person: &str, line: &str) -> String {
    request(bundle, person, line).split(' ').next().unwrap().to_owned()
}

fn check(bundle: &Bundle, rows: &[(&str, &str, &str)]) {
    all_right(
        rows.iter().map(|(person, line, wanted)| {
            (format!("{person} {line}"), reason(bundle, person, line), *wanted)
        }),
    );
}

/// The requests that one of the six alone opens, by somebody who has it and nothing else.
fn opens(person: &str, lines: &[&str]) {
    let bundle = classtag();
    for line in lines {
        assert_eq!(request(&bundle, person, line), "granted staff school/oakwood", "{person} {line}");
        let (_, path) = line.split_once(' ').unwrap();
        if path.starts_with("/api/schools/") {
            let elsewhere = line.replace("oakwood", "maple");
            assert_eq!(reason(&bundle, person, &elsewhere), "no_role_in_context", "{person} {elsewhere}");
        }
        // With none of the six it is closed.
        assert_eq!(reason(&bundle, "bea", line), "permission_not_granted", "bea {line}");
    }
    let others: Vec<&str> = ALL.into_iter().filter(|line| !lines.contains(line)).collect();
    assert_eq!(others.len() + lines.len(), ALL.len());
    for line in others {
        assert_eq!(reason(&bundle, person, line), "permission_not_granted", "{person} {line}");
    }
}

/// A request for everything that one of the six opens.
const ALL: [&str; 24] = [
    "PUT /api/schools/oakwood/staff/tara/permissions?set=custom.family_access",
    "DELETE /api/schools/oakwood/staff/tara/permissions",
    "PUT /api/schools/oakwood/staff/tara/permissions/as-teacher",
    "PUT /api/schools/oakwood/permissions?staff=tara,sue&set=custom.family_access",
    "POST /api/schools/oakwood/announcements",
    "POST /api/schools/oakwood/messages",
    "PUT /api/schools/oakwood/directory",
    "POST /api/schools/oakwood/students",
    "PUT /api/schools/oakwood/staff/olga/roles/staff",
    "PUT /api/classes/O1/students/sam",
    "DELETE /api/classes/O1/students/sam",
    "PUT /api/classes/O1/staff/tara",
    "DELETE /api/classes/O1/staff/tara",
    "PUT /api/schools/oakwood/students/sam/guardians/gail",
    "PUT /api/schools/oakwood/staff/tara/title?category=Support Staff&title=IT",
    "GET /api/schools/oakwood/flagged",
    "POST /api/schools/oakwood/flagged/7/resolve",
    "PATCH /api/schools/oakwood/accounts/sam",
    "GET /api/schools/oakwood/students",
    "GET /api/schools/oakwood/students/sam",
    "POST /api/schools/oakwood/students/sam/messages",
    "GET /api/schools/oakwood/families/gail",
    "POST /api/schools/oakwood/families/gail/messages",
    "GET /api/classes/O1/students",
];

#[test]
fn every_permission_is_asked_for_by_a_route_and_every_role_is_held() {
    let bundle = classtag();
    // What the accounts of families are good for, a condition asks.
    assert_eq!(idle(&bundle), ["account.in_use"]);
}

fn title(who: &str, category: &str, title: &str) -> String {
    format!("PUT /api/schools/oakwood/staff/{who}/title?category={category}&title={title}")
}

// ---- who customises whom -------------------------------------------------------------------------------------------

// CT-06
#[test]
fn ct_06_custom_permissions_are_changed_by_permissions_admins() {
    let bundle = classtag();
    let line = "PUT /api/schools/oakwood/staff/tara/permissions?set=custom.family_access";
    for (person, wanted) in [
        ("pat", "granted"),
        ("ria", "granted"),
        ("leo", "granted"),
        ("dana", "granted"),
        ("rae", "permission_not_granted"),
        ("sue", "permission_not_granted"),
        ("tara", "permission_not_granted"),
        ("sam", "no_role_in_context"),
        ("olga", "no_role_in_context"),
    ] {
        assert_eq!(reason(&bundle, person, line), wanted, "{person}");
    }
}

// CT-07
#[test]
fn ct_07_one_save_with_title_and_permissions_needs_both_rights() {
    let bundle = classtag();
    let save = "PUT /api/schools/oakwood/staff/tara?category=Support Staff&title=IT&set=custom.family_access";
    check(
        &bundle,
        &[
            ("ria", save, "granted"),
            ("leo", save, "granted"),
            ("rae", save, "permission_not_granted"),
            ("pat", save, "permission_not_granted"),
            // Each part is judged by itself.
            (
                "ria",
                "PUT /api/schools/oakwood/staff/tara?category=Support Staff&title=Janitor&set=custom.family_access",
                "unknown_title",
            ),
            (
                "ria",
                "PUT /api/schools/oakwood/staff/ria?category=Support Staff&title=IT&set=custom.permissions_admin",
                "self_removal",
            ),
            // Neither part can be left out of it: what says only one of them is another request.
            (
                "ria",
                "PUT /api/schools/oakwood/staff/tara?category=Support Staff&title=IT",
                "attribute_missing",
            ),
        ],
    );
}

// CT-08
#[test]
fn ct_08_the_school_of_the_other_decides_and_a_district_has_all_of_its_schools() {
    let bundle = classtag();
    let at = |school: &str, who: &str| {
        format!("PUT /api/schools/{school}/staff/{who}/permissions?set=custom.family_access")
    };
    for (person, school, who, wanted) in [
        ("pat", "oakwood", "tara", "granted"),
        ("pat", "maple", "tara", "no_role_in_context"),
        ("pat", "cedar", "cleo", "no_role_in_context"),
        ("dana", "oakwood", "tara", "granted"),
        ("dana", "maple", "tara", "granted"),
        ("dana", "cedar", "cleo", "no_role_in_context"),
        ("cleo", "oakwood", "tara", "no_role_in_context"),
    ] {
        assert_eq!(reason(&bundle, person, &at(school, who)), wanted, "{person} {school} {who}");
    }
    // At the one school nothing is stored of somebody of the other, so there is nothing to change.
    assert_eq!(reason(&bundle, "pat", &at("oakwood", "cleo")), "attribute_missing");
    assert_eq!(reason(&bundle, "rae", &title("cleo", "Support Staff", "IT")), "attribute_missing");
}

// CT-37
#[test]
fn ct_37_a_title_makes_nobody_customise_others() {
    let bundle = classtag();
    let line = "GET /api/schools/oakwood/staff/tara/settings";
    for (person, wanted) in [
        ("leo", "granted"),
        ("dana", "granted"),
        ("pat", "granted"),
        ("rae", "granted"),
        ("bea", "permission_not_granted"),
        ("cam", "permission_not_granted"),
    ] {
        assert_eq!(reason(&bundle, person, line), wanted, "{person}");
    }
    let titled = load(&changed(
        "classtag",
        &[(
            "assignments.csv",
            "bea,staff/staff,school/oakwood,,",
            "bea,staff/staff,school/oakwood,Specialists and Leadership/School Leadership,",
        )],
    ));
    assert_eq!(reason(&titled, "bea", line), "permission_not_granted");
    assert_eq!(has(&titled, "bea", "school/oakwood"), [] as [&str; 0]);
}

// CT-37
#[test]
fn ct_37_whoever_adds_staff_adds_nobody_above_themselves() {
    let bundle = classtag();
    check(
        &bundle,
        &[
            ("rae", "PUT /api/schools/oakwood/staff/olga/roles/staff", "granted"),
            ("rae", "PUT /api/schools/oakwood/staff/olga/roles/teacher", "granted"),
            ("rae", "PUT /api/schools/oakwood/staff/olga/roles/school_leader", "not_assignable"),
            ("rae", "PUT /api/schools/oakwood/staff/rae/roles/school_leader", "not_assignable"),
            ("leo", "PUT /api/schools/oakwood/staff/olga/roles/school_leader", "granted"),
            ("dana", "PUT /api/schools/oakwood/staff/olga/roles/school_leader", "granted"),
            ("leo", "PUT /api/schools/oakwood/staff/olga/roles/district_administrator", "wrong_level"),
            ("bea", "PUT /api/schools/oakwood/staff/olga/roles/staff", "permission_not_granted"),
            // Taking somebody off the staff is for rostering administrators as well.
            ("pat", "DELETE /api/schools/oakwood/staff/tara/roles/teacher", "permission_not_granted"),
            ("rae", "DELETE /api/schools/oakwood/staff/tara/roles/teacher", "granted"),
            ("rae", "DELETE /api/schools/oakwood/staff/leo/roles/school_leader", "not_assignable"),
            ("dana", "PUT /api/districts/lakeside/administrators/leo", "granted"),
            ("dana", "PUT /api/districts/hills/administrators/leo", "not_assignable"),
            ("leo", "PUT /api/districts/lakeside/administrators/leo", "not_assignable"),
        ],
    );
}

// ---- the six -------------------------------------------------------------------------------------------------------

// CT-09
#[test]
fn ct_09_permissions_admins_change_permissions_of_staff() {
    opens("pat", &ALL[..4]);
}

// CT-10
#[test]
fn ct_10_schoolwide_communications_is_writing_to_the_school() {
    opens("sue", &ALL[4..6]);
    // Receiving needs nothing.
    assert_eq!(
        request(&classtag(), "bea", "GET /api/schools/oakwood/announcements"),
        "granted staff school/oakwood"
    );
}

// CT-11
#[test]
fn ct_11_rostering_administrators_manage_directory_students_staff_classrooms_guardians_and_titles() {
    opens("rae", &ALL[6..15]);
}

// CT-12
#[test]
fn ct_12_content_moderators_see_flagged_content_and_deal_with_it() {
    opens("cam", &ALL[15..17]);
}

// CT-13
#[test]
fn ct_13_users_managers_change_accounts_that_are_in_use() {
    opens("uma", &ALL[17..18]);
    check(
        &classtag(),
        &[
            ("uma", "PATCH /api/schools/oakwood/accounts/tara", "granted"),
            ("uma", "PATCH /api/schools/oakwood/accounts/gail", "granted"),
            // Not in use: disabled, on leave, of another school, of nobody.
            ("uma", "PATCH /api/schools/oakwood/accounts/stella", "condition_failed"),
            ("uma", "PATCH /api/schools/oakwood/accounts/sven", "condition_failed"),
            ("uma", "PATCH /api/schools/oakwood/accounts/cleo", "condition_failed"),
            ("lia", "PATCH /api/schools/oakwood/accounts/stella", "condition_failed"),
        ],
    );
    assert_ne!(reason(&classtag(), "uma", "PATCH /api/schools/oakwood/accounts/nobody"), "granted");
}

// CT-14
#[test]
fn ct_14_family_access_is_directories_and_seeing_and_writing_to_students_and_families() {
    let bundle = classtag();
    for line in &ALL[18..] {
        assert_eq!(request(&bundle, "tara", line), "granted teacher school/oakwood", "{line}");
        assert_eq!(reason(&bundle, "bea", line), "permission_not_granted", "{line}");
    }
    for line in ALL[..18].iter().filter(|line| !line.contains("/staff/tara/title")) {
        assert_eq!(reason(&bundle, "tara", line), "permission_not_granted", "{line}");
    }
    check(
        &bundle,
        &[
            ("tara", "GET /api/schools/oakwood/directory", "granted"),
            ("rae", "GET /api/schools/oakwood/directory", "granted"),
            ("sue", "GET /api/schools/oakwood/directory", "permission_not_granted"),
            // At the other school she has nothing.
            ("tara", "GET /api/schools/maple/students", "permission_not_granted"),
        ],
    );
}

// ---- never less of one's own ---------------------------------------------------------------------------------------

const LEO: &str = "custom.permissions_admin,custom.schoolwide_communications,custom.rostering_administrator,custom.family_access";

// CT-15
#[test]
fn ct_15_nobody_takes_a_permission_from_themselves() {
    let bundle = classtag();
    let own = |set: &str| format!("PUT /api/schools/oakwood/staff/leo/permissions?set={set}");
    let four: Vec<&str> = LEO.split(',').collect();
    assert_eq!(reason(&bundle, "leo", &own(LEO)), "granted");
    for left_out in &four {
        let rest: Vec<&str> = four.iter().filter(|name| name != &left_out).copied().collect();
        assert_eq!(reason(&bundle, "leo", &own(&rest.join(","))), "self_removal", "{left_out}");
    }
    // The same set is another's to have.
    assert_eq!(
        reason(&bundle, "leo", "PUT /api/schools/oakwood/staff/pat/permissions?set=custom.family_access"),
        "granted"
    );
    // More is allowed, and no less with it.
    assert_eq!(reason(&bundle, "leo", &own(&format!("{LEO},custom.users_manager"))), "granted");
    assert_eq!(reason(&bundle, "leo", &own("custom.permissions_admin,custom.users_manager")), "self_removal");
}

// CT-15
#[test]
fn ct_15_adding_to_oneself_is_marked_or_refused_where_the_domain_says_so() {
    let more = format!("PUT /api/schools/oakwood/staff/leo/permissions?set={LEO},custom.users_manager");
    let same = format!("PUT /api/schools/oakwood/staff/leo/permissions?set={LEO}");
    let bundle = classtag();
    assert!(answer(&bundle, "leo", &more).self_update);
    assert!(!answer(&bundle, "leo", &same).self_update);
    let strict = load(&changed(
        "classtag",
        &[("domain.yaml", "    titles:\n", "    self_update: {add: deny}\n    titles:\n")],
    ));
    assert_eq!(reason(&strict, "leo", &more), "not_assignable");
    assert_eq!(reason(&strict, "leo", &same), "granted");
}

// CT-16
#[test]
fn ct_16_in_whatever_words_it_is_said() {
    let bundle = classtag();
    check(
        &bundle,
        &[
            ("leo", "PUT /api/schools/oakwood/staff/leo/permissions?set=", "self_removal"),
            ("leo", "PUT /api/schools/oakwood/staff/leo/permissions?set=none", "self_removal"),
            ("leo", "PUT /api/schools/oakwood/staff/leo/permissions?set=everything", "self_removal"),
            ("leo", "DELETE /api/schools/oakwood/staff/leo/permissions", "self_removal"),
            ("leo", "PUT /api/schools/oakwood/staff/leo/permissions/as-teacher", "self_removal"),
            (
                "leo",
                "PUT /api/schools/oakwood/permissions?staff=tara,leo&set=custom.family_access",
                "self_removal",
            ),
            (
                "leo",
                "PUT /api/schools/oakwood/permissions?staff=leo&set=custom.family_access",
                "self_removal",
            ),
            ("leo", "DELETE /api/schools/oakwood/staff/leo/roles/school_leader", "self_removal"),
            // The same of somebody else.
            ("leo", "PUT /api/schools/oakwood/staff/pat/permissions?set=", "granted"),
            ("leo", "DELETE /api/schools/oakwood/staff/pat/permissions", "granted"),
            ("leo", "PUT /api/schools/oakwood/staff/pat/permissions/as-teacher", "granted"),
            (
                "leo",
                "PUT /api/schools/oakwood/permissions?staff=tara,pat&set=custom.family_access",
                "granted",
            ),
            ("leo", "DELETE /api/schools/oakwood/staff/lia/roles/school_leader", "granted"),
            // A set that is not said may leave anything out.
            ("leo", "PUT /api/schools/oakwood/staff/leo/permissions", "self_removal"),
            // A way that is not known has no route.
            ("leo", "PATCH /api/schools/oakwood/staff/leo/permissions", "no_method"),
            ("leo", "POST /api/schools/oakwood/staff/leo/permissions/copy-from/bea", "no_route"),
            // Nobody is on an empty list.
            (
                "leo",
                "PUT /api/schools/oakwood/permissions?staff=&set=custom.family_access",
                "attribute_missing",
            ),
        ],
    );
}

// CT-17
#[test]
fn ct_17_another_permissions_admin_may_be_left_with_nothing() {
    check(
        &classtag(),
        &[
            ("pat", "PUT /api/schools/oakwood/staff/leo/permissions?set=", "granted"),
            ("leo", "PUT /api/schools/oakwood/staff/pat/permissions?set=custom.family_access", "granted"),
            // The last one, too.
            ("dana", "DELETE /api/schools/cedar/staff/cleo/permissions", "no_role_in_context"),
            ("dana", "DELETE /api/schools/oakwood/staff/leo/permissions", "granted"),
        ],
    );
}

// CT-29
#[test]
fn ct_29_a_permissions_admin_adds_what_the_sync_left_out() {
    let bundle = classtag();
    let line = "PUT /api/schools/oakwood/staff/tara/permissions\
                ?set=custom.family_access,custom.users_manager,custom.content_moderator";
    assert_eq!(reason(&bundle, "pat", line), "granted");
    assert_eq!(reason(&bundle, "rae", line), "permission_not_granted");
    assert_eq!(reason(&bundle, "rostersync", line), "permission_not_granted");
}

// Of CT-34 what the path says; what a body says comes later.
#[test]
fn the_sync_adds_people_and_changes_no_set() {
    check(
        &classtag(),
        &[
            ("rostersync", "POST /api/schools/oakwood/students", "granted"),
            ("rostersync", "PUT /api/classes/O1/staff/tara", "granted"),
            ("rostersync", "PUT /api/schools/oakwood/staff/tara/permissions?set=", "permission_not_granted"),
            ("rostersync", "DELETE /api/schools/oakwood/staff/tara/permissions", "permission_not_granted"),
            (
                "rostersync",
                "PUT /api/schools/oakwood/staff/tara/permissions/as-teacher",
                "permission_not_granted",
            ),
            ("rostersync", "PUT /api/schools/oakwood/permissions?staff=tara&set=", "permission_not_granted"),
        ],
    );
}

// CT-25
#[test]
fn ct_25_a_change_of_title_changes_no_permission() {
    let before = classtag();
    let after = load(&changed(
        "classtag",
        &[
            (
                "assignments.csv",
                "tara,staff/teacher,school/oakwood,Teaching Staff/Teacher",
                "tara,staff/teacher,school/oakwood,Specialists and Leadership/School Leadership",
            ),
            (
                "assignments.csv",
                "leo,staff/school_leader,school/oakwood,Specialists and Leadership/School Leadership",
                "leo,staff/school_leader,school/oakwood,Support Staff/Custodians",
            ),
        ],
    ));
    for person in ["tara", "leo"] {
        for school in ["school/oakwood", "school/maple"] {
            assert_eq!(has(&before, person, school), has(&after, person, school), "{person} {school}");
        }
    }
}

#[test]
fn what_changes_others_is_marked_as_power() {
    let bundle = classtag();
    for permission in [
        "staff/custom.permissions_admin",
        "staff/custom.rostering_administrator",
        "staff/custom.users_manager",
    ] {
        assert!(decision(&bundle, "lia", permission, "school/oakwood").power, "{permission}");
    }
    assert!(!decision(&bundle, "lia", "staff/custom.family_access", "school/oakwood").power);
}

#[test]
fn blocks_and_suspensions_come_before_any_permission() {
    let text = "blocks: [{subject: tara, student: sam, reason: conflict of interest}]";
    let blocked = load(&changed("classtag", &[("blocks.yaml", "blocks: []", text)]));
    check(
        &blocked,
        &[
            ("tara", "GET /api/schools/oakwood/students/sam", "blocked"),
            ("tara", "GET /api/schools/oakwood/families/gail", "granted"),
            ("leo", "GET /api/schools/oakwood/students/sam", "granted"),
        ],
    );
    let suspended = load(&changed("classtag", &[("suspended.yaml", "subjects: []", "subjects: [leo]")]));
    assert_eq!(reason(&suspended, "leo", "GET /api/schools/oakwood/announcements"), "suspended");
}

#[test]
fn the_bundle_is_as_the_files_say() {
    assert_eq!(told(&files("classtag")), [] as [&str; 0]);
    let bundle = classtag();
    assert_eq!(
        (bundle.people().len(), bundle.all_assignments().count(), bundle.routes().len()),
        (20, 21, 32)
    );
}
