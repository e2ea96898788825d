//! What the documents promise, held against the code: the tests that `docs/SECURITY.md` names exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every Rust source under a folder of the repository, read.
fn sources(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(kind) if kind == "rs" => vec![fs::read_to_string(&path).unwrap()],
            _ => vec![],
        })
        .collect()
}

/// The functions that are tests.
fn tests() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [sources(&root.join("src")), sources(&root.join("tests"))].concat();
    let mut found = BTreeSet::new();
    for source in &sources {
        let mut marked = false;
        for line in source.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                marked = true;
            } else if marked && let Some((_, after)) = line.split_once("fn ") {
                let name = after.split('(').next().unwrap_or_default();
                found.insert(name.to_owned());
                marked = false;
            }
            // A list of stories that are told on several stores.
            if let Some((_, name)) = line.strip_suffix(',').and_then(|line| line.split_once("::"))
                && line.chars().all(|c| c.is_ascii_lowercase() || "_:,".contains(c))
            {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_test_that_a_promise_names_exists() {
    let tests = tests();
    let promises = include_str!("../docs/SECURITY.md");
    let rows = promises.lines().filter(|line| line.starts_with("| ")).skip(1);
    let mut unheld = Vec::new();
    let mut count = 0;
    for row in rows {
        let (promise, named) = row.trim_matches('|').split_once('|').unwrap();
        let named: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test holds: {promise}");
        unheld.extend(
            named
                .iter()
                .filter(|name| !tests.contains(**name))
                .map(|name| format!("{name} is no test, yet SECURITY.md names it for:{promise}")),
        );
        count += named.len();
    }
    assert!(unheld.is_empty(), "{}", unheld.join("\n"));
    assert!(count >= 30, "only {count} tests are named");
}

/// Names that begin with `secondlook_` in a text, without what Prometheus adds to a histogram's.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
    };
    let found = text.match_indices("secondlook_").map(|(at, _)| name(&text[at..]));
    found
        .map(|name| {
            let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            base.map_or(name.clone(), str::to_owned)
        })
        .collect()
}

#[test]
fn every_metric_is_described_watched_and_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let described = metrics_in(include_str!("../src/web/metrics.rs"));
    let rooms = ["app", "slack", "web"].map(|room| sources(&root.join("src").join(room)));
    // Counted by a macro or a function, `counter!("…`; a row of the table begins with a blank.
    let is_call = |source: &str, at: usize| !source[..at].ends_with(char::is_whitespace);
    let counted: BTreeSet<String> = rooms
        .iter()
        .flatten()
        .flat_map(|source| {
            let calls = source.match_indices("(\"secondlook_").filter(|hit| is_call(source, hit.0));
            let name =
                |at: usize| source[at + 2..].split('"').next().unwrap_or_default().to_owned();
            calls.map(|hit| name(hit.0)).collect::<Vec<_>>()
        })
        .collect();
    let alerts = metrics_in(include_str!("../deploy/alerts.yml"));
    let board = metrics_in(include_str!("../deploy/grafana.json"));
    assert_eq!(counted, described, "counted in the code, described in web/metrics.rs");
    assert_eq!(board, described, "shown in deploy/grafana.json, described in web/metrics.rs");
    assert!(alerts.is_subset(&described), "{:?}", alerts.difference(&described));
    for rule in include_str!("../deploy/alerts.yml").split("- alert:").skip(1) {
        assert!(rule.contains("summary:") && rule.contains("next:"), "no next step:{rule}");
    }
}
