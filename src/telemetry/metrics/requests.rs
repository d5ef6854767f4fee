//! The counters of requests and decisions, found by index: no label is looked up while a request waits.

use super::local::Locals;
use crate::decision::Reason;
use http::{Method, StatusCode};
use prometheus::{IntCounter, IntCounterVec};
use std::sync::Arc;

pub(super) const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
pub(super) const CODES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Requests by method and class of status, of all workers together.
#[derive(Debug)]
pub struct Requests(pub(super) Arc<Locals>);

/// The place of a request that ended with `status`, or without one, among the series.
pub(super) fn series(method: &Method, status: Option<StatusCode>) -> usize {
    let method = METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1);
    // The message room lets no status of 600 or more through.
    let code = status.map_or(0, |status| usize::from(status.as_u16() / 100)).min(CODES.len() - 1);
    method * CODES.len() + code
}

/// One counter for each reason.
#[derive(Debug, Clone)]
pub(super) struct Reasons(Vec<IntCounter>);

impl Reasons {
    pub(super) fn new(series: impl Fn(Reason) -> IntCounter) -> Reasons {
        Reasons(Reason::ALL.iter().map(|reason| series(*reason)).collect())
    }

    /// The counters of one domain, or of none.
    pub(super) fn of(family: &IntCounterVec, domain: &str) -> Reasons {
        Reasons::new(|reason| family.with_label_values(&[domain, decision(reason), reason.as_str()]))
    }

    pub(super) fn count(&self, reason: Reason) {
        if let Some(series) = self.0.get(reason as usize) {
            series.inc();
        }
    }

    pub(super) fn get(&self, reason: Reason) -> u64 {
        self.0.get(reason as usize).map_or(0, IntCounter::get)
    }
}

pub(super) fn decision(reason: Reason) -> &'static str {
    if reason.is_allow() { "allow" } else { "deny" }
}

/// The counters of decisions for the domains of one bundle. They live as long as its snapshot.
#[derive(Debug)]
pub struct Decisions {
    pub(super) none: Reasons,
    /// By the place of the domain in its bundle.
    pub(super) domains: Vec<Reasons>,
}

impl Decisions {
    /// Counts a decision in the domain at this place of the bundle; none where no domain was asked.
    pub fn count(&self, domain: Option<usize>, reason: Reason) {
        let domain = domain.and_then(|place| self.domains.get(place));
        domain.unwrap_or(&self.none).count(reason);
    }
}
