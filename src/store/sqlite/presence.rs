//! Who else has the file open: the only process takes over what dead ones had claimed, at once and not when their leases
//! run out.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::place::lock;
use super::{PATIENCE, SqliteFile, private};
use crate::store::job;

/// How long to wait before asking again for a place.
const AGAIN: Duration = Duration::from_millis(5);

/// Takes a place beside the database, held as long as the file that is returned: the system gives it up when the
/// process ends, however it ends. Where the file system knows no locks, leases run out on their own, as ever.
pub(super) async fn enter(database: &Path, file: &SqliteFile) -> anyhow::Result<Option<File>> {
    let place = open_place(database)?;
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
    bail!("it is being moved: wait until `secondlook move` is done")
}

/// Opens the file in which places are taken, made if need be. Who can't open it has no claim, so nobody goes on without it.
pub(in crate::store) fn open_place(database: &Path) -> anyhow::Result<File> {
    let path = lock(database);
    // Only what we make is given away: a link of that name could lead to anybody's file.
    let opened = match private::options().create_new(true).write(true).open(&path) {
        Ok(made) => {
            give_to_owner_of(database, &made);
            Ok(made)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            File::options().write(true).open(&path)
        }
        Err(error) => Err(error),
    };
    opened.with_context(|| barred(&path))
}

/// Whether a living process has a place beside the database.
pub(in crate::store) fn somebody_is_there(database: &Path) -> anyhow::Result<bool> {
    let path = lock(database);
    match File::options().write(true).open(&path) {
        Ok(place) => Ok(matches!(place.try_lock(), Err(TryLockError::WouldBlock))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| barred(&path)),
    }
}

fn barred(place: &Path) -> String {
    format!(
        "{} can't be opened, so it is not known who else uses the database: give that file to the user the bot runs as (chown), or stop every bot and delete it",
        place.display()
    )
}

/// A command that root ran must not make what the bot's own user can't open then.
#[cfg(unix)]
fn give_to_owner_of(database: &Path, place: &File) {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let (Ok(of), Ok(is)) = (fs::metadata(database), place.metadata()) else { return };
    if of.uid() != is.uid() {
        // Only root may. For everybody else it was somebody's choice.
        drop(fchown(place, Some(of.uid()), Some(of.gid())));
    }
}

/// Here the folder's rights count.
#[cfg(not(unix))]
fn give_to_owner_of(_: &Path, _: &File) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::alone::{Alone, Purpose};

    #[tokio::test]
    async fn without_its_place_nobody_uses_a_store() {
        let dir = tempfile::tempdir().unwrap();
        let (database, lock) = (dir.path().join("store.db"), dir.path().join("store.db-lock"));
        let url = format!("sqlite://{}", database.display());
        // Whoever may open every file, as root may, may open no directory as one.
        fs::create_dir(&lock).unwrap();
        let told = |error: anyhow::Error| {
            let why = format!("{error:#}");
            assert!(
                why.contains("store.db-lock can't be opened") && why.contains("chown"),
                "{why}"
            );
        };
        told(SqliteFile::open(&url, Purpose::Work).await.unwrap_err());
        told(Alone::with(&url).await.map(|_| ()).unwrap_err());
        told(somebody_is_there(&database).unwrap_err());
        fs::remove_dir(&lock).unwrap();
        assert!(!somebody_is_there(&database).unwrap());
        let bot = SqliteFile::open(&url, Purpose::Work).await.unwrap();
        assert!(somebody_is_there(&database).unwrap());
        drop(bot);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_place_belongs_to_whom_the_database_belongs() {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let dir = tempfile::tempdir().unwrap();
        let (database, lock) = (dir.path().join("store.db"), dir.path().join("store.db-lock"));
        let url = format!("sqlite://{}", database.display());
        SqliteFile::open(&url, Purpose::Work).await.unwrap().close().await;
        fs::remove_file(&lock).unwrap();
        // Only root may give a file away; whoever is not has made both.
        drop(chown(&database, Some(4711), Some(4711)));
        SqliteFile::open(&url, Purpose::Work).await.unwrap().close().await;
        let owner = |file| fs::metadata(file).unwrap().uid();
        assert_eq!(owner(&lock), owner(&database));
    }
}
