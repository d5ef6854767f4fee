//! Rosters: what a school's software exports of its people, as OneRoster 1.1 or 1.2 CSV (1EdTech OneRoster CSV Binding).
//!
//! A roster is data and not policy: a row that cannot be placed is set aside, grants nothing and is counted, and a
//! roster of which too much is set aside does not load. Nothing here opens a file or asks for the time. Names,
//! birthdays, addresses and phones are never read.
//!
//! - [`Roster`]: the files of one. [`FILES`]: which of them are read. [`Pin`]: that it is an earlier one.
//! - [`Report`]: what came of one, for those who compile. [`SetAside`], [`Cause`]: its rows that hold nothing.
//! - [`Freshness`]: how old it is, and what follows from that, for those who decide.

mod aside;
mod freshness;
mod manifest;
mod words;

pub use aside::{Aside, Cause, SetAside};
pub use freshness::{Freshness, Then};
pub(super) use manifest::{Manifest, Version};
pub(super) use words::{PlaceWord, RoleWord, UserColumn};

use super::source::Source;
use crate::time::Time;

/// The files of a roster that are read; whoever hands over more hands it over for nothing.
pub const FILES: &[&str] = &[
    "manifest.csv",
    "orgs.csv",
    "academicSessions.csv",
    "classes.csv",
    "users.csv",
    "roles.csv",
    "enrollments.csv",
];

/// A roster as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The name that the bundle declares it by.
    pub name: String,
    /// Its files, named without a directory: `users.csv`. Diagnostics name them `sis/users.csv`.
    pub files: Vec<Source>,
    /// Whether it is an earlier one that stays in force, and what is known of its age then.
    pub pinned: Option<Pin>,
}

/// From when an earlier roster is that stays in force, as far as somebody said so when it came. This wins over its
/// manifest and the bundle: what the bundle says now, it says of another roster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// `None` where nobody said so: it is too old wherever the bundle asks for a `max_age`.
    pub as_of: Option<Time>,
}

impl Roster {
    /// The name of a file of a roster, as it is shown.
    pub fn shown(&self, file: &Source) -> String {
        format!("{}/{}", self.name, file.name)
    }
}

/// What came of a roster that the bundle declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// Whether it loaded.
    pub outcome: Outcome,
    /// From when its data is, as far as somebody says so.
    pub as_of: Option<Time>,
    /// How many rows were read, without those of the manifest.
    pub rows: u32,
    /// Those of them that hold nothing.
    pub set_aside: SetAside,
}

/// Whether a roster loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Loaded,
    /// It is declared and was not given.
    Missing,
    /// It was given and has mistakes, or too many rows that cannot be placed.
    Bad,
}

impl Report {
    /// Whether the roster loaded.
    pub fn is_good(&self) -> bool {
        self.outcome == Outcome::Loaded
    }
}
