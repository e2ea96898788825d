//! Installations by OAuth with their sealed tokens.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::FromRow;

use super::query::{Conn, sql};
use super::{Database, workspace};
use crate::app::installations::{Installation, Installations};
use crate::app::ports::{StoreError, Workspace};
use crate::domain::{UserId, WorkspaceId};
use crate::store::error::Row;

#[derive(FromRow)]
struct InstallationRow {
    workspace_id: String,
    installed_at: i64,
    key_id: String,
    sealed: String,
    expires_at: Option<i64>,
    renewing_until: Option<i64>,
    renewal_failed: Option<String>,
    revision: i64,
}

impl TryFrom<InstallationRow> for Installation {
    type Error = StoreError;

    fn try_from(row: InstallationRow) -> Result<Self, StoreError> {
        let at = Row::new("installation", &row.workspace_id);
        let time = |column, ms: Option<i64>| ms.map(|ms| at.time(column, ms)).transpose();
        Ok(Self {
            installed_at: at.time("installed_at", row.installed_at)?,
            expires_at: time("expires_at", row.expires_at)?,
            renewing_until: time("renewing_until", row.renewing_until)?,
            workspace: WorkspaceId(row.workspace_id),
            key_id: row.key_id,
            sealed: row.sealed,
            renewal_failed: row.renewal_failed,
            revision: row.revision,
        })
    }
}

async fn load(
    conn: &mut Conn,
    workspace: Option<&WorkspaceId>,
) -> Result<Vec<Installation>, StoreError> {
    let rows: Vec<InstallationRow> =
        sql("select workspace_id, installed_at, key_id, sealed, expires_at, renewing_until,
             renewal_failed, revision
         from installation where $1 is null or workspace_id = $1
         order by workspace_id")
        .bind(workspace.map(WorkspaceId::as_str))
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(Installation::try_from).collect()
}

/// Who the bot is in a workspace: recorded with its installation.
async fn who(conn: &mut Conn, workspace: &WorkspaceId) -> Result<Workspace, StoreError> {
    let row: Option<(String, String, String)> =
        sql("select bot_user_id, bot_id, url from workspace where workspace_id = $1")
            .bind(workspace.as_str())
            .fetch_optional(conn)
            .await?;
    let (bot_user, bot_id, url) =
        row.ok_or_else(|| Row::new("installation", workspace.as_str()).corrupt("workspace_id"))?;
    Ok(Workspace { id: workspace.clone(), bot_user: UserId(bot_user), bot_id, url })
}

async fn save(conn: &mut Conn, installation: &Installation) -> Result<(), StoreError> {
    sql("insert into installation (workspace_id, installed_at, key_id, sealed, expires_at,
             renewing_until, renewal_failed, revision)
         values ($1, $2, $3, $4, $5, $6, $7, 1)
         on conflict (workspace_id) do update set
             installed_at = excluded.installed_at, key_id = excluded.key_id,
             sealed = excluded.sealed, expires_at = excluded.expires_at,
             renewing_until = excluded.renewing_until, renewal_failed = excluded.renewal_failed,
             revision = installation.revision + 1")
    .bind(installation.workspace.as_str())
    .bind(installation.installed_at.as_millisecond())
    .bind(&installation.key_id)
    .bind(&installation.sealed)
    .bind(installation.expires_at.map(Timestamp::as_millisecond))
    .bind(installation.renewing_until.map(Timestamp::as_millisecond))
    .bind(installation.renewal_failed.clone())
    .execute(conn)
    .await?;
    Ok(())
}

async fn change(conn: &mut Conn, installation: &Installation) -> Result<(), StoreError> {
    let changed = sql("update installation set
             key_id = $3, sealed = $4, expires_at = $5, renewing_until = $6, renewal_failed = $7,
             revision = revision + 1
         where workspace_id = $1 and revision = $2")
    .bind(installation.workspace.as_str())
    .bind(installation.revision)
    .bind(&installation.key_id)
    .bind(&installation.sealed)
    .bind(installation.expires_at.map(Timestamp::as_millisecond))
    .bind(installation.renewing_until.map(Timestamp::as_millisecond))
    .bind(installation.renewal_failed.clone())
    .execute(conn)
    .await?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

#[async_trait]
impl Installations for Database {
    async fn install(
        &self,
        workspace: &Workspace,
        installation: &Installation,
    ) -> Result<(), StoreError> {
        let mut tx = self.write_about(&workspace.id).await?;
        workspace::save(&mut tx, workspace).await?;
        save(&mut tx, installation).await?;
        self.commit_erasure(tx).await
    }

    async fn installation(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Option<(Workspace, Installation)>, StoreError> {
        let mut tx = self.read().await?;
        let found = load(&mut tx, Some(workspace)).await?.pop();
        let Some(installation) = found else { return Ok(None) };
        Ok(Some((who(&mut tx, workspace).await?, installation)))
    }

    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        load(&mut self.read().await?, None).await
    }

    async fn change_installation(&self, installation: &Installation) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        change(&mut tx, installation).await?;
        self.commit_erasure(tx).await
    }

    async fn removed(&self) -> Result<Vec<(WorkspaceId, Timestamp)>, StoreError> {
        workspace::removed(&mut self.read().await?).await
    }
}
