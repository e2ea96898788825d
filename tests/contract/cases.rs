//! Cases: what comes back, what is refused, who sees what.

use jiff::SignedDuration;
use secondlook::app::ports::{Change, StoreError};
use secondlook::domain::digest::Schedule;
use secondlook::domain::investigation::{Case, CaseNumber, Origin, Outcome, State, Statement};
use secondlook::domain::policy::ChannelState;
use secondlook::domain::{ChannelId, MessageTs, UserId, WorkspaceId};
use tokio::task::JoinSet;

use super::house::{House, case, full_case, of_case, t1};

pub(crate) async fn a_case_comes_back_as_it_was_saved(house: House) {
    for case in [case(1), full_case(2), Case { root: None, author: None, ..full_case(3) }] {
        let saved = house.save(case).await;
        assert_eq!(house.load(&saved).await, saved);
        assert_eq!(saved.revision, 1);
    }
    assert_eq!(house.store.case(&t1(), CaseNumber(4)).await.unwrap(), None);
}

pub(crate) async fn a_case_is_found_by_thread_and_by_evidence(house: House) {
    let saved = house.save(full_case(7)).await;
    let other = house.save(case(8)).await;
    let c1 = ChannelId::from("C1");
    let root = saved.root.clone().unwrap();
    let message = saved.evidence[0].message.clone().unwrap();
    let store = &house.store;
    assert_eq!(store.case_in_thread(&t1(), &c1, &root).await.unwrap(), Some(saved.clone()));
    assert_eq!(store.case_with_evidence(&t1(), &c1, &message).await.unwrap(), Some(saved));
    assert_eq!(
        store.case_in_thread(&t1(), &c1, &other.root.clone().unwrap()).await.unwrap(),
        Some(other)
    );
    let elsewhere = ChannelId::from("C2");
    assert_eq!(store.case_in_thread(&t1(), &elsewhere, &root).await.unwrap(), None);
    assert_eq!(store.case_with_evidence(&t1(), &elsewhere, &message).await.unwrap(), None);
    let unknown = MessageTs::from("1.000001");
    assert_eq!(store.case_in_thread(&t1(), &c1, &unknown).await.unwrap(), None);
    assert_eq!(store.case_with_evidence(&t1(), &c1, &unknown).await.unwrap(), None);
}

pub(crate) async fn what_waits_in_a_channel_is_found(house: House) {
    let waiting = |number| Case { state: State::Waiting, ..case(number) };
    let mine = house.save(waiting(1)).await;
    house.save(case(2)).await;
    house.save(Case { channel: ChannelId::from("C2"), ..waiting(3) }).await;
    house.save(Case { workspace: WorkspaceId::from("T2"), ..waiting(4) }).await;
    let last = house.save(waiting(5)).await;
    let found = house.store.waiting_cases(&t1(), &mine.channel).await.unwrap();
    assert_eq!(found, [mine, last]);
}

pub(crate) async fn an_old_copy_is_refused(house: House) {
    let first = house.save(case(1)).await;
    let second = house.save(Case { state: State::Open, ..first.clone() }).await;
    for old in [case(1), first, Case { revision: 3, ..second.clone() }] {
        assert!(matches!(house.commit(&of_case(old)).await, Err(StoreError::Conflict)));
    }
    let never_saved = Case { revision: 1, ..case(2) };
    assert!(matches!(house.commit(&of_case(never_saved)).await, Err(StoreError::Conflict)));
    assert_eq!(house.load(&second).await, second);
}

pub(crate) async fn a_thread_has_one_case(house: House) {
    let first = house.save(case(1)).await;
    let same_thread = Case { root: first.root.clone(), ..case(2) };
    assert!(matches!(house.commit(&of_case(same_thread.clone())).await, Err(StoreError::Conflict)));
    assert_eq!(house.store.case(&t1(), CaseNumber(2)).await.unwrap(), None);
    house.save(Case { channel: ChannelId::from("C2"), ..same_thread }).await;
    // Cases opened by command have no thread until their card stands.
    house.save(Case { root: None, ..case(3) }).await;
    house.save(Case { root: None, ..case(4) }).await;
}

pub(crate) async fn cards_that_people_wait_for_are_found_by_channel(house: House) {
    let asked = |number, state| Case {
        card: None,
        state,
        origin: Origin::Shortcut,
        author: Some(UserId::from("U1")),
        opened_by: None,
        ..case(number)
    };
    house.save(Case { root: None, origin: Origin::Command, ..asked(2, State::Open) }).await;
    house.save(asked(1, State::Prompted)).await;
    house
        .save(Case { opened_by: Some("U2".into()), origin: Origin::Heard, ..asked(3, State::Open) })
        .await;
    // Heard, shown, ended, its words forgotten, in another channel, in another workspace.
    house.save(Case { origin: Origin::Heard, ..asked(4, State::Prompted) }).await;
    house.save(Case { card: Some("9.000001".into()), ..asked(5, State::Open) }).await;
    house.save(asked(6, State::Closed)).await;
    house.save(Case { author: None, ..asked(7, State::Prompted) }).await;
    house.save(Case { channel: "C2".into(), ..asked(8, State::Open) }).await;
    house.save(Case { workspace: "T2".into(), ..asked(9, State::Open) }).await;
    let found = house.store.cards_awaited(&t1(), &ChannelId::from("C1")).await.unwrap();
    assert_eq!(found, [1, 2, 3].map(CaseNumber));
}

pub(crate) async fn numbers_are_never_given_twice(house: House) {
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = house.store.clone();
        tasks.spawn(async move {
            let mut numbers = Vec::new();
            for _ in 0..5 {
                numbers.push(store.new_case_number(&t1()).await.unwrap().0);
            }
            numbers
        });
    }
    let mut numbers = tasks.join_all().await.concat();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    let other = WorkspaceId::from("T2");
    assert_eq!(house.store.new_case_number(&other).await.unwrap(), CaseNumber(1));
}

pub(crate) async fn lists_show_investigations_that_may_be_seen(house: House) {
    for (number, state) in (1..).zip(State::ALL) {
        house.save(Case { state: *state, ..case(number) }).await;
    }
    let secret = Case { private: true, channel: ChannelId::from("G1"), ..full_case(10) };
    house.save(secret).await;
    house.save(full_case(11)).await;
    let list = async |channel: &str, limit| {
        let cases = house.store.investigations(&t1(), &channel.into(), limit).await.unwrap();
        cases.iter().map(|case| case.number.0).collect::<Vec<_>>()
    };
    // 3 is open, 4 closed; 10 and 11 are private to G1 and C1.
    assert_eq!(list("C9", 10).await, [4, 3]);
    assert_eq!(list("G1", 10).await, [10, 4, 3]);
    assert_eq!(list("C1", 10).await, [11, 4, 3]);
    assert_eq!(list("C1", 2).await, [11, 4]);
    let (elsewhere, channel) = (WorkspaceId::from("T2"), ChannelId::from("C1"));
    assert_eq!(house.store.investigations(&elsewhere, &channel, 10).await.unwrap(), []);
}

pub(crate) async fn a_period_has_what_ended_in_it_and_what_is_open(house: House) {
    // The week from Monday 17 November 2025, 00:00 UTC; minute 0 lies in it, on Friday at 08:00.
    let period = Schedule::default().of("2025-W47".parse().unwrap()).unwrap();
    let (from, until) = (period.from, period.until);
    let just = SignedDuration::from_millis(1);
    let closed = |number, at| {
        let outcome = full_case(number).outcome.map(|outcome| Outcome { at, ..outcome });
        Case { state: State::Closed, opened_at: Some(from - just), outcome, ..case(number) }
    };
    let open = |number, at| Case { state: State::Open, opened_at: Some(at), ..case(number) };
    for case in [
        closed(1, from - just),
        closed(2, from),
        closed(3, until - just),
        closed(4, until),
        open(5, from - just),
        open(6, until - just),
        open(7, until),
        case(8),
        Case { workspace: WorkspaceId::from("T2"), ..closed(9, from) },
    ] {
        house.save(case).await;
    }
    let cases = house.store.cases_of(&t1(), &period).await.unwrap();
    let numbers: Vec<_> = cases.iter().map(|case| case.number.0).collect();
    assert_eq!(numbers, [2, 3, 5, 6]);
    assert_eq!(cases[0], house.load(&cases[0]).await, "whole");
}

pub(crate) async fn what_goes_from_a_case_goes_from_the_store(house: House) {
    let full = house.save(full_case(1)).await;
    // The first piece goes, the second takes its place.
    let fewer = Case { evidence: vec![full.evidence[1].clone()], ..full.clone() };
    let fewer = house.save(fewer).await;
    assert_eq!(house.load(&fewer).await, fewer);
    let message = full.evidence[0].message.clone().unwrap();
    let found = house.store.case_with_evidence(&t1(), &full.channel, &message).await.unwrap();
    assert_eq!(found, None);
    let emptied = Case {
        evidence: vec![],
        parked: vec![],
        statement: Statement::default(),
        outcome: None,
        author: None,
        opened_by: None,
        title: String::new(),
        topic: String::new(),
        problem: None,
        ..fewer
    };
    let emptied = house.save(emptied).await;
    assert_eq!(house.load(&emptied).await, emptied);
}

pub(crate) async fn workspaces_with_equal_ids_are_apart(house: House) {
    let mine = house.save(full_case(1)).await;
    let theirs =
        Case { workspace: WorkspaceId::from("T2"), title: "theirs".into(), ..full_case(1) };
    let theirs = house.save(theirs).await;
    let changed = house.save(Case { title: "changed".into(), author: None, ..theirs }).await;
    assert_eq!(house.load(&mine).await, mine);
    assert_eq!(house.load(&changed).await, changed);
    let root = mine.root.clone().unwrap();
    for expected in [&mine, &changed] {
        let found = house.store.case_in_thread(&expected.workspace, &mine.channel, &root).await;
        assert_eq!(found.unwrap().as_ref(), Some(expected));
    }
}

/// Signs that one of the databases has no room for, or would sort otherwise.
pub(crate) async fn any_text_can_be_kept(house: House) {
    let said = "NUL \0, quote ', \\x00, %s, $1, \u{1f600}, \u{202e}".to_owned();
    let saved = house.save(Case { said: said.clone(), ..case(1) }).await;
    assert_eq!(house.load(&saved).await.said, said.replace('\0', "\u{fffd}"));
    let again = house.save(saved.clone()).await;
    assert_eq!(house.load(&again).await.said, said.replace('\0', "\u{fffd}"));
    // Longer than a key may be, and not to be packed; byte by byte in order.
    let long = |seed: u32| -> String {
        let scatter = |n: u32| char::from_u32(0x4e00 + (n * seed) % 20_000).unwrap();
        (1..3_000).map(scatter).collect()
    };
    let mut never =
        vec![long(7_919), long(104_729), "ab".into(), "a b".into(), "B".into(), "é".into()];
    never.sort();
    let state = ChannelState { never: never.clone(), ..ChannelState::default() };
    let channel = ChannelId::from("C1");
    for revision in 0..2 {
        let state = ChannelState { revision, ..state.clone() };
        let change = Change { channel: Some((t1(), channel.clone(), state)), ..Change::default() };
        house.commit(&change).await.unwrap();
    }
    assert_eq!(house.store.channel(&t1(), &channel).await.unwrap().never, never);
}

pub(crate) async fn a_channel_is_made_private_with_all_its_cases(house: House) {
    let c1 = ChannelId::from("C1");
    let open = house.save(Case { state: State::Open, ..case(1) }).await;
    let secret = house.save(Case { channel: c1.clone(), ..full_case(2) }).await;
    let elsewhere = house.save(Case { channel: "C2".into(), state: State::Open, ..case(3) }).await;
    let theirs = house.save(Case { workspace: "T2".into(), ..case(4) }).await;
    for _ in 0..2 {
        house.store.make_private(&t1(), &c1).await.unwrap();
    }
    let made = Case { private: true, revision: open.revision + 1, ..open.clone() };
    assert_eq!(house.load(&open).await, made);
    for untouched in [secret, elsewhere.clone(), theirs] {
        assert_eq!(house.load(&untouched).await, untouched);
    }
    let elsewhere_told = house.store.investigations(&t1(), &"C2".into(), 10).await.unwrap();
    assert_eq!(elsewhere_told, [elsewhere]);
    // Who is about to change it has an old copy, which is public.
    assert!(matches!(house.commit(&of_case(open)).await, Err(StoreError::Conflict)));
    house.save(made).await;
}
