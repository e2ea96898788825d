//! Turns what the files say into a catalogue: patterns compiled, references between files looked up.

use std::collections::{BTreeMap, HashMap};

use super::lexicon::Lexicon;
use super::load::Draft;
use super::model::Model;
use super::pattern::{Pattern, Terms, Vocabulary};
use super::questions::{HypeNote, Restraint};
use super::reader::{Fault, Line, Place};
use super::spoken::{ENGLISH, Overlay, Spoken};
use super::text::stem;
use super::{Catalog, Check, Class, Cue, Engine, Idea};
use crate::domain::ClassId;

/// What is needed to look up and compile, with the faults found on the way.
struct Resolver<'f> {
    classes: HashMap<String, usize>,
    vocabulary: Vocabulary,
    terms: Terms,
    faults: &'f mut Vec<Fault>,
}

/// Resolves a draft; faults are noted, and what can be resolved is returned.
pub(super) fn resolve(mut draft: Draft, faults: &mut Vec<Fault>) -> Catalog {
    let places = draft.classes.iter().map(|(class, place)| (class.id.as_str(), place));
    let classes = index(places, "class", faults);
    let places = draft.ideas.iter().map(|idea| (idea.id.text.as_str(), &idea.id.place));
    let ideas = index(places, "idea", faults);
    let vocabulary = Vocabulary { same: draft.same, groups: draft.groups, ideas };
    let mut resolver = Resolver { classes, vocabulary, terms: Terms::default(), faults };

    let groups = resolver.group_terms();
    let said = draft.ideas.iter().map(|idea| (idea.id.text.clone(), idea.says.clone())).collect();
    let ideas = draft
        .ideas
        .into_iter()
        .map(|idea| Idea { name: format!("#{}", idea.id.text), any: resolver.patterns(&idea.any) });
    let ideas = ideas.collect();
    let weights = draft.weights.unwrap_or_default();
    let cues = std::mem::take(&mut draft.cues).into_iter().filter_map(|cue| {
        let (class, pattern) = (resolver.class(&cue.class), resolver.pattern(&cue.pattern));
        let weight = weights.of(cue.level);
        Some(Cue { class: class?, level: cue.level, weight, pattern: pattern? })
    });
    let cues = cues.collect();
    let learned = draft.learned.as_ref().map_or_else(Model::default, |(file, text)| {
        Model::parse(file, text, &resolver.classes, resolver.faults)
    });
    let mut classes: Vec<Class> = draft.classes.into_iter().map(|(class, _)| class).collect();
    for (class, other) in draft.confused {
        if resolver.class(&other).is_some() {
            classes[class].confused_with.push(ClassId(other.text));
        }
    }
    let (first, unless): (Vec<String>, Vec<Vec<Line>>) = draft.first.into_iter().unzip();
    let answered = unless.iter().map(|unless| resolver.patterns(unless)).collect();
    let hype = draft.hype.into_iter();
    let hype =
        hype.map(|(note, cues)| HypeNote { cues: resolver.patterns(&cues), ..note }).collect();
    let restraint = draft.restraint.into_iter();
    let restraint = restraint
        .map(|(note, cues)| Restraint { cues: resolver.patterns(&cues), ..note })
        .collect();
    let english = Spoken {
        language: ENGLISH.to_owned(),
        classes,
        ideas: said,
        first,
        packs: draft.packs,
        hype,
        restraint,
        why: draft.why.unwrap_or_default(),
    };
    let (mut spoken, lexicons) = languages(draft.others, english, resolver.faults);
    resolver.add_checks(draft.added_checks, &mut spoken);

    let engine = Engine {
        stop: draft.stop.iter().map(|word| stem(word, &resolver.vocabulary.same)).collect(),
        dull: draft.dull.iter().map(|word| stem(word, &resolver.vocabulary.same)).collect(),
        complaint: resolver.needed("complaint"),
        advocacy: resolver.needed("advocacy"),
        same: resolver.vocabulary.same,
        groups,
        terms: resolver.terms,
        ideas,
        answered,
        lexicons,
        cues,
        weights,
        learned,
    };
    Catalog { engine, spoken }
}

/// What each language says, English first, and the words of the others.
fn languages(
    others: BTreeMap<String, (Overlay, Lexicon)>,
    english: Spoken,
    faults: &mut Vec<Fault>,
) -> (Vec<Spoken>, Vec<Lexicon>) {
    let mut spoken = vec![english];
    let mut lexicons = Vec::new();
    for (language, (overlay, mut lexicon)) in others {
        spoken.push(overlay.over(&language, &spoken[0], faults));
        lexicon.language = language;
        lexicons.push(lexicon);
    }
    (spoken, lexicons)
}

impl Resolver<'_> {
    fn pattern(&mut self, line: &Line) -> Option<Pattern> {
        match self.terms.parse(&line.text, &self.vocabulary) {
            Ok(pattern) => Some(pattern),
            Err(reason) => {
                self.faults.push(line.place.fault(format!("\"{}\": {reason}", line.text)));
                None
            }
        }
    }

    fn patterns(&mut self, lines: &[Line]) -> Vec<Pattern> {
        lines.iter().filter_map(|line| self.pattern(line)).collect()
    }

    fn class(&mut self, line: &Line) -> Option<usize> {
        let class = self.classes.get(&line.text).copied();
        if class.is_none() {
            self.faults.push(line.place.fault(format!("no class is called '{}'", line.text)));
        }
        class
    }

    /// What a workspace adds is said as it is written, so it comes after the languages are laid over each other.
    fn add_checks(&mut self, added: Vec<(Line, Check)>, spoken: &mut [Spoken]) {
        for (class, check) in added {
            let Some(class) = self.class(&class) else { continue };
            for said in &mut *spoken {
                said.classes[class].checks.push(check.clone());
            }
        }
    }

    /// An idea the ranking itself relies on.
    fn needed(&mut self, id: &str) -> usize {
        self.vocabulary.ideas.get(id).copied().unwrap_or_else(|| {
            self.faults.push(Place::default().fault(format!("no [[idea]] is called '{id}'")));
            0
        })
    }

    /// Each word group as a term of its own, by name, for the learned weights.
    fn group_terms(&mut self) -> Vec<(String, usize)> {
        let mut names: Vec<String> =
            self.vocabulary.groups.keys().map(|n| format!("@{n}")).collect();
        names.sort();
        let mut found = Vec::new();
        for name in names {
            match self.terms.term(&name, &self.vocabulary) {
                Ok(term) => found.push((name, term)),
                Err(reason) => self.faults.push(Place::default().fault(reason)),
            }
        }
        found
    }
}

/// Position by id; an id used twice is a fault.
fn index<'a>(
    ids: impl Iterator<Item = (&'a str, &'a Place)>,
    what: &str,
    faults: &mut Vec<Fault>,
) -> HashMap<String, usize> {
    let mut index = HashMap::new();
    for (position, (id, place)) in ids.enumerate() {
        if index.insert(id.to_owned(), position).is_some() {
            faults.push(place.fault(format!("the {what} '{id}' is defined twice")));
        }
    }
    index
}
