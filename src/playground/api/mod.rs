//! The Web API: reads a call, checks token and scopes, plays scripted faults, answers like Slack.

mod args;
mod chat;
mod conversations;
mod hooks;
mod oauth;
mod users;
mod views;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Shared;
use super::fault::FaultKind;
use super::ids;
use super::tcp::Cut;
use super::world::World;
use args::Args;
pub(super) use hooks::{download, hook};

/// Why a method refuses: Slack's error code, with the details Slack adds.
struct Fail {
    code: String,
    messages: Vec<String>,
    needed: Option<&'static str>,
}

impl From<&str> for Fail {
    fn from(code: &str) -> Self {
        Self { code: code.to_owned(), messages: Vec::new(), needed: None }
    }
}

impl Fail {
    fn with(code: &str, messages: Vec<String>) -> Self {
        Self { messages, ..Self::from(code) }
    }

    fn json(self) -> Value {
        let mut answer = json!({ "ok": false, "error": self.code });
        if !self.messages.is_empty() {
            answer["errors"] = json!(self.messages);
            answer["response_metadata"] = json!({ "messages": self.messages });
        }
        if let Some(needed) = self.needed {
            answer["needed"] = json!(needed);
            answer["provided"] = json!("see x-oauth-scopes");
        }
        answer
    }
}

type Outcome = Result<Value, Fail>;

/// `/api/{method}`, form or JSON.
pub(super) async fn call(
    State(shared): State<Arc<Shared>>,
    Path(method): Path<String>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let args = Args::read(query.as_deref(), &headers, &body);
    let token = args.token(&headers);
    let shared = shared.where_it_is(|world| is_called(world, token.as_deref(), &args));
    let (record, fault) = shared.touch(|world| {
        (world.log_call(&method, &args), world.faults.take(&method, args.text("channel")))
    });
    let call = Call { shared: Arc::clone(&shared), record, method, args, token, cut };
    let Some(FaultKind::Late(pause)) = fault else {
        return call.play(&headers, fault).await;
    };
    // In a task of its own: it goes on when the caller has hung up.
    let stop = shared.stop.clone();
    let late = async move {
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
        call.play(&headers, None).await
    };
    let played = shared.tasks.spawn(late).await;
    played.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// One call as it was read.
struct Call {
    shared: Arc<Shared>,
    /// Where it stands in the books.
    record: usize,
    method: String,
    args: Args,
    token: Option<String>,
    cut: Cut,
}

impl Call {
    async fn play(self, headers: &HeaderMap, fault: Option<FaultKind>) -> Response {
        let Self { shared, record, method, args, token, cut } = self;
        let answered = |response: Response, answer: Value| {
            let scopes = shared.touch(|world| {
                world.calls[record].answer = answer;
                world.options.app.scopes.join(",")
            });
            ([("x-oauth-scopes", scopes)], response).into_response()
        };
        if let Err((response, answer)) = before(&shared, &cut, fault.as_ref()).await {
            return answered(response, answer);
        }
        let answer = shared.act(|world| {
            let outcome = if method == "oauth.v2.access" {
                let known = oauth::is_client(headers, &shared.client_id, &shared.client_secret);
                if known { Ok(()) } else { Err(Fail::from("bad_client_secret")) }
            } else {
                admit(world, &shared.app_token, &method, token.as_deref())
            };
            outcome.and_then(|()| dispatch(world, &method, &args)).map_or_else(
                Fail::json,
                |mut answer| {
                    answer["ok"] = json!(true);
                    answer
                },
            )
        });
        match after(&shared, &cut, fault).await {
            Ok(()) => answered(Json(answer.clone()).into_response(), answer),
            Err(response) => response,
        }
    }
}

/// Plays the faults that keep a call from being done; what is answered instead, and how it is recorded.
async fn before(
    shared: &Shared,
    cut: &Cut,
    fault: Option<&FaultKind>,
) -> Result<(), (Response, Value)> {
    let refusal = |code: &str| Fail::from(code).json();
    Err(match fault {
        Some(FaultKind::RateLimited(seconds)) => {
            let answer = refusal("ratelimited");
            let wait = [(header::RETRY_AFTER, seconds.to_string())];
            ((StatusCode::TOO_MANY_REQUESTS, wait, Json(answer.clone())).into_response(), answer)
        }
        Some(FaultKind::Error(code)) => {
            let answer = refusal(code);
            (Json(answer.clone()).into_response(), answer)
        }
        Some(FaultKind::Status(status)) => {
            let code = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let page =
                (code, "<html><body>Slack is having a bad day</body></html>").into_response();
            (page, json!({ "status": status }))
        }
        Some(FaultKind::Reset) => (reset(cut), Value::Null),
        Some(FaultKind::Silence) => (never(shared).await, Value::Null),
        Some(FaultKind::Late(pause)) => {
            tokio::time::sleep(*pause).await;
            return Ok(());
        }
        _ => return Ok(()),
    })
}

/// Plays the faults that spoil the answer of a call that was done.
async fn after(shared: &Shared, cut: &Cut, fault: Option<FaultKind>) -> Result<(), Response> {
    match fault {
        Some(FaultKind::AnswerLost) => return Err(reset(cut)),
        Some(FaultKind::AnswerNever) => return Err(never(shared).await),
        Some(FaultKind::Slow(pause)) => tokio::time::sleep(pause).await,
        _ => {}
    }
    Ok(())
}

fn reset(cut: &Cut) -> Response {
    cut.0.cancel();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn never(shared: &Shared) -> Response {
    shared.stop.cancelled().await;
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// Whether a call is for this workspace: its token says so, or what shall become one.
fn is_called(world: &World, token: Option<&str>, args: &Args) -> bool {
    let tokens = &world.tokens;
    let knows = |token: &str| {
        token == world.bot_token || tokens.older.contains(token) || tokens.ended.contains_key(token)
    };
    token.filter(|token| !token.is_empty()).is_some_and(knows)
        || args.text("code").is_some_and(|code| tokens.codes.contains_key(code))
        || args
            .text("refresh_token")
            .is_some_and(|refresh| tokens.refresh.as_deref() == Some(refresh))
}

/// Checks the token, and the scope when the app has a list of them.
fn admit(world: &World, app_token: &str, method: &str, token: Option<&str>) -> Result<(), Fail> {
    if method == "api.test" {
        return Ok(());
    }
    let token = token.filter(|token| !token.is_empty()).ok_or("not_authed")?;
    let wanted =
        if method == "apps.connections.open" { app_token } else { world.bot_token.as_str() };
    if let Some(error) = world.tokens.ended.get(token) {
        return Err(Fail::from(*error));
    }
    let older = method != "apps.connections.open" && world.tokens.older.contains(token);
    if token != wanted && !older {
        let known = token == app_token || token == world.bot_token;
        return Err(Fail::from(if known { "not_allowed_token_type" } else { "invalid_auth" }));
    }
    let granted = &world.options.app.scopes;
    let needed = scope_of(method);
    if granted.is_empty()
        || needed.is_empty()
        || needed.split(',').any(|scope| granted.iter().any(|g| g == scope))
    {
        return Ok(());
    }
    Err(Fail { needed: Some(needed), ..Fail::from("missing_scope") })
}

/// The scope a method needs; any one of several.
fn scope_of(method: &str) -> &'static str {
    match method {
        "chat.postMessage" | "chat.update" | "chat.delete" | "chat.postEphemeral" => "chat:write",
        "conversations.history" | "conversations.replies" => {
            "channels:history,groups:history,im:history"
        }
        "conversations.info"
        | "conversations.list"
        | "conversations.members"
        | "users.conversations" => "channels:read,groups:read,im:read",
        "conversations.join" => "channels:join",
        "conversations.open" => "im:write",
        "users.info" | "users.list" => "users:read",
        "usergroups.list" | "usergroups.users.list" => "usergroups:read",
        "reactions.add" => "reactions:write",
        "team.info" => "team:read",
        _ => "",
    }
}

fn dispatch(world: &mut World, method: &str, args: &Args) -> Outcome {
    match method {
        "api.test" => Ok(json!({})),
        "auth.test" => Ok(users::auth_test(world)),
        "auth.revoke" => Ok(oauth::revoke(world)),
        "oauth.v2.access" => oauth::access(world, args),
        "apps.connections.open" => Ok(connections_open(world)),
        "chat.postMessage" => chat::post_message(world, args),
        "chat.update" => chat::update(world, args),
        "chat.delete" => chat::delete(world, args),
        "chat.postEphemeral" => chat::post_ephemeral(world, args),
        "chat.getPermalink" => chat::get_permalink(world, args),
        "reactions.add" => chat::add_reaction(world, args),
        "conversations.history" => conversations::history(world, args),
        "conversations.replies" => conversations::replies(world, args),
        "conversations.info" => conversations::info(world, args),
        "conversations.list" => Ok(conversations::list(world, args, false)),
        "users.conversations" => Ok(conversations::list(world, args, true)),
        "conversations.members" => conversations::members(world, args),
        "conversations.join" => conversations::join(world, args),
        "conversations.leave" => conversations::leave(world, args),
        "conversations.open" => conversations::open(world, args),
        "users.info" => users::info(world, args),
        "users.list" => Ok(users::list(world)),
        "usergroups.list" => Ok(users::groups(world)),
        "usergroups.users.list" => users::group_users(world, args),
        "team.info" => Ok(users::team(world)),
        "views.open" => views::open(world, args),
        "views.push" => views::push(world, args),
        "views.update" => views::update(world, args),
        "views.publish" => views::publish(world, args),
        _ => Err(Fail::from("unknown_method")),
    }
}

fn connections_open(world: &mut World) -> Value {
    let ticket = ids::uuid();
    world.tickets.insert(ticket.clone());
    let address = world.base.trim_start_matches("http://");
    json!({ "url": format!("ws://{address}/link?ticket={ticket}&app_id={}", world.options.app.id) })
}
