//! The traps of the libraries below us, as raw bytes: versions, upgrades, methods, limits and time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use std::collections::BTreeMap;
use support::{By, Ending, OK, Pass, Recorder, SOON, Scene, ari, get, get_with};

const MALFORMED: By = By::Us(400, Reason::Malformed);

#[test]
fn does_not_speak_http_2() {
    let scene = Scene::new();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    scene.refuses(By::Silence, [&preface[..]]);
    scene.refuses(
        By::Parser(400),
        [
            "GET /open/a HTTP/2.0\r\nHost: app\r\n\r\n",
            "GET /open/a HTTP/2\r\nHost: app\r\n\r\n",
            "GET /open/a HTTP/3.0\r\nHost: app\r\n\r\n",
            "GET /open/a HTTP/1.2\r\nHost: app\r\n\r\n",
            "GET /open/a HTTP/0.9\r\nHost: app\r\n\r\n",
            "GET /open/a HTTP/1.1 \r\nHost: app\r\n\r\n",
            "GET /open/a http/1.1\r\nHost: app\r\n\r\n",
            "GET /open/a HTTP/1.1x\r\nHost: app\r\n\r\n",
            "GET /open/a HTTP/01.1\r\nHost: app\r\n\r\n",
            "GET /open/a  HTTP/1.1\r\nHost: app\r\n\r\n",
            "GET /open/a\tHTTP/1.1\r\nHost: app\r\n\r\n",
            "GET /open/a\r\n\r\n",
            " GET /open/a HTTP/1.1\r\nHost: app\r\n\r\n",
            ":method: GET\r\n:path: /open/a\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        ],
    );
    // The preface after a request of HTTP/1.1 is none.
    let raw = format!("{}PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get("/open/a"));
    let said = scene.say(raw.as_bytes(), 1);
    assert_eq!((said.answers[0].status, said.tapes.len()), (200, 1));
}

#[test]
fn forwards_no_upgrade() {
    let lines = [
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        "Upgrade: h2c\r\nHTTP2_Settings: AAMAAABkAAQAAP__\r\n",
        "Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n",
        "Connection: keep-alive, UPGRADE\r\nConnection: h2c\r\nUpgrade: WebSocket\r\nUpgrade: h2c\r\n",
    ];
    let scene = Scene::new();
    for lines in lines {
        let own = ["sec-websocket-version: 13", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="];
        let own: &[&str] = match lines {
            _ if lines.contains("777") => &["sec-websocket-version: 777"],
            _ if lines.contains("Sec-") => &own,
            _ => &[],
        };
        scene.passes([Pass::new(&get_with("/open/a", lines), "GET /open/a").lines(own)]);
    }
}

#[test]
fn a_101_of_the_upstream_opens_no_tunnel() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    for lines in ["", "Connection: Upgrade\r\nUpgrade: x\r\n"] {
        let scene = Scene::before(Recorder::replying(switch), |_| {});
        let raw = format!("{}{}", get_with("/open/a", lines), get("/admin"));
        let said = scene.say(raw.as_bytes(), 2);
        let statuses: Vec<_> = said.answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [502, 404]);
        assert_eq!(said.rest, b"");
        assert_eq!(said.tapes.len(), 1);
        assert_eq!(said.tapes[0].requests.len(), 1);
    }
}

#[test]
fn an_unknown_method_is_refused_and_counted_under_one_label() {
    let scene = Scene::new();
    let request =
        |method: &str, lines: &str| format!("{method} /open/a HTTP/1.1\r\nHost: app\r\n{lines}\r\n");
    // Which methods there are is told to nobody who does not say who it is.
    for method in
        ["FROBNICATE", "get", "Get", "gET", "GETT", "G", "OPTIONS", "PRI", "DELETE", "GET!", "M-SEARCH", "*"]
    {
        scene.refuses(By::Us(401, Reason::Unauthenticated), [request(method, "")]);
        scene.refuses(By::Us(405, Reason::NoMethod), [request(method, "X-Remote-User: ari\r\n")]);
    }
    scene.refuses(
        By::Parser(400),
        ["G(T", "G\u{cb}T", "GET\x01", "G,T", "\"GET\""].map(|method| request(method, "")),
    );
    let before = scene.proxy.counters.refused(Reason::NoMethod);
    let mut client = scene.proxy.client();
    for number in 0..1000 {
        client.send(request(&format!("M{number}"), "X-Remote-User: ari\r\n"));
        assert_eq!(client.answer().status, 405);
    }
    assert_eq!(scene.proxy.counters.refused(Reason::NoMethod) - before, 1000);
    assert_eq!(scene.upstream.connections(), 0);
}

#[test]
fn bounds_the_head_and_the_number_of_headers() {
    let scene = Scene::new();
    let lines = |count: usize| (1..count).map(|number| format!("X-{number}: 1\r\n")).collect::<String>();
    scene.refuses(By::Parser(431), [get_with("/open/a", &lines(101)), get_with("/open/a", &lines(500))]);
    assert_eq!(scene.say(get_with("/open/a", &lines(100)).as_bytes(), 1).answers[0].status, 200);
    let long = "a".repeat(64 * 1024);
    scene.refuses(
        By::Parser(431),
        [get_with("/open/a", &format!("X-A: {long}\r\n")), get_with("/open/a", &format!("{long}: 1\r\n"))],
    );
    scene.refuses(
        MALFORMED,
        [get(&format!("/open/{}", "a".repeat(9000))), get(&format!("/open/a?{}", "a".repeat(9000)))],
    );
    // More than the library counts with.
    let wide = Scene::with(|config| config.limits.head_bytes = 1024 * 1024);
    wide.refuses(By::Parser(414), [get(&format!("/open/{}", "a".repeat(70_000)))]);
    // Escapes count as they are written.
    scene.refuses(MALFORMED, [get(&format!("/open/{}", "\u{fc}".repeat(1500)))]);
    let few = Scene::with(|config| config.limits.headers = 8);
    few.refuses(By::Parser(431), [get_with("/open/a", &lines(9))]);
}

#[test]
fn closes_a_connection_whose_head_does_not_end() {
    let scene = Scene::with(|config| config.timeouts.head = SOON);
    for beginning in [
        "GET /open/a HTTP/1.1\r\nHost: app\r\nX-A: ",
        "",
        "\r\n",
        "G",
        "GET /open/a HTTP/1.1\r\nHost: app\r\n",
    ] {
        let mut client = scene.proxy.client();
        client.send(beginning);
        client.ends();
    }
    // A byte now and then does not begin the time anew.
    let mut client = scene.proxy.client();
    client.send("GET /open/a HTTP/1.1\r\nHost: app\r\nX-A: ");
    client.stream.set_read_timeout(Some(SOON / 4)).unwrap();
    let mut sent = 0;
    while sent < 200
        && std::io::Read::read(&mut client.stream, &mut [0])
            .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    {
        sent += 1;
        if std::io::Write::write_all(&mut client.stream, b"a").is_err() {
            break;
        }
    }
    assert!(sent < 200, "a head that never ends was waited for");
    scene.proxy.until("all are counted", |counters| {
        counters.closed.get(hallpass::telemetry::Closed::HeadTimeout) == 6
    });
    assert_eq!(scene.upstream.connections(), 0);
}

#[test]
fn a_request_that_was_let_through_is_followed_by_nothing_of_a_refused_one() {
    // A kept upstream connection, and between two requests on it everything that is refused.
    let scene = Scene::before(Recorder::replying(OK), |config| config.upstream.idle_max = 4);
    let refused = [get("/admin"), get("/open/../a"), get("/classes/1A/attendance"), get("/open/a%00")];
    let mut client = scene.proxy.client();
    client.send(format!("{}{}{}", get("/open/1"), refused.concat(), ari("/open/2")));
    let statuses: Vec<_> = (0..6).map(|_| client.answer().status).collect();
    assert_eq!(statuses, [200, 404, 400, 401, 400, 200]);
    client.finish_sending();
    assert_eq!(client.ends(), Ending::Orderly);
    let Scene { upstream, proxy } = scene;
    proxy.shutdown();
    let tapes = upstream.ended_tapes(0);
    assert_eq!(tapes.len(), 1);
    assert_eq!(tapes[0].requests.len(), 2);
    assert_eq!(tapes[0].requests.concat(), tapes[0].bytes);
}

/// The packages of `Cargo.lock`, each with its versions.
fn locked() -> BTreeMap<String, Vec<Vec<u64>>> {
    let mut packages: BTreeMap<String, Vec<Vec<u64>>> = BTreeMap::new();
    for package in include_str!("../Cargo.lock").split("[[package]]").skip(1) {
        let field = |name: &str| {
            let start = format!("{name} = \"");
            let line = package.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
            line.trim_end_matches('"').to_owned()
        };
        let version = field("version");
        let numbers = version.split(['+', '-']).next().unwrap().split('.');
        packages
            .entry(field("name"))
            .or_default()
            .push(numbers.map(|number| number.parse().unwrap()).collect());
    }
    packages
}

#[test]
fn the_lock_file_holds_the_minimum_versions() {
    let locked = locked();
    let least: [(&str, [u64; 3]); 10] = [
        // CL and TE together; `max_buf_size`.
        ("hyper", [1, 11, 0]),
        ("h2", [0, 4, 18]),
        // CVE-2026-25537.
        ("jsonwebtoken", [10, 3, 0]),
        // RUSTSEC-2026-0007.
        ("bytes", [1, 11, 1]),
        // RUSTSEC-2025-0055.
        ("tracing-subscriber", [0, 3, 20]),
        // RUSTSEC-2026-0049, -0098, -0099, -0104.
        ("rustls-webpki", [0, 103, 13]),
        // RUSTSEC-2024-0336, -0399.
        ("rustls", [0, 23, 18]),
        ("ring", [0, 17, 12]),
        // RUSTSEC-2022-0013.
        ("regex", [1, 5, 5]),
        ("tokio", [1, 44, 2]),
    ];
    for (name, least) in least {
        for version in locked.get(name).into_iter().flatten() {
            assert!(version.as_slice() >= least.as_slice(), "{name} {version:?} is older than {least:?}");
        }
    }
    for needed in ["hyper", "jsonwebtoken", "bytes", "tracing-subscriber", "tokio"] {
        assert!(
            locked.contains_key(needed),
            "{needed} is not in the lock file: is this test still about it?"
        );
    }
    for never in ["tar", "tokio-tar", "serde_yml", "libyml", "serde_yaml"] {
        assert!(!locked.contains_key(never), "{never}");
    }
    // Without a backend it panics at the first token.
    assert!(
        include_str!("../Cargo.toml")
            .lines()
            .any(|line| line.starts_with("jsonwebtoken") && line.contains("aws_lc_rs"))
    );
}
