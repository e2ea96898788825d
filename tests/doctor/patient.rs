//! Who sees the doctor, and what the doctor said.

use std::path::Path;
use std::process::{Command, Output};

use secondlook::manifest::{Size, scopes};
use secondlook::playground::{App, Options, Playground};
use tempfile::TempDir;

pub(crate) const SIGNING_SECRET: &str = "ninetynine-signing-secrets";

/// A patient: an environment, a directory of its own, and a Slack.
pub(crate) struct Patient {
    pub(crate) slack: Playground,
    pub(crate) dir: TempDir,
    pub(crate) environment: Vec<(String, String)>,
}

/// What the doctor said.
pub(crate) struct Report {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Patient {
    pub(crate) async fn with_scopes(granted: Vec<String>) -> Self {
        let app = App { scopes: granted, ..App::default() };
        let slack = Playground::start(Options { app, ..Options::default() }).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let environment = [
            ("SLACK_BOT_TOKEN", slack.bot_token()),
            ("SLACK_APP_TOKEN", slack.app_token().to_owned()),
            ("SLACK_SIGNING_SECRET", SIGNING_SECRET.to_owned()),
            ("SLACK_API_URL", slack.api_url()),
            ("DATABASE_URL", format!("sqlite://{}", dir.path().join("store.db").display())),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Self { slack, dir, environment }
    }

    pub(crate) async fn new() -> Self {
        Self::with_scopes(listening()).await
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}", self.database().display())
    }

    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("store.db")
    }

    /// Runs the program. Whatever it says, it repeats no secret.
    pub(crate) async fn see_the_doctor(&self) -> Report {
        self.ask_the_doctor(&[]).await
    }

    pub(crate) async fn ask_the_doctor(&self, arguments: &'static [&'static str]) -> Report {
        let (environment, dir) = (self.environment.clone(), self.dir.path().to_owned());
        let run = move || doctor(arguments, &environment, &dir);
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let all = format!("{text}{}", String::from_utf8(output.stderr).unwrap());
        for (name, value) in &self.environment {
            let secret = name.contains("TOKEN") || name.contains("SECRET");
            assert!(!secret || value.len() < 12 || !all.contains(value), "{name} shows in\n{all}");
        }
        Report { code: output.status.code().unwrap(), text }
    }
}

fn doctor(arguments: &[&str], environment: &[(String, String)], dir: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    command
        .arg("doctor")
        .args(arguments)
        .env_clear()
        .envs(environment.iter().cloned())
        .current_dir(dir);
    command.output().unwrap()
}

impl Report {
    #[track_caller]
    pub(crate) fn says(&self, line_start: &str, words: &[&str]) -> &Self {
        let found = self
            .text
            .lines()
            .any(|line| line.starts_with(line_start) && words.iter().all(|w| line.contains(w)));
        assert!(found, "no line begins with {line_start:?} and says {words:?} in\n{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn ends_with(&self, code: i32) {
        assert_eq!(self.code, code, "{}", self.text);
        assert_eq!(self.text.contains('✗'), code != 0, "{}", self.text);
    }
}

pub(crate) fn listening() -> Vec<String> {
    let listen = scopes(Size::Listen);
    [listen.needed, listen.optional].concat()
}

pub(crate) fn without(scope: &str) -> Vec<String> {
    listening().into_iter().filter(|granted| granted != scope).collect()
}
