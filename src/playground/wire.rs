//! The payloads Slack sends to an app: event callbacks, interactions, commands.

use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

use super::ids;
use super::world::{Hook, Trigger, View, World};

impl World {
    /// The wrapper around an event.
    pub(super) fn event_callback(&self, event: Value, ext_shared: bool) -> Value {
        let team = &self.options.workspace.id;
        let app = &self.options.app;
        let org = self.options.org_wide;
        let mut callback = json!({
            "token": "verification-token-is-not-used", "team_id": team, "context_team_id": team,
            "context_enterprise_id": self.enterprise(), "enterprise_id": self.enterprise(),
            "api_app_id": app.id, "type": "event_callback",
            "event_id": format!("Ev{}", ids::random(11)), "event_time": unix_now(),
            "authorizations": [{
                "enterprise_id": self.enterprise(), "team_id": if org { Value::Null } else { json!(team) },
                "user_id": app.user_id, "is_bot": true, "is_enterprise_install": org,
            }],
            "is_ext_shared_channel": ext_shared, "event_context": format!("4-{}", ids::random(24)),
        });
        callback["event"] = event;
        callback
    }

    /// A channel's name as commands and interactions tell it: private ones have none.
    pub(super) fn told_name(&self, channel: &str) -> String {
        match self.channels.get(channel) {
            Some(c) if c.is_im() => "directmessage".to_owned(),
            Some(c) if c.private => "privategroup".to_owned(),
            Some(c) => c.name.clone(),
            None => String::new(),
        }
    }

    /// What every interaction has: who, where from, and a fresh trigger id.
    pub(super) fn interaction(&mut self, kind: &str, user: &str, view: Option<&str>) -> Value {
        let person = self.person(user).cloned().unwrap_or_default();
        let team = self.options.workspace.clone();
        let org = self.options.org_wide;
        let trigger = self.new_trigger(user, view);
        json!({
            "type": kind, "token": "verification-token-is-not-used", "api_app_id": self.options.app.id,
            "team": if org { Value::Null } else { json!({ "id": team.id, "domain": team.domain }) },
            "enterprise": self.enterprise().as_str().map(|id| json!({ "id": id, "name": team.name })),
            "is_enterprise_install": org, "trigger_id": trigger,
            "user": { "id": user, "username": person.name, "name": person.name, "team_id": team.id },
        })
    }

    /// A click on an action of a message, an ephemeral message or a view.
    pub(super) fn block_actions(&mut self, user: &str, place: &Place, action: &Value) -> Value {
        let view_id = place.view.as_ref().map(|v| v.id().to_owned());
        let mut payload = self.interaction("block_actions", user, view_id.as_deref());
        payload["actions"] = json!([action]);
        if let Some(view) = &place.view {
            payload["container"] = json!({ "type": "view", "view_id": view_id });
            payload["view"] = view.view.clone();
            return payload;
        }
        let ts = &place.message["ts"];
        let thread = place.message.get("thread_ts");
        payload["container"] = json!({
            "type": "message", "message_ts": ts, "channel_id": place.channel, "is_ephemeral": place.ephemeral,
        });
        if let Some(thread) = thread {
            payload["container"]["thread_ts"] = thread.clone();
        }
        let name = self.channels.get(&place.channel).map(|c| c.name.clone());
        payload["channel"] = json!({ "id": place.channel, "name": name });
        payload["state"] = json!({ "values": {} });
        if !place.ephemeral {
            payload["message"] = place.message.clone();
        }
        payload["response_url"] = json!(self.new_hook(Hook {
            user: user.to_owned(),
            channel: place.channel.clone(),
            message_ts: ts.as_str().map(str::to_owned),
            thread_ts: thread.and_then(Value::as_str).map(str::to_owned),
            uses: 0,
        }));
        payload
    }

    /// The form fields of a slash command.
    pub(super) fn slash_command(
        &mut self,
        user: &str,
        channel: &str,
        command: &str,
        text: &str,
    ) -> Value {
        let team = self.options.workspace.clone();
        let trigger = self.new_trigger(user, None);
        let hook = self.new_hook(Hook {
            user: user.to_owned(),
            channel: channel.to_owned(),
            message_ts: None,
            thread_ts: None,
            uses: 0,
        });
        let name = self.told_name(channel);
        let mut form = json!({
            "token": "verification-token-is-not-used", "team_id": team.id, "team_domain": team.domain,
            "channel_id": channel, "channel_name": name, "user_id": user,
            "user_name": self.person(user).map(|p| p.name.clone()), "command": command, "text": text,
            "api_app_id": self.options.app.id, "is_enterprise_install": self.options.org_wide.to_string(),
            "response_url": hook, "trigger_id": trigger,
        });
        if let Some(enterprise) = self.enterprise().as_str() {
            form["enterprise_id"] = json!(enterprise);
            form["enterprise_name"] = json!(team.name);
        }
        form
    }

    pub(super) fn new_trigger(&mut self, user: &str, view: Option<&str>) -> String {
        let id = format!("{}.{}.{}", unix_now(), ids::random(10), ids::random(32).to_lowercase());
        let trigger = Trigger {
            user: user.to_owned(),
            view: view.map(str::to_owned),
            born: Instant::now(),
            used: false,
        };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    pub(super) fn new_hook(&mut self, hook: Hook) -> String {
        let id = ids::random(24);
        let url = format!("{}/hook/{}/{id}", self.base, self.options.workspace.id);
        self.hooks.insert(id, hook);
        url
    }

    pub(super) fn enterprise(&self) -> Value {
        if self.options.org_wide {
            json!(self.options.workspace.id.replacen('T', "E", 1))
        } else {
            Value::Null
        }
    }
}

/// Where an action was clicked.
pub(super) struct Place {
    pub(super) channel: String,
    pub(super) message: Value,
    pub(super) ephemeral: bool,
    pub(super) view: Option<View>,
}

/// The stand-in lives in real time, as Slack does.
#[expect(clippy::disallowed_methods, reason = "the one place where the stand-in reads the clock")]
pub(super) fn now() -> SystemTime {
    SystemTime::now()
}

/// Seconds since 1970.
pub(super) fn unix_now() -> u64 {
    now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
