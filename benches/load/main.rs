//! What the program costs: `cargo bench --bench load` starts it in a stand-in for Slack and prints its figures;
//! `cargo bench --bench load -- --table` prints how it bears load, by messages, database, replicas and size of the store.
//!
//! Nothing is asserted: machines differ. Program, database, stand-in and sender share this machine; its load is printed.

mod bench;
#[path = "../../tests/workspaces/browser.rs"]
mod browser;
mod figures;
#[path = "../../tests/house/mod.rs"]
mod house;
mod pace;
mod seed;
mod table;

use clap::Parser;

use self::pace::Mix;
use self::seed::Kind;

/// Measures the program. Every list is one dimension of the table: all its combinations are measured.
#[derive(Parser)]
pub(crate) struct Args {
    /// Print the table of loads instead of the short figures
    #[arg(long)]
    table: bool,
    /// Which messages come
    #[arg(long, value_delimiter = ',', default_value = "ordinary,mixed,proposals")]
    mix: Vec<Mix>,
    /// On which databases; several replicas need PostgreSQL
    #[arg(long, value_delimiter = ',', default_value = "sqlite,postgres")]
    store: Vec<Kind>,
    /// How many processes share the store
    #[arg(long, value_delimiter = ',', default_value = "1,3")]
    replicas: Vec<u64>,
    /// In how many workspaces of one Slack the app is installed
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u64).range(1..=200))]
    workspaces: Vec<u64>,
    /// How many closed cases stand in the store; a million takes some minutes to write
    #[arg(long, value_delimiter = ',', default_value = "0")]
    cases: Vec<u64>,
    /// Events a second at which the acknowledgement is timed
    #[arg(long, default_value_t = 100)]
    rate: u64,
    /// Seconds of one measurement
    #[arg(long, default_value_t = 3)]
    step: u64,
    /// Seconds for which the highest rate must hold; one measurement when not given
    #[arg(long)]
    held: Option<u64>,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!("{}", table::machine());
        if args.table { table::print(&args).await } else { figures::print().await }
    });
}
