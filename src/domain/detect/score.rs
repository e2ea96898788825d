//! Adds up the weights of a message's features: the message's own plus those of its strongest clause and its words.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use serde::Deserialize;

use super::atoms::{Feature, Names};
use super::features::Features;
use super::pack::line_of;
use super::terms::Term;

/// Weights of one language's features, learned by `secondlook learn`.
#[derive(Debug, Default)]
pub struct Weights {
    /// Added to every score.
    pub bias: f64,
    /// Score above which a message is a proposal.
    pub threshold: f64,
    /// Confidence is the logistic of `slope × score + offset`, fitted on messages the weights had not seen.
    pub calibration: (f64, f64),
    /// Weight by feature.
    pub by_feature: ByNumber<Feature>,
    /// Weight by term; see [`Weights::score`].
    pub by_term: ByNumber<Term>,
}

/// Weights by what is a number already.
pub type ByNumber<K> = HashMap<K, f64, BuildHasherDefault<Mixed>>;

/// One multiplication spreads a number well enough. What stands in the table is ours, so nobody can crowd it.
#[derive(Debug, Default)]
pub struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let product = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWeights {
    bias: f64,
    threshold: f64,
    slope: f64,
    offset: f64,
    weights: BTreeMap<String, f64>,
    #[serde(default)]
    terms: BTreeMap<String, f64>,
}

/// A weight smaller than this decides nothing and is not written down.
const WORTH_KEEPING: f64 = 0.03;

/// What the weights make of a message.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    /// The sum.
    pub value: f64,
    /// The strongest clause, if there is any.
    pub clause: Option<usize>,
}

impl Weights {
    /// Reads weights; names the pack no longer has are left out, so that a pack may change before it is learned again.
    pub(super) fn parse(file: &str, text: &str, names: &Names) -> Result<Self, String> {
        let raw: RawWeights = toml::from_str(text).map_err(|fault| {
            let line = fault.span().map_or(1, |s| line_of(text, s.start));
            format!("{file}:{line}: {}", fault.message())
        })?;
        let by_name = names.by_name();
        let by_feature = raw
            .weights
            .iter()
            .filter_map(|(name, weight)| {
                let atoms: Option<Vec<_>> =
                    name.split(" & ").map(|part| by_name.get(part).copied()).collect();
                Some((Feature::of(&atoms?), *weight))
            })
            .collect();
        Ok(Self {
            bias: raw.bias,
            threshold: raw.threshold,
            calibration: (raw.slope, raw.offset),
            by_feature,
            by_term: raw.terms.iter().map(|(text, weight)| (Term::of(text), *weight)).collect(),
        })
    }

    /// The weights as data, strongest names readable, in alphabetical order.
    pub fn to_toml(
        &self,
        name: impl Fn(Feature) -> String,
        term: impl Fn(Term) -> String,
    ) -> String {
        use std::fmt::Write as _;
        let mut lines: Vec<(String, f64)> = self
            .by_feature
            .iter()
            .filter(|(_, weight)| weight.abs() >= WORTH_KEEPING)
            .map(|(feature, weight)| (name(*feature), *weight))
            .collect();
        lines.sort_by(|a, b| a.0.cmp(&b.0));
        let mut out = String::from(
            "# Weights of the features of the pack beside this file. Written by `secondlook learn`; do not edit by hand.\n",
        );
        let (slope, offset) = self.calibration;
        let _ = writeln!(
            out,
            "bias = {:.3}\nthreshold = {:.3}\nslope = {slope:.3}\noffset = {offset:.3}\n\n[weights]",
            self.bias, self.threshold
        );
        for (name, weight) in lines {
            let _ = writeln!(out, "\"{name}\" = {weight:.2}");
        }
        // All of them, however light: how many a message knows is what their sum is divided by.
        let terms: BTreeMap<String, f64> =
            self.by_term.iter().map(|(known, weight)| (term(*known), *weight)).collect();
        out.push_str("\n[terms]\n");
        for (text, weight) in terms {
            let _ = writeln!(out, "\"{text}\" = {weight:.2}");
        }
        out
    }

    fn sum(&self, features: &[Feature]) -> f64 {
        features.iter().filter_map(|f| self.by_feature.get(f)).sum()
    }

    /// What the words say: their weights, divided by the root of their number, so that long messages don't say it louder.
    fn said(&self, terms: &[Term]) -> f64 {
        let (mut sum, mut known) = (0.0, 0_u32);
        for weight in terms.iter().filter_map(|term| self.by_term.get(term)) {
            sum += weight;
            known += 1;
        }
        sum / f64::from(known.max(1)).sqrt()
    }

    /// The score of a message: the strongest clause decides, the message as a whole and its words weigh in.
    pub fn score(&self, features: &Features) -> Score {
        let best =
            features.clauses.iter().enumerate().map(|(at, clause)| (at, self.sum(clause))).fold(
                None,
                |best: Option<(usize, f64)>, (at, value)| match best {
                    Some((_, top)) if top >= value => best,
                    _ => Some((at, value)),
                },
            );
        let clause = best.map_or(0.0, |(_, value)| value);
        let value = self.bias + self.sum(&features.message) + clause + self.said(&features.terms);
        Score { value, clause: best.map(|(at, _)| at) }
    }

    /// Confidence from 0 to 1.
    pub fn confidence(&self, score: f64) -> f64 {
        let (slope, offset) = self.calibration;
        1.0 / (1.0 + (-(slope * score + offset)).exp())
    }
}
