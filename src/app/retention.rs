//! What is kept for a while only: how long, and the loop that deletes it some at a time.
//!
//! What is due stands in the store, so a process that ends in between leaves nothing to remember, and any number of
//! replicas may do this at once. To add something: 1. a row in docs/OPERATIONS.md; 2. a [`Perishable`], its age here and
//! its deletion in `store/retention.rs`; 3. its test in `tests/contract/retention.rs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::App;
use super::happen::By;
use super::ports::StoreError;
use super::trust::Trust;
use crate::domain::WorkspaceId;
use crate::domain::investigation::{CaseNumber, Happening};

/// How often to look for what is due.
const LOOK_EVERY: Duration = Duration::from_mins(5);
/// How many rows one transaction deletes: everybody who writes waits for it.
const ROWS: u32 = 500;
/// How many cases one transaction deletes, or are looked up at once; each has rows of its own.
const CASES: u32 = 20;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What is kept for a while only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Perishable {
    /// The id of an event that had its effect. Slack repeats an event for minutes.
    Event,
    /// Work that was given up: a person had time to see it.
    ParkedWork,
    /// The week of a digest: nobody would post it once more.
    Digest,
    /// A case that nobody opened, but for those that somebody called no proposal: these tell how good a rule is.
    Prompt,
}

impl Perishable {
    /// Its name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::ParkedWork => "parked_work",
            Self::Digest => "digest",
            Self::Prompt => "prompt",
        }
    }

    /// How long it is kept.
    pub fn kept(self) -> SignedDuration {
        match self {
            Self::Event => DAY,
            Self::ParkedWork => DAY * 90,
            Self::Digest | Self::Prompt => DAY * 365,
        }
    }

    fn at_once(self) -> u32 {
        if self == Self::Prompt { CASES } else { ROWS }
    }
}

/// How long what is known about a workspace outlives the app's removal there, in case that was a mistake.
pub const KEPT_AFTER_REMOVAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A batch of the deletion of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Whose.
    pub workspace: WorkspaceId,
    /// How many rows it deleted.
    pub rows: u64,
    /// Whether nothing is left.
    pub whole: bool,
}

/// Deleting what was kept long enough. Each call is one short transaction, and may be made by several processes at once:
/// what another one deletes just now is passed over.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Deletes at most `limit` of what is from `until` or older; tells how many it were.
    async fn erase(
        &self,
        what: Perishable,
        until: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError>;
    /// Deletes at most `limit` rows about one of the workspaces that removed the app at `until` or before; `None` when
    /// there is none. Its removal stands until the last batch: until then nothing runs for it, and nobody sees it.
    async fn erase_removed(
        &self,
        until: Timestamp,
        limit: u32,
    ) -> Result<Option<Erasure>, StoreError>;
    /// At most `limit` cases that ended at `until` or before and whose words still stand, the oldest first.
    async fn remembered(
        &self,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, CaseNumber)>, StoreError>;
}

/// What one step of the loop looks after.
#[derive(Clone, Copy, Debug)]
enum Step {
    Erase(Perishable),
    RemovedWorkspaces,
    EndedCases,
}

const STEPS: [Step; 6] = [
    Step::Erase(Perishable::Event),
    Step::Erase(Perishable::ParkedWork),
    Step::Erase(Perishable::Digest),
    Step::Erase(Perishable::Prompt),
    Step::RemovedWorkspaces,
    Step::EndedCases,
];

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Erase(what) => what.as_str(),
            Self::RemovedWorkspaces => "workspace_row",
            Self::EndedCases => "case_words",
        }
    }
}

/// Deletes what is due, every five minutes, until it is told to stop.
pub async fn run(app: Arc<App>, cancel: CancellationToken) {
    let mut clock = Trust::new(app.now());
    while !cancel.is_cancelled() {
        if clock.in_time(app.now()) && app.delete_what_is_due(&cancel).await {
            let ended = app.now().duration_since(Timestamp::UNIX_EPOCH);
            metrics::gauge!("secondlook_retention_ended_at").set(ended.as_secs_f64());
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

impl App {
    /// The same bot, which forgets what people wrote so long after a case ended; `None` for never.
    #[must_use]
    pub fn keeping_cases(self, for_so_long: Option<SignedDuration>) -> Self {
        Self { cases_kept: for_so_long, ..self }
    }

    /// A batch of everything in turn, so that much of one kind holds up no other, until nothing is due; tells whether it
    /// came so far.
    pub async fn delete_what_is_due(&self, cancel: &CancellationToken) -> bool {
        let mut sound = true;
        let mut left = STEPS.to_vec();
        while !left.is_empty() {
            let mut more = Vec::new();
            for step in left {
                if cancel.is_cancelled() {
                    return false;
                }
                match self.step(step).await {
                    Ok(0) => {}
                    Ok(count) => {
                        metrics::counter!("secondlook_erased_total", "kind" => step.name())
                            .increment(count);
                        more.push(step);
                    }
                    // Of two who deleted the same, one was sent back.
                    Err(StoreError::Conflict) => more.push(step),
                    Err(error) => {
                        sound = false;
                        tracing::warn!(erase.kind = step.name(), error.kind = %error, "could not delete what is due");
                    }
                }
            }
            left = more;
        }
        sound
    }

    async fn step(&self, step: Step) -> Result<u64, StoreError> {
        let now = self.now();
        match step {
            Step::Erase(what) => {
                let count = self.store.erase(what, now - what.kept(), what.at_once()).await?;
                if what == Perishable::ParkedWork && count > 0 {
                    tracing::info!(work.count = count, "work given up 90 days ago was deleted");
                }
                Ok(count)
            }
            Step::RemovedWorkspaces => {
                let until = now - KEPT_AFTER_REMOVAL;
                let erasure = self.store.erase_removed(until, ROWS).await?;
                Ok(erasure.map_or(0, |erasure| erased(&erasure)))
            }
            Step::EndedCases => match self.cases_kept {
                Some(kept) => self.forget_ended_cases(now - kept).await,
                None => Ok(0),
            },
        }
    }

    /// Forgets some of the cases that ended long ago, each in a change of its own; tells how many.
    async fn forget_ended_cases(&self, until: Timestamp) -> Result<u64, StoreError> {
        let (mut forgotten, mut unreadable) = (0, None);
        for (workspace, number) in self.store.remembered(until, CASES).await? {
            match self.forget_ended_case(&workspace, number).await {
                Ok(true) => forgotten += 1,
                // Somebody else was at it; if it is still due, the next look finds it.
                Ok(false) | Err(StoreError::Conflict) => {}
                Err(corrupt @ StoreError::Corrupt { .. }) => unreadable = Some(corrupt),
                Err(other) => return Err(other),
            }
        }
        match unreadable {
            // One unreadable row must not hold up the others.
            Some(corrupt) if forgotten == 0 => Err(corrupt),
            _ => Ok(forgotten),
        }
    }

    /// Forgets one; `false` when that was done before.
    async fn forget_ended_case(
        &self,
        workspace: &WorkspaceId,
        number: CaseNumber,
    ) -> Result<bool, StoreError> {
        let Some(case) = self.store.case(workspace, number).await? else { return Ok(false) };
        self.happen(By::Nobody, case, Happening::LongEnded).await
    }
}

/// How many rows a batch deleted, and at least one, so that the next is asked for; says when a workspace is gone.
fn erased(erasure: &Erasure) -> u64 {
    if erasure.whole {
        metrics::counter!("secondlook_workspaces_erased_total").increment(1);
        tracing::info!(slack.workspace = %erasure.workspace, "everything about a workspace was deleted");
    }
    erasure.rows.max(1)
}
