//! `secondlook backup` and `secondlook restore`: a whole copy of the live SQLite store, and a store from such a copy.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::bot::{Copied, backup, restore};
use crate::config::Records;

/// Arguments of `backup` and `restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The backup
    file: PathBuf,
}

/// Copies the store of `DATABASE_URL` into a new file while the bot runs.
pub(super) async fn back_up(args: Args) -> anyhow::Result<()> {
    let copied = backup(Records::from_env()?.database_url.as_str(), &args.file).await?;
    tell(&copied, &format!("Backed up to {}", args.file.display()))
}

/// Makes the store of `DATABASE_URL` from a backup.
pub(super) async fn bring_back(args: Args) -> anyhow::Result<()> {
    let url = Records::from_env()?.database_url;
    let copied = restore(&args.file, url.as_str()).await?;
    tell(&copied, &format!("Restored {} to {}", args.file.display(), url.as_str()))
}

fn tell(copied: &Copied, what: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let rows: u64 = copied.rows.iter().map(|(_, rows)| rows).sum();
    writeln!(out, "{what}: {rows} rows, {} bytes, checked.", copied.bytes)
        .and_then(|()| {
            let filled = copied.rows.iter().filter(|(_, rows)| *rows > 0);
            filled.clone().try_for_each(|(table, rows)| writeln!(out, "{rows:>10}  {table}"))
        })
        .context("could not write to standard output")
}
