//! The files of keys, as they are read again.

use crate::identity::{JwtIssuer, KeySet, Keys};
use crate::pdp::AUDIT_TARGET;
use crate::reload::{FileSet, Loaded, Mistakes, Progress, Read, Rejected, Target, Watched};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::JwksMetrics;
use crate::time::Time;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the keys of an issuer lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// The issuer, as it is configured.
    pub issuer: String,
    /// A JWK Set.
    pub path: PathBuf,
}

struct KeysInFile {
    issuer: String,
    keys: Arc<Keys>,
    files: FileSet,
    digest: Option<String>,
    metrics: JwksMetrics,
}

/// Keeps the keys of `file` in force for its issuer; `None` if none of `issuers` is called so.
pub(super) fn watched(issuers: &[JwtIssuer], file: KeyFile, metrics: &Metrics) -> Option<Watched> {
    let keys = issuers.iter().find(|issuer| issuer.issuer() == file.issuer)?.keys().clone();
    let progress = Progress::new(format!("keys/{}", file.issuer));
    let metrics = metrics.jwks(&file.issuer);
    let target = KeysInFile {
        issuer: file.issuer,
        keys,
        files: FileSet::Files(vec![file.path]),
        digest: None,
        metrics,
    };
    Some(Watched::new(target, Arc::new(progress)))
}

impl Target for KeysInFile {
    fn files(&self) -> &FileSet {
        &self.files
    }

    fn load(&mut self, read: Read, now: Time, _: &dyn Fn() -> bool) -> Result<Loaded, Rejected> {
        let keys = self.put(&read).inspect_err(|_| self.metrics.failure())?;
        self.metrics.keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
        self.metrics.success(now);
        Ok(Loaded::whole(read.digest.as_str()))
    }
}

impl KeysInFile {
    /// Puts the keys in force and says how many there are.
    fn put(&mut self, read: &Read) -> Result<usize, Rejected> {
        let reject = |text: String| Rejected::Mistakes(Mistakes::new(format!("error: {text}\n")));
        let [source] = read.sources.as_slice() else { return Err(reject("not one file".to_owned())) };
        let keys = KeySet::parse(&source.bytes)
            .map_err(|error| reject(format!("`{}` is no set of keys: {error}", source.name)))?;
        let count = keys.len();
        self.keys.replace(keys).map_err(|error| reject(format!("`{}`: {error}", source.name)))?;
        tracing::info!(
            target: AUDIT_TARGET,
            what = "keys",
            issuer = self.issuer,
            from = self.digest.as_deref(),
            to = read.digest,
            keys = count,
            "activated"
        );
        self.digest = Some(read.digest.clone());
        Ok(count)
    }
}
