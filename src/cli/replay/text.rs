//! The report of a replay for a person at a terminal: what would it have said at all?

use std::io::{self, Write};

use super::labels::Judgement;
use super::{grouped, several, weeks};
use crate::cli::figures::{count, share};
use crate::config::Speaking;
use crate::domain::investigation::cut;
use crate::replay::{Prompt, Report, Skipped};

/// Lines of each list; the page shows all.
const LINES_MAX: usize = 10;
const WEEKS_MAX: usize = 26;
const STRONGEST_MAX: usize = 5;
const WORDS_CHARS_MAX: usize = 200;

/// Writes the report.
pub(super) fn show(
    out: &mut impl Write,
    report: &Report,
    settings: &Speaking,
    judgement: Option<&Judgement>,
) -> io::Result<()> {
    writeln!(out, "{}\n{}", read(report), answered(report))?;
    writeln!(out, "{}", settings_line(settings))?;
    if !report.prompts.is_empty() {
        where_and_when(out, report)?;
        strongest(out, report)?;
    }
    silences(out, report)?;
    if !report.prompts.is_empty() {
        rules(out, report, judgement)?;
    }
    if let Some(judgement) = judgement {
        labelled(out, report, judgement)?;
    }
    not_read(out, report)
}

/// What was read.
pub(super) fn read(report: &Report) -> String {
    let Some((from, to)) = report.period else {
        return "The export holds no message by a person in any channel.".to_owned();
    };
    format!(
        "Read {} by people in {}, {} to {}.",
        several(report.counts.messages, "message"),
        several(report.channels.len() as u64, "channel"),
        day(from),
        day(to)
    )
}

/// How often the bot would have spoken.
pub(super) fn answered(report: &Report) -> String {
    let prompts = report.prompts.len();
    if prompts == 0 {
        return "Second Look would have said nothing.".to_owned();
    }
    let weeks = weeks(report).len().max(1);
    format!(
        "Second Look would have spoken {}: {:.1} a week, once in {} messages.",
        times(prompts as u64),
        count(prompts) / count(weeks),
        grouped(report.counts.messages / prompts as u64),
    )
}

fn times(n: u64) -> String {
    if n == 1 { "once".to_owned() } else { several(n, "time") }
}

/// With which settings, and with what that can't be known from an export.
pub(super) fn settings_line(settings: &Speaking) -> String {
    let limits = &settings.limits;
    let cap = match limits.channel_cap {
        0 => "no cap".to_owned(),
        cap => format!("at most {cap} cards a channel and day"),
    };
    format!(
        "As if it had been in every channel; quiet period {:#}, {:#} between two cards in a channel, {cap}.",
        limits.quiet_period, limits.cooldown
    )
}

fn where_and_when(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "\nCards by week")?;
    let weeks = weeks(report);
    let most = weeks.iter().map(|(_, n)| *n).max().unwrap_or(1).max(40);
    for (week, n) in weeks.iter().skip(weeks.len().saturating_sub(WEEKS_MAX)) {
        writeln!(out, "  {week} {n:5} {}", "█".repeat(n * 40 / most))?;
    }
    if let Some(earlier) = weeks.len().checked_sub(WEEKS_MAX + 1) {
        let n: usize = weeks[..=earlier].iter().map(|(_, n)| n).sum();
        writeln!(out, "  earlier  {n:5}")?;
    }
    writeln!(out, "\nCards by channel")?;
    let mut channels: Vec<_> = report.channels.iter().filter(|c| c.prompts > 0).collect();
    channels.sort_by(|a, b| b.prompts.cmp(&a.prompts).then_with(|| a.name.cmp(&b.name)));
    for channel in channels.iter().take(LINES_MAX) {
        let kind = if channel.private { " (private)" } else { "" };
        let of = several(channel.messages, "message");
        writeln!(out, "  {:8} #{}{kind}, of {of}", channel.prompts, plain(&channel.name))?;
    }
    more(out, channels.len())
}

fn strongest(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "\nThe surest")?;
    for prompt in report.strongest().into_iter().take(STRONGEST_MAX) {
        let words = cut(&plain(&prompt.words), WORDS_CHARS_MAX);
        writeln!(out, "  {:.2} {}", prompt.confidence, place(report, prompt))?;
        writeln!(out, "       “{words}”\n       {}", plain(&prompt.reasons.join(" · ")))?;
    }
    Ok(())
}

fn silences(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.silences.is_empty() {
        return Ok(());
    }
    let all: u64 = report.silences.values().sum();
    writeln!(out, "\nProposals it heard and stayed silent on: {}", grouped(all))?;
    for (why, n) in &report.silences {
        writeln!(out, "  {n:8} {} ({why})", why.in_words())?;
    }
    Ok(())
}

fn rules(out: &mut impl Write, report: &Report, judgement: Option<&Judgement>) -> io::Result<()> {
    writeln!(out, "\nRules that matched in the cards")?;
    let rules = report.rules();
    for rule in rules.iter().take(LINES_MAX) {
        let tally = judgement.map(|j| j.rules.get(&rule.rule).copied().unwrap_or_default());
        let precision =
            tally.map_or_else(String::new, |tally| format!("  precision {}", tally.shown()));
        writeln!(out, "  {:8} {}{precision}", rule.matched, rule.rule)?;
    }
    more(out, rules.len())
}

fn labelled(out: &mut impl Write, report: &Report, judgement: &Judgement) -> io::Result<()> {
    writeln!(out, "\nBy the labels: precision {}", judgement.all.shown())?;
    if judgement.wanted > 0 {
        let (right, wanted) = (judgement.all.right, judgement.wanted);
        let part = share(right, wanted);
        writeln!(out, "  answered {right} of the {wanted} messages labelled SPEAK ({part:.2})")?;
    }
    if judgement.either > 0 {
        writeln!(out, "  {} labelled EITHER, not counted", judgement.either)?;
    }
    if !judgement.unlabelled.is_empty() {
        writeln!(out, "  without a label: {}", judgement.unlabelled.len())?;
        for prompt in judgement.unlabelled.iter().take(LINES_MAX) {
            let prompt = &report.prompts[*prompt];
            writeln!(out, "    {} {}", place(report, prompt), prompt.ts)?;
        }
        more(out, judgement.unlabelled.len())?;
    }
    Ok(())
}

fn not_read(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let not_judged = not_judged(report);
    if !not_judged.is_empty() {
        writeln!(out, "\nNot judged: {}.", not_judged.join(", "))?;
    }
    if report.skipped.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nSkipped: {}", several(report.skipped.len() as u64, "file"))?;
    for file in report.skipped.iter().take(LINES_MAX) {
        writeln!(out, "  {}", skipped(file))?;
    }
    more(out, report.skipped.len())
}

/// What was read and not judged, and what was not read.
pub(super) fn not_judged(report: &Report) -> Vec<String> {
    let counts = &report.counts;
    [
        (counts.by_bots, "message by bots", "messages by bots"),
        (counts.events, "notice (joins, topics)", "notices (joins, topics)"),
        (counts.deleted, "deleted message", "deleted messages"),
        (report.left_out.direct as u64, "direct conversation", "direct conversations"),
        (report.left_out.group as u64, "group conversation", "group conversations"),
    ]
    .into_iter()
    .filter(|(n, ..)| *n > 0)
    .map(|(n, one, many)| format!("{} {}", grouped(n), if n == 1 { one } else { many }))
    .collect()
}

/// A file that was skipped: file, line, reason.
pub(super) fn skipped(file: &Skipped) -> String {
    let line = file.line.map_or_else(String::new, |line| format!(", line {line}"));
    format!("{}{line}: {}", plain(&file.file), file.reason)
}

fn more(out: &mut impl Write, all: usize) -> io::Result<()> {
    match all.checked_sub(LINES_MAX) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(out, "       … and {more} more: --html shows all"),
    }
}

fn place(report: &Report, prompt: &Prompt) -> String {
    let at = prompt.at.strftime("%Y-%m-%d %H:%M UTC");
    format!("#{} {at}", plain(&report.channels[prompt.channel].name))
}

fn day(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// One line without control characters: a message must not steer the terminal.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}
