//! The files behind TLS, as they are read again: certificates with their keys, and the authorities that are believed.
//!
//! Each certificate is a set of files of its own, so that one that is broken holds up no other. Connections that are open
//! go on as they were opened.

use crate::pdp::AUDIT_TARGET;
use crate::reload::{FileSet, Loaded, Mistakes, Progress, Read, Rejected, Target, Watched};
use crate::telemetry::Metrics;
use crate::time::Time;
use crate::tls::{Authorities, Certificate, Certificates, Client, Error, Validity};
use prometheus::IntGauge;
use std::path::PathBuf;
use std::sync::Arc;

/// Keeps each certificate as its files say; they are called `certificate/0` and so on.
pub fn certificate_files(certificates: &Arc<Certificates>, metrics: &Metrics) -> Vec<Watched> {
    let watched = |(place, certificate): (usize, &Certificate)| {
        let files = certificate.files();
        let target = CertificateFiles {
            certificates: certificates.clone(),
            place,
            files: FileSet::Files(vec![files.chain.clone(), files.key.clone()]),
            digest: None,
            expiry: metrics.certificate_expiry(place),
        };
        Watched::new(target, Arc::new(Progress::new(format!("certificate/{place}"))))
    };
    certificates.all().iter().enumerate().map(watched).collect()
}

/// Lets `client` believe what the file of its authorities says, under this name in status and metrics.
pub fn authority_file(name: String, client: Client) -> Watched {
    let files = FileSet::Files(vec![client.ca().to_owned()]);
    Watched::new(AuthorityFile { client, files, digest: None }, Arc::new(Progress::new(name)))
}

struct CertificateFiles {
    certificates: Arc<Certificates>,
    place: usize,
    files: FileSet,
    digest: Option<String>,
    expiry: IntGauge,
}

impl Target for CertificateFiles {
    fn files(&self) -> &FileSet {
        &self.files
    }

    fn load(&mut self, read: Read, now: Time, _: &dyn Fn() -> bool) -> Result<Loaded, Rejected> {
        let (Some(current), [chain, key]) = (self.certificates.get(self.place), read.sources.as_slice())
        else {
            return Err(Rejected::Mistakes(Mistakes::new("error: not a certificate and its key\n")));
        };
        let validity = if current.is_of(&chain.bytes, &key.bytes) {
            let validity = current.validity();
            if !validity.holds(now) {
                // Clients that do not look are still served.
                let (from, until) = (validity.from, validity.until);
                tracing::warn!(file = chain.name, %from, %until, "a certificate does not hold now: clients will refuse it");
            }
            validity
        } else {
            let found = Certificate::of(current.files(), &chain.bytes, &key.bytes).map_err(reject)?;
            let validity = found.validity();
            must_hold(&chain.name, validity, now)?;
            self.certificates.exchange(self.place, found);
            validity
        };
        self.expiry.set(validity.until.unix_micros().div_euclid(1_000_000));
        tracing::info!(
            target: AUDIT_TARGET,
            what = "certificate",
            file = chain.name,
            from = self.digest.as_deref(),
            to = read.digest,
            valid_from = %validity.from,
            valid_until = %validity.until,
            "activated"
        );
        self.digest = Some(read.digest.clone());
        Ok(Loaded::whole(read.digest.as_str()))
    }
}

/// A certificate that was not renewed in time is no reason to take one that does not hold.
fn must_hold(file: &str, validity: Validity, now: Time) -> Result<(), Rejected> {
    if validity.holds(now) {
        return Ok(());
    }
    let Validity { from, until } = validity;
    let text = format!("error: the certificate in `{file}` holds from {from} to {until}, not now\n");
    // What does not hold yet will, without anybody touching it.
    Err(if now < from { Rejected::Environment(text) } else { Rejected::Mistakes(Mistakes::new(text)) })
}

struct AuthorityFile {
    client: Client,
    files: FileSet,
    digest: Option<String>,
}

impl Target for AuthorityFile {
    fn files(&self) -> &FileSet {
        &self.files
    }

    fn load(&mut self, read: Read, _: Time, _: &dyn Fn() -> bool) -> Result<Loaded, Rejected> {
        let [source] = read.sources.as_slice() else {
            return Err(Rejected::Mistakes(Mistakes::new("error: not one file\n")));
        };
        let path = PathBuf::from(&source.name);
        let authorities = Authorities::of(&path, &source.bytes).map_err(reject)?;
        if authorities.left_out() > 0 {
            let left_out = authorities.left_out();
            tracing::warn!(file = source.name, left_out, "certificates of authorities do not parse");
        }
        self.client.believe(&authorities).map_err(reject)?;
        tracing::info!(
            target: AUDIT_TARGET,
            what = "authorities",
            file = source.name,
            from = self.digest.as_deref(),
            to = read.digest,
            "activated"
        );
        self.digest = Some(read.digest.clone());
        Ok(Loaded::whole(read.digest.as_str()))
    }
}

fn reject(error: Error) -> Rejected {
    Rejected::Mistakes(Mistakes::new(format!("error: {error}\n")))
}
