//! The weekly digest: asked for once per workspace and week, then posted by the worker; or read in private.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::deliver::{Failed, posted_not_recorded};
use super::once::once_whatever_is_known;
use super::ports::{Body, Change, Chat, Committed, Job, NewJob, Post, StoreError, Work};
use super::{Answer, App};
use crate::domain::digest::{Period, Plan, Week, digest};
use crate::domain::wording::{Line, plain};
use crate::domain::{ChannelId, WorkspaceId};

/// How late a digest may be, when the bot was down; an older one is not posted any more.
const CATCH_UP: SignedDuration = SignedDuration::from_hours(3 * 24);

impl App {
    /// Looks after the digest of one workspace.
    #[must_use]
    pub fn with_digest(mut self, workspace: WorkspaceId, plan: Plan) -> Self {
        self.digest = plan;
        self.digest_of = Some(workspace);
        self
    }

    /// Asks for the digest that was due last, unless this was done, by whichever process, or comes too late.
    pub(super) async fn ask_for_digest(&self) {
        let Some(workspace) = &self.digest_of else { return };
        let now = self.now();
        let due = self.digest.schedule.latest(now).filter(|p| now.duration_since(p.at) <= CATCH_UP);
        let (Some(period), Some(_)) = (due, &self.digest.channel) else { return };
        if self.seen_digest(None) == Some(period.week) {
            return;
        }
        match self.request_digest(workspace, period.week).await {
            Ok(_) => drop(self.seen_digest(Some(period.week))),
            // The worker comes by again within a second.
            Err(error) => tracing::warn!(error.kind = %error, "could not ask for the digest"),
        }
    }

    /// The last week this process has looked at; remembers another one.
    fn seen_digest(&self, week: Option<Week>) -> Option<Week> {
        let mut seen = self.digest_seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen = week.or(*seen);
        *seen
    }

    /// Asks for the digest of a week to be posted; `false` when it was asked for before, or there is no channel for it.
    pub async fn request_digest(
        &self,
        workspace: &WorkspaceId,
        week: Week,
    ) -> Result<bool, StoreError> {
        let Some(channel) = self.digest.channel.clone() else { return Ok(false) };
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
        let channel = self.digest.channel.as_ref();
        let lines = self.digest_lines(workspace, period, channel, self.now()).await?;
        Ok(lines.map(|lines| lines.iter().map(plain).collect::<Vec<_>>().join("\n")))
    }

    /// The days of a week; of the latest one when none is named.
    pub fn digest_period(&self, week: Option<Week>) -> Option<Period> {
        let schedule = &self.digest.schedule;
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
        let lines = match self.digest.schedule.current(now) {
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
        let Some(period) = self.digest.schedule.of(week) else { return Ok(self.done(job).await?) };
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
