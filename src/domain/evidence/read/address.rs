//! Names: the records that answer, their TTL, and rival SPF records.

use std::sync::LazyLock;

use regex::Regex;

use super::{Fact, shortened};
use crate::domain::evidence::text::Line;

static RECORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?P<name>[A-Za-z0-9_*.-]+)\s+(?P<ttl>[0-9]+)\s+(?:IN\s+)?(?P<type>A|AAAA|CNAME|MX|TXT|NS|SRV|PTR|CAA)\s+(?P<data>\S.*)$")
        .expect("the pattern is a constant of this file")
});
static SERVED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^Address(?:es)?:\s+(?P<data>[0-9a-fA-F.:]+)\s*$")
        .expect("the pattern is a constant of this file")
});
pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let spf: Vec<usize> =
        (0..lines.len()).filter(|i| lines[*i].text.contains("\"v=spf1")).collect();
    if let [_, second, ..] = spf.as_slice() {
        return Some(
            Fact::new(93, *second, "two SPF records: receivers treat both as invalid")
                .supports(&["email-auth"]),
        );
    }
    answers(lines).or_else(|| served(lines))
}

/// The last record of the answer: where the name ends up.
fn answers(lines: &[&Line<'_>]) -> Option<Fact> {
    let mut last = None;
    for (i, line) in lines.iter().enumerate() {
        let Some(found) = RECORD.captures(&line.text) else { continue };
        let part = |name: &str| found.name(name).map_or("", |m| m.as_str()).to_owned();
        let ends = matches!(part("type").as_str(), "A" | "AAAA" | "PTR" | "MX" | "NS");
        if last.is_none() || ends {
            let says = format!(
                "{} {} {}, TTL {} s",
                part("name"),
                part("type"),
                shortened(&part("data"), 60),
                part("ttl")
            );
            last = Some((i, says, ends));
            if ends {
                break;
            }
        }
    }
    last.map(|(line, says, ends)| {
        let fact = Fact::new(52, line, says);
        if ends { fact.against(&["dns-resolver"]) } else { fact }
    })
}

/// What `nslookup` shows after the address of the server itself.
fn served(lines: &[&Line<'_>]) -> Option<Fact> {
    let mut named = false;
    for (i, line) in lines.iter().enumerate() {
        named |= line.text.starts_with("Name:");
        if let Some(found) = SERVED.captures(&line.text).filter(|_| named) {
            let says = format!("resolves to {}", found.name("data").map_or("", |m| m.as_str()));
            return Some(Fact::new(52, i, says).against(&["dns-resolver"]));
        }
    }
    None
}
