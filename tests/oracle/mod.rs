//! A second opinion on decisions: the policy model evaluated slowly and plainly over plain data.
//!
//! - [`model`]: bundles and questions as strings and lists, and bundles as YAML.
//! - [`evaluate`]: the answer by the text of the policy model, sections 1 to 5.
//! - [`generate`]: random bundles that load, and random questions, from one seed ([`random`]).
//! - [`engine`]: the same question put to hallpass.
//! - [`shrink`]: a failing case made small.

// Each test binary uses its own part.
#![allow(dead_code)]

pub mod engine;
pub mod evaluate;
pub mod generate;
pub mod model;
pub mod random;
pub mod shrink;
