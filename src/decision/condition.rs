//! The attributes of conditions, taken from one request.

use super::ask::Facts;
use super::{At, DocumentAsk, document};
use crate::policy::condition::{Attribute, Attributes, Value};
use crate::policy::route::Match;
use crate::policy::table::{DomainId, FormId, PermissionId, PersonId, ScopeId};
use crate::policy::{Access, Bundle, DocumentAction};
use crate::time::Time;

/// What a condition of a route can read of one request.
pub(super) struct Read<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) matched: &'a Match<'a, 'a>,
    pub(super) subject: PersonId,
    pub(super) facts: Facts<'a>,
    /// Where the target's permissions are asked for.
    pub(super) scope: Option<ScopeId>,
    pub(super) now: Time,
    /// A capture that holds a list, and the item that is asked about.
    pub(super) item: Option<(usize, &'a str)>,
}

impl Attributes for Read<'_> {
    fn value(&self, attribute: &Attribute) -> Option<Value<'_>> {
        let people = self.bundle.people();
        Some(match attribute {
            Attribute::SubjectId => Value::Text(&people.row(self.subject).id),
            Attribute::SubjectKinds => Value::Kinds(self.bundle.kinds(self.subject, self.now)),
            Attribute::Claim(name) => {
                let claims = self.facts.claims.filter(|claims| claims.has(name))?;
                if claims.is_words(name) { Value::Claim } else { Value::Other }
            }
            Attribute::TargetId => Value::Text(&people.row(self.facts.target?).id),
            Attribute::TargetKinds => Value::Kinds(self.bundle.kinds(self.facts.target?, self.now)),
            Attribute::TargetHolds(domain, permission) => {
                Value::Flag(self.target_holds(*domain, *permission)?)
            }
            Attribute::TargetMax(domain, form) => Value::Access(self.target_max(*domain, *form)?),
            Attribute::TargetTiedTo(scope) => Value::Flag(self.is_tied_to(self.facts.target?, *scope)),
            Attribute::Student => Value::Text(&people.row(self.facts.student?).id),
            Attribute::Method => Value::Text(self.matched.route().method()),
            Attribute::Now => Value::Time(self.now),
            Attribute::Capture(number) => Value::Text(match self.item {
                Some((capture, item)) if capture == *number => item,
                _ => self.matched.capture(*number)?,
            }),
        })
    }

    fn claim_holds(&self, name: &str, word: &str) -> bool {
        self.facts.claims.is_some_and(|claims| claims.holds(name, word))
    }
}

impl Read<'_> {
    /// Whether the target holds a permission where the condition asks.
    fn target_holds(&self, domain: DomainId, permission: PermissionId) -> Option<bool> {
        let (target, scope) = (self.facts.target?, self.scope?);
        let Facts { student, stranger, .. } = self.facts;
        let facts = Facts { student, stranger, ..Facts::default() };
        if self.bundle.is_suspended(target) {
            return Some(false);
        }
        At { bundle: self.bundle, domain, subject: target, scope, facts, now: self.now }.surely(permission)
    }

    /// The most that the target can have of a form, for the student who is asked about: what could be given to them.
    fn target_max(&self, domain: DomainId, form: FormId) -> Option<Access> {
        let (target, student) = (self.facts.target?, self.facts.student?);
        let ask = DocumentAsk {
            action: DocumentAction::Share,
            domain,
            form,
            buildings: document::buildings_of_student(self.bundle, domain, student, self.now),
            explicit: Access::None,
            student: Some(student),
            target: Some(target),
            giving: None,
        };
        document::grantee_max(self.bundle, target, &ask, self.now).ok()
    }

    /// Whether a person is assigned or enrolled at a scope or below it, in any tree, today.
    fn is_tied_to(&self, person: PersonId, scope: ScopeId) -> bool {
        let below = |at: ScopeId| {
            at == scope
                || self
                    .bundle
                    .domains()
                    .iter()
                    .any(|(_, domain)| domain.chain(at).any(|(above, _)| above == scope))
        };
        let assigned = self.bundle.domains().iter().any(|(domain, _)| {
            let held = self.bundle.assignments(person, domain).iter();
            // A suspended one counts as held.
            held.filter(|held| held.is_current(self.now)).any(|held| below(held.scope))
        });
        let mut enrolled = self.bundle.relations().enrolments_of(person);
        assigned || enrolled.any(|(at, _, days)| days.holds(self.now) && below(at))
    }
}
