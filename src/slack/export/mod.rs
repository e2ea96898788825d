//! An export of a workspace, as Slack makes it: a zip or its unpacked folder, read one day of one channel at a time.
//!
//! Nothing is written, nothing is unpacked to disk, links in a folder are not followed. What can't be read is named
//! with file, line and reason, and skipped. Doesn't know what is done with the messages.

mod archive;
mod day;
mod tables;

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::path::Path;

use archive::{Archive, Entry};
pub use day::{Day, Said};
use tables::{Conversation, ConversationKind, Tables};

use crate::domain::ChannelId;

/// An opened export.
#[derive(Debug)]
pub struct Export {
    archive: Archive,
    bots: HashSet<String>,
    /// The days of each channel that are not read yet, in the order of time.
    days: Vec<VecDeque<Entry>>,
    /// The channels with messages, in the order of their folders.
    pub channels: Vec<Channel>,
    /// Conversations that were left out, since the bot is never in them.
    pub left_out: LeftOut,
    /// What could not be read so far.
    pub skipped: Vec<Skipped>,
}

/// A channel of an export.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its id; the folder's name where no table tells it.
    pub id: ChannelId,
    /// Its name, without `#`.
    pub name: String,
    /// Whether only invited people could read it.
    pub private: bool,
    /// Whether people of another company read it too.
    pub external: bool,
}

/// A day of a channel.
#[derive(Debug)]
pub struct DayFile {
    /// The file's path in the export.
    pub file: String,
    /// Its size, unpacked.
    pub bytes: u64,
    /// What it holds.
    pub day: Day,
}

/// How many conversations were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Between two people.
    pub direct: usize,
    /// Among several people.
    pub group: usize,
}

/// A file that could not be read, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its path in the export.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<usize>,
    /// Why.
    pub reason: String,
}

/// Why something is no export that can be replayed.
#[derive(Debug, thiserror::Error)]
pub enum NotAnExport {
    /// The path leads nowhere readable.
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    /// It is neither a folder nor a zip.
    #[error(
        "it is neither a folder nor a zip file ({0}): give the .zip that Slack sent, or the folder it unpacks to"
    )]
    NotAZip(String),
    /// It would unpack to far more than it holds.
    #[error("it is no export by Slack but a zip bomb: {0}; nothing of it was read")]
    Bomb(String),
    /// It holds no folder of a channel with days in it.
    #[error(
        "it holds no channel: expected channels.json and folders with files such as 2026-11-21.json; give the .zip that Slack sent, or the folder it unpacks to"
    )]
    NoChannel,
    /// It holds direct conversations and nothing else.
    #[error(
        "it holds direct conversations only ({0}), and the bot is never in these: export the channels too"
    )]
    DirectOnly(usize),
}

impl Export {
    /// Opens an export and lists what is in it.
    pub fn open(path: &Path) -> Result<Self, NotAnExport> {
        let mut skipped = Vec::new();
        let (mut archive, entries) = Archive::open(path, &mut skipped)?;
        let mut folders: BTreeMap<(String, String), Vec<Entry>> = BTreeMap::new();
        let mut tables = Tables::default();
        for entry in entries {
            let (folder, file) = entry.path.rsplit_once('/').unwrap_or(("", &entry.path));
            if tables::is_table(file) {
                let (folder, file) = (folder.to_owned(), file.to_owned());
                tables.read(&folder, &file, &mut archive, entry, &mut skipped);
            } else if is_day(file) && !folder.is_empty() {
                let (root, name) = folder.rsplit_once('/').unwrap_or(("", folder));
                folders.entry((root.to_owned(), name.to_owned())).or_default().push(entry);
            }
        }
        let (mut channels, mut days, mut left_out) = (Vec::new(), Vec::new(), LeftOut::default());
        for ((root, folder), mut files) in folders {
            let known = tables.conversation(&root, &folder);
            let conversation = known.cloned().unwrap_or_else(|| Conversation::unlisted(&folder));
            match conversation.kind {
                ConversationKind::Direct => left_out.direct += 1,
                ConversationKind::Group => left_out.group += 1,
                ConversationKind::Public | ConversationKind::Private => {
                    files.sort_by(|a, b| a.path.cmp(&b.path));
                    files.dedup_by(|a, b| a.path == b.path);
                    days.push(files.into());
                    channels.push(Channel {
                        id: ChannelId(conversation.id),
                        name: conversation.name,
                        private: conversation.kind == ConversationKind::Private,
                        external: conversation.external,
                    });
                }
            }
        }
        match left_out.direct + left_out.group {
            0 if channels.is_empty() => Err(NotAnExport::NoChannel),
            direct if channels.is_empty() => Err(NotAnExport::DirectOnly(direct)),
            _ => Ok(Self { archive, bots: tables.bots, days, channels, left_out, skipped }),
        }
    }

    /// The size of all days that are not read yet, unpacked.
    pub fn bytes(&self) -> u64 {
        self.days.iter().flatten().map(|day| day.bytes).sum()
    }

    /// Reads the next day of a channel; one that can't be read is empty, and is named.
    pub fn next_day(&mut self, channel: usize) -> Option<DayFile> {
        let entry = self.days.get_mut(channel)?.pop_front()?;
        let (file, bytes) = (entry.path.clone(), entry.bytes);
        let read = self.archive.read(entry).map_err(|reason| (None, reason));
        let parsed = read.and_then(|json| Day::parse(&json, &self.bots));
        let day = parsed.unwrap_or_else(|(line, reason)| {
            self.skipped.push(Skipped { file: file.clone(), line, reason });
            Day::default()
        });
        if day.unreadable > 0 {
            let reason = format!("messages without a time, skipped: {}", day.unreadable);
            self.skipped.push(Skipped { file: file.clone(), line: None, reason });
        }
        Some(DayFile { file, bytes, day })
    }
}

/// `2026-11-21.json`
fn is_day(file: &str) -> bool {
    let shape = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    file.strip_suffix(".json")
        .is_some_and(|day| day.len() == 10 && day.bytes().enumerate().all(shape))
}
