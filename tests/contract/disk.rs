//! What only a file can show: restarts, neighbours, damage, and what is left on disk.

use std::sync::Arc;

use secondlook::app::ports::{Change, Committed, Doubt, Store, StoreError, Work};
use secondlook::app::retention::Perishable;
use secondlook::domain::investigation::{Case, CaseNumber, Happening, State, apply};
use secondlook::domain::policy::ChannelState;
use secondlook::domain::{ChannelId, UserId, WorkspaceId};
use secondlook::store::{self, Database};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

use super::house::{House, asking, at, case, full_case, of_case, t1, touch, workspace};
use super::installations::erase_to_the_end;

/// A look at the file past the store.
async fn raw(house: &House) -> SqliteConnection {
    SqliteConnection::connect(&house.url()).await.unwrap()
}

async fn run(conn: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.unwrap();
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let house = House::file().await;
    let store = Database::open(&house.url()).await.unwrap();
    let change = Change {
        event: Some((t1(), "Ev1".to_owned())),
        case: Some(full_case(1)),
        channel: Some((t1(), ChannelId::from("C1"), ChannelState::default())),
        ..asking(Work::ShowCard(CaseNumber(1)), at(0))
    };
    store.commit(&change, at(0)).await.unwrap();
    let number = store.new_case_number(&t1()).await.unwrap();
    let in_flight = store.claim(at(0), at(1), 9, &[]).await.unwrap();
    store.close().await;
    let bytes = house.bytes();
    assert!(bytes.starts_with(b"SQLite format 3\0"));

    let store = Database::open(&house.url()).await.unwrap();
    assert_eq!(store.commit(&change, at(0)).await.unwrap(), Committed::Duplicate);
    let saved = store.case(&t1(), CaseNumber(1)).await.unwrap().unwrap();
    assert_eq!(saved, Case { revision: 1, ..full_case(1) });
    let channel = ChannelId::from("C1");
    assert_eq!(store.channel(&t1(), &channel).await.unwrap().revision, 1);
    assert_eq!(store.prompts(&t1(), &channel, at(0)).await.unwrap().len(), 1);
    assert_eq!(store.new_case_number(&t1()).await.unwrap().0, number.0 + 1);
    let again = store.claim(at(1), at(2), 9, &[]).await.unwrap();
    assert_eq!((again[0].id, again[0].doubt), (in_flight[0].id, Doubt::Once));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    for (sql, table, column, id) in [
        ("update investigation set state = 'x'", "investigation", "state", "T1/1"),
        ("update investigation set rules = '{'", "investigation", "rules", "T1/1"),
        ("update investigation set given = '[\"x\"]'", "investigation", "given", "T1/1"),
        (
            "update investigation set began_at = 9223372036854775807",
            "investigation",
            "began_at",
            "T1/1",
        ),
        ("update outcome set kind = 'x'", "outcome", "kind", "T1/1"),
        ("update evidence set kind = 'x' where position = 1", "evidence", "kind", "T1/1/1"),
        ("update evidence set against = '1' where position = 0", "evidence", "against", "T1/1/0"),
    ] {
        let house = House::file().await;
        house.save(full_case(1)).await;
        run(&mut raw(&house).await, sql).await;
        let found = house.store.case(&t1(), CaseNumber(1)).await.unwrap_err();
        let StoreError::Corrupt { table: t, column: c, id: i } = found else { panic!("{found}") };
        assert_eq!((t, c, i.as_str()), (table, column, id));
        let change = of_case(Case { revision: 1, ..full_case(1) });
        assert!(matches!(house.commit(&change).await, Err(StoreError::Corrupt { .. })));
    }
    let house = House::file().await;
    let channel = (t1(), ChannelId::from("C1"), ChannelState::default());
    house.commit(&Change { channel: Some(channel), ..Change::default() }).await.unwrap();
    run(&mut raw(&house).await, "update channel set mode = 'x'").await;
    let found = house.store.channel(&t1(), &ChannelId::from("C1")).await.unwrap_err();
    assert_eq!(found.to_string(), "unreadable row in channel.mode (T1/C1)");
}

#[tokio::test]
async fn an_unreadable_job_holds_up_no_other() {
    let house = House::file().await;
    for number in [1, 2, 3] {
        house.ask(Work::ShowCard(CaseNumber(number)), at(0)).await;
    }
    run(
        &mut raw(&house).await,
        "update job set kind = 'tell_refusal', payload = 'x' where case_number = 2",
    )
    .await;
    let works: Vec<_> =
        house.claim(at(0)).await.iter().map(|job| job.work.case().unwrap().0).collect();
    assert_eq!(works, [1, 3]);
    assert_eq!(house.store.backlog(at(0)).await.unwrap().parked, 1);
    let why: String = sqlx::query_scalar("select parked_because from job where case_number = 2")
        .fetch_one(&mut raw(&house).await)
        .await
        .unwrap();
    assert_eq!(why, "unreadable row in job.payload (2)");
}

#[tokio::test]
async fn history_is_appended_without_words_or_people() {
    let house = House::file().await;
    let waiting = house.save(Case { state: State::Waiting, ..case(1) }).await;
    let prompted = house.save(Case { state: State::Prompted, ..waiting }).await;
    let same = house.save(Case { private: true, ..prompted }).await;
    house.save(Case { revision: same.revision, ..full_case(1) }).await;
    let rows: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', revision, changed_at, coalesce(state_before, '-'), state_after,
             evidence_count, outcome_kind)
         from history order by revision",
    )
    .fetch_all(&mut raw(&house).await)
    .await
    .unwrap();
    let now = at(0).as_millisecond();
    assert_eq!(
        rows,
        [
            format!("1 {now} - waiting 0"),
            format!("2 {now} waiting prompted 0"),
            format!("4 {now} prompted closed 2 averted"),
        ]
    );
}

const MARK: &str = "MARKER";

fn marked(what: &str, length: usize) -> String {
    format!("{MARK} {what} ").repeat(length)
}

/// A case that carries the marker in every word and every person.
fn marked_case(number: u32) -> Case {
    let mut case =
        Case { state: State::Prompted, outcome: None, silence: None, ..full_case(number) };
    case.author = Some(UserId(marked("author", 1)));
    case.opened_by = Some(UserId(marked("opener", 1)));
    for word in [&mut case.title, &mut case.matched, &mut case.said, &mut case.topic] {
        *word = marked("word", 40);
    }
    case.problem = Some(marked("problem", 10));
    case.statement.scope = Some(marked("scope", 300));
    case.statement.reproduction = Some(marked("reproduction", 900));
    case.statement.factors = Some(marked("factors", 9));
    case.statement.constraints = Some(marked("constraints", 9));
    for evidence in &mut case.evidence {
        evidence.by = Some(UserId(marked("poster", 1)));
        evidence.excerpt = Some(marked("excerpt", 100));
        if let Some(reading) = &mut evidence.reading {
            reading.says = marked("says", 3);
            reading.line = marked("line", 10);
        }
    }
    case
}

/// The same, ended.
fn marked_end(number: u32) -> Case {
    let mut outcome = full_case(number).outcome.unwrap();
    outcome.fixed = Some(marked("fixed", 9));
    outcome.by = Some(UserId(marked("recorder", 1)));
    Case { state: State::Closed, outcome: Some(outcome), ..marked_case(number) }
}

fn marks(house: &House) -> usize {
    house.bytes().windows(MARK.len()).filter(|window| *window == MARK.as_bytes()).count()
}

#[tokio::test]
async fn erased_words_and_people_leave_the_disk() {
    let house = House::file().await;
    // Enough, and among others that stay, that pages split, overflow and merge.
    let mut cases = Vec::new();
    for number in 1..=40 {
        cases.push(house.save(marked_case(number)).await);
        house.save(full_case(1000 + number)).await;
    }
    assert!(marks(&house) > 10_000);
    for case in cases {
        let (dismissed, _) = apply(case, Happening::Dismissed, at(1));
        house.save(dismissed).await;
    }
    assert_eq!(marks(&house), 0);
}

#[tokio::test]
async fn reworded_text_and_finished_work_leave_the_disk() {
    let house = House::file().await;
    let before = house.save(marked_case(1)).await;
    house.save(Case { revision: before.revision, ..full_case(1) }).await;
    assert_eq!(marks(&house), 0);

    let never = ChannelState { never: vec![marked("topic", 50)], ..ChannelState::default() };
    let loud = ChannelState { never: vec![], revision: 1, ..ChannelState::default() };
    for state in [never, loud] {
        let channel = Some((t1(), ChannelId::from("C1"), state));
        house.commit(&Change { channel, ..Change::default() }).await.unwrap();
    }
    assert_eq!(marks(&house), 0);
}

#[tokio::test]
async fn what_is_deleted_by_age_leaves_the_disk() {
    let house = House::file().await;
    for number in 1..=20 {
        house.save(marked_case(number)).await;
        house.save(marked_end(100 + number)).await;
        house.save(full_case(1000 + number)).await;
        let theirs = WorkspaceId::from("T2");
        house.save(Case { workspace: theirs, ..marked_case(number) }).await;
    }
    let gone = Change {
        event: Some(("T2".into(), "gone".to_owned())),
        uninstalled: true,
        ..Change::default()
    };
    house.store.save_workspace(&workspace("T2")).await.unwrap();
    house.commit(&gone).await.unwrap();
    let before = marks(&house);
    assert_eq!(erase_to_the_end(house.store.as_ref(), at(0)).await, ["T2"]);
    assert!(marks(&house) < before);
    while house.store.erase(Perishable::Prompt, at(0), 7).await.unwrap() > 0 {}
    assert!(marks(&house) > 0, "the cases that ended stand");
    for (_, number) in house.store.remembered(at(9), 99).await.unwrap() {
        let ended = house.store.case(&t1(), number).await.unwrap().unwrap();
        house.save(apply(ended, Happening::LongEnded, at(99)).0).await;
    }
    assert_eq!(marks(&house), 0);
}

#[tokio::test]
async fn a_reader_delays_the_erasing_until_the_next_change() {
    let house = House::file().await;
    let saved = house.save(marked_case(1)).await;
    let mut reader = raw(&house).await;
    run(&mut reader, "begin; select count(*) from words").await;
    let (dismissed, _) = apply(saved, Happening::Dismissed, at(1));
    house.save(dismissed).await;
    assert!(marks(&house) > 0);
    run(&mut reader, "rollback").await;
    house.commit(&touch()).await.unwrap();
    assert_eq!(marks(&house), 0);
}

#[tokio::test]
async fn people_whom_nothing_references_are_forgotten() {
    let house = House::file().await;
    let first = house.save(case(1)).await;
    let second = house.save(case(2)).await;
    house.save(Case { workspace: WorkspaceId::from("T2"), ..case(1) }).await;
    let mut conn = raw(&house).await;
    let mut people = async || -> Vec<(String, String)> {
        sqlx::query_as("select workspace_id, user_id from person order by 1")
            .fetch_all(&mut conn)
            .await
            .unwrap()
    };
    let (mine, theirs) = (("T1".to_owned(), "U1".to_owned()), ("T2".to_owned(), "U1".to_owned()));
    assert_eq!(people().await, [mine.clone(), theirs.clone()]);
    house.save(Case { author: None, ..first }).await;
    assert_eq!(people().await, [mine, theirs.clone()], "the other case still references them");
    house.save(Case { author: None, ..second }).await;
    assert_eq!(people().await, [theirs]);
}

#[tokio::test]
async fn a_person_who_was_erased_is_nobody() {
    let house = House::file().await;
    house.save(full_case(1)).await;
    run(&mut raw(&house).await, "update person set user_id = null").await;
    let erased = house.store.case(&t1(), CaseNumber(1)).await.unwrap().unwrap();
    assert_eq!((erased.author, erased.opened_by), (None, None));
    assert_eq!(erased.evidence[0].by, None);
    let outcome = erased.outcome.unwrap();
    assert_eq!((outcome.by, outcome.days), (None, Some(0.5)), "what was concluded stays");
    // Whoever comes next is somebody else.
    house.save(case(2)).await;
    assert_eq!(house.load(&case(2)).await.author, Some(UserId::from("U1")));
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().display();
    std::fs::write(dir.path().join("letter.txt"), "Dear reader, this is no database. ".repeat(200))
        .unwrap();
    for (url, says) in [
        ("mysql://me:secret@host/db".to_owned(), "unknown database scheme \"mysql\""),
        ("store.db".to_owned(), "DATABASE_URL is no URL"),
        (
            format!("sqlite://{path}/none/store.db"),
            "none of the database does not exist: create it",
        ),
        (format!("sqlite://{path}/x.db?colour=red"), "is no SQLite URL"),
        (format!("sqlite://{path}/letter.txt"), "could not open the database"),
        (format!("sqlite://{path}"), "could not open the database"),
    ] {
        let error = store::open(&url).await.map(|_: Arc<dyn Store>| ()).unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains(says), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_a_newer_program_is_left_alone() {
    let house = House::file().await;
    let mut conn = raw(&house).await;
    run(
        &mut conn,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'later', 1, x'00', 0)",
    )
    .await;
    let error = house.store.ready().await.unwrap_err().to_string();
    assert!(error.contains("its schema is at 9999"), "{error}");
    let error = store::open(&house.url()).await.map(|_: Arc<dyn Store>| ()).unwrap_err();
    assert!(format!("{error:#}").contains("9999"), "{error:#}");
}

#[tokio::test]
async fn what_a_dead_process_had_claimed_is_due_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/store.db", dir.path().display());
    let one = Database::open(&url).await.unwrap();
    one.commit(&asking(Work::ShowCard(CaseNumber(1)), at(0)), at(0)).await.unwrap();
    assert_eq!(one.claim(at(0), at(2), 9, &[]).await.unwrap().len(), 1);

    // A neighbour takes nothing from the living.
    let two = Database::open(&url).await.unwrap();
    assert_eq!(two.claim(at(1), at(3), 9, &[]).await.unwrap(), []);
    drop(one);
    let three = Database::open(&url).await.unwrap();
    assert_eq!(three.claim(at(1), at(3), 9, &[]).await.unwrap(), [], "the second one lives");

    drop((two, three));
    let alone = Database::open(&url).await.unwrap();
    let taken = alone.claim(at(1), at(3), 9, &[]).await.unwrap();
    assert_eq!((taken.len(), taken[0].doubt, taken[0].attempts), (1, Doubt::Once, 2));
}
