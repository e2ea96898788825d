//! `secondlook manifest`: the app manifest to paste into Slack.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use crate::manifest::{Door, HOST_PLACEHOLDER, Size, text};

/// Arguments of `manifest`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How Slack reaches the bot
    #[arg(long, value_enum, default_value_t = Mode::Socket)]
    mode: Mode,
    /// What the bot may hear: the channels it is in, or only what it is asked
    #[arg(long, value_enum, default_value_t = Hearing::Listen)]
    size: Hearing,
    /// The bot's public address for --mode http, such as secondlook.example.com
    #[arg(long)]
    host: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Socket,
    Http,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Hearing {
    Listen,
    AskOnly,
}

/// Prints a manifest.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let door = match args.mode {
        Mode::Socket => Door::Socket,
        Mode::Http => Door::Http,
    };
    let size = match args.size {
        Hearing::Listen => Size::Listen,
        Hearing::AskOnly => Size::AskOnly,
    };
    let manifest = match &args.host {
        None => text(door, size).to_owned(),
        Some(_) if door == Door::Socket => {
            bail!("--host goes with --mode http: Socket Mode needs no public address")
        }
        Some(host) => text(door, size).replace(HOST_PLACEHOLDER, bare(host)?),
    };
    write!(std::io::stdout().lock(), "{manifest}").context("could not write to standard output")
}

/// The address without `https://` and a slash at its end.
fn bare(host: &str) -> anyhow::Result<&str> {
    let bare = host.strip_prefix("https://").unwrap_or(host).trim_end_matches('/');
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-:/_".contains(c);
    if bare.is_empty() || bare.contains("://") || !bare.chars().all(fits) {
        bail!(
            "--host is \"{host}\": give the public host name, such as secondlook.example.com (Slack wants https)"
        );
    }
    Ok(bare)
}
