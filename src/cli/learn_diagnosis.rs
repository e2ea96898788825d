//! `secondlook learn-diagnosis`: learns the ranking's word weights from labelled cases, and measures them honestly.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::diagnose::open;
use crate::domain::ClassId;
use crate::domain::diagnose::learn::{Case, learn};
use crate::domain::diagnose::{Catalog, Symptom, diagnose};

/// Cases are cut into this many parts; each is judged by what was learned from the others.
const FOLDS: usize = 5;

/// Arguments of `learn-diagnosis`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NDJSON of labelled cases: `{"symptom","proposal"?,"class","alt_classes"?}`
    cases: PathBuf,
    /// More cases to learn from, which are not measured
    #[arg(long, value_name = "FILE")]
    with: Vec<PathBuf>,
    /// Write the weights to this file (src/domain/diagnose/catalog/learned.txt)
    #[arg(long)]
    write: Option<PathBuf>,
    /// A catalogue file of your own, read after those that ship with the program
    #[arg(long)]
    own: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let cases = read(&args.cases)?;
    let always =
        args.with.iter().map(|path| read(path)).collect::<anyhow::Result<Vec<_>>>()?.concat();
    let own = args.own.as_deref();
    let mut out = std::io::stdout().lock();
    let measured = |learned: &[Case], held: &[Case]| -> anyhow::Result<Figures> {
        let catalog = open(own)?;
        let model = learn(&catalog, learned);
        Ok(Figures::of(&catalog.with_learned(model), held))
    };
    writeln!(out, "{}", json!({"none_of_them_learned": measured(&always, &cases)?.to_json()}))?;
    let mut left_out = Vec::new();
    for fold in 0..FOLDS {
        let (held, rest) = split(&cases, fold);
        let figures = measured(&[always.as_slice(), &rest].concat(), &held)?;
        writeln!(out, "fold {fold}: {}", figures.to_json())?;
        left_out.push(figures);
    }
    writeln!(out, "{}", json!({"leave_one_fifth_out": Figures::sum(&left_out).to_json()}))?;
    if let Some(path) = &args.write {
        let catalog = open(own)?;
        let all = [always, cases].concat();
        let head = format!(
            "# Learned from the catalogue's own lines and {} cases by `secondlook learn-diagnosis`; do not edit by hand.\n",
            all.len()
        );
        let text = catalog.learned_file(&learn(&catalog, &all), &head);
        std::fs::write(path, text)
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

/// The cases of a file.
fn read(path: &Path) -> anyhow::Result<Vec<Case>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read {}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(case).filter_map(Result::transpose).collect()
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
