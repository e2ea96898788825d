//! Requests that are not Slack's, not whole, or not what Slack sends.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::StatusCode;
use secondlook::playground::sign;
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, House, MAILCHIMP, MAYA, TEAM};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[expect(clippy::disallowed_methods, reason = "signatures are checked against the machine's clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Posts a body with this signature.
async fn post(house: &House, at: u64, signature: &str, kind: &str, body: String) -> StatusCode {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client
        .post(format!("http://{}/slack/events", house.bot().bind_addr()))
        .header("x-slack-request-timestamp", at)
        .header("x-slack-signature", signature)
        .header("content-type", kind)
        .body(body);
    request.send().await.unwrap().status()
}

/// Posts a body as Slack signs it.
async fn post_signed(house: &House, kind: &str, body: &str) -> StatusCode {
    let signature = sign(house.slack.signing_secret(), now(), body);
    post(house, now(), &signature, kind, body.to_owned()).await
}

/// A proposal as Slack tells it.
pub(crate) fn proposal(id: &str) -> Value {
    event(
        id,
        &json!({
            "type": "message", "channel": BACKEND, "channel_type": "channel", "user": MAYA, "text": MAILCHIMP,
            "ts": "1763712000.000100", "event_ts": "1763712000.000100",
        }),
    )
}

/// An event callback as Slack sends it.
pub(crate) fn event(id: &str, event: &Value) -> Value {
    json!({
        "type": "event_callback", "team_id": TEAM, "event_id": id, "event_time": 1_763_712_000, "event": event,
        "authorizations": [{"team_id": TEAM, "is_bot": true, "is_enterprise_install": false}],
    })
}

#[tokio::test]
async fn a_wrong_stale_or_future_signature_lets_nothing_in() {
    let house = House::open(Door::Http).await;
    let body = proposal("Ev1").to_string();
    let secret = house.slack.signing_secret();
    for (at, signature) in [
        (now(), sign("another secret", now(), &body)),
        (now(), sign(secret, now(), "another body")),
        (now(), sign(secret, now() - 1, &body)),
        (now() - 301, sign(secret, now() - 301, &body)),
        (now() + 310, sign(secret, now() + 310, &body)),
        (now(), "v0=".to_owned()),
        (now(), String::new()),
    ] {
        let status = post(&house, at, &signature, JSON, body.clone()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{at} {signature}");
    }
    assert_eq!(house.case(1).await, None);
    // The same request, rightly signed, is heard.
    assert_eq!(post_signed(&house, JSON, &body).await, StatusCode::OK);
    assert!(house.case(1).await.is_some());
}

#[tokio::test]
async fn oversized_truncated_and_foreign_bodies_are_refused() {
    let house = House::open(Door::Http).await;
    let whole = proposal("Ev1").to_string();
    let oversized = json!({"type": "event_callback", "padding": "x".repeat(1_100_000)}).to_string();
    assert_eq!(post_signed(&house, JSON, &oversized).await, StatusCode::PAYLOAD_TOO_LARGE);
    for body in [&whole[..whole.len() / 2], "", "null", "[]", "42", "<xml/>", "{\"a\":1}}"] {
        assert_eq!(post_signed(&house, JSON, body).await, StatusCode::BAD_REQUEST, "{body}");
    }
    for body in ["payload=%7B%22type", "payload=", "payload=null", "a=b", ""] {
        assert_eq!(post_signed(&house, FORM, body).await, StatusCode::BAD_REQUEST, "{body}");
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(post_signed(&house, JSON, &deep).await, StatusCode::BAD_REQUEST);
    assert_eq!(post_signed(&house, JSON, &whole).await, StatusCode::OK);
    assert!(house.case(1).await.is_some(), "the door is still open");
}

#[tokio::test]
async fn unknown_events_are_acknowledged_and_do_nothing() {
    let house = House::open(Door::Http).await;
    let odd = [
        json!({}),
        json!({"type": "event_callback"}),
        json!({"type": "event_callback", "team_id": TEAM, "event_id": "Ev2"}),
        json!({"type": "event_callback", "team_id": 7, "event_id": [], "event": "text"}),
        event("Ev3", &json!({"type": "a_new_event", "channel": BACKEND})),
        event(
            "Ev4",
            &json!({"type": "message", "subtype": "a_new_subtype", "channel": BACKEND, "user": MAYA, "text": MAILCHIMP, "ts": "1.1"}),
        ),
        event(
            "Ev5",
            &json!({"type": "message", "channel": BACKEND, "user": MAYA, "text": {"not": "text"}, "ts": "1.2"}),
        ),
        event("Ev6", &json!({"type": "message", "user": MAYA, "text": MAILCHIMP, "ts": "1.3"})),
        event(
            "Ev7",
            &json!({"type": "message", "channel": BACKEND, "text": MAILCHIMP, "ts": "1.4"}),
        ),
        event(
            "Ev8",
            &json!({"type": "message", "channel": BACKEND, "user": MAYA, "text": MAILCHIMP}),
        ),
        event("Ev9", &json!({"type": "message", "subtype": "message_changed", "channel": BACKEND})),
        event(
            "Ev10",
            &json!({"type": "message", "subtype": "message_deleted", "channel": BACKEND}),
        ),
        event("Ev11", &json!({"type": "app_mention", "channel": BACKEND})),
        event("Ev12", &json!(["not", "an", "object"])),
    ];
    for payload in odd {
        let status = post_signed(&house, JSON, &payload.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{payload}");
    }
    house.settled().await;
    assert_eq!(house.case(1).await, None);
    assert_eq!(house.said_anywhere(BACKEND), Vec::<Value>::new());
}

#[tokio::test]
async fn another_workspaces_events_are_not_ours() {
    let house = House::open(Door::Http).await;
    let mut foreign = proposal("Ev1");
    foreign["team_id"] = json!("T0STRANGER");
    foreign["authorizations"][0]["team_id"] = json!("T0STRANGER");
    assert_eq!(post_signed(&house, JSON, &foreign.to_string()).await, StatusCode::OK);
    house.settled().await;
    assert_eq!(house.case(1).await, None);
    assert_eq!(house.said_anywhere(BACKEND), Vec::<Value>::new());
}

#[tokio::test]
async fn odd_fields_beside_the_text_do_not_lose_it() {
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, MAYA, "morning all");
    let mut odd = proposal("Ev1");
    odd["event"]["ts"] = json!(thread);
    odd["event"]["metadata"] =
        json!({"event_type": 3, "event_payload": {"n": 1, "b": true, "o": {"p": [null]}}});
    odd["event"]["attachments"] = json!([{"id": "one", "fields": [{"value": 7}]}]);
    odd["event"]["files"] = json!([{"id": 7}, null, "file", {"id": "F1", "url_private": ""}]);
    odd["event"]["edited"] = json!("yes");
    odd["authorizations"] =
        json!([{"team_id": TEAM, "enterprise_id": "E1", "is_enterprise_install": false, "n": 7}]);
    assert_eq!(post_signed(&house, JSON, &odd.to_string()).await, StatusCode::OK);
    house.card(BACKEND, &thread).await;
}
