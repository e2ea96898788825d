//! Three replicas on one PostgreSQL database: whoever hears it and whoever is first, it is said once.

mod house;

use house::{BACKEND, Door, GENERAL, House, JONAS, MAYA, On, is_card, text};
use jiff::SignedDuration;
use secondlook::bot::Bot;
use secondlook::domain::digest::{Channels, Plan, Schedule};
use secondlook::domain::policy::Limits;
use secondlook::playground::{Fault, FaultKind, World};
use serde_json::{Value, json};

/// A Wednesday.
const BEGINNING: &str = "2026-03-25T12:00:00Z";
const MONDAY: &str = "2026-03-30T09:00:00Z";
/// A Saturday, before the next digest.
const TEN_DAYS_LATER: &str = "2026-04-04T12:00:00Z";

fn is_kind(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |message| {
        let id = message["metadata"]["event_payload"]["id"].as_str().unwrap_or_default();
        id.starts_with(kind)
    }
}

/// Each about something else, so that none is silenced as said before.
fn proposal(n: u32) -> String {
    format!("let's move off Vendor{n}, it is too slow for us")
}

/// Two more replicas beside the bot of the house.
async fn two_more(house: &House) -> [Bot; 2] {
    let start = async || Bot::start_with(house.config(), house.clock.clone()).await.unwrap();
    [start().await, start().await]
}

/// Waits for so many messages of a kind in a channel, while time goes on: what is posted waits for its turn. It goes ten
/// times as fast as outside, no faster: a claim is prolonged by the time outside.
async fn wait(house: &House, channel: &str, kind: &'static str, count: usize) {
    for _ in 0..600 {
        let there = |world: &World| {
            let found = world.all(channel).into_iter().filter(is_kind(kind)).count();
            (found >= count).then_some(())
        };
        let moment = std::time::Duration::from_millis(50);
        if house.slack.wait_for(moment, there).await.is_ok() {
            return;
        }
        house.clock.advance(SignedDuration::from_millis(500));
    }
    panic!("not so many messages {kind}");
}

#[tokio::test]
async fn one_card_one_reminder_one_digest_of_three_replicas() {
    let mut house = House::open_on(On::Postgres, Door::Socket).await;
    house.stop().await;
    house.clock.set(BEGINNING);
    house.digest = Plan {
        channels: Channels::One(GENERAL.into()),
        schedule: Schedule::parse("Mon 09:00 UTC").unwrap(),
    };
    house.start().await;
    let others = two_more(&house).await;

    // Each goes to one of their six sockets.
    let mut said = Vec::new();
    for n in 0..12 {
        said.push(house.say(BACKEND, MAYA, &proposal(n)));
    }
    wait(&house, BACKEND, "card:", said.len()).await;
    house.acknowledged().await;
    let card = house.card(BACKEND, &said[0]).await;
    house.press(JONAS, BACKEND, &card, "open").await;
    house.submit(JONAS, json!({"title": "Mails land in spam"})).await;
    house.card_with(BACKEND, &said[0], "Mails land in spam").await;

    house.clock.set(MONDAY);
    wait(&house, GENERAL, "digest:", 1).await;
    house.clock.set(TEN_DAYS_LATER);
    wait(&house, BACKEND, "say_reminder:", 1).await;
    house.settled().await;
    for ts in &said {
        let cards = house.said_in(BACKEND, ts).iter().filter(|m| is_card(m)).count();
        assert_eq!(cards, 1);
    }
    let count =
        |channel, kind| house.said_anywhere(channel).iter().filter(|m| is_kind(kind)(m)).count();
    assert_eq!((count(GENERAL, "digest:"), count(BACKEND, "say_reminder:")), (1, 1));
    for other in others {
        other.stop().await;
    }
}

/// Slack takes its time with a post, longer than a claim holds; nobody else takes the work over.
#[tokio::test]
async fn who_is_slow_and_lives_keeps_its_work() {
    let house = House::open_on(On::Postgres, Door::Socket).await;
    let slow = FaultKind::Late(std::time::Duration::from_secs(8));
    house.slack.fail(Fault::new("chat.postMessage", 1, slow));
    let others = two_more(&house).await;
    let said = house.say(BACKEND, MAYA, &proposal(1));
    let struck = |world: &World| (world.struck("chat.postMessage", None) > 0).then_some(());
    house.slack.wait_until(struck).await.unwrap();
    let store = house.store().await;
    let claimed = store.next_due(&[]).await.unwrap();
    house.clock.advance(SignedDuration::from_secs(20));
    for _ in 0..500 {
        if store.next_due(&[]).await.unwrap() > claimed {
            break;
        }
        house.pause().await;
    }
    // Now the first claim would have run out, but for its being prolonged.
    house.clock.advance(SignedDuration::from_secs(20));
    house.card(BACKEND, &said).await;
    house.settled().await;
    let calls = |method: &str| house.slack.calls(method).len();
    assert_eq!((calls("chat.postMessage"), calls("conversations.replies")), (1, 0));
    for other in others {
        other.stop().await;
    }
}

/// One replica hears the proposal, another the question; and the one that would speak never heard it.
#[tokio::test]
async fn whoever_hears_the_question_nobody_speaks() {
    let mut house = House::open_on(On::Postgres, Door::Http).await;
    house.stop().await;
    house.limit(Limits { quiet_period: SignedDuration::from_secs(60), ..house::eager() });
    house.start().await;
    let url = |bot: &Bot| format!("http://{}/slack/events", bot.bind_addr());
    let other = Bot::start_with(house.config(), house.clock.clone()).await.unwrap();
    let thread = house.say(BACKEND, MAYA, &proposal(1));
    house.acknowledged().await;
    house.slack.set_request_url(&url(&other)).await.unwrap();
    house.say(BACKEND, JONAS, "do we have the logs of one of these?");
    house.acknowledged().await;
    other.stop().await;
    house.slack.set_request_url(&url(house.bot())).await.unwrap();
    house.clock.advance(SignedDuration::from_mins(2));
    house.settled().await;
    assert_eq!(house.said_in(BACKEND, &thread), Vec::<Value>::new());
}

/// The cap is two a day; a dozen proposals reach three replicas at once.
#[tokio::test]
async fn the_cap_of_a_channel_holds_for_all_replicas() {
    let mut house = House::open_on(On::Postgres, Door::Socket).await;
    house.stop().await;
    house.limit(Limits { channel_cap: 2, ..house::eager() });
    house.start().await;
    let others = two_more(&house).await;
    for n in 0..12 {
        house.say(BACKEND, MAYA, &proposal(n));
    }
    house.acknowledged().await;
    house.settled().await;
    let cards: Vec<String> =
        house.said_anywhere(BACKEND).iter().filter(|m| is_card(m)).map(text).collect();
    assert_eq!(cards.len(), 2, "{cards:#?}");
    for other in others {
        other.stop().await;
    }
}
