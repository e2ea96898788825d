//! The Socket Mode door.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use secondlook::slack::client::Client;
use secondlook::slack::{Acknowledgement, Delivery, DeliveryKind, Receive, socket};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance, pause, resume, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::house::{Recorder, listen, serve, token};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A stand-in for Slack whose sockets the test plays itself.
struct Slack {
    opens: Arc<AtomicUsize>,
    sockets: mpsc::UnboundedReceiver<WebSocket>,
    cancel: CancellationToken,
    running: JoinHandle<()>,
}

impl Slack {
    async fn start(receive: Arc<dyn Receive>, connections: usize) -> Self {
        let (accepted, sockets) = mpsc::unbounded_channel();
        let upgrade = get(async move |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async move |socket| {
                accepted.send(socket).ok();
            })
        });
        let address = serve(Router::new().route("/link", upgrade)).await;
        let link = address.replace("http://", "ws://") + "/link?ticket=t";
        let answer = move || json!({ "ok": true, "url": link }).to_string();
        Self::answering(receive, connections, move || (StatusCode::OK, JSON, answer()), sockets)
            .await
    }

    /// Runs the door against a Slack that answers so when asked for a socket.
    async fn answering<const N: usize>(
        receive: Arc<dyn Receive>,
        connections: usize,
        answer: impl Fn() -> (StatusCode, [(&'static str, &'static str); N], String)
        + Clone
        + Send
        + Sync
        + 'static,
        sockets: mpsc::UnboundedReceiver<WebSocket>,
    ) -> Self {
        let opens = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&opens);
        let open = post(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            std::future::ready(answer().into_response())
        });
        let router = Router::new().route("/api/apps.connections.open", open);
        let client = Client::new(&format!("{}/api", serve(router).await)).expect("a client");
        let cancel = CancellationToken::new();
        let door = socket::run(Arc::new(client), token(), receive, connections, cancel.clone());
        let running = TaskTracker::new().spawn(door);
        Self { opens, sockets, cancel, running }
    }

    fn opens(&self) -> usize {
        self.opens.load(Ordering::SeqCst)
    }

    /// The next connection, before anything is said.
    async fn silent_socket(&mut self) -> Link {
        Link(self.sockets.recv().await.expect("the door connects"))
    }

    /// The next connection, greeted.
    async fn socket(&mut self) -> Link {
        let mut link = self.silent_socket().await;
        link.say(&json!({ "type": "hello", "num_connections": 1 })).await;
        link
    }
}

/// Slack's end of a connection.
struct Link(WebSocket);

impl Link {
    async fn say(&mut self, frame: &Value) {
        self.say_text(frame.to_string()).await;
    }

    async fn say_text(&mut self, text: String) {
        self.0.send(Message::Text(text.into())).await.expect("the door listens");
    }

    /// The next frame the door says, leaving out pings; `None` once it has closed.
    async fn heard(&mut self) -> Option<Value> {
        loop {
            match self.0.recv().await {
                Some(Ok(Message::Text(text))) => {
                    return Some(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// Lets more than a minute pass with deliveries. Time stands still only while it is moved: a paused clock runs ahead of
    /// sockets whenever they are waited for.
    async fn grow_healthy(&mut self) {
        for _ in 0..7 {
            pause();
            advance(Duration::from_secs(10)).await;
            resume();
            self.say(&envelope("still here", &json!({}))).await;
            assert_eq!(self.heard().await, Some(json!({ "envelope_id": "still here" })));
        }
    }

    /// Lets time pass with the connection alive and quiet.
    async fn idle(&mut self, time: Duration) {
        let heard = timeout(time, self.heard()).await;
        assert!(heard.is_err(), "nothing is said: {heard:?}");
    }
}

fn envelope(id: &str, payload: &Value) -> Value {
    json!({ "type": "events_api", "envelope_id": id, "payload": payload, "accepts_response_payload": false })
}

fn recorder() -> Arc<Recorder> {
    Recorder::new(|_| Acknowledgement::Empty)
}

#[tokio::test]
async fn each_kind_is_delivered_raw_and_acknowledged() {
    let recorder = Recorder::new(|_| Acknowledgement::Body(json!({ "text": "here" })));
    let mut slack = Slack::start(recorder.clone(), 1).await;
    let mut link = slack.socket().await;
    let kinds = [
        ("events_api", DeliveryKind::Events, false),
        ("interactive", DeliveryKind::Interactive, true),
        ("slash_commands", DeliveryKind::Command, true),
    ];
    for (name, kind, takes_body) in kinds {
        link.say(&json!({
            "type": name, "envelope_id": name, "payload": { "of": name },
            "accepts_response_payload": takes_body, "retry_attempt": 1, "retry_reason": "timeout",
        }))
        .await;
        let expected = if takes_body {
            json!({ "envelope_id": name, "payload": { "text": "here" } })
        } else {
            json!({ "envelope_id": name })
        };
        assert_eq!(link.heard().await, Some(expected));
        let delivery = Delivery { kind, payload: json!({ "of": name }) };
        assert_eq!(recorder.received().last(), Some(&delivery));
    }
}

#[tokio::test]
async fn a_refusal_and_a_panic_are_not_acknowledged_and_deafen_nothing() {
    let recorder = Recorder::new(|delivery| match delivery.payload["do"].as_str() {
        Some("panic") => panic!("as the test wants it"),
        Some("refuse") => Acknowledgement::Refused,
        _ => Acknowledgement::Empty,
    });
    let mut slack = Slack::start(recorder.clone(), 1).await;
    let mut link = slack.socket().await;
    for _ in 0..100 {
        link.say(&envelope("panics", &json!({ "do": "panic" }))).await;
        link.say(&envelope("refused", &json!({ "do": "refuse" }))).await;
    }
    recorder.wait_for(200).await;
    link.say(&envelope("fine", &json!({}))).await;
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "fine" })));
    assert_eq!(slack.opens(), 1);
}

#[tokio::test]
async fn what_cannot_be_used_is_acknowledged_unread() {
    let recorder = recorder();
    let mut slack = Slack::start(recorder.clone(), 1).await;
    let mut link = slack.socket().await;
    let large = "x".repeat(1024 * 1024);
    link.say(&envelope("large", &json!({ "pad": large }))).await;
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "large" })));
    link.say(&json!({ "type": "news", "envelope_id": "unknown" })).await;
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "unknown" })));
    let nested = "[".repeat(10_000) + &"]".repeat(10_000);
    link.say_text(format!(r#"{{"type":"events_api","envelope_id":"deep","payload":{nested}}}"#))
        .await;
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "deep" })));
    link.say_text("not JSON".to_owned()).await;
    link.say_text("[1]".to_owned()).await;
    link.say(&json!({ "type": "events_api", "payload": {} })).await;
    link.0.send(Message::Binary(vec![0, 1].into())).await.expect("the door listens");
    assert_eq!(recorder.received(), []);
    link.say(&envelope("fine", &json!({}))).await;
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "fine" })));
}

/// Answers when the test lets it.
struct Slow(Semaphore);

#[async_trait]
impl Receive for Slow {
    async fn receive(&self, delivery: Delivery) -> Acknowledgement {
        if delivery.payload["slow"] == true {
            self.0.acquire().await.expect("it stays open").forget();
        }
        Acknowledgement::Empty
    }
}

#[tokio::test]
async fn a_slow_delivery_holds_up_no_other() {
    let slow = Arc::new(Slow(Semaphore::new(0)));
    let mut slack = Slack::start(slow.clone(), 1).await;
    let mut link = slack.socket().await;
    link.say(&envelope("slow", &json!({ "slow": true }))).await;
    link.say(&envelope("quick", &json!({}))).await;
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "quick" })));
    slow.0.add_permits(1);
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "slow" })));
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_hang_are_given_up_and_the_connection_hears_again() {
    let mut slack = Slack::start(Arc::new(Slow(Semaphore::new(0))), 1).await;
    let mut link = slack.socket().await;
    for _ in 0..70 {
        link.say(&envelope("hangs", &json!({ "slow": true }))).await;
    }
    link.say(&envelope("fine", &json!({}))).await;
    let started = Instant::now();
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "fine" })));
    assert!(started.elapsed() <= Duration::from_secs(61), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_replaced() {
    let mut slack = Slack::start(recorder(), 1).await;
    let silent = slack.socket().await;
    let started = Instant::now();
    let mut link = slack.socket().await;
    assert!(started.elapsed() >= Duration::from_secs(45), "{:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_secs(52), "{:?}", started.elapsed());
    drop(silent);
    link.say(&envelope("fine", &json!({}))).await;
    assert_eq!(link.heard().await, Some(json!({ "envelope_id": "fine" })));
}

#[tokio::test(start_paused = true)]
async fn a_quiet_connection_that_answers_pings_is_kept() {
    let mut slack = Slack::start(recorder(), 1).await;
    let mut link = slack.socket().await;
    link.idle(Duration::from_hours(1)).await;
    assert_eq!(slack.opens(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slack_that_wants_us_gone_is_not_stormed() {
    let too_many = json!({ "type": "disconnect", "reason": "too_many_websockets" });
    let refresh = json!({ "type": "disconnect", "reason": "refresh_requested" });
    for (hello, parting) in [(false, &too_many), (true, &too_many), (true, &refresh)] {
        let mut slack = Slack::start(recorder(), 1).await;
        let ten_minutes = timeout(Duration::from_mins(10), async {
            let mut kept = Vec::new();
            loop {
                let mut link =
                    if hello { slack.socket().await } else { slack.silent_socket().await };
                link.0.send(Message::Text(parting.to_string().into())).await.ok();
                kept.push(link);
            }
        });
        assert!(ten_minutes.await.is_err());
        assert!((15..=50).contains(&slack.opens()), "{} opens", slack.opens());
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_door_is_knocked_at_slowly() {
    let refused = r#"{"ok":false,"error":"invalid_auth"}"#;
    let cases = [
        (StatusCode::OK, refused),
        (StatusCode::BAD_GATEWAY, "broken"),
        (StatusCode::OK, r#"{"ok":true,"url":"ws://example.com/link"}"#),
        (StatusCode::OK, r#"{"ok":true}"#),
    ];
    for (status, body) in cases {
        let answer = move || (status, JSON, body.to_owned());
        let (_none, sockets) = mpsc::unbounded_channel();
        let slack = Slack::answering(recorder(), 1, answer, sockets).await;
        sleep(Duration::from_mins(10)).await;
        assert!((15..=50).contains(&slack.opens()), "{} opens", slack.opens());
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_kept_when_opening() {
    let answer = || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")], "slow".to_owned());
    let (_none, sockets) = mpsc::unbounded_channel();
    let slack = Slack::answering(recorder(), 1, answer, sockets).await;
    sleep(Duration::from_secs(119)).await;
    assert_eq!(slack.opens(), 1);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(slack.opens(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_reason_is_an_hour_and_ends_no_line() {
    for beyond in ["86400", "18446744073709551615"] {
        let answer =
            move || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", beyond)], "slow".to_owned());
        let (_none, sockets) = mpsc::unbounded_channel();
        let slack = Slack::answering(recorder(), 1, answer, sockets).await;
        sleep(Duration::from_mins(59)).await;
        assert_eq!(slack.opens(), 1);
        sleep(Duration::from_mins(2)).await;
        assert_eq!(slack.opens(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_left_after_ten_seconds() {
    // It accepts connections and says nothing: as the API, and as the socket.
    let (listener, address) = listen().await;
    let link = format!("ws://{address}/link");
    let answer = move || (StatusCode::OK, JSON, json!({ "ok": true, "url": link }).to_string());
    let (_none, sockets) = mpsc::unbounded_channel();
    let slack = Slack::answering(recorder(), 1, answer, sockets).await;
    sleep(Duration::from_mins(2)).await;
    assert!((4..=12).contains(&slack.opens()), "{} opens", slack.opens());
    drop(listener);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_never_says_hello_is_left() {
    let mut slack = Slack::start(recorder(), 1).await;
    let first = slack.silent_socket().await;
    let started = Instant::now();
    let _second = slack.socket().await;
    assert!((10..12).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    drop(first);
}

#[tokio::test]
async fn an_announced_disconnect_leaves_no_gap() {
    for reason in ["warning", "refresh_requested"] {
        let mut slack = Slack::start(recorder(), 1).await;
        let mut old = slack.socket().await;
        old.grow_healthy().await;
        old.say(&json!({ "type": "disconnect", "reason": reason })).await;
        let mut new = slack.silent_socket().await;
        old.say(&envelope("on the old before hello", &json!({}))).await;
        assert_eq!(old.heard().await, Some(json!({ "envelope_id": "on the old before hello" })));
        new.say(&json!({ "type": "hello" })).await;
        new.say(&envelope("on the new", &json!({}))).await;
        assert_eq!(new.heard().await, Some(json!({ "envelope_id": "on the new" })));
        pause();
        advance(Duration::from_secs(5)).await;
        resume();
        old.say(&envelope("on the old", &json!({}))).await;
        assert_eq!(old.heard().await, Some(json!({ "envelope_id": "on the old" })));
        pause();
        assert_eq!(old.heard().await, None, "then the old one is closed");
        new.idle(Duration::from_mins(5)).await;
        resume();
        assert_eq!(slack.opens(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_is_replaced_soon() {
    let mut slack = Slack::start(recorder(), 1).await;
    for _ in 0..3 {
        let mut link = slack.socket().await;
        link.idle(Duration::from_secs(90)).await;
        let dropped = Instant::now();
        drop(link);
        slack.sockets.recv().await.map(drop).expect("another one");
        assert!(dropped.elapsed() <= Duration::from_secs(1), "{:?}", dropped.elapsed());
    }
}

#[tokio::test]
async fn several_connections_are_kept_apart() {
    let mut slack = Slack::start(recorder(), 2).await;
    let (mut one, mut two) = (slack.socket().await, slack.socket().await);
    two.say(&envelope("on two", &json!({}))).await;
    one.say(&envelope("on one", &json!({}))).await;
    assert_eq!(one.heard().await, Some(json!({ "envelope_id": "on one" })));
    assert_eq!(two.heard().await, Some(json!({ "envelope_id": "on two" })));
    assert_eq!(slack.opens(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_deliveries_but_not_for_ever() {
    for finishes in [true, false] {
        let slow = Arc::new(Slow(Semaphore::new(0)));
        let mut slack = Slack::start(slow.clone(), 1).await;
        let mut link = slack.socket().await;
        link.say(&envelope("slow", &json!({ "slow": true }))).await;
        link.say(&envelope("quick", &json!({}))).await;
        assert_eq!(link.heard().await, Some(json!({ "envelope_id": "quick" })));
        let started = Instant::now();
        slack.cancel.cancel();
        if finishes {
            slow.0.add_permits(1);
            assert_eq!(link.heard().await, Some(json!({ "envelope_id": "slow" })));
        }
        assert_eq!(link.heard().await, None, "it is closed");
        slack.running.await.expect("it ends");
        let limit = if finishes { 2 } else { 7 };
        assert!(started.elapsed() < Duration::from_secs(limit), "{:?}", started.elapsed());
    }
}
