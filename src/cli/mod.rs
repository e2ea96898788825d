//! The command line: one file a command. Knows the domain and the composition root, not Slack and not SQL.
//!
//! To add a command: 1. a file with its arguments and `run`; 2. a variant of `Command`; 3. a line in the README.

mod backup;
mod demo;
mod demo_story;
mod detect;
mod diagnose;
mod digest;
mod doctor;
mod eval;
mod evidence;
mod figures;
mod labelled;
mod learn;
mod learn_diagnosis;
mod learn_extraction;
mod logging;
mod manifest;
mod migrate;
mod r#move;
mod ndjson;
mod replay;
mod serve;
mod token;
mod trainer;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::config::ConfigError;

/// Hears big-change proposals in Slack and asks, in the thread, for the cheapest check that would show the problem.
#[derive(Debug, Parser)]
#[command(name = "secondlook", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the bot
    Serve,
    /// Copy the store into a new file while the bot runs
    Backup(backup::Args),
    /// Try the bot in the browser, in a stand-in for Slack: no account, no keys
    Demo(demo::Args),
    /// Judge whether a message is a proposal
    Detect(detect::Args),
    /// Name the problem classes a symptom smells like, with their cheapest checks
    Diagnose(diagnose::Args),
    /// Show or post the digest of a week
    Digest(digest::Args),
    /// Recognise evidence in a text, read its decisive fact, redact secrets
    Evidence(evidence::Args),
    /// Look for what is wrong with the installation, and say how to fix it
    Doctor(doctor::Args),
    /// Measure what the bot hears on labelled messages
    Eval(eval::Args),
    /// Fit the detector's weights to labelled messages
    Learn(learn::Args),
    /// Fit the ranking's word weights to labelled cases, leaving one fifth out in turn
    LearnDiagnosis(learn_diagnosis::Args),
    /// Fit what tells a proposal's kind, door and problem, leaving one community out in turn
    LearnExtraction(learn_extraction::Args),
    /// Print the app manifest to paste into Slack
    Manifest(manifest::Args),
    /// Look after the tokens of workspaces that installed the app by OAuth
    Token(token::Args),
    /// Bring the store's schema up to date, as `serve` does when it starts
    Migrate,
    /// Move everything into another store, and compare both; stop the bot first
    Move(r#move::Args),
    /// Show what the bot would have said in a workspace, from its Slack export
    Replay(replay::Args),
    /// Make the store from a backup
    Restore(backup::Args),
}

/// Parses the command line and runs the command. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help to stdout with code 0 and mistakes to stderr with code 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match cli.command {
        Command::Serve => blocking(serve::run()),
        Command::Backup(args) => blocking(backup::back_up(args)),
        Command::Restore(args) => blocking(backup::bring_back(args)),
        Command::Demo(args) => blocking(demo::run(args)),
        Command::Detect(args) => detect::run(&args),
        Command::Diagnose(args) => diagnose::run(&args),
        Command::Digest(args) => blocking(digest::run(args)),
        Command::Evidence(args) => evidence::run(&args),
        Command::Doctor(args) => {
            return blocking(doctor::run(args)).unwrap_or_else(|error| failed(&error));
        }
        Command::Eval(args) => eval::run(&args),
        Command::Learn(args) => learn::run(&args),
        Command::LearnDiagnosis(args) => learn_diagnosis::run(&args),
        Command::LearnExtraction(args) => learn_extraction::run(&args),
        Command::Manifest(args) => manifest::run(&args),
        Command::Token(args) => blocking(token::run(args)),
        Command::Migrate => blocking(migrate::run()),
        Command::Move(args) => blocking(r#move::run(args)),
        Command::Replay(args) => replay::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// Runs a command that waits for the network.
fn blocking<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?
        .block_on(command)
}

#[expect(
    clippy::print_stderr,
    reason = "the one place where a command's failure is shown to a person"
)]
fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("secondlook: {error:#}");
    if error.is::<ConfigError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
}
