//! Modules and their permissions, and what a permission requires.

use super::domain::Draft;
use super::names;
use crate::policy::domain::{Level, Module, Permission, StepUp};
use crate::policy::source::{Diags, Fields, Node, Span, Value};
use crate::policy::table::{Id, ModuleId, PermissionId, Table};
use std::collections::HashMap;

/// What a permission says it requires, before the names are known.
struct Wanted<'a> {
    permission: PermissionId,
    name: &'a str,
    span: Span,
}

pub(super) fn read(
    draft: &Draft<'_>,
    diags: &mut Diags,
) -> (Table<ModuleId, Module>, Table<PermissionId, Permission>) {
    let mut modules = Table::default();
    let mut permissions = Table::default();
    let mut wanted = Vec::new();
    let node = draft.fields.get("modules");
    for (key, node) in node.and_then(|node| node.as_map("the modules by name", diags)).unwrap_or_default() {
        names::check(&key.text, "a module", key.span, diags);
        let Some(fields) = Fields::of(node, "a module", &["level", "gate_at", "permissions", "title"], diags)
        else {
            continue;
        };
        let Some(level) = fields.need("level", diags).and_then(|node| draft.read_level(node, diags)) else {
            continue;
        };
        let gate_at = fields.get("gate_at").and_then(|node| broader_level(draft, node, level, diags));
        if let Some(title) = fields.get("title") {
            title.as_text("text", diags);
        }
        let module = modules.push(Module { name: key.text.clone(), level, gate_at });
        let listed = fields.need("permissions", diags);
        for (name, node) in
            listed.and_then(|node| node.as_map("the permissions by name", diags)).unwrap_or_default()
        {
            names::check(&name.text, "a permission", name.span, diags);
            let full = format!("{}.{}", key.text, name.text);
            read_permission(draft, full, module, level, node, &mut permissions, &mut wanted, diags);
        }
    }
    resolve(draft, &mut permissions, &wanted, diags);
    (modules, permissions)
}

#[expect(clippy::too_many_arguments, reason = "one call, and each part is something else")]
fn read_permission<'a>(
    draft: &Draft<'_>,
    name: String,
    module: ModuleId,
    level: Level,
    node: &'a Node,
    permissions: &mut Table<PermissionId, Permission>,
    wanted: &mut Vec<Wanted<'a>>,
    diags: &mut Diags,
) {
    let mut permission =
        Permission { name, module, level, only_at: None, power: false, requires: Vec::new(), step_up: None };
    let mut requires: &[Node] = &[];
    if !matches!(node.value, Value::Null) {
        let Some(fields) = Fields::of(
            node,
            "a permission",
            &["requires", "power", "power_requires", "only_at", "title"],
            diags,
        ) else {
            return;
        };
        if let Some(node) = fields.get("requires") {
            requires = node.as_list("the permissions that it requires", diags).unwrap_or_default();
        }
        permission.power =
            fields.get("power").and_then(|node| node.as_bool("true or false", diags)).unwrap_or(false);
        permission.only_at = fields.get("only_at").and_then(|node| broader_level(draft, node, level, diags));
        if let Some(title) = fields.get("title") {
            title.as_text("text", diags);
        }
        if let Some(node) = fields.get("power_requires") {
            permission.step_up = step_up(node, diags);
            if !permission.power {
                diags
                    .error(
                        fields.key_span("power_requires"),
                        "not_a_power_permission",
                        "step-up is asked for power permissions",
                    )
                    .help("write `power: true` beside it, or take it out");
            }
        }
    }
    let id = permissions.push(permission);
    for node in requires {
        if let Some(name) = node.as_text("the name of a permission", diags) {
            wanted.push(Wanted { permission: id, name, span: node.span });
        }
    }
}

/// `{claim: amr, has: mfa}`.
fn step_up(node: &Node, diags: &mut Diags) -> Option<StepUp> {
    let fields = Fields::of(node, "what a power permission requires", &["claim", "has"], diags)?;
    let claim = fields.need("claim", diags).and_then(|node| node.as_text("the name of a claim", diags));
    let has = fields.need("has", diags).and_then(|node| node.as_text("what it must hold", diags));
    Some(StepUp { claim: claim?.to_owned(), has: has?.to_owned() })
}

/// A level that is not narrower than `level`: below it the role that is looked for could not be on every chain.
fn broader_level(draft: &Draft<'_>, node: &Node, level: Level, diags: &mut Diags) -> Option<Level> {
    let found = draft.read_level(node, diags)?;
    if found.is_narrower_than(level) {
        let name = |level: Level| draft.levels.get(usize::from(level.0)).map_or("", String::as_str);
        diags
            .error(
                node.span,
                "level_violation",
                format!("`{}` is narrower than the module's level", name(found)),
            )
            .help(format!("the module is of level {}; name that or a broader one", name(level)));
        return None;
    }
    Some(found)
}

/// Finds the required permissions and spreads them transitively, so that a decision walks a flat list.
fn resolve(
    draft: &Draft<'_>,
    permissions: &mut Table<PermissionId, Permission>,
    wanted: &[Wanted<'_>],
    diags: &mut Diags,
) {
    let by_name: HashMap<String, PermissionId> =
        permissions.iter().map(|(id, permission)| (permission.name.clone(), id)).collect();
    let mut direct: Vec<Vec<(PermissionId, Span)>> = vec![Vec::new(); permissions.len()];
    for want in wanted {
        let Some(required) = by_name.get(want.name).copied() else {
            names::unknown("permission", want.name, want.span, by_name.keys().map(String::as_str), diags);
            continue;
        };
        let (asking, asked) = (&permissions[want.permission], &permissions[required]);
        if asked.level.is_narrower_than(asking.level) {
            let message =
                format!("`{}` cannot require `{}`, which is of a narrower level", asking.name, asked.name);
            let levels = draft.levels.join(" > ");
            diags.error(want.span, "level_violation", message).help(format!("levels go {levels}"));
            continue;
        }
        if let Some(list) = direct.get_mut(want.permission.row()) {
            list.push((required, want.span));
        }
    }
    for id in (0..permissions.len()).map(|row| PermissionId::from_row(row as u32)) {
        let mut reached: Vec<PermissionId> = Vec::new();
        let mut open: Vec<(PermissionId, Vec<PermissionId>)> = vec![(id, vec![id])];
        while let Some((at, path)) = open.pop() {
            for (next, span) in direct.get(at.row()).map(Vec::as_slice).unwrap_or_default() {
                if *next == id {
                    // Told once for each cycle: by its first permission.
                    if path.iter().all(|other| *other >= id) {
                        let ring: Vec<&str> =
                            path.iter().chain([&id]).map(|other| permissions[*other].name.as_str()).collect();
                        diags
                            .error(
                                *span,
                                "cycle",
                                format!("permissions require each other: {}", ring.join(" -> ")),
                            )
                            .help("take one of these requirements out");
                    }
                } else if !reached.contains(next) {
                    reached.push(*next);
                    let mut longer = path.clone();
                    longer.push(*next);
                    open.push((*next, longer));
                }
            }
        }
        reached.sort_unstable();
        if let Some(permission) = permissions.get_mut(id) {
            permission.requires = reached;
        }
    }
}
