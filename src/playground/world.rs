//! Everything the stand-in remembers: channels, messages, views, calls, deliveries. Changes queue events for the bot.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::fault::Script;
use super::installing::Tokens;
use super::options::{Channel, Options};
use super::socket::Socket;
use super::{ids, look, wire};

/// What stands in the stand-in; read it through [`super::Playground::look`].
pub struct World {
    pub(super) options: Options,
    pub(super) base: String,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) posts: BTreeMap<String, BTreeMap<String, Value>>,
    pub(super) ephemerals: Vec<Ephemeral>,
    pub(super) files: BTreeMap<String, (String, Vec<u8>)>,
    pub(super) views: Vec<View>,
    pub(super) homes: BTreeMap<String, Value>,
    pub(super) triggers: HashMap<String, Trigger>,
    pub(super) hooks: HashMap<String, Hook>,
    pub(super) calls: Vec<Call>,
    pub(super) deliveries: Vec<Delivery>,
    pub(super) faults: Script,
    pub(super) sockets: Vec<Socket>,
    pub(super) pending: HashMap<String, (u64, oneshot::Sender<Value>)>,
    pub(super) door: Option<RequestUrls>,
    pub(super) outbox: Vec<Value>,
    pub(super) bot_token: String,
    pub(super) tokens: Tokens,
    pub(super) tickets: HashSet<String>,
    pub(super) pulls: VecDeque<String>,
    pub(super) socket_counter: u64,
    last_ts: u128,
}

/// A message only one person sees.
#[derive(Debug, Clone)]
pub struct Ephemeral {
    /// Who sees it.
    pub user: String,
    /// Where.
    pub channel: String,
    /// The message as Slack would show it.
    pub message: Value,
}

/// An open modal.
#[derive(Debug, Clone)]
pub struct View {
    /// Who has it open.
    pub user: String,
    /// The view as Slack would tell it, with `id`, `hash` and `state`.
    pub view: Value,
    /// Errors by block id from the last submission.
    pub errors: Value,
}

impl View {
    /// The view's id.
    pub fn id(&self) -> &str {
        self.view["id"].as_str().unwrap_or_default()
    }
}

/// One call of the Web API.
#[derive(Debug, Clone)]
pub struct Call {
    /// Method such as `chat.postMessage`.
    pub method: String,
    /// Arguments, those in JSON strings decoded.
    pub args: Value,
    /// The answer; null while it is not given (slow, lost, never).
    pub answer: Value,
    /// When it arrived.
    pub at: SystemTime,
}

/// One attempt to hand something to the bot.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Event id, or trigger id of an interaction or command.
    pub id: String,
    /// `events_api`, `interactive` or `slash_commands`.
    pub kind: &'static str,
    /// Envelope id when it went over Socket Mode.
    pub envelope_id: Option<String>,
    /// Number of the socket it went over; none for HTTP or when no socket was open.
    pub socket: Option<u64>,
    /// 0 for the first attempt.
    pub attempt: u32,
    /// What was sent.
    pub payload: Value,
    /// When.
    pub at: SystemTime,
    /// The acknowledgement.
    pub ack: Option<Ack>,
    /// Why there was none.
    pub failed: Option<String>,
}

/// What the bot answered.
#[derive(Debug, Clone)]
pub struct Ack {
    /// How long it took.
    pub after: Duration,
    /// Its payload or HTTP body; null when empty.
    pub body: Value,
}

/// The bot's URLs in HTTP mode.
#[derive(Debug, Clone)]
pub struct RequestUrls {
    /// Events.
    pub events: String,
    /// Interactions.
    pub interactivity: String,
    /// Slash commands.
    pub commands: String,
}

#[derive(Debug)]
pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) view: Option<String>,
    pub(super) born: Instant,
    pub(super) used: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) user: String,
    pub(super) channel: String,
    pub(super) message_ts: Option<String>,
    pub(super) thread_ts: Option<String>,
    pub(super) uses: u32,
}

impl World {
    pub(super) fn new(options: Options, base: String) -> Self {
        let channels: BTreeMap<_, _> =
            options.workspace.channels.iter().map(|c| (c.id.clone(), c.clone())).collect();
        Self {
            options,
            base,
            channels,
            posts: BTreeMap::new(),
            ephemerals: Vec::new(),
            files: BTreeMap::new(),
            views: Vec::new(),
            homes: BTreeMap::new(),
            triggers: HashMap::new(),
            hooks: HashMap::new(),
            calls: Vec::new(),
            deliveries: Vec::new(),
            faults: Script::default(),
            sockets: Vec::new(),
            pending: HashMap::new(),
            door: None,
            outbox: Vec::new(),
            bot_token: format!("xoxb-{}-{}", ids::random(12), ids::random(24)),
            tokens: Tokens::default(),
            tickets: HashSet::new(),
            pulls: VecDeque::new(),
            socket_counter: 0,
            last_ts: 0,
        }
    }

    /// The next message timestamp: now, and never the same twice.
    pub(super) fn next_ts(&mut self) -> String {
        let now = wire::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.last_ts = now.as_micros().max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts / 1_000_000, self.last_ts % 1_000_000)
    }

    /// Stores a message and tells the bot; a mention of the bot is told a second time as `app_mention`.
    pub(super) fn post(&mut self, channel: &str, message: Value) -> String {
        let given = message["ts"].as_str().map(str::to_owned);
        let ts = given.unwrap_or_else(|| self.next_ts());
        let mut message = into_map(message);
        message.insert("type".into(), json!("message"));
        message.insert("ts".into(), json!(ts));
        message.insert("team".into(), json!(self.options.workspace.id));
        let mut message = Value::Object(message);
        super::blocks::name_blocks(&mut message);
        self.posts.entry(channel.to_owned()).or_default().insert(ts.clone(), message.clone());
        let event = self.in_event(channel, &message, &ts);
        self.emit(event.clone(), Some(channel));
        let mention = format!("<@{}>", self.options.app.user_id);
        let text = message["text"].as_str().unwrap_or_default();
        // A line of Slack's own, such as "… has joined the channel", mentions nobody.
        let written = matches!(
            message["subtype"].as_str(),
            None | Some("file_share" | "thread_broadcast" | "me_message")
        );
        if written && message.get("bot_id").is_none() && text.contains(&mention) {
            let mut event = into_map(event);
            event.insert("type".into(), json!("app_mention"));
            event.remove("channel_type");
            event.remove("subtype");
            self.emit(Value::Object(event), Some(channel));
        }
        ts
    }

    /// Changes a message and tells the bot; false when it is not there.
    pub(super) fn change(
        &mut self,
        channel: &str,
        ts: &str,
        edit: impl FnOnce(&mut Value),
    ) -> bool {
        let Some(message) = self.posts.get_mut(channel).and_then(|posts| posts.get_mut(ts)) else {
            return false;
        };
        let before = message.clone();
        edit(message);
        super::blocks::name_blocks(message);
        let after = message.clone();
        let event_ts = self.next_ts();
        let event = json!({
            "type": "message", "subtype": "message_changed", "hidden": true, "channel": channel,
            "message": look::shown(&after), "previous_message": look::shown(&before),
            "ts": event_ts, "event_ts": event_ts, "channel_type": self.kind(channel),
        });
        self.emit(event, Some(channel));
        true
    }

    /// Deletes a message and tells the bot; one with replies leaves a tombstone, as in Slack.
    pub(super) fn remove(&mut self, channel: &str, ts: &str) -> bool {
        if self.thread(channel, ts).len() > 1 {
            return self.change(channel, ts, |message| {
                *message = json!({
                    "type": "message", "subtype": "tombstone", "text": "This message was deleted.",
                    "user": "USLACKBOT", "hidden": true, "ts": ts, "thread_ts": ts,
                });
            });
        }
        let Some(gone) = self.posts.get_mut(channel).and_then(|posts| posts.remove(ts)) else {
            return false;
        };
        let event_ts = self.next_ts();
        let event = json!({
            "type": "message", "subtype": "message_deleted", "hidden": true, "channel": channel,
            "deleted_ts": ts, "previous_message": look::shown(&gone),
            "ts": event_ts, "event_ts": event_ts, "channel_type": self.kind(channel),
        });
        self.emit(event, Some(channel));
        true
    }

    /// Queues an event for the bot, unless it is not subscribed or not in the channel.
    pub(super) fn emit(&mut self, event: Value, channel: Option<&str>) {
        let heard = channel.and_then(|id| self.channels.get(id)).is_none_or(|c| self.bot_in(c));
        if heard {
            self.emit_anyway(event, channel);
        }
    }

    /// Queues an event that reaches the bot without membership, if it is subscribed.
    pub(super) fn emit_anyway(&mut self, event: Value, channel: Option<&str>) {
        let kind = event["type"].as_str().unwrap_or_default();
        let name = match (kind, event["channel_type"].as_str()) {
            ("message", Some("im")) => "message.im".to_owned(),
            ("message", Some(channel_type)) => format!("message.{channel_type}s"),
            _ => kind.to_owned(),
        };
        let subscribed = &self.options.app.events;
        if subscribed.is_empty() || subscribed.contains(&name) {
            let shared = channel.and_then(|id| self.channels.get(id)).is_some_and(|c| c.ext_shared);
            let callback = self.event_callback(event, shared);
            self.outbox.push(callback);
        }
    }

    /// Shows a message to one person only.
    pub(super) fn whisper(&mut self, user: &str, channel: &str, message: Value) -> String {
        let ts = self.next_ts();
        let mut message = into_map(message);
        message.insert("type".into(), json!("message"));
        message.insert("ts".into(), json!(ts));
        message.insert("is_ephemeral".into(), json!(true));
        let mut message = Value::Object(message);
        super::blocks::name_blocks(&mut message);
        self.ephemerals.push(Ephemeral {
            user: user.to_owned(),
            channel: channel.to_owned(),
            message,
        });
        ts
    }

    /// The direct conversation between a person and the bot, made when it is missing.
    pub(super) fn im_with(&mut self, user: &str) -> String {
        let id = format!("D{}", user.trim_start_matches('U'));
        let members = vec![user.to_owned(), self.options.app.user_id.clone()];
        self.channels.entry(id.clone()).or_insert_with(|| Channel {
            id: id.clone(),
            private: true,
            members,
            ..Channel::default()
        });
        id
    }

    pub(super) fn kind(&self, channel: &str) -> &'static str {
        self.channels.get(channel).map_or("channel", Channel::kind)
    }

    fn in_event(&self, channel: &str, message: &Value, ts: &str) -> Value {
        let mut event = into_map(look::shown(message));
        event.insert("channel".into(), json!(channel));
        event.insert("channel_type".into(), json!(self.kind(channel)));
        event.insert("event_ts".into(), json!(ts));
        Value::Object(event)
    }
}

pub(super) fn into_map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
