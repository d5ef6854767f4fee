//! What changes on the disk comes into force, all of it or nothing, and no request notices.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![allow(unreachable_pub, reason = "a test binary has no outside")]

#[path = "bad_input/inputs.rs"]
mod inputs;
#[path = "reload/keys.rs"]
mod keys;
#[path = "reload/place.rs"]
mod place;
mod support;

use hallpass::pdp::{AUDIT_TARGET, BundleFiles, Difference, Pdp, SuspendedFile};
use hallpass::policy::Source;
use hallpass::proxy::{KeyFile, Server};
use hallpass::reload::{
    FileSet, Loaded, Mistakes, Progress, Read, Rejected, Reloader, Settings, Target, Watched,
};
use hallpass::telemetry::LogSettings;
use hallpass::time::Time;
use place::{Place, WAYS, bundle, bundle_with, write};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration;
use std::{fs, thread};
use support::{Client, DEADLINE, NEVER, OK, Tap, Upstream, clock, config, until};

const QUICK: Settings = Settings { poll: NEVER, debounce: Duration::from_millis(5) };

fn now() -> Time {
    clock().now()
}

/// A decision point with the bundle of `place`, looked after by hand.
fn looked_after(place: &Place) -> (Arc<Pdp>, Watched) {
    let pdp = Arc::new(Pdp::empty());
    let mut watched = BundleFiles::watched(&pdp, place.directory.clone());
    watched.load_first(now()).unwrap();
    (pdp, watched)
}

fn change(pdp: &Pdp) -> String {
    pdp.snapshot().unwrap().bundle().manifest().change.clone().unwrap()
}

#[test]
fn every_way_of_changing_a_directory_is_seen_by_looking() {
    for way in WAYS.iter().copied() {
        let place = Place::new(way, &bundle("1"));
        let (pdp, mut watched) = looked_after(&place);
        for next in ["2", "3", "4"] {
            place.change(&bundle(next));
            watched.look(now());
            assert_eq!(change(&pdp), next, "{way:?}");
        }
        assert_eq!(pdp.bundle_counts().loaded.get(), 4, "{way:?}");
    }
}

#[test]
fn every_way_of_changing_a_directory_is_heard_of_without_looking() {
    for way in WAYS.iter().copied() {
        let place = Place::new(way, &bundle("1"));
        let (pdp, watched) = looked_after(&place);
        // Never looks by itself: what is seen was heard of.
        let _reloader = Reloader::start(vec![watched], QUICK, clock()).unwrap();
        // The first look is the one at the start.
        until("it has begun", || pdp.bundle_counts().unchanged.get() > 0);
        for next in ["2", "3", "4"] {
            let text = bundle(next);
            place.change(&text);
            assert!(pdp.wait_for(&place::revision(&text), DEADLINE), "{way:?} {next}: {:?}", pdp.status());
        }
    }
}

#[test]
fn what_does_not_load_changes_nothing_is_shown_and_is_judged_once() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let (pdp, mut watched) = looked_after(&place);
    let (revision, generation) = (pdp.status().bundle.revision.unwrap(), pdp.generation());
    place.change(&bundle("2").replace("class_teacher, scope", "class_techer, scope"));
    for _ in 0..4 {
        watched.look(now());
    }
    let status = pdp.status();
    assert_eq!(status.bundle.revision.as_ref(), Some(&revision));
    assert_eq!((pdp.generation(), change(&pdp).as_str()), (generation, "1"));
    let failure = status.bundle.failure.unwrap();
    assert!(failure.text.contains("did you mean `class_teacher`") && !failure.retried, "{}", failure.text);
    assert_eq!(failure.diagnostics[0].code, "unknown_name");
    assert_eq!(pdp.bundle_counts().rejected.get(), 1);
    // Mended as it was: nothing new is put in force, and there is nothing to show any more.
    place.change(&bundle("1"));
    watched.look(now());
    assert!(pdp.status().bundle.failure.is_none());
    assert_eq!((pdp.generation(), pdp.bundle_counts().loaded.get()), (generation, 1));
    place.change(&bundle("3"));
    watched.look(now());
    assert_eq!(change(&pdp), "3");
}

#[test]
fn a_failure_of_the_environment_is_tried_again_though_no_byte_changes() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let (pdp, mut watched) = looked_after(&place);
    let elsewhere = place.beside("notes.md");
    symlink(&elsewhere, place.directory.join("notes.md")).unwrap();
    place.change(&bundle("2"));
    for tried in 1..=3 {
        watched.look(now());
        let failure = pdp.status().bundle.failure.unwrap();
        assert!(failure.retried && failure.text.contains("notes.md"), "{failure:?}");
        assert_eq!((change(&pdp).as_str(), pdp.bundle_counts().failed.get()), ("1", tried));
    }
    write(&elsewhere, "here it is");
    watched.look(now());
    assert_eq!(change(&pdp), "2");
    assert!(pdp.status().bundle.failure.is_none());
}

#[test]
fn a_rejected_bundle_that_was_out_of_sight_is_shown_as_rejected_again() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let (pdp, mut watched) = looked_after(&place);
    place.change("bundle: {name: bad}");
    watched.look(now());
    fs::rename(&place.directory, place.beside("away")).unwrap();
    watched.look(now());
    assert!(pdp.status().bundle.failure.unwrap().retried);
    fs::rename(place.beside("away"), &place.directory).unwrap();
    watched.look(now());
    let failure = pdp.status().bundle.failure.unwrap();
    assert!(!failure.retried && failure.text.contains("time_zone"), "{}", failure.text);
}

#[test]
fn the_same_bytes_in_other_files_put_nothing_in_force() {
    let place = Place::new(WAYS[1], &bundle("1"));
    let (pdp, mut watched) = looked_after(&place);
    let before = pdp.snapshot().unwrap();
    place.change(&bundle("1"));
    watched.look(now());
    assert!(Arc::ptr_eq(&before, &pdp.snapshot().unwrap()));
    assert!(pdp.bundle_counts().unchanged.get() > 0);
    assert!(pdp.bundle_counts().last_success().is_some());
}

#[test]
fn what_others_may_write_is_refused_at_the_start_and_at_a_reload() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let file = place.directory.join("bundle.yaml");
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let (pdp, mut watched) = looked_after(&place);
    write(&file, &bundle("2"));
    mode(0o664);
    watched.look(now());
    let failure = pdp.status().bundle.failure.unwrap();
    assert!(failure.retried && failure.text.contains("has mode 664"), "{}", failure.text);
    assert!(failure.text.contains(&format!("chmod go-w {}", file.display())), "{}", failure.text);
    assert_eq!(change(&pdp), "1");

    let mut config = config(Upstream::silent().address);
    config.bundle = place.directory.clone();
    let error = Server::start(config, clock()).unwrap_err().to_string();
    assert!(error.contains("has mode 664"), "{error}");
    mode(0o644);
    watched.look(now());
    assert_eq!(change(&pdp), "2");
}

#[test]
fn compiling_is_given_up_between_any_two_steps() {
    let sources = [Source { name: "bundle.yaml".into(), bytes: bundle("1").into() }];
    for steps in 0_u32.. {
        let left = std::cell::Cell::new(steps);
        let stale = || left.replace(left.get().saturating_sub(1)) == 0;
        match hallpass::policy::compile_unless(&sources, &[], &stale) {
            None => assert!(steps < 100, "it asks without end"),
            Some(compilation) => {
                assert!(compilation.bundle.is_some() && steps > 2, "it asked {steps} times");
                return;
            }
        }
    }
}

/// A target that does what a test tells it.
struct Told<F>(FileSet, F);

impl<F: FnMut(&Read, &dyn Fn() -> bool) -> Result<Loaded, Rejected> + Send> Target for Told<F> {
    fn files(&self) -> &FileSet {
        &self.0
    }

    fn load(&mut self, read: Read, _: Time, stale: &dyn Fn() -> bool) -> Result<Loaded, Rejected> {
        (self.1)(&read, stale)
    }
}

fn text(read: &Read) -> String {
    String::from_utf8(read.sources[0].bytes.clone()).unwrap()
}

#[test]
fn a_newer_change_cancels_an_older_load_and_is_loaded_at_once() {
    let place = Place::new(WAYS[0], "1");
    let file = place.directory.join("bundle.yaml");
    let loads = Arc::new(Mutex::new(Vec::new()));
    let (seen, path) = (loads.clone(), file.clone());
    let target = Told(FileSet::Files(vec![file]), move |read: &Read, stale: &dyn Fn() -> bool| {
        assert!(!stale(), "nothing has changed yet");
        seen.lock().unwrap().push(text(read));
        if text(read) == "1" {
            write(&path, "22");
        }
        if stale() { Err(Rejected::Stale) } else { Ok(Loaded::whole(text(read))) }
    });
    let progress = Arc::new(Progress::new("told"));
    let mut watched = Watched::new(target, progress.clone());
    watched.look(now());
    assert_eq!(*loads.lock().unwrap(), ["1", "22"]);
    assert_eq!(progress.status().revision.as_deref(), Some("22"));
    assert_eq!((progress.counts().superseded.get(), progress.counts().loaded.get()), (1, 1));
}

#[test]
fn what_never_comes_to_rest_is_loaded_all_the_same() {
    let place = Place::new(WAYS[0], "1");
    let file = place.directory.join("bundle.yaml");
    let path = file.clone();
    let mut number = 0;
    let target = Told(FileSet::Files(vec![file]), move |read: &Read, stale: &dyn Fn() -> bool| {
        number += 1;
        write(&path, &"x".repeat(number + 1));
        if stale() { Err(Rejected::Stale) } else { Ok(Loaded::whole(text(read))) }
    });
    let progress = Arc::new(Progress::new("told"));
    Watched::new(target, progress.clone()).look(now());
    assert_eq!((progress.counts().superseded.get(), progress.counts().loaded.get()), (3, 1));
}

#[test]
fn a_load_that_panics_is_shown_and_ends_no_other_reloading() {
    let (bad, good) = (Place::new(WAYS[0], "1"), Place::new(WAYS[0], &bundle("1")));
    let bad_progress = Arc::new(Progress::new("told"));
    let files = FileSet::Directory(bad.directory.clone());
    let told = Told(files, |_: &Read, _: &dyn Fn() -> bool| panic!("a bug in here"));
    let (pdp, watched) = looked_after(&good);
    let all = vec![Watched::new(told, bad_progress.clone()), watched];
    let _reloader = Reloader::start(all, QUICK, clock()).unwrap();
    assert!(bad_progress.wait_until(DEADLINE, |status| {
        status
            .failure
            .as_ref()
            .is_some_and(|failure| failure.retried && failure.text.contains("a bug in here"))
    }));
    good.change(&bundle("2"));
    assert!(pdp.wait_for(&place::revision(&bundle("2")), DEADLINE));
}

/// Loads when it is allowed to, as a roster does that is large, or lies where nobody answers.
struct Slow(FileSet, mpsc::Sender<()>, mpsc::Receiver<()>);

impl Target for Slow {
    fn files(&self) -> &FileSet {
        &self.0
    }

    fn load(&mut self, read: Read, _: Time, _: &dyn Fn() -> bool) -> Result<Loaded, Rejected> {
        let Slow(_, begun, go_on) = self;
        begun.send(()).unwrap();
        // Gone if the test failed.
        let _ = go_on.recv();
        Ok(Loaded::whole(text(&read)))
    }

    fn may_take_long(&self) -> bool {
        true
    }
}

#[test]
fn what_is_quick_waits_for_nothing_that_takes_long_nor_does_the_end() {
    let (large, small) = (Place::new(WAYS[0], "1"), Place::new(WAYS[0], "1"));
    let (begun, has_begun) = mpsc::channel();
    let (go_on, allowed) = mpsc::channel();
    let (slow, quick) = (Arc::new(Progress::new("slow")), Arc::new(Progress::new("quick")));
    let file = small.directory.join("bundle.yaml");
    let told = |read: &Read, _: &dyn Fn() -> bool| Ok(Loaded::whole(text(read)));
    let all = vec![
        Watched::new(Slow(FileSet::Directory(large.directory.clone()), begun, allowed), slow.clone()),
        Watched::new(Told(FileSet::Files(vec![file.clone()]), told), quick.clone()),
    ];
    let reloader = Reloader::start(all, QUICK, clock()).unwrap();
    has_begun.recv_timeout(DEADLINE).unwrap();
    write(&file, "22");
    assert!(quick.wait_until(DEADLINE, |status| status.revision.as_deref() == Some("22")));
    // Something is waiting to be said to the thread that is at its load, and the end still does not wait for it.
    large.change("333");
    drop(reloader);
    assert!(slow.status().revision.is_none());
    go_on.send(()).unwrap();
    assert!(slow.wait_until(DEADLINE, |status| status.revision.is_some()));
}

#[test]
fn a_reader_takes_what_is_new_and_a_request_keeps_what_it_has() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let (pdp, mut watched) = looked_after(&place);
    let reader = hallpass::pdp::Reader::new(pdp.clone());
    let held = reader.snapshot().unwrap();
    let weak = Arc::downgrade(&pdp.snapshot().unwrap());
    place.change(&bundle("2"));
    watched.look(now());
    let change = |held: &hallpass::pdp::Held| held.bundle().manifest().change.clone().unwrap();
    assert_eq!(change(&reader.snapshot().unwrap()), "2");
    assert_eq!(change(&held), "1");
    drop(held);
    // Not the last reference: that one is dropped by whoever loads.
    assert!(weak.upgrade().is_some());
    watched.look(now());
    assert!(weak.upgrade().is_none());
}

#[test]
fn the_difference_counts_people_by_what_they_hold() {
    let compile = |text: &str| {
        let source = Source { name: "bundle.yaml".into(), bytes: text.into() };
        hallpass::policy::compile(&[source]).bundle.unwrap()
    };
    let one = compile(&bundle("1"));
    assert_eq!(Difference::between(Some(&one), &compile(&bundle("2"))), Difference::default());
    let all = Difference { gaining: 1, changed: 1, added: 2, ..Difference::default() };
    assert_eq!(Difference::between(None, &one), all);
    // Ari moves from 1A to 1B; sam is suspended; kim comes and holds nothing.
    let text = bundle_with("2", "1B", "suspended: {subjects: [sam]}\n")
        .replace("  sam:", "  kim: {kinds: [staff]}\n  sam:")
        .replace("{attendance: all}", "{attendance: [view]}");
    let two = compile(&text);
    let changed = Difference { gaining: 1, losing: 2, changed: 2, added: 1, removed: 0, roles_changed: 1 };
    assert_eq!(Difference::between(Some(&one), &two), changed);
    let back = Difference { gaining: 2, losing: 1, changed: 2, added: 0, removed: 1, roles_changed: 1 };
    assert_eq!(Difference::between(Some(&two), &one), back);
}

const ARI_1A: &str = "GET /classes/1A/attendance HTTP/1.1\r\nHost: app\r\nX-Remote-User: ari\r\n\r\n";

fn start(place: &Place, change: impl FnOnce(&mut hallpass::proxy::Config)) -> (Upstream, Server) {
    let upstream = Upstream::replying(OK);
    let mut config = config(upstream.address);
    config.bundle = place.directory.clone();
    config.reload = QUICK;
    change(&mut config);
    (upstream, Server::start(config, clock()).unwrap())
}

fn ask(server: &Server, request: &str) -> u16 {
    let mut client = Client::to(server.address());
    client.send(request);
    client.answer().status
}

#[test]
fn a_suspension_takes_effect_without_a_bundle_and_outlives_one() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let file = place.beside("suspended.yaml");
    write(&file, "suspended: {subjects: []}\n");
    let (_upstream, server) = start(&place, |config| config.suspended = Some(file.clone()));
    let pdp = server.pdp();
    let progress = pdp.suspended_progress().clone();
    assert_eq!(ask(&server, ARI_1A), 200);
    write(&file, "suspended: {subjects: [ari]}\n");
    until_loaded(&progress, 2);
    assert_eq!(ask(&server, ARI_1A), 403);
    assert_eq!((pdp.status().suspended_people, pdp.bundle_counts().loaded.get()), (1, 1));

    // A file that may be cut off, or is without its list, is not used at all: the last good one holds.
    for (number, (text, says)) in (1..).zip([
        ("", "suspended"),
        ("suspended: {}\n", "`subjects`"),
        ("suspended:\n  subjects:\n", "subjects"),
        ("suspended: {subjects: [ar", "suspended.yaml"),
        ("suspended: {subjects: []}\nblocks: [{subject: ari, scope: class/1A}]\n", "`reason` is missing"),
    ]) {
        write(&file, text);
        until("it is judged", || progress.counts().rejected.get() == number);
        until_shown(&progress, says);
        assert_eq!(ask(&server, ARI_1A), 403, "{text}");
    }
    assert_eq!((progress.counts().loaded.get(), progress.counts().rejected.get()), (2, 5));
    // Whom the bundle does not know is shown. Until that is mended, nobody is set free: it may be ari, mistyped.
    write(&file, "suspended: {subjects: [kim]}\n");
    until_shown(&progress, "there is no person `kim`");
    assert_eq!(progress.counts().loaded.get(), 3);
    assert_eq!(ask(&server, ARI_1A), 403);
    // A bundle that knows her makes the file whole, without anybody touching it.
    place.change(&bundle("2").replace("  sam:", "  kim: {kinds: [staff]}\n  sam:"));
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_none()));
    assert_eq!(ask(&server, ARI_1A), 200);

    write(&file, "suspended: {subjects: [ari]}\n");
    until_loaded(&progress, 4);
    // The next bundle does not lift it, whatever the order in which things are loaded.
    let text = bundle("3");
    place.change(&text);
    assert!(pdp.wait_for(&place::revision(&text), DEADLINE));
    assert_eq!(ask(&server, ARI_1A), 403);

    // Blocks come the same way.
    let block = "suspended: {subjects: []}\n\
                 blocks: [{subject: ari, scope: class/1A, until: 2026-12-24, reason: conflict}]\n";
    write(&file, "suspended: {subjects: []}\n");
    until_loaded(&progress, 5);
    assert_eq!(ask(&server, ARI_1A), 200);
    write(&file, block);
    until_loaded(&progress, 6);
    assert_eq!(ask(&server, ARI_1A), 403);
    assert_eq!((pdp.status().suspended_people, pdp.status().blocks), (0, 1));
    assert_eq!(pdp.bundle_counts().loaded.get(), 3);
    server.shutdown();
}

#[test]
fn whom_the_bundle_does_not_know_holds_up_nobody_whom_it_knows() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let file = place.beside("suspended.yaml");
    // At the start as well: a roster that comes late must not keep the whole door shut.
    write(&file, "suspended: {subjects: [kim, sam]}\n");
    let (_upstream, server) = start(&place, |config| config.suspended = Some(file.clone()));
    let (pdp, progress) = (server.pdp(), server.pdp().suspended_progress().clone());
    until_shown(&progress, "there is no person `kim`");
    assert_eq!((pdp.status().suspended_people, ask(&server, ARI_1A)), (1, 200));
    let metric = |value| format!("hallpass_reload_last_successful{{source=\"suspended\"}} {value}\n");
    let shows = |value| server.metrics().render().unwrap().contains(&metric(value));
    assert!(shows(0));

    write(&file, "suspended: {subjects: [kim, ari]}\nblocks: [{subject: lee, scope: class/1A, reason: x}]\n");
    until_shown(&progress, "there is no person `lee`");
    assert_eq!(ask(&server, ARI_1A), 403);
    // What was asked for when the file was last whole holds on, and it never was.
    assert_eq!(pdp.status().suspended_people, 1);
    let failure = progress.status().failure.unwrap();
    assert_eq!((failure.diagnostics.len(), failure.retried), (2, false));
    assert_eq!(progress.status().revision, failure.digest);

    write(&file, "suspended: {subjects: [ari, sam]}\n");
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_none()));
    assert_eq!(pdp.status().suspended_people, 2);
    assert!(shows(1));
    write(&file, "suspended: {subjects: [arri]}\n");
    until_shown(&progress, "did you mean `ari`?");
    assert_eq!((pdp.status().suspended_people, ask(&server, ARI_1A)), (2, 403));
    write(&file, "suspended: {subjects: [sam]}\n");
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_none()));
    assert_eq!((pdp.status().suspended_people, ask(&server, ARI_1A)), (1, 200));
    server.shutdown();
}

#[test]
fn who_leaves_the_roster_does_not_lift_the_suspension_of_others() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let (pdp, mut watched) = looked_after(&place);
    let file = place.beside("suspended.yaml");
    write(&file, "suspended: {subjects: [ari, sam]}\n");
    let mut suspended = SuspendedFile::watched(&pdp, file);
    suspended.load_first(now()).unwrap();
    assert_eq!(pdp.status().suspended_people, 2);
    place.change(&bundle("2").replace("  sam: {kinds: [student]}\n", ""));
    for _ in 0..2 {
        watched.look(now());
        suspended.look(now());
        assert_eq!(pdp.status().suspended_people, 1);
        let failure = pdp.status().suspended.unwrap().failure.unwrap();
        assert!(failure.text.contains("there is no person `sam`"), "{}", failure.text);
    }
    // Back again, she still is.
    place.change(&bundle("3"));
    watched.look(now());
    assert_eq!(pdp.status().suspended_people, 2);
    suspended.look(now());
    assert!(pdp.status().suspended.unwrap().failure.is_none());
    assert_eq!((pdp.suspended_counts().loaded.get(), pdp.suspended_counts().rejected.get()), (1, 0));
}

fn until_loaded(progress: &Progress, times: u64) {
    let loaded = progress.wait_until(DEADLINE, |_| progress.counts().loaded.get() == times);
    assert!(loaded, "not loaded {times} times: {:?}", progress.status());
}

fn until_shown(progress: &Progress, what: &str) {
    let shown = progress.wait_until(DEADLINE, |status| {
        status.failure.as_ref().is_some_and(|failure| failure.text.contains(what))
    });
    assert!(shown, "`{what}` is not shown: {:?}", progress.status());
}

/// The most memory that this process had at once, in bytes.
fn memory_peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn while_what_is_no_bundle_lies_there_the_last_good_one_goes_on_deciding() {
    const ARI_1B: &str = "GET /classes/1B/attendance HTTP/1.1\r\nHost: app\r\nX-Remote-User: ari\r\n\r\n";
    let place = Place::new(WAYS[0], &inputs::good());
    let (_upstream, server) = start(&place, |_| {});
    let (pdp, progress) = (server.pdp(), server.pdp().bundle_progress().clone());
    let revision = pdp.status().bundle.revision;
    let still_decides = |name: &str| {
        assert_eq!((ask(&server, ARI_1A), ask(&server, ARI_1B)), (200, 403), "{name}");
        assert_eq!(pdp.status().bundle.revision, revision, "{name}");
    };
    still_decides("good");
    for bad in inputs::all() {
        let mut others = Vec::new();
        for (file, bytes) in bad.files {
            if file != "bundle.yaml" {
                others.push(place.directory.join(file));
                fs::write(place.directory.join(file), bytes).unwrap();
                fs::set_permissions(place.directory.join(file), fs::Permissions::from_mode(0o644)).unwrap();
            } else {
                place.change(std::str::from_utf8(&bytes).unwrap());
            }
        }
        until_shown(&progress, &format!("{}:", bad.place));
        until_shown(&progress, bad.code);
        still_decides(&bad.name);
        others.iter().for_each(|file| fs::remove_file(file).unwrap());
    }
    // A file of a gigabyte, of which nothing stands on the disk.
    let large = place.directory.join("assignments.csv");
    fs::File::create(&large).unwrap().set_len(1 << 30).unwrap();
    until_shown(&progress, "assignments.csv` is larger than 64 MiB");
    still_decides("a gigabyte");
    assert!(memory_peak() < 700 << 20, "{} bytes", memory_peak());
    fs::remove_file(large).unwrap();
    // And what is good again comes into force again.
    place.change(&inputs::good().replace("class/1A, buildings", "class/1B, buildings"));
    until("the good one is in force", || (ask(&server, ARI_1A), ask(&server, ARI_1B)) == (403, 200));
}

#[test]
fn a_server_does_not_start_with_suspensions_that_it_cannot_read() {
    let place = Place::new(WAYS[0], &bundle("1"));
    let mut config = config(Upstream::silent().address);
    config.bundle = place.directory.clone();
    config.suspended = Some(place.beside("nowhere.yaml"));
    let error = Server::start(config, clock()).unwrap_err().to_string();
    assert!(error.contains("nowhere.yaml"), "{error}");
}

#[test]
fn keys_are_exchanged_and_broken_ones_change_nothing() {
    let (one, two) = (keys::Signer::new("one"), keys::Signer::new("two"));
    let place = Place::new(WAYS[0], &bundle("1"));
    let file = place.beside("jwks.json");
    write(&file, &keys::set(&[&one]));
    let (_upstream, server) = start(&place, |config| {
        config.authenticator = keys::authenticator(&fs::read(&file).unwrap());
        config.key_files = vec![KeyFile { issuer: keys::ISSUER.into(), path: file.clone() }];
    });
    let progress = server.reloads().last().unwrap().clone();
    let answers = |signers: [&keys::Signer; 2]| {
        signers.map(|signer| {
            let token = signer.token(now());
            let head = "GET /classes/1A/attendance HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer ";
            ask(&server, &format!("{head}{token}\r\n\r\n"))
        })
    };
    assert_eq!(answers([&one, &two]), [200, 401]);
    write(&file, &keys::set(&[&one, &two]));
    until_loaded(&progress, 2);
    assert_eq!(answers([&one, &two]), [200, 200]);
    write(&file, &keys::set(&[&two]));
    until_loaded(&progress, 3);
    assert_eq!(answers([&one, &two]), [401, 200]);
    write(&file, r#"{"keys": []}"#);
    until_shown(&progress, "jwks.json");
    assert_eq!(answers([&one, &two]), [401, 200]);
    server.shutdown();
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the process logs; other tests write into it too.
fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();
        log
    })
}

impl Log {
    fn lines(&self, target: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(target)).map(str::to_owned).collect()
    }
}

/// The last thing that is said of a failure must not be the failure.
#[test]
fn a_failure_that_is_over_is_said_to_be_over() {
    // Else what another test logs first is registered as what nobody listens to, and that is remembered for all threads.
    log();
    let said = Log::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let place = Place::new(WAYS[0], &bundle("1"));
        let (_, mut watched) = looked_after(&place);
        watched.look(now());
        place.change("nonsense");
        watched.look(now());
        watched.look(now());
        place.change(&bundle("1"));
        watched.look(now());
        watched.look(now());
    });
    let said = said.lines("hallpass::reload::watched");
    let told = |text: &str| said.iter().filter(|line| line.contains(text)).count();
    assert_eq!((told("not loaded"), told("again those that are in force")), (1, 1), "{said:#?}");
}

/// The value of `name=...` in a line of the log.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let rest = &line[line.find(&format!(" {name}="))? + name.len() + 2..];
    rest.split(' ').next().map(|value| value.trim_matches('"'))
}

/// The bundle of a swap: of its own among all tests, and for the one class or the other.
fn swapped(swap: usize) -> String {
    bundle_with(&swap.to_string(), ["1A", "1B"][swap % 2], "# swapped\n")
}

#[test]
fn no_request_fails_and_none_sees_two_revisions_while_200_are_swapped() {
    const SWAPS: usize = 200;
    let (log, tap) = (log(), Tap::default());
    let place = Place::new(WAYS[1], &swapped(0));
    let (_upstream, server) = start(&place, |config| {
        config.workers = 2;
        config.log = LogSettings { to: tap.output(), queue: 1_000_000, ..LogSettings::default() };
        config.reload = Settings { poll: NEVER, debounce: Duration::from_millis(1) };
    });
    let (address, pdp) = (server.address(), server.pdp());
    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3)
        .map(|number| {
            let done = done.clone();
            thread::spawn(move || {
                let mut client = Client::to(address);
                let mut answers = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let class = ["1A", "1B"][(answers.len() + number) % 2];
                    client.send(ARI_1A.replace("1A", class));
                    let answer = client.answer();
                    answers.push((answer.header("x-decision-id").unwrap().to_owned(), class, answer.status));
                }
                answers
            })
        })
        .collect();
    // Which class each revision gives.
    let mut gives = HashMap::from([(pdp.status().bundle.revision.unwrap(), "1A")]);
    for swap in 1..=SWAPS {
        let class = ["1A", "1B"][swap % 2];
        let text = swapped(swap);
        let revision = place::revision(&text);
        place.change(&text);
        assert!(pdp.wait_for(&revision, DEADLINE), "swap {swap}: {:?}", pdp.status());
        gives.insert(revision, class);
    }
    done.store(true, Ordering::Relaxed);
    let answers: Vec<_> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    server.shutdown();
    assert!(answers.len() > SWAPS, "too few requests to say anything: {}", answers.len());

    let lines = tap.until_lines(answers.len());
    let by_id: HashMap<&str, &Value> =
        lines.iter().map(|line| (line["decision_id"].as_str().unwrap(), line)).collect();
    let mut seen = [0, 0];
    for (id, class, status) in &answers {
        let line = by_id[id.as_str()];
        let allowed = gives[line["revision"].as_str().unwrap()] == *class;
        assert_eq!(*status, if allowed { 200 } else { 403 }, "{line}");
        seen[usize::from(allowed)] += 1;
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");

    // One audit line for each activation, and it says from where to where.
    let audit = log.lines(AUDIT_TARGET);
    let mut before = place::revision(&swapped(0));
    for swap in 1..=SWAPS {
        let revision = place::revision(&swapped(swap));
        let of: Vec<_> = audit.iter().filter(|line| field(line, "to") == Some(&revision)).collect();
        assert_eq!(of.len(), 1, "{of:?}");
        assert_eq!(field(of[0], "from"), Some(before.as_str()));
        assert_eq!(field(of[0], "change"), Some(swap.to_string().as_str()));
        assert_eq!(field(of[0], "author"), Some("tests"));
        assert_eq!((field(of[0], "people_gaining"), field(of[0], "people_losing")), (Some("1"), Some("1")));
        before = revision;
    }
}

#[test]
fn a_mistake_without_a_place_is_a_mistake() {
    let place = Place::new(WAYS[0], "1");
    let files = FileSet::Directory(place.directory.clone());
    let reject = |_: &Read, _: &dyn Fn() -> bool| Err(Rejected::Mistakes(Mistakes::new("no good")));
    let progress = Arc::new(Progress::new("told"));
    let mut watched = Watched::new(Told(files, reject), progress.clone());
    assert_eq!(watched.load_first(now()).unwrap_err().text, "no good");
    assert_eq!(progress.status().age(now()), None);
    assert!(!Path::new("no good").exists());
    let suspended = SuspendedFile::watched(&Arc::new(Pdp::empty()), place.directory.join("bundle.yaml"));
    assert_eq!(suspended.progress().status().name, "suspended");
}
