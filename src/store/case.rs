//! Cases: found by number, thread or evidence, and saved by what changed in them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::case_row::{CaseRow, EvidenceRow, Stored};
use super::job::after_files_of;
use super::query::{Conn, places, sql};
use super::{person, words};
use crate::app::ports::{StoreError, Work};
use crate::domain::digest::Period;
use crate::domain::investigation::{Case, CaseNumber, Evidence, Outcome};
use crate::domain::policy::Silence;
use crate::domain::{ChannelId, ClassId, MessageTs, UserId, WorkspaceId};
use crate::store::error::{Row, list};

/// For how many cases evidence and words are read at once.
const AT_ONCE: usize = 500;

const SELECT: &str = "
    select i.workspace_id, i.case_number, i.revision, i.channel_id, i.private, i.root_ts,
        i.message_ts, i.card_ts, i.state, i.origin, author.user_id as author, opener.user_id as opened_by, i.kind, i.door,
        i.stance, i.confidence, i.rules, i.language, i.given, i.silence, i.began_at, i.opened_at,
        o.kind as outcome_kind, o.class_id, o.days, recorder.user_id as recorded_by, o.recorded_at,
        o.forgotten_at
    from investigation i
    left join outcome o on o.workspace_id = i.workspace_id and o.case_number = i.case_number
    left join person author
        on author.workspace_id = i.workspace_id and author.person_id = i.author_id
    left join person opener
        on opener.workspace_id = i.workspace_id and opener.person_id = i.opener_id
    left join person recorder
        on recorder.workspace_id = o.workspace_id and recorder.person_id = o.recorder_id";

pub(super) async fn load(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    number: CaseNumber,
) -> Result<Option<Case>, StoreError> {
    let row =
        sql(AssertSqlSafe(format!("{SELECT} where i.workspace_id = $1 and i.case_number = $2")))
            .bind(workspace.as_str())
            .bind(i64::from(number.0))
            .fetch_optional(&mut *conn)
            .await?;
    whole(conn, workspace, row).await
}

pub(super) async fn load_in_thread(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
    root: &MessageTs,
) -> Result<Option<Case>, StoreError> {
    let row = sql(AssertSqlSafe(format!(
        "{SELECT} where i.workspace_id = $1 and i.case_number in
            (select case_number from investigation
                where workspace_id = $1 and channel_id = $2 and root_ts = $3
             union select case_number from investigation
                where workspace_id = $1 and channel_id = $2 and message_ts = $3)
         order by i.case_number limit 1"
    )))
    .bind(workspace.as_str())
    .bind(channel.as_str())
    .bind(root.as_str())
    .fetch_optional(&mut *conn)
    .await?;
    whole(conn, workspace, row).await
}

pub(super) async fn load_with_evidence(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
    message: &MessageTs,
) -> Result<Option<Case>, StoreError> {
    let row = sql(AssertSqlSafe(format!(
        "{SELECT} where i.workspace_id = $1 and i.channel_id = $2 and i.case_number in
            (select case_number from evidence where workspace_id = $1 and message_ts = $3
             union select case_number from job
                where workspace_id = $1 and job_key > $4 and job_key < $5)
         order by i.case_number limit 1"
    )))
    .bind(workspace.as_str())
    .bind(channel.as_str())
    .bind(message.as_str())
    .bind(Work::files_of(message))
    .bind(after_files_of(message))
    .fetch_optional(&mut *conn)
    .await?;
    whole(conn, workspace, row).await
}

pub(super) async fn load_waiting(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
) -> Result<Vec<Case>, StoreError> {
    let rows: Vec<CaseRow> = sql(AssertSqlSafe(format!(
        "{SELECT} where i.workspace_id = $1 and i.channel_id = $2 and i.state = 'waiting'
         order by i.case_number"
    )))
    .bind(workspace.as_str())
    .bind(channel.as_str())
    .fetch_all(&mut *conn)
    .await?;
    all_whole(conn, workspace, rows).await
}

pub(super) async fn load_listed(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
    limit: u32,
) -> Result<Vec<Case>, StoreError> {
    let rows: Vec<CaseRow> = sql(AssertSqlSafe(format!(
        "{SELECT} where i.workspace_id = $1 and i.state in ('open', 'closed')
            and (i.private = 0 or i.channel_id = $2)
         order by i.case_number desc limit $3"
    )))
    .bind(workspace.as_str())
    .bind(channel.as_str())
    .bind(limit)
    .fetch_all(&mut *conn)
    .await?;
    all_whole(conn, workspace, rows).await
}

pub(super) async fn load_of(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    period: &Period,
) -> Result<Vec<Case>, StoreError> {
    let rows: Vec<CaseRow> = sql(AssertSqlSafe(format!(
        "{SELECT} where i.workspace_id = $1 and i.state in ('open', 'closed') and i.case_number in
            (select case_number from investigation
                where workspace_id = $1 and state = 'open' and opened_at < $3
             union select case_number from outcome
                where workspace_id = $1 and recorded_at >= $2 and recorded_at < $3)
         order by i.case_number"
    )))
    .bind(workspace.as_str())
    .bind(period.from.as_millisecond())
    .bind(period.until.as_millisecond())
    .fetch_all(&mut *conn)
    .await?;
    all_whole(conn, workspace, rows).await
}

/// Those whose words were not forgotten meanwhile.
pub(super) async fn cards_awaited(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
) -> Result<Vec<CaseNumber>, StoreError> {
    let rows: Vec<(i64,)> = sql("select case_number from investigation
         where workspace_id = $1 and channel_id = $2 and card_ts is null
             and (state = 'open' or state = 'prompted' and author_id is not null)
             and (origin in ('command', 'shortcut') or opener_id is not null)
         order by case_number")
    .bind(workspace.as_str())
    .bind(channel.as_str())
    .fetch_all(conn)
    .await?;
    let number = |(number,)| {
        let row = Row::new("investigation", format!("{workspace}/{number}"));
        row.number("case_number", number).map(CaseNumber)
    };
    rows.into_iter().map(number).collect()
}

/// Makes the cases of a channel private. That is a change of each: one that is being made on an old copy, which is public, is
/// refused.
pub(super) async fn make_private(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
) -> Result<(), StoreError> {
    sql("update investigation set private = 1, revision = revision + 1
         where workspace_id = $1 and channel_id = $2 and private = 0")
    .bind(workspace.as_str())
    .bind(channel.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds to rows of a workspace their evidence and their words, many at once.
async fn all_whole(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    rows: Vec<CaseRow>,
) -> Result<Vec<Case>, StoreError> {
    let mut cases = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let some: Vec<CaseRow> = rows.by_ref().take(AT_ONCE).collect();
        let numbers: Vec<i64> = some.iter().map(|row| row.case_number).collect();
        let mut evidence = load_evidence(conn, workspace, &numbers).await?;
        let mut words = words::load(conn, workspace, &numbers).await?;
        for case in some {
            let number = case.case_number;
            let evidence = evidence.remove(&number).unwrap_or_default();
            let words = words.remove(&number).unwrap_or_default();
            cases.push(Case::try_from(Stored { case, evidence, words })?);
        }
    }
    Ok(cases)
}

async fn load_evidence(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    cases: &[i64],
) -> Result<BTreeMap<i64, Vec<EvidenceRow>>, StoreError> {
    let rows: Vec<EvidenceRow> = sql(AssertSqlSafe(format!(
        "select e.case_number, e.position, e.kind, poster.user_id as posted_by, e.posted_at,
             e.message_ts, e.file_id, e.permalink, e.supports, e.against
         from evidence e
         left join person poster
             on poster.workspace_id = e.workspace_id and poster.person_id = e.poster_id
         where e.workspace_id = $1 and e.case_number in ({}) order by e.case_number, e.position",
        places(2, cases.len())
    )))
    .bind(workspace.as_str())
    .bind_all(cases.iter().map(|number| (*number).into()))
    .fetch_all(conn)
    .await?;
    let mut of = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        of.entry(row.case_number).or_default().push(row);
    }
    Ok(of)
}

async fn whole(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    row: Option<CaseRow>,
) -> Result<Option<Case>, StoreError> {
    Ok(all_whole(conn, workspace, row.into_iter().collect()).await?.pop())
}

/// Saves a case; tells whether words or people of it were erased.
pub(super) async fn save(conn: &mut Conn, case: &Case, now: Timestamp) -> Result<bool, StoreError> {
    hold(conn, case).await?;
    let before = load(conn, &case.workspace, case.number).await?;
    if before.as_ref().map_or(0, |before| before.revision) != case.revision {
        return Err(StoreError::Conflict);
    }
    save_row(conn, case).await?;
    save_evidence(conn, case, before.as_ref().map_or(&[], |before| &before.evidence)).await?;
    save_outcome(conn, case, before.as_ref().and_then(|before| before.outcome.as_ref())).await?;
    let old_words = before.as_ref().map(words::of).unwrap_or_default();
    let mut erased = words::save(conn, case, &old_words).await?;
    if before.as_ref().map(|before| before.state) != Some(case.state) {
        append_history(conn, case, before.as_ref(), now).await?;
    }
    let still = people(case);
    for user in before.iter().flat_map(people).filter(|user| !still.contains(user)) {
        person::forget_unless_referenced(conn, &case.workspace, user).await?;
        erased = true;
    }
    Ok(erased)
}

fn people(case: &Case) -> Vec<&UserId> {
    let posters = case.evidence.iter().filter_map(|evidence| evidence.by.as_ref());
    let recorder = case.outcome.as_ref().and_then(|outcome| outcome.by.as_ref());
    [case.author.as_ref(), case.opened_by.as_ref(), recorder]
        .into_iter()
        .flatten()
        .chain(posters)
        .collect()
}

/// Keeps other writers from the case until this change stands, before anything else of it is locked. SQLite's writer is
/// alone anyway.
async fn hold(conn: &mut Conn, case: &Case) -> Result<(), StoreError> {
    let select = "select revision from investigation
         where workspace_id = $1 and case_number = $2 for update";
    let Some(text) = conn.either(None, Some(select)) else { return Ok(()) };
    sql(text)
        .bind(case.workspace.as_str())
        .bind(case.number.0)
        .fetch_optional::<(i64,)>(conn)
        .await
        .map(|_| ())
}

/// Writes the row; refused when somebody else made the same new case a moment ago.
async fn save_row(conn: &mut Conn, case: &Case) -> Result<(), StoreError> {
    let author = person::id(conn, &case.workspace, case.author.as_ref()).await?;
    let opener = person::id(conn, &case.workspace, case.opened_by.as_ref()).await?;
    let saved = sql(
        "insert into investigation (workspace_id, case_number, revision, channel_id, private,
             root_ts, message_ts, card_ts, state, origin, author_id, opener_id, kind, door, stance, confidence,
             rules, language, given, silence, began_at, opened_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22)
         on conflict (workspace_id, case_number) do update set
             revision = excluded.revision, channel_id = excluded.channel_id,
             private = excluded.private, root_ts = excluded.root_ts,
             message_ts = excluded.message_ts, card_ts = excluded.card_ts,
             state = excluded.state, origin = excluded.origin, author_id = excluded.author_id,
             opener_id = excluded.opener_id, kind = excluded.kind, door = excluded.door,
             stance = excluded.stance, confidence = excluded.confidence, rules = excluded.rules,
             language = excluded.language, given = excluded.given, silence = excluded.silence,
             began_at = excluded.began_at, opened_at = excluded.opened_at
         where investigation.revision = excluded.revision - 1",
    )
    .bind(case.workspace.as_str())
    .bind(i64::from(case.number.0))
    .bind(case.revision + 1)
    .bind(case.channel.as_str())
    .bind(i64::from(case.private))
    .bind(case.root.as_ref().map(MessageTs::as_str))
    .bind(case.message.as_ref().map(MessageTs::as_str))
    .bind(case.card.as_ref().map(MessageTs::as_str))
    .bind(case.state.as_str())
    .bind(case.origin.as_str())
    .bind(author)
    .bind(opener)
    .bind(case.kind.as_str())
    .bind(case.door.as_str())
    .bind(case.stance.as_str())
    .bind(case.confidence)
    .bind(list(case.rules.iter().map(String::as_str)))
    .bind(&case.language)
    .bind(list(case.given.iter().map(|kind| kind.as_str())))
    .bind(case.silence.map(Silence::as_str))
    .bind(case.began_at.as_millisecond())
    .bind(case.opened_at.map(Timestamp::as_millisecond))
    .execute(conn)
    .await?;
    if saved == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn save_evidence(
    conn: &mut Conn,
    case: &Case,
    before: &[Evidence],
) -> Result<(), StoreError> {
    if before.len() > case.evidence.len() {
        sql("delete from evidence
             where workspace_id = $1 and case_number = $2 and position >= $3")
        .bind(case.workspace.as_str())
        .bind(i64::from(case.number.0))
        .bind(position(case.evidence.len()))
        .execute(&mut *conn)
        .await?;
    }
    for (at, evidence) in case.evidence.iter().enumerate() {
        if before.get(at) != Some(evidence) {
            save_piece(conn, case, at, evidence).await?;
        }
    }
    Ok(())
}

async fn save_piece(
    conn: &mut Conn,
    case: &Case,
    at: usize,
    evidence: &Evidence,
) -> Result<(), StoreError> {
    let poster = person::id(conn, &case.workspace, evidence.by.as_ref()).await?;
    let reading = evidence.reading.as_ref();
    sql("insert into evidence (workspace_id, case_number, position, kind, poster_id, posted_at,
             message_ts, file_id, permalink, supports, against)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (workspace_id, case_number, position) do update set
             kind = excluded.kind, poster_id = excluded.poster_id, posted_at = excluded.posted_at,
             message_ts = excluded.message_ts, file_id = excluded.file_id,
             permalink = excluded.permalink, supports = excluded.supports,
             against = excluded.against")
    .bind(case.workspace.as_str())
    .bind(i64::from(case.number.0))
    .bind(position(at))
    .bind(evidence.kind.as_str())
    .bind(poster)
    .bind(evidence.at.as_millisecond())
    .bind(evidence.message.as_ref().map(MessageTs::as_str))
    .bind(evidence.file.as_deref())
    .bind(evidence.permalink.as_deref())
    .bind(reading.map(|r| list(r.supports.iter().map(ClassId::as_str))))
    .bind(reading.map(|r| list(r.against.iter().map(ClassId::as_str))))
    .execute(conn)
    .await?;
    Ok(())
}

async fn save_outcome(
    conn: &mut Conn,
    case: &Case,
    before: Option<&Outcome>,
) -> Result<(), StoreError> {
    if before == case.outcome.as_ref() {
        return Ok(());
    }
    let Some(outcome) = &case.outcome else {
        sql("delete from outcome where workspace_id = $1 and case_number = $2")
            .bind(case.workspace.as_str())
            .bind(i64::from(case.number.0))
            .execute(conn)
            .await?;
        return Ok(());
    };
    let recorder = person::id(conn, &case.workspace, outcome.by.as_ref()).await?;
    sql("insert into outcome (workspace_id, case_number, kind, class_id, days, recorder_id,
             recorded_at, forgotten_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (workspace_id, case_number) do update set
             kind = excluded.kind, class_id = excluded.class_id, days = excluded.days,
             recorder_id = excluded.recorder_id, recorded_at = excluded.recorded_at, forgotten_at = excluded.forgotten_at")
    .bind(case.workspace.as_str())
    .bind(i64::from(case.number.0))
    .bind(outcome.kind.as_str())
    .bind(outcome.class.as_ref().map(ClassId::as_str))
    .bind(outcome.days)
    .bind(recorder)
    .bind(outcome.at.as_millisecond())
    .bind(outcome.forgotten_at.map(Timestamp::as_millisecond))
    .execute(conn)
    .await?;
    Ok(())
}

async fn append_history(
    conn: &mut Conn,
    case: &Case,
    before: Option<&Case>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sql("insert into history (workspace_id, case_number, revision, changed_at, state_before,
             state_after, evidence_count, outcome_kind)
         values ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(case.workspace.as_str())
    .bind(i64::from(case.number.0))
    .bind(case.revision + 1)
    .bind(now.as_millisecond())
    .bind(before.map(|before| before.state.as_str()))
    .bind(case.state.as_str())
    .bind(position(case.evidence.len()))
    .bind(case.outcome.as_ref().map(|outcome| outcome.kind.as_str()))
    .execute(conn)
    .await?;
    Ok(())
}

fn position(at: usize) -> i64 {
    i64::try_from(at).expect("a list in memory is shorter than 2^63")
}
