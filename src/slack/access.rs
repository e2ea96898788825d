//! Asks Slack what our tokens may do, for a person who looks for what is wrong; reads headers that other calls have no use for.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{DATE, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

use super::client::{Client, RETRY_AFTER_UNSAID};
use crate::app::ports::ChatError;

/// What Slack says about the bot's token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The bot's name.
    pub bot: String,
    /// The workspace's name.
    pub workspace: String,
    /// The granted scopes; empty when Slack doesn't say.
    pub scopes: Vec<String>,
    /// Slack's time, to the second.
    pub time: Option<Timestamp>,
}

impl Client {
    /// What the bot's token is good for.
    pub async fn access(&self, token: &SecretString) -> Result<Access, ChatError> {
        let url = format!("{}/auth.test", self.base.as_str().trim_end_matches('/'));
        let request = self.files.post(url).bearer_auth(token.expose_secret());
        let response = request.send().await.map_err(|error| {
            let what = if error.is_timeout() { "no answer in time" } else { "could not connect" };
            unreachable(what)
        })?;
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        let scopes = header("x-oauth-scopes").unwrap_or_default();
        let scopes: Vec<String> =
            scopes.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect();
        let time = header(DATE.as_str()).and_then(|date| rfc2822::parse(date).ok());
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            let seconds = header(RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
            let retry_after = seconds.map_or(RETRY_AFTER_UNSAID, Duration::from_secs);
            return Err(ChatError::RateLimited { retry_after });
        }
        let body: Option<Value> =
            response.bytes().await.ok().and_then(|body| serde_json::from_slice(&body).ok());
        let body = body.ok_or_else(|| unreachable("the answer is not Slack's"))?;
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if body["ok"] == true {
            let time = time.map(|time| time.timestamp());
            Ok(Access { bot: text("user"), workspace: text("team"), scopes, time })
        } else {
            Err(ChatError::Refused { code: text("error") })
        }
    }

    /// Whether the app-level token may open a connection; opens none.
    pub async fn may_connect(&self, app_token: &SecretString) -> Result<(), ChatError> {
        self.call(app_token, "apps.connections.open", &json!({}), None).await.map(|_| ())
    }
}

fn unreachable(what: &str) -> ChatError {
    ChatError::Unreachable(what.to_owned())
}
