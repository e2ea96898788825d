//! `secondlook eval detect`: figures of the detector on labelled lines, and the lines it gets wrong.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;

use super::figures::{Figures, share};
use super::labelled::{self, Labelled};
use crate::domain::detect::{Packs, Verdict, detect};

/// Arguments of `eval`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The detector: precision, recall, average precision, calibration, and the wrong ones
    Detect(DetectArgs),
}

#[derive(Debug, clap::Args)]
struct DetectArgs {
    /// NDJSON files of labelled messages: {"id","text","context"?,"label":"SPEAK|SILENT|EITHER"}
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Judge each message without the ones before it
    #[arg(long)]
    without_context: bool,
    /// How many of the wrong ones are printed
    #[arg(long, default_value_t = 40)]
    errors: usize,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let What::Detect(args) = &args.what;
    let packs = Packs::embedded().map_err(|reason| anyhow!(reason))?;
    let rows = labelled::read(&args.files)?;
    let judged: Vec<(&Labelled, Verdict)> = rows
        .iter()
        .map(|row| {
            let context: Vec<&str> = if args.without_context {
                Vec::new()
            } else {
                row.context.iter().map(String::as_str).collect()
            };
            (row, detect(&packs, &row.text, &context))
        })
        .collect();
    let mut out = std::io::stdout().lock();
    for (row, verdict) in
        judged.iter().filter(|(r, v)| r.proposal == Some(!v.proposal)).take(args.errors)
    {
        let what = if verdict.proposal { "spoke " } else { "missed" };
        let text: String = row.text.chars().take(160).collect();
        writeln!(
            out,
            "{what} {:.2} {} | {text:?} | {}",
            verdict.confidence,
            row.id,
            verdict.reasons.join("; ")
        )?;
    }
    print_figures(&mut out, &judged)?;
    print_calibration(&mut out, &judged)?;
    print_extraction(&mut out, &judged)?;
    Ok(())
}

fn pairs(judged: &[(&Labelled, Verdict)]) -> Vec<(f64, bool)> {
    judged.iter().filter_map(|(row, verdict)| Some((verdict.confidence, row.proposal?))).collect()
}

fn print_figures(
    out: &mut impl std::io::Write,
    judged: &[(&Labelled, Verdict)],
) -> std::io::Result<()> {
    let said = |want: Option<bool>| {
        judged.iter().filter(|(r, v)| r.proposal == want && v.proposal).count()
    };
    let all = |want: Option<bool>| judged.iter().filter(|(r, _)| r.proposal == want).count();
    let (right, wrong) = (said(Some(true)), said(Some(false)));
    let pairs = pairs(judged);
    let figures = Figures::of(&pairs, 0.5);
    writeln!(
        out,
        "messages {}: {} proposals, {} not, {} either",
        judged.len(),
        all(Some(true)),
        all(Some(false)),
        all(None)
    )?;
    writeln!(
        out,
        "precision {:.3} ({right} of {})  recall {:.3}  average precision {:.3}  recall at precision 0.8: {:.3}  at 0.9: {:.3}",
        share(right, right + wrong),
        right + wrong,
        share(right, all(Some(true))),
        figures.average_precision,
        figures.recall_at(&pairs, 0.8),
        figures.recall_at(&pairs, 0.9)
    )?;
    writeln!(out, "said of the either ones: {:.3}", share(said(None), all(None)))
}

/// Of the messages given a confidence, how many are proposals.
fn print_calibration(
    out: &mut impl std::io::Write,
    judged: &[(&Labelled, Verdict)],
) -> std::io::Result<()> {
    writeln!(out, "confidence      n  proposals  share")?;
    let pairs = pairs(judged);
    for tenth in 0..10_u8 {
        let (low, high) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
        let inside: Vec<_> =
            pairs.iter().filter(|p| p.0 >= low && (p.0 < high || tenth == 9)).collect();
        let yes = inside.iter().filter(|p| p.1).count();
        writeln!(
            out,
            "{low:.1}–{high:.1}    {:6}  {yes:9}  {:.2}",
            inside.len(),
            share(yes, inside.len())
        )?;
    }
    Ok(())
}

/// Kind, door, problem and evidence, where the labels name them, among the proposals that were heard.
fn print_extraction(
    out: &mut impl std::io::Write,
    judged: &[(&Labelled, Verdict)],
) -> std::io::Result<()> {
    let heard = || judged.iter().filter(|(r, v)| r.proposal == Some(true) && v.proposal);
    let text =
        |row: &Labelled, key: &str| row.row.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let truth = |row: &Labelled, key: &str| row.row.get(key).and_then(serde_json::Value::as_bool);
    let mut line = |name: &str, checked: Vec<bool>| {
        let right = checked.iter().filter(|ok| **ok).count();
        writeln!(out, "{name:9} {:.3} of {}", share(right, checked.len()), checked.len())
    };
    line("kind", heard().filter_map(|(r, v)| Some(text(r, "kind")? == v.kind.as_str())).collect())?;
    line("door", heard().filter_map(|(r, v)| Some(text(r, "door")? == v.door.as_str())).collect())?;
    line(
        "problem",
        heard().filter_map(|(r, v)| Some(truth(r, "problem")? == v.problem.is_some())).collect(),
    )?;
    line(
        "evidence",
        heard().filter_map(|(r, v)| Some(truth(r, "evidence")? != v.evidence.is_empty())).collect(),
    )
}
