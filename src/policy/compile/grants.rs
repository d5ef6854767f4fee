//! Grants as they are written: by module in roles, by full name in custom sets and options.

use super::{Word, names};
use crate::policy::domain::{Domain, Level, Module};
use crate::policy::grants::{Grant, Relation};
use crate::policy::source::{Diags, Key, Node, Span, Value};
use crate::policy::table::{IdSet, ModuleId, PermissionId};

const GRANTS_HELP: &str =
    "write a list of permissions, `all`, `all_and_power`, `[]` (on, grants nothing) or `off`";

/// Whoever holds the grants: a role, or an assignment with a custom set.
pub(super) struct Reader<'a> {
    pub(super) domain: &'a Domain,
    /// The level at which the grants are held.
    pub(super) level: Level,
    pub(super) grants: Vec<Grant>,
    pub(super) modules_on: IdSet<ModuleId>,
    /// Whether what is read is had only when an assignment switches it on.
    pub(super) optional: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(domain: &'a Domain, level: Level) -> Reader<'a> {
        Reader { domain, level, grants: Vec::new(), modules_on: IdSet::new(), optional: false }
    }

    /// `{module: [permission, ...]}`.
    pub(super) fn by_module(&mut self, node: &Node, diags: &mut Diags) {
        for (key, node) in node.as_map("grants by module", diags).unwrap_or_default() {
            self.module(key, node, diags);
        }
    }

    fn module(&mut self, key: &Key, node: &Node, diags: &mut Diags) {
        let found = self.domain.modules.iter().find(|(_, module)| module.name == key.text);
        let Some((id, module)) = found else {
            let known = self.domain.modules.iter().map(|(_, module)| module.name.as_str());
            names::unknown("module", &key.text, key.span, known, diags);
            return;
        };
        if node.is_off() {
            return;
        }
        if module.level.is_broader_than(self.level) {
            let level = |level: Level| self.domain.level_name(level);
            let (held, wanted) = (level(self.level), level(module.level));
            let message =
                format!("a role of level {held} cannot carry `{}`, which is of level {wanted}", module.name);
            let help =
                "a role carries permissions of its own level and narrower ones; grant this to a broader role";
            diags.error(key.span, "level_violation", message).help(help);
            return;
        }
        if !self.optional {
            self.modules_on.insert(id);
        }
        match &node.value {
            Value::Text { .. } | Value::Map(_) => self.item(id, module, node, true, diags),
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.item(id, module, item, at == 0, diags);
                }
            }
            Value::Broken => {}
            _ => {
                let message = format!("expected what `{}` grants, found {}", module.name, node.kind());
                diags.error(node.span, "wrong_type", message).help(GRANTS_HELP);
            }
        }
    }

    /// `view`, `all`, or `{view: own_classes}`.
    fn item(&mut self, id: ModuleId, module: &Module, item: &Node, may_be_all: bool, diags: &mut Diags) {
        if let Value::Map(entries) = &item.value {
            for (key, relation) in entries {
                let Some(relation) =
                    crate::policy::source::choose(relation, "a relation", Relation::WORDS, diags)
                else {
                    continue;
                };
                self.grant(id, module, key.span, &key.text, may_be_all, Some(relation), diags);
            }
        } else if let Some(word) = item.as_text("the name of a permission", diags) {
            self.grant(id, module, item.span, word, may_be_all, None, diags);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "two calls, and each part is something else")]
    fn grant(
        &mut self,
        module_id: ModuleId,
        module: &Module,
        span: Span,
        word: &str,
        may_be_all: bool,
        relation: Option<Relation>,
        diags: &mut Diags,
    ) {
        let domain = self.domain;
        let of_module = || domain.permissions.iter().filter(|(_, permission)| permission.module == module_id);
        if matches!(word, "all" | "all_and_power") {
            if !may_be_all {
                diags.error(span, "wrong_type", format!("`{word}` comes first in a list"));
            }
            // A permission that only another level decides is left out: listing it would grant nothing.
            for (permission, row) in of_module() {
                if (word == "all_and_power" || !row.power) && self.decides(row.only_at) {
                    self.grants.push(Grant { permission, relation, optional: self.optional });
                }
            }
            return;
        }
        let short = |name: &str| name.get(module.name.len() + 1..).unwrap_or_default().to_owned();
        let Some((id, _)) = of_module().find(|(_, permission)| short(&permission.name) == word) else {
            let known: Vec<String> = of_module().map(|(_, permission)| short(&permission.name)).collect();
            let what = format!("permission of `{}` called", module.name);
            names::unknown(&what, word, span, known.iter().map(String::as_str).chain(["all"]), diags);
            return;
        };
        self.push(id, relation, span, diags);
    }

    /// `module.permission`, or `module.permission:relation`, as custom sets list them.
    pub(super) fn by_name(&mut self, word: &Word, diags: &mut Diags) {
        let (name, relation) = match word.text.split_once(':') {
            None => (word.text.as_str(), None),
            Some((name, relation)) => {
                let found = Relation::WORDS.iter().find(|(known, _)| *known == relation);
                let Some((_, relation)) = found else {
                    let known = Relation::WORDS.iter().map(|(known, _)| *known);
                    names::unknown("relation", relation, word.span, known, diags);
                    return;
                };
                (name, Some(*relation))
            }
        };
        let Some(id) = permission(self.domain, name, word.span, diags) else { return };
        let row = &self.domain.permissions[id];
        if row.level.is_broader_than(self.level) {
            let message = format!("`{name}` is of level {}", self.domain.level_name(row.level));
            let help = format!("this is held at level {}", self.domain.level_name(self.level));
            diags.error(word.span, "level_violation", message).help(help);
            return;
        }
        self.modules_on.insert(row.module);
        self.push(id, relation, word.span, diags);
    }

    fn push(&mut self, id: PermissionId, relation: Option<Relation>, span: Span, diags: &mut Diags) {
        let row = &self.domain.permissions[id];
        if !self.decides(row.only_at) {
            let level = row.only_at.map_or("", |level| self.domain.level_name(level));
            diags
                .error(span, "level_violation", format!("only {level} roles decide `{}`", row.name))
                .help("take it out here; it would grant nothing");
            return;
        }
        self.grants.push(Grant { permission: id, relation, optional: self.optional });
    }

    fn decides(&self, only_at: Option<Level>) -> bool {
        only_at.is_none_or(|level| level == self.level)
    }
}

/// Finds a permission by its full name inside its domain.
pub(super) fn permission(domain: &Domain, name: &str, span: Span, diags: &mut Diags) -> Option<PermissionId> {
    let found = domain.permission(name);
    if found.is_none() {
        let known = domain.permissions.iter().map(|(_, permission)| permission.name.as_str());
        names::unknown("permission", name, span, known, diags);
    }
    found
}
