//! Roles: what they grant in each module, and what they say of each form.

use super::domain::Draft;
use super::grants::Reader;
use super::{grants, locked, names};
use crate::policy::access::{Access, Entry};
use crate::policy::domain::{Domain, Role};
use crate::policy::grants::{Grant, Grants};
use crate::policy::source::{Diags, Fields, Key, Node, Span, choose};
use crate::policy::table::{Id, IdSet, ModuleId, RoleId, Table};

const KNOWN: &[&str] = &[
    "level",
    "title",
    "description",
    "grants",
    "optional",
    "includes",
    "forms",
    "deleted",
    "never_overridden",
    "locked",
    "assignable_by",
    "merged_into",
];

/// A role whose includes are not spread yet.
struct Written<'a> {
    role: Role,
    grants: Vec<Grant>,
    modules_on: IdSet<ModuleId>,
    assignable_by: Option<Vec<(&'a str, Span)>>,
    merged_into: Option<(&'a str, Span)>,
    includes: Vec<(&'a str, Span)>,
}

/// Reads the roles in the order of their names, so that ids compare as names do.
pub(super) fn read(draft: &Draft<'_>, domain: &Domain, diags: &mut Diags) -> Table<RoleId, Role> {
    let mut roles: Vec<Written<'_>> = Vec::new();
    let node = draft.fields.get("roles");
    for (key, node) in node.and_then(|node| node.as_map("the roles by name", diags)).unwrap_or_default() {
        names::check(&key.text, "a role", key.span, diags);
        roles.extend(read_role(draft, domain, key, node, diags));
    }
    roles.sort_by(|a, b| a.role.name.cmp(&b.role.name));
    let finished: Vec<Role> =
        (0..roles.len()).filter_map(|at| with_included(draft, &roles, at, diags)).collect();
    let mut table = Table::default();
    for role in finished {
        table.push(role);
    }
    table
}

/// The role with all that it includes, transitively: grants, modules that are on, and forms by the highest.
fn with_included(draft: &Draft<'_>, roles: &[Written<'_>], at: usize, diags: &mut Diags) -> Option<Role> {
    let written = roles.get(at)?;
    let mut role = written.role.clone();
    let mut grants = written.grants.clone();
    let mut modules_on = written.modules_on.clone();
    let mut reached = vec![at];
    let mut open = vec![at];
    while let Some(from) = open.pop() {
        let including = roles.get(from)?;
        for (name, span) in &including.includes {
            // Each include is told of once: by the role that writes it.
            let found = if from == at { named(roles, name, *span, diags) } else { find(roles, name) };
            let Some(next) = found else { continue };
            let included = &roles.get(next)?.role;
            if from == at {
                check_include(draft, &including.role, included, *span, diags);
            }
            if next == at {
                let (first, second) = (role.name.as_str(), including.role.name.as_str());
                let message = match from == at {
                    true => format!("`{first}` includes itself"),
                    false => format!("`{first}` includes itself, by way of `{second}`"),
                };
                diags.error(*span, "cycle", message).help("take one of these includes out");
            }
            if reached.contains(&next) {
                continue;
            }
            reached.push(next);
            open.push(next);
            grants.extend_from_slice(&roles.get(next)?.grants);
            modules_on.extend(roles.get(next)?.modules_on.iter());
            role.entries = match (role.entries.take(), &included.entries) {
                (Some(own), Some(more)) => {
                    Some(own.into_iter().zip(more).map(|(own, more)| own.highest(*more)).collect())
                }
                (own, more) => own.or_else(|| more.clone()),
            };
        }
    }
    role.grants = Grants::pack(grants, modules_on);
    role.merged_into = merged_into(draft, roles, at, diags);
    role.assignable_by = written.assignable_by.as_ref().map(|givers| {
        let found = givers.iter().filter_map(|(name, span)| named(roles, name, *span, diags));
        found.map(|giver| RoleId::from_row(giver as u32)).collect()
    });
    Some(role)
}

/// The role of this name among those of the domain, which come in the order of their names.
fn find(roles: &[Written<'_>], name: &str) -> Option<usize> {
    roles.binary_search_by(|other| other.role.name.as_str().cmp(name)).ok()
}

/// The same of a name that is written here: a mistake if there is none.
fn named(roles: &[Written<'_>], name: &str, span: Span, diags: &mut Diags) -> Option<usize> {
    let found = find(roles, name);
    if found.is_none() {
        let known = roles.iter().map(|other| other.role.name.as_str());
        names::unknown("role", name, span, known, diags);
    }
    found
}

/// The role that one was merged into: of the same level, and not by way of others this role itself.
fn merged_into(draft: &Draft<'_>, roles: &[Written<'_>], at: usize, diags: &mut Diags) -> Option<RoleId> {
    let written = roles.get(at)?;
    let (name, span) = written.merged_into?;
    let into = named(roles, name, span, diags)?;
    if !written.role.deleted {
        let message = format!("`{}` is merged into `{name}`, and not deleted", written.role.name);
        diags.error(span, "merged_and_not_deleted", message).help("write `deleted: true` beside it");
    }
    if roles.get(into)?.role.level != written.role.level {
        let message = format!("`{name}` is of another level");
        let help = format!("roles of one level are merged; levels go {}", draft.levels.join(" > "));
        diags.error(span, "level_violation", message).help(help);
    }
    let mut next = Some(into);
    for _ in 0..roles.len() {
        if next == Some(at) {
            let message = format!("`{}` is merged into itself", written.role.name);
            diags.error(span, "cycle", message).help("name a role that is not merged into this one");
            return None;
        }
        next = next.and_then(|next| find(roles, roles.get(next)?.merged_into?.0));
    }
    Some(RoleId::from_row(into as u32))
}

fn check_include(draft: &Draft<'_>, including: &Role, included: &Role, span: Span, diags: &mut Diags) {
    if included.level.is_broader_than(including.level) {
        let message =
            format!("`{}` cannot include `{}`, which is of a broader level", including.name, included.name);
        diags.error(span, "level_violation", message).help(format!("levels go {}", draft.levels.join(" > ")));
    }
    if included.deleted {
        diags
            .error(span, "deleted_role", format!("`{}` is deleted and gives nothing", included.name))
            .help("take it out of `includes`, or undelete it");
    }
}

fn read_role<'a>(
    draft: &Draft<'_>,
    domain: &Domain,
    key: &Key,
    node: &'a Node,
    diags: &mut Diags,
) -> Option<Written<'a>> {
    let fields = Fields::of(node, "a role", KNOWN, diags)?;
    let level = fields.need("level", diags).and_then(|node| draft.read_level(node, diags))?;
    let title = fields.get("title").and_then(|node| node.as_text("text", diags));
    if let Some(node) = fields.get("description") {
        node.as_text("text", diags);
    }
    let flag = |name: &str, diags: &mut Diags| {
        fields.get(name).and_then(|node| node.as_bool("true or false", diags)).unwrap_or(false)
    };
    let mut role = Role {
        name: key.text.clone(),
        title: title.map(str::to_owned),
        level,
        deleted: flag("deleted", diags),
        never_overridden: flag("never_overridden", diags),
        locked: flag("locked", diags),
        merged_into: None,
        written: None,
        assignable_by: None,
        grants: Grants::default(),
        entries: None,
    };
    role.written = role.locked.then(|| locked::written(&fields, KNOWN));
    let mut reader = grants::Reader::new(domain, level);
    if let Some(node) = fields.get("grants") {
        reader.by_module(node, diags);
    }
    if let Some(node) = fields.get("optional") {
        reader.optional = true;
        reader.by_module(node, diags);
    }
    if let Some(node) = fields.get("forms") {
        // A role with mistakes in its forms still speaks of documents.
        role.entries = Some(read_forms(draft, domain, node, diags).unwrap_or_default());
    }
    let includes = role_names(fields.get("includes"), diags).unwrap_or_default();
    let assignable_by = role_names(fields.get("assignable_by"), diags);
    let merged_into = fields
        .get("merged_into")
        .and_then(|node| Some((node.as_text("the name of a role", diags)?, node.span)));
    let Reader { grants, modules_on, .. } = reader;
    Some(Written { role, grants, modules_on, assignable_by, merged_into, includes })
}

fn role_names<'a>(node: Option<&'a Node>, diags: &mut Diags) -> Option<Vec<(&'a str, Span)>> {
    let items = node?.as_list("names of roles", diags)?;
    Some(
        items
            .iter()
            .filter_map(|item| Some((item.as_text("the name of a role", diags)?, item.span)))
            .collect(),
    )
}

/// One entry for each form: its own, else the highest of its groups, else `*`, else `none|none`.
fn read_forms(draft: &Draft<'_>, domain: &Domain, node: &Node, diags: &mut Diags) -> Option<Vec<Entry>> {
    let Some(forms) = domain.forms() else {
        if draft.fields.get("forms").is_some() {
            return None; // What is wrong with the forms is told there.
        }
        diags
            .error(node.span, "no_forms", format!("`{}` has no forms", domain.name))
            .help("declare `forms` in this domain, or take this out");
        return None;
    };
    let entries = node.as_map("accesses by form, `group:name` or `*`", diags)?;
    let mut own: Vec<(&str, Entry)> = Vec::new();
    for (key, node) in entries {
        let known = match key.text.strip_prefix("group:") {
            _ if key.text == "*" => true,
            Some(group) => forms.forms.iter().any(|(_, form)| form.groups.iter().any(|name| name == group)),
            None => forms.find(&key.text).is_some(),
        };
        if !known {
            let groups =
                forms.forms.iter().flat_map(|(_, form)| &form.groups).map(|group| format!("group:{group}"));
            let names: Vec<String> =
                forms.forms.iter().map(|(_, form)| form.name.clone()).chain(groups).collect();
            names::unknown("form", &key.text, key.span, names.iter().map(String::as_str), diags);
        }
        own.extend(read_entry(node, diags).map(|entry| (key.text.as_str(), entry)));
    }
    let named = |name: &str| own.iter().find(|(key, _)| *key == name).map(|(_, entry)| *entry);
    let entry = |form: &crate::policy::domain::Form| {
        let groups = form.groups.iter().filter_map(|group| named(&format!("group:{group}")));
        named(&form.name)
            .or_else(|| groups.reduce(Entry::highest))
            .or_else(|| named("*"))
            .unwrap_or(Entry::NOTHING)
    };
    Some(forms.forms.iter().map(|(_, form)| entry(form)).collect())
}

/// `{default: view, max: owner}`.
pub(super) fn read_entry(node: &Node, diags: &mut Diags) -> Option<Entry> {
    let fields = Fields::of(node, "an access to documents", &["default", "max"], diags)?;
    let default =
        fields.need("default", diags).and_then(|node| choose(node, "an access", Access::WORDS, diags));
    let max = fields.need("max", diags).and_then(|node| choose(node, "an access", Access::WORDS, diags));
    let entry = Entry { default: default?, max: max? };
    if entry.default > entry.max {
        let message = format!("default {} is above max {}", entry.default, entry.max);
        diags
            .error(fields.key_span("default"), "default_above_max", message)
            .help("lower the default or raise the max");
        return None;
    }
    Some(entry)
}
