//! A card that can't be posted where somebody asked for it: they are told in private, once, with the next step, and the card
//! comes when the bot is let in.

mod house;

use house::binary::Program;
use house::{BACKEND, Door, House, JONAS, MAYA, eager, is_card, text};
use jiff::SignedDuration;
use secondlook::app::ports::Clock as _;
use secondlook::domain::investigation::State;
use secondlook::manifest::{Size, scopes};
use secondlook::playground::{App, Channel, Fault, FaultKind, Options, Playground, World};
use serde_json::{Value, json};

/// A private channel the bot was not invited to.
const CLOSED: &str = "C0CLOSED01";
const BOT: &str = "U0SECONDLK";
/// Where the bot writes to Maya directly.
const DIRECT: &str = "D0MAYA0001";

fn closed() -> Channel {
    Channel { private: true, ..Channel::public(CLOSED, "board", "", &[MAYA, JONAS]) }
}

async fn house(door: Door) -> House {
    let house = House::open(door).await;
    house.slack.create_channel(MAYA, closed());
    house
}

/// What Maya alone was told so far that begins like a refusal.
fn told(world: &World) -> Vec<String> {
    let whispered = world.ephemerals(MAYA).into_iter().chain(world.messages(DIRECT));
    whispered.map(|m| text(&m)).filter(|said| said.contains("I recorded investigation")).collect()
}

async fn is_told(slack: &Playground, words: &str) -> String {
    let said = |world: &World| told(world).into_iter().find(|said| said.contains(words));
    let said = slack.wait_until(said).await;
    said.unwrap_or_else(|overdue| panic!("nobody was told {words:?}: {overdue:?}"))
}

fn the_card(world: &World) -> Option<Value> {
    world.all(CLOSED).into_iter().find(is_card)
}

/// Waits for the card. What was refused took its turns in the channel as well, and the next waits by this clock.
async fn card_comes(house: &House) -> Value {
    for _ in 0..60 {
        let moment = std::time::Duration::from_millis(500);
        if let Ok(card) = house.slack.wait_for(moment, the_card).await {
            return card;
        }
        house.clock.advance(SignedDuration::from_secs(2));
    }
    panic!("no card");
}

/// Waits until no work counts as due: what waits for an invitation waits for a person.
async fn nothing_is_late(house: &House) {
    let store = house.store().await;
    for _ in 0..500 {
        if store.backlog(house.clock.now()).await.unwrap().due == 0 {
            return;
        }
        house.pause().await;
    }
    panic!("late: {:?}", store.backlog(house.clock.now()).await);
}

async fn a_closed_channel(door: Door) {
    let house = house(door).await;
    house.investigate(MAYA, CLOSED, "mails land in spam").await;
    let form = house.view(MAYA).await.to_string();
    assert!(form.contains("I'm not in this channel yet"), "known before it is sent: {form}");
    assert!(form.contains("Leave anything empty"), "{form}");
    assert_eq!(house.submit(MAYA, json!({"title": "Mails land in spam"})).await, json!(null));
    let said = is_told(&house.slack, "/invite @Second Look").await;
    assert!(said.contains("investigation 1 (“Mails land in spam”)"), "{said}");
    assert_eq!(house.slack.calls("response_url").len(), 1);
    assert_eq!(house.slack.ephemerals(JONAS), Vec::<Value>::new());
    // It is tried again, and refused again; she knows already.
    house.clock.advance(SignedDuration::from_mins(11));
    let refusals = |world: &World| {
        let posts = world.calls().iter().filter(|call| call.method == "chat.postMessage");
        (posts.filter(|call| call.answer["ok"] == false).count() >= 2).then_some(())
    };
    house.slack.wait_until(refusals).await.unwrap();
    nothing_is_late(&house).await;
    house.slack.invite(MAYA, CLOSED, BOT).unwrap();
    let card = card_comes(&house).await;
    assert!(text(&card).contains("Investigation 1: Mails land in spam"), "{}", text(&card));
    house.at_rest(1).await;
    assert_eq!(house.slack.look(told).len(), 1, "told once");
    assert_eq!(house.said_anywhere(CLOSED).iter().filter(|m| is_card(m)).count(), 1);
}

#[tokio::test]
async fn in_a_closed_channel_who_asks_is_told_and_the_invited_bot_posts_over_signed_http() {
    a_closed_channel(Door::Http).await;
}

#[tokio::test]
async fn in_a_closed_channel_who_asks_is_told_and_the_invited_bot_posts_over_socket_mode() {
    a_closed_channel(Door::Socket).await;
}

#[tokio::test]
async fn a_shortcut_in_a_closed_channel_is_answered_too() {
    let house = house(Door::Http).await;
    let message = house.say(CLOSED, JONAS, "the newsletter job is slow again, no idea why");
    house.slack.shortcut(MAYA, CLOSED, &message, "ask_for_trace").await.unwrap();
    is_told(&house.slack, "/invite @Second Look").await;
    // Also what is no card: until now such an answer went nowhere.
    let another = house.say(CLOSED, JONAS, "and the invoices as well");
    house.slack.shortcut(MAYA, CLOSED, &another, "add_as_evidence").await.unwrap();
    let answered = |world: &World| {
        let said = world.ephemerals(MAYA);
        said.iter().any(|m| text(m).contains("no investigation in this thread yet")).then_some(())
    };
    house.slack.wait_until(answered).await.unwrap();
    house.slack.invite(JONAS, CLOSED, BOT).unwrap();
    house.card(CLOSED, &message).await;
    assert_eq!(house.slack.look(told).len(), 1);
}

#[tokio::test]
async fn a_channel_that_takes_nothing_from_us_is_told_with_its_reason() {
    for (code, words) in [
        ("restricted_action", "doesn't take it from me (restricted_action)"),
        ("cant_post", "doesn't take it from me (cant_post)"),
        ("msg_too_long", "Slack refused its card (msg_too_long)"),
        ("is_archived", "the channel is archived"),
    ] {
        let house = House::open(Door::Http).await;
        house.slack.fail(Fault::error("chat.postMessage", 1, code));
        house.investigate(MAYA, BACKEND, "mails land in spam").await;
        house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
        let said = is_told(&house.slack, words).await;
        assert!(said.contains("/investigate show 1"), "{said}");
        house.settled().await;
        let parked = house.store().await.parked(9).await.unwrap();
        assert_eq!(parked.len(), 1, "{code}: also for whoever runs the bot");
        assert_eq!(parked[0].because, code);
        assert_eq!(house.slack.look(told).len(), 1);
        let shown = house.investigate(MAYA, BACKEND, "show 1").await;
        assert!(shown.contains("Mails land in spam"), "{shown}");
    }
}

/// Slack may have taken the card, and lets nobody look: too little is granted, or too much was said since.
#[tokio::test]
async fn a_card_that_can_not_be_looked_up_is_not_said_to_be_refused() {
    let house = House::open(Door::Http).await;
    house.slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerLost));
    house.slack.fail(Fault::error("conversations.history", Fault::ALWAYS, "missing_scope"));
    house.investigate(MAYA, BACKEND, "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    let posted = |w: &World| (w.struck("chat.postMessage", None) > 0).then_some(());
    house.slack.wait_until(posted).await.unwrap();
    let said = async {
        while house.slack.look(told).is_empty() {
            house.clock.advance(SignedDuration::from_secs(1));
            house.pause().await;
        }
        house.slack.look(told).remove(0)
    };
    let said = tokio::time::timeout(std::time::Duration::from_secs(30), said).await.unwrap();
    assert!(said.contains("I don't know whether its card was posted"), "{said}");
    assert!(said.contains("(missing_scope)") && !said.contains("refused"), "{said}");
    house.settled().await;
    let parked = house.store().await.parked(9).await.unwrap();
    assert_eq!(parked[0].because, "it may stand, and can't be looked up (missing_scope)");
    assert_eq!(house.said_anywhere(BACKEND).iter().filter(|m| is_card(m)).count(), 1, "not twice");
    assert_eq!(house.slack.look(told).len(), 1);
}

#[tokio::test]
async fn out_of_an_archived_channel_the_card_comes_when_it_is_back() {
    let house = house(Door::Http).await;
    house.slack.invite(MAYA, CLOSED, BOT).unwrap();
    house.at_rest(0).await;
    house.investigate(MAYA, CLOSED, "mails land in spam").await;
    house.view(MAYA).await;
    house.slack.archive_channel(MAYA, CLOSED).unwrap();
    house.acknowledged().await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    is_told(&house.slack, "the channel is archived").await;
    house.slack.unarchive_channel(MAYA, CLOSED).unwrap();
    card_comes(&house).await;
}

#[tokio::test]
async fn after_a_restart_the_address_is_forgotten_and_the_person_is_written_to() {
    let mut house = house(Door::Http).await;
    let held = Fault::new("chat.postMessage", Fault::ALWAYS, FaultKind::RateLimited(1));
    house.slack.fail(held);
    house.investigate(MAYA, CLOSED, "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    let tried = |w: &World| (w.struck("chat.postMessage", Some(CLOSED)) > 0).then_some(());
    house.slack.wait_until(tried).await.unwrap();
    house.stop().await;
    house.slack.heal();
    house.clock.advance(SignedDuration::from_mins(10));
    house.start().await;
    is_told(&house.slack, "/invite @Second Look").await;
    assert_eq!(house.slack.messages(DIRECT).len(), 1);
    assert_eq!(house.slack.calls("response_url").len(), 0);
}

#[tokio::test]
async fn nobody_is_told_by_an_address_that_is_used_up_so_they_are_written_to() {
    let house = house(Door::Http).await;
    house.slack.fail(Fault::new("response_url", Fault::ALWAYS, FaultKind::Status(404)));
    house.investigate(MAYA, CLOSED, "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    is_told(&house.slack, "/invite @Second Look").await;
    assert_eq!(house.slack.messages(DIRECT).len(), 1);
}

#[tokio::test]
async fn where_nobody_invites_it_the_bot_gives_up_after_a_day_and_comes_when_it_is_invited_later() {
    let house = house(Door::Http).await;
    house.investigate(MAYA, CLOSED, "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    is_told(&house.slack, "/invite @Second Look").await;
    house.clock.advance(SignedDuration::from_hours(24));
    let store = house.store().await;
    let given_up = async {
        while store.parked(9).await.unwrap().is_empty() {
            house.pause().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), given_up).await.unwrap();
    assert_eq!(house.slack.look(told).len(), 1);
    house.clock.advance(SignedDuration::from_hours(48));
    house.slack.invite(MAYA, CLOSED, BOT).unwrap();
    card_comes(&house).await;
}

#[tokio::test]
async fn the_smaller_size_is_not_told_of_invitations_and_posts_all_the_same() {
    let events = ["app_mention", "app_uninstalled", "tokens_revoked"].map(str::to_owned).to_vec();
    let app = App { scopes: scopes(Size::AskOnly).needed, events, ..App::default() };
    let options = Options { app, ..Options::default() };
    let house = House::open_with(Door::Http, eager(), options).await;
    house.slack.create_channel(MAYA, closed());
    house.investigate(MAYA, CLOSED, "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    is_told(&house.slack, "/invite @Second Look").await;
    house.slack.invite(MAYA, CLOSED, BOT).unwrap();
    house.clock.advance(SignedDuration::from_mins(11));
    card_comes(&house).await;
    house.settled().await;
    assert_eq!(house.case(1).await.unwrap().state, State::Open);
}

#[tokio::test]
async fn killed_before_it_could_tell_the_real_program_tells_when_it_is_back() {
    let slack = Playground::start(Options::default()).await.unwrap();
    slack.create_channel(MAYA, closed());
    let dir = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&slack, Door::Http, dir.path());
    program.ready(&slack, Door::Http).await;
    // The refusal never arrives.
    slack.fail(Fault::new("chat.postMessage", Fault::ALWAYS, FaultKind::Silence));
    slack.command(MAYA, CLOSED, "/investigate", "mails land in spam").await.unwrap();
    let open = |world: &World| world.views(MAYA).last().map(|view| view.id().to_owned());
    let view = slack.wait_until(open).await.unwrap();
    let sent = slack.submit(MAYA, &view, &json!({"title": "Mails land in spam"})).await.unwrap();
    assert_eq!(sent.ack.unwrap().body, Value::Null, "it was acknowledged");
    let asked = |w: &World| (w.struck("chat.postMessage", None) > 0).then_some(());
    slack.wait_until(asked).await.unwrap();
    program.kill();
    slack.heal();
    let mut program = Program::serve(&slack, Door::Http, dir.path());
    program.ready(&slack, Door::Http).await;
    is_told(&slack, "/invite @Second Look").await;
    slack.invite(MAYA, CLOSED, BOT).unwrap();
    slack.wait_until(the_card).await.unwrap();
    assert_eq!(slack.look(told).len(), 1);
}
