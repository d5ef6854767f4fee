//! The example `school`, as a test: the same app, configuration, policy and table of requests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![cfg(feature = "serve")]

#[allow(dead_code)] // its `main` and what only that uses
#[path = "../examples/school/main.rs"]
mod school;

#[test]
fn the_tour_of_the_example_has_no_surprise() {
    let mut printed = Vec::new();
    let surprises = school::tour(&mut printed).unwrap();
    assert_eq!(surprises, 0, "\n{}", String::from_utf8_lossy(&printed));
}
