//! The roster: who there is, of what kinds, and by which keys issuers know them.

use super::Claims;
use super::names::NameMap;
use super::table::{ColumnId, List, PersonId, ScopeId, Table};
use std::fmt;

/// A kind of subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Works for the school.
    Staff,
    /// Learns there.
    Student,
    /// Is responsible for a student.
    Guardian,
    /// A program that acts for people.
    Application,
    /// A program that acts for itself.
    Service,
}

impl Kind {
    /// The words for the kinds.
    pub const WORDS: &'static [(&'static str, Kind)] = &[
        ("staff", Kind::Staff),
        ("student", Kind::Student),
        ("guardian", Kind::Guardian),
        ("application", Kind::Application),
        ("service", Kind::Service),
    ];

    /// The kind that `word` names.
    pub fn parse(word: &str) -> Option<Kind> {
        Kind::WORDS.iter().find(|(name, _)| *name == word).map(|(_, kind)| *kind)
    }
}

/// A set of kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u8);

impl Kinds {
    /// Puts `kind` into the set.
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u8;
    }

    /// Whether `kind` is in the set.
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }

    /// Whether no kind is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the two sets share a kind.
    pub fn meets(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    /// The words of the kinds in the set.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Kind::WORDS.iter().filter(move |(_, kind)| self.contains(*kind)).map(|(word, _)| *word)
    }
}

/// A row of the roster.
#[derive(Debug)]
pub struct Person {
    /// The id that assignments use.
    pub id: String,
    /// What they are, on whichever day; [`Revision::kinds`](super::Revision::kinds) says what they are on one.
    pub kinds: Kinds,
    pub(super) buildings: List<ScopeId>,
    /// Where a roster says that this changes: what they are from when until when.
    pub(super) stages: (u32, u32),
}

/// Who asks: a person of the roster, the application that they come through, and the credential that they bring.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Principal<'c> {
    /// The person, or the application that comes by itself.
    pub subject: PersonId,
    /// The application that the subject comes through.
    pub through: Option<PersonId>,
    /// The name of the credential, where its issuer gives it one.
    pub credential: Option<&'c str>,
}

impl From<PersonId> for Principal<'_> {
    /// Somebody who comes by themselves.
    fn from(subject: PersonId) -> Self {
        Principal { subject, through: None, credential: None }
    }
}

impl fmt::Debug for Principal<'_> {
    /// Without the credential: what is debugged ends in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Principal { subject, through, credential: _ } = self;
        f.debug_struct("Principal")
            .field("subject", subject)
            .field("through", through)
            .finish_non_exhaustive()
    }
}

/// The people of a bundle and how issuers name them.
#[derive(Debug, Default)]
pub struct People {
    pub(super) rows: Table<PersonId, Person>,
    pub(super) by_id: NameMap<PersonId>,
    pub(super) issuers: NameMap<Issuer>,
    pub(super) columns: Table<ColumnId, Keys>,
}

/// The column whose keys are addresses.
pub(super) const EMAIL: &str = "email";

/// A column whose keys are compared with what an issuer says.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) name: Box<str>,
    /// Whose key is which.
    pub(super) people: NameMap<PersonId>,
}

/// How an issuer names people, the applications that they come through, and their credentials.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) subject: Named,
    pub(super) application: Option<Through>,
    /// The claim that names the credential.
    pub(super) credential: Option<String>,
}

/// How somebody is named: which claim, compared with which column of the roster.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) claim: String,
    pub(super) column: Column,
}

/// How the application is named that somebody comes through.
#[derive(Debug)]
pub(super) struct Through {
    pub(super) named: Named,
    /// Whether somebody may come without one.
    pub(super) optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// The id that assignments use.
    Id,
    /// An address: compared in ASCII lower case. Where the issuer is not authoritative for it, the token must say
    /// that it was verified.
    Email { column: ColumnId, must_be_verified: bool },
    /// Any other column, compared byte for byte.
    Own(ColumnId),
}

impl People {
    /// The row of a person.
    pub fn row(&self, person: PersonId) -> &Person {
        &self.rows[person]
    }

    /// The person with this id.
    pub fn find(&self, id: &str) -> Option<PersonId> {
        self.by_id.get(id).copied()
    }

    /// All people.
    pub fn iter(&self) -> impl Iterator<Item = (PersonId, &Person)> {
        self.rows.iter()
    }

    /// How many people there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether the bundle declares how `issuer` names people.
    pub fn declares(&self, issuer: &str) -> bool {
        self.issuers.contains_key(issuer)
    }

    /// The column of this name, if there is one.
    pub(super) fn column(&self, name: &str) -> Option<ColumnId> {
        self.columns.iter().find(|(_, keys)| *keys.name == *name).map(|(id, _)| id)
    }

    /// The column of this name, from now on.
    pub(super) fn intern_column(&mut self, name: &str) -> ColumnId {
        let keys = || Keys { name: name.into(), people: NameMap::default() };
        self.column(name).unwrap_or_else(|| self.columns.push(keys()))
    }

    /// Whose key in a column this is.
    pub(super) fn by_key(&self, column: ColumnId, key: &str) -> Option<PersonId> {
        self.columns[column].people.get(key).copied()
    }

    pub(super) fn join<'c>(&self, issuer: &str, claims: &'c dyn Claims) -> Option<Principal<'c>> {
        let issuer = self.issuers.get(issuer)?;
        let subject = self.named(&issuer.subject, claims)?;
        let through = match &issuer.application {
            Some(application) => self.application(application, subject, claims)?,
            None => None,
        };
        // A credential without the name that its issuer gives to all of them could not be suspended.
        let credential = match &issuer.credential {
            Some(claim) => Some(claims.text(claim).filter(|_| claims.has(claim))?),
            None => None,
        };
        Some(Principal { subject, through, credential })
    }

    fn named(&self, by: &Named, claims: &dyn Claims) -> Option<PersonId> {
        let key = claims.text(&by.claim)?;
        match by.column {
            Column::Id => self.find(key),
            Column::Own(column) => self.by_key(column, key),
            Column::Email { column, must_be_verified } => {
                if must_be_verified && claims.flag("email_verified") != Some(true) {
                    return None;
                }
                self.by_key(column, &key.to_ascii_lowercase())
            }
        }
    }

    /// The application that `subject` comes through, or that they come by themselves; `None` where it cannot be told.
    fn application(&self, by: &Through, subject: PersonId, claims: &dyn Claims) -> Option<Option<PersonId>> {
        // A trusted header answers whatever it is asked with the one thing that it says: that names no application.
        if !claims.has(&by.named.claim) {
            return by.optional.then_some(None);
        }
        let application = self.named(&by.named, claims)?;
        let is_one = self.row(application).kinds.contains(Kind::Application);
        is_one.then_some(Some(application).filter(|application| *application != subject))
    }
}
