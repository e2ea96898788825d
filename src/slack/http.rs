//! The HTTP door: size, the look of a signature, the body, its signature, shape — in that order — and then the delivery is
//! handed on.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::StreamExt as _;
use metrics::counter;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use slack_morphism::signature_verifier::SlackEventSignatureVerifier as Verifier;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use url::form_urlencoded;

use super::{Acknowledgement, DELIVERY_BYTES_MAX, Delivery, DeliveryKind, Receive, attend};
use crate::app::ports::{Clock as _, SystemClock};

/// How long a sender may take to send a body; Slack gives up after three seconds.
const BODY_MAX: Duration = Duration::from_secs(5);
/// In how large pieces room for bodies is given out.
const PIECE: usize = 1024;
/// How many pieces there are, 128 MiB: what a stranger sends is not known to be Slack's before it is read.
const PIECES: usize = 128 * 1024;
/// How long a request waits for room.
const ROOM_WITHIN: Duration = Duration::from_secs(1);
/// How old or new a signed request may be.
const SECONDS_APART_MAX: u64 = 5 * 60;
struct Door {
    receive: Arc<dyn Receive>,
    signature: Signature,
    /// Room for bodies, in pieces.
    room: Semaphore,
    /// Deliveries being worked on. They outlive their connection: Slack hanging up must not stop half-done work.
    tasks: TaskTracker,
}

/// What a signed body turned out to be.
enum Content {
    Delivery(DeliveryKind, Value),
    Challenge(Value),
    SslCheck,
}

/// Why a request was not taken.
type TurnedAway = (StatusCode, &'static str);

/// Why most strangers are.
pub(super) const UNSIGNED: TurnedAway =
    (StatusCode::UNAUTHORIZED, "the signature is missing, wrong or too old");
const TOO_SLOW: TurnedAway = (StatusCode::REQUEST_TIMEOUT, "the body came too slowly");
const TOO_LARGE: TurnedAway = (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
const NO_ROOM: TurnedAway = (StatusCode::SERVICE_UNAVAILABLE, "too many at once; send it again");

/// Slack's three request URLs; each takes events, interactivity and commands alike, as Bolt does.
pub fn router(receive: Arc<dyn Receive>, signing_secret: &SecretString) -> Router {
    let door = Arc::new(Door {
        receive,
        signature: Signature::new(signing_secret),
        room: Semaphore::new(PIECES),
        tasks: TaskTracker::new(),
    });
    Router::new()
        .route("/slack/events", post(take))
        .route("/slack/interactivity", post(take))
        .route("/slack/commands", post(take))
        .with_state(door)
}

async fn take(State(door): State<Arc<Door>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let announced = request.body().size_hint().lower();
    if announced > DELIVERY_BYTES_MAX as u64 {
        return turn_away(TOO_LARGE);
    }
    if !looks_signed(&headers) {
        return turn_away(UNSIGNED);
    }
    let (body, room) = match timeout(BODY_MAX, door.body(request.into_body())).await {
        Ok(Ok(body)) => body,
        Ok(Err(why)) => return turn_away(why),
        Err(_elapsed) => return turn_away(TOO_SLOW),
    };
    let Ok(body) = std::str::from_utf8(&body) else {
        return turn_away((StatusCode::BAD_REQUEST, "the body is not UTF-8"));
    };
    let signature = text(&headers, Verifier::SLACK_SIGNED_HASH_HEADER);
    let timestamp = text(&headers, Verifier::SLACK_SIGNED_TIMESTAMP);
    if !door.signature.is_valid(signature, timestamp, body) {
        return turn_away(UNSIGNED);
    }
    drop(room);
    match read(&headers, body) {
        Err(reason) => turn_away((StatusCode::BAD_REQUEST, reason)),
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

impl Door {
    /// A whole body, and the room it takes. It takes room for what of it has come: whoever announces much and sends little
    /// keeps nobody out.
    async fn body(&self, body: Body) -> Result<(Vec<u8>, SemaphorePermit<'_>), TurnedAway> {
        let mut coming = body.into_data_stream();
        let (mut whole, mut room) = (Vec::new(), self.room(1).await?);
        while let Some(part) = coming.next().await {
            let part = part.map_err(|_| (StatusCode::BAD_REQUEST, "the body can't be read"))?;
            let size = whole.len() + part.len();
            if size > DELIVERY_BYTES_MAX {
                return Err(TOO_LARGE);
            }
            let more = size.div_ceil(PIECE).saturating_sub(room.num_permits());
            if more > 0 {
                room.merge(self.room(more).await?);
            }
            whole.extend_from_slice(&part);
        }
        Ok((whole, room))
    }

    async fn room(&self, pieces: usize) -> Result<SemaphorePermit<'_>, TurnedAway> {
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        match timeout(ROOM_WITHIN, self.room.acquire_many(pieces)).await {
            Ok(Ok(room)) => Ok(room),
            _ => Err(NO_ROOM),
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

fn turn_away((status, reason): TurnedAway) -> Response {
    counter!("secondlook_slack_turned_away_total", "reason" => reason).increment(1);
    (status, reason).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use futures_util::stream;

    use super::*;

    struct Nobody;

    #[async_trait::async_trait]
    impl Receive for Nobody {
        async fn receive(&self, _: Delivery) -> Acknowledgement {
            Acknowledgement::Empty
        }
    }

    fn door(pieces: usize) -> Arc<Door> {
        Arc::new(Door {
            receive: Arc::new(Nobody),
            signature: Signature::new(&"secret".to_owned().into()),
            room: Semaphore::new(pieces),
            tasks: TaskTracker::new(),
        })
    }

    /// Begins to read a body of which so much comes and no more.
    fn begin(door: &Arc<Door>, bytes: usize) {
        let came = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes]))]);
        let body = Body::from_stream(came.chain(stream::pending()));
        let reader = Arc::clone(door);
        door.tasks.spawn(async move { reader.body(body).await.map(drop) });
    }

    async fn whole(door: &Door, bytes: usize) -> Result<usize, TurnedAway> {
        door.body(Body::from(vec![b'x'; bytes])).await.map(|(body, _)| body.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_takes_room_for_what_of_it_has_come() {
        let door = door(64);
        for _ in 0..60 {
            begin(&door, 1);
        }
        tokio::task::yield_now().await;
        assert_eq!(whole(&door, 4 * PIECE).await, Ok(4 * PIECE));
        assert_eq!(door.room.available_permits(), 4, "what was read gave its room back");
        assert_eq!(whole(&door, 4 * PIECE + 1).await, Err(NO_ROOM));
    }

    #[tokio::test(start_paused = true)]
    async fn when_there_is_no_room_a_body_waits_for_a_second() {
        let door = door(64);
        begin(&door, 64 * PIECE);
        tokio::task::yield_now().await;
        let begun = tokio::time::Instant::now();
        assert_eq!(whole(&door, 1).await, Err(NO_ROOM));
        assert_eq!(begun.elapsed(), ROOM_WITHIN);
    }

    #[tokio::test]
    async fn more_than_a_mebibyte_is_not_kept() {
        let door = door(PIECES);
        assert_eq!(whole(&door, DELIVERY_BYTES_MAX).await, Ok(DELIVERY_BYTES_MAX));
        assert_eq!(whole(&door, DELIVERY_BYTES_MAX + 1).await, Err(TOO_LARGE));
    }
}
