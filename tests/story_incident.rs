//! Incident channels: one card whatever comes in which order, evidence ticked off, big proposals parked for the review.

mod house;

use std::time::Duration;

use house::{Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, PRIYA, is_card, text};
use jiff::SignedDuration;
use secondlook::playground::{Channel, Fault, FaultKind, World};
use serde_json::{Value, json};

const INCIDENT: &str = "C0INCIDENT";
const BOT: &str = "U0SECONDLK";
/// What waits in an incident at rest: the question for its outcome.
const THE_QUESTION: u64 = 1;

/// Makes a channel with Maya and Jonas in it; the bot is told when it is public.
fn make(house: &House, name: &str, private: bool) {
    let channel = Channel { private, ..Channel::public(INCIDENT, name, "", &[MAYA, JONAS]) };
    house.slack.create_channel(MAYA, channel);
}

/// Waits for the card of the channel that says `words`.
async fn card(house: &House, words: &str) -> Value {
    let find = |world: &World| {
        world.messages(INCIDENT).into_iter().find(|m| is_card(m) && text(m).contains(words))
    };
    // Time goes on: an edit that the limits hold back is tried again.
    for _ in 0..20 {
        house.clock.advance(SignedDuration::from_secs(1));
        if let Ok(found) = house.slack.wait_for(Duration::from_secs(1), find).await {
            return found;
        }
    }
    panic!("no card with {words:?}: {:#?}", house.said_anywhere(INCIDENT));
}

/// What the bot said in the channel, threads included.
fn said(house: &House) -> usize {
    house.said_anywhere(INCIDENT).len()
}

async fn an_incident_from_its_channel_to_its_review(door: Door) {
    let house = House::open(door).await;
    make(&house, "inc-42-mail", false);

    // The bot comes by itself and posts one card, in the channel.
    let shown = card(&house, "#inc-42-mail").await;
    assert!(shown.get("thread_ts").is_none_or(|thread| thread == &shown["ts"]), "{shown:#}");
    for words in [
        "Mitigate first",
        "What changed",
        "Not known yet",
        "find out",
        "Post here",
        "Parking lot",
        "pause",
    ] {
        assert!(text(&shown).contains(words), "{words} not in\n{}", text(&shown));
    }
    assert_eq!(house.slack.calls("conversations.join").len(), 1);

    // Evidence is ticked off wherever it is posted.
    house.say(INCIDENT, JONAS, HEADERS);
    card(&house, "✓ mail headers").await;
    let thread = shown["ts"].as_str().unwrap().to_owned();
    let second = house.reply(INCIDENT, JONAS, &thread, MAILCHIMP);
    card(&house, "“let's move off").await;
    house.reply(INCIDENT, MAYA, &thread, "`dig +short TXT k1._domainkey.acme.example` says:\n```; <<>> DiG 9.18 <<>> TXT k1._domainkey.acme.example\n;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1\n;; QUESTION SECTION:\n;k1._domainkey.acme.example. IN TXT```");
    card(&house, "✓ DNS answer").await;

    // A big proposal waits for the review and gets no card of its own, in the channel or in the thread.
    let parked = house.say(INCIDENT, MAYA, MAILCHIMP);
    card(&house, "in spam” · “let's move off").await;
    // What is taken back is taken off.
    house.slack.delete(JONAS, INCIDENT, &second).unwrap();
    house.at_rest(THE_QUESTION).await;
    let now = card(&house, "“let's move off").await;
    assert!(!text(&now).contains("in spam” · "), "{}", text(&now));
    assert_eq!(house.said_in(INCIDENT, &parked).len(), 0);
    assert_eq!(said(&house), 1);

    // People fill in what they know and close it; list and show have it, the parked proposal included.
    house.press(PRIYA, INCIDENT, &now, "open").await;
    let known = json!({"title": "Mails are not delivered", "factors": "the DNS moved on Sunday"});
    assert_eq!(house.submit(PRIYA, known).await, json!(null));
    let now = card(&house, "the DNS moved on Sunday").await;
    house.press(PRIYA, INCIDENT, &now, "close").await;
    let closing =
        json!({"outcome": "averted", "class": "email-auth", "fixed": "Put the DKIM record back"});
    assert_eq!(house.submit(PRIYA, closing).await, json!(null));
    let closed = card(&house, "Put the DKIM record back").await;
    assert!(text(&closed).contains("let's move off Mailchimp"), "{}", text(&closed));
    house.at_rest(0).await;
    let shown = house.investigate(MAYA, INCIDENT, "show 1").await;
    assert!(shown.contains("for the review: “let's move off Mailchimp"), "{shown}");
    assert_eq!(said(&house), 2, "the card and the outcome");
}

#[tokio::test]
async fn over_socket_mode() {
    an_incident_from_its_channel_to_its_review(Door::Socket).await;
}

#[tokio::test]
async fn over_signed_http() {
    an_incident_from_its_channel_to_its_review(Door::Http).await;
}

/// Every order of the events, each of them twice: there is one card and no greeting.
#[tokio::test]
async fn whatever_comes_in_which_order_there_is_one_card() {
    let named = json!({"id": INCIDENT, "name": "inc-42"});
    let events = [
        json!({"type": "channel_created", "channel": named}),
        json!({"type": "channel_rename", "channel": named}),
        json!({"type": "channel_unarchive", "channel": INCIDENT, "user": MAYA}),
        json!({"type": "member_joined_channel", "channel": INCIDENT, "user": BOT, "channel_type": "C"}),
    ];
    for first in 0..events.len() {
        let house = House::open(Door::Http).await;
        make(&house, "war-room", false);
        house.at_rest(0).await;
        assert_eq!(house.slack.calls("conversations.info").len(), 0, "its name says enough");
        house.slack.rename_channel(MAYA, INCIDENT, "inc-42").unwrap();
        for n in 0..events.len() {
            let event = &events[(first + n) % events.len()];
            let id = house.slack.send_event(event.clone());
            house.slack.send_event(event.clone());
            house.acknowledged().await;
            house.slack.redeliver(&id, "http_timeout").await;
        }
        card(&house, "#inc-42").await;
        house.at_rest(THE_QUESTION).await;
        assert_eq!(said(&house), 1, "first: {}", events[first]["type"]);
        assert!(house.investigate(MAYA, INCIDENT, "list").await.matches(" · open · ").count() == 1);
    }
}

#[tokio::test]
async fn a_private_channel_is_entered_by_invitation_only() {
    let house = House::open(Door::Socket).await;
    make(&house, "sev1-keys", true);
    house.slack.send_event(
        json!({"type": "group_rename", "channel": {"id": INCIDENT, "name": "sev1-keys"}}),
    );
    house.at_rest(0).await;
    assert_eq!(house.slack.calls("conversations.join").len(), 0);
    assert_eq!(said(&house), 0);
    house.slack.invite(MAYA, INCIDENT, BOT).unwrap();
    card(&house, "#sev1-keys").await;
    house.slack.rename_channel(MAYA, INCIDENT, "sev1-keys-leaked").unwrap();
    house.at_rest(THE_QUESTION).await;
    assert_eq!(said(&house), 1);
    // What is private is shown nowhere else.
    let elsewhere = house.investigate(MAYA, house::BACKEND, "list").await;
    assert!(elsewhere.contains("No investigations"), "{elsewhere}");
}

#[tokio::test]
async fn an_ordinary_channel_becomes_an_incident_by_its_name() {
    let house = House::open(Door::Http).await;
    make(&house, "mail-team", false);
    house.slack.invite(MAYA, INCIDENT, BOT).unwrap();
    house.at_rest(0).await;
    assert_eq!(said(&house), 1, "the greeting");
    house.slack.rename_channel(MAYA, INCIDENT, "incident-mail").unwrap();
    card(&house, "#incident-mail").await;
    // Back to an ordinary name and again to an incident's: still the one card.
    house.slack.rename_channel(MAYA, INCIDENT, "mail-team").unwrap();
    house.slack.rename_channel(MAYA, INCIDENT, "incident-mail-2").unwrap();
    house.at_rest(THE_QUESTION).await;
    assert_eq!(said(&house), 2);
}

#[tokio::test]
async fn a_paused_channel_gets_no_card() {
    let house = House::open(Door::Http).await;
    make(&house, "war-room", false);
    house.investigate(MAYA, INCIDENT, "pause").await;
    house.slack.rename_channel(MAYA, INCIDENT, "inc-42").unwrap();
    house.at_rest(0).await;
    assert_eq!(said(&house), 0);
    assert_eq!(house.slack.calls("conversations.join").len(), 0);
}

#[tokio::test]
async fn a_restart_between_event_and_card_makes_one_card() {
    let mut house = House::open(Door::Http).await;
    // The card is posted, but the answer is lost: nobody knows.
    house.slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerLost));
    make(&house, "inc-42", false);
    card(&house, "#inc-42").await;
    house.restart(SignedDuration::from_mins(10)).await;
    house.slack.send_event(json!({"type": "channel_unarchive", "channel": INCIDENT, "user": MAYA}));
    house.at_rest(THE_QUESTION).await;
    assert_eq!(said(&house), 1);

    // The worker can't look before the restart: it looks after it.
    let mut house = House::open(Door::Http).await;
    house.slack.fail(Fault::new("conversations.info", Fault::ALWAYS, FaultKind::RateLimited(60)));
    make(&house, "inc-43", false);
    house.acknowledged().await;
    house.stop().await;
    assert_eq!(said(&house), 0);
    house.slack.heal();
    house.clock.advance(SignedDuration::from_mins(10));
    house.start().await;
    card(&house, "#inc-43").await;
    house.at_rest(THE_QUESTION).await;
    assert_eq!(said(&house), 1);
}

#[tokio::test]
async fn after_a_day_of_quiet_it_asks_once_for_the_outcome() {
    let house = House::open(Door::Http).await;
    // The incident is two hours old when somebody speaks.
    house.clock.advance(SignedDuration::from_hours(-2));
    make(&house, "inc-42", false);
    let shown = card(&house, "#inc-42").await;
    house.at_rest(THE_QUESTION).await;
    house.say(INCIDENT, MAYA, "still looking at the mail queue");
    house.acknowledged().await;
    house.clock.advance(SignedDuration::from_mins(24 * 60 + 1));
    let looked = |world: &World| {
        world
            .calls()
            .iter()
            .any(|c| c.method == "conversations.history" && !c.answer.is_null())
            .then_some(())
    };
    house.slack.wait_until(looked).await.unwrap();
    house.at_rest(THE_QUESTION).await;
    assert_eq!(said(&house), 1, "it was quiet for twenty-two hours only");
    house.clock.advance(SignedDuration::from_hours(2));
    let asked = |world: &World| {
        let thread = world.thread(INCIDENT, shown["ts"].as_str()?);
        thread.iter().any(|m| text(m).contains("quiet here for a day")).then_some(())
    };
    house.slack.wait_until(asked).await.unwrap();
    house.clock.advance(SignedDuration::from_hours(72));
    house.at_rest(0).await;
    assert_eq!(said(&house), 2);
    assert!(house.investigate(MAYA, INCIDENT, "list").await.contains(" · open · "));
}

#[tokio::test]
async fn an_archived_incident_stays_open_and_is_listed() {
    let house = House::open(Door::Http).await;
    make(&house, "inc-42", false);
    card(&house, "#inc-42").await;
    house.slack.archive_channel(MAYA, INCIDENT).unwrap();
    house.at_rest(THE_QUESTION).await;
    house.clock.advance(SignedDuration::from_hours(25));
    house.at_rest(0).await;
    assert_eq!(house.slack.calls("chat.postMessage").len(), 1, "nothing is tried in an archive");
    let list = house.investigate(MAYA, house::BACKEND, "list").await;
    assert!(list.contains(" · open · #inc-42"), "{list}");
    // Taken out of the archive, it works again, with the card it had.
    house.slack.unarchive_channel(MAYA, INCIDENT).unwrap();
    house.at_rest(0).await;
    house.say(INCIDENT, JONAS, HEADERS);
    card(&house, "✓ mail headers").await;
    assert_eq!(said(&house), 1);
}

#[tokio::test]
async fn evidence_is_counted_once_and_follows_its_message() {
    let house = House::open(Door::Http).await;
    make(&house, "inc-42", false);
    card(&house, "#inc-42").await;
    // A mention is delivered twice.
    let posted = house.say(INCIDENT, JONAS, &format!("<@{BOT}> {HEADERS}"));
    card(&house, "✓ mail headers").await;
    house.at_rest(THE_QUESTION).await;
    let shown = house.investigate(MAYA, INCIDENT, "show 1").await;
    assert_eq!(shown.matches("• mail headers").count(), 1, "{shown}");
    house.slack.edit(JONAS, INCIDENT, &posted, "never mind").unwrap();
    house.at_rest(THE_QUESTION).await;
    let now = card(&house, "#inc-42").await;
    assert!(!text(&now).contains("✓"), "{}", text(&now));
}

#[tokio::test]
async fn an_ended_incident_follows_what_is_edited_and_deleted() {
    let house = House::open(Door::Http).await;
    make(&house, "inc-42", false);
    let shown = card(&house, "#inc-42").await;
    let kept = house.say(INCIDENT, JONAS, &format!("heer: {HEADERS}"));
    let edited_away = house.say(INCIDENT, MAYA, HEADERS);
    let parked = house.say(INCIDENT, MAYA, MAILCHIMP);
    card(&house, "“let's move off").await;
    house.at_rest(THE_QUESTION).await;
    let case = async || house.case(1).await.unwrap();
    assert_eq!((case().await.evidence.len(), case().await.parked.len()), (2, 1));
    house.press(PRIYA, INCIDENT, &shown, "close").await;
    assert_eq!(house.submit(PRIYA, json!({"outcome": "averted"})).await, json!(null));
    house.at_rest(0).await;
    house.slack.edit(JONAS, INCIDENT, &kept, &format!("here: {HEADERS}")).unwrap();
    house.slack.edit(MAYA, INCIDENT, &edited_away, "never mind").unwrap();
    house.slack.delete(MAYA, INCIDENT, &parked).unwrap();
    house.at_rest(0).await;
    let after = case().await;
    let from: Vec<_> = after.evidence.iter().filter_map(|e| e.message.as_ref()).collect();
    assert_eq!((from, after.parked.len()), (vec![&kept.as_str().into()], 0));
}
