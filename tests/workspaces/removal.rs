//! The app is removed from a workspace: tokens go at once, the rest after a time of grace, and nobody else notices.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use secondlook::app::ports::{Change, Clock as _};
use secondlook::bot::Bot;
use secondlook::domain::WorkspaceId;
use secondlook::domain::digest::Week;
use secondlook::playground::{Fault, FaultKind, Options, Playground, Say, World};
use secondlook::slack::client::Client;
use secondlook::slack::workspaces::Workspaces;
use secrecy::SecretString;
use serde_json::json;

use crate::house::{BACKEND, Door, HEADERS, House, JONAS, MAYA, On, TEAM, tables};
use crate::town::{
    NORTH, acknowledged, card, deliver_to, install, installed, left_are, north, prompted,
    prompted_about, town,
};

const DAYS: SignedDuration = SignedDuration::from_hours(24);

/// Something in every table that keeps something about a workspace.
async fn lived_in(house: &House, slack: &Playground, team: &str) {
    let (thread, shown) = prompted(slack).await;
    slack
        .choose(MAYA, BACKEND, shown["ts"].as_str().unwrap(), "menu", &json!("never_topic:1"))
        .await
        .unwrap();
    slack.say(Say::new(BACKEND, JONAS, HEADERS).in_thread(&thread)).unwrap();
    let shown = card(slack, &thread, "✓ mail headers").await;
    slack.click(MAYA, BACKEND, shown["ts"].as_str().unwrap(), "close").await.unwrap();
    let view = slack.wait_until(|world| world.views(MAYA).pop()).await.unwrap();
    let closing =
        json!({"outcome": "averted", "class": "email-auth", "fixed": "the record", "days": "1"});
    slack.submit(MAYA, view.id(), &closing).await.unwrap();
    card(slack, &thread, "Closed").await;
    // Another case, whose work waits.
    slack.say(Say::new(BACKEND, JONAS, "let's move off Jenkins, our mails land in spam")).unwrap();
    slack
        .wait_until(|world| {
            (world.calls().iter().filter(|c| c.method == "chat.postMessage").count() > 2)
                .then_some(())
        })
        .await
        .unwrap();
    acknowledged(slack).await;
    let week: Week = "2026-W47".parse().unwrap();
    let change = Change { digest: Some((WorkspaceId::from(team), week)), ..Change::default() };
    house.store().await.commit(&change, house.clock.now()).await.unwrap();
}

async fn rows(house: &House, team: &str) -> BTreeMap<String, i64> {
    tables::rows_about(&house.database_url(), team).await
}

fn empty(counts: &BTreeMap<String, i64>) -> Vec<&str> {
    counts.iter().filter(|(_, count)| **count == 0).map(|(table, _)| table.as_str()).collect()
}

/// Waits until so many tables know nothing of the other workspace.
async fn forgotten(house: &House, tables: usize) -> BTreeMap<String, i64> {
    let look = async {
        loop {
            let counts = rows(house, NORTH).await;
            if empty(&counts).len() >= tables {
                return counts;
            }
            house.pause().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), look).await.unwrap()
}

pub(crate) async fn thirty_days_after_its_removal_no_table_knows_the_workspace(on: On) {
    let (mut house, north) = town(on, Door::Http).await;
    for (slack, team) in [(&house.slack, TEAM), (&north, NORTH)] {
        lived_in(&house, slack, team).await;
        let counts = rows(&house, team).await;
        assert_eq!(empty(&counts), Vec::<&str>::new(), "the story fills every table");
    }
    north.uninstall();
    acknowledged(&north).await;
    left_are(&house, &[TEAM]).await;
    let counts = rows(&house, NORTH).await;
    assert_eq!(empty(&counts), ["installation"]);

    house.restart(29 * DAYS).await;
    // Event ids live for a day; nothing else is missing when they are gone.
    let later = forgotten(&house, 2).await;
    assert_eq!(empty(&later), ["installation", "seen_event"]);
    house.stop().await;
    let home = rows(&house, TEAM).await;
    house.clock.advance(DAYS);
    house.start().await;
    forgotten(&house, counts.len()).await;
    house.stop().await;
    let mut after = rows(&house, TEAM).await;
    // The one workspace left goes on working.
    after.insert("job".to_owned(), home["job"]);
    after.insert("history".to_owned(), home["history"]);
    after.insert("words".to_owned(), home["words"]);
    assert_eq!(after, home);
    let kept = tables::everything(&house.database_url()).await;
    assert!(tables::holds(&kept, TEAM) && !tables::holds(&kept, NORTH));
}

pub(crate) async fn whoever_comes_back_in_time_finds_everything(on: On) {
    let (mut house, north) = town(on, Door::Http).await;
    let (thread, _) = prompted(&north).await;
    north.uninstall();
    acknowledged(&north).await;
    left_are(&house, &[TEAM]).await;
    house.restart(29 * DAYS).await;
    crate::town::deliver_to(&mut house, &north).await;
    install(&house, &north).await.says(200, "is installed");
    house.restart(2 * DAYS).await;
    crate::town::deliver_to(&mut house, &north).await;
    assert_eq!(installed(&house).await, [TEAM, NORTH]);
    north.say(Say::new(BACKEND, JONAS, HEADERS).in_thread(&thread)).unwrap();
    card(&north, &thread, "✓ mail headers").await;
}

pub(crate) async fn its_work_rests_at_once_and_the_other_workspace_goes_on(on: On) {
    let (house, north) = town(on, Door::Socket).await;
    prompted(&north).await;
    north.uninstall();
    acknowledged(&north).await;
    left_are(&house, &[TEAM]).await;
    let before = north.look(|world| world.calls().len());
    prompted(&house.slack).await;
    house.clock.advance(3 * DAYS);
    // What Slack may still send is nobody's.
    north.say(Say::new(BACKEND, JONAS, "let's move off Jenkins, our mails land in spam")).unwrap();
    acknowledged(&north).await;
    prompted_about(&house.slack, "SendGrid").await;
    assert_eq!(north.look(|world| world.calls().len()), before);
}

pub(crate) async fn a_removal_told_after_a_new_installation_changes_nothing(on: On) {
    let (house, north) = town(on, Door::Http).await;
    for kind in [
        json!({"type": "app_uninstalled"}),
        json!({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0SECONDLK"]}}),
    ] {
        north.send_event(kind);
        acknowledged(&north).await;
    }
    house.settled().await;
    assert_eq!(installed(&house).await, [TEAM, NORTH]);
    prompted(&north).await;
}

/// What Slack may answer when it is asked, and which says nothing about the app.
fn no_word() -> [FaultKind; 6] {
    let error = |code: &str| FaultKind::Error(code.to_owned());
    [
        FaultKind::Status(503),
        FaultKind::RateLimited(1),
        FaultKind::Reset,
        FaultKind::Slow(std::time::Duration::from_secs(3)),
        error("internal_error"),
        error("token_expired"),
    ]
}

/// Waits until Slack was asked whether the app is there, in vain.
async fn asked(slack: &Playground) {
    let asked = |world: &World| (world.struck("auth.test", None) > 0).then_some(());
    slack.wait_until(asked).await.unwrap();
}

#[tokio::test]
async fn a_removal_is_not_believed_while_slack_can_not_be_asked() {
    for kind in no_word() {
        let house = House::open(Door::Http).await;
        let shown = format!("{kind:?}");
        house.slack.fail(Fault::new("auth.test", Fault::ALWAYS, kind));
        house.slack.send_event(json!({"type": "app_uninstalled"}));
        acknowledged(&house.slack).await;
        asked(&house.slack).await;
        let store = house.store().await;
        prompted(&house.slack).await;
        assert_eq!(store.removed().await.unwrap(), [], "{shown}");
        house.slack.heal();
        house.clock.advance(SignedDuration::from_hours(1));
        house.settled().await;
        assert_eq!(store.removed().await.unwrap(), [], "{shown}");
        let backlog = store.backlog(house.clock.now()).await.unwrap();
        assert_eq!(backlog.parked, 0, "{shown}");
    }
}

/// Slack tells it while it can't be asked, and never again.
pub(crate) async fn a_removal_is_believed_as_soon_as_slack_can_be_asked(on: On) {
    let (house, north) = town(on, Door::Http).await;
    // A token that nobody knows any more is answered by the first workspace.
    house.slack.fail(Fault::new("auth.test", Fault::ALWAYS, FaultKind::Status(503)));
    north.uninstall();
    acknowledged(&north).await;
    asked(&house.slack).await;
    assert_eq!(installed(&house).await, [TEAM, NORTH]);
    house.slack.heal();
    house.clock.advance(SignedDuration::from_mins(11));
    left_are(&house, &[TEAM]).await;
    let removed = house.store().await.removed().await.unwrap();
    assert_eq!(removed.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), [NORTH]);
}

/// However it came to be marked as removed: its token is good.
#[tokio::test]
async fn the_workspace_of_our_own_token_goes_on_while_the_token_is_good() {
    let mut house = House::open(Door::Http).await;
    house.stop().await;
    let (store, now) = (house.store().await, house.clock.now());
    let removed = async |event: &str| {
        let event = Some((WorkspaceId::from(TEAM), event.to_owned()));
        store.commit(&Change { event, uninstalled: true, ..Change::default() }, now).await.unwrap();
        assert_eq!(store.removed().await.unwrap().len(), 1);
    };
    let client = Arc::new(Client::new(&house.slack.api_url()).unwrap());
    let token = SecretString::from(house.slack.bot_token());
    let own = client.identify(&token).await.unwrap();
    let workspaces =
        Workspaces::new(client, store.clone(), house.clock.clone(), Some((own, token)), None);
    removed("1").await;
    house.slack.fail(Fault::error("auth.test", Fault::ALWAYS, "account_inactive"));
    workspaces.take_back_own().await;
    assert_eq!(store.removed().await.unwrap().len(), 1, "its token is refused");
    house.slack.heal();
    workspaces.take_back_own().await;
    assert_eq!(store.removed().await.unwrap(), []);
    // And when the bot starts, with nobody's help.
    removed("2").await;
    house.start().await;
    assert_eq!(store.removed().await.unwrap(), []);
    prompted(&house.slack).await;
}

#[tokio::test]
async fn with_slack_down_the_own_workspace_is_known_by_its_token() {
    let mut house = House::open_to_installs(On::Sqlite, Door::Http, Options::default()).await;
    house.own_token = true;
    house.restart(SignedDuration::ZERO).await;
    let north = house.slack.another_workspace(north());
    deliver_to(&mut house, &north).await;
    install(&house, &north).await.says(200, "is installed");
    // Its row stays for thirty days.
    north.uninstall();
    acknowledged(&north).await;
    house.stop().await;
    house.slack.fail(Fault::new("auth.test", Fault::ALWAYS, FaultKind::Status(503)));
    house.start().await;
    house.stop().await;

    // A token that was never seen is nobody's, though the store knows one workspace only.
    let mut config = house.config();
    let nobody = tempfile::tempdir().unwrap();
    config.database_url = format!("sqlite://{}/s.db", nobody.path().display()).into();
    let store = secondlook::store::open(config.database_url.as_str()).await.unwrap();
    let known = house.store().await.workspaces().await.unwrap().remove(0);
    store.save_workspace(&known).await.unwrap();
    let refused = Bot::start(config).await.map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("no earlier start with this token has recorded it"), "{refused}");
}
