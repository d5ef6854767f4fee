//! Assignments, relations and people that follow from a roster, against the same bundle with all of it written by hand as
//! the policy model (section 8) and `docs/bundle.md` say.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub)]

#[path = "oracle/random.rs"]
#[allow(dead_code)]
mod random;

use hallpass::decision::authzen::Request;
use hallpass::decision::{Decision, decide};
use hallpass::policy::{self, Bundle, Roster, Source, compile_with};
use hallpass::time::Time;
use random::Random;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

const SCHOOLS: [&str; 2] = ["north", "south"];
const CLASSES: [(&str, &str); 3] = [("1A", "north"), ("1B", "north"), ("2A", "south")];
const STAFF: [(&str, &str); 5] =
    [("tim", "teacher"), ("tom", "teacher"), ("ada", "administrator"), ("aya", "aide"), ("off", "teacher")];
const STUDENTS: [&str; 3] = ["una", "sol", "kim"];
const GUARDIANS: [&str; 2] = ["gus", "gil"];

/// One school district, as a roster and as text written by hand.
struct World {
    roster: Roster,
    derived: String,
    by_hand: String,
    /// Who is to be deleted: known and suspended, and of no kind.
    gone: Vec<&'static str>,
}

/// Where a child is: the class, its school, and on which days as they are written by hand.
type Place<'a> = (Option<&'a str>, &'a str, String);

/// The plain date before one of November 2026.
fn before(day: u32) -> String {
    if day == 1 { "2026-10-31".to_owned() } else { format!("2026-11-{:02}", day - 1) }
}

fn world(r: &mut Random) -> World {
    let level = |r: &mut Random, of: &[&'static str]| *r.pick(of);
    let roles: Vec<(&str, &str)> = vec![
        ("teacher", level(r, &["class", "class", "school"])),
        ("student", level(r, &["class", "school"])),
        ("administrator", level(r, &["school", "school", "district"])),
        ("aide", "school"),
        ("guardian", level(r, &["class", "school"])),
    ];
    let derived: Vec<(&str, &str)> = roles.iter().copied().filter(|_| r.chance(85)).collect();
    let (mut orgs, mut users, mut classes, mut enrolments) = (
        "sourcedId,status,type,parentSourcedId\nlake,,district,\n".to_owned(),
        "sourcedId,status,enabledUser,orgSourcedIds,role,agentSourcedIds\n".to_owned(),
        "sourcedId,status,schoolSourcedId\n".to_owned(),
        "sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate\nfirst,tobedeleted,1A,tim,teacher,,\n".to_owned(),
    );
    let mut scopes = "      district/lake:\n".to_owned();
    for school in SCHOOLS {
        let _ = writeln!(orgs, "{school},active,school,lake");
        let _ = writeln!(scopes, "        school/{school}:");
        for (class, _) in CLASSES.iter().filter(|(_, of)| *of == school) {
            let _ = writeln!(classes, "{class},,{school}");
            let _ = writeln!(scopes, "          class/{class}:");
        }
    }
    let (mut people, mut assignments, mut relations, mut guardians) =
        (String::new(), BTreeSet::new(), String::new(), String::new());
    let bears_forms: Vec<&str> =
        roles.iter().map(|(word, _)| *word).filter(|word| *word != "guardian" && r.chance(40)).collect();
    let mut hold = |who: &str, word: &str, school: Option<&str>, class: Option<&str>, dates: &str| {
        let Some((_, level)) = derived.iter().find(|(known, _)| *known == word) else { return };
        let scope = match (*level, class, school) {
            ("class", Some(class), _) => format!("class/{class}"),
            ("school", _, Some(school)) => format!("school/{school}"),
            ("district", None, None) => "district/lake".to_owned(),
            _ => return,
        };
        let building = school.filter(|_| bears_forms.contains(&word));
        let buildings = building.map_or(String::new(), |school| format!(", buildings: [school/{school}]"));
        assignments.insert(format!("{{subject: {who}, role: {word}, scope: {scope}{buildings}{dates}}}"));
    };
    let mut gone: Vec<&'static str> = Vec::new();
    for (id, word) in STAFF {
        let deleted = r.chance(10);
        let enabled = id != "off";
        let at: Vec<&str> = ["north", "south", "lake"].into_iter().filter(|_| r.chance(50)).collect();
        let status = if deleted { "tobedeleted" } else { "" };
        let _ = writeln!(users, "{id},{status},{enabled},\"{}\",{word},", at.join(","));
        let _ = writeln!(people, "  {id}: {{kinds: [staff], enabled: {}}}", enabled && !deleted);
        if deleted {
            gone.push(id);
            continue;
        }
        for org in at.iter().filter(|_| word != "teacher") {
            let school = SCHOOLS.contains(org).then_some(*org);
            hold(id, word, school, None, "");
        }
    }
    let agents: Vec<Vec<&str>> =
        STUDENTS.iter().map(|_| GUARDIANS.into_iter().filter(|_| r.chance(50)).collect()).collect();
    // What each student is in: schools always, classes of these on their days.
    let mut children: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for (student, agents) in STUDENTS.into_iter().zip(&agents) {
        let count = r.between(1, 2);
        let at = r.some(&SCHOOLS, count);
        let _ = writeln!(users, "{student},,true,\"{}\",student,\"{}\"", at.join(","), agents.join(","));
        let buildings: Vec<String> = at.iter().map(|school| format!("school/{school}")).collect();
        let _ = writeln!(people, "  {student}: {{kinds: [student], buildings: [{}]}}", buildings.join(", "));
        for school in at {
            hold(student, "student", Some(school), None, "");
            children.entry(student).or_default().push((None, school, String::new()));
        }
        for agent in agents {
            let _ = writeln!(guardians, "  - {{guardian: {agent}, student: {student}}}");
        }
    }
    for guardian in GUARDIANS {
        let _ = writeln!(users, "{guardian},,true,,guardian,");
        let _ = writeln!(people, "  {guardian}: {{kinds: [guardian]}}");
    }
    for number in 0..r.between(2, 8) {
        let (class, school) = *r.pick(&CLASSES);
        let teaches = r.chance(50);
        let who = if teaches { r.pick(&STAFF).0 } else { *r.pick(&STUDENTS) };
        let in_school = |who: &str| children[who].iter().any(|(_, at, _)| *at == school);
        if !teaches && !in_school(who) {
            continue;
        }
        let part = if teaches { "teacher" } else { "student" };
        let deleted = r.chance(12);
        let begin = if r.chance(40) { r.between(1, 14) as u32 } else { 0 };
        let end = if r.chance(40) { r.between(15, 28) as u32 } else { 0 };
        let date = |day: u32| if day == 0 { String::new() } else { format!("2026-11-{day:02}") };
        let status = if deleted { "tobedeleted" } else { "active" };
        let _ = writeln!(enrolments, "e{number},{status},{class},{who},{part},{},{}", date(begin), date(end));
        if deleted || gone.contains(&who) {
            continue;
        }
        // "OneRoster's exclusive `endDate` is converted": the last day is the one before.
        let mut dates = String::new();
        if begin > 0 {
            let _ = write!(dates, ", from: {}", date(begin));
        }
        if end > 0 {
            let _ = write!(dates, ", until: {}", before(end));
        }
        let _ = writeln!(relations, "  - {{person: {who}, scope: class/{class}, part: {part}{dates}}}");
        hold(who, part, Some(school), Some(class), &dates);
        if !teaches {
            children.entry(who).or_default().push((Some(class), school, dates));
        }
    }
    for (student, agents) in STUDENTS.into_iter().zip(&agents) {
        for (class, school, dates) in &children[student] {
            for agent in agents {
                hold(agent, "guardian", Some(school), *class, dates);
            }
        }
    }
    let mut policy = format!(
        "bundle: {{name: rostered, time_zone: Europe/Berlin}}\n<rosters>domains:\n  d:\n    precedence: {}\n    \
         levels: [district, school, class]\n<scopes>    modules:\n      \
         office: {{level: school, permissions: {{run: ~}}}}\n      \
         work: {{level: class, gate_at: school, permissions: {{see: ~, mark: {{requires: [work.see]}}}}}}\n      \
         portal: {{level: class, permissions: {{view: ~}}}}\n      \
         documents: {{level: school, permissions: {{administer: ~}}}}\n    roles:\n",
        if r.chance(50) { "union" } else { "most_specific" },
    );
    let relation = |r: &mut Random, word: &str| match r.below(4) {
        0 => format!("{{{word}: own_classes}}"),
        1 => format!("{{{word}: own_children}}"),
        _ => word.to_owned(),
    };
    for (word, level) in &roles {
        let mut grants: Vec<String> = Vec::new();
        if *level != "class" && r.chance(60) {
            grants.push("office: all".to_owned());
            grants.push("documents: all".to_owned());
        }
        grants.push(format!("work: [{}, {}]", relation(r, "see"), relation(r, "mark")));
        if r.chance(60) {
            grants.push(format!("portal: [{}]", relation(r, "view")));
        }
        let forms = if bears_forms.contains(word) {
            let entry = *r.pick(&[
                "{default: view, max: owner}",
                "{default: none, max: edit}",
                "{default: edit, max: edit}",
            ]);
            format!(", forms: {{report: {entry}}}")
        } else {
            String::new()
        };
        let _ =
            writeln!(policy, "      {word}: {{level: {level}, grants: {{{}}}{forms}}}", grants.join(", "));
    }
    policy.push_str(
        "    forms: {report: ~}\n    buildings: school\n    when_unassigned: {default: none, max: none}\n    \
         when_no_buildings: {default: none, max: none}\n    explicit_grants_outside_buildings: allow\n    \
         create_outside_buildings: deny\n",
    );
    if r.chance(25) {
        policy.push_str("    mandatory: {level: school, kinds: [staff]}\n");
    }
    let words: Vec<String> = derived.iter().map(|(word, _)| format!("{word}: {word}")).collect();
    let join = format!("    rosters: [sis]\n    from_roster: {{derived: {{{}}}}}\n", words.join(", "));
    let rosters = "rosters: {sis: {format: oneroster, bad_rows_max: 0%, levels: {district: district, school: school, \
                   class: class}, kinds: {teacher: staff, administrator: staff, aide: staff, student: student, \
                   guardian: guardian}}}\n";
    let by_roster = policy.replace("<rosters>", rosters).replace("<scopes>", &join);
    let mut by_hand = policy.replace("<rosters>", "").replace("<scopes>", &format!("    scopes:\n{scopes}"));
    let _ = write!(by_hand, "people:\n{people}assignments:\n");
    for assignment in &assignments {
        let _ = writeln!(by_hand, "  - {assignment}");
    }
    for (name, rows) in [("enrolments", relations), ("guardians", guardians)] {
        if !rows.is_empty() {
            let _ = write!(by_hand, "{name}:\n{rows}");
        }
    }
    let manifest = "propertyName,value\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\nfile.classes,bulk\n\
                    file.enrollments,bulk\n";
    let files = [
        ("manifest.csv", manifest.to_owned()),
        ("orgs.csv", orgs),
        ("users.csv", users),
        ("classes.csv", classes),
        ("enrollments.csv", enrolments),
    ];
    let files = files.into_iter().map(|(name, text)| Source { name: name.to_owned(), bytes: text.into() });
    World {
        roster: Roster { name: "sis".to_owned(), files: files.collect(), pinned: None },
        derived: by_roster,
        by_hand,
        gone,
    }
}

fn load(text: &str, rosters: &[Roster]) -> Bundle {
    let sources = [Source { name: "bundle.yaml".to_owned(), bytes: text.into() }];
    let compiled = compile_with(&sources, rosters);
    compiled
        .bundle
        .unwrap_or_else(|| panic!("{}\n{text}", policy::render(&compiled.diagnostics, &sources, false)))
}

/// The reason, and by name what decided.
fn told(bundle: &Bundle, request: &serde_json::Value) -> (&'static str, Option<String>, Option<String>) {
    let request = Request::read(request).expect("a request");
    let decision = match request.resolve(bundle, Time::MIN) {
        Ok(resolved) => decide(bundle, &resolved.request()),
        Err(reason) => Decision::before_any_rule(reason),
    };
    let role = decision
        .domain
        .zip(decision.role)
        .map(|(domain, role)| bundle.domains()[domain].roles()[role].name.clone());
    let scope = decision.scope.map(|scope| bundle.scopes().name(scope).to_owned());
    (decision.reason.as_str(), role, scope)
}

#[test]
fn what_is_derived_from_a_roster_decides_as_the_same_written_by_hand() {
    let mut reasons: BTreeSet<&str> = BTreeSet::new();
    for seed in 0..150 {
        let mut r = Random::new((77 << 32) + seed);
        let world = world(&mut r);
        let rostered = load(&world.derived, std::slice::from_ref(&world.roster));
        let by_hand = load(&world.by_hand, &[]);
        for _ in 0..60 {
            let everybody: Vec<(&str, &str)> = STAFF
                .iter()
                .map(|(id, _)| (*id, "staff"))
                .chain(STUDENTS.map(|id| (id, "student")))
                .chain(GUARDIANS.map(|id| (id, "guardian")))
                .collect();
            let (who, kind) = *r.pick(&everybody);
            let student = *r.pick(&STUDENTS);
            // About the ends of the days in Berlin.
            let hour = *r.pick(&["22:59:59", "23:00:00", "12:00:00"]);
            let now = format!("2026-11-{:02}T{hour}Z", r.between(1, 28));
            let (action, resource) = if r.chance(35) {
                let action = *r.pick(&["view", "edit", "create"]);
                let explicit = *r.pick(&["none", "view", "owner"]);
                let properties = json!({"form": "report", "student": student, "explicit": explicit});
                (action, json!({"type": "document", "id": "-", "properties": properties}))
            } else {
                let action =
                    *r.pick(&["office.run", "work.see", "work.mark", "portal.view", "documents.administer"]);
                let at = if matches!(action, "office.run" | "documents.administer") {
                    ("school", *r.pick(&SCHOOLS))
                } else {
                    ("class", r.pick(&CLASSES).0)
                };
                let properties = if r.chance(60) { json!({"student": student}) } else { json!({}) };
                (action, json!({"type": at.0, "id": at.1, "properties": properties}))
            };
            let request = json!({
                "subject": {"type": kind, "id": who}, "action": {"name": action}, "resource": resource,
                "context": {"time": now},
            });
            let (one, two) = (told(&rostered, &request), told(&by_hand, &request));
            let files = || -> String {
                let files = world.roster.files.iter();
                files
                    .map(|file| format!("{}\n{}\n", file.name, String::from_utf8_lossy(&file.bytes)))
                    .collect()
            };
            if world.gone.contains(&who) {
                assert!(matches!(one.0, "suspended" | "unknown_subject"), "{request}\n{}", files());
                continue;
            }
            assert_eq!(one, two, "seed {seed}\n{request}\n{}\n{}", world.by_hand, files());
            reasons.insert(one.0);
        }
    }
    let reached =
        ["granted", "no_role_in_context", "permission_not_granted", "relation_unmet", "level_below_required"];
    for reached in reached {
        assert!(reasons.contains(reached), "no request ended with {reached}");
    }
}
