//! What is remembered changes no answer: random bundles, requests, clocks that go both ways, and reloads; and the tokens
//! of a worker, through the socket. (The cache of tokens has its own property beside its code.)

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hallpass::decision::decide_requirements;
use hallpass::pdp::{Remember, Snapshot};
use hallpass::policy::route::{Lookup, Match};
use hallpass::policy::{Bundle, Claims, Source, compile, held_off};
use hallpass::time::Time;
use proptest::prelude::*;
use std::fmt::Write;
use std::time::Duration;

/// Everything that a decision can read: relations, options, step-up, gates, forms, blocks, conditions, lists.
const MODEL: &str = r#"
bundle: {name: random, time_zone: UTC}
domains:
  d:
    precedence: PRECEDENCE
    levels: [account, programme, class]
    scopes: {account/s: {programme/p: {class/1: ~, class/2: ~}}}
    mandatory: {level: account, kinds: [guardian]}
    modules:
      work: {level: class, permissions: {view: ~, edit: ~, extra: ~}}
      news: {level: programme, gate_at: account, permissions: {view: ~}}
      power: {level: account, permissions: {rule: {power: true, power_requires: {claim: amr, has: mfa}}, use: {requires: [power.rule]}}}
    roles:
      teacher: {level: class, grants: {work: [{view: own_classes}, edit]}}
      parent: {level: account, grants: {work: [{view: own_children}]}}
      editor: {level: account, grants: {work: [{edit: self}], news: []}}
      reader: {level: programme, grants: {work: [view], news: all}, optional: {work: [extra]}}
      boss: {level: account, never_overridden: true, grants: {work: all, news: all, power: all_and_power}}
  f:
    precedence: union
    levels: [district, school]
    scopes: {district/x: {school/n: ~, school/m: ~}}
    forms: {iep: {}}
    buildings: school
    modules: {documents: {level: school, permissions: {administer: {}}}}
    when_unassigned: {default: none, max: none}
    when_no_buildings: {default: none, max: none}
    explicit_grants_outside_buildings: allow
    create_outside_buildings: deny
    roles:
      helper: {level: district, forms: {iep: {default: view, max: owner}}}
      clerk: {level: school, grants: {documents: all}, forms: {iep: {default: edit, max: edit}}}
people:
  ann: {kinds: [staff]}
  bob: {kinds: [staff, guardian]}
  cat: {kinds: [guardian]}
  kid: {kinds: [student], buildings: [school/n]}
  sib: {kinds: [student], buildings: [school/n, school/m]}
documents:
  one: {form: f/iep, student: kid, created_by: ann, viewers: [bob]}
  two: {form: f/iep, student: sib, created_by: bob, editors: [ann]}
routes:
  "GET /open": public
  "GET /work/{class}": {permission: d/work.view, on: "class/{class}"}
  "GET /work/{class}/of/{student}": {permission: d/work.view, on: "class/{class}", student: "{student}"}
  "PUT /work/{class}/to/{target}": {permission: d/work.edit, on: "class/{class}", target: "{target}"}
  "GET /news?of={class}": {permission: d/news.view, on: "class/{class}"}
  "POST /power": {permission: d/power.use, on: account/s}
  "GET /documents/{doc}": {access: view, document: "{doc}"}
  "PUT /documents/{doc}": {access: edit, document: "{doc}"}
  "POST /documents/{doc}/{target}/{access}": {access: share, document: "{doc}", target: "{target}", giving: "{access}"}
  "POST /documents/of/{student}": {access: create, form: f/iep, student: "{student}"}
  "GET /all/{classes}": {lists: [classes], permission: d/work.view, on: "class/{classes}"}
  "GET /either/{class}": {any: [{permission: d/work.extra, on: "class/{class}"}, {permission: d/power.rule, on: account/s}]}
  "POST /people/{target}/{word}":
    require:
      - {condition: {any: [{subject.claims.amr: {present: true}}, {target.tied_to(programme/p): {is: true}}]}, target: "{target}"}
      - {condition: {all: [{subject.claims.groups: {includes: {attribute: request.word}}}, {target.holds(d/work.view): {is: true}}]}, target: "{target}", on: class/1}
  "POST /late/{student}/{target}":
    any:
      - {condition: {all: [{request.time: {after: '2026-01-04T12:00:00Z'}}, {request.time: {before: '2026-01-06T06:00:00Z'}}]}}
      - {condition: {target.max(f/iep): {at_least: edit}}, student: "{student}", target: "{target}"}
"#;

const PEOPLE: [&str; 5] = ["ann", "bob", "cat", "kid", "sib"];

/// Requests: method, path, query value.
fn requests() -> Vec<(&'static str, String, Option<&'static str>)> {
    let mut all: Vec<(&str, String, Option<&str>)> = vec![
        ("GET", "/open".into(), None),
        ("POST", "/power".into(), None),
        ("GET", "/news".into(), None),
        ("GET", "/all/1,2".into(), None),
        ("GET", "/all/1".into(), None),
        ("GET", "/all/,".into(), None),
        ("GET", format!("/work/{}", "x".repeat(400)), None),
    ];
    for class in ["1", "2", "nowhere"] {
        all.push(("GET", format!("/work/{class}"), None));
        all.push(("HEAD", format!("/work/{class}"), None));
        all.push(("GET", "/news".into(), Some(class)));
        all.push(("GET", format!("/either/{class}"), None));
        for person in PEOPLE.into_iter().chain(["nobody"]) {
            all.push(("GET", format!("/work/{class}/of/{person}"), None));
            all.push(("PUT", format!("/work/{class}/to/{person}"), None));
        }
    }
    for person in PEOPLE {
        all.push(("POST", format!("/documents/of/{person}"), None));
        all.push(("POST", format!("/people/{person}/red"), None));
        all.push(("POST", format!("/people/{person}/blue"), None));
        all.push(("POST", format!("/late/kid/{person}"), None));
        for document in ["one", "two"] {
            all.push(("GET", format!("/documents/{document}"), None));
            all.push(("PUT", format!("/documents/{document}"), None));
            all.push(("POST", format!("/documents/{document}/{person}/edit"), None));
        }
    }
    all
}

/// What a token can say; step-up and conditions read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Said {
    amr: Option<&'static str>,
    groups: &'static [&'static str],
}

impl Claims for Said {
    fn text(&self, name: &str) -> Option<&str> {
        if name == "amr" { self.amr } else { None }
    }

    fn flag(&self, _name: &str) -> Option<bool> {
        None
    }

    fn has(&self, name: &str) -> bool {
        name == "groups" || self.text(name).is_some()
    }

    fn is_words(&self, name: &str) -> bool {
        self.has(name)
    }

    fn holds(&self, name: &str, word: &str) -> bool {
        self.text(name) == Some(word) || (name == "groups" && self.groups.contains(&word))
    }
}

const SAID: [Said; 4] = [
    Said { amr: None, groups: &[] },
    Said { amr: Some("mfa"), groups: &["red"] },
    Said { amr: Some("pwd"), groups: &["red", "blue"] },
    Said { amr: None, groups: &["blue"] },
];

/// Dates of a few days in January 2026, so that the clock meets them often.
fn dates() -> impl Strategy<Value = String> {
    // Half of them have none: where many dates are close together, one hides another that is forgotten.
    (any::<bool>(), 0_u32..8, 0_u32..8)
        .prop_map(|(any, from, days)| if any { (from, days) } else { (0, 0) })
        .prop_map(|(from, days)| match (from, days) {
            (0, 0) => String::new(),
            (0, days) => format!(", until: 2026-01-{:02}", days + 1),
            (from, 0) => format!(", from: 2026-01-{:02}", from + 1),
            (from, days) => format!(", from: 2026-01-{:02}, until: 2026-01-{:02}", from + 1, from + days + 1),
        })
}

fn assignment() -> impl Strategy<Value = String> {
    let held = prop_oneof![
        Just("role: d/teacher, scope: class/1"),
        Just("role: d/teacher, scope: class/2"),
        Just("role: d/parent, scope: account/s"),
        Just("role: d/editor, scope: account/s"),
        Just("role: d/reader, scope: programme/p"),
        Just("role: d/reader, scope: programme/p, options: [work.extra]"),
        Just("role: d/boss, scope: account/s"),
        Just("role: f/helper, scope: district/x, buildings: [school/n]"),
        Just("role: f/clerk, scope: school/m, buildings: [school/m]"),
    ];
    (0..PEOPLE.len(), held, dates(), prop_oneof![3 => Just(""), 1 => Just(", suspended: true")]).prop_map(
        |(who, held, dates, suspended)| format!("{{subject: {}, {held}{dates}{suspended}}}", PEOPLE[who]),
    )
}

fn relation() -> impl Strategy<Value = (&'static str, String)> {
    let part = prop_oneof![Just("teacher"), Just("student")];
    let scope = prop_oneof![Just("class/1"), Just("class/2"), Just("programme/p")];
    let enrolled = (0..PEOPLE.len(), scope, part, dates()).prop_map(|(who, scope, part, dates)| {
        ("enrolments", format!("{{person: {}, scope: {scope}, part: {part}{dates}}}", PEOPLE[who]))
    });
    let guards = (0_usize..3, 3_usize..5, dates()).prop_map(|(who, whom, dates)| {
        ("guardians", format!("{{guardian: {}, student: {}{dates}}}", PEOPLE[who], PEOPLE[whom]))
    });
    let from_what = prop_oneof![Just("student: kid"), Just("scope: class/1"), Just("scope: school/n")];
    let blocked = (0_usize..3, from_what, dates()).prop_map(|(who, from_what, dates)| {
        ("blocks", format!("{{subject: {}, {from_what}, reason: x{dates}}}", PEOPLE[who]))
    });
    prop_oneof![3 => enrolled, 2 => guards, 1 => blocked]
}

fn bundle_text() -> impl Strategy<Value = String> {
    let assignments = proptest::collection::vec(assignment(), 0..12);
    let relations = proptest::collection::vec(relation(), 0..8);
    (any::<bool>(), assignments, relations).prop_map(|(union, mut assignments, relations)| {
        let mut text = MODEL.replace("PRECEDENCE", if union { "union" } else { "most_specific" });
        // Two of one person with one role at one scope do not load, and neither do two roles of one level there.
        let place = |text: &String| {
            let scope = text.split("scope: ").nth(1).unwrap();
            let subject = text.split(',').next().unwrap().to_owned();
            (subject, scope.split([',', '}']).next().unwrap().to_owned())
        };
        assignments.sort();
        assignments.dedup_by_key(|one| place(one));
        let mut seen = std::collections::BTreeSet::new();
        assignments.retain(|one| seen.insert(place(one)));
        let mut list = |name: &str, rows: Vec<&String>| {
            if !rows.is_empty() {
                writeln!(text, "{name}:").unwrap();
                rows.iter().for_each(|row| writeln!(text, "  - {row}").unwrap());
            }
        };
        list("assignments", assignments.iter().collect());
        for name in ["enrolments", "guardians", "blocks"] {
            list(name, relations.iter().filter(|(of, _)| *of == name).map(|(_, row)| row).collect());
        }
        text
    })
}

fn compiled(text: &str) -> Option<Bundle> {
    let compilation = compile(&[Source { name: "bundle.yaml".into(), bytes: text.as_bytes().to_vec() }]);
    compilation.bundle
}

fn matched<'b, 'p>(bundle: &'b Bundle, method: &str, path: &'p str, query: Option<&str>) -> Match<'b, 'p> {
    let Lookup::Found(leaf) = bundle.routes().find(method, path) else { panic!("no route for {path}") };
    let values = leaf.query_names().iter().map(|_| query.map(str::to_owned)).collect();
    leaf.select(values).unwrap_or_else(|| panic!("no route for {path} with that query"))
}

#[derive(Debug, Clone)]
enum Step {
    /// Request, subject, claims, and when the token ends, in hours from now.
    Ask(usize, usize, usize, Option<u64>),
    /// To so many quarters of an hour after the first of January.
    Clock(u64),
    /// To a microsecond before or after a midnight or noon.
    Edge(u64, i64),
    Load(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let ask =
        (0..requests().len(), 0..PEOPLE.len(), 0..SAID.len(), proptest::option::weighted(0.2, 0_u64..30));
    prop_oneof![
        60 => ask.prop_map(|(request, who, said, ends)| Step::Ask(request, who, said, ends)),
        5 => (0_u64..1000).prop_map(Step::Clock),
        15 => (0_u64..20, -1_i64..2).prop_map(|(half_days, micros)| Step::Edge(half_days, micros)),
        1 => (0_usize..3).prop_map(Step::Load),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_remembered_decision_is_the_decision(
        texts in proptest::collection::vec(bundle_text(), 3),
        // Few of the many requests in one run, so that they come again.
        pick in proptest::collection::vec((0..requests().len(), 0..PEOPLE.len()), 4),
        steps in proptest::collection::vec(step(), 100..400),
        costly in any::<bool>(),
    ) {
        let remember = if costly { Remember::Costly } else { Remember::All };
        let begin = Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let texts: Vec<&String> = texts.iter().filter(|text| compiled(text).is_some()).collect();
        prop_assume!(!texts.is_empty());
        let load = |number: usize| Snapshot::new(compiled(texts[number % texts.len()]).unwrap(), remember);
        let (mut snapshot, mut now, all) = (load(0), begin, requests());
        for step in steps {
            match step {
                Step::Load(number) => snapshot = load(number),
                Step::Clock(quarters) => now = begin.plus(Duration::from_secs(quarters * 900)),
                Step::Edge(half_days, micros) => {
                    let edge = begin.plus(Duration::from_secs(half_days * 12 * 3600));
                    now = Time::from_unix_micros(edge.unix_micros() + micros);
                }
                Step::Ask(request, who, said, ends) => {
                    let (request, who) = if request % 10 == 0 { (request, who) } else { pick[request % pick.len()] };
                    let (method, path, query) = &all[request];
                    let bundle = snapshot.bundle();
                    let matched = matched(bundle, method, path, *query);
                    let subject = bundle.people().find(PEOPLE[who]).unwrap();
                    let ends = ends.map(|hours| now.plus(Duration::from_secs(hours * 3600)));
                    let with = snapshot.decide(&matched, subject, &SAID[said], ends, now);
                    let without = decide_requirements(bundle, &matched, subject, Some(&SAID[said]), now);
                    prop_assert_eq!((with.decision, with.considered), without, "{:?} {:?} as {} at {}", with.cached, path, PEOPLE[who], now);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Step by step through all dates, forth and back: whatever changes an answer ends what is remembered of it.
    #[test]
    fn what_is_remembered_ends_when_the_answer_does(
        text in bundle_text(),
        pick in proptest::collection::vec((0..requests().len(), 0..PEOPLE.len()), 40),
    ) {
        let snapshot = Snapshot::new(compiled(&text).unwrap(), Remember::All);
        let (bundle, all) = (snapshot.bundle(), requests());
        let begin = Time::parse_rfc3339("2025-12-31T00:00:00Z").unwrap();
        let edges = (0..72_u64).map(|quarter| begin.plus(Duration::from_secs(quarter * 6 * 3600)).unix_micros());
        let forth: Vec<i64> = edges.flat_map(|edge| [edge - 1, edge, edge + 1]).collect();
        let back = forth.iter().rev();
        for (request, who) in pick {
            let (method, path, query) = &all[request];
            let matched = matched(bundle, method, path, *query);
            let subject = bundle.people().find(PEOPLE[who]).unwrap();
            for now in forth.iter().chain(back.clone()).map(|micros| Time::from_unix_micros(*micros)) {
                let with = snapshot.decide(&matched, subject, &SAID[1], None, now);
                let without = decide_requirements(bundle, &matched, subject, Some(&SAID[1]), now);
                prop_assert_eq!((with.decision, with.considered), without, "{:?} {} as {} at {}", with.cached, path, PEOPLE[who], now);
            }
        }
    }
}

fn small(more: &str) -> Snapshot {
    let text = format!("{}{more}", MODEL.replace("PRECEDENCE", "union"));
    Snapshot::new(compiled(&text).unwrap(), Remember::All)
}

fn ask(
    snapshot: &Snapshot,
    path: &str,
    who: &str,
    said: Said,
    ends: Option<Time>,
    now: Time,
) -> (bool, Option<bool>) {
    let matched = matched(snapshot.bundle(), if path == "/power" { "POST" } else { "GET" }, path, None);
    let subject = snapshot.bundle().people().find(who).unwrap();
    let decided = snapshot.decide(&matched, subject, &said, ends, now);
    (decided.decision.is_allow(), decided.cached)
}

fn day(day: u32) -> Time {
    Time::parse_rfc3339(&format!("2026-01-{day:02}T00:00:00Z")).unwrap()
}

const READER: &str = "assignments:\n  - {subject: ann, role: d/reader, scope: programme/p, from: 2026-01-02, until: 2026-01-04}\n";

#[test]
fn a_decision_is_remembered_until_a_date_on_which_it_may_change() {
    let snapshot = small(READER);
    let work = |now| ask(&snapshot, "/work/1", "ann", SAID[0], None, now);
    assert_eq!(work(day(1)), (false, Some(false)));
    assert_eq!(work(day(1)), (false, Some(true)));
    assert_eq!(work(day(2)), (true, Some(false)));
    assert_eq!(work(day(4)), (true, Some(true)));
    // `until` is the last day that counts.
    assert_eq!(work(day(5)), (false, Some(false)));
    // A clock that is put back.
    assert_eq!(work(day(3)), (true, Some(false)));
}

#[test]
fn a_block_beside_the_bundle_ends_what_is_remembered_when_it_begins_and_when_it_ends() {
    let text = format!("{}{READER}", MODEL.replace("PRECEDENCE", "union"));
    let bundle = compiled(&text).unwrap();
    let beside = "suspended: {subjects: []}\nblocks:\n  - {subject: ann, scope: class/1, reason: x, from: 2026-01-03, until: 2026-01-03}\n";
    let beside = Source { name: "suspended.yaml".into(), bytes: beside.as_bytes().to_vec() };
    let (held_off, told) = held_off(&beside, &bundle);
    assert!(told.is_empty(), "{told:?}");
    let snapshot = Snapshot::new(bundle.with(&held_off), Remember::All);
    for (day_of, expected) in [(2, true), (3, false), (4, true)] {
        let work = || ask(&snapshot, "/work/1", "ann", SAID[0], None, day(day_of));
        assert_eq!((work(), work()), ((expected, Some(false)), (expected, Some(true))), "{day_of}");
    }
}

#[test]
fn a_decision_is_not_remembered_beyond_the_token_it_was_made_for() {
    let snapshot = small(READER);
    let work = |ends, now| ask(&snapshot, "/work/1", "ann", SAID[0], Some(ends), now);
    assert_eq!(work(day(3), day(2)).1, Some(false));
    assert_eq!(work(day(4), day(2)).1, Some(true));
    assert_eq!(work(day(4), day(3)).1, Some(false));
}

#[test]
fn a_decision_is_remembered_for_the_claims_that_it_asked_about() {
    let snapshot = small("assignments:\n  - {subject: ann, role: d/boss, scope: account/s}\n");
    let power = |said| ask(&snapshot, "/power", "ann", said, None, day(1));
    assert_eq!(power(SAID[1]), (true, Some(false)));
    assert_eq!(power(Said { groups: &[], ..SAID[1] }), (true, Some(true)), "groups are not asked for");
    assert_eq!(power(SAID[2]), (false, Some(false)));
    assert_eq!(power(SAID[0]), (false, Some(true)), "both do not hold mfa");
}

#[test]
fn nothing_is_remembered_of_one_subject_route_or_capture_for_another() {
    let snapshot = small(READER);
    let first = |path, who| ask(&snapshot, path, who, SAID[0], None, day(2)).1 == Some(false);
    for (path, who) in [
        ("/work/1", "ann"),
        ("/work/2", "ann"),
        ("/work/1", "bob"),
        ("/either/1", "ann"),
        ("/work/1/of/kid", "ann"),
        ("/work/1/of/sib", "ann"),
        ("/all/1", "ann"),
        ("/all/1,2", "ann"),
        ("/news", "ann"),
    ] {
        assert!(first(path, who) && !first(path, who), "{path} {who}");
    }
}

#[test]
fn what_a_caller_makes_very_long_is_decided_and_not_kept() {
    let snapshot = small(READER);
    let path = format!("/work/{}", "1".repeat(1000));
    for _ in 0..2 {
        assert_eq!(ask(&snapshot, &path, "ann", SAID[0], None, day(2)), (false, None));
    }
}

#[test]
fn a_public_route_is_not_looked_up() {
    let snapshot = small(READER);
    assert_eq!(ask(&snapshot, "/open", "ann", SAID[0], None, day(2)), (true, None));
}
