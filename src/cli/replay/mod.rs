//! `secondlook replay`: what the bot would have said in a workspace, from its export.

mod labels;
mod page;
mod text;

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::config::Speaking;
use crate::domain::digest::Week;
use crate::domain::knowledge::Knowledge;
use crate::replay::{self, ChannelFigures, Export, Prompt, Report};
use labels::Judgement;

/// What the settings, the lines of --json and the labels are.
const FORMATS: &str = r#"Public and private channels are replayed as if the bot had been invited to each of them; direct conversations never are. The bot's own settings count here too: SECONDLOOK_QUIET_PERIOD, SECONDLOOK_CHANNEL_CAP, SECONDLOOK_COOLDOWN, SECONDLOOK_QUIET_HOURS, SECONDLOOK_INCIDENT_PATTERN, SECONDLOOK_KNOWLEDGE. Nothing leaves this machine, and nothing is kept but the page you ask for.

With --json, one line per message it would have answered, and last {"summary":{…}}:
  {"channel":"C…","name":"backend","ts":"1763712000.000100","user":"U…","confidence":0.93,"kind":"switch_vendor","rule":"verb.leave"}
The rule is the one that names the change (verb.…), or else the one by which it proposes (mood.…), as in the phrase pack.

Labels are such lines with a "label", or CSV with the heads channel,ts,label:
  {"channel":"backend","ts":"1763712000.000100","label":"SPEAK"}
SPEAK: it should have answered. SILENT: it should not. EITHER: readers may differ; not counted. The channel is its id or its name; lines without a label are passed over."#;

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = FORMATS)]
pub(super) struct Args {
    /// The export: the .zip that Slack sent, or the folder it unpacks to
    export: PathBuf,
    /// Write NDJSON: one line per message it would have answered, then a summary (see below)
    #[arg(long)]
    json: bool,
    /// Write the report as one page that can be read without a network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Take precision from a file of labels (see below)
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// The workspace's address (as in `https://acme.slack.com`), for links to the messages
    #[arg(long, value_name = "URL", value_parser = address)]
    workspace_url: Option<String>,
}

fn address(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").map(|rest| rest.trim_end_matches('/'));
    let fits = |host: &&str| {
        !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b))
    };
    let host = host.filter(fits).ok_or("give the address alone, such as https://acme.slack.com")?;
    Ok(format!("https://{host}"))
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let settings = Speaking::from_env()?;
    let knowledge = Knowledge::with_own(&settings.knowledge)
        .map_err(|faults| anyhow!(faults))
        .context("could not load the phrase packs")?;
    let labels = args.labels.as_deref().map(labels::read).transpose()?;
    let cannot = || format!("could not replay {}", args.export.display());
    let export = Export::open(&args.export).with_context(cannot)?;
    // Before the work, so that a path that can't be written to is told at once.
    let page = args.html.as_ref().map(|path| {
        File::create(path).with_context(|| format!("could not write {}", path.display()))
    });
    let page = page.transpose()?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut wrote, bar) = (Ok(()), progress(args.json, export.bytes()));
    let report = replay::run(
        export,
        &knowledge,
        &settings,
        |prompt, channel| {
            if args.json && wrote.is_ok() {
                wrote = writeln!(out, "{}", line(prompt, channel));
            }
        },
        |bytes| bar.inc(bytes),
    );
    bar.finish_and_clear();
    wrote.context("could not write the answer")?;
    nothing_readable(&report).with_context(cannot)?;
    let judgement = labels.map(|labels| labels.judge(&report));
    if args.json {
        let summary = json!({"summary": summary(&report, judgement.as_ref())});
        writeln!(out, "{summary}").context("could not write the answer")?;
    } else {
        let shown = text::show(&mut out, &report, &settings, judgement.as_ref());
        shown.context("could not write the report")?;
    }
    out.flush().context("could not write the report")?;
    if let (Some(file), Some(path)) = (page, &args.html) {
        let sheet = page::Sheet {
            report: &report,
            settings: &settings,
            judgement: judgement.as_ref(),
            workspace_url: args.workspace_url.as_deref(),
        };
        let mut file = BufWriter::new(file);
        sheet
            .write(&mut file)
            .and_then(|()| file.flush())
            .with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

/// A bar on the terminal; none where a program reads.
fn progress(json: bool, bytes: u64) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {percent}% of {total_bytes}, {eta} left");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// An export none of whose days could be read is no report of silence.
fn nothing_readable(report: &Report) -> anyhow::Result<()> {
    let counts = &report.counts;
    let any = counts.messages + counts.by_bots + counts.events + counts.deleted;
    if any > 0 || report.skipped.is_empty() {
        return Ok(());
    }
    let first: Vec<String> = report.skipped.iter().take(3).map(text::skipped).collect();
    bail!(
        "nothing in it could be read: {}; export it anew, or unpack it and look at these files",
        first.join("; ")
    )
}

fn line(prompt: &Prompt, channel: &ChannelFigures) -> Value {
    json!({
        "channel": channel.id.as_str(),
        "name": channel.name,
        "ts": prompt.ts.as_str(),
        "user": prompt.author.as_str(),
        "confidence": (prompt.confidence * 10_000.0).round() / 10_000.0,
        "kind": prompt.kind.as_str(),
        "rule": prompt.rule(),
    })
}

fn summary(report: &Report, judgement: Option<&Judgement>) -> Value {
    let silences = report.silences.iter().map(|(why, n)| (why.as_str().to_owned(), json!(n)));
    let rules = report.rules();
    let rules =
        rules.iter().map(|r| json!({"rule": r.rule, "matched": r.matched, "leads": r.leads}));
    let skipped = report.skipped.iter();
    let counts = &report.counts;
    json!({
        "messages": counts.messages,
        "channels": report.channels.len(),
        "from": report.period.map(|(from, _)| from.to_string()),
        "to": report.period.map(|(_, to)| to.to_string()),
        "proposals": report.proposals,
        "prompts": report.prompts.len(),
        "weeks": weeks(report).into_iter().filter(|w| w.1 > 0)
            .map(|(week, n)| (week.to_string(), json!(n))).collect::<serde_json::Map<_, _>>(),
        "silences": silences.collect::<serde_json::Map<_, _>>(),
        "rules": rules.collect::<Vec<_>>(),
        "not_judged": {
            "by_bots": counts.by_bots, "events": counts.events, "deleted": counts.deleted,
            "unreadable": counts.unreadable,
            "direct_conversations": report.left_out.direct, "group_conversations": report.left_out.group,
        },
        "skipped": skipped.map(|s| json!({"file": s.file, "line": s.line, "reason": s.reason}))
            .collect::<Vec<_>>(),
        "labels": judgement.map(Judgement::to_json),
    })
}

/// The prompts of each week from the first message to the last.
fn weeks(report: &Report) -> Vec<(Week, usize)> {
    weeks_of(report, |_| true)
}

/// The prompts of each week among some of them; all weeks, so that charts line up.
fn weeks_of(report: &Report, of: impl Fn(&Prompt) -> bool) -> Vec<(Week, usize)> {
    let Some((from, to)) = report.period else { return Vec::new() };
    let date = |at: jiff::Timestamp| at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut weeks: Vec<(Week, usize)> = Vec::new();
    for day in date(from).series(jiff::Span::new().days(1)).take_while(|day| *day <= date(to)) {
        if weeks.last().is_none_or(|(week, _)| *week != Week::of(day)) {
            weeks.push((Week::of(day), 0));
        }
    }
    for prompt in report.prompts.iter().filter(|prompt| of(prompt)) {
        if let Ok(at) = weeks.binary_search_by_key(&Week::of(date(prompt.at)), |(week, _)| *week) {
            weeks[at].1 += 1;
        }
    }
    weeks
}

/// 1234567 → 1,234,567
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `3 messages`, `1 message`
fn several(n: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(n), if n == 1 { "" } else { "s" })
}
