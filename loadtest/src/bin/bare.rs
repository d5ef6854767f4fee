//! The yardstick: as little forwarder as hyper allows. It decides nothing, cleans nothing but what is the connection's
//! own, and keeps one pool. What hallpass costs above it is the price of being hallpass.
//!
//! `bare LISTEN UPSTREAM [--no-head-timer]`. One worker: one current-thread runtime. The timer for request heads is
//! on because nobody would run a proxy without it. It allocates with what hallpass allocates with.

use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{Builder as ClientBuilder, SendRequest};
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use hyper::server::conn::http1::Builder as ServerBuilder;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::RefCell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

/// That of hallpass, or the price of an allocator would be taken for that of deciding.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

type Answer = Either<Returning, Full<Bytes>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, upstream, rest @ ..] = arguments.as_slice() else {
        return Err("bare LISTEN UPSTREAM [--no-head-timer]".into());
    };
    let listen: SocketAddr = listen.parse()?;
    let pool = Rc::new(Pool { upstream: upstream.parse()?, idle: RefCell::new(Vec::new()) });
    let timed = !rest.iter().any(|flag| flag == "--no-head-timer");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, accept(listen, pool, timed))?;
    Ok(())
}

async fn accept(listen: SocketAddr, pool: Rc<Pool>, timed: bool) -> std::io::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    println!("{}", listener.local_addr()?);
    let mut builder = ServerBuilder::new();
    builder.half_close(false);
    if timed {
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    } else {
        builder.header_read_timeout(None);
    }
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let pool = pool.clone();
        let service = service_fn(move |request| {
            let pool = pool.clone();
            async move { Ok::<_, Infallible>(forward(pool, request).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::task::spawn_local(async move {
            // A client that leaves is no news.
            let _ = connection.await;
        });
    }
}

/// The connections of the worker.
struct Pool {
    upstream: SocketAddr,
    idle: RefCell<Vec<SendRequest<Incoming>>>,
}

impl Pool {
    async fn take(&self) -> Result<SendRequest<Incoming>, Box<dyn std::error::Error>> {
        loop {
            // Newest first.
            let kept = self.idle.borrow_mut().pop();
            match kept {
                Some(sender) if sender.is_ready() => return Ok(sender),
                Some(_) => {}
                None => break,
            }
        }
        let stream = TcpStream::connect(self.upstream).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = ClientBuilder::new().handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(async move {
            let _ = connection.await;
        });
        Ok(sender)
    }
}

async fn forward(pool: Rc<Pool>, request: Request<Incoming>) -> Response<Answer> {
    match exchange(pool, request).await {
        Ok(response) => response,
        Err(_) => {
            let mut response = Response::new(Either::Right(Full::new(Bytes::new())));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response
        }
    }
}

async fn exchange(
    pool: Rc<Pool>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Box<dyn std::error::Error>> {
    let (mut parts, body) = request.into_parts();
    clean(&mut parts.headers);
    // In origin form, as it came; the authority of an absolute target has no place upstream.
    if parts.uri.authority().is_some() {
        if let Some(authority) = parts.uri.authority() {
            let host = authority.as_str().parse()?;
            parts.headers.insert(HOST, host);
        }
        let target = parts.uri.path_and_query().cloned().ok_or("no path")?;
        parts.uri = Uri::from(target);
    }
    parts.version = Version::HTTP_11;
    parts.extensions.clear();

    let mut sender = pool.take().await?;
    let response = sender.send_request(Request::from_parts(parts, body)).await?;
    let (mut parts, incoming) = response.into_parts();
    clean(&mut parts.headers);
    parts.extensions.clear();
    let returning = Returning { incoming, lease: Some((sender, pool)) };
    Ok(Response::from_parts(parts, Either::Left(returning)))
}

/// Takes out what belongs to one connection (RFC 9110 7.6.1).
fn clean(headers: &mut HeaderMap) {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    if let Some(named) = headers.remove(CONNECTION)
        && let Ok(named) = named.to_str()
    {
        for name in named.split(',').map(str::trim) {
            headers.remove(name);
        }
    }
    for name in [KEEP_ALIVE, TE, TRAILER, UPGRADE] {
        headers.remove(name);
    }
    // The bodies tell hyper how they are framed. A chunked one stays chunked.
    headers.remove(TRANSFER_ENCODING);
}

/// A body that gives its connection back when it has ended.
struct Returning {
    incoming: Incoming,
    lease: Option<(SendRequest<Incoming>, Rc<Pool>)>,
}

impl Returning {
    fn give_back(&mut self) {
        if let Some((sender, pool)) = self.lease.take() {
            pool.idle.borrow_mut().push(sender);
        }
    }
}

impl Body for Returning {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        match &frame {
            None => self.give_back(),
            Some(Ok(_)) if self.incoming.is_end_stream() => self.give_back(),
            Some(Ok(_)) => {}
            // What went wrong cannot be used again.
            Some(Err(_)) => self.lease = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
