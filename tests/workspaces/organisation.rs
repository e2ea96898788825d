//! Installed in a whole organisation: events, buttons, forms and commands name it differently and mean one workspace.

use secondlook::playground::{Options, Say};
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, HEADERS, House, JONAS, MAYA, On, TEAM};
use crate::town::{acknowledged, card, install, installed, left_are, prompted};

const ORGANISATION: &str = "E0ACME0001";

async fn house(on: On, door: Door) -> House {
    let house =
        House::open_to_installs(on, door, Options { org_wide: true, ..Options::default() }).await;
    install(&house, &house.slack).await.says(200, "is installed");
    assert_eq!(installed(&house).await, [ORGANISATION]);
    house
}

async fn every_door_agrees(on: On, door: Door) {
    let house = house(on, door).await;
    let (thread, shown) = prompted(&house.slack).await;
    house.slack.say(Say::new(BACKEND, JONAS, HEADERS).in_thread(&thread)).unwrap();
    let shown_again = card(&house.slack, &thread, "✓ mail headers").await;
    assert_eq!(shown["ts"], shown_again["ts"]);
    house.slack.click(MAYA, BACKEND, shown["ts"].as_str().unwrap(), "close").await.unwrap();
    let closing =
        json!({"outcome": "averted", "class": "email-auth", "fixed": "the record", "days": "1"});
    assert_eq!(house.submit(MAYA, closing).await, Value::Null);
    card(&house.slack, &thread, "Closed: averted").await;
    let listed = house.investigate(MAYA, BACKEND, "show 1").await;
    assert!(listed.contains("mail headers"), "{listed}");
    let known = house.store().await.workspaces().await.unwrap();
    assert_eq!(known.iter().map(|known| known.id.as_str()).collect::<Vec<_>>(), [ORGANISATION]);
}

pub(crate) async fn every_door_agrees_over_http(on: On) {
    every_door_agrees(on, Door::Http).await;
}

pub(crate) async fn every_door_agrees_over_socket_mode(on: On) {
    every_door_agrees(on, Door::Socket).await;
}

pub(crate) async fn another_of_its_workspaces_is_the_same_installation_and_a_foreign_one_is_none(
    on: On,
) {
    let house = house(on, Door::Http).await;
    let event = |id: &str, team: &str, organisation: &str, channel: &str| {
        json!({
            "type": "event_callback", "team_id": team, "enterprise_id": organisation, "event_id": id, "event_time": 1,
            "authorizations": [{"enterprise_id": organisation, "team_id": null, "is_enterprise_install": true}],
            "event": {
                "type": "message", "channel": channel, "channel_type": "channel", "user": MAYA,
                "text": crate::house::MAILCHIMP, "ts": "1795000000.000100",
            },
        })
    };
    house.slack.send_raw_event(event("Ev1", "T0SECOND01", ORGANISATION, "C0RANDOM01"));
    house.slack.send_raw_event(event("Ev2", TEAM, "E0FOREIGN1", BACKEND));
    acknowledged(&house.slack).await;
    assert_eq!(house.case_of(ORGANISATION, 1).await.unwrap().channel, "C0RANDOM01".into());
    assert_eq!(house.case_of(ORGANISATION, 2).await, None);
    for other in [TEAM, "T0SECOND01", "E0FOREIGN1"] {
        assert_eq!(house.case_of(other, 1).await, None, "{other}");
    }
}

pub(crate) async fn its_removal_is_understood_though_it_names_a_team(on: On) {
    let house = house(on, Door::Http).await;
    house.slack.uninstall();
    acknowledged(&house.slack).await;
    left_are(&house, &[]).await;
    // As Slack tells it without authorizations.
    install(&house, &house.slack).await.says(200, "is installed");
    house.slack.end_token("account_inactive");
    house.slack.send_raw_event(json!({
        "type": "event_callback", "team_id": TEAM, "enterprise_id": ORGANISATION, "event_id": "Ev9", "event_time": 1,
        "event": {"type": "app_uninstalled"},
    }));
    acknowledged(&house.slack).await;
    left_are(&house, &[]).await;
}

#[tokio::test]
async fn a_token_of_an_organisation_works_without_installing_too() {
    let options = Options { org_wide: true, ..Options::default() };
    let house = House::open_with(Door::Http, crate::house::eager(), options).await;
    prompted(&house.slack).await;
    assert!(house.case_of(ORGANISATION, 1).await.is_some());
}
