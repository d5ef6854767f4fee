//! How loading goes, for those who ask: never on the way of a request.

use super::Mistakes;
use crate::policy::Diagnostic;
use crate::telemetry::Tally;
use crate::telemetry::metrics::ReloadMetrics;
use crate::time::Time;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// How loading one set of files goes.
#[derive(Debug)]
pub struct Progress {
    status: Mutex<Status>,
    changed: Condvar,
    counts: Counts,
    metrics: OnceLock<ReloadMetrics>,
}

/// What came of all attempts so far, each of them counted once, and when the last one went well.
#[derive(Debug, Default)]
pub struct Counts {
    /// Something new is in force.
    pub loaded: Tally,
    /// Mistakes in the files.
    pub rejected: Tally,
    /// The files could not be read, or something else was in the way.
    pub failed: Tally,
    /// Read, and no different from what is in force.
    pub unchanged: Tally,
    /// Given up for a newer change.
    pub superseded: Tally,
    /// Microseconds since 1970; 0 if never.
    last_success: AtomicI64,
}

impl Counts {
    /// When files were last read that are in force now.
    pub fn last_success(&self) -> Option<Time> {
        match self.last_success.load(Ordering::Relaxed) {
            0 => None,
            micros => Some(Time::from_unix_micros(micros)),
        }
    }
}

/// What is in force, and what became of the last attempt.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// What the files are for, like `bundle`.
    pub name: String,
    /// The revision in force; `None` if there is none yet.
    pub revision: Option<String>,
    /// The digest of the files that it was made of.
    pub digest: Option<String>,
    /// Since when it is in force.
    pub loaded: Option<Time>,
    /// When the files were last read, or could not be.
    pub last_attempt: Option<Time>,
    /// Why the last attempt changed nothing, or what was left out of what it put in force; gone as soon as one goes well.
    pub failure: Option<Failure>,
}

/// Why an attempt changed nothing.
#[derive(Debug, Clone)]
pub struct Failure {
    /// When it was first seen.
    pub at: Time,
    /// What a person reads.
    pub text: String,
    /// The mistakes one by one, as far as they have places in the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The environment is to blame, and it is tried again at every look.
    pub retried: bool,
    /// The digest of the files that were rejected, if they could be read.
    pub digest: Option<String>,
}

impl Status {
    /// How long that which is in force has been.
    pub fn age(&self, now: Time) -> Option<Duration> {
        let micros = now.unix_micros().saturating_sub(self.loaded?.unix_micros());
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }
}

impl Progress {
    /// Nothing was tried yet.
    pub fn new(name: impl Into<String>) -> Progress {
        Progress {
            status: Mutex::new(Status { name: name.into(), ..Status::default() }),
            changed: Condvar::new(),
            counts: Counts::default(),
            metrics: OnceLock::new(),
        }
    }

    /// Shows successes and failures from now on in `metrics`; the first to say so is heard.
    pub fn show_in(&self, metrics: ReloadMetrics) {
        let _ = self.metrics.set(metrics);
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    /// The numbers.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Waits until `said` of the status, at most for `patience`; says whether it came to that.
    pub fn wait_until(&self, patience: Duration, said: impl Fn(&Status) -> bool) -> bool {
        let end = Instant::now() + patience;
        let mut status = self.lock();
        loop {
            if said(&status) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            status = self.changed.wait_timeout(status, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The files with this digest are in force, but for what was left out. Says whether that is news.
    pub(super) fn loaded(
        &self,
        revision: String,
        digest: &str,
        left_out: Option<&Mistakes>,
        now: Time,
    ) -> bool {
        self.counts.loaded.add();
        let mut status = self.lock();
        status.revision = Some(revision);
        status.digest = Some(digest.to_owned());
        status.loaded = Some(now);
        self.succeeded(status, true, digest, left_out, now)
    }

    /// As [`loaded`](Progress::loaded), of files that are in force already.
    pub(super) fn unchanged(&self, digest: &str, left_out: Option<&Mistakes>, now: Time) -> bool {
        self.counts.unchanged.add();
        let status = self.lock();
        // Worth a count only where it ends a failure.
        let counts = status.failure.is_some();
        self.succeeded(status, counts, digest, left_out, now)
    }

    fn succeeded(
        &self,
        mut status: MutexGuard<'_, Status>,
        counts: bool,
        digest: &str,
        left_out: Option<&Mistakes>,
        now: Time,
    ) -> bool {
        self.counts.last_success.store(now.unix_micros(), Ordering::Relaxed);
        status.last_attempt = Some(now);
        let before = status.failure.take();
        let mut news = false;
        status.failure = left_out.map(|Mistakes { text, diagnostics }| {
            let digest = Some(digest.to_owned());
            let same = before.filter(|before| before.text == *text && before.digest == digest);
            news = same.is_none();
            let at = same.map_or(now, |before| before.at);
            Failure { at, text: text.clone(), diagnostics: diagnostics.clone(), retried: false, digest }
        });
        match self.metrics.get() {
            Some(metrics) if news => metrics.failure(),
            Some(metrics) if counts && left_out.is_none() => metrics.success(now),
            _ => {}
        }
        self.changed.notify_all();
        news
    }

    /// Says whether this is news: the same failure again is not.
    pub(super) fn failed(
        &self,
        mistakes: Mistakes,
        digest: Option<String>,
        retried: bool,
        now: Time,
    ) -> bool {
        if retried {
            self.counts.failed.add()
        } else {
            self.counts.rejected.add()
        }
        if let Some(metrics) = self.metrics.get() {
            metrics.failure();
        }
        let mut status = self.lock();
        status.last_attempt = Some(now);
        let before = status.failure.as_ref();
        let same = before.filter(|before| before.text == mistakes.text && before.digest == digest);
        let at = same.map_or(now, |before| before.at);
        let news = same.is_none();
        let Mistakes { text, diagnostics } = mistakes;
        status.failure = Some(Failure { at, text, diagnostics, retried, digest });
        self.changed.notify_all();
        news
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        // Whoever panicked left a whole status behind: fields are plain data.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
