//! Hands events, interactions and commands to the bot, over Socket Mode or signed HTTP, and records every attempt.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::Shared;
use super::http;
use super::ids;
use super::socket::Frame;
use super::wire::{now, unix_now};
use super::world::{Ack, Delivery, RequestUrls, World};

/// What is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Interaction,
    Command,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Event => "events_api",
            Self::Interaction => "interactive",
            Self::Command => "slash_commands",
        }
    }
}

/// An attempt that is under way.
struct Attempt {
    record: usize,
    begun: Instant,
    way: Way,
}

enum Way {
    Socket { envelope_id: String, ack: oneshot::Receiver<Value> },
    Http { url: String, headers: Vec<(&'static str, String)>, body: String },
    Nowhere,
}

impl Shared {
    /// Delivers an event in the background, with Slack's repetitions until it is acknowledged.
    pub(super) fn send_event(self: &Arc<Self>, payload: Value) {
        let first = self.begin(Kind::Event, &payload, 0, "");
        let shared = Arc::clone(self);
        let work = async move {
            let mut outcome = shared.finish(first).await;
            for (attempt, pause) in (1..).zip(shared.look(|world| world.options.retries.clone())) {
                let Err(Failed { reason, no_retry: false }) = outcome else { return };
                tokio::time::sleep(pause).await;
                // A test may have had it repeated meanwhile.
                if shared.look(|world| world.acknowledged(&payload["event_id"])) {
                    return;
                }
                let next = shared.begin(Kind::Event, &payload, attempt, reason);
                outcome = shared.finish(next).await;
            }
        };
        let stop = self.stop.clone();
        self.tasks.spawn(async move { stop.run_until_cancelled(work).await });
    }

    /// Delivers once and waits for the acknowledgement.
    pub(super) async fn deliver(
        &self,
        kind: Kind,
        payload: &Value,
        attempt: u32,
        reason: &str,
    ) -> Option<Ack> {
        let attempt = self.begin(kind, payload, attempt, reason);
        self.finish(attempt).await.ok()
    }

    fn begin(&self, kind: Kind, payload: &Value, attempt: u32, reason: &str) -> Attempt {
        self.touch(|world| {
            let (way, socket) = match world.door.clone() {
                Some(urls) => {
                    (over_http(&urls, kind, payload, attempt, reason, &self.signing_secret), None)
                }
                None => over_socket(world, kind, payload, attempt, reason),
            };
            let id =
                payload["event_id"].as_str().or(payload["trigger_id"].as_str()).unwrap_or_default();
            let envelope_id = match &way {
                Way::Socket { envelope_id, .. } => Some(envelope_id.clone()),
                _ => None,
            };
            world.deliveries.push(Delivery {
                id: id.to_owned(),
                kind: kind.name(),
                envelope_id,
                socket,
                attempt,
                payload: payload.clone(),
                at: now(),
                ack: None,
                failed: None,
            });
            Attempt { record: world.deliveries.len() - 1, begun: Instant::now(), way }
        })
    }

    async fn finish(&self, attempt: Attempt) -> Result<Ack, Failed> {
        let limit = self.look(|world| world.options.ack_timeout);
        let outcome = match attempt.way {
            Way::Nowhere => Err(Failed::because("connection_failed")),
            Way::Socket { envelope_id, ack } => {
                let answer = tokio::time::timeout(limit, ack).await;
                self.touch(|world| world.pending.remove(&envelope_id));
                match answer {
                    Ok(Ok(body)) => Ok(body),
                    Ok(Err(_)) => Err(Failed::because("connection_failed")),
                    Err(_) => Err(Failed::because("timeout")),
                }
            }
            Way::Http { url, headers, body } => over_the_wire(limit, &url, &headers, &body).await,
        };
        let after = attempt.begun.elapsed();
        self.touch(|world| {
            let record = &mut world.deliveries[attempt.record];
            match outcome {
                Ok(body) => {
                    let ack = Ack { after, body };
                    record.ack = Some(ack.clone());
                    Ok(ack)
                }
                Err(failed) => {
                    record.failed = Some(failed.reason.to_owned());
                    Err(failed)
                }
            }
        })
    }
}

/// An attempt that was not acknowledged.
struct Failed {
    reason: &'static str,
    no_retry: bool,
}

impl Failed {
    fn because(reason: &'static str) -> Self {
        Self { reason, no_retry: false }
    }
}

fn over_socket(
    world: &mut World,
    kind: Kind,
    payload: &Value,
    attempt: u32,
    reason: &str,
) -> (Way, Option<u64>) {
    let nowhere = (Way::Nowhere, None);
    if world.sockets.is_empty() {
        return nowhere;
    }
    // Slack picks any one connection; taking turns exercises them all.
    let chosen = world.deliveries.len() % world.sockets.len();
    let envelope_id = ids::uuid();
    let answers = kind == Kind::Command || payload["type"] == "view_submission";
    let mut envelope = json!({
        "envelope_id": envelope_id, "type": kind.name(), "accepts_response_payload": answers, "payload": payload,
    });
    if kind == Kind::Event {
        envelope["retry_attempt"] = json!(attempt);
        envelope["retry_reason"] = json!(reason);
    }
    let socket = &world.sockets[chosen];
    let (tell, ack) = oneshot::channel();
    if socket.frames.send(Frame::Text(Utf8Bytes::from(envelope.to_string()))).is_err() {
        return nowhere;
    }
    let number = socket.number;
    world.pending.insert(envelope_id.clone(), (number, tell));
    (Way::Socket { envelope_id, ack }, Some(number))
}

fn over_http(
    urls: &RequestUrls,
    kind: Kind,
    payload: &Value,
    attempt: u32,
    reason: &str,
    secret: &str,
) -> Way {
    let form = "application/x-www-form-urlencoded";
    let (url, body, content_type) = match kind {
        Kind::Event => (&urls.events, payload.to_string(), "application/json"),
        Kind::Interaction => {
            (&urls.interactivity, encode([("payload", payload.to_string())]), form)
        }
        Kind::Command => {
            let fields = payload.as_object().into_iter().flatten();
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (&urls.commands, encode(fields.map(|(name, value)| (name.as_str(), text(value)))), form)
        }
    };
    let mut headers = signed(secret, &body, content_type);
    if attempt > 0 {
        headers.push(("X-Slack-Retry-Num", attempt.to_string()));
        let reason = if reason == "timeout" { "http_timeout" } else { reason };
        headers.push(("X-Slack-Retry-Reason", reason.to_owned()));
    }
    Way::Http { url: url.clone(), headers, body }
}

/// The headers of a signed request.
pub(super) fn signed(secret: &str, body: &str, content_type: &str) -> Vec<(&'static str, String)> {
    let now = unix_now();
    vec![
        ("Content-Type", content_type.to_owned()),
        ("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
        ("X-Slack-Request-Timestamp", now.to_string()),
        ("X-Slack-Signature", http::sign(secret, now, body)),
    ]
}

async fn over_the_wire(
    limit: Duration,
    url: &str,
    headers: &[(&str, String)],
    body: &str,
) -> Result<Value, Failed> {
    match tokio::time::timeout(limit, http::post(url, headers, body)).await {
        Err(_) => Err(Failed::because("http_timeout")),
        Ok(Err(_)) => Err(Failed::because("connection_failed")),
        Ok(Ok(answer)) if (200..300).contains(&answer.status) => {
            let text = || if answer.body.is_empty() { Value::Null } else { json!(answer.body) };
            Ok(serde_json::from_str(&answer.body).unwrap_or_else(|_| text()))
        }
        Ok(Ok(answer)) => Err(Failed {
            reason: "http_error",
            no_retry: answer.head.contains("\r\nx-slack-no-retry: 1"),
        }),
    }
}

fn encode<'a>(fields: impl IntoIterator<Item = (&'a str, String)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
