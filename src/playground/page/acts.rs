//! What a person does on the page, as one request each.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::playground::{Channel, Playground, Refused, Say, Shared, Upload};

/// One act of one person.
#[derive(Debug, Deserialize)]
pub(super) struct Act {
    user: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum What {
    Say {
        channel: String,
        text: String,
        thread_ts: Option<String>,
        #[serde(default)]
        broadcast: bool,
    },
    Edit {
        channel: String,
        ts: String,
        text: String,
    },
    Delete {
        channel: String,
        ts: String,
    },
    Click {
        channel: String,
        ts: String,
        action_id: String,
        #[serde(default)]
        pick: Value,
    },
    Shortcut {
        channel: String,
        ts: String,
        callback_id: String,
    },
    ViewAct {
        view_id: String,
        action_id: String,
        #[serde(default)]
        pick: Value,
        #[serde(default)]
        filled: Value,
    },
    Submit {
        view_id: String,
        filled: Value,
    },
    Close {
        view_id: String,
    },
    Home,
    CreateChannel {
        name: String,
        private: bool,
    },
    Rename {
        channel: String,
        name: String,
    },
    Archive {
        channel: String,
        archived: bool,
    },
    Invite {
        channel: String,
        who: String,
    },
    Kick {
        channel: String,
    },
    Dismiss {
        ts: String,
    },
    Lever {
        id: String,
    },
}

/// `POST /page/act`: `{"ok":true}`, or `{"ok":false,"error":…}` to be shown to the person.
pub(super) async fn act(State(shared): State<Arc<Shared>>, Json(act): Json<Act>) -> Json<Value> {
    answer(perform(&Playground { shared, _stops: None }, act).await)
}

/// `POST /page/upload?user=…&channel=…&name=…`: the body is the file.
pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    Query(about): Query<About>,
    content: Bytes,
) -> Json<Value> {
    let slack = Playground { shared, _stops: None };
    let done = slack.upload(&Upload {
        channel: about.channel,
        user: about.user,
        thread_ts: about.thread_ts.filter(|ts| !ts.is_empty()),
        name: about.name,
        content: content.to_vec(),
        snippet: about.snippet.is_some(),
        comment: slack.look(|world| world.encode(&about.comment.unwrap_or_default())),
    });
    answer(done.map(|ts| json!(ts)))
}

/// What an upload says beside its content.
#[derive(Debug, Deserialize)]
pub(super) struct About {
    channel: String,
    user: String,
    thread_ts: Option<String>,
    name: String,
    snippet: Option<String>,
    comment: Option<String>,
}

fn answer(done: Result<Value, Refused>) -> Json<Value> {
    Json(match done {
        Ok(value) => json!({ "ok": true, "value": value }),
        Err(Refused(why)) => json!({ "ok": false, "error": why }),
    })
}

async fn perform(slack: &Playground, act: Act) -> Result<Value, Refused> {
    let user = act.user.as_str();
    let in_time = |answer: crate::playground::Answer| match answer.ack {
        Some(_) => Ok(Value::Null),
        None => Err(Refused("The app did not answer in time.".to_owned())),
    };
    match act.what {
        What::Say { channel, text, thread_ts, broadcast } => {
            if text.starts_with('/') && thread_ts.is_none() {
                let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
                return slack
                    .command(user, &channel, command, rest.trim())
                    .await
                    .map(|_| Value::Null);
            }
            let first = text.split_whitespace().next().unwrap_or_default();
            if slack.look(|world| world.options.app.commands.iter().any(|(name, _)| name == first))
            {
                return Err(Refused(format!("{first} is not supported in threads. Sorry!")));
            }
            let text = slack.look(|world| world.encode(&text));
            let said = Say {
                channel,
                user: user.to_owned(),
                text,
                thread_ts,
                broadcast,
                ..Say::default()
            };
            return slack.say(said).map(|ts| json!(ts));
        }
        What::Edit { channel, ts, text } => {
            let text = slack.look(|world| world.encode(&text));
            slack.edit(user, &channel, &ts, &text)?;
        }
        What::Delete { channel, ts } => slack.delete(user, &channel, &ts)?,
        What::Click { channel, ts, action_id, pick } => {
            return in_time(slack.choose(user, &channel, &ts, &action_id, &pick).await?);
        }
        What::Shortcut { channel, ts, callback_id } => {
            return in_time(slack.shortcut(user, &channel, &ts, &callback_id).await?);
        }
        What::ViewAct { view_id, action_id, pick, filled } => {
            return in_time(slack.act_in_view(user, &view_id, &action_id, &pick, &filled).await?);
        }
        What::Submit { view_id, filled } => drop(slack.submit(user, &view_id, &filled).await?),
        What::Close { view_id } => slack.close(user, &view_id).await?,
        What::Home => slack.open_home(user),
        What::CreateChannel { name, private } => {
            let channel = Channel { name, private, ..Channel::default() };
            return Ok(json!(slack.create_channel(user, channel)));
        }
        What::Rename { channel, name } => slack.rename_channel(user, &channel, &name)?,
        What::Archive { channel, archived: true } => slack.archive_channel(user, &channel)?,
        What::Archive { channel, archived: false } => slack.unarchive_channel(user, &channel)?,
        What::Invite { channel, who } => slack.invite(user, &channel, &who)?,
        What::Kick { channel } => slack.kick_bot(user, &channel)?,
        What::Dismiss { ts } => {
            slack.shared.touch(|world| world.ephemerals.retain(|e| e.message["ts"] != ts.as_str()));
        }
        What::Lever { id } => slack.shared.touch(|world| world.pulls.push_back(id)),
    }
    Ok(Value::Null)
}
