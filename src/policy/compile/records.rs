//! The catalogue of records: types, their fields, and what is asked of people who see them.

use super::names;
use crate::policy::bundle::Revision;
use crate::policy::records::{Field, OwnScope, RecordType, Records};
use crate::policy::source::{Diags, Fields, Key, Node, Span, Value};
use crate::policy::table::{DomainId, Id, LevelId, PermissionId, RecordTypeId, Table};

const TYPE: &[&str] =
    &["scope", "student", "parents", "view", "fields", "keys", "links", "extensions", "title"];

/// The rule for extension fields, which no type can be called.
pub(super) const EXTENSION_FIELDS: &str = "extension_fields";

/// `records: {student: {scope: school, parents: [school], view: students.view, fields: {...}}}`.
pub(super) fn read(bundle: &Revision, root: &Fields<'_>, diags: &mut Diags) -> Records {
    let mut records = Records::default();
    let Some(node) = root.get("records") else { return records };
    let entries = node.as_map("the types of records by name", diags).unwrap_or_default();
    // Types refer to each other, so all names are known before any type is read.
    let known: Vec<&str> = entries.iter().map(|(key, _)| key.text.as_str()).collect();
    for (key, node) in entries {
        names::check(&key.text, "a type of record", key.span, diags);
        if key.text == EXTENSION_FIELDS {
            let message = format!("`{EXTENSION_FIELDS}` cannot be the name of a type of record");
            diags
                .error(key.span, "bad_name", message)
                .help("it names the rule for the fields of `extensions`");
        }
        let reader = Reader { bundle, known: &known };
        let record = reader.record_type(key, node, diags).unwrap_or_else(|| RecordType {
            name: key.text.clone(),
            scope: None,
            student: None,
            parents: Vec::new(),
            view: None,
            fields: Table::default(),
            keys: Vec::new(),
            links: Vec::new(),
            extensions: None,
        });
        records.types.push(record);
    }
    let parents = |id: RecordTypeId| records.types[id].parents.clone();
    for (id, key) in (0..).map(RecordTypeId::from_row).zip(entries.iter().map(|(key, _)| key)) {
        if reaches(id, id, &parents, known.len()) {
            let message = format!("`{}` is among its own parents", key.text);
            diags.error(key.span, "cycle", message).help("a record cannot be visible through itself");
        }
    }
    let fields = records.types.iter().flat_map(|(_, record)| record.fields.iter());
    let sensitive = fields.filter(|(_, field)| field.sensitive).map(|(_, field)| field.name().to_owned());
    records.sensitive = sensitive.collect();
    records.sensitive.sort_unstable();
    records.sensitive.dedup();
    records
}

/// Whether steps from `from` lead to `to`.
pub(super) fn reaches(
    from: RecordTypeId,
    to: RecordTypeId,
    next: &dyn Fn(RecordTypeId) -> Vec<RecordTypeId>,
    types: usize,
) -> bool {
    let mut seen = vec![false; types];
    let mut open = next(from);
    while let Some(id) = open.pop() {
        if id == to {
            return true;
        }
        match seen.get_mut(id.row()) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        open.extend(next(id));
    }
    false
}

struct Reader<'a> {
    bundle: &'a Revision,
    known: &'a [&'a str],
}

impl Reader<'_> {
    fn record_type(&self, key: &Key, node: &Node, diags: &mut Diags) -> Option<RecordType> {
        let fields = Fields::of(node, "a type of record", TYPE, diags)?;
        if let Some(title) = fields.get("title") {
            title.as_text("text", diags);
        }
        let scope = fields.get("scope").and_then(|node| self.scope(node, diags));
        let parents = match fields.get("parents") {
            Some(node) => self.parents(node, diags),
            None => Vec::new(),
        };
        let level = scope.as_ref().map(|scope| scope.level);
        let view = fields.get("view").and_then(|node| self.permission(node, level, diags));
        if fields.get("view").is_some() && fields.get("scope").is_none() && parents.is_empty() {
            let message = format!("it is not said on which scope people see a `{}`", key.text);
            diags.error(fields.key_span("view"), "missing_key", message).help("name `scope`, or `parents`");
        }
        let mut text = |name| {
            fields.get(name).and_then(|node| node.as_text("the name of a member", diags)).map(str::to_owned)
        };
        let (student, extensions) = (text("student"), text("extensions"));
        let mut table = Table::default();
        let listed = fields.need("fields", diags);
        for (path, node) in
            listed.and_then(|node| node.as_map("the fields by path", diags)).unwrap_or_default()
        {
            check_path(&path.text, path.span, diags);
            table.push(self.field(path, node, level, diags));
        }
        let keys =
            fields.get("keys").map(|node| texts(node, "names of attributes", diags)).unwrap_or_default();
        let links = fields.get("links").map(|node| self.links(node, &parents, diags)).unwrap_or_default();
        Some(RecordType {
            name: key.text.clone(),
            scope,
            student,
            parents,
            view,
            fields: table,
            keys,
            links,
            extensions,
        })
    }

    /// `school`, or `{level: school, from: id}`.
    fn scope(&self, node: &Node, diags: &mut Diags) -> Option<OwnScope> {
        let (level, from) = match &node.value {
            Value::Map(_) => {
                let fields = Fields::of(node, "where a record says its scope", &["level", "from"], diags)?;
                let from = fields.need("from", diags).and_then(|node| node.as_text("an attribute", diags));
                (fields.need("level", diags)?, Some(from?))
            }
            _ => (node, None),
        };
        let name = level.as_text("a level", diags)?;
        let Some(id) = self.bundle.scopes.level(name) else {
            let levels = self.bundle.domains.iter().flat_map(|(_, domain)| domain.levels());
            names::unknown("level", name, level.span, levels.map(String::as_str), diags);
            return None;
        };
        Some(OwnScope { level: id, attribute: from.unwrap_or(name).to_owned() })
    }

    fn type_named(&self, node: &Node, diags: &mut Diags) -> Option<RecordTypeId> {
        let name = node.as_text("a type of record", diags)?;
        let found = self.known.iter().position(|known| *known == name);
        if found.is_none() {
            names::unknown("type of record", name, node.span, self.known.iter().copied(), diags);
        }
        found.map(|at| RecordTypeId::from_row(at as u32))
    }

    fn parents(&self, node: &Node, diags: &mut Diags) -> Vec<RecordTypeId> {
        let mut parents = Vec::new();
        for item in node.as_list("types of records", diags).unwrap_or_default() {
            let Some(parent) = self.type_named(item, diags) else { continue };
            if parents.contains(&parent) {
                diags.error(item.span, "duplicate_name", "this parent is named twice").help("take one out");
                continue;
            }
            parents.push(parent);
        }
        parents
    }

    /// `{students: [relationship]}`: attributes of the way to a parent.
    fn links(
        &self,
        node: &Node,
        parents: &[RecordTypeId],
        diags: &mut Diags,
    ) -> Vec<(RecordTypeId, Vec<String>)> {
        let mut links = Vec::new();
        for (key, node) in node.as_map("attributes by parent", diags).unwrap_or_default() {
            let parent =
                parents.iter().find(|parent| self.known.get(parent.row()) == Some(&key.text.as_str()));
            let Some(parent) = parent else {
                let known = parents.iter().filter_map(|parent| self.known.get(parent.row()).copied());
                names::unknown("parent", &key.text, key.span, known, diags);
                continue;
            };
            links.push((*parent, texts(node, "names of attributes", diags)));
        }
        links
    }

    fn field(&self, path: &Key, node: &Node, level: Option<LevelId>, diags: &mut Diags) -> Field {
        let mut field = Field { path: path.text.clone(), needs: None, sensitive: false, refers: None };
        if matches!(node.value, Value::Null) {
            return field;
        }
        let Some(fields) = Fields::of(node, "a field", &["needs", "sensitive", "refers", "title"], diags)
        else {
            return field;
        };
        if let Some(title) = fields.get("title") {
            title.as_text("text", diags);
        }
        field.needs = fields.get("needs").and_then(|node| self.permission(node, level, diags));
        field.sensitive =
            fields.get("sensitive").and_then(|node| node.as_bool("true or false", diags)).unwrap_or(false);
        field.refers = fields.get("refers").and_then(|node| self.type_named(node, diags));
        field
    }

    /// A permission that can be asked on scopes of the record's level.
    fn permission(
        &self,
        node: &Node,
        on: Option<LevelId>,
        diags: &mut Diags,
    ) -> Option<(DomainId, PermissionId)> {
        let name = node.as_text("the name of a permission", diags)?;
        let (domain, permission) = permission_named(self.bundle, name, node.span, diags)?;
        let Some(on) = on else { return Some((domain, permission)) };
        let row = &self.bundle.domains[domain];
        let asked = row.permissions()[permission].level;
        let on = self.bundle.scopes.level_name(on);
        if row.level(on).is_none_or(|level| level.is_broader_than(asked)) {
            let message = format!("`{name}` is of level {}", row.level_name(asked));
            let help = format!("it is asked on the {on} of a record; name one that can be asked there");
            diags.error(node.span, "wrong_level", message).help(help);
            return None;
        }
        Some((domain, permission))
    }
}

/// Finds a permission by its name outside of its domain.
pub(super) fn permission_named(
    bundle: &Revision,
    name: &str,
    span: Span,
    diags: &mut Diags,
) -> Option<(DomainId, PermissionId)> {
    let in_domain = |(id, name): (DomainId, &str)| Some((id, bundle.domains[id].permission(name)?));
    let found = bundle.split_name(name).and_then(in_domain);
    if found.is_none() {
        let all = bundle.domains.iter().flat_map(|(id, domain)| {
            domain.permissions().iter().map(move |(_, permission)| bundle.outside_name(id, &permission.name))
        });
        let known: Vec<String> = all.collect();
        names::unknown("permission", name, span, known.iter().map(String::as_str), diags);
    }
    found
}

/// Names with dots between them, each as JSON can have it.
fn check_path(path: &str, span: Span, diags: &mut Diags) {
    let fits = |name: &str| {
        !name.is_empty() && name.len() <= 128 && name == name.trim() && !name.chars().any(char::is_control)
    };
    // `all` is a word of the sharing.
    if path == "all" || !path.split('.').all(fits) {
        diags
            .error(span, "bad_name", format!("`{}` cannot be the path of a field", path.escape_debug()))
            .help("write names with a dot between them: `name`, or `name.first`");
    }
}

/// A list of text; one that is named twice is a mistake.
pub(super) fn texts(node: &Node, what: &str, diags: &mut Diags) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for item in node.as_list(what, diags).unwrap_or_default() {
        let Some(text) = item.as_text("text", diags) else { continue };
        if found.iter().any(|known| known == text) {
            let message = format!("`{}` is named twice", text.escape_debug());
            diags.error(item.span, "duplicate_name", message).help("take one out");
            continue;
        }
        found.push(text.to_owned());
    }
    found
}
