//! What is said in an incident channel: evidence is ticked off, proposals wait for the review, a quiet day is noticed.

use jiff::Timestamp;

use super::deliver::Failed;
use super::happen::By;
use super::ports::{Chat, ChatError, Job, StoreError};
use super::{App, Cause};
use crate::domain::investigation::{Case, Happening, Parked, QUIET_DAY, State};
use crate::domain::message::Message;
use crate::domain::{ChannelId, WorkspaceId};

impl App {
    /// The incident that is worked on in this channel.
    pub(super) async fn incident_here(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Option<Case>, StoreError> {
        Ok(self.incident_of(workspace, channel).await?.filter(Case::listens))
    }

    /// The incident of this channel, ended or not.
    pub(super) async fn incident_of(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Option<Case>, StoreError> {
        let state = self.store.channel(workspace, channel).await?;
        let Some(number) = state.incident else { return Ok(None) };
        self.store.case(workspace, number).await
    }

    /// Takes evidence posted anywhere in an incident channel; tells whether there was some to take. Only a message that
    /// carries evidence makes us look up its channel: an ordinary one is judged in memory.
    pub(super) async fn evidence_in_incident(
        &self,
        cause: Cause<'_>,
        message: &Message,
    ) -> Result<bool, StoreError> {
        if message.files.is_empty() && self.evidence_in(message).is_empty() {
            return Ok(false);
        }
        match self.incident_here(cause.workspace, &message.place.channel).await? {
            Some(case) => {
                self.said_in_incident(cause, case, message, Told::New).await.map(|()| true)
            }
            None => Ok(false),
        }
    }

    /// Ticks off the evidence in a message and parks the proposal in it.
    pub(super) async fn said_in_incident(
        &self,
        cause: Cause<'_>,
        case: Case,
        message: &Message,
        told: Told,
    ) -> Result<(), StoreError> {
        let said = self.proposal(cause.workspace, message).map(|(said, _)| said);
        let mut happenings = Vec::new();
        if told == Told::Anew {
            let reread = self.reread(message, said);
            if !self.concerns(cause, &case, message, &reread).await? {
                return Ok(());
            }
            happenings.push(Happening::Reread(reread));
        } else {
            // A message that mentions the bot is delivered twice.
            if !case.has_evidence_from(&message.ts) {
                happenings.push(Happening::Posted(self.evidence_in(message)));
            }
            let park = |said| Happening::Parked(Parked { message: message.ts.clone(), said });
            happenings.extend(said.map(park));
        }
        self.happen_all(By::Event(cause), case, happenings, &[message]).await.map(|_| ())
    }

    /// An incident is asked about once its channel was quiet for a day; until then this comes back.
    pub(super) async fn quiet_day(
        &self,
        chat: &dyn Chat,
        job: &Job,
        case: Case,
    ) -> Result<(), Failed> {
        let now = self.now();
        let last = if case.state == State::Open {
            last_activity(chat, &case, now - QUIET_DAY).await?
        } else {
            None
        };
        let Some(again) = last.map(|last| last + QUIET_DAY).filter(|again| *again > now) else {
            return Ok(self.due(job, case, Happening::ReminderDue).await?);
        };
        Ok(self.put_off(job, again).await?)
    }
}

/// Whether a message is new or was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    New,
    Anew,
}

/// When something was last said in an incident channel or posted in its thread. Where the history may not be read, what
/// we recorded must do.
async fn last_activity(
    chat: &dyn Chat,
    case: &Case,
    since: Timestamp,
) -> Result<Option<Timestamp>, ChatError> {
    let said = match chat.last_said(&case.workspace, &case.channel, since).await {
        Err(ChatError::Refused { .. }) => None,
        other => other?,
    };
    Ok(said.into_iter().chain(case.evidence.iter().map(|e| e.at)).max())
}
