//! Requests that go beside slack-morphism: to the token endpoint, to response addresses, for files. How one is sent, and what
//! its end means.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};

use super::limits::retry_after;
use crate::app::ports::ChatError;

/// That Slack said no, in metrics.
pub(super) const REFUSED: &str = "refused";

/// Sends a request once. "Not before" is an error; what any other answer says is the caller's to read.
pub(super) async fn send(request: RequestBuilder, within: Duration) -> Result<Response, ChatError> {
    let response = request.timeout(within).send().await.map_err(|error| lost(&error))?;
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return Ok(response);
    }
    let seconds = header(response.headers(), RETRY_AFTER.as_str()).and_then(|s| s.parse().ok());
    Err(ChatError::RateLimited { retry_after: retry_after(seconds.map(Duration::from_secs)) })
}

/// What a broken connection means: once it stood, the request may have had its effect.
pub(super) fn lost(error: &reqwest::Error) -> ChatError {
    if error.is_connect() {
        ChatError::Unreachable("could not connect".to_owned())
    } else if error.is_timeout() {
        ChatError::Uncertain("no answer in time".to_owned())
    } else {
        ChatError::Uncertain("the connection was lost".to_owned())
    }
}

/// An answer that says that Slack failed at it.
pub(super) fn server_error() -> ChatError {
    ChatError::Uncertain("Slack answered with a server error".to_owned())
}

/// Slack said no.
pub(super) fn refused(code: &str) -> ChatError {
    ChatError::Refused { code: code.to_owned() }
}

/// How a request ended, in metrics.
pub(super) fn label<T>(ended: &Result<T, ChatError>) -> &'static str {
    match ended {
        Ok(_) => "ok",
        Err(ChatError::RateLimited { .. }) => "limited",
        Err(ChatError::Refused { .. }) => REFUSED,
        Err(ChatError::Unreachable(_)) => "not_sent",
        Err(ChatError::Uncertain(_) | ChatError::Unanswered(_)) => "lost",
    }
}

/// A header that can be read.
pub(super) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
