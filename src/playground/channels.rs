//! Acting on channels: making, renaming, archiving, inviting and removing the bot, uninstalling the app.

use serde_json::{Value, json};

use super::options::Channel;
use super::wire::unix_now;
use super::world::World;
use super::{Playground, Refused, ids};

impl Playground {
    /// Creates a channel with its creator in it; returns its id, made up when the given one is empty.
    pub fn create_channel(&self, creator: &str, channel: Channel) -> String {
        self.shared.act(|world| {
            let mut channel = channel;
            if channel.id.is_empty() {
                channel.id = format!("C{}", ids::random(10));
            }
            if !channel.members.iter().any(|member| member == creator) {
                channel.members.push(creator.to_owned());
            }
            let (id, private) = (channel.id.clone(), channel.private);
            world.channels.insert(id.clone(), channel);
            if !private {
                let event = json!({
                    "type": "channel_created", "channel": world.channel_json(&id), "event_ts": world.next_ts(),
                });
                world.emit_anyway(event, None);
            }
            id
        })
    }

    /// Renames a channel.
    pub fn rename_channel(&self, user: &str, channel: &str, name: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let id = world.channel_id(channel)?;
            let Some(found) = world.channels.get_mut(&id) else { return Ok(()) };
            let old = std::mem::replace(&mut found.name, name.to_owned());
            let about = json!({
                "id": id, "name": name, "name_normalized": name, "created": unix_now(), "is_channel": true, "is_mpim": false,
            });
            world.channel_event(&id, "rename", json!({ "channel": about }));
            world.note(&id, user, "channel_name", json!({ "old_name": old, "name": name }));
            Ok(())
        })
    }

    /// Archives a channel.
    pub fn archive_channel(&self, user: &str, channel: &str) -> Result<(), Refused> {
        self.set_archived(user, channel, true)
    }

    /// Takes a channel out of the archive.
    pub fn unarchive_channel(&self, user: &str, channel: &str) -> Result<(), Refused> {
        self.set_archived(user, channel, false)
    }

    fn set_archived(&self, user: &str, channel: &str, archived: bool) -> Result<(), Refused> {
        self.shared.act(|world| {
            let id = world.channel_id(channel)?;
            let what = if archived { "archive" } else { "unarchive" };
            world.note(&id, user, &format!("channel_{what}"), json!({}));
            if let Some(found) = world.channels.get_mut(&id) {
                found.archived = archived;
            }
            world.channel_event(&id, what, json!({ "channel": id, "user": user, "is_moved": 0 }));
            Ok(())
        })
    }

    /// Makes a public channel private, which Slack says in it.
    pub fn make_private(&self, user: &str, channel: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let id = world.channel_id(channel)?;
            if let Some(found) = world.channels.get_mut(&id) {
                found.private = true;
            }
            world.note(&id, user, "channel_convert_to_private", json!({}));
            Ok(())
        })
    }

    /// Deletes a channel for good.
    pub fn delete_channel(&self, user: &str, channel: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let id = world.channel_id(channel)?;
            world.channel_event(&id, "deleted", json!({ "channel": id, "actor_id": user }));
            world.channels.remove(&id);
            world.posts.remove(&id);
            Ok(())
        })
    }

    /// Invites somebody, the bot for instance.
    pub fn invite(&self, inviter: &str, channel: &str, who: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let id = world.channel_id(channel)?;
            world.join(&id, who, Some(inviter));
            Ok(())
        })
    }

    /// Removes the bot from a channel.
    pub fn kick_bot(&self, user: &str, channel: &str) -> Result<(), Refused> {
        self.shared.act(|world| {
            let id = world.channel_id(channel)?;
            world.leave(&id, user);
            Ok(())
        })
    }

    /// Uninstalls the app: the token is revoked, and Slack says so.
    pub fn uninstall(&self) {
        self.shared.act(World::uninstalled);
    }
}

impl World {
    /// The token ends, and Slack says so.
    pub(super) fn uninstalled(&mut self) {
        let bot = self.options.app.user_id.clone();
        self.emit_anyway(
            json!({ "type": "tokens_revoked", "tokens": { "oauth": [], "bot": [bot] } }),
            None,
        );
        self.emit_anyway(json!({ "type": "app_uninstalled" }), None);
        self.bot_token.clear();
        self.tokens.refresh = None;
    }

    /// A channel as `conversations.info` tells it.
    pub(super) fn channel_json(&self, id: &str) -> Value {
        let Some(channel) = self.channels.get(id) else { return Value::Null };
        let app = &self.options.app;
        if channel.is_im() {
            let user = channel.members.iter().find(|member| **member != app.user_id);
            return json!({ "id": id, "is_im": true, "user": user, "is_archived": false, "is_org_shared": false, "created": 1_700_000_000 });
        }
        json!({
            "id": id, "name": channel.name, "name_normalized": channel.name, "created": 1_700_000_000, "creator": channel.members.first(),
            "is_channel": !channel.private, "is_group": channel.private, "is_im": false, "is_mpim": false, "is_private": channel.private,
            "is_archived": channel.archived, "is_general": channel.name == "general", "is_shared": channel.ext_shared,
            "is_ext_shared": channel.ext_shared, "is_org_shared": false, "is_pending_ext_shared": false, "unlinked": 0,
            "is_member": self.bot_in(channel), "num_members": channel.members.len(), "context_team_id": self.options.workspace.id,
            "topic": { "value": channel.topic, "creator": "", "last_set": 0 }, "purpose": { "value": "", "creator": "", "last_set": 0 },
            "previous_names": [], "pending_shared": [], "shared_team_ids": [self.options.workspace.id], "updated": 1_700_000_000_000_u64,
        })
    }

    /// `channel_…` for public channels, told everywhere; `group_…` for private ones, told to members.
    fn channel_event(&mut self, id: &str, what: &str, rest: Value) {
        let private = self.channels.get(id).is_some_and(|channel| channel.private);
        let mut event = rest;
        event["type"] = json!(format!("{}_{what}", if private { "group" } else { "channel" }));
        event["event_ts"] = json!(self.next_ts());
        if private { self.emit(event, Some(id)) } else { self.emit_anyway(event, Some(id)) }
    }

    /// A line Slack itself writes into a channel.
    fn note(&mut self, id: &str, user: &str, subtype: &str, rest: Value) {
        let mut message = rest;
        let words = match subtype {
            "channel_join" => "has joined the channel",
            "channel_leave" => "has left the channel",
            "channel_archive" => "archived the channel",
            "channel_unarchive" => "un-archived the channel",
            "channel_convert_to_private" => "made this channel *private*",
            _ => "has renamed the channel",
        };
        message["subtype"] = json!(subtype);
        message["user"] = json!(user);
        message["text"] = json!(format!("<@{user}> {words}"));
        self.post(id, message);
    }

    pub(super) fn join(&mut self, id: &str, who: &str, inviter: Option<&str>) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        if channel.members.iter().any(|member| member == who) {
            return;
        }
        channel.members.push(who.to_owned());
        let mut event = json!({
            "type": "member_joined_channel", "user": who, "channel": id, "team": self.options.workspace.id,
            "channel_type": if channel.private { "G" } else { "C" }, "event_ts": self.next_ts(),
        });
        let mut rest = json!({});
        if let Some(inviter) = inviter {
            event["inviter"] = json!(inviter);
            rest["inviter"] = json!(inviter);
        }
        self.emit(event, Some(id));
        self.note(id, who, "channel_join", rest);
    }

    pub(super) fn leave(&mut self, id: &str, actor: &str) {
        let bot = self.options.app.user_id.clone();
        let Some(channel) = self.channels.get_mut(id) else { return };
        channel.members.retain(|member| *member != bot);
        let kind = if channel.private { "group_left" } else { "channel_left" };
        let event =
            json!({ "type": kind, "channel": id, "actor_id": actor, "event_ts": self.next_ts() });
        self.emit_anyway(event, Some(id));
        self.note(id, &bot, "channel_leave", json!({}));
    }
}
