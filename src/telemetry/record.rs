//! How one request ended, written down exactly once: when the record is dropped, on whichever path that is.

use super::DecisionId;
use super::log::{Attribute, DecisionLog, Line};
use super::metrics::{Decisions, Local};
use crate::decision::Reason;
use crate::time::Time;
use http::{Method, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest method that is written, in bytes; the longest registered one has 17.
const METHOD_BYTES_MAX: usize = 32;

/// A request as it came, and what is known of it from outside.
#[derive(Debug)]
pub struct Asker<'a> {
    /// When it came.
    pub now: Time,
    /// The address of the client's socket.
    pub peer: IpAddr,
    /// Its method.
    pub method: &'a Method,
    /// The client's own name for it: visible ASCII.
    pub request_id: Option<&'a str>,
    /// The trace that it is a part of: 32 hexadecimal digits.
    pub trace_id: Option<&'a str>,
}

/// A role that decided and where it is held, each as the parts of a name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deciding<'a> {
    /// The rule of the policy model.
    pub rule: Option<&'a str>,
    /// The role, as it is written outside of its domain.
    pub role: Option<&'a [&'a str]>,
    /// The scope.
    pub scope: Option<&'a str>,
    /// A power permission was asked for.
    pub power: bool,
    /// Somebody adds to their own rights.
    pub self_update: bool,
}

/// How far the counting of a request's decision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Not,
    Denied,
    Allowed,
}

/// What is known of a request so far. Dropping it writes the line: a request that panics, or whose client goes away
/// before the answer or in the middle of it, has its line as well.
///
/// What the policy says is written at once, from the snapshot that the request began with; what only the end shows is
/// kept in numbers.
#[derive(Debug)]
pub struct Record {
    id: DecisionId,
    began: Instant,
    local: Local,
    counted: Counted,
    method: Method,
    log: Option<Logged>,
    path: Option<String>,
    /// Whether a permit was made, which is what the log calls the decision.
    permitted: bool,
    cached: bool,
    reason: Option<Reason>,
    status: Option<StatusCode>,
    upstream_status: Option<StatusCode>,
    /// Since when the upstream is waited for.
    waiting: Option<Instant>,
    upstream: Duration,
    bytes: u64,
    ending: Ending,
}

/// The line of a request, and the log that it goes to.
#[derive(Debug)]
struct Logged {
    log: Arc<DecisionLog>,
    line: Line,
    /// The line has its place in the queue.
    reserved: bool,
    /// Inputs are written already.
    inputs: bool,
}

/// How far the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// It has not come to its end: if nothing else is said, the client did not wait for it.
    Open,
    /// It was handed over whole.
    Whole,
    /// The upstream broke it off.
    Broken,
    /// We did, by a bug.
    Internal,
}

impl Record {
    /// Begins the record of a request.
    pub fn begin(id: DecisionId, asker: &Asker<'_>, log: Option<&Arc<DecisionLog>>, local: Local) -> Record {
        Record {
            id,
            began: Instant::now(),
            local,
            counted: Counted::Not,
            method: asker.method.clone(),
            log: log.map(|log| Logged::begin(log.clone(), id, asker)),
            path: None,
            permitted: false,
            cached: false,
            reason: None,
            status: None,
            upstream_status: None,
            waiting: None,
            upstream: Duration::ZERO,
            bytes: 0,
            ending: Ending::Open,
        }
    }

    /// The name of the request.
    pub fn id(&self) -> DecisionId {
        self.id
    }

    /// Whether somebody will read what is recorded of the policy.
    pub fn is_logged(&self) -> bool {
        self.log.is_some()
    }

    /// The path as it is matched and forwarded, in its encoded form. It is told to whoever debugs and never logged:
    /// what of it mattered to the decision is an input.
    pub fn path(&mut self, encoded: &str) {
        self.path = tracing::enabled!(tracing::Level::DEBUG).then(|| encoded.to_owned());
    }

    /// The revision of the bundle in force when the request came.
    pub fn revision(&mut self, revision: &str) {
        if let Some(logged) = &mut self.log {
            logged.line.member("revision").plain(revision.as_bytes());
        }
    }

    /// The template of the route that was found.
    pub fn route(&mut self, template: &str) {
        if let Some(logged) = &mut self.log {
            logged.line.member("route").text(&[template]);
        }
    }

    /// The person of the roster who asks, by the id and the kinds that the roster gives.
    pub fn subject<'k>(&mut self, person: &str, kinds: impl Iterator<Item = &'k str>) {
        if let Some(Logged { log, line, .. }) = &mut self.log {
            log.mask().write(line.member("subject"), Attribute::Subject, &[person]);
            line.member("kinds").texts(kinds);
        }
    }

    /// The application that the person comes through, by the id of the roster. It is no person, so nothing masks it.
    pub fn application(&mut self, application: &str) {
        if let Some(logged) = &mut self.log {
            logged.line.member("application").text(&[application]);
        }
    }

    /// What is asked for, as the parts of a name.
    pub fn action(&mut self, parts: &[&str]) {
        if let Some(logged) = &mut self.log {
            logged.line.member("action").text(parts);
        }
    }

    /// What it is asked on: `kind` and the value of an attribute, which may have several parts.
    pub fn resource(&mut self, kind: &str, value: Option<(Attribute, &[&str])>) {
        if let Some(Logged { log, line, .. }) = &mut self.log {
            line.member("resource").raw(b"\"");
            line.inside(kind);
            if let Some((attribute, parts)) = value {
                log.mask().write_inside(line, attribute, parts);
            }
            line.raw(b"\"");
        }
    }

    /// The attributes that the decision read, each with its values, which `values` hands over one by one. What has no
    /// value was not there to be read.
    pub fn inputs<'v>(
        &mut self,
        attributes: &[Attribute],
        values: impl Fn(Attribute, &mut dyn FnMut([&'v str; 3])),
    ) {
        let Some(Logged { log, line, inputs, .. }) = &mut self.log else { return };
        if std::mem::replace(inputs, true) {
            return;
        }
        line.member("inputs").raw(b"{");
        let mut separator: &[u8] = b"\"";
        for attribute in attributes {
            // The first value and where it stands in the line, the last one that was written, whether they are a list.
            let mut written = None;
            values(*attribute, &mut |value| match &mut written {
                None => {
                    line.raw(std::mem::replace(&mut separator, b",\""));
                    line.raw(attribute.as_str().as_bytes());
                    line.raw(b"\":");
                    written = Some((value, line.place(), value, false));
                    log.mask().write(line, *attribute, &value);
                }
                // Most of what is there twice stands side by side; to look further could take long.
                Some((first, _, last, _)) if value == *first || value == *last => {}
                Some((_, place, last, list)) => {
                    if !std::mem::replace(list, true) {
                        line.open_list(*place);
                    }
                    *last = value;
                    line.raw(b",");
                    log.mask().write(line, *attribute, &value);
                }
            });
            if let Some((.., true)) = written {
                line.raw(b"]");
            }
        }
        line.raw(b"}");
    }

    /// What must be done to the answer, each as the parts of a name.
    pub fn obligations<'n>(&mut self, names: impl Iterator<Item = [&'n str; 2]>) {
        let Some(Logged { line, .. }) = &mut self.log else { return };
        let mut first = true;
        for name in names {
            if std::mem::replace(&mut first, false) {
                line.member("obligations").raw(b"[");
            } else {
                line.raw(b",");
            }
            line.text(&name);
        }
        if !first {
            line.raw(b"]");
        }
    }

    /// What came to the answer.
    pub fn decided(&mut self, deciding: Deciding<'_>) {
        let Some(Logged { log, line, .. }) = &mut self.log else { return };
        if let Some(rule) = deciding.rule {
            line.member("rule").text(&[rule]);
        }
        if let Some(role) = deciding.role {
            line.member("role").text(role);
        }
        if let Some(scope) = deciding.scope {
            log.mask().write(line.member("scope"), Attribute::Scope, &[scope]);
        }
        if deciding.power {
            line.member("power").flag(true);
        }
        if deciding.self_update {
            line.member("self_update").flag(true);
        }
    }

    /// The answer was remembered, not worked out.
    pub fn cached(&mut self) {
        self.cached = true;
    }

    /// The request may be forwarded, for `reason`.
    pub fn permit(&mut self, reason: Reason) {
        self.permitted = true;
        self.reason = Some(reason);
    }

    /// Counts the decision, once for each request: in the domain at this place of the bundle, if one was asked. The
    /// counters are those of the snapshot that decided.
    pub fn count(&mut self, decisions: &Decisions, domain: Option<usize>, reason: Reason) {
        decisions.count(domain, reason);
        self.counted = if reason.is_allow() { Counted::Allowed } else { Counted::Denied };
    }

    /// Makes sure of the line where the class of the request asks for that. Where this says no, the request must not
    /// be forwarded.
    #[must_use]
    pub fn reserve(&mut self) -> bool {
        let reads = matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        let Some(logged) = &mut self.log else { return true };
        if !logged.reserved && logged.log.must_have(reads) {
            logged.reserved = logged.log.reserve();
            return logged.reserved;
        }
        true
    }

    /// The request is answered by us, for `reason`; `detail` is for whoever debugs.
    pub fn refuse(&mut self, reason: Reason, detail: &str) {
        self.reason = Some(reason);
        match self.counted {
            Counted::Not => self.local.metrics().undecided(reason),
            Counted::Denied => {}
            Counted::Allowed => self.local.metrics().failed(reason),
        }
        tracing::debug!(
            id = %self.id,
            reason = reason.as_str(),
            detail = (!detail.is_empty()).then_some(detail),
            path = self.path.as_deref(),
            "a request was refused"
        );
    }

    /// From now on the upstream is waited for.
    pub fn waits(&mut self) {
        self.waiting.get_or_insert_with(Instant::now);
    }

    /// The upstream is waited for `since` a moment ago.
    pub fn waits_since(&mut self, since: Instant) {
        self.waiting.get_or_insert(since);
    }

    /// The upstream is not waited for any more.
    pub fn waited(&mut self) {
        if let Some(since) = self.waiting.take() {
            self.upstream += since.elapsed();
        }
    }

    /// The status that the upstream answered with.
    pub fn upstream_status(&mut self, status: StatusCode) {
        self.upstream_status = Some(status);
    }

    /// The status that the caller gets, with the head of the answer. What is counted of a request is counted now.
    pub fn status(&mut self, status: StatusCode) {
        self.waited();
        self.status = Some(status);
        let elapsed = self.began.elapsed();
        self.local.request(&self.method, self.status);
        self.local.times(elapsed, self.upstream);
    }

    /// A piece of the answer's body was handed over.
    pub fn sent(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// The answer was handed over whole.
    pub fn is_whole(&mut self) {
        if self.ending == Ending::Open {
            self.ending = Ending::Whole;
        }
    }

    /// The upstream broke its answer off.
    pub fn is_broken(&mut self) {
        self.ending = Ending::Broken;
    }

    /// We broke the answer off in the middle: a bug of ours, of which the panic said `what`.
    pub fn panicked(&mut self, what: &str) {
        self.ending = Ending::Internal;
        self.local.metrics().panics.inc();
        tracing::error!(id = %self.id, panic = what, "the body of an answer panicked");
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.status.is_none() {
            // Of a request whose caller left it is not known what the upstream would have taken.
            self.local.request(&self.method, None);
        }
        let Some(Logged { log, mut line, reserved, inputs }) = self.log.take() else { return };
        self.waited();
        let total = self.began.elapsed();
        if !inputs {
            line.member("inputs").raw(b"{}");
        }
        line.member("decision").plain(if self.permitted { b"allow" } else { b"deny" });
        // Without a reason or a status nobody was answered: the client went away first.
        if let Some(reason) = self.reason {
            line.member("reason").text(&[reason.as_str()]);
        }
        line.member("cached").flag(self.cached);
        if let Some(status) = self.status {
            line.member("status").number(status.as_u16().into());
        }
        if let Some(status) = self.upstream_status {
            line.member("upstream_status").number(status.as_u16().into());
        }
        match self.ending {
            Ending::Whole => {}
            Ending::Open => line.member("aborted").plain(b"client"),
            Ending::Broken => line.member("aborted").plain(b"upstream"),
            Ending::Internal => line.member("aborted").plain(b"internal"),
        }
        line.member("bytes").number(self.bytes);
        line.member("micros").number(micros(total));
        line.member("upstream_micros").number(micros(self.upstream));
        log.put(line.end(), reserved);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Logged {
    fn begin(log: Arc<DecisionLog>, id: DecisionId, asker: &Asker<'_>) -> Logged {
        let mut line = Line::begin(asker.now);
        line.member("decision_id").plain(&id.digits());
        if let Some(id) = asker.request_id {
            log.mask().write(line.member("request_id"), Attribute::RequestId, &[id]);
        }
        if let Some(id) = asker.trace_id {
            line.member("trace_id").plain(id.as_bytes());
        }
        line.member("peer");
        if log.mask().covers(Attribute::Peer) {
            log.mask().write(&mut line, Attribute::Peer, &[&asker.peer.to_string()]);
        } else {
            line.address(asker.peer);
        }
        let method = asker.method.as_str();
        line.member("method").text(&[method.get(..METHOD_BYTES_MAX).unwrap_or(method)]);
        Logged { log, line, reserved: false, inputs: false }
    }
}
