//! Questions people can pull: the first ones of a thin case, trade-off packs, and two-sided notes on hype.

use super::message::Message;
use super::pattern::Pattern;
use super::{Catalog, Symptom};

/// More than this many first questions are homework.
const MOST_QUESTIONS: usize = 4;
/// Beside a clear suspect, this many are enough.
const MOST_BESIDE_SUSPECTS: usize = 2;

/// A pack of trade-off questions anyone can pull before replying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Its name in `/investigate questions <id>`.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The questions, most useful first.
    pub questions: Vec<String>,
}

/// A dated, two-sided note on a much-praised family of technologies.
#[derive(Clone, Debug)]
pub struct HypeNote {
    /// Its id (`microservices`).
    pub id: String,
    /// Its title.
    pub title: String,
    /// When it has helped, and what showed it.
    pub helps: String,
    /// When people went back, and why.
    pub hurts: String,
    /// The question worth asking.
    pub ask: String,
    /// Public accounts on both sides.
    pub sources: Vec<String>,
    /// When somebody last checked that it still holds.
    pub last_reviewed: jiff::civil::Date,
    /// Phrases that call for it.
    pub(super) cues: Vec<Pattern>,
}

/// A ground on which the big change may well be right, whatever the symptom.
#[derive(Clone, Debug)]
pub struct Restraint {
    /// Its id (`end-of-life`).
    pub id: String,
    /// The ground, in one careful sentence.
    pub says: String,
    /// What usually shows it.
    pub shows: String,
    /// Phrases that give this ground.
    pub(super) cues: Vec<Pattern>,
}

impl Catalog {
    /// The packs of trade-off questions, in this language.
    pub fn questions(&self, language: &str) -> &[Pack] {
        &self.spoken(language).packs
    }

    /// The note for the first hype family this text speaks of, in this language.
    pub fn hype_note(&self, text: &str, language: &str) -> Option<&HypeNote> {
        let message = self.read(text);
        self.spoken(language).hype.iter().find(|note| message.has_any(&note.cues))
    }

    /// The grounds this text gives on which the big change may be right, in this language.
    pub fn restraint(&self, text: &str, language: &str) -> Vec<&Restraint> {
        let message = self.read(text);
        let grounds = self.spoken(language).restraint.iter();
        grounds.filter(|ground| message.has_any(&ground.cues)).collect()
    }

    fn read<'t>(&self, text: &'t str) -> Message<'t> {
        Message::read(&self.engine, &Symptom { symptom: text, ..Symptom::default() })
    }

    /// The first questions this message leaves open; fewer when a suspect is clear.
    pub(super) fn first_questions(&self, message: &Message<'_>, clear: bool) -> Vec<String> {
        let most = if clear { MOST_BESIDE_SUSPECTS } else { MOST_QUESTIONS };
        let first = &self.spoken(message.language()).first;
        let open = first.iter().zip(&self.engine.answered);
        let open = open.filter(|(_, answered)| !message.has_any(answered));
        open.take(most).map(|(question, _)| question.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::SHIPPED;

    #[test]
    fn hype_families_have_a_note_and_plain_talk_has_none() {
        for (text, id) in [
            ("let's go microservices", Some("microservices")),
            ("split the monolith into services", Some("microservices")),
            ("put the registry on a blockchain", Some("blockchain")),
            ("an LLM could answer all of these tickets", Some("ai")),
            ("rewrite it as lambdas", Some("serverless")),
            ("we should migrate to Kubernetes", Some("kubernetes")),
            ("rewrite the core in Rust", Some("rewrite")),
            ("the orders page is slow", None),
        ] {
            assert_eq!(SHIPPED.hype_note(text, "en").map(|note| note.id.as_str()), id, "{text}");
        }
    }

    #[test]
    fn grounds_for_the_big_change_are_heard() {
        for (text, id) in [
            ("CentOS 7 is end of life, let's move", Some("end-of-life")),
            ("after the SOC 2 finding we need two approvals", Some("compliance")),
            ("the renewal quote doubled, let's leave Oracle", Some("price")),
            ("the load test is attached: it maxes out", Some("capacity")),
            ("mails land in spam", None),
        ] {
            let grounds = SHIPPED.restraint(text, "en");
            assert_eq!(grounds.first().map(|ground| ground.id.as_str()), id, "{text}");
        }
    }

    #[test]
    fn there_are_packs_to_pull() {
        for id in ["boundaries", "failure-modes", "invariants", "reversal", "upkeep"] {
            let pack = SHIPPED.questions("en").iter().find(|pack| pack.id == id);
            assert!(pack.is_some_and(|pack| (3..=5).contains(&pack.questions.len())), "{id}");
        }
    }
}
