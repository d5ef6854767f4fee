//! Key sets at a URL: fetched in the background, kept while the URL cannot be reached, and never fetched because
//! somebody sends many tokens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hallpass::decision::Reason;
use hallpass::identity::{
    Algorithm, Authenticator, FETCH_MAX, Fetches, JwtIssuer, JwtSettings, KEY_SET_BYTES_MAX, KeySource,
    Remote, RemoteSettings,
};
use hallpass::policy::Source;
use hallpass::proxy::authority_file;
use hallpass::settings;
use hallpass::telemetry::{Clock, ManualClock};
use hallpass::time::Time;
use hallpass::tls::Authorities;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::tls::{Authority, TlsUpstream, scratch, write};
use support::{NEVER, OK, Proxy, SOON, Talk, Upstream, config, until};

const REFRESH: Duration = Duration::from_secs(600);
const COOL_DOWN: Duration = Duration::from_secs(30);

/// A key of the identity provider.
struct Key {
    kid: String,
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(kid: &str) -> Key {
        Key { kid: kid.to_owned(), pair: Ed25519KeyPair::generate().unwrap() }
    }

    fn jwk(&self) -> serde_json::Value {
        let x = URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref());
        json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x})
    }

    /// A request with a token that holds for a day.
    fn request(&self, clock: &ManualClock) -> String {
        self.request_as(&self.kid, clock)
    }

    fn request_as(&self, kid: &str, clock: &ManualClock) -> String {
        let seconds = clock.now().unix_micros() / 1_000_000;
        let header = json!({"alg": "EdDSA", "kid": kid}).to_string();
        // `gateway` is the issuer that the bundle knows.
        let payload = json!({"iss": "gateway", "aud": "hallpass", "sub": "ari", "iat": seconds, "exp": seconds + 86_400});
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload.to_string()));
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(signed.as_bytes())));
        format!("GET /classes/1A/attendance HTTP/1.1\r\nHost: app\r\nAuthorization: Bearer {token}\r\n\r\n")
    }
}

fn set(keys: &[&Key]) -> String {
    json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string()
}

fn answer(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// An identity provider that answers with what the test puts there; nothing is a connection that is closed.
struct Provider {
    server: Upstream,
    says: Arc<Mutex<String>>,
}

impl Provider {
    fn saying(text: &str) -> Provider {
        let says = Arc::new(Mutex::new(text.to_owned()));
        let script = says.clone();
        let server = Upstream::start(move |talk: &mut Talk| {
            let Some(_) = talk.try_head() else { return };
            let text = script.lock().unwrap().clone();
            talk.reply(text);
            talk.close();
        });
        Provider { server, says }
    }

    fn with(keys: &[&Key]) -> Provider {
        Provider::saying(&answer(&set(keys)))
    }

    fn say(&self, text: &str) {
        *self.says.lock().unwrap() = text.to_owned();
    }
}

/// A proxy whose only issuer publishes its keys at a URL, before an app that records.
struct Stage {
    proxy: Proxy,
    app: Upstream,
    clock: Arc<ManualClock>,
}

impl Stage {
    fn at(url: String, ca: Option<Authorities>) -> Stage {
        Stage::patient(url, ca, FETCH_MAX)
    }

    fn patient(url: String, ca: Option<Authorities>, patience: Duration) -> Stage {
        let app = Upstream::replying(OK);
        let clock = Arc::new(ManualClock::at(Time::parse_rfc3339("2026-11-21T10:00:00Z").unwrap()));
        let remote =
            Remote::new(RemoteSettings { url, refresh: REFRESH, cool_down: COOL_DOWN, patience, ca })
                .unwrap();
        let issuer = JwtSettings {
            issuer: "gateway".into(),
            audience: "hallpass".into(),
            algorithms: vec![Algorithm::EdDsa],
            leeway: Duration::ZERO,
        };
        let issuer = JwtIssuer::fetched(issuer, remote).unwrap();
        let mut config = config(app.address);
        config.authenticator = Authenticator::new(vec![issuer], None).unwrap();
        Stage { proxy: Proxy::with_clock(config, clock.clone()), app, clock }
    }

    fn before(provider: &Provider) -> Stage {
        Stage::at(url(provider.server.address), None)
    }

    fn source(&self) -> &KeySource {
        &self.proxy.server().key_sources()[0]
    }

    fn fetches(&self) -> Fetches {
        self.source().remote().unwrap().fetches()
    }

    /// Waits for the end of a fetch.
    fn until_fetched(&self, attempts: u64) -> Fetches {
        until("the set is fetched", || self.fetches().attempts >= attempts);
        self.fetches()
    }

    fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now().plus(time));
        self.source().look();
    }

    /// Sends tokens that name keys which nobody has.
    fn spray(&self, key: &Key, tokens: usize) {
        let mut client = self.proxy.client();
        for number in 0..tokens {
            client.send(key.request_as(&format!("no-such-key-{number}"), &self.clock));
            assert_eq!(client.answer().status, 401);
        }
    }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/keys?tenant=school")
}

#[test]
fn fetches_the_set_once_and_verifies_with_it() {
    let key = Key::new("a");
    let provider = Provider::with(&[&key]);
    let stage = Stage::before(&provider);
    let fetched = stage.until_fetched(1);
    assert!(stage.source().ready());
    assert_eq!((fetched.failures, fetched.last_success, fetched.failing), (0, Some(stage.clock.now()), None));
    for _ in 0..3 {
        assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 200);
    }
    let head = provider.server.received(0);
    assert!(head.starts_with("GET /keys?tenant=school HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("host: {}\r\n", provider.server.address)), "{head}");
    assert_eq!(provider.server.connections(), 1);
}

#[test]
fn is_not_ready_until_a_first_set_is_there_and_refuses_until_then() {
    let key = Key::new("a");
    // It takes the request and closes.
    let provider = Provider::saying("");
    let stage = Stage::before(&provider);
    let fetched = stage.until_fetched(1);
    assert!(fetched.failing.unwrap().contains("no answer"));
    assert!(!stage.source().ready() && !stage.proxy.server().readiness().has_keys());
    assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 401);
    assert_eq!(stage.proxy.counters.refused(Reason::BadToken), 1);
    assert_eq!(stage.app.connections(), 0);

    provider.say(&answer(&set(&[&key])));
    stage.pass(Duration::from_secs(1));
    until("the set is there", || stage.proxy.server().readiness().has_keys());
    assert!(stage.source().ready());
    assert_eq!(stage.until_fetched(2).failing, None);
    assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 200);
    let text = stage.proxy.counters.render().unwrap();
    for line in [
        r#"hallpass_jwks_keys{issuer="gateway"} 1"#,
        r#"hallpass_jwks_refreshes_total{issuer="gateway",result="failure"} 1"#,
        r#"hallpass_jwks_refreshes_total{issuer="gateway",result="success"} 1"#,
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

#[test]
fn an_empty_set_and_an_endpoint_that_is_down_do_not_make_each_token_a_fetch() {
    let key = Key::new("a");
    for says in ["", &answer(r#"{"keys": []}"#)] {
        let provider = Provider::saying(says);
        let stage = Stage::before(&provider);
        stage.until_fetched(1);
        stage.spray(&key, 1000);
        assert_eq!(provider.server.connections(), 1, "while the clock stands still");
        // Failures make the pauses long: 1, 2, 4, 8, 16 and 32 seconds, of which tokens shorten the last to 30.
        for (number, pause) in [1, 2, 4, 8, 16].into_iter().enumerate() {
            stage.pass(Duration::from_secs(pause));
            stage.until_fetched(number as u64 + 2);
        }
        stage.spray(&key, 10);
        stage.pass(COOL_DOWN - Duration::from_secs(1));
        stage.spray(&key, 1000);
        assert_eq!(provider.server.connections(), 6);
        stage.pass(Duration::from_secs(1));
        stage.until_fetched(7);
        stage.spray(&key, 1000);
        assert_eq!(provider.server.connections(), 7);
        assert_eq!(stage.app.connections(), 0);
    }
}

#[test]
fn a_thousand_unknown_keys_are_at_most_one_fetch_for_each_cool_down() {
    let key = Key::new("a");
    let provider = Provider::with(&[&key]);
    let stage = Stage::before(&provider);
    stage.until_fetched(1);
    let generation = stage.source().keys().generation();
    for round in 1..4 {
        stage.spray(&key, 1000);
        assert_eq!(provider.server.connections(), round);
        stage.pass(COOL_DOWN);
        // Asked for once, it is fetched when the time is there, whether or not somebody asks again.
        stage.until_fetched(round as u64 + 1);
    }
    // The same set again: whatever was kept under it stays good.
    assert_eq!(stage.source().keys().generation(), generation);
    assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 200);
    // Without a token that asks, a cool-down is nothing.
    stage.pass(COOL_DOWN);
    assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 200);
    assert_eq!(provider.server.connections(), 4);
}

#[test]
fn a_rotated_key_is_refused_once_and_fetched() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::with(&[&old]);
    let stage = Stage::before(&provider);
    stage.until_fetched(1);
    let generation = stage.source().keys().generation();
    provider.say(&answer(&set(&[&new])));
    stage.pass(COOL_DOWN);
    assert_eq!(stage.proxy.ask(&new.request(&stage.clock)).status, 401);
    stage.until_fetched(2);
    assert_eq!(stage.proxy.ask(&new.request(&stage.clock)).status, 200);
    // What the issuer does not publish any more does not hold any more.
    assert_eq!(stage.proxy.ask(&old.request(&stage.clock)).status, 401);
    assert_eq!(stage.source().keys().generation(), generation + 1);
}

#[test]
fn refreshes_by_itself() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let provider = Provider::with(&[&old]);
    let stage = Stage::before(&provider);
    stage.until_fetched(1);
    provider.say(&answer(&set(&[&old, &new])));
    stage.pass(REFRESH);
    stage.until_fetched(2);
    assert_eq!(stage.proxy.ask(&new.request(&stage.clock)).status, 200);
    assert_eq!(stage.proxy.ask(&old.request(&stage.clock)).status, 200);
}

#[test]
fn whatever_goes_wrong_the_keys_before_stay() {
    let key = Key::new("a");
    let good = set(&[&key]);
    let mut secret = key.jwk();
    secret["d"] = json!("c2VjcmV0");
    let large = format!("{good}{}", " ".repeat(KEY_SET_BYTES_MAX));
    let provider = Provider::with(&[&key]);
    let stage = Stage::before(&provider);
    stage.until_fetched(1);
    let wrong: Vec<(String, &str)> = vec![
        (String::new(), "no answer"),
        ("HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n".into(), "the status of the answer is 503"),
        (answer(&good).replace("200 OK", "203 Changed"), "the status of the answer is 203"),
        (answer(&good).replace("application/json; charset=utf-8", "text/html"), "is of type `text/html`"),
        (answer(&good).replace("Content-Type", "X-Type"), "is of type ``"),
        (answer(&good).replace("Content-Length", "Content-Encoding: gzip\r\nContent-Length"), "compressed"),
        (answer(&large), "larger than 256 KiB"),
        (
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
                large.len()
            ),
            "larger than 256 KiB",
        ),
        (answer(&good).replace("Content-Length: ", "Content-Length: 1"), "broke off"),
        (format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024)), "no answer"),
        ("SSH-2.0-OpenSSH_9.9\r\n".into(), "no answer"),
        (answer("<html>"), "no set of keys"),
        (answer("{}"), "no set of keys"),
        (answer(r#"{"keys": []}"#), "no set of keys"),
        (answer(&good.replace("Ed25519", "Ed448")), "no set of keys"),
        (answer(&json!({"keys": [secret]}).to_string()), "secret"),
    ];
    for (number, (text, says)) in wrong.iter().enumerate() {
        provider.say(text);
        stage.pass(REFRESH);
        let fetched = stage.until_fetched(number as u64 + 2);
        let failing = fetched.failing.unwrap_or_default();
        assert!(failing.contains(says), "{says}: {failing}");
        assert_eq!(fetched.failures, number as u64 + 1);
        assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 200, "{says}");
    }
    assert!(stage.source().ready());
    assert_eq!(stage.source().keys().generation(), 1);
    // It comes back, and the same set is no news.
    provider.say(&answer(&good));
    stage.pass(REFRESH);
    until("it is well again", || stage.fetches().failing.is_none());
    assert_eq!(stage.source().keys().generation(), 1);
}

#[test]
fn follows_no_redirect() {
    let key = Key::new("a");
    let elsewhere = Provider::with(&[&key]);
    for status in [301, 302, 303, 307, 308] {
        let to = url(elsewhere.server.address);
        let provider = Provider::saying(&format!(
            "HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
        ));
        let stage = Stage::before(&provider);
        assert!(stage.until_fetched(1).failing.unwrap().contains("redirect"));
        assert!(!stage.source().ready());
    }
    assert_eq!(elsewhere.server.connections(), 0);
}

#[test]
fn a_server_that_is_slow_is_given_up_and_holds_up_no_request() {
    let (key, other) = (Key::new("a"), Key::new("b"));
    let slow = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{");
        talk.ends();
    });
    let stage = Stage::patient(url(slow.address), None, NEVER);
    until("it is asked", || slow.bytes_received(0) > 0);
    // Nobody waits for it.
    stage.spray(&other, 100);
    assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 401);
    assert_eq!(stage.fetches().attempts, 0);
    let stage = Stage::patient(url(slow.address), None, SOON);
    assert!(stage.until_fetched(1).failing.unwrap().contains("took longer than 60ms"));
    slow.until_ended(1);
    assert!(FETCH_MAX <= Duration::from_secs(5));
}

#[test]
fn fetches_over_tls_from_a_server_that_the_ca_vouches_for_and_from_no_other() {
    let (ca, stranger) = (Authority::new(), Authority::new());
    let key = Key::new("a");
    let body = answer(&set(&[&key]));
    let says = body.clone();
    let provider = TlsUpstream::start(&ca.issue(&["127.0.0.1"]), move |_| says.clone().into());
    let url = format!("https://{}/keys", provider.address);
    let stage = Stage::at(url.clone(), Some(ca.authorities()));
    stage.until_fetched(1);
    assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 200);

    let stage = Stage::at(url, Some(stranger.authorities()));
    assert!(stage.until_fetched(1).failing.unwrap().contains("no TLS with the server"));
    assert!(!stage.source().ready());
    assert_eq!(provider.heads().len(), 1);

    let other = TlsUpstream::start(&ca.issue(&["login.example"]), move |_| body.clone().into());
    let stage = Stage::at(format!("https://{}/keys", other.address), Some(ca.authorities()));
    assert!(stage.until_fetched(1).failing.unwrap().contains("not valid for name"));
    assert!(other.heads().is_empty());
}

#[test]
fn a_ca_that_is_exchanged_is_believed_at_the_next_fetch() {
    let (ca, stranger) = (Authority::new(), Authority::new());
    let key = Key::new("a");
    let body = answer(&set(&[&key]));
    let provider = TlsUpstream::start(&ca.issue(&["127.0.0.1"]), move |_| body.clone().into());
    let stage = Stage::at(format!("https://{}/keys", provider.address), Some(stranger.authorities()));
    assert!(stage.until_fetched(1).failing.unwrap().contains("no TLS with the server"));
    let reloads = stage.proxy.server().reloads();
    assert!(reloads.iter().any(|progress| progress.status().name == "keys_ca/gateway"), "{reloads:?}");

    let tls = stage.source().remote().unwrap().tls().unwrap().clone();
    let file = tls.ca().to_owned();
    let mut watched = authority_file("keys_ca/gateway".into(), tls);
    watched.load_first(stage.clock.now()).unwrap();
    write(&file, &ca.pem);
    watched.look(stage.clock.now());
    stage.pass(Duration::from_secs(1));
    assert_eq!(stage.until_fetched(2).failing, None);
    assert_eq!(stage.proxy.ask(&key.request(&stage.clock)).status, 200);
}

#[test]
fn stops_fetching_with_the_server() {
    let provider = Provider::saying("");
    let stage = Stage::before(&provider);
    stage.until_fetched(1);
    let source = stage.source().clone();
    let Stage { proxy, clock, .. } = stage;
    proxy.shutdown();
    // The thread lets go of everything that it held.
    let weak = Arc::downgrade(&clock);
    drop(clock);
    until("the thread has ended", || weak.strong_count() == 0);
    assert!(!source.ready());
}

#[test]
fn the_configuration_says_where_the_keys_are() {
    let directory = scratch();
    fs::write(directory.join("ca.pem"), Authority::new().pem).unwrap();
    let read = |keys: &str| {
        let text = format!(
            "listen: 127.0.0.1:0\nbundle: policy\nupstream: {{address: '127.0.0.1:9000'}}\n\
             identity: {{jwt: [{{issuer: i, audience: a, algorithms: [ES256], keys: {keys}}}]}}\n"
        );
        let source = Source { name: "hallpass.yaml".into(), bytes: text.into_bytes() };
        let (config, found) = settings::read(&source, &directory);
        (config, found.iter().map(|found| format!("{}: {}", found.code, found.message)).collect::<Vec<_>>())
    };
    for keys in [
        "{url: 'https://login.example/jwks.json', ca: ca.pem}",
        "{url: 'https://login.example:8443', refresh: 1h, cool_down: 1m, ca: ca.pem}",
        "{url: 'http://127.0.0.1:8000/jwks.json'}",
    ] {
        let (config, found) = read(keys);
        assert_eq!(found, Vec::<String>::new());
        let sources = config.unwrap().proxy.authenticator.key_sources();
        assert!(sources[0].remote().is_some() && !sources[0].ready());
    }
    for (keys, says) in [
        ("{}", "`url` is missing"),
        ("{url: 'https://login.example/jwks.json'}", "an own CA is needed"),
        ("{url: 'https://login.example/jwks.json', ca: nowhere.pem}", "cannot read"),
        ("{url: 'http://login.example/jwks.json'}", "not safe"),
        ("{url: 'http://127.0.0.1/jwks.json', ca: ca.pem}", "CA would not be asked"),
        ("{url: 'http://127.0.0.1/', refresh: 0s}", "leaves no time"),
        ("{url: 'http://127.0.0.1/', cool_down: often}", "is not a duration"),
        ("{url: 'http://127.0.0.1/', redirects: 3}", "unknown key `redirects`"),
        ("[]", "expected"),
    ] {
        let (config, found) = read(keys);
        assert!(config.is_none() && found.iter().any(|found| found.contains(says)), "{says}: {found:?}");
    }
}
