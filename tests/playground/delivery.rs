//! What reaches the bot and how: envelopes, turns, repetitions, ends of connections, signatures.

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures_util::SinkExt;
use secondlook::playground::{Fault, Options, sign};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use crate::bot::{BACKEND, Bot, MAYA};

#[tokio::test]
async fn a_message_arrives_in_an_envelope_and_its_ack_is_recorded() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let ts = bot.say("let's move off Mailchimp");
    let envelope = socket.next_acked().await;
    let payload = &envelope["payload"];
    assert_eq!(envelope["type"], "events_api");
    assert_eq!(payload["type"], "event_callback");
    assert_eq!(payload["authorizations"][0]["team_id"], "T0ACME0001");
    assert_eq!(payload["event"]["ts"], ts.as_str());
    assert_eq!(payload["event"]["channel_type"], "channel");
    assert_eq!(payload["event"]["blocks"][0]["type"], "rich_text");
    let ack = bot.slack.wait_until(|w| w.deliveries()[0].ack.clone()).await.expect("an ack");
    assert!(ack.after < Duration::from_secs(3));
    assert!(bot.slack.unacknowledged().is_empty());
}

#[tokio::test]
async fn a_mention_is_told_twice_under_two_event_ids() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    bot.say("<@U0SECONDLK> look at this");
    let (one, two) = (socket.next_acked().await, socket.next_acked().await);
    assert_eq!(one["payload"]["event"]["type"], "message");
    assert_eq!(two["payload"]["event"]["type"], "app_mention");
    assert_ne!(one["payload"]["event_id"], two["payload"]["event_id"]);
    assert_eq!(one["payload"]["event"]["ts"], two["payload"]["event"]["ts"]);
}

#[tokio::test]
async fn each_event_goes_to_one_of_several_sockets() {
    let bot = Bot::new(Options::default()).await;
    let (mut one, mut two) = (bot.socket().await, bot.socket().await);
    bot.say("first");
    bot.say("second");
    let (a, b) = (one.next_acked().await, two.next_acked().await);
    assert_ne!(a["payload"]["event_id"], b["payload"]["event_id"]);
    bot.slack
        .wait_until(|w| w.unacknowledged().is_empty().then_some(()))
        .await
        .expect("both acked");
    assert_eq!(bot.slack.look(|w| w.deliveries().len()), 2);
}

#[tokio::test]
async fn a_repetition_has_the_same_event_id_and_a_new_envelope() {
    let bot = Bot::new(Options { retries: Vec::new(), ..Options::default() }).await;
    let mut socket = bot.socket().await;
    bot.say("not acknowledged");
    let first = socket.next().await.expect("an envelope");
    bot.slack.cut_sockets();
    assert!(socket.next().await.is_none());
    bot.slack.wait_until(|w| w.deliveries()[0].failed.clone()).await.expect("failed");
    let id = bot.slack.unacknowledged().pop().expect("one event");
    assert_eq!(bot.slack.redeliver_all("timeout").await, 0, "no socket is open");
    let mut socket = bot.socket().await;
    let (ack, again) = tokio::join!(bot.slack.redeliver(&id, "timeout"), socket.next_acked());
    assert!(ack.is_some());
    assert_eq!(again["payload"], first["payload"]);
    assert_ne!(again["envelope_id"], first["envelope_id"]);
    assert_eq!(again["retry_attempt"], 2);
    assert_eq!(again["retry_reason"], "timeout");
}

#[tokio::test]
async fn slack_repeats_by_itself_what_nobody_acknowledged() {
    let retries = vec![Duration::ZERO; 3];
    let options = Options { retries, ack_timeout: Duration::from_millis(1), ..Options::default() };
    let bot = Bot::new(options).await;
    let mut socket = bot.socket().await;
    bot.say("deaf bot");
    for attempt in 0..4 {
        assert_eq!(socket.next().await.expect("an envelope")["retry_attempt"], attempt);
    }
}

#[tokio::test]
async fn sockets_end_in_every_way() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    bot.slack.disconnect_sockets("refresh_requested");
    assert_eq!(socket.next().await.expect("a frame")["reason"], "refresh_requested");
    assert!(socket.next().await.is_none());
    bot.slack.wait_until(|w| (w.socket_count() == 0).then_some(())).await.expect("gone");
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(bot.socket().await);
    }
    let mut eleventh = bot.socket().await;
    assert_eq!(eleventh.next().await.expect("a frame")["reason"], "too_many_websockets");
    bot.slack.freeze_sockets();
    let ping = sockets[0].0.send(Message::Ping(Vec::new().into())).await;
    assert!(ping.is_ok(), "a half-open socket still takes data");
    let answer = tokio::time::timeout(Duration::from_millis(20), sockets[0].next()).await;
    assert!(answer.is_err(), "and never answers");
    bot.slack.fail(Fault::error("apps.connections.open", 1, "internal_error"));
    let refused = bot.send("apps.connections.open", bot.slack.app_token(), &json!({})).await;
    assert_eq!(refused.expect("an answer").json::<Value>().await.expect("JSON")["ok"], false);
}

/// A bot in HTTP mode: answers the challenge, keeps what it got, refuses the first attempt of an event.
async fn http_bot() -> (String, mpsc::UnboundedReceiver<(HeaderMap, String)>) {
    let (tell, heard) = mpsc::unbounded_channel();
    let answer = move |headers: HeaderMap, body: String| async move {
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let first = json["type"] == "event_callback" && !headers.contains_key("x-slack-retry-num");
        let status = if first { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
        let _ = tell.send((headers, body));
        (status, json["challenge"].as_str().unwrap_or_default().to_owned())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/slack/events", listener.local_addr().expect("an address"));
    let router = Router::new().route("/slack/events", post(answer));
    let mut serve = tokio::task::JoinSet::new();
    serve.spawn(async move { axum::serve(listener, router).await });
    serve.detach_all();
    (url, heard)
}

#[tokio::test]
async fn http_delivery_is_signed_and_repeated_at_once() {
    let bot = Bot::new(Options::default()).await;
    let (url, mut heard) = http_bot().await;
    bot.slack.set_request_url(&url).await.expect("verified");
    assert!(heard.recv().await.expect("the challenge").1.contains("url_verification"));
    bot.say("let's rewrite it in Go");
    let (_, first) = heard.recv().await.expect("a first attempt");
    let (headers, second) = heard.recv().await.expect("a second attempt");
    assert_eq!(first, second);
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert_eq!(header("x-slack-retry-num"), "1");
    assert_eq!(header("x-slack-retry-reason"), "http_error");
    let timestamp = header("x-slack-request-timestamp").parse().expect("a number");
    assert_eq!(header("x-slack-signature"), sign(bot.slack.signing_secret(), timestamp, &second));
    let answer = bot.slack.command(MAYA, BACKEND, "/investigate", "a b&c").await.expect("ran");
    assert!(answer.ack.is_some());
    let (headers, form) = heard.recv().await.expect("a command");
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    assert!(form.contains("text=a+b%26c") && form.contains("command=%2Finvestigate"), "{form}");
}

#[test]
fn the_signature_is_the_one_of_slacks_documentation() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F\
                96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    assert_eq!(sign("8f742231b10e8888abcd99yyyzzz85a5", 1_531_420_618, body), signature);
}
