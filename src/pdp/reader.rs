//! How a thread that serves gets at what is in force, without touching what other threads touch too.

use super::{Pdp, Snapshot};
use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// One thread's own reference to what is in force. A request costs one read of a number that only a reload writes,
/// and a count that is this thread's own: neither moves between processors.
pub struct Reader {
    pdp: Arc<Pdp>,
    generation: Cell<u64>,
    held: Cell<Option<Held>>,
}

/// What is in force for one request.
#[derive(Debug, Clone)]
pub struct Held(
    #[expect(clippy::redundant_allocation, reason = "the outer count is this thread's, the inner is shared")]
    Rc<Arc<Snapshot>>,
);

impl Deref for Held {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.0
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader of its own for a thread.
    pub fn new(pdp: Arc<Pdp>) -> Reader {
        Reader { pdp, generation: Cell::new(0), held: Cell::new(None) }
    }

    /// What is in force now, for one request from its first look to its last line.
    pub fn snapshot(&self) -> Option<Held> {
        self.renew();
        let held = self.held.take();
        self.held.set(held.clone());
        held
    }

    /// Lets go of what is not in force any more. A thread that serves nobody does this now and then, so that it does
    /// not keep an old bundle in memory.
    pub fn renew(&self) {
        let generation = self.pdp.generation();
        if generation != self.generation.get() {
            // It may be a newer one already; then the next request takes it once more.
            self.held.set(self.pdp.snapshot().map(|snapshot| Held(Rc::new(snapshot))));
            self.generation.set(generation);
        }
    }
}
