//! The HTTP door: size, the look of a signature, the body, its signature, shape — in that order — and then the delivery is
//! handed on.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use metrics::counter;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use slack_morphism::signature_verifier::SlackEventSignatureVerifier as Verifier;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tower_http::limit::RequestBodyLimitLayer;
use url::form_urlencoded;

use super::{Acknowledgement, DELIVERY_BYTES_MAX, Delivery, DeliveryKind, Receive, attend};
use crate::app::ports::{Clock as _, SystemClock};

/// How long a sender may take to send a body; Slack gives up after three seconds.
const BODY_MAX: Duration = Duration::from_secs(5);
/// How many bodies are read at once, so many megabytes at most: what a stranger sends is not known to be Slack's before it
/// is read.
const BODIES_AT_ONCE: usize = 128;
/// How long a request waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(1);
/// How old or new a signed request may be.
const SECONDS_APART_MAX: u64 = 5 * 60;
/// Why most strangers are turned away.
pub(super) const UNSIGNED: &str = "the signature is missing, wrong or too old";

struct Door {
    receive: Arc<dyn Receive>,
    signature: Signature,
    bodies: Semaphore,
    /// Deliveries being worked on. They outlive their connection: Slack hanging up must not stop half-done work.
    tasks: TaskTracker,
}

/// What a signed body turned out to be.
enum Content {
    Delivery(DeliveryKind, Value),
    Challenge(Value),
    SslCheck,
}

/// Slack's three request URLs; each takes events, interactivity and commands alike, as Bolt does.
pub fn router(receive: Arc<dyn Receive>, signing_secret: &SecretString) -> Router {
    let signature = Signature::new(signing_secret);
    let (bodies, tasks) = (Semaphore::new(BODIES_AT_ONCE), TaskTracker::new());
    let door = Arc::new(Door { receive, signature, bodies, tasks });
    Router::new()
        .route("/slack/events", post(take))
        .route("/slack/interactivity", post(take))
        .route("/slack/commands", post(take))
        .layer(RequestBodyLimitLayer::new(DELIVERY_BYTES_MAX))
        .with_state(door)
}

async fn take(State(door): State<Arc<Door>>, request: Request) -> Response {
    let headers = request.headers().clone();
    if !looks_signed(&headers) {
        return turn_away(StatusCode::UNAUTHORIZED, UNSIGNED);
    }
    let Ok(Ok(turn)) = timeout(TURN_MAX, door.bodies.acquire()).await else {
        return turn_away(StatusCode::SERVICE_UNAVAILABLE, "too many at once; send it again");
    };
    let body = match timeout(BODY_MAX, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return turn_away(rejection.status(), "the body can't be read"),
        Err(_elapsed) => return turn_away(StatusCode::REQUEST_TIMEOUT, "the body came too slowly"),
    };
    let Ok(body) = std::str::from_utf8(&body) else {
        return turn_away(StatusCode::BAD_REQUEST, "the body is not UTF-8");
    };
    let signature = text(&headers, Verifier::SLACK_SIGNED_HASH_HEADER);
    let timestamp = text(&headers, Verifier::SLACK_SIGNED_TIMESTAMP);
    if !door.signature.is_valid(signature, timestamp, body) {
        return turn_away(StatusCode::UNAUTHORIZED, UNSIGNED);
    }
    drop(turn);
    match read(&headers, body) {
        Err(reason) => turn_away(StatusCode::BAD_REQUEST, reason),
        Ok(Content::SslCheck) => StatusCode::OK.into_response(),
        Ok(Content::Challenge(challenge)) => answer_json(&json!({ "challenge": challenge })),
        Ok(Content::Delivery(kind, payload)) => {
            let delivery = Delivery { kind, payload };
            let receive = Arc::clone(&door.receive);
            let attended = door.tasks.spawn(async move { attend(&*receive, delivery).await });
            match attended.await {
                Ok(Ok(Acknowledgement::Empty)) => StatusCode::OK.into_response(),
                Ok(Ok(Acknowledgement::Body(body))) => answer_json(&body),
                Ok(Ok(Acknowledgement::Refused)) => {
                    (StatusCode::SERVICE_UNAVAILABLE, "not recorded; send it again").into_response()
                }
                Ok(Err(_)) | Err(_) => {
                    (StatusCode::INTERNAL_SERVER_ERROR, "something broke on our side")
                        .into_response()
                }
            }
        }
    }
}

/// All that can be told of a signature before there is a body: whether it is there, and of this time.
fn looks_signed(headers: &HeaderMap) -> bool {
    let now = SystemClock.now().as_second();
    let is_fresh = |at: &str| at.parse().is_ok_and(|at| now.abs_diff(at) <= SECONDS_APART_MAX);
    text(headers, Verifier::SLACK_SIGNED_HASH_HEADER).is_some()
        && text(headers, Verifier::SLACK_SIGNED_TIMESTAMP).is_some_and(is_fresh)
}

/// Tells what Slack signed with our secret in the last five minutes from everything else.
pub struct Signature(Verifier);

impl Signature {
    /// Checks with this secret.
    pub fn new(signing_secret: &SecretString) -> Self {
        Self(Verifier::new(&signing_secret.expose_secret().to_owned().into()))
    }

    /// Whether `signature` is Slack's over this body and timestamp, and the timestamp is fresh.
    pub fn is_valid(&self, signature: Option<&str>, timestamp: Option<&str>, body: &str) -> bool {
        // The verifier's error shows part of the signature; only the verdict leaves here.
        match (signature, timestamp) {
            (Some(signature), Some(timestamp)) => self.0.verify(signature, body, timestamp).is_ok(),
            _ => false,
        }
    }
}

fn read(headers: &HeaderMap, body: &str) -> Result<Content, &'static str> {
    let is_form = text(headers, header::CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if is_form { read_form(body) } else { read_event(body) }
}

fn read_event(body: &str) -> Result<Content, &'static str> {
    let mut event = object(body).ok_or("the body is not a JSON object")?;
    if event["type"] == "url_verification" {
        return Ok(Content::Challenge(event["challenge"].take()));
    }
    Ok(Content::Delivery(DeliveryKind::Events, event))
}

fn read_form(body: &str) -> Result<Content, &'static str> {
    let fields: Map<String, Value> = form_urlencoded::parse(body.as_bytes())
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    if let Some(payload) = fields.get("payload").and_then(Value::as_str) {
        let payload = object(payload).ok_or("the payload is not a JSON object")?;
        Ok(Content::Delivery(DeliveryKind::Interactive, payload))
    } else if fields.contains_key("ssl_check") {
        Ok(Content::SslCheck)
    } else if fields.contains_key("command") {
        Ok(Content::Delivery(DeliveryKind::Command, Value::Object(fields)))
    } else {
        Err("the form has neither a payload nor a command")
    }
}

fn object(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn answer_json(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

fn turn_away(status: StatusCode, reason: &'static str) -> Response {
    counter!("secondlook_slack_turned_away_total", "reason" => reason).increment(1);
    (status, reason).into_response()
}
