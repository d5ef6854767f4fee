//! The decision log: one JSON line for each request, written apart from whoever asked.
//!
//! In reading order: [`LogSettings`] says where lines go and what happens when they cannot; [`DecisionLog`] takes lines
//! from the workers; `queue` holds them, bounded; one thread writes them to a `sink`. `json` writes a line, [`Mask`]
//! hides what should not be read in it. What a line says is gathered by [`Record`](super::Record).
//!
//! Never here: waiting for the output on a worker. What the output does not take fills the queue, and then the class
//! of the request decides between a lost line that is counted and a request that is refused.

mod json;
mod mask;
mod queue;
mod sink;

pub(super) use json::Line;
pub use mask::{Attribute, MASK_KEY_BYTES_MIN, Mask};
pub use queue::{LogCounters, Tally};

use super::Metrics;
use queue::{Queue, Taken};
use sink::RotatingFile;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// How long after a failure the output is tried again.
const RETRY: Duration = Duration::from_millis(200);
/// The same for an output that is only not ready, such as a pipe that somebody made non-blocking.
const NOT_READY: Duration = Duration::from_millis(5);
/// How long the end of the process is held up for lines that are not written yet.
const CLOSE: Duration = Duration::from_secs(5);
/// A larger buffer is not kept for the next lines, in bytes.
const BATCH_BYTES_KEPT: usize = 1024 * 1024;

/// Where the decision log goes and what happens when it cannot go there.
#[derive(Debug)]
pub struct LogSettings {
    /// Where lines go.
    pub to: LogTo,
    /// Lines that may wait to be written.
    pub queue: usize,
    /// For GET, HEAD and OPTIONS.
    pub reads: WhenFull,
    /// For every other method.
    pub writes: WhenFull,
    /// What is written as a keyed hash.
    pub mask: Mask,
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings {
            to: LogTo::Stdout,
            queue: 8192,
            reads: WhenFull::DropAndCount,
            writes: WhenFull::RefuseIfNotLogged,
            mask: Mask::none(),
        }
    }
}

impl LogSettings {
    /// No decision log.
    pub fn off() -> LogSettings {
        LogSettings { to: LogTo::Off, ..LogSettings::default() }
    }
}

/// Where lines go.
pub enum LogTo {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// A file, made for its owner alone if it is not there.
    File {
        /// Where it is. Older ones have `.1`, `.2` and so on behind their names.
        path: PathBuf,
        /// The size from which on it is an older one, in bytes.
        rotate_bytes: u64,
        /// How many older ones there are, at least 1.
        keep: u32,
    },
    /// Anything that takes bytes; it may block, and it may fail and be tried again.
    Writer(Box<dyn Write + Send>),
}

impl fmt::Debug for LogTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogTo::Off => f.write_str("Off"),
            LogTo::Stdout => f.write_str("Stdout"),
            LogTo::File { path, rotate_bytes, keep } => {
                f.debug_tuple("File").field(path).field(rotate_bytes).field(keep).finish()
            }
            LogTo::Writer(_) => f.write_str("Writer"),
        }
    }
}

/// What becomes of a request whose line finds no place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// It goes on, and the line is lost and counted.
    DropAndCount,
    /// It is refused before it is forwarded.
    RefuseIfNotLogged,
}

impl WhenFull {
    /// The words for it.
    pub const WORDS: &'static [(&'static str, WhenFull)] =
        &[("drop-and-count", WhenFull::DropAndCount), ("refuse-if-not-logged", WhenFull::RefuseIfNotLogged)];
}

/// A decision log that is open.
#[derive(Debug)]
pub struct DecisionLog {
    queue: Arc<Queue>,
    reads: WhenFull,
    writes: WhenFull,
    mask: Mask,
}

impl DecisionLog {
    /// Opens the output and starts the thread that writes; nothing where the log is off.
    ///
    /// # Errors
    /// The file cannot be opened, or there is no thread to be had.
    pub fn open(settings: LogSettings, metrics: &Metrics) -> io::Result<Option<Arc<DecisionLog>>> {
        let LogSettings { to, queue, reads, writes, mask } = settings;
        let sink: Box<dyn Write + Send> = match to {
            LogTo::Off => return Ok(None),
            LogTo::Stdout => Box::new(sink::stdout()?),
            LogTo::File { path, rotate_bytes, keep } => {
                let name = path.display().to_string();
                let file = RotatingFile::open(path, rotate_bytes, keep);
                Box::new(file.map_err(|error| io::Error::new(error.kind(), format!("`{name}`: {error}")))?)
            }
            LogTo::Writer(writer) => writer,
        };
        let queue = Arc::new(Queue::new(queue.max(1), reads != writes, metrics.log()));
        let writer = Writer { queue: queue.clone(), sink, until: None };
        thread::Builder::new().name("hallpass-log".to_owned()).spawn(move || writer.work())?;
        Ok(Some(Arc::new(DecisionLog { queue, reads, writes, mask })))
    }

    /// What happened to lines so far.
    pub fn counters(&self) -> &LogCounters {
        &self.queue.counters
    }

    /// Places in the queue that are taken: by lines that wait or are being written, and by requests under way whose
    /// line must not be lost.
    pub fn waiting(&self) -> usize {
        self.queue.lines()
    }

    /// Whether the last attempt to write failed.
    pub fn is_failing(&self) -> bool {
        self.queue.is_failing()
    }

    /// Writes what is queued and ends, within some seconds; what cannot be written by then is lost and counted.
    pub fn close(&self) {
        self.close_within(CLOSE);
    }

    /// The same, within `patience`.
    pub fn close_within(&self, patience: Duration) {
        self.queue.close();
        if !self.queue.wait_for_end(Instant::now() + patience) {
            let lines = self.queue.lines();
            tracing::error!(lines, "the decision log is left with lines that its output does not take");
        }
    }

    pub(super) fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Whether a line of this class must have its place before the request is forwarded.
    pub(super) fn must_have(&self, reads: bool) -> bool {
        (if reads { self.reads } else { self.writes }) == WhenFull::RefuseIfNotLogged
    }

    pub(super) fn reserve(&self) -> bool {
        self.queue.reserve()
    }

    pub(super) fn put(&self, line: &[u8], reserved: bool) {
        self.queue.put(line, reserved);
    }
}

impl Drop for DecisionLog {
    /// The writer writes what there is, and ends; nobody waits for it.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// The thread that writes.
struct Writer {
    queue: Arc<Queue>,
    sink: Box<dyn Write + Send>,
    /// Once the log is closed: how long an output that is not ready is waited for.
    until: Option<Instant>,
}

impl Writer {
    fn work(mut self) {
        let mut batch = Vec::new();
        while let Taken::Lines = self.queue.take(&mut batch) {
            let written = self.write(&batch);
            if written < batch.len() {
                self.queue.end(batch.get(written..).unwrap_or_default());
                return;
            }
            batch.clear();
            if batch.capacity() > BATCH_BYTES_KEPT {
                batch = Vec::new();
            }
        }
        self.queue.end(&[]);
    }

    /// Writes on where it was stopped until all is written: no line is left half done with another behind it. Gives up
    /// only when the log is closed and the output still fails; says how far it came.
    fn write(&mut self, batch: &[u8]) -> usize {
        let mut written = 0;
        while let Some(rest) = batch.get(written..).filter(|rest| !rest.is_empty()) {
            let result = match self.sink.write(rest) {
                Ok(0) => Err(ErrorKind::WriteZero.into()),
                other => other,
            };
            match result {
                Ok(bytes) => {
                    let was_failing = self.queue.is_failing();
                    self.queue.wrote(rest.get(..bytes).unwrap_or(rest));
                    written += bytes;
                    if was_failing {
                        tracing::info!("the decision log is written again");
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if self.queue.pause(NOT_READY) {
                        let until = *self.until.get_or_insert_with(|| Instant::now() + CLOSE);
                        if Instant::now() >= until {
                            return written;
                        }
                        thread::sleep(NOT_READY);
                    }
                }
                Err(error) => {
                    if self.queue.failed() {
                        tracing::error!(%error, "the decision log cannot be written");
                    }
                    if self.queue.pause(RETRY) {
                        return written;
                    }
                }
            }
        }
        written
    }
}
