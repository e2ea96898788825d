//! An install page that takes in certain workspaces only.

use secondlook::playground::{Fault, Options, Playground};

use crate::house::{Door, House, On, TEAM};
use crate::town::{NORTH, deliver_to, install, installed, north, prompted};

/// A bot that these may install.
async fn house(on: On, only: &[&str], options: Options) -> House {
    let mut house = House::open_to_installs(on, Door::Http, options).await;
    house.stop().await;
    house.oauth.as_mut().unwrap().only = only.iter().map(|id| (*id).into()).collect();
    house.start().await;
    house
}

fn given_back(slack: &Playground) -> usize {
    slack.calls("auth.revoke").len()
}

pub(crate) async fn an_installation_from_elsewhere_is_refused_its_tokens_are_given_back_and_nothing_is_kept(
    on: On,
) {
    let mut house = house(on, &[TEAM, "T0OTHER001"], Options::default()).await;
    let north = house.slack.another_workspace(north());
    deliver_to(&mut house, &north).await;
    let page = install(&house, &north).await;
    page.says(403, "takes in certain workspaces only").says(403, NORTH).says(403, "given back");
    page.says(403, "SECONDLOOK_INSTALL_ONLY");
    assert_eq!(given_back(&north), 1);
    assert!(north.bot_token().is_empty(), "the app is no longer installed there");
    assert_eq!(installed(&house).await, Vec::<String>::new());
    let known = house.store().await.workspaces().await.unwrap();
    assert!(known.is_empty(), "{known:?}");
    install(&house, &house.slack).await.says(200, "is installed");
    assert_eq!(given_back(&house.slack), 0);
    prompted(&house.slack).await;
}

pub(crate) async fn what_slack_does_not_take_back_is_said(on: On) {
    let house = house(on, &["T0OTHER001"], Options::default()).await;
    house.slack.fail(Fault::error("auth.revoke", 1, "fatal_error"));
    let page = install(&house, &house.slack).await;
    page.says(403, "may still stand among the apps of your workspace");
    assert!(!page.text.contains("given back"), "{}", page.text);
    assert_eq!(installed(&house).await, Vec::<String>::new());
}

pub(crate) async fn an_organisation_in_the_list_takes_in_all_of_it(on: On) {
    let organisation = || Options { org_wide: true, ..Options::default() };
    let listed = house(on, &["E0ACME0001"], organisation()).await;
    install(&listed, &listed.slack).await.says(200, "is installed");
    assert_eq!(installed(&listed).await, ["E0ACME0001"]);
    let unlisted = house(on, &["E0OTHER001"], organisation()).await;
    install(&unlisted, &unlisted.slack).await.says(403, "E0ACME0001");
    assert_eq!(given_back(&unlisted.slack), 1);
}

pub(crate) async fn a_workspace_from_before_the_list_is_served_on_and_not_harmed_by_trying_again(
    on: On,
) {
    let mut house = house(on, &[], Options::default()).await;
    install(&house, &house.slack).await.says(200, "is installed");
    house.stop().await;
    house.oauth.as_mut().unwrap().only = ["T0OTHER001".into()].into();
    house.start().await;
    install(&house, &house.slack).await.says(403, "takes in certain workspaces only");
    assert_eq!(given_back(&house.slack), 0, "it is the token it is served with");
    prompted(&house.slack).await;
}
