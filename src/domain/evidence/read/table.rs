//! Tables of percentiles: which row has the slowest tail.

use super::{Fact, number, shortened};
use crate::domain::evidence::text::Line;

/// Names of tail columns, the best first.
const TAILS: [&str; 5] = ["p99", "99%", "p95", "95%", "p90"];

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let (header, column, name) = lines.iter().enumerate().find_map(|(i, line)| {
        let cells = cells(&line.text);
        let named =
            |tail: &str| cells.iter().position(|c| c.to_ascii_lowercase().starts_with(tail));
        let found = TAILS.iter().find_map(|tail| named(tail))?;
        (cells.len() > 2 && found > 0).then(|| (i, found, cells[found].clone()))
    })?;
    let width = cells(&lines[header].text).len();
    let mut worst: Option<(usize, f64, String)> = None;
    for (i, line) in lines.iter().enumerate().skip(header + 1) {
        let row = cells(&line.text);
        let Some(value) =
            row.get(column).and_then(|cell| number(cell)).filter(|_| row.len() == width)
        else {
            continue;
        };
        if worst.as_ref().is_none_or(|(_, most, _)| value > *most) {
            worst = Some((i, value, row.first().cloned().unwrap_or_default()));
        }
    }
    let (line, value, row) = worst?;
    Some(Fact::new(52, line, format!("slowest {name}: {value} ({})", shortened(&row, 40))))
}

/// The cells of a row of Markdown, CSV or aligned columns.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_matches('|');
    let split: Vec<&str> = if line.contains('|') {
        line.split('|').collect()
    } else if line.contains(',') {
        line.split(',').collect()
    } else {
        line.split_whitespace().collect()
    };
    split.into_iter().map(|cell| cell.trim().to_owned()).collect()
}
