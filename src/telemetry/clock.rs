//! The one place that reads the time. A request is given the time it began with; nothing else asks.

use crate::time::Time;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Time;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // A clock before 1970 is broken; every token is then not valid yet, which is the closed answer.
        Time::from_unix_seconds(0).plus(since.unwrap_or(Duration::ZERO))
    }
}

/// A clock that a test moves by hand.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `time`.
    pub fn at(time: Time) -> ManualClock {
        ManualClock(AtomicI64::new(time.unix_micros()))
    }

    /// Puts the clock to `time`.
    pub fn set(&self, time: Time) {
        self.0.store(time.unix_micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        Time::from_unix_micros(self.0.load(Ordering::SeqCst))
    }
}
