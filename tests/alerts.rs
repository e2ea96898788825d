//! The alert rules can fire: each series they name is there from the start, and each rule about a plain number is true in the
//! fault it is for, and not before or after.
//!
//! Metrics are one set a process, so this is one story.

mod house;

use std::fmt::Write as _;

use house::{BACKEND, Door, House, MAILCHIMP, MAYA, On, TEAM};
use jiff::SignedDuration;
use secondlook::bot::Bot;
use secondlook::playground::{Channel, Fault, FaultKind, Options};
use secrecy::SecretString;
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};

/// A page of metrics.
struct Page(String);

impl Page {
    async fn of(bot: &Bot) -> Self {
        let url = format!("http://{}/metrics", bot.admin_addr());
        Self(reqwest::get(url).await.unwrap().text().await.unwrap())
    }

    /// The values of a metric, by any labels.
    fn values(&self, name: &str) -> Vec<f64> {
        let of = |line: &&str| line.split(['{', ' ']).next() == Some(name);
        let value = |line: &str| line.rsplit(' ').next().unwrap().parse().unwrap();
        self.0.lines().filter(of).map(value).collect()
    }
}

/// A rule's name and its expression on one line.
fn rules() -> Vec<(String, String)> {
    let rules = include_str!("../deploy/alerts.yml").split("- alert:").skip(1);
    let parts = |rule: &str| {
        let (name, rest) = rule.split_once('\n').unwrap();
        let from = rest.find("expr:").unwrap() + "expr:".len();
        let to = ["\n        for:", "\n        labels:"].iter().find_map(|end| rest.find(end));
        let expr = rest[from..to.unwrap()].trim();
        // YAML's sign for a text of several lines.
        let words = expr.strip_prefix(">\n").unwrap_or(expr).split_whitespace();
        (name.trim().to_owned(), words.collect::<Vec<_>>().join(" "))
    };
    rules.map(parts).collect()
}

/// The metrics an expression names.
fn series(expr: &str) -> Vec<String> {
    let name = |at: usize| -> String {
        expr[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
    };
    expr.match_indices("secondlook_").map(|(at, _)| name(at)).collect()
}

/// Whether a rule about a plain number is true now: `max(x) > 1`, `min by (job) (x) == 0`, or `max(delta(x[1h])) > 0` with an
/// hour between the two pages.
fn fires(rule: &str, before: &Page, now: &Page) -> bool {
    let rules = rules();
    let (_, expr) = rules.iter().find(|(name, _)| name == rule).expect("there is such a rule");
    let (left, right) = expr.split_at(expr.find(['>', '=']).unwrap());
    let [name] = &series(left)[..] else { panic!("{expr} is no plain number") };
    let pick = if left.starts_with("max") { f64::max } else { f64::min };
    let picked = |page: &Page| page.values(name).into_iter().reduce(pick);
    let (Some(mut value), is_change) = (picked(now), left.contains("delta(")) else {
        return false;
    };
    if is_change {
        value -= picked(before).unwrap_or(value);
    }
    let (operator, bound) = right.trim().split_once(' ').unwrap();
    let bound: f64 = bound.parse().unwrap();
    match operator {
        ">" => value > bound,
        "==" => (value - bound).abs() < f64::EPSILON,
        other => panic!("{other} is not known here"),
    }
}

const PLAIN: [&str; 4] =
    ["SecondLookDeaf", "SecondLookStoreDown", "SecondLookWorkParked", "SecondLookWorkWaits"];

/// The plain rules that fire, such as `SecondLookDeaf` and a blank.
fn firing(before: &Page, now: &Page) -> String {
    PLAIN.iter().filter(|rule| fires(rule, before, now)).fold(String::new(), |mut all, rule| {
        let _ = write!(all, "{rule} ");
        all
    })
}

/// Lets time go on until that many posts were tried.
async fn tried(house: &House, least: usize) {
    for _ in 0..1_000 {
        if house.slack.calls("chat.postMessage").len() >= least {
            return;
        }
        house.pause().await;
        // An attempt that ends only now puts the next one off from now.
        house.clock.advance(SignedDuration::from_secs(10));
    }
    panic!("there were no {least} attempts");
}

#[tokio::test]
async fn every_rule_has_its_series_from_the_start_and_fires_in_its_fault() {
    // Over HTTP and installed by OAuth: everything but sockets is there, before anything has happened.
    let mut house = House::open_to_installs(On::Sqlite, Door::Http, Options::default()).await;
    let calm = Page::of(house.bot()).await;
    for (rule, expr) in rules() {
        for name in series(&expr) {
            let there = !calm.values(&name).is_empty();
            if !expr.contains(&format!("absent({name})")) {
                assert_eq!(there, name != "secondlook_sockets_open", "{name} of {rule}");
            }
        }
    }
    assert_eq!(firing(&calm, &calm), "");
    house.stop().await;

    // Refused from its start, the socket's door is deaf.
    let mut house = House::open(Door::Http).await;
    let mut config = house.config();
    config.signing_secret = None;
    config.app_token = Some(SecretString::from("xapp-1-revoked"));
    let deaf = Bot::start(config).await.unwrap();
    let page = Page::of(&deaf).await;
    assert_eq!(firing(&calm, &page), "SecondLookDeaf ");
    deaf.stop().await;
    house.stop().await;

    let mut house = House::open(Door::Socket).await;
    let well = Page::of(house.bot()).await;
    assert_eq!(firing(&calm, &well), "");
    slack_drops_events(&house).await;
    slack_is_down(&house, &well).await;
    the_store_is_gone(&house, &well).await;
    work_is_given_up(&house, &well).await;
    nobody_invites_it(&house).await;
    house.stop().await;
}

/// What Slack says of it has no event's id, and no event.
async fn slack_drops_events(house: &House) {
    let dropped =
        async || Page::of(house.bot()).await.values("secondlook_slack_events_dropped_total")[0];
    let before = dropped().await;
    house.slack.send_raw_event(json!({
        "token": "unused", "type": "app_rate_limited", "team_id": TEAM, "api_app_id": "A1",
        "minute_rate_limited": 1_795_000_020,
    }));
    house.acknowledged().await;
    assert!((dropped().await - before - 1.0).abs() < f64::EPSILON);
}

/// Each attempt puts the work off; it gets no younger.
async fn slack_is_down(house: &House, well: &Page) {
    house.slack.fail(Fault::new("chat.postMessage", Fault::ALWAYS, FaultKind::Status(503)));
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    tried(house, 1).await;
    for attempts in 2..6 {
        house.clock.advance(SignedDuration::from_mins(6));
        tried(house, attempts).await;
        let page = Page::of(house.bot()).await;
        assert_eq!(firing(well, &page), "SecondLookWorkWaits ", "after {attempts} attempts");
        assert_eq!(page.values("secondlook_work_due"), [1.0]);
    }
    house.slack.heal();
    tried(house, 6).await;
    house.card(BACKEND, &thread).await;
    house.settled().await;
    assert_eq!(firing(well, &Page::of(house.bot()).await), "");
}

async fn the_store_is_gone(house: &House, well: &Page) {
    let mut conn = SqliteConnection::connect(&house.database_url()).await.unwrap();
    sqlx::query("alter table job rename to job_away").execute(&mut conn).await.unwrap();
    becomes(house, well, "SecondLookStoreDown ").await;
    assert!(Page::of(house.bot()).await.values("secondlook_work_due")[0].is_nan());
    sqlx::query("alter table job_away rename to job").execute(&mut conn).await.unwrap();
    becomes(house, well, "").await;
}

async fn work_is_given_up(house: &House, well: &Page) {
    house.slack.fail(Fault::error("chat.postMessage", 1, "is_archived"));
    house.say(BACKEND, MAYA, "we should replace Jenkins with GitHub Actions, builds are slow");
    becomes(house, well, "SecondLookWorkParked ").await;
    // It is told once, not to the end of days.
    let later = Page::of(house.bot()).await;
    assert_eq!(firing(&later, &later), "");
}

/// What waits for an invitation is tried again and again, and nothing is wrong.
async fn nobody_invites_it(house: &House) {
    let before = Page::of(house.bot()).await;
    let people = [MAYA];
    let board = Channel { private: true, ..Channel::public("C0CLOSED01", "board", "", &people) };
    house.slack.create_channel(MAYA, board);
    let posts = house.slack.calls("chat.postMessage").len();
    house.investigate(MAYA, "C0CLOSED01", "mails land in spam").await;
    house.submit(MAYA, json!({"title": "Mails land in spam"})).await;
    for attempts in 1..4 {
        tried(house, posts + attempts).await;
        house.clock.advance(SignedDuration::from_mins(6));
        becomes(house, &before, "").await;
    }
}

/// Waits until exactly these rules fire.
async fn becomes(house: &House, before: &Page, rules: &str) {
    let mut found = String::new();
    for _ in 0..500 {
        found = firing(before, &Page::of(house.bot()).await);
        if found == rules {
            return;
        }
        house.pause().await;
    }
    panic!("{found:?} fires, and {rules:?} should");
}
