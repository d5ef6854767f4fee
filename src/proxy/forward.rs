//! The way to the upstream. It costs a [`Permit`], and a permit is used up by it.
//!
//! Nothing is sent twice: only a request that hyper hands back untouched, because a kept connection turned out to be
//! closed, goes out on another one.

use super::body::{AnswerBody, Progress, RequestBody, Sending};
use super::enforce::{Framed, Permit};
use super::upstream::{Connection, Failure, Lease, Pool};
use super::wire::Watch;
use crate::decision::Reason;
use crate::message;
use crate::telemetry::Record;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::response::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::ext::ReasonPhrase;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// How long the two sides of an exchange may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The upstream, until the head of its answer, while it takes nothing of the request.
    pub(super) head: Duration,
    /// Either side, between two pieces of a body.
    pub(super) body: Duration,
}

/// Sends the permitted request, at once if a connection is at hand. What it gives back waits for the head of the answer.
pub(super) fn forward(
    permit: Permit,
    incoming: Incoming,
    pool: Rc<Pool>,
    patience: Patience,
    watch: Arc<Watch>,
) -> impl AsyncFnOnce(&mut Record) -> Result<Response<AnswerBody>, Failure> {
    let (head, framed) = permit.use_up();
    let bare = head.method() == Method::HEAD;
    let body = match framed {
        Framed::Nothing => RequestBody::none(),
        Framed::Body => RequestBody::stream(incoming, patience.body, pool.panics()),
    };
    let progress = body.progress();
    let request = head.map(|()| body);
    let begun = Instant::now();
    let way = match pool.at_once(begun) {
        Some((place, mut connection)) => {
            let answer = connection.sender.try_send_request(request);
            Way::Sent(place, connection, answer)
        }
        None => Way::ToBeFound(Box::new(request)),
    };

    async move |record: &mut Record| {
        let (place, answered) = match way {
            Way::Sent(place, mut connection, answer) => {
                record.waits_since(begun.into());
                let answer = pin!(answer);
                let waiting = answered(&mut connection, answer, &progress, patience.head, begun);
                let answered = match waiting.await {
                    Ok(response) => Ok((response, connection)),
                    // Rare, and large: it is no part of what every request carries along.
                    Err(Unanswered::Unsent(request)) => {
                        Box::pin(ask(&pool, *request, &progress, patience.head)).await
                    }
                    Err(Unanswered::Failed(failure)) => Err(failure),
                };
                (place, answered)
            }
            Way::ToBeFound(request) => {
                // A wait for a place is ours: it ends when another request of ours does.
                let place = Box::pin(pool.place()).await?;
                record.waits();
                (place, Box::pin(ask(&pool, *request, &progress, patience.head)).await)
            }
        };
        record.waited();
        let (response, connection) = answered?;
        let (head, incoming) = response.into_parts();
        let (head, keep) = returned(head, bare)?;
        let lease = Lease::new(connection, place, progress, pool, keep);
        Ok(Response::from_parts(head, AnswerBody::stream(incoming, patience.body, lease, watch)))
    }
}

/// How a request gets to the upstream.
enum Way<A> {
    /// It is on its way already, on a connection that was at hand.
    Sent(OwnedSemaphorePermit, Connection, A),
    /// A place or a connection has to be waited for.
    ToBeFound(Box<Request<RequestBody>>),
}

/// The head of the answer as it is handed on, and whether another request may follow on its connection.
fn returned(mut head: Parts, bare: bool) -> Result<(Parts, bool), Failure> {
    let ending = judge(&head, bare)?;
    let headers = &mut head.headers;
    message::clean_response(headers);
    // hyper frames anew, by what it knows of the body. It would believe these lines instead if they stayed.
    if ending.chunked {
        headers.remove(TRANSFER_ENCODING);
    }
    if ending.length.is_some() {
        headers.remove(CONTENT_LENGTH);
    }
    if let Some(length) = ending.length.filter(|_| bare) {
        headers.insert(CONTENT_LENGTH, length);
    }
    head.version = Version::HTTP_11;
    // Of the extensions only this: the others would offer the client an upgrade.
    let phrase = head.extensions.remove::<ReasonPhrase>();
    head.extensions.clear();
    if let Some(phrase) = phrase {
        head.extensions.insert(phrase);
    }
    Ok((head, ending.keep))
}

/// Sends the request on a kept connection or a new one.
async fn ask(
    pool: &Pool,
    mut request: Request<RequestBody>,
    progress: &Progress,
    patience: Duration,
) -> Result<(Response<Incoming>, Connection), Failure> {
    loop {
        let (mut connection, kept) = match pool.kept().await {
            Some(connection) => (connection, true),
            None => (pool.open().await?, false),
        };
        let begun = Instant::now();
        let answer = pin!(connection.sender.try_send_request(request));
        match answered(&mut connection, answer, progress, patience, begun).await {
            Ok(response) => return Ok((response, connection)),
            Err(Unanswered::Unsent(unsent)) if kept => request = *unsent,
            Err(Unanswered::Unsent(_)) => {
                return Err(Failure::new(
                    Reason::UpstreamBad,
                    "the upstream closed a new connection at once",
                ));
            }
            Err(Unanswered::Failed(failure)) => return Err(failure),
        }
    }
}

enum Unanswered {
    /// No byte of the request was written.
    Unsent(Box<Request<RequestBody>>),
    Failed(Failure),
}

/// Waits for the head of the answer to a request that was handed over when it had `begun`. The clock of the upstream runs
/// from then on, begins anew with each piece of the body that the upstream takes, and stands still while the client is
/// the one who keeps the upstream waiting: a slow upload is not the upstream's fault.
async fn answered(
    connection: &mut Connection,
    mut answer: Pin<
        &mut impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
    >,
    progress: &Progress,
    patience: Duration,
    begun: Instant,
) -> Result<Response<Incoming>, Unanswered> {
    // It rang or will ring no later than it has to: whatever is allowed is allowed for the same time. That spares each
    // request the setting up of a timer.
    let limit = connection.limit.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer.map_err(|error| unanswered(error, progress)),
            () = limit.as_mut() => {}
        }
        let now = Instant::now();
        let until = progress.upstream_since().unwrap_or(now).max(begun) + patience;
        if until <= now {
            let failure = Failure::new(Reason::UpstreamTimeout, "no answer from the upstream in time");
            return Err(Unanswered::Failed(failure));
        }
        limit.as_mut().reset(until);
    }
}

fn unanswered(mut error: TrySendError<Request<RequestBody>>, progress: &Progress) -> Unanswered {
    if let Some(request) = error.take_message() {
        return Unanswered::Unsent(Box::new(request));
    }
    let error = error.into_error();
    Unanswered::Failed(match progress.state() {
        Sending::Failed => {
            Failure::new(Reason::Malformed, format!("the body of the request failed: {error}"))
        }
        Sending::Panicked => Failure::new(Reason::Internal, "a panic"),
        _ => Failure::new(Reason::UpstreamBad, format!("no answer from the upstream: {error}")),
    })
}

struct Ending {
    /// Whether the end of the answer is certain enough to send another request after it.
    keep: bool,
    chunked: bool,
    length: Option<HeaderValue>,
}

/// Refuses an answer (to a HEAD request if `bare`) whose end could be understood in two ways (RFC 9112 6.3), and an upgrade nobody asked for.
fn judge(head: &Parts, bare: bool) -> Result<Ending, Failure> {
    let bad = |detail| Err(Failure::new(Reason::UpstreamBad, detail));
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return bad("the upstream switched protocols unasked");
    }
    if head.status.as_u16() >= 600 {
        return bad("the upstream's status is not one of HTTP");
    }
    let (mut length, mut coding, mut several) = (None, None, false);
    for (name, value) in &head.headers {
        if name == CONTENT_LENGTH {
            several |= length.replace(value).is_some();
        } else if name == TRANSFER_ENCODING {
            several |= coding.replace(value).is_some();
        }
    }
    if length.is_some() && coding.is_some() {
        return bad("the upstream's answer has both a content-length and a transfer-encoding");
    }
    if several {
        return bad("the upstream's answer says twice how long it is");
    }
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return bad("the upstream's answer has a transfer-encoding other than chunked");
    }
    if length.is_some_and(|length| length.is_empty() || !length.as_bytes().iter().all(u8::is_ascii_digit)) {
        return bad("the upstream's content-length is not a number");
    }
    // An app that sends a body where none belongs would have it read as the next answer, to somebody else's request.
    // hyper notices what comes at once; where an app may send more, its answer is the last of the connection.
    let empty = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let promised = coding.is_some() || length.is_some_and(|length| length != "0");
    let keep = !bare && (!empty || !promised);
    Ok(Ending { keep, chunked: coding.is_some(), length: length.cloned() })
}
