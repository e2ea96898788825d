//! Deliveries that come twice, in another order, or say what was said already; edits.

use jiff::SignedDuration;
use secondlook::domain::detect::{Packs, detect};
use secondlook::domain::investigation::State;
use secondlook::domain::policy::Limits;
use secondlook::playground::{App, Options};
use serde_json::{Value, json};

use crate::house::{
    BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, PRIYA, TEAM, eager, is_card, text,
};
use crate::requests::event;

async fn patient() -> House {
    let limits = Limits { quiet_period: SignedDuration::from_secs(60), ..eager() };
    House::open_with(Door::Socket, limits, Options::default()).await
}

fn cards(house: &House) -> usize {
    house.said_anywhere(BACKEND).iter().filter(|message| is_card(message)).count()
}

#[tokio::test]
async fn an_event_delivered_again_has_one_effect() {
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    let ids: Vec<String> =
        house.slack.look(|w| w.deliveries().iter().map(|d| d.id.clone()).collect());
    for id in ids {
        for reason in ["http_timeout", "connection_failed"] {
            house.slack.redeliver(&id, reason).await;
        }
    }
    house.settled().await;
    assert_eq!(cards(&house), 1);
    assert_eq!(house.case(1).await.unwrap().evidence.len(), 1);
    assert_eq!(house.case(2).await, None);
}

#[tokio::test]
async fn copies_that_arrive_at_once_have_one_effect() {
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, MAYA, "morning all");
    let proposal = json!({"type": "message", "channel": BACKEND, "channel_type": "channel", "user": MAYA, "text": MAILCHIMP, "ts": thread});
    for n in 0..20 {
        house.slack.send_raw_event(event(&format!("Ev{}", n % 4), &proposal));
    }
    house.card(BACKEND, &thread).await;
    house.settled().await;
    assert_eq!(cards(&house), 1);
    assert_eq!(house.slack.unacknowledged(), Vec::<String>::new());
}

#[tokio::test]
async fn a_message_that_is_also_a_mention_gets_one_card_in_either_order() {
    for (first, second) in [("message", "app_mention"), ("app_mention", "message")] {
        let app = App { events: vec!["none".to_owned()], ..App::default() };
        let house =
            House::open_with(Door::Http, eager(), Options { app, ..Options::default() }).await;
        let words = format!("<@U0SECONDLK> {MAILCHIMP}");
        let thread = house.say(BACKEND, MAYA, &words);
        for kind in [first, second] {
            let told = json!({"type": kind, "channel": BACKEND, "user": MAYA, "text": words, "ts": thread});
            house.slack.send_raw_event(event(&format!("Ev{kind}"), &told));
            house.acknowledged().await;
        }
        house.settled().await;
        assert_eq!(cards(&house), 1, "{first} first");
        assert_eq!(house.slack.ephemerals(MAYA), Vec::<Value>::new(), "no help beside the card");
    }
}

#[tokio::test]
async fn a_click_and_a_form_sent_twice_have_one_effect() {
    let house = House::open(Door::Socket).await;
    let form = json!({
        "type": "view_submission", "team": {"id": TEAM}, "user": {"id": MAYA, "team_id": TEAM},
        "view": {"id": "V1", "private_metadata": json!({"form": "investigate", "channel": BACKEND, "private": false}).to_string(),
            "state": {"values": {"title": {"answer": {"value": "mails land in spam"}}}}},
    });
    for _ in 0..3 {
        house.slack.send_raw_interaction(form.clone()).await.expect("acknowledged");
    }
    house.settled().await;
    assert_eq!(cards(&house), 1);
    let list = house.investigate(MAYA, BACKEND, "list").await;
    assert_eq!(list.matches("mails land in spam").count(), 1, "{list}");

    let thread = house.said_anywhere(BACKEND).remove(0)["ts"].as_str().unwrap().to_owned();
    let click = json!({
        "type": "block_actions", "team": {"id": TEAM}, "user": {"id": MAYA}, "trigger_id": "1.2.3", "channel": {"id": BACKEND},
        "actions": [{"action_id": "dismiss", "value": "dismiss:1", "action_ts": "1.5"}],
    });
    for _ in 0..3 {
        house.slack.send_raw_interaction(click.clone()).await.expect("acknowledged");
    }
    house.settled().await;
    assert_eq!(house.case(1).await.unwrap().state, State::Dismissed);
    assert_eq!(house.slack.thread(BACKEND, &thread).len(), 1, "the card shrinks, nothing is added");
}

#[tokio::test]
async fn an_unfurled_link_changes_nothing() {
    let house = House::open(Door::Socket).await;
    let thread = house.say(BACKEND, MAYA, &format!("{MAILCHIMP} <https://mailchimp.com>"));
    house.settled().await;
    let before = (house.case(1).await, house.slack.calls("chat.update").len());
    house.slack.unfurl(BACKEND, &thread, "https://mailchimp.com").unwrap();
    let other = house.say(BACKEND, MAYA, "morning, see <https://example.com>");
    house.slack.unfurl(BACKEND, &other, "https://example.com").unwrap();
    house.settled().await;
    assert_eq!((house.case(1).await, house.slack.calls("chat.update").len()), before);
    assert_eq!(house.case(2).await, None);
}

#[tokio::test]
async fn an_edit_in_the_quiet_period_decides_what_is_said() {
    let house = patient().await;
    let taken_back = house.say(BACKEND, MAYA, MAILCHIMP);
    house.acknowledged().await;
    house.slack.edit(MAYA, BACKEND, &taken_back, "lunch anyone?").unwrap();
    let reworded = house.say(BACKEND, MAYA, MAILCHIMP);
    house.acknowledged().await;
    house.slack.edit(MAYA, BACKEND, &reworded, &format!("{MAILCHIMP} since Monday")).unwrap();
    let made_one = house.say(BACKEND, MAYA, "lunch anyone?");
    house.acknowledged().await;
    house.slack.edit(MAYA, BACKEND, &made_one, &format!("{MAILCHIMP} again")).unwrap();
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_mins(2));
    house.settled().await;
    assert_eq!(house.said_in(BACKEND, &taken_back), Vec::<Value>::new());
    let (said, state) = house.case(1).await.map(|case| (case.said, case.state)).unwrap();
    assert_eq!((said.as_str(), state), ("", State::Silent));
    assert!(house.case(2).await.is_some_and(|case| case.said.ends_with("since Monday")));
}

#[tokio::test]
async fn an_edit_is_judged_with_what_was_said_before() {
    const BEFORE: &str = "the old api got 12 calls last month";
    const MENDED: &str = "kill it in February";
    let packs = Packs::embedded().unwrap();
    let heard = |before: &[&str]| detect(&packs, MENDED, before).proposal;
    assert_eq!((heard(&[BEFORE]), heard(&[])), (true, false), "the context matters here");
    let house = patient().await;
    house.say(BACKEND, JONAS, BEFORE);
    house.acknowledged().await;
    let thread = house.say(BACKEND, MAYA, "kill it in Febuary");
    house.acknowledged().await;
    house.slack.edit(MAYA, BACKEND, &thread, MENDED).unwrap();
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_mins(2));
    house.card(BACKEND, &thread).await;
    assert_eq!(house.case(1).await.unwrap().said, MENDED);
}

#[tokio::test]
async fn an_edit_after_the_card_rewrites_it_in_place() {
    let house = House::open(Door::Socket).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    let other = "let's split our monolith into microservices, our deploys are slow";
    house.slack.edit(MAYA, BACKEND, &thread, other).unwrap();
    house.card_with(BACKEND, &thread, "split").await;
    house.slack.edit(MAYA, BACKEND, &thread, "lunch anyone?").unwrap();
    house.settled().await;
    assert_eq!(house.said_in(BACKEND, &thread).len(), 1);
    // Evidence that is edited away is no evidence.
    let reply = house.reply(BACKEND, JONAS, &thread, HEADERS);
    let card = house.card_with(BACKEND, &thread, "✓ mail headers").await;
    house.slack.edit(JONAS, BACKEND, &reply, "sorry, wrong thread").unwrap();
    let unticked = |w: &secondlook::playground::World| {
        let now = w.message(BACKEND, card["ts"].as_str()?)?;
        (!text(&now).contains("✓ mail headers")).then_some(())
    };
    house.slack.wait_until(unticked).await.unwrap();
    house.press(PRIYA, BACKEND, &card, "close").await;
    house.view(PRIYA).await;
}

/// A form that was filled in and sent, as Slack sends it.
fn closing(view: &str) -> Value {
    let chosen = |value: &str| json!({"answer": {"type": "static_select", "selected_option": {"value": value}}});
    json!({
        "type": "view_submission", "team": {"id": TEAM}, "user": {"id": PRIYA, "team_id": TEAM},
        "view": {"id": view, "private_metadata": json!({"form": "close", "case": 1, "channel": BACKEND}).to_string(),
            "state": {"values": {
                "outcome": chosen("averted"), "class": chosen("email-auth"),
                "fixed": {"answer": {"type": "plain_text_input", "value": "the DKIM record"}},
            }}},
    })
}

/// Slack or a proxy lost our answer, and the person sends the form once more.
#[tokio::test]
async fn a_form_sent_again_because_the_answer_was_lost_is_answered_as_the_first_time() {
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    for _ in 0..2 {
        let ack = house.slack.send_raw_interaction(closing("V1")).await.expect("acknowledged");
        assert_eq!(ack.body, Value::Null);
        house.card_with(BACKEND, &thread, "Closed: averted").await;
        house.settled().await;
    }
    assert_eq!(house.said_in(BACKEND, &thread).len(), 2, "the card and the outcome");
    // Another form comes too late, however often it is sent.
    for _ in 0..2 {
        let ack = house.slack.send_raw_interaction(closing("V2")).await.expect("acknowledged");
        assert_eq!(ack.body["response_action"], "errors", "{:?}", ack.body);
    }
}

/// A bot to which the test itself tells what happens.
async fn told_house() -> House {
    let app = App { events: vec!["none".to_owned()], ..App::default() };
    House::open_with(Door::Http, eager(), Options { app, ..Options::default() }).await
}

/// Tells the bot of a message, of its edit, or that it is gone.
async fn tell(house: &House, id: &str, message: Value) {
    let mut told = json!({"type": "message", "channel": BACKEND, "channel_type": "channel"});
    for (name, value) in message.as_object().into_iter().flatten() {
        told[name] = value.clone();
    }
    house.slack.send_raw_event(event(id, &told));
    house.acknowledged().await;
}

/// Slack tells a message once more, minutes later, when nobody took it; in between it may be deleted.
#[tokio::test]
async fn a_message_that_is_told_after_its_deletion_leaves_nothing() {
    let house = told_house().await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    let gone = house.say(BACKEND, MAYA, MAILCHIMP);
    let reply = house.reply(BACKEND, JONAS, &thread, HEADERS);
    let other = house.reply(BACKEND, JONAS, &thread, HEADERS);
    for (n, ts) in [&gone, &reply].into_iter().enumerate() {
        let deletion = json!({"subtype": "message_deleted", "deleted_ts": ts, "ts": "9.9"});
        tell(&house, &format!("EvGone{n}"), deletion).await;
    }
    let said = |ts: &str| json!({"user": MAYA, "text": MAILCHIMP, "ts": ts});
    let posted = |ts: &str| json!({"user": JONAS, "text": HEADERS, "ts": ts, "thread_ts": thread});
    tell(&house, "EvSaid", said(&gone)).await;
    let edit = json!({"subtype": "message_changed", "message": said(&gone), "ts": "9.9"});
    tell(&house, "EvEdit", edit).await;
    house.settled().await;
    assert_eq!((cards(&house), house.case(1).await, house.case(2).await), (0, None, None));
    tell(&house, "EvThread", said(&thread)).await;
    house.card(BACKEND, &thread).await;
    tell(&house, "EvReply", posted(&reply)).await;
    tell(&house, "EvOther", posted(&other)).await;
    house.settled().await;
    let case = house.case(3).await.unwrap();
    assert_eq!(case.evidence.len(), 1);
    assert_eq!(case.evidence[0].message, Some(other.as_str().into()));
}
