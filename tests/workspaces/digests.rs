//! Several workspaces of one bot: a digest for each, in its own channel.

use std::process::{Command, Output};
use std::time::Duration;

use jiff::SignedDuration;
use secondlook::bot::Bot;
use secondlook::domain::digest::{Channels, Plan, Schedule};
use secondlook::playground::{Fault, FaultKind, Playground, World};
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, GENERAL, House, MAYA, On, TEAM, is_card, tables, text};
use crate::town::{NORTH, acknowledged, install, left_are, town};

/// A Wednesday, the Monday after it, and the next one.
const WEDNESDAY: &str = "2026-03-25T12:00:00Z";
const MONDAY: &str = "2026-03-30T09:00:00Z";
const NEXT_MONDAY: &str = "2026-04-06T09:00:00Z";

fn is_digest(message: &Value) -> bool {
    let id = message["metadata"]["event_payload"]["id"].as_str().unwrap_or_default();
    id.starts_with("digest:")
}

fn digests(slack: &Playground, channel: &str) -> Vec<String> {
    let all = slack.look(|world| world.all(channel));
    all.iter().filter(|message| is_digest(message)).map(text).collect()
}

/// Opens an investigation in a workspace and waits for its card, while time goes on.
async fn open(house: &House, slack: &Playground, title: &str) {
    slack.command(MAYA, BACKEND, "/investigate", &format!("open {title}")).await.unwrap();
    let open = |world: &World| world.views(MAYA).last().map(|view| view.id().to_owned());
    let view = slack.wait_until(open).await.unwrap();
    slack.submit(MAYA, &view, &json!({"title": title})).await.unwrap();
    until(house, slack, |world| {
        let mut said = world.all(BACKEND).into_iter();
        said.find(|message| is_card(message) && text(message).contains(title)).map(|_| ())
    })
    .await;
}

async fn until(house: &House, slack: &Playground, see: impl Fn(&World) -> Option<()>) {
    for _ in 0..60 {
        if slack.wait_for(Duration::from_millis(500), &see).await.is_ok() {
            return;
        }
        house.clock.advance(SignedDuration::from_secs(2));
    }
    panic!("waited in vain");
}

fn plan() -> Plan {
    let each = [(TEAM, GENERAL), (NORTH, BACKEND), ("T0NOWHERE1", GENERAL)];
    Plan {
        channels: Channels::Each(each.map(|(w, c)| (w.into(), c.into())).into()),
        schedule: Schedule::parse("Mon 09:00").unwrap(),
    }
}

pub(crate) async fn each_has_one_a_week_in_its_own_channel_about_its_own_cases(on: On) {
    let (mut house, north) = town(on, Door::Socket).await;
    house.stop().await;
    house.clock.set(WEDNESDAY);
    house.digest = plan();
    house.start().await;
    let other = Bot::start_with(house.config(), house.clock.clone()).await.unwrap();
    open(&house, &house.slack, "Mails land in spam").await;
    open(&house, &north, "Invoices are late").await;
    house.clock.set(MONDAY);
    let there = |channel: &'static str| {
        move |world: &World| world.all(channel).iter().any(is_digest).then_some(())
    };
    until(&house, &house.slack, there(GENERAL)).await;
    until(&house, &north, there(BACKEND)).await;
    // Every process has looked again since, and one starts anew.
    other.stop().await;
    house.stop().await;
    house.start().await;
    house.settled().await;
    let (here, there) = (digests(&house.slack, GENERAL), digests(&north, BACKEND));
    assert_eq!((here.len(), there.len()), (1, 1), "{here:?} {there:?}");
    assert!(here[0].contains("Mails land in spam") && !here[0].contains("Invoices"), "{here:?}");
    assert!(there[0].contains("Invoices are late") && !there[0].contains("Mails"), "{there:?}");
    // The next week, again one each; both are still open.
    open(&house, &house.slack, "Login is slow").await;
    open(&house, &north, "Search is slow").await;
    house.clock.set(NEXT_MONDAY);
    let two = |channel: &'static str| {
        move |world: &World| {
            (world.all(channel).iter().filter(|m| is_digest(m)).count() == 2).then_some(())
        }
    };
    until(&house, &house.slack, two(GENERAL)).await;
    until(&house, &north, two(BACKEND)).await;
    assert_eq!(digests(&house.slack, BACKEND).len() + digests(&north, GENERAL).len(), 0);
}

pub(crate) async fn one_channel_without_its_workspace_is_nobodys_where_there_are_two(on: On) {
    let (mut house, north) = town(on, Door::Http).await;
    house.stop().await;
    house.clock.set(WEDNESDAY);
    house.digest = Plan { channels: Channels::One(GENERAL.into()), ..plan() };
    house.start().await;
    crate::town::deliver_to(&mut house, &north).await;
    open(&house, &north, "Invoices are late").await;
    house.clock.set(MONDAY);
    // The worker came by.
    open(&house, &north, "Search is slow").await;
    assert_eq!(digests(&north, GENERAL).len() + digests(&house.slack, GENERAL).len(), 0);
}

pub(crate) async fn the_command_asks_for_none_where_its_channel_is_another_workspaces(on: On) {
    let (mut house, _north) = town(on, Door::Socket).await;
    house.stop().await;
    house.own_token = true;
    house.start().await;
    // The one channel is that of the workspace with a token of its own, as for the bot.
    let refused = command(&house, NORTH).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let why = String::from_utf8(refused.stderr).unwrap();
    assert!(why.contains("names no channel of T0NORTH001: write it as T0NORTH001:C"), "{why}");
    let asked = command(&house, TEAM).await;
    assert_eq!(asked.status.code(), Some(0), "{asked:?}");
    assert!(String::from_utf8(asked.stdout).unwrap().starts_with("Asked for"));
}

/// `secondlook digest` of a quiet week long ago, beside the running bot: which goes on meanwhile, or it would hold the store.
async fn command(house: &House, workspace: &'static str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    command
        .args(["digest", "--week", "2025-W10", "--workspace", workspace])
        .env_clear()
        .envs([
            ("DATABASE_URL", house.database_url()),
            ("SLACK_BOT_TOKEN", house.slack.bot_token()),
            ("SECONDLOOK_DIGEST_CHANNEL", GENERAL.to_owned()),
        ])
        .current_dir(house.database().parent().unwrap());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What it would have been told while the app was away, and what was left to tell before.
pub(crate) async fn a_workspace_that_comes_back_is_told_no_old_weeks(on: On) {
    let (mut house, north) = town(on, Door::Socket).await;
    house.stop().await;
    house.clock.set(WEDNESDAY);
    house.digest = plan();
    house.start().await;
    open(&house, &house.slack, "Mails land in spam").await;
    open(&house, &north, "Invoices are late").await;
    // It is its turn, and Slack does not take it.
    north.fail(Fault::new("chat.postMessage", Fault::ALWAYS, FaultKind::Status(503)));
    house.clock.set(MONDAY);
    let tried = |world: &World| (world.struck("chat.postMessage", None) > 0).then_some(());
    until(&house, &north, tried).await;
    let here = |count| {
        move |world: &World| {
            let told = world.all(GENERAL).iter().filter(|m| is_digest(m)).count();
            (told == count).then_some(())
        }
    };
    until(&house, &house.slack, here(1)).await;
    north.uninstall();
    acknowledged(&north).await;
    left_are(&house, &[TEAM]).await;
    let asked = async || tables::rows_about(&house.database_url(), NORTH).await["digest"];
    let before = asked().await;
    house.clock.set(NEXT_MONDAY);
    until(&house, &house.slack, here(2)).await;
    assert_eq!(asked().await, before, "none is asked for while the app is away");
    // More than three days later.
    house.clock.set("2026-04-10T09:00:00Z");
    north.heal();
    install(&house, &north).await.says(200, "is installed");
    open(&house, &north, "Search is slow").await;
    house.settled().await;
    assert_eq!(digests(&north, BACKEND), Vec::<String>::new());
}
