//! Blocks: custody orders and conflicts. They come before any grant, in every domain (`policy-model.md` sections 2 and 4).

use super::{AccessRequest, Ask, DocumentAsk, Facts};
use crate::policy::relations::{Block, Blocked, Part};
use crate::policy::table::{PersonId, ScopeId};
use crate::policy::{Bundle, DocumentAction};
use crate::time::Time;

/// Whether the subject, the application that they come through, or a person whom the request names, is kept away from
/// what is asked about. Where a document is given to the target, the target is bound by its own max instead, which is
/// none then.
pub(super) fn blocked(bundle: &Bundle, request: &AccessRequest<'_>) -> bool {
    if bundle.held_off().blocks().is_empty() {
        return false;
    }
    let now = request.now;
    match &request.ask {
        Ask::Permission { scope, .. } => {
            from_people(bundle, request.subject, request.facts, Some(*scope), now)
        }
        Ask::Change(ask) => {
            let scope = ask.change.whose().map(|(_, scope)| scope);
            from_people(bundle, request.subject, request.facts, scope, now)
        }
        // A record is judged with its parents.
        Ask::Record(_) => false,
        Ask::Document(ask) => {
            let given = matches!(ask.action, DocumentAction::Share | DocumentAction::Transfer);
            let bounded = ask.target.filter(|_| !given);
            let askers = [Some(request.subject), request.facts.through].into_iter().flatten();
            let mut bound = askers.clone().chain(bounded);
            bound.any(|person| from_document(bundle, person, ask, now))
                || askers.into_iter().any(|person| from_target(bundle, person, ask.target, now))
        }
    }
}

/// Whether the subject, the application that they come through, or a person whom the request names, is kept away from
/// the scope, in whichever tree, or from the student, whose own scope it may be. A student who
/// is named and not known may be anybody from whom a person with a block is kept away.
pub(super) fn from_people(
    bundle: &Bundle,
    subject: PersonId,
    facts: Facts<'_>,
    scope: Option<ScopeId>,
    now: Time,
) -> bool {
    let mut askers = [Some(subject), facts.through].into_iter().flatten();
    let kept_away = askers.clone().chain(facts.target).any(|person| {
        bundle.blocks(person, now).any(|block| {
            facts.stranger
                || facts.student.is_some_and(|student| is_from(bundle, block, student, now))
                || scope.is_some_and(|scope| match block.from_what {
                    Blocked::Student(student) => {
                        bundle.own_scopes(student).any(|own| lies_below(bundle, scope, own))
                    }
                    Blocked::Scope(blocked) => lies_below(bundle, scope, blocked),
                })
        })
    });
    kept_away || askers.any(|person| from_target(bundle, person, facts.target, now))
}

/// The same of a request that names a student, a target and a scope as far as they are known, whatever is asked: in giving
/// (`gives`), the target is bound by its own max instead.
pub(super) fn from_named(
    bundle: &Bundle,
    subject: PersonId,
    facts: Facts<'_>,
    scope: Option<ScopeId>,
    gives: bool,
    now: Time,
) -> bool {
    let bounded = Facts { target: facts.target.filter(|_| !gives), ..facts };
    let mut askers = [Some(subject), facts.through].into_iter().flatten();
    from_people(bundle, subject, bounded, scope, now)
        || askers.any(|person| from_target(bundle, person, facts.target, now))
}

/// Whether the subject is kept away from the person whom the request names second: a student may be named there, too.
fn from_target(bundle: &Bundle, subject: PersonId, target: Option<PersonId>, now: Time) -> bool {
    let Some(target) = target.filter(|target| *target != subject) else { return false };
    bundle.blocks(subject, now).any(|block| is_from(bundle, block, target, now))
}

/// Whether a block keeps somebody away from this student.
fn is_from(bundle: &Bundle, block: &Block, student: PersonId, now: Time) -> bool {
    match block.from_what {
        Blocked::Student(blocked) => student == blocked,
        Blocked::Scope(blocked) => belongs_to(bundle, student, blocked, now),
    }
}

/// Whether `person` is kept away from the student of a document. A document whose student is not known is refused to a
/// person who has any block.
pub(super) fn from_document(bundle: &Bundle, person: PersonId, ask: &DocumentAsk<'_>, now: Time) -> bool {
    let mut blocks = bundle.blocks(person, now).peekable();
    if blocks.peek().is_none() {
        return false;
    }
    let Some(student) = ask.student else { return true };
    blocks.any(|block| {
        is_from(bundle, block, student, now)
            || match block.from_what {
                Blocked::Student(_) => false,
                Blocked::Scope(blocked) => {
                    let buildings = ask.buildings.unwrap_or_default();
                    buildings.iter().any(|building| lies_below(bundle, *building, blocked))
                }
            }
    })
}

/// Whether `scope` is `above` or lies below it in any tree.
fn lies_below(bundle: &Bundle, scope: ScopeId, above: ScopeId) -> bool {
    scope == above
        || bundle.domains().iter().any(|(_, domain)| domain.chain(scope).any(|(at, _)| at == above))
}

/// Whether a student is enrolled in a scope, is in a building, or has a scope of their own, that is `above` or lies below
/// it.
fn belongs_to(bundle: &Bundle, student: PersonId, above: ScopeId, now: Time) -> bool {
    let enrolled = bundle.relations().enrolments_of(student);
    let mut enrolled = enrolled.filter(|(_, part, days)| *part == Part::Student && days.holds(now));
    let buildings = bundle.buildings_of_person(student, now);
    buildings.iter().any(|building| lies_below(bundle, *building, above))
        || bundle.own_scopes(student).any(|own| lies_below(bundle, own, above))
        || enrolled.any(|(scope, ..)| lies_below(bundle, scope, above))
}
