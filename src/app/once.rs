//! Says a thing once: what may stand already is looked up before it is posted.

use jiff::Timestamp;

use super::ports::{Chat, ChatError, Job, Post};
use crate::domain::MessageTs;

/// Posts a message that may have been posted before: looks it up first where that is uncertain.
pub(super) async fn once(
    chat: &dyn Chat,
    job: &Job,
    post: &Post<'_>,
    since: Timestamp,
) -> Result<MessageTs, ChatError> {
    if job.uncertain
        && let Some(ts) = look_up(chat, post, since).await?
    {
        return Ok(ts);
    }
    chat.post(post).await
}

/// The same for a message that may stand though the store knows nothing of it: it may have been restored from before.
/// Where the bot may not read what was said, only an attempt in doubt is kept from posting.
pub(super) async fn once_whatever_is_known(
    chat: &dyn Chat,
    job: &Job,
    post: &Post<'_>,
    since: Timestamp,
) -> Result<MessageTs, ChatError> {
    let found = match look_up(chat, post, since).await {
        Err(ChatError::Refused { .. }) if !job.uncertain => None,
        found => found?,
    };
    match found {
        Some(ts) => Ok(ts),
        None => chat.post(post).await,
    }
}

/// Looks for a message of ours, and counts what came of it.
pub(super) async fn look_up(
    chat: &dyn Chat,
    post: &Post<'_>,
    since: Timestamp,
) -> Result<Option<MessageTs>, ChatError> {
    let found = chat.find(post, since).await;
    let outcome = match &found {
        Ok(Some(_)) => "found",
        Ok(None) => "not_there",
        Err(_) => "unreadable",
    };
    metrics::counter!("secondlook_lookups_total", "outcome" => outcome).increment(1);
    found
}
