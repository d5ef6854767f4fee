//! `health`: one question to a running proxy, over plain HTTP and without a runtime.

use super::Outcome;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// For the whole of it. A probe that takes longer has its answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// The most that is read of an answer, in bytes.
const ANSWER_BYTES_MAX: usize = 8 * 1024;

pub(super) fn run(address: &str, ready: bool) -> io::Result<Outcome> {
    let until = Instant::now() + PATIENCE;
    let path = if ready { "/readyz" } else { "/livez" };
    let answer = ask(address, path, until)
        .map_err(|error| io::Error::other(format!("no answer from `{address}`: {error}")))?;
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let text = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim_end());
    // Another server at this address, the data port for instance, may say 200 or 503 as well.
    match status {
        Some("200") if text == "ok" => {
            writeln!(io::stdout(), "{text}")?;
            Ok(Outcome::Yes)
        }
        Some("503") if text.starts_with("not ready: ") => {
            writeln!(io::stderr(), "{text}")?;
            Ok(Outcome::No)
        }
        _ => Err(io::Error::other(format!("`{address}` is not the health listener of hallpass"))),
    }
}

/// The answer, as much of it as is wanted.
fn ask(address: &str, path: &str, until: Instant) -> io::Result<String> {
    let mut stream = connect(address, until)?;
    stream.set_write_timeout(Some(left(until)?))?;
    // One write: a head in two pieces is two packets.
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = Vec::new();
    let mut piece = [0; 1024];
    while answer.len() < ANSWER_BYTES_MAX {
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(&mut piece)? {
            0 => break,
            read => answer.extend(piece.iter().take(read)),
        }
    }
    Ok(String::from_utf8_lossy(&answer)
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\r' | '\n'))
        .collect())
}

fn connect(address: &str, until: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}
