//! What can stand at a key of the configuration: each reader takes a node, and reports what it cannot use.

use crate::policy::source::{Diags, Node, Span};
use crate::proxy::Address;
use http::HeaderName;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

/// The longest duration that makes sense anywhere here.
const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Header names that mean something else, besides those that begin with [`NOT_OURS`]: they belong to one connection,
/// frame the message, or are set by the proxy itself.
const TAKEN: [&str; 24] = [
    "accept",
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "if-match",
    "if-none-match",
    "keep-alive",
    "max-forwards",
    "origin",
    "range",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-decision-id",
    "x-real-ip",
];
const NOT_OURS: [&str; 3] = ["content-", "proxy-", "x-forwarded-"];

/// `250ms`, `10s`, `5m`, `1h`; `zero` says whether none at all is an answer.
pub(super) fn duration(node: &Node, zero: bool, diags: &mut Diags) -> Option<Duration> {
    let text = node.as_text("a duration", diags)?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60 * 1000),
        "h" => Some(60 * 60 * 1000),
        _ => None,
    };
    // No leading zero, and no digits beyond what the check below could tell from a small number.
    let number =
        Some(number).filter(|number| number.len() <= 9).and_then(|number| number.parse::<u64>().ok());
    let Some(duration) = number.zip(millis).map(|(number, millis)| Duration::from_millis(number * millis))
    else {
        diags
            .error(node.span, "bad_duration", format!("`{text}` is not a duration"))
            .help("write a whole number and a unit: `250ms`, `10s`, `5m` or `1h`");
        return None;
    };
    if duration > DURATION_MAX {
        diags.error(node.span, "out_of_range", format!("`{text}` is too long")).help("the longest is `24h`");
        return None;
    }
    if duration.is_zero() && !zero {
        diags
            .error(node.span, "out_of_range", format!("`{text}` leaves no time at all"))
            .help("write a longer time, such as `1s`");
        return None;
    }
    Some(duration)
}

/// `64KiB`, `100MiB`, `1GiB`: a size in bytes, within a range.
pub(super) fn size(node: &Node, range: RangeInclusive<u64>, diags: &mut Diags) -> Option<u64> {
    let text = node.as_text("a size", diags)?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit: Option<u64> = match unit {
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let size = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    let Some(size) = size else {
        diags
            .error(node.span, "bad_size", format!("`{text}` is not a size"))
            .help("write a whole number and a unit: `64KiB`, `100MiB` or `1GiB`");
        return None;
    };
    if !range.contains(&size) {
        let (low, high) = (range.start() >> 10, range.end() >> 10);
        diags
            .error(node.span, "out_of_range", format!("`{text}` is too small or too large"))
            .help(format!("from `{low}KiB` to `{high}KiB`"));
        return None;
    }
    Some(size)
}

/// A whole number within a range.
pub(super) fn number(
    node: &Node,
    what: &str,
    range: RangeInclusive<u32>,
    diags: &mut Diags,
) -> Option<usize> {
    let number = node.as_u32(what, diags)?;
    if !range.contains(&number) {
        diags.error(node.span, "out_of_range", format!("{what} cannot be `{number}`")).help(format!(
            "from {} to {}",
            range.start(),
            range.end()
        ));
        return None;
    }
    usize::try_from(number).ok()
}

/// The bytes of a file that the configuration names, or a mistake at its name.
pub(super) fn bytes_of(
    path: &Path,
    read: fn(&Path) -> io::Result<Vec<u8>>,
    node: &Node,
    diags: &mut Diags,
) -> Option<Vec<u8>> {
    let told = read(path).map_err(|error| {
        diags
            .error(node.span, "unreadable", format!("cannot read `{}`: {error}", path.display()))
            .help("name a file that hallpass may read; paths begin at the directory of the configuration");
    });
    told.ok()
}

/// A text that is not empty.
pub(super) fn text<'a>(node: &'a Node, what: &str, diags: &mut Diags) -> Option<&'a str> {
    let text = node.as_text(what, diags)?;
    if text.is_empty() {
        diags.error(node.span, "empty", format!("{what} is empty")).help("write it, or take the key out");
        return None;
    }
    Some(text)
}

/// An address to listen on: numbers and a port, because a name could come to mean another interface.
pub(super) fn listen(node: &Node, diags: &mut Diags) -> Option<SocketAddr> {
    let text = node.as_text("an address", diags)?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    diags
        .error(node.span, "bad_address", format!("`{text}` is not an address to listen on"))
        .help("write an IP address and a port: `127.0.0.1:8080` or `[::1]:8080`; port 0 takes a free one");
    None
}

/// The address of the upstream: an IP address or a name, and a port.
pub(super) fn upstream(node: &Node, diags: &mut Diags) -> Option<Address> {
    let text = node.as_text("an address", diags)?;
    let address = match text.parse::<SocketAddr>() {
        Ok(address) => Some(Address::Socket(address)),
        Err(_) => text.rsplit_once(':').and_then(|(host, port)| {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            let port = port.parse().ok().filter(|_| digits)?;
            is_host(host).then(|| Address::Name(host.to_owned(), port))
        }),
    };
    let port = match &address {
        Some(Address::Socket(address)) => address.port(),
        Some(Address::Name(_, port)) => *port,
        None => 0,
    };
    if port == 0 {
        let help = if text.contains("//") {
            "write host and port only, such as `127.0.0.1:9000`; the upstream is spoken to in HTTP/1.1"
        } else {
            "write host and port, such as `127.0.0.1:9000` or `app.internal:80`"
        };
        diags
            .error(node.span, "bad_address", format!("`{text}` is not the address of an upstream"))
            .help(help);
        return None;
    }
    address
}

/// A host name of letters, digits, `-` and `_` in labels, and not an IP address half written.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= 253 && host.split('.').all(label) && host.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// A header that tells the app something about the subject.
pub(super) fn told_header(name: &str, span: Span, diags: &mut Diags) -> Option<HeaderName> {
    let header = header_name(name, span, diags)?;
    let lower = header.as_str();
    if TAKEN.contains(&lower) || NOT_OURS.iter().any(|prefix| lower.starts_with(prefix)) {
        diags
            .error(span, "reserved_header", format!("the header `{name}` means something else"))
            .help("use a name of your own, such as `X-School-User`");
        return None;
    }
    Some(header)
}

/// A header name of letters, digits and `-`: every other character is folded into `_` by some app, and then two names
/// become one.
pub(super) fn header_name(name: &str, span: Span, diags: &mut Diags) -> Option<HeaderName> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match HeaderName::from_bytes(name.as_bytes()) {
        Ok(header) if plain && name.len() <= 64 => Some(header),
        _ => {
            diags
                .error(span, "bad_header", format!("`{name}` is not a header name that can be used here"))
                .help("use letters, digits and `-`, at most 64 of them");
            None
        }
    }
}
