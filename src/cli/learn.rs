//! `secondlook learn`: fits the weights of the detector's features to labelled lines, one community left out in turn to see what holds elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};

use super::figures::Figures;
use super::labelled::{self, Labelled};
use super::trainer::{Example, Index, Key, Model, calibrate, fit_apart, logistic};
use crate::domain::detect::{Feature, PackSource, Packs, Term, Weights};

/// What a pack is read with before it is learned.
const NO_WEIGHTS: &str = "bias = 0\nthreshold = 0\nslope = 1\noffset = 0\n[weights]\n";

/// How much one of our own lines counts beside a line somebody really wrote: ours show more ways of putting things,
/// but are tidier than real talk.
const OWN_COUNTS: f64 = 0.5;
/// How much a line counts that readers may judge either way, and how much of a proposal it is taken for.
const EITHER_COUNTS: f64 = 0.3;
const EITHER_TARGET: f64 = 0.35;

/// Arguments of `learn`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NDJSON files of labelled messages: {"id","text","context"?,"label":"SPEAK|SILENT|EITHER","source"?}; a line without label is silent
    #[arg(long, num_args = 1..)]
    labelled: Vec<PathBuf>,
    /// The same, written for the purpose: such a line counts half
    #[arg(long, num_args = 1..)]
    own: Vec<PathBuf>,
    /// The same, only judged: nothing is learned from these
    #[arg(long, num_args = 1..)]
    judged: Vec<PathBuf>,
    /// Where to write the weights; without it only the figures are printed
    #[arg(long)]
    out: Option<PathBuf>,
    /// Strength of the pull towards zero
    #[arg(long, default_value_t = 2.0)]
    l2: f64,
    /// The same for words
    #[arg(long, default_value_t = 0.03)]
    terms_l2: f64,
    /// How much what the words say counts beside the features
    #[arg(long, default_value_t = 0.6)]
    terms_count: f64,
    /// Confidence above which a message is a proposal
    #[arg(long, default_value_t = 0.72)]
    at: f64,
    /// Leave out features that fewer messages show, and words that fewer than twice as many say
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
    let given = rows.len();
    rows.extend(labelled::read(&args.own)?);
    let judged = labelled::read(&args.judged)?;
    let mut index = Index::default();
    let mut examples = examples(args, &packs, &mut index, &rows, true);
    for own in &mut examples[given..] {
        own.weight *= OWN_COUNTS;
    }
    index.leave_out_rare(&mut examples, args.seen);
    let pulls = index.pulls(args.l2, args.terms_l2);
    let bare = self::examples(args, &packs, &mut index, &rows, false);
    let unseen = scores_left_out(&rows, &examples, &bare, &pulls, args.terms_count);
    let labelled = unseen.iter().zip(&rows);
    let scored: Vec<(f64, bool)> =
        labelled.filter_map(|(told, row)| Some((told.score, row.proposal?))).collect();
    let calibration = calibrate(&scored);
    let confidence = |score: f64| logistic(calibration.0 * score + calibration.1);
    let model = fit_apart(&examples.iter().collect::<Vec<_>>(), &pulls, args.terms_count);
    if let Some(file) = &args.out {
        // Before anything is printed: a reader that closes the pipe must not cost the weights.
        let threshold = ((args.at / (1.0 - args.at)).ln() - calibration.1) / calibration.0;
        let weights = weights(&index, &model, threshold, calibration);
        let texts = texts(&packs, &rows);
        let text = weights.to_toml(|f| packs.feature_name(f), |term| texts[&term].clone());
        std::fs::write(file, text).context("could not write the weights")?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} messages, {} features and words", examples.len(), index.keys.len())?;
    let confidences: Vec<f64> = unseen.iter().map(|told| confidence(told.score)).collect();
    print_figures(&mut out, &rows, &confidences, args.at)?;
    writeln!(out, "\nwithout the messages before")?;
    let alone: Vec<f64> = unseen.iter().map(|told| confidence(told.alone)).collect();
    print_figures(&mut out, &rows, &alone, args.at)?;
    if !judged.is_empty() {
        writeln!(out, "\nonly judged")?;
        let examples = self::examples(args, &packs, &mut index, &judged, true);
        let told = examples.iter().map(|example| confidence(model.score(example).0));
        print_figures(&mut out, &judged, &told.collect::<Vec<_>>(), args.at)?;
    }
    let named = |at: usize| {
        let clause = unseen[at].clause.map_or(&[][..], |c| &examples[at].clauses[c]);
        let alone = clause.iter().filter_map(|number| match index.keys[*number] {
            Key::Feature(feature) if feature.width() == 1 => Some(packs.feature_name(feature)),
            _ => None,
        });
        alone.collect::<Vec<_>>().join(" ")
    };
    print_wrong(&mut out, &rows, &confidences, args, named)?;
    Ok(())
}

fn weights(index: &Index, model: &Model, threshold: f64, calibration: (f64, f64)) -> Weights {
    let mut weights = Weights { bias: model.bias, threshold, calibration, ..Weights::default() };
    for (key, weight) in index.keys.iter().zip(&model.weights) {
        match key {
            Key::Feature(feature) => drop(weights.by_feature.insert(*feature, *weight)),
            Key::Term(term) => drop(weights.by_term.insert(*term, *weight)),
        }
    }
    weights
}

fn texts(packs: &Packs, rows: &[Labelled]) -> HashMap<Term, String> {
    rows.iter().flat_map(|row| packs.terms(&row.text)).collect()
}

fn packs(args: &Args) -> anyhow::Result<Packs> {
    let Some(file) = &args.pack else {
        return Packs::embedded().map_err(|reason| anyhow!(reason));
    };
    let phrases = std::fs::read_to_string(file).context("could not read the pack")?;
    let source = PackSource { language: "en", phrases: &phrases, weights: NO_WEIGHTS };
    Packs::from_sources(&[source]).map_err(|reason| anyhow!(reason))
}

fn examples(
    args: &Args,
    packs: &Packs,
    index: &mut Index,
    rows: &[Labelled],
    with_context: bool,
) -> Vec<Example> {
    let keep = |feature: &Feature| {
        let name = packs.feature_name(*feature);
        !args.without.iter().any(|part| name.contains(part))
    };
    let mut example = |row: &Labelled| {
        let context = row.context.iter().filter(|_| with_context).map(String::as_str);
        let mut features = packs.features(&row.text, &context.collect::<Vec<_>>());
        if !args.without.is_empty() {
            features.message.retain(keep);
            features.clauses.iter_mut().for_each(|clause| clause.retain(keep));
            if args.without.iter().any(|part| part == "terms") {
                features.terms.clear();
            }
        }
        match row.proposal {
            Some(yes) => index.example(f64::from(u8::from(yes)), 1.0, &features),
            None => index.example(EITHER_TARGET, EITHER_COUNTS, &features),
        }
    };
    rows.iter().map(&mut example).collect()
}

/// What weights that have not seen a message's community make of it.
#[derive(Clone, Copy, Default)]
struct Told {
    score: f64,
    /// The clause that decided.
    clause: Option<usize>,
    /// The score without the messages before it.
    alone: f64,
}

fn scores_left_out(
    rows: &[Labelled],
    examples: &[Example],
    bare: &[Example],
    pulls: &[f64],
    terms_count: f64,
) -> Vec<Told> {
    let mut groups: Vec<&str> = rows.iter().map(|row| row.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let run = |groups: &[&str]| {
        let mut found = Vec::new();
        for group in groups {
            let seen = |(_, row): &(&Example, &Labelled)| row.group != *group;
            let others: Vec<&Example> =
                examples.iter().zip(rows).filter(seen).map(|pair| pair.0).collect();
            let model = fit_apart(&others, pulls, terms_count);
            for at in (0..rows.len()).filter(|at| rows[*at].group == *group) {
                let (score, clause) = model.score(&examples[at]);
                found.push((at, Told { score, clause, alone: model.score(&bare[at]).0 }));
            }
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
    let mut all = vec![Told::default(); rows.len()];
    for (at, told) in found {
        all[at] = told;
    }
    all
}

/// Figures by community, for all labelled messages of those, and for all ordinary ones.
fn print_figures(
    out: &mut impl Write,
    rows: &[Labelled],
    confidences: &[f64],
    at: f64,
) -> std::io::Result<()> {
    let mut families: BTreeMap<&str, Vec<(f64, bool)>> = BTreeMap::new();
    for (row, confidence) in rows.iter().zip(confidences) {
        let Some(proposal) = row.proposal else { continue };
        let pair = (*confidence, proposal);
        let (family, fold) = row.group.split_once('/').unwrap_or((&row.group, ""));
        families.entry(family).or_default().push(pair);
        if fold.is_empty() {
            let all = if row.has_label { "all communities" } else { "ordinary" };
            families.entry(all).or_default().push(pair);
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
    let is_wrong = |at: &usize| rows[*at].proposal == Some(confidences[*at] <= args.at);
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
