//! A load generator that sends an exact number of requests: what is counted under an instruction counter is then known.

use crate::http::{content_length, head_end};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

struct Client {
    stream: TcpStream,
    received: Vec<u8>,
    waiting: bool,
}

/// What came of a run.
#[derive(Debug, Default, Clone, Copy)]
pub struct Outcome {
    /// Answers with a status 2xx.
    pub good: u64,
    /// All others.
    pub bad: u64,
}

/// Sends `total` requests to `address` over `connections` kept connections, one at a time on each, taking turns in
/// `requests`. The whole of it may take no longer than `limit`.
///
/// # Errors
/// When the address does not answer, closes a connection, or the time is up.
pub fn run(
    address: SocketAddr,
    requests: &[Vec<u8>],
    connections: usize,
    total: u64,
    limit: Duration,
) -> io::Result<Outcome> {
    let mut poll = Poll::new()?;
    let mut clients = Vec::with_capacity(connections);
    for number in 0..connections {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
        clients.push(Client { stream, received: Vec::with_capacity(4096), waiting: false });
    }
    let deadline = Instant::now() + limit;
    let (mut sent, mut outcome) = (0_u64, Outcome::default());
    for client in &mut clients {
        send(client, requests, &mut sent, total)?;
    }
    let mut events = Events::with_capacity(connections);
    let mut buffer = vec![0_u8; 64 * 1024];
    while outcome.good + outcome.bad < total {
        if Instant::now() > deadline {
            let message = format!("{} of {total} answers in time", outcome.good + outcome.bad);
            return Err(io::Error::new(ErrorKind::TimedOut, message));
        }
        poll.poll(&mut events, Some(Duration::from_secs(1)))?;
        for event in &events {
            let client = &mut clients[event.token().0];
            loop {
                match client.stream.read(&mut buffer) {
                    Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                    Ok(read) => client.received.extend_from_slice(&buffer[..read]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
                if let Some(end) = head_end(&client.received)
                    && client.received.len() >= end + content_length(&client.received[..end])
                    && client.waiting
                {
                    let good = client.received.get(9) == Some(&b'2');
                    if good {
                        outcome.good += 1
                    } else {
                        outcome.bad += 1
                    }
                    client.received.clear();
                    client.waiting = false;
                    send(client, requests, &mut sent, total)?;
                }
            }
        }
    }
    Ok(outcome)
}

fn send(client: &mut Client, requests: &[Vec<u8>], sent: &mut u64, total: u64) -> io::Result<()> {
    if *sent < total {
        let request = &requests[*sent as usize % requests.len()];
        // Less than a socket's buffer, and nothing else is in it.
        client.stream.write_all(request)?;
        client.waiting = true;
        *sent += 1;
    }
    Ok(())
}
