//! A listener and its workers, from the outside.

use super::certificates::{authority_file, certificate_files};
use super::config::Config;
use super::enforce::Enforcer;
use super::forward::Patience;
use super::keys::{self, KeyFile};
use super::listen::listen;
use super::signals::Signals;
use super::upstream::Pool;
use super::worker::{HEADERS_OF_HYPER, Shared, Worker};
use crate::identity::{Fetcher, KeySource, TokenCache, TokenSecret};
use crate::pdp::{BundleFiles, Pdp, Reader, Remember, SuspendedFile};
use crate::reload::{Progress, Reloader, Watched};
use crate::telemetry::metrics::CacheName;
use crate::telemetry::{Clock, DecisionIds, DecisionLog, Local, Metrics, Readiness};
use crate::time::Time;
use crate::tls::Certificates;
use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::LocalSet;

/// The buffer for what comes from the upstream on one connection, in bytes: the most that a head may have, and the
/// most that is read of a body before the client takes it.
const UPSTREAM_BUFFER_BYTES: usize = 64 * 1024;

/// How long an end at once is held up for the lines of what is cut off, and again for what the log has not written yet.
const AT_ONCE: Duration = Duration::from_millis(500);

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    readiness: Arc<Readiness>,
    pdp: Arc<Pdp>,
    log: Option<Arc<DecisionLog>>,
    stop: Stopper,
    cut_off: watch::Sender<bool>,
    wait: Duration,
    workers: Vec<JoinHandle<()>>,
    certificates: Option<Arc<Certificates>>,
    key_sources: Vec<KeySource>,
    _fetcher: Fetcher,
    reloader: Reloader,
    /// Says nothing, and ends with the last worker.
    working: mpsc::Receiver<Infallible>,
}

/// How a server came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All threads have ended.
    Drained,
    /// It was told a second time, and cut off what was in flight. The threads end with the process.
    AtOnce,
}

/// Tells a server to stop; may be cloned and handed to other threads.
#[derive(Debug, Clone)]
pub struct Stopper {
    stop: Arc<watch::Sender<bool>>,
    readiness: Arc<Readiness>,
}

impl Stopper {
    /// Takes no further connections, and ends each open one after its present request.
    pub fn stop(&self) {
        self.readiness.drain();
        self.stop.send_replace(true);
    }
}

/// Why a server did not start.
#[derive(Debug)]
pub enum StartError {
    /// Files could not be loaded: the bundle, who is suspended, or keys. The text for a person.
    Files(String),
    /// The address cannot be listened on.
    Listen(SocketAddr, io::Error),
    /// A metric could not be made, which is a fault of the program.
    Metrics(String),
    /// The decision log cannot be opened.
    Log(io::Error),
    /// A thread or its runtime could not be made.
    Worker(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Files(text) => f.write_str(text.trim_end()),
            StartError::Listen(address, error) => write!(f, "cannot listen on `{address}`: {error}"),
            StartError::Metrics(error) => write!(f, "cannot make the metrics: {error}"),
            StartError::Log(error) => write!(f, "cannot open the decision log: {error}"),
            StartError::Worker(error) => write!(f, "cannot start a worker: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

impl Server {
    /// Loads the bundle and what goes with it, listens, and serves on threads of its own; loads what changes.
    ///
    /// # Errors
    /// The bundle has mistakes, the address is taken, the decision log cannot be opened, or the system has no threads
    /// to give. Nothing runs then.
    pub fn start(config: Config, clock: Arc<dyn Clock>) -> Result<Server, StartError> {
        let pdp = Arc::new(Pdp::empty().remembering(config.cache.decisions));
        let watched = policy_files(&config, &pdp);
        Server::start_watching(config, pdp, watched, clock)
    }

    /// Reads all files that a server with this configuration would read before it listens, once, and says how it went
    /// with each of them.
    ///
    /// # Errors
    /// What would keep the server from starting.
    pub fn check(config: &Config, now: Time) -> Result<Vec<Arc<Progress>>, StartError> {
        let metrics = Metrics::new().map_err(|error| StartError::Metrics(error.to_string()))?;
        let pdp = Arc::new(Pdp::empty());
        let mut watched = policy_files(config, &pdp);
        watched.extend(beside_the_policy(config, &metrics)?);
        for watched in &mut watched {
            watched.load_first(now).map_err(|mistakes| StartError::Files(mistakes.text))?;
        }
        Ok(watched.iter().map(|watched| watched.progress().clone()).collect())
    }

    /// As [`start`](Server::start), with a decision point that somebody else loads: `config.bundle` and
    /// `config.suspended` are not read.
    ///
    /// # Errors
    /// As for [`start`](Server::start), but for the bundle.
    pub fn start_with(config: Config, pdp: Arc<Pdp>, clock: Arc<dyn Clock>) -> Result<Server, StartError> {
        Server::start_watching(config, pdp, Vec::new(), clock)
    }

    fn start_watching(
        config: Config,
        pdp: Arc<Pdp>,
        mut watched: Vec<Watched>,
        clock: Arc<dyn Clock>,
    ) -> Result<Server, StartError> {
        let metrics = Metrics::new().map_err(|error| StartError::Metrics(error.to_string()))?;
        let metrics = Arc::new(metrics);
        let certificates = config.tls.as_ref().map(|tls| tls.certificates().clone());
        watched.extend(beside_the_policy(&config, &metrics)?);
        let authenticator = config.authenticator;
        load_first(&mut watched, &metrics, clock.now())?;
        let listener = listen(config.listen).map_err(|error| StartError::Listen(config.listen, error))?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(config.listen, error))?;

        let key_sources = authenticator.key_sources();
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let enforcer = Enforcer::new(authenticator, config.forward, scheme);
        warn_of_unknown_issuers(&enforcer, &pdp);
        let readiness = Arc::new(Readiness::new(metrics.draining.clone()));
        let log = DecisionLog::open(config.log, &metrics).map_err(StartError::Log)?;
        let workers = config.workers.max(1);
        let slots =
            Arc::new(Semaphore::new(config.upstream.connections_max.clamp(1, Semaphore::MAX_PERMITS)));
        let clients = config.limits.connections.clamp(1, Semaphore::MAX_PERMITS);
        let (cut_off, to_cut_off) = watch::channel(false);
        let shared = Arc::new(Shared {
            enforcer,
            clock: clock.clone(),
            ids: DecisionIds::random(),
            metrics: metrics.clone(),
            log: log.clone(),
            patience: Patience { head: config.timeouts.upstream, body: config.timeouts.body },
            clients: Arc::new(Semaphore::new(clients)),
            show_reason: config.show_reason,
            tls: config.tls.clone(),
            limits: config.limits,
            timeouts: config.timeouts,
            drain: config.shutdown.drain,
            cut_off: to_cut_off,
            decisions: (config.cache.decisions != Remember::Off).then(|| metrics.cache(CacheName::Decisions)),
        });
        let secret = TokenSecret::random().map_err(StartError::Worker)?;
        let token_metrics = (config.cache.tokens > 0).then(|| metrics.cache(CacheName::Tokens));
        let (stop, stopped) = watch::channel(false);
        let fetcher = Fetcher::start(&key_sources, &shared.clock, &metrics, &readiness);
        let fetcher = fetcher.map_err(StartError::Worker)?;
        let reloader = Reloader::start(watched, config.reload, clock).map_err(StartError::Worker)?;
        let stop = Stopper { stop: Arc::new(stop), readiness: readiness.clone() };
        let (work, working) = mpsc::channel(1);
        let mut server = Server {
            address,
            metrics: metrics.clone(),
            log,
            readiness,
            pdp: pdp.clone(),
            stop,
            cut_off,
            wait: config.shutdown.wait,
            workers: Vec::new(),
            certificates,
            key_sources,
            _fetcher: fetcher,
            reloader,
            working,
        };
        for number in 0..workers {
            // The share of this worker; the first ones take what is left over.
            let idle_max =
                config.upstream.idle_max / workers + usize::from(number < config.upstream.idle_max % workers);
            let seat = Seat {
                // All of them accept from the one queue, so a worker that ends leaves nobody in a queue of its own.
                listener: listener.try_clone().map_err(StartError::Worker)?,
                runtime: Builder::new_current_thread().enable_all().build().map_err(StartError::Worker)?,
                upstream: config.upstream.clone(),
                idle_max,
                slots: slots.clone(),
                tokens: TokenCache::new(config.cache.tokens, secret.clone(), token_metrics.clone()),
                shared: shared.clone(),
                pdp: pdp.clone(),
                stopped: stopped.clone(),
                work: work.clone(),
            };
            let thread = thread::Builder::new()
                .name(format!("hallpass-{number}"))
                .spawn(move || seat.work())
                .map_err(StartError::Worker)?;
            server.workers.push(thread);
        }
        tracing::info!(%address, workers, "listening");
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificates that clients are shown, on a TLS port.
    pub fn certificates(&self) -> Option<&Arc<Certificates>> {
        self.certificates.as_ref()
    }

    /// Where the keys of each issuer come from; not all of them may be there yet.
    pub fn key_sources(&self) -> &[KeySource] {
        &self.key_sources
    }

    /// What happened so far.
    pub fn metrics(&self) -> Arc<Metrics> {
        self.metrics.clone()
    }

    /// Whether requests should be sent here: set when the server stops, and before that by whoever stops it gently.
    pub fn readiness(&self) -> Arc<Readiness> {
        self.readiness.clone()
    }

    /// What is in force, and how it stands with it.
    pub fn pdp(&self) -> Arc<Pdp> {
        self.pdp.clone()
    }

    /// The decision log, where there is one.
    pub fn decision_log(&self) -> Option<Arc<DecisionLog>> {
        self.log.clone()
    }

    /// How loading goes, for each set of files that is looked after.
    pub fn reloads(&self) -> &[Arc<Progress>] {
        self.reloader.progress()
    }

    /// A way to stop the server from elsewhere, a signal handler for instance.
    pub fn stopper(&self) -> Stopper {
        self.stop.clone()
    }

    /// Serves until the process is told to end (SIGTERM, SIGINT). Then it says that it is not ready and goes on for
    /// `shutdown.wait`; takes no further connections and ends idle ones; and lets what is in flight come to its end
    /// within `shutdown.drain`. Told a second time, it returns at once.
    ///
    /// # Errors
    /// All workers have ended though nobody told them to.
    pub fn run(mut self, signals: Signals) -> io::Result<Ended> {
        let Signals { runtime, mut told } = signals;
        let ended = runtime.block_on(async {
            tokio::select! {
                () = told.next() => {}
                _ = self.working.recv() => return Err(io::Error::other("all workers have ended")),
            }
            self.readiness.drain();
            tracing::info!(wait = ?self.wait, "told to stop: not ready any more");
            tokio::select! {
                () = tokio::time::sleep(self.wait) => {}
                () = told.next() => return Ok(Ended::AtOnce),
            }
            self.stop.stop();
            tracing::info!("taking no further connections");
            tokio::select! {
                _ = self.working.recv() => Ok(Ended::Drained),
                () = told.next() => Ok(Ended::AtOnce),
            }
        })?;
        match ended {
            Ended::Drained => self.wait(),
            Ended::AtOnce => {
                tracing::warn!("told to stop again: what is in flight is cut off");
                self.stop.stop();
                self.cut_off.send_replace(true);
                // What is cut off has its line in the log as well.
                runtime.block_on(async {
                    let _ = tokio::time::timeout(AT_ONCE, self.working.recv()).await;
                });
                if let Some(log) = &self.log {
                    log.close_within(AT_ONCE);
                }
            }
        }
        Ok(ended)
    }

    /// Takes no further connections, lets what is in flight come to its end within `shutdown.drain`, cuts off the rest
    /// and returns when all threads have ended.
    pub fn shutdown(self) {
        self.stop.stop();
        self.wait();
    }

    /// Returns when all threads have ended, which they do after [`Stopper::stop`], and the decision log is written. An
    /// output that takes nothing is given a few seconds.
    pub fn wait(mut self) {
        for worker in std::mem::take(&mut self.workers) {
            if worker.join().is_err() {
                tracing::error!("a worker panicked");
            }
        }
        if let Some(log) = &self.log {
            log.close();
        }
    }
}

/// The files of the decision point, in the order in which they are loaded.
fn policy_files(config: &Config, pdp: &Arc<Pdp>) -> Vec<Watched> {
    let mut watched = vec![BundleFiles::with_rosters(pdp, config.bundle.clone(), config.rosters.clone())];
    watched.extend(config.suspended.clone().map(|path| SuspendedFile::watched(pdp, path)));
    watched
}

/// Loads all that is watched for the first time, and shows from now on how that goes.
fn load_first(watched: &mut [Watched], metrics: &Metrics, now: Time) -> Result<(), StartError> {
    for watched in watched {
        let progress = watched.progress();
        progress.show_in(metrics.reload(&progress.status().name));
        watched.load_first(now).map_err(|mistakes| StartError::Files(mistakes.text))?;
    }
    Ok(())
}

fn warn_of_unknown_issuers(enforcer: &Enforcer, pdp: &Pdp) {
    let Some(snapshot) = pdp.snapshot() else { return };
    for issuer in enforcer.unknown_issuers(&snapshot) {
        tracing::warn!(issuer, "the bundle does not say how this issuer names people: it knows none of them");
    }
}

/// The files of keys, certificates and authorities.
fn beside_the_policy(config: &Config, metrics: &Metrics) -> Result<Vec<Watched>, StartError> {
    let issuers = config.authenticator.issuers();
    let mut watched = Vec::new();
    for file in &config.key_files {
        let KeyFile { issuer, path } = file;
        let unknown = format!("no issuer `{issuer}` has its keys in `{}`", path.display());
        let keys = keys::watched(issuers, file.clone(), metrics);
        watched.push(keys.ok_or(StartError::Files(unknown))?);
    }
    if let Some(tls) = &config.tls {
        watched.extend(certificate_files(tls.certificates(), metrics));
    }
    watched
        .extend(config.upstream.tls.iter().map(|tls| authority_file("upstream_ca".to_owned(), tls.clone())));
    for source in config.authenticator.key_sources() {
        let tls = source.remote().and_then(|remote| remote.tls().cloned());
        watched.extend(tls.map(|tls| authority_file(format!("keys_ca/{}", source.issuer()), tls)));
    }
    Ok(watched)
}

impl Drop for Server {
    /// A server that nobody holds any more stops, without anybody waiting for it.
    fn drop(&mut self) {
        self.stop.stop();
    }
}

/// What a thread is given to become a worker.
struct Seat {
    listener: TcpListener,
    runtime: Runtime,
    upstream: super::config::Upstream,
    idle_max: usize,
    slots: Arc<Semaphore>,
    tokens: TokenCache,
    shared: Arc<Shared>,
    pdp: Arc<Pdp>,
    stopped: watch::Receiver<bool>,
    /// Dropped when the worker ends, however it does.
    work: mpsc::Sender<Infallible>,
}

impl Seat {
    fn work(self) {
        let Seat { listener, runtime, upstream, idle_max, slots, tokens, shared, pdp, stopped, work: _work } =
            self;
        let mut builder = hyper::client::conn::http1::Builder::new();
        builder.max_buf_size(UPSTREAM_BUFFER_BYTES);
        if shared.limits.headers != HEADERS_OF_HYPER {
            builder.max_headers(shared.limits.headers);
        }
        let connect = shared.timeouts.connect;
        let local = Local::of(&shared.metrics);
        let pool = Rc::new(Pool::new(upstream, connect, idle_max, builder, slots, local.clone()));
        let (reader, tokens) = (Reader::new(pdp), RefCell::new(tokens));
        let worker = Rc::new(Worker { shared, pool, reader, local, tokens });
        let local = LocalSet::new();
        let served = local.block_on(&runtime, async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            worker.run(listener, stopped).await;
            io::Result::Ok(())
        });
        if let Err(error) = served {
            tracing::error!(%error, "a worker could not listen");
        }
        // Whatever was in flight ends here. A look-up of the upstream's name that hangs is not waited for.
        drop(local);
        runtime.shutdown_background();
    }
}
