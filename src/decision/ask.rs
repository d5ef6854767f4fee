//! What is asked: everything that an answer may depend on, and nothing else.

use super::Reason;
use crate::policy::table::{DomainId, FormId, PermissionId, PersonId, ScopeId};
use crate::policy::{Access, DocumentAction};
use crate::time::Time;

/// One question to a bundle.
#[derive(Debug, Clone, Copy)]
pub struct AccessRequest<'a> {
    /// Who asks.
    pub subject: PersonId,
    /// What for.
    pub ask: Ask<'a>,
    /// When.
    pub now: Time,
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
    /// For sharing and transferring: to whom.
    pub target: Option<PersonId>,
    /// For sharing: what is given.
    pub giving: Option<Access>,
}
