//! The last few messages of each channel, in memory only and for ten minutes at most: what is ordinary is not kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::hearing::{Earlier, Heard};
use crate::domain::message::Message;
use crate::domain::{ChannelId, WorkspaceId};

const CHANNELS_MAX: usize = 2_000;

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
    pub(super) fn forget_old(&self, now: Timestamp) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|_, kept| kept.forget_old(now));
    }
}
