//! A panic is a bug of ours. It costs the request that it happened in and no other: a 500 with an id before the head of
//! the answer was sent, a broken connection after it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use hallpass::telemetry::{Closed, LogSettings};
use std::fmt;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use support::{Client, Ending, GET, OK, Proxy, Tap, Upstream, gate, proxy_with};
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber, span};

/// Panics in the middle of hallpass: where this is logged, or where it asks whether anything is.
static ARMED: Mutex<Option<&str>> = Mutex::new(None);

/// Where a decision is being made.
const DECIDING: &str = "hallpass::telemetry::record";

struct Bomb;

impl Bomb {
    fn go_off(at: &str) {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        if armed.is_some_and(|armed| armed == at) {
            *armed = None;
            drop(armed);
            panic!("the log of this test goes off");
        }
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Bomb {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        if !metadata.is_event() {
            Bomb::go_off(metadata.target());
        }
        true
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        Bomb::go_off(&message.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// One test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| tracing::subscriber::set_global_default(Bomb).unwrap());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn arm(at: &'static str) {
    *ARMED.lock().unwrap() = Some(at);
}

fn went_off() -> bool {
    ARMED.lock().unwrap().is_none()
}

fn logged(upstream: &Upstream) -> (Proxy, Tap) {
    let tap = Tap::default();
    let proxy = proxy_with(upstream, |config| {
        config.log = LogSettings { to: tap.output(), ..LogSettings::default() };
    });
    (proxy, tap)
}

/// A request that waits for its answer on the same worker, and the key that lets it have it.
fn in_flight(proxy: &Proxy, upstream: &Upstream) -> Client {
    let mut client = proxy.client();
    client.send(GET);
    upstream.until_connections(1);
    client
}

#[test]
fn inside_deciding_it_is_a_500_with_an_id() {
    let _alone = alone();
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        while talk.try_head().is_some() {
            if talk.number == 0 {
                wait();
            }
            talk.reply(OK);
        }
    });
    let (proxy, tap) = logged(&upstream);
    let mut before = in_flight(&proxy, &upstream);
    let mut client = proxy.client();
    arm(DECIDING);
    client.send(GET);
    let answer = client.answer();
    assert!(went_off() && answer.status == 500, "{}", answer.head);
    let id = answer.header("x-decision-id").unwrap().to_owned();
    assert_eq!(answer.json()["decision_id"], id.as_str());
    assert_eq!((proxy.counters.panics.get(), proxy.counters.refused(Reason::Internal)), (1, 1));
    assert_eq!(upstream.connections(), 1);
    client.send(GET);
    assert_eq!(client.answer().status, 200, "on the same connection");
    open.send(()).unwrap();
    assert_eq!(before.answer().text(), "ok");
    let lines = tap.until_lines(3);
    let line = lines.iter().find(|line| line["decision_id"] == id.as_str()).unwrap();
    assert_eq!((&line["decision"], &line["reason"]), (&"deny".into(), &"internal".into()));
}

#[test]
fn inside_the_body_of_an_answer_it_breaks_that_answer_off() {
    let _alone = alone();
    for version in ["1.1", "1.0"] {
        let ((open, wait), (end, until_end)) = (gate(), gate());
        let upstream = Upstream::start(move |talk| {
            let Some(head) = talk.try_head() else { return };
            if !head.contains("/open/breaks") {
                wait();
                return talk.reply(OK);
            }
            // More is promised than is sent.
            talk.reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
            until_end();
            talk.close();
        });
        let (proxy, tap) = logged(&upstream);
        let mut before = in_flight(&proxy, &upstream);
        let mut client = proxy.client();
        client.send(format!("GET /open/breaks HTTP/{version}\r\nHost: app\r\n\r\n"));
        let answer = client.head();
        assert_eq!(answer.status, 200, "HTTP/{version}");
        let id = answer.header("x-decision-id").unwrap().to_owned();
        arm("an answer broke off");
        end.send(()).unwrap();
        let (rest, ending) = client.rest();
        assert!(went_off() && !rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
        assert_eq!(ending, Ending::Reset, "HTTP/{version}");
        proxy.until("it is counted", |counters| counters.closed.get(Closed::Broken) == 1);
        assert_eq!(proxy.counters.panics.get(), 1);
        open.send(()).unwrap();
        assert_eq!(before.answer().text(), "ok");
        let lines = tap.until_lines(2);
        let line = lines.iter().find(|line| line["decision_id"] == id.as_str()).unwrap();
        assert_eq!((&line["aborted"], &line["status"]), (&"internal".into(), &200.into()));
        assert_eq!(proxy.counters.in_flight.get(), 0);
    }
}

#[test]
fn inside_the_body_of_a_request_it_is_a_500_with_an_id() {
    let _alone = alone();
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        let Some(head) = talk.try_head() else { return };
        match head.starts_with("POST") {
            true => talk.ends(),
            false => {
                wait();
                talk.reply(OK);
            }
        }
    });
    let (proxy, tap) = logged(&upstream);
    let mut before = in_flight(&proxy, &upstream);
    let mut client = proxy.client();
    client.send("POST /open/a HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    upstream.until_connections(2);
    arm("the body of a request broke off");
    client.send("this is no chunk\r\n");
    let answer = client.answer();
    assert!(went_off() && answer.status == 500, "{}", answer.head);
    let id = answer.header("x-decision-id").unwrap().to_owned();
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(proxy.counters.panics.get(), 1);
    // The app sees a request that broke off, not one that ended.
    upstream.until_ended(1);
    open.send(()).unwrap();
    assert_eq!(before.answer().text(), "ok");
    let lines = tap.until_lines(2);
    let line = lines.iter().find(|line| line["decision_id"] == id.as_str()).unwrap();
    assert_eq!((&line["status"], &line["reason"]), (&500.into(), &"internal".into()));
}
