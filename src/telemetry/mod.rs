//! What is seen from outside: for now the clock.

mod clock;

pub use clock::{Clock, ManualClock, SystemClock};
