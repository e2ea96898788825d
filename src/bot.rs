//! Puts the rooms together: the one place that sees store, Slack, web and app at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::ports::{ChatError, Clock, Store, SystemClock, Workspace};
use crate::app::{App, deliver};
use crate::config::{Config, Records};
use crate::domain::channel::Patterns;
use crate::domain::knowledge::Knowledge;
use crate::domain::policy::Limits;
use crate::slack::chat::SlackChat;
use crate::slack::client::Client;
use crate::slack::reception::Reception;
use crate::slack::{self, Receive};
pub use crate::store::backup::{Copied, backup, restore};
pub use crate::store::{Moved, migrate, transfer};
use crate::{store, web};

/// Connections in Socket Mode: two, so that one can be renewed while the other listens.
const SOCKETS: usize = 2;
/// How long a stop may take; what is not done by then is done at the next start.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A running bot.
pub struct Bot {
    bind_addr: SocketAddr,
    admin_addr: SocketAddr,
    doors: CancellationToken,
    worker: CancellationToken,
    tasks: TaskTracker,
    background: TaskTracker,
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
        let client = Arc::new(
            Client::new(&config.api_url).context("could not set up the client of SLACK_API_URL")?,
        );
        let chat = Arc::new(SlackChat::new(Arc::clone(&client), config.bot_token.clone()));
        let workspace = identify(&chat, store.as_ref()).await?;
        let app = App::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::new(knowledge),
            config.limits,
            config.incidents,
        );
        let app = app.with_quiet_hours(config.quiet_hours);
        let app = Arc::new(app.with_digest(workspace.id.clone(), config.digest));

        let bot = Self {
            bind_addr: bind.local_addr().context("could not read the address listened on")?,
            admin_addr: admin.local_addr().context("could not read the address listened on")?,
            doors: CancellationToken::new(),
            worker: CancellationToken::new(),
            tasks: TaskTracker::new(),
            background: TaskTracker::new(),
        };
        let reception: Arc<dyn Receive> = Arc::new(Reception::new(
            Arc::clone(&app),
            Arc::clone(&chat),
            workspace,
            bot.tasks.clone(),
        ));
        let mut router = web::health(Arc::clone(&store));
        if let Some(secret) = &config.signing_secret {
            router = router.merge(slack::http::router(Arc::clone(&reception), secret));
        }
        bot.serve(bind, router);
        bot.serve(admin, web::metrics(metrics, store, clock));
        if let Some(token) = config.app_token {
            let doors = bot.doors.clone();
            bot.tasks.spawn(slack::socket::run(client, token, reception, SOCKETS, doors));
        }
        bot.background.spawn(deliver::run(Arc::clone(&app), chat, bot.worker.clone()));
        bot.background.spawn(deliver::keep_house(app, bot.worker.clone()));
        tracing::info!(http.addr = %bot.bind_addr, admin.addr = %bot.admin_addr, "Second Look is listening");
        Ok(bot)
    }

    fn serve(&self, listener: TcpListener, router: Router) {
        let doors = self.doors.clone();
        self.tasks.spawn(async move {
            let served =
                axum::serve(listener, router).with_graceful_shutdown(doors.cancelled_owned()).await;
            if let Err(error) = served {
                tracing::error!(error.kind = %error.kind(), "a listener stopped");
            }
        });
    }

    /// Where Slack's requests and health checks are answered.
    pub fn bind_addr(&self) -> SocketAddr {
        self.bind_addr
    }

    /// Where metrics are answered.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin_addr
    }

    /// Stops: first the doors, then what came through them, then the worker. What is not done by then stands in the
    /// store and is done at the next start.
    pub async fn stop(self) {
        self.doors.cancel();
        self.tasks.close();
        let drained = tokio::time::timeout(STOP_WITHIN, async {
            self.tasks.wait().await;
            self.worker.cancel();
            self.background.close();
            self.background.wait().await;
        });
        if drained.await.is_err() {
            self.worker.cancel();
            tracing::warn!(
                "stopped before everything was done; the rest is done at the next start"
            );
        }
    }
}

/// The bot's app on the store of one workspace, without Slack: for commands that only read or ask.
pub async fn on_records(records: Records) -> anyhow::Result<(App, Workspace)> {
    let store = store::open(records.database_url.as_str()).await?;
    let known = store.workspaces().await.context("could not read the workspaces")?;
    let [workspace] = &known[..] else {
        bail!(
            "the store knows {} workspaces, and this needs exactly one: is DATABASE_URL the one the bot uses?",
            known.len()
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
    Ok((app.with_digest(workspace.id.clone(), records.digest), workspace.clone()))
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

/// Who the bot is. With Slack out of reach, what the store remembers does.
async fn identify(chat: &SlackChat, store: &dyn Store) -> anyhow::Result<Workspace> {
    match chat.identify().await {
        Ok(workspace) => {
            store.save_workspace(&workspace).await.context("could not record the workspace")?;
            Ok(workspace)
        }
        Err(ChatError::Refused { code }) => {
            bail!(
                "Slack refuses SLACK_BOT_TOKEN ({code}): copy it again from your app's page “OAuth & Permissions”"
            )
        }
        Err(error) => {
            let known = store.workspaces().await.context("could not read the workspaces")?;
            let [workspace] = &known[..] else {
                bail!(
                    "could not ask Slack who the bot is, and no earlier start has recorded it: {error}"
                )
            };
            tracing::warn!(error.kind = %error, "Slack can't be reached; starting with what is known");
            Ok(workspace.clone())
        }
    }
}
