//! The certificates that clients are shown: picked by server name, and exchanged while connections are open.

use super::Error;
use super::certificate::Certificate;
use arc_swap::ArcSwap;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// The most certificates of one listener: they are looked through in order for each full handshake.
pub const CERTIFICATES_MAX: usize = 64;

/// The certificates of a listener, at least one.
///
/// A client gets the first certificate that is valid for the name it asks for and whose key it can verify. A client
/// that asks for no name, or for one that no certificate has, gets the first of all: who that name was is for the
/// client to judge, and a probe that connects by address asks for none. Which app page a request is for is never
/// decided by the name of the handshake.
#[derive(Debug)]
pub struct Certificates {
    table: ArcSwap<Vec<Certificate>>,
}

impl Certificates {
    /// Shows these certificates; the first is the default.
    ///
    /// # Errors
    /// None, or more than [`CERTIFICATES_MAX`].
    pub fn new(certificates: Vec<Certificate>) -> Result<Certificates, Error> {
        if certificates.is_empty() || certificates.len() > CERTIFICATES_MAX {
            return Err(Error::new(format!(
                "a listener needs 1 to {CERTIFICATES_MAX} certificates, not {}",
                certificates.len()
            )));
        }
        Ok(Certificates { table: ArcSwap::from_pointee(certificates) })
    }

    /// Shows `certificate` from now on instead of the one in this place, counted from 0. A place that is not there
    /// changes nothing.
    pub fn exchange(&self, place: usize, certificate: Certificate) {
        self.table.rcu(|table| {
            let mut table = Vec::clone(table);
            if let Some(old) = table.get_mut(place) {
                *old = certificate.clone();
            }
            table
        });
    }

    /// The certificate in this place.
    pub fn get(&self, place: usize) -> Option<Certificate> {
        self.table.load().get(place).cloned()
    }

    /// Each certificate in use, in order.
    pub fn all(&self) -> Vec<Certificate> {
        Vec::clone(&self.table.load())
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.table.load();
        let can_verify = |certificate: &&Certificate| {
            certificate.key.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        let named = hello
            .server_name()
            .and_then(|name| ServerName::try_from(name).ok())
            .and_then(|name| table.iter().filter(|certificate| certificate.is_for(&name)).find(can_verify));
        named.or_else(|| table.iter().find(can_verify)).map(|certificate| certificate.key.clone())
    }
}
