//! The store, and what is kept in it.

use jiff::Timestamp;
use secondlook::app::ports::{Change, JobEnd, NewJob, Store as _, Work, Workspace};
use secondlook::domain::investigation::CaseNumber;
use secondlook::domain::{UserId, WorkspaceId};
use secondlook::store::Database;

use crate::patient::Patient;

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
pub(crate) async fn parked(store: &Database) {
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
