//! `rosters`: what a bundle declares of the rosters beside it, and which of them are there.

use super::names;
use crate::policy::people::{Column, Issuer, Kind};
use crate::policy::roster::{
    self, Freshness, Manifest, Outcome, PlaceWord, Report, RoleWord, Roster, SetAside, Then, UserColumn,
    Version,
};
use crate::policy::source::{Diags, Fields, Key, Node, Span, choose, data};
use crate::time::Time;
use std::collections::HashMap;
use std::time::Duration;

const KNOWN: &[&str] =
    &["format", "as_of", "max_age", "then", "bad_rows_max", "levels", "people", "kinds", "columns", "title"];

/// 1 %, in millionths.
const BAD_ROWS_MAX: u32 = 10_000;

/// A roster as the bundle declares it.
#[derive(Debug)]
#[expect(dead_code, reason = "rows come next")]
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) as_of: Option<Time>,
    max_age: Option<(Duration, Span)>,
    then: Option<Then>,
    /// How many of a million rows may be set aside.
    pub(super) bad_rows_max: u32,
    /// What becomes a scope, and of which level.
    pub(super) levels: Vec<(PlaceWord, String)>,
    /// The column that holds the ids of people.
    pub(super) id: UserColumn,
    /// Who is kept, and as what.
    pub(super) kinds: Vec<(RoleWord, Kind)>,
    /// Further columns that are kept, each with the column of `people` that it is.
    pub(super) columns: Vec<(UserColumn, String)>,
}

impl Declared {
    /// How fresh it is, once its data said from when it is; that wins over what the bundle says.
    pub(super) fn freshness(&self, stated: Option<Time>, diags: &mut Diags) -> Option<Freshness> {
        let (max_age, span) = self.max_age?;
        let Some(as_of) = stated.or(self.as_of) else {
            diags
                .error(span, "missing_key", format!("nobody says from when the data of `{}` is", self.name))
                .help("write `as_of`, here or as a property of its manifest.csv");
            return None;
        };
        Some(Freshness { roster: self.name.clone(), as_of, max_age, then: self.then? })
    }
}

/// Reads the section `rosters`.
pub(super) fn declared(
    root: &Fields<'_>,
    issuers: &HashMap<Box<str>, Issuer>,
    diags: &mut Diags,
) -> Vec<Declared> {
    let Some(node) = root.get("rosters") else { return Vec::new() };
    let entries = node.as_map("the rosters by name", diags).unwrap_or_default();
    entries.iter().filter_map(|(key, node)| read_one(key, node, issuers, diags)).collect()
}

fn read_one(
    key: &Key,
    node: &Node,
    issuers: &HashMap<Box<str>, Issuer>,
    diags: &mut Diags,
) -> Option<Declared> {
    names::check(&key.text, "a roster", key.span, diags);
    let fields = Fields::of(node, "a roster", KNOWN, diags)?;
    if let Some(node) = fields.need("format", diags) {
        choose(node, "a format", &[("oneroster", ())], diags);
    }
    let as_of = fields.get("as_of").and_then(|node| instant(node, diags));
    let max_age = fields.get("max_age").and_then(|node| Some((age(node, diags)?, node.span)));
    let then = match (fields.get("max_age"), fields.get("then")) {
        (Some(_), _) => {
            fields.need("then", diags).and_then(|node| choose(node, "what follows", Then::WORDS, diags))
        }
        (None, Some(_)) => {
            diags
                .error(
                    fields.key_span("then"),
                    "missing_key",
                    "`then` says what follows when `max_age` is over",
                )
                .help("add `max_age: 36h`, or take `then` out");
            None
        }
        (None, None) => None,
    };
    let bad_rows_max = fields.get("bad_rows_max").and_then(|node| share(node, diags));
    if let Some(node) = fields.get("title") {
        node.as_text("text", diags);
    }
    let places = |word: &str| (PlaceWord::named(word), PlaceWord::names().collect());
    let levels = fields.need("levels", diags).map(|node| map(node, "levels", places, diags));
    let levels = levels
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(place, node)| Some((place, node.as_text("the name of a level", diags)?.to_owned())));
    let levels = levels.collect();
    let people =
        fields.get("people").and_then(|node| Fields::of(node, "the people of a roster", &["id"], diags));
    let id = people.and_then(|people| people.need("id", diags)).and_then(|node| {
        let words: Vec<(&'static str, UserColumn)> =
            UserColumn::names().filter_map(|name| Some((name, UserColumn::named(name)?))).collect();
        choose(node, "a column of users.csv", &words, diags)
    });
    let words = |word: &str| (RoleWord::named(word), RoleWord::names().collect());
    let kinds = fields.need("kinds", diags).map(|node| map(node, "kinds of subjects", words, diags));
    let kinds = kinds.unwrap_or_default().into_iter();
    let kinds = kinds
        .filter_map(|(role, node)| Some((role, choose(node, "a kind of subject", Kind::WORDS, diags)?)))
        .collect();
    let columns = fields.get("columns").map(|node| columns(node, issuers, diags)).unwrap_or_default();
    Some(Declared {
        name: key.text.clone(),
        span: key.span,
        as_of,
        max_age,
        then,
        bad_rows_max: bad_rows_max.unwrap_or(BAD_ROWS_MAX),
        levels,
        id: id.unwrap_or(UserColumn::SourcedId),
        kinds,
        columns,
    })
}

/// A map whose keys are words of OneRoster.
fn map<'n, T>(
    node: &'n Node,
    what: &str,
    read: impl Fn(&str) -> (Option<T>, Vec<&'static str>),
    diags: &mut Diags,
) -> Vec<(T, &'n Node)> {
    let mut found = Vec::new();
    for (key, node) in node.as_map(&format!("{what} by the words of OneRoster"), diags).unwrap_or_default() {
        match read(&key.text) {
            (Some(word), _) => found.push((word, node)),
            (None, known) => names::unknown("word of OneRoster", &key.text, key.span, known, diags),
        }
    }
    found
}

/// `columns: {username: sso}`: only what an issuer compares with is kept.
fn columns(node: &Node, issuers: &HashMap<Box<str>, Issuer>, diags: &mut Diags) -> Vec<(UserColumn, String)> {
    let matched: Vec<&str> = issuers
        .values()
        .filter_map(|issuer| match &issuer.subject.column {
            Column::Id => None,
            Column::Email { .. } => Some("email"),
            Column::Own(name) => Some(name.as_str()),
        })
        .collect();
    let words = |word: &str| (UserColumn::named(word), UserColumn::names().collect());
    let mut columns: Vec<(UserColumn, String)> = Vec::new();
    for (column, node) in map(node, "columns of people", words, diags) {
        let Some(name) = node.as_text("the name of a column of people", diags) else { continue };
        if !matched.contains(&name) {
            names::unknown("column that an issuer matches", name, node.span, matched.iter().copied(), diags);
        } else if columns.iter().any(|(_, other)| other == name) {
            diags
                .error(node.span, "duplicate_name", format!("`{name}` is filled from two columns"))
                .help("keep one of the two");
        } else {
            columns.push((column, name.to_owned()));
        }
    }
    columns
}

fn instant(node: &Node, diags: &mut Diags) -> Option<Time> {
    let text = node.as_text("an instant", diags)?;
    let time = Time::parse_rfc3339(text);
    if time.is_none() {
        diags
            .error(node.span, "bad_date", format!("`{}` is not an instant", text.escape_debug()))
            .help("write an instant like `2026-11-20T02:00:00Z`");
    }
    time
}

/// `36h`: a whole number of minutes, hours or days.
fn age(node: &Node, diags: &mut Diags) -> Option<Duration> {
    let text = node.as_text("an age", diags)?;
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let seconds = match unit {
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let number = number.parse::<u32>().ok().filter(|number| (1..=100_000).contains(number));
    let age = number.zip(seconds).map(|(number, seconds)| Duration::from_secs(u64::from(number) * seconds));
    if age.is_none() {
        diags
            .error(node.span, "bad_age", format!("`{}` is not an age", text.escape_debug()))
            .help("write a whole number and a unit: `30m`, `36h` or `7d`");
    }
    age
}

/// `1%`, `0.5%`: millionths.
fn share(node: &Node, diags: &mut Diags) -> Option<u32> {
    let text = node.as_text("a share", diags)?;
    let read = |text: &str| {
        let (whole, part) = text.strip_suffix('%')?.split_once('.').unwrap_or((text.strip_suffix('%')?, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 4 || whole.len() > 3 {
            return None;
        }
        let part: u32 = format!("{part:0<4}").parse().ok()?;
        let millionths = whole.parse::<u32>().ok()? * 10_000 + part;
        Some(millionths).filter(|millionths| *millionths <= 1_000_000)
    };
    let share = read(text);
    if share.is_none() {
        diags
            .error(node.span, "bad_share", format!("`{}` is not a share", text.escape_debug()))
            .help("write a percentage like `1%` or `0.5%`");
    }
    share
}

/// What came of all rosters together.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) freshness: Vec<Freshness>,
}

/// Reads the rosters that are declared, and says of each what came of it. Diagnostics count their files from
/// `first_file` on.
pub(super) fn read(
    declared: &[Declared],
    given: &[Roster],
    first_file: u32,
    root: &Fields<'_>,
    reports: &mut Vec<Report>,
    diags: &mut Diags,
) -> Read {
    for roster in given.iter().filter(|roster| !declared.iter().any(|known| known.name == roster.name)) {
        let message =
            format!("a roster `{}` is given, and the bundle does not declare it", roster.name.escape_debug());
        diags
            .error(root.key_span("rosters"), "roster_missing", message)
            .help("declare it under `rosters`, or take it away");
    }
    let mut read = Read::default();
    for declared in declared {
        let mut report = Report {
            name: declared.name.clone(),
            outcome: Outcome::Bad,
            as_of: declared.as_of,
            rows: 0,
            set_aside: SetAside::default(),
        };
        match given.iter().position(|roster| roster.name == declared.name) {
            None => {
                report.outcome = Outcome::Missing;
                let message = format!("the roster `{}` is declared and was not given", declared.name);
                let help = "put its folder or zip of this name beside the bundle, or say where it is";
                diags.error(declared.span, "roster_missing", message).help(help);
            }
            Some(at) => {
                let before: usize = given.iter().take(at).map(|roster| roster.files.len()).sum();
                let first_file = first_file.saturating_add(before as u32);
                let manifest = given.get(at).and_then(|roster| manifest(declared, roster, first_file, diags));
                if let Some(manifest) = manifest {
                    report.as_of = manifest.as_of.or(report.as_of);
                    read.freshness.extend(declared.freshness(manifest.as_of, diags));
                    report.outcome = Outcome::Loaded;
                }
            }
        }
        reports.push(report);
    }
    read
}

/// The manifest of a roster, if every file that it tells of is there and no other.
fn manifest(declared: &Declared, roster: &Roster, first_file: u32, diags: &mut Diags) -> Option<Manifest> {
    let missing = |name: &str, diags: &mut Diags| {
        let message = format!("`{}/{name}` is missing", declared.name);
        let help = "a roster without one of its files is never read as a smaller school: export it again";
        diags.error(declared.span, "roster_file_missing", message).help(help);
    };
    let find = |name: &str| (first_file..).zip(&roster.files).find(|(_, file)| file.name == name);
    let Some((file, source)) = find("manifest.csv") else {
        missing("manifest.csv", diags);
        return None;
    };
    let needed = |version, name: &str| match name {
        "orgs.csv" | "users.csv" => true,
        "roles.csv" => version == Version::V1_2,
        _ => false,
    };
    let manifest = Manifest::read(data::text(source, file, diags)?, file, roster::FILES, needed, diags)?;
    let mut whole = true;
    for name in roster::FILES.iter().filter(|name| **name != "manifest.csv") {
        match (manifest.has(name), find(name)) {
            (true, None) => {
                whole = false;
                missing(name, diags);
            }
            (false, Some((file, _))) => {
                whole = false;
                let message = "the manifest does not say that this file is there";
                diags
                    .error(Span::start_of(file), "roster_manifest", message)
                    .help("correct the manifest, or take the file out");
            }
            _ => {}
        }
    }
    whole.then_some(manifest)
}
