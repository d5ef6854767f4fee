//! What happened so far, in numbers. Every counter only grows, and wraps after 2^64.

use crate::decision::Reason;
use std::sync::atomic::{AtomicU64, Ordering};

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// Counts one.
    pub fn add(&self) {
        // Counters carry no other data with them: no order is needed.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a client's connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Orderly: by the client between two requests, or by us after an answer that said so.
    Done,
    /// hyper could not read a request head, and answered 400, 414 or 431 itself.
    ParseError,
    /// A request head was not complete in time.
    HeadTimeout,
    /// No further request came in time.
    IdleTimeout,
    /// The client took nothing of an answer for too long.
    WriteTimeout,
    /// The client went away in the middle of a request or an answer.
    Incomplete,
    /// An answer could not be brought to its end, so the connection was broken.
    Broken,
    /// The socket failed.
    Io,
}

/// The counters of one process. All of them are atomics: the workers share them and never wait for each other.
#[derive(Debug, Default)]
pub struct Counters {
    /// Client connections accepted.
    pub connections: Tally,
    /// Times a worker had to wait because `limits.connections` were open.
    pub accept_paused: Tally,
    /// Errors of `accept` itself, such as too many open files.
    pub accept_failed: Tally,
    /// Connections that ended in order.
    pub closed_done: Tally,
    /// Connections that ended because hyper could not read a head.
    pub closed_parse_error: Tally,
    /// Connections whose head took too long.
    pub closed_head_timeout: Tally,
    /// Connections that were idle for too long.
    pub closed_idle_timeout: Tally,
    /// Connections whose client took nothing for too long.
    pub closed_write_timeout: Tally,
    /// Connections that the client left in the middle of something.
    pub closed_incomplete: Tally,
    /// Connections that we broke because the answer could not be brought to its end.
    pub closed_broken: Tally,
    /// Connections whose socket failed.
    pub closed_io: Tally,
    /// Requests whose head hyper could read.
    pub requests: Tally,
    /// Requests that were forwarded and whose answer's head came back.
    pub forwarded: Tally,
    /// Connections opened to the upstream.
    pub upstream_connections: Tally,
    /// Exchanges that began on a kept upstream connection.
    pub upstream_reused: Tally,
    /// Panics inside a request or a connection; each of them is a bug.
    pub panics: Tally,
    refused: Reasons,
}

impl Counters {
    /// Counts a request that was answered by us.
    pub fn refuse(&self, reason: Reason) {
        if let Some(tally) = self.refused.of(reason) {
            tally.add();
        }
    }

    /// How many requests were answered by us for `reason`.
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused.of(reason).map_or(0, Tally::get)
    }

    /// Counts a connection that ended.
    pub fn close(&self, how: Closed) {
        let tally = match how {
            Closed::Done => &self.closed_done,
            Closed::ParseError => &self.closed_parse_error,
            Closed::HeadTimeout => &self.closed_head_timeout,
            Closed::IdleTimeout => &self.closed_idle_timeout,
            Closed::WriteTimeout => &self.closed_write_timeout,
            Closed::Incomplete => &self.closed_incomplete,
            Closed::Broken => &self.closed_broken,
            Closed::Io => &self.closed_io,
        };
        tally.add();
    }
}

/// One counter for each reason, found by the place of the reason in its list.
#[derive(Debug)]
struct Reasons([Tally; REASONS]);

/// More than there are reasons; a test holds it.
const REASONS: usize = 64;

impl Default for Reasons {
    fn default() -> Reasons {
        Reasons(std::array::from_fn(|_| Tally::default()))
    }
}

impl Reasons {
    fn of(&self, reason: Reason) -> Option<&Tally> {
        self.0.get(reason as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_each_reason_by_itself() {
        let counters = Counters::default();
        counters.refuse(Reason::NoRoute);
        counters.refuse(Reason::NoRoute);
        counters.refuse(Reason::Internal);
        assert_eq!(counters.refused(Reason::NoRoute), 2);
        assert_eq!(counters.refused(Reason::Internal), 1);
        assert_eq!(counters.refused(Reason::NoMethod), 0);
    }

    #[test]
    fn has_a_place_for_the_last_reason_of_the_list() {
        assert!((Reason::Internal as usize) < REASONS);
    }
}
