//! Looks at the files of the certificates again and again, on a thread of its own.

use super::Certificates;
use crate::telemetry::metrics::ReloadSource;
use crate::telemetry::{Clock, Metrics};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// Keeps the thread; it ends when this is dropped.
#[derive(Debug)]
pub struct Watching {
    _stop: Sender<()>,
}

/// Reloads the certificates every `poll` while their files change. What cannot be used is tried again each time,
/// whatever it was that was wrong: the file next to it may be what is mended.
///
/// # Errors
/// The system has no thread to give.
pub fn watch(
    certificates: Arc<Certificates>,
    poll: Duration,
    clock: Arc<dyn Clock>,
    metrics: &Metrics,
) -> io::Result<Watching> {
    let (stop, stopped) = mpsc::channel();
    let reloads = metrics.reload(ReloadSource::Certificates);
    let status = certificates.status();
    let expiries: Vec<_> = (0..status.len()).map(|place| metrics.certificate_expiry(place)).collect();
    let show = move |certificates: &Certificates| {
        for (expiry, status) in expiries.iter().zip(certificates.status()) {
            expiry.set(status.expires_at().unix_micros() / 1_000_000);
        }
    };
    show(&certificates);
    reloads.success(clock.now());
    thread::Builder::new().name("hallpass-tls".to_owned()).spawn(move || {
        let mut failing = 0;
        while stopped.recv_timeout(poll) == Err(RecvTimeoutError::Timeout) {
            let now = clock.now();
            let reloaded = certificates.reload(now);
            if reloaded.changed > 0 {
                show(&certificates);
                tracing::info!(changed = reloaded.changed, "certificates were reloaded");
            }
            if (reloaded.changed > 0 || failing > 0) && reloaded.failing == 0 {
                // All of them, or all again.
                reloads.success(now);
            }
            failing = reloaded.failing;
            for error in reloaded.failures {
                reloads.failure();
                tracing::warn!(%error, "a certificate was not reloaded; the one before stays in use");
            }
        }
    })?;
    Ok(Watching { _stop: stop })
}
