//! Answering at the address that came with a command: on Slack's hosts only, and never further.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::post;
use secondlook::app::ports::ChatError;
use secondlook::slack::client::Client;
use serde_json::{Value, json};

use crate::house::serve;

/// What takes answers, and how often a place it leads to was asked.
async fn hooks() -> (Client, String, String, Arc<AtomicUsize>) {
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&elsewhere);
    let other = serve(Router::new().fallback(move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready("got it")
    }))
    .await;
    let there = other.clone();
    let redirect = move || std::future::ready(Redirect::temporary(&there));
    let router = Router::new()
        .route(
            "/ok",
            post(async |body: axum::Json<Value>| {
                body["text"].as_str().map_or(r#"{"ok":false}"#, |_| "ok")
            }),
        )
        .route(
            "/used",
            post(async || (StatusCode::NOT_FOUND, r#"{"ok":false,"error":"used_url"}"#)),
        )
        .route("/no", post(async || r#"{"ok":false,"error":"expired_url"}"#))
        .route("/moved", post(redirect))
        .route(
            "/limited",
            post(async || (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "9")]).into_response()),
        )
        .route("/broken", post(async || StatusCode::BAD_GATEWAY));
    let address = serve(router).await;
    let client = Client::new(&format!("{address}/api")).expect("a client");
    (client, address, other, elsewhere)
}

#[tokio::test]
async fn an_answer_is_taken_or_refused_with_its_reason() {
    let (client, address, _, elsewhere) = hooks().await;
    let said = json!({"text": "hello"});
    let answer = async |path: &str| client.respond(&format!("{address}{path}"), &said).await;
    assert!(answer("/ok").await.is_ok());
    for (path, expected) in
        [("/used", "http_404"), ("/no", "response_url_refused"), ("/moved", "http_307")]
    {
        let refused = answer(path).await;
        assert!(
            matches!(&refused, Err(ChatError::Refused { code }) if code == expected),
            "{path}: {refused:?}"
        );
    }
    let limited = answer("/limited").await;
    assert!(
        matches!(limited, Err(ChatError::RateLimited { retry_after }) if retry_after.as_secs() == 9)
    );
    assert!(matches!(answer("/broken").await, Err(ChatError::Uncertain(_))));
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0, "a redirect is not followed");
}

#[tokio::test]
async fn an_answer_goes_to_no_foreign_host() {
    let (client, address, other, elsewhere) = hooks().await;
    let host = address.strip_prefix("http://").expect("it is http");
    for url in [
        other,
        format!("http://user@{host}/ok"),
        "https://hooks.slack.com/commands/T1/2/3".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "file:///etc/passwd".to_owned(),
        "nonsense".to_owned(),
    ] {
        let refused = client.respond(&url, &json!({"text": "hello"})).await;
        assert!(matches!(refused, Err(ChatError::Refused { .. })), "{url}: {refused:?}");
    }
    assert_eq!(elsewhere.load(Ordering::SeqCst), 0);
}
