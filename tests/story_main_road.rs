//! The main road: a proposal is answered in its thread, evidence is ticked off, the case is closed and listed.

mod house;

use house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, PRIYA, is_card, text};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

async fn the_whole_road(door: Door) {
    let house = House::open(door).await;

    // Maya proposes; the bot answers in her thread, once.
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    let card = house.card(BACKEND, &thread).await;
    assert!(text(&card).contains("move off Mailchimp"), "{}", text(&card));
    assert!(text(&card).contains("I may be wrong"));
    assert_eq!(card["thread_ts"], json!(thread));

    // Jonas posts the headers of one mail; the card ticks them off and reads them.
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    let card = house.card_with(BACKEND, &thread, "✓ mail headers").await;
    assert!(text(&card).to_lowercase().contains("dkim"), "{}", text(&card));

    // Priya closes the case; the card and the list say how it ended.
    house.press(PRIYA, BACKEND, &card, "close").await;
    let closing = json!({"outcome": "averted", "class": "email-auth", "fixed": "Added the DKIM record", "days": "0.5"});
    assert_eq!(house.submit(PRIYA, closing).await, json!(null));
    let card = house.card_with(BACKEND, &thread, "Closed: averted").await;
    assert!(text(&card).contains("Added the DKIM record"));
    let list = house.investigate(MAYA, BACKEND, "list").await;
    assert!(list.contains("averted") && list.contains("Mailchimp"), "{list}");
    let shown = house.investigate(MAYA, BACKEND, "show 1").await;
    assert!(shown.contains("mail headers") && shown.contains("Days: 0.5"), "{shown}");

    // One card and one outcome, whatever happened.
    let outcome = |w: &secondlook::playground::World| {
        w.thread(BACKEND, &thread).iter().any(|m| text(m).contains("is closed")).then_some(())
    };
    house.slack.wait_until(outcome).await.unwrap();
    let said = house.said_in(BACKEND, &thread);
    assert_eq!(said.iter().filter(|m| is_card(m)).count(), 1);
    assert_eq!(said.len(), 2, "{said:#?}");
}

#[tokio::test]
async fn over_socket_mode() {
    the_whole_road(Door::Socket).await;
}

#[tokio::test]
async fn over_signed_http() {
    the_whole_road(Door::Http).await;
}

#[tokio::test]
async fn each_state_a_case_comes_to_is_counted_once() {
    // Of this thread alone, which is all of this story's: other stories count beside it.
    let recorder = PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    let _counted_here = metrics::set_default_local_recorder(&recorder);
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    let card = house.card_with(BACKEND, &thread, "✓ mail headers").await;
    house.press(PRIYA, BACKEND, &card, "close").await;
    assert_eq!(house.submit(PRIYA, json!({"outcome": "averted"})).await, json!(null));
    house.settled().await;
    let shown = page.render();
    for state in ["prompted", "open", "closed"] {
        let once = format!("secondlook_cases_total{{state=\"{state}\"}} 1\n");
        assert!(shown.contains(&once), "{once} is not in\n{shown}");
    }
}
