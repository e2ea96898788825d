//! The decisive fact: what it says, what it supports, what it speaks against.

use super::*;
use crate::domain::evidence::recognise_on;

/// The fact read from this text on 4 March 2026: `says | supports | against`.
#[track_caller]
fn reads(kind: EvidenceKind, text: &str, expected: &str) {
    let today = jiff::civil::date(2026, 3, 4);
    let findings = recognise_on(&EMBEDDED, Source::Text(text), Some(today));
    let reading = findings.iter().find(|f| f.kind == kind).and_then(|f| f.reading.clone());
    let reading = reading.unwrap_or_else(|| panic!("no reading of {kind} but {findings:?}"));
    let ids = |ids: &[crate::domain::ClassId]| {
        ids.iter().map(|id| id.0.clone()).collect::<Vec<_>>().join(" ")
    };
    let read = format!("{} | {} | {}", reading.says, ids(&reading.supports), ids(&reading.against));
    assert_eq!(read.replace("  ", " ").trim(), expected.trim(), "in:\n{text}");
}

#[test]
fn plans() {
    use EvidenceKind::QueryPlan;
    reads(
        QueryPlan,
        "Seq Scan on booking  (cost=0.00..18.0 rows=1 width=9) (actual time=0.0..4102.5 rows=1 loops=1)\n  \
        Rows Removed by Filter: 1250000\nExecution Time: 4102.601 ms",
        "Seq Scan on booking removed 1,250,000 rows, 4.1 s | slow-query |",
    );
    reads(
        QueryPlan,
        "Parallel Seq Scan on booking  (cost=0.00..18.0 rows=1 width=9) (actual time=0.0..900.5 rows=1 loops=3)\n  \
        Rows Removed by Filter: 50000\nExecution Time: 912.0 ms",
        "Parallel Seq Scan on booking removed 150,000 rows, 912.0 ms | slow-query |",
    );
    reads(
        QueryPlan,
        "Index Scan using booking_pkey on booking  (cost=0.4..8.4 rows=1 width=9) (actual time=0.01..0.02 rows=1 loops=1)\n\
        Execution Time: 0.5 ms",
        "500 µs: not slow | | slow-query",
    );
    reads(
        QueryPlan,
        "Sort  (cost=1..2 rows=9 width=4) (actual time=1.0..2000.0 rows=9 loops=1)\n  \
        Sort Method: external merge  Disk: 32256kB\nExecution Time: 2100 ms",
        "sort spills to disk (32 MB), 2.1 s | config-value slow-query |",
    );
    reads(QueryPlan, "QUERY PLAN\n|--SCAN booking", "full scan of booking | slow-query |");
}

#[test]
fn mails() {
    use EvidenceKind::MailHeaders;
    reads(
        MailHeaders,
        "Authentication-Results: mx; dkim=fail header.d=shop.test; spf=pass; dmarc=fail",
        "DMARC: fail, DKIM: fail, SPF: pass | email-auth |",
    );
    reads(
        MailHeaders,
        "Authentication-Results: mx; dkim=pass header.d=shop.test; spf=pass",
        "DKIM: pass, SPF: pass | | email-auth",
    );
    reads(
        MailHeaders,
        "Authentication-Results: mx; dkim=pass header.d=sender.test; spf=pass\nFrom: Shop <news@shop.test>",
        "DKIM: pass, SPF: pass; not aligned: signed by sender.test, sent as shop.test | email-auth |",
    );
    reads(
        MailHeaders,
        "Final-Recipient: rfc822; kim@shop.test\nDiagnostic-Code: smtp; 550 5.1.1 User unknown",
        "recipient refused: User unknown | data-quality |",
    );
}

#[test]
fn names_and_certificates() {
    use EvidenceKind::{Dns, Tls};
    reads(
        Dns,
        ";; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1",
        "NXDOMAIN: the name does not exist | dns-record | dns-resolver",
    );
    reads(
        Dns,
        ";; ->>HEADER<<- opcode: QUERY, status: SERVFAIL, id: 1",
        "SERVFAIL: the resolver could not get an answer | dns-resolver |",
    );
    reads(
        Dns,
        "shop.test.\t300\tIN\tA\t203.0.113.20",
        "shop.test. A 203.0.113.20, TTL 300 s | | dns-resolver",
    );
    reads(
        Dns,
        "shop.test. 300 IN TXT \"v=spf1 include:a.test ~all\"\nshop.test. 300 IN TXT \"v=spf1 ip4:203.0.113.9 -all\"",
        "two SPF records: receivers treat both as invalid | email-auth |",
    );
    reads(
        Dns,
        "Domain Name: SHOP.TEST\nRegistrar: Names\nRegistry Expiry Date: 2026-02-28T00:00:00Z",
        "registration expired 2026-02-28T00:00:00Z | dns-record ownership-gap |",
    );
    reads(
        Tls,
        "notBefore=Jan  1 00:00:00 2026 GMT\nnotAfter=Mar  1 00:00:00 2026 GMT",
        "certificate ended Mar 1 00:00:00 2026 GMT, 3 days ago | tls-cert |",
    );
    reads(
        Tls,
        "notBefore=Jan  1 00:00:00 2026 GMT\nnotAfter=Mar  9 00:00:00 2026 GMT",
        "certificate ends Mar 9 00:00:00 2026 GMT, in 5 days | tls-cert |",
    );
    reads(
        Tls,
        "notBefore=Apr  1 00:00:00 2026 GMT\nnotAfter=Jul  9 00:00:00 2026 GMT",
        "valid only from Apr 1 00:00:00 2026 GMT | tls-cert clock-time |",
    );
    reads(
        Tls,
        "notBefore=Jan  1 00:00:00 2026 GMT\nnotAfter=Jul  9 00:00:00 2027 GMT",
        "valid until Jul 9 00:00:00 2027 GMT | | tls-cert",
    );
    reads(
        Tls,
        "curl: (60) SSL certificate problem: unable to get local issuer certificate",
        "chain is not trusted: unable to get local issuer certificate | tls-cert |",
    );
}

#[test]
fn logs() {
    use EvidenceKind::Log;
    let log = |message: &str| {
        format!("2026-03-04 10:15:00 INFO api: hello\n2026-03-04 10:15:01 ERROR api: {message}\n")
    };
    for (message, expected) in [
        ("FATAL: sorry, too many clients already", "too many clients already | conn-pool |"),
        (
            "HikariPool-1 - Connection is not available, request timed out after 30000ms",
            "Connection is not available, request timed out after 30000ms | conn-pool |",
        ),
        (
            "Out of memory: Killed process 4711 (java)",
            "Out of memory: Killed process 4711 (java) | memory-limit |",
        ),
        ("write failed: No space left on device", "No space left on device | disk-space |"),
        ("open: too many open files", "too many open files | os-limit |"),
        (
            "dial tcp: lookup api.shop.test: no such host",
            "name does not resolve: no such host | dns-record dns-resolver |",
        ),
        ("deadlock detected", "deadlock detected | lock-contention |"),
        ("x509: certificate has expired", "x509: certificate has expired | tls-cert |"),
        ("RequestTimeTooSkewed", "RequestTimeTooSkewed | clock-time |"),
        ("429 Too Many Requests", "429 Too Many Requests | provider-quota |"),
        ("nf_conntrack: table full, dropping packet", "nf_conntrack: table full | conn-tracking |"),
        (
            "ERROR: nextval: reached maximum value of sequence",
            "nextval: reached maximum value of sequence | key-overflow |",
        ),
        ("order 17 is odd", "ERROR: api: order 17 is odd | |"),
    ] {
        reads(Log, &log(message), expected);
    }
    let rows: Vec<String> = (0..12)
        .map(|i| format!("2026-03-04 10:15:00 DEBUG sql: SELECT name FROM guest WHERE id = {i} AND city = 'c{i}'"))
        .collect();
    reads(
        Log,
        &rows.join("\n"),
        "12 times: select name from guest where id = ? and city = ? | n-plus-one |",
    );
    let tries = "2026-03-04 10:15:00 WARN mq: connection lost, reconnecting in 0 s\n".repeat(40);
    reads(Log, &tries, "40 times: reconnecting in ? s | retry-cascade |");
    let access: Vec<String> = (0..10)
        .map(|i| (i, if i < 6 { 200 } else { 502 }))
        .map(|(i, status)| {
            format!(
                "10.0.0.{i} - - [04/Mar/2026:10:15:00 +0100] \"GET /cart HTTP/1.1\" {status} 12"
            )
        })
        .collect();
    reads(
        Log,
        &access.join("\n"),
        "4 of 10 answers are 5xx, 4 from /cart | lb-health-check proxy-routing release-defect |",
    );
}

#[test]
fn the_rest() {
    use EvidenceKind::*;
    reads(
        StackTrace,
        "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\nKeyError: 'x'",
        "KeyError: 'x' | release-defect |",
    );
    reads(
        Diff,
        "--- a/conf/pool.yml\n+++ b/conf/pool.yml\n@@ -1 +1 @@\n-pool_size: 50\n+pool_size: 5",
        "changes: pool_size: 50 → pool_size: 5 | config-value |",
    );
    reads(
        Diff,
        "  # db must be replaced\nPlan: 1 to add, 0 to change, 1 to destroy.",
        "Plan: 1 to add, 0 to change, 1 to destroy | destructive-action config-value |",
    );
    reads(
        HttpExchange,
        "< HTTP/1.1 504 Gateway Time-out\n< Server: lb",
        "answers 504: the proxy gave up waiting | timeout-mismatch |",
    );
    reads(
        NetworkPath,
        "PING a (10.0.0.9) 56(84) bytes of data.\n5 packets transmitted, 0 received, 100% packet loss",
        "100% packet loss | network-path |",
    );
    reads(
        NetworkPath,
        "HOST: me  Loss%   Snt   Last   Avg  Best  Wrst StDev\n  1.|-- gw     40.0%     5    0.9\n  2.|-- shop.test  0.0%     5    6.7",
        "gw shows 40% loss but the last hop none: no real loss | measurement-error | network-path",
    );
    reads(
        ResourceSnapshot,
        "Filesystem Size Used Avail Use% Mounted on\n/dev/sda1        50G   49G     1G  98% /var",
        "file system is 98% full: /dev/sda1 50G 49G 1G 98% /var | disk-space |",
    );
    reads(
        DistributedTrace,
        "[\n{\n\"traceId\": \"4bf92f3577b34da6\",\n\"id\": \"1\",\n\"parentId\": \"0\",\n\"duration\": 779592\n}]",
        "longest shown span: 779.6 ms | |",
    );
    reads(
        Metric,
        "| service | p50 ms | p99 ms |\n|---|---|---|\n| cart | 12 | 3400 |\n| search | 9 | 41 |",
        "slowest p99 ms: 3400 (cart) | |",
    );
    reads(
        LbState,
        "{\"TargetHealthDescriptions\": [\n{\"TargetHealth\": {\n\"State\": \"unhealthy\",\n\"Reason\": \"Target.Timeout\"}}]}",
        "target is not healthy: Target.Timeout | lb-health-check |",
    );
    reads(
        Profile,
        "[12.3s][info][gc] GC(7) Pause Young (Normal) 11M->9M(512M) 3.331ms\n[14.3s][info][gc] GC(8) Pause Young (Normal) 11M->9M(512M) 2.112ms",
        "longest collection pause: 3.3 ms: short | | runtime-stall",
    );
    reads(
        DbState,
        "Slave_IO_Running: Yes\nSlave_SQL_Running: No",
        "replication thread SQL is not running: No | replication-failover |",
    );
    reads(
        CostReport,
        "OVERALL TOTAL       $757.82\nProject total   $700.00",
        "OVERALL TOTAL $757.82 | cost-config |",
    );
}

#[test]
fn the_line_is_the_deciding_one() {
    let text = "Authentication-Results: mx;\n  spf=pass smtp.mailfrom=shop.test;\n  dkim=fail reason=\"bad signature\"";
    let reading = found(text, EvidenceKind::MailHeaders).reading.expect("a decisive fact");
    assert_eq!(reading.line, "dkim=fail reason=\"bad signature\"");
}

#[test]
fn limits_clocks_and_queues_are_read_both_ways() {
    use EvidenceKind::{DbState, HttpExchange, Log, NetworkPath, ResourceSnapshot};
    for (kind, text, expected) in [
        (
            HttpExchange,
            "HTTP/1.1 429 Too Many Requests\nX-RateLimit-Limit: 60\nX-RateLimit-Remaining: 0\nRetry-After: 9",
            "rate limit used up: X-RateLimit-Remaining: 0 | provider-quota |",
        ),
        (
            HttpExchange,
            "HTTP/2 200\nx-ratelimit-limit: 5000\nx-ratelimit-remaining: 4987\ncontent-type: text/html",
            "4,987 calls are left of the rate limit | | provider-quota",
        ),
        (
            ResourceSnapshot,
            "Stratum         : 3\nSystem time     : 0.000004128 seconds slow of NTP time\nLeap status     : Normal",
            "clock is right to 4 µs | | clock-time",
        ),
        (
            ResourceSnapshot,
            "nr_periods 512\nnr_throttled 0\nthrottled_usec 0",
            "never throttled | | throttle-credits",
        ),
        (
            ResourceSnapshot,
            "10:00:01 AM  CPU    %usr   %nice    %sys %iowait    %irq   %soft  %steal  %guest  %gnice   %idle\n10:00:02 AM  all   20.00    0.00    5.00    1.00    0.00    0.00   38.00    0.00    0.00   36.00",
            "38.00% of the CPU is stolen by other guests of the host | noisy-neighbour |",
        ),
        (
            ResourceSnapshot,
            "    Last State:     Terminated\n      Reason:       Error\n      Exit Code:    143",
            "exit code 143: asked to stop, not killed for its memory | lb-health-check | memory-limit",
        ),
        (
            ResourceSnapshot,
            "Leap Indicator: 0(no warning)\nPhase Offset: -412.5s",
            "clock is off by 412.5 s | clock-time |",
        ),
        (
            NetworkPath,
            "net.netfilter.nf_conntrack_count = 262100\nnet.netfilter.nf_conntrack_max = 262144",
            "262,100 of 262,144 connection-table entries are used | conn-tracking |",
        ),
        (
            NetworkPath,
            "net.netfilter.nf_conntrack_count = 2100\nnet.netfilter.nf_conntrack_max = 262144",
            "2,100 of 262,144 connection-table entries are used | | conn-tracking",
        ),
        (
            DbState,
            "GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG CONSUMER-ID HOST CLIENT-ID\norders orders 0 100 1250500 1250400 - - -\norders orders 1 900 900 0 c1 /10.0.0.1 c1",
            "orders partition 0 is 1,250,400 behind and has no consumer | queue-stuck |",
        ),
        (
            Log,
            "HikariPool-1 - Pool stats (total=10, active=1, idle=9, waiting=0)",
            "pool has idle connections, nothing waits (1 active) | | conn-pool",
        ),
    ] {
        reads(kind, text, expected);
    }
}
