//! Looks for what is wrong: configuration, data files, database, Slack. Changes nothing unasked and shows no secret.
//!
//! To add a check: a function that returns findings, and its call in [`examine`].

mod digests;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::app::installations::Installation;
use crate::app::ports::{ChatError, Clock, Store};
use crate::app::retention::{KEPT_AFTER_REMOVAL, Perishable};
use crate::config::{Config, OAuth, Partial};
use crate::domain::WorkspaceId;
use crate::domain::knowledge::Knowledge;
use crate::manifest::{Size, scopes};
use crate::slack::access::Access;
use crate::slack::client::Client;
use crate::slack::seal::Keyring;
use crate::store;

/// Slack refuses to be trusted, and we Slack, when clocks differ by five minutes; a minute is worth a word.
const CLOCK_MAX: SignedDuration = SignedDuration::from_secs(60);
/// Of the work that was given up, so much is shown.
const PARKED_SHOWN: u32 = 5;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Well,
    /// It needs a person.
    Wrong,
    /// Not checked, or worth knowing.
    Note,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How it ended.
    pub verdict: Verdict,
    /// What was looked at.
    pub about: &'static str,
    /// What was found.
    pub found: String,
    /// What to do next.
    pub next: Option<String>,
}

fn well(about: &'static str, found: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Well, about, found: found.into(), next: None }
}

fn note(about: &'static str, found: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Note, about, found: found.into(), next: None }
}

fn wrong(about: &'static str, found: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { verdict: Verdict::Wrong, about, found: found.into(), next: Some(next.into()) }
}

/// What to do about work that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Try it once more.
    Retry,
    /// Drop it.
    Forget,
}

/// Does what was asked for about work that was given up; a running bot takes it from there.
pub async fn treat(read: &Partial, remedy: Remedy, clock: &dyn Clock) -> Finding {
    const ABOUT: &str = "given up";
    let next = "look at the line “database”";
    if !read.is_sound(".env") {
        let found = "nothing was done: .env can't be read, and may name another store";
        return wrong(ABOUT, found, "look at the line “configuration”");
    }
    if !read.is_sound("DATABASE_URL") {
        return wrong(ABOUT, "nothing was done: DATABASE_URL can't be used", next);
    }
    let Ok(Some(store)) = store::inspect(read.config.database_url.as_str()).await else {
        return wrong(ABOUT, "nothing was done: the store can't be opened", next);
    };
    let done = match remedy {
        Remedy::Retry => store.retry_parked(clock.now()).await,
        Remedy::Forget => store.forget_parked().await,
    };
    match (done, remedy) {
        (Err(error), _) => wrong(ABOUT, format!("nothing was done: {error}"), next),
        (Ok(n), Remedy::Retry) => well(ABOUT, format!("to be tried again by the running bot: {n}")),
        (Ok(n), Remedy::Forget) => well(ABOUT, format!("dropped: {n}")),
    }
}

/// Looks at everything that can be looked at, whatever else is wrong.
pub async fn examine(read: &Partial, clock: &dyn Clock) -> Vec<Finding> {
    let mut findings = vec![data_files(&read.config.knowledge)];
    if read.is_sound("DATABASE_URL") {
        findings.extend(database(&read.config).await);
    } else {
        findings.push(note("database", "not checked: DATABASE_URL can't be used"));
    }
    if read.is_sound("SLACK_API_URL") {
        findings.extend(slack(read, clock).await);
    } else {
        findings.push(note("Slack", "not checked: SLACK_API_URL can't be used"));
    }
    let digest = ["DATABASE_URL", "SLACK_API_URL", "SECONDLOOK_DIGEST_CHANNEL"];
    if digest.iter().all(|name| read.is_sound(name)) {
        findings.extend(digests::digests(&read.config).await);
    }
    findings
}

fn data_files(own: &[(String, String)]) -> Finding {
    match (Knowledge::with_own(own), own.len()) {
        (Ok(_), 0) => well("data files", "valid"),
        (Ok(_), n) => well("data files", format!("valid, with {n} of SECONDLOOK_KNOWLEDGE")),
        (Err(faults), 0) => wrong(
            "data files",
            faults.replace('\n', "; "),
            "this build is broken: build again from a clean checkout, or report it",
        ),
        (Err(faults), _) => wrong(
            "data files",
            faults.replace('\n', "; "),
            "mend these lines of the files in SECONDLOOK_KNOWLEDGE; the bot does not start until then",
        ),
    }
}

// ── the database ───────────────────────────────────────────────────────────────────────────────

async fn database(config: &Config) -> Vec<Finding> {
    let url = config.database_url.as_str();
    match store::inspect(url).await {
        Ok(Some(store)) => kept(store.as_ref(), config.oauth.as_ref()).await,
        Ok(None) => {
            vec![note(
                "database",
                "the store in DATABASE_URL does not exist yet; `secondlook serve` creates it",
            )]
        }
        Err(error) => vec![wrong(
            "database",
            // The links between say the same again.
            format!("{error} ({})", error.root_cause()),
            "check DATABASE_URL, and that this user may read and write there",
        )],
    }
}

async fn kept(store: &dyn Store, oauth: Option<&OAuth>) -> Vec<Finding> {
    if let Err(error) = store.ready().await {
        return vec![wrong(
            "database",
            error.to_string(),
            "an older schema is brought up to date when `secondlook serve` starts; a newer one needs a newer program",
        )];
    }
    // Nothing is that old: a change that changes nothing shows that changes are possible.
    if let Err(error) = store.erase(Perishable::Event, Timestamp::UNIX_EPOCH, 1).await {
        return vec![wrong(
            "database",
            format!("it can be read and not written: {error}"),
            "check this user's rights there, the room on the disk, and who else uses it",
        )];
    }
    let mut findings = vec![well("database", "it can be read and written; its schema is current")];
    match store.parked(PARKED_SHOWN).await {
        Ok(parked) if parked.is_empty() => {}
        Ok(parked) => {
            let shown: Vec<String> = parked
                .iter()
                .map(|p| format!("{} of {} ({})", p.work, p.workspace, p.because))
                .collect();
            findings.push(Finding {
                next: Some(
                    "once the reason is gone, `secondlook doctor --retry-parked` tries all of it again; `--forget-parked` drops it"
                        .to_owned(),
                ),
                ..note("given up", format!("the latest work given up: {}", shown.join(", ")))
            });
        }
        Err(error) => findings.push(note("given up", format!("not checked: {error}"))),
    }
    findings.extend(removed(store).await);
    findings.extend(installed(store, oauth).await);
    findings
}

/// The workspaces whose work rests because they removed the app.
async fn removed(store: &dyn Store) -> Vec<Finding> {
    let all = match store.removed().await {
        Ok(all) => all,
        Err(error) => return vec![note("removed", format!("not checked: {error}"))],
    };
    let finding = |(who, at): &(WorkspaceId, Timestamp)| {
        Finding {
        next: Some(
            "if the app is still used there, install it again: until then nothing is heard or said there"
                .to_owned(),
        ),
        ..note(
            "removed",
            format!(
                "{who} removed the app on {}: its work rests, and {} days later everything about it is deleted",
                at.strftime("%Y-%m-%d"),
                KEPT_AFTER_REMOVAL.as_hours() / 24
            ),
        )
    }
    };
    all.iter().map(finding).collect()
}

/// The workspaces that installed the app by OAuth: whether their tokens can be opened and are being renewed.
async fn installed(store: &dyn Store, oauth: Option<&OAuth>) -> Vec<Finding> {
    let all = match store.installations().await {
        Ok(all) => all,
        Err(error) => return vec![note("installations", format!("not checked: {error}"))],
    };
    let Some(oauth) = oauth else {
        let unused = format!(
            "{} workspaces are installed by OAuth and not served: SLACK_CLIENT_ID is not set",
            all.len()
        );
        return (!all.is_empty()).then(|| note("installations", unused)).into_iter().collect();
    };
    let keyring = Keyring::new(&oauth.keys.current, oauth.keys.old.as_ref());
    let mut findings = Vec::new();
    let unlisted =
        |who: &&Installation| !oauth.only.is_empty() && !oauth.only.contains(&who.workspace);
    for known in all.iter().filter(unlisted) {
        findings.push(note(
            "installation",
            format!("{} is served and not in SECONDLOOK_INSTALL_ONLY (its organisation may be); if it should not be, remove the app there", known.workspace),
        ));
    }
    let unlisted = findings.len();
    for known in &all {
        let who = &known.workspace;
        let again = format!("install the app again at {}/slack/install", oauth.public_url);
        match (keyring.opens(known), &known.renewal_failed) {
            (Err(why), _) => findings.push(wrong(
                "installation",
                format!("the token of {who} (key {}) can't be opened: {why}", known.key_id),
                format!("set SECONDLOOK_ENCRYPTION_KEY, or _OLD, to the key it was sealed with, or {again}"),
            )),
            (Ok(()), Some(why)) => findings.push(wrong(
                "installation",
                format!("the token of {who} could not be renewed: {why}"),
                format!("if this stays so, {again}"),
            )),
            (Ok(()), None) => {}
        }
    }
    if findings.len() == unlisted {
        let count = format!("{} by OAuth; every token can be opened", all.len());
        findings.push(well("installations", count));
    }
    findings
}

// ── Slack ──────────────────────────────────────────────────────────────────────────────────────

async fn slack(read: &Partial, clock: &dyn Clock) -> Vec<Finding> {
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
        findings.push(note(
            "signing secret",
            "only a request of Slack's can prove it: the app's page “Event Subscriptions” says “Verified” when it is right and `secondlook serve` runs",
        ));
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
            error => wrong(
                about,
                format!("{api_url}: {error}"),
                "check the network and SLACK_API_URL; the bot needs a direct way to Slack, HTTPS_PROXY is not used",
            ),
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
        wrong(
            "scopes",
            format!("the size “{size}” also needs {}", lacking.join(", ")),
            "add them on your app's page “OAuth & Permissions” and install the app again; docs/INSTALL.md says what each is for",
        )
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
    wrong(
        "clock",
        format!("this machine is {} s {which} Slack", apart.abs().as_secs()),
        "set it by NTP (timedatectl set-ntp true): from 300 s on, Slack's signed requests are turned away",
    )
}
