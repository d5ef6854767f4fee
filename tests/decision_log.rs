//! Exactly one line for each request, on every path, and in it what the decision read and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "serve")]

#[path = "decision_log/changes.rs"]
mod changes;
mod support;

use hallpass::identity::{Authenticator, Peers, TrustedHeader};
use hallpass::proxy::Config;
use hallpass::telemetry::{Attribute, Clock, LogSettings, LogTo, Mask};
use hallpass::time::Time;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use support::{NEVER, OK, Proxy, SOON, Tap, Upstream, clock, config, copy_of};

/// The policy of the example, which has several domains, forms and documents.
fn policy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/district")
}

/// A proxy with the policy of the example whose log goes to `tap`. Everybody says who they are in a header.
fn settings(upstream: SocketAddr, tap: &Tap) -> Config {
    let peers = Peers::parse(&["127.0.0.1"]).unwrap();
    let issuer = "https://login.school.example";
    let header = TrustedHeader::new("x-remote-user".parse().unwrap(), issuer, peers).unwrap();
    let mut config = config(upstream);
    config.bundle = copy_of(&policy());
    config.authenticator = Authenticator::new(Vec::new(), Some(header)).unwrap();
    config.log = LogSettings { to: tap.output(), ..LogSettings::default() };
    config
}

fn head(who: &str, line: &str) -> String {
    let who = if who.is_empty() { String::new() } else { format!("X-Remote-User: {who}\r\n") };
    format!("{line} HTTP/1.1\r\nHost: app\r\n{who}\r\n")
}

/// The line without what differs from run to run.
fn steady(line: &Value) -> Value {
    let mut line = line.as_object().unwrap().clone();
    for name in ["time", "decision_id", "peer", "revision", "micros", "upstream_micros", "cached"] {
        line.remove(name);
    }
    line.into()
}

#[test]
fn writes_one_line_for_each_request_on_every_path() {
    let upstream = Upstream::start(|talk| {
        while let Some(head) = talk.try_head() {
            if head.contains("/slow") || head.contains("/7A/") {
                talk.ends();
            }
            talk.reply(if head.starts_with("HEAD") {
                "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
            } else {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            });
        }
    });
    let tap = Tap::default();
    let mut config = settings(upstream.address, &tap);
    config.timeouts.upstream = SOON;
    let proxy = Proxy::with(config);
    let attendance = "GET /api/classes/{class}/attendance";
    let cases = [
        (
            "",
            "GET /",
            200,
            json!({"method": "GET", "route": "GET /", "inputs": {}, "decision": "allow", "reason": "public",
                "status": 200, "upstream_status": 200, "bytes": 2}),
        ),
        (
            "",
            "HEAD /",
            200,
            json!({"method": "HEAD", "route": "GET /", "inputs": {}, "decision": "allow", "reason": "public",
                "status": 200, "upstream_status": 200, "bytes": 0}),
        ),
        (
            "ari",
            "GET /api/classes/1A/attendance",
            200,
            json!({"method": "GET", "route": attendance, "subject": "ari", "kinds": ["staff"],
                "action": "toddle/attendance.view", "resource": "class/1A", "inputs": {"scope": "class/1A"},
                "rule": "most_specific", "role": "toddle/class_teacher", "scope": "class/1A",
                "decision": "allow", "reason": "granted", "status": 200, "upstream_status": 200, "bytes": 2}),
        ),
        (
            "wes",
            "GET /api/classes/1A/attendance",
            403,
            json!({"method": "GET", "route": attendance, "subject": "wes", "kinds": ["staff"],
                "action": "toddle/attendance.view", "resource": "class/1A", "inputs": {"scope": "class/1A"},
                "rule": "mandatory", "decision": "deny", "reason": "no_account_role", "status": 403, "bytes": 83}),
        ),
        (
            "ari",
            "GET /api/classes/9Z/attendance",
            403,
            json!({"method": "GET", "route": attendance, "subject": "ari", "kinds": ["staff"],
                "action": "toddle/attendance.view", "resource": "class/9Z", "inputs": {"scope": "class/9Z"},
                "decision": "deny", "reason": "scope_unknown", "status": 403, "bytes": 83}),
        ),
        (
            "",
            "GET /api/classes/1A/attendance",
            401,
            json!({"method": "GET", "route": attendance, "inputs": {}, "decision": "deny",
                "reason": "unauthenticated", "status": 401, "bytes": 86}),
        ),
        (
            "",
            "HEAD /nowhere/CANARY",
            404,
            json!({"method": "HEAD", "inputs": {}, "decision": "deny", "reason": "no_route", "status": 404,
                "bytes": 0}),
        ),
        (
            "",
            "GET /api%2f",
            400,
            json!({"method": "GET", "inputs": {}, "decision": "deny", "reason": "malformed", "status": 400,
                "bytes": 85}),
        ),
        (
            "ari",
            "GET /api/classes/7A/attendance",
            504,
            json!({"method": "GET", "route": attendance, "subject": "ari", "kinds": ["staff"],
                "action": "toddle/attendance.view", "resource": "class/7A", "inputs": {"scope": "class/7A"},
                "rule": "most_specific", "role": "toddle/account_supervisor", "scope": "account/springfield",
                "decision": "allow", "reason": "upstream_timeout", "status": 504, "bytes": 89}),
        ),
        (
            "ian",
            "POST /api/students",
            200,
            json!({"method": "POST", "route": "POST /api/students", "subject": "ian", "kinds": ["staff"],
                "action": "toddle/school_roster.manage", "resource": "account/springfield",
                "inputs": {"scope": "account/springfield"}, "rule": "most_specific", "role": "toddle/it_admin",
                "scope": "account/springfield", "power": true, "decision": "allow", "reason": "granted",
                "status": 200, "upstream_status": 200, "bytes": 2}),
        ),
    ];
    for (number, (who, line, status, said)) in cases.iter().enumerate() {
        let mut client = proxy.client();
        client.send(head(who, line));
        let answer = if line.starts_with("HEAD") { client.head() } else { client.answer() };
        assert_eq!(answer.status, *status, "{who} {line}");
        let lines = tap.until_lines(number + 1);
        let last = &lines[number];
        let mut said = said.clone();
        // Our own answers hold an id and a title; their length is what came.
        if answer.header("content-type").is_some_and(|kind| kind.contains("problem")) && *status != 404 {
            said["bytes"] = answer.body.len().into();
        }
        assert_eq!(steady(last), said, "{who} {line}");
        assert_eq!(last["decision_id"], answer.header("x-decision-id").unwrap());
        assert_eq!(last["time"], "2026-11-21T10:00:00.000000Z");
        assert_eq!(last["peer"], "127.0.0.1");
        assert_eq!(last["cached"], false);
        assert!(last["micros"].as_u64().unwrap() >= last["upstream_micros"].as_u64().unwrap());
        let read = *status != 400;
        assert_eq!(last["revision"].as_str().is_some_and(|text| text.len() == 64), read, "{last}");
    }
    let waited = tap.lines()[8]["upstream_micros"].as_u64().unwrap();
    assert!(waited >= 60_000, "{waited}");
    proxy.shutdown();
    tap.until_lines(cases.len());
}

#[test]
fn a_panic_and_a_missing_bundle_have_their_lines() {
    struct Bomb(AtomicBool);
    impl Clock for Bomb {
        fn now(&self) -> Time {
            assert!(!self.0.swap(false, Ordering::SeqCst), "the clock of this test goes off");
            clock().now()
        }
    }
    let upstream = Upstream::silent();
    let tap = Tap::default();
    let bomb = Arc::new(Bomb(AtomicBool::new(false)));
    let proxy = Proxy::with_clock(settings(upstream.address, &tap), bomb.clone());
    bomb.0.store(true, Ordering::SeqCst);
    assert_eq!(proxy.ask(&head("", "GET /")).status, 500);
    let lines = tap.until_lines(1);
    assert_eq!((&lines[0]["reason"], &lines[0]["decision"]), (&json!("internal"), &json!("deny")));

    let empty = Proxy::without_a_bundle(settings(upstream.address, &tap));
    assert_eq!(empty.ask(&head("", "GET /")).status, 503);
    let lines = tap.until_lines(2);
    assert_eq!(lines[1]["reason"], "no_bundle");
    assert_eq!(lines[1].get("revision"), None);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_client_that_leaves_has_its_line() {
    // Before the answer.
    let upstream = Upstream::start(|talk| {
        let head = talk.head();
        if head.starts_with("GET /whoami") {
            talk.ends();
            return;
        }
        // The rest of this answer never comes.
        talk.reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning");
        talk.ends();
    });
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    let mut client = proxy.client();
    client.send(head("ari", "GET /whoami"));
    upstream.until_connections(1);
    drop(client);
    let lines = tap.until_lines(1);
    assert_eq!(lines[0].get("status"), None);
    assert_eq!((&lines[0]["decision"], &lines[0]["reason"]), (&json!("allow"), &json!("granted")));
    assert_eq!((&lines[0]["aborted"], &lines[0]["bytes"]), (&json!("client"), &json!(0)));

    // In the middle of the answer.
    let mut client = proxy.client();
    client.send(head("", "GET /"));
    client.head();
    assert_eq!(client.exactly(9), b"beginning");
    drop(client);
    let lines = tap.until_lines(2);
    assert_eq!((&lines[1]["status"], &lines[1]["upstream_status"]), (&json!(200), &json!(200)));
    assert_eq!((&lines[1]["aborted"], &lines[1]["bytes"]), (&json!("client"), &json!(9)));

    // In the middle of its own body.
    let mut client = proxy.client();
    client.send(
        "POST /api/students HTTP/1.1\r\nHost: app\r\nX-Remote-User: ian\r\nContent-Length: 100\r\n\r\nhalf",
    );
    upstream.until_connections(3);
    drop(client);
    let lines = tap.until_lines(3);
    assert_eq!(lines[2]["decision"], "allow");
    proxy.shutdown();
    tap.until_lines(3);
}

#[test]
fn an_answer_that_breaks_off_is_told_apart() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning");
        talk.close();
    });
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    let mut client = proxy.client();
    client.send(head("", "GET /"));
    client.head();
    client.rest();
    let lines = tap.until_lines(1);
    assert_eq!((&lines[0]["aborted"], &lines[0]["status"]), (&json!("upstream"), &json!(200)));
}

/// Asks `eval` on the same bundle what the line says was asked.
fn asked_again(lines: &[Value]) -> Vec<Value> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .arg("eval")
        .arg(policy())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = String::new();
    for line in lines {
        let (kind, id) =
            line["resource"].as_str().unwrap().split_once('/').unwrap_or(("document", "a new one"));
        let inputs = &line["inputs"];
        let mut action = json!({"name": line["action"]});
        let mut resource = json!({"type": kind, "id": id});
        // Of somebody who is suspended nothing else is read.
        if kind == "document" && id == "a new one" && line["reason"] != "suspended" {
            resource["properties"] = json!({"form": inputs["form"], "student": inputs["student"]});
        }
        if let Some(target) = inputs.get("target") {
            action["properties"] = json!({"target": target});
            if let Some(access) = inputs.get("access") {
                action["properties"]["access"] = access.clone();
            }
        }
        let question = json!({
            "subject": {"type": line["kinds"][0], "id": line["subject"]},
            "action": action,
            "resource": resource,
            "context": {"time": line["time"]},
        });
        questions.push_str(&format!("{question}\n"));
    }
    child.stdin.take().unwrap().write_all(questions.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    output.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect()
}

#[test]
fn what_is_logged_can_be_asked_again_and_comes_to_the_same() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    let requests = [
        "GET /whoami",
        "GET /api/classes/1A/attendance",
        "POST /api/classes/1B/attendance",
        "DELETE /api/classes/2A",
        "GET /api/classes/7A/report",
        "PUT /api/classes/1B/unit-plan",
        "GET /api/programmes/PYP/calendar",
        "POST /api/programmes/PYP/announcements",
        "GET /api/students.csv",
        "POST /api/students",
        "GET /api/documents/iep-sam",
        "PUT /api/documents/iep-lena",
        "DELETE /api/documents/plan-sam",
        "POST /api/documents/iep-sam/share/ben",
        "POST /api/documents/trip-sam/share/tess",
        "POST /api/students/sam/forms/iep/documents",
        "POST /api/students/lena/forms/field_trip/documents",
        "GET /Modules.php?modname=Attendance/Sheet.php&class=1A",
    ];
    let people =
        ["ari", "ben", "helen", "ian", "olga", "priya", "rosa", "tess", "tomas", "wes", "zoe", "sam", "gina"];
    let mut client = proxy.client();
    for who in people {
        for request in requests {
            client.send(head(who, request));
            client.answer();
        }
    }
    let lines = tap.until_lines(people.len() * requests.len());
    let again = asked_again(&lines);
    assert_eq!(again.len(), lines.len());
    let mut reasons = BTreeSet::new();
    for (line, again) in lines.iter().zip(&again) {
        assert_eq!(line["decision"] == "allow", again["decision"] == true, "{line} {again}");
        for member in ["reason", "role", "scope", "power"] {
            assert_eq!(
                line.get(member).unwrap_or(&Value::Null),
                again.get(member).unwrap_or(&Value::Null),
                "{line} {again}"
            );
        }
        if line["reason"] != "suspended" {
            assert_eq!(line.get("rule").unwrap_or(&json!("none")), &again["rule"], "{line} {again}");
        }
        reasons.insert(line["reason"].as_str().unwrap().to_owned());
    }
    assert!(reasons.len() >= 6, "{reasons:?}");
}

#[test]
fn inputs_are_what_the_requirements_read() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    let cases = [
        (
            "priya",
            "GET /api/documents/iep-sam",
            json!({"document": "iep-sam", "form": "forms/iep", "student": "sam"}),
        ),
        ("priya", "GET /api/documents/unheard-of", json!({"document": "unheard-of"})),
        (
            "tess",
            "POST /api/documents/iep-sam/share/ben",
            json!({"document": "iep-sam", "form": "forms/iep", "student": "sam", "target": "ben", "access": "view"}),
        ),
        (
            "tess",
            "POST /api/students/sam/forms/iep/documents",
            json!({"form": "forms/iep", "student": "sam"}),
        ),
        ("tess", "POST /api/students/nemo/forms/none/documents", json!({"form": "none", "student": "nemo"})),
        // Not the case, which no requirement reads.
        ("helen", "GET /api/safeguarding/CANARY", json!({"scope": "account/springfield"})),
        ("ian", "POST /api/classes/1A/students/sam/move-to/1B", Value::Null),
        (
            "ari",
            "GET /Modules.php?modname=Attendance/Sheet.php&class=1A&x=CANARY",
            json!({"scope": "class/1A"}),
        ),
        ("ari", "GET /Modules.php?modname=Attendance/Sheet.php&x=CANARY", json!({})),
    ];
    for (number, (who, line, inputs)) in cases.iter().enumerate() {
        proxy.ask(&head(who, line));
        let lines = tap.until_lines(number + 1);
        let last = &lines[number];
        match inputs {
            Value::Null if last["decision"] == "allow" => {
                assert_eq!(
                    last["inputs"],
                    json!({"scope": ["class/1A", "class/1B"], "student": "sam"}),
                    "{last}"
                );
            }
            Value::Null => {
                assert_eq!(last["inputs"], json!({"scope": "class/1A", "student": "sam"}), "{last}")
            }
            inputs => assert_eq!(last["inputs"], *inputs, "{line}"),
        }
    }
    assert!(!tap.text().contains("CANARY"), "{}", tap.text());
}

#[test]
fn several_requirements_show_all_that_was_read_for_them() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    let mut read = BTreeSet::new();
    let people = ["ari", "ian", "priya", "tomas"];
    for who in people {
        proxy.ask(&head(who, "POST /api/classes/1A/students/theo/move-to/1B"));
    }
    for line in tap.until_lines(people.len()) {
        let all = line["inputs"]["scope"].is_array();
        assert!(all || line["decision"] == "deny", "{line}");
        read.insert(all);
    }
    assert_eq!(
        read.len(),
        2,
        "some are refused for the first class, some are asked about both: {}",
        tap.text()
    );
}

#[test]
fn no_token_header_or_other_parameter_is_in_the_log() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    for request in [
        "GET / HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer CANARY.CANARY.CANARY\r\nCookie: s=CANARY\r\n\r\n",
        "GET /whoami?token=CANARY HTTP/1.1\r\nHost: app\r\nX-Remote-User: CANARY\r\n\r\n",
        "GET /whoami HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer CANARY.CANARY.CANARY\r\n\r\n",
        "GET /api/documents/iep-sam?q=CANARY#CANARY HTTP/1.1\r\nHost: CANARY\r\nX-Remote-User: ari\r\n\r\n",
        "GET /reset/CANARY HTTP/1.1\r\nHost: app\r\nReferer: http://app/CANARY\r\nUser-Agent: CANARY\r\n\r\n",
        "GET /whoami HTTP/1.1\r\nHost: app\r\nX-Request-Id: \"CANARY\"\r\ntraceparent: CANARY\r\ntracestate: CANARY\r\n\r\n",
        "POST /api/students HTTP/1.1\r\nHost: app\r\nX-Remote-User: ian\r\nContent-Length: 0\r\nX-School-User: CANARY\r\n\r\n",
    ] {
        proxy.ask(request);
    }
    tap.until_lines(7);
    assert!(!tap.text().contains("CANARY"), "{}", tap.text());
    assert!(!upstream.received(0).contains("tracestate"));
}

#[test]
fn odd_bytes_in_inputs_cannot_break_a_line() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    let cases = [
        ("%22%2C%22decision%22%3A%22allow", Some("\",\"decision\":\"allow")),
        ("%E2%80%AEA1", Some("\u{202e}A1")),
        ("%E2%80%A8", Some("\u{2028}")),
        ("%C3%A9%F0%9F%98%80", Some("é😀")),
        // What is no text, or holds controls, is refused before anything reads it.
        ("%FF%FE", None),
        ("%0A%7B", None),
        ("%00", None),
    ];
    for (number, (class, scope)) in cases.iter().enumerate() {
        let answer = proxy.ask(&head("ari", &format!("GET /api/classes/{class}/attendance")));
        let lines = tap.until_lines(number + 1);
        let last = &lines[number];
        assert_eq!(last["decision"], "deny");
        match scope {
            Some(scope) if answer.status == 403 => {
                assert_eq!(last["inputs"]["scope"], format!("class/{scope}"))
            }
            Some(_) => assert_eq!(last["reason"], "malformed", "{last}"),
            None => assert_eq!((&last["reason"], &last["inputs"]), (&json!("malformed"), &json!({}))),
        }
    }
    assert!(tap.text().chars().all(|character| character == '\n' || !character.is_control()));
    assert!(!tap.text().contains(['\u{202e}', '\u{2028}']));
    assert!(tap.lines().iter().any(|line| line["inputs"]["scope"] == "class/é😀"), "{}", tap.text());
}

#[test]
fn masked_attributes_are_hashes_wherever_they_stand() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let mut config = settings(upstream.address, &tap);
    let all: Vec<Attribute> = Attribute::WORDS.iter().map(|(_, attribute)| *attribute).collect();
    config.log.mask = Mask::new(&[42; 32], &all).unwrap();
    let proxy = Proxy::with(config);
    proxy.ask("GET /api/documents/iep-sam HTTP/1.1\r\nHost: app\r\nX-Remote-User: tess\r\nX-Request-Id: seen\r\n\r\n");
    proxy.ask(&head("tess", "POST /api/documents/iep-sam/share/ben"));
    proxy.ask(&head("ari", "GET /api/classes/1A/attendance"));
    proxy.ask(&head("sam", "GET /api/documents/iep-sam"));
    let lines = tap.until_lines(4);
    let is_hash = |value: &Value| {
        value
            .as_str()
            .and_then(|text| text.strip_prefix("hmac:"))
            .is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    assert!(is_hash(&lines[0]["request_id"]) && is_hash(&lines[0]["peer"]), "{}", lines[0]);
    let share = &lines[1];
    assert!(
        ["document", "form", "student", "target", "access"]
            .iter()
            .all(|name| is_hash(&share["inputs"][*name]))
    );
    assert_eq!(share["resource"], format!("document/{}", share["inputs"]["document"].as_str().unwrap()));
    let attendance = &lines[2];
    assert!(is_hash(&attendance["subject"]) && is_hash(&attendance["resource"]));
    assert_eq!(attendance["resource"], attendance["inputs"]["scope"]);
    assert_eq!(attendance["resource"], attendance["scope"]);
    assert_eq!(lines[0]["subject"], lines[1]["subject"]);
    assert_ne!(lines[0]["subject"], lines[2]["subject"]);
    assert_eq!(lines[3]["subject"], lines[3]["inputs"]["student"], "one person, one hash");
    let text = tap.text();
    for name in ["tess", "\"sam", "/iep", "\"ben", "class/1A", "school/", "127.0.0.1", "seen"] {
        assert!(!text.contains(name), "{name} in {text}");
    }
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn the_callers_names_for_a_request_are_logged_and_passed_on() {
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    proxy.ask(&format!(
        "GET / HTTP/1.1\r\nHost: app\r\nX-Request-Id: gw-1/2\r\ntraceparent: {TRACE}\r\ntracestate: a=1\r\n\r\n"
    ));
    let line = &tap.until_lines(1)[0];
    assert_eq!((&line["request_id"], &line["trace_id"]), (&json!("gw-1/2"), &json!(&TRACE[3..35])));
    let received = upstream.received(0);
    for passed in ["x-request-id: gw-1/2\r\n", &format!("traceparent: {TRACE}\r\n"), "tracestate: a=1\r\n"] {
        assert!(received.to_lowercase().contains(passed), "{passed} in {received}");
    }
    // None is invented, and what is none is not passed on.
    proxy.ask("GET / HTTP/1.1\r\nHost: app\r\n\r\n");
    proxy.ask(
        "GET / HTTP/1.1\r\nHost: app\r\nX-Request-Id: a b\r\ntraceparent: 00-x\r\ntracestate: a=2\r\n\r\n",
    );
    let lines = tap.until_lines(3);
    for line in &lines[1..] {
        assert_eq!((line.get("request_id"), line.get("trace_id")), (None, None));
    }
    let received = upstream.received(0).to_lowercase();
    assert_eq!(received.matches("traceparent").count(), 1, "{received}");
    assert_eq!(received.matches("x-request-id").count(), 1, "{received}");
    assert_eq!(received.matches("tracestate").count(), 1, "{received}");
    // A request that cannot be read has its names all the same.
    proxy.ask("GET /a%2fb HTTP/1.1\r\nHost: app\r\nX-Request-Id: gw-2\r\n\r\n");
    assert_eq!(tap.until_lines(4)[3]["request_id"], "gw-2");
}

/// The names in the first column of the table of members.
fn documented(text: &str) -> BTreeSet<String> {
    let section = text.split("## Members").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split('`').next().unwrap().to_owned()).collect()
}

fn members(line: &Value) -> BTreeSet<String> {
    line.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn every_member_is_documented_and_every_documented_member_is_written() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/decision-log.md")).unwrap();
    let upstream = Upstream::start(|talk| {
        while let Some(head) = talk.try_head() {
            if head.starts_with("GET / ") {
                talk.reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning");
                talk.close();
            }
            talk.reply(OK);
        }
    });
    let tap = Tap::default();
    let proxy = Proxy::with(settings(upstream.address, &tap));
    proxy.ask(&format!(
        "POST /api/documents/iep-sam/share/ben HTTP/1.1\r\nHost: app\r\nX-Remote-User: tess\r\n\
         X-Request-Id: gw-4711\r\ntraceparent: {TRACE}\r\n\r\n"
    ));
    proxy.ask(&head("ian", "POST /api/students"));
    let mut client = proxy.client();
    client.send(head("", "GET /"));
    client.rest();
    let mut lines = tap.until_lines(3);
    // Who gives themselves a role adds to their own rights.
    let tap = Tap::default();
    let proxy = changes::proxy(upstream.address, &tap, "members");
    proxy.ask(&head("lea", "PUT /n/lea/roles/leader"));
    lines.extend(tap.until_lines(1));

    let mut written: BTreeSet<String> = lines.iter().flat_map(members).collect();
    // Nobody comes through an application with a header: `tests/through.rs`.
    written.insert("application".to_owned());
    // Nor is there a catalogue: `tests/records_proxy.rs`.
    written.insert("obligations".to_owned());
    assert_eq!(written, documented(&text));
    let example = text.split("```json\n").nth(1).unwrap().split("\n```").next().unwrap();
    let example = hallpass::json::parse(example.as_bytes()).unwrap();
    assert_eq!(members(&lines[0]), members(&example));
    assert_eq!(steady(&lines[0]), steady(&example));
    for (name, value) in example.as_object().unwrap() {
        let real = lines.iter().find_map(|line| line.get(name)).unwrap();
        assert_eq!(std::mem::discriminant(real), std::mem::discriminant(value), "{name}");
    }
    // And so is every attribute that can be masked.
    for (word, _) in Attribute::WORDS {
        assert!(text.contains(&format!("`{word}`")), "{word}");
    }
}

#[test]
fn a_configured_server_logs_to_standard_output() {
    let upstream = Upstream::replying(OK);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log-stdout-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("hallpass.yaml");
    let text = format!(
        "listen: 127.0.0.1:0\nupstream: {{address: '{}'}}\nbundle: {}\nworkers: 1\n",
        upstream.address,
        json!(copy_of(&policy())),
    );
    fs::write(&path, text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hallpass"))
        .args(["serve", "--config"])
        .arg(&path)
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    let address: SocketAddr = told
        .find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("address=")?;
            rest.split_whitespace().next()?.parse().ok()
        })
        .unwrap();
    let mut client = support::Client::to(address);
    client.send(head("", "GET /"));
    let answer = client.answer();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let line = hallpass::json::parse(line.as_bytes()).unwrap();
    assert_eq!(line["decision_id"], answer.header("x-decision-id").unwrap());
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_file_is_rotated_and_holds_every_line_once() {
    let upstream = Upstream::replying(OK);
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log-file-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("decisions.log");
    let mut config = settings(upstream.address, &Tap::default());
    config.log.to = LogTo::File { path: path.clone(), rotate_bytes: 2000, keep: 100 };
    config.shutdown.drain = NEVER;
    let proxy = Proxy::with(config);
    let mut client = proxy.client();
    let ids: BTreeSet<String> = (0..40)
        .map(|_| {
            client.send(head("ari", "GET /api/classes/1A/attendance"));
            client.answer().header("x-decision-id").unwrap().to_owned()
        })
        .collect();
    drop(client);
    proxy.shutdown();
    let mut found = Vec::new();
    let mut files = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(text.len() <= 2000 && text.ends_with('\n'), "{text}");
        files += 1;
        for line in text.lines() {
            let line = hallpass::json::parse(line.as_bytes()).unwrap();
            found.push(line["decision_id"].as_str().unwrap().to_owned());
        }
    }
    assert!(files > 10, "{files}");
    assert_eq!(found.len(), 40);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), ids);
    fs::remove_dir_all(directory).unwrap();
}

#[test]
fn a_log_that_cannot_be_opened_keeps_the_server_from_starting() {
    let mut config = config("127.0.0.1:1".parse().unwrap());
    config.log.to = LogTo::File { path: "/nowhere/at.all".into(), rotate_bytes: 1024, keep: 1 };
    let error = hallpass::proxy::Server::start(config, clock()).unwrap_err().to_string();
    assert!(error.contains("decision log") && error.contains("/nowhere/at.all"), "{error}");
}

const WIDER: &str = r#"
bundle: {name: wider, time_zone: UTC}
issuers: {"https://login.school.example": {claim: sub, matches: id}}
domains:
  d:
    precedence: union
    levels: [class]
    scopes: {class/1A: ~, class/1B: ~, class/2A: ~}
    modules: {m: {level: class, permissions: {view: {}, mark: {}}}}
    roles: {teacher: {level: class, grants: {m: [view]}}}
people: {ari: {kinds: [staff]}, sam: {kinds: [student]}}
assignments:
  - {subject: ari, role: teacher, scope: class/1A}
  - {subject: ari, role: teacher, scope: class/1B}
routes:
  "GET /list/{classes}": {permission: m.view, on: "class/{classes}", lists: [classes]}
  "GET /either/{class}":
    any:
      - {permission: m.mark, on: class/2A}
      - {permission: m.view, on: "class/{class}"}
  "GET /judged/{day}/{other}/{student}":
    condition: {all: [{request.day: {is: monday}}, {resource.student: {is_not: nobody}}]}
    student: "{student}"
"#;

#[test]
fn lists_alternatives_and_conditions_show_what_they_read() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log-wider-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("bundle.yaml"), WIDER).unwrap();
    let upstream = Upstream::replying(OK);
    let tap = Tap::default();
    let mut config = settings(upstream.address, &tap);
    config.bundle = directory.clone();
    let proxy = Proxy::with(config);
    let cases = [
        ("/list/1A,1B", "allow", json!("class/1A"), json!({"scope": ["class/1A", "class/1B"]})),
        ("/list/1A", "allow", json!("class/1A"), json!({"scope": "class/1A"})),
        ("/list/1A,1A", "allow", json!("class/1A"), json!({"scope": "class/1A"})),
        ("/list/1A,1B,1A,1B", "allow", json!("class/1A"), json!({"scope": ["class/1A", "class/1B"]})),
        ("/list/1A,2A", "deny", json!("class/2A"), json!({"scope": ["class/1A", "class/2A"]})),
        ("/either/1B", "allow", json!("class/1B"), json!({"scope": ["class/2A", "class/1B"]})),
        ("/either/zz", "deny", json!("class/2A"), json!({"scope": ["class/2A", "class/zz"]})),
        ("/judged/monday/CANARY/sam", "allow", Value::Null, json!({"student": "sam", "parameter": "monday"})),
        ("/judged/friday/CANARY/sam", "deny", Value::Null, json!({"student": "sam", "parameter": "friday"})),
    ];
    for (number, (path, decision, resource, inputs)) in cases.iter().enumerate() {
        proxy.ask(&head("ari", &format!("GET {path}")));
        let lines = tap.until_lines(number + 1);
        let last = &lines[number];
        assert_eq!(last["decision"], *decision, "{last}");
        assert_eq!(last.get("resource").unwrap_or(&Value::Null), resource, "{last}");
        assert_eq!(last["inputs"], *inputs, "{path}");
    }
    assert!(!tap.text().contains("CANARY"));
    fs::remove_dir_all(directory).unwrap();
}
