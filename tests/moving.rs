//! `secondlook move`: everything arrives, also when it is killed on the way, and nothing that was there is touched.

#[path = "contract/house.rs"]
mod house;
#[path = "house/postgres.rs"]
mod postgres;
#[path = "house/tables.rs"]
mod tables;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use house::{House, asking, at, case, full_case, installation, of_case, t1, touch, workspace};
use secondlook::app::ports::{Change, Work};
use secondlook::domain::investigation::{Case, CaseNumber};
use secondlook::domain::policy::ChannelState;
use secondlook::domain::{ChannelId, UserId, WorkspaceId};
use secondlook::store;

const CASES: u32 = 300;

fn command(from: &str, to: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    command.args(["move", "--from", from, "--to", to]).env_clear();
    command
}

fn moved(from: &str, to: &str) -> Output {
    command(from, to).output().unwrap()
}

/// What it says of every table, when it succeeds.
#[track_caller]
fn tables(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("moved and compared"), "{said}{wrong}");
    said.lines().filter(|line| !line.contains("moved and compared")).map(str::to_owned).collect()
}

#[track_caller]
fn refused(output: &Output, code: i32, says: &str) {
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{wrong}");
    assert!(wrong.contains(says), "{wrong}");
    assert!(!wrong.contains("hunter2"), "{wrong}");
}

/// A file with something in every table, that nobody has open.
async fn source() -> House {
    let house = House::file().await;
    for number in 1..=CASES {
        let author = Some(UserId(format!("U{}", number % 50)));
        let said = format!("Let's switch, said {number}, with NUL \0 and 'quotes'");
        let whose = WorkspaceId(format!("T{}", number % 3));
        house.save(Case { author, said, workspace: whose, ..full_case(number) }).await;
    }
    let never = vec!["redis".to_owned(), "mailchimp".to_owned()];
    let channel = ChannelState { never, ..ChannelState::default() };
    let change = Change {
        channel: Some((t1(), ChannelId::from("C1"), channel)),
        digest: Some((t1(), "2026-W47".parse().unwrap())),
        ..asking(Work::ShowCard(CaseNumber(1)), at(0))
    };
    house.commit(&change).await.unwrap();
    house.ask(Work::Greet("C1".into()), at(1)).await;
    house.store.new_case_number(&t1()).await.unwrap();
    house.store.install(&workspace("T1"), &installation("T1")).await.unwrap();
    house
}

#[tokio::test]
async fn a_store_moves_there_and_back_and_survives_a_kill_on_the_way() {
    let house = source().await;
    let (url, dir) = house.leave();
    let there = postgres::server().database().await;

    // Killed when it has come to the words.
    let mut half = command(&url, &there).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(half.stderr.take().unwrap()).lines();
    let words = lines.map_while(Result::ok).find(|line| line.starts_with("words:"));
    half.kill().unwrap();
    assert!(words.is_some() && !half.wait().unwrap().success());
    let error = store::open(&there).await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("not finished: run `secondlook move` again"), "{error}");

    let first = tables(&moved(&url, &there));
    assert_eq!(first.len(), 14, "{first:?}");
    for line in &first {
        assert_ne!(line.split_whitespace().nth(1), Some("0"), "a table without rows: {line}");
    }
    // Moved already: compared once more.
    assert_eq!(tables(&moved(&url, &there)), first);
    let back = format!("sqlite://{}/back.db", dir.path().display());
    assert_eq!(tables(&moved(&there, &back)), first);
    assert_eq!(tables(&moved(&url, &back)), first);

    for url in [there, back] {
        goes_on(&url).await;
    }
}

/// What was moved is whole, and new things find their place beside the old.
async fn goes_on(url: &str) {
    let store = store::open(url).await.unwrap();
    let last = store.case(&"T0".into(), CaseNumber(CASES)).await.unwrap().unwrap();
    assert_eq!(last.said, format!("Let's switch, said {CASES}, with NUL \u{fffd} and 'quotes'"));
    assert_eq!(last.author, Some(UserId::from("U0")));
    assert_eq!(store.new_case_number(&t1()).await.unwrap(), CaseNumber(2));
    let newcomer = Case { author: Some(UserId::from("UNEW")), ..case(CASES + 7) };
    store.commit(&of_case(newcomer), at(0)).await.unwrap();
    let jobs = store.claim(at(5), at(6), 9, &[]).await.unwrap();
    assert_eq!(jobs.len(), 2);
    store.commit(&asking(Work::ShowCard(CaseNumber(2)), at(0)), at(0)).await.unwrap();
    let fresh = store.claim(at(5), at(6), 9, &[]).await.unwrap();
    assert!(jobs.iter().all(|job| job.id < fresh[0].id), "a number is never given out twice");
    let channel = store.channel(&t1(), &ChannelId::from("C1")).await.unwrap();
    assert_eq!(channel.never, ["mailchimp", "redis"]);
}

#[tokio::test]
async fn what_cannot_be_moved_is_left_alone() {
    let house = House::file().await;
    house.save(case(1)).await;
    let there = postgres::server().database().await;
    refused(&moved(&house.url(), &there), 1, "--from: a bot uses it: stop it first");
    let (url, dir) = house.leave();

    let other = House::postgres().await;
    other.save(case(2)).await;
    refused(&moved(&url, &other.url()), 1, "--to: a bot uses it: stop it first");
    let other_url = other.url();
    other.close().await;
    refused(&moved(&url, &other_url), 1, "--to holds other data: name an empty database");
    refused(&moved(&other_url, &called(&other_url, "other")), 1, "are the same store");
    let other = store::open(&other_url).await.unwrap();
    assert!(other.case(&t1(), CaseNumber(2)).await.unwrap().is_some());
    assert!(other.case(&t1(), CaseNumber(1)).await.unwrap().is_none());

    for same in ["store.db", "./store.db", "link.db", "hard.db"] {
        let at = dir.path().join(same);
        match same {
            "link.db" => std::os::unix::fs::symlink(dir.path().join("store.db"), &at).unwrap(),
            "hard.db" => std::fs::hard_link(dir.path().join("store.db"), &at).unwrap(),
            _ => {}
        }
        let same = format!("sqlite://{}", at.display());
        refused(&moved(&url, &same), 1, "are the same store");
    }
    let nowhere = format!("sqlite://{}/nowhere.db", dir.path().display());
    refused(&moved(&nowhere, &there), 1, "--from: there is no store");
    refused(
        &moved(&url, "mysql://me:hunter2@host/db"),
        2,
        "--to must start with sqlite:// or postgres://",
    );
    let locked = postgres::server().url("stranger:hunter2", "postgres");
    refused(&moved(&url, &locked), 1, "does not let “stranger” in");
}

/// The URL of a database whose connections call themselves so.
fn called(url: &str, name: &str) -> String {
    let sign = if url.contains('?') { '&' } else { '?' };
    format!("{url}{sign}application_name={name}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_bot_is_there_during_a_move_whatever_it_calls_itself() {
    let there = postgres::server().database().await;
    let bot = House::on(called(&there, "psql")).await;
    bot.save(case(1)).await;
    let dir = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/new.db", dir.path().display());
    refused(&moved(&there, &file), 1, "--from: a bot uses it: stop it first");
    bot.close().await;

    // One that starts meanwhile, on either side, is turned away.
    let (here, mut turned_away) = (tokio::runtime::Handle::current(), Vec::new());
    let mut start = |_: &store::Moved| {
        if turned_away.is_empty() {
            for url in [&there, &file] {
                let opened = tokio::task::block_in_place(|| here.block_on(store::open(url)));
                turned_away.push(format!("{:#}", opened.map(|_| ()).unwrap_err()));
            }
        }
    };
    store::transfer(&there, &file, &mut start).await.unwrap();
    for why in &turned_away {
        assert!(why.contains("being moved: wait until `secondlook move` is done"), "{why}");
    }
    for url in [&there, &file] {
        store::open(url).await.unwrap();
    }
}

#[tokio::test]
async fn a_schema_is_brought_up_to_date_by_command() {
    let dir = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}/new.db", dir.path().display());
    for url in [file, postgres::server().database().await] {
        for says in ["the schema was at 0 and is at ", "the schema is current ("] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
            let output = command.arg("migrate").env_clear().env("DATABASE_URL", &url).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert!(String::from_utf8_lossy(&output.stdout).starts_with(says));
        }
        let store = store::open(&url).await.unwrap();
        store.commit(&touch(), at(0)).await.unwrap();
    }
}
