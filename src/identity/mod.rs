//! Who asks: the credentials of a request in, a verified identity or a refusal out.
//!
//! Two kinds of proof are known: a bearer token that an issuer signed ([`JwtIssuer`]), and a header that a gateway in
//! front of us sets ([`TrustedHeader`]), which is believed only from addresses that are listed. "Nothing was presented"
//! and "what was presented does not hold" are different answers ([`Presented::Nothing`] and [`Rejected`]); the second
//! is never turned into the first.
//!
//! This room decides nothing about what somebody may do. Judging a request opens no file or socket, reads no clock and
//! waits for nothing: tokens and the time are arguments. Only [`Fetcher`] connects to anybody, on a thread of its own, to
//! the URLs of the configuration and no others. The room never follows a key, an address or a certificate that a token
//! brings along (`jwk`, `jku`, `x5c`, `x5u`): a token is verified with the keys of its issuer or not at all.
//!
//! In reading order: [`Authenticator`] takes a request's credentials; [`Jws`] takes a token apart; [`KeySet`] holds the
//! keys of an issuer and verifies the signature, [`Keys`] is the set in force; [`JwtIssuer`] judges header and claims;
//! [`Claims`] is what the policy may ask of the result. [`TokenCache`] remembers the tokens that held. [`Remote`] is a key
//! set at a URL and [`Fetcher`] what keeps it fresh, in the rhythm of `schedule`.

mod authenticator;
mod claims;
mod fetcher;
mod jwk;
mod jwks;
mod jwt;
mod keys;
mod peers;
mod remote;
mod schedule;
mod token;
mod token_cache;
mod trusted_header;
mod weak;

#[cfg(test)]
mod testing;

pub use authenticator::Authenticator;
pub use claims::Claims;
pub use fetcher::{Fetcher, KeySource};
pub use jwks::{IgnoredKey, KeySet, KeySetError};
pub use jwt::{JwtIssuer, JwtSettings, LEEWAY_MAX, Unverified};
pub use keys::Keys;
pub use peers::Peers;
pub use remote::{FETCH_MAX, Fetches, KEY_SET_BYTES_MAX, Remote, RemoteSettings};
pub use token::{Algorithm, Jws, KID_BYTES_MAX, TOKEN_BYTES_MAX, TokenError};
pub use token_cache::{TokenCache, TokenSecret};
pub use trusted_header::{TrustedHeader, VALUE_BYTES_MAX};

use crate::decision::Reason;
use crate::time::Time;
use std::fmt;
use std::sync::Arc;

/// An identity that was proven.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The token's `iss`, or the name that the trusted header is configured with. The key of the bundle's `issuers`.
    pub issuer: Arc<str>,
    /// What the issuer says of the subject.
    pub claims: Claims,
    /// The first instant at which it holds (leeway included).
    pub begins: Time,
    /// The first instant at which this does not hold any more (leeway included); `None` holds for this request only.
    pub expires: Option<Time>,
}

/// What a request presented, where it presented nothing false.
#[derive(Debug, Clone)]
pub enum Presented {
    /// No credential that we are configured to read.
    Nothing,
    /// One credential, and it holds.
    Verified(Verified),
}

/// A credential was presented and does not hold, or more than one was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// [`Reason::BadToken`] or [`Reason::AmbiguousRequest`].
    pub reason: Reason,
    /// For logs, never for the client: one line of printable text, without the token and without values of claims
    /// (`iss`, and the header's `alg`, `kid` and `typ`, are quoted, shortened and escaped).
    pub detail: String,
}

impl Rejected {
    fn ambiguous(detail: impl Into<String>) -> Rejected {
        Rejected { reason: Reason::AmbiguousRequest, detail: detail.into() }
    }

    fn bad(detail: impl Into<String>) -> Rejected {
        Rejected { reason: Reason::BadToken, detail: detail.into() }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Rejected {}

/// Why a configuration of this room cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// What is wrong.
    pub message: String,
    /// What would be right, if there is more to say.
    pub help: Option<String>,
}

impl ConfigError {
    fn new(message: impl Into<String>) -> ConfigError {
        ConfigError { message: message.into(), help: None }
    }

    fn help(mut self, help: impl Into<String>) -> ConfigError {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " (help: {help})"))
    }
}

impl std::error::Error for ConfigError {}

/// The most of a foreign text that a message repeats, in characters.
const SHOWN_CHARS_MAX: usize = 64;

/// Foreign text as a message may repeat it: in backticks, cut, and with everything escaped that is not printable, so
/// that it can neither begin a line of its own nor steer a terminal.
fn shown(text: &str) -> String {
    let mut out = String::from("`");
    for c in text.chars().take(SHOWN_CHARS_MAX) {
        match c {
            '`' => out.push('\''),
            '\'' | '"' => out.push(c),
            _ => out.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(SHOWN_CHARS_MAX).is_some() {
        out.push_str("...");
    }
    out.push('`');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_cut_and_cannot_begin_a_line_or_steer_a_terminal() {
        assert_eq!(shown("key-1"), "`key-1`");
        assert_eq!(shown("a\nallow\u{1b}[2J\u{202e}`"), "`a\\nallow\\u{1b}[2J\\u{202e}'`");
        assert_eq!(shown(&"k".repeat(8192)), format!("`{}...`", "k".repeat(64)));
    }
}
