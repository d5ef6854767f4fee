//! Rosters beside a bundle, as `compile_with` reads them (`policy-model.md` section 8).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hallpass::decision::{Edges, decide_route, is_stale};
use hallpass::policy::roster::Outcome;
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Compilation, Roster, Source, compile_with};
use hallpass::time::Time;

fn source(name: &str, text: impl Into<Vec<u8>>) -> Source {
    Source { name: name.to_owned(), bytes: text.into() }
}

fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// A bundle around these lines of `rosters.sis`.
fn policy(roster: &str) -> Vec<Source> {
    let text = format!(
        "bundle: {{name: rostered, time_zone: Europe/Berlin}}\n\
         rosters: {{sis: {{format: oneroster, levels: {{school: school, class: class}}, kinds: {{teacher: staff}}, {roster}}}}}\n\
         domains:\n  d:\n    precedence: union\n    levels: [school, class]\n    scopes: {{school/by-hand: ~}}\n\
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
    }
}

fn codes(compilation: &Compilation) -> Vec<&'static str> {
    compilation.diagnostics.iter().map(|told| told.code).collect()
}

fn load(roster: &str, manifest: &str) -> Bundle {
    let compilation = compile_with(&policy(roster), &[sis(manifest)]);
    assert!(compilation.bundle.is_some(), "{:#?}", compilation.diagnostics);
    compilation.bundle.unwrap()
}

fn reason(bundle: &Bundle, method: &str, path: &str, now: &str) -> &'static str {
    let Lookup::Found(leaf) = bundle.routes().find(method, path) else { panic!("no route") };
    let matched = leaf.select(Vec::new()).unwrap();
    decide_route(bundle, &matched, bundle.people().find("ann").unwrap(), None, at(now)).reason.as_str()
}

#[test]
fn a_bad_roster_is_told_apart_from_a_bad_bundle() {
    let bad_roster = compile_with(&policy(""), &[sis("file.classes,delta\n")]);
    assert!(bad_roster.bundle.is_none());
    assert_eq!(bad_roster.bad_rosters().map(|report| report.outcome).collect::<Vec<_>>(), [Outcome::Bad]);
    assert_eq!(bad_roster.diagnostics[0].place.file, "sis/manifest.csv");

    let missing = compile_with(&policy(""), &[]);
    assert_eq!(missing.bad_rosters().map(|report| report.outcome).collect::<Vec<_>>(), [Outcome::Missing]);
    assert_eq!(codes(&missing), ["roster_missing"]);

    let mut sources = policy("");
    sources.push(source("more.yaml", "people: {ann: {kinds: [staff]}}\n"));
    let bad_bundle = compile_with(&sources, &[sis("")]);
    assert!(bad_bundle.bundle.is_none());
    assert_eq!(bad_bundle.bad_rosters().count(), 0);
}

#[test]
fn a_roster_that_is_not_declared_is_a_mistake_of_the_bundle() {
    let other = Roster { name: "other".to_owned(), ..sis("") };
    let compilation = compile_with(&policy(""), &[sis(""), other]);
    assert_eq!(codes(&compilation), ["roster_missing"]);
    assert_eq!(compilation.bad_rosters().count(), 0);
}

#[test]
fn the_revision_covers_the_files_of_rosters() {
    let one = load("", "");
    let other = load("", "source.systemName,elsewhere\n");
    assert_ne!(one.revision(), other.revision());
    assert_eq!(one.revision(), load("", "").revision());
}

#[test]
fn a_roster_that_is_too_old_refuses_what_the_policy_says() {
    let (fresh, stale) = ("2026-11-21T13:59:59Z", "2026-11-21T14:00:00Z");
    let stated = "as_of: 2026-11-20T02:00:00Z, max_age: 36h";
    for (then, read, write) in [
        ("warn", "granted", "granted"),
        ("deny_writes", "granted", "stale_policy"),
        ("deny", "stale_policy", "stale_policy"),
    ] {
        let bundle = load(&format!("{stated}, then: {then}"), "");
        assert_eq!(reason(&bundle, "GET", "/x", fresh), "granted");
        assert_eq!(reason(&bundle, "PUT", "/x", fresh), "granted");
        assert_eq!(reason(&bundle, "GET", "/x", stale), read, "{then}");
        assert_eq!(reason(&bundle, "HEAD", "/x", stale), read, "{then}");
        assert_eq!(reason(&bundle, "PUT", "/x", stale), write, "{then}");
        assert_eq!(reason(&bundle, "GET", "/public", stale), "public");
        assert_eq!(is_stale(&bundle, "PUT", at(stale)), write == "stale_policy");
        // From three days ahead: a slip in a date does not make it fresh for ever.
        assert_eq!(reason(&bundle, "PUT", "/x", "2026-11-17T00:00:00Z"), write);
        let edges = Edges::of(&bundle);
        assert_eq!(edges.around(at(fresh)).1, at(stale));
        assert_eq!(edges.around(at(stale)).0, at(stale));
    }
}

#[test]
fn the_manifest_says_from_when_the_data_is_before_the_bundle_does() {
    let stated = "as_of: 2026-11-20T02:00:00Z, max_age: 36h, then: deny";
    let bundle = load(stated, "as_of,2026-11-25T02:00:00Z\n");
    assert_eq!(reason(&bundle, "GET", "/x", "2026-11-25T03:00:00Z"), "granted");
    assert_eq!(bundle.freshness()[0].as_of, at("2026-11-25T02:00:00Z"));
    let nobody = compile_with(&policy("max_age: 36h, then: deny"), &[sis("")]);
    assert_eq!(codes(&nobody), ["missing_key"]);
    assert_eq!(nobody.bad_rosters().count(), 0);
    let wrong = compile_with(&policy(stated), &[sis("as_of,yesterday\n")]);
    assert_eq!(codes(&wrong), ["roster_manifest"]);
}

#[test]
fn a_manifest_and_the_files_must_agree() {
    for (manifest, told) in [
        ("file.classes,bulk\n", "roster_file_missing"),
        ("file.enrollments,delta\n", "roster_manifest"),
        ("file.enrollments,maybe\n", "roster_manifest"),
        ("file.orgs,bulk\n", "roster_manifest"),
        ("file.orgs,absent\n", "roster_manifest"),
    ] {
        let compilation = compile_with(&policy(""), &[sis(manifest)]);
        assert_eq!(codes(&compilation), [told], "{manifest}");
        assert_eq!(compilation.bad_rosters().count(), 1);
    }
    let mut untold = sis("");
    untold.files.push(source("classes.csv", "sourcedId\n"));
    assert_eq!(codes(&compile_with(&policy(""), &[untold])), ["roster_manifest"]);
    let mut other_version = sis("");
    other_version.files[0] = source("manifest.csv", "propertyName,value\noneroster.version,1.0\n");
    assert_eq!(codes(&compile_with(&policy(""), &[other_version])), ["roster_manifest"]);
    let mut without = sis("");
    without.files.remove(0);
    assert_eq!(codes(&compile_with(&policy(""), &[without])), ["roster_file_missing"]);
}
