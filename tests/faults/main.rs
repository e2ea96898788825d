//! The fault matrix: every fault against every promise, with the real program and the stand-in for Slack.
//!
//! `cargo test --test faults -- --nocapture` plays it and prints the table. `SECONDLOOK_FAULTS_ROUNDS=5` plays it five
//! times over, `SECONDLOOK_FAULTS_ONLY=clock` only the rows whose name has the word in it, `SECONDLOOK_FAULTS_KILLS=20` kills
//! the program that often in the last row; a run is repeated with the `SECONDLOOK_FAULTS_SEED` it printed.
//!
//! To add a fault: 1. its line in `troubles!`; 2. how it begins and ends, in `trouble.rs`; 3. how it shows, in `signs.rs`.

mod database;
mod outside;
mod report;
mod scene;
mod signs;
mod trouble;

#[path = "../house/mod.rs"]
mod house;

use std::hash::{BuildHasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::time::Instant;

use futures_util::{FutureExt as _, StreamExt as _};

use self::database::Kind;
use self::report::{Held, Promise, Report, table};
use self::scene::Scene;
use self::trouble::Trouble;

/// How many rows are played at once: most of a row is waiting.
const AT_ONCE: usize = 8;
/// How often the program is killed in the last row.
const KILLS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() {
    matrix(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    matrix(Kind::Postgres).await;
}

async fn matrix(kind: Kind) {
    for _ in 0..number("SECONDLOOK_FAULTS_ROUNDS").unwrap_or(1) {
        round(kind).await;
    }
}

async fn round(kind: Kind) {
    println!("SECONDLOOK_FAULTS_SEED={}", *SEED);
    let only = variable("SECONDLOOK_FAULTS_ONLY").unwrap_or_default();
    let rows = Trouble::ALL.iter().filter(|trouble| trouble.name().contains(&only));
    let mut rows: Vec<(usize, Trouble)> = rows.copied().enumerate().collect();
    rows.sort_by_key(|(_, trouble)| !trouble.is_long());
    let played = rows.into_iter().map(|(n, trouble)| {
        let row = Box::pin(row(trouble, kind));
        async move { (n, row.await) }
    });
    let mut reports: Vec<(usize, Report)> =
        futures_util::stream::iter(played).buffer_unordered(AT_ONCE).collect().await;
    reports.sort_by_key(|(n, _)| *n);
    let reports: Vec<Report> = reports.into_iter().map(|(_, report)| report).collect();
    let (text, broken) = table(&format!("{kind:?}"), &reports);
    println!("{text}");
    assert_eq!(broken, 0, "{text}");
}

async fn row(trouble: Trouble, kind: Kind) -> Report {
    let begun = Instant::now();
    let mut report = Report::new(trouble.name());
    let mut scene = Scene::begin(kind, trouble).await;
    let played = AssertUnwindSafe(play(trouble, &mut scene, &mut report)).catch_unwind().await;
    let ended = played.unwrap_or_else(|_| Err("it panicked; see above".to_owned()));
    report.end(ended, begun.elapsed(), scene.program.log());
    report
}

async fn play(trouble: Trouble, scene: &mut Scene, report: &mut Report) -> Held {
    scene.long_ago().await?;
    trouble.hurt(scene).await?;
    scene.clock.set(trouble.present());
    scene.clock_is_seen().await?;
    scene.meanwhile().await;
    trouble.worsen(scene).await?;
    report.note(Promise::Struck, trouble.struck(scene).await);
    match trouble.is_one_channels(scene.database.kind) {
        Ok(()) => report.note(Promise::Others, scene.others_go_on().await),
        Err(why) => report.not_applicable(Promise::Others, why),
    }
    let shown = trouble.shows(scene).await;
    trouble.heal(scene).await?;
    report.note(Promise::Recovers, scene.recovers().await);
    report.note(Promise::Once, scene.once().await);
    report.note(Promise::NotTwice, scene.nothing_twice());
    report.note(Promise::Parked, scene.poison_is_parked().await);
    report.note(Promise::Truth, shown.and(scene.tells_the_truth_after().await));
    Ok(())
}

/// No more than there are things to propose.
fn kills() -> usize {
    number("SECONDLOOK_FAULTS_KILLS").map_or(KILLS, |n| usize::try_from(n).unwrap().min(20))
}

static SEED: LazyLock<u64> = LazyLock::new(|| {
    number("SECONDLOOK_FAULTS_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed")) | 1
});

/// Xorshift: enough to scatter the kills, and the same again from the same seed.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(*SEED)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn number(name: &str) -> Option<u64> {
    Some(variable(name)?.parse().expect("a number"))
}

#[expect(clippy::disallowed_methods, reason = "how much is played is said from outside")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
