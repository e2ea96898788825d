//! Where a store in SQLite is: what its URL names, the directory of the file, and what stands beside it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{anyhow, bail};
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};

use super::PATIENCE;

/// What SQLite keeps beside a file, and plays into whatever file it finds under that name.
const LOGS: [&str; 3] = ["-wal", "-shm", "-journal"];
/// What we keep there: whoever has the file open takes a place in it.
const LOCK: &str = "-lock";

/// A file beside this one, its name with an end.
pub(in crate::store) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(end);
    PathBuf::from(name)
}

/// Where SQLite's logs of a file stand, if there are any.
pub(in crate::store) fn logs(file: &Path) -> [PathBuf; 3] {
    LOGS.map(|end| beside(file, end))
}

/// The directory a file is in.
pub(in crate::store) fn directory(file: &Path) -> &Path {
    file.parent().filter(|directory| *directory != Path::new("")).unwrap_or(Path::new("."))
}

/// Where places are taken: beside the file itself, by whatever name it was found.
pub(in crate::store) fn lock(database: &Path) -> PathBuf {
    let found = database.canonicalize().or_else(|_| {
        let name = database.file_name().unwrap_or(database.as_os_str());
        directory(database).canonicalize().map(|directory| directory.join(name))
    });
    beside(&found.unwrap_or_else(|_| database.to_owned()), LOCK)
}

/// Whether a URL names no file: what is kept there ends with its connection.
pub(in crate::store) fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:")
}

/// The database in words: a password has no place in such a URL, and somebody may have put one there.
pub(super) fn shown(url: &str) -> &str {
    url.split_once('?').map_or(url, |(place, _)| place)
}

/// The file behind a URL, in a directory that is there.
pub(in crate::store) fn file_of(url: &str) -> anyhow::Result<PathBuf> {
    Ok(options(url)?.get_filename().to_owned())
}

/// Reads a URL. Why one can't be read is not said: the reason could repeat what should not stand there.
pub(in crate::store) fn parse(url: &str) -> anyhow::Result<SqliteConnectOptions> {
    SqliteConnectOptions::from_str(url)
        .map_err(|_| anyhow!("{} is no SQLite URL: write sqlite://<path of a file>", shown(url)))
}

/// How to connect to what a URL names.
pub(super) fn options(url: &str) -> anyhow::Result<SqliteConnectOptions> {
    let options = parse(url)?
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .synchronous(SqliteSynchronous::Full)
        // Erased words are overwritten, in the file and in what SQLite would put in a temporary one.
        .pragma("secure_delete", "on")
        .pragma("temp_store", "memory");
    let directory = directory(options.get_filename());
    if !directory.is_dir() {
        bail!(
            "the directory {} of the database does not exist: create it, or change DATABASE_URL",
            directory.display()
        );
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_lock_by_whatever_name_it_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("store.db");
        assert_eq!(lock(&file), lock(&dir.path().join(".").join("store.db")));
        assert!(lock(&file).ends_with("store.db-lock"));
        std::fs::write(&file, "").unwrap();
        assert_eq!(lock(&file), lock(&dir.path().join(".").join("store.db")));
        assert_eq!(directory(Path::new("store.db")), Path::new("."));
    }
}
