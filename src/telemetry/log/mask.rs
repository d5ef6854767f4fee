//! Attributes that are written as a keyed hash: lines about one person can be put together, and nobody who reads them
//! learns who it is, or finds out by hashing the whole roster, without the key.

use super::json::{Line, hex_digit};
use aws_lc_rs::hmac;
use std::fmt;

/// The shortest key, in bytes.
pub const MASK_KEY_BYTES_MIN: usize = 32;

/// How many bytes of the hash are written.
const HASH_BYTES: usize = 16;

/// What a decision read, and what else of a request can be masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// The person who asks.
    Subject,
    /// A scope: the one asked about, and the one where the deciding role is held.
    Scope,
    /// The id of a document.
    Document,
    /// The form of a document.
    Form,
    /// The person whom a document is about.
    Student,
    /// The person whom something is given to.
    Target,
    /// What is given.
    Access,
    /// A role that is given, taken or changed.
    Role,
    /// The permissions that somebody is to have.
    Permissions,
    /// The title that somebody is to have, behind its category.
    Title,
    /// What a condition read of the route's parameters.
    Parameter,
    /// The address of the client.
    Peer,
    /// The client's own name for the request.
    RequestId,
}

impl Attribute {
    /// The words for the attributes, as `log.mask` and the members of a line name them.
    pub const WORDS: &'static [(&'static str, Attribute)] = &[
        ("subject", Attribute::Subject),
        ("scope", Attribute::Scope),
        ("document", Attribute::Document),
        ("form", Attribute::Form),
        ("student", Attribute::Student),
        ("target", Attribute::Target),
        ("access", Attribute::Access),
        ("role", Attribute::Role),
        ("permissions", Attribute::Permissions),
        ("title", Attribute::Title),
        ("parameter", Attribute::Parameter),
        ("peer", Attribute::Peer),
        ("request_id", Attribute::RequestId),
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Attribute::Subject => "subject",
            Attribute::Scope => "scope",
            Attribute::Document => "document",
            Attribute::Form => "form",
            Attribute::Student => "student",
            Attribute::Target => "target",
            Attribute::Access => "access",
            Attribute::Role => "role",
            Attribute::Permissions => "permissions",
            Attribute::Title => "title",
            Attribute::Parameter => "parameter",
            Attribute::Peer => "peer",
            Attribute::RequestId => "request_id",
        }
    }
}

/// Which attributes are masked, and with which key.
#[derive(Default)]
pub struct Mask {
    key: Option<hmac::Key>,
    attributes: u16,
}

impl Mask {
    /// Nothing is masked.
    pub fn none() -> Mask {
        Mask::default()
    }

    /// Masks `attributes` with HMAC-SHA-256 under `key`; nothing for a key of fewer than [`MASK_KEY_BYTES_MIN`] bytes.
    pub fn new(key: &[u8], attributes: &[Attribute]) -> Option<Mask> {
        if key.len() < MASK_KEY_BYTES_MIN {
            return None;
        }
        let attributes = attributes.iter().fold(0, |set, attribute| set | 1 << *attribute as u16);
        Some(Mask { key: Some(hmac::Key::new(hmac::HMAC_SHA256, key)), attributes })
    }

    /// Whether `attribute` must not be seen.
    pub fn covers(&self, attribute: Attribute) -> bool {
        self.attributes & 1 << attribute as u16 != 0
    }

    /// Writes the value of an attribute, made of `parts`, as a text.
    pub(crate) fn write(&self, line: &mut Line, attribute: Attribute, parts: &[&str]) {
        line.raw(b"\"");
        self.write_inside(line, attribute, parts);
        line.raw(b"\"");
    }

    /// The same without quotes.
    pub(crate) fn write_inside(&self, line: &mut Line, attribute: Attribute, parts: &[&str]) {
        match &self.key {
            Some(key) if self.covers(attribute) => {
                let mut context = hmac::Context::with_key(key);
                for part in parts {
                    context.update(part.as_bytes());
                }
                line.raw(b"hmac:");
                for byte in context.sign().as_ref().iter().take(HASH_BYTES) {
                    line.raw(&[hex_digit(byte >> 4), hex_digit(*byte)]);
                }
            }
            _ => parts.iter().for_each(|part| line.inside(part)),
        }
    }
}

impl fmt::Debug for Mask {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = Attribute::WORDS.iter().filter(|(_, attribute)| self.covers(*attribute));
        f.debug_list().entries(masked.map(|(word, _)| word)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Time;

    fn written(mask: &Mask, attribute: Attribute, parts: &[&str]) -> String {
        let mut line = Line::begin(Time::from_unix_seconds(0));
        mask.write(line.member("it"), attribute, parts);
        let value: serde_json::Value = serde_json::from_slice(line.end()).unwrap();
        value["it"].as_str().unwrap().to_owned()
    }

    #[test]
    fn hashes_with_the_key_and_only_what_is_named() {
        let key = [0x0b; 32];
        let mask = Mask::new(&key, &[Attribute::Subject, Attribute::Student]).unwrap();
        let whole = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), b"class/1A");
        let expected: String = whole.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written(&mask, Attribute::Subject, &["class/", "1A"]), format!("hmac:{expected}"));
        assert_eq!(written(&mask, Attribute::Student, &["class/1A"]), format!("hmac:{expected}"));
        assert_eq!(written(&mask, Attribute::Scope, &["class/", "1A"]), "class/1A");
        let other = Mask::new(&[1; 32], &[Attribute::Subject]).unwrap();
        assert_ne!(written(&other, Attribute::Subject, &["class/1A"]), format!("hmac:{expected}"));
    }

    #[test]
    fn hashes_as_rfc_4231_says() {
        // Section 4.7: the first of its cases whose key is long enough to be taken.
        let mask = Mask::new(&[0xaa; 131], &[Attribute::Subject]).unwrap();
        let text = "Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(written(&mask, Attribute::Subject, &[text]), "hmac:60e431591ee0b67f0d8a26aacbf5b77f");
    }

    #[test]
    fn takes_no_short_key_and_shows_none() {
        assert!(Mask::new(&[7; 31], &[Attribute::Subject]).is_none());
        let mask = Mask::new(&[7; 32], &[Attribute::Subject]).unwrap();
        assert_eq!(format!("{mask:?}"), "[\"subject\"]");
    }

    #[test]
    fn knows_every_attribute_by_its_word() {
        for (word, attribute) in Attribute::WORDS {
            assert_eq!(attribute.as_str(), *word);
        }
    }
}
