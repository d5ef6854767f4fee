//! The running policy decision point: the bundle that is in force, and where it comes from.
//!
//! In reading order: [`directory`] turns a directory into sources, [`Pdp`] compiles them and holds the result as a
//! [`Snapshot`], which one request takes once and keeps to its end; [`LoadError`] is why a bundle was not taken.
//!
//! This room never decides and never serves: a bundle that does not load changes nothing here.

pub mod directory;

use crate::policy::{self, Bundle, Diagnostic, Source};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::Decisions;
use arc_swap::ArcSwapOption;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// A bundle in force. Whoever began with a snapshot ends with it, whatever is loaded meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    bundle: Bundle,
    decisions: OnceLock<Decisions>,
}

impl Snapshot {
    /// The bundle, which cannot be wrong.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
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
}

impl Pdp {
    /// A decision point without a bundle.
    pub fn empty() -> Pdp {
        Pdp::default()
    }

    /// Reads and compiles the bundle directory `directory`. Warnings are logged.
    ///
    /// # Errors
    /// What the directory is made of could not be read, or the policy has mistakes; then there is no [`Pdp`].
    pub fn load(directory: &Path) -> Result<Pdp, LoadError> {
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
                let pdp = Pdp::empty();
                pdp.current.store(Some(Arc::new(Snapshot { bundle, decisions: OnceLock::new() })));
                Ok(pdp)
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
