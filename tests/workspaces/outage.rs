//! The store can't be read, and no workspace is remembered: whoever did something sees that it failed.

use jiff::SignedDuration;
use secondlook::playground::Options;
use serde_json::{Value, json};

use crate::house::tables::run;
use crate::house::{BACKEND, Door, House, MAYA, On, TEAM};
use crate::town::{acknowledged, button, install};

/// A bot that is installed, and whose store is taken away right after it started. Somebody has a form open.
async fn cut_off(on: On) -> House {
    let mut house = House::open_to_installs(on, Door::Http, Options::default()).await;
    install(&house, &house.slack).await.says(200, "is installed");
    house.investigate(MAYA, BACKEND, "open our mails land in spam").await;
    house.view(MAYA).await;
    acknowledged(&house.slack).await;
    house.restart(SignedDuration::ZERO).await;
    run(&house.database_url(), "alter table installation rename to installation_away").await;
    house
}

pub(crate) async fn a_form_sent_then_stays_open_with_its_text(on: On) {
    let house = cut_off(on).await;
    let filled = json!({"title": "our mails land in spam"});
    let kept = house.submit(MAYA, filled.clone()).await;
    assert_eq!(kept["response_action"], "errors", "{kept}");
    run(&house.database_url(), "alter table installation_away rename to installation").await;
    assert_eq!(house.submit(MAYA, filled).await, Value::Null);
    house.settled().await;
    assert_eq!(house.case(1).await.unwrap().title, "our mails land in spam");
}

pub(crate) async fn a_press_a_shortcut_and_an_event_are_refused_then_and_a_command_answered(
    on: On,
) {
    let house = cut_off(on).await;
    let shortcut = json!({
        "type": "message_action", "callback_id": "open_investigation", "team": {"id": TEAM},
        "user": {"id": MAYA, "team_id": TEAM}, "trigger_id": "1.2", "channel": {"id": BACKEND},
        "message": {"user": MAYA, "ts": "1.2", "text": "x"},
    });
    for payload in [button(TEAM, "why:1", "1.1"), shortcut] {
        let answer = house.slack.send_raw_interaction(payload.clone()).await;
        assert!(answer.is_none(), "{payload} got {answer:?}");
    }
    assert!(
        house.investigate(MAYA, BACKEND, "list").await.contains("broke on our side"),
        "it is told"
    );
    let refused = "secondlook_slack_deliveries_total{kind=\"interactive\",outcome=\"refused\"} ";
    let url = format!("http://{}/metrics", house.bot().admin_addr());
    let metrics = reqwest::get(&url).await.unwrap().text().await.unwrap();
    let count = metrics.lines().find_map(|line| line.strip_prefix(refused)).unwrap();
    assert!(count.parse::<u32>().unwrap() >= 2, "{count}");
}
