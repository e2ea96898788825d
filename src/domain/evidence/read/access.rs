//! Access logs: the share of failing answers and who is behind them, and clients that only find nothing.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;

use super::{Fact, shortened};
use crate::domain::evidence::text::Line;

/// Fewer answers have no share.
const ANSWERS_MIN: usize = 4;

static ANSWER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:"|\s)(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (?P<path>[^\s?"]+)[^"\s]*(?: HTTP/[\d.]+)?"?\s(?P<status>[1-5]\d\d)\b"#)
        .expect("the pattern is a constant of this file")
});
static CLIENT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:\d{1,3}\.){3}\d{1,3}\b").expect("the pattern is a constant of this file")
});
static UPSTREAM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"upstream(?:_addr)?[:=]\s*"?(?:https?://)?(?P<to>[\w.:-]+)"#)
        .expect("the pattern is a constant of this file")
});

/// What one kind of bad answer adds up to.
#[derive(Default)]
struct Bad<'a> {
    first: Option<usize>,
    count: usize,
    behind: HashMap<&'a str, usize>,
    paths: HashSet<&'a str>,
}

impl<'a> Bad<'a> {
    fn add(&mut self, line: usize, who: &'a str, path: &'a str) {
        self.first.get_or_insert(line);
        self.count += 1;
        *self.behind.entry(who).or_default() += 1;
        self.paths.insert(path);
    }

    /// Whoever is behind most of it, and how often.
    fn most(&self) -> Option<(&'a str, usize)> {
        self.behind.iter().map(|(who, n)| (*who, *n)).max_by_key(|(who, n)| (*n, *who))
    }
}

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let mut all = 0;
    let (mut failed, mut missing) = (Bad::default(), Bad::default());
    for (i, line) in lines.iter().enumerate() {
        let text = line.text.as_ref();
        let Some(found) = ANSWER.captures(text) else { continue };
        let path = found.name("path").map_or("", |m| m.as_str());
        let status = found.name("status").map_or("", |m| m.as_str());
        let client = CLIENT.find(text).map_or("", |m| m.as_str());
        let behind =
            UPSTREAM.captures(text).and_then(|c| c.name("to")).map_or(path, |m| m.as_str());
        all += 1;
        match status.as_bytes().first() {
            Some(b'5') => failed.add(i, behind, path),
            Some(b'4') => missing.add(i, client, path),
            _ => {}
        }
    }
    if all < ANSWERS_MIN {
        return None;
    }
    if let Some(line) = failed.first.filter(|_| failed.count * 10 >= all) {
        let whom = failed
            .most()
            .map_or_else(String::new, |(who, n)| format!(", {n} from {}", shortened(who, 50)));
        let says = format!("{} of {all} answers are 5xx{whom}", failed.count);
        return Some(Fact::new(68, line, says).supports(&[
            "lb-health-check",
            "proxy-routing",
            "release-defect",
        ]));
    }
    let line = missing
        .first
        .filter(|_| missing.count * 2 >= all && missing.paths.len() * 2 >= missing.count)?;
    let (client, n) = missing.most()?;
    let says = format!("{n} requests of {client} for {} paths found nothing", missing.paths.len());
    Some(Fact::new(66, line, says).supports(&["hostile-traffic"]))
}
