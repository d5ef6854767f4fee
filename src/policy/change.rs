//! Changes to assignments and roles that a request would make: what a route says of them (`policy-model.md` section 4).

use super::route::{Attribute, ScopeAttribute};
use super::table::{PersonId, RoleId};

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeAction {
    /// Somebody gets a role.
    Give,
    /// A role is taken from somebody.
    Take,
    /// The permissions of somebody's assignments at a scope are replaced.
    Permissions,
    /// The title of somebody's assignments at a scope is replaced.
    Title,
    /// What a role says, or that it is there.
    Role,
}

impl ChangeAction {
    /// The words for the changes, as a route names them.
    pub const WORDS: &'static [(&'static str, ChangeAction)] = &[
        ("give", ChangeAction::Give),
        ("take", ChangeAction::Take),
        ("permissions", ChangeAction::Permissions),
        ("title", ChangeAction::Title),
        ("role", ChangeAction::Role),
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            ChangeAction::Give => "give",
            ChangeAction::Take => "take",
            ChangeAction::Permissions => "permissions",
            ChangeAction::Title => "title",
            ChangeAction::Role => "role",
        }
    }

    /// The change of this name, as `eval` and the decision log write it: `change:give`.
    pub fn parse_name(name: &str) -> Option<ChangeAction> {
        let word = name.strip_prefix("change:")?;
        ChangeAction::WORDS.iter().find(|(known, _)| *known == word).map(|(_, action)| *action)
    }
}

/// A change, as a route says where its parts are taken from.
#[derive(Debug)]
pub enum Change {
    /// Somebody gets a role at a scope, or it is taken from them.
    Assignment {
        /// Whether it is taken.
        takes: bool,
        /// The role.
        role: Attribute<RoleId>,
        /// Whose it is.
        target: Attribute<PersonId>,
        /// Where.
        scope: ScopeAttribute,
    },
    /// The permissions of somebody at a scope are replaced.
    Permissions {
        /// Whose they are.
        target: Attribute<PersonId>,
        /// Where.
        scope: ScopeAttribute,
        /// The new set: `module.permission` or `module.permission:relation`, joined by commas.
        set: Attribute<Box<str>>,
    },
    /// The title of somebody at a scope is replaced.
    Title {
        /// Whose it is.
        target: Attribute<PersonId>,
        /// Where.
        scope: ScopeAttribute,
        /// The category of the new title.
        category: Attribute<Box<str>>,
        /// The new title.
        title: Attribute<Box<str>>,
    },
    /// A role is changed or deleted.
    Role {
        /// Which.
        role: Attribute<RoleId>,
    },
}

impl Change {
    /// What is changed.
    pub fn action(&self) -> ChangeAction {
        match self {
            Change::Assignment { takes: false, .. } => ChangeAction::Give,
            Change::Assignment { takes: true, .. } => ChangeAction::Take,
            Change::Permissions { .. } => ChangeAction::Permissions,
            Change::Title { .. } => ChangeAction::Title,
            Change::Role { .. } => ChangeAction::Role,
        }
    }

    /// The role that it names.
    pub fn role(&self) -> Option<Attribute<RoleId>> {
        match self {
            Change::Assignment { role, .. } | Change::Role { role } => Some(*role),
            Change::Permissions { .. } | Change::Title { .. } => None,
        }
    }

    /// Whose assignment is changed.
    pub fn target(&self) -> Option<Attribute<PersonId>> {
        match self {
            Change::Assignment { target, .. }
            | Change::Permissions { target, .. }
            | Change::Title { target, .. } => Some(*target),
            Change::Role { .. } => None,
        }
    }

    /// Where the assignment is held.
    pub fn scope(&self) -> Option<&ScopeAttribute> {
        match self {
            Change::Assignment { scope, .. }
            | Change::Permissions { scope, .. }
            | Change::Title { scope, .. } => Some(scope),
            Change::Role { .. } => None,
        }
    }

    /// Whether it is bounded by who asks. The other changes say what may not be, and not who may.
    pub(super) fn asks_who(&self) -> bool {
        matches!(self, Change::Assignment { .. })
    }
}
