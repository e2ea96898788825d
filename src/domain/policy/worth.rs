//! Whether a proposal alone is worth a word: its size × how hard it is to undo × the evidence that is missing × how open it still is.

use super::super::detect::Verdict;
use super::super::{Door, Kind, Progress};
use super::Silence;

/// A proposal that weighs less is left alone.
///
/// A plain proposal (a system, weeks to undo, nothing shown) weighs 2; the least that is still answered is a new habit that
/// is easy to undo and brings its problem and its evidence. Below stays what is decided and neither for everybody nor
/// final, and what is begun unless it is both.
pub const WORTH_A_WORD: f64 = 0.375;

/// What a proposal weighs, by input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighing {
    /// How much would change: 1 a habit, 2 a system, 3 with words for everybody, a count of teams or systems, or a date.
    pub size: f64,
    /// How hard it is to undo: ½ in a day, 1 in weeks, 2 never.
    pub irreversibility: f64,
    /// What is not shown yet: 1 as long as evidence or the problem is missing, ¾ when both are there.
    pub missing_evidence: f64,
    /// How open it still is: 1 nothing decided, 0.15 decided, 0.08 begun.
    pub openness: f64,
}

impl Weighing {
    /// Weighs a proposal.
    pub fn of(verdict: &Verdict) -> Self {
        let of_kind = if verdict.kind == Kind::ProcessChange { 1.0 } else { 2.0 };
        let shown = !verdict.evidence.is_empty() && verdict.problem.is_some();
        Self {
            size: of_kind + if verdict.scale.is_empty() { 0.0 } else { 1.0 },
            irreversibility: match verdict.door {
                Door::TwoWay => 0.5,
                Door::Costly => 1.0,
                Door::OneWay => 2.0,
            },
            missing_evidence: if shown { 0.75 } else { 1.0 },
            openness: match verdict.progress {
                Progress::Open => 1.0,
                Progress::Decided => 0.15,
                Progress::UnderWay => 0.08,
            },
        }
    }

    /// All of it together.
    pub fn total(self) -> f64 {
        self.size * self.irreversibility * self.missing_evidence * self.openness
    }
}

/// Whether the message alone is worth speaking to, whatever the channel.
pub fn worth_speaking(verdict: &Verdict) -> Result<(), Silence> {
    if !verdict.proposal {
        return Err(Silence::NotAProposal);
    }
    if verdict.door == Door::TwoWay && verdict.problem.is_none() {
        return Err(Silence::TwoWayDoor);
    }
    let worth_a_word = Weighing::of(verdict).total() >= WORTH_A_WORD;
    match verdict.progress {
        Progress::Decided if !worth_a_word => Err(Silence::Decided),
        Progress::UnderWay if !worth_a_word => Err(Silence::UnderWay),
        _ => Ok(()),
    }
}
