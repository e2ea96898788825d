//! How far a case may be shown. Where that is not known, it is shown in its own channel only.

use super::App;
use super::deliver::Failed;
use super::ports::{Change, Chat, ChatError, StoreError};
use crate::domain::investigation::{Case, Happening, State, apply};

impl App {
    /// The case as its channel is: a mention does not say whether that is public, so until its card is posted the case
    /// counts as private. Then Slack is asked; where it doesn't tell, private it stays.
    pub(super) async fn as_private_as_its_channel(
        &self,
        chat: &dyn Chat,
        case: Case,
    ) -> Result<Case, Failed> {
        let to_be_posted = case.card.is_none()
            && matches!(case.state, State::Prompted | State::Open | State::Closed);
        if !case.private || !to_be_posted {
            return Ok(case);
        }
        match chat.channel(&case.workspace, &case.channel).await {
            Ok(channel) if !channel.private => {}
            Ok(_) | Err(ChatError::Refused { .. }) => return Ok(case),
            Err(error) => return Err(error.into()),
        }
        let (workspace, number) = (case.workspace.clone(), case.number);
        let (case, _) = apply(case, Happening::FoundPublic, self.now());
        self.save(Change { case: Some(case), ..Change::default() }).await?;
        let saved = self.store.case(&workspace, number).await?;
        saved.ok_or(Failed::Store(StoreError::Conflict))
    }
}
