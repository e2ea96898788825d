//! `secondlook learn`: fits the weights of the detector's features to labelled lines, one community left out in turn to see what holds elsewhere.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};

use super::figures::Figures;
use super::labelled::{self, Labelled};
use super::trainer::{Example, Index, calibrate, fit, logistic};
use crate::domain::detect::{Feature, PackSource, Packs, Weights};

/// What a pack is read with before it is learned.
const NO_WEIGHTS: &str = "bias = 0\nthreshold = 0\nslope = 1\noffset = 0\n[weights]\n";

/// Arguments of `learn`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NDJSON files of labelled messages: {"id","text","context"?,"label":"SPEAK|SILENT|EITHER","source"?}; EITHER is left out
    #[arg(long, required = true, num_args = 1..)]
    labelled: Vec<PathBuf>,
    /// Where to write the weights; without it only the figures are printed
    #[arg(long)]
    out: Option<PathBuf>,
    /// Strength of the pull towards zero
    #[arg(long, default_value_t = 3.0)]
    l2: f64,
    /// Confidence above which a message is a proposal
    #[arg(long, default_value_t = 0.65)]
    at: f64,
    /// Leave out features that fewer messages show
    #[arg(long, default_value_t = 6)]
    seen: usize,
    /// Print this many lines that are wrong when their community is left out
    #[arg(long, default_value_t = 0)]
    errors: usize,
    /// Leave out features whose name contains this, to see what they are worth
    #[arg(long)]
    without: Vec<String>,
    /// A phrase pack to use instead of the embedded English one
    #[arg(long)]
    pack: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let packs = packs(args)?;
    let mut rows = labelled::read(&args.labelled)?;
    rows.retain(|row| row.proposal.is_some());
    let mut index = Index::default();
    let mut examples: Vec<Example> =
        rows.iter().map(|row| example(args, &packs, &mut index, row)).collect();
    index.leave_out_rare(&mut examples, args.seen);
    let pulls = index.pulls(args.l2);
    let unseen = scores_left_out(&rows, &examples, &pulls);
    let scored: Vec<(f64, bool)> =
        unseen.iter().zip(&examples).map(|(s, e)| (s.0, e.proposal)).collect();
    let (slope, offset) = calibrate(&scored);
    let confidences: Vec<f64> = scored.iter().map(|s| logistic(slope * s.0 + offset)).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} messages, {} features", examples.len(), index.features.len())?;
    print_figures(&mut out, &rows, &confidences, args.at)?;
    let clause = |at: usize| -> &[usize] { unseen[at].1.map_or(&[], |c| &examples[at].clauses[c]) };
    let named = |at: usize| {
        let alone = clause(at).iter().map(|f| index.features[*f]).filter(|f| f.width() == 1);
        alone.map(|f| packs.feature_name(f)).collect::<Vec<_>>().join(" ")
    };
    print_wrong(&mut out, &rows, &confidences, args, named)?;
    if let Some(file) = &args.out {
        let all: Vec<&Example> = examples.iter().collect();
        let model = fit(&all, &pulls);
        let threshold = ((args.at / (1.0 - args.at)).ln() - offset) / slope;
        let by_feature = index.features.iter().copied().zip(model.weights).collect();
        let calibration = (slope, offset);
        let weights = Weights { bias: model.bias, threshold, calibration, by_feature };
        std::fs::write(file, weights.to_toml(|f| packs.feature_name(f)))
            .context("could not write the weights")?;
    }
    Ok(())
}

fn packs(args: &Args) -> anyhow::Result<Packs> {
    let Some(file) = &args.pack else {
        return Packs::embedded().map_err(|reason| anyhow!(reason));
    };
    let phrases = std::fs::read_to_string(file).context("could not read the pack")?;
    let source = PackSource { language: "en", phrases: &phrases, weights: NO_WEIGHTS };
    Packs::from_sources(&[source]).map_err(|reason| anyhow!(reason))
}

fn example(args: &Args, packs: &Packs, index: &mut Index, row: &Labelled) -> Example {
    let context: Vec<&str> = row.context.iter().map(String::as_str).collect();
    let mut features = packs.features(&row.text, &context);
    if !args.without.is_empty() {
        let keep = |feature: &Feature| {
            let name = packs.feature_name(*feature);
            !args.without.iter().any(|part| name.contains(part))
        };
        features.message.retain(keep);
        features.clauses.iter_mut().for_each(|clause| clause.retain(keep));
    }
    index.example(row.proposal == Some(true), &features)
}

/// The score of every message by weights that have not seen its community, and the clause that decided.
fn scores_left_out(
    rows: &[Labelled],
    examples: &[Example],
    pulls: &[f64],
) -> Vec<(f64, Option<usize>)> {
    let mut groups: Vec<&str> = rows.iter().map(|row| row.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let run = |groups: &[&str]| {
        let mut found = Vec::new();
        for group in groups {
            let seen = |(_, row): &(&Example, &Labelled)| row.group != *group;
            let others: Vec<&Example> =
                examples.iter().zip(rows).filter(seen).map(|pair| pair.0).collect();
            let model = fit(&others, pulls);
            let unseen = (0..rows.len()).filter(|at| rows[*at].group == *group);
            found.extend(unseen.map(|at| (at, model.score(&examples[at]))));
        }
        found
    };
    let (one, other) = groups.split_at(groups.len() / 2);
    let found = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(other));
        let mut found = run(one);
        found.extend(other.join().expect("fitting does not panic"));
        found
    });
    let mut scores = vec![(0.0, None); rows.len()];
    for (at, score) in found {
        scores[at] = score;
    }
    scores
}

/// Figures by community, and for all of those that name one.
fn print_figures(
    out: &mut impl Write,
    rows: &[Labelled],
    confidences: &[f64],
    at: f64,
) -> std::io::Result<()> {
    let mut families: BTreeMap<&str, Vec<(f64, bool)>> = BTreeMap::new();
    for (row, confidence) in rows.iter().zip(confidences) {
        let pair = (*confidence, row.proposal == Some(true));
        let (family, fold) = row.group.split_once('/').unwrap_or((&row.group, ""));
        families.entry(family).or_default().push(pair);
        if fold.is_empty() {
            families.entry("all communities").or_default().push(pair);
        }
    }
    for (family, pairs) in &families {
        let f = Figures::of(pairs, at);
        writeln!(
            out,
            "{family:24} n {:5} yes {:4}  AP {:.3}  P {:.3} R {:.3} at {at:.2}  R@P80 {:.3} R@P90 {:.3}  wrong {:3}",
            pairs.len(),
            f.positives,
            f.average_precision,
            f.precision,
            f.recall,
            f.recall_at(pairs, 0.8),
            f.recall_at(pairs, 0.9),
            f.wrong
        )?;
    }
    Ok(())
}

/// The lines judged wrong by weights that had not seen their community, the surest first.
fn print_wrong(
    out: &mut impl Write,
    rows: &[Labelled],
    confidences: &[f64],
    args: &Args,
    clause: impl Fn(usize) -> String,
) -> std::io::Result<()> {
    let is_wrong = |at: &usize| (confidences[*at] > args.at) != (rows[*at].proposal == Some(true));
    let mut wrong: Vec<usize> = (0..rows.len()).filter(is_wrong).collect();
    let far = |at: usize| (confidences[at] - 0.5).abs();
    wrong.sort_by(|a, b| far(*b).total_cmp(&far(*a)));
    for at in wrong.into_iter().take(args.errors) {
        let row = &rows[at];
        let what = if row.proposal == Some(true) { "missed" } else { "spoke " };
        let text: String = row.text.chars().take(230).collect();
        writeln!(out, "{what} {:.2} {} | {text:?}\n      {}", confidences[at], row.id, clause(at))?;
    }
    Ok(())
}
