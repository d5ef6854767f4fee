//! The credentials of one request in, one identity out.

use super::{
    ConfigError, JwtIssuer, KeySource, Presented, Rejected, TokenCache, TrustedHeader, Unverified, Verified,
    shown,
};
use crate::decision::Reason;
use crate::message::Credentials;
use crate::time::Time;
use http::HeaderValue;
use std::net::IpAddr;

/// Everything that proves an identity on one listener.
#[derive(Debug)]
pub struct Authenticator {
    issuers: Vec<JwtIssuer>,
    header: Option<TrustedHeader>,
}

impl Authenticator {
    /// Believes these issuers and this header. With neither, nobody is ever identified.
    ///
    /// # Errors
    /// Two that go by one issuer: what a bundle says of it would hold for both.
    pub fn new(issuers: Vec<JwtIssuer>, header: Option<TrustedHeader>) -> Result<Authenticator, ConfigError> {
        let mut names: Vec<&str> = issuers.iter().map(JwtIssuer::issuer).collect();
        names.extend(header.as_ref().map(TrustedHeader::issuer));
        names.sort_unstable();
        if let Some(twice) = names.array_windows().find(|[one, next]| one == next).map(|[one, _]| shown(one))
        {
            return Err(ConfigError::new(format!("the issuer {twice} is configured twice"))
                .help("give each source of identities a name of its own"));
        }
        Ok(Authenticator { issuers, header })
    }

    /// The issuers of tokens.
    pub fn issuers(&self) -> &[JwtIssuer] {
        &self.issuers
    }

    /// Where the keys of each issuer come from. While one of them is not ready, neither are we.
    pub fn key_sources(&self) -> Vec<KeySource> {
        self.issuers.iter().map(JwtIssuer::source).collect()
    }

    /// A number that changes with the keys of any issuer. Read it before [`identify`](Authenticator::identify) where
    /// the answer is to be kept: as long as it is the same, the keys are.
    pub fn generation(&self) -> u64 {
        // Each of them only grows, so the sum is never what it was before.
        self.issuers.iter().map(|issuer| issuer.keys().generation()).sum()
    }

    /// The trusted header: its name must not get past us from anybody.
    pub fn header(&self) -> Option<&TrustedHeader> {
        self.header.as_ref()
    }

    /// Who asks, by the credentials that the request brought from `peer`, at the request's time.
    ///
    /// Without an issuer of tokens, `Authorization` is not ours and not looked at.
    ///
    /// # Errors
    /// [`Reason::BadToken`] for a credential that does not hold or cannot be verified, [`Reason::AmbiguousRequest`]
    /// for more than one, whether or not they hold or agree.
    pub fn identify(
        &self,
        credentials: &Credentials,
        peer: IpAddr,
        now: Time,
    ) -> Result<Presented, Rejected> {
        self.identify_with(credentials, peer, now, &mut TokenCache::off())
    }

    /// As [`identify`](Authenticator::identify), with the tokens that were verified before. The answer is the same, but
    /// for one thing: a token that was kept is not looked at again, so its key cannot be found missing.
    ///
    /// # Errors
    /// As for [`identify`](Authenticator::identify).
    pub fn identify_with(
        &self,
        credentials: &Credentials,
        peer: IpAddr,
        now: Time,
        tokens: &mut TokenCache,
    ) -> Result<Presented, Rejected> {
        let header = match &self.header {
            Some(header) => header.read(&credentials.named, peer)?,
            None => None,
        };
        let authorization = credentials.authorization.as_ref().filter(|_| !self.issuers.is_empty());
        match (header, authorization) {
            (None, None) => Ok(Presented::Nothing),
            (Some(verified), None) => Ok(Presented::Verified(verified)),
            (None, Some(field)) => self.verify(field, now, tokens).map(Presented::Verified),
            (Some(_), Some(_)) => {
                Err(Rejected::ambiguous("both `Authorization` and the trusted header were sent"))
            }
        }
    }

    fn verify(&self, field: &HeaderValue, now: Time, tokens: &mut TokenCache) -> Result<Verified, Rejected> {
        let generation = |issuer: usize| Some(self.issuers.get(issuer)?.keys().generation());
        let unseen = match tokens.find(field.as_bytes(), now, generation) {
            Ok(verified) => return Ok(verified),
            Err(unseen) => unseen,
        };
        let token = Unverified::read(bearer(field)?).map_err(|error| Rejected::bad(error.to_string()))?;
        let name = token.issuer().map_err(|error| Rejected::bad(error.to_string()))?;
        let found = self.issuers.iter().enumerate().find(|(_, issuer)| issuer.issuer() == name);
        let Some((number, issuer)) = found else {
            return Err(Rejected::bad(format!("the issuer {} is not configured", shown(name))));
        };
        let generation = issuer.keys().generation();
        // The name is that of our own configuration; the token was not believed beyond choosing among them.
        let verified = issuer
            .verify(token, now)
            .map_err(|error| Rejected::bad(format!("{error} (issuer {})", shown(issuer.issuer()))))?;
        tokens.keep(&unseen, number, generation, &verified, now);
        Ok(verified)
    }

    /// The `WWW-Authenticate` of a 401 with this reason (RFC 9110 11.6.1).
    ///
    /// For tokens it is that of RFC 6750 section 3. Where there is only a trusted header, a client can do nothing
    /// about it; but a 401 must carry a challenge, and `Hallpass-Gateway` is a scheme of our own that no client
    /// answers with a password box.
    pub fn challenge(&self, reason: Reason) -> HeaderValue {
        HeaderValue::from_static(match (self.issuers.is_empty() && self.header.is_some(), reason) {
            (true, _) => r#"Hallpass-Gateway realm="hallpass""#,
            (false, Reason::BadToken) => r#"Bearer realm="hallpass", error="invalid_token""#,
            (false, _) => r#"Bearer realm="hallpass""#,
        })
    }
}

/// The token of `Authorization: Bearer <token>` (RFC 9110 11.4, RFC 6750 2.1). A scheme that we do not know is a
/// credential that we cannot verify, not the absence of one.
fn bearer(field: &HeaderValue) -> Result<&str, Rejected> {
    let text = str::from_utf8(field.as_bytes()).map_err(|_| Rejected::bad("`Authorization` is not text"))?;
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Rejected::bad("`Authorization` has another scheme than `Bearer`"));
    }
    match token.trim_start_matches(' ') {
        "" => Err(Rejected::bad("`Authorization` has no token")),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{AUDIENCE, ISSUER, Signer, encode, encode_bytes, now, payload};
    use super::super::{Algorithm, JwtSettings, KeySet, Peers};
    use super::*;
    use crate::policy::Claims as _;
    use http::HeaderName;
    use serde_json::json;
    use std::time::Duration;

    const GATEWAY: &str = "10.1.2.3";
    const STRANGER: &str = "10.9.9.9";

    fn issuer(name: &str, signers: &[&Signer]) -> JwtIssuer {
        let settings = JwtSettings {
            issuer: name.into(),
            audience: AUDIENCE.into(),
            algorithms: Algorithm::ALL.to_vec(),
            leeway: Duration::ZERO,
        };
        JwtIssuer::new(settings, Signer::set(signers)).unwrap()
    }

    fn header(issuer: &str) -> TrustedHeader {
        let peers = Peers::parse(&[GATEWAY]).unwrap();
        TrustedHeader::new(HeaderName::from_static("x-remote-user"), issuer, peers).unwrap()
    }

    fn both() -> Authenticator {
        let signers = [Signer::es256(), Signer::rs256(), Signer::eddsa()];
        Authenticator::new(vec![issuer(ISSUER, &signers)], Some(header("gateway"))).unwrap()
    }

    fn identify(
        of: &Authenticator,
        field: Option<&str>,
        named: &[&str],
        peer: &str,
    ) -> Result<Presented, Rejected> {
        let name = HeaderName::from_static("x-remote-user");
        let credentials = Credentials {
            authorization: field.map(|field| HeaderValue::from_bytes(field.as_bytes()).unwrap()),
            named: named.iter().map(|value| (name.clone(), value.parse().unwrap())).collect(),
        };
        of.identify(&credentials, peer.parse().unwrap(), now())
    }

    fn subject(presented: Result<Presented, Rejected>) -> Option<String> {
        match presented.unwrap() {
            Presented::Nothing => None,
            Presented::Verified(verified) => {
                Some(format!("{}/{}", verified.issuer, verified.claims.text("sub").unwrap()))
            }
        }
    }

    #[track_caller]
    fn refused(presented: Result<Presented, Rejected>, reason: Reason) -> String {
        let rejected = presented.unwrap_err();
        assert_eq!(rejected.reason, reason, "{rejected}");
        rejected.detail
    }

    fn token() -> String {
        Signer::es256().token(&payload(json!({})))
    }

    #[test]
    fn nothing_presented_is_nothing_and_no_error() {
        assert_eq!(subject(identify(&both(), None, &[], STRANGER)), None);
        assert_eq!(subject(identify(&both(), None, &[], GATEWAY)), None);
        let nobody = Authenticator::new(Vec::new(), None).unwrap();
        assert_eq!(subject(identify(&nobody, Some(&format!("Bearer {}", token())), &["ari"], GATEWAY)), None);
    }

    #[test]
    fn a_bearer_token_is_verified_whatever_the_case_of_the_scheme() {
        for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR   "] {
            let field = format!("{scheme}{}", token());
            assert_eq!(
                subject(identify(&both(), Some(&field), &[], STRANGER)).unwrap(),
                format!("{ISSUER}/ari")
            );
        }
    }

    #[test]
    fn an_authorization_that_cannot_be_verified_is_not_nothing() {
        let token = token();
        for field in [
            String::new(),
            "Bearer".into(),
            "Bearer ".into(),
            format!("Bearer\t{token}"),
            format!("Bearer {token} "),
            format!("Bearer {token}, Bearer {token}"),
            format!("Bearer token={token}"),
            format!("Bearer \"{token}\""),
            format!(" Bearer {token}"),
            format!("Bearer:{token}"),
            token.clone(),
            "Basic YXJpOnNlc2FtZQ==".into(),
            "Digest username=\"ari\"".into(),
            format!("DPoP {token}"),
            format!("Bearerx {token}"),
            format!("Bearer {}", "a.".repeat(10_000)),
            "Bearer ä.ä.ä".into(),
        ] {
            let detail = refused(identify(&both(), Some(&field), &[], STRANGER), Reason::BadToken);
            assert!(!detail.contains(&token) && detail.len() < 200, "{detail}");
        }
        let not_text = Credentials {
            authorization: Some(HeaderValue::from_bytes(b"Bearer \xff.\xff.\xff").unwrap()),
            named: Vec::new(),
        };
        refused(both().identify(&not_text, STRANGER.parse().unwrap(), now()), Reason::BadToken);
    }

    #[test]
    fn authorization_is_not_looked_at_where_no_issuer_is_configured() {
        let only_header = Authenticator::new(Vec::new(), Some(header("gateway"))).unwrap();
        for field in ["Basic YXJpOnNlc2FtZQ==", "Bearer x", ""] {
            assert_eq!(subject(identify(&only_header, Some(field), &[], GATEWAY)), None);
            assert_eq!(
                subject(identify(&only_header, Some(field), &["ari"], GATEWAY)).unwrap(),
                "gateway/ari"
            );
        }
    }

    #[test]
    fn two_sources_of_identity_are_ambiguous_even_where_they_agree_or_fail() {
        for field in [format!("Bearer {}", token()), "Bearer x".into(), "Basic YTpi".into()] {
            refused(identify(&both(), Some(&field), &["ari"], GATEWAY), Reason::AmbiguousRequest);
        }
        // Not from somebody whose header does not count.
        let field = format!("Bearer {}", token());
        assert_eq!(
            subject(identify(&both(), Some(&field), &["zoe"], STRANGER)).unwrap(),
            format!("{ISSUER}/ari")
        );
    }

    #[test]
    fn a_header_that_cannot_be_read_is_refused_and_not_ignored() {
        refused(identify(&both(), None, &["ari", "zoe"], GATEWAY), Reason::AmbiguousRequest);
        refused(identify(&both(), None, &[""], GATEWAY), Reason::BadToken);
        assert_eq!(subject(identify(&both(), None, &["ari", "zoe"], STRANGER)), None);
    }

    #[test]
    fn a_token_is_verified_with_the_keys_of_its_issuer_only() {
        let (one, other) = ("https://one.example", "https://other.example");
        let of = Authenticator::new(
            vec![issuer(one, &[Signer::es256()]), issuer(other, &[Signer::other_es256()])],
            None,
        )
        .unwrap();
        let sent = |iss: &str, signer: &Signer| {
            let token = signer.token_with(r#"{"alg":"ES256"}"#, &payload(json!({ "iss": iss })));
            identify(&of, Some(&format!("Bearer {token}")), &[], STRANGER)
        };
        assert_eq!(subject(sent(one, Signer::es256())).unwrap(), format!("{one}/ari"));
        assert_eq!(subject(sent(other, Signer::other_es256())).unwrap(), format!("{other}/ari"));
        refused(sent(one, Signer::other_es256()), Reason::BadToken);
        refused(sent(other, Signer::es256()), Reason::BadToken);
        let detail = refused(sent("https://\n\u{1b}[31mevil.example", Signer::es256()), Reason::BadToken);
        assert_eq!(detail, "the issuer `https://\\n\\u{1b}[31mevil.example` is not configured");
    }

    #[test]
    fn refuses_a_token_that_was_not_signed_or_was_signed_with_a_public_key() {
        let body = payload(json!({}));
        let rsa = Signer::rs256();
        let mut forged = Vec::new();
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"None","typ":"JWT"}"#, r#"{"typ":"JWT"}"#, "{}"] {
            forged.push(format!("{}.{}.", encode(header), encode(&body)));
            forged.push(format!("{}.{}.{}", encode(header), encode(&body), encode("x")));
            forged.push(format!("{}.{}", encode(header), encode(&body)));
        }
        // The public key in each spelling that a server might have at hand, taken for an HMAC secret.
        for secret in rsa.public_spellings() {
            for header in [r#"{"alg":"HS256"}"#.into(), format!(r#"{{"alg":"HS256","kid":"{}"}}"#, rsa.kid)] {
                let signed = format!("{}.{}", encode(&header), encode(&body));
                let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &secret);
                let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
                forged.push(format!("{signed}.{}", encode_bytes(tag.as_ref())));
                // And with the name of our own algorithm over it.
                let signed = format!("{}.{}", encode(&header.replace("HS256", "RS256")), encode(&body));
                let tag = aws_lc_rs::hmac::sign(&key, signed.as_bytes());
                forged.push(format!("{signed}.{}", encode_bytes(tag.as_ref())));
            }
        }
        for token in forged {
            refused(identify(&both(), Some(&format!("Bearer {token}")), &[], STRANGER), Reason::BadToken);
        }
    }

    #[test]
    fn refuses_a_signed_part_under_another() {
        let (good, evil) = (token(), Signer::other_es256().token(&payload(json!({"sub": "zoe"}))));
        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (good, evil) = (parts(&good), parts(&evil));
        for token in [
            format!("{}.{}.{}", good[0], evil[1], good[2]),
            format!("{}.{}.{}", evil[0], good[1], good[2]),
            format!("{}.{}.{}", good[0], good[1], evil[2]),
        ] {
            refused(identify(&both(), Some(&format!("Bearer {token}")), &[], STRANGER), Reason::BadToken);
        }
    }

    #[test]
    fn refuses_a_token_with_any_character_changed_added_or_taken_away() {
        let (of, token) = (both(), token());
        let refused_as = |token: String| {
            refused(identify(&of, Some(&format!("Bearer {token}")), &[], STRANGER), Reason::BadToken);
        };
        for (at, was) in token.char_indices() {
            for now in ['A', 'B', '_', '.', '=', ' '].into_iter().filter(|now| *now != was) {
                refused_as(format!("{}{now}{}", &token[..at], &token[at + 1..]));
                // A space before the token is the scheme's.
                if (at, now) != (0, ' ') {
                    refused_as(format!("{}{now}{}", &token[..at], &token[at..]));
                }
            }
            refused_as(format!("{}{}", &token[..at], &token[at + 1..]));
            refused_as(token[..at].to_owned());
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_is_answered_and_nobody_is_made_of_it(
            field in proptest::option::of(".{0,80}|Bearer [A-Za-z0-9_.-]{0,80}|Bearer e[a-zA-Z0-9]{8}\\.e[a-z]*\\..*"),
            value in "\\PC{0,300}|.{0,20}",
        ) {
            let bytes = |text: &str| HeaderValue::from_bytes(text.as_bytes()).ok();
            let name = HeaderName::from_static("x-remote-user");
            let credentials = Credentials {
                authorization: field.as_deref().and_then(bytes),
                named: bytes(&value).map(|value| (name, value)).into_iter().collect(),
            };
            let presented = both().identify(&credentials, STRANGER.parse().unwrap(), now());
            let nothing = matches!(presented, Ok(Presented::Nothing));
            proptest::prop_assert_eq!(nothing, credentials.authorization.is_none());
            proptest::prop_assert!(nothing || presented.is_err());
        }
    }

    #[test]
    fn a_refusal_never_tells_the_token_or_a_claim() {
        let secret = "ari.the.secret@school.example";
        for change in [
            json!({"exp": 1}),
            json!({"exp": secret}),
            json!({"aud": secret}),
            json!({"aud": [secret, 1]}),
            json!({"nbf": 99_999_999_999_i64}),
            json!({"iat": 99_999_999_999_i64}),
        ] {
            let mut claims = change.clone();
            claims["sub"] = json!(secret);
            let token = Signer::es256().token(&payload(claims));
            let detail =
                refused(identify(&both(), Some(&format!("Bearer {token}")), &[], STRANGER), Reason::BadToken);
            assert!(!detail.contains("secret") && !detail.contains('\n'), "{change}: {detail}");
            assert!(token.split('.').all(|part| !detail.contains(part)), "{change}: {detail}");
        }
    }

    #[test]
    fn one_issuer_is_configured_once() {
        let twice = vec![issuer(ISSUER, &[Signer::es256()]), issuer(ISSUER, &[Signer::other_es256()])];
        assert!(Authenticator::new(twice, None).unwrap_err().to_string().contains("configured twice"));
        let one = vec![issuer(ISSUER, &[Signer::es256()])];
        assert!(Authenticator::new(one, Some(header(ISSUER))).is_err());
    }

    #[test]
    fn a_challenge_says_what_would_be_believed() {
        let both = both();
        assert_eq!(both.challenge(Reason::Unauthenticated), r#"Bearer realm="hallpass""#);
        assert_eq!(both.challenge(Reason::BadToken), r#"Bearer realm="hallpass", error="invalid_token""#);
        let only_header = Authenticator::new(Vec::new(), Some(header("gateway"))).unwrap();
        assert_eq!(only_header.challenge(Reason::BadToken), r#"Hallpass-Gateway realm="hallpass""#);
    }

    #[test]
    fn may_be_shared_between_workers() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Authenticator>();
        shared::<KeySet>();
        shared::<Verified>();
    }
}
