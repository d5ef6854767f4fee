//! One connection to a listener, within its limits.

use super::{Answer, Handler, Wire, text};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::timeout;

/// Bytes of a request head; hyper takes no smaller buffer.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// Header lines of a head.
const HEADERS_MAX: usize = 64;

/// Bytes of a request body.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// For a head, from the moment it is waited for, and again for a body.
const REQUEST: Duration = Duration::from_secs(5);

/// After this a connection ends with its present answer, so that nobody keeps a place for good.
const LIFE: Duration = Duration::from_secs(60);

/// For the present answer then.
const GRACE: Duration = Duration::from_secs(10);

pub(super) async fn serve<H: Handler>(wire: Box<dyn Wire>, handler: Rc<H>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = handler.clone();
        async move { Ok::<_, Infallible>(respond(&*handler, request).await) }
    });
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .half_close(false)
        .serve_connection(TokioIo::new(wire), service);
    let mut connection = pin!(connection);
    if timeout(LIFE, connection.as_mut()).await.is_ok() {
        return;
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(GRACE, connection).await;
}

async fn respond<H: Handler>(handler: &H, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    if let Err(answer) = handler.admit(&head) {
        return *answer;
    }
    match timeout(REQUEST, Limited::new(body, BODY_BYTES_MAX).collect()).await {
        Ok(Ok(body)) => {
            let body: Bytes = body.to_bytes();
            handler.answer(Request::from_parts(head, body)).await
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            text(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n")
        }
        Ok(Err(_)) => text(StatusCode::BAD_REQUEST, "the body cannot be read\n"),
        Err(_) => text(StatusCode::REQUEST_TIMEOUT, "the body took too long\n"),
    }
}
