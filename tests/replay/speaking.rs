//! What the bot would have said: the policy in the time of the messages.

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use secondlook::config::Speaking;
use secondlook::domain::channel::Patterns;
use secondlook::domain::detect::detect;
use secondlook::domain::knowledge::Knowledge;
use secondlook::domain::policy::{Limits, QuietHours, Silence};
use secondlook::replay::{self, Export, Report};

use super::{Files, day, folder, message, said, ts};

const MAILCHIMP: &str = "let's move off Mailchimp, our mails land in spam";
const POSTGRES: &str =
    "we should migrate everything from Postgres to MongoDB, the reports are too slow";
const ASKED: &str = "do we have the headers of one of those mails?";
const HOUR: u32 = 3_600;

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::embedded().unwrap());

fn replayed(files: Files<'_>) -> Report {
    replayed_with(files, None)
}

fn replayed_with(files: Files<'_>, quiet_hours: Option<QuietHours>) -> Report {
    let dir = folder(files);
    let settings = Speaking {
        limits: Limits::default(),
        quiet_hours,
        incidents: Patterns::default(),
        knowledge: vec![],
    };
    let export = Export::open(dir.path()).unwrap();
    replay::run(export, &KNOWLEDGE, &settings, |_, _| {}, |_| {})
}

/// What becomes of the messages of one channel: the second of each card, and why there was none.
#[track_caller]
fn check(channel: &str, messages: &[String], cards: &[u32], silences: &[(Silence, u64)]) {
    let file = format!("{channel}/2026-09-21.json");
    found(replayed(&[(&file, &day(messages))]), cards, silences);
}

#[track_caller]
fn found(report: Report, cards: &[u32], silences: &[(Silence, u64)]) {
    let said: Vec<&str> = report.prompts.iter().map(|prompt| prompt.ts.as_str()).collect();
    let expected: Vec<String> = cards.iter().map(|second| ts(*second)).collect();
    assert_eq!(said, expected);
    assert_eq!(report.silences.into_iter().collect::<Vec<_>>(), silences);
}

fn reply(second: u32, user: &str, text: &str, root: u32) -> String {
    message(second, user, text, &format!(r#","thread_ts":"{}""#, ts(root)))
}

#[test]
fn a_proposal_gets_a_card_after_its_quiet_period() {
    check("backend", &[said(0, "U1", MAILCHIMP), said(30, "U2", "lunch?")], &[0], &[]);
    check("backend", &[said(0, "U1", "lunch?")], &[], &[]);
}

#[test]
fn a_person_who_asks_first_silences_the_bot() {
    let asked = [(Silence::SomeoneAsked, 1)];
    check("backend", &[said(0, "U1", MAILCHIMP), said(30, "U2", ASKED)], &[], &asked);
    check("backend", &[said(0, "U1", MAILCHIMP), reply(30, "U2", ASKED, 0)], &[], &asked);
    // Too late, or by the writer: that is no other person asking first.
    check("backend", &[said(0, "U1", MAILCHIMP), said(61, "U2", ASKED)], &[0], &[]);
    check("backend", &[said(0, "U1", MAILCHIMP), reply(30, "U1", ASKED, 0)], &[0], &[]);
    // What was silenced counts for no cooldown.
    let again = [said(0, "U1", MAILCHIMP), said(30, "U2", ASKED), said(700, "U3", POSTGRES)];
    check("backend", &again, &[700], &asked);
    // Where the proposal is made in a thread, a question that was asked there just before counts too.
    let in_thread = [
        said(0, "U1", "the newsletter is broken"),
        reply(30, "U2", ASKED, 0),
        reply(60, "U1", MAILCHIMP, 0),
    ];
    check("backend", &in_thread, &[], &asked);
}

#[test]
fn a_question_silences_all_that_waits_in_the_channel_however_long_it_waits() {
    // 1_790_000_000 is a quarter past two in the afternoon; what is said then waits until three.
    let quiet = |messages: &[String]| {
        let hours = QuietHours::parse("14:00-15:00", &TimeZone::UTC).unwrap();
        replayed_with(&[("backend/2026-09-21.json", &day(messages))], Some(hours))
    };
    let asked = [(Silence::SomeoneAsked, 1)];
    found(quiet(&[said(0, "U1", MAILCHIMP)]), &[0], &[]);
    // Half an hour later the question is all that is left of what was heard: it was heeded when it came.
    found(quiet(&[said(0, "U1", MAILCHIMP), said(1_800, "U2", ASKED)]), &[], &asked);
    let elsewhere = [
        said(0, "U1", MAILCHIMP),
        said(1_700, "U3", "lunch?"),
        reply(1_800, "U2", ASKED, 1_700),
        said(9_000, "U3", "good night"),
    ];
    found(quiet(&elsewhere), &[], &asked);
    // Nor is it forgotten because others go on talking.
    let mut talk = vec![said(0, "U1", MAILCHIMP), said(1, "U2", ASKED)];
    talk.extend((2..20).map(|second| said(second, "U3", "lunch?")));
    check("backend", &talk, &[], &asked);
    found(quiet(&[said(0, "U1", MAILCHIMP), said(1_800, "U1", ASKED)]), &[0], &[]);
}

#[test]
fn a_thread_with_a_card_gets_no_other() {
    let thread = [said(0, "U1", MAILCHIMP), reply(9 * HOUR, "U2", POSTGRES, 0)];
    check("backend", &thread, &[0], &[]);
    let other = [said(0, "U1", "morning"), reply(HOUR, "U2", POSTGRES, 0)];
    check("backend", &other, &[HOUR], &[]);
}

#[test]
fn cooldown_topic_and_cap_count_in_the_time_of_the_messages() {
    check(
        "backend",
        &[
            said(0, "U1", MAILCHIMP),
            said(HOUR, "U2", POSTGRES),
            said(5 * HOUR, "U3", MAILCHIMP),
            said(6 * HOUR, "U2", POSTGRES),
            said(
                11 * HOUR,
                "U4",
                "can we replace Jenkins with GitHub Actions? builds wait for hours",
            ),
            said(
                40 * HOUR,
                "U4",
                "can we replace Jenkins with GitHub Actions? builds wait for hours",
            ),
        ],
        &[0, 6 * HOUR, 40 * HOUR],
        &[(Silence::TopicCooldown, 1), (Silence::ChannelCooldown, 1), (Silence::ChannelCap, 1)],
    );
}

#[test]
fn incident_and_shared_channels_get_no_card() {
    check("inc-7-mail", &[said(0, "U1", MAILCHIMP)], &[], &[(Silence::Incident, 1)]);
    let report = replayed(&[
        ("channels.json", r#"[{"id":"C1","name":"partner","is_ext_shared":true}]"#),
        ("partner/2026-09-21.json", &day(&[said(0, "U1", MAILCHIMP)])),
    ]);
    assert_eq!(report.silences[&Silence::External], 1);
    assert!(report.prompts.is_empty() && report.proposals == 1);
}

#[test]
fn the_context_crosses_batches_and_days() {
    const BEFORE: &str = "the newsletter is broken since the update of the domain";
    // As many as a batch, all within the minutes that context lasts; the last one matters.
    let mut first: Vec<String> = (0..255).map(|n| said(n, "U2", "ok")).collect();
    first.push(said(255, "U2", BEFORE));
    let mut one_day = first.clone();
    one_day.push(said(256, "U1", MAILCHIMP));
    let second = day(&[said(256, "U1", MAILCHIMP)]);
    let report = replayed(&[
        ("batches/2026-09-21.json", &day(&one_day)),
        ("days/2026-09-21.json", &day(&first)),
        ("days/2026-09-22.json", &second),
        ("none/2026-09-22.json", &second),
    ]);
    let with = |context: &[&str]| detect(&KNOWLEDGE.packs, MAILCHIMP, context).confidence;
    let (known, unknown) = (with(&["ok", BEFORE]), with(&[]));
    assert!((known - unknown).abs() > 0.001, "the context matters here");
    let told: Vec<f64> = report.prompts.iter().map(|prompt| prompt.confidence).collect();
    assert_eq!(told, [known, known, unknown]);
    let files: Vec<_> = report.prompts.iter().map(|prompt| prompt.file.as_str()).collect();
    assert_eq!(files, ["batches/2026-09-21.json", "days/2026-09-22.json", "none/2026-09-22.json"]);
    assert_eq!((report.counts.messages, report.channels[0].messages), (515, 257));
}

#[test]
fn a_card_names_its_rules_with_the_change_first() {
    let report = replayed(&[("backend/2026-09-21.json", &day(&[said(0, "U1", MAILCHIMP)]))]);
    let prompt = &report.prompts[0];
    assert_eq!((prompt.rule(), prompt.rules.len()), ("verb.leave", 2));
    assert!(prompt.rules[1].starts_with("mood."));
    let told: Vec<_> = report.rules().into_iter().map(|r| (r.matched, r.leads)).collect();
    assert_eq!(told, [(1, 0), (1, 1)]);
}

#[test]
fn secrets_in_a_message_do_not_reach_the_report() {
    let secret = "let's move off Mailchimp, our key xoxb-1234567890-abcdefghijkl keeps leaking";
    let report = replayed(&[("backend/2026-09-21.json", &day(&[said(0, "U1", secret)]))]);
    assert_eq!(report.prompts.len(), 1);
    assert!(!report.prompts[0].words.contains("abcdefghijkl"), "{}", report.prompts[0].words);
}
