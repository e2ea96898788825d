//! The chat page's own endpoints: what a person sees and does, and what a foreign web page cannot.

use secondlook::playground::{Hint, Options, Say};
use serde_json::{Value, json};

use crate::bot::{Bot, JONAS, MAYA};

impl Bot {
    async fn seen_by(&self, user: &str) -> Value {
        let url = format!("{}page/state?user={user}", self.slack.page_url());
        self.http.get(url).send().await.expect("an answer").json().await.expect("JSON")
    }

    async fn act(&self, what: Value) -> Value {
        let url = format!("{}page/act", self.slack.page_url());
        self.http.post(url).json(&what).send().await.expect("an answer").json().await.expect("JSON")
    }
}

#[tokio::test]
async fn every_file_of_the_page_is_served_under_a_strict_policy() {
    let bot = Bot::new(Options::default()).await;
    let get = async |path: &str| {
        let url = format!("{}{path}", bot.slack.page_url());
        bot.http.get(url).send().await.expect("an answer")
    };
    let index = get("").await;
    let policy = index.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let index = index.text().await.expect("text");
    assert!(!index.contains("http://") && !index.contains("https://"), "nothing from elsewhere");
    for name in
        ["style.css", "app.js", "dom.js", "mrkdwn.js", "blocks.js", "messages.js", "modal.js"]
    {
        let text = get(&format!("page/{name}")).await.text().await.expect("text");
        assert!(!text.contains("innerHTML"), "{name} must not make markup from text");
    }
    assert_eq!(get("page/other.js").await.status().as_u16(), 404);
}

#[tokio::test]
async fn a_person_sees_their_own_channels_and_whispers() {
    let hint = Hint { label: "Try".to_owned(), text: "let's move".to_owned(), in_thread: false };
    let bot = Bot::new(Options { hints: vec![hint], ..Options::default() }).await;
    let ephemeral = json!({ "channel": "C0BACKEND1", "user": MAYA, "text": "only you" });
    assert_eq!(bot.call("chat.postEphemeral", ephemeral).await["ok"], true);
    bot.slack.say(Say::new("platform-leads", JONAS, "secret")).expect("said");
    let (maya, jonas) = (bot.seen_by(MAYA).await, bot.seen_by(JONAS).await);
    assert!(!maya.to_string().contains("secret"), "Maya is no lead");
    assert_eq!(jonas["messages"]["C0PRIVATE1"][0]["text"], "secret");
    assert_eq!(maya["ephemerals"][0]["message"]["text"], "only you");
    assert_eq!(jonas["ephemerals"], json!([]));
    assert_eq!(maya["hints"][0]["text"], "let's move");
    assert_eq!(bot.seen_by("nobody").await["me"], MAYA);
}

#[tokio::test]
async fn typed_text_becomes_what_slack_would_store() {
    let bot = Bot::new(Options::default()).await;
    let typed = "see https://example.com/a?b=1&c=2, @jonas and `<raw> @jonas` in #general @secondlook <!channel>";
    let done =
        bot.act(json!({ "user": MAYA, "act": "say", "channel": "backend", "text": typed })).await;
    assert_eq!(done["ok"], true);
    let stored = "see <https://example.com/a?b=1&amp;c=2>, <@U0JONAS001> and `&lt;raw&gt; @jonas` in \
                  <#C0GENERAL1|general> <@U0SECONDLK> &lt;!channel&gt;";
    assert_eq!(bot.slack.messages("backend")[0]["text"], stored);
}

#[tokio::test]
async fn a_refusal_is_said_and_a_lever_reaches_its_owner() {
    let bot = Bot::new(Options::default()).await;
    let act = async |what: Value| bot.act(what).await;
    let unknown =
        act(json!({ "user": MAYA, "act": "say", "channel": "backend", "text": "/nope" })).await;
    assert_eq!(unknown["error"], "/nope is not a valid command.");
    let (pulled, _) = tokio::join!(
        bot.slack.pulled(),
        act(json!({ "user": MAYA, "act": "lever", "id": "monday" }))
    );
    assert_eq!(pulled.as_deref(), Some("monday"));
}

#[tokio::test]
async fn a_foreign_web_page_reaches_nothing() {
    let bot = Bot::new(Options::default()).await;
    let url = bot.slack.page_url();
    let status = async |name: &str, value: &str| {
        let request = bot.http.get(&url).header(name, value);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(status("host", "evil.example").await, 403);
    assert_eq!(status("origin", "https://evil.example").await, 403);
    assert_eq!(status("origin", "null").await, 403);
    assert_eq!(status("origin", url.trim_end_matches('/')).await, 200);
}
