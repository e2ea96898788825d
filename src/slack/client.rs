//! The door out: one call of Slack's Web API, with its limits, its time limit, and an honest word on whether it had its effect.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use hyper_rustls::HttpsConnectorBuilder;
use metrics::{counter, histogram};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::hyper_tokio::{SlackClientHyperConnector, SlackHyperClient};
use slack_morphism::{ClientResult, SlackApiToken, SlackClient};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::access::reason;
use super::is_loopback;
use super::limits::{Limits, RETRY_AFTER_UNSAID, retry_after};
use super::request::REFUSED;
use crate::app::ports::ChatError;

/// How long one attempt may take.
const CALL_MAX: Duration = Duration::from_secs(10);

const TOO_LATE: &str = "no answer in time";

/// A reading call is repeated here only as long as the caller has waited less than this.
const REPEAT_WITHIN: Duration = Duration::from_secs(5);

/// Slack's Web API and files, as one address.
pub struct Client {
    api: SlackHyperClient,
    limits: Limits,
    pub(super) base: Url,
    pub(super) files: reqwest::Client,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The API's address can't be used.
    #[error("the address of Slack's API {0}")]
    BadUrl(&'static str),
    /// TLS can't be set up, most often because the system's root certificates are missing.
    #[error("could not set up TLS (are the system's CA certificates installed?): {0}")]
    Tls(String),
}

/// Whether a method only reads: then a lost answer is no harm, and it may be asked again.
///
/// All but two of them are asked by query: many of Slack's reading methods ignore a JSON body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    ReadsByQuery,
    ReadsByBody,
    Writes,
}

impl Nature {
    fn of(method: &str) -> Self {
        match method {
            "auth.test" | "apps.connections.open" => Self::ReadsByBody,
            "users.conversations" | "users.lookupByEmail" | "reactions.get" => Self::ReadsByQuery,
            _ => match method.rsplit('.').next() {
                Some("info" | "list" | "history" | "replies" | "members" | "getPermalink") => {
                    Self::ReadsByQuery
                }
                _ => Self::Writes,
            },
        }
    }
}

impl Client {
    /// A client of the API at this address (`https://slack.com/api`, with or without a trailing slash).
    pub fn new(base_url: &str) -> Result<Self, ClientError> {
        super::install_tls_provider();
        let base = base_url_of(base_url)?;
        let local = base.scheme() == "http";
        let connector = HttpsConnectorBuilder::new();
        let connector = if local {
            // A stand-in on this machine needs no certificates, not even an image that has some.
            let no_roots = rustls::ClientConfig::builder()
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            connector.with_tls_config(no_roots)
        } else {
            connector.with_native_roots().map_err(|error| ClientError::Tls(error.to_string()))?
        };
        let connector = connector.https_or_http().enable_http1().enable_http2().build();
        let connector = SlackClientHyperConnector::with_connector(connector)
            .with_slack_api_url(base.as_str().trim_end_matches('/'));
        let files = super::files::http_client(local)?;
        Ok(Self { api: SlackClient::new(connector), limits: Limits::new(), base, files })
    }

    /// Calls a method. A reading call is repeated for a few seconds; a writing call is tried once and never waits:
    /// what it returns tells the outbox when, and whether, to try again.
    ///
    /// `channel` is the channel whose pace the call must keep.
    pub async fn call(
        &self,
        token: &SecretString,
        method: &'static str,
        body: &Value,
        channel: Option<&str>,
    ) -> Result<Value, ChatError> {
        let started = Instant::now();
        let mut waits = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(250))
            .with_jitter()
            .build();
        loop {
            let answer = self.call_once(token, method, body, channel).await;
            let wait = match &answer {
                Err(ChatError::RateLimited { retry_after }) => Some(*retry_after),
                Err(ChatError::Unreachable(_)) => waits.next(),
                _ => None,
            };
            match wait {
                Some(wait)
                    if Nature::of(method) != Nature::Writes
                        && started.elapsed().saturating_add(wait) < REPEAT_WITHIN =>
                {
                    sleep(wait).await;
                }
                _ => return answer,
            }
        }
    }

    /// Calls a method, once.
    pub(super) async fn call_once(
        &self,
        token: &SecretString,
        method: &'static str,
        body: &Value,
        channel: Option<&str>,
    ) -> Result<Value, ChatError> {
        let started = Instant::now();
        let answer = match self.limits.admit(token.expose_secret(), method, channel) {
            Err(retry_after) => Err(Fault::Held { retry_after }),
            Ok(()) => judge(timeout(CALL_MAX, self.send(token, method, body)).await),
        };
        let outcome = answer.as_ref().err().map_or("ok", Fault::label);
        counter!("secondlook_slack_calls_total", "method" => method, "outcome" => outcome)
            .increment(1);
        histogram!("secondlook_slack_call_seconds", "method" => method).record(started.elapsed());
        tracing::debug!(
            slack.method = method,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            error.kind = outcome,
            "called Slack"
        );
        answer.map_err(|fault| {
            if let Fault::Limited { retry_after, whole_workspace } = fault {
                let channel = channel.filter(|_| !whole_workspace);
                self.limits.pause(token.expose_secret(), method, channel, retry_after);
            }
            fault.for_a(Nature::of(method))
        })
    }

    async fn send(
        &self,
        token: &SecretString,
        method: &'static str,
        body: &Value,
    ) -> ClientResult<Value> {
        let token = SlackApiToken::new(token.expose_secret().to_owned().into());
        let session = self.api.open_session(&token);
        let api = &session.http_session_api;
        if Nature::of(method) == Nature::ReadsByQuery {
            api.http_get(method, &query(body), None).await
        } else {
            api.http_post(method, body, None).await
        }
    }
}

/// The fields of a body as query parameters, in Slack's way: lists are joined by commas.
fn query(body: &Value) -> Vec<(&str, Option<String>)> {
    let as_text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let fields = body.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| match value {
            Value::Array(values) => {
                let values: Vec<String> = values.iter().filter_map(as_text).collect();
                (name.as_str(), Some(values.join(",")))
            }
            value => (name.as_str(), as_text(value)),
        })
        .collect()
}

fn base_url_of(text: &str) -> Result<Url, ClientError> {
    let url = Url::parse(text).map_err(|_| ClientError::BadUrl("is not a URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(ClientError::BadUrl("may be plain http only on this machine")),
        _ => return Err(ClientError::BadUrl("must begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ClientError::BadUrl("must not hold a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ClientError::BadUrl("must not hold a query or a fragment"));
    }
    Ok(url)
}

/// What went wrong with one attempt, before asking what that means for the method.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// Our own limits said no.
    Held { retry_after: Duration },
    /// Slack said "not before".
    Limited { retry_after: Duration, whole_workspace: bool },
    /// Slack said no.
    Refused { code: String },
    /// Nothing was sent.
    NotSent,
    /// It was sent, and what became of it isn't known.
    Lost(&'static str),
    /// It was sent, and may be worked on still: we, or a proxy, waited no longer.
    TooLate,
}

impl Fault {
    fn label(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Limited { .. } => "limited",
            Self::Refused { .. } => REFUSED,
            Self::NotSent => "not_sent",
            Self::Lost(_) | Self::TooLate => "lost",
        }
    }

    /// A lost answer leaves a writing call uncertain; a reading call is merely unanswered.
    fn for_a(self, nature: Nature) -> ChatError {
        match self {
            Self::Held { retry_after } | Self::Limited { retry_after, .. } => {
                ChatError::RateLimited { retry_after }
            }
            Self::Refused { code } => ChatError::Refused { code },
            Self::NotSent => ChatError::Unreachable("could not connect".to_owned()),
            Self::Lost(what) if nature == Nature::Writes => ChatError::Uncertain(what.to_owned()),
            Self::Lost(what) => ChatError::Unreachable(what.to_owned()),
            Self::TooLate if nature == Nature::Writes => ChatError::Unanswered(TOO_LATE.to_owned()),
            Self::TooLate => ChatError::Unreachable(TOO_LATE.to_owned()),
        }
    }

    /// What an error code in an answer means. The first three may have had part of their effect, as Slack's reference says.
    fn of_code(code: &str) -> Self {
        match code {
            "internal_error" | "fatal_error" | "service_unavailable" => {
                Self::Lost("Slack reports a fault of its own")
            }
            "message_limit_exceeded" => {
                Self::Limited { retry_after: RETRY_AFTER_UNSAID, whole_workspace: true }
            }
            "ratelimited" | "rate_limited" => {
                Self::Limited { retry_after: RETRY_AFTER_UNSAID, whole_workspace: false }
            }
            code => Self::Refused { code: reason(code) },
        }
    }
}

/// Reads what slack-morphism made of the answer. Its errors show whole bodies, so none of them leaves this function.
fn judge(answer: Result<ClientResult<Value>, Elapsed>) -> Result<Value, Fault> {
    match answer {
        Err(_elapsed) => Err(Fault::TooLate),
        Ok(Ok(answer)) => judge_body(answer),
        Ok(Err(SlackClientError::ApiError(error))) => Err(Fault::of_code(&error.code)),
        Ok(Err(SlackClientError::RateLimitError(error))) => Err(Fault::Limited {
            retry_after: retry_after(error.retry_after),
            whole_workspace: error.code.as_deref() == Some("message_limit_exceeded"),
        }),
        Ok(Err(SlackClientError::HttpError(error))) => match error.status_code.as_u16() {
            // A proxy's words for a time limit of its own.
            504 | 524 => Err(Fault::TooLate),
            408 | 500.. => Err(Fault::Lost("Slack answered with a server error")),
            status => Err(Fault::Refused { code: format!("http_{status}") }),
        },
        // The body was no answer as slack-morphism knows it; it may still be one. A 429 without a JSON body and without a
        // content type ends here too: its status is gone, so it counts as lost, which is the careful reading.
        Ok(Err(SlackClientError::ProtocolError(error))) => error
            .json_body
            .and_then(|body| serde_json::from_str(&body).ok())
            .map_or(Err(Fault::Lost("the answer is unreadable")), judge_body),
        Ok(Err(SlackClientError::HttpProtocolError(error))) => {
            // hyper-util says whether it had connected only in its text; `refused_connections_sent_nothing` holds it to that.
            let cause = error.cause.map(|cause| cause.to_string()).unwrap_or_default();
            Err(if cause == "client error (Connect)" {
                Fault::NotSent
            } else {
                Fault::Lost("the connection was lost")
            })
        }
        Ok(Err(_)) => Err(Fault::Lost("the connection was lost")),
    }
}

/// `ok` decides. slack-morphism takes a 200 that isn't JSON (a proxy's page) for an empty object; here that is no answer.
fn judge_body(answer: Value) -> Result<Value, Fault> {
    match (answer["ok"].as_bool(), answer["error"].as_str()) {
        (Some(true), _) => Ok(answer),
        (_, Some(code)) => Err(Fault::of_code(code)),
        _ => Err(Fault::Lost("the answer is unreadable")),
    }
}
