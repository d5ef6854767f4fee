//! The threads that look after files.

use super::schedule::Schedule;
use super::watch::Watch;
use super::{Progress, Settings, Watched};
use crate::telemetry::Clock;
use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

/// Looks after sets of files until it is dropped, on two threads of its own: one for what may take long to read and
/// compile, and one for what must not wait for that.
#[derive(Debug)]
pub struct Reloader {
    progress: Vec<Arc<Progress>>,
    threads: Vec<Wake>,
    stopped: Arc<AtomicBool>,
}

/// Something happened, or the end has come. One message is enough to say so: if there is one already, that will do.
#[derive(Debug, Clone)]
struct Wake(SyncSender<()>);

impl Wake {
    fn wake(&self) {
        // Full, or nobody is there any more.
        let _ = self.0.try_send(());
    }
}

impl Reloader {
    /// Begins to look after `watched`, each kind in this order: what depends on another stands behind it.
    ///
    /// # Errors
    /// The system has no threads to give.
    pub fn start(watched: Vec<Watched>, settings: Settings, clock: Arc<dyn Clock>) -> io::Result<Reloader> {
        let progress = watched.iter().map(|watched| watched.progress().clone()).collect();
        let (slow, quick): (Vec<_>, Vec<_>) = watched.into_iter().partition(Watched::may_take_long);
        let stopped = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        // What is quick may depend on what is slow, and never the other way round.
        let mut next = None;
        for (name, watched) in [("hallpass-reload", quick), ("hallpass-bundle", slow)] {
            if watched.is_empty() {
                continue;
            }
            let (wake, messages) = sync_channel(1);
            let wake = Wake(wake);
            let (tell, clock, settings) = (wake.clone(), clock.clone(), settings.clone());
            let (stopped, next) = (stopped.clone(), next.replace(wake.clone()));
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                let watch = Watch::new(move || tell.wake());
                let places = BTreeSet::new();
                Work { watched, watch, places, clock, stopped, next }.run(&messages, settings);
            })?;
            threads.push(wake);
        }
        Ok(Reloader { progress, threads, stopped })
    }

    /// How it goes, for each set of files.
    pub fn progress(&self) -> &[Arc<Progress>] {
        &self.progress
    }
}

impl Drop for Reloader {
    /// Tells the threads to end, which they do after the load that they are at. Nobody waits for them.
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.threads.iter().for_each(Wake::wake);
    }
}

struct Work {
    watched: Vec<Watched>,
    watch: Watch,
    places: BTreeSet<PathBuf>,
    clock: Arc<dyn Clock>,
    stopped: Arc<AtomicBool>,
    /// The thread whose files may depend on these.
    next: Option<Wake>,
}

impl Work {
    fn run(mut self, messages: &Receiver<()>, settings: Settings) {
        let mut schedule = Schedule::new(settings, Instant::now());
        // Whatever changed between the first load and now.
        schedule.hear(Instant::now());
        let mut heard = true;
        loop {
            let wait = schedule.wait(Instant::now());
            match if wait.is_zero() { Err(RecvTimeoutError::Timeout) } else { messages.recv_timeout(wait) } {
                _ if self.stopped.load(Ordering::Acquire) => return,
                Ok(()) => {
                    heard = true;
                    schedule.hear(Instant::now());
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    schedule.looked(Instant::now());
                    self.look(std::mem::take(&mut heard));
                }
            }
        }
    }

    fn look(&mut self, heard: bool) {
        let loaded = self.loaded();
        // Before anything is read: what changes after this is heard.
        self.rewatch(heard);
        for watched in &mut self.watched {
            let now = self.clock.now();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| watched.look(now))) {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                watched.panicked(&text.unwrap_or_default(), now);
            }
        }
        if let Some(next) = &self.next
            && self.loaded() != loaded
        {
            next.wake();
        }
    }

    /// How often something new was put in force.
    fn loaded(&self) -> u64 {
        self.watched.iter().map(|watched| watched.progress().counts().loaded.get()).sum()
    }

    /// Watches what is to be watched now: links may lead elsewhere than before, and a directory under an old name may
    /// be a new one, which is not worth a thought unless something happened.
    fn rewatch(&mut self, heard: bool) {
        let places: BTreeSet<PathBuf> = self.watched.iter().flat_map(Watched::places).collect();
        if heard || places != self.places {
            self.places = places.clone();
            self.watch.over(places);
        }
    }
}
