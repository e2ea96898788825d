//! What can go wrong between rows and our own types, told in the words of `app::ports`.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::error::ErrorKind;

use crate::app::ports::StoreError;

/// Says what the caller can do about a database error. Never holds a value of a row.
pub(super) fn from_sqlx(error: sqlx::Error) -> StoreError {
    use sqlx::Error;
    let why = match error {
        Error::Database(error) if error.kind() == ErrorKind::UniqueViolation => {
            return StoreError::Conflict;
        }
        Error::Database(error) => {
            let code = error.code().unwrap_or_default().into_owned();
            format!("{} (database code {code})", meaning(&code))
        }
        Error::Io(error) => format!("the connection broke ({})", error.kind()),
        Error::PoolTimedOut => "too much at once".to_owned(),
        Error::PoolClosed | Error::WorkerCrashed => "it is closed".to_owned(),
        Error::ColumnDecode { index, .. } => format!("column {index} can't be read"),
        _ => "the database client failed".to_owned(),
    };
    StoreError::Unavailable(why)
}

/// SQLite's result codes; the low byte of an extended code is the plain one.
fn meaning(code: &str) -> &'static str {
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
