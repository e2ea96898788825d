//! When a card may be posted: after the quiet period, and not in the quiet hours.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The longest quiet hours; a card that waits longer would come too late to be of use.
const QUIET_MAX: SignedDuration = SignedDuration::from_hours(14);

/// The hours of each day in which the bot posts no card of its own accord, on the clock of a zone.
#[derive(Clone, Debug, PartialEq)]
pub struct QuietHours {
    from: Time,
    until: Time,
    zone: TimeZone,
}

impl QuietHours {
    /// Reads `22:00-07:00` or `22:00-07:00 Europe/Berlin`; without a zone the clock is that of `zone`.
    pub fn parse(text: &str, zone: &TimeZone) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let (from, until) = words
            .next()
            .and_then(|hours| hours.split_once('-'))
            .and_then(|(from, until)| Some((hour(from)?, hour(until)?)))
            .ok_or("give two hours such as 22:00-07:00")?;
        let zone = match words.next() {
            None => zone.clone(),
            Some(name) => TimeZone::get(name)
                .map_err(|_| format!("{name} is no time zone: give one such as Europe/Berlin"))?,
        };
        if let Some(extra) = words.next() {
            return Err(format!("{extra} is one word too many"));
        }
        let hours = Self { from, until, zone };
        if hours.length().is_zero() || hours.length() > QUIET_MAX {
            return Err(format!("they last at most {} hours", QUIET_MAX.as_hours()));
        }
        Ok(hours)
    }

    /// How long they last by the clock.
    pub fn length(&self) -> SignedDuration {
        let long = self.from.duration_until(self.until);
        if long.is_negative() { long + SignedDuration::from_hours(24) } else { long }
    }

    /// When the quiet hours that `at` lies in are over; `None` outside of them.
    pub fn end(&self, at: Timestamp) -> Option<Timestamp> {
        let today = at.to_zoned(self.zone.clone()).date();
        [today.yesterday().ok()?, today].into_iter().find_map(|day| {
            let begin = self.moment(day, self.from)?;
            let over = if self.until > self.from { day } else { day.tomorrow().ok()? };
            let end = self.moment(over, self.until)?;
            (begin <= at && at < end).then_some(end)
        })
    }

    /// A moment by the clock; an hour that the clock skips is taken as much later, one that it shows twice the first time.
    fn moment(&self, day: Date, time: Time) -> Option<Timestamp> {
        Some(day.to_datetime(time).to_zoned(self.zone.clone()).ok()?.timestamp())
    }
}

fn hour(text: &str) -> Option<Time> {
    Time::strptime("%H:%M", text).ok()
}

/// When to speak about what was heard at `heard`.
pub fn when_to_speak(
    heard: Timestamp,
    quiet_period: SignedDuration,
    quiet_hours: Option<&QuietHours>,
) -> Timestamp {
    let at = heard + quiet_period;
    quiet_hours.and_then(|hours| hours.end(at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(text: &str) -> QuietHours {
        QuietHours::parse(text, &TimeZone::UTC).unwrap()
    }

    #[track_caller]
    fn check(quiet: &str, heard: &str, speaks: &str) {
        let heard: Timestamp = heard.parse().unwrap();
        let at = when_to_speak(heard, SignedDuration::from_secs(60), Some(&hours(quiet)));
        assert_eq!(at, speaks.parse::<Timestamp>().unwrap(), "{quiet} heard {heard}");
    }

    #[test]
    fn a_card_waits_for_the_end_of_the_quiet_hours() {
        let night = "22:00-07:00";
        check(night, "2026-11-20T12:00:00Z", "2026-11-20T12:01:00Z");
        check(night, "2026-11-20T21:58:59Z", "2026-11-20T21:59:59Z");
        check(night, "2026-11-20T21:59:00Z", "2026-11-21T07:00:00Z");
        check(night, "2026-11-20T23:30:00Z", "2026-11-21T07:00:00Z");
        check(night, "2026-11-21T03:00:00Z", "2026-11-21T07:00:00Z");
        check(night, "2026-11-21T06:59:00Z", "2026-11-21T07:00:00Z");
        check(night, "2026-11-21T07:00:00Z", "2026-11-21T07:01:00Z");
        check("12:00-13:30", "2026-11-21T12:10:00Z", "2026-11-21T13:30:00Z");
        check("12:00-13:30", "2026-11-21T23:10:00Z", "2026-11-21T23:11:00Z");
    }

    #[test]
    fn the_clock_is_that_of_the_zone_also_when_it_is_changed() {
        let berlin = "22:00-07:00 Europe/Berlin";
        check(berlin, "2026-11-20T20:30:00Z", "2026-11-20T20:31:00Z");
        check(berlin, "2026-11-20T21:30:00Z", "2026-11-21T06:00:00Z");
        check(berlin, "2026-07-20T20:30:00Z", "2026-07-21T05:00:00Z");
        // The night in which the clock goes forward, and the one in which it goes back.
        check(berlin, "2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z");
        check(berlin, "2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z");
        // An end that the clock skips: 02:30 is shown as 03:30.
        check("22:00-02:30 Europe/Berlin", "2026-03-28T22:00:00Z", "2026-03-29T01:30:00Z");
    }

    #[test]
    fn whatever_the_hour_the_wait_is_short_and_ends_outside_of_the_quiet_hours() {
        let start: Timestamp = "2026-03-27T00:00:00Z".parse().unwrap();
        for quiet in ["22:00-07:00 Europe/Berlin", "00:00-06:00 America/New_York", "18:00-08:00"] {
            let quiet = hours(quiet);
            for minutes in (0..4 * 24 * 60).step_by(7) {
                let heard = start + SignedDuration::from_mins(minutes);
                let at = when_to_speak(heard, SignedDuration::ZERO, Some(&quiet));
                assert!(heard <= at && at.duration_since(heard) <= QUIET_MAX);
                assert_eq!(quiet.end(at), None, "{heard} {at}");
                assert_eq!(at == heard, quiet.end(heard).is_none());
            }
        }
    }

    #[test]
    fn wrong_hours_are_refused_with_a_reason() {
        for wrong in ["", "22:00", "22-7", "22:00-25:00", "22:00-07:00 Mars", "22:00-07:00 UTC x"] {
            assert!(QuietHours::parse(wrong, &TimeZone::UTC).is_err(), "{wrong}");
        }
        for too_long in ["07:00-07:00", "06:00-22:00"] {
            let why = QuietHours::parse(too_long, &TimeZone::UTC).unwrap_err();
            assert_eq!(why, "they last at most 14 hours");
        }
    }
}
