//! Framing as raw bytes: where a request ends is one answer for the client, for us and for the app.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use std::fmt::Write as _;
use support::{By, Ending, Pass, Scene, TOLD_OF_ARI, get, get_with};

const MALFORMED: By = By::Us(400, Reason::Malformed);
const SECOND: &str = "GET /open/second HTTP/1.1\r\nHost: app\r\n\r\n";

/// A POST to a public route with these lines, each with its line end, and this body.
fn post(lines: &str, body: &str) -> String {
    format!("POST /open/a HTTP/1.1\r\nHost: app\r\n{lines}\r\n{body}")
}

/// A chunked POST with this body, and a second request behind it.
fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", &format!("{body}{SECOND}"))
}

/// Each of these begins a request that never comes to its end, and nothing behind it is a request.
#[track_caller]
fn never_completes(raws: impl IntoIterator<Item = String>) {
    let scene = Scene::new();
    let mut wrong = String::new();
    for raw in raws {
        let said = scene.say(raw.as_bytes(), 1);
        let status = said.answers.first().map(|answer| answer.status);
        let whole: usize = said.tapes.iter().map(|tape| tape.requests.len()).sum();
        let leaked = said.tapes.iter().any(|tape| {
            let text = String::from_utf8_lossy(&tape.bytes);
            text.contains("second") || text.ends_with("\r\n0\r\n\r\n") || text.contains(";a")
        });
        let refused = status.is_none_or(|status| status == 400);
        if !refused || whole > 0 || leaked || said.tapes.len() > 1 || !said.rest.is_empty() {
            let raw = raw.escape_debug().take(200).collect::<String>();
            let _ = writeln!(wrong, "{raw}: {status:?} {:?}", said.tapes);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(scene.proxy.counters.panics.get(), 0);
}

#[test]
fn refuses_a_body_with_a_method_that_has_none() {
    // An app that does not read it takes it for the next request, which brings whatever headers it likes.
    let second = "GET /classes/1A/attendance HTTP/1.1\r\nHost: app\r\nX-School-User: ari\r\n\r\n";
    let scene = Scene::new();
    let with = |lines: &str, body: &str| {
        format!("GET /open/a HTTP/1.1\r\nHost: app\r\nConnection: close\r\n{lines}\r\n{body}")
    };
    let length = format!("Content-Length: {}\r\n", second.len());
    let chunks = format!("{:x}\r\n{second}\r\n0\r\n\r\n", second.len());
    let raws = [
        with(&length, second),
        with("Transfer-Encoding: chunked\r\n", &chunks),
        with("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    ];
    scene.refuses(By::Us(400, Reason::AmbiguousRequest), raws);
    let none = get_with("/open/a", "Content-Length: 0\r\n");
    scene.passes([Pass::new(&none, "GET /open/a").lines(&["content-length: 0"])]);
}

// Chunks

#[test]
fn a_chunked_body_leaves_in_chunks() {
    let scene = Scene::new();
    let said = scene.say(chunked("5\r\nhello\r\n0\r\n\r\n").as_bytes(), 2);
    assert_eq!(said.answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [200, 200]);
    let requests: Vec<_> = said.tapes.iter().map(|tape| tape.requests.as_slice()).collect();
    let [[first], [second]] = requests.as_slice() else { panic!("{:?}", said.tapes) };
    let raw = chunked("");
    let pass = Pass::new(&raw, "POST /open/a").lines(&["transfer-encoding: chunked"]);
    pass.body("5\r\nhello\r\n0\r\n\r\n").same(&said.answers[0], first).unwrap();
    Pass::new(SECOND, "GET /open/second").same(&said.answers[1], second).unwrap();
}

#[test]
fn chunk_extensions_are_not_forwarded() {
    let scene = Scene::new();
    let bodies = [
        "5;a=b\r\nhello\r\n0;c\r\n\r\n",
        "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n",
        "5 ; a\r\nhello\r\n0\r\n\r\n",
        "5\t\r\nhello\r\n0\r\n\r\n",
        "0000000000000005\r\nhello\r\n000\r\n\r\n",
    ];
    for body in bodies {
        let raw = post("Transfer-Encoding: chunked\r\n", body);
        let pass = Pass::new(&raw, "POST /open/a").lines(&["transfer-encoding: chunked"]);
        scene.passes([pass.body("5\r\nhello\r\n0\r\n\r\n")]);
    }
}

#[test]
fn a_bad_chunk_never_completes_a_request() {
    let bodies = [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "5_0\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        ";a\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFF5\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\rXhello\r\n0\r\n\r\n",
        "5\0\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "\u{665}\r\nhello\r\n0\r\n\r\n",
        "4\r\nhello\r\n0\r\n\r\n",
        "6\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\nX\r\n\r\n",
        "5\r\nhello\r\n0\r\nX y: 1\r\n\r\n",
        "5\r\nhello\r\n0\r\nX: 1\0\r\n\r\n",
        "5\r\nhello\r\n0\n\n",
        "5\r\nhello\r\n0\r\nX: 1\r\r\n\r\n",
    ];
    never_completes(bodies.map(chunked));
}

#[test]
fn chunks_that_stop_before_their_end_never_complete_a_request() {
    // Nothing follows; then the client ends its side.
    for body in [
        "",
        "5",
        "5\r\n",
        "5\r\nhel",
        "5\r\nhello",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0",
        "5\r\nhello\r\n0\r\n",
        "5\r\nhello\r\n0\r\n\r",
        "5\r\nhello\r\n0\r\nX: 1\r\n",
    ] {
        let scene = Scene::new();
        let said = scene.say(post("Transfer-Encoding: chunked\r\n", body).as_bytes(), 0);
        assert!(
            said.rest.is_empty() || said.rest.starts_with(b"HTTP/1.1 400 "),
            "{}",
            said.rest.escape_ascii()
        );
        let whole: usize = said.tapes.iter().map(|tape| tape.requests.len()).sum();
        assert_eq!(whole, 0, "{body:?}: {:?}", said.tapes);
    }
}

#[test]
fn a_line_feed_alone_does_not_end_a_chunked_body() {
    // To the library it begins a trailer, which goes on to the next empty line and nowhere from there.
    let raw = chunked("5\r\nhello\r\n0\r\n\n");
    let pass = Pass::new(&raw, "POST /open/a").lines(&["transfer-encoding: chunked"]);
    Scene::new().passes([pass.body("5\r\nhello\r\n0\r\n\r\n")]);
}

#[test]
fn a_line_end_inside_a_chunk_extension_never_splits() {
    let long = format!("5;a{}\r\nhello\r\n0\r\n\r\n", "a".repeat(20_000));
    let bodies = [
        "5;a=b\nhello\r\n0\r\n\r\n",
        "5;a\rhello\r\n0\r\n\r\n",
        "5;a\n\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n",
        "5;a\r\r\nhello\r\n0\r\n\r\n",
        &long,
    ];
    never_completes(bodies.map(chunked));
}

// Lengths and codings

#[test]
fn forwards_one_framing_when_both_were_sent() {
    // The library drops the length and ends the connection after the answer (RFC 9112 6.3), whatever the length says.
    let scene = Scene::new();
    for lines in [
        "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Content-Length: 15\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n",
    ] {
        let raw = post(lines, &format!("5\r\nhello\r\n0\r\n\r\n{SECOND}"));
        let pass = Pass::new(&raw, "POST /open/a").lines(&["transfer-encoding: chunked"]);
        scene.passes([pass.body("5\r\nhello\r\n0\r\n\r\n")]);
    }
}

#[test]
fn forwards_one_content_length() {
    let aliases = post(
        "Content-Length: 5\r\nContent_Length: 0\r\nContent.Length: 0\r\nContentLength: 0\r\nHTTP_CONTENT_LENGTH: 0\r\n",
        "hello",
    );
    Scene::new().passes([Pass::new(&aliases, "POST /open/a").lines(&["content-length: 5"]).body("hello")]);
    // The library has made one of two lines that agree.
    let twice = post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello");
    Scene::new().passes([Pass::new(&twice, "POST /open/a").lines(&["content-length: 5"]).body("hello")]);
    let spaced = post("Content-Length:\t 5 \t\r\n", "hello");
    Scene::new().passes([Pass::new(&spaced, "POST /open/a").lines(&["content-length: 5"]).body("hello")]);
    let zero = post("Content-Length: 0\r\nTransfer_Encoding: chunked\r\n", "");
    Scene::new().passes([Pass::new(&zero, "POST /open/a").lines(&["content-length: 0"])]);
}

#[test]
fn refuses_a_content_length_that_is_not_one_plain_number() {
    let post_of = |values: &[&str]| {
        let lines: String = values.iter().map(|value| format!("Content-Length: {value}\r\n")).collect();
        post(&lines, "hello")
    };
    let scene = Scene::new();
    let ours: [&[&str]; 2] = [&["05"], &["9223372036854775808"]];
    scene.refuses(MALFORMED, ours.map(post_of));
    let parsers: [&[&str]; 13] = [
        &[""],
        &["5, 5"],
        &["5,6"],
        &["+5"],
        &["-5"],
        &["0x5"],
        &["5_0"],
        &["5 5"],
        &["18446744073709551616"],
        &["5;a=b"],
        &["5", "6"],
        &["5.0"],
        &["\u{665}"],
    ];
    scene.refuses(By::Parser(400), parsers.map(post_of));
    scene.refuses(
        By::Parser(400),
        [post("Content-Length : 5\r\n", "hello"), post("Content-Length\t: 5\r\n", "hello")],
    );
}

#[test]
fn refuses_every_transfer_coding_but_chunked_once() {
    let lines = |values: &[&str]| {
        let lines: String = values.iter().map(|value| format!("Transfer-Encoding: {value}\r\n")).collect();
        post(&lines, "0\r\n\r\n")
    };
    let scene = Scene::new();
    let ours: [&[&str]; 9] = [
        &["gzip, chunked"],
        &["identity, chunked"],
        &["identity", "chunked"],
        &["chunked", "chunked"],
        &["gzip", "chunked"],
        &[",chunked"],
        &[", chunked"],
        &["chunked, chunked"],
        &["", "chunked"],
    ];
    scene.refuses(MALFORMED, ours.map(lines));
    let parsers: [&[&str]; 9] = [
        &["identity"],
        &["gzip"],
        &["chunked, identity"],
        &["chunked", "identity"],
        &["chunked,"],
        &["xchunked"],
        &["chunkedx"],
        &["chunked;a"],
        &[""],
    ];
    scene.refuses(By::Parser(400), parsers.map(lines));
    scene.passes([Pass::new(&lines(&["Chunked"]), "POST /open/a")
        .lines(&["transfer-encoding: chunked"])
        .body("0\r\n\r\n")]);
}

#[test]
fn refuses_a_transfer_coding_that_is_misspelt() {
    let lines = [
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\x0bchunked\r\n",
        "Transfer-Encoding: chunked\0\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked\r\n\t, identity\r\n",
        "Transfer-Encoding\0: chunked\r\n",
        "X: 1\rTransfer-Encoding: chunked\r\n",
    ];
    Scene::new().refuses(By::Parser(400), lines.map(|lines| post(lines, "0\r\n\r\n")));
    // An alias of the name is a header like another, and taken out: what follows is a request of its own.
    let alias = post("Transfer_Encoding: chunked\r\n", "");
    Scene::new().passes([Pass::new(&alias, "POST /open/a")]);
}

#[test]
fn refuses_a_transfer_coding_in_http_1_0() {
    let raw = |body: &str| format!("POST /open/a HTTP/1.0\r\nHost: app\r\n{body}");
    Scene::new().refuses(
        By::Parser(400),
        [
            raw("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            raw("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            raw("Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ],
    );
}

// Lines of the head

#[test]
fn writes_the_head_anew_after_bare_line_feeds() {
    Scene::new().passes([
        Pass::new("GET /open/a HTTP/1.1\nHost: app\nX-A: 1\n\n", "GET /open/a").lines(&["x-a: 1"]),
        Pass::new("GET /open/a HTTP/1.1\r\nHost: app\nX-A: 1\r\n\n", "GET /open/a").lines(&["x-a: 1"]),
        Pass::new("\r\n\r\nGET /open/a HTTP/1.1\r\nHost: app\r\n\r\n", "GET /open/a"),
        Pass::new("\n\nGET /open/a HTTP/1.1\r\nHost: app\r\n\r\n", "GET /open/a"),
    ]);
    // An identity on a line of its own is a header like another.
    let smuggled = "GET /open/a HTTP/1.1\r\nHost: app\r\nX-A: 1\nX-School-User: zoe\r\n\r\n";
    Scene::new().passes([Pass::new(smuggled, "GET /open/a").lines(&["x-a: 1"])]);
}

#[test]
fn refuses_a_bare_carriage_return_or_nul_in_the_head() {
    let lines = [
        "X-A: 1\rX-School-User: zoe\r\n",
        "X-A: 1\0\r\n",
        "X-A: \0\r\n",
        "X-A\r: 1\r\n",
        "X-A\0: 1\r\n",
        "\rX-A: 1\r\n",
        "X-A: 1\r\r\n",
        "X-A: 1\x01\r\n",
        "X-A: 1\x7f\r\n",
        "X-A: 1\x0b\r\n",
    ];
    let scene = Scene::new();
    scene.refuses(By::Parser(400), lines.map(|lines| get_with("/open/a", lines)));
    scene.refuses(
        By::Parser(400),
        [
            "GET /open/a HTTP/1.1\rHost: app\r\n\r\n",
            "GET /open/a\r HTTP/1.1\r\nHost: app\r\n\r\n",
            "GET\0/open/a HTTP/1.1\r\nHost: app\r\n\r\n",
        ],
    );
}

#[test]
fn refuses_line_folding_and_white_space_before_a_colon() {
    let lines = [
        "X-A: 1\r\n\tfolded\r\n",
        "X-A: 1\r\n folded: 1\r\n",
        "X-Remote-User: ari\r\n zoe\r\n",
        "X-A : 1\r\n",
        "X-A\t: 1\r\n",
        "X A: 1\r\n",
        " X-A: 1\r\n",
        ": 1\r\n",
        "X-A\r\n",
        "X-A 1\r\n",
    ];
    let scene = Scene::new();
    scene.refuses(By::Parser(400), lines.map(|lines| get_with("/open/a", lines)));
    scene.refuses(
        By::Parser(400),
        ["GET /open/a HTTP/1.1\r\n Host: app\r\n\r\n", "GET /open/a HTTP/1.1\r\n\tX: 1\r\nHost: app\r\n\r\n"],
    );
}

#[test]
fn refuses_names_with_bytes_that_no_name_has() {
    let names = [
        "X(User",
        "X,User",
        "X\"User",
        "X@User",
        "X/User",
        "X[User]",
        "X{User}",
        "X;User",
        "X<User>",
        "X=User",
        "X?User",
        "X\\User",
        "X\u{e9}User",
        "X\u{ff0d}School-User",
    ];
    let scene = Scene::new();
    scene.refuses(By::Parser(400), names.map(|name| get_with("/open/a", &format!("{name}: zoe\r\n"))));
    scene.refuses(By::Parser(400), [&b"GET /open/a HTTP/1.1\r\nHost: app\r\nX\xffUser: zoe\r\n\r\n"[..]]);
}

// One connection, several requests

/// What came of several requests in one piece: statuses, and the targets that the upstream saw.
fn pipelined(raw: &str, answers: usize) -> (Vec<u16>, Vec<String>) {
    let scene = Scene::new();
    let said = scene.say(raw.as_bytes(), answers);
    assert_eq!(said.rest, b"", "{}", said.rest.escape_ascii());
    let targets = said.tapes.iter().flat_map(|tape| {
        assert_eq!(tape.requests.concat(), tape.bytes, "more than whole requests");
        tape.requests.iter().map(|request| {
            let text = String::from_utf8_lossy(request).into_owned();
            text.split(' ').nth(1).unwrap().to_owned()
        })
    });
    (said.answers.iter().map(|answer| answer.status).collect(), targets.collect())
}

#[test]
fn a_refused_request_leaves_no_body_behind() {
    let smuggled = "GET /open/smuggled HTTP/1.1\r\nHost: app\r\n\r\n";
    let length = format!("Content-Length: {}\r\n", smuggled.len());
    let none: Vec<String> = Vec::new();
    for (line, lines, status) in [
        ("POST /admin", "", 404),
        ("GET /admin", "", 400),
        ("PUT /classes/1A/attendance", "", 401),
        ("PUT /classes/1A/attendance", "X-Remote-User: ari\r\n", 405),
        ("POST /classes/1B/attendance", "X-Remote-User: ari\r\n", 403),
        ("POST /classes/1A/attendance", "", 401),
        ("POST /open/../a", "", 400),
        ("POST /open/a", "Connection: Host\r\n", 400),
        ("POST /open/a", "Connection: keep-alive\r\nHost: app\r\n", 400),
        ("POST /Modules.php?modname=Attendance&class=1A", "X-Remote-User: ari\r\n", 400),
        ("DELETE /classes/1A/hidden", "X-Remote-User: sam\r\n", 404),
        ("TRACE /open/a", "", 400),
    ] {
        let head = format!("{line} HTTP/1.1\r\nHost: app\r\n{lines}");
        assert_eq!(
            pipelined(&format!("{head}{length}\r\n{smuggled}"), 2),
            (vec![status], none.clone()),
            "{line}"
        );
        let chunked = format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{smuggled}\r\n0\r\n\r\n{SECOND}",
            smuggled.len()
        );
        assert_eq!(pipelined(&chunked, 2), (vec![status], none.clone()), "{line}");
        let broken = format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{smuggled}");
        assert_eq!(pipelined(&broken, 2), (vec![status], none.clone()), "{line}");
        let old = format!(
            "{line} HTTP/1.0\r\nHost: app\r\nConnection: keep-alive\r\n{lines}{length}\r\n{smuggled}"
        );
        assert_eq!(pipelined(&old, 2), (vec![status], none.clone()), "{line}");
    }
}

#[test]
fn what_follows_a_refusal_later_is_no_request_either() {
    // The body comes after the answer to its head.
    let scene = Scene::new();
    for lines in [
        format!("Content-Length: {}\r\n", SECOND.len()),
        "Transfer-Encoding: chunked\r\n".to_owned(),
        format!("Expect: 100-continue\r\nContent-Length: {}\r\n", SECOND.len()),
    ] {
        let mut client = scene.proxy.client();
        client.send(format!("POST /admin HTTP/1.1\r\nHost: app\r\n{lines}\r\n"));
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (404, Some("close")));
        client.send(SECOND);
        assert_eq!(client.rest(), (Vec::new(), Ending::Orderly));
    }
    assert_eq!(scene.upstream.connections(), 0);
}

#[test]
fn a_refused_request_without_a_body_leaves_the_next_one_as_it_is() {
    let refused = "GET /admin HTTP/1.1\r\nHost: app\r\n\r\n";
    let empty = "POST /admin HTTP/1.1\r\nHost: app\r\nContent-Length: 0\r\n\r\n";
    let first = get("/open/first");
    let (statuses, targets) = pipelined(&format!("{first}{refused}{empty}{SECOND}"), 4);
    assert_eq!(
        (statuses, targets),
        (vec![200, 404, 404, 200], vec!["/open/first".into(), "/open/second".into()])
    );
}

#[test]
fn bytes_behind_a_request_without_a_length_are_no_body() {
    let scene = Scene::new();
    for tail in ["hello", "5\r\nhello\r\n0\r\n\r\n", "class=2B&_method=DELETE\r\n\r\n"] {
        let said = scene.say(post("", tail).as_bytes(), 1);
        assert_eq!(said.answers[0].status, 200);
        // What follows is read as a request, and is none.
        assert!(
            said.rest.is_empty() || said.rest.starts_with(b"HTTP/1.1 400 "),
            "{}",
            said.rest.escape_ascii()
        );
        let raw = post("", "");
        assert_eq!(said.tapes.len(), 1);
        assert_eq!(said.tapes[0].requests.concat(), said.tapes[0].bytes);
        Pass::new(&raw, "POST /open/a").same(&said.answers[0], &said.tapes[0].requests[0]).unwrap();
    }
}

#[test]
fn identity_does_not_pass_from_one_request_of_a_connection_to_the_next() {
    let mine = get_with("/classes/1A/attendance", "X-Remote-User: ari\r\n");
    let nobodys = get("/classes/1A/attendance");
    let (statuses, targets) = pipelined(&format!("{mine}{nobodys}{}", get("/classes/1A/attendance")), 3);
    assert_eq!((statuses, targets), (vec![200, 401, 401], vec!["/classes/1A/attendance".to_owned()]));
}

#[test]
fn http_1_0_is_kept_alive_only_where_it_asks() {
    let request = |lines: &str| format!("GET /open/a HTTP/1.0\r\nHost: app\r\n{lines}\r\n");
    let keep = request("Connection: keep-alive\r\n");
    let (statuses, targets) = pipelined(&format!("{keep}{keep}"), 2);
    assert_eq!((statuses, targets.len()), (vec![200, 200], 2));
    let (statuses, targets) = pipelined(&format!("{}{SECOND}", request("")), 2);
    assert_eq!((statuses, targets), (vec![200], vec!["/open/a".to_owned()]));
    let told = [&TOLD_OF_ARI[..]].concat();
    let raw = "GET /classes/1A/attendance HTTP/1.0\r\nHost: app\r\nX-Remote-User: ari\r\nKeep-Alive: X-School-User\r\n\r\n";
    Scene::new().passes([Pass::new(raw, "GET /classes/1A/attendance").lines(&told)]);
}

#[test]
fn bytes_after_an_upgrade_are_a_request() {
    for upgrade in ["websocket", "h2c", "TLS/1.0", "any"] {
        let first = get_with("/open/a", &format!("Connection: Upgrade\r\nUpgrade: {upgrade}\r\n"));
        let (statuses, targets) = pipelined(&format!("{first}{}", get("/admin")), 2);
        assert_eq!((statuses, targets), (vec![200, 404], vec!["/open/a".to_owned()]), "{upgrade}");
        // A refused one opens nothing either.
        let first = get_with("/admin", &format!("Connection: Upgrade\r\nUpgrade: {upgrade}\r\n"));
        let (statuses, targets) = pipelined(&format!("{first}{SECOND}"), 2);
        assert_eq!((statuses, targets), (vec![404, 200], vec!["/open/second".to_owned()]), "{upgrade}");
    }
}

#[test]
fn expect_is_answered_here_and_not_forwarded() {
    let scene = Scene::new();
    let mut client = scene.proxy.client();
    client.send(post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""));
    assert_eq!(client.head().status, 100);
    client.send(format!("hello{SECOND}"));
    let answers = [client.answer(), client.answer()];
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200]);
    drop(client);
    let tapes = scene.upstream.ended_tapes(0);
    let raw = post("", "");
    let pass = Pass::new(&raw, "POST /open/a").lines(&["content-length: 5"]).body("hello");
    pass.same(&answers[0], &tapes[0].requests[0]).unwrap();
    Pass::new(SECOND, "GET /open/second").same(&answers[1], &tapes[1].requests[0]).unwrap();

    // A refused one is not asked to go on.
    let refused = "POST /admin HTTP/1.1\r\nHost: app\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    scene.refuses(By::Us(404, Reason::NoRoute), [refused]);
    // What is no such expectation is dropped.
    for value in ["200-maybe", "100-continue, 100-continue", ""] {
        let raw = post(&format!("Expect: {value}\r\nContent-Length: 5\r\n"), "hello");
        scene.passes([Pass::new(&raw, "POST /open/a").lines(&["content-length: 5"]).body("hello")]);
    }
}
