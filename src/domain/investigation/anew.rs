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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::investigation::tests::{SPEAK, check, evidence, outcome, play, waiting};
    use crate::domain::investigation::{Happening, Origin, OutcomeKind, State};

    fn reread(message: &str, files: &[&str], evidence: Vec<Evidence>) -> Happening {
        let files = files.iter().map(|&file| file.to_owned()).collect();
        Happening::Reread(Reread { message: message.into(), files, evidence, proposal: None })
    }

    #[test]
    fn in_a_closed_case_an_edit_changes_evidence_in_place_and_adds_none() {
        let other =
            |message| Evidence { excerpt: Some("spf=fail".to_owned()), ..evidence(message) };
        let posted = Happening::Posted(vec![evidence("3.0"), evidence("4.0")]);
        let (closed, _) =
            play(waiting(), &[SPEAK, posted, Happening::Closed(outcome(OutcomeKind::Averted))]);
        for (changed, told, left) in [
            (
                reread("3.0", &[], vec![other("3.0")]),
                "closed[-files:3.0 show]",
                vec![other("3.0"), evidence("4.0")],
            ),
            (
                reread("3.0", &[], vec![evidence("3.0")]),
                "closed[-files:3.0]",
                vec![evidence("3.0"), evidence("4.0")],
            ),
            (reread("3.0", &[], vec![]), "closed[-files:3.0 show]", vec![evidence("4.0")]),
            (
                reread("9.0", &[], vec![evidence("9.0")]),
                "closed[-files:9.0]",
                closed.evidence.clone(),
            ),
        ] {
            let (case, effects) = play(closed.clone(), std::slice::from_ref(&changed));
            assert_eq!((case.evidence, effects.as_str()), (left, told), "{changed:?}");
        }
    }

    #[test]
    fn what_a_file_showed_stays_as_long_as_the_file() {
        let of = |file: &str| Evidence { file: Some(file.to_owned()), ..evidence("3.0") };
        let posted = Happening::Posted(vec![evidence("3.0"), of("F1"), of("F2"), evidence("4.0")]);
        let open = "prompted[show +text] open[show -quiet_period -text +reminder]";
        let case = check(
            &[SPEAK, posted.clone(), reread("3.0", &["F2"], vec![])],
            &format!("{open} open[-files:3.0 show]"),
        );
        assert_eq!(case.evidence, [of("F2"), evidence("4.0")]);
        let case = check(
            &[SPEAK, posted, reread("3.0", &["F1", "F2"], vec![evidence("3.0")])],
            &format!("{open} open[-files:3.0]"),
        );
        assert_eq!(case.evidence.len(), 4);
    }

    #[test]
    fn a_proposal_that_waits_for_the_review_follows_its_message() {
        let park =
            |said: &str| Happening::Parked(Parked { message: "3.0".into(), said: said.to_owned() });
        let again = |proposal: Option<&str>| {
            let proposal = proposal.map(str::to_owned);
            Happening::Reread(Reread {
                message: "3.0".into(),
                files: vec![],
                evidence: vec![],
                proposal,
            })
        };
        let closed = [park("let's rewrite it"), Happening::Closed(outcome(OutcomeKind::Averted))];
        let begun = Case { origin: Origin::Incident, state: State::Open, ..waiting() };
        let (closed, _) = play(begun, &closed);
        let (reworded, told) = play(closed.clone(), &[again(Some("let's rewrite all of it"))]);
        assert_eq!(
            (reworded.parked[0].said.as_str(), told.as_str()),
            ("let's rewrite all of it", "closed[-files:3.0 show]")
        );
        assert_eq!(play(closed, &[again(None)]).0.parked, []);
        assert_eq!(play(reworded, &[Happening::EvidenceDeleted("3.0".into())]).0.parked, []);
    }
}
