//! What is asked: everything that an answer may depend on, and nothing else.

use super::Reason;
use crate::policy::table::{DomainId, FormId, PermissionId, PersonId, ScopeId};
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
    /// The student it is about, if that is known.
    pub student: Option<PersonId>,
    /// For sharing and transferring: to whom.
    pub target: Option<PersonId>,
    /// For sharing: what is given.
    pub giving: Option<Access>,
}
