//! `secondlook evidence`: what a text, link or file shows, and the text without its secrets.

use std::io::Write as _;

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use super::ndjson;
use crate::app::ports::{Clock as _, SystemClock};
use crate::domain::ClassId;
use crate::domain::evidence::{
    Finding, Reading, Recognisers, Redacted, Source, recognise_on, redact,
};

/// Arguments of `evidence`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The text; without it, standard input is read
    text: Option<String>,
    /// Read NDJSON `{"id","text"}`, `{"id","url"}` or `{"id","filename","text"}`, write one line per line; offsets count characters
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let recognisers = Recognisers::embedded()
        .map_err(|reason| anyhow!(reason))
        .context("could not load the recognisers")?;
    let stdout = std::io::stdout();
    if args.json {
        return ndjson::each_line(std::io::stdin().lock(), stdout.lock(), |row| {
            answer(&recognisers, row)
        });
    }
    let text = if let Some(text) = &args.text {
        text.clone()
    } else {
        std::io::read_to_string(std::io::stdin().lock()).context("could not read standard input")?
    };
    let findings = recognise_on(&recognisers, Source::Text(&text), Some(today()));
    let shown = to_text(&text, &findings, &redact(&recognisers, &text));
    stdout.lock().write_all(shown.as_bytes()).context("could not write the answer")
}

fn today() -> jiff::civil::Date {
    SystemClock.now().to_zoned(jiff::tz::TimeZone::system()).date()
}

/// What a person reads: each finding with its fact, then the text without its secrets.
fn to_text(text: &str, findings: &[Finding], redacted: &Redacted) -> String {
    let mut out = Vec::new();
    if findings.is_empty() {
        out.push("No evidence recognised.".to_owned());
    }
    for finding in findings {
        out.push(format!("{}, {}", finding.kind, lines_of(text, finding.span)));
        match &finding.reading {
            Some(reading) => out.extend(reading_lines(reading)),
            None => out.push("  no decisive fact read".to_owned()),
        }
    }
    out.push(format!("\nSecrets and addresses redacted: {}", redacted.count));
    out.push(format!("{}\n", redacted.text.trim_end()));
    out.join("\n")
}

/// Where it stands, as an editor counts.
fn lines_of(text: &str, span: (usize, usize)) -> String {
    let line_of = |byte: usize| 1 + text.bytes().take(byte).filter(|b| *b == b'\n').count();
    match (line_of(span.0), line_of(span.1)) {
        (first, last) if first == last => format!("line {first}"),
        (first, last) => format!("lines {first}–{last}"),
    }
}

fn reading_lines(reading: &Reading) -> Vec<String> {
    let names = |ids: &[ClassId]| ids.iter().map(ClassId::as_str).collect::<Vec<_>>().join(", ");
    let mut lines = vec![format!("  {}", reading.says), format!("    from: {}", reading.line)];
    if !reading.supports.is_empty() {
        lines.push(format!("    supports: {}", names(&reading.supports)));
    }
    if !reading.against.is_empty() {
        lines.push(format!("    speaks against: {}", names(&reading.against)));
    }
    lines
}

fn answer(recognisers: &Recognisers, row: &Value) -> Result<Value, String> {
    let (source, text) =
        match (ndjson::optional_text(row, "url")?, ndjson::optional_text(row, "filename")?) {
            (Some(url), None) => (Source::Url(url), url),
            (None, Some(name)) => {
                let text = ndjson::text_field(row, "text")?;
                (Source::File { name, text }, text)
            }
            (None, None) => {
                let text = ndjson::text_field(row, "text")?;
                (Source::Text(text), text)
            }
            (Some(_), Some(_)) => return Err("give \"url\" or \"filename\", not both".to_owned()),
        };
    Ok(to_json(text, &recognise_on(recognisers, source, Some(today())), &redact(recognisers, text)))
}

fn to_json(text: &str, findings: &[Finding], redacted: &Redacted) -> Value {
    let chars = |byte: usize| text.get(..byte).map_or(0, |t| t.chars().count());
    let evidence: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let mut entry = json!({"kind": finding.kind.as_str(), "span": [chars(finding.span.0), chars(finding.span.1)]});
            if let Some(reading) = &finding.reading {
                let ids = |ids: &[ClassId]| ids.iter().map(ClassId::to_string).collect::<Vec<_>>();
                entry["reading"] = json!(reading.says);
                entry["line"] = json!(reading.line);
                entry["supports"] = json!(ids(&reading.supports));
                entry["against"] = json!(ids(&reading.against));
            }
            entry
        })
        .collect();
    json!({"evidence": evidence, "redactions": redacted.count, "redacted": redacted.text})
}
