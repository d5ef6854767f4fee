//! The files of a bundle: documents are merged by key into one map, tables are kept for those who read them.

use super::names;
use crate::policy::source::{Diags, Key, Node, Source, Span, VALUES_MAX, Value, read_document, take_values};

/// The top-level keys of a bundle.
pub(super) const SECTIONS: &[&str] = &[
    "bundle",
    "issuers",
    "rosters",
    "domains",
    "people",
    "enrolments",
    "guardians",
    "assignments",
    "suspended",
    "blocks",
    "documents",
    "records",
    "sharing",
    "routes",
];

const TABLES: &[&str] = &["people", "assignments", "scopes", "documents", "enrolments", "guardians"];

/// What the directory holds.
pub(super) struct Files<'s> {
    /// All documents as one map.
    pub(super) root: Node,
    tables: Vec<(&'static str, &'s Source, u32)>,
}

impl<'s> Files<'s> {
    pub(super) fn read(sources: &'s [Source], diags: &mut Diags) -> Files<'s> {
        let mut root = Vec::new();
        let mut tables: Vec<(&'static str, &Source, u32)> = Vec::new();
        let mut first_span = None;
        let mut left = VALUES_MAX;
        for (file, source) in (0..).zip(sources) {
            let place = Span { file, line: 1, column: 1, length: 1 };
            let (stem, extension) = source.name.rsplit_once('.').unwrap_or((&source.name, ""));
            match extension {
                "yaml" | "yml" | "json" => {
                    if !take_values(source, file, &mut left, diags) {
                        continue;
                    }
                    let Some(document) = read_document(source, file, diags) else { continue };
                    first_span.get_or_insert(document.span);
                    match document.value {
                        Value::Null | Value::Broken => {}
                        Value::Map(entries) => merge(&mut root, entries, 0, diags),
                        _ => {
                            diags
                                .error(document.span, "wrong_type", "a bundle file is a map")
                                .help(format!("its top-level keys are {}", SECTIONS.join(", ")));
                        }
                    }
                }
                "csv" | "jsonl" => match TABLES.iter().find(|table| **table == stem) {
                    Some(table) if !tables.iter().any(|(_, other, _)| other.name == source.name) => {
                        tables.push((table, source, file));
                    }
                    Some(_) => {}
                    None => {
                        let error = diags.error(
                            place,
                            "unknown_file",
                            format!("`{stem}` is not a table of a bundle"),
                        );
                        error.help(names::one_of(stem, TABLES));
                    }
                },
                "md" => {}
                _ => {
                    let message = format!("`{}` is not a file of a bundle", source.name);
                    diags.error(place, "unknown_file", message).help(
                        "a bundle holds .yaml, .yml, .json, .csv, .jsonl and .md files; \
                         a name that begins with a dot is not read",
                    );
                }
            }
        }
        let span = first_span.unwrap_or(Span { file: 0, line: 1, column: 1, length: 1 });
        Files { root: Node { span, value: Value::Map(root) }, tables }
    }

    /// The tables of this name, as CSV or JSON Lines.
    pub(super) fn tables(&self, name: &str) -> impl Iterator<Item = (&'s Source, u32)> {
        self.tables.iter().filter(move |(table, ..)| *table == name).map(|(_, source, file)| (*source, *file))
    }
}

/// Merges maps from several files: sections, and within `domains` the domains and their sections, may be spread over
/// files. Whatever stands below is written in one place.
fn merge(into: &mut Vec<(Key, Node)>, entries: Vec<(Key, Node)>, depth: u32, diags: &mut Diags) {
    for (key, node) in entries {
        let Some((first, known)) = into.iter_mut().find(|(known, _)| known.text == key.text) else {
            into.push((key, node));
            continue;
        };
        let in_domains = depth > 0 || key.text == "domains";
        let deeper = if in_domains { depth < 3 } else { depth < 1 };
        match (&mut known.value, node.value) {
            (Value::Map(known), Value::Map(more)) if deeper && key.text != "bundle" => {
                merge(known, more, if in_domains { depth + 1 } else { 9 }, diags);
            }
            (Value::List(known), Value::List(more)) if depth == 0 => known.extend(more),
            _ => {
                let also = diags.place(first.span);
                diags
                    .error(key.span, "duplicate_key", format!("`{}` is written twice", key.text))
                    .also(also, "first written here")
                    .help("keep one of the two");
            }
        }
    }
}
