//! Fetching evidence files.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use secondlook::app::ports::ChatError;
use secondlook::slack::client::Client;

use crate::house::{serve, token};

/// A file server of Slack's, and how often a token reached the place a redirect points to.
async fn files() -> (Client, String, Arc<AtomicUsize>) {
    let stolen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&stolen);
    let elsewhere = serve(Router::new().fallback(move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready("got it")
    }))
    .await;
    let redirect = move || std::future::ready(Redirect::temporary(&elsewhere));
    let endless = || {
        let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>("é".repeat(4096)));
        std::future::ready(axum::body::Body::from_stream(futures_util::stream::iter(chunks)))
    };
    let router = Router::new()
        .route(
            "/log.txt",
            get(async |headers: HeaderMap| {
                headers["authorization"].to_str().expect("text").to_owned()
            }),
        )
        .route("/latin1.txt", get(async || vec![b'a', 0xe9, b'b']))
        .route("/endless.txt", get(endless))
        .route("/login", get(async || axum::response::Html("<html>Sign in</html>")))
        .route("/moved", get(redirect))
        .route("/gone", get(async || StatusCode::NOT_FOUND))
        .route("/forbidden", get(async || StatusCode::FORBIDDEN))
        .route(
            "/limited",
            get(async || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "9")]).into_response()),
        )
        .route("/broken", get(async || StatusCode::BAD_GATEWAY));
    let address = serve(router).await;
    let client = Client::new(&format!("{address}/api")).expect("a client");
    (client, address, stolen)
}

#[tokio::test]
async fn a_file_comes_as_text_and_only_as_much_as_asked_for() {
    let (client, address, _) = files().await;
    let fetch = async |path: &str, bytes_max| {
        client.fetch_text(&token(), &format!("{address}{path}"), bytes_max).await.expect("a text")
    };
    assert_eq!(fetch("/log.txt", 1000).await, "Bearer xoxb-test");
    assert_eq!(fetch("/log.txt", 6).await, "Bearer");
    assert_eq!(fetch("/log.txt", 0).await, "");
    assert_eq!(fetch("/latin1.txt", 1000).await, "a\u{fffd}b");
    let cut = fetch("/endless.txt", 1_000_001).await;
    assert_eq!(cut.len(), 1_000_000, "a character is not cut in two");
    assert!(!cut.contains('\u{fffd}'));
}

#[tokio::test]
async fn what_is_no_file_is_refused_with_its_reason() {
    let (client, address, stolen) = files().await;
    let cases = [
        ("/login", "not_a_file"),
        ("/moved", "not_a_file"),
        ("/gone", "file_not_found"),
        ("/forbidden", "http_403"),
    ];
    for (path, expected) in cases {
        let refused = client.fetch_text(&token(), &format!("{address}{path}"), 1000).await;
        assert!(
            matches!(&refused, Err(ChatError::Refused { code }) if code == expected),
            "{refused:?}"
        );
    }
    assert_eq!(stolen.load(Ordering::SeqCst), 0, "a redirect is not followed");
    let limited = client.fetch_text(&token(), &format!("{address}/limited"), 1000).await;
    assert!(
        matches!(limited, Err(ChatError::RateLimited { retry_after }) if retry_after.as_secs() == 9)
    );
    let broken = client.fetch_text(&token(), &format!("{address}/broken"), 1000).await;
    assert!(matches!(broken, Err(ChatError::Unreachable(_))));
}

#[tokio::test]
async fn a_foreign_host_is_never_asked() {
    let (client, address, stolen) = files().await;
    let other = serve(Router::new().fallback(async || "another port")).await;
    let host = address.strip_prefix("http://").expect("it is http");
    for url in [
        other,
        format!("http://user@{host}/log.txt"),
        "https://files.slack.com/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "nonsense".to_owned(),
    ] {
        let refused = client.fetch_text(&token(), &url, 1000).await;
        assert!(matches!(refused, Err(ChatError::Refused { .. })), "{url}");
    }
    assert_eq!(stolen.load(Ordering::SeqCst), 0);
}
