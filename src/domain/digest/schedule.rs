//! When the digest is due, and which days it is about.
//!
//! A week is the seven local days before the day of the digest; it is named after the ISO week its last day lies in, so
//! that the digest of a Monday is about the week that just ended (`2026-W47`).

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, ISOWeekDate, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// A week by its ISO name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Week {
    year: i16,
    number: i8,
}

impl Week {
    /// The week of a day.
    pub fn of(day: Date) -> Self {
        let iso = day.iso_week_date();
        Self { year: iso.year(), number: iso.week() }
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.number)
    }
}

impl FromStr for Week {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (year, number) = text.split_once("-W")?;
            let iso = ISOWeekDate::new(year.parse().ok()?, number.parse().ok()?, Weekday::Monday);
            iso.ok().map(|iso| Self { year: iso.year(), number: iso.week() })
        };
        read().filter(|week| week.to_string() == text).ok_or_else(|| {
            format!("\"{text}\" is no week: write it as 2026-W47 (a year has 52 or 53)")
        })
    }
}

/// The days a digest is about, and when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its name.
    pub week: Week,
    /// Its first day, local.
    pub first: Date,
    /// Its last day, local: the one before the digest.
    pub last: Date,
    /// When it begins.
    pub from: Timestamp,
    /// When it is over; that moment is no part of it.
    pub until: Timestamp,
    /// When its digest is due.
    pub at: Timestamp,
}

/// At which day and hour of the week the digest is due, and where that clock hangs.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    weekday: Weekday,
    time: Time,
    zone: TimeZone,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { weekday: Weekday::Monday, time: Time::constant(9, 0, 0, 0), zone: TimeZone::UTC }
    }
}

impl Schedule {
    /// Reads `Mon 09:00` or `Mon 09:00 Europe/Berlin`; without a zone the hour is UTC.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let weekday = words.next().and_then(weekday).ok_or("begin with a day such as Mon")?;
        let time = words
            .next()
            .and_then(|time| Time::strptime("%H:%M", time).ok())
            .ok_or("after the day, give an hour such as 09:00")?;
        let zone = match words.next() {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name)
                .map_err(|_| format!("{name} is no time zone: give one such as Europe/Berlin"))?,
        };
        match words.next() {
            None => Ok(Self { weekday, time, zone }),
            Some(extra) => Err(format!("{extra} is one word too many")),
        }
    }

    /// Where its clock hangs.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The period whose digest was due last.
    pub fn latest(&self, now: Timestamp) -> Option<Period> {
        let today = self.today(now);
        let day = today.checked_sub(self.days_since(today).days()).ok()?;
        let latest = self.before(day)?;
        if latest.at <= now { Some(latest) } else { self.before(latest.first) }
    }

    /// The period whose digest is due next.
    pub fn next(&self, now: Timestamp) -> Option<Period> {
        self.before(self.latest(now)?.last.checked_add(8.days()).ok()?)
    }

    /// The period that today lies in.
    pub fn current(&self, now: Timestamp) -> Option<Period> {
        let today = self.today(now);
        self.before(today.checked_add((7 - self.days_since(today)).days()).ok()?)
    }

    /// The period with this name.
    pub fn of(&self, week: Week) -> Option<Period> {
        let monday = ISOWeekDate::new(week.year, week.number, Weekday::Monday).ok()?.date();
        let tuesday = monday.tomorrow().ok()?;
        self.before(tuesday.checked_add(self.weekday.since(tuesday.weekday()).days()).ok()?)
    }

    /// The seven days before a day of the digest.
    fn before(&self, day: Date) -> Option<Period> {
        let (first, last) = (day.checked_sub(7.days()).ok()?, day.yesterday().ok()?);
        // An hour that the clock skips is taken as much later; one that it shows twice, the first time.
        let begin = |day: Date| day.to_zoned(self.zone.clone()).ok().map(|begin| begin.timestamp());
        let at = day.to_datetime(self.time).to_zoned(self.zone.clone()).ok()?.timestamp();
        Some(Period {
            week: Week::of(last),
            first,
            last,
            from: begin(first)?,
            until: begin(day)?,
            at,
        })
    }

    fn today(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone.clone()).date()
    }

    fn days_since(&self, day: Date) -> i8 {
        day.weekday().since(self.weekday)
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word.to_lowercase().as_str() {
        "mon" | "monday" => Weekday::Monday,
        "tue" | "tuesday" => Weekday::Tuesday,
        "wed" | "wednesday" => Weekday::Wednesday,
        "thu" | "thursday" => Weekday::Thursday,
        "fri" | "friday" => Weekday::Friday,
        "sat" | "saturday" => Weekday::Saturday,
        "sun" | "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(text: &str) -> Schedule {
        Schedule::parse(text).unwrap()
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn hours(period: &Period) -> i64 {
        period.until.duration_since(period.from).as_hours()
    }

    #[test]
    fn reads_a_day_an_hour_and_perhaps_a_zone() {
        assert_eq!(schedule("Mon 09:00"), Schedule::default());
        assert_eq!(schedule(" monday  09:00 UTC "), Schedule::default());
        assert_ne!(schedule("Mon 09:00 Europe/Berlin"), Schedule::default());
        for wrong in [
            "",
            "Mon",
            "09:00",
            "Mon 9am",
            "Mon 24:00",
            "Someday 09:00",
            "Mon 09:00 Berlin/Europe",
            "Mon 09:00 UTC now",
        ] {
            assert!(Schedule::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_week_is_named_as_iso_names_it() {
        for (name, first, last) in [
            ("2026-W47", "2026-11-16", "2026-11-22"),
            ("2026-W53", "2026-12-28", "2027-01-03"),
            ("2025-W01", "2024-12-30", "2025-01-05"),
        ] {
            let week: Week = name.parse().unwrap();
            assert_eq!(week.to_string(), name);
            let period = Schedule::default().of(week).unwrap();
            assert_eq!(
                (period.first.to_string(), period.last.to_string()),
                (first.into(), last.into())
            );
            assert_eq!(period.week, week);
        }
        for wrong in ["2026-47", "2026-W54", "2025-W53", "2026-W7", "W47", "", "2026-W047"] {
            assert!(wrong.parse::<Week>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_digest_in_the_middle_of_the_week_is_about_the_seven_days_before() {
        let wednesday = schedule("Wed 08:30");
        let period = wednesday.latest(at("2026-11-25T08:30:00Z")).unwrap();
        assert_eq!(
            (period.first.to_string(), period.last.to_string()),
            ("2026-11-18".into(), "2026-11-24".into())
        );
        assert_eq!(period.week.to_string(), "2026-W48");
        assert_eq!(wednesday.of(period.week), Some(period));
        let earlier = wednesday.latest(at("2026-11-25T08:29:59Z")).unwrap();
        assert_eq!(earlier.week.to_string(), "2026-W47");
    }

    #[test]
    fn latest_next_and_current_meet_at_local_midnight_and_at_the_hour() {
        let berlin = schedule("Mon 09:00 Europe/Berlin");
        // Sunday 23:30 and Monday 00:30 in Berlin.
        let (sunday, monday) = (at("2026-11-22T22:30:00Z"), at("2026-11-22T23:30:00Z"));
        let names = |now| {
            [berlin.latest(now), berlin.current(now), berlin.next(now)]
                .map(|period| period.unwrap().week.to_string())
        };
        assert_eq!(names(sunday), ["2026-W46", "2026-W47", "2026-W47"]);
        assert_eq!(names(monday), ["2026-W46", "2026-W48", "2026-W47"]);
        assert_eq!(names(at("2026-11-23T08:00:00Z")), ["2026-W47", "2026-W48", "2026-W48"]);
        let period = berlin.latest(at("2026-11-23T08:00:00Z")).unwrap();
        assert_eq!(period.from, at("2026-11-15T23:00:00Z"));
        assert_eq!(period.until, at("2026-11-22T23:00:00Z"));
        assert_eq!(period.at, at("2026-11-23T08:00:00Z"));
    }

    #[test]
    fn weeks_in_which_the_clock_moves_are_whole_and_the_hour_stays_local() {
        let berlin = schedule("Mon 09:00 Europe/Berlin");
        let spring = berlin.of("2026-W13".parse().unwrap()).unwrap();
        assert_eq!((hours(&spring), spring.at), (167, at("2026-03-30T07:00:00Z")));
        let autumn = berlin.of("2026-W43".parse().unwrap()).unwrap();
        assert_eq!((hours(&autumn), autumn.at), (169, at("2026-10-26T08:00:00Z")));
        // One ends where the next begins.
        let next = berlin.next(spring.at).unwrap();
        assert_eq!((next.from, next.week.to_string()), (spring.until, "2026-W14".into()));
    }

    #[test]
    fn an_hour_that_is_skipped_or_comes_twice_is_one_hour() {
        let sunday = schedule("Sun 02:30 Europe/Berlin");
        let skipped = sunday.latest(at("2026-03-29T12:00:00Z")).unwrap();
        assert_eq!(skipped.at, at("2026-03-29T01:30:00Z"), "03:30 in summer time");
        let twice = sunday.latest(at("2026-10-25T12:00:00Z")).unwrap();
        assert_eq!(twice.at, at("2026-10-25T00:30:00Z"), "the first 02:30");
        let between = sunday.latest(at("2026-10-25T01:00:00Z")).unwrap();
        assert_eq!(between, twice);
        // Havana's clock jumps from 00:00 to 01:00: the day begins at 01:00.
        let havana = schedule("Mon 09:00 America/Havana").of("2026-W10".parse().unwrap()).unwrap();
        assert_eq!(hours(&havana), 167);
    }
}
