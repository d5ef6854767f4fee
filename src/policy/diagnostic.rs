//! What is said about a mistake in a policy file: where it is, what is wrong and what would be right.

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The bundle does not load.
    Error,
    /// The bundle loads, but somebody should look.
    Warning,
}

/// A piece of one line of one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file's name, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters (a byte order mark at the beginning of the file does not count).
    pub column: u32,
    /// How many characters are meant; at least 1, all of them on this line.
    pub length: u32,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A short name that does not change between versions, such as `unknown_key`.
    pub code: &'static str,
    /// Where it is.
    pub place: Place,
    /// What is wrong: lower case, no final period, input in backticks.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// Other places that belong to it, each with a label.
    pub also: Vec<(Place, String)>,
}

impl Diagnostic {
    /// Says what would be right.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Says what would be right, if somebody knows.
    pub fn maybe_help(&mut self, help: Option<String>) -> &mut Self {
        self.help = help.or(self.help.take());
        self
    }

    /// Names another place that belongs to it.
    pub fn also(&mut self, place: Place, label: impl Into<String>) -> &mut Self {
        self.also.push((place, label.into()));
        self
    }
}
