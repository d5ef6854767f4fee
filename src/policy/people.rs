//! The roster: who there is, of what kinds, and by which keys issuers know them.

use super::Claims;
use super::table::{PersonId, Table};
use std::collections::HashMap;

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
    /// What they are.
    pub kinds: Kinds,
    pub(super) buildings: (u32, u32),
}

/// The people of a bundle and how issuers name them.
#[derive(Debug, Default)]
pub struct People {
    pub(super) rows: Table<PersonId, Person>,
    pub(super) by_id: HashMap<Box<str>, PersonId>,
    pub(super) issuers: HashMap<Box<str>, Issuer>,
    /// By the name of a column, then by the key in it.
    pub(super) columns: HashMap<Box<str>, HashMap<Box<str>, PersonId>>,
}

/// How an issuer names a person: which claim, compared with which column of the roster.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) claim: String,
    pub(super) column: Column,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    /// The id that assignments use.
    Id,
    /// An address: compared in ASCII lower case. Where the issuer is not authoritative for it, the token must say
    /// that it was verified.
    Email { must_be_verified: bool },
    /// Any other column, compared byte for byte.
    Own(String),
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

    pub(super) fn join(&self, issuer: &str, claims: &dyn Claims) -> Option<PersonId> {
        let issuer = self.issuers.get(issuer)?;
        let key = claims.text(&issuer.claim)?;
        match &issuer.column {
            Column::Id => self.find(key),
            Column::Own(column) => self.columns.get(column.as_str())?.get(key).copied(),
            Column::Email { must_be_verified } => {
                if *must_be_verified && claims.flag("email_verified") != Some(true) {
                    return None;
                }
                self.columns.get("email")?.get(key.to_ascii_lowercase().as_str()).copied()
            }
        }
    }
}
