//! `secondlook move`: everything from one store into another, such as from a SQLite file to a PostgreSQL server.

use std::io::{Write as _, stderr, stdout};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::logging;
use crate::bot::{self, Moved};
use crate::config::{DatabaseUrl, Logging};

/// How often a large table tells how far it is.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Arguments of `move`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The store that is read, and stays as it is
    #[arg(long, value_name = "URL")]
    from: String,
    /// The store that is filled: an empty database, or a file that does not exist yet
    #[arg(long, value_name = "URL")]
    to: String,
}

/// Moves the store, compares both, and prints what was moved.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let from = DatabaseUrl::parse("--from", args.from)?;
    let to = DatabaseUrl::parse("--to", args.to)?;
    logging::install(&Logging::from_env()?)?;
    let begun = Instant::now();
    let mut progress = Progress { table: String::new(), told: begun };
    let moved =
        bot::transfer(from.as_str(), to.as_str(), &mut |so_far| progress.tell(so_far)).await?;
    let mut lines: Vec<String> = moved
        .iter()
        .map(|Moved { table, rows, checksum }| format!("{table:<16} {rows:>10}  {checksum}"))
        .collect();
    let rows: u64 = moved.iter().map(|table| table.rows).sum();
    let seconds = begun.elapsed().as_secs_f64();
    lines.push(format!(
        "moved and compared: {} tables, {rows} rows, {seconds:.1} s; set DATABASE_URL to the new store and start the bot",
        moved.len()
    ));
    writeln!(stdout().lock(), "{}", lines.join("\n")).context("could not write to standard output")
}

/// Tells about each table as it begins, and about a large one now and then.
struct Progress {
    table: String,
    told: Instant,
}

impl Progress {
    fn tell(&mut self, so_far: &Moved) {
        if self.table == so_far.table && self.told.elapsed() < TELL_EVERY {
            return;
        }
        self.table.clone_from(&so_far.table);
        self.told = Instant::now();
        // Whoever closed standard error does not want to know.
        drop(writeln!(stderr().lock(), "{}: {} rows", so_far.table, so_far.rows));
    }
}
