//! Tables: CSV with a line of column names, or JSON Lines with one object a line. Rows are handed on one after the
//! other; nothing of a row outlives it.

use super::csv::{Field, Records};
use super::reader::{shown, suggestion};
use super::text::{decode, number, width};
use super::{Diags, Key, Node, Source, Span, Value, json};
use std::cell::RefCell;

/// What a table was, once it has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The columns that are known, as the header names them; for JSON Lines the first occurrence of each member.
    pub columns: Vec<Key>,
    /// How many rows were handed on.
    pub rows: u32,
}

/// A cell that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The text, without quotes.
    pub text: &'a str,
    /// Where it is, quotes included.
    pub span: Span,
}

/// A row.
pub struct Row<'a> {
    cells: Cells<'a>,
    span: Span,
    /// Lists that were asked for as text; reported when the row has been read.
    misread: RefCell<Vec<(Span, String)>>,
}

enum Cells<'a> {
    Csv { columns: &'a [Option<Key>], fields: &'a [Field<'a>] },
    Json(&'a [(Key, Node)]),
}

impl<'a> Row<'a> {
    /// The cell of a column; none if it is absent or empty.
    pub fn get(&self, column: &str) -> Option<Cell<'a>> {
        match &self.cells {
            Cells::Csv { .. } => self.field(column).map(|field| Cell { text: &field.text, span: field.span }),
            Cells::Json(entries) => {
                let (_, node) = entries.iter().find(|(key, _)| key.text == column)?;
                if let Value::List(_) = node.value {
                    self.misread
                        .borrow_mut()
                        .push((node.span, format!("expected text for `{column}`, found a list")));
                }
                scalar(node)
            }
        }
    }

    /// The cells of a list: in CSV the parts between `;`, without blanks around them and without empty ones; in JSON
    /// Lines the texts of the array, or the one text.
    pub fn list(&self, column: &str) -> Vec<Cell<'a>> {
        match &self.cells {
            Cells::Csv { .. } => self.field(column).map(parts).unwrap_or_default(),
            Cells::Json(entries) => {
                let found = entries.iter().find(|(key, _)| key.text == column);
                match found.map(|(_, node)| node) {
                    Some(Node { value: Value::List(items), .. }) => items.iter().filter_map(scalar).collect(),
                    Some(node) => scalar(node).into_iter().collect(),
                    None => Vec::new(),
                }
            }
        }
    }

    /// The line of the row; its first, if there are many.
    pub fn span(&self) -> Span {
        self.span
    }

    fn field(&self, column: &str) -> Option<&'a Field<'a>> {
        let Cells::Csv { columns, fields } = &self.cells else { return None };
        let index = columns.iter().position(|known| known.as_ref().is_some_and(|key| key.text == column))?;
        fields.get(index).filter(|field| !field.text.is_empty())
    }
}

fn scalar(node: &Node) -> Option<Cell<'_>> {
    let text = match &node.value {
        Value::Text { text, .. } if !text.is_empty() => text,
        Value::Bool(true) => "true",
        Value::Bool(false) => "false",
        _ => return None,
    };
    Some(Cell { text, span: node.span })
}

fn parts<'a>(field: &'a Field<'a>) -> Vec<Cell<'a>> {
    // Where a quoted field has doubled quotes or many lines, its own place is the exact one that can be given.
    let exact = !field.quoted || !field.text.contains(['"', '\n', '\r']);
    let mut column = field.span.column.saturating_add(u32::from(field.quoted));
    let mut cells = Vec::new();
    for part in field.text.split(';') {
        let text = part.trim();
        if !text.is_empty() {
            let before = width(part).saturating_sub(width(part.trim_start()));
            let span = Span { column: column.saturating_add(before), length: width(text), ..field.span };
            cells.push(Cell { text, span: if exact { span } else { field.span } });
        }
        column = column.saturating_add(width(part)).saturating_add(1);
    }
    cells
}

/// Reads a table, CSV or, if the name ends in `.jsonl`, JSON Lines, and hands its rows to `row`.
///
/// `known` are all columns that may occur; `required` are those that must be there *and* have a value in every row: a
/// row that lacks one is reported and not handed on, like every row that is itself a mistake. In a table that lacks a
/// required column no row is handed on.
///
/// Codes: `encoding`, `syntax`, `truncated`, `unknown_column`, `duplicate_column`, `missing_column`, `missing_cell`,
/// `wrong_field_count`, and for JSON Lines also those of [`super::read_document`] and `wrong_type`.
pub fn read_table(
    source: &Source,
    file: u32,
    known: &[&str],
    required: &[&str],
    diags: &mut Diags,
    row: impl FnMut(&Row<'_>, &mut Diags),
) -> Table {
    let Some(text) = decode(source, file, diags) else { return Table { columns: Vec::new(), rows: 0 } };
    let reading = Reading { file, known, required, row, rows: 0 };
    if source.name.ends_with(".jsonl") { reading.json_lines(&text, diags) } else { reading.csv(&text, diags) }
}

struct Reading<'k, F> {
    file: u32,
    known: &'k [&'k str],
    required: &'k [&'k str],
    row: F,
    rows: u32,
}

impl<F: FnMut(&Row<'_>, &mut Diags)> Reading<'_, F> {
    fn csv(mut self, text: &str, diags: &mut Diags) -> Table {
        let mut records = Records::of(text, self.file);
        let mut fields = Vec::new();
        let Some(header) = records.next(&mut fields, diags) else {
            let expected = self.known.join(",");
            diags
                .error(Span::start_of(self.file), "truncated", "the table is empty")
                .help(format!("the first line names the columns, some of `{expected}`"));
            return Table { columns: Vec::new(), rows: 0 };
        };
        if header.cut {
            truncated(header.span, diags);
        }
        let (columns, whole) = self.header(&fields, header.span, diags);
        while let Some(record) = records.next(&mut fields, diags) {
            if record.cut {
                truncated(record.span, diags);
                break;
            }
            if record.broken {
                continue;
            }
            if fields.len() != columns.len() {
                wrong_field_count(&fields, columns.len(), record.span, header.span, diags);
                continue;
            }
            if whole {
                self.hand_on(Cells::Csv { columns: &columns, fields: &fields }, record.span, diags);
            }
        }
        Table { columns: columns.into_iter().flatten().collect(), rows: self.rows }
    }

    /// The columns in their order, none for those that are a mistake, and whether none is missing.
    fn header(&self, fields: &[Field<'_>], line: Span, diags: &mut Diags) -> (Vec<Option<Key>>, bool) {
        let mut columns: Vec<Option<Key>> = Vec::with_capacity(fields.len());
        for field in fields {
            let key = Key { text: field.text.clone().into_owned(), span: field.span };
            let first = columns.iter().flatten().find(|other| other.text == key.text).map(|other| other.span);
            if let Some(first) = first {
                let first = diags.place(first);
                diags
                    .error(
                        key.span,
                        "duplicate_column",
                        format!("the column `{}` stands twice", shown(&key.text)),
                    )
                    .also(first, "first here")
                    .help("remove one of them");
                columns.push(None);
            } else if self.known.contains(&key.text.as_str()) {
                columns.push(Some(key));
            } else {
                self.unknown(&key, diags);
                columns.push(None);
            }
        }
        let mut whole = true;
        for name in self.required {
            if !columns.iter().flatten().any(|key| key.text == *name) {
                whole = false;
                diags
                    .error(line, "missing_column", format!("the column `{name}` is missing"))
                    .help(format!("the first line names the columns; add `{name}`"));
            }
        }
        (columns, whole)
    }

    fn unknown(&self, key: &Key, diags: &mut Diags) {
        let message = match key.text.as_str() {
            "" => "a column without a name".to_owned(),
            name => format!("unknown column `{}`", shown(name)),
        };
        diags.error(key.span, "unknown_column", message).maybe_help(suggestion(&key.text, self.known));
    }

    fn json_lines(mut self, text: &str, diags: &mut Diags) -> Table {
        let mut columns: Vec<Key> = Vec::new();
        for (index, whole) in text.split_inclusive('\n').enumerate() {
            let line = whole.strip_suffix('\n').unwrap_or(whole);
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.trim_ascii().is_empty() {
                continue;
            }
            let start = Span { file: self.file, line: number(index).saturating_add(1), column: 1, length: 1 };
            let span = Span { length: width(line), ..start };
            if !whole.ends_with('\n') {
                truncated(span, diags);
                break;
            }
            let errors = diags.error_count();
            let Some(node) = json::read_from(line, start, diags) else { continue };
            let Some(entries) = node.as_map("an object", diags) else { continue };
            for (key, value) in entries {
                if !self.known.contains(&key.text.as_str()) {
                    self.unknown(key, diags);
                } else if !columns.iter().any(|column| column.text == key.text) {
                    columns.push(key.clone());
                }
                let items = std::slice::from_ref(value);
                let items = if let Value::List(items) = &value.value { items } else { items };
                for item in items {
                    if let Value::List(_) | Value::Map(_) = item.value {
                        item.as_text("text, a number, true or false", diags);
                    }
                }
            }
            if diags.error_count() == errors {
                self.hand_on(Cells::Json(entries), span, diags);
            }
        }
        if text.is_empty() {
            diags
                .error(Span::start_of(self.file), "truncated", "the table is empty")
                .help("a table without rows holds one empty line");
        }
        Table { columns, rows: self.rows }
    }

    fn hand_on(&mut self, cells: Cells<'_>, span: Span, diags: &mut Diags) {
        let row = Row { cells, span, misread: RefCell::default() };
        let mut lacking = false;
        for name in self.required {
            let there = match &row.cells {
                Cells::Csv { .. } => row.field(name).is_some(),
                Cells::Json(entries) => entries.iter().any(|(key, node)| {
                    key.text == *name
                        && match &node.value {
                            Value::Null => false,
                            Value::Text { text, .. } => !text.is_empty(),
                            Value::List(items) => !items.is_empty(),
                            _ => true,
                        }
                }),
            };
            if !there {
                lacking = true;
                let span = empty_cell(&row, name).unwrap_or(span);
                diags
                    .error(span, "missing_cell", format!("`{name}` is missing in this row"))
                    .help(format!("every row needs a `{name}`"));
            }
        }
        if lacking {
            return;
        }
        self.rows = self.rows.saturating_add(1);
        (self.row)(&row, diags);
        for (span, message) in row.misread.into_inner() {
            diags.error(span, "wrong_type", message).help("write one text in quotes");
        }
    }
}

fn empty_cell(row: &Row<'_>, column: &str) -> Option<Span> {
    match &row.cells {
        // An empty cell has nothing to underline: the whole row is easier to find.
        Cells::Csv { .. } => None,
        Cells::Json(entries) => entries.iter().find(|(key, _)| key.text == column).map(|(key, _)| key.span),
    }
}

fn truncated(span: Span, diags: &mut Diags) {
    diags
        .error(span, "truncated", "the last line does not end with a line break")
        .help("a cut-off file is never read as a smaller school: restore the file, or end its last line");
}

fn wrong_field_count(fields: &[Field<'_>], wanted: usize, line: Span, header: Span, diags: &mut Diags) {
    let found = fields.len();
    let span = fields.get(wanted).map_or(line, |extra| extra.span);
    let found = crate::policy::counted(found, "field");
    let header = diags.place(header);
    diags
        .error(span, "wrong_field_count", format!("{found} in this row, where {wanted} are named"))
        .also(header, "the columns are named here")
        .help("a field with a comma in it stands in quotes; an empty one still needs its comma");
}
