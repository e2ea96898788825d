//! A store to test, and things to put into it.
#![allow(dead_code, reason = "each test binary uses its part of the house")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secondlook::app::installations::Installation;
use secondlook::app::ports::{
    Change, Committed, Job, JobEnd, NewJob, Store, StoreError, Work, Workspace,
};
use secondlook::domain::evidence::{EvidenceKind, Reading};
use secondlook::domain::investigation::{
    Case, CaseNumber, Evidence, Origin, Outcome, OutcomeKind, Parked, State, Statement,
};
use secondlook::domain::policy::Silence;
use secondlook::domain::{ChannelId, Door, Kind, MessageTs, Stance, UserId, WorkspaceId};
use secondlook::store::Database;
use tempfile::TempDir;

/// A store, and the directory it lives in if it is a file.
pub(crate) struct House {
    pub(crate) store: Arc<dyn Store>,
    database: Arc<Database>,
    url: String,
    dir: TempDir,
}

impl House {
    pub(crate) async fn memory() -> Self {
        Self::open(TempDir::new().unwrap(), "sqlite::memory:".to_owned()).await
    }

    pub(crate) async fn file() -> Self {
        let dir = TempDir::new().unwrap();
        let url = format!("sqlite://{}/store.db", dir.path().display());
        Self::open(dir, url).await
    }

    pub(crate) async fn postgres() -> Self {
        Self::on(crate::postgres::server().database().await).await
    }

    pub(crate) async fn on(url: String) -> Self {
        Self::open(TempDir::new().unwrap(), url).await
    }

    async fn open(dir: TempDir, url: String) -> Self {
        let database = Arc::new(Database::open(&url).await.unwrap());
        let store: Arc<dyn Store> = database.clone();
        store.ready().await.unwrap();
        Self { store, database, url, dir }
    }

    /// Closes the store, so that nobody has it open.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }

    /// Lets the file lie: its URL, and the directory it lives in.
    pub(crate) fn leave(self) -> (String, TempDir) {
        (self.url, self.dir)
    }

    /// The URL of another one of the same kind, where there is nothing yet.
    pub(crate) async fn another(&self) -> String {
        if self.url.starts_with("sqlite:") {
            return self.url.replace("store.db", "another.db");
        }
        crate::postgres::server().database().await
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// How many rows each table has about a workspace.
    pub(crate) async fn rows_about(&self, workspace: &str) -> BTreeMap<String, i64> {
        crate::tables::rows_about(&self.url, workspace).await
    }

    /// Every byte the store left on disk.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(self.dir.path()).unwrap() {
            bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        bytes
    }

    pub(crate) async fn commit(&self, change: &Change) -> Result<Committed, StoreError> {
        self.store.commit(change, at(0)).await
    }

    /// Saves a case and returns it as it stands.
    pub(crate) async fn save(&self, case: Case) -> Case {
        self.commit(&of_case(case.clone())).await.unwrap();
        Case { revision: case.revision + 1, ..case }
    }

    pub(crate) async fn load(&self, case: &Case) -> Case {
        self.store.case(&case.workspace, case.number).await.unwrap().unwrap()
    }

    /// Asks for work in workspace `T1`.
    pub(crate) async fn ask(&self, work: Work, run_at: Timestamp) {
        self.commit(&asking(work, run_at)).await.unwrap();
    }

    pub(crate) async fn cancel(&self, work: &Work) {
        let change = Change { cancel: vec![work.key()], ..touch() };
        self.commit(&change).await.unwrap();
    }

    /// Claims everything that is due, with a lease of a minute.
    pub(crate) async fn claim(&self, now: Timestamp) -> Vec<Job> {
        self.store.claim(now, now + SignedDuration::from_mins(1), 1000, &[]).await.unwrap()
    }

    /// Claims the one job that is due.
    pub(crate) async fn claim_one(&self, now: Timestamp) -> Job {
        let mut jobs = self.claim(now).await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs.remove(0)
    }

    pub(crate) async fn end(&self, job: &Job, end: JobEnd) {
        self.try_end(job, end).await.unwrap();
    }

    pub(crate) async fn try_end(&self, job: &Job, end: JobEnd) -> Result<Committed, StoreError> {
        self.commit(&Change { job: Some((job.clone(), end)), ..Change::default() }).await
    }
}

/// Some time; `minutes` later than another.
pub(crate) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_763_712_000).unwrap() + SignedDuration::from_mins(minutes)
}

pub(crate) fn t1() -> WorkspaceId {
    WorkspaceId::from("T1")
}

/// A change with nothing but a workspace.
pub(crate) fn touch() -> Change {
    let fresh = format!("{:?}", std::time::Instant::now());
    Change { event: Some((t1(), fresh)), ..Change::default() }
}

pub(crate) fn asking(work: Work, run_at: Timestamp) -> Change {
    Change { jobs: vec![NewJob { work, run_at }], ..touch() }
}

pub(crate) fn of_case(case: Case) -> Change {
    Change { case: Some(case), ..Change::default() }
}

/// A small case in `T1`/`C1`, prompted.
pub(crate) fn case(number: u32) -> Case {
    Case {
        workspace: t1(),
        number: CaseNumber(number),
        channel: ChannelId::from("C1"),
        private: false,
        root: Some(MessageTs(format!("1763712000.{number:06}"))),
        message: Some(MessageTs(format!("1763712000.{number:06}"))),
        card: None,
        state: State::Prompted,
        origin: Origin::Heard,
        author: Some(UserId::from("U1")),
        title: "switch to SendGrid".to_owned(),
        matched: "switch to SendGrid".to_owned(),
        said: "Let's switch to SendGrid, mails land in spam".to_owned(),
        problem: None,
        kind: Kind::SwitchVendor,
        door: Door::Costly,
        stance: Stance::Advocating,
        confidence: 0.875,
        rules: vec!["lets-switch".to_owned()],
        language: "en".to_owned(),
        topic: "sendgrid".to_owned(),
        given: vec![],
        statement: Statement::default(),
        evidence: vec![],
        parked: vec![],
        opened_by: None,
        outcome: None,
        silence: None,
        began_at: at(0),
        opened_at: None,
        revision: 0,
    }
}

/// A case in which every field is filled.
pub(crate) fn full_case(number: u32) -> Case {
    let some = |text: &str| Some(text.to_owned());
    let evidence = Evidence {
        kind: EvidenceKind::MailHeaders,
        by: Some(UserId::from("U2")),
        at: at(3),
        message: Some(MessageTs::from("1763712180.000001")),
        file: some("F0HEADERS1"),
        permalink: some("https://acme.slack.com/archives/C1/p1763712180000001"),
        excerpt: some("Authentication-Results: dkim=fail"),
        reading: Some(Reading {
            says: "DKIM: fail".to_owned(),
            line: "dkim=fail (no key) 'quoted' – ünïcode".to_owned(),
            supports: vec!["dns-record".into(), "mail-auth".into()],
            against: vec!["spam-content".into()],
        }),
    };
    let bare = Evidence {
        kind: EvidenceKind::Link,
        by: None,
        message: None,
        file: None,
        permalink: None,
        excerpt: some(""),
        reading: None,
        ..evidence
    };
    Case {
        card: Some(MessageTs::from("1763712060.000100")),
        private: true,
        state: State::Closed,
        problem: some("mails land in spam"),
        given: vec![EvidenceKind::Log, EvidenceKind::Dns],
        statement: Statement {
            scope: some("all newsletters since Monday"),
            reproduction: some("send one to a new mailbox"),
            factors: some("the DNS moved on Sunday"),
            constraints: some("no budget"),
        },
        evidence: vec![evidence, bare],
        parked: vec![Parked {
            message: MessageTs::from("1763712240.000001"),
            said: "let's rewrite it".to_owned(),
        }],
        opened_by: Some(UserId::from("U3")),
        outcome: Some(Outcome {
            kind: OutcomeKind::Averted,
            class: Some("dns-record".into()),
            fixed: some("put the DKIM record back"),
            days: Some(0.5),
            by: Some(UserId::from("U1")),
            at: at(9),
            forgotten_at: None,
        }),
        silence: Some(Silence::Retracted),
        opened_at: Some(at(2)),
        ..case(number)
    }
}

/// A workspace that has installed the app.
pub(crate) fn workspace(id: &str) -> Workspace {
    Workspace {
        id: WorkspaceId::from(id),
        bot_user: UserId::from("UBOT"),
        bot_id: "B1".to_owned(),
        url: "https://acme.slack.com/".to_owned(),
    }
}

/// Its installation.
pub(crate) fn installation(id: &str) -> Installation {
    Installation {
        workspace: WorkspaceId::from(id),
        installed_at: at(0),
        key_id: "0a1b2c3d".to_owned(),
        sealed: "c2VhbGVk".to_owned(),
        expires_at: Some(at(720)),
        renewing_until: None,
        renewal_failed: None,
        revision: 0,
    }
}
