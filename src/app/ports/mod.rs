//! What the app needs of the world: a store, a chat, a clock. Traits name the need, not the tool.

mod chat;

use async_trait::async_trait;
use jiff::Timestamp;

pub use self::chat::{Body, Chat, ChatError, Post, Whisper};
use super::installations::Installations;
use super::retention::Retention;
use crate::domain::digest::{Period, Week};
use crate::domain::investigation::{Case, CaseNumber};
use crate::domain::policy::ChannelState;
use crate::domain::{ChannelId, MessageTs, UserId, WorkspaceId};

/// The present time. The only way the app learns it.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A workspace the bot works in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// The bot's user there.
    pub bot_user: UserId,
    /// The bot's bot id there (`B…`).
    pub bot_id: String,
    /// Its address (`https://acme.slack.com/`), for permalinks.
    pub url: String,
}

/// Why the store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It can't be reached or has no room now; trying again later may help.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// Somebody else changed it first: load again and decide again.
    #[error("changed meanwhile")]
    Conflict,
    /// A row makes no sense.
    #[error("unreadable row in {table}.{column} ({id})")]
    Corrupt {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
        /// Which row.
        id: String,
    },
}

/// Work that is due at some time, as a row; also the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// What.
    pub work: Work,
    /// Not before.
    pub run_at: Timestamp,
}

/// A piece of due work. Its [`Work::key`] is unique in a workspace: asking again for pending work runs it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// The quiet period of a case is over.
    QuietPeriod(CaseNumber),
    /// An open case wants its reminder.
    Reminder(CaseNumber),
    /// An unopened prompt loses its text.
    Text(CaseNumber),
    /// Post or edit the card.
    ShowCard(CaseNumber),
    /// Read what was said in the card's thread before that was known to be one.
    ReadThread(CaseNumber),
    /// Tell whoever asked for the card that it can't be shown.
    TellRefusal {
        /// Of which case.
        case: CaseNumber,
        /// The chat's own word for why.
        code: String,
        /// Whether it may stand all the same: what was refused is to look for it.
        may_stand: bool,
    },
    /// Say in the thread that the case is still open.
    SayReminder(CaseNumber),
    /// Say in the thread how it ended.
    SayOutcome(CaseNumber),
    /// See how a channel stands, and whether it is due an incident card.
    LookAtChannel(ChannelId),
    /// Say in a channel what the bot does.
    Greet(ChannelId),
    /// Ask the chat whether the app was removed from the workspace.
    ConfirmRemoval,
    /// Fetch a file and read it as evidence.
    ReadFile {
        /// For which case.
        case: CaseNumber,
        /// The file's id.
        file: String,
        /// Its name.
        name: String,
        /// Where it is.
        url: String,
        /// The message it came with.
        message: MessageTs,
        /// A link to that message.
        permalink: String,
        /// Who posted it.
        by: UserId,
    },
    /// Post the digest of a week.
    Digest {
        /// Which week.
        week: Week,
        /// Where.
        channel: ChannelId,
    },
}

impl Work {
    /// Every kind there is.
    pub const KINDS: [&str; 13] = [
        "quiet_period",
        "reminder",
        "text",
        "card",
        "thread",
        "tell_refusal",
        "say_reminder",
        "say_outcome",
        "channel",
        "greet",
        "removal",
        "file",
        "digest",
    ];

    /// Its kind, in the store, in metrics and logs; one of [`Work::KINDS`].
    pub fn kind(&self) -> &'static str {
        match self {
            Self::QuietPeriod(_) => "quiet_period",
            Self::Reminder(_) => "reminder",
            Self::Text(_) => "text",
            Self::ShowCard(_) => "card",
            Self::ReadThread(_) => "thread",
            Self::TellRefusal { .. } => "tell_refusal",
            Self::SayReminder(_) => "say_reminder",
            Self::SayOutcome(_) => "say_outcome",
            Self::LookAtChannel(_) => "channel",
            Self::Greet(_) => "greet",
            Self::ConfirmRemoval => "removal",
            Self::ReadFile { .. } => "file",
            Self::Digest { .. } => "digest",
        }
    }

    /// Names this work in its workspace.
    pub fn key(&self) -> String {
        match self {
            Self::QuietPeriod(case) => format!("quiet_period:{case}"),
            Self::Reminder(case) => format!("reminder:{case}"),
            Self::Text(case) => format!("text:{case}"),
            Self::ShowCard(case) => format!("card:{case}"),
            Self::ReadThread(case) => format!("thread:{case}"),
            Self::TellRefusal { case, .. } => format!("tell_refusal:{case}"),
            Self::SayReminder(case) => format!("say_reminder:{case}"),
            Self::SayOutcome(case) => format!("say_outcome:{case}"),
            Self::LookAtChannel(channel) => format!("channel:{channel}"),
            Self::Greet(channel) => format!("greet:{channel}"),
            Self::ConfirmRemoval => "removal".to_owned(),
            Self::ReadFile { case, file, message, .. } => {
                format!("{}{case}:{file}", Self::files_of(message))
            }
            Self::Digest { week, .. } => format!("digest:{week}"),
        }
    }

    /// How the keys begin of all work on the files that came with a message.
    pub fn files_of(message: &MessageTs) -> String {
        format!("file:{message}:")
    }

    /// The case it belongs to, if it belongs to one.
    pub fn case(&self) -> Option<CaseNumber> {
        match self {
            Self::QuietPeriod(case)
            | Self::Reminder(case)
            | Self::Text(case)
            | Self::ShowCard(case)
            | Self::ReadThread(case)
            | Self::TellRefusal { case, .. }
            | Self::SayReminder(case)
            | Self::SayOutcome(case)
            | Self::ReadFile { case, .. } => Some(*case),
            Self::LookAtChannel(_)
            | Self::Greet(_)
            | Self::ConfirmRemoval
            | Self::Digest { .. } => None,
        }
    }
}

/// Work that this process has claimed for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its row.
    pub id: i64,
    /// Whose.
    pub workspace: WorkspaceId,
    /// What.
    pub work: Work,
    /// When it was due.
    pub run_at: Timestamp,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// Whether an earlier attempt may have had its effect.
    pub doubt: Doubt,
    /// Proves the claim: a job claimed by somebody else meanwhile can't be ended by us.
    pub lease: i64,
}

/// How often to look, before work is tried again, whether an earlier attempt had its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// It had none.
    #[default]
    None,
    /// By now it has it or never will: the process died in it, or its answer was lost. One look tells.
    Once,
    /// It may have it later still: one look that finds nothing is not enough.
    Twice,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// Done; the row goes, unless the same work was asked for again meanwhile.
    Done,
    /// Try again at that time, with this doubt: what it was, when the attempt had no effect.
    RetryAt(Timestamp, Doubt),
    /// It was not its turn; that is no attempt.
    HeldUntil(Timestamp),
    /// It had no effect, and a person must act first: try again at that time, and as soon as it is asked for. Until then it
    /// is not late.
    AwaitsPerson(Timestamp),
    /// It can't be done; kept with its reason for a person to see.
    Parked(String),
}

/// One change, all of it or none of it.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What caused it: refused as a duplicate when it was recorded before.
    pub event: Option<(WorkspaceId, String)>,
    /// What it must not come after: refused as a duplicate when an event of this key was recorded before. Whoever records one
    /// waits until this change stands.
    pub unless: Option<String>,
    /// The case as it should stand; its revision must be the stored one (0 for a new case).
    pub case: Option<Case>,
    /// The channel as it should stand, likewise.
    pub channel: Option<(WorkspaceId, ChannelId, ChannelState)>,
    /// The week whose digest it asks for: refused as a duplicate when it was asked for before.
    pub digest: Option<(WorkspaceId, Week)>,
    /// Work to do.
    pub jobs: Vec<NewJob>,
    /// Keys of work not to do any more.
    pub cancel: Vec<String>,
    /// Messages whose files the case shall not read any more.
    pub leave_files: Vec<MessageTs>,
    /// Whether the app was removed from the workspace: its tokens go, and its work rests until it is installed again.
    pub uninstalled: bool,
    /// The job this change was made for, and how it ended.
    pub job: Option<(Job, JobEnd)>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It stands.
    Applied,
    /// Its event, its digest or what it must not come after was recorded before; nothing was changed.
    Duplicate,
}

/// How much work waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that are due and not done, those in flight or waiting for another attempt included.
    pub due: u64,
    /// Jobs in all.
    pub waiting: u64,
    /// Jobs that were given up.
    pub parked: u64,
    /// When the oldest of them was due first.
    pub oldest_due: Option<Timestamp>,
}

/// Work that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Whose.
    pub workspace: WorkspaceId,
    /// The key of the work.
    pub work: String,
    /// Why it can't be done.
    pub because: String,
}

/// Where everything is kept. Every method is about one workspace, or about all of them for the worker.
#[async_trait]
pub trait Store: Installations + Retention {
    /// Whether it can be read and its schema is current.
    async fn ready(&self) -> Result<(), StoreError>;
    /// Records who the bot is in a workspace.
    async fn save_workspace(&self, workspace: &Workspace) -> Result<(), StoreError>;
    /// Records that the configured token with this fingerprint is of this workspace.
    async fn save_own(&self, workspace: &WorkspaceId, fingerprint: &str) -> Result<(), StoreError>;
    /// The workspace whose configured token has this fingerprint.
    async fn own(&self, fingerprint: &str) -> Result<Option<Workspace>, StoreError>;
    /// Every workspace the bot works in.
    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError>;
    /// A number no other case of the workspace has.
    async fn new_case_number(&self, workspace: &WorkspaceId) -> Result<CaseNumber, StoreError>;
    /// The case with this number.
    async fn case(
        &self,
        workspace: &WorkspaceId,
        number: CaseNumber,
    ) -> Result<Option<Case>, StoreError>;
    /// The case that lives in this thread, or is about this message.
    async fn case_in_thread(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        root: &MessageTs,
    ) -> Result<Option<Case>, StoreError>;
    /// The case that holds evidence from this message, or is to read a file that came with it.
    async fn case_with_evidence(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        message: &MessageTs,
    ) -> Result<Option<Case>, StoreError>;
    /// The cases of a channel whose quiet period runs.
    async fn waiting_cases(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Vec<Case>, StoreError>;
    /// At most `limit` investigations (open or closed), newest first, for whoever reads them in this channel: private ones
    /// of other channels are left out.
    async fn investigations(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        limit: u32,
    ) -> Result<Vec<Case>, StoreError>;
    /// Investigations that ended in a period, and those open now that were opened before its end.
    async fn cases_of(
        &self,
        workspace: &WorkspaceId,
        period: &Period,
    ) -> Result<Vec<Case>, StoreError>;
    /// Cases in this channel whose card a person asked for and nobody has seen yet, oldest first.
    async fn cards_awaited(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Vec<CaseNumber>, StoreError>;
    /// What is known about a channel.
    async fn channel(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<ChannelState, StoreError>;
    /// When prompts were decided in a channel in the thirty days before `now`, oldest first, and on which topics.
    async fn prompts(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, String)>, StoreError>;
    /// Whether an event of this key was recorded.
    async fn saw(&self, workspace: &WorkspaceId, key: &str) -> Result<bool, StoreError>;
    /// From now on the cases of this channel are shown there only.
    async fn make_private(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<(), StoreError>;
    /// Makes one change, all of it or none of it, and durable when it returns.
    async fn commit(&self, change: &Change, now: Timestamp) -> Result<Committed, StoreError>;
    /// Claims at most `limit` due jobs of kinds we know until `lease_until`, none of these workspaces; a job whose lease ran
    /// out is due again, and in doubt.
    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
        but_not_of: &[WorkspaceId],
    ) -> Result<Vec<Job>, StoreError>;
    /// Prolongs a claim; a conflict when it is not ours any more.
    async fn prolong(&self, job: &Job, lease_until: Timestamp) -> Result<(), StoreError>;
    /// When the next job is due or the next lease runs out, but for these workspaces.
    async fn next_due(&self, but_not_of: &[WorkspaceId]) -> Result<Option<Timestamp>, StoreError>;
    /// How much work waits.
    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError>;
    /// At most `limit` pieces of work that were given up, the latest first.
    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, StoreError>;
    /// The kinds of work that waits and that this program does not know, and how much of each: a newer one asked for it.
    async fn unknown_work(&self) -> Result<Vec<(String, u64)>, StoreError>;
    /// Gives the work that was given up another chance, now; returns how much. Reading a file gets none: which file it
    /// was has been forgotten.
    async fn retry_parked(&self, now: Timestamp) -> Result<u64, StoreError>;
    /// Drops the work that was given up; returns how much.
    async fn forget_parked(&self) -> Result<u64, StoreError>;
}
