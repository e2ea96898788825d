//! The detector on our own labelled lines, line by line: each has a verdict, and the few it gets wrong are listed with a reason.
//!
//! `known_wrong` of a line says why it is judged wrong today. A line that becomes right must lose it, so the list stays honest.
//! `corpus/learn.ndjson` is only learned from: more ways of putting things, many of them not heard yet.

use secondlook::domain::detect::{Packs, detect};
use serde_json::Value;

const ENGLISH: &str = include_str!("corpus/en.ndjson");
const GERMAN: &str = include_str!("corpus/de.ndjson");
/// At most this share of the lines may be wrong.
const KNOWN_WRONG_MAX: f64 = 0.05;

struct Line {
    id: String,
    text: String,
    context: Vec<String>,
    proposal: bool,
    known_wrong: bool,
}

fn lines(corpus: &str) -> Vec<Line> {
    let read = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("every line of the corpus is JSON");
        let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let context = row["context"].as_array().into_iter().flatten();
        let id = field("id");
        let proposal = match row["label"].as_str() {
            Some("SPEAK") => true,
            Some("SILENT") => false,
            other => panic!("{id}: label {other:?}"),
        };
        let known_wrong = row.get("known_wrong").map(|reason| {
            assert!(reason.as_str().is_some_and(|r| r.len() > 10), "{id}: a reason in words");
        });
        Line {
            id,
            text: field("text"),
            context: context.filter_map(Value::as_str).map(str::to_owned).collect(),
            proposal,
            known_wrong: known_wrong.is_some(),
        }
    };
    corpus.lines().map(read).collect()
}

/// What is wrong with the verdict on a line, if anything.
fn fault(packs: &Packs, language: &str, line: &Line) -> Option<String> {
    let Line { id, text, .. } = line;
    let context: Vec<&str> = line.context.iter().map(String::as_str).collect();
    let verdict = detect(packs, text, &context);
    if let Some(span) = verdict.spans.iter().find(|s| text.get(s.start..s.end).is_none()) {
        return Some(format!("{id}: the span {span:?} is off the text: {text}"));
    }
    if verdict.proposal && verdict.language != language {
        return Some(format!("{id}: taken for {}: {text}", verdict.language));
    }
    let right = verdict.proposal == line.proposal;
    let confidence = verdict.confidence;
    match (right, line.known_wrong) {
        (true, false) | (false, true) => None,
        (true, true) => Some(format!("{id}: right now, take `known_wrong` away: {text}")),
        (false, false) if line.proposal => Some(format!("{id}: missed at {confidence:.2}: {text}")),
        (false, false) => Some(format!("{id}: spoke at {confidence:.2}: {text}")),
    }
}

#[track_caller]
fn check(corpus: &str, language: &str) {
    let packs = Packs::embedded().expect("the embedded packs are valid");
    let lines = lines(corpus);
    let faults: Vec<String> = lines.iter().filter_map(|l| fault(&packs, language, l)).collect();
    assert!(faults.is_empty(), "{} lines\n{}", faults.len(), faults.join("\n"));
    let wrong = lines.iter().filter(|line| line.known_wrong).count();
    assert!(share(wrong, lines.len()) <= KNOWN_WRONG_MAX, "{wrong} lines are known to be wrong");
}

fn share(part: usize, whole: usize) -> f64 {
    let count = |n: usize| f64::from(u32::try_from(n).expect("a corpus is small"));
    count(part) / count(whole)
}

#[test]
fn english() {
    check(ENGLISH, "en");
}

#[test]
fn german() {
    check(GERMAN, "de");
}

#[test]
fn a_corpus_has_at_least_as_many_silent_lines_as_speaking_ones() {
    for (corpus, least) in [(ENGLISH, 400), (GERMAN, 60)] {
        let lines = lines(corpus);
        let speaking = lines.iter().filter(|line| line.proposal).count();
        assert!(lines.len() >= least && lines.len() - speaking >= speaking);
    }
}

#[test]
fn no_line_stands_twice() {
    let mut ids = std::collections::HashSet::new();
    let mut texts = std::collections::HashSet::new();
    for line in [ENGLISH, GERMAN, include_str!("corpus/learn.ndjson")].into_iter().flat_map(lines) {
        assert!(ids.insert(line.id.clone()), "{}: the id stands twice", line.id);
        assert!(texts.insert((line.text, line.context)), "{}: stands twice", line.id);
    }
}
