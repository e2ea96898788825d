//! What can go wrong between rows and our own types, told in the words of `app::ports`.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::error::ErrorKind;

use crate::app::ports::StoreError;

/// Says what the caller can do about a database error. Never holds a value of a row.
pub(super) fn from_sqlx(error: sqlx::Error) -> StoreError {
    use sqlx::Error;
    let why = match error {
        Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            if lost_a_race(&error.kind(), &code) {
                return StoreError::Conflict;
            }
            format!("{} (database code {code})", meaning(&code))
        }
        Error::Io(error) => format!("the connection broke ({})", error.kind()),
        Error::PoolTimedOut => "it can't be reached, or has too much to do".to_owned(),
        Error::PoolClosed | Error::WorkerCrashed => "it is closed".to_owned(),
        Error::ColumnDecode { index, .. } => format!("column {index} can't be read"),
        _ => "the database client failed".to_owned(),
    };
    StoreError::Unavailable(why)
}

/// Somebody else made the same row, let go the person we name, or would have waited for us as we for them.
fn lost_a_race(kind: &ErrorKind, code: &str) -> bool {
    const SERIALIZATION_FAILURE: &str = "40001";
    const DEADLOCK: &str = "40P01";
    matches!(kind, ErrorKind::UniqueViolation | ErrorKind::ForeignKeyViolation)
        || [SERIALIZATION_FAILURE, DEADLOCK].contains(&code)
}

/// SQLite's result codes are numbers, the low byte of an extended one is the plain one; PostgreSQL's have five signs.
fn meaning(code: &str) -> &'static str {
    if code.len() == 5 {
        return match code {
            "25006" => "the database is a read-only replica",
            "42501" => "the database user lacks a right",
            "42P01" => "the database has not all tables",
            "53100" => "the database server's disk is full",
            "53300" => "the database server has no connection left",
            "55P03" | "57014" => "the database is busy",
            "57P01" | "57P02" | "57P03" => "the database server is stopping or starting",
            _ => "the database refused",
        };
    }
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(5 | 6) => "the database is busy",
        Ok(8) => "the database can't be written",
        Ok(10) => "reading or writing the disk failed",
        Ok(11 | 26) => "the database file is damaged",
        Ok(13) => "the disk is full",
        Ok(14) => "the database file can't be opened",
        _ => "the database refused",
    }
}

/// The row a value comes from, for the error when the value makes no sense.
pub(super) struct Row {
    table: &'static str,
    id: String,
}

impl Row {
    pub(super) fn new(table: &'static str, id: impl Into<String>) -> Self {
        Self { table, id: id.into() }
    }

    pub(super) fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }

    pub(super) fn time(&self, column: &'static str, ms: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(ms).map_err(|_| self.corrupt(column))
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        column: &'static str,
        number: i64,
    ) -> Result<T, StoreError> {
        T::try_from(number).map_err(|_| self.corrupt(column))
    }

    pub(super) fn word<T>(
        &self,
        column: &'static str,
        word: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        parse(word).ok_or_else(|| self.corrupt(column))
    }

    /// A JSON list of words.
    pub(super) fn list<T>(
        &self,
        column: &'static str,
        json: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        let words: Vec<String> = serde_json::from_str(json).map_err(|_| self.corrupt(column))?;
        words.iter().map(|word| self.word(column, word, parse)).collect()
    }
}

/// The words as a JSON list.
pub(super) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().collect::<Value>().to_string()
}
