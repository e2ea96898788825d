//! A bot of a few lines for the tests: calls methods, holds sockets, acknowledges.

use futures_util::{SinkExt, StreamExt};
use secondlook::playground::{Options, Playground, Say};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub(crate) const MAYA: &str = "U0MAYA0001";
pub(crate) const JONAS: &str = "U0JONAS001";
pub(crate) const BACKEND: &str = "C0BACKEND1";

/// A bot of a few lines: calls methods, holds sockets.
pub(crate) struct Bot {
    pub(crate) slack: Playground,
    pub(crate) http: reqwest::Client,
}

pub(crate) struct Socket(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Bot {
    pub(crate) async fn new(options: Options) -> Self {
        // Another test of this process may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let slack = Playground::start(options).await.expect("a free port");
        Self { slack, http: reqwest::Client::new() }
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        token: &str,
        args: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}/{method}", self.slack.api_url());
        self.http.post(url).bearer_auth(token).json(args).send().await
    }

    pub(crate) async fn call(&self, method: &str, args: Value) -> Value {
        let answer = self.send(method, &self.slack.bot_token(), &args).await.expect("an answer");
        answer.json().await.expect("JSON")
    }

    pub(crate) async fn socket(&self) -> Socket {
        let answer = self.send("apps.connections.open", self.slack.app_token(), &json!({})).await;
        let answer: Value = answer.expect("an answer").json().await.expect("JSON");
        let (ws, _) =
            connect_async(answer["url"].as_str().expect("a URL")).await.expect("a socket");
        let mut socket = Socket(ws);
        let hello = socket.next().await.expect("hello");
        assert_eq!(hello["type"], "hello");
        assert!(hello["debug_info"]["host"].is_string());
        socket
    }

    pub(crate) fn say(&self, text: &str) -> String {
        self.slack.say(Say::new(BACKEND, MAYA, text)).expect("said")
    }
}

impl Socket {
    /// The next JSON frame; none when the connection ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return serde_json::from_str(&text).ok(),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub(crate) async fn ack(&mut self, envelope: &Value, payload: Value) {
        let ack = json!({ "envelope_id": envelope["envelope_id"], "payload": payload });
        self.0.send(Message::text(ack.to_string())).await.expect("sent");
    }

    pub(crate) async fn next_acked(&mut self) -> Value {
        let envelope = self.next().await.expect("an envelope");
        self.ack(&envelope, Value::Null).await;
        envelope
    }

    /// The next event, acknowledged.
    pub(crate) async fn event(&mut self) -> Value {
        self.next_acked().await["payload"]["event"].clone()
    }
}

pub(crate) fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text })
}

pub(crate) fn card() -> Value {
    json!([
        { "type": "section", "text": { "type": "mrkdwn", "text": "*Known* — nothing yet" } },
        { "type": "actions", "elements": [
            { "type": "button", "action_id": "open", "text": plain("Open"), "value": "1" },
            { "type": "overflow", "action_id": "more", "options": [{ "text": plain("Why?"), "value": "why" }] },
        ] },
    ])
}

pub(crate) fn modal() -> Value {
    json!({
        "type": "modal", "callback_id": "case", "private_metadata": "7",
        "title": plain("Investigation"), "submit": plain("Open"),
        "blocks": [
            { "type": "input", "block_id": "title", "label": plain("Title"),
              "element": { "type": "plain_text_input", "action_id": "text", "max_length": 20 } },
            { "type": "input", "block_id": "class", "optional": true, "label": plain("Class"),
              "element": { "type": "static_select", "action_id": "pick",
                           "options": [{ "text": plain("DNS"), "value": "dns" }] } },
        ],
    })
}
