//! The handshake with a client, and why one fails.

use super::{Certificates, Error, Stream, provider};
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::{AlertDescription, Error as TlsError, InvalidMessage};
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};

/// One listener's side of TLS: versions 1.2 and 1.3, HTTP/1.1 only.
#[derive(Clone)]
pub struct Server {
    acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("certificates", &self.certificates).finish_non_exhaustive()
    }
}

impl Server {
    /// Shows clients these certificates.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new(certificates: Arc<Certificates>) -> Result<Server, Error> {
        let unusable = |error: TlsError| Error::new(format!("TLS cannot be used: {error}"));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(certificates.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A session is resumed from what the client keeps, under keys that change every few hours and never leave the
        // process; we keep nothing for each client.
        config.ticketer = Ticketer::new().map_err(unusable)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        // The default, said because it matters: data before the handshake is over could be sent again by anybody.
        config.max_early_data_size = 0;
        Ok(Server { acceptor: TlsAcceptor::from(Arc::new(config)), certificates })
    }

    /// The certificates.
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// Shakes hands. It takes as long as the client lets it take: the caller sets the limit.
    ///
    /// # Errors
    /// Why it failed, and the text of it for a log. The client was sent an alert where one was in order.
    pub async fn accept(&self, stream: TcpStream) -> Result<Stream, (Failure, io::Error)> {
        match self.acceptor.accept(stream).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(TlsStream::Server(stream)))),
            Err(error) => Err((Failure::of(&error), error)),
        }
    }
}

/// Why a handshake with a client failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// What came is not TLS: a client that speaks plain HTTP, most often.
    NotTls,
    /// The client and we have no version, cipher, signature or protocol in common.
    NothingInCommon,
    /// The client refused us by an alert: it does not believe our certificate, most often.
    Refused,
    /// The client went away.
    Left,
    /// The client broke a rule of the protocol.
    Broken,
}

impl Failure {
    fn of(error: &io::Error) -> Failure {
        let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) else {
            return Failure::Left;
        };
        match error {
            TlsError::InvalidMessage(
                InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
            ) => Failure::NotTls,
            TlsError::PeerIncompatible(_) | TlsError::NoApplicationProtocol => Failure::NothingInCommon,
            TlsError::AlertReceived(AlertDescription::CloseNotify | AlertDescription::UserCanceled) => {
                Failure::Left
            }
            TlsError::AlertReceived(_) => Failure::Refused,
            _ => Failure::Broken,
        }
    }
}
