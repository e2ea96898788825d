//! What this process is working on just now: each job once, and no channel and no workspace in all the places there are.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::deliver::Failed;
use super::ports::Job;
use crate::domain::{ChannelId, WorkspaceId};

/// How many attempts may be about one channel, which is what a case wants at once: its card, its thread, its outcome. While
/// nothing is answered in two channels, the others have places left.
const IN_CHANNEL: usize = 3;
/// How many may be about one workspace, for the same reason.
const IN_WORKSPACE: usize = 8;
/// How long work waits that was claimed before its workspace was full; after that, none is claimed.
const PLACE_AFTER: SignedDuration = SignedDuration::from_secs(1);
/// Of the work that waits for a place in a channel, a piece is tried so often: as often as Slack takes messages there. Of more
/// than a minute holds, as many as let each be tried within it.
const TURN_EVERY: SignedDuration = SignedDuration::from_secs(1);
const TURN_WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// The attempts under way, and who waits for a place.
#[derive(Default)]
pub(super) struct Attempts(Mutex<Places>);

#[derive(Default)]
struct Places {
    /// By the row of their job.
    under_way: HashMap<i64, Attempt>,
    /// When the last one's turn is of those that wait for a place in a channel.
    turns: HashMap<(WorkspaceId, ChannelId), Timestamp>,
}

#[derive(Default)]
struct Attempt {
    workspace: Option<WorkspaceId>,
    /// The channel it is about, once that is known.
    channel: Option<ChannelId>,
    /// The same job as it was claimed once more meanwhile.
    claimed_again: Option<Job>,
}

impl Attempts {
    /// Begins an attempt; `None` when one at the same job is under way. (The clock was set forward, and its lease ran out.)
    pub(super) fn begin(&self, job: &Job) -> Option<UnderWay<'_>> {
        let under_way = &mut self.lock().under_way;
        if let Some(begun) = under_way.get_mut(&job.id) {
            begun.claimed_again = Some(job.clone());
            return None;
        }
        under_way.insert(job.id, Attempt::default());
        Some(UnderWay { attempts: self, job_id: job.id })
    }

    /// Takes one of the places a workspace has.
    pub(super) fn take_place(&self, job: &Job, now: Timestamp) -> Result<(), Failed> {
        let places = &mut *self.lock();
        if places.in_workspace(&job.workspace) >= IN_WORKSPACE {
            return Err(Failed::NoPlace(now + PLACE_AFTER));
        }
        places.under_way.entry(job.id).or_default().workspace = Some(job.workspace.clone());
        Ok(())
    }

    /// Takes one of the places a channel has; or else a turn, after those who wait for one already.
    pub(super) fn take_place_in(
        &self,
        channel: &ChannelId,
        job: &Job,
        now: Timestamp,
    ) -> Result<(), Failed> {
        let places = &mut *self.lock();
        let here = |other: &&Attempt| {
            other.workspace.as_ref() == Some(&job.workspace)
                && other.channel.as_ref() == Some(channel)
        };
        if places.under_way.values().filter(here).count() >= IN_CHANNEL {
            return Err(Failed::NoPlace(places.turn(&job.workspace, channel, now)));
        }
        places.under_way.entry(job.id).or_default().channel = Some(channel.clone());
        Ok(())
    }

    /// The workspaces that have no place left.
    pub(super) fn full(&self) -> Vec<WorkspaceId> {
        let places = self.lock();
        let mut all: Vec<&WorkspaceId> =
            places.under_way.values().filter_map(|attempt| attempt.workspace.as_ref()).collect();
        all.sort();
        all.dedup();
        all.into_iter().filter(|id| places.in_workspace(id) >= IN_WORKSPACE).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Places {
    fn in_workspace(&self, id: &WorkspaceId) -> usize {
        self.under_way.values().filter(|attempt| attempt.workspace.as_ref() == Some(id)).count()
    }

    fn turn(&mut self, workspace: &WorkspaceId, channel: &ChannelId, now: Timestamp) -> Timestamp {
        // What lies far ahead is from before the clock was set back.
        self.turns.retain(|_, last| *last > now && *last < now + TURN_WITHIN);
        let last = self.turns.entry((workspace.clone(), channel.clone())).or_insert(now);
        *last += TURN_EVERY;
        *last
    }
}

/// An attempt under way. However it ends, a panic included, its place is free again.
pub(super) struct UnderWay<'a> {
    attempts: &'a Attempts,
    job_id: i64,
}

impl UnderWay<'_> {
    /// Ends it; returns the job when it was claimed once more, and so the end of this attempt could not be recorded.
    pub(super) fn end(self) -> Option<Job> {
        let under_way = &mut self.attempts.lock().under_way;
        under_way.get_mut(&self.job_id).and_then(|begun| begun.claimed_again.take())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.attempts.lock().under_way.remove(&self.job_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ports::{Doubt, Work};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn job(id: i64, workspace: &str) -> Job {
        Job {
            id,
            workspace: workspace.into(),
            work: Work::ConfirmRemoval,
            run_at: NOW,
            attempts: 1,
            doubt: Doubt::None,
            lease: 1,
        }
    }

    /// Until when it is held back that wants a place there; `None` when it has one.
    fn held(attempts: &Attempts, id: i64, workspace: &str, channel: Option<&str>) -> Option<i64> {
        let job = job(id, workspace);
        let taken = attempts.take_place(&job, NOW).and_then(|()| {
            channel.map_or(Ok(()), |channel| attempts.take_place_in(&channel.into(), &job, NOW))
        });
        match taken {
            Ok(()) => None,
            Err(Failed::NoPlace(until)) => {
                // So it ends.
                attempts.lock().under_way.remove(&id);
                Some(until.as_second())
            }
            _ => panic!("nothing else can go wrong"),
        }
    }

    #[test]
    fn whatever_it_is_about_work_takes_a_place_of_its_workspace() {
        let attempts = Attempts::default();
        let begun: Vec<_> =
            (0..9).map(|id| attempts.begin(&job(id, "T1")).expect("it is new")).collect();
        for id in 0..8 {
            assert_eq!(attempts.full(), []);
            assert_eq!(held(&attempts, id, "T1", None), None);
        }
        assert_eq!(attempts.full(), ["T1".into()]);
        assert_eq!(held(&attempts, 8, "T1", None), Some(1));
        assert_eq!(held(&attempts, 9, "T2", None), None, "others have places of their own");
        drop(begun);
        assert_eq!(attempts.full(), []);
        assert_eq!(held(&attempts, 8, "T1", None), None);
    }

    #[test]
    fn two_channels_that_hang_leave_their_workspace_places() {
        let attempts = Attempts::default();
        for id in 0..8 {
            let channel = ["CHANGS1", "CHANGS2"][usize::from(id % 2 == 1)];
            assert_eq!(held(&attempts, id, "T1", Some(channel)).is_some(), id >= 6);
        }
        assert_eq!(attempts.lock().under_way.len(), 6);
        assert_eq!(held(&attempts, 8, "T1", Some("CSOUND")), None);
    }

    #[test]
    fn however_many_wait_for_a_channel_one_a_second_has_its_turn() {
        let attempts = Attempts::default();
        for id in [1, 2, 3] {
            assert_eq!(held(&attempts, id, "T1", Some("C1")), None);
        }
        let turn = |id| held(&attempts, id, "T1", Some("C1"));
        let turns: Vec<Option<i64>> = (100..160).map(turn).collect();
        assert_eq!(turns, (1..=60).map(Some).collect::<Vec<_>>());
        let more: Vec<Option<i64>> = (200..300).map(turn).collect();
        assert!(more.iter().all(|turn| (Some(1)..=Some(60)).contains(turn)), "{more:?}");
        // Whoever was to wait by a clock that was wrong waits by the right one.
        attempts.lock().turns.values_mut().for_each(|last| *last += SignedDuration::from_hours(9));
        assert_eq!(turn(999), Some(1));
    }
}
