//! Where the app was installed by OAuth, as the store keeps it. Tokens are sealed before they come here.

use async_trait::async_trait;
use jiff::Timestamp;

use super::ports::{StoreError, Workspace};
use crate::domain::WorkspaceId;

/// One installation of the app by OAuth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Where.
    pub workspace: WorkspaceId,
    /// When.
    pub installed_at: Timestamp,
    /// Which key its tokens are sealed with.
    pub key_id: String,
    /// Its tokens, sealed.
    pub sealed: String,
    /// When its bot token ends; `None` for one that does not.
    pub expires_at: Option<Timestamp>,
    /// Somebody renews its tokens until then: nobody else may, because a refresh token works once.
    pub renewing_until: Option<Timestamp>,
    /// Why the last renewal failed.
    pub renewal_failed: Option<String>,
    /// Counts the changes; a change made on an old copy is refused.
    pub revision: i64,
}

/// Where installations are kept.
#[async_trait]
pub trait Installations: Send + Sync {
    /// Records a new installation, over an older one if there is one, and who the bot is there. A workspace that had
    /// removed the app keeps what it had; one whose deletion has begun is deleted to the end first, and begins anew.
    async fn install(
        &self,
        workspace: &Workspace,
        installation: &Installation,
    ) -> Result<(), StoreError>;
    /// The installation in a workspace, and who the bot is there.
    async fn installation(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<(Workspace, Installation)>, StoreError>;
    /// Every installation.
    async fn installations(&self) -> Result<Vec<Installation>, StoreError>;
    /// Changes an installation; a conflict when it was changed or removed meanwhile.
    async fn change_installation(&self, installation: &Installation) -> Result<(), StoreError>;
    /// The workspaces that removed the app, and when.
    async fn removed(&self) -> Result<Vec<(WorkspaceId, Timestamp)>, StoreError>;
}
