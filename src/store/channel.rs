//! What people decided about a channel, and what was said there lately.

use jiff::Timestamp;
use sqlx::FromRow;

use super::query::{Conn, sql};
use crate::app::ports::StoreError;
use crate::domain::investigation::CaseNumber;
use crate::domain::policy::{ChannelState, Mode, TOPIC_COOLDOWN};
use crate::domain::{ChannelId, WorkspaceId};
use crate::store::error::Row;

#[derive(FromRow)]
struct ChannelRow {
    revision: i64,
    mode: String,
    paused_until: Option<i64>,
    gone: i64,
    greeted_at: Option<i64>,
    incident_number: Option<i64>,
}

pub(super) async fn load(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
) -> Result<ChannelState, StoreError> {
    let row: Option<ChannelRow> =
        sql("select revision, mode, paused_until, gone, greeted_at, incident_number from channel
         where workspace_id = $1 and channel_id = $2")
        .bind(workspace.as_str())
        .bind(channel.as_str())
        .fetch_optional(&mut *conn)
        .await?;
    let Some(found) = row else { return Ok(ChannelState::default()) };
    let never: Vec<(String,)> =
        sql("select topic from topic_silence where workspace_id = $1 and channel_id = $2
         order by topic")
        .bind(workspace.as_str())
        .bind(channel.as_str())
        .fetch_all(conn)
        .await?;
    let row = Row::new("channel", format!("{workspace}/{channel}"));
    Ok(ChannelState {
        mode: row.word("mode", &found.mode, Mode::parse)?,
        paused_until: found.paused_until.map(|ms| row.time("paused_until", ms)).transpose()?,
        never: never.into_iter().map(|(topic,)| topic).collect(),
        gone: found.gone != 0,
        greeted: found.greeted_at.map(|ms| row.time("greeted_at", ms)).transpose()?,
        incident: found
            .incident_number
            .map(|number| row.number("incident_number", number).map(CaseNumber))
            .transpose()?,
        revision: found.revision,
    })
}

/// Prompts of the channel: what the bot heard and did not keep silent on. One that was dismissed counts with its time,
/// its topic is gone; one whose message was deleted counts if its card had been shown.
pub(super) async fn prompts(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
    now: Timestamp,
) -> Result<Vec<(Timestamp, String)>, StoreError> {
    let rows: Vec<(i64, i64, String)> =
        sql("select i.case_number, i.began_at, coalesce(w.body, '')
         from investigation i
         left join words w on w.workspace_id = i.workspace_id and w.case_number = i.case_number
             and w.field = 'topic'
         where i.workspace_id = $1 and i.channel_id = $2 and i.began_at > $3
             and i.origin = 'heard' and (i.state <> 'silent' or i.card_ts is not null)
         order by i.began_at, i.case_number")
        .bind(workspace.as_str())
        .bind(channel.as_str())
        .bind((now - TOPIC_COOLDOWN).as_millisecond())
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(number, began_at, topic)| {
            let row = Row::new("investigation", format!("{workspace}/{number}"));
            Ok((row.time("began_at", began_at)?, topic))
        })
        .collect()
}

/// Writes what people decided; the prompts are the cases themselves. Tells whether words were erased.
pub(super) async fn save(
    conn: &mut Conn,
    workspace: &WorkspaceId,
    channel: &ChannelId,
    state: &ChannelState,
) -> Result<bool, StoreError> {
    let before = load(conn, workspace, channel).await?;
    if before.revision != state.revision {
        return Err(StoreError::Conflict);
    }
    // Asked again as it is written: somebody else may have decided since we looked.
    let saved =
        sql("insert into channel (workspace_id, channel_id, revision, mode, paused_until, gone,
             greeted_at, incident_number)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (workspace_id, channel_id) do update set
             revision = excluded.revision, mode = excluded.mode,
             paused_until = excluded.paused_until, gone = excluded.gone,
             greeted_at = excluded.greeted_at, incident_number = excluded.incident_number
         where channel.revision = excluded.revision - 1")
        .bind(workspace.as_str())
        .bind(channel.as_str())
        .bind(state.revision + 1)
        .bind(state.mode.as_str())
        .bind(state.paused_until.map(Timestamp::as_millisecond))
        .bind(i64::from(state.gone))
        .bind(state.greeted.map(Timestamp::as_millisecond))
        .bind(state.incident.map(|number| i64::from(number.0)))
        .execute(&mut *conn)
        .await?;
    if saved == 0 {
        return Err(StoreError::Conflict);
    }
    for topic in before.never.iter().filter(|topic| !state.never.contains(topic)) {
        sql("delete from topic_silence where workspace_id = $1 and channel_id = $2 and topic = $3")
            .bind(workspace.as_str())
            .bind(channel.as_str())
            .bind(topic)
            .execute(&mut *conn)
            .await?;
    }
    for topic in state.never.iter().filter(|topic| !before.never.contains(topic)) {
        sql("insert into topic_silence (workspace_id, channel_id, topic) values ($1, $2, $3)
             on conflict do nothing")
        .bind(workspace.as_str())
        .bind(channel.as_str())
        .bind(topic)
        .execute(&mut *conn)
        .await?;
    }
    Ok(before.never.iter().any(|topic| !state.never.contains(topic)))
}
