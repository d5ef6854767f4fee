//! The host that a request is for (RFC 9112 3.2).

use std::net::{Ipv4Addr, Ipv6Addr};

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Uri, uri};

use super::seen::Field;
use super::{Malformed, Seen};

/// The longest name that DNS has, in bytes (RFC 1035 2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// A host and perhaps a port, in the one spelling that is evaluated and forwarded: lower case, without a trailing dot, IPv6
/// addresses as RFC 5952 writes them, the port as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    text: Box<str>,
    name_bytes: usize,
    port: Option<u16>,
}

impl Host {
    /// Reads the value of a Host field, or an authority without user information.
    ///
    /// # Errors
    ///
    /// `malformed` for anything but a name of letters, digits, `-`, `.` and `_`, an IPv4 address or an IPv6 address in
    /// brackets, each with or without a port from 1 to 65535.
    pub fn parse(raw: &[u8]) -> Result<Host, Malformed> {
        let raw = str::from_utf8(raw).map_err(|_| Malformed::unreadable("the host is not ASCII"))?;
        if is_plain_name(raw) {
            return Ok(Host { text: raw.into(), name_bytes: raw.len(), port: None });
        }
        let (mut text, port) = if let Some(rest) = raw.strip_prefix('[') {
            let (address, port) = rest
                .split_once(']')
                .ok_or(Malformed::unreadable("the host has a bracket without its twin"))?;
            let address: Ipv6Addr =
                address.parse().map_err(|_| Malformed::unreadable("the host is not an IPv6 address"))?;
            (format!("[{address}]"), port)
        } else {
            let colon = raw.bytes().position(|byte| byte == b':');
            let (name, port) = raw.split_at_checked(colon.unwrap_or(raw.len())).unwrap_or((raw, ""));
            check_name(name)?;
            (name.to_ascii_lowercase(), port)
        };
        let name_bytes = text.len();
        text.push_str(port);
        Ok(Host { text: text.into(), name_bytes, port: read_port(port)? })
    }

    /// The host as it goes upstream, with its port if one was sent.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host without its port.
    pub fn name(&self) -> &str {
        self.text.get(..self.name_bytes).unwrap_or(&self.text)
    }

    /// The port, if one was sent.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    fn agrees_with(&self, other: &Host, default_port: u16) -> bool {
        let port = |host: &Host| host.port.unwrap_or(default_port);
        self.name() == other.name() && port(self) == port(other)
    }
}

/// Takes the host from the one Host field, which is left in its canonical spelling, and from an absolute-form target,
/// which must agree with it. RFC 9112 3.2.2 lets the target win; a disagreement is refused here, since some app behind us
/// may read the other one.
pub(super) fn read_host(uri: &Uri, headers: &mut HeaderMap, seen: &Seen) -> Result<Host, Malformed> {
    // An HTTP/1.0 request needs no Host by the letter, and has no host to be judged by without one.
    let line = headers.get(HOST).ok_or(Malformed::unreadable("there is no host"))?;
    if seen.repeats(Field::Host) {
        return Err(Malformed::ambiguous("there is more than one host"));
    }
    let host = Host::parse(line.as_bytes())?;
    if let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) {
        let default_port = if *scheme == uri::Scheme::HTTPS { 443 } else { 80 };
        if !host.agrees_with(&Host::parse(authority.as_str().as_bytes())?, default_port) {
            return Err(Malformed::ambiguous("the host of the target and the host field disagree"));
        }
    }
    if line.as_bytes() != host.as_str().as_bytes() {
        let value = HeaderValue::from_str(host.as_str())
            .map_err(|_| Malformed::unreadable("the host is no header value"))?;
        headers.insert(HOST, value);
    }
    Ok(host)
}

/// Whether this is a name in lower case without a port, and no address: what most hosts are. One look at each byte.
fn is_plain_name(raw: &str) -> bool {
    let (mut before, mut number) = (b'.', true);
    for byte in raw.bytes() {
        match byte {
            b'a'..=b'z' => number = false,
            b'.' if before != b'.' => number = true,
            b'0'..=b'9' => {}
            b'-' | b'_' => number = false,
            _ => return false,
        }
        before = byte;
    }
    before != b'.' && !number && raw.len() <= NAME_BYTES_MAX
}

const EMPTY_LABEL: Malformed = Malformed::unreadable("the host has an empty label or a trailing dot");

fn check_name(name: &str) -> Result<(), Malformed> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(Malformed::unreadable("the host is empty or too long"));
    }
    // This refuses, among others, `@`, `,`, `%`, `\`, `/`, white space, and whatever is not ASCII.
    // One look at each byte: is it one of a name's, does a label end here, is the label a number.
    let (mut before, mut number) = (b'.', true);
    for byte in name.bytes() {
        match byte {
            b'0'..=b'9' => {}
            b'.' if before == b'.' => return Err(EMPTY_LABEL),
            b'.' => number = true,
            b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' => number = false,
            _ => return Err(Malformed::unreadable("the host holds a character that no host name has")),
        }
        before = byte;
    }
    if before == b'.' {
        return Err(EMPTY_LABEL);
    }
    if number && name.parse::<Ipv4Addr>().is_err() {
        return Err(Malformed::unreadable("the host is not an IPv4 address and looks like one"));
    }
    Ok(())
}

/// `text` is what follows the name: nothing, or `:` and a number without leading zeros.
fn read_port(text: &str) -> Result<Option<u16>, Malformed> {
    let Some(digits) = text.strip_prefix(':') else {
        return if text.is_empty() {
            Ok(None)
        } else {
            Err(Malformed::unreadable("the host has no port after it"))
        };
    };
    // `parse` alone would take a sign.
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    match digits.parse() {
        Ok(port) if plain => Ok(Some(port)),
        _ => Err(Malformed::unreadable("the host has a bad port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;
    use proptest::prelude::*;

    fn read(target: &'static str, lines: &[&'static str]) -> Result<String, Reason> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(HOST, HeaderValue::from_static(line));
        }
        let seen = super::super::HeaderRules::new([""; 0], None).look(&headers);
        let host = read_host(&Uri::from_static(target), &mut headers, &seen).map_err(|error| error.reason)?;
        let kept: Vec<_> = headers.get_all(HOST).iter().collect();
        assert_eq!(kept, [host.as_str()], "the field that stays is the host that was read");
        Ok(host.as_str().to_owned())
    }

    #[test]
    fn writes_a_host_in_one_spelling() {
        for (raw, host) in [
            ("School.Example", "school.example"),
            ("school.example:8080", "school.example:8080"),
            ("a_b-c.x1", "a_b-c.x1"),
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]", "[::1]"),
            ("[0:0:0:0:0:0:0:1]:8080", "[::1]:8080"),
            ("[2001:DB8::A]", "[2001:db8::a]"),
        ] {
            assert_eq!(read("/", &[raw]), Ok(host.to_owned()));
        }
        let host = Host::parse(b"[::1]:8080").unwrap();
        assert_eq!((host.name(), host.port()), ("[::1]", Some(8080)));
    }

    #[test]
    fn refuses_what_is_not_a_host() {
        for raw in [
            "",
            ":80",
            "a,b",
            "a@b",
            "user:pass@b",
            "a b",
            " a",
            "a\\b",
            "a/b",
            "a?b",
            "a#b",
            "a%41",
            "a.",
            "a.:80",
            ".a",
            "a..b",
            "a:",
            "a:0",
            "a:080",
            "a:65536",
            "a:+80",
            "a:80:80",
            "a:x",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[fe80::1%25eth0]",
            "[v1.a]",
            "[]",
            "[1.2.3.4]",
            "127.1",
            "0177.0.0.1",
            "2130706433",
            "1.2.3.4.5",
            "bücher.example",
        ] {
            assert_eq!(
                Host::parse(raw.as_bytes()).map_err(|error| error.reason),
                Err(Reason::Malformed),
                "{raw}"
            );
        }
        assert!(Host::parse(b"a\xff").is_err());
        assert!(Host::parse("a".repeat(NAME_BYTES_MAX + 1).as_bytes()).is_err());
    }

    #[test]
    fn refuses_a_request_without_exactly_one_host() {
        assert_eq!(read("/", &[]), Err(Reason::Malformed));
        assert_eq!(read("/", &["a", "b"]), Err(Reason::AmbiguousRequest));
        assert_eq!(read("/", &["a", "a"]), Err(Reason::AmbiguousRequest));
        assert_eq!(read("http://a/", &[]), Err(Reason::Malformed));
    }

    #[test]
    fn takes_an_absolute_target_that_agrees() {
        assert_eq!(read("http://A.example/", &["a.Example"]), Ok("a.example".into()));
        assert_eq!(read("http://a:80/", &["a"]), Ok("a".into()));
        assert_eq!(read("https://a/", &["a:443"]), Ok("a:443".into()));
        assert_eq!(read("http://[::1]/", &["[0:0::1]:80"]), Ok("[::1]:80".into()));
    }

    #[test]
    fn refuses_an_absolute_target_that_disagrees() {
        for (target, host) in
            [("http://a/", "b"), ("http://a:443/", "a"), ("https://a:80/", "a"), ("http://a:1/", "a:2")]
        {
            assert_eq!(read(target, &[host]), Err(Reason::AmbiguousRequest), "{target}");
        }
        assert_eq!(read("http://user@a/", &["a"]), Err(Reason::Malformed));
        assert_eq!(read("http://a./", &["a"]), Err(Reason::Malformed));
    }

    proptest! {
        #[test]
        fn a_host_in_its_canonical_spelling_stays_as_it_is(raw in "\\[?[a-zA-Z0-9.:_-]{1,12}\\]?(:[0-9]{1,5})?") {
            let Ok(host) = Host::parse(raw.as_bytes()) else { return Ok(()) };
            prop_assert_eq!(&Host::parse(host.as_str().as_bytes()).unwrap(), &host);
            prop_assert_eq!(host.as_str().to_ascii_lowercase(), host.as_str());
        }
    }
}
