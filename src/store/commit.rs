//! One change in one transaction. Everybody locks in the same order (event, case, channel, work), so that on PostgreSQL
//! no two changes wait for each other.

use jiff::Timestamp;

use super::query::Conn;
use super::{case, channel, job, workspace};
use crate::app::ports::{Change, Doubt, StoreError};
use crate::domain::WorkspaceId;
use crate::store::error::Row;

/// What a change did besides standing.
pub(super) struct Done {
    /// Words or people that stood in the store stand there no more.
    pub(super) erased: bool,
}

/// Makes the change; `None` when its event, its digest or what it must not come after was recorded before.
pub(super) async fn apply(
    conn: &mut Conn,
    change: &Change,
    now: Timestamp,
) -> Result<Option<Done>, StoreError> {
    let whose = whose(change)?;
    if let Some((workspace, key)) = &change.event
        && !workspace::see_event(conn, workspace, key, now).await?
    {
        return Ok(None);
    }
    if let (Some(workspace), Some(key)) = (whose, &change.unless)
        && !workspace::not_yet(conn, workspace, key, now).await?
    {
        return Ok(None);
    }
    if let Some((workspace, week)) = &change.digest
        && !workspace::ask_digest(conn, workspace, *week, now).await?
    {
        return Ok(None);
    }
    let mut erased = false;
    if let Some(case) = &change.case {
        erased |= case::save(conn, case, now).await?;
    }
    if let Some((workspace, id, state)) = &change.channel {
        erased |= channel::save(conn, workspace, id, state).await?;
    }
    if let Some((job, _)) = &change.job {
        job::hold(conn, job, change.case.is_some()).await?;
    }
    if let Some(workspace) = whose {
        if change.uninstalled {
            workspace::uninstall(conn, workspace, now).await?;
            erased = true;
        }
        // What is cancelled and asked for in one change is asked for.
        for key in &change.cancel {
            job::cancel(conn, workspace, key).await?;
        }
        if let Some(case) = &change.case {
            for message in &change.leave_files {
                job::leave_files(conn, workspace, case.number, message).await?;
            }
        }
        let mut in_doubt = false;
        // Before anything is asked for, so that work that asks for itself again is kept.
        if let Some((job, end)) = &change.job {
            in_doubt = job.doubt > Doubt::None;
            job::end(conn, job, end, now).await?;
        }
        // What work in doubt asks for may have been done already: after a restore, by a store that is no more.
        for new in &change.jobs {
            job::ask(conn, workspace, new, in_doubt).await?;
        }
    }
    Ok(Some(Done { erased }))
}

/// The one workspace a change is about.
fn whose(change: &Change) -> Result<Option<&WorkspaceId>, StoreError> {
    let named = [
        change.event.as_ref().map(|(workspace, _)| workspace),
        change.case.as_ref().map(|case| &case.workspace),
        change.channel.as_ref().map(|(workspace, _, _)| workspace),
        change.digest.as_ref().map(|(workspace, _)| workspace),
        change.job.as_ref().map(|(job, _)| &job.workspace),
    ];
    let mut named = named.into_iter().flatten();
    let first = named.next();
    let wrong = |why: &str| Row::new("job", why).corrupt("workspace_id");
    if named.any(|other| Some(other) != first) {
        return Err(wrong("a change about two workspaces"));
    }
    if first.is_none() && !(change.jobs.is_empty() && change.cancel.is_empty()) {
        return Err(wrong("a change about no workspace"));
    }
    Ok(first)
}
