//! The handshake with a server: which authorities are believed, and which name must be in the certificate.

use super::{Error, Stream, provider, read_bounded};
use arc_swap::ArcSwap;
use rustls::client::{ClientConfig, Resumption};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{Error as TlsError, RootCertStore};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, TlsStream};

/// Sessions that are kept to be resumed with a server.
const SESSIONS_MAX: usize = 64;

/// The authorities that may vouch for a server: those of one file, and no others.
#[derive(Debug, Clone)]
pub struct Authorities {
    path: PathBuf,
    roots: Arc<RootCertStore>,
    left_out: usize,
}

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// The file cannot be read, is not PEM, or holds no certificate that could be an authority's.
    pub fn read(path: &Path) -> Result<Authorities, Error> {
        Authorities::of(path, &read_bounded(path)?)
    }

    /// The same, of bytes that were read from `path`.
    ///
    /// # Errors
    /// As for [`read`](Authorities::read), but for reading.
    pub fn of(path: &Path, pem: &[u8]) -> Result<Authorities, Error> {
        let name = path.display();
        let certificates = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::new(format!("`{name}` is not PEM: {error}")))?;
        let mut roots = RootCertStore::empty();
        let (taken, left_out) = roots.add_parsable_certificates(certificates);
        if taken == 0 {
            return Err(Error::new(format!("`{name}` holds no certificate of an authority"))
                .help("it needs a block that begins with `-----BEGIN CERTIFICATE-----`"));
        }
        Ok(Authorities { path: path.to_owned(), roots: Arc::new(roots), left_out })
    }

    /// How many certificates of the file do not parse and are left out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

/// One server that is spoken to with TLS 1.2 or 1.3 and HTTP/1.1. A clone is the same server: what one of them believes,
/// all do.
#[derive(Clone)]
pub struct Client {
    connector: Arc<ArcSwap<TlsConnector>>,
    name: ServerName<'static>,
    ca: Arc<Path>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("name", &self.name).field("ca", &self.ca).finish_non_exhaustive()
    }
}

impl Client {
    /// Believes a server whose certificate one of the authorities vouches for and that has this name, which is a host
    /// name or an IP address.
    ///
    /// # Errors
    /// What is neither a host name nor an IP address.
    pub fn new(authorities: &Authorities, name: &str) -> Result<Client, Error> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|_| Error::new(format!("`{name}` is not a name that a certificate can have")))?;
        let connector = Arc::new(ArcSwap::from_pointee(connector(authorities)?));
        Ok(Client { connector, name, ca: authorities.path.as_path().into() })
    }

    /// The file of the authorities.
    pub fn ca(&self) -> &Path {
        &self.ca
    }

    /// Believes these authorities from now on, and no others. Connections that are open stay open; a session that was
    /// made under the others is not resumed.
    ///
    /// # Errors
    /// TLS cannot be used at all.
    pub fn believe(&self, authorities: &Authorities) -> Result<(), Error> {
        self.connector.store(Arc::new(connector(authorities)?));
        Ok(())
    }

    /// Shakes hands. It takes as long as the server lets it take: the caller sets the limit.
    ///
    /// # Errors
    /// The server does not speak TLS, or its certificate does not hold.
    pub async fn connect(&self, stream: TcpStream) -> io::Result<Stream> {
        let connector = self.connector.load_full();
        let stream = connector.connect(self.name.clone(), stream).await?;
        Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
    }

    /// Whether a failed [`connect`](Client::connect) is the server's TLS at fault, and not the way to it.
    pub fn is_refusal(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<TlsError>())
    }
}

fn connector(authorities: &Authorities) -> Result<TlsConnector, Error> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(format!("TLS cannot be used: {error}")))?
        .with_root_certificates(authorities.roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Of this connector alone: a session is never resumed under other authorities than it was made under.
    config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    Ok(TlsConnector::from(Arc::new(config)))
}
