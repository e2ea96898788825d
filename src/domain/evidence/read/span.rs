//! Distributed traces: the longest span, and whether one operation is called over and over.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Fact, duration, number, shortened};
use crate::domain::evidence::text::Line;

/// A trace that takes longer waits for something.
const SLOW_SECONDS: f64 = 1.0;

/// The same operation so many times in one trace is a chatty access.
const REPEATS_MIN: usize = 10;

static DURATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#""duration(?P<name>Nanos|Millis|Ms|Micros|_ms|_us|_ns)?"\s*:\s*"?(?P<n>[0-9.]+)(?P<unit>ns|us|µs|ms|s)?""#.trim_end_matches('"'))
        .expect("the pattern is a constant of this file")
});
static TREE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:├─|└─|┕━|┝━|\|--|`--|^\s*(?:INFO|DEBUG|TRACE)\s)\s*(?P<name>\S.*?)\s(?:-\s|\[|\(|\s)*\s?(?P<n>[0-9.,]+) ?(?P<unit>ns|µs|us|ms|s)\b")
        .expect("the pattern is a constant of this file")
});
static ROW: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*[A-Z]+\s+(?:[┕┝━│ ])*[0-9.]+(?:ns|µs|ms|s) (?P<name>\S+) \[ ?(?P<n>[0-9.]+)(?P<unit>ns|µs|ms|s) ?\]")
        .expect("the pattern is a constant of this file")
});
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#""(?:operationName|name|rootTraceName)"\s*:\s*"(?P<name>[^"]{1,120})""#)
        .expect("the pattern is a constant of this file")
});
static NANOS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#""(?P<edge>start|end)TimeUnixNano"\s*:\s*"?(?P<n>[0-9]{16,20})"#)
        .expect("the pattern is a constant of this file")
});

/// A span's place, name and length in seconds.
struct Longest {
    line: usize,
    name: String,
    seconds: f64,
}

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    if let Some((line, name, times)) = repeated(lines) {
        let says = format!("\"{}\" is called {times} times in one trace", shortened(&name, 60));
        return Some(Fact::new(58, line, says).supports(&["n-plus-one"]));
    }
    if let Some((whole, part)) = tree(lines) {
        let inner = part.as_ref().map_or_else(String::new, |p| {
            format!(", most of it in {} ({})", p.name, duration(p.seconds))
        });
        let waits = part.is_some() && whole.seconds >= SLOW_SECONDS;
        let fact =
            Fact::new(62, whole.line, format!("trace takes {}{inner}", duration(whole.seconds)));
        return Some(if waits { fact.supports(&["slow-query", "hard-dependency"]) } else { fact });
    }
    let longest = longest(lines)?;
    Some(Fact::new(50, longest.line, format!("longest shown span: {}", duration(longest.seconds))))
}

/// JSON spans: the greatest duration; Zipkin and Jaeger count microseconds.
fn longest(lines: &[&Line<'_>]) -> Option<Longest> {
    let mut best: Option<Longest> = None;
    let mut started: Option<f64> = None;
    for (line, text) in lines.iter().map(|l| l.text.as_ref()).enumerate() {
        for found in DURATION.captures_iter(text) {
            let unit =
                found.name("unit").or_else(|| found.name("name")).map_or("us", |m| m.as_str());
            let n = found.name("n").and_then(|m| number(m.as_str()));
            offer(&mut best, line, n.map(|n| n * seconds_in(unit)));
        }
        for found in NANOS.captures_iter(text) {
            let at = found.name("n").and_then(|m| number(m.as_str()));
            if found.name("edge").is_some_and(|m| m.as_str() == "start") {
                started = at;
            } else if let (Some(from), Some(to)) = (started.take(), at) {
                offer(&mut best, line, Some((to - from) / 1e9));
            }
        }
    }
    best
}

fn offer(best: &mut Option<Longest>, line: usize, seconds: Option<f64>) {
    if let Some(seconds) = seconds.filter(|s| best.as_ref().is_none_or(|b| *s > b.seconds)) {
        *best = Some(Longest { line, name: String::new(), seconds });
    }
}

/// A drawn tree: its root, and the part that takes most of it.
fn tree(lines: &[&Line<'_>]) -> Option<(Longest, Option<Longest>)> {
    let mut spans = lines.iter().enumerate().filter_map(|(line, l)| {
        let found = ROW.captures(&l.text).or_else(|| TREE.captures(&l.text))?;
        let seconds = number(found.name("n")?.as_str())? * seconds_in(found.name("unit")?.as_str());
        Some(Longest { line, name: shortened(found.name("name")?.as_str().trim(), 40), seconds })
    });
    let whole = spans.next()?;
    let part = spans.filter(|s| s.seconds > whole.seconds / 2.0).reduce(|_, inner| inner);
    Some((whole, part))
}

/// The operation that comes most often, if often enough.
fn repeated(lines: &[&Line<'_>]) -> Option<(usize, String, usize)> {
    let mut names: HashMap<&str, (usize, usize)> = HashMap::new();
    for (line, text) in lines.iter().map(|l| l.text.as_ref()).enumerate() {
        for name in NAME.captures_iter(text).filter_map(|c| c.name("name")) {
            names.entry(name.as_str()).or_insert((line, 0)).1 += 1;
        }
    }
    let most = names.into_iter().max_by_key(|(name, (_, times))| (*times, *name))?;
    let (name, (line, times)) = most;
    (times >= REPEATS_MIN).then(|| (line, name.to_owned(), times))
}

fn seconds_in(unit: &str) -> f64 {
    match unit {
        "ns" | "Nanos" | "_ns" => 1e-9,
        "ms" | "Millis" | "Ms" | "_ms" => 1e-3,
        "s" => 1.0,
        _ => 1e-6,
    }
}
