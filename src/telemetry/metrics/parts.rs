//! Handles for the parts that can be switched off. A part asks for its handle once, when it starts, and keeps it; from
//! then on its metrics are shown. Asking twice gives the same numbers.

use super::{Families, Metrics};
use crate::time::Time;
use prometheus::{IntCounter, IntGauge};

/// The numbers of one cache.
#[derive(Debug, Clone)]
pub struct CacheMetrics {
    /// Look-ups that found something.
    pub hits: IntCounter,
    /// Look-ups that found nothing, or nothing that still holds.
    pub misses: IntCounter,
    /// Entries that gave way to others, or grew too old.
    pub evictions: IntCounter,
    /// Entries now.
    pub entries: IntGauge,
}

/// Something that is loaded again and again while the process runs.
#[derive(Debug, Clone)]
pub struct ReloadMetrics {
    succeeded: IntCounter,
    failed: IntCounter,
    last_successful: IntGauge,
    last_success: IntGauge,
}

impl ReloadMetrics {
    /// A load at `now` succeeded.
    pub fn success(&self, now: Time) {
        self.succeeded.inc();
        self.last_successful.set(1);
        self.last_success.set(seconds(now));
    }

    /// A load failed; what was in force stays in force.
    pub fn failure(&self) {
        self.failed.inc();
        self.last_successful.set(0);
    }
}

/// The keys of one issuer.
#[derive(Debug, Clone)]
pub struct JwksMetrics {
    /// Keys in use.
    pub keys: IntGauge,
    succeeded: IntCounter,
    failed: IntCounter,
    last_success: IntGauge,
}

impl JwksMetrics {
    /// The keys were fetched at `now`.
    pub fn success(&self, now: Time) {
        self.succeeded.inc();
        self.last_success.set(seconds(now));
    }

    /// The keys could not be fetched; those that were in use stay in use.
    pub fn failure(&self) {
        self.failed.inc();
    }
}

/// The decision log's way to its file.
#[derive(Debug, Clone)]
pub struct LogMetrics {
    /// Lines that wait.
    pub queue: IntGauge,
    /// Lines written.
    pub written: IntCounter,
    /// Lines given up because the queue was full.
    pub dropped: IntCounter,
    /// Lines that could not be written.
    pub failed: IntCounter,
}

/// The numbers of a roster in force.
#[derive(Debug, Clone)]
pub struct RosterNumbers<'r> {
    /// The name that the bundle declares it by.
    pub name: &'r str,
    /// All rows.
    pub rows: u32,
    /// Those of them that hold nothing, by cause.
    pub set_aside: Vec<(&'static str, u32)>,
    /// From when its data is.
    pub as_of: Option<Time>,
    /// Whether the one on the disk cannot be used.
    pub failing: bool,
}

/// Which cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheName {
    /// Verified tokens.
    Tokens,
    /// Decisions.
    Decisions,
}

impl Metrics {
    /// The numbers of a cache.
    pub fn cache(&self, cache: CacheName) -> CacheMetrics {
        let name = match cache {
            CacheName::Tokens => "tokens",
            CacheName::Decisions => "decisions",
        };
        let Families { cache_lookups, cache_evictions, cache_entries, .. } = &self.families;
        CacheMetrics {
            hits: cache_lookups.with_label_values(&[name, "hit"]),
            misses: cache_lookups.with_label_values(&[name, "miss"]),
            evictions: cache_evictions.with_label_values(&[name]),
            entries: cache_entries.with_label_values(&[name]),
        }
    }

    /// The numbers of a set of files that is loaded again and again. `name` comes from the configuration.
    pub fn reload(&self, name: &str) -> ReloadMetrics {
        let Families { reloads, reload_successful, reload_success_time, .. } = &self.families;
        ReloadMetrics {
            succeeded: reloads.with_label_values(&[name, "success"]),
            failed: reloads.with_label_values(&[name, "failure"]),
            last_successful: reload_successful.with_label_values(&[name]),
            last_success: reload_success_time.with_label_values(&[name]),
        }
    }

    /// The numbers of a key set. `issuer` comes from the configuration, never from a token.
    pub fn jwks(&self, issuer: &str) -> JwksMetrics {
        let Families { jwks_keys, jwks_refreshes, jwks_success_time, .. } = &self.families;
        JwksMetrics {
            keys: jwks_keys.with_label_values(&[issuer]),
            succeeded: jwks_refreshes.with_label_values(&[issuer, "success"]),
            failed: jwks_refreshes.with_label_values(&[issuer, "failure"]),
            last_success: jwks_success_time.with_label_values(&[issuer]),
        }
    }

    /// The end of the certificate at `place` of `tls.certificates`, to be set in seconds since 1970.
    pub fn certificate_expiry(&self, place: usize) -> IntGauge {
        self.families.certificate_expiry.with_label_values(&[place.to_string()])
    }

    /// The numbers of the decision log.
    pub fn log(&self) -> LogMetrics {
        let Families { log_queue, log_lines, .. } = &self.families;
        LogMetrics {
            queue: log_queue.with_label_values::<&str>(&[]),
            written: log_lines.with_label_values(&["written"]),
            dropped: log_lines.with_label_values(&["dropped"]),
            failed: log_lines.with_label_values(&["failed"]),
        }
    }
}

/// An instant in the unit of the metrics.
pub(super) fn seconds(time: Time) -> i64 {
    time.unix_micros().div_euclid(1_000_000)
}
