//! One store into another: every table row by row in the order of its keys, then compared by counts and checksums.
//!
//! Which tables and columns there are is asked of the schema itself, so a new table needs nothing here. A table made by
//! the move marks its target until the last comparison: what was begun and not finished is never run on, and goes on where
//! it stopped.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, FromRow, Row, Type, TypeInfo as _};
use sqlx::{Column as _, Database as Driver};

use super::alone::{Alone, Purpose};
use super::query::{Conn, Value, places, sql};
use super::{Database, newest_schema};
use crate::app::ports::StoreError;

/// Rows that go over in one change.
const BATCH: usize = 500;

/// A table that was moved, or is being moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its name.
    pub table: String,
    /// How many rows of it stand in the target.
    pub rows: u64,
    /// A fingerprint of them all; empty until they were compared.
    pub checksum: String,
}

/// Moves everything from one store into another, empty one, and tells about each batch. The source is only read.
pub async fn transfer(
    from: &str,
    to: &str,
    tell: &mut (dyn FnMut(&Moved) + Send),
) -> anyhow::Result<Vec<Moved>> {
    let tables = tables().await.context("could not read the schema")?;
    let source = Database::inspect_to(from, Purpose::Move).await.context("--from")?;
    let source = source.context("--from: there is no store")?;
    let schema = source.schema().await.context("--from")?;
    ensure!(
        schema == newest_schema(),
        "--from: its schema is at {schema}, this program needs {}: run `secondlook migrate` on it first",
        newest_schema()
    );
    // Held to the end: a bot that started meanwhile would write what is not moved.
    let claim = Alone::with(from).await.context("--from")?;
    let claim = claim.context("--from: a bot uses it: stop it first")?;
    ensure!(!claim.is(to).await.context("--to")?, "--from and --to are the same store");
    let second = Alone::with(to).await.context("--to")?;
    let _second = second.context("--to: a bot uses it: stop it first")?;
    let target = Database::open_unfinished(to, Purpose::Move).await.context("--to")?;
    // One moment of the source for all of it.
    let mut reader = source.read().await?;
    let begun = is_unfinished(&mut target.read().await?).await?;
    if !begun {
        if rows(&mut target.read().await?, &tables).await? > 0 {
            return same(&mut reader, &target, &tables).await.context(
                "--to holds other data: name an empty database, or a file that does not exist yet",
            );
        }
        let mut tx = target.write().await?;
        sql("create table unfinished_move (begun bigint)").execute(&mut tx).await?;
        tx.commit().await?;
    }
    for table in &tables {
        copy(table, &mut reader, &target, tell).await?;
    }
    let moved = same(&mut reader, &target, &tables).await.context(
        "the two stores differ: did the source change since the move began? Empty the target, and begin again",
    )?;
    let mut tx = target.write().await?;
    count_on(&mut tx).await?;
    sql("drop table unfinished_move").execute(&mut tx).await?;
    tx.commit().await?;
    target.close().await;
    Ok(moved)
}

/// Whether a move into this store was begun and not finished.
pub(super) async fn is_unfinished(conn: &mut Conn) -> Result<bool, StoreError> {
    let text = conn.either(
        "select count(*) from sqlite_schema where name = 'unfinished_move'",
        "select count(to_regclass('unfinished_move'))",
    );
    Ok(sql(text).fetch_value::<i64>(conn).await? == 1)
}

/// A table as the schema has it.
struct Table {
    name: String,
    columns: Vec<String>,
    /// Which columns are its key, in the key's order.
    key: Vec<usize>,
}

/// Every table, those that others reference first: the order in which the migrations make them.
async fn tables() -> anyhow::Result<Vec<Table>> {
    let schema = Database::open_unfinished("sqlite::memory:", Purpose::Move).await?;
    let mut conn = schema.read().await?;
    let names: Vec<(String,)> = sql("select name from sqlite_schema
         where type = 'table' and name not glob 'sqlite_*' and name not glob '_sqlx_*'
         order by rowid")
    .fetch_all(&mut conn)
    .await?;
    let mut tables = Vec::new();
    for (name,) in names {
        let columns: Vec<(String, i64)> =
            sql("select name, pk from pragma_table_info($1) order by cid")
                .bind(&name)
                .fetch_all(&mut conn)
                .await?;
        let mut key: Vec<(i64, usize)> =
            columns.iter().enumerate().map(|(at, (_, place))| (*place, at)).collect();
        key.retain(|(place, _)| *place > 0);
        key.sort_unstable();
        tables.push(Table {
            name,
            columns: columns.into_iter().map(|(name, _)| name).collect(),
            key: key.into_iter().map(|(_, at)| at).collect(),
        });
    }
    Ok(tables)
}

impl Table {
    fn key_columns(&self) -> String {
        let names: Vec<&str> = self.key.iter().map(|at| self.columns[*at].as_str()).collect();
        names.join(", ")
    }

    fn key_of(&self, row: &AnyRow) -> Vec<Value> {
        self.key.iter().map(|at| row.0[*at].clone()).collect()
    }

    /// The rows after this key, in the order of the keys.
    async fn after(&self, key: &[Value], conn: &mut Conn) -> Result<Vec<AnyRow>, StoreError> {
        let (columns, keys) = (self.columns.join(", "), self.key_columns());
        let mut text = format!("select {columns} from {}", self.name);
        if !key.is_empty() {
            let _ = write!(text, " where ({keys}) > ({})", places(1, key.len()));
        }
        let _ = write!(text, " order by {keys} limit {BATCH}");
        sql(AssertSqlSafe(text)).bind_all(key.iter().cloned()).fetch_all(conn).await
    }

    /// The last key, if there is a row.
    async fn last(&self, conn: &mut Conn) -> Result<Vec<Value>, StoreError> {
        let last_first = self.key_columns().replace(',', " desc,");
        let (columns, name) = (self.columns.join(", "), &self.name);
        let text = format!("select {columns} from {name} order by {last_first} desc limit 1");
        let last: Option<AnyRow> = sql(AssertSqlSafe(text)).fetch_optional(conn).await?;
        Ok(last.map(|row| self.key_of(&row)).unwrap_or_default())
    }

    async fn insert(&self, rows: Vec<AnyRow>, conn: &mut Conn) -> Result<(), StoreError> {
        let width = self.columns.len();
        let row = |at| format!("({})", places(at * width + 1, width));
        let each: Vec<String> = (0..rows.len()).map(row).collect();
        let (name, columns) = (&self.name, self.columns.join(", "));
        let text = format!("insert into {name} ({columns}) values {}", each.join(", "));
        let values = rows.into_iter().flat_map(|row| row.0);
        sql(AssertSqlSafe(text)).bind_all(values).execute(conn).await.map(|_| ())
    }

    async fn count(&self, conn: &mut Conn) -> Result<u64, StoreError> {
        let text = AssertSqlSafe(format!("select count(*) from {}", self.name));
        Ok(sql(text).fetch_value::<i64>(conn).await?.unsigned_abs())
    }

    /// Counts the rows and takes their fingerprint.
    async fn fingerprint(&self, conn: &mut Conn) -> Result<Moved, StoreError> {
        let (mut rows, mut hash, mut key) = (0, Sha256::new(), Vec::new());
        loop {
            let batch = self.after(&key, conn).await?;
            let Some(last) = batch.last() else { break };
            key = self.key_of(last);
            rows += batch.len() as u64;
            batch.iter().flat_map(|row| &row.0).for_each(|value| feed(&mut hash, value));
        }
        let digest = hash.finalize();
        let checksum = digest.iter().take(8).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok(Moved { table: self.name.clone(), rows, checksum })
    }
}

/// Copies what the target does not have yet.
async fn copy(
    table: &Table,
    reader: &mut Conn,
    target: &Database,
    tell: &mut (dyn FnMut(&Moved) + Send),
) -> anyhow::Result<()> {
    let context = || format!("could not copy the table {}", table.name);
    let mut conn = target.read().await?;
    let mut key = table.last(&mut conn).await.with_context(context)?;
    let rows = table.count(&mut conn).await?;
    drop(conn);
    let mut moved = Moved { table: table.name.clone(), rows, checksum: String::new() };
    loop {
        tell(&moved);
        let batch = table.after(&key, reader).await.with_context(context)?;
        let Some(last) = batch.last() else { return Ok(()) };
        key = table.key_of(last);
        moved.rows += batch.len() as u64;
        let mut tx = target.write().await?;
        table.insert(batch, &mut tx).await.with_context(context)?;
        tx.commit().await?;
    }
}

/// How many rows there are in all.
async fn rows(conn: &mut Conn, tables: &[Table]) -> Result<u64, StoreError> {
    let mut rows = 0;
    for table in tables {
        rows += table.count(conn).await?;
    }
    Ok(rows)
}

/// Compares both stores table by table; fails where they differ.
async fn same(
    reader: &mut Conn,
    target: &Database,
    tables: &[Table],
) -> anyhow::Result<Vec<Moved>> {
    let mut moved = Vec::new();
    let mut conn = target.read().await?;
    for table in tables {
        let (here, there) = (table.fingerprint(reader).await?, table.fingerprint(&mut conn).await?);
        ensure!(
            here == there,
            "the table {} has {} rows ({}) here and {} rows ({}) there",
            table.name,
            here.rows,
            here.checksum,
            there.rows,
            there.checksum
        );
        moved.push(there);
    }
    Ok(moved)
}

/// Lets PostgreSQL count on from the highest number that came along; SQLite does it by itself.
async fn count_on(tx: &mut Conn) -> anyhow::Result<()> {
    if matches!(tx, Conn::Sqlite(_)) {
        return Ok(());
    }
    let counted: Vec<(String, String)> =
        sql("select table_name::text, column_name::text from information_schema.columns
         where table_schema = current_schema() and is_identity = 'YES'")
        .fetch_all(tx)
        .await?;
    for (table, column) in counted {
        let text = format!(
            "select setval(pg_get_serial_sequence('{table}', '{column}'), coalesce(max({column}), 0) + 1, false)
             from {table}"
        );
        sql(AssertSqlSafe(text)).execute(tx).await?;
    }
    Ok(())
}

/// A row of any table.
struct AnyRow(Vec<Value>);

impl<'r, R: Row> FromRow<'r, R> for AnyRow
where
    usize: ColumnIndex<R>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<f64>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let value = |column: &<R::Database as Driver>::Column| {
            let at = column.ordinal();
            Ok(match column.type_info().name() {
                "INTEGER" | "INT8" => row.try_get::<Option<i64>, _>(at)?.into(),
                "REAL" | "FLOAT8" => row.try_get::<Option<f64>, _>(at)?.into(),
                _ => row.try_get::<Option<String>, _>(at)?.into(),
            })
        };
        row.columns().iter().map(value).collect::<Result<_, _>>().map(Self)
    }
}

/// Feeds a value to a fingerprint so that no two different rows feed the same.
fn feed(hash: &mut Sha256, value: &Value) {
    let (kind, bytes) = match value {
        Value::Text(None) | Value::Integer(None) | Value::Real(None) => (0, Vec::new()),
        Value::Text(Some(text)) => (1, text.as_bytes().to_vec()),
        Value::Integer(Some(number)) => (2, number.to_le_bytes().to_vec()),
        Value::Real(Some(number)) => (3, number.to_bits().to_le_bytes().to_vec()),
    };
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}
