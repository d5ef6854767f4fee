//! The head of a request as data that can be trusted: one canonical view, which is the only one that is matched, logged
//! and forwarded.
//!
//! Never here: sockets, bodies, time, rules about who may do what. Everything is a pure function over the `http` crate,
//! and whatever can be read in two ways is refused rather than repaired.
//!
//! In reading order: [`read_head`] turns the parts of a request into a [`RequestHead`], made of a [`Path`], a [`Query`],
//! a [`Host`], [`Credentials`] and a [`Framing`], or says in a [`Malformed`] why there is none. [`HeaderRules`] is the
//! compiled list of the headers that no client may send on. [`check_cookies`] is asked where a rule reads parameters.
//! [`Correlation`] is what others call the request, beside its head. [`clean_response`] is the way back.

mod cookie;
mod correlation;
mod framing;
mod head;
mod headers;
mod host;
mod names;
mod path;
mod percent;
mod query;
mod seen;
mod table;

use std::fmt;

use crate::decision::Reason;

pub use cookie::check_cookies;
pub use correlation::Correlation;
pub use framing::Framing;
pub use head::{RequestHead, read_head};
pub use headers::{Credentials, HeaderRules, clean_response};
pub use host::Host;
pub use path::Path;
pub use query::Query;
pub use seen::Seen;

/// Why a request head has no canonical view. Such a request is never forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// [`Reason::Malformed`] or [`Reason::AmbiguousRequest`]; both are answered with 400.
    pub reason: Reason,
    /// What was wrong, for logs and never for the client. It quotes nothing that was sent.
    pub detail: &'static str,
}

impl Malformed {
    /// The request cannot be read in one way only.
    const fn unreadable(detail: &'static str) -> Malformed {
        Malformed { reason: Reason::Malformed, detail }
    }

    /// The request says one thing twice, or two things that disagree.
    const fn ambiguous(detail: &'static str) -> Malformed {
        Malformed { reason: Reason::AmbiguousRequest, detail }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Malformed {}
