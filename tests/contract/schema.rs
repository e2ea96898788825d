//! Both databases have the same migrations, and the same tables and columns after them.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, PgConnection};

use super::house::House;

fn migrations(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn both_folders_have_the_same_migrations() {
    assert_eq!(migrations("sqlite"), migrations("postgres"));
}

/// Table and column; type in SQLite's words, and whether it may be null.
type Columns = BTreeMap<(String, String), (String, bool)>;

async fn in_sqlite() -> Columns {
    let house = House::file().await;
    let mut conn = SqliteConnection::connect(&house.url()).await.unwrap();
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(
        "select t.name, c.name, c.type, c.\"notnull\" = 0
         from sqlite_schema t, pragma_table_info(t.name) c
         where t.type = 'table' and t.name not glob 'sqlite_*' and t.name not glob '_sqlx_*'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(table, column, kind, null)| ((table, column), (kind.to_lowercase(), null)))
        .collect()
}

#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let house = House::postgres().await;
    let mut conn = PgConnection::connect(&house.url()).await.unwrap();
    let rows: Vec<(String, String, String, bool, Option<String>)> = sqlx::query_as(
        "select table_name::text, column_name::text, data_type::text, is_nullable = 'YES',
             collation_name::text
         from information_schema.columns
         where table_schema = 'public' and table_name not like '\\_sqlx%'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let mut columns = Columns::new();
    for (table, column, kind, null, collation) in rows {
        let kind = match kind.as_str() {
            "bigint" => "integer",
            "double precision" => "real",
            "text" => {
                assert_eq!(collation.as_deref(), Some("C"), "{table}.{column}: order by bytes");
                "text"
            }
            other => panic!(
                "{table}.{column} is {other}: one SQL text knows bigint, double precision and text"
            ),
        };
        columns.insert((table, column), (kind.to_owned(), null));
    }
    assert_eq!(columns, in_sqlite().await);
}
