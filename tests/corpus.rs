//! The detector on our own labelled lines, line by line: every wrong one is printed, and too many fail the test.

#![expect(
    clippy::print_stdout,
    reason = "the wrong lines are printed for the reader of a failed test"
)]

use secondlook::domain::detect::{Packs, detect};
use serde_json::Value;

struct Line {
    id: String,
    text: String,
    context: Vec<String>,
    proposal: bool,
}

fn lines(corpus: &str) -> Vec<Line> {
    let read = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("every line of the corpus is JSON");
        let field = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let context = row["context"].as_array().into_iter().flatten();
        Line {
            id: field("id"),
            text: field("text"),
            context: context.filter_map(Value::as_str).map(str::to_owned).collect(),
            proposal: field("label") == "SPEAK",
        }
    };
    corpus.lines().map(read).collect()
}

/// Holds precision and recall on a corpus; prints each line that is judged wrong.
#[track_caller]
fn check(corpus: &str, language: &str, precision: f64, recall: f64) {
    let packs = Packs::embedded().expect("the embedded packs are valid");
    let (mut right, mut wrong, mut missed) = (0_u32, 0_u32, 0_u32);
    for line in lines(corpus) {
        let context: Vec<&str> = line.context.iter().map(String::as_str).collect();
        let verdict = detect(&packs, &line.text, &context);
        for span in &verdict.spans {
            assert!(
                line.text.get(span.start..span.end).is_some(),
                "{}: span off the text",
                line.id
            );
        }
        match (line.proposal, verdict.proposal) {
            (true, true) => {
                right += 1;
                assert_eq!(verdict.language, language, "{}: {}", line.id, line.text);
            }
            (true, false) => {
                missed += 1;
                println!("missed {} {:.2} {}", line.id, verdict.confidence, line.text);
            }
            (false, true) => {
                wrong += 1;
                println!("spoke  {} {:.2} {}", line.id, verdict.confidence, line.text);
            }
            (false, false) => {}
        }
    }
    let (right, wrong, missed) = (f64::from(right), f64::from(wrong), f64::from(missed));
    assert!(right / (right + wrong) >= precision, "precision {}", right / (right + wrong));
    assert!(right / (right + missed) >= recall, "recall {}", right / (right + missed));
}

#[test]
fn english() {
    check(include_str!("corpus/en.ndjson"), "en", 0.95, 0.65);
}

#[test]
fn german() {
    check(include_str!("corpus/de.ndjson"), "de", 0.95, 0.85);
}

#[test]
fn a_corpus_has_at_least_as_many_silent_lines_as_speaking_ones() {
    let lines = lines(include_str!("corpus/en.ndjson"));
    let speaking = lines.iter().filter(|l| l.proposal).count();
    assert!(lines.len() >= 400 && lines.len() - speaking >= speaking);
}
