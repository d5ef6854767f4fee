//! The token of the admin listener.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use std::fmt;
use std::hint::black_box;

/// The fewest bytes that a token has: what `openssl rand -hex 16` writes.
const BYTES_MIN: usize = 32;

/// The most.
const BYTES_MAX: usize = 1024;

/// What each request over TCP must bring, as `Authorization: Bearer`. Only its digest is kept.
#[derive(Clone)]
pub struct Token([u8; 32]);

/// Why a text is no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadToken(&'static str);

impl fmt::Display for BadToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for BadToken {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// A token as a file holds it; a line's end after it is not part of it.
    ///
    /// # Errors
    /// It is too short or too long, or a client could not send it in a header.
    pub fn read(bytes: &[u8]) -> Result<Token, BadToken> {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() < BYTES_MIN {
            return Err(BadToken("it is shorter than 32 bytes"));
        }
        if bytes.len() > BYTES_MAX {
            return Err(BadToken("it is longer than 1024 bytes"));
        }
        if !bytes.iter().all(u8::is_ascii_graphic) {
            return Err(BadToken("it has a character other than visible ASCII"));
        }
        Ok(Token(Sha256::digest(bytes).into()))
    }

    /// Whether the head of a request shows this token, once and as it should.
    pub(super) fn is_shown(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else { return false };
        let Some((scheme, shown)) = line.as_bytes().split_at_checked("Bearer ".len()) else { return false };
        scheme.eq_ignore_ascii_case(b"Bearer ") && self.is(shown)
    }

    /// Digests are compared, all bytes of them: how long it takes says nothing of the token, not even its length.
    fn is(&self, shown: &[u8]) -> bool {
        let shown: [u8; 32] = Sha256::digest(shown).into();
        let differing =
            self.0.iter().zip(&shown).fold(0, |bits, (one, other)| black_box(bits | (one ^ other)));
        differing == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn takes_the_token_once_and_in_its_form_only() {
        let token = Token::read(format!("{TEXT}\r\n").as_bytes()).unwrap();
        let shown = |lines: &[String]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(AUTHORIZATION, line.parse().unwrap());
            }
            token.is_shown(&headers)
        };
        let right = format!("Bearer {TEXT}");
        assert!(shown(std::slice::from_ref(&right)) && shown(&[format!("bearer {TEXT}")]));
        let wrong: [&[String]; 8] = [
            &[],
            &[String::new()],
            &["Bearer".into()],
            &["Bearer ".into()],
            &[TEXT.into()],
            &[format!("Basic  {TEXT}")],
            &[format!("Bearer {TEXT}0")],
            &[right.clone(), right],
        ];
        for lines in wrong {
            assert!(!shown(lines), "{lines:?}");
        }
    }

    #[test]
    fn refuses_what_could_be_guessed_or_not_be_sent() {
        for text in ["", "\n", &TEXT[1..], &"x".repeat(1025), &format!("{TEXT} x"), &format!("{TEXT}\n\n")] {
            assert!(Token::read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(!format!("{:?}", Token::read(TEXT.as_bytes()).unwrap()).contains("01"));
    }
}
