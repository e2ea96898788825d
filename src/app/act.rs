//! Clicks, forms and shortcuts: what people do on purpose.

use jiff::SignedDuration;

use super::happen::By;
use super::ports::{Change, StoreError};
use super::{Answer, App, Cause};
use crate::domain::detect::detect;
use crate::domain::evidence::{Source, redact};
use crate::domain::form::{
    checklist_sheet, close_form, evidence_form, open_form, read_closing, read_evidence,
    read_opening, why_sheet,
};
use crate::domain::investigation::{
    Beginning, Case, CaseNumber, Happening, Origin, Outcome, Statement,
};
use crate::domain::message::{
    Action, Click, Form, Message, Place, Shortcut, ShortcutKind, Submission, Trigger,
};
use crate::domain::policy;
use crate::domain::{ChannelId, MessageTs, UserId};

/// How long "Pause here" lasts.
const PAUSED_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

impl App {
    pub(super) async fn clicked(
        &self,
        cause: Cause<'_>,
        click: Click,
    ) -> Result<Answer, StoreError> {
        let Some(case) = self.case_here(cause, click.case, &click.channel).await? else {
            return Ok(self.private("en", "gone", &[]));
        };
        let language = case.language.clone();
        let wording = self.wording(&language);
        let (number, channel) = (case.number, case.channel.clone());
        let catalog = &self.knowledge.catalog;
        match click.action {
            Action::Why => Ok(Answer::Sheet(why_sheet(&case, wording), click.trigger)),
            Action::Checklist => {
                Ok(Answer::Sheet(checklist_sheet(&case, catalog, wording), click.trigger))
            }
            Action::NeverTopic => self.never_topic(cause, &case).await,
            Action::Pause => self.pause(cause, &case.channel, &language).await,
            _ if !case.listens() => Ok(self.private(&language, "gone", &[])),
            Action::Dismiss => {
                self.happen(By::Event(cause), case, Happening::Dismissed).await?;
                Ok(Answer::Nothing)
            }
            Action::Open => {
                let form = Form::Open { case: number, channel };
                let view = open_form(form, Some(&case.title), &case.statement, wording);
                Ok(Answer::Form(Box::new(view), click.trigger))
            }
            Action::Close => {
                let view = close_form(
                    Form::Close { case: number, channel },
                    case.origin,
                    catalog,
                    wording,
                );
                Ok(Answer::Form(Box::new(view), click.trigger))
            }
            Action::AddEvidence => {
                let view = evidence_form(Form::AddEvidence { case: number, channel }, wording);
                Ok(Answer::Form(Box::new(view), click.trigger))
            }
        }
    }

    pub(super) fn private(&self, language: &str, phrase: &str, fill: &[(&str, &str)]) -> Answer {
        Answer::Private(vec![self.wording(language).line(phrase, fill)])
    }

    async fn never_topic(&self, cause: Cause<'_>, case: &Case) -> Result<Answer, StoreError> {
        if case.topic.is_empty() {
            return Ok(self.private(&case.language, "topic_not_kept", &[]));
        }
        let mut channel = self.store.channel(cause.workspace, &case.channel).await?;
        if !channel.never.contains(&case.topic) {
            channel.never.push(case.topic.clone());
        }
        let channel = Some((cause.workspace.clone(), case.channel.clone(), channel));
        self.save(Change { event: Some(cause.event()), channel, ..Change::default() }).await?;
        Ok(self.private(&case.language, "never_set", &[]))
    }

    /// Silences the bot in a channel for a week; anyone may.
    pub(super) async fn pause(
        &self,
        cause: Cause<'_>,
        channel_id: &ChannelId,
        language: &str,
    ) -> Result<Answer, StoreError> {
        let mut channel = self.store.channel(cause.workspace, channel_id).await?;
        let until = self.now() + PAUSED_FOR;
        channel.paused_until = Some(until);
        let channel = Some((cause.workspace.clone(), channel_id.clone(), channel));
        self.save(Change { event: Some(cause.event()), channel, ..Change::default() }).await?;
        let day = until.strftime("%Y-%m-%d %H:%M UTC").to_string();
        Ok(self.private(language, "paused", &[("until", &day)]))
    }

    pub(super) async fn submitted(
        &self,
        cause: Cause<'_>,
        submission: Submission,
    ) -> Result<Answer, StoreError> {
        let answer = self.form_sent(cause, submission).await?;
        // Sent again because our answer was lost: what it asked for was done, and may be why it can't be done now.
        let refused = matches!(answer, Answer::Wrong(_));
        if refused && self.store.saw(cause.workspace, cause.key).await? {
            return Ok(Answer::Nothing);
        }
        Ok(answer)
    }

    async fn form_sent(
        &self,
        cause: Cause<'_>,
        submission: Submission,
    ) -> Result<Answer, StoreError> {
        match submission.form.clone() {
            Form::Investigate { place, root } => {
                self.investigate(cause, submission, place, root).await
            }
            Form::Open { case, channel } => {
                let Some(case) = self.case_here(cause, case, &channel).await? else {
                    return Ok(self.wrong("en", "title", "gone"));
                };
                self.open(cause, case, &submission).await
            }
            Form::Close { case, channel } => self.close(cause, case, &channel, &submission).await,
            Form::AddEvidence { case, channel } => {
                self.add_evidence(cause, case, &channel, &submission).await
            }
        }
    }

    fn wrong(&self, language: &str, field: &'static str, phrase: &str) -> Answer {
        Answer::Wrong(vec![(field, self.wording(language).words(phrase, &[]))])
    }

    async fn open(
        &self,
        cause: Cause<'_>,
        case: Case,
        submission: &Submission,
    ) -> Result<Answer, StoreError> {
        let (title, statement) = match read_opening(submission, self.wording(&case.language)) {
            Ok(opening) => opening,
            Err(wrong) => return Ok(Answer::Wrong(wrong)),
        };
        if !case.listens() {
            return Ok(self.wrong(&case.language, "title", "gone"));
        }
        let happening = Happening::Opened {
            by: submission.by.clone(),
            title: Some(self.redacted(&title)),
            statement: self.redacted_statement(statement),
        };
        self.happen(By::Event(cause), case, happening).await?;
        Ok(Answer::Nothing)
    }

    fn redacted(&self, text: &str) -> String {
        redact(&self.knowledge.recognisers, text).text
    }

    fn redacted_statement(&self, statement: Statement) -> Statement {
        let clean = |text: Option<String>| text.map(|t| self.redacted(&t));
        Statement {
            scope: clean(statement.scope),
            reproduction: clean(statement.reproduction),
            factors: clean(statement.factors),
            constraints: clean(statement.constraints),
        }
    }

    /// Opens an investigation that no card came before.
    async fn investigate(
        &self,
        cause: Cause<'_>,
        submission: Submission,
        place: Place,
        root: Option<MessageTs>,
    ) -> Result<Answer, StoreError> {
        if let Some(root) = &root
            && let Some(case) =
                self.store.case_in_thread(cause.workspace, &place.channel, root).await?
        {
            return self.open(cause, case, &submission).await;
        }
        let (title, statement) = match read_opening(&submission, self.wording("en")) {
            Ok(opening) => opening,
            Err(wrong) => return Ok(Answer::Wrong(wrong)),
        };
        let title = self.redacted(&title);
        let origin = if root.is_some() { Origin::Shortcut } else { Origin::Command };
        let asked = self.asked(cause, &place, submission.by.clone(), title.clone(), origin);
        let case = self.begin(Beginning { root: root.clone(), message: root, ..asked }).await?;
        let statement = self.redacted_statement(statement);
        let happening = Happening::Opened { by: submission.by, title: Some(title), statement };
        self.happen(By::Event(cause), case, happening).await?;
        Ok(Answer::Nothing)
    }

    /// How a case begins that a person asks for; about no message yet.
    fn asked(
        &self,
        cause: Cause<'_>,
        place: &Place,
        by: UserId,
        said: String,
        origin: Origin,
    ) -> Beginning {
        let verdict = detect(&self.knowledge.packs, &said, &[]);
        Beginning {
            workspace: cause.workspace.clone(),
            channel: place.channel.clone(),
            private: place.private,
            root: None,
            message: None,
            author: by,
            origin,
            topic: policy::topic(&verdict, &said),
            said,
            verdict,
            evidence: Vec::new(),
        }
    }

    async fn close(
        &self,
        cause: Cause<'_>,
        number: CaseNumber,
        channel: &ChannelId,
        submission: &Submission,
    ) -> Result<Answer, StoreError> {
        let Some(case) = self.visible_case(cause, number, channel).await? else {
            return Ok(self.wrong("en", "outcome", "gone"));
        };
        let closing =
            match read_closing(submission, &self.knowledge.catalog, self.wording(&case.language)) {
                Ok(closing) => closing,
                Err(wrong) => return Ok(Answer::Wrong(wrong)),
            };
        if !case.can_close() {
            return Ok(self.wrong(&case.language, "outcome", "gone"));
        }
        let outcome = Outcome {
            kind: closing.kind,
            class: closing.class,
            fixed: closing.fixed.map(|text| self.redacted(&text)),
            days: closing.days,
            by: Some(submission.by.clone()),
            at: self.now(),
            forgotten_at: None,
        };
        self.happen(By::Event(cause), case, Happening::Closed(outcome)).await?;
        Ok(Answer::Nothing)
    }

    async fn add_evidence(
        &self,
        cause: Cause<'_>,
        number: CaseNumber,
        channel: &ChannelId,
        submission: &Submission,
    ) -> Result<Answer, StoreError> {
        let Some(case) = self.case_here(cause, number, channel).await?.filter(Case::listens) else {
            return Ok(self.wrong("en", "evidence", "gone"));
        };
        let text = match read_evidence(submission, self.wording(&case.language)) {
            Ok(text) => text,
            Err(wrong) => return Ok(Answer::Wrong(wrong)),
        };
        let found = self.recognise(Source::Text(text), self.now());
        if found.is_empty() {
            return Ok(self.wrong(&case.language, "evidence", "error_unread"));
        }
        let by = Some(submission.by.clone());
        let mut evidence: Vec<_> =
            found.iter().map(|finding| self.evidence(finding, text)).collect();
        for piece in &mut evidence {
            piece.by.clone_from(&by);
        }
        self.happen(By::Event(cause), case, Happening::Posted(evidence)).await?;
        Ok(Answer::Nothing)
    }

    pub(super) async fn shortcut(
        &self,
        cause: Cause<'_>,
        shortcut: Shortcut,
    ) -> Result<Answer, StoreError> {
        let Shortcut { what, message, by, trigger } = shortcut;
        let case = self
            .store
            .case_in_thread(cause.workspace, &message.place.channel, message.root())
            .await?;
        match (what, case) {
            (ShortcutKind::OpenInvestigation, case) => {
                Ok(self.open_from_message(&message, case, trigger))
            }
            (ShortcutKind::AddAsEvidence, None) => Ok(self.private("en", "open_first", &[])),
            (ShortcutKind::AddAsEvidence, Some(case)) => {
                self.message_as_evidence(cause, case, &message).await
            }
            (ShortcutKind::AskForTrace, None) => self.ask_for_trace(cause, &message, by).await,
            (ShortcutKind::AskForTrace, Some(case)) => {
                Ok(self.private(&case.language, "asked_already", &[]))
            }
        }
    }

    fn open_from_message(&self, message: &Message, case: Option<Case>, trigger: Trigger) -> Answer {
        let view = if let Some(case) = case {
            let form = Form::Open { case: case.number, channel: case.channel.clone() };
            open_form(form, Some(&case.title), &case.statement, self.wording(&case.language))
        } else {
            let (place, root) = (message.place.clone(), Some(message.root().clone()));
            let title = self.redacted(&message.readable);
            let form = Form::Investigate { place, root };
            open_form(form, Some(&title), &Statement::default(), self.wording("en"))
        };
        Answer::Form(Box::new(view), trigger)
    }

    async fn message_as_evidence(
        &self,
        cause: Cause<'_>,
        case: Case,
        message: &Message,
    ) -> Result<Answer, StoreError> {
        let language = case.language.clone();
        let known = case.has_evidence_from(&message.ts);
        let evidence = self.evidence_in(message);
        if known || !case.listens() {
            return Ok(self.private(
                &language,
                if known { "recorded_evidence" } else { "gone" },
                &[],
            ));
        }
        if evidence.is_empty() && message.files.is_empty() {
            return Ok(self.private(&language, "error_unread", &[]));
        }
        let posted = vec![Happening::Posted(evidence)];
        self.happen_all(By::Event(cause), case, posted, &[message]).await?;
        Ok(self.private(&language, "recorded_evidence", &[]))
    }

    /// A person asks what would show it: the card comes at once, whatever the cooldowns.
    async fn ask_for_trace(
        &self,
        cause: Cause<'_>,
        message: &Message,
        by: UserId,
    ) -> Result<Answer, StoreError> {
        let said = self.redacted(&message.readable);
        let beginning = Beginning {
            root: Some(message.root().clone()),
            message: Some(message.ts.clone()),
            evidence: self.evidence_in(message),
            ..self.asked(cause, &message.place, by, said, Origin::Shortcut)
        };
        let case = self.begin(beginning).await?;
        self.happen(By::Event(cause), case, Happening::QuietPeriodOver(Ok(()))).await?;
        Ok(Answer::Nothing)
    }
}
