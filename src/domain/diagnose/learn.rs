//! Learns, from labelled cases, how much each word, word group and idea speaks for each class.
//!
//! A small naive-Bayes layer: a class borrows from its family, the family from all cases, so that five cases
//! a class are enough to help and too few to shout. Only features of three cases or more are kept: a word that
//! one case alone has would be a memory, not a lesson.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::message::Message;
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

/// Learned log-odds: feature → (class index, weight).
pub type Weights = HashMap<String, Vec<(usize, f64)>>;

/// The feature every message has; its weights are the classes' own frequencies.
pub(super) const ALWAYS: &str = "*";
/// A feature of fewer cases than this would be a memory of one of them.
const FEWEST: u32 = 3;
/// Weights nearer to zero than this are noise and are not kept.
const SMALLEST: f64 = 0.3;

/// Counts of features by class.
struct Counts {
    cases: Vec<f64>,
    features: BTreeMap<String, (Vec<f64>, u32)>,
}

/// Learns from the catalogue itself: each line people say first is a case, and so is the class's own description.
pub(super) fn from_own_words(catalog: &Catalog) -> Weights {
    let mut cases = Vec::new();
    for class in &catalog.classes {
        let own = [&class.title, &class.definition, &class.question, &class.hides_behind];
        for text in class.heard.iter().chain(own) {
            cases.push(Case {
                symptom: text.clone(),
                proposal: None,
                class: class.id.clone(),
                also: Vec::new(),
            });
        }
    }
    let mut weights = learn(catalog, &cases);
    // How many lines somebody wrote for a class says nothing about how often it happens.
    weights.remove(ALWAYS);
    weights
}

/// Learns from these cases.
pub fn learn(catalog: &Catalog, cases: &[Case]) -> Weights {
    let counts = count(catalog, cases);
    let borrow = catalog.engine.weights;
    let classes = catalog.classes.len();
    let families: Vec<usize> = (0..classes)
        .map(|c| {
            let family = &catalog.classes[c].family;
            catalog.classes.iter().position(|other| &other.family == family).unwrap_or(c)
        })
        .collect();
    let by_family = |per_class: &[f64]| {
        let mut sums = vec![0.0; classes];
        for (class, value) in per_class.iter().enumerate() {
            sums[families[class]] += value;
        }
        sums
    };
    let total: f64 = counts.cases.iter().sum::<f64>().max(1.0);
    let family_cases = by_family(&counts.cases);
    let mut weights = Weights::new();
    for (feature, (per_class, seen)) in &counts.features {
        if *seen < FEWEST {
            continue;
        }
        let overall = (per_class.iter().sum::<f64>() / total).max(1e-6);
        let family_counts = by_family(per_class);
        let learned = (0..classes).filter_map(|class| {
            let family = families[class];
            let more_in_family = (family_counts[family] + borrow.borrow_family)
                / (family_cases[family] * overall + borrow.borrow_family);
            let more_in_class = (per_class[class] + borrow.borrow_class * more_in_family)
                / (counts.cases[class] * overall + borrow.borrow_class);
            let weight = more_in_class.ln();
            (weight.abs() >= SMALLEST).then_some((class, weight))
        });
        weights.insert(feature.clone(), learned.collect());
    }
    weights.insert(ALWAYS.to_owned(), frequencies(&counts.cases, borrow.prior));
    weights
}

fn frequencies(cases: &[f64], share: f64) -> Vec<(usize, f64)> {
    let mean = cases.iter().sum::<f64>() / number(cases.len().max(1));
    cases
        .iter()
        .enumerate()
        .map(|(class, n)| (class, share * ((n + 1.0) / (mean + 1.0)).ln()))
        .collect()
}

fn count(catalog: &Catalog, cases: &[Case]) -> Counts {
    let classes = catalog.classes.len();
    let index: HashMap<&str, usize> =
        catalog.classes.iter().enumerate().map(|(i, c)| (c.id.as_str(), i)).collect();
    let mut counts = Counts { cases: vec![0.0; classes], features: BTreeMap::new() };
    for case in cases {
        let symptom =
            Symptom { symptom: &case.symptom, proposal: case.proposal.as_deref(), readings: &[] };
        let features = Message::read(&catalog.engine, &symptom).features(&catalog.engine);
        let features: Vec<String> = features.into_iter().skip(1).map(|f| f.name).collect();
        let labels = std::iter::once((&case.class, 1.0))
            .chain(case.also.iter().map(|c| (c, catalog.engine.weights.also)));
        for (class, weight) in labels {
            if let Some(&class) = index.get(class.as_str()) {
                counts.add(class, weight, &features, classes);
            }
        }
        counts.see(&features);
    }
    counts
}

impl Counts {
    fn add(&mut self, class: usize, weight: f64, features: &[String], classes: usize) {
        self.cases[class] += weight;
        for feature in features {
            let entry =
                self.features.entry(feature.clone()).or_insert_with(|| (vec![0.0; classes], 0));
            entry.0[class] += weight;
        }
    }

    fn see(&mut self, features: &[String]) {
        for feature in features {
            if let Some(entry) = self.features.get_mut(feature) {
                entry.1 += 1;
            }
        }
    }
}

impl Catalog {
    /// Uses these learned weights instead of those of the files.
    #[must_use]
    pub fn with_learned(mut self, weights: Weights) -> Self {
        self.engine.learned = weights;
        self
    }
}

/// The weights as a catalogue file, one feature a line.
pub fn to_toml(catalog: &Catalog, weights: &Weights, head: &str) -> String {
    let mut text = format!("{head}\n[learned]\n");
    for (feature, classes) in weights.iter().collect::<BTreeMap<_, _>>() {
        let classes: Vec<String> = classes
            .iter()
            .map(|(class, weight)| format!("{} = {weight:.1}", catalog.classes[*class].id))
            .collect();
        if !classes.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{feature:?} = {{ {} }}", classes.join(", "));
        }
    }
    text
}
