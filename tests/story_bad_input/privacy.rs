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
