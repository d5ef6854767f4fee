//! hallpass: an authorization proxy that stands in front of a school app that cannot be changed.
//!
//! A request is read once into a canonical form ([`message`]), its sender is identified ([`identity`]), the answer is
//! decided from a policy bundle ([`policy`], [`decision`]) and the request is forwarded or refused ([`proxy`]).
//!
//! The policy core needs no runtime: `cargo check --lib --no-default-features` builds [`time`], [`json`], [`policy`],
//! [`decision`] and [`story`] alone. `ARCHITECTURE.md` says which room may use which.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)
)]

pub mod decision;
pub mod json;
pub mod policy;
pub mod story;
pub mod time;

#[cfg(feature = "serve")]
pub mod admin;
#[cfg(feature = "serve")]
pub mod cli;
#[cfg(feature = "serve")]
pub mod health;
#[cfg(feature = "serve")]
pub mod identity;
#[cfg(feature = "serve")]
pub mod listener;
#[cfg(feature = "serve")]
pub mod message;
#[cfg(feature = "serve")]
pub mod pdp;
#[cfg(feature = "serve")]
pub mod proxy;
#[cfg(feature = "serve")]
pub mod reload;
#[cfg(feature = "serve")]
pub mod settings;
#[cfg(feature = "serve")]
pub mod telemetry;
#[cfg(feature = "serve")]
pub mod tls;
