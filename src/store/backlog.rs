//! The work that waits and the work that was given up, as people see it: counted, shown, tried again or dropped.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::job::known_kinds;
use super::query::{Conn, sql};
use crate::app::ports::{Backlog, Parked, StoreError};
use crate::domain::WorkspaceId;
use crate::store::error::Row;

pub(super) async fn parked(conn: &mut Conn, limit: u32) -> Result<Vec<Parked>, StoreError> {
    let rows: Vec<(String, String, String)> =
        sql("select workspace_id, job_key, parked_because from job
         where parked_because is not null and cancelled = 0
         order by job_id desc
         limit $1")
        .bind(limit)
        .fetch_all(conn)
        .await?;
    let parked = |(workspace, work, because)| {
        let workspace = WorkspaceId(workspace);
        Parked { workspace, work, because }
    };
    Ok(rows.into_iter().map(parked).collect())
}

/// Kinds of work that waits and that this program does not know, and how much of each.
pub(super) async fn unknown(conn: &mut Conn) -> Result<Vec<(String, u64)>, StoreError> {
    let text = format!(
        "select kind, count(*) from job
         where parked_because is null and cancelled = 0 and kind not in ({})
         group by kind order by kind",
        known_kinds()
    );
    let rows: Vec<(String, i64)> = sql(AssertSqlSafe(text)).fetch_all(conn).await?;
    let at = Row::new("job", "all");
    rows.into_iter().map(|(kind, count)| Ok((kind, at.number("count", count)?))).collect()
}

/// It begins anew; what may have had its effect is still looked up before it is repeated.
pub(super) async fn retry_parked(conn: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    sql("update job set parked_because = null, run_at = $1, attempts = 0
         where parked_because is not null and cancelled = 0 and kind <> 'file'")
    .bind(now.as_millisecond())
    .execute(conn)
    .await
}

pub(super) async fn forget_parked(conn: &mut Conn) -> Result<u64, StoreError> {
    sql("delete from job where parked_because is not null").execute(conn).await
}

pub(super) async fn count(conn: &mut Conn, now: Timestamp) -> Result<Backlog, StoreError> {
    let (waiting, parked): (i64, i64) =
        sql("select count(*) - count(parked_because), count(parked_because) from job
         where cancelled = 0")
        .fetch_one(&mut *conn)
        .await?;
    // In flight or waiting for another attempt, it is due all the same: a retry makes nothing younger.
    let text = format!(
        "select count(*), min(coalesce(waits_since, run_at)) from job
         where parked_because is null and cancelled = 0 and coalesce(waits_since, run_at) <= $1
             and workspace_id not in
             (select workspace_id from workspace where uninstalled_at is not null)
             and kind in ({})",
        known_kinds()
    );
    let (due, oldest): (i64, Option<i64>) =
        sql(AssertSqlSafe(text)).bind(now.as_millisecond()).fetch_one(conn).await?;
    let at = Row::new("job", "all");
    Ok(Backlog {
        due: at.number("due", due)?,
        waiting: at.number("waiting", waiting)?,
        parked: at.number("parked", parked)?,
        oldest_due: oldest.map(|ms| at.time("run_at", ms)).transpose()?,
    })
}
