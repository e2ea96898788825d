//! The real program at its most talkative, through a story full of marked words: none of them reaches a log line.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "house/logged.rs"]
mod logged;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use logged::Logged;
use secondlook::playground::{
    App, Fault, FaultKind, Options, Playground, Say, Upload, World, sign,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const PRIYA: &str = "U0PRIYA001";
const JONAS: &str = "U0JONAS001";
const BACKEND: &str = "C0BACKEND1";
const GENERAL: &str = "C0GENERAL1";
const LEADS: &str = "C0PRIVATE1";

/// In everything that people write in this story. Here, nothing may follow it into the logs.
const MARK: &str = "quokka";
/// In a message that is nobody's proposal: it doesn't even reach the disk.
const ORDINARY: &str = "wombat";

/// What else a log line may not show: people, the words of proposals, and what an API's broken answer says.
const WORDS: [&str; 9] =
    ["Raman", "Priya", "priya", "jonas", "Weber", "Acme", "Mailchimp", "spam", "bad day"];

/// The running program and where it listens.
struct Serve {
    program: Logged,
    addresses: [SocketAddr; 2],
}

impl Serve {
    /// Starts the program with both doors open and waits until it listens.
    async fn start(slack: &Playground, database: &Path, format: &str) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_secondlook"));
        program
            .arg("serve")
            .env_clear()
            .env("SLACK_BOT_TOKEN", slack.bot_token())
            .env("SLACK_APP_TOKEN", slack.app_token())
            .env("SLACK_SIGNING_SECRET", slack.signing_secret())
            .env("SLACK_API_URL", slack.api_url())
            .env("DATABASE_URL", format!("sqlite://{}", database.display()))
            .env("BIND_ADDR", "127.0.0.1:0")
            .env("SECONDLOOK_ADMIN_ADDR", "127.0.0.1:0")
            .env("SECONDLOOK_QUIET_PERIOD", "0s")
            .env("SECONDLOOK_CHANNEL_CAP", "0")
            .env("SECONDLOOK_COOLDOWN", "0s")
            .env("RUST_LOG", "trace")
            .env("LOG_FORMAT", format)
            .env("NO_COLOR", "1")
            .current_dir(database.parent().unwrap());
        let mut program = Logged::start(&mut program);
        let addresses = program.addresses().await;
        Self { program, addresses }
    }

    /// Sends a request as it is; returns the answer.
    async fn request(&self, address: usize, request: &str) -> String {
        let mut tcp = TcpStream::connect(self.addresses[address]).await.unwrap();
        tcp.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tcp.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Posts a body to Slack's door with this signature.
    async fn post(&self, body: &str, time: u64, signature: &str) -> String {
        let request = format!(
            "POST /slack/events HTTP/1.0\r\nHost: x\r\nContent-Type: application/json\r\nX-Slack-Request-Timestamp: {time}\r\n\
             X-Slack-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.request(0, &request).await
    }
}

async fn card(slack: &Playground, channel: &str, thread: &str, words: &str) -> Value {
    let find = |world: &World| {
        world.thread(channel, thread).into_iter().find(|message| {
            message["bot_id"].is_string() && message["blocks"].to_string().contains(words)
        })
    };
    let found = slack.wait_until(find).await;
    found.unwrap_or_else(|overdue| panic!("{channel} shows no {words:?}: {overdue:?}"))
}

async fn fill(slack: &Playground, user: &str, answers: Value) {
    let open = |world: &World| world.views(user).last().map(|view| view.id().to_owned());
    let view = slack.wait_until(open).await.unwrap();
    slack.submit(user, &view, &answers).await.unwrap();
}

/// The headers of a mail whose signature failed.
fn headers() -> String {
    format!(
        "```Authentication-Results: mx.{MARK}.example; dkim=fail header.i=@{MARK}.example; spf=softfail; dmarc=fail\n\
         Received: by 10.2.3.4 with SMTP id a1; Tue, 17 Nov 2026 08:00:01 -0800\nFrom: {MARK} &lt;news@{MARK}.example&gt;\n\
         Subject: {MARK}\nMessage-ID: &lt;1@{MARK}.example&gt;```"
    )
}

/// A case from the proposal to its outcome, with evidence of every kind.
async fn a_case(slack: &Playground, channel: &str) {
    let say = |user: &str, text: &str| Say::new(channel, user, text);
    slack.say(say(PRIYA, &format!("who wants {ORDINARY} soup for lunch?"))).unwrap();
    let proposal = format!("let's move off Mailchimp to {MARK}mail, our mails land in spam");
    let thread = slack.say(say(PRIYA, &proposal)).unwrap();
    let shown = card(slack, channel, &thread, "").await;
    let ts = shown["ts"].as_str().unwrap();
    slack.click(JONAS, channel, ts, "open").await.unwrap();
    let statement = json!({"title": format!("{MARK} mails"), "scope": format!("all of {MARK}")});
    fill(slack, JONAS, statement).await;

    slack.say(say(JONAS, &headers()).in_thread(&thread)).unwrap();
    card(slack, channel, &thread, "✓ mail headers").await;
    let content = format!("2026-11-17T08:00:01Z ERROR {MARK} smtp 550 refused token=xoxb-{MARK}\n");
    let file = Upload {
        channel: channel.to_owned(),
        user: JONAS.to_owned(),
        thread_ts: Some(thread.clone()),
        name: format!("{MARK}.log"),
        content: content.repeat(20).into_bytes(),
        ..Upload::default()
    };
    slack.upload(&file).unwrap();
    let edited = format!("let's move off Mailchimp to {MARK}mail today, our mails land in spam");
    slack.edit(PRIYA, channel, &thread, &edited).unwrap();
    let gone = slack.say(say(JONAS, &format!("forget {MARK}")).in_thread(&thread)).unwrap();
    slack.delete(JONAS, channel, &gone).unwrap();

    card(slack, channel, &thread, "✓ log").await;
    slack.click(JONAS, channel, ts, "close").await.unwrap();
    let closing = json!({"outcome": "averted", "class": "email-auth", "fixed": format!("{MARK} DKIM"), "days": "0.5"});
    fill(slack, JONAS, closing).await;
    card(slack, channel, &thread, "is closed").await;
    slack.command(PRIYA, channel, "/investigate", &format!("why {MARK} is slow")).await.unwrap();
    slack.command(PRIYA, channel, "/investigate", &format!("show {MARK}")).await.unwrap();
    slack.shortcut(PRIYA, channel, &thread, "ask_for_trace").await.unwrap();
    slack.shortcut(PRIYA, channel, &thread, MARK).await.unwrap();
}

/// What Slack's API can do to us, each with a message that has words of people in it.
async fn api_faults(slack: &Playground) {
    let proposal = format!("let's move off Mailchimp, our {MARK} mails land in spam");
    slack.fail(Fault::error("views.open", 1, "expired_trigger_id"));
    slack.fail(Fault::new("chat.postEphemeral", 1, FaultKind::Status(500)));
    slack.command(PRIYA, GENERAL, "/investigate", "").await.unwrap();
    let calls = |world: &World| {
        world.calls().iter().any(|c| c.method == "chat.postEphemeral").then_some(())
    };
    slack.wait_until(calls).await.unwrap();

    slack.fail(Fault::new("chat.postMessage", 1, FaultKind::AnswerLost).in_channel(GENERAL));
    let thread = slack.say(Say::new(GENERAL, PRIYA, &proposal)).unwrap();
    card(slack, GENERAL, &thread, "").await;
    slack.fail(Fault::error("chat.update", 1, "cant_update_message"));
    let reply = Say::new(GENERAL, JONAS, &headers()).in_thread(&thread);
    slack.say(reply).unwrap();
    let spoiled = |world: &World| {
        world.calls().iter().any(|call| call.answer["error"] == "cant_update_message").then_some(())
    };
    slack.wait_until(spoiled).await.unwrap();
    slack.cut_sockets();
    let again = |world: &World| (world.socket_count() > 0).then_some(());
    slack.wait_until(again).await.unwrap();
}

/// What comes to the door and isn't Slack's, or isn't what Slack sends.
async fn odd_visitors(slack: &Playground, serve: &Serve) {
    #[expect(clippy::disallowed_methods, reason = "a signature is of today")]
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let body = format!(r#"{{"type":"event_callback","event":{{"text":"{MARK}"}}}}"#);
    let forged = sign(&format!("{MARK}-secret"), now, &body);
    assert!(serve.post(&body, now, &forged).await.starts_with("HTTP/1.0 401"));
    for (body, status) in
        [(format!(r#"{{"{MARK}":"#), "400"), (format!(r#"{{"{MARK}":1}}"#), "200")]
    {
        let answer = serve.post(&body, now, &sign(slack.signing_secret(), now, &body)).await;
        assert!(answer.starts_with(&format!("HTTP/1.0 {status}")), "{answer}");
    }
    let id = slack.send_event(json!({"type": MARK, "channel": BACKEND, "text": MARK}));
    let odd =
        json!({"type": "message", "subtype": MARK, "channel": BACKEND, "text": MARK, "user": 7});
    let odd = slack.send_event(odd);
    let taken = |world: &World| {
        let waiting = world.unacknowledged();
        (!waiting.contains(&id) && !waiting.contains(&odd)).then_some(())
    };
    slack.wait_until(taken).await.unwrap();
    slack
        .send_raw_interaction(
            json!({"type": MARK, "team": {"id": "T0ACME0001"}, "user": {"id": PRIYA, "name": MARK}}),
        )
        .await;
}

/// Every secret and every name of this world.
fn forbidden(slack: &Playground) -> Vec<String> {
    let mut words = vec![slack.bot_token(), slack.app_token().to_owned()];
    words.push(slack.signing_secret().to_owned());
    words.extend([MARK, ORDINARY].map(str::to_owned));
    words.extend(WORDS.map(str::to_owned));
    words.extend(["/hook/", "response_url", "xoxb", "xapp"].map(str::to_owned));
    // Tickets of Socket Mode, and what opens a modal.
    slack.look(|world| {
        for call in world.calls() {
            let ticket = call.answer["url"].as_str().and_then(|url| url.split_once("ticket="));
            words.extend(ticket.map(|(_, ticket)| ticket.split('&').next().unwrap().to_owned()));
            words.extend(call.args["trigger_id"].as_str().map(str::to_owned));
        }
    });
    words
}

async fn the_story(format: &str) {
    let shortcuts = ["ask_for_trace", MARK].map(|id| (id.to_owned(), id.to_owned())).to_vec();
    let app = App { shortcuts, ..App::default() };
    let slack = Playground::start(Options { app, ..Options::default() }).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("store.db");
    let serve = Serve::start(&slack, &database, format).await;
    let open = |world: &World| (world.socket_count() > 0).then_some(());
    slack.wait_until(open).await.unwrap();

    a_case(&slack, BACKEND).await;
    api_faults(&slack).await;
    slack.set_request_url(&format!("http://{}/slack/events", serve.addresses[0])).await.unwrap();
    a_case(&slack, LEADS).await;
    odd_visitors(&slack, &serve).await;
    let metrics = serve.request(1, "GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n").await;
    let log = serve.program.stop().await;

    let said = log.join("\n");
    for (which, count) in [("called Slack", 10), ("a socket is reopened", 1), ("stopping", 1)] {
        assert!(said.matches(which).count() >= count, "the story logs {which:?}:\n{said}");
    }
    assert!(metrics.contains("secondlook_slack_calls_total"), "{metrics}");
    if format == "json" {
        for line in &log {
            assert!(serde_json::from_str::<Value>(line).is_ok_and(|l| l.is_object()), "{line}");
        }
    }
    for word in forbidden(&slack) {
        for line in log.iter().chain([&metrics]) {
            assert!(!line.contains(&word), "{word} is shown: {line}");
        }
    }
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(ORDINARY.len()).any(|window| window == ORDINARY.as_bytes());
        assert!(!found, "an ordinary message is in {}", path.display());
    }
}

#[tokio::test]
async fn no_log_line_as_json_shows_words_names_or_secrets() {
    the_story("json").await;
}

#[tokio::test]
async fn no_log_line_as_text_shows_words_names_or_secrets() {
    the_story("text").await;
}
