//! What must be done to the answer of the app before the caller gets it (`policy-model.md` section 6).

use crate::policy::table::PersonId;
use crate::policy::{Bundle, Kind, Kinds, Principal};

/// What an answer must be cut to. All of it holds: what is left is what every part leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Obligations {
    /// Records and fields that the subject has the permissions of the catalogue for.
    pub catalogue: bool,
    /// What is shared with the subject, where it is an application.
    pub own: Option<PersonId>,
    /// What is shared with the application that the subject comes through.
    pub through: Option<PersonId>,
}

impl Obligations {
    /// None.
    pub const NONE: Obligations = Obligations { catalogue: false, own: None, through: None };

    /// Those of a caller, whatever is asked for. Without a catalogue nobody has any.
    pub fn of(bundle: &Bundle, principal: Principal<'_>) -> Obligations {
        if bundle.records().is_empty() {
            return Obligations::NONE;
        }
        let kinds = bundle.kinds_ever(principal.subject);
        let mut only_application = Kinds::default();
        only_application.insert(Kind::Application);
        Obligations {
            // Whoever is something besides is a person as well, and bound twice.
            catalogue: kinds != only_application,
            own: Some(principal.subject).filter(|_| kinds.contains(Kind::Application)),
            through: principal.through,
        }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Obligations::NONE
    }

    /// The applications whose sharing bounds the answer.
    pub fn applications(&self) -> impl Iterator<Item = PersonId> + Clone + use<> {
        [self.own, self.through].into_iter().flatten()
    }
}
