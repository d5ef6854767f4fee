//! How one request ended, written down exactly once: when the record is dropped, on whichever path that is.

use super::{Counters, DecisionId};
use crate::decision::Reason;
use std::sync::Arc;
use std::time::Instant;

/// The tracing target of the decision log.
pub const LOG_TARGET: &str = "hallpass::decision";

/// What is known of a request so far. Dropping it writes the line: a request that panics, or whose client goes away
/// before the answer, has its line as well.
#[derive(Debug)]
pub struct Record {
    id: DecisionId,
    began: Instant,
    counters: Arc<Counters>,
    method: http::Method,
    path: Option<String>,
    route: Option<String>,
    subject: Option<String>,
    /// Whether a permit was made, which is what the log calls the decision.
    permitted: bool,
    reason: Option<Reason>,
    detail: String,
    status: Option<u16>,
    wanted: bool,
}

impl Record {
    /// Begins the record of a request. Texts are only kept if somebody listens.
    pub fn begin(id: DecisionId, method: http::Method, counters: Arc<Counters>) -> Record {
        let wanted = tracing::enabled!(target: LOG_TARGET, tracing::Level::INFO);
        Record {
            id,
            began: Instant::now(),
            counters,
            method,
            path: None,
            route: None,
            subject: None,
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

    /// The request may be forwarded, for `reason`.
    pub fn permit(&mut self, reason: Reason) {
        self.permitted = true;
        self.reason = Some(reason);
    }

    /// The request is answered by us, for `reason`; `detail` is for the operator.
    pub fn refuse(&mut self, reason: Reason, detail: &str) {
        self.reason = Some(reason);
        if self.wanted {
            detail.clone_into(&mut self.detail);
        }
        self.counters.refuse(reason);
    }

    /// The status that the caller gets.
    pub fn status(&mut self, status: http::StatusCode) {
        self.status = Some(status.as_u16());
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.wanted {
            return;
        }
        let micros = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
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
            status = self.status,
            micros,
        );
    }
}
