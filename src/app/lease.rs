//! How long a claim on work holds, and how it is kept while an attempt at the work runs.
//!
//! Whoever lives prolongs its claims; the claims of a process that died run out. An attempt whose claim could not be
//! prolonged (the store is away, or the whole process stood still) is given up while the claim still holds: half of a lease
//! is left for a call that is on its way to the chat, and for clocks that differ. So whoever takes the work over finds
//! what was posted, and nothing is posted after them.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::ports::StoreError;

/// How long a claim holds, and so how long a dead process keeps its work from the others.
pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How often a claim is prolonged.
const PROLONG_EVERY: Duration = Duration::from_secs(5);
/// How long after a claim was last known to be ours the attempt goes on.
const GIVE_UP_AFTER: Duration = Duration::from_secs(15);

/// Holds a claim made at some moment or later; returns when it may soon be somebody else's.
pub(super) async fn hold<P>(claimed: Instant, prolong: impl Fn() -> P)
where
    P: Future<Output = Result<(), StoreError>>,
{
    let (mut held, mut next) = (claimed, claimed + PROLONG_EVERY);
    loop {
        let end = held + GIVE_UP_AFTER;
        sleep_until(next.min(end)).await;
        let asked = Instant::now();
        if asked >= end {
            return;
        }
        // One that was refused may belong to an attempt that is just being recorded: that decides within the time left.
        if let Ok(Ok(())) = timeout_at(end, prolong()).await {
            held = asked;
        }
        next = Instant::now() + PROLONG_EVERY;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::{advance, timeout};

    use super::*;

    const LONG: Duration = Duration::from_mins(10);

    fn away() -> Result<(), StoreError> {
        Err(StoreError::Unavailable("away".to_owned()))
    }

    /// Seconds until the claim is given up.
    async fn given_up_after<P>(prolong: impl Fn() -> P) -> Option<u64>
    where
        P: Future<Output = Result<(), StoreError>>,
    {
        let begun = Instant::now();
        timeout(LONG, hold(begun, prolong)).await.ok().map(|()| begun.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_held_as_long_as_it_can_be_prolonged() {
        assert_eq!(given_up_after(|| ready(Ok(()))).await, None);
        let begun = Instant::now();
        let sometimes =
            || ready(if begun.elapsed().as_secs().is_multiple_of(10) { Ok(()) } else { away() });
        assert_eq!(given_up_after(sometimes).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_cannot_be_prolonged_is_given_up_with_half_of_it_left() {
        for _ in 0..3 {
            assert_eq!(given_up_after(|| ready(away())).await, Some(15));
            assert_eq!(given_up_after(|| ready(Err(StoreError::Conflict))).await, Some(15));
            assert_eq!(given_up_after(pending).await, Some(15), "the store says nothing");
        }
        let begun = Instant::now();
        let at_first = || ready(if begun.elapsed().as_secs() <= 60 { Ok(()) } else { away() });
        assert_eq!(given_up_after(at_first).await, Some(75));
        assert!(2 * GIVE_UP_AFTER <= LEASE.unsigned_abs());
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_of_the_whole_process_nothing_is_prolonged_or_done() {
        let claimed = Instant::now();
        advance(Duration::from_secs(16)).await;
        let asked = || -> std::future::Ready<_> { panic!("it was too late for that") };
        tokio::select! {
            biased;
            () = hold(claimed, asked) => {}
            () = ready(()) => panic!("the attempt went on"),
        }
    }
}
