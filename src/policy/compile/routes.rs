//! Routes: templates, and what each requires.

use super::changes::CHANGE;
use super::{documents, names, records, relations};
use crate::policy::access::{Access, DocumentAction};
use crate::policy::bundle::Revision;
use crate::policy::domain::Level;
use crate::policy::records::Carries;
use crate::policy::route::{
    Attribute, DocumentAttribute, Requirement, Route, ScopeAttribute, Template, are_disjoint,
};
use crate::policy::source::{Diags, Fields, Key, Node, Span, Value};
use crate::policy::table::{DomainId, PermissionId, PersonId, RouteId};

/// What a route says beside what it requires.
const ROUTE: &[&str] = &["public", "conceal", "require", "lists", "records", "query"];
/// The keys of a requirement that is no change.
const REQUIREMENT: &[&str] = &[
    "any",
    "condition",
    "permission",
    "on",
    "access",
    "document",
    "form",
    "student",
    "target",
    "giving",
    "sharing",
];
pub(super) const HELP: &str =
    "write `public`, or {permission: ..., on: ...}, or {access: ..., document: ...}, or {require: [...]}";

/// Reads the routes into the bundle.
pub(super) fn read(bundle: &mut Revision, root: &Fields<'_>, diags: &mut Diags) {
    let Some(node) = root.get("routes") else {
        let span = root.span();
        diags
            .warning(span, "no_routes", "the bundle has no routes, so every request is refused")
            .help("write `routes`, or use this bundle for `eval` and `explain` alone");
        return;
    };
    let mut places: Vec<(RouteId, Span)> = Vec::new();
    for (key, node) in node.as_map("routes by method and path", diags).unwrap_or_default() {
        let mut template = match Template::parse(&key.text) {
            Ok(template) => template,
            Err(errors) => {
                for error in errors {
                    let span = within(key, error.offset, error.length);
                    diags.error(span, "bad_template", error.message).help(error.help);
                }
                continue;
            }
        };
        let Some(mut route) = read_route(bundle, key, node, &template, diags) else { continue };
        let id = crate::policy::table::Id::from_row(bundle.routes.table.len() as u32);
        let before = bundle.routes.tree.insert(&mut template, id, route.conceal);
        route.query = template.query;
        for other in before {
            check_apart(bundle, &route, key, other, &places, diags);
        }
        places.push((bundle.routes.table.push(route), key.span));
    }
}

/// Two routes that one request could match do not load; both places are named.
fn check_apart(
    bundle: &Revision,
    route: &Route,
    key: &Key,
    other: RouteId,
    places: &[(RouteId, Span)],
    diags: &mut Diags,
) {
    let known = &bundle.routes.table[other];
    if are_disjoint(&route.query, &known.query) {
        return;
    }
    let also = places.iter().find(|(id, _)| *id == other).map(|(_, span)| diags.place(*span));
    let message = format!("`{}` and `{}` match the same requests", route.template(), known.template());
    let error = diags.error(key.span, "route_twice", message);
    if let Some(also) = also {
        error.also(also, "the other one");
    }
    error.help("take one out, or give both a query parameter with values that differ");
}

/// The part of a key that an error in its text is about. Keys with escapes in them are underlined whole.
fn within(key: &Key, offset: usize, length: usize) -> Span {
    let before = key.text.get(..offset).map(|text| text.chars().count() as u32);
    let meant = key.text.get(offset..offset + length).map_or(1, |text| text.chars().count() as u32);
    let written = key.text.chars().count() as u32;
    let quote = match key.span.length.checked_sub(written) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return key.span,
    };
    match before {
        Some(before) => Span { column: key.span.column + quote + before, length: meant, ..key.span },
        None => key.span,
    }
}

fn read_route(
    bundle: &Revision,
    key: &Key,
    node: &Node,
    template: &Template,
    diags: &mut Diags,
) -> Option<Route> {
    let mut route = Route {
        template: key.text.clone(),
        public: false,
        conceal: false,
        requirements: Vec::new(),
        carries: Carries::Unsaid,
        accepts: Vec::new(),
        query: Vec::new(),
        path_captures: template.path_captures(),
        lists: Vec::new(),
    };
    if let Value::Text { text, .. } = &node.value {
        if text != "public" {
            diags
                .error(
                    node.span,
                    "wrong_type",
                    format!("`{}` is not what a route requires", text.escape_debug()),
                )
                .help(HELP);
            return None;
        }
        route.public = true;
        return Some(route);
    }
    let fields = Fields::of(node, "a route", &route_keys(), diags)?;
    if let Some(title) = fields.get("title") {
        title.as_text("text", diags);
    }
    route.conceal =
        fields.get("conceal").and_then(|node| node.as_bool("true or false", diags)).unwrap_or(false);
    route.public =
        fields.get("public").and_then(|node| node.as_bool("true or false", diags)).unwrap_or(false);
    let captures: Vec<&str> = template.captures().collect();
    let mut reader = Reader { bundle, captures, diags };
    reader.carries(&fields, &mut route);
    if !route.public && route.carries == Carries::Unsaid && fields.get("records").is_none() {
        unsaid(bundle, key, reader.diags);
    }
    // `title` belongs to a change of a title; else it is for people.
    let own = REQUIREMENT.iter().chain(CHANGE).any(|name| *name != "title" && fields.get(name).is_some());
    let whole = reader.requirements(&fields, own, &mut route)?;
    reader.lists(&fields, &mut route)?;
    // What did not come out of a requirement is told already.
    if let (Some(node), true) = (fields.get("lists"), whole) {
        check_lists(&route, &reader.captures, node.span, reader.diags);
    }
    if whole {
        reader.check_asked_who(&route.requirements, key.span);
    }
    let required = own || fields.get("require").is_some();
    if route.public == required {
        let message = if required { "a public route requires nothing" } else { "the route requires nothing" };
        diags.error(key.span, "no_requirement", message).help(HELP);
        return None;
    }
    Some(route)
}

/// All keys of a route: what it requires may stand there without a list around it.
fn route_keys() -> Vec<&'static str> {
    let of_a_change = CHANGE.iter().filter(|name| !REQUIREMENT.contains(name));
    ROUTE.iter().chain(REQUIREMENT).chain(of_a_change).copied().collect()
}

/// A requirement of a list, which is a change if it says so.
fn requirement_fields<'a>(item: &'a Node, diags: &mut Diags) -> Option<Fields<'a>> {
    let entries = if let Value::Map(entries) = &item.value { entries.as_slice() } else { &[] };
    let known = if entries.iter().any(|(key, _)| key.text == "change") { CHANGE } else { REQUIREMENT };
    Fields::of(item, "a requirement", known, diags)
}

/// Where there is a catalogue, nobody gets an answer that may carry anything.
fn unsaid(bundle: &Revision, key: &Key, diags: &mut Diags) {
    if bundle.records.is_empty() {
        return;
    }
    diags
        .warning(
            key.span,
            "records_unsaid",
            "it is not said which records the answers carry, so nobody gets them",
        )
        .help("write `records: none`, or `records: {type: ..., at: ...}`");
}

/// A list is asked about item by item by the requirements that read it: one list each, and each by some requirement, so
/// that no item and no empty list goes unnoticed.
fn check_lists(route: &Route, captures: &[&str], span: Span, diags: &mut Diags) {
    let name = |capture: &usize| captures.get(*capture).copied().unwrap_or_default();
    for requirement in &route.requirements {
        let mut read = route.lists.iter().filter(|capture| requirement.reads(**capture));
        if let (Some(first), Some(second)) = (read.next(), read.next()) {
            let message =
                format!("one requirement reads two lists, `{}` and `{}`", name(first), name(second));
            diags.error(span, "two_lists", message).help("let one of the two name one thing alone");
        }
    }
    let is_read = |capture: &usize| route.requirements.iter().any(|requirement| requirement.reads(*capture));
    for capture in route.lists.iter().filter(|capture| !is_read(capture)) {
        let message = format!("no requirement reads the list `{}`", name(capture));
        diags
            .error(span, "list_not_read", message)
            .help("take it out of `lists`, or require something of its items");
    }
}

/// A person whom a requirement may name.
type Named = Option<Attribute<PersonId>>;

/// Reads what a route requires.
pub(super) struct Reader<'a, 'd> {
    pub(super) bundle: &'a Revision,
    captures: Vec<&'a str>,
    pub(super) diags: &'d mut Diags,
}

impl Reader<'_, '_> {
    /// What a route requires, at itself (`own`) and in `require`. Whether every requirement came out.
    fn requirements(&mut self, fields: &Fields<'_>, own: bool, route: &mut Route) -> Option<bool> {
        if own {
            route.requirements.extend(self.requirement(fields)?);
        }
        let mut written = usize::from(own);
        if let Some(list) = fields.get("require") {
            let items = list.as_list("a list of requirements", self.diags)?;
            written += items.len();
            if items.is_empty() {
                self.diags.error(list.span, "empty_list", "an empty list requires nothing").help(HELP);
            }
            for item in items {
                let Some(fields) = requirement_fields(item, self.diags) else { continue };
                route.requirements.extend(self.requirement(&fields)?);
            }
        }
        Some(route.requirements.len() == written)
    }

    /// The captures that hold a list.
    fn lists(&mut self, fields: &Fields<'_>, route: &mut Route) -> Option<()> {
        let Some(node) = fields.get("lists") else { return Some(()) };
        for item in node.as_list("parameters that hold a list", self.diags)? {
            let Some(name) = item.as_text("a parameter", self.diags) else { continue };
            let capture = self.capture_named(name, item.span);
            route.lists.extend(capture.filter(|capture| !route.lists.contains(capture)));
        }
        Some(())
    }

    fn requirement(&mut self, fields: &Fields<'_>) -> Option<Option<Requirement>> {
        if let Some(node) = fields.get("change") {
            let others: Vec<&str> =
                REQUIREMENT.iter().copied().filter(|name| !CHANGE.contains(name)).collect();
            self.refuse_others(fields, &others, "a change");
            return Some(self.change(fields, node));
        }
        self.refuse_others(fields, &["domain", "role", "permissions", "category"], "what is no change");
        if let Some(node) = fields.get("any") {
            self.refuse_others(fields, REQUIREMENT.get(1..).unwrap_or_default(), "`any`");
            return Some(self.any(node));
        }
        if let Some(node) = fields.get("sharing") {
            let others = REQUIREMENT.iter().filter(|name| !["any", "sharing"].contains(name)).copied();
            self.refuse_others(fields, &others.collect::<Vec<_>>(), "`sharing`");
            return Some(self.record_type(node).map(Requirement::Sharing));
        }
        if let Some(node) = fields.get("condition") {
            self.refuse_others(
                fields,
                &["permission", "access", "document", "form", "giving"],
                "a condition",
            );
            return Some(self.conditional(fields, node));
        }
        match (fields.get("permission"), fields.get("access")) {
            (Some(node), None) => {
                self.refuse_others(fields, &["document", "form", "giving"], "a permission");
                Some(self.permission(fields, node))
            }
            (None, Some(node)) => {
                self.refuse_others(fields, &["on"], "an access to a document");
                Some(self.document(fields, node))
            }
            _ => {
                let message = "a requirement is either a `permission` or an `access`";
                self.diags.error(fields.span(), "no_requirement", message).help(HELP);
                None
            }
        }
    }

    /// One of these is enough. One level deep: what is nested is hard to explain.
    fn any(&mut self, node: &Node) -> Option<Requirement> {
        let items = node.as_list("a list of requirements", self.diags)?;
        let mut alternatives = Vec::new();
        for item in items {
            let Some(fields) = requirement_fields(item, self.diags) else { continue };
            if fields.get("any").is_some() {
                let message = "an `any` inside an `any`";
                self.diags
                    .error(fields.key_span("any"), "nested_any", message)
                    .help("list all alternatives side by side");
                continue;
            }
            alternatives.extend(self.requirement(&fields).flatten());
        }
        if items.is_empty() {
            self.diags.error(node.span, "empty_list", "an empty list allows nothing").help(HELP);
        }
        Some(Requirement::Any(alternatives))
    }

    pub(super) fn refuse_others(&mut self, fields: &Fields<'_>, others: &[&str], what: &str) {
        for name in others.iter().filter(|name| fields.get(name).is_some()) {
            let message = format!("`{name}` does not go with {what}");
            self.diags.error(fields.key_span(name), "unknown_key", message).help(HELP);
        }
    }

    fn permission(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Requirement> {
        let name = node.as_text("the name of a permission", self.diags)?;
        let bundle = self.bundle;
        let (domain, permission) = self.permission_named(name, node.span)?;
        let level = bundle.domains[domain].permissions()[permission].level;
        let on = fields.need("on", self.diags)?;
        let scope = self.scope(on, &bundle.domains[domain], level)?;
        let (student, target) = self.people(fields)?;
        Some(Requirement::Permission { domain, permission, scope, student, target })
    }

    /// Finds a permission by its name outside of its domain.
    pub(super) fn permission_named(&mut self, name: &str, span: Span) -> Option<(DomainId, PermissionId)> {
        records::permission_named(self.bundle, name, span, self.diags)
    }

    /// `student` and `target`, where they are named.
    fn people(&mut self, fields: &Fields<'_>) -> Option<(Named, Named)> {
        let bundle = self.bundle;
        let mut read = |name: &str| match fields.get(name) {
            Some(node) => self.attribute(node, "a person", |id| bundle.people().find(id)).map(Some),
            None => Some(None),
        };
        Some((read("student")?, read("target")?))
    }

    fn conditional(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Requirement> {
        let condition = self.condition(node, 0);
        let scope = match fields.get("on") {
            None => None,
            Some(on) => Some(self.scope_of_any_domain(on)?),
        };
        let (student, target) = self.people(fields)?;
        if let Some(condition) = &condition {
            self.check_named(condition, fields, node.span);
        }
        Some(Requirement::Condition { condition: condition?, scope, student, target })
    }

    /// `class/1A` or `class/{class}`, where no permission says which domain is meant.
    fn scope_of_any_domain(&mut self, node: &Node) -> Option<ScopeAttribute> {
        let text = node.as_text("a scope", self.diags)?;
        let (level_name, id) = text.split_once('/').unwrap_or((text, ""));
        if let Some(level) = self.bundle.scopes.level(level_name).filter(|_| id.starts_with('{')) {
            return self.capture(id, node.span).map(|capture| ScopeAttribute::Captured(level, capture));
        }
        relations::scope(self.bundle, text, node.span, self.diags).map(ScopeAttribute::Fixed)
    }

    /// `class/1A` or `class/{class}`, of the permission's level or narrower.
    pub(super) fn scope(
        &mut self,
        node: &Node,
        domain: &crate::policy::domain::Domain,
        asked: Level,
    ) -> Option<ScopeAttribute> {
        const HELP: &str = "write `level/id` or `level/{parameter}`";
        let text = node.as_text("a scope", self.diags)?;
        let Some((level_name, id)) = text.split_once('/') else {
            let message = format!("`{}` does not say its level", text.escape_debug());
            self.diags.error(node.span, "bad_name", message).help(HELP);
            return None;
        };
        let Some(level) = domain.level(level_name) else {
            names::unknown(
                "level",
                level_name,
                node.span,
                domain.levels().iter().map(String::as_str),
                self.diags,
            );
            return None;
        };
        if level.is_broader_than(asked) {
            let message = format!("the permission is of level {}", domain.level_name(asked));
            let help = format!("ask it on a scope of that level or narrower, not of level {level_name}");
            self.diags.error(node.span, "wrong_level", message).help(help);
            return None;
        }
        if id.starts_with('{') {
            let capture = self.capture(id, node.span)?;
            let level = self.bundle.scopes.level(level_name)?;
            return Some(ScopeAttribute::Captured(level, capture));
        }
        let found = self.bundle.scopes.find(text).filter(|scope| domain.node(*scope).is_some());
        if found.is_none() {
            let known = self.bundle.scopes.iter().filter(|(scope, _)| domain.node(*scope).is_some());
            let known: Vec<&str> = known.map(|(_, name)| name).collect();
            names::unknown("scope", text, node.span, known, self.diags);
        }
        found.map(ScopeAttribute::Fixed)
    }

    fn document(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Requirement> {
        let action = crate::policy::source::choose(
            node,
            "what is done with a document",
            DocumentAction::WORDS,
            self.diags,
        )?;
        let document = self.document_attribute(fields, action)?;
        let gives = matches!(action, DocumentAction::Share | DocumentAction::Transfer);
        if !gives {
            self.refuse_others(fields, &["target", "giving"], "this access");
        }
        let bundle = self.bundle;
        let target = match fields.get("target") {
            Some(node) => Some(self.attribute(node, "a person", |id| bundle.people.find(id))?),
            None if gives => {
                fields.need("target", self.diags);
                return None;
            }
            None => None,
        };
        let giving = match fields.get("giving") {
            Some(node) => Some(self.attribute(node, "an access", Access::parse)?),
            None if action == DocumentAction::Share => {
                fields.need("giving", self.diags);
                return None;
            }
            None => None,
        };
        Some(Requirement::Document { action, document, target, giving })
    }

    fn document_attribute(
        &mut self,
        fields: &Fields<'_>,
        action: DocumentAction,
    ) -> Option<DocumentAttribute> {
        if let Some(node) = fields.get("document") {
            self.refuse_others(fields, &["form", "student"], "`document`");
            if action == DocumentAction::Create {
                let message = "a document that is created has no id yet";
                self.diags
                    .error(fields.key_span("document"), "unknown_key", message)
                    .help("write `form` and `student`");
                return None;
            }
            let text = node.as_text("a parameter", self.diags)?;
            return self.capture(text, node.span).map(DocumentAttribute::Listed);
        }
        let (Some(form), Some(student)) = (fields.get("form"), fields.get("student")) else {
            self.diags
                .error(fields.span(), "missing_key", "it does not say which document is meant")
                .help("write `document: \"{parameter}\"`, or `form` and `student`");
            return None;
        };
        let bundle = self.bundle;
        let student = self.attribute(student, "a person", |id| bundle.people.find(id))?;
        let text = form.as_text("a form", self.diags)?;
        if text.starts_with('{') {
            // Captured forms are looked up in the one domain that has forms.
            let capture = self.capture(text, form.span)?;
            let mut with_forms = bundle.domains.iter().filter(|(_, domain)| domain.forms().is_some());
            let (Some((domain, _)), None) = (with_forms.next(), with_forms.next()) else {
                self.diags
                    .error(
                        form.span,
                        "unknown_name",
                        "it is not clear in which domain this form is looked up",
                    )
                    .help("write the form out, as `domain/form`");
                return None;
            };
            return Some(DocumentAttribute::Of { domain, form: Attribute::Captured(capture), student });
        }
        let (domain, form) = documents::find_form(bundle, text, form.span, self.diags)?;
        Some(DocumentAttribute::Of { domain, form: Attribute::Fixed(form), student })
    }

    /// A value that is written out, or `{parameter}`.
    pub(super) fn attribute<T>(
        &mut self,
        node: &Node,
        what: &str,
        find: impl Fn(&str) -> Option<T>,
    ) -> Option<Attribute<T>> {
        let text = node.as_text(what, self.diags)?;
        if text.starts_with('{') {
            return self.capture(text, node.span).map(Attribute::Captured);
        }
        let found = find(text);
        if found.is_none() {
            let message = format!("`{}` is not {what}", text.escape_debug());
            self.diags
                .error(node.span, "unknown_name", message)
                .help("or write `{parameter}` to take it from the request");
        }
        found.map(Attribute::Fixed)
    }

    pub(super) fn capture(&mut self, text: &str, span: Span) -> Option<usize> {
        let Some(name) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
            let message = format!("`{}` is not a parameter of this route", text.escape_debug());
            self.diags.error(span, "unknown_name", message).help("write `{name}`, as in the template");
            return None;
        };
        self.capture_named(name, span)
    }

    pub(super) fn capture_named(&mut self, name: &str, span: Span) -> Option<usize> {
        let found = self.captures.iter().position(|capture| *capture == name);
        if found.is_none() {
            names::unknown("parameter of this route", name, span, self.captures.iter().copied(), self.diags);
        }
        found
    }
}
