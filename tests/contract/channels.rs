//! Channels and workspaces: what people decided, and what was said lately.

use secondlook::app::ports::{Change, StoreError, Work, Workspace};
use secondlook::domain::investigation::{Case, CaseNumber, State};
use secondlook::domain::policy::{ChannelState, Mode};
use secondlook::domain::{ChannelId, UserId, WorkspaceId};

use super::house::{House, asking, at, case, t1};

fn c1() -> ChannelId {
    ChannelId::from("C1")
}

fn of_channel(state: &ChannelState) -> Change {
    Change { channel: Some((t1(), c1(), state.clone())), ..Change::default() }
}

pub(crate) async fn a_channel_comes_back_as_it_was_saved(house: House) {
    let unknown = house.store.channel(&t1(), &c1()).await.unwrap();
    assert_eq!(unknown, ChannelState::default());
    let quiet = ChannelState {
        mode: Mode::Observe,
        paused_until: Some(at(60)),
        never: vec!["mailchimp".to_owned(), "redis".to_owned()],
        gone: true,
        greeted: Some(at(3)),
        incident: Some(CaseNumber(7)),
        ..unknown
    };
    house.commit(&of_channel(&quiet)).await.unwrap();
    let saved = house.store.channel(&t1(), &c1()).await.unwrap();
    assert_eq!(saved, ChannelState { revision: 1, ..quiet });
    let loud = ChannelState {
        mode: Mode::Thread,
        paused_until: None,
        never: vec!["kafka".to_owned(), "redis".to_owned()],
        gone: false,
        ..saved
    };
    house.commit(&of_channel(&loud)).await.unwrap();
    let saved = house.store.channel(&t1(), &c1()).await.unwrap();
    assert_eq!(saved, ChannelState { revision: 2, ..loud });
    let elsewhere = house.store.channel(&WorkspaceId::from("T2"), &c1()).await.unwrap();
    assert_eq!(elsewhere, ChannelState::default());
}

pub(crate) async fn two_prompts_at_once_cannot_both_pass(house: House) {
    let seen_by_both = house.store.channel(&t1(), &c1()).await.unwrap();
    let prompt = |number| Change { case: Some(case(number)), ..of_channel(&seen_by_both) };
    house.commit(&prompt(1)).await.unwrap();
    assert!(matches!(house.commit(&prompt(2)).await, Err(StoreError::Conflict)));
    let prompts = house.store.prompts(&t1(), &c1(), at(0)).await.unwrap();
    assert_eq!(prompts, [(at(0), "sendgrid".to_owned())]);
}

/// The work of a workspace that removed the app rests, that of the others goes on, and a new installation wakes it.
pub(crate) async fn an_uninstalled_workspace_rests(house: House) {
    let workspace = |id: &str| Workspace {
        id: WorkspaceId::from(id),
        bot_user: UserId::from("UBOT"),
        bot_id: "B1".to_owned(),
        url: "https://acme.slack.com/".to_owned(),
    };
    house.store.save_workspace(&workspace("T1")).await.unwrap();
    let card = Work::ShowCard(CaseNumber(1));
    house.ask(card.clone(), at(0)).await;
    let gone = Change {
        event: Some((t1(), "gone".to_owned())),
        uninstalled: true,
        ..asking(card.clone(), at(0))
    };
    house.commit(&gone).await.unwrap();
    assert_eq!(house.claim(at(9)).await, []);
    assert_eq!(house.store.next_due(&[]).await.unwrap(), None);
    assert_eq!(house.store.backlog(at(9)).await.unwrap().due, 0);
    house.store.save_workspace(&workspace("T2")).await.unwrap();
    assert_eq!(house.claim(at(9)).await, []);
    house.store.save_workspace(&workspace("T1")).await.unwrap();
    assert_eq!(house.claim_one(at(9)).await.work, card);
}

pub(crate) async fn prompts_are_the_cases_of_thirty_days(house: House) {
    const DAY: i64 = 24 * 60;
    let began = |number, days: i64| Case { began_at: at(-days * DAY), ..case(number) };
    house.save(began(1, 31)).await;
    house.save(Case { topic: "kafka".to_owned(), ..began(2, 29) }).await;
    house.save(Case { state: State::Silent, ..began(3, 2) }).await;
    house.save(Case { channel: ChannelId::from("C2"), ..began(4, 2) }).await;
    house.save(Case { state: State::Dismissed, topic: String::new(), ..began(5, 1) }).await;
    let prompts = house.store.prompts(&t1(), &c1(), at(0)).await.unwrap();
    let expected = [(at(-29 * DAY), "kafka".to_owned()), (at(-DAY), String::new())];
    assert_eq!(prompts, expected);
}

pub(crate) async fn who_the_bot_is_comes_back(house: House) {
    let id = t1();
    assert_eq!(house.store.workspaces().await.unwrap(), []);
    // A number can be needed before the bot knows itself.
    house.store.new_case_number(&id).await.unwrap();
    assert_eq!(house.store.workspaces().await.unwrap(), []);
    let mut workspace = Workspace {
        id,
        bot_user: UserId::from("UBOT"),
        bot_id: "B1".to_owned(),
        url: "https://acme.slack.com/".to_owned(),
    };
    for bot_id in ["B1", "B2"] {
        bot_id.clone_into(&mut workspace.bot_id);
        house.store.save_workspace(&workspace).await.unwrap();
        assert_eq!(house.store.workspaces().await.unwrap(), [workspace.clone()]);
    }
    assert_eq!(house.store.new_case_number(&workspace.id).await.unwrap().0, 2);
    let other = Workspace { id: WorkspaceId::from("T0"), ..workspace.clone() };
    house.store.save_workspace(&other).await.unwrap();
    house.store.save_own(&workspace.id, "abc").await.unwrap();
    house.store.save_workspace(&workspace).await.unwrap();
    assert_eq!(house.store.own("abc").await.unwrap().as_ref(), Some(&workspace));
    assert_eq!(house.store.own("abd").await.unwrap(), None);
    assert_eq!(house.store.workspaces().await.unwrap(), [other, workspace]);
}
