//! Documents that the bundle lists, with their own grants.

use super::files::Files;
use super::{Word, names, people};
use crate::policy::access::Access;
use crate::policy::bundle::Revision;
use crate::policy::document::Document;
use crate::policy::source::{Diags, Fields, Key, Node, Row, Span, read_table};
use crate::policy::table::{DomainId, FormId, PersonId};
use std::collections::HashMap;

const COLUMNS: &[&str] = &["form", "student", "created_by", "viewers", "editors", "owners", "note"];
const TABLE_COLUMNS: &[&str] =
    &["id", "form", "student", "created_by", "viewers", "editors", "owners", "note"];

struct DocumentRow {
    id: Word,
    form: Word,
    student: Word,
    grants: Vec<(Word, Access)>,
}

pub(super) fn read(bundle: &mut Revision, root: &Fields<'_>, files: &Files<'_>, diags: &mut Diags) {
    let mut first = HashMap::new();
    if let Some(node) = root.get("documents") {
        for (key, node) in node.as_map("documents by id", diags).unwrap_or_default() {
            if let Some(row) = from_node(key, node, diags) {
                add(bundle, row, &mut first, diags);
            }
        }
    }
    for (source, file) in files.tables("documents") {
        read_table(source, file, TABLE_COLUMNS, &["id", "form", "student"], diags, |row, diags| {
            if let Some(row) = from_row(row) {
                add(bundle, row, &mut first, diags);
            }
        });
    }
}

fn from_node(key: &Key, node: &Node, diags: &mut Diags) -> Option<DocumentRow> {
    let fields = Fields::of(node, "a document", COLUMNS, diags)?;
    let word = |node: &Node, diags: &mut Diags| {
        let text = node.as_text("a name", diags)?;
        Some(Word { text: text.to_owned(), span: node.span })
    };
    let form = fields.need("form", diags).and_then(|node| word(node, diags));
    let student = fields.need("student", diags).and_then(|node| word(node, diags));
    let mut grants = Vec::new();
    if let Some(creator) = fields.get("created_by").and_then(|node| word(node, diags)) {
        grants.push((creator, Access::Owner));
    }
    for (name, access) in [("viewers", Access::View), ("editors", Access::Edit), ("owners", Access::Owner)] {
        let listed = fields.get(name).map(|node| people::words(node, "ids of people", diags));
        grants.extend(listed.unwrap_or_default().into_iter().map(|word| (word, access)));
    }
    if let Some(node) = fields.get("note") {
        node.as_text("text", diags);
    }
    Some(DocumentRow {
        id: Word { text: key.text.clone(), span: key.span },
        form: form?,
        student: student?,
        grants,
    })
}

fn from_row(row: &Row<'_>) -> Option<DocumentRow> {
    let word =
        |column: &str| row.get(column).map(|cell| Word { text: cell.text.to_string(), span: cell.span });
    let mut grants: Vec<(Word, Access)> =
        word("created_by").map(|word| (word, Access::Owner)).into_iter().collect();
    for (name, access) in [("viewers", Access::View), ("editors", Access::Edit), ("owners", Access::Owner)] {
        let cells = row.list(name).into_iter();
        grants.extend(cells.map(|cell| (Word { text: cell.text.to_string(), span: cell.span }, access)));
    }
    Some(DocumentRow { id: word("id")?, form: word("form")?, student: word("student")?, grants })
}

fn add(bundle: &mut Revision, row: DocumentRow, first: &mut HashMap<String, Span>, diags: &mut Diags) {
    if !names::check_id(&row.id.text, "a document", row.id.span, diags) {
        return;
    }
    if let Some(span) = first.get(&row.id.text) {
        let also = diags.place(*span);
        diags
            .error(row.id.span, "duplicate_name", format!("document `{}` stands twice", row.id.text))
            .also(also, "first written here")
            .help("keep one of the two");
        return;
    }
    first.insert(row.id.text.clone(), row.id.span);
    let form = find_form(bundle, &row.form.text, row.form.span, diags);
    let student = find_person(bundle, &row.student, diags);
    let mut grants: HashMap<PersonId, Access> = HashMap::new();
    for (word, access) in &row.grants {
        if let Some(person) = find_person(bundle, word, diags) {
            let had = grants.entry(person).or_default();
            *had = (*had).max(*access);
        }
    }
    let (Some((domain, form)), Some(student)) = (form, student) else { return };
    let mut grants: Vec<(PersonId, Access)> = grants.into_iter().collect();
    grants.sort_unstable_by_key(|(person, _)| *person);
    let id: Box<str> = row.id.text.as_str().into();
    let document = bundle.documents.rows.push(Document { id: row.id.text, domain, form, student, grants });
    bundle.documents.by_id.insert(id, document);
}

fn find_person(bundle: &Revision, word: &Word, diags: &mut Diags) -> Option<PersonId> {
    let found = bundle.people.find(&word.text);
    if found.is_none() {
        let known = bundle.people.iter().map(|(_, person)| person.id.as_str());
        names::unknown("person", &word.text, word.span, known, diags);
    }
    found
}

/// Finds a form by its name outside of its domain.
pub(super) fn find_form(
    bundle: &Revision,
    name: &str,
    span: Span,
    diags: &mut Diags,
) -> Option<(DomainId, FormId)> {
    let in_domain =
        |(domain, name): (DomainId, &str)| Some((domain, bundle.domains[domain].forms()?.find(name)?));
    let found = bundle.split_name(name).and_then(in_domain);
    if found.is_none() {
        let forms = bundle.domains.iter().filter_map(|(id, domain)| Some((id, domain.forms()?)));
        let known: Vec<String> = forms
            .flat_map(|(id, forms)| {
                forms.forms.iter().map(move |(_, form)| bundle.outside_name(id, &form.name))
            })
            .collect();
        names::unknown("form", name, span, known.iter().map(String::as_str), diags);
    }
    found
}
