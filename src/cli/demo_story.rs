//! The story the playground opens with, told by the people in it; the bot's part is the bot's own.

use serde_json::{Value, json};

use crate::playground::{Hint, Playground, Refused, Say, World};

const MAYA: &str = "U0MAYA0001";
const JONAS: &str = "U0JONAS001";
const PRIYA: &str = "U0PRIYA001";
const TOMAS: &str = "U0TOMAS001";

const DKIM: &str = "```Authentication-Results: mx.example.net;\n       dkim=fail (no key for signature) header.i=@acme.example header.s=k2;\n       spf=pass smtp.mailfrom=bounce.acme.example;\n       dmarc=fail (p=NONE) header.from=acme.example\nReceived: from mail.acme.example (192.0.2.10) by mx.example.net; Tue, 17 Nov 2026 08:00:01 +0000\nFrom: Acme <news@acme.example>\nSubject: November news```";

const PLAN: &str = "```Seq Scan on orders  (cost=0.00..48211.00 rows=12 width=64) (actual time=3.1..4093.7 rows=9 loops=1)\n  Filter: (customer_id = 4711)\n  Rows Removed by Filter: 1250412\nPlanning Time: 0.2 ms\nExecution Time: 4094.1 ms```";

/// Messages a visitor can try.
pub(super) fn hints() -> Vec<Hint> {
    let hint = |label: &str, text: &str, in_thread| Hint {
        label: label.to_owned(),
        text: text.to_owned(),
        in_thread,
    };
    vec![
        hint("A proposal", "let's move off Mailchimp, our mails land in spam since Tuesday", false),
        hint(
            "Another one",
            "we should split the monolith into microservices, the orders page takes 8 seconds",
            false,
        ),
        hint("Ordinary talk", "migrated the staging database yesterday, all good", false),
        hint("Mail headers", DKIM, true),
        hint("A query plan", PLAN, true),
        hint("A person asks first", "do we have the headers of one of those mails?", true),
    ]
}

/// Plays the story; where a visitor has changed the scene meanwhile, the rest is left out.
pub(super) async fn play(slack: &Playground) {
    // A visitor may delete or archive what the story needs: that is their right, and no fault.
    drop(chatter(slack));
    drop(averted(slack).await);
}

fn chatter(slack: &Playground) -> Result<(), Refused> {
    let lines = [
        ("general", TOMAS, "Morning! Release notes for 4.2 are in the wiki."),
        ("general", PRIYA, "On call this week: Jonas, then me."),
        ("random", MAYA, "Whoever fixed the coffee machine: thank you."),
        ("backend", JONAS, "Upgraded Redis to 7.4.1 on staging, no surprises."),
    ];
    lines
        .iter()
        .try_for_each(|(channel, user, text)| slack.say(Say::new(channel, user, text)).map(drop))
}

/// A case from proposal to outcome.
async fn averted(slack: &Playground) -> Result<(), Refused> {
    let proposal = "Support says newsletter mails land in spam since we changed the sending host. Let's switch from Mailchimp to SendGrid this quarter.";
    let thread = slack.say(Say::new("backend", MAYA, proposal))?;
    let Some(card) = card(slack, &thread, "").await else { return Ok(()) };
    slack.say(
        Say::new("backend", PRIYA, "Good question. Here is one from my inbox:").in_thread(&thread),
    )?;
    slack.say(Say::new("backend", PRIYA, DKIM).in_thread(&thread))?;
    if self::card(slack, &thread, "✓").await.is_none() {
        return Ok(());
    }
    slack.say(
        Say::new(
            "backend",
            JONAS,
            "The new host signs with k2, and that key was never published. Adding the record.",
        )
        .in_thread(&thread),
    )?;
    slack.click(JONAS, "backend", card["ts"].as_str().unwrap_or_default(), "close").await?;
    let open = |world: &World| world.views(JONAS).last().map(|view| view.id().to_owned());
    let Ok(view) = slack.wait_until(open).await else { return Ok(()) };
    let answers = json!({
        "outcome": "averted", "class": "email-auth",
        "fixed": "Published the DKIM key of the new host", "days": "1",
    });
    slack.submit(JONAS, &view, &answers).await.map(drop)
}

/// Waits for the bot's card in a thread to say something.
async fn card(slack: &Playground, thread: &str, words: &str) -> Option<Value> {
    let says = |message: &Value| {
        message["bot_id"].is_string() && message["text"].to_string().contains(words)
    };
    let found = slack
        .wait_until(|world| world.thread("backend", thread).into_iter().find(|m| says(m)))
        .await;
    found.ok()
}
