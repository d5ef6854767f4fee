//! `policies/forms`: default, max and buildings, and the rules one by one.
//!
//! An answer reads `granted sped school/north form_default`: reason, deciding role, the building that was decisive, rule.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "forms/buildings.rs"]
mod buildings;
#[path = "forms/pairs.rs"]
mod pairs;
#[path = "support/policy.rs"]
mod policy_support;

use hallpass::policy::{Access, Bundle, Entry};
use policy_support::{
    access, bundle, can, changed, create, document, give, line_of, load, one_file, request,
};

fn forms() -> Bundle {
    bundle("forms")
}

/// The entry of a role for a form.
fn entry(bundle: &Bundle, role: &str, form: &str) -> String {
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let form = domain.forms().unwrap().find(form).unwrap();
    domain.roles()[domain.role(role).unwrap()].entry(form).to_string()
}

/// A bundle of one form and one role, assigned to Ari for school/a; student `in` is there, student `out` elsewhere.
struct Small<'a> {
    role: &'a str,
    settings: [&'a str; 2],
    assignments: &'a str,
    documents: &'a str,
}

impl Default for Small<'_> {
    fn default() -> Self {
        Small {
            role: "{level: district, forms: {iep: {default: view, max: owner}}}",
            settings: ["allow", "deny"],
            assignments: "{subject: ari, role: r, scope: district/d, buildings: [school/a]}",
            documents: "",
        }
    }
}

impl Small<'_> {
    fn text(&self) -> String {
        format!(
            "bundle: {{name: t, time_zone: UTC}}\n\
             domains:\n  d:\n    precedence: union\n    levels: [district, school]\n    buildings: school\n    \
             scopes: {{district/d: {{school/a: ~, school/b: ~}}}}\n    \
             forms: {{iep: {{groups: [g, h]}}, memo: {{groups: [h]}}}}\n    \
             when_unassigned: {{default: none, max: none}}\n    when_no_buildings: {{default: none, max: none}}\n    \
             explicit_grants_outside_buildings: {}\n    create_outside_buildings: {}\n    \
             roles:\n      r: {}\n      \
             s: {{level: district, forms: {{iep: {{default: edit, max: edit}}}}}}\n\
             people: {{ari: {{kinds: [staff]}}, bo: {{kinds: [staff]}}, in: {{kinds: [student], buildings: [school/a]}}, \
             out: {{kinds: [student], buildings: [school/b]}}, both: {{kinds: [student], buildings: [school/a, school/b]}}}}\n\
             assignments: [{}]\n\
             documents: {{{}}}\nroutes: {{}}\n",
            self.settings[0], self.settings[1], self.role, self.assignments, self.documents,
        )
    }

    fn load(&self) -> Bundle {
        load(&one_file(&self.text()))
    }
}

// ---- people without a role -----------------------------------------------------------------------------------------

// FM-01
#[test]
fn fm_01_staff_without_a_role_are_at_none_owner_for_every_form_and_student() {
    let bundle = forms();
    for student in ["sam", "lena", "noor", "eli", "kim"] {
        for form in ["iep", "plan_504", "evaluation", "behavior_plan", "field_trip"] {
            assert_eq!(create(&bundle, "uma", form, student), "granted - - when_unassigned");
        }
    }
    // Students and guardians are not staff, and a role that is not about documents is none for documents.
    assert_eq!(create(&bundle, "gina", "field_trip", "sam"), "create_needs_owner - - when_unassigned");
    assert_eq!(create(&bundle, "sam", "field_trip", "sam"), "create_needs_owner - - when_unassigned");
    assert_eq!(create(&bundle, "dora", "field_trip", "sam"), "granted - - when_unassigned");
}

// FM-02
#[test]
fn fm_02_whoever_has_no_role_creates_any_form_for_any_student() {
    let bundle = forms();
    assert_eq!(request(&bundle, "uma", "POST /api/students/eli/forms/iep/documents"), "granted - -");
    assert_eq!(request(&bundle, "uma", "POST /api/students/kim/forms/field_trip/documents"), "granted - -");
    assert_eq!(
        request(&bundle, "gus", "POST /api/students/sam/forms/iep/documents"),
        "create_needs_owner gened school/north"
    );
}

// FM-03
#[test]
fn fm_03_whoever_has_no_role_has_of_a_document_what_it_gives_them() {
    let bundle = forms();
    assert_eq!(document(&bundle, "uma", "view", "iep-noor"), "level_below_required - - when_unassigned");
    assert_eq!(document(&bundle, "uma", "view", "iep-sam"), "granted - - explicit_grant");
    assert_eq!(access(&bundle, "uma", "iep-sam"), "view");
    assert_eq!(access(&bundle, "uma", "iep-lena"), "edit");
    assert_eq!(access(&bundle, "uma", "behavior-sam"), "owner");
    assert_eq!(access(&bundle, "uma", "iep-eli"), "none");
}

// ---- what a role is ------------------------------------------------------------------------------------------------

// FM-04
#[test]
fn fm_04_a_person_has_any_number_of_roles_and_buildings_belong_to_the_assignment() {
    let bundle = forms();
    // Milo is GenEd at north and SpEd at south: the same form, two answers.
    assert_eq!(
        document(&bundle, "milo", "view", "iep-sam"),
        "level_below_required gened school/north form_default"
    );
    assert_eq!(document(&bundle, "milo", "edit", "iep-lena"), "granted sped school/south form_default");
    // Stella is SpEd at both.
    assert_eq!(document(&bundle, "stella", "view", "eval-sam"), "granted sped school/north form_default");
    assert_eq!(document(&bundle, "stella", "edit", "iep-lena"), "granted sped school/south form_default");
}

// ---- the formula ---------------------------------------------------------------------------------------------------

// FM-16
#[test]
fn fm_16_a_grant_raises_above_the_default_and_never_above_the_max() {
    let bundle = forms();
    // GenEd on special education is none|view.
    assert_eq!(
        document(&bundle, "gus", "view", "eval-sam"),
        "level_below_required gened school/north form_default"
    );
    assert_eq!(document(&bundle, "gus", "view", "iep-sam"), "granted gened school/north explicit_grant");
    // On behavior plans view|edit, and he was added as an editor there.
    assert_eq!(document(&bundle, "gus", "edit", "behavior-sam"), "granted gened school/north explicit_grant");
    assert_eq!(
        document(&bundle, "gus", "delete", "behavior-sam"),
        "level_below_required gened school/north form_max"
    );
    // Max view, added as an editor.
    let capped = load(&changed(
        "forms",
        &[(
            "documents.csv",
            "iep-sam,iep,sam,stella,nadia;nell;uma;gus,nick;",
            "iep-sam,iep,sam,stella,nadia;nell;uma,gus;nick;",
        )],
    ));
    assert_eq!(access(&capped, "gus", "iep-sam"), "view");
    assert_eq!(
        document(&capped, "gus", "edit", "iep-sam"),
        "level_below_required gened school/north form_max"
    );
}

// FM-17
#[test]
fn fm_17_the_creator_owns_what_they_created_up_to_their_max() {
    let bundle = forms();
    assert_eq!(document(&bundle, "stella", "delete", "iep-sam"), "granted sped school/north explicit_grant");
    assert_eq!(document(&bundle, "gus", "delete", "trip-sam"), "granted gened school/north explicit_grant");
    assert_eq!(document(&bundle, "uma", "delete", "iep-kim"), "granted - - explicit_grant");
    // A colleague with the same role does not own it.
    assert_eq!(
        document(&bundle, "milo", "view", "trip-sam"),
        "level_below_required gened school/north form_default"
    );
}

// FM-18
#[test]
fn fm_18_nobody_can_be_given_more_than_their_own_max() {
    let bundle = forms();
    // Stella owns the document; what counts is what the other may have.
    for (target, access, wanted) in [
        ("gus", "view", "granted sped school/north explicit_grant"),
        ("gus", "edit", "grantee_max - - grantee_max"),
        ("nadia", "view", "grantee_max - - grantee_max"),
        ("vic", "edit", "granted sped school/north explicit_grant"),
        ("vic", "owner", "grantee_max - - grantee_max"),
        ("uma", "owner", "granted sped school/north explicit_grant"),
        ("lena", "view", "grantee_max - - grantee_max"),
        ("zack", "view", "grantee_max - - grantee_max"),
        ("olaf", "view", "grantee_max - - grantee_max"),
        ("somebody", "view", "attribute_missing - - none"),
    ] {
        assert_eq!(give(&bundle, "stella", "iep-sam", target, Some(access)), wanted, "{target} {access}");
    }
    assert_eq!(
        request(&bundle, "stella", "PUT /api/documents/iep-sam/people/gus/view"),
        "granted sped school/north"
    );
    assert_eq!(request(&bundle, "stella", "PUT /api/documents/iep-sam/people/gus/edit"), "grantee_max - -");
    // The same person, a student elsewhere: Milo's max is view at north and owner at south.
    assert_eq!(give(&bundle, "stella", "iep-sam", "milo", Some("edit")), "grantee_max - - grantee_max");
    assert_eq!(
        give(&bundle, "stella", "iep-noor", "milo", Some("edit")),
        "granted sped school/north explicit_grant"
    );
}

// FM-19
#[test]
fn fm_19_a_document_goes_only_to_somebody_whose_max_is_owner() {
    let bundle = forms();
    for (target, wanted) in [
        ("noah", "granted sped school/north explicit_grant"),
        ("uma", "granted sped school/north explicit_grant"),
        ("edda", "grantee_max - - grantee_max"),
        ("gus", "grantee_max - - grantee_max"),
        ("susan", "grantee_max - - grantee_max"),
    ] {
        assert_eq!(give(&bundle, "stella", "iep-sam", target, None), wanted, "{target}");
    }
    assert_eq!(request(&bundle, "stella", "POST /api/documents/iep-sam/transfer-to/edda"), "grantee_max - -");
    assert_eq!(
        request(&bundle, "stella", "POST /api/documents/iep-sam/transfer-to/noah"),
        "granted sped school/north"
    );
}

// FM-20
#[test]
fn fm_20_creating_needs_a_max_of_owner() {
    let bundle = forms();
    for (person, form, wanted) in [
        ("gus", "field_trip", "granted gened school/north form_max"),
        ("gus", "behavior_plan", "create_needs_owner gened school/north form_max"),
        ("gus", "iep", "create_needs_owner gened school/north form_max"),
        ("prue", "iep", "create_needs_owner principals school/north form_max"),
        ("stella", "iep", "granted sped school/north form_max"),
        ("stella", "field_trip", "create_needs_owner sped school/north form_max"),
    ] {
        assert_eq!(create(&bundle, person, form, "sam"), wanted, "{person} {form}");
    }
}

// FM-21
#[test]
fn fm_21_a_max_that_is_lowered_caps_grants_and_creations_from_before() {
    let before = forms();
    let after = load(&changed(
        "forms",
        &[("roles.yaml", "iep: {default: edit, max: owner}", "iep: {default: view, max: view}")],
    ));
    assert_eq!(access(&before, "stella", "iep-sam"), "owner");
    assert_eq!(access(&after, "stella", "iep-sam"), "view");
    assert_eq!(
        document(&after, "stella", "edit", "iep-sam"),
        "level_below_required sped school/north form_max"
    );
    // Where she was added outside her buildings as well.
    assert_eq!(access(&before, "stella", "iep-eli"), "owner");
    assert_eq!(access(&after, "stella", "iep-eli"), "view");
}

// FM-22
#[test]
fn fm_22_owners_and_administrators_add_people_and_editors_do_not() {
    let bundle = forms();
    assert_eq!(
        give(&bundle, "stella", "iep-sam", "uma", Some("view")),
        "granted sped school/north explicit_grant"
    );
    assert_eq!(
        give(&bundle, "nick", "iep-sam", "uma", Some("view")),
        "level_below_required none_edit school/north form_max"
    );
    assert_eq!(
        give(&bundle, "gus", "behavior-sam", "uma", Some("view")),
        "level_below_required gened school/north form_max"
    );
    assert_eq!(
        give(&bundle, "nell", "iep-sam", "uma", Some("view")),
        "level_below_required none_view school/north form_max"
    );
    // The records office administers documents and does not see them; whom it gives something is bounded all the same.
    let by = "granted records_office district/lakeside documents.administer";
    assert_eq!(give(&bundle, "dora", "iep-sam", "uma", Some("view")), by);
    assert_eq!(give(&bundle, "dora", "iep-noor", "noah", None), by);
    assert_eq!(give(&bundle, "dora", "iep-sam", "gus", Some("edit")), "grantee_max - - grantee_max");
    assert_eq!(document(&bundle, "dora", "view", "iep-sam"), "level_below_required - - when_unassigned");
    assert_eq!(document(&bundle, "dora", "delete", "iep-sam"), "level_below_required - - when_unassigned");
    // A student is in one or more buildings. Where the roster has none, nothing that rests on them is known.
    assert_eq!(give(&bundle, "dora", "iep-kim", "uma", Some("view")), "attribute_missing - - none");
}

/// What is told of changed sources, beside the one warning that the bundle is meant to have: Bella's role without a
/// building.
fn told(sources: &[hallpass::policy::Source]) -> Vec<String> {
    let all = policy_support::told(sources).into_iter();
    all.filter(|told| !told.starts_with("names_no_building ")).collect()
}

// FM-29
#[test]
fn fm_29_what_is_saved_is_checked_and_nothing_in_between() {
    // Two bulk actions, default first: the files between them need not load, those after them must.
    let sources = changed(
        "forms",
        &[(
            "roles.yaml",
            "          \"group:special_education\": {default: none, max: view}",
            "          \"group:special_education\": {default: edit, max: view}",
        )],
    );
    let line = line_of(&sources, "roles.yaml", "{default: edit, max: view}");
    assert_eq!(told(&sources), [format!("default_above_max roles.yaml:{line} default")]);
    let saved = changed(
        "forms",
        &[(
            "roles.yaml",
            "          \"group:special_education\": {default: none, max: view}",
            "          \"group:special_education\": {default: edit, max: edit}",
        )],
    );
    assert_eq!(entry(&load(&saved), "gened", "iep"), "edit|edit");
}

// FM-30
#[test]
fn fm_30_nothing_is_created_from_a_deleted_form_and_its_documents_stay_as_they_were() {
    let bundle = forms();
    assert_eq!(
        create(&bundle, "olive", "health_card", "sam"),
        "form_deleted owner_owner school/north form_deleted"
    );
    assert_eq!(create(&bundle, "uma", "health_card", "sam"), "form_deleted - - form_deleted");
    let back = load(&changed("forms", &[("forms.yaml", ", deleted: true", "")]));
    assert_eq!(create(&back, "olive", "health_card", "sam"), "granted owner_owner school/north form_max");
    for (person, wanted) in [("olive", "owner"), ("vera", "view"), ("nell", "view"), ("gus", "none")] {
        assert_eq!(access(&bundle, person, "card-sam"), wanted, "{person}");
        assert_eq!(access(&back, person, "card-sam"), wanted, "{person}");
    }
}

// FM-31
#[test]
fn fm_31_a_change_of_a_role_is_a_change_for_all_members_and_a_new_title_is_none() {
    let before = forms();
    let after =
        load(&changed("forms", &[("roles.yaml", "          iep: {default: edit, max: owner}\n", "")]));
    for (person, id) in [("stella", "iep-lena"), ("milo", "iep-noor")] {
        assert!(document(&before, person, "edit", id).starts_with("granted sped"), "{person}");
    }
    // Each looks at what the other made: what the role gave unasked is gone for both.
    assert_eq!(
        document(&after, "milo", "edit", "iep-noor"),
        "level_below_required sped school/south form_default"
    );
    assert_eq!(
        document(&after, "stella", "edit", "iep-lena"),
        "level_below_required sped school/south form_default"
    );
    let renamed = load(&changed("forms", &[("roles.yaml", "title: SpEd", "title: Special education staff")]));
    assert_eq!(document(&renamed, "stella", "edit", "iep-lena"), "granted sped school/south form_default");
}

// FM-35
#[test]
fn fm_35_an_assignment_of_a_deleted_role_counts_as_not_there_until_the_role_is_back() {
    let bundle = forms();
    assert_eq!(create(&bundle, "ines", "iep", "sam"), "granted - - when_unassigned");
    let back = changed(
        "forms",
        &[
            ("roles.yaml", "        deleted: true\n", ""),
            ("domain.yaml", "assignments: 22, unassigned: 4", "assignments: 23, unassigned: 3"),
        ],
    );
    assert_eq!(
        create(&load(&back), "ines", "iep", "sam"),
        "create_needs_owner interns school/north form_max"
    );
}

// FM-36
#[test]
fn fm_36_a_lost_assignment_is_not_read_as_more_rights() {
    // Nadia without her role would be at none|owner: the counts keep the shorter file from loading.
    let sources =
        changed("forms", &[("assignments.csv", "nadia,none_none,district/lakeside,school/north,,,,\n", "")]);
    let line = line_of(&sources, "domain.yaml", "expects: {");
    assert_eq!(
        told(&sources),
        [format!("unexpected_count domain.yaml:{line} 22"), format!("unexpected_count domain.yaml:{line} 4"),]
    );
    // A file that was cut off in the middle does not load either, whatever it counts.
    let mut cut = policy_support::files("forms");
    cut.iter_mut().find(|source| source.name == "assignments.csv").unwrap().bytes.pop();
    assert!(told(&cut)[0].starts_with("truncated assignments.csv:25 "), "{:?}", told(&cut));
    // And without the counts it does not load at all.
    let text = std::str::from_utf8(&sources.iter().find(|s| s.name == "domain.yaml").unwrap().bytes)
        .unwrap()
        .to_owned();
    let expects = text.lines().find(|line| line.trim_start().starts_with("expects:")).unwrap().to_owned();
    let without = changed("forms", &[("domain.yaml", &expects, "")]);
    let line = line_of(&without, "domain.yaml", "when_unassigned:");
    assert_eq!(told(&without), [format!("missing_key domain.yaml:{line} when_unassigned")]);
}

// FM-36
#[test]
fn fm_36_time_and_suspension_never_widen() {
    let bundle = forms();
    // Olaf's only assignment has ended, Susan's is suspended: neither falls back to none|owner.
    assert_eq!(create(&bundle, "olaf", "iep", "sam"), "create_needs_owner sped school/north form_max");
    assert_eq!(
        document(&bundle, "olaf", "view", "iep-sam-old"),
        "level_below_required sped school/north form_max"
    );
    assert_eq!(create(&bundle, "susan", "iep", "sam"), "create_needs_owner sped school/north form_max");
    // Nor where the assignment that ended names no building.
    let ended = load(&changed(
        "forms",
        &[(
            "assignments.csv",
            "wendy,gened,district/lakeside,,,,,",
            "wendy,gened,district/lakeside,,,2026-06-30,,",
        )],
    ));
    assert_eq!(create(&ended, "wendy", "iep", "sam"), "create_needs_owner - - when_no_buildings");
}

// FM-37
#[test]
fn fm_37_a_lost_building_is_not_read_as_more_rights() {
    let sources = changed(
        "forms",
        &[(
            "assignments.csv",
            "nadia,none_none,district/lakeside,school/north,",
            "nadia,none_none,district/lakeside,,",
        )],
    );
    let line = line_of(&sources, "domain.yaml", "expects: {");
    assert_eq!(told(&sources), [format!("unexpected_count domain.yaml:{line} 1")]);
}

// FM-39
#[test]
fn fm_39_only_administrators_manage_roles() {
    let bundle = forms();
    for line in [
        "POST /api/settings/user-roles",
        "PATCH /api/settings/user-roles/sped",
        "DELETE /api/settings/user-roles/sped",
        "POST /api/settings/user-roles/merge",
        "PUT /api/users/gus/user-roles",
    ] {
        assert_eq!(request(&bundle, "ada", line), "granted administrator district/lakeside", "{line}");
        assert_eq!(request(&bundle, "stella", line), "permission_not_granted - -", "{line}");
        assert_eq!(request(&bundle, "dora", line), "permission_not_granted - -", "{line}");
        assert_eq!(request(&bundle, "uma", line), "no_role_in_context - -", "{line}");
        assert_eq!(request(&bundle, "prue", line), "no_role_in_context - -", "{line}");
    }
    // Managing roles is no way around a max.
    assert_eq!(
        document(&bundle, "ada", "view", "iep-sam"),
        "level_below_required administrator school/north form_default"
    );
}

// FM-41
#[test]
fn fm_41_a_role_carries_reports_beside_its_forms() {
    let bundle = forms();
    assert_eq!(can(&bundle, "prue", "reports.compliance", "school/north"), "granted principals school/north");
    assert_eq!(can(&bundle, "prue", "reports.compliance", "school/south"), "no_role_in_context - -");
    assert_eq!(document(&bundle, "prue", "view", "eval-sam"), "granted principals school/north form_default");
    assert_eq!(can(&bundle, "stella", "reports.compliance", "school/north"), "permission_not_granted - -");
    assert_eq!(
        request(&bundle, "prue", "GET /api/schools/north/reports/caseload"),
        "granted principals school/north"
    );
    assert_eq!(
        request(&bundle, "ada", "GET /api/schools/east/reports/caseload"),
        "granted administrator district/lakeside"
    );
}

// ---- the bundle ----------------------------------------------------------------------------------------------------

#[test]
fn the_routes_ask_what_the_documents_say() {
    let bundle = forms();
    for (person, line, wanted) in [
        ("stella", "GET /api/documents/iep-sam", "granted sped school/north"),
        ("stella", "HEAD /api/documents/iep-sam", "granted sped school/north"),
        ("gus", "PUT /api/documents/iep-sam", "level_below_required gened school/north"),
        ("olive", "DELETE /api/documents/eval-sam", "granted owner_owner school/north"),
        // A document that nobody listed, a student or form that is not there.
        ("stella", "GET /api/documents/iep-nobody", "attribute_missing - -"),
        ("stella", "POST /api/students/nobody/forms/iep/documents", "attribute_missing - -"),
        ("stella", "POST /api/students/sam/forms/iip/documents", "attribute_missing - -"),
        ("stella", "PUT /api/documents/iep-sam/people/nobody/view", "attribute_missing - -"),
        ("stella", "PUT /api/documents/iep-sam/people/gus/none", "no_route"),
        ("stella", "GET /api/documents", "no_route"),
        ("stella", "PATCH /api/documents/iep-sam", "no_method DELETE, PUT"),
        ("zack", "GET /api/documents/iep-sam", "suspended - -"),
        ("zack", "POST /api/students/sam/forms/iep/documents", "suspended - -"),
        ("nobody", "GET /healthz", "public"),
    ] {
        assert_eq!(request(&bundle, person, line), wanted, "{person} {line}");
    }
}

#[test]
fn the_ten_roles_are_the_ten_pairs() {
    let bundle = forms();
    let ladder = [Access::None, Access::View, Access::Edit, Access::Owner];
    let (_, domain) = bundle.domains().iter().next().unwrap();
    let held: Vec<_> = bundle.all_assignments().map(|(_, held)| held.role).collect();
    for default in ladder {
        for max in ladder.into_iter().filter(|max| *max >= default) {
            let role = domain.role(&format!("{default}_{max}")).unwrap();
            for (form, _) in domain.forms().unwrap().forms.iter() {
                assert_eq!(domain.roles()[role].entry(form), Entry { default, max });
            }
            assert!(held.contains(&role));
        }
    }
    assert_eq!(
        (bundle.people().len(), held.len(), bundle.documents().len(), bundle.routes().len()),
        (30, 23, 11, 17)
    );
}

// `policy-model.md` section 5: an assignment without a building beside others with one is left out, and `check` lists
// it.
// FM-25
#[test]
fn fm_25_an_assignment_that_is_left_out_for_want_of_a_building_is_told() {
    let sources = policy_support::files("forms");
    let line = line_of(&sources, "assignments.csv", "bella,sped");
    let place = format!("assignments.csv:{line} ");
    let told = policy_support::told(&sources);
    assert!(told.iter().any(|told| told.contains(&place)), "{told:?}");
}

// The mistake is one word in `when_unassigned`; nothing else is wrong.
#[test]
fn one_mistake_in_the_settings_for_forms_is_told_once() {
    let text = Small::default().text().replace(
        "when_unassigned: {default: none, max: none}",
        "when_unassigned: {default: owner, max: edit}",
    );
    assert_eq!(told(&one_file(&text)), ["default_above_max policy.yaml:9 default"]);
}
