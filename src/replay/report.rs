//! What a replay found, in numbers and prompts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::is_incident;
use crate::config::Speaking;
use crate::domain::detect::{Span, Verdict};
use crate::domain::policy::Silence;
use crate::domain::{ChannelId, Door, Kind, MessageTs, UserId};
use crate::slack::export::{Channel, Day, LeftOut, Said, Skipped};

/// How much of a message is kept to be shown.
const WORDS_CHARS_MAX: usize = 1_000;

/// Everything a replay found.
#[derive(Debug)]
pub struct Report {
    /// The channels, in the order of the export.
    pub channels: Vec<ChannelFigures>,
    /// What the days hold.
    pub counts: Counts,
    /// The time of the first message and of the last.
    pub period: Option<(Timestamp, Timestamp)>,
    /// Messages the detector took for a proposal, outside of threads that had a card.
    pub proposals: u64,
    /// Why proposals got no card.
    pub silences: BTreeMap<Silence, u64>,
    /// The cards, in the order of the channels and of time.
    pub prompts: Vec<Prompt>,
    /// Conversations that were not replayed.
    pub left_out: LeftOut,
    /// What could not be read.
    pub skipped: Vec<Skipped>,
}

/// A channel in numbers.
#[derive(Debug)]
pub struct ChannelFigures {
    /// Its id.
    pub id: ChannelId,
    /// Its name, without `#`.
    pub name: String,
    /// Whether only invited people could read it.
    pub private: bool,
    /// Whether people of another company read it too.
    pub external: bool,
    /// Whether its name means an incident.
    pub incident: bool,
    /// What people wrote in it.
    pub messages: u64,
    /// Cards it would have got.
    pub prompts: u64,
}

/// What days hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages by people: these were judged.
    pub messages: u64,
    /// Messages by bots and apps.
    pub by_bots: u64,
    /// Joins, topics and the like.
    pub events: u64,
    /// Deleted messages.
    pub deleted: u64,
    /// Messages without a time.
    pub unreadable: u64,
}

/// A card the bot would have shown.
#[derive(Debug)]
pub struct Prompt {
    /// The channel, by its place in [`Report::channels`].
    pub channel: usize,
    /// The message it answers.
    pub ts: MessageTs,
    /// The thread it stands in.
    pub thread: Option<MessageTs>,
    /// Who wrote the message.
    pub author: UserId,
    /// When.
    pub at: Timestamp,
    /// The file of the export it stands in.
    pub file: String,
    /// Its words, readable, without secrets.
    pub words: String,
    /// What is marked in them.
    pub spans: Vec<Span>,
    /// Why it was taken for a proposal.
    pub reasons: Vec<String>,
    /// How sure the detector is.
    pub confidence: f64,
    /// What the proposal would change.
    pub kind: Kind,
    /// How hard that is to undo.
    pub door: Door,
    /// The rules of the phrase pack that matched; the leading one first.
    pub rules: Vec<String>,
    /// Whether the message was changed later: the words shown are the last ones.
    pub edited: bool,
}

/// A rule in numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct RuleFigures {
    /// Its name in the phrase pack.
    pub rule: String,
    /// Cards it matched in.
    pub matched: usize,
    /// Cards it leads.
    pub leads: usize,
}

impl Counts {
    pub(super) fn of(day: &Day) -> Self {
        Self {
            messages: day.messages.len() as u64,
            by_bots: day.by_bots,
            events: day.events,
            deleted: day.deleted,
            unreadable: day.unreadable,
        }
    }
}

impl Prompt {
    pub(super) fn of(
        channel: usize,
        message: &Said,
        file: &str,
        verdict: Verdict,
        words: &str,
        spans: Vec<Span>,
    ) -> Self {
        let end = words.char_indices().nth(WORDS_CHARS_MAX).map_or(words.len(), |(end, _)| end);
        Self {
            channel,
            ts: message.ts.clone(),
            thread: message.thread.clone(),
            author: message.author.clone(),
            at: message.at,
            file: file.to_owned(),
            words: words[..end].to_owned() + if end < words.len() { "…" } else { "" },
            spans: spans.into_iter().filter(|span| span.end <= end).collect(),
            rules: rules(&verdict),
            reasons: verdict.reasons,
            confidence: verdict.confidence,
            kind: verdict.kind,
            door: verdict.door,
            edited: message.edited,
        }
    }

    /// The rule that leads: the change it names, or else how it proposes.
    pub fn rule(&self) -> &str {
        self.rules.first().map_or("none", String::as_str)
    }
}

/// The rules of the phrase pack behind a verdict, each once; the verb's first, since it names the change.
fn rules(verdict: &Verdict) -> Vec<String> {
    let mut rules: Vec<String> = Vec::new();
    for span in verdict.spans.iter().filter(|span| span.rule.contains('.')) {
        if !rules.contains(&span.rule) {
            rules.push(span.rule.clone());
        }
    }
    rules.sort_by_key(|rule| !rule.starts_with("verb."));
    rules
}

impl Report {
    pub(super) fn of(channels: &[Channel], left_out: LeftOut, settings: &Speaking) -> Self {
        let figures = |channel: &Channel| ChannelFigures {
            id: channel.id.clone(),
            name: channel.name.clone(),
            private: channel.private,
            external: channel.external,
            incident: is_incident(channel, settings),
            messages: 0,
            prompts: 0,
        };
        Self {
            channels: channels.iter().map(figures).collect(),
            counts: Counts::default(),
            period: None,
            proposals: 0,
            silences: BTreeMap::new(),
            prompts: Vec::new(),
            left_out,
            skipped: Vec::new(),
        }
    }

    pub(super) fn count(&mut self, channel: usize, counts: &Counts, messages: &[Said]) {
        self.channels[channel].messages += counts.messages;
        self.counts.messages += counts.messages;
        self.counts.by_bots += counts.by_bots;
        self.counts.events += counts.events;
        self.counts.deleted += counts.deleted;
        self.counts.unreadable += counts.unreadable;
        if let (Some(first), Some(last)) = (messages.first(), messages.last()) {
            let (from, to) = self.period.unwrap_or((first.at, last.at));
            self.period = Some((from.min(first.at), to.max(last.at)));
        }
    }

    pub(super) fn silenced(&mut self, why: Silence) {
        *self.silences.entry(why).or_default() += 1;
    }

    pub(super) fn prompted(
        &mut self,
        prompt: Prompt,
        said: &mut impl FnMut(&Prompt, &ChannelFigures),
    ) {
        let channel = &mut self.channels[prompt.channel];
        channel.prompts += 1;
        said(&prompt, channel);
        self.prompts.push(prompt);
    }

    /// How often each rule matched, the most frequent first.
    pub fn rules(&self) -> Vec<RuleFigures> {
        let mut figures: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for prompt in &self.prompts {
            for rule in &prompt.rules {
                let (matched, leads) = figures.entry(rule).or_default();
                *matched += 1;
                *leads += usize::from(rule == prompt.rule());
            }
        }
        let mut rules: Vec<RuleFigures> = figures
            .into_iter()
            .map(|(rule, (matched, leads))| RuleFigures { rule: rule.to_owned(), matched, leads })
            .collect();
        rules.sort_by(|a, b| b.matched.cmp(&a.matched).then_with(|| a.rule.cmp(&b.rule)));
        rules
    }

    /// The prompts by their confidence, the surest first.
    pub fn strongest(&self) -> Vec<&Prompt> {
        let mut prompts: Vec<&Prompt> = self.prompts.iter().collect();
        prompts.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
        prompts
    }
}
