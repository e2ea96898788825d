//! What the detector must hear, must not hear, and must survive.

use std::sync::LazyLock;

use super::*;

static PACKS: LazyLock<Packs> =
    LazyLock::new(|| Packs::embedded().expect("the embedded packs are valid"));

#[track_caller]
fn heard(text: &str) -> Verdict {
    let verdict = detect(&PACKS, text, &[]);
    assert!(verdict.proposal, "{text}: {:.2} {:?}", verdict.confidence, verdict.reasons);
    verdict
}

#[track_caller]
fn silent(text: &str) {
    let verdict = detect(&PACKS, text, &[]);
    assert!(!verdict.proposal, "{text}: {:.2} {:?}", verdict.confidence, verdict.reasons);
}

#[test]
fn reads_what_a_proposal_is_about() {
    let verdict = heard("Let's move off Mailchimp to Postmark, our mails land in spam again.");
    assert_eq!(verdict.from.as_deref(), Some("Mailchimp"));
    assert_eq!(verdict.to.as_deref(), Some("Postmark"));
    assert_eq!(verdict.kind, Kind::SwitchVendor);
    assert!(verdict.problem.is_some());
    assert!(verdict.evidence.is_empty());
    let verdict = heard("we should rewrite the billing service in Rust");
    assert_eq!((verdict.kind, verdict.stance), (Kind::Rewrite, Stance::Advocating));
}

#[test]
fn evidence_is_read_from_figures_with_their_source() {
    let verdict = heard(
        "p95 went from 300ms to 4s (<https://g.example/1|panel>). We should migrate search from Solr to Elasticsearch",
    );
    assert_eq!(verdict.evidence, [EvidenceKind::Metric, EvidenceKind::Link]);
}

#[test]
fn spans_refer_to_the_message_as_slack_sent_it() {
    let text = "<@U1> &amp; all: we *should* re-write the `old` parser :tada:";
    let verdict = detect(&PACKS, text, &[]);
    let words: Vec<&str> = verdict.spans.iter().map(|s| &text[s.start..s.end]).collect();
    assert!(words.contains(&"we *should") && words.contains(&"re-write"), "{words:?}");
}

#[test]
fn the_card_quotes_a_short_piece_of_the_message() {
    let text = "Hi all! Since tuesday I think we should switch to SendGrid";
    assert_eq!(heard(text).matched(text), "I think we should switch to SendGrid");
    let text = format!("we should move the database {} to postgres", "very ".repeat(40));
    assert!(detect(&PACKS, &text, &[]).matched(&text).len() <= 60);
    assert_eq!(detect(&PACKS, "", &[]).matched(""), "");
}

#[test]
fn the_words_of_others_are_not_the_writers() {
    silent("> we should rewrite everything in Rust");
    silent("&gt; let's migrate to Kubernetes\nthat was on a slide, funny");
    silent("```\n# TODO: we should migrate to postgres\n```");
    silent("\"we should just switch to linux and rewrite the backend\" is what he always says");
    silent("https://example.com/why-we-should-migrate-to-postgres");
}

#[test]
fn talk_about_other_things_is_left_alone() {
    for text in [
        "let's move on to the next topic",
        "running the migration on staging now",
        "can we merge this PR before the freeze?",
        "how do I switch to another branch?",
        "we migrated from svn to git in 2014",
        "please replace the certificate on lb-3",
        "@Second Look pause",
        "the switch in rack 4 needs a new power supply",
    ] {
        silent(text);
    }
}

#[test]
fn no_text_breaks_it() {
    for text in [
        "",
        " ",
        "\n\n",
        "\u{200b}",
        "🎉🎉🎉",
        "\u{202e}abc\u{202c}",
        "<",
        "<@",
        "&",
        "`",
        "```",
        ":",
        "::",
        "-",
        ">",
        "*",
        "$",
        "€",
        "#",
        "!",
        "\u{0}",
        "é",
        "ﬁ",
        "\u{feff}we",
    ] {
        let _ = detect(&PACKS, text, &[text]);
        let _ = asks_for_evidence(&PACKS, text);
    }
    let zero_width = "we sh\u{200b}ould mi\u{200b}grate the database to Postgres";
    heard(zero_width);
    heard("العربية: we should migrate the database to Postgres");
}

#[test]
fn a_person_who_asks_for_evidence_is_recognised() {
    for text in [
        "do we have the headers of one of those mails?",
        "any logs?",
        "what changed on tuesday?",
        "did anyone profile it?",
        "can you post the trace",
        "since when?",
        "what does the query plan say?",
        "Haben wir die Header von einer der Mails?",
    ] {
        assert!(asks_for_evidence(&PACKS, text), "{text}");
    }
    for text in [
        "sounds good",
        "let's do it",
        "who is in?",
        "I moved the logs to the other disk",
        "> any logs?",
        "we should leave Datadog",
    ] {
        assert!(!asks_for_evidence(&PACKS, text), "{text}");
    }
}

#[test]
fn a_fault_in_a_pack_names_file_line_and_reason() {
    let fault = |phrases: &str| {
        let source = PackSource { language: "en", phrases, weights: EN_WEIGHTS };
        Packs::from_sources(&[source]).expect_err("the pack is faulty")
    };
    assert_eq!(
        fault("fillers = []\n[mood]\npush-lets = [\"let's\", \"Let us\"]\n"),
        "packs/en.toml:3: \"Let us\": must be lower case"
    );
    assert_eq!(
        fault("[noun]\ncode = [\n  \"loop\",\n]\nmeta = [\"loop\"]\n"),
        "packs/en.toml:5: \"loop\": stands in the family code already"
    );
    assert!(fault("[noun\n").starts_with("packs/en.toml:1: "));
    assert!(fault("[nouns]\n").starts_with("packs/en.toml:1: "));
}

#[test]
fn a_workspace_may_name_its_own_systems() {
    let packs =
        Packs::with_names("[noun]\nsystem-app = [\"zonk tower\"]\n").expect("the names are valid");
    let text = "could we move the zonk tower?";
    let confidence = |packs: &Packs| detect(packs, text, &[]).confidence;
    assert!(confidence(&packs) > confidence(&PACKS));
    let fault =
        Packs::with_names("[noun]\nsystem-app = [\"Zonk\"]\n").expect_err("names are lower case");
    assert!(fault.starts_with("names of the workspace:2: "), "{fault}");
}
