//! Nothing that is posted makes it panic, cut a character, or take more than linear time.

use super::*;

/// Whatever it finds must be sound.
fn examine(text: &str) {
    let findings = recognise(&EMBEDDED, Source::Text(text));
    for finding in &findings {
        assert!(text.get(finding.span.0..finding.span.1).is_some(), "{finding:?} cuts a character");
        if let Some(reading) = &finding.reading {
            assert!(reading.line.chars().count() <= 120, "{reading:?}");
            assert!(!reading.says.trim().is_empty(), "{reading:?}");
        }
    }
    let once = redact(&EMBEDDED, text);
    let twice = redact(&EMBEDDED, &once.text);
    assert_eq!((twice.count, &twice.text), (0, &once.text), "not settled: {text:?}");
}

const SAMPLES: [&str; 12] = [
    "```\n2026-03-04 10:00:00 ERROR db: connection pool exhausted\n2026-03-04 10:00:01 ERROR db: gave up\n```",
    "Seq Scan on booking  (cost=0.00..1.01 rows=1 width=4) (actual time=0.010..912.0 rows=1 loops=3)\n  Rows Removed by Filter: 400000",
    "Authentication-Results: mx.local; dkim=fail header.d=shop.test; spf=pass; dmarc=fail",
    "dig <http://api.shop.test|api.shop.test>\n;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN, id: 1",
    "look: <https://grafana.shop.test/d/abc123/latency?from=now-1h|the board> and <mailto:kim@shop.test|kim@shop.test>",
    "-----BEGIN PRIVATE KEY-----\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASCAUAw\n-----END PRIVATE KEY-----",
    "> > &gt; Traceback (most recent call last):\n> >   File \"a.py\", line 3, in f\n> > KeyError: 'grüße'",
    "password=Sommer2031! token: abcDEF123456ghi Cookie: a=1; b=2",
    "{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Rows Removed by Filter\": 99999}, \"duration\": \"12ms\"}",
    "\u{202e}HTTP/1.1 503 Service Unavailable\u{200b}\nserver: x\nПароль: да",
    "| name | p50 | p99 |\n|---|---|---|\n| π | 1.0 | 9.5 |",
    "notBefore=Jan 1 00:00:00 2026 GMT\nnotAfter=Feb 30 00:00:00 2026 GMT\nExpiry Date: 2026-99-99",
];

#[test]
fn mutations_of_samples_stay_sound() {
    let mut seed: u64 = 42;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits fit") % below.max(1)
    };
    let insertions = [
        "\u{200b}",
        "```",
        "\n",
        "é",
        "🦀",
        "[redacted: ",
        "]",
        "<",
        "|",
        "0",
        "\r",
        "&lt;",
        "\0",
        "@",
        "\"",
    ];
    for sample in SAMPLES {
        examine(sample);
        for _ in 0..40 {
            let mut chars: Vec<char> = sample.chars().collect();
            for _ in 0..=next(4) {
                let at = next(chars.len());
                match next(3) {
                    0 => drop(chars.splice(at..at, insertions[next(insertions.len())].chars())),
                    1 => drop(chars.splice(at..(at + next(20)).min(chars.len()), [])),
                    _ => {
                        let middle = chars.len() / 2;
                        chars.swap(at, middle);
                    }
                }
            }
            examine(&chars.into_iter().collect::<String>());
        }
    }
}

#[test]
fn odd_texts_stay_sound() {
    let nested = ">".repeat(5_000) + " " + &"> ".repeat(5_000) + "text";
    let fences = "```".repeat(3_000);
    let marks = "[redacted: ".repeat(3_000);
    let zero = "\u{200b}".repeat(40_000) + "password=Winter2031x";
    for text in [
        "",
        " ",
        "\n",
        "```",
        "``````",
        "http",
        "https://",
        "<http://>",
        "<>|",
        nested.as_str(),
        &fences,
        &marks,
        &zero,
    ] {
        examine(text);
    }
    for name in ["", ".log", "a.eml", "b.diff", "c.har"] {
        assert_eq!(recognise(&EMBEDDED, Source::File { name, text: "" }), []);
    }
}

/// What takes more than linear time would not end here.
#[test]
fn long_and_monotonous_texts_stay_sound() {
    let units = [
        "2026-03-04 10:00:00 ERROR cannot reach db (attempt 3)\n",
        "https://grafana.shop.test/d/abc123/latency ",
        "a@b.test,",
        "mysql mysql -u root ",
        "{\"traceId\":\"4bf92f3577b34da6\",\"duration\":12,",
        "http://a))))))))]]]]",
        "-----BEGIN PRIVATE KEY-----\n",
        "cookie: a=b ",
        "> ",
    ];
    for unit in units {
        let text = unit.repeat(120_000 / unit.len());
        examine(&text);
    }
}
