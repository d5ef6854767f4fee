//! Requirements that are about a change to an assignment or a role.

use super::names;
use super::routes::{HELP, Reader};
use crate::policy::change::{Change, ChangeAction};
use crate::policy::domain::{Domain, Level};
use crate::policy::grants;
use crate::policy::route::{Attribute, Requirement, ScopeAttribute};
use crate::policy::source::{Fields, Node, Span, Value, choose};
use crate::policy::table::{DomainId, RoleId};

/// The keys of a change, `change` first.
pub(super) const CHANGE: &[&str] =
    &["change", "domain", "role", "target", "on", "permissions", "category", "title"];

impl Reader<'_, '_> {
    /// `{change: give, role: "{role}", target: "{who}", on: "school/{s}"}` and the like.
    pub(super) fn change(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Requirement> {
        let action = choose(node, "a change", ChangeAction::WORDS, self.diags)?;
        let (others, what): (&[&str], _) = match action {
            ChangeAction::Give | ChangeAction::Take => (&["permissions", "category"], "the change of a role"),
            ChangeAction::Permissions => (&["role", "category"], "a change of permissions"),
            ChangeAction::Title => (&["role", "permissions"], "a change of a title"),
            ChangeAction::Role => {
                (&["target", "on", "permissions", "category"], "a change of what a role says")
            }
        };
        self.refuse_others(fields, others, what);
        let domain = self.domain_of_change(fields)?;
        let change = match action {
            ChangeAction::Give | ChangeAction::Take => {
                self.assignment(fields, domain, action == ChangeAction::Take)
            }
            ChangeAction::Permissions => self.permissions_of(fields, domain),
            ChangeAction::Title => self.title_of(fields, domain),
            ChangeAction::Role => {
                let node = fields.need("role", self.diags)?;
                self.role(domain, node).map(|role| Change::Role { role })
            }
        };
        Some(Requirement::Change { domain, change: change? })
    }

    /// The domain that `domain` names, or the role, or the only one.
    fn domain_of_change(&mut self, fields: &Fields<'_>) -> Option<DomainId> {
        let bundle = self.bundle;
        if let Some(node) = fields.get("domain") {
            let name = node.as_text("the name of a domain", self.diags)?;
            let found = bundle.domain(name);
            if found.is_none() {
                let known = bundle.domains().iter().map(|(_, domain)| domain.name());
                names::unknown("domain", name, node.span, known, self.diags);
            }
            return found;
        }
        let by_role = match fields.get("role").map(|node| &node.value) {
            Some(Value::Text { text, .. }) if !text.starts_with('{') => bundle.split_name(text),
            _ => bundle.split_name(""),
        };
        if by_role.is_none() {
            let message = "it does not say in which domain";
            self.diags.error(fields.span(), "missing_key", message).help("write `domain: NAME`");
        }
        by_role.map(|(domain, _)| domain)
    }

    fn assignment(&mut self, fields: &Fields<'_>, domain: DomainId, takes: bool) -> Option<Change> {
        let node = fields.need("role", self.diags)?;
        let role = self.role(domain, node);
        let (target, scope) = self.whose(fields, domain)?;
        let role = role?;
        if let Attribute::Fixed(id) = role {
            self.check_role(domain, id, &scope, node.span);
        }
        Some(Change::Assignment { takes, role, target, scope })
    }

    /// A role that is written out must be there, and of the level of the scope.
    fn check_role(&mut self, domain: DomainId, id: RoleId, scope: &ScopeAttribute, span: Span) {
        let domain = &self.bundle.domains()[domain];
        let role = &domain.roles()[id];
        if role.deleted {
            let message = format!("`{}` is deleted and gives nothing", role.name);
            self.diags.error(span, "deleted_role", message).help("name another role, or undelete it");
        }
        let level = self.level_of(domain, scope);
        if level.is_some_and(|level| level != role.level) {
            let message = format!("`{}` is a role of level {}", role.name, domain.level_name(role.level));
            let help = format!("`on` must be a scope of level {}", domain.level_name(role.level));
            self.diags.error(span, "wrong_level", message).help(help);
        }
    }

    fn level_of(&self, domain: &Domain, scope: &ScopeAttribute) -> Option<Level> {
        match scope {
            ScopeAttribute::Fixed(scope) => domain.node(*scope).map(|node| node.level),
            ScopeAttribute::Captured(level, _) => domain.level(self.bundle.scopes().level_name(*level)),
        }
    }

    fn permissions_of(&mut self, fields: &Fields<'_>, domain: DomainId) -> Option<Change> {
        let whose = self.whose(fields, domain);
        let node = fields.need("permissions", self.diags)?;
        let set = match &node.value {
            Value::List(items) => {
                let words: Vec<&str> = items
                    .iter()
                    .filter_map(|item| {
                        let word = item.as_text("the name of a permission", self.diags)?;
                        let row = &self.bundle.domains()[domain];
                        let known = grants::Listed::parse(row, word);
                        if known.is_none() {
                            let known = row.permissions().iter().map(|(_, row)| row.name.as_str());
                            names::unknown("permission", word, item.span, known, self.diags);
                        }
                        known.map(|_| word)
                    })
                    .collect();
                Attribute::Fixed(words.join(",").into())
            }
            _ => {
                let text = node.as_text("a parameter, or a list of permissions", self.diags)?;
                Attribute::Captured(self.capture(text, node.span)?)
            }
        };
        let (target, scope) = whose?;
        Some(Change::Permissions { target, scope, set })
    }

    fn title_of(&mut self, fields: &Fields<'_>, domain: DomainId) -> Option<Change> {
        let whose = self.whose(fields, domain);
        let (category_node, title_node) =
            (fields.need("category", self.diags), fields.need("title", self.diags));
        let (category_node, title_node) = (category_node?, title_node?);
        let (category, title) = (self.words(category_node)?, self.words(title_node)?);
        let (target, scope) = whose?;
        let row = &self.bundle.domains()[domain];
        let listed = row.titles().iter().any(|(known_category, known_title)| {
            let fits = |said: &Attribute<Box<str>>, known: &str| match said {
                Attribute::Fixed(text) => **text == *known,
                Attribute::Captured(_) => true,
            };
            fits(&category, known_category) && fits(&title, known_title)
        });
        if !listed {
            let message = format!("`{}` has no such title", row.name());
            self.diags
                .error(title_node.span, "unknown_title", message)
                .help("list it under `titles` of the domain");
        }
        Some(Change::Title { target, scope, category, title })
    }

    /// `target` and `on`, both required.
    fn whose(
        &mut self,
        fields: &Fields<'_>,
        domain: DomainId,
    ) -> Option<(Attribute<crate::policy::table::PersonId>, ScopeAttribute)> {
        let bundle = self.bundle;
        let (target, on) = (fields.need("target", self.diags), fields.need("on", self.diags));
        let target = self.attribute(target?, "a person", |id| bundle.people().find(id));
        let scope = self.scope(on?, &bundle.domains()[domain], Level::BROADEST);
        Some((target?, scope?))
    }

    /// A role of the domain that is written out, or `{parameter}`.
    fn role(&mut self, domain: DomainId, node: &Node) -> Option<Attribute<RoleId>> {
        let row = &self.bundle.domains()[domain];
        let text = node.as_text("a role", self.diags)?;
        if text.starts_with('{') {
            return self.capture(text, node.span).map(Attribute::Captured);
        }
        let found = row.role_of(text);
        if found.is_none() {
            let known = row.roles().iter().map(|(_, role)| role.name.as_str());
            names::unknown("role", text, node.span, known, self.diags);
        }
        found.map(Attribute::Fixed)
    }

    /// Text that is written out, or `{parameter}`.
    fn words(&mut self, node: &Node) -> Option<Attribute<Box<str>>> {
        let text = node.as_text("text", self.diags)?;
        if text.starts_with('{') {
            return self.capture(text, node.span).map(Attribute::Captured);
        }
        Some(Attribute::Fixed(text.into()))
    }

    /// A change of permissions, of a title or of a role says what may not be; who may must be said beside it.
    pub(super) fn check_asked_who(&mut self, requirements: &[Requirement], span: Span) {
        let only_changes = !requirements.is_empty() && !requirements.iter().any(Requirement::asks_who);
        if only_changes {
            let message = "the change says what may not be, and nothing says who may";
            self.diags.error(span, "change_alone", message).help(format!(
                "write `require: [...]` with a permission or a condition beside the change; {HELP}"
            ));
        }
    }
}
