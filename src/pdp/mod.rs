//! The running policy decision point: the bundle that is in force, and where it comes from.
//!
//! In reading order: [`Snapshot`] is what one request is decided from, taken once and kept to its end; [`Pdp`] holds
//! the one in force; [`Reader`] is how a thread that serves gets at it; [`BundleFiles`] and [`SuspendedFile`] are the
//! files behind it, for [`reload`] to look after; `audit` writes down who gains and loses;
//! [`directory`] reads a bundle for those who only look at it.
//!
//! This room never decides and never serves: a bundle that does not load changes nothing here.

mod audit;
mod decisions;
pub mod directory;
mod reader;
mod rosters;
mod sources;

pub use audit::{AUDIT_TARGET, Difference};
pub use decisions::{Decided, Remember};
pub use reader::{Held, Reader};
pub use rosters::{Compiled, LastGood, RosterInForce};
pub use sources::{BundleFiles, SuspendedFile};

use crate::policy::route::Match;
use crate::policy::{self, Bundle, Claims, HeldOff, Principal, Source};
use crate::reload::{self, Counts, Progress};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Decisions;
use crate::time::Time;
use arc_swap::ArcSwapOption;
use decisions::DecisionCache;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What is in force at one moment: a bundle, and who is suspended besides. Whoever began with a snapshot ends with it,
/// whatever is loaded meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    bundle: Bundle,
    remembered: Option<DecisionCache>,
    decisions: OnceLock<Decisions>,
    generation: u64,
}

impl Snapshot {
    /// A bundle, and nothing that was decided from it so far.
    pub fn new(bundle: Bundle, remember: Remember) -> Snapshot {
        Snapshot::of_generation(bundle, remember, 0)
    }

    fn of_generation(bundle: Bundle, remember: Remember, generation: u64) -> Snapshot {
        let remembered = DecisionCache::of(&bundle, remember);
        Snapshot { remembered, bundle, decisions: OnceLock::new(), generation }
    }

    /// The bundle, which cannot be wrong. Those whom the file of suspensions names are suspended in it.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// As [`decide_requirements`](crate::decision::decide_requirements), from what is remembered where something is.
    /// `expires` is when the subject's token ends.
    pub fn decide<'p>(
        &self,
        matched: &Match<'_, '_>,
        principal: impl Into<Principal<'p>>,
        claims: &dyn Claims,
        expires: Option<Time>,
        now: Time,
    ) -> Decided {
        let principal = principal.into();
        match &self.remembered {
            Some(remembered) => remembered.decide(&self.bundle, matched, principal, claims, expires, now),
            None => Decided::anew(&self.bundle, matched, principal, claims, now),
        }
    }

    /// The counters for the domains of this bundle, looked up by name at the first call only.
    pub fn decisions(&self, metrics: &Metrics) -> &Decisions {
        self.decisions
            .get_or_init(|| metrics.decisions(self.bundle.domains().iter().map(|(_, domain)| domain.name())))
    }

    /// Differs between any two snapshots of a process, also of the same revision: what was remembered under another
    /// generation may not hold any more.
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// Holds what is in force; empty until a bundle was loaded, and then every request is refused (`no_bundle`).
#[derive(Debug)]
pub struct Pdp {
    current: ArcSwapOption<Snapshot>,
    remember: Remember,
    /// The generation of `current`; a little late, never early.
    generation: AtomicU64,
    /// Moves with the bundle only.
    bundles: AtomicU64,
    parts: Mutex<Parts>,
    bundle: Arc<Progress>,
    suspended: Arc<Progress>,
}

/// What snapshots are put together from.
#[derive(Debug, Default)]
struct Parts {
    bundle: Option<Bundle>,
    /// The rosters that the bundle was compiled with.
    rosters: Vec<RosterInForce>,
    besides: Besides,
    /// Snapshots that are not in force any more and that somebody may still hold. The last reference is dropped here,
    /// by whoever loads, and not by a request.
    retired: Vec<Arc<Snapshot>>,
}

/// The file of suspensions. As long as it names somebody whom the bundle does not know, it adds to what it said when it
/// was last whole and lifts nothing: a name that was mistyped must not set its bearer free.
#[derive(Debug, Default)]
struct Besides {
    whole: Option<Source>,
    /// The file as it is now, while it is not whole.
    partly: Option<Source>,
    /// What they say in the bundle in force.
    held_off: HeldOff,
}

impl Besides {
    /// Looks the names up anew. Whoever is not in the bundle does not get in at all.
    fn resolve(&mut self, bundle: &Bundle) {
        let sources = self.whole.iter().chain(&self.partly);
        let held_off = sources.map(|source| policy::held_off(source, bundle).0);
        self.held_off = held_off.fold(HeldOff::default(), |all, more| all.with(&more));
    }
}

/// How it stands with what is in force.
#[derive(Debug, Clone)]
pub struct Status {
    /// The bundle.
    pub bundle: reload::Status,
    /// The file of suspensions; `None` where none is configured.
    pub suspended: Option<reload::Status>,
    /// How many people and applications are suspended, in the bundle or besides.
    pub suspended_people: usize,
    /// How many credentials are suspended, in the bundle or besides.
    pub suspended_credentials: usize,
    /// How many blocks there are, in the bundle or besides, whether or not they hold today.
    pub blocks: usize,
    /// The generation of the snapshot in force; 0 if there is none.
    pub generation: u64,
}

impl Default for Pdp {
    fn default() -> Pdp {
        Pdp::empty()
    }
}

impl Pdp {
    /// A decision point without a bundle.
    pub fn empty() -> Pdp {
        Pdp {
            current: ArcSwapOption::empty(),
            remember: Remember::Off,
            generation: AtomicU64::new(0),
            bundles: AtomicU64::new(0),
            parts: Mutex::default(),
            bundle: Arc::new(Progress::new("bundle")),
            suspended: Arc::new(Progress::new("suspended")),
        }
    }

    /// The same, with snapshots that remember these decisions.
    #[must_use]
    pub fn remembering(self, remember: Remember) -> Pdp {
        Pdp { remember, ..self }
    }

    /// Reads and compiles the bundle directory `directory`, once. Warnings are logged.
    ///
    /// # Errors
    /// What the directory is made of could not be read, or the policy has mistakes; then there is no [`Pdp`].
    pub fn load(directory: &Path) -> Result<Pdp, LoadError> {
        Pdp::empty().loaded(directory)
    }

    /// The same, with a bundle as [`load`](Pdp::load) reads it.
    ///
    /// # Errors
    /// As for [`load`](Pdp::load).
    pub fn loaded(self, directory: &Path) -> Result<Pdp, LoadError> {
        let read = directory::read(directory, &[]).map_err(LoadError::Io)?;
        let (sources, compiled) = directory::compile(read);
        match compiled {
            Ok(Compiled { bundle, diagnostics, rosters, .. }) => {
                sources::warn(&diagnostics);
                self.put_bundle(bundle, rosters);
                Ok(self)
            }
            Err(mistakes) => Err(LoadError::Mistakes(mistakes, sources)),
        }
    }

    /// What is in force, for one request from its first look to its last line. Threads that serve have a [`Reader`],
    /// which is cheaper.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// The generation of the snapshot in force; 0 if there is none.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// How it stands. Takes a lock that no request takes.
    pub fn status(&self) -> Status {
        let suspended = self.suspended.status();
        let snapshot = self.snapshot();
        let held_off = snapshot.as_ref().map(|snapshot| snapshot.bundle.held_off());
        Status {
            bundle: self.bundle.status(),
            suspended: suspended.last_attempt.is_some().then_some(suspended),
            suspended_people: held_off.map_or(0, |held_off| held_off.suspended().iter().count()),
            suspended_credentials: held_off.map_or(0, |held_off| held_off.credentials().len()),
            blocks: held_off.map_or(0, |held_off| held_off.blocks().len()),
            generation: snapshot.as_ref().map_or(0, |snapshot| snapshot.generation),
        }
    }

    /// The rosters in force. Takes a lock that no request takes.
    pub fn rosters(&self) -> Vec<RosterInForce> {
        self.parts().rosters.clone()
    }

    /// What came of all attempts to load a bundle.
    pub fn bundle_counts(&self) -> &Counts {
        self.bundle.counts()
    }

    /// What came of all attempts to load the file of suspensions.
    pub fn suspended_counts(&self) -> &Counts {
        self.suspended.counts()
    }

    /// How loading the bundle goes.
    pub fn bundle_progress(&self) -> &Arc<Progress> {
        &self.bundle
    }

    /// How loading the file of suspensions goes.
    pub fn suspended_progress(&self) -> &Arc<Progress> {
        &self.suspended
    }

    /// Waits until `revision` is in force, at most for `patience`; says whether it came to that.
    pub fn wait_for(&self, revision: &str, patience: Duration) -> bool {
        self.bundle.wait_until(patience, |status| status.revision.as_deref() == Some(revision))
    }

    /// Puts a bundle in force and returns the one before it, with their rosters. What is said besides goes on to be said,
    /// by the ids in it.
    fn put_bundle(
        &self,
        bundle: Bundle,
        rosters: Vec<RosterInForce>,
    ) -> (Option<Bundle>, Vec<RosterInForce>) {
        let mut parts = self.parts();
        // The file is judged again next, and mistakes in it are shown then.
        parts.besides.resolve(&bundle);
        let before = (parts.bundle.replace(bundle), std::mem::replace(&mut parts.rosters, rosters));
        self.bundles.fetch_add(1, Ordering::AcqRel);
        self.publish(&mut parts);
        before
    }

    /// Puts in force what a file says besides the bundle, and returns what held before and what holds now. `whole` says
    /// that the bundle knows all its names.
    fn put_besides(&self, source: &Source, whole: bool) -> (HeldOff, HeldOff) {
        let mut parts = self.parts();
        let Some(bundle) = parts.bundle.clone() else { return Default::default() };
        let before = parts.besides.held_off.clone();
        match whole {
            true => (parts.besides.whole, parts.besides.partly) = (Some(source.clone()), None),
            false => parts.besides.partly = Some(source.clone()),
        }
        parts.besides.resolve(&bundle);
        let after = parts.besides.held_off.clone();
        if before != after {
            self.publish(&mut parts);
        }
        (before, after)
    }

    fn publish(&self, parts: &mut Parts) {
        let Some(bundle) = &parts.bundle else { return };
        let bundle = bundle.with(&parts.besides.held_off);
        let generation = self.generation.load(Ordering::Acquire) + 1;
        let snapshot = Snapshot::of_generation(bundle, self.remember, generation);
        if let Some(old) = self.current.swap(Some(Arc::new(snapshot))) {
            parts.retired.push(old);
        }
        // After the swap: whoever sees the number sees the snapshot.
        self.generation.store(generation, Ordering::Release);
    }

    /// The bundle as it was loaded, without what is suspended besides.
    fn bundle(&self) -> Option<Bundle> {
        self.parts().bundle.clone()
    }

    /// Drops snapshots that nobody holds any more.
    fn tidy(&self) {
        let mut parts = self.parts();
        let (held, free) = std::mem::take(&mut parts.retired)
            .into_iter()
            .partition(|snapshot| Arc::strong_count(snapshot) > 1);
        parts.retired = held;
        drop(parts);
        drop::<Vec<_>>(free);
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        // Parts are replaced whole: whoever panicked left none half done.
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a bundle was not taken.
#[derive(Debug)]
pub enum LoadError {
    /// The directory, or a file in it, could not be read.
    Io(io::Error),
    /// The policy has mistakes, or a roster cannot be used. With the text that the mistakes point into.
    Mistakes(reload::Mistakes, Vec<Source>),
}

impl LoadError {
    /// The text for a person: every mistake, underlined in its line.
    pub fn render(&self, color: bool) -> String {
        match self {
            LoadError::Io(error) => format!("error: {error}\n"),
            LoadError::Mistakes(mistakes, _) if !color => mistakes.text.clone(),
            LoadError::Mistakes(mistakes, sources) => mistakes.render(sources, color),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for LoadError {}
