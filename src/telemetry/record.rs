//! How one request ended, written down exactly once: when the record is dropped, on whichever path that is.

use super::metrics::Decisions;
use super::{DecisionId, Metrics};
use crate::decision::Reason;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The tracing target of the decision log.
pub const LOG_TARGET: &str = "hallpass::decision";

/// How far the counting of a request's decision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Not,
    Denied,
    Allowed,
}

/// What is known of a request so far. Dropping it writes the line: a request that panics, or whose client goes away
/// before the answer, has its line as well.
#[derive(Debug)]
pub struct Record {
    id: DecisionId,
    began: Instant,
    metrics: Arc<Metrics>,
    counted: Counted,
    /// The part of the time that was spent waiting for the upstream.
    upstream: Duration,
    method: http::Method,
    path: Option<String>,
    route: Option<String>,
    subject: Option<String>,
    revision: Option<String>,
    /// Whether a permit was made, which is what the log calls the decision.
    permitted: bool,
    reason: Option<Reason>,
    detail: String,
    status: Option<http::StatusCode>,
    wanted: bool,
}

impl Record {
    /// Begins the record of a request. Texts are only kept if somebody listens.
    pub fn begin(id: DecisionId, method: http::Method, metrics: Arc<Metrics>) -> Record {
        let wanted = tracing::enabled!(target: LOG_TARGET, tracing::Level::INFO);
        Record {
            id,
            began: Instant::now(),
            metrics,
            counted: Counted::Not,
            upstream: Duration::ZERO,
            method,
            path: None,
            route: None,
            subject: None,
            revision: None,
            permitted: false,
            reason: None,
            detail: String::new(),
            status: None,
            wanted,
        }
    }

    /// The name of the request.
    pub fn id(&self) -> DecisionId {
        self.id
    }

    /// The path as it is matched and forwarded, in its encoded form: it holds no byte that could break a log line.
    pub fn path(&mut self, encoded: &str) {
        self.path = self.wanted.then(|| encoded.to_owned());
    }

    /// The template of the route that was found.
    pub fn route(&mut self, template: &str) {
        self.route = self.wanted.then(|| template.to_owned());
    }

    /// The person of the roster who asks, by the id the roster gives.
    pub fn subject(&mut self, person: &str) {
        self.subject = self.wanted.then(|| person.to_owned());
    }

    /// The revision of the bundle that the request is decided from.
    pub fn revision(&mut self, revision: &str) {
        self.revision = self.wanted.then(|| revision.to_owned());
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

    /// How long the upstream was waited for, in all.
    pub fn upstream(&mut self, waited: Duration) {
        self.upstream += waited;
    }

    /// The request is answered by us, for `reason`; `detail` is for the operator.
    pub fn refuse(&mut self, reason: Reason, detail: &str) {
        self.reason = Some(reason);
        if self.wanted {
            detail.clone_into(&mut self.detail);
        }
        match self.counted {
            Counted::Not => self.metrics.undecided(reason),
            Counted::Denied => {}
            Counted::Allowed => self.metrics.failed(reason),
        }
    }

    /// The status that the caller gets.
    pub fn status(&mut self, status: http::StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let elapsed = self.began.elapsed();
        self.metrics.requests.count(&self.method, self.status);
        if self.status.is_some() {
            // Of a request whose caller left it is not known what the upstream would have taken.
            self.metrics.request_seconds.observe(elapsed.as_secs_f64());
            self.metrics.overhead_seconds.observe(elapsed.saturating_sub(self.upstream).as_secs_f64());
        }
        if !self.wanted {
            return;
        }
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(
            target: LOG_TARGET,
            id = %self.id,
            method = self.method.as_str(),
            path = self.path.as_deref(),
            route = self.route.as_deref(),
            subject = self.subject.as_deref(),
            decision = if self.permitted { "allow" } else { "deny" },
            // Without a reason or a status nobody was answered: the client went away first.
            reason = self.reason.map(Reason::as_str),
            detail = (!self.detail.is_empty()).then_some(self.detail.as_str()),
            status = self.status.map(|status| status.as_u16()),
            micros,
            revision = self.revision.as_deref(),
        );
    }
}
