//! Stores to measure on: made where they are measured, empty or filled with closed cases past the program.

use std::time::Instant;

use clap::ValueEnum;
use secondlook::app::ports::{Clock as _, SystemClock};
use secondlook::domain::digest::Plan;
use secondlook::domain::{ChannelId, MessageTs, WorkspaceId};
use secondlook::store;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::bench::{CHANNELS, channel};
use crate::house::TEAM;
use crate::house::postgres::Server;

const SEED: &str = include_str!("seed.sql");
/// How often a query is timed; the median is printed. So often, because the first looks open the pool's ten connections, and
/// a query's first time on each of them takes several times as long.
const LOOKS: usize = 31;

/// Which database.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A store that several measurements share.
pub(crate) struct Seeded {
    kind: Kind,
    pub(crate) url: String,
    /// Where a file is; the database of a server goes with its server.
    _dir: Option<TempDir>,
}

impl Seeded {
    /// A store with so many closed cases in so many workspaces.
    pub(crate) async fn make(kind: Kind, server: &Server, cases: u64, workspaces: u64) -> Self {
        let seeded = match kind {
            Kind::Sqlite => {
                let dir = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", dir.path().join("secondlook.db").display());
                Self { kind, url, _dir: Some(dir) }
            }
            Kind::Postgres => Self { kind, url: server.database().await, _dir: None },
        };
        store::migrate(&seeded.url).await.unwrap();
        if cases > 0 {
            let begun = Instant::now();
            seeded.fill(cases, workspaces).await;
            eprintln!("({cases} closed cases written in {:.0?})", begun.elapsed());
            seeded.look().await;
        }
        seeded
    }

    async fn fill(&self, cases: u64, workspaces: u64) {
        let now = SystemClock.now().as_millisecond();
        let mut text = SEED.to_owned();
        for (name, value) in [
            ("{cases}", cases.to_string()),
            ("{workspaces}", workspaces.to_string()),
            ("{channels}", (CHANNELS / workspaces).to_string()),
            ("{now}", now.to_string()),
        ] {
            text = text.replace(name, &value);
        }
        // Without what makes single changes safe: nobody else is there, and it either succeeds or is thrown away.
        let text = match self.kind {
            Kind::Sqlite => format!(
                "pragma foreign_keys = off; pragma synchronous = off; begin; {text} commit;"
            ),
            Kind::Postgres => format!(
                "set session_replication_role = replica; {text}
                 select setval(pg_get_serial_sequence('person', 'person_id'), 5000); analyze;"
            ),
        };
        self.run(&text).await;
    }

    /// Prints how long the store takes to read what people and messages ask of it.
    async fn look(&self) {
        let store = store::inspect(&self.url).await.unwrap().expect("it is there");
        let (ours, now) = (WorkspaceId::from(TEAM), SystemClock.now());
        let (place, nowhere) = (ChannelId(channel(1)), MessageTs("1.000001".to_owned()));
        let week = Plan::default().schedule.latest(now).expect("there are weeks");
        let (mut list, mut digest, mut thread, mut said) = (vec![], vec![], vec![], vec![]);
        let mut cases = 0;
        for _ in 0..LOOKS {
            let begun = Instant::now();
            store.investigations(&ours, &place, 11).await.unwrap();
            list.push(begun.elapsed());
            let begun = Instant::now();
            cases = store.cases_of(&ours, &week).await.unwrap().len();
            digest.push(begun.elapsed());
            let begun = Instant::now();
            store.case_in_thread(&ours, &place, &nowhere).await.unwrap();
            thread.push(begun.elapsed());
            let begun = Instant::now();
            store.prompts(&ours, &place, now).await.unwrap();
            said.push(begun.elapsed());
        }
        let [list, digest, thread, said] = [list, digest, thread, said].map(|mut times| {
            times.sort();
            times[LOOKS / 2]
        });
        eprintln!(
            "({}: list {list:.1?}, digest of {cases} cases {digest:.1?}, case of a thread {thread:.1?}, prompts of a channel {said:.1?})",
            self.kind.name()
        );
    }

    async fn run(&self, text: &str) {
        let text = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        match self.kind {
            Kind::Sqlite => {
                text.execute(&mut SqliteConnection::connect(&self.url).await.unwrap())
                    .await
                    .unwrap();
            }
            Kind::Postgres => {
                text.execute(&mut PgConnection::connect(&self.url).await.unwrap()).await.unwrap();
            }
        }
    }

    /// How many events it has recorded.
    pub(crate) async fn recorded(&self) -> u64 {
        let text = "select count(*) from seen_event";
        let recorded: i64 = match self.kind {
            Kind::Sqlite => {
                let mut conn = SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(text).fetch_one(&mut conn).await.unwrap()
            }
            Kind::Postgres => {
                let mut conn = PgConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(text).fetch_one(&mut conn).await.unwrap()
            }
        };
        recorded.cast_unsigned()
    }
}
