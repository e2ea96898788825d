//! Serves a router, and waits for no request for ever: axum's own way has no time limit for a request's head.

use std::future::ready;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a request's head may take, and how long a connection may be idle: longer than the minute for which proxies
/// keep one, so that they close it and not we.
const HEAD_MAX: Duration = Duration::from_secs(65);
/// How much of a request's head is read; Slack's have a few hundred bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long nobody is let in after that failed, as it does when there are too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// How many connections there are at once: where nobody raised that, a process may have 1,024 files open, and both doors
/// together leave room for the store and for calls of Slack.
const CONNECTIONS_MAX: usize = 400;

/// Serves until `cancel`, and then to the end of the requests that have begun.
pub async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
    serve_at_most(CONNECTIONS_MAX, listener, router, cancel).await;
}

/// Whoever comes when there are `most` takes the place of the one that was given no answer for longest: strangers who hold
/// connections keep nobody out.
async fn serve_at_most(
    most: usize,
    listener: TcpListener,
    router: Router,
    cancel: CancellationToken,
) {
    let (connections, mut guests) = (TaskTracker::new(), Vec::new());
    while let Some(accepted) = cancel.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                guests.retain(|guest: &Weak<Guest>| guest.strong_count() > 0);
                if guests.len() >= most {
                    send_one_away(&mut guests);
                }
                let guest = Arc::new(Guest::new());
                guests.push(Arc::downgrade(&guest));
                connections.spawn(converse(stream, router.clone(), guest, cancel.clone()));
            }
            Err(error) => {
                tracing::warn!(error.kind = %error.kind(), "a connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Somebody who is connected.
struct Guest {
    /// When they came, or were answered last.
    answered: Mutex<Instant>,
    leave: Notify,
}

impl Guest {
    fn new() -> Self {
        Self { answered: Mutex::new(Instant::now()), leave: Notify::new() }
    }

    fn answered(&self) -> MutexGuard<'_, Instant> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn send_one_away(guests: &mut Vec<Weak<Guest>>) {
    let answered = guests.iter().map(|guest| guest.upgrade().map(|guest| *guest.answered()));
    let Some((longest, _)) = answered.enumerate().min_by_key(|(_, answered)| *answered) else {
        return;
    };
    if let Some(guest) = guests.swap_remove(longest).upgrade() {
        guest.leave.notify_one();
    }
}

async fn converse(stream: TcpStream, router: Router, guest: Arc<Guest>, cancel: CancellationToken) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    let host = Arc::clone(&guest);
    let router = router.layer(map_response(move |answer: Response| {
        *host.answered() = Instant::now();
        ready(answer)
    }));
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = pin!(served);
    // A connection that breaks is its caller's to notice.
    tokio::select! {
        _ = served.as_mut() => return,
        () = guest.leave.notified() => return,
        () = cancel.cancelled() => served.as_mut().graceful_shutdown(),
    }
    drop(served.await);
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    /// A router that is served, and where.
    async fn served(most: usize, cancel: &CancellationToken) -> (TaskTracker, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let tasks = TaskTracker::new();
        tasks.spawn(serve_at_most(most, listener, router, cancel.clone()));
        tasks.close();
        (tasks, address)
    }

    /// A router that is served, and a connection to it.
    async fn connected(cancel: &CancellationToken) -> (TaskTracker, TcpStream) {
        let (tasks, address) = served(CONNECTIONS_MAX, cancel).await;
        (tasks, TcpStream::connect(address).await.unwrap())
    }

    /// Asks for the page on a connection of its own, which stays open.
    async fn asking(address: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(HEAD).await.unwrap();
        stream
    }

    /// Whether a whole answer comes, waited for not as long as an idle connection is kept.
    async fn is_answered(stream: &mut TcpStream) -> bool {
        let (mut answer, mut part) = (Vec::new(), [0; 1024]);
        while !answer.ends_with(b"here") {
            match timeout(HEAD_MAX / 2, stream.read(&mut part)).await {
                Ok(Ok(read)) if read > 0 => answer.extend_from_slice(&part[..read]),
                _ => return false,
            }
        }
        answer.starts_with(b"HTTP/1.1 200")
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_takes_the_place_of_who_was_given_no_answer_for_longest() {
        let (_tasks, address) = served(2, &CancellationToken::new()).await;
        let (mut one, mut two) = (asking(address).await, asking(address).await);
        assert!(is_answered(&mut one).await && is_answered(&mut two).await);
        sleep(Duration::from_secs(1)).await;
        one.write_all(HEAD).await.unwrap();
        assert!(is_answered(&mut one).await, "the second was answered before");
        let mut three = asking(address).await;
        assert!(is_answered(&mut three).await);
        let left = timeout(HEAD_MAX / 2, two.read(&mut [0; 8])).await;
        assert_eq!(left.expect("it had to go").unwrap_or(0), 0);
        one.write_all(HEAD).await.unwrap();
        assert!(is_answered(&mut one).await, "it stays");
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_head_is_not_waited_for_for_ever() {
        let (_tasks, mut stream) = connected(&CancellationToken::new()).await;
        let begun = Instant::now();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-half").await.unwrap();
        let mut answer = Vec::new();
        timeout(Duration::from_mins(5), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!((begun.elapsed().as_secs(), answer.len()), (65, 0));
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let (_tasks, mut stream) = connected(&CancellationToken::new()).await;
        let mut answer = Vec::new();
        // It may be refused, and the connection broken, before all of it is written.
        drop(stream.write_all(b"GET / HTTP/1.1\r\nx: ").await);
        drop(stream.write_all(&vec![b'x'; 4 * HEAD_BYTES_MAX]).await);
        drop(timeout(Duration::from_secs(30), stream.read_to_end(&mut answer)).await.unwrap());
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }

    #[tokio::test]
    async fn an_idle_connection_ends_with_the_stop() {
        let cancel = CancellationToken::new();
        let (tasks, mut stream) = connected(&cancel).await;
        stream.write_all(HEAD).await.unwrap();
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        cancel.cancel();
        timeout(Duration::from_secs(10), tasks.wait()).await.expect("nothing is waited for");
        assert_eq!(stream.read(&mut answer).await.unwrap_or_default(), 0);
    }
}
