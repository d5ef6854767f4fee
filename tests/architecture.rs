//! The rooms of the library and who may enter: `ARCHITECTURE.md` says it, this test holds it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms below it that it may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("json", &[]),
    ("policy", &["json", "time"]),
    ("decision", &["json", "policy", "time"]),
    // An explanation in words, for the command line and for the admin listener.
    ("story", &["decision", "policy", "time"]),
    // `Reason` is the one list of reasons; the rooms below the proxy refuse with it too.
    ("message", &["decision"]),
    // `tls` and `telemetry` for the key sets that are fetched: the way to the server, and the clock. It counts what its
    // cache of tokens finds.
    ("identity", &["decision", "json", "message", "policy", "telemetry", "time", "tls"]),
    ("telemetry", &["decision", "time"]),
    ("tls", &["time"]),
    // A small HTTP server for operators; knows nothing of what is asked.
    ("listener", &[]),
    ("health", &["listener", "pdp", "proxy", "telemetry", "time", "tls"]),
    // It tells how it stands with files, certificates and keys.
    (
        "admin",
        &[
            "decision",
            "identity",
            "json",
            "listener",
            "pdp",
            "policy",
            "reload",
            "story",
            "telemetry",
            "time",
            "tls",
        ],
    ),
    // Files that are read again when they change, whatever is made of them: below all who have such files.
    ("reload", &["policy", "telemetry", "time"]),
    ("pdp", &["decision", "policy", "reload", "telemetry", "time"]),
    (
        "settings",
        &[
            "admin",
            "health",
            "identity",
            "message",
            "pdp",
            "policy",
            "proxy",
            "reload",
            "telemetry",
            "time",
            "tls",
        ],
    ),
    ("proxy", &["decision", "identity", "message", "pdp", "policy", "reload", "telemetry", "time", "tls"]),
    (
        "cli",
        &[
            "admin",
            "decision",
            "health",
            "identity",
            "json",
            "message",
            "pdp",
            "policy",
            "proxy",
            "settings",
            "story",
            "telemetry",
            "time",
        ],
    ),
];

/// Rooms that build without the feature `serve`.
const PURE: &[&str] = &["time", "json", "policy", "decision", "story"];

fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let room = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
                found.push((room, path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

/// The rooms that a text names as `crate::room`.
fn used(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        let list = rest.strip_prefix('{').map(|inner| inner.split('}').next().unwrap_or_default());
        for name in list.unwrap_or(rest).split(',') {
            let name: String =
                name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            rooms.insert(name);
            if list.is_none() {
                break;
            }
        }
    }
    rooms
}

#[test]
fn arrows_go_down_only() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if room == "lib" || room == "main" {
            continue;
        }
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!("{}: room `{room}` is not in the table", path.display()));
            continue;
        };
        for other in used(&text) {
            if allowed.contains_key(other.as_str()) && other != room && !may.contains(&other.as_str()) {
                wrong.push(format!("{}: `{room}` uses `{other}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_circle() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    while done.len() < allowed.len() {
        let before = done.len();
        for (room, uses) in &allowed {
            if uses.iter().all(|other| done.contains(other)) {
                done.insert(room);
            }
        }
        assert!(done.len() > before, "the rooms use each other in a circle: {done:?} is what stands alone");
    }
}

#[test]
fn the_pure_rooms_use_no_runtime_clock_file_or_log() {
    const NEVER: &[&str] = &[
        "tokio",
        "hyper",
        "std::fs",
        "std::net",
        "std::env",
        "SystemTime",
        "Instant::now",
        "tracing::",
        "async fn",
        "println!",
        "eprintln!",
        "std::thread",
    ];
    let mut wrong = Vec::new();
    for (room, path, text) in sources() {
        if !PURE.contains(&room.as_str()) {
            continue;
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for word in NEVER.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{}: `{word}` in `{}`", path.display(), line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_permit_is_made_in_one_place() {
    let makers: Vec<String> = sources()
        .into_iter()
        .filter(|(_, _, text)| {
            text.lines().any(|line| {
                let code = line.split("//").next().unwrap_or_default();
                code.contains("Permit {")
                    && !code.contains("struct")
                    && !code.contains("impl")
                    && !code.contains("->")
            })
        })
        .map(|(_, path, _)| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(makers.iter().all(|file| file == "enforce.rs"), "{makers:?}");
}

/// Cargo refuses a manifest that names a target without a file, and the image builds the dependencies before there are
/// sources.
#[test]
fn the_image_has_a_file_for_every_target_that_the_manifest_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let image = fs::read_to_string(root.join("Dockerfile")).unwrap();
    let mut targets = 0;
    for section in manifest.split("\n[").skip(1).filter(|section| section.starts_with('[')) {
        let of = |key: &str| {
            let lines = section.lines().filter_map(|line| line.split_once(" = "));
            lines.filter(|(name, _)| *name == key).map(|(_, value)| value.trim_matches('"')).next()
        };
        let name = of("name").unwrap();
        let usual = [format!("examples/{name}.rs"), format!("examples/{name}/main.rs")];
        let file = of("path").map(str::to_owned).or(usual.into_iter().find(|file| root.join(file).exists()));
        let file = file.unwrap_or_else(|| panic!("no file for {name}"));
        assert!(image.contains(&format!(" {file}")), "the Dockerfile makes no {file}");
        targets += 1;
    }
    assert!(targets >= 3, "{targets}");
}
