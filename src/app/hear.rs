//! Messages: hearing a proposal, collecting evidence in its thread, following edits and deletions.

use std::time::Instant;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::gone::deletion;
use super::happen::{By, change};
use super::incident::Told;
use super::ports::{Change, Committed, NewJob, StoreError, Work};
use super::{Answer, App, Cause};
use crate::domain::WorkspaceId;
use crate::domain::detect::{Verdict, detect};
use crate::domain::evidence::{EvidenceKind, Finding, Source, recognise_on, redact};
use crate::domain::hearing::words;
use crate::domain::investigation::{Beginning, Case, Evidence, Happening, Origin, cut, heard};
use crate::domain::message::{File, Message, time_of};
use crate::domain::policy::{self, Silence};

/// An edit makes a proposal of a message only as long as it is fresh.
const EDIT_HEARD_FOR: SignedDuration = SignedDuration::from_mins(60);
/// A larger file is not read at all.
const FILE_SIZE_MAX: u64 = 4 * 1024 * 1024;
/// How much of an evidence text is kept, in characters.
const EXCERPT_CHARS_MAX: usize = 300;

impl App {
    pub(super) async fn written(
        &self,
        cause: Cause<'_>,
        message: Message,
    ) -> Result<Answer, StoreError> {
        let now = self.now();
        self.recent.add(cause.workspace, &message, now);
        self.stay_silent_if_asked(cause.workspace, &message).await?;
        let case = if message.thread.is_some() || message.mention {
            self.store
                .case_in_thread(cause.workspace, &message.place.channel, message.root())
                .await?
        } else {
            None
        };
        self.notice_privacy(cause.workspace, &message, case.as_ref()).await?;
        if let Some(case) = case {
            return self.said_in_thread(cause, case, &message).await;
        }
        if self.judge(cause, &message).await?
            || self.evidence_in_incident(cause, &message).await?
            || !message.mention
        {
            return Ok(Answer::Nothing);
        }
        if self.first_time(cause).await? {
            return Ok(Answer::Private(vec![self.wording("en").line("mention_help", &[])]));
        }
        Ok(Answer::Nothing)
    }

    /// Judges a message; a proposal worth speaking to becomes a waiting case. Tells whether it was one.
    async fn judge(&self, cause: Cause<'_>, message: &Message) -> Result<bool, StoreError> {
        let now = self.now();
        let Some((said, verdict)) = self.proposal(cause.workspace, message) else {
            return Ok(false);
        };
        let topic = policy::topic(&verdict, &said);
        let channel = self.store.channel(cause.workspace, &message.place.channel).await?;
        // After the channel: whoever decides on a prompt in between changes its revision, and this change is refused.
        let prompts = self.store.prompts(cause.workspace, &message.place.channel, now).await?;
        let (external, limits) = (message.place.external, &self.limits);
        let allowed = policy::channel_allows(&channel, &prompts, external, &topic, limits, now);
        if let Err(why) = allowed {
            count_silence(why);
            return self.silenced(cause, message, why).await;
        }
        let (place, root) = (&message.place, message.root());
        if self.store.case_in_thread(cause.workspace, &place.channel, root).await?.is_some() {
            return Ok(true);
        }
        // Its thread may be that of a card which is being posted; no case begins under our own words.
        if message.answers_us {
            return Ok(false);
        }
        let beginning = Beginning {
            workspace: cause.workspace.clone(),
            channel: place.channel.clone(),
            private: place.private,
            root: Some(root.clone()),
            message: Some(message.ts.clone()),
            author: message.author.clone(),
            origin: Origin::Heard,
            said,
            verdict,
            topic,
            evidence: self.evidence_in(message),
        };
        let case = self.begin(beginning).await?;
        let files = self.files_to_read(&case, message);
        let mut change = change(case, &heard(self.when_to_speak(now)), now);
        change.jobs.extend(files);
        change.event = Some(cause.event());
        change.unless = Some(deletion(message));
        change.channel = Some((cause.workspace.clone(), message.place.channel.clone(), channel));
        if self.save(change).await? == Committed::Applied {
            metrics::counter!("secondlook_proposals_heard_total").increment(1);
        }
        Ok(true)
    }

    /// When a proposal heard now may be answered.
    fn when_to_speak(&self, now: Timestamp) -> Timestamp {
        policy::when_to_speak(now, self.limits.quiet_period, self.quiet_hours.as_ref())
    }

    /// The words of a proposal worth speaking to, and the verdict on them.
    pub(super) fn proposal(
        &self,
        workspace: &WorkspaceId,
        message: &Message,
    ) -> Option<(String, Verdict)> {
        let earlier = self.recent.of(workspace, &message.place.channel);
        let context = earlier.before(&message.ts, message.thread.as_ref(), self.now());
        let started = Instant::now();
        let verdict = detect(&self.knowledge.packs, &message.text, &context);
        metrics::histogram!("secondlook_detect_seconds").record(started.elapsed());
        match policy::worth_speaking(&verdict) {
            Ok(()) => Some(words(&self.knowledge, &message.readable, verdict)),
            Err(why) => {
                count_silence(why);
                None
            }
        }
    }

    /// What a proposal that gets no card leads to; tells whether that was something.
    async fn silenced(
        &self,
        cause: Cause<'_>,
        message: &Message,
        why: Silence,
    ) -> Result<bool, StoreError> {
        let channel = &message.place.channel;
        if why == Silence::Incident
            && let Some(case) = self.incident_here(cause.workspace, channel).await?
        {
            return self.said_in_incident(cause, case, message, Told::New).await.map(|()| true);
        }
        if why == Silence::NotThere {
            // We hear it, so we may be back: the worker looks.
            let (event, jobs) = (Some(cause.event()), vec![self.look(channel)]);
            self.save(Change { event, jobs, ..Change::default() }).await?;
        }
        Ok(false)
    }

    /// A new case, under a number of its own.
    pub(super) async fn begin(&self, beginning: Beginning) -> Result<Case, StoreError> {
        let number = self.store.new_case_number(&beginning.workspace).await?;
        Ok(Case::begin(number, beginning, self.now()))
    }

    async fn said_in_thread(
        &self,
        cause: Cause<'_>,
        case: Case,
        message: &Message,
    ) -> Result<Answer, StoreError> {
        if case.origin == Origin::Incident && case.listens() {
            self.said_in_incident(cause, case, message, Told::New).await?;
            return Ok(Answer::Nothing);
        }
        let own = Some(&message.ts) == case.message.as_ref();
        // It may be known already: a message that mentions the bot comes twice, and threads are read on their own.
        if own || !case.listens() || case.has_evidence_from(&message.ts) {
            return Ok(Answer::Nothing);
        }
        let evidence = self.evidence_in(message);
        if evidence.is_empty() && message.files.is_empty() {
            return Ok(Answer::Nothing);
        }
        let posted = vec![Happening::Posted(evidence)];
        self.happen_all(By::Event(cause), case, posted, &[message]).await?;
        Ok(Answer::Nothing)
    }

    /// The evidence in a message's text, each piece without its secrets.
    pub(super) fn evidence_in(&self, message: &Message) -> Vec<Evidence> {
        let found = self.recognise(Source::Text(&message.text), time_of(&message.ts));
        found
            .iter()
            .map(|finding| Evidence {
                by: Some(message.author.clone()),
                at: time_of(&message.ts),
                message: Some(message.ts.clone()),
                permalink: Some(message.permalink.clone()),
                ..self.evidence(finding, &message.text)
            })
            .collect()
    }

    /// What a text shows, read on the day it was posted: a certificate that ended yesterday had ended then.
    pub(super) fn recognise(&self, source: Source<'_>, at: Timestamp) -> Vec<Finding> {
        let day = at.to_zoned(TimeZone::UTC).date();
        recognise_on(&self.knowledge.recognisers, source, Some(day))
    }

    /// A piece of evidence with its excerpt; whose it is and where it stands is the caller's to say.
    pub(super) fn evidence(&self, finding: &Finding, text: &str) -> Evidence {
        let piece = text.get(finding.span.0..finding.span.1).unwrap_or_default();
        let piece: String = piece.chars().take(4 * EXCERPT_CHARS_MAX).collect();
        let excerpt = match finding.kind {
            EvidenceKind::Link => None,
            _ => Some(redact(&self.knowledge.recognisers, &piece).text),
        };
        Evidence {
            kind: finding.kind,
            by: None,
            at: self.now(),
            message: None,
            file: None,
            permalink: None,
            excerpt: excerpt.map(|text| cut(&text, EXCERPT_CHARS_MAX)),
            reading: finding.reading.clone(),
        }
    }

    /// Files are read later, by the worker: fetching takes longer than an acknowledgement may.
    pub(super) fn files_to_read(&self, case: &Case, message: &Message) -> Vec<NewJob> {
        if !case.listens() {
            return Vec::new();
        }
        let readable = |file: &&File| file.text && file.size <= FILE_SIZE_MAX;
        let job = |file: &File| NewJob {
            work: Work::ReadFile {
                case: case.number,
                file: file.id.clone(),
                name: file.name.clone(),
                url: file.url.clone(),
                message: message.ts.clone(),
                permalink: message.permalink.clone(),
                by: message.author.clone(),
            },
            run_at: self.now(),
        };
        message.files.iter().filter(readable).map(job).collect()
    }

    pub(super) async fn edited(
        &self,
        cause: Cause<'_>,
        message: Message,
    ) -> Result<Answer, StoreError> {
        let channel = &message.place.channel;
        let case = self.store.case_in_thread(cause.workspace, channel, message.root()).await?;
        let incident = match &case {
            Some(case) => Some(case.clone()).filter(|case| case.origin == Origin::Incident),
            None => self.incident_with(cause.workspace, channel, &message.ts).await?,
        };
        if let Some(incident) = incident {
            self.said_in_incident(cause, incident, &message, Told::Anew).await?;
            return Ok(Answer::Nothing);
        }
        let Some(case) = case else {
            let fresh = self.now().duration_since(time_of(&message.ts)) < EDIT_HEARD_FOR;
            return if fresh { self.written(cause, message).await } else { Ok(Answer::Nothing) };
        };
        let own = case.message.as_ref() == Some(&message.ts);
        // What went after two weeks doesn't come back by an edit.
        if own && case.said.is_empty() && !case.has_evidence_from(&message.ts) {
            return Ok(Answer::Nothing);
        }
        let reread = self.reread(&message, None);
        if !own && !self.concerns(cause, &case, &message, &reread).await? {
            return Ok(Answer::Nothing);
        }
        let mut happenings = Vec::new();
        if own {
            happenings.push(Happening::Reworded(self.proposal(cause.workspace, &message)));
        }
        happenings.push(Happening::Reread(reread));
        self.happen_all(By::Event(cause), case, happenings, &[&message]).await?;
        Ok(Answer::Nothing)
    }
}

/// Counts by rule, never by person or channel.
pub(super) fn count_silence(why: Silence) {
    metrics::counter!("secondlook_silences_total", "rule" => why.as_str()).increment(1);
}
