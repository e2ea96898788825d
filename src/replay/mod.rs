//! What the bot would have said: an export through the real detector and policy, in the time of its messages.
//!
//! One thread reads, as many as there are processors judge, and the calling thread decides, in the order of the export:
//! channel by channel, each in its own time. Batches go round the judging threads in turn, so their order needs no
//! sorting and little is in memory at once. Knows no terminal and no page.

mod channel;
mod report;

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use jiff::Timestamp;

use self::channel::Simulated;
pub use self::report::{ChannelFigures, Counts, Prompt, Report, RuleFigures};
use crate::config::Speaking;
use crate::domain::detect::{Packs, Verdict, detect};
use crate::domain::hearing::{Earlier, Heard, KEPT_MAX};
use crate::domain::knowledge::Knowledge;
pub use crate::slack::decode::permalink;
use crate::slack::export::{Channel, DayFile, Said};
pub use crate::slack::export::{Export, Skipped};

/// Messages that are judged at once; more would only take memory.
const BATCH: usize = 256;
/// Batches that wait for each judging thread.
const WAITING: usize = 4;

/// A run of messages of one channel.
struct Batch {
    channel: usize,
    /// The file they stand in.
    file: String,
    /// The few messages before them.
    before: Vec<Heard>,
    messages: Vec<Said>,
    /// What their day holds besides and how long it was; with its first batch only.
    counts: Counts,
    bytes: u64,
}

/// A batch with a verdict on each message; ordinary ones need none.
struct Judged {
    batch: Batch,
    verdicts: Vec<Option<Verdict>>,
}

/// Replays an export. Tells each prompt as it is decided, and how many bytes of [`Export::bytes`] are done.
pub fn run(
    export: Export,
    knowledge: &Knowledge,
    settings: &Speaking,
    mut said: impl FnMut(&Prompt, &ChannelFigures),
    mut done: impl FnMut(u64),
) -> Report {
    let channels = export.channels.clone();
    let mut report = Report::of(&channels, export.left_out, settings);
    let judges = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let (mut to_judges, mut from_judges) = (Vec::new(), Vec::new());
        for _ in 0..judges {
            let (to, batches) = sync_channel(WAITING);
            let (judged, from) = sync_channel(WAITING);
            scope.spawn(move || judge(&knowledge.packs, &batches, &judged));
            to_judges.push(to);
            from_judges.push(from);
        }
        let reader = scope.spawn(move || read(export, &to_judges));
        let mut simulated: Option<Simulated<'_>> = None;
        for Judged { batch, verdicts } in
            from_judges.iter().cycle().map_while(|from| from.recv().ok())
        {
            let number = batch.channel;
            if simulated.as_ref().is_none_or(|s| s.number != number) {
                if let Some(before) = simulated.take() {
                    before.finish(&mut report, &mut said);
                }
                simulated = Some(Simulated::new(number, &channels[number], knowledge, settings));
            }
            report.count(number, &batch.counts, &batch.messages);
            if let Some(channel) = &mut simulated {
                for (message, verdict) in batch.messages.into_iter().zip(verdicts) {
                    channel.hear(&message, &batch.file, verdict, &mut report, &mut said);
                }
            }
            done(batch.bytes);
        }
        if let Some(last) = simulated {
            last.finish(&mut report, &mut said);
        }
        report.skipped = reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    report
}

/// Reads the days one by one and hands out their messages; returns what could not be read.
fn read(mut export: Export, judges: &[SyncSender<Batch>]) -> Vec<Skipped> {
    let mut turn = judges.iter().cycle();
    for channel in 0..export.channels.len() {
        let mut tail = Tail::default();
        while let Some(day) = export.next_day(channel) {
            for batch in tail.batches(channel, day) {
                if turn.next().is_none_or(|judge| judge.send(batch).is_err()) {
                    return export.skipped;
                }
            }
        }
    }
    export.skipped
}

/// The end of what was read of a channel.
#[derive(Default)]
struct Tail {
    messages: Vec<Heard>,
    now: Option<Timestamp>,
}

impl Tail {
    /// Cuts a day into batches; one without messages is a batch too, for its counts.
    fn batches(&mut self, channel: usize, day: DayFile) -> Vec<Batch> {
        let DayFile { file, bytes, mut day } = day;
        for message in &mut day.messages {
            // What a tool wrote into the wrong day is heard when it is read: time does not go back.
            message.at = self.now.map_or(message.at, |now| message.at.max(now));
            self.now = Some(message.at);
        }
        let mut counts = Counts::of(&day);
        let mut batches = Vec::new();
        let mut rest = day.messages.into_iter();
        loop {
            let messages: Vec<Said> = rest.by_ref().take(BATCH).collect();
            if messages.is_empty() && !batches.is_empty() {
                return batches;
            }
            let before = self.messages.clone();
            self.messages.extend(messages.iter().rev().take(KEPT_MAX).rev().map(kept));
            self.messages.drain(..self.messages.len().saturating_sub(KEPT_MAX));
            batches.push(Batch {
                channel,
                file: file.clone(),
                before,
                messages,
                counts: std::mem::take(&mut counts),
                bytes: if batches.is_empty() { bytes } else { 0 },
            });
        }
    }
}

fn judge(packs: &Packs, batches: &Receiver<Batch>, judged: &SyncSender<Judged>) {
    for batch in batches {
        let mut earlier = Earlier::default();
        for heard in &batch.before {
            earlier.add(heard.clone());
        }
        let verdict = |message: &Said| {
            let context = earlier.before(&message.ts, message.thread.as_ref(), message.at);
            let verdict = detect(packs, &message.text, &context);
            earlier.add(kept(message));
            Some(verdict).filter(|verdict| verdict.proposal)
        };
        let verdicts = batch.messages.iter().map(verdict).collect();
        if judged.send(Judged { batch, verdicts }).is_err() {
            return;
        }
    }
}

fn kept(message: &Said) -> Heard {
    Heard::new(message.at, &message.ts, message.thread.as_ref(), &message.author, &message.text)
}

/// Whether a channel would be an incident's.
fn is_incident(channel: &Channel, settings: &Speaking) -> bool {
    settings.incidents.matches(&channel.name)
}
