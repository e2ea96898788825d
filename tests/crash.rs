//! Killed again and again at random moments, the program loses no proposal and answers none twice.
//!
//! `SECONDLOOK_CRASH_KILLS=200 cargo test --test crash` kills it more often; a run is repeated with the
//! `SECONDLOOK_CRASH_SEED` it printed.

mod house;

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use house::binary::Program;
use house::{Door, MAILCHIMP, MAYA, is_card};
use jiff::Timestamp;
use secondlook::playground::{App, Channel, Options, Playground, Say, Workspace, World};
use secondlook::store;

const PROPOSALS: usize = 200;
const KILLS: usize = 20;
/// Tenths of a second until everything must be answered after the last start.
const PATIENCE: usize = 300;

#[tokio::test]
async fn over_signed_http() {
    Crash::begin(Door::Http).await.run().await;
}

#[tokio::test]
async fn over_socket_mode() {
    Crash::begin(Door::Socket).await.run().await;
}

struct Crash {
    slack: Playground,
    door: Door,
    dir: tempfile::TempDir,
    random: Random,
    /// The proposals, each in a channel of its own: channel and timestamp.
    said: Vec<(String, String)>,
}

impl Crash {
    async fn begin(door: Door) -> Self {
        let options = Options {
            workspace: Workspace { channels: channels(), ..Workspace::default() },
            // Slack gives up after six minutes; the program comes back much sooner, but so many starts take longer.
            retries: vec![Duration::from_millis(250); 4_000],
            ..Options::default()
        };
        let seed =
            number("SECONDLOOK_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
        println!("SECONDLOOK_CRASH_SEED={seed} ({door:?})");
        Self {
            slack: Playground::start(options).await.unwrap(),
            door,
            dir: tempfile::tempdir().unwrap(),
            random: Random(seed | 1),
            said: Vec::new(),
        }
    }

    async fn run(mut self) {
        let kills = number("SECONDLOOK_CRASH_KILLS").map_or(KILLS, |n| usize::try_from(n).unwrap());
        for life in 0..kills {
            let mut program = Program::serve(&self.slack, self.door, self.dir.path());
            // One life in five ends while the program is still starting.
            let starts = self.random.below(5) > 0;
            if starts {
                program.ready(&self.slack, self.door).await;
            }
            self.propose_until(PROPOSALS * (life + 1) / kills);
            self.random_moment().await;
            program.kill();
        }
        self.propose_until(PROPOSALS);
        let mut program = Program::serve(&self.slack, self.door, self.dir.path());
        program.ready(&self.slack, self.door).await;
        self.everything_is_answered_once(&program).await;
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

    async fn everything_is_answered_once(&self, program: &Program) {
        let mut answered = 0;
        for _ in 0..PATIENCE {
            answered = self.said.iter().filter(|proposal| self.cards(proposal) > 0).count();
            if answered == PROPOSALS && self.no_work_is_left().await {
                break;
            }
            self.pause(Duration::from_millis(100)).await;
        }
        assert_eq!(answered, PROPOSALS, "proposals are lost\n{}", program.log());
        assert!(self.no_work_is_left().await, "work is left\n{}", program.log());
        for proposal in &self.said {
            assert_eq!(self.cards(proposal), 1, "{proposal:?}\n{}", program.log());
        }
        assert_eq!(self.slack.unacknowledged(), Vec::<String>::new());
    }

    fn cards(&self, (channel, ts): &(String, String)) -> usize {
        self.slack.thread(channel, ts).iter().filter(|message| is_card(message)).count()
    }

    /// Nothing that waits could still post a card: what remains is the erasure of each prompt's text in two weeks.
    async fn no_work_is_left(&self) -> bool {
        let url = format!("sqlite://{}", self.dir.path().join("secondlook.db").display());
        let store = store::open(&url).await.unwrap();
        store.backlog(Timestamp::UNIX_EPOCH).await.unwrap().waiting == PROPOSALS as u64
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
