//! What a case makes of a message that was changed or deleted after it had carried something.
//!
//! What is deleted in the chat is deleted here, whatever became of the case; what was only put in other words keeps its
//! place, also where nothing new is taken any more.

use jiff::Timestamp;

use super::{
    Case, EVIDENCE_MAX, Effect, Evidence, Parked, SAID_CHARS_MAX, cut, parked, posted,
    show_if_shown,
};
use crate::domain::MessageTs;

/// A message as it reads after it was changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Reread {
    /// Which.
    pub message: MessageTs,
    /// The files it still bears.
    pub files: Vec<String>,
    /// The evidence in its words.
    pub evidence: Vec<Evidence>,
    /// The proposal in them, where that waits for the review of an incident.
    pub proposal: Option<String>,
}

/// What its words and its lost files showed goes, what its words show now comes.
pub(super) fn reread(case: &mut Case, anew: Reread, now: Timestamp) -> Vec<Effect> {
    let Reread { message, files, evidence, proposal } = anew;
    let mut effects = vec![Effect::LeaveFiles(message.clone())];
    effects.extend(evidence_anew(case, &message, &files, evidence, now));
    effects.extend(proposal_anew(case, message, proposal));
    effects
}

fn evidence_anew(
    case: &mut Case,
    message: &MessageTs,
    files: &[String],
    evidence: Vec<Evidence>,
    now: Timestamp,
) -> Vec<Effect> {
    let of_it = |piece: &Evidence| piece.message.as_ref() == Some(message);
    let Some(first) = case.evidence.iter().position(of_it) else {
        return posted(case, evidence, now);
    };
    let before = case.evidence.clone();
    let still_there = |piece: &Evidence| piece.file.as_ref().is_some_and(|f| files.contains(f));
    case.evidence.retain(|piece| !of_it(piece) || still_there(piece));
    let room = EVIDENCE_MAX.saturating_sub(case.evidence.len());
    case.evidence.splice(first..first, evidence.into_iter().take(room));
    if case.evidence == before { Vec::new() } else { show_if_shown(case) }
}

fn proposal_anew(case: &mut Case, message: MessageTs, proposal: Option<String>) -> Vec<Effect> {
    let known = case.parked.iter().position(|parked| parked.message == message);
    let before = case.parked.clone();
    match (known, proposal) {
        (None, None) => {}
        (None, Some(said)) => return parked(case, Parked { message, said }),
        (Some(at), Some(said)) => case.parked[at].said = cut(&said, SAID_CHARS_MAX),
        (Some(at), None) => drop(case.parked.remove(at)),
    }
    if case.parked == before { Vec::new() } else { show_if_shown(case) }
}

/// Everything that a deleted message carried goes.
pub(super) fn taken_back(case: &mut Case, message: &MessageTs) -> Vec<Effect> {
    let count = |case: &Case| case.evidence.len() + case.parked.len();
    let before = count(case);
    case.evidence.retain(|e| e.message.as_ref() != Some(message));
    case.parked.retain(|p| &p.message != message);
    let mut effects = vec![Effect::LeaveFiles(message.clone())];
    if count(case) != before {
        effects.extend(show_if_shown(case));
    }
    effects
}
