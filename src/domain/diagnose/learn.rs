//! Learns how much each word, word pair, word group and idea speaks for each class.
//!
//! Multinomial logistic regression by gradient descent, over the catalogue's own lines (what people say first, and the
//! classes' descriptions) and labelled cases. Only features of the catalogue's own lines are kept, so nothing that
//! stands in a case alone can be read out of the weights.

use std::collections::{BTreeMap, HashMap};

use super::message::Message;
use super::model::{Learned, Model};
use super::rank::number;
use super::{Catalog, ClassId, Symptom};

/// A labelled case.
#[derive(Clone, Debug)]
pub struct Case {
    /// What people saw.
    pub symptom: String,
    /// What they wanted to do about it.
    pub proposal: Option<String>,
    /// What it was.
    pub class: ClassId,
    /// Classes that would have been acceptable too.
    pub also: Vec<ClassId>,
}

/// Passes over all lines: more would learn them by heart.
const PASSES: usize = 12;
/// How far one line moves the weights.
const RATE: f32 = 0.5;
/// How much of a weight each line takes back.
const DECAY: f32 = 1e-4;
/// What does not depend on any word is learned more slowly.
const ALWAYS_RATE: f32 = 0.025;
/// A pair of words counts when so many own lines have it; a single word always does.
const PAIR_LINES: u32 = 2;
/// An acceptable neighbour counts as this much of a case.
const ALSO: f32 = 0.3;
/// Weights nearer to zero say nothing and are not kept.
const SMALLEST: f32 = 0.15;

/// A line as the learner sees it: features with their share, classes with theirs.
struct Example {
    features: Vec<(usize, f32)>,
    truth: Vec<(usize, f32)>,
}

/// The lines the catalogue itself brings: what people say first, and each class's own description.
fn own_lines(catalog: &Catalog) -> Vec<Case> {
    let mut cases = Vec::new();
    for class in catalog.classes() {
        let own = [&class.title, &class.definition, &class.question, &class.hides_behind];
        cases.extend(class.heard.iter().chain(own).map(|text| Case {
            symptom: text.clone(),
            proposal: None,
            class: class.id.clone(),
            also: Vec::new(),
        }));
    }
    cases
}

/// Learns from the catalogue's own lines and from these cases.
pub fn learn(catalog: &Catalog, cases: &[Case]) -> Model {
    let own = own_lines(catalog);
    let names = |case: &Case| -> Vec<String> {
        let proposal = case.proposal.as_deref();
        let asked = Symptom { symptom: &case.symptom, proposal, readings: &[] };
        let features = Message::read(&catalog.engine, &asked).features(&catalog.engine);
        features.into_iter().map(|feature| feature.name).collect()
    };
    let read: Vec<(Vec<String>, &Case)> =
        own.iter().chain(cases).map(|case| (names(case), case)).collect();
    let vocabulary = vocabulary(&read[..own.len()]);
    let position: HashMap<&str, usize> =
        catalog.classes().iter().enumerate().map(|(i, c)| (c.id.as_str(), i)).collect();
    let mut examples: Vec<Example> =
        read.iter().map(|(names, case)| example(names, case, &vocabulary, &position)).collect();
    let weights = descend(&mut examples, vocabulary.len(), catalog.classes().len());
    let kept = |row: &[f32]| -> Vec<(usize, f32)> {
        row.iter().copied().enumerate().filter(|(_, w)| w.abs() >= SMALLEST).collect()
    };
    let (always, rows) = weights.split_at(catalog.classes().len());
    let features = vocabulary.into_iter().map(|(name, (index, rarity))| {
        let row = &rows[index * catalog.classes().len()..][..catalog.classes().len()];
        (name, Learned { rarity, weights: kept(row) })
    });
    Model { always: kept(always), features: features.collect() }
}

/// Every feature of the own lines, numbered, with its rarity.
fn vocabulary(own: &[(Vec<String>, &Case)]) -> BTreeMap<String, (usize, f32)> {
    let mut lines: BTreeMap<&str, u32> = BTreeMap::new();
    for name in own.iter().flat_map(|(names, _)| names) {
        *lines.entry(name).or_default() += 1;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of a count is small")]
    let rarity = |seen: u32| (1.0 + number(own.len()) / f64::from(seen)).ln() as f32;
    let often = |(name, seen): &(&str, u32)| *seen >= PAIR_LINES || !name.contains('~');
    let kept = lines.into_iter().filter(often).enumerate();
    kept.map(|(index, (name, seen))| (name.to_owned(), (index, rarity(seen)))).collect()
}

fn example(
    names: &[String],
    case: &Case,
    vocabulary: &BTreeMap<String, (usize, f32)>,
    position: &HashMap<&str, usize>,
) -> Example {
    let known: Vec<(usize, f32)> =
        names.iter().filter_map(|name| vocabulary.get(name).copied()).collect();
    let length = known.iter().map(|(_, rarity)| rarity * rarity).sum::<f32>().sqrt().max(1e-6);
    let labels = std::iter::once((&case.class, 1.0)).chain(case.also.iter().map(|c| (c, ALSO)));
    let truth: Vec<(usize, f32)> =
        labels.filter_map(|(id, share)| Some((*position.get(id.as_str())?, share))).collect();
    let all = truth.iter().map(|(_, share)| share).sum::<f32>().max(1e-6);
    Example {
        features: known.into_iter().map(|(index, rarity)| (index, rarity / length)).collect(),
        truth: truth.into_iter().map(|(class, share)| (class, share / all)).collect(),
    }
}

/// The weights: first what does not depend on any word, then one row of classes a feature.
fn descend(examples: &mut [Example], features: usize, classes: usize) -> Vec<f32> {
    let mut weights = vec![0.0_f32; (features + 1) * classes];
    let row = |feature: usize| (feature + 1) * classes;
    let mut wrong = vec![0.0_f32; classes];
    for pass in 0..PASSES {
        shuffle(examples, pass);
        for example in &*examples {
            wrong.copy_from_slice(&weights[..classes]);
            for &(feature, share) in &example.features {
                let row = &weights[row(feature)..][..classes];
                wrong.iter_mut().zip(row).for_each(|(sum, weight)| *sum += share * weight);
            }
            to_shares(&mut wrong);
            for &(class, share) in &example.truth {
                wrong[class] -= share;
            }
            for &(feature, share) in &example.features {
                let row = &mut weights[row(feature)..][..classes];
                for (weight, wrong) in row.iter_mut().zip(&wrong) {
                    *weight -= RATE * (share * wrong + DECAY * *weight);
                }
            }
            let always = weights[..classes].iter_mut().zip(&wrong);
            always.for_each(|(weight, wrong)| *weight -= ALWAYS_RATE * wrong);
        }
    }
    weights
}

/// Log-odds become shares that sum to one.
fn to_shares(odds: &mut [f32]) {
    let most = odds.iter().copied().fold(f32::MIN, f32::max);
    for odds in odds.iter_mut() {
        *odds = (*odds - most).exp();
    }
    let all: f32 = odds.iter().sum();
    for odds in odds.iter_mut() {
        *odds /= all;
    }
}

/// Another order in each pass, the same on every machine (Knuth's linear congruential generator).
fn shuffle(examples: &mut [Example], pass: usize) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_add(pass as u64);
    for last in (1..examples.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let bound = last as u64 + 1;
        examples.swap(last, ((state >> 33) % bound) as usize);
    }
}

impl Catalog {
    /// Uses this model instead of that of the files.
    #[must_use]
    pub fn with_learned(mut self, model: Model) -> Self {
        self.engine.learned = model;
        self
    }

    /// The model as the file `catalog/learned.txt`.
    pub fn learned_file(&self, model: &Model, head: &str) -> String {
        let ids: Vec<&str> = self.classes().iter().map(|class| class.id.as_str()).collect();
        format!("{head}{}", model.to_text(&ids))
    }
}
