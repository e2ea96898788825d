//! Who uses a store: bots together, a move alone. The claim is on the store itself and not on the text of its URL, and it
//! goes with the process, however that ends.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sqlx::PgConnection;

use super::postgres::claim;
use super::sqlite::open_place;
use super::sqlite::place::{file_of, lock};
use super::{Scheme, scheme};

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A bot works on it, beside others.
    Work,
    /// Somebody looks on; that needs no claim.
    Look,
    /// It is moved, by whoever is [`Alone`] with it.
    Move,
}

/// As long as this lives, no bot can open the store.
pub(super) enum Alone {
    /// The file, and the claim beside it; none where the file system knows no locks.
    File { database: PathBuf, _claim: Option<File> },
    /// The connection that holds the claim, and its number on that server.
    Server { _claim: PgConnection, pid: i32 },
}

impl Alone {
    /// Claims the store at this URL; `None` while a bot uses it.
    pub(super) async fn with(url: &str) -> anyhow::Result<Option<Self>> {
        match scheme(url)? {
            Scheme::Sqlite => file(file_of(url)?),
            Scheme::Postgres => {
                let mut conn = claim::to_claim(url).await?;
                if !claim::claims(&mut conn, claim::ALONE).await? {
                    return Ok(None);
                }
                let pid = sqlx::query_scalar("select pg_backend_pid()")
                    .fetch_one(&mut conn)
                    .await
                    .context("could not ask the server who we are")?;
                Ok(Some(Self::Server { _claim: conn, pid }))
            }
        }
    }

    /// Whether the store at this URL is this one, whatever the URLs look like.
    pub(super) async fn is(&self, url: &str) -> anyhow::Result<bool> {
        match (self, scheme(url)?) {
            (Self::File { database, .. }, Scheme::Sqlite) => {
                let other = file_of(url)?;
                Ok(lock(database) == lock(&other) || one_file(database, &other))
            }
            (Self::Server { pid, .. }, Scheme::Postgres) => {
                let mut conn = claim::to_claim(url).await?;
                let held = claim::is_held_by(&mut conn, *pid).await;
                held.context("could not ask the server who uses the store")
            }
            _ => Ok(false),
        }
    }
}

fn file(database: PathBuf) -> anyhow::Result<Option<Alone>> {
    let claim = open_place(&database)?;
    Ok(match claim.try_lock() {
        Ok(()) => Some(Alone::File { database, _claim: Some(claim) }),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(_)) => Some(Alone::File { database, _claim: None }),
    })
}

/// Whether two names are of one file (a hard link).
fn one_file(one: &Path, other: &Path) -> bool {
    #[cfg(unix)]
    if let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) {
        use std::os::unix::fs::MetadataExt as _;
        return (one.dev(), one.ino()) == (other.dev(), other.ino());
    }
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}
