//! Hears proposals: text in, verdict out.
//!
//! The road of a message: `normalise` reads Slack text into tokens · `pack` finds the phrases of a language ·
//! `clauses` and `frames` say who would do what to what, in which mood · `features` names that ·
//! `terms` adds the words as they are said · `score` weighs it · `extract` reads what it is about · `explain` says why.
//!
//! To add a language: 1. `packs/xx.toml` with the families of `packs/en.toml`; 2. a line in `EMBEDDED`;
//! 3. at least 60 labelled lines in `tests/corpus/xx.ndjson` and a test in `tests/corpus.rs`.
//! After a change of a pack run `secondlook learn` and `secondlook learn-extraction`; features are matched by name, so
//! old weights keep working until then.

mod atoms;
mod clauses;
mod explain;
mod extract;
mod features;
mod frames;
mod normalise;
mod pack;
mod score;
mod terms;

use std::collections::HashMap;

use super::evidence::EvidenceKind;
use super::{Door, Kind, Progress, Stance};
pub use atoms::Feature;
use atoms::Names;
use explain::{Topics, explain};
use extract::Reader;
pub use extract::{Facts, Learned};
pub use features::Features;
use features::features;
use frames::{Frame, Reading, Thing, read};
use normalise::normalise;
use pack::{File, Match, Pack, Section};
pub use score::{ByNumber, Mixed, Score, Weights};
pub use terms::Term;

/// A piece of the message that a rule matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The rule that matched, named as in the phrase pack.
    pub rule: String,
}

/// What the detector makes of one message.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Whether the message is a proposal.
    pub proposal: bool,
    /// How sure, from 0 to 1; calibrated: of the messages given 0.8, about 80 % are proposals.
    pub confidence: f64,
    /// What it would change.
    pub kind: Kind,
    /// What would be left behind, in the writer's words.
    pub from: Option<String>,
    /// What would come instead, in the writer's words.
    pub to: Option<String>,
    /// The problem it states, in the writer's words.
    pub problem: Option<String>,
    /// The kinds of evidence the message already carries.
    pub evidence: Vec<EvidenceKind>,
    /// How the writer stands to it.
    pub stance: Stance,
    /// How hard it is to undo.
    pub door: Door,
    /// Where the rules matched, in the order of the text.
    pub spans: Vec<Span>,
    /// The strongest reasons for the verdict, in plain words.
    pub reasons: Vec<String>,
    /// Words that tell how much would change or by when ("every team", "by Q2").
    pub scale: Vec<String>,
    /// How far it has come.
    pub progress: Progress,
    /// Language of the pack that judged it (`en`).
    pub language: &'static str,
}

impl Verdict {
    fn silent(language: &'static str) -> Self {
        Self {
            proposal: false,
            confidence: 0.0,
            kind: Kind::Other,
            from: None,
            to: None,
            problem: None,
            evidence: Vec::new(),
            stance: Stance::Floating,
            door: Door::Costly,
            spans: Vec::new(),
            reasons: Vec::new(),
            scale: Vec::new(),
            progress: Progress::Open,
            language,
        }
    }

    /// The words to quote on the card: "I matched …"; at most about 60 characters of the message, to the end of the clause.
    pub fn matched<'t>(&self, text: &'t str) -> &'t str {
        let Some(first) = self.spans.first() else { return "" };
        let fits = |end: &usize| end - first.start <= MATCHED_BYTES_MAX;
        let end = self.spans.iter().map(|span| span.end).filter(fits).max();
        let mut end = end.unwrap_or(first.start + MATCHED_BYTES_MAX).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let verb = self.spans.iter().find(|span| span.rule.starts_with("verb."));
        let said = verb.unwrap_or(first).end.min(end);
        let clause =
            text.get(said..end).and_then(|rest| rest.find([',', ';', ':', '?', '!', '\n']));
        text.get(first.start..clause.map_or(end, |at| said + at)).unwrap_or_default()
    }
}

/// The phrase packs, compiled once at start.
#[derive(Debug)]
pub struct Packs {
    packs: Vec<Language>,
    /// The number of the language a word tells.
    marks: HashMap<String, usize>,
}

#[derive(Debug)]
struct Language {
    code: &'static str,
    pack: Pack,
    names: Names,
    topics: Topics,
    weights: Weights,
    learned: Learned,
}

/// The files of one language.
#[derive(Clone, Copy, Debug)]
pub struct PackSource<'a> {
    /// The language, as on the wire (`en`).
    pub language: &'static str,
    /// Its phrases.
    pub phrases: &'a str,
    /// The weights of its features; families have the same names in every language, so languages may share them.
    pub weights: &'a str,
}

const NAMES: &str = include_str!("packs/names.toml");
const EN_WEIGHTS: &str = include_str!("packs/en.weights.toml");
const LEARNED: &str = include_str!("packs/extraction.weights.toml");
const EMBEDDED: &[PackSource<'static>] = &[
    PackSource { language: "en", phrases: include_str!("packs/en.toml"), weights: EN_WEIGHTS },
    PackSource { language: "de", phrases: include_str!("packs/de.toml"), weights: EN_WEIGHTS },
];

impl Packs {
    /// The packs that ship with the program. Fails with file, line and reason.
    pub fn embedded() -> Result<Self, String> {
        Self::from_sources(EMBEDDED)
    }

    /// The packs that ship with the program, and a workspace's own names of systems (format: `packs/names.toml`).
    pub fn with_names(names: &str) -> Result<Self, String> {
        Self::load(EMBEDDED, names)
    }

    /// Packs from their texts; the first is used where no language is recognised. Fails with file, line and reason.
    pub fn from_sources(sources: &[PackSource<'_>]) -> Result<Self, String> {
        Self::load(sources, "")
    }

    fn load(sources: &[PackSource<'_>], own_names: &str) -> Result<Self, String> {
        let parse = |source| Language::parse(source, own_names);
        let packs = sources.iter().map(parse).collect::<Result<Vec<_>, String>>()?;
        let mut marks = HashMap::new();
        for (number, language) in packs.iter().enumerate() {
            for mark in &language.pack.marks {
                marks.insert(mark.clone(), number);
            }
        }
        Ok(Self { packs, marks })
    }

    /// The language most of the first words tell; the first pack in doubt.
    fn language_of(&self, text: &str) -> &Language {
        let mut votes = [0_usize; LANGUAGES_MAX];
        let mut word = String::new();
        for raw in text.split_ascii_whitespace().take(LANGUAGE_WORDS_MAX) {
            word.clear();
            let bare = raw.trim_matches(|c: char| !c.is_alphanumeric());
            word.extend(bare.chars().flat_map(char::to_lowercase));
            if let Some(number) = self.marks.get(word.as_str()) {
                votes[(*number).min(LANGUAGES_MAX - 1)] += 1;
            }
        }
        let best = (1..self.packs.len().min(LANGUAGES_MAX)).max_by_key(|n| votes[*n]).unwrap_or(0);
        &self.packs[if votes[best] > votes[0] { best } else { 0 }]
    }

    /// The features of a message, for learning.
    pub fn features(&self, text: &str, context: &[&str]) -> Features {
        self.language_of(text).read(text, context).1
    }

    /// The texts of a message's terms, for learning.
    pub fn terms(&self, text: &str) -> Vec<(Term, String)> {
        let language = self.language_of(text);
        terms::named(text, &language.tokens(text).tokens.list)
    }

    /// The facts that tell what a message proposes, for learning; `None` where it has no clause.
    pub fn facts(&self, text: &str, context: &[&str]) -> Option<Facts> {
        let language = self.language_of(text);
        let (reading, features) = language.read(text, context);
        let clause = language.weights.score(&features).clause?;
        let frame = telling(&reading.frames, &reading.frames[clause]);
        Some(extract::facts(&Reader { pack: &language.pack, text, reading: &reading, frame }))
    }

    /// The name of a feature.
    pub fn feature_name(&self, feature: Feature) -> String {
        self.packs[0].names.name(feature)
    }
}

impl Language {
    fn parse(source: &PackSource<'_>, own_names: &str) -> Result<Self, String> {
        let code = source.language;
        let own = format!("packs/{code}.toml");
        let files = [
            File { name: &own, text: source.phrases },
            File { name: "packs/names.toml", text: NAMES },
            File { name: "names of the workspace", text: own_names },
        ];
        let pack = Pack::parse(&files)?;
        let names = Names::of(&pack);
        let weights = Weights::parse("packs/en.weights.toml", source.weights, &names)?;
        let topics = Topics::of(&names);
        let learned = Learned::parse("packs/extraction.weights.toml", LEARNED)?;
        Ok(Self { code, pack, names, topics, weights, learned })
    }

    /// Where the rules of the strongest clause matched.
    fn spans(&self, reading: &Reading, frame: &Frame) -> Vec<Span> {
        let tokens = &reading.tokens.list;
        let mut spans: Vec<Span> = [frame.mood, frame.verb, frame.after]
            .into_iter()
            .flatten()
            .map(|m| Span {
                start: tokens[m.first].start,
                end: tokens[m.last - 1].end,
                rule: self.pack.rule(m.entry),
            })
            .collect();
        for (phrase, rule) in [(&frame.object, "object"), (&frame.to, "to"), (&frame.from, "from")]
        {
            if phrase.thing != Thing::None {
                spans.push(Span {
                    start: tokens[phrase.first].start,
                    end: tokens[phrase.last - 1].end,
                    rule: rule.to_owned(),
                });
            }
        }
        spans.sort_by_key(|s| (s.start, s.end));
        spans
    }

    fn tokens(&self, text: &str) -> Reading {
        let tokens = normalise(text, &mut |word| self.pack.word(word));
        read(&self.pack, text, tokens)
    }

    fn read(&self, text: &str, context: &[&str]) -> (Reading, Features) {
        let reading = self.tokens(text);
        let context: Vec<_> =
            context.iter().rev().take(CONTEXT_MAX).map(|c| self.tokens(c)).collect();
        let features = features(&self.pack, &self.names, text, &reading, &context);
        (reading, features)
    }
}

/// Languages that can be told apart.
const LANGUAGES_MAX: usize = 8;
/// Words that are looked at to tell the language.
const LANGUAGE_WORDS_MAX: usize = 60;
/// Longest quotation on the card.
const MATCHED_BYTES_MAX: usize = 60;
/// Below this confidence nobody asks what the message would propose, so it is not read for that: most messages are ordinary.
const WORTH_READING: f64 = 0.05;
/// Messages before this one that are looked at.
const CONTEXT_MAX: usize = 2;

/// Judges one message. `context` holds the texts before it in the channel or thread, oldest first.
pub fn detect(packs: &Packs, text: &str, context: &[&str]) -> Verdict {
    let language = packs.language_of(text);
    let (reading, features) = language.read(text, context);
    let score = language.weights.score(&features);
    let frame = score.clause.map(|at| &reading.frames[at]);
    let mut verdict = Verdict::silent(language.code);
    verdict.proposal = score.value > language.weights.threshold;
    verdict.confidence = language.weights.confidence(score.value);
    let Some(frame) = frame.map(|scored| telling(&reading.frames, scored)) else { return verdict };
    verdict.spans = language.spans(&reading, frame);
    let clause = score.clause.map_or(&[][..], |at| &features.clauses[at]);
    verdict.reasons = explain(language, &reading, text, frame, &[&features.message, clause]);
    if !verdict.proposal && verdict.confidence < WORTH_READING {
        return verdict;
    }
    let reader = Reader { pack: &language.pack, text, reading: &reading, frame };
    let found = extract::extract(&reader, &language.learned);
    verdict.kind = found.kind;
    verdict.stance = found.stance;
    verdict.door = found.door;
    verdict.problem = found.problem;
    verdict.evidence = found.evidence;
    verdict.from = found.from;
    verdict.to = found.to;
    verdict.scale = found.scale;
    verdict.progress = found.progress;
    verdict
}

/// The clause whose words are quoted: the strongest one, unless it proposes nothing by itself ("exit code") and another
/// clause says what is proposed, and of what.
fn telling<'f>(frames: &'f [Frame], strongest: &'f Frame) -> &'f Frame {
    let proposes = |f: &Frame| f.mood.is_some() || f.after.is_some();
    let whole = |f: &&Frame| proposes(f) && f.verb.is_some() && f.object.thing != Thing::None;
    if proposes(strongest) { strongest } else { frames.iter().find(whole).unwrap_or(strongest) }
}

/// Whether a person here already asks for evidence ("do we have the headers?", "any logs?"): then the bot stays silent.
pub fn asks_for_evidence(packs: &Packs, text: &str) -> bool {
    let language = packs.language_of(text);
    let reading = language.tokens(text);
    let family = |m: &Match| language.pack.family_of(m.entry);
    reading.sentences.iter().filter(|s| !s.quoted).any(|s| {
        let inside = || reading.matches.iter().filter(|m| m.first >= s.first && m.first < s.last);
        let ask =
            |name: &str| inside().any(|m| m.entry.section == Section::Ask && family(m) == name);
        let evidence = || inside().any(|m| m.entry.section == Section::Evidence);
        (ask("direct") && s.question) || (ask("request") && evidence())
    })
}

#[cfg(test)]
mod tests;
