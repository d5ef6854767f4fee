//! From when until when: plain dates in the bundle's time zone, or instants.

use super::Word;
use crate::policy::source::Diags;
use crate::time::Time;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Which end of a span of days a plain date stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `from`: the start of that day.
    From,
    /// `until`: the end of that day, which is the start of the next.
    Until,
}

/// Reads a date or an instant.
pub(super) fn read(word: &Word, end: End, zone: &TimeZone, diags: &mut Diags) -> Option<Time> {
    let time = parse(&word.text, end, zone);
    if time.is_none() {
        diags
            .error(word.span, "bad_date", format!("`{}` is not a date", word.text.escape_debug()))
            .help("write `2026-08-31`, or an instant like `2026-08-31T12:00:00+02:00`");
    }
    time
}

/// The same, where a mistake is somebody else's to tell.
pub(super) fn parse(text: &str, end: End, zone: &TimeZone) -> Option<Time> {
    match plain_date(text) {
        Some(date) => start_of_day(date, end, zone),
        None => Time::parse_rfc3339(text),
    }
}

fn plain_date(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if shape { text.parse().ok() } else { None }
}

fn start_of_day(date: Date, end: End, zone: &TimeZone) -> Option<Time> {
    let date = match end {
        End::From => date,
        End::Until => date.tomorrow().ok()?,
    };
    let start = date.to_zoned(zone.clone()).ok()?;
    Some(Time::from_unix_micros(start.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::source::Span;

    fn read_in(zone: &str, text: &str, end: End) -> Option<String> {
        let span = Span { file: 0, line: 1, column: 1, length: 1 };
        let zone = jiff::tz::db().get(zone).unwrap();
        let word = Word { text: text.to_owned(), span };
        read(&word, end, &zone, &mut Diags::new(&[])).map(|time| time.to_string())
    }

    #[test]
    fn a_plain_date_begins_and_ends_with_the_day_of_the_time_zone() {
        let berlin = "Europe/Berlin";
        assert_eq!(read_in(berlin, "2026-03-29", End::From).unwrap(), "2026-03-28T23:00:00Z");
        // The clocks go forward on this day: it has 23 hours.
        assert_eq!(read_in(berlin, "2026-03-29", End::Until).unwrap(), "2026-03-29T22:00:00Z");
        assert_eq!(read_in("UTC", "2026-12-31", End::Until).unwrap(), "2027-01-01T00:00:00Z");
    }

    #[test]
    fn a_day_that_begins_after_midnight_begins_when_it_begins() {
        // In Beirut the clocks went from 24:00 to 01:00 on this day.
        assert_eq!(read_in("Asia/Beirut", "2022-03-27", End::From).unwrap(), "2022-03-26T22:00:00Z");
    }

    #[test]
    fn refuses_what_is_neither_a_date_nor_an_instant() {
        for text in ["2026-02-30", "26-02-03", "2026-2-3", "tomorrow", "", "2026-09-01T10:00:00"] {
            assert_eq!(read_in("UTC", text, End::From), None, "{text}");
        }
    }
}
