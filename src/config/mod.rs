//! The only reader of the environment: every fault is found at start and reported with the others.

mod digest;
mod fault;
mod ids;
mod keeping;
mod oauth;
mod waiting;

use std::net::SocketAddr;
use std::path::Path;

use jiff::SignedDuration;
use secrecy::SecretString;

use self::fault::Faults;
use crate::domain::channel::{INCIDENTS, Patterns};
use crate::domain::digest::{Plan, Schedule};
use crate::domain::policy::{ANSWERED_WITHIN, Limits, QuietHours};

pub use self::fault::{ConfigError, Fault};
pub use self::keeping::DatabaseUrl;
pub use self::oauth::{KeyChange, Keys, OAuth};

/// Everything that can be set. Each field names its variable; `.env.example` shows them all.
#[derive(Debug, Clone)]
pub struct Config {
    /// `SLACK_BOT_TOKEN`: the bot's token (`xoxb-…`) in the one workspace that needs no installing by OAuth.
    pub bot_token: Option<SecretString>,
    /// `SLACK_CLIENT_ID` and what goes with it: installing by OAuth, in any number of workspaces.
    pub oauth: Option<OAuth>,
    /// `SLACK_APP_TOKEN`: the app-level token (`xapp-…`); switches Socket Mode on.
    pub app_token: Option<SecretString>,
    /// `SLACK_SIGNING_SECRET`: switches HTTP mode on.
    pub signing_secret: Option<SecretString>,
    /// `SLACK_API_URL`: where Slack's Web API is.
    pub api_url: String,
    /// `DATABASE_URL`: where everything is kept.
    pub database_url: DatabaseUrl,
    /// `SECONDLOOK_KEEP_CASES`: how long after its end what people wrote of a case is kept; `None` for ever.
    pub cases_kept: Option<SignedDuration>,
    /// `BIND_ADDR`: where Slack's requests and the health checks are answered.
    pub bind_addr: SocketAddr,
    /// `SECONDLOOK_ADMIN_ADDR`: where `/metrics` is answered.
    pub admin_addr: SocketAddr,
    /// `SECONDLOOK_QUIET_PERIOD`, `SECONDLOOK_CHANNEL_CAP`, `SECONDLOOK_COOLDOWN`: when to speak.
    pub limits: Limits,
    /// `SECONDLOOK_QUIET_HOURS`: in which hours no card is posted.
    pub quiet_hours: Option<QuietHours>,
    /// `SECONDLOOK_INCIDENT_PATTERN`: which channels are about an incident.
    pub incidents: Patterns,
    /// `SECONDLOOK_DIGEST_CHANNEL`, `SECONDLOOK_DIGEST_AT`: where and when the week is told.
    pub digest: Plan,
    /// `SECONDLOOK_KNOWLEDGE`: the workspace's own classes, checks and names: file name and text.
    pub knowledge: Vec<(String, String)>,
}

/// What a command needs that works on the store alone.
#[derive(Debug, Clone)]
pub struct Records {
    /// `DATABASE_URL`: where everything is kept.
    pub database_url: DatabaseUrl,
    /// `SLACK_BOT_TOKEN`: only to recognise its workspace by, so its form is no matter here.
    pub bot_token: Option<SecretString>,
    /// `SECONDLOOK_DIGEST_CHANNEL`, `SECONDLOOK_DIGEST_AT`: where and when the week is told.
    pub digest: Plan,
    /// `SECONDLOOK_KNOWLEDGE`: as in [`Config`].
    pub knowledge: Vec<(String, String)>,
}

/// What decides whether the bot speaks, for a command that has no Slack and no store.
#[derive(Debug, Clone)]
pub struct Speaking {
    /// `SECONDLOOK_QUIET_PERIOD`, `SECONDLOOK_CHANNEL_CAP`, `SECONDLOOK_COOLDOWN`: when to speak.
    pub limits: Limits,
    /// `SECONDLOOK_QUIET_HOURS`: when no card is posted.
    pub quiet_hours: Option<QuietHours>,
    /// `SECONDLOOK_INCIDENT_PATTERN`: which channels are about an incident.
    pub incidents: Patterns,
    /// `SECONDLOOK_KNOWLEDGE`: as in [`Config`].
    pub knowledge: Vec<(String, String)>,
}

/// What could be read of the environment.
#[derive(Debug, Clone)]
pub struct Partial {
    /// The settings; where there is a fault, a placeholder.
    pub config: Config,
    /// Every fault found.
    pub faults: Vec<Fault>,
}

/// How log lines look (`LOG_FORMAT`), and which are written (`RUST_LOG`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// One JSON object a line, for machines.
    pub json: bool,
    /// The filter.
    pub filter: String,
}

/// The variables this file reads, for the test that compares `.env.example` with it.
pub const VARIABLES: [&str; 24] = [
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_API_URL",
    "DATABASE_URL",
    "SECONDLOOK_KEEP_CASES",
    "BIND_ADDR",
    "SECONDLOOK_ADMIN_ADDR",
    "SECONDLOOK_PUBLIC_URL",
    "SECONDLOOK_ENCRYPTION_KEY",
    "SECONDLOOK_ENCRYPTION_KEY_OLD",
    "SECONDLOOK_INSTALL_ONLY",
    "SECONDLOOK_QUIET_PERIOD",
    "SECONDLOOK_CHANNEL_CAP",
    "SECONDLOOK_COOLDOWN",
    "SECONDLOOK_QUIET_HOURS",
    "SECONDLOOK_INCIDENT_PATTERN",
    "SECONDLOOK_DIGEST_CHANNEL",
    "SECONDLOOK_DIGEST_AT",
    "SECONDLOOK_KNOWLEDGE",
    "RUST_LOG",
    "LOG_FORMAT",
];

/// Slack's Web API.
pub const SLACK_API: &str = "https://slack.com/api";

impl Config {
    /// Reads the environment, `.env` in the working directory included.
    pub fn from_env() -> Result<Self, ConfigError> {
        Partial::from_env().whole()
    }

    /// Reads the variables `get` knows; all faults are reported together.
    pub fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Partial::from_variables(get).whole()
    }
}

impl Partial {
    /// Reads the environment, `.env` in the working directory included.
    pub fn from_env() -> Self {
        let dotenv = read_dotenv();
        let partial = Self::from_variables(&environment);
        match dotenv {
            Ok(()) => partial,
            Err(ConfigError(faults)) => {
                Self { faults: [faults, partial.faults].concat(), ..partial }
            }
        }
    }

    /// Reads the variables `get` knows.
    pub fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut faults = Faults::of(get);
        let digest = faults.digest();
        let config = Config {
            bot_token: faults.token("SLACK_BOT_TOKEN", "xoxb-"),
            oauth: faults.oauth(),
            app_token: faults.token("SLACK_APP_TOKEN", "xapp-"),
            signing_secret: faults.set("SLACK_SIGNING_SECRET").map(SecretString::from),
            api_url: faults.api_url(),
            database_url: faults.database_url(),
            cases_kept: faults.cases_kept(),
            bind_addr: faults.address("BIND_ADDR", "127.0.0.1:8080"),
            admin_addr: faults.address("SECONDLOOK_ADMIN_ADDR", "127.0.0.1:8081"),
            limits: faults.limits(),
            quiet_hours: faults.quiet_hours(&digest.schedule),
            incidents: faults.incidents(),
            digest,
            knowledge: faults.knowledge(),
        };
        faults.speaks_in_time(&config.limits, config.quiet_hours.as_ref());
        if config.bot_token.is_none() && !faults.wants_oauth() {
            faults.needed(
                "SLACK_BOT_TOKEN",
                "the bot token of your app, from its page “OAuth & Permissions”; or SLACK_CLIENT_ID and what goes with it, to be installed by OAuth",
            );
        }
        if config.app_token.is_none()
            && config.signing_secret.is_none()
            && !faults.named("SLACK_APP_TOKEN")
        {
            faults.add(
                "SLACK_APP_TOKEN",
                "or SLACK_SIGNING_SECRET is needed: the first for Socket Mode, the second for HTTP",
            );
        }
        Self { config, faults: faults.found }
    }

    /// Whether the variable with this name was read without a fault.
    pub fn is_sound(&self, variable: &str) -> bool {
        !self.faults.iter().any(|fault| fault.variable == variable)
    }

    fn whole(self) -> Result<Config, ConfigError> {
        if self.faults.is_empty() { Ok(self.config) } else { Err(ConfigError(self.faults)) }
    }
}

impl Records {
    /// Reads the environment, `.env` in the working directory included.
    pub fn from_env() -> Result<Self, ConfigError> {
        read_dotenv()?;
        let mut faults = Faults::of(&environment);
        let records = Self {
            database_url: faults.database_url(),
            bot_token: faults.set("SLACK_BOT_TOKEN").map(SecretString::from),
            digest: faults.digest(),
            knowledge: faults.knowledge(),
        };
        faults.whole(records)
    }
}

impl Speaking {
    /// Reads the environment, `.env` in the working directory included.
    pub fn from_env() -> Result<Self, ConfigError> {
        read_dotenv()?;
        let mut faults = Faults::of(&environment);
        let digest = faults.digest();
        let speaking = Self {
            limits: faults.limits(),
            quiet_hours: faults.quiet_hours(&digest.schedule),
            incidents: faults.incidents(),
            knowledge: faults.knowledge(),
        };
        faults.speaks_in_time(&speaking.limits, speaking.quiet_hours.as_ref());
        faults.whole(speaking)
    }
}

impl Logging {
    /// Reads `LOG_FORMAT` and `RUST_LOG`.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_variables(&environment)
    }

    /// Reads the variables `get` knows.
    pub fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let json = match get("LOG_FORMAT").as_deref().map(str::trim) {
            None | Some("" | "text") => false,
            Some("json") => true,
            Some(other) => {
                let why = format!("is \"{other}\": use text or json");
                return Err(ConfigError::of("LOG_FORMAT", why));
            }
        };
        let filter =
            get("RUST_LOG").filter(|f| !f.trim().is_empty()).unwrap_or_else(|| "info".to_owned());
        Ok(Self { json, filter })
    }
}

/// A missing .env is the normal case in production; a broken one is a fault to name. What is in it may be a secret. One in a
/// folder above is not ours.
fn read_dotenv() -> Result<(), ConfigError> {
    let fault = match dotenvy::from_path(".env") {
        Ok(()) => return Ok(()),
        Err(error) if error.not_found() => return Ok(()),
        Err(dotenvy::Error::Io(error)) => format!("can't be read: {}", error.kind()),
        Err(_) => {
            "has a line that can't be read: write NAME=value, with quotes around a value that has spaces".to_owned()
        }
    };
    Err(ConfigError::of(".env", fault))
}

/// Whether a terminal may be coloured: not where `NO_COLOR` is set (<https://no-color.org>), not on a dumb one.
pub fn colours_allowed() -> bool {
    environment("NO_COLOR").is_none_or(|set| set.is_empty())
        && environment("TERM").is_none_or(|name| name != "dumb")
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn toml_files(folder: &Path) -> std::io::Result<Vec<(String, String)>> {
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(|path| Ok((name(path), std::fs::read_to_string(path)?))).collect()
}

impl Faults<'_> {
    /// A token; its value is never repeated, not even in a fault.
    fn token(&mut self, name: &'static str, prefix: &str) -> Option<SecretString> {
        let value = self.set(name)?;
        if value.starts_with(prefix) {
            return Some(SecretString::from(value));
        }
        let why = format!("should start with \"{prefix}\": is it another kind of token?");
        self.add(name, why);
        None
    }

    fn api_url(&mut self) -> String {
        let url = self.set("SLACK_API_URL").unwrap_or_else(|| SLACK_API.to_owned());
        self.web_address("SLACK_API_URL", &url).unwrap_or_default()
    }

    fn address(&mut self, name: &'static str, default: &str) -> SocketAddr {
        let value = self.set(name).unwrap_or_else(|| default.to_owned());
        value.parse().unwrap_or_else(|_| {
            self.add(
                name,
                format!("is \"{value}\": give an address and a port, such as {default}"),
            );
            SocketAddr::from(([127, 0, 0, 1], 0))
        })
    }

    fn limits(&mut self) -> Limits {
        let default = Limits::default();
        let month = SignedDuration::from_hours(30 * 24);
        Limits {
            quiet_period: self.duration(
                "SECONDLOOK_QUIET_PERIOD",
                default.quiet_period,
                ANSWERED_WITHIN,
            ),
            channel_cap: self.number("SECONDLOOK_CHANNEL_CAP", default.channel_cap),
            cooldown: self.duration("SECONDLOOK_COOLDOWN", default.cooldown, month),
        }
    }

    /// The clock is that of the digest unless the hours name another.
    fn quiet_hours(&mut self, digest: &Schedule) -> Option<QuietHours> {
        let name = "SECONDLOOK_QUIET_HOURS";
        let value = self.set(name)?;
        let read = QuietHours::parse(&value, digest.zone());
        read.map_err(|why| {
            self.add(
                name,
                format!(
                    "is \"{value}\": {why} (such as 22:00-07:00, or 22:00-07:00 Europe/Berlin)"
                ),
            );
        })
        .ok()
    }

    fn incidents(&mut self) -> Patterns {
        let name = "SECONDLOOK_INCIDENT_PATTERN";
        let Some(value) = self.set(name) else { return Patterns::default() };
        Patterns::parse(&value).unwrap_or_else(|why| {
            self.add(
                name,
                format!("is \"{value}\": {why}; give names with * and [0-9], such as {INCIDENTS}"),
            );
            Patterns::default()
        })
    }

    /// The TOML files of the folder, by name; what is in them is checked with the files that ship.
    fn knowledge(&mut self) -> Vec<(String, String)> {
        let name = "SECONDLOOK_KNOWLEDGE";
        let Some(folder) = self.set(name) else { return Vec::new() };
        toml_files(Path::new(&folder)).unwrap_or_else(|why| {
            self.add(name, format!("is \"{folder}\": give a readable folder ({why})"));
            Vec::new()
        })
    }

    fn duration(
        &mut self,
        name: &'static str,
        default: SignedDuration,
        max: SignedDuration,
    ) -> SignedDuration {
        let Some(value) = self.set(name) else { return default };
        match value.parse::<SignedDuration>() {
            Ok(duration) if !duration.is_negative() && duration <= max => return duration,
            Ok(_) => self.add(name, format!("is \"{value}\": between 0s and {max:#}")),
            Err(_) => self.add(name, format!("is \"{value}\": give a time such as 60s, 15m or 4h")),
        }
        default
    }

    fn number(&mut self, name: &'static str, default: u32) -> u32 {
        let Some(value) = self.set(name) else { return default };
        value.parse().unwrap_or_else(|_| {
            self.add(name, format!("is \"{value}\": give a whole number; 0 means no cap"));
            default
        })
    }
}

#[cfg(test)]
mod tests;
