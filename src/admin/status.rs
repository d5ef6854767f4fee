//! `GET /status`: what is in force, since when, and what to worry about.

use super::{LogFilter, Sources};
use crate::pdp::Pdp;
use crate::reload;
use crate::time::Time;
use serde_json::{Map, Value, json};

pub(super) fn status(sources: &Sources, started: Time, now: Time) -> Value {
    let unsafe_settings: Vec<Value> =
        sources.unsafe_settings.iter().map(|one| json!({ "setting": one.setting, "why": one.why })).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": started.to_string(),
        "draining": sources.readiness.is_draining(),
        "keys_loaded": sources.readiness.has_keys(),
        "bundle": bundle(&sources.pdp, now),
        "suspended": sources.pdp.status().suspended.map(|status| loading(&status, now)),
        "log_filter": sources.log.as_ref().map(LogFilter::text),
        "unsafe_settings": unsafe_settings,
    })
}

/// The bundle in force and the last attempt to load one.
fn bundle(pdp: &Pdp, now: Time) -> Value {
    let Some(snapshot) = pdp.snapshot() else { return Value::Null };
    let bundle = snapshot.bundle();
    let status = pdp.status();
    let mut told = loading(&status.bundle, now);
    for (name, value) in [
        ("name", Value::from(bundle.name())),
        // Of this snapshot, whatever is loaded meanwhile.
        ("revision", bundle.revision().into()),
        ("people", bundle.people().len().into()),
        ("suspended_people", status.suspended_people.into()),
        ("blocks", status.blocks.into()),
    ] {
        told.insert(name.to_owned(), value);
    }
    told.into()
}

/// How loading a set of files goes.
fn loading(status: &reload::Status, now: Time) -> Map<String, Value> {
    let failure = status.failure.as_ref().map(
        |failure| json!({ "at": failure.at.to_string(), "text": failure.text, "retried": failure.retried }),
    );
    let mut told = Map::new();
    for (name, value) in [
        ("revision", json!(status.revision)),
        ("loaded_at", json!(status.loaded.map(|at| at.to_string()))),
        ("age_seconds", json!(status.age(now).map(|age| age.as_secs()))),
        ("last_attempt_at", json!(status.last_attempt.map(|at| at.to_string()))),
        ("last_failure", json!(failure)),
    ] {
        told.insert(name.to_owned(), value);
    }
    told
}
