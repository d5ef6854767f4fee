//! What the process says of itself, on its way to standard error.
//!
//! Whoever reads standard error may stop doing so: a collector that hangs, a terminal with Ctrl-S. Were it written where
//! something happens, suspensions would not come into force and the process could not be told to end, because the thread
//! that does it waits to say so. So one thread writes, and what it cannot write is lost and counted.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tracing_subscriber::fmt::MakeWriter;

/// Bytes that may wait. An event has some 200, one with the mistakes of a bundle some thousands.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// Events, written by a thread of their own. A handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct Events(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    lost: u64,
    closed: bool,
    ended: bool,
}

impl Events {
    /// Begins to write to `output`.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn to(output: impl Write + Send + 'static) -> io::Result<Events> {
        let events = Events(Arc::default());
        let shared = events.0.clone();
        thread::Builder::new().name("hallpass-events".to_owned()).spawn(move || shared.write(output))?;
        Ok(events)
    }

    /// Waits until all is written, at most for `patience`. What comes later is lost.
    pub fn close(&self, patience: Duration) {
        let mut waiting = self.0.lock();
        waiting.closed = true;
        self.0.wake.notify_one();
        let ended = self.0.ended.wait_timeout_while(waiting, patience, |waiting| !waiting.ended);
        drop(ended.unwrap_or_else(PoisonError::into_inner));
    }

    fn put(&self, event: &[u8]) {
        let mut waiting = self.0.lock();
        if waiting.bytes.len().saturating_add(event.len()) > WAITING_BYTES_MAX {
            waiting.lost += 1;
            return;
        }
        waiting.bytes.extend_from_slice(event);
        self.0.wake.notify_one();
    }
}

impl Shared {
    fn write(&self, mut output: impl Write) {
        let mut batch = Vec::new();
        while self.take(&mut batch) {
            // Nobody can be told: this is where it would be said.
            let _ = output.write_all(&batch).and_then(|()| output.flush());
            batch.clear();
        }
        self.lock().ended = true;
        self.ended.notify_all();
    }

    /// Gives what there is in exchange for the empty `batch`, and waits for it; false at the end.
    fn take(&self, batch: &mut Vec<u8>) -> bool {
        let waiting = self.lock();
        let nothing = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.closed;
        let mut waiting = self.wake.wait_while(waiting, nothing).unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut waiting.bytes, batch);
        let lost = mem::take(&mut waiting.lost);
        drop(waiting);
        if lost > 0 {
            batch.extend_from_slice(
                format!("WARN {lost} events are lost: standard error did not take them\n").as_bytes(),
            );
        }
        !batch.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Whole events are appended and taken.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One event, which is written in one piece.
#[derive(Debug)]
pub struct Event<'a>(&'a Events);

impl Write for Event<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Events {
    type Writer = Event<'a>;

    fn make_writer(&'a self) -> Event<'a> {
        Event(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Takes something whenever it is allowed to, and tells what.
    struct Slow(Receiver<()>, Sender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            self.1.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_takes_nothing_holds_nobody_up_and_what_is_lost_is_counted() {
        let ((allow, allowed), (taken, took)) = (channel(), channel());
        let events = Events::to(Slow(allowed, taken)).unwrap();
        events.put(b"first\n");
        allow.send(()).unwrap();
        assert_eq!(took.recv().unwrap(), "first\n");
        events.put(&vec![b'x'; WAITING_BYTES_MAX]);
        // The thread may have taken that one already, and then it is at writing it.
        for _ in 0..3 {
            events.put(&vec![b'y'; WAITING_BYTES_MAX]);
        }
        // Each of those is written or counted, and there was no place for all of them.
        let (mut written, mut lost) = (0, 0);
        while written + lost < 3 {
            allow.send(()).unwrap();
            let text = took.recv().unwrap();
            written += text.matches('y').count() / WAITING_BYTES_MAX;
            let counted = text.split_once("WARN ").and_then(|(_, rest)| rest.split_once(" events are lost"));
            lost += counted.map_or(0, |(number, _)| number.parse().unwrap());
        }
        assert!(lost >= 2 && written + lost == 3, "{written} written, {lost} lost");
    }

    #[test]
    fn what_waits_is_written_at_the_end_unless_that_takes_too_long() {
        let ((allow, allowed), (taken, took)) = (channel(), channel());
        let events = Events::to(Slow(allowed, taken)).unwrap();
        events.put(b"last\n");
        events.close(Duration::from_millis(1));
        assert!(took.try_recv().is_err());
        allow.send(()).unwrap();
        events.close(Duration::from_secs(60));
        assert_eq!(took.recv().unwrap(), "last\n");
    }
}
