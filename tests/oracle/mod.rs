//! A second opinion on decisions: the policy model evaluated slowly and plainly over plain data.
//!
//! - [`model`]: bundles and questions as strings and lists; [`yaml`]: bundles as their file.
//! - [`evaluate`]: the answer by the text of the policy model, sections 1 to 5: [`permission`] has sections 3 and 4,
//!   [`facts`] the relations and blocks.
//! - [`route`]: routes as plain data, and the answer to all that they require; [`condition`]: section 7; [`change`]: changes
//!   to assignments and roles.
//! - [`generate`]: random bundles that load, from one seed ([`random`]); [`ask`]: random questions to them;
//!   [`ask_condition`]: random conditions.
//! - [`records`]: the catalogue, sharing and records as plain data with their plain answer; [`ask_records`]: random ones.
//! - [`engine`]: the same question put to hallpass.
//! - [`shrink`]: a failing case made small.

// Each test binary uses its own part.
#![allow(dead_code)]

pub mod ask;
pub mod ask_condition;
pub mod ask_records;
pub mod change;
pub mod condition;
pub mod engine;
pub mod evaluate;
pub mod facts;
pub mod generate;
pub mod model;
pub mod permission;
pub mod random;
pub mod records;
pub mod route;
pub mod shrink;
pub mod yaml;
