//! Who else has the file open: the only process takes over what dead ones had claimed, at once and not when their leases
//! run out.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use super::{PATIENCE, SqliteFile};
use crate::app::ports::StoreError;
use crate::store::job;

/// How long to wait before asking again for a place.
const AGAIN: Duration = Duration::from_millis(5);

/// Takes a place beside the database, held as long as the file that is returned: the system gives it up when the
/// process ends, however it ends. Where the file system knows no locks, leases run out on their own, as ever.
pub(super) async fn enter(database: &Path, file: &SqliteFile) -> Result<Option<File>, StoreError> {
    let opened = File::options().create(true).truncate(false).write(true).open(beside(database));
    let Ok(place) = opened else { return Ok(None) };
    if place.try_lock().is_ok() {
        let mut tx = file.write().await?;
        let jobs = job::release_all(&mut tx).await?;
        tx.commit().await?;
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

/// Whether a living process has a place beside the database.
pub(super) fn somebody_is_there(database: &Path) -> bool {
    File::open(beside(database)).is_ok_and(|place| place.try_lock().is_err())
}

fn beside(database: &Path) -> OsString {
    let mut name = OsString::from(database);
    name.push("-lock");
    name
}
