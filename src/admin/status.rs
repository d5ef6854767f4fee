//! `GET /status`: what is in force, since when, and what to worry about.

use super::{LogFilter, Sources};
use crate::pdp::Pdp;
use crate::time::Time;
use serde_json::{Value, json};

pub(super) fn status(sources: &Sources, started: Time, now: Time) -> Value {
    let unsafe_settings: Vec<Value> =
        sources.unsafe_settings.iter().map(|one| json!({ "setting": one.setting, "why": one.why })).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started_at": started.to_string(),
        "draining": sources.readiness.is_draining(),
        "keys_loaded": sources.readiness.has_keys(),
        "bundle": bundle(&sources.pdp, started, now),
        "log_filter": sources.log.as_ref().map(LogFilter::text),
        "unsafe_settings": unsafe_settings,
    })
}

/// The bundle in force and the last attempt to load one. A bundle is loaded once, when the process starts; whoever loads
/// it again says here when, and why it failed.
fn bundle(pdp: &Pdp, started: Time, now: Time) -> Value {
    let Some(snapshot) = pdp.snapshot() else { return Value::Null };
    let bundle = snapshot.bundle();
    let age_seconds = (now.unix_micros() - started.unix_micros()).max(0) / 1_000_000;
    json!({
        "name": bundle.name(),
        "revision": bundle.revision(),
        "people": bundle.people().iter().count(),
        "loaded_at": started.to_string(),
        "age_seconds": age_seconds,
        "last_failure": null,
    })
}
