//! `secondlook detect`: what the detector makes of a message.

use std::io::{IsTerminal as _, Write};

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use super::ndjson;
use crate::config::colours_allowed;
use crate::domain::detect::{Packs, Verdict, detect};
use crate::domain::policy::{Silence, WORTH_A_WORD, Weighing, worth_speaking};
use crate::domain::{Door, Kind, Progress, Stance};

/// Arguments of `detect`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The message; without it and with --json, NDJSON is read from standard input
    text: Option<String>,
    /// Read NDJSON `{"id","text","context"?}` and write one line per line; offsets count characters
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let packs = Packs::embedded()
        .map_err(|reason| anyhow!(reason))
        .context("could not load the phrase packs")?;
    let stdout = std::io::stdout();
    if args.json {
        return ndjson::each_line(std::io::stdin().lock(), stdout.lock(), |row| {
            answer(&packs, row)
        });
    }
    let text = args
        .text
        .as_deref()
        .context("nothing to judge: give a message, or --json and NDJSON on standard input")?;
    let colours = stdout.is_terminal() && colours_allowed();
    let shown = show(text, &detect(&packs, text, &[]), colours);
    stdout.lock().write_all(shown.as_bytes()).context("could not write the answer")
}

/// The verdict for a person: the message with what was matched marked, what was read from it, and whether to speak.
fn show(text: &str, verdict: &Verdict, colours: bool) -> String {
    let paint = Paint { colours };
    let heard = if verdict.proposal { "A proposal" } else { "Not a proposal" };
    let sure = format!("confidence {:.2}, language {}", verdict.confidence, verdict.language);
    let mut lines = vec![
        String::new(),
        format!("  {}", marked(text, verdict, &paint)),
        String::new(),
        format!("{} ({sure})", paint.strong(heard)),
    ];
    lines.extend(verdict.reasons.iter().map(|reason| format!("  · {}", calm(reason))));
    if verdict.proposal {
        lines.push(String::new());
        for (name, value) in read(verdict) {
            lines.push(format!("{} {}", paint.faint(&format!("{name:9}")), calm(&value)));
        }
        lines.push(String::new());
        lines.push(policy(verdict, &paint));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// What was read from the message, a line each.
fn read(verdict: &Verdict) -> Vec<(&'static str, String)> {
    let said = |words: &Option<String>| words.as_deref().unwrap_or("not said").replace('\n', " ");
    let listed = |words: Vec<&str>, none: &str| {
        if words.is_empty() { none.to_owned() } else { words.join(", ") }
    };
    let evidence = verdict.evidence.iter().map(|kind| kind.as_str()).collect();
    let scale = verdict.scale.iter().map(String::as_str).collect();
    let mut read = vec![
        ("kind", told(verdict.kind.as_str(), kind(verdict.kind))),
        ("from → to", format!("{} → {}", said(&verdict.from), said(&verdict.to))),
        ("problem", said(&verdict.problem)),
        ("evidence", listed(evidence, "none")),
        ("stance", told(verdict.stance.as_str(), stance(verdict.stance))),
        ("scale", listed(scale, "not said")),
        ("door", told(verdict.door.as_str(), door(verdict.door))),
    ];
    if verdict.progress != Progress::Open {
        let how = if verdict.progress == Progress::Decided { "decided" } else { "begun" };
        read.push(("progress", told(verdict.progress.as_str(), how)));
    }
    read
}

fn told(wire: &str, words: &str) -> String {
    format!("{wire} – {words}")
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Replatform => "another platform for the same purpose",
        Kind::Rewrite => "write it again",
        Kind::SplitServices => "split it up",
        Kind::SwitchVendor => "another vendor",
        Kind::SwitchCloudHost => "another cloud or host",
        Kind::AdoptTechnology => "take up something new",
        Kind::Retire => "switch something off",
        Kind::Consolidate => "make one of several",
        Kind::VendorEvaluation => "evaluate vendors",
        Kind::ProcessChange => "work in another way",
        Kind::Architecture => "change the architecture",
        Kind::Other => "something else of notable cost",
    }
}

fn stance(stance: Stance) -> &'static str {
    match stance {
        Stance::Advocating => "pushes for it",
        Stance::Floating => "floats it",
        Stance::Asking => "asks whether to",
    }
}

fn door(door: Door) -> &'static str {
    match door {
        Door::TwoWay => "undone in about a day",
        Door::Costly => "undone in weeks",
        Door::OneWay => "not really undone",
    }
}

/// Whether it would speak, and what decided.
fn policy(verdict: &Verdict, paint: &Paint) -> String {
    let weighing = Weighing::of(verdict);
    let sum = format!(
        "size {} × undoing {} × missing evidence {} × openness {} = {:.2}, speaks from {WORTH_A_WORD}",
        weighing.size,
        weighing.irreversibility,
        weighing.missing_evidence,
        weighing.openness,
        weighing.total()
    );
    match worth_speaking(verdict) {
        Ok(()) => format!("{} alone in a channel ({sum})", paint.strong("It would speak")),
        Err(why) => {
            let silent = paint.strong("It would stay silent");
            format!("{silent}: {} (rule {why}; {sum})", why.in_words())
        }
    }
}

/// Marks for a terminal; brackets where there are no colours.
struct Paint {
    colours: bool,
}

impl Paint {
    fn wrap(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn strong(&self, text: &str) -> String {
        self.wrap("1", text)
    }

    fn faint(&self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn mark(&self, text: &str) -> String {
        if self.colours { self.wrap("1;33", text) } else { format!("[{text}]") }
    }
}

/// Without the control characters of the message: they must not reach the terminal.
fn calm(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', " ")
}

/// The text with each matched span marked; where spans overlap the first one counts.
fn marked(text: &str, verdict: &Verdict, paint: &Paint) -> String {
    let mut shown = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for span in verdict.spans.iter().filter(|s| s.rule.contains('.')) {
        if span.start < at {
            continue;
        }
        shown.push_str(&calm(&text[at..span.start]));
        shown.push_str(&paint.mark(&calm(&text[span.start..span.end])));
        at = span.end;
    }
    shown.push_str(&calm(&text[at..]));
    shown.replace('\n', "\n  ")
}

fn answer(packs: &Packs, row: &Value) -> Result<Value, String> {
    let text = ndjson::text_field(row, "text")?;
    let context: Vec<&str> = match row.get("context") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(texts)) => texts
            .iter()
            .map(|t| t.as_str().ok_or_else(|| "\"context\" must be a list of strings".to_owned()))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err("\"context\" must be a list of strings".to_owned()),
    };
    Ok(to_json(text, &detect(packs, text, &context)))
}

fn to_json(text: &str, verdict: &Verdict) -> Value {
    let chars = |byte: usize| text.get(..byte).map_or(0, |t| t.chars().count());
    let speak = worth_speaking(verdict);
    json!({
        "proposal": verdict.proposal,
        "speak": speak.is_ok(),
        "why_silent": speak.err().map(Silence::as_str),
        "confidence": (verdict.confidence * 10_000.0).round() / 10_000.0,
        "kind": verdict.kind.as_str(),
        "from": verdict.from,
        "to": verdict.to,
        "problem": verdict.problem,
        "evidence": verdict.evidence.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "stance": verdict.stance.as_str(),
        "door": verdict.door.as_str(),
        "spans": verdict.spans.iter().map(|s| json!([chars(s.start), chars(s.end), s.rule])).collect::<Vec<_>>(),
        "reasons": verdict.reasons,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, colours: bool) -> String {
        let packs = Packs::embedded().expect("the embedded packs are valid");
        show(text, &detect(&packs, text, &[]), colours)
    }

    #[test]
    fn a_newcomer_sees_what_was_read_and_what_would_happen() {
        let shown = shown("our mails land in spam, let's move off Mailchimp to Postmark", false);
        for part in [
            "our mails land in spam, [let's] [move off] Mailchimp to Postmark",
            "A proposal (confidence ",
            "from → to Mailchimp → Postmark",
            "problem   our mails land in spam",
            "evidence  none",
            "door      costly – undone in weeks",
            "It would speak alone in a channel (size 2 × undoing 1 × ",
        ] {
            assert!(shown.contains(part), "{part} not in\n{shown}");
        }
        assert!(!shown.contains('\x1b'));
    }

    #[test]
    fn silence_names_its_rule() {
        let shown = shown("could we try written standups for two weeks", false);
        assert!(shown.contains("It would stay silent: "), "{shown}");
        assert!(shown.contains("(rule two_way_door; "), "{shown}");
    }

    #[test]
    fn colours_mark_the_matches_and_a_message_cannot_bring_its_own() {
        let shown = shown("let's leave\x07 Slack \x1b[31m", true);
        assert!(shown.contains("\x1b[1;33mlet's\x1b[0m"), "{shown:?}");
        assert!(!shown.contains("\x1b[31m") && !shown.contains('\x07'));
    }
}
