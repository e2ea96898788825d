//! What becomes of a case, event by event.

use super::*;
use crate::domain::detect::Span;
use crate::domain::evidence::EvidenceKind;
use crate::domain::evidence::Reading;
use crate::domain::{Door, Kind, Progress, Stance};

fn at(minutes: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_mins(1_000_000 + minutes)
}

fn verdict() -> Verdict {
    Verdict {
        proposal: true,
        confidence: 0.9,
        kind: Kind::SwitchVendor,
        from: Some("Mailchimp".to_owned()),
        to: None,
        problem: Some("mails land in spam".to_owned()),
        evidence: vec![],
        stance: Stance::Advocating,
        door: Door::Costly,
        spans: vec![Span { start: 0, end: 24, rule: "move-off".to_owned() }],
        reasons: vec![],
        scale: vec![],
        progress: Progress::Open,
        language: "en",
    }
}

const SAID: &str = "let's move off Mailchimp, mails land in spam";

/// A heard message as a case begins with it; what is said and judged differs.
pub(in crate::domain) fn beginning(said: &str, verdict: Verdict) -> Beginning {
    Beginning {
        workspace: "T1".into(),
        channel: "C1".into(),
        private: false,
        root: Some("1.0".into()),
        message: Some("1.0".into()),
        author: "U1".into(),
        origin: Origin::Heard,
        said: said.to_owned(),
        verdict,
        topic: "mailchimp".to_owned(),
        evidence: vec![],
    }
}

pub(super) fn waiting() -> Case {
    Case::begin(CaseNumber(7), beginning(SAID, verdict()), at(0))
}

pub(super) fn evidence(message: &str) -> Evidence {
    Evidence {
        kind: EvidenceKind::MailHeaders,
        by: Some("U2".into()),
        at: at(5),
        message: Some(message.into()),
        file: None,
        permalink: None,
        excerpt: Some("dkim=fail".to_owned()),
        reading: Some(Reading {
            says: "DKIM: fail".to_owned(),
            line: "dkim=fail".to_owned(),
            supports: vec!["email-auth".into()],
            against: vec![],
        }),
    }
}

pub(super) fn outcome(kind: OutcomeKind) -> Outcome {
    Outcome {
        kind,
        class: None,
        fixed: None,
        days: None,
        by: Some("U3".into()),
        at: at(60),
        forgotten_at: None,
    }
}

/// Plays happenings one minute apart and shows the states and effects.
#[track_caller]
pub(super) fn play(case: Case, happenings: &[Happening]) -> (Case, String) {
    let mut told = String::new();
    let mut case = case;
    for (n, happening) in happenings.iter().enumerate() {
        let minutes = i64::try_from(n).unwrap() + 1;
        let (next, effects) = apply(case, happening.clone(), at(minutes));
        let effects: Vec<String> = effects.iter().map(effect).collect();
        told.extend([next.state.as_str(), "[", &effects.join(" "), "] "]);
        case = next;
    }
    (case, told.trim_end().to_owned())
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::ShowCard => "show".to_owned(),
        Effect::ReadThread => "read".to_owned(),
        Effect::Remind => "remind".to_owned(),
        Effect::TellOutcome => "tell".to_owned(),
        Effect::Schedule(due, _) => format!("+{due}"),
        Effect::Cancel(due) => format!("-{due}"),
        Effect::LeaveFiles(message) => format!("-files:{message}"),
    }
}

fn opened_by(user: &str) -> Happening {
    Happening::Opened { by: user.into(), title: None, statement: Statement::default() }
}

#[track_caller]
pub(super) fn check(happenings: &[Happening], expected: &str) -> Case {
    let (case, told) = play(waiting(), happenings);
    assert_eq!(told, expected);
    case
}

pub(super) const SPEAK: Happening = Happening::QuietPeriodOver(Ok(()));

#[test]
fn the_whole_road() {
    let case = check(
        &[
            SPEAK,
            Happening::CardShown("2.0".into()),
            Happening::Posted(vec![evidence("3.0")]),
            Happening::Closed(outcome(OutcomeKind::Averted)),
        ],
        "prompted[show +text] prompted[] open[show -quiet_period -text +reminder] closed[-text -reminder show tell]",
    );
    assert_eq!(case.card, Some("2.0".into()));
    assert_eq!(case.root, Some("1.0".into()));
    assert_eq!(case.matched, "let's move off Mailchimp");
    assert_eq!(case.outcome.unwrap().kind, OutcomeKind::Averted);
}

#[test]
fn a_card_that_begins_its_own_thread_has_it_read_once() {
    let begun = Case { root: None, ..waiting() };
    let shown = |ts: &str| Happening::CardShown(ts.into());
    let (case, told) = play(begun, &[SPEAK, shown("2.0"), shown("2.0")]);
    assert_eq!(told, "prompted[show +text] prompted[read] prompted[]");
    assert_eq!((case.root.clone(), case.card), (Some("2.0".into()), case.root));
}

#[test]
fn what_ended_before_its_thread_was_known_is_told_there_once() {
    let begun = Case { root: None, ..waiting() };
    let shown = || Happening::CardShown("2.0".into());
    let end = Happening::Closed(outcome(OutcomeKind::Averted));
    let (case, told) = play(begun.clone(), &[SPEAK, end.clone(), shown(), shown()]);
    assert_eq!(
        told,
        "prompted[show +text] closed[-text -reminder show tell] closed[read tell] closed[]"
    );
    assert_eq!(case.root, Some("2.0".into()));
    let (_, told) = play(begun, &[SPEAK, end, Happening::CardFound("2.0".into())]);
    assert!(told.ends_with(" closed[read tell show]"), "{told}");
}

#[test]
fn a_card_that_is_found_is_brought_up_to_date() {
    let case = check(
        &[SPEAK, Happening::Deleted, Happening::CardFound("2.0".into())],
        "prompted[show +text] silent[-text show] silent[show]",
    );
    assert_eq!(case.card, Some("2.0".into()));
}

#[test]
fn the_quiet_period_lasts_as_long_as_it_should() {
    assert_eq!(heard(at(60)), vec![Effect::Schedule(Due::QuietPeriod, at(60))]);
}

#[test]
fn a_person_who_asks_first_keeps_us_silent_and_no_word_is_kept() {
    let case = check(&[Happening::SomeoneAsked, SPEAK], "silent[-quiet_period] silent[]");
    assert_eq!(case.silence, Some(Silence::SomeoneAsked));
    assert_no_words(&case);
}

#[track_caller]
fn assert_no_words(case: &Case) {
    let words =
        format!("{}{}{}{}{:?}", case.title, case.matched, case.said, case.topic, case.problem);
    assert_eq!(words, "None");
    assert_eq!((case.author.as_ref(), case.evidence.len()), (None, 0));
    assert_eq!(case.statement, Statement::default());
}

#[test]
fn a_channel_that_fell_silent_meanwhile_is_respected() {
    let case = check(&[Happening::QuietPeriodOver(Err(Silence::Paused))], "silent[-quiet_period]");
    assert_eq!(case.silence, Some(Silence::Paused));
}

#[test]
fn not_a_proposal_removes_the_words_and_shrinks_the_card() {
    let case = check(
        &[
            SPEAK,
            Happening::CardShown("2.0".into()),
            Happening::Dismissed,
            Happening::Posted(vec![evidence("3.0")]),
        ],
        "prompted[show +text] prompted[] dismissed[-quiet_period -text -reminder show] dismissed[]",
    );
    assert_no_words(&case);
    assert_eq!(case.rules, vec!["move-off"], "the rule's precision is what is learned from it");
}

#[test]
fn a_deleted_proposal_takes_its_words_along_but_not_an_investigation() {
    let case = check(&[Happening::Deleted], "silent[-quiet_period]");
    assert_no_words(&case);
    let case = check(&[SPEAK, Happening::Deleted], "prompted[show +text] silent[-text show]");
    assert_no_words(&case);
    let case = check(&[SPEAK, opened_by("U2"), Happening::Deleted], {
        "prompted[show +text] open[show -quiet_period -text +reminder] open[-files:1.0]"
    });
    assert_eq!(case.matched, "let's move off Mailchimp");
    let carried = Happening::Posted(vec![evidence("1.0"), evidence("3.0")]);
    let case = check(&[SPEAK, carried, Happening::Deleted], {
        "prompted[show +text] open[show -quiet_period -text +reminder] open[-files:1.0 show]"
    });
    assert_eq!(case.evidence.len(), 1);
    let (case, told) =
        play(case, &[Happening::Closed(outcome(OutcomeKind::Go)), Happening::Deleted]);
    assert_eq!(told, "closed[-text -reminder show tell] closed[-files:1.0]");
    assert_eq!(case.evidence.len(), 1);
}

#[test]
fn what_a_closed_cases_proposal_carried_goes_with_it() {
    let carried = Happening::Posted(vec![evidence("1.0"), evidence("3.0")]);
    let (case, told) = play(
        play(waiting(), &[SPEAK, carried, Happening::Closed(outcome(OutcomeKind::Go))]).0,
        &[Happening::Deleted],
    );
    assert_eq!(told, "closed[-files:1.0 show]");
    assert_eq!(case.evidence, [evidence("3.0")]);
    assert_eq!(case.matched, "let's move off Mailchimp");
}

#[test]
fn an_unopened_prompt_loses_its_words_after_two_weeks() {
    let case = check(&[SPEAK, Happening::TextDue], "prompted[show +text] prompted[]");
    assert_no_words(&case);
    let case = check(&[SPEAK, opened_by("U2"), Happening::TextDue], {
        "prompted[show +text] open[show -quiet_period -text +reminder] open[]"
    });
    assert_eq!(case.said, SAID);
}

#[test]
fn words_that_went_do_not_come_back_by_an_edit() {
    let reworded = Happening::Reworded(Some((format!("{SAID} again"), verdict())));
    let case =
        check(&[SPEAK, Happening::TextDue, reworded], "prompted[show +text] prompted[] prompted[]");
    assert_no_words(&case);
}

#[test]
fn a_case_that_ended_long_ago_keeps_its_conclusions_only() {
    let averted = Outcome {
        class: Some("email-auth".into()),
        fixed: Some("the record".to_owned()),
        days: Some(2.0),
        ..outcome(OutcomeKind::Averted)
    };
    let ends =
        [SPEAK, Happening::Posted(vec![evidence("3.0")]), Happening::Closed(averted.clone())];
    let (closed, _) = play(waiting(), &ends);
    let later = averted.at + SignedDuration::from_hours(24 * 730) + SignedDuration::from_mins(5);
    let (forgotten, effects) = apply(closed.clone(), Happening::LongEnded, later);
    assert_eq!(effects, vec![]);
    assert_no_words(&forgotten);
    assert_eq!(forgotten.opened_by, None);
    let kept = Outcome { fixed: None, by: None, forgotten_at: Some(later), ..averted };
    assert_eq!(
        (forgotten.outcome.as_ref(), forgotten.forgotten_after_days()),
        (Some(&kept), Some(730))
    );
    assert_eq!(
        (forgotten.kind, forgotten.door, &forgotten.rules),
        (closed.kind, closed.door, &closed.rules)
    );
    // Once: another look later changes nothing.
    assert_eq!(
        apply(forgotten.clone(), Happening::LongEnded, later + SignedDuration::from_hours(1)).0,
        forgotten
    );
}

#[test]
fn only_an_ended_case_is_forgotten() {
    let opened = [SPEAK, opened_by("U2")];
    for happened in [&opened[..0], &opened[..1], &opened[..]] {
        let (case, _) = play(waiting(), happened);
        assert_eq!(apply(case.clone(), Happening::LongEnded, at(9_999_999)), (case, vec![]));
    }
}

#[test]
fn an_edit_is_followed_until_an_investigation_is_open() {
    let mut other = verdict();
    other.problem = Some("bounces".to_owned());
    let reworded =
        Happening::Reworded(Some(("let's move off Mailchimp, bounces".to_owned(), other)));
    let case = check(&[reworded.clone(), SPEAK], "waiting[] prompted[show +text]");
    assert_eq!(case.problem.as_deref(), Some("bounces"));
    check(
        &[SPEAK, reworded.clone(), reworded.clone()],
        "prompted[show +text] prompted[show] prompted[]",
    );
    check(&[Happening::Reworded(None), SPEAK], "silent[-quiet_period] silent[]");
    let case = check(&[SPEAK, opened_by("U2"), reworded], {
        "prompted[show +text] open[show -quiet_period -text +reminder] open[]"
    });
    assert_eq!(case.problem.as_deref(), Some("mails land in spam"));
}

#[test]
fn evidence_before_the_card_waits_with_it() {
    let case =
        check(&[Happening::Posted(vec![evidence("3.0")]), SPEAK], "waiting[] prompted[show +text]");
    assert_eq!(case.evidence.len(), 1);
}

#[test]
fn evidence_is_taken_back_with_its_message() {
    let posted = Happening::Posted(vec![evidence("3.0"), evidence("4.0")]);
    let case = check(
        &[
            SPEAK,
            posted,
            Happening::EvidenceDeleted("3.0".into()),
            Happening::EvidenceDeleted("9.0".into()),
        ],
        "prompted[show +text] open[show -quiet_period -text +reminder] open[-files:3.0 show] open[-files:9.0]",
    );
    assert_eq!(case.evidence.len(), 1);
}

#[test]
fn what_a_message_carried_is_recorded_once() {
    let posted = Happening::Posted(vec![evidence("3.0"), evidence("4.0")]);
    let more = Happening::Posted(vec![evidence("4.0"), evidence("5.0")]);
    let case = check(
        &[SPEAK, posted.clone(), posted, more],
        "prompted[show +text] open[show -quiet_period -text +reminder] open[] open[show]",
    );
    assert_eq!(case.evidence.len(), 3);
    // Answers to a form come with no message: the same words twice were given twice.
    let form = Happening::Posted(vec![Evidence { message: None, ..evidence("3.0") }]);
    let (case, _) = play(waiting(), &[SPEAK, form.clone(), form]);
    assert_eq!(case.evidence.len(), 2);
}

#[test]
fn a_card_is_no_log_store() {
    let flood = vec![evidence("3.0"); EVIDENCE_MAX + 10];
    let (case, _) = play(waiting(), &[SPEAK, Happening::Posted(flood.clone())]);
    assert_eq!(case.evidence.len(), EVIDENCE_MAX);
    let flooded = Beginning { evidence: flood, ..beginning(SAID, verdict()) };
    assert_eq!(Case::begin(CaseNumber(7), flooded, at(0)).evidence.len(), EVIDENCE_MAX);
}

#[test]
fn one_reminder_and_only_while_open() {
    check(&[SPEAK, opened_by("U2"), Happening::ReminderDue], {
        "prompted[show +text] open[show -quiet_period -text +reminder] open[remind]"
    });
    check(&[SPEAK, Happening::ReminderDue], "prompted[show +text] prompted[]");
}

#[test]
fn an_ended_case_stays_ended() {
    let ends = [
        vec![Happening::SomeoneAsked],
        vec![SPEAK, Happening::Dismissed],
        vec![SPEAK, Happening::Closed(outcome(OutcomeKind::Go))],
        vec![SPEAK, Happening::Deleted],
    ];
    let after = [
        SPEAK,
        Happening::SomeoneAsked,
        Happening::Deleted,
        Happening::Dismissed,
        opened_by("U9"),
        Happening::Posted(vec![evidence("9.0")]),
        Happening::Closed(outcome(OutcomeKind::Hold)),
        Happening::ReminderDue,
        Happening::TextDue,
        Happening::Reworded(None),
        Happening::Reworded(Some(("x".to_owned(), verdict()))),
    ];
    for end in ends {
        let (ended, _) = play(waiting(), &end);
        for happening in &after {
            let (case, mut effects) = apply(ended.clone(), happening.clone(), at(99));
            effects.retain(|effect| !matches!(effect, Effect::LeaveFiles(_)));
            assert_eq!((case, effects), (ended.clone(), vec![]), "{happening:?} after {end:?}");
        }
    }
}

#[test]
fn closing_as_not_a_proposal_is_dismissing() {
    let case = check(&[SPEAK, Happening::Closed(outcome(OutcomeKind::NotAProposal))], {
        "prompted[show +text] dismissed[-quiet_period -text -reminder show]"
    });
    assert_no_words(&case);
}

#[test]
fn a_case_without_a_message_lives_in_the_thread_of_its_card() {
    let mut case = waiting();
    case.root = None;
    let (case, _) = play(case, &[opened_by("U1"), Happening::CardShown("8.0".into())]);
    assert_eq!((case.root, case.card), (Some("8.0".into()), Some("8.0".into())));
}

#[test]
fn a_cut_text_is_one_line_and_short() {
    assert_eq!(cut("a  b\nc", 80), "a b c");
    assert_eq!(cut("äöü äöü", 5), "äöü…");
    assert_eq!(cut("", 5), "");
    assert_eq!(cut("abcdef", 6), "abcdef");
    assert_eq!(cut("abcdefg", 6), "abcde…");
}
