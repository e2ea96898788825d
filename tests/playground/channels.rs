//! Channels come, change and go; the bot hears what it would hear in Slack.

use secondlook::playground::{App, Channel, Options};
use serde_json::{Value, json};

use crate::bot::{BACKEND, Bot, JONAS, MAYA};

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

#[tokio::test]
async fn an_incident_channel_is_told_from_creation_to_deletion() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let id = bot.slack.create_channel(MAYA, Channel::public("", "inc-42", "", &[]));
    let created = socket.event().await;
    assert_eq!(
        (created["type"].as_str(), created["channel"]["name"].as_str()),
        (Some("channel_created"), Some("inc-42"))
    );
    let joined = bot.call("conversations.join", json!({ "channel": id })).await;
    assert_eq!(joined["channel"]["is_member"], true);
    let events = [socket.event().await, socket.event().await];
    assert_eq!(kinds(&events), ["member_joined_channel", "message"]);
    assert_eq!(events[1]["subtype"], "channel_join");
    bot.slack.rename_channel(MAYA, "inc-42", "inc-42-mail").expect("renamed");
    let events = [socket.event().await, socket.event().await];
    assert_eq!(kinds(&events), ["channel_rename", "message"]);
    assert_eq!(events[0]["channel"]["name"], "inc-42-mail");
    bot.slack.archive_channel(MAYA, &id).expect("archived");
    assert_eq!(
        kinds(&[socket.event().await, socket.event().await]),
        ["message", "channel_archive"]
    );
    bot.slack.delete_channel(MAYA, &id).expect("deleted");
    assert_eq!(socket.event().await["type"], "channel_deleted");
    assert_eq!(
        bot.call("conversations.info", json!({ "channel": id })).await["error"],
        "channel_not_found"
    );
}

#[tokio::test]
async fn private_channels_use_group_events_and_only_for_members() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let secret = Channel { private: true, ..Channel::public("C0SECRET01", "secret", "", &[]) };
    bot.slack.create_channel(MAYA, secret);
    bot.slack.rename_channel(MAYA, "secret", "secret-2").expect("renamed");
    bot.slack.invite(MAYA, "secret-2", "U0SECONDLK").expect("invited");
    let joined = socket.event().await;
    assert_eq!(joined["type"], "member_joined_channel", "nothing was told before the invitation");
    assert_eq!(
        (joined["inviter"].as_str(), joined["channel_type"].as_str()),
        (Some(MAYA), Some("G"))
    );
    assert_eq!(socket.event().await["channel_type"], "group");
    bot.slack.archive_channel(MAYA, "secret-2").expect("archived");
    assert_eq!(kinds(&[socket.event().await, socket.event().await]), ["message", "group_archive"]);
    bot.slack.kick_bot(MAYA, "secret-2").expect("removed");
    assert_eq!(socket.event().await["type"], "group_left");
}

#[tokio::test]
async fn scopes_and_subscriptions_are_enforced() {
    let app = App {
        scopes: vec!["chat:write".to_owned()],
        events: vec!["app_mention".to_owned()],
        ..App::default()
    };
    let bot = Bot::new(Options { app, ..Options::default() }).await;
    let mut socket = bot.socket().await;
    let refused = bot.call("conversations.history", json!({ "channel": BACKEND })).await;
    assert_eq!(refused["error"], "missing_scope");
    let answer =
        bot.send("auth.test", &bot.slack.bot_token(), &json!({})).await.expect("an answer");
    assert_eq!(answer.headers()["x-oauth-scopes"], "chat:write");
    bot.say("not a word about it");
    bot.say("<@U0SECONDLK> but this");
    assert_eq!(socket.event().await["type"], "app_mention");
}

#[tokio::test]
async fn an_organisation_wide_install_names_no_team() {
    let bot = Bot::new(Options { org_wide: true, ..Options::default() }).await;
    let mut socket = bot.socket().await;
    bot.say("hello");
    let payload = socket.next_acked().await["payload"].clone();
    assert_eq!(payload["authorizations"][0]["team_id"], Value::Null);
    assert_eq!(payload["authorizations"][0]["enterprise_id"], "E0ACME0001");
    assert_eq!(payload["team_id"], "T0ACME0001");
}

#[tokio::test]
async fn an_uninstalled_app_is_told_and_locked_out() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let token = bot.slack.bot_token();
    bot.slack.uninstall();
    assert_eq!(
        kinds(&[socket.event().await, socket.event().await]),
        ["tokens_revoked", "app_uninstalled"]
    );
    let answer = bot.send("auth.test", &token, &json!({})).await.expect("an answer");
    assert_eq!(answer.json::<Value>().await.expect("JSON")["error"], "invalid_auth");
}

#[tokio::test]
async fn a_person_writing_in_a_private_or_archived_channel_is_refused_too() {
    let bot = Bot::new(Options::default()).await;
    let say = |channel: &str, user: &str| {
        bot.slack
            .say(secondlook::playground::Say::new(channel, user, "hello"))
            .map_err(|refused| refused.0)
    };
    assert!(say("platform-leads", MAYA).is_err_and(|why| why.contains("not in")));
    assert!(say("platform-leads", JONAS).is_ok());
    bot.slack.archive_channel(JONAS, "backend").expect("archived");
    assert!(say("backend", JONAS).is_err_and(|why| why.contains("archived")));
    assert!(say("nowhere", JONAS).is_err());
}
