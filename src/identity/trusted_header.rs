//! A header in which a gateway names the subject. It is a password that is the same for everybody, so it is believed
//! only from the addresses of the gateway, and only where it can be read in one way.

use super::{Claims, ConfigError, Peers, Rejected, Verified, shown};
use crate::time::Time;
use http::{HeaderName, HeaderValue};
use std::net::IpAddr;
use std::sync::Arc;

/// The longest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 256;

/// Headers that have a meaning of their own, here or on the way.
const OTHERS: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "date",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A header that names the subject, and the addresses it is believed from.
#[derive(Debug)]
pub struct TrustedHeader {
    name: HeaderName,
    issuer: Arc<str>,
    peers: Peers,
}

impl TrustedHeader {
    /// The header `name`, whose values count as said by `issuer` (a name of the bundle) when they come from `peers`.
    ///
    /// # Errors
    /// An empty issuer, and a header that means something else.
    pub fn new(name: HeaderName, issuer: &str, peers: Peers) -> Result<TrustedHeader, ConfigError> {
        if issuer.is_empty() {
            return Err(ConfigError::new("the issuer of the trusted header is empty"));
        }
        if OTHERS.contains(&name.as_str()) {
            return Err(ConfigError::new(format!(
                "the header {} cannot name a subject",
                shown(name.as_str())
            ))
            .help("use a header of the gateway's own, such as `X-Remote-User`"));
        }
        Ok(TrustedHeader { name, issuer: issuer.into(), peers })
    }

    /// The name of the header.
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The issuer that its values count as said by.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Who may send it.
    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    /// What the header says, or nothing where it was not sent by a peer that is believed.
    pub(super) fn read(
        &self,
        named: &[(HeaderName, HeaderValue)],
        peer: IpAddr,
    ) -> Result<Option<Verified>, Rejected> {
        if !self.peers.contains(peer) {
            return Ok(None);
        }
        let mut sent = named.iter().filter(|(name, _)| folded(name).eq(folded(&self.name)));
        let (name, value) = match (sent.next(), sent.next()) {
            (None, _) => return Ok(None),
            (Some(one), None) => one,
            (Some(_), Some(_)) => return Err(Rejected::ambiguous("the trusted header was sent twice")),
        };
        // `X_Remote_User` is not what the gateway sets, so the gateway let it pass: somebody else wrote it.
        if *name != self.name {
            return Err(Rejected::ambiguous(format!(
                "the trusted header was sent as {}, not as `{}`",
                shown(name.as_str()),
                self.name
            )));
        }
        let value = read_value(value).map_err(Rejected::bad)?;
        Ok(Some(Verified {
            issuer: Arc::clone(&self.issuer),
            claims: Claims::Header(value.to_owned()),
            begins: Time::MIN,
            expires: None,
        }))
    }
}

/// A name as a CGI gateway sees it: `X-Remote-User`, `x_remote_user` and `X.Remote.User` are one.
fn folded(name: &HeaderName) -> impl Iterator<Item = u8> {
    name.as_str().bytes().map(|byte| if byte.is_ascii_alphanumeric() { byte } else { b'_' })
}

fn read_value(value: &HeaderValue) -> Result<&str, &'static str> {
    if value.is_empty() {
        return Err("the trusted header is empty");
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err("the trusted header is longer than 256 bytes");
    }
    let text = str::from_utf8(value.as_bytes()).map_err(|_| "the trusted header is not UTF-8")?;
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err("the trusted header begins or ends with a space");
    }
    // What the standard library would escape for a reader cannot be seen: controls, spaces but the plain one, marks
    // of direction and joining, and what stands for no character.
    let visible = text.split(['"', '\'', '\\']).all(|part| part.escape_debug().eq(part.chars()));
    if visible { Ok(text) } else { Err("the trusted header has characters that cannot be seen") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;
    use crate::policy::Claims as _;

    fn read(named: &[(&str, &[u8])], peer: &str) -> Result<Option<Verified>, Rejected> {
        let peers = Peers::parse(&["10.1.2.3", "fd00:7::/64"]).unwrap();
        let header = TrustedHeader::new(HeaderName::from_static("x-remote-user"), "gateway", peers).unwrap();
        let named: Vec<_> = named
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(value).unwrap()))
            .collect();
        header.read(&named, peer.parse().unwrap())
    }

    fn refusal(value: &[u8]) -> Reason {
        read(&[("X-Remote-User", value)], "10.1.2.3").unwrap_err().reason
    }

    #[test]
    fn a_listed_peer_is_believed() {
        for peer in ["10.1.2.3", "::ffff:10.1.2.3", "fd00:7::1"] {
            let verified = read(&[("X-Remote-User", b"ari")], peer).unwrap().unwrap();
            assert_eq!((&*verified.issuer, verified.expires), ("gateway", None));
            assert_eq!(
                (verified.claims.text("sub"), verified.claims.text("email")),
                (Some("ari"), Some("ari"))
            );
            assert_eq!(verified.claims.flag("email_verified"), None);
        }
    }

    #[test]
    fn a_header_from_anybody_else_is_as_if_it_were_not_sent() {
        for peer in ["10.1.2.4", "127.0.0.1", "::1", "::10.1.2.3", "fd00:8::1"] {
            assert!(read(&[("X-Remote-User", b"ari")], peer).unwrap().is_none(), "{peer}");
            let twice: &[(&str, &[u8])] = &[("X-Remote-User", b"ari"), ("X-Remote-User", b"")];
            assert!(read(twice, peer).unwrap().is_none(), "{peer}");
        }
    }

    #[test]
    fn a_listed_peer_that_does_not_send_it_says_nothing() {
        assert!(read(&[], "10.1.2.3").unwrap().is_none());
        assert!(read(&[("X-Remote-Users", b"ari"), ("X-Remote", b"ari")], "10.1.2.3").unwrap().is_none());
    }

    #[test]
    fn two_values_or_another_spelling_are_ambiguous() {
        let lists: [&[(&str, &[u8])]; 5] = [
            &[("X-Remote-User", b"ari"), ("X-Remote-User", b"ari")],
            &[("X-Remote-User", b"ari"), ("x-remote-user", b"zoe")],
            &[("X-Remote-User", b"ari"), ("X_Remote_User", b"zoe")],
            &[("X.Remote.User", b"zoe"), ("X-Remote-User", b"ari")],
            &[("X_Remote-User", b"zoe")],
        ];
        for list in lists {
            assert_eq!(read(list, "10.1.2.3").unwrap_err().reason, Reason::AmbiguousRequest, "{list:?}");
        }
    }

    #[test]
    fn a_value_is_visible_text_of_at_most_256_bytes() {
        for value in [
            "a",
            "ari@school.example",
            "Zoë O'Hara",
            "李雷",
            "DOMAIN\\ari",
            "\"ari\"",
            "a,b",
            &"a".repeat(256),
        ] {
            let verified = read(&[("X-Remote-User", value.as_bytes())], "10.1.2.3").unwrap().unwrap();
            assert_eq!(verified.claims.text("sub"), Some(value));
        }
        for value in [
            "".into(),
            " ".into(),
            " ari".into(),
            "ari ".into(),
            "a\tb".into(),
            "a".repeat(257),
            "ari\u{a0}".into(),
            "a\u{200b}ri".into(),
            "a\u{ad}ri".into(),
            "\u{202e}ira".into(),
            "ari\u{2028}".into(),
            "ari\u{85}".into(),
            "\u{feff}ari".into(),
            "\u{3000}".into(),
            "ari\u{e0041}".into(),
        ] {
            let value: String = value;
            assert_eq!(refusal(value.as_bytes()), Reason::BadToken, "{value:?}");
        }
        for value in [&b"\xff"[..], b"ari\xc3", b"\xc0\xaf", b"\xed\xa0\x80"] {
            assert_eq!(refusal(value), Reason::BadToken, "{value:?}");
        }
    }

    #[test]
    fn a_header_that_means_something_else_cannot_be_trusted() {
        for name in ["Authorization", "Host", "Cookie", "Connection", "Transfer-Encoding"] {
            assert!(
                TrustedHeader::new(name.parse().unwrap(), "gateway", Peers::default()).is_err(),
                "{name}"
            );
        }
        assert!(TrustedHeader::new(HeaderName::from_static("x-user"), "", Peers::default()).is_err());
    }
}
