//! Puts the rooms together: the one place that sees store, Slack, web and app at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use axum::Router;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::installations::Installation;
use crate::app::ports::{ChatError, Clock, Store, SystemClock, Workspace};
use crate::app::{App, deliver, retention};
use crate::config::{Config, KeyChange, Records};
use crate::domain::channel::Patterns;
use crate::domain::digest::{Channels, Plan};
use crate::domain::knowledge::Knowledge;
use crate::domain::policy::Limits;
use crate::domain::{ChannelId, WorkspaceId};
use crate::manifest;
use crate::slack::chat::SlackChat;
use crate::slack::client::Client;
use crate::slack::install::{Installer, Size};
use crate::slack::oauth::Credentials;
use crate::slack::reception::Reception;
use crate::slack::seal::{Keyring, Resealed, fingerprint};
use crate::slack::workspaces::{OAuth, Workspaces};
use crate::slack::{self, Receive};
pub use crate::store::backup::{Copied, backup, restore};
pub use crate::store::{Moved, migrate, transfer};
use crate::{config, store, web};

/// Connections in Socket Mode: two, so that one can be renewed while the other listens.
const SOCKETS: usize = 2;
/// How long, at a stop, what came through the doors may take, and then what the worker has begun: longer than any call of
/// Slack. What is not done by then is done at the next start.
const DOORS_WITHIN: Duration = Duration::from_secs(5);
const WORK_WITHIN: Duration = Duration::from_secs(15);

/// A running bot.
pub struct Bot {
    bind_addr: SocketAddr,
    admin_addr: SocketAddr,
    doors: CancellationToken,
    worker: CancellationToken,
    tasks: TaskTracker,
    background: TaskTracker,
    workspaces: Arc<Workspaces>,
}

impl Bot {
    /// Starts the bot and returns when it listens.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_with(config, Arc::new(SystemClock)).await
    }

    /// Starts the bot with a clock of the caller's, for tests that move time.
    pub async fn start_with(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        slack::install_tls_provider();
        let metrics = web::install_metrics()?;
        let knowledge = knowledge(&config.knowledge)?;
        let bind = listen(config.bind_addr, "BIND_ADDR").await?;
        let admin = listen(config.admin_addr, "SECONDLOOK_ADMIN_ADDR").await?;
        let store: Arc<dyn Store> = store::open(config.database_url.as_str()).await?;
        let client = Client::new(&config.api_url);
        let client = Arc::new(client.context("could not set up the client of SLACK_API_URL")?);
        let own = match &config.bot_token {
            Some(token) => Some((identify(&client, token, store.as_ref()).await?, token.clone())),
            None => None,
        };
        let digests = digests(own.as_ref(), config.digest.channels, store.as_ref()).await?;
        let oauth = config.oauth.as_ref().map(oauth);
        let workspaces = Arc::new(Workspaces::new(
            Arc::clone(&client),
            Arc::clone(&store),
            Arc::clone(&clock),
            own,
            oauth.clone(),
        ));
        let (kept, time) = (Arc::clone(&store), Arc::clone(&clock));
        let app = App::new(kept, time, Arc::new(knowledge), config.limits, config.incidents)
            .with_quiet_hours(config.quiet_hours)
            .keeping_cases(config.cases_kept)
            .with_digests(config.digest.schedule, digests);
        let app = Arc::new(app);

        let bot = Self {
            bind_addr: bind.local_addr().context("could not read the address listened on")?,
            admin_addr: admin.local_addr().context("could not read the address listened on")?,
            doors: CancellationToken::new(),
            worker: CancellationToken::new(),
            tasks: TaskTracker::new(),
            background: TaskTracker::new(),
            workspaces: Arc::clone(&workspaces),
        };
        let tasks = bot.tasks.clone();
        let chat = Arc::new(SlackChat::new(Arc::clone(&workspaces)));
        let reception: Arc<dyn Receive> =
            Arc::new(Reception::new(Arc::clone(&app), Arc::clone(&chat), tasks.clone()));
        let mut router = web::health(Arc::clone(&app));
        if let Some(secret) = &config.signing_secret {
            router = router.merge(slack::http::router(Arc::clone(&reception), secret));
        }
        if let (Some(oauth), Some(set)) = (oauth, config.oauth) {
            let installs = Arc::clone(&workspaces);
            let installer =
                Installer::new(installs, oauth, set.public_url, sizes(), set.only, tasks);
            router = router.merge(installer.router());
            let (workspaces, worker) = (Arc::clone(&workspaces), bot.worker.clone());
            bot.background.spawn(async move { workspaces.keep_fresh(worker).await });
        }
        bot.serve(bind, router);
        bot.background.spawn(web::metrics_upkeep(metrics.clone(), bot.worker.clone()));
        bot.serve(admin, web::metrics(metrics, Arc::clone(&app), clock));
        if let Some(token) = config.app_token {
            let doors = bot.doors.clone();
            bot.tasks.spawn(slack::socket::run(client, token, reception, SOCKETS, doors));
        }
        let (own, worker) = (Arc::clone(&workspaces), bot.worker.clone());
        bot.background.spawn(async move { own.keep_own(worker).await });
        let (forgetful, worker) = (Arc::clone(&chat), bot.worker.clone());
        bot.background.spawn(async move { forgetful.forget_answers(&worker).await });
        bot.background.spawn(deliver::run(Arc::clone(&app), chat, bot.worker.clone()));
        bot.background.spawn(retention::run(app, bot.worker.clone()));
        tracing::info!(http.addr = %bot.bind_addr, admin.addr = %bot.admin_addr, "Second Look is listening");
        Ok(bot)
    }

    fn serve(&self, listener: TcpListener, router: Router) {
        self.tasks.spawn(web::serve(listener, router, self.doors.clone()));
    }

    /// Where Slack's requests and health checks are answered.
    pub fn bind_addr(&self) -> SocketAddr {
        self.bind_addr
    }

    /// Where metrics are answered.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// Stops: first the doors, then what came through them, then the worker, which begins nothing more and has its own time
    /// for what it has begun and for tokens being renewed, however the doors fared. The rest stands in the store and is done at the next start.
    pub async fn stop(self) {
        self.doors.cancel();
        self.tasks.close();
        let doors = timeout(DOORS_WITHIN, self.tasks.wait()).await;
        self.worker.cancel();
        self.background.close();
        let work = timeout(WORK_WITHIN, async {
            self.background.wait().await;
            self.workspaces.finish_renewals().await;
        });
        let work = work.await;
        if doors.is_err() || work.is_err() {
            tracing::warn!(
                "stopped before everything was done; the rest is done at the next start"
            );
        }
    }
}

/// The bot's app on the store of one workspace, without Slack: for commands that only read or ask. Where the store knows
/// several, one must be named.
pub async fn on_records(
    records: Records,
    named: Option<WorkspaceId>,
) -> anyhow::Result<(App, Workspace)> {
    let store = inspect(records.database_url.as_str()).await?;
    store.ready().await.context(
        "the store can't be used as it is: `secondlook migrate` brings an older schema up to date; a newer one needs a newer program",
    )?;
    let mut known = store.workspaces().await.context("could not read the workspaces")?;
    let all = known.len();
    known.retain(|known| named.as_ref().is_none_or(|named| named == &known.id));
    let [workspace] = &known[..] else {
        bail!(
            "the store knows {all} workspaces, and this needs exactly one of them: name it with --workspace; or is DATABASE_URL not the one the bot uses?"
        )
    };
    let (limits, incidents) = (Limits::default(), Patterns::default());
    let app = App::new(
        store,
        Arc::new(SystemClock),
        Arc::new(knowledge(&records.knowledge)?),
        limits,
        incidents,
    );
    let Plan { channels, schedule } = records.digest;
    let digests = match channels {
        Channels::Nowhere => BTreeMap::new(),
        Channels::One(channel) => BTreeMap::from([(workspace.id.clone(), channel)]),
        Channels::Each(digests) => digests,
    };
    Ok((app.with_digests(schedule, digests), workspace.clone()))
}

fn knowledge(own: &[(String, String)]) -> anyhow::Result<Knowledge> {
    Knowledge::with_own(own)
        .map_err(|faults| anyhow!(faults))
        .context("could not load the data files")
}

async fn listen(addr: SocketAddr, name: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| {
        format!("could not listen on {addr}: is it in use? {name} sets another address")
    })
}

/// Seals every token in the store with the new key.
pub async fn reseal(change: KeyChange) -> anyhow::Result<Resealed> {
    let store = inspect(change.database_url.as_str()).await?;
    let keyring = keyring(&change.keys);
    keyring.reseal_all(store.as_ref()).await.context("could not seal every token; do it again")
}

/// Where the app was installed by OAuth.
pub async fn installations(records: &Records) -> anyhow::Result<Vec<Installation>> {
    let store = inspect(records.database_url.as_str()).await?;
    store.installations().await.context("could not read the installations")
}

async fn inspect(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    let store = store::inspect(url).await?;
    store.context("there is no database yet: is DATABASE_URL the one the bot uses?")
}

fn oauth(set: &config::OAuth) -> OAuth {
    let (client_id, client_secret) = (set.client_id.clone(), set.client_secret.clone());
    let credentials = Credentials { client_id, client_secret };
    OAuth { credentials, keyring: keyring(&set.keys) }
}

/// The keys as they seal.
pub(crate) fn keyring(keys: &config::Keys) -> Keyring {
    Keyring::new(&keys.current, keys.old.as_ref())
}

/// What an installation may ask for: the scopes of our manifests.
fn sizes() -> Vec<Size> {
    let size = |name, size| {
        let manifest::Scopes { needed, optional } = manifest::scopes(size);
        Size { name, needed, optional }
    };
    vec![size("listen", manifest::Size::Listen), size("ask-only", manifest::Size::AskOnly)]
}

/// Where the digest of each workspace is posted. One channel alone is of one workspace: the one with a token of its own, or
/// the only one that is installed.
async fn digests(
    own: Option<&(Workspace, SecretString)>,
    channels: Channels,
    store: &dyn Store,
) -> anyhow::Result<BTreeMap<WorkspaceId, ChannelId>> {
    let channel = match channels {
        Channels::Nowhere => return Ok(BTreeMap::new()),
        Channels::Each(digests) => return Ok(digests),
        Channels::One(channel) => channel,
    };
    if let Some((workspace, _)) = own {
        return Ok(BTreeMap::from([(workspace.id.clone(), channel)]));
    }
    let installed = store.installations().await.context("could not read the installations")?;
    if let [only] = &installed[..] {
        return Ok(BTreeMap::from([(only.workspace.clone(), channel)]));
    }
    tracing::warn!(
        workspaces = installed.len(),
        "no digest is posted: SECONDLOOK_DIGEST_CHANNEL names one channel, and it isn't known of which workspace; name both, such as T0123456789:C0123456789"
    );
    Ok(BTreeMap::new())
}

/// Who the bot is where its token is from. With Slack out of reach, what the store remembers does.
async fn identify(
    client: &Client,
    token: &SecretString,
    store: &dyn Store,
) -> anyhow::Result<Workspace> {
    match client.identify(token).await {
        Ok(workspace) => {
            store.save_workspace(&workspace).await.context("could not record the workspace")?;
            let saved = store.save_own(&workspace.id, &fingerprint(token)).await;
            saved.context("could not record the workspace")?;
            Ok(workspace)
        }
        Err(ChatError::Refused { code }) => {
            bail!(
                "Slack refuses SLACK_BOT_TOKEN ({code}): copy it again from your app's page “OAuth & Permissions”"
            )
        }
        Err(error) => {
            let known = store.own(&fingerprint(token)).await;
            let Some(workspace) = known.context("could not read the workspaces")? else {
                bail!(
                    "could not ask Slack whose SLACK_BOT_TOKEN is, and no earlier start with this token has recorded it; try again when Slack answers: {error}"
                )
            };
            tracing::warn!(error.kind = %error, "Slack can't be reached; starting with what is known");
            Ok(workspace)
        }
    }
}
