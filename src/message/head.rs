//! The head of a request, put together from its parts.

use http::request::Parts;
use http::{HeaderMap, Method, Uri, Version, uri};

use super::framing::read_framing;
use super::host::read_host;
use super::seen::Field;
use super::{Credentials, Framing, HeaderRules, Host, Malformed, Path, Query, Seen};

/// The only view of a request that is matched, logged and forwarded.
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// As sent; never TRACE or CONNECT.
    pub method: Method,
    /// What routes are matched against, and what goes upstream.
    pub path: Path,
    /// What came after `?`, if there was one; it may be empty.
    pub query: Option<Query>,
    /// The target as it came, where it came in origin form and is `path` and `query` byte for byte: then it need not be
    /// written anew.
    pub target: Option<uri::PathAndQuery>,
    /// The host as it goes upstream.
    pub host: Host,
    /// What is left of the headers: nothing for one connection, nothing that names a subject, a client or another method
    /// or path, no credentials. Host stays, in the spelling of `host`, and so does the one Content-Length.
    pub headers: HeaderMap,
    /// What was taken out, for whoever verifies it.
    pub credentials: Credentials,
    /// How long the body is.
    pub body: Framing,
}

/// Reads the head of an HTTP/1.0 or HTTP/1.1 request, at whose headers `rules` had a [`look`](HeaderRules::look).
///
/// # Errors
///
/// [`Malformed`] for every request that could be read in two ways, here and by an app behind us. The answer is 400 and
/// nothing is forwarded.
pub fn read_head(parts: Parts, rules: &HeaderRules, seen: &Seen) -> Result<RequestHead, Malformed> {
    let Parts { method, uri, version, mut headers, .. } = parts;
    if !matches!(version, Version::HTTP_10 | Version::HTTP_11) {
        return Err(Malformed::unreadable("neither HTTP/1.0 nor HTTP/1.1"));
    }
    // Without regard to case, since some servers read methods so.
    if ["TRACE", "CONNECT"].iter().any(|refused| method.as_str().eq_ignore_ascii_case(refused)) {
        return Err(Malformed::unreadable("the method is trace or connect"));
    }
    check_target(&uri)?;
    let path = Path::parse(uri.path())?;
    let query = uri.query().map(|raw| Query::parse(raw, &method)).transpose()?;
    let framed = seen.has(Field::ContentLength) || seen.has(Field::TransferEncoding);
    let body = if framed { read_framing(version, &headers)? } else { Framing::None };
    check_body(&method, body)?;
    let host = read_host(&uri, &mut headers, seen)?;
    let credentials = rules.take_credentials(&mut headers, seen)?;
    rules.clean(&mut headers, seen)?;
    // Of `http://host#x` the library keeps nothing at all, calls that `/`, and writes nothing: what came in absolute form
    // is written anew.
    let origin_form = uri.scheme().is_none();
    let sent = uri.into_parts().path_and_query.filter(|_| origin_form);
    let target = sent
        .filter(|sent| sent.path() == path.encoded() && sent.query() == query.as_ref().map(Query::as_str));
    Ok(RequestHead { method, path, query, target, host, headers, credentials, body })
}

/// A body with a method for which none is defined (RFC 9110 9.3.1): an app that does not read it would read it as the next
/// request of the connection, one that nobody has judged.
fn check_body(method: &Method, body: Framing) -> Result<(), Malformed> {
    let bare = || ["GET", "HEAD"].iter().any(|bare| method.as_str().eq_ignore_ascii_case(bare));
    match body {
        Framing::None | Framing::Length(0) => Ok(()),
        Framing::Length(_) | Framing::Chunked if bare() => {
            Err(Malformed::ambiguous("a body with a method that has none"))
        }
        Framing::Length(_) | Framing::Chunked => Ok(()),
    }
}

/// Origin-form and absolute-form (RFC 9112 3.2.1, 3.2.2) only. The parser below takes a bare word such as `admin` for an
/// authority, whatever the method.
fn check_target(uri: &Uri) -> Result<(), Malformed> {
    match (uri.scheme(), uri.authority()) {
        (None, None) => Ok(()),
        (Some(scheme), Some(_)) if [uri::Scheme::HTTP, uri::Scheme::HTTPS].contains(scheme) => Ok(()),
        (Some(_), _) => Err(Malformed::unreadable("the target has a scheme other than http and https")),
        (None, Some(_)) => Err(Malformed::unreadable("the target is an authority without a path")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;
    use http::{HeaderValue, Request};
    use proptest::prelude::*;

    fn rules() -> HeaderRules {
        HeaderRules::new(["X-School-User"], Some("X-Remote-User"))
    }

    fn read_parts(parts: Parts, rules: &HeaderRules) -> Result<RequestHead, Malformed> {
        let seen = rules.look(&parts.headers);
        read_head(parts, rules, &seen)
    }

    fn parts(method: &str, target: &str, lines: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn read(method: &str, target: &str) -> Result<RequestHead, Reason> {
        read_parts(parts(method, target, &[("host", "school.example")]), &rules())
            .map_err(|error| error.reason)
    }

    #[test]
    fn reads_a_whole_head() {
        let lines = [
            ("Host", "School.Example:8080"),
            ("Content-Length", "12"),
            ("Authorization", "Bearer x"),
            ("X-Remote-User", "ari"),
            ("X-School-User", "eve"),
            ("Connection", "close"),
            ("Accept", "*/*"),
        ];
        let head = read_parts(parts("POST", "/classes/%31A?day=1", &lines), &rules()).unwrap();
        assert_eq!(head.method, Method::POST);
        assert_eq!(head.path.decoded(), "/classes/1A");
        assert_eq!(head.path.encoded(), "/classes/1A");
        assert_eq!(head.query.unwrap().as_str(), "day=1");
        assert_eq!(head.host.as_str(), "school.example:8080");
        assert_eq!(head.body, Framing::Length(12));
        assert_eq!(head.credentials.authorization.unwrap(), "Bearer x");
        assert_eq!(head.credentials.named[0].1, "ari");
        let mut left: Vec<_> = head.headers.keys().map(|name| name.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "content-length", "host"]);
        assert_eq!(head.headers["host"], "school.example:8080");
    }

    #[test]
    fn takes_origin_form_and_absolute_form() {
        assert_eq!(read("GET", "/").unwrap().path.decoded(), "/");
        assert_eq!(read("GET", "/a?").unwrap().query.unwrap().as_str(), "");
        assert!(read("GET", "/a").unwrap().query.is_none());
        let head = read("GET", "http://school.example/a/b?c").unwrap();
        assert_eq!((head.path.decoded(), head.query.unwrap().as_str()), ("/a/b", "c"));
        assert_eq!(read("GET", "https://school.example").unwrap().path.decoded(), "/");
        assert_eq!(read("GET", "http://school.example?c").unwrap().path.decoded(), "/");
    }

    #[test]
    fn keeps_only_a_target_in_origin_form_as_it_came() {
        let kept = |target| read("GET", target).unwrap().target.map(|sent| Uri::from(sent).to_string());
        for target in ["/", "/a", "/a?", "/a?b"] {
            assert_eq!(kept(target).as_deref(), Some(target));
        }
        assert_eq!(kept("/a#x").as_deref(), Some("/a"));
        // The first of them would go on as no target at all.
        for target in ["http://school.example#x", "http://school.example", "http://school.example?c"] {
            assert_eq!(read("GET", target).unwrap().path.encoded(), "/");
            assert_eq!(kept(target), None, "{target}");
        }
    }

    #[test]
    fn refuses_every_other_form_of_target() {
        for target in
            ["*", "admin", "admin:80", "school.example", "ftp://school.example/", "ws://school.example/a"]
        {
            assert_eq!(read("GET", target).map(|_| ()), Err(Reason::Malformed), "{target}");
        }
        assert_eq!(read("OPTIONS", "*").map(|_| ()), Err(Reason::Malformed));
        assert_eq!(read("GET", "http://other/").map(|_| ()), Err(Reason::AmbiguousRequest));
        assert_eq!(read("GET", "//school.example/a").map(|_| ()), Err(Reason::Malformed));
    }

    #[test]
    fn refuses_trace_and_connect_and_passes_other_methods() {
        for method in ["TRACE", "CONNECT", "trace", "Connect"] {
            assert_eq!(read(method, "/").map(|_| ()), Err(Reason::Malformed), "{method}");
        }
        assert_eq!(read("PROPFIND", "/").unwrap().method.as_str(), "PROPFIND");
        assert_eq!(read("get", "/").unwrap().method.as_str(), "get");
    }

    #[test]
    fn refuses_other_versions() {
        for (version, taken) in [
            (Version::HTTP_09, false),
            (Version::HTTP_10, true),
            (Version::HTTP_11, true),
            (Version::HTTP_2, false),
            (Version::HTTP_3, false),
        ] {
            let mut parts = parts("GET", "/", &[("host", "a")]);
            parts.version = version;
            assert_eq!(read_parts(parts, &rules()).is_ok(), taken, "{version:?}");
        }
    }

    #[test]
    fn refuses_a_query_that_overrides_the_method() {
        assert_eq!(read("POST", "/a?_method=DELETE").map(|_| ()), Err(Reason::AmbiguousRequest));
        assert_eq!(read("POST", "/a?_method=post").unwrap().query.unwrap().as_str(), "_method=post");
    }

    #[test]
    fn refuses_a_body_with_a_method_that_has_none() {
        let read = |method: &str, line: (&str, &str)| {
            let parts = parts(method, "/", &[("host", "a"), line]);
            read_parts(parts, &rules()).map(|head| head.body).map_err(|error| error.reason)
        };
        for method in ["GET", "HEAD", "get"] {
            assert_eq!(read(method, ("content-length", "5")), Err(Reason::AmbiguousRequest), "{method}");
            assert_eq!(
                read(method, ("transfer-encoding", "chunked")),
                Err(Reason::AmbiguousRequest),
                "{method}"
            );
            assert_eq!(read(method, ("content-length", "0")), Ok(Framing::Length(0)), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "GETS"] {
            assert_eq!(read(method, ("content-length", "5")), Ok(Framing::Length(5)), "{method}");
        }
    }

    #[test]
    fn leaves_no_framing_header_for_a_chunked_body() {
        let lines =
            [("host", "a"), ("transfer-encoding", "chunked"), ("content_length", "3"), ("trailer", "x")];
        let head = read_parts(parts("POST", "/", &lines), &rules()).unwrap();
        assert_eq!(head.body, Framing::Chunked);
        assert_eq!(head.headers.len(), 1);
    }

    proptest! {
        #[test]
        fn the_forwarded_target_reads_as_the_one_that_was_matched(
            target in "/([a-z.%;/\\\\?&=_]|%2[0-9a-fA-F]|%5[fFcC]|\u{fc}){0,16}",
        ) {
            let Ok(uri) = target.parse::<Uri>() else { return Ok(()) };
            let mut parts = parts("GET", "/", &[("host", "a")]);
            parts.uri = uri;
            let Ok(head) = read_parts(parts.clone(), &rules()) else { return Ok(()) };
            let query = head.query.as_ref().map(|query| format!("?{}", query.as_str())).unwrap_or_default();
            parts.uri = format!("{}{query}", head.path.encoded()).parse().unwrap();
            let again = read_parts(parts, &rules()).unwrap();
            prop_assert_eq!(&again.path, &head.path);
            prop_assert_eq!(&again.query, &head.query);
        }

        #[test]
        fn reading_never_panics_on_header_bytes(
            value in prop::collection::vec(any::<u8>(), 0..24),
            name in prop::sample::select(vec!["host", "connection", "content-length", "transfer-encoding", "te", "x-user"]),
        ) {
            let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
            let mut parts = parts("GET", "/", &[("host", "a")]);
            parts.headers.append(http::HeaderName::from_static(name), value);
            if let Ok(head) = read_parts(parts, &rules()) {
                prop_assert!(head.headers.keys().all(|name| matches!(name.as_str(), "host" | "content-length")));
            }
        }
    }
}
