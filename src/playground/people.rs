//! Acting as people: writing, editing, uploading, clicking, commanding, filling modals.

use std::fmt;

use serde_json::{Map, Value, json};

use super::deliver::Kind;
use super::wire::Place;
use super::world::{Ack, Hook, World, into_map};
use super::{Playground, ids, picks, text};

/// A message a person writes.
#[derive(Debug, Clone, Default)]
pub struct Say {
    /// Channel id or name.
    pub channel: String,
    /// Who writes.
    pub user: String,
    /// The text as Slack tells it: `&lt;` escaped, mentions as `<@U…>`.
    pub text: String,
    /// The thread it belongs to.
    pub thread_ts: Option<String>,
    /// Also sent to the channel.
    pub broadcast: bool,
    /// `me_message` and the like.
    pub subtype: Option<String>,
    /// When, for two workspaces with the same timestamps; otherwise now.
    pub ts: Option<String>,
}

impl Say {
    /// A message in a channel.
    pub fn new(channel: &str, user: &str, text: &str) -> Self {
        Self {
            channel: channel.to_owned(),
            user: user.to_owned(),
            text: text.to_owned(),
            ..Self::default()
        }
    }

    /// The same message as a reply.
    #[must_use]
    pub fn in_thread(mut self, ts: &str) -> Self {
        self.thread_ts = Some(ts.to_owned());
        self
    }
}

/// A file or snippet a person shares.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    /// Channel id or name.
    pub channel: String,
    /// Who shares it.
    pub user: String,
    /// The thread it belongs to.
    pub thread_ts: Option<String>,
    /// File name.
    pub name: String,
    /// Content.
    pub content: Vec<u8>,
    /// Made with "create a text snippet" and not uploaded.
    pub snippet: bool,
    /// Text beside it.
    pub comment: String,
}

/// What became of an interaction.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its trigger id.
    pub trigger_id: String,
    /// The acknowledgement; none when it did not come in time, which a person sees as an error.
    pub ack: Option<Ack>,
}

/// A person cannot do this in Slack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl Playground {
    /// Writes a message; returns its timestamp.
    pub fn say(&self, say: Say) -> Result<String, Refused> {
        self.shared.act(|world| {
            let channel = world.writable(&say.channel, &say.user)?;
            let mut message =
                world.draft(&channel, &say.user, &say.text, say.thread_ts.as_deref())?;
            if let Some(subtype) = say.subtype {
                message.insert("subtype".into(), json!(subtype));
            }
            if let Some(ts) = say.ts {
                message.insert("ts".into(), json!(ts));
            }
            if let (true, Some(root)) = (say.broadcast, &say.thread_ts) {
                message.insert("subtype".into(), json!("thread_broadcast"));
                message.insert("root".into(), world.message(&channel, root).unwrap_or_default());
            }
            Ok(world.post(&channel, Value::Object(message)))
        })
    }

    /// Changes the text of one's own message.
    pub fn edit(&self, user: &str, channel: &str, ts: &str, text: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let channel = world.own(user, channel, ts)?;
            let edited = json!({ "user": user, "ts": world.next_ts() });
            world.change(&channel, ts, |message| {
                message["text"] = json!(text);
                message["blocks"] = text::rich_text(text);
                message["edited"] = edited;
            });
            Ok(())
        })
    }

    /// Deletes the files of one's own message; what it says stays, and so do their places in it.
    pub fn delete_files(&self, user: &str, channel: &str, ts: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let channel = world.own(user, channel, ts)?;
            world.change(&channel, ts, |message| {
                for file in message["files"].as_array_mut().into_iter().flatten() {
                    *file = json!({ "id": file["id"], "mode": "tombstone" });
                }
            });
            Ok(())
        })
    }

    /// Deletes one's own message.
    pub fn delete(&self, user: &str, channel: &str, ts: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let channel = world.own(user, channel, ts)?;
            world.remove(&channel, ts);
            Ok(())
        })
    }

    /// Slack unfurls a link: `message_changed` with unchanged text.
    pub fn unfurl(&self, channel: &str, ts: &str, url: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let channel = world.channel_id(channel)?;
            let card = json!([{ "id": 1, "from_url": url, "original_url": url, "title": "A page", "fallback": url }]);
            if world.change(&channel, ts, |message| message["attachments"] = card) {
                Ok(())
            } else {
                Err(no_message())
            }
        })
    }

    /// Shares a file; returns the message's timestamp.
    pub fn upload(&self, upload: &Upload) -> Result<String, Refused> {
        self.shared.act(|world| {
            let channel = world.writable(&upload.channel, &upload.user)?;
            let mut message = world.draft(
                &channel,
                &upload.user,
                &upload.comment,
                upload.thread_ts.as_deref(),
            )?;
            message.insert("subtype".into(), json!("file_share"));
            message.insert("upload".into(), json!(true));
            message.insert("files".into(), json!([world.keep_file(upload)]));
            Ok(world.post(&channel, Value::Object(message)))
        })
    }

    /// Presses a button of a message or an ephemeral message.
    pub async fn click(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
    ) -> Result<Answer, Refused> {
        self.choose(user, channel, ts, action_id, &Value::Null).await
    }

    /// Picks an option (by its value) from a menu of a message.
    pub async fn choose(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        action_id: &str,
        pick: &Value,
    ) -> Result<Answer, Refused> {
        let payload = self.shared.touch(|world| {
            let channel = world.channel_id(channel)?;
            let whispered = world
                .ephemerals
                .iter()
                .find(|e| e.user == user && e.channel == channel && e.message["ts"] == ts);
            let (message, ephemeral) = match whispered {
                Some(whispered) => (whispered.message.clone(), true),
                None => (world.message(&channel, ts).ok_or_else(no_message)?, false),
            };
            let action = picks::action(&message["blocks"], action_id, pick).map_err(Refused)?;
            Ok(world.block_actions(
                user,
                &Place { channel, message, ephemeral, view: None },
                &action,
            ))
        })?;
        Ok(self.interact(&payload).await)
    }

    /// Acts on an element of an open modal or of App Home, with the fields filled in so far.
    pub async fn act_in_view(
        &self,
        user: &str,
        view_id: &str,
        action_id: &str,
        pick: &Value,
        filled: &Value,
    ) -> Result<Answer, Refused> {
        let payload = self.shared.touch(|world| {
            let mut view = world.seen_view(user, view_id)?;
            let action = picks::action(&view.view["blocks"], action_id, pick).map_err(Refused)?;
            if let Ok(state) = picks::state(&view.view["blocks"], filled) {
                view.view["state"] = state;
            }
            let place = Place {
                channel: String::new(),
                message: Value::Null,
                ephemeral: false,
                view: Some(view),
            };
            Ok(world.block_actions(user, &place, &action))
        })?;
        Ok(self.interact(&payload).await)
    }

    /// Types a slash command. The private answer, if any, is among the person's ephemerals.
    pub async fn command(
        &self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Result<Answer, Refused> {
        let (channel, payload) = self.shared.touch(|world| {
            let channel = world.channel_id(channel)?;
            if !world.options.app.commands.iter().any(|(name, _)| name == command) {
                return Err(Refused(format!("{command} is not a valid command.")));
            }
            let payload = world.slash_command(user, &channel, command, text);
            Ok((channel, payload))
        })?;
        let ack = self.shared.deliver(Kind::Command, &payload, 0, "").await;
        self.shared.act(|world| {
            let said = ack.as_ref().map_or_else(
                || json!({ "text": format!("{command} failed with the error “operation_timeout”") }),
                |ack| if ack.body.is_string() { json!({ "text": ack.body }) } else { ack.body.clone() },
            );
            let hook = Hook { user: user.to_owned(), channel, message_ts: None, thread_ts: None, uses: 0 };
            if said.get("text").or(said.get("blocks")).is_some() {
                world.respond(&hook, &said);
            }
        });
        Ok(Answer { trigger_id: trigger(&payload), ack })
    }

    /// Picks a message shortcut.
    pub async fn shortcut(
        &self,
        user: &str,
        channel: &str,
        ts: &str,
        callback_id: &str,
    ) -> Result<Answer, Refused> {
        let payload = self.shared.touch(|world| {
            let channel = world.channel_id(channel)?;
            let message = world.message(&channel, ts).ok_or_else(no_message)?;
            let mut payload = world.interaction("message_action", user, None);
            payload["callback_id"] = json!(callback_id);
            payload["message_ts"] = json!(ts);
            payload["action_ts"] = json!(world.next_ts());
            payload["channel"] = json!({ "id": channel, "name": world.told_name(&channel) });
            let thread_ts = message["thread_ts"].as_str().map(str::to_owned);
            payload["message"] = message;
            let hook =
                Hook { user: user.to_owned(), channel, message_ts: None, thread_ts, uses: 0 };
            payload["response_url"] = json!(world.new_hook(hook));
            Ok(payload)
        })?;
        Ok(self.interact(&payload).await)
    }

    /// Submits a modal with its fields by block id: text, an option's value, or a list of values. The answer's body is
    /// the bot's `response_action`, already carried out.
    pub async fn submit(
        &self,
        user: &str,
        view_id: &str,
        filled: &Value,
    ) -> Result<Answer, Refused> {
        let payload = self.shared.touch(|world| {
            let mut view = world.seen_view(user, view_id)?;
            view.view["state"] = picks::state(&view.view["blocks"], filled).map_err(Refused)?;
            if let Some(open) = world.views.iter_mut().find(|open| open.id() == view_id) {
                open.view = view.view.clone();
                open.errors = Value::Null;
            }
            let mut payload = world.interaction("view_submission", user, Some(view_id));
            payload["view"] = view.view;
            payload["response_urls"] = json!([]);
            Ok(payload)
        })?;
        let ack = self.shared.deliver(Kind::Interaction, &payload, 0, "").await;
        self.shared
            .act(|world| world.after_submission(user, view_id, ack.as_ref().map(|ack| &ack.body)));
        Ok(Answer { trigger_id: trigger(&payload), ack })
    }

    /// Closes a modal without submitting it.
    pub async fn close(&self, user: &str, view_id: &str) -> Result<(), Refused> {
        let payload = self.shared.touch(|world| {
            let view = world.seen_view(user, view_id)?;
            world.views.retain(|open| open.id() != view_id);
            if view.view["notify_on_close"] != true {
                return Ok(None);
            }
            let mut payload = world.interaction("view_closed", user, Some(view_id));
            payload["view"] = view.view;
            payload["is_cleared"] = json!(false);
            Ok(Some(payload))
        })?;
        if let Some(payload) = payload {
            self.interact(&payload).await;
        }
        Ok(())
    }

    /// Opens the App Home tab.
    pub fn open_home(&self, user: &str) {
        self.shared.act(|world| {
            let channel = world.im_with(user);
            let mut event = json!({
                "type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": world.next_ts(),
            });
            if let Some(view) = world.home(user) {
                event["view"] = view;
            }
            world.emit(event, None);
        });
    }

    async fn interact(&self, payload: &Value) -> Answer {
        let ack = self.shared.deliver(Kind::Interaction, payload, 0, "").await;
        Answer { trigger_id: trigger(payload), ack }
    }
}

fn trigger(payload: &Value) -> String {
    payload["trigger_id"].as_str().unwrap_or_default().to_owned()
}

fn no_message() -> Refused {
    Refused("there is no such message".to_owned())
}

impl World {
    pub(super) fn channel_id(&self, channel: &str) -> Result<String, Refused> {
        let found = self.find_channel(channel).map(|c| c.id.clone());
        found.ok_or_else(|| Refused(format!("there is no channel {channel}")))
    }

    /// A channel a person may write in; writing in a public one joins it.
    fn writable(&mut self, channel: &str, user: &str) -> Result<String, Refused> {
        let id = self.channel_id(channel)?;
        let Some(found) = self.channels.get_mut(&id) else { return Err(no_message()) };
        if found.archived {
            return Err(Refused(format!("#{} is archived", found.name)));
        }
        if !found.members.iter().any(|member| member == user) {
            if found.private {
                return Err(Refused(format!("{user} is not in #{}", found.name)));
            }
            found.members.push(user.to_owned());
        }
        Ok(id)
    }

    fn own(&self, user: &str, channel: &str, ts: &str) -> Result<String, Refused> {
        let id = self.channel_id(channel)?;
        let message = self.message(&id, ts).ok_or_else(no_message)?;
        if message["user"] == user { Ok(id) } else { Err(Refused("not your message".to_owned())) }
    }

    fn draft(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> Result<Map<String, Value>, Refused> {
        let mut message =
            into_map(json!({ "client_msg_id": ids::uuid(), "user": user, "text": text }));
        if !text.is_empty() {
            message.insert("blocks".into(), text::rich_text(text));
        }
        if let Some(root_ts) = thread_ts {
            let root = self.message(channel, root_ts).ok_or_else(no_message)?;
            message.insert("thread_ts".into(), json!(root_ts));
            message.insert("parent_user_id".into(), root["user"].clone());
        }
        Ok(message)
    }

    fn keep_file(&mut self, upload: &Upload) -> Value {
        let id = format!("F{}", ids::random(10));
        let (mimetype, filetype) = text::file_kind(&upload.name);
        let safe: String = upload
            .name
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' })
            .collect();
        let team = &self.options.workspace.id;
        let url = format!("{}/files-pri/{team}-{id}/{safe}", self.base);
        let permalink = format!(
            "https://{}.slack.com/files/{}/{id}/{safe}",
            self.options.workspace.domain, upload.user
        );
        self.files.insert(id.clone(), (mimetype.to_owned(), upload.content.clone()));
        let preview: String =
            String::from_utf8_lossy(&upload.content).lines().take(5).collect::<Vec<_>>().join("\n");
        json!({
            "id": id, "created": super::wire::unix_now(), "timestamp": super::wire::unix_now(), "name": upload.name,
            "title": upload.name, "mimetype": mimetype, "filetype": filetype, "pretty_type": filetype,
            "user": upload.user, "user_team": team, "editable": upload.snippet, "size": upload.content.len(),
            "mode": if upload.snippet { "snippet" } else { "hosted" }, "is_external": false, "external_type": "",
            "is_public": true, "public_url_shared": false, "display_as_bot": false, "username": "",
            "url_private": url, "url_private_download": url, "permalink": permalink,
            "preview": preview, "lines": String::from_utf8_lossy(&upload.content).lines().count(), "lines_more": 0,
            "has_rich_preview": false, "file_access": "visible",
        })
    }
}
