//! Backup and restore of a SQLite store: whole copies, checked before they take their name, so that a file with that name
//! is always a sound one. A running bot is not disturbed: the copy is one moment, and others read and write meanwhile.
//!
//! PostgreSQL has `pg_dump`; see docs/OPERATIONS.md.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use super::newest_schema;
use super::sqlite::place::{beside, directory, is_in_memory, logs, parse};
use super::sqlite::{private, somebody_is_there};

/// What was copied.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    /// Rows by table, in alphabetical order.
    pub rows: Vec<(String, u64)>,
    /// Size of the copy.
    pub bytes: u64,
}

/// Copies the live store at `url` into a new file.
pub async fn backup(url: &str, file: &Path) -> anyhow::Result<Copied> {
    let source = database_file(url)?;
    ensure!(source.exists(), "there is no store at {} yet", source.display());
    ensure!(
        !file.exists(),
        "{} exists: choose another name, a backup is never overwritten",
        file.display()
    );
    copy(&source, file).await
}

/// Makes a store at `url` from a backup. What was due when the backup was taken may have been done since, so every such
/// piece of work is looked up in Slack before it is repeated.
pub async fn restore(file: &Path, url: &str) -> anyhow::Result<Copied> {
    let target = database_file(url)?;
    ensure!(file.exists(), "there is no file {}", file.display());
    ensure!(
        !target.exists(),
        "{} exists: stop the bot and move that file away (with its -wal and -shm), a store is never overwritten",
        target.display()
    );
    ensure!(!somebody_is_there(&target)?, "{}: a bot uses it: stop it first", target.display());
    copy(file, &target).await
}

/// The file behind a URL.
fn database_file(url: &str) -> anyhow::Result<PathBuf> {
    if !url.starts_with("sqlite:") {
        bail!(
            "DATABASE_URL names no SQLite file: use your database's own tools (pg_dump, pg_restore)"
        );
    }
    let options = parse(url)?;
    ensure!(!is_in_memory(url), "a store in memory can't be copied");
    Ok(options.get_filename().to_owned())
}

/// `to` appears whole or not at all; a copy that was interrupted leaves `to.partial`, which the next one replaces.
async fn copy(from: &Path, to: &Path) -> anyhow::Result<Copied> {
    let partial = beside(to, ".partial");
    alone(to)?;
    make_private(&partial).with_context(|| format!("could not write {}", partial.display()))?;
    let mut source = open(from, true).await.with_context(|| unreadable(from))?;
    let into = partial.to_str().context("the path is not UTF-8")?;
    sqlx::query("vacuum into $1")
        .bind(into)
        .execute(&mut source)
        .await
        .with_context(|| format!("could not copy {} to {}", from.display(), partial.display()))?;
    source.close().await.context("could not close the source")?;
    let mut copy = open(&partial, false).await.with_context(|| unreadable(&partial))?;
    let rows =
        check(&mut copy).await.with_context(|| format!("{} is not sound", from.display()))?;
    sqlx::query("update job set uncertain = 1 where parked_because is null and uncertain = 0")
        .execute(&mut copy)
        .await?;
    copy.close().await.context("could not close the copy")?;
    File::open(&partial)?.sync_all().context("could not write the copy to the disk")?;
    // Another store may have come and gone meanwhile.
    alone(to)?;
    fs::rename(&partial, to)
        .with_context(|| format!("could not name the copy {}", to.display()))?;
    File::open(directory(to))?.sync_all().context("could not write the directory to the disk")?;
    Ok(Copied { rows, bytes: fs::metadata(to)?.len() })
}

/// Makes sure that no log of another store stands beside a name that is to be taken: it would damage the copy.
fn alone(file: &Path) -> anyhow::Result<()> {
    for left in logs(file) {
        ensure!(
            fs::symlink_metadata(&left).is_err(),
            "{} is left from another store and would damage this one: move it away first",
            left.display()
        );
    }
    Ok(())
}

/// An empty file that only its owner may read: what is copied into it are people's words.
fn make_private(path: &Path) -> std::io::Result<()> {
    for old in [path.to_owned()].into_iter().chain(logs(path)) {
        match fs::remove_file(old) {
            Err(fault) if fault.kind() != std::io::ErrorKind::NotFound => return Err(fault),
            _ => {}
        }
    }
    private::options().write(true).create_new(true).open(path).map(drop)
}

async fn open(path: &Path, read_only: bool) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(path).read_only(read_only).connect().await
}

fn unreadable(path: &Path) -> String {
    format!("{} can't be read as a store of Second Look", path.display())
}

/// Whether every page, reference and table is as this program wants it; counts the rows.
async fn check(copy: &mut SqliteConnection) -> anyhow::Result<Vec<(String, u64)>> {
    let applied: Option<i64> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
            .fetch_one(&mut *copy)
            .await
            .context("it is no store of Second Look")?;
    ensure!(applied <= Some(newest_schema()), "it was written by a newer version of Second Look");
    let verdict: String =
        sqlx::query_scalar("pragma integrity_check(1)").fetch_one(&mut *copy).await?;
    ensure!(verdict == "ok", "it is damaged: {verdict}");
    let dangling = sqlx::query("pragma foreign_key_check").fetch_all(&mut *copy).await?;
    ensure!(dangling.is_empty(), "{} rows reference rows that are missing", dangling.len());
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite%' order by name",
    )
    .fetch_all(&mut *copy)
    .await?;
    let mut rows = Vec::new();
    for table in tables {
        // The name comes from the schema of the file, so it is quoted, not believed.
        let count = format!("select count(*) from \"{}\"", table.replace('"', "\"\""));
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut *copy).await?;
        rows.push((table, u64::try_from(count)?));
    }
    Ok(rows)
}
