//! Channels: coming into one, leaving it, greeting it, and what an incident channel gets.

use super::deliver::Failed;
use super::doubt::{once, posted_not_recorded};
use super::happen::change;
use super::ports::{Body, Change, Chat, ChatError, Job, JobEnd, NewJob, Post, StoreError, Work};
use super::{Answer, App, Cause, TRIES_MAX};
use crate::domain::ChannelId;
use crate::domain::channel::{Channel, greets, opens_incident, seen};
use crate::domain::investigation::{Case, CaseNumber, incident_began};
use crate::domain::message::ChannelNews;
use crate::domain::policy::ChannelState;

impl App {
    /// Notes what happened to a channel; what follows from it the worker finds out from the chat itself, because events
    /// come late, twice and in any order.
    pub(super) async fn channel_changed(
        &self,
        cause: Cause<'_>,
        id: ChannelId,
        name: Option<String>,
        news: ChannelNews,
    ) -> Result<Answer, StoreError> {
        if news == ChannelNews::Private {
            self.make_private(cause.workspace, &id).await?;
            return Ok(Answer::Nothing);
        }
        let ordinary = name.is_some_and(|name| !self.incidents.matches(&name));
        if news == ChannelNews::There && ordinary {
            return Ok(Answer::Nothing);
        }
        let now = self.now();
        let mut state = self.store.channel(cause.workspace, &id).await?;
        let mut jobs = vec![self.look(&id)];
        match news {
            ChannelNews::There | ChannelNews::Private => {}
            ChannelNews::Joined => {
                state.gone = false;
                if state.greeted.is_none() {
                    state.greeted = Some(now);
                    jobs.push(NewJob { work: Work::Greet(id.clone()), run_at: now });
                }
            }
            ChannelNews::Gone => {
                state.gone = true;
                jobs.clear();
            }
        }
        let channel =
            (news != ChannelNews::There).then(|| (cause.workspace.clone(), id.clone(), state));
        self.save(Change { event: Some(cause.event()), channel, jobs, ..Change::default() })
            .await?;
        Ok(Answer::Nothing)
    }

    /// Work that asks the chat how a channel stands.
    pub(super) fn look(&self, id: &ChannelId) -> NewJob {
        NewJob { work: Work::LookAtChannel(id.clone()), run_at: self.now() }
    }

    /// Looks how a channel stands now, and opens its incident when it is due one; decides anew when something was noted
    /// about it meanwhile, such as our own coming in.
    pub(super) async fn look_at_channel(
        &self,
        chat: &dyn Chat,
        job: &Job,
        id: &ChannelId,
    ) -> Result<(), Failed> {
        let Some(mut channel) = may_fail(chat.channel(&job.workspace, id).await)? else {
            return Ok(self.done(job).await?);
        };
        let mut number = None;
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let known = self.store.channel(&job.workspace, id).await?;
            let state = seen(&channel, known.clone());
            let noted = if !opens_incident(&channel, &state, &self.incidents, now) {
                self.note_channel(job, id, &channel, &known, state).await
            } else if !channel.member {
                if may_fail(chat.join(&job.workspace, id).await)?.is_none() {
                    return Ok(self.done(job).await?);
                }
                channel.member = true;
                continue;
            } else {
                let number = match number {
                    Some(number) => number,
                    None => *number.insert(self.store.new_case_number(&job.workspace).await?),
                };
                self.open_incident(job, id, &channel, state, number).await
            };
            match noted {
                Err(StoreError::Conflict) => {}
                other => return Ok(other?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Opens the one incident of a channel: its number stands in the channel's row, which nobody may have changed.
    async fn open_incident(
        &self,
        job: &Job,
        id: &ChannelId,
        channel: &Channel,
        state: ChannelState,
        number: CaseNumber,
    ) -> Result<(), StoreError> {
        let (workspace, now) = (job.workspace.clone(), self.now());
        let (private, name) = (channel.private, &channel.name);
        let case = Case::incident(workspace.clone(), number, id.clone(), private, name, now);
        let effects = incident_began(&case);
        let state = ChannelState { incident: Some(number), ..state };
        let change = Change {
            channel: Some((workspace, id.clone(), state)),
            job: Some((job.clone(), JobEnd::Done)),
            ..change(case, &effects, now)
        };
        self.save(change).await?;
        metrics::counter!("secondlook_incidents_total").increment(1);
        Ok(())
    }

    /// Ends the look at a channel that opens nothing. One that is back gets its incident's card brought up to date; one we
    /// are in, the cards that people asked for while we could not post there.
    async fn note_channel(
        &self,
        job: &Job,
        id: &ChannelId,
        channel: &Channel,
        known: &ChannelState,
        state: ChannelState,
    ) -> Result<(), StoreError> {
        let mut cards = if channel.member && !channel.archived {
            self.store.cards_awaited(&job.workspace, id).await?
        } else {
            Vec::new()
        };
        let changed = known.gone != state.gone;
        cards.extend(state.incident.filter(|_| changed && !state.gone));
        if !changed && cards.is_empty() {
            return self.done(job).await;
        }
        let show = |case| NewJob { work: Work::ShowCard(case), run_at: self.now() };
        let change = Change {
            channel: changed.then(|| (job.workspace.clone(), id.clone(), state)),
            jobs: cards.into_iter().map(show).collect(),
            job: Some((job.clone(), JobEnd::Done)),
            ..Change::default()
        };
        self.save(change).await.map(|_| ())
    }

    /// Says once, in a channel it was invited to, what the bot does.
    pub(super) async fn greet(
        &self,
        chat: &dyn Chat,
        job: &Job,
        id: &ChannelId,
    ) -> Result<(), Failed> {
        let channel = may_fail(chat.channel(&job.workspace, id).await)?;
        let state = self.store.channel(&job.workspace, id).await?;
        let greets = |channel: &Channel| greets(channel, &state, &self.incidents, self.now());
        if !channel.as_ref().is_some_and(greets) {
            return Ok(self.done(job).await?);
        }
        let wording = self.wording("en");
        let lines = [
            wording.line("greeting_what", &[]),
            wording.line("greeting_pause", &[]),
            wording.line("greeting_stores", &[]),
        ];
        let key = job.work.key();
        let post = Post {
            workspace: &job.workspace,
            channel: id,
            thread: None,
            id: &key,
            body: Body::Lines(&lines),
        };
        once(chat, job, &post, state.greeted.unwrap_or(job.run_at)).await?;
        self.done(job).await.map_err(posted_not_recorded)
    }
}

/// A refusal means that the channel is none of ours: private, deleted, or closed to apps.
pub(super) fn may_fail<T>(answer: Result<T, ChatError>) -> Result<Option<T>, ChatError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(ChatError::Refused { code }) if !ChatError::may_heal(&code) => Ok(None),
        Err(error) => Err(error),
    }
}
