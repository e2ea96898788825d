//! What only a server can show: it is away and comes back, lets nobody in, is not what it should be.

use std::sync::Arc;

use secondlook::app::ports::{Store, StoreError, Work};
use secondlook::domain::investigation::CaseNumber;
use secondlook::store;

use super::house::{House, asking, at, case, of_case};
use crate::postgres::{Server, run, server};

async fn refused(url: &str) -> String {
    let error = store::open(url).await.map(|_: Arc<dyn Store>| ()).unwrap_err();
    format!("{error:#}")
}

#[tokio::test]
async fn a_server_that_cannot_be_used_says_why() {
    let server = server();
    server.run("create role guarded login password 'hunter2'").await;
    server.run("create database ascii encoding 'SQL_ASCII' template template0").await;
    server.run("create database standby template template0").await;
    server.run("alter database standby set default_transaction_read_only = on").await;
    server.run("create database closed template template0").await;
    server.run("revoke connect on database closed from public").await;
    let nowhere = tempfile::tempdir().unwrap();
    let as_guarded = |password: &str| server.url(&format!("guarded:{password}"), "postgres");
    for (url, says) in [
        (as_guarded("hunter3"), "does not let “guarded” in: check the user and the password"),
        (server.url("stranger", "postgres"), "does not let “stranger” in"),
        (server.url("guarded:hunter2", "closed"), "may not connect"),
        (server.url("postgres", "none"), "there is no database “none”"),
        (server.url("postgres", "ascii"), "encoded as SQL_ASCII: create a database"),
        (
            server.url("postgres", "standby"),
            "a read-only replica: let DATABASE_URL name the primary",
        ),
        (
            format!("postgres://me:hunter2@localhost/x?host={}", nowhere.path().display()),
            "is it running, and does DATABASE_URL name the right server",
        ),
    ] {
        let error = refused(&url).await;
        assert!(error.contains(says), "{url}: {error}");
        assert!(!error.contains("hunter"), "{error}");
    }
}

#[tokio::test]
async fn over_tls_a_server_is_spoken_to_and_must_prove_who_it_is() {
    let server = Server::with_tls();
    server.run("create role clerk login superuser password 'hunter2'").await;
    let url = |host: &str, how: &str| server.url_over_tls("clerk:hunter2", host, how);
    let by = |mode: &str, authority: &str| {
        format!("sslmode={mode}&sslrootcert={}", server.file(&format!("{authority}.crt")))
    };
    for how in
        ["sslmode=require".to_owned(), by("verify-ca", "authority"), by("verify-full", "authority")]
    {
        store::open(&url("localhost", &how)).await.unwrap().ready().await.unwrap();
    }
    store::open(&url("127.0.0.1", &by("verify-ca", "authority"))).await.unwrap();
    let name_it = "name its certificate authority (sslrootcert=<file>)";
    for (host, how, says) in [
        ("localhost", by("verify-full", "stranger"), name_it),
        ("localhost", by("verify-ca", "stranger"), name_it),
        ("localhost", "sslmode=verify-full".to_owned(), name_it),
        // Its certificate is for another name.
        ("127.0.0.1", by("verify-full", "authority"), name_it),
        ("localhost", by("verify-full", "missing"), "is not there (sslrootcert"),
        ("localhost", "sslmode=disable".to_owned(), "sslmode=require"),
    ] {
        let error = refused(&url(host, &how)).await;
        assert!(error.contains(says), "{host} {how}: {error}");
        assert!(!error.contains("hunter"), "{error}");
    }
}

/// A user who may only read and write starts on tables that somebody else has made.
#[tokio::test]
async fn a_user_without_rights_on_the_schema_can_start() {
    let house = House::postgres().await;
    run(
        &house.url(),
        "create role clerk login; grant select, insert, update, delete on all tables in schema public to clerk",
    )
    .await;
    let store = store::open(&house.url().replace("postgres@", "clerk@")).await.unwrap();
    store.commit(&of_case(case(1)), at(0)).await.unwrap();
    store.commit(&asking(Work::ShowCard(CaseNumber(1)), at(0)), at(0)).await.unwrap();
    assert_eq!(store.claim(at(0), at(1), 9, &[]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_schema_of_a_newer_program_is_left_alone() {
    let house = House::postgres().await;
    run(
        &house.url(),
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'later', true, '', 0)",
    )
    .await;
    let error = house.store.ready().await.unwrap_err().to_string();
    assert!(error.contains("its schema is at 9999"), "{error}");
    assert!(refused(&house.url()).await.contains("9999"));
}

#[tokio::test]
async fn what_was_said_to_be_done_outlives_the_server() {
    let server = Server::start();
    let url = server.database().await;
    let store = store::open(&url).await.unwrap();
    store.commit(&of_case(case(1)), at(0)).await.unwrap();
    server.pull_the_plug();
    let away = store.commit(&of_case(case(2)), at(0)).await.unwrap_err();
    assert!(matches!(away, StoreError::Unavailable(_)), "{away}");
    assert!(store.ready().await.is_err());
    server.plug_in();
    // The same store: it finds its way back alone.
    store.ready().await.unwrap();
    assert!(store.case(&case(1).workspace, CaseNumber(1)).await.unwrap().is_some());
    store.commit(&of_case(case(2)), at(0)).await.unwrap();
}

#[tokio::test]
async fn the_doctor_looks_at_it_and_shows_no_password() {
    let fresh = server().database().await;
    let house = House::postgres().await;
    server().run("create role patient login password 'hunter2' superuser").await;
    let with_password = |url: String| url.replace("postgres@", "patient:hunter2@");
    for (url, says) in [
        (with_password(fresh), "– database: the store in DATABASE_URL does not exist yet"),
        (
            with_password(house.url()),
            "✓ database: it can be read and written; its schema is current",
        ),
        (server().url("patient:hunter2", "none"), "✗ database: there is no database “none”"),
    ] {
        let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_secondlook"));
        let report = doctor.arg("doctor").env_clear().env("DATABASE_URL", &url).output().unwrap();
        let report = String::from_utf8(report.stdout).unwrap();
        assert!(report.contains(says), "{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }
}
