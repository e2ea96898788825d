//! How far a case may be shown. Where that is not known, it is shown in its own channel only; and so it is from the moment
//! its channel is made private.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::deliver::Failed;
use super::happen::By;
use super::ports::{Chat, ChatError, StoreError};
use super::{App, Cause};
use crate::domain::investigation::{Case, CaseNumber, Happening};
use crate::domain::message::Message;
use crate::domain::{ChannelId, WorkspaceId};

/// How many private channels are remembered: of those beyond, each is noted anew.
const CHANNELS_MAX: usize = 20_000;

/// The channels whose last message said that they are private, and whose cases are.
#[derive(Default)]
pub(super) struct PrivateChannels(Mutex<HashSet<(WorkspaceId, ChannelId)>>);

impl PrivateChannels {
    fn lock(&self) -> MutexGuard<'_, HashSet<(WorkspaceId, ChannelId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, workspace: &WorkspaceId, channel: &ChannelId) {
        let mut known = self.lock();
        if known.len() >= CHANNELS_MAX {
            known.clear();
        }
        known.insert((workspace.clone(), channel.clone()));
    }
}

impl App {
    /// The case with this number, if its card stands in this channel: numbers in a payload prove nothing.
    pub(super) async fn case_here(
        &self,
        cause: Cause<'_>,
        number: CaseNumber,
        channel: &ChannelId,
    ) -> Result<Option<Case>, StoreError> {
        let case = self.store.case(cause.workspace, number).await?;
        Ok(case.filter(|case| &case.channel == channel))
    }

    /// The case with this number, if it may be shown in this channel: those of private channels only there.
    pub(super) async fn visible_case(
        &self,
        cause: Cause<'_>,
        number: CaseNumber,
        channel: &ChannelId,
    ) -> Result<Option<Case>, StoreError> {
        let case = self.store.case(cause.workspace, number).await?;
        Ok(case.filter(|case| !case.private || &case.channel == channel))
    }

    /// Takes from a message whether its channel is private now. What Slack says in the channel when it is made so may never
    /// have come to us. The store is asked once for each private channel, or when `case`, which is of this channel, is
    /// public: then all is decided anew.
    pub(super) async fn notice_privacy(
        &self,
        workspace: &WorkspaceId,
        message: &Message,
        case: Option<&Case>,
    ) -> Result<(), StoreError> {
        // A mention doesn't say it.
        if message.mention {
            return Ok(());
        }
        let key = (workspace.clone(), message.place.channel.clone());
        if !message.place.private {
            self.private_channels.lock().remove(&key);
            return Ok(());
        }
        let public = case.is_some_and(|case| !case.private);
        let known = self.private_channels.lock().contains(&key);
        if public || !known {
            self.make_private(workspace, &message.place.channel).await?;
        }
        if public { Err(StoreError::Conflict) } else { Ok(()) }
    }

    /// From now on the cases of this channel are shown there only.
    pub(super) async fn make_private(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<(), StoreError> {
        self.store.make_private(workspace, channel).await?;
        self.private_channels.add(workspace, channel);
        Ok(())
    }

    /// The case as its channel is: a mention does not say whether that is public, so until its card is posted the case
    /// counts as private. Then Slack is asked; where it doesn't tell, private it stays.
    pub(super) async fn as_private_as_its_channel(
        &self,
        chat: &dyn Chat,
        case: Case,
    ) -> Result<Case, Failed> {
        if !case.private || case.card.is_some() || !case.shows_card() {
            return Ok(case);
        }
        match chat.channel(&case.workspace, &case.channel).await {
            Ok(channel) if !channel.private => {}
            Ok(_) | Err(ChatError::Refused { .. }) => return Ok(case),
            Err(error) => return Err(error.into()),
        }
        let (workspace, number) = (case.workspace.clone(), case.number);
        self.happen(By::Nobody, case, Happening::FoundPublic).await?;
        let saved = self.store.case(&workspace, number).await?;
        saved.ok_or(Failed::Store(StoreError::Conflict))
    }
}
