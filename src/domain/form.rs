//! Forms people fill in, and sheets they read: fields and words, no layout.

use super::ClassId;
use super::card::{names_of, outcome_name, reading_line};
use super::diagnose::{Catalog, HypeNote, Symptom, diagnose};
use super::investigation::{Case, Origin, OutcomeKind, Statement, cut};
use super::message::{Form, Submission};
use super::wording::{Line, Wording};

/// Most characters of an answer that are kept.
pub const ANSWER_CHARS_MAX: usize = 3000;
/// Most characters of a title.
pub const TITLE_CHARS_MAX: usize = 150;

/// A form to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormView {
    /// Which form, returned with its answers.
    pub form: Form,
    /// Its title.
    pub title: String,
    /// What the button that sends it says.
    pub send: String,
    /// What the button that leaves it says.
    pub cancel: String,
    /// A line above the fields.
    pub intro: Option<Line>,
    /// Its fields, top to bottom.
    pub fields: Vec<Field>,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, the same in the answers.
    pub name: &'static str,
    /// What it asks.
    pub label: String,
    /// What can be answered.
    pub kind: FieldKind,
    /// Whether it may stay empty.
    pub optional: bool,
    /// What it holds at first.
    pub initial: Option<String>,
}

/// What can be answered in a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line, at most that many characters.
    Line(usize),
    /// Several lines, at most that many characters.
    Text(usize),
    /// A decimal number.
    Number,
    /// One of these: value and label.
    Choice(Vec<(String, String)>),
}

/// Something to read, shown to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Its title.
    pub title: String,
    /// What the button that closes it says.
    pub done: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// The form that opens an investigation, prefilled with what is known.
pub fn open_form(
    form: Form,
    title: Option<&str>,
    statement: &Statement,
    wording: &Wording,
) -> FormView {
    let text = |name: &'static str, initial: Option<&String>| Field {
        name,
        label: wording.words(&format!("field_{name}"), &[]),
        kind: FieldKind::Text(ANSWER_CHARS_MAX),
        optional: true,
        initial: initial.cloned(),
    };
    let title = Field {
        name: "title",
        label: wording.words("field_title", &[]),
        kind: FieldKind::Line(TITLE_CHARS_MAX),
        optional: false,
        initial: title.map(|t| cut(t, TITLE_CHARS_MAX)),
    };
    FormView {
        form,
        title: wording.words("form_open_title", &[]),
        send: wording.words("form_send_open", &[]),
        cancel: wording.words("form_cancel", &[]),
        intro: Some(wording.line("field_optional", &[])),
        fields: vec![
            title,
            text("scope", statement.scope.as_ref()),
            text("reproduction", statement.reproduction.as_ref()),
            text("factors", statement.factors.as_ref()),
            text("constraints", statement.constraints.as_ref()),
        ],
    }
}

/// The form that records how a case ended.
pub fn close_form(form: Form, origin: Origin, catalog: &Catalog, wording: &Wording) -> FormView {
    let outcomes = OutcomeKind::ALL
        .iter()
        .map(|kind| (kind.as_str().to_owned(), outcome_name(*kind, origin, wording)));
    let unsure = (UNSURE.to_owned(), wording.words("field_class_unsure", &[]));
    let classes = catalog.classes_in(wording.language()).iter();
    let classes = classes.map(|c| (c.id.as_str().to_owned(), c.title.clone()));
    let field = |name: &'static str, kind, optional| Field {
        name,
        label: wording.words(&format!("field_{name}"), &[]),
        kind,
        optional,
        initial: None,
    };
    FormView {
        form,
        title: wording.words("form_close_title", &[]),
        send: wording.words("form_send_close", &[]),
        cancel: wording.words("form_cancel", &[]),
        intro: None,
        fields: vec![
            field("outcome", FieldKind::Choice(outcomes.collect()), false),
            field(
                "class",
                FieldKind::Choice(std::iter::once(unsure).chain(classes).collect()),
                true,
            ),
            field("fixed", FieldKind::Text(ANSWER_CHARS_MAX), true),
            field("days", FieldKind::Number, true),
        ],
    }
}

/// The form that adds evidence.
pub fn evidence_form(form: Form, wording: &Wording) -> FormView {
    FormView {
        form,
        title: wording.words("form_evidence_title", &[]),
        send: wording.words("form_send_add", &[]),
        cancel: wording.words("form_cancel", &[]),
        intro: None,
        fields: vec![Field {
            name: "evidence",
            label: wording.words("field_evidence", &[]),
            kind: FieldKind::Text(ANSWER_CHARS_MAX),
            optional: false,
            initial: None,
        }],
    }
}

/// The answer "not sure" to the question of the class.
const UNSURE: &str = "unsure";

/// What the closing form says, before it becomes an outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Closing {
    /// How it ended.
    pub kind: OutcomeKind,
    /// What it was.
    pub class: Option<ClassId>,
    /// What fixed it.
    pub fixed: Option<String>,
    /// In how many days.
    pub days: Option<f64>,
}

/// Reads the closing form; every wrong field is named with the phrase that explains it.
pub fn read_closing(
    submission: &Submission,
    catalog: &Catalog,
    wording: &Wording,
) -> Result<Closing, Vec<(&'static str, String)>> {
    let mut wrong = Vec::new();
    let kind = submission.answer("outcome").and_then(OutcomeKind::parse);
    if kind.is_none() {
        wrong.push(("outcome", wording.words("error_choice", &[])));
    }
    let class = submission.answer("class").filter(|c| *c != UNSURE).map(ClassId::from);
    if class.as_ref().is_some_and(|id| catalog.class(id).is_none()) {
        wrong.push(("class", wording.words("error_choice", &[])));
    }
    let days = submission.answer("days").map(|d| d.replace(',', ".").parse::<f64>());
    let days = match days {
        None => None,
        Some(Ok(days)) if (0.0..=3650.0).contains(&days) => Some(days),
        Some(_) => {
            wrong.push(("days", wording.words("error_days", &[])));
            None
        }
    };
    wrong.extend(too_long(submission, "fixed", ANSWER_CHARS_MAX, wording));
    match kind {
        Some(kind) if wrong.is_empty() => {
            Ok(Closing { kind, class, fixed: submission.answer("fixed").map(str::to_owned), days })
        }
        _ => Err(wrong),
    }
}

/// Reads the opening form: a title and a statement.
pub fn read_opening(
    submission: &Submission,
    wording: &Wording,
) -> Result<(String, Statement), Vec<(&'static str, String)>> {
    let mut wrong: Vec<_> = ["scope", "reproduction", "factors", "constraints"]
        .into_iter()
        .filter_map(|name| too_long(submission, name, ANSWER_CHARS_MAX, wording))
        .chain(too_long(submission, "title", TITLE_CHARS_MAX, wording))
        .collect();
    let title = submission.answer("title");
    if title.is_none() {
        wrong.push(("title", wording.words("error_empty", &[])));
    }
    let answer = |name| submission.answer(name).map(str::to_owned);
    match title {
        Some(title) if wrong.is_empty() => Ok((
            title.to_owned(),
            Statement {
                scope: answer("scope"),
                reproduction: answer("reproduction"),
                factors: answer("factors"),
                constraints: answer("constraints"),
            },
        )),
        _ => Err(wrong),
    }
}

/// Reads the evidence form.
pub fn read_evidence<'s>(
    submission: &'s Submission,
    wording: &Wording,
) -> Result<&'s str, Vec<(&'static str, String)>> {
    if let Some(wrong) = too_long(submission, "evidence", ANSWER_CHARS_MAX, wording) {
        return Err(vec![wrong]);
    }
    submission
        .answer("evidence")
        .ok_or_else(|| vec![("evidence", wording.words("error_empty", &[]))])
}

fn too_long(
    submission: &Submission,
    name: &'static str,
    max: usize,
    wording: &Wording,
) -> Option<(&'static str, String)> {
    let long = submission.answer(name)?.chars().count() > max;
    long.then(|| (name, wording.words("error_too_long", &[("max", &max.to_string())])))
}

/// Why the bot spoke: the words it matched, the rules, its confidence, and how to silence it.
pub fn why_sheet(case: &Case, wording: &Wording) -> Sheet {
    let rules = if case.rules.is_empty() { "–".to_owned() } else { case.rules.join(", ") };
    let confidence = format!("{:.0}", case.confidence * 100.0);
    let fill = [("matched", case.matched.as_str()), ("rules", &rules), ("confidence", &confidence)];
    let kept = !case.matched.is_empty();
    Sheet {
        title: wording.words("form_why_title", &[]),
        done: wording.words("form_done", &[]),
        lines: vec![
            wording.line(if kept { "why_intro" } else { "why_words_not_kept" }, &fill),
            wording.line("why_policy", &[]),
            wording.line("why_silence", &[]),
        ],
    }
}

/// Every suspect with every check.
pub fn checklist_sheet(case: &Case, catalog: &Catalog, wording: &Wording) -> Sheet {
    let readings = case.readings();
    let said = case.symptom();
    let diagnosis =
        diagnose(catalog, &Symptom { symptom: &said, proposal: None, readings: &readings });
    let names = names_of(case);
    let mut lines = Vec::new();
    for suspect in diagnosis.named() {
        let Some(class) = catalog.class_in(wording.language(), &suspect.class) else { continue };
        let fill = [("question", class.question.as_str()), ("why", &suspect.why)];
        lines.push(wording.line("checklist_class", &fill));
        for check in &class.checks {
            let run = names.fill(&check.run);
            let fill = [
                ("run", run.as_str()),
                ("confirms", &check.confirms),
                ("rules_out", &check.rules_out),
            ];
            lines.push(wording.line("checklist_check", &fill));
        }
    }
    if lines.is_empty() {
        lines.push(wording.line("checklist_empty", &[]));
    } else {
        lines.insert(0, wording.line("checklist_intro", &[]));
        lines.push(wording.line("none_of_these", &[]));
    }
    lines.extend(readings.iter().map(|reading| reading_line(reading, catalog, wording)));
    let note = catalog.hype_note(&said, wording.language());
    lines.extend(note.into_iter().flat_map(|note| hype_lines(note, wording)));
    Sheet {
        title: wording.words("form_checklist_title", &[]),
        done: wording.words("form_done", &[]),
        lines,
    }
}

/// A dated, two-sided note on a much-praised technology.
fn hype_lines(note: &HypeNote, wording: &Wording) -> Vec<Line> {
    let date = note.last_reviewed.to_string();
    vec![
        wording.line("hype_title", &[("title", &note.title), ("date", &date)]),
        wording.line("hype_helps", &[("helps", &note.helps)]),
        wording.line("hype_hurts", &[("hurts", &note.hurts)]),
        wording.line("hype_ask", &[("ask", &note.ask), ("sources", &note.sources.join("; "))]),
    ]
}
