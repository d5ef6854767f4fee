//! What callers are told, and what the upstream is not: every refusal here asserts that the upstream saw nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use hallpass::telemetry::Closed;
use support::{Answer, Client, Proxy, Upstream, clock, config};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ARI: &str = "Host: app\r\nX-Remote-User: ari\r\n";
const SAM: &str = "Host: app\r\nX-Remote-User: sam\r\n";
const NOBODY: &str = "Host: app\r\n";

struct Scene {
    upstream: Upstream,
    proxy: Proxy,
}

impl Scene {
    fn new() -> Scene {
        let upstream = Upstream::replying(OK);
        let proxy = Proxy::before(&upstream);
        Scene { upstream, proxy }
    }

    fn ask(&self, line: &str, headers: &str) -> Answer {
        self.proxy.ask(&format!("{line} HTTP/1.1\r\n{headers}\r\n"))
    }

    /// Asks for what must be refused.
    fn refused(&self, line: &str, headers: &str) -> Answer {
        let answer = self.ask(line, headers);
        assert_eq!(self.upstream.connections(), 0, "{line}: the upstream saw a refused request");
        assert!(answer.status >= 400, "{line}: {}", answer.head);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{line}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{line}");
        answer
    }
}

/// An answer with its id and its date taken out.
fn without_id(answer: &Answer) -> String {
    let id = answer.header("x-decision-id").unwrap();
    assert_eq!(id.len(), 32);
    assert!(id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let date = answer.header("date").unwrap();
    format!("{}{}", answer.head, answer.text()).replace(id, "ID").replace(date, "DATE")
}

#[test]
fn forwards_what_is_granted_with_the_subject_and_the_id() {
    let scene = Scene::new();
    let answer = scene.ask("GET /classes/1A/attendance", ARI);
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let got = scene.upstream.received(0);
    assert!(got.starts_with("GET /classes/1A/attendance HTTP/1.1\r\n"), "{got}");
    let id = answer.header("x-decision-id").unwrap();
    for line in [
        "host: app",
        "x-school-user: ari",
        "x-school-kinds: staff",
        "x-school-issuer: gateway",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-host: app",
        "x-forwarded-proto: http",
        "via: 1.1 hallpass",
        &format!("x-decision-id: {id}"),
    ] {
        assert_eq!(got.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line} in {got}");
    }
    assert!(!got.contains("x-remote-user"), "{got}");
}

#[test]
fn lets_no_client_say_who_it_is_or_where_it_comes_from() {
    let scene = Scene::new();
    let lies = "X-School-User: zoe\r\nX_School_User: zoe\r\nx.school.kinds: staff\r\nX-Decision-Id: 1\r\n\
                X-Forwarded-For: 10.0.0.1\r\nForwarded: for=10.0.0.1\r\nX-Forwarded-Proto: https\r\n\
                X-Forwarded-Host: evil\r\nX-Real-IP: 10.0.0.1\r\nVia: 1.0 fred\r\nConnection: X-School-User\r\n";
    for (line, headers) in [("GET /open/a", NOBODY), ("GET /classes/1A/attendance", ARI)] {
        let answer = scene.ask(line, &format!("{headers}{lies}"));
        assert_eq!(answer.status, 200, "{}", answer.head);
    }
    let open = scene.upstream.received(0);
    let (open, attendance) = open.split_once("GET /classes").unwrap();
    for got in [open, attendance] {
        assert!(!got.contains("zoe") && !got.contains("10.0.0.1") && !got.contains("evil"), "{got}");
        assert!(got.contains("\r\nx-forwarded-proto: http\r\n"), "{got}");
        assert!(got.contains("\r\nvia: 1.0 fred\r\nvia: 1.1 hallpass\r\n"), "{got}");
    }
    assert!(!open.contains("x-school"), "a public route says who asks: {open}");
    assert!(attendance.contains("\r\nx-school-user: ari\r\n"), "{attendance}");
}

#[test]
fn forwards_a_public_route_without_asking_who_it_is() {
    let scene = Scene::new();
    let answer = scene.ask("GET /open/a?b=1", "Host: app\r\nX-Remote-User: nobody-we-know\r\n");
    assert_eq!(answer.status, 200);
    assert!(scene.upstream.received(0).starts_with("GET /open/a?b=1 HTTP/1.1\r\n"));
}

#[test]
fn keeps_the_authorization_header_unless_told_to_hand_it_on() {
    for (hand_on, found) in [(false, 0), (true, 1)] {
        let upstream = Upstream::replying(OK);
        let mut config = config(upstream.address);
        config.forward.authorization = hand_on;
        let proxy = Proxy::with(config);
        let answer = proxy.ask("GET /open/a HTTP/1.1\r\nHost: app\r\nAuthorization: Basic c2VjcmV0\r\n\r\n");
        assert_eq!(answer.status, 200);
        assert_eq!(upstream.received(0).matches("authorization: Basic c2VjcmV0").count(), found);
    }
}

#[test]
fn refuses_with_401_and_a_challenge_whoever_does_not_say_who_they_are() {
    let scene = Scene::new();
    let answer = scene.refused("GET /classes/1A/attendance", NOBODY);
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").is_some(), "{}", answer.head);
    assert_eq!(scene.proxy.counters.refused(Reason::Unauthenticated), 1);
}

#[test]
fn refuses_with_403_whom_the_roster_does_not_know() {
    let scene = Scene::new();
    let answer = scene.refused("GET /classes/1A/attendance", "Host: app\r\nX-Remote-User: zoe\r\n");
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("www-authenticate"), None);
    assert_eq!(scene.proxy.counters.refused(Reason::UnknownSubject), 1);
}

#[test]
fn denials_look_alike_but_for_the_id() {
    let scene = Scene::new();
    let denials = [
        scene.refused("GET /classes/1A/attendance", SAM),
        scene.refused("GET /classes/1B/attendance", ARI),
        scene.refused("GET /classes/9Z/attendance", ARI),
        scene.refused("GET /classes/1A/attendance", "Host: app\r\nX-Remote-User: zoe\r\n"),
    ];
    for denial in &denials {
        assert_eq!(denial.status, 403);
        assert_eq!(without_id(denial), without_id(&denials[0]));
    }
}

#[test]
fn a_concealed_denial_has_the_bytes_of_what_does_not_exist() {
    let scene = Scene::new();
    let nothing = scene.refused("DELETE /nowhere", SAM);
    assert_eq!(nothing.status, 404);
    for (line, headers) in [
        ("DELETE /classes/1A/hidden", SAM),
        ("DELETE /classes/1B/hidden", ARI),
        ("DELETE /classes/1A/hidden", NOBODY),
        ("DELETE /classes/1A/hidden", "Host: app\r\nX-Remote-User: zoe\r\n"),
    ] {
        assert_eq!(without_id(&scene.refused(line, headers)), without_id(&nothing), "{line}");
    }
    assert_eq!(scene.ask("DELETE /classes/1A/hidden", ARI).status, 200);
}

#[test]
fn tells_the_methods_to_those_only_who_say_who_they_are() {
    let scene = Scene::new();
    let anonymous = scene.refused("DELETE /classes/1A/attendance", NOBODY);
    assert_eq!(anonymous.status, 401);
    assert_eq!(anonymous.header("allow"), None);
    let known = scene.refused("DELETE /classes/1A/attendance", SAM);
    assert_eq!(known.status, 405);
    let allow = known.header("allow").unwrap();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
}

#[test]
fn refuses_everything_without_a_bundle_but_says_first_what_cannot_be_read() {
    let upstream = Upstream::replying(OK);
    let proxy = Proxy::without_a_bundle(config(upstream.address));
    for line in ["GET /open/a", "GET /nowhere", "GET /classes/1A/attendance"] {
        let answer = proxy.ask(&format!("{line} HTTP/1.1\r\n{ARI}\r\n"));
        assert_eq!(answer.status, 503, "{line}");
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(proxy.ask("GET /open/a HTTP/1.1\r\n\r\n").status, 400, "no host");
    assert_eq!(proxy.counters.refused(Reason::NoBundle), 3);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn refuses_what_cannot_be_read_in_one_way() {
    let scene = Scene::new();
    for (line, headers) in [
        ("GET /open/a", ""),
        ("GET /open/a", "Host: app\r\nHost: app2\r\n"),
        ("GET /open/../classes", NOBODY),
        ("GET /open/%2e%2e/classes", NOBODY),
        ("GET /open/a%2fb", NOBODY),
        ("TRACE /open/a", NOBODY),
    ] {
        let answer = scene.refused(line, headers);
        assert_eq!(answer.status, 400, "{line}: {}", answer.head);
    }
}

#[test]
fn tells_pages_apart_by_their_query_and_refuses_a_body_there() {
    let scene = Scene::new();
    let page = "/Modules.php?modname=Attendance&class=1A";
    for (headers, body) in [("Content-Length: 7\r\n", "class=1B"), ("Transfer-Encoding: chunked\r\n", "")] {
        let line = format!("POST {page}");
        let answer = scene.refused(&line, &format!("{ARI}{headers}"));
        assert_eq!(answer.status, 400, "{body}");
    }
    assert_eq!(scene.refused("GET /Modules.php?modname=Attendance&class=1B", ARI).status, 403);
    assert_eq!(scene.refused("GET /Modules.php?modname=Attendance&class=1A&class=1B", ARI).status, 400);
    assert_eq!(scene.refused("GET /Modules.php?modname=Grades&class=1A", ARI).status, 404);
    assert_eq!(scene.refused("GET /Modules.php", ARI).status, 404);
    assert_eq!(scene.ask(&format!("GET {page}"), ARI).status, 200);
    assert!(scene.upstream.received(0).starts_with(&format!("GET {page} HTTP/1.1\r\n")));
}

#[test]
fn writes_problem_json_without_the_reason() {
    let scene = Scene::new();
    let answer = scene.refused("GET /classes/1B/attendance", ARI);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!(problem["title"], "Forbidden");
    assert_eq!(problem["status"], 403);
    assert_eq!(problem["decision_id"], answer.header("x-decision-id").unwrap());
    assert!(problem.get("reason").is_none());
}

#[test]
fn says_the_reason_only_where_it_is_told_to() {
    let upstream = Upstream::replying(OK);
    let mut config = config(upstream.address);
    config.show_reason = true;
    let proxy = Proxy::with(config);
    let ask = |line: &str| proxy.ask(&format!("{line} HTTP/1.1\r\n{SAM}\r\n")).json();
    assert_eq!(ask("GET /nowhere")["reason"], "no_route");
    assert_ne!(ask("GET /classes/1A/attendance")["reason"], serde_json::Value::Null);
    assert_eq!(ask("DELETE /classes/1A/hidden")["reason"], "no_route", "concealed even so");
}

#[test]
fn writes_a_page_for_a_browser() {
    let scene = Scene::new();
    let accept = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";
    let answer = scene.refused("GET /classes/1B/attendance", &format!("{ARI}{accept}"));
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    let page = answer.text();
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{page}");
    assert!(
        page.contains("<title>403 Not allowed</title>") && page.contains("<h1>Not allowed</h1>"),
        "{page}"
    );
    assert!(page.contains(answer.header("x-decision-id").unwrap()));
}

#[test]
fn answers_head_without_a_body() {
    let scene = Scene::new();
    let mut client = scene.proxy.client();
    client.send(format!("HEAD /nowhere HTTP/1.1\r\n{NOBODY}\r\n"));
    let head = client.head();
    assert_eq!(head.status, 404);
    assert_ne!(head.header("content-length"), Some("0"));
    client.send(format!("GET /nowhere HTTP/1.1\r\n{NOBODY}\r\n"));
    assert_eq!(client.answer().status, 404, "the next answer begins where it should");
}

#[test]
fn closes_after_a_refusal_that_leaves_a_body_unread() {
    let scene = Scene::new();
    let mut client = scene.proxy.client();
    // What is smuggled must neither be answered nor reach the upstream.
    let smuggled = format!("GET /open/smuggled HTTP/1.1\r\n{NOBODY}\r\n");
    client.send(format!("POST /nowhere HTTP/1.1\r\n{NOBODY}Content-Length: 1000000\r\n\r\n{smuggled}"));
    let answer = client.answer();
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("connection"), Some("close"));
    client.finish_sending();
    assert_eq!(client.ends(), support::Ending::Orderly);
    assert_eq!(scene.upstream.connections(), 0);
    assert_eq!(scene.proxy.counters.requests.get(), 1);
}

#[test]
fn a_client_that_is_still_sending_reads_its_refusal() {
    let scene = Scene::new();
    let mut client = scene.proxy.client();
    client.send(format!("POST /nowhere HTTP/1.1\r\n{NOBODY}Content-Length: 10000000\r\n\r\n"));
    // More than one read of the proxy, and less than it throws away before it closes.
    client.send(vec![b'x'; 200_000]);
    assert_eq!(client.answer().status, 404);
    client.finish_sending();
    assert_eq!(client.ends(), support::Ending::Orderly, "a reset can overtake the answer");
}

#[test]
fn does_not_ask_for_the_body_of_a_request_that_it_refuses() {
    let scene = Scene::new();
    let mut client = scene.proxy.client();
    client
        .send(format!("POST /nowhere HTTP/1.1\r\n{NOBODY}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"));
    assert_eq!(client.head().status, 404, "not 100");
}

#[test]
fn what_hyper_refuses_is_counted_and_reaches_nobody() {
    let scene = Scene::new();
    for (bytes, status) in [
        ("GET  /open/a HTTP/1.1\r\nHost: app\r\n\r\n", 400),
        ("GET /open/a HTTP/1.1\r\nHost : app\r\n\r\n", 400),
        ("POST /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 1, 2\r\n\r\n", 400),
        ("POST /open/a HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
    ] {
        let mut client = scene.proxy.client();
        client.send(bytes);
        assert_eq!(client.head().status, status, "{bytes}");
    }
    let mut client = scene.proxy.client();
    client.send(format!("GET /open/a HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000)));
    assert_eq!(client.head().status, 431);
    drop(client);
    scene.proxy.until("parse errors are counted", |counters| counters.closed.get(Closed::ParseError) == 5);
    assert_eq!(scene.proxy.counters.requests.get(), 0);
    assert_eq!(scene.upstream.connections(), 0);
}

#[test]
fn a_panic_costs_one_request_and_no_other() {
    use hallpass::telemetry::Clock;
    use hallpass::time::Time;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Bomb(Arc<AtomicBool>);
    impl Clock for Bomb {
        fn now(&self) -> Time {
            assert!(!self.0.swap(false, Ordering::SeqCst), "the clock of this test goes off");
            clock().now()
        }
    }

    let upstream = Upstream::replying(OK);
    let armed = Arc::new(AtomicBool::new(false));
    let proxy = Proxy::with_clock(config(upstream.address), Arc::new(Bomb(armed.clone())));
    // The bundle was loaded at a time, too.
    armed.store(true, Ordering::SeqCst);
    let mut client: Client = proxy.client();
    client.send(format!("GET /open/a HTTP/1.1\r\n{NOBODY}\r\n"));
    let answer = client.answer();
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["decision_id"], answer.header("x-decision-id").unwrap());
    assert_eq!(upstream.connections(), 0);
    client.send(format!("GET /open/a HTTP/1.1\r\n{NOBODY}\r\n"));
    assert_eq!(client.answer().status, 200, "on the same connection");
    assert_eq!(proxy.counters.panics.get(), 1);
    assert_eq!(proxy.counters.refused(Reason::Internal), 1);
}
