//! Files that are read again when they change: the bundle, who is suspended, keys; certificates when there are some.
//!
//! In reading order: [`FileSet`] names files and reads them whole, within limits and from one state of the disk, with
//! `rosters` beside a bundle, packed in an `archive` or not; `modes` refuses what others may write; [`Target`] is what
//! becomes of them, parse and then publish; [`Watched`] is a target with what was last seen of its files; [`Progress`]
//! shows how that went; `schedule` says when to look, `watch` is told by the kernel, and [`Reloader`] has the threads
//! that do it all.
//!
//! What always holds: what does not load changes nothing and is shown. What was seen is written down only once it was
//! judged, so whatever the environment is to blame for is tried again. The thread that serves a request never reads,
//! compiles or drops anything here.

mod archive;
mod files;
mod modes;
mod progress;
mod reloader;
mod rosters;
mod schedule;
mod watch;
mod watched;

pub use files::{BUNDLE_BYTES_MAX, FILE_BYTES_MAX, FILES_MAX, FileSet, Read};
pub use modes::check_mode;
pub use progress::{Counts, Failure, Progress, Status};
pub use reloader::Reloader;
pub use rosters::{
    ARCHIVE_BYTES_MAX, ROSTER_BYTES_MAX, ROSTER_FILE_BYTES_MAX, ROSTERS_BYTES_MAX, RosterRead,
};
pub use watched::Watched;

use crate::policy::{self, Diagnostic, Source};
use crate::time::Time;
use std::time::Duration;

/// How often to look, and how long to wait until it is quiet.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Between two looks where the kernel says nothing, and between two attempts where the environment failed.
    pub poll: Duration,
    /// How long nothing must have happened before files are read.
    pub debounce: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { poll: Duration::from_secs(2), debounce: Duration::from_millis(100) }
    }
}

/// What files are for: parsed, and put in force.
pub trait Target: Send {
    /// The files.
    fn files(&self) -> &FileSet;

    /// Parses what was read and puts it in force, all of it or nothing, or what is safe to take alone. `stale` says
    /// that the files have changed meanwhile; whoever takes long asks it now and then, and ends with
    /// [`Rejected::Stale`].
    ///
    /// # Errors
    /// Why nothing was changed.
    fn load(&mut self, read: Read, now: Time, stale: &dyn Fn() -> bool) -> Result<Loaded, Rejected>;

    /// A number that moves with whatever else the judgement of the files depends on: they are judged again when it
    /// does, the ones in force as well as rejected ones.
    fn depends_on(&self) -> u64 {
        0
    }

    /// Whether reading and loading may take so long that what is quick must not stand behind it.
    fn may_take_long(&self) -> bool {
        false
    }

    /// Called on each look, changed or not: the place to drop what nobody holds any more.
    fn tidy(&mut self) {}
}

/// What is in force now.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// How it is called, in a word for the status: the revision of a bundle, the digest of a file.
    pub revision: String,
    /// What of the files is not in force: the rest is, and this is shown like a failure.
    pub left_out: Option<Mistakes>,
}

impl Loaded {
    /// All that the files say is in force.
    pub fn whole(revision: impl Into<String>) -> Loaded {
        Loaded { revision: revision.into(), left_out: None }
    }
}

/// Why files were not taken.
#[derive(Debug)]
pub enum Rejected {
    /// They have mistakes. They are not looked at again until they change.
    Mistakes(Mistakes),
    /// Something else than these files is to blame; they are tried again.
    Environment(String),
    /// They have changed meanwhile; they are read again at once.
    Stale,
}

/// Mistakes for a person and for a program.
#[derive(Debug, Clone, Default)]
pub struct Mistakes {
    /// What a person reads.
    pub text: String,
    /// The same, one by one, as far as they have places.
    pub diagnostics: Vec<Diagnostic>,
}

impl Mistakes {
    /// A mistake without a place.
    pub fn new(text: impl Into<String>) -> Mistakes {
        Mistakes { text: text.into(), diagnostics: Vec::new() }
    }

    /// The text again, in `color` or not, with the diagnostics underlined in their sources.
    pub fn render(&self, sources: &[Source], color: bool) -> String {
        let plain = policy::render(&self.diagnostics, sources, false);
        // What is said without a place stands before them.
        let before = self.text.strip_suffix(plain.as_str()).unwrap_or_default();
        format!("{before}{}", policy::render(&self.diagnostics, sources, color))
    }

    /// Diagnostics, underlined in their sources.
    pub fn of(diagnostics: Vec<Diagnostic>, sources: &[Source]) -> Mistakes {
        Mistakes { text: policy::render(&diagnostics, sources, false), diagnostics }
    }
}
