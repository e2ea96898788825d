//! What we do: load, think, save; then deliver. Knows traits only: no SQL, no Slack, no HTTP.
//!
//! To add something people can do: 1. a variant in `domain/message.rs`; 2. what it does to a case, in
//! `domain/investigation.rs`; 3. the branch in `hear.rs` or `act.rs`, which has it happen (`happen.rs`); 4. its story in
//! `tests/`.

mod act;
mod asked;
mod attempts;
mod channel;
mod command;
pub mod deliver;
mod digest;
mod doubt;
mod gone;
mod happen;
mod hear;
mod incident;
pub mod installations;
mod lease;
pub mod panics;
pub mod ports;
mod privacy;
mod pulse;
pub mod recent;
mod refusal;
mod removal;
pub mod retention;
mod thread;
mod trust;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use self::attempts::Attempts;
use self::ports::{Change, Clock, Committed, Store, StoreError};
use self::privacy::PrivateChannels;
use self::pulse::Pulse;
use self::recent::Recent;
use crate::domain::channel::Patterns;
use crate::domain::digest::{Schedule, Week};
use crate::domain::form::{FormView, Sheet};
use crate::domain::knowledge::Knowledge;
use crate::domain::message::{Event, Incoming, Trigger};
use crate::domain::policy::{Limits, QuietHours};
use crate::domain::wording::{Line, Wording};
use crate::domain::{ChannelId, WorkspaceId};

/// How often a change is decided anew when somebody else was faster.
const TRIES_MAX: u32 = 5;

/// The bot, apart from how it is reached.
pub struct App {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    knowledge: Arc<Knowledge>,
    limits: Limits,
    quiet_hours: Option<QuietHours>,
    incidents: Patterns,
    /// When a digest is due, where in each workspace, and the last week this process has looked at there.
    schedule: Schedule,
    digests: BTreeMap<WorkspaceId, ChannelId>,
    digests_seen: Mutex<BTreeMap<WorkspaceId, Week>>,
    recent: Recent,
    private_channels: PrivateChannels,
    wake: Notify,
    pulse: Pulse,
    attempts: Attempts,
    /// How long after its end a case's words are kept; `None` for ever.
    cases_kept: Option<SignedDuration>,
}

/// What the person who did something sees at once; the rest is delivered by the worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing; a form closes.
    Nothing,
    /// Lines only they see.
    Private(Vec<Line>),
    /// A form opens.
    Form(Box<FormView>, Trigger),
    /// A sheet opens.
    Sheet(Sheet, Trigger),
    /// The form stays, with what is wrong in which field.
    Wrong(Vec<(&'static str, String)>),
}

impl App {
    /// Puts the bot together.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        knowledge: Arc<Knowledge>,
        limits: Limits,
        incidents: Patterns,
    ) -> Self {
        Self {
            store,
            clock,
            knowledge,
            limits,
            quiet_hours: None,
            incidents,
            schedule: Schedule::default(),
            digests: BTreeMap::new(),
            digests_seen: Mutex::default(),
            recent: Recent::default(),
            private_channels: PrivateChannels::default(),
            wake: Notify::new(),
            pulse: Pulse::default(),
            attempts: Attempts::default(),
            cases_kept: None,
        }
    }

    /// The same bot, quiet in these hours.
    #[must_use]
    pub fn with_quiet_hours(self, quiet_hours: Option<QuietHours>) -> Self {
        Self { quiet_hours, ..self }
    }

    /// Takes what happened. When it returns `Ok`, it is recorded, or was judged ordinary and forgotten: it may be
    /// acknowledged. On `Err` it must come again.
    pub async fn handle(&self, incoming: &Incoming) -> Result<Answer, StoreError> {
        let Incoming { workspace, key, event } = incoming;
        let mut tries = 0;
        loop {
            let answer = self.handle_once(workspace, key, event.clone()).await;
            tries += 1;
            match answer {
                Err(StoreError::Conflict) if tries < TRIES_MAX => {}
                other => return other,
            }
        }
    }

    async fn handle_once(
        &self,
        workspace: &WorkspaceId,
        key: &str,
        event: Event,
    ) -> Result<Answer, StoreError> {
        let cause = Cause { workspace, key };
        match event {
            Event::Written(message) => self.written(cause, message).await,
            Event::Edited(message) => self.edited(cause, message).await,
            Event::Deleted { channel, ts } => self.deleted(cause, &channel, &ts).await,
            Event::Clicked(click) => self.clicked(cause, click).await,
            Event::Submitted(submission) => self.submitted(cause, submission).await,
            Event::Commanded(command) => self.commanded(cause, &command).await,
            Event::Shortcut(shortcut) => self.shortcut(cause, shortcut).await,
            Event::ChannelChanged { channel, name, news } => {
                self.channel_changed(cause, channel, name, news).await
            }
            Event::Uninstalled => self.uninstalled(cause).await,
        }
    }

    /// The store, for the adapters that only read.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Whether it can do its work: the store can be read, its schema is current, it can be written, and the worker looks
    /// for work.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await?;
        self.pulse.check()
    }

    /// A phrase of ours in English, for an adapter that must say that something went wrong.
    pub fn phrase(&self, name: &str) -> Line {
        self.wording("en").line(name, &[])
    }

    fn wording(&self, language: &str) -> &Wording {
        self.knowledge.wordings.of(language)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn save(&self, change: Change) -> Result<Committed, StoreError> {
        let committed = self.store.commit(&change, self.now()).await?;
        if !change.jobs.is_empty() {
            self.wake.notify_one();
        }
        if committed == Committed::Duplicate {
            metrics::counter!("secondlook_duplicates_total").increment(1);
        }
        Ok(committed)
    }

    /// Records that something was handled that changes nothing else; tells whether it was new.
    async fn first_time(&self, cause: Cause<'_>) -> Result<bool, StoreError> {
        let change = Change { event: Some(cause.event()), ..Change::default() };
        Ok(self.save(change).await? == Committed::Applied)
    }
}

/// What caused a change: the event and whose it is.
#[derive(Clone, Copy)]
struct Cause<'a> {
    workspace: &'a WorkspaceId,
    key: &'a str,
}

impl Cause<'_> {
    fn event(self) -> (WorkspaceId, String) {
        (self.workspace.clone(), self.key.to_owned())
    }
}
