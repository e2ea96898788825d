//! A panic is a fault of ours: it ends the attempt, or the turn of a loop, that it happened in, and nothing else.
//!
//! What it says stays unsaid, for it can quote a message; the hook in `cli/logging.rs` says where it was.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use metrics::counter;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::deliver::Failed;
use super::ports::{Job, JobEnd};

/// After this many attempts, work that panics is kept for a person to see: it will hardly heal by itself.
const ATTEMPTS_MAX: u32 = 5;
/// How long after its end a loop is begun anew: what ends it at once must not be a storm.
const ANEW_AFTER: Duration = Duration::from_secs(5);

/// Does some work; a panic in it becomes a failure.
pub(super) async fn caught(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    // It is not polled again, and what it shares with others is never half-changed: locks here are held for one step.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Failed::Panicked))
}

/// How an attempt ends that panicked: it may have had its effect. `later` is when to look what it did.
pub(super) fn end(job: &Job, later: JobEnd) -> JobEnd {
    if job.attempts < ATTEMPTS_MAX {
        return later;
    }
    let why = "a fault of the bot's own (it panicked; the log says where): please report it";
    JobEnd::Parked(why.to_owned())
}

/// Keeps `count` loops of a name going until `stop`, and then waits for their ends. One that returns or panics before is
/// begun anew.
pub async fn keep<L>(
    name: &'static str,
    count: usize,
    stop: CancellationToken,
    begin: impl Fn(CancellationToken) -> L,
) where
    L: Future<Output = ()> + Send + 'static,
{
    let ended = counter!("secondlook_loops_begun_anew_total", "loop" => name);
    ended.increment(0);
    let mut loops = JoinSet::new();
    for _ in 0..count {
        loops.spawn(begin(stop.clone()));
    }
    while loops.join_next().await.is_some() {
        if stop.is_cancelled() {
            continue;
        }
        ended.increment(1);
        tracing::error!(task.name = name, "a loop ended that never should; it is begun anew");
        let (anew, stop) = (begin(stop.clone()), stop.clone());
        loops.spawn(async move {
            if stop.run_until_cancelled(sleep(ANEW_AFTER)).await.is_some() {
                anew.await;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_panics_or_returns_is_begun_anew_and_none_after_the_stop() {
        let (stop, begun) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let begin = |stop: CancellationToken| {
            let nth = begun.fetch_add(1, Ordering::SeqCst);
            async move {
                match nth {
                    0 => panic!("as the test wants it"),
                    1 => {}
                    _ => stop.cancelled().await,
                }
            }
        };
        let kept = timeout(Duration::from_mins(10), keep("test", 2, stop.clone(), begin));
        assert!(kept.await.is_err(), "it goes on");
        assert_eq!(begun.load(Ordering::SeqCst), 4, "two that ended, and two that are kept");
        stop.cancel();
        let ended = timeout(Duration::from_secs(1), keep("test", 2, stop, begin)).await;
        assert!(ended.is_ok(), "after the stop nothing is begun anew");
        assert_eq!(begun.load(Ordering::SeqCst), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_always_ends_is_no_storm() {
        let begun = AtomicUsize::new(0);
        let begin = |_| {
            begun.fetch_add(1, Ordering::SeqCst);
            async {}
        };
        let kept = keep("test", 1, CancellationToken::new(), begin);
        drop(timeout(Duration::from_mins(1), kept).await);
        assert!((10..=14).contains(&begun.load(Ordering::SeqCst)), "{begun:?}");
    }
}
