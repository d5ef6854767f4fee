//! Data that is too old to be believed (`policy-model.md` section 8).

use crate::policy::Bundle;
use crate::policy::roster::Then;
use crate::time::Time;

/// Whether requests of this method are refused, all but public ones, because a roster is older than the policy allows.
pub fn is_stale(bundle: &Bundle, method: &str, now: Time) -> bool {
    bundle.freshness().iter().any(|roster| {
        let concerned = match roster.then {
            Then::Warn => false,
            // RFC 9110, 9.2.1. TRACE is safe too, and never forwarded.
            Then::DenyWrites => !matches!(method, "GET" | "HEAD" | "OPTIONS"),
            Then::Deny => true,
        };
        concerned && roster.is_stale(now)
    })
}
