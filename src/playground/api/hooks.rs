//! Response URLs and private file downloads.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::chat::bot_message;
use super::{after, before};
use crate::playground::Shared;
use crate::playground::fault::FaultKind;
use crate::playground::tcp::Cut;
use crate::playground::world::{Hook, World};

/// A response URL works five times.
const MOST_USES: u32 = 5;

/// `POST /hook/{team}/{id}`: a `response_url`.
pub(in crate::playground) async fn hook(
    State(shared): State<Arc<Shared>>,
    Path((_, id)): Path<(String, String)>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    body: Bytes,
) -> Response {
    let shared = shared.where_it_is(|world| world.hooks.contains_key(&id));
    let fault = scripted(&shared, "response_url");
    if let Err((spoiled, _)) = before(&shared, &cut, fault.as_ref()).await {
        return spoiled;
    }
    let Ok(said) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
    };
    let answer = shared.act(|world| {
        world.log_hook(&said);
        let hook = world.hooks.get_mut(&id).ok_or("no_active_hooks")?;
        hook.uses += 1;
        if hook.uses > MOST_USES {
            return Err("used_url");
        }
        let hook = hook.clone();
        if world.respond(&hook, &said) { Ok(()) } else { Err("invalid_blocks") }
    });
    if let Err(spoiled) = after(&shared, &cut, fault).await {
        return spoiled;
    }
    match answer {
        Ok(()) => "ok".into_response(),
        Err(code @ "invalid_blocks") => (StatusCode::BAD_REQUEST, code).into_response(),
        Err(code) => (StatusCode::NOT_FOUND, code).into_response(),
    }
}

/// `GET /files-pri/{team}-{file}/{name}`: the file for a bearer token; a sign-in page, with status 200, without one.
pub(in crate::playground) async fn download(
    State(shared): State<Arc<Shared>>,
    Path((id, _)): Path<(String, String)>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    headers: HeaderMap,
) -> Response {
    let (team, id) = id.split_once('-').unwrap_or_default();
    let shared = shared.where_it_is(|world| world.options.workspace.id == team);
    let fault = scripted(&shared, "files");
    if let Err((spoiled, _)) = before(&shared, &cut, fault.as_ref()).await {
        return spoiled;
    }
    if let Err(spoiled) = after(&shared, &cut, fault).await {
        return spoiled;
    }
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let (allowed, file) = shared.look(|world| {
        (bearer == format!("Bearer {}", world.bot_token), world.files.get(id).cloned())
    });
    match file {
        _ if !allowed => {
            Html("<!DOCTYPE html><html><title>Sign in to Slack</title></html>").into_response()
        }
        Some((mimetype, content)) => ([(header::CONTENT_TYPE, mimetype)], content).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn scripted(shared: &Shared, what: &str) -> Option<FaultKind> {
    shared.touch(|world| world.faults.take(what, None))
}

impl World {
    fn log_hook(&mut self, said: &Value) {
        self.calls.push(super::super::world::Call {
            method: "response_url".to_owned(),
            args: said.clone(),
            answer: Value::Null,
            at: super::super::wire::now(),
        });
    }

    /// Says something through a response URL, or as the immediate answer to a command; false when Slack would refuse it.
    pub(in crate::playground) fn respond(&mut self, hook: &Hook, said: &Value) -> bool {
        if said["delete_original"] == true {
            self.rewrite(hook, None);
            return true;
        }
        let text = said["text"].as_str().unwrap_or_default();
        let Ok(mut message) = bot_message(self, text, said.get("blocks")) else { return false };
        if said["replace_original"] == true && hook.message_ts.is_some() {
            self.rewrite(hook, Some(&Value::Object(message)));
            return true;
        }
        if let Some(thread) = said["thread_ts"].as_str().or(hook.thread_ts.as_deref()) {
            message.insert("thread_ts".into(), json!(thread));
        }
        if said["response_type"] == "in_channel" {
            self.post(&hook.channel, Value::Object(message));
        } else {
            self.whisper(&hook.user, &hook.channel, Value::Object(message));
        }
        true
    }

    /// Replaces, or removes, the message a hook belongs to.
    fn rewrite(&mut self, hook: &Hook, new: Option<&Value>) {
        let Some(ts) = hook.message_ts.as_deref() else { return };
        let Some(new) = new else {
            self.ephemerals.retain(|whispered| whispered.message["ts"] != ts);
            self.remove(&hook.channel, ts);
            return;
        };
        let put = |message: &mut Value| {
            message["text"] = new["text"].clone();
            message["blocks"] = new.get("blocks").cloned().unwrap_or_else(|| json!([]));
        };
        match self.ephemerals.iter_mut().find(|whispered| whispered.message["ts"] == ts) {
            Some(whispered) => {
                put(&mut whispered.message);
                crate::playground::blocks::name_blocks(&mut whispered.message);
            }
            None => drop(self.change(&hook.channel, ts, put)),
        }
    }
}
