//! The weekly digest: what ended and what decided it, and what is open. Pure words.
//!
//! Nobody is named or compared, nothing is added up, and every way to end has the same space.

mod channels;
mod schedule;

use jiff::Timestamp;

pub use self::channels::{Channels, Unclear};
pub use self::schedule::{Period, Schedule, Week};
use super::ChannelId;
use super::card::{name, outcome_name, title};
use super::diagnose::Catalog;
use super::investigation::{Case, Evidence, Outcome, OutcomeKind, REMIND_AFTER, State, cut};
use super::wording::{Line, Piece, Wording};

/// Most cases a section shows: with Slack's limit for all blocks of a message in mind.
pub const SHOWN_MAX: usize = 5;

/// Where and when the digest is posted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The channels.
    pub channels: Channels,
    /// The day and hour.
    pub schedule: Schedule,
}

/// The digest of a period for whoever reads it in `channel`; `None` when the week was quiet: nothing ended, nothing was
/// opened and nothing became overdue. Cases of private channels are shown in that very channel only.
pub fn digest(
    cases: &[Case],
    period: &Period,
    channel: Option<&ChannelId>,
    now: Timestamp,
    catalog: &Catalog,
    wording: &Wording,
) -> Option<Vec<Line>> {
    let mut cases: Vec<&Case> =
        cases.iter().filter(|case| !case.private || Some(&case.channel) == channel).collect();
    cases.sort_by_key(|case| case.number);
    let ended: Vec<(&Case, &Outcome)> = cases
        .iter()
        .filter_map(|case| case.outcome.as_ref().map(|outcome| (*case, outcome)))
        .filter(|(_, outcome)| period.from <= outcome.at && outcome.at < period.until)
        .collect();
    let open: Vec<(&Case, Timestamp)> = cases
        .iter()
        .filter(|case| case.state == State::Open)
        .filter_map(|case| case.opened_at.map(|at| (*case, at)))
        .filter(|(_, at)| *at < period.until)
        .collect();
    let news = open.iter().any(|(_, at)| period.from - REMIND_AFTER <= *at);
    if ended.is_empty() && !news {
        return None;
    }
    let days = [
        ("week", period.week.to_string()),
        ("first", period.first.to_string()),
        ("last", period.last.to_string()),
    ];
    let mut lines =
        vec![wording.line("digest_head", &days.each_ref().map(|(k, v)| (*k, v.as_str())))];
    let mut section = |head: &str, items: Vec<Vec<Line>>| {
        if items.is_empty() {
            return;
        }
        lines.push(Line::new());
        lines.push(wording.line(head, &[]));
        let more = items.len().saturating_sub(SHOWN_MAX);
        lines.extend(items.into_iter().take(SHOWN_MAX).flatten());
        if more > 0 {
            lines.push(wording.line("digest_more", &[("n", &more.to_string())]));
        }
    };
    for (head, kind) in [
        ("digest_averted", Some(OutcomeKind::Averted)),
        ("digest_right_sized", Some(OutcomeKind::RightSized)),
        ("digest_go", Some(OutcomeKind::Go)),
        ("digest_other", None),
    ] {
        let here = ended.iter().filter(|(_, outcome)| heading(outcome.kind) == kind);
        section(head, here.map(|(case, outcome)| item(case, outcome, catalog, wording)).collect());
    }
    for (head, overdue) in [("digest_overdue", true), ("digest_open", false)] {
        let here = open.iter().filter(|(_, at)| (*at + REMIND_AFTER <= now) == overdue);
        section(head, here.map(|(case, at)| vec![waiting(case, *at, wording)]).collect());
    }
    Some(lines)
}

/// The ways to end that have a heading of their own.
fn heading(kind: OutcomeKind) -> Option<OutcomeKind> {
    use OutcomeKind::{Averted, Go, RightSized};
    Some(kind).filter(|kind| matches!(kind, Averted | RightSized | Go))
}

/// A case that ended: what it was, and what decided it.
fn item(case: &Case, outcome: &Outcome, catalog: &Catalog, wording: &Wording) -> Vec<Line> {
    let class = outcome.class.as_ref().and_then(|id| catalog.class_in(wording.language(), id));
    let fixed = outcome.fixed.as_deref().map(|fixed| cut(fixed.trim_end_matches('.'), 120));
    let said: Vec<String> = [
        heading(outcome.kind)
            .is_none()
            .then(|| format!("{}.", outcome_name(outcome.kind, case.origin, wording))),
        class.map(|class| wording.words("closed_class", &[("class", &class.title)])),
        fixed.map(|fixed| wording.words("closed_fixed", &[("fixed", &fixed)])),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut line = numbered(case, wording);
    if !said.is_empty() {
        line.push(Piece::Text(format!(" — {}", said.join(" "))));
    }
    vec![line, evidence(case, outcome, wording)]
}

/// What decided it: a reading that speaks for the class it turned out to be, else the last reading, else what was posted.
fn evidence(case: &Case, outcome: &Outcome, wording: &Wording) -> Line {
    let mut read = case.evidence.iter().rev().filter(|e| e.reading.is_some());
    let speaks_for = |piece: &&Evidence| {
        let reading = piece.reading.as_ref();
        reading.zip(outcome.class.as_ref()).is_some_and(|(r, class)| r.supports.contains(class))
    };
    let deciding = read.clone().find(speaks_for).or_else(|| read.next());
    let Some(piece) = deciding.or(case.evidence.last()) else {
        let deleted = outcome.forgotten_at.is_some();
        return wording
            .line(if deleted { "digest_evidence_deleted" } else { "digest_no_evidence" }, &[]);
    };
    let kind = name(piece.kind, wording);
    let mut line = match &piece.reading {
        Some(reading) => {
            wording.line("digest_reading", &[("kind", &kind), ("says", &cut(&reading.says, 90))])
        }
        None => wording.line("digest_evidence", &[("kind", &kind)]),
    };
    if let Some(url) = &piece.permalink {
        line.push(Piece::Text(" · ".to_owned()));
        line.push(Piece::Link { url: url.clone(), label: wording.words("show_link", &[]) });
    }
    line
}

fn waiting(case: &Case, since: Timestamp, wording: &Wording) -> Line {
    let mut line = numbered(case, wording);
    let since = since.strftime("%Y-%m-%d").to_string();
    line.push(Piece::Text(format!(" — {}", wording.words("digest_since", &[("since", &since)]))));
    line
}

fn numbered(case: &Case, wording: &Wording) -> Line {
    let fill = [("number", case.number.to_string()), ("title", title(case, wording))];
    wording.line("digest_case", &fill.each_ref().map(|(k, v)| (*k, v.as_str())))
}

#[cfg(test)]
mod tests;
