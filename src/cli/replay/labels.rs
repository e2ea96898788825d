//! Labels that people gave to messages of an export, and what they say about a replay.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::cli::figures::{count, share};
use crate::replay::Report;

/// What a reader said of a message: whether the bot should answer it; `None` where readers may differ.
type Label = Option<bool>;

/// Labels by channel (its id or its name) and timestamp.
#[derive(Debug)]
pub(super) struct Labels(HashMap<(String, String), Label>);

/// How the prompts stand against the labels.
#[derive(Debug, Default)]
pub(super) struct Judgement {
    /// All prompts.
    pub all: Tally,
    /// Prompts by every rule that matched in them.
    pub rules: BTreeMap<String, Tally>,
    /// Prompts whose readers may differ.
    pub either: usize,
    /// Prompts without a label, by their place among the prompts.
    pub unlabelled: Vec<usize>,
    /// Messages labelled SPEAK.
    pub wanted: usize,
}

/// Prompts that should have been, and others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Labelled SPEAK.
    pub right: usize,
    /// Labelled SILENT.
    pub wrong: usize,
}

/// Reads a file of labels; a line that can't be read is named.
pub(super) fn read(path: &Path) -> anyhow::Result<Labels> {
    let cannot = || format!("could not read the labels in {}", path.display());
    let text = std::fs::read_to_string(path).with_context(cannot)?;
    parse(&text).with_context(cannot)
}

fn parse(text: &str) -> anyhow::Result<Labels> {
    let mut labels = HashMap::new();
    let text = text.trim_start_matches('\u{feff}');
    let mut heads: Option<Vec<String>> = None;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row: HashMap<String, String> = if line.trim_start().starts_with('{') {
            let row: BTreeMap<String, Value> = serde_json::from_str(line)
                .with_context(|| format!("line {}: not JSON", number + 1))?;
            row.into_iter().filter_map(|(k, v)| Some((k, v.as_str()?.to_owned()))).collect()
        } else if let Some(heads) = &heads {
            heads.iter().cloned().zip(cells(line)).collect()
        } else {
            heads = Some(cells(line).collect());
            continue;
        };
        let field = |name: &str| row.get(name).filter(|v| !v.is_empty());
        let Some(label) = field("label") else { continue };
        let (Some(channel), Some(ts)) = (field("channel"), field("ts")) else {
            bail!("line {}: needs \"channel\" and \"ts\", both as text", number + 1)
        };
        let label = match label.as_str() {
            "SPEAK" => Some(true),
            "SILENT" => Some(false),
            "EITHER" => None,
            other => bail!("line {}: \"{other}\" is none of SPEAK, SILENT, EITHER", number + 1),
        };
        labels.insert((channel.trim_start_matches('#').to_owned(), ts.clone()), label);
    }
    if labels.is_empty() {
        bail!("it holds no label: see `secondlook replay --help` for the two formats");
    }
    Ok(Labels(labels))
}

/// The cells of a line of CSV; ids, times and labels hold no comma.
fn cells(line: &str) -> impl Iterator<Item = String> {
    line.split(',').map(|cell| cell.trim().trim_matches('"').to_owned())
}

impl Labels {
    /// Holds the prompts of a replay against the labels.
    pub(super) fn judge(&self, report: &Report) -> Judgement {
        let mut judgement = Judgement {
            wanted: self.0.values().filter(|label| **label == Some(true)).count(),
            ..Judgement::default()
        };
        for (number, prompt) in report.prompts.iter().enumerate() {
            let channel = &report.channels[prompt.channel];
            let label = |channel: &str| self.0.get(&(channel.to_owned(), prompt.ts.0.clone()));
            match label(channel.id.as_str()).or_else(|| label(&channel.name)) {
                None => judgement.unlabelled.push(number),
                Some(None) => judgement.either += 1,
                Some(Some(right)) => {
                    judgement.all.add(*right);
                    for rule in &prompt.rules {
                        judgement.rules.entry(rule.clone()).or_default().add(*right);
                    }
                }
            }
        }
        judgement
    }
}

impl Judgement {
    pub(super) fn to_json(&self) -> Value {
        let rules: serde_json::Map<_, _> =
            self.rules.iter().map(|(rule, tally)| (rule.clone(), tally.to_json())).collect();
        json!({
            "precision": self.all.to_json(), "rules": rules, "either": self.either,
            "unlabelled": self.unlabelled.len(), "labelled_speak": self.wanted,
        })
    }
}

impl Tally {
    fn add(&mut self, right: bool) {
        *(if right { &mut self.right } else { &mut self.wrong }) += 1;
    }

    /// `0.83 (5 of 6, 95 % interval 0.44–0.97)`
    pub(super) fn shown(self) -> String {
        let all = self.right + self.wrong;
        if all == 0 {
            return "not labelled".to_owned();
        }
        let (low, high) = self.interval();
        let precision = share(self.right, all);
        format!("{precision:.2} ({} of {all}; 95 % interval {low:.2}–{high:.2})", self.right)
    }

    /// Wilson's interval at 95 %, which holds for small counts too.
    fn interval(self) -> (f64, f64) {
        const Z: f64 = 1.959_964;
        let n = count((self.right + self.wrong).max(1));
        let p = count(self.right) / n;
        let middle = p + Z * Z / (2.0 * n);
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + Z * Z / n;
        (((middle - half) / whole).max(0.0), ((middle + half) / whole).min(1.0))
    }

    fn to_json(self) -> Value {
        let all = self.right + self.wrong;
        let (low, high) = self.interval();
        let figure = (all > 0).then(|| share(self.right, all));
        json!({"right": self.right, "wrong": self.wrong, "precision": figure,
            "interval": (all > 0).then_some([low, high])})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_as_lines_of_json_and_as_csv() {
        let json = "{\"channel\":\"#backend\",\"ts\":\"1.2\",\"label\":\"SPEAK\",\"rule\":\"x\",\"confidence\":0.9}\n\n{\"summary\":{}}\n{\"channel\":\"C1\",\"ts\":\"1.3\",\"label\":\"EITHER\"}\n";
        let csv = "\u{feff}label,channel,ts\nSPEAK,backend,1.2\n,C1,1.4\n\"EITHER\",C1,1.3\n";
        for text in [json, csv] {
            let labels = parse(text).unwrap().0;
            assert_eq!(labels.len(), 2);
            assert_eq!(labels[&("backend".to_owned(), "1.2".to_owned())], Some(true));
            assert_eq!(labels[&("C1".to_owned(), "1.3".to_owned())], None);
        }
    }

    #[test]
    fn a_label_that_cannot_be_read_is_named_with_its_line() {
        for (text, fault) in [
            ("{\"channel\":\"C1\",\"ts\":\"1\",\"label\":\"YES\"}", "line 1: \"YES\" is none"),
            ("channel,ts,label\n\nC1,,SPEAK", "line 3: needs"),
            ("{\"channel\"", "line 1: not JSON"),
            ("channel,ts,label\n", "no label"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(fault), "{error}");
        }
    }

    #[test]
    fn the_interval_is_wide_where_little_is_labelled() {
        let tally = |right, wrong| Tally { right, wrong };
        assert_eq!(tally(5, 1).shown(), "0.83 (5 of 6; 95 % interval 0.44–0.97)");
        assert_eq!(tally(0, 0).shown(), "not labelled");
        assert_eq!(tally(3, 0).shown(), "1.00 (3 of 3; 95 % interval 0.44–1.00)");
    }
}
