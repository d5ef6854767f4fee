//! Cookies that an app could take for a query parameter.

use http::HeaderMap;
use http::header::COOKIE;

use super::Malformed;
use super::query::{folds_alike, lenient};

/// Refuses a request with a cookie that is named, in any spelling, like a query parameter that a rule reads.
///
/// PHP fills `$_REQUEST` from parameters and then, without a `php.ini` that says otherwise (`request_order`), from
/// cookies: the app would read another value than the rule did.
///
/// # Errors
///
/// `ambiguous_request` for such a cookie, whatever its value.
pub fn check_cookies<S: AsRef<str>>(headers: &HeaderMap, names: &[S]) -> Result<(), Malformed> {
    let lines = headers.get_all(COOKIE).iter();
    for cookie in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')) {
        let name = cookie.split(|byte| *byte == b'=').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name.trim_ascii());
        // Older versions of PHP undo escapes in these names too.
        let name: Vec<u8> = lenient(&name).collect();
        let name = String::from_utf8_lossy(&name);
        if names.iter().any(|declared| folds_alike(&name, declared.as_ref())) {
            return Err(Malformed::ambiguous("a cookie has the name of a declared query parameter"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Reason;
    use http::HeaderValue;

    fn check(lines: &[&[u8]]) -> Result<(), Reason> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, HeaderValue::from_bytes(line).unwrap());
        }
        check_cookies(&headers, &["modname", "class"]).map_err(|error| error.reason)
    }

    #[test]
    fn refuses_a_cookie_with_the_name_of_a_parameter_in_any_spelling() {
        for line in
            ["class=2B", "a=1; class=2B", "a=1;MODNAME=x", "class", "cl%61ss=1", "class[]=1", " class =1"]
        {
            assert_eq!(check(&[b"a=1", line.as_bytes()]), Err(Reason::AmbiguousRequest), "{line}");
        }
    }

    #[test]
    fn takes_every_other_cookie() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[b"a=class; classroom=1;;=x; %zz=1; \xff=1", b"PHPSESSID=modname=1"]), Ok(()));
    }
}
