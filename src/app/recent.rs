//! The last few messages of each channel, in memory only and for ten minutes at most (DESIGN.md principle 7).

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::domain::message::Message;
use crate::domain::{ChannelId, MessageTs, UserId, WorkspaceId};

const KEPT: SignedDuration = SignedDuration::from_mins(10);
const MESSAGES_MAX: usize = 8;
const CHANNELS_MAX: usize = 2_000;
const CHARS_MAX: usize = 600;

/// The last few messages of each channel.
#[derive(Default)]
pub(super) struct Recent {
    channels: Mutex<HashMap<(WorkspaceId, ChannelId), VecDeque<Heard>>>,
}

/// One message, as long as it is kept.
#[derive(Clone)]
pub(super) struct Heard {
    at: Timestamp,
    pub(super) ts: MessageTs,
    pub(super) thread: Option<MessageTs>,
    pub(super) author: UserId,
    pub(super) text: String,
}

impl Recent {
    /// Keeps a message for a while.
    pub(super) fn add(&self, workspace: &WorkspaceId, message: &Message, now: Timestamp) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (workspace.clone(), message.place.channel.clone());
        if channels.len() >= CHANNELS_MAX && !channels.contains_key(&key) {
            channels.retain(|_, kept| kept.back().is_some_and(|m| now.duration_since(m.at) < KEPT));
            if channels.len() >= CHANNELS_MAX {
                return;
            }
        }
        let kept = channels.entry(key).or_default();
        kept.retain(|m| now.duration_since(m.at) < KEPT && m.ts != message.ts);
        while kept.len() >= MESSAGES_MAX {
            kept.pop_front();
        }
        kept.push_back(Heard {
            at: now,
            ts: message.ts.clone(),
            thread: message.thread.clone(),
            author: message.author.clone(),
            text: message.text.chars().take(CHARS_MAX).collect(),
        });
    }

    /// What was said just before `message` where it was said: in its thread, or in the channel itself; oldest first.
    pub(super) fn before(
        &self,
        workspace: &WorkspaceId,
        message: &Message,
        now: Timestamp,
    ) -> Vec<String> {
        self.of(workspace, &message.place.channel, now)
            .into_iter()
            .filter(|m| m.ts != message.ts)
            .filter(|m| m.thread == message.thread || Some(&m.ts) == message.thread.as_ref())
            .map(|m| m.text)
            .collect()
    }

    /// What is kept of a channel, oldest first.
    pub(super) fn of(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        now: Timestamp,
    ) -> Vec<Heard> {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = channels.get(&(workspace.clone(), channel.clone()));
        kept.into_iter().flatten().filter(|m| now.duration_since(m.at) < KEPT).cloned().collect()
    }

    /// Forgets everything that is older than it may be.
    pub(super) fn forget_old(&self, now: Timestamp) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, kept| {
            kept.retain(|m| now.duration_since(m.at) < KEPT);
            !kept.is_empty()
        });
    }
}
