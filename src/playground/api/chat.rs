//! `chat.*` and `reactions.add`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{Args, Fail, Outcome};
use crate::playground::blocks::{self, Surface};
use crate::playground::world::{World, into_map};

/// Slack's undocumented limit on the characters of all blocks of a message.
const MOST_BLOCK_TEXT: usize = 13_200;

pub(super) fn post_message(world: &mut World, args: &Args) -> Outcome {
    let channel = destination(world, args)?;
    let mut message = content(world, args)?;
    if let Some(thread_ts) = args.text("thread_ts") {
        let root = world.message(&channel, thread_ts).ok_or("thread_not_found")?;
        message.insert("thread_ts".into(), json!(thread_ts));
        message.insert("parent_user_id".into(), root["user"].clone());
        if args.flag("reply_broadcast") {
            message.insert("subtype".into(), json!("thread_broadcast"));
            message.insert("root".into(), root);
        }
    }
    if let Some(metadata) = metadata(args)? {
        message.insert("metadata".into(), metadata);
    }
    let ts = world.post(&channel, Value::Object(message));
    Ok(json!({ "channel": channel, "ts": ts, "message": world.message(&channel, &ts) }))
}

pub(super) fn update(world: &mut World, args: &Args) -> Outcome {
    let channel = destination(world, args)?;
    let ts = args.need("ts")?;
    own(world, &channel, ts, "cant_update_message")?;
    let new = content(world, args)?;
    let metadata = metadata(args)?;
    let edited = json!({ "user": world.options.app.user_id, "ts": world.next_ts() });
    world.change(&channel, ts, |message| {
        message["text"] = new.get("text").cloned().unwrap_or_default();
        for key in ["blocks", "attachments"] {
            if let Some(value) = new.get(key) {
                message[key] = value.clone();
            }
        }
        if let Some(metadata) = metadata {
            message["metadata"] = metadata;
        }
        message["edited"] = edited;
    });
    Ok(
        json!({ "channel": channel, "ts": ts, "text": new.get("text"), "message": world.message(&channel, ts) }),
    )
}

pub(super) fn delete(world: &mut World, args: &Args) -> Outcome {
    let channel = destination(world, args)?;
    let ts = args.need("ts")?;
    own(world, &channel, ts, "cant_delete_message")?;
    world.remove(&channel, ts);
    Ok(json!({ "channel": channel, "ts": ts }))
}

pub(super) fn post_ephemeral(world: &mut World, args: &Args) -> Outcome {
    let channel = destination(world, args)?;
    let user = args.need("user")?;
    if !world.channels.get(&channel).is_some_and(|c| c.members.iter().any(|member| member == user))
    {
        return Err(Fail::from("user_not_in_channel"));
    }
    let mut message = content(world, args)?;
    if let Some(thread_ts) = args.text("thread_ts") {
        message.insert("thread_ts".into(), json!(thread_ts));
    }
    let ts = world.whisper(user, &channel, Value::Object(message));
    Ok(json!({ "message_ts": ts }))
}

pub(super) fn get_permalink(world: &mut World, args: &Args) -> Outcome {
    let channel = args.need("channel")?;
    let ts = args.need("message_ts")?;
    if !world.channels.contains_key(channel) {
        return Err(Fail::from("channel_not_found"));
    }
    let message = world.message(channel, ts).ok_or("message_not_found")?;
    let domain = &world.options.workspace.domain;
    let mut link =
        format!("https://{domain}.slack.com/archives/{channel}/p{}", ts.replace('.', ""));
    if let Some(root) = message["thread_ts"].as_str().filter(|root| *root != ts) {
        let _ = write!(link, "?thread_ts={root}&cid={channel}");
    }
    Ok(json!({ "channel": channel, "permalink": link }))
}

pub(super) fn add_reaction(world: &mut World, args: &Args) -> Outcome {
    let channel = args.need("channel")?.to_owned();
    let (name, ts) = (args.need("name")?, args.need("timestamp")?);
    let bot = world.options.app.user_id.clone();
    let author = world.message(&channel, ts).ok_or("message_not_found")?["user"].clone();
    let Some(message) = world.posts.get_mut(&channel).and_then(|posts| posts.get_mut(ts)) else {
        return Err(Fail::from("message_not_found"));
    };
    let mut reactions = message["reactions"].as_array().cloned().unwrap_or_default();
    match reactions.iter_mut().find(|reaction| reaction["name"] == name) {
        Some(reaction)
            if reaction["users"].as_array().is_some_and(|users| users.contains(&json!(bot))) =>
        {
            return Err(Fail::from("already_reacted"));
        }
        Some(reaction) => reaction["count"] = json!(reaction["count"].as_u64().unwrap_or(0) + 1),
        None => reactions.push(json!({ "name": name, "users": [bot], "count": 1 })),
    }
    message["reactions"] = json!(reactions);
    let event_ts = world.next_ts();
    world.emit(
        json!({
            "type": "reaction_added", "user": bot, "reaction": name, "item_user": author,
            "item": { "type": "message", "channel": channel, "ts": ts }, "event_ts": event_ts,
        }),
        Some(&channel),
    );
    Ok(json!({}))
}

/// The channel a call writes to, if the bot may write there.
fn destination(world: &mut World, args: &Args) -> Result<String, Fail> {
    let id = args.need("channel")?;
    if world.person(id).is_some() {
        return Ok(world.im_with(id));
    }
    let channel = world.channels.get(id).ok_or("channel_not_found")?;
    match world.bot_in(channel) {
        false if channel.private => Err(Fail::from("channel_not_found")),
        _ if channel.archived => Err(Fail::from("is_archived")),
        false => Err(Fail::from("not_in_channel")),
        true => Ok(id.to_owned()),
    }
}

fn own(world: &World, channel: &str, ts: &str, refusal: &str) -> Result<(), Fail> {
    let message = world.message(channel, ts).ok_or("message_not_found")?;
    if message["bot_id"] == world.options.app.bot_id.as_str() {
        Ok(())
    } else {
        Err(Fail::from(refusal))
    }
}

fn metadata(args: &Args) -> Result<Option<Value>, Fail> {
    let Some(metadata) = args.get("metadata") else { return Ok(None) };
    if metadata.as_object().is_some_and(Map::is_empty) {
        return Ok(Some(json!({})));
    }
    if !metadata["event_type"].is_string() || !metadata["event_payload"].is_object() {
        return Err(Fail::from("invalid_metadata_format"));
    }
    if metadata.to_string().len() > 8000 {
        return Err(Fail::from("metadata_too_large"));
    }
    Ok(Some(metadata.clone()))
}

/// Text, blocks and attachments of a call, checked, as a message of the bot.
fn content(world: &World, args: &Args) -> Result<Map<String, Value>, Fail> {
    let text: String = args.text("text").unwrap_or_default().chars().take(40_000).collect();
    let blocks =
        args.get("blocks").filter(|blocks| blocks.as_array().is_none_or(|list| !list.is_empty()));
    if text.is_empty() && blocks.is_none() && args.get("attachments").is_none() {
        return Err(Fail::from("no_text"));
    }
    let mut message = bot_message(world, &text, args.get("blocks"))?;
    if let Some(attachments) = args.get("attachments") {
        message.insert("attachments".into(), attachments.clone());
    }
    Ok(message)
}

/// A message of the bot with checked blocks.
pub(super) fn bot_message(
    world: &World,
    text: &str,
    blocks: Option<&Value>,
) -> Result<Map<String, Value>, Fail> {
    let app = &world.options.app;
    let mut message = into_map(json!({
        "user": app.user_id, "bot_id": app.bot_id, "app_id": app.id, "text": text,
        "bot_profile": {
            "id": app.bot_id, "app_id": app.id, "name": app.name, "deleted": false, "updated": 1_700_000_000,
            "team_id": world.options.workspace.id, "icons": { "image_36": "", "image_48": "", "image_72": "" },
        },
    }));
    if let Some(blocks) = blocks {
        if blocks.is_string() {
            return Err(Fail::from("invalid_blocks_format"));
        }
        let faults = blocks::faults(blocks, Surface::Message);
        if !faults.is_empty() {
            return Err(Fail::with("invalid_blocks", faults));
        }
        if blocks.to_string().chars().count() > MOST_BLOCK_TEXT {
            return Err(Fail::from("msg_blocks_too_long"));
        }
        message.insert("blocks".into(), blocks.clone());
    }
    Ok(message)
}
