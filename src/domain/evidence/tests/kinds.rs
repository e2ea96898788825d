//! At least three samples of every kind, in fences, in quotes and bare.

use super::*;

/// The kind's name, then samples separated by a line of `~`.
#[track_caller]
fn each(kind: EvidenceKind, samples: &str) {
    let samples: Vec<&str> = samples.split("\n~\n").map(|s| s.trim_start_matches('\n')).collect();
    assert!(samples.len() >= 3, "only {} samples of {kind}", samples.len());
    for sample in samples {
        assert_eq!(kinds(sample), [kind], "in:\n{sample}");
        assert_eq!(
            kinds(&format!("here it is\n```\n{sample}\n```\nwhat now?")),
            [kind],
            "fenced:\n{sample}"
        );
    }
}

#[test]
fn logs() {
    each(
        EvidenceKind::Log,
        r#"
2026-03-04 10:15:00,123 INFO  checkout - starting
2026-03-04 10:15:02,456 ERROR checkout - payment gateway said no
~
Mar  4 10:15:00 web-2 sshd[812]: Failed password for kim from 198.51.100.7 port 4711 ssh2
~
{"ts":"2026-03-04T10:15:00Z","level":"error","msg":"cannot reach db","attempt":3}
~
198.51.100.7 - - [04/Mar/2026:10:15:00 +0100] "GET /cart HTTP/1.1" 502 157 "-" "curl/8.5"
~
level=warn ts=2026-03-04T10:15:00Z msg="slow response" ms=912
~
E0304 10:15:00.123456       1 controller.go:114] error syncing "shop/api": timed out
"#,
    );
}

#[test]
fn stack_traces() {
    each(
        EvidenceKind::StackTrace,
        r#"
Traceback (most recent call last):
  File "shop/cart.py", line 12, in total
    return sum(lines)
TypeError: unsupported operand
~
java.lang.IllegalStateException: no session
	at com.shop.Cart.total(Cart.java:12)
	at com.shop.Checkout.run(Checkout.java:48)
~
TypeError: Cannot read properties of undefined (reading 'id')
    at total (/srv/app/cart.js:12:7)
    at run (/srv/app/checkout.js:48:3)
~
panic: runtime error: index out of range [3] with length 3

goroutine 1 [running]:
main.total(...)
	/srv/app/cart.go:12 +0x1d
~
thread 'main' panicked at src/cart.rs:12:5:
index out of bounds: the len is 3 but the index is 3
"#,
    );
}

#[test]
fn distributed_traces() {
    each(
        EvidenceKind::DistributedTrace,
        r#"
{"traceId":"4bf92f3577b34da6","id":"00f067aa0ba902b7","parentId":"1","name":"get /cart","duration":912000}
~
{"resourceSpans": [{"scopeSpans": [{"spans": [
  {"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", "name": "charge"}]}]}]}
~
├─ checkout (api) - 912.4ms (span_id=00f067aa0ba902b7)
│  ├─ charge (payments) - 870.1ms (span_id=00f067aa0ba902b8)
"#,
    );
}

#[test]
fn query_plans() {
    each(
        EvidenceKind::QueryPlan,
        r#"
Seq Scan on booking  (cost=0.00..18334.00 rows=1 width=97) (actual time=0.021..4102.551 rows=1 loops=1)
  Filter: (guest = 42)
  Rows Removed by Filter: 1250000
Execution Time: 4102.601 ms
~
+----+-------------+---------+------+---------------+------+---------+------+--------+-------------+
| id | select_type | table   | type | possible_keys | key  | key_len | ref  | rows   | Extra       |
+----+-------------+---------+------+---------------+------+---------+------+--------+-------------+
|  1 | SIMPLE      | booking | ALL  | NULL          | NULL | NULL    | NULL | 991234 | Using where |
~
QUERY PLAN
|--SCAN booking
`--SEARCH guest USING INTEGER PRIMARY KEY (rowid=?)
~
{ "queryPlanner": { "winningPlan": { "stage": "COLLSCAN" } },
  "executionStats": { "totalDocsExamined": 250000, "nReturned": 3 } }
"#,
    );
}

#[test]
fn metrics() {
    each(
        EvidenceKind::Metric,
        r#"
# TYPE http_requests_total counter
http_requests_total{code="200"} 1027
http_requests_total{code="503"} 311
~
| service | p50 ms | p99 ms |
|---|---:|---:|
| cart | 12 | 3400 |
| search | 9 | 41 |
~
{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[1763625600,"0"]}]}}
~
checkout p99 went from 180 ms to 2.4 s at 10:15
"#,
    );
}

#[test]
fn load_tests() {
    each(
        EvidenceKind::LoadTest,
        r"
Running 30s test @ http://shop.test/cart
  2 threads and 100 connections
Requests/sec:   2041.17
~
     http_req_duration..............: avg=140ms min=80ms p(95)=410ms
     http_req_failed................: 7.10% 71 out of 1000
~
Requests      [total, rate, throughput]  1200, 120.00, 65.87
Latencies     [min, mean, 50, 95, 99, max]  90ms, 113ms, 108ms, 140ms, 247ms, 264ms
Success       [ratio]  55.42%
~
transaction type: <builtin: TPC-B (sort of)>
number of clients: 10
tps = 812.4 (without initial connection time)
",
    );
}

#[test]
fn diffs() {
    each(
        EvidenceKind::Diff,
        r#"
diff --git a/conf/pool.yml b/conf/pool.yml
index 3f78685..9daeafb 100644
--- a/conf/pool.yml
+++ b/conf/pool.yml
@@ -1,3 +1,3 @@
-pool_size: 50
+pool_size: 5
~
@@ -12,2 +12,2 @@
-  timeout = 30
+  timeout = 3
~
  # aws_db_instance.main must be replaced
-/+ resource "aws_db_instance" "main" {
Plan: 1 to add, 0 to change, 1 to destroy.
"#,
    );
}

#[test]
fn names() {
    each(
        EvidenceKind::Dns,
        r#"
;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 4711
;; QUESTION SECTION:
;shop.test.			IN	A
~
** server can't find api.shop.test: SERVFAIL
~
shop.test has address 203.0.113.20
~
shop.test.		300	IN	TXT	"v=spf1 include:_spf.shop.test ~all"
~
Domain Name: SHOP.TEST
Registrar: Names and Sons
Registry Expiry Date: 2020-05-28T22:09:44Z
"#,
    );
}

#[test]
fn certificates() {
    each(
        EvidenceKind::Tls,
        r"
notBefore=Jan  1 00:00:00 2026 GMT
notAfter=Apr  1 00:00:00 2026 GMT
~
curl: (60) SSL certificate problem: unable to get local issuer certificate
~
CONNECTED(00000003)
depth=0 CN = shop.test
verify error:num=20:unable to get local issuer certificate
Verify return code: 21 (unable to verify the first certificate)
",
    );
}

#[test]
fn exchanges() {
    each(
        EvidenceKind::HttpExchange,
        r"
> GET /cart HTTP/1.1
> Host: shop.test
< HTTP/1.1 503 Service Unavailable
< Retry-After: 30
~
HTTP/2 429
x-ratelimit-remaining: 0
retry-after: 12
~
* Could not resolve host: api.shop.test
* Closing connection 0
~
dns 0.0021 connect 0.0105 tls 0.0300 ttfb 3.4012 total 3.4100 code 200
",
    );
}

#[test]
fn mails() {
    each(
        EvidenceKind::MailHeaders,
        r"
Authentication-Results: mx.local; dkim=fail header.d=shop.test; spf=pass smtp.mailfrom=shop.test
From: Shop <news@shop.test>
~
Final-Recipient: rfc822; kim@shop.test
Action: failed
Status: 5.7.26
Diagnostic-Code: smtp; 550-5.7.26 Unauthenticated email from shop.test is not accepted due to DMARC policy
~
Received: from mail.shop.test (mail.shop.test [203.0.113.9]) by mx.local with ESMTPS
Received-SPF: softfail (mx.local: domain of transitioning news@shop.test)
",
    );
}

#[test]
fn paths() {
    each(
        EvidenceKind::NetworkPath,
        r"
PING 10.0.0.9 (10.0.0.9) 56(84) bytes of data.

--- 10.0.0.9 ping statistics ---
5 packets transmitted, 0 received, 100% packet loss, time 4101ms
~
traceroute to shop.test (203.0.113.20), 30 hops max, 60 byte packets
 1  gw.local (192.168.1.1)  0.412 ms  0.377 ms  0.360 ms
 2  * * *
~
State      Recv-Q Send-Q Local Address:Port  Peer Address:Port
CLOSE-WAIT 1      0      127.0.0.1:8101      127.0.0.1:36850
~
   4321 TIME-WAIT
     12 LISTEN
",
    );
}

#[test]
fn snapshots() {
    each(
        EvidenceKind::ResourceSnapshot,
        r"
Filesystem      Size  Used Avail Use% Mounted on
/dev/sda1        50G   50G     0 100% /var
~
NAME                   READY   STATUS             RESTARTS   AGE
api-7d9f8c6b5d-x2x9q   0/1     CrashLoopBackOff   17         64m
~
top - 10:15:00 up 3 days,  2 users,  load average: 9.12, 8.40, 7.95
%Cpu(s): 94.1 us,  3.0 sy,  0.0 ni,  2.9 id,  0.0 wa
~
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
    Restart Count:  9
",
    );
}

#[test]
fn profiles() {
    each(
        EvidenceKind::Profile,
        r#"
Showing nodes accounting for 9.60s, 41.20% of 23.30s total
      flat  flat%   sum%        cum   cum%
     2.59s 11.12% 11.12%      2.78s 11.93%  shop.total
~
Found one Java-level deadlock:
=============================
"worker-1":
  waiting to lock monitor 0x00007efce8067210 (object 0x000000069ec196a0, a java.lang.Object),
~
main;run;total 812
main;run;render 17
main;run;wait 3
~
[12.345s][info][gc] GC(7) Pause Full (Allocation Failure) 511M->498M(512M) 1912.331ms
[14.345s][info][gc] GC(8) Pause Full (Allocation Failure) 511M->499M(512M) 1890.112ms
"#,
    );
}

#[test]
fn databases() {
    each(
        EvidenceKind::DbState,
        r"
 pid  | state  | wait_event_type |               query
------+--------+-----------------+-----------------------------------
 1008 | active | Lock            | alter table booking add column vat
~
Slave_IO_Running: Yes
Slave_SQL_Running: No
Seconds_Behind_Master: NULL
~
# Memory
used_memory:1073741824
maxmemory:1073741824
evicted_keys:88123
~
GROUP    TOPIC    PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG
billing  orders   0          1000            91000           90000
",
    );
}

#[test]
fn balancers() {
    each(
        EvidenceKind::LbState,
        r#"
{"TargetHealthDescriptions": [{"Target": {"Id": "i-0123", "Port": 80},
  "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout"}}]}
~
backend be_api has no server available!
~
cluster.shop.health_check.failure: 12
cluster.shop.health_check.success: 0
~
# pxname,svname,qcur,qmax,scur,smax,status
be_api,srv1,0,0,0,12,DOWN
"#,
    );
}

#[test]
fn costs() {
    each(
        EvidenceKind::CostReport,
        r#"
 Name                         Monthly Qty  Unit   Monthly Cost
 aws_instance.web
 OVERALL TOTAL                                         $757.82
~
Amazon Elastic Compute Cloud NatGateway          $1,228.35
$0.048 per GB Data Processed by NAT Gateways     20,504 GB   $984.22
~
{"ResultsByTime": [{"Total": {"UnblendedCost": {"Amount": "40.35", "Unit": "USD"}}}]}
"#,
    );
}

#[test]
fn steps() {
    each(
        EvidenceKind::ReproSteps,
        r#"
Steps to reproduce:
1. Open the cart
2. Click "Pay"
Expected: a receipt
Actual: an empty page
~
1. Log in as a guest
2. Add two albums
3. Click "Pay"

Expected result: a receipt
Observed result: nothing happens
~
**To reproduce**
1. run `make demo`
2. wait a minute

**Expected behaviour**
It keeps running
"#,
    );
}

#[test]
fn links() {
    for (url, says) in [
        (
            "https://grafana.shop.test/d/abc123/latency?from=now-1h&to=now",
            "Grafana dashboard latency",
        ),
        ("https://app.datadoghq.com/apm/trace/123", "Datadog apm"),
        (
            "https://ui.honeycomb.io/shop/environments/prod/datasets/api/result/x1",
            "Honeycomb result",
        ),
        ("https://shop.sentry.io/issues/4711/", "Sentry issue 4711"),
        ("https://jaeger.shop.test/trace/4bf92f3577b34da6", "Jaeger trace 4bf92f3577b34da6"),
        (
            "https://zipkin.shop.test/zipkin/traces/4bf92f3577b34da6",
            "Zipkin trace 4bf92f3577b34da6",
        ),
        (
            "https://kibana.shop.test/app/discover#/?_a=(query:(query:'status:502'))",
            "Kibana search status:502",
        ),
        (
            "https://splunk.shop.test/en-US/app/search/search?q=search%20status%3D503",
            "Splunk search search status=503",
        ),
        (
            "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1",
            "AWS console: cloudwatch",
        ),
        ("https://rpm.newrelic.com/accounts/1/applications/2", "New Relic page"),
        ("https://shop.pagerduty.com/incidents/PGR0VU2", "PagerDuty incident PGR0VU2"),
        ("https://github.com/shop/api/actions/runs/4711", "workflow run 4711 of shop/api"),
        ("https://github.com/shop/api/pull/17", "pull request 17 of shop/api"),
        ("https://gitlab.shop.test/shop/api/-/jobs/99", "GitLab jobs 99"),
        ("https://shop.atlassian.net/browse/OPS-2187", "Jira issue OPS-2187"),
        ("https://linear.app/shop/issue/OPS-12/slow-cart", "Linear issue OPS-12"),
        ("https://shop.statuspage.io/incidents/hr0mm9xmm3x6", "status page incident hr0mm9xmm3x6"),
        ("https://explain.dalibo.com/plan/bcc3fd5f", "shared query plan"),
    ] {
        for text in [url.to_owned(), format!("see <{url}|this>, please"), format!("({url}).")] {
            let finding = found(&text, EvidenceKind::Link);
            assert_eq!(finding.reading.expect("a link says what it is").says, says, "of {url}");
        }
    }
    let text = "see <https://shop.sentry.io/issues/4711/|the error> now";
    assert_eq!(found(text, EvidenceKind::Link).span, (4, text.len() - 4));
}

#[test]
fn files_tell_by_name_and_content() {
    let kinds = |name, text| -> Vec<EvidenceKind> {
        recognise(&EMBEDDED, Source::File { name, text }).iter().map(|f| f.kind).collect()
    };
    assert_eq!(kinds("app.log", "10:15:00 cannot reach db\n10:15:02 gave up"), [EvidenceKind::Log]);
    assert_eq!(kinds("fix.patch", "+one\n-two"), [EvidenceKind::Diff]);
    assert_eq!(kinds("bounce.eml", "Subject: hello\n\nhello"), [EvidenceKind::MailHeaders]);
    assert_eq!(kinds("notes.txt", "the log is on the fireplace"), []);
}

#[test]
fn slack_writing_does_not_hide_evidence() {
    let header = "&gt; GET /cart HTTP/1.1\n&gt; Host: <http://shop.test|shop.test>\n&lt; HTTP/1.1 502 Bad Gateway";
    assert_eq!(kinds(header), [EvidenceKind::HttpExchange]);
    let record = "<http://shop.test|shop.test>. 300 IN A 203.0.113.20";
    assert_eq!(kinds(record), [EvidenceKind::Dns]);
    let quoted = "> > Traceback (most recent call last):\n> >   File \"a.py\", line 3, in f\n> > KeyError: 'x'";
    assert_eq!(kinds(quoted), [EvidenceKind::StackTrace]);
}

#[test]
fn a_message_may_hold_several() {
    let text = "the plan:\n```\nSeq Scan on a  (cost=0.00..1.01 rows=1 width=4)\n```\nand the mail:\n```\n\
        Authentication-Results: mx; spf=fail smtp.mailfrom=shop.test\n```\nsee https://github.com/shop/api/pull/17";
    assert_eq!(
        kinds(text),
        [EvidenceKind::QueryPlan, EvidenceKind::MailHeaders, EvidenceKind::Link]
    );
}
