//! A proxy between raw bytes and a recording upstream, and the two sentences that tests of hardening say of it: this is
//! refused, and the upstream saw nothing; this is let through, and the upstream saw exactly that.

use super::recorder::{Recorder, Tape};
use super::{Answer, Client, Ending, OK, Proxy, config};
use hallpass::decision::Reason;
use hallpass::proxy::Config;
use std::fmt::Write as _;

/// What the app is told of Ari.
pub const TOLD_OF_ARI: [&str; 3] =
    ["x-school-user: ari", "x-school-kinds: staff", "x-school-issuer: gateway"];

/// A proxy that shows reasons and keeps no upstream connection, so that whatever it forwards opens one.
pub struct Scene {
    pub upstream: Recorder,
    pub proxy: Proxy,
}

/// Who refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The proxy, with this status and this reason, in an answer and in exactly one record.
    Us(u16, Reason),
    /// The HTTP parser, with this status; there is no request then, and no record.
    Parser(u16),
    /// The HTTP parser, without a word.
    Silence,
}

/// What must be let through.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    pub raw: &'a [u8],
    /// The request line without the version.
    pub line: &'a str,
    /// The lines of the head besides those that the proxy writes on every request.
    pub lines: &'a [&'a str],
    pub body: &'a str,
}

impl<'a> Pass<'a> {
    /// Without further lines and without a body.
    pub fn new(raw: &'a (impl AsRef<[u8]> + ?Sized), line: &'a str) -> Pass<'a> {
        Pass { raw: raw.as_ref(), line, lines: &[], body: "" }
    }

    pub fn lines(self, lines: &'a [&'a str]) -> Pass<'a> {
        Pass { lines, ..self }
    }

    pub fn body(self, body: &'a str) -> Pass<'a> {
        Pass { body, ..self }
    }
}

/// What came of some bytes.
#[derive(Debug)]
pub struct Said {
    pub answers: Vec<Answer>,
    /// What came after the answers that were waited for.
    pub rest: Vec<u8>,
    pub ending: Ending,
    /// The upstream connections that were opened meanwhile.
    pub tapes: Vec<Tape>,
}

impl Scene {
    pub fn new() -> Scene {
        Scene::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Config)) -> Scene {
        Scene::before(Recorder::replying(OK), change)
    }

    pub fn before(upstream: Recorder, change: impl FnOnce(&mut Config)) -> Scene {
        let mut config = config(upstream.address);
        config.upstream.idle_max = 0;
        config.show_reason = true;
        change(&mut config);
        Scene { upstream, proxy: Proxy::with(config) }
    }

    /// Sends `raw` on a connection of its own, reads up to `answers` answers, ends the connection and reads what is left.
    pub fn say(&self, raw: &[u8], answers: usize) -> Said {
        let before = self.upstream.connections();
        let mut client = self.proxy.client();
        client.send(raw);
        let answers = (0..answers).map_while(|_| client.try_answer()).collect();
        // A connection that is closed already cannot be ended by us any more.
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        let (rest, ending) = client.rest();
        Said { answers, rest, ending, tapes: self.upstream.ended_tapes(before) }
    }

    /// Each of these is refused, and the upstream sees not even a connection.
    #[track_caller]
    pub fn refuses<R: AsRef<[u8]>>(&self, by: By, raws: impl IntoIterator<Item = R>) {
        let mut wrong = String::new();
        let mut count = 0;
        for raw in raws {
            count += 1;
            if let Err(what) = self.refusal(by, raw.as_ref()) {
                let _ = writeln!(wrong, "{}: {what}", raw.as_ref().escape_ascii());
            }
        }
        assert!(count > 0, "no case at all");
        assert!(wrong.is_empty(), "not {by:?}:\n{wrong}");
    }

    fn refusal(&self, by: By, raw: &[u8]) -> Result<(), String> {
        let counters = &self.proxy.counters;
        let counted = || match by {
            By::Us(_, reason) => (counters.requests.get(), counters.refused(reason)),
            _ => (counters.requests.get(), 0),
        };
        let before = counted();
        let said = self.say(raw, 1);
        if !said.tapes.is_empty() {
            let seen: Vec<_> = said.tapes.iter().map(|tape| tape.bytes.escape_ascii().to_string()).collect();
            return Err(format!("the upstream saw {seen:?}"));
        }
        if !said.rest.is_empty() {
            return Err(format!("after the answer came {}", said.rest.escape_ascii()));
        }
        let after = counted();
        let counted = (after.0 - before.0, after.1 - before.1);
        let got = match said.answers.first() {
            None => (By::Silence, counted),
            Some(answer) if answer.header("x-decision-id").is_none() => (By::Parser(answer.status), counted),
            Some(answer) => {
                let shown = answer.json()["reason"].as_str().map(str::to_owned);
                let By::Us(status, reason) = by else {
                    return Err(format!("{} {shown:?}", answer.status));
                };
                if answer.status != status || shown.as_deref() != Some(reason.as_str()) {
                    return Err(format!("{} {shown:?}", answer.status));
                }
                (by, counted)
            }
        };
        let expected = (by, if matches!(by, By::Us(..)) { (1, 1) } else { (0, 0) });
        if got == expected { Ok(()) } else { Err(format!("{got:?}")) }
    }

    /// Each of these is let through, and the upstream sees this one request and not a byte besides.
    #[track_caller]
    pub fn passes<'a>(&self, cases: impl IntoIterator<Item = Pass<'a>>) {
        let mut wrong = String::new();
        let mut count = 0;
        for case in cases {
            count += 1;
            let said = self.say(case.raw, 1);
            if let Err(what) = case.judge(&said) {
                let _ = writeln!(wrong, "{}: {what}", case.raw.escape_ascii());
            }
        }
        assert!(count > 0, "no case at all");
        assert!(wrong.is_empty(), "{wrong}");
    }
}

impl Pass<'_> {
    fn judge(&self, said: &Said) -> Result<(), String> {
        let Some(answer) = said.answers.first() else { return Err("no answer".to_owned()) };
        if answer.status != 200 || answer.body != b"ok" || !said.rest.is_empty() {
            return Err(format!("{} {} {}", answer.head, answer.text(), said.rest.escape_ascii()));
        }
        let [tape] = said.tapes.as_slice() else { return Err(format!("{:?}", said.tapes)) };
        let [request] = tape.requests.as_slice() else {
            return Err(format!("{} requests in {}", tape.requests.len(), tape.bytes.escape_ascii()));
        };
        if tape.bytes != *request {
            return Err(format!("more than a request: {}", tape.bytes.escape_ascii()));
        }
        self.same(answer, request)
    }

    /// Whether `request` is this one, byte for byte but for the order of lines with different names, which has no meaning
    /// (RFC 9110 5.3).
    pub fn same(&self, answer: &Answer, request: &[u8]) -> Result<(), String> {
        let id = answer.header("x-decision-id").ok_or("an answer without an id")?;
        let version = if self.raw.windows(8).any(|window| window == b"HTTP/1.0") { "1.0" } else { "1.1" };
        let host = self.lines.iter().find_map(|line| line.strip_prefix("host: ")).unwrap_or("app");
        let mut lines: Vec<String> = self.lines.iter().map(|line| (*line).to_owned()).collect();
        lines.retain(|line| !line.starts_with("host: "));
        lines.extend([
            format!("host: {host}"),
            format!("x-forwarded-host: {host}"),
            "x-forwarded-for: 127.0.0.1".to_owned(),
            "x-forwarded-proto: http".to_owned(),
            format!("via: {version} hallpass"),
            format!("x-decision-id: {id}"),
        ]);
        // Lines of one name keep their order: the sort is stable and looks at names only.
        let name = |line: &String| line.split(':').next().unwrap_or_default().to_owned();
        lines.sort_by_key(name);
        // Each byte a character, so that a byte that is no text can be expected as well.
        let text = |bytes: &[u8]| bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
        let end = request.windows(4).position(|four| four == b"\r\n\r\n").ok_or("no head")?;
        let head = text(&request[..end]);
        let mut got = head.split("\r\n").map(str::to_owned);
        let line = got.next().unwrap_or_default();
        let mut got: Vec<String> = got.collect();
        got.sort_by_key(name);
        let expected = format!("{} HTTP/1.1", self.line);
        if line != expected || got != lines || request[end + 4..] != *self.body.as_bytes() {
            let body = text(&request[end + 4..]);
            return Err(format!(
                "the upstream saw\n  {line} {got:#?} {body}\n  not\n  {expected} {lines:#?} {}",
                self.body
            ));
        }
        Ok(())
    }
}

/// A GET with the host `app`.
pub fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app\r\n\r\n")
}

/// A GET with the host `app` and these lines, each with its line end.
pub fn get_with(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app\r\n{lines}\r\n")
}

/// A GET of Ari's.
pub fn ari(target: &str) -> String {
    get_with(target, "X-Remote-User: ari\r\n")
}
