//! Places: while nothing is answered in one workspace, the others go on.

use secondlook::app::ports::ChatError;
use tokio_util::sync::CancellationToken;

use crate::office::{Office, stands};

/// Answers nothing in some channels until it is told to.
async fn office(answered: &CancellationToken) -> Office {
    let answered = answered.clone();
    Office::open(move |channel| {
        let (hangs, answered) = (channel.starts_with("CHANGS"), answered.clone());
        async move {
            if hangs {
                answered.cancelled().await;
            }
            Ok::<_, ChatError>(stands())
        }
    })
    .await
}

#[tokio::test]
async fn a_workspace_whose_calls_hang_holds_up_no_other() {
    let answered = CancellationToken::new();
    let office = office(&answered).await;
    let hanging: Vec<String> = (0..60).map(|n| format!("CHANGS{n}")).collect();
    office.greet("T1", &hanging).await;
    let under_way = || hanging.iter().filter(|channel| office.posts(channel) > 0).count();
    office.see("eight posts that hang", |_| (under_way() == 8).then_some(())).await;
    office.greet("T2", &["CSOUND".to_owned()]).await;
    office.see("a post elsewhere", |_| (office.posts("CSOUND") == 1).then_some(())).await;
    assert_eq!(under_way(), 8, "the others of that workspace wait for their turn");
    answered.cancel();
    office.time_passes_until_done().await;
    assert_eq!(under_way(), 60);
    office.close().await;
}

#[tokio::test]
async fn work_without_a_place_is_left_alone_until_there_is_one() {
    let answered = CancellationToken::new();
    let office = office(&answered).await;
    let hanging: Vec<String> = (0..40).map(|n| format!("CHANGS{n}")).collect();
    office.greet("T1", &hanging).await;
    let under_way = || hanging.iter().filter(|channel| office.posts(channel) > 0).count();
    office.see("eight posts that hang", |_| (under_way() == 8).then_some(())).await;
    // The worker comes by six times, a second apart.
    for second in 0..6 {
        office.pass(1);
        let sound = format!("CSOUND{second}");
        office.greet("T2", std::slice::from_ref(&sound)).await;
        office.see("a post elsewhere", |_| (office.posts(&sound) == 1).then_some(())).await;
    }
    let claims = office.claims_of_what_waits().await;
    assert_eq!(claims.len(), 32);
    // Some were claimed in one go with those that have the places.
    assert!(claims.iter().all(|count| *count <= 1), "{claims:?}");
    answered.cancel();
    office.close().await;
}
