//! What is changed or deleted in the chat is changed or deleted here.

use super::happen::By;
use super::ports::{Change, StoreError};
use super::retention::Perishable;
use super::{Answer, App, Cause};
use crate::domain::investigation::{Case, Happening, Reread};
use crate::domain::message::{Message, time_of};
use crate::domain::{ChannelId, MessageTs, WorkspaceId};

impl App {
    /// A changed message, as a case is told of it; `proposal` is the one in it that waits for the review of an incident.
    pub(super) fn reread(&self, message: &Message, proposal: Option<String>) -> Reread {
        Reread {
            message: message.ts.clone(),
            files: message.files.iter().map(|file| file.id.clone()).collect(),
            evidence: self.evidence_in(message),
            proposal,
        }
    }

    /// Whether a changed message carries something for a case, or did; a file that is still to be read may be the one that
    /// was taken off.
    pub(super) async fn concerns(
        &self,
        cause: Cause<'_>,
        case: &Case,
        message: &Message,
        reread: &Reread,
    ) -> Result<bool, StoreError> {
        if !reread.evidence.is_empty()
            || reread.proposal.is_some()
            || !message.files.is_empty()
            || case.holds_from(&message.ts)
        {
            return Ok(true);
        }
        let (workspace, channel) = (cause.workspace, &message.place.channel);
        Ok(self.store.case_with_evidence(workspace, channel, &message.ts).await?.is_some())
    }

    /// The incident of a channel that a change of this message concerns: one that is worked on, or that ended and holds
    /// something from it.
    pub(super) async fn incident_with(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        message: &MessageTs,
    ) -> Result<Option<Case>, StoreError> {
        let incident = self.incident_of(workspace, channel).await?;
        Ok(incident.filter(|case| case.listens() || case.holds_from(message)))
    }

    /// Takes back what a deleted message said or carried, whatever became of the case.
    pub(super) async fn deleted(
        &self,
        cause: Cause<'_>,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> Result<Answer, StoreError> {
        // First of all: whoever takes something from the message from now on is refused, and who did before is found.
        self.remember_gone(cause.workspace, channel, ts).await?;
        let case = self.store.case_in_thread(cause.workspace, channel, ts).await?;
        if let Some(case) = case.filter(|case| case.message.as_ref() == Some(ts)) {
            self.happen(By::Event(cause), case, Happening::Deleted).await?;
        }
        // What it carried may stand in another case, too: in the incident of its channel.
        if let Some(case) = self.store.case_with_evidence(cause.workspace, channel, ts).await? {
            self.take_back(case, ts).await?;
        } else if let Some(case) = self.incident_of(cause.workspace, channel).await?
            && case.holds_from(ts)
        {
            self.take_back(case, ts).await?;
        }
        Ok(Answer::Nothing)
    }

    /// Notes that a message is gone, which may be told before the message is. One that was written longer ago than its event
    /// is remembered is not told any more.
    async fn remember_gone(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        ts: &MessageTs,
    ) -> Result<(), StoreError> {
        let now = self.now();
        if now.duration_since(time_of(ts)) >= Perishable::Event.kept() {
            return Ok(());
        }
        let event = Some((workspace.clone(), gone(channel, ts)));
        self.store.commit(&Change { event, ..Change::default() }, now).await.map(|_| ())
    }

    /// Without an event: told again, it finds nothing to take back, and another change may bear the event.
    async fn take_back(&self, case: Case, ts: &MessageTs) -> Result<(), StoreError> {
        self.happen(By::Nobody, case, Happening::EvidenceDeleted(ts.clone())).await.map(|_| ())
    }
}

/// Names the deletion of a message: what takes something from the message must not come after it.
pub(super) fn deletion(message: &Message) -> String {
    gone(&message.place.channel, &message.ts)
}

fn gone(channel: &ChannelId, ts: &MessageTs) -> String {
    format!("gone:{channel}:{ts}")
}
