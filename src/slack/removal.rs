//! Whether the app was removed from a workspace, as Slack's answers tell it. Only a token that Slack refuses for good is a
//! removal; no answer, a slow one, or a token that ran out say nothing.

use serde_json::json;

use super::chat::SlackChat;
use super::workspaces::Workspaces;
use crate::app::ports::ChatError;
use crate::domain::WorkspaceId;

impl SlackChat {
    /// Whether Slack takes the token of a workspace, or refuses it for good.
    pub(super) async fn takes_token(&self, workspace: &WorkspaceId) -> Result<bool, ChatError> {
        match self.call(workspace, "auth.test", &json!({}), None).await {
            Ok(_) => Ok(true),
            Err(ChatError::Refused { code }) if ends_token(&code) => {
                self.workspaces.forget(workspace);
                Ok(false)
            }
            // It has no effect, and a person can't help: it is asked again.
            Err(ChatError::Refused { code }) => Err(ChatError::Unreachable(code)),
            Err(error) => Err(error.without_doubt()),
        }
    }
}

/// Codes for a token that will never be taken again.
fn ends_token(code: &str) -> bool {
    matches!(code, "token_revoked" | "account_inactive" | "invalid_auth")
}

impl Workspaces {
    /// Has the workspace of our own token back to work when it is marked as removed and its token is good. Where the app was
    /// installed by OAuth, a removal took the tokens along, and only a new installation helps.
    pub async fn take_back_own(&self) {
        let Some((own, token)) = &self.own else { return };
        match self.store.removed().await {
            Ok(removed) if removed.iter().any(|(workspace, _)| workspace == &own.id) => {}
            Ok(_) => return,
            Err(error) => {
                return tracing::warn!(error.kind = %error, "could not read which workspaces removed the app");
            }
        }
        let Ok(known) = self.client.identify(token).await else { return };
        if known.id != own.id {
            return;
        }
        match self.store.save_workspace(&known).await {
            Ok(()) => tracing::info!(
                slack.workspace = %own.id,
                "the app is still installed in this workspace: its work goes on"
            ),
            Err(error) => {
                tracing::warn!(error.kind = %error, "could not record that the app is installed");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_that_is_refused_for_good_means_a_removal() {
        for code in ["token_revoked", "account_inactive", "invalid_auth"] {
            assert!(ends_token(code), "{code}");
        }
        // The last is our own word for a workspace of which we have no token.
        for code in
            ["token_expired", "ratelimited", "internal_error", "missing_scope", "not_authed"]
        {
            assert!(!ends_token(code), "{code}");
        }
    }
}
