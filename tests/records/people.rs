//! What the catalogue leaves people: records where they have the permission, fields by what these need, and blocks before both.

use super::{DISTRICT, asking, contact, school, sees, sees_through, shows, student, with};
use crate::policy_support::{NOW, load, one_file};
use hallpass::decision::authzen::Request;
use hallpass::decision::{Ask, judge};
use hallpass::policy::Source;
use hallpass::policy::records::Shown;
use hallpass::time::Time;
use serde_json::{Value, json};

#[test]
fn people_see_records_where_they_have_the_permission_and_fields_by_what_these_need() {
    let bundle = with("");
    let rest = "id name grade home.town";
    assert_eq!(
        sees(&bundle, "sec", student("kim", "north")),
        format!("{rest} frl ell contacts ext.bus_route ext.medication")
    );
    assert_eq!(
        sees(&bundle, "coun", student("kim", "north")),
        format!("{rest} iep ell contacts ext.bus_route ext.medication")
    );
    assert_eq!(sees(&bundle, "sec", student("kim", "south")), "no_role_in_context");
    assert_eq!(
        sees(&bundle, "dana", student("kim", "south")),
        format!("{rest} iep frl ell contacts ext.bus_route ext.medication")
    );
    // The narrower role replaces the broader one, record by record.
    assert_eq!(sees(&bundle, "both", student("kim", "south")), "permission_not_granted");
    assert!(sees(&bundle, "both", student("kim", "north")).starts_with(rest));
    // A scope that is not in the bundle, or not said.
    assert_eq!(sees(&bundle, "dana", student("kim", "west")), "scope_unknown");
    let mut nowhere = student("kim", "north");
    nowhere["attributes"] = json!({});
    assert_eq!(sees(&bundle, "dana", nowhere), "attribute_missing");
    // A record without a scope of its own has those of its parents.
    assert_eq!(sees(&bundle, "sec", contact("x", &[("parent", "kim")])), "id name email phone");
    assert_eq!(sees(&bundle, "coun", contact("x", &[("parent", "kim")])), "permission_not_granted");
    // Somebody's own child, and what is said of it.
    assert_eq!(
        sees(&bundle, "pat", student("kim", "north")),
        format!("{rest} ell contacts ext.bus_route ext.medication")
    );
    assert_eq!(sees(&bundle, "pat", student("lee", "north")), "relation_unmet");
    assert_eq!(sees(&bundle, "pat", contact("x", &[("parent", "kim")])), "id name email phone");
    let mut unnamed = student("kim", "north");
    unnamed["attributes"]["id"] = json!([]);
    assert_eq!(sees(&bundle, "pat", unnamed), "attribute_missing");
}

#[test]
fn people_see_fields_where_the_record_itself_is_seen() {
    let bundle = with("");
    // In two schools: what is needed must be held where the record is seen.
    let mut two = student("kim", "north");
    two["attributes"]["school"] = json!(["south", "north"]);
    two["related"] = json!([school("south"), school("north")]);
    assert!(sees(&bundle, "sec", two.clone()).contains(" frl "));
    assert!(!sees(&bundle, "sec", two).contains("iep"));
    // A sensitive name at another depth is not the field of the catalogue.
    use Shown::{No, Parts, Whole};
    assert_eq!(
        shows(
            &bundle,
            "dana",
            &student("kim", "north"),
            ["iep.status", "name.iep", "home", "home.street", "ext", "new"]
        ),
        [Whole, No, Parts, No, Parts, No]
    );
}

#[test]
fn what_a_field_needs_counts_only_where_the_record_is_seen() {
    let source = |name: &str, text: &str| Source { name: name.to_owned(), bytes: text.into() };
    // The set of permissions in South shows no student, only plans.
    let more =
        "assignments: [{subject: sec, role: visitor, scope: school/south, permissions: [students.iep]}]\n";
    let bundle = load(&[source("a.yaml", &format!("{DISTRICT}routes: {{}}\n")), source("b.yaml", more)]);
    let mut two = student("kim", "north");
    two["attributes"]["school"] = json!(["north", "south"]);
    let seen = sees(&bundle, "sec", two);
    assert!(seen.contains(" frl ") && !seen.contains("iep"), "{seen}");
}

#[test]
fn a_field_that_needs_a_permission_with_step_up_is_seen_after_it() {
    let text = DISTRICT.replace(
        "iep: ~, meals: ~}}",
        "iep: {power: true, power_requires: {claim: amr, has: mfa}}, meals: ~}}",
    );
    let bundle = load(&one_file(&format!("{text}routes: {{}}\n")));
    for (claims, shown) in [(json!({}), Shown::No), (json!({"amr": ["pwd", "mfa"]}), Shown::Whole)] {
        let record = student("kim", "north");
        let mut asked = asking("coun", "staff", None, &record);
        asked["subject"]["properties"] = claims.clone();
        let request = Request::read(&asked).unwrap();
        let resolved = request.resolve(&bundle, Time::parse_rfc3339(NOW).unwrap()).unwrap();
        let asked = resolved.request();
        let Ask::Record(given) = asked.ask else { panic!("not a record") };
        let judged = judge(&bundle, asked.viewer(), given, asked.now);
        assert!(judged.decision().is_allow(), "{claims}");
        assert_eq!(judged.shows("iep"), shown, "{claims}");
    }
}

#[test]
fn of_the_scopes_of_several_parents_one_where_the_record_is_seen_is_enough() {
    let source = |name: &str, text: &str| Source { name: name.to_owned(), bytes: text.into() };
    // Students are seen in both schools, their contacts only in South.
    let more = "assignments: [{subject: coun, role: secretary, scope: school/south}]\n";
    let bundle = load(&[source("a.yaml", &format!("{DISTRICT}routes: {{}}\n")), source("b.yaml", more)]);
    let of = |schools: &[&str]| {
        let mut record = contact("x", &[]);
        record["related"] = schools.iter().map(|at| student("kim", at)).collect();
        sees(&bundle, "coun", record)
    };
    assert_eq!(of(&["north"]), "permission_not_granted");
    for schools in [["south", "north"], ["north", "south"]] {
        assert_eq!(of(&schools), "id name email phone", "{schools:?}");
    }
}

#[test]
fn a_record_about_several_students_is_seen_by_those_who_may_see_it_for_each() {
    let bundle = with("");
    let mut of_two = student("kim", "north");
    of_two["attributes"]["id"] = json!(["kim", "lee"]);
    assert_eq!(sees(&bundle, "pat", of_two.clone()), "relation_unmet");
    assert!(sees(&bundle, "sec", of_two.clone()).starts_with("id name"));
    of_two["attributes"]["id"] = json!(["kim", "someone"]);
    assert_eq!(sees(&bundle, "pat", of_two), "attribute_missing");
}

#[test]
fn a_parent_that_a_person_does_not_see_hides_the_record() {
    let text = DISTRICT.replace("parent: {level: district, grants: {schools: all, students: [{view: own_children}, {contacts: own_children}]}}",
        "parent: {level: district, grants: {schools: all, students: [{contacts: own_children}]}}");
    let bundle = load(&one_file(&format!("{text}routes: {{}}\n")));
    assert_eq!(sees(&bundle, "pat", contact("x", &[("parent", "kim")])), "attribute_missing");
}

#[test]
fn a_block_drops_the_record_and_what_belongs_to_it() {
    for block in ["student: kim", "scope: school/north", "scope: district/x"] {
        let bundle = with(&format!("blocks: [{{subject: dana, {block}, reason: custody}}]\n"));
        assert_eq!(sees(&bundle, "dana", student("kim", "north")), "blocked", "{block}");
        assert_eq!(sees(&bundle, "dana", contact("x", &[("parent", "kim")])), "blocked", "{block}");
        // Another parent does not make up for it.
        assert_eq!(
            sees(&bundle, "dana", contact("x", &[("aunt", "lee"), ("parent", "kim")])),
            "blocked",
            "{block}"
        );
    }
    let bundle = with("blocks: [{subject: dana, student: kim, reason: custody}]\n");
    assert!(sees(&bundle, "dana", student("lee", "north")).starts_with("id"));
    assert!(sees(&bundle, "dana", school("north")).starts_with("id"));
    // A student whom the bundle does not know may be anybody.
    assert_eq!(sees(&bundle, "dana", student("someone", "north")), "blocked");
    // Of an application, and of the one that somebody comes through.
    let sharing = "sharing: {vendor: {schools: {fields: all}, students: {fields: all}}}\n";
    let bundle =
        with(&format!("blocks: [{{subject: vendor, student: kim, reason: none of theirs}}]\n{sharing}"));
    assert_eq!(sees(&bundle, "vendor", student("kim", "north")), "blocked");
    assert_eq!(sees_through(&bundle, "dana", Some("vendor"), student("kim", "north")), "blocked");
    assert!(sees(&bundle, "vendor", student("lee", "north")).starts_with("id"));
}

#[test]
fn a_block_on_a_scope_drops_a_record_of_which_no_known_scope_is_told() {
    let sharing = "sharing: {vendor: {students: {fields: all}}}\n";
    let blocked = |what: &str| {
        with(&format!("blocks: [{{subject: vendor, {what}, reason: none of theirs}}]\n{sharing}"))
    };
    let from_north = blocked("scope: school/north");
    let at = |school: Value| {
        let mut record = student("kim", "south");
        record["attributes"]["school"] = school;
        record
    };
    let mut silent = student("kim", "south");
    silent["attributes"].as_object_mut().unwrap().remove("school");
    for record in [silent, at(json!([])), at(json!("gone")), at(json!(["south", "gone"]))] {
        assert_eq!(sees(&from_north, "vendor", record.clone()), "blocked", "{record}");
        assert_eq!(sees_through(&from_north, "dana", Some("vendor"), record.clone()), "blocked", "{record}");
        // Whom no block holds off from a scope may have it, as before.
        for bundle in [with(sharing), blocked("student: lee")] {
            assert_ne!(sees(&bundle, "vendor", record.clone()), "blocked", "{record}");
        }
    }
    assert_ne!(sees(&from_north, "vendor", student("kim", "south")), "blocked");
}
