//! What the store costs: `cargo bench --bench store` makes changes and claims work on a SQLite file and on PostgreSQL.
//!
//! Nothing is asserted: machines differ. Both write to disk before they say "committed".

#[path = "../tests/contract/house.rs"]
mod house;
#[path = "../tests/house/postgres.rs"]
mod postgres;
#[path = "../tests/house/tables.rs"]
mod tables;

use std::sync::Arc;
use std::time::Instant;

use house::{House, at, case, of_case, touch};
use postgres::Server;
use secondlook::app::ports::{Change, JobEnd, NewJob, Store, Work};
use secondlook::domain::ChannelId;
use secondlook::domain::investigation::{Case, CaseNumber};
use secondlook::store;
use tokio::task::JoinSet;

const CASES: u32 = 400;
const JOBS: u32 = 1_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::durable();
        for at_once in [1, 4, 16] {
            measure("SQLite file", &House::file().await, at_once).await;
            let database = server.database().await;
            measure("PostgreSQL", &House::on(database).await, at_once).await;
        }
    });
}

/// So many at once, every second one in another process as far as the store can tell.
async fn measure(name: &str, house: &House, at_once: u32) {
    let other = store::open(&house.url()).await.unwrap();
    let stores: Vec<Arc<dyn Store>> = (0..at_once)
        .map(|n| if n % 2 == 0 { house.store.clone() } else { other.clone() })
        .collect();
    let commits = commits(&stores).await;
    let jobs = (1..=JOBS).map(|n| NewJob { work: Work::Text(CaseNumber(n)), run_at: at(0) });
    house.commit(&Change { jobs: jobs.collect(), ..touch() }).await.unwrap();
    let claims = claims(&stores).await;
    println!(
        "{name}, {at_once} at once: {commits:.0} new cases/s; {claims:.0} jobs/s claimed and ended"
    );
}

async fn commits(stores: &[Arc<dyn Store>]) -> f64 {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (first, store) in (1..).zip(stores.iter().cloned()) {
        let step = stores.len();
        tasks.spawn(async move {
            for number in (first..=CASES).step_by(step) {
                let channel = ChannelId(format!("C{number}"));
                let change = Change {
                    jobs: vec![NewJob { work: Work::ShowCard(CaseNumber(number)), run_at: at(9) }],
                    ..of_case(Case { channel, ..case(number) })
                };
                store.commit(&change, at(0)).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    f64::from(CASES) / begun.elapsed().as_secs_f64()
}

async fn claims(stores: &[Arc<dyn Store>]) -> f64 {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for store in stores {
        let store = store.clone();
        tasks.spawn(async move {
            loop {
                let jobs = store.claim(at(0), at(1), 16, &[]).await.unwrap();
                if jobs.is_empty() {
                    return;
                }
                for job in jobs {
                    let end = Change { job: Some((job, JobEnd::Done)), ..Change::default() };
                    store.commit(&end, at(0)).await.unwrap();
                }
            }
        });
    }
    tasks.join_all().await;
    f64::from(JOBS) / begun.elapsed().as_secs_f64()
}
