//! The table: how each combination acknowledges at a set rate, and the highest rate it holds.

use std::sync::Arc;
use std::time::Duration;

use secondlook::app::ports::{Clock as _, SystemClock};
use secondlook::store;

use crate::Args;
use crate::bench::Bench;
use crate::house::postgres::Server;
use crate::pace::{Figures, Mix, pace};
use crate::seed::{Kind, Seeded};

/// What "held" means: so many in a hundred acknowledgements are this fast, and none fails.
const P99_MAX: Duration = Duration::from_millis(50);
/// Where the search for the highest rate begins.
const FIRST: u64 = 50;
/// How often the gap between held and not held is halved.
const HALVINGS: u32 = 2;
/// A rate that wasn't held for long enough is lowered and tried again so often.
const TRIES: u32 = 6;
/// How long cards may take to be posted before the next measurement; what is left then stays to be done meanwhile.
const REST_MAX: Duration = Duration::from_secs(10);

/// One store with the programs on it.
struct Cell<'a> {
    args: &'a Args,
    bench: Arc<Bench>,
    store: &'a Seeded,
    mix: Mix,
}

/// The machine and how busy it is.
pub(crate) fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo");
    let name =
        processor.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let memory = read("/proc/meminfo");
    let kib = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    format!(
        "{}; {} × {}, {} GiB; load average {}",
        SystemClock.now().strftime("%Y-%m-%d %H:%M UTC"),
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        name.unwrap_or("processor"),
        kib.unwrap_or(0) / 1024 / 1024,
        load(),
    )
}

/// The load average of the last minute, ours included.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or("?").to_owned()
}

/// Prints a row for every combination.
pub(crate) async fn print(args: &Args) {
    println!(
        "acknowledged at {} events/s for {} s, then the highest rate held for {} s with p99 under {P99_MAX:.0?}\n",
        args.rate,
        args.step,
        args.held.unwrap_or(args.step),
    );
    println!(
        "| messages | store | replicas | workspaces | closed cases | p50 | p99 | p99.9 | errors | memory | highest rate | its p50 | p99 | p99.9 | errors | memory | load |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let server = Server::durable();
    for &cases in &args.cases {
        for &workspaces in &args.workspaces {
            for &kind in &args.store {
                let store = Seeded::make(kind, &server, cases, workspaces).await;
                for &replicas in args.replicas.iter().filter(|n| kind == Kind::Postgres || **n == 1)
                {
                    for &mix in &args.mix {
                        let bench =
                            Arc::new(Bench::start_on(Some(&store.url), replicas, workspaces).await);
                        let cell = Cell { args, bench, store: &store, mix };
                        println!(
                            "| {} | {} | {replicas} | {workspaces} | {cases} | {} |",
                            mix.name(),
                            kind.name(),
                            cell.measure().await,
                        );
                    }
                }
            }
        }
    }
}

impl Cell<'_> {
    async fn measure(&self) -> String {
        // The first events of a process wait for connections and for what is made at first use.
        self.pace(FIRST, 1).await;
        let usual = self.pace(self.args.rate, self.args.step).await;
        let usual = self.row(&usual);
        let (rate, figures) = self.highest().await;
        format!("{usual} | {rate}/s | {} | {}", self.row(&figures), load())
    }

    fn row(&self, figures: &Figures) -> String {
        let ms = |per_mille| format!("{:.1} ms", figures.at(per_mille).as_secs_f64() * 1000.0);
        let memory = self.bench.memory();
        format!("{} | {} | {} | {} | {memory:.0} MiB", ms(500), ms(990), ms(999), figures.errors)
    }

    /// Doubles the rate until it isn't held, halves the gap, and holds what is left.
    async fn highest(&self) -> (u64, Figures) {
        let (mut held, mut rate) = (FIRST / 2, FIRST);
        while self.holds(rate).await {
            (held, rate) = (rate, rate * 2);
        }
        let mut not_held = rate;
        for _ in 0..HALVINGS {
            let between = held.midpoint(not_held);
            if self.holds(between).await { held = between } else { not_held = between }
        }
        for _ in 1..TRIES {
            let figures = self.pace(held, self.args.held.unwrap_or(self.args.step)).await;
            if is_held(&figures) {
                return (held, figures);
            }
            held = held * 4 / 5;
        }
        let figures = self.pace(held, self.args.held.unwrap_or(self.args.step)).await;
        (if is_held(&figures) { held } else { 0 }, figures)
    }

    /// Whether the rate is held, at the second try if need be: others use the machine too.
    async fn holds(&self, rate: u64) -> bool {
        is_held(&self.pace(rate, self.args.step).await)
            || is_held(&self.pace(rate, self.args.step).await)
    }

    /// Sends, then lets the cards be posted. What was acknowledged and not recorded counts as an error.
    async fn pace(&self, rate: u64, seconds: u64) -> Figures {
        let before = self.store.recorded().await;
        let mut figures = pace(&self.bench, self.mix, rate, seconds).await;
        let recorded = self.store.recorded().await - before;
        if figures.errors == 0 {
            figures.errors = figures.proposals.abs_diff(recorded);
        }
        self.rest().await;
        figures
    }

    async fn rest(&self) {
        let store = store::inspect(&self.store.url).await.unwrap().expect("it is there");
        let done = async {
            while store.backlog(SystemClock.now()).await.unwrap().due > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        drop(tokio::time::timeout(REST_MAX, done).await);
    }
}

fn is_held(figures: &Figures) -> bool {
    figures.errors == 0 && figures.at(990) < P99_MAX
}
