//! Installing by OAuth: `/slack/install` sends a browser to Slack, `/slack/oauth/callback` takes it back with a code.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::counter;
use tokio_util::task::TaskTracker;
use url::{Url, form_urlencoded};

use super::install_page::{Failed, page};
use super::oauth::Granted;
use super::seal::bytes;
use super::state::{self, Issued, LIFE};
use super::workspaces::{OAuth, Workspaces};
use crate::app::ports::{Change, ChatError, Committed};
use crate::domain::WorkspaceId;

/// Takes the place of a workspace where the one use of a state is recorded: there is none yet.
const NO_WORKSPACE: &str = "install";

/// What may be asked of Slack.
#[derive(Clone, Debug)]
pub struct Size {
    /// Its name, in `/slack/install?size=…`; the first is the default.
    pub name: &'static str,
    /// Scopes without which nothing works.
    pub needed: Vec<String>,
    /// Scopes that a person may decline.
    pub optional: Vec<String>,
}

/// Serves the two addresses.
pub struct Installer {
    workspaces: Arc<Workspaces>,
    oauth: OAuth,
    public_url: String,
    sizes: Vec<Size>,
    /// Who may install it; anybody when it is empty.
    only: BTreeSet<WorkspaceId>,
    /// An installation under way outlives its browser's connection: its code works once.
    tasks: TaskTracker,
}

impl Installer {
    /// Installs into `workspaces`; `public_url` is where browsers reach these two addresses.
    pub fn new(
        workspaces: Arc<Workspaces>,
        oauth: OAuth,
        public_url: String,
        sizes: Vec<Size>,
        only: BTreeSet<WorkspaceId>,
        tasks: TaskTracker,
    ) -> Self {
        Self { workspaces, oauth, public_url, sizes, only, tasks }
    }

    /// The two addresses.
    pub fn router(self) -> Router {
        Router::new()
            .route("/slack/install", get(begin))
            .route("/slack/oauth/callback", get(finish))
            .with_state(Arc::new(self))
    }

    fn redirect_url(&self) -> String {
        format!("{}/slack/oauth/callback", self.public_url)
    }

    fn is_secure(&self) -> bool {
        self.public_url.starts_with("https:")
    }

    /// A browser takes a cookie of this prefix from this very host over TLS only.
    fn cookie_name(&self) -> &'static str {
        if self.is_secure() { "__Host-secondlook-install" } else { "secondlook-install" }
    }

    fn cookie(&self, value: &str, seconds: i64) -> String {
        let secure = if self.is_secure() { "; Secure" } else { "" };
        let name = self.cookie_name();
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    /// Slack's page that asks a person.
    fn authorize_url(&self, size: &Size, state: &str) -> Option<Url> {
        let mut url = self.workspaces.client.base.join("/oauth/v2/authorize").ok()?;
        let scopes = [&size.needed[..], &size.optional[..]].concat().join(",");
        url.query_pairs_mut()
            .append_pair("client_id", &self.oauth.credentials.client_id)
            .append_pair("scope", &scopes)
            .append_pair("redirect_uri", &self.redirect_url())
            .append_pair("state", state);
        Some(url)
    }

    async fn install(
        &self,
        query: Option<&str>,
        cookie: Option<&str>,
    ) -> Result<WorkspaceId, Failed> {
        let given = |name: &str| parameter(query, name);
        match given("error").as_deref() {
            None => {}
            Some("access_denied") => return Err(Failed::Cancelled),
            Some(code) => return Err(Failed::returned(code)),
        }
        let now = self.workspaces.clock.now();
        let returned = state::check(&self.oauth.keyring, given("state").as_deref(), cookie, now)?;
        let size = self.sizes.get(usize::from(returned.size)).ok_or(Failed::Forged)?;
        let code = given("code").filter(|code| !code.is_empty()).ok_or(Failed::NoCode)?;
        let once = (WorkspaceId::from(NO_WORKSPACE), format!("state:{}", returned.nonce));
        let once = Change { event: Some(once), ..Change::default() };
        if self.workspaces.store.commit(&once, now).await? == Committed::Duplicate {
            return Err(Failed::Used);
        }
        let (client, app) = (&self.workspaces.client, &self.oauth.credentials);
        let granted = client.redeem(app, &code, &self.redirect_url()).await?;
        if !self.takes_in(&granted) {
            return Err(self.turn_away(&granted).await);
        }
        let missing: Vec<String> =
            size.needed.iter().filter(|scope| !granted.scopes.contains(scope)).cloned().collect();
        if !missing.is_empty() {
            return Err(Failed::MissingScopes(missing));
        }
        let workspace = client.identify(&granted.tokens.bot).await?;
        self.workspaces.install(&self.oauth, &workspace, &granted).await?;
        Ok(workspace.id)
    }
}

impl Installer {
    /// Whether the workspace, or the organisation it belongs to, may install it.
    fn takes_in(&self, granted: &Granted) -> bool {
        self.only.is_empty() || granted.by.iter().any(|id| self.only.contains(id))
    }

    /// Gives back what was granted. Where the app is served already, perhaps from before there was a list, the tokens may be
    /// the ones it is served with: there nothing changes.
    async fn turn_away(&self, granted: &Granted) -> Failed {
        let mut served = false;
        for id in &granted.by {
            // Unless it is known that it is not: a token that is kept by mistake is one that nobody uses.
            served |= !matches!(self.workspaces.known(id).await, Ok(None));
        }
        let given_back = if served {
            false
        } else {
            let given_back = self.workspaces.client.give_back(&granted.tokens).await;
            if let Err(error) = &given_back {
                tracing::warn!(error.kind = %error, "could not give back the tokens of an installation");
            }
            given_back.is_ok()
        };
        let who = granted.by.first().map(ToString::to_string).unwrap_or_default();
        Failed::NotListed { who, given_back }
    }
}

/// `GET /slack/install`.
async fn begin(State(installer): State<Arc<Installer>>, RawQuery(query): RawQuery) -> Response {
    let wanted = parameter(query.as_deref(), "size");
    let size = installer
        .sizes
        .iter()
        .position(|size| wanted.as_deref().is_none_or(|wanted| wanted == size.name));
    let Some(index) = size else { return installer.tell(&Err(Failed::NoSuchSize)) };
    let now = installer.workspaces.clock.now();
    let number = u8::try_from(index).unwrap_or_default();
    let Issued { state, cookie } = state::issue(&installer.oauth.keyring, number, now);
    let Some(url) = installer.authorize_url(&installer.sizes[index], &state) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let cookie = installer.cookie(&cookie, LIFE.as_secs());
    let headers = [(LOCATION, url.to_string()), (SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, headers, [("cache-control", "no-store")]).into_response()
}

/// `GET /slack/oauth/callback`.
async fn finish(
    State(installer): State<Arc<Installer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let cookie = brought(&headers, installer.cookie_name());
    let at_work = Arc::clone(&installer);
    let installed = installer
        .tasks
        .spawn(async move { at_work.install(query.as_deref(), cookie.as_deref()).await })
        .await;
    installer.tell(&installed.unwrap_or(Err(Failed::Broken)))
}

impl Installer {
    /// Says how it ended, and takes the cookie back.
    fn tell(&self, installed: &Result<WorkspaceId, Failed>) -> Response {
        let outcome = installed.as_ref().err().map_or("installed", Failed::label);
        counter!("secondlook_installs_total", "outcome" => outcome).increment(1);
        match installed {
            Ok(workspace) => tracing::info!(slack.workspace = %workspace, "the app was installed"),
            Err(failed) if failed.is_anybodys() => {
                tracing::debug!(error.kind = outcome, "the app was not installed");
            }
            Err(_) => tracing::warn!(error.kind = outcome, "the app was not installed"),
        }
        let again = format!("{}/slack/install", self.public_url);
        let mut response = page(installed.as_ref().err(), &again);
        if let Ok(gone) = HeaderValue::from_str(&self.cookie("", 0)) {
            response.headers_mut().insert(SET_COOKIE, gone);
        }
        response
    }
}

/// A parameter of a query; the first of its name.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The value of a cookie, if it can be one of ours.
fn brought(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(known, _)| known.trim() == name)?;
    bytes(value.trim()).map(|_| value.trim().to_owned())
}

impl From<ChatError> for Failed {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::Refused { code } => Self::refused(&code),
            ChatError::RateLimited { .. } => Self::Busy,
            ChatError::Unreachable(_) | ChatError::Uncertain(_) | ChatError::Unanswered(_) => {
                Self::Unreachable
            }
        }
    }
}
