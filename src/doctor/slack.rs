//! Slack: whether it can be reached, and what it says of the tokens.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::{Finding, note, well, wrong};
use crate::app::ports::{ChatError, Clock};
use crate::config::{Config, Partial};
use crate::manifest::{Size, scopes};
use crate::slack::access::Access;
use crate::slack::client::Client;

/// Slack refuses to be trusted, and we Slack, when clocks differ by five minutes; a minute is worth a word.
const CLOCK_MAX: SignedDuration = SignedDuration::from_secs(60);

const UNPROVEN: &str = "only a request of Slack's can prove it: the app's page “Event Subscriptions” says “Verified” when it is right and `secondlook serve` runs";
const OUT_OF_REACH: &str = "check the network and SLACK_API_URL; the bot needs a direct way to Slack, HTTPS_PROXY is not used";
const ADD_SCOPES: &str = "add them on your app's page “OAuth & Permissions” and install the app again; docs/INSTALL.md says what each is for";
const SET_CLOCK: &str = "set it by NTP (timedatectl set-ntp true): from 300 s on, Slack's signed requests are turned away";

/// Whether Slack takes the tokens, and what it grants.
pub(super) async fn slack(read: &Partial, clock: &dyn Clock) -> Vec<Finding> {
    let config = &read.config;
    let client = match Client::new(&config.api_url) {
        Ok(client) => client,
        Err(error) => {
            let next = "check SLACK_API_URL, and install the system's CA certificates";
            return vec![wrong("Slack", error.to_string(), next)];
        }
    };
    let mut findings = Vec::new();
    let own = match &config.bot_token {
        Some(token) => bot_token(token, &client, config, clock.now()).await,
        None if read.is_sound("SLACK_BOT_TOKEN") => {
            Ok(vec![note("bot token", "not set: workspaces install the app by OAuth")])
        }
        None => Ok(vec![note("bot token", "not checked: SLACK_BOT_TOKEN can't be used")]),
    };
    match own {
        Ok(own) => findings.extend(own),
        Err(out_of_reach) => return out_of_reach,
    }
    findings.extend(doors(read, &client).await);
    findings
}

/// What the token of the one workspace is good for; what was found, as an error, when Slack is out of reach.
async fn bot_token(
    token: &SecretString,
    client: &Client,
    config: &Config,
    now: Timestamp,
) -> Result<Vec<Finding>, Vec<Finding>> {
    let unasked = note("scopes, clock", "not checked: Slack did not say");
    match client.access(token).await {
        Ok(access) => {
            let known = format!("Slack knows it as @{} of {}", access.bot, access.workspace);
            let mut findings = vec![well("bot token", known)];
            findings.extend(granted(&access.scopes));
            findings.push(on_time(&access, now));
            Ok(findings)
        }
        Err(error) => {
            let reached = matches!(error, ChatError::Refused { .. });
            let findings =
                vec![refused("bot token", "SLACK_BOT_TOKEN", &error, &config.api_url), unasked];
            if reached { Ok(findings) } else { Err(findings) }
        }
    }
}

/// Socket Mode and HTTP, where they are switched on.
async fn doors(read: &Partial, client: &Client) -> Vec<Finding> {
    let Config { app_token, signing_secret, api_url, .. } = &read.config;
    let mut findings = Vec::new();
    if let Some(token) = app_token {
        findings.push(match client.may_connect(token).await {
            Ok(()) => well("app token", "it may open connections (Socket Mode)"),
            Err(error) => refused("app token", "SLACK_APP_TOKEN", &error, api_url),
        });
    }
    if signing_secret.is_some() {
        findings.push(note("signing secret", UNPROVEN));
    }
    findings
}

/// Slack's codes in words, each with a next step.
fn refused(about: &'static str, variable: &str, error: &ChatError, api_url: &str) -> Finding {
    let ChatError::Refused { code } = error else {
        return match error {
            ChatError::RateLimited { retry_after } => {
                note(about, format!("not checked: Slack asks to wait {} s", seconds(*retry_after)))
            }
            error => wrong(about, format!("{api_url}: {error}"), OUT_OF_REACH),
        };
    };
    let next = match code.as_str() {
        "invalid_auth" | "not_authed" => format!("copy {variable} again from your app's page"),
        "token_revoked" | "token_expired" | "account_inactive" => format!(
            "install the app again on its page “OAuth & Permissions”, then copy the new {variable}"
        ),
        "not_allowed_token_type" => {
            "the bot's token begins with xoxb-, the app's with xapp-: are they swapped?".to_owned()
        }
        "missing_scope" => {
            "make a token with connections:write on the page “Basic Information”".to_owned()
        }
        _ => "look the code up at https://docs.slack.dev/reference/methods/auth.test".to_owned(),
    };
    wrong(about, format!("Slack refuses {variable} ({code})"), next)
}

fn seconds(wait: Duration) -> u64 {
    wait.as_secs().max(1)
}

/// Holds the granted scopes against those of the manifest's two sizes.
fn granted(granted: &[String]) -> Vec<Finding> {
    if granted.is_empty() {
        return vec![note("scopes", "not checked: Slack did not tell them")];
    }
    let (listen, ask_only) = (scopes(Size::Listen), scopes(Size::AskOnly));
    let missing = |wanted: &[String]| -> Vec<String> {
        wanted.iter().filter(|scope| !granted.contains(scope)).cloned().collect()
    };
    // One scope that only listening needs shows that listening is meant.
    let listens = listen.needed.iter().any(|s| granted.contains(s) && !ask_only.needed.contains(s));
    let (size, wanted) = if listens { ("listen", listen) } else { ("ask-only", ask_only) };
    let lacking = missing(&wanted.needed);
    let mut findings = vec![if lacking.is_empty() {
        well("scopes", format!("all that the size “{size}” needs"))
    } else {
        let found = format!("the size “{size}” also needs {}", lacking.join(", "));
        wrong("scopes", found, ADD_SCOPES)
    }];
    let left_out = missing(&wanted.optional);
    if !left_out.is_empty() {
        findings.push(note(
            "scopes",
            format!("optional and not granted: {} (see docs/INSTALL.md)", left_out.join(", ")),
        ));
    }
    let unused: Vec<&str> = granted
        .iter()
        .filter(|scope| !wanted.needed.contains(scope) && !wanted.optional.contains(scope))
        .map(String::as_str)
        .collect();
    if !unused.is_empty() {
        let found =
            format!("granted and never used: {}; you can take them away", unused.join(", "));
        findings.push(note("scopes", found));
    }
    findings
}

fn on_time(access: &Access, now: Timestamp) -> Finding {
    let Some(time) = access.time else {
        return note("clock", "not checked: the answer has no date");
    };
    let apart = now.duration_since(time);
    if apart.abs() <= CLOCK_MAX {
        return well("clock", "it agrees with Slack's");
    }
    let which = if apart.is_positive() { "ahead of" } else { "behind" };
    let found = format!("this machine is {} s {which} Slack", apart.abs().as_secs());
    wrong("clock", found, SET_CLOCK)
}
