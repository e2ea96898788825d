//! What the app needs of the place where people talk.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::domain::card::Card;
use crate::domain::channel::Channel;
use crate::domain::investigation::CaseNumber;
use crate::domain::message::{Message, Place};
use crate::domain::wording::Line;
use crate::domain::{ChannelId, MessageTs, UserId, WorkspaceId};

/// Why the chat did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// Too much at once; it had no effect.
    #[error("rate limited")]
    RateLimited {
        /// How long to wait.
        retry_after: Duration,
    },
    /// It said no, with a code; it had no effect.
    #[error("refused: {code}")]
    Refused {
        /// The chat's own word for it.
        code: String,
    },
    /// It could not be reached, or said that it is broken; it had no effect.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// The answer was lost, or says nothing; it may have had its effect.
    #[error("no answer: {0}")]
    Uncertain(String),
    /// No answer came in the time we give it; it may have had its effect, or have it still.
    #[error("no answer yet: {0}")]
    Unanswered(String),
}

impl ChatError {
    /// Whether a code may go away while we wait: a token that is being replaced, a fault of the chat's own.
    pub fn may_heal(code: &str) -> bool {
        const HEALS: [&str; 9] = [
            "invalid_auth",
            "token_revoked",
            "token_expired",
            "account_inactive",
            "not_authed",
            "internal_error",
            "fatal_error",
            "service_unavailable",
            "team_access_not_granted",
        ];
        HEALS.contains(&code)
    }

    /// The same of a call that may be made again whatever became of it: what is in doubt of it merely did not arrive.
    #[must_use]
    pub fn without_doubt(self) -> Self {
        match self {
            Self::Uncertain(what) | Self::Unanswered(what) => Self::Unreachable(what),
            known => known,
        }
    }

    /// Whether a code says that we are not in the channel: who lets us in lets us do what was refused.
    pub fn not_let_in(code: &str) -> bool {
        matches!(code, "not_in_channel" | "channel_not_found")
    }
}

/// A public message, posted once.
#[derive(Clone, Debug, PartialEq)]
pub struct Post<'a> {
    /// Whose.
    pub workspace: &'a WorkspaceId,
    /// Where.
    pub channel: &'a ChannelId,
    /// In which thread; `None` for the channel itself.
    pub thread: Option<&'a MessageTs>,
    /// Names the message for ever, in its metadata.
    pub id: &'a str,
    /// What it says.
    pub body: Body<'a>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Body<'a> {
    /// A card with its buttons.
    Card(CaseNumber, &'a Card),
    /// Plain lines.
    Lines(&'a [Line]),
}

/// What only one person shall see.
#[derive(Clone, Copy, Debug)]
pub struct Whisper<'a> {
    /// Whose workspace.
    pub workspace: &'a WorkspaceId,
    /// Where they did what this answers.
    pub channel: &'a ChannelId,
    /// In which thread; `None` for the channel itself.
    pub thread: Option<&'a MessageTs>,
    /// Who.
    pub user: &'a UserId,
    /// What it says.
    pub lines: &'a [Line],
}

/// Where we talk.
#[async_trait]
pub trait Chat: Send + Sync {
    /// Posts a message and returns its timestamp.
    async fn post(&self, post: &Post<'_>) -> Result<MessageTs, ChatError>;
    /// Looks for a message of ours by its id among those posted since `since`.
    async fn find(&self, post: &Post<'_>, since: Timestamp)
    -> Result<Option<MessageTs>, ChatError>;
    /// Edits a message in place.
    async fn edit(&self, post: &Post<'_>, ts: &MessageTs) -> Result<(), ChatError>;
    /// How a channel stands now.
    async fn channel(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Channel, ChatError>;
    /// Whether the app is installed in a workspace; an error where that is not known for certain.
    async fn is_installed(&self, workspace: &WorkspaceId) -> Result<bool, ChatError>;
    /// Goes into a public channel.
    async fn join(&self, workspace: &WorkspaceId, channel: &ChannelId) -> Result<(), ChatError>;
    /// When somebody else last said something in a channel since `since`.
    async fn last_said(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, ChatError>;
    /// What people said in a thread, oldest first; without its first message.
    async fn replies(
        &self,
        workspace: &WorkspaceId,
        place: &Place,
        root: &MessageTs,
    ) -> Result<Vec<Message>, ChatError>;
    /// Says something only one person sees, where they are or else where they can be reached.
    async fn tell(&self, whisper: &Whisper<'_>) -> Result<(), ChatError>;
    /// Fetches a file's content as text, at most `bytes_max` of it.
    async fn file(
        &self,
        workspace: &WorkspaceId,
        url: &str,
        bytes_max: usize,
    ) -> Result<String, ChatError>;
}
