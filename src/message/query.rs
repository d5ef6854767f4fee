//! The query of a request: kept and forwarded as it came, after checks, and read only for routes that ask.

use http::Method;

use super::{Malformed, percent};

/// The longest query that is accepted, in bytes.
const BYTES_MAX: usize = 8 * 1024;
/// The most parameters that a query may have where parameters are read: what lies beyond the limit of one parser is
/// hidden from it and not from the next (Go CVE-2026-39825).
const PAIRS_MAX: usize = 128;
/// Parameters that make Rails, Laravel, Symfony (`_method`) and ASP.NET MVC (the rest) treat a request as one of another
/// method, in folded form.
const METHOD_OVERRIDES: [&str; 4] =
    ["_method", "x-http-method-override", "x-http-method", "x-method-override"];
const BRACKETS: [char; 2] = ['[', ']'];

/// A query that is safe to forward: visible ASCII, bounded, and without a method that disagrees with the request's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Query {
    raw: Box<str>,
}

impl Query {
    /// Checks the text after `?`, which may be empty, of a request with this method.
    ///
    /// # Errors
    ///
    /// `malformed` for a query that is too long or holds anything but visible ASCII; `ambiguous_request` for a parameter
    /// that overrides the method, unless it says the same method.
    pub fn parse(raw: &str, method: &Method) -> Result<Query, Malformed> {
        if raw.len() > BYTES_MAX {
            return Err(Malformed::unreadable("the query is too long"));
        }
        if !raw.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Malformed::unreadable("the query holds a byte that is not visible ASCII"));
        }
        // Both ways of splitting: `_method=GET;x` is one parameter to one app and two to the next.
        let disagrees = |piece: &str| {
            let (name, value) = split_pair(piece);
            overrides_method(name) && !says_method(value, method)
        };
        if raw.split('&').any(disagrees) || (raw.contains(';') && raw.split(['&', ';']).any(disagrees)) {
            return Err(Malformed::ambiguous("a query parameter overrides the method"));
        }
        Ok(Query { raw: raw.into() })
    }

    /// The query as it came and as it goes upstream, without the `?`.
    pub fn as_str(&self) -> &str {
        &self.raw
    }

    /// The decoded values of the parameters with these names, one for each name and in their order; `None` where a
    /// parameter is not there, an empty text where it has no `=`.
    ///
    /// # Errors
    ///
    /// `malformed` where any part of the query, declared or not, has a bad escape, is not UTF-8 or holds a control
    /// character, or where there are more than 128 parameters; `ambiguous_request` where a declared parameter is there
    /// twice, where a name is no declared one but some app would take it for one (`ID`, `id[]`, `a.b` for `a_b`), and
    /// where a raw `;` leaves open how many parameters there are.
    pub fn read<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Option<String>>, Malformed> {
        if self.raw.contains(';') {
            return Err(Malformed::ambiguous("the query holds a raw semicolon, which some apps split at"));
        }
        let mut values: Vec<Option<String>> = names.iter().map(|_| None).collect();
        for (index, piece) in self.raw.split('&').filter(|piece| !piece.is_empty()).enumerate() {
            if index >= PAIRS_MAX {
                return Err(Malformed::unreadable("the query has too many parameters"));
            }
            let (name, value) = split_pair(piece);
            let (name, value) = (decode(name)?, decode(value)?);
            match names.iter().position(|declared| declared.as_ref() == name) {
                Some(position) => match values.get_mut(position) {
                    Some(slot @ None) => *slot = Some(value),
                    _ => return Err(Malformed::ambiguous("a declared query parameter is there twice")),
                },
                None if names.iter().any(|declared| folds_alike(&name, declared.as_ref())) => {
                    return Err(Malformed::ambiguous(
                        "a query parameter is a declared one in another spelling",
                    ));
                }
                None => {}
            }
        }
        Ok(values)
    }
}

impl Query {
    /// Whether every parameter has a name that `declared` takes.
    ///
    /// # Errors
    ///
    /// As for [`read`](Query::read), but for what only a list of declared names can tell.
    pub fn names_only(&self, declared: impl Fn(&str) -> bool) -> Result<bool, Malformed> {
        let none: [&str; 0] = [];
        self.read(&none)?;
        let mut names: Vec<String> = Vec::new();
        for piece in self.raw.split('&').filter(|piece| !piece.is_empty()) {
            let name = decode(split_pair(piece).0)?;
            if !declared(&name) {
                return Ok(false);
            }
            if names.contains(&name) {
                return Err(Malformed::ambiguous("a declared query parameter is there twice"));
            }
            names.push(name);
        }
        Ok(true)
    }
}

/// A parameter without `=` has an empty value.
fn split_pair(piece: &str) -> (&str, &str) {
    piece.split_once('=').unwrap_or((piece, ""))
}

/// Undoes the escapes of a name or a value, strictly; `+` is a space (`application/x-www-form-urlencoded`).
fn decode(text: &str) -> Result<String, Malformed> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            decoded.push(percent::escape(rest).ok_or(Malformed::unreadable("the query holds a bad escape"))?);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            decoded.push(if byte == b'+' { b' ' } else { byte });
            rest = after;
        }
    }
    let decoded = String::from_utf8(decoded)
        .map_err(|_| Malformed::unreadable("the query is not UTF-8 after decoding"))?;
    if decoded.chars().any(char::is_control) {
        return Err(Malformed::unreadable("the query holds a control character"));
    }
    Ok(decoded)
}

/// Whether some app would take the one name for the other.
///
/// A name has three readings: PHP cuts it at the first `[` where a `]` follows, and turns the `[` into `_` where none
/// does; Rack (before 3) and qs (Express) drop brackets at the beginning and end it at the next one, so that `[id]` and
/// `id]` are `id`. Two names are alike where any reading of the one is a reading of the other.
pub(super) fn folds_alike(sent: &str, declared: &str) -> bool {
    let readings = |name| [cut_at_bracket(name), name, between_brackets(name)];
    readings(sent)
        .into_iter()
        .any(|sent| readings(declared).into_iter().any(|other| fold(sent).eq(fold(other))))
}

fn cut_at_bracket(name: &str) -> &str {
    name.split_once('[').map_or(name, |(before, _)| before)
}

fn between_brackets(name: &str) -> &str {
    name.trim_start_matches(BRACKETS).split(BRACKETS).next().unwrap_or_default()
}

/// What PHP (leading spaces dropped; space, `.` and `[` to `_`) and ASP (letter case) make of a name, taken together.
/// Case is folded over all of Unicode: `ſ` is an `s` to some.
fn fold(name: &str) -> impl Iterator<Item = char> {
    name.trim_start_matches(' ').chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).map(
        |character| match character {
            ' ' | '.' | '[' => '_',
            _ => character,
        },
    )
}

/// Whether a raw name means one of [`METHOD_OVERRIDES`] to anybody. Lenient, since it is asked of every request: what
/// cannot be decoded stands for itself.
fn overrides_method(name: &str) -> bool {
    let folded = || {
        lenient(name).skip_while(|byte| *byte == b' ').map(|byte| match byte {
            b' ' | b'.' => b'_',
            _ => byte.to_ascii_lowercase(),
        })
    };
    METHOD_OVERRIDES.iter().any(|override_name| {
        let cut = folded().take_while(|byte| !matches!(byte, b'[' | 0));
        let whole = folded().map(|byte| if byte == b'[' { b'_' } else { byte });
        let between = folded()
            .skip_while(|byte| matches!(byte, b'[' | b']'))
            .take_while(|byte| !matches!(byte, b'[' | b']' | 0));
        [cut.eq(override_name.bytes()), whole.eq(override_name.bytes()), between.eq(override_name.bytes())]
            .contains(&true)
    })
}

fn says_method(value: &str, method: &Method) -> bool {
    let upper = |byte: u8| byte.to_ascii_uppercase();
    lenient(value).map(upper).eq(method.as_str().bytes().map(upper))
}

/// The bytes of a name or a value with whole escapes undone and everything else as it is. `%u005f` is an escape too,
/// since it is one to ASP.NET.
pub(super) fn lenient(text: &str) -> impl Iterator<Item = u8> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        let (&byte, after) = rest.split_first()?;
        if let Some(escaped) = percent::escape(rest) {
            rest = rest.get(3..).unwrap_or_default();
            return Some(escaped);
        }
        // Beyond ASCII there is no name that anybody looks for.
        if let [b'%', b'u' | b'U', b'0', b'0', digits @ ..] = rest
            && let [high, low, ..] = *digits
            && let Some(escaped) = percent::escape(&[b'%', high, low])
        {
            rest = rest.get(6..).unwrap_or_default();
            return Some(escaped);
        }
        rest = after;
        Some(if byte == b'+' { b' ' } else { byte })
    })
}

#[cfg(test)]
mod tests;
