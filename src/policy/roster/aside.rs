//! Rows of a roster that are set aside: they hold nothing, and are counted and listed by cause.

use std::fmt;

/// How many rows are listed; all are counted.
const LISTED_MAX: usize = 1_000;

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident $word:literal;)*) => {
        /// Why a row holds nothing. The list is closed; `docs/bundle.md` tells what each means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause {
            $($(#[$doc])* $name,)*
        }

        impl Cause {
            /// All causes, in their order: the place of a cause in this list is `cause as usize`.
            pub const ALL: &[Cause] = &[$(Cause::$name),*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Cause::$name => $word,)*
                }
            }
        }
    };
}

causes! {
    /// It is no record: a quote too few, more or fewer fields than columns, control characters.
    BadRecord "bad_record";
    /// A field that must say something is empty.
    MissingValue "missing_value";
    /// A word that OneRoster does not have in this place, such as a status or a role.
    UnknownWord "unknown_word";
    /// Not a date, or an end before its beginning.
    BadDate "bad_date";
    /// An id that cannot be one here: a slash, a control character, too long.
    BadId "bad_id";
    /// Another row has the same id.
    DuplicateId "duplicate_id";
    /// Another person has the same key, by which a token would name both.
    DuplicateKey "duplicate_key";
    /// The person is written by hand in the bundle.
    WrittenByHand "written_by_hand";
    /// It names an org that is not there.
    UnknownOrg "unknown_org";
    /// It names a class that is not there.
    UnknownClass "unknown_class";
    /// It names a session that is not there.
    UnknownSession "unknown_session";
    /// It names a person who is not there.
    UnknownUser "unknown_user";
    /// It is its own parent, by way of others.
    Cycle "cycle";
    /// It stands below something of its own level or a narrower one, or below too many orgs.
    WrongLevel "wrong_level";
    /// Somebody is in a class as what they are not: a student as its teacher.
    WrongKind "wrong_kind";
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row that is set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The file, as it is shown: `sis/users.csv`.
    pub file: String,
    /// The first line of the row, from 1.
    pub line: u32,
    /// Why.
    pub cause: Cause,
}

/// The rows of a roster that are set aside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetAside {
    counts: [u32; Cause::ALL.len()],
    listed: Vec<Aside>,
}

impl SetAside {
    /// How many there are.
    pub fn total(&self) -> u32 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How many there are for each cause that has any, in the order of [`Cause::ALL`].
    pub fn counts(&self) -> impl Iterator<Item = (Cause, u32)> + '_ {
        Cause::ALL.iter().copied().zip(self.counts).filter(|(_, count)| *count > 0)
    }

    /// The first 1,000, by file and line.
    pub fn listed(&self) -> &[Aside] {
        &self.listed
    }

    /// Puts rows aside, given in the order of files and lines; each counts as many rows as lines it goes over.
    pub(in crate::policy) fn add(&mut self, file: &str, line: u32, lines: u32, cause: Cause) {
        if let Some(count) = self.counts.get_mut(cause as usize) {
            *count = count.saturating_add(lines);
        }
        if self.listed.len() < LISTED_MAX {
            self.listed.push(Aside { file: file.to_owned(), line, cause });
        }
    }
}
