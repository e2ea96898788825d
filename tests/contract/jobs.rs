//! Due work: each piece once, none lost, and doubt is said.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use secondlook::app::ports::Doubt::{None as Sure, Once, Twice};
use secondlook::app::ports::{Backlog, Change, JobEnd, NewJob, Parked, StoreError, Work};
use secondlook::domain::investigation::{Case, CaseNumber, State};
use secondlook::domain::{ChannelId, MessageTs, UserId};
use tokio::task::JoinSet;

use super::house::{House, asking, at, case, of_case, t1, touch};

fn card(number: u32) -> Work {
    Work::ShowCard(CaseNumber(number))
}

fn file() -> Work {
    Work::ReadFile {
        case: CaseNumber(1),
        file: "F1".to_owned(),
        name: "headers \"quoted\".txt".to_owned(),
        url: "https://files.slack.com/F1".to_owned(),
        message: MessageTs::from("1763712180.000001"),
        permalink: "https://acme.slack.com/archives/C1/p1".to_owned(),
        by: UserId::from("U1"),
    }
}

pub(crate) async fn work_is_done_when_it_is_due(house: House) {
    assert_eq!(house.store.next_due(&[]).await.unwrap(), None);
    house.ask(card(2), at(2)).await;
    house.ask(card(1), at(1)).await;
    assert_eq!(house.store.next_due(&[]).await.unwrap(), Some(at(1)));
    assert_eq!(house.claim(at(0)).await, []);
    let jobs = house.claim(at(5)).await;
    let seen: Vec<_> = jobs.iter().map(|job| (&job.work, job.run_at, job.attempts)).collect();
    assert_eq!(seen, [(&card(1), at(1), 1), (&card(2), at(2), 1)]);
    assert!(jobs.iter().all(|job| job.doubt == Sure && job.workspace == t1()));
    assert_eq!(house.claim(at(5)).await, []);
    assert_eq!(house.store.next_due(&[]).await.unwrap(), Some(at(6)), "the lease runs out");
    for job in &jobs {
        house.end(job, JobEnd::Done).await;
    }
    assert_eq!(house.store.next_due(&[]).await.unwrap(), None);
    house.ask(card(1), at(0)).await;
    house.ask(card(2), at(1)).await;
    let one = house.store.claim(at(9), at(10), 1, &[]).await.unwrap();
    assert_eq!(one.iter().map(|job| &job.work).collect::<Vec<_>>(), [&card(1)], "oldest first");
}

pub(crate) async fn every_kind_of_work_comes_back(house: House) {
    let one = CaseNumber(1);
    let kinds = [
        Work::QuietPeriod(one),
        Work::Reminder(one),
        Work::Text(one),
        Work::ShowCard(one),
        Work::ReadThread(one),
        Work::TellRefusal { case: one, code: "is_archived".to_owned(), may_stand: true },
        Work::SayReminder(one),
        Work::SayOutcome(one),
        Work::LookAtChannel("C1".into()),
        Work::Greet("C1".into()),
        Work::ConfirmRemoval,
        file(),
        Work::Digest { week: "2026-W47".parse().unwrap(), channel: "C1".into() },
    ];
    let jobs = kinds.iter().cloned().map(|work| NewJob { work, run_at: at(0) }).collect();
    house.commit(&Change { jobs, ..touch() }).await.unwrap();
    let claimed: Vec<_> = house.claim(at(0)).await.into_iter().map(|job| job.work).collect();
    assert_eq!(claimed, kinds);
    assert_eq!(kinds.map(|work| work.kind()), Work::KINDS);
}

pub(crate) async fn pending_work_asked_again_runs_once_and_earlier(house: House) {
    for minute in [5, 3, 7] {
        house.ask(card(1), at(minute)).await;
    }
    assert_eq!(house.store.next_due(&[]).await.unwrap(), Some(at(3)));
    let job = house.claim_one(at(9)).await;
    house.end(&job, JobEnd::Done).await;
    assert_eq!(house.claim(at(99)).await, []);
    // Cancelled and asked for in one change: a new time.
    house.ask(card(1), at(3)).await;
    let moved = Change { cancel: vec![card(1).key()], ..asking(card(1), at(8)) };
    house.commit(&moved).await.unwrap();
    assert_eq!(house.claim_one(at(9)).await.run_at, at(8));
}

pub(crate) async fn work_asked_for_in_flight_runs_once_more(house: House) {
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.ask(card(1), at(7)).await;
    house.ask(card(1), at(4)).await;
    assert_eq!(house.claim(at(0)).await, []);
    house.end(&job, JobEnd::Done).await;
    assert_eq!(house.claim(at(3)).await, []);
    let again = house.claim_one(at(4)).await;
    assert_eq!((again.run_at, again.attempts, again.doubt), (at(4), 1, Sure));
    house.end(&again, JobEnd::Done).await;
    assert_eq!(house.claim(at(99)).await, []);
    // Work may ask for itself again while it ends.
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    let again = Change { job: Some((job, JobEnd::Done)), ..asking(card(1), at(9)) };
    house.commit(&again).await.unwrap();
    assert_eq!(house.claim_one(at(9)).await.attempts, 1);
}

pub(crate) async fn a_retry_does_what_was_asked_for_meanwhile(house: House) {
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.ask(card(1), at(0)).await;
    house.end(&job, JobEnd::RetryAt(at(5), Sure)).await;
    assert_eq!(house.claim(at(4)).await, []);
    let retry = house.claim_one(at(5)).await;
    assert_eq!((retry.run_at, retry.attempts, retry.doubt), (at(5), 2, Sure));
    // To wait for its turn is no attempt.
    house.end(&retry, JobEnd::HeldUntil(at(6))).await;
    assert_eq!(house.claim(at(5)).await, []);
    let retry = house.claim_one(at(6)).await;
    assert_eq!((retry.run_at, retry.attempts, retry.doubt), (at(6), 2, Sure));
    house.end(&retry, JobEnd::Done).await;
    assert_eq!(house.claim(at(99)).await, []);
    // What is due after the retry is no part of it; nor what an attempt in doubt may have missed.
    for (asked, doubt) in [(at(9), Sure), (at(0), Once), (at(0), Twice)] {
        house.ask(card(1), at(0)).await;
        let job = house.claim_one(at(0)).await;
        house.ask(card(1), asked).await;
        house.end(&job, JobEnd::RetryAt(at(5), doubt)).await;
        let retry = house.claim_one(at(5)).await;
        house.end(&retry, JobEnd::Done).await;
        let more = house.claim_one(at(9)).await;
        assert_eq!(more.run_at, asked);
        house.end(&more, JobEnd::Done).await;
        assert_eq!(house.claim(at(99)).await, []);
    }
}

pub(crate) async fn a_lease_that_ran_out_is_uncertain(house: House) {
    house.ask(card(1), at(0)).await;
    let lost = house.claim_one(at(0)).await;
    let ms = SignedDuration::from_millis(1);
    assert_eq!(house.claim(at(1) - ms).await, []);
    let taken = house.claim_one(at(1)).await;
    assert_eq!((taken.id, taken.attempts, taken.doubt), (lost.id, 2, Once));
    assert!(matches!(house.try_end(&lost, JobEnd::Done).await, Err(StoreError::Conflict)));
    house.end(&taken, JobEnd::Done).await;
    // A lease that ran out unnoticed is still ours.
    house.ask(card(1), at(0)).await;
    let late = house.claim_one(at(0)).await;
    house
        .store
        .commit(&Change { job: Some((late, JobEnd::Done)), ..touch() }, at(9))
        .await
        .unwrap();
    assert_eq!(house.claim(at(99)).await, []);
}

pub(crate) async fn a_claim_is_prolonged_by_whoever_holds_it(house: House) {
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.store.prolong(&job, at(3)).await.unwrap();
    assert_eq!(house.store.next_due(&[]).await.unwrap(), Some(at(3)));
    assert_eq!(house.claim(at(2)).await, []);
    // Whoever had it dies; the next one holds it.
    let taken = house.claim_one(at(3)).await;
    assert_eq!(taken.doubt, Once);
    let refused = async |job| match house.store.prolong(job, at(9)).await {
        Err(StoreError::Conflict) => {}
        other => panic!("{other:?}"),
    };
    refused(&job).await;
    assert_eq!(house.store.next_due(&[]).await.unwrap(), Some(at(4)));
    house.end(&taken, JobEnd::RetryAt(at(5), taken.doubt)).await;
    refused(&taken).await;
    let last = house.claim_one(at(5)).await;
    house.end(&last, JobEnd::Done).await;
    refused(&last).await;
    assert_eq!(house.store.backlog(at(99)).await.unwrap(), Backlog::default());
}

pub(crate) async fn uncertainty_is_kept_until_it_is_done(house: House) {
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.end(&job, JobEnd::RetryAt(at(1), job.doubt)).await;
    let job = house.claim_one(at(1)).await;
    assert_eq!(job.doubt, Sure);
    house.end(&job, JobEnd::RetryAt(at(2), Once)).await;
    let job = house.claim_one(at(2)).await;
    assert_eq!(job.doubt, Once);
    house.end(&job, JobEnd::HeldUntil(at(3))).await;
    let job = house.claim_one(at(3)).await;
    assert_eq!((job.doubt, job.attempts), (Once, 3));
    house.end(&job, JobEnd::RetryAt(at(4), job.doubt)).await;
    let job = house.claim_one(at(4)).await;
    assert_eq!((job.doubt, job.attempts), (Once, 4));
    house.end(&job, JobEnd::Done).await;
    house.ask(card(1), at(5)).await;
    assert_eq!(house.claim_one(at(5)).await.doubt, Sure);
}

pub(crate) async fn what_may_still_come_is_looked_for_twice(house: House) {
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.end(&job, JobEnd::RetryAt(at(5), Twice)).await;
    // Asked for meanwhile: the look does not come earlier, and the work runs once more after it.
    house.ask(card(1), at(1)).await;
    assert_eq!(house.claim(at(4)).await, []);
    let first = house.claim_one(at(5)).await;
    assert_eq!(first.doubt, Twice);
    // Neither a look that fails nor a worker that dies counts as one.
    house.end(&first, JobEnd::RetryAt(at(6), first.doubt)).await;
    house.claim_one(at(6)).await;
    let first = house.claim_one(at(7)).await;
    assert_eq!(first.doubt, Twice);
    house.end(&first, JobEnd::RetryAt(at(9), Once)).await;
    house.ask(card(1), at(2)).await;
    assert_eq!(house.claim(at(8)).await, []);
    let second = house.claim_one(at(9)).await;
    assert_eq!(second.doubt, Once);
    house.end(&second, JobEnd::Done).await;
    let anew = house.claim_one(at(9)).await;
    assert_eq!(anew.doubt, Sure);
    house.end(&anew, JobEnd::Done).await;
    assert_eq!(house.claim(at(99)).await, []);
}

pub(crate) async fn a_lost_lease_ends_nothing(house: House) {
    house.ask(card(1), at(0)).await;
    let lost = house.claim_one(at(0)).await;
    let ours = house.claim_one(at(1)).await;
    // What else the change says does not happen either.
    let late = Change {
        case: Some(case(1)),
        job: Some((lost.clone(), JobEnd::Done)),
        ..asking(card(2), at(0))
    };
    assert!(matches!(house.commit(&late).await, Err(StoreError::Conflict)));
    assert_eq!(house.store.case(&t1(), CaseNumber(1)).await.unwrap(), None);
    house.end(&ours, JobEnd::Done).await;
    assert!(matches!(house.try_end(&ours, JobEnd::Done).await, Err(StoreError::Conflict)));
    // A new job under the same key is another job.
    house.ask(card(1), at(0)).await;
    let anew = house.claim_one(at(0)).await;
    assert!(matches!(house.try_end(&lost, JobEnd::Done).await, Err(StoreError::Conflict)));
    house.end(&anew, JobEnd::Done).await;
}

pub(crate) async fn cancelled_work_is_not_tried_again(house: House) {
    house.ask(card(1), at(0)).await;
    house.cancel(&card(1)).await;
    assert_eq!(house.claim(at(9)).await, []);
    let ends = [
        JobEnd::Done,
        JobEnd::RetryAt(at(0), Sure),
        JobEnd::HeldUntil(at(0)),
        JobEnd::AwaitsPerson(at(0)),
        JobEnd::RetryAt(at(0), Once),
        JobEnd::RetryAt(at(0), Twice),
        JobEnd::Parked("no".to_owned()),
    ];
    for end in ends {
        house.ask(card(1), at(0)).await;
        let job = house.claim_one(at(0)).await;
        house.cancel(&card(1)).await;
        house.end(&job, end).await;
        assert_eq!(house.store.backlog(at(99)).await.unwrap(), Backlog::default());
    }
    // Nor when its worker died.
    house.ask(card(1), at(0)).await;
    house.claim_one(at(0)).await;
    house.cancel(&card(1)).await;
    assert_eq!(house.store.next_due(&[]).await.unwrap(), None);
    assert_eq!(house.claim(at(9)).await, []);
    // Asked for after it was cancelled, it runs again.
    house.ask(card(1), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.cancel(&card(1)).await;
    house.ask(card(1), at(2)).await;
    house.end(&job, JobEnd::Done).await;
    assert_eq!(house.claim_one(at(2)).await.run_at, at(2));
}

/// The file of a deleted message, whether its reading waits, is under way, or was given up.
pub(crate) async fn files_of_a_deleted_message_are_not_read(house: House) {
    let saved = house.save(Case { state: State::Open, ..case(1) }).await;
    let message = MessageTs::from("1763712180.000001");
    let (c1, c2) = (saved.channel.clone(), ChannelId::from("C2"));
    let found = async |channel: &ChannelId, message: &MessageTs| {
        let case = house.store.case_with_evidence(&t1(), channel, message).await.unwrap();
        case.map(|case| case.number)
    };
    assert_eq!(found(&c1, &message).await, None);
    house.ask(file(), at(0)).await;
    house.ask(card(1), at(9)).await;
    assert_eq!(found(&c1, &message).await, Some(saved.number));
    assert_eq!(found(&c2, &message).await, None);
    assert_eq!(found(&c1, &"1763712180.00000".into()).await, None);
    let leave = async |case: Case| {
        let change = Change { leave_files: vec![message.clone()], ..of_case(case) };
        house.commit(&change).await.unwrap();
    };
    let saved = async || house.store.case(&t1(), CaseNumber(1)).await.unwrap().unwrap();
    house.save(case(2)).await;
    leave(house.load(&case(2)).await).await;
    let reading = house.claim_one(at(0)).await;
    leave(saved().await).await;
    // It was read meanwhile.
    let late = Change {
        case: Some(saved().await),
        job: Some((reading.clone(), JobEnd::Done)),
        ..Change::default()
    };
    assert!(matches!(house.commit(&late).await, Err(StoreError::Conflict)));
    house.end(&reading, JobEnd::RetryAt(at(1), reading.doubt)).await;
    assert_eq!(house.claim_one(at(9)).await.work, card(1), "only the card is left");
    house.ask(file(), at(0)).await;
    leave(saved().await).await;
    assert_eq!(house.claim(at(9)).await, []);
    assert_eq!(found(&c1, &message).await, None);
}

pub(crate) async fn given_up_work_waits_for_a_person_or_a_new_ask(house: House) {
    house.ask(file(), at(0)).await;
    let job = house.claim_one(at(0)).await;
    house.end(&job, JobEnd::Parked("file_deleted".to_owned())).await;
    assert_eq!(house.claim(at(99)).await, []);
    assert_eq!(house.store.next_due(&[]).await.unwrap(), None);
    let parked = Backlog { parked: 1, ..Backlog::default() };
    assert_eq!(house.store.backlog(at(99)).await.unwrap(), parked);
    let given_up = house.store.parked(9).await.unwrap();
    let because = "file_deleted".to_owned();
    let file_deleted = Parked { workspace: t1(), work: file().key(), because };
    assert_eq!(given_up, [file_deleted]);
    assert_eq!(house.store.parked(0).await.unwrap(), []);
    house.ask(file(), at(5)).await;
    assert_eq!(house.store.parked(9).await.unwrap(), []);
    let job = house.claim_one(at(5)).await;
    assert_eq!((&job.work, job.attempts, job.run_at), (&file(), 1, at(5)));
    // Asked for again before it is given up: it gets its chance.
    house.ask(file(), at(6)).await;
    house.end(&job, JobEnd::Parked("file_deleted".to_owned())).await;
    let job = house.claim_one(at(6)).await;
    assert_eq!((&job.work, job.attempts), (&file(), 1));
    house.end(&job, JobEnd::Parked("file_deleted".to_owned())).await;
    house.cancel(&file()).await;
    assert_eq!(house.store.backlog(at(99)).await.unwrap(), Backlog::default());
}

pub(crate) async fn given_up_work_is_tried_again_or_dropped_by_command(house: House) {
    let week = "2026-W47".parse().unwrap();
    let digest = Work::Digest { week, channel: "C9".into() };
    let works = [card(1), digest, Work::Greet("C1".into()), file()];
    for work in &works {
        house.ask(work.clone(), at(0)).await;
        let job = house.claim_one(at(0)).await;
        let job = if *work == works[0] {
            house.end(&job, JobEnd::RetryAt(at(0), Once)).await;
            house.claim_one(at(0)).await
        } else {
            job
        };
        house.end(&job, JobEnd::Parked("no".to_owned())).await;
    }
    assert_eq!(house.store.parked(9).await.unwrap().len(), 4);
    // Which file it was, nobody knows any more.
    assert_eq!(house.store.retry_parked(at(7)).await.unwrap(), 3);
    assert_eq!(house.store.backlog(at(8)).await.unwrap().oldest_due, Some(at(7)));
    let again = house.claim(at(7)).await;
    let begun: Vec<_> = again.iter().map(|job| (&job.work, job.attempts, job.doubt)).collect();
    assert_eq!(begun, [(&works[0], 1, Once), (&works[1], 1, Sure), (&works[2], 1, Sure)]);
    assert_eq!(house.store.retry_parked(at(7)).await.unwrap(), 0);
    house.end(&again[1], JobEnd::Parked("no".to_owned())).await;
    assert_eq!(house.store.forget_parked().await.unwrap(), 2);
    let left = house.store.backlog(at(8)).await.unwrap();
    assert_eq!((left.waiting, left.parked), (2, 0));
}

pub(crate) async fn concurrent_workers_take_each_job_once(house: House) {
    let jobs = (1..=200).map(|number| NewJob { work: card(number), run_at: at(0) }).collect();
    house.commit(&Change { jobs, ..touch() }).await.unwrap();
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let store = house.store.clone();
        workers.spawn(async move {
            let mut done = Vec::new();
            loop {
                let jobs = store.claim(at(0), at(1), 7, &[]).await.unwrap();
                if jobs.is_empty() {
                    return done;
                }
                for job in jobs {
                    done.push(job.work.case().unwrap().0);
                    let end = Change { job: Some((job, JobEnd::Done)), ..Change::default() };
                    store.commit(&end, at(0)).await.unwrap();
                }
            }
        });
    }
    let done = workers.join_all().await.concat();
    assert_eq!(done.len(), 200);
    assert_eq!(done.into_iter().collect::<BTreeSet<_>>(), (1..=200).collect());
    assert_eq!(house.store.backlog(at(99)).await.unwrap(), Backlog::default());
}

pub(crate) async fn the_backlog_is_counted(house: House) {
    for (number, minute) in [(1, 1), (2, 2), (3, 9)] {
        house.ask(card(number), at(minute)).await;
    }
    let due = Backlog { due: 2, waiting: 3, parked: 0, oldest_due: Some(at(1)) };
    assert_eq!(house.store.backlog(at(5)).await.unwrap(), due);
    house.claim(at(5)).await;
    assert_eq!(house.store.backlog(at(5)).await.unwrap(), due, "in flight is not done");
    assert_eq!(house.store.backlog(at(6)).await.unwrap(), due, "the leases ran out");
}

pub(crate) async fn no_retry_makes_work_younger(house: House) {
    let ends: [fn(Timestamp) -> JobEnd; 3] =
        [|at| JobEnd::RetryAt(at, Sure), JobEnd::HeldUntil, |at| JobEnd::RetryAt(at, Once)];
    house.ask(card(1), at(1)).await;
    for (n, end) in ends.iter().cycle().take(9).enumerate() {
        let now = at(10 * i64::try_from(n).unwrap() + 1);
        let job = house.claim_one(now).await;
        house.end(&job, end(now + SignedDuration::from_mins(10))).await;
        let backlog = house.store.backlog(now).await.unwrap();
        assert_eq!((backlog.due, backlog.oldest_due), (1, Some(at(1))), "{n}");
    }
    // Asked for again it is the same work; in doubt, it is done once more for that, and no older than the asking.
    house.ask(card(1), at(92)).await;
    assert_eq!(house.store.backlog(at(92)).await.unwrap().oldest_due, Some(at(1)));
    let job = house.claim_one(at(92)).await;
    house.end(&job, JobEnd::Done).await;
    assert_eq!(house.store.backlog(at(92)).await.unwrap().oldest_due, Some(at(92)));
    // Done and asked for anew it is other work.
    let job = house.claim_one(at(92)).await;
    house.ask(card(1), at(99)).await;
    house.end(&job, JobEnd::Done).await;
    assert_eq!(house.store.backlog(at(98)).await.unwrap().oldest_due, None);
    assert_eq!(house.store.backlog(at(99)).await.unwrap().oldest_due, Some(at(99)));
}
