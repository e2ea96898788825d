//! Every rule silences, is named, and silences nothing else.

use super::*;
use crate::domain::detect::Verdict;
use crate::domain::evidence::EvidenceKind;
use crate::domain::{Door, Kind, Progress, Stance};

fn verdict(from: Option<&str>, to: Option<&str>, door: Door, problem: Option<&str>) -> Verdict {
    Verdict {
        proposal: true,
        confidence: 0.9,
        kind: Kind::SwitchVendor,
        from: from.map(str::to_owned),
        to: to.map(str::to_owned),
        problem: problem.map(str::to_owned),
        evidence: vec![],
        stance: Stance::Advocating,
        door,
        spans: vec![],
        reasons: vec![],
        scale: vec![],
        progress: Progress::Open,
        language: "en",
    }
}

fn at(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(100_000 + hours)
}

/// Whether a channel that nobody changed allows a topic after these prompts.
fn after(prompts: &[(i64, &str)], topic: &str, limits: &Limits) -> Result<(), Silence> {
    let prompts: Vec<_> = prompts.iter().map(|(h, t)| (at(*h), (*t).to_owned())).collect();
    channel_allows(&ChannelState::default(), &prompts, false, topic, limits, at(0))
}

#[test]
fn two_way_doors_without_a_problem_are_waved_through() {
    let speak = |door, problem| worth_speaking(&verdict(None, None, door, problem));
    assert_eq!(speak(Door::TwoWay, None), Err(Silence::TwoWayDoor));
    assert_eq!(speak(Door::TwoWay, Some("slow")), Ok(()));
    assert_eq!(speak(Door::Costly, None), Ok(()));
    let ordinary = Verdict { proposal: false, ..verdict(None, None, Door::OneWay, Some("x")) };
    assert_eq!(worth_speaking(&ordinary), Err(Silence::NotAProposal));
}

#[test]
fn every_rule_of_the_channel_silences_and_is_named() {
    let limits = Limits::default();
    let allows = |state: &ChannelState, external| {
        channel_allows(state, &[], external, "mailchimp", &limits, at(0))
    };
    let fresh = ChannelState::default();
    assert_eq!(allows(&fresh, false), Ok(()));
    assert_eq!(allows(&fresh, true), Err(Silence::External));
    for (mode, why) in [(Mode::Off, Silence::ChannelOff), (Mode::Observe, Silence::Observe)] {
        assert_eq!(allows(&ChannelState { mode, ..fresh.clone() }, false), Err(why));
    }
    let paused = ChannelState { paused_until: Some(at(1)), ..fresh.clone() };
    assert_eq!(allows(&paused, false), Err(Silence::Paused));
    let over = ChannelState { paused_until: Some(at(0)), ..fresh.clone() };
    assert_eq!(allows(&over, false), Ok(()));
    let gone = ChannelState { gone: true, ..fresh.clone() };
    assert_eq!(allows(&gone, false), Err(Silence::NotThere));
    let incident = ChannelState { incident: Some(CaseNumber(1)), ..fresh.clone() };
    assert_eq!(allows(&incident, false), Err(Silence::Incident));
    let never = ChannelState { never: vec!["mailchimp".to_owned()], ..fresh };
    assert_eq!(allows(&never, false), Err(Silence::TopicNever));
    let after = |prompts: &[(i64, &str)]| after(prompts, "mailchimp", &limits);
    assert_eq!(after(&[(-29 * 24, "mailchimp")]), Err(Silence::TopicCooldown));
    assert_eq!(after(&[(-31 * 24, "mailchimp")]), Ok(()));
    assert_eq!(after(&[(-3, "redis")]), Err(Silence::ChannelCooldown));
    assert_eq!(after(&[(-5, "redis")]), Ok(()));
    assert_eq!(after(&[(-5, "redis"), (-10, "kafka")]), Err(Silence::ChannelCap));
}

#[test]
fn zero_means_no_limit() {
    let none = Limits { channel_cap: 0, cooldown: SignedDuration::ZERO, ..Limits::default() };
    assert_eq!(after(&[(0, "a"), (0, "b"), (0, "c")], "d", &none), Ok(()));
}

#[test]
fn every_kind_door_and_progress_is_weighed_as_documented() {
    let mut spoken = 0;
    for kind in Kind::ALL.iter().copied() {
        for door in Door::ALL.iter().copied() {
            for progress in Progress::ALL.iter().copied() {
                for (scale, stated, shown) in
                    [0, 1, 2, 3, 4, 5, 6, 7_u8].map(|n| (n & 1 > 0, n & 2 > 0, n & 4 > 0))
                {
                    let verdict = Verdict {
                        kind,
                        progress,
                        scale: scale.then(|| "every team".to_owned()).into_iter().collect(),
                        evidence: shown.then_some(EvidenceKind::Metric).into_iter().collect(),
                        ..verdict(None, None, door, stated.then_some("slow"))
                    };
                    let (weight, said) = (Weighing::of(&verdict).total(), worth_speaking(&verdict));
                    match said {
                        Err(Silence::TwoWayDoor) => assert!(door == Door::TwoWay && !stated),
                        Err(Silence::Decided) => assert_eq!(progress, Progress::Decided),
                        Err(Silence::UnderWay) => assert_eq!(progress, Progress::UnderWay),
                        Err(other) => panic!("{other} is no rule of the message"),
                        Ok(()) => spoken += 1,
                    }
                    let waved_through = said == Err(Silence::TwoWayDoor);
                    assert_eq!(said.is_ok(), weight >= WORTH_A_WORD && !waved_through);
                    if progress == Progress::Open {
                        assert!(
                            waved_through || said.is_ok(),
                            "nothing else that is open is silenced"
                        );
                    }
                }
            }
        }
    }
    assert!(spoken > 0);
}

#[test]
fn more_size_less_reversible_less_shown_and_more_open_never_weigh_less() {
    let plain = verdict(None, None, Door::Costly, Some("slow"));
    let weight = |change: &dyn Fn(&mut Verdict)| {
        let mut verdict = plain.clone();
        change(&mut verdict);
        Weighing::of(&verdict).total()
    };
    let base = weight(&|_| ());
    assert!(weight(&|v| v.scale = vec!["all teams".to_owned()]) > base);
    assert!(weight(&|v| v.kind = Kind::ProcessChange) < base);
    assert!(weight(&|v| v.door = Door::OneWay) > base);
    assert!(weight(&|v| v.door = Door::TwoWay) < base);
    assert!(weight(&|v| v.evidence = vec![EvidenceKind::Metric]) < base);
    assert!(weight(&|v| v.progress = Progress::Decided) < base);
    assert!(
        weight(&|v| v.progress = Progress::UnderWay) < weight(&|v| v.progress = Progress::Decided)
    );
}

#[test]
fn what_is_decided_is_answered_only_where_it_is_large_or_final() {
    let decided = |door, scale: &[&str]| {
        let scale = scale.iter().map(|&s| s.to_owned()).collect();
        let plain = verdict(None, None, door, None);
        worth_speaking(&Verdict { progress: Progress::Decided, scale, ..plain })
    };
    assert_eq!(decided(Door::Costly, &[]), Err(Silence::Decided));
    assert_eq!(decided(Door::Costly, &["every team"]), Ok(()));
    assert_eq!(decided(Door::OneWay, &[]), Ok(()));
}

#[test]
fn a_channel_has_its_prompts_for_the_week() {
    let limits = Limits::default();
    let days: Vec<(i64, &str)> = ["a", "b", "c", "d", "e", "f"]
        .iter()
        .enumerate()
        .map(|(n, t)| (-26 - 20 * i64::try_from(n).unwrap(), *t))
        .collect();
    assert_eq!(after(&days, "mailchimp →", &limits), Err(Silence::ChannelWeekCap));
    assert_eq!(after(&days[..5], "mailchimp →", &limits), Ok(()));
    let none = Limits { channel_cap: 0, ..limits };
    assert_eq!(after(&days, "mailchimp →", &none), Ok(()));
}

#[test]
fn what_was_heard_long_ago_is_not_answered() {
    let hour = SignedDuration::from_hours(1);
    assert_eq!(in_time(at(0), at(0) + ANSWERED_WITHIN), Ok(()));
    assert_eq!(in_time(at(0), at(0) + ANSWERED_WITHIN + hour), Err(Silence::TooLate));
}

#[test]
fn a_topic_in_other_words_is_cooled_down_and_never_answered() {
    let topic = |from, to| topic(&verdict(from, to, Door::Costly, None), "");
    let answered = topic(Some("our Mailchimp's"), None);
    assert_eq!(answered, "mailchimp →");
    let again = topic(Some("the mail chimp"), Some("SendGrid"));
    let limits = Limits::default();
    assert_eq!(after(&[(-29 * 24, &answered)], &again, &limits), Err(Silence::TopicCooldown));
    let other = [(-29 * 24, "jenkins → github actions")];
    assert_eq!(after(&other, &again, &limits), Ok(()));
    let never = ChannelState { never: vec![answered], ..ChannelState::default() };
    assert_eq!(still_allows(&never, &again, at(0)), Err(Silence::TopicNever));
}
