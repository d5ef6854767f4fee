//! What is asked: everything that an answer may depend on, and nothing else.

use super::{Reason, Record, Viewer};
use crate::policy::change::ChangeAction;
use crate::policy::table::{DomainId, FormId, PermissionId, PersonId, RoleId, ScopeId};
use crate::policy::{Access, Claims, DocumentAction, Principal};
use crate::time::Time;
use std::fmt;

/// One question to a bundle.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// Who asks.
    pub subject: PersonId,
    /// What for.
    pub ask: Ask<'a>,
    /// What the request says beside that, for relations, blocks and step-up.
    pub facts: Facts<'a>,
    /// When.
    pub now: Time,
}

/// What a request says beside its subject and resource. What is not known is `None`, and never guessed.
#[derive(Clone, Copy, Default)]
pub struct Facts<'a> {
    /// The student who is asked about.
    pub student: Option<PersonId>,
    /// The request names a student who is not in the bundle. That is not nobody.
    pub stranger: bool,
    /// A second person whom the request names.
    pub target: Option<PersonId>,
    /// Those to whom the resource is assigned.
    pub assigned: Option<&'a [PersonId]>,
    /// What the subject's token says.
    pub claims: Option<&'a dyn Claims>,
    /// The application that the subject comes through.
    pub through: Option<PersonId>,
    /// The name of the credential that was brought.
    pub credential: Option<&'a str>,
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Claims and credentials are not shown: a log is no place for them.
        let Facts { student, stranger, target, assigned, claims: _, through, credential: _ } = self;
        f.debug_struct("Facts")
            .field("student", student)
            .field("stranger", stranger)
            .field("target", target)
            .field("assigned", assigned)
            .field("through", through)
            .finish_non_exhaustive()
    }
}

impl<'a> AccessRequest<'a> {
    /// Who asks, through which application and with which credential.
    pub fn principal(&self) -> Principal<'a> {
        let Facts { through, credential, .. } = self.facts;
        Principal { subject: self.subject, through, credential }
    }

    /// The same for records.
    pub fn viewer(&self) -> Viewer<'a> {
        Viewer { principal: self.principal(), claims: self.facts.claims }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub enum Ask<'a> {
    /// A permission on a scope.
    Permission {
        /// The domain.
        domain: DomainId,
        /// The permission, inside the domain.
        permission: PermissionId,
        /// Where.
        scope: ScopeId,
    },
    /// An access to a document.
    Document(DocumentAsk<'a>),
    /// One record of an answer.
    Record(&'a dyn Record),
    /// A change to an assignment or a role.
    Change(ChangeAsk<'a>),
}

/// A change to an assignment or a role.
#[derive(Debug, Clone, Copy)]
pub struct ChangeAsk<'a> {
    /// The domain of the assignment or role.
    pub domain: DomainId,
    /// What is changed.
    pub change: Changed<'a>,
}

/// What a request would change.
#[derive(Debug, Clone, Copy)]
pub enum Changed<'a> {
    /// Somebody gets a role.
    Give {
        /// The role, inside the domain.
        role: RoleId,
        /// Who gets it.
        target: PersonId,
        /// Where.
        scope: ScopeId,
    },
    /// A role is taken from somebody.
    Take {
        /// The role, inside the domain.
        role: RoleId,
        /// From whom.
        target: PersonId,
        /// Where.
        scope: ScopeId,
    },
    /// The permissions of somebody at a scope are replaced.
    Permissions {
        /// Whose they are.
        target: PersonId,
        /// Where.
        scope: ScopeId,
        /// The new ones, joined by commas; `None` where the request does not say.
        set: Option<&'a str>,
    },
    /// The title of somebody at a scope is replaced.
    Title {
        /// Whose it is.
        target: PersonId,
        /// Where.
        scope: ScopeId,
        /// The category of the new title.
        category: &'a str,
        /// The new title.
        title: &'a str,
    },
    /// A role is changed or deleted.
    Role {
        /// The role, inside the domain.
        role: RoleId,
    },
}

impl Changed<'_> {
    /// The kind of change.
    pub fn action(&self) -> ChangeAction {
        match self {
            Changed::Give { .. } => ChangeAction::Give,
            Changed::Take { .. } => ChangeAction::Take,
            Changed::Permissions { .. } => ChangeAction::Permissions,
            Changed::Title { .. } => ChangeAction::Title,
            Changed::Role { .. } => ChangeAction::Role,
        }
    }

    /// The role that is given, taken or changed.
    pub fn role(&self) -> Option<RoleId> {
        match self {
            Changed::Give { role, .. } | Changed::Take { role, .. } | Changed::Role { role } => Some(*role),
            Changed::Permissions { .. } | Changed::Title { .. } => None,
        }
    }

    /// Whose assignment is changed, and where it is held.
    pub fn whose(&self) -> Option<(PersonId, ScopeId)> {
        match self {
            Changed::Give { target, scope, .. }
            | Changed::Take { target, scope, .. }
            | Changed::Permissions { target, scope, .. }
            | Changed::Title { target, scope, .. } => Some((*target, *scope)),
            Changed::Role { .. } => None,
        }
    }
}

/// An access to a document.
#[derive(Debug, Clone, Copy)]
pub struct DocumentAsk<'a> {
    /// What is done with it.
    pub action: DocumentAction,
    /// The domain of its form.
    pub domain: DomainId,
    /// Its form.
    pub form: FormId,
    /// The buildings that its student is in, or why they cannot be had.
    pub buildings: Result<&'a [ScopeId], Reason>,
    /// What the document's own grants give the subject.
    pub explicit: Access,
    /// The student it is about, if that is known.
    pub student: Option<PersonId>,
    /// For sharing and transferring: to whom.
    pub target: Option<PersonId>,
    /// For sharing: what is given.
    pub giving: Option<Access>,
}
