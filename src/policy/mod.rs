//! Policy bundles: text in, a [`Bundle`] that cannot be wrong out.
//!
//! A bundle is data. It is compiled whole or not at all; every mistake becomes a [`Diagnostic`] with its place. Nothing
//! here opens a file, asks for the time or logs: files come in as [`Source`]s.
//!
//! - [`source`]: the files as trees and tables with places. [`Diagnostic`], [`render`]: what is told of mistakes.
//! - [`Roster`]: the files of a roster beside the bundle, and what came of them.
//! - [`compile`], [`compile_with`]: from sources, and rosters, to a [`Bundle`].
//! - [`Bundle`], its [`Revision`], [`Domain`], [`People`], [`Documents`], [`Routes`]: what a decision reads, by the ids
//!   of [`table`].
//! - [`Access`], [`Entry`]: the ladder of access to documents.
//! - [`records`]: what answers carry, and what of it people and applications are given.

mod access;
mod bundle;
pub mod change;
mod compile;
pub mod condition;
mod diagnostic;
mod document;
mod domain;
mod grants;
mod holders;
mod names;
mod people;
pub mod records;
pub mod relations;
mod render;
pub mod roster;
pub mod route;
pub mod source;
pub mod table;

pub use access::{Access, DocumentAction, Entry};
pub use bundle::{Bundle, Fallback, HeldOff, Manifest, Revision, Scopes};
pub use compile::{
    Compilation, against, compile, compile_unless, compile_with, held_off, only_unknown_names,
};
pub use diagnostic::{Diagnostic, Place, Severity};
pub use document::{Document, Documents};
pub use domain::{
    Domain, Form, Forms, Level, Mandatory, Module, Permission, Plan, Precedence, Role, StepUp, TreeNode,
};
pub use grants::{Granted, Grants, Listed, Relation};
pub use holders::{Assignment, Assignments, Tenure};
pub use people::{Kind, Kinds, People, Person, Principal};
pub(crate) use render::counted;
pub use render::render;
pub use roster::Roster;
pub use route::Routes;
pub use source::Source;

/// What an issuer or a trusted header says of a subject, as far as the policy asks for it.
pub trait Claims {
    /// The claim `name` as text, if it is text.
    fn text(&self, name: &str) -> Option<&str>;
    /// The claim `name` as a truth value, if it is one.
    fn flag(&self, name: &str) -> Option<bool>;
    /// Whether there is a claim `name`, of whatever type.
    fn has(&self, name: &str) -> bool {
        self.text(name).is_some() || self.flag(name).is_some()
    }
    /// Whether the claim `name` is text, or a list of text alone.
    fn is_words(&self, name: &str) -> bool {
        self.text(name).is_some()
    }
    /// Whether the claim `name` is `word`, or a list that holds it.
    fn holds(&self, name: &str, word: &str) -> bool {
        self.text(name) == Some(word)
    }
}
