//! How fast we may talk to Slack: per method and per channel, and Slack's own "not before" on top.
//!
//! One map holds both: for each key the time from which its next call is on schedule (the cell rate algorithm). A `Retry-After`
//! moves that time; so one channel's trouble is that channel's alone, and a key whose time has passed says nothing and is dropped.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The map is swept when it has grown to this many keys, or to twice what the last sweep left.
const SWEEP_AT: usize = 1024;

/// How long we wait when Slack limits us without saying for how long.
pub(super) const RETRY_AFTER_UNSAID: Duration = Duration::from_secs(30);
/// No "not before" is believed beyond this: asking once an hour does no harm, and whatever answers in Slack's place could
/// silence us for ever.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// How long to wait after an answer that said so, or did not say how long.
pub(super) fn retry_after(said: Option<Duration>) -> Duration {
    said.unwrap_or(RETRY_AFTER_UNSAID).min(RETRY_AFTER_MAX)
}

/// Paces calls.
pub(super) struct Limits {
    schedule: Mutex<Schedule>,
    hasher: RandomState,
}

struct Schedule {
    on_time_from: HashMap<Key, Instant>,
    sweep_at: usize,
}

/// A method of one workspace, in a channel or as a whole. The workspace is known by a hash of its token.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    owner: u64,
    method: &'static str,
    channel: Option<String>,
}

/// One call every so often, and how far ahead of that schedule a burst may run.
#[derive(Clone, Copy)]
struct Rate {
    every: Duration,
    ahead: Duration,
}

impl Rate {
    /// Not limited by us; only pauses count.
    const FREE: Self = Self { every: Duration::ZERO, ahead: Duration::ZERO };
    /// Slack's "about one a second" for the messages of a channel, with a burst of three.
    const CHANNEL: Self = Self { every: Duration::from_secs(1), ahead: Duration::from_secs(2) };

    const fn per_minute(calls: u32) -> Self {
        let every = Duration::from_millis(60_000 / calls as u64);
        Self { every, ahead: Duration::from_mins(1).saturating_sub(every) }
    }

    /// What Slack grants a method in a workspace (its rate limit tiers).
    fn of_method(method: &str) -> Self {
        match method {
            // Posts are limited by channel, and the whole workspace's "several hundred a minute" is Slack's to enforce;
            // sockets are paced by their back-off.
            "chat.postMessage" | "chat.getPermalink" | "auth.test" | "apps.connections.open" => {
                Self::FREE
            }
            "conversations.list"
            | "users.conversations"
            | "users.list"
            | "usergroups.list"
            | "usergroups.users.list" => Self::per_minute(20),
            "chat.postEphemeral"
            | "conversations.members"
            | "files.info"
            | "users.info"
            | "views.open"
            | "views.publish"
            | "views.push"
            | "views.update" => Self::per_minute(100),
            _ => Self::per_minute(50),
        }
    }

    fn of_channel(method: &str) -> Self {
        match method {
            "chat.postMessage" | "chat.update" => Self::CHANNEL,
            _ => Self::FREE,
        }
    }
}

impl Limits {
    pub(super) fn new() -> Self {
        let schedule = Schedule { on_time_from: HashMap::new(), sweep_at: SWEEP_AT };
        Self { schedule: Mutex::new(schedule), hasher: RandomState::new() }
    }

    /// Takes a slot for a call now, or says how long there is none.
    pub(super) fn admit(
        &self,
        token: &str,
        method: &'static str,
        channel: Option<&str>,
    ) -> Result<(), Duration> {
        let now = Instant::now();
        let owner = self.hasher.hash_one(token);
        let mut wanted = vec![(Key { owner, method, channel: None }, Rate::of_method(method))];
        if let Some(channel) = channel {
            let key = Key { owner, method, channel: Some(channel.to_owned()) };
            wanted.push((key, Rate::of_channel(method)));
        }
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = wanted
            .iter()
            .filter_map(|(key, rate)| {
                let on_time_from = *schedule.on_time_from.get(key)?;
                on_time_from.checked_duration_since(now + rate.ahead)
            })
            .max()
            .unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (key, rate) in wanted.into_iter().filter(|(_, rate)| !rate.every.is_zero()) {
            let on_time_from = schedule.on_time_from.entry(key).or_insert(now);
            *on_time_from = (*on_time_from).max(now) + rate.every;
        }
        schedule.sweep(now);
        Ok(())
    }

    /// Slack said "not before": no call for this key (a channel's alone, when one is given) until `wait` is over.
    pub(super) fn pause(
        &self,
        token: &str,
        method: &'static str,
        channel: Option<&str>,
        wait: Duration,
    ) {
        let rate =
            if channel.is_some() { Rate::of_channel(method) } else { Rate::of_method(method) };
        let owner = self.hasher.hash_one(token);
        let key = Key { owner, method, channel: channel.map(str::to_owned) };
        let until = Instant::now() + wait.min(RETRY_AFTER_MAX) + rate.ahead;
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        let on_time_from = schedule.on_time_from.entry(key).or_insert(until);
        *on_time_from = (*on_time_from).max(until);
    }
}

impl Schedule {
    fn sweep(&mut self, now: Instant) {
        if self.on_time_from.len() >= self.sweep_at {
            self.on_time_from.retain(|_, on_time_from| *on_time_from > now);
            self.sweep_at = SWEEP_AT.max(self.on_time_from.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const POST: &str = "chat.postMessage";

    #[tokio::test(start_paused = true)]
    async fn a_channel_gets_a_small_burst_and_then_one_a_second() {
        let limits = Limits::new();
        for _ in 0..3 {
            assert_eq!(limits.admit("t", POST, Some("C1")), Ok(()));
        }
        assert_eq!(limits.admit("t", POST, Some("C1")), Err(Duration::from_secs(1)));
        assert_eq!(limits.admit("t", POST, Some("C2")), Ok(()), "another channel is not held up");
        advance(Duration::from_secs(1)).await;
        assert_eq!(limits.admit("t", POST, Some("C1")), Ok(()));
        assert_eq!(limits.admit("t", POST, Some("C1")), Err(Duration::from_secs(1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_method_keeps_to_its_tier_in_each_workspace() {
        let limits = Limits::new();
        for _ in 0..50 {
            assert_eq!(limits.admit("t", "conversations.history", None), Ok(()));
        }
        assert!(limits.admit("t", "conversations.history", Some("C1")).is_err());
        assert_eq!(limits.admit("other", "conversations.history", None), Ok(()));
        assert_eq!(limits.admit("t", "conversations.info", None), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_its_channel_for_exactly_its_time() {
        let limits = Limits::new();
        limits.pause("t", POST, Some("C1"), Duration::from_secs(30));
        assert_eq!(limits.admit("t", POST, Some("C1")), Err(Duration::from_secs(30)));
        assert_eq!(limits.admit("t", POST, Some("C2")), Ok(()));
        advance(Duration::from_secs(30)).await;
        assert_eq!(limits.admit("t", POST, Some("C1")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_is_longer_than_an_hour() {
        for said in [Duration::from_hours(24), Duration::from_secs(u64::MAX), Duration::MAX] {
            assert_eq!(retry_after(Some(said)), RETRY_AFTER_MAX);
            let limits = Limits::new();
            limits.pause("t", POST, Some("C1"), said);
            assert_eq!(limits.admit("t", POST, Some("C1")), Err(RETRY_AFTER_MAX));
            limits.pause("t", "conversations.list", None, said);
            assert_eq!(limits.admit("t", "conversations.list", None), Err(RETRY_AFTER_MAX));
        }
        assert_eq!(retry_after(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(retry_after(None), RETRY_AFTER_UNSAID);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_of_the_method_holds_every_channel_of_that_workspace() {
        let limits = Limits::new();
        limits.pause("t", POST, None, Duration::from_secs(30));
        assert_eq!(limits.admit("t", POST, Some("C1")), Err(Duration::from_secs(30)));
        assert_eq!(limits.admit("other", POST, Some("C1")), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn keys_that_say_nothing_any_more_are_dropped() {
        let limits = Limits::new();
        for round in 0..10 {
            for channel in 0..1000 {
                let channel = format!("C{round}-{channel}");
                assert_eq!(limits.admit("t", POST, Some(&channel)), Ok(()));
            }
            advance(Duration::from_mins(1)).await;
        }
        let kept = limits.schedule.lock().expect("no other user").on_time_from.len();
        assert!(kept < 2 * SWEEP_AT, "{kept} keys are kept");
    }
}
