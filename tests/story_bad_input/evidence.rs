//! Evidence whose message is deleted, edited, or told twice.

use jiff::SignedDuration;
use secondlook::app::ports::Clock as _;
use secondlook::domain::MessageTs;
use secondlook::domain::evidence::EvidenceKind;
use secondlook::domain::investigation::Case;
use secondlook::playground::{Fault, FaultKind, Upload};
use serde_json::json;

use crate::house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, PRIYA};

/// A card in a thread, and what somebody posts to it.
async fn prompted() -> (House, String) {
    let house = House::open(Door::Http).await;
    let thread = house.say(BACKEND, MAYA, MAILCHIMP);
    house.card(BACKEND, &thread).await;
    house.settled().await;
    (house, thread)
}

fn share(house: &House, thread: &str, comment: &str) -> String {
    let upload = Upload {
        channel: BACKEND.to_owned(),
        user: JONAS.to_owned(),
        thread_ts: Some(thread.to_owned()),
        name: "mail.txt".to_owned(),
        content: HEADERS.replace("```", "").replace("acme", "umbra").into_bytes(),
        comment: comment.to_owned(),
        ..Upload::default()
    };
    house.slack.upload(&upload).unwrap()
}

/// The case when all is done but the work of its next week.
async fn settled(house: &House) -> Case {
    house.at_rest(1).await;
    house.case(1).await.unwrap()
}

#[tokio::test]
async fn a_file_of_a_deleted_message_is_not_recorded() {
    let (house, thread) = prompted().await;
    house.slack.fail(Fault::new("files", Fault::ALWAYS, FaultKind::Status(503)));
    let shared = share(&house, &thread, "");
    let tried = |w: &secondlook::playground::World| (w.struck("files", None) > 0).then_some(());
    house.slack.wait_until(tried).await.unwrap();
    house.acknowledged().await;
    house.slack.delete(JONAS, BACKEND, &shared).unwrap();
    house.acknowledged().await;
    house.slack.heal();
    for _ in 0..5 {
        house.clock.advance(SignedDuration::from_mins(5));
        assert_eq!(settled(&house).await.evidence, []);
    }
    let backlog = house.store().await.backlog(house.clock.now()).await.unwrap();
    assert_eq!(backlog.parked, 0);
}

/// Slack tells such a message twice, under two ids.
#[tokio::test]
async fn evidence_that_mentions_the_bot_is_recorded_once() {
    let (house, thread) = prompted().await;
    house.reply(BACKEND, JONAS, &thread, &format!("<@U0SECONDLK> {HEADERS}"));
    assert_eq!(settled(&house).await.evidence.len(), 1);
    share(&house, &thread, "<@U0SECONDLK> the headers");
    assert_eq!(settled(&house).await.evidence.len(), 2);
    let told = house.slack.look(|world| {
        world.deliveries().iter().filter(|d| d.payload["event"]["type"] == "app_mention").count()
    });
    assert_eq!(told, 2);
}

/// The second telling comes when the first has had its effect, or its event was forgotten.
#[tokio::test]
async fn evidence_that_is_told_again_under_another_id_is_recorded_once() {
    let (house, thread) = prompted().await;
    house.reply(BACKEND, JONAS, &thread, HEADERS);
    share(&house, &thread, "the headers");
    let before = settled(&house).await;
    assert_eq!(before.evidence.len(), 2);
    let told = house.slack.look(|world| {
        let all = world.deliveries().iter().map(|delivery| delivery.payload.clone());
        all.filter(|payload| payload["event"]["thread_ts"] == *thread).collect::<Vec<_>>()
    });
    for (n, mut payload) in told.into_iter().enumerate() {
        payload["event_id"] = format!("EvAgain{n}").into();
        house.slack.send_raw_event(payload);
    }
    house.acknowledged().await;
    assert_eq!(settled(&house).await, before);
}

#[tokio::test]
async fn editing_a_comment_keeps_the_evidence_of_its_file() {
    let (house, thread) = prompted().await;
    let shared = share(&house, &thread, "the headers");
    let before = settled(&house).await.evidence;
    assert_eq!(before.len(), 1);
    for words in ["the headers of one mail", HEADERS, "the headers"] {
        house.slack.edit(JONAS, BACKEND, &shared, words).unwrap();
        house.acknowledged().await;
        let after = settled(&house).await.evidence;
        assert!(before.iter().all(|piece| after.contains(piece)), "{words}: {after:#?}");
        assert_eq!(after.len(), if words == HEADERS { 2 } else { 1 }, "{words}");
    }
    house.card_with(BACKEND, &thread, "✓ mail headers").await;
}

/// Closes the case as averted; returns it when all is said.
async fn closed(house: &House, thread: &str) -> Case {
    let card = house.card_with(BACKEND, thread, "✓ mail headers").await;
    house.press(PRIYA, BACKEND, &card, "close").await;
    let closing = json!({"outcome": "averted", "class": "email-auth", "fixed": "the DKIM record"});
    assert_eq!(house.submit(PRIYA, closing).await, json!(null));
    ended(house).await
}

/// The closed case when all is done.
async fn ended(house: &House) -> Case {
    house.at_rest(0).await;
    house.case(1).await.unwrap()
}

/// What is recorded, but for its exact words.
fn proofs(case: &Case) -> Vec<(Option<MessageTs>, EvidenceKind, Option<String>)> {
    let proof = |piece: &secondlook::domain::investigation::Evidence| {
        let line = piece.reading.as_ref().map(|reading| reading.line.clone());
        (piece.message.clone(), piece.kind, line)
    };
    case.evidence.iter().map(proof).collect()
}

#[tokio::test]
async fn an_edit_in_a_closed_case_keeps_what_proves_it() {
    let (house, thread) = prompted().await;
    let reply = house.reply(BACKEND, JONAS, &thread, &format!("heer they are {HEADERS}"));
    assert_eq!(settled(&house).await.evidence.len(), 1);
    let shared = share(&house, &thread, "teh headers");
    assert_eq!(settled(&house).await.evidence.len(), 2);
    let proof = proofs(&closed(&house, &thread).await);
    for (message, words) in [
        (&reply, format!("here they are {HEADERS}")),
        (&shared, "the headers".to_owned()),
        (&shared, String::new()),
    ] {
        house.slack.edit(JONAS, BACKEND, message, &words).unwrap();
        assert_eq!(proofs(&ended(&house).await), proof, "{words}");
    }
    // What is taken back in Slack is taken back here, also now.
    house.slack.edit(JONAS, BACKEND, &reply, "sorry, wrong thread").unwrap();
    assert_eq!(proofs(&ended(&house).await), proof[1..]);
}

#[tokio::test]
async fn a_file_that_is_deleted_takes_its_evidence_along_and_leaves_that_of_the_words() {
    let (house, thread) = prompted().await;
    let shared = share(&house, &thread, HEADERS);
    let both = settled(&house).await;
    assert_eq!(both.evidence.len(), 2);
    house.slack.delete_files(JONAS, BACKEND, &shared).unwrap();
    house.acknowledged().await;
    assert_eq!(proofs(&settled(&house).await), proofs(&both)[..1]);
    // Also when it was not read yet.
    house.slack.fail(Fault::new("files", Fault::ALWAYS, FaultKind::Status(503)));
    let before = house.slack.look(|world| world.struck("files", None));
    let shared = share(&house, &thread, "and these");
    let tried =
        |w: &secondlook::playground::World| (w.struck("files", None) > before).then_some(());
    house.slack.wait_until(tried).await.unwrap();
    house.acknowledged().await;
    house.slack.delete_files(JONAS, BACKEND, &shared).unwrap();
    house.acknowledged().await;
    house.slack.heal();
    house.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(proofs(&settled(&house).await), proofs(&both)[..1]);
}

#[tokio::test]
async fn a_log_that_is_taken_out_of_a_proposal_is_no_evidence() {
    let house = House::open(Door::Http).await;
    let proposal = house.say(BACKEND, MAYA, &format!("{MAILCHIMP}\n{HEADERS}"));
    house.card(BACKEND, &proposal).await;
    assert_eq!(settled(&house).await.evidence.len(), 1);
    let reply = house.reply(BACKEND, JONAS, &proposal, HEADERS);
    assert_eq!(settled(&house).await.evidence.len(), 2);
    house.slack.edit(MAYA, BACKEND, &proposal, MAILCHIMP).unwrap();
    house.acknowledged().await;
    let left = settled(&house).await.evidence;
    assert_eq!(
        left.iter().map(|e| e.message.clone()).collect::<Vec<_>>(),
        [Some(MessageTs(reply))]
    );
}

#[tokio::test]
async fn a_proposal_deleted_after_the_end_takes_what_it_carried_along() {
    let house = House::open(Door::Http).await;
    let proposal = house.say(BACKEND, MAYA, &format!("{MAILCHIMP}\n{HEADERS}"));
    house.card(BACKEND, &proposal).await;
    let reply = house.reply(BACKEND, JONAS, &proposal, HEADERS);
    assert_eq!(settled(&house).await.evidence.len(), 2);
    let case = closed(&house, &proposal).await;
    house.slack.delete(MAYA, BACKEND, &proposal).unwrap();
    let after = ended(&house).await;
    assert_eq!(after.evidence, case.evidence[1..]);
    assert_eq!(after.outcome, case.outcome);
    house.slack.delete(JONAS, BACKEND, &reply).unwrap();
    assert_eq!(ended(&house).await.evidence, []);
}
