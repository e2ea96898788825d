//! Names the problem classes that might explain a symptom, and the cheapest checks that would show it.

pub mod learn;
mod lexicon;
mod load;
mod message;
mod model;
mod names;
mod pattern;
mod questions;
mod rank;
mod reader;
mod resolve;
mod spoken;
mod text;
mod why;

#[cfg(test)]
mod german;
#[cfg(test)]
mod lines;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unseen;

use std::collections::HashSet;

use super::ClassId;
use super::evidence::{EvidenceKind, Reading};
use lexicon::Lexicon;
use model::Model;
use pattern::{Pattern, Terms};
use spoken::Spoken;
use text::Same;

pub use names::Names;
pub use questions::{HypeNote, Pack, Restraint};
pub use rank::diagnose;
pub use reader::{Fault, Faults};

/// A check a person can run; the bot only shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The exact command, or the question where no command exists.
    pub run: String,
    /// The reading that confirms the class.
    pub confirms: String,
    /// The reading that rules it out.
    pub rules_out: String,
    /// Roughly how long it takes a person, in minutes.
    pub minutes: u16,
    /// Whether it is safe to run against production.
    pub safe: bool,
    /// What to post: the kind of evidence it produces.
    pub evidence: EvidenceKind,
    /// What to post, in plain words ("the full headers of one mail that went to spam").
    pub post: String,
}

/// A leaf of the catalogue.
#[derive(Clone, Debug)]
pub struct Class {
    /// Its id (`email-auth`).
    pub id: ClassId,
    /// Family code (`NAME`).
    pub family: String,
    /// Family in words ("Names, trust and identity").
    pub family_name: String,
    /// Configurational, infrastructural, architectural, process or code: decides how large a fix may be.
    pub kind: String,
    /// Its title ("Sender authentication and reputation").
    pub title: String,
    /// As a short question on the card ("Is it sender authentication (SPF, DKIM, DMARC)?").
    pub question: String,
    /// One or two sentences.
    pub definition: String,
    /// What people say first, in their own words; the ranking learns from these lines.
    pub heard: Vec<String>,
    /// The proposals it is often mistaken for.
    pub hides_behind: String,
    /// Classes that look alike.
    pub confused_with: Vec<ClassId>,
    /// How quickly a fix of this class is undone.
    pub reversibility: String,
    /// When the big change is right after all, and what shows it.
    pub big_change_right: String,
    /// How often it was the cause in 421 public incident reports, if it was counted.
    pub reports: Option<u16>,
    /// When somebody last checked that it still holds.
    pub last_reviewed: jiff::civil::Date,
    /// Cheapest first.
    pub checks: Vec<Check>,
}

/// Added to a class's reports, so that a rare one is not ruled out: all were counted in a few hundred only.
const REPORTS_MORE: f64 = 2.0;
/// What a class has on average.
const REPORTS_MEAN: f64 = 8.4;

impl Class {
    /// How often it is the cause beside the others, as log-odds.
    fn prior(&self) -> f64 {
        let reports = self.reports.map_or(REPORTS_MEAN, f64::from);
        ((reports + REPORTS_MORE) / (REPORTS_MEAN + REPORTS_MORE)).ln()
    }
}

/// A class that might explain the symptom.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Which class.
    pub class: ClassId,
    /// 0 to 1, comparable within one diagnosis only.
    pub score: f64,
    /// Whether there is reason enough to show it to people; the others are ranked for machines only.
    pub named: bool,
    /// Why, in plain words, quoting the message or the reading.
    pub why: String,
}

/// What is asked: everything known so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Symptom<'a> {
    /// What people see.
    pub symptom: &'a str,
    /// What they want to do about it.
    pub proposal: Option<&'a str>,
    /// What the evidence said so far.
    pub readings: &'a [Reading],
}

/// Ranked suspects and the first questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// Best first, named or not.
    pub suspects: Vec<Suspect>,
    /// At most four questions or checks to begin with.
    pub ask_first: Vec<String>,
    /// The language the symptom was read in, and the answer is given in (`de`).
    pub language: String,
}

impl Diagnosis {
    /// The suspects a person is shown, best first; none when the message gives no reason for any.
    pub fn named(&self) -> impl Iterator<Item = &Suspect> {
        self.suspects.iter().filter(|suspect| suspect.named)
    }
}

/// The problem classes, loaded and validated once at start.
#[derive(Debug)]
pub struct Catalog {
    engine: Engine,
    /// What is said in each language, English first.
    spoken: Vec<Spoken>,
}

impl Catalog {
    /// The catalogue that ships with the program. Fails with file, line and reason.
    pub fn embedded() -> Result<Self, String> {
        Self::load(load::EMBEDDED).map_err(|faults| faults.to_string())
    }

    /// The catalogue that ships with the program, and a workspace's own files after it.
    pub fn embedded_with(own: &[(&str, &str)]) -> Result<Self, Faults> {
        Self::load(&[load::EMBEDDED, own].concat())
    }

    /// Loads these files (name, text) together. Every fault is named with its file and line.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, Faults> {
        load::load(files)
    }

    /// Every class in English, in the order of the files.
    pub fn classes(&self) -> &[Class] {
        &self.spoken[0].classes
    }

    /// The class with this id, in English.
    pub fn class(&self, id: &ClassId) -> Option<&Class> {
        self.classes().iter().find(|c| &c.id == id)
    }
}

/// What the ranking needs, compiled once.
#[derive(Debug)]
struct Engine {
    same: Same,
    /// Stems that say nothing about a cause.
    stop: HashSet<String>,
    /// Stems that are no reason to show a person.
    dull: HashSet<String>,
    groups: Vec<(String, usize)>,
    terms: Terms,
    ideas: Vec<Idea>,
    /// For each first question, the phrases that show it is already answered.
    answered: Vec<Vec<Pattern>>,
    /// Words of other languages.
    lexicons: Vec<Lexicon>,
    /// The idea without which no class is named.
    complaint: usize,
    /// The idea of a text that pushes for a change.
    advocacy: usize,
    cues: Vec<Cue>,
    weights: Weights,
    learned: Model,
}

/// A symptom idea that several classes share.
#[derive(Debug)]
struct Idea {
    name: String,
    any: Vec<Pattern>,
}

/// A phrase that speaks for or against a class.
#[derive(Debug)]
struct Cue {
    class: usize,
    level: Level,
    weight: f64,
    pattern: Pattern,
}

/// How much each thing counts (catalog/ranking.toml).
#[derive(Clone, Copy, Debug, Default)]
struct Weights {
    strong: f64,
    fair: f64,
    hint: f64,
    context: f64,
    against: f64,
    proposal_share: f64,
    supports: f64,
    contradicts: f64,
    learned: f64,
    prior: f64,
    look_alike: f64,
    doubt: f64,
    weak_share: f64,
    unknown: f64,
    named_from: f64,
    one_word: f64,
    learned_reason: f64,
}

/// How much a cue says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Strong,
    Fair,
    Hint,
    Context,
    Against,
}

impl Level {
    const ALL: [(&'static str, Self); 5] = [
        ("strong", Self::Strong),
        ("fair", Self::Fair),
        ("hint", Self::Hint),
        ("context", Self::Context),
        ("against", Self::Against),
    ];
}

impl Weights {
    fn of(&self, level: Level) -> f64 {
        match level {
            Level::Strong => self.strong,
            Level::Fair => self.fair,
            Level::Hint => self.hint,
            Level::Context => self.context,
            Level::Against => self.against,
        }
    }
}
