//! Rosters as they lie on the disk: folders and zip files, beside the bundle or elsewhere, read again when they change. One
//! that cannot be used leaves the last good one in force, together with what was written by hand meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::admin::{self, Access, Sources, Token};
use hallpass::health;
use hallpass::pdp::{BundleFiles, Pdp};
use hallpass::proxy::{Address, Server};
use hallpass::reload::{ROSTER_FILE_BYTES_MAX, Settings, Watched};
use serde_json::Value;
use std::fs;
use std::io::{Cursor, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use support::tls::scratch;
use support::{Client, DEADLINE, NEVER, OK, Upstream, clock, config, once_at};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A place for one test: `policy/` with a bundle in it, and whatever lies beside it.
struct Place(PathBuf);

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

impl Place {
    fn new() -> Place {
        let place = Place(scratch());
        make(&place.0.join("policy"));
        place.write_policy("1A", "");
        place
    }

    fn policy(&self) -> PathBuf {
        self.0.join("policy")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The bundle, by which ann may into one class, with more said of its roster.
    fn write_policy(&self, class: &str, roster: &str) {
        let text = format!(
            "bundle: {{name: rostered, time_zone: Europe/Berlin}}\n\
             issuers: {{gateway: {{claim: sub, matches: id}}}}\n\
             rosters: {{sis: {{format: oneroster, levels: {{school: school, class: class}}, kinds: {{teacher: staff}}{roster}}}}}\n\
             domains:\n  d:\n    precedence: union\n    levels: [school, class]\n\
            \x20   scopes: {{school/by-hand: {{class/1A: ~, class/1B: ~}}}}\n\
            \x20   modules: {{m: {{level: class, permissions: {{see: ~}}}}}}\n    roles: {{r: {{level: class, grants: {{m: all}}}}}}\n\
             people: {{ann: {{kinds: [staff]}}}}\n\
             assignments: [{{subject: ann, role: r, scope: class/{class}}}]\n\
             routes:\n  \"GET /classes/{{c}}\": {{permission: m.see, on: \"class/{{c}}\"}}\n\
            \x20 \"PUT /classes/{{c}}\": {{permission: m.see, on: \"class/{{c}}\"}}\n"
        );
        write(&self.policy().join("policy.yaml"), text.as_bytes());
    }

    fn folder(&self) -> PathBuf {
        self.policy().join("sis")
    }

    fn zip(&self) -> PathBuf {
        self.policy().join("sis.zip")
    }

    fn write_folder(&self, files: &[(&str, String)]) {
        if !self.folder().exists() {
            make(&self.folder());
        }
        for (name, text) in files {
            write(&self.folder().join(name), text.as_bytes());
        }
    }

    /// Looked after by hand.
    fn looked_after(&self) -> (Arc<Pdp>, Watched) {
        let pdp = Arc::new(Pdp::empty());
        let mut watched = BundleFiles::watched(&pdp, self.policy());
        watched.load_first(clock().now()).unwrap();
        (pdp, watched)
    }

    /// Why a server would not start.
    fn refusal(&self) -> String {
        let mut watched = BundleFiles::watched(&Arc::new(Pdp::empty()), self.policy());
        watched.load_first(clock().now()).map_or_else(|mistakes| mistakes.text, |()| String::new())
    }

    fn start(&self, upstream: &Upstream, change: impl FnOnce(&mut hallpass::proxy::Config)) -> Server {
        let mut config = config(upstream.address);
        config.bundle = self.policy();
        config.reload = Settings { poll: NEVER, debounce: Duration::from_millis(5) };
        change(&mut config);
        Server::start(config, clock()).unwrap()
    }
}

fn make(path: &Path) {
    fs::create_dir(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Writes a file that nobody else may write, in one step.
fn write(path: &Path, bytes: &[u8]) {
    let new = path.with_file_name(".new");
    fs::write(&new, bytes).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o644)).unwrap();
    fs::rename(new, path).unwrap();
}

/// A roster with these lines in its manifest, and so many teachers.
fn files(manifest: &str, teachers: usize) -> Vec<(&'static str, String)> {
    let users: String = (0..teachers).map(|number| format!("t{number},,true,north,teacher,\n")).collect();
    vec![
        (
            "manifest.csv",
            format!("propertyName,value\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n{manifest}"),
        ),
        ("orgs.csv", "sourcedId,status,type,parentSourcedId\nnorth,,school,\n".to_owned()),
        ("users.csv", format!("sourcedId,status,enabledUser,orgSourcedIds,role,agentSourcedIds\n{users}")),
    ]
}

fn good() -> Vec<(&'static str, String)> {
    files("as_of,2026-11-21T02:00:00Z\n", 3)
}

/// One that says that it is a difference to another one.
fn bad() -> Vec<(&'static str, String)> {
    files("as_of,2026-11-22T02:00:00Z\nfile.classes,delta\n", 3)
}

fn packed(files: &[(&str, String)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, text) in files {
        writer.start_file(*name, packed).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A few hundred kilobytes that say that they are a few, and are more than a roster may be.
fn bomb() -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file("manifest.csv", packed.compression_level(Some(1))).unwrap();
    let piece = vec![0; 1 << 20];
    for _ in 0..=ROSTER_FILE_BYTES_MAX >> 20 {
        writer.write_all(&piece).unwrap();
    }
    let bomb = writer.finish().unwrap().into_inner();
    assert!(bomb.len() < 3 << 20, "{} bytes", bomb.len());
    bomb
}

fn ask(server: &Server, method: &str, class: &str) -> u16 {
    let mut client = Client::to(server.address());
    client.send(format!("{method} /classes/{class} HTTP/1.1\r\nHost: app\r\nX-Remote-User: ann\r\n\r\n"));
    client.answer().status
}

fn failure(watched: &Watched) -> Option<String> {
    watched.progress().status().failure.map(|failure| failure.text)
}

#[test]
fn a_roster_is_read_from_a_folder_or_a_zip_file_and_both_are_one_revision() {
    let place = Place::new();
    place.write_folder(&good());
    // What is no part of a roster is not looked at.
    write(&place.folder().join("demographics.csv"), b"\xff");
    make(&place.folder().join(".git"));
    let (pdp, mut watched) = place.looked_after();
    let roster = &pdp.rosters()[0];
    assert_eq!((roster.report.name.as_str(), roster.failing.as_deref()), ("sis", None));
    assert_eq!(roster.report.as_of.unwrap().to_string(), "2026-11-21T02:00:00Z");
    let revision = pdp.status().bundle.revision.unwrap();

    fs::remove_dir_all(place.folder()).unwrap();
    write(&place.zip(), &packed(&good()));
    watched.look(clock().now());
    assert_eq!((pdp.status().bundle.revision.unwrap(), failure(&watched)), (revision.clone(), None));
    write(&place.zip(), &packed(&files("as_of,2026-11-21T03:00:00Z\n", 3)));
    watched.look(clock().now());
    assert_ne!(pdp.status().bundle.revision.unwrap(), revision);
}

#[test]
fn without_its_roster_a_bundle_does_not_start() {
    let place = Place::new();
    assert!(place.refusal().contains("roster_missing"), "{}", place.refusal());
    place.write_folder(&bad());
    let told = place.refusal();
    assert!(told.contains("sis/manifest.csv") && told.contains("delta"), "{told}");
    place.write_folder(&good());
    assert_eq!(place.refusal(), "");
    // There twice, which of the two is meant is not guessed.
    write(&place.zip(), &packed(&good()));
    assert!(place.refusal().contains("is there twice"), "{}", place.refusal());
    fs::remove_file(place.zip()).unwrap();
    // And one that nobody declared.
    write(&place.policy().join("other.zip"), &packed(&good()));
    assert!(place.refusal().contains("roster_missing"), "{}", place.refusal());
}

#[test]
fn what_cannot_be_read_leaves_the_last_good_roster_in_force_with_what_is_written_by_hand() {
    let whole = packed(&good());
    let bomb = bomb();
    let nested = packed(&[("export/manifest.csv", String::new())]);
    let mut breaks: Vec<(&str, &str, Option<Vec<u8>>)> = vec![
        ("missing", "is not there", None),
        ("cut off", "zip file", Some(whole[..whole.len() - 7].to_vec())),
        ("cut off early", "zip file", Some(whole[..40].to_vec())),
        ("empty", "zip file", Some(Vec::new())),
        ("no zip", "zip file", Some(b"sourcedId,status\n".to_vec())),
        ("a bomb", "larger than a roster may be", Some(bomb)),
        ("in a folder", "in a folder", Some(nested)),
        ("a difference", "delta", Some(packed(&bad()))),
        ("no users", "users.csv", Some(packed(&good()[..2]))),
    ];
    let upstream = Upstream::replying(OK);
    let place = Place::new();
    write(&place.zip(), &whole);
    let server = place.start(&upstream, |_| {});
    let (pdp, progress) = (server.pdp(), server.pdp().bundle_progress().clone());
    let digest = pdp.rosters()[0].digest.clone();
    for (number, (what, says, bytes)) in breaks.drain(..).enumerate() {
        let (class, other) = [("1B", "1A"), ("1A", "1B")][number % 2];
        assert_eq!((ask(&server, "GET", other), ask(&server, "GET", class)), (200, 403));
        match bytes {
            Some(bytes) => write(&place.zip(), &bytes),
            None => fs::remove_file(place.zip()).unwrap(),
        }
        assert!(progress.wait_until(DEADLINE, |status| status.failure.is_some()), "{what}");
        // Whoever writes by hand meanwhile is not kept waiting.
        place.write_policy(class, "");
        support::until("it is in force", || ask(&server, "GET", class) == 200);
        assert_eq!(ask(&server, "GET", other), 403);
        let roster = pdp.rosters().remove(0);
        assert!(roster.failing.as_ref().is_some_and(|why| why.contains(says)), "{what}: {roster:?}");
        assert_eq!(roster.digest, digest);
        // A second change by hand, with the same last good one.
        write(&place.zip(), &whole);
        assert!(progress.wait_until(DEADLINE, |status| status.failure.is_none()), "{what}");
        assert_eq!(pdp.rosters()[0].failing, None);
    }
    server.shutdown();
}

#[test]
fn a_bundle_with_a_mistake_changes_nothing_however_good_its_roster_is() {
    let place = Place::new();
    place.write_folder(&good());
    let (pdp, mut watched) = place.looked_after();
    let revision = pdp.status().bundle.revision;
    for roster in [good(), bad()] {
        place.write_folder(&roster);
        place.write_policy("1C", "");
        watched.look(clock().now());
        let told = failure(&watched).unwrap();
        assert!(told.contains("class/1C"), "{told}");
        assert_eq!(pdp.status().bundle.revision, revision);
    }
    // Both are mended.
    place.write_folder(&good());
    place.write_policy("1A", "");
    watched.look(clock().now());
    assert_eq!((failure(&watched), pdp.status().bundle.revision), (None, revision));
}

#[test]
fn what_others_may_write_is_no_roster() {
    for zip in [false, true] {
        let place = Place::new();
        let paths = if zip {
            write(&place.zip(), &packed(&good()));
            vec![place.zip()]
        } else {
            place.write_folder(&good());
            vec![place.folder(), place.folder().join("users.csv")]
        };
        for path in paths {
            let before = fs::metadata(&path).unwrap().permissions();
            let (pdp, mut watched) = place.looked_after();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o775)).unwrap();
            assert!(place.refusal().contains("has mode 775"), "{}", place.refusal());
            watched.look(clock().now());
            assert!(failure(&watched).unwrap().contains("chmod go-w"));
            assert!(pdp.rosters()[0].failing.as_ref().unwrap().contains("has mode 775"));
            fs::set_permissions(&path, before).unwrap();
            watched.look(clock().now());
            assert_eq!(failure(&watched), None);
        }
    }
}

/// At the time of the tests, 2026-11-21T10:00:00Z.
#[test]
fn a_roster_that_is_not_renewed_grows_old_whatever_the_bundle_says_of_the_next_one() {
    let upstream = Upstream::replying(OK);
    let place = Place::new();
    let age = |as_of: &str| format!(", as_of: {as_of}, max_age: 6h, then: deny_writes");
    place.write_policy("1A", &age("2026-11-21T05:00:00Z"));
    place.write_folder(&files("", 3));
    let server = place.start(&upstream, |_| {});
    let (pdp, progress) = (server.pdp(), server.pdp().bundle_progress().clone());
    assert_eq!((ask(&server, "GET", "1A"), ask(&server, "PUT", "1A")), (200, 200));
    // A bundle that speaks of a newer roster comes with one that cannot be used: the old one stays as old as it is.
    place.write_folder(&files("file.classes,delta\n", 3));
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_some()));
    place.write_policy("1A", &age("2026-11-21T09:59:00Z").replace("6h", "4h"));
    support::until("it is in force", || pdp.rosters()[0].is_stale(clock().now()));
    assert_eq!(pdp.rosters()[0].report.as_of.unwrap().to_string(), "2026-11-21T05:00:00Z");
    assert_eq!((ask(&server, "GET", "1A"), ask(&server, "PUT", "1A")), (200, 503));
    place.write_folder(&files("", 3));
    support::until("the new one is in force", || ask(&server, "PUT", "1A") == 200);
    server.shutdown();
}

#[test]
fn what_was_known_of_the_age_of_the_last_good_roster_stands_however_its_manifest_is_written() {
    let now = clock().now();
    let age = |as_of: &str| format!(", as_of: {as_of}, max_age: 4h, then: deny_writes");
    let (old, new) = (age("2026-11-21T05:00:00Z"), age("2026-11-21T09:59:00Z"));
    let plain = "propertyName,value\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\n";
    let turned = "value,propertyName\n1.1,oneroster.version\nbulk,file.orgs\nbulk,file.users\n";
    let wide = "propertyName,value,note\noneroster.version,1.1,\nfile.orgs,bulk,\nfile.users,bulk,\n";
    let stated = format!("{turned}2026-11-21T05:00:00Z,as_of\n");
    let known = Some("2026-11-21T05:00:00Z");
    for (manifest, before, as_of) in [
        (plain, old.as_str(), known),
        (turned, &old, known),
        (wide, &old, known),
        (&stated, &new, known),
        // Nobody said from when it is, so nobody can say that it is new enough.
        (plain, "", None),
    ] {
        let place = Place::new();
        place.write_policy("1A", before);
        place.write_folder(&files("", 3));
        place.write_folder(&[("manifest.csv", manifest.to_owned())]);
        let (pdp, mut watched) = place.looked_after();
        let fresh = pdp.rosters()[0].clone();
        // The bundle speaks of the next one, which cannot be used; twice, because what is kept is kept again.
        for class in ["1B", "1A"] {
            place.write_folder(&files("file.classes,delta\n", 3));
            place.write_policy(class, &new);
            watched.look(now);
            let roster = pdp.rosters().remove(0);
            assert!(roster.failing.is_some() && roster.is_stale(now), "{manifest} {before}: {roster:?}");
            assert_eq!(roster.report.as_of.map(|as_of| as_of.to_string()).as_deref(), as_of, "{manifest}");
            assert_eq!(roster.digest, fresh.digest);
        }
        place.write_folder(&files("", 3));
        watched.look(now);
        assert!(!pdp.rosters()[0].is_stale(now) && failure(&watched).is_none());
    }
}

#[test]
fn each_roster_that_cannot_be_used_is_replaced_also_where_that_shows_only_once_another_is() {
    let place = Place::new();
    let other = ", title: t}, other: {format: oneroster, levels: {school: school}, kinds: {teacher: staff}";
    let write_other = |org: &str| {
        for (name, text) in files("", 3) {
            let text = text.replace("north,teacher", &format!("{org},teacher")).replace("\nt", "\no");
            write(&place.policy().join("other").join(name), text.replace("north", "south").as_bytes());
        }
    };
    make(&place.policy().join("other"));
    place.write_policy("1A", other);
    place.write_folder(&good());
    write_other("south");
    let (pdp, mut watched) = place.looked_after();
    let revision = pdp.status().bundle.revision;
    // What is wrong with the rows of the other is seen only when this one is read.
    place.write_folder(&bad());
    write_other("nowhere");
    place.write_policy("1B", other);
    watched.look(clock().now());
    let failing: Vec<_> =
        pdp.rosters().into_iter().map(|roster| roster.failing.unwrap_or_default()).collect();
    assert!(failing[0].contains("delta") && failing[1].contains("bad_rows_max"), "{failing:?}");
    assert_ne!(pdp.status().bundle.revision, revision);
    let told = failure(&watched).unwrap();
    assert!(told.contains("sis/manifest.csv") && told.contains("other/users.csv"), "{told}");
    // And both are back as soon as they can be.
    place.write_folder(&good());
    write_other("south");
    place.write_policy("1A", other);
    watched.look(clock().now());
    assert_eq!((failure(&watched), pdp.status().bundle.revision), (None, revision));
}

#[test]
fn a_roster_may_lie_elsewhere_and_is_watched_there() {
    let upstream = Upstream::replying(OK);
    let place = Place::new();
    let elsewhere = place.at("export.zip");
    write(&elsewhere, &packed(&good()));
    let server = place.start(&upstream, |config| config.rosters = vec![("sis".into(), elsewhere.clone())]);
    let (pdp, progress) = (server.pdp(), server.pdp().bundle_progress().clone());
    write(&elsewhere, &packed(&files("as_of,2026-11-21T07:00:00Z\n", 4)));
    let newer = || pdp.rosters()[0].report.as_of.unwrap().to_string() == "2026-11-21T07:00:00Z";
    support::until("the newer one is in force", newer);
    write(&elsewhere, b"no zip");
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_some()));
    assert!(newer());
    server.shutdown();
}

#[test]
fn status_and_metrics_tell_of_each_roster() {
    let upstream = Upstream::replying(OK);
    let place = Place::new();
    place.write_policy("1A", ", max_age: 36h, then: warn");
    place.write_folder(&good());
    let server = place.start(&upstream, |_| {});
    let (pdp, readiness, metrics) = (server.pdp(), server.readiness(), server.metrics());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let sources = Sources {
        pdp: pdp.clone(),
        reloads: server.reloads().to_vec(),
        certificates: None,
        key_sources: Vec::new(),
        readiness: readiness.clone(),
        log: None,
        unsafe_settings: Vec::new(),
    };
    let access = Access::Token { listen: any, token: Token::read(TOKEN.as_bytes()).unwrap() };
    let admin = admin::start(admin::Config { access }, sources, clock()).unwrap();
    let sources = health::Sources {
        pdp: pdp.clone(),
        metrics,
        readiness,
        upstream: Address::Socket(upstream.address),
        upstream_tls: None,
    };
    let health = health::start(health::Config { listen: any, upstream_path: None }, sources).unwrap();
    let status = || -> Value {
        let head = format!("GET /status HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
        let (_, _, body) = once_at(admin.address().unwrap(), &head);
        hallpass::json::parse(body.as_bytes()).unwrap()["rosters"][0].clone()
    };
    let shown = || once_at(health.address().unwrap(), "GET /metrics HTTP/1.1\r\nHost: pod\r\n\r\n").2;
    let told = status();
    assert_eq!((told["name"].as_str(), told["as_of"].as_str()), (Some("sis"), Some("2026-11-21T02:00:00Z")));
    assert_eq!((&told["stale"], &told["failing"]), (&Value::from(false), &Value::Null));
    assert_eq!(told["set_aside"]["rows"], 0);
    let text = shown();
    assert!(text.contains("hallpass_roster_as_of_timestamp_seconds{roster=\"sis\"} 1795226400\n"), "{text}");
    assert!(text.contains("hallpass_roster_failing{roster=\"sis\"} 0\n"));

    place.write_folder(&bad());
    let failed = pdp.bundle_progress().wait_until(DEADLINE, |status| status.failure.is_some());
    assert!(failed && status()["failing"].as_str().unwrap().contains("delta"), "{}", status());
    let text = shown();
    assert!(text.contains("hallpass_roster_failing{roster=\"sis\"} 1\n"));
    assert!(text.contains("hallpass_reload_last_successful{source=\"bundle\"} 0\n"));
    assert!(!text.contains(&place.0.display().to_string()), "a file is named");
    server.shutdown();
}

fn command(arguments: &[&str], input: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(arguments)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let text = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    (done.status.code(), text)
}

#[test]
fn the_verbs_take_a_roster_from_beside_the_bundle_and_from_elsewhere() {
    let place = Place::new();
    let policy = place.policy().display().to_string();
    let (code, text) = command(&["check", &policy], "");
    assert!(code == Some(1) && text.contains("roster_missing"), "{text}");
    write(&place.at("x.zip"), &packed(&good()));
    let given = format!("sis={}", place.at("x.zip").display());
    let (code, text) = command(&["check", &policy, "--roster", &given], "");
    assert!(code == Some(0) && text.contains("roster sis: "), "{text}");
    let request = r#"{"subject":{"type":"staff","id":"ann"},"action":{"name":"m.see"},"resource":{"type":"class","id":"1A"}}"#;
    let (code, text) = command(&["eval", &policy, "--roster", &given], request);
    assert!(code == Some(0) && text.contains(r#""decision":true"#), "{text}");
    let asked =
        ["explain", &policy, "--roster", &given, "--subject", "ann", "--can", "m.see", "--on", "class/1A"];
    assert_eq!(command(&asked, "").0, Some(0));
    let (code, text) = command(&["check", &policy, "--roster", "sis"], "");
    assert!(code == Some(2) && text.contains("NAME=PATH"), "{text}");
    write(&place.at("x.zip"), b"no zip");
    let (code, text) = command(&["check", &policy, "--roster", &given], "");
    assert!(code == Some(1) && text.contains("cannot be read as a zip file"), "{text}");
    write(&place.zip(), &packed(&good()));
    let (code, text) = command(&["check", &policy], "");
    assert!(code == Some(0) && text.contains("roster sis: "), "{text}");
}

// Rows that cannot be placed.

/// A bundle by which those who teach a class may see it, and ann, by hand, another one.
fn rows_policy(class: &str) -> String {
    format!(
        "bundle: {{name: rostered, time_zone: Europe/Berlin}}\n\
         issuers: {{gateway: {{claim: sub, matches: id}}}}\n\
         rosters: {{sis: {{format: oneroster, levels: {{school: school, class: class}}, kinds: {{teacher: staff}}}}}}\n\
         domains:\n  d:\n    precedence: union\n    levels: [school, class]\n    rosters: [sis]\n\
        \x20   from_roster: {{derived: {{teacher: r}}}}\n    scopes: {{school/by-hand: {{class/1A: ~, class/1B: ~}}}}\n\
        \x20   modules: {{m: {{level: class, permissions: {{see: ~}}}}}}\n    roles: {{r: {{level: class, grants: {{m: all}}}}}}\n\
         people: {{ann: {{kinds: [staff]}}}}\n\
         assignments: [{{subject: ann, role: r, scope: class/{class}}}]\n\
         routes:\n  \"GET /classes/{{c}}\": {{permission: m.see, on: \"class/{{c}}\"}}\n"
    )
}

/// One school with 200 teachers who teach a class of their own each, `c0` and so on; the enrolments of the first `bad`
/// of them name a class that is not there.
fn taught(bad: usize) -> Vec<(&'static str, String)> {
    let each = |row: fn(usize) -> String| (0..200).map(row).collect::<String>();
    let manifest = "propertyName,value\noneroster.version,1.1\nfile.orgs,bulk\nfile.users,bulk\nfile.classes,bulk\nfile.enrollments,bulk\n";
    let enrolled = (0..200).map(|n| {
        let class = if n < bad { "gone".to_owned() } else { format!("c{n}") };
        format!("e{n},,{class},t{n},teacher,,\n")
    });
    vec![
        ("manifest.csv", manifest.to_owned()),
        ("orgs.csv", "sourcedId,status,type,parentSourcedId\nnorth,,school,\n".to_owned()),
        (
            "users.csv",
            "sourcedId,status,enabledUser,orgSourcedIds,role,agentSourcedIds\n".to_owned()
                + &each(|n| format!("t{n},,true,north,teacher,\n")),
        ),
        (
            "classes.csv",
            "sourcedId,status,schoolSourcedId,termSourcedIds\n".to_owned()
                + &each(|n| format!("c{n},,north,\n")),
        ),
        (
            "enrollments.csv",
            "sourcedId,status,classSourcedId,userSourcedId,role,beginDate,endDate\n".to_owned()
                + &enrolled.collect::<String>(),
        ),
    ]
}

fn may_see(server: &Server, who: &str, class: &str) -> bool {
    let mut client = Client::to(server.address());
    client.send(format!("GET /classes/{class} HTTP/1.1\r\nHost: app\r\nX-Remote-User: {who}\r\n\r\n"));
    client.answer().status == 200
}

/// 601 rows: three of them are half a percent, thirty are five.
#[test]
fn half_a_percent_of_bad_rows_loads_and_is_counted_and_five_percent_leave_the_last_good_roster() {
    let upstream = Upstream::replying(OK);
    let place = Place::new();
    write(&place.policy().join("policy.yaml"), rows_policy("1A").as_bytes());
    write(&place.zip(), &packed(&taught(3)));
    let server = place.start(&upstream, |_| {});
    let (pdp, progress) = (server.pdp(), server.pdp().bundle_progress().clone());
    let roster = pdp.rosters().remove(0);
    assert_eq!((roster.report.rows, roster.report.set_aside.total()), (601, 3));
    let aside = &roster.report.set_aside.listed()[0];
    assert_eq!(
        (aside.file.as_str(), aside.line, aside.cause.as_str()),
        ("sis/enrollments.csv", 2, "unknown_class")
    );
    // What is set aside grants nothing, and takes nothing from others.
    assert!(!may_see(&server, "t0", "c0") && may_see(&server, "t3", "c3") && !may_see(&server, "t3", "c4"));
    assert!(progress.status().failure.is_none());

    write(&place.zip(), &packed(&taught(30)));
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_some()));
    let failure = progress.status().failure.unwrap();
    assert!(failure.text.contains("roster_bad_rows"), "{}", failure.text);
    assert!(may_see(&server, "t3", "c3") && may_see(&server, "ann", "1A") && !may_see(&server, "ann", "1B"));
    // The last good one goes on deciding with what is written by hand now.
    write(&place.policy().join("policy.yaml"), rows_policy("1B").as_bytes());
    support::until("the newer file is in force", || may_see(&server, "ann", "1B"));
    assert!(may_see(&server, "t3", "c3") && !may_see(&server, "ann", "1A"));
    assert_eq!(pdp.rosters()[0].report.set_aside.total(), 3);
    assert!(pdp.rosters()[0].failing.is_some());
    // Mended, the new one decides.
    write(&place.zip(), &packed(&taught(0)));
    support::until("the mended one is in force", || may_see(&server, "t0", "c0"));
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_none()));
    let (code, text) = command(&["check", &place.policy().display().to_string()], "");
    assert!(code == Some(0) && text.contains("roster sis: 601 rows, 0 set aside"), "{text}");
    server.shutdown();
}

#[test]
fn check_tells_what_is_set_aside_by_cause_and_line() {
    let place = Place::new();
    write(&place.policy().join("policy.yaml"), rows_policy("1A").as_bytes());
    place.write_folder(&taught(3));
    let (code, text) = command(&["check", &place.policy().display().to_string()], "");
    assert!(code == Some(0) && text.contains("roster sis: 601 rows, 3 set aside"), "{text}");
    assert!(text.contains("unknown_class: 3, first in sis/enrollments.csv:2"), "{text}");
}
