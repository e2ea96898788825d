//! A message as the ranking sees it: its words, and which terms, ideas and features stand in it.

use std::collections::HashSet;

use super::pattern::{Found, Pattern};
use super::spoken::ENGLISH;
use super::text::{Word, words};
use super::{Engine, Symptom};

/// A message, read once.
pub(super) struct Message<'a> {
    symptom: &'a str,
    proposal: &'a str,
    /// The language it is written in, as far as the catalogue knows it.
    language: String,
    /// The words of the symptom, then those of the proposal.
    pub(super) words: Vec<Word>,
    /// Words from here on are the proposal's.
    proposal_from: usize,
    /// For each term, the word ranges where it stands.
    places: Vec<Vec<(usize, usize)>>,
    /// For each idea, where it was found.
    ideas: Vec<Option<Found>>,
}

/// Something a message has or has not: a word's stem, two near each other (`cold~start`), a word group (`@slow`) or an
/// idea (`#restart-cures`).
pub(super) struct Feature {
    /// Its name in the weights.
    pub(super) name: String,
    /// The words it stands at.
    pub(super) words: [usize; 2],
}

/// Words so far apart, those that say nothing not counted, make a pair.
const PAIR_REACH: usize = 6;

impl<'a> Message<'a> {
    /// Reads what was asked.
    pub(super) fn read(engine: &Engine, asked: &Symptom<'a>) -> Self {
        let proposal = asked.proposal.unwrap_or_default();
        let mut all = words(asked.symptom, &engine.same, 0);
        let next_sentence = all.last().map_or(0, |word| word.sentence + 1);
        let mut wanted = words(proposal, &engine.same, next_sentence);
        let little =
            |word: &Word| [&engine.stop, &engine.dull].iter().any(|s| s.contains(&word.stem));
        let lexicon = engine.lexicons.iter().find(|l| l.speaks(all.iter().chain(&wanted), little));
        if let Some(lexicon) = lexicon {
            all = lexicon.translate(&all, &engine.same);
            wanted = lexicon.translate(&wanted, &engine.same);
        }
        let language = lexicon.map_or(ENGLISH, |lexicon| &lexicon.language).to_owned();
        let proposal_from = all.len();
        all.extend(wanted);
        let places = engine.terms.places(&all);
        let find = |patterns: &[Pattern]| patterns.iter().find_map(|p| p.find(&places, &all, &[]));
        let ideas = engine.ideas.iter().map(|idea| find(&idea.any)).collect();
        Self {
            symptom: asked.symptom,
            proposal,
            language,
            words: all,
            proposal_from,
            places,
            ideas,
        }
    }

    /// The language it is written in; English where that is not known.
    pub(super) fn language(&self) -> &str {
        &self.language
    }

    /// Where a pattern stands.
    pub(super) fn find(&self, pattern: &Pattern) -> Option<Found> {
        pattern.find(&self.places, &self.words, &self.ideas)
    }

    /// Whether any of these patterns stands in it.
    pub(super) fn has_any(&self, patterns: &[Pattern]) -> bool {
        patterns.iter().any(|pattern| self.find(pattern).is_some())
    }

    /// Whether this idea stands in it.
    pub(super) fn has_idea(&self, idea: usize) -> bool {
        self.ideas[idea].is_some()
    }

    /// Whether all of these words are the proposal's.
    pub(super) fn only_in_proposal(&self, words: &[usize]) -> bool {
        words.iter().all(|word| *word >= self.proposal_from)
    }

    /// The original text of a range of words.
    pub(super) fn quote(&self, (from, to): (usize, usize)) -> String {
        let (start, end) = (self.words[from].span.0, self.words[to - 1].span.1);
        let text = if from >= self.proposal_from { self.proposal } else { self.symptom };
        text.get(start..end).unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Its features, each once.
    pub(super) fn features(&self, engine: &Engine) -> Vec<Feature> {
        let mut seen = HashSet::new();
        let mut features = Vec::new();
        let mut add = |name: String, words: [usize; 2]| {
            if seen.insert(name.clone()) {
                features.push(Feature { name, words });
            }
        };
        let telling = |(_, word): &(usize, &Word)| !engine.stop.contains(&word.stem);
        let words: Vec<(usize, &str)> = self
            .words
            .iter()
            .enumerate()
            .filter(telling)
            .map(|(at, word)| (at, name(word)))
            .collect();
        for (from, &(at, first)) in words.iter().enumerate() {
            add(first.to_owned(), [at, at]);
            for &(other, second) in words.iter().skip(from + 1).take(PAIR_REACH) {
                let (a, b) = if first < second { (first, second) } else { (second, first) };
                if a != b {
                    add(format!("{a}~{b}"), [at, other]);
                }
            }
        }
        for (name, term) in &engine.groups {
            if let Some(place) = self.places[*term].first() {
                add(name.clone(), [place.0, place.0]);
            }
        }
        for (idea, found) in engine.ideas.iter().zip(&self.ideas) {
            if let Some(&word) = found.as_ref().and_then(|found| found.words.first()) {
                add(idea.name.clone(), [word, word]);
            }
        }
        features
    }
}

/// The word as a feature: which number it is says nothing, that it is one may.
fn name(word: &Word) -> &str {
    let number = word.stem.bytes().all(|b| b.is_ascii_digit()) && word.stem.len() != 3;
    if number { "1" } else { &word.stem }
}
