//! Paths hop by hop: loss that reaches the end is loss, loss at one hop on the way is not.

use std::sync::LazyLock;

use regex::Regex;

use super::{Fact, number};
use crate::domain::evidence::text::Line;

/// Less loss than this is noise.
const LOSS_PERCENT_MIN: f64 = 1.0;

static HOP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?P<hop>\d{1,2})\.\s*(?:\|--|AS\S+)?\s*(?P<host>\S+)\s+(?P<loss>[\d.]+)%")
        .expect("the pattern is a constant of this file")
});

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let hops: Vec<(usize, String, f64)> = lines
        .iter()
        .enumerate()
        .filter_map(|(i, line)| {
            let found = HOP.captures(&line.text)?;
            let loss = number(found.name("loss")?.as_str())?;
            Some((i, found.name("host")?.as_str().to_owned(), loss))
        })
        .collect();
    let (last_line, last_host, last_loss) = hops.last()?;
    if *last_loss >= LOSS_PERCENT_MIN {
        let says = format!("{last_loss}% loss reaches the last hop, {last_host}");
        return Some(Fact::new(89, *last_line, says).supports(&["network-path"]));
    }
    let worst = hops
        .iter()
        .max_by(|a, b| a.2.total_cmp(&b.2))
        .filter(|(_, _, loss)| *loss >= LOSS_PERCENT_MIN);
    Some(match worst {
        Some((_, host, loss)) => {
            let says = format!("{host} shows {loss}% loss but the last hop none: no real loss");
            Fact::new(78, *last_line, says)
                .supports(&["measurement-error"])
                .against(&["network-path"])
        }
        None => Fact::new(50, *last_line, "no loss at any hop").against(&["network-path"]),
    })
}
