//! What the card says, and that it fits a phone whatever is on it.

use jiff::Timestamp;

use super::*;
use crate::domain::detect::{Packs, detect};
use crate::domain::evidence::{Recognisers, Source, recognise};
use crate::domain::investigation::tests::beginning;
use crate::domain::investigation::{CaseNumber, Evidence, OutcomeKind};
use crate::domain::knowledge::Knowledge;

fn knowledge() -> Knowledge {
    Knowledge::embedded().unwrap()
}

fn case_about(said: &str, packs: &Packs) -> Case {
    let beginning = beginning(said, detect(packs, said, &[]));
    Case { state: State::Prompted, ..Case::begin(CaseNumber(7), beginning, Timestamp::UNIX_EPOCH) }
}

fn evidence(text: &str, recognisers: &Recognisers) -> Vec<Evidence> {
    recognise(recognisers, Source::Text(text))
        .into_iter()
        .map(|finding| Evidence {
            kind: finding.kind,
            by: None,
            at: Timestamp::UNIX_EPOCH,
            message: None,
            file: None,
            permalink: None,
            excerpt: None,
            reading: finding.reading,
        })
        .collect()
}

#[track_caller]
fn fits(card: &Card) {
    let text = card.fallback();
    assert!(card.lines.len() <= LINES_MAX, "{} lines:\n{text}", card.lines.len());
    assert!(text.chars().count() <= CHARS_MAX, "{} characters:\n{text}", text.chars().count());
    assert!(!text.contains('⟦'), "a phrase is missing:\n{text}");
}

#[test]
fn it_fits_a_phone_for_every_class_in_every_language() {
    let knowledge = knowledge();
    let headers = "Authentication-Results: mx.example.net; dkim=fail header.i=@acme.example; spf=softfail smtp.mailfrom=acme.example; dmarc=fail header.from=acme.example";
    for class in knowledge.catalog.classes() {
        for language in ["en", "de"] {
            let said = format!(
                "let's replace the platform, {} {}",
                class.definition,
                "and it is slow ".repeat(40)
            );
            let mut case = case_about(&said, &knowledge.packs);
            case.problem = Some(cut(&said, 160));
            case.matched = cut(&said, 80);
            case.given = vec![EvidenceKind::ResourceSnapshot, EvidenceKind::DistributedTrace];
            let wording = knowledge.wordings.of(language);
            fits(&card(&case, &knowledge.catalog, wording));
            let read = evidence(headers, &knowledge.recognisers);
            case.evidence = [read.clone(), read.clone(), read].concat();
            case.door = Door::TwoWay;
            fits(&card(&case, &knowledge.catalog, wording));
            case.state = State::Open;
            fits(&card(&case, &knowledge.catalog, wording));
            let outcome = Outcome {
                kind: OutcomeKind::Averted,
                class: Some(class.id.clone()),
                fixed: Some("long ".repeat(200)),
                days: Some(0.5),
                by: None,
                at: Timestamp::UNIX_EPOCH,
                forgotten_at: None,
            };
            case = Case { state: State::Closed, outcome: Some(outcome), ..case };
            fits(&card(&case, &knowledge.catalog, wording));
        }
    }
}

#[test]
fn every_suspect_is_shown_with_its_whole_command() {
    let knowledge = knowledge();
    let wording = knowledge.wordings.of("en");
    for class in knowledge.catalog.classes() {
        let check = &class.checks[0];
        assert!(!check.run.contains('`'), "{}: a ` would end the code span early", class.id);
        let lines = ways_to_find_out(None, &[(class, check)], &Names::default(), &[], wording);
        let text: String = lines.iter().map(plain).collect();
        assert!(text.contains(&check.run), "{}: {text}", class.id);
    }
}

#[test]
fn without_a_symptom_it_asks_one_question_and_names_no_suspect() {
    let knowledge = knowledge();
    let case = case_about("let's move off Mailchimp", &knowledge.packs);
    let card = card(&case, &knowledge.catalog, knowledge.wordings.of("en"));
    let text = card.fallback();
    assert!(text.contains("which problem would this solve"), "{text}");
    assert!(!text.contains("Cheapest ways"), "{text}");
}

#[test]
fn what_the_message_tells_is_not_asked() {
    let knowledge = knowledge();
    let ask = |said: &str| {
        let case = case_about(said, &knowledge.packs);
        card(&case, &knowledge.catalog, knowledge.wordings.of("en")).fallback()
    };
    let all = ask("let's move off Mailchimp, our mails land in spam");
    assert!(all.contains("since when") && all.contains("what changed"), "{all}");
    let told =
        ask("let's move off Mailchimp, our mails land in spam since we changed the sending host");
    assert!(!told.contains("since when") && !told.contains("what changed"), "{told}");
}

#[test]
fn a_reading_says_which_class_it_moves_and_why() {
    let knowledge = knowledge();
    let reading = Reading {
        says: "DKIM: fail".to_owned(),
        line: "dkim=fail header.i=@acme.example".to_owned(),
        supports: vec!["email-auth".into()],
        against: vec![],
    };
    let line = plain(&reading_line(&reading, &knowledge.catalog, knowledge.wordings.of("en")));
    assert!(line.contains("DKIM: fail — supports") && line.contains("dkim=fail"), "{line}");
    let against = Reading { supports: vec![], against: vec!["email-auth".into()], ..reading };
    let line = plain(&reading_line(&against, &knowledge.catalog, knowledge.wordings.of("en")));
    assert!(line.contains("speaks against"), "{line}");
}

#[test]
fn nobody_is_told_that_they_are_wrong() {
    let knowledge = knowledge();
    let verdict_words = [
        "you are wrong",
        "you should have",
        "obviously",
        "simply",
        "just ",
        "wrong with you",
        "bad idea",
    ];
    for (language, said) in [("en", "let's move off Mailchimp, mails land in spam")] {
        let case = case_about(said, &knowledge.packs);
        let text = card(&case, &knowledge.catalog, knowledge.wordings.of(language))
            .fallback()
            .to_lowercase();
        for words in verdict_words {
            assert!(!text.contains(words), "{words} in {text}");
        }
    }
}

#[test]
fn a_card_whose_words_are_gone_says_so() {
    let knowledge = knowledge();
    let began = Timestamp::UNIX_EPOCH;
    let outcome = Outcome {
        kind: OutcomeKind::Averted,
        class: Some("email-auth".into()),
        fixed: None,
        days: Some(2.0),
        by: None,
        at: began,
        forgotten_at: Some(began + jiff::SignedDuration::from_hours(24 * 730)),
    };
    let mut case = case_about("let's move off Mailchimp, mails land in spam", &knowledge.packs);
    case.forget_words();
    let shown = |case: &Case, language: &str| {
        card(case, &knowledge.catalog, knowledge.wordings.of(language)).fallback()
    };
    let ended = Case { state: State::Closed, outcome: Some(outcome), ..case.clone() };
    for (language, says) in [
        (
            "en",
            ["its words were deleted after 730 days", "deleted with its words, if any", "averted"],
        ),
        ("de", ["wurden nach 730 Tagen gelöscht", "mit den Worten gelöscht", "abgewendet"]),
    ] {
        let text = shown(&ended, language);
        for words in says {
            assert!(text.contains(words), "{words} not in\n{text}");
        }
    }
    // Opened by evidence after its words went: nobody knows when that was.
    let opened = Case { state: State::Open, ..case };
    assert!(shown(&opened, "en").contains("Investigation 7: its words are not kept"));
}
