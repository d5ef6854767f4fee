//! `manifest.csv`: which version of OneRoster this is, and which files are there.

use crate::policy::source::data::DataTable;
use crate::policy::source::{Diags, Source, Span};
use crate::time::Time;
use std::collections::HashSet;

/// How many properties a manifest may have.
const PROPERTIES_MAX: usize = 1_000;

/// The version of OneRoster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1_1,
    V1_2,
}

/// What a manifest says.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) version: Version,
    /// From when the data is; a property of ours.
    pub(crate) as_of: Option<Time>,
    /// The files that are there, whole.
    pub(crate) bulk: Vec<String>,
}

impl Manifest {
    /// Whether a file is there.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.bulk.iter().any(|bulk| bulk == file)
    }

    /// Reads a manifest; `None` if it has a mistake, which is told. `needed` says which files a version cannot
    /// do without.
    ///
    /// Codes: those of [`DataTable`] and `roster_manifest`.
    pub(crate) fn read(
        source: &Source,
        file: u32,
        read: &[&str],
        needed: impl Fn(Version, &str) -> bool,
        diags: &mut Diags,
    ) -> Option<Manifest> {
        let properties = Properties::read(source, file, diags)?;
        let version = properties.version(diags)?;
        let mut manifest = Manifest { version, as_of: None, bulk: Vec::new() };
        let mut whole = true;
        if let Some((value, span)) = properties.get("as_of") {
            manifest.as_of = Time::parse_rfc3339(value);
            if manifest.as_of.is_none() {
                whole = false;
                let help = "write an instant like `2026-11-20T02:00:00Z`";
                wrong(span, "`as_of` is not an instant", help, diags);
            }
        }
        for name in read.iter().filter(|name| **name != "manifest.csv") {
            match properties.is_there(name, needed(version, name), diags) {
                Some(true) => manifest.bulk.push((*name).to_owned()),
                Some(false) => {}
                None => whole = false,
            }
        }
        if whole { Some(manifest) } else { None }
    }
}

/// The properties of a manifest, each with its place.
struct Properties {
    file: u32,
    rows: Vec<(String, String, Span)>,
}

impl Properties {
    fn read(source: &Source, file: u32, diags: &mut Diags) -> Option<Properties> {
        let mut rows: Vec<(String, String, Span)> = Vec::new();
        let mut too_many = None;
        let mut broken = None;
        let table = DataTable::open(source, file, &["propertyName", "value"], &[], diags)?;
        let good = table.each(diags, |record| {
            let span = Span { file, line: record.line, column: 1, length: 1 };
            if !record.whole {
                broken.get_or_insert(span);
            }
            if rows.len() >= PROPERTIES_MAX {
                too_many.get_or_insert(span);
                return;
            }
            rows.push((record.get(0).to_owned(), record.get(1).to_owned(), span));
        });
        if let Some(span) = broken {
            wrong(span, "a record of the manifest cannot be read", "it has two fields", diags);
        }
        if let Some(span) = too_many {
            let message = format!("the manifest has more than {PROPERTIES_MAX} properties");
            wrong(span, &message, "OneRoster has some twenty", diags);
        }
        if !good || broken.is_some() || too_many.is_some() {
            return None;
        }
        let mut names = HashSet::new();
        if let Some((name, _, span)) = rows.iter().find(|(name, ..)| !names.insert(name.as_str())) {
            wrong(*span, &format!("`{}` stands twice", name.escape_debug()), "keep one of them", diags);
            return None;
        }
        Some(Properties { file, rows })
    }

    fn get(&self, name: &str) -> Option<(&str, Span)> {
        let found = self.rows.iter().find(|(known, ..)| known == name);
        found.map(|(_, value, span)| (value.as_str(), *span))
    }

    fn version(&self, diags: &mut Diags) -> Option<Version> {
        match self.get("oneroster.version") {
            Some(("1.1", _)) => Some(Version::V1_1),
            Some((text, _)) if text == "1.2" || text.starts_with("1.2.") => Some(Version::V1_2),
            found => {
                let span = found.map_or(Span::start_of(self.file), |(_, span)| span);
                let message = "the manifest does not say that this is OneRoster 1.1 or 1.2";
                wrong(span, message, "its property `oneroster.version` is `1.1` or `1.2`", diags);
                None
            }
        }
    }

    /// Whether a file is there, whole; `None` if that is a mistake.
    fn is_there(&self, name: &str, needed: bool, diags: &mut Diags) -> Option<bool> {
        let stem = name.trim_end_matches(".csv");
        let found = self.get(&format!("file.{stem}"));
        let span = found.map_or(Span::start_of(self.file), |(_, span)| span);
        match found.map(|(value, _)| value) {
            Some("bulk") => return Some(true),
            Some("absent") | None if !needed => return Some(false),
            Some("absent") | None => {
                let message = format!("`{name}` is needed, and the manifest does not say it is there");
                wrong(span, &message, &format!("its property `file.{stem}` must be `bulk`"), diags);
            }
            Some(other) => {
                let message =
                    format!("`file.{stem}` is `{}` and must be `bulk` or `absent`", other.escape_debug());
                let help = match other {
                    "delta" => "differences are not read; export the whole roster",
                    _ => "correct the manifest",
                };
                wrong(span, &message, help, diags);
            }
        }
        None
    }
}

fn wrong(span: Span, message: &str, help: &str, diags: &mut Diags) {
    diags.error(span, "roster_manifest", message).help(help);
}
