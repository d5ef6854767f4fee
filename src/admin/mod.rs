//! For operators: what is in force, why somebody may or may not, and how much is logged.
//!
//! `GET /status` tells the state of the process, `POST /explain` takes one AuthZEN request and tells the answer in words,
//! `GET` and `PUT /log-level` show and change what is logged.
//!
//! In reading order: [`Config`] and [`Access`] say where it is; `socket` makes a socket that nobody but its owner could
//! ever open; `token` tells who may ask over TCP, from loopback too, because the app behind the proxy shares it;
//! `status` and `explain` answer.
//!
//! Answers name people and roles, therefore this is never on the pod's address without a token. Nothing here changes a
//! decision.

mod explain;
mod socket;
mod status;
mod token;

pub use token::{BadToken, Token};

use crate::identity::KeySource;
use crate::json;
use crate::listener::{self, Answer, Handler, Listener, Socket};
use crate::pdp::Pdp;
use crate::reload::Progress;
use crate::telemetry::{Clock, LogFilter, Readiness};
use crate::time::Time;
use crate::tls::Certificates;
use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use socket::Place;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the admin listener is.
#[derive(Debug)]
pub struct Config {
    /// Who can reach it.
    pub access: Access,
}

/// Who can reach the admin listener.
#[derive(Debug)]
pub enum Access {
    /// The owner of a socket in the file system, which has the mode 0600.
    Socket(PathBuf),
    /// Whoever knows the token.
    Token {
        /// Where it listens.
        listen: SocketAddr,
        /// What each request must bring.
        token: Token,
    },
}

/// A setting that is in force and that makes the process less safe than it could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnsafeSetting {
    /// The key of the configuration.
    pub setting: &'static str,
    /// What it means, in one sentence.
    pub why: &'static str,
}

/// What the admin listener looks at.
#[derive(Debug)]
pub struct Sources {
    /// For the bundle.
    pub pdp: Arc<Pdp>,
    /// How loading goes, for each set of files that is looked after.
    pub reloads: Vec<Arc<Progress>>,
    /// The certificates that clients are shown, on a TLS port.
    pub certificates: Option<Arc<Certificates>>,
    /// Where the keys of each issuer come from.
    pub key_sources: Vec<KeySource>,
    /// For the draining flag.
    pub readiness: Arc<Readiness>,
    /// What is logged; none if nobody can change it.
    pub log: Option<LogFilter>,
    /// Unsafe settings in force.
    pub unsafe_settings: Vec<UnsafeSetting>,
}

/// A running admin listener. Dropping it ends its thread and takes its socket away.
#[derive(Debug)]
pub struct Admin {
    listener: Listener,
    _place: Option<Place>,
}

impl Admin {
    /// Where it listens, if that is an address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.address()
    }
}

/// Why the admin listener did not start.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// Listens and answers on a thread of its own.
///
/// # Errors
/// The address or the socket cannot be had, or not in a way that keeps others out.
pub fn start(config: Config, sources: Sources, clock: Arc<dyn Clock>) -> Result<Admin, StartError> {
    let (socket, place, token) = match config.access {
        Access::Socket(path) => {
            let (socket, place) = socket::bind(&path).map_err(|error| {
                StartError(format!("cannot make the socket `{}`: {error}", path.display()))
            })?;
            (Socket::Unix(socket), Some(place), None)
        }
        Access::Token { listen, token } => {
            let socket = TcpListener::bind(listen)
                .map_err(|error| StartError(format!("cannot listen on `{listen}`: {error}")))?;
            (Socket::Tcp(socket), None, Some(token))
        }
    };
    let state = State { sources, started: clock.now(), clock, token };
    let cannot = |error: io::Error| StartError(format!("cannot start the admin listener: {error}"));
    let listener = Listener::start("hallpass-admin", socket, state).map_err(cannot)?;
    Ok(Admin { listener, _place: place })
}

struct State {
    sources: Sources,
    clock: Arc<dyn Clock>,
    started: Time,
    token: Option<Token>,
}

const STATUS: &str = "/status";
const EXPLAIN: &str = "/explain";
const LOG_LEVEL: &str = "/log-level";

impl Handler for State {
    fn admit(&self, head: &Parts) -> Result<(), Box<Answer>> {
        if let Some(token) = &self.token
            && !token.is_shown(&head.headers)
        {
            let mut answer = error(StatusCode::UNAUTHORIZED, "a token is needed");
            let challenge = if head.headers.contains_key(AUTHORIZATION) {
                "Bearer realm=\"hallpass\", error=\"invalid_token\""
            } else {
                "Bearer realm=\"hallpass\""
            };
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            return Err(Box::new(answer));
        }
        let allow = match head.uri.path() {
            STATUS => "GET",
            EXPLAIN => "POST",
            LOG_LEVEL => "GET, PUT",
            _ => return Err(Box::new(error(StatusCode::NOT_FOUND, "there is nothing at this path"))),
        };
        if allow.split(", ").any(|method| method == head.method.as_str()) {
            Ok(())
        } else {
            Err(Box::new(listener::no_method(allow)))
        }
    }

    async fn answer(&self, request: Request<Bytes>) -> Answer {
        let now = self.clock.now();
        match (request.uri().path(), request.method()) {
            (EXPLAIN, _) => explain::answer(self.sources.pdp.snapshot().as_deref(), request.body(), now),
            (LOG_LEVEL, &Method::PUT) => self.set_log_level(request.body()),
            (LOG_LEVEL, _) => self.log_level(),
            _ => listener::json(StatusCode::OK, &status::status(&self.sources, self.started, now)),
        }
    }
}

impl State {
    fn log_level(&self) -> Answer {
        let filter = self.sources.log.as_ref().map(LogFilter::text);
        listener::json(StatusCode::OK, &json!({ "filter": filter }))
    }

    fn set_log_level(&self, body: &[u8]) -> Answer {
        let Some(log) = &self.sources.log else {
            return error(StatusCode::CONFLICT, "the log of this process cannot be changed");
        };
        let wanted = "write {\"filter\": \"info\"}";
        let value = match json::parse(body) {
            Ok(value) => value,
            Err(why) => {
                return error(StatusCode::BAD_REQUEST, &format!("not JSON: {}; {wanted}", why.message));
            }
        };
        let filter = match value.as_object() {
            Some(map) if map.len() == 1 => map.get("filter").and_then(Value::as_str),
            _ => None,
        };
        let Some(filter) = filter else { return error(StatusCode::BAD_REQUEST, wanted) };
        if let Err(why) = LogFilter::parse(filter) {
            return error(StatusCode::BAD_REQUEST, &why.to_string());
        }
        // Once, and under whichever filter it can be seen: the last line before silence says why there is silence.
        let say = || tracing::warn!(filter, "what is logged is changed");
        let seen = tracing::enabled!(tracing::Level::WARN);
        if seen {
            say();
        }
        match log.set(filter) {
            Ok(()) => {
                if !seen {
                    say();
                }
                self.log_level()
            }
            Err(why) => error(StatusCode::BAD_REQUEST, &why.to_string()),
        }
    }
}

fn error(status: StatusCode, text: &str) -> Answer {
    listener::json(status, &json!({ "error": text }))
}
