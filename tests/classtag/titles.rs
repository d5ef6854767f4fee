//! Titles: a catalogue, and who sets whose (CT-01 to CT-05).

use super::{classtag, has, reason, title};
use crate::policy_support::{changed, line_of, told};

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
