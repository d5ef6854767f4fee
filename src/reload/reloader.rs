//! The one thread that looks after files.

use super::schedule::Schedule;
use super::watch::Watch;
use super::{Progress, Settings, Watched};
use crate::telemetry::Clock;
use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Instant;

/// Looks after sets of files on a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Reloader {
    progress: Vec<Arc<Progress>>,
    wake: SyncSender<Message>,
}

#[derive(Debug, Clone, Copy)]
enum Message {
    Heard,
    Stop,
}

impl Reloader {
    /// Begins to look after `watched`, in this order: what depends on another stands behind it.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(watched: Vec<Watched>, settings: Settings, clock: Arc<dyn Clock>) -> io::Result<Reloader> {
        let progress = watched.iter().map(|watched| watched.progress().clone()).collect();
        // One message is enough to say that something happened.
        let (wake, messages) = sync_channel(1);
        let tell = wake.clone();
        thread::Builder::new().name("hallpass-reload".to_owned()).spawn(move || {
            let watch = Watch::new(move || match tell.try_send(Message::Heard) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            });
            Work { watched, watch, places: BTreeSet::new(), clock }.run(&messages, settings);
        })?;
        Ok(Reloader { progress, wake })
    }

    /// How it goes, for each set of files.
    pub fn progress(&self) -> &[Arc<Progress>] {
        &self.progress
    }
}

impl Drop for Reloader {
    /// Tells the thread to end, which it does after the load that it is at. Nobody waits for it.
    fn drop(&mut self) {
        let _ = self.wake.send(Message::Stop);
    }
}

struct Work {
    watched: Vec<Watched>,
    watch: Watch,
    places: BTreeSet<PathBuf>,
    clock: Arc<dyn Clock>,
}

impl Work {
    fn run(mut self, messages: &Receiver<Message>, settings: Settings) {
        let mut schedule = Schedule::new(settings, Instant::now());
        // Whatever changed between the first load and now.
        schedule.hear(Instant::now());
        let mut heard = true;
        loop {
            let wait = schedule.wait(Instant::now());
            match if wait.is_zero() { Err(RecvTimeoutError::Timeout) } else { messages.recv_timeout(wait) } {
                Ok(Message::Heard) => {
                    heard = true;
                    schedule.hear(Instant::now());
                }
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    schedule.looked(Instant::now());
                    self.look(std::mem::take(&mut heard));
                }
            }
        }
    }

    fn look(&mut self, heard: bool) {
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
