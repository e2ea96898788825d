//! A worker at work, with a chat that does as the test says and a clock that is moved.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use secondlook::app::ports::{
    Backlog, Change, Chat, ChatError, Clock, NewJob, Parked, Post, Store, Whisper, Work,
};
use secondlook::app::{App, deliver};
use secondlook::domain::channel::{Channel, Patterns};
use secondlook::domain::knowledge::Knowledge;
use secondlook::domain::message::{Message, Place};
use secondlook::domain::policy::Limits;
use secondlook::domain::{ChannelId, MessageTs, WorkspaceId};
use secondlook::store;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::house::TestClock;

/// How long what must happen is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

type Answer = Result<MessageTs, ChatError>;
/// What becomes of a post in a channel.
type Taking = dyn Fn(&str) -> BoxFuture<'static, Answer> + Send + Sync;

/// Takes posts as the test says, and finds what stands.
pub(crate) struct Stub {
    post: Box<Taking>,
    posts: Mutex<Vec<String>>,
    looks: Mutex<Vec<String>>,
    /// How many looks are still to panic.
    pub(crate) sick_looks: AtomicU32,
    /// Channels in which the message stands.
    pub(crate) standing: Mutex<BTreeSet<String>>,
}

#[async_trait]
impl Chat for Stub {
    async fn post(&self, post: &Post<'_>) -> Answer {
        let channel = post.channel.as_str();
        self.posts.lock().unwrap().push(channel.to_owned());
        (self.post)(channel).await
    }

    async fn find(&self, post: &Post<'_>, _: Timestamp) -> Result<Option<MessageTs>, ChatError> {
        let channel = post.channel.as_str();
        self.looks.lock().unwrap().push(channel.to_owned());
        panic_while(&self.sick_looks);
        Ok(self.standing.lock().unwrap().contains(channel).then(stands))
    }

    async fn edit(&self, _: &Post<'_>, _: &MessageTs) -> Result<(), ChatError> {
        Ok(())
    }

    async fn channel(&self, _: &WorkspaceId, id: &ChannelId) -> Result<Channel, ChatError> {
        let name = id.as_str().to_lowercase();
        Ok(Channel { name, private: false, archived: false, external: false, member: true })
    }

    async fn join(&self, _: &WorkspaceId, _: &ChannelId) -> Result<(), ChatError> {
        Ok(())
    }

    async fn last_said(
        &self,
        _: &WorkspaceId,
        _: &ChannelId,
        _: Timestamp,
    ) -> Result<Option<Timestamp>, ChatError> {
        Ok(None)
    }

    async fn is_installed(&self, _: &WorkspaceId) -> Result<bool, ChatError> {
        Ok(true)
    }

    async fn replies(
        &self,
        _: &WorkspaceId,
        _: &Place,
        _: &MessageTs,
    ) -> Result<Vec<Message>, ChatError> {
        Ok(Vec::new())
    }

    async fn tell(&self, _: &Whisper<'_>) -> Result<(), ChatError> {
        Ok(())
    }

    async fn file(&self, _: &WorkspaceId, _: &str, _: usize) -> Result<String, ChatError> {
        Ok(String::new())
    }
}

/// What a post that was taken answers.
pub(crate) fn stands() -> MessageTs {
    MessageTs::from("1763719200.000100")
}

/// Panics as often as is still left to.
fn panic_while(left: &AtomicU32) {
    let one_less = |left: u32| left.checked_sub(1);
    let sick = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
    assert!(!sick, "as the test wants it");
}

/// The clock as the worker reads it.
struct WorkersClock {
    clock: Arc<TestClock>,
    sick_reads: Arc<AtomicU32>,
}

impl Clock for WorkersClock {
    fn now(&self) -> Timestamp {
        panic_while(&self.sick_reads);
        self.clock.now()
    }
}

/// A worker at work until it is dropped.
pub(crate) struct Office {
    pub(crate) app: Arc<App>,
    pub(crate) chat: Arc<Stub>,
    pub(crate) clock: Arc<TestClock>,
    /// How often the worker is still to panic when it reads the clock, as each turn of its loop does.
    pub(crate) sick_reads: Arc<AtomicU32>,
    store: Arc<dyn Store>,
    cancel: CancellationToken,
    worker: TaskTracker,
}

impl Office {
    /// `post` is what becomes of a post in a channel.
    pub(crate) async fn open<A>(post: impl Fn(&str) -> A + Send + Sync + 'static) -> Self
    where
        A: Future<Output = Answer> + Send + 'static,
    {
        let chat = Arc::new(Stub {
            post: Box::new(move |channel| Box::pin(post(channel))),
            posts: Mutex::default(),
            looks: Mutex::default(),
            sick_looks: AtomicU32::new(0),
            standing: Mutex::default(),
        });
        let clock = Arc::new(TestClock::new());
        let store = store::open("sqlite::memory:").await.unwrap();
        let knowledge = Arc::new(Knowledge::embedded().unwrap());
        let (limits, patterns) = (Limits::default(), Patterns::default());
        let sick_reads = Arc::new(AtomicU32::new(0));
        let workers = WorkersClock { clock: clock.clone(), sick_reads: sick_reads.clone() };
        let app = App::new(store.clone(), Arc::new(workers), knowledge, limits, patterns);
        let app = Arc::new(app);
        let (cancel, worker) = (CancellationToken::new(), TaskTracker::new());
        worker.spawn(deliver::run(app.clone(), chat.clone(), cancel.clone()));
        Self { app, chat, clock, sick_reads, store, cancel, worker }
    }

    /// Asks the worker to greet these channels of a workspace.
    pub(crate) async fn greet(&self, workspace: &str, channels: &[String]) {
        let greet = |channel: &String| NewJob {
            work: Work::Greet(ChannelId(channel.clone())),
            run_at: self.clock.now(),
        };
        let workspace = WorkspaceId::from(workspace);
        let cause = format!("greet {channels:?}");
        let change = Change {
            event: Some((workspace, cause)),
            jobs: channels.iter().map(greet).collect(),
            ..Change::default()
        };
        self.store.commit(&change, self.clock.now()).await.unwrap();
    }

    /// Waits for something, while time stands still for the worker.
    pub(crate) async fn see<T>(&self, what: &str, mut see: impl FnMut(&Stub) -> Option<T>) -> T {
        let seen = async {
            loop {
                if let Some(seen) = see(&self.chat) {
                    return seen;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, seen).await.unwrap_or_else(|_| panic!("in vain: {what}"))
    }

    /// Waits until the one job there is was tried and waits; returns in how many seconds it is due.
    pub(crate) async fn due_in(&self) -> i128 {
        let waits = async {
            loop {
                let next = self.store.next_due(&[]).await.unwrap().expect("a job");
                // In flight, it is due when its claim runs out.
                // The store keeps milliseconds.
                match (next.duration_since(self.clock.now()).as_millis() + 500) / 1000 {
                    0 | 30 => tokio::task::yield_now().await,
                    seconds => return seconds,
                }
            }
        };
        timeout(PATIENCE, waits).await.expect("the job waits")
    }

    async fn backlog_at(&self, at: Timestamp) -> Backlog {
        self.store.backlog(at).await.unwrap()
    }

    /// Moves time on by seconds, one at a time, until nothing waits within the hour.
    pub(crate) async fn time_passes_until_done(&self) {
        let done = async {
            while self.backlog_at(self.clock.now() + SignedDuration::from_hours(1)).await.due > 0 {
                self.clock.advance(SignedDuration::from_millis(50));
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, done).await.expect("all work is done");
    }

    /// Waits until the app is ready, or is not.
    pub(crate) async fn becomes_ready(&self, ready: bool) {
        let becomes = async {
            while self.app.ready().await.is_ok() != ready {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, becomes).await.unwrap_or_else(|_| panic!("in vain: ready is {ready}"));
    }

    /// Lets time pass by every clock there is, and those who wait for it come round.
    pub(crate) async fn all_time_passes(&self, seconds: u32) {
        self.pass(seconds.into());
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds.into())).await;
        tokio::time::resume();
    }

    /// Waits until every claim was prolonged within the last five seconds.
    pub(crate) async fn claims_are_held(&self) {
        let held = async {
            loop {
                let runs_out = self.store.next_due(&[]).await.unwrap().expect("claims");
                if runs_out.duration_since(self.clock.now()) > SignedDuration::from_secs(24) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, held).await.expect("the claims are held");
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    pub(crate) async fn parked(&self) -> Vec<Parked> {
        self.store.parked(100).await.unwrap()
    }

    /// How often each piece of work that waits now was claimed by the worker; it is claimed here, and the worker's no more.
    pub(crate) async fn claims_of_what_waits(&self) -> Vec<i64> {
        let soon = self.clock.now() + SignedDuration::from_secs(2);
        let waiting = self.store.claim(soon, soon, 100, &[]).await.unwrap();
        waiting.iter().map(|job| job.lease - 1).collect()
    }

    /// How often was posted in a channel.
    pub(crate) fn posts(&self, channel: &str) -> usize {
        self.chat.posts.lock().unwrap().iter().filter(|c| *c == channel).count()
    }

    /// How often a channel was looked through.
    pub(crate) fn looks(&self, channel: &str) -> usize {
        self.chat.looks.lock().unwrap().iter().filter(|c| *c == channel).count()
    }

    /// Stops the worker; it finishes what it has begun.
    pub(crate) async fn close(self) {
        self.cancel.cancel();
        self.worker.close();
        timeout(PATIENCE, self.worker.wait()).await.expect("the worker ends");
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
