//! What the kernel tells of changes. It tells nothing on some file systems and loses sight of what was exchanged, so
//! nothing here is relied upon: it only makes a look come sooner.

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Watches directories.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    places: BTreeSet<PathBuf>,
}

impl Watch {
    /// A watch over nothing yet, which calls `tell` for whatever may be a change.
    pub(super) fn new(tell: impl Fn() + Send + 'static) -> Watch {
        let handler = move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| may_change(event.kind)) {
                tell();
            }
        };
        let watcher = notify::recommended_watcher(handler)
            .map_err(|error| tracing::warn!(%error, "changes are seen by looking only"))
            .ok();
        Watch { watcher, places: BTreeSet::new() }
    }

    /// Watches these directories and no others. Those that it watches already are asked for again: the one that is
    /// there now may not be the one that was there before.
    pub(super) fn over(&mut self, places: BTreeSet<PathBuf>) {
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.places.difference(&places) {
            // It may be gone from the disk, and then from the watcher too.
            let _ = watcher.unwatch(gone);
        }
        for place in &places {
            if self.places.contains(place) {
                let _ = watcher.unwatch(place);
            }
            if let Err(error) = watcher.watch(place, RecursiveMode::NonRecursive) {
                tracing::debug!(place = %place.display(), %error, "not watched");
            }
        }
        self.places = places;
    }
}

/// Our own reading is not a change.
fn may_change(kind: EventKind) -> bool {
    !matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
