//! One request, from its head to the head of its answer: exactly one answer and exactly one record, on every path.

use super::answer::{self, Form};
use super::body::AnswerBody;
use super::enforce::{Asked, DECISION_ID, Refusal, id_value};
use super::forward::forward;
use super::panics::{caught, message};
use super::wire::Watch;
use super::worker::Worker;
use crate::decision::Reason;
use crate::policy::table::Id;
use crate::telemetry::{Present, Record};
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Answers one request of the client at `peer`.
pub(super) async fn exchange(
    worker: Rc<Worker>,
    watch: Arc<Watch>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Response<AnswerBody> {
    let shared = &worker.shared;
    let in_flight = Present::in_gauge(&shared.metrics.in_flight);
    let id = shared.ids.next();
    let mut record = Record::begin(id, request.method().clone(), shared.metrics.clone());
    let form = Form::wanted(request.headers());
    let has_body = !request.body().is_end_stream();

    let outcome = match caught(run(&worker, &watch, peer, request, &mut record)).await {
        Ok(outcome) => outcome,
        Err(panic) => {
            shared.metrics.panics.inc();
            tracing::error!(id = %id, panic = message(&*panic), "a request panicked");
            Err(Refusal::new(Reason::Internal, "a panic"))
        }
    };
    let mut response = match outcome {
        Ok(mut response) => {
            response.body_mut().carry(in_flight);
            response
        }
        Err(refusal) => {
            record.refuse(refusal.reason, &refusal.detail);
            let mut response = answer::refuse(&refusal, id, form, shared.show_reason);
            if has_body {
                // The rest of the body is not read, and must never be taken for a request.
                watch.leave_unread();
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    };
    // An id of the upstream's own gives way.
    response.headers_mut().insert(DECISION_ID, id_value(id));
    record.status(response.status());
    response
}

async fn run(
    worker: &Rc<Worker>,
    watch: &Arc<Watch>,
    peer: IpAddr,
    request: Request<Incoming>,
    record: &mut Record,
) -> Result<Response<AnswerBody>, Refusal> {
    let shared = &worker.shared;
    let (parts, incoming) = request.into_parts();
    let snapshot = worker.reader.snapshot();
    let asked = Asked {
        parts,
        peer,
        length: incoming.size_hint().exact(),
        snapshot: snapshot.as_deref(),
        now: shared.clock.now(),
    };
    let decided = shared.enforcer.enforce(asked, record);
    if let Some(snapshot) = &snapshot {
        let (domain, reason) = match &decided {
            Ok(permit) => (permit.domain(), permit.reason()),
            Err(refusal) => (refusal.domain, refusal.reason),
        };
        record.count(snapshot.decisions(&shared.metrics), domain.map(Id::row), reason);
    }
    forward(decided?, incoming, worker.pool.clone(), shared.patience, watch.clone(), record)
        .await
        .map_err(|failure| Refusal::new(failure.reason, failure.detail))
}
