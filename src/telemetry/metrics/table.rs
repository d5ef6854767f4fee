//! Every metric by name: its kind, its labels and its help text. Nothing else in the program names a metric, and
//! `docs/metrics.md` is generated from here (`tests/metrics.rs`).
//!
//! Conventions: names begin with `hallpass_`, counters end in `_total`, times are seconds, moments are seconds since
//! 1970. No label has a value that comes from a request: the set of series is known when a bundle is loaded.

/// What is known of a metric before anything is counted.
#[derive(Debug)]
pub struct Family {
    /// The name.
    pub name: &'static str,
    /// How its numbers are to be read.
    pub kind: Kind,
    /// The labels, in the order in which handles give their values.
    pub labels: &'static [Label],
    /// What it counts, and in which unit.
    pub help: &'static str,
    /// The part of the program that must be switched on for the metric to be shown; none for those always shown.
    pub part: Option<&'static str>,
}

/// How the numbers of a metric are to be read.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Only grows, and begins at 0 with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations below each bound, in seconds.
    Histogram(&'static [f64]),
}

/// One label and the values that it can have.
#[derive(Debug)]
pub struct Label {
    /// The name.
    pub name: &'static str,
    /// The values, for a person.
    pub values: &'static str,
}

/// From 10 microseconds: what a request costs here is some tens of them.
const OVERHEAD: &[f64] = &[
    0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5,
    1.0,
];

/// From 10 microseconds, for refusals, to the time that an app may take.
const TOTAL: &[f64] = &[
    0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Writes each family once, as a constant and as a row of [`ALL`].
macro_rules! families {
    ($($constant:ident $name:literal $kind:expr, [$($label:literal: $values:expr),*], $part:expr, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Family = Family {
                name: $name,
                kind: $kind,
                labels: &[$(Label { name: $label, values: $values }),*],
                help: $help,
                part: $part,
            };
        )*
        /// All families, in the order of the documentation.
        pub const ALL: &[Family] = &[$($constant),*];
    };
}

const CACHE: Option<&str> = Some("a cache");
const JWKS: Option<&str> = Some("a key set");
const LOG: Option<&str> = Some("the decision log");
const RELOAD: Option<&str> = Some("a watched source");
const BUNDLE: Option<&str> = Some("a loaded bundle");
const ROSTER: Option<&str> = Some("a roster");
const TLS: Option<&str> = Some("TLS");

/// What is watched, by the names of the status.
const SOURCES: &str = "bundle, suspended, certificate/N (its place in tls.certificates), upstream_ca, keys/ISSUER and keys_ca/ISSUER of the configuration";

const ROSTERS: &str = "the rosters that the bundle declares";
const CACHES: &str = "tokens, decisions";
const ISSUERS: &str = "the issuers of the configuration";

families! {
    REQUESTS "hallpass_requests_total" Kind::Counter,
        ["method": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, other",
         "code": "1xx to 5xx by the status that the caller got; none if the caller left before an answer"], None,
        "Requests whose head could be read, by method and class of status.";
    REQUEST_SECONDS "hallpass_request_duration_seconds" Kind::Histogram(TOTAL), [], None,
        "Time from the head of a request to the head of its answer.";
    OVERHEAD_SECONDS "hallpass_overhead_seconds" Kind::Histogram(OVERHEAD), [], None,
        "The part of hallpass_request_duration_seconds that was not spent waiting for the upstream.";
    IN_FLIGHT "hallpass_requests_in_flight" Kind::Gauge, [], None,
        "Requests that were begun and whose answers are not yet wholly sent.";
    DECISIONS "hallpass_decisions_total" Kind::Counter,
        ["domain": "the domains of the bundle in force; empty where none was asked",
         "decision": "allow, deny", "reason": "the reasons of the policy model"], None,
        "Decisions, one for each request, by domain and reason.";
    UPSTREAM_FAILURES "hallpass_upstream_failures_total" Kind::Counter,
        ["reason": "overloaded, upstream_refused, upstream_bad, upstream_timeout, malformed, internal"], None,
        "Permitted requests that got no answer of the upstream, by the reason that the caller was refused for.";
    PANICS "hallpass_panics_total" Kind::Counter, [], None,
        "Panics inside a request or a connection; each of them is a bug.";
    CONNECTIONS "hallpass_client_connections_total" Kind::Counter, [], None,
        "Client connections accepted.";
    CONNECTIONS_OPEN "hallpass_client_connections_open" Kind::Gauge, [], None,
        "Client connections open now.";
    CLOSED "hallpass_client_connections_closed_total" Kind::Counter,
        ["cause": "done, parse_error, head_timeout, idle_timeout, write_timeout, incomplete, broken, io, handshake_timeout, not_tls, handshake_incompatible, handshake_refused, handshake_left, handshake_broken"], None,
        "Client connections that ended, by cause; done is the only one that is no error.";
    ACCEPT_PAUSED "hallpass_accept_paused_total" Kind::Counter, [], None,
        "Times that a worker had to wait because limits.connections were open.";
    ACCEPT_FAILED "hallpass_accept_failed_total" Kind::Counter, [], None,
        "Errors of accept itself, such as too many open files.";
    UPSTREAM_CONNECTIONS "hallpass_upstream_connections_total" Kind::Counter, [], None,
        "Connections opened to the upstream.";
    UPSTREAM_REUSED "hallpass_upstream_connections_reused_total" Kind::Counter, [], None,
        "Exchanges that began on a kept upstream connection.";
    DRAINING "hallpass_draining" Kind::Gauge, [], None,
        "1 from the moment the process is told to stop, 0 before.";
    BUNDLE_INFO "hallpass_bundle_info" Kind::Gauge, ["revision": "SHA-256 of the bundle in force"], BUNDLE,
        "1 for the revision of the bundle in force.";
    PEOPLE "hallpass_bundle_people" Kind::Gauge, [], BUNDLE,
        "People in the roster of the bundle in force.";
    ROSTER_ROWS "hallpass_roster_rows" Kind::Gauge, ["roster": ROSTERS], ROSTER,
        "Rows of the roster in force.";
    ROSTER_SET_ASIDE "hallpass_roster_rows_set_aside" Kind::Gauge,
        ["roster": ROSTERS, "cause": "the causes of docs/bundle.md"], ROSTER,
        "Rows of the roster in force that hold nothing, by cause.";
    ROSTER_AS_OF "hallpass_roster_as_of_timestamp_seconds" Kind::Gauge, ["roster": ROSTERS], ROSTER,
        "From when the data of the roster in force is, in seconds since 1970.";
    ROSTER_FAILING "hallpass_roster_failing" Kind::Gauge, ["roster": ROSTERS], ROSTER,
        "1 if the roster on the disk cannot be used and an earlier one is in force, else 0.";
    RELOADS "hallpass_reloads_total" Kind::Counter,
        ["source": SOURCES, "result": "success, failure"], RELOAD,
        "Attempts to load a source, by result; a failure leaves in force what was in force.";
    RELOAD_SUCCESSFUL "hallpass_reload_last_successful" Kind::Gauge, ["source": SOURCES], RELOAD,
        "1 if the last attempt to load the source succeeded, 0 if it failed.";
    RELOAD_SUCCESS_TIME "hallpass_reload_last_success_timestamp_seconds" Kind::Gauge,
        ["source": SOURCES], RELOAD,
        "When the source was last loaded, in seconds since 1970.";
    CACHE_LOOKUPS "hallpass_cache_lookups_total" Kind::Counter,
        ["cache": CACHES, "result": "hit, miss"], CACHE,
        "Look-ups in a cache, by result.";
    CACHE_EVICTIONS "hallpass_cache_evictions_total" Kind::Counter, ["cache": CACHES], CACHE,
        "Entries that gave way to others, or grew too old.";
    CACHE_ENTRIES "hallpass_cache_entries" Kind::Gauge, ["cache": CACHES], CACHE,
        "Entries in a cache.";
    JWKS_KEYS "hallpass_jwks_keys" Kind::Gauge, ["issuer": ISSUERS], JWKS,
        "Keys of an issuer that are in use.";
    JWKS_REFRESHES "hallpass_jwks_refreshes_total" Kind::Counter,
        ["issuer": ISSUERS, "result": "success, failure"], JWKS,
        "Attempts to fetch the keys of an issuer, by result.";
    JWKS_SUCCESS_TIME "hallpass_jwks_last_success_timestamp_seconds" Kind::Gauge,
        ["issuer": ISSUERS], JWKS,
        "When the keys of an issuer were last fetched, in seconds since 1970.";
    CERTIFICATE_EXPIRY "hallpass_certificate_expiry_timestamp_seconds" Kind::Gauge,
        ["certificate": "its place in tls.certificates, from 0"], TLS,
        "When a certificate runs out, in seconds since 1970.";
    LOG_QUEUE "hallpass_log_queue_lines" Kind::Gauge, [], LOG,
        "Lines of the decision log that wait to be written.";
    LOG_LINES "hallpass_log_lines_total" Kind::Counter, ["result": "written, dropped, failed"], LOG,
        "Lines of the decision log, by what became of them.";
    BUILD_INFO "hallpass_build_info" Kind::Gauge, ["version": "the version of the program"], None,
        "1 for the version that runs.";
    START_TIME "hallpass_start_timestamp_seconds" Kind::Gauge, [], None,
        "When the process began to serve, in seconds since 1970.";
}

/// The table of the documentation.
pub fn markdown() -> String {
    let mut text = String::from(HEAD);
    for family in ALL {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let labels: Vec<String> =
            family.labels.iter().map(|label| format!("`{}`: {}", label.name, label.values)).collect();
        let part = family.part.unwrap_or("always");
        text +=
            &format!("| `{}` | {kind} | {} | {part} | {} |\n", family.name, labels.join("<br>"), family.help);
    }
    text
}

const HEAD: &str = "# Metrics

Generated from `src/telemetry/metrics/table.rs`; `UPDATE_DOCS=1 cargo test --test metrics` writes it anew.

`GET /metrics` on the health listener, in the text format of Prometheus. No label has a value that comes from a request, so
a caller cannot make the number of series grow. Shown with: what must be switched on for the metric to be there.

| name | kind | labels | shown with | |
| --- | --- | --- | --- | --- |
";
