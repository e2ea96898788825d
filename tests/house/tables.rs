//! What stands in a store, seen past the program: the tables are those of the schema, so that none is forgotten.
#![allow(dead_code, reason = "each test binary uses its part of the house")]

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};

/// The name of every table of ours, on either database.
const OF_A_FILE: &str = "select name from sqlite_schema
    where type = 'table' and name not glob 'sqlite_*' and name not glob '_sqlx_*'";
const OF_A_SERVER: &str = "select tablename::text from pg_tables
    where schemaname = current_schema() and tablename not like '\\_sqlx%'";

/// Does the same on whichever database is at a URL.
macro_rules! either {
    ($url:expr, |$conn:ident, $tables:ident| $body:expr) => {
        if $url.starts_with("sqlite:") {
            let (mut $conn, $tables) = (SqliteConnection::connect($url).await.unwrap(), OF_A_FILE);
            $body
        } else {
            let (mut $conn, $tables) = (PgConnection::connect($url).await.unwrap(), OF_A_SERVER);
            $body
        }
    };
}

/// How many rows each table has about a workspace.
pub async fn rows_about(url: &str, workspace: &str) -> BTreeMap<String, i64> {
    either!(url, |conn, tables| {
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut conn).await.unwrap();
        let mut counts = BTreeMap::new();
        for table in tables {
            let text = format!("select count(*) from {table} where workspace_id = $1");
            let query = sqlx::query_scalar(AssertSqlSafe(text)).bind(workspace);
            counts.insert(table, query.fetch_one(&mut conn).await.unwrap());
        }
        counts
    })
}

/// Runs a statement past the store.
pub async fn run(url: &str, sql: &str) {
    either!(url, |conn, _tables| {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    });
}

/// Everything that is kept: of a file every byte in its directory, of a server every row.
pub async fn everything(url: &str) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some(file) = url.strip_prefix("sqlite://") {
        let dir = std::path::Path::new(file).parent().unwrap();
        for entry in std::fs::read_dir(dir).unwrap() {
            all.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        return all;
    }
    let mut conn = PgConnection::connect(url).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(OF_A_SERVER).fetch_all(&mut conn).await.unwrap();
    for table in tables {
        let text = format!("select t::text from {table} t");
        let rows: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(text)).fetch_all(&mut conn).await.unwrap();
        all.extend(rows.join("\n").into_bytes());
    }
    all
}

/// Whether it holds these bytes somewhere.
pub fn holds(all: &[u8], what: &str) -> bool {
    all.windows(what.len()).any(|window| window == what.as_bytes())
}
