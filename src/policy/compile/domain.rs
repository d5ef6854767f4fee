//! Domains: levels, trees of scopes, and who must hold a role.

use super::files::Files;
use super::{Word, forms, names, permissions, plans, roles};
use crate::policy::bundle::{Revision, Scopes};
use crate::policy::domain::{Domain, Level, Mandatory, Precedence, TreeNode};
use crate::policy::people::{Kind, Kinds};
use crate::policy::source::{Diags, Fields, Node, Span, Value, choose, read_table};
use crate::policy::table::{DomainId, Id, IdSet, PersonId, RoleId, ScopeId, Table};
use std::collections::HashMap;

const KNOWN: &[&str] = &[
    "precedence",
    "levels",
    "same_scope",
    "mandatory",
    "default_role",
    "scopes",
    "modules",
    "roles",
    "forms",
    "buildings",
    "when_unassigned",
    "when_no_buildings",
    "explicit_grants_outside_buildings",
    "create_outside_buildings",
    "role_without_buildings",
    "expects",
    "title",
    "base",
    "modules_off",
    "plans",
    "plan_of",
    "titles",
    "archived",
    "self_update",
    "rosters",
    "from_roster",
];

const LEVELS_MAX: usize = 16;

/// A domain of which the levels and the tree are read.
pub(super) struct Draft<'a> {
    pub(super) name: String,
    pub(super) fields: Fields<'a>,
    pub(super) levels: Vec<String>,
    precedence: Precedence,
    pub(super) same_scope_is_an_error: bool,
    nodes: HashMap<ScopeId, (TreeNode, Span)>,
    /// Scopes whose rows say so.
    archived: Vec<ScopeId>,
    /// The rosters whose orgs and classes join its tree.
    pub(super) rosters: Vec<String>,
}

impl Draft<'_> {
    /// Stands a scope of a roster in the tree, unless it stands there by hand.
    pub(super) fn stand(&mut self, scope: ScopeId, level: Level, parent: Option<ScopeId>, place: Span) {
        self.nodes.entry(scope).or_insert((TreeNode { level, parent }, place));
    }

    pub(super) fn level(&self, name: &str) -> Option<Level> {
        self.levels.iter().position(|level| level == name).map(|at| Level(at as u8))
    }

    /// Reads the name of a level of this domain.
    pub(super) fn read_level(&self, node: &Node, diags: &mut Diags) -> Option<Level> {
        let name = node.as_text("the name of a level", diags)?;
        let level = self.level(name);
        if level.is_none() {
            names::unknown("level", name, node.span, self.levels.iter().map(String::as_str), diags);
        }
        level
    }
}

/// Reads the levels and trees of all domains, those of `scopes.csv` too.
pub(super) fn read_all<'a>(
    root: &Fields<'a>,
    files: &Files<'_>,
    scopes: &mut Scopes,
    diags: &mut Diags,
) -> Vec<Draft<'a>> {
    let Some(node) = root.need("domains", diags) else { return Vec::new() };
    let Some(entries) = node.as_map("the domains by name", diags) else { return Vec::new() };
    let mut drafts = Vec::new();
    for (key, node) in entries {
        names::check(&key.text, "a domain", key.span, diags);
        if let Some(draft) = read_one(&key.text, node, scopes, diags) {
            drafts.push(draft);
        }
    }
    for (source, file) in files.tables("scopes") {
        let known = ["domain", "scope", "parent", "archived"];
        let required: &[&str] = if drafts.len() == 1 { &["scope"] } else { &["domain", "scope"] };
        read_table(source, file, &known, required, diags, |row, diags| {
            let domain = match row.get("domain") {
                Some(cell) => {
                    let at = drafts.iter().position(|draft| draft.name == cell.text);
                    if at.is_none() {
                        names::unknown(
                            "domain",
                            cell.text,
                            cell.span,
                            drafts.iter().map(|d| d.name.as_str()),
                            diags,
                        );
                    }
                    at
                }
                None => Some(0),
            };
            let (Some(draft), Some(scope)) = (domain.and_then(|at| drafts.get_mut(at)), row.get("scope"))
            else {
                return;
            };
            let parent = match row.get("parent") {
                None => None,
                Some(cell) => {
                    let found = scopes
                        .find(cell.text)
                        .and_then(|id| draft.nodes.get(&id).map(|(node, _)| (id, node.level)));
                    if found.is_none() {
                        let in_tree = draft.nodes.keys().map(|id| scopes.name(*id));
                        names::unknown("scope above", cell.text, cell.span, in_tree, diags);
                        return;
                    }
                    found
                }
            };
            let archived = row.get("archived").and_then(|cell| {
                let word = Word { text: cell.text.to_string(), span: cell.span };
                super::assignments::flag(&word, diags)
            });
            let added = add_scope(draft, scope.text, scope.span, parent, scopes, diags);
            draft.archived.extend(added.map(|(scope, _)| scope).filter(|_| archived == Some(true)));
        });
    }
    drafts
}

fn read_one<'a>(name: &str, node: &'a Node, scopes: &mut Scopes, diags: &mut Diags) -> Option<Draft<'a>> {
    let fields = Fields::of(node, "a domain", KNOWN, diags)?;
    let precedence = fields.need("precedence", diags).and_then(|node| {
        let words = [("most_specific", Precedence::MostSpecific), ("union", Precedence::Union)];
        choose(node, "a precedence", &words, diags)
    });
    let same_scope = fields.get("same_scope").map(|node| {
        let words = [("any", false), ("error", true)];
        choose(node, "what several roles at one scope mean", &words, diags)
    });
    if let Some(title) = fields.get("title") {
        title.as_text("text", diags);
    }
    let mut draft = Draft {
        name: name.to_owned(),
        levels: read_levels(&fields, scopes, diags),
        precedence: precedence.unwrap_or(Precedence::MostSpecific),
        same_scope_is_an_error: same_scope.flatten().unwrap_or(false),
        nodes: HashMap::new(),
        archived: Vec::new(),
        rosters: Vec::new(),
        fields,
    };
    if let Some(node) = draft.fields.get("rosters") {
        let names = super::people::words(node, "names of rosters", diags);
        draft.rosters = names.into_iter().map(|word| word.text).collect();
    }
    if let Some(node) = draft.fields.get("scopes") {
        read_tree(&mut draft, node, None, scopes, diags);
    }
    Some(draft)
}

fn read_levels(fields: &Fields<'_>, scopes: &mut Scopes, diags: &mut Diags) -> Vec<String> {
    let mut levels: Vec<String> = Vec::new();
    let Some(node) = fields.need("levels", diags) else { return levels };
    for item in node.as_list("the levels, broad to narrow", diags).unwrap_or_default() {
        let Some(name) = item.as_text("the name of a level", diags) else { continue };
        if !names::check(name, "a level", item.span, diags) {
            continue;
        }
        if levels.iter().any(|level| level == name) {
            diags
                .error(item.span, "duplicate_name", format!("level `{name}` stands twice"))
                .help("take one of the two out");
            continue;
        }
        scopes.intern_level(name);
        levels.push(name.to_owned());
    }
    if levels.is_empty() || levels.len() > LEVELS_MAX {
        diags
            .error(node.span, "wrong_type", format!("a domain has 1 to {LEVELS_MAX} levels"))
            .help("name them from broad to narrow, like `[district, school, class]`");
        levels.truncate(LEVELS_MAX);
    }
    levels
}

/// A tree written as nested maps: a scope has one parent by the way it is written.
fn read_tree(
    draft: &mut Draft<'_>,
    node: &Node,
    parent: Option<(ScopeId, Level)>,
    scopes: &mut Scopes,
    diags: &mut Diags,
) {
    if matches!(node.value, Value::Null) {
        return;
    }
    for (key, below) in node.as_map("scopes by name, `level/id`", diags).unwrap_or_default() {
        if let Some(scope) = add_scope(draft, &key.text, key.span, parent, scopes, diags) {
            read_tree(draft, below, Some(scope), scopes, diags);
        }
    }
}

fn add_scope(
    draft: &mut Draft<'_>,
    name: &str,
    span: Span,
    parent: Option<(ScopeId, Level)>,
    scopes: &mut Scopes,
    diags: &mut Diags,
) -> Option<(ScopeId, Level)> {
    let Some((level_name, id)) = name.split_once('/') else {
        let message = format!("`{}` does not say its level", name.escape_debug());
        diags.error(span, "bad_name", message).help("write `level/id`, like `class/1A`");
        return None;
    };
    let Some(level) = draft.level(level_name) else {
        names::unknown("level", level_name, span, draft.levels.iter().map(String::as_str), diags);
        return None;
    };
    if !names::check_id(id, "a scope", span, diags) {
        return None;
    }
    if let Some((parent, above)) = parent
        && !above.is_broader_than(level)
    {
        let message = format!("`{name}` cannot stand below `{}`", scopes.name(parent));
        diags.error(span, "level_violation", message).help(format!("levels go {}", draft.levels.join(" > ")));
        return None;
    }
    let scope = scopes.intern(level_name, id);
    if let Some((_, first)) = draft.nodes.get(&scope) {
        let also = diags.place(*first);
        diags
            .error(
                span,
                "duplicate_name",
                format!("scope `{name}` stands twice in the tree of `{}`", draft.name),
            )
            .also(also, "first written here")
            .help("a scope has exactly one parent in each domain");
        return None;
    }
    draft.nodes.insert(scope, (TreeNode { level, parent: parent.map(|(id, _)| id) }, span));
    Some((scope, level))
}

/// Reads what a domain says once all trees are known.
pub(super) fn finish(draft: &Draft<'_>, scopes: &Scopes, diags: &mut Diags) -> Domain {
    let mut nodes = vec![None; scopes.len()];
    for (scope, (node, _)) in &draft.nodes {
        if let Some(place) = nodes.get_mut(scope.row()) {
            *place = Some(*node);
        }
    }
    let (modules, permissions) = permissions::read(draft, diags);
    let forms = forms::read(draft, &permissions, diags);
    let mut domain = Domain {
        name: draft.name.clone(),
        precedence: draft.precedence,
        levels: draft.levels.clone(),
        nodes,
        modules,
        permissions,
        roles: Table::default(),
        mandatory: None,
        forms,
        base: IdSet::new(),
        modules_off: Vec::new(),
        plans: Vec::new(),
        titles: Vec::new(),
        archived: IdSet::new(),
        by_name: Vec::new(),
        denies_self_add: denies_self_add(draft, diags),
    };
    domain.by_name = domain.permissions.iter().map(|(id, _)| id).collect();
    domain.by_name.sort_by(|a, b| domain.permissions[*a].name.cmp(&domain.permissions[*b].name));
    domain.archived = archived(draft, &domain, scopes, diags);
    plans::read(draft, &mut domain, scopes, diags);
    domain.roles = roles::read(draft, &domain, diags);
    domain.mandatory = read_mandatory(draft, &domain, diags);
    domain
}

/// `self_update: {add: deny}`.
fn denies_self_add(draft: &Draft<'_>, diags: &mut Diags) -> bool {
    let node = draft.fields.get("self_update");
    let fields = node.and_then(|node| Fields::of(node, "what people may do to themselves", &["add"], diags));
    let add = fields.and_then(|fields| fields.need("add", diags));
    let words = [("allow", false), ("deny", true)];
    add.and_then(|node| choose(node, "whether people may add to their own rights", &words, diags))
        .unwrap_or(false)
}

/// The scopes that `archived` or their rows name, with all that stands below them.
fn archived(draft: &Draft<'_>, domain: &Domain, scopes: &Scopes, diags: &mut Diags) -> IdSet<ScopeId> {
    let mut named = IdSet::new();
    named.extend(draft.archived.iter().copied());
    if let Some(node) = draft.fields.get("archived") {
        for item in node.as_list("names of scopes", diags).unwrap_or_default() {
            if let Some(name) = item.as_text("the name of a scope", diags) {
                named.extend(plans::scope(domain, scopes, name, item.span, diags));
            }
        }
    }
    let mut archived = IdSet::new();
    if named.iter().next().is_some() {
        let lies_in = |scope: &ScopeId| domain.chain(*scope).any(|(above, _)| named.contains(above));
        archived.extend(draft.nodes.keys().copied().filter(lies_in));
    }
    archived
}

fn read_mandatory(draft: &Draft<'_>, domain: &Domain, diags: &mut Diags) -> Option<Mandatory> {
    let default_role = draft.fields.get("default_role");
    let Some(node) = draft.fields.get("mandatory") else {
        if let Some(node) = default_role {
            diags
                .error(
                    node.span,
                    "default_role_without_mandatory",
                    "a default role stands in for a mandatory one",
                )
                .help("write `mandatory: {level: ..., kinds: [...]}` beside it");
        }
        return None;
    };
    let fields = Fields::of(node, "what is mandatory", &["level", "kinds"], diags)?;
    let level = fields.need("level", diags).and_then(|node| draft.read_level(node, diags));
    let mut kinds = Kinds::default();
    for item in fields.need("kinds", diags)?.as_list("kinds of subjects", diags)? {
        if let Some(kind) = choose(item, "a kind of subject", Kind::WORDS, diags) {
            kinds.insert(kind);
        }
    }
    if kinds == Kinds::default() {
        diags
            .error(
                fields.key_span("kinds"),
                "empty_list",
                "a role that is mandatory for nobody is not mandatory",
            )
            .help("name the kinds of subjects, like `[staff]`, or take `mandatory` out");
    }
    let level = level?;
    let default_role = match default_role {
        None => None,
        Some(node) => Some(read_default_role(node, level, domain, diags)?),
    };
    Some(Mandatory { level, kinds, default_role })
}

fn read_default_role(node: &Node, level: Level, domain: &Domain, diags: &mut Diags) -> Option<RoleId> {
    let name = node.as_text("the name of a role", diags)?;
    let Some(id) = domain.role(name) else {
        names::unknown(
            "role",
            name,
            node.span,
            domain.roles.iter().map(|(_, role)| role.name.as_str()),
            diags,
        );
        return None;
    };
    let role = &domain.roles[id];
    if role.level != level {
        let message = format!("`{name}` is a role of level {}", domain.level_name(role.level));
        diags
            .error(node.span, "level_violation", message)
            .help(format!("the mandatory level is {}", domain.level_name(level)));
    }
    if role.deleted {
        diags
            .error(node.span, "deleted_role", format!("`{name}` is deleted and gives nothing to anybody"))
            .help("name another role, or undelete it");
    }
    if let Some(power) =
        role.grants.listed().into_iter().find(|permission| domain.permissions[*permission].power)
    {
        let message = format!("`{name}` grants the power permission `{}`", domain.permissions[power].name);
        diags
            .error(node.span, "power_by_default", message)
            .help("a role that is held without an assignment may hold no power permission");
    }
    Some(id)
}

/// Tells of people who are denied everything because they lack the mandatory role (`TD-04`).
pub(super) fn check_mandatory(bundle: &Revision, drafts: &[Draft<'_>], diags: &mut Diags) {
    for ((id, domain), draft) in bundle.domains.iter().zip(drafts) {
        let Some(mandatory) = domain.mandatory() else { continue };
        if mandatory.default_role.is_some() {
            continue;
        }
        let lacking: Vec<&str> = bundle
            .people
            .iter()
            .filter(|(person, row)| {
                row.kinds.meets(mandatory.kinds) && !holds_at(bundle, *person, id, mandatory.level)
            })
            .map(|(_, row)| row.id.as_str())
            .collect();
        let Some(first) = lacking.first() else { continue };
        let level = domain.level_name(mandatory.level);
        let message = match lacking.len() {
            1 => format!("`{first}` has no {level} role and is denied everything in `{}`", domain.name),
            n => format!(
                "{n} people, `{first}` among them, have no {level} role and are denied everything in `{}`",
                domain.name
            ),
        };
        diags
            .warning(draft.fields.key_span("mandatory"), "no_mandatory_role", message)
            .help(format!("assign each a role of level {level}, or write `default_role`"));
    }
}

fn holds_at(bundle: &Revision, person: PersonId, domain: DomainId, level: Level) -> bool {
    let held = bundle.assignments(person, domain);
    held.iter().any(|assignment| {
        bundle.domains[domain].node(assignment.scope).is_some_and(|node| node.level == level)
    })
}
