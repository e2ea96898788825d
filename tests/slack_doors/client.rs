//! The door out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use secondlook::app::ports::ChatError;
use secondlook::slack::client::{Client, ClientError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, advance};
use tokio_util::task::TaskTracker;

use crate::house::{listen, serve, token};

const POST: &str = "chat.postMessage";
const HISTORY: &str = "conversations.history";

/// A stand-in that gives the same answer to everything, and counts.
async fn always(status: u16, headers: &'static [(&str, &str)], body: &'static str) -> Stub {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let answer = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let mut answer = (StatusCode::from_u16(status).expect("a status"), body).into_response();
        for (name, value) in headers {
            answer.headers_mut().insert(*name, value.parse().expect("a header"));
        }
        std::future::ready(answer)
    };
    let address = serve(Router::new().fallback(answer)).await;
    Stub { client: client(&address), calls }
}

struct Stub {
    client: Client,
    calls: Arc<AtomicUsize>,
}

impl Stub {
    async fn call(&self, method: &'static str) -> Result<Value, ChatError> {
        self.client.call(&token(), method, &json!({ "channel": "C1" }), Some("C1")).await
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

fn client(address: &str) -> Client {
    Client::new(&format!("{address}/api")).expect("a client")
}

#[tokio::test]
async fn a_call_carries_token_and_body_to_the_configured_address() {
    type Seen = Arc<Mutex<Vec<(String, String, String)>>>;
    async fn note(State(seen): State<Seen>, request: Request) -> Response {
        let uri = request.uri().clone();
        let token = request.headers()["authorization"].to_str().expect("text").to_owned();
        let body = axum::body::to_bytes(request.into_body(), 1000).await.expect("a body");
        let body = String::from_utf8_lossy(&body).into_owned();
        seen.lock().expect("no panic").push((uri.to_string(), token, body));
        (([("content-type", "application/json")]), r#"{"ok":true,"ts":"1.2"}"#).into_response()
    }
    let seen = Seen::default();
    let address = serve(Router::new().fallback(note).with_state(Arc::clone(&seen))).await;
    for base in [format!("{address}/api"), format!("{address}/api/")] {
        let client = Client::new(&base).expect("a client");
        let answer = client.call(&token(), POST, &json!({ "text": "a & b" }), Some("C1")).await;
        assert_eq!(answer.expect("ok")["ts"], "1.2");
        let question = json!({ "channel": "C 1", "limit": 5, "include_all_metadata": true, "x": null, "types": ["a", "b"] });
        client.call(&token(), HISTORY, &question, None).await.expect("ok");
    }
    let bearer = "Bearer xoxb-test".to_owned();
    let post =
        ("/api/chat.postMessage".to_owned(), bearer.clone(), r#"{"text":"a & b"}"#.to_owned());
    let uri =
        "/api/conversations.history?channel=C+1&include_all_metadata=true&limit=5&types=a%2Cb";
    let read = (uri.to_owned(), bearer, String::new());
    assert_eq!(*seen.lock().expect("no panic"), [post.clone(), read.clone(), post, read]);
}

#[test]
fn only_https_or_this_machine_is_called() {
    for good in [
        "https://slack.com/api",
        "https://slack-gov.com/api/",
        "http://localhost:1/api",
        "http://127.0.0.1:1",
        "http://[::1]:1/api",
    ] {
        assert!(Client::new(good).is_ok(), "{good}");
    }
    for bad in [
        "http://slack.com/api",
        "http://127.0.0.1.evil.com/api",
        "http://10.0.0.1/api",
        "ftp://slack.com",
        "slack.com/api",
        "",
        "https://user:pw@slack.com/api",
        "https://slack.com/api?x=1",
    ] {
        assert!(matches!(Client::new(bad), Err(ClientError::BadUrl(_))), "{bad}");
    }
}

#[tokio::test]
async fn a_refusal_is_its_code_and_nothing_else() {
    let stub =
        always(200, JSON, r#"{"ok":false,"error":"channel_not_found","secret":"s3cret"}"#).await;
    let error = stub.call(POST).await.expect_err("it is refused");
    assert!(matches!(&error, ChatError::Refused { code } if code == "channel_not_found"));
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[tokio::test(start_paused = true)]
async fn limits_are_limits_however_they_are_said() {
    let limited = r#"{"ok":false,"error":"ratelimited"}"#;
    let headers = &[("content-type", "application/json"), ("retry-after", "7")];
    let cases = [
        (always(429, headers, limited).await, 7),
        (always(429, &[("retry-after", "7")], "slow down").await, 7),
        (always(200, JSON, limited).await, 30),
        (always(200, JSON, r#"{"ok":false,"error":"message_limit_exceeded"}"#).await, 30),
    ];
    for (stub, seconds) in cases {
        for _ in 0..2 {
            let error = stub.call(POST).await.expect_err("it is limited");
            assert!(
                matches!(error, ChatError::RateLimited { retry_after } if retry_after.as_secs() + 1 >= seconds && retry_after.as_secs() <= seconds),
                "{error:?}"
            );
        }
        assert_eq!(stub.calls(), 1, "Slack is not asked again before its time");
        advance(Duration::from_secs(seconds)).await;
        stub.call(POST).await.expect_err("it is limited again");
        assert_eq!(stub.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn no_retry_after_is_believed_beyond_an_hour() {
    let beyond = always(429, &[("retry-after", "18446744073709551615")], "slow down").await;
    for method in [POST, HISTORY] {
        for _ in 0..2 {
            let error = beyond.call(method).await.expect_err("it is limited");
            assert!(
                matches!(error, ChatError::RateLimited { retry_after } if (3599..=3600).contains(&retry_after.as_secs())),
                "{error:?}"
            );
        }
    }
    assert_eq!(beyond.calls(), 2);
    advance(Duration::from_hours(1)).await;
    beyond.call(POST).await.expect_err("it is limited again");
    assert_eq!(beyond.calls(), 3);
}

#[tokio::test]
async fn a_fault_at_slack_leaves_a_post_uncertain() {
    let cases = [
        always(500, &[], "broken").await,
        always(503, JSON, r#"{"ok":false,"error":"service_unavailable"}"#).await,
        always(200, JSON, r#"{"ok":false,"error":"internal_error"}"#).await,
        always(200, JSON, r#"{"ok":false,"error":"fatal_error"}"#).await,
        always(200, JSON, "<html>").await,
        always(200, JSON, r#"{"ok":false}"#).await,
        always(200, &[("content-type", "text/html")], "<html>a proxy's page</html>").await,
    ];
    for stub in cases {
        assert!(matches!(stub.call(POST).await, Err(ChatError::Uncertain(_))));
        assert_eq!(stub.calls(), 1, "a writing call is tried once");
    }
}

#[tokio::test]
async fn a_proxy_that_waits_no_longer_leaves_a_post_on_its_way() {
    for status in [504, 524] {
        let stub = always(status, &[], "<html>a proxy's page</html>").await;
        assert!(matches!(stub.call(POST).await, Err(ChatError::Unanswered(_))));
        assert_eq!(stub.calls(), 1);
        assert!(matches!(stub.call(HISTORY).await, Err(ChatError::Unreachable(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_repeated_for_a_few_seconds() {
    let stub = always(500, &[], "broken").await;
    let started = Instant::now();
    assert!(matches!(stub.call(HISTORY).await, Err(ChatError::Unreachable(_))));
    assert!((3..=4).contains(&stub.calls()), "{}", stub.calls());
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_slack_morphism_cannot_read_is_still_an_answer() {
    let stub = always(200, JSON, r#"{"ok":true,"ts":"1.2","warnings":"as a string"}"#).await;
    assert_eq!(stub.call(POST).await.expect("it was posted")["ts"], "1.2");
}

#[tokio::test]
async fn a_redirect_or_a_client_error_is_a_refusal() {
    for status in [302, 400, 404] {
        let stub = always(status, &[("location", "http://127.0.0.1:1/")], "").await;
        let refused = stub.call(POST).await.expect_err("it is refused");
        assert!(matches!(refused, ChatError::Refused { code } if code == format!("http_{status}")));
    }
}

#[tokio::test]
async fn refused_connections_sent_nothing() {
    let (listener, address) = listen().await;
    drop(listener);
    let client = client(&format!("http://{address}"));
    let answer = client.call(&token(), POST, &json!({}), Some("C1")).await;
    assert!(matches!(answer, Err(ChatError::Unreachable(_))), "{answer:?}");
}

/// Reads a request and then does `ending` to the connection.
async fn after_the_request(answer: &'static str) -> Client {
    let (listener, address) = listen().await;
    TaskTracker::new().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.expect("a request");
            assert!(read > 0);
            stream.write_all(answer.as_bytes()).await.expect("it listens");
        }
    });
    client(&format!("http://{address}"))
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_after_sending_is_uncertain() {
    let half =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"ok\":t";
    for answer in ["", half] {
        let client = after_the_request(answer).await;
        let posted = client.call(&token(), POST, &json!({}), Some("C1")).await;
        assert!(matches!(posted, Err(ChatError::Uncertain(_))), "{posted:?}");
        let read = client.call(&token(), HISTORY, &json!({}), None).await;
        assert!(matches!(read, Err(ChatError::Unreachable(_))), "{read:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_answer_in_ten_seconds_may_come_still() {
    let address = serve(Router::new().fallback(std::future::pending::<StatusCode>)).await;
    let client = client(&address);
    let started = Instant::now();
    let posted = client.call(&token(), POST, &json!({}), Some("C1")).await;
    assert!(matches!(posted, Err(ChatError::Unanswered(_))), "{posted:?}");
    let read = client.call(&token(), HISTORY, &json!({}), Some("C1")).await;
    assert!(matches!(read, Err(ChatError::Unreachable(_))), "{read:?}");
    assert_eq!(started.elapsed().as_secs(), 20);
}

#[tokio::test]
async fn one_limited_channel_holds_up_no_other() {
    let answer = |request: Request| async {
        let body = axum::body::to_bytes(request.into_body(), 1000).await.expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        if body["channel"] == "CA" {
            (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")], "slow down").into_response()
        } else {
            ([("content-type", "application/json")], r#"{"ok":true}"#).into_response()
        }
    };
    let client = client(&serve(Router::new().fallback(answer)).await);
    let post = async |channel| {
        client.call(&token(), POST, &json!({ "channel": channel }), Some(channel)).await
    };
    for _ in 0..3 {
        assert!(matches!(post("CA").await, Err(ChatError::RateLimited { .. })));
        assert!(post("CB").await.is_ok());
    }
    let burst_is_over = post("CB").await;
    assert!(
        matches!(burst_is_over, Err(ChatError::RateLimited { retry_after }) if retry_after <= Duration::from_secs(1))
    );
    assert!(post("CC").await.is_ok());
}
