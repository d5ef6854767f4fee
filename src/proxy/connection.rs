//! One client connection, from `accept` to its end.

use super::enforce::Peer;
use super::exchange::exchange;
use super::wire::{HeadTimer, Watch, Wire};
use super::worker::Worker;
use crate::telemetry::Closed;
use crate::tls::{Failure, Stream};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch::Receiver;
use tokio::task::unconstrained;
use tokio::time::timeout;

/// The smallest buffer that hyper takes, in bytes.
const BUFFER_BYTES_MIN: usize = 8 * 1024;

/// Serves a client until it leaves, breaks a rule, or the server is told to stop and the present request is answered.
pub(super) async fn serve(worker: Rc<Worker>, stream: TcpStream, peer: SocketAddr, mut stop: Receiver<bool>) {
    let shared = worker.shared.clone();
    let stream = match shake_hands(&worker, stream, peer, &mut stop).await {
        Ok(stream) => stream,
        Err(how) => return shared.metrics.closed.count(how),
    };
    let watch = Arc::new(Watch::default());
    let (limits, timeouts) = (&shared.limits, &shared.timeouts);

    let mut builder = Builder::new();
    builder
        .timer(HeadTimer::new(watch.clone(), timeouts.head, timeouts.idle))
        // Inert without the timer above (T10).
        .header_read_timeout(timeouts.head)
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(BUFFER_BYTES_MIN))
        .half_close(false);
    if limits.headers != super::worker::HEADERS_OF_HYPER {
        builder.max_headers(limits.headers);
    }

    // On a socket for both families an IPv4 client has an IPv6 address; the app is told the one it knows.
    let known = Peer::new(peer.ip().to_canonical());
    let service =
        service_fn(|request: Request<Incoming>| exchange(worker.clone(), watch.clone(), &known, request));
    let wire = Wire::new(stream, watch.clone(), timeouts.body);
    let mut connection = builder.serve_connection(TokioIo::new(wire), service);

    let result = {
        let told = stop.clone();
        // Unconstrained: were it put off once, to be fair to others, it would not wait for anything yet.
        let mut stopped = pin!(unconstrained(stop.wait_for(|stop| *stop)));
        let (mut stopping, mut waits) = (false, false);
        poll_fn(|cx| {
            // Once it waits, it has our waker, and that is the same for as long as this task lives: asking it again
            // before there is news would cost more than reading a version. An error means that the server is gone.
            let news = !waits || told.has_changed().unwrap_or(true);
            waits = true;
            // The value as well: it is there a moment before everybody who waits for it is woken, and an answer that goes out in
            // that moment must say that it is the last one.
            if !stopping && news && (stopped.as_mut().poll(cx).is_ready() || *told.borrow()) {
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            Pin::new(&mut connection).poll(cx)
        })
        .await
    };

    let how = match &result {
        Ok(()) => Closed::Done,
        Err(error) => cause(&watch, error),
    };
    shared.metrics.closed.count(how);
    if let Err(error) = &result {
        tracing::debug!(%peer, cause = ?how, %error, "a client connection ended");
    }
    if watch.is_broken() {
        // A reset, so that nobody takes the end for the end of the answer.
        let mut stream = connection.into_parts().io.into_inner().into_stream();
        if let Err(error) = stream.socket().set_zero_linger() {
            tracing::debug!(%peer, %error, "a broken connection could not be reset");
        }
    }
}

/// The handshake of a TLS port, in the time that a head may take. Nothing is in flight yet, so a server that is told to
/// stop does not wait for it.
async fn shake_hands(
    worker: &Worker,
    stream: TcpStream,
    peer: SocketAddr,
    stop: &mut Receiver<bool>,
) -> Result<Stream, Closed> {
    let shared = &worker.shared;
    let Some(tls) = &shared.tls else { return Ok(Stream::Plain(stream)) };
    let shaken = tokio::select! {
        biased;
        () = told_to_stop(stop) => return Err(Closed::Done),
        shaken = timeout(shared.timeouts.head, tls.accept(stream)) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err((failure, error))) => {
            tracing::debug!(%peer, cause = ?failure, %error, "a TLS handshake failed");
            Err(match failure {
                Failure::NotTls => Closed::NotTls,
                Failure::NothingInCommon => Closed::HandshakeIncompatible,
                Failure::Refused => Closed::HandshakeRefused,
                Failure::Left => Closed::HandshakeLeft,
                Failure::Broken => Closed::HandshakeBroken,
            })
        }
        Err(_) => Err(Closed::HandshakeTimeout),
    }
}

fn cause(watch: &Watch, error: &hyper::Error) -> Closed {
    if watch.is_broken() {
        Closed::Broken
    } else if watch.write_is_over() {
        Closed::WriteTimeout
    } else if watch.idle_is_over() {
        Closed::IdleTimeout
    } else if watch.head_is_over() {
        Closed::HeadTimeout
    } else if error.is_parse() {
        Closed::ParseError
    } else if error.is_incomplete_message() {
        Closed::Incomplete
    } else {
        Closed::Io
    }
}

/// A future that is ready when the server is told to stop.
pub(super) async fn told_to_stop(stop: &mut Receiver<bool>) {
    // An error means that the server itself is gone.
    let _ = stop.wait_for(|stop| *stop).await;
}
