//! The report of a replay as one page: no script, no request to anywhere, readable on a phone, in the dark and on paper.

use std::fmt;
use std::io::{self, Write};

use super::labels::Judgement;
use super::text;
use super::{grouped, several, weeks, weeks_of};
use crate::config::Speaking;
use crate::domain::digest::Week;
use crate::replay::{ChannelFigures, Prompt, Report, permalink};

const STYLE: &str = include_str!("page.css");
/// Nothing may be loaded, sent or run, whatever a message holds.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Everything the page tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet<'a> {
    pub report: &'a Report,
    pub settings: &'a Speaking,
    pub judgement: Option<&'a Judgement>,
    pub workspace_url: Option<&'a str>,
}

/// Text as it stands in a page.
struct Safe<'a>(&'a str);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if c.is_control() && c != '\n' => f.write_str(" ")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

impl Sheet<'_> {
    /// Writes the page.
    pub(super) fn write(self, out: &mut impl Write) -> io::Result<()> {
        let report = self.report;
        writeln!(
            out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>What Second Look would have said</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
        )?;
        writeln!(out, "<h1>What Second Look would have said</h1>")?;
        writeln!(out, "<p class=\"lead\">{}</p>", Safe(&text::answered(report)))?;
        writeln!(out, "<p>{}</p>", Safe(&text::read(report)))?;
        writeln!(out, "<p class=\"soft\">{}</p>", Safe(&text::settings_line(self.settings)))?;
        if report.channels.iter().any(|c| c.private && c.prompts > 0) {
            writeln!(
                out,
                "<p class=\"soft\">This page quotes private channels: mind who you give it to.</p>"
            )?;
        }
        self.labels(out)?;
        if !report.prompts.is_empty() {
            self.chart(out)?;
        }
        self.silences(out)?;
        self.rules(out)?;
        self.prompts(out)?;
        self.not_read(out)?;
        writeln!(out, "</main>\n</body>\n</html>")
    }

    fn labels(self, out: &mut impl Write) -> io::Result<()> {
        let Some(judgement) = self.judgement else { return Ok(()) };
        writeln!(
            out,
            "<p>By the labels: precision {}. Labelled EITHER, not counted: {}. Without a label: {}.</p>",
            Safe(&judgement.all.shown()),
            judgement.either,
            judgement.unlabelled.len()
        )
    }

    /// A row of bars for each channel, a bar a week, all on one scale; the same numbers stand in a table below.
    fn chart(self, out: &mut impl Write) -> io::Result<()> {
        let report = self.report;
        let of = |number: usize| weeks_of(report, |prompt| prompt.channel == number);
        let mut rows: Vec<(&ChannelFigures, Vec<(Week, usize)>)> = Vec::new();
        for (number, channel) in report.channels.iter().enumerate().filter(|(_, c)| c.prompts > 0) {
            rows.push((channel, of(number)));
        }
        rows.sort_by(|a, b| b.0.prompts.cmp(&a.0.prompts).then_with(|| a.0.name.cmp(&b.0.name)));
        let most = rows.iter().flat_map(|(_, weeks)| weeks).map(|(_, n)| *n).max().unwrap_or(1);
        let total = weeks(report);
        let most_of_all = total.iter().map(|(_, n)| *n).max().unwrap_or(1);
        writeln!(out, "<h2>Cards by channel and week</h2>\n<table class=\"chart\"><tbody>")?;
        bars(out, "all channels", "", &total, most_of_all)?;
        for (channel, weeks) in &rows {
            let name = format!("#{}", channel.name);
            bars(out, &name, if channel.private { " (private)" } else { "" }, weeks, most)?;
        }
        if let (Some((first, _)), Some((last, _))) = (total.first(), total.last()) {
            writeln!(
                out,
                "<tr><th></th><td><div class=\"axis\"><span>{first}</span><span>{last}</span></div></td><td></td></tr>"
            )?;
        }
        writeln!(
            out,
            "</tbody></table>\n<details><summary>The same as a table</summary>\n<table><thead><tr><th scope=\"col\">Week</th><th scope=\"col\">Channel</th><th scope=\"col\" class=\"n\">Cards</th></tr></thead><tbody>"
        )?;
        for (at, (week, _)) in total.iter().enumerate() {
            for (channel, weeks) in rows.iter().filter(|(_, weeks)| weeks[at].1 > 0) {
                let (name, n) = (Safe(&channel.name), weeks[at].1);
                writeln!(out, "<tr><td>{week}</td><td>#{name}</td><td class=\"n\">{n}</td></tr>")?;
            }
        }
        writeln!(out, "</tbody></table></details>")
    }

    fn silences(self, out: &mut impl Write) -> io::Result<()> {
        if self.report.silences.is_empty() {
            return Ok(());
        }
        let head = "<thead><tr><th scope=\"col\">Why</th><th scope=\"col\">Rule</th><th scope=\"col\" class=\"n\">Proposals</th></tr></thead>";
        writeln!(out, "<h2>Heard, and stayed silent</h2>\n<table>{head}<tbody>")?;
        for (why, n) in &self.report.silences {
            let (words, n) = (why.in_words(), grouped(*n));
            let words = Safe(words);
            writeln!(
                out,
                "<tr><td>{words}</td><td><code>{why}</code></td><td class=\"n\">{n}</td></tr>"
            )?;
        }
        writeln!(out, "</tbody></table>")
    }

    fn rules(self, out: &mut impl Write) -> io::Result<()> {
        let rules = self.report.rules();
        if rules.is_empty() {
            return Ok(());
        }
        let labelled = self.judgement.map_or("", |_| "<th scope=\"col\">Precision</th>");
        writeln!(
            out,
            "<h2>Rules that matched</h2>\n<table><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\" class=\"n\">Cards it matched in</th><th scope=\"col\" class=\"n\">It led</th>{labelled}</tr></thead><tbody>"
        )?;
        for rule in &rules {
            write!(
                out,
                "<tr><td><code>{}</code></td><td class=\"n\">{}</td><td class=\"n\">{}</td>",
                Safe(&rule.rule),
                rule.matched,
                rule.leads
            )?;
            if let Some(judgement) = self.judgement {
                let tally = judgement.rules.get(&rule.rule).copied().unwrap_or_default();
                write!(out, "<td>{}</td>", Safe(&tally.shown()))?;
            }
            writeln!(out, "</tr>")?;
        }
        writeln!(out, "</tbody></table>")
    }

    fn prompts(self, out: &mut impl Write) -> io::Result<()> {
        if self.report.prompts.is_empty() {
            return Ok(());
        }
        writeln!(out, "<h2>Every card</h2>")?;
        for prompt in &self.report.prompts {
            self.prompt(out, prompt)?;
        }
        Ok(())
    }

    fn prompt(self, out: &mut impl Write, prompt: &Prompt) -> io::Result<()> {
        let channel = &self.report.channels[prompt.channel];
        writeln!(
            out,
            "<article>\n<h3>#{}</h3>\n<p class=\"soft\"><time datetime=\"{}\">{}</time> · sure to {:.0} % · <code>{}</code> · <code>{}</code>{}{}</p>",
            Safe(&channel.name),
            prompt.at,
            prompt.at.strftime("%A, %-d %B %Y, %H:%M UTC"),
            prompt.confidence * 100.0,
            prompt.kind,
            prompt.door,
            if prompt.thread.is_some() { " · in a thread" } else { "" },
            if prompt.edited { " · edited: these are its last words" } else { "" },
        )?;
        writeln!(out, "<blockquote>{}</blockquote>\n<ul>", Marked(prompt))?;
        for reason in &prompt.reasons {
            writeln!(out, "<li>{}</li>", Safe(reason))?;
        }
        let rules: Vec<String> =
            prompt.rules.iter().map(|rule| format!("<code>{}</code>", Safe(rule))).collect();
        writeln!(out, "</ul>\n<p class=\"soft\">Rules: {}</p>", rules.join(", "))?;
        match self.workspace_url {
            Some(url) => {
                let link = permalink(url, &channel.id, &prompt.ts, prompt.thread.as_ref());
                writeln!(out, "<p><a href=\"{}\">The message in Slack</a></p>", Safe(&link))?;
            }
            None => writeln!(
                out,
                "<p class=\"soft\">In the export: <code>{}</code>, ts <code>{}</code></p>",
                Safe(&prompt.file),
                Safe(prompt.ts.as_str())
            )?,
        }
        writeln!(out, "</article>")
    }

    fn not_read(self, out: &mut impl Write) -> io::Result<()> {
        let not_judged = text::not_judged(self.report);
        if not_judged.is_empty() && self.report.skipped.is_empty() {
            return Ok(());
        }
        writeln!(out, "<h2>Not judged</h2>")?;
        if !not_judged.is_empty() {
            writeln!(out, "<p>{}.</p>", Safe(&not_judged.join(", ")))?;
        }
        if !self.report.skipped.is_empty() {
            writeln!(out, "<p>Files that could not be read:</p>\n<ul>")?;
            for file in &self.report.skipped {
                writeln!(out, "<li>{}</li>", Safe(&text::skipped(file)))?;
            }
            writeln!(out, "</ul>")?;
        }
        Ok(())
    }
}

/// A row of the chart: a name, a bar a week, the sum.
fn bars(
    out: &mut impl Write,
    name: &str,
    kind: &str,
    weeks: &[(Week, usize)],
    most: usize,
) -> io::Result<()> {
    let sum: usize = weeks.iter().map(|(_, n)| n).sum();
    let top = weeks.iter().max_by_key(|(week, n)| (*n, std::cmp::Reverse(*week)));
    let top = top.map_or_else(String::new, |(week, n)| format!(", most in {week}: {n}"));
    let name = Safe(name);
    write!(
        out,
        "<tr><th scope=\"row\">{name}<span class=\"soft\">{kind}</span></th><td><svg viewBox=\"0 0 {} 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{name}: {}{top}\">",
        weeks.len() * 10,
        several(sum as u64, "card")
    )?;
    for (at, (week, n)) in weeks.iter().enumerate().filter(|(_, (_, n))| *n > 0) {
        // No bar so low that it can't be seen.
        let height = (n * 100 / most.max(1)).max(6);
        write!(
            out,
            "<rect x=\"{}\" y=\"{}\" width=\"8\" height=\"{height}\"><title>{week}: {n}</title></rect>",
            at * 10 + 1,
            100 - height
        )?;
    }
    let end = weeks.len() * 10;
    writeln!(
        out,
        "<line x1=\"0\" y1=\"99\" x2=\"{end}\" y2=\"99\" stroke-width=\"2\"/></svg></td><td class=\"n\">{sum}</td></tr>"
    )
}

/// The words of a message with what matched marked; where two overlap the first one counts.
struct Marked<'a>(&'a Prompt);

impl fmt::Display for Marked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, mut at) = (self.0.words.as_str(), 0);
        for span in self.0.spans.iter().filter(|span| span.rule.contains('.')) {
            let before = words.get(at..span.start);
            let (Some(before), Some(marked)) = (before, words.get(span.start..span.end)) else {
                continue;
            };
            write!(f, "{}<mark>{}</mark>", Safe(before), Safe(marked))?;
            at = span.end;
        }
        write!(f, "{}", Safe(words.get(at..).unwrap_or_default()))
    }
}
