//! Nothing is kept longer than it should be: an ended case loses its words at the age that is set, and a prompt that nobody
//! opened goes after a year. What people can still reach says so.

mod house;

use house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, PRIYA, text};
use jiff::{SignedDuration, Timestamp};
use secondlook::app::ports::Clock as _;
use secondlook::playground::World;
use serde_json::json;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Waits until the bot has deleted what is due by now.
async fn looked(house: &House) {
    let now = house.clock.now().duration_since(Timestamp::UNIX_EPOCH).as_secs_f64();
    let ended = |metrics: &str| {
        let line = metrics.lines().find(|line| line.starts_with("secondlook_retention_ended_at "));
        line.and_then(|line| line.split(' ').nth(1)?.parse::<f64>().ok())
    };
    let look = async {
        loop {
            let url = format!("http://{}/metrics", house.bot().admin_addr());
            let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
            if ended(&metrics).is_some_and(|at| at >= now) {
                return;
            }
            house.pause().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), look).await.unwrap();
}

/// Whether these words stand anywhere on the disk.
fn on_disk(house: &House, words: &str) -> bool {
    let files = std::fs::read_dir(house.database().parent().unwrap()).unwrap();
    let bytes: Vec<u8> =
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

#[tokio::test]
async fn what_was_kept_long_enough_goes_and_what_is_left_says_so() {
    let mut house = House::open(Door::Socket).await;
    house.stop().await;
    house.cases_kept = Some(90 * DAY);
    house.start().await;

    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    let card = house.card_with(BACKEND, &thread, "✓ mail headers").await;
    house.press(PRIYA, BACKEND, &card, "close").await;
    let closing =
        json!({"outcome": "averted", "class": "email-auth", "fixed": "the record", "days": "1"});
    assert_eq!(house.submit(PRIYA, closing).await, json!(null));
    house.card_with(BACKEND, &thread, "Closed").await;
    let other = house.say(BACKEND, JONAS, "let's move off Jenkins, our mails land in spam");
    let unopened = house.card(BACKEND, &other).await;
    house.settled().await;

    house.restart(90 * DAY - SignedDuration::from_mins(1)).await;
    looked(&house).await;
    let shown = house.investigate(MAYA, BACKEND, "show 1").await;
    assert!(shown.contains("Mailchimp") && shown.contains("the record"), "{shown}");
    assert!(on_disk(&house, "Mailchimp") && on_disk(&house, JONAS));

    // Some seconds may have passed by this clock before it was closed.
    house.restart(SignedDuration::from_hours(1)).await;
    looked(&house).await;
    let shown = house.investigate(MAYA, BACKEND, "show 1").await;
    for said in ["averted", "its words were deleted after 90 days", "deleted with its words"] {
        assert!(shown.contains(said), "{said} not in\n{shown}");
    }
    let listed = house.investigate(MAYA, BACKEND, "list").await;
    assert!(listed.contains("1 · averted · its words were deleted after 90 days"), "{listed}");
    house.settled().await;
    for gone in ["Mailchimp", "the record", "dkim=fail", MAYA, JONAS, PRIYA] {
        assert!(!shown.contains(gone) && !on_disk(&house, gone), "{gone}");
    }
    // Its thread is still its thread, and it has ended.
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    house.acknowledged().await;
    assert_eq!(house.case(1).await.unwrap().evidence, []);

    assert!(house.case(2).await.is_some(), "its words went, and it still counts");
    house.restart(275 * DAY).await;
    looked(&house).await;
    assert_eq!(house.case(2).await, None);
    assert!(house.case(1).await.is_some(), "how it ended stays");
    house.press(PRIYA, BACKEND, &unopened, "open").await;
    let told = |world: &World| {
        world.ephemerals(PRIYA).iter().any(|m| text(m).contains("has ended")).then_some(())
    };
    house.slack.wait_until(told).await.unwrap();
}
