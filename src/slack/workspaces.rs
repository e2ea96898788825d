//! Which workspaces the bot is in, and with which token it speaks in each.
//!
//! One may be given by its token; the others are installed by OAuth and kept sealed in the store. What was read is remembered
//! for a minute, so that an ordinary message costs no look into the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Client;
use super::oauth::{Credentials, Granted};
use super::seal::{Keyring, Sealed, Tokens};
use crate::app::installations::Installation;
use crate::app::ports::{ChatError, Clock, Store, StoreError, Workspace};
use crate::domain::WorkspaceId;

/// How often to look after them.
const EVERY: Duration = Duration::from_mins(1);
/// How long another process's change may go unnoticed.
const REMEMBERED: Duration = Duration::from_mins(1);
/// A token that ends sooner than this is not used any more.
pub(super) const TOO_LATE: SignedDuration = SignedDuration::from_secs(60);

/// The workspaces the bot is in.
pub struct Workspaces {
    pub(super) client: Arc<Client>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) own: Option<(Workspace, SecretString)>,
    pub(super) oauth: Option<OAuth>,
    known: Mutex<HashMap<WorkspaceId, Arc<Known>>>,
    pub(super) renewals: TaskTracker,
}

/// What it takes to be installed by OAuth.
#[derive(Clone)]
pub struct OAuth {
    /// The app.
    pub credentials: Credentials,
    /// What its tokens are sealed with.
    pub keyring: Keyring,
}

/// A workspace as it was read.
pub(super) struct Known {
    /// Who the bot is there.
    pub(super) workspace: Workspace,
    /// `None` when it can't be opened.
    token: Option<SecretString>,
    expires_at: Option<Timestamp>,
    read_at: Instant,
}

impl Workspaces {
    /// The workspaces in the store, when there is `oauth`, and the one with a token of its own.
    pub fn new(
        client: Arc<Client>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        own: Option<(Workspace, SecretString)>,
        oauth: Option<OAuth>,
    ) -> Self {
        Self {
            client,
            store,
            clock,
            own,
            oauth,
            known: Mutex::default(),
            renewals: TaskTracker::new(),
        }
    }

    /// Renews tokens before they end, and has the workspace of our own token back to work, until it is told to stop.
    pub async fn look_after(self: Arc<Self>, cancel: CancellationToken) {
        loop {
            self.renew_due(&cancel).await;
            self.take_back_own().await;
            if cancel.run_until_cancelled(sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    /// The token for a workspace; a fresh one when it is about to end.
    pub(super) async fn token(
        self: &Arc<Self>,
        id: &WorkspaceId,
    ) -> Result<SecretString, ChatError> {
        let known = self.known(id).await?.ok_or_else(not_there)?;
        if ends_by(known.expires_at, self.clock.now() + TOO_LATE) {
            return self.renewed(id, None).await;
        }
        known.token.clone().ok_or_else(unopened)
    }

    /// Another token than one that Slack refused: renewed by another process, or by us now. `None` when there is none.
    pub(super) async fn instead_of(
        self: &Arc<Self>,
        id: &WorkspaceId,
        refused: &SecretString,
    ) -> Option<SecretString> {
        self.forget(id);
        let known = self.known(id).await.ok()??;
        let token = known.token.as_ref()?;
        if token.expose_secret() != refused.expose_secret() {
            return Some(token.clone());
        }
        known.expires_at?;
        self.renewed(id, Some(refused)).await.ok()
    }

    /// Reads a workspace anew the next time.
    pub(super) fn forget(&self, id: &WorkspaceId) {
        self.memory().remove(id);
    }

    /// Keeps a new installation.
    pub(super) async fn install(
        &self,
        oauth: &OAuth,
        workspace: &Workspace,
        granted: &Granted,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Sealed { key_id, text } = oauth.keyring.seal(&granted.tokens, &workspace.id);
        let installation = Installation {
            workspace: workspace.id.clone(),
            installed_at: now,
            key_id,
            sealed: text,
            expires_at: granted.expires_in.map(|wait| now + wait),
            renewing_until: None,
            renewal_failed: None,
            revision: 0,
        };
        self.store.install(workspace, &installation).await?;
        self.forget(&workspace.id);
        Ok(())
    }

    /// A workspace, if the bot is there.
    pub(super) async fn known(&self, id: &WorkspaceId) -> Result<Option<Arc<Known>>, StoreError> {
        let remembered = self.memory().get(id).cloned();
        if let Some(known) = remembered.filter(|known| known.read_at.elapsed() < REMEMBERED) {
            return Ok(Some(known));
        }
        let found = self.look_up(id).await?.map(Arc::new);
        match &found {
            Some(known) => drop(self.memory().insert(id.clone(), Arc::clone(known))),
            None => self.forget(id),
        }
        Ok(found)
    }

    /// What is installed goes before the token we were given: it is newer.
    async fn look_up(&self, id: &WorkspaceId) -> Result<Option<Known>, StoreError> {
        let read_at = Instant::now();
        if let Some(oauth) = &self.oauth
            && let Some((workspace, installation)) = self.store.installation(id).await?
        {
            let token = opened(&oauth.keyring, &installation).map(|tokens| tokens.bot);
            let expires_at = installation.expires_at;
            return Ok(Some(Known { workspace, token, expires_at, read_at }));
        }
        let own = self.own.as_ref().filter(|(workspace, _)| &workspace.id == id);
        Ok(own.map(|(workspace, token)| Known {
            workspace: workspace.clone(),
            token: Some(token.clone()),
            expires_at: None,
            read_at,
        }))
    }

    fn memory(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Arc<Known>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tokens of an installation; a person must see when they can't be opened.
pub(super) fn opened(keyring: &Keyring, installation: &Installation) -> Option<Tokens> {
    let tokens = keyring.open(installation);
    if let Err(why) = &tokens {
        metrics::counter!("secondlook_tokens_unopened_total").increment(1);
        tracing::error!(
            slack.workspace = %installation.workspace,
            error.kind = %why,
            "a workspace's token can't be opened: is SECONDLOOK_ENCRYPTION_KEY the right one?"
        );
    }
    tokens.ok()
}

/// Whether a token ends by then.
pub(super) fn ends_by(expires_at: Option<Timestamp>, then: Timestamp) -> bool {
    expires_at.is_some_and(|at| at <= then)
}

/// Without the store there is no token; it may come back.
impl From<StoreError> for ChatError {
    fn from(error: StoreError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// A token may come, by installing; until then work waits.
pub(super) fn not_there() -> ChatError {
    ChatError::Refused { code: "not_authed".to_owned() }
}

pub(super) fn unopened() -> ChatError {
    ChatError::Unreachable("the workspace's token can't be opened".to_owned())
}
