//! The worker: claims due work, does it, and records how it ended.
//!
//! Nothing acknowledged is lost and nothing is said twice: a public message carries its id in its metadata, and an
//! attempt whose end is unknown is looked up before it is repeated.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::doubt::{look_at, look_later, look_up, once, posted_not_recorded};
use super::hear::count_silence;
use super::lease::{self, LEASE};
use super::ports::{Body, Change, Chat, ChatError, Job, JobEnd, Post, StoreError, Work};
use super::{App, panics};
use crate::domain::card::{card, outcome_line};
use crate::domain::evidence::Source;
use crate::domain::investigation::{Case, CaseNumber, Happening, Origin, State};
use crate::domain::message::time_of;
use crate::domain::policy::{self, Silence};
use crate::domain::wording::Line;
use crate::domain::{MessageTs, UserId};

/// How many jobs run at once: twice as many as one workspace may have.
const AT_ONCE: usize = 16;
/// Other replicas may add work: look at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest wait between two attempts.
const BACKOFF_MAX: SignedDuration = SignedDuration::from_mins(10);
/// After this many attempts (more than a day) a job is kept for a person to see.
const ATTEMPTS_MAX: u32 = 200;
/// How much of a file is read.
const FILE_BYTES_READ: usize = 1024 * 1024;

/// Why an attempt did not succeed.
pub(super) enum Failed {
    Chat(ChatError),
    Store(StoreError),
    /// What an attempt in doubt did can't be looked up; the chat's own word for why.
    NotLookedUp(String),
    /// Its channel or its workspace has no place for it until then.
    NoPlace(Timestamp),
    /// It was given up half-way: the next one must look what it did.
    ClaimLost,
    /// A fault of ours, and the next one must look, too.
    Panicked,
}

impl From<ChatError> for Failed {
    fn from(error: ChatError) -> Self {
        Self::Chat(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Does due work until it is told to stop, then finishes what it has begun.
pub async fn run(app: Arc<App>, chat: Arc<dyn Chat>, stop: CancellationToken) {
    // Of their own: what breaks the loop that begins attempts breaks none of them.
    let attempts = TaskTracker::new();
    let begin = |stop| turns(Arc::clone(&app), Arc::clone(&chat), attempts.clone(), stop);
    panics::keep("worker", 1, stop, begin).await;
    attempts.close();
    attempts.wait().await;
}

async fn turns(app: Arc<App>, chat: Arc<dyn Chat>, attempts: TaskTracker, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let wait = app.turn(&chat, &attempts).await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = app.wake.notified() => {}
            () = sleep(wait) => {}
        }
    }
}

impl App {
    /// Begins what is due, as far as there is room; returns how long to wait for more. Whoever ends an attempt wakes us.
    async fn turn(self: &Arc<Self>, chat: &Arc<dyn Chat>, attempts: &TaskTracker) -> Duration {
        let room = AT_ONCE.saturating_sub(attempts.len());
        if room == 0 {
            self.pulse.beat();
            return LOOK_EVERY;
        }
        let (since, now) = (Instant::now(), self.now());
        let room = u32::try_from(room).unwrap_or(u32::MAX);
        match self.store.claim(now, now + LEASE, room, &self.attempts.full()).await {
            Ok(jobs) => {
                self.pulse.beat();
                for job in jobs {
                    let (app, chat) = (Arc::clone(self), Arc::clone(chat));
                    attempts.spawn(async move {
                        app.attempt(chat.as_ref(), job, since).await;
                        app.wake.notify_one();
                    });
                }
            }
            Err(error) => {
                // Two that wanted the same at once say nothing about the store.
                if !matches!(error, StoreError::Conflict) {
                    self.pulse.miss();
                }
                tracing::error!(error.kind = %error, "could not claim work");
                // What is due stays due: looking again at once would only keep the store from recovering.
                return LOOK_EVERY;
            }
        }
        self.ask_for_digests().await;
        self.until_next_due().await
    }

    async fn until_next_due(&self) -> Duration {
        let next = self.store.next_due(&self.attempts.full()).await.ok().flatten();
        let wait = next.map(|at| at.duration_since(self.now()));
        wait.map_or(LOOK_EVERY, |w| Duration::try_from(w).unwrap_or(Duration::from_millis(5)))
            .min(LOOK_EVERY)
    }

    /// One attempt at one job; its end is recorded whatever happens. A job that is claimed while an attempt at it is under
    /// way here (the clock was set forward, and its lease ran out) is left to the time after that.
    async fn attempt(&self, chat: &dyn Chat, job: Job, claimed: Instant) {
        let Some(under_way) = self.attempts.begin(&job) else { return };
        self.attempt_alone(chat, job, claimed).await;
        if let Some(job) = under_way.end() {
            // Look what became of the attempt that could not be recorded.
            let look = look_at(&job, self.now());
            self.record(job, look).await;
        }
    }

    async fn attempt_alone(&self, chat: &dyn Chat, job: Job, claimed: Instant) {
        let kind = job.work.kind();
        let prolong = || self.store.prolong(&job, self.now() + LEASE);
        let worked = tokio::select! {
            // Asked first: on a claim that others may have taken over nothing more is done.
            biased;
            () = lease::hold(claimed, prolong) => Err(Failed::ClaimLost),
            // On the heap: it is large.
            worked = panics::caught(Box::pin(self.work(chat, &job))) => worked,
        };
        let failed = match worked {
            Ok(()) => {
                metrics::counter!("secondlook_work_total", "kind" => kind, "outcome" => "done")
                    .increment(1);
                return;
            }
            Err(failed) => failed,
        };
        let (outcome, end) = self.end_of(&job, failed);
        metrics::counter!("secondlook_work_total", "kind" => kind, "outcome" => outcome)
            .increment(1);
        if outcome == "no_place" {
            tracing::debug!(work.kind = kind, "work waits for a place");
        } else {
            tracing::warn!(
                work.kind = kind,
                work.attempts = job.attempts,
                work.outcome = outcome,
                "work did not end well"
            );
        }
        self.record(job, end).await;
    }

    async fn record(&self, job: Job, end: JobEnd) {
        let kind = job.work.kind();
        let change = Change { job: Some((job, end)), ..Change::default() };
        if let Err(error) = self.store.commit(&change, self.now()).await {
            // The lease runs out and the job is due again, marked uncertain: nothing is lost.
            tracing::error!(work.kind = kind, error.kind = %error, "could not record how work ended");
        }
    }

    fn end_of(&self, job: &Job, failed: Failed) -> (&'static str, JobEnd) {
        let soon = self.now() + backoff(job.attempts);
        let later = |outcome| (outcome, JobEnd::RetryAt(soon, job.doubt));
        let in_doubt = |outcome| (outcome, look_at(job, soon));
        match failed {
            Failed::Panicked => ("panicked", panics::end(job, look_at(job, soon))),
            Failed::Store(StoreError::Corrupt { table, column, id }) => {
                ("parked", JobEnd::Parked(format!("unreadable row in {table}.{column} ({id})")))
            }
            Failed::NoPlace(until) => ("no_place", JobEnd::HeldUntil(until)),
            // Waiting for its turn is no failure: a busy hour must not park anything.
            Failed::Chat(ChatError::RateLimited { retry_after }) => {
                let wait = SignedDuration::try_from(retry_after).unwrap_or(BACKOFF_MAX);
                (
                    "rate_limited",
                    JobEnd::HeldUntil(self.now() + wait.min(SignedDuration::from_hours(1))),
                )
            }
            _ if job.attempts >= ATTEMPTS_MAX => {
                ("parked", JobEnd::Parked(format!("gave up after {} attempts", job.attempts)))
            }
            Failed::Store(_) => later("store"),
            Failed::Chat(ChatError::Refused { code }) if ChatError::may_heal(&code) => {
                later("refused")
            }
            Failed::Chat(ChatError::Refused { code }) if awaits_invitation(&job.work, &code) => {
                ("not_invited", JobEnd::AwaitsPerson(self.now() + backoff(job.attempts)))
            }
            // Deleted, hosted elsewhere, not for us: with files that is everyday, and nobody could mend it.
            Failed::Chat(ChatError::Refused { .. }) if job.work.kind() == "file" => {
                ("declined", JobEnd::Done)
            }
            Failed::Chat(ChatError::Refused { code }) => ("parked", JobEnd::Parked(code)),
            Failed::NotLookedUp(code) => {
                let why = format!("it may stand, and can't be looked up ({code})");
                ("parked", JobEnd::Parked(why))
            }
            Failed::Chat(ChatError::Unreachable(_)) => later("unreachable"),
            Failed::Chat(ChatError::Uncertain(_)) => in_doubt("uncertain"),
            Failed::Chat(ChatError::Unanswered(_)) => ("unanswered", look_later(job, self.now())),
            Failed::ClaimLost => in_doubt("claim_lost"),
        }
    }

    async fn work(&self, chat: &dyn Chat, job: &Job) -> Result<(), Failed> {
        self.attempts.take_place(job, self.now())?;
        if let Work::LookAtChannel(channel) | Work::Greet(channel) | Work::Digest { channel, .. } =
            &job.work
        {
            self.attempts.take_place_in(channel, job, self.now())?;
        }
        match &job.work {
            Work::LookAtChannel(channel) => self.look_at_channel(chat, job, channel).await,
            Work::Digest { week, channel } => self.post_digest(chat, job, *week, channel).await,
            Work::Greet(channel) => self.greet(chat, job, channel).await,
            Work::ConfirmRemoval => self.confirm_removal(chat, job).await,
            Work::QuietPeriod(number) => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                self.quiet_period_over(job, case).await
            }
            Work::Reminder(number) => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                if case.origin == Origin::Incident {
                    return self.quiet_day(chat, job, case).await;
                }
                Ok(self.due(job, case, Happening::ReminderDue).await?)
            }
            Work::Text(number) => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                Ok(self.due(job, case, Happening::TextDue).await?)
            }
            Work::ShowCard(number) => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                self.show_card(chat, job, case).await
            }
            Work::ReadThread(number) => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                self.read_thread(chat, job, case).await
            }
            Work::TellRefusal { case: number, code, may_stand } => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                self.tell_refusal(chat, job, &case, code, *may_stand).await
            }
            Work::SayReminder(number) => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                let still_open = case.state == State::Open;
                self.say(chat, job, &case, still_open.then(|| self.reminder(&case))).await
            }
            Work::SayOutcome(number) => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                self.say(chat, job, &case, self.outcome(&case)).await
            }
            Work::ReadFile { case: number, file: id, name, url, message, permalink, by } => {
                let Some(case) = self.case_of(job, *number).await? else { return Ok(()) };
                let file = PostedFile { id, name, url, message, permalink, by };
                self.read_file(chat, job, case, &file).await
            }
        }
    }

    /// The case a job is about, with a place to work on it; where there is nothing to do, the job is done.
    async fn case_of(&self, job: &Job, number: CaseNumber) -> Result<Option<Case>, Failed> {
        let Some(case) = self.store.case(&job.workspace, number).await? else {
            self.done(job).await?;
            return Ok(None);
        };
        let speaks = !matches!(job.work, Work::QuietPeriod(_) | Work::Text(_));
        if speaks {
            self.attempts.take_place_in(&case.channel, job, self.now())?;
        }
        // A person is told by whatever way there is.
        let tells = matches!(job.work, Work::TellRefusal { .. });
        if speaks && !tells && self.out_of_reach(job, &case).await? {
            self.done(job).await?;
            return Ok(None);
        }
        Ok(Some(case))
    }

    fn reminder(&self, case: &Case) -> Line {
        let phrase = if case.origin == Origin::Incident { "incident_quiet" } else { "reminder" };
        self.wording(&case.language).line(phrase, &[("number", &case.number.to_string())])
    }

    fn outcome(&self, case: &Case) -> Option<Line> {
        let (outcome, wording) = (case.outcome.as_ref()?, self.wording(&case.language));
        Some(outcome_line("outcome_said", case, outcome, &self.knowledge.catalog, wording))
    }

    pub(super) async fn done(&self, job: &Job) -> Result<(), StoreError> {
        let change = Change { job: Some((job.clone(), JobEnd::Done)), ..Change::default() };
        self.store.commit(&change, self.now()).await.map(|_| ())
    }

    async fn quiet_period_over(&self, job: &Job, case: Case) -> Result<(), Failed> {
        let now = self.now();
        if let Some(until) = self.quiet_hours.as_ref().and_then(|hours| hours.end(now)) {
            return Ok(self.put_off(job, until).await?);
        }
        let channel = self.store.channel(&case.workspace, &case.channel).await?;
        let mut may_speak = policy::still_allows(&channel, &case.topic, now)
            .and_then(|()| policy::in_time(case.began_at, now));
        if self.someone_asked(&case) {
            may_speak = Err(Silence::SomeoneAsked);
        }
        if let Err(why) = may_speak {
            count_silence(why);
        }
        Ok(self.due(job, case, Happening::QuietPeriodOver(may_speak)).await?)
    }

    /// Whether another person asked for evidence in the channel before the proposal reached us: a question that came after
    /// it has silenced the case already.
    fn someone_asked(&self, case: &Case) -> bool {
        let Some(root) = &case.root else { return false };
        let earlier = self.recent.of(&case.workspace, &case.channel);
        earlier.someone_asked(&self.knowledge.packs, root, case.author.as_ref(), self.now())
    }

    async fn show_card(&self, chat: &dyn Chat, job: &Job, case: Case) -> Result<(), Failed> {
        let case = self.as_private_as_its_channel(chat, case).await?;
        let shown = card(&case, &self.knowledge.catalog, self.wording(&case.language));
        let id = job.work.key();
        let post = Post {
            workspace: &case.workspace,
            channel: &case.channel,
            thread: case.root.as_ref().filter(|root| Some(*root) != case.card.as_ref()),
            id: &id,
            body: Body::Card(case.number, &shown),
        };
        if let Some(ts) = &case.card {
            return match chat.edit(&post, ts).await {
                // Somebody removed the card; that is their right, and the record stands without it.
                Err(ChatError::Refused { code }) if code == "message_not_found" => {
                    Ok(self.done(job).await?)
                }
                Err(error) => Err(error.into()),
                Ok(()) => Ok(self.done(job).await?),
            };
        }
        // Whatever became of the case: a card that may stand must not be left standing.
        let posted = match look_up(chat, job, &post, case.began_at).await {
            Ok(Some(ts)) => {
                let found = Happening::CardFound(ts);
                return self.due(job, case, found).await.map_err(posted_not_recorded);
            }
            Ok(None) if !case.shows_card() => return Ok(self.done(job).await?),
            Ok(None) => chat.post(&post).await,
            Err(Failed::NotLookedUp(code)) => return self.card_unknown(&case, code).await,
            Err(Failed::Chat(error)) => Err(error),
            Err(failed) => return Err(failed),
        };
        match posted {
            Ok(ts) => {
                self.due(job, case, Happening::CardShown(ts)).await.map_err(posted_not_recorded)
            }
            Err(ChatError::Refused { code }) => self.card_refused(job, &case, code).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn say(
        &self,
        chat: &dyn Chat,
        job: &Job,
        case: &Case,
        line: Option<Line>,
    ) -> Result<(), Failed> {
        if let (Some(line), Some(root)) = (line, &case.root) {
            let (id, lines) = (job.work.key(), [line]);
            let post = Post {
                workspace: &case.workspace,
                channel: &case.channel,
                thread: Some(root),
                id: &id,
                body: Body::Lines(&lines),
            };
            once(chat, job, &post, case.began_at).await?;
            return self.done(job).await.map_err(posted_not_recorded);
        }
        Ok(self.done(job).await?)
    }

    async fn read_file(
        &self,
        chat: &dyn Chat,
        job: &Job,
        case: Case,
        file: &PostedFile<'_>,
    ) -> Result<(), Failed> {
        if !case.listens() {
            return Ok(self.done(job).await?);
        }
        let text = chat.file(&case.workspace, file.url, FILE_BYTES_READ).await?;
        let found =
            self.recognise(Source::File { name: file.name, text: &text }, time_of(file.message));
        let mut evidence: Vec<_> =
            found.iter().map(|finding| self.evidence(finding, &text)).collect();
        for piece in &mut evidence {
            piece.by = Some(file.by.clone());
            piece.at = time_of(file.message);
            piece.message = Some(file.message.clone());
            piece.file = Some(file.id.to_owned());
            piece.permalink = Some(file.permalink.to_owned());
        }
        Ok(self.due(job, case, Happening::Posted(evidence)).await?)
    }
}

/// A file as it came with a message.
struct PostedFile<'a> {
    id: &'a str,
    name: &'a str,
    url: &'a str,
    message: &'a MessageTs,
    permalink: &'a str,
    by: &'a UserId,
}

/// The digest's channel is named in the settings, and somebody may only now invite the bot to it.
fn awaits_invitation(work: &Work, code: &str) -> bool {
    matches!(work, Work::Digest { .. }) && ChatError::not_let_in(code)
}

/// 2, 4, 8 … seconds, at most [`BACKOFF_MAX`].
pub(super) fn backoff(attempts: u32) -> SignedDuration {
    SignedDuration::from_secs(1_i64 << attempts.min(12)).min(BACKOFF_MAX)
}
