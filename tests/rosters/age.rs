//! Which roster is meant, what is wrong with it as a whole, and how old it may be.

use super::{ask, at, codes, sis, small, source};
use hallpass::decision::{Edges, decide_route, is_stale};
use hallpass::policy::roster::{Outcome, Pin};
use hallpass::policy::route::Lookup;
use hallpass::policy::{Bundle, Roster, compile_with};
use std::collections::BTreeSet;

fn load(roster: &str, manifest: &str) -> Bundle {
    let compilation = compile_with(&small(roster), &[sis(manifest)]);
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
    let bad_roster = compile_with(&small(""), &[sis("file.classes,delta\n")]);
    assert!(bad_roster.bundle.is_none());
    assert_eq!(bad_roster.bad_rosters().map(|report| report.outcome).collect::<Vec<_>>(), [Outcome::Bad]);
    assert_eq!(bad_roster.diagnostics[0].place.file, "sis/manifest.csv");

    let missing = compile_with(&small(""), &[]);
    assert_eq!(missing.bad_rosters().map(|report| report.outcome).collect::<Vec<_>>(), [Outcome::Missing]);
    assert_eq!(codes(&missing), ["roster_missing"]);

    let mut sources = small("");
    sources.push(source("more.yaml", "people: {ann: {kinds: [staff]}}\n"));
    let bad_bundle = compile_with(&sources, &[sis("")]);
    assert!(bad_bundle.bundle.is_none());
    assert_eq!(bad_bundle.bad_rosters().count(), 0);
}

#[test]
fn a_roster_that_is_not_declared_is_a_mistake_of_the_bundle() {
    let other = Roster { name: "other".to_owned(), ..sis("") };
    let compilation = compile_with(&small(""), &[sis(""), other]);
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
fn what_is_known_of_an_earlier_roster_wins_over_its_manifest_and_the_bundle_and_is_in_the_revision() {
    let policy = small("as_of: 2026-11-21T01:00:00Z, max_age: 36h, then: deny");
    let with = |as_of: Option<&str>| {
        let pinned = Some(Pin { as_of: as_of.map(at) });
        let compilation = compile_with(&policy, &[Roster { pinned, ..sis("as_of,2026-11-21T00:00:00Z\n") }]);
        compilation.bundle.unwrap()
    };
    let now = "2026-11-21T10:00:00Z";
    let (old, same, unknown) =
        (with(Some("2026-11-18T00:00:00Z")), with(Some("2026-11-21T00:00:00Z")), with(None));
    assert_eq!(reason(&old, "GET", "/x", now), "stale_policy");
    assert_eq!(reason(&unknown, "GET", "/x", now), "stale_policy");
    assert_eq!(reason(&same, "GET", "/x", now), "granted");
    let plain = compile_with(&policy, &[sis("as_of,2026-11-21T00:00:00Z\n")]).bundle.unwrap();
    assert_eq!(same.revision(), plain.revision());
    let revisions = BTreeSet::from([old.revision(), same.revision(), unknown.revision()]);
    assert_eq!(revisions.len(), 3);
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
        // By name as well, as far as a name says what is done.
        let named = |what: &str, on: &str, now: &str| ask(&bundle, "ann", what, on, "", now).reason.as_str();
        assert_eq!(named("m.p", "school/by-hand", fresh), "granted");
        assert_eq!(named("m.p", "school/by-hand", stale), read, "{then}");
        for (what, on) in [("change:give", "school/by-hand"), ("edit", "document/x")] {
            assert_ne!(named(what, on, fresh), "stale_policy", "{then}");
            assert_eq!(named(what, on, stale) == "stale_policy", write == "stale_policy", "{then} {what}");
        }
        assert_eq!(named("view", "document/x", stale) == "stale_policy", read == "stale_policy", "{then}");
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
    let nobody = compile_with(&small("max_age: 36h, then: deny"), &[sis("")]);
    assert_eq!(codes(&nobody), ["missing_key"]);
    assert_eq!(nobody.bad_rosters().count(), 0);
    let wrong = compile_with(&small(stated), &[sis("as_of,yesterday\n")]);
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
        let compilation = compile_with(&small(""), &[sis(manifest)]);
        assert_eq!(codes(&compilation), [told], "{manifest}");
        assert_eq!(compilation.bad_rosters().count(), 1);
    }
    let mut untold = sis("");
    untold.files.push(source("classes.csv", "sourcedId\n"));
    assert_eq!(codes(&compile_with(&small(""), &[untold])), ["roster_manifest"]);
    let mut other_version = sis("");
    other_version.files[0] = source("manifest.csv", "propertyName,value\noneroster.version,1.0\n");
    assert_eq!(codes(&compile_with(&small(""), &[other_version])), ["roster_manifest"]);
    let mut without = sis("");
    without.files.remove(0);
    assert_eq!(codes(&compile_with(&small(""), &[without])), ["roster_file_missing"]);
}
