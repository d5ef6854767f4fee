//! The socket that clients connect to: our own, or one that a service manager opened for us (`sd_listen_fds(3)`).

use listenfd::ListenFd;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// The name that a service manager may give to the socket of the data port (`FileDescriptorName=`).
const DATA: &str = "data";

/// Listens on `address`, unless a socket was passed to this process (`LISTEN_PID`, `LISTEN_FDS`): the one that is called
/// `data` in `LISTEN_FDNAMES`, or the first where none is. Does not block.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let passed = passed().map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("the socket that was passed (LISTEN_FDS) cannot be used: {error}"),
        )
    })?;
    let listener = match passed {
        Some(listener) => listener,
        None => TcpListener::bind(address)?,
    };
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn passed() -> io::Result<Option<TcpListener>> {
    // Without it nobody says that the sockets are for us; the crate would take them all the same.
    if std::env::var_os("LISTEN_PID").is_none_or(|value| value.is_empty()) {
        return Ok(None);
    }
    let names = std::env::var("LISTEN_FDNAMES").ok();
    let mut sockets = ListenFd::from_env();
    let place = place(names.as_deref()).filter(|place| *place < sockets.len()).unwrap_or(0);
    if sockets.len() > 1 {
        tracing::warn!(
            sockets = sockets.len(),
            used = place,
            "several sockets were passed and one is used: whoever connects to the others waits for nothing"
        );
    }
    sockets.take_tcp_listener(place)
}

/// The place of the data port among the names of the sockets.
fn place(names: Option<&str>) -> Option<usize> {
    names?.split(':').position(|name| name == DATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_socket_that_is_called_data() {
        assert_eq!(place(Some("data")), Some(0));
        assert_eq!(place(Some("health:data:admin")), Some(1));
        for names in [None, Some(""), Some("health"), Some("Data"), Some("data2")] {
            assert_eq!(place(names), None, "{names:?}");
        }
    }
}
