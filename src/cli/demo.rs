//! `secondlook demo`: the real bot in a stand-in for Slack, in the browser; no account, no keys, nothing leaves the machine.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::demo_story;
use super::logging;
use super::serve::until_told_to_stop;
use crate::app::ports::{Clock, SystemClock};
use crate::bot::Bot;
use crate::config::{Config, Logging};
use crate::domain::channel::Patterns;
use crate::domain::digest::{Channels, Plan, Schedule};
use crate::domain::policy::Limits;
use crate::playground::{App, Options, Playground};

/// The first port tried; the next free one is taken.
const PORT: u16 = 4780;
const PORTS_TRIED: u16 = 50;
/// Short enough to watch, long enough to see that a person could ask first.
const QUIET_PERIOD: Duration = Duration::from_secs(2);

/// The playground's `#general`, and Monday in the city of its administrator.
const DIGEST_CHANNEL: &str = "C0GENERAL1";
const DIGEST_AT: &str = "Mon 09:00 Europe/Berlin";
/// The lever that moves time to the next digest.
const TO_DIGEST: &str = "digest";

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Keep what happens in this SQLite file instead of a temporary one
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Port of the chat page; without it, the next free one from 4780
    #[arg(long)]
    port: Option<u16>,
    /// Start with empty channels
    #[arg(long)]
    empty: bool,
}

/// Runs the playground until it is told to stop. Reads no `.env`.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    logging::install(&Logging { json: false, filter: "warn".to_owned() })?;
    let slack = playground(args.port).await?;
    let temporary =
        tempfile::tempdir().context("could not make a temporary directory for the store")?;
    let database = args.keep.clone().unwrap_or_else(|| temporary.path().join("demo.db"));
    let clock = Arc::new(MovableClock::default());
    let schedule = Schedule::parse(DIGEST_AT).map_err(|why| anyhow!(why))?;
    let config = config(&slack, &database.display().to_string(), schedule.clone());
    let bot = Bot::start_with(config, Arc::clone(&clock) as Arc<dyn Clock>).await?;
    announce(&slack, args.keep.as_ref())?;
    let seeded = async {
        if !args.empty {
            demo_story::play(&slack).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        stopped = until_told_to_stop() => stopped?,
        () = seeded => {}
        () = levers(&slack, &clock, &schedule) => {}
    }
    bot.stop().await;
    slack.stop().await;
    Ok(())
}

/// Moves the bot's time when the visitor asks for it; nothing else can.
async fn levers(slack: &Playground, clock: &MovableClock, schedule: &Schedule) {
    while let Some(lever) = slack.pulled().await {
        if lever == TO_DIGEST
            && let Some(next) = schedule.next(clock.now())
        {
            clock.move_to(next.at);
        }
    }
    std::future::pending::<()>().await;
}

/// The machine's clock, moved forward as often as somebody asked.
#[derive(Default)]
struct MovableClock {
    ahead: Mutex<SignedDuration>,
}

impl MovableClock {
    fn move_to(&self, time: Timestamp) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = time.duration_since(SystemClock.now());
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn playground(port: Option<u16>) -> anyhow::Result<Playground> {
    let ports = port.map_or(PORT..=PORT + PORTS_TRIED, |port| port..=port);
    for port in ports.clone() {
        match Playground::start(options(port)).await {
            Ok(slack) => return Ok(slack),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).context("could not start the stand-in for Slack"),
        }
    }
    bail!("no free port from {} to {}: name another with --port", ports.start(), ports.end())
}

fn options(port: u16) -> Options {
    let shortcuts = [
        ("ask_for_trace", "Ask for the trace"),
        ("add_as_evidence", "Add as evidence"),
        ("open_investigation", "Open investigation"),
    ];
    let app = App {
        shortcuts: shortcuts.map(|(id, name)| (id.to_owned(), name.to_owned())).to_vec(),
        ..App::default()
    };
    Options {
        port,
        app,
        quiet_period: Some(QUIET_PERIOD),
        hints: demo_story::hints(),
        levers: vec![(TO_DIGEST.to_owned(), "Jump to Monday 09:00".to_owned())],
        ..Options::default()
    }
}

fn config(slack: &Playground, database: &str, schedule: Schedule) -> Config {
    let any_port = ([127, 0, 0, 1], 0).into();
    Config {
        bot_token: Some(SecretString::from(slack.bot_token())),
        oauth: None,
        app_token: Some(SecretString::from(slack.app_token().to_owned())),
        signing_secret: None,
        api_url: slack.api_url(),
        database_url: format!("sqlite://{database}").into(),
        cases_kept: None,
        bind_addr: any_port,
        admin_addr: any_port,
        quiet_hours: None,
        incidents: Patterns::default(),
        knowledge: Vec::new(),
        digest: Plan { channels: Channels::One(DIGEST_CHANNEL.into()), schedule },
        limits: Limits {
            quiet_period: SignedDuration::try_from(QUIET_PERIOD).unwrap_or(SignedDuration::ZERO),
            channel_cap: 0,
            cooldown: SignedDuration::ZERO,
        },
    }
}

fn announce(slack: &Playground, keep: Option<&PathBuf>) -> anyhow::Result<()> {
    let store = keep.map_or("a temporary store".to_owned(), |file| file.display().to_string());
    writeln!(
        std::io::stdout().lock(),
        "Second Look runs in a stand-in for Slack on this machine.\n\n  Open   {}\n  Store  {store}\n  Stop   Ctrl-C",
        slack.page_url()
    )
    .context("could not write to standard output")
}
