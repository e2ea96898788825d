//! Killed again and again at random moments, the program loses no proposal and answers none twice; nor do two replicas of
//! which one or the other is killed.
//!
//! `SECONDLOOK_CRASH_KILLS=200 cargo test --test crash` kills it more often; a run is repeated with the
//! `SECONDLOOK_CRASH_SEED` it printed.

mod house;

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use house::binary::Program;
use house::{Door, MAILCHIMP, MAYA, is_card, postgres};
use jiff::Timestamp;
use secondlook::playground::{App, Channel, Options, Playground, Say, Workspace, World};
use secondlook::store;

const PROPOSALS: usize = 200;
const KILLS: usize = 20;
/// Tenths of a second until everything must be answered after the last start. On a server, what a dead process had begun
/// is taken over when its claim runs out, half a minute later.
const PATIENCE: usize = 1_200;

#[tokio::test]
async fn over_signed_http() {
    Crash::begin(Door::Http, None, 1).await.run().await;
}

#[tokio::test]
async fn over_socket_mode() {
    Crash::begin(Door::Socket, None, 1).await.run().await;
}

#[tokio::test]
async fn over_signed_http_on_postgres() {
    Crash::begin(Door::Http, Some(postgres::server()), 1).await.run().await;
}

#[tokio::test]
async fn over_socket_mode_on_postgres() {
    Crash::begin(Door::Socket, Some(postgres::server()), 1).await.run().await;
}

#[tokio::test]
async fn of_two_replicas_over_signed_http() {
    Crash::begin(Door::Http, Some(postgres::server()), 2).await.run().await;
}

#[tokio::test]
async fn of_two_replicas_over_socket_mode() {
    Crash::begin(Door::Socket, Some(postgres::server()), 2).await.run().await;
}

struct Crash {
    slack: Playground,
    door: Door,
    dir: tempfile::TempDir,
    database: String,
    /// The replicas that live.
    programs: Vec<Program>,
    replicas: usize,
    random: Random,
    /// The proposals, each in a channel of its own: channel and timestamp.
    said: Vec<(String, String)>,
}

impl Crash {
    async fn begin(door: Door, server: Option<&postgres::Server>, replicas: usize) -> Self {
        let options = Options {
            workspace: Workspace { channels: channels(), ..Workspace::default() },
            // Slack gives up after six minutes; the program comes back much sooner, but so many starts take longer.
            retries: vec![Duration::from_millis(250); 4_000],
            ..Options::default()
        };
        let seed =
            number("SECONDLOOK_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
        let dir = tempfile::tempdir().unwrap();
        let database = match server {
            Some(server) => server.database().await,
            None => format!("sqlite://{}", dir.path().join("secondlook.db").display()),
        };
        println!("SECONDLOOK_CRASH_SEED={seed} ({door:?}, {replicas} on {database})");
        Self {
            slack: Playground::start(options).await.unwrap(),
            door,
            dir,
            database,
            programs: Vec::new(),
            replicas,
            random: Random(seed | 1),
            said: Vec::new(),
        }
    }

    async fn run(mut self) {
        let kills = number("SECONDLOOK_CRASH_KILLS").map_or(KILLS, |n| usize::try_from(n).unwrap());
        let begun = Instant::now();
        for life in 0..kills {
            // One life in five ends while a program is still starting.
            let whole = self.random.below(5) > 0;
            self.start(whole).await;
            self.propose_until(PROPOSALS * (life + 1) / kills);
            self.random_moment().await;
            let victim = self.random.index(self.programs.len());
            self.programs.swap_remove(victim).kill();
        }
        self.propose_until(PROPOSALS);
        self.start(true).await;
        self.everything_is_answered_once().await;
        println!(
            "{:?}, {} on {}: {kills} kills in {:.0?}: {PROPOSALS} proposals, each answered by one card",
            self.door,
            self.replicas,
            self.database.split(':').next().unwrap(),
            begun.elapsed(),
        );
    }

    /// Brings up every replica that is down; Slack's requests go to the one that came last.
    async fn start(&mut self, until_ready: bool) {
        while self.programs.len() < self.replicas {
            let mut program =
                Program::serve_on(&self.slack, self.door, self.dir.path(), &self.database);
            if until_ready {
                program.ready(&self.slack, self.door).await;
            }
            self.programs.push(program);
        }
    }

    fn propose_until(&mut self, count: usize) {
        for n in self.said.len()..count {
            let channel = channel(n);
            let text = format!("{MAILCHIMP} since release {n}");
            let ts = self.slack.say(Say::new(&channel, MAYA, &text)).unwrap();
            self.said.push((channel, ts));
        }
    }

    /// After a few of the things that happen next, and a little later.
    async fn random_moment(&mut self) {
        let more = usize::try_from(self.random.below(30)).unwrap();
        let happened = |world: &World| world.calls().len() + world.deliveries().len();
        let until = self.slack.look(happened) + more;
        let seen = |world: &World| (happened(world) >= until).then_some(());
        drop(self.slack.wait_for(Duration::from_millis(200), seen).await);
        let later = Duration::from_micros(self.random.below(20_000));
        self.pause(later).await;
    }

    async fn everything_is_answered_once(&self) {
        let store = store::open(&self.database).await.unwrap();
        // Nothing that waits could still post a card: what remains is the erasure of each prompt's text in two weeks.
        let no_work_is_left = async || {
            store.backlog(Timestamp::UNIX_EPOCH).await.unwrap().waiting == PROPOSALS as u64
        };
        let mut answered = 0;
        for _ in 0..PATIENCE {
            answered = self.said.iter().filter(|proposal| self.cards(proposal) > 0).count();
            if answered == PROPOSALS && no_work_is_left().await {
                break;
            }
            self.pause(Duration::from_millis(100)).await;
        }
        assert_eq!(answered, PROPOSALS, "proposals are lost\n{}", self.log());
        assert!(no_work_is_left().await, "work is left\n{}", self.log());
        for proposal in &self.said {
            assert_eq!(self.cards(proposal), 1, "{proposal:?}\n{}", self.log());
        }
        assert_eq!(self.slack.unacknowledged(), Vec::<String>::new());
    }

    fn cards(&self, (channel, ts): &(String, String)) -> usize {
        self.slack.thread(channel, ts).iter().filter(|message| is_card(message)).count()
    }

    fn log(&self) -> String {
        self.programs.iter().map(Program::log).collect::<Vec<_>>().join("\n")
    }

    async fn pause(&self, pause: Duration) {
        drop(self.slack.wait_for(pause, |_| None::<()>).await);
    }
}

fn channels() -> Vec<Channel> {
    let members = [MAYA, &App::default().user_id];
    (0..PROPOSALS)
        .map(|n| Channel::public(&channel(n), &format!("team-{n}"), "", &members))
        .collect()
}

fn channel(n: usize) -> String {
    format!("C0TEAM{n:04}")
}

/// Xorshift: enough to scatter the kills, and the same again from the same seed.
struct Random(u64);

impl Random {
    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[expect(clippy::disallowed_methods, reason = "how often and from which seed is said from outside")]
fn number(variable: &str) -> Option<u64> {
    Some(std::env::var(variable).ok()?.parse().expect("a number"))
}
