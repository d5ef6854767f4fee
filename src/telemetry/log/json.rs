//! One line of JSON, written by hand into a buffer that is used again: no tree, no formatting machinery, and nothing
//! that a reader of lines or a terminal could trip over.

use crate::time::Time;
use std::cell::RefCell;
use std::io::Write;
use std::net::IpAddr;

/// Buffers that one thread keeps for its next lines.
const SPARES_MAX: usize = 64;
/// A larger buffer is not kept, in bytes.
const SPARE_BYTES_MAX: usize = 16 * 1024;
/// What a usual line takes, in bytes.
const USUAL_BYTES: usize = 1024;

thread_local! {
    static SPARES: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An object on its way to become a line. Members are appended and never looked at again.
#[derive(Debug)]
pub(crate) struct Line(Vec<u8>);

impl Line {
    /// A line that begins with the instant `time`.
    pub(crate) fn begin(time: Time) -> Line {
        // While a thread ends it has no spares any more; a new buffer does as well.
        let spare = SPARES.try_with(|spares| spares.try_borrow_mut().ok()?.pop()).ok().flatten();
        let mut line = spare.unwrap_or_else(|| Vec::with_capacity(USUAL_BYTES));
        line.extend_from_slice(b"{\"time\":");
        instant(&mut line, time);
        Line(line)
    }

    /// The end of the line; what it holds then is whole.
    pub(crate) fn end(&mut self) -> &[u8] {
        self.0.extend_from_slice(b"}\n");
        &self.0
    }

    /// The name of the next member; its value follows.
    pub(crate) fn member(&mut self, name: &'static str) -> &mut Line {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        self
    }

    /// A text that is made of `parts`.
    pub(crate) fn text(&mut self, parts: &[&str]) {
        self.0.push(b'"');
        for part in parts {
            escape(&mut self.0, part);
        }
        self.0.push(b'"');
    }

    /// A text of ASCII letters and digits alone, which needs no look.
    pub(crate) fn plain(&mut self, text: &[u8]) {
        self.0.push(b'"');
        self.0.extend_from_slice(text);
        self.0.push(b'"');
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.0.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.raw(if flag { b"true" } else { b"false" });
    }

    pub(crate) fn address(&mut self, address: IpAddr) {
        self.0.push(b'"');
        match address {
            IpAddr::V4(address) => {
                for (place, octet) in address.octets().into_iter().enumerate() {
                    if place > 0 {
                        self.0.push(b'.');
                    }
                    self.number(octet.into());
                }
            }
            // Writing to memory cannot fail.
            IpAddr::V6(address) => write!(self.0, "{address}").unwrap_or_default(),
        }
        self.0.push(b'"');
    }

    /// Texts, one after the other.
    pub(crate) fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        self.0.push(b'[');
        for (place, text) in texts.enumerate() {
            if place > 0 {
                self.0.push(b',');
            }
            self.text(&[text]);
        }
        self.0.push(b']');
    }

    /// Where the next value will stand.
    pub(crate) fn place(&self) -> usize {
        self.0.len()
    }

    /// Makes the value at `place`, the last of the line, the first of a list.
    pub(crate) fn open_list(&mut self, place: usize) {
        if place <= self.0.len() {
            self.0.insert(place, b'[');
        }
    }

    /// Bytes that are JSON already, or the inside of a text that needs no look.
    pub(crate) fn raw(&mut self, json: &[u8]) {
        self.0.extend_from_slice(json);
    }

    /// The inside of a text that is quoted by the caller.
    pub(crate) fn inside(&mut self, text: &str) {
        escape(&mut self.0, text);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.0);
        if buffer.capacity() > SPARE_BYTES_MAX {
            return;
        }
        buffer.clear();
        let _ = SPARES.try_with(|spares| {
            if let Ok(mut spares) = spares.try_borrow_mut()
                && spares.len() < SPARES_MAX
            {
                spares.push(buffer);
            }
        });
    }
}

/// Writes `text` as the inside of a JSON text (RFC 8259 7). Beyond what JSON asks, everything is escaped that a
/// terminal or an editor obeys instead of showing: C1 controls, line separators, marks of direction and of no width.
fn escape(line: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    // Without a way out half-way, so that many bytes are looked at at once.
    if text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        line.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        match character {
            '"' => line.extend_from_slice(b"\\\""),
            '\\' => line.extend_from_slice(b"\\\\"),
            '\n' => line.extend_from_slice(b"\\n"),
            '\r' => line.extend_from_slice(b"\\r"),
            '\t' => line.extend_from_slice(b"\\t"),
            _ if is_obeyed(character) => {
                line.extend_from_slice(b"\\u");
                // All of them lie in the first plane, so four digits are enough.
                let code = u32::from(character);
                line.extend([12, 8, 4, 0].map(|shift| hex_digit((code >> shift) as u8)));
            }
            _ => line.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

/// The digit for the lower half of a byte.
pub(super) fn hex_digit(byte: u8) -> u8 {
    match byte & 0xf {
        low @ 0..=9 => b'0' + low,
        low => b'a' + low - 10,
    }
}

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// An instant in RFC 3339, in UTC and always with six digits behind the second, so that lines sort as texts.
fn instant(line: &mut Vec<u8>, time: Time) {
    let micros = time.unix_micros();
    let (year, month, day) = date(micros.div_euclid(DAY_MICROS));
    if !(0..=9999).contains(&year) {
        // No clock says so; a test may.
        write!(line, "\"{time}\"").unwrap_or_default();
        return;
    }
    let within = micros.rem_euclid(DAY_MICROS);
    let (seconds, fraction) = (within / 1_000_000, within % 1_000_000);
    let two = |number: i64| [digit(number / 10), digit(number)];
    line.push(b'"');
    line.extend_from_slice(&two(year / 100));
    line.extend_from_slice(&two(year));
    line.push(b'-');
    line.extend_from_slice(&two(month));
    line.push(b'-');
    line.extend_from_slice(&two(day));
    line.push(b'T');
    line.extend_from_slice(&two(seconds / 3600));
    line.push(b':');
    line.extend_from_slice(&two(seconds / 60 % 60));
    line.push(b':');
    line.extend_from_slice(&two(seconds % 60));
    line.push(b'.');
    line.extend_from_slice(&two(fraction / 10_000));
    line.extend_from_slice(&two(fraction / 100));
    line.extend_from_slice(&two(fraction));
    line.extend_from_slice(b"Z\"");
}

/// The last decimal digit of a number that is not negative.
fn digit(number: i64) -> u8 {
    b'0' + (number % 10) as u8
}

/// Year, month and day of the Gregorian calendar for a number of days since 1970-01-01. Years are counted from March,
/// so that the day that comes and goes is the last of its year.
fn date(days: i64) -> (i64, i64, i64) {
    // 0000-03-01 lies 719,468 days before 1970-01-01; 400 years have 146,097 days.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (cycle * 400 + year + i64::from(month <= 2), month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn written(write: impl FnOnce(&mut Line)) -> (String, Value) {
        let mut line = Line::begin(Time::from_unix_seconds(0));
        write(line.member("it"));
        let text = String::from_utf8(line.end().to_vec()).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        (text, value["it"].clone())
    }

    #[test]
    fn escapes_what_a_terminal_would_obey() {
        let (text, value) =
            written(|line| line.text(&["a\u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{7f}", "\"\\\n\0é😀"]));
        assert_eq!(value, "a\u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{7f}\"\\\n\0é😀");
        assert!(text.contains(r#""a\u001b[2J\u009b31m\u202e\u2028\u007f\"\\\n\u0000é😀""#), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn uses_a_buffer_again_and_finds_nothing_of_the_line_before_in_it() {
        let (first, _) = written(|line| line.text(&["a long text that must not be seen again"]));
        let (second, value) = written(|line| line.flag(true));
        assert!(first.contains("again") && !second.contains("again"));
        assert_eq!(value, true);
    }

    #[test]
    fn writes_addresses_as_the_standard_library_does() {
        for address in ["10.1.2.3", "255.255.255.255", "0.0.0.0", "::1", "2001:db8::7"] {
            let (_, value) = written(|line| line.address(address.parse().unwrap()));
            assert_eq!(value, address);
        }
    }

    proptest! {
        #[test]
        fn any_texts_are_read_back_as_they_were(parts in prop::collection::vec(any::<String>(), 0..4)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let (text, value) = written(|line| line.text(&parts));
            prop_assert_eq!(value, parts.concat());
            prop_assert_eq!(text.matches('\n').count(), 1);
            let (_, value) = written(|line| line.texts(parts.iter().copied()));
            prop_assert_eq!(value, serde_json::json!(parts));
        }

        #[test]
        fn any_characters_of_the_odd_kind_are_read_back(text in "[\\x00-\\x1f\"\\\\\u{7f}-\u{9f}\u{200b}-\u{206f}\u{feff}a]{0,24}") {
            let (line, value) = written(|line| line.text(&[&text]));
            prop_assert_eq!(value, text);
            prop_assert!(!line.trim_end().chars().any(is_obeyed));
        }

        #[test]
        fn any_number_is_read_back(number in any::<u64>()) {
            prop_assert_eq!(written(|line| line.number(number)).1, number);
        }

        #[test]
        fn any_instant_of_four_digit_years_is_read_back(micros in -62_167_219_200_000_000_i64..253_402_207_200_000_000) {
            let mut line = Line::begin(Time::from_unix_micros(micros));
            let value: Value = serde_json::from_slice(line.end()).unwrap();
            let text = value["time"].as_str().unwrap();
            prop_assert_eq!(text.len(), "2026-11-21T10:00:00.000000Z".len());
            prop_assert_eq!(Time::parse_rfc3339(text), Some(Time::from_unix_micros(micros)), "{}", text);
        }
    }
}
