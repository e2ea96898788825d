//! Diffs: what was changed to what, and whether it is configuration, a version, a schema or code.

use super::{Fact, shortened};
use crate::domain::evidence::text::Line;

/// What kind of thing a changed line belongs to, the more telling first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Schema,
    Version,
    Setting,
    Code,
}

impl Subject {
    fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Schema => &["rollout-order", "lock-contention"],
            Self::Version => &["version-clash", "config-value"],
            Self::Setting => &["config-value"],
            Self::Code => &["release-defect"],
        }
    }
}

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let unified = lines
        .iter()
        .any(|l| ["@@ -", "diff --", "+++ ", "--- "].iter().any(|mark| l.text.starts_with(mark)));
    let markdown = lines.iter().filter(|l| l.text.starts_with("- ")).count() > 2 && !unified;
    if markdown {
        return None;
    }
    let mut file = "";
    let mut removed: Option<&str> = None;
    let mut best: Option<(Subject, usize, String)> = None;
    for (i, line) in lines.iter().enumerate() {
        let text = line.text.as_ref();
        if let Some(name) = text.strip_prefix("+++ ").or_else(|| text.strip_prefix("diff --git ")) {
            file = name;
            removed = None;
            continue;
        }
        if text.starts_with("--- ") || text.starts_with("-- ") {
            continue;
        }
        if let Some(old) = text.strip_prefix('-').map(str::trim).filter(|t| says_something(t)) {
            removed = Some(old);
            let subject = subject(file, old);
            if best.is_none() {
                best = Some((subject, i, format!("removes: {}", shortened(old, 80))));
            }
        } else if let Some(new) =
            text.strip_prefix('+').map(str::trim).filter(|t| says_something(t))
        {
            let subject = subject(file, new);
            if best
                .as_ref()
                .is_none_or(|(known, _, said)| subject < *known || said.starts_with("removes"))
            {
                let says = match removed {
                    Some(old) => {
                        format!("changes: {} → {}", shortened(old, 60), shortened(new, 60))
                    }
                    None => format!("adds: {}", shortened(new, 80)),
                };
                best = Some((subject, i, says));
            }
        } else {
            removed = None;
        }
    }
    let (subject, line, says) = best?;
    Some(Fact::new(40, line, says).supports(subject.classes()))
}

/// Not a bracket, a blank or a comment.
fn says_something(text: &str) -> bool {
    let comment = ["//", "#!", "/*", "*", "<!--", "--"].iter().any(|mark| text.starts_with(mark));
    !comment && text.bytes().filter(u8::is_ascii_alphanumeric).count() >= 2
}

fn subject(file: &str, line: &str) -> Subject {
    const SETTINGS: [&str; 18] = [
        ".yml",
        ".yaml",
        ".toml",
        ".ini",
        ".conf",
        ".cfg",
        ".json",
        ".tf",
        ".tfvars",
        ".hcl",
        ".env",
        ".properties",
        ".xml",
        ".nix",
        "dockerfile",
        "config",
        "values",
        "settings",
    ];
    let file = file.to_ascii_lowercase();
    let line = line.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    if has(&[
        "create index",
        "alter table",
        "drop table",
        "drop column",
        "add column",
        "create table",
        "create unique index",
    ]) {
        return Subject::Schema;
    }
    let locked = ["lock", "go.sum", "go.mod", "requirements", "package.json", "gemfile"]
        .iter()
        .any(|name| file.contains(name));
    let numbered = line
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .any(|n| n.matches('.').count() >= 2);
    if locked || (numbered && has(&["version", "image", "from ", "tag", "ref:", "uses:"])) {
        return Subject::Version;
    }
    let code = line.ends_with(';')
        || line.ends_with(')')
        || has(&["return ", "def ", "fn ", "func ", "import ", "if (", "class "]);
    let value = line.contains(": ")
        || line.contains(" = ")
        || line.ends_with(':')
        || line.starts_with('"')
        || line.starts_with('\'')
        || line.starts_with("- ");
    if SETTINGS.iter().any(|ending| file.contains(ending)) || (value && !code) {
        return Subject::Setting;
    }
    Subject::Code
}
