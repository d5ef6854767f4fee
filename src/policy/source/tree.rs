//! A document as a tree of values, each with its place.

use super::Span;

/// A value and its place: text is underlined as it is written, quotes included, a text of many lines at its first;
/// a map at the key that introduces it, else at its braces or its first key; a list at its brackets or its first item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it is.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What can stand in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A plain `~`, a plain `null`, or nothing.
    Null,
    /// A plain `true` or `false`.
    Bool(bool),
    /// Everything else that is one word or one text. Numbers, dates and `off` stay text.
    Text {
        /// The text, without quotes and escapes.
        text: String,
        /// Whether it was written without quotes.
        plain: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file; no key occurs twice.
    Map(Vec<(Key, Node)>),
    /// What stood here was refused and has been reported (an alias, too deep): every reader passes over it in silence.
    Broken,
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The text, without quotes and escapes.
    pub text: String,
    /// Where it is.
    pub span: Span,
}
