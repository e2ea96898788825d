//! What the Web API takes and refuses, and the faults it can be told to have.

use std::time::Duration;

use secondlook::playground::{Channel, Fault, FaultKind, Options, Say, Upload};
use serde_json::{Value, json};

use crate::bot::{BACKEND, Bot, JONAS, MAYA, card, plain};

#[tokio::test]
async fn the_bots_own_post_comes_back_to_it_without_its_metadata() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let metadata = json!({ "event_type": "prompt", "event_payload": { "id": 7 } });
    let sent = bot
        .call("chat.postMessage", json!({ "channel": BACKEND, "text": "hi", "metadata": metadata }))
        .await;
    assert_eq!(sent["ok"], true);
    let event = socket.event().await;
    assert_eq!(event["bot_id"], "B0SECONDLK");
    assert_eq!(event["app_id"], "A0SECONDLK");
    assert_eq!(event["metadata"], json!({ "event_type": "prompt" }));
    let plain = bot.call("conversations.history", json!({ "channel": BACKEND })).await;
    assert_eq!(plain["messages"][0]["metadata"], json!({ "event_type": "prompt" }));
    let full = json!({ "channel": BACKEND, "include_all_metadata": true });
    let full = bot.call("conversations.history", full).await;
    assert_eq!(full["messages"][0]["metadata"]["event_payload"]["id"], 7);
}

#[tokio::test]
async fn bad_blocks_are_refused_with_their_place() {
    let bot = Bot::new(Options::default()).await;
    let post = async |blocks: Value| {
        bot.call("chat.postMessage", json!({ "channel": BACKEND, "text": "t", "blocks": blocks }))
            .await
    };
    let text = json!({ "type": "mrkdwn", "text": "x".repeat(3001) });
    let answer = post(json!([{ "type": "section", "text": text }])).await;
    assert_eq!(answer["error"], "invalid_blocks");
    let place = answer["response_metadata"]["messages"][0].as_str().expect("a message");
    assert!(place.contains("/blocks/0/text/text"), "{place}");
    let many: Vec<Value> = (0..51).map(|_| json!({ "type": "divider" })).collect();
    assert_eq!(post(json!(many)).await["error"], "invalid_blocks");
    let button =
        json!({ "type": "button", "text": plain(&"y".repeat(76)), "value": "z".repeat(2001) });
    let answer = post(json!([{ "type": "actions", "elements": [button] }])).await;
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(2));
    assert_eq!(post(card()).await["ok"], true);
}

#[tokio::test]
async fn form_and_json_bodies_are_both_read_and_tokens_checked() {
    let bot = Bot::new(Options::default()).await;
    let form = "channel=C0BACKEND1&text=hi&blocks=%5B%7B%22type%22%3A%22divider%22%7D%5D";
    let request = bot.http.post(format!("{}/chat.postMessage", bot.slack.api_url()));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer = request.bearer_auth(bot.slack.bot_token()).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    assert_eq!(answer["message"]["blocks"][0]["type"], "divider");
    assert_eq!(bot.call("no.such.method", json!({})).await["error"], "unknown_method");
    let old = bot.slack.bot_token();
    bot.slack.rotate_bot_token();
    for token in ["xoxb-wrong", &old] {
        let answer = bot.send("auth.test", token, &json!({})).await.expect("an answer");
        assert_eq!(answer.json::<Value>().await.expect("JSON")["error"], "invalid_auth");
    }
}

#[tokio::test]
async fn posting_is_refused_where_slack_refuses() {
    let bot = Bot::new(Options::default()).await;
    let error = async |channel: &str| {
        bot.call("chat.postMessage", json!({ "channel": channel, "text": "t" })).await["error"]
            .clone()
    };
    assert_eq!(error("C0NOWHERE1").await, "channel_not_found");
    assert_eq!(error("C0RANDOM01").await, "not_in_channel");
    bot.slack.archive_channel(JONAS, "backend").expect("archived");
    assert_eq!(error(BACKEND).await, "is_archived");
    let secret = Channel { private: true, ..Channel::public("C0SECRET01", "secret", "", &[]) };
    bot.slack.create_channel(MAYA, secret);
    assert_eq!(error("C0SECRET01").await, "channel_not_found");
}

#[tokio::test]
async fn files_need_the_token() {
    let bot = Bot::new(Options::default()).await;
    let ts = bot.slack.upload(&Upload {
        channel: "backend".to_owned(),
        user: MAYA.to_owned(),
        name: "app.log".to_owned(),
        content: b"dkim=fail".to_vec(),
        ..Upload::default()
    });
    let message =
        bot.slack.look(|w| w.message("backend", &ts.expect("uploaded"))).expect("a message");
    assert_eq!(message["subtype"], "file_share");
    let url = message["files"][0]["url_private"].as_str().expect("a URL");
    let read = async |request: reqwest::RequestBuilder| {
        request.send().await.expect("an answer").text().await.expect("text")
    };
    assert!(read(bot.http.get(url)).await.contains("Sign in"));
    bot.slack.fail(Fault::new("files", 1, FaultKind::Status(500)));
    assert!(read(bot.http.get(url)).await.contains("bad day"));
    assert_eq!(read(bot.http.get(url).bearer_auth(bot.slack.bot_token())).await, "dkim=fail");
}

#[tokio::test]
async fn faults_happen_as_scripted_and_no_longer() {
    let bot = Bot::new(Options::default()).await;
    let args = json!({ "channel": BACKEND, "text": "t" });
    let token = bot.slack.bot_token();
    let send = async || bot.send("chat.postMessage", &token, &args).await;
    let spoil = |kind| bot.slack.fail(Fault::new("chat.postMessage", 1, kind).in_channel(BACKEND));
    spoil(FaultKind::RateLimited(7));
    let limited = send().await.expect("an answer");
    assert_eq!(
        (limited.status().as_u16(), limited.headers()["retry-after"].to_str().ok()),
        (429, Some("7"))
    );
    bot.slack.fail(Fault::error("*", 1, "ratelimited"));
    assert_eq!(
        send().await.expect("an answer").json::<Value>().await.expect("JSON")["error"],
        "ratelimited"
    );
    spoil(FaultKind::Status(503));
    assert_eq!(send().await.expect("an answer").status().as_u16(), 503);
    spoil(FaultKind::Reset);
    assert!(send().await.is_err());
    assert!(bot.slack.messages(BACKEND).is_empty(), "nothing was posted so far");
    spoil(FaultKind::AnswerLost);
    assert!(send().await.is_err());
    assert_eq!(bot.slack.messages(BACKEND).len(), 1, "posted, though the caller cannot know");
    bot.slack.fail(Fault::new("chat.postMessage", Fault::ALWAYS, FaultKind::Silence));
    assert!(tokio::time::timeout(Duration::from_millis(20), send()).await.is_err());
    bot.slack.heal();
    assert_eq!(send().await.expect("an answer").json::<Value>().await.expect("JSON")["ok"], true);
}

#[tokio::test]
async fn history_comes_in_pages_newest_first_and_replies_oldest_first() {
    let bot = Bot::new(Options::default()).await;
    let root = bot.say("first");
    let reply = bot.slack.say(Say::new(BACKEND, JONAS, "reply").in_thread(&root)).expect("said");
    bot.say("second");
    bot.say("third");
    let mut texts = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = bot
            .call(
                "conversations.history",
                json!({ "channel": BACKEND, "limit": 2, "cursor": cursor }),
            )
            .await;
        texts.extend(
            page["messages"].as_array().expect("messages").iter().map(|m| m["text"].clone()),
        );
        page["response_metadata"]["next_cursor"]
            .as_str()
            .expect("a cursor")
            .clone_into(&mut cursor);
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(texts, ["third", "second", "first"]);
    let thread = bot.call("conversations.replies", json!({ "channel": BACKEND, "ts": root })).await;
    assert_eq!(
        (thread["messages"][0]["reply_count"].as_u64(), &thread["messages"][1]["ts"]),
        (Some(1), &json!(reply))
    );
    let link =
        bot.call("chat.getPermalink", json!({ "channel": BACKEND, "message_ts": reply })).await;
    let link = link["permalink"].as_str().expect("a link");
    assert!(
        link.starts_with("https://acme.slack.com/archives/C0BACKEND1/p")
            && link.contains("thread_ts="),
        "{link}"
    );
}

#[tokio::test]
async fn the_bot_updates_and_deletes_only_its_own_messages() {
    let bot = Bot::new(Options::default()).await;
    let sent = bot
        .call("chat.postMessage", json!({ "channel": BACKEND, "text": "t", "blocks": card() }))
        .await;
    let own = json!({ "channel": BACKEND, "ts": sent["ts"], "text": "new" });
    assert_eq!(bot.call("chat.update", own.clone()).await["ok"], true);
    let now = bot.slack.messages(BACKEND)[0].clone();
    assert_eq!(now["text"], "new");
    assert_eq!(now["blocks"].as_array().map(Vec::len), Some(2), "blocks stay when none are given");
    let other = json!({ "channel": BACKEND, "ts": bot.say("mine"), "text": "new" });
    assert_eq!(bot.call("chat.update", other.clone()).await["error"], "cant_update_message");
    assert_eq!(bot.call("chat.delete", other).await["error"], "cant_delete_message");
    assert_eq!(bot.call("chat.delete", own.clone()).await["ok"], true);
    assert_eq!(bot.call("chat.update", own).await["error"], "message_not_found");
}
