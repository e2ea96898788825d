//! Looks for what is wrong: configuration, data files, database, Slack. Changes nothing unasked and shows no secret.
//!
//! To add a check: a function that returns findings, and its call in [`examine`].

mod database;
mod digests;
mod slack;

use crate::app::ports::Clock;
use crate::config::Partial;
use crate::domain::knowledge::Knowledge;
use crate::store;

const BROKEN_BUILD: &str = "this build is broken: build again from a clean checkout, or report it";
const MEND_OWN: &str =
    "mend these lines of the files in SECONDLOOK_KNOWLEDGE; the bot does not start until then";

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
        findings.extend(database::database(&read.config).await);
    } else {
        findings.push(note("database", "not checked: DATABASE_URL can't be used"));
    }
    if read.is_sound("SLACK_API_URL") {
        findings.extend(slack::slack(read, clock).await);
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
        (Err(faults), n) => {
            let next = if n == 0 { BROKEN_BUILD } else { MEND_OWN };
            wrong("data files", faults.replace('\n', "; "), next)
        }
    }
}
