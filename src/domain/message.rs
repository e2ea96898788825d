//! What reaches us from people, in our own words: messages, clicks, answers to a form, commands.
//!
//! Doesn't know how a chat product spells these; the adapter that receives them decodes into this.

use jiff::Timestamp;

use super::investigation::CaseNumber;
use super::{ChannelId, MessageTs, UserId, WorkspaceId};

/// One thing that happened, as it was delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Where.
    pub workspace: WorkspaceId,
    /// Names this happening for ever, also when it is delivered again.
    pub key: String,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody wrote a message.
    Written(Message),
    /// Somebody changed a message; holds it as it stands now.
    Edited(Message),
    /// A message is gone.
    Deleted {
        /// Where it stood.
        channel: ChannelId,
        /// Which one.
        ts: MessageTs,
    },
    /// Somebody pressed a button or picked from a menu on a card.
    Clicked(Click),
    /// Somebody sent a form.
    Submitted(Submission),
    /// Somebody used the slash command.
    Commanded(Command),
    /// Somebody used a shortcut on a message.
    Shortcut(Shortcut),
    /// Something happened to a channel, or to the bot in it.
    ChannelChanged {
        /// Which.
        channel: ChannelId,
        /// Its name, where it was told.
        name: Option<String>,
        /// What.
        news: ChannelNews,
    },
    /// The bot may not work in this workspace any more.
    Uninstalled,
}

/// What happened to a channel, or to the bot in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelNews {
    /// It was made, renamed, or taken out of the archive.
    There,
    /// The bot came in.
    Joined,
    /// The bot was sent out, or it was archived or deleted.
    Gone,
    /// From now on only invited people can read it.
    Private,
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The channel.
    pub channel: ChannelId,
    /// Whether only invited people can read it.
    pub private: bool,
    /// Whether people of another company read it too.
    pub external: bool,
}

/// A message by a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Where it stands.
    pub place: Place,
    /// Its timestamp, which also names it.
    pub ts: MessageTs,
    /// The thread it answers in; `None` for a message of the channel itself.
    pub thread: Option<MessageTs>,
    /// Who wrote it.
    pub author: UserId,
    /// Its text as the chat product stores it, with its markup.
    pub text: String,
    /// Its text as a person reads it: links by their label, mentions without ids.
    pub readable: String,
    /// Files that came with it.
    pub files: Vec<File>,
    /// Whether it was delivered because it addresses the bot by name.
    pub mention: bool,
    /// Whether the thread it answers in was begun by the bot.
    pub answers_us: bool,
    /// A link to it.
    pub permalink: String,
}

impl Message {
    /// The message that starts the thread this one belongs to.
    pub fn root(&self) -> &MessageTs {
        self.thread.as_ref().unwrap_or(&self.ts)
    }
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where its content can be fetched with the bot's token.
    pub url: String,
    /// Its size in bytes, as announced.
    pub size: u64,
    /// Whether it says it is text.
    pub text: bool,
}

/// A press on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// What was pressed.
    pub action: Action,
    /// The case the card belongs to.
    pub case: CaseNumber,
    /// Where the card stands.
    pub channel: ChannelId,
    /// Who pressed.
    pub by: UserId,
    /// Allows a form to be opened, for three seconds.
    pub trigger: Trigger,
}

/// Allows a form to be opened, once and for three seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger(pub String);

super::wire_enum! {
    /// What can be pressed on a card.
    Action {
        /// Open an investigation.
        Open = "open",
        /// "Not a proposal".
        Dismiss = "dismiss",
        /// Close with an outcome.
        Close = "close",
        /// Add evidence by link or text.
        AddEvidence = "add_evidence",
        /// "Why am I seeing this?"
        Why = "why",
        /// Every suspect and check.
        Checklist = "checklist",
        /// Never speak on this topic here.
        NeverTopic = "never_topic",
        /// Pause the bot in this channel.
        Pause = "pause",
    }
}

/// A form as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Which form, with what it was opened for.
    pub form: Form,
    /// Who sent it.
    pub by: UserId,
    /// The answers by field name; an empty answer is absent.
    pub answers: Vec<(String, String)>,
}

impl Submission {
    /// The answer to one field, trimmed; `None` when it was left empty.
    pub fn answer(&self, field: &str) -> Option<&str> {
        let (_, value) = self.answers.iter().find(|(name, _)| name == field)?;
        Some(value.trim()).filter(|v| !v.is_empty())
    }
}

/// A form, with what it was opened for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Opens an investigation without a card before it.
    Investigate {
        /// Where the card will stand.
        place: Place,
        /// The message it is about, when it was opened from one.
        root: Option<MessageTs>,
    },
    /// Turns a prompt into an investigation, or adds to its problem statement.
    Open {
        /// Which.
        case: CaseNumber,
        /// Where it was opened from.
        channel: ChannelId,
    },
    /// Closes a case with its outcome.
    Close {
        /// Which.
        case: CaseNumber,
        /// Where it was opened from.
        channel: ChannelId,
    },
    /// Adds evidence.
    AddEvidence {
        /// To which.
        case: CaseNumber,
        /// Where it was opened from.
        channel: ChannelId,
    },
}

/// A use of the slash command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where.
    pub place: Place,
    /// Who.
    pub by: UserId,
    /// What follows the command's name.
    pub text: String,
    /// Allows a form to be opened.
    pub trigger: Trigger,
}

/// A use of a message shortcut.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortcut {
    /// Which.
    pub what: ShortcutKind,
    /// On which message.
    pub message: Message,
    /// Who used it.
    pub by: UserId,
    /// Allows a form to be opened.
    pub trigger: Trigger,
}

super::wire_enum! {
    /// The shortcuts on a message.
    ShortcutKind {
        /// Open an investigation from this message.
        OpenInvestigation = "open_investigation",
        /// Add this message as evidence.
        AddAsEvidence = "add_as_evidence",
        /// Ask for the trace: what would show this?
        AskForTrace = "ask_for_trace",
    }
}

/// The time in a message timestamp (`1763712000.000100`); the epoch where it can't be read.
pub fn time_of(ts: &MessageTs) -> Timestamp {
    let seconds = ts.as_str().split('.').next().and_then(|s| s.parse().ok()).unwrap_or(0);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}
