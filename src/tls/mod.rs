//! TLS on both sides: the certificates that we show to clients, and the authorities that we believe of others.
//!
//! In reading order: [`Files`] name a certificate and its key, [`Certificate`] is what they held; [`Certificates`] is
//! the set that clients are answered from, picked by server name, each of which can be exchanged; [`Server`] does
//! the handshake with a client and says why one failed ([`Failure`]); [`Authorities`] and [`Client`] are the other
//! direction; [`Stream`] is a connection with or without TLS.
//!
//! What this room never does: take a name, a version or a cipher from a configuration beyond what `rustls` holds for
//! safe, believe an authority that was not named, ask a client for a certificate, take data before the handshake is
//! over (0-RTT), or look after its files: who does that hands over what was read whole.

mod certificate;
mod certificates;
mod client;
mod server;
mod stream;
mod validity;

pub use certificate::{Certificate, Files};
pub use certificates::{CERTIFICATES_MAX, Certificates};
pub use client::{Authorities, Client};
pub use server::{Failure, Server};
pub use stream::Stream;
pub use validity::Validity;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// The largest file that is read here, in bytes: the authorities of a whole operating system are a quarter of it.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why a certificate, a key or an authority cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, with the file that it is wrong with.
    pub message: String,
    /// What would be right, if there is more to say.
    pub help: Option<&'static str>,
}

impl Error {
    fn new(message: impl Into<String>) -> Error {
        Error { message: message.into(), help: None }
    }

    fn help(self, help: &'static str) -> Error {
        Error { help: Some(help), ..self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.help.map_or(Ok(()), |help| write!(f, " (help: {help})"))
    }
}

impl std::error::Error for Error {}

/// The cryptography, named where it is used: a default of the whole process could be set by somebody else.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(aws_lc_rs::default_provider())).clone()
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, Error> {
    let say = |error: io::Error| Error::new(format!("cannot read `{}`: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(say)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(say(io::Error::other("it is larger than 1 MiB")));
    }
    Ok(bytes)
}
