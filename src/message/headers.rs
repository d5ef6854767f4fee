//! What is taken out of the headers, on the way in and on the way back.
//!
//! The order matters (RFC 9110 7.6.1, and two traps of the libraries below us): credentials are taken out first, then all
//! Connection lines are read as bytes, then what they name and the standing lists are removed. Only afterwards may anybody
//! add a header, or a client could name it in Connection and have it removed again.

use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    COOKIE, HOST, LOCATION, SET_COOKIE, TRANSFER_ENCODING, VARY, WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::seen::Field;
use super::table::NameTable;
use super::{Malformed, Seen};

/// Fields that a Connection header of a request may not name: without them the app would judge another request than we
/// did. Whatever else a client names, it could have left out itself.
const NOT_FOR_ONE_CONNECTION: [HeaderName; 7] =
    [AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, TRANSFER_ENCODING];

/// Fields of a response that stay even if its Connection header names them: without them the body is another one, or is kept
/// or shown where it must not be.
const KEPT_IN_A_RESPONSE: [HeaderName; 9] = [
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    LOCATION,
    SET_COOKIE,
    VARY,
    WWW_AUTHENTICATE,
];

/// The standing hop-by-hop fields of a response, by name.
const HOP_BY_HOP_IN_A_RESPONSE: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// What a request said about who sends it. It was taken out of the headers; nothing of it is verified yet.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// The value of the one Authorization line.
    pub authorization: Option<HeaderValue>,
    /// Every line of the trusted header, in the order they came. Whether to believe them depends on the peer.
    pub named: Vec<(HeaderName, HeaderValue)>,
}

/// The compiled set of headers that no client may send on.
#[derive(Debug)]
pub struct HeaderRules {
    table: NameTable,
    trusted: Option<HeaderName>,
}

impl HeaderRules {
    /// The built-in lists, the configured identity headers of the upstream, and the trusted header with which a front door
    /// names the subject. All are removed in every spelling; only the trusted one, and only under its exact name, is kept
    /// aside in [`Credentials::named`]. A trusted name that is no header name is believed from nobody.
    pub fn new(names: impl IntoIterator<Item = impl AsRef<str>>, trusted: Option<&str>) -> HeaderRules {
        let names: Vec<String> = names
            .into_iter()
            .map(|name| name.as_ref().to_owned())
            .chain(trusted.map(str::to_owned))
            .collect();
        let trusted = trusted.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        HeaderRules { table: NameTable::new(names), trusted }
    }

    /// Looks at the headers of a request as they came.
    pub fn look(&self, headers: &HeaderMap) -> Seen {
        Seen::of(headers, &self.table)
    }

    /// Takes out what says who asks.
    pub(super) fn take_credentials(
        &self,
        headers: &mut HeaderMap,
        seen: &Seen,
    ) -> Result<Credentials, Malformed> {
        // `first wins` here and `last wins` behind us would be two subjects.
        if seen.repeats(Field::Authorization) {
            return Err(Malformed::ambiguous("there is more than one authorization"));
        }
        // Sensitive: whoever prints a head for debugging does not print a token.
        let authorization = headers.remove(AUTHORIZATION).map(|mut value| {
            value.set_sensitive(true);
            value
        });
        let mut named = Vec::new();
        if let Some(name) = &self.trusted {
            named.extend(headers.get_all(name).iter().map(|value| (name.clone(), value.clone())));
            headers.remove(name);
        }
        Ok(Credentials { authorization, named })
    }

    /// Removes what the Connection lines name, and then everything that no client may send on.
    pub(super) fn clean(&self, headers: &mut HeaderMap, seen: &Seen) -> Result<(), Malformed> {
        let named = if seen.has(Field::Connection) { named_by_connection(headers) } else { Vec::new() };
        for name in named {
            let name = name.ok_or(Malformed::unreadable("the connection header names what is no header"))?;
            if NOT_FOR_ONE_CONNECTION.contains(&name) {
                return Err(Malformed::unreadable(
                    "the connection header names one that is not for a connection",
                ));
            }
            headers.remove(name);
        }
        for name in seen.taken() {
            headers.remove(name);
        }
        Ok(())
    }
}

/// Removes from the headers of a response what was for one connection only.
///
/// What a response names in Connection and must not lose all the same stays: `Set-Cookie`, `Location`, `Vary`,
/// `Cache-Control` and the fields that say what the body is.
pub fn clean_response(headers: &mut HeaderMap) {
    for name in named_by_connection(headers).into_iter().flatten() {
        if !KEPT_IN_A_RESPONSE.contains(&name) {
            headers.remove(name);
        }
    }
    // Hardly any response has one, and looking at the names that are there is cheaper than looking for ten that are not.
    if headers.keys().any(|name| HOP_BY_HOP_IN_A_RESPONSE.contains(&name.as_str())) {
        for name in HOP_BY_HOP_IN_A_RESPONSE {
            headers.remove(name);
        }
    }
}

/// What all the Connection lines name, read as bytes: a line that is not visible ASCII hides no other one. `None` stands for
/// an option that cannot be a name. `close` and `keep-alive` are options, and the latter is on the standing lists as well.
fn named_by_connection(headers: &HeaderMap) -> Vec<Option<HeaderName>> {
    let lines = headers.get_all(CONNECTION).iter();
    let options = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let is_standing =
        |option: &&[u8]| option.eq_ignore_ascii_case(b"close") || option.eq_ignore_ascii_case(b"keep-alive");
    options
        .filter(|option| !option.is_empty() && !is_standing(option))
        .map(|option| HeaderName::from_bytes(option).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;
    use proptest::prelude::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn rules() -> HeaderRules {
        HeaderRules::new(["X-School-User"], Some("X-Remote-User"))
    }

    impl HeaderRules {
        fn take_all(&self, headers: &mut HeaderMap) -> Result<Credentials, Malformed> {
            let seen = self.look(headers);
            self.take_credentials(headers, &seen)
        }

        fn clean_all(&self, headers: &mut HeaderMap) -> Result<(), Malformed> {
            let seen = self.look(headers);
            self.clean(headers, &seen)
        }
    }

    /// The names that are left.
    fn cleaned(lines: &[(&str, &str)]) -> Result<Vec<String>, Reason> {
        let mut headers = map(lines);
        rules().clean_all(&mut headers).map_err(|error| error.reason)?;
        let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        names.sort();
        Ok(names)
    }

    #[test]
    fn removes_identity_headers_in_every_spelling() {
        let lines = [
            ("accept", "*/*"),
            ("X-School-User", "ari"),
            ("X_School_User", "ari"),
            ("X.School.User", "ari"),
            ("X-Remote-User", "ari"),
            ("x_remote.user", "ari"),
            ("HTTP_X_REMOTE_USER", "ari"),
        ];
        assert_eq!(cleaned(&lines), Ok(vec!["accept".to_owned()]));
    }

    #[test]
    fn removes_what_any_connection_line_names_in_any_case() {
        let lines = [
            ("connection", "close, X-One"),
            ("Connection", " ,\tx-TWO , keep-alive"),
            ("connection", "te, upgrade, HTTP2-Settings, X-School-User"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-two", "again"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAA"),
            ("keep-alive", "timeout=5"),
            ("x-three", "3"),
        ];
        assert_eq!(cleaned(&lines), Ok(vec!["x-three".to_owned()]));
    }

    #[test]
    fn reads_a_connection_line_next_to_one_that_is_not_visible_ascii() {
        // The odd line cannot be read as names, and so the request cannot be read.
        assert_eq!(cleaned(&[("connection", "x-\u{e9}"), ("x-one", "1")]), Err(Reason::Malformed));
        assert_eq!(cleaned(&[("connection", "x one")]), Err(Reason::Malformed));
    }

    #[test]
    fn refuses_a_connection_that_would_change_what_was_decided() {
        for name in [
            "Host",
            "content-length",
            "Content-Type",
            "Content-Encoding",
            "AUTHORIZATION",
            "cookie",
            "Transfer-Encoding",
        ] {
            let lines = [("host", "a"), ("connection", "close"), ("connection", name)];
            assert_eq!(cleaned(&lines), Err(Reason::Malformed), "{name}");
        }
    }

    #[test]
    fn removes_overrides_of_method_and_path_and_forwarding_headers() {
        let lines = [
            ("x-http-method-override", "DELETE"),
            ("x-original-url", "/admin"),
            ("x-rewrite-url", "/admin"),
            ("x-forwarded-for", "1.2.3.4"),
            ("forwarded", "for=1.2.3.4"),
            ("x-forwarded-prefix", "/admin"),
            ("x-real-ip", "1.2.3.4"),
            ("expect", "100-continue"),
            ("via", "1.1 front"),
            ("traceparent", "00-1-1-00"),
        ];
        assert_eq!(cleaned(&lines), Ok(vec!["traceparent".to_owned(), "via".to_owned()]));
    }

    #[test]
    fn leaves_values_that_are_not_ascii_as_they_are() {
        let mut headers = map(&[("x-name", "J\u{fc}rgen")]);
        rules().clean_all(&mut headers).unwrap();
        assert_eq!(headers["x-name"].as_bytes(), "J\u{fc}rgen".as_bytes());
    }

    #[test]
    fn takes_credentials_out_before_a_connection_header_can_name_them() {
        let mut headers = map(&[
            ("authorization", "Bearer x"),
            ("x-remote-user", "ari"),
            ("x-remote-user", "eve"),
            ("x_remote_user", "eve"),
            ("connection", "x-remote-user"),
        ]);
        let rules = rules();
        let credentials = rules.take_all(&mut headers).unwrap();
        rules.clean_all(&mut headers).unwrap();
        assert!(headers.is_empty());
        assert_eq!(credentials.authorization.unwrap(), "Bearer x");
        let named: Vec<_> =
            credentials.named.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(named, [("x-remote-user", &b"ari"[..]), ("x-remote-user", b"eve")]);
    }

    #[test]
    fn refuses_a_second_authorization() {
        let mut headers = map(&[("authorization", "Bearer x"), ("authorization", "Bearer x")]);
        let error = rules().take_all(&mut headers).unwrap_err();
        assert_eq!(error.reason, Reason::AmbiguousRequest);
    }

    #[test]
    fn believes_no_header_without_a_trusted_name() {
        for trusted in [None, Some("not a name")] {
            let rules = HeaderRules::new([] as [&str; 0], trusted);
            let mut headers = map(&[("x-remote-user", "ari")]);
            assert!(rules.take_all(&mut headers).unwrap().named.is_empty());
            rules.clean_all(&mut headers).unwrap();
            assert!(headers.is_empty());
        }
    }

    #[test]
    fn cleans_a_response_and_keeps_what_it_must_not_lose() {
        let mut headers = map(&[
            ("connection", "close, x-internal, Set-Cookie"),
            ("connection", "content-type, content-length, \u{e9}, x-second"),
            ("x-internal", "1"),
            ("x-second", "2"),
            ("set-cookie", "a=b"),
            ("set-cookie", "c=d"),
            ("content-type", "text/html"),
            ("content-length", "5"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("trailer", "x-user"),
            ("proxy-authenticate", "Basic"),
        ]);
        clean_response(&mut headers);
        let mut names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-length", "content-type", "set-cookie", "set-cookie"]);
    }

    proptest! {
        #[test]
        fn nothing_that_the_rules_take_is_left(
            names in prop::collection::vec("[xX][-_.]?(school|remote|forwarded|auth)[-_.]?(user|for|request|x)", 0..12),
            connection in prop::collection::vec("(close|te|x-[a-z]{1,4}|X-School-User)", 0..4),
        ) {
            let mut headers = map(&[("accept", "*/*")]);
            for name in &names {
                headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_static("v"));
            }
            for line in &connection {
                headers.append(CONNECTION, HeaderValue::from_str(line).unwrap());
            }
            let rules = rules();
            rules.clean_all(&mut headers).unwrap();
            prop_assert!(headers.contains_key("accept"));
            prop_assert!(headers.keys().all(|name| !rules.table.takes(name.as_str())));
            prop_assert!(!headers.keys().any(|name| name.as_str().contains("user")));
        }
    }
}
