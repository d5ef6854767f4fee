//! One CSV record after the other (RFC 4180), read strictly: every field with its place.
//!
//! The `csv` crate gives the place of a record, not of a field, and takes text around quotes for granted; here both
//! matter. The tests read the same tables with it and compare.

use super::text::{is_forbidden, number, width};
use super::{Diags, Span};
use std::borrow::Cow;

/// A field without its quotes and, unless quoted, without blanks around it.
pub(super) struct Field<'t> {
    pub(super) text: Cow<'t, str>,
    /// What is written, quotes included; its first line, if there are many.
    pub(super) span: Span,
    pub(super) quoted: bool,
}

/// What a record is besides its fields.
pub(super) struct Record {
    /// The first line of the record.
    pub(super) span: Span,
    /// Whether something was wrong and has been reported.
    pub(super) broken: bool,
    /// Whether the file ended before the line did.
    pub(super) cut: bool,
}

pub(super) struct Records<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    column: u32,
    file: u32,
}

impl<'t> Records<'t> {
    pub(super) fn of(text: &'t str, file: u32) -> Records<'t> {
        Records { text, at: 0, line: 1, column: 1, file }
    }

    /// The line that is read next, from 1.
    pub(super) fn line(&self) -> u32 {
        self.line
    }

    /// The next record that is not a blank line; its fields replace those in `fields`.
    pub(super) fn next(&mut self, fields: &mut Vec<Field<'t>>, diags: &mut Diags) -> Option<Record> {
        loop {
            let rest = self.rest();
            if rest.starts_with('\n') {
                self.advance(1, true);
            } else if rest.starts_with("\r\n") {
                self.advance(2, true);
            } else if rest.is_empty() {
                return None;
            } else {
                return Some(self.record(fields, diags));
            }
        }
    }

    fn record(&mut self, fields: &mut Vec<Field<'t>>, diags: &mut Diags) -> Record {
        fields.clear();
        let mut record = Record { span: self.here(), broken: false, cut: false };
        let whole = self.rest();
        loop {
            let field = if self.rest().starts_with('"') {
                self.quoted(&mut record, diags)
            } else {
                self.plain(&mut record, diags)
            };
            fields.push(field);
            let rest = self.rest();
            if rest.starts_with(',') {
                self.advance(1, false);
                continue;
            }
            // Fields end at a comma, at a line break or at the end of the text.
            record.cut = rest.is_empty();
            record.span.length = if self.line == record.span.line {
                self.column.saturating_sub(1)
            } else {
                width(whole.split(['\r', '\n']).next().unwrap_or_default())
            }
            .max(1);
            if !record.cut {
                self.advance(if rest.starts_with('\r') { 2 } else { 1 }, true);
            }
            return record;
        }
    }

    fn plain(&mut self, record: &mut Record, diags: &mut Diags) -> Field<'t> {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| byte == b',' || byte == b'\n').unwrap_or(rest.len());
        let raw = rest.get(..end).unwrap_or_default();
        let ends_line = rest.as_bytes().get(end) == Some(&b'\n');
        let raw = if ends_line { raw.strip_suffix('\r').unwrap_or(raw) } else { raw };
        let start = self.here();
        if raw.contains('"') {
            let before = raw.split('"').next().unwrap_or_default();
            let span = Span { column: start.column.saturating_add(width(before)), ..start };
            let help = if before.trim().is_empty() {
                "remove the blank before the quote"
            } else {
                "put the whole field in quotes and write each quote inside it twice"
            };
            diags.error(span, "syntax", "a quote inside a field that does not begin with one").help(help);
            record.broken = true;
        }
        self.check(raw, start, record, diags);
        self.advance(raw.len(), false);
        let text = raw.trim_matches([' ', '\t']);
        let skipped = width(raw).saturating_sub(width(raw.trim_start_matches([' ', '\t'])));
        let skipped = if text.is_empty() { 0 } else { skipped };
        // An empty field has nothing of its own to underline: the comma before it is there.
        let start = if raw.is_empty() && start.column > 1 {
            Span { column: start.column.saturating_sub(1), ..start }
        } else {
            start
        };
        let span = Span { column: start.column.saturating_add(skipped), length: width(text).max(1), ..start };
        Field { text: Cow::Borrowed(text), span, quoted: false }
    }

    fn quoted(&mut self, record: &mut Record, diags: &mut Diags) -> Field<'t> {
        let start = self.here();
        let whole = self.rest();
        self.advance(1, false);
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('"') else {
                let length = width(whole.split(['\r', '\n']).next().unwrap_or_default()).max(1);
                let span = Span { length, ..start };
                diags
                    .error(span, "syntax", "this quote is never closed")
                    .help("add the missing `\"`; a quote inside a quoted field is written twice");
                record.broken = true;
                self.through(rest.len());
                return Field { text, span, quoted: true };
            };
            let piece = rest.get(..end).unwrap_or_default();
            self.check(piece, self.here(), record, diags);
            self.through(end + 1);
            if text.is_empty() {
                text = Cow::Borrowed(piece)
            } else {
                text.to_mut().push_str(piece)
            }
            if self.rest().starts_with('"') {
                self.advance(1, false);
                text.to_mut().push('"');
                continue;
            }
            break;
        }
        let length = if self.line == start.line {
            self.column.saturating_sub(start.column)
        } else {
            width(whole.split(['\r', '\n']).next().unwrap_or_default())
        };
        let rest = self.rest();
        if !(rest.is_empty() || rest.starts_with([',', '\n']) || rest.starts_with("\r\n")) {
            let end = rest.find([',', '\n']).unwrap_or(rest.len());
            let after = rest.get(..end).unwrap_or_default().trim_end_matches('\r');
            diags
                .error(
                    Span { length: width(after).max(1), ..self.here() },
                    "syntax",
                    "text after the closing quote",
                )
                .help("a quote inside a quoted field is written twice");
            record.broken = true;
            let ends_line = rest.as_bytes().get(end) == Some(&b'\n');
            self.advance(if ends_line { after.len() } else { end }, false);
            // Several carriage returns before the line feed are not a line break either.
            if ends_line && self.rest().starts_with("\r\r") {
                let returns = self.rest().bytes().take_while(|byte| *byte == b'\r').count();
                self.advance(returns.saturating_sub(1), false);
            }
        }
        Field { text, span: Span { length: length.max(1), ..start }, quoted: true }
    }

    /// Reports control characters and, outside `\r\n`, carriage returns.
    fn check(&self, raw: &str, start: Span, record: &mut Record, diags: &mut Diags) {
        if raw.bytes().all(|byte| (0x20..0x7f).contains(&byte) || byte == b'\t') {
            return;
        }
        let (mut line, mut column) = (start.line, start.column);
        let mut characters = raw.chars().peekable();
        while let Some(c) = characters.next() {
            if is_forbidden(c) || (c == '\r' && characters.peek() != Some(&'\n')) {
                let span = Span { file: self.file, line, column, length: 1 };
                diags
                    .error(span, "syntax", format!("invisible character (U+{:04X})", u32::from(c)))
                    .help("remove it; lines end with a line feed");
                record.broken = true;
            }
            (line, column) = match c {
                '\n' => (line.saturating_add(1), 1),
                _ => (line, column.saturating_add(1)),
            };
        }
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn here(&self) -> Span {
        Span { file: self.file, line: self.line, column: self.column, length: 1 }
    }

    /// Goes on by `bytes`, which hold no line break unless they are one.
    fn advance(&mut self, bytes: usize, breaks: bool) {
        if breaks {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            let passed = self.rest().get(..bytes).unwrap_or_default();
            self.column = self.column.saturating_add(width(passed));
        }
        self.at = self.at.saturating_add(bytes);
    }

    /// Goes on by `bytes`, which may hold line breaks.
    fn through(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or_default();
        match passed.rfind('\n') {
            None => self.column = self.column.saturating_add(width(passed)),
            Some(last) => {
                self.line = self.line.saturating_add(number(passed.matches('\n').count()));
                self.column = width(passed.get(last + 1..).unwrap_or_default()).saturating_add(1);
            }
        }
        self.at = self.at.saturating_add(bytes);
    }
}
