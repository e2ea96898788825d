//! `secondlook digest`: a week's digest from the store, printed, or asked for so that the running bot posts it.

use std::io::Write as _;

use anyhow::{Context as _, bail};

use super::logging;
use crate::app::ports::{Clock as _, SystemClock};
use crate::bot;
use crate::config::{ConfigError, Logging, Records};
use crate::domain::WorkspaceId;
use crate::domain::digest::{Channels, Week};

/// Arguments of `digest`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The week, such as 2026-W47; without it, the latest whose digest was due
    #[arg(long)]
    week: Option<Week>,
    /// Of which workspace, by its id (T…); needed where the bot serves several
    #[arg(long)]
    workspace: Option<String>,
    /// Print it instead of having it posted
    #[arg(long)]
    dry_run: bool,
}

/// Prints the digest, or asks for it.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let records = Records::from_env()?;
    if !args.dry_run && records.digest.channels == Channels::Nowhere {
        return Err(ConfigError::needed("SECONDLOOK_DIGEST_CHANNEL", "where to post it").into());
    }
    logging::install(&Logging::from_env()?)?;
    let (app, workspace) = bot::on_records(records, args.workspace.map(WorkspaceId)).await?;
    if !args.dry_run && !app.has_digest(&workspace.id) {
        let id = &workspace.id;
        bail!("SECONDLOOK_DIGEST_CHANNEL names no channel of {id}: write it as {id}:C0123456789");
    }
    let Some(period) = app.digest_period(args.week) else { bail!("that week can't be told") };
    let week = period.week;
    let said = if args.dry_run {
        app.digest_text(&workspace.id, &period)
            .await?
            .unwrap_or_else(|| format!("{week} was a quiet week: nothing would be posted."))
    } else if SystemClock.now() < period.at {
        bail!("{week} is not over: its digest is due at {}", period.at)
    } else if app.request_digest(&workspace.id, week).await? {
        format!(
            "Asked for: the running bot posts the digest of {week}, unless it was a quiet week."
        )
    } else {
        format!("The digest of {week} was asked for before; it is posted once.")
    };
    writeln!(std::io::stdout().lock(), "{said}").context("could not write to standard output")
}
