//! `docs/rules.md` and the tests that hold its rules: each rule stands in `rules/table.rs`, with the tests that name it,
//! or with what has to come before it can be held.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "rules/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How a rule is held.
enum Rule {
    /// By these tests: `file::function`, the file below `tests`, or from `src` on, without its ending.
    Held(&'static [&'static str]),
    /// Not at all for now, because of this.
    NotYet(Missing),
}

/// What has to come first.
#[derive(Clone, Copy, PartialEq)]
#[allow(dead_code, reason = "the list is that of docs/rules.md")]
enum Missing {
    NeedsBody,
    NeedsResponse,
    NeedsLookUp,
    EditCommand,
}

use Rule::{Held, NotYet};
use table::TABLE;

impl Missing {
    /// The word for it in the column `needs`.
    fn word(self) -> &'static str {
        match self {
            Self::NeedsBody => "body",
            Self::NeedsResponse => "answer",
            Self::NeedsLookUp => "look-up",
            Self::EditCommand => "edit",
        }
    }
}

/// The systems, and the number of the last rule of each.
const SYSTEMS: [(&str, u32); 5] = [("CT", 37), ("CL", 23), ("TD", 42), ("SP", 23), ("FM", 41)];

/// What can be decided from the request and the bundle: a rule that needs nothing else must be held.
const ENOUGH: [&str; 4] = ["request", "data", "check", "log"];

/// Everything that a rule may need.
const NEEDS: [&str; 9] = ["request", "data", "check", "log", "explain", "body", "answer", "look-up", "edit"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A row of `docs/rules.md`.
struct Documented {
    id: String,
    needs: Vec<String>,
    held_by: String,
}

fn documented() -> Vec<Documented> {
    let page = fs::read_to_string(root().join("docs/rules.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let cells = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    let rules = cells.filter(|cells| cells[0].split_once('-').is_some_and(|(system, _)| system.len() == 2));
    rules
        .map(|cells| {
            let [id, text, needs, held_by] = cells[..] else { panic!("four columns: {cells:?}") };
            assert!(!text.is_empty(), "{id}");
            Documented {
                id: id.to_owned(),
                needs: needs.split(", ").map(str::to_owned).collect(),
                held_by: held_by.to_owned(),
            }
        })
        .collect()
}

/// The tests of a file by name, each with the comments over it, its head and its body.
fn tests_of(text: &str) -> BTreeMap<String, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = line.trim_start().strip_prefix("fn ").and_then(|rest| rest.split('(').next()) else {
            continue;
        };
        let over = |line: &&str| line.trim_start().starts_with("//") || line.trim_start().starts_with("#[");
        let above = lines[..at].iter().rev().take_while(|line| over(line)).count();
        if !lines[at - above..at].iter().any(|line| line.trim() == "#[test]") {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = lines[at..].iter().position(|line| *line == format!("{indent}}}")).unwrap_or(0);
        found.insert(name.to_owned(), lines[at - above..=at + end].join("\n"));
    }
    found
}

/// All tests of the project, as `file::function`, with their texts.
fn all_tests() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (path, text) in ["tests", "src"].iter().flat_map(|part| texts(&root().join(part))) {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let file = path.strip_prefix(root()).unwrap().with_extension("");
            let file = file.to_str().unwrap();
            let file = file.strip_prefix("tests/").unwrap_or(file);
            found.extend(tests_of(&text).into_iter().map(|(name, text)| (format!("{file}::{name}"), text)));
        }
    }
    found
}

/// The ids that the name of a test begins with: `td_06_...` is of TD-06, `ct_05_ct_06_...` of both.
fn ids_of(name: &str) -> Vec<String> {
    let mut words = name.split('_');
    let mut ids = Vec::new();
    while let (Some(system @ ("ct" | "cl" | "td" | "sp" | "fm")), Some(number)) = (words.next(), words.next())
    {
        ids.push(format!("{}-{number}", system.to_uppercase()));
    }
    ids
}

/// Whether a text names an id, in a comment or in the name of the test.
fn names(text: &str, id: &str) -> bool {
    text.contains(id) || text.contains(&format!("{}_", id.to_lowercase().replace('-', "_")))
}

/// All texts below a directory.
fn texts(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut open: Vec<PathBuf> = vec![directory.to_owned()];
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                found.push((path, text));
            }
        }
    }
    found
}

#[test]
fn the_table_and_the_page_have_the_same_rules() {
    let page: Vec<String> = documented().into_iter().map(|row| row.id).collect();
    let table: Vec<&str> = TABLE.iter().map(|(id, _)| *id).collect();
    assert_eq!(page, table);
    // None is left out of the page either: the rules of each system are numbered without a gap.
    let all = SYSTEMS.iter().flat_map(|(system, last)| (1..=*last).map(move |n| format!("{system}-{n:02}")));
    assert_eq!(page, all.collect::<Vec<_>>());
}

#[test]
fn every_test_of_the_table_exists_and_names_its_rule() {
    let tests = all_tests();
    let mut wrong = Vec::new();
    for (id, rule) in TABLE {
        let Held(named) = rule else { continue };
        if named.is_empty() {
            wrong.push(format!("{id} has no test"));
        }
        for test in *named {
            match tests.get(*test) {
                None => wrong.push(format!("{id}: there is no test `{test}`")),
                Some(text) if !names(text, id) => wrong.push(format!("{id}: `{test}` does not name it")),
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_test_that_is_called_after_a_rule_stands_in_the_table() {
    let table: BTreeMap<&str, &Rule> = TABLE.iter().map(|(id, rule)| (*id, rule)).collect();
    let mut left_out = Vec::new();
    for test in all_tests().keys() {
        let (_, name) = test.rsplit_once("::").unwrap();
        for id in ids_of(name) {
            let listed = match table.get(&id[..]) {
                Some(Held(named)) => named.contains(&&test[..]),
                _ => false,
            };
            if !listed {
                left_out.push(format!("{id}: {test}"));
            }
        }
    }
    assert!(left_out.is_empty(), "\n{}", left_out.join("\n"));
}

#[test]
fn every_rule_that_is_named_anywhere_is_one() {
    let known: BTreeSet<String> = documented().into_iter().map(|row| row.id).collect();
    let texts =
        ["src", "tests", "policies", "examples", "docs"].iter().flat_map(|part| texts(&root().join(part)));
    let mut unknown = Vec::new();
    let mut seen = 0;
    for (path, text) in texts {
        for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
            let Some((system, number)) = word.split_once('-') else { continue };
            let digits = number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit());
            if digits && SYSTEMS.iter().any(|(known, _)| *known == system) {
                seen += 1;
                if !known.contains(word) {
                    unknown.push(format!("{}: {word}", path.display()));
                }
            }
        }
    }
    assert!(seen > 300, "{seen}");
    assert!(unknown.is_empty(), "\n{}", unknown.join("\n"));
}

#[test]
fn what_the_request_and_the_bundle_decide_is_held() {
    let page = documented();
    let mut wrong = Vec::new();
    for (row, (id, rule)) in page.iter().zip(TABLE) {
        assert!(row.needs.iter().all(|word| NEEDS.contains(&&word[..])), "{id}: {:?}", row.needs);
        let enough = row.needs.iter().all(|word| ENOUGH.contains(&&word[..]));
        match rule {
            NotYet(_) if enough => wrong.push(format!("{id} needs nothing that is missing")),
            NotYet(missing) if !row.needs.iter().any(|word| word == missing.word()) => {
                wrong.push(format!("{id} does not need `{}`", missing.word()));
            }
            _ => {}
        }
        if matches!(rule, NotYet(_)) != (row.held_by == "not yet") {
            wrong.push(format!("{id}: the page says `{}`, the table something else", row.held_by));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
