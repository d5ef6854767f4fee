//! Percent-escapes (RFC 3986 2.1), read once and never twice.

/// The byte that the escape at the very beginning of `rest` stands for; `None` where no whole escape begins.
pub(super) fn escape(rest: &[u8]) -> Option<u8> {
    match rest {
        [b'%', high, low, ..] => Some(hex(*high)? << 4 | hex(*low)?),
        _ => None,
    }
}

/// Whether somebody who decodes `text` once more would find an escape in it: `%41`, or the `%u0041` of IIS.
pub(super) fn holds_an_escape(text: &str) -> bool {
    text.match_indices('%').any(|(at, _)| {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        match rest {
            [b'%', b'u' | b'U', digits @ ..] => {
                digits.get(..4).is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit))
            }
            _ => escape(rest).is_some(),
        }
    })
}

/// Appends `byte` as an escape, in the upper-case digits of RFC 3986 6.2.2.1.
pub(super) fn push_escape(text: &mut String, byte: u8) {
    text.push('%');
    for digit in [byte >> 4, byte & 0x0f] {
        text.push(char::from(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 }));
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_whole_escapes_only() {
        assert_eq!(escape(b"%2f/x"), Some(b'/'));
        assert_eq!(escape(b"%2F"), Some(b'/'));
        for rest in [&b""[..], b"%", b"%4", b"%4g", b"%g4", b"a%41", b"%+1", b"%%41"] {
            assert_eq!(escape(rest), None, "{rest:?}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for byte in 0..=u8::MAX {
            let mut text = String::new();
            push_escape(&mut text, byte);
            assert_eq!(text, format!("%{byte:02X}"));
            assert_eq!(escape(text.as_bytes()), Some(byte));
        }
    }

    #[test]
    fn finds_what_a_second_decoding_would_decode() {
        for text in ["%2e", "a%41", "100%%2f", "%u002f", "%U002F"] {
            assert!(holds_an_escape(text), "{text}");
        }
        for text in ["", "100%", "100% x", "%2", "%zz", "%u12", "50%up"] {
            assert!(!holds_an_escape(text), "{text}");
        }
    }
}
