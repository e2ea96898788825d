//! `secondlook migrate`: brings the store's schema up to date, as `serve` does when it starts.

use std::io::Write as _;

use anyhow::Context as _;

use super::logging;
use crate::bot;
use crate::config::{Logging, Records};

/// Migrates the store in `DATABASE_URL` and says what it did.
pub(super) async fn run() -> anyhow::Result<()> {
    let records = Records::from_env()?;
    logging::install(&Logging::from_env()?)?;
    let (before, after) = bot::migrate(records.database_url.as_str()).await?;
    let done = if before == after {
        format!("the schema is current ({after})")
    } else {
        format!("the schema was at {before} and is at {after} now")
    };
    writeln!(std::io::stdout().lock(), "{done}").context("could not write to standard output")
}
