//! Bad input by the front door: each is told with its place, and none takes more memory than a bundle may have.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

#[path = "bad_input/inputs.rs"]
mod inputs;
#[path = "support/check.rs"]
mod support;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use support::{check, directory, said};

#[test]
fn the_bundle_that_they_come_from_loads() {
    let path = directory("good");
    fs::write(path.join("bundle.yaml"), inputs::good()).unwrap();
    let output = check(&path, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn each_is_told_with_its_place_and_does_not_load() {
    for bad in inputs::all() {
        let path = directory(&bad.name);
        for (file, bytes) in &bad.files {
            fs::write(path.join(file), bytes).unwrap();
        }
        let output = check(&path, &[]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{}: {said}", bad.name);
        let (code, place) = (format!("error[{}]", bad.code), format!("{}:", bad.place));
        assert!(said.contains(&code) && said.contains(&place), "{} {place} {code}: {said}", bad.name);
        assert!(output.stdout.is_empty(), "{}", bad.name);
    }
}

/// Runs `check` in an address space of so many KiB. Whoever reads a file of a gigabyte into it ends by a signal.
fn check_in(kib: u32, directory: &Path) -> Output {
    let limited = format!("ulimit -v {kib} && exec \"$0\" check \"$1\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limited, env!("CARGO_BIN_EXE_hallpass")]).arg(directory).output().unwrap()
}

#[test]
fn a_file_of_a_gigabyte_is_refused_before_it_is_read_into_memory() {
    const KIB: u32 = 256 * 1024;
    let path = directory("gigabyte");
    fs::write(path.join("bundle.yaml"), inputs::good()).unwrap();
    assert_eq!(check_in(KIB, &path).status.code(), Some(0));
    // Nothing of it stands on the disk.
    let file = File::create(path.join("assignments.csv")).unwrap();
    file.set_len(1 << 30).unwrap();
    let output = check_in(KIB, &path);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("assignments.csv` is larger than 64 MiB"), "{}", said(&output));
    // The same of many files, each of which may be as large as it is.
    fs::remove_file(path.join("assignments.csv")).unwrap();
    for at in 0..17 {
        File::create(path.join(format!("part-{at}.yaml"))).unwrap().set_len(60 << 20).unwrap();
    }
    let output = check_in(KIB, &path);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("larger than 256 MiB"), "{}", said(&output));
    fs::remove_dir_all(&path).unwrap();
}

#[test]
fn documents_of_more_values_than_there_is_room_for_are_refused_before_they_are_read() {
    const KIB: u32 = 256 * 1024;
    let path = directory("values");
    for (name, text) in [("flow", "a,"), ("block", "- a\n"), ("nested", "[a],")] {
        let open = if name == "block" { "people:\n" } else { "people: [\n" };
        fs::write(path.join("bundle.yaml"), format!("{open}{}", text.repeat(2_100_000))).unwrap();
        let output = check_in(KIB, &path);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", said(&output));
        let (text, place) =
            (said(&output), if name == "block" { "bundle.yaml:1000" } else { "bundle.yaml:2:" });
        assert!(text.contains("error[too_large]") && text.contains(place), "{name}: {text}");
    }
    // Many documents together have no more room than one. What stands in comments counts, which is quick to test.
    fs::write(path.join("bundle.yaml"), format!("people: {{}} # {}\n", ",".repeat(1_500_000))).unwrap();
    fs::write(path.join("more.json"), format!("{{{}}}\n", "\n".repeat(600_000))).unwrap();
    let output = check(&path, &[]);
    assert!(
        said(&output).contains("error[too_large]") && said(&output).contains("more.json:"),
        "{}",
        said(&output)
    );
    fs::remove_dir_all(&path).unwrap();
}
