//! A domain: one combining rule with its own levels, tree of scopes, modules, permissions, roles and forms.

use super::access::Entry;
use super::bundle::Fallback;
use super::grants::Grants;
use super::people::Kinds;
use super::table::{FormId, IdSet, ModuleId, PermissionId, RoleId, ScopeId, Table};

/// How the roles of a chain combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// The narrowest scope with an eligible assignment decides alone.
    MostSpecific,
    /// Any eligible assignment may grant.
    Union,
}

/// One of a domain's levels: 0 is the broadest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(pub(super) u8);

impl Level {
    /// The first of the list.
    pub const BROADEST: Level = Level(0);

    /// Whether this level is broader than `other`.
    pub fn is_broader_than(self, other: Level) -> bool {
        self < other
    }

    /// Whether this level is narrower than `other`.
    pub fn is_narrower_than(self, other: Level) -> bool {
        self > other
    }
}

/// One combining rule and all that it combines.
#[derive(Debug)]
pub struct Domain {
    pub(super) name: String,
    pub(super) precedence: Precedence,
    pub(super) levels: Vec<String>,
    /// By scope of the bundle; `None` where the scope is not in this domain's tree.
    pub(super) nodes: Vec<Option<TreeNode>>,
    pub(super) modules: Table<ModuleId, Module>,
    pub(super) permissions: Table<PermissionId, Permission>,
    pub(super) roles: Table<RoleId, Role>,
    pub(super) mandatory: Option<Mandatory>,
    pub(super) forms: Option<Forms>,
    /// Permissions that every assignment carries, under custom sets and plans too.
    pub(super) base: IdSet<PermissionId>,
    /// Modules that are off for everyone at a scope and below.
    pub(super) modules_off: Vec<(ScopeId, IdSet<ModuleId>)>,
    /// The plans of schools.
    pub(super) plans: Vec<(ScopeId, Plan)>,
    /// `category/title` pairs that may label an assignment.
    pub(super) titles: Vec<(String, String)>,
    /// Scopes in which no work is done any more, with all that stands below them.
    pub(super) archived: IdSet<ScopeId>,
    /// The permissions in the order of their names, so that a name of a request is found by halving.
    pub(super) by_name: Vec<PermissionId>,
    /// Nobody adds to their own rights.
    pub(super) denies_self_add: bool,
}

/// What a school's plan leaves of everything that is stored there or held above.
#[derive(Debug, Clone)]
pub enum Plan {
    /// The effective set of every staff member with an assignment at that school.
    Exactly(IdSet<PermissionId>),
    /// Nothing outside of it is effective there.
    AnyOf(IdSet<PermissionId>),
}

/// A scope's place in a domain's tree.
#[derive(Debug, Clone, Copy)]
pub struct TreeNode {
    /// The scope's level.
    pub level: Level,
    /// The one scope right above it; `None` for a root.
    pub parent: Option<ScopeId>,
}

/// Permissions that are switched on and off together.
#[derive(Debug)]
pub struct Module {
    /// The name.
    pub name: String,
    /// The level of its permissions.
    pub level: Level,
    /// A role at this level must have the module on, too.
    pub gate_at: Option<Level>,
}

/// One action that a role may allow.
#[derive(Debug)]
pub struct Permission {
    /// `module.permission`.
    pub name: String,
    /// Its module.
    pub module: ModuleId,
    /// Its level: that of the module.
    pub level: Level,
    /// Only roles of this level decide it.
    pub only_at: Option<Level>,
    /// Changes no answer; marks decisions, log lines and reports.
    pub power: bool,
    /// Every permission that must be effective too, transitively, in the order of their ids.
    pub requires: Vec<PermissionId>,
    /// Asks for step-up: a claim of the token must be, or hold, this word.
    pub step_up: Option<StepUp>,
}

impl Permission {
    /// Whether roles held at `level` may decide it: a class role never decides a programme permission, and `only_at`
    /// leaves one level to decide.
    pub fn is_decided_at(&self, level: Level) -> bool {
        !level.is_narrower_than(self.level) && self.only_at.is_none_or(|only| only == level)
    }
}

/// A claim that must be there, freshly proven or strong enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUp {
    /// The claim.
    pub claim: String,
    /// The text that it must be, or hold as a member of a list.
    pub has: String,
}

/// A named set of permissions and form accesses at one level. What it includes is already in it.
#[derive(Debug, Clone)]
pub struct Role {
    /// The name that assignments use.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// Where it is assigned.
    pub level: Level,
    /// Deleted roles give nothing; their assignments count as not there.
    pub deleted: bool,
    /// It grants wherever it is assigned, also where a narrower role is held. Does not pass through `includes`.
    pub never_overridden: bool,
    /// Nobody changes or deletes it.
    pub locked: bool,
    /// The role that has what this one had; it is deleted then.
    pub merged_into: Option<RoleId>,
    /// What is written of it, where it is locked.
    pub(super) written: Option<Box<str>>,
    /// Who may give this role: roles of the same domain; `None` where nothing is said.
    pub assignable_by: Option<Vec<RoleId>>,
    /// What it grants, with all that it includes.
    pub grants: Grants,
    /// One entry for each form; `None` for a role that says nothing about documents.
    pub(super) entries: Option<Vec<Entry>>,
}

impl Role {
    /// What it grants, with all that it includes.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Whether the role says something about documents.
    pub fn bears_forms(&self) -> bool {
        self.entries.is_some()
    }

    /// What the role says of `form`; `none|none` where it says nothing.
    pub fn entry(&self, form: FormId) -> Entry {
        use super::table::Id;
        let entries = self.entries.as_deref().unwrap_or_default();
        entries.get(form.row()).copied().unwrap_or(Entry::NOTHING)
    }
}

/// Kinds of subjects that must hold a role at a level.
#[derive(Debug)]
pub struct Mandatory {
    /// The level.
    pub level: Level,
    /// The kinds.
    pub kinds: Kinds,
    /// The role that such a subject holds where no assignment says otherwise.
    pub default_role: Option<RoleId>,
}

/// How documents are decided.
#[derive(Debug)]
pub struct Forms {
    /// The level whose scopes are the buildings.
    pub buildings: Level,
    /// The forms.
    pub forms: Table<FormId, Form>,
    /// What stands in where no role speaks.
    pub fallback: Fallback,
    /// Whether a document's own grants hold outside the person's buildings, capped by their best max.
    pub explicit_grants_outside_buildings: bool,
    /// Whether documents may be created outside the person's buildings.
    pub create_outside_buildings: bool,
    /// Whether an assignment without a building, beside others with one, covers every document with the fallback.
    pub bare_assignments_cover: bool,
    /// The permission `documents.administer`, where the domain has it.
    pub administer: Option<PermissionId>,
}

/// A type of document.
#[derive(Debug)]
pub struct Form {
    /// The name.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// Groups that a role may name together.
    pub groups: Vec<String>,
    /// Nothing can be created from a deleted form.
    pub deleted: bool,
}

impl Domain {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How roles combine.
    pub fn precedence(&self) -> Precedence {
        self.precedence
    }

    /// The names of the levels, broad to narrow.
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    /// The name of a level.
    pub fn level_name(&self, level: Level) -> &str {
        self.levels.get(usize::from(level.0)).map_or("", String::as_str)
    }

    /// The level of this name.
    pub fn level(&self, name: &str) -> Option<Level> {
        self.levels.iter().position(|level| level == name).map(|at| Level(at as u8))
    }

    /// The scope's place in this domain's tree, if it has one.
    pub fn node(&self, scope: ScopeId) -> Option<TreeNode> {
        use super::table::Id;
        self.nodes.get(scope.row()).copied().flatten()
    }

    /// Stands a scope of a roster in the tree, unless it stands there already.
    pub(super) fn stand(&mut self, scope: ScopeId, node: TreeNode) {
        use super::table::Id;
        if self.nodes.len() <= scope.row() {
            self.nodes.resize(scope.row() + 1, None);
        }
        let Some(place) = self.nodes.get_mut(scope.row()).filter(|place| place.is_none()) else { return };
        *place = Some(node);
        if node.parent.is_some_and(|above| self.archived.contains(above)) {
            self.archived.insert(scope);
        }
    }

    /// `scope` and its ancestors, narrow to broad; nothing if it is not in this domain.
    pub fn chain(&self, scope: ScopeId) -> impl Iterator<Item = (ScopeId, Level)> + '_ {
        let mut next = Some(scope);
        std::iter::from_fn(move || {
            let scope = next?;
            let node = self.node(scope)?;
            next = node.parent;
            Some((scope, node.level))
        })
    }

    /// The scope of level `level` on the chain of `scope`.
    pub fn ancestor(&self, scope: ScopeId, level: Level) -> Option<ScopeId> {
        self.chain(scope).find(|(_, at)| *at == level).map(|(scope, _)| scope)
    }

    /// The modules.
    pub fn modules(&self) -> &Table<ModuleId, Module> {
        &self.modules
    }

    /// The permissions.
    pub fn permissions(&self) -> &Table<PermissionId, Permission> {
        &self.permissions
    }

    /// The permission `module.permission`.
    pub fn permission(&self, name: &str) -> Option<PermissionId> {
        let found = self.by_name.binary_search_by(|id| self.permissions[*id].name.as_str().cmp(name));
        found.ok().and_then(|at| self.by_name.get(at)).copied()
    }

    /// The roles, in the order of their names.
    pub fn roles(&self) -> &Table<RoleId, Role> {
        &self.roles
    }

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<RoleId> {
        self.roles.iter().find(|(_, role)| role.name == name).map(|(id, _)| id)
    }

    /// The role of this name, which may say this domain: `domain/role`.
    pub fn role_of(&self, name: &str) -> Option<RoleId> {
        match name.split_once('/') {
            Some((domain, name)) if domain == self.name => self.role(name),
            _ => self.role(name),
        }
    }

    /// Who must hold a role at a level.
    pub fn mandatory(&self) -> Option<&Mandatory> {
        self.mandatory.as_ref()
    }

    /// Whether every assignment carries `permission`.
    pub fn is_base(&self, permission: PermissionId) -> bool {
        self.base.contains(permission)
    }

    /// Whether there is a permission that every assignment carries.
    pub fn has_base(&self) -> bool {
        !self.base.is_empty()
    }

    /// Whether it is denied that people add to their own rights.
    pub fn denies_self_add(&self) -> bool {
        self.denies_self_add
    }

    /// Whether `module` is switched off at a scope of the chain of `scope`.
    pub fn is_off(&self, module: ModuleId, scope: ScopeId) -> bool {
        let off_at =
            |at: ScopeId| self.modules_off.iter().any(|(off, set)| *off == at && set.contains(module));
        !self.modules_off.is_empty() && self.chain(scope).any(|(at, _)| off_at(at))
    }

    /// The plans on the chain of `scope`, narrow to broad, each with its school. All of them bound what holds there.
    pub fn plans(&self, scope: ScopeId) -> impl Iterator<Item = (ScopeId, &Plan)> {
        let schools = if self.plans.is_empty() { None } else { Some(self.chain(scope)) };
        schools.into_iter().flatten().filter_map(|(at, _)| {
            self.plans.iter().find(|(school, _)| *school == at).map(|(school, plan)| (*school, plan))
        })
    }

    /// Whether `scope` is archived, or stands below one that is: roles that are held there are held, and grant nothing.
    pub fn is_archived(&self, scope: ScopeId) -> bool {
        self.archived.contains(scope)
    }

    /// The pairs of category and title that may label an assignment.
    pub fn titles(&self) -> &[(String, String)] {
        &self.titles
    }

    /// How documents are decided, if this domain decides them.
    pub fn forms(&self) -> Option<&Forms> {
        self.forms.as_ref()
    }
}

impl Forms {
    /// The form of this name.
    pub fn find(&self, name: &str) -> Option<FormId> {
        self.forms.iter().find(|(_, form)| form.name == name).map(|(id, _)| id)
    }
}
