//! Slack's token endpoint: a code becomes tokens, a refresh token becomes the next ones.

use jiff::SignedDuration;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::access::{ask, split};
use super::client::Client;
use super::seal::Tokens;
use crate::app::ports::ChatError;
use crate::domain::WorkspaceId;

const METHOD: &str = "oauth.v2.access";

/// The app, as Slack knows it.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Its public id.
    pub client_id: String,
    /// What proves that we are it.
    pub client_secret: SecretString,
}

/// What Slack grants.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) tokens: Tokens,
    /// How long the bot token lasts; `None` without token rotation.
    pub(super) expires_in: Option<SignedDuration>,
    pub(super) scopes: Vec<String>,
    /// Where: the workspace, and the organisation it belongs to; one of them may be missing.
    pub(super) by: Vec<WorkspaceId>,
}

impl Client {
    /// The tokens for a code that a browser brought; a code works once.
    pub(super) async fn redeem(
        &self,
        app: &Credentials,
        code: &str,
        redirect_url: &str,
    ) -> Result<Granted, ChatError> {
        self.grant(app, &[("code", code), ("redirect_uri", redirect_url)]).await
    }

    /// The next tokens for a refresh token, which works once.
    pub(super) async fn renew(
        &self,
        app: &Credentials,
        refresh: &SecretString,
    ) -> Result<Granted, ChatError> {
        let refresh = refresh.expose_secret();
        self.grant(app, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await
    }

    /// Gives tokens back that we don't want: Slack takes them no more, and the app is no longer installed there.
    pub(super) async fn give_back(&self, tokens: &Tokens) -> Result<(), ChatError> {
        self.call_once(&tokens.bot, "auth.revoke", &json!({}), None).await.map(|_| ())
    }

    async fn grant(
        &self,
        app: &Credentials,
        fields: &[(&str, &str)],
    ) -> Result<Granted, ChatError> {
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self
            .files
            .post(self.address(METHOD))
            .basic_auth(&app.client_id, Some(app.client_secret.expose_secret()))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        let (_, answer) = ask(METHOD, request).await?;
        read(&answer).ok_or_else(|| ChatError::Refused { code: "no_bot_token".to_owned() })
    }
}

/// Reads a bot's tokens; an app that asks for no bot scopes gets none.
fn read(answer: &Value) -> Option<Granted> {
    let token = |name: &str| answer[name].as_str().map(SecretString::from);
    let by = ["/team/id", "/enterprise/id"].map(|id| answer.pointer(id).and_then(Value::as_str));
    let bot = token("access_token").filter(|_| answer["token_type"] == "bot")?;
    Some(Granted {
        tokens: Tokens { bot, refresh: token("refresh_token") },
        expires_in: answer["expires_in"].as_i64().map(SignedDuration::from_secs),
        scopes: split(answer["scope"].as_str().unwrap_or_default()),
        by: by.into_iter().flatten().map(WorkspaceId::from).collect(),
    })
}
