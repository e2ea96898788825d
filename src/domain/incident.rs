//! The card of an incident: what helps first, what is known, and where big proposals wait for the review.

use super::card::{
    Button, CHARS_MAX, Card, chars, cheapest, evidence_line, names_of, reading_line, title,
};
use super::diagnose::{Catalog, Symptom, diagnose};
use super::evidence::EvidenceKind;
use super::investigation::{Case, Parked, cut};
use super::message::Action;
use super::wording::{Line, Wording};

/// What an incident is asked for first.
const ASKED: [EvidenceKind; 3] =
    [EvidenceKind::Log, EvidenceKind::DistributedTrace, EvidenceKind::Metric];
/// How many parked proposals the card quotes; the others are counted.
const QUOTED_MAX: usize = 2;

/// The card of an open incident. Where not everything fits, it shows fewer readings.
pub(super) fn card(case: &Case, catalog: &Catalog, wording: &Wording) -> Card {
    let lines = (0..=2)
        .rev()
        .map(|readings| lines(case, readings, catalog, wording))
        .find(|lines| lines.iter().map(chars).sum::<usize>() <= CHARS_MAX)
        .unwrap_or_else(|| lines(case, 0, catalog, wording));
    let button = |action, label| Button { action, label: wording.words(label, &[]) };
    Card {
        lines,
        buttons: vec![button(Action::Open, "button_known"), button(Action::Close, "button_close")],
        menu: vec![
            button(Action::AddEvidence, "menu_add_evidence"),
            button(Action::Pause, "menu_pause"),
        ],
    }
}

fn lines(case: &Case, readings: usize, catalog: &Catalog, wording: &Wording) -> Vec<Line> {
    let statement = &case.statement;
    let number = case.number.to_string();
    let head = [("number", number.as_str()), ("title", &title(case, wording))];
    let mut lines =
        vec![wording.line("incident_head", &head), wording.line("incident_mitigate", &[])];
    lines.push(match &statement.factors {
        Some(factors) => wording.line("incident_changed_known", &[("changed", &cut(factors, 160))]),
        None => wording.line("incident_changed", &[]),
    });
    lines.push(match &statement.scope {
        Some(scope) => wording.line("known_statement", &[("scope", &cut(scope, 160))]),
        None => wording.line("incident_unknown", &[]),
    });
    lines.push(find_out(case, catalog, wording));
    lines.push(wording.line("incident_post", &[]));
    lines.push(evidence_line(case, &ASKED, wording));
    let said = case.readings();
    lines.extend(said.iter().rev().take(readings).map(|r| reading_line(r, catalog, wording)));
    lines.push(parking_line(case, wording));
    lines.push(wording.line("incident_pause", &[]));
    lines
}

/// The cheapest check of the best suspect once there is something to suspect; else how to look together.
fn find_out(case: &Case, catalog: &Catalog, wording: &Wording) -> Line {
    let readings = case.readings();
    let said = case.symptom();
    let diagnosis =
        diagnose(catalog, &Symptom { symptom: &said, proposal: None, readings: &readings });
    match cheapest(&diagnosis, catalog, wording).first() {
        Some((class, check)) => {
            let rules_out = cut(&check.rules_out, 110);
            let fill = [
                ("question", class.question.as_str()),
                ("run", &names_of(case).fill(&check.run)),
                ("rules_out", &rules_out),
            ];
            wording.line("incident_check", &fill)
        }
        None => wording.line("incident_find_out", &[]),
    }
}

/// The big proposals that wait for the review.
pub(super) fn parking_line(case: &Case, wording: &Wording) -> Line {
    let quoted = |parked: &Parked| format!("“{}”", cut(&parked.said, 60));
    let mut proposals: Vec<String> = case.parked.iter().take(QUOTED_MAX).map(quoted).collect();
    if proposals.is_empty() {
        return wording.line("incident_parking_empty", &[]);
    }
    if case.parked.len() > QUOTED_MAX {
        proposals.push(format!("+{}", case.parked.len() - QUOTED_MAX));
    }
    wording.line("incident_parking", &[("proposals", &proposals.join(" · "))])
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::card::{self, LINES_MAX};
    use crate::domain::evidence::Reading;
    use crate::domain::form::{FieldKind, close_form};
    use crate::domain::investigation::{CaseNumber, Evidence, Origin};
    use crate::domain::knowledge::Knowledge;
    use crate::domain::message::Form;

    fn incident() -> Case {
        let number = CaseNumber(7);
        Case::incident("T1".into(), number, "C1".into(), false, "inc-7-mail", Timestamp::UNIX_EPOCH)
    }

    fn shown(case: &Case, language: &str) -> Card {
        let knowledge = Knowledge::embedded().unwrap();
        card::card(case, &knowledge.catalog, knowledge.wordings.of(language))
    }

    #[test]
    fn a_fresh_incident_asks_for_mitigation_first_and_accuses_nothing() {
        let text = shown(&incident(), "en").fallback();
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} not in\n{text}"));
        assert!(
            at("#inc-7-mail") < at("Mitigate first") && at("Mitigate first") < at("What changed")
        );
        assert!(at("Not known yet") < at("Post here") && at("Post here") < at("○ log"));
        assert!(at("Parking lot") < at("pause"));
    }

    #[test]
    fn an_incident_ends_resolved_and_not_averted() {
        let knowledge = Knowledge::embedded().unwrap();
        let wording = knowledge.wordings.of("en");
        let form = Form::Close { case: CaseNumber(7), channel: "C1".into() };
        let view = close_form(form, Origin::Incident, &knowledge.catalog, wording);
        let FieldKind::Choice(choices) = &view.fields[0].kind else { panic!("{view:?}") };
        let of = |value: &str| choices.iter().find(|c| c.0 == value).map(|c| c.1.as_str());
        assert_eq!(of("right_sized"), Some("resolved by a small step"));
        assert_eq!(of("inconclusive"), Some("over; the cause was not found"));
    }

    #[test]
    fn the_fullest_card_fits_a_phone_in_every_language() {
        let mut case = incident();
        let long = |what: &str| format!("{what} ").repeat(200);
        case.title = cut(&long("title"), 80);
        case.statement.scope = Some(long("checkout is slow, queries time out"));
        case.statement.factors = Some(long("deploy"));
        case.statement.reproduction = Some(long("EXPLAIN shows a Seq Scan"));
        for n in 0..20 {
            let message = format!("1.{n:06}").as_str().into();
            case.parked.push(Parked { message, said: long("let's rewrite it in Rust") });
        }
        for kind in EvidenceKind::ALL {
            case.evidence.push(Evidence {
                kind: *kind,
                by: None,
                at: Timestamp::UNIX_EPOCH,
                message: None,
                file: None,
                permalink: None,
                excerpt: None,
                reading: Some(Reading {
                    says: long("says"),
                    line: long("line"),
                    supports: vec!["email-auth".into()],
                    against: vec![],
                }),
            });
        }
        for language in ["en", "de"] {
            for case in [&case, &incident()] {
                let card = shown(case, language);
                let text = card.fallback();
                assert!(card.lines.len() <= LINES_MAX, "{text}");
                assert!(text.chars().count() <= CHARS_MAX, "{} in\n{text}", text.chars().count());
            }
        }
        let text = shown(&case, "en").fallback();
        assert!(text.contains("+18") && text.contains("✓ log"), "{text}");
    }
}
