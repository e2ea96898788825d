//! Who uses a store on a server: bots together, a move alone.

use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgConnection;

use super::PATIENCE;
use super::place::{options, reach};

/// How long to wait before asking again who is there.
const AGAIN: Duration = Duration::from_millis(250);
/// The claim on a store is an advisory lock of its database and schema: whatever a connection calls itself, it is seen.
const CLAIM: i32 = 0x5ec0_4d10;
/// How bots claim it, any number of them.
pub(super) const TOGETHER: &str =
    "select pg_try_advisory_lock_shared($1, hashtext(current_schema()::text))";
/// How a move claims it.
pub(in crate::store) const ALONE: &str =
    "select pg_try_advisory_lock($1, hashtext(current_schema()::text))";

/// Claims the store for as long as the connection lives; `false` while others have it.
pub(in crate::store) async fn claims(
    conn: &mut PgConnection,
    how: &'static str,
) -> anyhow::Result<bool> {
    // The server needs a moment to see that a process has ended.
    for _ in 0..PATIENCE.as_millis() / AGAIN.as_millis() {
        if claims_at_once(conn, how).await.context("could not claim the store")? {
            return Ok(true);
        }
        tokio::time::sleep(AGAIN).await;
    }
    Ok(false)
}

/// The same, asked for only once.
pub(super) async fn claims_at_once(
    conn: &mut PgConnection,
    how: &'static str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(how).bind(CLAIM).fetch_one(conn).await
}

/// A connection to the database at this URL, to claim it with.
pub(in crate::store) async fn to_claim(url: &str) -> anyhow::Result<PgConnection> {
    reach(&options(url)?.application_name("secondlook move")).await
}

/// Whether the store is claimed for a move by that connection of its server.
pub(in crate::store) async fn is_held_by(
    conn: &mut PgConnection,
    pid: i32,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select exists (select 1 from pg_locks
         where locktype = 'advisory' and mode = 'ExclusiveLock' and granted and pid = $2
             and classid::bigint = $1
             and objid::bigint = hashtext(current_schema()::text)::bigint & 4294967295
             and database = (select oid from pg_database where datname = current_database()))",
    )
    .bind(CLAIM)
    .bind(pid)
    .fetch_one(conn)
    .await
}
