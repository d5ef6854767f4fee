//! One certificate with its chain and key, read from two files and checked before anybody sees it.

use super::validity::Validity;
use super::{Error, provider, read_bounded};
use rustls::Error as TlsError;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The certificate, then those of the authorities between it and the root, in PEM.
    pub chain: PathBuf,
    /// The private key in PEM (PKCS#8, PKCS#1 or SEC1), not encrypted. The same file as `chain` if both are in one.
    pub key: PathBuf,
}

/// A certificate that parses and a key that fits it.
#[derive(Debug, Clone)]
pub struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    files: Files,
    validity: Validity,
    digest: [u8; 32],
}

impl Certificate {
    /// Reads and checks the two files.
    ///
    /// # Errors
    /// A file cannot be read or is not PEM, there is no certificate or no key, the certificate does not parse, the key
    /// is of a kind that cannot sign, or it belongs to another certificate.
    pub fn read(files: &Files) -> Result<Certificate, Error> {
        let chain = read_bounded(&files.chain)?;
        let key = read_bounded(&files.key)?;
        Certificate::of(files, &chain, &key)
    }

    /// The same, of bytes that were read.
    ///
    /// # Errors
    /// As for [`read`](Certificate::read), but for reading.
    pub fn of(files: &Files, chain: &[u8], key: &[u8]) -> Result<Certificate, Error> {
        let (chain_name, key_name) = (files.chain.display(), files.key.display());
        let certificates = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::new(format!("`{chain_name}` is not PEM: {error}")))?;
        let Some(first) = certificates.first() else {
            return Err(Error::new(format!("`{chain_name}` holds no certificate"))
                .help("it needs a block that begins with `-----BEGIN CERTIFICATE-----`"));
        };
        let does_not_parse = || Error::new(format!("the first certificate of `{chain_name}` does not parse"));
        ParsedCertificate::try_from(first).map_err(|_| does_not_parse())?;
        let validity = Validity::read(first).ok_or_else(does_not_parse)?;
        // The text of the library's error may quote the line that it stumbled over: of a key, nothing is repeated.
        let private = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
            Error::new(format!("`{key_name}` holds no private key"))
                .help("it needs a block like `-----BEGIN PRIVATE KEY-----`; an encrypted key cannot be used")
        })?;
        let certified =
            CertifiedKey::from_der(certificates, private, &provider()).map_err(|error| match error {
                TlsError::InconsistentKeys(_) => Error::new(format!(
                    "the key in `{key_name}` does not belong to the first certificate of `{chain_name}`"
                ))
                .help("the certificate of the server stands first, those of the authorities after it"),
                _ => Error::new(format!("the key in `{key_name}` cannot be used: {error}")),
            })?;
        let digest = digest(chain, key);
        Ok(Certificate { key: Arc::new(certified), files: files.clone(), validity, digest })
    }

    /// Where it came from.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// When it holds.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether it was read from these bytes.
    pub fn is_of(&self, chain: &[u8], key: &[u8]) -> bool {
        self.digest == digest(chain, key)
    }

    /// Whether a client that asks for `name` would accept it: the judgement of a client, by the code of a client.
    pub(super) fn is_for(&self, name: &ServerName<'_>) -> bool {
        let Some(first) = self.key.cert.first() else { return false };
        ParsedCertificate::try_from(first).is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
    }
}

fn digest(chain: &[u8], key: &[u8]) -> [u8; 32] {
    // Each by itself first: where the one ends and the other begins must count.
    Sha256::new().chain_update(Sha256::digest(chain)).chain_update(Sha256::digest(key)).finalize().into()
}
