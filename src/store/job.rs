//! Due work: asked for, claimed by one worker at a time, ended or given up.
//!
//! Asked for again while it waits, work runs once, at the earlier time; while it is in flight or in doubt, once more
//! afterwards: what is found to stand already may not say what was asked for since.
//! Cancelled while it waits, it goes; while it is in flight, it may finish, changes no case, and is not tried again.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, FromRow};

use super::query::{self, Conn, places, sql};
use crate::app::ports::{Doubt, Job, JobEnd, NewJob, StoreError, Work};
use crate::domain::investigation::CaseNumber;
use crate::domain::{ChannelId, MessageTs, UserId, WorkspaceId};
use crate::store::error::Row;

#[derive(FromRow)]
struct JobRow {
    job_id: i64,
    workspace_id: String,
    kind: String,
    case_number: Option<i64>,
    payload: String,
    run_at: i64,
    attempts: i64,
    uncertain: i64,
    lease: i64,
}

impl TryFrom<JobRow> for Job {
    type Error = StoreError;

    fn try_from(row: JobRow) -> Result<Self, StoreError> {
        let at = Row::new("job", row.job_id.to_string());
        let work = match row.case_number {
            None => caseless_work(&at, &row.kind, &row.payload)?,
            Some(number) => {
                let case = CaseNumber(at.number("case_number", number)?);
                work(&at, &row.kind, case, &row.payload)?
            }
        };
        Ok(Self {
            id: row.job_id,
            work,
            workspace: WorkspaceId(row.workspace_id),
            run_at: at.time("run_at", row.run_at)?,
            attempts: at.number("attempts", row.attempts)?,
            doubt: doubt(row.uncertain).ok_or_else(|| at.corrupt("uncertain"))?,
            lease: row.lease,
        })
    }
}

/// What a number in the column `uncertain` says: how many looks are wanted.
fn doubt(uncertain: i64) -> Option<Doubt> {
    [Doubt::None, Doubt::Once, Doubt::Twice].into_iter().find(|doubt| *doubt as i64 == uncertain)
}

fn work(at: &Row, kind: &str, case: CaseNumber, payload: &str) -> Result<Work, StoreError> {
    Ok(match kind {
        "quiet_period" => Work::QuietPeriod(case),
        "reminder" => Work::Reminder(case),
        "text" => Work::Text(case),
        "card" => Work::ShowCard(case),
        "thread" => Work::ReadThread(case),
        "tell_refusal" => {
            let part = parts(at, payload)?;
            let may_stand = part("may_stand")?.parse().map_err(|_| at.corrupt("payload"))?;
            Work::TellRefusal { case, code: part("code")?, may_stand }
        }
        "say_reminder" => Work::SayReminder(case),
        "say_outcome" => Work::SayOutcome(case),
        "file" => {
            let part = parts(at, payload)?;
            Work::ReadFile {
                case,
                file: part("file")?,
                name: part("name")?,
                url: part("url")?,
                message: MessageTs(part("message")?),
                permalink: part("permalink")?,
                by: UserId(part("by")?),
            }
        }
        _ => return Err(at.corrupt("kind")),
    })
}

fn caseless_work(at: &Row, kind: &str, payload: &str) -> Result<Work, StoreError> {
    let part = parts(at, payload)?;
    match kind {
        "digest" => Ok(Work::Digest {
            week: part("week")?.parse().map_err(|_| at.corrupt("payload"))?,
            channel: ChannelId(part("channel")?),
        }),
        "channel" => Ok(Work::LookAtChannel(ChannelId(part("channel")?))),
        "removal" => Ok(Work::ConfirmRemoval),
        "greet" => Ok(Work::Greet(ChannelId(part("channel")?))),
        _ => Err(at.corrupt("kind")),
    }
}

/// Reads the named texts of a payload.
fn parts(
    at: &Row,
    payload: &str,
) -> Result<impl Fn(&str) -> Result<String, StoreError>, StoreError> {
    let payload: Value = serde_json::from_str(payload).map_err(|_| at.corrupt("payload"))?;
    Ok(move |name: &str| {
        payload[name].as_str().map(str::to_owned).ok_or_else(|| at.corrupt("payload"))
    })
}

/// What a piece of work needs beyond its kind and its case.
fn payload(work: &Work) -> Value {
    match work {
        Work::QuietPeriod(_)
        | Work::Reminder(_)
        | Work::Text(_)
        | Work::ShowCard(_)
        | Work::ReadThread(_)
        | Work::SayReminder(_)
        | Work::SayOutcome(_)
        | Work::ConfirmRemoval => json!({}),
        Work::TellRefusal { case: _, code, may_stand } => {
            json!({"code": code, "may_stand": may_stand.to_string()})
        }
        Work::LookAtChannel(channel) | Work::Greet(channel) => {
            json!({"channel": channel.as_str()})
        }
        Work::ReadFile { case: _, file, name, url, message, permalink, by } => json!({
            "file": file,
            "name": name,
            "url": url,
            "message": message.as_str(),
            "permalink": permalink,
            "by": by.as_str(),
        }),
        Work::Digest { week, channel } => {
            json!({"week": week.to_string(), "channel": channel.as_str()})
        }
    }
}

/// Asks for work; in doubt, it is looked up before it is done. Work that was given up gets another chance. What awaits a
/// person (it was tried, and is not late) is tried when it is asked for.
pub(super) async fn ask(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    new: &NewJob,
    in_doubt: bool,
) -> Result<(), StoreError> {
    let (kind, payload) = (new.work.kind(), payload(&new.work));
    sql("insert into job (workspace_id, job_key, kind, case_number, payload, run_at, uncertain)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (workspace_id, job_key) do update set
             payload = excluded.payload,
             uncertain = case
                 when job.uncertain < excluded.uncertain then excluded.uncertain
                 else job.uncertain end,
             again_at = case
                 when job.lease_until is null and (job.uncertain = 0 or job.attempts = 0
                         or job.waits_since is null and job.parked_because is null)
                     then job.again_at
                 when job.again_at < excluded.run_at then job.again_at
                 else excluded.run_at end,
             run_at = case
                 when job.lease_until is not null then job.run_at
                 when job.parked_because is null
                     and (job.run_at < excluded.run_at
                         or job.uncertain <> 0 and job.attempts > 0
                             and job.waits_since is not null) then job.run_at
                 else excluded.run_at end,
             attempts = case when job.parked_because is null then job.attempts else 0 end,
             cancelled = 0,
             parked_because = null,
             parked_at = null")
    .bind(workspace.as_str())
    .bind(new.work.key())
    .bind(kind)
    .bind(new.work.case().map(|case| i64::from(case.0)))
    .bind(payload.to_string())
    .bind(new.run_at.as_millisecond())
    .bind(i64::from(in_doubt))
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn cancel(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    key: &str,
) -> Result<(), StoreError> {
    // The first locks the row, in flight or not: nobody claims or ends it between the two.
    for text in [
        "update job set cancelled = 1, again_at = null where workspace_id = $1 and job_key = $2",
        "delete from job where workspace_id = $1 and job_key = $2 and lease_until is null",
    ] {
        sql(text).bind(workspace.as_str()).bind(key).execute(conn).await?;
    }
    Ok(())
}

/// Cancels all work of a case on the files that came with a message.
pub(super) async fn leave_files(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    case: CaseNumber,
    message: &MessageTs,
) -> Result<(), StoreError> {
    let keys: Vec<(String,)> = sql("select job_key from job
         where workspace_id = $1 and job_key > $2 and job_key < $3 and case_number = $4
         order by job_key")
    .bind(workspace.as_str())
    .bind(Work::files_of(message))
    .bind(after_files_of(message))
    .bind(i64::from(case.0))
    .fetch_all(&mut *conn)
    .await?;
    for (key,) in keys {
        cancel(conn, workspace, &key).await?;
    }
    Ok(())
}

/// The first key after all those of [`Work::files_of`] a message, in the order of bytes.
pub(super) fn after_files_of(message: &MessageTs) -> String {
    Work::files_of(message).trim_end_matches(':').to_owned() + ";"
}

/// Makes sure that the job is still ours, and was not cancelled if it is to change a case: a file whose message was
/// deleted while it was read is not recorded.
pub(super) async fn hold(conn: &mut Conn, job: &Job, changes_case: bool) -> Result<(), StoreError> {
    let text = format!(
        "select cancelled from job
         where job_id = $1 and workspace_id = $2 and lease = $3 and lease_until is not null {}",
        conn.for_update()
    );
    let ours: Option<(i64,)> = sql(AssertSqlSafe(text))
        .bind(job.id)
        .bind(job.workspace.as_str())
        .bind(job.lease)
        .fetch_optional(conn)
        .await?;
    match ours {
        Some((0,)) => Ok(()),
        Some(_) if !changes_case => Ok(()),
        _ => Err(StoreError::Conflict),
    }
}

/// Prolongs the claim on a job, if it is still ours.
pub(super) async fn prolong(
    conn: &mut Conn,
    job: &Job,
    lease_until: Timestamp,
) -> Result<(), StoreError> {
    let ours = sql("update job set lease_until = $4
         where job_id = $1 and workspace_id = $2 and lease = $3 and lease_until is not null")
    .bind(job.id)
    .bind(job.workspace.as_str())
    .bind(job.lease)
    .bind(lease_until.as_millisecond())
    .execute(conn)
    .await?;
    if ours == 1 { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Ends an attempt at a job that we [`hold`].
pub(super) async fn end(
    conn: &mut Conn,
    job: &Job,
    end: &JobEnd,
    now: Timestamp,
) -> Result<(), StoreError> {
    let over = sql("delete from job where job_id = $1 and cancelled = 1")
        .bind(job.id)
        .execute(&mut *conn)
        .await?;
    if over == 1 {
        return Ok(());
    }
    match end {
        JobEnd::Done => done(conn, job).await,
        JobEnd::RetryAt(at, doubt) => retry(conn, job, *at, *doubt).await,
        JobEnd::HeldUntil(at) => {
            let text = "update job set attempts = attempts - 1 where job_id = $1";
            sql(text).bind(job.id).execute(&mut *conn).await?;
            retry(conn, job, *at, job.doubt).await
        }
        JobEnd::AwaitsPerson(at) => await_person(conn, job, *at).await,
        JobEnd::Parked(why) => park(conn, job.id, why, now).await,
    }
}

/// The row goes, unless the work was asked for again: then it begins anew.
async fn done(conn: &mut Conn, job: &Job) -> Result<(), StoreError> {
    for text in [
        "delete from job where job_id = $1 and again_at is null",
        "update job set run_at = again_at, waits_since = null, again_at = null,
             lease_until = null, attempts = 0, uncertain = 0
         where job_id = $1",
    ] {
        sql(text).bind(job.id).execute(&mut *conn).await?;
    }
    Ok(())
}

/// Without doubt a retry also does what was asked for meanwhile, if that is due by then. Otherwise that is still to be done
/// after it. Doubt that came with what was asked for stays.
async fn retry(conn: &mut Conn, job: &Job, at: Timestamp, doubt: Doubt) -> Result<(), StoreError> {
    sql("update job set run_at = $2, lease_until = null,
             waits_since = coalesce(waits_since, run_at),
             uncertain = case when uncertain <= $4 or uncertain < $3 then $3 else uncertain end,
             again_at = case
                 when $3 = 0 and uncertain <= $4 and again_at <= $2 then null
                 else again_at end
         where job_id = $1")
    .bind(job.id)
    .bind(at.as_millisecond())
    .bind(doubt as i64)
    .bind(job.doubt as i64)
    .execute(conn)
    .await?;
    Ok(())
}

/// Asked for while it was tried, such as by an invitation that came just then, it is tried again at once.
async fn await_person(conn: &mut Conn, job: &Job, at: Timestamp) -> Result<(), StoreError> {
    sql("update job set lease_until = null, waits_since = null,
             run_at = case when again_at < $2 then again_at else $2 end,
             again_at = case when again_at <= $2 then null else again_at end
         where job_id = $1")
    .bind(job.id)
    .bind(at.as_millisecond())
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives the job up, unless the work was asked for again: then it gets another chance.
async fn park(conn: &mut Conn, job_id: i64, why: &str, now: Timestamp) -> Result<(), StoreError> {
    sql("update job set
             lease_until = null,
             again_at = null,
             run_at = coalesce(again_at, run_at),
             waits_since = null,
             attempts = case when again_at is null then attempts else 0 end,
             parked_because = case when again_at is null then $2 end,
             parked_at = case when again_at is null then $3 end,
             payload = case when again_at is null and kind = 'file' then '{}' else payload end
         where job_id = $1")
    .bind(job_id)
    .bind(why)
    .bind(now.as_millisecond())
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn claim(
    conn: &mut Conn,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
    but_not_of: &[WorkspaceId],
) -> Result<Vec<Job>, StoreError> {
    let over = format!(
        "delete from job where job_id in (
             select job_id from job where cancelled = 1 and lease_until <= $1 {})",
        conn.for_update_skip_locked()
    );
    sql(AssertSqlSafe(over)).bind(now.as_millisecond()).execute(conn).await?;
    // In a `with`, so that PostgreSQL picks the rows once, however it joins them.
    let due = format!(
        "update job set
             lease = lease + 1,
             attempts = attempts + 1,
             uncertain = case when lease_until is null or uncertain > 1 then uncertain else 1 end,
             lease_until = $2
         where job_id in (
             with due as (
                 select job_id from job
                 where parked_because is null and cancelled = 0
                     and coalesce(lease_until, run_at) <= $1 and workspace_id not in
                     (select workspace_id from workspace where uninstalled_at is not null)
                     and kind in ({}) {}
                 order by coalesce(lease_until, run_at), job_id
                 limit $3
                 {})
             select job_id from due)
         returning job_id, workspace_id, kind, case_number, payload, run_at, attempts, uncertain,
             lease",
        known_kinds(),
        not_of(but_not_of, 4),
        conn.for_update_skip_locked()
    );
    let mut rows: Vec<JobRow> = sql(AssertSqlSafe(due))
        .bind(now.as_millisecond())
        .bind(lease_until.as_millisecond())
        .bind(i64::from(limit))
        .bind_all(ids(but_not_of))
        .fetch_all(&mut *conn)
        .await?;
    rows.sort_by_key(|row| (row.run_at, row.job_id));
    let mut jobs = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.job_id;
        match Job::try_from(row) {
            Ok(job) => jobs.push(job),
            // One unreadable row must not hold up the others for ever.
            Err(unreadable) => park(conn, id, &unreadable.to_string(), now).await?,
        }
    }
    Ok(jobs)
}

/// Ends every lease: the processes that held them are gone. What they had begun is due again, and uncertain.
pub(super) async fn release_all(conn: &mut Conn) -> Result<u64, StoreError> {
    sql("update job set lease_until = 0 where lease_until is not null").execute(conn).await
}

/// While replicas are replaced by newer ones, work that we don't know is theirs.
pub(super) fn known_kinds() -> String {
    format!("'{}'", Work::KINDS.join("', '"))
}

/// Leaves out the work of some workspaces, whose ids are the values from the `first` on.
fn not_of(workspaces: &[WorkspaceId], first: usize) -> String {
    if workspaces.is_empty() {
        return String::new();
    }
    format!("and workspace_id not in ({})", places(first, workspaces.len()))
}

fn ids(workspaces: &[WorkspaceId]) -> impl Iterator<Item = query::Value> {
    workspaces.iter().map(|id| query::Value::from(id.as_str()))
}

pub(super) async fn next_due(
    conn: &mut Conn,
    but_not_of: &[WorkspaceId],
) -> Result<Option<Timestamp>, StoreError> {
    let text = format!(
        "select min(coalesce(lease_until, run_at)) from job
         where parked_because is null and cancelled = 0 and workspace_id not in
             (select workspace_id from workspace where uninstalled_at is not null)
             and kind in ({}) {}",
        known_kinds(),
        not_of(but_not_of, 1)
    );
    let ms: Option<i64> =
        sql(AssertSqlSafe(text)).bind_all(ids(but_not_of)).fetch_value(conn).await?;
    ms.map(|ms| Row::new("job", "the next one").time("run_at", ms)).transpose()
}
