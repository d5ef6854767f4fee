//! `tests/hardening.md` and the tests it names: each of them exists, and no test of hardening is left out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = include_str!("hardening.md");

/// The functions of a text that stand under `#[test]`, or in `proptest!`, where the attribute is the same.
fn tests_of(text: &str) -> BTreeSet<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let pairs = lines.windows(2).filter(|pair| pair[0] == "#[test]");
    pairs.filter_map(|pair| Some(pair[1].strip_prefix("fn ")?.split('(').next()?.to_owned())).collect()
}

/// The files in which a test with this path may stand.
fn files_of(module: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !module.contains("::") {
        return vec![root.join("tests").join(format!("{module}.rs"))];
    }
    let path = module.replace("::", "/");
    let beside = path.strip_suffix("/tests").unwrap_or(&path);
    let names = [format!("{path}.rs"), format!("{beside}.rs"), format!("{beside}/mod.rs")];
    names.iter().map(|name| root.join("src").join(name)).collect()
}

/// What stands between back ticks and looks like the path of a test.
fn named(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let paths = quoted.filter_map(|path| path.rsplit_once("::"));
    paths
        .filter(|(module, name)| *module != "message" && *module != "hardening_*" && *name != "\u{2026}")
        .collect()
}

#[test]
fn every_test_that_the_table_names_exists() {
    let mut missing = Vec::new();
    let all = named(TABLE);
    for (module, name) in &all {
        let texts: Vec<_> =
            files_of(module).iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
        if !texts.iter().any(|text| tests_of(text).contains(*name)) {
            missing.push(format!("{module}::{name}"));
        }
    }
    assert!(all.len() > 100, "{all:?}");
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}

#[test]
fn every_row_has_a_test_or_says_why_it_does_not_apply() {
    let rows = TABLE
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| Case ") && !line.starts_with("| ---"));
    let bare: Vec<_> = rows
        .clone()
        .filter(|row| named(row).is_empty() && !row.contains("does not apply, because"))
        .collect();
    assert!(rows.count() > 60);
    assert!(bare.is_empty(), "{}", bare.join("\n"));
}

#[test]
fn every_test_of_hardening_stands_in_the_table() {
    let in_table: BTreeSet<_> = named(TABLE).into_iter().collect();
    let mut left_out = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if !stem.starts_with("hardening_") || stem == "hardening_table" {
            continue;
        }
        let tests = tests_of(&fs::read_to_string(&path).unwrap());
        assert!(!tests.is_empty(), "{stem}");
        left_out.extend(
            tests
                .iter()
                .filter(|name| !in_table.contains(&(stem, name)))
                .map(|name| format!("{stem}::{name}")),
        );
    }
    assert!(left_out.is_empty(), "not in the table:\n{}", left_out.join("\n"));
}
