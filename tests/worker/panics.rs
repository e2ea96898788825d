//! A panic is a fault of ours: it ends the attempt, or the turn of the worker's loop, that it happened in, and nothing else.

use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;

use crate::office::{Office, stands};

/// Panics for some channels and answers all others.
async fn office() -> Office {
    Office::open(|channel| {
        let sick = channel.starts_with("CSICK");
        async move {
            assert!(!sick, "as the test wants it: a secret word");
            Ok(stands())
        }
    })
    .await
}

#[tokio::test]
async fn work_that_panics_is_tried_again_and_parked_after_a_few_attempts() {
    let office = office().await;
    office.greet("T1", &["CSICK".to_owned()]).await;
    office.time_passes_until_done().await;
    assert_eq!(
        office.posts("CSICK") + office.looks("CSICK"),
        9,
        "5 attempts, 4 of them with a look"
    );
    let parked = office.parked().await;
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].work, "greet:CSICK");
    assert!(parked[0].because.contains("panicked"), "{}", parked[0].because);
    assert!(!parked[0].because.contains("secret"), "{}", parked[0].because);
    office.close().await;
}

#[tokio::test]
async fn work_that_panics_gives_its_place_back() {
    let office = office().await;
    let sick: Vec<String> = (0..40).map(|n| format!("CSICK{n}")).collect();
    office.greet("T1", &sick).await;
    office.greet("T1", &["CSOUND".to_owned()]).await;
    office.time_passes_until_done().await;
    assert_eq!((office.posts("CSOUND"), office.parked().await.len()), (1, 40));
    office.close().await;
}

#[tokio::test]
async fn a_panic_once_is_no_reason_to_give_up() {
    let panicked = std::sync::atomic::AtomicBool::new(false);
    let office = Office::open(move |_| {
        let first = !panicked.swap(true, std::sync::atomic::Ordering::SeqCst);
        async move {
            assert!(!first, "as the test wants it");
            Ok(stands())
        }
    })
    .await;
    office.greet("T1", &["C1".to_owned()]).await;
    office.time_passes_until_done().await;
    assert_eq!((office.posts("C1"), office.looks("C1")), (2, 1), "it was looked for in between");
    assert_eq!(office.parked().await, []);
    office.close().await;
}

/// An office in which nothing is answered in some channels before the token says so.
async fn office_that_waits(answered: &CancellationToken) -> Office {
    let answered = answered.clone();
    Office::open(move |channel| {
        let (hangs, answered) = (channel.starts_with("CHANGS"), answered.clone());
        async move {
            if hangs {
                answered.cancelled().await;
            }
            Ok(stands())
        }
    })
    .await
}

#[tokio::test]
async fn a_panic_in_the_workers_loop_ends_neither_it_nor_what_it_began() {
    let answered = CancellationToken::new();
    let office = office_that_waits(&answered).await;
    office.greet("T1", &["CHANGS".to_owned()]).await;
    office.see("a post that hangs", |_| (office.posts("CHANGS") == 1).then_some(())).await;
    let sick = || office.sick_reads.load(Ordering::SeqCst);
    office.sick_reads.store(1, Ordering::SeqCst);
    office.see("the panic", |_| (sick() == 0).then_some(())).await;
    office.greet("T1", &["CSOUND".to_owned()]).await;
    office.see("a post elsewhere", |_| (office.posts("CSOUND") == 1).then_some(())).await;
    answered.cancel();
    office.time_passes_until_done().await;
    assert_eq!((office.posts("CHANGS"), office.looks("CHANGS")), (1, 0), "it was cut short");
    office.close().await;
}

#[tokio::test]
async fn a_worker_that_looks_for_no_work_is_not_ready() {
    let office = office().await;
    office.becomes_ready(true).await;
    let all = u32::MAX;
    office.sick_reads.store(all, Ordering::SeqCst);
    let sick = || office.sick_reads.load(Ordering::SeqCst) < all;
    office.see("a panic", |_| sick().then_some(())).await;
    assert!(office.app.ready().await.is_ok(), "it is begun anew in a moment");
    office.all_time_passes(61).await;
    office.becomes_ready(false).await;
    office.sick_reads.store(0, Ordering::SeqCst);
    office.becomes_ready(true).await;
    office.close().await;
}

#[tokio::test]
async fn a_worker_with_all_its_places_taken_is_ready() {
    let answered = CancellationToken::new();
    let office = office_that_waits(&answered).await;
    let hanging: Vec<String> = (0..8).map(|n| format!("CHANGS{n}")).collect();
    let posts = || hanging.iter().map(|channel| office.posts(channel)).sum::<usize>();
    for (workspace, in_all) in [("T1", 8), ("T2", 16)] {
        office.greet(workspace, &hanging).await;
        office.see("posts that hang", |_| (posts() == in_all).then_some(())).await;
    }
    for _ in 0..20 {
        office.all_time_passes(4).await;
        office.claims_are_held().await;
    }
    office.becomes_ready(true).await;
    assert_eq!(posts(), 16, "none was given up");
    answered.cancel();
    office.time_passes_until_done().await;
    office.close().await;
}
