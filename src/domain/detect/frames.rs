//! Reads each clause as a frame: who would do what to what, in which mood and tense.

use super::clauses::{Sentence, mark, sentences};
use super::normalise::{Shape, Token, Tokens};
use super::pack::{Form, Match, Pack, Section};

/// Farther than this before the verb a mood does not govern it.
const MOOD_REACH: usize = 12;
/// Tokens after the verb that are searched for its object.
const OBJECT_REACH: usize = 16;
/// An object phrase is at most this long.
const PHRASE_MAX: usize = 8;

/// What a noun phrase is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thing {
    None,
    Pronoun,
    Name,
    Person,
    Code,
    Link,
    Number,
    /// A ticket, a pull request ("#4410", "DS-788").
    Ticket,
    Other,
    /// A noun of the pack, by family.
    Known(u16),
}

/// A noun phrase: what it is about and its tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Phrase {
    pub thing: Thing,
    pub first: usize,
    pub last: usize,
    /// An unknown word follows the known noun and may be the real head ("vendor update").
    pub tail: bool,
}

impl Phrase {
    const NONE: Self = Self { thing: Thing::None, first: 0, last: 0, tail: false };
}

/// Form of the verb in its clause; the order is that of the feature names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tense {
    None,
    Base,
    Imperative,
    Infinitive,
    Third,
    Ing,
    Past,
    Passive,
    Perfect,
    /// A noun that looks like a verb ("the build").
    Nominal,
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    None,
    Person,
    Name,
    Other,
    /// A subject of the pack, by family.
    Known(u16),
}

/// One clause that could carry a proposal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub sentence: usize,
    pub verb: Option<Match>,
    pub mood: Option<Match>,
    /// Nothing but fillers stands between mood and verb.
    pub tight: bool,
    /// A mood that follows the verb ("moving to git would be nice").
    pub after: Option<Match>,
    pub tense: Tense,
    pub actor: Actor,
    pub object: Phrase,
    pub to: Phrase,
    pub from: Phrase,
}

/// A text, read.
#[derive(Debug)]
pub(super) struct Reading {
    pub tokens: Tokens,
    pub matches: Vec<Match>,
    pub sentences: Vec<Sentence>,
    pub frames: Vec<Frame>,
}

impl Reading {
    /// The phrases found in a sentence.
    pub(super) fn matches_in(&self, sentence: &Sentence) -> &[Match] {
        let from = self.matches.partition_point(|m| m.first < sentence.first);
        let count = self.matches[from..].iter().take_while(|m| m.first < sentence.last).count();
        &self.matches[from..from + count]
    }

    /// How many words the text has.
    pub(super) fn words(&self) -> usize {
        self.tokens.list.iter().filter(|t| t.shape == Shape::Word).count()
    }
}

/// Reads tokens with a pack.
pub(super) fn read(pack: &Pack, text: &str, tokens: Tokens) -> Reading {
    let matches = pack.find(&tokens.list);
    let sentences = sentences(text, &tokens.list);
    let mut reading = Reading { tokens, matches, sentences, frames: Vec::new() };
    reading.frames = Reader { pack, text, reading: &reading }.frames();
    reading
}

struct Reader<'a> {
    pack: &'a Pack,
    text: &'a str,
    reading: &'a Reading,
}

impl Reader<'_> {
    fn tokens(&self) -> &[Token] {
        &self.reading.tokens.list
    }

    fn frames(&self) -> Vec<Frame> {
        let mut frames = Vec::new();
        for (number, sentence) in self.reading.sentences.iter().enumerate() {
            let inside = self.reading.matches_in(sentence);
            let before = frames.len();
            // "we need", "time to move on": a verb inside a mood says nothing more.
            let in_mood = |v: &Match| {
                inside.iter().any(|m| {
                    m.entry.section == Section::Mood && m.first <= v.first && v.last <= m.last
                })
            };
            // "the report generator": a noun that looks like an everyday verb opens no clause.
            let everyday = |v: &Match| {
                matches!(self.pack.family_of(v.entry), "act" | "ops" | "use")
                    && self.is_nominal(inside, v)
            };
            let opens =
                |m: &&Match| m.entry.section == Section::Verb && !in_mood(m) && !everyday(m);
            for m in inside.iter().filter(opens) {
                frames.push(self.verb_frame(number, sentence, inside, m));
            }
            if frames.len() == before {
                frames.push(self.verbless_frame(number, sentence, inside));
            }
        }
        frames
    }

    fn verb_frame(&self, number: usize, s: &Sentence, inside: &[Match], verb: &Match) -> Frame {
        let moods = || inside.iter().filter(|m| m.entry.section == Section::Mood);
        let mood =
            moods().rfind(|m| m.last <= verb.first && verb.first - m.last <= MOOD_REACH).copied();
        let after = moods().find(|m| m.first >= verb.last).copied();
        let mut tight = mood
            .is_some_and(|m| m.last >= verb.first || self.only_fillers(inside, m.last, verb.first));
        let (mut object, mut to, mut from) = self.objects(s, inside, verb.last);
        let tense = self.tense(s, inside, verb);
        if self.leads_to(inside, verb) {
            if to.thing == Thing::None {
                to = object;
            }
            object = Phrase::NONE;
        }
        if self.pack.verb_last
            && let Some(mood) = mood
        {
            // "wir sollten Jenkins durch GitLab ersetzen": the verb closes the clause that the mood opened.
            let closes = !inside.iter().any(|m| {
                m.entry.section == Section::Verb && m.first >= mood.last && m.last <= verb.first
            });
            tight |= closes;
            if closes && object.thing == Thing::None && mood.last < verb.first {
                (object, to, from) = self.objects_within(inside, mood.last, verb.first);
            }
        }
        // "X should be rewritten", "X should move to Y": what is changed stands before the mood.
        if object.thing == Thing::None
            && tight
            && let Some(mood) = mood
        {
            object = self.phrase_before(s, mood.first, inside);
        }
        let actor = if tight { Actor::None } else { self.actor(s, inside, verb.first) };
        Frame {
            sentence: number,
            verb: Some(*verb),
            mood,
            tight,
            after,
            tense,
            actor,
            object,
            to,
            from,
        }
    }

    fn verbless_frame(&self, number: usize, s: &Sentence, inside: &[Match]) -> Frame {
        let mood = inside.iter().find(|m| m.entry.section == Section::Mood).copied();
        let start = mood.map_or(s.first, |m| m.last);
        let (mut object, to, from) = self.objects(s, inside, start);
        let actor = mood.map_or(Actor::None, |m| self.actor(s, inside, m.first));
        if object.thing == Thing::None || object.thing == Thing::Other {
            object = mood.map_or(object, |m| self.phrase_before(s, m.first, inside));
        }
        Frame {
            sentence: number,
            verb: None,
            mood,
            tight: true,
            after: None,
            tense: Tense::None,
            actor,
            object,
            to,
            from,
        }
    }

    /// Whether the verb ends in a preposition of its own ("go to", "settle on"): what follows is reached, not changed.
    fn leads_to(&self, inside: &[Match], verb: &Match) -> bool {
        let prep = |m: &&Match| {
            m.entry.section == Section::Prep && m.last == verb.last && m.first > verb.first
        };
        inside
            .iter()
            .find(prep)
            .is_some_and(|m| self.pack.families(Section::Prep)[m.entry.family as usize] == "to")
    }

    /// The noun phrase that ends before `end`.
    fn phrase_before(&self, s: &Sentence, end: usize, inside: &[Match]) -> Phrase {
        let from = end.saturating_sub(PHRASE_MAX).max(s.first);
        let barrier = |at: usize| matches!(self.tokens()[at].shape, Shape::Mark | Shape::Emoji);
        let start = (from..end).rev().find(|at| barrier(*at)).map_or(from, |at| at + 1);
        let verb = inside.iter().rev().find(|m| {
            m.first >= start
                && m.last <= end
                && matches!(m.entry.section, Section::Verb | Section::Mood)
        });
        self.phrase(verb.map_or(start, |m| m.last), end, inside)
    }

    /// A noun that looks like a verb: "the build", "the tuesday release", "docs build".
    fn is_nominal(&self, inside: &[Match], verb: &Match) -> bool {
        if verb.entry.form == Form::Past {
            return false;
        }
        let determiner = |at: usize| {
            inside.iter().any(|m| {
                m.last == at
                    && m.entry.section == Section::Aux
                    && self.pack.families(Section::Aux)[m.entry.family as usize] == "determiner"
            })
        };
        let plain = |at: usize| {
            self.tokens()[at].shape == Shape::Word
                && !inside.iter().any(|m| {
                    m.first <= at
                        && at < m.last
                        && matches!(
                            m.entry.section,
                            Section::Prep | Section::Subject | Section::Mood | Section::Verb
                        )
                })
        };
        let noun = |at: usize, first: bool| {
            inside.iter().any(|m| {
                m.entry.section == Section::Noun && if first { m.first == at } else { m.last == at }
            })
        };
        let at = verb.first;
        // "hosting providers", "build system": a part of a longer noun.
        let part = |m: &Match| {
            m.entry.section == Section::Noun
                && m.first <= at
                && verb.last <= m.last
                && m.last - m.first > verb.last - at
        };
        if inside.iter().any(part) {
            return true;
        }
        let near = determiner(at)
            || (at > 0 && verb.entry.form != Form::Ing && plain(at - 1) && determiner(at - 1));
        near || (verb.entry.form != Form::Ing && noun(at, false) && noun(at, true))
    }

    /// Whether only fillers, auxiliaries and addressees stand between two tokens.
    fn only_fillers(&self, inside: &[Match], from: usize, to: usize) -> bool {
        let mut at = from;
        while at < to {
            let token = &self.tokens()[at];
            let aux = inside
                .iter()
                .filter(|m| m.entry.section == Section::Aux && m.first == at && m.last <= to)
                .map(|m| m.last)
                .max();
            let skip = self.pack.is_filler(token)
                || matches!(token.shape, Shape::Person | Shape::Emoji)
                || matches!(mark(self.text, token), "," | ":" | "\"" | "(");
            at = match aux {
                Some(last) => last,
                None if skip => at + 1,
                None => return false,
            };
        }
        true
    }

    /// The token before `at` that is no filler, within the sentence.
    fn before(&self, s: &Sentence, at: usize) -> Option<usize> {
        (s.first..at).rev().find(|i| !self.pack.is_filler(&self.tokens()[*i]))
    }

    fn actor(&self, s: &Sentence, inside: &[Match], verb: usize) -> Actor {
        let Some(mut at) = self.before(s, verb) else { return Actor::None };
        // "we are moving", "we have moved": look past the auxiliary.
        if let Some(aux) = inside
            .iter()
            .find(|m| m.entry.section == Section::Aux && m.last == at + 1 && m.first > s.first)
        {
            match self.before(s, aux.first) {
                Some(earlier) => at = earlier,
                None => return Actor::None,
            }
        }
        if let Some(m) =
            inside.iter().find(|m| m.entry.section == Section::Subject && m.last == at + 1)
        {
            return Actor::Known(m.entry.family);
        }
        let token = &self.tokens()[at];
        match token.shape {
            Shape::Person => Actor::Person,
            Shape::Word if token.mixed || (token.capital && at > s.first) => Actor::Name,
            Shape::Word => Actor::Other,
            _ => Actor::None,
        }
    }

    fn tense(&self, s: &Sentence, inside: &[Match], verb: &Match) -> Tense {
        let aux = |name: &str| {
            let from = verb.first.saturating_sub(4).max(s.first);
            inside.iter().any(|m| {
                m.entry.section == Section::Aux
                    && self.pack.families(Section::Aux)[m.entry.family as usize] == name
                    && m.first >= from
                    && m.last <= verb.first
                    && self.only_fillers(inside, m.last, verb.first)
            })
        };
        match verb.entry.form {
            _ if self.is_nominal(inside, verb) => Tense::Nominal,
            Form::Base if self.starts_sentence(s, verb.first) => Tense::Imperative,
            Form::Base if aux("infinitive") => Tense::Infinitive,
            // "I cut it", "they split it": the past looks like the base.
            Form::Base | Form::Past if aux("have") => Tense::Perfect,
            Form::Past if aux("be") => Tense::Passive,
            Form::Base => Tense::Base,
            Form::Third => Tense::Third,
            Form::Ing => Tense::Ing,
            Form::Past => Tense::Past,
            Form::None => Tense::None,
        }
    }

    /// Whether only fillers, an addressee ("anna:"), marks or emoji stand before `at`.
    fn starts_sentence(&self, s: &Sentence, at: usize) -> bool {
        let mut first = s.first;
        if at > first + 1 && mark(self.text, &self.tokens()[first + 1]) == ":" {
            first += 2;
        }
        (first..at).all(|i| {
            let token = &self.tokens()[i];
            self.pack.is_filler(token) || token.shape != Shape::Word
        })
    }

    /// Direct object, what is reached and what is left, searched after `start`.
    fn objects(&self, s: &Sentence, inside: &[Match], start: usize) -> (Phrase, Phrase, Phrase) {
        let end = s.last.min(start + OBJECT_REACH);
        let stop = |m: &&Match| {
            m.first >= start
                && m.first < end
                && (m.entry.section == Section::Mood
                    || (m.entry.section == Section::Verb && !self.is_nominal(inside, m)))
        };
        let end = inside.iter().find(stop).map_or(end, |m| m.first);
        self.objects_within(inside, start, end)
    }

    /// Direct object, what is reached and what is left between two tokens.
    fn objects_within(
        &self,
        inside: &[Match],
        start: usize,
        end: usize,
    ) -> (Phrase, Phrase, Phrase) {
        let object = self.phrase(start, end, inside);
        let (mut to, mut from) = (Phrase::NONE, Phrase::NONE);
        for m in inside.iter().filter(|m| m.entry.section == Section::Prep) {
            if m.first < start || m.first >= end {
                continue;
            }
            let phrase = self.phrase(m.last, end, inside);
            match self.pack.families(Section::Prep)[m.entry.family as usize].as_str() {
                "to" if to.thing == Thing::None => to = phrase,
                "from" if from.thing == Thing::None => from = phrase,
                _ => {}
            }
        }
        (object, to, from)
    }

    /// The noun phrase that begins at `start`: its head is the last noun before a mark, a preposition or a clause word.
    fn phrase(&self, start: usize, end: usize, inside: &[Match]) -> Phrase {
        let mut best = Phrase::NONE;
        let mut at = start;
        let end = end.min(start + PHRASE_MAX);
        while at < end {
            let here = |section: Section| {
                inside.iter().find(|m| m.first == at && m.entry.section == section)
            };
            if let Some(m) = here(Section::Noun).filter(|m| m.last <= end) {
                best = Phrase {
                    thing: Thing::Known(m.entry.family),
                    first: start,
                    last: m.last,
                    tail: false,
                };
                at = m.last;
                continue;
            }
            if here(Section::Prep).is_some() {
                break;
            }
            if here(Section::Aux).is_some_and(|m| {
                self.pack.families(Section::Aux)[m.entry.family as usize] == "determiner"
            }) {
                at += 1;
                continue;
            }
            let token = &self.tokens()[at];
            let thing = match token.shape {
                Shape::Mark | Shape::Break | Shape::Block | Shape::Emoji => break,
                Shape::Person => Thing::Person,
                Shape::Channel | Shape::Link => Thing::Link,
                Shape::Code => Thing::Code,
                Shape::Number => Thing::Number,
                Shape::Ticket => Thing::Ticket,
                Shape::Word if here(Section::Subject).is_some() => Thing::Pronoun,
                Shape::Word if token.mixed || token.capital => Thing::Name,
                Shape::Word if self.pack.is_filler(token) => {
                    at += 1;
                    continue;
                }
                Shape::Word => Thing::Other,
            };
            let weaker = matches!(thing, Thing::Other | Thing::Number) && best.thing != Thing::None;
            if thing == Thing::Pronoun && best.thing != Thing::None {
                break;
            }
            if !weaker || matches!(best.thing, Thing::Other | Thing::Number) {
                best = Phrase { thing, first: start, last: at + 1, tail: false };
            } else if thing == Thing::Other {
                best.tail = true;
            }
            at += 1;
        }
        best
    }
}
