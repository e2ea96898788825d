//! Whether the worker lives: when it last came round to look for work. By a clock that is never set: readiness must not
//! hang on somebody's correction of the time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::ports::StoreError;

/// A worker that has not come round for so long is stuck or gone; it does so every second.
const LOST_AFTER: Duration = Duration::from_mins(1);

/// When the worker last came round; `None` after the store gave out no work.
pub(super) struct Pulse(Mutex<Option<Instant>>);

impl Default for Pulse {
    /// A worker that is about to begin.
    fn default() -> Self {
        Self(Mutex::new(Some(Instant::now())))
    }
}

impl Pulse {
    /// The worker came round, and the store gave out work if it was asked.
    pub(super) fn beat(&self) {
        self.set(Some(Instant::now()));
    }

    /// The store gave out no work.
    pub(super) fn miss(&self) {
        self.set(None);
    }

    /// Whether the worker does work, as far as can be seen.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let why = match last {
            Some(at) if at.elapsed() < LOST_AFTER => return Ok(()),
            Some(_) => "the worker has not looked for work for a minute",
            None => "it gives out no work",
        };
        Err(StoreError::Unavailable(why.to_owned()))
    }

    fn set(&self, to: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_comes_round_no_more_shows_after_a_minute_and_a_store_at_once() {
        let pulse = Pulse::default();
        advance(Duration::from_secs(59)).await;
        assert!(pulse.check().is_ok(), "it may just have begun");
        advance(Duration::from_secs(1)).await;
        assert!(pulse.check().is_err());
        pulse.beat();
        assert!(pulse.check().is_ok());
        pulse.miss();
        assert!(pulse.check().is_err());
        pulse.beat();
        advance(LOST_AFTER).await;
        assert!(pulse.check().is_err());
    }
}
