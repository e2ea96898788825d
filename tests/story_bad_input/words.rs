//! Words that want to do more than be read: mentions, fake links, invisible characters, and far too many of them.

use std::time::Duration;

use secondlook::playground::{App, Channel, Options, Workspace};
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, PRIYA, eager, text};

/// Channels of the tests' own.
const TEAMS: usize = 16;

/// Everything that pings or links if it is echoed as it came.
const EVIL: &str = "<!channel> <!here|@here> <!everyone> <@U0PRIYA001> <#C0GENERAL1|general> <!subteam^S0ADMINS01> <https://evil.example|https://good.example> <mailto:a@b.example|x>";

/// No text that Slack would show may ping or link; links of ours lead into the workspace.
#[track_caller]
fn harmless(shown: &Value) {
    match shown {
        Value::String(text) => {
            for (at, _) in text.match_indices('<') {
                let ours = text[at..].starts_with("<https://acme.slack.com/archives/");
                assert!(ours, "this fires: {text}");
            }
            let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!text.contains(turns), "this turns what follows: {text:?}");
        }
        Value::Array(items) => items.iter().for_each(harmless),
        Value::Object(fields) => fields.values().for_each(harmless),
        _ => {}
    }
}

/// A bot in a workspace with many channels, since one takes a message a second, and with all the patience of a busy
/// machine.
async fn open(door: Door) -> House {
    let members = [MAYA, JONAS, PRIYA, &App::default().user_id];
    let team = |n| Channel::public(&team(n), &format!("team-{n}"), "", &members);
    let mut workspace = Workspace::default();
    workspace.channels.extend((0..TEAMS).map(team));
    let ack_timeout = Duration::from_mins(1);
    House::open_with(door, eager(), Options { workspace, ack_timeout, ..Options::default() }).await
}

fn team(n: usize) -> String {
    format!("C0TEAM{n:04}")
}

/// Somebody writes; somebody else asks for the card, which echoes the words whether they were heard or not.
async fn echoed(house: &House, n: usize, words: &str) -> Value {
    let channel = team(n);
    let thread = house.say(&channel, MAYA, words);
    house.settled().await;
    house.slack.shortcut(PRIYA, &channel, &thread, "ask_for_trace").await.unwrap();
    house.card(&channel, &thread).await
}

/// Looks at everything the bot showed anybody: messages, their fallbacks, and what only one person sees.
#[track_caller]
fn all_harmless(house: &House) {
    let channels = (0..TEAMS).map(team).chain([BACKEND.to_owned()]);
    let said: Vec<Value> = channels.flat_map(|channel| house.said_anywhere(&channel)).collect();
    let whispered = [MAYA, JONAS, PRIYA].map(|user| house.slack.ephemerals(user));
    for message in said.iter().chain(whispered.iter().flatten()) {
        harmless(&message["text"]);
        harmless(&message["blocks"]);
    }
}

#[tokio::test]
async fn a_proposal_full_of_mentions_and_fake_links_fires_none() {
    let house = open(Door::Socket).await;
    for (n, words) in [
        format!("{EVIL} {MAILCHIMP} {EVIL}"),
        format!("{MAILCHIMP} because {EVIL}"),
        format!("let's move off {EVIL}, our mails land in spam"),
        format!("let's move off Mailchimp to {EVIL}, {EVIL} land in spam"),
    ]
    .iter()
    .enumerate()
    {
        echoed(&house, n, words).await;
    }
    house.settled().await;
    all_harmless(&house);
}

#[tokio::test]
async fn problem_title_evidence_and_outcome_fire_nothing_either() {
    let house = open(Door::Socket).await;
    house.slack.command(MAYA, BACKEND, "/investigate", &format!("slow {EVIL}")).await.unwrap();
    let filled = json!({"title": "Title <!channel> <https://evil.example|https://good.example>", "scope": EVIL, "reproduction": EVIL, "factors": EVIL, "constraints": EVIL});
    assert_eq!(house.submit(MAYA, filled).await, json!(null));
    house.settled().await;
    let card = house.said_anywhere(BACKEND).remove(0);
    assert!(text(&card).contains("Title"), "{card:#}");
    let thread = card["ts"].as_str().unwrap();
    house.reply(BACKEND, JONAS, thread, &HEADERS.replace("November news", EVIL));
    house.reply(BACKEND, JONAS, thread, &format!("```\nERROR {EVIL}\n  at {EVIL} (a.js:1:2)\n```"));
    let card = house.card_with(BACKEND, thread, "✓ mail headers").await;
    house.press(PRIYA, BACKEND, &card, "close").await;
    let closing = json!({"outcome": "averted", "fixed": format!("{EVIL} & `{EVIL}`")});
    assert_eq!(house.submit(PRIYA, closing).await, json!(null));
    let closed = house.card_with(BACKEND, thread, "Closed").await;
    assert!(text(&closed).contains("channel"), "the words are still there: {closed:#}");
    for words in ["list", "show 1", "close 1", EVIL, "hlep<!channel>"] {
        let answer = house.slack.command(MAYA, BACKEND, "/investigate", words).await.unwrap();
        harmless(&answer.ack.expect("an answer").body);
    }
    house.settled().await;
    all_harmless(&house);
}

#[tokio::test]
async fn forty_thousand_characters_are_read_and_the_card_stays_short() {
    let house = open(Door::Http).await;
    let long =
        format!("{MAILCHIMP}. {}", "We looked at it for days & found <nothing>. ".repeat(1_000));
    for (n, words) in [&long[..40_000], &"x".repeat(40_000)].into_iter().enumerate() {
        let card = echoed(&house, n, words).await;
        assert!(text(&card).chars().count() < 2_000, "{card:#}");
    }
}

#[tokio::test]
async fn ten_thousand_nested_quotes_and_marks_hang_nothing() {
    let house = open(Door::Http).await;
    for mark in ["&gt;", "&gt; ", "<", ">", "```", "*_~", "(", "\n&gt;&gt;&gt;", "<!", "<@U1|"] {
        house.say(BACKEND, MAYA, &format!("{}{MAILCHIMP}", mark.repeat(10_000)));
        house.settled().await;
    }
    echoed(&house, 0, MAILCHIMP).await;
    all_harmless(&house);
}

#[tokio::test]
async fn invisible_and_right_to_left_characters_turn_nothing_around() {
    let house = open(Door::Socket).await;
    for (n, words) in [
        "let\u{200b}'s move\u{200c} off Mail\u{200d}chimp, our mails\u{feff} land in spam"
            .to_owned(),
        format!("\u{202e}{MAILCHIMP}\u{202c}"),
        format!("{MAILCHIMP} \u{2067}\u{202e}gnp.eno\u{202d}"),
        "בואו נעבור מ-Mailchimp, המיילים שלנו מגיעים לספאם".to_owned(),
        "\u{200b}".repeat(500),
        "\u{0}\u{1}\u{7f}\u{fffd}\u{10ffff}".to_owned(),
        format!("Z{} {MAILCHIMP}", "\u{300}".repeat(5_000)),
    ]
    .iter()
    .enumerate()
    {
        echoed(&house, n, words).await;
    }
    house.slack.command(MAYA, BACKEND, "/investigate", "our mails").await.unwrap();
    house.submit(MAYA, json!({"title": "\u{202e}mails\u{2066} \u{202a}in spam"})).await;
    house.settled().await;
    all_harmless(&house);
}
