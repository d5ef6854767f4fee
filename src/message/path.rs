//! The path of a request: decoded once, checked, and written again by one table.

use std::borrow::Cow;

use super::{Malformed, percent};

/// The longest path that is accepted, in bytes of [`Path::encoded`].
const ENCODED_BYTES_MAX: usize = 8 * 1024;

/// A path with one reading: what is matched and what is forwarded are the same value.
///
/// No segment holds `/`, `\`, `;`, a control character or an escape for a second decoding, none is `.` or `..`, and none
/// is empty but the last (one trailing slash). Splitting either form at `/` is therefore exact.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    encoded: Box<str>,
    /// `None` where it is the same text as `encoded`: most paths need no escape, and then one allocation is all.
    decoded: Option<Box<str>>,
}

impl Path {
    /// Reads the path of a request target: from the `/` to just before `?`, as it came.
    ///
    /// # Errors
    ///
    /// [`Reason::Malformed`](crate::decision::Reason::Malformed) for everything that two servers may read in two ways;
    /// `tests/hardening.md` lists whom each of the checks has bitten.
    pub fn parse(raw: &str) -> Result<Path, Malformed> {
        if raw.len() <= ENCODED_BYTES_MAX && is_canonical(raw.as_bytes()) {
            return Ok(Path { encoded: raw.into(), decoded: None });
        }
        if !raw.starts_with('/') {
            return Err(Malformed::unreadable("the path does not begin with a slash"));
        }
        // These end a path or a request target; `http::Uri` has cut them off or refused them.
        if raw.contains([' ', '?', '#']) {
            return Err(Malformed::unreadable("the path holds a raw space, `?` or `#`"));
        }
        let decoded = decode(raw)?;
        check(&decoded)?;
        let path = match encode(&decoded) {
            None => Path { encoded: decoded.into(), decoded: None },
            Some(encoded) => Path { encoded: encoded.into(), decoded: Some(decoded.into()) },
        };
        if path.encoded.len() > ENCODED_BYTES_MAX {
            return Err(Malformed::unreadable("the path is too long"));
        }
        Ok(path)
    }

    /// The path in plain text, such as `/classes/1A`: what routes are matched against.
    pub fn decoded(&self) -> &str {
        self.decoded.as_deref().unwrap_or(&self.encoded)
    }

    /// The same path as it goes upstream: escapes in upper case, and only where a byte needs one.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }
}

/// Undoes the escapes, once.
fn decode(raw: &str) -> Result<Cow<'_, str>, Malformed> {
    if !raw.contains('%') {
        return Ok(Cow::Borrowed(raw));
    }
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'%' {
            decoded.push(byte);
            rest = after;
            continue;
        }
        match percent::escape(rest) {
            None => return Err(Malformed::unreadable("the path holds a bad escape")),
            // Once decoded it could not be told from a separator (Envoy CVE-2021-29492, Caddy GHSA-m8m5-v4jf-3wcm).
            Some(b'/') => return Err(Malformed::unreadable("the path holds an escaped slash")),
            Some(byte) => decoded.push(byte),
        }
        rest = rest.get(3..).unwrap_or_default();
    }
    // Overlong forms such as `%c0%ae` are no UTF-8 either.
    String::from_utf8(decoded)
        .map(Cow::Owned)
        .map_err(|_| Malformed::unreadable("the path is not UTF-8 after decoding"))
}

/// Refuses what could be read in another way by whoever comes after us. Looks at the decoded form only: a check before
/// decoding is a check that an escape walks past.
fn check(decoded: &str) -> Result<(), Malformed> {
    if decoded.contains("//") {
        return Err(Malformed::unreadable("the path holds an empty segment"));
    }
    if decoded.split('/').any(is_dots) {
        return Err(Malformed::unreadable("the path holds a dot segment"));
    }
    for character in decoded.chars() {
        match character {
            '\\' => return Err(Malformed::unreadable("the path holds a backslash")),
            // Tomcat, Jetty and others cut parameters off a segment: `/..;/admin`, `/secret.html;index.html`.
            ';' => return Err(Malformed::unreadable("the path holds a semicolon")),
            _ if character.is_control() => {
                return Err(Malformed::unreadable("the path holds a control character"));
            }
            _ if !character.is_ascii() && is_look_alike(character) => {
                return Err(Malformed::unreadable("the path holds a look-alike of a separator"));
            }
            _ => {}
        }
    }
    // For upstreams that decode twice: `%252e%252e` would be dots there, and is text here.
    if percent::holds_an_escape(decoded) {
        return Err(Malformed::unreadable("the path is escaped twice"));
    }
    Ok(())
}

/// `.` and `..`, and what Windows makes of them: it drops dots and spaces at the end of a name.
fn is_dots(segment: &str) -> bool {
    segment.contains('.') && segment.bytes().all(|byte| matches!(byte, b'.' | b' '))
}

/// What compatibility normalisation (NFKC) or the best-fit tables of Windows code pages turn into `/`, `\`, `.`, `;` or
/// `%`. An app behind us that does either would see a separator where we saw a letter.
fn is_look_alike(character: char) -> bool {
    matches!(
        character,
        // Slashes, and the signs that NFKC writes with one (`a/c`, `a/s`, `c/o`, `c/u`).
        '\u{2044}' | '\u{2215}' | '\u{ff0f}' | '\u{2100}' | '\u{2101}' | '\u{2105}' | '\u{2106}'
        // Backslashes; yen and won stand in its place in code pages 932 and 949.
        | '\u{2216}' | '\u{fe68}' | '\u{ff3c}' | '\u{a5}' | '\u{20a9}'
        // Full stops, alone and in pairs.
        | '\u{2024}' | '\u{2025}' | '\u{fe52}' | '\u{ff0e}'
        // Semicolons (U+037E is one by canonical equivalence) and per cent signs.
        | '\u{37e}' | '\u{fe54}' | '\u{ff1b}' | '\u{fe6a}' | '\u{ff05}'
    )
}

/// Writes the escapes again; `None` where there is nothing to escape.
fn encode(decoded: &str) -> Option<String> {
    let escapes = decoded.bytes().filter(|byte| !is_plain(*byte)).count();
    if escapes == 0 {
        return None;
    }
    let mut encoded = String::with_capacity(decoded.len() + 2 * escapes);
    for byte in decoded.bytes() {
        if is_plain(byte) {
            encoded.push(char::from(byte));
        } else {
            percent::push_escape(&mut encoded, byte);
        }
    }
    Some(encoded)
}

/// Whether there is nothing to decode, to encode or to refuse: plain bytes only, no empty segment, and no segment that
/// begins with a dot (those are looked at closely elsewhere). One look at each byte, which is all that most paths need.
fn is_canonical(raw: &[u8]) -> bool {
    let Some((b'/', rest)) = raw.split_first() else { return false };
    let mut before = b'/';
    for &byte in rest {
        let plain = PLAIN.get(usize::from(byte)).is_some_and(|plain| *plain);
        if !plain || (before == b'/' && matches!(byte, b'/' | b'.')) {
            return false;
        }
        before = byte;
    }
    true
}

/// [`is_plain`] of every byte.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < plain.len() {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "below 256, at compile time"
        )]
        {
            plain[byte] = is_plain(byte as u8);
        }
        byte += 1;
    }
    plain
};

/// The one table: `pchar` of RFC 3986 3.3 without `;`, and the separator.
const fn is_plain(byte: u8) -> bool {
    matches!(
        byte,
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~'
        | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' | b'/'
    )
}

#[cfg(test)]
mod tests;
