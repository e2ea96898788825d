//! What the program costs: `cargo bench --bench load` starts it in a stand-in for Slack and prints its figures.
//!
//! Nothing is asserted: machines differ. Each figure is taken three times, so that the machine's noise shows.

#[path = "../tests/house/mod.rs"]
mod house;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use house::binary::Program;
use house::{BACKEND, Door, MAILCHIMP, MAYA, TEAM, is_card};
use secondlook::playground::{App, Channel, Options, Playground, Say, Workspace, sign};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

const ROUNDS: usize = 3;
const SECONDS: u64 = 15;
const AT_ONCE: usize = 200;
const CONNECTIONS: usize = 8;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for round in 1..=ROUNDS {
            println!("— round {round} of {ROUNDS}");
            starts().await;
            for per_second in [200, 1_000] {
                events(per_second).await;
            }
            commands().await;
            cards().await;
        }
    });
}

/// A started program in its stand-in.
struct Bench {
    slack: Playground,
    program: Program,
    address: String,
    _dir: tempfile::TempDir,
}

impl Bench {
    async fn start() -> Self {
        let members = [MAYA, &App::default().user_id];
        let channel = |n| Channel::public(&team(n), &format!("team-{n}"), "", &members);
        let mut workspace = Workspace::default();
        workspace.channels.extend((0..AT_ONCE).map(channel));
        let slack = Playground::start(Options { workspace, ..Options::default() }).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut program = Program::serve(&slack, Door::Http, dir.path());
        let address = program.address().await;
        Self { slack, program, address, _dir: dir }
    }

    fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.pid()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: f64 = line.and_then(|l| l.trim().split(' ').next()?.parse().ok()).unwrap_or(0.0);
        format!("{:.1} MiB", kib / 1024.0)
    }
}

fn team(n: usize) -> String {
    format!("C0TEAM{n:04}")
}

/// From the start of the process to the first `/readyz` that says yes.
async fn starts() {
    let mut times = Vec::new();
    for _ in 0..7 {
        let begun = Instant::now();
        let bench = Bench::start().await;
        let mut line = Line::open(&bench).await;
        while line.send(b"GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n").await != Some(200) {}
        times.push(begun.elapsed());
    }
    times.sort();
    println!("start to ready: median {:.1?} of {times:.1?}", times[times.len() / 2]);
}

/// Signed events at a steady pace, one in fifty a proposal.
async fn events(per_second: u64) {
    let bench = Bench::start().await;
    let idle = bench.memory();
    let total = per_second * SECONDS;
    let queue = Arc::new(Mutex::new(0..total));
    let begun = Instant::now();
    let mut lines = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (queue, secret) = (Arc::clone(&queue), bench.slack.signing_secret().to_owned());
        let mut line = Line::open(&bench).await;
        lines.spawn(async move {
            let mut tick = interval(Duration::from_millis(1));
            tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let (mut times, mut errors) = (Vec::new(), 0_u32);
            loop {
                let Some(n) = queue.lock().unwrap().next() else { return (times, errors) };
                let due = begun + Duration::from_micros(n * 1_000_000 / per_second);
                while Instant::now() < due {
                    tick.tick().await;
                }
                let request = event(n, &secret);
                let sent = Instant::now();
                let status = line.send(request.as_bytes()).await;
                times.push(sent.elapsed());
                errors += u32::from(status != Some(200));
            }
        });
    }
    let (mut times, mut errors) = (Vec::new(), 0);
    for (more, wrong) in lines.join_all().await {
        times.extend(more);
        errors += wrong;
    }
    times.sort();
    let at = |per_cent: usize| times[(times.len() - 1) * per_cent / 100];
    println!(
        "{per_second} events/s for {:.1?}: acknowledged p50 {:.2?} p99 {:.2?} max {:.2?}, {errors} errors; memory {idle} idle, {} after",
        begun.elapsed(),
        at(50),
        at(99),
        at(100),
        bench.memory(),
    );
}

async fn commands() {
    let bench = Bench::start().await;
    bench.slack.set_request_url(&format!("http://{}/slack/events", bench.address)).await.unwrap();
    let mut times = Vec::new();
    for _ in 0..300 {
        let answer = bench.slack.command(MAYA, BACKEND, "/investigate", "help").await.unwrap();
        times.push(answer.ack.expect("an answer").after);
    }
    times.sort();
    println!("/investigate help: median {:.2?}, p99 {:.2?}", times[150], times[297]);
}

/// Many proposals at once, each in a channel of its own, until every card stands.
async fn cards() {
    let bench = Bench::start().await;
    bench.slack.set_request_url(&format!("http://{}/slack/events", bench.address)).await.unwrap();
    let begun = Instant::now();
    for n in 0..AT_ONCE {
        bench.slack.say(Say::new(&team(n), MAYA, MAILCHIMP)).unwrap();
    }
    loop {
        let posted = |w: &secondlook::playground::World| {
            w.calls().iter().filter(|call| call.method == "chat.postMessage").count()
        };
        if bench.slack.look(posted) >= AT_ONCE {
            break;
        }
        drop(bench.slack.wait_for(Duration::from_millis(10), |_| None::<()>).await);
    }
    let took = begun.elapsed();
    let cards = (0..AT_ONCE).filter(|n| bench.slack.look(|w| w.all(&team(*n))).iter().any(is_card));
    let cards = cards.count();
    println!("{cards} cards in {took:.1?}: {}/s", 1_000 * cards as u128 / took.as_millis().max(1));
}

/// A kept connection to the program: HTTP by hand, so that the client costs next to nothing.
struct Line(TcpStream);

impl Line {
    async fn open(bench: &Bench) -> Self {
        let tcp = TcpStream::connect(&bench.address).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self(tcp)
    }

    /// Sends a request and reads its whole answer; returns its status.
    async fn send(&mut self, request: &[u8]) -> Option<u16> {
        self.0.write_all(request).await.ok()?;
        let mut answer = Vec::new();
        loop {
            if self.0.read_buf(&mut answer).await.ok()? == 0 {
                return None;
            }
            let text = String::from_utf8_lossy(&answer).to_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.split("content-length: ").nth(1).and_then(|l| l.lines().next());
            if body.len() >= length.and_then(|l| l.trim().parse().ok()).unwrap_or(0) {
                return head.split(' ').nth(1)?.parse().ok();
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "signatures carry the machine's time")]
fn event(n: u64, secret: &str) -> String {
    const ORDINARY: [&str; 4] = [
        "morning! did anybody see the deploy of yesterday evening?",
        "the build is green again, thanks",
        "can somebody have a look at my pull request? it only moves the tests",
        "we switched the cron job to 6 am last week, the report is on the wiki",
    ];
    let proposal = n.is_multiple_of(50);
    let text = if proposal { MAILCHIMP } else { ORDINARY[(n % 4) as usize] };
    let channel = if proposal { team((n / 50) as usize % AT_ONCE) } else { BACKEND.to_owned() };
    let ts = format!("{}.{:06}", 1_763_712_000 + n / 1_000, n % 1_000);
    let body = json!({
        "type": "event_callback", "team_id": TEAM, "event_id": format!("Ev{n}"), "event_time": 1_763_712_000,
        "authorizations": [{"team_id": TEAM, "is_bot": true, "is_enterprise_install": false}],
        "event": {"type": "message", "channel": channel, "channel_type": "channel", "user": MAYA, "text": text, "ts": ts},
    })
    .to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    format!(
        "POST /slack/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: {}\r\nContent-Length: {}\r\n\r\n{body}",
        sign(secret, now, &body),
        body.len(),
    )
}
