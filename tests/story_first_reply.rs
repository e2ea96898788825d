//! Replies to a card that a command opened: also those that come before the bot knows where its card stands.

mod house;

use house::binary::Program;
use house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, On, is_card, text};
use jiff::SignedDuration;
use secondlook::bot::Bot;
use secondlook::playground::{Fault, FaultKind, Options, Playground, Upload, World};
use serde_json::{Value, json};

/// A bot that has posted a card and does not know it: its answer was lost. Returns the card's thread.
async fn posted_unknown(house: &House) -> String {
    house.slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerLost));
    house.investigate(MAYA, BACKEND, "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    let thread = card(&house.slack).await;
    assert_eq!(house.case(1).await.unwrap().root, None, "it is not known yet");
    thread
}

async fn card(slack: &Playground) -> String {
    let card = |world: &World| world.messages(BACKEND).into_iter().find(is_card);
    slack.wait_until(card).await.unwrap()["ts"].as_str().unwrap().to_owned()
}

async fn a_reply_in_time(house: &House) {
    let thread = posted_unknown(house).await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.reply(BACKEND, JONAS, &thread, "good question");
    let log = Upload {
        channel: BACKEND.to_owned(),
        user: JONAS.to_owned(),
        thread_ts: Some(thread.clone()),
        name: "app.log".to_owned(),
        content: b"2026-11-21 10:00:01 ERROR timeout\n2026-11-21 10:00:02 ERROR timeout\n".to_vec(),
        ..Upload::default()
    };
    house.slack.upload(&log).unwrap();
    house.acknowledged().await;
    assert_eq!(house.case(1).await.unwrap().evidence, Vec::new());
    house.clock.advance(SignedDuration::from_secs(10));
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    house.card_with(BACKEND, &thread, "✓ log").await;
    let evidence = house.case(1).await.unwrap().evidence;
    assert_eq!(evidence.len(), 2, "{evidence:?}");
    assert!(evidence.iter().all(|piece| piece.permalink.is_some() && piece.by.is_some()));
    assert_eq!(house.said_anywhere(BACKEND).len(), 1, "one card");
}

#[tokio::test]
async fn what_is_answered_before_the_card_is_known_is_evidence_over_signed_http() {
    a_reply_in_time(&House::open(Door::Http).await).await;
}

#[tokio::test]
async fn what_is_answered_before_the_card_is_known_is_evidence_over_socket_mode() {
    a_reply_in_time(&House::open(Door::Socket).await).await;
}

#[tokio::test]
async fn whichever_of_two_replicas_hears_it() {
    let house = House::open_on(On::Postgres, Door::Socket).await;
    let other = Bot::start_with(house.config(), house.clock.clone()).await.unwrap();
    a_reply_in_time(&house).await;
    other.stop().await;
}

#[tokio::test]
async fn a_proposal_under_a_card_that_is_not_known_yet_takes_no_thread_away() {
    let house = House::open(Door::Http).await;
    let thread = posted_unknown(&house).await;
    house.reply(BACKEND, JONAS, &thread, MAILCHIMP);
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_secs(10));
    house.settled().await;
    assert!(house.case(2).await.is_none());
    assert_eq!(house.case(1).await.unwrap().card.unwrap().as_str(), thread);
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    assert_eq!(house.said_anywhere(BACKEND).len(), 1);
}

#[tokio::test]
async fn what_is_heard_and_read_is_recorded_once() {
    let house = House::open(Door::Http).await;
    // The thread is read late: after the reply in it was heard.
    let late = FaultKind::Late(std::time::Duration::from_secs(2));
    house.slack.fail(Fault::new("conversations.replies", 1, late));
    house.investigate(MAYA, BACKEND, "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    let thread = card(&house.slack).await;
    let known = async {
        while house.case(1).await.unwrap().root.is_none() {
            house.pause().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), known).await.unwrap();
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    let read = |world: &World| {
        let mut calls = world.calls().iter().filter(|c| c.method == "conversations.replies");
        calls
            .any(|call| call.answer["messages"].as_array().is_some_and(|m| m.len() == 2))
            .then_some(())
    };
    house.slack.wait_until(read).await.unwrap();
    house.settled().await;
    assert_eq!(house.case(1).await.unwrap().evidence.len(), 1);
}

#[tokio::test]
async fn killed_between_the_card_and_its_record_the_real_program_reads_the_thread() {
    let slack = Playground::start(Options::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&slack, Door::Http, dir.path());
    program.ready(&slack, Door::Http).await;
    slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerNever));
    slack.command(MAYA, BACKEND, "/investigate", "mails land in spam").await.unwrap();
    let open = |world: &World| world.views(MAYA).last().map(|view| view.id().to_owned());
    let view = slack.wait_until(open).await.unwrap();
    slack.submit(MAYA, &view, &json!({"title": "Mails land in spam"})).await.unwrap();
    let thread = card(&slack).await;
    slack
        .say(secondlook::playground::Say::new(BACKEND, JONAS, HEADERS).in_thread(&thread))
        .unwrap();
    let heard = |world: &World| world.unacknowledged().is_empty().then_some(());
    slack.wait_until(heard).await.unwrap();
    program.kill();
    let mut program = Program::serve(&slack, Door::Http, dir.path());
    program.ready(&slack, Door::Http).await;
    let ticked = |world: &World| {
        let cards: Vec<Value> = world.messages(BACKEND).into_iter().filter(is_card).collect();
        (cards.len() == 1 && text(&cards[0]).contains("✓ mail headers")).then_some(())
    };
    slack.wait_until(ticked).await.unwrap();
}

#[tokio::test]
async fn a_case_closed_before_the_card_is_known_says_its_outcome_in_the_thread_once() {
    let house = House::open(Door::Http).await;
    let thread = posted_unknown(&house).await;
    house.investigate(JONAS, BACKEND, "close 1").await;
    let closing = json!({"outcome": "averted", "class": "email-auth", "fixed": "the DKIM record"});
    assert_eq!(house.submit(JONAS, closing).await, json!(null));
    assert_eq!(house.case(1).await.unwrap().root, None, "it is not known yet");
    house.clock.advance(SignedDuration::from_secs(10));
    house.card_with(BACKEND, &thread, "Closed: averted").await;
    house.settled().await;
    let said = house.said_anywhere(BACKEND);
    let told = said.iter().filter(|message| text(message).contains("is closed")).count();
    assert_eq!((told, said.len()), (1, 2), "{said:#?}");
    assert!(said.iter().all(|m| m["ts"] == thread.as_str() || m["thread_ts"] == thread.as_str()));
}
