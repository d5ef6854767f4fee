//! Paths as raw bytes: what is refused reaches nobody, and what is forwarded is what was matched.
//!
//! `tests/hardening.md` says what each of these has done to others.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use std::path::PathBuf;
use support::{By, Pass, Scene, TOLD_OF_ARI, ari, bundle_directory, copy_of, get, only_ours};

const MALFORMED: By = By::Us(400, Reason::Malformed);
const NO_ROUTE: By = By::Us(404, Reason::NoRoute);

fn gets<'a>(targets: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
    targets.iter().map(|target| get(target))
}

#[test]
fn refuses_dot_segments_before_matching() {
    let targets = [
        "/open/../admin/secrets",
        "/open/./a",
        "/open/%2e%2e/admin",
        "/open/.%2E/admin",
        "/open/%2e./admin",
        "/open/a/..",
        "/open/..",
        "/open/.",
        "/..",
        "/.",
        "/open/...",
        "/open/..%20/a",
        "/open/%20../a",
        "/open/..?a=1",
        "/open/a/%2e",
        "/classes/1A/../1B/attendance",
        "/classes/1A/attendance/..",
        "/open/..%2f..",
        "/%61p%69/./admin",
    ];
    Scene::new().refuses(MALFORMED, gets(&targets));
}

#[test]
fn refuses_an_escaped_slash() {
    Scene::new().refuses(
        MALFORMED,
        gets(&[
            "/open%2f..%2fadmin",
            "/open/a%2Fb",
            "/open%2fa",
            "/%2fopen/a",
            "/open%5C..%5Cadmin",
            "/classes/1A%2f1B/attendance",
        ]),
    );
    Scene::new().refuses(By::Parser(400), gets(&["%2fopen/a", "%2f/open/a"]));
}

#[test]
fn refuses_an_escaped_slash_after_dots() {
    Scene::new()
        .refuses(MALFORMED, gets(&["/open/..%2fadmin/secret", "/open/%2e%2e%2fadmin", "/open/..%2F"]));
}

#[test]
fn refuses_a_leading_double_slash() {
    let targets =
        ["//admin/dashboard", "//app/open/a", "//open/a", "///", "//", "/%2fapp/open/a", "/\\app/open/a"];
    Scene::new().refuses(MALFORMED, gets(&targets));
}

#[test]
fn refuses_a_doubled_slash() {
    let targets = ["/open//a", "/classes//1A/attendance", "/open/a//", "/open/a//?b", "/open//"];
    Scene::new().refuses(MALFORMED, gets(&targets));
}

#[test]
fn refuses_a_backslash() {
    let targets = ["/open\\..\\admin", "/open/a%5Cb", "/open/a%5cb", "/private%5csecret.txt", "/open/\\"];
    let scene = Scene::new();
    scene.refuses(MALFORMED, gets(&targets));
    scene.refuses(By::Parser(400), [get("\\open\\a")]);
}

#[test]
fn refuses_bad_escapes_and_bad_utf8() {
    let targets = [
        "/open/%",
        "/open/%4",
        "/open/%zz",
        "/open/%u002f",
        "/open/%-1",
        "/open/%+1",
        "/open/%0x41",
        "/open/a%",
        "/open/%ff",
        "/open/%c0%ae%c0%ae",
        "/open/%e0%80%af",
        "/open/%ed%a0%80",
        "/open/%f5%80%80%80",
        "/open/%c3",
        "/%zz/../open/a",
    ];
    Scene::new().refuses(MALFORMED, gets(&targets));
}

#[test]
fn refuses_control_characters() {
    let escaped = [
        "/open/xyz/.%00../abc",
        "/open/a%00",
        "/open/a%00.html",
        "/open/%%0000",
        "/open/a%0d%0aX-School-User:%20zoe",
        "/open/a%0aHost:%20evil",
        "/open/a%09b",
        "/open/a%1b[31m",
        "/open/a%7f",
        "/open/a%c2%85",
    ];
    Scene::new().refuses(MALFORMED, gets(&escaped));
    let raw = ["/open/a\0b", "/open/a\x01b", "/open/a\x7f", "/open/a\tb", "/open/a\x0bb", "/open/a\rb"];
    Scene::new().refuses(By::Parser(400), gets(&raw));
}

#[test]
fn refuses_what_a_second_decoding_would_change() {
    let targets = [
        "/open/%c0%ae%c0%ae/a",
        "/open/%252e%252e/admin",
        "/open/a%252fb",
        "/open/a%255cb",
        "/open/a%2500",
        "/open/a%253bb",
        "/open/%25%32%65",
        "/open/%25u002f",
        "/open/%25%75002f",
        "/open/a%25252fb",
    ];
    Scene::new().refuses(MALFORMED, gets(&targets));
}

#[test]
fn refuses_look_alikes_of_separators() {
    let targets = [
        "/open/%ef%bc%8e%ef%bc%8e/admin",
        "/open%ef%bc%8fadmin",
        "/open/a%e2%88%95b",
        "/open/a%e2%81%84b",
        "/open/a%ef%bc%bcb",
        "/open/a%ef%bc%9bb",
        "/open/a%cd%beb",
        "/open/a%ef%bc%8564",
        "/open/a\u{ff0f}b",
    ];
    Scene::new().refuses(MALFORMED, gets(&targets));
}

#[test]
fn refuses_path_parameters() {
    let targets = [
        "/..;/admin",
        "/open/..;/admin",
        "/open;/../admin",
        "/secret.html;index.html",
        "/open/a;jsessionid=1",
        "/;/admin",
        "/open/..;a=b/admin",
        "/open/%2e%2e;/admin",
        "/open/a%3b",
        "/open/a%3B.css",
        "/open/.;/a",
        "/open;a=b/x",
    ];
    Scene::new().refuses(MALFORMED, gets(&targets));
}

#[test]
fn refuses_a_target_that_is_no_path() {
    let scene = Scene::new();
    let words = [
        "admin",
        "admin:80",
        "*",
        "app",
        "open",
        "ftp://app/open/a",
        "ws://app/open/a",
        "file://app/open/a",
        "://app/open/a",
    ];
    scene.refuses(MALFORMED, gets(&words));
    let requests = [
        "OPTIONS * HTTP/1.1\r\nHost: app\r\n\r\n",
        "TRACE /open/a HTTP/1.1\r\nHost: app\r\n\r\n",
        "trace /open/a HTTP/1.1\r\nHost: app\r\n\r\n",
        "CONNECT app:80 HTTP/1.1\r\nHost: app:80\r\n\r\n",
        "CONNECT /open/a HTTP/1.1\r\nHost: app\r\n\r\n",
        "connect app:80 HTTP/1.1\r\nHost: app:80\r\n\r\n",
    ];
    scene.refuses(MALFORMED, requests);
    let unread = ["?a=1", "#/open/a", "http:open/a", "http:///open/a", "http://", "http:/open/a"];
    scene.refuses(By::Parser(400), gets(&unread));
    scene.refuses(By::Parser(400), ["GET  HTTP/1.1\r\nHost: app\r\n\r\n", "GET\r\nHost: app\r\n\r\n"]);
}

#[test]
fn writes_raw_delimiters_and_utf8_as_escapes() {
    let scene = Scene::new();
    scene.passes([
        Pass::new(&get("/open/{a}|^[b]"), "GET /open/%7Ba%7D%7C%5E%5Bb%5D"),
        Pass::new(&get("/open/gr\u{fc}n"), "GET /open/gr%C3%BCn"),
        Pass::new(&get("/open/gr%c3%bcn"), "GET /open/gr%C3%BCn"),
        Pass::new(&get("/open/%3cscript%3e%22%60"), "GET /open/%3Cscript%3E%22%60"),
        Pass::new(&get("/open/\"a\""), "GET /open/%22a%22"),
    ]);
    scene.refuses(By::Parser(400), gets(&["/open/`a`", "/open/<script>"]));
    scene.refuses(By::Parser(400), [&b"GET /open/\xff HTTP/1.1\r\nHost: app\r\n\r\n"[..]]);
}

#[test]
fn forwards_the_path_that_was_matched() {
    Scene::new().passes([
        Pass::new(&get("/open/a"), "GET /open/a"),
        Pass::new(&get("/open/%61"), "GET /open/a"),
        Pass::new(&get("/%6fpen/a"), "GET /open/a"),
        Pass::new(&get("/open/a%7eb"), "GET /open/a~b"),
        Pass::new(&get("/open/A/"), "GET /open/A/"),
        Pass::new(&get("/open/a%20b"), "GET /open/a%20b"),
        Pass::new(&get("/open/a+b,c=d:e@f"), "GET /open/a+b,c=d:e@f"),
        Pass::new(&get("/open/a%2bb"), "GET /open/a+b"),
        Pass::new(&get("/open/.well-known/x..y"), "GET /open/.well-known/x..y"),
        Pass::new(&ari("/classes/%31A/attendance"), "GET /classes/1A/attendance").lines(&TOLD_OF_ARI),
    ]);
}

#[test]
fn forwards_what_it_matched_when_a_fragment_was_sent() {
    Scene::new().passes([
        Pass::new(&ari("/classes/1A/attendance#x"), "GET /classes/1A/attendance").lines(&TOLD_OF_ARI),
        Pass::new(&get("/open/a#/../../admin"), "GET /open/a"),
        Pass::new(&get("/open/a?b#?c"), "GET /open/a?b"),
    ]);
}

#[test]
fn an_absolute_target_without_a_path_is_forwarded_as_the_root() {
    let bundle = copy_of(bundle_directory());
    let root = bundle.join("root.yaml");
    std::fs::write(&root, "routes: {\"GET /\": public}\n").unwrap();
    only_ours(&root, 0o644);
    let scene = Scene::with(|config| config.bundle = bundle);
    // Without a target at all the upstream would be left to guess.
    scene.passes([
        Pass::new(&get("http://app#x"), "GET /"),
        Pass::new(&get("http://app#/open/a"), "GET /"),
        Pass::new(&get("http://app"), "GET /"),
        Pass::new(&get("http://app/#x"), "GET /"),
        Pass::new(&get("http://app?a#x"), "GET /?a"),
        Pass::new(&get("/#x"), "GET /"),
    ]);
}

#[test]
fn forwards_letters_whose_lower_case_is_longer() {
    Scene::new().passes([
        Pass::new(&get("/open/%C8%BA%C8%BA.php/x"), "GET /open/%C8%BA%C8%BA.php/x"),
        Pass::new(&get("/open/%C4%B0/x"), "GET /open/%C4%B0/x"),
    ]);
}

#[test]
fn every_escaped_delimiter_is_refused_or_has_one_view() {
    let scene = Scene::new();
    scene.refuses(MALFORMED, gets(&["/open/a%2fb", "/open/a%5cb", "/open/a%00b", "/open/a%3bb"]));
    scene.passes([
        Pass::new(&get("/open/a%3fb%23c"), "GET /open/a%3Fb%23c"),
        Pass::new(&get("/open/a%3fb?c%23d"), "GET /open/a%3Fb?c%23d"),
    ]);
}

#[test]
fn another_case_is_another_path() {
    let scene = Scene::new();
    scene.refuses(NO_ROUTE, gets(&["/OPEN/a", "/Open/a", "/%4FPEN/a", "/%4fpen/a"]));
    scene.refuses(MALFORMED, [get("/ADMIN%2fpanel")]);
    scene.refuses(NO_ROUTE, [ari("/Classes/1A/attendance"), ari("/classes/1A/ATTENDANCE")]);
    // The name of a class is no path: it is unknown in another case, and that is told to nobody who may not see it.
    let said = scene.say(ari("/classes/1a/attendance").as_bytes(), 1);
    assert_eq!((said.answers[0].status, said.tapes.len()), (403, 0));
}

#[test]
fn a_slash_at_the_end_does_not_lead_past_a_narrower_rule() {
    // Express, Rails and others serve both forms alike; the route that is open to all would speak for either.
    let scene = Scene::new();
    scene.refuses(NO_ROUTE, gets(&["/open/staff/", "/open/staff/?a", "/open/rooms"]));
    scene.refuses(NO_ROUTE, ["/open/staff/", "/open/rooms"].map(ari));
    scene.refuses(By::Us(401, Reason::Unauthenticated), gets(&["/open/staff", "/open/rooms/"]));
    scene.passes([
        Pass::new(&ari("/open/staff"), "GET /open/staff").lines(&TOLD_OF_ARI),
        Pass::new(&get("/open/staff/x"), "GET /open/staff/x"),
        Pass::new(&get("/open/staffs/"), "GET /open/staffs/"),
    ]);
}

#[test]
fn another_spelling_does_not_lead_past_a_narrower_rule() {
    // Express and ASP.NET do not look at the case of letters, Windows drops dots and blanks at the end of a name, Rails and
    // Spring serve another format under the same rule.
    let scene = Scene::new();
    let near = [
        "/open/STAFF",
        "/open/Staff",
        "/open/%53taff",
        "/open/%C5%BFtaff",
        "/open/staff.",
        "/open/staff%20",
        "/open/staff..%20",
        "/open/staff.json",
        "/open/STAFF.xml",
        "/open/Rooms/",
    ];
    scene.refuses(NO_ROUTE, gets(&near));
    scene.refuses(NO_ROUTE, near.map(ari));
    scene.passes([
        Pass::new(&get("/open/staff.tar.gz"), "GET /open/staff.tar.gz"),
        Pass::new(&get("/open/staffing"), "GET /open/staffing"),
    ]);
}

#[test]
fn the_query_is_no_part_of_the_path() {
    let targets = ["/admin?x=/open/", "/admin?/open/a", "/admin?/../open/a", "/?/open/a", "/admin#/open/a"];
    Scene::new().refuses(NO_ROUTE, gets(&targets));
}

#[test]
fn nothing_after_the_path_widens_a_route() {
    let targets = [
        "/classes/1A/grades#/attendance",
        "/classes/1A/grades?/attendance",
        "/classes/1A/grades%23/attendance",
        "/classes/1A/grades%3f/attendance",
        "/classes/1A/attendance/",
        "/classes/1A/attendance/x",
        "/classes/1A/attendance%20",
        "/classes/1A/attendance.json",
        "/classes/1A/attendance,",
    ];
    let scene = Scene::new();
    scene.refuses(NO_ROUTE, gets(&targets));
    scene.refuses(NO_ROUTE, targets.map(ari));
}

// Paths that others collected

/// The bytes that a path means, by one decoding; `None` where an escape is none. Written a second time on purpose.
fn meant(path: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(byte) = path.get(at) {
        if *byte == b'%' {
            let digits = std::str::from_utf8(path.get(at + 1..at + 3)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            at += 3;
        } else {
            bytes.push(*byte);
            at += 1;
        }
    }
    Some(bytes)
}

/// What is wrong with a target that the upstream saw for one that was sent.
fn wrong(sent: &str, line: &str) -> Option<&'static str> {
    let target = line.strip_prefix("GET ").and_then(|rest| rest.strip_suffix(" HTTP/1.1"));
    let Some(target) = target else { return Some("another request line") };
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) || target.contains('#') {
        return Some("a byte that no target has");
    }
    let split = |target: &str| match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target.to_owned(), None),
    };
    let (path, query) = split(target);
    let (sent_path, sent_query) = split(sent.split('#').next().unwrap());
    if query != sent_query {
        return Some("another query");
    }
    let Some(meaning) = meant(path.as_bytes()) else { return Some("a bad escape") };
    if meant(sent_path.as_bytes()).as_ref() != Some(&meaning) {
        return Some("another path");
    }
    let Ok(text) = String::from_utf8(meaning) else { return Some("a path that is no UTF-8") };
    if !text.starts_with("/open/") {
        return Some("a path that no route has");
    }
    if text.contains("//") || text.contains(['\\', ';']) || text.chars().any(char::is_control) {
        return Some("a separator or a control character");
    }
    if text.split('/').any(|segment| segment == "." || segment == "..") {
        return Some("a dot segment");
    }
    None
}

#[test]
fn the_paths_of_the_whatwg_corpus_are_refused_or_forwarded_as_matched() {
    let Some(folder) = std::env::var_os("HALLPASS_CORPORA") else {
        println!("skipped: HALLPASS_CORPORA is unset, so there is no urls/urltestdata.json");
        return;
    };
    let path = PathBuf::from(folder).join("urls/urltestdata.json");
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let corpus: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let inputs = corpus.as_array().unwrap().iter().filter_map(|case| case["input"].as_str());

    let scene = Scene::with(|config| config.upstream.idle_max = 4);
    let (mut forwarded, mut refused) = (0, 0);
    let mut mistakes = Vec::new();
    for input in inputs {
        // As it is, from its path on, and as the end of a path that is open to all.
        let after_authority = input.split_once("://").map_or(input, |(_, rest)| rest);
        let from_path = after_authority.find(['/', '\\', '?']).map_or("", |at| &after_authority[at..]);
        for target in
            [input.to_owned(), from_path.to_owned(), format!("/open{from_path}"), format!("/open/{input}")]
        {
            // What else stands in a request line is another request line.
            if !target.starts_with('/') || target.contains([' ', '\r', '\n']) {
                continue;
            }
            let mut client = scene.proxy.client();
            client.send(get(&target));
            let answer = client.answer();
            match answer.status {
                200 => forwarded += 1,
                400 | 404 => refused += 1,
                status => mistakes.push(format!("{target:?}: {status}")),
            }
            let requests: Vec<Vec<u8>> = scene.upstream.take_requests();
            match (answer.status, requests.as_slice()) {
                (200, [request]) => {
                    let text = String::from_utf8_lossy(request);
                    let line = text.split("\r\n").next().unwrap();
                    if let Some(what) = wrong(&target, line) {
                        mistakes.push(format!("{target:?} went as {line:?}: {what}"));
                    }
                }
                (200, _) => mistakes.push(format!("{target:?}: {} requests", requests.len())),
                (_, []) => {}
                (status, _) => mistakes.push(format!("{target:?}: {status}, and the upstream saw it")),
            }
        }
    }
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
    println!("{forwarded} targets were forwarded and {refused} refused");
    assert!(forwarded > 300 && refused > 300, "{forwarded} forwarded, {refused} refused");
}
