//! `secondlook learn-diagnosis`: learns the ranking's word weights from labelled cases, and measures them honestly.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::diagnose::open;
use crate::domain::ClassId;
use crate::domain::diagnose::learn::{Case, learn, to_toml};
use crate::domain::diagnose::{Catalog, Symptom, diagnose};

/// Cases are cut into this many parts; each is judged by what was learned from the others.
const FOLDS: usize = 5;

/// Arguments of `learn-diagnosis`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NDJSON of labelled cases: `{"symptom","proposal"?,"class","alt_classes"?}`
    cases: PathBuf,
    /// Write the weights to this file (src/domain/diagnose/catalog/learned.toml)
    #[arg(long)]
    write: Option<PathBuf>,
    /// A catalogue file of your own, read after those that ship with the program
    #[arg(long)]
    own: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&args.cases)
        .with_context(|| format!("could not read {}", args.cases.display()))?;
    let cases: Vec<Case> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(case)
        .filter_map(Result::transpose)
        .collect::<anyhow::Result<_>>()?;
    let own = args.own.as_deref();
    let mut out = std::io::stdout().lock();
    let mut left_out = Vec::new();
    for fold in 0..FOLDS {
        let (held, rest) = split(&cases, fold);
        let catalog = open(own)?;
        let weights = learn(&catalog, &rest);
        left_out.push(Figures::of(&catalog.with_learned(weights), &held));
    }
    for (fold, figures) in left_out.iter().enumerate() {
        writeln!(out, "fold {fold}: {}", figures.to_json())?;
    }
    writeln!(out, "{}", json!({"leave_one_fifth_out": Figures::sum(&left_out).to_json()}))?;
    if let Some(path) = &args.write {
        let catalog = open(own)?;
        let head = format!(
            "# Learned from {} cases by `secondlook learn-diagnosis`; do not edit by hand.\n",
            cases.len()
        );
        let text = to_toml(&catalog, &learn(&catalog, &cases), &head);
        std::fs::write(path, text)
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

fn split(cases: &[Case], fold: usize) -> (Vec<Case>, Vec<Case>) {
    let (mut held, mut rest) = (Vec::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        if number % FOLDS == fold { held.push(case.clone()) } else { rest.push(case.clone()) }
    }
    (held, rest)
}

/// One line as a case; none when it is marked as not fit for scoring.
fn case(line: &str) -> anyhow::Result<Option<Case>> {
    let row: Value = serde_json::from_str(line).context("a line is not JSON")?;
    if row.get("score_eligible") == Some(&Value::Bool(false)) {
        return Ok(None);
    }
    let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    let also = row.get("alt_classes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(Some(Case {
        symptom: text("symptom").context("a case has no symptom")?,
        proposal: text("proposal"),
        class: ClassId(text("class").context("a case has no class")?),
        also: also.iter().filter_map(Value::as_str).map(ClassId::from).collect(),
    }))
}

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    cases: u32,
    hit1: u32,
    hit3: u32,
    lenient3: u32,
    family3: u32,
}

impl Figures {
    fn of(catalog: &Catalog, cases: &[Case]) -> Self {
        let mut figures = Self::default();
        for case in cases {
            let symptom = Symptom {
                symptom: &case.symptom,
                proposal: case.proposal.as_deref(),
                readings: &[],
            };
            let named: Vec<ClassId> =
                diagnose(catalog, &symptom).suspects.into_iter().map(|s| s.class).collect();
            let family = |id: &ClassId| catalog.class(id).map(|c| c.family.as_str());
            let top = &named[..named.len().min(3)];
            let mut families = Vec::new();
            for family in named.iter().map(family) {
                if !families.contains(&family) {
                    families.push(family);
                }
            }
            figures.cases += 1;
            figures.hit1 += u32::from(named.first() == Some(&case.class));
            figures.hit3 += u32::from(top.contains(&case.class));
            figures.lenient3 +=
                u32::from(top.iter().any(|c| *c == case.class || case.also.contains(c)));
            figures.family3 +=
                u32::from(families.iter().take(3).any(|f| *f == family(&case.class)));
        }
        figures
    }

    fn sum(all: &[Self]) -> Self {
        all.iter().fold(Self::default(), |sum, one| Self {
            cases: sum.cases + one.cases,
            hit1: sum.hit1 + one.hit1,
            hit3: sum.hit3 + one.hit3,
            lenient3: sum.lenient3 + one.lenient3,
            family3: sum.family3 + one.family3,
        })
    }

    fn to_json(self) -> Value {
        let share =
            |n: u32| (1000.0 * f64::from(n) / f64::from(self.cases.max(1))).round() / 1000.0;
        json!({
            "cases": self.cases, "hit1": share(self.hit1), "hit3": share(self.hit3),
            "lenient3": share(self.lenient3), "family3": share(self.family3),
        })
    }
}
