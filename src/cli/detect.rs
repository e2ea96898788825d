//! `secondlook detect`: what the detector makes of a message.

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use super::ndjson;
use crate::domain::detect::{Packs, Verdict, detect};
use crate::domain::policy::{Silence, worth_speaking};

/// Arguments of `detect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The message; without it and with --json, NDJSON is read from standard input
    text: Option<String>,
    /// Read NDJSON `{"id","text","context"?}` and write one line per line; offsets count characters
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let packs = Packs::embedded()
        .map_err(|reason| anyhow!(reason))
        .context("could not load the phrase packs")?;
    let stdout = std::io::stdout();
    if args.json {
        return ndjson::each_line(std::io::stdin().lock(), stdout.lock(), |row| {
            answer(&packs, row)
        });
    }
    let text = args
        .text
        .as_deref()
        .context("nothing to judge: give a message, or --json and NDJSON on standard input")?;
    show(&mut stdout.lock(), text, &detect(&packs, text, &[])).context("could not write the answer")
}

/// The verdict for a person: the message with the matched words marked, the reasons, what was read from it.
fn show(out: &mut impl std::io::Write, text: &str, verdict: &Verdict) -> std::io::Result<()> {
    let heard = if verdict.proposal { "a proposal" } else { "not a proposal" };
    writeln!(
        out,
        "{heard}, confidence {:.2} (pack {})\n\n  {}\n",
        verdict.confidence,
        verdict.language,
        marked(text, verdict)
    )?;
    for reason in &verdict.reasons {
        writeln!(out, "  · {reason}")?;
    }
    if !verdict.proposal {
        return Ok(());
    }
    let said = |words: &Option<String>| words.as_deref().unwrap_or("not said").replace('\n', " ");
    writeln!(
        out,
        "\nkind      {}\nfrom      {}\nto        {}",
        verdict.kind,
        said(&verdict.from),
        said(&verdict.to)
    )?;
    writeln!(out, "problem   {}", said(&verdict.problem))?;
    let evidence: Vec<&str> = verdict.evidence.iter().map(|kind| kind.as_str()).collect();
    writeln!(
        out,
        "evidence  {}",
        if evidence.is_empty() { "none".to_owned() } else { evidence.join(", ") }
    )?;
    let scale =
        if verdict.scale.is_empty() { "not said".to_owned() } else { verdict.scale.join(", ") };
    writeln!(out, "scale     {scale}\nstance    {}\ndoor      {}", verdict.stance, verdict.door)
}

/// The text with each matched span in brackets; where spans overlap the first one counts.
fn marked(text: &str, verdict: &Verdict) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for span in verdict.spans.iter().filter(|s| s.rule.contains('.')) {
        if span.start < at {
            continue;
        }
        shown.push_str(&text[at..span.start]);
        shown.push('[');
        shown.push_str(&text[span.start..span.end]);
        shown.push(']');
        at = span.end;
    }
    shown.push_str(&text[at..]);
    shown.replace('\n', "\n  ")
}

fn answer(packs: &Packs, row: &Value) -> Result<Value, String> {
    let text = ndjson::text_field(row, "text")?;
    let context: Vec<&str> = match row.get("context") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(texts)) => texts
            .iter()
            .map(|t| t.as_str().ok_or_else(|| "\"context\" must be a list of strings".to_owned()))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err("\"context\" must be a list of strings".to_owned()),
    };
    Ok(to_json(text, &detect(packs, text, &context)))
}

fn to_json(text: &str, verdict: &Verdict) -> Value {
    let chars = |byte: usize| text.get(..byte).map_or(0, |t| t.chars().count());
    let speak = worth_speaking(verdict);
    json!({
        "proposal": verdict.proposal,
        "speak": speak.is_ok(),
        "why_silent": speak.err().map(Silence::as_str),
        "confidence": (verdict.confidence * 10_000.0).round() / 10_000.0,
        "kind": verdict.kind.as_str(),
        "from": verdict.from,
        "to": verdict.to,
        "problem": verdict.problem,
        "evidence": verdict.evidence.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "stance": verdict.stance.as_str(),
        "door": verdict.door.as_str(),
        "spans": verdict.spans.iter().map(|s| json!([chars(s.start), chars(s.end), s.rule])).collect::<Vec<_>>(),
        "reasons": verdict.reasons,
    })
}
