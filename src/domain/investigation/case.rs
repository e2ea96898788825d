//! What a case is: a prompt, perhaps an investigation, its evidence and its outcome.

use jiff::Timestamp;

use crate::domain::detect::Verdict;
use crate::domain::evidence::{EvidenceKind, Reading};
use crate::domain::policy::Silence;
use crate::domain::{
    ChannelId, ClassId, Door, Kind, MessageTs, Stance, UserId, WorkspaceId, wire_enum,
};

/// The number people call a case by; unique in its workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseNumber(pub u32);

impl std::fmt::Display for CaseNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

wire_enum! {
    /// Where a case stands.
    State {
        /// The quiet period runs: a person may ask first.
        Waiting = "waiting",
        /// The prompt is shown.
        Prompted = "prompted",
        /// An investigation is open.
        Open = "open",
        /// It ended with an outcome.
        Closed = "closed",
        /// Somebody said: not a proposal.
        Dismissed = "dismissed",
        /// It ended before or without a word from us.
        Silent = "silent",
    }
}

wire_enum! {
    /// How a case began.
    Origin {
        /// The bot heard a proposal.
        Heard = "heard",
        /// By the slash command.
        Command = "command",
        /// By a shortcut on a message.
        Shortcut = "shortcut",
        /// A channel about an incident.
        Incident = "incident",
    }
}

wire_enum! {
    /// How a case ended.
    OutcomeKind {
        /// The big change was not needed: something small was wrong.
        Averted = "averted",
        /// A smaller change does it.
        RightSized = "right_sized",
        /// The change goes ahead, with evidence.
        Go = "go",
        /// Tried at small scale, with an end date.
        Experiment = "experiment",
        /// Taken back.
        Withdrawn = "withdrawn",
        /// Waits for something.
        Hold = "hold",
        /// We still don't know.
        Inconclusive = "inconclusive",
        /// The same as another case.
        Duplicate = "duplicate",
        /// It never was a proposal.
        NotAProposal = "not_a_proposal",
    }
}

/// The result of a case, as a person recorded it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub kind: OutcomeKind,
    /// What it turned out to be; `None` for "not sure".
    pub class: Option<ClassId>,
    /// What fixed it, in their words, redacted.
    pub fixed: Option<String>,
    /// Days from start to fix.
    pub days: Option<f64>,
    /// Who recorded it.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
    /// When the case's words, people and evidence were deleted because of its age.
    pub forgotten_at: Option<Timestamp>,
}

/// The problem as people state it; every part can be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// Who and what is affected, since when.
    pub scope: Option<String>,
    /// How to see it happen.
    pub reproduction: Option<String>,
    /// What changed or contributes.
    pub factors: Option<String>,
    /// What limits the solution.
    pub constraints: Option<String>,
}

/// A piece of evidence, recorded without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What it is.
    pub kind: EvidenceKind,
    /// Who posted it.
    pub by: Option<UserId>,
    /// When it was posted.
    pub at: Timestamp,
    /// The message it came with; a form's answers have none.
    pub message: Option<MessageTs>,
    /// The file of that message it was read from; what stands in the message itself has none.
    pub file: Option<String>,
    /// A link to where it stands.
    pub permalink: Option<String>,
    /// Its first lines, redacted.
    pub excerpt: Option<String>,
    /// Its decisive fact.
    pub reading: Option<Reading>,
}

/// A big proposal made during an incident: it waits for the review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The message that made it.
    pub message: MessageTs,
    /// Its words, redacted and cut.
    pub said: String,
}

/// A case: a prompt, and perhaps an investigation.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Its number.
    pub number: CaseNumber,
    /// Where its card stands.
    pub channel: ChannelId,
    /// Whether the channel is open to invited people only.
    pub private: bool,
    /// The message whose thread it lives in; for a case opened by command that is the card itself, once posted.
    pub root: Option<MessageTs>,
    /// The message it is about: the root itself, or a reply in its thread.
    pub message: Option<MessageTs>,
    /// The card.
    pub card: Option<MessageTs>,
    /// Where it stands.
    pub state: State,
    /// How it began.
    pub origin: Origin,
    /// Whose proposal it is, or who opened it.
    pub author: Option<UserId>,
    /// What to call it.
    pub title: String,
    /// The words the detector matched.
    pub matched: String,
    /// The proposal, redacted and cut to [`SAID_CHARS_MAX`].
    pub said: String,
    /// The problem it states.
    pub problem: Option<String>,
    /// What would change.
    pub kind: Kind,
    /// How hard to undo.
    pub door: Door,
    /// How its writer stands to it.
    pub stance: Stance,
    /// The detector's confidence.
    pub confidence: f64,
    /// The rules that matched.
    pub rules: Vec<String>,
    /// The language of its card.
    pub language: String,
    /// What the topic is called in the channel's cooldown.
    pub topic: String,
    /// Kinds of evidence the proposal itself carried.
    pub given: Vec<EvidenceKind>,
    /// The problem as people state it.
    pub statement: Statement,
    /// What was posted.
    pub evidence: Vec<Evidence>,
    /// Proposals that wait for the review of an incident, oldest first.
    pub parked: Vec<Parked>,
    /// Who opened the investigation.
    pub opened_by: Option<UserId>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why nothing was said, when nothing was.
    pub silence: Option<Silence>,
    /// When it began.
    pub began_at: Timestamp,
    /// When the investigation was opened.
    pub opened_at: Option<Timestamp>,
    /// Counts the changes; a change made on an old copy is refused.
    pub revision: i64,
}

/// How much of a proposal is kept, in characters.
pub const SAID_CHARS_MAX: usize = 600;
/// Evidence beyond this many pieces is not recorded: a card is no log store.
pub const EVIDENCE_MAX: usize = 50;

/// Where and by whom a case begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Beginning {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Where.
    pub channel: ChannelId,
    /// Whether the channel is private.
    pub private: bool,
    /// The thread it will live in.
    pub root: Option<MessageTs>,
    /// The message it is about.
    pub message: Option<MessageTs>,
    /// Who wrote or opened it.
    pub author: UserId,
    /// How.
    pub origin: Origin,
    /// What it is about, redacted.
    pub said: String,
    /// What the detector made of it.
    pub verdict: Verdict,
    /// Its topic.
    pub topic: String,
    /// What the message shows; at most [`EVIDENCE_MAX`] pieces are recorded.
    pub evidence: Vec<Evidence>,
}

impl Case {
    /// A case that begins now, waiting for its quiet period or opened by a person.
    pub fn begin(number: CaseNumber, beginning: Beginning, now: Timestamp) -> Self {
        let Beginning {
            workspace,
            channel,
            private,
            root,
            message,
            author,
            origin,
            said,
            verdict,
            topic,
            mut evidence,
        } = beginning;
        evidence.truncate(EVIDENCE_MAX);
        let mut rules: Vec<String> = verdict.spans.iter().map(|s| s.rule.clone()).collect();
        rules.dedup();
        let mut case = Self {
            root,
            message,
            origin,
            author: Some(author),
            kind: verdict.kind,
            door: verdict.door,
            stance: verdict.stance,
            confidence: verdict.confidence,
            rules,
            language: verdict.language.to_owned(),
            topic,
            evidence,
            ..Self::empty(workspace, number, channel, private, now)
        };
        case.take_words(&said, &verdict);
        case
    }

    /// The case of an incident, open from the start: nobody proposed it and nobody has to open it.
    pub fn incident(
        workspace: WorkspaceId,
        number: CaseNumber,
        channel: ChannelId,
        private: bool,
        name: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            state: State::Open,
            origin: Origin::Incident,
            title: cut(&format!("#{name}"), 80),
            opened_at: Some(now),
            ..Self::empty(workspace, number, channel, private, now)
        }
    }

    fn empty(
        workspace: WorkspaceId,
        number: CaseNumber,
        channel: ChannelId,
        private: bool,
        now: Timestamp,
    ) -> Self {
        Self {
            workspace,
            number,
            channel,
            private,
            root: None,
            message: None,
            card: None,
            state: State::Waiting,
            origin: Origin::Heard,
            author: None,
            title: String::new(),
            matched: String::new(),
            said: String::new(),
            problem: None,
            kind: Kind::Other,
            door: Door::TwoWay,
            stance: Stance::Asking,
            confidence: 0.0,
            rules: Vec::new(),
            language: "en".to_owned(),
            topic: String::new(),
            given: Vec::new(),
            statement: Statement::default(),
            evidence: Vec::new(),
            parked: Vec::new(),
            opened_by: None,
            outcome: None,
            silence: None,
            began_at: now,
            opened_at: None,
            revision: 0,
        }
    }

    /// Sets everything that comes from the words of the proposal.
    pub(super) fn take_words(&mut self, said: &str, verdict: &Verdict) {
        self.matched = cut(verdict.matched(said), 80);
        self.title =
            cut(if self.matched.is_empty() { first_line(said) } else { &self.matched }, 80);
        self.said = cut(said, SAID_CHARS_MAX);
        self.problem = verdict.problem.as_deref().map(|p| cut(p, 160));
        self.given.clone_from(&verdict.evidence);
    }

    /// Forgets every word and every person; what was concluded stays.
    pub(in crate::domain) fn forget_words(&mut self) {
        self.author = None;
        self.opened_by = None;
        for text in [&mut self.title, &mut self.matched, &mut self.said, &mut self.topic] {
            text.clear();
        }
        self.problem = None;
        self.statement = Statement::default();
        self.evidence.clear();
        self.parked.clear();
    }

    /// Forgets, long after its end, what people wrote and who they were; how it ended stays. The same case is forgotten once.
    pub(in crate::domain) fn forget_ended(&mut self, now: Timestamp) {
        let ended = self.state == State::Closed;
        if let Some(outcome) = self.outcome.as_mut().filter(|o| ended && o.forgotten_at.is_none()) {
            outcome.fixed = None;
            outcome.by = None;
            outcome.forgotten_at = Some(now);
            self.forget_words();
        }
    }

    /// So many days after its end its words were deleted.
    pub fn forgotten_after_days(&self) -> Option<i64> {
        let outcome = self.outcome.as_ref()?;
        Some(outcome.forgotten_at?.duration_since(outcome.at).as_hours() / 24)
    }

    /// What the evidence said so far.
    pub fn readings(&self) -> Vec<Reading> {
        self.evidence.iter().filter_map(|e| e.reading.clone()).collect()
    }

    /// Whether something that came with this message is recorded.
    pub fn has_evidence_from(&self, message: &MessageTs) -> bool {
        self.evidence.iter().any(|evidence| evidence.message.as_ref() == Some(message))
    }

    /// Whether something that this message carried is recorded, be it a proposal that waits for the review.
    pub fn holds_from(&self, message: &MessageTs) -> bool {
        self.has_evidence_from(message) || self.parked.iter().any(|p| &p.message == message)
    }

    /// Whether it goes on: evidence posted in its thread still belongs to it.
    pub fn listens(&self) -> bool {
        matches!(self.state, State::Waiting | State::Prompted | State::Open)
    }

    /// Whether its card is shown as it stands: none is before the quiet period is over, and what is called no proposal or
    /// falls silent gets no new one.
    pub fn shows_card(&self) -> bool {
        matches!(self.state, State::Prompted | State::Open | State::Closed)
    }

    /// Whether a person can record how it ends.
    pub fn can_close(&self) -> bool {
        matches!(self.state, State::Prompted | State::Open)
    }

    /// Whether a person asked for its card by name, and not the bot for attention.
    pub fn asked_for(&self) -> bool {
        matches!(self.origin, Origin::Command | Origin::Shortcut) || self.opened_by.is_some()
    }

    /// Who asked for its card by name, as long as that is known.
    pub fn asked_by(&self) -> Option<&UserId> {
        self.opened_by.as_ref().or(self.author.as_ref()).filter(|_| self.asked_for())
    }

    /// Whether it is listed as an investigation.
    pub fn listed(&self) -> bool {
        matches!(self.state, State::Open | State::Closed)
    }

    /// What the diagnosis is asked about: the stated problem with everything people added.
    pub fn symptom(&self) -> String {
        let statement = &self.statement;
        let parts = [
            Some(&self.said),
            statement.scope.as_ref(),
            statement.reproduction.as_ref(),
            statement.factors.as_ref(),
        ];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

fn first_line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim()
}

/// The text on one line, at most `chars` characters long, with an ellipsis where something was cut.
pub fn cut(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars {
        return line;
    }
    let mut short: String = line.chars().take(chars.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}
