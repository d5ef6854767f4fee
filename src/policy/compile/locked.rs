//! Roles that nobody changes: what a bundle says of the roles that another revision has locked (`policy-model.md`
//! section 4).

use super::files::Files;
use crate::policy::bundle::Bundle;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::domain::{Domain, Role};
use crate::policy::grants::{Granted, Relation};
use crate::policy::source::{Diags, Fields, Node, Source, Span, Value};
use crate::policy::table::{ModuleId, PermissionId};
use std::fmt::Write as _;

/// Compares `new` with `old`, of which the locked roles must be as they are. `sources` are those of `new`, for the places.
///
/// What a locked role says is compared as it is written, but for the order of keys; what it has by way of others
/// (`includes`) by what comes of it, of all that both revisions know.
pub fn against(old: &Bundle, new: &Bundle, sources: &[Source]) -> Vec<Diagnostic> {
    let files = Files::read(sources, &mut Diags::new(sources));
    let mut diags = Diags::new(sources);
    for (_, domain) in old.domains().iter() {
        for (_, role) in domain.roles().iter().filter(|(_, role)| role.locked) {
            check(domain, role, new, &files.root, &mut diags);
        }
    }
    diags.into_sorted()
}

fn check(old: &Domain, locked: &Role, new: &Bundle, root: &Node, diags: &mut Diags) {
    let place = |path: &[&str]| place_of(root, path);
    let name = &locked.name;
    let Some(domain) = new.domain(old.name()).map(|id| &new.domains()[id]) else {
        let message = format!("the domain `{}` with the locked role `{name}` is gone", old.name());
        refuse(place(&["domains"]), message, diags);
        return;
    };
    let Some(role) = domain.role(name).map(|id| &domain.roles()[id]) else {
        let message = format!("the locked role `{name}` is gone");
        refuse(place(&["domains", old.name(), "roles"]), message, diags);
        return;
    };
    let difference = if role.written != locked.written {
        "what it says"
    } else if has(old, locked, domain) != has(domain, role, old) {
        "what it has by way of others"
    } else {
        return;
    };
    let message = format!("`{name}` is locked, and {difference} is not what it was");
    refuse(place(&["domains", old.name(), "roles", name]), message, diags);
}

fn refuse(span: Span, message: String, diags: &mut Diags) {
    diags.error(span, "locked_role", message).help("put it back as it was; a locked role is not changed");
}

/// The place of the last key of a path of keys that is there, as far as it goes.
fn place_of(root: &Node, path: &[&str]) -> Span {
    let (mut node, mut span) = (root, root.span);
    for name in path {
        let Value::Map(entries) = &node.value else { break };
        let Some((key, below)) = entries.iter().find(|(key, _)| key.text == *name) else { break };
        (node, span) = (below, key.span);
    }
    span
}

/// Everything that a role has, of what `other` knows too, by name.
fn has(domain: &Domain, role: &Role, other: &Domain) -> Vec<String> {
    let mut all = Vec::new();
    let permissions = domain.permissions().iter();
    for (id, row) in permissions.filter(|(_, row)| other.permission(&row.name).is_some()) {
        all.extend(of_permission(role, id).into_iter().map(|how| format!("{} {how}", row.name)));
    }
    let knows = |name: &str| other.modules().iter().any(|(_, module)| module.name == name);
    let on = |id: ModuleId| role.grants().has_on(id);
    let modules = domain.modules().iter().filter(|(id, module)| on(*id) && knows(&module.name));
    all.extend(modules.map(|(_, module)| format!("{} on", module.name)));
    if let (Some(forms), Some(others)) = (domain.forms(), other.forms()) {
        for (id, form) in forms.forms.iter().filter(|(_, form)| others.find(&form.name).is_some()) {
            let entry = role.entry(id);
            all.push(format!("{} {} {}", form.name, entry.default, entry.max));
        }
    }
    all.sort();
    all
}

fn of_permission(role: &Role, id: PermissionId) -> Vec<String> {
    let within = |relation: Option<Relation>| relation.map_or("outright", Relation::as_str);
    let mut how: Vec<String> =
        role.grants().option(id).map(|relation| format!("optional {}", within(relation))).collect();
    match role.grants().of(id) {
        Granted::No => {}
        Granted::Outright => how.push("outright".to_owned()),
        Granted::Within(relations) => {
            how.extend(relations.iter().map(|(_, relation)| relation.as_str().to_owned()));
        }
    }
    how
}

/// What is written of a role, with its keys in order, for comparison alone.
pub(super) fn written(fields: &Fields<'_>, known: &[&str]) -> Box<str> {
    let mut names: Vec<&str> = known.to_vec();
    names.sort_unstable();
    let mut text = String::new();
    for name in names {
        if let Some(node) = fields.get(name) {
            // Writing into a string does not fail.
            let _ = write!(text, "{name}=");
            write_node(node, &mut text);
        }
    }
    text.into()
}

fn write_node(node: &Node, text: &mut String) {
    match &node.value {
        _ if node.is_off() => text.push_str("false;"),
        Value::Null => text.push_str("null;"),
        Value::Bool(_) => text.push_str("true;"),
        Value::Broken => text.push_str("broken;"),
        Value::Text { text: said, .. } => {
            let _ = write!(text, "{said:?};");
        }
        Value::List(items) => {
            text.push('[');
            items.iter().for_each(|item| write_node(item, text));
            text.push(']');
        }
        Value::Map(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|(one, _), (other, _)| one.text.cmp(&other.text));
            text.push('{');
            for (key, node) in entries {
                let _ = write!(text, "{:?}:", key.text);
                write_node(node, text);
            }
            text.push('}');
        }
    }
}
