//! People whom something recorded references.

use sqlx::AssertSqlSafe;

use super::query::{Conn, sql};
use crate::app::ports::StoreError;
use crate::domain::{UserId, WorkspaceId};

/// The id of a person in our tables, made when they have none.
pub(super) async fn id(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    user: Option<&UserId>,
) -> Result<Option<i64>, StoreError> {
    let Some(user) = user else { return Ok(None) };
    let known: Option<(i64,)> =
        sql("select person_id from person where workspace_id = $1 and user_id = $2")
            .bind(workspace.as_str())
            .bind(user.as_str())
            .fetch_optional(&mut *conn)
            .await?;
    if let Some((id,)) = known {
        return Ok(Some(id));
    }
    // PostgreSQL counts by itself: two who look for the highest number at once would find the same.
    let next = conn.either(
        "(select coalesce(max(person_id), 0) + 1 from person where workspace_id = $1)",
        "default",
    );
    let text = format!(
        "insert into person (workspace_id, person_id, user_id) values ($1, {next}, $2)
         on conflict (workspace_id, user_id) do update set user_id = excluded.user_id
         returning person_id"
    );
    sql(AssertSqlSafe(text))
        .bind(workspace.as_str())
        .bind(user.as_str())
        .fetch_value(conn)
        .await
        .map(Some)
}

/// Deletes a person whom nothing references any more.
pub(super) async fn forget_unless_referenced(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    user: &UserId,
) -> Result<(), StoreError> {
    sql("delete from person where workspace_id = $1 and user_id = $2
         and not exists (select 1 from investigation i
             where i.workspace_id = $1 and i.author_id = person.person_id)
         and not exists (select 1 from investigation i
             where i.workspace_id = $1 and i.opener_id = person.person_id)
         and not exists (select 1 from evidence e
             where e.workspace_id = $1 and e.poster_id = person.person_id)
         and not exists (select 1 from outcome o
             where o.workspace_id = $1 and o.recorder_id = person.person_id)")
    .bind(workspace.as_str())
    .bind(user.as_str())
    .execute(conn)
    .await?;
    Ok(())
}
