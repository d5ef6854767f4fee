//! By which names a request is known to others: the caller's own (`X-Request-Id`), and the trace that it is a part of
//! (W3C Trace Context, `traceparent`). What is sane goes on unchanged; what is not is taken out; nothing is invented.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Seen;
use super::seen::{Field, REQUEST_ID, TRACEPARENT, TRACESTATE};

/// The longest name that a caller can give a request, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;
/// The longest `traceparent` of a version to come that is passed on, in bytes.
const TRACEPARENT_BYTES_MAX: usize = 256;

/// The names of one request. None of them proves anything.
#[derive(Debug, Clone, Default)]
pub struct Correlation {
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
}

impl Correlation {
    /// Reads the names, and takes out of `headers` those that are none: more than one line, a request id that is
    /// empty, longer than 128 bytes or holds anything but visible ASCII without quotes, a `traceparent` that its
    /// standard calls invalid. `tracestate` means nothing without a `traceparent` and goes with it.
    pub fn keep_sane(headers: &mut HeaderMap, seen: &Seen) -> Correlation {
        if ![Field::RequestId, Field::Traceparent, Field::Tracestate].iter().any(|field| seen.has(*field)) {
            return Correlation::default();
        }
        let correlation = Correlation {
            request_id: only(headers, &REQUEST_ID).filter(|value| is_request_id(value.as_bytes())).cloned(),
            traceparent: only(headers, &TRACEPARENT)
                .filter(|value| trace_id(value.as_bytes()).is_some())
                .cloned(),
        };
        if correlation.request_id.is_none() {
            headers.remove(REQUEST_ID);
        }
        if correlation.traceparent.is_none() {
            headers.remove(TRACEPARENT);
            headers.remove(TRACESTATE);
        }
        correlation
    }

    /// The caller's own name for the request.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_ref()?.to_str().ok()
    }

    /// The trace that the request is a part of: 32 hexadecimal digits.
    pub fn trace_id(&self) -> Option<&str> {
        trace_id(self.traceparent.as_ref()?.as_bytes())
    }
}

/// The value of a header that stands there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut all = headers.get_all(name).iter();
    let first = all.next();
    first.filter(|_| all.next().is_none())
}

fn is_request_id(value: &[u8]) -> bool {
    let is_sane = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'`');
    (1..=REQUEST_ID_BYTES_MAX).contains(&value.len()) && value.iter().all(is_sane)
}

/// The trace id of a valid `traceparent`: `version-traceid-parentid-flags`, in lower case hexadecimal (W3C Trace
/// Context 3.2.2). A version above 00 may have more behind another `-`.
fn trace_id(value: &[u8]) -> Option<&str> {
    if value.len() > TRACEPARENT_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(value).ok()?;
    let mut parts = text.splitn(5, '-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let rest = parts.next();
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let whole = is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    let valid = whole && version != "ff" && !is_zero(trace) && !is_zero(parent);
    (valid && (version != "00" || rest.is_none())).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::super::HeaderRules;
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn map(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn keep_sane(headers: &mut HeaderMap) -> Correlation {
        let seen = HeaderRules::new([""; 0], None).look(headers);
        Correlation::keep_sane(headers, &seen)
    }

    #[test]
    fn keeps_what_is_sane_as_it_came() {
        let mut headers = map(&[
            ("x-request-id", b"req-7/a=b"),
            ("traceparent", TRACE.as_bytes()),
            ("tracestate", b"vendor=1"),
            ("tracestate", b"other=2"),
        ]);
        let before = headers.clone();
        let correlation = keep_sane(&mut headers);
        assert_eq!(headers, before);
        assert_eq!(correlation.request_id(), Some("req-7/a=b"));
        assert_eq!(correlation.trace_id(), Some("0af7651916cd43dd8448eb211c80319c"));
    }

    #[test]
    fn takes_out_a_traceparent_that_is_none_and_the_state_with_it() {
        let zero_trace = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
        let zero_parent = "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01";
        let upper = TRACE.to_uppercase();
        let longer = format!("{TRACE}-x");
        let forbidden = TRACE.replacen("00", "ff", 1);
        let glued = format!("{}0", TRACE.replacen("00", "01", 1));
        let endless = format!("{}-{}", TRACE.replacen("00", "01", 1), "x".repeat(300));
        let bad =
            ["", "00", zero_trace, zero_parent, &upper, &longer, &forbidden, &glued, &endless, &TRACE[1..]];
        for value in bad {
            let mut headers = map(&[("traceparent", value.as_bytes()), ("tracestate", b"vendor=1")]);
            assert_eq!(keep_sane(&mut headers).trace_id(), None, "{value}");
            assert!(headers.is_empty(), "{value}");
        }
        let mut twice = map(&[("traceparent", TRACE.as_bytes()), ("traceparent", TRACE.as_bytes())]);
        assert_eq!(keep_sane(&mut twice).trace_id(), None);
        assert!(twice.is_empty());
        let mut alone = map(&[("tracestate", b"vendor=1")]);
        keep_sane(&mut alone);
        assert!(alone.is_empty());
    }

    #[test]
    fn takes_a_version_to_come_for_what_it_has_in_common() {
        for later in [TRACE.replacen("00", "01", 1), format!("{}-more-of-it", TRACE.replacen("00", "cc", 1))]
        {
            let mut headers = map(&[("traceparent", later.as_bytes())]);
            assert!(keep_sane(&mut headers).trace_id().is_some(), "{later}");
            assert_eq!(headers["traceparent"], later);
        }
    }

    #[test]
    fn takes_out_a_request_id_that_could_harm_a_log() {
        let long = "x".repeat(129);
        for value in ["", "a b", "a\"b", "a'b", "`id`", "\u{e9}", "a\tb", &long] {
            let mut headers = map(&[("x-request-id", value.as_bytes())]);
            assert_eq!(keep_sane(&mut headers).request_id(), None, "{value}");
            assert!(headers.is_empty(), "{value}");
        }
        let mut twice = map(&[("x-request-id", b"a"), ("x-request-id", b"b")]);
        assert_eq!(keep_sane(&mut twice).request_id(), None);
        assert!(twice.is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_are_kept_whole_or_not_at_all(value in prop::collection::vec(any::<u8>(), 0..70)) {
            let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            for name in ["x-request-id", "traceparent"] {
                let mut headers = HeaderMap::new();
                headers.insert(name, value.clone());
                let correlation = keep_sane(&mut headers);
                let read = correlation.request_id().is_some() || correlation.trace_id().is_some();
                prop_assert_eq!(read, headers.get(name) == Some(&value));
            }
        }
    }
}
