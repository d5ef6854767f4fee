//! Tokens that were verified before. Verifying a signature costs two to four times as much as everything else that
//! is done for a request, so an answer is kept: until the token ends, and as long as its issuer's keys are the same.
//!
//! Only tokens that held are kept, and none is kept as text: the key is BLAKE3 in its keyed mode, 256 bits over the bytes
//! of the `Authorization` field as it was sent, with a secret of the process. So the memory of the process holds no
//! credentials beyond those in flight, nobody outside can aim at a place of the table, and two tokens have one key only if
//! BLAKE3 is broken. (HMAC with SHA-256 would do as well, with five times the instructions.)

use super::Verified;
use crate::telemetry::metrics::CacheMetrics;
use crate::time::Time;
use rustix::rand::{GetRandomFlags, getrandom};
use std::fmt;

/// Places that a token can be in. More would be looked through longer; fewer would throw out what is in use.
const WAYS: usize = 8;

/// The bytes of a [`Digest`].
const DIGEST_BYTES: usize = 32;

/// A token, told from all others.
type Digest = [u8; DIGEST_BYTES];

/// The secret that digests are made with: one for a process, gone with it.
#[derive(Clone)]
pub struct TokenSecret([u8; DIGEST_BYTES]);

impl TokenSecret {
    /// A secret of these bytes.
    pub fn new(bytes: &[u8; DIGEST_BYTES]) -> TokenSecret {
        TokenSecret(*bytes)
    }

    /// A secret that nobody knows. It comes from the kernel: AWS-LC would first gather randomness of its own, for longer
    /// than all else takes that a start without TLS does.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn random() -> std::io::Result<TokenSecret> {
        let mut bytes = [0; DIGEST_BYTES];
        // Up to 256 bytes come whole (`getrandom(2)`).
        match getrandom(&mut bytes, GetRandomFlags::empty())? {
            DIGEST_BYTES => Ok(TokenSecret::new(&bytes)),
            _ => Err(std::io::Error::other("the system gives no randomness")),
        }
    }

    fn digest(&self, field: &[u8]) -> Digest {
        *blake3::keyed_hash(&self.0, field).as_bytes()
    }
}

impl fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSecret(..)")
    }
}

/// The verified tokens of one worker: no lock, and never more than a fixed number of them.
///
/// A table of sets with eight places each. In a full set the place that was not asked for the longest is taken; one that
/// does not hold any more is taken before it.
pub struct TokenCache {
    secret: TokenSecret,
    /// Sets grow to [`WAYS`] as tokens come, so that a small school does not pay for a large table.
    sets: Vec<Vec<Kept>>,
    /// Counts the look-ups: the age of a place is told by it.
    turn: u64,
    metrics: Option<CacheMetrics>,
}

/// A token that held.
struct Kept {
    digest: Digest,
    /// The number of the issuer among those that are configured.
    issuer: usize,
    /// Of the issuer's keys, when it was verified.
    generation: u64,
    /// From [`Verified::begins`] on, up to this.
    valid_until: Time,
    asked: u64,
    verified: Verified,
}

/// A token that has to be verified, and where to keep it if it holds.
pub(super) struct Unseen(Option<Digest>);

impl TokenCache {
    /// Room for `tokens_max` tokens, rounded up to whole sets of eight; with 0 nothing is kept.
    pub fn new(tokens_max: usize, secret: TokenSecret, metrics: Option<CacheMetrics>) -> TokenCache {
        let mut sets = Vec::new();
        sets.resize_with(tokens_max.div_ceil(WAYS), Vec::new);
        TokenCache { secret, sets, turn: 0, metrics }
    }

    /// A cache that keeps nothing.
    pub fn off() -> TokenCache {
        TokenCache::new(0, TokenSecret::new(&[0; DIGEST_BYTES]), None)
    }

    /// How many tokens are kept, whether or not they still hold.
    pub fn len(&self) -> usize {
        self.sets.iter().map(Vec::len).sum()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What is known of the token in `field` at `now`, before anything of it is read. `generation` tells the present one of an issuer's keys, by its number.
    pub(super) fn find(
        &mut self,
        field: &[u8],
        now: Time,
        generation: impl Fn(usize) -> Option<u64>,
    ) -> Result<Verified, Unseen> {
        if self.sets.is_empty() {
            return Err(Unseen(None));
        }
        self.turn += 1;
        let turn = self.turn;
        let digest = self.secret.digest(field);
        let mut ended = false;
        let found = self.set(&digest).and_then(|set| {
            let at = set.iter().position(|kept| kept.digest == digest)?;
            let kept = set.get_mut(at)?;
            if now >= kept.valid_until || generation(kept.issuer) != Some(kept.generation) {
                set.swap_remove(at);
                ended = true;
                return None;
            }
            // A clock that was put back: the token may hold again later, so it stays.
            if now < kept.verified.begins {
                return None;
            }
            kept.asked = turn;
            Some(kept.verified.clone())
        });
        if let Some(metrics) = &self.metrics {
            if found.is_some() {
                metrics.hits.inc()
            } else {
                metrics.misses.inc()
            }
            if ended {
                metrics.entries.dec();
            }
        }
        found.ok_or(Unseen(Some(digest)))
    }

    /// Keeps what was verified at `now` with the keys of `generation`, which was read before it was verified.
    pub(super) fn keep(
        &mut self,
        unseen: &Unseen,
        issuer: usize,
        generation: u64,
        verified: &Verified,
        now: Time,
    ) {
        let (Some(digest), Some(valid_until)) = (unseen.0, verified.expires) else { return };
        let asked = self.turn;
        let Some(set) = self.set(&digest) else { return };
        let before = set.len();
        set.retain(|kept| kept.digest != digest && now < kept.valid_until);
        if set.len() >= WAYS {
            let oldest = set.iter().enumerate().min_by_key(|(_, kept)| kept.asked).map(|(at, _)| at);
            if let Some(oldest) = oldest {
                set.swap_remove(oldest);
            }
        }
        let gone = before - set.len();
        set.push(Kept { digest, issuer, generation, valid_until, asked, verified: verified.clone() });
        if let Some(metrics) = &self.metrics {
            metrics.entries.add(1 - i64::try_from(gone).unwrap_or(0));
            metrics.evictions.inc_by(u64::try_from(gone).unwrap_or(0));
        }
    }

    fn set(&mut self, digest: &Digest) -> Option<&mut Vec<Kept>> {
        let first = digest.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes))?;
        let sets = u64::try_from(self.sets.len()).ok().filter(|sets| *sets > 0)?;
        self.sets.get_mut(usize::try_from(first % sets).ok()?)
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AUDIENCE, ISSUER, Signer, now, payload};
    use super::super::{Algorithm, Authenticator, JwtIssuer, JwtSettings, Presented, Rejected};
    use super::*;
    use crate::message::Credentials;
    use crate::telemetry::Metrics;
    use crate::telemetry::metrics::CacheName;
    use proptest::prelude::*;
    use serde_json::json;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    const OTHER_ISSUER: &str = "https://other.school.example";

    fn issuer(name: &str, signers: &[&Signer]) -> JwtIssuer {
        let settings = JwtSettings {
            issuer: name.into(),
            audience: AUDIENCE.into(),
            algorithms: Algorithm::ALL.to_vec(),
            leeway: Duration::from_secs(2),
        };
        JwtIssuer::new(settings, Signer::set(signers)).unwrap()
    }

    fn authenticator() -> Authenticator {
        let signers = [Signer::es256(), Signer::rs256(), Signer::eddsa()];
        Authenticator::new(vec![issuer(OTHER_ISSUER, &signers), issuer(ISSUER, &signers)], None).unwrap()
    }

    fn cache(tokens_max: usize) -> TokenCache {
        TokenCache::new(
            tokens_max,
            TokenSecret::random().unwrap(),
            Some(Metrics::new().unwrap().cache(CacheName::Tokens)),
        )
    }

    fn ask(
        of: &Authenticator,
        token: &str,
        now: Time,
        tokens: &mut TokenCache,
    ) -> Result<Verified, Rejected> {
        let authorization = Some(format!("Bearer {token}").parse().unwrap());
        let credentials = Credentials { authorization, named: Vec::new() };
        match of.identify_with(&credentials, IpAddr::V4(Ipv4Addr::LOCALHOST), now, tokens)? {
            Presented::Verified(verified) => Ok(verified),
            Presented::Nothing => panic!("a token is not nothing"),
        }
    }

    fn hits(tokens: &TokenCache) -> u64 {
        tokens.metrics.as_ref().unwrap().hits.get()
    }

    fn seconds(seconds: i64) -> Time {
        Time::from_unix_micros(now().unix_micros() + seconds * 1_000_000)
    }

    #[test]
    fn a_token_that_held_is_known_the_second_time() {
        let (of, mut tokens) = (authenticator(), cache(100));
        let token = Signer::es256().token(&payload(json!({})));
        let first = ask(&of, &token, now(), &mut tokens).unwrap();
        assert_eq!((hits(&tokens), tokens.len()), (0, 1));
        let second = ask(&of, &token, now(), &mut tokens).unwrap();
        assert_eq!(hits(&tokens), 1);
        assert_eq!((&*second.issuer, second.expires), (ISSUER, first.expires));
    }

    #[test]
    fn to_know_a_token_allocates_nothing() {
        let (of, mut tokens) = (authenticator(), cache(100));
        let token = Signer::es256().token(&payload(json!({})));
        let credentials = Credentials {
            authorization: Some(format!("Bearer {token}").parse().unwrap()),
            named: Vec::new(),
        };
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut identify = || drop(of.identify_with(&credentials, peer, now(), &mut tokens).unwrap());
        let first = allocation_counter::measure(&mut identify).count_total;
        let second = allocation_counter::measure(&mut identify).count_total;
        assert!(first > 0 && second == 0, "{first}, {second}");
    }

    #[test]
    fn a_token_that_did_not_hold_is_not_kept() {
        let (of, mut tokens) = (authenticator(), cache(100));
        for token in [
            Signer::other_es256().token(&payload(json!({}))),
            Signer::es256().token(&payload(json!({"exp": 1}))),
            Signer::es256().token(&payload(json!({"aud": "other"}))),
            "a.b.c".to_owned(),
        ] {
            assert!(ask(&of, &token, now(), &mut tokens).is_err());
        }
        assert!(tokens.is_empty());
    }

    #[test]
    fn a_kept_token_ends_when_it_ends() {
        let (of, mut tokens) = (authenticator(), cache(100));
        let token = Signer::es256().token(&payload(json!({})));
        assert!(ask(&of, &token, now(), &mut tokens).is_ok());
        // `exp` is a minute away, and the leeway two seconds.
        let last = Time::from_unix_micros(seconds(62).unix_micros() - 1);
        assert!(ask(&of, &token, last, &mut tokens).is_ok());
        assert_eq!(hits(&tokens), 1);
        assert!(ask(&of, &token, seconds(62), &mut tokens).unwrap_err().detail.contains("expired"));
        assert!(tokens.is_empty());
    }

    #[test]
    fn a_clock_that_is_put_back_finds_a_token_that_does_not_hold_yet() {
        let (of, mut tokens) = (authenticator(), cache(100));
        let token = Signer::es256().token(&payload(json!({})));
        assert!(ask(&of, &token, now(), &mut tokens).is_ok());
        // `nbf` was five seconds ago, and the leeway is two.
        assert!(ask(&of, &token, seconds(-8), &mut tokens).unwrap_err().detail.contains("not valid yet"));
        assert!(ask(&of, &token, seconds(-7), &mut tokens).is_ok());
        assert_eq!(hits(&tokens), 1);
    }

    #[test]
    fn a_key_that_leaves_the_set_takes_its_tokens_along() {
        let (of, mut tokens) = (authenticator(), cache(100));
        let token = Signer::es256().token(&payload(json!({})));
        let of_other_key = Signer::rs256().token(&payload(json!({})));
        for token in [&token, &of_other_key] {
            assert!(ask(&of, token, now(), &mut tokens).is_ok());
        }
        of.issuers()[1].keys().replace(Signer::set(&[Signer::rs256()])).unwrap();
        assert!(ask(&of, &token, now(), &mut tokens).is_err());
        assert!(ask(&of, &of_other_key, now(), &mut tokens).is_ok());
        assert_eq!((hits(&tokens), tokens.len()), (0, 1));
    }

    #[test]
    fn the_keys_of_one_issuer_do_not_touch_the_tokens_of_another() {
        let (of, mut tokens) = (authenticator(), cache(100));
        let token = Signer::es256().token(&payload(json!({"iss": OTHER_ISSUER})));
        assert!(ask(&of, &token, now(), &mut tokens).is_ok());
        of.issuers()[1].keys().replace(Signer::set(&[Signer::rs256()])).unwrap();
        assert!(ask(&of, &token, now(), &mut tokens).is_ok());
        assert_eq!(hits(&tokens), 1);
    }

    #[test]
    fn one_byte_more_less_or_else_is_another_token() {
        let (of, mut tokens) = (authenticator(), cache(100));
        let token = Signer::eddsa().token(&payload(json!({})));
        assert!(ask(&of, &token, now(), &mut tokens).is_ok());
        for at in 0..token.len() {
            let mut other = token.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            assert!(ask(&of, str::from_utf8(&other).unwrap(), now(), &mut tokens).is_err(), "{at}");
        }
        assert!(ask(&of, &token[..token.len() - 1], now(), &mut tokens).is_err());
        assert!(ask(&of, &format!("{token}A"), now(), &mut tokens).is_err());
        assert_eq!((hits(&tokens), tokens.len()), (0, 1));
    }

    #[test]
    fn never_keeps_more_than_it_may_and_throws_out_what_was_not_asked_for() {
        let (of, mut tokens) = (authenticator(), cache(WAYS));
        let token = |n: usize| Signer::eddsa().token(&payload(json!({ "jti": n })));
        let favourite = token(0);
        for n in 0..3 * WAYS {
            assert!(ask(&of, &token(n), now(), &mut tokens).is_ok());
            assert!(ask(&of, &favourite, now(), &mut tokens).is_ok());
            assert!(tokens.len() <= WAYS);
            assert_eq!(tokens.metrics.as_ref().unwrap().entries.get(), tokens.len() as i64);
        }
        assert_eq!((hits(&tokens), tokens.len()), (3 * WAYS as u64, WAYS));
    }

    #[test]
    fn keeps_nothing_where_it_is_off() {
        let (of, mut tokens) = (authenticator(), TokenCache::off());
        let token = Signer::es256().token(&payload(json!({})));
        for _ in 0..2 {
            assert!(ask(&of, &token, now(), &mut tokens).is_ok());
        }
        assert!(tokens.is_empty());
    }

    #[derive(Debug, Clone)]
    enum Step {
        Ask(usize),
        Clock(i64),
        /// Exchange the keys of an issuer for some of these.
        Keys(usize, Vec<bool>),
    }

    fn step() -> impl Strategy<Value = Step> {
        let keys = proptest::collection::vec(any::<bool>(), 3);
        prop_oneof![
            8 => (0_usize..12).prop_map(Step::Ask),
            3 => (-15_i64..80).prop_map(Step::Clock),
            1 => (0_usize..2, keys).prop_map(|(issuer, keys)| Step::Keys(issuer, keys)),
        ]
    }

    fn some_tokens() -> Vec<String> {
        let mut tokens = Vec::new();
        for signer in [Signer::es256(), Signer::rs256(), Signer::eddsa(), Signer::other_es256()] {
            let at = now().unix_micros() / 1_000_000;
            tokens.push(signer.token(&payload(json!({}))));
            tokens.push(signer.token(&payload(json!({"iss": OTHER_ISSUER, "exp": at + 20}))));
            tokens.push(signer.token(&payload(json!({"nbf": at + 10, "iat": at - 60, "exp": at + 40}))));
        }
        tokens
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Over clocks that go both ways, exchanged keys, and a table in which tokens drive each other out.
        #[test]
        fn the_answer_with_a_cache_is_the_answer_without(
            steps in proptest::collection::vec(step(), 1..60),
            tokens_max in prop_oneof![Just(1_usize), Just(100)],
        ) {
            let (of, mut cache, all) = (authenticator(), cache(tokens_max), some_tokens());
            let mut at = now();
            for step in steps {
                match step {
                    Step::Clock(to) => at = seconds(to),
                    Step::Keys(issuer, there) => {
                        let signers = [Signer::es256(), Signer::rs256(), Signer::eddsa()];
                        let left: Vec<&Signer> =
                            signers.into_iter().zip(there).filter(|(_, there)| *there).map(|(one, _)| one).collect();
                        if !left.is_empty() {
                            of.issuers()[issuer].keys().replace(Signer::set(&left)).unwrap();
                        }
                    }
                    Step::Ask(number) => {
                        let told = |answer: Result<Verified, Rejected>| {
                            answer.map(|verified| (verified.issuer, verified.begins, verified.expires))
                        };
                        let with = told(ask(&of, &all[number], at, &mut cache));
                        let without = told(ask(&of, &all[number], at, &mut TokenCache::off()));
                        prop_assert_eq!(with, without);
                    }
                }
            }
        }
    }
}
