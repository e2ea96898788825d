//! Two workspaces with equal ids in everything but their own: what is asked for in one never reaches the other.

use secondlook::domain::investigation::{Case, State};
use secondlook::playground::{Playground, Upload};
use serde_json::{Value, json};

use crate::house::{BACKEND, Door, HEADERS, House, JONAS, MAILCHIMP, MAYA, On, TEAM};
use crate::town::{BOTH, NORTH, TS, acknowledged, button, card, prompted_about, say_at, town};

/// Both have case 1 about a message with the same timestamp; home has case 2 besides.
async fn twins(on: On, door: Door) -> (House, Playground) {
    let (house, north) = town(on, door).await;
    for slack in [&house.slack, &north] {
        assert_eq!(say_at(slack, TS, MAILCHIMP), TS);
        card(slack, TS, "Mailchimp").await;
    }
    let second = house.say(BACKEND, MAYA, "let's move off SendGrid, our mails land in spam");
    house.card(BACKEND, &second).await;
    house.at_rest(3).await;
    (house, north)
}

async fn cases(house: &House, workspace: &str) -> Vec<Option<Case>> {
    vec![house.case_of(workspace, 1).await, house.case_of(workspace, 2).await]
}

async fn send(slack: &Playground, payload: Value) -> Value {
    slack.send_raw_interaction(payload).await.expect("it is acknowledged").body
}

async fn command(slack: &Playground, words: &str) -> String {
    let answer = slack.command(MAYA, BACKEND, "/investigate", words).await.unwrap();
    answer.ack.expect("a command is acknowledged").body["text"].to_string()
}

async fn each_is_spoken_to_with_its_own_token(on: On, door: Door) {
    let (house, north) = twins(on, door).await;
    assert_eq!(house.slack.calls("chat.postMessage").len(), 2);
    assert_eq!(north.calls("chat.postMessage").len(), 1);
    let (here, there) =
        (house.case_of(TEAM, 1).await.unwrap(), house.case_of(NORTH, 1).await.unwrap());
    assert_eq!((&here.channel, &here.root), (&there.channel, &there.root));
    // One app token opens the sockets of both.
    let opened = house.slack.calls("apps.connections.open").len();
    assert_eq!((opened > 0, north.calls("apps.connections.open").len()), (door == Door::Socket, 0));
}

pub(crate) async fn each_is_spoken_to_with_its_own_token_over_http(on: On) {
    each_is_spoken_to_with_its_own_token(on, Door::Http).await;
}

pub(crate) async fn each_is_spoken_to_with_its_own_token_over_one_app_token(on: On) {
    each_is_spoken_to_with_its_own_token(on, Door::Socket).await;
}

pub(crate) async fn one_event_id_in_both_has_its_effect_in_both(on: On) {
    let (house, north) = town(on, Door::Http).await;
    for (slack, team) in [(&house.slack, TEAM), (&north, NORTH)] {
        slack.send_raw_event(json!({
            "type": "event_callback", "team_id": team, "event_id": "Ev0SAME", "event_time": 1,
            "authorizations": [{"team_id": team, "is_enterprise_install": false}],
            "event": {"type": "message", "channel": BACKEND, "channel_type": "channel", "user": MAYA, "text": MAILCHIMP, "ts": TS},
        }));
        acknowledged(slack).await;
    }
    for team in BOTH {
        assert_eq!(house.case_of(team, 1).await.unwrap().root, Some(TS.into()), "{team}");
    }
}

pub(crate) async fn buttons_reach_the_cases_of_their_own_workspace_only(on: On) {
    let (house, north) = twins(on, Door::Http).await;
    let before = cases(&house, TEAM).await;
    for action in
        ["dismiss", "never_topic", "pause", "close", "open", "add_evidence", "why", "checklist"]
    {
        // The number of a case that only home has.
        send(&north, button(NORTH, &format!("{action}:2"), TS)).await;
    }
    for team in ["T0NOBODY01", "", "E0ACME0001"] {
        send(&north, button(team, "dismiss:1", TS)).await;
    }
    let mut nobody = button(NORTH, "dismiss:1", TS);
    nobody["team"] = Value::Null;
    nobody["user"]["team_id"] = Value::Null;
    send(&north, nobody).await;
    assert_eq!(house.case_of(NORTH, 1).await.unwrap().state, State::Prompted);
    send(&north, button(NORTH, "dismiss:1", TS)).await;
    assert_eq!(house.case_of(NORTH, 1).await.unwrap().state, State::Dismissed);
    assert_eq!(cases(&house, TEAM).await, before);
}

pub(crate) async fn forms_that_point_at_the_other_workspace_change_nothing_there(on: On) {
    let (house, north) = twins(on, Door::Http).await;
    let before = cases(&house, TEAM).await;
    let values = json!({
        "title": {"i": {"value": "stolen"}}, "evidence": {"i": {"value": HEADERS}},
        "outcome": {"i": {"selected_option": {"value": "averted"}}}, "fixed": {"i": {"value": "stolen"}},
    });
    for form in ["open", "close", "add_evidence"] {
        let metadata = json!({
            "form": form, "case": 2, "channel": BACKEND, "workspace": TEAM, "team": TEAM, "team_id": TEAM,
        });
        let refused = send(&north, json!({
            "type": "view_submission", "team": {"id": NORTH}, "user": {"id": MAYA, "team_id": TEAM},
            "is_enterprise_install": false,
            "view": {
                "id": format!("V{form}"), "private_metadata": metadata.to_string(), "app_installed_team_id": NORTH,
                "team_id": TEAM, "state": {"values": values},
            },
        }))
        .await;
        assert_eq!(refused["response_action"], "errors", "{form}: {refused}");
    }
    assert_eq!(cases(&house, TEAM).await, before);
    assert_eq!(house.case_of(NORTH, 2).await, None);
}

pub(crate) async fn modals_open_where_they_were_asked_for(on: On) {
    let (house, north) = twins(on, Door::Http).await;
    let shown = card(&north, TS, "").await;
    north.click(MAYA, BACKEND, shown["ts"].as_str().unwrap(), "open").await.unwrap();
    north.wait_until(|world| world.views(MAYA).pop()).await.unwrap();
    assert!(house.slack.views(MAYA).is_empty());
}

pub(crate) async fn commands_see_and_change_their_own_workspace_only(on: On) {
    let (house, north) = twins(on, Door::Http).await;
    let before = cases(&house, TEAM).await;
    for words in ["show 2", "close 2", "show #2", "close #2"] {
        assert!(command(&north, words).await.contains("no investigation 2"), "{words}");
    }
    assert!(command(&house.slack, "show 2").await.contains("SendGrid"));
    assert!(!command(&north, "list").await.contains("SendGrid"));
    assert!(!command(&north, "digest").await.contains("SendGrid"));
    command(&north, "settings mode off").await;
    command(&north, "pause").await;
    assert!(!command(&house.slack, "settings").await.contains("paused"));
    assert_eq!(cases(&house, TEAM).await, before);
    prompted_about(&house.slack, "Jenkins").await;
}

pub(crate) async fn threads_and_deletions_are_of_their_own_workspace(on: On) {
    let (house, north) = twins(on, Door::Http).await;
    let before = cases(&house, TEAM).await;
    north.say(secondlook::playground::Say::new(BACKEND, JONAS, HEADERS).in_thread(TS)).unwrap();
    card(&north, TS, "✓ mail headers").await;
    assert_eq!(house.case_of(NORTH, 1).await.unwrap().evidence.len(), 1);
    north.delete(MAYA, BACKEND, TS).unwrap();
    acknowledged(&north).await;
    assert_ne!(house.case_of(NORTH, 1).await.unwrap().state, State::Prompted);
    assert_eq!(cases(&house, TEAM).await, before);
}

pub(crate) async fn a_shared_channel_s_event_is_for_whom_it_was_authorised(on: On) {
    let (house, north) = twins(on, Door::Http).await;
    // It happened in home's workspace, and the app was told as installed in north's.
    north.send_raw_event(json!({
        "type": "event_callback", "team_id": TEAM, "context_team_id": NORTH, "event_id": "Ev1", "event_time": 1,
        "authorizations": [{"team_id": NORTH, "is_enterprise_install": false}],
        "event": {"type": "message", "subtype": "message_deleted", "channel": BACKEND, "deleted_ts": TS, "ts": "1.2"},
    }));
    acknowledged(&north).await;
    assert_eq!(house.case_of(TEAM, 1).await.unwrap().state, State::Prompted);
    assert_ne!(house.case_of(NORTH, 1).await.unwrap().state, State::Prompted);
}

pub(crate) async fn the_other_workspace_s_files_links_and_response_urls_are_out_of_reach(on: On) {
    let (house, north) = twins(on, Door::Http).await;
    let secret = "Authentication-Results: mx; dkim=fail header.i=@only-at-home.example";
    let upload = Upload {
        channel: BACKEND.to_owned(),
        user: MAYA.to_owned(),
        name: "headers.eml".to_owned(),
        content: secret.as_bytes().to_vec(),
        ..Upload::default()
    };
    let shared = house.slack.upload(&upload).unwrap();
    house.acknowledged().await;
    let file =
        house.slack.look(|world| world.message(BACKEND, &shared).unwrap()["files"][0].clone());
    let before = house.slack.look(|world| world.calls().len());
    let mut event = json!({
        "type": "message", "subtype": "file_share", "channel": BACKEND, "channel_type": "channel", "user": JONAS,
        "text": "see https://acme.slack.com/archives/C0BACKEND1/p1795000000000100", "ts": "1795000009.000100",
        "thread_ts": TS, "files": [file],
    });
    north.send_event(event.clone());
    // And from nowhere near Slack.
    event["ts"] = json!("1795000010.000100");
    event["files"][0]["id"] = json!("F0ELSEWHERE");
    event["files"][0]["url_private"] = json!("http://127.0.0.1:1/headers.eml");
    north.send_event(event);
    acknowledged(&north).await;
    let mut press = button(NORTH, "why:1", TS);
    press["response_url"] = json!(house.slack.look(|world| world.calls().len()).to_string());
    send(&north, press).await;
    house.settled().await;
    let parked = house.store().await.parked(9).await.unwrap();
    assert_eq!(parked, [], "a file out of reach is nothing for a person to mend");
    let kept = house.case_of(NORTH, 1).await.unwrap();
    assert!(!format!("{kept:?}").contains("only-at-home"), "{kept:?}");
    // Home was not even asked.
    assert_eq!(house.slack.look(|world| world.calls().len()), before);
    assert_eq!(house.slack.calls("response_url").len() + north.calls("response_url").len(), 0);
}
