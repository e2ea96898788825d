//! Signed events at a steady pace, whatever the program does, and how it acknowledged them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use secondlook::playground::sign;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::bench::{Bench, CHANNELS, channel, workspace};
use crate::house::{BACKEND, MAYA};

/// Events that are on their way at once; a sender with more waits, and its wait counts.
const AT_ONCE: usize = 256;
/// A timer wakes us this late without being to blame; what is later counts as the program's.
const TICK: Duration = Duration::from_millis(2);

const ORDINARY: [&str; 4] = [
    "morning! did anybody see the deploy of yesterday evening?",
    "the build is green again, thanks",
    "can somebody have a look at my pull request? it only moves the tests",
    "we switched the cron job to 6 am last week, the report is on the wiki",
];
const LEFT: [&str; 40] = [
    "Mailchimp",
    "Jenkins",
    "Datadog",
    "MongoDB",
    "Heroku",
    "Jira",
    "Kafka",
    "Elasticsearch",
    "Redis",
    "Terraform",
    "Kubernetes",
    "RabbitMQ",
    "MySQL",
    "Salesforce",
    "Sentry",
    "CircleCI",
    "Cassandra",
    "Grafana",
    "Zendesk",
    "Okta",
    "Postgres",
    "Oracle",
    "Nginx",
    "Splunk",
    "PagerDuty",
    "Confluence",
    "Snowflake",
    "BigQuery",
    "Airflow",
    "Consul",
    "Nomad",
    "Ansible",
    "Puppet",
    "Webpack",
    "Django",
    "Rails",
    "Angular",
    "GraphQL",
    "Firebase",
    "Netlify",
];

/// What the messages are.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mix {
    /// None is a proposal; every fourth is an answer in a thread.
    Ordinary,
    /// Two in a hundred are proposals.
    Mixed,
    /// All are proposals, each about something else or in another channel.
    Proposals,
}

impl Mix {
    /// Whether the n-th message is a proposal.
    fn proposes(self, n: u64) -> bool {
        match self {
            Self::Ordinary => false,
            Self::Mixed => n.is_multiple_of(50),
            Self::Proposals => true,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Mixed => "2 % proposals",
            Self::Proposals => "all proposals",
        }
    }
}

/// How events were acknowledged.
pub(crate) struct Figures {
    /// From when each was due to its answer, sorted.
    times: Vec<Duration>,
    /// Not acknowledged, or not sent any more because too many were waiting.
    pub(crate) errors: u64,
    pub(crate) proposals: u64,
}

impl Figures {
    /// The time that so many of a thousand keep.
    pub(crate) fn at(&self, per_mille: usize) -> Duration {
        let last = self.times.len().saturating_sub(1);
        self.times.get((last * per_mille).div_ceil(1000)).copied().unwrap_or_default()
    }
}

/// Sends `per_second` events for so long. A slow answer doesn't slow the pace: Slack doesn't wait.
pub(crate) async fn pace(bench: &Arc<Bench>, mix: Mix, per_second: u64, seconds: u64) -> Figures {
    let total = per_second * seconds;
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tick = interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut on_their_way = JoinSet::new();
    let mut done = Vec::new();
    let begun = Instant::now();
    let mut sent = 0;
    while sent < total {
        tick.tick().await;
        done.extend(std::iter::from_fn(|| on_their_way.try_join_next()).map(Result::unwrap));
        // A second's worth is waiting: the program can't keep up, and the rest is not sent.
        if on_their_way.len() as u64 > per_second.max(AT_ONCE as u64) {
            break;
        }
        while sent < total {
            let (due, now) =
                (begun + Duration::from_micros(sent * 1_000_000 / per_second), Instant::now());
            if due > now {
                break;
            }
            let from = if now - due > TICK { due } else { now };
            let (bench, room, proposal) =
                (Arc::clone(bench), Arc::clone(&room), mix.proposes(sent));
            on_their_way.spawn(async move {
                let _room = room.acquire().await;
                let status = bench
                    .send(
                        event(proposal, bench.workspaces(), bench.slack.signing_secret())
                            .as_bytes(),
                    )
                    .await;
                (from.elapsed(), status)
            });
            sent += 1;
        }
    }
    done.extend(on_their_way.join_all().await);
    let failed = done.iter().filter(|(_, status)| *status != Some(200)).count() as u64;
    let mut times: Vec<Duration> = done.into_iter().map(|(took, _)| took).collect();
    times.sort();
    let proposals = (0..sent).filter(|n| mix.proposes(*n)).count() as u64;
    Figures { times, errors: failed + total - sent, proposals }
}

/// A message that was not sent before, as Slack sends it.
#[expect(clippy::disallowed_methods, reason = "signatures carry the machine's time")]
fn event(is_proposal: bool, workspaces: u64, secret: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let n = NUMBER.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let ts = format!("{now}.{:06}", n % 1_000_000);
    let mut said = json!({"type": "message", "channel_type": "channel", "user": MAYA, "ts": ts});
    let mut team = workspace(n % workspaces);
    if is_proposal {
        let (place, text);
        (team, place, text) = proposal(workspaces);
        (said["channel"], said["text"]) = (json!(place), json!(text));
    } else {
        said["channel"] = json!(BACKEND);
        said["text"] = json!(ORDINARY[(n % 4) as usize]);
        if n.is_multiple_of(4) {
            said["thread_ts"] = json!(format!("{}.{:06}", now - 600, n % 1_000_000));
        }
    }
    let body = json!({
        "type": "event_callback", "team_id": team, "event_id": format!("Ev{n}"), "event_time": now,
        "authorizations": [{"team_id": team, "is_bot": true, "is_enterprise_install": false}],
        "event": said,
    })
    .to_string();
    format!(
        "POST /slack/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nX-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: {}\r\nContent-Length: {}\r\n\r\n{body}",
        sign(secret, now, &body),
        body.len(),
    )
}

/// A proposal, its workspace and its channel. Each is another one: the bot speaks about a topic only once.
fn proposal(workspaces: u64) -> (String, String, String) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let n = NUMBER.fetch_add(1, Ordering::Relaxed);
    let left = LEFT[(n / CHANNELS) as usize % LEFT.len()];
    // A name of its own when all of them were said in all channels.
    let again = n / (CHANNELS * LEFT.len() as u64);
    let again = if again == 0 { String::new() } else { again.to_string() };
    let text = format!("let's move off {left}{again}, our mails land in spam");
    (workspace(n % workspaces), channel(n / workspaces % (CHANNELS / workspaces)), text)
}
