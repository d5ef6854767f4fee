//! The certificates that clients are shown: picked by server name, and exchanged while connections are open.

use super::certificate::{Certificate, Files};
use super::{Error, Validity, read_bounded};
use crate::time::Time;
use arc_swap::ArcSwap;
use rustls::pki_types::ServerName;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, Mutex, PoisonError};

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
    /// For each certificate, why its files cannot be used at present. Held while reloading, so that two do not mix.
    failing: Mutex<Vec<Option<Error>>>,
}

/// What a look at the files came to.
#[derive(Debug, Default)]
pub struct Reloaded {
    /// How many certificates were exchanged.
    pub changed: usize,
    /// What cannot be used and was not known before; the certificates before stay in use.
    pub failures: Vec<Error>,
    /// How many certificates have files that cannot be used, known before or not.
    pub failing: usize,
}

/// What is known of one certificate.
#[derive(Debug, Clone)]
pub struct Status {
    /// Where it comes from.
    pub files: Files,
    /// When the one in use holds.
    pub validity: Validity,
    /// Why the files as they are now cannot be used; the one in use is older than they are.
    pub failing: Option<Error>,
}

impl Status {
    /// The last instant at which the certificate in use holds.
    pub fn expires_at(&self) -> Time {
        self.validity.until
    }
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
        let failing = Mutex::new(vec![None; certificates.len()]);
        Ok(Certificates { table: ArcSwap::from_pointee(certificates), failing })
    }

    /// Reads the files again, and exchanges each certificate whose files changed and can be used. A certificate that
    /// was not renewed in time is not a reason to take one that does not hold at `now`.
    pub fn reload(&self, now: Time) -> Reloaded {
        let mut known = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = Vec::clone(&self.table.load());
        let mut reloaded = Reloaded::default();
        for (certificate, known) in table.iter_mut().zip(known.iter_mut()) {
            match newer(certificate, now) {
                Ok(found) => {
                    *known = None;
                    if let Some(found) = found {
                        *certificate = found;
                        reloaded.changed += 1;
                    }
                }
                Err(error) => {
                    reloaded.failing += 1;
                    if known.as_ref() != Some(&error) {
                        reloaded.failures.push(error.clone());
                        *known = Some(error);
                    }
                }
            }
        }
        if reloaded.changed > 0 {
            self.table.store(Arc::new(table));
        }
        reloaded
    }

    /// Each certificate in use, in order.
    pub fn status(&self) -> Vec<Status> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let table = self.table.load();
        let status = |(certificate, failing): (&Certificate, &Option<Error>)| Status {
            files: certificate.files().clone(),
            validity: certificate.validity(),
            failing: failing.clone(),
        };
        table.iter().zip(failing.iter()).map(status).collect()
    }
}

/// What the files of a certificate hold now, if it is something else.
fn newer(certificate: &Certificate, now: Time) -> Result<Option<Certificate>, Error> {
    let files = certificate.files();
    let (chain, key) = (read_bounded(&files.chain)?, read_bounded(&files.key)?);
    if certificate.is_of(&chain, &key) {
        return Ok(None);
    }
    let found = Certificate::of(files, &chain, &key)?;
    if !found.validity().holds(now) {
        let Validity { from, until } = found.validity();
        let name = files.chain.display();
        return Err(Error::new(format!("the certificate in `{name}` holds from {from} to {until}, not now")));
    }
    Ok(Some(found))
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
