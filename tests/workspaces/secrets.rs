//! The real program at its most talkative through a whole life: installed, renewed, refused, removed. No secret is shown.

use std::process::Command;

use secondlook::playground::{Fault, FaultKind, Options, Playground, Say, Workspace, World};

use crate::browser::Browser;
use crate::house::On;
use crate::house::logged::Logged;
use crate::town::{NORTH, acknowledged, prompted};

/// 32 sevens.
const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

fn start(slack: &Playground, dir: &std::path::Path, database: &str) -> Logged {
    Logged::start(
        Command::new(env!("CARGO_BIN_EXE_secondlook"))
            .arg("serve")
            .env_clear()
            .envs([
                ("SLACK_APP_TOKEN", slack.app_token()),
                ("SLACK_SIGNING_SECRET", slack.signing_secret()),
                ("SLACK_CLIENT_ID", slack.client_id()),
                ("SLACK_CLIENT_SECRET", slack.client_secret()),
                ("SLACK_API_URL", slack.api_url().as_str()),
                ("SECONDLOOK_PUBLIC_URL", "http://localhost:1"),
                ("SECONDLOOK_ENCRYPTION_KEY", KEY),
                ("DATABASE_URL", database),
                ("BIND_ADDR", "127.0.0.1:0"),
                ("SECONDLOOK_ADMIN_ADDR", "127.0.0.1:0"),
                ("SECONDLOOK_QUIET_PERIOD", "0s"),
                ("SECONDLOOK_COOLDOWN", "0s"),
                ("RUST_LOG", "trace"),
                ("NO_COLOR", "1"),
            ])
            .current_dir(dir),
    )
}

pub(crate) async fn no_log_line_no_page_and_no_metric_shows_a_secret(on: On) {
    secondlook::slack::install_tls_provider();
    // Tokens that last less than the bot's margin: each start and each use renews them.
    let life = Some(std::time::Duration::from_mins(30));
    let slack =
        Playground::start(Options { token_life: life, ..Options::default() }).await.unwrap();
    let workspace = Workspace { id: NORTH.to_owned(), ..Workspace::default() };
    // Its token lasts: a removal is believed when Slack refuses the token, not when it can't be renewed.
    let north = slack.another_workspace(Options { workspace, ..Options::default() });
    let dir = tempfile::tempdir().unwrap();
    let database = on.url(&dir.path().join("store.db")).await;
    let mut serve = start(&slack, dir.path(), &database);
    let addresses = serve.addresses().await;
    slack.wait_until(|world| (world.socket_count() > 0).then_some(())).await.unwrap();

    let browser = Browser::new(addresses[0]);
    let mut shown = Vec::new();
    let mut secrets: Vec<String> = Vec::new();
    for (workspace, fault) in [
        (&slack, Some(FaultKind::Error("invalid_code".to_owned()))),
        (&slack, Some(FaultKind::Status(500))),
        (&slack, None),
        (&north, None),
    ] {
        if let Some(kind) = fault {
            workspace.fail(Fault::new("oauth.v2.access", 1, kind));
        }
        let begun = browser.get("/slack/install").await;
        let page = begun.location().to_owned();
        let state = page.split("state=").nth(1).unwrap().to_owned();
        secrets.push(state);
        secrets.extend(browser.cookies.lock().unwrap().values().cloned());
        let back = workspace.allow(&page, &[]).unwrap();
        let page = browser.get(&back).await;
        shown.push(page.text.clone());
        let again = browser.get(&back).await;
        shown.push(again.text.clone());
    }
    prompted(&slack).await;
    prompted(&north).await;
    slack.fail(Fault::error("oauth.v2.access", 1, "invalid_refresh_token"));
    slack.end_token("token_expired");
    slack
        .say(Say::new("backend", "U0MAYA0001", "let's move off Jenkins, our mails land in spam"))
        .unwrap();
    let refused = |w: &World| {
        w.calls().iter().any(|c| c.answer["error"] == "invalid_refresh_token").then_some(())
    };
    slack.wait_until(refused).await.unwrap();
    serve.line_with("could not be renewed").await;
    secrets.extend([slack.secrets(), north.secrets()].concat());
    north.uninstall();
    acknowledged(&north).await;
    serve.line_with("the app was removed").await;
    let metrics = reqwest::get(format!("http://{}/metrics", addresses[1])).await.unwrap();
    shown.push(metrics.text().await.unwrap());
    let log = serve.stop().await;

    for said in ["the app was installed", "the app was not installed", "called Slack"] {
        assert!(log.iter().any(|line| line.contains(said)), "the story logs {said:?}: {log:#?}");
    }
    assert!(shown.last().unwrap().contains("secondlook_installs_total"));
    secrets.extend(
        [slack.client_secret(), slack.signing_secret(), slack.app_token(), KEY].map(str::to_owned),
    );
    secrets.extend(["xoxb-", "xoxe-", "xapp-"].map(str::to_owned));
    not_shown(&secrets, &[log, shown].concat());
}

#[track_caller]
fn not_shown(secrets: &[String], shown: &[String]) {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let line = shown.iter().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is shown");
    }
}
