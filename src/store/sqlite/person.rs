//! People whom something recorded references.

use super::Conn;
use crate::app::ports::StoreError;
use crate::domain::{UserId, WorkspaceId};
use crate::store::error::from_sqlx;

/// The id of a person in our tables, made when they have none.
pub(super) async fn id(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    user: Option<&UserId>,
) -> Result<Option<i64>, StoreError> {
    let Some(user) = user else { return Ok(None) };
    let known: Option<i64> =
        sqlx::query_scalar("select person_id from person where workspace_id = $1 and user_id = $2")
            .bind(workspace.as_str())
            .bind(user.as_str())
            .fetch_optional(&mut *conn)
            .await
            .map_err(from_sqlx)?;
    if known.is_some() {
        return Ok(known);
    }
    sqlx::query_scalar(
        "insert into person (workspace_id, person_id, user_id)
         select $1, coalesce(max(person_id), 0) + 1, $2 from person where workspace_id = $1
         returning person_id",
    )
    .bind(workspace.as_str())
    .bind(user.as_str())
    .fetch_one(conn)
    .await
    .map(Some)
    .map_err(from_sqlx)
}

/// Deletes a person whom nothing references any more.
pub(super) async fn forget_unless_referenced(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    user: &UserId,
) -> Result<(), StoreError> {
    sqlx::query(
        "delete from person where workspace_id = $1 and user_id = $2
         and not exists (select 1 from investigation i
             where i.workspace_id = $1 and i.author_id = person.person_id)
         and not exists (select 1 from investigation i
             where i.workspace_id = $1 and i.opener_id = person.person_id)
         and not exists (select 1 from evidence e
             where e.workspace_id = $1 and e.poster_id = person.person_id)
         and not exists (select 1 from outcome o
             where o.workspace_id = $1 and o.recorder_id = person.person_id)",
    )
    .bind(workspace.as_str())
    .bind(user.as_str())
    .execute(conn)
    .await
    .map_err(from_sqlx)?;
    Ok(())
}
