//! Work that waits: in doubt, for a person, for a place, for a newer version.

use secondlook::app::ports::Doubt::{None as Sure, Once};
use secondlook::app::ports::{Backlog, Change, JobEnd, NewJob, Work};
use secondlook::domain::WorkspaceId;
use secondlook::domain::investigation::CaseNumber;

use super::house::{House, asking, at};

fn card(number: u32) -> Work {
    Work::ShowCard(CaseNumber(number))
}

pub(crate) async fn what_work_in_doubt_asks_for_is_in_doubt(house: House) {
    let quiet = Work::QuietPeriod(CaseNumber(1));
    house.ask(quiet.clone(), at(0)).await;
    house.ask(card(2), at(3)).await;
    house.claim_one(at(0)).await;
    // Nobody knows what became of it.
    let again = house.claim_one(at(1)).await;
    assert_eq!(again.doubt, Once);
    let new = |work: &Work, run_at| NewJob { work: work.clone(), run_at };
    let asking = Change {
        jobs: vec![new(&card(1), at(2)), new(&card(2), at(3)), new(&quiet, at(4))],
        job: Some((again, JobEnd::Done)),
        ..Change::default()
    };
    house.commit(&asking).await.unwrap();
    for (minute, work) in [(2, card(1)), (3, card(2)), (4, quiet)] {
        let job = house.claim_one(at(minute)).await;
        assert_eq!((&job.work, job.doubt, job.attempts), (&work, Once, 1));
        house.end(&job, JobEnd::Done).await;
    }
    // Done, it is in doubt no more, and what is asked for otherwise never was.
    house.ask(card(1), at(5)).await;
    let job = house.claim_one(at(5)).await;
    assert_eq!(job.doubt, Sure);
    let asking = Change {
        jobs: vec![new(&card(2), at(6))],
        job: Some((job, JobEnd::Done)),
        ..Change::default()
    };
    house.commit(&asking).await.unwrap();
    assert_eq!(house.claim_one(at(6)).await.doubt, Sure);
}

pub(crate) async fn what_awaits_a_person_is_not_late(house: House) {
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.end(&job, JobEnd::RetryAt(at(1), Sure)).await;
    let job = house.claim_one(at(1)).await;
    house.end(&job, JobEnd::AwaitsPerson(at(11))).await;
    let none_due = Backlog { waiting: 1, ..Backlog::default() };
    assert_eq!(house.store.backlog(at(10)).await.unwrap(), none_due);
    assert_eq!(house.claim(at(10)).await, []);
    let job = house.claim_one(at(11)).await;
    assert_eq!((job.attempts, job.doubt), (3, Sure));
    // They come while it is tried: it is tried again at once, for them.
    house.ask(card(1), at(11)).await;
    house.end(&job, JobEnd::AwaitsPerson(at(21))).await;
    let job = house.claim_one(at(11)).await;
    assert_eq!((job.run_at, job.attempts), (at(11), 4));
    house.end(&job, JobEnd::Done).await;
    assert_eq!(house.claim(at(99)).await, []);
    // It is in doubt as it was.
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.end(&job, JobEnd::RetryAt(at(1), Once)).await;
    let job = house.claim_one(at(1)).await;
    house.end(&job, JobEnd::AwaitsPerson(at(2))).await;
    let job = house.claim_one(at(2)).await;
    assert_eq!(job.doubt, Once);
    // And tried at once when it is asked for, whenever that is; once.
    house.end(&job, JobEnd::AwaitsPerson(at(30))).await;
    house.ask(card(1), at(3)).await;
    let job = house.claim_one(at(3)).await;
    house.ask(card(1), at(3)).await;
    house.end(&job, JobEnd::AwaitsPerson(at(30))).await;
    let job = house.claim_one(at(3)).await;
    house.end(&job, JobEnd::AwaitsPerson(at(30))).await;
    assert_eq!(house.claim(at(29)).await, []);
    assert_eq!(house.claim_one(at(30)).await.doubt, Once);
}

pub(crate) async fn doubt_that_comes_while_it_is_tried_stays(house: House) {
    let quiet = Work::QuietPeriod(CaseNumber(2));
    house.ask(quiet, at(0)).await;
    house.claim_one(at(0)).await;
    let again = house.claim_one(at(1)).await;
    house.ask(card(1), at(1)).await;
    let tried = house.claim_one(at(1)).await;
    assert_eq!((again.doubt, tried.doubt), (Once, Sure));
    let asking = Change {
        jobs: vec![NewJob { work: card(1), run_at: at(1) }],
        job: Some((again, JobEnd::Done)),
        ..Change::default()
    };
    house.commit(&asking).await.unwrap();
    house.end(&tried, JobEnd::RetryAt(at(2), tried.doubt)).await;
    assert_eq!(house.claim_one(at(2)).await.doubt, Once);
}

pub(crate) async fn the_work_of_full_workspaces_is_left_to_others(house: House) {
    for (workspace, minute) in [("T1", 1), ("T2", 2), ("T3", 3)] {
        let event = Some((WorkspaceId::from(workspace), "E1".to_owned()));
        house.commit(&Change { event, ..asking(card(1), at(minute)) }).await.unwrap();
    }
    let full = ["T1".into(), "T3".into()];
    assert_eq!(house.store.next_due(&[]).await.unwrap(), Some(at(1)));
    assert_eq!(house.store.next_due(&full).await.unwrap(), Some(at(2)));
    let others = house.store.claim(at(5), at(6), 9, &full).await.unwrap();
    assert_eq!(others.iter().map(|job| job.workspace.as_str()).collect::<Vec<_>>(), ["T2"]);
    assert_eq!(house.store.claim(at(5), at(6), 9, &full).await.unwrap(), []);
    assert_eq!(house.claim(at(5)).await.len(), 2);
}

/// A newer replica asks for what an older one does not know, while they are replaced.
pub(crate) async fn work_of_a_newer_version_is_left_to_it(house: House) {
    house.ask(card(1), at(0)).await;
    house.ask(card(2), at(0)).await;
    assert_eq!(house.store.unknown_work().await.unwrap(), []);
    let newer = "update job set kind = 'newer' where case_number = 2";
    crate::tables::run(&house.url(), newer).await;
    assert_eq!(house.claim_one(at(0)).await.work, card(1));
    assert_eq!(house.store.next_due(&[]).await.unwrap(), Some(at(1)), "the lease of the other");
    assert_eq!(house.claim_one(at(1)).await.work, card(1));
    let left = house.store.backlog(at(1)).await.unwrap();
    assert_eq!((left.waiting, left.parked), (2, 0));
    assert_eq!(house.store.unknown_work().await.unwrap(), [("newer".to_owned(), 1)]);
}
