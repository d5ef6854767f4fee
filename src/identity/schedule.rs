//! When a key set is fetched again. A pure function of the time and of what happened so far.

use crate::time::Time;
use std::time::Duration;

/// The pause after a first failure; each further one doubles it.
const BACKOFF_MIN: Duration = Duration::from_secs(1);

/// The longest pause after a failure.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// The rhythm of one key set.
#[derive(Debug)]
pub(super) struct Schedule {
    refresh: Duration,
    cool_down: Duration,
    /// When the last fetch began.
    last: Option<Time>,
    failures: u32,
}

impl Schedule {
    /// Fetches every `refresh`, and when a key is missing, but for that never twice within `cool_down`.
    ///
    /// `spread`, from 0 to 255, takes up to a tenth off `refresh`: processes that were started together and draw
    /// different numbers do not go on asking together.
    pub(super) fn new(refresh: Duration, cool_down: Duration, spread: u8) -> Schedule {
        let refresh = refresh - refresh * u32::from(spread) / 2550;
        Schedule { refresh, cool_down, last: None, failures: 0 }
    }

    /// How long until the next fetch is due; zero if it is. `wanted` says that a key is missing.
    pub(super) fn wait(&self, now: Time, wanted: bool) -> Duration {
        let Some(last) = self.last else { return Duration::ZERO };
        let pause = match self.failures {
            0 => self.refresh,
            failures => {
                let doubled = 1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX);
                BACKOFF_MIN.saturating_mul(doubled).min(BACKOFF_MAX).min(self.refresh)
            }
        };
        let pause = if wanted { pause.min(self.cool_down) } else { pause };
        match u64::try_from(now.unix_micros().saturating_sub(last.unix_micros())) {
            Ok(since) => pause.saturating_sub(Duration::from_micros(since)),
            // The clock was put back. Once, and the new time is the last.
            Err(_) => Duration::ZERO,
        }
    }

    /// A fetch begins.
    pub(super) fn begin(&mut self, now: Time) {
        self.last = Some(now);
    }

    /// It ended.
    pub(super) fn end(&mut self, well: bool) {
        self.failures = if well { 0 } else { self.failures.saturating_add(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFRESH: Duration = Duration::from_secs(600);
    const COOL_DOWN: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Time {
        Time::from_unix_seconds(1_790_000_000 + seconds)
    }

    /// A schedule whose fetches so far ended like this, the last of them at second 0.
    fn after(ends: &[bool]) -> Schedule {
        let mut schedule = Schedule::new(REFRESH, COOL_DOWN, 0);
        assert_eq!(schedule.wait(at(0), false), Duration::ZERO);
        for well in ends {
            schedule.begin(at(0));
            schedule.end(*well);
        }
        schedule
    }

    #[test]
    fn refreshes_in_its_rhythm_and_sooner_where_a_key_is_missing() {
        let schedule = after(&[true]);
        assert_eq!(schedule.wait(at(0), false), REFRESH);
        assert_eq!(schedule.wait(at(599), false), Duration::from_secs(1));
        assert_eq!(schedule.wait(at(600), false), Duration::ZERO);
        assert_eq!(schedule.wait(at(0), true), COOL_DOWN);
        assert_eq!(schedule.wait(at(29), true), Duration::from_secs(1));
        assert_eq!(schedule.wait(at(30), true), Duration::ZERO);
    }

    #[test]
    fn pauses_longer_with_each_failure_up_to_a_minute() {
        for (failures, seconds) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (40, 60)] {
            let schedule = after(&vec![false; failures]);
            assert_eq!(schedule.wait(at(0), false), Duration::from_secs(seconds), "{failures}");
            let asked = schedule.wait(at(0), true);
            assert_eq!(asked, Duration::from_secs(seconds).min(COOL_DOWN), "{failures}");
        }
        assert_eq!(after(&[false, false, true]).wait(at(0), false), REFRESH);
    }

    #[test]
    fn a_clock_that_is_put_back_costs_one_fetch() {
        let mut schedule = after(&[true]);
        assert_eq!(schedule.wait(at(-1), false), Duration::ZERO);
        schedule.begin(at(-1));
        assert_eq!(schedule.wait(at(-1), false), REFRESH);
    }

    #[test]
    fn processes_drift_apart_by_at_most_a_tenth() {
        let mut schedule = Schedule::new(REFRESH, COOL_DOWN, u8::MAX);
        schedule.begin(at(0));
        schedule.end(true);
        assert_eq!(schedule.wait(at(0), false), Duration::from_secs(540));
    }
}
