//! Whether requests should be sent here, as the probes are told.

use prometheus::IntGauge;
use std::sync::atomic::{AtomicBool, Ordering};

/// What keeps a process from being ready, besides a bundle that is not there. Set by whoever stops the server and by
/// whoever fetches keys; read by the health listener.
#[derive(Debug)]
pub struct Readiness {
    /// The metric is the flag, so that the two cannot disagree.
    draining: IntGauge,
    keys: AtomicBool,
}

impl Readiness {
    /// Not draining, with keys. `draining` is the gauge that shows it.
    pub fn new(draining: IntGauge) -> Readiness {
        Readiness { draining, keys: AtomicBool::new(true) }
    }

    /// The process is about to stop: no further requests should be sent here. There is no way back.
    pub fn drain(&self) {
        self.draining.set(1);
    }

    /// Whether [`Readiness::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.get() != 0
    }

    /// Whether every issuer has keys. A process whose keys are yet to be fetched says no until they are there.
    pub fn set_keys(&self, loaded: bool) {
        self.keys.store(loaded, Ordering::Release);
    }

    /// Whether every issuer has keys.
    pub fn has_keys(&self) -> bool {
        self.keys.load(Ordering::Acquire)
    }
}
