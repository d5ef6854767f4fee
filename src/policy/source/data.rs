//! Tables that somebody else writes, as the exports of a school's software: CSV (RFC 4180) whose columns come in any
//! order, most of which nobody asks for. What is wrong with the file is a mistake with its place; a record that cannot
//! be read is handed on as such, and reading goes on.

use super::csv::{Field, Records};
use super::text::{number, width};
use super::{Diags, Source, Span};
use std::borrow::Cow;

/// A file that is a table, as far as that can be seen without reading its records.
pub struct DataTable<'t> {
    text: &'t str,
    file: u32,
    /// Where in a record each column stands: the required ones, then the optional ones.
    places: Vec<Option<usize>>,
    columns: usize,
}

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

    /// The items of a field that holds a list, separated by commas.
    pub fn list(&self, column: usize) -> impl Iterator<Item = &str> {
        self.get(column).split(',').map(str::trim).filter(|item| !item.is_empty())
    }

    fn field(&self, column: usize) -> Option<&Field<'t>> {
        self.fields.get(self.places.get(column).copied().flatten()?)
    }
}

impl<'t> DataTable<'t> {
    /// Looks at a file: UTF-8 from end to end, with a header that names every required column, at least one record
    /// behind it (a OneRoster file that is there has data: CSV Binding 1.2, 3), and a line break at its end.
    /// `optional` columns may be missing, other columns are passed over.
    ///
    /// Codes: `encoding`, `truncated`, `duplicate_column`, `missing_column`.
    pub fn open(
        source: &'t Source,
        file: u32,
        required: &[&str],
        optional: &[&str],
        diags: &mut Diags,
    ) -> Option<DataTable<'t>> {
        let Cow::Borrowed(text) = super::text::decode(source, file, diags)? else { return None };
        let mut records = Records::of(text, file);
        let mut fields = Vec::new();
        let header = records.next(&mut fields, &mut Diags::of_names(Vec::new()));
        let Some(header) = header.filter(|_| !records.rest().trim().is_empty()) else {
            truncated(Span::start_of(file), "the table is empty", diags);
            return None;
        };
        let places = places(&fields, required, optional, header.span, diags)?;
        let table = DataTable { text, file, places, columns: fields.len() };
        if !text.ends_with('\n') {
            truncated(table.last_line(), "the last line does not end with a line break", diags);
            return None;
        }
        Some(table)
    }

    /// Hands on every record. Says whether the file could be read to its end: a quote that is never closed takes all
    /// that stands behind it with it.
    ///
    /// Codes: `truncated`.
    pub fn each(&self, diags: &mut Diags, mut record: impl FnMut(&Record<'_, 't>)) -> bool {
        let mut records = Records::of(self.text, self.file);
        // What is wrong inside a record is the record's own matter.
        let mut passed_over = Diags::of_names(Vec::new());
        let mut fields = Vec::new();
        records.next(&mut fields, &mut passed_over);
        while let Some(read) = records.next(&mut fields, &mut passed_over) {
            if read.cut {
                truncated(read.span, "a quote is opened here and never closed", diags);
                return false;
            }
            let (line, lines) = (read.span.line, records.line().saturating_sub(read.span.line).max(1));
            let whole = !read.broken && fields.len() == self.columns;
            record(&Record { fields: &fields, places: &self.places, line, lines, whole });
        }
        true
    }

    /// Whether a column is there, by its place.
    pub fn has(&self, column: usize) -> bool {
        self.places.get(column).copied().flatten().is_some()
    }

    /// The number of the file, for places in it.
    pub fn file(&self) -> u32 {
        self.file
    }

    fn last_line(&self) -> Span {
        let line = number(self.text.bytes().filter(|byte| *byte == b'\n').count()).saturating_add(1);
        let text = self.text.rsplit('\n').next().unwrap_or_default();
        Span { file: self.file, line, column: 1, length: width(text).max(1) }
    }
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
