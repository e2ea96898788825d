//! One day of one channel: what people wrote, in the order of time.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::domain::{MessageTs, UserId};
use crate::slack::decode::WRITTEN;

/// What a day holds.
#[derive(Debug, Default)]
pub struct Day {
    /// What people wrote.
    pub messages: Vec<Said>,
    /// Messages by bots and apps.
    pub by_bots: u64,
    /// Joins, topics, and what else is no message by a person.
    pub events: u64,
    /// Messages that were deleted: their words are not in the export.
    pub deleted: u64,
    /// Messages without a time.
    pub unreadable: u64,
}

/// What a person wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its timestamp, which also names it.
    pub ts: MessageTs,
    /// When.
    pub at: Timestamp,
    /// The thread it answers in.
    pub thread: Option<MessageTs>,
    /// Who.
    pub author: UserId,
    /// Its text as it stands now, with Slack's markup.
    pub text: String,
    /// Whether it was changed after it was written: the export holds the last words only.
    pub edited: bool,
}

/// A message as the export holds it; fields of another type than Slack's are taken for absent.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow, default)]
    r#type: Text<'a>,
    #[serde(borrow, default)]
    subtype: Text<'a>,
    #[serde(borrow, default)]
    ts: Text<'a>,
    #[serde(borrow, default)]
    thread_ts: Text<'a>,
    #[serde(borrow, default)]
    user: Text<'a>,
    #[serde(borrow, default)]
    bot_id: Text<'a>,
    bot_profile: Option<IgnoredAny>,
    #[serde(borrow, default)]
    text: Text<'a>,
    edited: Option<IgnoredAny>,
}

impl Day {
    /// Reads a day file; fails with line and reason.
    pub(super) fn parse(
        json: &[u8],
        bots: &HashSet<String>,
    ) -> Result<Self, (Option<usize>, String)> {
        let rows: Vec<Row<'_>> = from_json(json)?;
        let mut day = Self { messages: Vec::with_capacity(rows.len()), ..Self::default() };
        for row in rows {
            day.add(row, bots);
        }
        // Slack writes in the order of time, other tools may not; a reply sent to the channel too may stand twice.
        day.messages.sort_by(|a, b| (a.at, a.ts.as_str()).cmp(&(b.at, b.ts.as_str())));
        day.messages.dedup_by(|a, b| a.ts == b.ts);
        Ok(day)
    }

    fn add(&mut self, row: Row<'_>, bots: &HashSet<String>) {
        let (subtype, author) = (row.subtype.given(), row.user.given());
        let by_a_bot = row.bot_id.given().is_some()
            || row.bot_profile.is_some()
            || subtype == Some("bot_message")
            || author.is_some_and(|author| author == "USLACKBOT" || bots.contains(author));
        let written = row.r#type.given().is_none_or(|kind| kind == "message")
            && subtype.is_none_or(|subtype| WRITTEN.contains(&subtype));
        match (author.filter(|_| written), row.ts.given().and_then(time)) {
            _ if subtype == Some("tombstone") => self.deleted += 1,
            _ if by_a_bot => self.by_bots += 1,
            (None, _) => self.events += 1,
            (Some(_), None) => self.unreadable += 1,
            (Some(author), Some((ts, at))) => {
                let thread = row.thread_ts.given().filter(|root| *root != ts);
                self.messages.push(Said {
                    ts: ts.into(),
                    at,
                    thread: thread.map(MessageTs::from),
                    author: author.into(),
                    text: row.text.0.unwrap_or_default().into_owned(),
                    edited: row.edited.is_some(),
                });
            }
        }
    }
}

/// A timestamp (`1763712000.000100`) and its time, to the second as the bot reads it.
fn time(ts: &str) -> Option<(&str, Timestamp)> {
    let seconds = ts.split_once('.').map_or(ts, |(seconds, _)| seconds).parse().ok()?;
    Timestamp::from_second(seconds).ok().filter(|at| at.as_second() > 0).map(|at| (ts, at))
}

/// Reads a list as JSON; a fault names its line. A byte order mark before it is no fault.
pub(super) fn from_json<'a, T: Deserialize<'a>>(
    json: &'a [u8],
) -> Result<Vec<T>, (Option<usize>, String)> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    serde_json::from_slice(json).map_err(|error| {
        let line = Some(error.line()).filter(|line| *line > 0);
        let reason = match error.classify() {
            serde_json::error::Category::Eof => "the file ends in the middle",
            serde_json::error::Category::Data => "not a list of what Slack exports",
            _ => "not JSON",
        };
        (line, reason.to_owned())
    })
}

/// A string, or nothing where something else stands.
#[derive(Default)]
struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    fn given(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}
