//! The Socket Mode door: keeps a few connections to Slack open for as long as we run, whatever happens to any of them.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use futures_util::StreamExt;
use metrics::{counter, gauge};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::client::Client;
use super::connection::Connection;
use super::{Receive, is_loopback};
use crate::app::panics;
use crate::app::ports::ChatError;

/// How long connecting may take, and then how long the greeting.
const STEP_MAX: Duration = Duration::from_secs(10);

/// A connection that lived this long was healthy: the next one need not wait.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);

/// Larger messages break the connection. What is larger than a delivery may be is acknowledged unread below this.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why a connection is to be followed by another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Slack announced that it will close it; until then it works.
    Announced,
    /// It is gone, or of no use.
    Lost(&'static str),
    /// It has a successor, or we are shutting down.
    Done,
}

/// Why no connection came about.
struct Fault {
    reason: &'static str,
    retry_after: Duration,
}

impl From<&'static str> for Fault {
    fn from(reason: &'static str) -> Self {
        Self { reason, retry_after: Duration::ZERO }
    }
}

/// Keeps `connections` connections open until `cancel`; then waits a few seconds for deliveries being worked on.
pub async fn run(
    client: Arc<Client>,
    app_token: SecretString,
    receive: Arc<dyn Receive>,
    connections: usize,
    cancel: CancellationToken,
) {
    // Nothing is open yet, and that must show: who is refused from the start is as deaf as who loses a connection.
    gauge!("secondlook_sockets_open").increment(0);
    let door = Arc::new(Door { client, app_token, receive, cancel: cancel.clone() });
    panics::keep("socket", connections.max(1), cancel, |_| Arc::clone(&door).keep_line()).await;
}

struct Door {
    client: Arc<Client>,
    app_token: SecretString,
    receive: Arc<dyn Receive>,
    cancel: CancellationToken,
}

impl Door {
    /// Keeps one connection open. Its successor is opened before a connection that Slack is about to close is given up, so that
    /// there is no gap; every other end, and every quick one, waits its back-off first.
    async fn keep_line(self: Arc<Self>) {
        let mut waits = back_off();
        let mut serving = JoinSet::new();
        let mut successor = CancellationToken::new();
        while !self.cancel.is_cancelled() {
            let opened = tokio::select! {
                () = self.cancel.cancelled() => break,
                opened = self.open() => opened,
            };
            let (reason, pause) = match opened {
                Err(fault) => (fault.reason, waits.pause().max(fault.retry_after)),
                Ok(socket) => {
                    let opened_at = Instant::now();
                    successor.cancel();
                    successor = CancellationToken::new();
                    let (tell, told) = oneshot::channel();
                    let connection = Connection::new(socket, Arc::clone(&self.receive), tell);
                    serving.spawn(connection.serve(successor.clone(), self.cancel.clone()));
                    let leaving = told.await.unwrap_or(Leaving::Lost("panicked"));
                    let healthy = opened_at.elapsed() >= HEALTHY_AFTER;
                    if healthy {
                        waits = back_off();
                    }
                    match leaving {
                        Leaving::Done => break,
                        Leaving::Announced if healthy => ("announced", Duration::ZERO),
                        Leaving::Announced => ("announced", waits.pause()),
                        Leaving::Lost(reason) => (reason, waits.pause()),
                    }
                }
            };
            counter!("secondlook_socket_reconnects_total", "reason" => reason).increment(1);
            tracing::warn!(error.kind = reason, pause_ms = millis(pause), "a socket is reopened");
            tokio::select! {
                () = self.cancel.cancelled() => break,
                () = sleep(pause) => {}
            }
            while serving.try_join_next().is_some() {}
        }
        while serving.join_next().await.is_some() {}
    }

    /// Asks for an address, connects, and waits for Slack's `hello`. The address is a ticket: it appears in no error.
    async fn open(&self) -> Result<Socket, Fault> {
        let nothing = json!({});
        let asked = self.client.call_once(&self.app_token, "apps.connections.open", &nothing, None);
        let answer = asked.await.map_err(|error| match error {
            ChatError::RateLimited { retry_after } => Fault { reason: "rate_limited", retry_after },
            ChatError::Refused { code } => {
                tracing::error!(error.kind = code, "Slack refuses to open a socket");
                Fault::from("refused")
            }
            ChatError::Unreachable(_) | ChatError::Uncertain(_) | ChatError::Unanswered(_) => {
                Fault::from("unreachable")
            }
        })?;
        let url = answer["url"].as_str().and_then(|url| Url::parse(url).ok());
        let url = url.filter(|url| match url.scheme() {
            "wss" => true,
            "ws" => is_loopback(url),
            _ => false,
        });
        let url = url.ok_or("bad_address")?;
        let config = WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX));
        let connecting = connect_async_with_config(url.as_str(), Some(config), true);
        let connected = timeout(STEP_MAX, connecting).await.map_err(|_| "connect_timeout")?;
        let (mut socket, _response) = connected.map_err(|_| "connect_failed")?;
        timeout(STEP_MAX, greeting(&mut socket)).await.map_err(|_| "hello_timeout")??;
        tracing::info!("a socket is open");
        Ok(socket)
    }
}

/// Waits for `hello`, which is the first thing Slack says unless it wants us gone.
async fn greeting(socket: &mut Socket) -> Result<(), &'static str> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let frame = frame(&text).unwrap_or_default();
                return match frame["type"].as_str() {
                    Some("hello") => Ok(()),
                    Some("disconnect") => Err(disconnect_reason(&frame)),
                    _ => Err("no_hello"),
                };
            }
            Some(Ok(Message::Close(_))) | None => return Err("closed"),
            Some(Ok(_)) => {}
            Some(Err(_)) => return Err("reset"),
        }
    }
}

/// Slack's word for why it disconnects, as one of the words we know.
pub(super) fn disconnect_reason(frame: &Value) -> &'static str {
    match frame["reason"].as_str() {
        Some("warning") => "warning",
        Some("refresh_requested") => "refresh_requested",
        Some("too_many_websockets") => "too_many_websockets",
        Some("link_disabled") => "link_disabled",
        _ => "other",
    }
}

pub(super) fn frame(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// Between half a second and half a minute, doubling, with jitter (which adds up to as much again).
fn back_off() -> BackOff {
    let builder = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(Duration::from_secs(15))
        .without_max_times()
        .with_jitter();
    BackOff(builder.build())
}

struct BackOff(ExponentialBackoff);

impl BackOff {
    fn pause(&mut self) -> Duration {
        self.0.next().unwrap_or(Duration::from_secs(30))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
