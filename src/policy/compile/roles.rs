//! Roles: what they grant in each module, and what they say of each form.

use super::domain::Draft;
use super::names;
use crate::policy::access::{Access, Entry};
use crate::policy::domain::{Domain, Level, Module, Role};
use crate::policy::source::{Diags, Fields, Key, Node, Span, Value, choose};
use crate::policy::table::{IdSet, ModuleId, PermissionId, RoleId, Table};

const KNOWN: &[&str] = &["level", "title", "description", "grants", "includes", "forms", "deleted"];

/// A role whose includes are not spread yet.
struct Written<'a> {
    role: Role,
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
    let mut role = roles.get(at)?.role.clone();
    let mut reached = vec![at];
    let mut open = vec![at];
    while let Some(from) = open.pop() {
        let including = roles.get(from)?;
        for (name, span) in &including.includes {
            let Ok(next) = roles.binary_search_by(|other| other.role.name.as_str().cmp(name)) else {
                // Each include is told of once: by the role that writes it.
                if from == at {
                    names::unknown(
                        "role",
                        name,
                        *span,
                        roles.iter().map(|other| other.role.name.as_str()),
                        diags,
                    );
                }
                continue;
            };
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
            role.grants.extend(&included.grants);
            role.modules_on.extend(&included.modules_on);
            role.entries = match (role.entries.take(), &included.entries) {
                (Some(own), Some(more)) => {
                    Some(own.into_iter().zip(more).map(|(own, more)| own.highest(*more)).collect())
                }
                (own, more) => own.or_else(|| more.clone()),
            };
        }
    }
    Some(role)
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
    let mut role = Role {
        name: key.text.clone(),
        title: title.map(str::to_owned),
        level,
        deleted: fields.get("deleted").and_then(|node| node.as_bool("true or false", diags)).unwrap_or(false),
        grants: IdSet::new(),
        modules_on: IdSet::new(),
        entries: None,
    };
    let grants = fields.get("grants");
    for (module, node) in grants.and_then(|node| node.as_map("grants by module", diags)).unwrap_or_default() {
        read_grants(domain, &mut role, module, node, diags);
    }
    if let Some(node) = fields.get("forms") {
        role.entries = read_forms(draft, domain, node, diags);
    }
    let listed = fields.get("includes").and_then(|node| node.as_list("names of roles", diags));
    let mut includes = Vec::new();
    for item in listed.unwrap_or_default() {
        includes.extend(item.as_text("the name of a role", diags).map(|name| (name, item.span)));
    }
    Some(Written { role, includes })
}

fn read_grants(domain: &Domain, role: &mut Role, key: &Key, node: &Node, diags: &mut Diags) {
    let found = domain.modules.iter().find(|(_, module)| module.name == key.text);
    let Some((id, module)) = found else {
        let known = domain.modules.iter().map(|(_, module)| module.name.as_str());
        names::unknown("module", &key.text, key.span, known, diags);
        return;
    };
    if node.is_off() {
        return;
    }
    if module.level.is_broader_than(role.level) {
        let message = format!(
            "a {} role cannot carry `{}`, which is of level {}",
            domain.level_name(role.level),
            module.name,
            domain.level_name(module.level)
        );
        let help =
            "a role carries permissions of its own level and narrower ones; grant this to a broader role";
        diags.error(key.span, "level_violation", message).help(help);
        return;
    }
    role.modules_on.insert(id);
    match &node.value {
        Value::Text { text, .. } => grant(domain, role, id, module, node, text, true, diags),
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                if let Some(text) = permission_name(item, diags) {
                    grant(domain, role, id, module, item, text, at == 0, diags);
                }
            }
        }
        _ => {
            diags
                .error(
                    node.span,
                    "wrong_type",
                    format!("expected what `{}` grants, found {}", module.name, node.kind()),
                )
                .help(
                    "write a list of permissions, `all`, `all_and_power`, `[]` (on, grants nothing) or `off`",
                );
        }
    }
}

fn permission_name<'a>(item: &'a Node, diags: &mut Diags) -> Option<&'a str> {
    if matches!(item.value, Value::Map(_)) {
        diags
            .error(item.span, "unsupported", "grants narrowed by a relation are not decided yet")
            .help("grant the permission outright or leave it out");
        return None;
    }
    item.as_text("the name of a permission", diags)
}

/// Grants what one word says: a permission of the module, or all of them where `all` may stand.
#[expect(clippy::too_many_arguments, reason = "one call, and each part is something else")]
fn grant(
    domain: &Domain,
    role: &mut Role,
    module_id: ModuleId,
    module: &Module,
    node: &Node,
    word: &str,
    may_be_all: bool,
    diags: &mut Diags,
) {
    let of_module = || domain.permissions.iter().filter(|(_, permission)| permission.module == module_id);
    let decides = |only_at: Option<Level>| only_at.is_none_or(|level| level == role.level);
    if matches!(word, "all" | "all_and_power") {
        if !may_be_all {
            diags.error(node.span, "wrong_type", format!("`{word}` comes first in a list"));
        }
        // A permission that only another level decides is left out: listing it would grant nothing.
        let wanted: Vec<PermissionId> = of_module()
            .filter(|(_, permission)| {
                (word == "all_and_power" || !permission.power) && decides(permission.only_at)
            })
            .map(|(id, _)| id)
            .collect();
        for id in wanted {
            role.grants.insert(id);
        }
        return;
    }
    let short = |name: &str| name.get(module.name.len() + 1..).unwrap_or_default().to_owned();
    let found = of_module().find(|(_, permission)| short(&permission.name) == word);
    let Some((id, permission)) = found else {
        let known: Vec<String> = of_module().map(|(_, permission)| short(&permission.name)).collect();
        let what = format!("permission of `{}` called", module.name);
        names::unknown(&what, word, node.span, known.iter().map(String::as_str).chain(["all"]), diags);
        return;
    };
    if !decides(permission.only_at) {
        let level = permission.only_at.map_or("", |level| domain.level_name(level));
        diags
            .error(node.span, "level_violation", format!("only {level} roles decide `{}`", permission.name))
            .help("take it out here; it would grant nothing");
        return;
    }
    role.grants.insert(id);
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
