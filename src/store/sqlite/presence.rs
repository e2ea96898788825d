//! Who else has the file open: the only process takes over what dead ones had claimed, at once and not when their leases
//! run out.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqlitePool;

use super::{PATIENCE, job};
use crate::app::ports::StoreError;
use crate::store::error::from_sqlx;

/// How long to wait before asking again for a place.
const AGAIN: Duration = Duration::from_millis(5);

/// Takes a place beside the database, held as long as the file that is returned: the system gives it up when the
/// process ends, however it ends. Where the file system knows no locks, leases run out on their own, as ever.
pub(super) async fn enter(
    database: &Path,
    writer: &SqlitePool,
) -> Result<Option<File>, StoreError> {
    let mut name = OsString::from(database);
    name.push("-lock");
    let opened = File::options().create(true).truncate(false).write(true).open(&name);
    let Ok(place) = opened else { return Ok(None) };
    if place.try_lock().is_ok() {
        let mut conn = writer.acquire().await.map_err(from_sqlx)?;
        let jobs = job::release_all(&mut conn).await?;
        if jobs > 0 {
            tracing::info!(work.count = jobs, "took over the work of a process that ended");
        }
        if place.unlock().is_err() {
            return Ok(None);
        }
    }
    // Never waits in the system: whoever holds the place alone may be a task of this very thread.
    for _ in 0..PATIENCE.as_millis() / AGAIN.as_millis() {
        if place.try_lock_shared().is_ok() {
            return Ok(Some(place));
        }
        tokio::time::sleep(AGAIN).await;
    }
    Ok(None)
}
