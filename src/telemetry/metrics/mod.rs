//! What happened so far, in numbers: for operators, in the text format of Prometheus.
//!
//! In reading order: [`table`] names every metric; [`Metrics`] holds them, the ones of the request path as plain atomics
//! that are found by index; [`Local`] counts for one worker what every request counts; `parts` has handles for what can
//! be switched off; [`Decisions`] counts for the domains of one bundle.
//!
//! Nothing here has a label that a caller can choose, and nothing on the request path takes a lock.

mod build;
mod connections;
mod local;
mod parts;
mod requests;
pub mod table;

pub use connections::{Closed, Ends, Present};
pub use local::{InFlight, Local, Sum};
pub use parts::{CacheMetrics, CacheName, JwksMetrics, LogMetrics, ReloadMetrics, RosterNumbers};
pub use requests::{Decisions, Requests};

use crate::decision::Reason;
use crate::time::Time;
use build::Builder;
use local::{Locals, Shown};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry, TextEncoder};
use requests::{Reasons, decision};
use std::sync::{Arc, Mutex, PoisonError};

/// The numbers of one process. The workers never wait for each other.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    families: Families,
    /// What each worker counts for itself.
    locals: Arc<Locals>,
    /// What is shown of the bundle in force.
    shown: Mutex<Displayed>,
    /// Decisions that no bundle had a part in.
    undecided: Reasons,
    failures: Reasons,

    /// Requests that have ended.
    pub requests: Requests,
    /// Requests whose answers are not wholly sent.
    pub in_flight: Sum,
    /// Panics inside a request or a connection; each of them is a bug.
    pub panics: IntCounter,
    /// Client connections accepted.
    pub connections: IntCounter,
    /// Client connections open now.
    pub connections_open: IntGauge,
    /// Client connections that ended.
    pub closed: Ends,
    /// Times a worker had to wait because `limits.connections` were open.
    pub accept_paused: IntCounter,
    /// Errors of `accept` itself, such as too many open files.
    pub accept_failed: IntCounter,
    /// Connections opened to the upstream.
    pub upstream_connections: IntCounter,
    /// Exchanges that began on a kept upstream connection.
    pub upstream_reused: Sum,
    /// 1 while the process is about to stop.
    pub draining: IntGauge,
}

/// Families whose series come and go with what is switched on and loaded.
#[derive(Debug)]
pub(super) struct Families {
    decisions: IntCounterVec,
    bundle_info: IntGaugeVec,
    people: IntGaugeVec,
    roster_rows: IntGaugeVec,
    roster_set_aside: IntGaugeVec,
    roster_as_of: IntGaugeVec,
    roster_failing: IntGaugeVec,
    reloads: IntCounterVec,
    reload_successful: IntGaugeVec,
    reload_success_time: IntGaugeVec,
    cache_lookups: IntCounterVec,
    cache_evictions: IntCounterVec,
    cache_entries: IntGaugeVec,
    jwks_keys: IntGaugeVec,
    jwks_refreshes: IntCounterVec,
    jwks_success_time: IntGaugeVec,
    certificate_expiry: IntGaugeVec,
    log_queue: IntGaugeVec,
    log_lines: IntCounterVec,
    start_time: IntGaugeVec,
}

#[derive(Debug, Default)]
struct Displayed {
    revision: Option<String>,
    /// Every domain that ever had a counter.
    domains: Vec<String>,
}

/// Reasons for which a permitted request can still get an answer of ours.
const FAILURES: [Reason; 6] = [
    Reason::Overloaded,
    Reason::UpstreamRefused,
    Reason::UpstreamBad,
    Reason::UpstreamTimeout,
    Reason::Malformed,
    Reason::Internal,
];

impl Metrics {
    /// All metrics at zero.
    ///
    /// # Errors
    /// A name or label of the table is not one that Prometheus takes; a test holds that all are.
    pub fn new() -> prometheus::Result<Metrics> {
        let registry = Registry::new();
        let build = Builder(&registry);
        // A family without labels has one series, under no values.
        let counter = |family| build.counters(family).map(|family| family.with_label_values::<&str>(&[]));
        let gauge = |family| build.gauges(family).map(|family| family.with_label_values::<&str>(&[]));
        let locals = Arc::new(Locals::default());
        registry.register(Box::new(Shown::new(&locals)?))?;

        let decisions = build.counters(&table::DECISIONS)?;
        let failures = build.counters(&table::UPSTREAM_FAILURES)?;
        build.gauges(&table::BUILD_INFO)?.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Metrics {
            undecided: Reasons::of(&decisions, ""),
            failures: Reasons::new(|reason| {
                // Whatever else should come to pass there would be a fault of our own.
                let reason = if FAILURES.contains(&reason) { reason } else { Reason::Internal };
                failures.with_label_values(&[reason.as_str()])
            }),
            requests: Requests(locals.clone()),
            in_flight: Sum::in_flight(&locals),
            panics: counter(&table::PANICS)?,
            connections: counter(&table::CONNECTIONS)?,
            connections_open: gauge(&table::CONNECTIONS_OPEN)?,
            closed: Ends::new(&build.counters(&table::CLOSED)?),
            accept_paused: counter(&table::ACCEPT_PAUSED)?,
            accept_failed: counter(&table::ACCEPT_FAILED)?,
            upstream_connections: counter(&table::UPSTREAM_CONNECTIONS)?,
            upstream_reused: Sum::reused(&locals),
            draining: gauge(&table::DRAINING)?,
            families: Families {
                decisions,
                bundle_info: build.gauges(&table::BUNDLE_INFO)?,
                people: build.gauges(&table::PEOPLE)?,
                roster_rows: build.gauges(&table::ROSTER_ROWS)?,
                roster_set_aside: build.gauges(&table::ROSTER_SET_ASIDE)?,
                roster_as_of: build.gauges(&table::ROSTER_AS_OF)?,
                roster_failing: build.gauges(&table::ROSTER_FAILING)?,
                reloads: build.counters(&table::RELOADS)?,
                reload_successful: build.gauges(&table::RELOAD_SUCCESSFUL)?,
                reload_success_time: build.gauges(&table::RELOAD_SUCCESS_TIME)?,
                cache_lookups: build.counters(&table::CACHE_LOOKUPS)?,
                cache_evictions: build.counters(&table::CACHE_EVICTIONS)?,
                cache_entries: build.gauges(&table::CACHE_ENTRIES)?,
                jwks_keys: build.gauges(&table::JWKS_KEYS)?,
                jwks_refreshes: build.counters(&table::JWKS_REFRESHES)?,
                jwks_success_time: build.gauges(&table::JWKS_SUCCESS_TIME)?,
                certificate_expiry: build.gauges(&table::CERTIFICATE_EXPIRY)?,
                log_queue: build.gauges(&table::LOG_QUEUE)?,
                log_lines: build.counters(&table::LOG_LINES)?,
                start_time: build.gauges(&table::START_TIME)?,
            },
            shown: Mutex::default(),
            locals,
            registry,
        })
    }

    /// The counters for the domains of a bundle, in the order of the bundle: one look-up by name for each bundle. A
    /// domain that a later bundle no longer has keeps its numbers until the process ends: a request that began with
    /// the earlier bundle may still count there.
    pub fn decisions<'d>(&self, domains: impl Iterator<Item = &'d str>) -> Decisions {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let counters = domains.map(|domain| {
            if !shown.domains.iter().any(|known| known == domain) {
                shown.domains.push(domain.to_owned());
            }
            Reasons::of(&self.families.decisions, domain)
        });
        Decisions { domains: counters.collect(), none: self.undecided.clone() }
    }

    /// Shows these rosters and no others.
    pub fn show_rosters<'r>(&self, rosters: impl Iterator<Item = RosterNumbers<'r>>) {
        let Families { roster_rows, roster_set_aside, roster_as_of, roster_failing, .. } = &self.families;
        let families = [roster_rows, roster_set_aside, roster_as_of, roster_failing];
        families.into_iter().for_each(IntGaugeVec::reset);
        for RosterNumbers { name, rows, set_aside, as_of, failing } in rosters {
            roster_rows.with_label_values(&[name]).set(rows.into());
            for (cause, rows) in set_aside {
                roster_set_aside.with_label_values(&[name, cause]).set(rows.into());
            }
            if let Some(as_of) = as_of {
                roster_as_of.with_label_values(&[name]).set(parts::seconds(as_of));
            }
            roster_failing.with_label_values(&[name]).set(failing.into());
        }
    }

    /// Shows which bundle is in force, and how many people are in it.
    pub fn show_bundle(&self, revision: &str, people: usize) {
        let Families { bundle_info, people: family, .. } = &self.families;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.revision.as_deref() == Some(revision) {
            return;
        }
        bundle_info.reset();
        bundle_info.with_label_values(&[revision]).set(1);
        family.with_label_values::<&str>(&[]).set(i64::try_from(people).unwrap_or(i64::MAX));
        shown.revision = Some(revision.to_owned());
    }

    /// Shows when the process began to serve.
    pub fn started(&self, now: Time) {
        self.families.start_time.with_label_values::<&str>(&[]).set(parts::seconds(now));
    }

    /// Counts a request that was refused before a bundle had a part in it.
    pub fn undecided(&self, reason: Reason) {
        self.undecided.count(reason);
    }

    /// Counts a permitted request that was answered by us all the same.
    pub fn failed(&self, reason: Reason) {
        self.failures.count(reason);
    }

    /// How many requests were answered by us for `reason`. Adds up series: not for the request path.
    pub fn refused(&self, reason: Reason) -> u64 {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let domains = shown.domains.iter().map(String::as_str).chain([""]);
        let denied: u64 = domains
            .map(|domain| {
                let labels = [domain, decision(reason), reason.as_str()];
                self.families.decisions.with_label_values(&labels).get()
            })
            .sum();
        denied + if FAILURES.contains(&reason) { self.failures.get(reason) } else { 0 }
    }

    /// Everything, in the text format of Prometheus.
    ///
    /// # Errors
    /// The encoder refuses what was gathered, which would be a fault of our own.
    pub fn render(&self) -> prometheus::Result<String> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new().unwrap()
    }

    #[test]
    fn counts_each_reason_by_itself_and_each_domain_by_itself() {
        let metrics = metrics();
        let decisions = metrics.decisions(["toddle", "forms"].into_iter());
        decisions.count(Some(1), Reason::NoRoleInContext);
        decisions.count(Some(1), Reason::NoRoleInContext);
        decisions.count(None, Reason::NoRoute);
        decisions.count(Some(9), Reason::NoRoute);
        metrics.undecided(Reason::Internal);
        metrics.failed(Reason::UpstreamBad);
        assert_eq!(metrics.refused(Reason::NoRoleInContext), 2);
        assert_eq!(metrics.refused(Reason::NoRoute), 2);
        assert_eq!(metrics.refused(Reason::Internal), 1);
        assert_eq!(metrics.refused(Reason::UpstreamBad), 1);
        let text = metrics.render().unwrap();
        assert!(text.contains(
            "hallpass_decisions_total{decision=\"deny\",domain=\"forms\",reason=\"no_role_in_context\"} 2\n"
        ));
    }

    #[test]
    fn goes_on_counting_when_a_bundle_with_the_same_domains_comes() {
        let metrics = metrics();
        let old = metrics.decisions(["toddle"].into_iter());
        let new = metrics.decisions(["forms", "toddle"].into_iter());
        // A request that began with the old bundle may end after one that began with the new one.
        new.count(Some(1), Reason::Granted);
        old.count(Some(0), Reason::Granted);
        let text = metrics.render().unwrap();
        let line = "hallpass_decisions_total{decision=\"allow\",domain=\"toddle\",reason=\"granted\"} 2\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn shows_one_revision() {
        let metrics = metrics();
        metrics.show_bundle("aa", 3);
        metrics.show_bundle("bb", 4);
        let text = metrics.render().unwrap();
        assert!(text.contains("hallpass_bundle_info{revision=\"bb\"} 1\n") && !text.contains("\"aa\""));
        assert!(text.contains("hallpass_bundle_people 4\n"));
    }

    #[test]
    fn shows_a_part_from_its_first_handle_on_and_never_two_of_one() {
        let metrics = metrics();
        assert!(!metrics.render().unwrap().contains("hallpass_cache"));
        metrics.cache(CacheName::Tokens).hits.inc();
        metrics.cache(CacheName::Tokens).hits.inc();
        metrics.reload("bundle").success(Time::from_unix_seconds(9));
        metrics.reload("suspended").failure();
        metrics.jwks("https://login.school.example").failure();
        metrics.certificate_expiry(0).set(11);
        metrics.log().dropped.inc();
        metrics.started(Time::from_unix_seconds(7));
        let text = metrics.render().unwrap();
        for line in [
            "hallpass_cache_lookups_total{cache=\"tokens\",result=\"hit\"} 2",
            "hallpass_reload_last_success_timestamp_seconds{source=\"bundle\"} 9",
            "hallpass_reload_last_successful{source=\"suspended\"} 0",
            "hallpass_jwks_refreshes_total{issuer=\"https://login.school.example\",result=\"failure\"} 1",
            "hallpass_certificate_expiry_timestamp_seconds{certificate=\"0\"} 11",
            "hallpass_log_lines_total{result=\"dropped\"} 1",
            "hallpass_start_timestamp_seconds 7",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} in {text}");
        }
        assert!(!text.contains("cache=\"decisions\""));
    }
}
