//! What this process is working on just now: each job once, and no channel and no workspace in all the places there are.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ports::{ChatError, Job};
use crate::domain::{ChannelId, WorkspaceId};

/// How many attempts may be about one channel: while nothing is answered there, the others have places left.
const IN_CHANNEL: usize = 4;
/// How many may be about one workspace, for the same reason.
const IN_WORKSPACE: usize = 8;
/// How long work waits that found no place.
const PLACE_AFTER: Duration = Duration::from_secs(1);

/// The attempts under way, by the row of their job.
#[derive(Default)]
pub(super) struct Attempts(Mutex<HashMap<i64, Attempt>>);

#[derive(Default)]
struct Attempt {
    /// The channel it is about, once that is known.
    place: Option<(WorkspaceId, ChannelId)>,
    /// The same job as it was claimed once more meanwhile.
    claimed_again: Option<Job>,
}

impl Attempts {
    /// Begins an attempt; `None` when one at the same job is under way. (The clock was set forward, and its lease ran out.)
    pub(super) fn begin(&self, job: &Job) -> Option<UnderWay<'_>> {
        let mut under_way = self.lock();
        if let Some(begun) = under_way.get_mut(&job.id) {
            begun.claimed_again = Some(job.clone());
            return None;
        }
        under_way.insert(job.id, Attempt::default());
        Some(UnderWay { attempts: self, job_id: job.id })
    }

    /// Takes one of the places a channel and its workspace have.
    pub(super) fn take_place(&self, job: &Job, channel: &ChannelId) -> Result<(), ChatError> {
        let mut under_way = self.lock();
        let places = under_way.values().filter_map(|other| other.place.as_ref());
        let (mut in_workspace, mut in_channel) = (0, 0);
        for (_, other) in places.filter(|(workspace, _)| workspace == &job.workspace) {
            in_workspace += 1;
            in_channel += usize::from(other == channel);
        }
        if in_channel >= IN_CHANNEL || in_workspace >= IN_WORKSPACE {
            return Err(ChatError::RateLimited { retry_after: PLACE_AFTER });
        }
        let place = (job.workspace.clone(), channel.clone());
        under_way.entry(job.id).or_default().place = Some(place);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.attempts.lock().get_mut(&self.job_id).and_then(|begun| begun.claimed_again.take())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.attempts.lock().remove(&self.job_id);
    }
}
