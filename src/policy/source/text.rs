//! From bytes to text, and from a text to its lines.

use super::{Diags, Source, Span};
use std::borrow::Cow;
use std::cell::Cell;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// The text of a file without its byte order mark. Bytes that are not UTF-8 are reported once, at the first, and read
/// as U+FFFD so that the other mistakes are found too. UTF-16 is not read at all.
pub(super) fn decode<'s>(source: &'s Source, file: u32, diags: &mut Diags) -> Option<Cow<'s, str>> {
    let bytes = source.bytes.strip_prefix(BOM).unwrap_or(&source.bytes);
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Some(Cow::Borrowed(text)),
        Err(error) => error,
    };
    let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
    let before = std::str::from_utf8(before).unwrap_or_default();
    let line = number(before.bytes().filter(|byte| *byte == b'\n').count()).saturating_add(1);
    let column = width(before.rsplit('\n').next().unwrap_or_default()).saturating_add(1);
    let more = bytes.utf8_chunks().filter(|chunk| !chunk.invalid().is_empty()).count().saturating_sub(1);
    let mut message = format!("byte 0x{bad:02x} is not UTF-8");
    match more {
        0 => {}
        1 => message.push_str(" (and 1 more place in this file)"),
        more => message.push_str(&format!(" (and {more} more places in this file)")),
    }
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let help =
        if utf16 { "this looks like UTF-16: save the file as UTF-8" } else { "save the file as UTF-8" };
    diags.error(Span { file, line, column, length: 1 }, "encoding", message).help(help);
    if utf16 { None } else { Some(String::from_utf8_lossy(bytes)) }
}

/// The lines of a text, for looking at a place again. A line ends at a line feed, or at the end.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// Byte offsets of the first byte of every line.
    starts: Vec<usize>,
    /// Line, column and byte offset in the line of the last place looked for: the next one is mostly close behind it,
    /// and a file may be one long line.
    last: Cell<(u32, u32, usize)>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Lines<'t> {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(feeds.map(|(at, _)| at + 1)).collect();
        Lines { text, starts, last: Cell::new((1, 1, 0)) }
    }

    /// Line `line`, from 1, without its line break; empty where there is none.
    pub(super) fn line(&self, line: u32) -> &'t str {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(&start) = self.starts.get(index) else { return "" };
        let end = self.starts.get(index + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or_default();
        let line = line.strip_suffix('\n').unwrap_or(line);
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// How many lines there are, not counting an empty one after the last line break.
    pub(super) fn count(&self) -> u32 {
        let all = number(self.starts.len());
        if self.text.ends_with('\n') || self.text.is_empty() { all.saturating_sub(1).max(1) } else { all }
    }

    /// What follows a place on its line.
    pub(super) fn rest(&self, line: u32, column: u32) -> &'t str {
        let whole = self.line(line);
        let (mut from, mut offset) = (1, 0);
        let (last_line, last_column, last_offset) = self.last.get();
        if last_line == line && last_column <= column {
            (from, offset) = (last_column, last_offset);
        }
        let skipped = usize::try_from(column.saturating_sub(from)).unwrap_or(usize::MAX);
        let behind = whole.get(offset..).unwrap_or_default();
        let Some((at, _)) = behind.char_indices().nth(skipped) else { return "" };
        self.last.set((line, column.max(1), offset + at));
        behind.get(at..).unwrap_or_default()
    }

    /// A span that lies inside the text, as near to the wanted one as can be.
    pub(super) fn clamp(&self, span: Span) -> Span {
        let line = span.line.clamp(1, self.count());
        let length_of_line = width(self.line(line)).max(1);
        let column = if line < span.line { length_of_line } else { span.column.clamp(1, length_of_line) };
        let length = span.length.clamp(1, length_of_line.saturating_sub(column).saturating_add(1));
        Span { file: span.file, line, column, length }
    }
}

/// How many characters a text has.
pub(super) fn width(text: &str) -> u32 {
    if text.is_ascii() { number(text.len()) } else { number(text.chars().count()) }
}

/// A count as lines and columns are counted.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether a character may not stand in a policy file: control characters but tab and line breaks, and U+FFFE, U+FFFF.
pub(super) fn is_forbidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
}
