//! `hallpass explain` by the front door: it says what the proxy does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "serve")]

#[allow(dead_code, reason = "the example uses the rest")]
#[path = "../examples/school/table.rs"]
mod table;

use std::fs;
use std::path::Path;
use std::process::Command;
use table::{NOBODY, Table};

/// What `explain` says of the policy of the example, and its exit code.
fn explain(arguments: &[&str]) -> (String, Option<i32>) {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/district");
    let mut program = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    let output = program.arg("explain").arg(policy).args(arguments).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// The reason that stands last in the text, in brackets.
fn reason(text: &str) -> Option<&str> {
    let (_, last) = text.rsplit_once('[')?;
    last.split_once(']').map(|(reason, _)| reason)
}

#[test]
fn a_request_of_the_tour_is_explained_as_the_proxy_answers_it() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/school/tour.yaml");
    let table = Table::read(&fs::read_to_string(file).unwrap()).unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    for row in table.rows() {
        // What hangs on a token, a header or a body is not what is explained.
        let Some(expected) = row.reason.as_deref().filter(|reason| *reason != "bad_token") else { continue };
        if row.who == NOBODY || !row.headers.is_empty() {
            continue;
        }
        asked += 1;
        let (text, code) = explain(&["--subject", &row.who, "--request", &row.request()]);
        let expected_code = i32::from(!matches!(expected, "granted" | "public"));
        if reason(&text) != Some(expected) || code != Some(expected_code) {
            wrong.push(format!("{} {}: {expected}, {code:?}\n{text}", row.who, row.request()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked > 80, "{asked} requests");
}

#[test]
fn whoever_comes_through_an_application_is_explained_with_it() {
    let ask = |who: &str, through: &str| {
        let (text, code) =
            explain(&["--subject", who, "--through", through, "--request", "GET /v3/contacts"]);
        (reason(&text).map(str::to_owned), code)
    };
    let told = |reason: &str| (Some(reason.to_owned()), Some(1));
    assert_eq!(ask("helen", "readwell"), told("record_type_not_shared"));
    assert_eq!(ask("helen", "messenger"), told("unfilterable"));
    assert_eq!(ask("helen", "ari"), told("unknown_subject"));
    assert_eq!(ask("zoe", "messenger"), told("suspended"));
}

#[test]
fn what_is_no_request_is_told_apart_from_a_no() {
    let (text, code) = explain(&["--subject", "ari", "--request", "GET"]);
    assert_eq!((reason(&text), code), (Some("malformed"), Some(1)));
    for arguments in [
        &["--subject", "ari"][..],
        &["--subject", "ari", "--can", "toddle/home.view", "--on", "account"],
        &["--subject", "ari", "--can", "share", "--on", "document/iep-mia", "--giving", "all"],
        &["--request", "GET /whoami"],
    ] {
        assert_eq!(explain(arguments), (String::new(), Some(2)), "{arguments:?}");
    }
}
