//! `GET /status`: what is in force, since when, and what to worry about.

use super::{LogFilter, Sources};
use crate::identity::KeySource;
use crate::pdp::{Pdp, RosterInForce};
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
        "rosters": sources.pdp.rosters().iter().map(|one| roster(one, now)).collect::<Vec<_>>(),
        "files": sources.reloads.iter().map(|progress| file(&progress.status(), now)).collect::<Vec<_>>(),
        "certificates": certificates(sources, now),
        "keys": sources.key_sources.iter().map(keys).collect::<Vec<_>>(),
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
        ("suspended_credentials", status.suspended_credentials.into()),
        ("blocks", status.blocks.into()),
    ] {
        told.insert(name.to_owned(), value);
    }
    told.into()
}

/// How many rows that are set aside are told with their places.
const ROWS_TOLD_MAX: usize = 20;

/// A roster in force, which may be older than the one on the disk.
fn roster(roster: &RosterInForce, now: Time) -> Value {
    let report = &roster.report;
    let causes: Map<String, Value> =
        report.set_aside.counts().map(|(cause, count)| (cause.as_str().to_owned(), count.into())).collect();
    let first = report
        .set_aside
        .listed()
        .iter()
        .take(ROWS_TOLD_MAX)
        .map(|aside| json!({ "file": aside.file, "line": aside.line, "cause": aside.cause.as_str() }));
    json!({
        "name": report.name,
        "digest": roster.digest,
        "as_of": report.as_of.map(|as_of| as_of.to_string()),
        "stale": roster.is_stale(now),
        "rows": report.rows,
        "set_aside": { "rows": report.set_aside.total(), "causes": causes, "first": first.collect::<Vec<_>>() },
        "failing": roster.failing,
    })
}

/// A set of files by its name, the bundle among them.
fn file(status: &reload::Status, now: Time) -> Map<String, Value> {
    let mut told = loading(status, now);
    told.insert("name".to_owned(), status.name.as_str().into());
    told
}

/// The certificates in use, which may be older than their files.
fn certificates(sources: &Sources, now: Time) -> Vec<Value> {
    let all = sources.certificates.as_ref().map(|certificates| certificates.all()).unwrap_or_default();
    let told = all.iter().map(|certificate| {
        let validity = certificate.validity();
        json!({
            "file": certificate.files().chain.display().to_string(),
            "valid_from": validity.from.to_string(),
            "valid_until": validity.until.to_string(),
            "valid_now": validity.holds(now),
        })
    });
    told.collect()
}

/// The keys of an issuer, and how fetching them goes where they are at a URL.
fn keys(source: &KeySource) -> Value {
    let fetched = source.remote().map(|remote| {
        let fetches = remote.fetches();
        json!({
            "url": remote.url().to_string(),
            "last_success_at": fetches.last_success.map(|at| at.to_string()),
            "last_failure": fetches.failing,
        })
    });
    json!({ "issuer": source.issuer(), "loaded": source.ready(), "fetched": fetched })
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
