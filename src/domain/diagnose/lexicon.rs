//! Another language's words for symptoms, each with the catalogue's own: what is read in that language is looked up
//! here, so that every cue and everything learned holds for it too.

use std::collections::HashMap;

use super::reader::Table;
use super::text::{Same, Word, stem};

/// So many words of the language make a message one of it, if English has no more in it.
const WORDS_TO_TELL: usize = 2;
/// Shorter beginnings and rests are no parts of a compound.
const SHORTEST_PART: usize = 3;
/// So far apart the two parts of a verb may stand.
const PARTICLE_REACH: usize = 9;
/// What German puts between the parts of a compound.
const JOINTS: [&str; 5] = ["", "s", "n", "en", "es"];

/// The words of one language.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    /// Which language (`de`).
    pub(super) language: String,
    /// Whole words, with what they stand for; nothing if they say nothing.
    whole: HashMap<String, Vec<String>>,
    /// Beginnings of words, written `zertifikat*`.
    beginnings: HashMap<String, Vec<String>>,
    /// Verbs in two parts, written `start* … neu`: how the first begins, the second, and what they stand for.
    apart: Vec<(String, String, Vec<String>)>,
}

impl Lexicon {
    /// Reads one file of a language.
    pub(super) fn read(&mut self, table: &mut Table<'_, '_>) {
        for word in table.texts("little") {
            self.whole.insert(fold(&word.text), Vec::new());
        }
        table.inner("words", |t| {
            for (word, value, place) in t.entries() {
                let Some(meaning) = value.get_ref().as_str() else {
                    t.fault(place.fault(format!("'{word}' has to be the catalogue's word for it")));
                    continue;
                };
                let meaning = meaning.split_whitespace().map(str::to_owned).collect();
                if let Some((verb, particle)) = word.split_once(" … ") {
                    self.apart.push((fold(verb.trim_end_matches('*')), fold(particle), meaning));
                    continue;
                }
                match word.strip_suffix('*') {
                    Some(beginning) => self.beginnings.insert(fold(beginning), meaning),
                    None => self.whole.insert(fold(&word), meaning),
                };
            }
        });
    }

    /// Whether these words are of this language: some are, and no fewer than there are little words of English.
    pub(super) fn speaks<'w>(
        &self,
        words: impl Iterator<Item = &'w Word>,
        english: impl Fn(&Word) -> bool,
    ) -> bool {
        let (mut own, mut theirs) = (0, 0);
        for word in words {
            if english(word) {
                theirs += 1;
            } else if self.is_own(&fold(&word.plain)) {
                own += 1;
            }
        }
        own >= WORDS_TO_TELL && own >= theirs
    }

    /// Whether it is a word of this language only: "server" and "mailbox" are of both.
    fn is_own(&self, word: &str) -> bool {
        let meaning = self.meaning(word);
        meaning.is_some_and(|m| m.first().is_none_or(|first| !word.starts_with(first)))
    }

    /// The words in the catalogue's language, each where its original stands; what is not known stays.
    pub(super) fn translate(&self, words: &[Word], same: &Same) -> Vec<Word> {
        let plain: Vec<String> = words.iter().map(|word| fold(&word.plain)).collect();
        let mut all = Vec::with_capacity(words.len());
        let mut particles = Vec::new();
        for (at, word) in words.iter().enumerate() {
            if particles.contains(&at) {
                continue;
            }
            let apart = self.verb_apart(at, &plain, words);
            particles.extend(apart.as_ref().map(|(particle, _)| *particle));
            match apart.map(|(_, meaning)| meaning).or_else(|| self.meaning(&plain[at])) {
                Some(meaning) => all.extend(meaning.into_iter().map(|plain| Word {
                    stem: stem(plain, same),
                    plain: plain.to_owned(),
                    ..word.clone()
                })),
                None => all.push(word.clone()),
            }
        }
        all
    }

    /// Where the second part of the verb at this word stands, later in its sentence, and what both stand for.
    fn verb_apart(
        &self,
        at: usize,
        plain: &[String],
        words: &[Word],
    ) -> Option<(usize, Vec<&str>)> {
        let reach = at + 1..words.len().min(at + PARTICLE_REACH);
        self.apart.iter().filter(|(verb, ..)| plain[at].starts_with(verb)).find_map(
            |(_, particle, meaning)| {
                let second = reach.clone().find(|&later| plain[later] == *particle)?;
                (words[second].sentence == words[at].sentence)
                    .then(|| (second, meaning.iter().map(String::as_str).collect()))
            },
        )
    }

    /// What a word stands for: itself, its beginning, or the parts of a compound one after the other.
    fn meaning(&self, word: &str) -> Option<Vec<&str>> {
        if let Some(known) = self.whole.get(word) {
            return Some(known.iter().map(String::as_str).collect());
        }
        let ends = (SHORTEST_PART..=word.len()).rev().filter(|end| word.is_char_boundary(*end));
        for end in ends {
            let (beginning, rest) = word.split_at(end);
            if let Some(known) = self.beginnings.get(beginning) {
                let mut all: Vec<&str> = known.iter().map(String::as_str).collect();
                all.extend(self.rest(rest).unwrap_or_default());
                return Some(all);
            }
        }
        None
    }

    fn rest(&self, rest: &str) -> Option<Vec<&str>> {
        JOINTS.iter().find_map(|joint| {
            let rest = rest.strip_prefix(joint).filter(|rest| rest.len() > SHORTEST_PART)?;
            self.meaning(rest)
        })
    }
}

/// In lower case and with umlauts spelt out, as many write them.
fn fold(word: &str) -> String {
    word.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss")
}
