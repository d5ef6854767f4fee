//! TLS with clients and with the app: which certificate is shown, which one is believed, and what happens when it is
//! not TLS that comes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use hallpass::policy::Source;
use hallpass::proxy::{Config, Server, certificate_files};
use hallpass::reload::Watched;
use hallpass::settings;
use hallpass::telemetry::Closed;
use hallpass::time::Time;
use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::tls::{
    Authority, FAREWELL, Issued, TlsUpstream, anything, client, scratch, server, shake, shown, write,
};
use support::{
    Client, DEADLINE, Ending, GET, MIB, NEVER, OK, Proxy, SOON, Upstream, clock, config, fill, proxy_with,
    until,
};

/// A proxy with TLS before `upstream`, and the directory of its certificates.
fn proxy(upstream: &Upstream, certificates: &[&Issued]) -> (Proxy, std::path::PathBuf) {
    let (tls, directory) = server(certificates);
    (proxy_with(upstream, |config| config.tls = Some(tls)), directory)
}

fn now() -> Time {
    clock().now()
}

// Clients

#[test]
fn serves_requests_one_after_the_other_and_tells_the_app_that_it_was_https() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    let mut client = client(proxy.address, ca.client(), "app.example");
    for _ in 0..3 {
        client.send(GET);
        assert_eq!(client.answer().text(), "ok");
    }
    let received = upstream.received(0);
    assert_eq!(received.to_lowercase().matches("x-forwarded-proto: https\r\n").count(), 3, "{received}");
    assert_eq!(proxy.counters.connections.get(), 1);
}

#[test]
fn a_client_cannot_say_over_which_protocol_it_came() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    let plain = Proxy::before(&upstream);
    plain.ask("GET /open/a HTTP/1.1\r\nHost: app\r\nX-Forwarded-Proto: https\r\n\r\n");
    assert!(upstream.received(0).to_lowercase().contains("x-forwarded-proto: http\r\n"));
    assert!(!upstream.received(0).contains("https"));
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    let mut client = client(proxy.address, ca.client(), "app.example");
    client.send("GET /open/a HTTP/1.1\r\nHost: app\r\nX-Forwarded-Proto: http\r\n\r\n");
    client.answer();
    let received = upstream.received(1).to_lowercase();
    assert!(received.contains("x-forwarded-proto: https\r\n") && !received.contains("proto: http\r\n"));
}

#[test]
fn speaks_the_two_versions_that_are_safe_and_no_other_protocol_than_http_1_1() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    for version in [&TLS12, &TLS13] {
        for offer in [vec![], vec!["http/1.1"], vec!["h2", "http/1.1"]] {
            let mut config = anything(&[version]);
            config.alpn_protocols = offer.iter().map(|name| name.as_bytes().to_vec()).collect();
            let mut client = client(proxy.address, config, "app.example");
            let chosen = client.stream.conn.alpn_protocol().map(<[u8]>::to_vec);
            assert_eq!(chosen, (!offer.is_empty()).then(|| b"http/1.1".to_vec()));
            client.send(GET);
            assert_eq!(client.answer().status, 200);
        }
        let mut config = anything(&[version]);
        config.alpn_protocols = vec![b"h2".to_vec()];
        assert!(shake(proxy.address, &Arc::new(config), "app.example").is_err());
    }
    proxy.until("both are counted", |counters| counters.closed.get(Closed::HandshakeIncompatible) == 2);
}

#[test]
fn resumes_a_session_and_takes_no_data_before_the_handshake_is_over() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    for version in [&TLS12, &TLS13] {
        let mut config = anything(&[version]);
        config.enable_early_data = true;
        let config = Arc::new(config);
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let mut tls = shake(proxy.address, &config, "app.example").unwrap();
            assert!(tls.conn.early_data().is_none(), "early data was offered");
            kinds.push(tls.conn.handshake_kind().unwrap());
            // The tickets of 1.3 come with the answer.
            tls.write_all(GET.as_bytes()).unwrap();
            assert_eq!(Client::over(tls).answer().status, 200);
        }
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed], "{version:?}");
    }
}

#[test]
fn shows_the_certificate_of_the_name_and_the_first_where_none_is_named_or_known() {
    let ca = Authority::new();
    let first = ca.issue(&["app.example", "127.0.0.1"]);
    let second = ca.issue(&["records.example", "*.forms.example"]);
    let third = ca.issue(&["iep.forms.example"]);
    let upstream = Upstream::replying(OK);
    let (proxy, _) = proxy(&upstream, &[&first, &second, &third]);
    for (name, wanted) in [
        ("app.example", &first),
        ("records.example", &second),
        ("RECORDS.example", &second),
        // In the order of the configuration: the second has this name as well.
        ("iep.forms.example", &second),
        ("forms.example", &first),
        ("a.iep.forms.example", &first),
        ("other.example", &first),
        // A client that connects by address names nothing.
        ("127.0.0.1", &first),
    ] {
        assert!(shown(proxy.address, name) == wanted.der, "{name}");
    }
    // Whatever is shown, a client that asked for somebody else does not take it.
    assert!(shake(proxy.address, &Arc::new(ca.client()), "other.example").is_err());
    proxy.until("the refusal is counted", |counters| counters.closed.get(Closed::HandshakeRefused) == 1);
    assert_eq!(upstream.connections(), 0);
}

/// The files of the certificates of a proxy, looked after by hand: the server itself never looks.
fn looked_after(proxy: &Proxy) -> Vec<Watched> {
    let certificates = proxy.server().certificates().unwrap();
    let mut all = certificate_files(certificates, &proxy.counters);
    for watched in &mut all {
        watched.load_first(now()).unwrap();
    }
    all
}

fn look(all: &mut [Watched]) {
    for watched in all {
        watched.look(now());
    }
}

/// Why the files are not in force, and whether they are tried again.
fn failure(watched: &Watched) -> Option<(String, bool)> {
    watched.progress().status().failure.map(|failure| (failure.text, failure.retried))
}

#[test]
fn shows_newer_certificates_while_connections_stay_open() {
    let ca = Authority::new();
    let (old, other) = (ca.issue(&["app.example"]), ca.issue(&["other.example"]));
    let upstream = Upstream::replying(OK);
    let (proxy, directory) = proxy(&upstream, &[&old, &other]);
    let mut files = looked_after(&proxy);
    let mut open = client(proxy.address, ca.client(), "app.example");
    open.send(GET);
    assert_eq!(open.answer().status, 200);

    look(&mut files);
    let loads = |files: &[Watched]| files.iter().map(|one| one.progress().counts().loaded.get()).sum::<u64>();
    assert_eq!(loads(&files), 2);
    let new = ca.issue_until(&["app.example"], 2040);
    new.write(&directory, "0");
    look(&mut files);
    assert_eq!(loads(&files), 3);
    assert!(shown(proxy.address, "app.example") == new.der);
    assert!(shown(proxy.address, "other.example") == other.der);
    let certificates = proxy.server().certificates().unwrap();
    let until = certificates.get(0).unwrap().validity().until;
    assert_eq!(until, Time::parse_rfc3339("2040-01-01T00:00:00Z").unwrap());
    open.send(GET);
    assert_eq!(open.answer().status, 200);
}

#[test]
fn a_broken_new_certificate_keeps_the_old_one_and_holds_up_no_other() {
    let ca = Authority::new();
    let (old, other) = (ca.issue(&["app.example"]), ca.issue(&["other.example"]));
    let upstream = Upstream::replying(OK);
    let (proxy, directory) = proxy(&upstream, &[&old, &other]);
    let mut files = looked_after(&proxy);
    let new = ca.issue(&["app.example"]);
    let expired = ca.issue_until(&["app.example"], 2025);
    let breaks: [(&str, &str, String); 7] = [
        ("0.crt", "holds no certificate", String::new()),
        ("0.crt", "is not PEM", new.chain[..new.chain.len() / 2].to_owned()),
        ("0.crt", "does not parse", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".into()),
        // The half of a renewal that was written first.
        ("0.crt", "does not belong", new.chain.clone()),
        ("0.key", "holds no private key", new.chain.clone()),
        ("0.key", "does not belong", new.key.clone()),
        ("0.crt", "not now", expired.chain.clone()),
    ];
    for (number, (file, says, text)) in breaks.iter().enumerate() {
        old.write(&directory, "0");
        look(&mut files);
        assert_eq!(failure(&files[0]), None);
        if says == &"not now" {
            expired.write(&directory, "0");
        }
        write(&directory.join(file), text);
        // Another certificate is renewed at the same time.
        let renewed = ca.issue(&["other.example"]);
        renewed.write(&directory, "1");
        let rejected = files[0].progress().counts().rejected.get();
        for _ in 0..3 {
            look(&mut files);
            // Judged once, and shown as long as it is so.
            let (said, retried) = failure(&files[0]).unwrap();
            assert!(said.contains(says) && said.contains("0.") && !retried, "case {number}: {said}");
            assert!(!said.contains("BEGIN PRIVATE") || said.contains("it needs"), "{said}");
            assert_eq!(failure(&files[1]), None);
            assert_eq!(files[0].progress().counts().rejected.get(), rejected + 1);
        }
        assert!(shown(proxy.address, "app.example") == old.der, "{says}");
        assert!(shown(proxy.address, "other.example") == renewed.der);
    }
    fs::remove_file(directory.join("0.key")).unwrap();
    look(&mut files);
    let (said, retried) = failure(&files[0]).unwrap();
    assert!(said.contains("cannot read") && retried, "{said}");
    // Mended, it is taken.
    new.write(&directory, "0");
    look(&mut files);
    assert!(shown(proxy.address, "app.example") == new.der);
    assert_eq!(failure(&files[0]), None);
}

#[test]
fn a_certificate_that_does_not_hold_yet_is_taken_when_its_time_comes() {
    let ca = Authority::new();
    let old = ca.issue(&["app.example"]);
    let upstream = Upstream::replying(OK);
    let (proxy, directory) = proxy(&upstream, &[&old]);
    let mut files = looked_after(&proxy);
    let next = ca.issue_between(&["app.example"], 2027, 2028);
    next.write(&directory, "0");
    look(&mut files);
    let (said, retried) = failure(&files[0]).unwrap();
    assert!(said.contains("not now") && retried, "{said}");
    assert!(shown(proxy.address, "app.example") == old.der);
    files[0].look(Time::parse_rfc3339("2027-01-01T00:00:00Z").unwrap());
    assert!(shown(proxy.address, "app.example") == next.der);
    assert_eq!(failure(&files[0]), None);
}

#[test]
fn a_certificate_that_expired_before_the_start_is_shown_all_the_same() {
    let ca = Authority::new();
    let expired = ca.issue_until(&["app.example"], 2025);
    let upstream = Upstream::replying(OK);
    let (proxy, directory) = proxy(&upstream, &[&expired]);
    assert!(shown(proxy.address, "app.example") == expired.der);
    let mut files = looked_after(&proxy);
    assert_eq!(failure(&files[0]), None);
    let renewed = ca.issue(&["app.example"]);
    renewed.write(&directory, "0");
    look(&mut files);
    assert!(shown(proxy.address, "app.example") == renewed.der);
}

#[test]
fn a_key_or_certificate_that_others_may_write_is_refused_at_the_start_and_later() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    for file in ["0.crt", "0.key"] {
        let mode = |directory: &Path, mode| {
            let path = directory.join(file);
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let old = ca.issue(&["app.example"]);
        let (tls, directory) = server(&[&old]);
        let path = mode(&directory, 0o620);
        let mut config = config(upstream.address);
        config.tls = Some(tls);
        let error = Server::start(config, clock()).unwrap_err().to_string();
        let says = format!("has mode 620: group or others may write it; run `chmod go-w {}`", path.display());
        assert!(error.contains(&says), "{error}");

        let (proxy, directory) = proxy(&upstream, &[&old]);
        let mut files = looked_after(&proxy);
        let new = ca.issue(&["app.example"]);
        new.write(&directory, "0");
        mode(&directory, 0o602);
        look(&mut files);
        let (said, retried) = failure(&files[0]).unwrap();
        assert!(said.contains("has mode 602") && retried, "{said}");
        assert!(shown(proxy.address, "app.example") == old.der);
        mode(&directory, 0o600);
        look(&mut files);
        assert!(shown(proxy.address, "app.example") == new.der);
    }
}

/// Settings under which only what was heard of is looked at.
const QUICK: hallpass::reload::Settings =
    hallpass::reload::Settings { poll: NEVER, debounce: Duration::from_millis(5) };

#[test]
fn a_server_looks_after_its_certificates_and_counts_it() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    let (tls, directory) = server(&[&ca.issue_until(&["app.example"], 2030)]);
    let proxy = proxy_with(&upstream, |config| {
        config.tls = Some(tls);
        config.reload = QUICK;
    });
    let shows = |line: &str| proxy.counters.render().unwrap().contains(line);
    assert!(shows("hallpass_certificate_expiry_timestamp_seconds{certificate=\"0\"} 1893456000"));
    assert!(shows(r#"hallpass_reload_last_successful{source="certificate/0"} 1"#));
    write(&directory.join("0.key"), "nothing");
    until("the mistake is counted", || {
        shows(r#"hallpass_reloads_total{result="failure",source="certificate/0"} 1"#)
    });
    assert!(shows(r#"hallpass_reload_last_successful{source="certificate/0"} 0"#));
    let new = ca.issue_until(&["app.example"], 2031);
    new.write(&directory, "0");
    until("the new one is taken", || {
        shows("hallpass_certificate_expiry_timestamp_seconds{certificate=\"0\"} 1924992000")
    });
    assert!(shown(proxy.address, "app.example") == new.der);
    until("that is counted", || shows(r#"hallpass_reload_last_successful{source="certificate/0"} 1"#));
}

#[test]
fn what_is_not_tls_is_counted_and_closed() {
    let ca = Authority::new();
    let upstream = Upstream::silent();
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    for (number, bytes) in
        [GET.as_bytes(), b"\x80\x2e\x01\x03\x01", b"SSH-2.0-OpenSSH_9.9\r\n"].iter().enumerate()
    {
        let mut client = proxy.client();
        client.send(bytes);
        let (answer, _) = client.rest();
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
        proxy.until("it is counted", |counters| counters.closed.get(Closed::NotTls) == number as u64 + 1);
    }
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_handshake_that_is_not_finished_ends_in_time_or_with_the_client() {
    let ca = Authority::new();
    let upstream = Upstream::silent();
    let (tls, _) = server(&[&ca.issue(&["app.example"])]);
    let proxy = proxy_with(&upstream, |config| {
        config.tls = Some(tls);
        config.timeouts.head = SOON;
    });
    // Nothing, and the beginning of a record.
    for bytes in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut client = proxy.client();
        client.send(bytes);
        assert_eq!(client.ends(), Ending::Orderly);
    }
    proxy.until("both are counted", |counters| counters.closed.get(Closed::HandshakeTimeout) == 2);
    drop(proxy.client());
    proxy.until("it is counted", |counters| counters.closed.get(Closed::HandshakeLeft) == 1);
}

#[test]
fn tls_on_a_plain_port_is_a_bad_request() {
    let upstream = Upstream::silent();
    let proxy = Proxy::before(&upstream);
    let config = Arc::new(anything(rustls::ALL_VERSIONS));
    assert!(shake(proxy.address, &config, "app.example").is_err());
    proxy.until("it is counted", |counters| counters.closed.get(Closed::ParseError) == 1);
    let mut client = proxy.client();
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    assert_eq!(client.head().status, 400);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn a_client_that_takes_nothing_is_left_in_time() {
    let ca = Authority::new();
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 200 * MIB));
        fill(&mut talk.stream, 200 * MIB);
        talk.ends();
    });
    let (tls, _) = server(&[&ca.issue(&["app.example"])]);
    let proxy = proxy_with(&upstream, |config| {
        config.tls = Some(tls);
        config.timeouts.body = SOON;
    });
    let mut client = client(proxy.address, ca.client(), "app.example");
    client.send(GET);
    proxy.until("it is counted", |counters| counters.closed.get(Closed::WriteTimeout) == 1);
    upstream.until_ended(1);
}

#[test]
fn a_client_that_leaves_between_two_requests_ends_in_order_with_or_without_a_word() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    for (number, farewell) in [true, false].into_iter().enumerate() {
        let mut client = client(proxy.address, ca.client(), "app.example");
        client.send(GET);
        assert_eq!(client.answer().status, 200);
        if farewell {
            client.stream.conn.send_close_notify();
            client.stream.flush().unwrap();
        }
        drop(client);
        proxy.until("it is counted", |counters| counters.closed.get(Closed::Done) == number as u64 + 1);
    }
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_request_does_not_end_in_order() {
    let ca = Authority::new();
    let upstream = Upstream::silent();
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    let mut client = client(proxy.address, ca.client(), "app.example");
    client.send("POST /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 10\r\n\r\nhalf");
    upstream.until_connections(1);
    drop(client);
    proxy.until("it is counted", |counters| {
        counters.closed.get(Closed::Incomplete) + counters.closed.get(Closed::Io) == 1
    });
}

#[test]
fn an_answer_that_breaks_off_does_not_end_like_one_that_is_whole() {
    let ca = Authority::new();
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        talk.close();
    });
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    let mut client = client(proxy.address, ca.client(), "app.example");
    client.send(GET);
    assert_eq!(client.head().status, 200);
    let mut rest = Vec::new();
    // Neither a last chunk nor the orderly end of TLS.
    assert!(client.stream.read_to_end(&mut rest).is_err());
    assert!(!rest.ends_with(b"0\r\n\r\n"));
    proxy.until("it is counted", |counters| counters.closed.get(Closed::Broken) == 1);
}

#[test]
fn a_refused_body_is_answered_and_the_connection_ends_in_order() {
    let ca = Authority::new();
    let upstream = Upstream::silent();
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    let mut client = client(proxy.address, ca.client(), "app.example");
    client.send(format!("POST /nowhere HTTP/1.1\r\nHost: app\r\nContent-Length: {MIB}\r\n\r\nhello"));
    assert_eq!(client.answer().status, 404);
    client.stream.write_all(&[b'x'; 1000]).unwrap();
    assert_eq!(client.ends(), Ending::Orderly);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn open_connections_end_in_order_when_the_server_stops() {
    let ca = Authority::new();
    let upstream = Upstream::replying(OK);
    let (proxy, _) = proxy(&upstream, &[&ca.issue(&["app.example"])]);
    let mut idle = client(proxy.address, ca.client(), "app.example");
    idle.send(GET);
    assert_eq!(idle.answer().status, 200);
    let mut shaking = proxy.client();
    proxy.until("it is accepted", |counters| counters.connections.get() == 2);
    proxy.stop();
    assert_eq!(idle.ends(), Ending::Orderly);
    assert_eq!(shaking.ends(), Ending::Orderly);
    proxy.shutdown();
}

// The app

fn before(upstream: &TlsUpstream, ca: &Authority, name: &str) -> Proxy {
    let mut config = config(upstream.address);
    config.upstream.tls = Some(ca.upstream_tls(name));
    Proxy::with(config)
}

#[test]
fn speaks_tls_with_an_upstream_and_keeps_the_connection() {
    let ca = Authority::new();
    let upstream = TlsUpstream::start(&ca.issue(&["app.internal"]), |_| OK.into());
    let proxy = before(&upstream, &ca, "app.internal");
    for _ in 0..3 {
        assert_eq!(proxy.ask(GET).text(), "ok");
    }
    let heads = upstream.heads();
    assert_eq!(heads.iter().map(|(connection, _)| *connection).collect::<Vec<_>>(), [0, 0, 0]);
    assert!(heads[0].1.to_lowercase().contains("x-forwarded-proto: http\r\n"), "{heads:?}");
    assert_eq!((proxy.counters.upstream_connections.get(), proxy.counters.upstream_reused.get()), (1, 2));
}

#[test]
fn an_upstream_with_an_address_for_a_name_needs_it_in_its_certificate() {
    let ca = Authority::new();
    let upstream = TlsUpstream::start(&ca.issue(&["127.0.0.1"]), |_| OK.into());
    assert_eq!(before(&upstream, &ca, "127.0.0.1").ask(GET).status, 200);
    assert_eq!(before(&upstream, &ca, "127.0.0.2").ask(GET).status, 502);
}

#[test]
fn an_upstream_whose_certificate_does_not_hold_sees_no_request() {
    let (ca, stranger) = (Authority::new(), Authority::new());
    for (issued, says) in [
        (ca.issue_until(&["app.internal"], 2025), "expired"),
        (ca.issue(&["other.internal"]), "not valid for name"),
        (ca.issue(&["*.app.internal"]), "not valid for name"),
        (stranger.issue(&["app.internal"]), "UnknownIssuer"),
    ] {
        let upstream = TlsUpstream::start(&issued, |_| OK.into());
        let proxy = before(&upstream, &ca, "app.internal");
        for _ in 0..2 {
            assert_eq!(proxy.ask(GET).status, 502, "{says}");
        }
        assert_eq!(upstream.heads(), []);
        assert_eq!(proxy.counters.refused(Reason::UpstreamBad), 2);
        assert_eq!(proxy.counters.upstream_connections.get(), 0);
    }
}

#[test]
fn new_connections_believe_a_new_ca_and_a_broken_one_changes_nothing() {
    let (old, new) = (Authority::new(), Authority::new());
    let script = |_: &str| b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let upstream = TlsUpstream::start(&new.issue(&["app.internal"]), script);
    let tls = old.upstream_tls("app.internal");
    let file = tls.ca().to_owned();
    let mut config = config(upstream.address);
    config.upstream.tls = Some(tls);
    config.reload = QUICK;
    let proxy = Proxy::with(config);
    let progress = proxy.server().reloads().last().unwrap().clone();
    assert_eq!(progress.status().name, "upstream_ca");
    assert_eq!(proxy.ask(GET).status, 502);
    for (text, says) in
        [("", "holds no certificate of an authority"), ("-----BEGIN C", "holds no certificate")]
    {
        write(&file, text);
        assert!(progress.wait_until(DEADLINE, |status| {
            status.failure.as_ref().is_some_and(|failure| failure.text.contains(says) && !failure.retried)
        }));
        assert_eq!(proxy.ask(GET).status, 502);
    }
    let loads = |number| {
        let loaded = progress.wait_until(DEADLINE, |_| progress.counts().loaded.get() == number);
        assert!(loaded, "{:?}", progress.status());
    };
    write(&file, &new.pem);
    loads(2);
    assert!(progress.status().failure.is_none());
    assert_eq!(proxy.ask(GET).status, 200);
    write(&file, "broken again");
    assert!(progress.wait_until(DEADLINE, |status| status.failure.is_some()));
    assert_eq!(proxy.ask(GET).status, 200);
    // A session that was made under the one is not resumed under the other.
    write(&file, &old.pem);
    loads(3);
    assert_eq!(proxy.ask(GET).status, 502);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o622)).unwrap();
    assert!(progress.wait_until(DEADLINE, |status| {
        status.failure.as_ref().is_some_and(|failure| failure.text.contains("has mode 622"))
    }));
}

#[test]
fn an_upstream_that_speaks_no_tls_gets_no_request() {
    let ca = Authority::new();
    let upstream = Upstream::start(|talk| {
        talk.reply("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        talk.ends();
    });
    let mut config = config(upstream.address);
    config.upstream.tls = Some(ca.upstream_tls("app.internal"));
    let proxy = Proxy::with(config);
    assert_eq!(proxy.ask(GET).status, 502);
    upstream.until_ended(1);
    assert!(!upstream.received(0).contains("/open/a"));
}

#[test]
fn an_upstream_that_does_not_finish_the_handshake_is_a_504() {
    let ca = Authority::new();
    let upstream = Upstream::silent();
    let mut config = config(upstream.address);
    config.upstream.tls = Some(ca.upstream_tls("app.internal"));
    config.timeouts.connect = SOON;
    assert_eq!(Proxy::with(config).ask(GET).status, 504);
    upstream.until_ended(1);
}

#[test]
fn an_answer_that_only_its_end_ends_is_whole_only_if_the_upstream_takes_leave() {
    let ca = Authority::new();
    let upstream = TlsUpstream::start(&ca.issue(&["app.internal"]), |_| {
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello".to_vec()
    });
    let proxy = before(&upstream, &ca, "app.internal");
    let mut client = proxy.client();
    client.send(format!("GET /open/{FAREWELL} HTTP/1.1\r\nHost: app\r\n\r\n"));
    assert_eq!(client.answer().text(), "hello");
    // Anybody on the way could end a connection; nobody can take leave in the upstream's name.
    client.send(GET);
    assert_eq!(client.head().status, 200);
    let (rest, _) = client.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{}", String::from_utf8_lossy(&rest));
    proxy.until("it is counted", |counters| counters.closed.get(Closed::Broken) == 1);
}

// The configuration

fn read(text: &str, directory: &std::path::Path) -> (Option<Config>, Vec<String>) {
    let source = Source { name: "hallpass.yaml".into(), bytes: text.as_bytes().to_vec() };
    let (config, found) = settings::read(&source, directory);
    (
        config.map(|settings| settings.proxy),
        found.iter().map(|found| format!("{}: {} {:?}", found.code, found.message, found.help)).collect(),
    )
}

const LEAST: &str = "listen: 127.0.0.1:0\nbundle: policy\n";

#[test]
fn a_configuration_with_certificates_and_a_ca_is_read() {
    let (ca, directory) = (Authority::new(), scratch());
    ca.issue(&["app.example"]).write(&directory, "tls");
    fs::write(directory.join("ca.pem"), &ca.pem).unwrap();
    let (config, found) = read(
        &format!(
            "{LEAST}tls: {{certificates: [{{chain: tls.crt, key: tls.key}}]}}\n\
             upstream: {{address: '10.0.0.1:443', tls: {{ca: ca.pem, name: app.internal}}}}\n"
        ),
        &directory,
    );
    let config = config.unwrap_or_else(|| panic!("{found:?}"));
    assert_eq!(config.tls.unwrap().certificates().all().len(), 1);
    assert!(config.upstream.tls.is_some());
}

#[test]
fn a_configuration_whose_tls_cannot_be_used_is_refused_with_every_mistake() {
    let (ca, directory) = (Authority::new(), scratch());
    ca.issue(&["app.example"]).write(&directory, "one");
    ca.issue(&["app.example"]).write(&directory, "two");
    fs::write(directory.join("empty.pem"), "").unwrap();
    for (text, says) in [
        ("tls: {}\n", "`certificates` is missing"),
        ("tls: {certificates: []}\n", "1 to 64 certificates, not 0"),
        ("tls: {certificates: [{chain: one.crt}]}\n", "`key` is missing"),
        (
            "tls: {certificates: [{chain: one.crt, key: two.key}]}\n",
            "does not belong to the first certificate",
        ),
        ("tls: {certificates: [{chain: one.crt, key: one.crt}]}\n", "holds no private key"),
        ("tls: {certificates: [{chain: nowhere.crt, key: one.key}]}\n", "cannot read"),
        (
            "tls: {certificates: [{chain: one.crt, key: one.key}], versions: [1.0]}\n",
            "unknown key `versions`",
        ),
    ] {
        let text = format!("{LEAST}upstream: {{address: '127.0.0.1:9000'}}\n{text}");
        let (config, found) = read(&text, &directory);
        assert!(config.is_none() && found.iter().any(|found| found.contains(says)), "{says}: {found:#?}");
    }
    for (tls, says) in [
        ("{}", "an own CA is needed"),
        ("{name: app.internal}", "an own CA is needed"),
        ("{ca: nowhere.pem}", "cannot read"),
        ("{ca: empty.pem}", "holds no certificate of an authority"),
        ("{ca: one.key}", "holds no certificate of an authority"),
        ("{ca: one.crt, name: 'no name'}", "is not a name that a certificate can have"),
        ("{ca: one.crt, verify: false}", "unknown key `verify`"),
    ] {
        let text = format!("{LEAST}upstream: {{address: '127.0.0.1:9000', tls: {tls}}}\n");
        let (config, found) = read(&text, &directory);
        assert!(config.is_none() && found.iter().any(|found| found.contains(says)), "{says}: {found:#?}");
    }
}
