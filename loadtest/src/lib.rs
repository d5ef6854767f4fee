//! What the measurements share.
//!
//! - [`school`]: policy bundles of any size, the same ones for the same seed. [`Random`]: where the dice come from.
//! - [`http`]: as much of HTTP/1.1 as a load generator and a stand-in for an app need.
//! - [`load`]: a load generator that sends an exact number of requests.

pub mod http;
pub mod load;
pub mod random;
pub mod school;

pub use random::Random;
