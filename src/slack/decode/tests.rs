//! Payloads as Slack sends them, names changed, and what we make of each.

use serde_json::json;

use super::*;

fn workspace() -> Workspace {
    Workspace {
        id: "T1".into(),
        bot_user: "UBOT".into(),
        bot_id: "BBOT".to_owned(),
        url: "https://acme.slack.com/".to_owned(),
    }
}

fn event(event: &Value) -> Value {
    json!({
        "token": "unused", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event_id": "Ev1",
        "event_time": 1_763_712_000, "is_ext_shared_channel": false, "event": event,
        "authorizations": [{"enterprise_id": null, "team_id": "T1", "user_id": "UBOT", "is_bot": true}],
    })
}

fn decoded(kind: DeliveryKind, payload: Value) -> Result<Event, Ignored> {
    decode(&Delivery { kind, payload }, &workspace()).map(|incoming| incoming.event)
}

fn happens(payload: &Value) -> Result<Event, Ignored> {
    decoded(DeliveryKind::Events, event(payload))
}

fn message(more: &Value) -> Value {
    let mut message = json!({
        "type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "1763712000.000100",
        "text": "let's move off <https://mailchimp.com|Mailchimp> &amp; friends, <@U2>",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    message
}

#[track_caller]
fn written(payload: &Value) -> Message {
    match happens(payload) {
        Ok(Event::Written(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_is_read_with_its_place_and_its_link() {
    let read = written(&message(&json!({})));
    assert_eq!(read.readable, "let's move off Mailchimp & friends, @someone");
    assert_eq!(read.place, Place { channel: "C1".into(), private: false, external: false });
    assert_eq!((read.thread.as_ref(), read.mention), (None, false));
    assert_eq!(read.permalink, "https://acme.slack.com/archives/C1/p1763712000000100");
    let reply = written(&message(&json!({"thread_ts": "1763711000.000100"})));
    assert_eq!(reply.root(), &MessageTs::from("1763711000.000100"));
    assert!(
        reply.permalink.ends_with("?thread_ts=1763711000.000100&cid=C1"),
        "{}",
        reply.permalink
    );
    let parent = |user: &str| message(&json!({"thread_ts": "1.1", "parent_user_id": user}));
    assert!(written(&parent("UBOT")).answers_us && !written(&parent("U1")).answers_us);
    let root = written(&message(&json!({"thread_ts": "1763712000.000100"})));
    assert_eq!(root.thread, None, "the first message of a thread names itself");
}

#[test]
fn subtypes_with_a_persons_words_are_messages() {
    for subtype in ["file_share", "thread_broadcast", "me_message"] {
        written(&message(&json!({"subtype": subtype})));
    }
    for (subtype, counted) in [
        ("channel_join", "channel_join"),
        ("channel_topic", "other"),
        ("bot_message", "other"),
        ("message_replied", "other"),
        ("ekm_access_denied", "other"),
        ("new_one", "other"),
    ] {
        assert_eq!(happens(&message(&json!({"subtype": subtype}))), Err(counted));
    }
}

#[test]
fn a_channel_that_is_made_private_is_told_by_a_message_in_it() {
    // As Slack documents it.
    let told = json!({
        "subtype": "channel_convert_to_private", "user": "U1234ABCD", "type": "message", "ts": "1730984822.596869",
        "text": "made this channel *private*. Now, it can only be viewed or joined by invitation.",
        "channel": "C1234ABCD", "event_ts": "1730984822.596869", "channel_type": "group",
    });
    let (channel, news) = ("C1234ABCD".into(), ChannelNews::Private);
    assert_eq!(happens(&told), Ok(Event::ChannelChanged { channel, name: None, news }));
}

#[test]
fn bots_are_not_heard_least_of_all_ourselves() {
    for bot in [
        json!({"user": "UBOT"}),
        json!({"bot_id": "B9"}),
        json!({"user": "USLACKBOT"}),
        json!({"user": null}),
        json!({"bot_profile": {"id": "B9"}}),
    ] {
        assert_eq!(happens(&message(&bot)), Err("message by a bot"));
    }
}

#[test]
fn what_breaks_stricter_parsers_is_read() {
    let odd = json!({
        "metadata": {"event_type": "x", "event_payload": {"n": 1, "b": true, "o": {}}},
        "blocks": [{"type": "a_block_of_tomorrow", "elements": 3}],
        "attachments": [{"id": "7", "fields": [{"value": 3}]}],
        "edited": {"ts": "1"},
        "files": [{"id": "F0", "url_private": ""}, {"mode": "tombstone"}],
    });
    let read = written(&message(&odd));
    assert_eq!(read.files, vec![]);
    let mut org_wide = event(&message(&json!({})));
    org_wide["team_id"] = Value::Null;
    org_wide["authorizations"][0]["team_id"] = Value::Null;
    org_wide["authorizations"][0]["enterprise_id"] = json!("E1");
    assert_eq!(workspaces_of(&org_wide), ["E1".into()]);
    assert!(decoded(DeliveryKind::Events, org_wide).is_ok());
}

#[test]
fn private_is_the_careful_reading() {
    let private = |more: Value| written(&message(&more)).place.private;
    assert!(!private(json!({"channel_type": "channel"})));
    assert!(private(json!({"channel_type": "group"})));
    assert!(private(json!({"channel": "G1", "channel_type": null})));
    assert!(private(json!({"channel": "D1", "channel_type": "im"})));
    // What a mention looks like: an id that begins with C says nothing.
    assert!(private(json!({"channel": "C1", "channel_type": null})));
    assert!(private(json!({"type": "app_mention", "channel_type": null})));
}

#[test]
fn a_command_or_shortcut_is_public_only_where_the_channel_has_a_name() {
    let command = |channel: &str, name: Value| {
        let payload = json!({"trigger_id": "1.2", "channel_id": channel, "channel_name": name, "user_id": "U1", "text": "list"});
        match decoded(DeliveryKind::Command, payload) {
            Ok(Event::Commanded(command)) => command.place.private,
            other => panic!("{other:?}"),
        }
    };
    let shortcut = |channel: &str, name: Value| {
        let payload = json!({
            "type": "message_action", "callback_id": "open_investigation", "trigger_id": "1.2", "user": {"id": "U1"},
            "channel": {"id": channel, "name": name}, "message": {"user": "U1", "ts": "1.2", "text": "x"},
        });
        match decoded(DeliveryKind::Interactive, payload) {
            Ok(Event::Shortcut(shortcut)) => shortcut.message.place.private,
            other => panic!("{other:?}"),
        }
    };
    for private in [&command as &dyn Fn(&str, Value) -> bool, &shortcut] {
        assert!(!private("C1", json!("backend")));
        for name in [
            json!("privategroup"),
            json!("directmessage"),
            json!("mpdm-maya--jonas-1"),
            json!(""),
            Value::Null,
        ] {
            assert!(private("C1", name.clone()), "{name}");
        }
        assert!(private("G1", json!("backend")));
    }
}

#[test]
fn files_are_text_by_their_kind_or_name() {
    let file = |name: &str, mimetype: &str, mode: &str| {
        let files = json!([{"id": "F1", "name": name, "mimetype": mimetype, "mode": mode, "size": 9, "url_private": "https://files.slack.com/F1"}]);
        written(&message(&json!({"subtype": "file_share", "files": files}))).files[0].text
    };
    assert!(file("app.log", "application/octet-stream", "hosted"));
    assert!(file("x", "text/plain", "hosted"));
    assert!(file("Untitled", "", "snippet"));
    assert!(!file("shot.png", "image/png", "hosted"));
}

#[test]
fn an_alert_is_evidence_with_what_is_attached_to_it() {
    let read = |what: &str, said: &str| {
        let payload = json!({
            "type": "message_action", "callback_id": what, "trigger_id": "1.2", "user": {"id": "U1"},
            "channel": {"id": "C1", "name": "ops"}, "team": {"id": "T1"},
            "message": {"bot_id": "B9", "subtype": "bot_message", "ts": "1.2", "text": said,
                "attachments": [{"text": "502 from &lt;upstream&gt;"}]},
        });
        match decoded(DeliveryKind::Interactive, payload) {
            Ok(Event::Shortcut(shortcut)) => (shortcut.message.text, shortcut.message.readable),
            other => panic!("{other:?}"),
        }
    };
    let both = |text: &str, readable: &str| (text.to_owned(), readable.to_owned());
    assert_eq!(
        read("add_as_evidence", "FIRING"),
        both("FIRING\n502 from &lt;upstream&gt;", "FIRING\n502 from <upstream>")
    );
    assert_eq!(
        read("open_investigation", ""),
        both("502 from &lt;upstream&gt;", "502 from <upstream>")
    );
    // What a link shows of itself is not what somebody said.
    assert_eq!(read("open_investigation", "see this"), both("see this", "see this"));
}

#[test]
fn an_edit_counts_only_when_the_words_or_the_files_change() {
    let changed = |before: &str, after: &str| {
        let edit = json!({
            "type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel", "ts": "9.9",
            "message": message(&json!({"text": after})), "previous_message": message(&json!({"text": before})),
        });
        happens(&edit)
    };
    assert_eq!(changed("a", "a"), Err("message_changed without a change"));
    assert!(
        matches!(changed("a", "b"), Ok(Event::Edited(m)) if m.text == "b" && m.ts == "1763712000.000100".into())
    );
    let sheds = |after: Value| {
        let files = |files: &Value| message(&json!({"subtype": "file_share", "files": files}));
        let file =
            |id: &str| json!({"id": id, "url_private": format!("https://files.slack.com/{id}")});
        let edit = json!({
            "type": "message", "subtype": "message_changed", "channel": "C1", "channel_type": "channel", "ts": "9.9",
            "message": files(&after), "previous_message": files(&json!([file("F1"), file("F2")])),
        });
        (happens(&edit), file("F1"), file("F2"))
    };
    let (nothing, one, two) = sheds(json!(null));
    let left = |event: Result<Event, Ignored>| match event {
        Ok(Event::Edited(m)) => Some(m.files.into_iter().map(|file| file.id).collect::<Vec<_>>()),
        _ => None,
    };
    assert_eq!(left(nothing), Some(vec![]));
    assert_eq!(
        left(sheds(json!([{"id": "F1", "mode": "tombstone"}, two])).0),
        Some(vec!["F2".to_owned()])
    );
    assert_eq!(left(sheds(json!([one, two])).0), None);
    let tombstone = json!({
        "type": "message", "subtype": "message_changed", "channel": "C1",
        "message": {"subtype": "tombstone", "ts": "1.1", "user": "USLACKBOT", "text": "This message was deleted."},
    });
    assert_eq!(happens(&tombstone), Ok(Event::Deleted { channel: "C1".into(), ts: "1.1".into() }));
    let deleted = json!({"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "1.1"});
    assert_eq!(happens(&deleted), Ok(Event::Deleted { channel: "C1".into(), ts: "1.1".into() }));
}

#[test]
fn a_mention_says_so() {
    let mention = json!({"type": "app_mention", "channel": "C1", "user": "U1", "ts": "1.1", "text": "<@UBOT> hello"});
    assert!(matches!(happens(&mention), Ok(Event::Written(m)) if m.mention));
}

#[test]
fn a_press_names_its_case_and_nothing_else_does() {
    let press = |action: Value| {
        let payload = json!({
            "type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"}, "channel": {"id": "C1"},
            "trigger_id": "1.2.3", "actions": [action],
        });
        decoded(DeliveryKind::Interactive, payload)
    };
    let click = press(json!({"action_id": "dismiss", "value": "dismiss:7", "action_ts": "1.1"}));
    assert!(
        matches!(click, Ok(Event::Clicked(c)) if c.action == Action::Dismiss && c.case == CaseNumber(7))
    );
    let picked = press(json!({"action_id": "menu", "selected_option": {"value": "why:7"}}));
    assert!(matches!(picked, Ok(Event::Clicked(c)) if c.action == Action::Why));
    for value in [
        "",
        "dismiss",
        "dismiss:",
        "dismiss:x",
        "dismiss:-1",
        "dismiss:99999999999",
        "destroy:7",
        ":7",
    ] {
        assert_eq!(press(json!({"action_id": "dismiss", "value": value})), Err("unknown action"));
    }
}

#[test]
fn a_form_travels_and_comes_back_the_same() {
    let place = Place { channel: "C1".into(), private: true, external: false };
    for form in [
        Form::Investigate { place: place.clone(), root: None },
        Form::Investigate { place, root: Some("1.1".into()) },
        Form::Open { case: CaseNumber(7), channel: "C1".into() },
        Form::Close { case: CaseNumber(7), channel: "C1".into() },
        Form::AddEvidence { case: CaseNumber(7), channel: "C1".into() },
    ] {
        assert_eq!(read_form(&write_form(&form)), Some(form));
    }
    for forged in [
        "",
        "{}",
        "[]",
        r#"{"form":"close"}"#,
        r#"{"form":"close","channel":"C1","case":-1}"#,
        r#"{"form":"x","channel":"C1"}"#,
    ] {
        assert_eq!(read_form(forged), None, "{forged}");
    }
}

#[test]
fn answers_are_read_from_every_kind_of_field() {
    let payload = json!({
        "type": "view_submission", "team": {"id": "T1"}, "user": {"id": "U1"},
        "view": {"id": "V1", "private_metadata": r#"{"form":"close","case":7,"channel":"C1"}"#, "state": {"values": {
            "outcome": {"answer": {"type": "static_select", "selected_option": {"value": "averted"}}},
            "fixed": {"answer": {"type": "plain_text_input", "value": " a record "}},
            "days": {"answer": {"type": "number_input", "value": null}},
            "odd": {"answer": 3},
        }}},
    });
    let Ok(Event::Submitted(read)) = decoded(DeliveryKind::Interactive, payload) else { panic!() };
    assert_eq!(
        (read.answer("outcome"), read.answer("fixed"), read.answer("days")),
        (Some("averted"), Some("a record"), None)
    );
}

#[test]
fn slack_markup_reads_as_people_read_it() {
    for (raw, read) in [
        ("<@U1|maya> in <#C1|ops>", "@maya in #ops"),
        ("<!channel> <!subteam^S1|@leads> <!here>", "@channel @leads @here"),
        ("<mailto:a@b.example|a@b.example> <https://x.example>", "a@b.example https://x.example"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("a < b and no end", "a < b and no end"),
        ("<>", ""),
        ("&amp;lt;!channel&amp;gt;", "&lt;!channel&gt;"),
    ] {
        assert_eq!(readable(raw), read);
    }
}

#[test]
fn what_cannot_be_told_whose_it_is_is_nothing() {
    assert_eq!(workspaces_of(&json!({})), []);
    for (kind, payload) in [
        (DeliveryKind::Events, json!({"team_id": "T1"})),
        (DeliveryKind::Command, json!({"team_id": "T1"})),
        (DeliveryKind::Interactive, json!({"type": "block_actions"})),
    ] {
        assert_eq!(decoded(kind, payload.clone()), Err(UNREADABLE), "{payload}");
    }
}

#[test]
fn what_is_new_is_counted_by_a_word_of_ours() {
    assert_eq!(happens(&json!({"type": "pin_added"})), Err("other"));
    assert_eq!(happens(&json!(null)), Err("other"));
    let person = json!({"type": "view_closed", "user": {"id": "U1"}});
    assert_eq!(decoded(DeliveryKind::Interactive, person), Err("view_closed"));
    let person = json!({"type": "a_click_of_tomorrow", "user": {"id": "U1"}});
    assert_eq!(decoded(DeliveryKind::Interactive, person), Err("other"));
}
