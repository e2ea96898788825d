//! What happens to a case: applied in turn, saved in one change with what should be done about it, and counted.

use jiff::Timestamp;

use super::gone::deletion;
use super::ports::{Change, Committed, Job, JobEnd, NewJob, StoreError, Work};
use super::{App, Cause, TRIES_MAX};
use crate::domain::investigation::{Case, CaseNumber, Due, Effect, Happening, State, apply};
use crate::domain::message::Message;

/// What makes something happen to a case.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// An event; told again, it changes nothing more.
    Event(Cause<'a>),
    /// Due work, which is done with it.
    Job(&'a Job),
    /// We, because of how the case stands.
    Nobody,
}

impl App {
    /// Has one thing happen to a case.
    pub(super) async fn happen(
        &self,
        by: By<'_>,
        case: Case,
        happening: Happening,
    ) -> Result<bool, StoreError> {
        self.happen_all(by, case, vec![happening], &[]).await
    }

    /// Has things happen to a case that came with these messages, and their files read; nothing, when the message of an event
    /// is known to be gone. Where nothing comes of it, nothing is saved but that a job is done. Tells whether something came
    /// of it.
    pub(super) async fn happen_all(
        &self,
        by: By<'_>,
        mut case: Case,
        happenings: Vec<Happening>,
        messages: &[&Message],
    ) -> Result<bool, StoreError> {
        let (now, before, mut effects) = (self.now(), case.clone(), Vec::new());
        for happening in happenings {
            let (next, more) = apply(case, happening, now);
            case = next;
            effects.extend(more);
        }
        let files: Vec<NewJob> =
            messages.iter().flat_map(|message| self.files_to_read(&case, message)).collect();
        let after = case.state;
        let something = case != before || !effects.is_empty() || !files.is_empty();
        let mut change = if something { change(case, &effects, now) } else { Change::default() };
        change.jobs.extend(files);
        match by {
            By::Job(job) => change.job = Some((job.clone(), JobEnd::Done)),
            By::Event(_) | By::Nobody if !something => return Ok(false),
            By::Event(cause) => {
                change.event = Some(cause.event());
                change.unless = messages.first().map(|message| deletion(message));
            }
            By::Nobody => {}
        }
        let applied = self.save(change).await? == Committed::Applied;
        if applied {
            count_state(before.state, after);
        }
        Ok(applied && something)
    }

    /// Has happen what a job stands for, and ends the job; decides anew when the case changed meanwhile.
    pub(super) async fn due(
        &self,
        job: &Job,
        mut case: Case,
        happening: Happening,
    ) -> Result<(), StoreError> {
        let number = case.number;
        for _ in 0..TRIES_MAX {
            match self.happen(By::Job(job), case, happening.clone()).await {
                Err(StoreError::Conflict) => {}
                other => return other.map(|_| ()),
            }
            let Some(again) = self.store.case(&job.workspace, number).await? else {
                return self.done(job).await;
            };
            case = again;
        }
        Err(StoreError::Conflict)
    }

    /// Ends a job by asking for the same at another time: nothing failed, and until then it is not late.
    pub(super) async fn put_off(&self, job: &Job, until: Timestamp) -> Result<(), StoreError> {
        let change = Change {
            jobs: vec![NewJob { work: job.work.clone(), run_at: until }],
            job: Some((job.clone(), JobEnd::Done)),
            ..Change::default()
        };
        self.save(change).await.map(|_| ())
    }
}

/// A case as it should stand, with its effects as work to do.
pub(super) fn change(case: Case, effects: &[Effect], now: Timestamp) -> Change {
    let number = case.number;
    let mut change = Change { case: Some(case), ..Change::default() };
    for effect in effects {
        let (work, run_at) = match effect {
            Effect::ShowCard => (Work::ShowCard(number), now),
            Effect::ReadThread => (Work::ReadThread(number), now),
            Effect::Remind => (Work::SayReminder(number), now),
            Effect::TellOutcome => (Work::SayOutcome(number), now),
            Effect::Schedule(due, at) => (due_work(*due, number), *at),
            Effect::Cancel(due) => {
                change.cancel.push(due_work(*due, number).key());
                continue;
            }
            Effect::LeaveFiles(message) => {
                change.leave_files.push(message.clone());
                continue;
            }
        };
        change.jobs.push(NewJob { work, run_at });
    }
    change
}

/// Counts the states that cases come to: how many prompts are dismissed, opened, ended.
fn count_state(before: State, after: State) {
    if before != after {
        metrics::counter!("secondlook_cases_total", "state" => after.as_str()).increment(1);
    }
}

fn due_work(due: Due, case: CaseNumber) -> Work {
    match due {
        Due::QuietPeriod => Work::QuietPeriod(case),
        Due::Reminder => Work::Reminder(case),
        Due::Text => Work::Text(case),
    }
}
