//! What people do: clicks, modals, commands, edits.

use secondlook::playground::Options;
use serde_json::{Value, json};

use crate::bot::{BACKEND, Bot, JONAS, MAYA, card, modal, plain};

#[tokio::test]
async fn a_click_opens_a_modal_whose_trigger_works_once_and_not_late() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let sent = bot
        .call("chat.postMessage", json!({ "channel": BACKEND, "text": "card", "blocks": card() }))
        .await;
    let ts = sent["ts"].as_str().expect("a ts");
    socket.next_acked().await;
    let (answer, click) =
        tokio::join!(bot.slack.click(MAYA, BACKEND, ts, "open"), socket.next_acked());
    let payload = &click["payload"];
    assert_eq!(click["type"], "interactive");
    assert_eq!(payload["type"], "block_actions");
    assert_eq!(payload["actions"][0]["value"], "1");
    assert_eq!(payload["container"]["message_ts"], ts);
    assert_eq!(payload["message"]["ts"], ts);
    let trigger = answer.expect("clicked").trigger_id;
    let open = async |trigger: &str| {
        bot.call("views.open", json!({ "trigger_id": trigger, "view": modal() })).await
    };
    assert_eq!(open(&trigger).await["ok"], true);
    assert_eq!(open(&trigger).await["error"], "exchanged_trigger_id");
    let pick = json!("why");
    let (answer, _) =
        tokio::join!(bot.slack.choose(MAYA, BACKEND, ts, "more", &pick), socket.next_acked());
    bot.slack.expire_triggers();
    assert_eq!(open(&answer.expect("chosen").trigger_id).await["error"], "expired_trigger_id");
}

#[tokio::test]
async fn a_modal_shows_errors_then_updates_then_closes() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let (answer, command) = tokio::join!(
        bot.slack.command(MAYA, BACKEND, "/investigate", "mails"),
        socket.next_acked()
    );
    assert_eq!(command["payload"]["text"], "mails");
    let trigger = answer.expect("ran").trigger_id;
    let view =
        bot.call("views.open", json!({ "trigger_id": trigger, "view": modal() })).await["view"]
            .clone();
    let id = view["id"].as_str().expect("an id");
    assert!(bot.slack.submit(MAYA, id, &json!({})).await.is_err(), "a required field is empty");
    let filled = json!({ "title": "Spam", "class": "dns" });
    let answers = [
        json!({ "response_action": "errors", "errors": { "title": "Say more" } }),
        json!({ "response_action": "update", "view": modal() }),
        Value::Null,
    ];
    for (step, answer) in answers.into_iter().enumerate() {
        let bot_side = async {
            let envelope = socket.next().await.expect("a submission");
            socket.ack(&envelope, answer).await;
            envelope
        };
        let (done, sent) = tokio::join!(bot.slack.submit(MAYA, id, &filled), bot_side);
        assert!(done.expect("submitted").ack.is_some());
        let values = &sent["payload"]["view"]["state"]["values"];
        assert_eq!(values["title"]["text"]["value"], "Spam");
        assert_eq!(values["class"]["pick"]["selected_option"]["value"], "dns");
        let open = bot.slack.views(MAYA);
        match step {
            0 => assert_eq!(open[0].errors["title"], "Say more"),
            1 => assert_eq!((open[0].id(), open[0].errors.is_null()), (id, true)),
            _ => assert!(open.is_empty()),
        }
    }
}

#[tokio::test]
async fn a_command_is_answered_privately_and_by_response_url_five_times() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let bot_side = async {
        let envelope = socket.next().await.expect("a command");
        socket.ack(&envelope, json!({ "text": "only you" })).await;
        envelope["payload"]["response_url"].as_str().expect("a URL").to_owned()
    };
    let (_, url) = tokio::join!(bot.slack.command(MAYA, BACKEND, "/investigate", "help"), bot_side);
    assert_eq!(bot.slack.ephemerals(MAYA)[0]["text"], "only you");
    assert!(bot.slack.ephemerals(JONAS).is_empty());
    for number in 1..=6 {
        let answer =
            bot.http.post(&url).json(&json!({ "text": "later" })).send().await.expect("an answer");
        assert_eq!(answer.status().is_success(), number <= 5);
    }
}

#[tokio::test]
async fn edits_unfurls_and_deletions_are_told() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let ts = bot.say("see <https://example.com>");
    socket.next_acked().await;
    bot.slack.unfurl("backend", &ts, "https://example.com").expect("unfurled");
    let event = socket.event().await;
    assert_eq!(event["subtype"], "message_changed");
    assert_eq!(event["message"]["text"], event["previous_message"]["text"]);
    assert_ne!(event["ts"], ts.as_str());
    bot.slack.edit(MAYA, "backend", &ts, "never mind").expect("edited");
    let event = socket.event().await;
    assert_eq!(event["message"]["text"], "never mind");
    assert!(event["message"]["edited"]["ts"].is_string());
    assert!(bot.slack.delete(JONAS, "backend", &ts).is_err(), "not his message");
    bot.slack.delete(MAYA, "backend", &ts).expect("deleted");
    let event = socket.event().await;
    assert_eq!(event["subtype"], "message_deleted");
    assert_eq!(event["deleted_ts"], ts.as_str());
}

#[tokio::test]
async fn a_private_card_is_clicked_replaced_and_removed() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let whisper = json!({ "channel": BACKEND, "user": MAYA, "text": "card", "blocks": card() });
    let ts = bot.call("chat.postEphemeral", whisper).await["message_ts"].clone();
    let ts = ts.as_str().expect("a ts");
    assert!(bot.slack.click(JONAS, BACKEND, ts, "open").await.is_err(), "Jonas does not see it");
    let (_, click) = tokio::join!(bot.slack.click(MAYA, BACKEND, ts, "open"), socket.next_acked());
    let payload = &click["payload"];
    assert_eq!(payload["container"]["is_ephemeral"], true);
    assert!(payload.get("message").is_none(), "Slack does not tell an ephemeral message");
    let url = payload["response_url"].as_str().expect("a URL");
    let respond =
        async |said: Value| bot.http.post(url).json(&said).send().await.expect("an answer");
    respond(json!({ "replace_original": true, "text": "kept private" })).await;
    assert_eq!(bot.slack.ephemerals(MAYA)[0]["text"], "kept private");
    respond(json!({ "delete_original": true })).await;
    assert!(bot.slack.ephemerals(MAYA).is_empty());
    respond(json!({ "response_type": "in_channel", "text": "for all" })).await;
    assert_eq!(bot.slack.messages(BACKEND)[0]["text"], "for all");
}

#[tokio::test]
async fn modals_stack_three_high_and_a_stale_hash_conflicts() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    let (answer, _) =
        tokio::join!(bot.slack.command(MAYA, BACKEND, "/investigate", ""), socket.next_acked());
    let open = json!({ "trigger_id": answer.expect("ran").trigger_id, "view": modal() });
    let first = bot.call("views.open", open).await["view"].clone();
    let mut top = first.clone();
    for error in [Value::Null, Value::Null, json!("push_limit_reached")] {
        let id = top["id"].as_str().expect("an id");
        let (pick, filled) = (json!("dns"), json!({ "title": "x" }));
        let act = bot.slack.act_in_view(MAYA, id, "pick", &pick, &filled);
        let (answer, act) = tokio::join!(act, socket.next_acked());
        assert_eq!(act["payload"]["view"]["state"]["values"]["title"]["text"]["value"], "x");
        let push = json!({ "trigger_id": answer.expect("picked").trigger_id, "view": modal() });
        let pushed = bot.call("views.push", push).await;
        assert_eq!(pushed["error"], error);
        if error.is_null() {
            assert_eq!(pushed["view"]["previous_view_id"], top["id"]);
            assert_eq!(pushed["view"]["root_view_id"], first["id"]);
            top = pushed["view"].clone();
        }
    }
    let stale = json!({ "view_id": top["id"], "hash": "1.old", "view": modal() });
    assert_eq!(bot.call("views.update", stale).await["error"], "hash_conflict");
    let title = plain("This title is far too long");
    let mut long = modal();
    long["title"] = title;
    let refused = bot.call("views.update", json!({ "view_id": top["id"], "view": long })).await;
    assert_eq!(refused["error"], "invalid_arguments");
    bot.slack.close(MAYA, top["id"].as_str().expect("an id")).await.expect("closed");
    assert_eq!(bot.slack.views(MAYA).len(), 2);
}

#[tokio::test]
async fn app_home_is_published_when_it_is_opened() {
    let bot = Bot::new(Options::default()).await;
    let mut socket = bot.socket().await;
    bot.slack.open_home(MAYA);
    let opened = socket.event().await;
    assert_eq!(
        (opened["type"].as_str(), opened["tab"].as_str()),
        (Some("app_home_opened"), Some("home"))
    );
    let view = json!({ "type": "home", "blocks": card() });
    assert_eq!(
        bot.call("views.publish", json!({ "user_id": MAYA, "view": view })).await["ok"],
        true
    );
    let home = bot.slack.look(|w| w.home(MAYA)).expect("a home");
    let id = home["id"].as_str().expect("an id");
    let nothing = json!({});
    let act = bot.slack.act_in_view(MAYA, id, "open", &Value::Null, &nothing);
    let (_, click) = tokio::join!(act, socket.next_acked());
    assert_eq!(click["payload"]["view"]["type"], "home");
    assert_eq!(click["payload"]["container"]["type"], "view");
}
