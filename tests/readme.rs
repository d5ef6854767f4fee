//! What `README.md` shows of the program is what the program says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "serve")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The commands that the page shows with what they say, in order.
fn shown() -> Vec<(String, String)> {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let mut shown: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if let Some(command) = line.strip_prefix("    $ hallpass ") {
            shown.push((command.to_owned(), String::new()));
            inside = true;
        } else if let Some(said) = line.strip_prefix("    ").filter(|_| inside) {
            let (_, text) = shown.last_mut().unwrap();
            text.push_str(said);
            text.push('\n');
        } else {
            inside = false;
        }
    }
    shown
}

/// What the program says in a directory.
fn said(directory: &Path, command: &str) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    let output =
        program.args(command.split(' ')).current_dir(directory).env("NO_COLOR", "1").output().unwrap();
    String::from_utf8(output.stdout).unwrap() + std::str::from_utf8(&output.stderr).unwrap()
}

/// A directory with the policy of the page, in which a word is misspelt as the page has it.
fn misspelt() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{}", std::process::id()));
    let policy = place.join("policies/district");
    fs::create_dir_all(&policy).unwrap();
    for file in fs::read_dir(root().join("policies/district")).unwrap() {
        let file = file.unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        let text =
            text.replacen("attendance: all, unit_plans: [view]}", "atendance: all, unit_plans: [view]}", 1);
        fs::write(policy.join(file.file_name()), text).unwrap();
    }
    place
}

#[test]
fn the_program_says_what_the_page_shows() {
    let shown = shown();
    let [(explain, why), (check, mistake)] = &shown[..] else { panic!("two commands: {shown:?}") };
    assert_eq!(said(root(), explain), *why);
    let told = said(&misspelt(), check);
    assert!(told.contains(mistake), "{told}\nis not what the page shows:\n{mistake}");
}
