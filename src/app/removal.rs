//! The app is removed from a workspace: all work there stops until it is installed again.

use super::deliver::Failed;
use super::ports::{Change, Chat, Job, JobEnd, NewJob, StoreError, Work};
use super::{Answer, App, Cause};

impl App {
    /// Has the worker ask whether it is so: the event may be late, and the app installed again since. What is believed
    /// here deletes tokens at once and, a month later, everything; so it waits until Slack can be asked.
    pub(super) async fn uninstalled(&self, cause: Cause<'_>) -> Result<Answer, StoreError> {
        let jobs = vec![NewJob { work: Work::ConfirmRemoval, run_at: self.now() }];
        self.save(Change { event: Some(cause.event()), jobs, ..Change::default() }).await?;
        Ok(Answer::Nothing)
    }

    /// Stops all work for a workspace where Slack refuses our token, until the app is installed there again.
    pub(super) async fn confirm_removal(&self, chat: &dyn Chat, job: &Job) -> Result<(), Failed> {
        if chat.is_installed(&job.workspace).await? {
            return Ok(self.done(job).await?);
        }
        let job = (job.clone(), JobEnd::Done);
        let workspace = job.0.workspace.clone();
        self.save(Change { uninstalled: true, job: Some(job), ..Change::default() }).await?;
        metrics::counter!("secondlook_uninstalled_total").increment(1);
        tracing::warn!(
            slack.workspace = %workspace,
            "the app was removed from this workspace or its token revoked: its work rests until the app is installed again, and in 30 days everything about it is deleted"
        );
        Ok(())
    }
}
