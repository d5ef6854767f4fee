//! One request, from its head to the head of its answer: exactly one answer and exactly one record, on every path. The
//! record goes on with the body of the answer and ends with it.

use super::answer::{self, Accepts};
use super::body::AnswerBody;
use super::enforce::{Asked, Caller, DECISION_ID, Peer, Permit, Refusal, id_value};
use super::forward::forward;
use super::panics::{caught, caught_now, message};
use super::wire::Watch;
use super::worker::Worker;
use crate::decision::Reason;
use crate::message::{Correlation, Seen};
use crate::policy::table::Id;
use crate::telemetry::{Asker, Clock, Record, SystemClock};
use crate::time::Time;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

/// Answers one request of the client at `peer`. All that is calculation is done before there is a future, and if a
/// connection is at hand, the request is sent; what waits is put in one place and stays there.
pub(super) fn exchange(
    worker: Rc<Worker>,
    watch: Arc<Watch>,
    peer: &Peer,
    mut request: Request<Incoming>,
) -> Pin<Box<impl Future<Output = Result<Response<AnswerBody>, Infallible>> + use<>>> {
    let shared = &worker.shared;
    let in_flight = worker.local.in_flight();
    let id = shared.ids.next();
    let value = id_value(id);
    let clock = caught_now(|| shared.clock.now());
    let now = clock.as_ref().map_or_else(|_| SystemClock.now(), |now| *now);
    let seen = shared.enforcer.look(request.headers());
    let correlation = Correlation::keep_sane(request.headers_mut(), &seen);
    let asker = Asker {
        now,
        peer: peer.address,
        method: request.method(),
        request_id: correlation.request_id(),
        trace_id: correlation.trace_id(),
    };
    let mut record = Record::begin(id, &asker, shared.log.as_ref(), worker.local.clone());
    let is_head = request.method() == Method::HEAD;
    let accepts = Accepts::of(request.headers());
    let has_body = !request.body().is_end_stream();
    let sent = clock.and_then(|now| {
        caught_now(|| {
            let enforced = enforce(&worker, peer, now, value.clone(), (request, seen), &mut record);
            enforced.map(|(permit, incoming)| {
                forward(permit, incoming, worker.pool.clone(), shared.patience, watch.clone())
            })
        })
    });

    Box::pin(async move {
        let outcome = match sent {
            Ok(Ok(sent)) => caught(sent(&mut record))
                .await
                .map(|answer| answer.map_err(|failure| Refusal::new(failure.reason, failure.detail))),
            Ok(Err(refusal)) => Ok(Err(refusal)),
            Err(panic) => Err(panic),
        };
        let shared = &worker.shared;
        let outcome = outcome.unwrap_or_else(|panic| {
            shared.metrics.panics.inc();
            tracing::error!(id = %id, panic = message(&*panic), "a request panicked");
            Err(Refusal::new(Reason::Internal, "a panic"))
        });
        let mut response = match outcome {
            Ok(mut response) => {
                record.upstream_status(response.status());
                response.body_mut().carry(in_flight);
                response
            }
            Err(refusal) => {
                record.refuse(refusal.reason, &refusal.detail);
                let mut response = answer::refuse(&refusal, id, accepts.form(), shared.show_reason);
                if has_body {
                    // The rest of the body is not read, and must never be taken for a request.
                    watch.leave_unread();
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response
            }
        };
        // An id of the upstream's own gives way.
        response.headers_mut().insert(DECISION_ID, value);
        record.status(response.status());
        response.body_mut().keep(record, is_head);
        Ok(response)
    })
}

/// Reads, decides and counts the decision. What comes of it may be forwarded: its line has a place where it must have one.
fn enforce(
    worker: &Worker,
    peer: &Peer,
    now: Time,
    id: HeaderValue,
    (request, seen): (Request<Incoming>, Seen),
    record: &mut Record,
) -> Result<(Permit, Incoming), Refusal> {
    let shared = &worker.shared;
    let (parts, incoming) = request.into_parts();
    let snapshot = worker.reader.snapshot();
    let asked = Asked {
        parts,
        seen,
        caller: Caller { peer, now, tokens: &worker.tokens, decisions: shared.decisions.as_ref() },
        id,
        length: incoming.size_hint().exact(),
        snapshot: snapshot.as_deref(),
    };
    let decided = shared.enforcer.enforce(asked, record);
    if let Some(snapshot) = &snapshot {
        let (domain, reason) = match &decided {
            Ok(permit) => (permit.domain(), permit.reason()),
            Err(refusal) => (refusal.domain, refusal.reason),
        };
        record.count(snapshot.decisions(&shared.metrics), domain.map(Id::row), reason);
    }
    let permit = decided?;
    if !record.reserve() {
        return Err(Refusal::new(Reason::Overloaded, "the decision cannot be logged"));
    }
    Ok((permit, incoming))
}
