//! One worker: one thread, one runtime, its own connections on both sides.

use super::config::{Limits, Timeouts};
use super::connection::{serve, told_to_stop};
use super::enforce::Enforcer;
use super::forward::Patience;
use super::upstream::Pool;
use crate::identity::TokenCache;
use crate::pdp::Reader;
use crate::telemetry::metrics::CacheMetrics;
use crate::telemetry::{Clock, DecisionIds, DecisionLog, Local, Metrics, Present};
use crate::tls;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch::Receiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

/// How many header lines hyper reads without being told; saying so would cost it an allocation for each head.
pub(super) const HEADERS_OF_HYPER: usize = 100;

/// How long a worker waits after `accept` itself failed, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long an idle worker keeps a bundle that is not in force any more.
const RENEW: Duration = Duration::from_secs(2);

/// What all workers of a server share.
pub(super) struct Shared {
    pub(super) enforcer: Enforcer,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: DecisionIds,
    pub(super) metrics: Arc<Metrics>,
    /// Nothing where decisions are not logged.
    pub(super) log: Option<Arc<DecisionLog>>,
    pub(super) timeouts: Timeouts,
    /// For what is in flight when the server is told to stop.
    pub(super) drain: Duration,
    /// True when that has no time left.
    pub(super) cut_off: Receiver<bool>,
    pub(super) patience: Patience,
    /// For decisions that are remembered, if any are.
    pub(super) decisions: Option<CacheMetrics>,
    pub(super) limits: Limits,
    pub(super) show_reason: bool,
    /// What clients are spoken to with; `None` is plain.
    pub(super) tls: Option<tls::Server>,
    /// Places for client connections.
    pub(super) clients: Arc<Semaphore>,
}

/// One worker.
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Rc<Pool>,
    pub(super) reader: Reader,
    /// What it counts.
    pub(super) local: Local,
    /// Borrowed while one request is identified, which waits for nothing.
    pub(super) tokens: RefCell<TokenCache>,
}

impl Worker {
    /// Accepts and serves until the server is told to stop, and then until nothing is in flight or the grace is over.
    /// What is in flight even then ends with the runtime.
    pub(super) async fn run(self: Rc<Self>, listener: TcpListener, mut stop: Receiver<bool>) {
        let pool = self.pool.clone();
        let tidy = tokio::task::spawn_local(async move { pool.tidy().await });
        let worker = self.clone();
        let renew = tokio::task::spawn_local(async move { worker.renew().await });
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = told_to_stop(&mut stop) => break,
                Some(ended) = connections.join_next() => self.note(ended),
                (stream, peer, place) = self.accept(&listener) => {
                    let connection = serve(self.clone(), stream, peer, stop.clone());
                    let open = Present::in_gauge(&self.shared.metrics.connections_open);
                    connections.spawn_local(async move {
                        connection.await;
                        drop((open, place));
                    });
                }
            }
        }
        drop(listener);
        let mut cut_off = self.shared.cut_off.clone();
        let drained = async {
            while let Some(ended) = connections.join_next().await {
                self.note(ended);
            }
        };
        let over = tokio::select! {
            biased;
            () = told_to_stop(&mut cut_off) => true,
            drained = tokio::time::timeout(self.shared.drain, drained) => drained.is_err(),
        };
        if over && !connections.is_empty() {
            tracing::warn!(
                connections = connections.len(),
                "connections were cut off when the grace was over"
            );
        }
        tidy.abort();
        renew.abort();
    }

    /// Lets go of old bundles though nobody asks anything.
    async fn renew(&self) {
        loop {
            tokio::time::sleep(RENEW).await;
            self.reader.renew();
        }
    }

    /// The next client, once there is a place for it. Until then it waits in the queue of the operating system. May be
    /// dropped at any await: a place that was taken is given back, and no accepted client is lost.
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> (TcpStream, std::net::SocketAddr, OwnedSemaphorePermit) {
        loop {
            let place = self.place().await;
            match listener.accept().await {
                Ok((stream, peer)) => {
                    self.shared.metrics.connections.inc();
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%peer, %error, "a client left at once");
                        continue;
                    }
                    return (stream, peer, place);
                }
                Err(error) => {
                    self.shared.metrics.accept_failed.inc();
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn place(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = self.shared.clients.clone().try_acquire_owned() {
                return place;
            }
            self.shared.metrics.accept_paused.inc();
            // Fails only for a semaphore that was closed, and this one never is.
            if let Ok(place) = self.shared.clients.clone().acquire_owned().await {
                return place;
            }
        }
    }

    fn note(&self, ended: Result<(), JoinError>) {
        if let Err(error) = ended {
            self.shared.metrics.panics.inc();
            tracing::error!(%error, "a connection panicked");
        }
    }
}
