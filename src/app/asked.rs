//! A person who asks for evidence makes our card needless: what waits in that channel stays silent.
//!
//! It is noted in the store at once, as the state of the cases, and nothing of the question is kept: whichever process
//! hears it, whichever would have spoken, and whatever restarts in between.

use super::App;
use super::happen::By;
use super::hear::count_silence;
use super::ports::StoreError;
use crate::domain::WorkspaceId;
use crate::domain::detect::asks_for_evidence;
use crate::domain::hearing::follows;
use crate::domain::investigation::{Case, Happening};
use crate::domain::message::Message;
use crate::domain::policy::Silence;

impl App {
    /// Silences what waits in the channel of a message that asks for evidence. Only such a message looks into the store.
    ///
    /// The changes bear no event: the message may also be a proposal or evidence, which is recorded under it, and told
    /// again it finds nothing that waits.
    pub(super) async fn stay_silent_if_asked(
        &self,
        workspace: &WorkspaceId,
        message: &Message,
    ) -> Result<(), StoreError> {
        if !asks_for_evidence(&self.knowledge.packs, &message.text) {
            return Ok(());
        }
        let waiting = self.store.waiting_cases(workspace, &message.place.channel).await?;
        for case in waiting.into_iter().filter(|case| answers(message, case)) {
            if self.happen(By::Nobody, case, Happening::SomeoneAsked).await? {
                count_silence(Silence::SomeoneAsked);
            }
        }
        Ok(())
    }
}

fn answers(message: &Message, case: &Case) -> bool {
    let proposal = case.message.as_ref().or(case.root.as_ref());
    proposal.is_some_and(|ts| follows(ts, case.author.as_ref(), &message.ts, &message.author))
}
