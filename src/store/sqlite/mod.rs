//! The store in one SQLite file: one connection writes, a few read.

mod case;
mod case_row;
mod channel;
mod commit;
mod job;
mod person;
mod presence;
mod words;
mod workspace;

use std::fs::File;
use std::path::Path;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection as Conn, Transaction};

use super::error::from_sqlx;
use crate::app::ports::{
    Backlog, CaseFilter, Change, Committed, Job, Parked, Store, StoreError, Workspace,
};
use crate::domain::digest::Period;
use crate::domain::investigation::{Case, CaseNumber};
use crate::domain::policy::ChannelState;
use crate::domain::{ChannelId, MessageTs, WorkspaceId};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long to wait for another process that writes, and for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait for readers before the log is emptied: everybody who writes waits too.
const HASTE: Duration = Duration::from_millis(25);
const READERS: u32 = 4;

/// Everything in one SQLite file, or in memory for tests.
#[derive(Debug)]
pub struct SqliteStore {
    writer: SqlitePool,
    readers: SqlitePool,
    /// Empties the write-ahead log, without the patience of the others; there is none in memory.
    sweeper: Option<SqlitePool>,
    /// Whether what was erased may still stand in the write-ahead log.
    log_is_dirty: AtomicBool,
    /// Shows other processes that this one lives.
    presence: Option<File>,
}

impl SqliteStore {
    /// Opens the file at this URL (`sqlite://path`, `sqlite::memory:`), creates it if need be, and migrates it.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let options = options(url)?;
        let writer = options.clone().create_if_missing(true).journal_mode(SqliteJournalMode::Wal);
        let mut store = Self::connect(url, options.clone(), writer).await?;
        migrate(&store.writer)
            .await
            .with_context(|| format!("could not bring the database {url} up to date"))?;
        if store.sweeper.is_some() {
            store.presence = presence::enter(options.get_filename(), &store.writer)
                .await
                .with_context(|| format!("could not take over the work of the database {url}"))?;
        }
        store.empty_log().await;
        Ok(store)
    }

    /// Opens the file at this URL as it is, to look at it beside a running bot: nothing is made, migrated or taken over.
    /// `None` when there is none yet.
    pub async fn inspect(url: &str) -> anyhow::Result<Option<Self>> {
        let options = options(url)?;
        if !url.contains(":memory:") && !options.get_filename().exists() {
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
            .connect_with(writer)
            .await
            .with_context(|| format!("could not open the database {url}"))?;
        Ok(if url.contains(":memory:") {
            Self {
                readers: writer.clone(),
                sweeper: None,
                writer,
                log_is_dirty: false.into(),
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
                presence: None,
            }
        })
    }

    /// Closes the file; what is in the write-ahead log goes into it.
    pub async fn close(&self) {
        self.readers.close().await;
        if let Some(sweeper) = &self.sweeper {
            sweeper.close().await;
        }
        self.writer.close().await;
    }

    /// A transaction that holds the write lock from its beginning: one that reads first and then writes could be
    /// refused as busy at once, however long it may wait.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("begin immediate").await.map_err(from_sqlx)
    }

    /// A transaction that sees one moment, whatever is written meanwhile.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.readers.begin().await.map_err(from_sqlx)
    }

    /// Moves the write-ahead log into the file and cuts it to nothing: what was erased stands in its older pages.
    /// Somebody who reads or writes just now can prevent it; then the next change tries again.
    async fn empty_log(&self) {
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
        } else {
            tracing::warn!("what was erased still stands in the database's log: it is in use");
        }
    }
}

/// Under the write lock, so that of several processes that start at once one migrates and the others find it done.
async fn migrate(writer: &SqlitePool) -> anyhow::Result<()> {
    let mut tx = writer.begin_with("begin immediate").await?;
    // `run` itself doesn't accept a transaction inside a future that must be `Send`.
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

fn options(url: &str) -> anyhow::Result<SqliteConnectOptions> {
    let options = SqliteConnectOptions::from_str(url)
        .with_context(|| format!("{url} is no SQLite URL: write sqlite://<path of a file>"))?
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .synchronous(SqliteSynchronous::Full)
        // Erased words are overwritten, in the file and in what SQLite would put in a temporary one.
        .pragma("secure_delete", "on")
        .pragma("temp_store", "memory");
    let directory = options.get_filename().parent().filter(|dir| *dir != Path::new(""));
    if let Some(directory) = directory.filter(|dir| !dir.is_dir()) {
        bail!(
            "the directory {} of the database does not exist: create it, or change DATABASE_URL",
            directory.display()
        );
    }
    Ok(options)
}

#[async_trait]
impl Store for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        let mut tx = self.read().await?;
        let applied: Option<i64> =
            sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
                .fetch_one(&mut *tx)
                .await
                .map_err(from_sqlx)?;
        let needed = MIGRATIONS.iter().map(|migration| migration.version).max();
        if applied == needed {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "its schema is at {}, this program needs {}",
            applied.unwrap_or(0),
            needed.unwrap_or(0)
        )))
    }

    async fn save_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        workspace::save(&mut tx, workspace).await?;
        tx.commit().await.map_err(from_sqlx)
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        workspace::all(&mut *self.read().await?).await
    }

    async fn new_case_number(&self, workspace: &WorkspaceId) -> Result<CaseNumber, StoreError> {
        let mut tx = self.write().await?;
        let number = workspace::new_case_number(&mut tx, workspace).await?;
        tx.commit().await.map_err(from_sqlx)?;
        Ok(number)
    }

    async fn case(
        &self,
        workspace: &WorkspaceId,
        number: CaseNumber,
    ) -> Result<Option<Case>, StoreError> {
        case::load(&mut *self.read().await?, workspace, number).await
    }

    async fn case_in_thread(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        root: &MessageTs,
    ) -> Result<Option<Case>, StoreError> {
        case::load_in_thread(&mut *self.read().await?, workspace, channel, root).await
    }

    async fn case_with_evidence(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        message: &MessageTs,
    ) -> Result<Option<Case>, StoreError> {
        case::load_with_evidence(&mut *self.read().await?, workspace, channel, message).await
    }

    async fn investigations(
        &self,
        workspace: &WorkspaceId,
        filter: &CaseFilter,
    ) -> Result<Vec<Case>, StoreError> {
        case::load_listed(&mut *self.read().await?, workspace, filter).await
    }

    async fn cases_of(
        &self,
        workspace: &WorkspaceId,
        period: &Period,
    ) -> Result<Vec<Case>, StoreError> {
        case::load_of(&mut *self.read().await?, workspace, period).await
    }

    async fn channel(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        now: Timestamp,
    ) -> Result<ChannelState, StoreError> {
        channel::load(&mut *self.read().await?, workspace, channel, now).await
    }

    async fn commit(&self, change: &Change, now: Timestamp) -> Result<Committed, StoreError> {
        let mut tx = self.write().await?;
        let Some(done) = commit::apply(&mut tx, change, now).await? else {
            return Ok(Committed::Duplicate);
        };
        // Before the commit: if we are dropped right after it, the next change still knows.
        if done.erased {
            self.log_is_dirty.store(true, Ordering::Relaxed);
        }
        tx.commit().await.map_err(from_sqlx)?;
        self.empty_log().await;
        Ok(Committed::Applied)
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>, StoreError> {
        let mut tx = self.write().await?;
        let jobs = job::claim(&mut tx, now, lease_until, limit).await?;
        tx.commit().await.map_err(from_sqlx)?;
        Ok(jobs)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        job::next_due(&mut *self.read().await?).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        job::backlog(&mut *self.read().await?, now).await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, StoreError> {
        job::parked(&mut *self.read().await?, limit).await
    }

    async fn forget_events(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let forgotten = workspace::forget_events(&mut tx, before).await?;
        tx.commit().await.map_err(from_sqlx)?;
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_connection_is_set_up_for_safety() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/store.db", dir.path().display());
        let store = SqliteStore::open(&url).await.unwrap();
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
    async fn a_closed_store_says_so() {
        let store = SqliteStore::open("sqlite::memory:").await.unwrap();
        store.close().await;
        let error = store.next_due().await.unwrap_err();
        assert_eq!(error.to_string(), "the store is unavailable: it is closed");
    }
}
