//! Two workspaces with the same people, channels and timestamps, and one bot for both.

use secondlook::app::installations::Installation;
use secondlook::playground::{Options, Playground, Say, Workspace, World};
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::house::{BACKEND, Door, House, MAYA, On, TEAM, is_card};

/// The other workspace.
pub(crate) const NORTH: &str = "T0NORTH001";

/// A moment in both of them.
pub(crate) const TS: &str = "1795000000.000100";

/// The same workspace once more, under another id.
pub(crate) fn north() -> Options {
    let workspace = Workspace {
        id: NORTH.to_owned(),
        name: "Northwind".to_owned(),
        domain: "northwind".to_owned(),
        ..Workspace::default()
    };
    Options { workspace, ..Options::default() }
}

/// A bot installed in both.
pub(crate) async fn town(on: On, door: Door) -> (House, Playground) {
    let mut house = House::open_to_installs(on, door, Options::default()).await;
    let other = house.slack.another_workspace(north());
    deliver_to(&mut house, &other).await;
    install(&house, &house.slack).await.says(200, "is installed");
    install(&house, &other).await.says(200, "is installed");
    (house, other)
}

/// Tells another workspace where the bot's door is.
pub(crate) async fn deliver_to(house: &mut House, other: &Playground) {
    if house.config().signing_secret.is_some() {
        let url = format!("http://{}/slack/events", house.bot().bind_addr());
        other.set_request_url(&url).await.unwrap();
    }
}

pub(crate) fn browser(house: &House) -> Browser {
    Browser::new(house.bot().bind_addr())
}

/// Installs the app as a person does, up to the page they end on.
pub(crate) async fn install(house: &House, slack: &Playground) -> Page {
    let browser = browser(house);
    let begun = browser.get("/slack/install").await;
    let back = slack.allow(begun.location(), &[]).unwrap();
    browser.get(&back).await
}

pub(crate) async fn installations(house: &House) -> Vec<Installation> {
    house.store().await.installations().await.unwrap()
}

/// The ids of the workspaces that are installed.
pub(crate) async fn installed(house: &House) -> Vec<String> {
    installations(house).await.into_iter().map(|known| known.workspace.0).collect()
}

pub(crate) fn say_at(slack: &Playground, ts: &str, text: &str) -> String {
    let say = Say { ts: Some(ts.to_owned()), ..Say::new(BACKEND, MAYA, text) };
    slack.say(say).unwrap()
}

/// Writes a proposal and waits for the card; returns thread and card.
pub(crate) async fn prompted(slack: &Playground) -> (String, Value) {
    prompted_about(slack, "Mailchimp").await
}

/// The same about some vendor: the bot speaks about each only once.
pub(crate) async fn prompted_about(slack: &Playground, vendor: &str) -> (String, Value) {
    let words = format!("let's move off {vendor}, our mails land in spam");
    let thread = slack.say(Say::new(BACKEND, MAYA, &words)).unwrap();
    let card = card(slack, &thread, "").await;
    (thread, card)
}

/// Waits until the card in a thread of the backend channel says `words`.
pub(crate) async fn card(slack: &Playground, thread: &str, words: &str) -> Value {
    let find = |world: &World| {
        let mut said = world.thread(BACKEND, thread).into_iter();
        said.find(|message| is_card(message) && message["blocks"].to_string().contains(words))
    };
    let found = slack.wait_until(find).await;
    found.unwrap_or_else(|overdue| panic!("no card with {words:?}: {overdue:?}"))
}

pub(crate) async fn acknowledged(slack: &Playground) {
    slack.wait_until(|world| world.unacknowledged().is_empty().then_some(())).await.unwrap();
}

/// Waits until only these are installed: a removal is believed when Slack was asked.
pub(crate) async fn left_are(house: &House, ids: &[&str]) {
    let left = async {
        while installed(house).await != ids {
            house.pause().await;
        }
    };
    let left = tokio::time::timeout(std::time::Duration::from_secs(30), left).await;
    left.unwrap_or_else(|_| panic!("the installations are not {ids:?}"));
}

/// How often a method was called, with these arguments.
pub(crate) fn calls(slack: &Playground, method: &str, name: &str, value: &str) -> usize {
    slack.calls(method).iter().filter(|call| call.args[name] == value).count()
}

/// A request signed by Slack that says what somebody else wants it to.
pub(crate) fn button(team: &str, value: &str, ts: &str) -> Value {
    json!({
        "type": "block_actions", "team": {"id": team}, "user": {"id": MAYA, "team_id": team},
        "is_enterprise_install": false, "trigger_id": format!("1.{team}.{value}"),
        "channel": {"id": BACKEND}, "container": {"channel_id": BACKEND, "message_ts": ts},
        "actions": [{"action_id": "forged", "action_ts": "1.1", "value": value}],
    })
}

/// Both workspaces, by id.
pub(crate) const BOTH: [&str; 2] = [TEAM, NORTH];
