//! What a newcomer does with `secondlook demo`, in a real browser: the program as it is shipped, its page, mouse and keyboard.

#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

mod chromium;
mod program;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use chromium::Page;
use program::Program;
use tempfile::TempDir;

const PROPOSAL: &str = "let's move off Mailchimp, our mails land in spam since Tuesday";
const HEADERS: &str = "```Authentication-Results: mx.example.net;
       dkim=fail (no key for signature) header.i=@acme.example header.s=k2;
       spf=pass smtp.mailfrom=bounce.acme.example;
       dmarc=fail (p=NONE) header.from=acme.example
Received: from mail.acme.example (192.0.2.10) by mx.example.net; Tue, 17 Nov 2026 08:00:01 +0000
From: Acme <news@acme.example>
Subject: November news```";
/// Text that would be markup, a script or a ping, were it not shown as text.
const HOSTILE: &str = "let's move off Mailchimp<script>document.title='owned'</script> <!channel>, our mails land in spam <img src=x onerror=alert(1)>";

const COMPOSER: &str = "[data-testid=composer]";
/// The button that jumps to Monday; none until the program has a weekly digest: `Some("[data-testid=lever-monday]")`.
const MONDAY: &str = "[data-testid=lever-digest]";
/// The channel where the weekly digest appears.
const DIGEST_CHANNEL: &str = "[data-testid=channel-general]";
const THREAD_COMPOSER: &str = "[data-testid=thread-composer]";
const CARD: &str = "[data-testid=thread] [data-testid=card]";
const MODAL: &str = "[data-testid=modal]";

/// The program as it is shipped, with empty channels and a port of the system's choice.
struct Demo {
    program: Program,
    url: String,
    _files: TempDir,
}

impl Demo {
    fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
        command.args(["demo", "--empty", "--port", "0"]);
        // Its temporary store goes with the test.
        command.current_dir(files.path()).env("TMPDIR", files.path());
        let program = Program::start(&mut command);
        let url = program.says("Open ");
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Self { program, url, _files: files }
    }

    fn open(&self, width: u32, height: u32) -> Page {
        let mut page = Page::open(width, height);
        page.go(&self.url);
        page.sees("[data-testid=about]", "Second Look is here");
        page
    }

    fn end(self) {
        assert!(self.program.end().success(), "the demo ended badly");
    }
}

#[test]
fn from_proposal_to_outcome() {
    let demo = Demo::start();
    let mut page = demo.open(1280, 900);

    // Ordinary talk is left alone.
    become_person(&mut page, "jonas", "Jonas Weber");
    page.send(COMPOSER, "Upgraded Redis to 7.4.1 on staging, no surprises.");
    become_person(&mut page, "maya", "Maya Lindqvist");
    page.send(COMPOSER, "Thanks! Who is on call this week?");

    // Maya proposes; a countdown shows that the bot waits; its card opens beside the channel.
    page.send(COMPOSER, PROPOSAL);
    page.sees("[data-testid=quiet]", "in case a person asks first");
    let card = page.sees(CARD, "I may be wrong");
    assert!(card.contains("move off Mailchimp"), "{card}");

    // Jonas pastes the headers of one mail; the card ticks and reads them.
    become_person(&mut page, "jonas", "Jonas Weber");
    page.send(THREAD_COMPOSER, HEADERS);
    let card = page.sees(CARD, "✓ mail headers");
    assert!(card.to_lowercase().contains("dkim"), "{card}");
    keep(&mut page);

    // Priya closes the case; the form asks for what is missing.
    become_person(&mut page, "priya", "Priya Raman");
    page.press(&format!("{CARD} [data-testid=action-close]"), "");
    page.press(&format!("{MODAL} [data-testid=modal-submit]"), "");
    page.sees("[data-testid=error-outcome]", "Please complete this required field");
    page.choose("[data-testid=field-outcome] select", "averted");
    page.gone("[data-testid=error-outcome]");
    page.choose("[data-testid=field-class] select", "email-auth");
    page.write("[data-testid=field-fixed] textarea", "Published the DKIM key of the new host");
    page.write("[data-testid=field-days] input", "0.5");
    page.press("[data-testid=modal-submit]", "");
    page.gone(MODAL);
    page.sees(CARD, "Closed: averted");
    page.sees(CARD, "Published the DKIM key");

    // The list knows the case, and only Priya sees the answer.
    page.send(COMPOSER, "/investigate list");
    let list = page.sees("[data-testid=ephemeral]", "Mailchimp");
    assert!(list.contains("averted") && list.contains("Only visible to you"), "{list}");

    // On Monday the digest tells of it.
    page.press(MONDAY, "");
    page.press(DIGEST_CHANNEL, "");
    let digest = page.sees("[data-testid=messages] [data-testid=card]", "Mailchimp");
    assert!(digest.to_lowercase().contains("averted"), "{digest}");
    page.press("[data-testid=channel-backend]", "");

    // Of the three messages in the channel one got a thread.
    let threads =
        "document.querySelectorAll('[data-testid=messages] [data-testid=open-thread]').length";
    assert_eq!(page.run(threads), 1);

    assert_eq!(page.faults(), Vec::<String>::new());
    demo.end();
}

#[test]
fn what_people_type_is_shown_as_text() {
    let demo = Demo::start();
    let mut page = demo.open(1280, 900);
    page.send(COMPOSER, HOSTILE);
    let message =
        page.sees("[data-testid=messages] [data-testid=message]", "our mails land in spam");
    assert!(message.contains(HOSTILE), "{message}");
    let card = page.sees(CARD, "I may be wrong");
    let inside = page.run("[document.title, document.scripts.length, document.querySelectorAll('#app script, #app img, .loud').length]");
    assert_eq!(inside, serde_json::json!(["Acme — playground", 1, 0]), "{card}");

    // The form quotes the proposal in its fields.
    page.press(&format!("{CARD} [data-testid=action-open]"), "");
    page.sees(MODAL, "");
    assert_eq!(page.run("document.querySelectorAll('#modal script, #modal img, .loud').length"), 0);
    page.press("[data-testid=modal-cancel]", "");
    page.gone(MODAL);
    assert_eq!(page.faults(), Vec::<String>::new());
}

#[test]
fn on_a_phone() {
    let demo = Demo::start();
    let mut page = demo.open(390, 844);
    fits(&mut page);
    page.send(COMPOSER, PROPOSAL);
    page.press("[data-testid=open-thread]", "1 reply");
    page.sees(CARD, "I may be wrong");
    fits(&mut page);
    page.send(THREAD_COMPOSER, HEADERS);
    page.sees(CARD, "✓ mail headers");
    fits(&mut page);

    // The address keeps the place: a phone that reloads shows the same thread.
    page.reload();
    page.sees(CARD, "✓ mail headers");
    page.press(&format!("{CARD} [data-testid=action-close]"), "");
    page.sees(MODAL, "");
    fits(&mut page);
    page.press("[data-testid=modal-cancel]", "");
    page.gone(MODAL);
    assert_eq!(page.faults(), Vec::<String>::new());
}

fn become_person(page: &mut Page, name: &str, full: &str) {
    page.press("[data-testid=people]", "");
    page.press(&format!("[data-testid=option-{name}]"), full);
    page.sees("[data-testid=people]", full);
}

/// Nothing sticks out of the window, and the page does not scroll sideways.
fn fits(page: &mut Page) {
    let wide = page.run("[...hands.sticking(), document.documentElement.scrollWidth]");
    assert_eq!(wide, serde_json::json!([390]));
}

/// The README's picture, where `SECONDLOOK_SCREENSHOT` names its place; see `docs/screenshot`.
fn keep(page: &mut Page) {
    page.run(&format!(
        "document.querySelector('{CARD}').scrollIntoView({{ behavior: 'instant' }})"
    ));
    let picture = page.picture();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() < 300_000, "{} bytes", picture.len());
    if let Some(place) = env::var_os("SECONDLOOK_SCREENSHOT") {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(place), picture).unwrap();
    }
}
