//! Documents that the bundle lists: of which form, about which student, and who was given what.

use super::access::Access;
use super::names::NameMap;
use super::table::{DocumentId, DomainId, FormId, PersonId, Table};

/// A document and its own grants.
#[derive(Debug)]
pub struct Document {
    /// The id that routes capture.
    pub id: String,
    /// The domain of its form.
    pub domain: DomainId,
    /// Its form.
    pub form: FormId,
    /// The student it is about.
    pub student: PersonId,
    /// Ordered by person, one each.
    pub(super) grants: Vec<(PersonId, Access)>,
}

impl Document {
    /// What the document's own grants give `person`; its creator has `owner` (`FM-17`).
    pub fn granted_to(&self, person: PersonId) -> Access {
        let found = self.grants.binary_search_by_key(&person, |(who, _)| *who);
        found.ok().and_then(|at| self.grants.get(at)).map_or(Access::None, |(_, access)| *access)
    }
}

/// The documents of a bundle.
#[derive(Debug, Default)]
pub struct Documents {
    pub(super) rows: Table<DocumentId, Document>,
    pub(super) by_id: NameMap<DocumentId>,
}

impl Documents {
    /// The document with this id.
    pub fn find(&self, id: &str) -> Option<&Document> {
        self.by_id.get(id).map(|id| &self.rows[*id])
    }

    /// How many documents the bundle lists.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it lists none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
