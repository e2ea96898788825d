//! What was said just before a message, and what may be kept of a proposal: the bot and `replay` hear alike.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::detect::{Packs, Verdict, asks_for_evidence, detect};
use super::evidence::redact;
use super::knowledge::Knowledge;
use super::message::time_of;
use super::{MessageTs, UserId};

/// How long a message is context. With the wait until it is forgotten it is in memory for less than ten minutes.
const KEPT: SignedDuration = SignedDuration::from_mins(9);
/// How often whoever keeps messages has to forget the old ones.
pub const FORGET_EVERY: Duration = Duration::from_secs(30);
/// How many messages of a channel are kept.
pub const KEPT_MAX: usize = 8;
const CHARS_MAX: usize = 600;

/// One message, as long as it is kept.
#[derive(Clone, Debug)]
pub struct Heard {
    at: Timestamp,
    ts: MessageTs,
    thread: Option<MessageTs>,
    author: UserId,
    text: String,
}

impl Heard {
    /// What is kept of a message heard at this time.
    pub fn new(
        at: Timestamp,
        ts: &MessageTs,
        thread: Option<&MessageTs>,
        author: &UserId,
        text: &str,
    ) -> Self {
        let end = text.char_indices().nth(CHARS_MAX).map_or(text.len(), |(end, _)| end);
        Self {
            at,
            ts: ts.clone(),
            thread: thread.cloned(),
            author: author.clone(),
            text: text[..end].to_owned(),
        }
    }
}

/// The last few messages of one channel, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Earlier(VecDeque<Heard>);

impl Earlier {
    /// Keeps a message for a while; one that was changed replaces what it was.
    pub fn add(&mut self, heard: Heard) {
        self.0.retain(|m| heard.at.duration_since(m.at) < KEPT && m.ts != heard.ts);
        while self.0.len() >= KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(heard);
    }

    /// What was said just before a message where it was said: in its thread, or in the channel itself; oldest first. A
    /// message that comes late, or is judged again, has no later ones for its context.
    pub fn before(&self, ts: &MessageTs, thread: Option<&MessageTs>, now: Timestamp) -> Vec<&str> {
        self.fresh(now)
            .filter(|m| m.ts < *ts)
            .filter(|m| m.thread.as_ref() == thread || Some(&m.ts) == thread)
            .map(|m| m.text.as_str())
            .collect()
    }

    /// Whether another person than the author asked for evidence since the proposal.
    pub fn someone_asked(
        &self,
        packs: &Packs,
        proposal: &MessageTs,
        author: Option<&UserId>,
        now: Timestamp,
    ) -> bool {
        self.fresh(now)
            .filter(|m| follows(proposal, author, &m.ts, &m.author))
            .any(|m| asks_for_evidence(packs, &m.text))
    }

    /// Forgets what is older than it may be; tells whether anything is left.
    pub fn forget_old(&mut self, now: Timestamp) -> bool {
        self.0.retain(|m| now.duration_since(m.at) < KEPT);
        !self.0.is_empty()
    }

    fn fresh(&self, now: Timestamp) -> impl Iterator<Item = &Heard> {
        self.0.iter().filter(move |m| now.duration_since(m.at) < KEPT)
    }
}

/// Whether a message is another person's than the author's, and later than the proposal: if it asks for evidence, a card
/// is needless.
pub fn follows(proposal: &MessageTs, author: Option<&UserId>, ts: &MessageTs, by: &UserId) -> bool {
    Some(by) != author && ts != proposal && time_of(ts) >= time_of(proposal)
}

/// The words of a proposal as they may be kept, and the verdict on exactly these words.
pub fn words(knowledge: &Knowledge, readable: &str, verdict: Verdict) -> (String, Verdict) {
    let said = redact(&knowledge.recognisers, readable).text;
    let again = detect(&knowledge.packs, &said, &[]);
    if again.proposal {
        return (said, again);
    }
    // Out of its context or without its markup it no longer reads as one: keep the verdict, not its offsets.
    (said, Verdict { spans: Vec::new(), ..verdict })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(second: i64, ts: &str, thread: Option<&str>, author: &str, text: &str) -> Heard {
        let at = Timestamp::from_second(second).unwrap();
        let thread = thread.map(MessageTs::from);
        Heard::new(at, &ts.into(), thread.as_ref(), &author.into(), text)
    }

    fn before(earlier: &Earlier, ts: &str, thread: Option<&str>, second: i64) -> Vec<String> {
        let thread = thread.map(MessageTs::from);
        let now = Timestamp::from_second(second).unwrap();
        earlier.before(&ts.into(), thread.as_ref(), now).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn context_is_what_was_said_in_the_same_place_nine_minutes_ago_at_most() {
        let mut earlier = Earlier::default();
        earlier.add(heard(100, "100.0", None, "U1", "old"));
        earlier.add(heard(640, "640.0", None, "U1", "root"));
        earlier.add(heard(650, "650.0", Some("640.0"), "U2", "reply"));
        earlier.add(heard(651, "651.0", None, "U1", "channel"));
        assert_eq!(before(&earlier, "652.0", None, 652), ["root", "channel"]);
        assert_eq!(before(&earlier, "652.0", Some("640.0"), 652), ["root", "reply"]);
        assert_eq!(before(&earlier, "651.0", None, 652), ["root"], "not itself");
        assert_eq!(before(&earlier, "645.0", None, 652), ["root"], "nor what came after it");
        assert_eq!(before(&earlier, "645.0", Some("640.0"), 652), ["root"]);
        assert!(before(&earlier, "999.0", None, 651 + 540).is_empty());
        for n in 0..20 {
            earlier.add(heard(700, &format!("700.{n}"), None, "U1", "x"));
        }
        assert_eq!(before(&earlier, "701.0", None, 701).len(), KEPT_MAX);
    }

    #[test]
    fn only_another_person_asks_first_and_only_afterwards() {
        let packs = Packs::embedded().unwrap();
        let asked = |who: &str, ts: &str| {
            let mut earlier = Earlier::default();
            earlier.add(heard(100, ts, None, who, "do we have the headers of one of those mails?"));
            let now = Timestamp::from_second(160).unwrap();
            earlier.someone_asked(&packs, &"100.1".into(), Some(&"U1".into()), now)
        };
        assert!(asked("U2", "101.0"));
        assert!(!asked("U1", "101.0"), "the author's own question");
        assert!(!asked("U2", "99.0"), "before the proposal");
    }
}
