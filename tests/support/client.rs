//! A client that sends bytes as they are and reads answers strictly.

use super::DEADLINE;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

/// One connection to the proxy, plain unless it says otherwise.
pub struct Client<S = TcpStream> {
    pub stream: S,
    buffer: Vec<u8>,
}

/// How a connection came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Orderly,
    Reset,
}

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// All values of a header; names are compared without regard to case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }

    /// The value of a header that stands there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let all = self.all(name);
        assert!(all.len() < 2, "{name} stands there {} times", all.len());
        all.first().copied()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        hallpass::json::parse(&self.body).unwrap()
    }
}

/// A socket that gives up when a test has failed.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

impl Client {
    pub fn to(address: SocketAddr) -> Client {
        Client::over(connect(address))
    }

    pub fn finish_sending(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

impl<S: Read + Write> Client<S> {
    pub fn over(stream: S) -> Client<S> {
        Client { stream, buffer: Vec::new() }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads more; says whether there was more.
    fn more(&mut self) -> Result<bool, Ending> {
        let mut piece = [0; 64 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => Ok(false),
            Ok(read) => {
                self.buffer.extend_from_slice(&piece[..read]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(Ending::Reset),
            Err(error) => panic!("reading an answer: {error}"),
        }
    }

    fn must_more(&mut self) {
        assert_eq!(
            self.more(),
            Ok(true),
            "the connection ended; so far: {}",
            String::from_utf8_lossy(&self.buffer)
        );
    }

    /// The head of the next answer.
    pub fn head(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.must_more();
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: Vec::new() }
    }

    /// The next answer, framed by its length or by chunks.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if answer.status == 204 || answer.status == 304 {
            return answer;
        }
        answer.body = match (answer.header("content-length"), answer.header("transfer-encoding")) {
            (Some(length), None) => self.exactly(length.parse().unwrap()),
            (None, Some("chunked")) => self.chunks(),
            framing => panic!("framed by {framing:?}: {}", answer.head),
        };
        answer
    }

    /// The next answer, or nothing if the connection ends before it has begun.
    pub fn try_answer(&mut self) -> Option<Answer> {
        if self.buffer.is_empty() && self.more() != Ok(true) {
            return None;
        }
        Some(self.answer())
    }

    pub fn exactly(&mut self, bytes: usize) -> Vec<u8> {
        while self.buffer.len() < bytes {
            self.must_more();
        }
        self.buffer.drain(..bytes).collect()
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line = self.buffer.drain(..end + 2).collect::<Vec<u8>>();
                return String::from_utf8(line).unwrap().trim_end().to_owned();
            }
            self.must_more();
        }
    }

    /// A chunked body; trailers fail the test.
    pub fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line(), 16).unwrap();
            if size == 0 {
                assert_eq!(self.line(), "", "a trailer came through");
                return body;
            }
            body.extend(self.exactly(size));
            assert_eq!(self.line(), "");
        }
    }

    /// Reads what is left, to the end of the connection.
    pub fn rest(&mut self) -> (Vec<u8>, Ending) {
        let ending = loop {
            match self.more() {
                Ok(true) => {}
                Ok(false) => break Ending::Orderly,
                Err(ending) => break ending,
            }
        };
        (std::mem::take(&mut self.buffer), ending)
    }

    /// Nothing more comes, and the connection ends.
    pub fn ends(&mut self) -> Ending {
        let (rest, ending) = self.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "");
        ending
    }
}
