//! Connections to the app: opened within a limit for the process, kept within another, each used by one exchange at a
//! time.
//!
//! Each worker keeps its own connections, so that taking one costs a look into a queue. A connection comes back only
//! after an exchange whose both ends are known: the request wholly sent, the answer wholly read, hyper ready for the
//! next. Everything else is closed, by dropping it.

use super::body::{Progress, RequestBody};
use super::config::{Address, Upstream};
use crate::decision::Reason;
use crate::telemetry::Local;
use crate::tls::{Client, Stream};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use prometheus::IntCounter;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Sleep, timeout};

/// A connection that was idle for longer than this may have been closed by the app without our having noticed: look
/// before using it.
const FRESH: Duration = Duration::from_millis(500);

/// How long hyper may take to be ready again after an answer was read to its end; it is ready at once in practice.
const SETTLE: Duration = Duration::from_secs(1);

/// Why an exchange did not come to an answer, as the caller and the operator are told.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: Reason,
    pub(super) detail: String,
}

impl Failure {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Failure {
        Failure { reason, detail: detail.into() }
    }
}

/// The connections of one worker.
pub(super) struct Pool {
    upstream: Upstream,
    connect: Duration,
    idle_max: usize,
    builder: Builder,
    slots: Arc<Semaphore>,
    local: Local,
    idle: RefCell<VecDeque<Idle>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// A pool that takes its places from `slots`, which all workers share, and keeps at most `idle_max` connections.
    pub(super) fn new(
        upstream: Upstream,
        connect: Duration,
        idle_max: usize,
        builder: Builder,
        slots: Arc<Semaphore>,
        local: Local,
    ) -> Pool {
        Pool { upstream, connect, idle_max, builder, slots, local, idle: RefCell::default() }
    }

    /// Where a bug is counted that shows only here.
    pub(super) fn panics(&self) -> IntCounter {
        self.local.metrics().panics.clone()
    }

    /// A place for one exchange; it is waited for no longer than a connection would be.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(place) = self.slots.clone().try_acquire_owned() {
            return Ok(place);
        }
        match timeout(self.connect, self.slots.clone().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Failure::new(Reason::Overloaded, "all upstream connections are in use")),
        }
    }

    /// A place, and the connection that was kept last: if there is both at once, and the connection was in use a moment
    /// ago.
    pub(super) fn at_once(&self, now: Instant) -> Option<(OwnedSemaphorePermit, Connection)> {
        let mut idle = self.idle.borrow_mut();
        let last = idle.back()?;
        let age = now.saturating_duration_since(last.since);
        if age >= self.upstream.idle.min(FRESH) || !last.connection.sender.is_ready() {
            return None;
        }
        let place = self.slots.clone().try_acquire_owned().ok()?;
        self.local.reused();
        idle.pop_back().map(|idle| (place, idle.connection))
    }

    /// The connection that was kept last, if one of those kept is still open: with the newest first, those not needed
    /// grow old and are closed.
    pub(super) async fn kept(&self) -> Option<Connection> {
        loop {
            let idle = self.idle.borrow_mut().pop_back()?;
            let age = idle.since.elapsed();
            if age >= self.upstream.idle {
                continue;
            }
            if age > FRESH {
                // Lets the runtime look at its sockets, and the connection's own task take note of an end.
                tokio::task::yield_now().await;
            }
            if idle.connection.sender.is_ready() {
                self.local.reused();
                return Some(idle.connection);
            }
        }
    }

    /// A new connection.
    pub(super) async fn open(&self) -> Result<Connection, Failure> {
        let stream = match timeout(self.connect, self.dial()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if Client::is_refusal(&error) => {
                let text = format!("no TLS with the upstream: {error}");
                return Err(Failure::new(Reason::UpstreamBad, text));
            }
            Ok(Err(error)) => {
                return Err(Failure::new(Reason::UpstreamRefused, format!("cannot connect: {error}")));
            }
            Err(_) => return Err(Failure::new(Reason::UpstreamTimeout, "connecting took too long")),
        };
        let (sender, connection) = self
            .builder
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::new(Reason::UpstreamBad, error.to_string()))?;
        self.local.metrics().upstream_connections.inc();
        let task = tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an upstream connection ended");
            }
        });
        Ok(Connection { sender, limit: None, _task: Task(task.abort_handle()) })
    }

    /// Connects, and shakes hands where the upstream speaks TLS.
    async fn dial(&self) -> std::io::Result<Stream> {
        let stream = match &self.upstream.address {
            Address::Socket(address) => TcpStream::connect(address).await?,
            Address::Name(host, port) => TcpStream::connect((host.as_str(), *port)).await?,
        };
        // Without it, small requests would wait for each other's acknowledgements.
        stream.set_nodelay(true)?;
        match &self.upstream.tls {
            Some(tls) => tls.connect(stream).await,
            None => Ok(Stream::Plain(stream)),
        }
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= self.idle_max {
            idle.retain(|kept| !kept.connection.sender.is_closed());
        }
        if idle.len() < self.idle_max {
            idle.push_back(Idle { connection, since: Instant::now() });
        }
    }

    /// Closes connections as they become too old; never returns.
    pub(super) async fn tidy(&self) {
        loop {
            // What is kept later also grows old later.
            let oldest = self.idle.borrow().front().map_or_else(Instant::now, |kept| kept.since);
            tokio::time::sleep_until(oldest + self.upstream.idle).await;
            let mut idle = self.idle.borrow_mut();
            while idle.front().is_some_and(|kept| kept.since.elapsed() >= self.upstream.idle) {
                idle.pop_front();
            }
        }
    }
}

/// One open connection. Dropping it closes it at once, whatever it is doing.
pub(super) struct Connection {
    pub(super) sender: SendRequest<RequestBody>,
    /// The clock for answers on this connection, kept from exchange to exchange.
    pub(super) limit: Option<Pin<Box<Sleep>>>,
    _task: Task,
}

struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection and a place while they are used by one exchange. Dropping it closes the connection.
pub(super) struct Lease {
    connection: Connection,
    place: OwnedSemaphorePermit,
    progress: Rc<Progress>,
    pool: Rc<Pool>,
    keep: bool,
}

impl Lease {
    /// `keep` says whether the answer's end is known well enough to use the connection again.
    pub(super) fn new(
        connection: Connection,
        place: OwnedSemaphorePermit,
        progress: Rc<Progress>,
        pool: Rc<Pool>,
        keep: bool,
    ) -> Lease {
        Lease { connection, place, progress, pool, keep }
    }

    /// Whether the upstream took the whole request.
    pub(super) fn request_is_sent(&self) -> bool {
        self.progress.is_done()
    }

    /// The answer was read to its end: keeps the connection if it can be used again.
    pub(super) fn give_back(self) {
        let Lease { mut connection, place, progress, pool, keep } = self;
        drop(place);
        if !keep || !progress.is_done() {
            return;
        }
        if connection.sender.is_ready() {
            pool.keep(connection);
        } else if !connection.sender.is_closed() {
            tokio::task::spawn_local(async move {
                if let Ok(Ok(())) = timeout(SETTLE, connection.sender.ready()).await {
                    pool.keep(connection);
                }
            });
        }
    }
}
