//! How far a case may be shown. Where that is not known, it is shown in its own channel only.

use super::deliver::Failed;
use super::happen::By;
use super::ports::{Chat, ChatError, StoreError};
use super::{App, Cause};
use crate::domain::ChannelId;
use crate::domain::investigation::{Case, CaseNumber, Happening};

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
