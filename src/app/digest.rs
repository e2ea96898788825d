//! The weekly digest: asked for once per workspace and week, then posted by the worker; or read in private.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::deliver::Failed;
use super::doubt::{once_whatever_is_known, posted_not_recorded};
use super::ports::{Body, Change, Chat, Committed, Job, NewJob, Post, StoreError, Work};
use super::{Answer, App};
use crate::domain::digest::{Period, Schedule, Week, digest};
use crate::domain::wording::{Line, plain};
use crate::domain::{ChannelId, WorkspaceId};

/// How late a digest may be, when the bot was down; an older one is not posted any more.
const CATCH_UP: SignedDuration = SignedDuration::from_hours(3 * 24);

impl App {
    /// Looks after the digests of these workspaces, each in its channel.
    #[must_use]
    pub fn with_digests(
        self,
        schedule: Schedule,
        digests: BTreeMap<WorkspaceId, ChannelId>,
    ) -> Self {
        Self { schedule, digests, ..self }
    }

    /// Asks for the digests that were due last, unless this was done, by whichever process, or comes too late.
    pub(super) async fn ask_for_digests(&self) {
        if self.digests.is_empty() {
            return;
        }
        let now = self.now();
        let due = self.schedule.latest(now).filter(|p| now.duration_since(p.at) <= CATCH_UP);
        let Some(Period { week, .. }) = due else { return };
        let seen = self.digests_seen().clone();
        let unseen = |workspace: &&WorkspaceId| seen.get(*workspace) != Some(&week);
        let unseen: Vec<&WorkspaceId> = self.digests.keys().filter(unseen).collect();
        if unseen.is_empty() {
            return;
        }
        if let Err(error) = self.request_digests(&unseen, week).await {
            // The worker comes by again within a second.
            tracing::warn!(error.kind = %error, "could not ask for a digest");
        }
    }

    /// Asks for the digest of a week in these workspaces; one that the app is not in yet, or not any more, may still come.
    async fn request_digests(&self, wanted: &[&WorkspaceId], week: Week) -> Result<(), StoreError> {
        let (known, removed) = (self.store.workspaces().await?, self.store.removed().await?);
        let there = |id: &&WorkspaceId| !removed.iter().any(|(gone, _)| gone == *id);
        let known = known.iter().map(|known| &known.id).filter(there);
        for workspace in known.filter(|id| wanted.contains(id)) {
            self.request_digest(workspace, week).await?;
            self.digests_seen().insert(workspace.clone(), week);
        }
        Ok(())
    }

    fn digests_seen(&self) -> MutexGuard<'_, BTreeMap<WorkspaceId, Week>> {
        self.digests_seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a workspace has a channel for its digest.
    pub fn has_digest(&self, workspace: &WorkspaceId) -> bool {
        self.digests.contains_key(workspace)
    }

    /// Asks for the digest of a week to be posted; `false` when it was asked for before, or there is no channel for it.
    pub async fn request_digest(
        &self,
        workspace: &WorkspaceId,
        week: Week,
    ) -> Result<bool, StoreError> {
        let Some(channel) = self.digests.get(workspace).cloned() else { return Ok(false) };
        let change = Change {
            digest: Some((workspace.clone(), week)),
            jobs: vec![NewJob { work: Work::Digest { week, channel }, run_at: self.now() }],
            ..Change::default()
        };
        Ok(self.store.commit(&change, self.now()).await? == Committed::Applied)
    }

    /// The digest of a period as it would be posted, as text; `None` for a quiet one.
    pub async fn digest_text(
        &self,
        workspace: &WorkspaceId,
        period: &Period,
    ) -> Result<Option<String>, StoreError> {
        let channel = self.digests.get(workspace);
        let lines = self.digest_lines(workspace, period, channel, self.now()).await?;
        Ok(lines.map(|lines| lines.iter().map(plain).collect::<Vec<_>>().join("\n")))
    }

    /// The days of a week; of the latest one when none is named.
    pub fn digest_period(&self, week: Option<Week>) -> Option<Period> {
        let schedule = &self.schedule;
        week.map_or_else(|| schedule.latest(self.now()), |week| schedule.of(week))
    }

    async fn digest_lines(
        &self,
        workspace: &WorkspaceId,
        period: &Period,
        channel: Option<&ChannelId>,
        now: Timestamp,
    ) -> Result<Option<Vec<Line>>, StoreError> {
        let cases = self.store.cases_of(workspace, period).await?;
        let catalog = &self.knowledge.catalog;
        Ok(digest(&cases, period, channel, now, catalog, self.wording("en")))
    }

    /// The week so far, for somebody who reads it in `channel`.
    pub(super) async fn digest_so_far(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Answer, StoreError> {
        let now = self.now();
        let lines = match self.schedule.current(now) {
            Some(period) => self.digest_lines(workspace, &period, Some(channel), now).await?,
            None => None,
        };
        Ok(lines.map_or_else(|| self.private("en", "digest_quiet", &[]), Answer::Private))
    }

    /// Posts the digest of a week; says nothing about a quiet one.
    pub(super) async fn post_digest(
        &self,
        chat: &dyn Chat,
        job: &Job,
        week: Week,
        channel: &ChannelId,
    ) -> Result<(), Failed> {
        let Some(period) = self.schedule.of(week) else { return Ok(self.done(job).await?) };
        if self.now().duration_since(job.run_at) > CATCH_UP {
            // It rested, as when the app was removed meanwhile: by now it is no news.
            return Ok(self.done(job).await?);
        }
        let lines = self.digest_lines(&job.workspace, &period, Some(channel), self.now()).await?;
        let Some(lines) = lines else { return Ok(self.done(job).await?) };
        let id = job.work.key();
        let post = Post {
            workspace: &job.workspace,
            channel,
            thread: None,
            id: &id,
            body: Body::Lines(&lines),
        };
        once_whatever_is_known(chat, job, &post, period.at).await?;
        self.done(job).await.map_err(posted_not_recorded)
    }
}
