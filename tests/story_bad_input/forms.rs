//! Clicks and forms that are unknown, forged, late, or filled with the wrong things.

use serde_json::{Value, json};

use crate::house::{BACKEND, Door, GENERAL, House, JONAS, LEADS, MAILCHIMP, MAYA, PRIYA, TEAM};

async fn prompted() -> (House, String) {
    let house = House::open(Door::Socket).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    // The card stands before it is recorded where.
    house.settled().await;
    (house, thread)
}

/// A press on a button with this value, as Slack tells it.
fn press(user: &str, channel: &str, value: &Value) -> Value {
    json!({
        "type": "block_actions", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM},
        "trigger_id": format!("1.2.{value}{channel}"), "channel": {"id": channel},
        "container": {"type": "message", "channel_id": channel, "message_ts": "1.1"},
        "actions": [{"type": "button", "action_id": "x", "value": value, "action_ts": "1.2"}],
    })
}

/// A form with this purpose and these answers, as Slack sends it.
fn form(id: &str, metadata: &Value, values: &Value) -> Value {
    json!({
        "type": "view_submission", "team": {"id": TEAM}, "user": {"id": JONAS, "team_id": TEAM}, "trigger_id": "1.2.3",
        "view": {"id": id, "type": "modal", "private_metadata": metadata.to_string(), "state": {"values": values}},
    })
}

async fn send(house: &House, payload: Value) -> Value {
    let acknowledged = house.slack.send_raw_interaction(payload.clone()).await;
    acknowledged.unwrap_or_else(|| panic!("not acknowledged: {payload}")).body
}

#[tokio::test]
async fn unknown_and_forged_buttons_do_nothing() {
    let (house, _) = prompted().await;
    let before = house.case(1).await;
    for value in [
        json!("dismiss:2"),
        json!("dismiss:-1"),
        json!("dismiss:99999999999999999999"),
        json!("dismiss:one"),
        json!("dismiss:"),
        json!("dismiss"),
        json!(":1"),
        json!(""),
        json!("explode:1"),
        json!("dismiss:1:1"),
        json!(1),
        json!(null),
        json!({"dismiss": 1}),
    ] {
        assert_eq!(send(&house, press(MAYA, BACKEND, &value)).await, json!(null), "{value}");
    }
    // Another channel's and another workspace's press on this case.
    send(&house, press(MAYA, GENERAL, &json!("dismiss:1"))).await;
    let mut foreign = press(MAYA, BACKEND, &json!("dismiss:1"));
    foreign["team"]["id"] = json!("T0STRANGER");
    foreign["user"]["team_id"] = json!("T0STRANGER");
    send(&house, foreign).await;
    for odd in [
        json!({"type": "block_actions", "team": {"id": TEAM}, "user": {"id": MAYA}}),
        json!({"type": "block_actions", "team": {"id": TEAM}, "user": {"id": MAYA}, "actions": []}),
        json!({"type": "a_new_kind", "team": {"id": TEAM}, "user": {"id": MAYA}}),
        json!({"type": "view_closed", "team": {"id": TEAM}, "user": {"id": MAYA}, "view": {"id": "V1"}}),
        json!({"type": "shortcut", "callback_id": "unknown", "team": {"id": TEAM}, "user": {"id": MAYA}}),
        json!({"type": "message_action", "callback_id": "unknown", "team": {"id": TEAM}, "user": {"id": MAYA}, "channel": {"id": BACKEND}, "message": {"ts": "1.1", "text": "x"}}),
        json!({"type": "message_action", "callback_id": "ask_for_trace", "team": {"id": TEAM}, "user": {"id": MAYA}}),
        json!({"team": {"id": TEAM}}),
    ] {
        send(&house, odd).await;
    }
    house.settled().await;
    assert_eq!(house.case(1).await, before);
}

#[tokio::test]
async fn forged_forms_change_no_case_they_may_not() {
    let (house, _) = prompted().await;
    house.slack.command(PRIYA, LEADS, "/investigate", "the secret outage").await.unwrap();
    house.submit(PRIYA, json!({"title": "the secret outage"})).await;
    house.settled().await;
    let before = (house.case(1).await, house.case(2).await);
    assert!(before.1.as_ref().is_some_and(|case| case.private));
    let answer = |name: &str, value: &str| json!({name: {"answer": {"type": "plain_text_input", "value": value}}});
    let outcome = json!({"outcome": {"answer": {"type": "static_select", "selected_option": {"value": "averted"}}}});
    for (n, (metadata, values)) in [
        (json!({"form": "open", "case": 1, "channel": GENERAL}), answer("title", "mine")),
        (json!({"form": "open", "case": 2, "channel": BACKEND}), answer("title", "mine")),
        (json!({"form": "close", "case": 2, "channel": BACKEND}), outcome.clone()),
        (
            json!({"form": "add_evidence", "case": 2, "channel": BACKEND}),
            answer("evidence", "https://x.example/trace/1"),
        ),
        (json!({"form": "close", "case": "1", "channel": BACKEND}), outcome.clone()),
        (json!({"form": "close", "case": 4_294_967_297_u64, "channel": BACKEND}), outcome.clone()),
        (json!({"form": "close", "case": -1, "channel": BACKEND}), outcome.clone()),
        (json!({"form": "erase", "case": 1, "channel": BACKEND}), outcome.clone()),
        (json!({"form": "close", "case": 1}), outcome.clone()),
        (json!("close"), outcome.clone()),
        (json!(null), outcome),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = send(&house, form(&format!("V{n}"), &metadata, &values)).await;
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    house.settled().await;
    assert_eq!((house.case(1).await, house.case(2).await), before);
}

#[tokio::test]
async fn a_form_says_which_answer_is_missing_too_long_or_of_the_wrong_kind() {
    let (house, thread) = prompted().await;
    let metadata = json!({"form": "close", "case": 1, "channel": BACKEND});
    let select = |value: &str| json!({"answer": {"type": "static_select", "selected_option": {"value": value}}});
    let input = |value: &Value| json!({"answer": {"type": "plain_text_input", "value": value}});
    for (n, (values, wrong)) in [
        (json!({}), vec!["outcome"]),
        (json!(null), vec!["outcome"]),
        (json!({"outcome": []}), vec!["outcome"]),
        (
            json!({"outcome": {"answer": {"type": "static_select", "selected_option": null}}}),
            vec!["outcome"],
        ),
        (json!({"outcome": select("splendid")}), vec!["outcome"]),
        (json!({"outcome": select("averted"), "class": select("no-such-class")}), vec!["class"]),
        (json!({"outcome": select("averted"), "days": input(&json!("soon"))}), vec!["days"]),
        (json!({"outcome": select("averted"), "days": input(&json!("-1"))}), vec!["days"]),
        (json!({"outcome": select("averted"), "days": input(&json!("NaN"))}), vec!["days"]),
        (json!({"outcome": select("averted"), "days": input(&json!("1e300"))}), vec!["days"]),
        (
            json!({"outcome": select("go"), "fixed": input(&json!("x".repeat(3_001)))}),
            vec!["fixed"],
        ),
        (json!({"outcome": select(""), "days": input(&json!("x"))}), vec!["days", "outcome"]),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = send(&house, form(&format!("V{n}"), &metadata, &values)).await;
        assert_eq!(answer["response_action"], "errors", "{values}");
        let named: Vec<&String> = answer["errors"].as_object().unwrap().keys().collect();
        assert_eq!(named, wrong, "{values}");
    }
    let open = json!({"form": "open", "case": 1, "channel": BACKEND});
    for (values, wrong) in [
        (json!({}), "title"),
        (json!({"title": input(&json!("   "))}), "title"),
        (json!({"title": input(&json!("x".repeat(151)))}), "title"),
        (json!({"title": input(&json!("t")), "scope": input(&json!("x".repeat(3_001)))}), "scope"),
    ] {
        let answer = send(&house, form("V100", &open, &values)).await;
        assert!(answer["errors"][wrong].is_string(), "{answer}");
    }
    let evidence = json!({"form": "add_evidence", "case": 1, "channel": BACKEND});
    for words in ["", "no evidence at all", &"x".repeat(3_001)] {
        let values = json!({"evidence": input(&json!(words))});
        let answer = send(&house, form("V101", &evidence, &values)).await;
        assert!(answer["errors"]["evidence"].is_string(), "{answer}");
    }
    // The same form, put right, is taken.
    let values = json!({"outcome": select("averted"), "days": input(&json!("0,5")), "fixed": input(&json!(7))});
    assert_eq!(send(&house, form("V0", &metadata, &values)).await, json!(null));
    house.card_with(BACKEND, &thread, "Closed").await;
}

#[tokio::test]
async fn a_trigger_that_expired_is_told_to_the_person_in_private() {
    let (house, thread) = prompted().await;
    let card = house.card(BACKEND, &thread).await;
    let late = |world: &secondlook::playground::World| {
        let said = world.ephemerals(PRIYA);
        said.last().map(|m| m["text"].as_str().unwrap_or_default().to_owned())
    };
    house.slack.fail(secondlook::playground::Fault::error("views.open", 1, "expired_trigger_id"));
    house.press(PRIYA, BACKEND, &card, "open").await;
    let said = house.slack.wait_until(late).await.unwrap();
    assert!(!said.is_empty() && !said.contains("expired_trigger_id"), "{said}");
    assert_eq!(house.said_in(BACKEND, &thread).len(), 1, "nobody else hears of it");
    // The next press works.
    house.press(PRIYA, BACKEND, &card, "open").await;
    house.view(PRIYA).await;
}
