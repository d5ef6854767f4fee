//! The admin listener: for its owner or for whoever has the token, on loopback too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::admin::{self, Access, Admin, Config, Sources, Token, UnsafeSetting};
use hallpass::identity::{Algorithm, Authenticator, JwtIssuer, JwtSettings, Remote, RemoteSettings};
use hallpass::telemetry::LogFilter;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use support::tls::{self, Authority, server};
use support::{NEVER, Proxy, Upstream, clock, config, once, once_at, proxy_with};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, registry, reload};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn sources(proxy: &Proxy) -> Sources {
    let unsafe_settings = vec![UnsafeSetting { setting: "answers.reason", why: "callers are told why" }];
    let server = proxy.server();
    Sources {
        pdp: server.pdp(),
        reloads: server.reloads().to_vec(),
        certificates: server.certificates().cloned(),
        key_sources: server.key_sources().to_vec(),
        readiness: server.readiness(),
        log: None,
        unsafe_settings,
    }
}

fn on_tcp(sources: Sources) -> Admin {
    let token = Token::read(TOKEN.as_bytes()).unwrap();
    let access = Access::Token { listen: SocketAddr::from(([127, 0, 0, 1], 0)), token };
    admin::start(Config { access }, sources, clock()).unwrap()
}

fn on_socket(path: &Path, proxy: &Proxy) -> Result<Admin, String> {
    let access = Access::Socket(path.to_owned());
    admin::start(Config { access }, sources(proxy), clock()).map_err(|error| error.to_string())
}

/// A directory of the test's own, emptied if there was one.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("admin-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    path
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: admin\r\n\r\n")
}

/// Asks over TCP with the token.
fn ask(admin: &Admin, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, _, body) = once_at(admin.address().unwrap(), &request);
    (status, hallpass::json::parse(body.as_bytes()).unwrap_or(Value::Null))
}

fn proxy() -> Proxy {
    Proxy::before(&Upstream::silent())
}

#[test]
fn the_socket_is_for_its_owner_only_and_goes_with_the_listener() {
    let directory = directory("mode");
    let path = directory.join("admin.sock");
    let proxy = proxy();
    let admin = on_socket(&path, &proxy).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    let (status, _, body) = once(UnixStream::connect(&path).unwrap(), &get("/status"));
    assert_eq!(status, 200, "{body}");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "something was left behind");
    drop(admin);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn the_socket_is_never_wider_not_even_for_a_moment() {
    let directory = directory("moment");
    let path = directory.join("s");
    let proxy = proxy();
    let (done, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if let Ok(metadata) = fs::metadata(&path) {
                    seen.fetch_add(1, Ordering::Relaxed);
                    if metadata.mode() & 0o7777 != 0o600 {
                        return Err(metadata.mode());
                    }
                }
            }
            Ok(())
        });
        for _ in 0..100 {
            drop(on_socket(&path, &proxy).unwrap());
        }
        let _last = on_socket(&path, &proxy).unwrap();
        support::until("the watcher has seen it", || seen.load(Ordering::Relaxed) > 0);
        done.store(true, Ordering::Relaxed);
        assert_eq!(watcher.join().unwrap(), Ok(()));
    });
}

#[test]
fn takes_the_place_of_a_socket_that_nobody_listens_to_and_of_nothing_else() {
    let directory = directory("place");
    let path = directory.join("s");
    let proxy = proxy();
    // A process that was killed leaves its socket behind.
    drop(UnixListener::bind(&path).unwrap());
    let first = on_socket(&path, &proxy).unwrap();
    let error = on_socket(&path, &proxy).unwrap_err();
    assert!(error.contains("another process listens there"), "{error}");
    assert_eq!(once(UnixStream::connect(&path).unwrap(), &get("/status")).0, 200);
    drop(first);

    fs::write(&path, "a file").unwrap();
    let error = on_socket(&path, &proxy).unwrap_err();
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
    fs::remove_file(&path).unwrap();

    fs::set_permissions(&directory, Permissions::from_mode(0o1777)).unwrap();
    let error = on_socket(&path, &proxy).unwrap_err();
    assert!(error.contains("everybody may write"), "{error}");
    assert!(on_socket(&directory.join("none/s"), &proxy).is_err());
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn leaves_a_socket_that_took_its_place() {
    let directory = directory("successor");
    let path = directory.join("s");
    let proxy = proxy();
    let first = on_socket(&path, &proxy).unwrap();
    fs::remove_file(&path).unwrap();
    let _second = on_socket(&path, &proxy).unwrap();
    drop(first);
    assert_eq!(once(UnixStream::connect(&path).unwrap(), &get("/status")).0, 200);
}

#[test]
fn wants_the_token_on_loopback_too() {
    let admin = on_tcp(sources(&proxy()));
    let address = admin.address().unwrap();
    for line in ["", "Authorization: Basic eDp5\r\n", "Authorization: Bearer no\r\n"] {
        for path in ["/status", "/explain", "/log-level", "/nowhere"] {
            let (status, head, body) =
                once_at(address, &format!("GET {path} HTTP/1.1\r\nHost: admin\r\n{line}\r\n"));
            assert_eq!(status, 401, "{line}{path}");
            assert!(head.contains("www-authenticate: Bearer"), "{head}");
            assert!(!body.contains("revision"), "{body}");
        }
    }
    assert_eq!(ask(&admin, "GET", "/status", "").0, 200);
    assert_eq!(ask(&admin, "GET", "/nowhere", "").0, 404);
    assert_eq!(ask(&admin, "POST", "/status", "").0, 405);
    assert_eq!(ask(&admin, "GET", "/explain", "").0, 405);
}

#[test]
fn status_tells_the_revision_its_age_and_the_unsafe_settings() {
    let proxy = proxy();
    let revision = proxy.server().pdp().snapshot().unwrap().bundle().revision().to_owned();
    let admin = on_tcp(sources(&proxy));
    let (status, told) = ask(&admin, "GET", "/status", "");
    assert_eq!(status, 200);
    assert_eq!(told["bundle"]["revision"], revision);
    assert_eq!(told["bundle"]["loaded_at"], "2026-11-21T10:00:00Z");
    assert_eq!(told["bundle"]["age_seconds"], 0);
    assert_eq!(told["draining"], false);
    assert_eq!(
        told["unsafe_settings"],
        json!([{"setting": "answers.reason", "why": "callers are told why"}])
    );
    proxy.stop();
    assert_eq!(ask(&admin, "GET", "/status", "").1["draining"], true);

    let empty = Proxy::without_a_bundle(config(Upstream::silent().address));
    let admin = on_tcp(sources(&empty));
    assert_eq!(ask(&admin, "GET", "/status", "").1["bundle"], Value::Null);
    assert_eq!(ask(&admin, "POST", "/explain", &question("ari", "1A")).0, 503);
}

#[test]
fn status_tells_how_it_stands_with_every_file_certificate_and_key() {
    let (ca, upstream) = (Authority::new(), Upstream::silent());
    let (tls, files) = server(&[&ca.issue_until(&["app.example"], 2040)]);
    let url = format!("http://{}/keys", upstream.address);
    let remote = RemoteSettings { url, refresh: NEVER, cool_down: NEVER, patience: NEVER, ca: None };
    let jwt = JwtSettings {
        issuer: "https://login.school.example".into(),
        audience: "hallpass".into(),
        algorithms: vec![Algorithm::EdDsa],
        leeway: Duration::ZERO,
    };
    let issuer = JwtIssuer::fetched(jwt, Remote::new(remote).unwrap()).unwrap();
    let proxy = proxy_with(&upstream, |config| {
        config.tls = Some(tls);
        config.reload = hallpass::reload::Settings { poll: NEVER, debounce: Duration::from_millis(5) };
        config.authenticator = Authenticator::new(vec![issuer], None).unwrap();
    });
    let admin = on_tcp(sources(&proxy));
    let told = ask(&admin, "GET", "/status", "").1;
    let names: Vec<_> = told["files"].as_array().unwrap().iter().map(|file| file["name"].clone()).collect();
    assert_eq!(names, ["bundle", "certificate/0"]);
    assert!(told["files"].as_array().unwrap().iter().all(|file| file["last_failure"].is_null()));
    let certificate = &told["certificates"][0];
    assert_eq!(certificate["file"], files.join("0.crt").display().to_string());
    assert_eq!(
        (&certificate["valid_until"], &certificate["valid_now"]),
        (&json!("2040-01-01T00:00:00Z"), &json!(true))
    );
    let keys = &told["keys"][0];
    assert_eq!((&keys["issuer"], &keys["loaded"]), (&json!("https://login.school.example"), &json!(false)));
    assert!(keys["fetched"]["url"].as_str().unwrap().ends_with("/keys"), "{keys}");

    tls::write(&files.join("0.key"), "nothing");
    let failed = proxy.server().reloads()[1].wait_until(support::DEADLINE, |status| status.failure.is_some());
    assert!(failed);
    let told = ask(&admin, "GET", "/status", "").1;
    let failure = &told["files"][1]["last_failure"];
    assert!(failure["text"].as_str().unwrap().contains("holds no private key"), "{failure}");
    // The one in use is the one before.
    assert_eq!(told["certificates"][0]["valid_until"], "2040-01-01T00:00:00Z");
}

fn question(subject: &str, class: &str) -> String {
    json!({
        "subject": {"type": "staff", "id": subject},
        "action": {"name": "attendance.view"},
        "resource": {"type": "class", "id": class},
    })
    .to_string()
}

#[test]
fn explains_one_request_in_words() {
    let admin = on_tcp(sources(&proxy()));
    let (status, told) = ask(&admin, "POST", "/explain", &question("ari", "1A"));
    assert_eq!((status, &told["decision"], &told["reason"]), (200, &json!(true), &json!("granted")));
    let story = told["story"].as_str().unwrap();
    assert!(story.contains("Yes: class_teacher at class/1A grants it. [granted]"), "{story}");
    let (status, told) = ask(&admin, "POST", "/explain", &question("ari", "1B"));
    assert_eq!(
        (status, &told["decision"], &told["reason"]),
        (200, &json!(false), &json!("no_role_in_context"))
    );
    let (_, told) = ask(&admin, "POST", "/explain", &question("arl", "1A"));
    assert_eq!(told["reason"], "unknown_subject");
    assert!(told["story"].as_str().unwrap().contains("did you mean `ari`?"), "{told}");
}

#[test]
fn refuses_a_question_that_can_be_read_in_two_ways_or_not_at_all() {
    let admin = on_tcp(sources(&proxy()));
    let twice = question("ari", "1A").replace("\"id\":\"ari\"", "\"id\":\"sam\",\"id\":\"ari\"");
    assert!(twice.contains("sam"));
    for body in ["", "{", "[]", "{}", &twice, &format!("{} {{}}", question("ari", "1A"))] {
        let (status, told) = ask(&admin, "POST", "/explain", body);
        assert_eq!(status, 400, "{body}");
        assert!(told["error"].is_string(), "{told}");
    }
    assert_eq!(ask(&admin, "POST", "/explain", &"x".repeat(100_000)).0, 413);
}

#[test]
fn changes_what_is_logged_from_the_next_event_on() {
    let (layer, handle) = reload::Layer::new(EnvFilter::new("warn"));
    let subscriber = registry().with(layer);
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut sources = sources(&proxy());
    sources.log = Some(LogFilter::new(handle, "warn".to_owned()));
    let admin = on_tcp(sources);
    assert!(!tracing::enabled!(tracing::Level::DEBUG));
    assert_eq!(ask(&admin, "GET", "/log-level", ""), (200, json!({"filter": "warn"})));
    assert_eq!(ask(&admin, "PUT", "/log-level", r#"{"filter":"debug"}"#), (200, json!({"filter": "debug"})));
    assert!(tracing::enabled!(tracing::Level::DEBUG));
    for body in [
        r#"{"filter":""}"#,
        r#"{"filter":"=====[["}"#,
        r#"{"filter":"inof"}"#,
        r#"{"filter":"warn,halpass::reload"}"#,
        r#"{"filter":1}"#,
        r#"{"level":"info"}"#,
        r#"{"filter":"info","more":1}"#,
        r#"{"filter":"info","filter":"info"}"#,
        "info",
    ] {
        assert_eq!(ask(&admin, "PUT", "/log-level", body).0, 400, "{body}");
    }
    assert_eq!(ask(&admin, "GET", "/log-level", "").1["filter"], "debug");
}

/// Ends the program with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_program_has_the_socket_of_its_configuration_and_tells_unsafe_settings_in_one_line() {
    let directory = directory("program");
    let bundle = support::bundle_directory().display();
    let settings = format!(
        "listen: 127.0.0.1:0\nupstream: {{address: '127.0.0.1:9'}}\nbundle: {bundle}\nanswers: {{reason: true}}\n\
         health: {{listen: '127.0.0.1:0'}}\nadmin: {{socket: a.sock}}\n"
    );
    let file = directory.join("hallpass.yaml");
    fs::write(&file, settings).unwrap();
    let log = fs::File::create(directory.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.arg("serve").arg("--config").arg(&file).env("RUST_LOG", "inof").stderr(log);
    let _running = Running(command.spawn().unwrap());
    let socket = directory.join("a.sock");
    support::until("the socket is there", || UnixStream::connect(&socket).is_ok());
    let (status, _, body) = once(UnixStream::connect(&socket).unwrap(), &get("/status"));
    assert_eq!(status, 200);
    let told = hallpass::json::parse(body.as_bytes()).unwrap();
    let names: Vec<&str> = told["unsafe_settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["setting"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["identity", "answers.reason"]);
    assert_eq!(told["log_filter"], "info");
    let body = r#"{"filter":"error"}"#;
    let put = format!("PUT /log-level HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    assert_eq!(once(UnixStream::connect(&socket).unwrap(), &put).0, 200);
    // The last line before there is less says so.
    let read = || fs::read_to_string(directory.join("log")).unwrap();
    let last = "what is logged is changed filter=\"error\"\n";
    support::until("the last line is written", || read().ends_with(last));
    let log = read();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("unsafe settings")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("identity, answers.reason"), "{log}");
    assert!(log.contains("RUST_LOG is not used error=`inof` is neither a level"), "{log}");
}
