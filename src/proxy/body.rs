//! Bodies on their way: one frame at a time, never a whole one, and no trailers (T8: an identity could ride in them).
//!
//! A frame is asked of one side only when the other side can take it, so what is in memory is bounded by hyper's
//! buffers. How long the sides may take is bounded here.

use super::panics::{caught_now, message};
use super::upstream::Lease;
use super::wire::Watch;
use crate::telemetry::{InFlight, Record};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use prometheus::IntCounter;
use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Why a body ended before its end.
#[derive(Debug)]
pub(super) enum Broken {
    /// No piece came for the time allowed.
    Stalled,
    /// The connection it came on failed, or what came was no body.
    Failed(hyper::Error),
    /// A bug of ours.
    Panicked,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Stalled => f.write_str("the body stopped coming"),
            Broken::Failed(error) => write!(f, "the body broke off: {error}"),
            Broken::Panicked => f.write_str("a panic"),
        }
    }
}

impl std::error::Error for Broken {}

/// The pieces of a body, with a limit on the time between two of them.
struct Pieces {
    incoming: Incoming,
    patience: Duration,
    /// Made at the first wait, used again at each further one.
    limit: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    ended: bool,
}

impl Pieces {
    fn new(incoming: Incoming, patience: Duration) -> Pieces {
        Pieces { incoming, patience, limit: None, waiting: false, ended: false }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(frame) => {
                    self.waiting = false;
                    let Some(frame) = frame else {
                        self.ended = true;
                        return Poll::Ready(None);
                    };
                    match frame.map(Frame::into_data) {
                        Ok(Ok(data)) => return Poll::Ready(Some(Ok(data))),
                        Ok(Err(_trailers)) => {}
                        Err(error) => return Poll::Ready(Some(Err(Broken::Failed(error)))),
                    }
                }
                Poll::Pending => return self.wait(cx),
            }
        }
    }

    /// As [`poll`](Pieces::poll), of a client's body.
    fn poll_logged(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let polled = self.poll(cx);
        if let Poll::Ready(Some(Err(broken))) = &polled {
            tracing::debug!(error = %broken, "the body of a request broke off");
        }
        polled
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let patience = self.patience;
        let limit = match &mut self.limit {
            Some(limit) => {
                if !self.waiting {
                    limit.as_mut().reset(Instant::now() + patience);
                }
                limit
            }
            none => none.insert(Box::pin(tokio::time::sleep(patience))),
        };
        self.waiting = true;
        match limit.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Broken::Stalled))),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Whether the last piece was taken.
    fn is_done(&self) -> bool {
        self.ended || self.incoming.is_end_stream()
    }
}

/// How far the body of a request has come, as seen by whoever waits for the answer.
#[derive(Debug)]
pub(super) struct Progress {
    /// When the upstream last took something.
    taken: Cell<Instant>,
    state: Cell<Sending>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// The upstream has not asked for more.
    Upstream,
    /// The upstream asked for more and the client has not sent it yet.
    Client,
    /// All of it was taken.
    Done,
    /// The client's part failed: it went away, sent what is no body, or stopped.
    Failed,
    /// Our part failed.
    Panicked,
}

impl Progress {
    fn new(state: Sending) -> Rc<Progress> {
        Rc::new(Progress { taken: Cell::new(Instant::now()), state: Cell::new(state) })
    }

    /// Since when the upstream is the one who is waited for; `None` while it is the client.
    pub(super) fn upstream_since(&self) -> Option<Instant> {
        (self.state.get() != Sending::Client).then(|| self.taken.get())
    }

    pub(super) fn is_done(&self) -> bool {
        self.state.get() == Sending::Done
    }

    pub(super) fn state(&self) -> Sending {
        self.state.get()
    }

    fn set(&self, state: Sending) {
        if state != Sending::Client || self.state.get() != Sending::Client {
            self.taken.set(Instant::now());
        }
        self.state.set(state);
    }
}

/// The body of a request on its way to the upstream: most have none, and hyper moves requests about.
pub(super) struct RequestBody(Option<Box<Upload>>);

/// What a client sends.
struct Upload {
    pieces: Pieces,
    progress: Rc<Progress>,
    /// Counts bugs of ours.
    panics: IntCounter,
}

thread_local! {
    /// The progress of all requests without a body: done.
    static NOTHING_TO_SEND: Rc<Progress> = Progress::new(Sending::Done);
}

impl RequestBody {
    /// No body at all.
    pub(super) fn none() -> RequestBody {
        RequestBody(None)
    }

    /// What the client sends, with at most `patience` between two pieces. A bug of ours is counted in `panics`.
    pub(super) fn stream(incoming: Incoming, patience: Duration, panics: IntCounter) -> RequestBody {
        let state = if incoming.is_end_stream() { Sending::Done } else { Sending::Upstream };
        let pieces = Pieces::new(incoming, patience);
        RequestBody(Some(Box::new(Upload { pieces, progress: Progress::new(state), panics })))
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        match &self.0 {
            Some(upload) => upload.progress.clone(),
            // It is never looked at for its time, so it needs none of its own.
            None => NOTHING_TO_SEND.with(Rc::clone),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let Some(upload) = &mut self.0 else { return Poll::Ready(None) };
        let Upload { pieces, progress, panics } = &mut **upload;
        // Whoever polls this is the connection to the app, which would end without a word of why.
        let polled = caught_now(|| pieces.poll_logged(cx)).unwrap_or_else(|panic| {
            panics.inc();
            tracing::error!(panic = message(&*panic), "the body of a request panicked");
            Poll::Ready(Some(Err(Broken::Panicked)))
        });
        progress.set(match &polled {
            Poll::Pending => Sending::Client,
            Poll::Ready(Some(Err(Broken::Panicked))) => Sending::Panicked,
            Poll::Ready(Some(Err(_))) => Sending::Failed,
            Poll::Ready(_) if pieces.is_done() => Sending::Done,
            Poll::Ready(_) => Sending::Upstream,
        });
        polled.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|upload| upload.pieces.is_done())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |upload| upload.pieces.incoming.size_hint())
    }
}

/// The body of an answer: one of ours, or the upstream's as it comes. It takes the record of the request along: how the
/// request ended is known when hyper drops the body.
pub(super) enum AnswerBody {
    /// Written by us.
    Own(Box<Own>),
    /// Streamed from the upstream.
    Upstream(Box<Streamed>),
}

/// A body of ours.
pub(super) struct Own {
    full: Full<Bytes>,
    record: Option<Record>,
    /// Nobody will ask for the bytes.
    bare: bool,
}

/// The body of the upstream's answer, with the connection that it comes on.
pub(super) struct Streamed {
    pieces: Pieces,
    lease: Option<Lease>,
    watch: Arc<Watch>,
    /// Counts the request as one in flight until the answer is sent, or given up.
    in_flight: Option<InFlight>,
    record: Option<Record>,
    /// A bug of ours left it half done.
    panicked: bool,
}

impl AnswerBody {
    /// A body of ours.
    pub(super) fn own(text: impl Into<Bytes>) -> AnswerBody {
        AnswerBody::Own(Box::new(Own { full: Full::new(text.into()), record: None, bare: false }))
    }

    /// What comes from the upstream on the connection of `lease`, with at most `patience` between two pieces.
    pub(super) fn stream(
        incoming: Incoming,
        patience: Duration,
        lease: Lease,
        watch: Arc<Watch>,
    ) -> AnswerBody {
        let pieces = Pieces::new(incoming, patience);
        AnswerBody::Upstream(Box::new(Streamed {
            pieces,
            lease: Some(lease),
            watch,
            in_flight: None,
            record: None,
            panicked: false,
        }))
    }

    /// Keeps `in_flight` until the body is done with. An answer of ours is written in one go, so it is done now.
    pub(super) fn carry(&mut self, in_flight: InFlight) {
        match self {
            AnswerBody::Own(_) => drop(in_flight),
            AnswerBody::Upstream(streamed) => streamed.in_flight = Some(in_flight),
        }
    }

    /// Keeps the record of the request until the body is dropped; `bare` where only the head is sent.
    pub(super) fn keep(&mut self, record: Record, bare: bool) {
        match self {
            AnswerBody::Own(own) => (own.record, own.bare) = (Some(record), bare),
            AnswerBody::Upstream(streamed) => streamed.record = Some(record),
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            AnswerBody::Own(own) => {
                let polled = Pin::new(&mut own.full).poll_frame(cx);
                if let (Poll::Ready(Some(Ok(frame))), Some(record)) = (&polled, &mut own.record) {
                    record.sent(frame.data_ref().map_or(0, Bytes::len));
                }
                polled.map(|frame| frame.map(|frame| frame.map_err(|never| match never {})))
            }
            AnswerBody::Upstream(streamed) => {
                let polled =
                    caught_now(|| streamed.poll(cx)).unwrap_or_else(|panic| streamed.give_up(&*panic));
                polled.map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            AnswerBody::Own(own) => own.full.is_end_stream(),
            AnswerBody::Upstream(streamed) => streamed.pieces.is_done(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Own(own) => own.full.size_hint(),
            AnswerBody::Upstream(streamed) => streamed.pieces.incoming.size_hint(),
        }
    }
}

impl Streamed {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let polled = self.pieces.poll(cx);
        if let Some(record) = &mut self.record {
            note(record, &polled);
        }
        if let Poll::Ready(Some(Err(broken))) = &polled {
            // A client of HTTP/1.0 knows the end of an answer by the end of the connection, so the connection must not
            // end in order.
            self.watch.break_off();
            tracing::debug!(error = %broken, "an answer broke off");
        }
        polled
    }

    /// After a panic: this answer is broken off, and its connection to the app is not used again.
    fn give_up(&mut self, panic: &(dyn Any + Send)) -> Poll<Option<Result<Bytes, Broken>>> {
        self.watch.break_off();
        self.panicked = true;
        if let Some(record) = &mut self.record {
            record.panicked(message(panic));
        }
        Poll::Ready(Some(Err(Broken::Panicked)))
    }
}

/// Tells the record what came of asking for a piece of the upstream's answer.
fn note(record: &mut Record, polled: &Poll<Option<Result<Bytes, Broken>>>) {
    match polled {
        Poll::Pending => record.waits(),
        Poll::Ready(piece) => {
            record.waited();
            match piece {
                Some(Ok(data)) => record.sent(data.len()),
                Some(Err(_)) => record.is_broken(),
                None => {}
            }
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(record) = &mut self.record
            && (self.bare || self.full.is_end_stream())
        {
            record.is_whole();
        }
    }
}

impl Drop for Streamed {
    /// hyper drops a body when it has its end, or when the client has gone.
    fn drop(&mut self) {
        if let Some(record) = &mut self.record
            && self.pieces.is_done()
        {
            record.is_whole();
        }
        let Some(lease) = self.lease.take() else { return };
        if !lease.request_is_sent() {
            // The upstream answered before it had the whole request; the rest of it will not be read.
            self.watch.leave_unread();
        }
        if self.pieces.is_done() && !self.panicked {
            lease.give_back();
        }
    }
}
