//! What a worker counts for each request, in memory that it alone writes: no locked instruction on the way of a request,
//! and no line of memory that moves between processors. The workers are added up when somebody asks.

use super::requests::{CODES, METHODS, series};
use super::table::{self, Family, Kind};
use super::{Metrics, Requests};
use http::{Method, StatusCode};
use prometheus::Result;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A number that one thread adds to and any may read.
#[derive(Debug, Default)]
struct Own(AtomicU64);

impl Own {
    fn add(&self, number: u64) {
        // Nobody else writes here, so nothing can come between.
        self.0.store(self.get().wrapping_add(number), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Times, counted by the bound that they stay within.
#[derive(Debug)]
struct Times {
    bounds: Vec<Duration>,
    /// One for each bound, and one for what is above them all.
    counts: Vec<Own>,
    nanoseconds: Own,
}

impl Times {
    fn new(family: &Family) -> Times {
        let bounds = match family.kind {
            Kind::Histogram(bounds) => bounds.iter().map(|bound| Duration::from_secs_f64(*bound)).collect(),
            Kind::Counter | Kind::Gauge => Vec::new(),
        };
        let counts = (0..=bounds.len()).map(|_| Own::default()).collect();
        Times { bounds, counts, nanoseconds: Own::default() }
    }

    fn observe(&self, time: Duration) {
        let within = self.bounds.iter().position(|bound| time <= *bound).unwrap_or(self.bounds.len());
        if let Some(count) = self.counts.get(within) {
            count.add(1);
        }
        self.nanoseconds.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}

/// The numbers of one worker.
#[derive(Debug)]
struct Counts {
    requests: Vec<Own>,
    total: Times,
    overhead: Times,
    begun: Own,
    ended: Own,
    reused: Own,
}

/// One worker's hold on its numbers. It stays on the thread of the worker.
#[derive(Debug, Clone)]
pub struct Local(Rc<Handle>);

#[derive(Debug)]
struct Handle {
    counts: Arc<Counts>,
    metrics: Arc<Metrics>,
}

impl Local {
    /// The numbers of one more worker. They are counted in as long as `metrics` lives.
    pub fn of(metrics: &Arc<Metrics>) -> Local {
        let counts = Arc::new(Counts {
            requests: (0..METHODS.len() * CODES.len()).map(|_| Own::default()).collect(),
            total: Times::new(&table::REQUEST_SECONDS),
            overhead: Times::new(&table::OVERHEAD_SECONDS),
            begun: Own::default(),
            ended: Own::default(),
            reused: Own::default(),
        });
        metrics.locals.all.lock().unwrap_or_else(PoisonError::into_inner).push(counts.clone());
        Local(Rc::new(Handle { counts, metrics: metrics.clone() }))
    }

    /// The numbers that all share.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Counts a request that ended with `status`, or without one.
    pub fn request(&self, method: &Method, status: Option<StatusCode>) {
        if let Some(count) = self.0.counts.requests.get(series(method, status)) {
            count.add(1);
        }
    }

    /// Counts how long it took from head to head, and how much of it the upstream was waited for.
    pub fn times(&self, total: Duration, upstream: Duration) {
        self.0.counts.total.observe(total);
        self.0.counts.overhead.observe(total.saturating_sub(upstream));
    }

    /// Counts an exchange that began on a kept upstream connection.
    pub fn reused(&self) {
        self.0.counts.reused.add(1);
    }

    /// A request that is in flight until this is dropped.
    pub fn in_flight(&self) -> InFlight {
        self.0.counts.begun.add(1);
        InFlight(self.clone())
    }
}

/// One request in flight.
#[derive(Debug)]
pub struct InFlight(Local);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.0.counts.ended.add(1);
    }
}

/// The numbers of all workers there ever were.
#[derive(Debug, Default)]
pub(super) struct Locals {
    all: Mutex<Vec<Arc<Counts>>>,
}

impl Locals {
    fn sum(&self, read: impl Fn(&Counts) -> u64) -> u64 {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|counts| read(counts)).sum()
    }

    fn in_flight(&self) -> u64 {
        // In this order, so that one that comes to its end meanwhile is not missing from those that began.
        let ended = self.sum(|counts| counts.ended.get());
        self.sum(|counts| counts.begun.get()).saturating_sub(ended)
    }

    fn reused(&self) -> u64 {
        self.sum(|counts| counts.reused.get())
    }

    fn request(&self, place: usize) -> u64 {
        self.sum(|counts| counts.requests.get(place).map_or(0, Own::get))
    }

    fn histogram(&self, family: &Family, times: impl Fn(&Counts) -> &Times) -> Histogram {
        let mut count = 0;
        let bounds = match family.kind {
            Kind::Histogram(bounds) => bounds,
            Kind::Counter | Kind::Gauge => &[],
        };
        let mut at = |place: usize| {
            count += self.sum(|counts| times(counts).counts.get(place).map_or(0, Own::get));
            count
        };
        let buckets = bounds.iter().enumerate().map(|(place, bound)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(at(place));
            bucket
        });
        let buckets = buckets.collect();
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(at(bounds.len()));
        let nanoseconds = self.sum(|counts| times(counts).nanoseconds.get());
        histogram.set_sample_sum(Duration::from_nanos(nanoseconds).as_secs_f64());
        histogram
    }
}

impl Requests {
    /// All of them so far.
    pub fn get(&self) -> u64 {
        (0..METHODS.len() * CODES.len()).map(|place| self.0.request(place)).sum()
    }
}

/// A number of all workers together.
#[derive(Debug)]
pub struct Sum {
    locals: Arc<Locals>,
    read: fn(&Locals) -> u64,
}

impl Sum {
    pub(super) fn in_flight(locals: &Arc<Locals>) -> Sum {
        Sum { locals: locals.clone(), read: Locals::in_flight }
    }

    pub(super) fn reused(locals: &Arc<Locals>) -> Sum {
        Sum { locals: locals.clone(), read: Locals::reused }
    }

    /// What it is now.
    pub fn get(&self) -> u64 {
        (self.read)(&self.locals)
    }
}

/// Shows the numbers of all workers to Prometheus.
pub(super) struct Shown {
    locals: Arc<Locals>,
    descriptions: Vec<Desc>,
}

impl Shown {
    pub(super) fn new(locals: &Arc<Locals>) -> Result<Shown> {
        let families = [
            &table::REQUESTS,
            &table::REQUEST_SECONDS,
            &table::OVERHEAD_SECONDS,
            &table::IN_FLIGHT,
            &table::UPSTREAM_REUSED,
        ];
        let describe = |family: &Family| {
            let labels = family.labels.iter().map(|label| label.name.to_owned()).collect();
            Desc::new(family.name.to_owned(), family.help.to_owned(), labels, HashMap::new())
        };
        let descriptions = families.into_iter().map(describe).collect::<Result<_>>()?;
        Ok(Shown { locals: locals.clone(), descriptions })
    }
}

impl Collector for Shown {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let locals = &self.locals;
        let requests = METHODS.iter().flat_map(|method| CODES.map(|code| [*method, code]));
        let requests = requests.enumerate().map(|(place, values)| {
            let labels =
                table::REQUESTS.labels.iter().zip(values).map(|(label, value)| pair(label.name, value));
            // By name, as the library orders those of all other families.
            let mut labels: Vec<LabelPair> = labels.collect();
            labels.sort_by(|a, b| a.name().cmp(b.name()));
            let mut metric = counter(locals.request(place));
            metric.set_label(labels);
            metric
        });
        let mut in_flight = Gauge::default();
        in_flight.set_value(locals.in_flight() as f64);
        vec![
            family(&table::REQUESTS, requests.collect()),
            family(
                &table::REQUEST_SECONDS,
                vec![times(locals, &table::REQUEST_SECONDS, |counts| &counts.total)],
            ),
            family(
                &table::OVERHEAD_SECONDS,
                vec![times(locals, &table::OVERHEAD_SECONDS, |counts| &counts.overhead)],
            ),
            family(&table::IN_FLIGHT, vec![Metric::from_gauge(in_flight)]),
            family(&table::UPSTREAM_REUSED, vec![counter(locals.reused())]),
        ]
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

fn counter(number: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(number as f64);
    let mut metric = Metric::default();
    metric.set_counter(counter);
    metric
}

fn times(locals: &Locals, family: &Family, of: impl Fn(&Counts) -> &Times) -> Metric {
    let mut metric = Metric::default();
    metric.set_histogram(locals.histogram(family, of));
    metric
}

fn family(family: &Family, metrics: Vec<Metric>) -> MetricFamily {
    let mut shown = MetricFamily::default();
    shown.set_name(family.name.to_owned());
    shown.set_help(family.help.to_owned());
    shown.set_field_type(match family.kind {
        Kind::Counter => MetricType::COUNTER,
        Kind::Gauge => MetricType::GAUGE,
        Kind::Histogram(_) => MetricType::HISTOGRAM,
    });
    shown.set_metric(metrics);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_all_workers_are_added_up() {
        let metrics = Arc::new(Metrics::new().unwrap());
        let count = |millis: u64| {
            let local = Local::of(&metrics);
            local.request(&Method::GET, Some(StatusCode::OK));
            local.times(Duration::from_millis(millis), Duration::from_millis(millis - 1));
            local.reused();
            local.in_flight()
        };
        let (first, second) = (count(2), count(40_000));
        assert_eq!(
            (metrics.requests.get(), metrics.upstream_reused.get(), metrics.in_flight.get()),
            (2, 2, 2)
        );
        drop(first);
        assert_eq!(metrics.in_flight.get(), 1);
        drop(second);
        let text = metrics.render().unwrap();
        for line in [
            "hallpass_requests_total{code=\"2xx\",method=\"GET\"} 2",
            "hallpass_requests_total{code=\"none\",method=\"PUT\"} 0",
            "hallpass_request_duration_seconds_bucket{le=\"0.001\"} 0",
            "hallpass_request_duration_seconds_bucket{le=\"0.0025\"} 1",
            "hallpass_request_duration_seconds_bucket{le=\"30\"} 1",
            "hallpass_request_duration_seconds_bucket{le=\"+Inf\"} 2",
            "hallpass_request_duration_seconds_sum 40.002",
            "hallpass_request_duration_seconds_count 2",
            "hallpass_overhead_seconds_bucket{le=\"0.001\"} 2",
            "hallpass_requests_in_flight 0",
            "hallpass_upstream_connections_reused_total 2",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
