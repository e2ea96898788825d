//! The same proposal in other words is one topic, another proposal is another: our own pairs of messages, each printed when judged wrong.

use secondlook::domain::detect::{Packs, detect};
use secondlook::domain::policy::{same_topic, topic};
use serde_json::Value;

/// Of the pairs that are one topic, at least this share is recognised.
const RECOGNISED_MIN: f64 = 0.9;
/// Of the pairs that are two topics, at most this share is taken for one.
const CONFUSED_MAX: f64 = 0.05;

#[test]
fn the_same_proposal_in_other_words_is_one_topic() {
    let packs = Packs::embedded().expect("the embedded packs are valid");
    let mut counts = [[0_u32; 2]; 2];
    for line in include_str!("corpus/topics.ndjson").lines() {
        let row: Value = serde_json::from_str(line).expect("every line of the corpus is JSON");
        let topic = |key: &str| {
            let text = row[key].as_str().expect("a pair has two texts");
            topic(&detect(&packs, text, &[]), text)
        };
        let (one, other) = (topic("one"), topic("other"));
        let (truth, told) = (row["same"] == true, same_topic(&one, &other));
        assert_eq!(told, same_topic(&other, &one), "the order does not matter: {line}");
        counts[usize::from(truth)][usize::from(told)] += 1;
        if truth != told {
            println!("{line}\n    {one} | {other}");
        }
    }
    let [[apart, confused], [missed, recognised]] = counts;
    println!(
        "same: {recognised} recognised, {missed} not; different: {apart} apart, {confused} not"
    );
    assert!(recognised + missed >= 40 && apart + confused >= 40);
    assert!(f64::from(recognised) >= RECOGNISED_MIN * f64::from(recognised + missed));
    assert!(f64::from(confused) <= CONFUSED_MAX * f64::from(apart + confused));
}
