//! What holds for everyone at a scope: base permissions, modules that are off, plans of schools, titles.

use super::domain::Draft;
use super::{grants, names};
use crate::policy::bundle::Scopes;
use crate::policy::domain::{Domain, Plan};
use crate::policy::source::{Diags, Fields, Node, Span};
use crate::policy::table::{IdSet, PermissionId, ScopeId};

pub(super) fn read(draft: &Draft<'_>, domain: &mut Domain, scopes: &Scopes, diags: &mut Diags) {
    if let Some(node) = draft.fields.get("base") {
        domain.base = permissions(domain, node, diags);
    }
    if let Some(node) = draft.fields.get("modules_off") {
        domain.modules_off = modules_off(domain, node, scopes, diags);
    }
    domain.plans = plans(draft, domain, scopes, diags);
    if let Some(node) = draft.fields.get("titles") {
        domain.titles = titles(node, diags);
    }
}

fn permissions(domain: &Domain, node: &Node, diags: &mut Diags) -> IdSet<PermissionId> {
    let mut set = IdSet::new();
    for item in node.as_list("names of permissions", diags).unwrap_or_default() {
        if let Some(name) = item.as_text("the name of a permission", diags) {
            set.extend(grants::permission(domain, name, item.span, diags));
        }
    }
    set
}

/// Finds a scope of the domain's tree.
pub(super) fn scope(
    domain: &Domain,
    scopes: &Scopes,
    name: &str,
    span: Span,
    diags: &mut Diags,
) -> Option<ScopeId> {
    let found = scopes.find(name).filter(|scope| domain.node(*scope).is_some());
    if found.is_none() {
        let known = scopes.iter().filter(|(scope, _)| domain.node(*scope).is_some()).map(|(_, name)| name);
        let what = format!("scope of `{}` called", domain.name());
        names::unknown(&what, name, span, known, diags);
    }
    found
}

/// `{account/springfield: [announcements]}`: a root, at which the module is off for everyone (`TD-42`).
fn modules_off(
    domain: &Domain,
    node: &Node,
    scopes: &Scopes,
    diags: &mut Diags,
) -> Vec<(ScopeId, IdSet<crate::policy::table::ModuleId>)> {
    let mut list = Vec::new();
    for (key, node) in node.as_map("modules that are off, by scope", diags).unwrap_or_default() {
        let at = scope(domain, scopes, &key.text, key.span, diags);
        if at.and_then(|at| domain.node(at)).is_some_and(|node| node.parent.is_some()) {
            diags
                .error(key.span, "not_a_root", format!("`{}` is not a root of the tree", key.text))
                .help("modules are switched off at a root, for everyone there");
        }
        let mut set = IdSet::new();
        for item in node.as_list("names of modules", diags).unwrap_or_default() {
            let Some(name) = item.as_text("the name of a module", diags) else { continue };
            match domain.modules.iter().find(|(_, module)| module.name == name) {
                Some((id, _)) => set.insert(id),
                None => {
                    let known = domain.modules.iter().map(|(_, module)| module.name.as_str());
                    names::unknown("module", name, item.span, known, diags);
                }
            }
        }
        list.extend(at.map(|at| (at, set)));
    }
    list
}

/// `plans: {free: {exactly: [...]}, connect: {any_of: [...]}}` and `plan_of: {school/north: free}`.
fn plans(draft: &Draft<'_>, domain: &Domain, scopes: &Scopes, diags: &mut Diags) -> Vec<(ScopeId, Plan)> {
    let mut known: Vec<(&str, Plan)> = Vec::new();
    let node = draft.fields.get("plans");
    for (key, node) in node.and_then(|node| node.as_map("plans by name", diags)).unwrap_or_default() {
        names::check(&key.text, "a plan", key.span, diags);
        let Some(fields) = Fields::of(node, "a plan", &["exactly", "any_of"], diags) else { continue };
        let plan = match (fields.get("exactly"), fields.get("any_of")) {
            (Some(node), None) => Plan::Exactly(permissions(domain, node, diags)),
            (None, Some(node)) => Plan::AnyOf(permissions(domain, node, diags)),
            _ => {
                diags
                    .error(key.span, "missing_key", format!("plan `{}` says not what it leaves", key.text))
                    .help("write either `exactly: [...]` or `any_of: [...]`");
                continue;
            }
        };
        known.push((&key.text, plan));
    }
    let mut list = Vec::new();
    let node = draft.fields.get("plan_of");
    for (key, node) in node.and_then(|node| node.as_map("plans by school", diags)).unwrap_or_default() {
        let at = scope(domain, scopes, &key.text, key.span, diags);
        let Some(name) = node.as_text("the name of a plan", diags) else { continue };
        match known.iter().find(|(plan, _)| *plan == name) {
            Some((_, plan)) => list.extend(at.map(|at| (at, plan.clone()))),
            None => names::unknown("plan", name, node.span, known.iter().map(|(plan, _)| *plan), diags),
        }
    }
    list
}

/// `titles: {category: [title, ...]}`: labels that grant nothing.
fn titles(node: &Node, diags: &mut Diags) -> Vec<(String, String)> {
    let mut list = Vec::new();
    for (key, node) in node.as_map("titles by category", diags).unwrap_or_default() {
        for item in node.as_list("titles", diags).unwrap_or_default() {
            if let Some(title) = item.as_text("a title", diags) {
                list.push((key.text.clone(), title.to_owned()));
            }
        }
    }
    list
}
