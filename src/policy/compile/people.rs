//! The roster: issuers, people, and who is suspended.

use super::files::Files;
use super::{Word, names};
use crate::policy::bundle::{Revision, Scopes};
use crate::policy::domain::Domain;
use crate::policy::people::{Column, EMAIL, Issuer, Kind, Kinds, Named, People, Person, Through};
use crate::policy::source::{Diags, Fields, Key, Node, Row, Span, Value, choose, read_table};
use crate::policy::table::{DomainId, IdSet, Lists, PersonId, ScopeId, Table};
use std::collections::HashMap;
use std::sync::Arc;

/// The columns that every bundle may have; `note` is for people and never kept.
const COLUMNS: &[&str] = &["id", "kinds", "email", "buildings", "enabled", "note"];

/// What is said of an issuer.
const ISSUER: &[&str] = &["claim", "matches", "email", "application", "credential"];

/// The roster as read.
pub(super) struct Roster {
    pub(super) people: People,
    /// The buildings of people.
    pub(super) buildings: Lists<ScopeId>,
    /// Those who are not enabled.
    pub(super) suspended: IdSet<PersonId>,
}

/// One row, from whichever kind of file.
struct PersonRow {
    id: Word,
    kinds: Vec<Word>,
    kinds_span: Span,
    email: Option<Word>,
    buildings: Vec<Word>,
    enabled: bool,
    keys: Vec<(String, Word)>,
}

struct Reader<'a> {
    people: People,
    buildings: Lists<ScopeId>,
    suspended: IdSet<PersonId>,
    domains: &'a Table<DomainId, Domain>,
    scopes: &'a Scopes,
    first: HashMap<PersonId, Span>,
    first_key: HashMap<(String, String), Span>,
}

pub(super) fn read(
    people: People,
    root: &Fields<'_>,
    files: &Files<'_>,
    domains: &Table<DomainId, Domain>,
    scopes: &Scopes,
    diags: &mut Diags,
) -> Roster {
    let own = people.columns.iter().map(|(_, keys)| keys.name.to_string());
    let own: Vec<String> = own.filter(|name| !COLUMNS.contains(&name.as_str())).collect();
    let mut known: Vec<&str> = COLUMNS.to_vec();
    known.extend(own.iter().map(String::as_str));
    let mut reader = Reader {
        people,
        buildings: Lists::default(),
        suspended: IdSet::new(),
        domains,
        scopes,
        first: HashMap::new(),
        first_key: HashMap::new(),
    };
    if let Some(node) = root.get("people") {
        for (key, node) in node.as_map("people by id", diags).unwrap_or_default() {
            if let Some(row) = from_node(key, node, &known, diags) {
                reader.add(row, diags);
            }
        }
    }
    for (source, file) in files.tables("people") {
        read_table(source, file, &known, &["id", "kinds"], diags, |row, diags| {
            if let Some(row) = from_row(row, &own, diags) {
                reader.add(row, diags);
            }
        });
    }
    Roster { people: reader.people, buildings: reader.buildings, suspended: reader.suspended }
}

/// `issuers`: which claim names a person, and which column it is compared with. Nobody is in the columns yet.
pub(super) fn read_issuers(root: &Fields<'_>, diags: &mut Diags) -> People {
    let mut people = People::default();
    let node = root.get("issuers");
    for (key, node) in node.and_then(|node| node.as_map("issuers by name", diags)).unwrap_or_default() {
        let Some(fields) = Fields::of(node, "an issuer", ISSUER, diags) else { continue };
        let claim =
            fields.get("claim").and_then(|node| node.as_text("the name of a claim", diags)).unwrap_or("sub");
        let application = match fields.get("application") {
            Some(node) => match read_through(node, &mut people, diags) {
                Some(through) => Some(through),
                None => continue,
            },
            None => None,
        };
        let credential = fields.get("credential").and_then(|node| node.as_text("the name of a claim", diags));
        let Some(matches) = fields.need("matches", diags) else { continue };
        let Some(column) = matches.as_text("the name of a column of people", diags) else { continue };
        let column = match column {
            "id" => Column::Id,
            "email" => {
                let Some(node) = fields.need("email", diags) else { continue };
                let words = [("authoritative", false), ("verified", true)];
                let Some(must_be_verified) = choose(node, "why an address can be believed", &words, diags)
                else {
                    continue;
                };
                Column::Email { column: people.intern_column(EMAIL), must_be_verified }
            }
            "kinds" | "buildings" | "enabled" | "note" => {
                let message = format!("the column `{column}` does not name a person");
                diags
                    .error(matches.span, "bad_name", message)
                    .help("name `id`, `email` or a column of your own");
                continue;
            }
            own => {
                if !names::check(own, "a column", matches.span, diags) {
                    continue;
                }
                Column::Own(people.intern_column(own))
            }
        };
        if fields.get("email").is_some() && !matches!(column, Column::Email { .. }) {
            diags
                .error(fields.key_span("email"), "unknown_key", "`email` is said of `matches: email` alone")
                .help("take it out, or match the e-mail address");
        }
        let subject = Named { claim: claim.to_owned(), column };
        let credential = credential.map(str::to_owned);
        people.issuers.insert(key.text.as_str().into(), Issuer { subject, application, credential });
    }
    people
}

/// Without a catalogue nothing asks what is shared with an application, so that whoever comes through one is bound by its
/// blocks and suspensions alone.
pub(super) fn check_through(bundle: &Revision, root: &Fields<'_>, diags: &mut Diags) {
    let Some(Value::Map(issuers)) = root.get("issuers").map(|node| &node.value) else { return };
    if !bundle.records.is_empty() {
        return;
    }
    for (_, issuer) in issuers {
        let Value::Map(fields) = &issuer.value else { continue };
        for (key, _) in fields.iter().filter(|(key, _)| key.text == "application") {
            diags
                .warning(
                    key.span,
                    "sharing_not_asked",
                    "what is shared with the application is never asked, because the bundle has no `records`",
                )
                .help("declare `records` and `sharing`; without them people may do through it what they may by themselves");
        }
    }
}

/// `application: {claim: azp, matches: id}`: how the application is named that somebody comes through.
fn read_through(node: &Node, people: &mut People, diags: &mut Diags) -> Option<Through> {
    let fields = Fields::of(node, "how an application is named", &["claim", "matches", "optional"], diags)?;
    let optional = match fields.get("optional") {
        Some(node) => node.as_bool("true or false", diags)?,
        None => false,
    };
    let claim = fields.need("claim", diags).and_then(|node| node.as_text("the name of a claim", diags));
    let matches = fields.need("matches", diags)?;
    let column = match matches.as_text("the name of a column of people", diags)? {
        "id" => Column::Id,
        "email" | "kinds" | "buildings" | "enabled" | "note" => {
            let message = "this column does not name an application";
            diags.error(matches.span, "bad_name", message).help("name `id` or a column of your own");
            return None;
        }
        own => names::check(own, "a column", matches.span, diags)
            .then(|| Column::Own(people.intern_column(own)))?,
    };
    Some(Through { named: Named { claim: claim?.to_owned(), column }, optional })
}

fn from_node(key: &Key, node: &Node, known: &[&str], diags: &mut Diags) -> Option<PersonRow> {
    let entries = node.as_map("a person", diags)?;
    let id = Word { text: key.text.clone(), span: key.span };
    let mut row = PersonRow {
        id,
        kinds: Vec::new(),
        kinds_span: key.span,
        email: None,
        buildings: Vec::new(),
        enabled: true,
        keys: Vec::new(),
    };
    for (field, node) in entries {
        match field.text.as_str() {
            "kinds" => {
                row.kinds = words(node, "kinds of subjects", diags);
                row.kinds_span = node.span;
            }
            "buildings" => row.buildings = words(node, "buildings", diags),
            "enabled" => row.enabled = node.as_bool("true or false", diags).unwrap_or(false),
            "note" => {
                node.as_text("text", diags);
            }
            "id" => {
                diags
                    .error(field.span, "unknown_key", "the id of a person is the key above")
                    .help("take `id` out");
            }
            name if known.contains(&name) => {
                let Some(text) = node.as_text("text", diags) else { continue };
                let word = Word { text: text.to_owned(), span: node.span };
                match name {
                    "email" => row.email = Some(word),
                    _ => row.keys.push((name.to_owned(), word)),
                }
            }
            name => {
                let help = names::one_of(name, known);
                diags
                    .error(field.span, "unknown_key", format!("a person has no `{}`", name.escape_debug()))
                    .help(help);
            }
        }
    }
    Some(row)
}

/// A list of words with their places.
pub(super) fn words(node: &Node, what: &str, diags: &mut Diags) -> Vec<Word> {
    let mut words = Vec::new();
    for item in node.as_list(what, diags).unwrap_or_default() {
        if let Some(text) = item.as_text("a name", diags) {
            words.push(Word { text: text.to_owned(), span: item.span });
        }
    }
    words
}

fn from_row(row: &Row<'_>, own: &[String], diags: &mut Diags) -> Option<PersonRow> {
    let word =
        |column: &str| row.get(column).map(|cell| Word { text: cell.text.to_string(), span: cell.span });
    let list = |column: &str| {
        let cells = row.list(column);
        cells
            .into_iter()
            .map(|cell| Word { text: cell.text.to_string(), span: cell.span })
            .collect::<Vec<_>>()
    };
    let enabled = match word("enabled") {
        None => true,
        Some(word) => super::assignments::flag(&word, diags)?,
    };
    Some(PersonRow {
        id: word("id")?,
        kinds: list("kinds"),
        kinds_span: row.span(),
        email: word("email"),
        buildings: list("buildings"),
        enabled,
        keys: own.iter().filter_map(|column| Some((column.clone(), word(column)?))).collect(),
    })
}

impl Reader<'_> {
    fn add(&mut self, row: PersonRow, diags: &mut Diags) {
        if !names::check_id(&row.id.text, "a person", row.id.span, diags) {
            return;
        }
        if let Some(first) = self.people.find(&row.id.text) {
            let message = format!("person `{}` stands twice", row.id.text);
            let error = duplicate_name(diags, row.id.span, message, self.first.get(&first).copied());
            error.help("keep one of the two rows");
            return;
        }
        let mut kinds = Kinds::default();
        for word in &row.kinds {
            match Kind::parse(&word.text) {
                Some(kind) => kinds.insert(kind),
                None => {
                    let known = Kind::WORDS.iter().map(|(name, _)| *name);
                    names::unknown("kind of subject", &word.text, word.span, known, diags);
                }
            }
        }
        if row.kinds.is_empty() {
            diags
                .error(row.kinds_span, "missing_key", format!("`{}` is of no kind", row.id.text))
                .help("write staff, student, guardian, application or service");
        }
        let domains: Vec<&Domain> = self.domains.iter().map(|(_, domain)| domain).collect();
        let buildings = row.buildings.iter().filter_map(|word| building(word, &domains, self.scopes, diags));
        let buildings = self.buildings.put(&buildings.collect::<Vec<_>>());
        let id: Box<str> = row.id.text.as_str().into();
        let person = self.people.rows.push(Person { id: row.id.text, kinds, buildings, stages: (0, 0) });
        if !row.enabled {
            self.suspended.insert(person);
        }
        self.people.by_id.insert(id, person);
        self.first.insert(person, row.id.span);
        if let Some(word) = row.email {
            let lower = Word { text: word.text.to_ascii_lowercase(), span: word.span };
            self.add_key(EMAIL, lower, person, diags);
        }
        for (column, word) in row.keys {
            self.add_key(&column, word, person, diags);
        }
    }

    fn add_key(&mut self, column: &str, word: Word, person: PersonId, diags: &mut Diags) {
        let id = self.people.intern_column(column);
        let place = (column.to_owned(), word.text.clone());
        if self.people.by_key(id, &word.text).is_some() {
            let first = self.first_key.get(&place).copied();
            duplicate_name(diags, word.span, format!("two people have this `{column}`"), first)
                .help("a token that names both would name neither; correct one of the rows");
            return;
        }
        if let Some(keys) = self.people.columns.get_mut(id) {
            keys.people.insert(word.text.into(), person);
        }
        self.first_key.insert(place, word.span);
    }
}

fn duplicate_name(
    diags: &mut Diags,
    span: Span,
    message: String,
    first: Option<Span>,
) -> &mut crate::policy::Diagnostic {
    let also = first.map(|first| diags.place(first));
    let error = diags.error(span, "duplicate_name", message);
    if let Some(also) = also {
        error.also(also, "first written here");
    }
    error
}

/// Finds a building: a scope at the building level of one of these domains.
pub(super) fn building(
    word: &Word,
    domains: &[&Domain],
    scopes: &Scopes,
    diags: &mut Diags,
) -> Option<ScopeId> {
    let is_building = |scope: ScopeId| {
        domains.iter().any(|domain| {
            let level = domain.forms().map(|forms| forms.buildings);
            level.is_some() && domain.node(scope).map(|node| node.level) == level
        })
    };
    let found = scopes.find(&word.text).filter(|scope| is_building(*scope));
    if found.is_none() {
        let known = scopes.iter().filter(|(scope, _)| is_building(*scope)).map(|(_, name)| name);
        names::unknown("building", &word.text, word.span, known, diags);
    }
    found
}

/// What a section `suspended` may say.
pub(super) const SUSPENDED: &[&str] = &["subjects", "applications", "credentials"];

/// `suspended: {subjects: [...]}`: refused before any grant is looked at.
pub(super) fn suspend(bundle: &mut Revision, root: &Fields<'_>, diags: &mut Diags) {
    let Some(node) = root.get("suspended") else { return };
    let Some(fields) = Fields::of(node, "who is suspended", SUSPENDED, diags) else { return };
    let (suspended, credentials) = suspended(bundle, &fields, diags);
    bundle.held_off.suspended.extend(suspended.iter());
    bundle.held_off.credentials = credentials;
}

/// People and applications by id, and credentials by name, in their order.
pub(super) fn suspended(
    bundle: &Revision,
    fields: &Fields<'_>,
    diags: &mut Diags,
) -> (IdSet<PersonId>, Arc<[Box<str>]>) {
    let mut found = IdSet::new();
    for (key, what) in [("subjects", "person"), ("applications", "application")] {
        let Some(node) = fields.get(key) else { continue };
        let fits = |person: &Person| key == "subjects" || person.kinds.contains(Kind::Application);
        for word in words(node, "ids of people", diags) {
            match bundle.people.find(&word.text).filter(|person| fits(bundle.people.row(*person))) {
                Some(person) => found.insert(person),
                None => {
                    let known = bundle.people.iter().filter(|(_, person)| fits(person));
                    let known = known.map(|(_, person)| person.id.as_str());
                    names::unknown(what, &word.text, word.span, known, diags);
                }
            }
        }
    }
    let node = fields.get("credentials");
    let words = node.map(|node| words(node, "names of credentials", diags)).unwrap_or_default();
    let mut credentials: Vec<Box<str>> = words.into_iter().map(|word| word.text.into()).collect();
    credentials.sort_unstable();
    credentials.dedup();
    (found, credentials.into())
}
