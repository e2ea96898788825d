//! Settings and the files they name.

use secondlook::playground::World;
use secondlook::store::Database;

use crate::patient::Patient;
use crate::records::parked;

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
