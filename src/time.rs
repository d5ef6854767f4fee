//! An instant as data. Nothing here reads a clock: whoever needs the time is given it.

use std::fmt;
use std::time::Duration;

/// An instant: microseconds since the Unix epoch. What is finer than a microsecond is cut off towards the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// Before every instant that a bundle can name.
    pub const MIN: Time = Time(i64::MIN);
    /// After every instant that a bundle can name.
    pub const MAX: Time = Time(i64::MAX);

    /// The instant that lies `micros` microseconds after the Unix epoch.
    pub const fn from_unix_micros(micros: i64) -> Time {
        Time(micros)
    }

    /// The instant that lies `seconds` after the Unix epoch; what cannot be counted in microseconds is the nearest end.
    pub const fn from_unix_seconds(seconds: i64) -> Time {
        Time(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the Unix epoch.
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Reads an instant as RFC 3339 writes it: a date, a time and an offset, nothing less.
    pub fn parse_rfc3339(text: &str) -> Option<Time> {
        // The parser below also takes what RFC 3339 does not: `+02`, `+0200`, a comma, a bracketed zone, a space.
        let is = |shape: &[u8], text: &[u8]| {
            shape.len() == text.len()
                && shape.iter().zip(text).all(|(wanted, byte)| match wanted {
                    b'0' => byte.is_ascii_digit(),
                    _ => wanted.eq_ignore_ascii_case(byte),
                })
        };
        let (head, rest) = text.as_bytes().split_at_checked(19)?;
        let (fraction, offset) = match rest {
            [fraction @ .., b'Z' | b'z'] => (fraction, &[][..]),
            _ => rest.split_at_checked(rest.len().checked_sub(6)?)?,
        };
        let whole = match fraction {
            [] => true,
            [b'.', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
            _ => false,
        };
        let offset = offset.is_empty() || is(b"+00:00", offset) || is(b"-00:00", offset);
        if !(is(b"0000-00-00T00:00:00", head) && whole && offset) {
            return None;
        }
        let instant: jiff::Timestamp = text.parse().ok()?;
        Some(Time(instant.as_microsecond()))
    }

    /// The instant `later` after this one; the end of time where that cannot be counted.
    #[must_use]
    pub fn plus(self, later: Duration) -> Time {
        let micros = i64::try_from(later.as_micros()).unwrap_or(i64::MAX);
        Time(self.0.saturating_add(micros))
    }

    /// The instant `earlier` before this one; the beginning of time where that cannot be counted.
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Time {
        let micros = i64::try_from(earlier.as_micros()).unwrap_or(i64::MAX);
        Time(self.0.saturating_sub(micros))
    }
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) if self.0 < 0 => f.write_str("the beginning of time"),
            Err(_) => f.write_str("the end of time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_and_writes_it_in_utc() {
        let time = Time::parse_rfc3339("2026-09-01T08:30:00+02:00").unwrap();
        assert_eq!(time.to_string(), "2026-09-01T06:30:00Z");
        assert_eq!(Time::from_unix_seconds(0).to_string(), "1970-01-01T00:00:00Z");
        let time = Time::parse_rfc3339("2026-09-01t08:30:00.1234567-00:30").unwrap();
        assert_eq!(time.to_string(), "2026-09-01T09:00:00.123456Z");
    }

    #[test]
    fn refuses_what_is_not_a_whole_rfc_3339_instant() {
        for text in [
            "",
            "2026-09-01",
            "2026-09-01T08:30:00",
            "2026-09-01 08:30:00Z",
            "2026-02-30T08:30:00Z",
            "2026-09-01T08:30Z",
            "20260901T083000Z",
            "2026-09-01T08:30:00+02",
            "2026-09-01T08:30:00+0200",
            "2026-09-01T08:30:00,5Z",
            "2026-09-01T08:30:00.Z",
            "2026-09-01T08:30:00Zulu",
            "2026-09-01T08:30:00+02:00[Europe/Berlin]",
            "now",
        ] {
            assert_eq!(Time::parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        assert_eq!(Time::MAX.plus(Duration::from_secs(1)), Time::MAX);
        assert_eq!(Time::MIN.minus(Duration::MAX), Time::MIN);
        assert!(Time::from_unix_seconds(5) < Time::from_unix_seconds(5).plus(Duration::from_micros(1)));
    }
}
