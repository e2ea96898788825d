//! What is kept for a while only: deleted at its age and not before, some at a time, by anybody, to the end.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use secondlook::app::App;
use secondlook::app::ports::{Change, Clock, Committed, JobEnd, Store, Work};
use secondlook::app::retention::Perishable;
use secondlook::domain::channel::Patterns;
use secondlook::domain::investigation::{Case, CaseNumber, Happening, Outcome, State, apply};
use secondlook::domain::knowledge::Knowledge;
use secondlook::domain::policy::Limits;
use secondlook::domain::{ChannelId, MessageTs, UserId, WorkspaceId};
use secondlook::store;
use tokio_util::sync::CancellationToken;

use super::house::{
    House, asking, at, case, full_case, installation, of_case, t1, touch, workspace,
};
use super::installations::{erase_to_the_end, fill, removed};

const MS: SignedDuration = SignedDuration::from_millis(1);
const ALL: [Perishable; 4] =
    [Perishable::Event, Perishable::ParkedWork, Perishable::Digest, Perishable::Prompt];

/// So many of a kind, from `at(0)`.
async fn make(house: &House, what: Perishable, count: u32) {
    for n in 1..=count {
        match what {
            Perishable::Event => drop(house.commit(&touch()).await.unwrap()),
            Perishable::Digest => {
                let week = Some((t1(), format!("2026-W{n:02}").parse().unwrap()));
                house.commit(&Change { digest: week, ..Change::default() }).await.unwrap();
            }
            Perishable::Prompt => drop(house.save(case(n)).await),
            Perishable::ParkedWork => {
                let change = Change {
                    event: Some((t1(), format!("ask {n}"))),
                    ..asking(Work::ShowCard(CaseNumber(n)), at(-9))
                };
                house.commit(&change).await.unwrap();
                let job = house.claim_one(at(0)).await;
                house.end(&job, JobEnd::Parked("channel_not_found".to_owned())).await;
            }
        }
    }
}

async fn erase(house: &House, what: Perishable, until: Timestamp, limit: u32) -> u64 {
    house.store.erase(what, until, limit).await.unwrap()
}

pub(crate) async fn what_is_due_goes_at_the_millisecond(house: House) {
    for what in ALL {
        make(&house, what, 1).await;
    }
    for what in ALL {
        let several = if what == Perishable::Event { 2 } else { 1 };
        assert_eq!(erase(&house, what, at(0) - MS, 9).await, 0, "{what:?}");
        assert_eq!(erase(&house, what, at(0), 9).await, several, "{what:?}");
        assert_eq!(erase(&house, what, at(99), 9).await, 0, "{what:?}");
    }
}

pub(crate) async fn an_event_that_was_forgotten_may_come_again(house: House) {
    let event = |key: &str| Change { event: Some((t1(), key.to_owned())), ..Change::default() };
    for (key, minute) in [("old", 0), ("new", 60)] {
        house.store.commit(&event(key), at(minute)).await.unwrap();
    }
    assert_eq!(erase(&house, Perishable::Event, at(59), 9).await, 1);
    assert_eq!(house.commit(&event("old")).await.unwrap(), Committed::Applied);
    assert_eq!(house.commit(&event("new")).await.unwrap(), Committed::Duplicate);
}

/// Its age counts from when it was given up, not from when it was due; and work that only waits has none.
pub(crate) async fn work_is_given_up_when_it_is_given_up(house: House) {
    house.ask(Work::ShowCard(CaseNumber(1)), at(-999)).await;
    house.ask(Work::ShowCard(CaseNumber(2)), at(999)).await;
    let job = house.claim_one(at(0)).await;
    let end = Change { job: Some((job, JobEnd::Parked("x".to_owned()))), ..Change::default() };
    house.store.commit(&end, at(60)).await.unwrap();
    assert_eq!(erase(&house, Perishable::ParkedWork, at(60) - MS, 9).await, 0);
    // Asked for anew it lives again.
    house.ask(Work::ShowCard(CaseNumber(1)), at(60)).await;
    assert_eq!(erase(&house, Perishable::ParkedWork, at(60), 9).await, 0);
    let job = house.claim_one(at(60)).await;
    house.end(&job, JobEnd::Parked("x".to_owned())).await;
    assert_eq!(erase(&house, Perishable::ParkedWork, at(60), 9).await, 1);
    assert_eq!(house.claim(at(999)).await.len(), 1);
}

pub(crate) async fn prompts_go_and_what_was_answered_stays(house: House) {
    let states = [
        (State::Waiting, false),
        (State::Prompted, false),
        (State::Silent, false),
        (State::Dismissed, true),
        (State::Open, true),
        (State::Closed, true),
    ];
    for (number, (state, _)) in (1..).zip(states) {
        let outcome = full_case(1).outcome.filter(|_| state == State::Closed);
        house.save(Case { state, outcome, ..case(number) }).await;
    }
    let young = house.save(Case { began_at: at(1), ..case(9) }).await;
    assert_eq!(erase(&house, Perishable::Prompt, at(0), 99).await, 3);
    for (number, (state, stays)) in (1..).zip(states) {
        let found = house.store.case(&t1(), CaseNumber(number)).await.unwrap();
        assert_eq!(found.is_some(), stays, "{state}");
    }
    assert_eq!(house.load(&young).await, young);
    // Its number is nobody else's, and its thread is free.
    let again = Case { began_at: at(1), root: case(2).root, ..case(10) };
    house.save(again).await;
}

/// A case that ended at some time.
fn ended(number: u32, at: Timestamp) -> Case {
    let outcome = full_case(number).outcome.map(|outcome| Outcome { at, ..outcome });
    let root = Some(MessageTs(format!("1.{number:06}")));
    Case { outcome, root, ..full_case(number) }
}

/// Forgets one as the app does.
async fn forget(store: &dyn Store, number: u32, now: Timestamp) {
    let case = store.case(&t1(), CaseNumber(number)).await.unwrap().unwrap();
    let (case, effects) = apply(case, Happening::LongEnded, now);
    assert_eq!(effects, []);
    store.commit(&of_case(case), now).await.unwrap();
}

pub(crate) async fn ended_cases_are_named_the_oldest_first_and_once(house: House) {
    for (number, minute) in [(1, 30), (2, 10), (3, 20)] {
        house.save(ended(number, at(minute))).await;
    }
    house.save(Case { state: State::Open, outcome: None, ..ended(4, at(0)) }).await;
    let named = async |until: Timestamp, limit: u32| -> Vec<u32> {
        let due = house.store.remembered(until, limit).await.unwrap();
        due.into_iter().map(|(_, number)| number.0).collect()
    };
    assert_eq!(named(at(10) - MS, 9).await, [] as [u32; 0]);
    assert_eq!(named(at(10), 9).await, [2]);
    assert_eq!(named(at(99), 2).await, [2, 3]);
    forget(house.store.as_ref(), 2, at(99)).await;
    assert_eq!(named(at(99), 9).await, [3, 1]);
}

pub(crate) async fn a_batch_takes_no_more_than_it_may(house: House) {
    for what in ALL {
        house.store.erase(Perishable::Event, at(99), 99).await.unwrap();
        make(&house, what, 7).await;
        for (limit, taken) in [(3, 3), (3, 3), (3, 1), (3, 0)] {
            assert_eq!(erase(&house, what, at(0), limit).await, taken, "{what:?}");
        }
    }
}

/// Between two batches the process ends, and the next one knows no more than the store does.
pub(crate) async fn a_deletion_goes_on_after_a_restart(house: House) {
    for what in ALL {
        make(&house, what, 5).await;
    }
    fill(&house, "T2").await;
    house.commit(&removed("T2", "gone")).await.unwrap();
    house.ask(Work::ShowCard(CaseNumber(77)), at(0)).await;
    let mut left: Vec<Perishable> = ALL.to_vec();
    let mut batches = 0;
    while let Some(what) = left.pop() {
        let anew = store::open(&house.url()).await.unwrap();
        if anew.erase(what, at(0), 2).await.unwrap() > 0 {
            left.push(what);
        }
        batches += 1;
    }
    assert!(batches > 12, "{batches}");
    let mut gone = false;
    for _ in 0..99 {
        let anew = store::open(&house.url()).await.unwrap();
        let Some(erasure) = anew.erase_removed(at(0), 2).await.unwrap() else { break };
        assert_eq!(erasure.workspace, WorkspaceId::from("T2"));
        gone = erasure.whole;
        // Nobody is given its work meanwhile.
        let jobs = anew.claim(at(1), at(2), 99, &[]).await.unwrap();
        assert!(jobs.iter().all(|job| job.workspace == t1()), "{jobs:?}");
    }
    assert!(gone);
}

pub(crate) async fn of_two_who_delete_each_row_is_counted_once(house: House) {
    const COUNT: u32 = 40;
    let other = store::open(&house.url()).await.unwrap();
    for what in ALL {
        let extra = erase(&house, Perishable::Event, at(99), 99).await;
        assert!(extra < 99);
        make(&house, what, COUNT).await;
        let all = async |store: &Arc<dyn Store>| {
            let mut deleted = 0;
            loop {
                match store.erase(what, at(0), 3).await.unwrap() {
                    0 => return deleted,
                    count => deleted += count,
                }
            }
        };
        let (one, two) = tokio::join!(all(&house.store), all(&other));
        assert_eq!(one + two, u64::from(COUNT), "{what:?}");
        assert_eq!(erase(&house, what, at(99), 9).await, 0);
    }
}

/// A clock that stands at one time.
struct Stands(Timestamp);

impl Clock for Stands {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A bot that forgets cases ninety days after their end.
fn app(store: Arc<dyn Store>, now: Timestamp) -> App {
    let knowledge = Arc::new(Knowledge::embedded().unwrap());
    App::new(store, Arc::new(Stands(now)), knowledge, Limits::default(), Patterns::default())
        .keeping_cases(Some(DAY * 90))
}

const DAY: SignedDuration = SignedDuration::from_hours(24);

pub(crate) async fn two_who_forget_ended_cases_forget_each_once(house: House) {
    const COUNT: u32 = 120;
    for number in 1..=COUNT {
        house.save(ended(number, at(0))).await;
    }
    let young = house.save(ended(COUNT + 1, at(0) + MS)).await;
    let other = store::open(&house.url()).await.unwrap();
    let now = at(0) + DAY * 90;
    let apps = [app(house.store.clone(), now), app(other, now)];
    let cancel = CancellationToken::new();
    // Each stops when it meets nothing but the other's work: whoever looks last finds the rest.
    let [one, two] = &apps;
    tokio::join!(one.delete_what_is_due(&cancel), two.delete_what_is_due(&cancel));
    assert!(one.delete_what_is_due(&cancel).await);
    for number in 1..=COUNT {
        let case = house.load(&ended(number, at(0))).await;
        assert_eq!((case.revision, case.title.as_str()), (2, ""), "case {number}");
        assert_eq!(case.forgotten_after_days(), Some(90));
    }
    assert_eq!(house.load(&young).await, young, "a millisecond too young");
}

/// Whoever installs while the deletion runs elsewhere finds nothing of before, and keeps what comes after.
pub(crate) async fn whoever_comes_back_while_it_is_deleted_begins_anew(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 0..8 {
        fill(&house, "T1").await;
        house.commit(&removed("T1", "gone")).await.unwrap();
        // The deletion has begun.
        assert!(!house.store.erase_removed(at(0), 1 + round).await.unwrap().unwrap().whole);
        let erasing = async { while other.erase_removed(at(0), 2).await.unwrap().is_some() {} };
        let (one, two) = (workspace("T1"), installation("T1"));
        let coming_back = house.store.install(&one, &two);
        let ((), back) = tokio::join!(erasing, coming_back);
        back.unwrap();
        assert_eq!(other.erase_removed(at(99), 9).await.unwrap(), None);
        assert_eq!(house.store.case(&t1(), CaseNumber(1)).await.unwrap(), None);
        let (_, kept) = house.store.installation(&t1()).await.unwrap().unwrap();
        assert_eq!(kept.revision, 1, "the new one, once");
        // Nothing of the round before is in the way of the next one.
        house.commit(&removed("T1", "gone again")).await.unwrap();
        assert_eq!(erase_to_the_end(house.store.as_ref(), at(0)).await, ["T1"]);
    }
}

pub(crate) async fn a_prompt_goes_with_everything_of_it(house: House) {
    let mut prompt =
        Case { state: State::Prompted, outcome: None, opened_at: None, ..full_case(1) };
    prompt.author = Some(UserId::from("U9"));
    house.save(prompt).await;
    let other = Case { root: Some("2.0".into()), ..case(2) };
    house.save(Case { state: State::Open, author: Some(UserId::from("U2")), ..other }).await;
    let before = house.rows_about("T1").await;
    assert!(before["words"] > 5 && before["evidence"] == 2 && before["person"] == 3, "{before:?}");
    assert_eq!(erase(&house, Perishable::Prompt, at(0), 9).await, 1);
    let after = house.rows_about("T1").await;
    for (table, left) in [("investigation", 1), ("history", 1), ("evidence", 0), ("person", 1)] {
        assert_eq!(after[table], left, "{table}");
    }
    let left = house.load(&case(2)).await;
    assert_eq!(left.author, Some(UserId::from("U2")), "whom somebody else's case names");
    assert_eq!(left.title, case(2).title);
}

pub(crate) async fn an_ended_case_leaves_its_conclusions(house: House) {
    let before = house.save(ended(1, at(9))).await;
    forget(house.store.as_ref(), 1, at(9) + DAY * 100).await;
    let rows = house.rows_about("T1").await;
    for (table, left) in
        [("words", 0), ("evidence", 0), ("person", 0), ("outcome", 1), ("history", 1)]
    {
        assert_eq!(rows[table], left, "{table}");
    }
    let after = house.load(&before).await;
    let (was, is) = (before.outcome.unwrap(), after.outcome.unwrap());
    assert_eq!((is.kind, is.class, is.days, is.at), (was.kind, was.class, was.days, was.at));
    assert_eq!(
        (after.state, after.rules, after.channel),
        (before.state, before.rules, ChannelId::from("C1"))
    );
}

pub(crate) async fn a_half_deleted_workspace_does_not_come_back(house: House) {
    fill(&house, "T1").await;
    fill(&house, "T2").await;
    let (before, others) = (house.rows_about("T1").await, house.rows_about("T2").await);
    for by_token in [false, true] {
        house.commit(&removed("T1", "gone")).await.unwrap();
        assert_eq!(house.store.erase_removed(at(0), 3).await.unwrap().unwrap().rows, 3);
        assert!(house.rows_about("T1").await["words"] < before["words"]);
        if by_token {
            house.store.save_workspace(&workspace("T1")).await.unwrap();
        } else {
            house.store.install(&workspace("T1"), &installation("T1")).await.unwrap();
        }
        let after = house.rows_about("T1").await;
        let stands: Vec<&str> =
            after.iter().filter(|(_, rows)| **rows > 0).map(|(table, _)| table.as_str()).collect();
        let expected: &[&str] =
            if by_token { &["workspace"] } else { &["installation", "workspace"] };
        assert_eq!(stands, expected);
        assert_eq!(house.store.erase_removed(at(99), 9).await.unwrap(), None);
        assert_eq!(house.rows_about("T2").await, others);
        if by_token {
            assert_eq!(house.store.new_case_number(&t1()).await.unwrap(), CaseNumber(1));
        } else {
            fill(&house, "T1").await;
        }
    }
}
