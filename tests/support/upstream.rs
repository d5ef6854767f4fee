//! An upstream that records each byte it gets and answers as the test tells it.

use super::{DEADLINE, until};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The recording upstream. Its threads end with the test.
pub struct Upstream {
    pub address: SocketAddr,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    /// For each connection, what came on it.
    connections: Mutex<Vec<Vec<u8>>>,
    /// How many of them the other side has ended.
    ended: Mutex<usize>,
    /// How many of them the script has closed.
    closed: Mutex<usize>,
}

/// The upstream's end of one connection.
pub struct Talk {
    pub stream: TcpStream,
    /// Which connection this is, from 0.
    pub number: usize,
    buffer: Vec<u8>,
    log: Arc<Log>,
}

impl Upstream {
    /// An upstream that does `script` on each connection, in a thread each.
    pub fn start(script: impl Fn(&mut Talk) + Send + Sync + 'static) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Log::default());
        let script = Arc::new(script);
        let upstream = Upstream { address, log: log.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                stream.set_nodelay(true).unwrap();
                let number = {
                    let mut connections = log.connections.lock().unwrap();
                    connections.push(Vec::new());
                    connections.len() - 1
                };
                let mut talk = Talk { stream, number, buffer: Vec::new(), log: log.clone() };
                let script = script.clone();
                thread::spawn(move || script(&mut talk));
            }
        });
        upstream
    }

    /// An upstream that gives `reply` to each request without a body, on as many connections as come.
    pub fn replying(reply: &'static str) -> Upstream {
        Upstream::start(move |talk| {
            while talk.try_head().is_some() {
                talk.reply(reply);
            }
        })
    }

    /// An upstream that nobody should talk to.
    pub fn silent() -> Upstream {
        Upstream::start(|talk| {
            talk.ends();
        })
    }

    pub fn connections(&self) -> usize {
        self.log.connections.lock().unwrap().len()
    }

    /// What came on connection `number`.
    pub fn received(&self, number: usize) -> String {
        String::from_utf8_lossy(&self.log.connections.lock().unwrap()[number]).into_owned()
    }

    pub fn bytes_received(&self, number: usize) -> usize {
        self.log.connections.lock().unwrap().get(number).map_or(0, Vec::len)
    }

    /// Waits until `number` connections were ended by the proxy.
    pub fn until_ended(&self, number: usize) {
        until("upstream connections are closed", || *self.log.ended.lock().unwrap() >= number);
    }

    /// Waits until the script has closed `number` connections.
    pub fn until_closed(&self, number: usize) {
        until("the upstream closes connections", || *self.log.closed.lock().unwrap() >= number);
    }

    pub fn until_connections(&self, number: usize) {
        until("upstream connections are opened", || self.connections() >= number);
    }
}

impl Talk {
    fn more(&mut self) -> bool {
        let mut piece = [0; 64 * 1024];
        let read = self.stream.read(&mut piece).unwrap_or(0);
        self.buffer.extend_from_slice(&piece[..read]);
        self.log.connections.lock().unwrap()[self.number].extend_from_slice(&piece[..read]);
        if read == 0 {
            *self.log.ended.lock().unwrap() += 1;
        }
        read > 0
    }

    /// The head of the next request, or nothing if the connection ends first.
    pub fn try_head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                return Some(String::from_utf8(self.buffer.drain(..end + 4).collect()).unwrap());
            }
            if !self.more() {
                return None;
            }
        }
    }

    pub fn head(&mut self) -> String {
        self.try_head().unwrap()
    }

    pub fn exactly(&mut self, bytes: usize) -> Vec<u8> {
        while self.buffer.len() < bytes {
            assert!(self.more(), "the request ended early");
        }
        self.buffer.drain(..bytes).collect()
    }

    /// Reads until the end of a chunked body came, and returns it as it came.
    pub fn raw_chunks(&mut self) -> String {
        while !self.buffer.ends_with(b"\r\n\r\n") {
            assert!(self.more(), "the request ended early");
        }
        String::from_utf8(std::mem::take(&mut self.buffer)).unwrap()
    }

    pub fn reply(&mut self, bytes: impl AsRef<[u8]>) {
        // A proxy that has gone is for the test to notice, at the other end.
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Reads until the other side ends the connection.
    pub fn ends(&mut self) {
        while self.more() {}
    }

    pub fn close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        *self.log.closed.lock().unwrap() += 1;
    }
}
