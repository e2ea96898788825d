//! Fourteen cards, as a person in the channel reads them: kept as text in `tests/cards`, to be read aloud in a review.
//!
//! `SECONDLOOK_CARDS=write cargo test --test cards` rewrites them; read the difference before you commit it.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::date;
use secondlook::domain::card::card;
use secondlook::domain::detect::detect;
use secondlook::domain::diagnose::{Diagnosis, Symptom, diagnose};
use secondlook::domain::evidence::{Reading, Source, recognise, recognise_on};
use secondlook::domain::investigation::{Beginning, Case, CaseNumber, Evidence, Origin, State};
use secondlook::domain::knowledge::Knowledge;

/// A proposal as somebody could write it, and what somebody answers with.
const CASES: [(&str, &str, &str); 14] = [
    (
        "mail_in_spam",
        "we should leave Mailchimp for SendGrid, half of our newsletter ends up in junk since the rebrand",
        "Authentication-Results: mx.example.net; dkim=fail (no key for signature) header.i=@acme.example header.s=k2; spf=pass smtp.mailfrom=bounce.acme.example; dmarc=fail (p=NONE) header.from=acme.example",
    ),
    (
        "slow_page",
        "let's split the monolith into microservices, the orders page takes 8 seconds and gets slower every month",
        "Seq Scan on orders  (cost=0.00..48211.00 rows=12 width=64) (actual time=3.1..4093.7 rows=9 loops=1)\n  Filter: (customer_id = 4711)\n  Rows Removed by Filter: 1250412\nExecution Time: 4094.1 ms",
    ),
    (
        "random_502",
        "I propose we move to GCP: the load balancer on AWS gives random 502s although the app answers fine when called directly",
        "",
    ),
    (
        "restarts",
        "we should rewrite the importer in Rust, its pods restart every few hours with exit code 137",
        "    State:          Running\n    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n    Restart Count:  14",
    ),
    (
        "unreachable_by_name",
        "we should switch to another hosting provider, the site is unreachable for many customers since we moved registrars",
        "; <<>> DiG 9.18 <<>> www.acme.example\n;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 4711\n;; flags: qr rd ra; QUERY: 1, ANSWER: 0",
    ),
    (
        "certificate",
        "let's switch from Kong to another API gateway, mobile clients fail with certificate errors since midnight while browsers work",
        "",
    ),
    (
        "pool",
        "we should move to a bigger database server, our requests hang for 30 seconds with low CPU and a restart cures it for hours",
        "HikariPool-1 - Connection is not available, request timed out after 30000ms (total=10, active=10, idle=0, waiting=87)",
    ),
    ("no_problem_stated", "I think we should replace Jenkins with GitHub Actions next quarter", ""),
    (
        "truly_full",
        "let's shard the database: write load doubled in a year and the largest instance is at 95% CPU all day",
        "",
    ),
    (
        "lag",
        "we should replace Kafka with RabbitMQ, consumer lag keeps growing although the machines are idle",
        "",
    ),
    (
        "german",
        "lasst uns von Mailchimp weg wechseln, unsere Mails landen seit der Umstellung im Spam",
        "",
    ),
    (
        "german_with_evidence",
        "wir sollten den Importer in Rust neu schreiben, die Pods starten alle paar Stunden neu",
        "    State:          Running\n    Last State:     Terminated\n      Reason:       OOMKilled\n      Exit Code:    137\n    Restart Count:  14",
    ),
    (
        "german_no_problem_stated",
        "ich finde, wir sollten Jenkins nächstes Quartal durch GitHub Actions ersetzen",
        "",
    ),
    (
        "dashboards_disagree",
        "we should move off Google Analytics, it shows half the sign-ups that the database has since the consent banner changed",
        "",
    ),
];

fn shown(knowledge: &Knowledge, said: &str, answer: &str) -> String {
    let verdict = detect(&knowledge.packs, said, &[]);
    assert!(verdict.proposal, "not heard: {said}");
    let language = verdict.language;
    let beginning = Beginning {
        workspace: "T1".into(),
        channel: "C1".into(),
        private: false,
        root: Some("1.0".into()),
        message: Some("1.0".into()),
        author: "U1".into(),
        origin: Origin::Heard,
        said: said.to_owned(),
        verdict,
        topic: String::new(),
        evidence: vec![],
    };
    let mut case = Case {
        state: State::Prompted,
        ..Case::begin(CaseNumber(7), beginning, Timestamp::UNIX_EPOCH)
    };
    let wording = knowledge.wordings.of(language);
    let mut text = format!("> {said}\n\n{}\n", card(&case, &knowledge.catalog, wording).fallback());
    if !answer.is_empty() {
        let found = recognise(&knowledge.recognisers, Source::Text(answer));
        case.evidence = found
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
            .collect();
        let after = card(&case, &knowledge.catalog, wording).fallback();
        text.extend(["\n> ", &answer.replace('\n', "\n> "), "\n\n", &after, "\n"]);
    }
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person asks for new texts by a variable")]
fn fourteen_cards_read_as_they_were_read_aloud() {
    let knowledge = Knowledge::embedded().unwrap();
    let write = std::env::var("SECONDLOOK_CARDS").is_ok_and(|v| v == "write");
    let mut changed = Vec::new();
    for (name, said, answer) in CASES {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cards/{name}.txt"));
        let now = shown(&knowledge, said, answer);
        if write {
            std::fs::write(&file, &now).unwrap();
        } else if std::fs::read_to_string(&file).unwrap_or_default() != now {
            changed.push(format!("{}:\n{now}", file.display()));
        }
    }
    assert!(changed.is_empty(), "these cards read otherwise now:\n{}", changed.join("\n"));
}

/// A symptom, the class suspected first, and what somebody posts that speaks against it.
const REFUTED: [(&str, &str, &str); 10] = [
    (
        "our newsletters land in the spam folder since the rebrand",
        "email-auth",
        "Authentication-Results: mx.example.net; dkim=pass header.i=@acme.example; spf=pass smtp.mailfrom=acme.example; dmarc=pass header.from=acme.example",
    ),
    (
        "browsers show a certificate warning on our shop",
        "tls-cert",
        "notBefore=Nov  1 12:00:00 2026 GMT\nnotAfter=Feb  1 12:00:00 2027 GMT\nsubject=CN = acme.example",
    ),
    (
        "lookups in the cluster fail in bursts, CoreDNS restarts",
        "dns-resolver",
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4711\n;; ANSWER SECTION:\napi.acme.example. 300 IN A 192.0.2.7\n;; Query time: 1 msec",
    ),
    (
        "the load balancer marks our healthy instances unhealthy",
        "lb-health-check",
        "{\"TargetHealthDescriptions\": [\n{\"TargetHealth\": {\n\"State\": \"healthy\"}}]}",
    ),
    (
        "uploads fail with no space left on device, the disk is full",
        "disk-space",
        "Filesystem Size Used Avail Use% Mounted on\n/dev/sda1        50G   12G     36G  25% /",
    ),
    (
        "the containers are throttled by their CPU limit and answer slowly",
        "throttle-credits",
        "nr_periods 512\nnr_throttled 0\nthrottled_usec 0",
    ),
    (
        "one host's clock is off, tokens are not yet valid there",
        "clock-time",
        "Stratum         : 3\nSystem time     : 0.000004128 seconds slow of NTP time\nLeap status     : Normal",
    ),
    (
        "the vendor's API answers 429, we hit a rate limit",
        "provider-quota",
        "HTTP/2 200\nx-ratelimit-limit: 5000\nx-ratelimit-remaining: 4987\ncontent-type: text/html",
    ),
    (
        "requests wait for a connection from the pool while CPU is low",
        "conn-pool",
        "HikariPool-1 - Pool stats (total=10, active=1, idle=9, waiting=0)",
    ),
    (
        "garbage collection pauses freeze the service for seconds",
        "runtime-stall",
        "[12.3s][info][gc] GC(7) Pause Young (Normal) 11M->9M(512M) 3.331ms\n[14.3s][info][gc] GC(8) Pause Young (Normal) 11M->9M(512M) 2.112ms",
    ),
];

#[test]
fn evidence_against_the_first_suspect_takes_its_place_away_and_says_so() {
    let knowledge = Knowledge::embedded().unwrap();
    let mut kept = Vec::new();
    for (symptom, class, posted) in REFUTED {
        let readings: Vec<Reading> =
            recognise_on(&knowledge.recognisers, Source::Text(posted), Some(date(2026, 11, 21)))
                .into_iter()
                .filter_map(|finding| finding.reading)
                .collect();
        let ask = |readings: &[Reading]| {
            diagnose(&knowledge.catalog, &Symptom { symptom, proposal: None, readings })
        };
        let (before, after) = (ask(&[]), ask(&readings));
        let first = |diagnosis: &Diagnosis| diagnosis.named().next().map(|s| s.class.to_string());
        let said = after.suspects.iter().find(|s| s.class.as_str() == class);
        let said = said.is_none_or(|suspect| suspect.why.contains("speaks against this"));
        if first(&before).as_deref() != Some(class)
            || first(&after).as_deref() == Some(class)
            || !said
        {
            kept.push(format!(
                "{symptom}: {:?} → {:?} by {readings:?}",
                first(&before),
                first(&after)
            ));
        }
    }
    assert!(kept.is_empty(), "{}", kept.join("\n"));
}
