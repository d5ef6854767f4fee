//! The files of a bundle as values with places: YAML and JSON documents as trees of [`Node`], CSV and JSON Lines as
//! rows of [`Cell`]. Every mistake goes to [`Diags`] with its place, and reading goes on wherever that makes sense, so
//! that all of them are reported at once.
//!
//! Nothing here opens a file, knows what a policy is, or expands anything: aliases, anchors, merge keys and tags are
//! mistakes, each with its place, and cost nothing.
//!
//! In reading order: [`Source`] and [`Span`], [`Diags`], [`read_document`] and its [`Node`], the readers of a node
//! ([`Fields`], [`choose`], `Node::as_*`), [`read_table`] and its [`Row`], and [`data`] for tables that somebody else writes.

mod csv;
pub mod data;
mod diags;
mod json;
mod nearest;
mod reader;
mod size;
mod syntax;
mod table;
mod text;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

pub use diags::Diags;
pub use nearest::nearest;
pub use reader::{Fields, choose};
pub use size::{VALUES_MAX, take_values};
pub use table::{Cell, Row, Table, read_table};
pub use tree::{Key, Node, Value};

/// How deep lists and maps may stand inside each other.
pub const DEPTH_MAX: usize = 64;

/// A file of a bundle: its name, without a directory, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name, as it is shown; its ending says what the file is.
    pub name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A piece of one line of one source: [`crate::policy::Place`] without the name, cheap to carry around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// Which of the sources, from 0.
    pub file: u32,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// How many characters, at least 1.
    pub length: u32,
}

impl Span {
    /// The first character of a file: the place for what is wrong with the file as a whole.
    pub const fn start_of(file: u32) -> Span {
        Span { file, line: 1, column: 1, length: 1 }
    }
}

/// Reads a document: JSON if the name ends in `.json`, else YAML 1.2.
///
/// A plain `~`, `null` or nothing is [`Value::Null`], a plain `true` or `false` is [`Value::Bool`], everything else is
/// [`Value::Text`]; a file with nothing in it is [`Value::Null`] at its first character.
///
/// Codes: `encoding`, `syntax`, `too_deep`, `duplicate_key`, `anchor`, `alias`, `tag`, `merge_key`, `complex_key`,
/// `multiple_documents`. Only a syntax error ends the reading; then there is no node.
pub fn read_document(source: &Source, file: u32, diags: &mut Diags) -> Option<Node> {
    let text = text::decode(source, file, diags)?;
    if source.name.ends_with(".json") {
        json::read(&text, file, diags)
    } else {
        yaml::read(&text, file, diags)
    }
}
