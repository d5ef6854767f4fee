//! The files behind what is in force: the bundle, and who is suspended besides.

use super::rosters::{Compiled, LastGood};
use super::{Pdp, audit};
use crate::policy::{self, Diagnostic, Severity};
use crate::reload::{FileSet, Loaded, Mistakes, Read, Rejected, Target, Watched};
use crate::time::Time;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The directory of the bundle.
#[derive(Debug)]
pub struct BundleFiles {
    pdp: Arc<Pdp>,
    files: FileSet,
    last_good: LastGood,
}

impl BundleFiles {
    /// The bundle in `directory` with the rosters beside it, to be put in force in `pdp`.
    pub fn watched(pdp: &Arc<Pdp>, directory: PathBuf) -> Watched {
        BundleFiles::with_rosters(pdp, directory, Vec::new())
    }

    /// The same, with rosters that lie elsewhere, by name.
    pub fn with_rosters(pdp: &Arc<Pdp>, directory: PathBuf, rosters: Vec<(String, PathBuf)>) -> Watched {
        let files = FileSet::Bundle { directory, rosters };
        let target = BundleFiles { pdp: pdp.clone(), files, last_good: LastGood::default() };
        Watched::new(target, pdp.bundle_progress().clone())
    }
}

impl Target for BundleFiles {
    fn files(&self) -> &FileSet {
        &self.files
    }

    fn load(&mut self, read: Read, _: Time, stale: &dyn Fn() -> bool) -> Result<Loaded, Rejected> {
        let Read { sources, rosters, .. } = read;
        let compiled = self.last_good.compile(&sources, rosters, stale).ok_or(Rejected::Stale)?;
        let Compiled { bundle, diagnostics, rosters, left_out } = compiled.map_err(Rejected::Mistakes)?;
        warn(&diagnostics);
        let (before, rosters_before) = self.pdp.put_bundle(bundle.clone(), rosters.clone());
        // It is in force; what is written down about it keeps nobody waiting.
        audit::bundle(before.as_ref(), &bundle);
        audit::rosters(&rosters_before, &rosters);
        Ok(Loaded { revision: bundle.revision().to_owned(), left_out })
    }

    /// A roster may have a million rows, or lie where nobody answers any more.
    fn may_take_long(&self) -> bool {
        true
    }

    fn tidy(&mut self) {
        self.pdp.tidy();
    }
}

/// Logs warnings: none of what comes with a bundle is an error.
pub(super) fn warn(diagnostics: &[Diagnostic]) {
    for warning in diagnostics {
        let (file, line) = (&*warning.place.file, warning.place.line);
        tracing::warn!(file, line, code = warning.code, "{}", warning.message);
    }
}

/// The file that says who is suspended, and who may not come near whom, besides those of whom the bundle says so. It is
/// put in force without compiling the bundle and on another thread, so it never waits for a roster.
#[derive(Debug)]
pub struct SuspendedFile {
    pdp: Arc<Pdp>,
    files: FileSet,
    digest: Option<String>,
}

impl SuspendedFile {
    /// The file at `path`, to be put in force in `pdp`. Stands behind the bundle, which says what ids there are.
    pub fn watched(pdp: &Arc<Pdp>, path: PathBuf) -> Watched {
        let target = SuspendedFile { pdp: pdp.clone(), files: FileSet::Files(vec![path]), digest: None };
        Watched::new(target, pdp.suspended_progress().clone())
    }
}

impl Target for SuspendedFile {
    fn files(&self) -> &FileSet {
        &self.files
    }

    fn load(&mut self, read: Read, _: Time, _: &dyn Fn() -> bool) -> Result<Loaded, Rejected> {
        let Some(bundle) = self.pdp.bundle() else {
            return Err(Rejected::Environment("there is no bundle that knows the ids\n".to_owned()));
        };
        let [source] = read.sources.as_slice() else {
            return Err(Rejected::Mistakes(Mistakes::new("not one file\n")));
        };
        let (_, diagnostics) = policy::held_off(source, &bundle);
        if !policy::only_unknown_names(&diagnostics) {
            return Err(Rejected::Mistakes(Mistakes::of(diagnostics, &read.sources)));
        }
        // Somebody whom the bundle does not know holds up nobody whom it knows.
        let whole = !diagnostics.iter().any(|told| told.severity == Severity::Error);
        let (before, after) = self.pdp.put_besides(source, whole);
        if self.digest.as_ref() != Some(&read.digest) {
            audit::besides(self.digest.as_deref(), &read.digest, &before, &after);
            self.digest = Some(read.digest.clone());
        }
        let left_out = (!whole).then(|| Mistakes::of(diagnostics, &read.sources));
        Ok(Loaded { revision: read.digest.clone(), left_out })
    }

    /// An id may have come, or gone, with a new bundle.
    fn depends_on(&self) -> u64 {
        self.pdp.bundles.load(Ordering::Acquire)
    }
}
