//! `secondlook diagnose`: the problem classes a symptom smells like, and the cheapest checks.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};

use super::ndjson;
use crate::domain::diagnose::{Catalog, Diagnosis, Names, Suspect, Symptom, diagnose};
use crate::domain::wording::{Wording, Wordings};

/// A reader looks at three suspects; the rest is for machines.
const SHOWN: usize = 3;

/// Arguments of `diagnose`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The symptom, or the whole message; with --json, NDJSON is read from standard input instead
    text: Option<String>,
    /// What people want to do about it, if it is known apart from the symptom
    #[arg(long)]
    proposal: Option<String>,
    /// A catalogue file of your own, read after those that ship with the program
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Read NDJSON `{"id","symptom","proposal"?}` and write one line per line; `"named"` marks the suspects with a reason
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let catalog = open(args.catalog.as_deref()).context("could not load the catalogue")?;
    let mut stdout = std::io::stdout().lock();
    if args.json {
        return ndjson::each_line(std::io::stdin().lock(), stdout, |row| answer(&catalog, row));
    }
    let text = args
        .text
        .as_deref()
        .context("nothing to look at: give a symptom, or --json and NDJSON on standard input")?;
    let symptom = Symptom { symptom: text, proposal: args.proposal.as_deref(), readings: &[] };
    let all = [text, args.proposal.as_deref().unwrap_or_default()].join("\n");
    let names = Names::read([all.as_str()]);
    let wordings = Wordings::embedded().map_err(|reason| anyhow!(reason))?;
    let diagnosis = diagnose(&catalog, &symptom);
    let wording = wordings.of(&diagnosis.language);
    let mut page = to_text(&catalog, &diagnosis, &names, wording);
    add_notes(&mut page, &catalog, &all, wording);
    stdout.write_all(page.as_bytes()).context("could not write the answer")
}

/// The shipped catalogue, with a file of one's own after it.
pub(super) fn open(own: Option<&Path>) -> anyhow::Result<Catalog> {
    let Some(path) = own else { return Catalog::embedded().map_err(|reason| anyhow!(reason)) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("could not read {}", path.display()))?;
    Ok(Catalog::embedded_with(&[(&path.display().to_string(), &text)])?)
}

/// The answer for people, in the language they asked in.
fn to_text(catalog: &Catalog, diagnosis: &Diagnosis, names: &Names, wording: &Wording) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail; so the results are not looked at.
    let none = diagnosis.named().next().is_none();
    let _ = writeln!(
        page,
        "{}",
        wording.words(if none { "diagnose_none" } else { "diagnose_some" }, &[])
    );
    let class_of = |suspect: &Suspect| catalog.class_in(wording.language(), &suspect.class);
    for (number, suspect) in diagnosis.named().take(SHOWN).enumerate() {
        let Some(class) = class_of(suspect) else { continue };
        let _ = writeln!(page, "\n{}. {}  [{}]", number + 1, class.question, class.id);
        let _ = writeln!(page, "   {}", suspect.why);
        if let Some(check) = class.checks.first() {
            let run = names.fill(&check.run);
            let minutes = check.minutes.to_string();
            let attempt = if check.safe { "diagnose_try" } else { "diagnose_try_with_care" };
            for (phrase, fill) in [
                (attempt, &[("minutes", minutes.as_str()), ("run", &run)][..]),
                ("diagnose_confirms", &[("confirms", check.confirms.as_str())]),
                ("diagnose_rules_out", &[("rules_out", check.rules_out.as_str())]),
                ("diagnose_post", &[("post", check.post.as_str())]),
            ] {
                let _ = writeln!(page, "   {}", wording.words(phrase, fill));
            }
        }
    }
    if let Some(class) = diagnosis.named().next().and_then(class_of) {
        let big = wording.words("diagnose_big_change", &[("shows", &class.big_change_right)]);
        let _ = writeln!(page, "\n{}\n{big}", wording.words("diagnose_not_sure", &[]));
        if !diagnosis.ask_first.is_empty() {
            let _ = writeln!(page, "\n{}", wording.words("diagnose_ask", &[]));
        }
    }
    for question in &diagnosis.ask_first {
        let _ = writeln!(page, "- {question}");
    }
    page
}

/// The grounds for the big change that the text gives, and the note on a much-praised technology it speaks of.
fn add_notes(page: &mut String, catalog: &Catalog, text: &str, wording: &Wording) {
    for ground in catalog.restraint(text, wording.language()) {
        let fill = [("says", ground.says.as_str()), ("shows", &ground.shows)];
        let _ = writeln!(page, "\n{}", wording.words("diagnose_ground", &fill));
    }
    let Some(note) = catalog.hype_note(text, wording.language()) else { return };
    let date = note.last_reviewed.to_string();
    let head = wording.words("diagnose_hype", &[("title", &note.title), ("date", &date)]);
    let _ = writeln!(page, "\n{head}");
    for (phrase, name, text) in [
        ("diagnose_helps", "helps", &note.helps),
        ("diagnose_hurts", "hurts", &note.hurts),
        ("diagnose_hype_ask", "ask", &note.ask),
    ] {
        let _ = writeln!(page, "  {}", wording.words(phrase, &[(name, text)]));
    }
}

fn answer(catalog: &Catalog, row: &Value) -> Result<Value, String> {
    let symptom = Symptom {
        symptom: ndjson::text_field(row, "symptom")?,
        proposal: ndjson::optional_text(row, "proposal")?,
        readings: &[],
    };
    let names = Names::read([symptom.symptom, symptom.proposal.unwrap_or_default()]);
    Ok(to_json(catalog, &diagnose(catalog, &symptom), &names))
}

fn to_json(catalog: &Catalog, diagnosis: &Diagnosis, names: &Names) -> Value {
    let suspects: Vec<Value> = diagnosis
        .suspects
        .iter()
        .filter_map(|suspect| {
            let class = catalog.class_in(&diagnosis.language, &suspect.class)?;
            let checks: Vec<Value> = class
                .checks
                .iter()
                .map(|c| json!({"run": names.fill(&c.run), "confirms": c.confirms, "rules_out": c.rules_out}))
                .collect();
            Some(json!({
                "class": class.id.as_str(), "family": class.family,
                "score": (suspect.score * 10_000.0).round() / 10_000.0, "named": suspect.named, "why": suspect.why, "checks": checks,
            }))
        })
        .collect();
    json!({"suspects": suspects, "ask_first": diagnosis.ask_first})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> String {
        let catalog = open(None).expect("the shipped catalogue is valid");
        let symptom = Symptom { symptom: text, ..Symptom::default() };
        let diagnosis = diagnose(&catalog, &symptom);
        let wordings = Wordings::embedded().expect("the shipped words are valid");
        to_text(&catalog, &diagnosis, &Names::read([text]), wordings.of(&diagnosis.language))
    }

    #[test]
    fn a_symptom_gets_suspects_with_checks() {
        let page = page("let's move off Mailchimp, our mails land in spam");
        assert!(
            page.starts_with("It might be one of these. I match words, and I may be wrong.\n\n1. "),
            "{page}"
        );
        assert!(page.contains("dig +short TXT") && page.contains("rules it out:"), "{page}");
    }

    #[test]
    fn it_answers_in_the_language_it_is_asked_in() {
        let page = page("unsere Mails landen seit der Umstellung im Spam");
        for words in ["Es könnte eines davon sein.", "Absender", "dig +short TXT", "schließt aus:"]
        {
            assert!(page.contains(words), "{words} not in\n{page}");
        }
    }

    #[test]
    fn a_thin_text_gets_questions() {
        let page = page("let's move to Kubernetes");
        assert!(page.starts_with("Too little to name a suspect yet."), "{page}");
        assert_eq!(page.lines().filter(|line| line.starts_with("- ")).count(), 4, "{page}");
    }
}
