//! The keys of an issuer as they are now: exchanged while requests are being served, and asked for when one is missing.

use super::jwks::KeySet;
use super::token::{Algorithm, Jws, TokenError};
use super::{ConfigError, shown};
use arc_swap::ArcSwapOption;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;

/// The keys that an issuer's tokens are verified with at this moment; none until a first set is there.
///
/// Whoever loads them (from a file, from a URL) calls [`replace`](Keys::replace). A set that cannot be used changes
/// nothing, and there is no way to take a set away: what an issuer once published holds until it publishes another.
#[derive(Debug)]
pub struct Keys {
    algorithms: Vec<Algorithm>,
    current: ArcSwapOption<KeySet>,
    generation: AtomicU64,
    wanted: AtomicBool,
    wake: Notify,
}

impl Keys {
    /// No keys yet, of an issuer that signs with these algorithms.
    pub(super) fn none(algorithms: &[Algorithm]) -> Keys {
        Keys {
            algorithms: algorithms.to_vec(),
            current: ArcSwapOption::empty(),
            generation: AtomicU64::new(0),
            wanted: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    /// Verifies with this set from now on.
    ///
    /// # Errors
    /// A set without a key for any of the issuer's algorithms; the one before stays.
    pub fn replace(&self, set: KeySet) -> Result<(), ConfigError> {
        if !self.algorithms.iter().any(|algorithm| set.fits(*algorithm)) {
            let names = self.algorithms.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>();
            return Err(ConfigError::new("the key set has no key for the algorithms of the issuer")
                .help(format!("the issuer is configured with {}", names.join(", "))));
        }
        self.current.store(Some(Arc::new(set)));
        // After the store: who read the number before verifying can only have kept an answer under too old a number.
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// The set, if there is one.
    pub fn current(&self) -> Option<Arc<KeySet>> {
        self.current.load_full()
    }

    /// Whether there is a set.
    pub fn ready(&self) -> bool {
        self.current.load().is_some()
    }

    /// How often the set was replaced. Read it before `verify` where the answer is to be kept: it
    /// holds as long as the number is the same.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Verifies the signature of a token. Where the key is missing, a newer set is asked for, and not waited for: this
    /// request is refused, and one that comes after the set was loaded is not.
    ///
    /// # Errors
    /// As [`KeySet::verify`], and [`TokenError::Key`] as long as there is no set.
    pub(super) fn verify(&self, jws: &Jws<'_>) -> Result<(), TokenError> {
        let verified = match &*self.current.load() {
            Some(set) => set.verify(jws),
            None => {
                let kid = jws.kid.as_deref().map_or("without a `kid`".to_owned(), shown);
                Err(TokenError::Key(format!("the keys of the issuer are not there yet (key {kid})")))
            }
        };
        if let Err(TokenError::Key(_)) = verified {
            self.want();
        }
        verified
    }

    /// Asks for a newer set. Cheap however often it is said: only the first after an answer wakes anybody.
    fn want(&self) {
        if !self.wanted.load(Ordering::Relaxed) && !self.wanted.swap(true, Ordering::AcqRel) {
            self.wake.notify_one();
        }
    }

    /// Whether somebody asked for a newer set since [`asked`](Keys::asked) was last called.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    /// What was asked for so far is being looked after.
    pub(super) fn asked(&self) {
        self.wanted.store(false, Ordering::Release);
    }

    /// Wakes who loads the set.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns when a newer set is asked for, and now and then without a reason. For one listener, who loads the set.
    pub(super) async fn until_wanted(&self) {
        self.wake.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Signer;
    use super::*;
    use serde_json::json;

    fn keys() -> Keys {
        Keys::none(&[Algorithm::Es256])
    }

    fn verify(keys: &Keys, signer: &Signer) -> Result<(), TokenError> {
        let token = signer.token_with(&json!({"alg": signer.alg, "kid": signer.kid}).to_string(), "{}");
        keys.verify(&Jws::parse(&token).unwrap())
    }

    #[test]
    fn verifies_nothing_until_a_set_is_there_and_asks_for_one() {
        let keys = keys();
        assert!(!keys.ready() && !keys.is_wanted());
        assert!(matches!(verify(&keys, Signer::es256()), Err(TokenError::Key(_))));
        assert!(keys.is_wanted());
        keys.replace(Signer::set(&[Signer::es256()])).unwrap();
        assert!(keys.ready());
        assert_eq!(verify(&keys, Signer::es256()), Ok(()));
    }

    #[test]
    fn asks_for_a_newer_set_when_a_key_is_missing_and_not_when_a_signature_is_wrong() {
        let keys = keys();
        keys.replace(Signer::set(&[Signer::es256()])).unwrap();
        let forged =
            Signer::other_es256().token_with(&json!({"alg": "ES256", "kid": "es256-key"}).to_string(), "{}");
        assert_eq!(keys.verify(&Jws::parse(&forged).unwrap()), Err(TokenError::Signature));
        assert!(!keys.is_wanted());
        assert!(matches!(verify(&keys, Signer::other_es256()), Err(TokenError::Key(_))));
        assert!(keys.is_wanted());
        keys.asked();
        assert!(!keys.is_wanted());
    }

    #[test]
    fn a_set_that_fits_no_algorithm_of_the_issuer_changes_nothing() {
        let keys = keys();
        keys.replace(Signer::set(&[Signer::es256()])).unwrap();
        assert_eq!(keys.generation(), 1);
        assert!(keys.replace(Signer::set(&[Signer::rs256()])).is_err());
        assert_eq!(keys.generation(), 1);
        assert_eq!(verify(&keys, Signer::es256()), Ok(()));
        keys.replace(Signer::set(&[Signer::es256()])).unwrap();
        assert_eq!(keys.generation(), 2);
    }
}
