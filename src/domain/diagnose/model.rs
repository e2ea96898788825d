//! What the words of a message say about each class: a linear model, read from the file `learn` writes.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use super::message::Feature;
use super::reader::{Fault, Place};

/// In the file, weights are written as whole numbers of this size.
const STEP: f32 = 0.1;
/// The name under which the file keeps the weights that do not depend on any word.
const ALWAYS: &str = "*";

/// A weight for a class, by its position in the catalogue.
pub(super) type Weight = (usize, f32);

/// What one feature says.
#[derive(Clone, Debug, Default)]
pub(super) struct Learned {
    /// How rare it is: what every message has says little.
    pub(super) rarity: f32,
    /// Log-odds for each class it says something about.
    pub(super) weights: Vec<Weight>,
}

/// The weights of every known feature.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub(super) always: Vec<Weight>,
    pub(super) features: HashMap<String, Learned>,
}

/// What one feature of a message says.
pub(super) struct Said<'m, 'f> {
    pub(super) feature: &'f Feature,
    /// How much of its weights counts in this message.
    pub(super) share: f64,
    pub(super) weights: &'m [Weight],
}

impl Model {
    /// What the features of a message say; a long story is no stronger evidence than a short one.
    pub(super) fn hear<'m, 'f>(&'m self, features: &'f [Feature]) -> Vec<Said<'m, 'f>> {
        let known: Vec<(&Feature, &Learned)> = features
            .iter()
            .filter_map(|feature| Some((feature, self.features.get(&feature.name)?)))
            .collect();
        let length = known.iter().map(|(_, l)| l.rarity * l.rarity).sum::<f32>().sqrt().max(1e-6);
        let said = |(feature, learned): (&'f Feature, &'m Learned)| Said {
            feature,
            share: f64::from(learned.rarity / length),
            weights: &learned.weights,
        };
        known.into_iter().map(said).collect()
    }

    /// Reads the file; `classes` gives a class's position.
    pub(super) fn parse(
        file: &str,
        text: &str,
        classes: &HashMap<String, usize>,
        faults: &mut Vec<Fault>,
    ) -> Self {
        let mut model = Self::default();
        let mut known: Vec<usize> = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.starts_with('#')) {
            let mut fault = |reason: String| {
                faults.push(Place { file: file.to_owned(), line: number + 1 }.fault(reason));
            };
            let mut fields = line.split(' ');
            let name = fields.next().unwrap_or_default();
            if name == "classes" {
                for id in fields {
                    let class = classes.get(id).copied();
                    known.push(class.unwrap_or(usize::MAX));
                    if class.is_none() {
                        fault(format!("no class is called '{id}': learn the weights anew"));
                    }
                }
                continue;
            }
            match learned(fields, &known) {
                Some(learned) if name == ALWAYS => model.always = learned.weights,
                Some(learned) => drop(model.features.insert(name.to_owned(), learned)),
                None => fault("has to be a word, its rarity, and class:weight pairs".to_owned()),
            }
        }
        model
    }

    /// Writes the file; weights too small to matter are left out.
    pub(super) fn to_text(&self, ids: &[&str]) -> String {
        let mut text = format!("classes {}\n", ids.join(" "));
        let always = Learned { rarity: 0.0, weights: self.always.clone() };
        let features: BTreeMap<&str, &Learned> =
            self.features.iter().map(|(name, learned)| (name.as_str(), learned)).collect();
        for (name, learned) in std::iter::once((ALWAYS, &always)).chain(features) {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name} {:.1}", learned.rarity);
            for (class, weight) in &learned.weights {
                let _ = write!(text, " {class}:{:.0}", weight / STEP);
            }
            text.push('\n');
        }
        text
    }
}

/// The rest of a line: rarity, then `class:weight` by position in the line of classes.
fn learned<'t>(mut fields: impl Iterator<Item = &'t str>, known: &[usize]) -> Option<Learned> {
    let rarity = fields.next()?.parse().ok()?;
    let weight = |field: &str| {
        let (class, weight) = field.split_once(':')?;
        let class = known.get(class.parse::<usize>().ok()?)?;
        Some((*class, weight.parse::<f32>().ok()? * STEP))
    };
    let weights = fields.map(weight).collect::<Option<Vec<_>>>()?;
    Some(Learned { rarity, weights })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Model, Vec<String>) {
        let classes = HashMap::from([("a".to_owned(), 0), ("b".to_owned(), 1)]);
        let mut faults = Vec::new();
        let model = Model::parse("learned.txt", text, &classes, &mut faults);
        (model, faults.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_written_is_read() {
        let text = "classes a b\n* 0.0 1:-3\nmail 2.5 0:12 1:-4\n";
        let (model, faults) = parse(text);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(model.to_text(&["a", "b"]), text);
    }

    #[test]
    fn a_spoilt_line_is_named() {
        let (_, faults) = parse("# head\nclasses a c\nmail x\nmail 1.0 7:3\n");
        assert_eq!(
            faults,
            [
                "learned.txt:2: no class is called 'c': learn the weights anew",
                "learned.txt:3: has to be a word, its rarity, and class:weight pairs",
                "learned.txt:4: has to be a word, its rarity, and class:weight pairs",
            ]
        );
    }
}
