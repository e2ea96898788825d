//! Asks Slack whose a token is and what it may do; reads headers that other calls have no use for.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use metrics::counter;
use reqwest::RequestBuilder;
use reqwest::header::{DATE, HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::time::Duration;

use super::client::Client;
use super::request::{header, label, lost, send};
use crate::app::ports::{ChatError, Workspace};
use crate::domain::channel::Channel;
use crate::domain::{ChannelId, UserId, WorkspaceId};

/// How long one such request may take.
const REQUEST_MAX: Duration = Duration::from_secs(10);
/// Slack's longest reasons have half as many letters.
const REASON_BYTES_MAX: usize = 80;

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
    /// Who the bot is where this token is from: in a workspace, or in an organisation it was installed in as a whole.
    pub async fn identify(&self, token: &SecretString) -> Result<Workspace, ChatError> {
        let answer = self.call(token, "auth.test", &json!({}), None).await?;
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let organisation = answer["is_enterprise_install"] == true;
        let ids =
            [if organisation { text("enterprise_id") } else { String::new() }, text("team_id")];
        let id = ids.into_iter().find(|id| !id.is_empty());
        let nameless = || ChatError::Refused { code: "no_team_id".to_owned() };
        Ok(Workspace {
            id: WorkspaceId(id.ok_or_else(nameless)?),
            bot_user: UserId(text("user_id")),
            bot_id: text("bot_id"),
            url: text("url"),
        })
    }

    /// What the bot's token is good for.
    pub async fn access(&self, token: &SecretString) -> Result<Access, ChatError> {
        let request = self.files.post(self.address("auth.test"));
        let (headers, answer) =
            ask("auth.test", request.bearer_auth(token.expose_secret())).await?;
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        let scopes = split(header(&headers, "x-oauth-scopes").unwrap_or_default());
        let time = header(&headers, DATE.as_str()).and_then(|date| rfc2822::parse(date).ok());
        let time = time.map(|time| time.timestamp());
        Ok(Access { bot: text("user"), workspace: text("team"), scopes, time })
    }

    /// How a channel stands now.
    pub async fn channel(
        &self,
        token: &SecretString,
        channel: &ChannelId,
    ) -> Result<Channel, ChatError> {
        let query = json!({"channel": channel.as_str()});
        self.call(token, "conversations.info", &query, None).await.map(|answer| read(&answer))
    }

    /// Whether the app-level token may open a connection; opens none.
    pub async fn may_connect(&self, app_token: &SecretString) -> Result<(), ChatError> {
        self.call(app_token, "apps.connections.open", &json!({}), None).await.map(|_| ())
    }

    pub(super) fn address(&self, method: &str) -> String {
        format!("{}/{method}", self.base.as_str().trim_end_matches('/'))
    }
}

/// A channel as Slack tells it.
pub(super) fn read(answer: &Value) -> Channel {
    let is = |name: &str| answer["channel"][name].as_bool().unwrap_or(false);
    Channel {
        name: answer["channel"]["name"].as_str().unwrap_or_default().to_owned(),
        private: is("is_private") || is("is_group") || is("is_im") || is("is_mpim"),
        archived: is("is_archived"),
        external: is("is_ext_shared"),
        member: is("is_member"),
    }
}

/// Scopes as Slack lists them.
pub(super) fn split(scopes: &str) -> Vec<String> {
    scopes.split(',').map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

/// Sends a request once and reads Slack's answer with its headers.
pub(super) async fn ask(
    method: &'static str,
    request: RequestBuilder,
) -> Result<(HeaderMap, Value), ChatError> {
    let answer = ask_uncounted(request).await;
    counter!("secondlook_slack_calls_total", "method" => method, "outcome" => label(&answer))
        .increment(1);
    answer
}

async fn ask_uncounted(request: RequestBuilder) -> Result<(HeaderMap, Value), ChatError> {
    let response = send(request, REQUEST_MAX).await?;
    let headers = response.headers().clone();
    let body = response.bytes().await.map_err(|error| lost(&error))?;
    let answer: Value = serde_json::from_slice(&body).map_err(|_| not_slacks())?;
    match (answer["ok"].as_bool(), answer["error"].as_str()) {
        (Some(true), _) => Ok((headers, answer)),
        (_, Some(code)) => Err(ChatError::Refused { code: reason(code) }),
        _ => Err(not_slacks()),
    }
}

/// A reason as Slack gives one. It is logged and kept, and whatever answers in Slack's place could put anything there.
pub(super) fn reason(code: &str) -> String {
    let is_word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    let known = code.len() <= REASON_BYTES_MAX && code.bytes().all(is_word);
    if known { code.to_owned() } else { "unknown".to_owned() }
}

fn not_slacks() -> ChatError {
    ChatError::Uncertain("the answer is not Slack's".to_owned())
}
