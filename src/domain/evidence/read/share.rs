//! A count and its maximum on two lines: how full the connection table is.

use std::sync::LazyLock;

use regex::Regex;

use super::{Fact, grouped, number};
use crate::domain::evidence::text::Line;

/// From this share on, new connections are about to be refused.
const FULL: f64 = 0.9;
/// Below this share the table is no reason.
const ROOMY: f64 = 0.5;

static ENTRY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\bnf_conntrack_(?P<which>count|max)\b ?[=:] ?(?P<n>\d+)")
        .expect("the pattern is a constant of this file")
});

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let entry = |which: &str| {
        lines.iter().enumerate().find_map(|(i, line)| {
            let found = ENTRY.captures(&line.text).filter(|found| &found["which"] == which)?;
            Some((i, number(&found["n"])?))
        })
    };
    let ((line, count), (_, max)) = (entry("count")?, entry("max")?);
    let says = format!("{} of {} connection-table entries are used", grouped(count), grouped(max));
    let fact = Fact::new(86, line, says);
    Some(match count / max.max(1.0) {
        share if share >= FULL => fact.supports(&["conn-tracking"]),
        share if share < ROOMY => fact.against(&["conn-tracking"]),
        _ => fact,
    })
}
