//! Coming and going: a greeting once, a clean end when the bot is sent out, archived or uninstalled, and a return.

mod house;

use house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, eager, text};
use jiff::SignedDuration;
use secondlook::domain::policy::Limits;
use secondlook::playground::{Channel, Fault, FaultKind, Options, World};
use serde_json::{Value, json};

const NEW: &str = "C0NEWROOM1";
const BOT: &str = "U0SECONDLK";

fn make(house: &House, private: bool) {
    let channel = Channel { private, ..Channel::public(NEW, "mail-team", "", &[MAYA, JONAS]) };
    house.slack.create_channel(MAYA, channel);
}

async fn greeting(house: &House) -> Value {
    let find = |world: &World| {
        world.messages(NEW).into_iter().find(|m| text(m).contains("I'm Second Look"))
    };
    house.slack.wait_until(find).await.unwrap()
}

async fn it_greets_a_channel_once(door: Door, private: bool) {
    let house = House::open(door).await;
    make(&house, private);
    house.slack.invite(MAYA, NEW, BOT).unwrap();
    let hello = text(&greeting(&house).await);
    assert_eq!(hello.lines().count(), 3, "{hello}");
    for words in ["ask once, in the thread", "`/investigate pause`", "never write down"] {
        assert!(hello.contains(words), "{words} not in\n{hello}");
    }
    // Sent out and invited again, it works, and does not introduce itself twice.
    house.slack.kick_bot(MAYA, NEW).unwrap();
    house.at_rest(0).await;
    house.slack.invite(JONAS, NEW, BOT).unwrap();
    house.slack.rename_channel(MAYA, NEW, "mail-people").unwrap();
    house.at_rest(0).await;
    let thread = house.say(NEW, MAYA, MAILCHIMP);
    house.card(NEW, &thread).await;
    assert_eq!(house.said_anywhere(NEW).len(), 2);
}

#[tokio::test]
async fn over_socket_mode() {
    it_greets_a_channel_once(Door::Socket, false).await;
}

#[tokio::test]
async fn over_signed_http_in_private() {
    it_greets_a_channel_once(Door::Http, true).await;
}

#[tokio::test]
async fn a_lost_answer_does_not_greet_twice() {
    let mut house = House::open(Door::Http).await;
    make(&house, false);
    house.slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerLost));
    house.slack.invite(MAYA, NEW, BOT).unwrap();
    greeting(&house).await;
    house.restart(SignedDuration::from_mins(10)).await;
    house.at_rest(0).await;
    assert_eq!(house.said_anywhere(NEW).len(), 1);
}

#[tokio::test]
async fn others_who_come_and_go_are_not_greeted() {
    let house = House::open(Door::Http).await;
    make(&house, false);
    house.slack.invite(MAYA, BACKEND, "U0TOMAS001").unwrap();
    house.slack.invite(MAYA, NEW, "U0TOMAS001").unwrap();
    house.at_rest(0).await;
    assert_eq!(house.said_anywhere(NEW).len() + house.said_anywhere(BACKEND).len(), 0);
    assert_eq!(house.slack.calls("conversations.info").len(), 0);
}

/// A bot that is about to speak in a minute.
async fn about_to_speak(door: Door) -> (House, String) {
    let limits = Limits { quiet_period: SignedDuration::from_mins(1), ..eager() };
    let house = House::open_with(door, limits, Options::default()).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.at_rest(1).await;
    (house, thread)
}

#[tokio::test]
async fn where_it_was_sent_out_it_says_no_more() {
    for door in [Door::Http, Door::Socket] {
        let (house, _) = about_to_speak(door).await;
        house.slack.kick_bot(MAYA, BACKEND).unwrap();
        house.acknowledged().await;
        house.clock.advance(SignedDuration::from_mins(2));
        house.at_rest(0).await;
        assert_eq!(house.slack.calls("chat.postMessage").len(), 0);
        assert_eq!(
            house.slack.calls("conversations.join").len(),
            0,
            "it does not come back uninvited"
        );
        // Its words are gone with it.
        let list = house.investigate(MAYA, "general", "show 1").await;
        assert!(!list.contains("Mailchimp"), "{list}");
    }
}

#[tokio::test]
async fn archived_and_deleted_channels_end_cleanly() {
    for delete in [false, true] {
        let (house, _) = about_to_speak(Door::Http).await;
        if delete {
            house.slack.delete_channel(MAYA, BACKEND).unwrap();
        } else {
            house.slack.archive_channel(MAYA, BACKEND).unwrap();
        }
        house.acknowledged().await;
        house.clock.advance(SignedDuration::from_mins(2));
        house.at_rest(0).await;
        assert_eq!(house.slack.calls("chat.postMessage").len(), 0);
        if !delete {
            house.slack.unarchive_channel(MAYA, BACKEND).unwrap();
            house.at_rest(0).await;
            house.say(BACKEND, JONAS, MAILCHIMP);
            house.at_rest(1).await;
            house.clock.advance(SignedDuration::from_mins(2));
            let spoke = |world: &World| {
                world.calls().iter().any(|c| c.method == "chat.postMessage").then_some(())
            };
            house.slack.wait_until(spoke).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_lost_return_is_noticed_by_what_is_heard() {
    let house = House::open(Door::Http).await;
    // The bot is told that it left, and never that it is back.
    house.slack.send_event(json!({"type": "channel_left", "channel": BACKEND, "actor_id": MAYA}));
    house.acknowledged().await;
    house.say(BACKEND, MAYA, MAILCHIMP);
    house.at_rest(0).await;
    assert_eq!(house.said_anywhere(BACKEND).len(), 0);
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
}

#[tokio::test]
async fn an_open_case_rests_while_the_bot_is_out() {
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
    house.at_rest(1).await;
    house.slack.kick_bot(MAYA, BACKEND).unwrap();
    house.acknowledged().await;
    let before = house.slack.look(|world| world.calls().len());
    house.clock.advance(SignedDuration::from_hours(8 * 24));
    house.at_rest(0).await;
    assert_eq!(house.slack.look(|world| world.calls().len()), before);
    assert!(house.investigate(MAYA, "general", "list").await.contains(" · open · "));
}

async fn after_an_uninstall_there_is_silence(door: Door) {
    let (mut house, thread) = about_to_speak(door).await;
    let uninstalls = |house: &House| {
        let url = format!("http://{}/metrics", house.bot().admin_addr());
        async move { reqwest::get(url).await.unwrap().text().await.unwrap() }
    };
    house.slack.uninstall();
    house.acknowledged().await;
    let before = house.slack.look(|world| world.calls().len());
    let store = house.store().await;
    // It is counted a moment after it is recorded.
    let believed = async {
        while store.removed().await.unwrap().is_empty()
            || !uninstalls(&house).await.contains("secondlook_uninstalled_total")
        {
            house.pause().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), believed).await.unwrap();
    house.clock.advance(SignedDuration::from_mins(2));
    house.stop().await;
    let calls = |house: &House| {
        house.slack.look(|world| {
            // Whether it is so, and whether it still is, it may ask.
            let silent = ["apps.connections.open", "auth.test"];
            world.calls()[before..].iter().filter(|c| !silent.contains(&&*c.method)).count()
        })
    };
    assert_eq!(calls(&house), 0);
    // Installed again and restarted, it does what waited.
    house.slack.rotate_bot_token();
    house.start().await;
    house.card(BACKEND, &thread).await;
    house.at_rest(1).await;
}

#[tokio::test]
async fn uninstalled_over_signed_http() {
    after_an_uninstall_there_is_silence(Door::Http).await;
}

#[tokio::test]
async fn uninstalled_over_socket_mode() {
    after_an_uninstall_there_is_silence(Door::Socket).await;
}
