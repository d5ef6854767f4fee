//! What is seen from outside: the clock, the metrics, the ids of decisions and the record of each of them.
//!
//! In reading order: [`Clock`] tells the time, [`DecisionIds`] names a request, [`Record`] gathers how it went (exactly
//! one for each, however it ends), [`DecisionLog`] takes it away as a line, [`Metrics`] counts what happened to connections
//! and requests, [`Readiness`] says whether requests should be sent here, [`LogFilter`] changes what else is logged while
//! the process runs, and [`Events`] takes that to standard error without holding anybody up.
//!
//! A part that can be switched off asks [`Metrics`] for a handle when it starts (`metrics.cache(CacheName::Tokens)`,
//! `metrics.reload("bundle")`, `metrics.jwks(issuer)`, `metrics.log()`, `metrics.certificate_expiry(place)`)
//! and counts with it (`cache.hits.inc()`, `reload.success(now)`); its metrics are shown from then on.
//!
//! This room never decides anything and never holds up a request.

mod clock;
mod events;
mod filter;
mod id;
mod log;
pub mod metrics;
mod readiness;
mod record;

pub use clock::{Clock, ManualClock, SystemClock};
pub use events::{Event, Events};
pub use filter::{BadFilter, LogFilter};
pub use id::{DecisionId, DecisionIds};
pub use log::{
    Attribute, DecisionLog, LogCounters, LogSettings, LogTo, MASK_KEY_BYTES_MIN, Mask, Tally, WhenFull,
};
pub use metrics::{Closed, InFlight, Local, Metrics, Present};
pub use readiness::Readiness;
pub use record::{Asker, Deciding, Record};
