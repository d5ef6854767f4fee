//! What every role of every bundle in `policies/` may do, as one text file for each bundle: a change of meaning is a
//! diff that a reviewer reads.
//!
//! The tables are computed by the engine: to the files of the bundle come people who hold one role each, and they are
//! asked about. `HALLPASS_BLESS=1 cargo test --test golden` writes the files anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "golden/columns.rs"]
mod columns;
#[path = "golden/diff.rs"]
mod diff;
#[path = "golden/documents.rs"]
mod documents;
#[path = "golden/holders.rs"]
mod holders;
#[path = "golden/permissions.rs"]
mod permissions;
#[path = "support/policy.rs"]
mod policy_support;

use holders::Golden;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const BLESS: &str = "HALLPASS_BLESS=1 cargo test --test golden";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// The names in a directory that end so, without the end.
fn names(directory: &str, end: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(directory)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| Some(name.strip_suffix(end)?.to_owned())).collect()
}

/// The whole text for one bundle.
fn tables(name: &str) -> String {
    let golden = Golden::of(name);
    let mut text = format!(
        "policies/{name}: what each role may do, as the engine decides it.\n\
         Written by `{BLESS}`.\n\n{}",
        permissions::LEGEND
    );
    if golden.bundle.domains().iter().any(|(_, domain)| domain.forms().is_some()) {
        text.push_str(documents::LEGEND);
    }
    for domain in golden.domains() {
        text.push_str(&permissions::tables(&golden, domain));
        text.push_str(&documents::tables(&golden, domain));
    }
    text
}

#[test]
fn every_role_of_every_bundle_may_do_what_its_golden_file_says() {
    let bless = std::env::var_os("HALLPASS_BLESS").is_some_and(|value| value == "1");
    let mut told = Vec::new();
    for name in names("policies", "") {
        let file = format!("tests/golden/{name}.txt");
        let is = tables(&name);
        let was = std::fs::read_to_string(root().join(&file)).unwrap_or_default();
        if is == was {
            continue;
        }
        if bless {
            std::fs::write(root().join(&file), is).unwrap();
        } else {
            told.push(format!("--- {file}\n+++ what the engine decides\n{}", diff::lines(&was, &is)));
        }
    }
    assert!(
        told.is_empty(),
        "\n{}\nIf this is what is meant, write the files anew: {BLESS}\n",
        told.join("\n")
    );
}

#[test]
fn every_golden_file_has_its_bundle() {
    assert_eq!(names("tests/golden", ".txt"), names("policies", ""));
}

#[test]
fn a_change_of_one_grant_is_a_diff_of_one_line() {
    let was = tables("toddle");
    let changed = policy_support::changed(
        "toddle",
        &[("roles.yaml", "class_assignments: [view, grade]", "class_assignments: [view]")],
    );
    let golden = Golden::over(&changed);
    let domain = golden.domains().next().unwrap();
    let is = permissions::tables(&golden, domain);
    let lines: Vec<String> = diff::lines(&was, &is)
        .lines()
        .filter(|line| line.contains("class_assignments.grade"))
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with('-') && lines[1].starts_with('+'));
}
