//! Places: while nothing is answered in one workspace, the others go on.

use secondlook::app::ports::ChatError;
use tokio_util::sync::CancellationToken;

use crate::office::{Office, stands};

#[tokio::test]
async fn a_workspace_whose_calls_hang_holds_up_no_other() {
    let answered = CancellationToken::new();
    let hang = answered.clone();
    let office = Office::open(move |channel| {
        let (hangs, answered) = (channel.starts_with("CHANGS"), hang.clone());
        async move {
            if hangs {
                answered.cancelled().await;
            }
            Ok::<_, ChatError>(stands())
        }
    })
    .await;
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
