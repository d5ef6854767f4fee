//! Records, fields and sharing (`policy-model.md` section 6): what the catalogue leaves people, what is shared with
//! applications, and what routes say of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "records/people.rs"]
mod people;
#[path = "support/policy.rs"]
mod policy_support;
#[path = "records/routes.rs"]
mod routes;

use hallpass::decision::authzen::Request;
use hallpass::decision::{Ask, Viewer, decide, judge};
use hallpass::policy::Bundle;
use hallpass::policy::records::Shown;
use hallpass::time::Time;
use policy_support::{NOW, load, one_file, told};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A district with two schools. The catalogue has the seven types of the article and, as the eighth, extension fields.
const DISTRICT: &str = r#"
bundle: {name: records, time_zone: UTC}
domains:
  school:
    precedence: most_specific
    levels: [district, school, class]
    scopes: {district/x: {school/north: {class/1A: ~, class/1B: ~}, school/south: {class/2A: ~}}}
    modules:
      sharing: {level: district, permissions: {edit: ~}}
      people: {level: district, permissions: {admins: ~}}
      schools: {level: school, permissions: {view: ~}}
      students: {level: school, permissions: {view: ~, contacts: ~, iep: ~, meals: ~}}
      marks: {level: class, permissions: {view: ~}}
    roles:
      district_admin: {level: district, grants: {sharing: all, people: all, schools: all, students: all}}
      secretary: {level: school, grants: {schools: all, students: [view, contacts, meals]}}
      counselor: {level: school, grants: {schools: all, students: [view, iep]}}
      visitor: {level: school, grants: {students: []}}
      parent: {level: district, grants: {schools: all, students: [{view: own_children}, {contacts: own_children}]}}
people:
  dana: {kinds: [staff]}
  sec: {kinds: [staff]}
  coun: {kinds: [staff]}
  both: {kinds: [staff]}
  pat: {kinds: [guardian]}
  kim: {kinds: [student]}
  lee: {kinds: [student]}
  vendor: {kinds: [application]}
  quiet: {kinds: [application]}
assignments:
  - {subject: dana, role: district_admin, scope: district/x}
  - {subject: sec, role: secretary, scope: school/north}
  - {subject: coun, role: counselor, scope: school/north}
  - {subject: both, role: district_admin, scope: district/x}
  - {subject: both, role: visitor, scope: school/south}
  - {subject: pat, role: parent, scope: district/x}
guardians:
  - {guardian: pat, student: kim}
records:
  district_admins: {scope: {level: district, from: district}, view: people.admins, fields: {id: ~, name: ~, email: ~}}
  schools: {scope: {level: school, from: id}, view: schools.view, fields: {id: ~, name: ~, district_contact: {refers: district_admins}}}
  school_admins: {scope: school, parents: [schools], view: students.view, fields: {id: ~, name: ~, email: ~}}
  teachers: {scope: school, parents: [schools], view: students.view, fields: {id: ~, name: ~, email: ~}}
  students:
    scope: school
    student: id
    parents: [schools]
    view: students.view
    extensions: ext
    fields:
      id: ~
      name: ~
      grade: ~
      home.town: ~
      iep: {needs: students.iep, sensitive: true}
      frl: {needs: students.meals, sensitive: true}
      ell: {sensitive: true}
      contacts: {refers: contacts}
      ext.bus_route: ~
      ext.medication: {sensitive: true}
  contacts:
    parents: [students]
    view: students.contacts
    keys: [type]
    links: {students: [relationship]}
    fields: {id: ~, name: ~, email: ~, phone: ~}
  sections: {scope: school, parents: [schools], view: students.view, fields: {id: ~, name: ~, students: {refers: students}}}
"#;

/// The bundle of the district with more of it.
fn with(more: &str) -> Bundle {
    load(&one_file(&format!("{DISTRICT}{more}routes: {{}}\n")))
}

/// What is said of the district with more of it.
fn complaints(more: &str) -> Vec<String> {
    let line = |told: String| {
        let (code, rest) = told.split_once(' ').unwrap();
        format!("{code} {}", rest.split_once(' ').map_or("", |(_, underlined)| underlined))
    };
    told(&one_file(&format!("{DISTRICT}{more}routes: {{}}\n"))).into_iter().map(line).collect()
}

fn request(bundle: &Bundle, who: &str, through: Option<&str>, record: &Value) -> Request {
    let person = bundle.people().find(who).unwrap();
    let kind = bundle.people().row(person).kinds.words().next().unwrap();
    Request::read(&asking(who, kind, through, record)).unwrap()
}

/// A request for one record, as JSON.
fn asking(who: &str, kind: &str, through: Option<&str>, record: &Value) -> Value {
    let mut request = json!({
        "subject": {"type": kind, "id": who},
        "action": {"name": "view"},
        "resource": {"type": "record", "id": record["id"], "properties": record},
        "context": {"time": NOW},
    });
    if let Some(application) = through {
        request["context"]["application"] = application.into();
    }
    request
}

/// What becomes of a record: the fields of the catalogue that stay, or why it is dropped.
fn sees_through(bundle: &Bundle, who: &str, through: Option<&str>, record: Value) -> String {
    let request = request(bundle, who, through, &record);
    let resolved = match request.resolve(bundle, Time::parse_rfc3339(NOW).unwrap()) {
        Ok(resolved) => resolved,
        Err(reason) => return reason.to_string(),
    };
    let asked = resolved.request();
    let Ask::Record(given) = asked.ask else { panic!("not a record") };
    let judged = judge(bundle, asked.viewer(), given, asked.now);
    let decision = judged.decision();
    assert_eq!(decide(bundle, &asked), decision);
    let fields = bundle.records().types()[given.record_type()].fields.iter();
    let paths = fields.map(|(_, field)| field.path.as_str());
    let shown: Vec<&str> = paths.filter(|path| judged.shows(path) == Shown::Whole).collect();
    if decision.is_allow() {
        return shown.join(" ");
    }
    assert!(shown.is_empty(), "a record that is dropped shows {shown:?}");
    decision.reason.to_string()
}

fn sees(bundle: &Bundle, who: &str, record: Value) -> String {
    sees_through(bundle, who, None, record)
}

/// What becomes of some paths of a record.
fn shows<const N: usize>(bundle: &Bundle, who: &str, record: &Value, paths: [&str; N]) -> [Shown; N] {
    let request = request(bundle, who, None, record);
    let resolved = request.resolve(bundle, Time::parse_rfc3339(NOW).unwrap()).unwrap();
    let asked = resolved.request();
    let Ask::Record(given) = asked.ask else { panic!("not a record") };
    let judged = judge(bundle, asked.viewer(), given, asked.now);
    paths.map(|path| judged.shows(path))
}

fn school(id: &str) -> Value {
    json!({"record": "schools", "id": id})
}

fn of_school(record: &str, id: &str, at: &str) -> Value {
    json!({"record": record, "id": id, "attributes": {"school": at}, "related": [school(at)]})
}

fn student(id: &str, at: &str) -> Value {
    of_school("students", id, at)
}

/// A contact with links to students, each with what they are to them.
fn contact(kind: &str, links: &[(&str, &str)]) -> Value {
    let related = links.iter().map(|(relationship, of)| {
        let mut student = student(of, "north");
        student["link"] = json!({"relationship": relationship});
        student
    });
    json!({"record": "contacts", "id": "c-1", "attributes": {"type": kind}, "related": related.collect::<Vec<_>>()})
}

#[test]
fn only_a_district_administrator_changes_sharing() {
    // CL-01
    let bundle = with("");
    for (who, reason) in
        [("dana", "granted"), ("sec", "no_role_in_context"), ("vendor", "no_role_in_context")]
    {
        let on = json!({"id": "x"});
        let mut request = json!({
            "subject": {"type": if who == "vendor" { "application" } else { "staff" }, "id": who},
            "action": {"name": "sharing.edit"}, "resource": {"type": "district", "id": on["id"]},
        });
        request["context"] = json!({"time": NOW});
        assert_eq!(policy_support::ask(&bundle, &request).reason.as_str(), reason, "{who}");
    }
}

#[test]
fn a_type_that_is_not_shared_or_off_is_not_released() {
    // CL-02
    let bundle = with("sharing: {vendor: {schools: {fields: all}, students: off}}\n");
    assert_eq!(sees(&bundle, "vendor", school("north")), "id name");
    assert_eq!(sees(&bundle, "vendor", student("kim", "north")), "record_type_not_shared");
    assert_eq!(sees(&bundle, "vendor", of_school("teachers", "t", "north")), "record_type_not_shared");
    // An application of which nothing is said has nothing.
    assert_eq!(sees(&bundle, "quiet", school("north")), "record_type_not_shared");
    assert_eq!(sees(&bundle, "vendor", json!({"record": "pupils", "id": "x"})), "unknown_name");
}

#[test]
fn the_answer_for_a_record_names_the_rule_behind_it() {
    let bundle = with(
        "blocks: [{subject: coun, student: lee, reason: a conflict}]\nsuspended: {subjects: [pat]}\n\
         sharing: {vendor: {schools: {fields: all}, students: {fields: all}}}\n",
    );
    let mut alone = student("kim", "north");
    alone["related"] = json!([]);
    let mut elsewhere = student("kim", "north");
    elsewhere["related"] = json!([school("south")]);
    for (who, record, expected) in [
        ("sec", elsewhere, "no_role_in_context parents"),
        ("sec", student("kim", "north"), "granted records"),
        ("sec", student("kim", "south"), "no_role_in_context records"),
        ("sec", alone.clone(), "attribute_missing parents"),
        ("coun", student("lee", "north"), "blocked blocks"),
        ("pat", student("kim", "north"), "suspended suspended"),
        ("vendor", student("kim", "north"), "granted sharing"),
        ("vendor", of_school("sections", "s-1", "north"), "record_type_not_shared sharing"),
        ("vendor", alone, "attribute_missing parents"),
    ] {
        let request = request(&bundle, "dana", None, &record);
        let resolved = request.resolve(&bundle, Time::parse_rfc3339(NOW).unwrap()).unwrap();
        let asked = resolved.request();
        let Ask::Record(given) = asked.ask else { panic!("not a record") };
        let viewer = Viewer { principal: bundle.people().find(who).unwrap().into(), claims: None };
        let told = judge(&bundle, viewer, given, asked.now).decision();
        assert_eq!(format!("{} {}", told.reason, told.rule.as_str()), expected, "{who} {record}");
    }
}

#[test]
fn each_of_the_eight_types_is_on_or_off_by_itself() {
    // CL-03, all 2^8 of them.
    const TYPES: [&str; 7] =
        ["district_leaders", "schools", "school_admins", "teachers", "students", "contacts", "sections"];
    let catalogue: String = TYPES
        .iter()
        .map(|name| format!("  {name}: {{extensions: ext, fields: {{id: ~, ext.color: ~}}}}\n"))
        .collect();
    let head = "bundle: {name: eight, time_zone: UTC}\n\
                domains: {d: {precedence: union, levels: [school]}}\n\
                people: {app: {kinds: [application]}}\nroutes: {}\n";
    for mask in 0..256_u32 {
        let on = |at: usize| mask & (1 << at) != 0;
        let rules: String = TYPES
            .iter()
            .enumerate()
            .map(|(at, name)| format!("    {name}: {}\n", if on(at) { "{fields: [id]}" } else { "off" }))
            .collect();
        let extensions = if on(7) { "{fields: [color]}" } else { "off" };
        let text = format!(
            "{head}records:\n{catalogue}sharing:\n  app:\n{rules}    extension_fields: {extensions}\n"
        );
        let bundle = load(&one_file(&text));
        for (at, name) in TYPES.into_iter().enumerate() {
            let expected = match (on(at), on(7)) {
                (false, _) => "record_type_not_shared",
                (true, false) => "id",
                (true, true) => "id ext.color",
            };
            assert_eq!(
                sees(&bundle, "app", json!({"record": name, "id": "1"})),
                expected,
                "{mask:08b} {name}"
            );
        }
    }
}

#[test]
fn schools_staff_and_sections_are_shared_by_selection() {
    // CL-04
    let bundle = with(
        "sharing:\n  vendor:\n    schools: {fields: all}\n    teachers: {only: {school: [north]}, fields: [id]}\n    \
         sections: {only: {school: [north], id: [s-1, s-2]}, fields: [id]}\n",
    );
    assert_eq!(sees(&bundle, "vendor", of_school("teachers", "t", "north")), "id");
    assert_eq!(sees(&bundle, "vendor", of_school("teachers", "t", "south")), "condition_failed");
    assert_eq!(sees(&bundle, "vendor", of_school("sections", "s-2", "north")), "id");
    // Keys are joined by AND.
    assert_eq!(sees(&bundle, "vendor", of_school("sections", "s-3", "north")), "condition_failed");
    assert_eq!(sees(&bundle, "vendor", of_school("sections", "s-1", "south")), "condition_failed");
    // Of several values one is enough, and without the attribute nothing fits.
    let mut teacher = of_school("teachers", "t", "south");
    teacher["attributes"]["school"] = json!(["south", "north"]);
    assert_eq!(sees(&bundle, "vendor", teacher.clone()), "id");
    for nothing in [json!([]), json!(null)] {
        teacher["attributes"]["school"] = nothing;
        assert_eq!(sees(&bundle, "vendor", teacher.clone()), "condition_failed");
    }
}

#[test]
fn a_record_is_visible_only_if_a_parent_of_each_type_is() {
    // CL-05
    let bundle = with(
        "sharing:\n  vendor:\n    schools: {only: {id: [north]}, fields: all}\n    students: {fields: [id]}\n    \
         contacts: {fields: [id]}\n",
    );
    assert_eq!(sees(&bundle, "vendor", student("kim", "north")), "id");
    assert_eq!(sees(&bundle, "vendor", student("kim", "south")), "condition_failed");
    // None where one is declared.
    let mut alone = student("kim", "north");
    alone["related"] = json!([]);
    assert_eq!(sees(&bundle, "vendor", alone.clone()), "attribute_missing");
    // One of another type is no parent.
    alone["related"] = json!([{"record": "district_admins", "id": "d"}]);
    assert_eq!(sees(&bundle, "vendor", alone.clone()), "attribute_missing");
    // Of several of one type one suffices.
    alone["related"] = json!([school("south"), school("north")]);
    assert_eq!(sees(&bundle, "vendor", alone), "id");
    // And so on upwards.
    let mut of_south = contact("x", &[]);
    of_south["related"] = json!([student("kim", "south")]);
    assert_eq!(sees(&bundle, "vendor", of_south.clone()), "condition_failed");
    of_south["related"] = json!([student("kim", "south"), student("lee", "north")]);
    assert_eq!(sees(&bundle, "vendor", of_south), "id");
}

#[test]
fn of_several_types_of_parents_one_of_each_must_be_visible() {
    // CL-05
    let text = "bundle: {name: two, time_zone: UTC}\ndomains: {d: {precedence: union, levels: [school]}}\n\
        people: {app: {kinds: [application]}}\nroutes: {}\n\
        records: {users: {fields: {id: ~}}, sections: {fields: {id: ~}}, enrolments: {parents: [sections, users], fields: {id: ~}}}\n\
        sharing: {app: {users: {fields: [id]}, sections: {only: {id: [s]}, fields: [id]}, enrolments: {fields: [id]}}}\n";
    let bundle = load(&one_file(text));
    let enrolment = |related: &[(&str, &str)]| {
        let related = related.iter().map(|(record, id)| json!({"record": record, "id": id}));
        json!({"record": "enrolments", "id": "e", "related": related.collect::<Vec<_>>()})
    };
    assert_eq!(sees(&bundle, "app", enrolment(&[("users", "u"), ("sections", "s")])), "id");
    assert_eq!(sees(&bundle, "app", enrolment(&[("users", "u")])), "attribute_missing");
    assert_eq!(sees(&bundle, "app", enrolment(&[("users", "u"), ("sections", "t")])), "condition_failed");
}

#[test]
fn a_list_of_references_to_a_type_that_is_not_shared_is_removed_as_a_field() {
    // CL-05, CL-12, CL-13
    let all = "schools: {fields: all}, students: {fields: all}, sections: {fields: all}";
    let bundle = with(&format!("sharing: {{vendor: {{{all}}}}}\n"));
    assert_eq!(sees(&bundle, "vendor", school("north")), "id name");
    assert_eq!(sees(&bundle, "vendor", student("kim", "north")), "id name grade home.town");
    assert_eq!(sees(&bundle, "vendor", of_school("sections", "s", "north")), "id name students");
    assert_eq!(sees(&bundle, "vendor", contact("x", &[("parent", "kim")])), "record_type_not_shared");
    let more = "contacts: {fields: all}, district_admins: {fields: all}";
    let bundle = with(&format!("sharing: {{vendor: {{{all}, {more}}}}}\n"));
    assert_eq!(sees(&bundle, "vendor", school("north")), "id name district_contact");
    assert_eq!(sees(&bundle, "vendor", student("kim", "north")), "id name grade home.town contacts");
}

#[test]
fn nothing_is_implied_unless_it_is_written() {
    // CL-06
    let rules = |implies: &str| {
        format!(
            "sharing:\n  vendor:\n    schools: {{fields: all}}\n    students: {{only: {{grade: ['3']}}, fields: [id]}}\n    \
             sections: {{only: {{id: [s-1]}}, fields: [id]{implies}}}\n"
        )
    };
    let (without, with_it) = (with(&rules("")), with(&rules(", implies: [students]")));
    let in_section = |id: &str| {
        let mut student = student("kim", "north");
        student["related"].as_array_mut().unwrap().push(of_school("sections", id, "north"));
        student
    };
    assert_eq!(sees(&without, "vendor", in_section("s-1")), "condition_failed");
    assert_eq!(sees(&with_it, "vendor", in_section("s-1")), "id");
    // A section that is not shared implies nobody.
    assert_eq!(sees(&with_it, "vendor", in_section("s-2")), "condition_failed");
    // Who is selected without it stays selected.
    let mut third = student("kim", "north");
    third["attributes"]["grade"] = json!(3);
    assert_eq!(sees(&with_it, "vendor", third), "id");
    // One that is implied needs its parents as any other.
    let mut without_school = in_section("s-1");
    without_school["related"].as_array_mut().unwrap().remove(0);
    assert_eq!(sees(&with_it, "vendor", without_school), "attribute_missing");
    let only = rules(", implies: [students]").replace("only: {grade: ['3']}", "only: implied");
    let only = with(&only);
    assert_eq!(sees(&only, "vendor", in_section("s-1")), "id");
    assert_eq!(sees(&only, "vendor", student("kim", "north")), "condition_failed");
}

#[test]
fn what_a_record_implies_does_not_hang_on_whether_the_person_may_have_it() {
    // CL-06: a section of a school that is none of the secretary's implies the student of theirs.
    let sharing = "sharing:\n  vendor:\n    schools: {fields: all}\n    students: {only: implied, fields: [id]}\n    \
                   sections: {only: {id: [s-1]}, fields: [id], implies: [students]}\n";
    let in_section = |id: &str| {
        let mut student = student("kim", "north");
        student["related"].as_array_mut().unwrap().push(of_school("sections", id, "south"));
        student
    };
    let block = "blocks: [{subject: sec, scope: school/south, reason: a conflict}]\n";
    for bundle in [with(sharing), with(&format!("{block}{sharing}"))] {
        let see = |id: &str| sees_through(&bundle, "sec", Some("vendor"), in_section(id));
        assert_ne!(sees(&bundle, "sec", of_school("sections", "s-1", "south")), "id name students");
        assert_eq!(see("s-1"), "id");
        assert_eq!(see("s-2"), "condition_failed");
    }
}

#[test]
fn sensitive_fields_are_removed_at_every_depth_unless_each_is_written_out() {
    // CL-07
    let bundle = with("sharing: {vendor: {schools: {fields: all}, students: {fields: [id, name, iep]}}}\n");
    let kim = student("kim", "north");
    assert_eq!(sees(&bundle, "vendor", kim.clone()), "id name iep");
    use Shown::{No, Parts, Whole};
    // Written out are `iep` and what stands in it; not the same name elsewhere, and no other sensitive one within.
    assert_eq!(
        shows(
            &bundle,
            "vendor",
            &kim,
            ["iep.status", "name.iep", "name.first", "iep.frl", "name.FRL", "frl"]
        ),
        [Whole, No, Whole, No, No, No]
    );
    // In other types, too.
    assert_eq!(
        shows(&bundle, "vendor", &school("north"), ["name.iep", "name.ELL.since", "name.short"]),
        [No, No, Whole]
    );
    // A part of a member is not the member.
    let bundle = with("sharing: {vendor: {schools: {fields: all}, students: {fields: [home.town]}}}\n");
    assert_eq!(
        shows(&bundle, "vendor", &kim, ["home", "home.town", "home.street", "homes"]),
        [Parts, Whole, No, No]
    );
}

#[test]
fn extension_fields_have_a_rule_of_their_own() {
    // CL-08
    let rule = |rule: &str| {
        with(&format!("sharing: {{vendor: {{schools: {{fields: all}}, students: {{fields: all}}{rule}}}}}\n"))
    };
    use Shown::{No, Parts, Whole};
    let kim = student("kim", "north");
    let paths = ["ext", "ext.bus_route", "ext.medication", "ext.locker", "ext.bus_route.stop"];
    assert_eq!(shows(&rule(""), "vendor", &kim, paths), [No; 5]);
    assert_eq!(shows(&rule(", extension_fields: off"), "vendor", &kim, paths), [No; 5]);
    let all = rule(", extension_fields: {fields: all}");
    assert_eq!(shows(&all, "vendor", &kim, paths), [Parts, Whole, No, No, Whole]);
    let one = rule(", extension_fields: {fields: [medication]}");
    assert_eq!(shows(&one, "vendor", &kim, paths), [Parts, No, Whole, No, No]);
    let both = rule(", extension_fields: {fields: [all, medication]}");
    assert_eq!(shows(&both, "vendor", &kim, paths), [Parts, Whole, Whole, No, Whole]);
    // A rule that names no field leaves not even the member.
    assert_eq!(shows(&rule(", extension_fields: {fields: []}"), "vendor", &kim, paths), [No; 5]);
    // The rule of the type cannot share them.
    let told = complaints("sharing: {vendor: {students: {fields: [id, ext.bus_route]}}}\n");
    assert_eq!(told, ["unknown_name ext.bus_route"]);
}

#[test]
fn each_type_has_its_own_list_of_fields() {
    // CL-09
    let bundle = with(
        "sharing: {vendor: {district_admins: {fields: [email]}, schools: {fields: [id]}, teachers: {fields: [name]}}}\n",
    );
    let admin = json!({"record": "district_admins", "id": "d"});
    assert_eq!(sees(&bundle, "vendor", admin), "email");
    assert_eq!(sees(&bundle, "vendor", school("south")), "id");
    assert_eq!(sees(&bundle, "vendor", of_school("teachers", "t", "south")), "name");
}

#[test]
fn contacts_are_filtered_by_type_and_relationship_and_keep_the_links_that_match() {
    // CL-10, CL-11
    let bundle = with(
        "sharing:\n  vendor:\n    schools: {fields: all}\n    students: {only: {id: [kim, lee]}, fields: [id]}\n    \
         contacts: {only: {type: [parent_guardian], relationship: [parent, aunt]}, fields: [id, name]}\n",
    );
    let see = |kind, links: &[(&str, &str)]| sees(&bundle, "vendor", contact(kind, links));
    assert_eq!(see("parent_guardian", &[("parent", "kim")]), "id name");
    assert_eq!(see("emergency", &[("parent", "kim")]), "condition_failed");
    assert_eq!(see("parent_guardian", &[("neighbour", "kim")]), "condition_failed");
    assert_eq!(see("parent_guardian", &[]), "attribute_missing");
    // The relationship and the student must fit on one and the same way.
    assert_eq!(see("parent_guardian", &[("neighbour", "kim"), ("parent", "someone")]), "condition_failed");
    let links = [("neighbour", "kim"), ("aunt", "lee"), ("parent", "kim"), ("parent", "someone")];
    let record = contact("parent_guardian", &links);
    let request = request(&bundle, "vendor", None, &record);
    let resolved = request.resolve(&bundle, Time::parse_rfc3339(NOW).unwrap()).unwrap();
    let asked = resolved.request();
    let Ask::Record(given) = asked.ask else { panic!() };
    let judged = judge(&bundle, asked.viewer(), given, asked.now);
    let kept: Vec<bool> = (0..5).map(|place| judged.keeps(place)).collect();
    assert_eq!(kept, [false, true, true, false, false]);
}

#[test]
fn contacts_that_are_off_leave_nothing() {
    // CL-12
    let bundle = with(
        "sharing: {vendor: {schools: {fields: all}, students: {fields: [all, contacts]}, contacts: off}}\n",
    );
    assert_eq!(sees(&bundle, "vendor", contact("x", &[("parent", "kim")])), "record_type_not_shared");
    assert_eq!(sees(&bundle, "vendor", student("kim", "north")), "id name grade home.town");
    assert_eq!(
        shows(&bundle, "vendor", &student("kim", "north"), ["contacts", "contacts.name"]),
        [Shown::No; 2]
    );
}

#[test]
fn district_admins_that_are_off_are_gone_from_other_records_too() {
    // CL-13
    let bundle =
        with("sharing: {vendor: {schools: {fields: [id, district_contact]}, district_admins: off}}\n");
    assert_eq!(
        sees(&bundle, "vendor", json!({"record": "district_admins", "id": "d"})),
        "record_type_not_shared"
    );
    assert_eq!(sees(&bundle, "vendor", school("north")), "id");
}

#[test]
fn a_sharing_with_one_mistake_takes_no_effect_at_all() {
    // CL-14
    let good = "sharing: {vendor: {schools: {fields: all}, teachers: {fields: [id]}}}\n";
    let other = with("sharing: {vendor: {schools: {fields: all}, teachers: {fields: [id, name]}}}\n");
    assert_ne!(with(good).revision(), other.revision());
    assert_eq!(
        complaints("sharing: {vendor: {schools: {fields: all}, teachers: {fields: [id, shoe]}}}\n"),
        ["unknown_name shoe"]
    );
}

#[test]
fn all_never_covers_what_is_sensitive_and_nothing_that_is_not_in_the_catalogue() {
    // CL-17
    let bundle = with(
        "sharing: {vendor: {schools: {fields: all}, students: {fields: all}, contacts: {fields: all}}}\n",
    );
    let kim = student("kim", "north");
    assert_eq!(sees(&bundle, "vendor", kim.clone()), "id name grade home.town contacts");
    // A field that the app adds next year, and one that begins like another.
    assert_eq!(shows(&bundle, "vendor", &kim, ["ssn", "name2", "home.street"]), [Shown::No; 3]);
    let more = with("sharing: {vendor: {schools: {fields: all}, students: {fields: [all, ell]}}}\n");
    assert_eq!(sees(&more, "vendor", kim), "id name grade home.town ell");
}

#[test]
fn through_an_application_both_must_allow() {
    let bundle = with(
        "sharing: {vendor: {schools: {fields: all}, students: {only: {school: [north]}, fields: [id, name, iep]}}}\n",
    );
    let see = |who, record| sees_through(&bundle, who, Some("vendor"), record);
    assert_eq!(see("sec", student("kim", "north")), "id name");
    assert_eq!(see("coun", student("kim", "north")), "id name iep");
    assert_eq!(see("dana", student("kim", "south")), "condition_failed");
    assert_eq!(see("both", school("south")), "permission_not_granted");
    assert_eq!(see("sec", contact("x", &[("parent", "kim")])), "record_type_not_shared");
    // An application that comes through another is bound by both sharings.
    assert_eq!(sees_through(&bundle, "vendor", Some("quiet"), school("north")), "record_type_not_shared");
    assert_eq!(sees_through(&bundle, "quiet", Some("vendor"), school("north")), "record_type_not_shared");
    // One and the same parent must be visible by both.
    let mut two = student("kim", "north");
    two["related"] = json!([{"record": "schools", "id": "north", "attributes": {"id": "south"}}]);
    assert_eq!(see("sec", two), "no_role_in_context");
}

#[test]
fn mistakes_in_the_catalogue_are_told() {
    let told = |text: &str| {
        let text = format!(
            "bundle: {{name: m, time_zone: UTC}}\n\
             domains: {{d: {{precedence: union, levels: [school, class], scopes: {{school/x: ~}}, \
             modules: {{m: {{level: school, permissions: {{see: ~}}}}, c: {{level: class, permissions: {{see: ~}}}}}}}}}}\n\
             people: {{app: {{kinds: [application]}}, ari: {{kinds: [staff]}}}}\nroutes: {{}}\nrecords:\n{text}"
        );
        policy_support::told(&one_file(&text))
            .into_iter()
            .map(|told| {
                let mut parts = told.splitn(3, ' ');
                let code = parts.next().unwrap().to_owned();
                format!("{code} {}", parts.nth(1).unwrap_or_default())
            })
            .collect::<Vec<_>>()
    };
    for (text, expected) in [
        ("  a: {}\n", "missing_key a"),
        ("  a: {fields: {id: ~}, colour: red}\n", "unknown_key colour"),
        ("  a b: {fields: {id: ~}}\n", "bad_name a b"),
        ("  extension_fields: {fields: {id: ~}}\n", "bad_name extension_fields"),
        ("  a: {parents: [b], fields: {id: ~}}\n", "unknown_name b"),
        ("  a: {parents: [a], fields: {id: ~}}\n", "cycle a"),
        ("  a: {fields: {a..b: ~}}\n", "bad_name a..b"),
        ("  a: {fields: {all: ~}}\n", "bad_name all"),
        ("  a: {scope: planet, fields: {id: ~}}\n", "unknown_name planet"),
        ("  a: {view: m.see, fields: {id: ~}}\n", "missing_key view"),
        ("  a: {scope: school, view: m.seen, fields: {id: ~}}\n", "unknown_name m.seen"),
        ("  a: {scope: school, view: c.see, fields: {id: ~}}\n", "wrong_level c.see"),
        ("  a: {scope: school, fields: {id: {needs: c.see}}}\n", "wrong_level c.see"),
        ("  a: {fields: {id: {refers: b}}}\n", "unknown_name b"),
        ("  a: {fields: {id: {sensitive: yes}}}\n", "wrong_type yes"),
        ("  a: {links: {b: [x]}, fields: {id: ~}}\n", "unknown_name b"),
        ("  a: {keys: [x, x], fields: {id: ~}}\n", "duplicate_name x"),
        ("  b: {fields: {id: ~}}\n  a: {parents: [b, b], fields: {id: ~}}\n", "duplicate_name b"),
    ] {
        assert_eq!(told(text), [expected], "{text}");
    }
    let circle =
        "  a: {parents: [b], fields: {}}\n  b: {parents: [c], fields: {}}\n  c: {parents: [a], fields: {}}\n";
    assert_eq!(told(circle), ["cycle a", "cycle b", "cycle c"]);
}

#[test]
fn mistakes_in_the_sharing_are_told() {
    for (sharing, expected) in [
        ("{sec: {schools: {fields: all}}}", "unknown_name sec"),
        ("{nobody: {schools: {fields: all}}}", "unknown_name nobody"),
        ("{vendor: {pupils: {fields: all}}}", "unknown_name pupils"),
        ("{vendor: {schools: {}}}", "missing_key schools"),
        ("{vendor: {schools: {fields: some}}}", "wrong_type some"),
        ("{vendor: {schools: {fields: [id, all]}}}", "wrong_type [id, all]"),
        ("{vendor: {schools: {fields: [id, shoe]}}}", "unknown_name shoe"),
        ("{vendor: {schools: {fields: [id, id]}}}", "duplicate_name id"),
        ("{vendor: {schools: {fields: [id], colour: red}}}", "unknown_key colour"),
        ("{vendor: {schools: {only: {}, fields: [id]}}}", "empty_list only"),
        ("{vendor: {schools: {only: {id: []}, fields: [id]}}}", "empty_list []"),
        ("{vendor: {schools: {only: {shoe: [x]}, fields: [id]}}}", "unknown_name shoe"),
        ("{vendor: {teachers: {only: {school: [nroth]}, fields: [id]}}}", "unknown_name nroth"),
        ("{vendor: {schools: {fields: [id], implies: [pupils]}}}", "unknown_name pupils"),
        ("{vendor: {sections: {fields: [id], implies: [students]}}}", "implied_without_fields students"),
        (
            "{vendor: {sections: {fields: [id], implies: [students]}, students: off}}",
            "implied_without_fields students",
        ),
        ("{vendor: {students: {only: implied, fields: [id]}}}", "not_implied students"),
        ("{vendor: {sections: {fields: [id], implies: [sections]}}}", "cycle sections"),
        (
            "{vendor: {students: {fields: [id], implies: [schools]}, schools: {fields: [id]}}}",
            "cycle schools",
        ),
        ("{vendor: {extension_fields: {fields: [shoe]}}}", "unknown_name shoe"),
        ("{vendor: {extension_fields: {}}}", "missing_key extension_fields"),
    ] {
        assert_eq!(complaints(&format!("sharing: {sharing}\n")), [expected], "{sharing}");
    }
    let without = "bundle: {name: m, time_zone: UTC}\ndomains: {d: {precedence: union, levels: [school]}}\n\
                   people: {app: {kinds: [application]}}\nroutes: {}\nsharing: {app: {}}\n";
    assert!(told(&one_file(without))[0].starts_with("missing_key"));
}

/// What may be said of a type, by its place.
const RULES: [[&str; 4]; 3] = [
    ["off", "{fields: all}", "{only: {id: [north]}, fields: [id]}", "{fields: [name]}"],
    [
        "off",
        "{fields: [all, iep, frl]}",
        "{only: {grade: ['3']}, fields: [id, iep]}",
        "{only: implied, fields: all}",
    ],
    [
        "off",
        "{fields: all}",
        "{fields: [id], implies: [students]}",
        "{only: {id: [s-1]}, fields: all, implies: [students]}",
    ],
];

fn record() -> impl Strategy<Value = Value> {
    let at = prop_oneof![Just("north"), Just("south")];
    let schools = proptest::collection::vec(at, 0..3);
    let who = prop_oneof![Just("kim"), Just("lee"), Just("someone")];
    let section = proptest::option::of(prop_oneof![Just("s-1"), Just("s-2")]);
    (schools, who, 2..5_i32, section).prop_map(|(schools, who, grade, section)| {
        let mut related: Vec<Value> = schools.iter().map(|id| school(id)).collect();
        related.extend(section.map(|id| of_school("sections", id, "north")));
        json!({"record": "students", "id": who, "attributes": {"school": schools, "grade": grade}, "related": related})
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Who comes through an application gets no record and no field that either alone would not get, and what both get
    /// they get together, where no other parent is needed for the one than for the other.
    #[test]
    fn through_an_application_is_what_both_allow(
        rules in [0..4_usize, 0..4, 0..4],
        extensions in any::<bool>(),
        who in prop_oneof![Just("dana"), Just("sec"), Just("coun"), Just("both"), Just("pat")],
        blocked in proptest::option::weighted(0.2, prop_oneof![Just("vendor"), Just("sec")]),
        record in record(),
    ) {
        let [schools, students, sections] = [0, 1, 2].map(|at| RULES[at][rules[at]]);
        let extensions = if extensions { "{fields: all}" } else { "off" };
        let block = blocked.map(|who| format!("blocks: [{{subject: {who}, student: kim, reason: x}}]\n"));
        let text = format!(
            "{DISTRICT}{}sharing: {{vendor: {{schools: {schools}, students: {students}, sections: {sections}, \
             extension_fields: {extensions}}}}}\nroutes: {{}}\n",
            block.unwrap_or_default()
        );
        // Some of these do not load: nothing implies what is only implied, or what is implied is off.
        let Some(bundle) = hallpass::policy::compile(&one_file(&text)).bundle else { return Ok(()) };
        let paths = ["id", "name", "grade", "iep", "frl", "ell", "contacts", "ext", "ext.bus_route", "ext.medication", "name.iep", "new", "home"];
        let by = |subject: &str, through| {
            let request = request(&bundle, subject, through, &record);
            let resolved = request.resolve(&bundle, Time::parse_rfc3339(NOW).unwrap()).unwrap();
            let asked = resolved.request();
            let Ask::Record(given) = asked.ask else { panic!() };
            let judged = judge(&bundle, asked.viewer(), given, asked.now);
            (judged.decision().is_allow(), paths.map(|path| judged.shows(path)))
        };
        let (alone, vendor, through) = (by(who, None), by("vendor", None), by(who, Some("vendor")));
        prop_assert!(!through.0 || (alone.0 && vendor.0));
        for (at, path) in paths.iter().enumerate() {
            let both = if through.0 { alone.1[at].min(vendor.1[at]) } else { Shown::No };
            prop_assert_eq!(through.1[at], both, "{}", path);
        }
        let one_school = record["attributes"]["school"].as_array().unwrap().len() == 1;
        prop_assert!(!one_school || through.0 == (alone.0 && vendor.0));
    }
}

#[cfg(feature = "serve")]
#[test]
fn operators_read_what_is_shared_with_whom() {
    // CL-18: the filters that the other side must use too.
    let place = std::env::temp_dir().join(format!("hallpass-shared-{}", std::process::id()));
    std::fs::create_dir_all(&place).unwrap();
    let sharing = "sharing:\n  vendor:\n    students: {only: {school: [north]}, fields: [id, iep]}\n    \
                   sections: {fields: [id], implies: [students]}\n    \
                   contacts: {only: {type: [parent_guardian], relationship: [parent, aunt]}, fields: [id]}\n";
    std::fs::write(place.join("bundle.yaml"), format!("{DISTRICT}{sharing}routes: {{}}\n")).unwrap();
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_hallpass")).arg("check").arg(&place).output().unwrap();
    std::fs::remove_dir_all(&place).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let (_, told) = told.split_once("shared with vendor:\n").unwrap();
    assert_eq!(
        told,
        "  district_admins: off\n  schools: off\n  school_admins: off\n  teachers: off\n  \
         students: id, iep; only school north, and those of shared sections\n  \
         contacts: id; only type parent_guardian, relationship parent or aunt to one of students\n  \
         sections: id\n  extension fields: off\n"
    );
}

#[test]
fn extension_fields_are_shared_of_types_that_list_them_alone() {
    let bundle = load(&one_file(
        "bundle: {name: extensions, time_zone: UTC}\n\
         domains: {d: {precedence: union, levels: [school]}}\n\
         people: {all: {kinds: [application]}, named: {kinds: [application]}}\n\
         records:\n  \
           students: {extensions: ext, fields: {id: ~, ext.bus: ~}}\n  \
           teachers: {extensions: ext, fields: {id: ~, ext.room: ~}}\n\
         sharing:\n  \
           all: {students: {fields: all}, teachers: {fields: all}, extension_fields: {fields: all}}\n  \
           named: {students: {fields: all}, teachers: {fields: all}, extension_fields: {fields: [bus]}}\n\
         routes: {}\n",
    ));
    let of = |record: &str| json!({"record": record, "id": "1"});
    for (who, record, expected) in [
        ("all", "students", [Shown::Whole, Shown::No]),
        ("all", "teachers", [Shown::No, Shown::Whole]),
        ("named", "students", [Shown::Whole, Shown::No]),
        ("named", "teachers", [Shown::No, Shown::No]),
    ] {
        assert_eq!(shows(&bundle, who, &of(record), ["ext.bus", "ext.room"]), expected, "{who} {record}");
    }
}

#[test]
fn a_filter_by_the_way_holds_for_every_parent_type_that_has_it_and_for_the_record() {
    let bundle = load(&one_file(
        "bundle: {name: ways, time_zone: UTC}\n\
         domains: {d: {precedence: union, levels: [school]}}\n\
         people: {app: {kinds: [application]}}\n\
         records:\n  \
           students: {fields: {id: ~}}\n  \
           homes: {fields: {id: ~}}\n  \
           contacts: {parents: [students, homes], links: {students: [rel], homes: [rel]}, keys: [rel], fields: {id: ~}}\n\
         sharing: {app: {students: {fields: all}, homes: {fields: all}, contacts: {fields: all, only: {rel: [near]}}}}\n\
         routes: {}\n",
    ));
    let contact = |own: &str, student: &str, home: &str| {
        json!({"record": "contacts", "id": "c", "attributes": {"rel": own}, "related": [
            {"record": "students", "id": "s", "link": {"rel": student}},
            {"record": "homes", "id": "h", "link": {"rel": home}},
        ]})
    };
    assert_eq!(sees(&bundle, "app", contact("near", "near", "near")), "id");
    for (own, student, home) in [("near", "near", "far"), ("near", "far", "near"), ("far", "near", "near")] {
        assert_ne!(sees(&bundle, "app", contact(own, student, home)), "id", "{own} {student} {home}");
    }
}
