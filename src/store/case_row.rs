//! The rows of a case, and the case made of them.

use sqlx::FromRow;

use super::words::{PARKED, Words};
use crate::app::ports::StoreError;
use crate::domain::evidence::{EvidenceKind, Reading};
use crate::domain::investigation::{
    Case, CaseNumber, Evidence, Origin, Outcome, OutcomeKind, Parked, State, Statement,
};
use crate::domain::policy::Silence;
use crate::domain::{ChannelId, ClassId, Door, Kind, MessageTs, Stance, UserId, WorkspaceId};
use crate::store::error::Row;

/// An investigation with the names of its people, and its outcome.
#[derive(FromRow)]
pub(super) struct CaseRow {
    workspace_id: String,
    pub(super) case_number: i64,
    revision: i64,
    channel_id: String,
    private: i64,
    root_ts: Option<String>,
    message_ts: Option<String>,
    card_ts: Option<String>,
    state: String,
    origin: String,
    author: Option<String>,
    opened_by: Option<String>,
    kind: String,
    door: String,
    stance: String,
    confidence: f64,
    rules: String,
    language: String,
    given: String,
    silence: Option<String>,
    began_at: i64,
    opened_at: Option<i64>,
    outcome_kind: Option<String>,
    class_id: Option<String>,
    days: Option<f64>,
    recorded_by: Option<String>,
    recorded_at: Option<i64>,
    forgotten_at: Option<i64>,
}

/// A piece of evidence with the name of its poster.
#[derive(FromRow)]
pub(super) struct EvidenceRow {
    pub(super) case_number: i64,
    position: i64,
    kind: String,
    posted_by: Option<String>,
    posted_at: i64,
    message_ts: Option<String>,
    file_id: Option<String>,
    permalink: Option<String>,
    supports: Option<String>,
    against: Option<String>,
}

/// Everything that is stored of one case.
pub(super) struct Stored {
    pub(super) case: CaseRow,
    pub(super) evidence: Vec<EvidenceRow>,
    pub(super) words: Words,
}

impl TryFrom<Stored> for Case {
    type Error = StoreError;

    fn try_from(stored: Stored) -> Result<Self, StoreError> {
        let Stored { case: row, evidence, mut words } = stored;
        let id = format!("{}/{}", row.workspace_id, row.case_number);
        let at = Row::new("investigation", id.as_str());
        let evidence = evidence
            .into_iter()
            .map(|row| row.into_evidence(&id, &mut words))
            .collect::<Result<_, _>>()?;
        let outcome = row.outcome(&id, &mut words)?;
        let parked = words
            .iter()
            .filter_map(|(field, body)| Some((field.strip_prefix(PARKED)?, body)))
            .map(|(message, said)| Parked { message: message.into(), said: said.clone() })
            .collect();
        let mut word = |field| words.remove(field);
        Ok(Self {
            number: CaseNumber(at.number("case_number", row.case_number)?),
            workspace: WorkspaceId(row.workspace_id),
            channel: ChannelId(row.channel_id),
            private: row.private != 0,
            root: row.root_ts.map(MessageTs),
            message: row.message_ts.map(MessageTs),
            card: row.card_ts.map(MessageTs),
            state: at.word("state", &row.state, State::parse)?,
            origin: at.word("origin", &row.origin, Origin::parse)?,
            author: row.author.map(UserId),
            title: word("title").unwrap_or_default(),
            matched: word("matched").unwrap_or_default(),
            said: word("said").unwrap_or_default(),
            problem: word("problem"),
            kind: at.word("kind", &row.kind, Kind::parse)?,
            door: at.word("door", &row.door, Door::parse)?,
            stance: at.word("stance", &row.stance, Stance::parse)?,
            confidence: row.confidence,
            rules: at.list("rules", &row.rules, |rule| Some(rule.to_owned()))?,
            language: row.language,
            topic: word("topic").unwrap_or_default(),
            given: at.list("given", &row.given, EvidenceKind::parse)?,
            statement: Statement {
                scope: word("statement.scope"),
                reproduction: word("statement.reproduction"),
                factors: word("statement.factors"),
                constraints: word("statement.constraints"),
            },
            evidence,
            parked,
            opened_by: row.opened_by.map(UserId),
            outcome,
            silence: row.silence.map(|why| at.word("silence", &why, Silence::parse)).transpose()?,
            began_at: at.time("began_at", row.began_at)?,
            opened_at: row.opened_at.map(|ms| at.time("opened_at", ms)).transpose()?,
            revision: row.revision,
        })
    }
}

impl CaseRow {
    fn outcome(&self, id: &str, words: &mut Words) -> Result<Option<Outcome>, StoreError> {
        let at = Row::new("outcome", id);
        let (Some(kind), Some(recorded_at)) = (&self.outcome_kind, self.recorded_at) else {
            return Ok(None);
        };
        Ok(Some(Outcome {
            kind: at.word("kind", kind, OutcomeKind::parse)?,
            class: self.class_id.clone().map(ClassId),
            fixed: words.remove("outcome.fixed"),
            days: self.days,
            by: self.recorded_by.clone().map(UserId),
            at: at.time("recorded_at", recorded_at)?,
            forgotten_at: self.forgotten_at.map(|ms| at.time("forgotten_at", ms)).transpose()?,
        }))
    }
}

impl EvidenceRow {
    fn into_evidence(self, case: &str, words: &mut Words) -> Result<Evidence, StoreError> {
        let at = Row::new("evidence", format!("{case}/{}", self.position));
        let mut word = |name: &str| words.remove(&format!("evidence:{}:{name}", self.position));
        let class = |id: &str| Some(ClassId::from(id));
        let reading = match (self.supports, self.against) {
            (Some(supports), Some(against)) => Some(Reading {
                says: word("says").unwrap_or_default(),
                line: word("line").unwrap_or_default(),
                supports: at.list("supports", &supports, class)?,
                against: at.list("against", &against, class)?,
            }),
            _ => None,
        };
        Ok(Evidence {
            kind: at.word("kind", &self.kind, EvidenceKind::parse)?,
            by: self.posted_by.map(UserId),
            at: at.time("posted_at", self.posted_at)?,
            message: self.message_ts.map(MessageTs),
            file: self.file_id,
            permalink: self.permalink,
            excerpt: word("excerpt"),
            reading,
        })
    }
}
