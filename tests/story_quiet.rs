//! The hours in which it is quiet, and what is too late to answer.

mod house;

use house::{BACKEND, Door, House, MAILCHIMP, MAYA, eager};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secondlook::app::ports::Clock as _;
use secondlook::domain::policy::{Limits, QuietHours, Silence};
use secondlook::playground::Options;

/// A bot that starts at this time.
async fn bot_at(time: &str, quiet_period: SignedDuration) -> House {
    let limits = Limits { quiet_period, ..eager() };
    let mut house = House::open_with(Door::Http, limits, Options::default()).await;
    house.stop().await;
    house.clock.set(time);
    house.start().await;
    house
}

/// The bot restarts with quiet hours.
async fn be_quiet_at_night(house: &mut House) {
    house.stop().await;
    house.quiet_hours = QuietHours::parse("22:00-07:00", &TimeZone::UTC).ok();
    house.start().await;
}

#[tokio::test]
async fn at_night_the_card_waits_for_the_morning() {
    let mut house = bot_at("2026-11-20T23:00:00Z", SignedDuration::ZERO).await;
    be_quiet_at_night(&mut house).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.at_rest(1).await;
    house.clock.set("2026-11-21T06:59:00Z");
    house.at_rest(1).await;
    assert_eq!(house.slack.calls("chat.postMessage").len(), 0);
    let store = house.store().await;
    let late = async || store.backlog(house.clock.now()).await.unwrap().oldest_due;
    for _ in 0..500 {
        if late().await.is_some() {
            house.pause().await;
        }
    }
    assert_eq!(late().await, None, "what is put off is not late");
    house.clock.set("2026-11-21T07:00:01Z");
    house.card(BACKEND, &thread).await;
}

#[tokio::test]
async fn a_card_that_is_due_at_night_is_put_off() {
    let mut house = bot_at("2026-11-20T21:30:00Z", SignedDuration::from_mins(50)).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.at_rest(1).await;
    be_quiet_at_night(&mut house).await;
    house.clock.set("2026-11-20T22:30:00Z");
    house.at_rest(1).await;
    assert_eq!(house.slack.calls("chat.postMessage").len(), 0);
    house.clock.set("2026-11-21T07:00:01Z");
    house.card(BACKEND, &thread).await;
}

#[tokio::test]
async fn what_was_heard_yesterday_is_not_answered() {
    let mut house = bot_at("2026-11-20T12:00:00Z", SignedDuration::from_mins(1)).await;
    house.say(BACKEND, MAYA, MAILCHIMP);
    house.at_rest(1).await;
    house.restart(SignedDuration::from_hours(17)).await;
    house.at_rest(0).await;
    assert_eq!(house.slack.calls("chat.postMessage").len(), 0);
    let silence = house.case(1).await.and_then(|case| case.silence);
    assert_eq!(silence, Some(Silence::TooLate));
}
