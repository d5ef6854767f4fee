//! The section `rosters`: what a bundle declares of the rosters beside it.

use crate::policy::compile::names;
use crate::policy::people::{Column, EMAIL, Kind, People};
use crate::policy::roster::{Freshness, Pin, PlaceWord, RoleWord, Then, UserColumn};
use crate::policy::source::{Diags, Fields, Key, Node, Span, choose};
use crate::time::Time;
use std::time::Duration;

const KNOWN: &[&str] =
    &["format", "as_of", "max_age", "then", "bad_rows_max", "levels", "people", "kinds", "columns", "title"];

/// 1 %, in millionths.
const BAD_ROWS_MAX: u32 = 10_000;

/// A roster as the bundle declares it.
#[derive(Debug)]
pub(in crate::policy::compile) struct Declared {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) as_of: Option<Time>,
    max_age: Option<(Duration, Span)>,
    then: Option<Then>,
    /// How many of a million rows may be set aside.
    pub(super) bad_rows_max: u32,
    /// What becomes a scope, and of which level.
    pub(super) levels: Vec<(PlaceWord, String, Span)>,
    /// The column that holds the ids of people.
    pub(super) id: UserColumn,
    /// Who is kept, and as what.
    pub(super) kinds: Vec<(RoleWord, Kind)>,
    /// Further columns that are kept, each with the column of `people` that it is.
    pub(super) columns: Vec<(UserColumn, String)>,
}

impl Declared {
    /// The level of the scopes that such a thing becomes, if it becomes one.
    pub(super) fn level(&self, place: PlaceWord) -> Option<&str> {
        self.levels.iter().find(|(known, ..)| *known == place).map(|(_, level, _)| level.as_str())
    }

    /// The kind that such people are kept as, if they are kept.
    pub(super) fn kind(&self, word: RoleWord) -> Option<Kind> {
        self.kinds.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }

    /// From when its data is: what that itself says wins over the bundle, and what was said of an earlier roster over both.
    pub(super) fn as_of(&self, stated: Option<Time>, pinned: Option<Pin>) -> Option<Time> {
        pinned.map_or(stated.or(self.as_of), |pin| pin.as_of)
    }

    /// How fresh it is. An earlier one of which nobody knows from when it is is too old.
    pub(super) fn freshness(
        &self,
        stated: Option<Time>,
        pinned: Option<Pin>,
        diags: &mut Diags,
    ) -> Option<Freshness> {
        let (max_age, span) = self.max_age?;
        let Some(as_of) = self.as_of(stated, pinned).or(pinned.map(|_| Time::MIN)) else {
            diags
                .error(span, "missing_key", format!("nobody says from when the data of `{}` is", self.name))
                .help("write `as_of`, here or as a property of its manifest.csv");
            return None;
        };
        Some(Freshness { roster: self.name.clone(), as_of, max_age, then: self.then? })
    }
}

/// Reads the section `rosters`.
pub(in crate::policy::compile) fn declared(
    root: &Fields<'_>,
    by_hand: &People,
    diags: &mut Diags,
) -> Vec<Declared> {
    let Some(node) = root.get("rosters") else { return Vec::new() };
    let entries = node.as_map("the rosters by name", diags).unwrap_or_default();
    let declared: Vec<Declared> =
        entries.iter().filter_map(|(key, node)| read_one(key, node, by_hand, diags)).collect();
    let levels: Vec<_> = declared.iter().flat_map(|declared| declared.levels.iter().cloned()).collect();
    check_levels(&levels, diags);
    declared
}

fn read_one(key: &Key, node: &Node, by_hand: &People, diags: &mut Diags) -> Option<Declared> {
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
    let levels = levels.unwrap_or_default().into_iter().filter_map(|(place, node)| {
        Some((place, node.as_text("the name of a level", diags)?.to_owned(), node.span))
    });
    let levels: Vec<_> = levels.collect();
    let people =
        fields.get("people").and_then(|node| Fields::of(node, "the people of a roster", &["id"], diags));
    let id = people.and_then(|people| people.need("id", diags)).and_then(|node| {
        let words: Vec<(&'static str, UserColumn)> =
            UserColumn::names().filter_map(|name| Some((name, UserColumn::named(name)?))).collect();
        let id = choose(node, "a column of users.csv", &words, diags)?;
        let matches_id = by_hand.issuers.values().any(|issuer| matches!(issuer.subject.column, Column::Id));
        if id == UserColumn::Email && matches_id {
            unbelieved(node.span, "id", diags);
        }
        Some(id)
    });
    let words = |word: &str| (RoleWord::named(word), RoleWord::names().collect());
    let kinds = fields.need("kinds", diags).map(|node| map(node, "kinds of subjects", words, diags));
    let kinds = kinds.unwrap_or_default().into_iter();
    let kinds = kinds
        .filter_map(|(role, node)| Some((role, choose(node, "a kind of subject", Kind::WORDS, diags)?)))
        .collect();
    let columns = fields.get("columns").map(|node| columns(node, by_hand, diags)).unwrap_or_default();
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

/// Ids of classes, of students and of orgs are given out apart from each other: at one level two could be the same, be
/// they of one roster or of two.
fn check_levels(levels: &[(PlaceWord, String, Span)], diags: &mut Diags) {
    for (place, level, span) in levels {
        let shared = |other: &&(PlaceWord, String, Span)| other.1 == *level && other.0 != *place;
        if matches!(place, PlaceWord::Class | PlaceWord::Student) && levels.iter().any(|other| shared(&other))
        {
            diags
                .error(*span, "duplicate_name", format!("`{level}` is the level of something else as well"))
                .help("classes and students have levels of their own");
        }
    }
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
fn columns(node: &Node, by_hand: &People, diags: &mut Diags) -> Vec<(UserColumn, String)> {
    let matched: Vec<&str> = by_hand
        .issuers
        .values()
        .filter_map(|issuer| match issuer.subject.column {
            Column::Id => None,
            Column::Email { column, .. } | Column::Own(column) => Some(&*by_hand.columns[column].name),
        })
        .collect();
    let words = |word: &str| (UserColumn::named(word), UserColumn::names().collect());
    let mut columns: Vec<(UserColumn, String)> = Vec::new();
    for (column, node) in map(node, "columns of people", words, diags) {
        let Some(name) = node.as_text("the name of a column of people", diags) else { continue };
        if !matched.contains(&name) {
            names::unknown("column that an issuer matches", name, node.span, matched.iter().copied(), diags);
        } else if column == UserColumn::Email && name != EMAIL {
            unbelieved(node.span, name, diags);
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

/// Why an address is believed is said of `matches: email` alone; by any other column it would name people unasked.
fn unbelieved(span: Span, column: &str, diags: &mut Diags) {
    let message = format!("an address names people by `email`, and an issuer matches `{column}`");
    diags
        .error(span, "bad_name", message)
        .help("write `columns: {email: email}` and `matches: email`, or take another column of users.csv");
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

/// An age, with its place.
fn age(node: &Node, diags: &mut Diags) -> Option<Duration> {
    let text = node.as_text("an age", diags)?;
    let age = parse_age(text);
    if age.is_none() {
        diags
            .error(node.span, "bad_age", format!("`{}` is not an age", text.escape_debug()))
            .help("write a whole number and a unit: `30m`, `36h` or `7d`");
    }
    age
}

/// `36h`: a whole number of minutes, hours or days, from 1 to 100,000.
fn parse_age(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    let seconds = match unit {
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    let number = number.parse::<u32>().ok().filter(|number| (1..=100_000).contains(number))?;
    Some(Duration::from_secs(u64::from(number) * seconds))
}

/// A share, with its place.
fn share(node: &Node, diags: &mut Diags) -> Option<u32> {
    let text = node.as_text("a share", diags)?;
    let share = parse_share(text);
    if share.is_none() {
        diags
            .error(node.span, "bad_share", format!("`{}` is not a share", text.escape_debug()))
            .help("write a percentage like `1%` or `0.5%`");
    }
    share
}

/// `1%`, `0.5%`: millionths, with at most four digits behind the point.
fn parse_share(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !digits(whole, 3) || !digits(part, 4) {
        return None;
    }
    let part: u32 = format!("{part:0<4}").parse().ok()?;
    let millionths = whole.parse::<u32>().ok()? * 10_000 + part;
    Some(millionths).filter(|millionths| *millionths <= 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_up_to_all_of_it() {
        let read = [("1%", 10_000), ("0.5%", 5_000), ("0%", 0), ("0.0001%", 1), ("12.34%", 123_400)];
        for (text, millionths) in read.into_iter().chain([("100%", 1_000_000), ("100.0000%", 1_000_000)]) {
            assert_eq!(parse_share(text), Some(millionths), "{text}");
        }
        for text in [
            "",
            "%",
            "1",
            "100.0001%",
            "101%",
            "1000%",
            "0.00001%",
            ".5%",
            "1.%",
            "-1%",
            "+1%",
            "1 %",
            "1.2.3%",
        ] {
            assert_eq!(parse_share(text), None, "{text}");
        }
    }

    #[test]
    fn an_age_is_a_whole_number_of_minutes_hours_or_days() {
        for (text, seconds) in
            [("1m", 60), ("30m", 1_800), ("36h", 129_600), ("7d", 604_800), ("100000m", 6_000_000)]
        {
            assert_eq!(parse_age(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "0h", "100001m", "1.5h", "-1h", "36", "36s", "36 h", "36hh", "99999999999h"] {
            assert_eq!(parse_age(text), None, "{text}");
        }
    }
}
