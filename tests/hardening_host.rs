//! Host and authority as raw bytes: one host, read once, and the one that is forwarded.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use support::{By, Pass, Scene, get, get_with};

const MALFORMED: By = By::Us(400, Reason::Malformed);
const AMBIGUOUS: By = By::Us(400, Reason::AmbiguousRequest);

/// A request whose only header is this host.
fn hosted(host: &str) -> String {
    format!("GET /open/a HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[test]
fn refuses_a_request_without_exactly_one_host() {
    let scene = Scene::new();
    scene.refuses(
        MALFORMED,
        [
            "GET /open/a HTTP/1.1\r\n\r\n",
            "GET /open/a HTTP/1.0\r\n\r\n",
            "GET http://app/open/a HTTP/1.1\r\n\r\n",
            "GET /open/a HTTP/1.1\r\nX-Forwarded-Host: app\r\n\r\n",
        ],
    );
    scene.refuses(
        AMBIGUOUS,
        [
            get_with("/open/a", "Host: app\r\n"),
            get_with("/open/a", "host: other\r\n"),
            get_with("/open/a", "HOST:\r\n"),
            get_with("http://app/open/a", "Host: app\r\n"),
        ],
    );
}

#[test]
fn refuses_what_is_not_a_host() {
    let scene = Scene::new();
    let hosts = [
        "",
        "a,b",
        "app, app",
        "user@app",
        "user:password@app",
        "app@evil",
        "app example",
        "app/x",
        "app?x",
        "app#x",
        "app\\example",
        "app%2eexample",
        "http://app",
        "//app",
        "[::1",
        "::1",
        "[::1]evil",
        "[::1%25eth0]",
        "a..b",
        ".app",
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f.1",
        "b\u{fc}cher.example",
        "app\tb",
        "app;b",
        "(app)",
    ];
    scene.refuses(MALFORMED, hosts.map(hosted));
    scene.refuses(MALFORMED, [format!("Host: {}", "a".repeat(300))].map(|line| get_line(&line)));
    let targets = [
        "http://user@app/open/a",
        "http://user:password@app/open/a",
        "http://app@app/open/a",
        "http://@app/open/a",
    ];
    scene.refuses(MALFORMED, targets.map(get));
    scene.refuses(By::Parser(400), ["app\0", "app\x01", "app\rb", "app\x7f"].map(hosted));
}

fn get_line(line: &str) -> String {
    format!("GET /open/a HTTP/1.1\r\n{line}\r\n\r\n")
}

#[test]
fn refuses_a_trailing_dot_and_odd_ports() {
    let hosts = [
        "app.",
        "app.:80",
        "app:",
        "app:0",
        "app:080",
        "app:65536",
        "app:+80",
        "app:-80",
        "app:80:80",
        "app: 80",
        "app :80",
        "app:8\u{660}",
        "app:http",
        "[::1]:",
        "[::1]:0",
    ];
    Scene::new().refuses(MALFORMED, hosts.map(hosted));
}

#[test]
fn refuses_a_target_that_disagrees_with_host() {
    let scene = Scene::new();
    let targets = [
        "http://other/open/a",
        "http://app.evil/open/a",
        "http://app:81/open/a",
        "https://app:80/open/a",
        "HTTP://other/open/a",
        "http://[::1]/open/a",
    ];
    scene.refuses(AMBIGUOUS, targets.map(get));
    scene.refuses(
        MALFORMED,
        ["ftp://app/open/a", "https://app:443@evil/open/a", "http://app./open/a"].map(get),
    );
    scene.refuses(By::Parser(400), ["http://app:80:80/open/a", "http://a b/open/a"].map(get));
}

#[test]
fn forwards_an_absolute_target_in_origin_form() {
    let scene = Scene::new();
    let secure = "GET https://app/open/a HTTP/1.1\r\nHost: app:443\r\n\r\n";
    scene.passes([
        Pass::new(&get("http://APP/open/a?b"), "GET /open/a?b"),
        Pass::new(&get("http://app:80/open/a?b"), "GET /open/a?b"),
        Pass::new(&get("HTTP://app/open/a"), "GET /open/a"),
        Pass::new(&get("http://app/open/a#b"), "GET /open/a"),
        Pass::new(secure, "GET /open/a").lines(&["host: app:443"]),
    ]);
    scene.refuses(By::Us(404, Reason::NoRoute), ["http://app", "http://app/", "http://app?/open/a"].map(get));
    // The path of an absolute target is judged like any other.
    scene.refuses(MALFORMED, ["http://app//open/a", "http://app/open/../a", "http://app/open%2fa"].map(get));
}

#[test]
fn the_host_that_was_read_is_the_host_that_is_forwarded() {
    Scene::new().passes([
        Pass::new(&hosted("APP.Example:8080"), "GET /open/a").lines(&["host: app.example:8080"]),
        Pass::new(&hosted("[0:0::1]:81"), "GET /open/a").lines(&["host: [::1]:81"]),
        Pass::new(&hosted("  app\t "), "GET /open/a"),
        Pass::new(&hosted("10.1.2.3:65535"), "GET /open/a").lines(&["host: 10.1.2.3:65535"]),
        Pass::new("GET /open/a HTTP/1.1\r\nhOsT:App\r\n\r\n", "GET /open/a"),
    ]);
}

#[test]
fn no_other_header_names_the_host() {
    let lines = "X-Forwarded-Host: evil\r\nX-Host: evil\r\nX-Original-Host: evil\r\nX-HTTP-Host-Override: evil\r\n\
                 Forwarded: host=evil\r\nHTTP_HOST: evil\r\nH-o-s-t: evil\r\nX_Forwarded_Host: evil\r\n";
    Scene::new().passes([Pass::new(&get_with("/open/a", lines), "GET /open/a")]);
}
