//! What Slack sends, as JSON → what happened, in our own words.
//!
//! Reads only the fields it needs, by name, and never fails on what is new: what means nothing to us is named and counted.
//! (slack-morphism's inbound types lose whole messages on an unexpected field, see docs/ARCHITECTURE.md.)

use serde_json::Value;

use super::{Delivery, DeliveryKind, attached, channel_news};
use crate::app::ports::Workspace;
use crate::domain::investigation::CaseNumber;
use crate::domain::message::{
    Action, ChannelNews, Click, Command, Event, File, Form, Incoming, Message, Place, Shortcut,
    ShortcutKind, Submission, Trigger,
};
use crate::domain::{ChannelId, MessageTs, UserId, WorkspaceId};

/// Message subtypes that carry what a person wrote; every other is about the channel, not from a person.
pub(super) const WRITTEN: [&str; 3] = ["file_share", "thread_broadcast", "me_message"];

/// Why a delivery means nothing to us: the word it is counted by. All of them stand in this file, whatever Slack sends: that
/// must not grow the metrics without bound.
pub type Ignored = &'static str;

/// It can't be told whose or which it is.
const UNREADABLE: Ignored = "unreadable";
/// Slack's own words for kinds that come often, or that we cause.
const NAMED: [Ignored; 2] = ["channel_join", "view_closed"];

/// A kind of Slack's that we don't act on.
fn ignored(kind: &str) -> Ignored {
    NAMED.into_iter().find(|named| *named == kind).unwrap_or("other")
}

/// The installation a payload is for; where Slack doesn't say which, the workspace and then its organisation.
///
/// What an authorization or a view names is what the app was installed as; `team_id` alone may be another company's, in a
/// channel shared with it. An installation in a whole organisation is one workspace, named by the organisation, whichever of
/// its workspaces something happened in.
pub fn workspaces_of(payload: &Value) -> Vec<WorkspaceId> {
    let first =
        |pointers: &[&str]| pointers.iter().find_map(|p| at(payload, p)).map(WorkspaceId::from);
    let organisation =
        first(&["/authorizations/0/enterprise_id", "/enterprise_id", "/enterprise/id"]);
    let team = first(&[
        "/authorizations/0/team_id",
        "/view/app_installed_team_id",
        "/team_id",
        "/team/id",
        "/user/team_id",
    ]);
    let as_a_whole = ["/authorizations/0/is_enterprise_install", "/is_enterprise_install"]
        .iter()
        .find_map(|p| payload.pointer(p).filter(|said| !said.is_null()))
        .map(|said| *said == true || *said == "true");
    let (first, second) = match as_a_whole {
        Some(true) => (organisation, None),
        Some(false) => (team, None),
        None => (team, organisation),
    };
    first.into_iter().chain(second).collect()
}

/// Turns a delivery into what happened, or says why nothing is done with it.
pub fn decode(delivery: &Delivery, workspace: &Workspace) -> Result<Incoming, Ignored> {
    let payload = &delivery.payload;
    let (key, event) = match delivery.kind {
        DeliveryKind::Events => {
            let id = text(payload, "event_id").ok_or(UNREADABLE)?;
            (format!("event:{id}"), happened(payload, workspace)?)
        }
        DeliveryKind::Interactive => interaction(payload, workspace)?,
        DeliveryKind::Command => command(payload).ok_or(UNREADABLE)?,
    };
    Ok(Incoming { workspace: workspace.id.clone(), key, event })
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|s| !s.is_empty())
}

fn at<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|s| !s.is_empty())
}

fn happened(payload: &Value, workspace: &Workspace) -> Result<Event, Ignored> {
    let event = payload.get("event").ok_or("event without content")?;
    let kind = text(event, "type").unwrap_or_default();
    let external = payload.get("is_ext_shared_channel").and_then(Value::as_bool).unwrap_or(false);
    match kind {
        "message" => message_event(event, external, workspace),
        "app_mention" => {
            let message = message(event, event, external, workspace);
            let message = message.ok_or("app_mention by a bot")?;
            Ok(Event::Written(Message { mention: true, ..message }))
        }
        other => channel_news::decode(event, workspace).ok_or_else(|| ignored(other)),
    }
}

fn message_event(event: &Value, external: bool, workspace: &Workspace) -> Result<Event, Ignored> {
    match text(event, "subtype") {
        None => written(event, external, workspace),
        Some(subtype) if WRITTEN.contains(&subtype) => written(event, external, workspace),
        Some("message_changed") => changed(event, external, workspace),
        Some("message_deleted") => {
            deleted(event, text(event, "deleted_ts")).ok_or("message_deleted without its place")
        }
        Some("channel_convert_to_private") => {
            made_private(event).ok_or("channel_convert_to_private without its channel")
        }
        Some(other) => Err(ignored(other)),
    }
}

fn written(event: &Value, external: bool, workspace: &Workspace) -> Result<Event, Ignored> {
    let message = message(event, event, external, workspace);
    message.map(Event::Written).ok_or("message by a bot")
}

fn deleted(event: &Value, ts: Option<&str>) -> Option<Event> {
    Some(Event::Deleted { channel: text(event, "channel")?.into(), ts: ts?.into() })
}

/// Slack says it in the channel itself, and nowhere else.
fn made_private(event: &Value) -> Option<Event> {
    let channel = text(event, "channel")?.into();
    Some(Event::ChannelChanged { channel, name: None, news: ChannelNews::Private })
}

/// An edit that leaves text and files as they were (an unfurled link, a pin) is no edit. A file that was deleted is told so,
/// too.
fn changed(event: &Value, external: bool, workspace: &Workspace) -> Result<Event, Ignored> {
    let now = event.get("message").ok_or("message_changed without content")?;
    if text(now, "subtype") == Some("tombstone") {
        return deleted(event, text(now, "ts")).ok_or("tombstone without its place");
    }
    let before = event.get("previous_message").unwrap_or(&Value::Null);
    let same_files = || files(before).map(|file| file.id).eq(files(now).map(|file| file.id));
    if text(before, "text") == text(now, "text") && same_files() {
        return Err("message_changed without a change");
    }
    let message = message(now, event, external, workspace);
    message.map(Event::Edited).ok_or("message_changed by a bot")
}

/// A message by a person; `None` for those of bots, this one included. `place` is the JSON that names the channel.
fn message(
    message: &Value,
    place: &Value,
    external: bool,
    workspace: &Workspace,
) -> Option<Message> {
    let channel = ChannelId::from(text(place, "channel").or_else(|| at(place, "/channel/id"))?);
    let private = is_private(&channel, text(place, "channel_type"));
    by_person(message, Place { channel, private, external }, workspace)
}

fn by_person(message: &Value, place: Place, workspace: &Workspace) -> Option<Message> {
    let author = text(message, "user")?;
    let bot = text(message, "bot_id").is_some()
        || message.get("bot_profile").is_some_and(|b| !b.is_null());
    if bot || author == workspace.bot_user.as_str() || author == "USLACKBOT" {
        return None;
    }
    any_message(message, UserId::from(author), place, workspace)
}

/// A channel is taken for private unless Slack says that it is public: what is private must not leak. An id tells nothing
/// (private channels begin with C as well), and an `app_mention` has no type: its case is opened up when Slack was asked.
fn is_private(channel: &ChannelId, kind: Option<&str>) -> bool {
    !channel.as_str().starts_with('C') || kind != Some("channel")
}

/// The same for commands and shortcuts, which name the channel and not its type: a private one gets none of its own.
fn is_private_by_name(channel: &ChannelId, name: Option<&str>) -> bool {
    const NAMELESS: [&str; 2] = ["privategroup", "directmessage"];
    let public = |name: &str| !NAMELESS.contains(&name) && !name.starts_with("mpdm-");
    !channel.as_str().starts_with('C') || !name.is_some_and(public)
}

fn any_message(
    message: &Value,
    author: UserId,
    place: Place,
    workspace: &Workspace,
) -> Option<Message> {
    let ts = MessageTs::from(text(message, "ts")?);
    let thread = text(message, "thread_ts").map(MessageTs::from).filter(|root| *root != ts);
    let raw = text(message, "text").unwrap_or_default();
    Some(Message {
        permalink: permalink(&workspace.url, &place.channel, &ts, thread.as_ref()),
        place,
        ts,
        thread,
        author,
        text: raw.to_owned(),
        readable: readable(raw),
        files: files(message).collect(),
        mention: false,
        answers_us: text(message, "parent_user_id") == Some(workspace.bot_user.as_str()),
    })
}

/// A message of a thread as the history tells it, if a person wrote it.
pub(super) fn reply(json: &Value, place: &Place, workspace: &Workspace) -> Option<Message> {
    text(json, "subtype").is_none_or(|subtype| WRITTEN.contains(&subtype)).then_some(())?;
    by_person(json, place.clone(), workspace)
}

/// The files of a message; of one that was deleted its place is left, without an address.
fn files(message: &Value) -> impl Iterator<Item = File> {
    let files = message.get("files").and_then(Value::as_array);
    files.into_iter().flatten().filter_map(file)
}

fn file(file: &Value) -> Option<File> {
    let kind = text(file, "mimetype").unwrap_or_default();
    let snippet = matches!(text(file, "mode"), Some("snippet" | "post"));
    let name = text(file, "name").or_else(|| text(file, "title")).unwrap_or("file");
    let texts = [
        ".log", ".txt", ".json", ".csv", ".eml", ".diff", ".patch", ".trace", ".har", ".md", ".sql",
    ];
    let by_name = texts.iter().any(|end| name.to_lowercase().ends_with(end));
    Some(File {
        id: text(file, "id")?.to_owned(),
        name: name.to_owned(),
        url: text(file, "url_private")?.to_owned(),
        size: file.get("size").and_then(Value::as_u64).unwrap_or(0),
        text: snippet
            || by_name
            || kind.starts_with("text/")
            || kind == "application/json"
            || kind == "message/rfc822",
    })
}

/// The link Slack itself gives to a message of the workspace with this address.
pub fn permalink(
    workspace_url: &str,
    channel: &ChannelId,
    ts: &MessageTs,
    thread: Option<&MessageTs>,
) -> String {
    let mut link = format!(
        "{}/archives/{channel}/p{}",
        workspace_url.trim_end_matches('/'),
        ts.as_str().replace('.', "")
    );
    if let Some(thread) = thread {
        link.extend(["?thread_ts=", thread.as_str(), "&cid=", channel.as_str()]);
    }
    link
}

/// Slack's markup as a person reads it: `<https://x|label>` → `label`, `<@U1>` → `@someone`, `&lt;` → `<`.
pub fn readable(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(open) = rest.find('<') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('>') else {
            rest = &rest[open..];
            break;
        };
        out.push_str(&entity(&rest[open + 1..open + close]));
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    out.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn entity(inside: &str) -> String {
    let (target, label) = inside.split_once('|').map_or((inside, None), |(t, l)| (t, Some(l)));
    match (target.chars().next(), label) {
        (Some('@'), Some(label)) => format!("@{}", label.trim_start_matches('@')),
        (Some('@'), None) => "@someone".to_owned(),
        (Some('#'), Some(label)) => format!("#{label}"),
        (Some('#'), None) => "#channel".to_owned(),
        (Some('!'), None) => format!("@{}", target[1..].split('^').next().unwrap_or_default()),
        (_, Some(label)) => label.to_owned(),
        (_, None) => target.strip_prefix("mailto:").unwrap_or(target).to_owned(),
    }
}

fn interaction(payload: &Value, workspace: &Workspace) -> Result<(String, Event), Ignored> {
    match text(payload, "type").ok_or(UNREADABLE)? {
        "block_actions" => click(payload),
        "view_submission" => submission(payload),
        "message_action" => shortcut(payload, workspace),
        other => Err(ignored(other)),
    }
}

/// Reads `dismiss:7`, the value of every button and menu item of ours.
fn click(payload: &Value) -> Result<(String, Event), Ignored> {
    let action = payload.pointer("/actions/0").ok_or(UNREADABLE)?;
    let by = UserId::from(at(payload, "/user/id").ok_or(UNREADABLE)?);
    let trigger = text(payload, "trigger_id").unwrap_or_default();
    let key = format!("click:{by}:{}:{trigger}", text(action, "action_ts").unwrap_or_default());
    let value =
        text(action, "value").or_else(|| at(action, "/selected_option/value")).unwrap_or_default();
    let read = value.split_once(':').and_then(|(action, number)| {
        Some((Action::parse(action)?, CaseNumber(number.parse().ok()?)))
    });
    let channel = at(payload, "/channel/id").or_else(|| at(payload, "/container/channel_id"));
    let ((action, case), channel) = read.zip(channel).ok_or("unknown action")?;
    let trigger = Trigger(trigger.to_owned());
    Ok((key, Event::Clicked(Click { action, case, channel: channel.into(), by, trigger })))
}

fn submission(payload: &Value) -> Result<(String, Event), Ignored> {
    let view = payload.get("view").ok_or(UNREADABLE)?;
    let key = format!("view:{}", text(view, "id").ok_or(UNREADABLE)?);
    let by = UserId::from(at(payload, "/user/id").ok_or(UNREADABLE)?);
    let form = text(view, "private_metadata").and_then(read_form).ok_or("unknown view")?;
    let mut answers = Vec::new();
    for (name, block) in
        view.pointer("/state/values").and_then(Value::as_object).into_iter().flatten()
    {
        let answer = block.as_object().and_then(|b| b.values().next());
        let value =
            answer.and_then(|a| text(a, "value").or_else(|| at(a, "/selected_option/value")));
        if let Some(value) = value {
            answers.push((name.clone(), value.to_owned()));
        }
    }
    Ok((key, Event::Submitted(Submission { form, by, answers })))
}

/// A form's purpose as it travels in `private_metadata`; [`read_form`] is its inverse.
pub(super) fn write_form(form: &Form) -> String {
    let with_case = |name: &str, case: &CaseNumber, channel: &ChannelId| serde_json::json!({"form": name, "case": case.0, "channel": channel.as_str()});
    match form {
        Form::Investigate { place, root } => serde_json::json!({
            "form": "investigate", "channel": place.channel.as_str(), "private": place.private,
            "external": place.external, "root": root.as_ref().map(MessageTs::as_str),
        }),
        Form::Open { case, channel } => with_case("open", case, channel),
        Form::Close { case, channel } => with_case("close", case, channel),
        Form::AddEvidence { case, channel } => with_case("add_evidence", case, channel),
    }
    .to_string()
}

fn read_form(metadata: &str) -> Option<Form> {
    let data: Value = serde_json::from_str(metadata).ok()?;
    let channel = ChannelId::from(text(&data, "channel")?);
    let case = || {
        data.get("case").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).map(CaseNumber)
    };
    let flag = |name: &str, otherwise| data.get(name).and_then(Value::as_bool).unwrap_or(otherwise);
    Some(match text(&data, "form")? {
        "investigate" => Form::Investigate {
            place: Place {
                channel,
                private: flag("private", true),
                external: flag("external", false),
            },
            root: text(&data, "root").map(MessageTs::from),
        },
        "open" => Form::Open { case: case()?, channel },
        "close" => Form::Close { case: case()?, channel },
        "add_evidence" => Form::AddEvidence { case: case()?, channel },
        _ => return None,
    })
}

fn shortcut(payload: &Value, workspace: &Workspace) -> Result<(String, Event), Ignored> {
    let trigger = text(payload, "trigger_id").unwrap_or_default();
    let by = UserId::from(at(payload, "/user/id").ok_or(UNREADABLE)?);
    let message = marked(payload, workspace).ok_or(UNREADABLE)?;
    let what = text(payload, "callback_id").and_then(ShortcutKind::parse);
    let what = what.ok_or("unknown shortcut")?;
    let key = format!("shortcut:{by}:{trigger}");
    let trigger = Trigger(trigger.to_owned());
    Ok((key, Event::Shortcut(Shortcut { what, message, by, trigger })))
}

/// The message a shortcut was used on.
fn marked(payload: &Value, workspace: &Workspace) -> Option<Message> {
    let channel = ChannelId::from(at(payload, "/channel/id")?);
    let private = is_private_by_name(&channel, at(payload, "/channel/name"));
    let place = Place { channel, private, external: false };
    let json = payload.get("message")?;
    // An alert posted by a bot is evidence like any other: here a bot may be the author.
    let author = text(json, "user").or_else(|| text(json, "bot_id")).unwrap_or("unknown");
    let mut message = any_message(json, UserId::from(author), place, workspace)?;
    // What is attached is the alert, or what was forwarded. Nobody means it who opens a case about words beside a link.
    let what = text(payload, "callback_id").and_then(ShortcutKind::parse);
    if what == Some(ShortcutKind::AddAsEvidence) || message.text.is_empty() {
        let attached = attached::words(json);
        let parts = [message.text, attached];
        message.text =
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
        message.readable = readable(&message.text);
    }
    Some(message)
}

fn command(payload: &Value) -> Option<(String, Event)> {
    let trigger = text(payload, "trigger_id").unwrap_or_default();
    let channel = ChannelId::from(text(payload, "channel_id")?);
    let private = is_private_by_name(&channel, text(payload, "channel_name"));
    let command = Command {
        place: Place { channel, private, external: false },
        by: UserId::from(text(payload, "user_id")?),
        text: readable(text(payload, "text").unwrap_or_default()),
        trigger: Trigger(trigger.to_owned()),
    };
    Some((format!("command:{trigger}"), Event::Commanded(command)))
}

#[cfg(test)]
mod tests;
