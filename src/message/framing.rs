//! How long the body of a request is, from its headers (RFC 9112 6).
//!
//! The server library has decided the same before us and reads the body by its own answer; what is refused here is every
//! head about which it and the upstream could come to different answers.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Version};

use super::Malformed;

/// The longest body that a head may announce, in bytes: what every upstream can count.
const LENGTH_MAX: u64 = i64::MAX as u64;

/// How the body of a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// A body of this many bytes; the one Content-Length line stays among the headers.
    Length(u64),
    /// A body in chunks; no header says so any more, whoever forwards it writes the framing anew.
    Chunked,
}

/// Reads the framing headers and leaves them where they are.
pub(super) fn read_framing(version: Version, headers: &HeaderMap) -> Result<Framing, Malformed> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    match (codings.next(), lengths.next()) {
        (None, None) => Ok(Framing::None),
        (Some(_), Some(_)) => Err(Malformed::unreadable("both a transfer coding and a content length")),
        // RFC 9112 6.1: a recipient must treat it as if the framing were faulty (RUSTSEC-2026-0034).
        (Some(_), None) if version == Version::HTTP_10 => {
            Err(Malformed::unreadable("a transfer coding in HTTP/1.0"))
        }
        // The library looks at the last token of the last line only.
        (Some(coding), None) => {
            if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
                return Err(Malformed::unreadable("a transfer coding other than chunked, once"));
            }
            Ok(Framing::Chunked)
        }
        (None, Some(length)) => {
            if lengths.next().is_some() {
                return Err(Malformed::unreadable("more than one content length"));
            }
            read_length(length.as_bytes())
                .map(Framing::Length)
                .ok_or(Malformed::unreadable("a content length that is not a plain number"))
        }
    }
}

/// Digits and nothing else: no sign, no list, no leading zero, nothing beyond [`LENGTH_MAX`].
fn read_length(value: &[u8]) -> Option<u64> {
    let canonical = value == b"0" || (value.first() != Some(&b'0') && value.iter().all(u8::is_ascii_digit));
    let length: u64 = str::from_utf8(value).ok()?.parse().ok()?;
    (canonical && length <= LENGTH_MAX).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;
    use http::HeaderValue;

    fn read(version: Version, lines: &[(&'static str, &'static str)]) -> Result<Framing, Reason> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        read_framing(version, &headers).map_err(|error| error.reason)
    }

    const TE: &str = "transfer-encoding";
    const CL: &str = "content-length";

    #[test]
    fn reads_the_three_framings() {
        assert_eq!(read(Version::HTTP_11, &[]), Ok(Framing::None));
        assert_eq!(read(Version::HTTP_11, &[(CL, "0")]), Ok(Framing::Length(0)));
        assert_eq!(read(Version::HTTP_10, &[(CL, "10")]), Ok(Framing::Length(10)));
        assert_eq!(read(Version::HTTP_11, &[(TE, "Chunked")]), Ok(Framing::Chunked));
        assert_eq!(read(Version::HTTP_11, &[(CL, "9223372036854775807")]), Ok(Framing::Length(LENGTH_MAX)));
    }

    #[test]
    fn refuses_every_transfer_coding_but_chunked_once() {
        for value in [
            "gzip, chunked",
            "identity",
            "chunked, identity",
            ",chunked",
            "chunked,",
            "xchunked",
            "chunked;a",
            "",
        ] {
            assert_eq!(read(Version::HTTP_11, &[(TE, value)]), Err(Reason::Malformed), "{value}");
        }
        assert_eq!(read(Version::HTTP_11, &[(TE, "identity"), (TE, "chunked")]), Err(Reason::Malformed));
        assert_eq!(read(Version::HTTP_11, &[(TE, "chunked"), (TE, "chunked")]), Err(Reason::Malformed));
        assert_eq!(read(Version::HTTP_10, &[(TE, "chunked")]), Err(Reason::Malformed));
    }

    #[test]
    fn refuses_lengths_that_are_not_one_plain_number() {
        for value in
            ["", "+5", "-5", "0x5", "5_0", "5 5", "5,5", "5, 5", "05", "00", "9223372036854775808", "1e3"]
        {
            assert_eq!(read(Version::HTTP_11, &[(CL, value)]), Err(Reason::Malformed), "{value}");
        }
        assert_eq!(read(Version::HTTP_11, &[(CL, "5"), (CL, "5")]), Err(Reason::Malformed));
        assert_eq!(read(Version::HTTP_11, &[(CL, "5"), (TE, "chunked")]), Err(Reason::Malformed));
    }
}
