//! A store that was restored: what was said after the backup is found where it stands, and not said again.

use std::path::Path;

use jiff::SignedDuration;
use secondlook::bot::{backup, restore};
use secondlook::domain::policy::Limits;
use secondlook::playground::{Options, World};
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, House, MAILCHIMP, MAYA, PRIYA, eager, is_card, text};

/// What the bot said in the channel under this id.
fn said(world: &World, id: &str) -> Vec<Value> {
    let all = world.all(BACKEND).into_iter();
    all.filter(|m| m["metadata"]["event_payload"]["id"] == id).collect()
}

async fn is_said(house: &House, id: &str) -> Value {
    let found = house.slack.wait_until(|world| said(world, id).into_iter().next()).await;
    found.unwrap_or_else(|overdue| panic!("{id} was not said: {overdue:?}"))
}

/// Stops the bot, takes a backup, and starts the bot some time later.
async fn back_up(house: &mut House, copy: &Path, later: SignedDuration) {
    house.stop().await;
    backup(&house.database_url(), copy).await.unwrap();
    house.clock.advance(later);
    house.start().await;
}

/// Puts the backup in the place of the store, as docs/OPERATIONS.md says; returns when its work is done.
async fn go_back(house: &mut House, copy: &Path) {
    house.stop().await;
    for part in ["", "-wal", "-shm", "-lock"] {
        drop(std::fs::remove_file(format!("{}{part}", house.database().display())));
    }
    restore(copy, &house.database_url()).await.unwrap();
    house.start().await;
    house.settled().await;
}

#[tokio::test]
async fn what_was_said_after_the_backup_is_not_said_again() {
    let limits = Limits { quiet_period: SignedDuration::from_mins(1), ..eager() };
    let mut house = House::open_with(Door::Http, limits, Options::default()).await;
    let copies = tempfile::tempdir().unwrap();

    // Its quiet period runs when the backup is taken; the card comes after it.
    house.say(BACKEND, MAYA, MAILCHIMP);
    house.acknowledged().await;
    let copy = copies.path().join("quiet.db");
    back_up(&mut house, &copy, SignedDuration::from_mins(2)).await;
    let card = is_said(&house, "card:1").await;
    go_back(&mut house, &copy).await;
    assert_eq!(house.slack.look(|world| said(world, "card:1").len()), 1);
    let case = house.case(1).await.unwrap();
    assert_eq!(case.card.unwrap().as_str(), card["ts"].as_str().unwrap(), "it was found");

    // The same with a reminder.
    house.investigate(PRIYA, BACKEND, "open Mails land in spam").await;
    assert_eq!(house.submit(PRIYA, json!({"title": "Mails land in spam"})).await, json!(null));
    let card = is_said(&house, "card:2").await;
    assert!(is_card(&card) && text(&card).contains("Mails land in spam"));
    house.settled().await;
    let copy = copies.path().join("reminder.db");
    back_up(&mut house, &copy, SignedDuration::from_hours(8 * 24)).await;
    is_said(&house, "say_reminder:2").await;
    go_back(&mut house, &copy).await;
    assert_eq!(house.slack.look(|world| said(world, "say_reminder:2").len()), 1);
}
