//! The running policy decision point: the bundle that is in force, and where it comes from.
//!
//! In reading order: [`directory`] turns a directory into sources, [`Pdp`] compiles them and holds the result as a
//! [`Snapshot`], which one request takes once and keeps to its end; [`LoadError`] is why a bundle was not taken.
//!
//! This room never decides and never serves: a bundle that does not load changes nothing here.

mod decisions;
pub mod directory;

pub use decisions::{Decided, Remember};

use crate::policy::route::Match;
use crate::policy::table::PersonId;
use crate::policy::{self, Bundle, Claims, Diagnostic, Source};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Decisions;
use crate::time::Time;
use arc_swap::ArcSwapOption;
use decisions::DecisionCache;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A bundle in force. Whoever began with a snapshot ends with it, whatever is loaded meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    bundle: Bundle,
    remembered: Option<DecisionCache>,
    decisions: OnceLock<Decisions>,
}

impl Snapshot {
    /// A bundle, and nothing that was decided from it so far.
    pub fn new(bundle: Bundle, remember: Remember) -> Snapshot {
        Snapshot { remembered: DecisionCache::of(&bundle, remember), bundle, decisions: OnceLock::new() }
    }

    /// The bundle, which cannot be wrong.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// As [`decide_requirements`](crate::decision::decide_requirements), from what is remembered where something is. `expires` is when
    /// the subject's token ends.
    pub fn decide(
        &self,
        matched: &Match<'_, '_>,
        subject: PersonId,
        claims: &dyn Claims,
        expires: Option<Time>,
        now: Time,
    ) -> Decided {
        match &self.remembered {
            Some(remembered) => remembered.decide(&self.bundle, matched, subject, claims, expires, now),
            None => Decided::anew(&self.bundle, matched, subject, claims, now),
        }
    }

    /// The counters for the domains of this bundle, looked up by name at the first call only.
    pub fn decisions(&self, metrics: &Metrics) -> &Decisions {
        self.decisions
            .get_or_init(|| metrics.decisions(self.bundle.domains().iter().map(|(_, domain)| domain.name())))
    }
}

/// Holds the bundle in force; empty until one was loaded, and then every request is refused (`no_bundle`).
#[derive(Debug, Default)]
pub struct Pdp {
    current: ArcSwapOption<Snapshot>,
    remember: Remember,
}

impl Pdp {
    /// A decision point without a bundle.
    pub fn empty() -> Pdp {
        Pdp::default()
    }

    /// The same, with snapshots that remember these decisions.
    #[must_use]
    pub fn remembering(self, remember: Remember) -> Pdp {
        Pdp { remember, ..self }
    }

    /// Reads and compiles the bundle directory `directory`. Warnings are logged.
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
        let sources = directory::read(directory).map_err(LoadError::Io)?;
        let compilation = policy::compile(&sources);
        match compilation.bundle {
            Some(bundle) => {
                // None of them is an error: a bundle with one of those is not there.
                for warning in &compilation.diagnostics {
                    let (file, line) = (&*warning.place.file, warning.place.line);
                    tracing::warn!(file, line, code = warning.code, "{}", warning.message);
                }
                tracing::info!(revision = bundle.revision(), "a bundle was loaded");
                self.current.store(Some(Arc::new(Snapshot::new(bundle, self.remember))));
                Ok(self)
            }
            None => Err(LoadError::Diagnostics { diagnostics: compilation.diagnostics, sources }),
        }
    }

    /// The bundle in force, for one request from its first look to its last line.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }
}

/// Why a bundle was not taken.
#[derive(Debug)]
pub enum LoadError {
    /// The directory, or a file in it, could not be read.
    Io(io::Error),
    /// The policy has mistakes.
    Diagnostics {
        /// All of them.
        diagnostics: Vec<Diagnostic>,
        /// The text they point into.
        sources: Vec<Source>,
    },
}

impl LoadError {
    /// The text for a person: every mistake, underlined in its line.
    pub fn render(&self, color: bool) -> String {
        match self {
            LoadError::Io(error) => format!("error: {error}\n"),
            LoadError::Diagnostics { diagnostics, sources } => policy::render(diagnostics, sources, color),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for LoadError {}
