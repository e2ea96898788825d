//! Replies to a card that begins its own thread: those that came before the thread was known are read once it is.
//!
//! Between a card's posting and the record of it (milliseconds, or minutes when a process dies amid them) a reply belongs to no
//! case. It is not lost: it stands in Slack, and the record of the card asks for its thread to be read.

use super::channel::may_fail;
use super::deliver::Failed;
use super::gone::deletion;
use super::happen::By;
use super::ports::{Chat, Job, StoreError};
use super::{App, TRIES_MAX};
use crate::domain::investigation::{Case, Happening};
use crate::domain::message::{Message, Place};

impl App {
    /// Takes the evidence that stands in a card's thread. Where the thread may not be read, replies are not heard either.
    pub(super) async fn read_thread(
        &self,
        chat: &dyn Chat,
        job: &Job,
        mut case: Case,
    ) -> Result<(), Failed> {
        let Some(root) = case.root.clone() else { return Ok(self.done(job).await?) };
        let (number, private) = (case.number, case.private);
        let place = Place { channel: case.channel.clone(), private, external: false };
        let read = may_fail(chat.replies(&case.workspace, &place, &root).await)?;
        let replies = read.unwrap_or_default();
        for _ in 0..TRIES_MAX {
            match self.take_replies(job, case, &replies).await {
                Err(StoreError::Conflict) => {}
                other => return Ok(other?),
            }
            let Some(again) = self.store.case(&job.workspace, number).await? else {
                return Ok(self.done(job).await?);
            };
            case = again;
        }
        Err(StoreError::Conflict.into())
    }

    /// Records what is not known yet, all in one change.
    async fn take_replies(
        &self,
        job: &Job,
        case: Case,
        replies: &[Message],
    ) -> Result<(), StoreError> {
        let mut new = Vec::new();
        for reply in replies.iter().filter(|reply| !case.has_evidence_from(&reply.ts)) {
            let carries = !reply.files.is_empty() || !self.evidence_in(reply).is_empty();
            // It may have been deleted while the thread was read.
            if carries && !self.store.saw(&job.workspace, &deletion(reply)).await? {
                new.push(reply);
            }
        }
        let posted = new.iter().map(|reply| Happening::Posted(self.evidence_in(reply))).collect();
        self.happen_all(By::Job(job), case, posted, &new).await.map(|_| ())
    }
}
