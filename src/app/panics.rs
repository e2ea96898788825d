//! A panic in an attempt is a fault of ours: it ends that attempt, and nothing else.
//!
//! What it says stays unsaid, for it can quote a message; the hook in `cli/logging.rs` says where it was.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use super::deliver::Failed;
use super::ports::{Job, JobEnd};

/// After this many attempts, work that panics is kept for a person to see: it will hardly heal by itself.
const ATTEMPTS_MAX: u32 = 5;

/// Does some work; a panic in it becomes a failure.
pub(super) async fn caught(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        // It is not polled again, and what it shares with others is never half-changed: locks here are held for one step.
        catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)))
            .unwrap_or(Poll::Ready(Err(Failed::Panicked)))
    })
    .await
}

/// How an attempt ends that panicked: it may have had its effect. `later` is when to look what it did.
pub(super) fn end(job: &Job, later: JobEnd) -> JobEnd {
    if job.attempts < ATTEMPTS_MAX {
        return later;
    }
    let why = "a fault of the bot's own (it panicked; the log says where): please report it";
    JobEnd::Parked(why.to_owned())
}
