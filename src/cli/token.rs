//! `secondlook token`: which workspaces installed the app by OAuth, and a new key for their tokens. Shows no token.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use jiff::Timestamp;

use crate::app::installations::Installation;
use crate::bot;
use crate::config::{KeyChange, Records};

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the workspaces: since when, sealed with which key, until when their token is good
    List,
    /// Seal every token with `SECONDLOOK_ENCRYPTION_KEY`, opening it with `SECONDLOOK_ENCRYPTION_KEY_OLD`
    RotateKey {
        /// Read the old key from this file instead
        #[arg(long, value_name = "FILE")]
        old_key_file: Option<PathBuf>,
    },
}

/// Runs one of them.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let said = match args.what {
        What::List => list(&bot::installations(&Records::from_env()?).await?),
        What::RotateKey { old_key_file } => rotate_key(old_key_file).await?,
    };
    writeln!(std::io::stdout().lock(), "{said}").context("could not write to standard output")
}

fn list(installations: &[Installation]) -> String {
    if installations.is_empty() {
        return "No workspace has installed the app by OAuth.".to_owned();
    }
    let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let line = |known: &Installation| {
        let until = known.expires_at.map_or_else(|| "does not end".to_owned(), day);
        let failed = known.renewal_failed.as_ref().map(|why| format!(" (not renewed: {why})"));
        let (id, since) = (known.workspace.as_str(), day(known.installed_at));
        format!("{id:<14}{since:<23}{:<11}{until}{}", known.key_id, failed.unwrap_or_default())
    };
    let head = format!("{:<14}{:<23}{:<11}token until", "workspace", "installed", "key");
    std::iter::once(head).chain(installations.iter().map(line)).collect::<Vec<_>>().join("\n")
}

async fn rotate_key(old_key_file: Option<PathBuf>) -> anyhow::Result<String> {
    let old = match old_key_file {
        Some(file) => Some(
            tokio::fs::read_to_string(&file)
                .await
                .with_context(|| format!("could not read {}", file.display()))?,
        ),
        None => None,
    };
    let done = bot::reseal(KeyChange::from_env(old.as_deref())?).await?;
    let said = format!(
        "{} sealed with the new key, {} were before, {} could not be opened",
        done.changed, done.current, done.unopened
    );
    if done.unopened > 0 {
        bail!(
            "{said}: `secondlook token list` shows their keys; run this again with the key they are sealed with as the old one"
        );
    }
    Ok(format!("{said}. SECONDLOOK_ENCRYPTION_KEY_OLD can go now."))
}
