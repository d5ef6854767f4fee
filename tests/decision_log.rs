//! Exactly one line for each request, on every path. A test binary of its own, because the log of a process is one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod support;

use hallpass::telemetry::LOG_TARGET;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use support::{Proxy, SOON, Upstream, config, until};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(LOG_TARGET)).map(str::to_owned).collect()
    }
}

#[test]
fn writes_one_line_for_each_request_on_every_path() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).init();

    let upstream = Upstream::start(|talk| {
        while let Some(head) = talk.try_head() {
            if head.starts_with("GET /open/slow") {
                talk.ends();
            }
            talk.reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    let mut config = config(upstream.address);
    config.timeouts.upstream = SOON;
    let proxy = Proxy::with(config);

    let ari = "X-Remote-User: ari\r\n";
    let cases = [
        ("GET /open/a", "", 200, r#"decision="allow" reason="public""#),
        ("GET /classes/1A/attendance", ari, 200, r#"subject="ari" decision="allow" reason="granted""#),
        ("GET /classes/1B/attendance", ari, 403, r#"subject="ari" decision="deny""#),
        ("GET /classes/1A/attendance", "", 401, r#"decision="deny" reason="unauthenticated""#),
        ("GET /nowhere", "", 404, r#"path="/nowhere" decision="deny" reason="no_route""#),
        ("GET /open/a%2fb", "", 400, r#"decision="deny" reason="malformed""#),
        ("GET /open/slow", "", 504, r#"decision="allow" reason="upstream_timeout""#),
    ];
    for (number, (line, headers, status, says)) in cases.iter().enumerate() {
        let answer = proxy.ask(&format!("{line} HTTP/1.1\r\nHost: app\r\n{headers}\r\n"));
        assert_eq!(answer.status, *status, "{line}");
        until("a line is written", || log.lines().len() > number);
        let lines = log.lines();
        assert_eq!(lines.len(), number + 1, "{lines:#?}");
        let last = lines.last().unwrap();
        assert!(last.contains(says), "{says} in {last}");
        assert!(last.contains(&format!("status={status}")), "{last}");
        assert!(last.contains(answer.header("x-decision-id").unwrap()), "{last}");
    }
    assert!(log.lines()[1].contains("route=\"GET /classes/{class}/attendance\""), "{:?}", log.lines()[1]);

    // A client that leaves before its answer has its line as well, without a status.
    let opened = upstream.connections();
    let patient = Proxy::before(&upstream);
    let mut client = patient.client();
    client.send("GET /open/slow HTTP/1.1\r\nHost: app\r\n\r\n");
    upstream.until_connections(opened + 1);
    drop(client);
    until("a line is written", || log.lines().len() > cases.len());
    let lines = log.lines();
    assert_eq!(lines.len(), cases.len() + 1);
    assert!(!lines.last().unwrap().contains("status="), "{lines:?}");
    proxy.shutdown();
    patient.shutdown();
    assert_eq!(log.lines().len(), cases.len() + 1);
}
