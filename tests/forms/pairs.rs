//! The ten pairs of default and max, one by one (FM-05 to FM-15).

use super::{Small, forms, told};
use crate::policy_support;
use crate::policy_support::{access, create, document, load, one_file};
use hallpass::policy::compile;

// FM-05
#[test]
fn fm_05_ten_pairs_load_and_six_do_not() {
    let words = ["none", "view", "edit", "owner"];
    let mut found = (0, 0);
    for (at, default) in words.iter().enumerate() {
        for (top, max) in words.iter().enumerate() {
            let role = format!("{{level: district, forms: {{iep: {{default: {default}, max: {max}}}}}}}");
            let sources = one_file(&Small { role: &role, ..Small::default() }.text());
            if at > top {
                assert_eq!(told(&sources), ["default_above_max policy.yaml:14 default"], "{default}|{max}");
                assert_eq!(compile(&sources).diagnostics[0].place.column, 42);
                found.1 += 1;
            } else {
                load(&sources);
                found.0 += 1;
            }
        }
    }
    assert_eq!(found, (10, 6));
    // The fallbacks are pairs as well.
    let text = Small::default().text().replace(
        "when_unassigned: {default: none, max: none}",
        "when_unassigned: {default: owner, max: edit}",
    );
    assert_eq!(told(&one_file(&text))[0], "default_above_max policy.yaml:9 default");
}

/// The row of a pair: access to a document about Sam, who is in the person's building, without being added and with
/// each grant; then creating. `-` in the reason of a creation is a denial.
fn row(person: &str, wanted: [&str; 5]) {
    let bundle = forms();
    for (grants, wanted) in
        ["viewers: [], editors: []", "viewers: [P]", "editors: [P]", "owners: [P]"].iter().zip(wanted)
    {
        let extra =
            format!("documents: {{d: {{form: iep, student: sam, {}}}}}\n", grants.replace('P', person));
        let mut sources = policy_support::files("forms");
        sources.push(hallpass::policy::Source { name: "more.yaml".to_owned(), bytes: extra.into_bytes() });
        assert_eq!(access(&load(&sources), person, "d"), wanted, "{person}, {grants}");
    }
    let role = {
        let (id, domain) = bundle.domains().iter().next().unwrap();
        let held = bundle.assignments(bundle.people().find(person).unwrap(), id);
        assert_eq!(held.iter().count(), 1);
        domain.roles()[held.iter().next().unwrap().role].name.clone()
    };
    let reason = if wanted[4] == "yes" { "granted" } else { "create_needs_owner" };
    assert_eq!(create(&bundle, person, "iep", "sam"), format!("{reason} {role} school/north form_max"));
    // Nobody creates outside their buildings, and nobody has a default there.
    assert_eq!(create(&bundle, person, "iep", "lena"), format!("create_needs_owner {role} - form_max"));
    assert_eq!(access(&bundle, person, "iep-noor"), wanted[0], "one of two buildings suffices");
}

// FM-06
#[test]
fn fm_06_none_none_is_no_access_whatever_the_document_says() {
    row("nadia", ["none", "none", "none", "none", "no"]);
    let bundle = forms();
    // Added as a viewer and as an editor; and the creator of another.
    assert_eq!(
        document(&bundle, "nadia", "view", "iep-sam"),
        "level_below_required none_none school/north form_max"
    );
    assert_eq!(
        document(&bundle, "nadia", "view", "plan-sam"),
        "level_below_required none_none school/north form_max"
    );
}

// FM-07
#[test]
fn fm_07_none_view_sees_what_they_were_added_to() {
    row("nell", ["none", "view", "view", "view", "no"]);
    let bundle = forms();
    assert_eq!(document(&bundle, "nell", "view", "iep-sam"), "granted none_view school/north explicit_grant");
    assert_eq!(
        document(&bundle, "nell", "edit", "iep-sam"),
        "level_below_required none_view school/north form_max"
    );
}

// FM-08
#[test]
fn fm_08_none_edit_edits_what_they_were_added_to() {
    row("nick", ["none", "view", "edit", "edit", "no"]);
    assert_eq!(
        document(&forms(), "nick", "edit", "iep-sam"),
        "granted none_edit school/north explicit_grant"
    );
}

// FM-09
#[test]
fn fm_09_none_owner_creates_and_has_what_they_were_added_to() {
    row("noah", ["none", "view", "edit", "owner", "yes"]);
    assert_eq!(
        document(&forms(), "noah", "delete", "iep-sam"),
        "granted none_owner school/north explicit_grant"
    );
    assert_eq!(
        document(&forms(), "noah", "view", "eval-sam"),
        "level_below_required none_owner school/north form_default"
    );
}

// FM-10
#[test]
fn fm_10_view_view_sees_everything_in_the_buildings_unasked() {
    row("vera", ["view", "view", "view", "view", "no"]);
    assert_eq!(document(&forms(), "vera", "view", "eval-sam"), "granted view_view school/north form_default");
    assert_eq!(
        document(&forms(), "vera", "edit", "iep-sam"),
        "level_below_required view_view school/north form_max"
    );
}

// FM-11
#[test]
fn fm_11_view_edit_sees_everything_and_edits_what_they_were_added_to() {
    row("vic", ["view", "view", "edit", "edit", "no"]);
    assert_eq!(document(&forms(), "vic", "edit", "iep-sam"), "granted view_edit school/north explicit_grant");
    assert_eq!(
        document(&forms(), "vic", "edit", "eval-sam"),
        "level_below_required view_edit school/north form_default"
    );
}

// FM-12
#[test]
fn fm_12_view_owner_creates_and_sees_everything() {
    row("viola", ["view", "view", "edit", "owner", "yes"]);
}

// FM-13
#[test]
fn fm_13_edit_edit_edits_everything_and_creates_nothing() {
    row("edda", ["edit", "edit", "edit", "edit", "no"]);
    assert_eq!(document(&forms(), "edda", "edit", "eval-sam"), "granted edit_edit school/north form_default");
    // Added as an owner: still an editor.
    assert_eq!(
        document(&forms(), "edda", "delete", "iep-sam"),
        "level_below_required edit_edit school/north form_max"
    );
}

// FM-14
#[test]
fn fm_14_edit_owner_creates_and_edits_everything() {
    row("emil", ["edit", "edit", "edit", "owner", "yes"]);
}

// FM-15
#[test]
fn fm_15_owner_owner_creates_and_owns_everything() {
    row("olive", ["owner", "owner", "owner", "owner", "yes"]);
    assert_eq!(
        document(&forms(), "olive", "delete", "iep-sam"),
        "granted owner_owner school/north form_default"
    );
}
