//! What a request says beside its subject and resource, and the facts of the roster that relations and blocks read.

use super::evaluate::{chain, within};
use super::model::{Blocked, Bundle, Claim, Domain, Person, Question, Relation};

/// A person whom a request may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    Absent,
    /// Named, and nobody of the bundle.
    Unknown,
    Known(&'a Person),
}

impl<'a> Named<'a> {
    pub fn of(bundle: &'a Bundle, id: Option<&String>) -> Named<'a> {
        match id.map(|id| bundle.person(id)) {
            None => Named::Absent,
            Some(None) => Named::Unknown,
            Some(Some(person)) => Named::Known(person),
        }
    }
}

/// All that a decision may read.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub bundle: &'a Bundle,
    pub person: &'a Person,
    pub student: Named<'a>,
    pub target: Named<'a>,
    pub assigned: Option<&'a [String]>,
    pub claims: &'a [(String, Claim)],
    pub now: i64,
}

impl<'a> Facts<'a> {
    pub fn of(bundle: &'a Bundle, person: &'a Person, q: &'a Question) -> Facts<'a> {
        Facts {
            bundle,
            person,
            student: Named::of(bundle, q.student.as_ref()),
            target: Named::of(bundle, q.target.as_ref()),
            assigned: q.assigned.as_deref(),
            claims: &q.claims,
            now: q.now,
        }
    }

    /// Section 4, `power_requires: {claim, has}`: the claim is the word or a list with it.
    pub fn claims(&self, claim: &str, has: &str) -> bool {
        self.claims.iter().any(|(name, value)| {
            name == claim
                && match value {
                    Claim::Word(word) => word == has,
                    Claim::List(words) => words.iter().any(|word| word == has),
                    Claim::Mixed(word) => word == has,
                    Claim::Number => false,
                }
        })
    }

    /// Section 3: whether the relation that narrows a grant is met.
    pub fn meets(&self, relation: Relation, domain: &Domain, scope: &str) -> Met {
        match relation {
            // "teaches": in the class that is asked about, or in what it lies in.
            Relation::OwnClasses => {
                let chain = chain(domain, scope);
                Met::from(self.bundle.enrolments.iter().any(|row| {
                    row.teaches
                        // "who taught there has no own class there": also of a teacher of what lies above.
                        && !domain.is_archived(scope)
                        && row.person == self.person.id
                        && chain.contains(&row.scope)
                        && within(self.bundle, row.dates, self.now)
                }))
            }
            // Section 2: "relations read the resource's `student`, `target` and `assigned`".
            Relation::OwnChildren => match self.student {
                Named::Absent | Named::Unknown => Met::Missing,
                Named::Known(student) => Met::from(self.bundle.guardians.iter().any(|row| {
                    row.guardian == self.person.id
                        && row.student == student.id
                        && within(self.bundle, row.dates, self.now)
                })),
            },
            // A request about oneself: it names nobody else.
            Relation::Self_ => {
                let named = [self.student, self.target];
                if named.contains(&Named::Unknown) || named == [Named::Absent; 2] {
                    return Met::Missing;
                }
                let oneself = |named: &Named<'_>| match named {
                    Named::Known(person) => person.id == self.person.id,
                    _ => true,
                };
                Met::from(named.iter().all(oneself))
            }
            Relation::Assigned => match self.assigned {
                None => Met::Missing,
                Some(people) => Met::from(people.contains(&self.person.id)),
            },
        }
    }

    /// Section 2, step 4: whether the subject is kept away.
    pub fn is_blocked(&self, scope: Option<&str>, is_document: bool) -> bool {
        self.keeps_away(self.person, scope, is_document)
    }

    /// "it bounds a target as well, in every request that names one".
    pub fn target_is_blocked(&self, scope: Option<&str>, is_document: bool) -> bool {
        match self.target {
            Named::Known(target) => self.keeps_away(target, scope, is_document),
            _ => false,
        }
    }

    fn keeps_away(&self, person: &Person, scope: Option<&str>, is_document: bool) -> bool {
        let blocks = self
            .bundle
            .blocks
            .iter()
            .filter(|block| block.subject == person.id && within(self.bundle, block.dates, self.now));
        // Whom the request is about: the student, and for the subject the target, who may be a student. The text leaves
        // open whether "blocked from this student" reads the target; the closed reading is that it does.
        let mut about: Vec<&Person> = Vec::new();
        if let Named::Known(student) = self.student {
            about.push(student);
        }
        if let Named::Known(target) = self.target
            && person.id == self.person.id
            && target.id != person.id
        {
            about.push(target);
        }
        blocks.into_iter().any(|block| {
            // "a document whose student is not named, or is not in the bundle, is refused (`blocked`) to a person who
            // has any block".
            if is_document && !matches!(self.student, Named::Known(_)) {
                return true;
            }
            // The text says it of documents; of a permission that names such a student it is the closed reading.
            if self.student == Named::Unknown {
                return true;
            }
            match &block.from_what {
                Blocked::Student(id) => about.iter().any(|person| person.id == *id),
                // "on a scope it holds in every tree and for the documents of its students".
                Blocked::Scope(blocked) => {
                    let lies_in = |name: &str| {
                        let mut trees = self.bundle.domains.iter();
                        trees.any(|domain| chain(domain, name).contains(blocked)) || name == blocked
                    };
                    let mut of_students = about.iter().flat_map(|person| self.places(person));
                    scope.is_some_and(lies_in) || of_students.any(lies_in)
                }
            }
        })
    }

    /// Where a student is: their buildings, and what they are enrolled in as a student today.
    fn places<'p>(&'p self, student: &'p Person) -> Vec<&'p str> {
        let enrolled = self.bundle.enrolments.iter().filter(|row| {
            !row.teaches && row.person == student.id && within(self.bundle, row.dates, self.now)
        });
        let enrolled = enrolled.map(|row| row.scope.as_str());
        student.buildings.iter().map(String::as_str).chain(enrolled).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    Yes,
    No,
    /// What it reads cannot be had.
    Missing,
}

impl From<bool> for Met {
    fn from(met: bool) -> Met {
        if met { Met::Yes } else { Met::No }
    }
}
