//! What can be done to the program from outside, and seen: its environment, its clock, its disk, its pages, its doctor.

use std::path::{Path, PathBuf};
use std::process::Command;

use secondlook::playground::{Playground, sign};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::scene::DIGEST;

/// Debian's libfaketime: the clock a process sees, moved while it runs.
const FAKETIME: &str = "faketime/libfaketimeMT.so.1";

/// The clock of one process, in seconds beside the true one.
pub struct Clock {
    file: PathBuf,
    pub offset: i64,
}

impl Clock {
    pub fn new(dir: &Path, offset: i64) -> Self {
        let mut clock = Self { file: dir.join("clock"), offset: 0 };
        clock.set(offset);
        clock
    }

    /// The process sees it within a second. Renamed into place, so that nobody reads half of it.
    pub fn set(&mut self, offset: i64) {
        self.offset = offset;
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{offset:+}\n")).unwrap();
        std::fs::rename(&new, &self.file).unwrap();
    }
}

/// A command of the program, in an environment that holds nothing else.
pub fn command(
    slack: &Playground,
    dir: &Path,
    database: &str,
    quiet_period: &str,
    what: &str,
) -> Command {
    // A full disk is told by a signal that a process under `ulimit` must not die of: a real one doesn't send it.
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$1\"", env!("CARGO_BIN_EXE_secondlook"), what])
        .current_dir(dir)
        .env_clear()
        .env("SLACK_BOT_TOKEN", slack.bot_token())
        .env("SLACK_APP_TOKEN", slack.app_token())
        .env("SLACK_SIGNING_SECRET", slack.signing_secret())
        .env("SLACK_API_URL", slack.api_url())
        .env("DATABASE_URL", database)
        .env("BIND_ADDR", "127.0.0.1:0")
        .env("SECONDLOOK_ADMIN_ADDR", "127.0.0.1:0")
        .env("SECONDLOOK_QUIET_PERIOD", quiet_period)
        .env("SECONDLOOK_CHANNEL_CAP", "0")
        .env("SECONDLOOK_COOLDOWN", "0s")
        .env("SECONDLOOK_DIGEST_CHANNEL", DIGEST)
        .env("SECONDLOOK_DIGEST_AT", two_days_ago())
        .env("LOG_FORMAT", "json")
        .env("RUST_LOG", "info");
    command
}

/// Puts a command under a clock that can be moved.
pub fn under(clock: &Clock, command: &mut Command) {
    let library = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
    ]
    .map(|dir| Path::new(dir).join(FAKETIME))
    .into_iter()
    .find(|library| library.is_file())
    .expect("libfaketime is needed to move the clock: apt-get install faketime (tests/run does)");
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock.file)
        .env("FAKETIME_CACHE_DURATION", "1")
        // Pauses and time limits go on as they are.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
}

/// A digest that was due at midnight two days ago, which is not too late for it, and was quiet the week before.
#[expect(clippy::disallowed_methods, reason = "a story starts today")]
fn two_days_ago() -> String {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(48);
    then.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a 00:00").to_string()
}

/// The true time, moved.
#[expect(clippy::disallowed_methods, reason = "what the program's clock shows")]
pub fn shown_by(clock: &Clock) -> jiff::Timestamp {
    jiff::Timestamp::now() + jiff::SignedDuration::from_secs(clock.offset)
}

/// Lets a process write no file any further than this, as a full disk does; `None` takes the limit away.
pub fn limit_files(pid: u32, bytes: Option<u64>) {
    let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
    let done = Command::new("prlimit")
        .args([&format!("--pid={pid}"), &format!("--fsize={limit}:unlimited")])
        .status()
        .unwrap();
    assert!(done.success(), "prlimit sets the limit of a process of ours");
}

/// Status and body of a page.
pub async fn get(address: &str, path: &str) -> Result<(u16, String), String> {
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    let answer = ask(address, &request).await?;
    Ok((status(&answer), answer.split_once("\r\n\r\n").unwrap_or_default().1.to_owned()))
}

/// The status of a request signed at this time, which a program that lives at another time turns away.
pub async fn knock(address: &str, secret: &str, now: u64) -> Result<u16, String> {
    let body = r#"{"type":"url_verification","challenge":"x"}"#;
    let request = format!(
        "POST /slack/events HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: {}\r\nContent-Length: {}\r\n\r\n{body}",
        sign(secret, now, body),
        body.len(),
    );
    Ok(status(&ask(address, &request).await?))
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

async fn ask(address: &str, request: &str) -> Result<String, String> {
    let asked = async {
        let mut tcp = TcpStream::connect(address).await?;
        tcp.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    asked.await.map_err(|error| format!("no answer: {error}"))
}

/// A page of metrics.
pub struct Metrics(pub String);

impl Metrics {
    /// The sum of a metric over all lines with these labels; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let lines = self.named(name).into_iter().filter(|l| labels.iter().all(|x| l.contains(x)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// A metric's lines.
    pub fn named(&self, name: &str) -> Vec<&str> {
        let named =
            |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        self.0.lines().filter(named).collect()
    }
}
