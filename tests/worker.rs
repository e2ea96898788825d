//! The worker and a fault of our own: work that panics takes nothing else along, and is given up with its reason.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secondlook::app::ports::{
    Backlog, Change, Chat, ChatError, Clock, NewJob, Parked, Post, SystemClock, Work,
};
use secondlook::app::{App, deliver};
use secondlook::domain::channel::{Channel, Patterns};
use secondlook::domain::knowledge::Knowledge;
use secondlook::domain::policy::Limits;
use secondlook::domain::{ChannelId, MessageTs, WorkspaceId};
use secondlook::store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Asked about this channel, the chat panics.
const TOXIC: &str = "C0TOXIC001";
const OTHER: &str = "C0OTHER001";

/// A chat of which only one question is asked.
struct Odd;

#[async_trait]
impl Chat for Odd {
    async fn post(&self, _: &Post<'_>) -> Result<MessageTs, ChatError> {
        unreachable!()
    }

    async fn find(&self, _: &Post<'_>, _: Timestamp) -> Result<Option<MessageTs>, ChatError> {
        unreachable!()
    }

    async fn edit(&self, _: &Post<'_>, _: &MessageTs) -> Result<(), ChatError> {
        unreachable!()
    }

    async fn channel(&self, _: &WorkspaceId, id: &ChannelId) -> Result<Channel, ChatError> {
        assert_ne!(id.as_str(), TOXIC, "what nobody thought of");
        Err(ChatError::Refused { code: "channel_not_found".to_owned() })
    }

    async fn join(&self, _: &WorkspaceId, _: &ChannelId) -> Result<(), ChatError> {
        unreachable!()
    }

    async fn last_said(
        &self,
        _: &WorkspaceId,
        _: &ChannelId,
        _: Timestamp,
    ) -> Result<Option<Timestamp>, ChatError> {
        unreachable!()
    }

    async fn file(&self, _: &WorkspaceId, _: &str, _: usize) -> Result<String, ChatError> {
        unreachable!()
    }
}

struct Moved(Mutex<Timestamp>);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

#[tokio::test]
async fn work_that_panics_is_given_up_and_takes_nothing_along() {
    let store = store::open("sqlite::memory:").await.unwrap();
    let clock = Arc::new(Moved(Mutex::new(SystemClock.now())));
    let workspace = WorkspaceId::from("T1");
    let ask = async |event: &str, channels: &[&str]| {
        let run_at = clock.now();
        let job = |id: &&str| NewJob { work: Work::LookAtChannel(ChannelId::from(*id)), run_at };
        let jobs = channels.iter().map(job).collect();
        let event = Some((workspace.clone(), event.to_owned()));
        let change = Change { event, jobs, ..Change::default() };
        store.commit(&change, run_at).await.unwrap();
    };
    ask("Ev1", &[TOXIC, OTHER]).await;
    let knowledge = Arc::new(Knowledge::embedded().unwrap());
    let app =
        App::new(store.clone(), clock.clone(), knowledge, Limits::default(), Patterns::default());
    let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(deliver::run(Arc::new(app), Arc::new(Odd), cancel.clone()));
    let mut moments = tokio::time::interval(Duration::from_millis(20));
    let mut parked = Vec::new();
    for _ in 0..1_500 {
        moments.tick().await;
        *clock.0.lock().unwrap() += SignedDuration::from_millis(200);
        parked = store.parked(9).await.unwrap();
        if !parked.is_empty() {
            break;
        }
    }
    let because = "it panicked: please report it with its log".to_owned();
    assert_eq!(parked, [Parked { work: format!("channel:{TOXIC}"), because }]);
    // The worker goes on, and a new ask is a new chance.
    ask("Ev2", &[TOXIC, OTHER]).await;
    for _ in 0..1_500 {
        moments.tick().await;
        *clock.0.lock().unwrap() += SignedDuration::from_millis(200);
        let left = store.backlog(clock.now()).await.unwrap();
        if left == (Backlog { parked: 1, ..Backlog::default() }) {
            cancel.cancel();
            tasks.close();
            return tasks.wait().await;
        }
    }
    panic!("work is left: {:?}", store.backlog(clock.now()).await);
}
