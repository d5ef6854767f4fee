//! An output of the decision log that does as a test says: takes, blocks, fails, or takes a part and then fails.

use super::until;
use hallpass::telemetry::LogTo;
use serde_json::Value;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex};

/// What becomes of the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Open,
    /// It waits until the flow is another.
    Blocked,
    Failing,
    /// So many bytes are taken, and then it fails.
    Short(usize),
}

#[derive(Debug)]
struct State {
    bytes: Vec<u8>,
    flow: Flow,
    /// A write waits or has failed since the flow was set.
    stopped: bool,
}

/// The output, and the test's hand on it.
#[derive(Debug, Clone)]
pub struct Tap(Arc<(Mutex<State>, Condvar)>);

impl Default for Tap {
    fn default() -> Tap {
        let state = State { bytes: Vec::new(), flow: Flow::Open, stopped: false };
        Tap(Arc::new((Mutex::new(state), Condvar::new())))
    }
}

impl Tap {
    /// As the place where a log goes.
    pub fn output(&self) -> LogTo {
        LogTo::Writer(Box::new(self.clone()))
    }

    pub fn set(&self, flow: Flow) {
        let mut state = self.0.0.lock().unwrap();
        (state.flow, state.stopped) = (flow, false);
        self.0.1.notify_all();
    }

    /// Waits until a write has come to the flow that was set.
    pub fn until_stopped(&self) {
        until("the output stops a write", || self.0.0.lock().unwrap().stopped);
    }

    /// What was written, as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().bytes.clone()).unwrap()
    }

    /// The lines that were written. Each is strict JSON, and the last one is whole.
    pub fn lines(&self) -> Vec<Value> {
        let text = self.text();
        assert!(text.is_empty() || text.ends_with('\n'), "half a line: {text}");
        text.lines().map(|line| hallpass::json::parse(line.as_bytes()).unwrap()).collect()
    }

    /// Waits for so many lines, and finds no more.
    pub fn until_lines(&self, number: usize) -> Vec<Value> {
        until("lines are written", || self.text().matches('\n').count() >= number);
        let lines = self.lines();
        assert_eq!(lines.len(), number, "{lines:#?}");
        lines
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (lock, changed) = &*self.0;
        let mut state = lock.lock().unwrap();
        while state.flow == Flow::Blocked {
            state.stopped = true;
            state = changed.wait(state).unwrap();
        }
        match state.flow {
            Flow::Failing => {
                state.stopped = true;
                Err(ErrorKind::StorageFull.into())
            }
            Flow::Short(taken) => {
                let taken = taken.min(bytes.len());
                state.bytes.extend_from_slice(&bytes[..taken]);
                state.flow = Flow::Failing;
                Ok(taken)
            }
            Flow::Open | Flow::Blocked => {
                state.bytes.extend_from_slice(bytes);
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
