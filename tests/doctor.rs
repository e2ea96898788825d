//! `secondlook doctor`, the real program, beside the stand-in for Slack: well, and in every way unwell.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use secondlook::app::installations::{Installation, Installations as _};
use secondlook::app::ports::{Change, Clock, JobEnd, NewJob, Store, Work, Workspace};
use secondlook::config::Partial;
use secondlook::doctor::{Verdict, examine};
use secondlook::domain::investigation::CaseNumber;
use secondlook::domain::{UserId, WorkspaceId};
use secondlook::manifest::{Size, scopes};
use secondlook::playground::{App, Fault, FaultKind, Options, Playground, World};
use secondlook::store::Database;
use tempfile::TempDir;

const SIGNING_SECRET: &str = "ninetynine-signing-secrets";

/// A patient: an environment, a directory of its own, and a Slack.
struct Patient {
    slack: Playground,
    dir: TempDir,
    environment: Vec<(String, String)>,
}

/// What the doctor said.
struct Report {
    code: i32,
    text: String,
}

impl Patient {
    async fn with_scopes(granted: Vec<String>) -> Self {
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

    async fn new() -> Self {
        Self::with_scopes(listening()).await
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.database().display())
    }

    fn database(&self) -> std::path::PathBuf {
        self.dir.path().join("store.db")
    }

    /// Runs the program. Whatever it says, it repeats no secret.
    async fn see_the_doctor(&self) -> Report {
        self.ask_the_doctor(&[]).await
    }

    async fn ask_the_doctor(&self, arguments: &'static [&'static str]) -> Report {
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
    fn says(&self, line_start: &str, words: &[&str]) -> &Self {
        let found = self
            .text
            .lines()
            .any(|line| line.starts_with(line_start) && words.iter().all(|w| line.contains(w)));
        assert!(found, "no line begins with {line_start:?} and says {words:?} in\n{}", self.text);
        self
    }

    #[track_caller]
    fn ends_with(&self, code: i32) {
        assert_eq!(self.code, code, "{}", self.text);
        assert_eq!(self.text.contains('✗'), code != 0, "{}", self.text);
    }
}

fn listening() -> Vec<String> {
    let listen = scopes(Size::Listen);
    [listen.needed, listen.optional].concat()
}

fn without(scope: &str) -> Vec<String> {
    listening().into_iter().filter(|granted| granted != scope).collect()
}

#[tokio::test]
async fn the_workspaces_own_knowledge_is_read_and_its_faults_are_named() {
    let patient = Patient::new().await;
    let folder = patient.dir.path().join("knowledge");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("own.toml");
    std::fs::write(&file, "[[cues]]\nclass = \"email-auth\"\nstrong = [\"listserv silent\"]\n")
        .unwrap();
    let patient = patient.set("SECONDLOOK_KNOWLEDGE", &folder.to_string_lossy());
    patient.see_the_doctor().await.says("✓ data files", &["with 1 of SECONDLOOK_KNOWLEDGE"]);
    std::fs::write(&file, "[[cues]]\nclass = \"nope\"\nstrong = [\"x\"]\n").unwrap();
    let report = patient.see_the_doctor().await;
    report.says("✗ data files", &["own.toml:2: no class is called 'nope'"]).ends_with(1);
}

#[tokio::test]
async fn a_healthy_installation() {
    let patient = Patient::new().await;
    drop(Database::open(&patient.url()).await.unwrap());
    let report = patient.see_the_doctor().await;
    report
        .says("✓ configuration", &[])
        .says("✓ data files", &[])
        .says("✓ database", &["schema is current"])
        .says("✓ bot token", &["@secondlook", "Acme"])
        .says("✓ scopes", &["listen"])
        .says("✓ clock", &[])
        .says("✓ app token", &[])
        .says("– signing secret", &["Event Subscriptions"])
        .ends_with(0);
    assert_eq!(report.text.lines().count(), 8, "{}", report.text);
    assert_eq!(patient.slack.look(World::socket_count), 0, "it connects nowhere");
}

// ── configuration ──────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn every_fault_of_the_configuration_and_still_the_rest() {
    let patient = Patient::new().await;
    drop(Database::open(&patient.url()).await.unwrap());
    let patient = patient
        .set("SLACK_BOT_TOKEN", "xapp-swapped-with-the-other")
        .set("BIND_ADDR", "8080")
        .set("RUST_LOG", "a=b=c")
        .set("LOG_FORMAT", "text");
    patient
        .see_the_doctor()
        .await
        .says("✗ configuration", &["SLACK_BOT_TOKEN should start with"])
        .says("✗ configuration", &["BIND_ADDR is \"8080\""])
        .says("✗ configuration", &["RUST_LOG"])
        .says("✓ database", &[])
        .says("– bot token", &["not checked"])
        .says("✓ app token", &[])
        .ends_with(2);
}

#[tokio::test]
async fn a_broken_line_of_the_env_file_is_not_repeated() {
    let patient = Patient::new().await;
    std::fs::write(patient.dir.path().join(".env"), "SLACK_CLIENT=xoxb-secret one two\n").unwrap();
    let report = patient.see_the_doctor().await;
    report.says("✗ configuration", &[".env has a line"]).says("✓ bot token", &[]).ends_with(2);
    assert!(!report.text.contains("xoxb-secret"));
}

#[tokio::test]
async fn the_env_file_of_a_folder_above_is_not_read() {
    let mut patient = Patient::new().await;
    std::fs::write(patient.dir.path().join(".env"), "BIND_ADDR=nonsense\nbroken line\n").unwrap();
    let below = tempfile::tempdir_in(patient.dir.path()).unwrap();
    let above = std::mem::replace(&mut patient.dir, below);
    patient.see_the_doctor().await.says("✓ configuration", &[]);
    drop(patient);
    above.close().unwrap();
}

/// Which store is meant, nobody knows then.
#[tokio::test]
async fn beside_a_broken_env_file_no_work_is_dropped() {
    let mut patient = Patient::new().await;
    let store = Database::open(&patient.url()).await.unwrap();
    parked(&store).await;
    store.close().await;
    std::fs::rename(patient.database(), patient.dir.path().join("secondlook.db")).unwrap();
    patient.environment.retain(|(name, _)| name != "DATABASE_URL");
    std::fs::write(patient.dir.path().join(".env"), "broken line\nDATABASE_URL=sqlite://x.db\n")
        .unwrap();
    let treated = patient.ask_the_doctor(&["--forget-parked"]).await;
    treated.says("✗ given up", &["nothing was done", ".env"]).says("– given up", &["card:7"]);
    std::fs::remove_file(patient.dir.path().join(".env")).unwrap();
    let treated = patient.ask_the_doctor(&["--forget-parked"]).await;
    treated.says("✓ given up", &["dropped: 1"]);
}

#[tokio::test]
async fn addresses_that_cannot_be_used_are_not_tried() {
    for (url, why) in [
        ("http://example.com/api", "SLACK_API_URL must be https"),
        ("https://me:hunter2@example.com/api", "SLACK_API_URL must have no user"),
    ] {
        let patient = Patient::new().await.set("SLACK_API_URL", url);
        let patient = patient.set("DATABASE_URL", "mysql://root:hunter2@db/x");
        let report = patient.see_the_doctor().await;
        report
            .says("✗ configuration", &[why])
            .says("– database", &["not checked"])
            .says("– Slack", &["not checked"])
            .ends_with(2);
        assert!(!report.text.contains("hunter2"), "{}", report.text);
    }
}

// ── the database ───────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_database_that_does_not_exist_yet_is_not_made() {
    let patient = Patient::new().await;
    patient.see_the_doctor().await.says("– database", &["does not exist yet"]).ends_with(0);
    assert!(!patient.database().exists());
}

#[tokio::test]
async fn a_missing_directory() {
    let patient = Patient::new().await;
    let url = format!("sqlite://{}/no/where.db", patient.dir.path().display());
    let report = patient.set("DATABASE_URL", &url).see_the_doctor().await;
    report.says("✗ database", &["does not exist: create it"]).ends_with(1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let patient = Patient::new().await;
    std::fs::write(patient.database(), "a diary").unwrap();
    patient.see_the_doctor().await.says("✗ database", &["not a database"]).ends_with(1);
    assert_eq!(std::fs::read_to_string(patient.database()).unwrap(), "a diary");
}

#[tokio::test]
async fn a_schema_of_another_version() {
    let patient = Patient::new().await;
    drop(Database::open(&patient.url()).await.unwrap());
    let pool = sqlx::SqlitePool::connect(&patient.url()).await.unwrap();
    let newer =
        "insert into _sqlx_migrations values (99999999, 'x', current_timestamp, 1, x'00', 1)";
    sqlx::query(newer).execute(&pool).await.unwrap();
    pool.close().await;
    patient.see_the_doctor().await.says("✗ database", &["99999999", "newer program"]).ends_with(1);
}

/// A workspace the store knows.
async fn workspace_of(store: &Database) -> WorkspaceId {
    let id = WorkspaceId::from("T1");
    let (bot_user, bot_id) = (UserId::from("U1"), "B1".to_owned());
    let known = Workspace { id: id.clone(), bot_user, bot_id, url: String::new() };
    store.save_workspace(&known).await.unwrap();
    id
}

/// A card that was given up.
async fn parked(store: &Database) {
    let workspace = workspace_of(store).await;
    let now = Timestamp::UNIX_EPOCH;
    let job = NewJob { work: Work::ShowCard(CaseNumber(7)), run_at: now };
    let event = Some((workspace, "event:1".to_owned()));
    let asked = Change { event, jobs: vec![job], ..Change::default() };
    store.commit(&asked, now).await.unwrap();
    let job = store.claim(now, now, 1, &[]).await.unwrap().remove(0);
    let end = JobEnd::Parked("channel_not_found".to_owned());
    store.commit(&Change { job: Some((job, end)), ..Change::default() }, now).await.unwrap();
}

#[tokio::test]
async fn work_that_was_given_up_is_shown_with_its_reason() {
    let patient = Patient::new().await;
    let store = Database::open(&patient.url()).await.unwrap();
    parked(&store).await;
    store.close().await;
    patient
        .see_the_doctor()
        .await
        .says("– given up", &["card:7 of T1 (channel_not_found)", "→", "--retry-parked"])
        .ends_with(0);
    let treated = patient.ask_the_doctor(&["--retry-parked"]).await;
    treated.says("✓ given up", &["to be tried again by the running bot: 1"]).ends_with(0);
    assert!(!treated.text.contains("card:7"), "{}", treated.text);
    let store = Database::open(&patient.url()).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "the doctor tells the real time")]
    let now = Timestamp::now();
    let job = store.claim(now, now, 1, &[]).await.unwrap().remove(0);
    let end = JobEnd::Parked("channel_not_found".to_owned());
    store.commit(&Change { job: Some((job, end)), ..Change::default() }, now).await.unwrap();
    store.close().await;
    let treated = patient.ask_the_doctor(&["--forget-parked"]).await;
    treated.says("✓ given up", &["dropped: 1"]).ends_with(0);
    patient.see_the_doctor().await.says("✓ database", &[]).ends_with(0);
    let neither = patient.ask_the_doctor(&["--forget-parked", "--retry-parked"]).await;
    assert_eq!((neither.code, neither.text.as_str()), (2, ""));
}

#[tokio::test]
async fn work_of_a_newer_version_is_named() {
    let patient = Patient::new().await;
    let store = Database::open(&patient.url()).await.unwrap();
    let workspace = workspace_of(&store).await;
    let job = NewJob { work: Work::ShowCard(CaseNumber(7)), run_at: Timestamp::UNIX_EPOCH };
    let event = Some((workspace, "event:1".to_owned()));
    let asked = Change { event, jobs: vec![job], ..Change::default() };
    store.commit(&asked, Timestamp::UNIX_EPOCH).await.unwrap();
    store.close().await;
    let pool = sqlx::SqlitePool::connect(&patient.url()).await.unwrap();
    sqlx::query("update job set kind = 'newer'").execute(&pool).await.unwrap();
    pool.close().await;
    let report = patient.see_the_doctor().await;
    report.says("– unknown work", &["newer (1)", "newer version", "→"]).ends_with(0);
}

#[tokio::test]
async fn a_workspace_that_removed_the_app_is_shown() {
    let patient = Patient::new().await;
    let store = Database::open(&patient.url()).await.unwrap();
    let workspace = workspace_of(&store).await;
    let event = Some((workspace, "event:1".to_owned()));
    let removed = Change { event, uninstalled: true, ..Change::default() };
    store.commit(&removed, Timestamp::UNIX_EPOCH).await.unwrap();
    store.close().await;
    let report = patient.see_the_doctor().await;
    report.says("– removed", &["T1", "1970-01-01", "30 days", "install it again"]).ends_with(0);
}

// ── Slack ──────────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn a_token_that_is_no_longer_valid() {
    let patient = Patient::new().await;
    patient.slack.rotate_bot_token();
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["invalid_auth", "copy SLACK_BOT_TOKEN again"]).ends_with(1);
    patient.slack.fail(Fault::error("auth.test", 1, "token_revoked"));
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["token_revoked", "install the app again"]).ends_with(1);
}

#[tokio::test]
async fn an_app_token_that_is_refused() {
    let patient = Patient::new().await.set("SLACK_APP_TOKEN", "xapp-1-somebody-elses");
    let report = patient.see_the_doctor().await;
    report.says("✗ app token", &["SLACK_APP_TOKEN (invalid_auth)"]).ends_with(1);
}

#[tokio::test]
async fn scopes_are_held_against_the_size_that_was_installed() {
    let patient = Patient::with_scopes(without("chat:write")).await;
    let report = patient.see_the_doctor().await;
    report
        .says("✗ scopes", &["“listen” also needs chat:write", "install the app again"])
        .ends_with(1);

    let patient = Patient::with_scopes(without("files:read")).await;
    let report = patient.see_the_doctor().await;
    report.says("– scopes", &["optional and not granted: files:read"]).ends_with(0);

    let ask_only = scopes(Size::AskOnly);
    let patient = Patient::with_scopes([ask_only.needed, ask_only.optional].concat()).await;
    let report = patient.see_the_doctor().await;
    report.says("✓ scopes", &["ask-only"]).ends_with(0);

    let patient = Patient::with_scopes([listening(), vec!["admin".to_owned()]].concat()).await;
    let report = patient.see_the_doctor().await;
    report.says("– scopes", &["never used: admin"]).ends_with(0);
}

#[tokio::test]
async fn an_api_that_cannot_be_reached() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let patient = Patient::new().await.set("SLACK_API_URL", &format!("http://{free}/api"));
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["could not connect", "SLACK_API_URL"]).ends_with(1);
}

#[tokio::test]
async fn a_proxy_the_bot_would_not_use_is_not_used_here_either() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let through = format!("http://{}", proxy.local_addr().unwrap());
    let patient = Patient::new().await.set("SLACK_API_URL", &format!("https://{free}/api"));
    let patient = patient.set("HTTPS_PROXY", &through).set("https_proxy", &through);
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["could not connect", "HTTPS_PROXY is not used"]).ends_with(1);
    let asked = proxy.accept().map(|_| ()).unwrap_err().kind();
    assert_eq!(asked, std::io::ErrorKind::WouldBlock, "nothing went to the proxy");
}

#[tokio::test]
async fn an_api_that_is_not_slacks() {
    let patient = Patient::new().await;
    patient.slack.fail(Fault::new("auth.test", 1, FaultKind::Status(503)));
    let report = patient.see_the_doctor().await;
    report.says("✗ bot token", &["the answer is not Slack's", "network"]).ends_with(1);
}

#[tokio::test]
async fn being_told_to_wait_is_no_fault() {
    let patient = Patient::new().await;
    patient.slack.fail(Fault::new("*", Fault::ALWAYS, FaultKind::RateLimited(60)));
    let report = patient.see_the_doctor().await;
    report.says("– bot token", &["wait 60 s"]).ends_with(0);
}

// ── the digest ──────────────────────────────────────────────────────────────────────────────────

#[tokio::test]
async fn the_digest_has_a_channel_it_can_be_posted_in() {
    let digest = async |set: &str| {
        let patient = Patient::new().await;
        patient.set("SECONDLOOK_DIGEST_CHANNEL", set).see_the_doctor().await
    };
    digest("C0GENERAL1").await.says("✓ digest", &["C0GENERAL1 of T0ACME0001"]).ends_with(0);
    let report = digest("T0ACME0001:C0GENERAL1").await;
    report.says("✓ digest", &["C0GENERAL1 of T0ACME0001"]).ends_with(0);
    let report = digest("C0RANDOM01").await;
    report.says("✗ digest", &["the bot is not in C0RANDOM01", "/invite"]).ends_with(1);
    let report = digest("C0SHARED01").await;
    report.says("✗ digest", &["shared with another company"]).ends_with(1);
    let report = digest("C0NOWHERE1").await;
    report.says("✗ digest", &["no C0NOWHERE1", "check the id"]).ends_with(1);
    let report = digest("T0ACME0001:C0GENERAL1,T0NORTH001:C0GENERAL1").await;
    report
        .says("✓ digest", &["C0GENERAL1 of T0ACME0001"])
        .says("✗ digest", &["not installed in T0NORTH001"])
        .ends_with(1);
    let report = digest("general").await;
    report.says("✗ configuration", &["SECONDLOOK_DIGEST_CHANNEL is \"general\""]).ends_with(2);
    assert!(!report.text.contains(" digest:"), "{}", report.text);
}

#[tokio::test]
async fn one_channel_is_nobodys_where_two_workspaces_are_installed_whatever_opens_their_tokens() {
    let mut patient = Patient::new().await;
    patient.environment.retain(|(known, _)| known != "SLACK_BOT_TOKEN");
    let patient = patient
        .set("SLACK_CLIENT_ID", "1.2")
        .set("SLACK_CLIENT_SECRET", "a-client-secret")
        .set("SECONDLOOK_PUBLIC_URL", "https://bot.example.com")
        .set("SECONDLOOK_ENCRYPTION_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
        .set("SECONDLOOK_DIGEST_CHANNEL", "C0GENERAL1");
    let store = Database::open(&patient.url()).await.unwrap();
    for id in ["T1", "T2"] {
        let (bot_user, bot_id) = (UserId::from("U1"), "B1".to_owned());
        let workspace = Workspace { id: id.into(), bot_user, bot_id, url: String::new() };
        let installation = Installation {
            workspace: id.into(),
            installed_at: Timestamp::UNIX_EPOCH,
            key_id: "another".to_owned(),
            sealed: String::new(),
            expires_at: None,
            renewing_until: None,
            renewal_failed: None,
            revision: 0,
        };
        store.install(&workspace, &installation).await.unwrap();
    }
    store.close().await;
    let report = patient.see_the_doctor().await;
    report.says("✗ digest", &["none is posted", "2 workspaces are installed", "T0123456789:C"]);
}

// ── the clock ──────────────────────────────────────────────────────────────────────────────────

/// Goes wrong by a fixed time.
struct WrongClock(Mutex<Timestamp>);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn a_clock_that_goes_wrong() {
    let patient = Patient::new().await;
    let get = |name: &str| {
        patient.environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    };
    let read = Partial::from_variables(&get);
    #[expect(clippy::disallowed_methods, reason = "the stand-in tells the real time")]
    let now = Timestamp::now();
    for (wrong_by, expected) in [(0, None), (400, Some("ahead of")), (-400, Some("behind"))] {
        let clock = WrongClock(Mutex::new(now + SignedDuration::from_secs(wrong_by)));
        let findings = examine(&read, &clock).await;
        let clock = findings.iter().find(|finding| finding.about == "clock").unwrap();
        let verdict = if expected.is_some() { Verdict::Wrong } else { Verdict::Well };
        assert_eq!(clock.verdict, verdict, "{clock:?}");
        assert!(clock.found.contains(expected.unwrap_or("agrees")), "{clock:?}");
    }
}
