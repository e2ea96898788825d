//! A mention does not say whether its channel is private, and may be all that is told or come before the message.

use secondlook::playground::{App, Options};
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, GENERAL, HEADERS, House, LEADS, MAILCHIMP, MAYA, PRIYA, eager};
use crate::requests::event;

/// A bot to which the test itself tells what happens, with these scopes (all when there are none).
async fn house(scopes: &[&str]) -> House {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    let app = App { events: vec!["none".to_owned()], scopes, ..App::default() };
    House::open_with(Door::Http, eager(), Options { app, ..Options::default() }).await
}

/// A proposal in a channel that mentions the bot, told by these events, with evidence posted to it; returns what
/// somebody in another channel is shown of it.
async fn known_elsewhere(house: &House, channel: &str, told: &[&str]) -> bool {
    let words = format!("<@U0SECONDLK> {MAILCHIMP}");
    let kind = if channel == LEADS { "group" } else { "channel" };
    let proposal = house.say(channel, PRIYA, &words);
    for told in told {
        let mut message =
            json!({"type": told, "channel": channel, "user": PRIYA, "text": words, "ts": proposal});
        if *told == "message" {
            message["channel_type"] = json!(kind);
        }
        house.slack.send_raw_event(event(&format!("Ev{told}"), &message));
        house.acknowledged().await;
    }
    house.card(channel, &proposal).await;
    let ts = house.reply(channel, PRIYA, &proposal, HEADERS);
    let mut reply = json!({"type": "app_mention", "channel": channel, "user": PRIYA, "text": HEADERS, "ts": ts});
    reply["thread_ts"] = json!(proposal);
    house.slack.send_raw_event(event("EvReply", &reply));
    house.card_with(channel, &proposal, "✓ mail headers").await;
    house.settled().await;
    let here = house.investigate(PRIYA, channel, "list").await;
    assert!(here.contains("Mailchimp"), "{here}");
    let elsewhere = async |words| house.investigate(MAYA, GENERAL, words).await;
    let (list, show) = (elsewhere("list").await, elsewhere("show 1").await);
    let known = list.contains("Mailchimp");
    assert_eq!(show.contains("mail headers"), known, "{show}");
    assert_eq!(house.case(1).await.unwrap().private, !known);
    known
}

const ORDERS: [&[&str]; 3] =
    [&["app_mention"], &["app_mention", "message"], &["message", "app_mention"]];

#[tokio::test]
async fn a_mention_in_a_private_channel_tells_nobody_else() {
    for told in ORDERS {
        assert!(!known_elsewhere(&house(&[]).await, LEADS, told).await, "{told:?}");
    }
}

#[tokio::test]
async fn a_mention_in_a_public_channel_is_found_public() {
    for told in ORDERS {
        assert!(known_elsewhere(&house(&[]).await, BACKEND, told).await, "{told:?}");
    }
}

/// The small size of the app may not ask Slack about channels.
#[tokio::test]
async fn where_slack_may_not_be_asked_a_mention_stays_private() {
    let house = house(&["app_mentions:read", "chat:write", "commands"]).await;
    assert!(!known_elsewhere(&house, BACKEND, &["app_mention"]).await);
    let asked = house.slack.calls("conversations.info");
    assert_eq!(
        asked.iter().map(|call| &call.answer["error"]).collect::<Vec<_>>(),
        [&Value::from("missing_scope")]
    );
}

/// What somebody in another channel can find out of the case: from the list, from the case itself, from the week so far.
async fn told_elsewhere(house: &House) -> String {
    let mut told = String::new();
    for words in ["list", "show 1", "digest"] {
        told += &house.investigate(MAYA, GENERAL, words).await;
    }
    told
}

#[tokio::test]
async fn a_channel_that_is_made_private_tells_nobody_else_from_then_on() {
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, PRIYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    house.reply(BACKEND, PRIYA, &thread, HEADERS);
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    house.settled().await;
    let told = told_elsewhere(&house).await;
    assert!(told.matches("Mailchimp").count() >= 3, "{told}");
    house.slack.make_private(PRIYA, BACKEND).unwrap();
    house.acknowledged().await;
    let told = told_elsewhere(&house).await;
    assert!(!told.contains("Mailchimp") && !told.contains("mail headers"), "{told}");
    let here = house.investigate(PRIYA, BACKEND, "show 1").await;
    assert!(here.contains("mail headers"), "{here}");
    // Work goes on on the case as it stands now.
    house.reply(BACKEND, PRIYA, &thread, "```; <<>> DiG 9.18 <<>> TXT k1._domainkey.acme.example\n;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1\n;; QUESTION SECTION:\n;k1._domainkey.acme.example. IN TXT```");
    house.card_with(BACKEND, &thread, "✓ DNS answer").await;
    assert!(house.case(1).await.unwrap().private);
}

/// What Slack says in the channel may have been lost; every message says what the channel is.
#[tokio::test]
async fn the_first_message_of_a_channel_that_is_private_now_makes_its_cases_so() {
    for in_thread in [true, false] {
        let house = house(&[]).await;
        let thread = house.say(BACKEND, PRIYA, MAILCHIMP);
        let tell = async |id: &str, kind: &str, message: Value| {
            let mut told =
                json!({"type": "message", "channel": BACKEND, "channel_type": kind, "user": PRIYA});
            for (name, value) in message.as_object().into_iter().flatten() {
                told[name] = value.clone();
            }
            house.slack.send_raw_event(event(id, &told));
            house.acknowledged().await;
        };
        tell("Ev1", "channel", json!({"text": MAILCHIMP, "ts": thread})).await;
        house.card(BACKEND, &thread).await;
        let ts = house.reply(BACKEND, PRIYA, &thread, HEADERS);
        tell("Ev2", "channel", json!({"text": HEADERS, "ts": ts, "thread_ts": thread})).await;
        house.card_with(BACKEND, &thread, "✓ mail headers").await;
        house.settled().await;
        assert!(told_elsewhere(&house).await.contains("Mailchimp"));
        if in_thread {
            let ts = house.reply(BACKEND, PRIYA, &thread, "thanks");
            tell("Ev3", "group", json!({"text": "thanks", "ts": ts, "thread_ts": thread})).await;
        } else {
            let ts = house.say(BACKEND, PRIYA, "lunch anyone?");
            tell("Ev3", "group", json!({"text": "lunch anyone?", "ts": ts})).await;
        }
        let told = told_elsewhere(&house).await;
        assert!(!told.contains("Mailchimp"), "in the thread: {in_thread}\n{told}");
        assert!(house.case(1).await.unwrap().private);
        // One that was told late, of the time before, makes no exception for long.
        let late = house.say(BACKEND, MAYA, "let's move off Datadog, it is too slow for us");
        let words = "let's move off Datadog, it is too slow for us";
        tell("Ev4", "channel", json!({"text": words, "ts": late, "user": MAYA})).await;
        house.card(BACKEND, &late).await;
        house.settled().await;
        let ts = house.reply(BACKEND, PRIYA, &late, HEADERS);
        tell("Ev5", "group", json!({"text": HEADERS, "ts": ts, "thread_ts": late})).await;
        house.card_with(BACKEND, &late, "✓ mail headers").await;
        assert!(house.case(2).await.unwrap().private);
    }
}
