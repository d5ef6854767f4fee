//! Facts of the roster that grants and blocks read: who teaches or attends which class, who is responsible for whom, and
//! who may not come near whom.

use super::table::{LevelId, PersonId, ScopeId};
use crate::time::Time;

/// What somebody is in a class or school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Teaches there.
    Teacher,
    /// Learns there.
    Student,
    /// Belongs there, as a roster says, as anything else; nobody writes it by hand.
    Member,
}

impl Part {
    /// The words for the parts.
    pub const WORDS: &'static [(&'static str, Part)] =
        &[("teacher", Part::Teacher), ("student", Part::Student)];
}

/// A span of time in which a fact holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when on.
    pub from: Time,
    /// From when on no more.
    pub until: Time,
}

impl Span {
    /// Whether `now` lies in it.
    pub fn holds(self, now: Time) -> bool {
        self.from <= now && now < self.until
    }
}

/// The relations of a bundle, each ordered for binary search.
#[derive(Debug, Default)]
pub struct Relations {
    /// Who is what where.
    pub(super) enrolments: Vec<(PersonId, ScopeId, Part, Span)>,
    /// Who is responsible for whom: guardian, student.
    pub(super) guardians: Vec<(PersonId, PersonId, Span)>,
    /// Levels at which a roster makes a scope of each student, called as the student is.
    pub(super) student_levels: Vec<LevelId>,
}

/// A custody order or a conflict: it comes before any grant, in every domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Who is kept away.
    pub subject: PersonId,
    /// From whom or what.
    pub from_what: Blocked,
    /// When.
    pub span: Span,
    /// Why, for people.
    pub reason: String,
}

/// What a block keeps somebody away from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// A student.
    Student(PersonId),
    /// A scope, in every tree, and the documents of its students.
    Scope(ScopeId),
}

impl Relations {
    /// When anything here holds.
    pub fn spans(&self) -> impl Iterator<Item = Span> + '_ {
        let enrolments = self.enrolments.iter().map(|(.., span)| *span);
        let guardians = self.guardians.iter().map(|(.., span)| *span);
        enrolments.chain(guardians)
    }

    /// Whether `person` has this part in `scope` at `now`.
    pub fn is_enrolled(&self, person: PersonId, scope: ScopeId, part: Part, now: Time) -> bool {
        let from = self
            .enrolments
            .partition_point(|(who, at, as_what, _)| (*who, *at, *as_what) < (person, scope, part));
        let rest = self.enrolments.get(from..).unwrap_or_default().iter();
        let same = rest.take_while(|(who, at, as_what, _)| (*who, *at, *as_what) == (person, scope, part));
        same.map(|(.., span)| span).any(|span| span.holds(now))
    }

    /// Where `person` is enrolled, whatever the part and the day.
    pub fn enrolments_of(&self, person: PersonId) -> impl Iterator<Item = (ScopeId, Part, Span)> + '_ {
        let from = self.enrolments.partition_point(|(who, ..)| *who < person);
        let rest = self.enrolments.get(from..).unwrap_or_default().iter();
        rest.take_while(move |(who, ..)| *who == person).map(|(_, scope, part, span)| (*scope, *part, *span))
    }

    /// Whether `guardian` is responsible for `student` at `now`.
    pub fn is_guardian(&self, guardian: PersonId, student: PersonId, now: Time) -> bool {
        let from = self.guardians.partition_point(|(who, whom, _)| (*who, *whom) < (guardian, student));
        let rest = self.guardians.get(from..).unwrap_or_default().iter();
        let same = rest.take_while(|(who, whom, _)| (*who, *whom) == (guardian, student));
        same.map(|(.., span)| span).any(|span| span.holds(now))
    }
}
