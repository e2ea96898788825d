//! The shipped catalogue, the validator, a workspace's own files, and readings.

use std::sync::LazyLock;

use super::super::evidence::Reading;
use super::{Catalog, Diagnosis, Symptom, diagnose};

/// The catalogue that ships, loaded once for all tests.
pub(super) static SHIPPED: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::embedded().expect("the shipped catalogue is valid"));

fn names(diagnosis: &Diagnosis) -> Vec<&str> {
    diagnosis.named().map(|suspect| suspect.class.as_str()).collect()
}

fn faults(own: &str) -> Vec<String> {
    let faults = Catalog::embedded_with(&[("own.toml", own)]).expect_err("the file has faults");
    faults.0.iter().map(ToString::to_string).collect()
}

const OWN_CLASS: &str = r#"family = "SHOP"
family_name = "Our shop"

[[class]]
id = "price-feed"
kind = "configurational"
title = "Price feed"
question = "The nightly price feed?"
definition = "The supplier's file did not arrive, so yesterday's prices are shown."
hides_behind = "a new shop system"
confused_with = ["cache-config"]
reversibility = "Load the file by hand."
big_change_right = "If the file is late every week."
last_reviewed = "2026-11-01"
[class.cues]
strong = ["yesterday price", "price feed"]
[[class.check]]
run = "ls -l /feeds/prices.csv"
confirms = "older than today"
rules_out = "from today"
minutes = 1
safe = true
evidence = "log"
post = "date and size of the file"
"#;

#[test]
fn all_fifty_classes_are_there_and_fit_a_card() {
    assert_eq!(SHIPPED.classes().len(), 50);
    for class in SHIPPED.classes() {
        assert!(class.question.ends_with('?') && class.question.len() <= 70, "{}", class.question);
        assert!((2..=3).contains(&class.checks.len()), "{}", class.id);
        assert!(class.heard.len() >= 8, "{}", class.id);
        assert!(!class.confused_with.is_empty(), "{}", class.id);
        for check in &class.checks {
            assert!(check.run.chars().count() <= 130, "{}: {}", class.id, check.run);
            assert!(!check.post.contains('`') && check.minutes > 0, "{}: {}", class.id, check.post);
        }
        assert!(class.checks[0].safe, "{}: the first check has to be safe", class.id);
    }
}

#[test]
fn every_fault_is_named_with_its_line() {
    let found = faults(
        "[[class]]\nid = \"x\"\n\n[[cues]]\nclass = \"nope\"\nstrong = [\"@nope fail\"]\ncolour = 1\n",
    );
    for expected in [
        "own.toml:1: the file needs 'family' and 'family_name' before its classes",
        "own.toml:1: 'title' is missing",
        "own.toml:1: 'x' needs at least one [[class.check]]",
        "own.toml:5: no class is called 'nope'",
        "own.toml:6: \"@nope fail\": no group is called 'nope'",
        "own.toml:7: 'colour' is not a field here",
    ] {
        assert!(found.iter().any(|fault| fault == expected), "{expected} not in {found:#?}");
    }
    assert!(faults("a = [1,\nb")[0].starts_with("own.toml:"));
    let twice = faults(&OWN_CLASS.replace("price-feed", "dns-record"));
    assert_eq!(twice, ["own.toml:5: the class 'dns-record' is defined twice"]);
    let date = faults(&OWN_CLASS.replace("2026-11-01", "last spring"));
    assert_eq!(date, ["own.toml:14: 'last_reviewed' has to be a date like 2026-11-21"]);
}

#[test]
fn a_workspace_adds_classes_cues_and_checks() {
    let more = "\n[[cues]]\nclass = \"email-auth\"\nstrong = [\"listserv silent\"]\n\n[[check]]\nclass = \
                \"email-auth\"\nrun = \"ask the postmaster\"\nconfirms = \"yes\"\nrules_out = \"no\"\nminutes = \
                5\nsafe = true\nevidence = \"log\"\npost = \"the answer\"\n";
    let own = format!("{OWN_CLASS}{more}");
    let catalog = Catalog::embedded_with(&[("own.toml", &own)]).expect("the files are valid");
    let symptom = "the shop shows yesterday's prices";
    let found = diagnose(&catalog, &Symptom { symptom, ..Symptom::default() });
    assert_eq!(names(&found)[0], "price-feed");
    let symptom = "the listserv has gone silent";
    let found = diagnose(&catalog, &Symptom { symptom, ..Symptom::default() });
    assert_eq!(names(&found)[0], "email-auth");
    let class = catalog.class(&"email-auth".into()).expect("it is there");
    assert_eq!(class.checks.last().map(|check| check.run.as_str()), Some("ask the postmaster"));
}

#[test]
fn readings_move_the_suspects_and_say_so() {
    let symptom = "let's move off Mailchimp, our mails land in spam";
    let reading = |says: &str, supports: &[&str], against: &[&str]| Reading {
        says: says.to_owned(),
        line: String::new(),
        supports: supports.iter().map(|&id| id.into()).collect(),
        against: against.iter().map(|&id| id.into()).collect(),
    };
    let ask =
        |readings: &[Reading]| diagnose(&SHIPPED, &Symptom { symptom, proposal: None, readings });
    let before = ask(&[]);
    assert_eq!(names(&before)[0], "email-auth");

    let supported = ask(&[reading("DKIM: fail", &["email-auth"], &[])]);
    assert!(supported.suspects[0].score > before.suspects[0].score);
    assert!(supported.suspects[0].why.starts_with("\"DKIM: fail\" supports this."));

    let refuted = ask(&[reading("SPF, DKIM and DMARC pass", &[], &["email-auth"])]);
    let still = refuted.suspects.iter().find(|s| s.class.as_str() == "email-auth");
    assert_ne!(names(&refuted).first(), Some(&"email-auth"));
    assert!(still.is_none_or(|s| s.why.contains("speaks against this")), "{refuted:#?}");

    let new = ask(&[reading("exit code 137 (OOMKilled)", &["memory-limit"], &[])]);
    assert!(names(&new).contains(&"memory-limit"), "{new:#?}");
}

#[test]
fn every_suspect_has_a_reason_and_the_order_is_stable() {
    let symptom =
        "random 502s since yesterday's deploy, nothing in the logs, restart helps for an hour";
    let asked = Symptom { symptom, ..Symptom::default() };
    let first = diagnose(&SHIPPED, &asked);
    assert_eq!(first.suspects.len(), 8, "{first:#?}");
    for suspect in &first.suspects {
        assert!(!suspect.why.is_empty() && (0.0..=1.0).contains(&suspect.score), "{suspect:?}");
    }
    assert_eq!(first, diagnose(&SHIPPED, &asked));
}

#[test]
fn a_long_message_names_what_its_first_lines_name() {
    let symptom = "the page is slow and mails fail to arrive at the office ".repeat(4_000);
    let long = diagnose(&SHIPPED, &Symptom { symptom: &symptom, ..Symptom::default() });
    assert!(!long.suspects.is_empty() && long.ask_first.len() <= 4, "{long:?}");
}
