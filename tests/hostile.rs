//! What is made to lead the program astray: addresses to call, lines to forge, secrets to repeat.

mod house;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use house::binary::Program;
use house::{BACKEND, Door, House, JONAS, MAILCHIMP, MAYA, TEAM};
use secondlook::playground::{Fault, Options, Playground, Say, World, sign};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// Somebody who counts who knocks.
async fn listener() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let knocks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&knocks);
    TaskTracker::new().spawn(async move {
        loop {
            let _knock = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (format!("http://{address}/steal"), knocks)
}

/// Every address a payload can name leads to a listener on this very machine; none of them is called.
#[tokio::test]
async fn no_address_in_a_payload_is_called() {
    let house = House::open(Door::Http).await;
    let (there, knocks) = listener().await;
    let said = house.say(BACKEND, MAYA, MAILCHIMP);
    let card = house.card(BACKEND, &said).await["ts"].clone();
    let team = json!({"id": TEAM, "domain": there});
    let user = json!({"id": JONAS, "team_id": TEAM});
    for action in ["why:1", "open:1", "dismiss:7", "nonsense"] {
        let press = json!({
            "type": "block_actions", "team": team, "user": user, "trigger_id": "1.2.3", "response_url": there,
            "channel": {"id": BACKEND}, "container": {"channel_id": BACKEND, "message_ts": card},
            "message": {"ts": card, "response_url": there}, "response_urls": [{"response_url": there}],
            "actions": [{"action_id": "forged", "action_ts": "1.1", "value": action, "url": there}],
        });
        house.slack.send_raw_interaction(press).await;
    }
    let form = json!({
        "type": "view_submission", "team": team, "user": user, "response_urls": [{"response_url": there}],
        "view": {
            "id": "V1", "private_metadata": json!({"form": "open", "response_url": there}).to_string(),
            "response_url_enabled": true, "state": {"values": {"title": {"i": {"value": there}}}},
        },
    });
    house.slack.send_raw_interaction(form).await;
    let shortcut = json!({
        "type": "message_action", "callback_id": "ask_for_trace", "team": team, "user": user, "trigger_id": "1.2.3",
        "response_url": there, "channel": {"id": BACKEND}, "message": {"ts": said, "text": there, "user": MAYA},
    });
    house.slack.send_raw_interaction(shortcut).await;
    for words in ["help", "list", "mails land in spam"] {
        assert_eq!(command(&house, &there, words).await, 200, "{words}");
    }
    // A picture of a person, an unfurled link, a file that is kept elsewhere.
    let file = json!({"id": "F1", "name": "x.log", "url_private": there, "url_private_download": there, "permalink": there});
    house.slack.send_event(json!({
        "type": "message", "subtype": "file_share", "channel": BACKEND, "channel_type": "channel", "user": JONAS,
        "text": format!("see <{there}|the log>"), "ts": "1795000009.000100", "thread_ts": said, "files": [file],
        "user_profile": {"image_72": there}, "attachments": [{"from_url": there, "image_url": there}],
    }));
    house.settled().await;
    // A file that is elsewhere is no work to keep.
    assert!(house.store().await.parked(9).await.unwrap().is_empty());
    assert_eq!(knocks.load(Ordering::SeqCst), 0);
}

/// A slash command as Slack signs it, with a response address of somebody's choice; its status.
async fn command(house: &House, response_url: &str, words: &str) -> u16 {
    #[expect(clippy::disallowed_methods, reason = "a signature is of today")]
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let fields = [
        ("command", "/investigate"),
        ("text", words),
        ("team_id", TEAM),
        ("channel_id", BACKEND),
        ("user_id", JONAS),
        ("trigger_id", "1.2.3"),
        ("response_url", response_url),
    ];
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    let body = body.extend_pairs(fields).finish();
    let request = reqwest::Client::new()
        .post(format!("http://{}/slack/commands", house.bot().bind_addr()))
        .header("x-slack-request-timestamp", now)
        .header("x-slack-signature", sign(house.slack.signing_secret(), now, &body))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    request.send().await.unwrap().status().as_u16()
}

/// What an answer gives as its reason is kept with the work, shown by `doctor` and logged: it is a word, or it is not
/// repeated.
#[tokio::test]
async fn a_reason_that_is_no_word_is_not_kept() {
    let house = House::open(Door::Socket).await;
    let forged = "xoxb-1-stolen\r\n2026-01-01T00:00:00Z ERROR forged \u{1b}[31m line";
    house.slack.fail(Fault::error("chat.postMessage", 1, forged));
    house.say(BACKEND, MAYA, MAILCHIMP);
    let answered =
        |world: &World| world.calls().iter().any(|c| c.answer["error"] == forged).then_some(());
    house.slack.wait_until(answered).await.unwrap();
    let store = house.store().await;
    let parked = async {
        loop {
            match &store.parked(9).await.unwrap()[..] {
                [] => house.pause().await,
                [parked] => return parked.because.clone(),
                more => panic!("{more:?}"),
            }
        }
    };
    let parked = tokio::time::timeout(std::time::Duration::from_secs(30), parked).await;
    assert_eq!(parked.unwrap(), "unknown");
}

/// Runs a command of the program in an empty directory; returns all it says.
fn said(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    command.args(arguments).current_dir(dir.path()).env_clear();
    let output =
        command.envs(environment.iter().copied()).env("RUST_LOG", "trace").output().unwrap();
    assert!(!output.status.success(), "{arguments:?} {environment:?}");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Every secret of the settings, spoiled in every way that makes an error.
#[test]
fn no_error_repeats_a_secret_of_the_settings() {
    let good = [
        ("SLACK_BOT_TOKEN", "xoxb-hunter2"),
        ("SLACK_APP_TOKEN", "xapp-hunter2"),
        ("SLACK_SIGNING_SECRET", "hunter2hunter2"),
        ("SLACK_CLIENT_ID", "1.2"),
        ("SLACK_CLIENT_SECRET", "hunter2"),
        ("SECONDLOOK_PUBLIC_URL", "https://bot.example.com"),
        ("SECONDLOOK_ENCRYPTION_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="),
        ("SLACK_API_URL", "http://127.0.0.1:1"),
        ("DATABASE_URL", "sqlite://store.db"),
        ("BIND_ADDR", "127.0.0.1:0"),
        ("SECONDLOOK_ADMIN_ADDR", "127.0.0.1:0"),
    ];
    let urls = [
        "postgres://me:hunter2@127.0.0.1:1/db",
        "postgres://me:hunter2@server:port/db",
        "postgres://me:hun@ter2@[::/db?password=hunter2",
        "postgres://me@127.0.0.1:1/db?password=hunter2",
        "postgres://me@127.0.0.1:1/db?passwort=hunter2",
        "postgres:///db?host=/nowhere&user=me&password=hunter2",
        "mysql://me:hunter2@server/db",
        "sqlite://nowhere/at/all.db?password=hunter2",
        "me:hunter2@server",
    ];
    let others = [
        ("SLACK_BOT_TOKEN", "hunter2"),
        ("SLACK_BOT_TOKEN", "xoxb-hunter2\r\nX-Forged: 1"),
        ("SLACK_APP_TOKEN", "xoxb-hunter2"),
        ("SLACK_API_URL", "https://me:hunter2@example.com/api"),
        ("SLACK_API_URL", "https://example.com/api?token=hunter2"),
        ("SECONDLOOK_PUBLIC_URL", "https://me:hunter2@example.com"),
        ("SECONDLOOK_ENCRYPTION_KEY", "hunter2"),
        ("SECONDLOOK_ENCRYPTION_KEY", "hunter2 is no base64!"),
        ("SECONDLOOK_ENCRYPTION_KEY_OLD", "hunter2"),
    ];
    let spoiled = urls.map(|url| ("DATABASE_URL", url)).into_iter().chain(others);
    for (name, value) in spoiled {
        let mut environment = good.to_vec();
        environment.retain(|(set, _)| *set != name);
        environment.push((name, value));
        let mut commands = vec![vec!["serve"], vec!["doctor"]];
        if name == "DATABASE_URL" {
            let store: [&[&str]; 4] =
                [&["migrate"], &["backup", "b.db"], &["digest"], &["token", "list"]];
            commands.extend(store.map(<[&str]>::to_vec));
            commands.push(vec!["move", "--from", value, "--to", "sqlite://new.db"]);
            commands.push(vec!["move", "--from", "sqlite://old.db", "--to", value]);
        }
        if name.starts_with("SECONDLOOK_ENCRYPTION_KEY") {
            commands.push(vec!["token", "rotate-key"]);
        }
        for arguments in commands {
            let said = said(&arguments, &environment);
            assert!(!said.contains("hunter2"), "{name}={value} {arguments:?}: {said}");
            assert!(!said.lines().any(|line| line.starts_with("X-Forged")), "{said}");
        }
    }
}

/// A word in a payload that ends a line, or turns a terminal red, forges no line of the log.
#[tokio::test]
async fn nothing_in_a_payload_forges_a_line() {
    let slack = Playground::start(Options::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("store.db").display());
    let mut command = Program::command(&slack, Door::Socket, dir.path(), &url);
    command.envs([("RUST_LOG", "trace"), ("LOG_FORMAT", "text"), ("NO_COLOR", "1")]);
    let program = Program::start(command);
    slack.wait_until(|world| (world.socket_count() > 0).then_some(())).await.unwrap();
    let forged = "x\r\nFORGED line \u{1b}[31m";
    for method in ["chat.postMessage", "views.open", "chat.postEphemeral"] {
        slack.fail(Fault::error(method, 1, forged));
    }
    let mut odd: Vec<Value> = ["type", "subtype", "channel", "user", "team", "ts", "thread_ts", "channel_type"]
        .map(|field| {
            let mut event = json!({
                "type": "message", "channel": BACKEND, "channel_type": "channel", "user": MAYA, "text": MAILCHIMP,
                "ts": "1795000009.000100",
            });
            event[field] = json!(forged);
            event
        })
        .to_vec();
    odd.push(json!({"type": "channel_rename", "channel": {"id": forged, "name": forged}}));
    for event in odd {
        slack.send_event(event);
    }
    let envelope = json!({
        "type": "event_callback", "team_id": forged, "event_id": forged, "event_time": 1,
        "event": {"type": "app_uninstalled"}, "authorizations": [{"team_id": forged, "enterprise_id": forged}],
    });
    slack.send_raw_event(envelope);
    slack
        .send_raw_interaction(json!({"type": forged, "team": {"id": TEAM}, "user": {"id": forged}}))
        .await;
    slack.command(MAYA, BACKEND, "/investigate", "").await.unwrap();
    slack.say(Say::new(BACKEND, MAYA, MAILCHIMP)).unwrap();
    let answered = |world: &World| {
        let answered = world.calls().iter().filter(|c| c.answer["error"] == forged).count();
        (answered > 1 && world.unacknowledged().is_empty()).then_some(())
    };
    slack.wait_until(answered).await.unwrap();
    let parked = |log: &str| log.contains("parked");
    for _ in 0..1_000 {
        if parked(&program.log()) {
            break;
        }
        drop(slack.wait_for(std::time::Duration::from_millis(20), |_| None::<()>).await);
    }
    let log = program.log();
    assert!(parked(&log) && log.lines().count() > 10, "{log}");
    for line in log.lines() {
        assert!(line.starts_with("20") && !line.contains('\u{1b}'), "{line:?} in\n{log}");
    }
}
