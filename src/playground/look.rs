//! Looking at the world: what people see in channels and threads, what was called, what was delivered.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::options::{Channel, Person};
use super::world::{Call, Delivery, View, World, into_map};

impl World {
    /// The messages people see in a channel, oldest first; replies only when broadcast.
    pub fn messages(&self, channel: &str) -> Vec<Value> {
        self.all(channel).into_iter().filter(in_channel).collect()
    }

    /// A message and its replies, oldest first.
    pub fn thread(&self, channel: &str, ts: &str) -> Vec<Value> {
        self.all(channel).into_iter().filter(|m| m["ts"] == ts || m["thread_ts"] == ts).collect()
    }

    /// Every message of a channel, replies included, oldest first.
    pub fn all(&self, channel: &str) -> Vec<Value> {
        let Some(id) = self.find_channel(channel).map(|c| c.id.clone()) else { return Vec::new() };
        let Some(posts) = self.posts.get(&id) else { return Vec::new() };
        let mut replies: HashMap<&str, Vec<&Value>> = HashMap::new();
        for message in posts.values() {
            if let Some(root) = root_of(message) {
                replies.entry(root).or_default().push(message);
            }
        }
        let of = |ts: &String| replies.get(ts.as_str()).map_or(&[][..], Vec::as_slice);
        posts.iter().map(|(ts, message)| with_replies(message, of(ts))).collect()
    }

    /// One message.
    pub fn message(&self, channel: &str, ts: &str) -> Option<Value> {
        let id = &self.find_channel(channel)?.id;
        let posts = self.posts.get(id)?;
        let message = posts.get(ts)?;
        let replies: Vec<&Value> = posts.values().filter(|m| root_of(m) == Some(ts)).collect();
        Some(with_replies(message, &replies))
    }

    /// What only this person sees, oldest first.
    pub fn ephemerals(&self, user: &str) -> Vec<Value> {
        self.ephemerals.iter().filter(|e| e.user == user).map(|e| e.message.clone()).collect()
    }

    /// Modals this person has open, the topmost last.
    pub fn views(&self, user: &str) -> Vec<View> {
        self.views.iter().filter(|v| v.user == user).cloned().collect()
    }

    /// The App Home this person would see.
    pub fn home(&self, user: &str) -> Option<Value> {
        self.homes.get(user).cloned()
    }

    /// Every Web API call so far.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Every attempt to hand something to the bot.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// How many calls of a method, in this channel or in any, scripted faults have spoiled.
    pub fn struck(&self, method: &str, channel: Option<&str>) -> usize {
        self.faults.struck(method, channel)
    }

    /// How many Socket Mode connections are open.
    pub fn socket_count(&self) -> usize {
        self.sockets.len()
    }

    /// A channel by id or by name, with or without `#`.
    pub fn find_channel(&self, id_or_name: &str) -> Option<&Channel> {
        let name = id_or_name.trim_start_matches('#');
        self.channels.get(id_or_name).or_else(|| self.channels.values().find(|c| c.name == name))
    }

    pub(super) fn person(&self, user: &str) -> Option<&Person> {
        self.options.workspace.people.iter().find(|p| p.id == user)
    }

    pub(super) fn bot_in(&self, channel: &Channel) -> bool {
        channel.is_im() || channel.members.contains(&self.options.app.user_id)
    }

    /// Ids of the events no attempt of which was acknowledged, in the order they happened.
    pub fn unacknowledged(&self) -> Vec<String> {
        let events = || self.deliveries.iter().filter(|d| d.kind == "events_api");
        let done: HashSet<&str> =
            events().filter(|d| d.ack.is_some()).map(|d| d.id.as_str()).collect();
        let mut open: Vec<String> = Vec::new();
        for delivery in events() {
            if !done.contains(delivery.id.as_str()) && !open.contains(&delivery.id) {
                open.push(delivery.id.clone());
            }
        }
        open
    }

    /// Whether some attempt of this event was acknowledged.
    pub(super) fn acknowledged(&self, event_id: &Value) -> bool {
        self.deliveries.iter().any(|d| *event_id == d.id.as_str() && d.ack.is_some())
    }

    /// The last calls and messages, for a test that waited in vain.
    pub(super) fn summary(&self) -> String {
        let mut text =
            format!("{} sockets, {} deliveries\n", self.sockets.len(), self.deliveries.len());
        for call in self.calls.iter().rev().take(12).rev() {
            let _ = writeln!(text, "call {} {} → {}", call.method, call.args, call.answer);
        }
        for (channel, posts) in &self.posts {
            for message in posts.values() {
                let _ = writeln!(
                    text,
                    "{channel} {} {}: {}",
                    message["ts"], message["user"], message["text"]
                );
            }
        }
        for delivery in self.deliveries.iter().rev().take(12).rev() {
            let what = &delivery.payload["event"]["type"];
            let _ = writeln!(
                text,
                "{} {} {what} acked {} {:?}",
                delivery.kind,
                delivery.id,
                delivery.ack.is_some(),
                delivery.failed
            );
        }
        text
    }
}

/// A message as events and plain history show it: metadata without its payload.
pub(super) fn shown(message: &Value) -> Value {
    let mut message = message.clone();
    if let Some(metadata) = message.get_mut("metadata") {
        *metadata = json!({ "event_type": metadata["event_type"] });
    }
    message
}

/// Whether a message stands in the channel itself, not only in a thread.
pub(super) fn in_channel(message: &Value) -> bool {
    root_of(message).is_none() || message["subtype"] == "thread_broadcast"
}

/// The root of the thread a reply stands in.
fn root_of(message: &Value) -> Option<&str> {
    message["thread_ts"].as_str().filter(|root| message["ts"] != *root)
}

fn with_replies(message: &Value, replies: &[&Value]) -> Value {
    let Some(last) = replies.last() else { return message.clone() };
    let mut users: Vec<&Value> = replies.iter().map(|m| &m["user"]).collect();
    users.sort_by_key(|user| user.as_str());
    users.dedup();
    let mut root = into_map(message.clone());
    root.insert("thread_ts".into(), message["ts"].clone());
    root.insert("reply_count".into(), json!(replies.len()));
    root.insert("reply_users_count".into(), json!(users.len()));
    root.insert("reply_users".into(), json!(users));
    root.insert("latest_reply".into(), last["ts"].clone());
    root.insert("subscribed".into(), json!(false));
    Value::Object(root)
}
