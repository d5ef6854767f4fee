//! The app behind every contestant, as cheap as it can be: one thread, one buffer for each connection, one answer.
//!
//! `upstream ADDRESS [STATUS] [BODY_BYTES]`; 200 and 1024 unless told. With 204 and 0 it is the authorizer of nginx's
//! `auth_request`.

use hallpass_loadtest::http::{content_length, head_end};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;

const LISTENER: Token = Token(usize::MAX);

struct Client {
    stream: TcpStream,
    received: Vec<u8>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().ok_or("upstream ADDRESS [STATUS] [BODY_BYTES]")?.parse()?;
    let status: u16 = arguments.next().map_or(Ok(200), |text| text.parse())?;
    let body: usize = arguments.next().map_or(Ok(1024), |text| text.parse())?;
    let mut answer = if status == 204 {
        String::from("HTTP/1.1 204 No Content\r\nServer: app\r\n\r\n")
    } else {
        format!(
            "HTTP/1.1 {status} OK\r\nServer: app\r\nContent-Type: application/json\r\nContent-Length: {body}\r\n\
             Cache-Control: no-store\r\n\r\n"
        )
    }
    .into_bytes();
    if status != 204 {
        answer.extend(std::iter::repeat_n(b'x', body));
    }

    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("{}", listener.local_addr()?);
    let mut clients: Vec<Option<Client>> = Vec::new();
    let mut events = Events::with_capacity(256);
    let mut buffer = vec![0_u8; 16 * 1024];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let free = clients.iter().position(Option::is_none).unwrap_or(clients.len());
                    poll.registry().register(&mut stream, Token(free), Interest::READABLE)?;
                    let client = Some(Client { stream, received: Vec::new() });
                    if free == clients.len() { clients.push(client) } else { clients[free] = client }
                }
                continue;
            }
            let slot = &mut clients[event.token().0];
            if !slot.as_mut().is_some_and(|client| serve(client, &mut buffer, &answer)) {
                *slot = None;
            }
        }
    }
}

/// Answers what has come; false when the client is gone.
fn serve(client: &mut Client, buffer: &mut [u8], answer: &[u8]) -> bool {
    loop {
        let read = match client.stream.read(buffer) {
            Ok(0) => return false,
            Ok(read) => read,
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        };
        let full = read == buffer.len();
        // The usual case copies nothing: one whole request in one read.
        let rest = if client.received.is_empty() {
            answer_all(&mut client.stream, &buffer[..read], answer).map(|used| buffer[used..read].to_vec())
        } else {
            client.received.extend_from_slice(&buffer[..read]);
            answer_all(&mut client.stream, &client.received, answer)
                .map(|used| client.received[used..].to_vec())
        };
        match rest {
            Some(rest) => client.received = rest,
            None => return false,
        }
        if !full {
            // A short read emptied the socket; the next event tells of more.
            return true;
        }
    }
}

/// How many bytes were whole requests; `None` when an answer could not be written.
fn answer_all(stream: &mut TcpStream, bytes: &[u8], answer: &[u8]) -> Option<usize> {
    let mut used = 0;
    while let Some(end) = head_end(&bytes[used..]) {
        let whole = end + content_length(&bytes[used..used + end]);
        if bytes.len() - used < whole {
            break;
        }
        stream.write_all(answer).ok()?;
        used += whole;
    }
    Some(used)
}
