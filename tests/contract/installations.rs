//! Installations by OAuth, and the end of what is known about a workspace.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secondlook::app::installations::Installation;
use secondlook::app::ports::{Change, Store, StoreError, Work, Workspace};
use secondlook::app::retention::Erasure;
use secondlook::domain::investigation::CaseNumber;
use secondlook::domain::policy::ChannelState;
use secondlook::domain::{ChannelId, WorkspaceId};

use super::house::{House, asking, at, full_case, installation, of_case, workspace};

/// As it stands in the store.
async fn kept(house: &House, id: &str) -> Option<(Workspace, Installation)> {
    house.store.installation(&WorkspaceId::from(id)).await.unwrap()
}

pub(crate) fn removed(id: &str, event: &str) -> Change {
    let event = Some((WorkspaceId::from(id), event.to_owned()));
    Change { event, uninstalled: true, ..Change::default() }
}

pub(crate) async fn an_installation_comes_back_as_it_was_kept(house: House) {
    assert_eq!(kept(&house, "T1").await, None);
    let plain = Installation { expires_at: None, ..installation("T2") };
    house.store.install(&workspace("T2"), &plain).await.unwrap();
    house.store.install(&workspace("T1"), &installation("T1")).await.unwrap();
    let (one, two) = (kept(&house, "T1").await.unwrap(), kept(&house, "T2").await.unwrap());
    assert_eq!(one, (workspace("T1"), Installation { revision: 1, ..installation("T1") }));
    assert_eq!(two, (workspace("T2"), Installation { revision: 1, ..plain }));
    assert_eq!(house.store.installations().await.unwrap(), [one.1, two.1]);

    let failing = Installation {
        renewing_until: Some(at(5)),
        renewal_failed: Some("refused: invalid_refresh_token".to_owned()),
        revision: 1,
        ..installation("T1")
    };
    house.store.change_installation(&failing).await.unwrap();
    let changed = Installation { revision: 2, ..failing };
    assert_eq!(kept(&house, "T1").await.unwrap().1, changed);
    // Installed anew: what failed before counts no more.
    house.store.install(&workspace("T1"), &installation("T1")).await.unwrap();
    let anew = Installation { revision: 3, ..installation("T1") };
    assert_eq!(kept(&house, "T1").await.unwrap().1, anew);
}

pub(crate) async fn of_many_who_would_renew_one_may(house: House) {
    house.store.install(&workspace("T1"), &installation("T1")).await.unwrap();
    let seen_by_all =
        Installation { revision: 1, renewing_until: Some(at(2)), ..installation("T1") };
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, mine) = (Arc::clone(&house.store), seen_by_all.clone());
        tries.spawn(async move { store.change_installation(&mine).await });
    }
    let tries = tries.join_all().await;
    assert_eq!(tries.iter().filter(|done| done.is_ok()).count(), 1);
    assert!(tries.iter().all(|done| matches!(done, Ok(()) | Err(StoreError::Conflict))));
    let nowhere = Installation { revision: 1, ..installation("T9") };
    let changed = house.store.change_installation(&nowhere).await;
    assert!(matches!(changed, Err(StoreError::Conflict)));
}

pub(crate) async fn a_removal_drops_the_tokens_of_that_workspace_at_once(house: House) {
    for id in ["T1", "T2"] {
        house.store.install(&workspace(id), &installation(id)).await.unwrap();
    }
    let held = kept(&house, "T1").await.unwrap().1;
    house.commit(&removed("T1", "gone")).await.unwrap();
    assert_eq!(kept(&house, "T1").await, None);
    assert!(kept(&house, "T2").await.is_some());
    // Whoever was renewing them can't bring them back.
    let late = house.store.change_installation(&held).await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    assert_eq!(kept(&house, "T1").await, None);
}

/// Deletes everything about workspaces that removed the app, three rows at a time; tells which went.
pub(crate) async fn erase_to_the_end(store: &dyn Store, until: Timestamp) -> Vec<String> {
    let mut gone = Vec::new();
    while let Some(Erasure { workspace, rows, whole }) =
        store.erase_removed(until, 3).await.unwrap()
    {
        assert!((1..=3).contains(&rows), "{rows} rows at once");
        if whole {
            gone.push(workspace.to_string());
        }
    }
    gone
}

/// Something about a workspace in every table.
pub(crate) async fn fill(house: &House, id: &str) {
    house.store.install(&workspace(id), &installation(id)).await.unwrap();
    let whose = WorkspaceId::from(id);
    assert_eq!(house.store.new_case_number(&whose).await.unwrap(), CaseNumber(1));
    let case = secondlook::domain::investigation::Case { workspace: whose.clone(), ..full_case(1) };
    house.commit(&of_case(case)).await.unwrap();
    let channel = ChannelState { never: vec!["kafka".to_owned()], ..ChannelState::default() };
    let change = Change {
        event: Some((whose.clone(), "event".to_owned())),
        channel: Some((whose.clone(), ChannelId::from("C1"), channel)),
        digest: Some((whose, "2026-W47".parse().unwrap())),
        ..asking(Work::ShowCard(CaseNumber(1)), at(0))
    };
    house.commit(&change).await.unwrap();
}

/// After its time of grace no table knows a removed workspace. Which tables there are the schema says, and the story fills
/// each of them: one that is added and not erased fails here.
pub(crate) async fn what_was_removed_is_erased_from_every_table(house: House) {
    for id in ["T1", "T2", "T3"] {
        fill(&house, id).await;
        let rows = house.rows_about(id).await;
        assert!(rows.values().all(|count| *count > 0), "the story fills every table: {rows:?}");
    }
    let others = [house.rows_about("T2").await, house.rows_about("T3").await];
    house.commit(&removed("T1", "gone")).await.unwrap();
    house.store.commit(&removed("T1", "gone once more"), at(9)).await.unwrap();
    let before = at(0) - SignedDuration::from_millis(1);
    assert_eq!(house.store.erase_removed(before, 9).await.unwrap(), None);
    assert!(house.rows_about("T1").await["words"] > 0);
    // The time of the first event counts.
    assert_eq!(erase_to_the_end(house.store.as_ref(), at(0)).await, ["T1"]);
    let left = house.rows_about("T1").await;
    assert!(left.values().all(|count| *count == 0), "{left:?}");
    assert_eq!([house.rows_about("T2").await, house.rows_about("T3").await], others);
    assert_eq!(house.store.erase_removed(at(99), 9).await.unwrap(), None);
}

pub(crate) async fn who_comes_back_in_time_is_not_erased(house: House) {
    fill(&house, "T1").await;
    let before = house.rows_about("T1").await;
    house.commit(&removed("T1", "gone")).await.unwrap();
    house.store.install(&workspace("T1"), &installation("T1")).await.unwrap();
    assert_eq!(house.store.erase_removed(at(99), 9).await.unwrap(), None);
    let mut after = house.rows_about("T1").await;
    // The event that told of the removal.
    *after.get_mut("seen_event").unwrap() -= 1;
    assert_eq!(after, before);
}
