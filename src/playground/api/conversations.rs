//! `conversations.*` and `users.conversations`.

use serde_json::{Value, json};

use super::{Args, Fail, Outcome};
use crate::playground::look::{in_channel, shown};
use crate::playground::world::World;

pub(super) fn history(world: &mut World, args: &Args) -> Outcome {
    let channel = readable(world, args)?;
    let mut messages: Vec<Value> = world.all(&channel).into_iter().filter(in_channel).collect();
    messages.reverse();
    Ok(page(messages, "messages", 100, args))
}

pub(super) fn replies(world: &mut World, args: &Args) -> Outcome {
    let channel = readable(world, args)?;
    let ts = args.need("ts")?;
    let message = world.message(&channel, ts).ok_or("thread_not_found")?;
    let root = message["thread_ts"].as_str().unwrap_or(ts);
    Ok(page(world.thread(&channel, root), "messages", 1000, args))
}

pub(super) fn info(world: &mut World, args: &Args) -> Outcome {
    let id = visible(world, args)?;
    Ok(json!({ "channel": world.channel_json(&id) }))
}

/// `conversations.list`, or only the bot's own for `users.conversations`.
pub(super) fn list(world: &mut World, args: &Args, own: bool) -> Value {
    let types = args.text("types").unwrap_or("public_channel");
    let wanted = |kind: &str| types.split(',').any(|wanted| wanted.trim() == kind);
    let shown = world.channels.values().filter(|channel| {
        let member = world.bot_in(channel);
        let kind = match channel.kind() {
            "im" => "im",
            "group" => "private_channel",
            _ => "public_channel",
        };
        let seen = member || (!own && kind == "public_channel");
        wanted(kind) && seen && !(channel.archived && args.flag("exclude_archived"))
    });
    page(shown.map(|channel| world.channel_json(&channel.id)).collect(), "channels", 100, args)
}

pub(super) fn members(world: &mut World, args: &Args) -> Outcome {
    let id = visible(world, args)?;
    let members = world
        .channels
        .get(&id)
        .map(|c| c.members.iter().map(|m| json!(m)).collect())
        .unwrap_or_default();
    Ok(page(members, "members", 100, args))
}

pub(super) fn join(world: &mut World, args: &Args) -> Outcome {
    let id = args.need("channel")?;
    let channel = world.channels.get(id).ok_or("channel_not_found")?;
    if channel.private {
        return Err(Fail::from("method_not_supported_for_channel_type"));
    }
    if channel.archived {
        return Err(Fail::from("is_archived"));
    }
    let already = world.bot_in(channel);
    let bot = world.options.app.user_id.clone();
    world.join(id, &bot, None);
    let mut answer = json!({ "channel": world.channel_json(id) });
    if already {
        answer["warning"] = json!("already_in_channel");
        answer["response_metadata"] = json!({ "warnings": ["already_in_channel"] });
    }
    Ok(answer)
}

pub(super) fn leave(world: &mut World, args: &Args) -> Outcome {
    let id = readable(world, args)?;
    let bot = world.options.app.user_id.clone();
    world.leave(&id, &bot);
    Ok(json!({}))
}

pub(super) fn open(world: &mut World, args: &Args) -> Outcome {
    // A list, or names between commas; the stand-in opens a conversation with the first.
    let listed = args.get("users").and_then(|users| users[0].as_str());
    let user = listed.map_or_else(|| args.need("users"), Ok)?.split(',').next().unwrap_or_default();
    if world.person(user).is_none() {
        return Err(Fail::from("user_not_found"));
    }
    let id = world.im_with(user);
    Ok(json!({ "channel": { "id": id } }))
}

/// A channel the bot can see.
fn visible(world: &World, args: &Args) -> Result<String, Fail> {
    let id = args.need("channel")?;
    let channel =
        world.channels.get(id).filter(|channel| !channel.private || world.bot_in(channel));
    Ok(channel.ok_or("channel_not_found")?.id.clone())
}

/// A channel the bot is in.
fn readable(world: &World, args: &Args) -> Result<String, Fail> {
    let id = visible(world, args)?;
    let member = world.channels.get(&id).is_some_and(|channel| world.bot_in(channel));
    if member { Ok(id) } else { Err(Fail::from("not_in_channel")) }
}

/// Cuts a list into a page: `oldest`, `latest`, `inclusive`, `limit`, `cursor`, `include_all_metadata`.
fn page(items: Vec<Value>, name: &str, usual: usize, args: &Args) -> Value {
    let inclusive = args.flag("inclusive");
    let within = |item: &Value| {
        let Some(ts) = item["ts"].as_str() else { return true };
        // Timestamps have one width for the next two centuries, so text order is time order.
        let after =
            args.text("oldest").is_none_or(|oldest| ts > oldest || (inclusive && ts == oldest));
        let before =
            args.text("latest").is_none_or(|latest| ts < latest || (inclusive && ts == latest));
        (after && before)
            || (name == "messages"
                && item["thread_ts"] == item["ts"]
                && args.text("ts") == Some(ts))
    };
    let metadata = args.flag("include_all_metadata");
    let items: Vec<Value> = items.into_iter().filter(within).collect();
    let start =
        args.text("cursor").and_then(|cursor| cursor.strip_prefix("at")?.parse().ok()).unwrap_or(0);
    let limit = args.number("limit").filter(|limit| *limit > 0).unwrap_or(usual).min(1000);
    let end = (start + limit).min(items.len());
    let more = end < items.len();
    let cut = items
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .map(|item| if metadata { item.clone() } else { shown(item) });
    let next = if more { format!("at{end}") } else { String::new() };
    json!({ name: cut.collect::<Vec<_>>(), "has_more": more, "response_metadata": { "next_cursor": next } })
}
