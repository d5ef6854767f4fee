//! What a listener is told, already checked: `settings` makes it out of a file, a test makes it by hand.

use super::keys::KeyFile;
use crate::identity::Authenticator;
use crate::pdp::Remember;
use crate::reload;
use crate::telemetry::LogSettings;
use crate::tls;
use http::HeaderName;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything a [`Server`](super::Server) needs to know.
#[derive(Debug)]
pub struct Config {
    /// Where clients connect; port 0 takes any free port.
    pub listen: SocketAddr,
    /// What clients are spoken to with; without it, in the clear.
    pub tls: Option<tls::Server>,
    /// The app behind the proxy.
    pub upstream: Upstream,
    /// The bundle directory.
    pub bundle: PathBuf,
    /// Rosters that do not lie in that directory, by name: folders or zip files.
    pub rosters: Vec<(String, PathBuf)>,
    /// A file that says who is suspended besides those whom the bundle suspends.
    pub suspended: Option<PathBuf>,
    /// How often files are looked at.
    pub reload: reload::Settings,
    /// Who can prove an identity, and how.
    pub authenticator: Authenticator,
    /// Where the keys of its issuers lie, to be read again when they change.
    pub key_files: Vec<KeyFile>,
    /// What the app is told of the subject.
    pub forward: Forward,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// How the server stops.
    pub shutdown: Shutdown,
    /// How many and how large things may be.
    pub limits: Limits,
    /// What is remembered.
    pub cache: Cache,
    /// Whether an answer shows the reason of a refusal. Off, a caller cannot tell one denial from another.
    pub show_reason: bool,
    /// Where decisions are logged, and what happens when they cannot be.
    pub log: LogSettings,
    /// Threads that serve requests, at least 1.
    pub workers: usize,
}

/// The app behind the proxy.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Where it listens.
    pub address: Address,
    /// What it is spoken to with; without it, in the clear.
    pub tls: Option<tls::Client>,
    /// Exchanges in flight at the same time, in all workers together.
    pub connections_max: usize,
    /// Connections kept open without a request, in all workers together.
    pub idle_max: usize,
    /// How long a connection without a request is kept.
    pub idle: Duration,
}

/// The address of the upstream: a socket address, or a name that is looked up for each new connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Known as numbers.
    Socket(SocketAddr),
    /// A host name and a port.
    Name(String, u16),
}

/// What the app is told of the subject, besides `X-Forwarded-*` and `X-Decision-Id`.
#[derive(Debug, Clone, Default)]
pub struct Forward {
    /// Header names and what each of them says; a client cannot set them in any spelling.
    pub headers: Vec<(HeaderName, Fact)>,
    /// Whether the client's `Authorization` goes on to the app.
    pub authorization: bool,
}

/// One thing that is known of a verified subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// The id of the person in the roster.
    Id,
    /// The kinds of the person, separated by `,`.
    Kinds,
    /// Who vouched for the identity.
    Issuer,
}

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// For a whole request head, from its first byte; on a new connection from `accept`.
    pub head: Duration,
    /// Without a request on a connection that had one before.
    pub idle: Duration,
    /// To find a free place among the upstream connections, and again to connect.
    pub connect: Duration,
    /// For the head of the upstream's answer, while the upstream neither answers nor takes more of the request.
    pub upstream: Duration,
    /// Between two pieces of a body, in either direction.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            connect: Duration::from_secs(2),
            upstream: Duration::from_secs(30),
            body: Duration::from_secs(30),
        }
    }
}

/// How the server stops once the process is told to end.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// While it says that it is not ready and serves all the same, until nobody sends anything any more.
    pub wait: Duration,
    /// For what is in flight after that.
    pub drain: Duration,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown { wait: Duration::from_secs(5), drain: Duration::from_secs(25) }
    }
}

/// What is remembered from request to request.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Verified tokens, for each worker: clients are spread over the workers by connection, so a token that is in use
    /// is seen by all of them. 0 remembers none.
    pub tokens: usize,
    /// Decisions.
    pub decisions: Remember,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache { tokens: 10_000, decisions: Remember::Off }
    }
}

/// How many and how large things may be.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Client connections open at the same time; further ones wait in the queue of the operating system.
    pub connections: usize,
    /// Bytes of a request head.
    pub head_bytes: usize,
    /// Header lines of a head.
    pub headers: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { connections: 1024, head_bytes: 64 * 1024, headers: 100 }
    }
}
