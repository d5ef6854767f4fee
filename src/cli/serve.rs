//! `serve --config FILE`: stand in front of the app until told to stop.

use super::Outcome;
use crate::proxy::{Ended, Server, Signals};
use crate::settings::{self, Settings};
use crate::telemetry::{Clock, Events, LogFilter, SystemClock};
use crate::{admin, health};
use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// How long the end is held up for events that standard error has not taken yet.
const EVENTS: Duration = Duration::from_millis(500);

pub(super) fn run(path: &Path) -> io::Result<Outcome> {
    let events = Events::to(io::stderr())?;
    let log = start_logging(&events);
    let ended = settings::load(path, super::color(&io::stderr()))
        .map_err(|text| text.trim_end().to_owned())
        .and_then(|settings| serve(settings, log).map_err(|error| format!("hallpass: {error}")));
    let outcome = match ended {
        Ok(Ended::Drained) => Outcome::Yes,
        // To be cut off is not what anybody wants, so it does not look like an orderly end.
        Ok(Ended::AtOnce) => Outcome::No,
        Err(text) => {
            writeln!(events.make_writer(), "{text}")?;
            Outcome::No
        }
    };
    events.close(EVENTS);
    Ok(outcome)
}

/// The data port, with the listeners for operators beside it until it has come to its end.
fn serve(settings: Settings, log: Option<LogFilter>) -> Result<Ended, Box<dyn Error>> {
    // Before there is a socket, so that whoever sees that we listen can tell us to stop.
    let signals = Signals::catch()?;
    let mut unsafe_settings = settings.unsafe_settings();
    let Settings { proxy, health, admin, .. } = settings;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (upstream, upstream_tls) = (proxy.upstream.address.clone(), proxy.upstream.tls.clone());
    let tls = proxy.tls.is_some();
    let server = Server::start(proxy, clock.clone())?;
    settings::listens(&mut unsafe_settings, server.address(), tls);
    if !unsafe_settings.is_empty() {
        let names: Vec<&str> = unsafe_settings.iter().map(|one| one.setting).collect();
        tracing::warn!(settings = names.join(", "), "unsafe settings are in force; /status tells why");
    }
    server.metrics().started(clock.now());
    let (pdp, readiness) = (server.pdp(), server.readiness());
    let _health = match health {
        Some(config) => {
            let listen = config.listen;
            let sources = health::Sources {
                pdp: pdp.clone(),
                metrics: server.metrics(),
                readiness: readiness.clone(),
                upstream,
                upstream_tls,
            };
            let started = health::start(config, sources);
            Some(started.map_err(|error| format!("cannot listen on `{listen}` for probes: {error}"))?)
        }
        None => None,
    };
    let _admin = match admin {
        Some(config) => {
            let sources = admin::Sources {
                pdp,
                reloads: server.reloads().to_vec(),
                certificates: server.certificates().cloned(),
                key_sources: server.key_sources().to_vec(),
                readiness,
                log,
                unsafe_settings,
            };
            Some(admin::start(config, sources, clock)?)
        }
        None => None,
    };
    Ok(server.run(signals)?)
}

/// Events go to standard error as text; `RUST_LOG` picks them, `info` where it says nothing. None if the process logs in
/// another way already.
fn start_logging(events: &Events) -> Option<LogFilter> {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    use tracing_subscriber::{EnvFilter, fmt, registry, reload};
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let (wanted, bad) = match wanted.map(|text| LogFilter::parse(&text).map(|filter| (filter, text))) {
        Some(Ok(wanted)) => (Some(wanted), None),
        Some(Err(error)) => (None, Some(error)),
        None => (None, None),
    };
    let (filter, text) = wanted.unwrap_or_else(|| (EnvFilter::new("info"), "info".to_owned()));
    let (filter, handle) = reload::Layer::new(filter);
    let ansi = super::color(&io::stderr());
    let lines = fmt::layer().with_writer(events.clone()).with_ansi(ansi);
    registry().with(filter).with(lines).try_init().ok()?;
    if let Some(error) = bad {
        tracing::warn!(%error, "RUST_LOG is not used");
    }
    Some(LogFilter::new(handle, text))
}
