//! `docs/bundle.md` is held to what the compiler does: its whole bundle loads, and each example of a diagnostic has
//! the code that stands beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hallpass::policy::{Compilation, Roster, Severity, Source, compile, compile_with, render};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/bundle.md")).unwrap()
}

/// The whole bundle of the page.
fn whole() -> String {
    let page = page();
    let (_, from) = page.split_once("## A whole bundle\n\n```yaml\n").unwrap();
    from.split_once("```").unwrap().0.to_owned()
}

/// The rows of the tables of diagnostics: code, example.
fn documented() -> Vec<(String, String)> {
    let page = page();
    let (_, tables) = page.split_once("## Diagnostics").unwrap();
    tables
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|line| {
            let (code, rest) = line.split_once('`').unwrap();
            let example = rest.trim_end_matches(" |").rsplit_once("| ").map_or("", |(_, example)| example);
            (code.to_owned(), example.to_owned())
        })
        .collect()
}

fn codes(sources: &[Source]) -> BTreeSet<&'static str> {
    codes_of(&compile(sources))
}

fn codes_of(compilation: &Compilation) -> BTreeSet<&'static str> {
    compilation.diagnostics.iter().map(|told| told.code).collect()
}

fn source(name: &str, text: impl Into<Vec<u8>>) -> Source {
    Source { name: name.to_owned(), bytes: text.into() }
}

#[test]
fn the_whole_bundle_of_the_page_loads() {
    let sources = [source("policy.yaml", whole())];
    let compilation = compile(&sources);
    assert!(compilation.diagnostics.is_empty(), "{}", render(&compilation.diagnostics, &sources, false));
    assert!(compilation.bundle.is_some());
}

/// The whole bundle with a piece replaced by an example of the page, or a file more.
enum Case {
    /// What stands there, and the example that is to stand there.
    Instead(&'static str, &'static str),
    /// Another file with these bytes.
    File(&'static str, &'static [u8]),
    /// A roster beside it, with a piece of it replaced.
    Rostered(&'static str, &'static str),
    /// The same without one of its files, or without any.
    RosterWithout(&'static str),
}

use Case::{File, Instead, RosterWithout, Rostered};

/// What the bundle says of its roster, and the files of that; each file begins with its name.
const ROSTER: &str = "\
sis.yaml
rosters: {sis: {format: oneroster, as_of: 2026-11-20T02:00:00Z, max_age: 36h, then: warn, bad_rows_max: 50%, levels: {school: school, class: class}, kinds: {teacher: staff, student: student}}}
domains: {school: {rosters: [sis], from_roster: {derived: {teacher: teacher}}}}

manifest.csv
propertyName,value
oneroster.version,1.1
file.orgs,bulk
file.users,bulk
file.classes,bulk
file.enrollments,bulk

orgs.csv
sourcedId,status,type,parentSourcedId
west,,school,

users.csv
sourcedId,status,enabledUser,orgSourcedIds,role,agentSourcedIds
tim,,true,west,teacher,
uma,,true,west,student,

classes.csv
sourcedId,status,schoolSourcedId,termSourcedIds
9Z,,west,

enrollments.csv
sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate
e1,,9Z,tim,teacher,,
e2,,9Z,uma,student,,
e3,,9Z,una,student,,
";

const CASES: &[(&str, Case)] = &[
    ("encoding", File("more.yaml", b"people: {jos\xe9: {kinds: [staff]}}\n")),
    ("syntax", Instead("levels: [account, school, class]", "levels: [account, school")),
    ("duplicate_key", Instead("suspended: {subjects: []}", "suspended: {subjects: [], subjects: [bo]}")),
    ("anchor", Instead("ari: {kinds: [staff]}", "ari: {kinds: &k [staff]}")),
    ("alias", Instead("bo: {kinds: [staff]}", "bo: {kinds: *k}")),
    ("tag", Instead("name: example", "name: !!str example")),
    ("merge_key", Instead("teacher: {level: class,", "teacher: {<<: {level: class},")),
    (
        "complex_key",
        Instead("  ari: {kinds: [staff]}", "  [a, b]: {kinds: [staff]}\n  ari: {kinds: [staff]}"),
    ),
    ("multiple_documents", Instead("suspended:", "---\nsuspended:")),
    ("unknown_file", File("notes.txt", b"")),
    ("missing_key", File("more.yaml", b"routes: {\"GET /x\": {permission: marks.see}}\n")),
    ("unknown_key", Instead("precedence: most_specific", "precedence: most_specific\n    precedense: union")),
    ("wrong_type", Instead("levels: [account, school, class]", "levels: account")),
    ("unknown_word", Instead("precedence: most_specific", "precedence: narrowest")),
    ("not_optional", Instead("scope: class/1A, from", "scope: class/1A, options: [marks.see], from")),
    ("unknown_title", Instead("scope: class/1A, from", "scope: class/1A, title: Support/IT, from")),
    ("not_a_root", Instead("same_scope: error", "modules_off: {class/1A: [marks]}")),
    (
        "outside_plan",
        File(
            "more.yaml",
            b"domains: {school: {plans: {free: {any_of: []}}, plan_of: {class/1B: free}}}\n\
              assignments: [{subject: bo, role: teacher, scope: class/1B, permissions: [marks.see]}]\n",
        ),
    ),
    ("not_a_power_permission", Instead("{see: {}", "{see: {power_requires: {claim: amr, has: mfa}}")),
    (
        "names_no_building",
        Instead("assignments:\n", "assignments:\n  - {subject: ari, role: editor, scope: school/south}\n"),
    ),
    (
        "bad_condition",
        Instead("GET /healthz: public", "\"GET /x\": {condition: {subject.kinds: {is: staff}}}"),
    ),
    (
        "merged_and_not_deleted",
        Instead("teacher: {level: class,", "teacher: {level: class, merged_into: teacher,"),
    ),
    (
        "merged_role",
        File(
            "more.yaml",
            b"domains: {school: {roles: {helper: {level: class, deleted: true, merged_into: teacher}}}}\n\
              assignments: [{subject: ari, role: helper, scope: class/1B}]\n",
        ),
    ),
    (
        "bare_permission",
        File(
            "more.yaml",
            b"domains: {school: {roles: {own: {level: class, grants: {marks: [{see: own_classes}]}}}}}\n\
              assignments: [{subject: bo, role: own, scope: class/1B, permissions: [marks.see]}]\n",
        ),
    ),
    ("change_alone", Instead("GET /healthz: public", "\"GET /x\": {change: role, role: admin}")),
    ("nested_any", Instead("GET /healthz: public", "\"GET /x\": {any: [{any: []}]}")),
    (
        "two_lists",
        Instead(
            "GET /healthz: public",
            "\"GET /x/{a}/{b}\": {lists: [a, b], permission: marks.see, on: \"class/{a}\", target: \"{b}\"}",
        ),
    ),
    (
        "list_not_read",
        Instead(
            "GET /healthz: public",
            "\"GET /x/{a}/{b}\": {lists: [b], permission: marks.see, on: \"class/{a}\"}",
        ),
    ),
    (
        "public_records",
        File(
            "more.yaml",
            b"records: {pupils: {fields: {}}}\n\
              routes: {\"GET /x\": {public: true, records: {type: pupils}}}\n",
        ),
    ),
    (
        "bad_pointer",
        File(
            "more.yaml",
            b"records: {pupils: {fields: {}}}\n\
              routes: {\"GET /x\": {permission: marks.see, on: class/1A, records: {type: pupils, at: data}}}\n",
        ),
    ),
    (
        "records_unsaid",
        File(
            "more.yaml",
            b"records: {pupils: {fields: {}}}\nroutes: {\"GET /x\": {permission: marks.see, on: class/1A}}\n",
        ),
    ),
    (
        "implied_without_fields",
        File(
            "more.yaml",
            b"people: {app: {kinds: [application]}}\nrecords: {pupils: {fields: {}}, groups: {fields: {}}}\n\
              sharing: {app: {groups: {fields: all, implies: [pupils]}}}\n",
        ),
    ),
    (
        "not_implied",
        File(
            "more.yaml",
            b"people: {app: {kinds: [application]}}\nrecords: {pupils: {fields: {}}}\n\
              sharing: {app: {pupils: {only: implied, fields: all}}}\n",
        ),
    ),
    (
        "sharing_not_asked",
        File("more.yaml", b"issuers: {apps: {matches: id, application: {claim: azp, matches: id}}}\n"),
    ),
    ("bad_name", Instead("class/1B:", "class 1A:")),
    ("duplicate_name", Instead("levels: [account, school, class]", "levels: [account, account]")),
    ("unknown_name", Instead("role: teacher", "role: techer")),
    ("truncated", File("people.csv", b"id,kinds\ncy,st")),
    ("missing_column", File("people.csv", b"id,email\n")),
    ("unknown_column", File("people.csv", b"id,kinds,shoe_size\n")),
    ("duplicate_column", File("people.csv", b"id,kinds,id\n")),
    ("wrong_field_count", File("people.csv", b"id,kinds\ncy,staff,extra\n")),
    ("missing_cell", File("people.csv", b"id,kinds\ncy,\n")),
    ("unknown_time_zone", Instead("time_zone: Europe/Berlin", "time_zone: Berlin")),
    (
        "level_violation",
        Instead(
            "teacher: {level: class, grants: {marks: all}}",
            "teacher: {level: class, grants: {admin: all}}",
        ),
    ),
    ("wrong_level", File("more.yaml", b"routes: {GET /x: {permission: marks.see, on: school/north}}\n")),
    ("cycle", Instead("open: {}", "open: {requires: [admin.repair]}")),
    (
        "deleted_role",
        Instead("basic: {level: account, grants", "basic: {level: account, deleted: true, grants"),
    ),
    ("default_role_without_mandatory", Instead("    mandatory: {level: account, kinds: [staff]}\n", "")),
    ("power_by_default", Instead("default_role: basic", "default_role: admin")),
    ("same_scope", Instead("suspended:", "  - {subject: bo, role: teacher, scope: class/1A}\nsuspended:")),
    ("bad_date", Instead("from: 2026-08-01", "from: 01.08.2026")),
    (
        "no_forms",
        Instead(
            "    forms:\n      report: {title: Report, groups: [papers]}\n      letter: {groups: [papers]}\n",
            "",
        ),
    ),
    ("default_above_max", Instead("{default: view, max: owner}", "{default: owner, max: view}")),
    (
        "buildings_without_forms",
        Instead(
            "suspended:",
            "  - {subject: bo, role: teacher, scope: class/1B, buildings: [school/north]}\nsuspended:",
        ),
    ),
    (
        "unexpected_count",
        Instead(
            "    buildings: school\n",
            "    buildings: school\n    expects: {people: 9, assignments: 1, unassigned: 1, without_buildings: 0}\n",
        ),
    ),
    ("no_mandatory_role", Instead("    default_role: basic\n", "")),
    (
        "scope_is_not_a_building",
        Instead("suspended:", "  - {subject: bo, role: editor, scope: school/south}\nsuspended:"),
    ),
    ("bad_template", Instead("GET /healthz: public", "GET classes: public")),
    ("no_requirement", File("more.yaml", b"routes: {\"GET /x\": {conceal: true}}\n")),
    ("empty_list", File("more.yaml", b"routes: {\"GET /x\": {require: []}}\n")),
    ("roster_missing", RosterWithout("")),
    ("roster_file_missing", RosterWithout("users.csv")),
    ("roster_manifest", Rostered("file.users,bulk", "file.users,delta")),
    ("roster_bad_rows", Rostered("bad_rows_max: 50%", "bad_rows_max: 1%")),
    ("rows_set_aside", Rostered("e1,,9Z,tim,teacher", "e1,,9Z,nobody,teacher")),
    ("bad_age", Rostered("max_age: 36h", "max_age: 36")),
    ("bad_share", Rostered("bad_rows_max: 50%", "bad_rows_max: 0.01")),
    ("route_twice", File("more.yaml", b"routes: {\"GET /classes/{other}/marks\": public}\n")),
];

/// The declaration of [`ROSTER`], and its files.
fn roster(text: &str) -> (Source, Roster) {
    let mut files: Vec<Source> = text
        .split("\n\n")
        .map(|file| {
            let (name, rows) = file.split_once('\n').unwrap();
            source(name, format!("{}\n", rows.trim_end()))
        })
        .collect();
    (files.remove(0), Roster { name: "sis".to_owned(), files, pinned: None })
}

fn compiled(case: &Case) -> Compilation {
    let changed = match case {
        Rostered(from, to) => {
            assert!(ROSTER.contains(from), "{from}");
            ROSTER.replacen(from, to, 1)
        }
        _ => ROSTER.to_owned(),
    };
    match case {
        Rostered(..) | RosterWithout(_) => {
            let (declaration, mut sis) = roster(&changed);
            let mut rosters = vec![];
            match case {
                RosterWithout("") => {}
                RosterWithout(name) => {
                    sis.files.retain(|file| file.name != *name);
                    rosters.push(sis);
                }
                _ => rosters.push(sis),
            }
            compile_with(&[source("policy.yaml", whole()), declaration], &rosters)
        }
        _ => compile(&with(case)),
    }
}

fn with(case: &Case) -> Vec<Source> {
    let base = whole();
    match case {
        Instead(from, to) => {
            assert!(base.contains(from), "{from}");
            vec![source("policy.yaml", base.replacen(from, to, 1))]
        }
        File(name, bytes) => vec![source(name, *bytes), source("policy.yaml", base)],
        Rostered(..) | RosterWithout(_) => vec![],
    }
}

#[test]
fn the_roster_of_the_cases_loads() {
    let (declaration, sis) = roster(ROSTER);
    let compilation = compile_with(&[source("policy.yaml", whole()), declaration], &[sis]);
    assert!(compilation.bundle.is_some(), "{:#?}", compilation.diagnostics);
    assert_eq!(compilation.bad_rosters().count(), 0);
}

#[test]
fn each_example_has_the_code_beside_it() {
    let rows = documented();
    let mut wrong = Vec::new();
    for (code, case) in CASES {
        let found = codes_of(&compiled(case));
        if !found.contains(code) {
            wrong.push(format!("{code}: found {found:?}"));
        }
        let (_, example) = rows.iter().find(|(known, _)| known == code).unwrap();
        // An example that is code alone stands in the case as it is written.
        let alone = example.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        let Some(example) = alone.filter(|example| !example.contains('`')) else { continue };
        let text = match case {
            Instead(_, to) | Rostered(_, to) => (*to).to_owned(),
            RosterWithout(name) => format!("rosters: {{sis: ...}} without sis/ or sis.zip, sis/{name}"),
            File(name, bytes) => format!("{name}\n{}", String::from_utf8_lossy(bytes)),
        };
        let spread = example == "basic: {level: account, deleted: true}" || example.starts_with("<<:");
        let known = text.contains(example) || text.contains(example.trim_matches(['{', '}'])) || spread;
        if !known {
            wrong.push(format!("{code}: `{example}` is not in the case"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn examples_that_are_made_and_not_written_have_their_codes_too() {
    let deep = format!("people: {}{}\n", "[".repeat(70), "]".repeat(70));
    assert!(codes(&[source("more.yaml", deep), source("policy.yaml", whole())]).contains("too_deep"));
    let large = format!("people: {{}} # {}\n", ",".repeat(2_000_000));
    assert!(codes(&[source("more.yaml", large), source("policy.yaml", whole())]).contains("too_large"));
    let base = whole();
    let (without_routes, _) = base.split_once("routes:").unwrap();
    let compilation = compile(&[source("policy.yaml", without_routes)]);
    assert_eq!(compilation.diagnostics.len(), 1);
    assert_eq!(
        (compilation.diagnostics[0].code, compilation.diagnostics[0].severity),
        ("no_routes", Severity::Warning)
    );
    let many: String = (0..1_001).map(|at| format!("k{at}: ~\n")).collect();
    assert!(codes(&[source("more.yaml", many), source("policy.yaml", whole())]).contains("too_many"));
}

#[test]
fn the_page_says_which_diagnostics_are_warnings() {
    let page = page();
    for (code, case) in CASES {
        let told = compiled(case).diagnostics;
        let warning = told.iter().any(|told| told.code == *code && told.severity == Severity::Warning);
        assert_eq!(page.contains(&format!("| `{code}` (warning) |")), warning, "{code}");
    }
}

/// The codes in the sources of the compiler: the first text after each call that reports something, if it is a name.
fn codes_in_the_sources(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_in_the_sources(&path, found);
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".rs") || name == "tests.rs" || name == "render.rs" {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for call in [".error(", ".warning("] {
            for (at, _) in text.match_indices(call) {
                // `fields.key_span("email")` may stand before the code.
                let mut pieces = text[at..].split('"').skip(1);
                let mut code = pieces.next().unwrap_or_default();
                while pieces.next().is_some_and(|after| after.starts_with(')')) {
                    code = pieces.next().unwrap_or_default();
                }
                if !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                    found.insert(code.to_owned());
                }
            }
        }
    }
}

#[test]
fn every_code_of_the_compiler_is_on_the_page_and_no_other() {
    let mut found = BTreeSet::new();
    codes_in_the_sources(&root().join("src/policy"), &mut found);
    let page: BTreeSet<String> = documented().into_iter().map(|(code, _)| code).collect();
    // These are chosen before they are handed over.
    let chosen = ["tag", "too_many", "duplicate_name", "alias", "too_deep", "syntax", "anchor"];
    let undocumented: Vec<_> = found.difference(&page).collect();
    assert!(undocumented.is_empty(), "not on the page: {undocumented:?}");
    let gone: Vec<_> = page.difference(&found).filter(|code| !chosen.contains(&code.as_str())).collect();
    assert!(gone.is_empty(), "on the page alone: {gone:?}");
    let shown: BTreeSet<&str> = CASES.iter().map(|(code, _)| *code).collect();
    let unproven: Vec<_> = page
        .iter()
        .filter(|code| !shown.contains(code.as_str()))
        .filter(|code| {
            !["too_deep", "too_large", "too_many", "no_routes", "locked_role"].contains(&code.as_str())
        })
        .collect();
    assert!(unproven.is_empty(), "without a case: {unproven:?}");
}
