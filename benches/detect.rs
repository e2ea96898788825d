//! How fast the detector is on ordinary text, and that its time grows with the text and no faster. Run: `cargo bench --bench detect`.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use secondlook::domain::detect::{Packs, detect};

/// Seconds the detector takes for `text`, the best of several runs.
fn best(packs: &Packs, text: &str, runs: usize) -> Duration {
    let once = |_| {
        let start = Instant::now();
        black_box(detect(packs, black_box(text), &[]));
        start.elapsed()
    };
    (0..runs).map(once).min().unwrap_or_default()
}

fn main() {
    let packs = Packs::embedded().expect("the embedded packs are valid");
    let corpus = include_str!("../tests/corpus/en.ndjson");
    let rows: Vec<serde_json::Value> = corpus
        .lines()
        .map(|l| serde_json::from_str(l).expect("every line of the corpus is JSON"))
        .collect();
    let texts: Vec<&str> = rows.iter().filter_map(|row| row["text"].as_str()).collect();
    let start = Instant::now();
    let rounds = 40;
    for _ in 0..rounds {
        for text in &texts {
            black_box(detect(&packs, black_box(text), &[]));
        }
    }
    let count = u32::try_from(texts.len() * rounds).unwrap_or(u32::MAX);
    println!("own corpus: {:.0} messages/s", f64::from(count) / start.elapsed().as_secs_f64());
    let shapes: [(&str, &str); 9] = [
        ("one word", "switch "),
        ("moods without end", "we should "),
        ("change without end", "we should move the database to postgres and "),
        ("nested quotes", "> "),
        ("quotation marks", "\"we should \" "),
        ("emoji", "🎉 :tada: "),
        ("angle brackets", "<<<"),
        ("back ticks", "` `` "),
        ("one long word", "a"),
    ];
    println!("{:22} {:>12} {:>12} {:>7}", "40,000 characters of", "half", "whole", "ratio");
    for (name, unit) in shapes {
        let whole: String = unit.chars().cycle().take(40_000).collect();
        let half: String = whole.chars().take(20_000).collect();
        let (half, whole) = (best(&packs, &half, 15), best(&packs, &whole, 15));
        println!(
            "{name:22} {half:>12.1?} {whole:>12.1?} {:>7.2}",
            whole.as_secs_f64() / half.as_secs_f64()
        );
    }
}
