//! One open Socket Mode connection: reads envelopes, has each attended in a task of its own, and writes the acknowledgements.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use metrics::{Gauge, counter, gauge};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{
    Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout, timeout_at,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::socket::{Leaving, Socket, disconnect_reason, frame};
use super::{Acknowledgement, DELIVERY_BYTES_MAX, Delivery, DeliveryKind, Receive, attend};

/// How often we ask whether Slack is still there.
const PING_EVERY: Duration = Duration::from_secs(15);

/// No frame for this long: the connection is dead, though nobody said so.
const SILENCE_MAX: Duration = Duration::from_secs(45);

/// How long one write may take.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// How long deliveries being worked on are waited for at the end.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// How long a connection that has a successor is still read; Slack closes it earlier.
const OVERLAP_MAX: Duration = Duration::from_secs(10);

/// How many deliveries of one connection are worked on at once; beyond that it isn't read.
const IN_FLIGHT_MAX: usize = 64;

/// An open connection.
pub(super) struct Connection {
    socket: Socket,
    receive: Arc<dyn Receive>,
    /// Deliveries being worked on; each ends with the acknowledgement to write, if any.
    in_flight: JoinSet<Option<Message>>,
    heard_at: Instant,
    /// Told once, as soon as a successor is wanted.
    tell: Option<oneshot::Sender<Leaving>>,
}

/// What of an oversized or unreadable envelope is read: enough to acknowledge it.
#[derive(Deserialize)]
struct Head {
    envelope_id: String,
}

/// Counts a connection as open until it is dropped, also by a panic.
struct Open(Gauge);

impl Open {
    fn counted() -> Self {
        let open = gauge!("secondlook_sockets_open");
        open.increment(1);
        Self(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

impl Connection {
    pub(super) fn new(
        socket: Socket,
        receive: Arc<dyn Receive>,
        tell: oneshot::Sender<Leaving>,
    ) -> Self {
        let in_flight = JoinSet::new();
        Self { socket, receive, in_flight, heard_at: Instant::now(), tell: Some(tell) }
    }

    /// Serves the connection to its end. `succeeded` says that it has a successor, `cancel` that we are shutting down.
    pub(super) async fn serve(mut self, succeeded: CancellationToken, cancel: CancellationToken) {
        let _open = Open::counted();
        let leaving = self.converse(&succeeded, &cancel).await;
        self.tell(leaving);
        self.part().await;
    }

    async fn converse(
        &mut self,
        succeeded: &CancellationToken,
        cancel: &CancellationToken,
    ) -> Leaving {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let overlapped = succeeded.cancelled().then(|()| sleep(OVERLAP_MAX));
        tokio::pin!(overlapped);
        loop {
            let done = tokio::select! {
                () = cancel.cancelled() => Err(Leaving::Done),
                () = &mut overlapped => Err(Leaving::Done),
                () = sleep_until(self.heard_at + SILENCE_MAX) => Err(Leaving::Lost("silent")),
                Some(attended) = self.in_flight.join_next() => {
                    self.write(attended.ok().flatten()).await
                }
                _ = ping.tick() => self.write(Some(Message::Ping(Bytes::new()))).await,
                read = self.socket.next(), if self.in_flight.len() < IN_FLIGHT_MAX => {
                    self.heard_at = Instant::now();
                    match read {
                        Some(Ok(Message::Text(text))) => self.hear(&text).await,
                        Some(Ok(Message::Close(_))) | None => Err(Leaving::Lost("closed")),
                        Some(Ok(_)) => Ok(()),
                        Some(Err(_)) => Err(Leaving::Lost("reset")),
                    }
                }
            };
            if let Err(leaving) = done {
                return leaving;
            }
        }
    }

    async fn hear(&mut self, text: &str) -> Result<(), Leaving> {
        let frame = if text.len() <= DELIVERY_BYTES_MAX { frame(text) } else { None };
        let Some(mut frame) = frame else { return self.acknowledge_unread(text).await };
        let kind = match frame["type"].as_str() {
            Some("events_api") => DeliveryKind::Events,
            Some("interactive") => DeliveryKind::Interactive,
            Some("slash_commands") => DeliveryKind::Command,
            Some("disconnect") => return self.told_to_leave(disconnect_reason(&frame)),
            Some("hello") => return Ok(()),
            _ => return self.acknowledge_unread(text).await,
        };
        let Value::String(envelope_id) = frame["envelope_id"].take() else { return Ok(()) };
        let takes_body = frame["accepts_response_payload"].as_bool().unwrap_or(false);
        let delivery = Delivery { kind, payload: frame["payload"].take() };
        let receive = Arc::clone(&self.receive);
        self.in_flight.spawn(async move {
            match attend(&*receive, delivery).await {
                Ok(Acknowledgement::Body(body)) if takes_body => {
                    Some(acknowledgement(&envelope_id, Some(body)))
                }
                Ok(Acknowledgement::Empty | Acknowledgement::Body(_)) => {
                    Some(acknowledgement(&envelope_id, None))
                }
                // Not acknowledged: Slack sends it again.
                Ok(Acknowledgement::Refused) | Err(_) => None,
            }
        });
        Ok(())
    }

    /// Slack would send it again and again, and it would be no more use then.
    async fn acknowledge_unread(&mut self, text: &str) -> Result<(), Leaving> {
        counter!("secondlook_slack_deliveries_total", "kind" => "unknown", "outcome" => "unread")
            .increment(1);
        let head: Option<Head> = serde_json::from_str(text).ok();
        self.write(head.map(|head| acknowledgement(&head.envelope_id, None))).await
    }

    fn told_to_leave(&mut self, reason: &'static str) -> Result<(), Leaving> {
        match reason {
            "warning" | "refresh_requested" => {
                self.tell(Leaving::Announced);
                Ok(())
            }
            reason => Err(Leaving::Lost(reason)),
        }
    }

    fn tell(&mut self, leaving: Leaving) {
        if let Some(tell) = self.tell.take() {
            // Whoever opened this connection may be gone: then we are shutting down.
            tell.send(leaving).ok();
        }
    }

    async fn write(&mut self, message: Option<Message>) -> Result<(), Leaving> {
        let Some(message) = message else { return Ok(()) };
        match timeout(WRITE_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Leaving::Lost("reset")),
            Err(_elapsed) => Err(Leaving::Lost("write_timeout")),
        }
    }

    /// Reads no more, acknowledges what is still being worked on, and closes. What takes longer goes on without us.
    async fn part(&mut self) {
        let deadline = Instant::now() + DRAIN_MAX;
        while let Ok(Some(attended)) = timeout_at(deadline, self.in_flight.join_next()).await {
            if self.write(attended.ok().flatten()).await.is_err() {
                break;
            }
        }
        self.in_flight.detach_all();
        drop(timeout(Duration::from_secs(1), self.socket.close(None)).await);
    }
}

fn acknowledgement(envelope_id: &str, payload: Option<Value>) -> Message {
    let mut frame = json!({ "envelope_id": envelope_id });
    if let Some(payload) = payload {
        frame["payload"] = payload;
    }
    Message::text(frame.to_string())
}
