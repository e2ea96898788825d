//! Short proposals as they are written in Slack, each with the classes a good engineer would think of first.

use super::tests::SHIPPED;
use super::{Diagnosis, Symptom, diagnose};

/// The first suspect has to be one of these.
const FIRST: &[(&str, &[&str])] = &[
    ("let's move off Mailchimp, our mails land in spam", &["email-auth"]),
    (
        "we should switch to SendGrid, half of the password reset mails never arrive",
        &["email-auth"],
    ),
    (
        "Postmark says delivered but customers don't get anything, let's change the provider",
        &["email-auth"],
    ),
    (
        "our invoices end up in junk since we moved to Hubspot, I want to evaluate other tools",
        &["email-auth"],
    ),
    ("split the monolith, the orders page takes 8 seconds", &["slow-query", "n-plus-one"]),
    (
        "I'd rewrite the reporting service in Go, the monthly report runs for 20 minutes",
        &["slow-query"],
    ),
    ("time for Elasticsearch, search gets slower every month", &["slow-query"]),
    ("let's shard Postgres, database CPU is at 95% all day", &["slow-query", "real-capacity"]),
    (
        "we need a NoSQL database, the list view takes ten seconds with 200 rows",
        &["n-plus-one", "slow-query"],
    ),
    (
        "GraphQL was a mistake, one screen fires hundreds of queries, let's go back to REST",
        &["n-plus-one"],
    ),
    ("move to GCP, we get random 502s from the ALB", &["lb-health-check", "timeout-mismatch"]),
    (
        "Let's replace nginx ingress, the service answers fine when called directly but 503s through it",
        &["lb-health-check", "proxy-routing"],
    ),
    ("kubernetes is flaky, pods restart every few hours, exit 137", &["memory-limit"]),
    ("rewrite it in Rust, the Java workers get OOMKilled all the time", &["memory-limit"]),
    (
        "the node service leaks, memory climbs until it dies, I'd go for a rewrite",
        &["memory-limit"],
    ),
    ("site unreachable since we moved registrar, let's change host", &["dns-record"]),
    (
        "can we leave Hetzner? the shop's domain doesn't resolve since the weekend",
        &["dns-record", "dns-resolver"],
    ),
    ("replace the CNI, calls between pods sometimes take 5 seconds longer", &["dns-resolver"]),
    ("move to another CDN, browsers show a certificate warning on img.example.com", &["tls-cert"]),
    (
        "none of the Android 7 phones can connect since the renewal, drop support for them?",
        &["tls-cert"],
    ),
    (
        "replace Okta, everybody gets 'invalid signature' at login since yesterday's key rotation",
        &["credential-stale"],
    ),
    (
        "the Salesforce sync returns 401 since Monday, let's build our own integration",
        &["credential-stale"],
    ),
    (
        "leave GitHub Actions, builds can't pull images: toomanyrequests",
        &["credential-stale", "provider-quota"],
    ),
    (
        "tear down the IAM setup, half of the team gets AccessDenied since the audit",
        &["access-policy"],
    ),
    ("new auth product please, some users get token not yet valid on one host", &["clock-time"]),
    ("get rid of our scheduler, jobs ran twice in the night of the clock change", &["clock-time"]),
    (
        "rewrite the gateway, all customers get 429 although each of them makes two calls a minute",
        &["proxy-routing", "provider-quota"],
    ),
    (
        "this doesn't scale, only the first of ten instances gets traffic, let's redesign",
        &["proxy-routing"],
    ),
    (
        "drop the vendor, the first call after a pause always hangs for minutes",
        &["timeout-mismatch"],
    ),
    (
        "exports die after exactly 60 seconds, we need an event driven architecture",
        &["timeout-mismatch"],
    ),
    (
        "let's merge frontend and backend, CORS keeps blocking requests since the WAF update",
        &["firewall-waf"],
    ),
    (
        "new VPN product? only the Berlin office has slow access, large files hang",
        &["network-path"],
    ),
    (
        "bigger firewall! new connections fail at peak, 'cannot assign requested address'",
        &["conn-tracking"],
    ),
    (
        "go schemaless: everything times out while the migration alters the table",
        &["lock-contention"],
    ),
    (
        "leave Postgres, queries are slow since the major version upgrade",
        &["db-housekeeping", "version-clash"],
    ),
    ("use Mongo for orders, inserts fail with integer out of range", &["key-overflow"]),
    (
        "drop the managed database, some payments were missing after the failover",
        &["replication-failover"],
    ),
    ("get a bigger model, the chatbot gives wrong answers from our docs", &["data-quality"]),
    ("new CDN please, users see the old version of the page after each release", &["cache-config"]),
    ("switch CI, builds take 40 minutes since last week instead of 8", &["cache-config"]),
    ("replace Kafka, consumer lag grows and the workers look idle", &["queue-stuck"]),
    (
        "let's swap RabbitMQ for SQS, jobs pile up and a restart of the workers helps for an hour",
        &["queue-stuck"],
    ),
    ("bigger database: 'too many connections' again", &["conn-pool"]),
    (
        "go reactive, all requests wait 30s for a connection from the pool while CPU is low",
        &["conn-pool"],
    ),
    ("leave Nomad, the daemon dies with too many open files", &["os-limit"]),
    (
        "rewrite in Go, the API is slow though the containers show 40% CPU; throttled a lot",
        &["throttle-credits"],
    ),
    ("move to managed hosting, the disk of the log server is full again", &["disk-space"]),
    ("leave AWS, we can't start any more instances in eu-west-1: quota", &["provider-quota"]),
    (
        "own cluster per team! our pods stay pending although nodes are half empty",
        &["scheduler-config"],
    ),
    ("bigger server, it is slow every night at two when the backup runs", &["noisy-neighbour"]),
    ("back on-prem, the cloud bill doubled and we have no more users", &["cost-config"]),
    ("replace Snowflake, it costs three times as much as last year", &["cost-config"]),
    (
        "relaunch the website, Google traffic fell by 80% since the new settings went live",
        &["config-value", "measurement-error"],
    ),
    (
        "freeze releases, every deploy gives errors for two minutes until all servers have the new version",
        &["rollout-order"],
    ),
    ("multi-cloud now: a cleanup script deleted production data", &["destructive-action"]),
    (
        "new notification tool, since the last release users get every message twice",
        &["release-defect"],
    ),
    (
        "get rid of Jenkins, all builds are red this morning and nobody changed anything",
        &["version-clash"],
    ),
    (
        "more hardware, the service freezes for seconds because of garbage collection",
        &["runtime-stall"],
    ),
    ("buy DDoS protection? crawlers hit the wiki all day", &["hostile-traffic"]),
    ("replace the queue, workers crash again and again on the same message", &["toxic-input"]),
    (
        "rewrite the login service, after a short blip clients retry until it falls over again",
        &["retry-cascade"],
    ),
    (
        "drop Twilio, text messages arrive hours late, their status page is red",
        &["third-party-outage"],
    ),
    (
        "new data centre! one server hangs every few weeks and needs a hard reset",
        &["hardware-facility"],
    ),
    (
        "merge the services back, every feature touches five of them and we release in lock-step",
        &["structure-mismatch"],
    ),
    (
        "let's go SAFe, pull requests wait for days and every change needs five approvals",
        &["work-queue"],
    ),
    (
        "new agency, analytics shows half the conversions since the cookie banner but sales are the same",
        &["measurement-error"],
    ),
    (
        "change hosting company, the server was switched off because nobody read the retirement notice",
        &["ownership-gap"],
    ),
    (
        "flush was fine before, but since the Redis restart the cache is cold and the database melts",
        &["cold-cache"],
    ),
    ("new database product: one shard is hot and the others idle", &["data-model"]),
    (
        "we outgrew the box: CPU is at 100% in every busy hour and traffic doubled",
        &["real-capacity"],
    ),
];

/// No symptom, no suspects: the first questions instead.
const THIN: &[&str] = &[
    "let's move to Kubernetes",
    "we should adopt event sourcing",
    "I think we should rewrite this in Rust",
    "time to switch to Postgres?",
    "what about microservices",
    "let's replace Jira with Linear",
    "I propose we migrate to GCP next quarter",
    "",
];

fn ask(text: &str) -> Diagnosis {
    diagnose(&SHIPPED, &Symptom { symptom: text, ..Symptom::default() })
}

#[test]
fn short_lines_name_the_right_class_first() {
    let mut missed = Vec::new();
    for (text, wanted) in FIRST {
        let named: Vec<String> =
            ask(text).named().map(|s| format!("{} {:.2}", s.class, s.score)).collect();
        let first = named.first().and_then(|s| s.split(' ').next()).unwrap_or_default();
        if !wanted.contains(&first) {
            missed.push(format!("{text}\n  wanted {wanted:?}, named {named:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn a_line_without_a_symptom_names_nobody_and_asks() {
    for text in THIN {
        let diagnosis = ask(text);
        assert!(diagnosis.named().next().is_none(), "{text}: {:?}", diagnosis.suspects);
        assert!((3..=4).contains(&diagnosis.ask_first.len()), "{text}: {:?}", diagnosis.ask_first);
    }
}
