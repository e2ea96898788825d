//! Serves a router, and waits for no request for ever: axum's own way has no time limit for a request's head.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a request's head may take, and how long a connection may be idle: longer than the minute for which proxies
/// keep one, so that they close it and not we.
const HEAD_MAX: Duration = Duration::from_secs(65);
/// How much of a request's head is read; Slack's have a few hundred bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long nobody is let in after that failed, as it does when there are too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `cancel`, and then to the end of the requests that have begun.
pub async fn serve(listener: TcpListener, router: Router, cancel: CancellationToken) {
    let connections = TaskTracker::new();
    while let Some(accepted) = cancel.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, router.clone(), cancel.clone()));
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
