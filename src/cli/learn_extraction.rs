//! `secondlook learn-extraction`: fits what the facts of a proposal weigh for its kind, door and problem, one community left out in turn.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use serde_json::Value;

use super::figures::share;
use super::labelled::{self, Labelled};
use super::trainer::{Example, Model, fit};
use crate::domain::detect::{Facts, Learned, Packs};
use crate::domain::{Door, Kind};

/// Arguments of `learn-extraction`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NDJSON files of labelled messages; of those with "label":"SPEAK" the fields "kind", "door" and "problem" are learned
    #[arg(long, required = true, num_args = 1..)]
    labelled: Vec<PathBuf>,
    /// Where to write the weights; without it only the figures are printed
    #[arg(long)]
    out: Option<PathBuf>,
    /// Strength of the pull towards zero
    #[arg(long, default_value_t = 2.0)]
    l2: f64,
    /// Leave out facts that fewer messages show
    #[arg(long, default_value_t = 4)]
    seen: usize,
    /// Print this many proposals that are read wrong when their community is left out
    #[arg(long, default_value_t = 0)]
    errors: usize,
    /// Leave out facts whose name begins with this, to see what they are worth
    #[arg(long)]
    without: Vec<String>,
}

/// A labelled proposal and its facts.
struct Proposal {
    row: Labelled,
    facts: Facts,
}

/// One question: what the label says, and which answers there are.
struct Question {
    name: &'static str,
    answers: Vec<&'static str>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let packs = Packs::embedded().map_err(|reason| anyhow!(reason))?;
    let proposals = proposals(args, &packs)?;
    let questions = [
        Question { name: "kind", answers: Kind::ALL.iter().map(|k| k.as_str()).collect() },
        Question { name: "door", answers: Door::ALL.iter().map(|d| d.as_str()).collect() },
        Question { name: "problem", answers: vec!["stated"] },
    ];
    let mut out = std::io::stdout().lock();
    let mut learned = Learned::default();
    for question in &questions {
        let asked: Vec<&Proposal> =
            proposals.iter().filter(|p| truth(question, &p.row).is_some()).collect();
        let told = left_out(args, question, &asked);
        print_figures(&mut out, args, question, &asked, &told)?;
        learn(args, question, &asked, &mut learned);
    }
    if let Some(file) = &args.out {
        std::fs::write(file, learned.to_toml()).context("could not write the weights")?;
    }
    Ok(())
}

fn proposals(args: &Args, packs: &Packs) -> anyhow::Result<Vec<Proposal>> {
    let mut proposals = Vec::new();
    for row in labelled::read(&args.labelled)? {
        if row.proposal != Some(true) {
            continue;
        }
        let context: Vec<&str> = row.context.iter().map(String::as_str).collect();
        let Some(mut facts) = packs.facts(&row.text, &context) else { continue };
        let keep = |fact: &String| !args.without.iter().any(|part| fact.starts_with(part));
        facts.subject.retain(keep);
        facts.clauses.iter_mut().for_each(|clause| clause.retain(keep));
        proposals.push(Proposal { row, facts });
    }
    Ok(proposals)
}

/// What the label says; the problem is labelled as stated or not.
fn truth(question: &Question, row: &Labelled) -> Option<String> {
    match row.row.get(question.name)? {
        Value::String(answer) => Some(answer.clone()),
        Value::Bool(stated) => Some(if *stated { "stated" } else { "none" }.to_owned()),
        _ => None,
    }
}

/// One model an answer, over numbered facts.
struct Models {
    numbers: HashMap<String, usize>,
    by_answer: Vec<Model>,
}

impl Models {
    fn fit(args: &Args, question: &Question, proposals: &[&Proposal]) -> Self {
        let mut seen: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for proposal in proposals {
            let here: BTreeSet<&String> =
                facts(question, &proposal.facts).into_iter().flatten().collect();
            for fact in here {
                let (messages, sources) = seen.entry(fact).or_default();
                *messages += 1;
                sources.insert(source(&proposal.row));
            }
        }
        // What only one source says is about that source.
        let kept = seen.into_iter().filter(|(_, (n, of))| *n >= args.seen && of.len() > 1);
        let numbers: HashMap<String, usize> =
            kept.enumerate().map(|(number, (fact, _))| (fact.to_owned(), number)).collect();
        let mut pulls = vec![args.l2; numbers.len()];
        for (fact, number) in &numbers {
            if fact.contains(" & ") {
                pulls[*number] *= 2.0;
            }
        }
        let by_answer = question
            .answers
            .iter()
            .map(|answer| {
                let examples: Vec<Example> = proposals
                    .iter()
                    .map(|p| {
                        let yes = truth(question, &p.row).as_deref() == Some(answer);
                        example(question, &numbers, yes, &p.facts)
                    })
                    .collect();
                fit(&examples.iter().collect::<Vec<_>>(), &pulls)
            })
            .collect();
        Self { numbers, by_answer }
    }

    fn answer(&self, question: &Question, facts: &Facts) -> String {
        let example = example(question, &self.numbers, false, facts);
        let scores = self.by_answer.iter().map(|model| model.score(&example).0);
        let best = scores.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        match best {
            Some((_, score))
                if self.by_answer.len() == 1 && (score <= 0.0 || facts.clauses.is_empty()) =>
            {
                "none".to_owned()
            }
            Some((at, _)) => question.answers[at].to_owned(),
            None => String::new(),
        }
    }
}

/// The community, or the file.
fn source(row: &Labelled) -> &str {
    row.group.split_once('/').map_or(&row.group, |(file, _)| file)
}

/// The facts that bear on a question: of the message, or of each of its clauses.
fn facts<'f>(question: &Question, facts: &'f Facts) -> Vec<&'f Vec<String>> {
    if question.name == "problem" { facts.clauses.iter().collect() } else { vec![&facts.subject] }
}

fn example(
    question: &Question,
    numbers: &HashMap<String, usize>,
    yes: bool,
    found: &Facts,
) -> Example {
    let number = |list: &Vec<String>| list.iter().filter_map(|f| numbers.get(f)).copied().collect();
    let clauses = facts(question, found).into_iter().map(number).collect();
    let target = f64::from(u8::from(yes));
    Example { target, weight: 1.0, message: Vec::new(), clauses, terms: Vec::new() }
}

/// The answer to every proposal by weights that have not seen its community.
fn left_out(args: &Args, question: &Question, proposals: &[&Proposal]) -> Vec<String> {
    let mut groups: Vec<&str> = proposals.iter().map(|p| p.row.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut told = vec![String::new(); proposals.len()];
    for group in groups {
        let others: Vec<&Proposal> =
            proposals.iter().filter(|p| p.row.group != group).copied().collect();
        let models = Models::fit(args, question, &others);
        for (at, proposal) in proposals.iter().enumerate().filter(|(_, p)| p.row.group == group) {
            told[at] = models.answer(question, &proposal.facts);
        }
    }
    told
}

fn learn(args: &Args, question: &Question, proposals: &[&Proposal], learned: &mut Learned) {
    let models = Models::fit(args, question, proposals);
    for (answer, model) in question.answers.iter().zip(&models.by_answer) {
        learned.set(question.name, answer, None, model.bias);
        for (fact, number) in &models.numbers {
            learned.set(question.name, answer, Some(fact), model.weights[*number]);
        }
    }
}

/// Figures by file and for all communities, and the wrong ones.
fn print_figures(
    out: &mut impl Write,
    args: &Args,
    question: &Question,
    proposals: &[&Proposal],
    told: &[String],
) -> std::io::Result<()> {
    let mut families: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (proposal, told) in proposals.iter().zip(told) {
        let right = truth(question, &proposal.row).as_ref() == Some(told);
        let named = !proposal.row.group.contains('/');
        let family = if named { "communities" } else { source(&proposal.row) };
        let count = families.entry(family).or_default();
        count.0 += usize::from(right);
        count.1 += 1;
        if !right {
            wrong.push((proposal, told));
        }
    }
    for (family, (right, all)) in families {
        writeln!(out, "{:8} {family:20} {:.3} of {all}", question.name, share(right, all))?;
    }
    for (proposal, told) in wrong.into_iter().take(args.errors) {
        let text: String = proposal.row.text.chars().take(200).collect();
        let truth = truth(question, &proposal.row).unwrap_or_default();
        writeln!(out, "  {} is {truth}, read {told} | {text:?}", proposal.row.id)?;
    }
    Ok(())
}
