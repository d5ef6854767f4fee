//! Blocks: custody orders and conflicts. They come before any grant, in every domain (`policy-model.md` sections 2 and 4).

use super::{AccessRequest, Ask, DocumentAsk, Facts};
use crate::policy::Bundle;
use crate::policy::relations::{Blocked, Part};
use crate::policy::table::{PersonId, ScopeId};
use crate::time::Time;

/// Whether the subject, or a person whom the request names, is kept away from what is asked about. For documents the
/// target is bound by its own max instead, which is none then.
pub(super) fn blocked(bundle: &Bundle, request: &AccessRequest<'_>) -> bool {
    let now = request.now;
    match &request.ask {
        Ask::Permission { scope, .. } => {
            from_people(bundle, request.subject, request.facts, Some(*scope), now)
        }
        Ask::Document(ask) => from_document(bundle, request.subject, ask, now),
    }
}

/// Whether the subject, or a person whom the request names, is kept away from the scope, in whichever tree, or from the
/// student.
pub(super) fn from_people(
    bundle: &Bundle,
    subject: PersonId,
    facts: Facts<'_>,
    scope: Option<ScopeId>,
    now: Time,
) -> bool {
    [Some(subject), facts.target].into_iter().flatten().any(|person| {
        bundle.blocks(person, now).any(|block| match block.from_what {
            Blocked::Student(blocked) => facts.student == Some(blocked),
            Blocked::Scope(blocked) => {
                scope.is_some_and(|scope| lies_below(bundle, scope, blocked))
                    || facts.student.is_some_and(|student| belongs_to(bundle, student, blocked, now))
            }
        })
    })
}

/// Whether `person` is kept away from the student of a document. A document whose student is not known is refused to a
/// person who has any block.
pub(super) fn from_document(bundle: &Bundle, person: PersonId, ask: &DocumentAsk<'_>, now: Time) -> bool {
    let mut blocks = bundle.blocks(person, now).peekable();
    if blocks.peek().is_none() {
        return false;
    }
    let Some(student) = ask.student else { return true };
    blocks.any(|block| match block.from_what {
        Blocked::Student(blocked) => student == blocked,
        Blocked::Scope(blocked) => {
            let buildings = ask.buildings.unwrap_or_default();
            buildings.iter().any(|building| lies_below(bundle, *building, blocked))
                || belongs_to(bundle, student, blocked, now)
        }
    })
}

/// Whether `scope` is `above` or lies below it in any tree.
fn lies_below(bundle: &Bundle, scope: ScopeId, above: ScopeId) -> bool {
    scope == above
        || bundle.domains().iter().any(|(_, domain)| domain.chain(scope).any(|(at, _)| at == above))
}

/// Whether a student is enrolled in a scope, or is in a building, that is `above` or lies below it.
fn belongs_to(bundle: &Bundle, student: PersonId, above: ScopeId, now: Time) -> bool {
    let enrolled = bundle.relations().enrolments_of(student);
    let mut enrolled = enrolled.filter(|(_, part, days)| *part == Part::Student && days.holds(now));
    let buildings = bundle.buildings_of_person(student);
    buildings.iter().any(|building| lies_below(bundle, *building, above))
        || enrolled.any(|(scope, ..)| lies_below(bundle, scope, above))
}
