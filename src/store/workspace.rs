//! Workspaces, the numbers of their cases, and what happens once: events, and the digest of a week.

use jiff::Timestamp;

use super::query::{Conn, sql};
use crate::app::ports::{StoreError, Workspace};
use crate::domain::digest::Week;
use crate::domain::investigation::CaseNumber;
use crate::domain::{UserId, WorkspaceId};
use crate::store::error::Row;

pub(super) async fn save(conn: &mut Conn, workspace: &Workspace) -> Result<(), StoreError> {
    sql("insert into workspace (workspace_id, bot_user_id, bot_id, url) values ($1, $2, $3, $4)
         on conflict (workspace_id) do update
         set bot_user_id = excluded.bot_user_id, bot_id = excluded.bot_id, url = excluded.url,
             uninstalled_at = null")
    .bind(workspace.id.as_str())
    .bind(workspace.bot_user.as_str())
    .bind(&workspace.bot_id)
    .bind(&workspace.url)
    .execute(conn)
    .await?;
    Ok(())
}

/// Notes that the app was removed from a workspace, and drops its tokens.
pub(super) async fn uninstall(
    conn: &mut Conn,
    id: &WorkspaceId,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Slack says it in two events: the time of the first counts.
    sql("update workspace set uninstalled_at = coalesce(uninstalled_at, $2) where workspace_id = $1")
        .bind(id.as_str())
        .bind(now.as_millisecond())
        .execute(conn)
        .await?;
    sql("delete from installation where workspace_id = $1").bind(id.as_str()).execute(conn).await?;
    Ok(())
}

/// The workspaces that removed the app, and when.
pub(super) async fn removed(conn: &mut Conn) -> Result<Vec<(WorkspaceId, Timestamp)>, StoreError> {
    let rows: Vec<(String, i64)> = sql("select workspace_id, uninstalled_at from workspace
         where uninstalled_at is not null order by workspace_id")
    .fetch_all(conn)
    .await?;
    let removed = |(id, at): (String, i64)| {
        let at = Row::new("workspace", &id).time("uninstalled_at", at)?;
        Ok((WorkspaceId(id), at))
    };
    rows.into_iter().map(removed).collect()
}

pub(super) async fn save_own(
    conn: &mut Conn,
    id: &WorkspaceId,
    fingerprint: &str,
) -> Result<(), StoreError> {
    sql("update workspace set own_token = $2 where workspace_id = $1")
        .bind(id.as_str())
        .bind(fingerprint)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn own(
    conn: &mut Conn,
    fingerprint: &str,
) -> Result<Option<Workspace>, StoreError> {
    let row: Option<WorkspaceRow> =
        sql("select workspace_id, bot_user_id, bot_id, url from workspace where own_token = $1")
            .bind(fingerprint)
            .fetch_optional(conn)
            .await?;
    Ok(row.map(workspace))
}

pub(super) async fn all(conn: &mut Conn) -> Result<Vec<Workspace>, StoreError> {
    let rows: Vec<WorkspaceRow> =
        sql("select workspace_id, bot_user_id, bot_id, url from workspace order by workspace_id")
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(workspace).collect())
}

type WorkspaceRow = (String, String, String, String);

fn workspace((id, bot_user, bot_id, url): WorkspaceRow) -> Workspace {
    Workspace { id: WorkspaceId(id), bot_user: UserId(bot_user), bot_id, url }
}

pub(super) async fn new_case_number(
    conn: &mut Conn,
    workspace: &WorkspaceId,
) -> Result<CaseNumber, StoreError> {
    // A number need not wait for the disk: the case that uses it is written after it and does. If a power cut takes the
    // number back, nothing bears it, and meanwhile no other new case waits for this row.
    if let Some(hasty) =
        conn.either(None, Some("select set_config('synchronous_commit', 'off', true)"))
    {
        sql(hasty).fetch_value::<String>(conn).await?;
    }
    let number: i64 = sql("insert into case_counter (workspace_id, last_number) values ($1, 1)
         on conflict (workspace_id) do update set last_number = case_counter.last_number + 1
         returning last_number")
    .bind(workspace.as_str())
    .fetch_value(conn)
    .await?;
    Row::new("case_counter", workspace.as_str()).number("last_number", number).map(CaseNumber)
}

/// Records an event; `false` when it was recorded before.
pub(super) async fn see_event(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    key: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sql("insert into seen_event (workspace_id, event_key, seen_at) values ($1, $2, $3)
         on conflict do nothing")
    .bind(workspace.as_str())
    .bind(key)
    .bind(now.as_millisecond())
    .execute(conn)
    .await?;
    Ok(done == 1)
}

/// Whether no event of this key was recorded. Who would record one waits until our change stands: the key is ours until then.
pub(super) async fn not_yet(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    key: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    if !see_event(conn, workspace, key, now).await? {
        return Ok(false);
    }
    sql("delete from seen_event where workspace_id = $1 and event_key = $2")
        .bind(workspace.as_str())
        .bind(key)
        .execute(conn)
        .await?;
    Ok(true)
}

/// Whether an event was recorded.
pub(super) async fn saw(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    key: &str,
) -> Result<bool, StoreError> {
    let found: Option<(i64,)> =
        sql("select seen_at from seen_event where workspace_id = $1 and event_key = $2")
            .bind(workspace.as_str())
            .bind(key)
            .fetch_optional(conn)
            .await?;
    Ok(found.is_some())
}

/// Records that the digest of a week was asked for; `false` when it was before.
pub(super) async fn ask_digest(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    week: Week,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = sql("insert into digest (workspace_id, week, asked_at) values ($1, $2, $3)
         on conflict do nothing")
    .bind(workspace.as_str())
    .bind(week.to_string())
    .bind(now.as_millisecond())
    .execute(conn)
    .await?;
    Ok(done == 1)
}
