//! draft
mod reason;
pub use reason::Reason;
