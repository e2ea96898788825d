//! Labelled messages: the lines that `learn` and `eval detect` read.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

/// One labelled message.
#[derive(Debug)]
pub(super) struct Labelled {
    /// Its id in the file.
    pub id: String,
    /// The community or author it comes from; figures are taken with one left out in turn.
    pub group: String,
    /// The message.
    pub text: String,
    /// The messages before it, oldest first.
    pub context: Vec<String>,
    /// Whether it is a proposal; `None` where readers may differ.
    pub proposal: Option<bool>,
    /// Whether somebody judged it; an ordinary message without label counts as silent.
    pub has_label: bool,
    /// The line as it stands in the file.
    pub row: Value,
}

/// How many groups a file without communities is cut into.
const FOLDS: usize = 5;

/// Reads NDJSON files of `{"id","text","context"?,"label":"SPEAK|SILENT|EITHER","source"?}`; a line without label is silent.
pub(super) fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Labelled>> {
    let mut all = Vec::new();
    for file in files {
        read_file(file, &mut all).with_context(|| format!("could not read {}", file.display()))?;
    }
    Ok(all)
}

fn read_file(file: &Path, all: &mut Vec<Labelled>) -> anyhow::Result<()> {
    let name =
        file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let lines = std::io::BufReader::new(std::fs::File::open(file)?).lines();
    for (number, line) in lines.enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let row: Value =
            serde_json::from_str(&line).with_context(|| format!("line {}", number + 1))?;
        let field = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let context = row.get("context").and_then(Value::as_array).into_iter().flatten();
        let context = context.filter_map(|c| c.as_str().or_else(|| c.get("text")?.as_str()));
        let proposal = match row.get("label").and_then(Value::as_str) {
            Some("SPEAK") => Some(true),
            Some("EITHER") => None,
            _ => Some(false),
        };
        all.push(Labelled {
            id: field("id"),
            group: match row.get("source").and_then(Value::as_str) {
                Some(source) => source.to_owned(),
                None => format!("{name}/{}", number % FOLDS),
            },
            text: field("text"),
            context: context.map(str::to_owned).collect(),
            proposal,
            has_label: row.get("label").is_some(),
            row,
        });
    }
    Ok(())
}
