//! The policy enforcement point: takes requests in, lets through what may pass, refuses the rest.
//!
//! In reading order: [`Config`] is what a listener is told; [`Server`] opens it and runs one `worker` a thread; a
//! worker accepts and hands each client connection to `connection`, which gives each request to `exchange`. There
//! `enforce` makes a `Permit` or a `Refusal` of it, and `inputs` tells the log what the decision read; `forward` uses
//! up a permit and is the only code that talks to the `upstream`; `answer` tells the caller of a refusal. `body`
//! streams in both directions.
//!
//! What this room never does: parse HTTP (hyper does, and what hyper refuses is answered by hyper and counted), know
//! a word of the policy, hold a whole body, or send a byte to the upstream without a `Permit`.
//!
//! One worker is one thread with one runtime: nothing in it is shared with another worker but the configuration, the
//! bundle, the metrics and two semaphores, so no request waits for a lock.

mod answer;
mod body;
mod certificates;
mod config;
mod connection;
mod enforce;
mod exchange;
mod forward;
mod inputs;
mod keys;
mod listen;
mod panics;
mod server;
mod signals;
mod upstream;
mod wire;
mod worker;

pub use certificates::{authority_file, certificate_files};
pub use config::{Address, Cache, Config, Fact, Forward, Limits, Shutdown, Timeouts, Upstream};
pub use keys::KeyFile;
pub use server::{Ended, Server, StartError, Stopper};
pub use signals::Signals;
