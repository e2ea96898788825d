//! Lines that are kept: tasks that shall run until we are told to stop, whatever ends one of them.

use std::time::Duration;

use metrics::counter;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How long after its end a line is begun anew: what ends it at once must not be a storm.
const ANEW_AFTER: Duration = Duration::from_secs(5);

/// Keeps `count` lines until `cancel`, and then waits for their ends. One that returns or panics before is begun anew.
pub(super) async fn keep<L>(count: usize, cancel: &CancellationToken, line: impl Fn() -> L)
where
    L: Future<Output = ()> + Send + 'static,
{
    let mut lines = JoinSet::new();
    for _ in 0..count {
        lines.spawn(line());
    }
    while lines.join_next().await.is_some() {
        if cancel.is_cancelled() {
            continue;
        }
        counter!("secondlook_socket_reconnects_total", "reason" => "line_ended").increment(1);
        tracing::error!(error.kind = "line_ended", "a line to Slack ended; it is begun anew");
        let (line, cancel) = (line(), cancel.clone());
        lines.spawn(async move {
            if cancel.run_until_cancelled(sleep(ANEW_AFTER)).await.is_some() {
                line.await;
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
    async fn a_line_that_panics_or_returns_is_begun_anew_and_none_after_the_stop() {
        let (cancel, begun) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let line = || {
            let (nth, cancel) = (begun.fetch_add(1, Ordering::SeqCst), cancel.clone());
            async move {
                match nth {
                    0 => panic!("as the test wants it"),
                    1 => {}
                    _ => cancel.cancelled().await,
                }
            }
        };
        let kept = timeout(Duration::from_mins(10), keep(2, &cancel, line));
        assert!(kept.await.is_err(), "it goes on");
        assert_eq!(begun.load(Ordering::SeqCst), 4, "two that ended, and two that are kept");
        cancel.cancel();
        let ended = timeout(Duration::from_secs(1), keep(2, &cancel, line)).await;
        assert!(ended.is_ok(), "after the stop nothing is begun anew");
        assert_eq!(begun.load(Ordering::SeqCst), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_always_ends_is_no_storm() {
        let (cancel, begun) = (CancellationToken::new(), AtomicUsize::new(0));
        let line = || {
            begun.fetch_add(1, Ordering::SeqCst);
            async {}
        };
        drop(timeout(Duration::from_mins(1), keep(1, &cancel, line)).await);
        assert!((10..=14).contains(&begun.load(Ordering::SeqCst)), "{begun:?}");
    }
}
