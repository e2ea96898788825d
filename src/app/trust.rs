//! Whether the time may be believed when something is deleted for good.
//!
//! A clock that was set forward by a year would erase within minutes what is to be kept for months. So the wall clock is
//! compared with the time that passed: when it has leapt, it must stand for a day before it counts; a person has heard by
//! then. A machine that sleeps leaps too, but each night by less than a day; and one that begins with no time of its own is
//! set right by NTP soon after its start and waits a day as well. What can't be told is a clock that is wrong already when
//! the process starts.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A leap of more than this is doubted. Nothing is kept for less, so a smaller one deletes nothing long before its time.
const LEAP: SignedDuration = SignedDuration::from_hours(24);
/// For so long a clock that leapt must stand.
const STANDS_FOR: Duration = Duration::from_hours(24);

/// The wall clock as it was last seen, and what is doubtful about it.
#[derive(Debug)]
pub(super) struct Trust {
    wall: Timestamp,
    seen: Instant,
    doubt: Option<Leapt>,
}

#[derive(Debug)]
struct Leapt {
    /// How far it is ahead of where it would be.
    ahead: SignedDuration,
    /// When it is believed all the same.
    until: Instant,
}

impl Trust {
    /// Begins with what the clock says now.
    pub(super) fn new(wall: Timestamp) -> Self {
        Self { wall, seen: Instant::now(), doubt: None }
    }

    /// Whether to act on what the clock says now.
    pub(super) fn in_time(&mut self, wall: Timestamp) -> bool {
        let seen = Instant::now();
        let passed = SignedDuration::try_from(seen - self.seen).unwrap_or(SignedDuration::MAX);
        let leap = wall.duration_since(self.wall).saturating_sub(passed);
        (self.wall, self.seen) = (wall, seen);
        let before = self.doubt.as_ref().map_or(SignedDuration::ZERO, |doubt| doubt.ahead);
        let ahead = before.saturating_add(leap);
        if leap > LEAP {
            tracing::warn!(
                clock.ahead_hours = ahead.as_hours(),
                "the clock has leapt: nothing is deleted by age until it has stood for a day; set it right if it is wrong"
            );
            self.doubt = Some(Leapt { ahead, until: seen + STANDS_FOR });
        } else if let Some(doubt) = &mut self.doubt {
            doubt.ahead = ahead;
        }
        if self.doubt.as_ref().is_some_and(|doubt| doubt.ahead <= LEAP || doubt.until <= seen) {
            self.doubt = None;
        }
        self.doubt.is_none()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const HOUR: SignedDuration = SignedDuration::from_hours(1);

    /// A machine with a clock, and what is made of it.
    struct Machine {
        wall: Timestamp,
        trust: Trust,
    }

    impl Machine {
        fn start() -> Self {
            let wall = "2026-11-21T12:00:00Z".parse().unwrap();
            Self { wall, trust: Trust::new(wall) }
        }

        /// Works on for hours, with a look every five minutes; tells in which of them the time was believed.
        async fn works(&mut self, hours: usize) -> Vec<bool> {
            let mut believed = Vec::new();
            for look in 1..=hours * 12 {
                advance(Duration::from_mins(5)).await;
                self.wall += SignedDuration::from_mins(5);
                let in_time = self.trust.in_time(self.wall);
                if look % 12 == 0 {
                    believed.push(in_time);
                }
            }
            believed
        }

        /// Its clock is set, or it slept so long.
        fn leaps(&mut self, by: SignedDuration) {
            self.wall += by;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_leapt_is_believed_when_it_has_stood_for_a_day() {
        let mut machine = Machine::start();
        assert_eq!(machine.works(48).await, [true; 48]);
        machine.leaps(365 * 24 * HOUR);
        let believed = machine.works(26).await;
        assert_eq!(believed.iter().position(|is| *is), Some(24), "{believed:?}");
        // Slowly is as well as at once: another leap, and another day.
        machine.leaps(25 * HOUR);
        assert_eq!(machine.works(20).await, [false; 20]);
        machine.leaps(25 * HOUR);
        assert_eq!(machine.works(24).await, [false; 24]);
        assert_eq!(machine.works(3).await[1..], [true; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_right_again_is_believed_at_once() {
        let mut machine = Machine::start();
        machine.leaps(365 * 24 * HOUR);
        assert_eq!(machine.works(3).await, [false; 3]);
        // Not by half, though.
        machine.leaps(-(300 * 24 * HOUR));
        assert_eq!(machine.works(3).await, [false; 3]);
        machine.leaps(-(65 * 24 * HOUR));
        assert_eq!(machine.works(3).await, [true; 3]);
        machine.leaps(-(365 * 24 * HOUR));
        assert_eq!(machine.works(3).await, [true; 3], "a clock that is behind deletes nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_sleeps_every_night_deletes_what_is_due() {
        let mut machine = Machine::start();
        for _ in 0..5 {
            machine.leaps(16 * HOUR);
            assert_eq!(machine.works(8).await, [true; 8]);
        }
        // After a long absence it takes three days of work.
        machine.leaps(20 * 24 * HOUR);
        assert_eq!(machine.works(8).await, [false; 8]);
        machine.leaps(16 * HOUR);
        assert_eq!(machine.works(8).await, [false; 8]);
        machine.leaps(16 * HOUR);
        assert_eq!(machine.works(10).await[8..], [true; 2]);
    }
}
