//! What kind of change a proposal is and how hard it is to undo: named facts of the clause, weighed by learned weights.

use super::super::atoms::group;
use super::super::frames::{Phrase, Thing};
use super::super::normalise::Shape;
use super::super::pack::Section;
use super::Reader;

/// Words beyond this many tell more about other things than about the proposal.
const WORDS_MAX: usize = 40;
/// A shorter stem is no stem.
const STEM_BYTES_MIN: usize = 3;

/// The facts that tell the kind and the door, each once.
pub(super) fn facts(reader: &Reader<'_>) -> Vec<String> {
    let mut facts = Facts { reader, names: Vec::new() };
    facts.clause();
    facts.named();
    facts.words();
    facts.circumstances();
    facts.add("guess", reader.guessed_kind().as_str());
    facts.names.sort_unstable();
    facts.names.dedup();
    facts.names
}

struct Facts<'r, 'a> {
    reader: &'r Reader<'a>,
    names: Vec<String>,
}

impl<'a> Facts<'_, 'a> {
    fn add(&mut self, slot: &str, value: &str) {
        self.names.push(format!("{slot}={value}"));
    }

    /// What is done, to what, from and to where; by itself and together.
    fn clause(&mut self) {
        let frame = self.reader.frame;
        let verb = frame.verb.map_or("none", |v| self.reader.family(&v));
        self.add("verb", verb);
        if let Some(v) = frame.verb {
            self.add("verb.line", self.reader.lemma(&v));
        }
        if let Some(mood) = frame.mood {
            self.add("mood", group(self.reader.family(&mood)));
        }
        for (slot, phrase) in [("object", &frame.object), ("to", &frame.to), ("from", &frame.from)]
        {
            let about = self.about(phrase);
            self.add(slot, about);
            self.add(slot, group(about));
            self.names.push(format!("verb={verb} & {slot}={about}"));
            self.names.push(format!("verb={verb} & {slot}={}", group(about)));
        }
    }

    /// The family of a phrase's head, or what else it is.
    fn about(&self, phrase: &Phrase) -> &'a str {
        match phrase.thing {
            Thing::None => "none",
            Thing::Known(family) => &self.reader.pack.families(Section::Noun)[usize::from(family)],
            Thing::Name => "name",
            Thing::Code => "code_span",
            Thing::Link => "link",
            Thing::Pronoun => "pronoun",
            _ => "other",
        }
    }

    /// What else is named and done, in the clause's sentence and beside it.
    fn named(&mut self) {
        let reader = self.reader;
        let own = reader.reading.sentences[reader.frame.sentence];
        for m in &reader.reading.matches {
            let inside = m.first >= own.first && m.first < own.last;
            match m.entry.section {
                Section::Noun if inside => {
                    self.add("in", reader.family(m));
                    self.add("in.line", reader.lemma(m));
                }
                Section::Noun => self.add("beside", reader.family(m)),
                Section::Verb if inside => self.add("does", reader.family(m)),
                Section::Verb => self.add("does.beside", reader.family(m)),
                Section::Cue if inside => self.add("cue", reader.family(m)),
                Section::Door => {
                    self.add("undo", reader.family(m));
                    self.add("undo.line", reader.lemma(m));
                }
                _ => {}
            }
        }
    }

    /// The stems of the first words.
    fn words(&mut self) {
        let reader = self.reader;
        let tokens = reader.reading.tokens.list.iter();
        for token in tokens.filter(|t| t.shape == Shape::Word).take(WORDS_MAX) {
            let word = reader.text[token.start..token.end].to_lowercase();
            self.add("word", stem(&word));
        }
    }

    fn circumstances(&mut self) {
        let reader = self.reader;
        let own = reader.reading.sentences[reader.frame.sentence];
        let tokens = &reader.reading.tokens.list[own.first..own.last];
        let names = tokens.iter().filter(|t| t.shape == Shape::Word && t.mixed).count();
        let flags = [
            (own.question, "question"),
            (reader.reading.words() < 13, "short"),
            (reader.reading.words() > 60, "long"),
            (tokens.iter().any(|t| t.shape == Shape::Code), "code_span"),
            (names > 0, "names"),
        ];
        for (_, flag) in flags.iter().filter(|flag| flag.0) {
            self.add("is", flag);
        }
    }
}

/// A word without its ending, so that "splits" and "splitting" are one fact; crude, but the same for all.
fn stem(word: &str) -> &str {
    let ending = ["ing", "ed", "es", "s", "e"].into_iter().find(|ending| {
        word.ends_with(ending)
            && word.len() >= STEM_BYTES_MIN + ending.len()
            && !word.ends_with("ss")
    });
    ending.map_or(word, |ending| &word[..word.len() - ending.len()])
}
