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
use crate::app::{App, deliver, panics, recent, retention};
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
        slack::series::begin();
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
        }
        bot.serve(bind, router);
        let measured = metrics.clone();
        bot.keep("metrics", move |stop| web::metrics_upkeep(measured.clone(), stop));
        bot.serve(admin, web::metrics(metrics, Arc::clone(&app), clock));
        if let Some(token) = config.app_token {
            let doors = bot.doors.clone();
            bot.tasks.spawn(slack::socket::run(client, token, reception, SOCKETS, doors));
        }
        bot.begin_work(app, chat, workspaces);
        tracing::info!(http.addr = %bot.bind_addr, admin.addr = %bot.admin_addr, "Second Look is listening");
        Ok(bot)
    }

    /// Begins what goes on behind the doors.
    fn begin_work(&self, app: Arc<App>, chat: Arc<SlackChat>, workspaces: Arc<Workspaces>) {
        self.keep("tokens", move |stop| {
            let workspaces = Arc::clone(&workspaces);
            async move { workspaces.look_after(stop).await }
        });
        let answers = Arc::clone(&chat);
        self.keep("answers", move |stop| {
            let answers = Arc::clone(&answers);
            async move { answers.forget_answers(&stop).await }
        });
        let (forgetful, deleting) = (Arc::clone(&app), Arc::clone(&app));
        self.keep("memory", move |stop| recent::run(Arc::clone(&forgetful), stop));
        self.keep("retention", move |stop| retention::run(Arc::clone(&deleting), stop));
        // It keeps itself, for the sake of what it has begun.
        self.background.spawn(deliver::run(app, chat, self.worker.clone()));
    }

    /// Keeps a loop going until the worker stops.
    fn keep<L>(&self, name: &'static str, begin: impl Fn(CancellationToken) -> L + Send + 'static)
    where
        L: Future<Output = ()> + Send + 'static,
    {
        self.background.spawn(panics::keep(name, 1, self.worker.clone(), begin));
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
    let Plan { channels, schedule } = records.digest;
    let digests = recorded_digests(channels, records.bot_token.as_ref(), &known, &*store).await?;
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
fn keyring(keys: &config::Keys) -> Keyring {
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

/// Where the digest of each workspace is posted.
async fn digests(
    own: Option<&(Workspace, SecretString)>,
    channels: Channels,
    store: &dyn Store,
) -> anyhow::Result<BTreeMap<WorkspaceId, ChannelId>> {
    let installed = store.installations().await.context("could not read the installations")?;
    let installed: Vec<_> = installed.into_iter().map(|known| known.workspace).collect();
    let each = channels.each(own.map(|(workspace, _)| &workspace.id), &installed);
    Ok(each.unwrap_or_else(|unclear| {
        tracing::warn!(
            workspaces = unclear.workspaces,
            "no digest is posted: SECONDLOOK_DIGEST_CHANNEL names one channel, and it isn't known of which workspace; name both, such as T0123456789:C0123456789"
        );
        BTreeMap::new()
    }))
}

/// The same without Slack, as the store knows the workspaces: where it can't tell whose a channel is, it is nobody's.
async fn recorded_digests(
    channels: Channels,
    token: Option<&SecretString>,
    known: &[Workspace],
    store: &dyn Store,
) -> anyhow::Result<BTreeMap<WorkspaceId, ChannelId>> {
    let unreadable = "could not read the workspaces";
    let own = match token {
        Some(token) => store.own(&fingerprint(token)).await.context(unreadable)?,
        None => None,
    };
    let removed = store.removed().await.context(unreadable)?;
    let is_there = |id: &&WorkspaceId| !removed.iter().any(|(removed, _)| removed == *id);
    let there: Vec<_> = known.iter().map(|known| &known.id).filter(is_there).cloned().collect();
    Ok(channels.each(own.as_ref().map(|own| &own.id), &there).unwrap_or_default())
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
