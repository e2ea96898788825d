//! Socket Mode: hello, envelopes out, acknowledgements in, pings, and the ways a connection ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Shared;
use super::fault::FaultKind;
use super::tcp::Cut;

/// Slack allows ten connections per app.
const MOST_SOCKETS: usize = 10;

/// An open connection.
pub(super) struct Socket {
    pub(super) number: u64,
    pub(super) frames: mpsc::UnboundedSender<Frame>,
}

impl Socket {
    /// The same connection for another workspace: it is the app's.
    pub(super) fn share(&self) -> Self {
        Self { number: self.number, frames: self.frames.clone() }
    }
}

/// What a connection is told to do.
pub(super) enum Frame {
    /// Send a text frame.
    Text(Utf8Bytes),
    /// Send `disconnect` with this reason, then close.
    Disconnect(String),
    /// Reset the TCP connection without a word.
    Cut,
    /// Keep the TCP connection, but neither read nor write any more.
    Freeze,
}

/// `GET /link`: the URL that `apps.connections.open` gave, good for one connection.
pub(super) async fn open(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ticket = query.get("ticket").cloned().unwrap_or_default();
    if !shared.touch(|world| world.tickets.remove(&ticket)) {
        return (StatusCode::NOT_FOUND, "no such ticket").into_response();
    }
    upgrade.on_upgrade(move |socket| async move { talk(socket, shared, cut).await })
}

async fn talk(mut ws: WebSocket, shared: Arc<Shared>, cut: Cut) {
    let (frames, mut inbox) = mpsc::unbounded_channel();
    let (number, open) = shared.touch(|world| {
        world.socket_counter += 1;
        let number = world.socket_counter;
        let unwanted = match world.faults.take("sockets", None) {
            Some(FaultKind::Error(reason)) => Some(reason),
            _ if world.sockets.len() >= MOST_SOCKETS => Some("too_many_websockets".to_owned()),
            _ => None,
        };
        match unwanted {
            Some(reason) => drop(frames.send(Frame::Disconnect(reason))),
            None => world.sockets.push(Socket { number, frames: frames.clone() }),
        }
        (number, world.sockets.len())
    });
    shared.everywhere(|world| {
        let known = world.sockets.iter().any(|socket| socket.number == number);
        if !known && open <= MOST_SOCKETS {
            world.sockets.push(Socket { number, frames: frames.clone() });
        }
    });
    drop(frames);
    let app = shared.look(|world| world.options.app.id.clone());
    let hello = json!({
        "type": "hello", "num_connections": open, "connection_info": { "app_id": app },
        "debug_info": { "host": "applink-playground", "build_number": 1, "approximate_connection_time": 18060 },
    });
    if ws.send(Message::Text(hello.to_string().into())).await.is_ok() {
        let stop = shared.stop.clone();
        stop.run_until_cancelled(exchange(&mut ws, &shared, &cut, number, &mut inbox)).await;
        let _ = ws.send(Message::Close(None)).await;
    }
    shared.everywhere(|world| {
        world.sockets.retain(|socket| socket.number != number);
        // Whatever this connection did not acknowledge will not be acknowledged any more.
        world.pending.retain(|_, (socket, _)| *socket != number);
    });
}

async fn exchange(
    ws: &mut WebSocket,
    shared: &Shared,
    cut: &Cut,
    number: u64,
    inbox: &mut mpsc::UnboundedReceiver<Frame>,
) {
    let mut pings = tokio::time::interval(Duration::from_secs(10));
    let mut warned = false;
    loop {
        tokio::select! {
            frame = inbox.recv() => match frame {
                Some(Frame::Text(text)) => if ws.send(Message::Text(text)).await.is_err() { return },
                Some(Frame::Disconnect(reason)) => {
                    warned = reason == "warning";
                    if say_goodbye(ws, &reason).await.is_err() || !warned { return }
                }
                Some(Frame::Freeze) => return freeze(cut, inbox).await,
                Some(Frame::Cut) | None => return cut.0.cancel(),
            },
            heard = ws.recv() => match heard {
                Some(Ok(Message::Text(text))) => shared.acknowledged(number, &text),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            _ = pings.tick() => {
                // A warning announces the end by up to ten seconds; the connection works until then.
                if warned { return }
                if ws.send(Message::Ping("Ping from applink-playground".into())).await.is_err() { return }
            }
        }
    }
}

async fn say_goodbye(ws: &mut WebSocket, reason: &str) -> Result<(), axum::Error> {
    let host = json!({ "host": "applink-playground" });
    let goodbye = json!({ "type": "disconnect", "reason": reason, "debug_info": host });
    ws.send(Message::Text(goodbye.to_string().into())).await
}

async fn freeze(cut: &Cut, inbox: &mut mpsc::UnboundedReceiver<Frame>) {
    while let Some(frame) = inbox.recv().await {
        if matches!(frame, Frame::Cut) {
            break;
        }
    }
    cut.0.cancel();
}

impl Shared {
    fn acknowledged(&self, number: u64, text: &str) {
        let Ok(ack) = serde_json::from_str::<Value>(text) else { return };
        let id = ack["envelope_id"].as_str().unwrap_or_default();
        self.everywhere(|world| {
            if world.pending.get(id).is_some_and(|(socket, _)| *socket == number)
                && let Some((_, tell)) = world.pending.remove(id)
            {
                let _ = tell.send(ack["payload"].clone());
            }
        });
    }
}
