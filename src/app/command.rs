//! `/investigate …`: each answer is private.

use super::ports::{Change, StoreError};
use super::{Answer, App, Cause};
use crate::domain::card::{
    name, outcome_line, outcome_name, reading_line, title, without_evidence,
};
use crate::domain::diagnose::Pack;
use crate::domain::evidence::redact;
use crate::domain::form::{close_form, open_form};
use crate::domain::investigation::{Case, CaseNumber, Statement, cut};
use crate::domain::message::{Command, Form};
use crate::domain::policy::Mode;
use crate::domain::wording::{Line, Piece, Wording};

/// Most cases a list shows.
const LISTED_MAX: u32 = 20;

/// What the text after the command asks for.
#[derive(Debug, PartialEq, Eq)]
enum Asked<'t> {
    Open(&'t str),
    Help,
    List,
    Show(Option<CaseNumber>),
    Close(Option<CaseNumber>),
    Pause,
    Resume,
    Settings(Option<Mode>),
    Questions(&'t str),
    Digest,
    Unknown(&'t str),
}

/// Reads the text. One unknown word is a slip of the finger, several are a problem to look at.
fn read(text: &str) -> Asked<'_> {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let number = || rest.trim_start_matches('#').parse().ok().map(CaseNumber);
    match (word.to_lowercase().as_str(), rest) {
        ("", _) => Asked::Open(""),
        ("open", rest) => Asked::Open(rest),
        ("help" | "?", "") => Asked::Help,
        ("list", "") => Asked::List,
        ("digest", "") => Asked::Digest,
        ("pause", "") => Asked::Pause,
        ("resume", "") => Asked::Resume,
        ("questions", rest) => Asked::Questions(rest),
        ("settings", "") => Asked::Settings(None),
        ("settings", rest) => {
            match rest.strip_prefix("mode ").and_then(|mode| Mode::parse(mode.trim())) {
                Some(mode) => Asked::Settings(Some(mode)),
                None => Asked::Settings(None),
            }
        }
        ("show", _) if rest.is_empty() || number().is_some() => Asked::Show(number()),
        ("close", _) if rest.is_empty() || number().is_some() => Asked::Close(number()),
        (_, "") => Asked::Unknown(word),
        _ => Asked::Open(text),
    }
}

impl App {
    pub(super) async fn commanded(
        &self,
        cause: Cause<'_>,
        command: &Command,
    ) -> Result<Answer, StoreError> {
        let (wording, channel) = (self.wording("en"), &command.place.channel);
        let word =
            |phrase: &str, key: &str, value: &str| Ok(self.private("en", phrase, &[(key, value)]));
        match read(&command.text) {
            Asked::Open(text) => Ok(self.open_by_command(command, text, wording)),
            Asked::Help => Ok(Answer::Private(help(wording))),
            Asked::List => self.list(cause, command, wording).await,
            Asked::Show(None) => word("number_missing", "command", "show"),
            Asked::Close(None) => word("number_missing", "command", "close"),
            Asked::Show(Some(number)) => match self.visible_case(cause, number, channel).await? {
                Some(case) => Ok(Answer::Private(self.shown(&case))),
                None => word("no_such_case", "number", &number.to_string()),
            },
            Asked::Close(Some(number)) => match self.visible_case(cause, number, channel).await? {
                Some(case) => Ok(self.close_by_command(&case, command)),
                None => word("no_such_case", "number", &number.to_string()),
            },
            Asked::Pause => self.pause(cause, channel, "en").await,
            Asked::Resume => self.resume(cause, command).await,
            Asked::Questions(pack) => Ok(Answer::Private(self.questions(pack, wording))),
            Asked::Settings(mode) => self.settings(cause, command, mode).await,
            Asked::Digest => self.digest_so_far(cause.workspace, channel).await,
            Asked::Unknown(unknown) => word("unknown_command", "word", &cut(unknown, 60)),
        }
    }

    fn open_by_command(&self, command: &Command, text: &str, wording: &Wording) -> Answer {
        let form = Form::Investigate { place: command.place.clone(), root: None };
        let title = redact(&self.knowledge.recognisers, text).text;
        let title = Some(title.as_str()).filter(|t| !t.is_empty());
        Answer::Form(
            Box::new(open_form(form, title, &Statement::default(), wording)),
            command.trigger.clone(),
        )
    }

    fn close_by_command(&self, case: &Case, command: &Command) -> Answer {
        let number = case.number.to_string();
        let wording = self.wording(&case.language);
        if case.can_close() {
            let form = Form::Close { case: case.number, channel: command.place.channel.clone() };
            let view = close_form(form, case.origin, &self.knowledge.catalog, wording);
            return Answer::Form(Box::new(view), command.trigger.clone());
        }
        let Some(outcome) = &case.outcome else {
            return self.private(&case.language, "cannot_close", &[("number", &number)]);
        };
        let outcome = outcome_name(outcome.kind, case.origin, wording);
        let fill = [("number", number.as_str()), ("outcome", &outcome)];
        self.private(&case.language, "already_closed", &fill)
    }

    async fn list(
        &self,
        cause: Cause<'_>,
        command: &Command,
        wording: &Wording,
    ) -> Result<Answer, StoreError> {
        let (channel, limit) = (&command.place.channel, LISTED_MAX + 1);
        let mut cases = self.store.investigations(cause.workspace, channel, limit).await?;
        if cases.is_empty() {
            return Ok(self.private("en", "list_empty", &[]));
        }
        let more = cases.len() > LISTED_MAX as usize;
        cases.truncate(LISTED_MAX as usize);
        let mut lines = vec![wording.line("list_head", &[])];
        for case in &cases {
            let (number, state) = (case.number.to_string(), self.state_words(case));
            let fill =
                [("number", number.as_str()), ("state", &state), ("title", &title(case, wording))];
            lines.push(wording.line("list_line", &fill));
        }
        if more {
            lines.push(wording.line("list_more", &[]));
        }
        Ok(Answer::Private(lines))
    }

    /// `open`, or how it ended.
    fn state_words(&self, case: &Case) -> String {
        let wording = self.wording("en");
        match &case.outcome {
            Some(outcome) => outcome_name(outcome.kind, case.origin, wording),
            None => wording.words("state_open", &[]),
        }
    }

    fn shown(&self, case: &Case) -> Vec<Line> {
        let (wording, catalog) = (self.wording("en"), &self.knowledge.catalog);
        let (number, state) = (case.number.to_string(), self.state_words(case));
        let head =
            [("number", number.as_str()), ("state", &state), ("title", &title(case, wording))];
        let mut lines = vec![wording.line("show_head", &head)];
        if let Some(problem) = &case.problem {
            lines.push(wording.line("known_problem", &[("problem", problem)]));
        }
        let statement = &case.statement;
        for (field, text) in [
            ("field_scope", &statement.scope),
            ("field_reproduction", &statement.reproduction),
            ("field_factors", &statement.factors),
            ("field_constraints", &statement.constraints),
        ] {
            if let Some(text) = text {
                let fill = [("name", wording.words(field, &[])), ("text", cut(text, 300))];
                lines.push(
                    wording.line("show_statement", &fill.each_ref().map(|(k, v)| (*k, v.as_str()))),
                );
            }
        }
        for evidence in &case.evidence {
            lines.push(evidence_line(evidence, wording));
            lines.extend(
                evidence.reading.as_ref().map(|reading| reading_line(reading, catalog, wording)),
            );
        }
        if case.evidence.is_empty() {
            lines.push(without_evidence(case, "evidence_none", wording));
        }
        for parked in &case.parked {
            lines.push(wording.line("show_parked", &[("said", &cut(&parked.said, 300))]));
        }
        if let Some(outcome) = &case.outcome {
            lines.push(outcome_line("closed", case, outcome, catalog, wording));
        }
        lines
    }

    /// The packs of trade-off questions, or one of them.
    fn questions(&self, id: &str, wording: &Wording) -> Vec<Line> {
        let packs = self.knowledge.catalog.questions(wording.language());
        let Some(pack) = packs.iter().find(|pack| pack.id == id.to_lowercase()) else {
            let each = |pack: &Pack| {
                wording.line("questions_pack", &[("id", &pack.id), ("title", &pack.title)])
            };
            let head = wording.line("questions_head", &[]);
            return std::iter::once(head).chain(packs.iter().map(each)).collect();
        };
        let head = wording.line("questions_title", &[("title", &pack.title)]);
        let each = |question: &String| wording.line("questions_line", &[("question", question)]);
        std::iter::once(head).chain(pack.questions.iter().map(each)).collect()
    }

    async fn resume(&self, cause: Cause<'_>, command: &Command) -> Result<Answer, StoreError> {
        let mut channel = self.store.channel(cause.workspace, &command.place.channel).await?;
        channel.paused_until = None;
        let channel = Some((cause.workspace.clone(), command.place.channel.clone(), channel));
        self.save(Change { event: Some(cause.event()), channel, ..Change::default() }).await?;
        Ok(self.private("en", "resumed", &[]))
    }

    async fn settings(
        &self,
        cause: Cause<'_>,
        command: &Command,
        mode: Option<Mode>,
    ) -> Result<Answer, StoreError> {
        let mut channel = self.store.channel(cause.workspace, &command.place.channel).await?;
        if let Some(mode) = mode {
            channel.mode = mode;
            let channel =
                Some((cause.workspace.clone(), command.place.channel.clone(), channel.clone()));
            self.save(Change { event: Some(cause.event()), channel, ..Change::default() }).await?;
        }
        let wording = self.wording("en");
        let meaning = wording.words(&format!("mode_{}", channel.mode), &[]);
        let mut lines = vec![
            wording
                .line("settings_mode", &[("mode", channel.mode.as_str()), ("meaning", &meaning)]),
        ];
        if let Some(until) = channel.paused_until.filter(|until| *until > self.now()) {
            let until = until.strftime("%Y-%m-%d %H:%M UTC").to_string();
            lines.push(wording.line("paused", &[("until", &until)]));
        }
        lines.push(wording.line("settings_change", &[]));
        Ok(Answer::Private(lines))
    }
}

/// One piece of evidence with the link to where it stands.
fn evidence_line(evidence: &crate::domain::investigation::Evidence, wording: &Wording) -> Line {
    let (kind, at) =
        (name(evidence.kind, wording), evidence.at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let mut line = wording.line("show_evidence", &[("kind", &kind), ("at", &at)]);
    if let Some(url) = &evidence.permalink {
        line.push(Piece::Text(" · ".to_owned()));
        line.push(Piece::Link { url: url.clone(), label: wording.words("show_link", &[]) });
    }
    line
}

fn help(wording: &Wording) -> Vec<Line> {
    [
        "help_intro",
        "help_open",
        "help_list",
        "help_show",
        "help_close",
        "help_digest",
        "help_pause",
        "help_questions",
        "help_settings",
        "help_privacy",
    ]
    .iter()
    .map(|phrase| wording.line(phrase, &[]))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_follows_the_command() {
        for (text, asked) in [
            ("", Asked::Open("")),
            ("  ", Asked::Open("")),
            ("help", Asked::Help),
            ("HELP", Asked::Help),
            ("list", Asked::List),
            ("list of hosts is wrong", Asked::Open("list of hosts is wrong")),
            ("show", Asked::Show(None)),
            ("show 7", Asked::Show(Some(CaseNumber(7)))),
            ("show #7", Asked::Show(Some(CaseNumber(7)))),
            ("close  12 ", Asked::Close(Some(CaseNumber(12)))),
            ("close to the limit on RDS", Asked::Open("close to the limit on RDS")),
            ("show 99999999999999", Asked::Open("show 99999999999999")),
            ("digest", Asked::Digest),
            ("digest of the outage", Asked::Open("digest of the outage")),
            ("pause", Asked::Pause),
            ("resume", Asked::Resume),
            ("settings", Asked::Settings(None)),
            ("questions", Asked::Questions("")),
            ("questions boundaries", Asked::Questions("boundaries")),
            ("settings mode observe", Asked::Settings(Some(Mode::Observe))),
            ("settings mode loud", Asked::Settings(None)),
            ("hlep", Asked::Unknown("hlep")),
            ("open latency", Asked::Open("latency")),
            ("mails land in spam", Asked::Open("mails land in spam")),
        ] {
            assert_eq!(read(text), asked, "{text:?}");
        }
    }
}
