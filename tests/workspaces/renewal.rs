//! Tokens that end: renewed in time, by one process, and what happens when that fails.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use secondlook::app::installations::Installation;
use secondlook::app::ports::Clock as _;
use secondlook::bot::Bot;
use secondlook::config::Partial;
use secondlook::doctor::{Verdict, examine};
use secondlook::playground::{Fault, FaultKind, Options, Playground, World};
use secondlook::slack::client::Client;
use secondlook::slack::oauth::Credentials;
use secondlook::slack::seal::Keyring;
use secondlook::slack::workspaces::{OAuth, Workspaces};
use tokio_util::sync::CancellationToken;

use crate::house::{BACKEND, Door, House, MAILCHIMP, MAYA, On};
use crate::town::{calls, deliver_to, install, installations, north, prompted, prompted_about};

const HALF_A_DAY: Duration = Duration::from_hours(12);
/// Sooner than Slack ends the token, later than the bot renews it.
const LATE: SignedDuration = SignedDuration::from_mins(10 * 60 + 30);

async fn house(on: On) -> House {
    let options = Options { token_life: Some(HALF_A_DAY), ..Options::default() };
    let house = House::open_to_installs(on, Door::Http, options).await;
    install(&house, &house.slack).await.says(200, "is installed");
    house
}

fn renewals(slack: &Playground) -> usize {
    calls(slack, "oauth.v2.access", "grant_type", "refresh_token")
}

async fn only(house: &House) -> Installation {
    installations(house).await.pop().unwrap()
}

/// Waits until a renewal ended in the store, well or badly.
async fn until_renewal(house: &House, ended: impl Fn(&Installation) -> bool) {
    let wait = async {
        while !ended(&only(house).await) {
            house.pause().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
}

pub(crate) async fn of_two_replicas_one_renews_a_token_before_it_ends(on: On) {
    let mut house = house(on).await;
    let old = house.slack.bot_token();
    house.stop().await;
    house.clock.advance(LATE);
    let slow = FaultKind::Slow(Duration::from_millis(300));
    house.slack.fail(Fault::new("oauth.v2.access", 1, slow));
    let start = || Bot::start_with(house.config(), house.clock.clone());
    let (one, two) = tokio::join!(start(), start());
    until_renewal(&house, |known| known.expires_at > Some(house.clock.now() + LATE)).await;
    one.unwrap().stop().await;
    two.unwrap().stop().await;
    assert_eq!(renewals(&house.slack), 1);
    assert_ne!(house.slack.bot_token(), old);
    assert_eq!(only(&house).await.renewing_until, None);
    house.slack.end_older_tokens("token_expired");
    house.start().await;
    prompted(&house.slack).await;
}

pub(crate) async fn a_token_that_ended_is_renewed_and_the_card_stands_once(on: On) {
    for error in ["token_expired", "token_revoked", "invalid_auth"] {
        let house = house(on).await;
        house.slack.end_token(error);
        prompted(&house.slack).await;
        let posts = house.slack.calls("chat.postMessage");
        let errors: Vec<_> = posts.iter().map(|call| call.answer["error"].as_str()).collect();
        assert_eq!(errors, [Some(error), None]);
        assert_eq!(renewals(&house.slack), 1);
    }
}

pub(crate) async fn a_token_past_its_end_is_renewed_before_it_is_used(on: On) {
    let house = house(on).await;
    house.clock.advance(SignedDuration::from_hours(13));
    prompted(&house.slack).await;
    assert_eq!((renewals(&house.slack), house.slack.calls("chat.postMessage").len()), (1, 1));
}

pub(crate) async fn what_another_process_renewed_is_read_again_once(on: On) {
    let house = house(on).await;
    prompted(&house.slack).await;
    house.clock.advance(LATE);
    let other = Bot::start_with(house.config(), house.clock.clone()).await.unwrap();
    until_renewal(&house, |known| known.expires_at > Some(house.clock.now() + LATE)).await;
    other.stop().await;
    house.slack.end_older_tokens("token_revoked");
    prompted_about(&house.slack, "Jenkins").await;
    assert_eq!(renewals(&house.slack), 1);
}

pub(crate) async fn a_renewal_whose_answer_was_lost_is_told_while_the_old_token_goes_on(on: On) {
    let mut house = house(on).await;
    house.stop().await;
    house.clock.advance(LATE);
    house.slack.fail(Fault::new("oauth.v2.access", 1, FaultKind::AnswerLost));
    house.start().await;
    until_renewal(&house, |known| known.renewal_failed.is_some()).await;
    // Slack took the refresh token; it can't be used again.
    house.restart(SignedDuration::from_mins(1)).await;
    let refused = |known: &Installation| {
        known.renewal_failed.as_deref() == Some("refused: invalid_refresh_token")
    };
    until_renewal(&house, refused).await;
    prompted(&house.slack).await;

    // Nobody knocks at every look; doctor and metrics say what to do.
    house.restart(SignedDuration::from_mins(1)).await;
    let url = format!("http://{}/metrics", house.bot().admin_addr());
    let metrics = reqwest::get(&url).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("secondlook_token_renewals_total{outcome=\"refused\"}"), "{metrics}");
    assert!(metrics.contains("secondlook_installations_failing"), "{metrics}");
    assert_eq!(renewals(&house.slack), 2);
    let read = Partial { config: house.config(), faults: Vec::new() };
    let findings = examine(&read, house.clock.as_ref()).await;
    let finding = findings.iter().find(|finding| finding.about == "installation").unwrap();
    assert_eq!(finding.verdict, Verdict::Wrong);
    assert!(finding.found.contains("T0ACME0001 could not be renewed"), "{finding:?}");
    assert!(finding.next.as_ref().unwrap().contains("/slack/install"), "{finding:?}");

    install(&house, &house.slack).await.says(200, "is installed");
    assert_eq!(only(&house).await.renewal_failed, None);
}

/// Whoever waits for a renewal may be given up; what Slack granted is saved all the same, for it is granted once.
pub(crate) async fn a_renewal_goes_on_though_nobody_waits_for_it(on: On) {
    let mut house = house(on).await;
    house.stop().await;
    house.clock.advance(LATE);
    let slow = FaultKind::Slow(Duration::from_millis(500));
    house.slack.fail(Fault::new("oauth.v2.access", 1, slow));
    let set = house.oauth.clone().unwrap();
    let keyring = Keyring::new(&set.keys.current, None);
    let credentials = Credentials { client_id: set.client_id, client_secret: set.client_secret };
    let oauth = Some(OAuth { credentials, keyring });
    let client = Arc::new(Client::new(&house.slack.api_url()).unwrap());
    let (store, clock) = (house.store().await, house.clock.clone());
    let all = Arc::new(Workspaces::new(client, store, clock, None, oauth));
    let asked = |world: &World| (world.struck("oauth.v2.access", None) > 0).then_some(());
    tokio::select! {
        () = all.look_after(CancellationToken::new()) => {}
        asked = house.slack.wait_until(asked) => asked.unwrap(),
    }
    assert!(only(&house).await.renewing_until.is_some(), "it is not done yet");
    until_renewal(&house, |known| known.expires_at > Some(house.clock.now() + LATE)).await;
    house.slack.end_older_tokens("token_expired");
    house.start().await;
    prompted(&house.slack).await;
}

/// A form that is opened with a token that has ended gives up waiting for a new one; the renewal goes on alone.
pub(crate) async fn a_stop_waits_for_a_renewal_that_nobody_else_waits_for(on: On) {
    let mut house = house(on).await;
    house.clock.advance(SignedDuration::from_hours(13));
    let slow = FaultKind::Slow(Duration::from_secs(2));
    house.slack.fail(Fault::new("oauth.v2.access", 1, slow));
    house.investigate(MAYA, BACKEND, "open our mails land in spam").await;
    let asked = |world: &World| (world.struck("oauth.v2.access", None) > 0).then_some(());
    house.slack.wait_until(asked).await.unwrap();
    house.stop().await;
    let known = only(&house).await;
    assert_eq!((known.renewing_until, known.renewal_failed), (None, None));
    assert!(known.expires_at > Some(house.clock.now()), "what Slack granted is saved");
}

pub(crate) async fn a_stop_begins_no_other_renewal(on: On) {
    let mut house = house(on).await;
    let options = Options { token_life: Some(HALF_A_DAY), ..north() };
    let other = house.slack.another_workspace(options);
    deliver_to(&mut house, &other).await;
    install(&house, &other).await.says(200, "is installed");
    house.stop().await;
    house.clock.advance(LATE);
    for slack in [&house.slack, &other] {
        let slow = FaultKind::Slow(Duration::from_millis(500));
        slack.fail(Fault::new("oauth.v2.access", 1, slow));
    }
    house.start().await;
    let struck =
        || [&house.slack, &other].map(|slack| slack.look(|w| w.struck("oauth.v2.access", None)));
    while struck() == [0, 0] {
        house.pause().await;
    }
    house.stop().await;
    assert_eq!(renewals(&house.slack) + renewals(&other), 1);
}

pub(crate) async fn work_waits_for_a_token_that_could_not_be_renewed(on: On) {
    let house = house(on).await;
    house.slack.fail(Fault::error("oauth.v2.access", Fault::ALWAYS, "invalid_refresh_token"));
    house.slack.end_token("token_expired");
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    let refused =
        |w: &World| w.calls().iter().any(|c| c.answer["error"] == "token_expired").then_some(());
    house.slack.wait_until(refused).await.unwrap();
    until_renewal(&house, |known| known.renewal_failed.is_some()).await;
    house.slack.heal();
    install(&house, &house.slack).await.says(200, "is installed");
    house.clock.advance(SignedDuration::from_mins(11));
    house.card(BACKEND, &thread).await;
}

/// Nothing was posted while there was no token: nobody need look for it, least of all where history may not be read.
pub(crate) async fn a_renewal_without_an_answer_puts_no_post_in_doubt(on: On) {
    for fault in [FaultKind::Status(502), FaultKind::Reset] {
        let house = house(on).await;
        for method in ["conversations.history", "conversations.replies"] {
            house.slack.fail(Fault::error(method, Fault::ALWAYS, "missing_scope"));
        }
        house.clock.advance(SignedDuration::from_hours(13));
        house.slack.fail(Fault::new("oauth.v2.access", 1, fault));
        let thread = house.say(BACKEND, MAYA, MAILCHIMP);
        until_renewal(&house, |known| known.renewal_failed.is_some()).await;
        let (store, posts) = (house.store().await, || house.slack.calls("chat.postMessage").len());
        for _ in 0..500 {
            if posts() > 0 {
                break;
            }
            // The next attempt waits a little.
            house.clock.advance(SignedDuration::from_secs(1));
            house.pause().await;
            assert!(store.parked(1).await.unwrap().is_empty());
        }
        house.card(BACKEND, &thread).await;
        assert_eq!((posts(), house.slack.calls("conversations.replies").len()), (1, 0));
    }
}
