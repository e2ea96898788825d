//! Keeps tokens that end fresh. A refresh token works once, so of all processes one renews, and what it gets is saved before
//! it is used.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::SignedDuration;
use metrics::{counter, gauge};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::oauth::Granted;
use super::request::refused;
use super::workspaces::{OAuth, TOO_LATE, Workspaces, ends_by, not_there, opened, unopened};
use crate::app::installations::Installation;
use crate::app::ports::{ChatError, StoreError};
use crate::domain::WorkspaceId;

/// Tokens last twelve hours. Renewed this long before their end, they leave a person time when it fails.
const AHEAD: SignedDuration = SignedDuration::from_hours(2);
/// How long a renewal may take, the saving included; longer than what a process that is alive needs.
const RENEWAL_MAX: SignedDuration = SignedDuration::from_secs(90);
/// How long to wait after Slack refused a refresh token: it rarely changes its mind.
const REFUSED_WAIT: SignedDuration = SignedDuration::from_mins(10);

impl Workspaces {
    /// Waits for the renewals under way, whoever asked for them: what Slack grants, it grants once.
    pub async fn finish_renewals(&self) {
        self.renewals.close();
        self.renewals.wait().await;
    }

    /// Renews the tokens that are about to end; begins no other once it is told to stop.
    pub(super) async fn renew_due(self: &Arc<Self>, cancel: &CancellationToken) {
        if self.oauth.is_none() {
            return;
        }
        let all = match self.store.installations().await {
            Ok(all) => all,
            Err(error) => {
                return tracing::warn!(error.kind = %error, "could not read installations");
            }
        };
        let failing = all.iter().filter(|known| known.renewal_failed.is_some()).count();
        gauge!("secondlook_installations").set(float(all.len()));
        gauge!("secondlook_installations_failing").set(float(failing));
        let soon = self.clock.now() + AHEAD;
        for installation in all.into_iter().filter(|known| ends_by(known.expires_at, soon)) {
            if cancel.is_cancelled() {
                return;
            }
            // Told by the renewal itself; the token is good for a while.
            drop(self.renew(installation).await);
        }
    }

    /// A token that is not about to end, nor the one that Slack `refused`; renewed unless somebody else did.
    pub(super) async fn renewed(
        self: &Arc<Self>,
        id: &WorkspaceId,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, ChatError> {
        let oauth = self.oauth.as_ref().ok_or_else(not_there)?;
        for renewing in [true, false] {
            let found = self.store.installation(id).await?;
            let (_, installation) = found.ok_or_else(not_there)?;
            let bot = opened(&oauth.keyring, &installation).ok_or_else(unopened)?.bot;
            let other = refused.is_none_or(|old| old.expose_secret() != bot.expose_secret());
            if other && !ends_by(installation.expires_at, self.clock.now() + TOO_LATE) {
                return Ok(bot);
            }
            if renewing {
                // Whoever waits for a token has sent nothing yet: only the renewal may have had its effect.
                self.renew(installation).await.map_err(ChatError::without_doubt)?;
            }
        }
        Err(ChatError::Refused { code: "token_expired".to_owned() })
    }

    /// Renews the tokens of an installation, unless somebody else does. In a task of its own: whoever waits for it may be
    /// given up, and what Slack granted must be saved all the same.
    async fn renew(self: &Arc<Self>, installation: Installation) -> Result<(), ChatError> {
        let all = Arc::clone(self);
        let renewal = self.renewals.spawn(async move {
            let oauth = all.oauth.as_ref().ok_or_else(not_there)?;
            all.renew_here(oauth, installation).await
        });
        renewal.await.unwrap_or_else(|_| Err(in_progress()))
    }

    async fn renew_here(
        &self,
        oauth: &OAuth,
        mut installation: Installation,
    ) -> Result<(), ChatError> {
        let now = self.clock.now();
        let tokens = opened(&oauth.keyring, &installation).ok_or_else(unopened)?;
        let refresh = tokens.refresh.ok_or_else(|| refused("token_expired"))?;
        if installation.renewing_until.is_some_and(|until| until > now) {
            return Err(in_progress());
        }
        installation.renewing_until = Some(now + RENEWAL_MAX);
        self.store.change_installation(&installation).await.map_err(|error| match error {
            StoreError::Conflict => in_progress(),
            other => other.into(),
        })?;
        installation.revision += 1;
        let workspace = installation.workspace.clone();
        let granted = self.client.renew(&oauth.credentials, &refresh).await;
        let (outcome, done) = match granted {
            Ok(granted) => match self.keep(oauth, installation, &refresh, &granted).await {
                Ok(()) => ("renewed", Ok(())),
                Err(error) => ("not_saved", Err(error.into())),
            },
            Err(error) => {
                let outcome = if matches!(error, ChatError::Refused { .. }) {
                    "refused"
                } else {
                    "no_answer"
                };
                self.note_failure(installation, &error).await;
                (outcome, Err(error))
            }
        };
        self.forget(&workspace);
        counter!("secondlook_token_renewals_total", "outcome" => outcome).increment(1);
        match &done {
            Ok(()) => tracing::info!(slack.workspace = %workspace, "a token was renewed"),
            Err(error) => tracing::error!(
                slack.workspace = %workspace,
                error.kind = %error,
                "a token could not be renewed; if this goes on, the app must be installed again at /slack/install"
            ),
        }
        // What is refused may be a renewal whose answer was lost: work waits for a person.
        done.map_err(|error| match error {
            ChatError::Refused { .. } => refused("token_expired"),
            other => other,
        })
    }

    /// Saves what was granted, over whatever else changed but a new installation. The old refresh token is of no use any
    /// more: this does not give up easily.
    async fn keep(
        &self,
        oauth: &OAuth,
        mut held: Installation,
        used: &SecretString,
        granted: &Granted,
    ) -> Result<(), StoreError> {
        let waits = ExponentialBuilder::new().with_max_delay(Duration::from_secs(8));
        let mut waits = waits.with_min_delay(Duration::from_millis(50)).with_max_times(12).build();
        loop {
            oauth.keyring.seal_in(&mut held, &granted.tokens);
            held.expires_at = granted.expires_in.map(|wait| self.clock.now() + wait);
            (held.renewing_until, held.renewal_failed) = (None, None);
            let stands = match self.store.change_installation(&held).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict) => self.store.installation(&held.workspace).await,
                Err(error) => Err(error),
            };
            match stands {
                // The app was removed.
                Ok(None) => return Ok(()),
                Ok(Some((_, changed))) => {
                    let now = oauth.keyring.open(&changed).ok().and_then(|tokens| tokens.refresh);
                    if now.is_none_or(|now| now.expose_secret() != used.expose_secret()) {
                        // It was installed anew.
                        return Ok(());
                    }
                    held = changed;
                }
                Err(error) => match waits.next() {
                    Some(wait) => sleep(wait).await,
                    None => return Err(error),
                },
            }
        }
    }

    async fn note_failure(&self, mut held: Installation, error: &ChatError) {
        let refused = matches!(error, ChatError::Refused { .. });
        held.renewing_until = refused.then(|| self.clock.now() + REFUSED_WAIT);
        held.renewal_failed = Some(error.to_string());
        // Whoever changed it meanwhile knows better.
        drop(self.store.change_installation(&held).await);
    }
}

fn in_progress() -> ChatError {
    ChatError::Unreachable("the workspace's token is being renewed".to_owned())
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
