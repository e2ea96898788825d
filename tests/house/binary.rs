//! The real program in a process of its own, started with nothing but what is given here.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use secondlook::playground::Playground;
use serde_json::Value;
use tokio::sync::oneshot;

use super::Door;

/// A started program; it is killed when it is dropped.
pub struct Program {
    child: Child,
    listening: Option<oneshot::Receiver<String>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Program {
    /// Starts `secondlook serve` on a file in this directory, with any free port.
    pub fn serve(slack: &Playground, door: Door, dir: &Path) -> Self {
        Self::serve_on(
            slack,
            door,
            dir,
            &format!("sqlite://{}", dir.join("secondlook.db").display()),
        )
    }

    /// Starts `secondlook serve` in this directory and on this store, with any free port.
    pub fn serve_on(slack: &Playground, door: Door, dir: &Path, database: &str) -> Self {
        Self::start(Self::command(slack, door, dir, database))
    }

    /// The command for that, to be changed before it is started.
    pub fn command(slack: &Playground, door: Door, dir: &Path, database: &str) -> Command {
        let token = slack.bot_token();
        let api = slack.api_url();
        let entrance = match door {
            Door::Http => ("SLACK_SIGNING_SECRET", slack.signing_secret()),
            Door::Socket => ("SLACK_APP_TOKEN", slack.app_token()),
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
        command.arg("serve").current_dir(dir).env_clear().envs([
            entrance,
            ("SLACK_BOT_TOKEN", token.as_str()),
            ("SLACK_CLIENT_ID", slack.client_id()),
            ("SLACK_CLIENT_SECRET", slack.client_secret()),
            ("SECONDLOOK_PUBLIC_URL", "http://localhost:1"),
            ("SECONDLOOK_ENCRYPTION_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
            ("SLACK_API_URL", api.as_str()),
            ("DATABASE_URL", database),
            ("BIND_ADDR", "127.0.0.1:0"),
            ("SECONDLOOK_ADMIN_ADDR", "127.0.0.1:0"),
            ("SECONDLOOK_QUIET_PERIOD", "0s"),
            ("SECONDLOOK_CHANNEL_CAP", "0"),
            ("SECONDLOOK_COOLDOWN", "0s"),
            ("LOG_FORMAT", "json"),
            ("RUST_LOG", "info"),
        ]);
        command
    }

    /// Starts the program as this command says.
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = BufReader::new(child.stderr.take().expect("its log is ours"));
        let (tell, listening) = oneshot::channel();
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            let mut tell = Some(tell);
            for line in lines.lines().map_while(Result::ok) {
                let address = field(&line, "http.addr");
                kept.lock().unwrap().push(line);
                if let (Some(address), true) = (address, tell.is_some()) {
                    tell.take().map(|tell| tell.send(address));
                }
            }
        });
        Self { child, listening: Some(listening), log }
    }

    /// Waits until it listens; returns where. Its log says so, since the port is any free one.
    pub async fn address(&mut self) -> String {
        let listening = self.listening.take().expect("asked once");
        listening.await.unwrap_or_else(|_| panic!("it never listened:\n{}", self.log()))
    }

    /// Waits until it can be reached through its door.
    pub async fn ready(&mut self, slack: &Playground, door: Door) {
        let address = self.address().await;
        match door {
            Door::Http => {
                let url = format!("http://{address}/slack/events");
                slack.set_request_url(&url).await.unwrap();
            }
            Door::Socket => {
                let open = |w: &secondlook::playground::World| (w.socket_count() > 0).then_some(());
                slack.wait_until(open).await.unwrap();
            }
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its metrics are, once it listens.
    pub fn admin(&self) -> String {
        let log = self.log.lock().unwrap();
        log.iter().find_map(|line| field(line, "admin.addr")).expect("it listens")
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("it is ours").is_none()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().join("\n")
    }

    /// Ends it at once, as a power cut would (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn field(line: &str, name: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some(line["fields"][name].as_str()?.to_owned())
}
