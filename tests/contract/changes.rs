//! Changes: all or nothing, and each event once.

use secondlook::app::ports::{Change, Committed, JobEnd, NewJob, StoreError, Work};
use secondlook::domain::WorkspaceId;
use secondlook::domain::investigation::{Case, CaseNumber};

use super::house::{House, asking, at, case, of_case, t1, touch};

fn with_event(key: &str, change: Change) -> Change {
    Change { event: Some((t1(), key.to_owned())), ..change }
}

pub(crate) async fn an_event_has_its_effect_once(house: House) {
    let first = with_event("Ev1", of_case(case(1)));
    assert_eq!(house.commit(&first).await.unwrap(), Committed::Applied);
    assert_eq!(house.commit(&first).await.unwrap(), Committed::Duplicate);
    let again = with_event("Ev1", asking(Work::ShowCard(CaseNumber(1)), at(0)));
    assert_eq!(house.commit(&again).await.unwrap(), Committed::Duplicate);
    assert_eq!(house.claim(at(0)).await, []);
    assert_eq!(house.load(&case(1)).await.revision, 1);
    let theirs =
        Change { event: Some((WorkspaceId::from("T2"), "Ev1".into())), ..Change::default() };
    assert_eq!(house.commit(&theirs).await.unwrap(), Committed::Applied);
}

pub(crate) async fn a_refused_change_leaves_nothing(house: House) {
    house.save(case(1)).await;
    let stale = with_event(
        "Ev1",
        Change { case: Some(case(1)), ..asking(Work::ShowCard(CaseNumber(1)), at(0)) },
    );
    assert!(matches!(house.commit(&stale).await, Err(StoreError::Conflict)));
    assert_eq!(house.claim(at(0)).await, []);
    // Its event was not recorded either: decided anew, it has its effect.
    let anew = with_event("Ev1", of_case(Case { revision: 1, ..case(1) }));
    assert_eq!(house.commit(&anew).await.unwrap(), Committed::Applied);
}

pub(crate) async fn a_change_is_about_one_workspace(house: House) {
    let theirs = Case { workspace: WorkspaceId::from("T2"), ..case(1) };
    let torn = Change { case: Some(theirs), ..touch() };
    assert!(matches!(house.commit(&torn).await, Err(StoreError::Corrupt { .. })));
    let nobodys = Change { event: None, ..asking(Work::ShowCard(CaseNumber(1)), at(0)) };
    assert!(matches!(house.commit(&nobodys).await, Err(StoreError::Corrupt { .. })));
    assert_eq!(house.commit(&Change::default()).await.unwrap(), Committed::Applied);
}

pub(crate) async fn the_digest_of_a_week_is_asked_for_once(house: House) {
    let ask = |workspace: &str, week: &str, channel: &str| {
        let week = week.parse().unwrap();
        let work = Work::Digest { week, channel: channel.into() };
        Change {
            digest: Some((workspace.into(), week)),
            jobs: vec![NewJob { work, run_at: at(0) }],
            ..Change::default()
        }
    };
    // Two bots at once.
    let (mine, other) = (ask("T1", "2026-W47", "C1"), ask("T1", "2026-W47", "C2"));
    let (mine, other) = tokio::join!(house.commit(&mine), house.commit(&other));
    let mut done = [mine.unwrap(), other.unwrap()];
    done.sort_by_key(|done| *done == Committed::Duplicate);
    assert_eq!(done, [Committed::Applied, Committed::Duplicate]);
    let job = house.claim_one(at(0)).await;
    house.end(&job, JobEnd::Done).await;
    // Posted, it is not asked for again; another week and another workspace are.
    let again = ask("T1", "2026-W47", "C1");
    assert_eq!(house.commit(&again).await.unwrap(), Committed::Duplicate);
    assert_eq!(house.claim(at(0)).await, []);
    for change in [ask("T1", "2026-W48", "C1"), ask("T2", "2026-W47", "C1")] {
        assert_eq!(house.commit(&change).await.unwrap(), Committed::Applied);
    }
    let torn = Change { event: touch().event, ..ask("T2", "2026-W49", "C1") };
    assert!(matches!(house.commit(&torn).await, Err(StoreError::Corrupt { .. })));
}

pub(crate) async fn what_must_not_come_after_something_is_refused_after_it(house: House) {
    let taken = |number: u32| Change {
        unless: Some("gone:C1:1".to_owned()),
        ..with_event(&format!("Ev{number}"), of_case(case(number)))
    };
    let saw = async |key: &str| house.store.saw(&t1(), key).await.unwrap();
    assert_eq!(house.commit(&taken(1)).await.unwrap(), Committed::Applied);
    assert!(saw("Ev1").await && !saw("gone:C1:1").await);
    let gone = |workspace: &str| {
        let event = Some((WorkspaceId::from(workspace), "gone:C1:1".to_owned()));
        Change { event, ..Change::default() }
    };
    assert_eq!(house.commit(&gone("T2")).await.unwrap(), Committed::Applied);
    assert_eq!(house.commit(&taken(2)).await.unwrap(), Committed::Applied);
    assert_eq!(house.commit(&gone("T1")).await.unwrap(), Committed::Applied);
    assert!(saw("gone:C1:1").await);
    assert_eq!(house.commit(&taken(3)).await.unwrap(), Committed::Duplicate);
    assert_eq!(house.store.case(&t1(), CaseNumber(3)).await.unwrap(), None);
    assert!(!saw("Ev3").await && saw("gone:C1:1").await);
}
