//! The tables of an export: which conversations there are, and which accounts are bots.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Skipped;
use super::archive::{Archive, Entry};

/// The tables that are read. `org_users.json` stands in for `users.json` in the export of an organisation.
const CONVERSATIONS: [(&str, ConversationKind); 4] = [
    ("channels.json", ConversationKind::Public),
    ("groups.json", ConversationKind::Private),
    ("mpims.json", ConversationKind::Group),
    ("dms.json", ConversationKind::Direct),
];
const USERS: [&str; 2] = ["users.json", "org_users.json"];

/// What the tables tell. Each folder that has tables has conversations of its own (an organisation's export holds
/// several workspaces, a zip may have a folder on top).
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// By the folder of the table and the folder of the conversation, which is its name or its id.
    conversations: HashMap<(String, String), Conversation>,
    /// Accounts of bots.
    pub bots: HashSet<String>,
}

/// A conversation.
#[derive(Clone, Debug)]
pub(super) struct Conversation {
    pub id: String,
    pub name: String,
    pub kind: ConversationKind,
    pub external: bool,
}

/// Who could be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConversationKind {
    Public,
    Private,
    Group,
    Direct,
}

#[derive(Deserialize)]
struct ConversationRow {
    id: Option<String>,
    name: Option<String>,
    is_ext_shared: Option<bool>,
}

#[derive(Deserialize)]
struct UserRow {
    id: Option<String>,
    is_bot: Option<bool>,
}

/// Whether a file is a table that is read.
pub(super) fn is_table(file: &str) -> bool {
    USERS.contains(&file) || CONVERSATIONS.iter().any(|(name, _)| *name == file)
}

impl Tables {
    /// Reads a table; one that can't be read is named.
    pub(super) fn read(
        &mut self,
        folder: &str,
        file: &str,
        archive: &mut Archive,
        entry: Entry,
        skipped: &mut Vec<Skipped>,
    ) {
        let path = entry.path.clone();
        let read = match CONVERSATIONS.iter().find(|(name, _)| *name == file) {
            Some((_, kind)) => rows(archive, entry).map(|rows| self.add(folder, *kind, rows)),
            None => rows(archive, entry).map(|rows: Vec<UserRow>| {
                let bots = rows.into_iter().filter(|user| user.is_bot == Some(true));
                self.bots.extend(bots.filter_map(|user| user.id));
            }),
        };
        if let Err((line, reason)) = read {
            skipped.push(Skipped { file: path, line, reason });
        }
    }

    fn add(&mut self, folder: &str, kind: ConversationKind, rows: Vec<ConversationRow>) {
        for row in rows {
            let Some(id) = row.id else { continue };
            let name = row.name.filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone());
            let external = row.is_ext_shared == Some(true);
            let conversation = Conversation { id: id.clone(), name: name.clone(), kind, external };
            for key in [id, name] {
                self.conversations.insert((folder.to_owned(), key), conversation.clone());
            }
        }
    }

    /// The conversation whose messages stand in `folder`, beside the tables in `root`.
    pub(super) fn conversation(&self, root: &str, folder: &str) -> Option<&Conversation> {
        self.conversations.get(&(root.to_owned(), folder.to_owned()))
    }
}

impl Conversation {
    /// One that no table lists: its table is broken, or another tool made the export. Slack's own names tell its kind.
    pub(super) fn unlisted(folder: &str) -> Self {
        let is_id = folder.len() > 8
            && folder.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let kind = match folder {
            direct if is_id && direct.starts_with('D') => ConversationKind::Direct,
            group if group.starts_with("mpdm-") => ConversationKind::Group,
            _ => ConversationKind::Public,
        };
        Self { id: folder.to_owned(), name: folder.to_owned(), kind, external: false }
    }
}

fn rows<T: DeserializeOwned>(
    archive: &mut Archive,
    entry: Entry,
) -> Result<Vec<T>, (Option<usize>, String)> {
    let json = archive.read(entry).map_err(|reason| (None, reason))?;
    super::day::from_json(&json)
}
