//! A small HTTP/1.1 server beside the data port, for operators and probes.
//!
//! In reading order: [`Listener`] runs on a thread of its own, so that a busy data port does not delay a probe and a slow
//! scrape delays nobody; [`Handler`] answers one whole request; [`text`] and [`json`] make answers.
//!
//! Everything is bounded: connections, head, body, and the time for each of them. This room knows nothing of what is
//! asked, and never reaches the app.

mod connection;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinSet, LocalSet};

/// Connections open at the same time. For a further one, the one that has been open longest is closed: whoever holds them all
/// and asks nothing must not keep a probe waiting, because a probe that waits is a restart.
const CONNECTIONS_MAX: usize = 64;

/// How long to wait after `accept` itself failed, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An answer of ours, whole.
pub type Answer = Response<Full<Bytes>>;

/// What answers requests.
pub trait Handler: Send + 'static {
    /// Looks at the head before the body is read.
    ///
    /// # Errors
    /// The answer to a request that is not let in.
    fn admit(&self, head: &Parts) -> Result<(), Box<Answer>>;

    /// Answers a request whose body is whole.
    fn answer(&self, request: Request<Bytes>) -> impl Future<Output = Answer>;
}

/// What is listened on.
#[derive(Debug)]
pub enum Socket {
    /// An address and a port.
    Tcp(TcpListener),
    /// A socket in the file system.
    Unix(UnixListener),
}

/// A running listener. Dropping it ends its thread and cuts off what is in flight.
pub struct Listener {
    address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Listener {
    /// Serves `socket` on a thread called `name`.
    ///
    /// # Errors
    /// The system has no thread to give, or the socket cannot be used.
    pub fn start<H: Handler>(name: &str, socket: Socket, handler: H) -> io::Result<Listener> {
        let address = match &socket {
            Socket::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                Some(listener.local_addr()?)
            }
            Socket::Unix(listener) => {
                listener.set_nonblocking(true)?;
                None
            }
        };
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            if let Err(error) = run(&runtime, socket, handler, stopped) {
                tracing::error!(%error, "a listener could not listen");
            }
            // A look-up of a name that hangs is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Listener { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, if that is an address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a listener panicked");
        }
    }
}

/// The client's side of a connection.
trait Wire: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Wire for T {}

/// [`Socket`], inside a runtime.
enum Door {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

impl Door {
    async fn accept(&self) -> io::Result<Box<dyn Wire>> {
        match self {
            Door::Tcp(listener) => Ok(Box::new(listener.accept().await?.0)),
            Door::Unix(listener) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

fn run<H: Handler>(
    runtime: &Runtime,
    socket: Socket,
    handler: H,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    LocalSet::new().block_on(runtime, async move {
        let door = match socket {
            Socket::Tcp(listener) => Door::Tcp(tokio::net::TcpListener::from_std(listener)?),
            Socket::Unix(listener) => Door::Unix(tokio::net::UnixListener::from_std(listener)?),
        };
        tokio::select! {
            // Ready when the sender is gone as well.
            _ = stopped => {}
            () = accept(door, Rc::new(handler)) => {}
        }
        Ok(())
    })
}

async fn accept<H: Handler>(door: Door, handler: Rc<H>) {
    let mut connections = JoinSet::new();
    // Those that may be open still, the oldest first.
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let accepted = door.accept().await;
        while let Some(ended) = connections.try_join_next() {
            if let Err(error) = ended
                && error.is_panic()
            {
                tracing::error!(%error, "a request to a listener panicked");
            }
        }
        match accepted {
            Ok(wire) => {
                open.retain(|connection| !connection.is_finished());
                if open.len() >= CONNECTIONS_MAX
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                open.push_back(connections.spawn_local(connection::serve(wire, handler.clone())));
                // So that whoever has asked already is answered before anybody takes the place.
                tokio::task::yield_now().await;
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A short answer for a person or a probe.
pub fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    answer(status, "text/plain; charset=utf-8", text.into())
}

/// An answer for a program.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    answer(status, "application/json", format!("{value}\n").into())
}

/// An answer of any kind, which nobody is to keep.
pub fn answer(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The answer to a method that the address does not take; `allow` are those that it does.
pub fn no_method(allow: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
    answer.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static(allow));
    answer
}
