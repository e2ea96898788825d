//! What this process is working on just now: each job once, and no channel in all the places there are.

use std::collections::HashMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use super::ports::{ChatError, Job};
use crate::domain::{ChannelId, WorkspaceId};

/// How many attempts may be about one channel: while nothing is answered there, the others have places left.
const IN_CHANNEL: usize = 4;
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
    /// Begins an attempt; `false` when one at the same job is under way. (The clock was set forward, and its lease ran out.)
    pub(super) fn begin(&self, job: &Job) -> bool {
        let mut under_way = self.lock();
        if let Some(begun) = under_way.get_mut(&job.id) {
            begun.claimed_again = Some(job.clone());
            return false;
        }
        under_way.insert(job.id, Attempt::default());
        true
    }

    /// Ends it; returns the job when it was claimed once more, and so the end of this attempt could not be recorded.
    pub(super) fn end(&self, job_id: i64) -> Option<Job> {
        self.lock().remove(&job_id).and_then(|begun| begun.claimed_again)
    }

    /// Takes one of the places a channel has.
    pub(super) fn take_place(&self, job: &Job, channel: &ChannelId) -> Result<(), ChatError> {
        let mut under_way = self.lock();
        let place = Some((job.workspace.clone(), channel.clone()));
        if under_way.values().filter(|other| other.place == place).count() >= IN_CHANNEL {
            return Err(ChatError::RateLimited { retry_after: PLACE_AFTER });
        }
        under_way.entry(job.id).or_default().place = place;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a future comes to; an error when it panics, which must not take the worker's book-keeping along.
pub(super) async fn caught<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}
