//! How connections end, and what is open.

use prometheus::{IntCounter, IntCounterVec, IntGauge};

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
    /// The TLS handshake was not over in time.
    HandshakeTimeout,
    /// What came on a TLS port is not TLS.
    NotTls,
    /// The client and we have no version, cipher or protocol of TLS in common.
    HandshakeIncompatible,
    /// The client refused our certificate, or us, by an alert.
    HandshakeRefused,
    /// The client left in the middle of the handshake.
    HandshakeLeft,
    /// The client broke a rule of TLS during the handshake.
    HandshakeBroken,
}

impl Closed {
    const ALL: [Closed; 14] = [
        Closed::Done,
        Closed::ParseError,
        Closed::HeadTimeout,
        Closed::IdleTimeout,
        Closed::WriteTimeout,
        Closed::Incomplete,
        Closed::Broken,
        Closed::Io,
        Closed::HandshakeTimeout,
        Closed::NotTls,
        Closed::HandshakeIncompatible,
        Closed::HandshakeRefused,
        Closed::HandshakeLeft,
        Closed::HandshakeBroken,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Closed::Done => "done",
            Closed::ParseError => "parse_error",
            Closed::HeadTimeout => "head_timeout",
            Closed::IdleTimeout => "idle_timeout",
            Closed::WriteTimeout => "write_timeout",
            Closed::Incomplete => "incomplete",
            Closed::Broken => "broken",
            Closed::Io => "io",
            Closed::HandshakeTimeout => "handshake_timeout",
            Closed::NotTls => "not_tls",
            Closed::HandshakeIncompatible => "handshake_incompatible",
            Closed::HandshakeRefused => "handshake_refused",
            Closed::HandshakeLeft => "handshake_left",
            Closed::HandshakeBroken => "handshake_broken",
        }
    }
}

/// Connections that ended, by cause.
#[derive(Debug)]
pub struct Ends([IntCounter; Closed::ALL.len()]);

impl Ends {
    pub(super) fn new(family: &IntCounterVec) -> Ends {
        Ends(Closed::ALL.map(|how| family.with_label_values(&[how.as_str()])))
    }

    /// Counts a connection that ended.
    pub fn count(&self, how: Closed) {
        if let Some(series) = self.0.get(how as usize) {
            series.inc();
        }
    }

    /// How many ended like this.
    pub fn get(&self, how: Closed) -> u64 {
        self.0.get(how as usize).map_or(0, IntCounter::get)
    }
}

/// One of what a gauge counts, for as long as it is there.
#[derive(Debug)]
pub struct Present(IntGauge);

impl Present {
    /// Adds one to `gauge` until it is dropped.
    pub fn in_gauge(gauge: &IntGauge) -> Present {
        gauge.inc();
        Present(gauge.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.dec();
    }
}
