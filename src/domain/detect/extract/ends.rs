//! The names of what is left and what is reached, trimmed to the name ("our billing service" is "billing service").

use super::super::atoms::group;
use super::super::clauses::mark;
use super::super::frames::{Phrase, Thing};
use super::super::normalise::Shape;
use super::super::pack::{Match, Section};
use super::Reader;

/// Longest name.
const NAME_BYTES_MAX: usize = 60;
/// At most this many small words stand before a name ("for the new …").
const SKIPPED_MAX: usize = 3;

/// What is left, and what is reached.
pub(super) fn ends(reader: &Reader<'_>) -> (Option<String>, Option<String>) {
    let frame = reader.frame;
    if frame.verb.is_none() && frame.mood.is_none() {
        return arrow(reader).unwrap_or_default();
    }
    let object = name(reader, &frame.object);
    let from = name(reader, &frame.from).or_else(|| after(reader, "instead_of"));
    let to = name(reader, &frame.to).filter(|_| leads_there(reader, &frame.to)).or_else(|| {
        frame.verb.filter(|v| ends_in_to(reader, v)).and_then(|v| name_at(reader, v.last))
    });
    let it = || match frame.object.thing {
        Thing::Pronoun => antecedent(reader, 1),
        Thing::None => antecedent(reader, 0),
        _ => None,
    };
    let (from, to) = match reader.verb() {
        // "swap A for B", "ditch A for B".
        "leave" | "retire" | "replace" => {
            (object.or(from).or_else(it), to.or_else(|| after(reader, "for")))
        }
        "move" => (from.or(object).or_else(it), to),
        "rewrite" | "split" | "consolidate" | "source" => (object.or_else(it), to),
        "adopt" | "use" => (from, object.or(to)),
        "revert" | "" => (from, to.or(object)),
        _ => (from, to),
    };
    let (from, to) = match arrow(reader) {
        Some(both) if from.is_none() || to.is_none() => both,
        _ => (from, to),
    };
    let to = to.filter(|to| from.as_ref() != Some(to));
    (from, to)
}

/// Whether a phrase really is where the change leads: not after a colon or a comma, and not "with low load".
fn leads_there(reader: &Reader<'_>, phrase: &Phrase) -> bool {
    let tokens = &reader.reading.tokens.list;
    let start = reader.frame.verb.or(reader.frame.mood).map_or(0, |m| m.last);
    let parted = (start..phrase.first)
        .any(|at| matches!(mark(reader.text, &tokens[at]), "," | ":" | "(" | ")"));
    let with = reader
        .all(Section::Prep)
        .any(|m| m.last == phrase.first && matches!(reader.lemma(m), "with" | "by"));
    !parted && (!with || reader.verb() == "replace")
}

fn ends_in_to(reader: &Reader<'_>, verb: &Match) -> bool {
    reader
        .all(Section::Prep)
        .any(|m| m.last == verb.last && m.first > verb.first && reader.family(m) == "to")
}

/// The name a noun phrase gives; what has no name ("it", "the rest", "next summer") gives none.
fn name(reader: &Reader<'_>, phrase: &Phrase) -> Option<String> {
    if matches!(phrase.thing, Thing::None | Thing::Pronoun | Thing::Number | Thing::Person) {
        return None;
    }
    if let Thing::Known(family) = phrase.thing {
        let family = &reader.pack.families(Section::Noun)[usize::from(family)];
        if matches!(group(family), "plain" | "time" | "life" | "meta") {
            return None;
        }
    }
    let skipped = (phrase.first..phrase.last - 1).take_while(|at| skippable(reader, *at));
    let first = phrase.first + skipped.count();
    // What follows the last word that names something is an adverb ("mypy everywhere").
    let named = (first..phrase.last)
        .filter_map(|at| noun_end(reader, at).or_else(|| capital_end(reader, at)));
    let mut last = named.max().filter(|last| *last < phrase.last).unwrap_or(phrase.last);
    // "GitHub Actions next quarter", "mypy everywhere".
    while last > first + 1 && (skippable(reader, last - 1) || tells_scale(reader, last - 1)) {
        last -= 1;
    }
    trimmed(reader.slice(first, last))
}

/// Without quotation marks, code marks and a possessive; nothing that is too long for a name.
fn trimmed(name: &str) -> Option<String> {
    let name = name.trim_matches(|c: char| c.is_whitespace() || "\"'`*_~“”".contains(c));
    let name = name.strip_suffix("'s").or_else(|| name.strip_suffix("’s")).unwrap_or(name);
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then(|| name.to_owned())
}

/// Articles and fillers before a name.
fn skippable(reader: &Reader<'_>, at: usize) -> bool {
    let determiner =
        |m: &Match| m.entry.section == Section::Aux && reader.family(m) == "determiner";
    reader.pack.is_filler(&reader.reading.tokens.list[at]) || reader.at(at).any(determiner)
}

fn tells_scale(reader: &Reader<'_>, at: usize) -> bool {
    reader.at(at).any(|m| m.entry.section == Section::Cue && reader.family(m) == "scale")
}

/// The name after a small word, later in the sentence than the push.
fn after(reader: &Reader<'_>, word: &str) -> Option<String> {
    let sentence = reader.reading.sentences[reader.frame.sentence];
    let start = reader.clause_start();
    let later = |m: &&Match| m.first > start && m.last < sentence.last;
    let mut small = reader.all(Section::Prep).filter(later).filter(|m| reader.lemma(m) == word);
    small.find_map(|m| name_at(reader, m.last))
}

/// What "it" stands for, or what "needs a rewrite": the first system or product of this sentence before the push, or of the
/// nearest of so many sentences before.
fn antecedent(reader: &Reader<'_>, back: usize) -> Option<String> {
    let own = reader.frame.sentence;
    let start = reader.clause_start();
    let mut before = (own.saturating_sub(back)..=own).rev().map(|at| reader.reading.sentences[at]);
    before.find_map(|sentence| {
        (sentence.first..sentence.last.min(start))
            .find_map(|at| noun_end(reader, at).map(|_| at))
            .and_then(|at| name_at(reader, at))
    })
}

/// The name of a system or product that begins at a token, articles skipped.
fn name_at(reader: &Reader<'_>, at: usize) -> Option<String> {
    let tokens = &reader.reading.tokens.list;
    let skipped = (at..tokens.len()).take(SKIPPED_MAX).take_while(|at| skippable(reader, *at));
    let first = at + skipped.count();
    let mut last = first;
    while let Some(next) = noun_end(reader, last).or_else(|| capital_end(reader, last)) {
        last = next;
    }
    (last > first).then(|| trimmed(reader.slice(first, last))).flatten()
}

/// Where a noun for a system, product or process that begins here ends.
fn noun_end(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let big = |m: &&Match| {
        m.entry.section == Section::Noun
            && matches!(group(reader.family(m)), "system" | "product" | "process")
    };
    reader.at(at).filter(big).map(|m| m.last).max()
}

/// A word that looks like a name.
fn capital_end(reader: &Reader<'_>, at: usize) -> Option<usize> {
    let token = reader.reading.tokens.list.get(at)?;
    (token.shape == Shape::Word && (token.capital || token.mixed)).then_some(at + 1)
}

/// "A → B", "A -> B", "A => B": what stands on both sides.
fn arrow(reader: &Reader<'_>) -> Option<(Option<String>, Option<String>)> {
    let tokens = &reader.reading.tokens.list;
    let sign = |at: usize| tokens.get(at).map_or("", |t| mark(reader.text, t));
    let (first, last) = (1..tokens.len()).find_map(|at| match sign(at) {
        "→" | "➡" => Some((at, at + 1)),
        "-" | "=" if matches!(sign(at + 1), ">" | "&gt;") => Some((at, at + 2)),
        _ => None,
    })?;
    let before = (0..first).rev().take(2).find_map(|at| {
        let end = noun_end(reader, at).or_else(|| capital_end(reader, at))?;
        (end == first).then(|| trimmed(reader.slice(at, end))).flatten()
    });
    let next = name_at(reader, last);
    (before.is_some() && next.is_some()).then_some((before, next))
}
