//! What is changed or deleted in the chat is changed or deleted here.

use super::ports::StoreError;
use super::{Answer, App, Cause, change};
use crate::domain::investigation::{Case, Happening, Reread, apply};
use crate::domain::message::Message;
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

    /// Whether a file that came with a message is still to be read: it may be the one that was taken off.
    pub(super) async fn awaits_file(
        &self,
        cause: Cause<'_>,
        message: &Message,
    ) -> Result<bool, StoreError> {
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
        let case = self.store.case_in_thread(cause.workspace, channel, ts).await?;
        if let Some(case) = case.filter(|case| case.message.as_ref() == Some(ts)) {
            self.happen(cause, case, Happening::Deleted).await?;
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

    /// Without an event: told again, it finds nothing to take back, and another change may bear the event.
    async fn take_back(&self, case: Case, ts: &MessageTs) -> Result<(), StoreError> {
        let now = self.now();
        let (case, effects) = apply(case, Happening::EvidenceDeleted(ts.clone()), now);
        self.save(change(case, &effects, now)).await.map(|_| ())
    }
}
