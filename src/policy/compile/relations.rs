//! Enrolments and guardianships: relations of the roster, which hold within their dates.

use super::dates::{self, End};
use super::files::Files;
use super::{Word, names};
use crate::policy::bundle::Revision;
use crate::policy::relations::{Part, Span as Days};
use crate::policy::source::{Diags, Fields, Node, Row, Span, read_table};
use crate::policy::table::{PersonId, ScopeId};
use crate::time::Time;
use jiff::tz::TimeZone;

const ENROLMENT: &[&str] = &["person", "scope", "part", "from", "until", "note"];
const GUARDIAN: &[&str] = &["guardian", "student", "from", "until", "note"];

/// A row of words, from whichever kind of file.
struct Words {
    columns: &'static [&'static str],
    words: Vec<Option<Word>>,
}

impl Words {
    fn get(&self, column: &str) -> Option<&Word> {
        let at = self.columns.iter().position(|known| *known == column)?;
        self.words.get(at)?.as_ref()
    }
}

/// Reads both relations into the bundle.
pub(super) fn read(
    bundle: &mut Revision,
    root: &Fields<'_>,
    files: &Files<'_>,
    zone: &TimeZone,
    diags: &mut Diags,
) {
    each(root, files, "enrolments", ENROLMENT, 3, diags, |row, diags| {
        let person = row.get("person").and_then(|word| person(bundle, word, diags));
        let scope = row.get("scope").and_then(|word| scope(bundle, &word.text, word.span, diags));
        let part = row.get("part").and_then(|word| {
            let found = Part::WORDS.iter().find(|(known, _)| *known == word.text).map(|(_, part)| *part);
            if found.is_none() {
                names::unknown(
                    "part",
                    &word.text,
                    word.span,
                    Part::WORDS.iter().map(|(known, _)| *known),
                    diags,
                );
            }
            found
        });
        let days = days(row.get("from"), row.get("until"), zone, diags);
        if let (Some(person), Some(scope), Some(part), Some(days)) = (person, scope, part, days) {
            bundle.relations.enrolments.push((person, scope, part, days));
        }
    });
    each(root, files, "guardians", GUARDIAN, 2, diags, |row, diags| {
        let guardian = row.get("guardian").and_then(|word| person(bundle, word, diags));
        let student = row.get("student").and_then(|word| person(bundle, word, diags));
        let days = days(row.get("from"), row.get("until"), zone, diags);
        if let (Some(guardian), Some(student), Some(days)) = (guardian, student, days) {
            bundle.relations.guardians.push((guardian, student, days));
        }
    });
    bundle
        .relations
        .enrolments
        .sort_by_key(|(person, scope, part, days)| (*person, *scope, *part, days.from));
    bundle.relations.guardians.sort_by_key(|(guardian, student, days)| (*guardian, *student, days.from));
}

/// Hands over every row of a section and of the tables of the same name; the first `needed` columns must be there.
fn each(
    root: &Fields<'_>,
    files: &Files<'_>,
    section: &'static str,
    columns: &'static [&'static str],
    needed: usize,
    diags: &mut Diags,
    mut row: impl FnMut(&Words, &mut Diags),
) {
    let required = columns.get(..needed).unwrap_or_default();
    if let Some(node) = root.get(section) {
        for item in node.as_list("a list of rows", diags).unwrap_or_default() {
            if let Some(words) = from_node(item, columns, required, diags) {
                row(&words, diags);
            }
        }
    }
    for (source, file) in files.tables(section) {
        read_table(source, file, columns, required, diags, |cells, diags| {
            row(&from_row(cells, columns), diags);
        });
    }
}

fn from_node(
    node: &Node,
    columns: &'static [&'static str],
    required: &[&str],
    diags: &mut Diags,
) -> Option<Words> {
    let fields = Fields::of(node, "a row", columns, diags)?;
    let mut whole = true;
    for name in required {
        whole &= fields.need(name, diags).is_some();
    }
    let mut words = Vec::new();
    for name in columns {
        let text = fields.get(name).and_then(|node| Some((node.as_text("text", diags)?, node.span)));
        words.push(text.map(|(text, span)| Word { text: text.to_owned(), span }));
    }
    if whole { Some(Words { columns, words }) } else { None }
}

fn from_row(row: &Row<'_>, columns: &'static [&'static str]) -> Words {
    let word =
        |column: &&str| row.get(column).map(|cell| Word { text: cell.text.to_owned(), span: cell.span });
    Words { columns, words: columns.iter().map(word).collect() }
}

/// Finds a person of the roster.
pub(super) fn person(bundle: &Revision, word: &Word, diags: &mut Diags) -> Option<PersonId> {
    let found = bundle.people.find(&word.text);
    if found.is_none() {
        let known = bundle.people.iter().map(|(_, person)| person.id.as_str());
        names::unknown("person", &word.text, word.span, known, diags);
    }
    found
}

/// Finds a scope, of whichever domain.
pub(super) fn scope(bundle: &Revision, text: &str, span: Span, diags: &mut Diags) -> Option<ScopeId> {
    let found = bundle.scopes.find(text);
    if found.is_none() {
        names::unknown("scope", text, span, bundle.scopes.iter().map(|(_, name)| name), diags);
    }
    found
}

/// Reads a span of days or instants; an end that is not written is open.
pub(super) fn days(
    from: Option<&Word>,
    until: Option<&Word>,
    zone: &TimeZone,
    diags: &mut Diags,
) -> Option<Days> {
    let first = from.map(|word| dates::read(word, End::From, zone, diags));
    let last = until.map(|word| dates::read(word, End::Until, zone, diags));
    let (first, last) = (first.unwrap_or(Some(Time::MIN))?, last.unwrap_or(Some(Time::MAX))?);
    if let (true, Some(word)) = (first >= last, until.or(from)) {
        diags
            .error(word.span, "bad_date", format!("it ends at {last}, before it begins at {first}"))
            .help("`from` must lie before `until`");
    }
    Some(Days { from: first, until: last })
}
