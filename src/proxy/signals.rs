//! The signals that tell the process to end, and the one that others take for a wish to read files again.

use std::io;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, caught from the moment this is made; before it, they end the process on the spot. SIGHUP too,
/// which does nothing: it reloads so many other servers that it must not be what cuts off every request.
#[derive(Debug)]
pub struct Signals {
    pub(super) runtime: Runtime,
    pub(super) told: Told,
}

/// The waiting end of [`Signals`].
#[derive(Debug)]
pub(super) struct Told {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// The system does not let us.
    pub fn catch() -> io::Result<Signals> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let told = {
            let _inside = runtime.enter();
            Told {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hangup: signal(SignalKind::hangup())?,
            }
        };
        Ok(Signals { runtime, told })
    }
}

impl Told {
    /// Returns when the process is told to end, once for each time.
    pub(super) async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => tracing::info!(
                    "SIGHUP does nothing: files are read again when they change, the configuration when the process is started"
                ),
            }
        }
    }
}
