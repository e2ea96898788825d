//! Several processes on one store: whatever they do at the same moment, one of them wins and nothing is lost or doubled.

use std::sync::Arc;

use secondlook::app::ports::{
    Backlog, Change, Committed, Doubt, Job, JobEnd, NewJob, Store, StoreError, Work,
};
use secondlook::domain::investigation::{Case, CaseNumber};
use secondlook::domain::policy::ChannelState;
use secondlook::domain::{ChannelId, UserId};
use secondlook::store;
use tokio::task::JoinSet;

use super::house::{House, asking, at, case, full_case, of_case, t1, touch};

const ROUNDS: u32 = 25;

type Outcome = Result<Committed, StoreError>;

/// Two processes make a change each at the same moment.
async fn at_once(
    house: &House,
    other: &Arc<dyn Store>,
    one: &Change,
    two: &Change,
) -> [Outcome; 2] {
    tokio::join!(house.store.commit(one, at(0)), other.commit(two, at(0))).into()
}

/// Exactly one of two changes stands, the other was refused as late.
#[track_caller]
fn one_stands(outcomes: &[Outcome; 2]) {
    let stands = |o: &Outcome| matches!(o, Ok(Committed::Applied));
    let late = |o: &Outcome| matches!(o, Err(StoreError::Conflict));
    let [one, two] = outcomes;
    assert!(stands(one) && late(two) || late(one) && stands(two), "{outcomes:?}");
}

pub(crate) async fn of_two_changes_of_a_case_one_stands(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    let mut saved = house.save(full_case(1)).await;
    for round in 0..ROUNDS {
        let retitled = |who: &str| Case {
            title: format!("{who} {round}"),
            problem: Some(format!("{who} {round}")),
            author: Some(UserId(format!("{who}{round}"))),
            ..saved.clone()
        };
        let (one, two) = (of_case(retitled("one")), of_case(retitled("two")));
        one_stands(&at_once(&house, &other, &one, &two).await);
        saved = house.load(&saved).await;
        assert_eq!(saved.revision, i64::from(round) + 2);
        assert_eq!(saved.problem.as_ref(), Some(&saved.title), "not a mixture of both");
    }
}

pub(crate) async fn of_two_new_cases_in_a_thread_one_stands(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 1..=ROUNDS {
        let one = case(2 * round);
        // The same number, as if both were the same delivery; or another one, in the same thread.
        let number = CaseNumber(2 * round + round % 2);
        let two = Case { number, root: one.root.clone(), ..one.clone() };
        one_stands(&at_once(&house, &other, &of_case(one), &of_case(two)).await);
    }
}

/// The limits of a channel are decided on its revision: two that both saw room for one more can't both take it.
pub(crate) async fn of_two_prompts_in_a_channel_one_stands(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 1..=ROUNDS {
        let channel = ChannelId(format!("C{round}"));
        let prompt = |number| Change {
            channel: Some((t1(), channel.clone(), ChannelState::default())),
            ..of_case(Case { channel: channel.clone(), ..case(number) })
        };
        let (one, two) = (prompt(2 * round), prompt(2 * round + 1));
        one_stands(&at_once(&house, &other, &one, &two).await);
        assert_eq!(house.store.channel(&t1(), &channel).await.unwrap().revision, 1);
        assert_eq!(house.store.prompts(&t1(), &channel, at(1)).await.unwrap().len(), 1);
    }
}

pub(crate) async fn of_two_deliveries_of_an_event_one_has_its_effect(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 1..=ROUNDS {
        let event = Some((t1(), format!("Ev{round}")));
        let change = Change { event, ..asking(Work::ShowCard(CaseNumber(round)), at(0)) };
        let outcomes = at_once(&house, &other, &change, &change).await;
        let mut done = outcomes.map(Result::unwrap);
        done.sort_by_key(|done| *done == Committed::Duplicate);
        assert_eq!(done, [Committed::Applied, Committed::Duplicate]);
    }
    assert_eq!(house.claim(at(0)).await.len(), ROUNDS as usize);
}

/// A message and its deletion: either the deletion finds what was taken from the message, or nothing is taken from it.
pub(crate) async fn a_message_and_its_deletion_do_not_miss_each_other(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 1..=ROUNDS {
        let key = format!("gone:{round}");
        let taken = Change { unless: Some(key.clone()), ..of_case(case(round)) };
        let gone = Change { event: Some((t1(), key)), ..Change::default() };
        let deletion = async {
            assert_eq!(other.commit(&gone, at(0)).await.unwrap(), Committed::Applied);
            other.case(&t1(), CaseNumber(round)).await.unwrap().is_some()
        };
        let (taken, found) = tokio::join!(house.store.commit(&taken, at(0)), deletion);
        assert_eq!(taken.unwrap() == Committed::Applied, found, "round {round}");
    }
}

/// People nobody knew yet, in many cases at once: each is one person, and no case has to wait for another try.
pub(crate) async fn new_people_are_met_once(house: House) {
    let mut tasks = JoinSet::new();
    for number in 1..=40 {
        let store = house.store.clone();
        let who = Some(UserId(format!("U{}", number % 4)));
        let change = of_case(Case { author: who, ..case(number) });
        tasks.spawn(async move { store.commit(&change, at(0)).await.unwrap() });
    }
    tasks.join_all().await;
    for number in 1..=40 {
        let author = house.load(&case(number)).await.author;
        assert_eq!(author, Some(UserId(format!("U{}", number % 4))));
    }
}

/// One case lets the last trace of a person go while another meets them.
pub(crate) async fn who_is_met_again_while_they_are_forgotten_is_known(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 1..=ROUNDS {
        let author = Some(UserId(format!("U{round}")));
        let first = house.save(Case { author: author.clone(), ..case(2 * round) }).await;
        let forgotten = of_case(Case { author: None, ..first });
        let meeting = of_case(Case { author: author.clone(), ..case(2 * round + 1) });
        let mut outcomes = at_once(&house, &other, &forgotten, &meeting).await;
        // Whoever was too late decides again, as the app does.
        for (outcome, change) in outcomes.iter_mut().zip([&forgotten, &meeting]) {
            while matches!(outcome, Err(StoreError::Conflict)) {
                *outcome = house.commit(change).await;
            }
            assert_eq!(outcome.as_ref().unwrap(), &Committed::Applied);
        }
        assert_eq!(house.load(&case(2 * round)).await.author, None);
        assert_eq!(house.load(&case(2 * round + 1)).await.author, author);
    }
}

/// A worker ends its work on a case while an event on the same case asks for that work again.
pub(crate) async fn work_that_ends_while_it_is_asked_for_runs_once_more(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    let work = Work::ShowCard(CaseNumber(1));
    let mut saved = house.save(case(1)).await;
    house.ask(work.clone(), at(0)).await;
    for _ in 0..ROUNDS {
        let job = house.claim_one(at(0)).await;
        let ends = Change { job: Some((job.clone(), JobEnd::Done)), ..of_case(saved.clone()) };
        let asks = Change {
            jobs: vec![NewJob { work: work.clone(), run_at: at(0) }],
            ..of_case(saved.clone())
        };
        let outcomes = at_once(&house, &other, &ends, &asks).await;
        one_stands(&outcomes);
        saved = house.load(&saved).await;
        let late = if outcomes[0].is_ok() { asks } else { ends };
        let late = Change { case: Some(saved.clone()), ..late };
        house.commit(&late).await.unwrap();
        saved = house.load(&saved).await;
    }
    assert_eq!(house.claim(at(0)).await.len(), 1);
}

/// Work is cancelled while its worker ends it; it leaves nothing behind.
pub(crate) async fn work_cancelled_while_it_ends_is_gone(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 0..ROUNDS {
        let work = Work::ShowCard(CaseNumber(round));
        house.ask(work.clone(), at(0)).await;
        let job = house.claim_one(at(0)).await;
        let retry =
            Change { job: Some((job, JobEnd::RetryAt(at(0), Doubt::None))), ..Change::default() };
        let cancel = Change { cancel: vec![work.key()], ..touch() };
        for outcome in at_once(&house, &other, &retry, &cancel).await {
            assert_eq!(outcome.unwrap(), Committed::Applied);
        }
        assert_eq!(house.store.backlog(at(99)).await.unwrap(), Backlog::default());
        assert_eq!(house.claim(at(99)).await, []);
    }
}

/// A lease ran out; its owner ends the work while another worker claims it: one of them holds it.
pub(crate) async fn work_is_ended_or_taken_over_and_not_both(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 0..ROUNDS {
        house.ask(Work::ShowCard(CaseNumber(round)), at(0)).await;
        let late = house.claim_one(at(0)).await;
        let end = Change { job: Some((late, JobEnd::Done)), ..Change::default() };
        let (ended, taken): (Outcome, Vec<Job>) =
            tokio::join!(house.store.commit(&end, at(5)), async {
                other.claim(at(5), at(6), 9, &[]).await.unwrap()
            });
        match (&ended, &taken[..]) {
            (Ok(Committed::Applied), []) => {}
            (Err(StoreError::Conflict), [job]) => {
                assert_eq!(job.doubt, Doubt::Once);
                house.end(job, JobEnd::Done).await;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(house.store.backlog(at(99)).await.unwrap(), Backlog::default());
}

/// A claim ran out; its owner prolongs it while another worker claims the work: one of them holds it.
pub(crate) async fn a_claim_is_prolonged_or_taken_over_and_not_both(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    for round in 0..ROUNDS {
        house.ask(Work::ShowCard(CaseNumber(round)), at(0)).await;
        let late = house.claim_one(at(0)).await;
        let (prolonged, taken) = tokio::join!(house.store.prolong(&late, at(9)), async {
            other.claim(at(5), at(6), 9, &[]).await.unwrap()
        });
        let holder = match (&prolonged, &taken[..]) {
            (Ok(()), []) => &late,
            (Err(StoreError::Conflict), [job]) => job,
            other => panic!("{other:?}"),
        };
        house.end(holder, JobEnd::Done).await;
    }
    assert_eq!(house.store.backlog(at(99)).await.unwrap(), Backlog::default());
}

pub(crate) async fn two_processes_share_the_work(house: House) {
    let other = store::open(&house.url()).await.unwrap();
    let jobs = (1..=60).map(CaseNumber).map(|n| NewJob { work: Work::ShowCard(n), run_at: at(0) });
    house.commit(&Change { jobs: jobs.collect(), ..touch() }).await.unwrap();
    let mut workers = JoinSet::new();
    for store in [house.store.clone(), other.clone(), house.store.clone(), other.clone()] {
        workers.spawn(async move {
            let mut done = Vec::new();
            while let [job] = &store.claim(at(0), at(1), 1, &[]).await.unwrap()[..] {
                done.push(job.work.case().unwrap().0);
                let end = Some((job.clone(), JobEnd::Done));
                store.commit(&Change { job: end, ..Change::default() }, at(0)).await.unwrap();
            }
            done
        });
    }
    let mut done = workers.join_all().await.concat();
    done.sort_unstable();
    assert_eq!(done, (1..=60).collect::<Vec<_>>());
}

pub(crate) async fn many_may_open_one_new_store_at_once(house: House) {
    let url = house.another().await;
    let mut opening = JoinSet::new();
    for _ in 0..4 {
        let url = url.clone();
        opening.spawn(async move { store::open(&url).await.unwrap() });
    }
    for store in opening.join_all().await {
        store.ready().await.unwrap();
    }
}
