//! The house the story tests live in: the real bot, real sockets, real SQLite, and a stand-in for Slack.
#![allow(dead_code, reason = "each test binary uses its part of the house")]

pub mod binary;
pub mod logged;
pub mod postgres;
pub mod tables;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secondlook::app::ports::{Clock, Store};
use secondlook::bot::Bot;
use secondlook::config::{Config, Keys, OAuth};
use secondlook::domain::WorkspaceId;
use secondlook::domain::channel::Patterns;
use secondlook::domain::digest::Plan;
use secondlook::domain::investigation::{Case, CaseNumber};
use secondlook::domain::policy::{Limits, QuietHours};
use secondlook::playground::{Options, Playground, Say};
use secondlook::store;
use secrecy::SecretString;
use serde_json::{Value, json};

pub const TEAM: &str = "T0ACME0001";
pub const MAYA: &str = "U0MAYA0001";
pub const JONAS: &str = "U0JONAS001";
pub const PRIYA: &str = "U0PRIYA001";
pub const BACKEND: &str = "C0BACKEND1";
pub const GENERAL: &str = "C0GENERAL1";
pub const LEADS: &str = "C0PRIVATE1";

/// A proposal every version of the detector must hear.
pub const MAILCHIMP: &str = "let's move off Mailchimp, our mails land in spam";

/// Headers of a mail whose signature failed.
pub const HEADERS: &str = "```Delivered-To: ana@example.net\nReceived: by 10.2.3.4 with SMTP id a1; Tue, 17 Nov 2026 08:00:01 -0800\nAuthentication-Results: mx.example.net;\n       dkim=fail header.i=@acme.example header.s=k1;\n       spf=softfail smtp.mailfrom=bounce.acme.example;\n       dmarc=fail (p=NONE) header.from=acme.example\nFrom: Acme &lt;news@acme.example&gt;\nSubject: November news\nMessage-ID: &lt;1@acme.example&gt;```";

/// How Slack reaches the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Socket,
    Http,
}

/// What a story's store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

impl On {
    /// The URL of a new store; for SQLite, of this file.
    pub async fn url(self, file: &Path) -> String {
        match self {
            Self::Sqlite => format!("sqlite://{}", file.display()),
            Self::Postgres => postgres::server().database().await,
        }
    }
}

/// A clock that stands still until it is moved.
pub struct TestClock(Mutex<Timestamp>);

impl TestClock {
    #[expect(clippy::disallowed_methods, reason = "a story starts today")]
    pub fn new() -> Self {
        Self(Mutex::new(Timestamp::now()))
    }

    /// Sets the time.
    pub fn set(&self, to: &str) {
        *self.0.lock().unwrap() = to.parse().unwrap();
    }

    /// Moves time forward.
    pub fn advance(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The bot in its stand-in for Slack.
pub struct House {
    pub slack: Playground,
    pub clock: Arc<TestClock>,
    bot: Option<Bot>,
    door: Door,
    limits: Limits,
    pub quiet_hours: Option<QuietHours>,
    pub digest: Plan,
    /// How long what people wrote of an ended case is kept.
    pub cases_kept: Option<SignedDuration>,
    /// What it takes to be installed by OAuth.
    pub oauth: Option<OAuth>,
    /// Whether the bot is given the token of its first workspace.
    pub own_token: bool,
    database: PathBuf,
    url: String,
    _dir: tempfile::TempDir,
}

impl House {
    /// A bot that speaks at once and without limits.
    pub async fn open(door: Door) -> Self {
        Self::open_with(door, eager(), Options::default()).await
    }

    /// A bot with these limits in this workspace.
    pub async fn open_with(door: Door, limits: Limits, options: Options) -> Self {
        let mut house = Self::closed(On::Sqlite, door, limits, options).await;
        house.start().await;
        house
    }

    /// A bot that speaks at once and without limits, on this kind of store.
    pub async fn open_on(on: On, door: Door) -> Self {
        let mut house = Self::closed(on, door, eager(), Options::default()).await;
        house.start().await;
        house
    }

    /// A bot that is installed nowhere yet and may be by OAuth.
    pub async fn open_to_installs(on: On, door: Door, options: Options) -> Self {
        let mut house = Self::closed(on, door, eager(), options).await;
        house.oauth = Some(OAuth {
            client_id: house.slack.client_id().to_owned(),
            client_secret: SecretString::from(house.slack.client_secret()),
            public_url: "http://localhost:1".to_owned(),
            keys: Keys { current: vec![7; 32].into(), old: None },
            only: BTreeSet::new(),
        });
        house.own_token = false;
        house.start().await;
        house
    }

    async fn closed(on: On, door: Door, limits: Limits, options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("secondlook.db");
        Self {
            slack: Playground::start(options).await.unwrap(),
            clock: Arc::new(TestClock::new()),
            bot: None,
            door,
            limits,
            quiet_hours: None,
            digest: Plan::default(),
            cases_kept: None,
            oauth: None,
            own_token: true,
            url: on.url(&database).await,
            database,
            _dir: dir,
        }
    }

    /// Starts the bot, again or for the first time, on the same store; what it missed is delivered again.
    pub async fn start(&mut self) {
        let bot = Bot::start_with(self.config(), self.clock.clone()).await.unwrap();
        match self.door {
            Door::Http => {
                let url = format!("http://{}/slack/events", bot.bind_addr());
                self.slack.set_request_url(&url).await.unwrap();
            }
            Door::Socket => {
                self.slack
                    .wait_until(|world| (world.socket_count() > 0).then_some(()))
                    .await
                    .unwrap();
            }
        }
        self.bot = Some(bot);
        self.slack.redeliver_all("connection_failed").await;
    }

    /// Stops the bot as a deployment does.
    pub async fn stop(&mut self) {
        if let Some(bot) = self.bot.take() {
            bot.stop().await;
        }
    }

    /// Stops the bot and starts it some time later.
    pub async fn restart(&mut self, later: SignedDuration) {
        self.stop().await;
        self.clock.advance(later);
        self.start().await;
    }

    pub fn bot(&self) -> &Bot {
        self.bot.as_ref().expect("the bot runs")
    }

    pub fn config(&self) -> Config {
        let secret = |text: &str| SecretString::from(text.to_owned());
        Config {
            bot_token: self.own_token.then(|| secret(&self.slack.bot_token())),
            oauth: self.oauth.clone(),
            app_token: (self.door == Door::Socket).then(|| secret(self.slack.app_token())),
            signing_secret: (self.door == Door::Http).then(|| secret(self.slack.signing_secret())),
            api_url: self.slack.api_url(),
            database_url: self.database_url().into(),
            cases_kept: self.cases_kept,
            bind_addr: ([127, 0, 0, 1], 0).into(),
            admin_addr: ([127, 0, 0, 1], 0).into(),
            limits: self.limits,
            quiet_hours: self.quiet_hours.clone(),
            incidents: Patterns::default(),
            knowledge: Vec::new(),
            digest: self.digest.clone(),
        }
    }

    /// Changes the limits, from the next start on.
    pub fn limit(&mut self, limits: Limits) {
        self.limits = limits;
    }

    pub fn database_url(&self) -> String {
        self.url.clone()
    }

    pub fn database(&self) -> &PathBuf {
        &self.database
    }

    /// Somebody writes in a channel.
    pub fn say(&self, channel: &str, user: &str, text: &str) -> String {
        self.slack.say(Say::new(channel, user, text)).unwrap()
    }

    /// Somebody answers in a thread.
    pub fn reply(&self, channel: &str, user: &str, thread: &str, text: &str) -> String {
        self.slack.say(Say::new(channel, user, text).in_thread(thread)).unwrap()
    }

    /// Waits for the bot's card in a thread; returns the message.
    pub async fn card(&self, channel: &str, thread: &str) -> Value {
        self.card_with(channel, thread, "").await
    }

    /// Waits until the card in a thread says `words`.
    pub async fn card_with(&self, channel: &str, thread: &str, words: &str) -> Value {
        let find = |world: &secondlook::playground::World| {
            world
                .thread(channel, thread)
                .into_iter()
                .find(|m| is_card(m) && text(m).contains(words))
        };
        for _ in 0..5 {
            if let Ok(found) = self.slack.wait_for(Duration::from_secs(5), find).await {
                return found;
            }
            // What waits for a place in its channel has its turn as time goes on.
            self.clock.advance(SignedDuration::from_secs(1));
        }
        let found = self.slack.wait_until(find).await;
        found.unwrap_or_else(|overdue| panic!("no card with {words:?}: {overdue:?}"))
    }

    /// The bot's public messages in a thread.
    pub fn said_in(&self, channel: &str, thread: &str) -> Vec<Value> {
        self.slack.thread(channel, thread).into_iter().filter(is_bots).collect()
    }

    /// Every public message of the bot in a channel, threads included.
    pub fn said_anywhere(&self, channel: &str) -> Vec<Value> {
        self.slack.look(|world| world.all(channel)).into_iter().filter(is_bots).collect()
    }

    /// Waits until everything delivered so far was acknowledged.
    pub async fn acknowledged(&self) {
        let done =
            |world: &secondlook::playground::World| world.unacknowledged().is_empty().then_some(());
        self.slack.wait_until(done).await.unwrap();
    }

    /// Waits until everything delivered was acknowledged and worked off, but for `waiting` jobs of the future.
    pub async fn at_rest(&self, waiting: u64) {
        self.acknowledged().await;
        let store = secondlook::store::open(&self.database_url()).await.unwrap();
        let rest = async {
            let now = self.clock.now();
            while store.backlog(now).await.unwrap().waiting != waiting {
                // What the limits hold back is tried again as time goes on.
                self.clock.advance(SignedDuration::from_millis(1));
            }
        };
        let done = tokio::time::timeout(Duration::from_secs(30), rest).await;
        let backlog = store.backlog(self.clock.now()).await.unwrap();
        done.unwrap_or_else(|_| panic!("{waiting} jobs should wait, but there are {backlog:?}"));
        assert_eq!(backlog.parked, 0, "{backlog:?}");
    }

    /// Waits until everything delivered was acknowledged and everything that is due within the hour is done.
    pub async fn settled(&self) {
        self.acknowledged().await;
        let store = self.store().await;
        let soon = self.clock.now() + SignedDuration::from_hours(1);
        for _ in 0..1_000 {
            if store.backlog(soon).await.unwrap().due == 0 {
                return;
            }
            self.pause().await;
            // What waits for a place in its channel has its turn as time goes on.
            self.clock.advance(SignedDuration::from_millis(20));
        }
        panic!("work is left: {:?}", store.backlog(soon).await);
    }

    /// A moment, for what the stand-in can't see.
    pub async fn pause(&self) {
        let moment = Duration::from_millis(20);
        drop(self.slack.wait_for(moment, |_| None::<()>).await);
    }

    /// The bot's store, through a connection of the test's own.
    pub async fn store(&self) -> Arc<dyn Store> {
        store::open(&self.database_url()).await.unwrap()
    }

    /// A case as it is recorded.
    pub async fn case(&self, number: u32) -> Option<Case> {
        self.case_of(TEAM, number).await
    }

    /// A case of some workspace.
    pub async fn case_of(&self, workspace: &str, number: u32) -> Option<Case> {
        let workspace = WorkspaceId::from(workspace);
        self.store().await.case(&workspace, CaseNumber(number)).await.unwrap()
    }

    /// Runs `/investigate …` and returns the text of its private answer.
    pub async fn investigate(&self, user: &str, channel: &str, words: &str) -> String {
        let answer = self.slack.command(user, channel, "/investigate", words).await.unwrap();
        let ack = answer.ack.expect("a slash command is acknowledged");
        ack.body["text"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for the modal a person has open.
    pub async fn view(&self, user: &str) -> Value {
        let open = |world: &secondlook::playground::World| {
            world.views(user).last().map(|view| view.view.clone())
        };
        self.slack.wait_until(open).await.unwrap()
    }

    /// Fills the modal a person has open and returns what the bot answered.
    pub async fn submit(&self, user: &str, filled: Value) -> Value {
        let id = self.view(user).await["id"].as_str().unwrap().to_owned();
        self.slack
            .submit(user, &id, &filled)
            .await
            .unwrap()
            .ack
            .expect("a form is acknowledged")
            .body
    }

    /// Presses a button on a card.
    pub async fn press(&self, user: &str, channel: &str, card: &Value, action: &str) {
        let ts = card["ts"].as_str().unwrap();
        self.slack.click(user, channel, ts, action).await.unwrap();
    }

    /// Picks from a card's overflow menu.
    pub async fn pick(&self, user: &str, channel: &str, card: &Value, value: &str) {
        let ts = card["ts"].as_str().unwrap();
        self.slack.choose(user, channel, ts, "menu", &json!(value)).await.unwrap();
    }
}

/// Speaks at once, as often as there is reason to.
pub fn eager() -> Limits {
    Limits { quiet_period: SignedDuration::ZERO, channel_cap: 0, cooldown: SignedDuration::ZERO }
}

pub fn is_bots(message: &Value) -> bool {
    message["bot_id"].is_string()
}

pub fn is_card(message: &Value) -> bool {
    let id = message["metadata"]["event_payload"]["id"].as_str().unwrap_or_default();
    is_bots(message) && id.starts_with("card:")
}

/// What a person reads: the text of every block.
pub fn text(message: &Value) -> String {
    let blocks = message["blocks"].as_array().cloned().unwrap_or_default();
    let lines: Vec<String> =
        blocks.iter().filter_map(|b| b["text"]["text"].as_str()).map(str::to_owned).collect();
    lines.join("\n")
}
