//! Serves a router, to so many callers at once and waiting for none for ever: axum's own way has no limit for the
//! connections, nor a time limit for a request's head.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a request's head may take, and how long a connection may be idle: longer than the minute for which proxies
/// keep one, so that they close it and not we.
const HEAD_MAX: Duration = Duration::from_secs(65);
/// How much of a request's head is read; Slack's have a few hundred bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How many connections are open at once; whoever comes then waits at the door, outside of our memory. Slack and proxies open
/// a few. A process may have 1,024 files open where nobody set more: both doors together leave room for the store and Slack.
const OPEN_MAX: usize = 400;
/// How long nobody is let in after that failed, as it does when there are too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `cancel`, and then to the end of the requests that have begun.
pub async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
    serve_at_most(OPEN_MAX, listener, router, cancel).await;
}

async fn serve_at_most(
    open_max: usize,
    listener: TcpListener,
    router: Router,
    cancel: CancellationToken,
) {
    let (connections, places) = (TaskTracker::new(), Arc::new(Semaphore::new(open_max)));
    while let Some(accepted) = cancel.run_until_cancelled(next(&listener, &places)).await {
        match accepted {
            Ok((stream, place)) => {
                let conversation = converse(stream, router.clone(), cancel.clone());
                connections.spawn(async move {
                    conversation.await;
                    drop(place);
                });
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

/// The next caller, once there is a place for them.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.expect("it is never closed");
    listener.accept().await.map(|(stream, _)| (stream, place))
}

async fn converse(stream: TcpStream, router: Router, cancel: CancellationToken) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = pin!(served);
    // A connection that breaks is its caller's to notice.
    tokio::select! {
        _ = served.as_mut() => return,
        () = cancel.cancelled() => served.as_mut().graceful_shutdown(),
    }
    drop(served.await);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::{Instant, timeout};

    use super::*;

    /// A router that is served, and a connection to it.
    async fn connected(cancel: &CancellationToken) -> (TaskTracker, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(async || "here"));
        let tasks = TaskTracker::new();
        tasks.spawn(serve(listener, router, cancel.clone()));
        tasks.close();
        (tasks, TcpStream::connect(address).await.unwrap())
    }

    /// Asks on a connection, which stays open.
    async fn ask(stream: &mut TcpStream, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1024];
        let read = timeout(Duration::from_secs(30), stream.read(&mut answer)).await;
        let read = read.expect("an answer").unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    #[tokio::test]
    async fn who_finds_every_place_taken_waits_until_one_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let late = move || std::future::ready(count.fetch_add(1, SeqCst).to_string());
        let router = Router::new().route("/", get(async || "here")).route("/late", get(late));
        let (tasks, cancel) = (TaskTracker::new(), CancellationToken::new());
        tasks.spawn(serve_at_most(2, listener, router, cancel.clone()));
        tasks.close();
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            assert!(ask(&mut stream, "/").await.starts_with("HTTP/1.1 200"));
            held.push(stream);
        }
        let mut third = TcpStream::connect(address).await.unwrap();
        let late = ask(&mut third, "/late");
        let others = async {
            // Meanwhile the two are answered a hundred times.
            for n in 0..100 {
                assert!(ask(&mut held[n % 2], "/").await.starts_with("HTTP/1.1 200"));
            }
            assert_eq!(asked.load(SeqCst), 0, "a third was let in");
            drop(held);
        };
        let (answer, ()) = tokio::join!(late, others);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

        // Nor does a full house hold up the stop.
        let _fourth = TcpStream::connect(address).await.unwrap();
        cancel.cancel();
        timeout(Duration::from_secs(10), tasks.wait()).await.expect("nothing is waited for");
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
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
        cancel.cancel();
        timeout(Duration::from_secs(10), tasks.wait()).await.expect("nothing is waited for");
        assert_eq!(stream.read(&mut answer).await.unwrap_or_default(), 0);
    }
}
