//! What is seen from outside: the clock, the counters, the ids of decisions and the record of each of them.
//!
//! In reading order: [`Clock`] tells the time, [`DecisionIds`] names a request, [`Record`] writes down how it ended
//! (exactly once, however it ends), [`Counters`] counts what happened to connections and requests.
//!
//! This room never decides anything and never holds up a request.

mod clock;
mod counters;
mod id;
mod record;

pub use clock::{Clock, ManualClock, SystemClock};
pub use counters::{Closed, Counters, Tally};
pub use id::{DecisionId, DecisionIds};
pub use record::{LOG_TARGET, Record};
