//! The HTTP door.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::{RequestBuilder, Response, StatusCode};
use rustls::crypto::tls13::OkmBlock;
use secondlook::slack::http::router;
use secondlook::slack::{Acknowledgement, Delivery, DeliveryKind, Receive};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::form_urlencoded;

use crate::house::{Recorder, serve};

const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const FORM: &str = "application/x-www-form-urlencoded";
const EVENT: &str = r#"{"type":"event_callback","event_id":"Ev1","event":{"type":"message"}}"#;

/// The door with somebody behind it.
struct House {
    address: String,
    client: reqwest::Client,
}

impl House {
    async fn new(receive: Arc<dyn Receive>) -> Self {
        Self::with_secret(receive, SECRET).await
    }

    async fn with_secret(receive: Arc<dyn Receive>, secret: &str) -> Self {
        secondlook::slack::install_tls_provider();
        let address = serve(router(receive, &secret.to_owned().into())).await;
        Self { address, client: reqwest::Client::builder().no_proxy().build().expect("a client") }
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.address))
    }

    async fn signed(&self, path: &str, kind: &str, body: &str) -> Response {
        let signed = sign(self.post(path), SECRET, now(), body);
        send(signed.header("content-type", kind)).await
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("the door answers")
}

#[expect(clippy::disallowed_methods, reason = "signatures carry the machine's time")]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("it is before the end of time")
}

fn sign(request: RequestBuilder, secret: &str, timestamp: i64, body: &str) -> RequestBuilder {
    request
        .header("x-slack-request-timestamp", timestamp)
        .header("x-slack-signature", signature(secret, timestamp, body))
        .body(body.to_owned())
}

/// HMAC-SHA256 as Slack computes it; TLS 1.3 brings one along.
fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    let suite = rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hkdf = suite.tls13().expect("a TLS 1.3 suite").hkdf_provider;
    let message = format!("v0:{timestamp}:{body}");
    let tag = hkdf.hmac_sign(&OkmBlock::new(secret.as_bytes()), message.as_bytes());
    tag.as_ref().iter().fold("v0=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn recorder() -> Arc<Recorder> {
    Recorder::new(|_| Acknowledgement::Empty)
}

#[test]
fn we_sign_as_slack_documents_it() {
    // The example of https://docs.slack.dev/authentication/verifying-requests-from-slack.
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    assert_eq!(
        signature(SECRET, 1_531_420_618, body),
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

#[tokio::test]
async fn a_signed_event_is_delivered_raw_and_acknowledged_with_nothing() {
    let recorder = recorder();
    let house = House::new(recorder.clone()).await;
    let answer = house.signed("/slack/events", "application/json", EVENT).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.text().await.expect("a body"), "");
    let payload = serde_json::from_str(EVENT).expect("JSON");
    let expected = Delivery { kind: DeliveryKind::Events, payload };
    assert_eq!(recorder.received(), [expected]);
}

#[tokio::test]
async fn every_path_takes_every_kind() {
    let recorder = Recorder::new(|_| Acknowledgement::Body(json!({ "text": "here" })));
    let house = House::new(recorder.clone()).await;
    let click = form(&[("payload", r#"{"type":"block_actions","user":{"id":"U1"}}"#)]);
    let command =
        form(&[("command", "/investigate"), ("text", "our mails & more"), ("team_id", "T1")]);
    for path in ["/slack/events", "/slack/interactivity", "/slack/commands"] {
        for (kind, body) in [("application/json", EVENT), (FORM, &click), (FORM, &command)] {
            let answer = house.signed(path, kind, body).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({ "text": "here" }));
        }
    }
    let received = recorder.received();
    assert_eq!(received.len(), 9);
    assert_eq!(received[1].kind, DeliveryKind::Interactive);
    assert_eq!(received[1].payload, json!({ "type": "block_actions", "user": { "id": "U1" } }));
    assert_eq!(received[2].kind, DeliveryKind::Command);
    let expected =
        json!({ "command": "/investigate", "text": "our mails & more", "team_id": "T1" });
    assert_eq!(received[2].payload, expected);
}

#[tokio::test]
async fn a_wrong_missing_old_or_early_signature_is_turned_away() {
    let recorder = recorder();
    let house = House::new(recorder.clone()).await;
    let post = || house.post("/slack/events").header("content-type", "application/json");
    let cases = [
        ("another secret", sign(post(), "another secret", now(), EVENT)),
        ("another body", sign(post(), SECRET, now(), EVENT).body("{}")),
        ("stale", sign(post(), SECRET, now() - 301, EVENT)),
        ("from the future", sign(post(), SECRET, now() + 310, EVENT)),
        ("unsigned", post().body(EVENT)),
        ("no timestamp", post().header("x-slack-signature", "v0=00").body(EVENT)),
        (
            "no number",
            post()
                .header("x-slack-request-timestamp", "soon")
                .header("x-slack-signature", "v0=00")
                .body(EVENT),
        ),
    ];
    for (case, request) in cases {
        let answer = send(request).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{case}");
        assert!(answer.text().await.expect("a body").len() < 100, "{case}");
    }
    for timestamp in [now() - 290, now() + 290] {
        let answer = send(sign(post(), SECRET, timestamp, EVENT)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(recorder.received().len(), 2);
}

#[tokio::test]
async fn an_empty_secret_lets_nobody_in() {
    let house = House::with_secret(recorder(), "").await;
    let signed = sign(house.post("/slack/events"), "", now(), EVENT);
    assert_eq!(send(signed).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn more_than_a_mebibyte_is_not_read_announced_or_not() {
    let recorder = recorder();
    let house = House::new(recorder.clone()).await;
    let large = "x".repeat(1024 * 1024 + 1);
    let announced = house.signed("/slack/events", "application/json", &large).await;
    assert_eq!(announced.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(64 * 1024))).take(17);
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let answer = send(sign(house.post("/slack/events"), SECRET, now(), &large).body(chunked)).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(recorder.received(), []);
    let just_fits = format!("{{\"type\":\"x\",\"pad\":\"{}\"}}", "x".repeat(1024 * 1024 - 21));
    assert_eq!(just_fits.len(), 1024 * 1024);
    let answer = house.signed("/slack/events", "application/json", &just_fits).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

/// A connection on which a request's head was sent, and nothing of its body.
async fn head_only(house: &House, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(house.address.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /slack/events HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

fn signed_at(timestamp: i64) -> String {
    format!("x-slack-request-timestamp: {timestamp}\r\nx-slack-signature: v0=00\r\n")
}

#[tokio::test]
async fn a_body_that_cannot_be_signed_is_not_waited_for() {
    let house = House::new(recorder()).await;
    let begun = std::time::Instant::now();
    for headers in
        [String::new(), signed_at(now() - 400), signed_at(now() + 400), signed_at(i64::MIN)]
    {
        let mut stream = head_only(&house, &headers).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{headers}");
    }
    // A body that may be signed is waited for for five seconds.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn whoever_announces_much_and_sends_little_keeps_nobody_out() {
    let house = House::new(recorder()).await;
    let mut halves = Vec::new();
    for _ in 0..300 {
        let mut stream = head_only(&house, &signed_at(now())).await;
        stream.write_all(b"x").await.unwrap();
        halves.push(stream);
    }
    // Who was there before is read before.
    let begun = std::time::Instant::now();
    let answer = house.signed("/slack/events", "application/json", EVENT).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(begun.elapsed().as_secs() < 5, "they were not waited for: {:?}", begun.elapsed());
    drop(halves);
}

#[tokio::test]
async fn what_is_no_delivery_is_refused_with_its_reason() {
    let recorder = recorder();
    let house = House::new(recorder.clone()).await;
    let truncated_click = form(&[("payload", r#"{"type":"block_act"#)]);
    let cases = [
        ("application/json", &EVENT[..40], "JSON"),
        ("application/json", "", "JSON"),
        ("application/json", "[1]", "JSON"),
        ("text/plain", "hello", "JSON"),
        (FORM, &truncated_click, "payload"),
        (FORM, "text=hello", "command"),
        (FORM, "", "command"),
    ];
    for (kind, body, reason) in cases {
        let answer = house.signed("/slack/events", kind, body).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text().await.expect("a body").contains(reason), "{body}");
    }
    let not_utf8 = sign(house.post("/slack/events"), SECRET, now(), "").body(vec![0xff, 0xfe]);
    assert_eq!(send(not_utf8).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(recorder.received(), []);
}

#[tokio::test]
async fn slacks_own_questions_are_answered_here_if_signed() {
    let recorder = recorder();
    let house = House::new(recorder.clone()).await;
    let question = r#"{"type":"url_verification","challenge":"3eZbrw1a","token":"x"}"#;
    let answer = house.signed("/slack/events", "application/json", question).await;
    assert_eq!(answer.json::<Value>().await.expect("JSON"), json!({ "challenge": "3eZbrw1a" }));
    let unsigned = send(house.post("/slack/events").body(question)).await;
    assert_eq!(unsigned.status(), StatusCode::UNAUTHORIZED);
    let check = house.signed("/slack/commands", FORM, "ssl_check=1&token=x").await;
    assert_eq!(check.status(), StatusCode::OK);
    assert_eq!(recorder.received(), []);
}

#[tokio::test]
async fn a_refusal_asks_slack_to_send_it_again_and_a_panic_leaves_the_door_open() {
    let recorder = Recorder::new(|delivery| match delivery.payload["type"].as_str() {
        Some("panic") => panic!("as the test wants it"),
        Some("refuse") => Acknowledgement::Refused,
        _ => Acknowledgement::Empty,
    });
    let house = House::new(recorder.clone()).await;
    let post = |body| house.signed("/slack/events", "application/json", body);
    assert_eq!(post(r#"{"type":"refuse"}"#).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(post(r#"{"type":"panic"}"#).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(post(EVENT).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_wrong_method_or_path_is_no_door() {
    let house = House::new(recorder()).await;
    let get = house.client.get(format!("{}/slack/events", house.address));
    assert_eq!(send(get).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(send(house.post("/slack/other")).await.status(), StatusCode::NOT_FOUND);
}

fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
