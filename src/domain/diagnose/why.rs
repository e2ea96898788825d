//! Says why a class is named: which reading, which words of the message. Careful, and never a verdict.

use super::message::Message;
use super::rank::Weighed;
use super::spoken::Why;
use super::{Catalog, Level, Symptom};

/// More than this many quotes are not read.
const MOST_QUOTES: usize = 2;
/// Shorter words ("off", "can") may weigh something but tell a reader nothing.
const SHORTEST_TELLING: usize = 4;

/// The reasons for one class: readings first, then phrases, then telling words.
pub(super) fn why(
    catalog: &Catalog,
    asked: &Symptom<'_>,
    message: &Message<'_>,
    class: usize,
    weighed: &Weighed<'_>,
) -> Option<String> {
    let id = &catalog.classes()[class].id;
    let say = &catalog.spoken(message.language()).why;
    let mut sentences: Vec<String> = Vec::new();
    for reading in asked.readings {
        if reading.supports.contains(id) {
            sentences.push(say.supports.replace("{says}", &reading.says));
        }
        if reading.against.contains(id) {
            sentences.push(say.against.replace("{says}", &reading.says));
        }
    }
    let words =
        phrases(catalog, message, weighed).or_else(|| telling_words(catalog, message, weighed));
    sentences.extend(words);
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// The phrases of the message that matched a cue, strongest first; bare names alone are none.
fn phrases(catalog: &Catalog, message: &Message<'_>, weighed: &Weighed<'_>) -> Option<String> {
    if weighed.hits.iter().all(|hit| hit.cue.level == Level::Context) {
        return None;
    }
    let mut hits: Vec<_> = weighed.hits.iter().collect();
    hits.sort_by(|a, b| b.gain.total_cmp(&a.gain));
    let mut quotes: Vec<String> = Vec::new();
    let mut idea = None;
    for hit in hits {
        for range in &hit.found.ranges {
            let quote = message.quote(*range);
            let repeats = quotes.iter().any(|q| q.contains(&quote) || quote.contains(q));
            if quotes.len() < MOST_QUOTES && !repeats {
                quotes.push(quote);
                idea = idea.or(hit.found.idea);
            }
        }
    }
    let spoken = catalog.spoken(message.language());
    let idea = idea.map(|i| format!(" ({})", spoken.ideas[i].1)).unwrap_or_default();
    // The idea first: what people wrote is put in last, so nothing of it is taken for a place.
    let sentence = spoken.why.wrote.replace("{idea}", &idea);
    (!quotes.is_empty()).then(|| spoken.why.quoting(&sentence, &quotes))
}

/// When no phrase matched: words that people with this use too. Two at least, or it is no reason.
fn telling_words(
    catalog: &Catalog,
    message: &Message<'_>,
    weighed: &Weighed<'_>,
) -> Option<String> {
    let mut words: Vec<&(f64, usize)> = weighed.words.iter().collect();
    words.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut quotes: Vec<String> = Vec::new();
    for &(_, word) in words {
        let quote = message.quote((word, word + 1));
        let plain = &message.words[word];
        let telling = plain.plain.chars().count() >= SHORTEST_TELLING
            && !catalog.engine.dull.contains(&plain.stem);
        if telling && !quotes.contains(&quote) {
            quotes.push(quote);
        }
    }
    let say = &catalog.spoken(message.language()).why;
    quotes.get(..MOST_QUOTES).map(|quotes| say.quoting(&say.others, quotes))
}

impl Why {
    /// The sentence with these quotes in it.
    fn quoting(&self, sentence: &str, quotes: &[String]) -> String {
        let quotes: Vec<String> =
            quotes.iter().map(|words| self.quote.replace("{words}", words)).collect();
        sentence.replace("{quotes}", &quotes.join(&format!(" {} ", self.and)))
    }
}
