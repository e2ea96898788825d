//! The weekly digest: on Monday morning in its own time zone, once, in one channel, and quiet in a quiet week.

mod house;

use std::time::Duration;

use house::{BACKEND, Door, GENERAL, HEADERS, House, JONAS, LEADS, PRIYA, is_card, text};
use jiff::SignedDuration;
use secondlook::bot::{Bot, backup, restore};
use secondlook::domain::digest::{Channels, Plan, Schedule};
use secondlook::playground::{Call, Fault, FaultKind, World};
use serde_json::{Value, json};

const WEDNESDAY: &str = "2026-03-25T12:00:00Z";
/// 09:00 in Berlin, where summer time began the day before.
const MONDAY: &str = "2026-03-30T07:00:00Z";

/// A bot in the week before summer time begins, whose digest goes to `channel`.
async fn house(channel: &str) -> House {
    let mut house = House::open(Door::Socket).await;
    house.stop().await;
    house.clock.set(WEDNESDAY);
    house.digest = Plan {
        channels: Channels::One(channel.into()),
        schedule: Schedule::parse("Mon 09:00 Europe/Berlin").unwrap(),
    };
    house.start().await;
    house
}

fn is_digest(message: &Value) -> bool {
    let id = message["metadata"]["event_payload"]["id"].as_str().unwrap_or_default();
    id.starts_with("digest:")
}

fn digests(house: &House, channel: &str) -> Vec<Value> {
    house.said_anywhere(channel).into_iter().filter(is_digest).collect()
}

/// Waits for the digest of a week.
async fn digest(house: &House, channel: &str, week: &str) -> String {
    let find = |world: &World| {
        world.all(channel).into_iter().find(|m| is_digest(m) && text(m).contains(week))
    };
    text(&house.slack.wait_until(find).await.unwrap())
}

/// Opens an investigation by command; returns its card. (What the detector hears is another story.)
async fn open(house: &House, channel: &str, title: &str) -> Value {
    house.investigate(PRIYA, channel, &format!("open {title}")).await;
    assert_eq!(house.submit(PRIYA, json!({"title": title})).await, json!(null));
    let find = |world: &World| {
        world.all(channel).into_iter().find(|m| is_card(m) && text(m).contains(title))
    };
    loop {
        if let Ok(card) = house.slack.wait_for(Duration::from_millis(500), find).await {
            return card;
        }
        // A card that waits for its turn in the channel waits by this clock.
        house.clock.advance(SignedDuration::from_secs(2));
    }
}

/// An investigation that is closed with an outcome.
async fn case(house: &House, channel: &str, title: &str, closing: Value) {
    let card = open(house, channel, title).await;
    house.press(PRIYA, channel, &card, "close").await;
    assert_eq!(house.submit(PRIYA, closing).await, json!(null));
    house.card_with(channel, card["ts"].as_str().unwrap(), "Closed").await;
}

/// The worker has looked at the clock since now: it shows a new card.
async fn the_worker_came_by(house: &House, title: &str) {
    open(house, BACKEND, title).await;
}

fn go() -> Value {
    json!({"outcome": "go", "fixed": "Load test says yes"})
}

#[tokio::test]
async fn the_week_is_told_on_monday_at_nine_local_once() {
    let mut house = house(GENERAL).await;
    let card = open(&house, BACKEND, "switch from Mailchimp").await;
    let thread = card["ts"].as_str().unwrap();
    house.pick(JONAS, BACKEND, &card, "add_evidence:1").await;
    assert_eq!(house.submit(JONAS, json!({"evidence": HEADERS})).await, json!(null));
    let card = house.card_with(BACKEND, thread, "✓ mail headers").await;
    house.press(PRIYA, BACKEND, &card, "close").await;
    let closing = json!({"outcome": "averted", "class": "email-auth", "fixed": "Added the DKIM record <!channel>", "days": "1"});
    assert_eq!(house.submit(PRIYA, closing).await, json!(null));
    house.card_with(BACKEND, thread, "Closed: averted").await;
    case(&house, BACKEND, "rewrite the API in Go", go()).await;

    // In private it can be read before.
    let so_far = house.investigate(JONAS, BACKEND, "digest").await;
    assert!(so_far.contains("2026-W13") && so_far.contains("Mailchimp"), "{so_far}");

    house.clock.set("2026-03-30T06:50:00Z");
    the_worker_came_by(&house, "Buildkite").await;
    assert_eq!(digests(&house, GENERAL), [] as [Value; 0]);

    house.clock.set(MONDAY);
    let said = digest(&house, GENERAL, "2026-W13").await;
    for words in [
        "2026-03-23 to 2026-03-29",
        "Averted",
        "unconfirmed",
        "if it had gone ahead",
        "Mailchimp",
        "DKIM",
        "Going ahead",
        "no evidence posted",
    ] {
        assert!(said.contains(words), "{words}\nnot in\n{said}");
    }
    assert!(!said.contains("<!channel>") && !said.contains("<@"), "{said}");
    let message = &digests(&house, GENERAL)[0];
    assert_eq!(message["metadata"]["event_payload"]["id"], "digest:2026-W13");
    assert_eq!(message["thread_ts"], json!(null));

    // Neither time nor a restart tells it again.
    house.clock.set("2026-03-31T07:00:00Z");
    house.stop().await;
    house.start().await;
    the_worker_came_by(&house, "CircleCI").await;
    assert_eq!(digests(&house, GENERAL).len(), 1);
}

#[tokio::test]
async fn a_bot_that_was_down_catches_up_with_the_latest_week_within_three_days() {
    let mut house = house(GENERAL).await;
    case(&house, BACKEND, "switch from Mailchimp", go()).await;
    house.stop().await;
    house.clock.set("2026-04-02T07:00:00Z");
    house.start().await;
    digest(&house, GENERAL, "2026-W13").await;

    // A digest that is more than three days late is left out.
    case(&house, BACKEND, "rewrite the API in Go", go()).await;
    house.stop().await;
    house.clock.set("2026-04-09T07:00:01Z");
    house.start().await;
    the_worker_came_by(&house, "move to Buildkite").await;
    assert_eq!(digests(&house, GENERAL).len(), 1);

    // Of two missed weeks, the older is left out.
    house.stop().await;
    house.clock.set("2026-04-21T07:00:00Z");
    house.start().await;
    let said = digest(&house, GENERAL, "2026-W16").await;
    assert!(said.contains("Open for more than a week") && said.contains("Buildkite"), "{said}");
    assert_eq!(digests(&house, GENERAL).len(), 2);
}

#[tokio::test]
async fn two_bots_on_one_store_tell_it_once() {
    let mut house = house(GENERAL).await;
    case(&house, BACKEND, "switch from Mailchimp", go()).await;
    house.stop().await;
    house.clock.set(MONDAY);
    let start = || Bot::start_with(house.config(), house.clock.clone());
    let (one, other) = tokio::join!(start(), start());
    let (one, other) = (one.unwrap(), other.unwrap());
    digest(&house, GENERAL, "2026-W13").await;
    one.stop().await;
    other.stop().await;
    house.start().await;
    the_worker_came_by(&house, "Bamboo").await;
    assert_eq!(digests(&house, GENERAL).len(), 1);
}

#[tokio::test]
async fn an_answer_that_never_came_is_looked_up() {
    let mut house = house(GENERAL).await;
    case(&house, BACKEND, "switch from Mailchimp", go()).await;
    let lost = Fault::new("chat.postMessage", 1, FaultKind::AnswerLost).in_channel(GENERAL);
    house.slack.fail(lost);
    house.clock.set(MONDAY);
    digest(&house, GENERAL, "2026-W13").await;
    // Time goes on until the worker has tried again; it tries by looking.
    let looked = |world: &World| {
        world.calls().iter().any(|call: &Call| call.method == "conversations.history").then_some(())
    };
    let mut tries = 0;
    while house.slack.wait_for(Duration::from_millis(200), looked).await.is_err() {
        tries += 1;
        assert!(tries < 100, "it never looked");
        house.clock.advance(SignedDuration::from_secs(20));
    }
    house.stop().await;
    assert_eq!(digests(&house, GENERAL).len(), 1);
}

#[tokio::test]
async fn a_quiet_week_is_not_told() {
    let house = house(GENERAL).await;
    let answer = house.investigate(JONAS, BACKEND, "digest").await;
    assert!(answer.contains("quiet week"), "{answer}");
    house.clock.set(MONDAY);
    // This week isn't quiet, and its digest is the only one.
    case(&house, BACKEND, "switch from Mailchimp", go()).await;
    house.clock.set("2026-04-06T07:00:00Z");
    digest(&house, GENERAL, "2026-W14").await;
    assert_eq!(digests(&house, GENERAL).len(), 1);
}

#[tokio::test]
async fn a_private_case_is_told_in_its_own_channel_only() {
    for (channel, told) in [(GENERAL, false), (LEADS, true)] {
        let house = house(channel).await;
        case(&house, LEADS, "switch from Mailchimp", go()).await;
        case(&house, BACKEND, "rewrite the API in Go", go()).await;
        for (place, seen) in [(BACKEND, false), (LEADS, true)] {
            let so_far = house.investigate(JONAS, place, "digest").await;
            assert_eq!(so_far.contains("Mailchimp"), seen, "{place}: {so_far}");
        }
        house.clock.set(MONDAY);
        let said = digest(&house, channel, "2026-W13").await;
        assert!(said.contains("rewrite the API"), "{said}");
        assert_eq!(said.contains("Mailchimp"), told, "{channel}: {said}");
    }
}

#[tokio::test]
async fn a_store_from_before_the_digest_does_not_tell_it_again() {
    let mut house = house(GENERAL).await;
    case(&house, BACKEND, "rewrite the API in Go", go()).await;
    house.stop().await;
    let (url, copy) = (house.database_url(), house.database().with_extension("copy"));
    backup(&url, &copy).await.unwrap();
    house.clock.set(MONDAY);
    house.start().await;
    digest(&house, GENERAL, "2026-W13").await;
    house.stop().await;
    for part in ["", "-wal", "-shm", "-lock"] {
        drop(std::fs::remove_file(format!("{}{part}", house.database().display())));
    }
    restore(&copy, &url).await.unwrap();
    let looked = house.slack.calls("conversations.history").len();
    house.start().await;
    let again = |world: &World| {
        let calls = world.calls().iter().filter(|c| c.method == "conversations.history").count();
        (calls > looked).then_some(())
    };
    house.slack.wait_until(again).await.unwrap();
    // What it has begun it ends.
    house.stop().await;
    assert_eq!(digests(&house, GENERAL).len(), 1);
}

/// A channel whose history the bot may not read gets its digest all the same.
#[tokio::test]
async fn a_digest_is_told_where_nothing_may_be_read() {
    let house = house(GENERAL).await;
    case(&house, BACKEND, "rewrite the API in Go", go()).await;
    house.slack.fail(Fault::error("conversations.history", Fault::ALWAYS, "missing_scope"));
    house.clock.set(MONDAY);
    digest(&house, GENERAL, "2026-W13").await;
}
