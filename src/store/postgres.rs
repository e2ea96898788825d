//! The store on a PostgreSQL server, shared by any number of replicas.
//!
//! Changes run at "read committed" and lock what they read before they decide; a unique key, a deadlock or a lost race
//! comes out as `Conflict`, and the app decides anew. What is read for people sees one moment ("repeatable read").

use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{Connection as _, PgConnection};

use super::alone::Purpose;
use super::newest_schema;
use super::query::{Conn, answered};
use crate::app::ports::StoreError;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long to wait for the server, and for a free connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How a bot's connections name themselves, for whoever looks at the server.
const BOT: &str = "secondlook";
/// How long to wait before asking again who is there.
const AGAIN: Duration = Duration::from_millis(250);
/// Connections of one replica.
const CONNECTIONS: u32 = 10;
/// The oldest server this is known to work with, as `server_version_num` has it.
const SERVER_MIN: i32 = 13_00_00;
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
/// The claim on a store is an advisory lock of its database and schema: whatever a connection calls itself, it is seen.
const CLAIM: i32 = 0x5ec0_4d10;
/// How bots claim it, any number of them.
pub(super) const TOGETHER: &str =
    "select pg_try_advisory_lock_shared($1, hashtext(current_schema()::text))";
/// How a move claims it.
pub(super) const ALONE: &str = "select pg_try_advisory_lock($1, hashtext(current_schema()::text))";
/// What may stand behind the `?` of the URL. Anything else is a slip, and could be a password in the wrong place.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

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
            bail!("{} is being moved: wait until `secondlook move` is done", place(&options));
        }
        if schema(&mut conn).await? != Some(newest_schema()) {
            // Of several replicas that start at once one migrates, the others wait for its advisory lock.
            MIGRATIONS
                .run_direct(None, &mut conn, false)
                .await
                .with_context(|| format!("could not bring {} up to date", place(&options)))?;
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
        Purpose::Work if claim(conn, TOGETHER).await? => Ok(()),
        Purpose::Work => Err(sqlx::Error::Protocol("the store is being moved".to_owned())),
    }
}

async fn claim(conn: &mut PgConnection, how: &'static str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(how).bind(CLAIM).fetch_one(conn).await
}

/// Claims the store for as long as the connection lives; `false` while others have it.
pub(super) async fn claims(conn: &mut PgConnection, how: &'static str) -> anyhow::Result<bool> {
    // The server needs a moment to see that a process has ended.
    for _ in 0..PATIENCE.as_millis() / AGAIN.as_millis() {
        if claim(conn, how).await.context("could not claim the store")? {
            return Ok(true);
        }
        tokio::time::sleep(AGAIN).await;
    }
    Ok(false)
}

/// A connection to the database at this URL, to claim it with.
pub(super) async fn to_claim(url: &str) -> anyhow::Result<PgConnection> {
    reach(&options(url)?.application_name("secondlook move")).await
}

/// Whether the store is claimed for a move by that connection of its server.
pub(super) async fn is_held_by(conn: &mut PgConnection, pid: i32) -> Result<bool, sqlx::Error> {
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

fn options(url: &str) -> anyhow::Result<PgConnectOptions> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let named: Vec<&str> =
        parameters.split('&').filter_map(|pair| pair.split('=').next()).collect();
    if let Some(unknown) = named
        .iter()
        .find(|name| !name.is_empty() && !PARAMETERS.contains(name) && !name.starts_with("options"))
    {
        bail!(
            "DATABASE_URL has the unknown setting {unknown:?}; known are {}",
            PARAMETERS.join(", ")
        );
    }
    let mut options = PgConnectOptions::from_str(url)
        // The reason could repeat a part of the URL, and that a password.
        .map_err(|_| {
            anyhow!("DATABASE_URL is no PostgreSQL URL: write postgres://user:password@server/database, with %40 for an @ in the password")
        })?;
    if !named.contains(&"application_name") {
        options = options.application_name(BOT);
    }
    if !named.contains(&"sslmode") && !is_here(&options) {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    Ok(options)
}

/// Whether the server is on this machine, so that nobody can listen on the way.
fn is_here(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    options.get_socket().is_some()
        || host == "localhost"
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// The database in words, without its password.
fn place(options: &PgConnectOptions) -> String {
    let server = options.get_socket().map_or_else(
        || format!("{}:{}", options.get_host(), options.get_port()),
        |socket| socket.display().to_string(),
    );
    let name = options.get_database().unwrap_or(options.get_username());
    format!("the database “{name}” on {server}")
}

/// Connects once, outside the pool, which would hide why it can't.
async fn reach(options: &PgConnectOptions) -> anyhow::Result<PgConnection> {
    let connected = tokio::time::timeout(PATIENCE, PgConnection::connect_with(options)).await;
    let mut conn = match connected {
        Ok(Ok(conn)) => conn,
        Ok(Err(error)) => {
            let why = unreachable(&error, options);
            return Err(anyhow::Error::new(error).context(why));
        }
        Err(_) => bail!(
            "could not reach {}: no answer within {} s; check the address and the firewall",
            place(options),
            PATIENCE.as_secs()
        ),
    };
    suits(&mut conn).await.with_context(|| format!("can't use {}", place(options)))?;
    Ok(conn)
}

/// Why it could not connect, and what to do.
fn unreachable(error: &sqlx::Error, options: &PgConnectOptions) -> String {
    let place = place(options);
    let code = match error {
        sqlx::Error::Database(error) => error.code().unwrap_or_default().into_owned(),
        sqlx::Error::Io(error)
            if error.kind() == std::io::ErrorKind::NotFound && options.get_socket().is_none() =>
        {
            return format!(
                "could not speak TLS with {place}: a file that DATABASE_URL names is not there (sslrootcert, sslcert or sslkey)"
            );
        }
        sqlx::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            return format!(
                "could not reach {place}: is it running, and does DATABASE_URL name the right server and port?"
            );
        }
        // A certificate that can't be trusted comes as "invalid data".
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => {
            return format!(
                "could not speak TLS with {place}: name its certificate authority (sslrootcert=<file>), or, in a network you trust, add sslmode=require or sslmode=disable to DATABASE_URL"
            );
        }
        _ => String::new(),
    };
    match code.as_str() {
        "28P01" => format!(
            "{place} does not let “{}” in: check the user and the password in DATABASE_URL",
            options.get_username()
        ),
        "28000" => format!(
            "{place} does not let “{}” in: check the user in DATABASE_URL, and what the server's pg_hba.conf asks for (TLS, perhaps: sslmode=require)",
            options.get_username()
        ),
        "3D000" => format!("there is no {}: create it (createdb -E UTF8)", &place[4..]),
        "42501" => format!("“{}” may not connect to {place}", options.get_username()),
        "53300" => format!("{place} has no connection left: raise its max_connections"),
        "57P03" => format!("{place} is starting or stopping: try again in a moment"),
        _ => format!("could not connect to {place}"),
    }
}

/// Whether it can hold the store.
async fn suits(conn: &mut PgConnection) -> anyhow::Result<()> {
    let (version, encoding, read_only): (i32, String, bool) = sqlx::query_as(
        "select current_setting('server_version_num')::int, current_setting('server_encoding'),
             pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'",
    )
    .fetch_one(conn)
    .await
    .context("could not ask it for its version")?;
    judge(version, &encoding, read_only)
}

fn judge(version: i32, encoding: &str, read_only: bool) -> anyhow::Result<()> {
    if version < SERVER_MIN {
        bail!(
            "it is PostgreSQL {}; this needs {} or newer",
            version / 1_00_00,
            SERVER_MIN / 1_00_00
        );
    }
    if encoding != "UTF8" {
        bail!("it is encoded as {encoding}: create a database with the encoding UTF8");
    }
    if read_only {
        bail!("it is a read-only replica: let DATABASE_URL name the primary server");
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(url: &str) -> String {
        options(url).unwrap_err().to_string()
    }

    #[test]
    fn a_url_that_makes_no_sense_is_refused_and_not_repeated() {
        for url in [
            "postgres://me:hunter2@server:port/db",
            "postgres://me:hun@ter2@[::/db",
            "postgres://me@server/db?port=hunter2",
            "postgres://me@server/db?sslmode=hunter2",
        ] {
            assert!(!fault(url).contains("hunter2"), "{}", fault(url));
        }
        let slip = fault("postgres://me@server/db?sslmode=require&passwort=hunter2");
        assert!(
            slip.contains("unknown setting \"passwort\"") && !slip.contains("hunter2"),
            "{slip}"
        );
    }

    #[test]
    fn a_remote_server_must_prove_who_it_is() {
        let mode = |url| format!("{:?}", options(url).unwrap().get_ssl_mode());
        for url in ["postgres://a:b@db.example.com/x", "postgres://a:b@10.0.0.7/x"] {
            assert_eq!(mode(url), "VerifyFull", "{url}");
        }
        assert_eq!(mode("postgres://a:b@db.example.com/x?sslmode=disable"), "Disable");
        for url in [
            "postgres://a:b@localhost/x",
            "postgres://a:b@127.0.0.1/x",
            "postgres://a:b@[::1]/x",
            "postgres:///x?host=/run/postgresql",
        ] {
            assert_eq!(mode(url), "Prefer", "{url}");
        }
    }

    #[test]
    fn an_unsuitable_server_is_refused() {
        assert!(judge(15_00_18, "UTF8", false).is_ok());
        for (version, encoding, read_only, says) in [
            (12_00_22, "UTF8", false, "it is PostgreSQL 12; this needs 13 or newer"),
            (15_00_18, "SQL_ASCII", false, "encoded as SQL_ASCII"),
            (15_00_18, "UTF8", true, "read-only replica"),
        ] {
            let why = judge(version, encoding, read_only).unwrap_err().to_string();
            assert!(why.contains(says), "{why}");
        }
    }
}
