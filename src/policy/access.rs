//! The ladder of access to documents and what can be done with one.

use std::fmt;

/// How much a person may do with a document: `none < view < edit < owner`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Access {
    /// Nothing.
    #[default]
    None,
    /// Read it.
    View,
    /// Read and change it.
    Edit,
    /// All that, and share, transfer and delete it.
    Owner,
}

impl Access {
    /// The words, in the order of the ladder.
    pub const WORDS: &'static [(&'static str, Access)] =
        &[("none", Access::None), ("view", Access::View), ("edit", Access::Edit), ("owner", Access::Owner)];

    /// The access that `word` names.
    pub fn parse(word: &str) -> Option<Access> {
        Access::WORDS.iter().find(|(name, _)| *name == word).map(|(_, access)| *access)
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Access::None => "none",
            Access::View => "view",
            Access::Edit => "edit",
            Access::Owner => "owner",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentAction {
    /// Read an existing document.
    View,
    /// Change an existing document.
    Edit,
    /// Start a document of a form for a student.
    Create,
    /// Give another person access.
    Share,
    /// Make another person the owner.
    Transfer,
    /// Remove the document.
    Delete,
}

impl DocumentAction {
    /// The words for the actions.
    pub const WORDS: &'static [(&'static str, DocumentAction)] = &[
        ("view", DocumentAction::View),
        ("edit", DocumentAction::Edit),
        ("create", DocumentAction::Create),
        ("share", DocumentAction::Share),
        ("transfer", DocumentAction::Transfer),
        ("delete", DocumentAction::Delete),
    ];

    /// The action that `word` names.
    pub fn parse(word: &str) -> Option<DocumentAction> {
        DocumentAction::WORDS.iter().find(|(name, _)| *name == word).map(|(_, action)| *action)
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            DocumentAction::View => "view",
            DocumentAction::Edit => "edit",
            DocumentAction::Create => "create",
            DocumentAction::Share => "share",
            DocumentAction::Transfer => "transfer",
            DocumentAction::Delete => "delete",
        }
    }

    /// The access to the document that it needs. Creating needs a max instead, which is judged apart.
    pub const fn needs(self) -> Access {
        match self {
            DocumentAction::View => Access::View,
            DocumentAction::Edit => Access::Edit,
            DocumentAction::Create
            | DocumentAction::Share
            | DocumentAction::Transfer
            | DocumentAction::Delete => Access::Owner,
        }
    }
}

/// What a role says of a form: the access had without being added, and the most that can be had.
/// `default` is never above `max`: such a bundle does not load (`FM-05`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// The access to every covered document.
    pub default: Access,
    /// The cap on every grant.
    pub max: Access,
}

impl Entry {
    /// `none|none`.
    pub const NOTHING: Entry = Entry { default: Access::None, max: Access::None };

    /// The highest default with the highest max, as several groups, roles or merged roles combine.
    #[must_use]
    pub fn highest(self, other: Entry) -> Entry {
        Entry { default: self.default.max(other.default), max: self.max.max(other.max) }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.default, self.max)
    }
}
