//! What the facts of a proposal weigh: learned by `secondlook learn-extraction`, kept as data beside the packs.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::super::pack::line_of;

/// A weight smaller than this decides nothing and is not written down.
const WORTH_KEEPING: f64 = 0.08;
/// The fact that always holds.
const ALWAYS: &str = "always";

/// Weights by fact and answer.
type Table = HashMap<String, BTreeMap<String, f64>>;

/// Weights by question ("kind", "door", "problem"), fact and answer.
#[derive(Debug, Default)]
pub struct Learned(BTreeMap<String, Table>);

impl Learned {
    /// Reads the weights. A fault names file, line and reason.
    pub(in super::super) fn parse(file: &str, text: &str) -> Result<Self, String> {
        let tables = toml::from_str(text).map_err(|fault| {
            let line = fault.span().map_or(1, |s| line_of(text, s.start));
            format!("{file}:{line}: {}", fault.message())
        })?;
        Ok(Self(tables))
    }

    /// Notes a weight; `None` for the fact that always holds.
    pub fn set(&mut self, question: &str, answer: &str, fact: Option<&str>, weight: f64) {
        if fact.is_some() && weight.abs() < WORTH_KEEPING {
            return;
        }
        let table = self.0.entry(question.to_owned()).or_default();
        let answers = table.entry(fact.unwrap_or(ALWAYS).to_owned()).or_default();
        answers.insert(answer.to_owned(), weight);
    }

    /// The score of every answer.
    fn scores(&self, question: &str, facts: &[String]) -> BTreeMap<&str, f64> {
        let mut scores = BTreeMap::new();
        let Some(table) = self.0.get(question) else { return scores };
        let facts = facts.iter().map(String::as_str).chain([ALWAYS]);
        for (answer, weight) in facts.filter_map(|fact| table.get(fact)).flatten() {
            *scores.entry(answer.as_str()).or_default() += weight;
        }
        scores
    }

    /// The answer the facts speak for most.
    pub(super) fn best(&self, question: &str, facts: &[String]) -> Option<&str> {
        let scores = self.scores(question, facts);
        scores.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|best| best.0)
    }

    /// How much the facts speak for an answer; above zero they do.
    pub(super) fn score(&self, question: &str, answer: &str, facts: &[String]) -> f64 {
        self.scores(question, facts).get(answer).copied().unwrap_or(-1.0)
    }

    /// The weights as data, in alphabetical order.
    pub fn to_toml(&self) -> String {
        let mut out = String::from(
            "# What the facts of a proposal weigh. Written by `secondlook learn-extraction`; do not edit by hand.\n",
        );
        for (question, table) in &self.0 {
            let _ = writeln!(out, "\n[{question}]");
            let facts: BTreeMap<_, _> = table.iter().collect();
            for (fact, answers) in facts {
                let answers: Vec<String> = answers
                    .iter()
                    .map(|(answer, weight)| format!("{answer} = {weight:.2}"))
                    .collect();
                let _ = writeln!(out, "\"{fact}\" = {{ {} }}", answers.join(", "));
            }
        }
        out
    }
}
