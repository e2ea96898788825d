//! What the digest says, and what it leaves out.

use std::sync::LazyLock;

use jiff::SignedDuration;

use super::*;
use crate::domain::detect::Verdict;
use crate::domain::evidence::{EvidenceKind, Reading};
use crate::domain::investigation::{Beginning, CaseNumber, Origin};
use crate::domain::wording::{Wordings, plain};
use crate::domain::{Door, Kind, Progress, Stance};

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());
static WORDINGS: LazyLock<Wordings> = LazyLock::new(|| Wordings::embedded().unwrap());

/// The week of Monday, 16 November 2026.
fn week() -> Period {
    Schedule::default().of("2026-W47".parse().unwrap()).unwrap()
}

fn day(number: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * number)
}

fn open(number: u32, title: &str) -> Case {
    let verdict = Verdict {
        proposal: true,
        confidence: 0.9,
        kind: Kind::Other,
        from: None,
        to: None,
        problem: None,
        evidence: vec![],
        stance: Stance::Advocating,
        door: Door::Costly,
        spans: vec![],
        reasons: vec![],
        scale: vec![],
        progress: Progress::Open,
        language: "en",
    };
    let beginning = Beginning {
        workspace: "T1".into(),
        channel: "C1".into(),
        private: false,
        root: None,
        message: None,
        author: "U0AUTHOR01".into(),
        origin: Origin::Command,
        said: title.to_owned(),
        verdict,
        topic: String::new(),
        evidence: vec![],
    };
    let began = week().from + day(1);
    let case = Case::begin(CaseNumber(number), beginning, began);
    Case { state: State::Open, title: title.to_owned(), opened_at: Some(began), ..case }
}

fn closed(number: u32, title: &str, kind: OutcomeKind) -> Case {
    let outcome = Outcome {
        kind,
        class: None,
        fixed: None,
        days: None,
        by: Some("U0CLOSER01".into()),
        at: week().from + day(2),
        forgotten_at: None,
    };
    Case { state: State::Closed, outcome: Some(outcome), ..open(number, title) }
}

fn evidence(says: Option<&str>, supports: &[&str]) -> Evidence {
    Evidence {
        kind: EvidenceKind::MailHeaders,
        by: Some("U0POSTER01".into()),
        at: week().from,
        message: None,
        file: None,
        permalink: None,
        excerpt: None,
        reading: says.map(|says| Reading {
            says: says.to_owned(),
            line: says.to_owned(),
            supports: supports.iter().map(|class| (*class).into()).collect(),
            against: vec![],
        }),
    }
}

fn told_in(channel: Option<&str>, cases: &[Case]) -> Option<String> {
    let channel = channel.map(ChannelId::from);
    let wording = WORDINGS.of("en");
    let lines = digest(cases, &week(), channel.as_ref(), week().at, &CATALOG, wording)?;
    Some(lines.iter().map(plain).collect::<Vec<_>>().join("\n"))
}

fn told(cases: &[Case]) -> String {
    told_in(None, cases).unwrap()
}

#[test]
fn every_way_to_end_has_its_section_in_the_order_of_the_numbers() {
    let said = told(&[
        closed(5, "move to Kafka", OutcomeKind::Go),
        closed(4, "rewrite in Go", OutcomeKind::RightSized),
        closed(2, "switch to SendGrid", OutcomeKind::Averted),
        closed(1, "drop Redis", OutcomeKind::Averted),
        closed(3, "split the monolith", OutcomeKind::Hold),
        Case { opened_at: Some(week().from - day(1)), ..open(6, "buy a CRM") },
        open(7, "new cloud"),
    ]);
    assert_eq!(
        said,
        "The week 2026-W47 — 2026-11-16 to 2026-11-22, as people recorded it

Averted — unconfirmed, so not counted: nobody has seen how it would have been if it had gone ahead
• 1 · drop Redis
– no evidence posted
• 2 · switch to SendGrid
– no evidence posted

Right-sized — a smaller change does it
• 4 · rewrite in Go
– no evidence posted

Going ahead — people looked twice, and the big change is on
• 5 · move to Kafka
– no evidence posted

Ended otherwise
• 3 · split the monolith — on hold.
– no evidence posted

Open for more than a week
• 6 · buy a CRM — since 2026-11-15

Open
• 7 · new cloud — since 2026-11-17"
    );
}

#[test]
fn the_reading_that_speaks_for_the_class_decides() {
    let mut case = closed(1, "switch to SendGrid", OutcomeKind::Averted);
    let class = CATALOG.classes()[0].id.clone();
    let decisive = evidence(Some("DKIM: fail"), &[class.as_str()]);
    let later = evidence(Some("SPF: pass"), &["other"]);
    case.evidence = vec![evidence(None, &[]), decisive, later, evidence(None, &[])];
    assert!(told(std::slice::from_ref(&case)).contains("– mail headers: “SPF: pass”"));
    let outcome = case.outcome.as_mut().unwrap();
    outcome.class = Some(class);
    outcome.fixed = Some("Published the key.".to_owned());
    let said = told(std::slice::from_ref(&case));
    assert!(said.contains("– mail headers: “DKIM: fail”"), "{said}");
    assert!(said.contains("Published the key.\n"), "{said}");
    case.evidence = vec![evidence(None, &[])];
    assert!(told(&[case]).ends_with("– mail headers"));
}

#[test]
fn nobody_is_named_and_nothing_is_called_saved() {
    let mut case = closed(1, "switch to SendGrid", OutcomeKind::Averted);
    case.evidence = vec![evidence(Some("DKIM: fail"), &[])];
    case.opened_by = Some("U0OPENER01".into());
    let said = told(&[case, open(2, "new cloud")]);
    for word in ["U0", "@", "saved", "saving", "thanks to", "best", "top "] {
        assert!(!said.contains(word), "{word}: {said}");
    }
}

#[test]
fn private_cases_are_told_where_they_stand_only() {
    let private =
        Case { private: true, channel: "G1".into(), ..closed(1, "drop Redis", OutcomeKind::Go) };
    let cases = [private, closed(2, "new cloud", OutcomeKind::Go)];
    for (channel, seen) in [(None, false), (Some("C1"), false), (Some("G1"), true)] {
        assert_eq!(told_in(channel, &cases).unwrap().contains("drop Redis"), seen, "{channel:?}");
    }
    assert_eq!(told_in(Some("C1"), &cases[..1]), None);
}

#[test]
fn a_week_is_quiet_when_nothing_ended_began_or_became_overdue() {
    assert_eq!(told_in(None, &[]), None);
    let opened = |days| Case { opened_at: Some(week().from - day(days)), ..open(1, "new cloud") };
    assert_eq!(told_in(None, &[opened(8)]), None, "it was told last week that it is overdue");
    assert!(told_in(None, &[opened(7)]).is_some());
    assert_eq!(told_in(None, &[opened(-7)]), None, "opened after this week");
    let late = Outcome { at: week().until, ..closed(1, "x", OutcomeKind::Go).outcome.unwrap() };
    let after = Case { outcome: Some(late), ..closed(1, "x", OutcomeKind::Go) };
    assert_eq!(told_in(None, &[after]), None);
}

#[test]
fn any_number_of_cases_fits_a_message() {
    use OutcomeKind::{Averted, Go, Hold, RightSized};
    let class = CATALOG.classes()[0].id.clone();
    let long = "w".repeat(80);
    let cases: Vec<Case> = (0..400)
        .map(|n| {
            let mut case = closed(n, &long, [Averted, Go, Hold, RightSized][n as usize % 4]);
            if n % 10 == 0 {
                return open(n, &long);
            }
            let outcome = case.outcome.as_mut().unwrap();
            outcome.class = Some(class.clone());
            outcome.fixed = Some("w".repeat(3000));
            case.evidence = vec![evidence(Some(&"w".repeat(500)), &[])];
            case
        })
        .collect();
    let said = told(&cases);
    // Slack refuses about 13,200 characters; links and escapes come on top.
    assert!(said.chars().count() < 10_000, "{}", said.chars().count());
    assert!(said.contains("… and 35 more"), "{said}");
}

#[test]
fn a_week_of_long_ago_is_told_without_the_words_that_went() {
    let mut case = Case {
        evidence: vec![evidence(Some("DKIM: fail"), &[])],
        ..closed(1, "move off Mailchimp", OutcomeKind::Averted)
    };
    case.forget_ended(week().until + day(400));
    let lines = digest(&[case], &week(), None, week().at, &CATALOG, WORDINGS.of("en")).unwrap();
    let text = lines.iter().map(plain).collect::<Vec<_>>().join("\n");
    for says in ["1 · its words were deleted after 405 days", "evidence deleted with its words"] {
        assert!(text.contains(says), "{says} not in\n{text}");
    }
    assert!(!text.contains("Mailchimp") && !text.contains("no evidence posted"), "{text}");
}
