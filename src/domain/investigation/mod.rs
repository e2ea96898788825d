//! The one state machine: a case, what happens to it, and what should be done about that.
//!
//! `apply(case, event, now) → (case, effects)`; nothing has happened yet when it returns.

mod anew;
mod case;
#[cfg(test)]
pub(in crate::domain) mod tests;

use jiff::{SignedDuration, Timestamp};

pub use self::anew::Reread;
pub use self::case::{
    Beginning, Case, CaseNumber, EVIDENCE_MAX, Evidence, Origin, Outcome, OutcomeKind, Parked,
    SAID_CHARS_MAX, State, Statement, cut,
};
use super::detect::Verdict;
use super::policy::Silence;
use super::{MessageTs, UserId, wire_enum};

/// How long a prompt that nobody opened keeps its text: nobody works on it.
pub const TEXT_KEPT: SignedDuration = SignedDuration::from_hours(14 * 24);
/// When an open investigation without an outcome is reminded of, once.
pub const REMIND_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// An incident that was quiet for this long is asked about, once.
pub const QUIET_DAY: SignedDuration = SignedDuration::from_hours(24);
/// Proposals beyond this many are not parked.
pub const PARKED_MAX: usize = 20;

/// Something that happens to a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// The quiet period is over; `Err` when the channel no longer lets us speak.
    QuietPeriodOver(Result<(), Silence>),
    /// A person asked for evidence in the channel before we spoke.
    SomeoneAsked,
    /// The proposal reads otherwise now; `None` when it is no proposal any more.
    Reworded(Option<(String, Verdict)>),
    /// The proposal's message is gone.
    Deleted,
    /// Evidence was posted.
    Posted(Vec<Evidence>),
    /// A message was changed that may have carried something, or carries something now.
    Reread(Reread),
    /// A big proposal was made during an incident.
    Parked(Parked),
    /// A message that carried evidence, or a parked proposal, is gone.
    EvidenceDeleted(MessageTs),
    /// A person opened an investigation or added to its statement.
    Opened {
        /// Who.
        by: UserId,
        /// A title, if they gave one.
        title: Option<String>,
        /// The problem as they state it.
        statement: Statement,
    },
    /// A person said: not a proposal.
    Dismissed,
    /// A person recorded how it ended.
    Closed(Outcome),
    /// The card stands in the channel.
    CardShown(MessageTs),
    /// A card that may have been posted was found in the channel.
    CardFound(MessageTs),
    /// The chat says that its channel is public.
    FoundPublic,
    /// A week passed since it was opened.
    ReminderDue,
    /// An unopened prompt is two weeks old.
    TextDue,
    /// It ended so long ago that its words are not kept any longer.
    LongEnded,
}

/// What should be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Post the card, or edit it to what it should say now.
    ShowCard,
    /// Read what was said in its thread so far.
    ReadThread,
    /// Say once in the thread that it is still open.
    Remind,
    /// Say in the thread how it ended.
    TellOutcome,
    /// Come back at that time.
    Schedule(Due, Timestamp),
    /// Don't come back for that.
    Cancel(Due),
    /// Don't read the files that came with that message.
    LeaveFiles(MessageTs),
}

wire_enum! {
    /// What a case waits for.
    Due {
        /// The end of the quiet period.
        QuietPeriod = "quiet_period",
        /// The reminder of an open investigation.
        Reminder = "reminder",
        /// The erasure of an unopened prompt's text.
        Text = "text",
    }
}

/// What becomes of a case when something happens, and what should be done.
pub fn apply(mut case: Case, happening: Happening, now: Timestamp) -> (Case, Vec<Effect>) {
    let effects = match happening {
        Happening::QuietPeriodOver(may_speak) => quiet_period_over(&mut case, may_speak, now),
        Happening::SomeoneAsked => stay_silent(&mut case, Silence::SomeoneAsked),
        Happening::Reworded(None) => stay_silent(&mut case, Silence::Retracted),
        Happening::Reworded(Some((said, verdict))) => reworded(&mut case, &said, &verdict),
        Happening::Deleted => deleted(&mut case),
        Happening::Posted(evidence) => posted(&mut case, evidence, now),
        Happening::Reread(message) => anew::reread(&mut case, message, now),
        Happening::Parked(proposal) => parked(&mut case, proposal),
        Happening::EvidenceDeleted(message) => anew::taken_back(&mut case, &message),
        Happening::Opened { by, title, statement } => opened(&mut case, by, title, statement, now),
        Happening::Dismissed => dismissed(&mut case),
        Happening::Closed(outcome) => closed(&mut case, outcome),
        Happening::CardShown(ts) => card_shown(&mut case, ts),
        // It says what was to be said when it was posted; much may have happened since.
        Happening::CardFound(ts) => {
            let mut effects = card_shown(&mut case, ts);
            effects.push(Effect::ShowCard);
            effects
        }
        Happening::FoundPublic => {
            case.private = false;
            Vec::new()
        }
        Happening::ReminderDue if case.state == State::Open => vec![Effect::Remind],
        Happening::TextDue => {
            if case.state == State::Prompted {
                case.forget_words();
            }
            Vec::new()
        }
        Happening::ReminderDue => Vec::new(),
        // Its card in the chat is left as it is: that copy is the chat's to keep or delete.
        Happening::LongEnded => {
            case.forget_ended(now);
            Vec::new()
        }
    };
    (case, effects)
}

/// Begins an incident: its card, and the question for its outcome once it is quiet.
pub fn incident_began(case: &Case) -> Vec<Effect> {
    vec![Effect::ShowCard, Effect::Schedule(Due::Reminder, case.began_at + QUIET_DAY)]
}

/// Begins the wait in which a person may ask first.
pub fn heard(speak_at: Timestamp) -> Vec<Effect> {
    vec![Effect::Schedule(Due::QuietPeriod, speak_at)]
}

fn quiet_period_over(
    case: &mut Case,
    may_speak: Result<(), Silence>,
    now: Timestamp,
) -> Vec<Effect> {
    if case.state != State::Waiting {
        return Vec::new();
    }
    if let Err(why) = may_speak {
        return stay_silent(case, why);
    }
    case.state = State::Prompted;
    vec![Effect::ShowCard, Effect::Schedule(Due::Text, now + TEXT_KEPT)]
}

/// A card that begins its own thread may have been answered before anybody knew whose thread that is; and the case may have
/// been closed when there was no thread yet to say so in.
fn card_shown(case: &mut Case, ts: MessageTs) -> Vec<Effect> {
    let begins_thread = case.root.is_none();
    case.root.get_or_insert_with(|| ts.clone());
    case.card = Some(ts);
    match (begins_thread, case.state) {
        (true, State::Closed) => vec![Effect::ReadThread, Effect::TellOutcome],
        (true, _) => vec![Effect::ReadThread],
        (false, _) => Vec::new(),
    }
}

/// Before the card is shown, a case can end without a word; its text goes with it.
fn stay_silent(case: &mut Case, why: Silence) -> Vec<Effect> {
    if case.state != State::Waiting {
        return Vec::new();
    }
    case.state = State::Silent;
    case.silence = Some(why);
    case.forget_words();
    vec![Effect::Cancel(Due::QuietPeriod)]
}

fn reworded(case: &mut Case, said: &str, verdict: &Verdict) -> Vec<Effect> {
    // Words that went after two weeks don't come back by an edit.
    if !matches!(case.state, State::Waiting | State::Prompted)
        || case.said.is_empty()
        || case.said == cut(said, SAID_CHARS_MAX)
    {
        return Vec::new();
    }
    case.take_words(said, verdict);
    case.kind = verdict.kind;
    case.door = verdict.door;
    show_if_shown(case)
}

fn deleted(case: &mut Case) -> Vec<Effect> {
    match case.state {
        State::Waiting => stay_silent(case, Silence::Retracted),
        State::Prompted => {
            case.state = State::Silent;
            case.silence = Some(Silence::Retracted);
            case.forget_words();
            vec![Effect::Cancel(Due::Text), Effect::ShowCard]
        }
        // An investigation belongs to the people in it, not to one message, open or closed; what that carried goes.
        State::Open | State::Closed => {
            let message = case.message.clone();
            message.map_or_else(Vec::new, |message| anew::taken_back(case, &message))
        }
        State::Dismissed | State::Silent => Vec::new(),
    }
}

/// Evidence turns a prompt into an investigation: whoever posts it works on the case. What a message carried is recorded once, however often
/// its file is read.
fn posted(case: &mut Case, mut evidence: Vec<Evidence>, now: Timestamp) -> Vec<Effect> {
    evidence.retain(|piece| piece.message.is_none() || !case.evidence.contains(piece));
    if !case.listens() || evidence.is_empty() {
        return Vec::new();
    }
    let room = EVIDENCE_MAX.saturating_sub(case.evidence.len());
    case.evidence.extend(evidence.into_iter().take(room));
    let mut effects = show_if_shown(case);
    if case.state == State::Prompted {
        effects.extend(open(case, None, now));
    }
    effects
}

/// Saved for the review; the same message is saved once.
fn parked(case: &mut Case, proposal: Parked) -> Vec<Effect> {
    let known = case.parked.iter().any(|p| p.message == proposal.message);
    if !case.listens() || known || case.parked.len() >= PARKED_MAX {
        return Vec::new();
    }
    case.parked.push(Parked { said: cut(&proposal.said, SAID_CHARS_MAX), ..proposal });
    case.parked.sort_by(|a, b| a.message.cmp(&b.message));
    show_if_shown(case)
}

fn opened(
    case: &mut Case,
    by: UserId,
    title: Option<String>,
    statement: Statement,
    now: Timestamp,
) -> Vec<Effect> {
    if !case.listens() {
        return Vec::new();
    }
    if let Some(title) = title {
        case.title = cut(&title, 80);
    }
    let keep = |old: &mut Option<String>, new: Option<String>| {
        if new.is_some() {
            *old = new;
        }
    };
    keep(&mut case.statement.scope, statement.scope);
    keep(&mut case.statement.reproduction, statement.reproduction);
    keep(&mut case.statement.factors, statement.factors);
    keep(&mut case.statement.constraints, statement.constraints);
    let mut effects = vec![Effect::ShowCard];
    if case.state != State::Open {
        effects.extend(open(case, Some(by), now));
    }
    effects
}

fn open(case: &mut Case, by: Option<UserId>, now: Timestamp) -> Vec<Effect> {
    case.state = State::Open;
    case.opened_by = by;
    case.opened_at = Some(now);
    vec![
        Effect::Cancel(Due::QuietPeriod),
        Effect::Cancel(Due::Text),
        Effect::Schedule(Due::Reminder, now + REMIND_AFTER),
    ]
}

fn dismissed(case: &mut Case) -> Vec<Effect> {
    if !case.listens() {
        return Vec::new();
    }
    let shown = show_if_shown(case);
    case.state = State::Dismissed;
    case.forget_words();
    let mut effects = vec![
        Effect::Cancel(Due::QuietPeriod),
        Effect::Cancel(Due::Text),
        Effect::Cancel(Due::Reminder),
    ];
    effects.extend(shown);
    effects
}

fn closed(case: &mut Case, outcome: Outcome) -> Vec<Effect> {
    if !case.can_close() {
        return Vec::new();
    }
    if outcome.kind == OutcomeKind::NotAProposal {
        return dismissed(case);
    }
    if case.opened_at.is_none() {
        case.opened_at = Some(outcome.at);
    }
    case.state = State::Closed;
    case.outcome = Some(outcome);
    vec![
        Effect::Cancel(Due::Text),
        Effect::Cancel(Due::Reminder),
        Effect::ShowCard,
        Effect::TellOutcome,
    ]
}

fn show_if_shown(case: &Case) -> Vec<Effect> {
    if case.state == State::Waiting { Vec::new() } else { vec![Effect::ShowCard] }
}
