//! When to look: soon after something happened and it became quiet, and now and then in any case. Time is an argument.

use super::Settings;
use std::time::{Duration, Instant};

/// Something that never becomes quiet is looked at after this many times the wait for quiet.
const PATIENCE: u32 = 5;

/// When to look next.
#[derive(Debug)]
pub(super) struct Schedule {
    settings: Settings,
    next_poll: Instant,
    /// The first and the last thing that happened since the last look.
    heard: Option<(Instant, Instant)>,
}

impl Schedule {
    pub(super) fn new(settings: Settings, now: Instant) -> Schedule {
        Schedule { next_poll: now + settings.poll, settings, heard: None }
    }

    /// Something happened.
    pub(super) fn hear(&mut self, now: Instant) {
        let (first, _) = self.heard.unwrap_or((now, now));
        self.heard = Some((first, now));
    }

    /// How long nothing is to be done; zero if it is time to look.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.due().saturating_duration_since(now)
    }

    /// A look began.
    pub(super) fn looked(&mut self, now: Instant) {
        self.heard = None;
        self.next_poll = now + self.settings.poll;
    }

    fn due(&self) -> Instant {
        let Some((first, last)) = self.heard else { return self.next_poll };
        let quiet = last + self.settings.debounce;
        quiet.min(first + self.settings.debounce * PATIENCE).min(self.next_poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn at(start: Instant) -> Schedule {
        Schedule::new(Settings { poll: 2000 * MS, debounce: 100 * MS }, start)
    }

    #[test]
    fn looks_now_and_then_though_nothing_happens() {
        let start = Instant::now();
        let mut schedule = at(start);
        assert_eq!(schedule.wait(start), 2000 * MS);
        assert_eq!(schedule.wait(start + 2500 * MS), Duration::ZERO);
        schedule.looked(start + 2500 * MS);
        assert_eq!(schedule.wait(start + 2500 * MS), 2000 * MS);
    }

    #[test]
    fn waits_until_it_is_quiet() {
        let start = Instant::now();
        let mut schedule = at(start);
        schedule.hear(start);
        assert_eq!(schedule.wait(start), 100 * MS);
        schedule.hear(start + 60 * MS);
        assert_eq!(schedule.wait(start + 100 * MS), 60 * MS);
        schedule.looked(start + 160 * MS);
        assert_eq!(schedule.wait(start + 160 * MS), 2000 * MS);
    }

    #[test]
    fn does_not_wait_for_ever_for_what_is_never_quiet() {
        let start = Instant::now();
        let mut schedule = at(start);
        for step in 0..20 {
            schedule.hear(start + 90 * step * MS);
        }
        assert_eq!(schedule.wait(start + 450 * MS), 50 * MS);
    }

    #[test]
    fn what_is_heard_does_not_put_off_the_next_look() {
        let start = Instant::now();
        let mut schedule = at(start);
        schedule.hear(start + 1990 * MS);
        assert_eq!(schedule.wait(start + 1990 * MS), 10 * MS);
    }
}
