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
    let mut word = String::new();
    let mut before: Option<Term> = None;
    for token in tokens {
        if !say(text, token, &mut word) {
            continue;
        }
        let term = Term::of(&word);
        found.push(term);
        found.extend(before.map(|before| before.byte(b' ').then(&word)));
        before = Some(term);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The same with their texts, for learning.
pub(super) fn named(text: &str, tokens: &[Token]) -> Vec<(Term, String)> {
    let mut found = Vec::new();
    let mut before: Option<String> = None;
    for token in tokens {
        let mut word = String::new();
        if !say(text, token, &mut word) {
            continue;
        }
        found.extend(before.map(|before| format!("{before} {word}")));
        found.push(word.clone());
        before = Some(word);
    }
    found.into_iter().map(|name| (Term::of(&name), name)).collect()
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
