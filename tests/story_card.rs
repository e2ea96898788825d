//! What a person can do on a card, and the other ways evidence comes: files, snippets, links, forms and shortcuts.

mod house;

use house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, PRIYA, text};
use secondlook::playground::Upload;
use serde_json::{Value, json};

const TRACE: &str = "Traceback (most recent call last):\n  File \"/srv/mailer/send.py\", line 41, in deliver\n    connection.send(message)\n  File \"/usr/lib/python3.11/smtplib.py\", line 398, in getreply\n    raise SMTPServerDisconnected(\"Connection unexpectedly closed\")\nsmtplib.SMTPServerDisconnected: Connection unexpectedly closed\n";

/// The words of a modal, fields and all.
fn words(view: &Value) -> String {
    view["blocks"].to_string()
}

async fn with_card() -> (House, String, Value) {
    let house = House::open(Door::Socket).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    let card = house.card(BACKEND, &thread).await;
    (house, thread, card)
}

#[tokio::test]
async fn the_menu_explains_lists_and_takes_evidence() {
    let (house, thread, card) = with_card().await;
    house.pick(PRIYA, BACKEND, &card, "why:1").await;
    let why = house.view(PRIYA).await;
    assert!(words(&why).contains("move off Mailchimp") && words(&why).contains("of 100"), "{why}");
    house.slack.close(PRIYA, why["id"].as_str().unwrap()).await.unwrap();

    house.pick(PRIYA, BACKEND, &card, "checklist:1").await;
    let list = house.view(PRIYA).await;
    assert!(words(&list).contains("confirms:") && words(&list).contains("None of these"), "{list}");
    house.slack.close(PRIYA, list["id"].as_str().unwrap()).await.unwrap();

    house.pick(PRIYA, BACKEND, &card, "add_evidence:1").await;
    let answer = house.submit(PRIYA, json!({"evidence": "it just feels wrong"})).await;
    assert_eq!(answer["response_action"], "errors", "{answer}");
    let headers = HEADERS.replace("&lt;", "<").replace("&gt;", ">");
    assert_eq!(house.submit(PRIYA, json!({"evidence": headers})).await, json!(null));
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
}

#[tokio::test]
async fn opening_adds_what_people_know() {
    let (house, thread, card) = with_card().await;
    house.press(JONAS, BACKEND, &card, "open").await;
    let filled = json!({"title": "Newsletter in spam", "scope": "gmail only, since Tuesday", "factors": "new sending host"});
    assert_eq!(house.submit(JONAS, filled).await, json!(null));
    let card = house.card_with(BACKEND, &thread, "Investigation 1: Newsletter in spam").await;
    assert!(
        !text(&card).contains("since when") && text(&card).contains("how to see it happen"),
        "{}",
        text(&card)
    );
    let shown = house.investigate(MAYA, BACKEND, "show 1").await;
    assert!(shown.contains("gmail only") && shown.contains("new sending host"), "{shown}");
}

#[tokio::test]
async fn not_a_proposal_leaves_one_line_and_no_words() {
    let (house, thread, card) = with_card().await;
    house.press(JONAS, BACKEND, &card, "dismiss").await;
    let card = house.card_with(BACKEND, &thread, "not a proposal").await;
    assert!(!text(&card).contains("Mailchimp"), "{}", text(&card));
    assert_eq!(card["blocks"].as_array().map(Vec::len), Some(1), "no buttons are left");
    assert!(house.investigate(MAYA, BACKEND, "list").await.contains("No investigations"));
}

#[tokio::test]
async fn files_snippets_and_links_are_ticked_off() {
    let (house, thread, _) = with_card().await;
    let upload = |name: &str, content: &str, snippet| Upload {
        channel: BACKEND.to_owned(),
        user: JONAS.to_owned(),
        thread_ts: Some(thread.clone()),
        name: name.to_owned(),
        content: content.as_bytes().to_vec(),
        snippet,
        ..Upload::default()
    };
    house.slack.upload(&upload("crash.log", TRACE, false)).unwrap();
    house.card_with(BACKEND, &thread, "✓ stack trace").await;
    let plan = "Seq Scan on orders  (cost=0.00..48211.00 rows=12 width=64) (actual time=3.1..4093.7 rows=9 loops=1)\n  Filter: (customer_id = 4711)\n  Rows Removed by Filter: 1250412\nExecution Time: 4094.1 ms\n";
    house.slack.upload(&upload("plan", plan, true)).unwrap();
    house.card_with(BACKEND, &thread, "✓ query plan").await;
    house.reply(
        BACKEND,
        PRIYA,
        &thread,
        "<https://grafana.acme.example/d/abc123/mail?orgId=1&amp;from=now-6h>",
    );
    house.card_with(BACKEND, &thread, "link").await;
    let shown = house.investigate(MAYA, BACKEND, "show 1").await;
    assert!(shown.contains("stack trace") && shown.contains("query plan"), "{shown}");
}

#[tokio::test]
async fn a_secret_in_evidence_reaches_neither_card_nor_disk() {
    let (house, thread, _) = with_card().await;
    let secret = ["xoxb", "123456789012", "abcdefghijklmnopqrstuvwx"].join("-");
    let log = format!(
        "```2026-11-17T08:00:01Z ERROR mailer: login failed token={secret} status=401\n2026-11-17T08:00:02Z ERROR mailer: giving up```"
    );
    house.reply(BACKEND, JONAS, &thread, &log);
    house.card_with(BACKEND, &thread, "✓ log").await;
    let said = format!("{:?}", house.said_anywhere(BACKEND));
    assert!(!said.contains(&secret));
    for ending in ["", "-wal"] {
        let file = format!("{}{ending}", house.database().display());
        let bytes = std::fs::read(file).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()));
    }
}

#[tokio::test]
async fn shortcuts_ask_and_add_from_any_message() {
    let house = House::open(Door::Http).await;
    let message = house.say(BACKEND, MAYA, "the newsletter job is slow again, no idea why");
    house.slack.shortcut(PRIYA, BACKEND, &message, "ask_for_trace").await.unwrap();
    house.card(BACKEND, &message).await;
    let posted = house.reply(BACKEND, JONAS, &message, "see above");
    house.slack.shortcut(JONAS, BACKEND, &posted, "add_as_evidence").await.unwrap();
    let told = |w: &secondlook::playground::World| {
        w.ephemerals(JONAS)
            .iter()
            .any(|m| text(m).contains("I can't tell what this is"))
            .then_some(())
    };
    house.slack.wait_until(told).await.unwrap();
    house.slack.shortcut(PRIYA, BACKEND, &message, "open_investigation").await.unwrap();
    let view = house.view(PRIYA).await;
    assert!(words(&view).contains("newsletter job"), "{view}");
}

#[tokio::test]
async fn a_command_opens_a_case_whose_thread_is_its_card() {
    let house = House::open(Door::Http).await;
    house.investigate(MAYA, BACKEND, "orders page takes 8 seconds").await;
    let view = house.view(MAYA).await;
    assert!(words(&view).contains("orders page takes 8 seconds"), "{view}");
    assert_eq!(
        house.submit(MAYA, json!({"title": "orders page takes 8 seconds"})).await,
        json!(null)
    );
    let posted = |w: &secondlook::playground::World| {
        w.messages(BACKEND).into_iter().find(|m| text(m).contains("Investigation 1: orders page"))
    };
    let card = house.slack.wait_until(posted).await.unwrap();
    let thread = card["ts"].as_str().unwrap().to_owned();
    assert!(!text(&card).contains("no problem is stated"), "{}", text(&card));
    house.settled().await;
    house.reply(BACKEND, JONAS, &thread, "```Seq Scan on orders  (cost=0.00..48211.00 rows=12 width=64) (actual time=3.1..4093.7 rows=9 loops=1)\n  Rows Removed by Filter: 1250412\nExecution Time: 4094.1 ms```");
    house.card_with(BACKEND, &thread, "✓ query plan").await;
}

#[tokio::test]
async fn help_and_slips_of_the_finger_are_answered_privately() {
    let house = House::open(Door::Socket).await;
    let help = house.investigate(MAYA, BACKEND, "help").await;
    for command in ["list", "show", "close", "pause", "settings", "questions"] {
        assert!(help.contains(&format!("/investigate {command}")), "{command} is not in {help}");
    }
    assert!(house.investigate(MAYA, BACKEND, "hlep").await.contains("there is none like it"));
    assert!(house.investigate(MAYA, BACKEND, "show").await.contains("Which one?"));
    assert!(house.investigate(MAYA, BACKEND, "show 99").await.contains("no investigation 99"));
    assert!(house.investigate(MAYA, BACKEND, "questions").await.contains("Pick a pack"));
    assert_eq!(house.said_anywhere(BACKEND), Vec::<Value>::new());
}
