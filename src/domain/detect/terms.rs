//! The words of a message as they are said, one by one and in pairs of neighbours: what its phrases and clauses leave out.

use super::normalise::{Shape, Token};

/// A word or two neighbouring words, lowered, as a number (FNV-1a of its text).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(u64);

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

impl Term {
    const EMPTY: Self = Self(FNV_OFFSET);

    /// The term with this text ("let us").
    pub(super) fn of(text: &str) -> Self {
        Self::EMPTY.then(text)
    }

    fn then(self, text: &str) -> Self {
        text.bytes().fold(self, Self::byte)
    }

    fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ u64::from(byte)).wrapping_mul(FNV_PRIME))
    }
}

/// The terms of a message, each once.
pub(super) fn terms(text: &str, tokens: &[Token]) -> Vec<Term> {
    let mut found = Vec::with_capacity(2 * tokens.len());
    walk(text, tokens, |term, _, _| found.push(term));
    found.sort_unstable();
    found.dedup();
    found
}

/// The same with their texts, for learning.
pub(super) fn named(text: &str, tokens: &[Token]) -> Vec<(Term, String)> {
    let mut found = Vec::new();
    walk(text, tokens, |term, before, word| {
        found.push((
            term,
            before.map_or_else(|| word.to_owned(), |before| format!("{before} {word}")),
        ));
    });
    found
}

/// Shows every word, and every pair with the word before it: judging and learning count the same.
fn walk(text: &str, tokens: &[Token], mut see: impl FnMut(Term, Option<&str>, &str)) {
    let (mut word, mut before, mut term_before) = (String::new(), String::new(), Term::EMPTY);
    for token in tokens {
        if !say(text, token, &mut word) {
            continue;
        }
        let term = Term::of(&word);
        see(term, None, &word);
        if !before.is_empty() {
            see(term_before.byte(b' ').then(&word), Some(&before), &word);
        }
        std::mem::swap(&mut before, &mut word);
        term_before = term;
    }
}

/// Writes how a token counts: a figure as "0", whatever it is; markup, code and most marks do not.
fn say(text: &str, token: &Token, word: &mut String) -> bool {
    word.clear();
    let said = &text[token.start..token.end];
    match token.shape {
        Shape::Word => word.extend(said.chars().flat_map(char::to_lowercase).map(straight)),
        Shape::Number => word.push('0'),
        Shape::Mark if matches!(said, "?" | "!" | ":") => word.push_str(said),
        _ => {}
    }
    !word.is_empty()
}

/// Apostrophes are written in several ways.
fn straight(c: char) -> char {
    if matches!(c, '’' | '‘' | 'ʼ') { '\'' } else { c }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::detect::Packs;

    /// Weights are looked up by term and written down by text.
    #[test]
    fn a_term_is_that_of_its_text() {
        let named = Packs::embedded().unwrap().terms("Let’s move 3 hosts off `Mailchimp`!");
        for (term, text) in &named {
            assert_eq!(*term, Term::of(text), "{text}");
        }
        let texts: Vec<&str> = named.iter().map(|(_, text)| text.as_str()).collect();
        for text in ["let's", "let's move", "0 hosts", "off !"] {
            assert!(texts.contains(&text), "{text} not in {texts:?}");
        }
    }
}
