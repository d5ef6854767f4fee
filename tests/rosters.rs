//! Rosters beside a bundle, as `compile_with` reads them (`policy-model.md` section 8).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "rosters/age.rs"]
mod age;
#[path = "rosters/aside.rs"]
mod aside;

use hallpass::decision::{Decision, Edges, authzen, decide, decide_route};
use hallpass::json;
use hallpass::policy::roster::Cause;
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Claims, Compilation, Principal, Roster, Source, compile_with};
use hallpass::time::Time;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn source(name: &str, text: impl Into<Vec<u8>>) -> Source {
    Source { name: name.to_owned(), bytes: text.into() }
}

fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// A bundle around these lines of `rosters.sis`.
fn small(roster: &str) -> Vec<Source> {
    let text = format!(
        "bundle: {{name: rostered, time_zone: Europe/Berlin}}\n\
         rosters: {{sis: {{format: oneroster, levels: {{school: school, class: class}}, kinds: {{teacher: staff}}, {roster}}}}}\n\
         domains:\n  d:\n    precedence: union\n    levels: [school, class]\n    rosters: [sis]\n    scopes: {{school/by-hand: ~}}\n\
        \x20   modules: {{m: {{level: school, permissions: {{p: ~}}}}}}\n    roles: {{r: {{level: school, grants: {{m: all}}}}}}\n\
         people: {{ann: {{kinds: [staff]}}}}\n\
         assignments: [{{subject: ann, role: r, scope: school/by-hand}}]\n\
         routes:\n  GET /public: public\n  GET /x: {{permission: m.p, on: school/by-hand}}\n  PUT /x: {{permission: m.p, on: school/by-hand}}\n"
    );
    vec![source("policy.yaml", text)]
}

fn sis(manifest: &str) -> Roster {
    let manifest = format!(
        "propertyName,value\r\noneroster.version,1.1\r\nfile.orgs,bulk\r\nfile.users,bulk\r\n{manifest}"
    );
    Roster {
        name: "sis".to_owned(),
        files: vec![
            source("manifest.csv", manifest),
            source("orgs.csv", "sourcedId,status,type,parentSourcedId\nnorth,,school,\n"),
            source(
                "users.csv",
                "sourcedId,status,enabledUser,orgSourcedIds,role,agentSourcedIds\ntim,,true,north,teacher,\n",
            ),
        ],
        pinned: None,
    }
}

fn codes(compilation: &Compilation) -> Vec<&'static str> {
    compilation.diagnostics.iter().map(|told| told.code).collect()
}

// What follows is about rows: two small exports of the same two schools.

const POLICY: &str = r#"
bundle: {name: rostered, time_zone: Europe/Berlin}
issuers:
  https://idp.example: {claim: sub, matches: sso}
  https://mail.example: {claim: email, matches: email, email: authoritative}
rosters:
  sis:
    format: oneroster
    bad_rows_max: 50%
    levels: {district: district, school: school, class: class, student: child}
    kinds: {administrator: staff, aide: staff, teacher: staff, principal: staff, site_administrator: staff, student: student, guardian: guardian}
    columns: {username: sso, email: email}
domains:
  passport:
    precedence: union
    levels: [district, school, class, child]
    rosters: [sis]
    from_roster: {derived: {administrator: school_admin, principal: school_admin, aide: helper, teacher: teacher, student: student, guardian: parent}}
    modules:
      office: {level: school, permissions: {manage: ~}}
      work: {level: class, permissions: {see: ~, teach: ~, own: ~}}
      portal: {level: child, permissions: {view: ~}}
    roles:
      school_admin: {level: school, grants: {office: all, work: [see]}}
      helper: {level: school, grants: {work: [see]}}
      teacher: {level: class, grants: {work: [see, teach]}}
      student: {level: class, grants: {work: [see]}}
      parent: {level: child, grants: {portal: all}}
      coach: {level: school, grants: {work: [{own: own_classes}]}}
  papers:
    precedence: union
    levels: [school]
    rosters: [sis]
    forms: {report: ~}
    buildings: school
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: deny
    create_outside_buildings: deny
    roles: {reader: {level: school, forms: {report: {default: view, max: view}}}}
    default_role: clerk
    mandatory: {level: school, kinds: [staff]}
assignments:
  - {subject: ada, role: papers/reader, scope: school/north, buildings: [school/north]}
  - {subject: tim, role: passport/coach, scope: school/north}
"#;

const V1_1: &str = "\
manifest.csv
propertyName,value
oneroster.version,1.1
file.orgs,bulk
file.users,bulk
file.classes,bulk
file.enrollments,bulk
file.academicSessions,bulk
file.demographics,bulk

orgs.csv
sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId
lake,,,Lake District,district,,
north,,,\"North, \"\"upper\"\"\",school,,lake
south,active,,South,school,,lake

academicSessions.csv
sourcedId,status,title,startDate,endDate
fall,,Fall,2026-08-01,2027-02-01
spring,,Spring,2027-02-01,2027-07-01

classes.csv
sourcedId,status,title,schoolSourcedId,termSourcedIds
1A,,Class 1A,north,\"fall,spring\"
2B,,Class 2B,south,

users.csv
sourcedId,status,enabledUser,orgSourcedIds,role,username,givenName,email,agentSourcedIds
ada,,true,north,administrator,ada.l,Ada,Ada@School.example,
tim,,true,north,teacher,tim.t,\"Tim
of two lines\",,
aya,,true,\"north,south\",aide,,,,
una,,true,north,student,,,,gus
sol,,true,south,student,,,,
gus,,true,,guardian,gus.g,,,
off,,false,north,teacher,,,,
old,tobedeleted,true,north,teacher,,,,
ref,,true,north,relative,,,,

enrollments.csv
sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate
e1,,1A,north,tim,teacher,true,,
e2,,1A,north,una,student,,2026-09-01,2026-12-01
e3,,2B,south,sol,student,,,
e4,tobedeleted,2B,south,tim,teacher,true,,
e5,,1A,north,old,teacher,,,
";

const V1_2: &str = "\
manifest.csv
propertyName,value
oneroster.version,1.2
file.orgs,bulk
file.users,bulk
file.roles,bulk
file.classes,bulk
file.enrollments,bulk
file.academicSessions,absent

orgs.csv
sourcedId,status,type,parentSourcedId
lake,,district,
north,,school,lake
south,,school,lake

classes.csv
sourcedId,status,schoolSourcedId
1A,,north
2B,,south

users.csv
agentSourceIds,email,username,sourcedId,status,enabledUser
,Ada@School.example,ada.l,ada,,true
,,tim.t,tim,,true
gus,,,una,,true
,,,gus,,true
,,,old,tobedeleted,true

roles.csv
sourcedId,status,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId
r1,,ada,primary,principal,,,north
r2,,tim,primary,teacher,,,north
r3,,una,primary,student,2026-08-01,2027-02-01,north
r4,,una,secondary,student,2027-02-01,,south
r5,,gus,primary,guardian,,,north
r6,,tim,secondary,aide,2026-08-01,2026-11-01,south
r7,,old,primary,teacher,,,north
r8,tobedeleted,gus,secondary,principal,,,south

enrollments.csv
sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate
e1,,1A,tim,teacher,2026-08-01,2027-07-01
e2,,1A,una,student,2026-08-01,2027-02-01
";

/// A roster of files that each begin with their name and end with an empty line.
fn files(text: &str) -> Roster {
    let files = text.split("\n\n").map(|file| {
        let (name, rows) = file.split_once('\n').unwrap();
        source(name, format!("{}\n", rows.trim_end()))
    });
    Roster { name: "sis".to_owned(), files: files.collect(), pinned: None }
}

/// A text with pieces exchanged; each must be there.
fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    text
}

fn compiled(policy: &str, roster: &str) -> Compilation {
    compile_with(&[source("policy.yaml", policy)], &[files(roster)])
}

fn rostered(policy: &str, roster: &str) -> Bundle {
    let compilation = compiled(policy, roster);
    assert!(compilation.bundle.is_some(), "{:#?}", compilation.diagnostics);
    compilation.bundle.unwrap()
}

/// The policy, without the mandatory role that the tests of that have.
fn policy() -> String {
    changed(POLICY, &[("    default_role: clerk\n    mandatory: {level: school, kinds: [staff]}\n", "")])
}

fn ask(bundle: &Bundle, who: &str, what: &str, on: &str, more: &str, now: &str) -> Decision {
    let kind = bundle.people().find(who).and_then(|person| bundle.kinds(person, at(now)).words().next());
    let (level, id) = on.split_once('/').unwrap();
    let text = format!(
        r#"{{"subject": {{"type": "{}", "id": "{who}"}}, "action": {{"name": "{what}"}},
            "resource": {{"type": "{level}", "id": "{id}", "properties": {{{more}}}}}}}"#,
        kind.unwrap_or("staff"),
    );
    let request = authzen::Request::read(&json::parse(text.as_bytes()).unwrap()).unwrap();
    match request.resolve(bundle, at(now)) {
        Ok(resolved) => decide(bundle, &resolved.request()),
        Err(reason) => Decision::before_any_rule(reason),
    }
}

const NOW: &str = "2026-10-01T08:00:00Z";

fn may(bundle: &Bundle, who: &str, what: &str, on: &str) -> &'static str {
    ask(bundle, who, what, on, "", NOW).reason.as_str()
}

/// The rows that are set aside: file, line, cause.
fn aside(policy: &str, roster: &str) -> Vec<String> {
    let compilation = compiled(policy, roster);
    let listed = compilation.rosters[0].set_aside.listed();
    listed.iter().map(|row| format!("{}:{} {}", row.file, row.line, row.cause)).collect()
}

#[test]
fn non_admin_roles_follow_from_the_roster_of_either_version() {
    // SP-09, SP-10.
    for roster in [V1_1, V1_2] {
        let bundle = rostered(&policy(), roster);
        assert_eq!(may(&bundle, "ada", "passport/office.manage", "school/north"), "granted");
        assert_eq!(may(&bundle, "ada", "passport/work.see", "class/1A"), "granted");
        assert_eq!(may(&bundle, "ada", "passport/office.manage", "school/south"), "no_role_in_context");
        assert_eq!(may(&bundle, "tim", "passport/work.teach", "class/1A"), "granted");
        assert_eq!(may(&bundle, "tim", "passport/work.own", "class/1A"), "granted");
        assert_ne!(may(&bundle, "tim", "passport/work.teach", "class/2B"), "granted");
        assert_eq!(may(&bundle, "una", "passport/work.see", "class/1A"), "granted");
        assert_eq!(may(&bundle, "una", "passport/work.teach", "class/1A"), "permission_not_granted");
        assert_eq!(may(&bundle, "gus", "passport/portal.view", "child/una"), "granted");
        assert_eq!(may(&bundle, "gus", "passport/work.see", "class/1A"), "no_role_in_context");
        let una = bundle.people().find("una").unwrap();
        assert!(bundle.relations().is_guardian(bundle.people().find("gus").unwrap(), una, at(NOW)));
        assert!(bundle.all_assignments().filter(|(_, held)| held.from_roster).count() >= 4);
        assert!(aside(&policy(), roster).is_empty(), "{:?}", aside(&policy(), roster));
    }
}

#[test]
fn a_block_on_a_student_holds_on_the_scope_that_the_roster_makes_of_the_student() {
    for roster in [V1_1, V1_2] {
        let blocked = |from: &str| {
            rostered(&format!("{}blocks: [{{subject: gus, {from}, reason: x}}]\n", policy()), roster)
        };
        // A child of which another name only begins alike is another child.
        for (from, reason) in
            [("student: una", "blocked"), ("scope: child/una", "blocked"), ("student: tim", "granted")]
        {
            assert_eq!(may(&blocked(from), "gus", "passport/portal.view", "child/una"), reason, "{from}");
        }
        // The other way round: whom such a scope is kept away from is the student, by whatever the request names them.
        let named = ask(
            &blocked("scope: child/una"),
            "gus",
            "passport/work.see",
            "class/1A",
            r#""student": "una""#,
            NOW,
        );
        assert_eq!(named.reason.as_str(), "blocked");
        assert_eq!(may(&blocked("student: una"), "una", "passport/work.see", "class/1A"), "granted");
    }
}

#[test]
fn who_is_nothing_today_by_the_roster_is_nobody_whatever_is_written_of_them_by_hand() {
    let routes = "routes:\n  \"GET /open\": public\n  \"GET /{s}\": {permission: passport/office.manage, on: \"school/{s}\"}\n";
    let policy = changed(
        &format!("{}{routes}", policy()),
        &[(
            "assignments:\n",
            "assignments:\n  - {subject: tim, role: passport/school_admin, scope: school/north}\n",
        )],
    );
    let ended = changed(
        V1_2,
        &[("r2,,tim,primary,teacher,,,north", "r2,,tim,primary,teacher,2026-09-01,2026-10-15,north")],
    );
    let bundle = rostered(&policy, &ended);
    let reason = |path: &str, now: &str| {
        let Lookup::Found(leaf) = bundle.routes().find("GET", path) else { panic!("no route") };
        let matched = leaf.select(Vec::new()).unwrap();
        let tim = bundle.people().find("tim").unwrap();
        let decided = decide_route(&bundle, &matched, tim, None, at(now)).reason.as_str();
        // By name nobody of any kind is found either.
        let named = ask(&bundle, "tim", "passport/office.manage", "school/north", "", now).reason.as_str();
        assert!(path == "/open" || decided == named, "{decided} {named}");
        decided
    };
    // A teacher until the middle of October, an aide elsewhere until the end of it.
    for (now, says) in [
        ("2026-07-31T08:00:00Z", "unknown_subject"),
        ("2026-08-15T08:00:00Z", "granted"),
        ("2026-10-14T08:00:00Z", "granted"),
        ("2026-10-31T08:00:00Z", "granted"),
        ("2026-11-01T08:00:00Z", "unknown_subject"),
    ] {
        assert_eq!(reason("/north", now), says, "{now}");
        assert_eq!(reason("/open", now), "public");
    }
}

#[test]
fn a_derived_role_goes_when_the_enrolment_goes() {
    // SP-09.
    let without = changed(V1_1, &[("e1,,1A,north,tim,teacher,true,,\n", "")]);
    let bundle = rostered(&policy(), &without);
    assert_eq!(may(&bundle, "tim", "passport/work.teach", "class/1A"), "permission_not_granted");
    assert_eq!(may(&bundle, "tim", "passport/work.own", "class/1A"), "relation_unmet");
    let ended = changed(V1_1, &[("e1,,1A", "e1,tobedeleted,1A")]);
    assert_eq!(
        may(&rostered(&policy(), &ended), "tim", "passport/work.teach", "class/1A"),
        "permission_not_granted"
    );
    let off = rostered(&policy(), V1_1);
    assert_eq!(may(&off, "tim", "passport/work.teach", "class/2B"), "no_role_in_context");
    let once = changed(
        &policy(),
        &[(
            "from_roster: {derived: {administrator: school_admin, principal: school_admin, aide: helper, teacher: teacher, student: student, guardian: parent}}",
            "from_roster: once",
        )],
    );
    let bundle = rostered(&once, V1_1);
    assert!(bundle.all_assignments().all(|(_, held)| !held.from_roster));
    // Relations are always read.
    assert_eq!(may(&bundle, "tim", "passport/work.own", "class/1A"), "granted");
}

#[test]
fn an_end_date_of_oneroster_is_the_first_day_without() {
    let bundle = rostered(&policy(), V1_1);
    let see = |now: &str| ask(&bundle, "una", "passport/work.see", "class/1A", "", now).reason.as_str();
    assert_eq!(see("2026-08-31T21:59:59Z"), "no_role_in_context");
    assert_eq!(see("2026-08-31T22:00:00Z"), "granted");
    assert_eq!(see("2026-11-30T22:59:59Z"), "granted");
    assert_eq!(see("2026-11-30T23:00:00Z"), "no_role_in_context");
    // Where the enrolment does not say when, the sessions of the class do.
    let teach = |now: &str| ask(&bundle, "tim", "passport/work.teach", "class/1A", "", now).reason.as_str();
    assert_eq!(teach("2026-07-31T21:59:59Z"), "permission_not_granted");
    assert_eq!(teach("2027-06-30T21:59:59Z"), "granted");
    assert_eq!(teach("2027-06-30T22:00:00Z"), "permission_not_granted");
    let edges = Edges::of(&bundle);
    assert_eq!(edges.around(at("2026-11-30T22:59:59Z")).1, at("2026-11-30T23:00:00Z"));
}

#[test]
fn students_are_in_the_buildings_that_the_roster_says_on_the_days_that_it_says() {
    // FM-23: moving the student moves access.
    let view = |bundle: &Bundle, now: &str| {
        let more = r#""form": "papers/report", "student": "una""#;
        ask(bundle, "ada", "view", "document/x", more, now).reason.as_str()
    };
    for roster in [V1_1, V1_2] {
        assert_eq!(view(&rostered(&policy(), roster), NOW), "granted");
    }
    let bundle = rostered(&policy(), V1_2);
    assert_eq!(view(&bundle, "2027-01-31T22:59:59Z"), "granted");
    assert_eq!(view(&bundle, "2027-01-31T23:00:00Z"), "level_below_required");
    assert_eq!(view(&bundle, "2026-07-31T21:59:59Z"), "attribute_missing");
    assert_eq!(Edges::of(&bundle).around(at("2027-01-31T22:59:59Z")).1, at("2027-01-31T23:00:00Z"));
}

#[test]
fn what_people_are_holds_on_the_days_that_a_row_of_roles_says() {
    let text = changed(
        V1_2,
        &[("r2,,tim,primary,teacher,,,north", "r2,,tim,primary,teacher,2026-08-01,2026-11-01,north")],
    );
    let bundle = rostered(&policy(), &text);
    let tim = bundle.people().find("tim").unwrap();
    assert_eq!(bundle.kinds(tim, at(NOW)).words().collect::<Vec<_>>(), ["staff"]);
    assert_eq!(bundle.kinds(tim, at("2026-11-01T00:00:00Z")).words().count(), 0);
    // An aide at a school, with a role of that level.
    assert_eq!(may(&bundle, "tim", "passport/work.see", "class/2B"), "granted");
    let later = ask(&bundle, "tim", "passport/work.see", "class/2B", "", "2026-11-01T00:00:00Z");
    assert_ne!(later.reason.as_str(), "granted");
}

#[test]
fn whoever_ends_on_the_day_they_begin_never_was_that() {
    // A no-show: `endDate` is the first day without.
    let more = "r9,,gus,secondary,principal,2026-08-01,2026-08-01,south\n";
    let text = changed(V1_2, &[("r6,,tim", &format!("{more}r6,,tim"))]);
    let bundle = rostered(&policy(), &text);
    let gus = bundle.people().find("gus").unwrap();
    assert_eq!(bundle.kinds(gus, at(NOW)).words().collect::<Vec<_>>(), ["guardian"]);
    assert_eq!(bundle.people().row(gus).kinds.words().collect::<Vec<_>>(), ["guardian"]);
    // Who was never anything else is known, and of no kind.
    let text = changed(
        V1_2,
        &[("r1,,ada,primary,principal,,,north", "r1,,ada,primary,principal,2026-08-01,2026-08-01,north")],
    );
    let bundle = rostered(&policy(), &text);
    let ada = bundle.people().find("ada").unwrap();
    assert_eq!(bundle.kinds(ada, at(NOW)).words().count(), 0);
}

#[test]
fn people_are_in_classes_on_the_days_on_which_they_are_that() {
    let days = |changes: &[(&str, &str)]| {
        let bundle = rostered(&policy(), &changed(V1_2, changes));
        let tim = bundle.people().find("tim").unwrap();
        let class = bundle.scopes().find("class/1A").unwrap();
        let held = bundle.all_assignments().filter(|(who, held)| *who == tim && held.scope == class);
        let mut held: Vec<_> =
            held.map(|(_, held)| (held.from.to_string(), held.until.to_string())).collect();
        held.sort();
        for now in ["2026-09-15T10:00:00Z", "2026-12-15T10:00:00Z", "2027-02-15T10:00:00Z"] {
            let is_held = held.iter().any(|(from, until)| from.as_str() <= now && now < until.as_str());
            let enrolled = bundle
                .relations()
                .enrolments_of(tim)
                .any(|(scope, _, days)| scope == class && days.holds(at(now)));
            assert_eq!(enrolled, is_held, "{now}");
        }
        held
    };
    let span = |from: &str, until: &str| (from.to_owned(), until.to_owned());
    assert_eq!(days(&[]), [span("2026-07-31T22:00:00Z", "2027-06-30T22:00:00Z")]);
    // A teacher until October and an aide until November, both of them staff; and again from January to March.
    let again =
        "r9,,tim,secondary,teacher,2027-01-01,2027-03-01,north\nr2,,tim,primary,teacher,,2026-10-01,north";
    assert_eq!(
        days(&[("r2,,tim,primary,teacher,,,north", again)]),
        [
            span("2026-07-31T22:00:00Z", "2026-10-31T23:00:00Z"),
            span("2026-12-31T23:00:00Z", "2027-02-28T23:00:00Z")
        ]
    );
}

#[test]
fn an_org_below_too_many_is_set_aside_and_a_manifest_of_thousands_of_properties_is_none() {
    let chain: String = (1..100_000).map(|n| format!("o{n},,,,local,,o{}\n", n - 1)).collect();
    let text = changed(V1_1, &[("south,active", &format!("o0,,,,local,,\n{chain}south,active"))]);
    let policy = changed(&policy(), &[("bad_rows_max: 50%", "bad_rows_max: 100%")]);
    let compilation = compiled(&policy, &text);
    let counts: Vec<_> = compilation.rosters[0].set_aside.counts().collect();
    assert!(counts.contains(&(Cause::WrongLevel, 1)), "{counts:?}");
    assert!(counts.contains(&(Cause::UnknownOrg, 100_000 - 65)), "{counts:?}");
    let many: String = (0..1_000).map(|n| format!("p{n},x\r\n")).collect();
    assert_eq!(codes(&compile_with(&small(""), &[sis(&many)])), ["roster_manifest"]);
    let few: String = many.split_inclusive('\n').take(900).collect();
    assert!(compile_with(&small(""), &[sis(&few)]).bundle.is_some());
}

#[test]
fn a_level_of_classes_in_one_roster_is_not_one_of_schools_in_another() {
    let two = |levels: &str| {
        let roster =
            format!("title: t}}, other: {{format: oneroster, levels: {levels}, kinds: {{teacher: staff}}");
        codes(&compile_with(&small(&roster), &[sis("")]))
    };
    assert!(two("{school: class}").contains(&"duplicate_name"));
    assert!(two("{student: school}").contains(&"duplicate_name"));
    assert!(!two("{school: school, class: class}").contains(&"duplicate_name"));
}

#[test]
fn addresses_name_people_by_email_alone_and_in_lower_case() {
    let with = |columns: &str, issuer: &str| {
        let policy = changed(
            &policy(),
            &[
                ("columns: {username: sso, email: email}", columns),
                ("{claim: sub, matches: sso}", &format!("{{claim: sub, matches: {issuer}}}")),
            ],
        );
        compiled(&policy, V1_1)
    };
    assert!(codes(&with("columns: {email: sso}", "sso")).contains(&"bad_name"));
    assert!(codes(&with("people: {id: email}", "id")).contains(&"bad_name"));
    assert!(!codes(&with("people: {id: email}", "id_there")).contains(&"bad_name"));
    // From whatever column an address comes, it is compared as one.
    let text = changed(V1_1, &[("gus.g", "Gus@Home.example")]);
    let policy =
        changed(&policy(), &[("columns: {username: sso, email: email}", "columns: {username: email}")]);
    let bundle = rostered(&policy, &text);
    let gus = bundle.people().find("gus").map(Principal::from);
    for address in ["gus@home.example", "GUS@HOME.example"] {
        assert_eq!(bundle.join("https://mail.example", &Token("email", address)), gus);
    }
}

#[test]
fn a_guardian_is_one_on_the_days_that_a_row_of_roles_says() {
    let end = at("2026-10-31T23:00:00Z");
    let row = ("r5,,gus,primary,guardian,,,north", "r5,,gus,primary,guardian,2026-08-01,2026-11-01,north");
    let bundle = rostered(&policy(), &changed(V1_2, &[row]));
    let person = |id: &str| bundle.people().find(id).unwrap();
    let (gus, una) = (person("gus"), person("una"));
    assert!(bundle.relations().is_guardian(gus, una, at(NOW)));
    assert!(!bundle.relations().is_guardian(gus, una, end));
    assert_eq!(may(&bundle, "gus", "passport/portal.view", "child/una"), "granted");
    let held: Vec<_> =
        bundle.all_assignments().filter(|(who, _)| *who == gus).map(|(_, held)| held.until).collect();
    assert!(!held.is_empty() && held.iter().all(|until| *until == end), "{held:?}");
}

#[test]
fn whoever_is_not_enabled_is_suspended_and_whoever_is_to_be_deleted_is_known_and_nobody() {
    let bundle = rostered(&policy(), V1_1);
    let person = |id: &str| bundle.people().find(id);
    assert!(bundle.is_suspended(person("off").unwrap()));
    let old = person("old").unwrap();
    assert!(bundle.is_suspended(old) && bundle.people().row(old).kinds.words().count() == 0);
    assert_eq!(bundle.relations().enrolments_of(old).count(), 0);
    // Nobody asked for relatives.
    assert!(person("ref").is_none());
    // What is written by hand of somebody who is to be deleted is no mistake.
    let hand = changed(&policy(), &[("{subject: ada,", "{subject: old,")]);
    rostered(&hand, V1_1);
    rostered(&hand, V1_2);
}

struct Token(&'static str, &'static str);

impl Claims for Token {
    fn text(&self, name: &str) -> Option<&str> {
        (name == self.0).then_some(self.1)
    }
    fn flag(&self, _: &str) -> Option<bool> {
        None
    }
}

#[test]
fn only_the_columns_that_an_issuer_matches_name_people() {
    for roster in [V1_1, V1_2] {
        let bundle = rostered(&policy(), roster);
        let ada = bundle.people().find("ada").map(Principal::from);
        assert_eq!(bundle.join("https://idp.example", &Token("sub", "ada.l")), ada);
        assert_eq!(bundle.join("https://mail.example", &Token("email", "ADA@school.example")), ada);
        assert_eq!(bundle.join("https://idp.example", &Token("sub", "ada")), None);
    }
    let by_name = changed(&policy(), &[("    bad_rows_max", "    people: {id: username}\n    bad_rows_max")]);
    let by_name =
        changed(&by_name, &[("{subject: ada,", "{subject: ada.l,"), ("{subject: tim,", "{subject: tim.t,")]);
    let bundle = rostered(&by_name, V1_1);
    assert!(bundle.people().find("ada.l").is_some() && bundle.people().find("ada").is_none());
}

#[test]
fn what_stands_by_hand_stays_where_it_stands() {
    let by_hand = changed(
        &policy(),
        &[(
            "    rosters: [sis]\n    from_roster",
            "    scopes: {school/by-hand: {class/2B: ~}}\n    rosters: [sis]\n    from_roster",
        )],
    );
    let bundle = rostered(&by_hand, V1_1);
    let (id, domain) = bundle.domains().iter().next().unwrap();
    let parent = |name: &str| {
        let node = domain.node(bundle.scopes().find(name).unwrap()).unwrap();
        node.parent.map(|parent| bundle.scopes().name(parent))
    };
    assert_eq!(bundle.domains()[id].name(), "passport");
    assert_eq!(parent("class/2B"), Some("school/by-hand"));
    assert_eq!(parent("class/1A"), Some("school/north"));
    assert_eq!(parent("school/north"), Some("district/lake"));
    assert_eq!(parent("district/lake"), None);
    assert_eq!(parent("child/una"), Some("school/north"));
    // In 1.2 she moves, and a place in a tree has no dates.
    let bundle = rostered(&policy(), V1_2);
    let domain = bundle.domains().iter().next().unwrap().1;
    assert!(domain.node(bundle.scopes().find("child/una").unwrap()).unwrap().parent.is_none());
}

#[test]
fn a_default_role_counts_the_people_of_the_roster() {
    let text = changed(
        POLICY,
        &[
            (
                "    forms: {report: ~}",
                "    modules: {desk: {level: school, permissions: {use: ~}}}\n    forms: {report: ~}",
            ),
            ("    roles: {reader:", "    roles: {clerk: {level: school, grants: {desk: all}}, reader:"),
        ],
    );
    let bundle = rostered(&text, V1_1);
    assert_eq!(may(&bundle, "tim", "papers/desk.use", "school/south"), "granted");
    assert_eq!(may(&bundle, "una", "papers/desk.use", "school/south"), "no_role_in_context");
    // Whoever is staff no more holds no default role either.
    let ended = changed(
        V1_2,
        &[
            ("r2,,tim,primary,teacher,,,north", "r2,,tim,primary,teacher,,2026-09-01,north"),
            ("r6,,tim,secondary,aide,2026-08-01,2026-11-01,south\n", ""),
        ],
    );
    let bundle = rostered(&text, &ended);
    assert_eq!(may(&bundle, "tim", "papers/desk.use", "school/south"), "unknown_subject");
    let person = bundle.people().find("tim").unwrap();
    assert_eq!(bundle.kinds(person, at("2026-08-20T00:00:00Z")).words().count(), 1);
}

#[test]
fn two_rosters_with_one_id_leave_nobody_in_doubt() {
    let two = changed(
        &policy(),
        &[
            (
                "rosters:\n  sis:",
                "rosters:\n  other: {format: oneroster, bad_rows_max: 90%, levels: {school: school}, kinds: {student: student}}\n  sis:",
            ),
            ("rosters: [sis]\n    from", "rosters: [sis, other]\n    from"),
        ],
    );
    let other = "manifest.csv\npropertyName,value\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n\n\
        orgs.csv\nsourcedId,status,type,parentSourcedId\nsouth,,school,\nfar,,school,\n\n\
        users.csv\nsourcedId,status,enabledUser,orgSourcedIds,role,agentSourcedIds\ngus,,true,far,student,\nzoe,,true,far,student,\n";
    let other = Roster { name: "other".to_owned(), ..files(other) };
    let told = |rosters: &[Roster]| {
        let compilation = compile_with(&[source("policy.yaml", two.clone())], rosters);
        let bundle = compilation.bundle.unwrap_or_else(|| panic!("{:#?}", compilation.diagnostics));
        assert!(bundle.people().find("gus").is_none() && bundle.people().find("zoe").is_some());
        assert!(
            bundle.scopes().find("school/south").is_none() && bundle.scopes().find("school/far").is_some()
        );
        let listed = compilation.rosters.iter().flat_map(|report| report.set_aside.listed());
        listed.map(|row| format!("{}:{} {}", row.file, row.line, row.cause)).collect::<BTreeSet<_>>()
    };
    let rows = told(&[files(V1_1), other.clone()]);
    assert!(
        rows.contains("other/users.csv:2 duplicate_id") && rows.contains("sis/orgs.csv:4 duplicate_id"),
        "{rows:?}"
    );
    assert_eq!(rows, told(&[other, files(V1_1)]));
}

#[test]
fn a_mapping_that_says_nothing_does_not_load() {
    for (from, to, code) in [
        ("derived: {administrator", "derived: {head: teacher, administrator", "unknown_name"),
        ("teacher: teacher,", "teacher: techer,", "unknown_name"),
        ("levels: {district: district,", "levels: {district: region,", "unknown_name"),
        ("levels: {district: district,", "levels: {college: district,", "unknown_name"),
        ("class: class, student: child}", "class: class, student: class}", "duplicate_name"),
        ("kinds: {administrator: staff,", "kinds: {head: staff,", "unknown_name"),
        ("columns: {username: sso,", "columns: {username: badge,", "unknown_name"),
        (
            "columns: {username: sso, email: email}",
            "columns: {username: sso, identifier: sso}",
            "duplicate_name",
        ),
        ("    rosters: [sis]\n    from_roster", "    rosters: [sis, hr]\n    from_roster", "unknown_name"),
        ("    rosters: [sis]\n    from_roster", "    from_roster", "missing_key"),
        ("format: oneroster", "format: clever", "unknown_word"),
        ("teacher: {level: class,", "teacher: {level: class, deleted: true,", "deleted_role"),
    ] {
        let compilation = compiled(&changed(&policy(), &[(from, to)]), V1_1);
        assert!(codes(&compilation).contains(&code), "{to}: {:?}", codes(&compilation));
        assert!(compilation.bundle.is_none() && compilation.bad_rosters().count() == 0, "{to}");
    }
}

/// What a bundle says, without the ids of its tables.
fn said(bundle: &Bundle) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    let name = |person| &bundle.people().row(person).id;
    for (person, row) in bundle.people().iter() {
        let kinds: Vec<_> = bundle.kinds(person, at(NOW)).words().collect();
        let suspended = bundle.is_suspended(person);
        let buildings: BTreeSet<_> = bundle
            .buildings_of_person(person, at(NOW))
            .iter()
            .map(|scope| bundle.scopes().name(*scope))
            .collect();
        said.push(format!("{} {kinds:?} {suspended} {buildings:?}", row.id));
        for (scope, part, span) in bundle.relations().enrolments_of(person) {
            said.push(format!("{} {} {part:?} {span:?}", row.id, bundle.scopes().name(scope)));
        }
        for (other, _) in bundle.people().iter() {
            if bundle.relations().is_guardian(person, other, at(NOW)) {
                said.push(format!("{} of {}", row.id, name(other)));
            }
        }
    }
    for (person, held) in bundle.all_assignments() {
        let role = &bundle.domains()[held.domain].roles()[held.role].name;
        let scope = bundle.scopes().name(held.scope);
        said.push(format!(
            "{} {role} {scope} {:?} {:?} {}",
            name(person),
            held.from,
            held.until,
            held.from_roster
        ));
    }
    for (_, domain) in bundle.domains().iter() {
        for (scope, name) in bundle.scopes().iter() {
            let parent =
                domain.node(scope).map(|node| node.parent.map(|parent| bundle.scopes().name(parent)));
            said.push(format!("{} {name} {parent:?}", domain.name()));
        }
    }
    said.sort();
    said
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rows_changes_nothing(seed in any::<u64>()) {
        let mut state = seed | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let doubled = changed(V1_1, &[
            ("e1,,1A,north,tim,teacher,true,,\n", "e1,,1A,north,tim,teacher,true,,\ne8,,1A,north,tim,teacher,,2026-08-01,2027-03-01\n"),
            ("ref,,true,north,relative,,,,", "off,,true,south,teacher,gus.g,,,"),
        ]);
        for text in [V1_1, V1_2, &doubled] {
            // The one name of two lines goes, so that lines are rows.
            let text = text.replace("\"Tim\nof two lines\"", "Tim");
            let before = compiled(&policy(), &text);
            let mut roster = files(&text);
            for file in &mut roster.files {
                let whole = String::from_utf8(file.bytes.clone()).unwrap();
                let mut rows: Vec<&str> = whole.lines().collect();
                for at in (2..rows.len()).rev() {
                    rows.swap(at, 1 + (next() as usize) % at);
                }
                file.bytes = format!("{}\n", rows.join("\r\n")).into_bytes();
            }
            roster.files.reverse();
            let after = compile_with(&[source("policy.yaml", policy())], &[roster]);
            let counts = |told: &Compilation| told.rosters[0].set_aside.counts().collect::<Vec<_>>();
            prop_assert_eq!(counts(&before), counts(&after));
            prop_assert_eq!(said(&before.bundle.unwrap()), said(&after.bundle.unwrap()));
        }
    }
}
