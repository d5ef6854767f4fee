//! An upstream that reads whole requests, strictly, and keeps every byte: what the tests of hardening look at.

use super::{DEADLINE, until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// The recording upstream. Its threads end with the test.
pub struct Recorder {
    pub address: SocketAddr,
    tapes: Tapes,
}

type Tapes = Arc<Mutex<Vec<Tape>>>;

/// What came on one connection.
#[derive(Debug, Clone)]
pub struct Tape {
    peer: SocketAddr,
    /// A connection of our own, see [`Recorder::tapes_now`].
    probe: bool,
    ended: bool,
    /// Every byte, in order.
    pub bytes: Vec<u8>,
    /// The requests that came to their end, each as its bytes. What is in `bytes` and not in them is no whole request.
    pub requests: Vec<Vec<u8>>,
}

impl Recorder {
    /// An upstream that answers each request that comes to its end with `reply`.
    pub fn replying(reply: &'static (impl AsRef<[u8]> + ?Sized)) -> Recorder {
        let reply = reply.as_ref();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let tapes = Tapes::default();
        let recorder = Recorder { address, tapes: tapes.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                let peer = stream.peer_addr().unwrap();
                let number = {
                    let mut all = tapes.lock().unwrap();
                    all.push(Tape { peer, probe: false, ended: false, bytes: vec![], requests: vec![] });
                    all.len() - 1
                };
                let reel = Reel { stream, number, read: 0, tapes: tapes.clone() };
                thread::spawn(move || reel.record(reply));
            }
        });
        recorder
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.tapes_now().len()
    }

    /// The tapes of all connections but the first `before`, once the other side has ended them.
    pub fn ended_tapes(&self, before: usize) -> Vec<Tape> {
        let count = self.tapes_now().len();
        let tapes = || self.tapes().into_iter().take(count).skip(before).collect::<Vec<_>>();
        until("upstream connections are closed", || tapes().iter().all(|tape| tape.ended));
        tapes()
    }

    /// Takes the whole requests that came so far off the tapes. What a client has an answer to is among them.
    pub fn take_requests(&self) -> Vec<Vec<u8>> {
        let mut tapes = self.tapes.lock().unwrap();
        tapes.iter_mut().flat_map(|tape| std::mem::take(&mut tape.requests)).collect()
    }

    /// The tapes of all connections that were opened before this moment, also those that the system has not handed to us
    /// yet: it hands them over in their order, and so we open one of our own and wait for that.
    fn tapes_now(&self) -> Vec<Tape> {
        let probe = TcpStream::connect(self.address).unwrap();
        let address = probe.local_addr().unwrap();
        until("a probe is accepted", || {
            let mut tapes = self.tapes.lock().unwrap();
            let found = tapes.iter_mut().find(|tape| tape.peer == address && !tape.probe);
            found.is_some_and(|tape| {
                tape.probe = true;
                true
            })
        });
        self.tapes()
    }

    fn tapes(&self) -> Vec<Tape> {
        self.tapes.lock().unwrap().iter().filter(|tape| !tape.probe).cloned().collect()
    }
}

/// The upstream's end of one connection.
struct Reel {
    stream: TcpStream,
    number: usize,
    /// The bytes of the tape that belong to whole requests.
    read: usize,
    tapes: Tapes,
}

impl Reel {
    fn record(mut self, reply: &[u8]) {
        loop {
            while let Some(length) = self.whole() {
                let tape = &mut self.tapes.lock().unwrap()[self.number];
                tape.requests.push(tape.bytes[self.read..self.read + length].to_vec());
                self.read += length;
                // A proxy that has gone is for the test to notice, at the other end.
                let _ = self.stream.write_all(reply);
            }
            let mut piece = [0; 64 * 1024];
            let read = self.stream.read(&mut piece).unwrap_or(0);
            let tape = &mut self.tapes.lock().unwrap()[self.number];
            tape.bytes.extend_from_slice(&piece[..read]);
            if read == 0 {
                tape.ended = true;
                return;
            }
        }
    }

    /// The length of the next request, if it is there to its end.
    fn whole(&self) -> Option<usize> {
        let tapes = self.tapes.lock().unwrap();
        whole(&tapes[self.number].bytes[self.read..])
    }
}

/// The length of the request that `bytes` begin with. Reads what a strict server would: a line ends in CRLF, a length is
/// digits, a chunk is a plain size and as many bytes, and the last one has no trailers.
fn whole(bytes: &[u8]) -> Option<usize> {
    let end = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let field = |name: &str| head.split("\r\n").find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let body = &bytes[end..];
    let length = match (field("content-length: "), field("transfer-encoding: ").as_deref()) {
        (None, None) => 0,
        (Some(length), None) => length.parse().ok().filter(|length| *length <= body.len())?,
        (None, Some("chunked")) => chunked(body)?,
        _ => return None,
    };
    Some(end + length)
}

fn chunked(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = find(&body[at..], b"\r\n")?;
        let digits = std::str::from_utf8(&body[at..at + line]).ok()?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let size = usize::from_str_radix(digits, 16).ok()?;
        at += line + 2 + size + 2;
        if body.len() < at || body[at - 2..at] != *b"\r\n" {
            return None;
        }
        if size == 0 {
            return Some(at);
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
