//! The playground: a local stand-in for Slack (Web API, Socket Mode, signed HTTP) with a chat page. It does not know
//! the bot: to it, the bot is whoever holds the tokens.
//!
//! To add a Web API method: 1. a function in `api/`; 2. a line in `api::dispatch`; 3. its scope in `api::scope_of`.

mod api;
mod blocks;
mod channels;
mod deliver;
mod fault;
mod http;
mod ids;
mod installing;
mod look;
mod neighbours;
mod options;
mod page;
mod people;
mod picks;
mod socket;
mod tcp;
mod text;
mod wire;
mod world;

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use fault::{Fault, FaultKind};
pub use http::sign;
pub use options::{App, Channel, Hint, Options, Person, Workspace};
pub use people::{Answer, Refused, Say, Upload};
pub use world::{Ack, Call, Delivery, Ephemeral, RequestUrls, View, World};

use deliver::Kind;
use neighbours::Neighbours;
use socket::Frame;

/// How long [`Playground::wait_until`] waits before it gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running stand-in; it stops when dropped.
pub struct Playground {
    shared: Arc<Shared>,
    _stops: Option<DropGuard>,
}

struct Shared {
    world: Mutex<World>,
    changed: watch::Sender<u64>,
    stop: CancellationToken,
    tasks: TaskTracker,
    base: String,
    app_token: String,
    signing_secret: String,
    client_id: String,
    client_secret: String,
    neighbours: Neighbours,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, see: impl FnOnce(&World) -> T) -> T {
        see(&self.lock())
    }

    /// Changes the books without an event for the bot.
    fn touch<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let done = change(&mut self.lock());
        self.changed.send_modify(|version| *version += 1);
        done
    }

    /// Changes the world and sends the events this caused.
    fn act<T>(self: &Arc<Self>, change: impl FnOnce(&mut World) -> T) -> T {
        let (done, events) = self.touch(|world| (change(world), std::mem::take(&mut world.outbox)));
        for event in events {
            self.send_event(event);
        }
        done
    }
}

impl Playground {
    /// Starts on 127.0.0.1.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let base = format!("http://{}", tcp.local_addr()?);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            world: Mutex::new(World::new(options, base.clone())),
            changed: watch::Sender::new(0),
            stop: stop.clone(),
            tasks: TaskTracker::new(),
            base,
            app_token: format!("xapp-1-{}", ids::random(40)),
            signing_secret: ids::random(32).to_lowercase(),
            client_id: ids::random(12),
            client_secret: ids::random(32).to_lowercase(),
            neighbours: Neighbours::default(),
        });
        shared.neighbours.add(&shared);
        let service = routes(&shared).into_make_service_with_connect_info::<tcp::Cut>();
        let serve = axum::serve(tcp::Listener { tcp, stop: stop.clone() }, service).into_future();
        shared.tasks.spawn(async move { stop.run_until_cancelled(serve).await });
        let stops = shared.stop.clone().drop_guard();
        Ok(Self { shared, _stops: Some(stops) })
    }

    /// Stops and waits until every task has ended.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// The bot's `SLACK_API_URL`.
    pub fn api_url(&self) -> String {
        format!("{}/api", self.shared.base)
    }

    /// The chat page, for a person's browser.
    pub fn page_url(&self) -> String {
        format!("{}/", self.shared.base)
    }

    /// The bot's `SLACK_BOT_TOKEN`.
    pub fn bot_token(&self) -> String {
        self.look(|world| world.bot_token.clone())
    }

    /// The bot's `SLACK_APP_TOKEN`.
    pub fn app_token(&self) -> &str {
        &self.shared.app_token
    }

    /// The bot's `SLACK_SIGNING_SECRET`.
    pub fn signing_secret(&self) -> &str {
        &self.shared.signing_secret
    }

    /// The old bot token stops working; returns the new one.
    pub fn rotate_bot_token(&self) -> String {
        let token = format!("xoxb-{}-{}", ids::random(12), ids::random(24));
        self.shared.touch(|world| world.bot_token.clone_from(&token));
        token
    }

    // ── looking ────────────────────────────────────────────────────────────────────────────────

    /// Reads the world as it stands.
    pub fn look<T>(&self, see: impl FnOnce(&World) -> T) -> T {
        self.shared.look(see)
    }

    /// Waits until `see` finds something, woken by every change. The world is locked meanwhile: `see` must look at its
    /// argument only, not at the playground.
    pub async fn wait_until<T>(&self, see: impl FnMut(&World) -> Option<T>) -> Result<T, Overdue> {
        self.wait_for(PATIENCE, see).await
    }

    /// Waits at most `patience` until `see` finds something.
    pub async fn wait_for<T>(
        &self,
        patience: Duration,
        mut see: impl FnMut(&World) -> Option<T>,
    ) -> Result<T, Overdue> {
        let mut changed = self.shared.changed.subscribe();
        let search = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = self.look(&mut see) {
                    return Some(found);
                }
                changed.changed().await.ok()?;
            }
        };
        let found = tokio::time::timeout(patience, search).await.ok().flatten();
        found.ok_or_else(|| Overdue(self.look(World::summary)))
    }

    /// The messages of a channel (id or name), oldest first; replies only when broadcast.
    pub fn messages(&self, channel: &str) -> Vec<Value> {
        self.look(|world| world.messages(channel))
    }

    /// A message and its replies, oldest first.
    pub fn thread(&self, channel: &str, ts: &str) -> Vec<Value> {
        self.look(|world| world.thread(channel, ts))
    }

    /// What only this person sees, oldest first.
    pub fn ephemerals(&self, user: &str) -> Vec<Value> {
        self.look(|world| world.ephemerals(user))
    }

    /// Modals this person has open, the topmost last.
    pub fn views(&self, user: &str) -> Vec<View> {
        self.look(|world| world.views(user))
    }

    /// Every call of one Web API method.
    pub fn calls(&self, method: &str) -> Vec<Call> {
        self.look(|world| {
            world.calls.iter().filter(|call| call.method == method).cloned().collect()
        })
    }

    // ── delivering ─────────────────────────────────────────────────────────────────────────────

    /// Delivers over signed HTTP from now on, everything to one URL, after Slack's `url_verification`.
    pub async fn set_request_url(&self, url: &str) -> Result<(), Refused> {
        let urls = RequestUrls {
            events: url.to_owned(),
            interactivity: url.to_owned(),
            commands: url.to_owned(),
        };
        self.set_request_urls(urls).await
    }

    /// Delivers over signed HTTP from now on, after Slack's `url_verification`.
    pub async fn set_request_urls(&self, urls: RequestUrls) -> Result<(), Refused> {
        let challenge = ids::random(40);
        let body = json!({ "token": "unused", "challenge": challenge, "type": "url_verification" })
            .to_string();
        let headers = deliver::signed(self.signing_secret(), &body, "application/json");
        let limit = self.look(|world| world.options.ack_timeout);
        let answer = tokio::time::timeout(limit, http::post(&urls.events, &headers, &body)).await;
        let Ok(Ok(answer)) = answer else {
            return Err(Refused("the request URL does not answer".to_owned()));
        };
        if answer.status != 200 || !answer.body.contains(&challenge) {
            return Err(Refused("the request URL does not return the challenge".to_owned()));
        }
        self.shared.touch(|world| world.door = Some(urls));
        Ok(())
    }

    /// Sends any event of this workspace, for kinds that have no method of their own.
    pub fn send_event(&self, event: Value) -> String {
        let callback = self.look(|world| world.event_callback(event, false));
        self.send_raw_event(callback)
    }

    /// Sends an event callback as it is, however odd; returns its event id.
    pub fn send_raw_event(&self, callback: Value) -> String {
        let id = callback["event_id"].as_str().unwrap_or_default().to_owned();
        self.shared.send_event(callback);
        id
    }

    /// Sends any interaction payload as it is and waits for the acknowledgement.
    pub async fn send_raw_interaction(&self, payload: Value) -> Option<Ack> {
        self.shared.deliver(Kind::Interaction, &payload, 0, "").await
    }

    /// Repeats an event, as Slack does when it was not acknowledged: same event id, new envelope.
    pub async fn redeliver(&self, event_id: &str, reason: &str) -> Option<Ack> {
        let (payload, attempts) = self.look(|world| {
            let same: Vec<_> = world.deliveries.iter().filter(|d| d.id == event_id).collect();
            Some((same.first()?.payload.clone(), u32::try_from(same.len()).unwrap_or(u32::MAX)))
        })?;
        self.shared.deliver(Kind::Event, &payload, attempts, reason).await
    }

    /// Repeats, one after the other, every event that was never acknowledged; returns how many now were.
    pub async fn redeliver_all(&self, reason: &str) -> usize {
        let mut acknowledged = 0;
        for event_id in self.unacknowledged() {
            acknowledged += usize::from(self.redeliver(&event_id, reason).await.is_some());
        }
        acknowledged
    }

    /// Ids of the events no attempt of which was acknowledged, in the order they happened.
    pub fn unacknowledged(&self) -> Vec<String> {
        self.look(World::unacknowledged)
    }

    /// The next lever somebody pulls on the page, by its id; none once the playground has stopped.
    pub async fn pulled(&self) -> Option<String> {
        let mut changed = self.shared.changed.subscribe();
        loop {
            // Not `touch`: looking for a pull must not wake this loop again.
            if let Some(lever) = self.shared.lock().pulls.pop_front() {
                return Some(lever);
            }
            self.shared.stop.run_until_cancelled(changed.changed()).await?.ok()?;
        }
    }

    // ── faults ─────────────────────────────────────────────────────────────────────────────────

    /// Scripts a fault; several are taken in order.
    pub fn fail(&self, fault: Fault) {
        self.shared.touch(|world| world.faults.add(fault));
    }

    /// Ends every scripted fault.
    pub fn heal(&self) {
        self.shared.touch(|world| world.faults.clear());
    }

    /// Makes every trigger id so far expire.
    pub fn expire_triggers(&self) {
        self.shared.touch(|world| world.triggers.clear());
    }

    /// Sends `disconnect` to every socket: `warning`, `refresh_requested` or `too_many_websockets`.
    pub fn disconnect_sockets(&self, reason: &str) {
        self.tell_sockets(|| Frame::Disconnect(reason.to_owned()));
    }

    /// Resets every socket without a close frame.
    pub fn cut_sockets(&self) {
        self.tell_sockets(|| Frame::Cut);
    }

    /// Leaves every socket half-open: nothing is read, sent or answered, not even pings.
    pub fn freeze_sockets(&self) {
        self.tell_sockets(|| Frame::Freeze);
    }

    fn tell_sockets(&self, frame: impl Fn() -> Frame) {
        self.look(|world| {
            for socket in &world.sockets {
                let _ = socket.frames.send(frame());
            }
        });
    }
}

/// What was waited for did not come; shows how the world stands instead.
pub struct Overdue(String);

impl std::fmt::Debug for Overdue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "waited in vain; {}", self.0)
    }
}

fn routes(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/api/{method}", any(api::call))
        .route("/link", get(socket::open))
        .route("/hook/{team}/{id}", post(api::hook))
        .route("/files-pri/{id}/{name}", get(api::download))
        .merge(page::routes())
        .layer(middleware::from_fn_with_state(Arc::clone(shared), only_here))
        .with_state(Arc::clone(shared))
}

/// Refuses requests that a foreign web page could cause: another Host (DNS rebinding) or another Origin (CSRF).
async fn only_here(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if from_here(&shared.base, request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this machine only").into_response()
    }
}

fn from_here(base: &str, headers: &HeaderMap) -> bool {
    let port = base.rsplit(':').next().unwrap_or_default();
    let here = |authority: &str| {
        authority.rsplit_once(':').is_some_and(|(host, at)| at == port && is_loopback(host))
    };
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    headers.get(header::HOST).map(text).is_some_and(|host| here(&host))
        && headers
            .get(header::ORIGIN)
            .map(text)
            .is_none_or(|origin| origin.strip_prefix("http://").is_some_and(here))
}

fn is_loopback(host: &str) -> bool {
    matches!(host, "127.0.0.1" | "localhost" | "[::1]")
}
