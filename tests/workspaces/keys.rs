//! Tokens at rest: sealed, bound to their workspace, and sealed anew with another key.

use std::process::{Command, Output};

use secondlook::playground::{Options, Playground};

use crate::house::{BACKEND, Door, House, MAILCHIMP, MAYA, On, TEAM, tables};
use crate::town::{NORTH, install, installations, prompted, town};

/// 32 sevens, as the house has them; and 32 eights.
const OLD: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
const NEW: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

/// Runs `secondlook token …`. Whatever it says, it shows no token and no key.
fn token(house: &House, arguments: &[&str], keys: &[(&str, &str)]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_secondlook"))
        .arg("token")
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", house.database_url())
        .envs(keys.iter().copied())
        .current_dir(house.database().parent().unwrap())
        .output()
        .unwrap();
    let said = said(&output);
    let keys = keys.iter().map(|(_, key)| (*key).to_owned());
    for secret in house.slack.secrets().into_iter().chain(keys) {
        assert!(!said.contains(&secret), "{said}");
    }
    output
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn ends(output: &Output, code: i32, words: &str) {
    let said = said(output);
    assert!(output.status.code() == Some(code) && said.contains(words), "{code}, {words}: {said}");
}

fn both(new: &'static str, old: &'static str) -> [(&'static str, &'static str); 2] {
    [("SECONDLOOK_ENCRYPTION_KEY", new), ("SECONDLOOK_ENCRYPTION_KEY_OLD", old)]
}

pub(crate) async fn no_byte_on_disk_shows_a_token(on: On) {
    let (mut house, north) = town(on, Door::Http).await;
    prompted(&north).await;
    house.stop().await;
    let kept = tables::everything(&house.database_url()).await;
    assert!(tables::holds(&kept, NORTH));
    for secret in [house.slack.secrets(), north.secrets()].concat() {
        assert!(!tables::holds(&kept, &secret), "a token is kept as it is");
    }
}

pub(crate) async fn a_row_copied_to_another_workspace_opens_nothing(on: On) {
    let (mut house, north) = town(on, Door::Http).await;
    house.stop().await;
    let copy = format!(
        "update installation set sealed =
             (select sealed from installation where workspace_id = '{TEAM}')
         where workspace_id = '{NORTH}'"
    );
    tables::run(&house.database_url(), &copy).await;
    house.start().await;
    crate::town::deliver_to(&mut house, &north).await;
    let calls = |slack: &Playground| slack.look(|world| world.calls().len());
    let before = (calls(&house.slack), calls(&north));
    let thread = crate::town::say_at(&north, crate::town::TS, MAILCHIMP);
    crate::town::acknowledged(&north).await;
    house.clock.advance(jiff::SignedDuration::from_mins(1));
    let tried = async {
        let unopened = || async {
            let url = format!("http://{}/metrics", house.bot().admin_addr());
            reqwest::get(url).await.unwrap().text().await.unwrap()
        };
        while !unopened().await.contains("secondlook_tokens_unopened_total") {
            house.pause().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), tried).await.unwrap();
    assert_eq!((calls(&house.slack), calls(&north)), before);
    // What was heard meanwhile is not lost.
    install(&house, &north).await.says(200, "is installed");
    house.clock.advance(jiff::SignedDuration::from_mins(11));
    crate::town::card(&north, &thread, "").await;
}

pub(crate) async fn a_new_key_takes_over_row_by_row_and_may_be_asked_again(on: On) {
    let (mut house, north) = town(on, Door::Http).await;
    house.stop().await;
    let key = &installations(&house).await[0].key_id;
    let listed = token(&house, &["list"], &[]);
    for words in [TEAM, NORTH, "does not end", key] {
        ends(&listed, 0, words);
    }
    ends(
        &token(&house, &["rotate-key"], &both(NEW, NEW)),
        1,
        "0 sealed with the new key, 0 were before, 2 could not be opened",
    );
    ends(
        &token(&house, &["rotate-key"], &[("SECONDLOOK_ENCRYPTION_KEY", NEW)]),
        2,
        "SECONDLOOK_ENCRYPTION_KEY_OLD is missing",
    );
    assert_eq!(&installations(&house).await[0].key_id, key);

    // Stopped half-way, it goes on where it was: one row is new already.
    let file = house.database().with_file_name("old.key");
    std::fs::write(&file, format!("{OLD}\n")).unwrap();
    let by_file = ["rotate-key", "--old-key-file", file.to_str().unwrap()];
    let first = token(&house, &by_file, &[("SECONDLOOK_ENCRYPTION_KEY", NEW)]);
    ends(&first, 0, "2 sealed with the new key, 0 were before, 0 could not be opened");
    let again = token(&house, &["rotate-key"], &both(NEW, OLD));
    ends(&again, 0, "0 sealed with the new key, 2 were before");

    house.oauth.as_mut().unwrap().keys.current = vec![8; 32].into();
    house.start().await;
    crate::town::deliver_to(&mut house, &north).await;
    prompted(&house.slack).await;
    prompted(&north).await;
}

pub(crate) async fn while_keys_change_both_open(on: On) {
    let mut house = House::open_to_installs(on, Door::Http, Options::default()).await;
    install(&house, &house.slack).await.says(200, "is installed");
    house.stop().await;
    let keys = &mut house.oauth.as_mut().unwrap().keys;
    keys.old = Some(std::mem::replace(&mut keys.current, vec![8; 32].into()));
    house.start().await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
}

#[tokio::test]
async fn without_a_database_or_an_installation_it_says_so() {
    let house = House::open(Door::Http).await;
    ends(&token(&house, &["list"], &[]), 0, "No workspace");
    let nowhere = Command::new(env!("CARGO_BIN_EXE_secondlook"))
        .args(["token", "list"])
        .env_clear()
        .env("DATABASE_URL", "sqlite://nowhere.db")
        .current_dir(house.database().parent().unwrap())
        .output();
    ends(&nowhere.unwrap(), 1, "there is no database yet");
}
