//! `serve --config FILE`: stand in front of the app until told to stop.

use super::Outcome;
use crate::proxy::Server;
use crate::settings::Config;
use crate::telemetry::SystemClock;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(path: &Path) -> io::Result<Outcome> {
    start_logging();
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(text) => {
            writeln!(io::stderr(), "{}", text.trim_end())?;
            return Ok(Outcome::No);
        }
    };
    match Server::start(config, Arc::new(SystemClock)) {
        Ok(server) => {
            server.run()?;
            Ok(Outcome::Yes)
        }
        Err(error) => {
            writeln!(io::stderr(), "hallpass: {error}")?;
            Ok(Outcome::No)
        }
    }
}

/// Events go to standard error as text; `RUST_LOG` picks them, `info` where it says nothing.
fn start_logging() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let ansi = super::color(&io::stderr());
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(ansi).try_init();
}
