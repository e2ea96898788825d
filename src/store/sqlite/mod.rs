//! The store in one SQLite file: one connection writes, a few read.

pub(super) mod place;
mod presence;
pub(super) mod private;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::Connection as _;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
};

use self::place::{is_in_memory, options, shown};
pub(super) use self::presence::{open_place, somebody_is_there};
use super::alone::Purpose;
use super::error::from_sqlx;
use super::query::Conn;
use crate::app::ports::StoreError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long to wait for another process that writes, and for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for readers before the log is emptied: everybody who writes waits too.
const HASTE: Duration = Duration::from_millis(25);
const READERS: u32 = 4;
/// How long what was told about the log stays told.
const TOLD_FOR: Duration = Duration::from_hours(1);

/// Everything in one SQLite file, or in memory for tests.
#[derive(Debug)]
pub(super) struct SqliteFile {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Empties the write-ahead log, without the patience of the others; there is none in memory.
    sweeper: Option<SqlitePool>,
    /// Whether what was erased may still stand in the write-ahead log.
    log_is_dirty: AtomicBool,
    /// When it was last told that the log can't be emptied.
    told: Mutex<Option<Instant>>,
    /// Shows other processes that this one lives.
    presence: Option<File>,
}

impl SqliteFile {
    /// Opens the file at this URL (`sqlite://path`, `sqlite::memory:`), creates it if need be, and migrates it.
    pub(super) async fn open(url: &str, purpose: Purpose) -> anyhow::Result<Self> {
        let options = options(url)?;
        if !is_in_memory(url) {
            keep_private(options.get_filename());
        }
        let writer = options.clone().create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        let mut store = Self::connect(url, options.clone(), writer).await?;
        if store.sweeper.is_some() {
            // Should the file be gone when a connection is renewed, an empty one in its place would hide that.
            store.writer.set_connect_options(options.clone());
        }
        migrate(&store.writer)
            .await
            .with_context(|| format!("could not bring the database {} up to date", shown(url)))?;
        if store.sweeper.is_some() && purpose == Purpose::Work {
            store.presence =
                presence::enter(options.get_filename(), &store).await.with_context(|| {
                    format!("could not take over the work of the database {}", shown(url))
                })?;
        }
        store.empty_log().await;
        Ok(store)
    }

    /// Opens the file at this URL as it is, to look at it beside a running bot: nothing is made, migrated or taken over.
    /// `None` when there is none yet.
    pub(super) async fn inspect(url: &str) -> anyhow::Result<Option<Self>> {
        let options = options(url)?;
        if !is_in_memory(url) && !options.get_filename().exists() {
            return Ok(None);
        }
        Self::connect(url, options.clone(), options).await.map(Some)
    }

    async fn connect(
        url: &str,
        options: SqliteConnectOptions,
        writer: SqliteConnectOptions,
    ) -> anyhow::Result<Self> {
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            // A database in memory lives as long as its connection.
            .idle_timeout(None)
            .max_lifetime(None)
            .after_release(|conn, _| Box::pin(is_sound(conn)))
            .connect_with(writer)
            .await
            .with_context(|| format!("could not open the database {}", shown(url)))?;
        Ok(if is_in_memory(url) {
            Self {
                readers: writer.clone(),
                sweeper: None,
                writer,
                log_is_dirty: false.into(),
                told: Mutex::default(),
                presence: None,
            }
        } else {
            let pool =
                |size| SqlitePoolOptions::new().max_connections(size).acquire_timeout(PATIENCE);
            let hasty = options.clone().busy_timeout(HASTE);
            Self {
                readers: pool(READERS).connect_lazy_with(options.pragma("query_only", "on")),
                sweeper: Some(pool(1).connect_lazy_with(hasty)),
                writer,
                log_is_dirty: true.into(),
                told: Mutex::default(),
                presence: None,
            }
        })
    }

    /// Closes the file; what is in the write-ahead log goes into it.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        if let Some(sweeper) = &self.sweeper {
            sweeper.close().await;
        }
        self.writer.close().await;
    }

    /// A transaction that holds the write lock from its beginning: one that reads first and then writes could be
    /// refused as busy at once, however long it may wait.
    pub(super) async fn write(&self) -> Result<Conn, StoreError> {
        self.writer.begin_with("begin immediate").await.map(Conn::Sqlite).map_err(from_sqlx)
    }

    /// A transaction that sees one moment, whatever is written meanwhile.
    pub(super) async fn read(&self) -> Result<Conn, StoreError> {
        self.readers.begin().await.map(Conn::Sqlite).map_err(from_sqlx)
    }

    /// Notes that what a change erases may stand in the write-ahead log.
    pub(super) fn soil_log(&self) {
        self.log_is_dirty.store(true, Ordering::Relaxed);
    }

    /// Moves the write-ahead log into the file and cuts it to nothing: what was erased stands in its older pages.
    /// Somebody who reads or writes just now can prevent it; then the next change tries again.
    pub(super) async fn empty_log(&self) {
        let Some(sweeper) = &self.sweeper else { return };
        if !self.log_is_dirty.load(Ordering::Relaxed) {
            return;
        }
        // Held to the end, so that no change of ours comes between the log and the flag.
        let Ok(_writer) = self.writer.acquire().await else { return };
        let busy =
            sqlx::query_scalar::<_, i64>("pragma wal_checkpoint(truncate)").fetch_one(sweeper);
        if matches!(busy.await, Ok(0)) {
            self.log_is_dirty.store(false, Ordering::Relaxed);
        } else if self.is_news() {
            tracing::warn!(
                "what was erased still stands in the database's log: somebody reads it (Litestream does so for ever; see docs/OPERATIONS.md)"
            );
        }
    }

    /// Whether it is time to tell that the log can't be emptied: once an hour, not at every change.
    fn is_news(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = told.is_none_or(|at| at.elapsed() >= TOLD_FOR);
        if is_news {
            *told = Some(Instant::now());
        }
        is_news
    }
}

/// Whether a connection can begin another transaction. When the disk fails, SQLite itself ends a transaction; sqlx, whose
/// own rollback then fails, takes it to be open for ever. Such a connection is closed and another one opened.
async fn is_sound(conn: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // What was asked of it before, a rollback say, is done when it answers.
    conn.ping().await?;
    Ok(!conn.is_in_transaction())
}

/// Under the write lock, so that of several processes that start at once one migrates and the others find it done.
async fn migrate(writer: &SqlitePool) -> anyhow::Result<()> {
    let mut tx = writer.begin_with("begin immediate").await?;
    // `run` itself doesn't accept a transaction inside a future that must be `Send`.
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

/// For their owner alone: the file, made if need be, and what stands beside it.
fn keep_private(database: &Path) {
    private::create(database);
    private::tighten(&[database.to_owned(), place::lock(database)]);
    private::tighten(&place::logs(database));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_connection_is_set_up_for_safety() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/store.db", dir.path().display());
        let store = SqliteFile::open(&url, Purpose::Work).await.unwrap();
        for pool in [&store.writer, &store.readers] {
            for (pragma, expected) in [
                ("pragma foreign_keys", "1"),
                ("pragma journal_mode", "wal"),
                ("pragma synchronous", "2"),
                ("pragma secure_delete", "1"),
                ("pragma busy_timeout", "5000"),
            ] {
                let row = sqlx::query(pragma).fetch_one(pool).await.unwrap();
                let value = sqlx::Row::try_get_unchecked::<String, _>(&row, 0).unwrap();
                assert_eq!(value, expected, "{pragma}");
            }
        }
    }

    #[tokio::test]
    async fn a_log_in_use_is_told_once_an_hour_and_not_at_every_change() {
        let store = SqliteFile::open("sqlite::memory:", Purpose::Work).await.unwrap();
        assert!(store.is_news());
        assert!(!store.is_news());
    }

    #[tokio::test]
    async fn a_closed_store_says_so() {
        let store = SqliteFile::open("sqlite::memory:", Purpose::Work).await.unwrap();
        store.close().await;
        let error = store.read().await.map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "the store is unavailable: it is closed");
    }
}
