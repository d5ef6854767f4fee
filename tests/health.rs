//! The health listener: probes that say the truth, and nothing that names a person, a role or a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::health::{self, Config, Sources};
use hallpass::listener::Listener;
use hallpass::proxy::Address;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};
use support::tls::{Authority, TlsUpstream};
use support::{OK, Proxy, Upstream, config, gate, once_at};

fn beside(proxy: &Proxy, upstream: SocketAddr, path: Option<&str>) -> Listener {
    beside_tls(proxy, upstream, path, None)
}

fn beside_tls(
    proxy: &Proxy,
    upstream: SocketAddr,
    path: Option<&str>,
    upstream_tls: Option<hallpass::tls::Client>,
) -> Listener {
    let server = proxy.server();
    let sources = Sources {
        pdp: server.pdp(),
        metrics: server.metrics(),
        readiness: server.readiness(),
        upstream: Address::Socket(upstream),
        upstream_tls,
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    health::start(Config { listen, upstream_path: path.map(|path| path.parse().unwrap()) }, sources).unwrap()
}

fn get(health: &Listener, path: &str) -> (u16, String) {
    let (status, _, body) = ask(health, "GET", path);
    (status, body)
}

fn ask(health: &Listener, method: &str, path: &str) -> (u16, String, String) {
    once_at(health.address().unwrap(), &format!("{method} {path} HTTP/1.1\r\nHost: pod\r\n\r\n"))
}

fn told(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

#[test]
fn is_alive_and_ready_with_a_bundle() {
    let upstream = Upstream::silent();
    let proxy = Proxy::before(&upstream);
    let health = beside(&proxy, upstream.address, None);
    assert_eq!(get(&health, "/livez"), told(200, "ok\n"));
    assert_eq!(get(&health, "/readyz?verbose"), told(200, "ok\n"));
    let (status, head, body) = ask(&health, "HEAD", "/readyz");
    assert_eq!((status, body.as_str()), (200, ""));
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn is_not_ready_without_a_bundle_without_keys_or_while_draining() {
    let upstream = Upstream::silent();
    let proxy = Proxy::without_a_bundle(config(upstream.address));
    let health = beside(&proxy, upstream.address, None);
    assert_eq!(get(&health, "/readyz"), told(503, "not ready: no policy is loaded\n"));
    assert_eq!(get(&health, "/livez").0, 200);

    let proxy = Proxy::before(&upstream);
    let health = beside(&proxy, upstream.address, None);
    proxy.server().readiness().set_keys(false);
    assert_eq!(get(&health, "/readyz"), told(503, "not ready: keys are missing\n"));
    proxy.server().readiness().set_keys(true);
    assert_eq!(get(&health, "/readyz").0, 200);
    proxy.stop();
    assert_eq!(get(&health, "/readyz"), told(503, "not ready: draining\n"));
    assert!(get(&health, "/metrics").1.contains("hallpass_draining 1\n"));
    assert_eq!(get(&health, "/livez").0, 200);
}

#[test]
fn answers_nothing_else() {
    let upstream = Upstream::silent();
    let proxy = Proxy::before(&upstream);
    let health = beside(&proxy, upstream.address, None);
    for path in ["/", "/livez/", "//livez", "/status", "/explain", "/upstreamz", "/metrics/x", "/%6civez"] {
        assert_eq!(get(&health, path).0, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO"] {
        let (status, head, _) = ask(&health, method, "/livez");
        assert_eq!(status, 405, "{method}");
        assert!(head.contains("allow: GET, HEAD"), "{head}");
    }
    let long = "x".repeat(16 * 1024);
    let address = health.address().unwrap();
    assert_eq!(once_at(address, &format!("GET /livez HTTP/1.1\r\nHost: pod\r\nA: {long}\r\n\r\n")).0, 431);
    let lines = "A: b\r\n".repeat(100);
    assert_eq!(once_at(address, &format!("GET /livez HTTP/1.1\r\nHost: pod\r\n{lines}\r\n")).0, 431);
    let body = "x".repeat(100 * 1024);
    let request = format!("GET /livez HTTP/1.1\r\nHost: pod\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(once_at(address, &request).0, 413);
}

/// The listener has 64 places and waits 5 seconds for a head; a probe that waits that long is a restart.
#[test]
fn answers_a_probe_at_once_where_others_hold_all_places_and_ask_nothing() {
    let upstream = Upstream::silent();
    let proxy = Proxy::before(&upstream);
    let health = beside(&proxy, upstream.address, None);
    let began = Instant::now();
    let connect = |_| TcpStream::connect(health.address().unwrap()).unwrap();
    let mut idle: Vec<TcpStream> = (0..64).map(connect).collect();
    assert_eq!(get(&health, "/livez"), told(200, "ok\n"));
    // The one that has been open longest gave way, and no other did.
    idle[0].set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    assert_eq!(idle[0].read(&mut [0]).unwrap(), 0);
    idle[1].set_nonblocking(true).unwrap();
    assert_eq!(idle[1].read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn names_no_person_role_or_file() {
    let upstream = Upstream::replying(OK);
    let proxy = Proxy::before(&upstream);
    let health = beside(&proxy, upstream.address, Some("/healthz"));
    let ari = "Host: app\r\nX-Remote-User: ari\r\n\r\n";
    assert_eq!(proxy.ask(&format!("GET /classes/1A/attendance HTTP/1.1\r\n{ari}")).status, 200);
    assert_eq!(proxy.ask(&format!("GET /classes/1B/attendance HTTP/1.1\r\n{ari}")).status, 403);
    for path in ["/livez", "/readyz", "/metrics", "/upstreamz"] {
        let (status, head, body) = ask(&health, "GET", path);
        assert_eq!(status, 200);
        for name in
            ["\"ari\"", "sam", "class_teacher", "1A", "springfield", "bundle.yaml", "/classes", "/tmp"]
        {
            assert!(!head.contains(name) && !body.contains(name), "{name} in {path}: {body}");
        }
    }
}

#[test]
fn tells_whether_the_app_is_well_and_passes_nothing_on() {
    let upstream = Upstream::start(|talk| {
        let head = talk.head();
        assert!(head.starts_with("GET /healthz?deep=1 HTTP/1.1\r\n"), "{head}");
        talk.reply("HTTP/1.1 204 No Content\r\nX-Secret: inside\r\n\r\n");
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let health = beside(&proxy, upstream.address, Some("/healthz?deep=1"));
    let request =
        "GET /upstreamz?x=y HTTP/1.1\r\nHost: pod\r\nX-Mine: outside\r\nAuthorization: Bearer t\r\n\r\n";
    let (status, head, body) = once_at(health.address().unwrap(), request);
    assert_eq!((status, body.as_str()), (200, "ok\n"));
    assert!(!head.contains("inside"), "{head}");
    let got = upstream.received(0);
    assert!(!got.contains("outside") && !got.contains("Bearer") && !got.contains("x=y"), "{got}");
    upstream.until_ended(1);
}

#[test]
fn says_503_for_an_app_that_is_not_well() {
    for reply in ["HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n\r\n", ""] {
        let upstream = Upstream::start(move |talk| {
            talk.head();
            talk.reply(reply);
            talk.close();
        });
        let proxy = Proxy::before(&upstream);
        let health = beside(&proxy, upstream.address, Some("/healthz"));
        assert_eq!(get(&health, "/upstreamz"), told(503, "the app is not well\n"), "{reply}");
    }
}

#[test]
fn asks_the_app_once_for_all_who_ask_at_the_same_time() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        wait();
        talk.reply(OK);
    });
    let proxy = Proxy::before(&upstream);
    let health = beside(&proxy, upstream.address, Some("/healthz"));
    thread::scope(|scope| {
        let askers: Vec<_> = (0..8).map(|_| scope.spawn(|| get(&health, "/upstreamz").0)).collect();
        upstream.until_connections(1);
        // An answer to another question: those above had their turn at the listener.
        assert_eq!(get(&health, "/livez").0, 200);
        open.send(()).unwrap();
        for asker in askers {
            assert_eq!(asker.join().unwrap(), 200);
        }
    });
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn the_verb_health_exits_with_the_answer() {
    let run = |address: &str, ready: bool| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(["health", "--address", address]).args(ready.then_some("--ready"));
        command.output().unwrap()
    };
    let upstream = Upstream::replying(OK);
    let proxy = Proxy::without_a_bundle(config(upstream.address));
    let health = beside(&proxy, upstream.address, None);
    let address = health.address().unwrap().to_string();
    let alive = run(&address, false);
    assert_eq!((alive.status.code(), alive.stdout.as_slice()), (Some(0), b"ok\n".as_slice()));
    let ready = run(&address, true);
    assert_eq!(ready.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&ready.stderr), "not ready: no policy is loaded\n");
    drop(health);
    let gone = run(&address, false);
    assert_eq!(gone.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("no answer from"), "{gone:?}");
    // Something else answers there.
    assert_eq!(run(&proxy.address.to_string(), false).status.code(), Some(2));
}

#[test]
fn asks_an_app_with_tls_over_tls_and_believes_no_other() {
    let (ca, stranger) = (Authority::new(), Authority::new());
    let app = TlsUpstream::start(&ca.issue(&["app.internal"]), |_| OK.into());
    let proxy = Proxy::with(config(app.address));
    let health = beside_tls(&proxy, app.address, Some("/up"), Some(ca.upstream_tls("app.internal")));
    assert_eq!(get(&health, "/upstreamz").0, 200);
    let health = beside_tls(&proxy, app.address, Some("/up"), Some(stranger.upstream_tls("app.internal")));
    assert_eq!(get(&health, "/upstreamz").0, 503);
    assert_eq!(app.heads().len(), 1);
}
