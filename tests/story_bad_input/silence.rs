//! When the bot must not speak, and to whom it must not show what it knows.

use jiff::SignedDuration;
use secondlook::domain::investigation::State;
use secondlook::domain::policy::{Limits, Silence};
use secondlook::playground::{Options, Say, Upload};
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, GENERAL, House, JONAS, LEADS, MAILCHIMP, MAYA, PRIYA, eager};
use crate::requests::event;

const SHARED: &str = "C0SHARED01";
const OTHER: &str = "let's split our monolith into microservices, our deploys are slow";

async fn with(limits: Limits) -> House {
    House::open_with(Door::Socket, limits, Options::default()).await
}

#[tokio::test]
async fn bots_and_its_own_words_are_not_heard() {
    let house = House::open(Door::Http).await;
    let ts = house.say(BACKEND, MAYA, "morning all");
    for author in [
        json!({"user": "U0OTHERBOT", "bot_id": "B1"}),
        json!({"user": "U0OTHERBOT", "bot_profile": {"id": "B1"}}),
        json!({"bot_id": "B1", "subtype": "bot_message", "username": "ci"}),
        json!({"user": "U0SECONDLK"}),
        json!({"user": "USLACKBOT"}),
    ] {
        let mut message = author.clone();
        message["type"] = json!("message");
        message["channel"] = json!(BACKEND);
        message["text"] = json!(MAILCHIMP);
        message["ts"] = json!(ts);
        for kind in ["message", "app_mention"] {
            message["type"] = json!(kind);
            house.slack.send_raw_event(event(&format!("Ev{kind}{author}"), &message));
        }
    }
    house.settled().await;
    assert_eq!(house.said_anywhere(BACKEND), Vec::<Value>::new());
    assert_eq!(house.case(1).await, None);
}

#[tokio::test]
async fn files_broadcasts_and_me_messages_are_heard() {
    let house = House::open(Door::Socket).await;
    let me = Say { subtype: Some("me_message".to_owned()), ..Say::new(BACKEND, MAYA, MAILCHIMP) };
    let me = house.slack.say(me).unwrap();
    house.card(BACKEND, &me).await;
    let root = house.say(BACKEND, JONAS, "numbers of October");
    let said = Say { broadcast: true, ..Say::new(BACKEND, MAYA, OTHER).in_thread(&root) };
    house.slack.say(said).unwrap();
    house.card(BACKEND, &root).await;
    let upload = Upload {
        channel: GENERAL.to_owned(),
        user: MAYA.to_owned(),
        name: "mail.png".to_owned(),
        content: vec![0; 9],
        comment: MAILCHIMP.to_owned(),
        ..Upload::default()
    };
    let shared = house.slack.upload(&upload).unwrap();
    house.card(GENERAL, &shared).await;
}

#[tokio::test]
async fn an_externally_shared_channel_stays_silent() {
    let house = House::open(Door::Socket).await;
    house.say(SHARED, MAYA, MAILCHIMP);
    house.settled().await;
    assert_eq!(house.said_anywhere(SHARED), Vec::<Value>::new());
    assert_eq!(house.case(1).await, None, "no word of it is kept");
}

#[tokio::test]
async fn a_private_channels_case_is_known_there_only() {
    let house = House::open(Door::Socket).await;
    let thread = house.say(LEADS, PRIYA, &format!("{MAILCHIMP}, keep it secret"));
    let card = house.card(LEADS, &thread).await;
    house.press(PRIYA, LEADS, &card, "open").await;
    house.submit(PRIYA, json!({"title": "the secret plan"})).await;
    house.settled().await;
    let listed = house.investigate(PRIYA, LEADS, "list").await;
    assert!(listed.contains("secret"), "{listed}");
    for channel in [BACKEND, GENERAL] {
        for words in ["list", "show 1", "close 1"] {
            let answer = house.investigate(PRIYA, channel, words).await;
            assert!(
                !answer.is_empty() && !answer.contains("secret") && !answer.contains("Mailchimp"),
                "{words}: {answer}"
            );
        }
        let unknown = house.investigate(PRIYA, channel, "show 99").await;
        let hidden = house.investigate(PRIYA, channel, "show 1").await;
        assert_eq!(hidden.replace('1', "99"), unknown, "that it exists is not told either");
    }
}

#[tokio::test]
async fn a_person_who_asks_first_makes_the_card_needless() {
    let house = with(Limits { quiet_period: SignedDuration::from_secs(60), ..eager() }).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.acknowledged().await;
    house.reply(BACKEND, JONAS, &thread, "do we have the headers of one of these mails?");
    let other = house.say(GENERAL, MAYA, MAILCHIMP);
    house.acknowledged().await;
    // The writer's own question is not somebody else's.
    house.reply(GENERAL, MAYA, &other, "do we have the headers of one of these mails?");
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_mins(2));
    house.card(GENERAL, &other).await;
    house.settled().await;
    assert_eq!(house.said_in(BACKEND, &thread), Vec::<Value>::new());
    let case = house.case(1).await.unwrap();
    assert_eq!((case.state, case.silence), (State::Silent, Some(Silence::SomeoneAsked)));
}

/// `replay` heeds it likewise (`tests/replay/speaking.rs`).
#[tokio::test]
async fn a_question_that_came_before_the_proposal_in_its_thread_counts() {
    let house = with(Limits { quiet_period: SignedDuration::from_secs(60), ..eager() }).await;
    let thread = house.say(BACKEND, MAYA, "the newsletter is broken");
    house.reply(BACKEND, JONAS, &thread, "do we have the headers of one of these mails?");
    house.acknowledged().await;
    house.reply(BACKEND, MAYA, &thread, MAILCHIMP);
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_mins(2));
    house.settled().await;
    let case = house.case(1).await.unwrap();
    assert_eq!((case.state, case.silence), (State::Silent, Some(Silence::SomeoneAsked)));
}

#[tokio::test]
async fn a_question_in_the_channel_is_heard_across_a_restart() {
    let limits = Limits { quiet_period: SignedDuration::from_secs(60), ..eager() };
    let mut house = with(limits).await;
    let question = "do we have the headers of one of these mails?";
    house.say(BACKEND, JONAS, question);
    house.acknowledged().await;
    // The restart has it forget what was asked before there was anything to ask about.
    house.restart(SignedDuration::ZERO).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.acknowledged().await;
    let own = house.say(GENERAL, MAYA, MAILCHIMP);
    house.acknowledged().await;
    house.say(BACKEND, JONAS, question);
    house.say(GENERAL, MAYA, question);
    house.acknowledged().await;
    let later = house.say(BACKEND, MAYA, OTHER);
    house.acknowledged().await;
    house.restart(SignedDuration::from_mins(2)).await;
    house.card(GENERAL, &own).await;
    house.card(BACKEND, &later).await;
    house.settled().await;
    assert_eq!(house.said_in(BACKEND, &thread), Vec::<Value>::new());
    let case = house.case(1).await.unwrap();
    assert_eq!((case.state, case.silence), (State::Silent, Some(Silence::SomeoneAsked)));
    assert_eq!(case.said, "", "no word of it is kept");
}

#[tokio::test]
async fn pause_resume_and_settings_hold_in_their_channel() {
    let house = House::open(Door::Socket).await;
    let silent = |n: usize| format!("{MAILCHIMP} since release {n}");
    assert!(
        house.investigate(JONAS, BACKEND, "pause").await.contains("silent in this channel until")
    );
    house.say(BACKEND, MAYA, &silent(1));
    house.settled().await;
    assert_eq!(house.said_anywhere(BACKEND), Vec::<Value>::new());
    let elsewhere = house.say(GENERAL, MAYA, &silent(2));
    house.card(GENERAL, &elsewhere).await;
    house.investigate(JONAS, BACKEND, "resume").await;
    for mode in ["off", "observe"] {
        let answer = house.investigate(JONAS, BACKEND, &format!("settings mode {mode}")).await;
        assert!(answer.contains(mode), "{answer}");
        house.say(BACKEND, MAYA, &silent(3));
        house.settled().await;
        assert_eq!(house.said_anywhere(BACKEND), Vec::<Value>::new());
    }
    let unknown = house.investigate(JONAS, BACKEND, "settings mode loud").await;
    assert!(unknown.contains("observe"), "nothing changed: {unknown}");
    house.investigate(JONAS, BACKEND, "settings mode thread").await;
    let heard = house.say(BACKEND, MAYA, &silent(4));
    house.card(BACKEND, &heard).await;
}

#[tokio::test]
async fn never_for_this_topic_is_never() {
    let house = House::open(Door::Socket).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    let card = house.card(BACKEND, &thread).await;
    house.pick(JONAS, BACKEND, &card, "never_topic:1").await;
    house.settled().await;
    house.clock.advance(SignedDuration::from_hours(24 * 40));
    let again = house.say(BACKEND, MAYA, MAILCHIMP);
    let other = house.say(BACKEND, MAYA, OTHER);
    house.card(BACKEND, &other).await;
    house.settled().await;
    assert_eq!(house.said_in(BACKEND, &again), Vec::<Value>::new());
}

#[tokio::test]
async fn cooldown_topic_and_cap_hold_and_end() {
    let limits = Limits { channel_cap: 1, cooldown: SignedDuration::from_hours(4), ..eager() };
    let house = with(limits).await;
    let first = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &first).await;
    let quiet = async |text: &str| {
        let ts = house.say(BACKEND, MAYA, text);
        house.settled().await;
        assert_eq!(house.said_in(BACKEND, &ts), Vec::<Value>::new(), "{text}");
    };
    // The channel's cooldown, then its cap, then the topic's.
    quiet(OTHER).await;
    house.clock.advance(SignedDuration::from_hours(5));
    quiet(OTHER).await;
    house.clock.advance(SignedDuration::from_hours(20));
    quiet(MAILCHIMP).await;
    let other = house.say(BACKEND, MAYA, OTHER);
    house.card(BACKEND, &other).await;
    house.clock.advance(SignedDuration::from_hours(24 * 31));
    let again = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &again).await;
}
