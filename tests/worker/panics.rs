//! A panic in an attempt is a fault of ours: it ends that attempt, and nothing else.

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
    office.see("a post in a sound channel", |_| (office.posts("CSOUND") == 1).then_some(())).await;
    office.time_passes_until_done().await;
    assert_eq!(office.parked().await.len(), 40);
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
