//! Query plans of `PostgreSQL`: the node that throws most rows away, what spills to disk, and how long it took.

use std::sync::LazyLock;

use regex::Regex;

use super::{Fact, duration, grouped, number};
use crate::domain::evidence::text::Line;

/// Faster than this is not slow, whatever the plan does.
const FAST_SECONDS: f64 = 0.05;

/// Fewer rows thrown away than this explain nothing.
const ROWS_REMOVED_MIN: f64 = 10_000.0;

/// A sequential scan that reads so many rows is worth naming by itself.
const ROWS_SCANNED_MIN: f64 = 100_000.0;

/// Every pattern here is checked by a test.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is a constant of this file")
}

macro_rules! patterns {
    ($($name:ident = $text:literal;)+) => {$(
        static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));
    )+};
}

patterns! {
    NODE = r#"(?:->\s+|^\W*|"?Node Type"?: "?)((?:Parallel )?(?:Seq Scan|Index Only Scan|Index Scan|Bitmap Heap Scan|Sample Scan|Foreign Scan|Nested Loop|Hash|Sort|Aggregate|Gather))\b(?: (?:using \S+ )?on "?([A-Za-z0-9_.:]+))?"#;
    RELATION = r#""?Relation Name"?: "?([A-Za-z0-9_.]+)"#;
    REMOVED = r#""?Rows Removed by (?:Filter|Join Filter|Index Recheck)"?:\s*([0-9,]+)"#;
    TOTAL = r#"(?i)"?(?:execution time|total runtime)"?:?\s*([0-9.,]+)(?:\s*ms)?"#;
    ACTUAL = r"actual(?: time=[0-9.,]+\.\.([0-9.,]+))? rows=([0-9.,]+) loops=([0-9,]+)";
    ACTUAL_JSON = r#""Actual Total Time":\s*([0-9.]+)"#;
    SPILL = r#"(?i)(?:external (?:merge|sort)\s+Disk:\s*([0-9]+)\s*kB|"?Sort Space Type"?: "?Disk)"#;
    BATCHES = r#"Batches"?:\s*([0-9]+)"#;
    TRIGGER = r"Trigger (?:for constraint )?([A-Za-z0-9_]+): time=([0-9.]+) calls=([0-9]+)";
    JIT = r"Timing:.*Generation.*Total ([0-9.]+) ms";
    LOSSY = r"Heap Blocks:.*lossy=([0-9]+)";
}

/// A node that threw rows away.
struct Removed {
    line: usize,
    rows: f64,
    node: String,
}

/// What the plan's lines say, gathered in one pass.
#[derive(Default)]
struct Plan {
    /// The node read last, and how often it ran.
    node: String,
    loops: f64,
    removed: Option<Removed>,
    scanned: Option<Removed>,
    spill: Option<(usize, String)>,
    batches: Option<(usize, f64)>,
    trigger: Option<(usize, String, f64)>,
    jit: Option<(usize, f64)>,
    lossy: Option<usize>,
    total: Option<(usize, f64)>,
    first_actual: Option<(usize, f64)>,
}

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let plan = gather(lines);
    let (time_line, seconds) =
        plan.total.or(plan.first_actual).map_or((None, None), |(l, s)| (Some(l), Some(s)));
    let took = seconds.map_or_else(String::new, |s| format!(", {}", duration(s)));
    let wasteful = plan.removed.as_ref().is_some_and(|r| r.rows >= ROWS_SCANNED_MIN);
    let slow = wasteful || seconds.is_none_or(|s| s >= FAST_SECONDS);
    if let (Some(line), Some(seconds), false) = (time_line, seconds, slow) {
        return Some(fast(&plan, line, seconds));
    }
    if let Some((line, name, time)) =
        plan.trigger.filter(|(_, _, time)| seconds.is_none_or(|s| *time > s / 2.0))
    {
        let says = format!("trigger {name} takes {}{took}", duration(time));
        return Some(Fact::new(92, line, says).supports(&["slow-query"]));
    }
    if let Some(Removed { line, rows, node }) = plan.removed.filter(|r| r.rows >= ROWS_REMOVED_MIN)
    {
        let says = format!("{node} removed {} rows{took}", grouped(rows));
        return Some(Fact::new(90, line, says).supports(&["slow-query"]));
    }
    if let Some((line, size)) = plan.spill {
        let says = format!("sort spills to disk{size}{took}");
        return Some(Fact::new(84, line, says).supports(&["config-value", "slow-query"]));
    }
    if let Some((line, batches)) = plan.batches.filter(|(_, n)| *n > 1.0) {
        let says = format!("hash runs in {batches:.0} batches on disk{took}");
        return Some(Fact::new(83, line, says).supports(&["config-value", "slow-query"]));
    }
    if let Some(Removed { line, rows, node }) = plan.scanned.filter(|r| r.rows >= ROWS_SCANNED_MIN)
    {
        let says = format!("{node} reads {} rows{took}", grouped(rows));
        return Some(Fact::new(82, line, says).supports(&["slow-query"]));
    }
    if let Some(line) = plan.lossy {
        return Some(
            Fact::new(60, line, format!("bitmap is lossy: too little work_mem{took}"))
                .supports(&["config-value"]),
        );
    }
    let line = time_line?;
    Some(Fact::new(45, line, format!("takes {}", duration(seconds?))))
}

/// A fast plan speaks against a slow query, unless compiling it is most of the time.
fn fast(plan: &Plan, line: usize, seconds: f64) -> Fact {
    if let Some((line, jit)) = plan.jit.filter(|(_, jit)| *jit > seconds / 2.0) {
        let says = format!("JIT compilation takes {} of {}", duration(jit), duration(seconds));
        return Fact::new(70, line, says).supports(&["config-value"]);
    }
    Fact::new(80, line, format!("{}: not slow", duration(seconds))).against(&["slow-query"])
}

fn gather(lines: &[&Line<'_>]) -> Plan {
    let mut plan = Plan { node: String::from("a filter"), loops: 1.0, ..Plan::default() };
    for (i, line) in lines.iter().enumerate() {
        plan.note_node(i, &line.text);
        plan.note_rows(i, &line.text);
        plan.note_cost(i, &line.text);
    }
    plan
}

/// The number a pattern captures first.
fn first(re: &Regex, text: &str) -> Option<f64> {
    re.captures(text).and_then(|c| number(c.get(1)?.as_str()))
}

impl Plan {
    /// Which node the following lines tell of.
    fn note_node(&mut self, line: usize, text: &str) {
        if let Some(found) = NODE.captures(text) {
            let name = found.get(1).map_or("", |m| m.as_str());
            self.node = found
                .get(2)
                .map_or_else(|| name.to_owned(), |on| format!("{name} on {}", on.as_str()));
        }
        if let Some(relation) = RELATION.captures(text).and_then(|c| c.get(1)) {
            let name = self.node.split(" on ").next().unwrap_or("");
            self.node = format!("{name} on {}", relation.as_str());
        }
        if let Some(actual) = ACTUAL.captures(text) {
            let part = |group: usize| actual.get(group).and_then(|m| number(m.as_str()));
            self.loops = part(3).unwrap_or(1.0).max(1.0);
            let rows = part(2).unwrap_or(0.0) * self.loops;
            if self.node.contains("Seq Scan") && self.scanned.as_ref().is_none_or(|s| rows > s.rows)
            {
                self.scanned = Some(Removed { line, rows, node: self.node.clone() });
            }
            self.first_actual = self.first_actual.or(part(1).map(|ms| (line, ms / 1e3)));
        }
        self.first_actual =
            self.first_actual.or(first(&ACTUAL_JSON, text).map(|ms| (line, ms / 1e3)));
    }

    /// What was thrown away or spilt.
    fn note_rows(&mut self, line: usize, text: &str) {
        let removed = first(&REMOVED, text).map(|rows| rows * self.loops);
        if let Some(rows) =
            removed.filter(|rows| self.removed.as_ref().is_none_or(|r| *rows > r.rows))
        {
            self.removed = Some(Removed { line, rows, node: self.node.clone() });
        }
        if SPILL.is_match(text) && self.spill.is_none() {
            let size = first(&SPILL, text).map(|kb| format!(" ({:.0} MB)", (kb / 1024.0).ceil()));
            self.spill = Some((line, size.unwrap_or_default()));
        }
        self.batches =
            first(&BATCHES, text).filter(|n| *n > 1.0).map(|n| (line, n)).or(self.batches);
        self.lossy = if LOSSY.is_match(text) { Some(line) } else { self.lossy };
    }

    /// What took how long.
    fn note_cost(&mut self, line: usize, text: &str) {
        if let Some(trigger) = TRIGGER.captures(text) {
            let name = trigger.get(1).map_or("", |m| m.as_str()).to_owned();
            let time = trigger.get(2).and_then(|m| number(m.as_str())).unwrap_or(0.0) / 1e3;
            if self.trigger.as_ref().is_none_or(|(_, _, t)| time > *t) {
                self.trigger = Some((line, name, time));
            }
        }
        self.jit = first(&JIT, text).map(|ms| (line, ms / 1e3)).or(self.jit);
        self.total = first(&TOTAL, text).map(|ms| (line, ms / 1e3)).or(self.total);
    }
}
