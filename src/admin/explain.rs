//! `POST /explain`: one AuthZEN request, answered in words by the code that answers on the data port.

use super::error;
use crate::decision::authzen;
use crate::json;
use crate::listener::{self, Answer};
use crate::pdp::Snapshot;
use crate::story;
use crate::time::Time;
use http::StatusCode;
use serde_json::json;

/// Answers the request that `body` holds; `now` stands in where it states no time.
pub(super) fn answer(snapshot: Option<&Snapshot>, body: &[u8], now: Time) -> Answer {
    let value = match json::parse(body) {
        Ok(value) => value,
        Err(why) => {
            let text = format!("not JSON: {} in line {}, column {}", why.message, why.line, why.column);
            return error(StatusCode::BAD_REQUEST, &text);
        }
    };
    let request = match authzen::Request::read(&value) {
        Ok(request) => request,
        Err(why) => return error(StatusCode::BAD_REQUEST, &why.to_string()),
    };
    let Some(snapshot) = snapshot else {
        return error(StatusCode::SERVICE_UNAVAILABLE, "no bundle is loaded");
    };
    let bundle = snapshot.bundle();
    let mut text = Vec::new();
    // Writing into memory does not fail.
    let Ok(decision) = story::answer(bundle, &request, now, &mut text) else {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "the story cannot be written");
    };
    let answer = json!({
        "decision": decision.is_allow(),
        "reason": decision.reason.as_str(),
        "story": String::from_utf8_lossy(&text),
        "revision": bundle.revision(),
    });
    listener::json(StatusCode::OK, &answer)
}
