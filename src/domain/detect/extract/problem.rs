//! Which clause of a message states the problem: every clause that is not the proposal itself is weighed, the strongest counts.

use super::super::atoms::group;
use super::super::clauses::mark;
use super::super::frames::Tense;
use super::super::normalise::Shape;
use super::super::pack::{Match, Section};
use super::Reader;

/// Longest problem that is quoted.
const PROBLEM_BYTES_MAX: usize = 240;
/// A clause has at least this many words.
const CLAUSE_WORDS_MIN: usize = 3;

/// A run of tokens that could state a problem, and the facts that tell.
#[derive(Debug)]
pub(super) struct Clause {
    /// First token.
    pub first: usize,
    /// One past the last token.
    pub last: usize,
    /// The sentence it stands in.
    pub sentence: usize,
    /// What is known of it.
    pub facts: Vec<String>,
}

/// The clauses of a message that are no proposal themselves.
pub(super) fn clauses(reader: &Reader<'_>) -> Vec<Clause> {
    let mut found = Vec::new();
    for (number, sentence) in reader.reading.sentences.iter().enumerate() {
        if sentence.quoted {
            continue;
        }
        let cuts = cuts(reader, sentence.first, sentence.last);
        for pair in cuts.windows(2) {
            let (first, last) = trimmed(reader, pair[0], pair[1]);
            let words = |at: &usize| reader.reading.tokens.list[*at].shape == Shape::Word;
            if (first..last).filter(words).count() < CLAUSE_WORDS_MIN
                || proposes(reader, first, last)
            {
                continue;
            }
            let facts = facts(reader, number, first, last);
            found.push(Clause { first, last, sentence: number, facts });
        }
    }
    found
}

/// Where a sentence falls into clauses: at commas and colons, before a reason, before a push.
fn cuts(reader: &Reader<'_>, first: usize, last: usize) -> Vec<usize> {
    let tokens = &reader.reading.tokens.list;
    let mut cuts = vec![first];
    for (at, token) in tokens.iter().enumerate().take(last).skip(first + 1) {
        let parts = matches!(mark(reader.text, token), "," | ":" | "(" | ")" | "=" | "→");
        let opens = reader.at(at).any(|m| match m.entry.section {
            Section::Mood => is_push(reader.family(m)),
            Section::Cue => reader.lemma(m) == "because" && next_word(reader, m.last) != "of",
            _ => false,
        });
        if parts || opens {
            cuts.push(at);
        }
    }
    cuts.push(last);
    cuts
}

fn next_word<'a>(reader: &Reader<'a>, at: usize) -> &'a str {
    if at < reader.reading.tokens.list.len() { reader.slice(at, at + 1) } else { "" }
}

fn is_push(mood: &str) -> bool {
    matches!(group(mood), "push" | "float" | "want")
}

/// Without the marks and small words a clause begins and ends with ("so", "and", ",").
fn trimmed(reader: &Reader<'_>, mut first: usize, mut last: usize) -> (usize, usize) {
    let tokens = &reader.reading.tokens.list;
    let small = |at: usize| {
        let token = &tokens[at];
        matches!(token.shape, Shape::Mark | Shape::Emoji | Shape::Person)
            || reader.pack.is_filler(token)
            || reader.at(at).any(|m| {
                m.entry.section == Section::Cue
                    && m.last == at + 1
                    && matches!(reader.lemma(m), "because" | "so" | "given" | "weil" | "denn")
            })
    };
    while first < last && small(first) && !starts_trouble(reader, first) {
        first += 1;
    }
    while last > first && small(last - 1) && !ends_trouble(reader, last) {
        last -= 1;
    }
    (first, last)
}

fn starts_trouble(reader: &Reader<'_>, at: usize) -> bool {
    reader.at(at).any(|m| m.entry.section == Section::Trouble)
}

fn ends_trouble(reader: &Reader<'_>, end: usize) -> bool {
    reader.reading.matches.iter().any(|m| m.entry.section == Section::Trouble && m.last == end)
}

/// Whether the clause is the push itself: it names the change that somebody is urged to.
fn proposes(reader: &Reader<'_>, first: usize, last: usize) -> bool {
    let inside = |m: &Match| m.first >= first && m.last <= last;
    reader.reading.frames.iter().any(|frame| {
        let verb = frame.verb.filter(inside);
        let push = |m: &Match| inside(m) && is_push(reader.family(m));
        let change = verb.is_some_and(|v| reader.family(&v) != "act");
        (frame.mood.is_some_and(|m| push(&m)) && (change || frame.verb.is_none()))
            || (change && frame.after.is_some_and(|m| push(&m)))
            || (change && frame.tense == Tense::Imperative)
    })
}

fn facts(reader: &Reader<'_>, sentence: usize, first: usize, last: usize) -> Vec<String> {
    let mut names = vec!["clause".to_owned()];
    let mut add = |slot: &str, value: &str| names.push(format!("{slot}={value}"));
    let mut troubles = 0;
    for m in reader.reading.matches.iter().filter(|m| m.first >= first && m.first < last) {
        let family = reader.family(m);
        match m.entry.section {
            Section::Trouble => {
                troubles += 1;
                add("trouble", family);
                add("trouble.line", reader.lemma(m));
            }
            Section::Cue => add("cue", family),
            Section::Mood => add("mood", group(family)),
            Section::Verb => {
                add("verb", family);
                add("verb.line", reader.lemma(m));
            }
            Section::Noun => add("noun", group(family)),
            Section::Evidence => add("says", "evidence"),
            Section::Subject => add("subject", family),
            Section::Aux if family == "have" || family == "be" => add("aux", family),
            _ => {}
        }
    }
    for frame in &reader.reading.frames {
        if frame.verb.is_some_and(|v| v.first >= first && v.last <= last) {
            add("tense", tense(frame.tense));
        }
    }
    let tokens = &reader.reading.tokens.list[first..last];
    let own = reader.frame.sentence;
    let flags = [
        (troubles == 0, "no_trouble"),
        (troubles > 1, "troubles"),
        (reader.reading.sentences[sentence].question, "question"),
        (sentence == own && first < reader.clause_start(), "before"),
        (sentence == own && first > reader.clause_start(), "after"),
        (sentence < own, "sentence_before"),
        (sentence > own, "sentence_after"),
        (tokens.iter().any(|t| t.shape == Shape::Number), "figure"),
        (tokens.iter().any(|t| t.shape == Shape::Code), "code_span"),
        (tokens.len() < 6, "brief"),
        (tokens.len() > 20, "long"),
    ];
    for (_, flag) in flags.iter().filter(|flag| flag.0) {
        add("is", flag);
    }
    names.sort_unstable();
    names.dedup();
    names
}

fn tense(tense: Tense) -> &'static str {
    match tense {
        Tense::None => "none",
        Tense::Base => "base",
        Tense::Imperative => "imperative",
        Tense::Infinitive => "infinitive",
        Tense::Third => "third",
        Tense::Ing => "ing",
        Tense::Past => "past",
        Tense::Passive => "passive",
        Tense::Perfect => "perfect",
        Tense::Nominal => "nominal",
    }
}

/// The words of the strongest clause, with those beside it in the sentence that state trouble too.
pub(super) fn words(reader: &Reader<'_>, clauses: &[Clause], scores: &[f64]) -> Option<String> {
    let best = (0..clauses.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]))?;
    if scores[best] <= 0.0 {
        return None;
    }
    let (mut from, mut to) = (best, best);
    let next_to = |a: &Clause, b: &Clause| a.sentence == b.sentence && b.first <= a.last + 2;
    while from > 0 && scores[from - 1] > 0.0 && next_to(&clauses[from - 1], &clauses[from]) {
        from -= 1;
    }
    while to + 1 < clauses.len() && scores[to + 1] > 0.0 && next_to(&clauses[to], &clauses[to + 1])
    {
        to += 1;
    }
    let said = reader.slice(clauses[from].first, clauses[to].last);
    Some(super::cut_at(said, PROBLEM_BYTES_MAX).to_owned())
}
