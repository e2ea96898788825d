//! `secondlook serve`: the bot itself.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::logging;
use crate::bot::Bot;
use crate::config::{Config, Logging};

/// Runs the bot until it is told to stop.
pub(super) async fn run() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    logging::install(&Logging::from_env()?)?;
    let bot = Bot::start(config).await?;
    until_told_to_stop().await?;
    tracing::info!("stopping");
    bot.stop().await;
    Ok(())
}

/// Waits for Ctrl-C or a polite kill.
pub(super) async fn until_told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("could not listen for signals")?;
    tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped.context("could not listen for signals"),
        _ = terminate.recv() => Ok(()),
    }
}
