//! The metrics: named by the book, documented, true, and bounded whatever callers send.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::telemetry::Metrics;
use hallpass::telemetry::metrics::table::{self, Kind};
use hallpass::telemetry::metrics::{CacheName, RosterNumbers};
use hallpass::time::Time;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;
use support::{Client, GET, OK, Proxy, SOON, Upstream, gate, proxy_with, until};

/// Everything as it is shown, with the bundle of the proxy.
fn shown(proxy: &Proxy) -> String {
    let snapshot = proxy.server().pdp().snapshot().unwrap();
    snapshot.decisions(&proxy.counters);
    proxy.counters.render().unwrap()
}

/// The names and labels of all series.
fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

/// The value of one series.
fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in {text}")).parse().unwrap()
}

#[test]
fn the_document_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let wanted = table::markdown();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/metrics.md is not up to date: UPDATE_DOCS=1 cargo test --test metrics");
}

#[test]
fn names_follow_the_conventions_of_the_field() {
    let mut names = BTreeSet::new();
    for family in table::ALL {
        let name = family.name;
        assert!(names.insert(name), "{name} is there twice");
        assert!(name.starts_with("hallpass_"), "{name}");
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert_eq!(matches!(family.kind, Kind::Counter), name.ends_with("_total"), "{name}");
        assert!(family.help.ends_with('.') && !family.help.contains('|'), "{name}");
        for unit in ["_ms", "_millis", "_micros", "_minutes", "_kb"] {
            assert!(!name.contains(unit), "{name} is not in a base unit");
        }
        for label in family.labels {
            let caller =
                ["path", "route", "user", "subject", "host", "ip", "peer", "agent", "le", "quantile"];
            assert!(!caller.contains(&label.name), "{name} has the label {}", label.name);
        }
        if let Kind::Histogram(bounds) = family.kind {
            assert!(name.ends_with("_seconds") && bounds[0] == 0.000_01, "{name}");
            assert!(bounds.windows(2).all(|two| two[0] < two[1]), "{name}");
        }
    }
}

#[test]
fn what_is_shown_is_what_is_documented_and_the_other_way_round() {
    let metrics = Metrics::new().unwrap();
    metrics.started(Time::from_unix_seconds(0));
    metrics.show_bundle("aa", 1);
    for cache in [CacheName::Tokens, CacheName::Decisions] {
        metrics.cache(cache);
    }
    for source in ["bundle", "suspended", "certificate/0"] {
        metrics.reload(source);
    }
    let roster = RosterNumbers {
        name: "sis",
        rows: 2,
        set_aside: vec![("unknown_class", 1)],
        as_of: Some(Time::from_unix_seconds(0)),
        failing: false,
    };
    metrics.show_rosters([roster].into_iter());
    metrics.jwks("https://login.school.example");
    metrics.certificate_expiry(0);
    metrics.log();
    let text = metrics.render().unwrap();
    let shown: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let documented: BTreeSet<&str> = table::ALL.iter().map(|family| family.name).collect();
    assert_eq!(shown, documented);
}

#[test]
fn counts_requests_and_decisions_once_each() {
    let upstream = Upstream::replying(OK);
    let proxy = Proxy::before(&upstream);
    let ari = "Host: app\r\nX-Remote-User: ari\r\n\r\n";
    assert_eq!(proxy.ask(GET).status, 200);
    assert_eq!(proxy.ask(&format!("GET /classes/1A/attendance HTTP/1.1\r\n{ari}")).status, 200);
    assert_eq!(proxy.ask(&format!("GET /classes/1B/attendance HTTP/1.1\r\n{ari}")).status, 403);
    assert_eq!(proxy.ask("BREW /open/a HTTP/1.1\r\nHost: app\r\n\r\n").status, 401);
    assert_eq!(proxy.ask("GET /nowhere HTTP/1.1\r\nHost: app\r\n\r\n").status, 404);
    until("answers are sent", || proxy.counters.in_flight.get() == 0);
    let text = shown(&proxy);
    let decisions = |domain: &str, decision: &str, reason: &str| {
        let labels = format!("decision=\"{decision}\",domain=\"{domain}\",reason=\"{reason}\"");
        value(&text, &format!("hallpass_decisions_total{{{labels}}}"))
    };
    assert_eq!(decisions("", "allow", "public"), 1.0);
    assert_eq!(decisions("toddle", "allow", "granted"), 1.0);
    assert_eq!(decisions("toddle", "deny", "no_role_in_context"), 1.0);
    assert_eq!(decisions("", "deny", "unauthenticated"), 1.0);
    assert_eq!(decisions("", "deny", "no_route"), 1.0);
    assert_eq!(value(&text, "hallpass_requests_total{code=\"2xx\",method=\"GET\"}"), 2.0);
    assert_eq!(value(&text, "hallpass_requests_total{code=\"4xx\",method=\"GET\"}"), 2.0);
    assert_eq!(value(&text, "hallpass_requests_total{code=\"4xx\",method=\"other\"}"), 1.0);
    assert_eq!(value(&text, "hallpass_request_duration_seconds_count"), 5.0);
    let all = text.lines().filter(|line| line.starts_with("hallpass_decisions_total{"));
    assert_eq!(all.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum::<f64>(), 5.0);
}

#[test]
fn overhead_leaves_out_the_wait_for_the_upstream() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        wait();
        talk.reply(OK);
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(GET);
    upstream.until_connections(1);
    assert_eq!(proxy.counters.in_flight.get(), 1);
    // A read that times out is how a client lets time pass without sleeping.
    let waited = Duration::from_millis(300);
    client.stream.set_read_timeout(Some(waited)).unwrap();
    assert!(std::io::Read::read(&mut client.stream, &mut [0]).is_err());
    client.stream.set_read_timeout(Some(support::DEADLINE)).unwrap();
    open.send(()).unwrap();
    assert_eq!(client.answer().status, 200);
    let text = shown(&proxy);
    let total = value(&text, "hallpass_request_duration_seconds_sum");
    let overhead = value(&text, "hallpass_overhead_seconds_sum");
    assert!(total >= waited.as_secs_f64(), "{total}");
    assert!(overhead > 0.0 && overhead <= total - waited.as_secs_f64(), "{overhead} of {total}");
}

#[test]
fn counts_what_failed_behind_a_permit_apart_from_decisions() {
    let upstream = Upstream::start(|talk| talk.ends());
    let proxy = proxy_with(&upstream, |config| config.timeouts.upstream = SOON);
    assert_eq!(proxy.ask(GET).status, 504);
    let text = shown(&proxy);
    assert_eq!(value(&text, "hallpass_upstream_failures_total{reason=\"upstream_timeout\"}"), 1.0);
    let labels = "decision=\"allow\",domain=\"\",reason=\"public\"";
    assert_eq!(value(&text, &format!("hallpass_decisions_total{{{labels}}}")), 1.0);
    assert_eq!(value(&text, "hallpass_requests_total{code=\"5xx\",method=\"GET\"}"), 1.0);
}

/// Requests in all, connections at the same time, and requests that are sent before the first answer is read.
const REQUESTS: usize = 100_000;
const CONNECTIONS: usize = 4;
const BATCH: usize = 250;

/// One request of which everything is new: method, path, query, person, host, agent and a header name.
fn hostile(number: usize, text: &mut String) {
    let (method, path) = match number % 20 {
        0 => ("GET", "/open/"),
        1..5 => ("GET", "/classes/"),
        5..8 => ("POST", "/Modules.php?modname="),
        8..10 => ("DELETE", "/open/%2e%2e/"),
        10..12 => ("GET", "/%zz"),
        _ => ("", "/"),
    };
    if method.is_empty() {
        write!(text, "M{number}").unwrap();
    } else {
        text.push_str(method);
    }
    write!(
        text,
        " {path}p{number} HTTP/1.1\r\nHost: h{number}\r\nX-Remote-User: u{number}\r\nUser-Agent: a{number}\r\n\
         X-N{number}: 1\r\nAuthorization: Bearer t{number}\r\n\r\n"
    )
    .unwrap();
}

#[test]
fn a_hundred_thousand_hostile_requests_make_no_new_series() {
    let upstream = Upstream::replying(OK);
    let proxy = Proxy::before(&upstream);
    let before = series(&shown(&proxy));
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let proxy = &proxy;
            scope.spawn(move || {
                let mut client = proxy.client();
                let mine = REQUESTS / CONNECTIONS;
                for first in (connection * mine..(connection + 1) * mine).step_by(BATCH) {
                    let mut text = String::new();
                    (first..first + BATCH).for_each(|number| hostile(number, &mut text));
                    client.send(&text);
                    for _ in 0..BATCH {
                        assert!(client.answer().status < 500);
                    }
                }
            });
        }
    });
    // And some that hyper refuses before they are requests.
    for number in 0..200 {
        let mut client: Client = proxy.client();
        client.send(format!("G\x01{number} / HTTP/9.{number}\r\n\r\n"));
        client.rest();
    }
    let text = shown(&proxy);
    assert_eq!(value(&text, "hallpass_request_duration_seconds_count"), REQUESTS as f64);
    assert_eq!(value(&text, "hallpass_client_connections_total"), (CONNECTIONS + 200) as f64);
    let after = series(&text);
    assert_eq!(before, after);
    assert!(after.len() < 500, "{} series", after.len());
}
