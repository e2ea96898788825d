//! `secondlook doctor`: a line for each check, with the next step where one is needed.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::logging;
use crate::app::ports::SystemClock;
use crate::config::{Logging, Partial};
use crate::doctor::{Finding, Remedy, Verdict, examine, treat};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Try the work that was given up once more, before looking
    #[arg(long, conflicts_with = "forget_parked")]
    retry_parked: bool,
    /// Drop the work that was given up, before looking
    #[arg(long)]
    forget_parked: bool,
}

impl Args {
    fn remedy(&self) -> Option<Remedy> {
        match (self.retry_parked, self.forget_parked) {
            (true, _) => Some(Remedy::Retry),
            (_, true) => Some(Remedy::Forget),
            _ => None,
        }
    }
}

/// Checks everything. Exit codes: 0 all is well, 1 something is wrong, 2 the configuration is.
pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let read = Partial::from_env();
    let mut faults: Vec<String> = read.faults.iter().map(ToString::to_string).collect();
    faults.extend(logging_faults());
    let mut lines: Vec<String> =
        faults.iter().map(|fault| format!("✗ configuration: {fault}")).collect();
    if faults.is_empty() {
        lines.push("✓ configuration: complete".to_owned());
    }
    let mut findings = Vec::new();
    if let Some(remedy) = args.remedy() {
        findings.push(treat(&read, remedy, &SystemClock).await);
    }
    findings.extend(examine(&read, &SystemClock).await);
    lines.extend(findings.iter().map(line));
    writeln!(std::io::stdout().lock(), "{}", lines.join("\n"))
        .context("could not write to standard output")?;
    let wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    Ok(match (faults.is_empty(), wrong) {
        (false, _) => ExitCode::from(2),
        (true, true) => ExitCode::FAILURE,
        (true, false) => ExitCode::SUCCESS,
    })
}

fn logging_faults() -> Option<String> {
    match Logging::from_env() {
        Ok(logging) => logging::filter(&logging).err().map(|error| error.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

fn line(finding: &Finding) -> String {
    let mark = match finding.verdict {
        Verdict::Well => '✓',
        Verdict::Wrong => '✗',
        Verdict::Note => '–',
    };
    let next = finding.next.as_ref().map(|next| format!(" → {next}")).unwrap_or_default();
    format!("{mark} {}: {}{next}", finding.about, finding.found)
}
