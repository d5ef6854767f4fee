//! Peers that misbehave, on either side: what they send, what they do not send, and how long they take.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::decision::Reason;
use hallpass::telemetry::Closed;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, mpsc};
use std::time::Duration;
use support::{Ending, GET, MIB, OK, Proxy, SOON, Talk, Upstream, config, fill, proxy_with};

// An upstream that misbehaves

fn refused_by(script: impl Fn(&mut Talk) + Send + Sync + 'static) -> (u16, Proxy) {
    let upstream = Upstream::start(script);
    let proxy = Proxy::before(&upstream);
    let answer = proxy.ask(GET);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.head);
    (answer.status, proxy)
}

#[test]
fn an_upstream_that_is_not_there_is_a_502() {
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy::with(config(nowhere));
    assert_eq!(proxy.ask(GET).status, 502);
    assert_eq!(proxy.counters.refused(Reason::UpstreamRefused), 1);
}

#[test]
fn an_upstream_that_cannot_be_reached_in_time_is_a_504() {
    // A queue of one, filled: a further connection is neither taken nor refused.
    let full = socket_with_a_full_queue();
    let mut config = config(full.address);
    config.timeouts.connect = SOON;
    let proxy = Proxy::with(config);
    assert_eq!(proxy.ask(GET).status, 504);
    assert_eq!(proxy.counters.refused(Reason::UpstreamTimeout), 1);
}

struct Full {
    address: SocketAddr,
    _listener: TcpListener,
    _queued: Vec<std::net::TcpStream>,
}

fn socket_with_a_full_queue() -> Full {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        socket.listen(1).unwrap().into_std().unwrap()
    });
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        queued.push(stream);
        assert!(queued.len() < 100, "the queue does not fill");
    }
    Full { address, _listener: listener, _queued: queued }
}

#[test]
fn an_upstream_that_closes_or_resets_without_an_answer_is_a_502() {
    let (status, proxy) = refused_by(|talk| {
        talk.head();
        talk.close();
    });
    assert_eq!(status, 502);
    assert_eq!(proxy.counters.refused(Reason::UpstreamBad), 1);
    // Closing with something unread makes the system send a reset.
    let (status, _) = refused_by(|talk| talk.close());
    assert_eq!(status, 502);
}

#[test]
fn an_answer_that_is_no_http_or_has_two_ends_is_a_502() {
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        "HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA header without a colon\r\n\r\n",
    ] {
        let (status, _) = refused_by(move |talk| {
            talk.head();
            talk.reply(answer);
            talk.close();
        });
        assert_eq!(status, 502, "{answer}");
    }
}

#[test]
fn interim_answers_of_the_upstream_are_not_the_answer() {
    let upstream = Upstream::replying(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let proxy = Proxy::before(&upstream);
    let answer = proxy.ask(GET);
    assert_eq!((answer.status, answer.header("link")), (200, None));
}

#[test]
fn an_upstream_that_says_nothing_is_a_504() {
    let upstream = Upstream::start(|talk| talk.ends());
    let proxy = proxy_with(&upstream, |config| config.timeouts.upstream = SOON);
    assert_eq!(proxy.ask(GET).status, 504);
    upstream.until_ended(1);
    assert_eq!(proxy.counters.refused(Reason::UpstreamTimeout), 1);
}

#[test]
fn a_slow_upload_is_not_the_fault_of_the_upstream() {
    let (open, wait) = mpsc::channel();
    let open = Mutex::new(open);
    let upstream = Upstream::start(move |talk| {
        talk.head();
        open.lock().unwrap().send(()).unwrap();
        for _ in 0..5 {
            talk.exactly(1);
            open.lock().unwrap().send(()).unwrap();
        }
        talk.reply(OK);
    });
    let proxy = proxy_with(&upstream, |config| config.timeouts.upstream = SOON);
    let mut client = proxy.client();
    client.send("PUT /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 5\r\n\r\n");
    for _ in 0..5 {
        wait.recv_timeout(support::DEADLINE).unwrap();
        // Longer than the upstream may take, and nobody minds: it is the client who takes it. A read that times out
        // is how a client lets time pass without sleeping.
        client.stream.set_read_timeout(Some(SOON * 2)).unwrap();
        assert!(
            std::io::Read::read(&mut client.stream, &mut [0]).is_err(),
            "an answer in the middle of an upload"
        );
        client.send("x");
    }
    client.stream.set_read_timeout(Some(support::DEADLINE)).unwrap();
    assert_eq!(client.answer().status, 200);
}

#[test]
fn an_answer_that_breaks_off_never_ends_in_order() {
    for (request, answer) in [
        (GET, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"),
        (GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
        (GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nnonsense\r\n"),
        // HTTP/1.0 knows the end of such an answer by the end of the connection alone.
        (
            "GET /open/a HTTP/1.0\r\nHost: app\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
        ),
    ] {
        let upstream = Upstream::start(move |talk| {
            talk.head();
            talk.reply(answer);
            talk.close();
        });
        let proxy = Proxy::before(&upstream);
        let mut client = proxy.client();
        client.send(request);
        let (got, ending) = client.rest();
        assert_eq!(ending, Ending::Reset, "{}", String::from_utf8_lossy(&got));
        proxy.until("it is counted", |counters| counters.closed.get(Closed::Broken) == 1);
    }
}

#[test]
fn an_answer_that_stalls_is_broken_off() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning");
        talk.ends();
    });
    let proxy = proxy_with(&upstream, |config| config.timeouts.body = SOON);
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.rest().1, Ending::Reset);
    upstream.until_ended(1);
}

#[test]
fn more_than_was_promised_reaches_nobody() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        );
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.answer().text(), "ok");
    upstream.until_ended(1);
}

// A client that misbehaves

#[test]
fn an_upload_that_stalls_is_refused_and_its_upstream_connection_closed() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.ends();
    });
    let proxy = proxy_with(&upstream, |config| config.timeouts.body = SOON);
    let mut client = proxy.client();
    client.send("PUT /open/a HTTP/1.1\r\nHost: app\r\nContent-Length: 100\r\n\r\nbeginning");
    let answer = client.answer();
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("connection"), Some("close"));
    upstream.until_ended(1);
    assert!(!upstream.received(0).contains("\r\n0\r\n"));
}

#[test]
fn an_upload_with_broken_chunks_never_looks_whole_to_the_upstream() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client
        .send("PUT /open/a HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n");
    assert_eq!(client.answer().status, 400);
    upstream.until_ended(1);
    assert!(!upstream.received(0).contains("\r\n0\r\n"), "{}", upstream.received(0));
}

#[test]
fn an_upload_whose_client_leaves_never_looks_whole_to_the_upstream() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.ends();
    });
    let proxy = Proxy::before(&upstream);
    let mut client = proxy.client();
    client.send("PUT /open/a HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    upstream.until_connections(1);
    drop(client);
    upstream.until_ended(1);
    assert!(!upstream.received(0).contains("\r\n0\r\n"), "{}", upstream.received(0));
}

#[test]
fn a_client_that_takes_nothing_is_cut_off() {
    let upstream = Upstream::start(|talk| {
        talk.head();
        talk.reply(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 200 * MIB));
        fill(&mut talk.stream, 200 * MIB);
        talk.ends();
    });
    let proxy = proxy_with(&upstream, |config| config.timeouts.body = SOON);
    let mut client = proxy.client();
    client.send(GET);
    upstream.until_ended(1);
    proxy.until("it is counted", |counters| counters.closed.get(Closed::WriteTimeout) == 1);
}

#[test]
fn a_head_that_does_not_come_to_its_end_is_cut_off() {
    let upstream = Upstream::silent();
    let proxy = proxy_with(&upstream, |config| config.timeouts.head = SOON);
    for beginning in ["", "GET /open/a HTTP/1.1\r\nHost"] {
        let mut client = proxy.client();
        client.send(beginning);
        client.ends();
    }
    proxy.until("both are counted", |counters| counters.closed.get(Closed::HeadTimeout) == 2);
    assert_eq!(proxy.counters.closed.get(Closed::IdleTimeout), 0);
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn the_second_head_of_a_connection_is_timed_from_its_first_byte() {
    let upstream = Upstream::replying(OK);
    let proxy = proxy_with(&upstream, |config| config.timeouts.head = SOON);
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.answer().status, 200);
    // Idle for longer than a head may take, which is no fault.
    client.stream.set_read_timeout(Some(SOON * 3)).unwrap();
    assert!(std::io::Read::read(&mut client.stream, &mut [0]).is_err(), "an idle connection was closed");
    client.stream.set_read_timeout(Some(support::DEADLINE)).unwrap();
    client.send("GET /open/a HT");
    client.ends();
    proxy.until("it is counted", |counters| counters.closed.get(Closed::HeadTimeout) == 1);
}

#[test]
fn a_connection_that_is_idle_for_too_long_is_closed() {
    let upstream = Upstream::replying(OK);
    let proxy = proxy_with(&upstream, |config| config.timeouts.idle = SOON);
    let mut client = proxy.client();
    client.send(GET);
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.ends(), Ending::Orderly);
    proxy.until("it is counted", |counters| counters.closed.get(Closed::IdleTimeout) == 1);
    assert_eq!(proxy.counters.closed.get(Closed::HeadTimeout), 0);
}
