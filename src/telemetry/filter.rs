//! What is logged, and how to change it without a restart.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::reload::Handle;

/// The longest filter that is taken, in bytes.
const FILTER_BYTES_MAX: usize = 1024;

type Apply = dyn Fn(EnvFilter) -> Result<(), BadFilter> + Send + Sync;

/// The filter of the process's log, in the words of `RUST_LOG`: `info`, `warn,hallpass=debug`.
pub struct LogFilter {
    text: Mutex<String>,
    apply: Box<Apply>,
}

/// A filter that was not taken, and why.
#[derive(Debug)]
pub struct BadFilter(String);

impl fmt::Display for BadFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadFilter {}

/// Whether a directive is a bare word that is no level. `tracing` takes it for a module, logs that one alone, and so a level
/// that was mistyped would silence everything else, failures and audit lines too.
fn means_nothing(directive: &str) -> bool {
    let own = directive.split("::").next() == Some(env!("CARGO_PKG_NAME"));
    !own && !directive.contains(['=', '[', ']', '{', '}']) && directive.parse::<LevelFilter>().is_err()
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogFilter").field("text", &self.text()).finish_non_exhaustive()
    }
}

impl LogFilter {
    /// The filter behind `handle`, which is `text` now.
    pub fn new<S: 'static>(handle: Handle<EnvFilter, S>, text: String) -> LogFilter {
        let apply = move |filter| {
            handle.reload(filter).map_err(|error| BadFilter(format!("the log cannot be changed: {error}")))
        };
        LogFilter { text: Mutex::new(text), apply: Box::new(apply) }
    }

    /// Reads a filter.
    ///
    /// # Errors
    /// It is not one.
    pub fn parse(text: &str) -> Result<EnvFilter, BadFilter> {
        if text.trim().is_empty() || text.len() > FILTER_BYTES_MAX {
            return Err(BadFilter("write a filter such as `info` or `warn,hallpass=debug`".to_owned()));
        }
        if let Some(word) = text.split(',').map(str::trim).find(|directive| means_nothing(directive)) {
            return Err(BadFilter(format!(
                "`{word}` is neither a level nor a part of hallpass; write a filter such as `info` or `warn,hallpass=debug`"
            )));
        }
        EnvFilter::builder().parse(text).map_err(|error| BadFilter(format!("`{text}` is no filter: {error}")))
    }

    /// The filter in force.
    pub fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another filter in force, from the next event on.
    ///
    /// # Errors
    /// It is not one; the filter that was in force stays.
    pub fn set(&self, text: &str) -> Result<(), BadFilter> {
        let filter = LogFilter::parse(text)?;
        let mut shown = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        (self.apply)(filter)?;
        text.clone_into(&mut shown);
        Ok(())
    }
}
