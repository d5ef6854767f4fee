//! Tables that somebody else writes, as the exports of a school's software: CSV (RFC 4180) whose columns come in any
//! order, most of which nobody asks for. What is wrong with the file is a mistake with its place; a record that cannot
//! be read is handed on as such, and reading goes on.

use super::csv::{Field, Records};
use super::{Diags, Source, Span};
use std::borrow::Cow;

/// A record, or that it is none.
pub struct Record<'r, 't> {
    fields: &'r [Field<'t>],
    places: &'r [Option<usize>],
    /// Its first line, from 1.
    pub line: u32,
    /// How many lines it goes over.
    pub lines: u32,
    /// Whether it can be read: as many fields as columns, each quoted as it should be, without control characters.
    pub whole: bool,
}

impl<'t> Record<'_, 't> {
    /// The field of a column, by its place in the list of required columns and then of optional ones. Empty where the
    /// field is, or the column is not there.
    pub fn get(&self, column: usize) -> &str {
        self.field(column).map_or("", |field| &field.text)
    }

    /// The same, to be kept as long as the text of the file; copied only where quotes stand doubled in it.
    pub fn keep(&self, column: usize) -> Cow<'t, str> {
        self.field(column).map_or(Cow::Borrowed(""), |field| field.text.clone())
    }

    fn field(&self, column: usize) -> Option<&Field<'t>> {
        self.fields.get(self.places.get(column).copied().flatten()?)
    }
}

/// The text of a file that is UTF-8 from end to end, without its byte order mark.
pub fn text<'s>(source: &'s Source, file: u32, diags: &mut Diags) -> Option<&'s str> {
    match super::text::decode(source, file, diags)? {
        Cow::Borrowed(text) => Some(text),
        Cow::Owned(_) => None,
    }
}

/// Hands every record of a table to `record`. `optional` columns may be missing, other columns are passed over.
///
/// Says whether the file is a table that was read to its end. A file without a record behind its header is none: a
/// OneRoster file that is there has data (CSV Binding 1.2, 3).
///
/// Codes: `truncated`, `duplicate_column`, `missing_column`.
pub fn read_data<'t>(
    text: &'t str,
    file: u32,
    required: &[&str],
    optional: &[&str],
    diags: &mut Diags,
    mut record: impl FnMut(&Record<'_, 't>),
) -> bool {
    let mut records = Records::of(text, file);
    // What is wrong inside a record is the record's own matter.
    let mut passed_over = Diags::of_names(Vec::new());
    let mut fields = Vec::new();
    let Some(header) = records.next(&mut fields, &mut passed_over) else {
        truncated(Span::start_of(file), "the table is empty", diags);
        return false;
    };
    if header.cut {
        truncated(header.span, "there is nothing behind the names of the columns", diags);
        return false;
    }
    let Some(places) = places(&fields, required, optional, header.span, diags) else { return false };
    let columns = fields.len();
    let mut any = false;
    while let Some(read) = records.next(&mut fields, &mut passed_over) {
        if read.cut {
            truncated(read.span, "the last line does not end with a line break", diags);
            return false;
        }
        any = true;
        let (line, lines) = (read.span.line, records.line().saturating_sub(read.span.line).max(1));
        let whole = !read.broken && fields.len() == columns;
        record(&Record { fields: &fields, places: &places, line, lines, whole });
    }
    if !any {
        truncated(header.span, "there is nothing behind the names of the columns", diags);
    }
    any
}

/// Where in a record each column stands.
fn places(
    header: &[Field<'_>],
    required: &[&str],
    optional: &[&str],
    line: Span,
    diags: &mut Diags,
) -> Option<Vec<Option<usize>>> {
    let mut places = Vec::with_capacity(required.len() + optional.len());
    let mut good = true;
    for (at, name) in required.iter().chain(optional).enumerate() {
        let mut found = header.iter().enumerate().filter(|(_, field)| field.text == *name);
        let first = found.next();
        places.push(first.map(|(at, _)| at));
        if let Some((_, second)) = found.next() {
            good = false;
            diags
                .error(second.span, "duplicate_column", format!("the column `{name}` stands twice"))
                .help("remove one of them");
        }
        if first.is_none() && at < required.len() {
            good = false;
            diags
                .error(line, "missing_column", format!("the column `{name}` is missing"))
                .help("names of columns are those of OneRoster, letter by letter");
        }
    }
    if good { Some(places) } else { None }
}

fn truncated(span: Span, message: &str, diags: &mut Diags) {
    diags
        .error(span, "truncated", message)
        .help("a file that was cut off is never read as a smaller school: export it again");
}
