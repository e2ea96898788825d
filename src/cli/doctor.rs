//! `secondlook doctor`: a line for each check, with the next step where one is needed.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::logging;
use crate::app::ports::SystemClock;
use crate::config::{Logging, Partial};
use crate::doctor::{Finding, Verdict, examine};

/// Checks everything. Exit codes: 0 all is well, 1 something is wrong, 2 the configuration is.
pub(super) async fn run() -> anyhow::Result<ExitCode> {
    let read = Partial::from_env();
    let mut faults = read.faults.clone();
    faults.extend(logging_faults());
    let mut lines: Vec<String> =
        faults.iter().map(|fault| format!("✗ configuration: {fault}")).collect();
    if faults.is_empty() {
        lines.push("✓ configuration: complete".to_owned());
    }
    let findings = examine(&read, &SystemClock).await;
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
