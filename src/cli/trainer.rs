//! Fits the weights of a linear detector: logistic regression with L2, where the strongest clauses of a message count.

use std::collections::HashMap;

use crate::domain::detect::{Feature, Features, Term};

/// A feature of several atoms is rarer and says less elsewhere, so it is pulled harder towards zero.
const PULLS: [f64; 4] = [1.0, 1.0, 2.0, 4.0];
/// Passes over the examples; enough for the weights to settle.
const PASSES: i32 = 160;
/// How sharply the strongest clause is told from the others while fitting. Hard choices made early are never unmade:
/// the message "we are slow. let's move it" would for ever be judged by its first clause.
const SHARPNESS: f64 = 2.0;
/// Length of the first steps; they shorten with the passes.
const STEP: f64 = 0.1;
const STEP_HALVED_AFTER: f64 = 40.0;
/// How long Adam remembers slopes and their squares.
const REMEMBER_SLOPE: f64 = 0.9;
const REMEMBER_SQUARE: f64 = 0.99;

/// One labelled message as numbers of features.
#[derive(Clone)]
pub(super) struct Example {
    /// How much of a proposal it is, from 0 to 1.
    pub target: f64,
    /// How much it counts.
    pub weight: f64,
    /// Features of the whole message.
    pub message: Vec<usize>,
    /// Features of each clause.
    pub clauses: Vec<Vec<usize>>,
    /// Its words; together they weigh as their sum, divided by the root of their number.
    pub terms: Vec<usize>,
}

impl Example {
    fn without_terms(&self) -> Self {
        Self { terms: Vec::new(), ..self.clone() }
    }

    fn only_terms(&self) -> Self {
        Self { message: Vec::new(), clauses: Vec::new(), ..self.clone() }
    }

    fn term_share(&self) -> f64 {
        1.0 / super::figures::count(self.terms.len().max(1)).sqrt()
    }
}

/// What a weight belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key {
    Feature(Feature),
    Term(Term),
}

/// The features and words that occur, numbered.
#[derive(Default)]
pub(super) struct Index {
    numbers: HashMap<Key, usize>,
    /// What has each number.
    pub keys: Vec<Key>,
    /// Whether the features that count are chosen; others are then overlooked.
    closed: bool,
}

impl Index {
    fn numbers(&mut self, keys: impl Iterator<Item = Key>) -> Vec<usize> {
        let mut number = |key: Key| {
            if !self.closed {
                self.numbers.entry(key).or_insert_with(|| {
                    self.keys.push(key);
                    self.keys.len() - 1
                });
            }
            self.numbers.get(&key).copied()
        };
        keys.filter_map(&mut number).collect()
    }

    fn of_features(&mut self, features: &[Feature]) -> Vec<usize> {
        self.numbers(features.iter().copied().map(Key::Feature))
    }

    /// The example of a message.
    pub(super) fn example(&mut self, target: f64, weight: f64, features: &Features) -> Example {
        Example {
            target,
            weight,
            message: self.of_features(&features.message),
            clauses: features.clauses.iter().map(|clause| self.of_features(clause)).collect(),
            terms: self.numbers(features.terms.iter().copied().map(Key::Term)),
        }
    }

    /// Leaves out features that fewer than `seen` messages show, and words that fewer than twice as many say, now and
    /// later: they teach nothing that holds elsewhere.
    pub(super) fn leave_out_rare(&mut self, examples: &mut [Example], seen: usize) {
        let mut count = vec![0_usize; self.keys.len()];
        let mut counted_at = vec![usize::MAX; self.keys.len()];
        for (at, example) in examples.iter().enumerate() {
            let lists = [&example.message, &example.terms];
            for key in lists.into_iter().chain(&example.clauses).flatten() {
                if counted_at[*key] != at {
                    counted_at[*key] = at;
                    count[*key] += 1;
                }
            }
        }
        let mut kept = Vec::new();
        let mut renumbered = vec![None; self.keys.len()];
        let often = |key: &Key| match key {
            Key::Feature(_) => seen,
            Key::Term(_) => 2 * seen,
        };
        for (at, key) in self.keys.iter().enumerate().filter(|(at, key)| count[*at] >= often(key)) {
            renumbered[at] = Some(kept.len());
            kept.push(*key);
        }
        for example in examples {
            let lists = [&mut example.message, &mut example.terms];
            for list in lists.into_iter().chain(&mut example.clauses) {
                *list = list.iter().filter_map(|key| renumbered[*key]).collect();
            }
        }
        self.keys = kept;
        self.numbers = self.keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        self.closed = true;
    }

    /// How hard each feature and each word is pulled towards zero.
    pub(super) fn pulls(&self, l2: f64, terms_l2: f64) -> Vec<f64> {
        let pull = |key: &Key| match key {
            Key::Feature(feature) => l2 * PULLS[feature.width()],
            Key::Term(_) => terms_l2,
        };
        self.keys.iter().map(pull).collect()
    }
}

/// Fitted weights, by number of feature.
pub(super) struct Model {
    /// Added to every score.
    pub bias: f64,
    /// The weights.
    pub weights: Vec<f64>,
}

impl Model {
    fn sum(&self, features: &[usize]) -> f64 {
        features.iter().map(|feature| self.weights[*feature]).sum()
    }

    fn said(&self, example: &Example) -> f64 {
        self.sum(&example.terms) * example.term_share()
    }

    /// The strongest clause and what it adds.
    fn strongest(&self, example: &Example) -> (f64, Option<usize>) {
        let mut best = (0.0, None);
        for (at, clause) in example.clauses.iter().enumerate() {
            let sum = self.sum(clause);
            if best.1.is_none() || sum > best.0 {
                best = (sum, Some(at));
            }
        }
        best
    }

    /// What each clause's sum has a share in, and what the clauses add together: a soft maximum.
    fn shares(&self, example: &Example, shares: &mut Vec<f64>) -> f64 {
        shares.clear();
        shares.extend(example.clauses.iter().map(|clause| self.sum(clause) * SHARPNESS));
        let top = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for share in shares.iter_mut() {
            *share = (*share - top).exp();
            total += *share;
        }
        for share in shares.iter_mut() {
            *share /= total;
        }
        if shares.is_empty() { 0.0 } else { (top + total.ln()) / SHARPNESS }
    }

    /// The score of a message, and the clause that decided it.
    pub(super) fn score(&self, example: &Example) -> (f64, Option<usize>) {
        let (sum, clause) = self.strongest(example);
        (self.bias + self.sum(&example.message) + self.said(example) + sum, clause)
    }
}

/// One number that is being fitted, with Adam's memory.
#[derive(Clone, Copy, Default)]
struct Fitted {
    slope: f64,
    mean: f64,
    square: f64,
}

impl Fitted {
    /// How far to move against the slope in pass `pass` (from 1).
    fn step(&mut self, slope: f64, pass: i32) -> f64 {
        self.mean = REMEMBER_SLOPE * self.mean + (1.0 - REMEMBER_SLOPE) * slope;
        self.square = REMEMBER_SQUARE * self.square + (1.0 - REMEMBER_SQUARE) * slope * slope;
        let mean = self.mean / (1.0 - REMEMBER_SLOPE.powi(pass));
        let square = self.square / (1.0 - REMEMBER_SQUARE.powi(pass));
        let length = STEP / (1.0 + f64::from(pass - 1) / STEP_HALVED_AFTER);
        length * mean / (square.sqrt() + 1e-6)
    }
}

/// Fits features and words apart and adds them up: two judges that err differently judge better together than one that
/// was shown both (measured: left-out average precision 0.68 in one fit, 0.71 so).
pub(super) fn fit_apart(examples: &[&Example], pulls: &[f64], terms_count: f64) -> Model {
    let part = |part: fn(&Example) -> Example| {
        let examples: Vec<Example> = examples.iter().map(|example| part(example)).collect();
        fit(&examples.iter().collect::<Vec<_>>(), pulls)
    };
    let mut model = part(Example::without_terms);
    let words = part(Example::only_terms);
    model.bias += terms_count * words.bias;
    for (weight, word) in model.weights.iter_mut().zip(words.weights) {
        *weight += terms_count * word;
    }
    model
}

/// Fits weights to the examples; the same examples give the same weights.
pub(super) fn fit(examples: &[&Example], pulls: &[f64]) -> Model {
    let mut model = Model { bias: -2.0, weights: vec![0.0; pulls.len()] };
    let mut fitted = vec![Fitted::default(); pulls.len()];
    let mut bias = Fitted::default();
    let mut shares = Vec::new();
    for pass in 1..=PASSES {
        bias.slope = 0.0;
        for one in &mut fitted {
            one.slope = 0.0;
        }
        for example in examples {
            let clauses = model.shares(example, &mut shares);
            let said = model.said(example);
            let score = model.bias + model.sum(&example.message) + said + clauses;
            let error = example.weight * (logistic(score) - example.target);
            bias.slope += error;
            for feature in &example.message {
                fitted[*feature].slope += error;
            }
            for term in &example.terms {
                fitted[*term].slope += error * example.term_share();
            }
            for (clause, share) in example.clauses.iter().zip(&shares) {
                for feature in clause {
                    fitted[*feature].slope += error * share;
                }
            }
        }
        for ((weight, one), pull) in model.weights.iter_mut().zip(&mut fitted).zip(pulls) {
            *weight -= one.step(one.slope + pull * *weight, pass);
        }
        model.bias -= bias.step(bias.slope, pass);
    }
    model
}

/// Fits `slope` and `offset` of the confidence to scores of messages the weights had not seen (Platt).
pub(super) fn calibrate(scored: &[(f64, bool)]) -> (f64, f64) {
    let (mut slope, mut offset) = (1.0, 0.0);
    let length = 0.5 / super::figures::count(scored.len().max(1));
    for _ in 0..2_000 {
        let (mut by_slope, mut by_offset) = (0.0, 0.0);
        for (score, proposal) in scored {
            let error = logistic(slope * score + offset) - f64::from(u8::from(*proposal));
            by_slope += error * score;
            by_offset += error;
        }
        slope -= length * by_slope;
        offset -= length * by_offset;
    }
    (slope, offset)
}

/// From a score to a share.
pub(super) fn logistic(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}
