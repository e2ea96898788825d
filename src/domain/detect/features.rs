//! Turns a reading into named features: one set for the message, one for each clause that could carry a proposal.

use super::atoms::{Atom, Feature, Names, Slot, group};
use super::clauses::mark;
use super::frames::{Frame, Phrase, Reading, Thing};
use super::normalise::Shape;
use super::pack::{Match, Pack, Section};
use super::terms::{Term, terms};

/// A longer message is judged by itself, without the messages before it.
const CONTEXT_WORDS_MAX: usize = 12;

/// The features of one message: those of the whole, those of each clause, and its words.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// Of the whole message and its context.
    pub message: Vec<Feature>,
    /// Of each clause, in the order of the text.
    pub clauses: Vec<Vec<Feature>>,
    /// The words of the message.
    pub terms: Vec<Term>,
}

/// Names what a reading shows. `context` are the readings of the messages before.
pub(super) fn features(
    pack: &Pack,
    names: &Names,
    text: &str,
    reading: &Reading,
    context: &[Reading],
) -> Features {
    let maker = Maker { pack, names, text, reading, context };
    let mut message = maker.message();
    maker.context(&mut message);
    message.sort_unstable();
    message.dedup();
    let clauses = reading.frames.iter().map(|frame| maker.clause(frame)).collect();
    Features { message, clauses, terms: terms(text, &reading.tokens.list) }
}

struct Maker<'a> {
    pack: &'a Pack,
    names: &'a Names,
    text: &'a str,
    reading: &'a Reading,
    context: &'a [Reading],
}

/// What a clause is made of, as atoms.
struct Parts {
    mood: Atom,
    verb: Atom,
    object: Atom,
    to: Atom,
    from: Atom,
    form: Atom,
    actor: Atom,
    mood_class: Atom,
    verb_class: Atom,
    object_class: Atom,
    to_class: Atom,
}

impl Parts {
    /// Each by itself, and those that mean more together.
    fn features(&self) -> Vec<Feature> {
        let Self { mood, verb, object, to, from, form, actor, .. } = *self;
        let Self { mood_class, verb_class, object_class, to_class, .. } = *self;
        let ones = [
            mood,
            verb,
            object,
            to,
            from,
            form,
            actor,
            mood_class,
            verb_class,
            object_class,
            to_class,
        ];
        let twos = [
            (mood, verb),
            (mood, object),
            (mood, form),
            (mood, to),
            (verb, object),
            (verb, to),
            (verb, from),
            (verb, form),
            (object, to),
            (actor, form),
            (actor, mood),
            (mood_class, verb_class),
            (mood_class, object_class),
            (verb_class, object_class),
            (verb_class, to_class),
            (object_class, to_class),
            (mood_class, verb),
            (verb_class, form),
            (mood_class, form),
        ];
        let threes = [
            (mood_class, verb_class, object_class),
            (mood_class, verb_class, to_class),
            (mood_class, verb, object_class),
            (verb_class, object_class, to_class),
            (mood, verb, object),
            (mood, object, to),
            (mood, verb, form),
            (actor, verb, form),
        ];
        let ones = ones.into_iter().map(Feature::one);
        let twos = twos.into_iter().map(|(a, b)| Feature::two(a, b));
        let threes = threes.into_iter().map(|(a, b, c)| Feature::three(a, b, c));
        ones.chain(twos).chain(threes).collect()
    }
}

impl Maker<'_> {
    fn parts(&self, frame: &Frame) -> Parts {
        let names = self.names;
        Parts {
            mood: names.mood(frame.mood.map(|m| m.entry.family), frame.tight),
            verb: names.atom(Slot::Verb, frame.verb.map_or(0, |v| v.entry.family + 1)),
            object: names.thing(Slot::Object, frame.object.thing),
            to: names.thing(Slot::To, frame.to.thing),
            from: names.thing(Slot::From, frame.from.thing),
            form: names.atom(Slot::Form, frame.tense as u16),
            actor: names.actor(frame.actor),
            mood_class: self.mood_class(frame),
            verb_class: self.verb_class(frame),
            object_class: self.thing_class(Slot::ObjectClass, &frame.object),
            to_class: self.thing_class(Slot::ToClass, &frame.to),
        }
    }

    fn mood_class(&self, frame: &Frame) -> Atom {
        let class = frame.mood.map_or(0, |m| match group(self.pack.family_of(m.entry)) {
            "push" | "float" if frame.tight => 1,
            "push" | "float" => 2,
            "want" => 3,
            "hint" => 4,
            _ => 5,
        });
        self.names.atom(Slot::MoodClass, class)
    }

    fn verb_class(&self, frame: &Frame) -> Atom {
        let class = frame.verb.map_or(0, |v| match self.pack.family_of(v.entry) {
            "use" | "revert" => 2,
            "ops" => 3,
            "act" => 4,
            _ => 1,
        });
        self.names.atom(Slot::VerbClass, class)
    }

    fn thing_class(&self, slot: Slot, phrase: &Phrase) -> Atom {
        let class = match phrase.thing {
            Thing::None => 0,
            Thing::Name => 1,
            Thing::Known(family) => {
                match group(&self.pack.families(Section::Noun)[usize::from(family)]) {
                    "system" | "process" | "product" => 1,
                    "plain" => 2,
                    "meta" | "text" | "life" | "time" => 4,
                    _ => 3,
                }
            }
            Thing::Code => 3,
            Thing::Person | Thing::Ticket => 4,
            Thing::Pronoun | Thing::Link | Thing::Number | Thing::Other => 2,
        };
        self.names.atom(slot, class)
    }

    fn clause(&self, frame: &Frame) -> Vec<Feature> {
        let names = self.names;
        let parts = self.parts(frame);
        let mut out = parts.features();
        if let Some(m) = frame.mood {
            let family = names.atom(Slot::MoodFamily, m.entry.family);
            out.push(Feature::one(family));
            out.push(Feature::two(family, parts.verb));
            out.push(Feature::two(family, parts.object));
            out.push(Feature::one(names.atom(Slot::MoodLine, m.entry.lemma)));
        }
        if let Some(v) = frame.verb {
            let line = names.atom(Slot::VerbLine, v.entry.lemma);
            out.push(Feature::one(line));
            out.push(Feature::two(line, parts.mood));
        }
        if let Thing::Known(family) = frame.object.thing {
            out.push(Feature::one(names.atom(Slot::ObjectFamily, family)));
        }
        if let Some(after) = frame.after {
            let after = names.after(after.entry.family);
            out.push(Feature::one(after));
            out.push(Feature::two(after, parts.verb));
            out.push(Feature::two(after, parts.form));
        }
        for near in self.near(frame) {
            out.push(Feature::one(near));
            out.push(Feature::two(near, parts.mood));
            out.push(Feature::two(near, parts.verb));
        }
        out.extend(self.around(frame).into_iter().map(Feature::one));
        if self.reading.sentences[frame.sentence].question {
            out.push(Feature::three(parts.mood, parts.verb, names.flag(Slot::Near, "question")));
        }
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Cues and circumstances in the clause's sentence.
    fn near(&self, frame: &Frame) -> Vec<Atom> {
        let names = self.names;
        let sentence = &self.reading.sentences[frame.sentence];
        let mut near = Vec::new();
        for m in self.reading.matches_in(sentence) {
            let other_mood = frame.mood.is_none_or(|g| g.first != m.first);
            match m.entry.section {
                Section::Cue => near.push(names.cue(Slot::Near, m.entry.family)),
                Section::Noun => near.push(names.noun_flag(Slot::Near, m.entry.family)),
                Section::Evidence => near.push(names.flag(Slot::Near, "evidence")),
                Section::Mood if other_mood => match group(self.pack.family_of(m.entry)) {
                    "push" | "float" => near.push(names.flag(Slot::Near, "proposes")),
                    "want" => near.push(names.flag(Slot::Near, "wants")),
                    _ => {}
                },
                _ => {}
            }
        }
        let inside = &self.reading.tokens.list[sentence.first..sentence.last];
        let flags = [
            (sentence.question, "question"),
            (sentence.quoted, "quoted"),
            (self.reading.sentences.len() == 1, "alone"),
            (inside.iter().any(|t| t.shape == Shape::Code), "code_span"),
            (inside.iter().any(|t| t.shape == Shape::Number), "figure"),
            (frame.object.tail, "tail"),
            (self.refers_to_something_big(frame), "refers"),
            (inside.len() < 6, "very_short"),
            (inside.len() > 30, "long"),
        ];
        near.extend(flags.iter().filter(|f| f.0).map(|f| names.flag(Slot::Near, f.1)));
        near.sort_unstable();
        near.dedup();
        near
    }

    /// "get rid of it", "time to change": what it is about was named just before, and is large.
    fn refers_to_something_big(&self, frame: &Frame) -> bool {
        let vague = matches!(frame.object.thing, Thing::Pronoun | Thing::None);
        if !vague || matches!(frame.to.thing, Thing::Known(_) | Thing::Name) {
            return false;
        }
        let big = |m: &Match| {
            m.entry.section == Section::Noun
                && matches!(group(self.pack.family_of(m.entry)), "system" | "process" | "product")
        };
        let sentences = &self.reading.sentences;
        let before = &sentences[frame.sentence.saturating_sub(2)..frame.sentence];
        let short = self.reading.words() <= CONTEXT_WORDS_MAX;
        before.iter().any(|s| self.reading.matches_in(s).iter().any(big))
            || (short && self.context.iter().any(|reading| reading.matches.iter().any(big)))
    }

    /// Cues in the clause's sentence and its neighbours: a joke five sentences on says nothing about the proposal.
    fn around(&self, frame: &Frame) -> Vec<Atom> {
        let names = self.names;
        let sentences = &self.reading.sentences;
        let last = (frame.sentence + 1).min(sentences.len() - 1);
        let mut around = Vec::new();
        for sentence in &sentences[frame.sentence.saturating_sub(1)..=last] {
            for m in self.reading.matches_in(sentence) {
                match m.entry.section {
                    Section::Cue => around.push(names.cue(Slot::Around, m.entry.family)),
                    Section::Evidence => around.push(names.flag(Slot::Around, "evidence")),
                    Section::Mood => match group(self.pack.family_of(m.entry)) {
                        "push" | "float" => around.push(names.flag(Slot::Around, "proposes")),
                        "want" => around.push(names.flag(Slot::Around, "wants")),
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
        around.sort_unstable();
        around.dedup();
        around
    }

    fn message(&self) -> Vec<Feature> {
        let names = self.names;
        let tokens = &self.reading.tokens.list;
        let mut atoms: Vec<Atom> = Vec::new();
        let size = match self.reading.words() {
            0..=4 => "very_short",
            5..=12 => "short",
            13..=40 => "middle",
            41..=100 => "long",
            _ => "very_long",
        };
        let any = |shape: Shape| tokens.iter().any(|t| t.shape == shape);
        let breaks = tokens.iter().filter(|t| t.shape == Shape::Break).count();
        let flags = [
            (true, size),
            (any(Shape::Code), "code_span"),
            (any(Shape::Block), "block"),
            (any(Shape::Link), "link"),
            (any(Shape::Number), "figure"),
            (any(Shape::Person), "person"),
            (any(Shape::Emoji), "emoji"),
            (self.reading.tokens.quotes_left_out, "quote"),
            (self.reading.sentences.len() > 3, "several"),
            (breaks > 3, "bulletin"),
            (tokens.iter().any(|t| mark(self.text, t) == "!"), "exclaimed"),
            (self.reading.sentences.iter().any(|s| s.question), "question"),
        ];
        atoms.extend(flags.iter().filter(|f| f.0).map(|f| names.flag(Slot::Message, f.1)));
        atoms.into_iter().map(Feature::one).collect()
    }

    /// What the messages before show, where this one is short: the trouble, a question, a proposal it answers.
    fn context(&self, out: &mut Vec<Feature>) {
        let words = self.reading.words();
        if words > CONTEXT_WORDS_MAX {
            return;
        }
        let size = self.names.flag(Slot::Message, if words <= 4 { "very_short" } else { "short" });
        for reading in self.context {
            let trouble = reading.matches.iter().any(|m| {
                m.entry.section == Section::Cue && self.pack.family_of(m.entry) == "problem"
            });
            let proposes = |f: &Frame| f.verb.is_some() && f.mood.is_some() && f.tight;
            let flags = [
                (trouble, "trouble"),
                (reading.sentences.iter().any(|s| s.question), "question"),
                (reading.frames.iter().any(proposes), "change"),
            ];
            for (_, name) in flags.iter().filter(|f| f.0) {
                let flag = self.names.flag(Slot::Context, name);
                out.push(Feature::one(flag));
                out.push(Feature::two(flag, size));
            }
        }
    }
}
