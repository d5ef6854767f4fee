//! Fetches key sets in the background, on one thread with a runtime of its own. No request waits for it, and nothing
//! that it does slows a worker down.

use super::jwks::KeySet;
use super::keys::Keys;
use super::remote::Remote;
use super::schedule::Schedule;
use crate::telemetry::metrics::JwksMetrics;
use crate::telemetry::{Clock, Metrics, Readiness};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How long the fetcher sleeps at most before it looks at the clock again: that one may be put forward.
const LOOK: Duration = Duration::from_secs(1);

/// Where the keys of one issuer come from, and whether they are there: a handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct KeySource {
    pub(super) issuer: Arc<str>,
    pub(super) keys: Arc<Keys>,
    pub(super) remote: Option<Arc<Remote>>,
}

impl KeySource {
    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its keys.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    /// The URL that they are fetched from, and how that goes; `None` for a file.
    pub fn remote(&self) -> Option<&Remote> {
        self.remote.as_deref()
    }

    /// Lets the fetcher look at the clock at once, and not within the second that it may take it otherwise. Nothing is
    /// fetched that is not due.
    pub fn look(&self) {
        self.keys.wake();
    }

    /// Whether there are keys to verify with. They stay when the URL cannot be reached any more.
    pub fn ready(&self) -> bool {
        self.keys.ready()
    }
}

/// Keeps the thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Fetcher {
    _stop: oneshot::Sender<()>,
}

impl Fetcher {
    /// Begins to fetch the sets of those of the sources that are at URLs. `readiness` is told whether all of the sources
    /// have keys, now and whenever that changes.
    ///
    /// # Errors
    /// The system has no thread or runtime to give.
    pub fn start(
        sources: &[KeySource],
        clock: &Arc<dyn Clock>,
        metrics: &Metrics,
        readiness: &Arc<Readiness>,
    ) -> io::Result<Fetcher> {
        readiness.set_keys(sources.iter().all(KeySource::ready));
        let all: Arc<[KeySource]> = sources.into();
        let (stop, stopped) = oneshot::channel::<()>();
        let sets: Vec<Set> = sources
            .iter()
            .filter_map(|source| {
                let remote = source.remote.clone()?;
                // Drawn for this process, as `DecisionIds` does.
                let [spread, ..] = RandomState::new().hash_one(&source.issuer).to_le_bytes();
                let schedule = Schedule::new(remote.refresh, remote.cool_down, spread);
                let clock = clock.clone();
                Some(Set {
                    source: source.clone(),
                    remote,
                    schedule,
                    clock,
                    loaded: Vec::new(),
                    metrics: metrics.jwks(&source.issuer),
                    readiness: readiness.clone(),
                    all: all.clone(),
                })
            })
            .collect();
        if sets.is_empty() {
            return Ok(Fetcher { _stop: stop });
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("hallpass-keys".to_owned()).spawn(move || {
            runtime.block_on(async {
                let mut tasks: JoinSet<()> = sets.into_iter().map(Set::follow).collect();
                let follow = async {
                    // None of them returns. One that panics leaves the keys that it loaded, and the others go on.
                    while let Some(ended) = tasks.join_next().await {
                        tracing::error!(?ended, "the keys of an issuer are not fetched any more");
                    }
                };
                tokio::select! {
                    _ = stopped => {}
                    () = follow => {}
                }
            });
            // A look-up of a name that hangs is not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Fetcher { _stop: stop })
    }
}

/// One key set at a URL.
struct Set {
    source: KeySource,
    remote: Arc<Remote>,
    schedule: Schedule,
    clock: Arc<dyn Clock>,
    /// The bytes of the set in force: one that did not change is not exchanged, so that what was kept stays good.
    loaded: Vec<u8>,
    metrics: JwksMetrics,
    readiness: Arc<Readiness>,
    /// All sources of the server: it is ready when they are.
    all: Arc<[KeySource]>,
}

impl Set {
    async fn follow(mut self) {
        loop {
            let keys = &self.source.keys;
            let wait = self.schedule.wait(self.clock.now(), keys.is_wanted());
            if wait.is_zero() {
                self.fetch().await;
                continue;
            }
            tokio::select! {
                () = keys.until_wanted() => {}
                () = tokio::time::sleep(wait.min(LOOK)) => {}
            }
        }
    }

    async fn fetch(&mut self) {
        self.schedule.begin(self.clock.now());
        let fetched = self.remote.fetch().await;
        let outcome = fetched.and_then(|bytes| self.load(bytes));
        // What was missing meanwhile is in the set or will be asked for again.
        self.source.keys.asked();
        self.schedule.end(outcome.is_ok());
        self.note(outcome);
    }

    fn load(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        if !self.loaded.is_empty() && self.loaded == bytes {
            return Ok(());
        }
        let set = KeySet::parse(&bytes).map_err(|error| format!("it is no set of keys: {error}"))?;
        let (keys, ignored) = (set.len(), set.ignored().len());
        self.source.keys.replace(set).map_err(|error| error.to_string())?;
        self.loaded = bytes;
        self.metrics.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
        self.readiness.set_keys(self.all.iter().all(KeySource::ready));
        let issuer = self.source.issuer();
        tracing::info!(issuer, url = %self.remote.url(), keys, ignored, "keys were fetched");
        Ok(())
    }

    /// A failure is said when it begins, when it changes and when it is over, not each time.
    fn note(&self, outcome: Result<(), String>) {
        let now = self.clock.now();
        let mut state = self.remote.state();
        state.attempts += 1;
        match outcome {
            Ok(()) => {
                self.metrics.success(now);
                state.last_success = Some(now);
                if state.failing.take().is_some() {
                    let (issuer, url) = (self.source.issuer(), self.remote.url());
                    tracing::info!(issuer, %url, "keys can be fetched again");
                }
            }
            Err(error) => {
                self.metrics.failure();
                state.failures += 1;
                if state.failing.as_ref() != Some(&error) {
                    let (issuer, url) = (self.source.issuer(), self.remote.url());
                    let keys =
                        if self.source.ready() { "those before stay in use" } else { "there are none" };
                    tracing::warn!(issuer, %url, %error, "keys could not be fetched; {keys}");
                    state.failing = Some(error);
                }
            }
        }
    }
}
