//! What is shared with each application: types, which records of them, and which fields.

use super::names;
use super::records::{EXTENSION_FIELDS, reaches, texts};
use crate::policy::bundle::Revision;
use crate::policy::people::Kind;
use crate::policy::records::{RecordType, Records, Shared, SharedType, Sharing};
use crate::policy::source::{Diags, Fields, Key, Node, Span, Value};
use crate::policy::table::{Id, PersonId, RecordTypeId};

const TYPE: &[&str] = &["only", "fields", "implies"];
const FIELDS_HELP: &str = "list the fields, or write `all`, which leaves sensitive ones out";

/// `sharing: {vendor: {students: {only: {...}, fields: [...]}, contacts: off}}`.
pub(super) fn read(
    bundle: &Revision,
    records: &Records,
    root: &Fields<'_>,
    diags: &mut Diags,
) -> Vec<(PersonId, Sharing)> {
    let mut all = Vec::new();
    let Some(node) = root.get("sharing") else { return all };
    if records.is_empty() {
        diags
            .error(root.key_span("sharing"), "missing_key", "there is no catalogue of what could be shared")
            .help("write `records` with the types and their fields");
        return all;
    }
    for (key, node) in node.as_map("what is shared, by application", diags).unwrap_or_default() {
        let is_one = |id: &PersonId| bundle.people.row(*id).kinds.contains(Kind::Application);
        let application = bundle.people.find(&key.text).filter(is_one);
        if application.is_none() {
            let known = bundle.people.iter().filter(|(id, _)| is_one(id)).map(|(_, row)| row.id.as_str());
            names::unknown("application", &key.text, key.span, known, diags);
        }
        let reader = Reader { bundle, records };
        let sharing = reader.sharing(node, diags);
        all.extend(application.zip(sharing));
    }
    all.sort_by_key(|(id, _)| *id);
    all
}

struct Reader<'a> {
    bundle: &'a Revision,
    records: &'a Records,
}

/// What a type implies, with its place.
struct Implies {
    from: RecordTypeId,
    to: RecordTypeId,
    span: Span,
}

impl Reader<'_> {
    fn sharing(&self, node: &Node, diags: &mut Diags) -> Option<Sharing> {
        let entries = node.as_map("what is shared, by type of record", diags)?;
        let types = &self.records.types;
        let mut sharing = Sharing { types: types.iter().map(|_| None).collect(), extensions: None };
        let mut implied = Vec::new();
        let mut only_implied: Vec<(RecordTypeId, Span)> = Vec::new();
        for (key, node) in entries {
            if key.text == EXTENSION_FIELDS {
                sharing.extensions = self.extensions(key, node, diags);
                continue;
            }
            let Some(id) = self.type_named(&key.text, key.span, diags) else { continue };
            if node.is_off() {
                continue;
            }
            let shared = self.shared_type(id, node, &mut implied, diags);
            if shared.as_ref().is_some_and(|shared| shared.only_implied) {
                only_implied.push((id, key.span));
            }
            if let Some(slot) = sharing.types.get_mut(id.row()) {
                *slot = shared;
            }
        }
        self.imply(&mut sharing, &implied, diags);
        for (id, span) in only_implied {
            if !implied.iter().any(|implies| implies.to == id) {
                let message = format!("no type implies `{}`", types[id].name);
                diags.error(span, "not_implied", message).help("name it in the `implies` of another type");
            }
        }
        Some(sharing)
    }

    fn type_named(&self, name: &str, span: Span, diags: &mut Diags) -> Option<RecordTypeId> {
        let found = self.records.find(name);
        if found.is_none() {
            let known = self.records.types.iter().map(|(_, record)| record.name.as_str());
            names::unknown("type of record", name, span, known.chain([EXTENSION_FIELDS]), diags);
        }
        found
    }

    fn shared_type(
        &self,
        id: RecordTypeId,
        node: &Node,
        implied: &mut Vec<Implies>,
        diags: &mut Diags,
    ) -> Option<SharedType> {
        let record = &self.records.types[id];
        let fields = Fields::of(node, "what is shared of a type", TYPE, diags)?;
        let mut shared = SharedType::default();
        if let Some(node) = fields.get("only") {
            self.only(record, node, &mut shared, diags);
        }
        if let Some(node) = fields.get("implies") {
            for item in node.as_list("types of records", diags).unwrap_or_default() {
                let Some(name) = item.as_text("a type of record", diags) else { continue };
                let to = self.type_named(name, item.span, diags);
                implied.extend(to.map(|to| Implies { from: id, to, span: item.span }));
            }
        }
        let Some(node) = fields.get("fields") else {
            let message = format!("it is not said which fields of `{}` are shared", record.name);
            diags.error(fields.span(), "missing_key", message).help(FIELDS_HELP);
            return None;
        };
        let known = record.fields.iter().map(|(_, field)| field.path.as_str());
        let known: Vec<&str> = known.filter(|path| record.extension(path).is_none()).collect();
        shared.fields = self.fields(node, &known, diags)?;
        Some(shared)
    }

    /// `all`, or a list of paths that may begin with it. What is sensitive is shared by being written out.
    fn fields(&self, node: &Node, known: &[&str], diags: &mut Diags) -> Option<Shared> {
        let is_all = |node: &Node| matches!(&node.value, Value::Text { text, plain: true } if text == "all");
        let named = match &node.value {
            _ if is_all(node) => Vec::new(),
            Value::List(items) => {
                if items.iter().skip(1).any(is_all) {
                    diags.error(node.span, "wrong_type", "`all` comes first in a list");
                }
                texts(node, "fields", diags)
            }
            _ => {
                let message = format!("expected fields, found {}", node.kind());
                diags.error(node.span, "wrong_type", message).help(FIELDS_HELP);
                return None;
            }
        };
        let all = is_all(node) || named.first().is_some_and(|first| first == "all");
        let mut shared = Shared::default();
        if all {
            let harmless = |path: &&&str| {
                let is_sensitive = |name: &str| self.records.is_sensitive(name);
                !crate::policy::records::steps(path).any(|(_, name)| is_sensitive(name))
            };
            shared.covered.extend(known.iter().filter(harmless).map(|path| (*path).to_owned()));
        }
        for path in named.into_iter().filter(|path| path != "all") {
            if !known.contains(&path.as_str()) {
                let items = node.as_list("fields", diags).unwrap_or_default();
                let item = items
                    .iter()
                    .find(|item| matches!(&item.value, Value::Text { text, .. } if *text == path));
                let span = item.map_or(node.span, |item| item.span);
                names::unknown("field", &path, span, known.iter().copied().chain(["all"]), diags);
                continue;
            }
            if !shared.covered.contains(&path) {
                shared.covered.push(path.clone());
            }
            shared.listed.push(path);
        }
        Some(shared)
    }

    /// `extension_fields: {fields: [bus_route]}`: by the names behind the member of the extension fields, whatever the type.
    fn extensions(&self, key: &Key, node: &Node, diags: &mut Diags) -> Option<Shared> {
        if node.is_off() {
            return None;
        }
        let types = || self.records.types.iter().map(|(_, record)| record);
        if types().all(|record| record.extensions.is_none()) {
            diags
                .error(key.span, "unknown_name", "no type of record has extension fields")
                .help("name the member that holds them: `extensions: ext`");
            return None;
        }
        let mut known: Vec<&str> = types()
            .flat_map(|record| record.fields.iter().filter_map(|(_, field)| record.extension(&field.path)))
            .filter(|rest| !rest.is_empty())
            .collect();
        known.sort_unstable();
        known.dedup();
        let fields = Fields::of(node, "which extension fields are shared", &["fields"], diags)?;
        self.fields(fields.need("fields", diags)?, &known, diags)
    }

    /// `{school: [north], relationship: [parent]}`, or `implied`.
    fn only(&self, record: &RecordType, node: &Node, shared: &mut SharedType, diags: &mut Diags) {
        if matches!(&node.value, Value::Text { text, plain: true } if text == "implied") {
            shared.only_implied = true;
            return;
        }
        let entries = node.as_map("attributes with their values", diags).unwrap_or_default();
        if entries.is_empty() && matches!(node.value, Value::Map(_)) {
            diags
                .error(node.span, "empty_list", "a filter without an attribute filters nothing")
                .help("take it out");
        }
        for (key, node) in entries {
            let values = texts(node, "values", diags);
            if matches!(&node.value, Value::List(items) if items.is_empty()) {
                diags
                    .error(node.span, "empty_list", "no record has a value of an empty list")
                    .help("write `off` for the type, or `only: implied`");
            }
            let has = |names: &[String]| names.contains(&key.text);
            // A name may be one of the ways to several types, and of the record too: then it filters all of them.
            let ways = record.links.iter().filter(|(_, names)| has(names));
            let ways = ways.map(|(parent, _)| (*parent, key.text.clone(), values.clone()));
            let before = shared.only_links.len();
            shared.only_links.extend(ways);
            let on_the_way = shared.only_links.len() > before;
            let own = record.scope.as_ref().filter(|scope| scope.attribute == key.text);
            let known = own.is_some()
                || has(&record.keys)
                || record.student.as_ref() == Some(&key.text)
                || record.field(&key.text).is_some();
            match (on_the_way, known) {
                (true, false) => {}
                (_, true) => {
                    if let Some(scope) = own {
                        self.check_scopes(scope.level, node, diags);
                    }
                    shared.only.push((key.text.clone(), values));
                }
                (false, false) => {
                    let fields = record.fields.iter().map(|(_, field)| field.path.as_str());
                    let links = record.links.iter().flat_map(|(_, names)| names);
                    let more = record.keys.iter().chain(links).chain(record.student.iter());
                    let more = more.chain(record.scope.iter().map(|scope| &scope.attribute));
                    let known: Vec<&str> = fields.chain(more.map(String::as_str)).collect();
                    names::unknown("attribute to filter by", &key.text, key.span, known, diags);
                }
            }
        }
    }

    /// A school that is not in the bundle would quietly share nothing.
    fn check_scopes(&self, level: crate::policy::table::LevelId, node: &Node, diags: &mut Diags) {
        let scopes = &self.bundle.scopes;
        for item in node.as_list("values", diags).unwrap_or_default() {
            let Value::Text { text, .. } = &item.value else { continue };
            if scopes.find_in(level, text).is_none() {
                let name = scopes.level_name(level);
                let known =
                    scopes.iter().filter_map(|(_, known)| known.strip_prefix(name)?.strip_prefix('/'));
                names::unknown(name, text, item.span, known, diags);
            }
        }
    }

    /// What is implied has the fields of its own rule; and nothing is shared because of itself.
    fn imply(&self, sharing: &mut Sharing, implied: &[Implies], diags: &mut Diags) {
        let types = &self.records.types;
        for Implies { from, to, span } in implied {
            let Some(Some(shared)) = sharing.types.get_mut(to.row()) else {
                let message = format!("it is not said which fields of `{}` are shared", types[*to].name);
                let help = format!("write `{}: {{only: implied, fields: [...]}}`", types[*to].name);
                diags.error(*span, "implied_without_fields", message).help(help);
                continue;
            };
            shared.implied_by.push(*from);
        }
        let next = |id: RecordTypeId| {
            let by = implied.iter().filter(|implies| implies.to == id).map(|implies| implies.from);
            types[id].parents.iter().copied().chain(by).collect::<Vec<_>>()
        };
        for Implies { from, to, span } in implied {
            if reaches(*from, *to, &next, types.len()) || from == to {
                let message = format!("`{}` would be shared because of itself", types[*to].name);
                diags.error(*span, "cycle", message).help("take one of the two steps out");
            }
        }
    }
}
