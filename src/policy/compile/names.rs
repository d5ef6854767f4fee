//! Names: what they may look like, and what to say of one that is not known.

use crate::policy::source::{Diags, Span, nearest};

/// The code of a name that is not known.
pub(super) const UNKNOWN: &str = "unknown_name";

/// Checks a name that a bundle gives to something: letters, digits, `_` and `-`.
pub(super) fn check(name: &str, what: &str, span: Span, diags: &mut Diags) -> bool {
    let fits = !name.is_empty()
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if !fits {
        diags
            .error(span, "bad_name", format!("`{}` cannot be the name of {what}", name.escape_debug()))
            .help("use ASCII letters, digits, `_` and `-`");
    }
    fits
}

/// Whether this can be an id that comes from the school's data.
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 256
        && id == id.trim()
        && !id.chars().any(|c| c.is_control() || matches!(c, '/' | ';' | '\\'))
}

/// Checks an id that comes from the school's data: anything printable without the separators of our own names.
pub(super) fn check_id(id: &str, what: &str, span: Span, diags: &mut Diags) -> bool {
    let fits = is_id(id);
    if !fits {
        diags.error(span, "bad_name", format!("`{}` cannot be the id of {what}", id.escape_debug())).help(
            "an id has 1 to 256 bytes, no space around it, no control character, `/`, `;` or backslash",
        );
    }
    fits
}

/// Says that `name` is not known, with the nearest name that is.
pub(super) fn unknown<'a>(
    what: &str,
    name: &str,
    span: Span,
    known: impl IntoIterator<Item = &'a str>,
    diags: &mut Diags,
) {
    let known: Vec<&str> = known.into_iter().collect();
    let help = one_of(name, &known);
    diags.error(span, UNKNOWN, format!("there is no {what} `{}`", name.escape_debug())).help(help);
}

/// What would be right in the place of `name`.
pub(super) fn one_of(name: &str, known: &[&str]) -> String {
    // A name without its domain, or with another level, is the commonest slip.
    let mut same_end =
        known.iter().filter(|known| known.rsplit_once('/').is_some_and(|(_, end)| end == name));
    let near = match (same_end.next(), same_end.next()) {
        (Some(only), None) => Some(*only),
        _ => nearest(name, known.iter().copied()),
    };
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none to name".to_owned(),
        None if known.len() <= 12 => format!("known: {}", known.join(", ")),
        None => format!("{} are known, none is near", known.len()),
    }
}
