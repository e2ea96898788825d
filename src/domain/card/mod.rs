//! Chooses what the card says: pure words, no layout.
//!
//! It fits a phone: at most [`LINES_MAX`] lines and [`CHARS_MAX`] characters.

use super::diagnose::{Catalog, Check, Class, Diagnosis, Names, Symptom, diagnose};
use super::evidence::{EvidenceKind, Reading};
use super::incident;
use super::investigation::{Case, Origin, Outcome, OutcomeKind, State, cut};
use super::message::Action;
use super::wording::{Line, Piece, Wording, plain};
use super::{ClassId, Door};

/// Most lines a card may have.
pub const LINES_MAX: usize = 12;
/// Most characters a card may have.
pub const CHARS_MAX: usize = 1500;

/// A card, as words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its lines, top to bottom.
    pub lines: Vec<Line>,
    /// Its buttons.
    pub buttons: Vec<Button>,
    /// Its overflow menu.
    pub menu: Vec<Button>,
}

/// Something to press.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What it does.
    pub action: Action,
    /// What it is called.
    pub label: String,
}

impl Card {
    /// The card as one text, for notifications and screen readers.
    pub fn fallback(&self) -> String {
        self.lines.iter().map(plain).collect::<Vec<_>>().join("\n")
    }
}

/// The card of a case as it should stand now.
pub fn card(case: &Case, catalog: &Catalog, wording: &Wording) -> Card {
    match case.state {
        State::Dismissed => brief(wording.line("dismissed", &[])),
        State::Silent => brief(wording.line("retracted", &[])),
        State::Closed => closed(case, catalog, wording),
        _ if case.origin == Origin::Incident => incident::card(case, catalog, wording),
        State::Waiting | State::Prompted | State::Open => asking(case, catalog, wording),
    }
}

fn brief(line: Line) -> Card {
    Card { lines: vec![line], buttons: Vec::new(), menu: Vec::new() }
}

fn asking(case: &Case, catalog: &Catalog, wording: &Wording) -> Card {
    let readings = case.readings();
    let said = case.symptom();
    let diagnosis =
        diagnose(catalog, &Symptom { symptom: &said, proposal: None, readings: &readings });
    let checks = cheapest(&diagnosis, catalog, wording);
    let mut lines = vec![head(case, wording)];
    lines.extend(known(case, !checks.is_empty(), wording));
    if !case.given.is_empty() {
        let kinds = names(&case.given, wording);
        lines.push(wording.line("known_given", &[("kinds", &kinds)]));
    }
    lines.extend(not_known(case, wording));
    let tail = tail(case, &checks, catalog, wording, &readings);
    let rest: Vec<Line> = lines.iter().chain(&tail).cloned().collect();
    let aside = aside(case, &checks, catalog, wording);
    lines.extend(ways_to_find_out(aside, &checks, &names_of(case), &rest, wording));
    lines.extend(tail);
    lines.truncate(LINES_MAX);
    Card { lines, buttons: buttons(case, wording), menu: menu(wording) }
}

fn head(case: &Case, wording: &Wording) -> Line {
    let number = case.number.to_string();
    if case.origin == Origin::Heard && case.state != State::Open {
        return wording.line("matched", &[("matched", &case.matched)]);
    }
    wording.line("investigation", &[("number", &number), ("title", &title(case, wording))])
}

/// What a case is called; where its words are gone, it says so.
pub fn title(case: &Case, wording: &Wording) -> String {
    if !case.title.is_empty() {
        return case.title.clone();
    }
    match case.forgotten_after_days() {
        Some(days) => wording.words("words_deleted", &[("days", &days.to_string())]),
        None => wording.words("words_not_kept", &[]),
    }
}

/// What is said of a case without evidence: `phrase`, unless that was deleted.
pub fn without_evidence(case: &Case, phrase: &str, wording: &Wording) -> Line {
    let deleted = case.forgotten_after_days().is_some();
    wording.line(if deleted { "evidence_deleted" } else { phrase }, &[])
}

/// What is known: the stated problem, or that the message describes one without saying so plainly; a case that a person opened by name says in its title what it is about.
fn known(case: &Case, symptom: bool, wording: &Wording) -> Option<Line> {
    if let Some(problem) = &case.problem {
        return Some(wording.line("known_problem", &[("problem", problem)]));
    }
    if let Some(scope) = &case.statement.scope {
        return Some(wording.line("known_statement", &[("scope", &cut(scope, 160))]));
    }
    let phrase = if symptom { "known_message" } else { "known_nothing" };
    (case.origin == Origin::Heard).then(|| wording.line(phrase, &[]))
}

fn not_known(case: &Case, wording: &Wording) -> Option<Line> {
    let (statement, said) = (&case.statement, case.said.to_lowercase());
    let told = |cues: &str| wording.words(cues, &[]).split(", ").any(|cue| has_word(&said, cue));
    let missing: Vec<String> = [
        ("missing_scope", statement.scope.is_none()),
        ("missing_since", statement.scope.is_none() && !told("cues_since")),
        ("missing_reproduction", statement.reproduction.is_none()),
        ("missing_changed", statement.factors.is_none() && !told("cues_changed")),
    ]
    .into_iter()
    .filter(|(_, missing)| *missing)
    .map(|(name, _)| wording.words(name, &[]))
    .collect();
    (!missing.is_empty()).then(|| wording.line("not_known", &[("missing", &missing.join(" · "))]))
}

/// Whether a lower-case text has these words, as whole words.
fn has_word(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        !letter(text[..at].chars().next_back()) && !letter(text[at + words.len()..].chars().next())
    })
}

/// Beside a clear first suspect, one this much weaker is left out: a thin reason costs trust.
const WEAK: f64 = 0.25;

/// At most two checks, each of another class: the first check of the best suspects.
pub(super) fn cheapest<'c>(
    diagnosis: &Diagnosis,
    catalog: &'c Catalog,
    wording: &Wording,
) -> Vec<(&'c Class, &'c Check)> {
    let best = diagnosis.named().next().map_or(0.0, |suspect| suspect.score);
    diagnosis
        .named()
        .filter(|suspect| suspect.score >= WEAK * best)
        .filter_map(|suspect| catalog.class_in(wording.language(), &suspect.class))
        .filter_map(|class| class.checks.first().map(|check| (class, check)))
        .take(2)
        .collect()
}

/// The names that the case's commands can carry: evidence names them more surely than the message does.
pub(super) fn names_of(case: &Case) -> Names {
    let excerpts = case.evidence.iter().filter_map(|e| e.excerpt.as_deref());
    let lines = case.evidence.iter().filter_map(|e| Some(e.reading.as_ref()?.line.as_str()));
    let said = case.symptom();
    Names::read(excerpts.chain(lines).chain([said.as_str()]))
}

/// The middle of the card: checks where a symptom is stated, else one question. A command is never cut: where two
/// don't fit, one is shown.
fn ways_to_find_out(
    aside: Option<Line>,
    checks: &[(&Class, &Check)],
    names: &Names,
    rest: &[Line],
    wording: &Wording,
) -> Vec<Line> {
    if checks.is_empty() {
        return vec![wording.line("which_problem", &[])];
    }
    let room = CHARS_MAX.saturating_sub(rest.iter().map(chars).sum());
    for count in (1..=checks.len()).rev() {
        let mut lines = vec![wording.line("cheapest", &[])];
        for (n, (class, check)) in checks.iter().take(count).enumerate() {
            lines.push(check_line(n + 1, class, &names.fill(&check.run), check, wording));
        }
        lines.push(wording.line("none_of_these", &[]));
        let used: usize = lines.iter().map(chars).sum();
        if used <= room {
            let fits =
                |line: &Line| used + chars(line) <= room && lines.len() + rest.len() < LINES_MAX;
            lines.extend(aside.filter(fits));
            return lines;
        }
    }
    vec![wording.line("which_problem", &[])]
}

/// A word beside the checks: what is easy to undo may be tried; where the message gives a ground on which the big
/// change may be right, or the structure itself is suspect, the card says so and asks for what would show it.
fn aside(
    case: &Case,
    checks: &[(&Class, &Check)],
    catalog: &Catalog,
    wording: &Wording,
) -> Option<Line> {
    if case.door == Door::TwoWay && case.origin == Origin::Heard {
        return Some(wording.line("two_way", &[]));
    }
    let big = |shows: &str| {
        let shows = shows.trim_start_matches("The big change may be right here: ");
        wording.line("big_change", &[("shows", &cut(shows, 200))])
    };
    if let Some(ground) = catalog.restraint(&case.symptom(), wording.language()).first() {
        return Some(big(&ground.shows));
    }
    let (class, _) = checks.iter().find(|(class, _)| BIG.contains(&class.id.as_str()))?;
    Some(big(&class.big_change_right))
}

/// The classes in which the large proposal can be right (labelling rule of the catalogue's README).
const BIG: [&str; 3] = ["structure-mismatch", "data-model", "real-capacity"];

fn check_line(n: usize, class: &Class, run: &str, check: &Check, wording: &Wording) -> Line {
    let (n, rules_out) = (n.to_string(), cut(&check.rules_out, 110));
    let fill =
        [("n", n.as_str()), ("question", &class.question), ("run", run), ("rules_out", &rules_out)];
    wording.line("check", &fill)
}

/// What to post, and what was posted.
fn tail(
    case: &Case,
    checks: &[(&Class, &Check)],
    catalog: &Catalog,
    wording: &Wording,
    readings: &[Reading],
) -> Vec<Line> {
    let mut wanted: Vec<&str> = checks.iter().map(|(_, check)| check.post.as_str()).collect();
    wanted.dedup();
    let post = if wanted.is_empty() {
        wording.line("post_anything", &[])
    } else {
        wording.line("post_here", &[("wanted", &cut(&wanted.join(" · "), 240))])
    };
    let asked: Vec<EvidenceKind> = checks.iter().map(|(_, check)| check.evidence).collect();
    let mut lines = vec![post, evidence_line(case, &asked, wording)];
    lines.extend(
        readings.iter().rev().take(2).map(|reading| reading_line(reading, catalog, wording)),
    );
    lines
}

/// `✓ mail headers · ○ DNS answer`: what came, then what was asked for and hasn't come.
pub(super) fn evidence_line(case: &Case, asked: &[EvidenceKind], wording: &Wording) -> Line {
    let mut came: Vec<EvidenceKind> = case.evidence.iter().map(|e| e.kind).collect();
    came.sort_unstable();
    came.dedup();
    let mut open: Vec<EvidenceKind> =
        asked.iter().filter(|kind| !came.contains(kind)).copied().collect();
    open.dedup();
    if came.is_empty() && open.is_empty() {
        return wording.line("evidence_none", &[]);
    }
    let tick = |mark: &str, kind: &EvidenceKind| format!("{mark} {}", name(*kind, wording));
    let marks: Vec<String> =
        came.iter().map(|k| tick("✓", k)).chain(open.iter().map(|k| tick("○", k))).collect();
    wording.line("evidence_so_far", &[("evidence", &marks.join("  "))])
}

/// What a reading says, and which classes that supports or speaks against, because of this line.
pub fn reading_line(reading: &Reading, catalog: &Catalog, wording: &Wording) -> Line {
    let (says, line) = (cut(&reading.says, 90), cut(&reading.line, 90));
    let (phrase, classes) = match (&reading.supports[..], &reading.against[..]) {
        ([], []) => ("reads", String::new()),
        ([], against) => ("speaks_against", titles(against, catalog, wording)),
        (supports, _) => ("supports", titles(supports, catalog, wording)),
    };
    wording.line(phrase, &[("says", &says), ("classes", &classes), ("line", &line)])
}

fn titles(classes: &[ClassId], catalog: &Catalog, wording: &Wording) -> String {
    let titles: Vec<&str> = classes
        .iter()
        .take(2)
        .filter_map(|id| catalog.class_in(wording.language(), id))
        .map(|c| c.title.as_str())
        .collect();
    titles.join(", ")
}

/// The name of a kind of evidence.
pub fn name(kind: EvidenceKind, wording: &Wording) -> String {
    wording.words(&format!("kind_{kind}"), &[])
}

fn names(kinds: &[EvidenceKind], wording: &Wording) -> String {
    kinds.iter().map(|kind| name(*kind, wording)).collect::<Vec<_>>().join(", ")
}

pub(super) fn chars(line: &Line) -> usize {
    plain(line).chars().count() + 1
}

fn buttons(case: &Case, wording: &Wording) -> Vec<Button> {
    let button = |action, label| Button { action, label: wording.words(label, &[]) };
    let mut buttons = vec![if case.state == State::Open {
        button(Action::Close, "button_close")
    } else {
        button(Action::Open, "button_open")
    }];
    if case.origin == Origin::Heard {
        buttons.push(button(Action::Dismiss, "button_dismiss"));
    }
    buttons
}

fn menu(wording: &Wording) -> Vec<Button> {
    [
        (Action::AddEvidence, "menu_add_evidence"),
        (Action::Why, "menu_why"),
        (Action::Checklist, "menu_checklist"),
        (Action::NeverTopic, "menu_never"),
        (Action::Pause, "menu_pause"),
    ]
    .into_iter()
    .map(|(action, label)| Button { action, label: wording.words(label, &[]) })
    .collect()
}

fn closed(case: &Case, catalog: &Catalog, wording: &Wording) -> Card {
    let number = case.number.to_string();
    let mut lines = vec![
        wording.line("investigation", &[("number", &number), ("title", &title(case, wording))]),
    ];
    if let Some(problem) = &case.problem {
        lines.push(wording.line("known_problem", &[("problem", problem)]));
    }
    if let Some(outcome) = &case.outcome {
        lines.push(outcome_line("closed", case, outcome, catalog, wording));
    }
    if case.evidence.is_empty() {
        lines.push(without_evidence(case, "no_evidence", wording));
    } else {
        lines.push(evidence_line(case, &[], wording));
        lines.extend(
            case.readings().iter().rev().take(2).map(|r| reading_line(r, catalog, wording)),
        );
    }
    if !case.parked.is_empty() {
        lines.push(incident::parking_line(case, wording));
    }
    Card { lines, buttons: Vec::new(), menu: Vec::new() }
}

/// How a case ended, in words that fit where it began: an incident is resolved, not averted.
pub fn outcome_name(kind: OutcomeKind, origin: Origin, wording: &Wording) -> String {
    match origin {
        Origin::Incident => wording.words(&format!("outcome_incident_{kind}"), &[]),
        _ => wording.words(&format!("outcome_{kind}"), &[]),
    }
}

/// How a case ended, on one line; `phrase` is `closed` on the card, `outcome_said` in the thread.
pub fn outcome_line(
    phrase: &str,
    case: &Case,
    outcome: &Outcome,
    catalog: &Catalog,
    wording: &Wording,
) -> Line {
    let part = |name: &str, key: &str, value: Option<String>| {
        value.map_or(String::new(), |v| wording.words(name, &[(key, &v)]))
    };
    let class = outcome.class.as_ref().and_then(|id| catalog.class_in(wording.language(), id));
    let class = part("closed_class", "class", class.map(|class| class.title.clone()));
    let fixed = part(
        "closed_fixed",
        "fixed",
        outcome.fixed.as_deref().map(|f| cut(f.trim_end_matches('.'), 300)),
    );
    let days = part("closed_days", "days", outcome.days.map(|d| d.to_string()));
    let number = case.number.to_string();
    let kind = outcome_name(outcome.kind, case.origin, wording);
    let fill = [
        ("outcome", kind.as_str()),
        ("number", &number),
        ("class", &class),
        ("fixed", &fixed),
        ("days", &days),
    ];
    trimmed(wording.line(phrase, &fill))
}

/// Placeholders left empty leave spaces behind; this removes them.
fn trimmed(line: Line) -> Line {
    line.into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => {
                let inner = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let (start, end) =
                    (text.starts_with(' '), text.ends_with(' ') && !inner.is_empty());
                Piece::Text(format!(
                    "{}{inner}{}",
                    if start { " " } else { "" },
                    if end { " " } else { "" }
                ))
            }
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests;
