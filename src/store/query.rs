//! One SQL text for both databases: a query with its values, and the transaction it runs in.
//!
//! What makes one text do: `$1` placeholders, every number a 64-bit integer or a double, 0/1 for no/yes, times as
//! milliseconds, lists as JSON text. Where the databases differ, [`Conn::either`] names both ways side by side.

use std::time::Duration;

use sqlx::encode::Encode;
use sqlx::error::BoxDynError;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Arguments as _, Database, FromRow, Postgres, SqlSafeStr, Sqlite, Transaction, Type};

use super::error::from_sqlx;
use crate::app::ports::StoreError;

/// A server that says nothing for so long is gone: its own limits end every statement sooner.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A transaction on one of the databases.
pub(super) enum Conn {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Conn {
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await.map_err(from_sqlx),
            Self::Postgres(tx) => answered(tx.commit()).await,
        }
    }

    /// What to write where the two databases differ.
    pub(super) fn either<T>(&self, sqlite: T, postgres: T) -> T {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// Ends a `select` whose rows nobody else may change until we are done. SQLite's writer is alone anyway.
    pub(super) fn for_update(&self) -> &'static str {
        self.either("", "for update")
    }

    /// The same, passing over rows that somebody else has locked.
    pub(super) fn for_update_skip_locked(&self) -> &'static str {
        self.either("", "for update skip locked")
    }
}

/// A value of a row: all that our tables hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
    Real(Option<f64>),
}

/// PostgreSQL has no room for the character NUL; nobody writes it on purpose.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(without_nul(text)))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(without_nul))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::from(text.as_deref())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(Some(number.into()))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Real(Some(number))
    }
}

impl From<Option<f64>> for Value {
    fn from(number: Option<f64>) -> Self {
        Self::Real(number)
    }
}

/// A row that either database can give.
pub(super) trait Fetched:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Fetched for T where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

/// A statement and its values.
pub(super) struct Query<S> {
    text: S,
    values: Vec<Value>,
}

/// Places for so many values, from the n-th on: `$2, $3`.
pub(super) fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    places.join(", ")
}

/// A statement without its values yet.
pub(super) fn sql<S: SqlSafeStr>(text: S) -> Query<S> {
    Query { text, values: Vec::new() }
}

impl<S: SqlSafeStr> Query<S> {
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(super) fn bind_all(mut self, values: impl IntoIterator<Item = Value>) -> Self {
        self.values.extend(values);
        self
    }

    /// Runs it; returns how many rows it changed.
    pub(super) async fn execute(self, conn: &mut Conn) -> Result<u64, StoreError> {
        match conn {
            Conn::Sqlite(tx) => {
                let query = sqlx::query_with(self.text, arguments::<Sqlite>(self.values)?);
                query.execute(&mut **tx).await.map(|done| done.rows_affected()).map_err(from_sqlx)
            }
            Conn::Postgres(tx) => {
                let query = sqlx::query_with(self.text, arguments::<Postgres>(self.values)?);
                answered(query.execute(&mut **tx)).await.map(|done| done.rows_affected())
            }
        }
    }

    pub(super) async fn fetch_all<T: Fetched>(self, conn: &mut Conn) -> Result<Vec<T>, StoreError> {
        match conn {
            Conn::Sqlite(tx) => {
                let query = sqlx::query_as_with(self.text, arguments::<Sqlite>(self.values)?);
                query.fetch_all(&mut **tx).await.map_err(from_sqlx)
            }
            Conn::Postgres(tx) => {
                let query = sqlx::query_as_with(self.text, arguments::<Postgres>(self.values)?);
                answered(query.fetch_all(&mut **tx)).await
            }
        }
    }

    pub(super) async fn fetch_optional<T: Fetched>(
        self,
        conn: &mut Conn,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.fetch_all(conn).await?.into_iter().next())
    }

    pub(super) async fn fetch_one<T: Fetched>(self, conn: &mut Conn) -> Result<T, StoreError> {
        let row = self.fetch_optional(conn).await?;
        row.ok_or_else(|| from_sqlx(sqlx::Error::RowNotFound))
    }

    /// The one value of the one row.
    pub(super) async fn fetch_value<T>(self, conn: &mut Conn) -> Result<T, StoreError>
    where
        (T,): Fetched,
    {
        Ok(self.fetch_one::<(T,)>(conn).await?.0)
    }
}

/// Waits for a server elsewhere, and not for ever.
pub(super) async fn answered<T>(
    answer: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(answer) => answer.map_err(from_sqlx),
        Err(_) => Err(StoreError::Unavailable("the server does not answer".to_owned())),
    }
}

fn arguments<D: Database>(values: Vec<Value>) -> Result<D::Arguments, StoreError>
where
    Option<String>: for<'q> Encode<'q, D> + Type<D>,
    Option<i64>: for<'q> Encode<'q, D> + Type<D>,
    Option<f64>: for<'q> Encode<'q, D> + Type<D>,
{
    let mut arguments = D::Arguments::default();
    let add = |value| -> Result<(), BoxDynError> {
        match value {
            Value::Text(text) => arguments.add(text),
            Value::Integer(number) => arguments.add(number),
            Value::Real(number) => arguments.add(number),
        }
    };
    let added: Result<(), BoxDynError> = values.into_iter().try_for_each(add);
    added.map_err(|error| from_sqlx(sqlx::Error::Encode(error)))?;
    Ok(arguments)
}
