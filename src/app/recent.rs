//! The last few messages of each channel, in memory only and for ten minutes at most: what is ordinary is not kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::domain::hearing::{Earlier, FORGET_EVERY, Heard};
use crate::domain::message::Message;
use crate::domain::{ChannelId, WorkspaceId};

const CHANNELS_MAX: usize = 2_000;

/// Forgets in time what was said, until it is told to stop.
pub async fn run(app: Arc<App>, stop: CancellationToken) {
    regularly(|| app.recent.forget_old(app.now()), &stop).await;
}

async fn regularly(forget: impl Fn(), stop: &CancellationToken) {
    while stop.run_until_cancelled(sleep(FORGET_EVERY)).await.is_some() {
        forget();
    }
}

/// The last few messages of each channel.
#[derive(Default)]
pub(super) struct Recent {
    channels: Mutex<HashMap<(WorkspaceId, ChannelId), Earlier>>,
}

impl Recent {
    /// Keeps a message for a while.
    pub(super) fn add(&self, workspace: &WorkspaceId, message: &Message, now: Timestamp) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (workspace.clone(), message.place.channel.clone());
        if channels.len() >= CHANNELS_MAX && !channels.contains_key(&key) {
            channels.retain(|_, kept| kept.forget_old(now));
            if channels.len() >= CHANNELS_MAX {
                return;
            }
        }
        let Message { ts, thread, author, text, .. } = message;
        let heard = Heard::new(now, ts, thread.as_ref(), author, text);
        channels.entry(key).or_default().add(heard);
    }

    /// What is kept of a channel.
    pub(super) fn of(&self, workspace: &WorkspaceId, channel: &ChannelId) -> Earlier {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.get(&(workspace.clone(), channel.clone())).cloned().unwrap_or_default()
    }

    /// Forgets everything that is older than it may be.
    fn forget_old(&self, now: Timestamp) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, kept| kept.forget_old(now));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep_until};

    use super::*;
    use crate::domain::message::Place;

    fn message(ts: &str) -> Message {
        Message {
            place: Place { channel: ts.into(), private: false, external: false },
            ts: ts.into(),
            thread: None,
            author: "U1".into(),
            text: "a secret".to_owned(),
            readable: "a secret".to_owned(),
            files: Vec::new(),
            mention: false,
            answers_us: false,
            permalink: String::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_message_is_in_memory_for_longer_than_ten_minutes() {
        let (recent, stop) = (Recent::default(), CancellationToken::new());
        let begun = Instant::now();
        let now = || Timestamp::UNIX_EPOCH + begun.elapsed();
        let at = |second: u64| sleep_until(begun + Duration::from_secs(second));
        let there = |second: u64| {
            let key = ("T1".into(), ChannelId(second.to_string()));
            recent.channels.lock().unwrap().contains_key(&key)
        };
        let seconds = [1, 14, 29, 30, 31, 59];
        let seen = async {
            for second in seconds {
                at(second).await;
                recent.add(&"T1".into(), &message(&second.to_string()), now());
            }
            for second in seconds {
                at(second + 5 * 60).await;
                assert!(there(second), "it is context");
            }
            for second in seconds {
                at(second + 10 * 60).await;
                assert!(!there(second), "{second}");
            }
        };
        tokio::select! {
            () = regularly(|| recent.forget_old(now()), &stop) => panic!("nobody told it to stop"),
            () = seen => {}
        }
    }
}
