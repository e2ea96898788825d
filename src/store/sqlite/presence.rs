//! Who else has the file open: the only process takes over what dead ones had claimed, at once and not when their leases
//! run out.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::place::lock;
use super::{PATIENCE, SqliteFile, private};
use crate::app::ports::StoreError;
use crate::store::job;

/// How long to wait before asking again for a place.
const AGAIN: Duration = Duration::from_millis(5);

/// Takes a place beside the database, held as long as the file that is returned: the system gives it up when the
/// process ends, however it ends. Where the file system knows no locks, leases run out on their own, as ever.
pub(super) async fn enter(database: &Path, file: &SqliteFile) -> Result<Option<File>, StoreError> {
    let opened = private::options().create(true).truncate(false).write(true).open(lock(database));
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
        match place.try_lock_shared() {
            Ok(()) => return Ok(Some(place)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(AGAIN).await,
        }
    }
    let why = "it is being moved: wait until `secondlook move` is done";
    Err(StoreError::Unavailable(why.to_owned()))
}

/// Whether a living process has a place beside the database.
pub(in crate::store) fn somebody_is_there(database: &Path) -> bool {
    let held = |place: &File| matches!(place.try_lock(), Err(TryLockError::WouldBlock));
    File::open(lock(database)).is_ok_and(|place| held(&place))
}
