//! `policies/clever-sharing`: what each application would be given, record by record, and the rules one by one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "support/policy.rs"]
mod policy_support;

use hallpass::decision::authzen::Request;
use hallpass::decision::{Ask, decide, decide_requirements, judge};
use hallpass::policy::records::Shown;
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Principal};
use hallpass::time::Time;
use policy_support::{NOW, bundle, can, changed, load, request, told};
use serde_json::{Value, json};

fn clever() -> Bundle {
    bundle("clever-sharing")
}

fn now() -> Time {
    Time::parse_rfc3339(NOW).unwrap()
}

/// What becomes of a record: the fields that stay, or why it is dropped.
fn sees(bundle: &Bundle, who: &str, record: &Value) -> String {
    sees_through(bundle, who, None, record)
}

fn sees_through(bundle: &Bundle, who: &str, through: Option<&str>, record: &Value) -> String {
    let person = bundle.people().find(who).unwrap();
    let kind = bundle.people().row(person).kinds.words().next().unwrap();
    let mut asked = json!({
        "subject": {"type": kind, "id": who},
        "action": {"name": "view"},
        "resource": {"type": "record", "id": record["id"], "properties": record},
        "context": {"time": NOW},
    });
    if let Some(application) = through {
        asked["context"]["application"] = application.into();
    }
    let resolved = match Request::read(&asked).unwrap().resolve(bundle, now()) {
        Ok(resolved) => resolved,
        Err(reason) => return reason.to_string(),
    };
    let asked = resolved.request();
    let Ask::Record(given) = asked.ask else { panic!("not a record") };
    let judged = judge(bundle, asked.viewer(), given, asked.now);
    assert_eq!(decide(bundle, &asked), judged.decision());
    if !judged.decision().is_allow() {
        return judged.decision().reason.to_string();
    }
    let fields = bundle.records().types()[given.record_type()].fields.iter();
    let paths = fields.map(|(_, field)| field.path.as_str());
    paths.filter(|path| judged.shows(path) == Shown::Whole).collect::<Vec<_>>().join(" ")
}

fn school(id: &str) -> Value {
    json!({"record": "schools", "id": id})
}

/// A record that belongs to a school.
fn at(record: &str, id: &str, of: &str) -> Value {
    json!({"record": record, "id": id, "attributes": {"school": of}, "related": [school(of)]})
}

/// A student of a school, and of a section of it.
fn in_section(id: &str, of: &str, section: &str) -> Value {
    let mut student = at("students", id, of);
    student["related"].as_array_mut().unwrap().push(at("sections", section, of));
    student
}

/// A contact of a type, with what they are to which student of which school.
fn contact(kind: &str, links: &[(&str, &str, &str)]) -> Value {
    let related = links.iter().map(|(relationship, id, of)| {
        let mut student = at("students", id, of);
        student["link"] = json!({"relationship": relationship});
        student
    });
    json!({"record": "contacts", "id": "c-1", "attributes": {"type": kind}, "related": related.collect::<Vec<_>>()})
}

/// The answer to a request of an application, or of a person, through an application if need be.
fn routed(bundle: &Bundle, who: &str, through: Option<&str>, line: &str) -> String {
    let (method, path) = line.split_once(' ').unwrap();
    let Lookup::Found(leaf) = bundle.routes().find(method, path) else { return "no_route".to_owned() };
    let matched = leaf.select(Vec::new()).unwrap();
    let find = |id: &str| bundle.people().find(id).unwrap();
    let principal = Principal { subject: find(who), through: through.map(find), credential: None };
    let (decision, _) = decide_requirements(bundle, &matched, principal, None, now());
    decision.reason.to_string()
}

const APPLICATIONS: [&str; 4] = ["classtag_connect", "reading_room", "lunch_line", "bus_map"];

// ---- the worked example --------------------------------------------------------------------------------------------

#[test]
fn each_application_gets_of_each_record_what_the_table_of_the_readme_says() {
    let bundle = clever();
    let district_admin =
        json!({"record": "district_admins", "id": "d-1", "attributes": {"district": "riverbend"}});
    let off = "record_type_not_shared";
    let rows: [(Value, [&str; 4]); 15] = [
        (district_admin, [off; 4]),
        (school("north"), ["id name nces_id phone principal", "id name", "id name", "id name"]),
        (school("south"), ["id name nces_id phone principal", "id name", "id name", "id name"]),
        (school("west"), ["condition_failed", "id name", "id name", "id name"]),
        (at("school_admins", "a-1", "north"), ["id name", off, off, off]),
        (at("school_admins", "a-2", "south"), ["condition_failed", off, off, off]),
        (at("teachers", "t-1", "north"), ["id name email", off, off, off]),
        (at("teachers", "t-2", "south"), ["condition_failed", off, off, off]),
        (
            in_section("sam", "north", "s-1"),
            [
                "id name grade ell_status iep_status ext.bus_route",
                "id name grade",
                "id name frl_status ext.lunch_pin",
                "id ext.bus_route",
            ],
        ),
        (
            in_section("lena", "south", "s-4"),
            ["condition_failed", "id name grade", "id name frl_status ext.lunch_pin", "id ext.bus_route"],
        ),
        (
            in_section("sam", "north", "s-2"),
            [
                "id name grade ell_status iep_status ext.bus_route",
                "condition_failed",
                "id name frl_status ext.lunch_pin",
                "id ext.bus_route",
            ],
        ),
        (contact("parent_guardian", &[("parent", "sam", "north")]), ["id name email", off, off, off]),
        (
            at("sections", "s-1", "north"),
            ["id name subject period school teachers students", "id name students", off, off],
        ),
        (
            at("sections", "s-2", "north"),
            ["id name subject period school teachers students", "condition_failed", off, off],
        ),
        (at("sections", "s-4", "south"), ["condition_failed", "id name students", off, off]),
    ];
    for (record, wanted) in rows {
        let found = APPLICATIONS.map(|application| sees(&bundle, application, &record));
        assert_eq!(found, wanted, "{record}");
    }
}

#[test]
fn people_of_the_district_see_by_their_roles_and_less_through_an_application() {
    let bundle = clever();
    let (north, south) = (at("students", "sam", "north"), at("students", "lena", "south"));
    let whole = "id name grade email school contacts dob gender race ethnicity address credentials ell_status frl_status \
                 iep_status ext.bus_route ext.locker ext.lunch_pin";
    assert_eq!(sees(&bundle, "dana", &north), whole);
    assert_eq!(sees(&bundle, "dana", &south), whole);
    assert_eq!(
        sees(&bundle, "nora", &north),
        "id name grade email school contacts address credentials ell_status iep_status ext.bus_route ext.locker"
    );
    assert_eq!(sees(&bundle, "nora", &south), "no_role_in_context");
    assert_eq!(sees(&bundle, "tess", &north), "no_role_in_context");
    // Through an application both must allow.
    let through = |who, record| sees_through(&bundle, who, Some("classtag_connect"), record);
    assert_eq!(through("nora", &north), "id name grade ell_status iep_status ext.bus_route");
    assert_eq!(through("dana", &south), "condition_failed");
    assert_eq!(sees_through(&bundle, "nora", Some("bus_map"), &north), "id ext.bus_route");
}

// ---- the rules -----------------------------------------------------------------------------------------------------

// CL-01
#[test]
fn cl_01_the_districts_administrator_alone_changes_what_is_shared() {
    let bundle = clever();
    let line = "PUT /api/sharing/classtag_connect";
    assert_eq!(request(&bundle, "dana", line), "granted district_admin district/riverbend");
    for person in ["nora", "tess"].into_iter().chain(APPLICATIONS) {
        assert_eq!(request(&bundle, person, line), "no_role_in_context - -", "{person}");
    }
    let by_dana = policy_support::decision(&bundle, "dana", "sharing.edit", "district/riverbend");
    assert!(by_dana.power);
}

// CL-02
#[test]
fn cl_02_a_type_that_is_not_shared_is_refused_and_one_of_it_does_not_exist() {
    let bundle = clever();
    for (application, list, one) in [
        ("lunch_line", "GET /api/contacts", "GET /api/contacts/c-1"),
        ("lunch_line", "GET /api/teachers", "GET /api/teachers/t-1"),
        ("bus_map", "GET /api/sections", "GET /api/sections/s-1"),
        ("classtag_connect", "GET /api/district-admins", "GET /api/district-admins/d-1"),
    ] {
        assert_eq!(
            routed(&bundle, application, None, list),
            "record_type_not_shared",
            "{application} {list}"
        );
        let wanted = if one.contains("district") { "no_route" } else { "record_type_not_shared" };
        assert_eq!(routed(&bundle, application, None, one), wanted, "{application} {one}");
    }
    // The person may see them, the application may not.
    assert_eq!(routed(&bundle, "nora", None, "GET /api/schools/north/contacts"), "granted");
    let through = routed(&bundle, "nora", Some("bus_map"), "GET /api/schools/north/contacts");
    assert_eq!(through, "record_type_not_shared");
    assert_eq!(routed(&bundle, "classtag_connect", None, "GET /api/contacts"), "granted");
}

// CL-03
#[test]
fn cl_03_each_of_the_eight_types_of_records_is_switched_by_itself() {
    let rows = [
        ("district_admins", "{fields: [id]}", json!({"record": "district_admins", "id": "d"})),
        ("schools", "{fields: [id]}", json!(null)),
        ("school_admins", "{fields: [id]}", at("school_admins", "a", "north")),
        ("teachers", "{fields: [id]}", at("teachers", "t", "north")),
        ("students", "{fields: [id]}", at("students", "sam", "north")),
        ("contacts", "{fields: [id]}", contact("x", &[("aunt", "sam", "north")])),
        ("sections", "{fields: [id]}", at("sections", "s-1", "north")),
        ("extension_fields", "{fields: [locker]}", at("students", "sam", "north")),
    ];
    let text = String::from_utf8(
        policy_support::files("clever-sharing")
            .into_iter()
            .find(|file| file.name == "sharing.yaml")
            .unwrap()
            .bytes,
    )
    .unwrap();
    // Each by itself, all but each, all and none; `records::each_of_the_eight_types_is_on_or_off_by_itself` has all 256.
    let single = (0..8).map(|at| 1_u32 << at);
    for mask in single.clone().chain(single.map(|one| 255 - one)).chain([0, 255]) {
        let on = |at: usize| mask & (1 << at) != 0;
        let rule = |(at, (name, rule, _)): (usize, &(&str, &str, Value))| {
            format!("    {name}: {}\n", if on(at) { *rule } else { "off" })
        };
        let rules: String = rows.iter().enumerate().map(rule).collect();
        let bundle = load(&changed(
            "clever-sharing",
            &[("sharing.yaml", &text[..], &format!("sharing:\n  bus_map:\n{rules}"))],
        ));
        for (place, (name, _, record)) in rows.iter().enumerate() {
            let record = if *name == "schools" { &school("north") } else { record };
            let found = sees(&bundle, "bus_map", record);
            // A record is visible with its parents only (CL-05).
            let parents: &[usize] = match *name {
                "district_admins" | "schools" => &[],
                "contacts" => &[4, 1],
                _ => &[1],
            };
            let of_type = if *name == "extension_fields" { 4 } else { place };
            let shared = on(of_type) && parents.iter().all(|parent| on(*parent));
            let wanted = match (shared, *name) {
                (false, _) => "record_type_not_shared",
                (true, "students" | "extension_fields") if on(7) => "id ext.locker",
                (true, _) => "id",
            };
            assert_eq!(found, wanted, "{mask:08b} {name}");
        }
    }
}

// CL-04
#[test]
fn cl_04_schools_staff_and_sections_are_shared_by_selection() {
    let bundle = clever();
    let see = |record: &Value| sees(&bundle, "classtag_connect", record);
    assert_eq!(see(&at("sections", "s-3", "north")), "condition_failed");
    assert_eq!(see(&at("sections", "s-1", "south")), "condition_failed");
    assert!(see(&at("sections", "s-2", "north")).starts_with("id name"));
    // Of several schools of a teacher one is enough.
    let mut both = at("teachers", "t", "south");
    both["attributes"]["school"] = json!(["south", "north"]);
    assert_eq!(see(&both), "id name email");
}

// CL-05
#[test]
fn cl_05_a_record_is_visible_with_its_parents_only() {
    let bundle = clever();
    let mut of_west = at("students", "sam", "north");
    of_west["related"] = json!([school("west")]);
    assert_eq!(sees(&bundle, "classtag_connect", &of_west), "condition_failed");
    of_west["related"] = json!([]);
    assert_eq!(sees(&bundle, "classtag_connect", &of_west), "attribute_missing");
    // The contact of a student who is not shared is not shared either.
    let of_south = contact("parent_guardian", &[("parent", "lena", "south")]);
    assert_eq!(sees(&bundle, "classtag_connect", &of_south), "condition_failed");
}

// CL-06
#[test]
fn cl_06_a_section_implies_its_students_where_that_is_written_and_nowhere_else() {
    let bundle = clever();
    assert_eq!(sees(&bundle, "reading_room", &in_section("sam", "north", "s-1")), "id name grade");
    assert_eq!(sees(&bundle, "reading_room", &at("students", "sam", "north")), "condition_failed");
    let without = load(&changed(
        "clever-sharing",
        &[
            ("sharing.yaml", ", implies: [students]}", "}"),
            ("sharing.yaml", "students: {only: implied, fields", "students: {only: {school: [west]}, fields"),
        ],
    ));
    assert_eq!(sees(&without, "reading_room", &in_section("sam", "north", "s-1")), "condition_failed");
}

// CL-07
#[test]
fn cl_07_the_statuses_are_shared_one_by_one() {
    let sam = at("students", "sam", "north");
    let with = |fields: &str| {
        let from = "fields: [id, name, grade, ell_status, iep_status]";
        load(&changed("clever-sharing", &[("sharing.yaml", from, fields)]))
    };
    let see = |fields: &str| sees(&with(fields), "classtag_connect", &sam);
    assert_eq!(see("fields: [id]"), "id ext.bus_route");
    for status in ["ell_status", "frl_status", "iep_status"] {
        assert_eq!(see(&format!("fields: [id, {status}]")), format!("id {status} ext.bus_route"));
    }
    // Everything is everything but what is sensitive.
    assert_eq!(see("fields: all"), "id name grade email school contacts ext.bus_route");
    assert_eq!(see("fields: [all, dob]"), "id name grade email school contacts dob ext.bus_route");
}

// CL-08
#[test]
fn cl_08_custom_fields_are_shared_by_name() {
    let sam = at("students", "sam", "north");
    assert_eq!(sees(&clever(), "bus_map", &sam), "id ext.bus_route");
    assert_eq!(sees(&clever(), "lunch_line", &sam), "id name frl_status ext.lunch_pin");
    let all = changed("clever-sharing", &[("sharing.yaml", "{fields: [lunch_pin]}", "{fields: all}")]);
    assert_eq!(sees(&load(&all), "lunch_line", &sam), "id name frl_status ext.bus_route ext.locker");
}

// CL-09
#[test]
fn cl_09_each_type_has_a_list_of_its_own_and_does_not_load_without() {
    let from = "school_admins: {only: {school: [north]}, fields: [id, name]}";
    let sources =
        changed("clever-sharing", &[("sharing.yaml", from, "school_admins: {only: {school: [north]}}")]);
    assert!(told(&sources)[0].starts_with("missing_key sharing.yaml:"), "{:?}", told(&sources));
    let other = changed("clever-sharing", &[("sharing.yaml", from, "school_admins: {fields: [email]}")]);
    let bundle = load(&other);
    assert_eq!(sees(&bundle, "classtag_connect", &at("school_admins", "a", "south")), "email");
    assert_eq!(sees(&bundle, "classtag_connect", &at("teachers", "t", "north")), "id name email");
}

// CL-10
#[test]
fn cl_10_a_contact_must_be_of_the_type_and_stand_in_the_relationship() {
    let bundle = clever();
    let see = |kind: &str, relationship: &str| {
        sees(&bundle, "classtag_connect", &contact(kind, &[(relationship, "sam", "north")]))
    };
    assert_eq!(see("parent_guardian", "parent"), "id name email");
    assert_eq!(see("parent_guardian", "grandparent"), "condition_failed");
    assert_eq!(see("emergency", "parent"), "condition_failed");
    assert_eq!(see("emergency", "neighbour"), "condition_failed");
}

// CL-11
#[test]
fn cl_11_of_several_relationships_those_that_match_stay_and_without_any_the_contact_goes() {
    let bundle = clever();
    let links = [("grandparent", "sam", "north"), ("parent", "sam", "north"), ("parent", "lena", "south")];
    let record = contact("parent_guardian", &links);
    assert_eq!(sees(&bundle, "classtag_connect", &record), "id name email");
    let asked = json!({
        "subject": {"type": "application", "id": "classtag_connect"},
        "action": {"name": "view"},
        "resource": {"type": "record", "id": "c-1", "properties": record},
    });
    let resolved = Request::read(&asked).unwrap().resolve(&bundle, now()).unwrap();
    let asked = resolved.request();
    let Ask::Record(given) = asked.ask else { panic!("not a record") };
    let judged = judge(&bundle, asked.viewer(), given, asked.now);
    let kept: Vec<bool> = (0..links.len()).map(|place| judged.keeps(place)).collect();
    assert_eq!(kept, [false, true, false]);
    let none = contact("parent_guardian", &links[..1]);
    assert_eq!(sees(&bundle, "classtag_connect", &none), "condition_failed");
}

// CL-12
#[test]
fn cl_12_without_contacts_there_are_none_and_no_requests_for_them() {
    let from =
        "contacts: {only: {type: [parent_guardian], relationship: [parent]}, fields: [id, name, email]}";
    let fields =
        ("sharing.yaml", "fields: [id, name, grade, ell_status, iep_status]", "fields: [id, contacts]");
    let with = load(&changed("clever-sharing", &[fields]));
    let without = load(&changed("clever-sharing", &[("sharing.yaml", from, "contacts: off"), fields]));
    let parent = contact("parent_guardian", &[("parent", "sam", "north")]);
    let sam = at("students", "sam", "north");
    assert_eq!(sees(&with, "classtag_connect", &sam), "id contacts ext.bus_route");
    assert_eq!(sees(&without, "classtag_connect", &sam), "id ext.bus_route");
    assert_eq!(sees(&without, "classtag_connect", &parent), "record_type_not_shared");
    assert_eq!(routed(&without, "classtag_connect", None, "GET /api/contacts"), "record_type_not_shared");
}

// CL-13
#[test]
fn cl_13_without_district_administrators_there_are_none_as_records_or_inside_of_others() {
    let on = load(&changed(
        "clever-sharing",
        &[("sharing.yaml", "district_admins: off", "district_admins: {fields: [id]}")],
    ));
    let leader = json!({"record": "district_admins", "id": "d", "attributes": {"district": "riverbend"}});
    assert_eq!(sees(&on, "classtag_connect", &leader), "id");
    assert!(sees(&on, "classtag_connect", &school("north")).ends_with(" district_contact"));
    assert_eq!(sees(&clever(), "classtag_connect", &leader), "record_type_not_shared");
    assert_eq!(sees(&clever(), "classtag_connect", &school("north")), "id name nces_id phone principal");
}

// CL-14
#[test]
fn cl_14_a_change_of_what_is_shared_takes_effect_whole_or_not_at_all() {
    let two = [
        (
            "sharing.yaml",
            "students: {only: {school: [north, south]}, fields: [id]}",
            "students: {fields: [id, name]}",
        ),
        ("sharing.yaml", "fields: [id, name, frl_status]", "fields: [id, name, frl_statis]"),
    ];
    let sources = changed("clever-sharing", &two);
    assert!(told(&sources)[0].starts_with("unknown_name sharing.yaml:"), "{:?}", told(&sources));
    let good = load(&changed("clever-sharing", &two[..1]));
    assert_ne!(good.revision(), clever().revision());
    assert_eq!(sees(&good, "bus_map", &at("students", "x", "west")), "id name ext.bus_route");
}

// CL-16
#[test]
fn cl_16_in_an_archived_section_its_own_roles_count_for_nothing() {
    let bundle = clever();
    assert_eq!(can(&bundle, "tess", "rosters.view", "section/s-1"), "granted teacher section/s-1");
    assert!(!can(&bundle, "tess", "rosters.view", "section/s-3").starts_with("granted"));
    for (person, by) in [("nora", "school_admin school/north"), ("dana", "district_admin district/riverbend")]
    {
        assert_eq!(can(&bundle, person, "rosters.view", "section/s-3"), format!("granted {by}"));
    }
    let active =
        load(&changed("clever-sharing", &[("domain.yaml", "archived: [section/s-3]", "archived: []")]));
    assert_eq!(can(&active, "tess", "rosters.view", "section/s-3"), "granted teacher section/s-3");
}

// CL-17
#[test]
fn cl_17_what_is_not_listed_is_not_shared_and_all_covers_nothing_sensitive() {
    let bundle = clever();
    // Every field that the source calls sensitive is marked.
    let marked: Vec<&str> = bundle
        .records()
        .types()
        .iter()
        .filter(|(_, kind)| kind.name == "students")
        .flat_map(|(_, kind)| kind.fields.iter())
        .filter(|(_, field)| field.sensitive)
        .map(|(_, field)| field.path.as_str())
        .collect();
    for field in [
        "ell_status",
        "frl_status",
        "iep_status",
        "dob",
        "race",
        "ethnicity",
        "gender",
        "address",
        "credentials",
    ] {
        assert!(marked.contains(&field), "{field}");
    }
    let all = load(&changed(
        "clever-sharing",
        &[("sharing.yaml", "fields: [id, name, frl_status]", "fields: all")],
    ));
    let shown = sees(&all, "lunch_line", &at("students", "sam", "north"));
    assert!(
        marked.iter().all(|field| *field == "ext.lunch_pin" || !shown.split(' ').any(|path| path == *field))
    );
    // Nor does it cover what the catalogue does not name.
    assert_eq!(shown, "id name grade email school ext.lunch_pin");
}

// CL-19
#[test]
fn cl_19_a_query_that_names_a_field_is_not_among_those_that_are_let_through() {
    let bundle = clever();
    for route in bundle.routes().iter() {
        for named in ["iep_status", "where", "filter", "sort", "fields", "Limit"] {
            assert!(!route.accepts(named), "{} {named}", route.template());
        }
    }
    assert_eq!(bundle.routes().iter().filter(|route| route.accepts("limit")).count(), 10);
}

#[test]
fn the_bundle_is_as_the_files_say() {
    assert_eq!(told(&policy_support::files("clever-sharing")), [] as [&str; 0]);
    let bundle = clever();
    assert_eq!((bundle.people().len(), bundle.all_assignments().count(), bundle.routes().len()), (9, 4, 19));
}
