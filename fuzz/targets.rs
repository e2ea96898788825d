//! What must hold for any bytes. Shared by the fuzzers in `fuzz_targets/` and by `tests/fuzz_corpus.rs`, which replays
//! the committed corpus on every run of the tests.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit as _, Mac as _};
use secondlook::app::ports::Workspace;
use secondlook::domain::detect::{asks_for_evidence, detect};
use secondlook::domain::diagnose::{Symptom, diagnose};
use secondlook::domain::evidence::{Source, recognise, redact};
use secondlook::domain::knowledge::Knowledge;
use secondlook::replay::Export;
use secondlook::slack::decode::{decode, readable, workspaces_of};
use secondlook::slack::http::Signature;
use secondlook::slack::{Delivery, DeliveryKind};
use secrecy::SecretString;

static KNOWLEDGE: LazyLock<Knowledge> =
    LazyLock::new(|| Knowledge::embedded().expect("the embedded data is valid"));

/// A target: its name, which names its corpus folder as well, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const ALL: &[Target] = &[
    ("decoder", decoder),
    ("signature", signature),
    ("normaliser", normaliser),
    ("detector", detector),
    ("diagnosis", diagnosis),
    ("recognisers", recognisers),
    ("export", export),
];

/// Any JSON is decoded or ignored; nothing panics, and nothing is believed to be another workspace's.
pub fn decoder(data: &[u8]) {
    let Ok(payload) = serde_json::from_slice(data) else { return };
    let workspace = Workspace {
        id: workspaces_of(&payload).into_iter().next().unwrap_or_else(|| "T1".into()),
        bot_user: "UBOT".into(),
        bot_id: "BBOT".to_owned(),
        url: "https://acme.slack.com/".to_owned(),
    };
    for kind in [DeliveryKind::Events, DeliveryKind::Interactive, DeliveryKind::Command] {
        let delivery = Delivery { kind, payload: payload.clone() };
        if let Ok(incoming) = decode(&delivery, &workspace) {
            assert_eq!(incoming.workspace, workspace.id);
            assert!(
                !incoming.key.is_empty(),
                "an event without a key could not be recognised again"
            );
        }
    }
}

/// Nothing is taken for Slack's that wasn't signed with the secret, fresh, over just these bytes.
pub fn signature(data: &[u8]) {
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.splitn(3, '\n');
    let (given, at, body) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let door = Signature::new(&SecretString::from(SECRET));
    let sign = |at: &str, body: &str| {
        let mut mac =
            Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length is a key");
        mac.update(format!("v0:{at}:{body}").as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().fold("v0=".to_owned(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    let fresh = now().to_string();
    assert!(
        given == sign(at, body) || !door.is_valid(Some(given), Some(at), body),
        "a forged signature was taken"
    );
    assert!(
        door.is_valid(Some(&sign(&fresh, body)), Some(&fresh), body),
        "Slack's own was turned away"
    );
    assert!(
        !door.is_valid(Some(&sign(&fresh, body)), Some(&fresh), &format!("{body} ")),
        "another body was taken"
    );
    let old = (now() - 301).to_string();
    assert!(!door.is_valid(Some(&sign(&old, body)), Some(&old), body), "an old delivery was taken");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the signature's age is judged by the machine's clock"
)]
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d: Duration| d.as_secs())
}

/// Slack's markup becomes plain words, and features are found in any text.
pub fn normaliser(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let plain = readable(&text);
    assert!(plain.len() <= text.len() * 12 + 16, "plain words must not outgrow the markup");
    let packs = &KNOWLEDGE.packs;
    drop(packs.features(&text, &[&plain]));
}

/// A verdict is the same each time, and its spans are places in the text.
pub fn detector(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (before, said) = text.rsplit_once('\u{1f}').unwrap_or(("", &text));
    let context: Vec<&str> = before.split('\u{1f}').filter(|line| !line.is_empty()).collect();
    let packs = &KNOWLEDGE.packs;
    let verdict = detect(packs, said, &context);
    assert_eq!(verdict, detect(packs, said, &context), "the same message, another verdict");
    assert!((0.0..=1.0).contains(&verdict.confidence));
    for span in &verdict.spans {
        assert!(said.get(span.start..span.end).is_some(), "a span outside the text");
    }
    assert!(verdict.matched(said).len() <= said.len());
    let _ = asks_for_evidence(packs, said);
}

/// Suspects are ranked, and each is in the catalogue.
pub fn diagnosis(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let catalog = &KNOWLEDGE.catalog;
    let found = diagnose(catalog, &Symptom { symptom: &text, proposal: None, readings: &[] });
    assert!(found.ask_first.len() <= 4);
    assert!(found.suspects.is_sorted_by(|a, b| a.score >= b.score), "the likeliest comes first");
    for suspect in &found.suspects {
        assert!(catalog.class(&suspect.class).is_some() && suspect.score.is_finite());
    }
}

/// Evidence stands in the text, and what was redacted once has nothing more to hide.
pub fn recognisers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let recognisers = &KNOWLEDGE.recognisers;
    for finding in recognise(recognisers, Source::Text(&text)) {
        assert!(text.get(finding.span.0..finding.span.1).is_some(), "evidence outside the text");
    }
    let once = redact(recognisers, &text);
    let twice = redact(recognisers, &once.text);
    assert_eq!(once.text, twice.text, "redacting again changed the text");
}

/// Any file is an export, or refused; what is read of a day is no more than stood in it. The bytes are taken for a zip,
/// and for one day of a channel.
pub fn export(data: &[u8]) {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let zip = dir.path().join("export.zip");
    std::fs::write(&zip, data).expect("a file can be written");
    drop(Export::open(&zip).map(messages));
    let folder = dir.path().join("export");
    std::fs::create_dir_all(folder.join("general")).expect("a folder can be made");
    std::fs::write(folder.join("general/2026-01-02.json"), data).expect("a file can be written");
    let read = Export::open(&folder).map(messages).expect("a folder with a channel is an export");
    assert!(
        read <= String::from_utf8_lossy(data).matches('{').count(),
        "more messages than objects"
    );
}

/// How many messages an export holds.
fn messages(mut export: Export) -> usize {
    let mut count = 0;
    for channel in 0..export.channels.len() {
        while let Some(file) = export.next_day(channel) {
            count += file.day.messages.len();
        }
    }
    count
}
