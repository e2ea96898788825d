//! What goes wrong around the bot: messages and channels that are gone, tokens that stop working, restarts in the middle.

use std::time::Duration;

use jiff::SignedDuration;
use secondlook::app::ports::Clock as _;
use secondlook::domain::investigation::State;
use secondlook::domain::policy::Limits;
use secondlook::playground::{Fault, FaultKind, Options};

use crate::house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, eager, is_card, text};

/// A bot that waits a minute for a person to ask first, and a Slack that repeats soon.
async fn patient(door: Door) -> House {
    let limits = Limits { quiet_period: SignedDuration::from_secs(60), ..eager() };
    House::open_with(door, limits, impatient_slack()).await
}

fn impatient_slack() -> Options {
    Options { retries: vec![Duration::from_millis(50); 600], ..Options::default() }
}

/// Waits until a card was tried and its work waits for another try.
async fn an_attempt_failed(house: &House) {
    let tried = |w: &secondlook::playground::World| {
        w.calls().iter().any(|c| c.method == "chat.postMessage").then_some(())
    };
    house.slack.wait_until(tried).await.unwrap();
    house.acknowledged().await;
    let store = house.store().await;
    // In flight, it is due when its lease runs out.
    let soon = house.clock.now() + SignedDuration::from_secs(10);
    while store.next_due(&[]).await.unwrap().is_none_or(|due| due > soon) {
        house.pause().await;
    }
}

/// One card in the thread, and nothing else anywhere.
async fn exactly_one_card(house: &House, thread: &str) {
    house.card(BACKEND, thread).await;
    house.settled().await;
    let said = house.said_anywhere(BACKEND);
    assert!(said.len() == 1 && is_card(&said[0]), "{said:#?}");
}

#[tokio::test]
async fn a_proposal_deleted_before_the_card_is_forgotten() {
    let house = patient(Door::Socket).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.acknowledged().await;
    house.slack.delete(MAYA, BACKEND, &thread).unwrap();
    house.settled().await;
    house.clock.advance(SignedDuration::from_mins(2));
    house.settled().await;
    assert_eq!(house.said_anywhere(BACKEND).len(), 0);
    let case = house.case(1).await.unwrap();
    assert_eq!((case.state, case.said.as_str(), case.title.as_str()), (State::Silent, "", ""));
}

#[tokio::test]
async fn a_proposal_deleted_after_the_card_takes_its_words_along() {
    let house = House::open(Door::Socket).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    house.slack.delete(MAYA, BACKEND, &thread).unwrap();
    let gone = |w: &secondlook::playground::World| {
        let card = w.all(BACKEND).into_iter().find(is_card)?;
        (!text(&card).contains("move off")).then_some(card)
    };
    let card = house.slack.wait_until(gone).await.unwrap();
    assert!(text(&card).lines().count() == 1 && !card.to_string().contains("move off"), "{card:#}");
    assert_eq!(house.case(1).await.unwrap().said, "");
}

/// Slack takes the card and its answer is lost; what happens before the bot looks for it is seen on it all the same.
#[tokio::test]
async fn a_card_whose_answer_was_lost_loses_the_words_of_a_deleted_proposal() {
    let house = House::open(Door::Http).await;
    house.slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerLost));
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    an_attempt_failed(&house).await;
    house.slack.delete(MAYA, BACKEND, &thread).unwrap();
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_mins(5));
    house.settled().await;
    let said = house.said_anywhere(BACKEND);
    assert!(said.len() == 1 && is_card(&said[0]), "{said:#?}");
    assert!(!said[0].to_string().contains("move off"), "{said:#?}");
    assert!(house.case(1).await.unwrap().card.is_some());
}

#[tokio::test]
async fn a_card_whose_answer_was_lost_shows_what_was_posted_meanwhile() {
    let house = House::open(Door::Http).await;
    house.slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerLost));
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    an_attempt_failed(&house).await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_mins(5));
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    exactly_one_card(&house, &thread).await;
}

#[tokio::test]
async fn a_card_for_an_archived_channel_is_parked_with_its_reason() {
    let house = House::open(Door::Http).await;
    house.slack.fail(Fault::error("chat.postMessage", 1, "is_archived"));
    house.say(BACKEND, MAYA, MAILCHIMP);
    house.settled().await;
    let backlog = house.store().await.backlog(house.clock.now()).await.unwrap();
    assert_eq!((backlog.due, backlog.parked), (0, 1));
    house.clock.advance(SignedDuration::from_hours(2));
    house.settled().await;
    assert_eq!(house.slack.calls("chat.postMessage").len(), 1, "it is not tried again");
}

#[tokio::test]
async fn work_waits_for_a_token_that_heals() {
    for code in ["token_revoked", "invalid_auth", "account_inactive", "token_expired"] {
        let house = House::open(Door::Http).await;
        house.slack.fail(Fault::error("chat.postMessage", Fault::ALWAYS, code));
        let thread = house.say(BACKEND, MAYA, MAILCHIMP);
        an_attempt_failed(&house).await;
        house.slack.heal();
        house.clock.advance(SignedDuration::from_mins(1));
        exactly_one_card(&house, &thread).await;
    }
}

#[tokio::test]
async fn a_card_whose_answer_was_lost_is_not_posted_again() {
    for kind in [FaultKind::AnswerLost, FaultKind::Reset] {
        let house = House::open(Door::Http).await;
        // Our clock may be ahead of Slack's.
        house.clock.advance(SignedDuration::from_mins(4));
        house.slack.fail(Fault::new("chat.postMessage", 1, kind));
        let thread = house.say(BACKEND, MAYA, MAILCHIMP);
        an_attempt_failed(&house).await;
        house.clock.advance(SignedDuration::from_mins(1));
        exactly_one_card(&house, &thread).await;
    }
}

async fn a_restart_in_the_middle(door: Door) {
    let mut house = patient(door).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.acknowledged().await;
    // Between the proposal and its card, with the quiet period running.
    house.stop().await;
    house.clock.advance(SignedDuration::from_mins(2));
    house.start().await;
    exactly_one_card(&house, &thread).await;

    // Between the card and the evidence: Slack repeats what nobody took.
    house.stop().await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.start().await;
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    exactly_one_card(&house, &thread).await;
    assert_eq!(house.case(1).await.unwrap().evidence.len(), 1);

    // With work that waits for another try.
    house.slack.fail(Fault::new("chat.update", 1, FaultKind::Status(503)));
    house.reply(BACKEND, JONAS, &thread, "```Seq Scan on orders  (cost=0.00..431.00 rows=1 width=4) (actual time=0.01..9.1 rows=1 loops=1)\n  Filter: (id = 7)\n  Rows Removed by Filter: 99999```");
    house.acknowledged().await;
    house.stop().await;
    house.clock.advance(SignedDuration::from_mins(30));
    house.start().await;
    house.card_with(BACKEND, &thread, "✓ query plan").await;
    exactly_one_card(&house, &thread).await;
}

#[tokio::test]
async fn a_restart_in_the_middle_loses_and_doubles_nothing_over_http() {
    a_restart_in_the_middle(Door::Http).await;
}

#[tokio::test]
async fn a_restart_in_the_middle_loses_and_doubles_nothing_over_socket_mode() {
    a_restart_in_the_middle(Door::Socket).await;
}
