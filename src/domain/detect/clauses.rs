//! Cuts tokens into sentences, the reach of a mood and of a verb.

use super::normalise::{Shape, Token};

/// A sentence without end is cut here, so that work stays linear in the text.
const SENTENCE_TOKENS_MAX: usize = 80;

/// A run of tokens that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// First token.
    pub first: usize,
    /// One past the last token.
    pub last: usize,
    /// Ends with a question mark.
    pub question: bool,
    /// Stands inside quotation marks for the most part.
    pub quoted: bool,
}

/// The sentences of a text, in order; marks that end one belong to none.
pub(super) fn sentences(text: &str, tokens: &[Token]) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut first = 0;
    let mut at = 0;
    while at <= tokens.len() {
        let end = tokens.get(at).is_none_or(|t| ends_sentence(text, t));
        if end || at - first >= SENTENCE_TOKENS_MAX {
            if at > first {
                let inside = &tokens[first..at];
                let question = tokens.get(at).is_some_and(|t| mark(text, t) == "?")
                    || only_smileys_before_question(text, tokens, at);
                let quoted = inside.iter().filter(|t| t.quoted).count() * 2 > inside.len();
                found.push(Sentence { first, last: at, question, quoted });
            }
            first = if end { at + 1 } else { at };
        }
        at += 1;
    }
    found
}

/// "…moving to git :) ?"
fn only_smileys_before_question(text: &str, tokens: &[Token], at: usize) -> bool {
    tokens[at.min(tokens.len())..]
        .iter()
        .take(3)
        .take_while(|t| matches!(t.shape, Shape::Mark | Shape::Emoji))
        .any(|t| mark(text, t) == "?")
}

fn ends_sentence(text: &str, token: &Token) -> bool {
    match token.shape {
        Shape::Break | Shape::Block => true,
        Shape::Mark => {
            matches!(mark(text, token), "." | "!" | "?" | ";" | "—" | "–" | "-" | "•" | "…" | "*")
        }
        _ => false,
    }
}

/// The mark's own text; nothing for other tokens.
pub(super) fn mark<'t>(text: &'t str, token: &Token) -> &'t str {
    if token.shape == Shape::Mark { &text[token.start..token.end] } else { "" }
}
