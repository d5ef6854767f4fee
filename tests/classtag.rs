//! `policies/classtag`: titles, six permissions, two plans, and the rules one by one.
//!
//! An answer reads `granted teacher school/oakwood`: reason, deciding role, where it is held.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/policy.rs"]
mod policy_support;

use hallpass::decision::{Decision, decide_route};
use hallpass::policy::Bundle;
use hallpass::policy::route::Lookup;
use hallpass::time::Time;
use policy_support::{all_right, bundle, can, changed, decision, files, idle, line_of, load, request, told};

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

// ---- titles --------------------------------------------------------------------------------------------------------

fn title(who: &str, category: &str, title: &str) -> String {
    format!("PUT /api/schools/oakwood/staff/{who}/title?category={category}&title={title}")
}

// CT-01
#[test]
fn ct_01_everybody_on_the_staff_sets_their_own_title() {
    let bundle = classtag();
    assert_eq!(has(&bundle, "bea", "school/oakwood"), [] as [&str; 0]);
    assert_eq!(reason(&bundle, "bea", &title("bea", "Support Staff", "Custodians")), "granted");
    assert_eq!(reason(&bundle, "pat", &title("pat", "Support Staff", "Secretary")), "granted");
    // Not without a place at the school, and not somebody else's.
    assert_eq!(reason(&bundle, "olga", &title("olga", "Support Staff", "PTA")), "no_role_in_context");
    assert_eq!(reason(&bundle, "sven", &title("sven", "Support Staff", "PTA")), "permission_not_granted");
    assert_eq!(reason(&bundle, "bea", &title("tara", "Support Staff", "PTA")), "permission_not_granted");
}

// CT-02
#[test]
fn ct_02_a_title_must_be_in_the_catalogue_with_its_category() {
    let bundle = classtag();
    for (category, word) in [
        ("Support Staff", "Janitor"),
        ("Support Staff", "Teacher"),
        ("Teaching Staff", "IT"),
        ("support staff", "IT"),
        ("", "IT"),
        ("Support Staff", ""),
    ] {
        assert_eq!(
            reason(&bundle, "bea", &title("bea", category, word)),
            "unknown_title",
            "{category}/{word}"
        );
        assert_eq!(reason(&bundle, "rae", &title("tara", category, word)), "unknown_title");
    }
    let sources = changed(
        "classtag",
        &[(
            "assignments.csv",
            "ria,staff/staff,school/oakwood,Support Staff/IT",
            "ria,staff/staff,school/oakwood,Teaching Staff/IT",
        )],
    );
    let line = line_of(&sources, "assignments.csv", "Teaching Staff/IT");
    assert_eq!(told(&sources), [format!("unknown_title assignments.csv:{line} Teaching Staff/IT")]);
}

// CT-03
#[test]
fn ct_03_the_catalogue_has_twenty_titles_in_five_categories() {
    let bundle = classtag();
    let domain = &bundle.domains()[bundle.domain("staff").unwrap()];
    let mut catalogue: Vec<(&str, Vec<&str>)> = Vec::new();
    for (category, title) in domain.titles() {
        match catalogue.last_mut() {
            Some((last, titles)) if last == category => titles.push(title),
            _ => catalogue.push((category, vec![title])),
        }
    }
    assert_eq!(
        catalogue,
        [
            (
                "Teaching Staff",
                vec!["Teacher", "Paraprofessional", "Specialty Teacher", "Special Education Teacher"]
            ),
            (
                "Instructional Support",
                vec![
                    "Instructional Coach",
                    "Library or Media Specialist",
                    "Program Coordinator",
                    "Homeschool Liaison",
                    "Family Services"
                ]
            ),
            ("Special Services", vec!["SPED Techs and Therapists", "Special Programs"]),
            ("Specialists and Leadership", vec!["Content Area Specialists", "Guidance", "School Leadership"]),
            ("Support Staff", vec!["Secretary", "Custodians", "Food Service", "Clinic", "IT", "PTA"]),
        ]
    );
    assert_eq!(domain.titles().len(), 20);
    for (category, word) in domain.titles() {
        assert_eq!(reason(&bundle, "bea", &title("bea", category, word)), "granted", "{category}/{word}");
    }
}

// CT-04
#[test]
fn ct_04_a_title_is_of_one_person_at_one_school() {
    // Tara has a title at each of two schools; one that is not in the catalogue is a mistake at that school alone.
    let sources = changed(
        "classtag",
        &[("assignments.csv", "Instructional Support/Instructional Coach", "Instructional Support/Coach")],
    );
    let line = line_of(&sources, "assignments.csv", "Instructional Support/Coach");
    assert_eq!(told(&sources), [format!("unknown_title assignments.csv:{line} Instructional Support/Coach")]);
    // Who may set it at the one may not therefore set it at the other.
    let bundle = classtag();
    let elsewhere = "PUT /api/schools/maple/staff/tara/title?category=Support Staff&title=IT";
    assert_eq!(reason(&bundle, "rae", &title("tara", "Support Staff", "IT")), "granted");
    assert_eq!(reason(&bundle, "rae", elsewhere), "no_role_in_context");
    assert_eq!(reason(&bundle, "tara", elsewhere), "granted");
}

// CT-05
#[test]
fn ct_05_the_title_of_another_is_for_rostering_administrators() {
    let bundle = classtag();
    for (person, wanted) in [
        ("rae", "granted"),
        ("ria", "granted"),
        ("leo", "granted"),
        ("dana", "granted"),
        ("pat", "permission_not_granted"),
        ("sue", "permission_not_granted"),
        ("uma", "permission_not_granted"),
        ("cleo", "no_role_in_context"),
    ] {
        assert_eq!(reason(&bundle, person, &title("tara", "Support Staff", "IT")), wanted, "{person}");
    }
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

// ---- plans ---------------------------------------------------------------------------------------------------------

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
