//! Lines between the workers, which never wait, and the one thread that writes.
//!
//! A worker copies its line behind the others in one buffer, under a lock that is held for the copy; the writer takes
//! the whole buffer and leaves an empty one. A line has a place from the moment it is reserved or queued until it is
//! written, and there are only so many.

use super::super::metrics::LogMetrics;
use prometheus::{IntCounter, IntGauge};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What the lines in a queue may have on average before it counts as full, in bytes. A usual line has some 700; lines
/// as long as a request head can make them must not take the memory of the process.
const LINE_BYTES: usize = 2 * 1024;

/// For so long the writer lets lines come together before it writes again: a busy worker then never has to wake it.
const GATHER: Duration = Duration::from_millis(5);

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// Counts one.
    pub fn add(&self) {
        // It carries no other data with it: no order is needed.
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happened to lines so far.
#[derive(Debug)]
pub struct LogCounters {
    /// Lines that got a place in the queue.
    pub queued: Tally,
    /// Lines that were written.
    pub written: IntCounter,
    /// Lines that are lost because there was no place for them.
    pub dropped: IntCounter,
    /// Lines that are lost because the log ended before its output took them.
    pub failed: IntCounter,
    /// Times that the output did not take what was written; each is tried again.
    pub errors: Tally,
    waiting: IntGauge,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    lines_max: usize,
    /// Places for reserved lines alone.
    spare: usize,
    bytes_max: usize,
    lines: AtomicUsize,
    bytes: AtomicUsize,
    failing: AtomicBool,
    pub(super) counters: LogCounters,
    pending: Mutex<Pending>,
    wake: Condvar,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    lines: usize,
    /// The writer waits for a first line.
    asleep: bool,
    closed: bool,
    ended: bool,
}

/// What the writer is given.
pub(super) enum Taken {
    /// Lines.
    Lines,
    /// There are none, and there will be none.
    End,
}

impl Queue {
    /// A queue for `lines_max` lines. With `spare`, an eighth of them is for reserved lines alone: a flood of reads
    /// then does not keep writes from being logged.
    pub(super) fn new(lines_max: usize, spare: bool, metrics: LogMetrics) -> Queue {
        let LogMetrics { queue, written, dropped, failed } = metrics;
        Queue {
            lines_max,
            spare: if spare { lines_max / 8 } else { 0 },
            bytes_max: lines_max.saturating_mul(LINE_BYTES),
            lines: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            failing: AtomicBool::new(false),
            counters: LogCounters {
                queued: Tally::default(),
                written,
                dropped,
                failed,
                errors: Tally::default(),
                waiting: queue,
            },
            pending: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
        }
    }

    /// Takes a place for a line that is not written yet, unless there is none or the output is failing.
    pub(super) fn reserve(&self) -> bool {
        !self.is_failing() && self.take_place(self.lines_max)
    }

    /// Queues a line; one that has no reserved place may find none, and is then lost and counted.
    pub(super) fn put(&self, line: &[u8], reserved: bool) {
        if !reserved && !self.take_place(self.lines_max - self.spare) {
            self.counters.dropped.inc();
            return;
        }
        let mut pending = self.lock();
        if pending.ended {
            drop(pending);
            self.release(1, 0);
            self.counters.dropped.inc();
            return;
        }
        pending.bytes.extend_from_slice(line);
        pending.lines += 1;
        self.bytes.fetch_add(line.len(), Ordering::Relaxed);
        // Before the writer can count it as written.
        self.counters.queued.add();
        self.counters.waiting.inc();
        let wake = std::mem::take(&mut pending.asleep) || pending.lines == self.urgent();
        drop(pending);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Gives the writer what there is in exchange for its empty `batch`, and waits for it if need be.
    pub(super) fn take(&self, batch: &mut Vec<u8>) -> Taken {
        let mut pending = self.lock();
        if pending.lines < self.urgent() && !pending.closed {
            pending = self
                .wake
                .wait_timeout_while(pending, GATHER, |pending| {
                    pending.lines < self.urgent() && !pending.closed
                })
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        loop {
            if pending.lines > 0 {
                pending.lines = 0;
                std::mem::swap(&mut pending.bytes, batch);
                return Taken::Lines;
            }
            if pending.closed {
                return Taken::End;
            }
            pending.asleep = true;
            pending = self.wake.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lines or parts of them were written.
    pub(super) fn wrote(&self, bytes: &[u8]) {
        let lines = line_ends(bytes);
        self.release(lines, bytes.len());
        self.counters.written.inc_by(lines as u64);
        self.counters.waiting.sub(i64::try_from(lines).unwrap_or(i64::MAX));
        self.failing.store(false, Ordering::Relaxed);
    }

    /// The output failed; says whether it did not before.
    pub(super) fn failed(&self) -> bool {
        self.counters.errors.add();
        !self.failing.swap(true, Ordering::Relaxed)
    }

    /// Whether the last write failed.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Places that are taken.
    pub(super) fn lines(&self) -> usize {
        self.lines.load(Ordering::Relaxed)
    }

    /// Waits for `time` or until the queue is closed; says whether it is.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let pending = self.lock();
        let waited = self.wake.wait_timeout_while(pending, time, |pending| !pending.closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.closed
    }

    /// No further line will come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_all();
    }

    /// The writer ends. Whole and half lines that are `left` are lost.
    pub(super) fn end(&self, left: &[u8]) {
        let mut pending = self.lock();
        let lost = line_ends(left) + pending.lines;
        self.counters.failed.inc_by(lost as u64);
        pending.ended = true;
        drop(pending);
        if lost > 0 {
            tracing::error!(lines = lost, "lines of the decision log are lost");
        }
        self.ended.notify_all();
    }

    /// Waits until the writer has ended, and says whether it did in time.
    pub(super) fn wait_for_end(&self, until: Instant) -> bool {
        let time = until.saturating_duration_since(Instant::now());
        let waited = self.ended.wait_timeout_while(self.lock(), time, |pending| !pending.ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }

    fn take_place(&self, lines_max: usize) -> bool {
        if self.bytes.load(Ordering::Relaxed) >= self.bytes_max {
            return false;
        }
        let more = |lines: usize| (lines < lines_max).then_some(lines + 1);
        self.lines.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn release(&self, lines: usize, bytes: usize) {
        self.lines.fetch_sub(lines, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// From so many lines on, the writer does not wait for more.
    fn urgent(&self) -> usize {
        (self.lines_max / 4).max(1)
    }

    /// A panic while the lock was held left whole lines: they are only appended and swapped.
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many lines end in `bytes`. In pieces whose count fits in a byte, the compiler looks at many bytes at once.
fn line_ends(bytes: &[u8]) -> usize {
    let ends = |piece: &[u8]| piece.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
    bytes.chunks(usize::from(u8::MAX)).map(|piece| usize::from(ends(piece))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(lines_max: usize, spare: bool) -> Queue {
        Queue::new(lines_max, spare, crate::telemetry::Metrics::new().unwrap().log())
    }

    #[test]
    fn counts_the_ends_of_any_number_of_lines() {
        for lines in [0, 1, 254, 255, 256, 1000] {
            assert_eq!(line_ends("\n".repeat(lines).as_bytes()), lines);
            assert_eq!(line_ends("{}\n".repeat(lines).as_bytes()), lines);
        }
        assert_eq!(line_ends(b"{\"a\":"), 0);
    }

    #[test]
    fn has_no_more_places_than_it_was_told_and_gives_them_back() {
        let queue = queue(3, false);
        assert!(queue.reserve() && queue.reserve());
        queue.put(b"1\n", false);
        queue.put(b"2\n", false);
        assert_eq!(queue.counters.dropped.get(), 1);
        assert!(!queue.reserve());
        queue.put(b"3\n", true);
        queue.put(b"4\n", true);
        let mut batch = Vec::new();
        assert!(matches!(queue.take(&mut batch), Taken::Lines));
        assert_eq!(batch, b"1\n3\n4\n");
        assert!(!queue.reserve(), "what is being written has its places still");
        queue.wrote(b"1\n3");
        queue.wrote(b"\n4");
        assert_eq!((queue.lines(), queue.counters.written.get()), (1, 2));
        queue.wrote(b"\n");
        assert_eq!((queue.lines(), queue.bytes.load(Ordering::Relaxed)), (0, 0));
    }

    #[test]
    fn keeps_an_eighth_for_lines_that_must_not_be_lost() {
        let queue = queue(16, true);
        for _ in 0..20 {
            queue.put(b"\n", false);
        }
        assert_eq!(queue.counters.dropped.get(), 6);
        assert!(queue.reserve() && queue.reserve() && !queue.reserve());
    }

    #[test]
    fn is_full_of_long_lines_before_it_has_as_many() {
        let queue = queue(4, false);
        queue.put(&[b'x'; 8 * 1024], false);
        assert!(!queue.reserve());
        queue.put(b"\n", false);
        assert_eq!(queue.counters.dropped.get(), 1);
    }

    #[test]
    fn reserves_nothing_while_the_output_fails() {
        let queue = queue(4, false);
        assert!(queue.failed() && !queue.failed());
        assert!(!queue.reserve());
        queue.put(b"read\n", false);
        assert_eq!(queue.counters.queued.get(), 1);
        queue.wrote(b"read\n");
        assert!(queue.reserve());
        assert_eq!(queue.counters.errors.get(), 2);
    }

    #[test]
    fn counts_what_is_left_at_the_end_as_lost() {
        let queue = queue(4, false);
        queue.put(b"1\n", false);
        queue.close();
        queue.end(b"alf\n2\n");
        assert!(queue.wait_for_end(Instant::now()));
        assert_eq!(queue.counters.failed.get(), 3);
        queue.put(b"3\n", false);
        assert_eq!(queue.counters.dropped.get(), 1);
    }
}
