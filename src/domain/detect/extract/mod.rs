//! Reads what a proposal is about: kind, from, to, problem, evidence it carries, stance, scale, door, progress.
//!
//! Kind, door and problem are weighed by learned facts (`learned`); the rest is read by rule.

mod ends;
mod guess;
mod learned;
mod problem;
mod subject;

use super::frames::{Frame, Reading, Tense};
use super::normalise::Shape;
use super::pack::{Match, Pack, Section};
use crate::domain::evidence::EvidenceKind;
use crate::domain::{Door, Kind, Progress, Stance};
pub use learned::Learned;

/// Most words about the size that are told.
const SCALE_MAX: usize = 5;

/// What a proposal is about.
#[derive(Debug)]
pub(super) struct Extract {
    pub kind: Kind,
    pub from: Option<String>,
    pub to: Option<String>,
    pub problem: Option<String>,
    pub evidence: Vec<EvidenceKind>,
    pub stance: Stance,
    pub door: Door,
    pub scale: Vec<String>,
    pub progress: Progress,
}

/// The facts that tell what a proposal is about, for learning.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Those that tell kind and door.
    pub subject: Vec<String>,
    /// Those of each clause that could state the problem.
    pub clauses: Vec<Vec<String>>,
}

/// Reads the proposal that a frame carries.
pub(super) fn extract(reader: &Reader<'_>, learned: &Learned) -> Extract {
    let facts = subject::facts(reader);
    let (from, to) = ends::ends(reader);
    let clauses = problem::clauses(reader);
    let scores: Vec<f64> =
        clauses.iter().map(|c| learned.score("problem", "stated", &c.facts)).collect();
    Extract {
        kind: learned.best("kind", &facts).and_then(Kind::parse).unwrap_or(Kind::Other),
        door: learned.best("door", &facts).and_then(Door::parse).unwrap_or(Door::Costly),
        from,
        to,
        problem: problem::words(reader, &clauses, &scores),
        evidence: reader.evidence(),
        stance: reader.stance(),
        scale: reader.scale(),
        progress: reader.progress(),
    }
}

/// The facts of the proposal that a frame carries.
pub(super) fn facts(reader: &Reader<'_>) -> Facts {
    let clauses = problem::clauses(reader).into_iter().map(|clause| clause.facts).collect();
    Facts { subject: subject::facts(reader), clauses }
}

/// A proposal's message, read, and the frame that carries the proposal.
pub(super) struct Reader<'a> {
    pub pack: &'a Pack,
    pub text: &'a str,
    pub reading: &'a Reading,
    pub frame: &'a Frame,
}

impl<'a> Reader<'a> {
    fn family(&self, m: &Match) -> &'a str {
        self.pack.family_of(m.entry)
    }

    /// The line of the pack that matched.
    fn lemma(&self, m: &Match) -> &'a str {
        &self.pack.lemmas(m.entry.section)[usize::from(m.entry.lemma)]
    }

    fn all(&self, section: Section) -> impl Iterator<Item = &'a Match> {
        self.reading.matches.iter().filter(move |m| m.entry.section == section)
    }

    /// The phrases that begin at a token.
    fn at(&self, first: usize) -> impl Iterator<Item = &'a Match> {
        let from = self.reading.matches.partition_point(|m| m.first < first);
        self.reading.matches[from..].iter().take_while(move |m| m.first == first)
    }

    fn slice(&self, first: usize, last: usize) -> &'a str {
        let tokens = &self.reading.tokens.list;
        self.text.get(tokens[first].start..tokens[last - 1].end).unwrap_or_default()
    }

    fn verb(&self) -> &'a str {
        self.frame.verb.map_or("", |v| self.family(&v))
    }

    /// The first token of the clause that proposes.
    fn clause_start(&self) -> usize {
        let sentence = self.reading.sentences[self.frame.sentence].first;
        let first = [self.frame.mood, self.frame.verb].into_iter().flatten().map(|m| m.first).min();
        first.unwrap_or(sentence)
    }

    /// Figures and what they are figures of. A single bare number or a mere mention is no evidence.
    fn evidence(&self) -> Vec<EvidenceKind> {
        let tokens = &self.reading.tokens.list;
        let figures: Vec<&str> = tokens
            .iter()
            .filter(|t| t.shape == Shape::Number)
            .map(|t| &self.text[t.start..t.end])
            .filter(|figure| is_measured(figure))
            .collect();
        let block = tokens.iter().any(|t| t.shape == Shape::Block);
        let link = tokens.iter().any(|t| t.shape == Shape::Link);
        let mut kinds: Vec<EvidenceKind> = self
            .all(Section::Evidence)
            .filter_map(|m| EvidenceKind::parse(self.family(m)))
            .collect();
        let carried =
            block || figures.len() >= 2 || (!figures.is_empty() && (!kinds.is_empty() || link));
        if !carried {
            return Vec::new();
        }
        if !figures.is_empty() {
            let money = figures.iter().all(|f| f.starts_with(['$', '€', '£']));
            kinds.push(if money { EvidenceKind::CostReport } else { EvidenceKind::Metric });
        }
        if link {
            kinds.push(EvidenceKind::Link);
        }
        if block && kinds.is_empty() {
            kinds.push(EvidenceKind::Log);
        }
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn stance(&self) -> Stance {
        let question = self.reading.sentences[self.frame.sentence].question;
        match self.frame.mood.map(|m| self.pack.family_of(m.entry)) {
            Some("float-should" | "float-can" | "float-support") if question => Stance::Asking,
            Some(mood) if mood.starts_with("float") || mood == "want-alone" => Stance::Floating,
            None if question => Stance::Floating,
            None if self.frame.tense == Tense::None => Stance::Floating,
            _ => Stance::Advocating,
        }
    }

    /// Words that tell how much would change or by when.
    fn scale(&self) -> Vec<String> {
        let telling = |m: &&Match| matches!(self.family(m), "scale" | "deadline" | "money");
        let cues = self.all(Section::Cue).filter(telling).map(|m| (m.first, m.last));
        let mut spans: Vec<(usize, usize)> = cues.chain(self.counted()).collect();
        spans.sort_unstable();
        let mut words: Vec<String> = Vec::new();
        let mut free_from = 0;
        for (first, last) in spans {
            if first >= free_from {
                words.push(self.slice(first, last).to_owned());
                free_from = last;
            }
        }
        words.dedup();
        words.truncate(SCALE_MAX);
        words
    }

    /// Units with a count before them: "eleven product squads", "3 repos".
    fn counted(&self) -> impl Iterator<Item = (usize, usize)> {
        let tokens = &self.reading.tokens.list;
        let count = |at: usize| {
            tokens[at].shape == Shape::Number
                || self
                    .at(at)
                    .any(|m| m.entry.section == Section::Size && self.family(m) == "count")
        };
        let units = self.all(Section::Size).filter(|m| self.family(m) == "unit");
        units.filter_map(move |unit| {
            let near = unit.first.saturating_sub(2)..unit.first;
            near.rev().find(|at| count(*at)).map(|at| (at, unit.last))
        })
    }

    fn progress(&self) -> Progress {
        let said = |name: &str| self.all(Section::Progress).any(|m| self.family(m) == name);
        if said("under_way") {
            Progress::UnderWay
        } else if said("decided") {
            Progress::Decided
        } else {
            Progress::Open
        }
    }
}

/// A figure with a unit, a decimal or three digits; not a year, a version or a small count.
fn is_measured(figure: &str) -> bool {
    let digits = figure.bytes().filter(u8::is_ascii_digit).count();
    let unit =
        figure.ends_with(|c: char| c == '%' || c.is_ascii_alphabetic()) && !figure.starts_with('v');
    let money = figure.starts_with(['$', '€', '£']);
    let year =
        digits == 4 && figure.len() == 4 && (figure.starts_with("19") || figure.starts_with("20"));
    let time = figure.contains(':');
    !year && !time && (unit || money || digits >= 3 || (figure.contains(['.', ',']) && digits >= 2))
}

/// At most `max` bytes of a text, cut between characters.
fn cut_at(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
