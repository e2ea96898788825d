//! The database: whether it can be used, what was given up, where the app was removed or installed.

use jiff::Timestamp;

use super::{Finding, note, well, wrong};
use crate::app::installations::Installation;
use crate::app::ports::Store;
use crate::app::retention::{KEPT_AFTER_REMOVAL, Perishable};
use crate::config::{Config, OAuth};
use crate::domain::WorkspaceId;
use crate::slack::seal::Keyring;
use crate::store;

/// Of the work that was given up, so much is shown.
const PARKED_SHOWN: u32 = 5;

const NO_STORE: &str =
    "the store in DATABASE_URL does not exist yet; `secondlook serve` creates it";
const OTHER_SCHEMA: &str = "an older schema is brought up to date when `secondlook serve` starts; a newer one needs a newer program";
const NOT_WRITTEN: &str =
    "check this user's rights there, the room on the disk, and who else uses it";
const TRY_AGAIN: &str = "once the reason is gone, `secondlook doctor --retry-parked` tries all of it again; `--forget-parked` drops it";
const INSTALL_AGAIN: &str =
    "if the app is still used there, install it again: until then nothing is heard or said there";
const OTHER_KEY: &str = "set SECONDLOOK_ENCRYPTION_KEY, or _OLD, to the key it was sealed with";

/// What can be said of the store, whatever state it is in.
pub(super) async fn database(config: &Config) -> Vec<Finding> {
    let url = config.database_url.as_str();
    match store::inspect(url).await {
        Ok(Some(store)) => kept(store.as_ref(), config.oauth.as_ref()).await,
        Ok(None) => vec![note("database", NO_STORE)],
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
        return vec![wrong("database", error.to_string(), OTHER_SCHEMA)];
    }
    // Nothing is that old: a change that changes nothing shows that changes are possible.
    if let Err(error) = store.erase(Perishable::Event, Timestamp::UNIX_EPOCH, 1).await {
        let found = format!("it can be read and not written: {error}");
        return vec![wrong("database", found, NOT_WRITTEN)];
    }
    let mut findings = vec![well("database", "it can be read and written; its schema is current")];
    findings.extend(given_up(store).await);
    findings.extend(unknown(store).await);
    findings.extend(removed(store).await);
    findings.extend(installed(store, oauth).await);
    findings
}

/// Work that needs a person.
async fn given_up(store: &dyn Store) -> Option<Finding> {
    let parked = match store.parked(PARKED_SHOWN).await {
        Ok(parked) if parked.is_empty() => return None,
        Ok(parked) => parked,
        Err(error) => return Some(note("given up", format!("not checked: {error}"))),
    };
    let told = parked.iter().map(|p| format!("{} of {} ({})", p.work, p.workspace, p.because));
    let told = told.collect::<Vec<_>>().join(", ");
    let found = note("given up", format!("the latest work given up: {told}"));
    Some(Finding { next: Some(TRY_AGAIN.to_owned()), ..found })
}

/// Work that a newer version asked for and this one leaves to it.
async fn unknown(store: &dyn Store) -> Option<Finding> {
    const ABOUT: &str = "unknown work";
    match store.unknown_work().await {
        Ok(kinds) if kinds.is_empty() => None,
        Ok(kinds) => {
            let shown: Vec<String> =
                kinds.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
            let next = "it is done as soon as that version runs again";
            let found = format!("work that only a newer version knows waits: {}", shown.join(", "));
            Some(Finding { next: Some(next.to_owned()), ..note(ABOUT, found) })
        }
        Err(error) => Some(note(ABOUT, format!("not checked: {error}"))),
    }
}

/// The workspaces whose work rests because they removed the app.
async fn removed(store: &dyn Store) -> Vec<Finding> {
    let all = match store.removed().await {
        Ok(all) => all,
        Err(error) => return vec![note("removed", format!("not checked: {error}"))],
    };
    let days = KEPT_AFTER_REMOVAL.as_hours() / 24;
    let finding = |(who, at): &(WorkspaceId, Timestamp)| {
        let on = at.strftime("%Y-%m-%d");
        let found = format!(
            "{who} removed the app on {on}: its work rests, and {days} days later everything about it is deleted"
        );
        Finding { next: Some(INSTALL_AGAIN.to_owned()), ..note("removed", found) }
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
        let who = &known.workspace;
        let found = format!(
            "{who} is served and not in SECONDLOOK_INSTALL_ONLY (its organisation may be); if it should not be, remove the app there"
        );
        findings.push(note("installation", found));
    }
    let unlisted = findings.len();
    for known in &all {
        let who = &known.workspace;
        let again = format!("install the app again at {}/slack/install", oauth.public_url);
        match (keyring.opens(known), &known.renewal_failed) {
            (Err(why), _) => {
                let found =
                    format!("the token of {who} (key {}) can't be opened: {why}", known.key_id);
                let next = format!("{OTHER_KEY}, or {again}");
                findings.push(wrong("installation", found, next));
            }
            (Ok(()), Some(why)) => {
                let found = format!("the token of {who} could not be renewed: {why}");
                findings.push(wrong("installation", found, format!("if this stays so, {again}")));
            }
            (Ok(()), None) => {}
        }
    }
    if findings.len() == unlisted {
        let count = format!("{} by OAuth; every token can be opened", all.len());
        findings.push(well("installations", count));
    }
    findings
}
