//! One channel in the time of its messages: decides as `app/hear.rs`, `app/asked.rs` and `app/deliver.rs` do, with the
//! same policy.

use std::collections::HashSet;

use jiff::Timestamp;

use super::report::{ChannelFigures, Prompt, Report};
use super::{is_incident, kept};
use crate::config::Speaking;
use crate::domain::MessageTs;
use crate::domain::detect::{Verdict, asks_for_evidence};
use crate::domain::hearing::{Earlier, follows, words};
use crate::domain::investigation::CaseNumber;
use crate::domain::knowledge::Knowledge;
use crate::domain::policy::{self, ChannelState, Silence, TOPIC_COOLDOWN};
use crate::slack::decode::readable;
use crate::slack::export::{Channel, Said};

/// A channel as the bot would know it.
pub(super) struct Simulated<'a> {
    /// Its place in the export.
    pub number: usize,
    channel: &'a Channel,
    knowledge: &'a Knowledge,
    settings: &'a Speaking,
    state: ChannelState,
    /// When a card was decided on, and on which topic.
    prompts: Vec<(Timestamp, String)>,
    earlier: Earlier,
    /// Threads with a case; nothing in them is judged again.
    cases: HashSet<MessageTs>,
    waiting: Vec<Waiting>,
}

/// A proposal in its quiet period.
struct Waiting {
    due: Timestamp,
    topic: String,
    prompt: Prompt,
}

impl<'a> Simulated<'a> {
    pub(super) fn new(
        number: usize,
        channel: &'a Channel,
        knowledge: &'a Knowledge,
        settings: &'a Speaking,
    ) -> Self {
        let incident = is_incident(channel, settings).then_some(CaseNumber(0));
        Self {
            number,
            channel,
            knowledge,
            settings,
            state: ChannelState { incident, ..ChannelState::default() },
            prompts: Vec::new(),
            earlier: Earlier::default(),
            cases: HashSet::new(),
            waiting: Vec::new(),
        }
    }

    /// Hears a message. `verdict` is the detector's, where it took it for a proposal.
    pub(super) fn hear(
        &mut self,
        message: &Said,
        file: &str,
        verdict: Option<Verdict>,
        report: &mut Report,
        said: &mut impl FnMut(&Prompt, &ChannelFigures),
    ) {
        self.settle(Some(message.at), report, said);
        self.earlier.add(kept(message));
        self.stay_silent_if_asked(message, report);
        let root = message.thread.as_ref().unwrap_or(&message.ts);
        if message.thread.is_some() && self.cases.contains(root) {
            return;
        }
        let Some(verdict) = verdict else { return };
        report.proposals += 1;
        match self.decide(message, file, verdict) {
            Err(why) => report.silenced(why),
            Ok((topic, prompt)) => {
                self.cases.insert(root.clone());
                self.prompts.retain(|(at, _)| message.at.duration_since(*at) < TOPIC_COOLDOWN);
                self.prompts.push((message.at, topic.clone()));
                let (quiet, hours) =
                    (self.settings.limits.quiet_period, self.settings.quiet_hours.as_ref());
                let due = policy::when_to_speak(message.at, quiet, hours);
                self.waiting.push(Waiting { due, topic, prompt });
            }
        }
    }

    /// Whether a proposal becomes a case, on which topic. The one place that asks the policy about a message.
    fn decide(
        &self,
        message: &Said,
        file: &str,
        verdict: Verdict,
    ) -> Result<(String, Prompt), Silence> {
        policy::worth_speaking(&verdict)?;
        let (said, again) = words(self.knowledge, &readable(&message.text), verdict.clone());
        let topic = policy::topic(&again, &said);
        let (limits, external) = (&self.settings.limits, self.channel.external);
        let (state, prompts) = (&self.state, &self.prompts);
        policy::channel_allows(state, prompts, external, &topic, limits, message.at)?;
        let prompt = Prompt::of(self.number, message, file, verdict, &said, again.spans);
        Ok((topic, prompt))
    }

    /// A message that asks for evidence silences what waits in the channel, if it is another person's.
    fn stay_silent_if_asked(&mut self, message: &Said, report: &mut Report) {
        let answered = |waiting: &Waiting| {
            let Prompt { ts, author, .. } = &waiting.prompt;
            follows(ts, Some(author), &message.ts, &message.author)
        };
        if !self.waiting.iter().any(answered)
            || !asks_for_evidence(&self.knowledge.packs, &message.text)
        {
            return;
        }
        while let Some(at) = self.waiting.iter().position(answered) {
            self.silence(at, Silence::SomeoneAsked, report);
        }
    }

    fn silence(&mut self, waiting: usize, why: Silence, report: &mut Report) {
        let gone = self.waiting.remove(waiting);
        if let Some(at) = self.prompts.iter().rposition(|(_, topic)| *topic == gone.topic) {
            self.prompts.remove(at);
        }
        report.silenced(why);
    }

    /// Ends the quiet periods that are over; all of them when no time is given.
    fn settle(
        &mut self,
        now: Option<Timestamp>,
        report: &mut Report,
        said: &mut impl FnMut(&Prompt, &ChannelFigures),
    ) {
        while let Some(next) = self.waiting.first().filter(|w| now.is_none_or(|now| w.due <= now)) {
            let Prompt { ts, thread, author, at: heard, .. } = &next.prompt;
            // A question of just now that came before the proposal, but after its thread began, is heeded here.
            let (packs, root) = (&self.knowledge.packs, thread.as_ref().unwrap_or(ts));
            let asked = self.earlier.someone_asked(packs, root, Some(author), next.due);
            let allowed = if asked {
                Err(Silence::SomeoneAsked)
            } else {
                policy::still_allows(&self.state, &next.topic, next.due)
                    .and_then(|()| policy::in_time(*heard, next.due))
            };
            match allowed {
                Err(why) => self.silence(0, why, report),
                Ok(()) => report.prompted(self.waiting.remove(0).prompt, said),
            }
        }
    }

    /// The export ends here: who waits is answered.
    pub(super) fn finish(
        mut self,
        report: &mut Report,
        said: &mut impl FnMut(&Prompt, &ChannelFigures),
    ) {
        self.settle(None, report, said);
    }
}
