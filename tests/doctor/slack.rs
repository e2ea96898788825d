//! Tokens, scopes, addresses, channels and the clock, as Slack sees them.

use std::net::TcpListener;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use secondlook::app::installations::{Installation, Installations as _};
use secondlook::app::ports::{Clock, Workspace};
use secondlook::config::Partial;
use secondlook::doctor::{Verdict, examine};
use secondlook::domain::UserId;
use secondlook::manifest::{Size, scopes};
use secondlook::playground::{Fault, FaultKind};
use secondlook::store::Database;

use crate::patient::{Patient, listening, without};

#[tokio::test]
async fn a_token_that_is_no_longer_valid() {
    let patient = Patient::new().await;
    patient.slack.rotate_bot_token();
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["invalid_auth", "copy SLACK_BOT_TOKEN again"]).ends_with(1);
    patient.slack.fail(Fault::error("auth.test", 1, "token_revoked"));
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["token_revoked", "install the app again"]).ends_with(1);
}

#[tokio::test]
async fn an_app_token_that_is_refused() {
    let patient = Patient::new().await.set("SLACK_APP_TOKEN", "xapp-1-somebody-elses");
    let report = patient.see_the_doctor().await;
    report.says("✗ app token", &["SLACK_APP_TOKEN (invalid_auth)"]).ends_with(1);
}

#[tokio::test]
async fn scopes_are_held_against_the_size_that_was_installed() {
    let patient = Patient::with_scopes(without("chat:write")).await;
    let report = patient.see_the_doctor().await;
    report
        .says("✗ scopes", &["“listen” also needs chat:write", "install the app again"])
        .ends_with(1);

    let patient = Patient::with_scopes(without("files:read")).await;
    let report = patient.see_the_doctor().await;
    report.says("– scopes", &["optional and not granted: files:read"]).ends_with(0);

    let ask_only = scopes(Size::AskOnly);
    let patient = Patient::with_scopes([ask_only.needed, ask_only.optional].concat()).await;
    let report = patient.see_the_doctor().await;
    report.says("✓ scopes", &["ask-only"]).ends_with(0);

    let patient = Patient::with_scopes([listening(), vec!["admin".to_owned()]].concat()).await;
    let report = patient.see_the_doctor().await;
    report.says("– scopes", &["never used: admin"]).ends_with(0);
}

#[tokio::test]
async fn an_api_that_cannot_be_reached() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let patient = Patient::new().await.set("SLACK_API_URL", &format!("http://{free}/api"));
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["could not connect", "SLACK_API_URL"]).ends_with(1);
}

#[tokio::test]
async fn a_proxy_the_bot_would_not_use_is_not_used_here_either() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let through = format!("http://{}", proxy.local_addr().unwrap());
    let patient = Patient::new().await.set("SLACK_API_URL", &format!("https://{free}/api"));
    let patient = patient.set("HTTPS_PROXY", &through).set("https_proxy", &through);
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["could not connect", "HTTPS_PROXY is not used"]).ends_with(1);
    let asked = proxy.accept().map(|_| ()).unwrap_err().kind();
    assert_eq!(asked, std::io::ErrorKind::WouldBlock, "nothing went to the proxy");
}

#[tokio::test]
async fn an_api_that_is_not_slacks() {
    let patient = Patient::new().await;
    patient.slack.fail(Fault::new("auth.test", 1, FaultKind::Status(503)));
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["the answer is not Slack's", "network"]).ends_with(1);
}

#[tokio::test]
async fn being_told_to_wait_is_no_fault() {
    let patient = Patient::new().await;
    patient.slack.fail(Fault::new("*", Fault::ALWAYS, FaultKind::RateLimited(60)));
    let report = patient.see_the_doctor().await;
    report.says("– bot token", &["wait 60 s"]).ends_with(0);
}

// ── the digest ──────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn the_digest_has_a_channel_it_can_be_posted_in() {
    let digest = async |set: &str| {
        let patient = Patient::new().await;
        patient.set("SECONDLOOK_DIGEST_CHANNEL", set).see_the_doctor().await
    };
    digest("C0GENERAL1").await.says("✓ digest", &["C0GENERAL1 of T0ACME0001"]).ends_with(0);
    let report = digest("T0ACME0001:C0GENERAL1").await;
    report.says("✓ digest", &["C0GENERAL1 of T0ACME0001"]).ends_with(0);
    let report = digest("C0RANDOM01").await;
    report.says("✗ digest", &["the bot is not in C0RANDOM01", "/invite"]).ends_with(1);
    let report = digest("C0SHARED01").await;
    report.says("✗ digest", &["shared with another company"]).ends_with(1);
    let report = digest("C0NOWHERE1").await;
    report.says("✗ digest", &["no C0NOWHERE1", "check the id"]).ends_with(1);
    let report = digest("T0ACME0001:C0GENERAL1,T0NORTH001:C0GENERAL1").await;
    report
        .says("✓ digest", &["C0GENERAL1 of T0ACME0001"])
        .says("✗ digest", &["not installed in T0NORTH001"])
        .ends_with(1);
    let report = digest("general").await;
    report.says("✗ configuration", &["SECONDLOOK_DIGEST_CHANNEL is \"general\""]).ends_with(2);
    assert!(!report.text.contains(" digest:"), "{}", report.text);
}

#[tokio::test]
async fn one_channel_is_nobodys_where_two_workspaces_are_installed_whatever_opens_their_tokens() {
    let mut patient = Patient::new().await;
    patient.environment.retain(|(known, _)| known != "SLACK_BOT_TOKEN");
    let patient = patient
        .set("SLACK_CLIENT_ID", "1.2")
        .set("SLACK_CLIENT_SECRET", "a-client-secret")
        .set("SECONDLOOK_PUBLIC_URL", "https://bot.example.com")
        .set("SECONDLOOK_ENCRYPTION_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
        .set("SECONDLOOK_DIGEST_CHANNEL", "C0GENERAL1");
    let store = Database::open(&patient.url()).await.unwrap();
    for id in ["T1", "T2"] {
        let (bot_user, bot_id) = (UserId::from("U1"), "B1".to_owned());
        let workspace = Workspace { id: id.into(), bot_user, bot_id, url: String::new() };
        let installation = Installation {
            workspace: id.into(),
            installed_at: Timestamp::UNIX_EPOCH,
            key_id: "another".to_owned(),
            sealed: String::new(),
            expires_at: None,
            renewing_until: None,
            renewal_failed: None,
            revision: 0,
        };
        store.install(&workspace, &installation).await.unwrap();
    }
    store.close().await;
    let report = patient.see_the_doctor().await;
    report.says("✗ digest", &["none is posted", "2 workspaces are installed", "T0123456789:C"]);
}

// ── the clock ──────────────────────────────────────────────────────────────────────────────────

/// Goes wrong by a fixed time.
struct WrongClock(Mutex<Timestamp>);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn a_clock_that_goes_wrong() {
    let patient = Patient::new().await;
    let get = |name: &str| {
        patient.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let read = Partial::from_variables(&get);
    #[expect(clippy::disallowed_methods, reason = "the stand-in tells the real time")]
    let now = Timestamp::now();
    for (wrong_by, expected) in [(0, None), (400, Some("ahead of")), (-400, Some("behind"))] {
        let clock = WrongClock(Mutex::new(now + SignedDuration::from_secs(wrong_by)));
        let findings = examine(&read, &clock).await;
        let clock = findings.iter().find(|finding| finding.about == "clock").unwrap();
        let verdict = if expected.is_some() { Verdict::Wrong } else { Verdict::Well };
        assert_eq!(clock.verdict, verdict, "{clock:?}");
        assert!(clock.found.contains(expected.unwrap_or("agrees")), "{clock:?}");
    }
}
