//! Where an assignment counts, and what several of them come to (FM-23 to FM-28).

use super::{Small, entry, forms, told};
use crate::policy_support::{access, changed, create, document, line_of, load, one_file};
use hallpass::policy::compile;

// FM-23
#[test]
fn fm_23_the_default_counts_where_the_buildings_of_role_and_student_meet() {
    let bundle = forms();
    assert_eq!(
        document(&bundle, "viola", "view", "eval-sam"),
        "granted view_owner school/north form_default"
    );
    assert_eq!(document(&bundle, "viola", "view", "iep-lena"), "level_below_required - - form_default");
    // Noor is in two buildings: any will do.
    assert_eq!(
        document(&bundle, "viola", "view", "iep-noor"),
        "granted view_owner school/north form_default"
    );
    assert_eq!(document(&bundle, "viola", "view", "iep-kim"), "attribute_missing - - none");
    // Sam moves: so does the access.
    let moved = load(&changed(
        "forms",
        &[("people.csv", "sam,student,,school/north,", "sam,student,,school/south,")],
    ));
    assert_eq!(document(&moved, "viola", "view", "eval-sam"), "level_below_required - - form_default");
    assert_eq!(document(&moved, "milo", "edit", "iep-sam"), "granted sped school/south form_default");
}

// FM-24
#[test]
fn fm_24_outside_the_buildings_the_default_is_none_and_the_best_max_stands() {
    let bundle = forms();
    // Stella was added as an owner at east, where she has no building; Vera as an editor, and her max is view.
    assert_eq!(document(&bundle, "stella", "delete", "iep-eli"), "granted sped - explicit_grant");
    assert_eq!(access(&bundle, "vera", "iep-eli"), "view");
    assert_eq!(document(&bundle, "vera", "edit", "iep-eli"), "level_below_required view_view - form_max");
    assert_eq!(access(&bundle, "emil", "iep-eli"), "view");
    // A cap that is set for a building holds in it: Milo's better max is for elsewhere.
    let added = load(&changed(
        "forms",
        &[("documents.csv", "eval-sam,evaluation,sam,psy,,,,", "eval-sam,evaluation,sam,psy,,milo,,")],
    ));
    assert_eq!(access(&added, "milo", "eval-sam"), "view");
    // A district may say that nothing counts outside.
    let strict = load(&changed(
        "forms",
        &[(
            "domain.yaml",
            "explicit_grants_outside_buildings: allow",
            "explicit_grants_outside_buildings: deny",
        )],
    ));
    assert_eq!(document(&strict, "stella", "view", "iep-eli"), "level_below_required - - form_max");
    assert_eq!(access(&strict, "stella", "iep-sam"), "owner");
    // And that documents may be created anywhere.
    let anywhere = load(&changed(
        "forms",
        &[("domain.yaml", "create_outside_buildings: deny", "create_outside_buildings: allow")],
    ));
    assert_eq!(create(&bundle, "stella", "iep", "eli"), "create_needs_owner sped - form_max");
    assert_eq!(create(&anywhere, "stella", "iep", "eli"), "granted sped - form_max");
    assert_eq!(create(&anywhere, "vera", "iep", "eli"), "create_needs_owner view_view - form_max");
}

// FM-25
#[test]
fn fm_25_a_role_without_a_building_is_none_owner_and_never_all_buildings() {
    let bundle = forms();
    assert_eq!(create(&bundle, "wendy", "iep", "eli"), "granted - - when_no_buildings");
    assert_eq!(document(&bundle, "wendy", "view", "eval-sam"), "level_below_required - - when_no_buildings");
    assert_eq!(document(&bundle, "wendy", "edit", "iep-sam"), "granted - - explicit_grant");
    // Beside a role with a building it is left out: Bella is GenEd at north, and her SpEd role lifts nothing.
    assert_eq!(
        document(&bundle, "bella", "edit", "iep-sam"),
        "level_below_required gened school/north form_max"
    );
    assert_eq!(create(&bundle, "bella", "iep", "sam"), "create_needs_owner gened school/north form_max");
    // The other reading: it covers every document with the fallback, and lifts the cap.
    let baseline = load(&changed(
        "forms",
        &[("domain.yaml", "role_without_buildings: inactive", "role_without_buildings: baseline")],
    ));
    assert_eq!(create(&baseline, "bella", "iep", "sam"), "granted sped - form_max");
    assert_eq!(
        document(&baseline, "bella", "edit", "iep-sam"),
        "level_below_required gened school/north form_default"
    );
    // A scope is not a building, and that is told.
    let sources = changed(
        "forms",
        &[
            (
                "assignments.csv",
                "prue,principals,school/north,school/north,",
                "prue,principals,school/north,,",
            ),
            ("domain.yaml", "without_buildings: 1", "without_buildings: 2"),
        ],
    );
    let line = line_of(&sources, "assignments.csv", "prue");
    assert_eq!(told(&sources), [format!("scope_is_not_a_building assignments.csv:{line} school/north")]);
    let bundle = compile(&sources).bundle.unwrap();
    assert_eq!(document(&bundle, "prue", "view", "iep-sam"), "level_below_required - - when_no_buildings");
}

// FM-26
#[test]
fn fm_26_of_several_roles_the_highest_default_and_the_highest_max_hold() {
    let two = Small {
        assignments: "{subject: ari, role: r, scope: district/d, buildings: [school/a]}, \
                      {subject: ari, role: s, scope: district/d, buildings: [school/a, school/b]}",
        documents: "d: {form: iep, student: in, owners: [ari]}, e: {form: iep, student: out, owners: [ari]}, \
                    f: {form: iep, student: both}",
        ..Small::default()
    }
    .load();
    // view|owner and edit|edit: edit|owner where both cover, each part from its own role.
    assert_eq!(document(&two, "ari", "edit", "d"), "granted s school/a form_default");
    assert_eq!(document(&two, "ari", "delete", "d"), "granted r school/a explicit_grant");
    assert_eq!(create(&two, "ari", "iep", "in"), "granted r school/a form_max");
    // Where one covers, it alone counts, for better and for worse.
    assert_eq!(document(&two, "ari", "delete", "e"), "level_below_required s school/b form_max");
    assert_eq!(create(&two, "ari", "iep", "out"), "create_needs_owner s school/b form_max");
    assert_eq!(access(&two, "ari", "f"), "edit");
}

// FM-27
#[test]
fn fm_27_a_form_that_a_role_does_not_name_is_none_none() {
    let bundle = forms();
    // The psychologist's role has no `*`.
    for form in ["behavior_plan", "field_trip", "health_card"] {
        assert_eq!(entry(&bundle, "psychologist", form), "none|none");
    }
    assert_eq!(
        create(&bundle, "psy", "field_trip", "sam"),
        "create_needs_owner psychologist school/north form_max"
    );
    assert_eq!(
        document(&bundle, "psy", "view", "trip-sam"),
        "level_below_required psychologist school/north form_max"
    );
    // `forms: {}` is none|none for all, which is not the same as no `forms`.
    let text = Small {
        role: "{level: district, forms: {}}",
        documents: "d: {form: memo, student: in, owners: [ari]}",
        ..Small::default()
    };
    assert_eq!(document(&text.load(), "ari", "view", "d"), "level_below_required r school/a form_max");
    let generous = |role: &str| {
        Small { role, assignments: "{subject: ari, role: r, scope: district/d}", ..Small::default() }
            .text()
            .replace(
                "when_unassigned: {default: none, max: none}",
                "expects: {people: 2, assignments: 0, unassigned: 2, without_buildings: 0}\n    \
             when_unassigned: {default: none, max: owner}",
            )
    };
    assert_eq!(
        create(&load(&one_file(&generous("{level: district}"))), "ari", "iep", "in"),
        "granted - - when_unassigned"
    );
    let with_forms = generous("{level: district, forms: {}}").replace(
        "assignments: 0, unassigned: 2, without_buildings: 0",
        "assignments: 1, unassigned: 1, without_buildings: 1",
    );
    assert_eq!(
        create(&load(&one_file(&with_forms)), "ari", "iep", "in"),
        "create_needs_owner - - when_no_buildings"
    );
    // What stands in for people without a role must be written out: it has no default.
    let silent = Small::default().text().replace("    when_unassigned: {default: none, max: none}\n", "");
    assert_eq!(told(&one_file(&silent))[0], "missing_key policy.yaml:3 d");
}

// FM-28
#[test]
fn fm_28_the_name_of_a_form_beats_its_groups_and_they_beat_the_rest() {
    let bundle = forms();
    for (role, form, wanted) in [
        // By its own name, although the group would give less.
        ("sped", "iep", "edit|owner"),
        // The bulk example: the group to view|owner.
        ("sped", "plan_504", "view|owner"),
        ("sped", "evaluation", "view|owner"),
        ("sped", "field_trip", "none|none"),
        ("gened", "plan_504", "none|view"),
        ("gened", "behavior_plan", "view|edit"),
        // In two groups: view|view and none|owner make view|owner.
        ("psychologist", "evaluation", "view|owner"),
        ("psychologist", "plan_504", "view|view"),
    ] {
        assert_eq!(entry(&bundle, role, form), wanted, "{role} {form}");
    }
    // By its own name it may also be less than what the group gives.
    let role = "{level: district, forms: {iep: {default: none, max: view}, \"group:g\": {default: owner, max: owner}}}";
    assert_eq!(entry(&Small { role, ..Small::default() }.load(), "r", "iep"), "none|view");
    let unknown = Small {
        role: "{level: district, forms: {\"group:x\": {default: none, max: view}}}",
        ..Small::default()
    };
    assert_eq!(told(&one_file(&unknown.text())), ["unknown_name policy.yaml:14 \"group:x\""]);
}
