//! Probes and metrics, on the pod's address.
//!
//! `/livez` says that the process answers; `/readyz` whether requests should be sent here; `/metrics` what happened so
//! far; `/upstreamz` whether the app answers at its own health path.
//!
//! Whoever can reach the pod can ask here. So nothing here names a person, a role or a file, nothing of a request but
//! its method and path is looked at, and nothing of it goes anywhere.

mod upstream;

use crate::listener::{self, Answer, Handler, Listener, Socket, text};
use crate::pdp::Pdp;
use crate::proxy::Address;
use crate::telemetry::metrics::RosterNumbers;
use crate::telemetry::{Metrics, Readiness};
use crate::tls;
use bytes::Bytes;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, StatusCode};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use upstream::Upstream;

/// What the health listener is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where probes connect.
    pub listen: SocketAddr,
    /// Where the app tells of its own health; without it there is no `/upstreamz`.
    pub upstream_path: Option<PathAndQuery>,
}

/// What the health listener looks at.
#[derive(Debug, Clone)]
pub struct Sources {
    /// For the bundle.
    pub pdp: Arc<Pdp>,
    /// For `/metrics`.
    pub metrics: Arc<Metrics>,
    /// For `/readyz`.
    pub readiness: Arc<Readiness>,
    /// The app.
    pub upstream: Address,
    /// What the app is spoken to with; without it, in the clear.
    pub upstream_tls: Option<tls::Client>,
}

/// Listens and answers on a thread of its own.
///
/// # Errors
/// The address cannot be listened on, or the system has no thread to give.
pub fn start(config: Config, sources: Sources) -> io::Result<Listener> {
    let socket = TcpListener::bind(config.listen)?;
    let address = socket.local_addr()?;
    let Sources { pdp, metrics, readiness, upstream, upstream_tls } = sources;
    let upstream = config.upstream_path.map(|path| Upstream::new(upstream, upstream_tls, path));
    let listener = Listener::start(
        "hallpass-health",
        Socket::Tcp(socket),
        Health { pdp, metrics, readiness, upstream },
    )?;
    tracing::info!(%address, "listening for probes");
    Ok(listener)
}

struct Health {
    pdp: Arc<Pdp>,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    upstream: Option<Upstream>,
}

impl Handler for Health {
    fn admit(&self, head: &Parts) -> Result<(), Box<Answer>> {
        match head.uri.path() {
            "/livez" | "/readyz" | "/metrics" => {}
            "/upstreamz" if self.upstream.is_some() => {}
            _ => return Err(Box::new(text(StatusCode::NOT_FOUND, "not found\n"))),
        }
        if head.method == Method::GET || head.method == Method::HEAD {
            Ok(())
        } else {
            Err(Box::new(listener::no_method("GET, HEAD")))
        }
    }

    async fn answer(&self, request: Request<Bytes>) -> Answer {
        match (request.uri().path(), &self.upstream) {
            ("/readyz", _) => match self.missing() {
                None => ok(),
                Some(what) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {what}\n")),
            },
            ("/metrics", _) => self.metrics(),
            ("/upstreamz", Some(upstream)) => {
                if upstream.is_well().await {
                    ok()
                } else {
                    text(StatusCode::SERVICE_UNAVAILABLE, "the app is not well\n")
                }
            }
            _ => ok(),
        }
    }
}

impl Health {
    /// What is missing before requests should be sent here.
    fn missing(&self) -> Option<&'static str> {
        if self.readiness.is_draining() {
            Some("draining")
        } else if self.pdp.snapshot().is_none() {
            Some("no policy is loaded")
        } else if !self.readiness.has_keys() {
            Some("keys are missing")
        } else {
            None
        }
    }

    fn metrics(&self) -> Answer {
        // What a bundle is made of is looked up when somebody asks, and at its first request at the latest.
        if let Some(snapshot) = self.pdp.snapshot() {
            let bundle = snapshot.bundle();
            self.metrics.show_bundle(bundle.revision(), bundle.people().iter().count());
            snapshot.decisions(&self.metrics);
        }
        let rosters = self.pdp.rosters();
        self.metrics.show_rosters(rosters.iter().map(|roster| RosterNumbers {
            name: &roster.report.name,
            rows: roster.report.rows,
            set_aside: roster.report.set_aside.counts().map(|(cause, rows)| (cause.as_str(), rows)).collect(),
            as_of: roster.report.as_of,
            failing: roster.failing.is_some(),
        }));
        match self.metrics.render() {
            Ok(text) => {
                listener::answer(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text.into())
            }
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n")
            }
        }
    }
}

fn ok() -> Answer {
    text(StatusCode::OK, "ok\n")
}
