//! Posts in doubt: looked up before they are repeated.
//!
//! A post whose connection broke, or that the chat failed at, has its effect by now or never: one look soon. One that was
//! not answered in our time may be on its way still, in the chat or in a proxy: it is looked up when the slowest that is
//! plausible has come, and once more after as long again.

use jiff::{SignedDuration, Timestamp};

use super::deliver::Failed;
use super::ports::{Chat, ChatError, Doubt, Job, JobEnd, Post, StoreError};
use crate::domain::MessageTs;

/// How long after we gave it up a post may still appear, and how long after that before it counts as lost.
const SLOWEST_EFFECT: SignedDuration = SignedDuration::from_mins(1);

/// Posts a message that may have been posted before: looks it up first where that is uncertain.
pub(super) async fn once(
    chat: &dyn Chat,
    job: &Job,
    post: &Post<'_>,
    since: Timestamp,
) -> Result<MessageTs, Failed> {
    match look_up(chat, job, post, since).await? {
        Some(ts) => Ok(ts),
        None => Ok(chat.post(post).await?),
    }
}

/// The same for a message that may stand though the store knows nothing of it: it may have been restored from before.
/// Where the bot may not read what was said, only an attempt in doubt is kept from posting.
pub(super) async fn once_whatever_is_known(
    chat: &dyn Chat,
    job: &Job,
    post: &Post<'_>,
    since: Timestamp,
) -> Result<MessageTs, Failed> {
    if job.doubt > Doubt::None {
        return once(chat, job, post, since).await;
    }
    match find(chat, post, since).await {
        Ok(Some(ts)) => Ok(ts),
        Ok(None) | Err(ChatError::Refused { .. }) => Ok(chat.post(post).await?),
        Err(error) => Err(error.into()),
    }
}

/// Looks for the message of an attempt in doubt; an error when it may still come.
pub(super) async fn look_up(
    chat: &dyn Chat,
    job: &Job,
    post: &Post<'_>,
    since: Timestamp,
) -> Result<Option<MessageTs>, Failed> {
    if job.doubt == Doubt::None {
        return Ok(None);
    }
    match find(chat, post, since).await.map_err(unseen)? {
        None if job.doubt == Doubt::Twice => {
            Err(ChatError::Unanswered("it does not stand there yet".to_owned()).into())
        }
        found => Ok(found),
    }
}

/// Where the chat shows us nothing, the message stands or not: nobody knows. Where we are not let in, we look when we are.
fn unseen(error: ChatError) -> Failed {
    match error {
        ChatError::Refused { code }
            if !ChatError::may_heal(&code) && !ChatError::not_let_in(&code) =>
        {
            Failed::NotLookedUp(code)
        }
        error => error.into(),
    }
}

async fn find(
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

/// How an attempt ends that may still have its effect, or whose first look found nothing.
pub(super) fn look_later(job: &Job, now: Timestamp) -> JobEnd {
    let left = if job.doubt == Doubt::Twice { Doubt::Once } else { Doubt::Twice };
    JobEnd::RetryAt(now + SLOWEST_EFFECT, left)
}

/// How an attempt ends that broke off: it may have had its effect, and no look that is still to come is spared by it.
pub(super) fn look_at(job: &Job, at: Timestamp) -> JobEnd {
    JobEnd::RetryAt(at, job.doubt.max(Doubt::Once))
}

/// The message stands but the store does not know it: the next attempt must look before it posts.
pub(super) fn posted_not_recorded(_: StoreError) -> Failed {
    Failed::Chat(ChatError::Uncertain("posted, not recorded".to_owned()))
}
