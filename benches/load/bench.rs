//! The program in its stand-in, one process or several behind a round-robin, and kept connections to them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use secondlook::playground::{App, Channel, Options, Playground};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::browser::Browser;
use crate::house::binary::Program;
use crate::house::{Door, MAYA, TEAM};

/// How many channels all workspaces have together, besides their usual ones.
pub(crate) const CHANNELS: u64 = 2_000;

/// Started programs in their stand-in.
pub(crate) struct Bench {
    pub(crate) slack: Playground,
    /// The workspaces besides the first.
    others: Vec<Playground>,
    replicas: Vec<Replica>,
    next: AtomicUsize,
    /// When the first of them was started.
    pub(crate) begun: Instant,
    _dir: tempfile::TempDir,
}

struct Replica {
    program: Program,
    address: String,
    free: Mutex<Vec<Line>>,
}

/// A channel for proposals.
pub(crate) fn channel(n: u64) -> String {
    format!("C0TEAM{n}")
}

/// The n-th workspace; the first is the stand-in's own.
pub(crate) fn workspace(n: u64) -> String {
    if n == 0 { TEAM.to_owned() } else { format!("T0BENCH{n}") }
}

/// The n-th of so many workspaces with its share of the channels.
fn options(n: u64, workspaces: u64) -> Options {
    let members = [MAYA, &App::default().user_id];
    let made = |n| Channel::public(&channel(n), &format!("team-{n}"), "", &members);
    let mut options = Options::default();
    options.workspace.id = workspace(n);
    options.workspace.channels.extend((0..CHANNELS / workspaces).map(made));
    options
}

impl Bench {
    /// One program on a file of its own, in one workspace.
    pub(crate) async fn start() -> Self {
        Self::start_on(None, 1, 1).await
    }

    /// So many programs on one store, installed in so many workspaces.
    pub(crate) async fn start_on(database: Option<&str>, replicas: u64, workspaces: u64) -> Self {
        let slack = Playground::start(options(0, workspaces)).await.unwrap();
        let others = (1..workspaces).map(|n| slack.another_workspace(options(n, workspaces)));
        let others: Vec<Playground> = others.collect();
        let dir = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}", dir.path().join("secondlook.db").display());
        let (begun, mut started) = (Instant::now(), Vec::new());
        for _ in 0..replicas {
            let database = database.unwrap_or(&file);
            let mut program = Program::serve_on(&slack, Door::Http, dir.path(), database);
            let address = program.address().await;
            started.push(Replica { program, address, free: Mutex::default() });
        }
        let bench =
            Self { slack, others, replicas: started, next: AtomicUsize::new(0), begun, _dir: dir };
        secondlook::slack::install_tls_provider();
        for other in &bench.others {
            let browser = Browser::new(bench.address().parse().unwrap());
            let begun = browser.get("/slack/install").await;
            let back = other.allow(begun.location(), &[]).unwrap();
            browser.get(&back).await.says(200, "is installed");
        }
        bench
    }

    pub(crate) fn workspaces(&self) -> u64 {
        self.others.len() as u64 + 1
    }

    /// Where the first of them listens.
    pub(crate) fn address(&self) -> &str {
        &self.replicas[0].address
    }

    /// The resident memory of the largest of them, in MiB.
    pub(crate) fn memory(&self) -> f64 {
        self.replicas.iter().map(|replica| resident(replica.program.pid())).fold(0.0, f64::max)
    }

    /// Sends a request to the next of them, on a connection that is free or a new one; returns the status.
    pub(crate) async fn send(&self, request: &[u8]) -> Option<u16> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.replicas.len();
        let replica = &self.replicas[next];
        let free = replica.free.lock().unwrap().pop();
        let mut line = match free {
            Some(line) => line,
            None => Line::open(&replica.address).await?,
        };
        let status = line.send(request).await?;
        replica.free.lock().unwrap().push(line);
        Some(status)
    }
}

fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line.and_then(|l| l.trim().split(' ').next()?.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

/// A kept connection to the program: HTTP by hand, so that the client costs next to nothing.
struct Line(TcpStream);

impl Line {
    async fn open(address: &str) -> Option<Self> {
        let tcp = TcpStream::connect(address).await.ok()?;
        tcp.set_nodelay(true).ok()?;
        Some(Self(tcp))
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
