//! How old a roster is, and what the policy makes of that.

use crate::time::Time;
use std::time::Duration;

/// What happens when a roster is older than the policy allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Then {
    /// It is shown, and changes no answer.
    Warn,
    /// Requests that may change something are refused: all but GET, HEAD and OPTIONS (RFC 9110, 9.2.1).
    DenyWrites,
    /// Everything is refused but what is public.
    Deny,
}

impl Then {
    /// The words for it.
    pub const WORDS: &'static [(&'static str, Then)] =
        &[("warn", Then::Warn), ("deny_writes", Then::DenyWrites), ("deny", Then::Deny)];
}

/// From when the data of a roster is, and how long that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// The name of the roster.
    pub roster: String,
    /// From when its data is.
    pub as_of: Time,
    /// How old it may become.
    pub max_age: Duration,
    /// What happens then.
    pub then: Then,
}

impl Freshness {
    /// Whether the data is too old at `now`. Data from further ahead than its `max_age` is not believed either: one slip
    /// in a date would make it fresh for ever.
    pub fn is_stale(&self, now: Time) -> bool {
        let [from, until] = self.edges();
        now < from || now >= until
    }

    /// From when on it is believed, and from when on no more.
    pub fn edges(&self) -> [Time; 2] {
        [self.as_of.minus(self.max_age), self.as_of.plus(self.max_age)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_stale_from_its_max_age_on_and_when_it_comes_from_too_far_ahead() {
        let at = Time::from_unix_seconds;
        let roster = Freshness {
            roster: "sis".to_owned(),
            as_of: at(1_000),
            max_age: Duration::from_secs(100),
            then: Then::Deny,
        };
        for (now, stale) in [(899, true), (900, false), (1_000, false), (1_099, false), (1_100, true)] {
            assert_eq!(roster.is_stale(at(now)), stale, "{now}");
        }
    }
}
