//! Bytes in, bytes out: connections, framing and streaming, against an upstream that records what it gets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use hallpass::proxy::Config;
use hallpass::telemetry::{Clock, Closed};
use hallpass::time::Time;
use std::sync::{Arc, Mutex, mpsc};
use support::{Client, Ending, GET, MIB, OK, Proxy, SOON, Upstream, config, fill, gate, proxy_with};

// Connections

#[test]
fn keeps_both_connections_open_from_request_to_request() {
    let upstream = Upstream::replying(OK);
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    for _ in 0..5 {
        client.send(GET);
        let answer = client.answer();
        assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
        assert_eq!(answer.header("connection"), None);
    }
    assert_eq!(upstream.connections(), 1);
    assert_eq!(proxy.counters.connections.get(), 1);
    assert_eq!(proxy.counters.upstream_reused.get(), 4);
}

#[test]
fn answers_requests_that_come_in_one_piece_in_their_order() {
    let upstream = Upstream::start(|talk| {
        while let Some(head) = talk.try_head() {
            let path = head.split(' ').nth(1).unwrap().to_owned();
            talk.reply(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}", path.len()));
        }
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send((0..4).map(|n| format!("GET /open/{n} HTTP/1.1\r\nHost: app\r\n\r\n")).collect::<String>());
    for n in 0..4 {
        assert_eq!(client.answer().text(), format!("/open/{n}"));
    }
}

#[test]
fn a_kept_connection_that_was_closed_costs_nobody_anything() {
    // Each connection is closed after one answer, without a word.
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply(OK);
        talk.close();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    for number in 1..=5 {
        client.send(GET);
        assert_eq!(client.answer().status, 200, "request {number}");
        // The end of the connection has to be there before the next request is.
        upstream.until_closed(number);
    }
}

/// A clock that holds up whoever asks it, once: the one worker then notices nothing of what happens meanwhile.
struct Pause {
    asked: Mutex<Option<mpsc::Sender<()>>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Clock for Pause {
    fn now(&self) -> Time {
        if let Some(asked) = self.asked.lock().unwrap().take() {
            asked.send(()).unwrap();
            self.go_on.lock().unwrap().recv_timeout(support::DEADLINE).unwrap();
        }
        support::clock().now()
    }
}

#[test]
fn a_request_that_was_not_written_goes_out_on_another_connection() {
    let (close, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        talk.reply(OK);
        if talk.number == 0 {
            wait();
        }
        talk.close();
    });
    let (asked, was_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let clock = Arc::new(Pause { asked: Mutex::new(None), go_on: Mutex::new(may_go_on) });
    let proxy = Proxy::with_clock(config(upstream.address), clock.clone());
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.answer().status, 200);

    // While the worker stands still, the next request comes, and then the end of the connection that was kept for it.
    *clock.asked.lock().unwrap() = Some(asked);
    let mut other = proxy.client();
    other.send("GET /nowhere HTTP/1.1\r\nHost: app\r\n\r\n");
    was_asked.recv_timeout(support::DEADLINE).unwrap();
    client.send(GET);
    close.send(()).unwrap();
    upstream.until_closed(1);
    go_on.send(()).unwrap();

    assert_eq!(other.answer().status, 404);
    assert_eq!(client.answer().status, 200);
    assert_eq!(proxy.counters.upstream_reused.get(), 1, "the kept connection was tried");
    assert_eq!(upstream.received(0).matches("GET").count(), 1);
}

#[test]
fn nothing_is_sent_twice_once_it_was_written() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        if talk.number > 0 {
            talk.reply(OK);
        } else {
            talk.reply(OK);
            // The second request on the kept connection is read, and not answered.
            talk.head();
        }
        talk.close();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.answer().status, 200);
    client.send(GET);
    assert_eq!(client.answer().status, 502);
    assert_eq!(upstream.connections(), 1, "a request that was written was sent again");
    assert_eq!(proxy.counters.refused(Reason::UpstreamBad), 1);
}

#[test]
fn closes_an_upstream_connection_that_was_not_used_for_long() {
    let upstream = Upstream::replying(OK);
    let proxy = proxy_with(&upstream, |config| config.upstream.idle = SOON);
    assert_eq!(proxy.ask(GET).status, 200);
    upstream.until_ended(1);
}

#[test]
fn keeps_no_more_connections_than_it_may() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        wait();
        talk.reply(OK);
        talk.ends();
    });
    let proxy = proxy_with(&upstream, |config| config.upstream.idle_max = 1);
    let mut clients: Vec<Client> = (0..3).map(|_| proxy.client()).collect();
    for client in &mut clients {
        client.send(GET);
    }
    upstream.until_connections(3);
    for _ in 0..3 {
        open.send(()).unwrap();
    }
    for client in &mut clients {
        assert_eq!(client.answer().status, 200);
    }
    upstream.until_ended(2);
}

#[test]
fn a_request_beyond_the_limit_waits_and_is_then_refused() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        while talk.try_head().is_some() {
            wait();
            talk.reply(OK);
        }
    });
    let proxy = proxy_with(&upstream, |config| {
        config.upstream.connections_max = 1;
        config.timeouts.connect = SOON;
        config.workers = 2;
    });
    let mut first = proxy.client();
    first.send(GET);
    upstream.until_connections(1);
    let refused = proxy.ask(GET);
    assert_eq!(refused.status, 503);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(proxy.counters.refused(Reason::Overloaded), 1);
    open.send(()).unwrap();
    assert_eq!(first.answer().status, 200);
    open.send(()).unwrap();
    assert_eq!(proxy.ask(GET).status, 200, "the place is free again");
}

#[test]
fn a_client_beyond_the_limit_waits_until_another_leaves() {
    let upstream = Upstream::replying(OK);
    let proxy = proxy_with(&upstream, |config| config.limits.connections = 1);
    let mut first = proxy.client();
    first.send(GET);
    assert_eq!(first.answer().status, 200);
    let mut second = proxy.client();
    second.send(GET);
    proxy.until("accept is paused", |counters| counters.accept_paused.get() > 0);
    assert_eq!(proxy.counters.connections.get(), 1);
    drop(first);
    assert_eq!(second.answer().status, 200);
}

#[test]
fn a_client_that_leaves_takes_its_upstream_connection_with_it() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(GET);
    upstream.until_connections(1);
    drop(client);
    upstream.until_ended(1);
    proxy.until("the end is counted", |counters| counters.closed.get(Closed::Incomplete) == 1);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_an_answer_takes_its_upstream_connection_with_it() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning");
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.head().status, 200);
    drop(client);
    upstream.until_ended(1);
}

// Framing

#[test]
fn head_204_and_304_have_no_body_and_the_next_answer_begins_where_it_should() {
    let upstream = Upstream::start(|talk| {
        while let Some(head) = talk.try_head() {
            talk.reply(match head.split(' ').nth(1).unwrap() {
                "/open/204" => "HTTP/1.1 204 No Content\r\n\r\n",
                "/open/304" => "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 9\r\n\r\n",
                "/open/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
                _ => OK,
            });
        }
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("HEAD /open/head HTTP/1.1\r\nHost: app\r\n\r\n");
    let head = client.head();
    assert_eq!((head.status, head.header("content-length")), (200, Some("1234")));
    client.send("GET /open/204 HTTP/1.1\r\nHost: app\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("content-length")), (204, None));
    client.send("GET /open/304 HTTP/1.1\r\nHost: app\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("etag")), (304, Some("\"1\"")));
    client.send(GET);
    assert_eq!(client.answer().text(), "ok");
}

#[test]
fn an_app_that_sends_a_body_after_head_spoils_nobody_elses_answer() {
    let upstream = Upstream::start(|talk| {
        let head = talk.head();
        talk.reply(OK);
        // A second request on this connection would get what was meant for nobody.
        if head.starts_with("HEAD") {
            talk.ends();
        }
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("HEAD /open/a HTTP/1.1\r\nHost: app\r\n\r\n");
    assert_eq!(client.head().status, 200);
    client.send(GET);
    assert_eq!(client.answer().text(), "ok");
    assert_eq!(upstream.connections(), 2);
}

#[test]
fn chunks_go_through_in_both_directions_and_trailers_in_neither() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        let body = talk.raw_chunks();
        assert!(!body.to_ascii_lowercase().contains("x-school-user"), "{body}");
        talk.reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
        talk.reply("3\r\nabc\r\n4;name=value\r\ndefg\r\n0\r\nX-Sum: 1\r\n\r\n");
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("POST /open/a HTTP/1.1\r\nHost: app\r\nTE: trailers\r\nTrailer: X-School-User\r\n");
    client.send("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-School-User: zoe\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.text(), "abcdefg");
    assert_eq!(answer.header("trailer"), None);
    let got = upstream.received(0).to_ascii_lowercase();
    assert!(got.ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{got}");
    assert!(!got.contains("trailer") && !got.contains("x-school-user"), "{got}");
}

#[test]
fn a_length_stays_a_length_and_nothing_stays_nothing() {
    let upstream = Upstream::start(|talk| {
        while let Some(head) = talk.try_head() {
            if head.contains("content-length: 5") {
                talk.exactly(5);
            }
            talk.reply(OK);
        }
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    for (lines, body) in [("Content-Length: 5\r\n", "hello"), ("Content-Length: 0\r\n", ""), ("", "")] {
        client.send(format!("POST /open/a HTTP/1.1\r\nHost: app\r\n{lines}\r\n{body}"));
        assert_eq!(client.answer().status, 200);
    }
    let got = upstream.received(0);
    assert_eq!(got.matches("POST /open/a HTTP/1.1\r\n").count(), 3, "{got}");
    assert_eq!(got.matches("content-length: 5\r\n").count(), 1);
    assert_eq!(got.matches("content-length: 0\r\n").count(), 1);
    assert!(!got.contains("transfer-encoding"));
}

#[test]
fn an_expectation_is_met_by_the_proxy_and_not_handed_on() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.exactly(5);
        talk.reply(OK);
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("POST /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().status, 100);
    client.send("hello");
    assert_eq!(client.answer().status, 200);
    assert!(!upstream.received(0).contains("expect"));
}

#[test]
fn an_answer_without_a_length_ends_with_its_connection() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\n\r\nto the end");
        talk.close();
    });
    let proxy = Proxy::before(&upstream);
    assert_eq!(proxy.ask(GET).text(), "to the end");
}

#[test]
fn an_answer_of_http_1_0_is_understood() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.0 200 Fine\r\nContent-Length: 2\r\n\r\nok");
        talk.close();
    });
    let proxy = Proxy::before(&upstream);
    let answer = proxy.ask(GET);
    assert_eq!(answer.text(), "ok");
    assert!(answer.head.starts_with("HTTP/1.1 200 Fine\r\n"), "{}", answer.head);
}

#[test]
fn a_client_of_http_1_0_is_served() {
    let upstream =
        Upstream::replying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("GET /open/a HTTP/1.0\r\nHost: app\r\n\r\n");
    let head = client.head();
    assert_eq!((head.status, head.header("transfer-encoding")), (200, None));
    assert_eq!(client.rest(), (b"ok".to_vec(), Ending::Orderly));
    assert!(upstream.received(0).contains("\r\nvia: 1.0 hallpass\r\n"));
}

#[test]
fn headers_of_the_upstreams_connection_stay_there() {
    let upstream = Upstream::replying(
        "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Internal\r\nKeep-Alive: timeout=5\r\nX-Internal: 1\r\n\
         X-Decision-Id: forged\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxy = Proxy::before(&upstream);
    let answer = proxy.ask(GET);
    assert_eq!(answer.header("connection"), None);
    assert_eq!(answer.header("keep-alive"), None);
    assert_eq!(answer.header("x-internal"), None);
    assert_eq!(answer.all("set-cookie"), ["a=1", "b=2"]);
    assert_ne!(answer.header("x-decision-id"), Some("forged"));
}

#[test]
fn an_upgrade_is_neither_handed_on_nor_accepted() {
    let upstream = Upstream::replying(OK);
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    for upgrade in ["websocket", "h2c"] {
        client.send(format!(
            "GET /open/a HTTP/1.1\r\nHost: app\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: {upgrade}\r\n\
             HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"
        ));
        assert_eq!(client.answer().text(), "ok");
    }
    let got = upstream.received(0);
    assert!(
        !got.contains("upgrade") && !got.contains("http2-settings") && !got.contains("connection:"),
        "{got}"
    );
}

// Streaming

#[test]
fn streams_large_bodies_in_both_directions() {
    const BYTES: usize = 16 * MIB;
    let upstream = Upstream::start(|talk| {
        talk.head();
        let body = talk.exactly(BYTES);
        talk.reply(format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n"));
        talk.reply(body);
    });
    let proxy = Proxy::before(&upstream);
    let body: Vec<u8> = (0..BYTES).map(|at| (at % 251) as u8).collect();
    let mut client = proxy.client();
    client.send(format!("PUT /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: {BYTES}\r\n\r\n"));
    client.send(&body);
    let answer = client.answer();
    assert!(answer.body == body, "the body came back changed");
}

#[test]
fn stops_reading_from_a_client_whose_upstream_does_not_read() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        wait();
        talk.head();
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(format!("PUT /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: {}\r\n\r\n", 200 * MIB));
    let written = fill(&mut client.stream, 200 * MIB);
    // What is under way is in the buffers of the system and of hyper; a proxy that collects would have taken all.
    assert!(written < 64 * MIB, "{written} bytes were taken");
    drop(open);
}

#[test]
fn stops_reading_from_an_upstream_whose_client_does_not_read() {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let upstream = Upstream::start(move |talk| {
        talk.head();
        talk.reply(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 200 * MIB));
        tell.lock().unwrap().send(fill(&mut talk.stream, 200 * MIB)).unwrap();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.head().status, 200);
    let written = told.recv_timeout(support::DEADLINE).unwrap();
    assert!(written < 64 * MIB, "{written} bytes were taken");
}

#[test]
fn hands_on_each_piece_as_it_comes() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        wait();
        talk.reply("6\r\nsecond\r\n0\r\n\r\n");
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(GET);
    client.head();
    assert_eq!(client.exactly(10), b"5\r\nfirst\r\n");
    open.send(()).unwrap();
    assert_eq!(client.chunks(), b"second");
}

// Early answers

#[test]
fn an_early_answer_reaches_the_client_and_the_rest_of_the_body_goes_nowhere() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("PUT /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 100000\r\n\r\nbeginning");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().as_str()), (413, "big"));
    // The upstream's connection has half a request on it and is not used again; neither is the client's.
    upstream.until_ended(1);
    client.finish_sending();
    assert_eq!(client.ends(), Ending::Orderly);
}

#[test]
fn an_early_answer_does_not_end_an_upload_that_the_upstream_goes_on_reading() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n");
        talk.exactly(10);
        wait();
        talk.reply("4\r\nlate\r\n0\r\n\r\n");
        talk.head();
        talk.reply(OK);
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("PUT /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 10\r\n\r\nhello");
    assert_eq!(client.head().status, 200);
    assert_eq!(client.exactly(10), b"5\r\nearly\r\n");
    client.send("world");
    open.send(()).unwrap();
    assert_eq!(client.chunks(), b"late");
    client.send(GET);
    assert_eq!(client.answer().text(), "ok");
    assert_eq!(upstream.connections(), 1);
}

// The server as a whole

#[test]
fn a_server_that_is_told_to_stop_answers_what_it_has_begun() {
    let (open, wait) = gate();
    let upstream = Upstream::start(move |talk| {
        talk.head();
        wait();
        talk.reply(OK);
        talk.ends();
    });
    let proxy = proxy_with(&upstream, |config| config.shutdown.drain = support::DEADLINE);
    let mut idle = proxy.client();
    idle.send("GET /nowhere HTTP/1.1\r\nHost: app\r\n\r\n");
    assert_eq!(idle.answer().status, 404);
    let mut busy = proxy.client();
    busy.send(GET);
    upstream.until_connections(1);
    proxy.stop();
    assert_eq!(idle.ends(), Ending::Orderly);
    open.send(()).unwrap();
    let answer = busy.answer();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    proxy.shutdown();
}

#[test]
fn a_server_that_is_told_to_stop_does_not_wait_for_ever() {
    let upstream = Upstream::start(|talk| talk.ends());
    let proxy = proxy_with(&upstream, |config| config.shutdown.drain = SOON);
    let mut client = proxy.client();
    client.send(GET);
    upstream.until_connections(1);
    proxy.shutdown();
    upstream.until_ended(1);
    client.rest();
}

#[test]
fn several_workers_serve_one_address() {
    let upstream = Upstream::replying(OK);
    let proxy = Arc::new(proxy_with(&upstream, |config| config.workers = 4));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let proxy = proxy.clone();
            std::thread::spawn(move || {
                for _ in 0..20 {
                    assert_eq!(proxy.ask(GET).status, 200);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(proxy.counters.requests.get(), 160);
}

#[test]
fn a_configuration_file_is_all_it_takes() {
    let upstream = Upstream::replying(OK);
    let directory = support::bundle_directory();
    let path = directory.parent().unwrap().join(format!("hallpass-{}.yaml", std::process::id()));
    let bundle = directory.file_name().unwrap().to_str().unwrap();
    let text = format!(
        "listen: 127.0.0.1:0\n\
         upstream: {{address: '{}'}}\n\
         bundle: {bundle}\n\
         identity: {{trusted_header: {{name: X-Remote-User, issuer: gateway, peers: [127.0.0.1]}}}}\n\
         forward: {{headers: {{X-School-User: id}}}}\n",
        upstream.address
    );
    std::fs::write(&path, text).unwrap();
    let proxy = Proxy::with(Config::load(&path).unwrap());
    let answer = proxy.ask("GET /classes/1A/attendance HTTP/1.1\r\nHost: app\r\nX-Remote-User: ari\r\n\r\n");
    assert_eq!(answer.status, 200);
    assert!(upstream.received(0).contains("\r\nx-school-user: ari\r\n"));
    proxy.shutdown();
}

#[test]
fn a_bundle_with_a_mistake_does_not_start_a_server() {
    let upstream = Upstream::silent();
    let directory = support::bundle_directory().with_extension("bad");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("bundle.yaml"), "bundle: {name: bad}\nroutes: {GET /a: public}\n").unwrap();
    support::only_ours(&directory, 0o755);
    support::only_ours(&directory.join("bundle.yaml"), 0o644);
    let mut config = config(upstream.address);
    config.bundle = directory;
    let error = hallpass::proxy::Server::start(config, support::clock()).unwrap_err();
    assert!(matches!(error, hallpass::proxy::StartError::Files(_)));
    let text = error.to_string();
    assert!(text.contains("bundle.yaml:1:") && text.contains("time_zone"), "{text}");
}
