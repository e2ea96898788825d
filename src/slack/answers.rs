//! Where a command or a shortcut can be answered for half an hour, wherever it was used: Slack's response addresses.
//!
//! They are kept in memory only. A restart forgets them, and another replica does not know them: then a person is written to
//! directly.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::counter;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::chat::SlackChat;
use super::client::Client;
use super::files::is_slacks_own;
use super::request::{label, refused, send, server_error};
use crate::app::ports::ChatError;
use crate::domain::{ChannelId, UserId, WorkspaceId};

/// An address works for half an hour; the last minute is not relied on.
const LIFE: Duration = Duration::from_mins(29);
/// How often those that work no more are forgotten: with the last minute above, none is kept for longer than half an hour.
const SWEPT_EVERY: Duration = Duration::from_mins(1);
/// So many are kept; beyond that the oldest go.
const KEPT_MAX: usize = 10_000;
/// A longer one is none of Slack's.
const ADDRESS_MAX: usize = 1_000;
/// How long Slack may take to take an answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How much of what Slack says to an answer is read.
const SAID_MAX: usize = 1_000;

type Key = (WorkspaceId, ChannelId, UserId);

/// The last address of each person in each channel.
#[derive(Default)]
pub(super) struct Answers(Mutex<HashMap<Key, (String, Instant)>>);

impl Answers {
    /// Keeps the address that came with what somebody did.
    pub(super) fn keep(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        user: &UserId,
        url: &str,
    ) {
        if url.len() > ADDRESS_MAX {
            return;
        }
        let (mut kept, now) = (self.lock(), Instant::now());
        if kept.len() >= KEPT_MAX
            && let Some(oldest) =
                kept.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| key.clone())
        {
            kept.remove(&oldest);
        }
        let key = (workspace.clone(), channel.clone(), user.clone());
        kept.insert(key, (url.to_owned(), now + LIFE));
    }

    /// The address, as long as it works.
    pub(super) fn address(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        user: &UserId,
    ) -> Option<String> {
        let key = (workspace.clone(), channel.clone(), user.clone());
        let (mut kept, now) = (self.lock(), Instant::now());
        if kept.get(&key).is_some_and(|(_, until)| *until <= now) {
            kept.remove(&key);
        }
        kept.get(&key).map(|(url, _)| url.clone())
    }

    /// Forgets those that work no more, until it is told to stop.
    async fn sweep(&self, cancel: &CancellationToken) {
        while cancel.run_until_cancelled(sleep(SWEPT_EVERY)).await.is_some() {
            let now = Instant::now();
            self.lock().retain(|_, (_, until)| *until > now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (String, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SlackChat {
    /// Forgets response addresses that work no more, until it is told to stop.
    pub async fn forget_answers(&self, cancel: &CancellationToken) {
        self.answers.sweep(cancel).await;
    }
}

impl Client {
    /// Answers at a response address: on Slack's hosts only, and wherever that leads no further.
    pub async fn respond(&self, url: &str, body: &Value) -> Result<(), ChatError> {
        let answered = self.respond_once(url, body).await;
        let outcome = label(&answered);
        counter!("secondlook_slack_calls_total", "method" => "response_url", "outcome" => outcome)
            .increment(1);
        answered
    }

    async fn respond_once(&self, url: &str, body: &Value) -> Result<(), ChatError> {
        let url = Url::parse(url).map_err(|_| refused("not_a_url"))?;
        if !is_slacks_own(&url, &self.base) {
            return Err(refused("foreign_host"));
        }
        let response = send(self.files.post(url).json(body), ANSWER_MAX).await?;
        match response.status() {
            StatusCode::OK => {}
            status if status.is_server_error() => return Err(server_error()),
            status => return Err(refused(&format!("http_{}", status.as_u16()))),
        }
        let said = first(response).await;
        // "ok" as plain text, or an error in an answer that is none.
        match serde_json::from_slice::<Value>(&said) {
            Ok(said) if said["ok"] == false => Err(refused("response_url_refused")),
            _ => Ok(()),
        }
    }
}

/// The beginning of an answer that has arrived, as far as it can be read.
async fn first(mut response: reqwest::Response) -> Vec<u8> {
    let mut said = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        said.extend_from_slice(&chunk);
        if said.len() >= SAID_MAX {
            break;
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn key(n: usize) -> (WorkspaceId, ChannelId, UserId) {
        ("T1".into(), "C1".into(), UserId(format!("U{n}")))
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_is_its_persons_in_its_channel_for_half_an_hour() {
        let answers = Answers::default();
        let (workspace, channel, user) = key(1);
        answers.keep(&workspace, &channel, &user, "https://hooks.slack.com/1");
        answers.keep(&workspace, &channel, &user, "https://hooks.slack.com/2");
        let address = |w: &str, c: &str, u: &str| answers.address(&w.into(), &c.into(), &u.into());
        assert_eq!(address("T1", "C1", "U1").as_deref(), Some("https://hooks.slack.com/2"));
        for (w, c, u) in [("T2", "C1", "U1"), ("T1", "C2", "U1"), ("T1", "C1", "U2")] {
            assert_eq!(address(w, c, u), None);
        }
        advance(LIFE).await;
        assert_eq!(address("T1", "C1", "U1"), None);
        assert!(answers.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_nobody_asks_for_is_gone_after_half_an_hour() {
        let (answers, cancel) = (Answers::default(), CancellationToken::new());
        let (workspace, channel, user) = key(1);
        let begun = Instant::now();
        // A sweep has just been when it comes.
        let story = async {
            sleep(SWEPT_EVERY).await;
            answers.keep(&workspace, &channel, &user, "https://hooks.slack.com/1");
            sleep(Duration::from_mins(28)).await;
            assert_eq!(answers.lock().len(), 1);
            sleep(Duration::from_mins(2)).await;
        };
        tokio::select! {
            () = answers.sweep(&cancel) => panic!("nobody told it to stop"),
            () = story => {}
        }
        assert_eq!(begun.elapsed(), Duration::from_mins(31));
        assert!(answers.lock().is_empty());
        cancel.cancel();
        answers.sweep(&cancel).await;
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_kept_than_there_is_room_for() {
        let answers = Answers::default();
        for n in 0..KEPT_MAX + 5 {
            let (workspace, channel, user) = key(n);
            answers.keep(&workspace, &channel, &user, "https://hooks.slack.com/1");
            if n < 10 {
                advance(Duration::from_secs(1)).await;
            }
        }
        let (workspace, channel, user) = key(0);
        assert_eq!(answers.address(&workspace, &channel, &user), None, "the oldest is gone");
        assert_eq!(answers.lock().len(), KEPT_MAX);
        answers.keep(&workspace, &channel, &user, &"x".repeat(ADDRESS_MAX + 1));
        assert_eq!(answers.address(&workspace, &channel, &user), None);
    }
}
