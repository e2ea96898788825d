//! Reads the decisive fact of a piece of evidence: by rules from the files, or by code where structure counts.
//!
//! To add a reading: 1. a `[[reading]]` in the kind's file under `recognisers/`; 2. only if lines must be read
//! together, a function here that returns a [`Fact`].

mod access;
mod address;
mod change;
mod day;
mod hop;
mod mail;
mod plan;
mod repeat;
mod share;
mod span;
mod table;
mod term;

use jiff::civil::Date;
use regex::bytes::Captures;

use super::load::{Catalogue, Rule, Take, slots};
use super::text::Line;
use super::{ClassId, EvidenceKind};

/// What a captured value may take in a sentence.
const VALUE_CHARS_MAX: usize = 90;

/// A fact and the line it was read from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    pub(super) says: String,
    /// Index of the deciding line.
    pub(super) line: usize,
    pub(super) supports: Vec<ClassId>,
    pub(super) against: Vec<ClassId>,
    pub(super) rank: u32,
}

impl Fact {
    fn new(rank: u32, line: usize, says: impl Into<String>) -> Self {
        Self { says: says.into(), line, supports: Vec::new(), against: Vec::new(), rank }
    }

    fn supports(mut self, classes: &[&str]) -> Self {
        self.supports = classes.iter().map(|id| ClassId::from(*id)).collect();
        self
    }

    fn against(mut self, classes: &[&str]) -> Self {
        self.against = classes.iter().map(|id| ClassId::from(*id)).collect();
        self
    }
}

/// The decisive fact of these lines, if one can be read; terms are held against `today`.
pub(super) fn decisive(
    catalogue: &Catalogue,
    kind: EvidenceKind,
    lines: &[&Line<'_>],
    today: Option<Date>,
) -> Option<Fact> {
    let coded = match kind {
        EvidenceKind::Log => access::read(lines).or_else(|| repeat::read(lines)),
        EvidenceKind::QueryPlan => plan::read(lines),
        EvidenceKind::MailHeaders => mail::read(lines),
        EvidenceKind::DistributedTrace => span::read(lines),
        EvidenceKind::Dns => term::registration(lines, today).or_else(|| address::read(lines)),
        EvidenceKind::Tls => term::certificate(lines, today),
        EvidenceKind::NetworkPath => hop::read(lines).or_else(|| share::read(lines)),
        EvidenceKind::Diff => change::read(lines),
        EvidenceKind::Metric | EvidenceKind::LoadTest => table::read(lines),
        _ => None,
    };
    let ruled = by_rules(catalogue, kind, lines);
    match (coded, ruled) {
        (Some(coded), Some(ruled)) if ruled.rank > coded.rank => Some(ruled),
        (coded, ruled) => coded.or(ruled),
    }
}

/// The best match of the kind's rules: the highest rank, then the earliest line.
fn by_rules(catalogue: &Catalogue, kind: EvidenceKind, lines: &[&Line<'_>]) -> Option<Fact> {
    let position = EvidenceKind::ALL.iter().position(|k| *k == kind)?;
    let rules = catalogue.by_kind.get(position)?;
    let mut best: Vec<Option<(f64, Fact)>> = vec![None; rules.rules.len()];
    let mut rank = 0;
    for (index, line) in lines.iter().enumerate() {
        let text = line.text.as_bytes();
        for hit in rules.set.matches(text) {
            let rule = rules.rules.get(hit).and_then(|i| catalogue.rules.get(*i));
            let (Some(rule), Some(slot)) = (rule, best.get_mut(hit)) else { continue };
            let settled = rule.rank == rank && rule.take == Take::First;
            if rule.rank < rank || settled {
                continue;
            }
            for captures in rule.pattern.regex().captures_iter(text) {
                offer(slot, rule, index, &captures);
            }
            rank = if slot.is_some() { rule.rank } else { rank };
        }
    }
    let facts = best.into_iter().flatten().map(|(_, fact)| fact);
    facts.reduce(|a, b| if (b.rank, a.line) > (a.rank, b.line) { b } else { a })
}

fn offer(slot: &mut Option<(f64, Fact)>, rule: &Rule, line: usize, captures: &Captures<'_>) {
    let n = captures.name("n").and_then(|m| number(&String::from_utf8_lossy(m.as_bytes())));
    let within =
        |n: f64| rule.at_least.is_none_or(|min| n >= min) && rule.below.is_none_or(|max| n < max);
    if (rule.at_least.is_some() || rule.below.is_some()) && !n.is_some_and(within) {
        return;
    }
    let n = n.unwrap_or(0.0);
    let better = match (&slot, rule.take) {
        (None, _) | (_, Take::Last) => true,
        (_, Take::First) => false,
        (Some((best, _)), Take::Max) => n > *best,
    };
    if better {
        let fact = Fact {
            says: fill(&rule.says, captures),
            line,
            supports: rule.supports.iter().map(|id| ClassId::from(id.as_str())).collect(),
            against: rule.against.iter().map(|id| ClassId::from(id.as_str())).collect(),
            rank: rule.rank,
        };
        *slot = Some((n, fact));
    }
}

/// Puts captures into a sentence: `{name}`, or `{name|form}` with form `us`, `ms`, `ns`, `s`, `group` or `url`.
pub(super) fn fill(says: &str, captures: &Captures<'_>) -> String {
    let mut out = says.to_owned();
    for slot in slots(says) {
        let (name, form) = slot.split_once('|').unwrap_or((slot, ""));
        let value = captures.name(name).map_or_else(String::new, |m| {
            let text = String::from_utf8_lossy(m.as_bytes());
            formed(text.trim(), form)
        });
        out = out.replacen(&format!("{{{slot}}}"), &value, 1);
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn formed(value: &str, form: &str) -> String {
    let seconds = |unit: f64| number(value).map(|n| duration(n * unit));
    let shown = match form {
        "us" => seconds(1e-6),
        "ms" => seconds(1e-3),
        "ns" => seconds(1e-9),
        "s" => seconds(1.0),
        "group" => number(value).map(grouped),
        "url" => Some(decoded(value)),
        _ => None,
    };
    shortened(&shown.unwrap_or_else(|| value.to_owned()), VALUE_CHARS_MAX)
}

/// At most so many characters, with an ellipsis where it was cut.
pub(super) fn shortened(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or("").trim_end()),
        None => text.to_owned(),
    }
}

/// A number as people and programs write it: `1,250,000`, `4_096`, `99.4`, `4.3e-06`.
fn number(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !matches!(c, ',' | '_' | ' ' | '\'')).collect();
    plain.parse().ok().filter(|n: &f64| n.is_finite())
}

/// Seconds as a person says them.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.1} s"),
        s if s >= 1e-3 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}

/// A whole number with groups of three digits.
fn grouped(n: f64) -> String {
    let digits = format!("{:.0}", n.abs());
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Percent-decoded, twice at most: addresses nest.
fn decoded(value: &str) -> String {
    let once = |text: &str| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            let hex =
                tail.get(..2).filter(|_| *first == b'%').and_then(|h| std::str::from_utf8(h).ok());
            if let Some(byte) = hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or(&[]);
            } else {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = tail;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    once(&once(value))
}
