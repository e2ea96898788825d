//! Keeps everything in a database. Knows `app::ports` and the domain's types, and nothing of Slack, HTTP or configuration.
//!
//! To add something to keep: 1. a migration in `migrations/` (never change an applied one); 2. its row and SQL in the
//! file of its subject; 3. its place in `tests/store_contract.rs`. Words people wrote go to `words`, people to `person`.

pub mod backup;
mod error;
pub mod sqlite;

use std::sync::Arc;

use anyhow::bail;

use crate::app::ports::Store;

pub use self::sqlite::SqliteStore;

/// Opens the store at this URL, creates it if need be, and brings its schema up to date.
pub async fn open(url: &str) -> anyhow::Result<Arc<dyn Store>> {
    known(url)?;
    Ok(Arc::new(SqliteStore::open(url).await?))
}

/// Opens the store at this URL as it is, to look at it; `None` when there is none yet.
pub async fn inspect(url: &str) -> anyhow::Result<Option<Arc<dyn Store>>> {
    known(url)?;
    let store = SqliteStore::inspect(url).await?;
    Ok(store.map(|store| -> Arc<dyn Store> { Arc::new(store) }))
}

fn known(url: &str) -> anyhow::Result<()> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(()),
        Some("postgres" | "postgresql") => {
            bail!("PostgreSQL is not supported yet: set DATABASE_URL to sqlite://<path of a file>")
        }
        // The rest of the URL may hold a password.
        Some(scheme) => {
            bail!(
                "unknown database scheme {scheme:?}: set DATABASE_URL to sqlite://<path of a file>"
            )
        }
        None => bail!("DATABASE_URL is no URL: set it to sqlite://<path of a file>"),
    }
}
