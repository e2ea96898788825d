//! The small language cues are written in, and its matcher (catalog/README.md explains it to authors).

use std::collections::HashMap;

use super::text::{Same, Word, stem};

/// Words of a phrase may be this much farther apart than if they stood side by side.
const SLACK: usize = 5;

/// What one place of a phrase accepts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Atom {
    Stem(String),
    Prefix(String),
    Number,
}

/// A term: any of these runs of adjacent words.
type Term = Vec<Vec<Atom>>;

/// A parsed cue: every part has to be found somewhere in the message.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    /// These terms (by index) stand near each other in one sentence, in any order.
    Near(Vec<usize>),
    /// This idea (by index) is found.
    Idea(usize),
}

/// Where a pattern was found: word ranges, one for each part, and the idea that gave it if it was one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Ranges of words, in order of the pattern's parts.
    pub(super) ranges: Vec<(usize, usize)>,
    /// The words that matched.
    pub(super) words: Vec<usize>,
    /// The first idea among the parts.
    pub(super) idea: Option<usize>,
}

/// Every term of the catalogue once, with an index by first word.
#[derive(Debug, Default)]
pub(super) struct Terms {
    all: Vec<Term>,
    by_text: HashMap<String, usize>,
    by_first: HashMap<String, Vec<(usize, usize)>>,
    open_first: Vec<(usize, usize)>,
}

/// Groups and ideas a pattern may refer to.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    /// Irregular forms.
    pub(super) same: Same,
    /// Words that mean the same, as runs of words.
    pub(super) groups: HashMap<String, Vec<String>>,
    /// Ideas by id.
    pub(super) ideas: HashMap<String, usize>,
}

impl Terms {
    /// Parses a pattern. The error is a plain sentence.
    pub(super) fn parse(&mut self, text: &str, vocabulary: &Vocabulary) -> Result<Pattern, String> {
        let mut parts = Vec::new();
        for part in text.split('&').map(str::trim) {
            if part.is_empty() {
                return Err("an '&' without words on both sides".to_owned());
            }
            if let Some(id) =
                part.strip_prefix('#').filter(|id| !id.is_empty() && !id.contains(' '))
            {
                let idea =
                    vocabulary.ideas.get(id).ok_or_else(|| format!("no idea is called '{id}'"))?;
                parts.push(Part::Idea(*idea));
                continue;
            }
            let terms: Result<Vec<usize>, String> =
                part.split_whitespace().map(|term| self.term(term, vocabulary)).collect();
            parts.push(Part::Near(terms?));
        }
        Ok(Pattern { parts })
    }

    /// The number of a term; the same text is kept once.
    pub(super) fn term(&mut self, text: &str, vocabulary: &Vocabulary) -> Result<usize, String> {
        if let Some(known) = self.by_text.get(text) {
            return Ok(*known);
        }
        let mut term = Term::new();
        for alternative in text.split('|') {
            if let Some(name) = alternative.strip_prefix('@') {
                let members = vocabulary
                    .groups
                    .get(name)
                    .ok_or_else(|| format!("no group is called '{name}'"))?;
                for member in members {
                    term.push(run(member, &vocabulary.same)?);
                }
            } else {
                term.push(run(alternative, &vocabulary.same)?);
            }
        }
        let id = self.all.len();
        for (alternative, atoms) in term.iter().enumerate() {
            match &atoms[0] {
                Atom::Stem(stem) => {
                    self.by_first.entry(stem.clone()).or_default().push((id, alternative));
                }
                Atom::Prefix(_) | Atom::Number => self.open_first.push((id, alternative)),
            }
        }
        self.all.push(term);
        self.by_text.insert(text.to_owned(), id);
        Ok(id)
    }

    /// Every place where a term stands, term by term, in the order of the text.
    pub(super) fn places(&self, words: &[Word]) -> Vec<Vec<(usize, usize)>> {
        let mut places = vec![Vec::new(); self.all.len()];
        for (at, word) in words.iter().enumerate() {
            let known = self.by_first.get(&word.stem).map_or(&[][..], Vec::as_slice);
            for &(term, alternative) in known.iter().chain(&self.open_first) {
                let atoms = &self.all[term][alternative];
                let end = at + atoms.len();
                if end <= words.len()
                    && atoms.iter().zip(&words[at..end]).all(|(a, w)| a.accepts(w))
                {
                    places[term].push((at, end));
                }
            }
        }
        places
    }
}

impl Atom {
    fn accepts(&self, word: &Word) -> bool {
        match self {
            Self::Stem(stem) => *stem == word.stem,
            Self::Prefix(prefix) => word.plain.starts_with(prefix),
            Self::Number => word.plain.starts_with(|c: char| c.is_ascii_digit()),
        }
    }
}

/// `load_balancer` or "crash-loop": words side by side.
fn run(text: &str, same: &Same) -> Result<Vec<Atom>, String> {
    let atoms: Vec<Atom> = text
        .to_lowercase()
        .replace('\'', "")
        .split(['_', '-'])
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.strip_suffix('*') {
            _ if piece == "#" => Atom::Number,
            Some(prefix) => Atom::Prefix(prefix.to_owned()),
            None => Atom::Stem(stem(piece, same)),
        })
        .collect();
    if atoms.is_empty() { Err(format!("'{text}' has no word in it")) } else { Ok(atoms) }
}

impl Pattern {
    /// Looks for the pattern. `ideas` says which ideas were found, and where.
    pub(super) fn find(
        &self,
        places: &[Vec<(usize, usize)>],
        words: &[Word],
        ideas: &[Option<Found>],
    ) -> Option<Found> {
        let mut found = Found { ranges: Vec::new(), words: Vec::new(), idea: None };
        for part in &self.parts {
            match part {
                Part::Idea(idea) => {
                    let inner = ideas.get(*idea)?.as_ref()?;
                    found.ranges.extend(&inner.ranges);
                    found.words.extend(&inner.words);
                    found.idea = found.idea.or(Some(*idea));
                }
                Part::Near(terms) => {
                    let picks = near(terms, places, words)?;
                    let start = picks.iter().map(|p| p.0).min()?;
                    let end = picks.iter().map(|p| p.1).max()?;
                    found.ranges.push((start, end));
                    found.words.extend(picks.iter().flat_map(|&(from, to)| from..to));
                }
            }
        }
        found.words.sort_unstable();
        found.words.dedup();
        Some(found)
    }
}

/// One place for each term, close together in one sentence and on different words.
fn near(
    terms: &[usize],
    places: &[Vec<(usize, usize)>],
    words: &[Word],
) -> Option<Vec<(usize, usize)>> {
    let (first, others) = terms.split_first()?;
    'anchor: for &anchor in &places[*first] {
        let mut picks = vec![anchor];
        for term in others {
            let Some(pick) = closest(&places[*term], anchor, &picks, words) else {
                continue 'anchor;
            };
            picks.push(pick);
        }
        let start = picks.iter().map(|p| p.0).min()?;
        let end = picks.iter().map(|p| p.1).max()?;
        let length: usize = picks.iter().map(|p| p.1 - p.0).sum();
        if end - start <= length + SLACK {
            return Some(picks);
        }
    }
    None
}

/// The place nearest to the anchor, in its sentence, that no other pick uses.
fn closest(
    places: &[(usize, usize)],
    anchor: (usize, usize),
    picks: &[(usize, usize)],
    words: &[Word],
) -> Option<(usize, usize)> {
    let reach = 4 * (SLACK + 1);
    let from = places.partition_point(|p| p.0 + reach < anchor.0);
    places[from..]
        .iter()
        .take_while(|p| p.0 <= anchor.1 + reach)
        .filter(|p| words[p.0].sentence == words[anchor.0].sentence)
        .filter(|p| picks.iter().all(|q| p.1 <= q.0 || q.1 <= p.0))
        .min_by_key(|p| p.0.abs_diff(anchor.0))
        .copied()
}

#[cfg(test)]
mod tests {
    use super::super::text::words;
    use super::*;

    fn finds(pattern: &str, text: &str) -> bool {
        let groups = HashMap::from([(
            "slow".to_owned(),
            vec!["slow".to_owned(), "take_forever".to_owned()],
        )]);
        let vocabulary = Vocabulary { groups, ..Vocabulary::default() };
        let mut terms = Terms::default();
        let pattern = terms.parse(pattern, &vocabulary).expect("the pattern is valid");
        let words = words(text, &vocabulary.same, 0);
        pattern.find(&terms.places(&words), &words, &[]).is_some()
    }

    #[test]
    fn near_words_match_in_any_order_within_a_sentence() {
        assert!(finds("mail spam", "our mails all land in spam"));
        assert!(finds("mail spam", "spam is where our mail goes"));
        assert!(!finds("mail spam", "we sent a mail. Then the spam came"));
        assert!(!finds("mail spam", "the mail was sent by a man who for years wrote of spam"));
    }

    #[test]
    fn phrases_alternatives_groups_and_numbers() {
        assert!(finds("load_balancer|alb 5*", "random 502s from the ALB"));
        assert!(finds("@slow page", "the page takes forever"));
        assert!(finds("page # second", "this page needs 8 seconds"));
        assert!(!finds("load_balancer", "the balancer of load"));
        assert!(finds("crash-loop", "it crash loops"));
    }

    #[test]
    fn parts_may_stand_anywhere() {
        assert!(finds("slow & cpu", "It is slow. The CPU is idle."));
        assert!(!finds("slow & cpu", "It is slow."));
    }

    #[test]
    fn mistakes_are_named() {
        let mut terms = Terms::default();
        let none = Vocabulary::default();
        assert_eq!(terms.parse("@nope", &none).err().as_deref(), Some("no group is called 'nope'"));
        assert_eq!(terms.parse("#nope", &none).err().as_deref(), Some("no idea is called 'nope'"));
        assert!(terms.parse("a & ", &none).is_err());
    }
}
