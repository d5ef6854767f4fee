//! What happens to requests when the decision log takes no more lines.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "serve")]

mod support;

use hallpass::decision::Reason;
use hallpass::telemetry::{LogCounters, LogSettings, LogTo, WhenFull};
use std::io::{BufRead, BufReader};
use support::{Client, Flow, GET, MIB, OK, Proxy, Tap, Upstream, proxy_with, until};

const PUT: &str = "PUT /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\n\r\n";

fn proxy(upstream: &Upstream, tap: &Tap, queue: usize) -> Proxy {
    proxy_with(upstream, |config| {
        config.log = LogSettings { to: tap.output(), queue, ..LogSettings::default() };
    })
}

fn status(client: &mut Client, request: &str) -> u16 {
    client.send(request);
    client.answer().status
}

fn until_log(proxy: &Proxy, what: &str, said: impl Fn(&LogCounters) -> bool) {
    until(what, || said(proxy.log.as_ref().unwrap().counters()));
}

#[test]
fn a_full_queue_drops_reads_and_refuses_writes() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    tap.set(Flow::Blocked);
    let proxy = proxy(&upstream, &tap, 8);
    let mut client = proxy.client();
    // An eighth is for writes alone.
    for _ in 0..10 {
        assert_eq!(status(&mut client, GET), 200);
    }
    until_log(&proxy, "reads are dropped", |log| log.dropped.get() == 3);
    assert_eq!(status(&mut client, PUT), 200);
    until_log(&proxy, "the write is queued", |log| log.queued.get() == 8);
    client.send(PUT);
    let answer = client.answer();
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(proxy.counters.refused(Reason::Overloaded), 1);
    assert_eq!(proxy.log.as_ref().unwrap().waiting(), 8);
    until_log(&proxy, "the line of the refusal is lost", |log| log.dropped.get() == 4);
    assert_eq!(upstream.received(0).matches("PUT").count(), 1, "what is not logged is not forwarded");

    tap.set(Flow::Open);
    let lines = tap.until_lines(8);
    assert_eq!(lines.iter().filter(|line| line["method"] == "PUT").count(), 1);
    until_log(&proxy, "all is written", |log| log.written.get() == 8);
    assert_eq!(status(&mut client, PUT), 200);
    tap.until_lines(9);
}

#[test]
fn the_classes_are_what_the_configuration_says() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    tap.set(Flow::Blocked);
    let proxy = proxy_with(&upstream, |config| {
        config.log = LogSettings {
            to: tap.output(),
            queue: 1,
            reads: WhenFull::RefuseIfNotLogged,
            writes: WhenFull::DropAndCount,
            ..LogSettings::default()
        };
    });
    let mut client = proxy.client();
    assert_eq!(status(&mut client, PUT), 200);
    until_log(&proxy, "a line is queued", |log| log.queued.get() == 1);
    assert_eq!(status(&mut client, PUT), 200);
    assert_eq!(status(&mut client, GET), 503);
    tap.set(Flow::Open);
    tap.until_lines(1);
}

#[test]
fn a_place_is_held_for_a_write_under_way_until_its_line_is_written() {
    let (open, wait) = support::gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        wait();
        talk.reply(OK);
        talk.ends();
    });
    let tap = Tap::default();
    let proxy = proxy(&upstream, &tap, 1);
    let mut first = proxy.client();
    first.send(PUT);
    upstream.until_connections(1);
    assert_eq!(proxy.ask(PUT).status, 503, "its place is not given away, though nothing is written yet");
    open.send(()).unwrap();
    assert_eq!(first.answer().status, 200);
    let lines = tap.until_lines(1);
    assert_eq!(lines[0]["status"], 200);
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_up_requests() {
    let upstream = Upstream::replying(OK);
    let (reader, writer) = std::io::pipe().unwrap();
    let proxy = proxy_with(&upstream, |config| {
        config.log = LogSettings { to: LogTo::Writer(Box::new(writer)), queue: 64, ..LogSettings::default() };
    });
    let mut client = proxy.client();
    let log = proxy.log.clone().unwrap();
    let mut asked = 0;
    while log.counters().dropped.get() == 0 {
        assert_eq!(status(&mut client, GET), 200);
        asked += 1;
        assert!(asked < MIB, "a pipe takes that much?");
    }
    let refused = (0..64).map(|_| status(&mut client, PUT)).find(|status| *status != 200);
    assert_eq!(refused, Some(503));
    // The reader goes on, and so does everything.
    let lines = std::thread::spawn(move || {
        let lines: Vec<serde_json::Value> = BufReader::new(reader)
            .lines()
            .map(|line| hallpass::json::parse(line.unwrap().as_bytes()).unwrap())
            .collect();
        lines.len()
    });
    until("there is room again", || log.waiting() < 8);
    assert_eq!(status(&mut client, PUT), 200);
    drop(client);
    proxy.shutdown();
    let queued = log.counters().queued.get();
    assert_eq!(log.counters().written.get(), queued);
    assert_eq!(lines.join().unwrap() as u64, queued);
}

#[test]
fn a_failing_output_refuses_writes_lets_reads_through_and_recovers_by_itself() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    // Half a line, and then the disk is full.
    tap.set(Flow::Short(100));
    let proxy = proxy(&upstream, &tap, 8);
    let log = proxy.log.clone().unwrap();
    let mut client = proxy.client();
    assert_eq!(status(&mut client, GET), 200);
    tap.until_stopped();
    until("the failure is noticed", || log.is_failing());
    assert_eq!(tap.text().len(), 100);
    assert_eq!(status(&mut client, PUT), 503, "though there is room in the queue");
    for _ in 0..10 {
        assert_eq!(status(&mut client, GET), 200);
    }
    until_log(&proxy, "drops are counted", |log| log.dropped.get() == 5);
    assert!(log.counters().errors.get() > 0);
    assert!(!upstream.received(0).contains("PUT"));

    tap.set(Flow::Open);
    // The half line is finished, and the others follow.
    let lines = tap.until_lines(7);
    assert_eq!(lines[1]["reason"], "overloaded");
    until("it is well again", || !log.is_failing());
    assert_eq!(status(&mut client, PUT), 200);
    tap.until_lines(8);
}

#[test]
fn a_shutdown_writes_what_is_queued() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    tap.set(Flow::Blocked);
    let proxy = proxy(&upstream, &tap, 100);
    let mut client = proxy.client();
    for _ in 0..20 {
        assert_eq!(status(&mut client, GET), 200);
    }
    drop(client);
    let log = proxy.log.clone().unwrap();
    until("all are queued", || log.counters().queued.get() == 20);
    proxy.stop();
    tap.set(Flow::Open);
    proxy.shutdown();
    assert_eq!(tap.lines().len(), 20);
    assert_eq!((log.counters().written.get(), log.counters().dropped.get()), (20, 0));
}

#[test]
fn a_shutdown_with_a_failing_output_ends_and_counts_what_is_lost() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    tap.set(Flow::Failing);
    let proxy = proxy(&upstream, &tap, 100);
    let mut client = proxy.client();
    for _ in 0..5 {
        assert_eq!(status(&mut client, GET), 200);
    }
    drop(client);
    let log = proxy.log.clone().unwrap();
    until("all are queued", || log.counters().queued.get() == 5);
    proxy.shutdown();
    assert_eq!((log.counters().written.get(), log.counters().failed.get()), (0, 5));
}
