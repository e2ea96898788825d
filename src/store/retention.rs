//! Deletes what was kept long enough, a batch in a transaction. What is due stands in the rows themselves.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::query::{Conn, Value, sql};
use super::{Database, person};
use crate::app::ports::StoreError;
use crate::app::retention::{Erasure, Perishable, Retention};
use crate::domain::investigation::CaseNumber;
use crate::domain::{UserId, WorkspaceId};
use crate::store::error::Row;

/// How many rows of a workspace go at once when somebody waits for its end.
const ROWS: u32 = 500;

/// A table, and the columns of its key. SQLite knows the rows of some tables by nothing else.
type Table = (&'static str, &'static str);

const SEEN_EVENT: Table = ("seen_event", "workspace_id, event_key");
const DIGEST: Table = ("digest", "workspace_id, week");
const JOB: Table = ("job", "workspace_id, job_key");

/// What to do about rows that somebody else has locked on a server.
#[derive(Clone, Copy)]
enum Busy {
    Wait,
    PassOver,
}

/// Every table about a workspace, what references others first; the workspace itself goes last of all.
const ABOUT_A_WORKSPACE: [Table; 13] = [
    ("words", "workspace_id, case_number, field"),
    ("evidence", "workspace_id, case_number, position"),
    ("outcome", "workspace_id, case_number"),
    ("history", "workspace_id, case_number, revision"),
    JOB,
    ("topic_silence", "workspace_id, channel_id, topic"),
    ("channel", "workspace_id, channel_id"),
    ("investigation", "workspace_id, case_number"),
    ("person", "workspace_id, person_id"),
    ("case_counter", "workspace_id"),
    DIGEST,
    SEEN_EVENT,
    ("installation", "workspace_id"),
];

/// Deletes at most `limit` rows for which `which` holds of `$1`; `busy` says what of rows that somebody has locked.
async fn delete(
    conn: &mut Conn,
    (table, key): Table,
    which: &str,
    value: impl Into<Value>,
    limit: u64,
    busy: Busy,
) -> Result<u64, StoreError> {
    let lock = match busy {
        Busy::Wait => "for update",
        Busy::PassOver => "for update skip locked",
    };
    let text = conn.either(
        format!(
            "delete from {table} where ({key}) in
                 (select {key} from {table} where {which} limit $2)"
        ),
        // By where they lie: by their keys the server may go through the whole table.
        format!(
            "delete from {table} where ctid = any(array(
                 select ctid from {table} where {which} limit $2 {lock}))"
        ),
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sql(AssertSqlSafe(text)).bind(value).bind(limit).execute(conn).await
}

/// Deletes some rows about a workspace whose row we hold. It goes itself when nothing else was left.
async fn erase_some(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    limit: u32,
) -> Result<Erasure, StoreError> {
    sql("update workspace set erasing = 1 where workspace_id = $1 and erasing = 0")
        .bind(workspace.as_str())
        .execute(&mut *conn)
        .await?;
    let mut rows = 0;
    for table in ABOUT_A_WORKSPACE {
        let room = u64::from(limit) - rows;
        if room > 0 {
            // Whatever is passed over here would outlive the workspace.
            // In the order of an index: without one, each batch would go over what those before it left to be swept.
            let which = format!("workspace_id = $1 order by {}", table.1);
            let whose = workspace.as_str();
            rows += delete(conn, table, &which, whose, room, Busy::Wait).await?;
        }
    }
    let whole = rows == 0;
    if whole {
        rows = sql("delete from workspace where workspace_id = $1")
            .bind(workspace.as_str())
            .execute(conn)
            .await?;
    }
    Ok(Erasure { workspace: workspace.clone(), rows, whole })
}

async fn erase_removed(
    conn: &mut Conn,
    until: Timestamp,
    limit: u32,
) -> Result<Option<Erasure>, StoreError> {
    // Locked first, so that a workspace which is installed again just now is either begun with before, or kept.
    let text = format!(
        "select workspace_id from workspace where uninstalled_at <= $1
         order by uninstalled_at, workspace_id limit 1 {}",
        conn.for_update_skip_locked()
    );
    let due: Option<(String,)> =
        sql(AssertSqlSafe(text)).bind(until.as_millisecond()).fetch_optional(&mut *conn).await?;
    let Some((workspace,)) = due else { return Ok(None) };
    erase_some(conn, &WorkspaceId(workspace), limit).await.map(Some)
}

/// Deletes cases that nobody opened, with everything of them.
async fn erase_prompts(conn: &mut Conn, until: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let text = format!(
        "select workspace_id, case_number from investigation
         where state in ('waiting', 'prompted', 'silent') and began_at <= $1
         order by began_at limit $2 {}",
        conn.for_update_skip_locked()
    );
    let due: Vec<(String, i64)> = sql(AssertSqlSafe(text))
        .bind(until.as_millisecond())
        .bind(limit)
        .fetch_all(&mut *conn)
        .await?;
    for (workspace, number) in &due {
        let people = people_of(conn, workspace, *number).await?;
        // Its words and evidence go with it.
        for text in [
            "delete from history where workspace_id = $1 and case_number = $2",
            "delete from investigation where workspace_id = $1 and case_number = $2",
        ] {
            sql(text).bind(workspace).bind(*number).execute(&mut *conn).await?;
        }
        let workspace = WorkspaceId(workspace.clone());
        for (user,) in people {
            person::forget_unless_referenced(conn, &workspace, &UserId(user)).await?;
        }
    }
    Ok(due.len() as u64)
}

/// Whom a case references. Most prompts have lost their words and people long before.
async fn people_of(
    conn: &mut Conn,
    workspace: &str,
    number: i64,
) -> Result<Vec<(String,)>, StoreError> {
    sql("select user_id from person where workspace_id = $1 and user_id is not null and person_id in
             (select author_id from investigation where workspace_id = $1 and case_number = $2
              union select opener_id from investigation where workspace_id = $1 and case_number = $2
              union select poster_id from evidence where workspace_id = $1 and case_number = $2)")
    .bind(workspace)
    .bind(number)
    .fetch_all(conn)
    .await
}

async fn remembered(
    conn: &mut Conn,
    until: Timestamp,
    limit: u32,
) -> Result<Vec<(WorkspaceId, CaseNumber)>, StoreError> {
    let due: Vec<(String, i64)> = sql("select workspace_id, case_number from outcome
         where forgotten_at is null and recorded_at <= $1
         order by recorded_at limit $2")
    .bind(until.as_millisecond())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    due.into_iter()
        .map(|(workspace, number)| {
            let row = Row::new("outcome", workspace.as_str());
            Ok((WorkspaceId(workspace), CaseNumber(row.number("case_number", number)?)))
        })
        .collect()
}

impl Database {
    /// A transaction that may write about a workspace. If its deletion has begun, that comes to its end first: half of
    /// what was there must not come back to life.
    pub(super) async fn write_about(&self, workspace: &WorkspaceId) -> Result<Conn, StoreError> {
        loop {
            let mut tx = self.write().await?;
            let text = format!(
                "select erasing from workspace where workspace_id = $1 {}",
                tx.for_update()
            );
            let erasing: Option<(i64,)> =
                sql(AssertSqlSafe(text)).bind(workspace.as_str()).fetch_optional(&mut tx).await?;
            if erasing != Some((1,)) {
                return Ok(tx);
            }
            erase_some(&mut tx, workspace, ROWS).await?;
            self.commit_erasure(tx).await?;
        }
    }
}

#[async_trait]
impl Retention for Database {
    async fn erase(
        &self,
        what: Perishable,
        until: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let (table, which) = match what {
            Perishable::Event => (SEEN_EVENT, "seen_at <= $1 order by seen_at"),
            Perishable::ParkedWork => {
                (JOB, "parked_because is not null and parked_at <= $1 order by parked_at")
            }
            Perishable::Digest => (DIGEST, "asked_at <= $1 order by asked_at"),
            Perishable::Prompt => {
                let count = erase_prompts(&mut tx, until, limit).await?;
                self.end(tx, count > 0).await?;
                return Ok(count);
            }
        };
        let until = until.as_millisecond();
        let count = delete(&mut tx, table, which, until, limit.into(), Busy::PassOver).await?;
        tx.commit().await?;
        Ok(count)
    }

    async fn erase_removed(
        &self,
        until: Timestamp,
        limit: u32,
    ) -> Result<Option<Erasure>, StoreError> {
        let mut tx = self.write().await?;
        let erasure = erase_removed(&mut tx, until, limit).await?;
        self.end(tx, erasure.is_some()).await?;
        Ok(erasure)
    }

    async fn remembered(
        &self,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(WorkspaceId, CaseNumber)>, StoreError> {
        remembered(&mut self.read().await?, until, limit).await
    }
}
