//! Certificates made for one test, clients that know them, and an upstream that shows one.

use super::{Client, DEADLINE, connect};
use hallpass::tls::{Authorities, Certificate, Certificates, Client as UpstreamTls, Files, Server};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, ServerConfig,
    ServerConnection, SignatureScheme, StreamOwned, SupportedProtocolVersion,
};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A client's connection with TLS.
pub type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A directory for the files of one test, left for the system to clear away.
pub fn scratch() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("tls-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&path).unwrap();
    path
}

/// Writes a file that nobody else may write, whatever the umask.
pub fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
    der: CertificateDer<'static>,
}

/// A certificate and its key, in PEM.
pub struct Issued {
    pub chain: String,
    pub key: String,
    pub der: CertificateDer<'static>,
    key_der: PrivateKeyDer<'static>,
}

impl Authority {
    pub fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Authority { pem: certificate.pem(), der: certificate.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// A certificate for these names, which may be IP addresses.
    pub fn issue(&self, names: &[&str]) -> Issued {
        self.issue_until(names, 2096)
    }

    /// One that holds to the beginning of a year.
    pub fn issue_until(&self, names: &[&str], year: i32) -> Issued {
        self.issue_between(names, 2020, year)
    }

    /// One that holds from the beginning of a year to that of another.
    pub fn issue_between(&self, names: &[&str], from: i32, until: i32) -> Issued {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Issued {
            chain: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
            key_der: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        }
    }

    /// What the proxy believes if it believes this authority.
    pub fn authorities(&self) -> Authorities {
        let path = scratch().join("ca.pem");
        write(&path, &self.pem);
        Authorities::read(&path).unwrap()
    }

    /// How the proxy speaks to an upstream of this name.
    pub fn upstream_tls(&self, name: &str) -> UpstreamTls {
        UpstreamTls::new(&self.authorities(), name).unwrap()
    }

    /// A client that believes this authority.
    pub fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        builder(rustls::ALL_VERSIONS).with_root_certificates(roots).with_no_client_auth()
    }
}

impl Issued {
    /// Writes both files, the one named after `name`.
    pub fn write(&self, directory: &Path, name: &str) -> Files {
        let files = Files {
            chain: directory.join(format!("{name}.crt")),
            key: directory.join(format!("{name}.key")),
        };
        write(&files.chain, &self.chain);
        write(&files.key, &self.key);
        files
    }
}

/// What a listener shows: these certificates, from files in a directory of their own named 0, 1 and so on.
pub fn server(certificates: &[&Issued]) -> (Server, PathBuf) {
    let directory = scratch();
    let certificates = certificates
        .iter()
        .enumerate()
        .map(|(number, issued)| Certificate::read(&issued.write(&directory, &number.to_string())).unwrap());
    let certificates = Certificates::new(certificates.collect()).unwrap();
    (Server::new(Arc::new(certificates)).unwrap(), directory)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn builder(
    versions: &[&'static SupportedProtocolVersion],
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider()).with_protocol_versions(versions).unwrap()
}

/// A client that takes any certificate, to see which one it is shown.
pub fn anything(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    builder(versions)
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakesAnything(provider())))
        .with_no_client_auth()
}

/// Connects and shakes hands.
pub fn shake(address: SocketAddr, config: &Arc<ClientConfig>, name: &str) -> Result<Tls, std::io::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(config.clone(), name).unwrap();
    let mut socket = connect(address);
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    Ok(StreamOwned::new(connection, socket))
}

/// As [`shake`], as a client that must come through.
pub fn client(address: SocketAddr, config: ClientConfig, name: &str) -> Client<Tls> {
    Client::over(shake(address, &Arc::new(config), name).unwrap())
}

/// The certificate that a client is shown.
pub fn shown(address: SocketAddr, name: &str) -> CertificateDer<'static> {
    let config = Arc::new(anything(rustls::ALL_VERSIONS));
    let tls = shake(address, &config, name).unwrap();
    tls.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

#[derive(Debug)]
struct TakesAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for TakesAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What stands in the path of a request whose answer [`TlsUpstream`] ends as TLS wants it, if it ends the connection.
pub const FAREWELL: &str = "farewell";

/// A server with TLS that records the heads it gets and answers each from a script.
pub struct TlsUpstream {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<(usize, String)>>>,
}

impl TlsUpstream {
    pub fn start(issued: &Issued, script: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> TlsUpstream {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.der.clone()], issued.key_der.clone_key())
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (heads.clone(), Arc::new(script));
        thread::spawn(move || {
            for (number, socket) in listener.incoming().enumerate() {
                let socket = socket.unwrap();
                socket.set_read_timeout(Some(DEADLINE)).unwrap();
                let connection = ServerConnection::new(config.clone()).unwrap();
                let (log, script) = (log.clone(), script.clone());
                thread::spawn(move || {
                    let mut stream = StreamOwned::new(connection, socket);
                    while let Some(head) = read_head(&mut stream) {
                        let answer = script(&head);
                        let last = String::from_utf8_lossy(&answer).contains("Connection: close");
                        let farewell = head.contains(FAREWELL);
                        log.lock().unwrap().push((number, head));
                        if stream.write_all(&answer).and_then(|()| stream.flush()).is_err() {
                            return;
                        }
                        if last && farewell {
                            stream.conn.send_close_notify();
                            let _ = stream.flush();
                        }
                        if last {
                            return;
                        }
                    }
                });
            }
        });
        TlsUpstream { address, heads }
    }

    /// The connection that each request came on, and its head.
    pub fn heads(&self) -> Vec<(usize, String)> {
        self.heads.lock().unwrap().clone()
    }
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return None,
        }
    }
    Some(String::from_utf8(head).unwrap())
}
