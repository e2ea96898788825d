//! The same line over and over: one statement per row, or one client that does not stop trying.

use std::collections::HashMap;

use super::{Fact, shortened};
use crate::domain::evidence::text::Line;

/// So often is over and over.
const TIMES_MIN: usize = 10;

/// Longer lines are compared by their beginning.
const SHAPE_CHARS_MAX: usize = 200;

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let mut shapes: HashMap<String, (usize, usize)> = HashMap::new();
    for (i, line) in lines.iter().enumerate() {
        if let Some(what) = what_repeats(&line.text) {
            shapes.entry(shape(what)).or_insert((i, 0)).1 += 1;
        }
    }
    let (shape, (line, times)) = shapes
        .into_iter()
        .max_by_key(|(shape, (line, times))| (*times, usize::MAX - line, shape.clone()))?;
    if times < TIMES_MIN {
        return None;
    }
    let says = format!("{times} times: {}", shortened(shape.trim(), 80));
    let class = if shape.contains("select ") { "n-plus-one" } else { "retry-cascade" };
    Some(Fact::new(67, line, says).supports(&[class]))
}

/// The statement or the attempt in a line; nothing else counts when it repeats.
fn what_repeats(line: &str) -> Option<&str> {
    let lower = line.to_ascii_lowercase();
    let from = lower.find("select ").or_else(|| {
        ["retrying", "reconnect", "retry ", "attempt"].iter().find_map(|word| lower.find(word))
    })?;
    line.get(from..)
}

/// The text without what differs: numbers, quoted values, case.
fn shape(text: &str) -> String {
    let mut out = String::new();
    let mut quoted = None;
    for c in text.chars().take(SHAPE_CHARS_MAX) {
        match (quoted, c) {
            (Some(mark), c) if c == mark => quoted = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => {
                quoted = Some(c);
                out.push('?');
            }
            (None, c) if c.is_ascii_digit() => {
                if !out.ends_with('?') {
                    out.push('?');
                }
            }
            (None, c) => out.extend(c.to_lowercase()),
        }
    }
    out
}
