//! The store under the program, and what can be done to it from outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secondlook::app::ports::Store;
use secondlook::store;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use super::house::postgres::{self, Server};
use super::report::Held;

/// Lets nobody else write; reading goes on.
const LOCK_ALL: &str = "do $$ declare t text; begin
    for t in select tablename from pg_tables where schemaname = 'public' loop
        execute format('lock table %I in exclusive mode', t);
    end loop; end $$";

/// A server's disk can't be filled without harm to others; this is what it says when it is full.
const FILL_DISK: &str = "create function disk_is_full() returns trigger language plpgsql as
        $$ begin raise exception 'no space left' using errcode = '53100'; end $$;
    do $$ declare t text; begin
    for t in select tablename from pg_tables where schemaname = 'public' loop
        execute format('create trigger disk_is_full before insert or update or delete on %I
            for each statement execute function disk_is_full()', t);
    end loop; end $$";
const EMPTY_DISK: &str = "drop function disk_is_full cascade";

/// Which store the matrix is played on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A store of a row's own.
pub struct Database {
    pub kind: Kind,
    file: PathBuf,
    url: String,
    /// A server of its own, where it is to be stopped.
    server: Option<Server>,
    lock: Option<Lock>,
}

enum Lock {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    /// A new one; on a server of its own when it is to be taken away.
    pub async fn new(kind: Kind, dir: &Path, to_be_taken_away: bool) -> Self {
        let file = dir.join("secondlook.db");
        let server = (kind == Kind::Postgres && to_be_taken_away).then(Server::start);
        let url = match (kind, &server) {
            (Kind::Sqlite, _) => format!("sqlite://{}", file.display()),
            (Kind::Postgres, Some(server)) => server.database().await,
            (Kind::Postgres, None) => postgres::server().database().await,
        };
        Self { kind, file, url, server, lock: None }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection of the test's own, beside the program's.
    pub async fn look(&self) -> Result<Arc<dyn Store>, String> {
        let store = store::inspect(&self.url).await.map_err(|error| error.to_string())?;
        store.ok_or_else(|| "the store is not there".to_owned())
    }

    /// Takes it away: the file under another name, as a wrong `mv` does; the server stopped.
    pub fn take_away(&self) -> Held {
        match &self.server {
            Some(server) => server.pull_the_plug(),
            None => return self.rename("", ".away"),
        }
        Ok(())
    }

    pub fn give_back(&self) -> Held {
        match &self.server {
            Some(server) => server.plug_in(),
            None => return self.rename(".away", ""),
        }
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Held {
        for part in ["", "-wal", "-shm"] {
            let name = |ending: &str| format!("{}{part}{ending}", self.file.display());
            fs::rename(name(from), name(to)).map_err(|error| format!("{}: {error}", name(from)))?;
        }
        Ok(())
    }

    /// Whether somebody who looks for the file now finds it.
    pub fn is_there(&self) -> bool {
        self.file.exists()
    }

    pub async fn fill_disk(&self) -> Held {
        postgres::run(&self.url, FILL_DISK).await;
        Ok(())
    }

    pub async fn empty_disk(&self) -> Held {
        postgres::run(&self.url, EMPTY_DISK).await;
        Ok(())
    }

    /// Another process writes, and goes on writing.
    pub async fn lock(&mut self) -> Held {
        self.lock = Some(self.locked().await.map_err(|error| error.to_string())?);
        Ok(())
    }

    async fn locked(&self) -> sqlx::Result<Lock> {
        Ok(match self.kind {
            Kind::Sqlite => {
                let mut other = SqliteConnection::connect(&self.url).await?;
                sqlx::query("begin immediate").execute(&mut other).await?;
                Lock::Sqlite(other)
            }
            Kind::Postgres => {
                let mut other = PgConnection::connect(&self.url).await?;
                sqlx::query("begin").execute(&mut other).await?;
                sqlx::query(LOCK_ALL).execute(&mut other).await?;
                Lock::Postgres(other)
            }
        })
    }

    /// The other process ends.
    pub async fn unlock(&mut self) -> Held {
        let closed = match self.lock.take() {
            Some(Lock::Sqlite(other)) => other.close().await,
            Some(Lock::Postgres(other)) => other.close().await,
            None => Ok(()),
        };
        closed.map_err(|error| error.to_string())
    }
}
