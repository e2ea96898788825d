//! Keeps everything in a database. Knows `app::ports` and the domain's types, and nothing of Slack, HTTP or configuration.
//!
//! One set of tables and one SQL text, which `query.rs` sends to a SQLite file or to a PostgreSQL server.
//!
//! To add something to keep: 1. a migration in both folders of `migrations/` (never change an applied one); 2. its row
//! and SQL in the file of its subject; 3. its place in `tests/store_contract.rs`. Words people wrote go to `words`, people
//! to `person`; how long it is kept, into the table of docs/OPERATIONS.md. `secondlook move` takes every table along by
//! itself.

mod alone;
mod backlog;
pub mod backup;
mod case;
mod case_row;
mod channel;
mod commit;
mod error;
mod installation;
mod job;
mod person;
mod postgres;
mod query;
mod retention;
mod sqlite;
mod transfer;
mod words;
mod workspace;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use jiff::Timestamp;

use self::alone::Purpose;
use self::postgres::PgServer;
use self::query::{Conn, sql};
use self::sqlite::SqliteFile;
pub use self::transfer::{Moved, transfer};
use crate::app::ports::{Backlog, Change, Committed, Job, Parked, Store, StoreError, Workspace};
use crate::domain::digest::Period;
use crate::domain::investigation::{Case, CaseNumber};
use crate::domain::policy::ChannelState;
use crate::domain::{ChannelId, MessageTs, WorkspaceId};

/// Opens the store at this URL, creates its tables if need be, and brings them up to date.
pub async fn open(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    Ok(Arc::new(Database::open(url).await?))
}

/// Opens the store at this URL as it is, to look at it; `None` when there is none yet.
pub async fn inspect(url: &str) -> anyhow::Result<Option<Arc<dyn Store>>> {
    let database = Database::inspect(url).await?;
    Ok(database.map(|database| -> Arc<dyn Store> { Arc::new(database) }))
}

/// Everything, in one database.
#[derive(Debug)]
pub struct Database(Engine);

#[derive(Debug)]
enum Engine {
    Sqlite(SqliteFile),
    Postgres(PgServer),
}

enum Scheme {
    Sqlite,
    Postgres,
}

impl Database {
    /// Opens the database at this URL and brings its tables up to date. A SQLite file is created if need be.
    pub async fn open(url: &str) -> anyhow::Result<Self> {
        let database = Self::open_unfinished(url, Purpose::Work).await?;
        database.finished().await
    }

    /// The same, even if a move into it was not finished.
    async fn open_unfinished(url: &str, purpose: Purpose) -> anyhow::Result<Self> {
        Ok(Self(match scheme(url)? {
            Scheme::Sqlite => Engine::Sqlite(SqliteFile::open(url, purpose).await?),
            Scheme::Postgres => Engine::Postgres(PgServer::open(url, purpose).await?),
        }))
    }

    async fn finished(self) -> anyhow::Result<Self> {
        let unfinished = transfer::is_unfinished(&mut self.read().await?).await?;
        if unfinished {
            self.close().await;
            bail!(
                "a move into this store was not finished: run `secondlook move` again, it goes on where it stopped"
            );
        }
        Ok(self)
    }

    /// Opens the database at this URL as it is, to look at it beside a running bot: nothing is made, migrated or taken
    /// over. `None` when it has no tables yet.
    pub async fn inspect(url: &str) -> anyhow::Result<Option<Self>> {
        Self::inspect_to(url, Purpose::Look).await
    }

    async fn inspect_to(url: &str, purpose: Purpose) -> anyhow::Result<Option<Self>> {
        let engine = match scheme(url)? {
            Scheme::Sqlite => SqliteFile::inspect(url).await?.map(Engine::Sqlite),
            Scheme::Postgres => PgServer::inspect(url, purpose).await?.map(Engine::Postgres),
        };
        match engine {
            Some(engine) => Self(engine).finished().await.map(Some),
            None => Ok(None),
        }
    }

    /// Closes its connections; what is in SQLite's write-ahead log goes into the file.
    pub async fn close(&self) {
        match &self.0 {
            Engine::Sqlite(file) => file.close().await,
            Engine::Postgres(server) => server.close().await,
        }
    }

    /// The number of the last migration that was applied.
    pub async fn schema(&self) -> Result<i64, StoreError> {
        let applied: Option<i64> = sql("select max(version) from _sqlx_migrations where success")
            .fetch_value(&mut self.read().await?)
            .await?;
        Ok(applied.unwrap_or(0))
    }

    /// A transaction that may change something; on SQLite the only one.
    async fn write(&self) -> Result<Conn, StoreError> {
        match &self.0 {
            Engine::Sqlite(file) => file.write().await,
            Engine::Postgres(server) => server.write().await,
        }
    }

    /// Commits a change after which something stands in the store no more.
    async fn commit_erasure(&self, tx: Conn) -> Result<(), StoreError> {
        self.end(tx, true).await
    }

    /// Commits a change, and sees that what was erased leaves the disk, now or with the next change.
    async fn end(&self, tx: Conn, erased: bool) -> Result<(), StoreError> {
        let Engine::Sqlite(file) = &self.0 else { return tx.commit().await };
        // Before the commit: if we are dropped right after it, the next change still knows.
        if erased {
            file.soil_log();
        }
        tx.commit().await?;
        file.empty_log().await;
        Ok(())
    }

    /// A transaction that sees one moment, whatever is written meanwhile.
    async fn read(&self) -> Result<Conn, StoreError> {
        match &self.0 {
            Engine::Sqlite(file) => file.read().await,
            Engine::Postgres(server) => server.read().await,
        }
    }
}

/// Brings the schema of the database at this URL up to date; returns at which migration it was, and is.
pub async fn migrate(url: &str) -> anyhow::Result<(i64, i64)> {
    let before = match Database::inspect(url).await? {
        // A file that is there and empty has none yet.
        Some(database) => database.schema().await.unwrap_or(0),
        None => 0,
    };
    let database = Database::open(url).await?;
    let after = database.schema().await?;
    database.close().await;
    Ok((before, after))
}

/// The number of the last migration this program knows; both folders have the same.
pub fn newest_schema() -> i64 {
    sqlite::MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

fn scheme(url: &str) -> anyhow::Result<Scheme> {
    // The rest of the URL may hold a password.
    let scheme = url.split_once(':').map(|(scheme, _)| scheme).context(
        "DATABASE_URL is no URL: set it to sqlite://<path of a file> or postgres://<server>",
    )?;
    match scheme {
        "sqlite" => Ok(Scheme::Sqlite),
        "postgres" | "postgresql" => Ok(Scheme::Postgres),
        _ => bail!(
            "unknown database scheme {scheme:?}: set DATABASE_URL to sqlite://<path of a file> or postgres://<server>"
        ),
    }
}

#[async_trait]
impl Store for Database {
    async fn ready(&self) -> Result<(), StoreError> {
        let (applied, needed) = (self.schema().await?, newest_schema());
        if applied == needed {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "its schema is at {applied}, this program needs {needed}"
        )))
    }

    async fn save_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let mut tx = self.write_about(&workspace.id).await?;
        workspace::save(&mut tx, workspace).await?;
        tx.commit().await
    }

    async fn save_own(&self, workspace: &WorkspaceId, fingerprint: &str) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        workspace::save_own(&mut tx, workspace, fingerprint).await?;
        tx.commit().await
    }

    async fn own(&self, fingerprint: &str) -> Result<Option<Workspace>, StoreError> {
        workspace::own(&mut self.read().await?, fingerprint).await
    }

    async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        workspace::all(&mut self.read().await?).await
    }

    async fn new_case_number(&self, workspace: &WorkspaceId) -> Result<CaseNumber, StoreError> {
        let mut tx = self.write().await?;
        let number = workspace::new_case_number(&mut tx, workspace).await?;
        tx.commit().await?;
        Ok(number)
    }

    async fn case(
        &self,
        workspace: &WorkspaceId,
        number: CaseNumber,
    ) -> Result<Option<Case>, StoreError> {
        case::load(&mut self.read().await?, workspace, number).await
    }

    async fn case_in_thread(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        root: &MessageTs,
    ) -> Result<Option<Case>, StoreError> {
        case::load_in_thread(&mut self.read().await?, workspace, channel, root).await
    }

    async fn case_with_evidence(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        message: &MessageTs,
    ) -> Result<Option<Case>, StoreError> {
        case::load_with_evidence(&mut self.read().await?, workspace, channel, message).await
    }

    async fn waiting_cases(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Vec<Case>, StoreError> {
        case::load_waiting(&mut self.read().await?, workspace, channel).await
    }

    async fn investigations(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        limit: u32,
    ) -> Result<Vec<Case>, StoreError> {
        case::load_listed(&mut self.read().await?, workspace, channel, limit).await
    }

    async fn cases_of(
        &self,
        workspace: &WorkspaceId,
        period: &Period,
    ) -> Result<Vec<Case>, StoreError> {
        case::load_of(&mut self.read().await?, workspace, period).await
    }

    async fn cards_awaited(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Vec<CaseNumber>, StoreError> {
        case::cards_awaited(&mut self.read().await?, workspace, channel).await
    }

    async fn channel(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<ChannelState, StoreError> {
        channel::load(&mut self.read().await?, workspace, channel).await
    }

    async fn prompts(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, String)>, StoreError> {
        channel::prompts(&mut self.read().await?, workspace, channel, now).await
    }

    async fn saw(&self, workspace: &WorkspaceId, key: &str) -> Result<bool, StoreError> {
        workspace::saw(&mut self.read().await?, workspace, key).await
    }

    async fn make_private(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        case::make_private(&mut tx, workspace, channel).await?;
        tx.commit().await
    }

    async fn commit(&self, change: &Change, now: Timestamp) -> Result<Committed, StoreError> {
        let mut tx = self.write().await?;
        let Some(done) = commit::apply(&mut tx, change, now).await? else {
            return Ok(Committed::Duplicate);
        };
        self.end(tx, done.erased).await?;
        Ok(Committed::Applied)
    }

    async fn claim(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
        but_not_of: &[WorkspaceId],
    ) -> Result<Vec<Job>, StoreError> {
        let mut tx = self.write().await?;
        let jobs = job::claim(&mut tx, now, lease_until, limit, but_not_of).await?;
        tx.commit().await?;
        Ok(jobs)
    }

    async fn prolong(&self, job: &Job, lease_until: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        job::prolong(&mut tx, job, lease_until).await?;
        tx.commit().await
    }

    async fn next_due(&self, but_not_of: &[WorkspaceId]) -> Result<Option<Timestamp>, StoreError> {
        job::next_due(&mut self.read().await?, but_not_of).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        backlog::count(&mut self.read().await?, now).await
    }

    async fn parked(&self, limit: u32) -> Result<Vec<Parked>, StoreError> {
        backlog::parked(&mut self.read().await?, limit).await
    }

    async fn unknown_work(&self) -> Result<Vec<(String, u64)>, StoreError> {
        backlog::unknown(&mut self.read().await?).await
    }

    async fn retry_parked(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let retried = backlog::retry_parked(&mut tx, now).await?;
        tx.commit().await?;
        Ok(retried)
    }

    async fn forget_parked(&self) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        let forgotten = backlog::forget_parked(&mut tx).await?;
        tx.commit().await?;
        Ok(forgotten)
    }
}
