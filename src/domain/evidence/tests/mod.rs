//! Samples written for these tests: what is evidence, what is none, what must not be seen.

mod kinds;
mod none;
mod readings;
mod robust;
mod secrets;

use std::sync::LazyLock;

use super::load::{self, Catalogue};
use super::{
    EvidenceKind, Finding, KIND_FILES, Recognisers, SECRETS_FILE, SITES_FILE, Source, recognise,
    redact,
};

static EMBEDDED: LazyLock<Recognisers> =
    LazyLock::new(|| Recognisers::embedded().expect("the embedded files are sound"));

/// The kinds found in a text, in its order.
fn kinds(text: &str) -> Vec<EvidenceKind> {
    recognise(&EMBEDDED, Source::Text(text)).iter().map(|finding| finding.kind).collect()
}

fn catalogue() -> &'static Catalogue {
    &EMBEDDED.0
}

#[test]
fn every_class_id_is_a_leaf() {
    let leaves = "dns-record dns-resolver tls-cert email-auth credential-stale access-policy clock-time \
        lb-health-check proxy-routing timeout-mismatch firewall-waf network-path conn-tracking slow-query n-plus-one \
        lock-contention db-housekeeping key-overflow replication-failover data-model data-quality cache-config \
        cold-cache queue-stuck conn-pool os-limit throttle-credits memory-limit disk-space provider-quota \
        scheduler-config noisy-neighbour real-capacity cost-config config-value rollout-order destructive-action \
        release-defect version-clash runtime-stall toxic-input retry-cascade hard-dependency third-party-outage \
        hardware-facility hostile-traffic structure-mismatch ownership-gap work-queue measurement-error";
    let leaves: Vec<&str> = leaves.split_whitespace().collect();
    assert_eq!(leaves.len(), 50);
    for rule in &catalogue().rules {
        for class in rule.supports.iter().chain(&rule.against) {
            assert!(leaves.contains(&class.as_str()), "{class} in {}", rule.pattern.regex());
        }
    }
}

#[test]
fn every_pattern_compiles_within_its_size() {
    let catalogue = catalogue();
    for rule in &catalogue.rules {
        rule.pattern.regex();
    }
    for set in catalogue.by_kind.iter().map(|rules| &rules.set).chain([&catalogue.sign_set]) {
        assert_eq!(set.matches(b"\x00").count(), 0);
    }
    catalogue.sites.compile();
}

#[test]
fn a_reading_never_speaks_both_ways() {
    for rule in &catalogue().rules {
        assert!(
            rule.supports.iter().all(|class| !rule.against.contains(class)),
            "{}",
            rule.pattern.regex()
        );
    }
}

#[test]
fn every_fault_is_named_with_file_line_and_reason() {
    let bad = "kinds = [\"log\", \"noise\"]\n[[sign]]\nline = '('\nweight = 50\n\
        [[reading]]\nline = 'a(?P<n>b)'\nsays = \"{x}\"\nsupports = [\"DNS record\"]\nrank = 0\n";
    let faults =
        load::load(&[("bad.toml", bad), ("worse.toml", "kinds = 3")], SITES_FILE, SECRETS_FILE);
    let faults = faults.expect_err("the files are faulty");
    for expected in [
        "bad.toml:1: no evidence kind \"noise\"",
        "bad.toml:1: signs need exactly one kind",
        "bad.toml:3: regex parse error",
        "bad.toml:4: weight must be 1 to 20",
        "bad.toml:7: the pattern has no group \"x\"",
        "bad.toml:8: \"DNS record\" is no class id",
        "bad.toml:9: rank must be 1 to 100",
        "worse.toml:1: ",
    ] {
        assert!(faults.contains(expected), "{expected} is missing in:\n{faults}");
    }
    let unknown =
        load::load(KIND_FILES, ("sites.toml", "[[site]]\nurl = 'a'\nsay = \"b\"\n"), SECRETS_FILE);
    assert!(unknown.expect_err("a key is misspelt").contains("sites.toml:3: unknown field"));
}

/// The finding of this kind.
#[track_caller]
fn found(text: &str, kind: EvidenceKind) -> Finding {
    let findings = recognise(&EMBEDDED, Source::Text(text));
    let of_kind = findings.iter().find(|finding| finding.kind == kind).cloned();
    of_kind.unwrap_or_else(|| panic!("no {kind} but {findings:?} in:\n{text}"))
}
