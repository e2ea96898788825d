//! Posts in doubt: what may come late is waited for, what was lost is not.

use std::sync::atomic::{AtomicBool, Ordering};

use secondlook::app::ports::ChatError;

use crate::office::{Office, stands};

/// The first post fails so, the others are taken.
async fn office(first: fn() -> ChatError) -> Office {
    let failed = AtomicBool::new(false);
    Office::open(move |_| {
        let fails = !failed.swap(true, Ordering::SeqCst);
        async move { if fails { Err(first()) } else { Ok(stands()) } }
    })
    .await
}

fn unanswered() -> ChatError {
    ChatError::Unanswered("as the test wants it".to_owned())
}

async fn posted_once(office: &Office) {
    office.greet("T1", &["C1".to_owned()]).await;
    office.see("a post", |_| (office.posts("C1") == 1).then_some(())).await;
}

#[tokio::test]
async fn a_post_that_comes_after_we_gave_it_up_is_found_and_not_repeated() {
    let office = office(unanswered).await;
    posted_once(&office).await;
    assert_eq!(office.due_in().await, 60, "it is not looked for before it can be there");
    office.pass(14);
    office.chat.standing.lock().unwrap().insert("C1".to_owned());
    office.time_passes_until_done().await;
    assert_eq!((office.posts("C1"), office.looks("C1")), (1, 1));
    office.close().await;
}

#[tokio::test]
async fn a_post_that_is_not_there_at_the_first_look_is_looked_for_once_more() {
    let office = office(unanswered).await;
    posted_once(&office).await;
    assert_eq!(office.due_in().await, 60);
    office.pass(60);
    office.see("a look", |_| (office.looks("C1") == 1).then_some(())).await;
    assert_eq!((office.due_in().await, office.posts("C1")), (60, 1));
    office.chat.standing.lock().unwrap().insert("C1".to_owned());
    office.time_passes_until_done().await;
    assert_eq!((office.posts("C1"), office.looks("C1")), (1, 2));
    office.close().await;
}

#[tokio::test]
async fn a_post_that_never_came_is_made_after_two_looks() {
    let office = office(unanswered).await;
    posted_once(&office).await;
    office.time_passes_until_done().await;
    assert_eq!((office.posts("C1"), office.looks("C1")), (2, 2));
    office.close().await;
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_looked_for_soon_and_once() {
    let office = office(|| ChatError::Uncertain("as the test wants it".to_owned())).await;
    posted_once(&office).await;
    assert_eq!(office.due_in().await, 2);
    office.time_passes_until_done().await;
    assert_eq!((office.posts("C1"), office.looks("C1")), (2, 1));
    office.close().await;
}

#[tokio::test]
async fn a_look_that_panics_spares_none_of_the_two_that_are_due() {
    let office = office(unanswered).await;
    posted_once(&office).await;
    office.chat.sick_looks.store(1, Ordering::SeqCst);
    office.time_passes_until_done().await;
    assert_eq!((office.posts("C1"), office.looks("C1")), (2, 3));
    office.close().await;
}
