//! The chat page: one person's view of the workspace, live, and what that person can do.

mod acts;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, Stream};
use serde_json::{Value, json};

use super::Shared;
use super::world::World;

/// Scripts, styles and connections from here only; pictures also from other ports of this machine.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data: http://127.0.0.1:* http://localhost:*; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Files of the page: name, type, text.
const FILES: [(&str, &str, &str); 8] = [
    ("index.html", "text/html", include_str!("index.html")),
    ("style.css", "text/css", include_str!("style.css")),
    ("app.js", "text/javascript", include_str!("app.js")),
    ("dom.js", "text/javascript", include_str!("dom.js")),
    ("mrkdwn.js", "text/javascript", include_str!("mrkdwn.js")),
    ("blocks.js", "text/javascript", include_str!("blocks.js")),
    ("messages.js", "text/javascript", include_str!("messages.js")),
    ("modal.js", "text/javascript", include_str!("modal.js")),
];

/// The page and its control endpoints.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(|| async { file(Path("index.html".to_owned())).await }))
        .route("/page/{name}", get(file))
        .route("/page/state", get(state))
        .route("/page/live", get(live))
        .route("/page/act", post(acts::act))
        .route("/page/upload", post(acts::upload).layer(DefaultBodyLimit::max(20 << 20)))
        .route("/page/files/{id}", get(shared_file))
}

async fn file(Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(file, ..)| *file == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, format!("{kind}; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (headers, *text).into_response()
}

/// A shared picture or text, for the page; anything else is only offered as a download.
async fn shared_file(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Response {
    let Some((kind, content)) = shared.look(|world| world.files.get(&id).cloned()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let safe =
        if kind.starts_with("image/") { kind } else { "text/plain; charset=utf-8".to_owned() };
    let headers =
        [(header::CONTENT_TYPE, safe), (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned())];
    (headers, content).into_response()
}

/// A line whenever something changed; the page then asks for the state.
async fn live(
    State(shared): State<Arc<Shared>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changed = shared.changed.subscribe();
    let lines = stream::unfold((changed, true), |(mut changed, first)| async move {
        if !first {
            changed.changed().await.ok()?;
        }
        let version = *changed.borrow_and_update();
        Some((Ok(Event::default().data(version.to_string())), (changed, false)))
    });
    Sse::new(lines).keep_alive(KeepAlive::default())
}

async fn state(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let user = query.get("user").cloned().unwrap_or_default();
    Json(shared.look(|world| world.seen_by(&user)))
}

impl World {
    /// The workspace as one person sees it; as the first person when there is nobody of that id.
    fn seen_by(&self, user: &str) -> Value {
        let (team, app) = (&self.options.workspace, &self.options.app);
        let me = self
            .person(user)
            .or(team.people.first())
            .map(|person| person.id.clone())
            .unwrap_or_default();
        let seen = || self.channels.values().filter(|c| !c.private || c.members.contains(&me));
        let channels: Vec<Value> = seen()
            .map(|c| {
                json!({
                    "id": c.id, "name": c.name, "topic": c.topic, "private": c.private, "ext_shared": c.ext_shared,
                    "archived": c.archived, "im": c.is_im(), "bot": self.bot_in(c), "members": c.members,
                })
            })
            .collect();
        let messages: HashMap<&str, Vec<Value>> =
            seen().map(|c| (c.id.as_str(), self.all(&c.id))).collect();
        let whispers: Vec<Value> = self
            .ephemerals
            .iter()
            .filter(|e| e.user == me)
            .map(|e| json!({ "channel": e.channel, "message": e.message }))
            .collect();
        let views: Vec<Value> = self
            .views(&me)
            .into_iter()
            .map(|v| json!({ "view": v.view, "errors": v.errors }))
            .collect();
        let people: Vec<Value> = team
            .people
            .iter()
            .map(|p| json!({ "id": p.id, "name": p.name, "real_name": p.real_name, "title": p.title, "tz": p.tz }))
            .collect();
        json!({
            "me": me, "team": { "id": team.id, "name": team.name }, "people": people, "channels": channels,
            "app": { "name": app.name, "user_id": app.user_id, "commands": app.commands, "shortcuts": app.shortcuts },
            "messages": messages, "ephemerals": whispers, "views": views, "home": self.home(&me),
            "hints": self.options.hints.iter()
                .map(|hint| json!({ "label": hint.label, "text": hint.text, "in_thread": hint.in_thread }))
                .collect::<Vec<_>>(),
            "levers": self.options.levers,
            "quiet_ms": self.options.quiet_period.map(|quiet| u64::try_from(quiet.as_millis()).unwrap_or(u64::MAX)),
            "connected": self.door.is_some() || !self.sockets.is_empty(),
        })
    }
}
