//! The store on a PostgreSQL server, shared by any number of replicas.
//!
//! Changes run at "read committed" and lock what they read before they decide; a unique key, a deadlock or a lost race
//! comes out as `Conflict`, and the app decides anew. What is read for people sees one moment ("repeatable read").

pub(super) mod claim;
mod place;

use std::time::Duration;

use anyhow::{Context as _, bail};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection as _, PgConnection};

use self::claim::{TOGETHER, claims, claims_at_once};
use self::place::{options, reach, shown};
use super::alone::Purpose;
use super::newest_schema;
use super::query::{Conn, answered};
use crate::app::ports::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long to wait for the server, and for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections of one replica.
const CONNECTIONS: u32 = 10;
/// Set on every connection. The server ends what takes too long, and says "committed" only of what is on its disk.
const SETTINGS: &str = "
    select set_config('statement_timeout', '10s', false),
        set_config('lock_timeout', '5s', false),
        set_config('idle_in_transaction_session_timeout', '30s', false),
        set_config('synchronous_commit', case current_setting('synchronous_commit')
            when 'off' then 'on' else current_setting('synchronous_commit') end, false)";
/// Set besides for a move: while one side is read, the other has nothing to do for as long as that takes.
const AT_LEISURE: &str = "
    select set_config('statement_timeout', '0', false),
        set_config('idle_in_transaction_session_timeout', '0', false)";

/// Everything in one database of a PostgreSQL server.
#[derive(Debug)]
pub(super) struct PgServer {
    pool: PgPool,
}

impl PgServer {
    /// Connects to the database at this URL and migrates it.
    pub(super) async fn open(url: &str, purpose: Purpose) -> anyhow::Result<Self> {
        let options = options(url)?;
        let mut conn = reach(&options).await?;
        if purpose == Purpose::Work && !claims(&mut conn, TOGETHER).await? {
            bail!("{} is being moved: wait until `secondlook move` is done", shown(&options));
        }
        if schema(&mut conn).await? != Some(newest_schema()) {
            // Of several replicas that start at once one migrates, the others wait for its advisory lock.
            MIGRATIONS
                .run_direct(None, &mut conn, false)
                .await
                .with_context(|| format!("could not bring {} up to date", shown(&options)))?;
        }
        conn.close().await?;
        Ok(Self::connect(options, purpose))
    }

    /// Connects to the database at this URL as it is; `None` when it has no tables yet.
    pub(super) async fn inspect(url: &str, purpose: Purpose) -> anyhow::Result<Option<Self>> {
        let options = options(url)?.application_name("secondlook, looking on");
        let mut conn = reach(&options).await?;
        let schema = schema(&mut conn).await?;
        conn.close().await?;
        Ok(schema.map(|_| Self::connect(options, purpose)))
    }

    /// A pool whose every connection is checked before it is used: after the server was away, the dead ones go.
    fn connect(options: PgConnectOptions, purpose: Purpose) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(move |conn, _| Box::pin(set_up(conn, purpose)))
            .connect_lazy_with(options);
        Self { pool }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// A transaction that sees what others committed before each of its statements: what it decides on, it locks.
    pub(super) async fn write(&self) -> Result<Conn, StoreError> {
        self.begin("begin isolation level read committed, read write").await
    }

    /// A transaction that sees one moment.
    pub(super) async fn read(&self) -> Result<Conn, StoreError> {
        self.begin("begin isolation level repeatable read, read only").await
    }

    async fn begin(&self, how: &'static str) -> Result<Conn, StoreError> {
        answered(self.pool.begin_with(how)).await.map(Conn::Postgres)
    }
}

/// Makes a new connection ready. A bot's takes part in its claim: whichever of them lives holds it.
async fn set_up(conn: &mut PgConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    sqlx::query(SETTINGS).execute(&mut *conn).await?;
    match purpose {
        Purpose::Look => Ok(()),
        Purpose::Move => sqlx::query(AT_LEISURE).execute(conn).await.map(|_| ()),
        Purpose::Work if claims_at_once(conn, TOGETHER).await? => Ok(()),
        Purpose::Work => Err(sqlx::Error::Protocol("the store is being moved".to_owned())),
    }
}

/// The last migration applied, if there ever was one.
async fn schema(conn: &mut PgConnection) -> anyhow::Result<Option<i64>> {
    let migrated: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *conn)
        .await?;
    if !migrated {
        return Ok(None);
    }
    Ok(sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
        .fetch_one(conn)
        .await?)
}
