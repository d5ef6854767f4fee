//! The configuration file, turned into [`Settings`]: what each part of the program is told.
//!
//! In reading order: `file` reads the file key by key, `tls` and `keys` what it says of TLS and of the keys of issuers,
//! `log` what stands at `log`, `operators` what stands at `health` and `admin`, `values` what stands at a key (durations,
//! addresses, header names), `cores` counts the processors; `places` finds those that get in each other's way;
//! `dangers` lists what is allowed and not quite safe. Whatever is
//! wrong is reported at once, each mistake with its line, underlined; a file with a mistake is not used at all, and a key
//! that nobody knows is a mistake.
//!
//! This room starts nothing and decides nothing; it reads the configuration file and the files of keys and certificates
//! that it names.

mod cores;
mod dangers;
mod file;
mod keys;
mod log;
mod operators;
mod places;
mod tls;
mod values;

pub use crate::proxy::Config;

use crate::admin::{self, UnsafeSetting};
use crate::health;
use crate::policy::{self, Diagnostic, Severity, Source};
use crate::reload;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;

/// The largest file that is read here, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// A configuration file, read.
#[derive(Debug)]
pub struct Settings {
    /// The data port.
    pub proxy: Config,
    /// Probes and metrics.
    pub health: Option<health::Config>,
    /// The listener for operators.
    pub admin: Option<admin::Config>,
    /// Whether group or others may write the file that this was read from.
    pub writable: bool,
}

impl Settings {
    /// Settings in force that make the process less safe than it could be.
    pub fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        dangers::in_force(self)
    }
}

/// Puts right what `all` says of the data port, once it is known `at` which address it is and whether it has TLS: a socket
/// that a service manager passed takes the place of the one that is configured.
pub fn listens(all: &mut Vec<UnsafeSetting>, at: SocketAddr, tls: bool) {
    dangers::listens(all, at, tls);
}

impl Config {
    /// Reads what a configuration file says of the data port. Paths in it are relative to its directory. Warnings are logged.
    ///
    /// # Errors
    /// The text for a person: why the file cannot be read, or every mistake in it.
    pub fn load(path: &Path) -> Result<Config, String> {
        load(path, false).map(|settings| settings.proxy)
    }
}

/// Reads a configuration file; what is wrong with it is told in `color` where a terminal shows it.
///
/// # Errors
/// As [`Config::load`].
pub fn load(path: &Path, color: bool) -> Result<Settings, String> {
    let (source, settings, diagnostics) = read_file(path)?;
    let Some(settings) = settings else {
        return Err(policy::render(&diagnostics, std::slice::from_ref(&source), color));
    };
    for warning in diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning) {
        tracing::warn!(file = %warning.place.file, line = warning.place.line, "{}", warning.message);
    }
    Ok(settings)
}

/// As [`load`], for somebody who only wants to know: with the text of all mistakes and warnings, empty if there are none.
pub fn check(path: &Path, color: bool) -> (Option<Settings>, String) {
    match read_file(path) {
        Ok((source, settings, diagnostics)) => {
            (settings, policy::render(&diagnostics, std::slice::from_ref(&source), color))
        }
        Err(text) => (None, text),
    }
}

fn read_file(path: &Path) -> Result<(Source, Option<Settings>, Vec<Diagnostic>), String> {
    let bytes =
        read_bounded(path).map_err(|error| format!("error: cannot read `{}`: {error}\n", path.display()))?;
    let source = Source { name: path.display().to_string(), bytes };
    // A bare file name has the empty path as its parent, which joins as it should.
    let directory = path.parent().unwrap_or(Path::new(""));
    let (mut settings, diagnostics) = read(&source, directory);
    if let Some(settings) = &mut settings {
        settings.writable = reload::check_mode(path).is_err();
    }
    Ok((source, settings, diagnostics))
}

/// Reads a configuration that is in memory already. There are `Settings` if and only if no diagnostic is an error. Key
/// files are read from `directory`.
pub fn read(source: &Source, directory: &Path) -> (Option<Settings>, Vec<Diagnostic>) {
    file::read(source, directory)
}

/// As [`read_bounded`], of a file that would be worth nothing if others could write it.
fn read_secret(path: &Path) -> std::io::Result<Vec<u8>> {
    reload::check_mode(path)?;
    read_bounded(path)
}

/// A file, but for one that is too large to be what it should be.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(bytes)
}
