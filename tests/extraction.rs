//! What is read from a proposal: names, the clause that states the problem, how far it has come, and, on our own labelled
//! lines, kind, door and problem.

use secondlook::domain::Progress;
use secondlook::domain::detect::{Packs, Verdict, detect};
use serde_json::Value;

fn read(text: &str) -> Verdict {
    detect(&Packs::embedded().expect("the embedded packs are valid"), text, &[])
}

#[test]
fn names_are_trimmed_to_the_name() {
    for (text, from, to) in [
        ("let's move off Mailchimp to Postmark", Some("Mailchimp"), Some("Postmark")),
        ("I propose we rewrite our billing service in Rust", Some("billing service"), None),
        ("we should swap Stripe for Adyen", Some("Stripe"), Some("Adyen")),
        ("let's ditch the old Jenkins for GitHub Actions", Some("Jenkins"), Some("GitHub Actions")),
        (
            "we should replace Jenkins with GitHub Actions next quarter",
            Some("Jenkins"),
            Some("GitHub Actions"),
        ),
        ("Mailchimp → SendGrid? I'd switch", Some("Mailchimp"), Some("SendGrid")),
        (
            "The legacy importer breaks every quarter. Let's retire it",
            Some("legacy importer"),
            None,
        ),
        ("the parser needs a rewrite", Some("parser"), None),
        ("can we start using mypy everywhere?", None, Some("mypy")),
    ] {
        let verdict = read(text);
        assert_eq!((verdict.from.as_deref(), verdict.to.as_deref()), (from, to), "{text}");
    }
}

#[test]
fn the_problem_is_a_clause_and_never_the_proposal() {
    for (text, problem) in [
        ("let's move off Mailchimp, mails land in spam", Some("mails land in spam")),
        (
            "since midnight requests hang, time to replace our gateway",
            Some("since midnight requests hang"),
        ),
        (
            "we should leave Kafka because consumers lag behind for hours",
            Some("consumers lag behind for hours"),
        ),
        (
            "the nightly import crashes again. What if we rewrote it in Go?",
            Some("the nightly import crashes again"),
        ),
        ("Let's adopt Terraform, everyone uses it these days", None),
        ("I think we should replace Jenkins with GitHub Actions next quarter", None),
    ] {
        assert_eq!(read(text).problem.as_deref(), problem, "{text}");
    }
}

#[test]
fn what_is_decided_or_begun_is_told_apart() {
    for (text, progress) in [
        ("we should move from Jenkins to GitHub Actions", Progress::Open),
        ("as decided, we should move from Jenkins to GitHub Actions", Progress::Decided),
        ("we're going ahead with GitLab, let's leave Jenkins by March", Progress::Decided),
        (
            "we started moving the builds, let's replace Jenkins in the last repos too",
            Progress::UnderWay,
        ),
    ] {
        assert_eq!(read(text).progress, progress, "{text}");
    }
}

#[test]
fn the_size_is_told_by_counts_and_by_words_for_everybody() {
    let verdict = read("let's move all eleven squads from Jira to Linear by Q2");
    assert_eq!(verdict.scale, ["eleven squads", "by Q2"]);
}

/// Of our own labelled proposals, read by weights that have seen them: the figure falls where reading breaks.
#[test]
fn kind_door_and_problem_are_read_from_our_own_lines() {
    let packs = Packs::embedded().expect("the embedded packs are valid");
    let (mut all, mut right) = (0_u32, [0_u32; 3]);
    for line in include_str!("corpus/proposals.ndjson").lines() {
        let row: Value = serde_json::from_str(line).expect("every line of the corpus is JSON");
        let verdict = detect(&packs, row["text"].as_str().unwrap_or_default(), &[]);
        if !verdict.proposal {
            continue;
        }
        all += 1;
        let told = [
            row["kind"] == verdict.kind.as_str(),
            row["door"] == verdict.door.as_str(),
            row["problem"] == verdict.problem.is_some(),
        ];
        if told.contains(&false) {
            println!("{told:?} {line}");
        }
        for (count, right) in right.iter_mut().zip(told) {
            *count += u32::from(right);
        }
    }
    println!("of {all}: kind {}, door {}, problem {}", right[0], right[1], right[2]);
    assert!(all >= 100 && right.iter().all(|count| f64::from(*count) >= 0.9 * f64::from(all)));
}
