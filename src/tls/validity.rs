//! When a certificate holds, read from its bytes (X.509, RFC 5280 4.1). The library that verifies certificates judges
//! the same two instants and does not tell them.

use crate::time::Time;

/// From when to when a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first instant at which it holds.
    pub from: Time,
    /// The last instant at which it holds (RFC 5280 4.1.2.5 counts it in).
    pub until: Time,
}

impl Validity {
    /// Reads the validity of a certificate in DER; `None` where it is not laid out as one.
    pub(super) fn read(certificate: &[u8]) -> Option<Validity> {
        let (certificate, _) = expect(SEQUENCE, certificate)?;
        let (tbs, _) = expect(SEQUENCE, certificate)?;
        let mut rest = tbs;
        if let Some((_, after)) = expect(VERSION, rest) {
            rest = after;
        }
        // serialNumber, signature, issuer
        for tag in [INTEGER, SEQUENCE, SEQUENCE] {
            rest = expect(tag, rest)?.1;
        }
        let (validity, _) = expect(SEQUENCE, rest)?;
        let (from, rest) = instant(validity)?;
        let (until, _) = instant(rest)?;
        Some(Validity { from, until })
    }

    /// Whether it holds at `now`.
    pub fn holds(&self, now: Time) -> bool {
        // To the second: a certificate holds through the whole of its last one.
        self.from <= now && now < self.until.plus(std::time::Duration::from_secs(1))
    }
}

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`
const VERSION: u8 = 0xa0;

/// The value that begins here, if it has this tag, and what comes after it.
fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        // More than four bytes of length is more than a certificate has.
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// RFC 5280 4.1.2.5.1 and 4.1.2.5.2: in UTC, to the second, and two digits of a year are 1950 to 2049.
fn instant(bytes: &[u8]) -> Option<(Time, &[u8])> {
    let (text, rest) = expect(UTC_TIME, bytes).or_else(|| expect(GENERALIZED_TIME, bytes))?;
    let text = str::from_utf8(text).ok().filter(|text| text.is_ascii())?.strip_suffix('Z')?;
    let text = match text.len() {
        12 if text.as_bytes() < b"50".as_slice() => format!("20{text}"),
        12 => format!("19{text}"),
        14 => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| text.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    let time = Time::parse_rfc3339(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))?;
    Some((time, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use std::time::Duration;

    fn certificate(from: (i32, u8, u8), until: (i32, u8, u8)) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["app.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from.0, from.1, from.2);
        params.not_after = date_time_ymd(until.0, until.1, until.2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn time(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn reads_both_ways_to_write_a_year() {
        let short = Validity::read(&certificate((1999, 12, 31), (2049, 12, 31))).unwrap();
        assert_eq!((short.from, short.until), (time("1999-12-31T00:00:00Z"), time("2049-12-31T00:00:00Z")));
        let long = Validity::read(&certificate((2026, 1, 2), (2050, 1, 1))).unwrap();
        assert_eq!((long.from, long.until), (time("2026-01-02T00:00:00Z"), time("2050-01-01T00:00:00Z")));
    }

    #[test]
    fn holds_from_its_first_to_its_last_second() {
        let validity = Validity::read(&certificate((2026, 11, 1), (2026, 12, 1))).unwrap();
        let micro = Duration::from_micros(1);
        assert!(!validity.holds(time("2026-10-31T23:59:59Z")));
        assert!(validity.holds(validity.from) && validity.holds(validity.until));
        assert!(validity.holds(validity.until.plus(Duration::from_secs(1) - micro)));
        assert!(!validity.holds(validity.until.plus(Duration::from_secs(1))));
    }

    #[test]
    fn reads_nothing_from_what_is_cut_off_anywhere_before_it() {
        let whole = certificate((2026, 1, 1), (2027, 1, 1));
        for length in 0..whole.len() {
            assert_eq!(Validity::read(&whole[..length]), None, "{length} bytes");
        }
        assert_eq!(Validity::read(&[0x30, 0x85, 1, 1, 1, 1, 1]), None);
        assert_eq!(Validity::read(&[0x30, 0x80]), None);
    }
}
