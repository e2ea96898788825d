//! `/slack/install` and back: the road that works, and every way it can end.

use jiff::SignedDuration;
use secondlook::manifest::{Size, scopes};
use secondlook::playground::{Fault, FaultKind, Options};
use url::Url;

use crate::browser::Page;
use crate::house::{Door, House, On, TEAM};
use crate::town::{browser, install, installed, prompted};

async fn house(on: On) -> House {
    House::open_to_installs(on, Door::Http, Options::default()).await
}

fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(n, _)| n == name).map(|(_, v)| v.into_owned()).unwrap_or_default()
}

fn set(url: &str, name: &str, value: Option<&str>) -> String {
    let parsed = Url::parse(url).unwrap();
    let kept: Vec<(String, String)> = parsed
        .query_pairs()
        .filter(|(n, _)| n != name)
        .map(|(n, v)| (n.into(), v.into()))
        .collect();
    let mut url = parsed;
    url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(value.map(|v| (name, v)));
    url.into()
}

pub(crate) async fn a_browser_is_sent_to_slack_and_comes_back_to_a_bot_that_works(on: On) {
    for door in [Door::Http, Door::Socket] {
        let house = House::open_to_installs(on, door, Options::default()).await;
        let browser = browser(&house);
        let begun = browser.get("/slack/install").await;
        let slack = begun.location();
        let wanted = scopes(Size::Listen);
        assert_eq!(parameter(slack, "scope"), [wanted.needed, wanted.optional].concat().join(","));
        assert_eq!(parameter(slack, "redirect_uri"), "http://localhost:1/slack/oauth/callback");
        let cookie = begun.header("set-cookie");
        assert!(cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax"), "{cookie}");
        let page = browser.get(&house.slack.allow(slack, &[]).unwrap()).await;
        page.says(200, "is installed").says(200, "/invite @Second Look");
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert!(browser.cookies.lock().unwrap().is_empty());
        assert_eq!(installed(&house).await, [TEAM]);
        prompted(&house.slack).await;
    }
}

pub(crate) async fn a_smaller_size_asks_for_less_and_a_wrong_one_is_named(on: On) {
    let house = house(on).await;
    let browser = browser(&house);
    let begun = browser.get("/slack/install?size=ask-only").await;
    let asked = parameter(begun.location(), "scope");
    assert!(!asked.contains("history"), "{asked}");
    let page = browser.get(&house.slack.allow(begun.location(), &[]).unwrap()).await;
    page.says(200, "is installed");
    browser.get("/slack/install?size=huge").await.says(400, "size=ask-only");
}

pub(crate) async fn over_tls_the_cookie_is_bound_to_the_host(on: On) {
    let mut house = house(on).await;
    house.stop().await;
    house.oauth.as_mut().unwrap().public_url = String::from("https://bot.example.com");
    house.start().await;
    let browser = browser(&house);
    let begun = browser.get("/slack/install").await;
    let cookie = begun.header("set-cookie");
    assert!(cookie.starts_with("__Host-secondlook-install="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let page = browser.get(&house.slack.allow(begun.location(), &[]).unwrap()).await;
    page.says(200, "is installed");
}

/// Begins, lets a test spoil the way back, and returns what the browser shows.
async fn spoiled(house: &House, spoil: impl Fn(&str) -> String) -> Page {
    let browser = browser(house);
    let begun = browser.get("/slack/install").await;
    let back = house.slack.allow(begun.location(), &[]).unwrap();
    browser.get(&spoil(&back)).await
}

pub(crate) async fn whatever_goes_wrong_the_page_says_what_and_nothing_is_installed(on: On) {
    let house = house(on).await;
    let same = |url: &str| url.to_owned();
    let with =
        |name: &'static str, value: Option<&'static str>| move |url: &str| set(url, name, value);
    spoiled(&house, with("state", None)).await.says(400, "opened without what it needs");
    spoiled(&house, with("state", Some("AAAA"))).await.says(400, "was not made by this bot");
    spoiled(&house, with("code", None)).await.says(400, "Slack sent no code");
    spoiled(&house, with("code", Some("made-up"))).await.says(502, "(invalid_code)");
    let page = spoiled(&house, |url| set(url, "error", Some("<script>alert(1)</script>"))).await;
    page.says(502, "(no known reason)");
    assert!(!page.text.contains("script>"), "{page:?}");
    let page = spoiled(&house, |url| set(url, "error", Some("x\r\nSet-Cookie: evil=1"))).await;
    page.says(502, "(no known reason)");
    assert_eq!(page.headers.get_all("set-cookie").iter().count(), 1);

    let fail = |kind| house.slack.fail(Fault::new("oauth.v2.access", 1, kind));
    for (kind, status, words) in [
        (FaultKind::Status(503), 502, "Slack did not answer"),
        (FaultKind::Reset, 502, "Slack did not answer"),
        (FaultKind::AnswerLost, 502, "Slack did not answer"),
        (FaultKind::RateLimited(30), 503, "asks us to wait"),
        (FaultKind::Error("bad_client_secret".to_owned()), 502, "SLACK_CLIENT_SECRET"),
        (FaultKind::Error("bad_redirect_uri".to_owned()), 502, "Redirect URLs"),
    ] {
        fail(kind);
        spoiled(&house, same).await.says(status, words).says(status, "Begin the installation");
    }
    house.slack.fail(Fault::error("auth.test", 1, "account_inactive"));
    spoiled(&house, same).await.says(502, "(account_inactive)");
    assert_eq!(installed(&house).await, Vec::<String>::new());
}

pub(crate) async fn a_person_who_cancels_is_told_so(on: On) {
    let house = house(on).await;
    let browser = browser(&house);
    let begun = browser.get("/slack/install").await;
    let back = house.slack.cancel(begun.location()).unwrap();
    browser.get(&back).await.says(200, "cancelled");
    assert_eq!(installed(&house).await, Vec::<String>::new());
}

pub(crate) async fn a_state_is_good_for_ten_minutes_one_use_and_one_browser(on: On) {
    let house = house(on).await;
    let (mine, theirs) = (browser(&house), browser(&house));
    let begun = mine.get("/slack/install").await;
    let back = house.slack.allow(begun.location(), &[]).unwrap();
    // Somebody is lured to the end of an installation they did not begin.
    theirs.get(&back).await.says(400, "in another browser");
    theirs.get("/slack/install").await.location();
    theirs.get(&back).await.says(400, "in another browser");
    let cookies = mine.cookies.lock().unwrap().clone();
    mine.get(&back).await.says(200, "is installed");
    // Again, though the browser kept its cookie and Slack would give a fresh code.
    *mine.cookies.lock().unwrap() = cookies.clone();
    let again = house.slack.allow(begun.location(), &[]).unwrap();
    mine.get(&again).await.says(400, "used before");
    *mine.cookies.lock().unwrap() = cookies;
    house.clock.advance(SignedDuration::from_mins(10));
    mine.get(&again).await.says(400, "longer than ten minutes");
}

pub(crate) async fn replicas_share_what_was_used(on: On) {
    let house = house(on).await;
    let second =
        secondlook::bot::Bot::start_with(house.config(), house.clock.clone()).await.unwrap();
    let (here, there) = (browser(&house), crate::browser::Browser::new(second.bind_addr()));
    let begun = here.get("/slack/install").await;
    let cookies = here.cookies.lock().unwrap().clone();
    *there.cookies.lock().unwrap() = cookies.clone();
    let back = house.slack.allow(begun.location(), &[]).unwrap();
    there.get(&back).await.says(200, "is installed");
    let again = house.slack.allow(begun.location(), &[]).unwrap();
    here.get(&again).await.says(400, "used before");
    second.stop().await;
}

pub(crate) async fn declining_what_is_optional_is_fine_and_what_is_needed_is_named(on: On) {
    let house = house(on).await;
    let browser = browser(&house);
    let begun = browser.get("/slack/install").await;
    let back = house.slack.allow(begun.location(), &["groups:history", "chat:write"]).unwrap();
    browser.get(&back).await.says(400, "Missing: chat:write, groups:history");
    assert_eq!(installed(&house).await, Vec::<String>::new());
    let begun = browser.get("/slack/install").await;
    let back = house.slack.allow(begun.location(), &["files:read", "channels:join"]).unwrap();
    browser.get(&back).await.says(200, "is installed");
}

#[tokio::test]
async fn without_the_variables_there_is_nothing_to_install_from() {
    let house = House::open(Door::Http).await;
    assert_eq!(browser(&house).get("/slack/install").await.status, 404);
    assert_eq!(browser(&house).get("/slack/oauth/callback?code=x").await.status, 404);
}

pub(crate) async fn a_workspace_with_a_token_and_one_that_installs_live_side_by_side(on: On) {
    let mut house = house(on).await;
    let other = house.slack.another_workspace(crate::town::north());
    crate::town::deliver_to(&mut house, &other).await;
    install(&house, &other).await.says(200, "is installed");
    house.stop().await;
    house.own_token = true;
    house.start().await;
    crate::town::deliver_to(&mut house, &other).await;
    prompted(&house.slack).await;
    prompted(&other).await;
}
