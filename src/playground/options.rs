//! What the stand-in is told when it starts: the workspace, its people, and what the page offers.

use std::time::Duration;

/// How to start a [`super::Playground`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The workspace that is played.
    pub workspace: Workspace,
    /// The app whose events, commands and shortcuts are played.
    pub app: App,
    /// Shown by the page as a countdown after each message: how long the bot waits before it speaks.
    pub quiet_period: Option<Duration>,
    /// Example messages the page offers to fill into the composer.
    pub hints: Vec<Hint>,
    /// Buttons the page offers on the caller's behalf: id and words. Pulls come out of [`super::Playground::pulled`].
    pub levers: Vec<(String, String)>,
    /// How long Slack waits for an acknowledgement.
    pub ack_timeout: Duration,
    /// How long a trigger id lives.
    pub trigger_life: Duration,
    /// Pauses before each repetition of an event that was not acknowledged.
    pub retries: Vec<Duration>,
    /// Plays an organisation-wide install: authorizations and interactions carry no team.
    pub org_wide: bool,
    /// The app has token rotation on: what an installation gives lasts this long.
    pub token_life: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            workspace: Workspace::default(),
            app: App::default(),
            quiet_period: None,
            hints: Vec::new(),
            levers: Vec::new(),
            ack_timeout: Duration::from_secs(3),
            trigger_life: Duration::from_secs(3),
            retries: vec![Duration::ZERO, Duration::from_mins(1), Duration::from_mins(5)],
            org_wide: false,
            token_life: None,
        }
    }
}

/// A workspace with its people and channels.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Team id, `T…`.
    pub id: String,
    /// Name shown to people.
    pub name: String,
    /// First label of the workspace's host name.
    pub domain: String,
    /// Everybody but the bot.
    pub people: Vec<Person>,
    /// Channels that exist at the start.
    pub channels: Vec<Channel>,
    /// User groups: id and members.
    pub usergroups: Vec<(String, Vec<String>)>,
}

/// A member of the workspace.
#[derive(Debug, Clone, Default)]
pub struct Person {
    /// User id, `U…`.
    pub id: String,
    /// Handle, such as `maya`.
    pub name: String,
    /// Full name.
    pub real_name: String,
    /// IANA time zone.
    pub tz: String,
    /// Job title, shown in the page's people switcher.
    pub title: String,
    /// Is an administrator of the workspace.
    pub admin: bool,
    /// Is a guest.
    pub guest: bool,
}

/// A conversation.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// Channel id, `C…`, or `D…` for a direct conversation.
    pub id: String,
    /// Name without `#`.
    pub name: String,
    /// One line on what it is for.
    pub topic: String,
    /// Only members see it.
    pub private: bool,
    /// Shared with another organisation.
    pub ext_shared: bool,
    /// Archived.
    pub archived: bool,
    /// User ids; the bot's id among them when it is a member.
    pub members: Vec<String>,
}

impl Channel {
    /// A public channel.
    pub fn public(id: &str, name: &str, topic: &str, members: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            topic: topic.to_owned(),
            members: members.iter().map(|&id| id.to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Is a direct conversation.
    pub fn is_im(&self) -> bool {
        self.id.starts_with('D')
    }

    /// What Slack calls this kind of conversation in a message event.
    pub fn kind(&self) -> &'static str {
        match () {
            () if self.is_im() => "im",
            () if self.private => "group",
            () => "channel",
        }
    }
}

/// The app as the workspace knows it.
#[derive(Debug, Clone)]
pub struct App {
    /// Display name of the bot.
    pub name: String,
    /// App id, `A…`.
    pub id: String,
    /// The bot's user id, `U…`.
    pub user_id: String,
    /// The bot's bot id, `B…`.
    pub bot_id: String,
    /// Slash commands with a usage hint.
    pub commands: Vec<(String, String)>,
    /// Message shortcuts: callback id and name.
    pub shortcuts: Vec<(String, String)>,
    /// Granted scopes, told in `x-oauth-scopes` and enforced; none means all are granted.
    pub scopes: Vec<String>,
    /// Subscribed bot events by their manifest names, such as `message.channels`; none means all.
    pub events: Vec<String>,
}

impl Default for App {
    fn default() -> Self {
        Self {
            name: "Second Look".to_owned(),
            id: "A0SECONDLK".to_owned(),
            user_id: "U0SECONDLK".to_owned(),
            bot_id: "B0SECONDLK".to_owned(),
            commands: vec![("/investigate".to_owned(), "[what goes wrong]".to_owned())],
            shortcuts: Vec::new(),
            scopes: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// An example message offered by the page.
#[derive(Debug, Clone)]
pub struct Hint {
    /// Words on the chip.
    pub label: String,
    /// Text put into the composer.
    pub text: String,
    /// Whether it belongs into the open thread and not into the channel.
    pub in_thread: bool,
}

impl Default for Workspace {
    fn default() -> Self {
        let person = |id: &str, name: &str, real: &str, tz: &str, title: &str, admin| Person {
            id: id.to_owned(),
            name: name.to_owned(),
            real_name: real.to_owned(),
            tz: tz.to_owned(),
            title: title.to_owned(),
            admin,
            guest: false,
        };
        let all = ["U0MAYA0001", "U0JONAS001", "U0PRIYA001", "U0TOMAS001", "U0SECONDLK"];
        Self {
            id: "T0ACME0001".to_owned(),
            name: "Acme".to_owned(),
            domain: "acme".to_owned(),
            people: vec![
                person(
                    "U0MAYA0001",
                    "maya",
                    "Maya Lindqvist",
                    "Europe/Stockholm",
                    "Backend",
                    false,
                ),
                person("U0JONAS001", "jonas", "Jonas Weber", "Europe/Berlin", "Platform", true),
                person("U0PRIYA001", "priya", "Priya Raman", "Asia/Kolkata", "SRE", false),
                person("U0TOMAS001", "tomas", "Tomás Silva", "America/Sao_Paulo", "Product", false),
            ],
            channels: vec![
                Channel::public("C0GENERAL1", "general", "Company-wide", &all),
                Channel::public("C0BACKEND1", "backend", "Services, data, mail", &all),
                Channel::public("C0RANDOM01", "random", "Anything else", &all[..4]),
                Channel {
                    private: true,
                    ..Channel::public("C0PRIVATE1", "platform-leads", "Leads only", &all[1..])
                },
                Channel {
                    ext_shared: true,
                    ..Channel::public("C0SHARED01", "with-northwind", "Shared with Northwind", &all)
                },
            ],
            usergroups: vec![("S0ADMINS01".to_owned(), vec!["U0JONAS001".to_owned()])],
        }
    }
}
