//! Slack's wire: two doors in, one door out; and what Slack exports. This room knows Slack's protocol and shapes; it does not know what a proposal is,
//! where anything is stored, or that a web page and a command line exist.
//!
//! To add a door in: turn what arrives into a [`Delivery`], hand it to `attend`, answer with what comes back.

pub mod access;
mod answers;
mod attached;
mod channel_news;
pub mod chat;
pub mod client;
mod connection;
pub mod decode;
pub mod export;
pub mod files;
pub mod http;
pub mod install;
mod install_page;
mod limits;
pub mod oauth;
pub mod reception;
mod removal;
mod render;
mod renewal;
mod request;
pub mod seal;
pub mod series;
pub mod socket;
mod state;
pub mod workspaces;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use metrics::{counter, histogram};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use url::{Host, Url};

/// The largest delivery that is read, at either door.
pub const DELIVERY_BYTES_MAX: usize = 1024 * 1024;

/// How long a delivery may be worked on. Slack gives up after 3 s; this frees what hangs.
const RECEIVE_MAX: Duration = Duration::from_secs(30);

/// How a delivery ends badly, in metrics: Slack shall send it again; we failed at it; we hung.
const FAULTS: [&str; 3] = [REFUSED, PANICKED, HUNG];
const REFUSED: &str = "refused";
const PANICKED: &str = "panicked";
const HUNG: &str = "hung";

/// One thing Slack sent, as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Which of Slack's three kinds it is.
    pub kind: DeliveryKind,
    /// The raw JSON; of a command, its form fields as an object of strings; of an interaction, the JSON inside `payload=`.
    pub payload: Value,
}

/// Slack's three kinds of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryKind {
    /// Something happened (Events API).
    Events,
    /// Somebody clicked, chose or submitted.
    Interactive,
    /// Somebody typed a slash command.
    Command,
}

impl DeliveryKind {
    const ALL: [Self; 3] = [Self::Events, Self::Interactive, Self::Command];

    /// Its name in metrics and logs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Interactive => "interactive",
            Self::Command => "command",
        }
    }
}

/// What Slack is told about a delivery.
#[derive(Clone, Debug, PartialEq)]
pub enum Acknowledgement {
    /// We have it.
    Empty,
    /// We have it, and this is the answer.
    Body(Value),
    /// It is not recorded: Slack shall send it again.
    Refused,
}

/// Whoever takes what Slack sends, once its sender is known to be Slack.
#[async_trait]
pub trait Receive: Send + Sync + 'static {
    /// Takes one delivery; returns when it is safe to acknowledge it.
    async fn receive(&self, delivery: Delivery) -> Acknowledgement;
}

/// Makes ring the process's TLS provider. Needed once before any client is built; further calls do nothing.
pub fn install_tls_provider() {
    // An error means that a provider is installed already, which is what we want.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Hands a delivery to its receiver. A panic or a hang there becomes a value here, so that no door ever goes deaf.
async fn attend(receive: &dyn Receive, delivery: Delivery) -> Result<Acknowledgement, Unattended> {
    let kind = delivery.kind.label();
    let started = Instant::now();
    let received = AssertUnwindSafe(receive.receive(delivery)).catch_unwind();
    let (outcome, attended) = match timeout(RECEIVE_MAX, received).await {
        Ok(Ok(Acknowledgement::Refused)) => (REFUSED, Ok(Acknowledgement::Refused)),
        Ok(Ok(acknowledgement)) => ("acknowledged", Ok(acknowledgement)),
        Ok(Err(_panic)) => (PANICKED, Err(Unattended::Panicked)),
        Err(_elapsed) => (HUNG, Err(Unattended::Hung)),
    };
    counter!("secondlook_slack_deliveries_total", "kind" => kind, "outcome" => outcome)
        .increment(1);
    histogram!("secondlook_ack_seconds", "kind" => kind).record(started.elapsed());
    if attended.is_err() {
        tracing::error!(slack.delivery = kind, error.kind = outcome, "a delivery was not attended");
    }
    attended
}

/// Why a delivery got no acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unattended {
    Panicked,
    Hung,
}

/// Whether a URL stays on this machine, so that it may go without TLS.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
